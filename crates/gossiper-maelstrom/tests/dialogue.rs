//! Sessions that talk to each other in lines: what one prints, another reads.

use std::collections::BTreeMap;
use std::time::Duration;

use gossiper_maelstrom::{Config, Instant, Mechanism, Session, Settings, Strategy};
use gossiper_wire::{Body, Envelope};

/// A cluster whose messages arrive at once, in order.
struct Cluster {
    names: Vec<String>,
    sessions: BTreeMap<String, Session>,
    now: Instant,
    /// Lines between nodes by the type of their body.
    kinds: BTreeMap<String, usize>,
    answers: Vec<String>,
}

impl Cluster {
    fn new(count: usize, strategy: Strategy) -> Self {
        let names: Vec<String> = (1..=count).map(|number| format!("n{number}")).collect();
        let mut cluster = Self {
            sessions: BTreeMap::new(),
            now: Instant::START,
            kinds: BTreeMap::new(),
            answers: Vec::new(),
            names,
        };
        for name in cluster.names.clone() {
            cluster.start(&name, strategy, 1);
        }
        cluster
    }

    fn start(&mut self, name: &str, strategy: Strategy, incarnation: u64) {
        let config = Config { strategy, ..Config::default() };
        let session = Session::new(Settings { config, seed: 7, incarnation });
        self.sessions.insert(name.to_owned(), session);
        let names = self.names.join(r#"",""#);
        self.ask(name, &format!(r#""type":"init","node_id":"{name}","node_ids":["{names}"]"#));
    }

    /// Sends a client's request and gives the answer's body back.
    fn ask(&mut self, name: &str, body: &str) -> String {
        let line = format!(r#"{{"src":"c1","dest":"{name}","body":{{{body},"msg_id":1}}}}"#);
        self.deliver(name, line.as_bytes());
        self.answers.pop().expect("a request is answered")
    }

    fn deliver(&mut self, name: &str, line: &[u8]) {
        let mut out = Vec::new();
        let session = self.sessions.get_mut(name).expect("it is up");
        session.on_line(self.now, line, &mut out);
        self.carry(&out);
    }

    fn carry(&mut self, out: &[u8]) {
        for line in out.split_inclusive(|&byte| byte == b'\n') {
            let envelope = Envelope::decode(line).expect("nodes print envelopes");
            let text = String::from_utf8(line.to_vec()).unwrap();
            assert!(!text.contains(r#""type": "error""#), "{text}");
            if envelope.dest.starts_with('c') {
                self.answers.push(text);
                continue;
            }
            *self.kinds.entry(envelope.kind().unwrap().to_owned()).or_default() += 1;
            let dest = envelope.dest.to_string();
            if self.sessions.contains_key(&dest) {
                self.deliver(&dest, line);
            }
        }
    }

    fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let due = self
                .sessions
                .iter()
                .filter_map(|(name, session)| Some((session.next_wakeup()?, name.clone())));
            let Some((at, name)) = due.min().filter(|&(at, _)| at <= end) else { break };
            self.now = at.max(self.now);
            let mut out = Vec::new();
            self.sessions.get_mut(&name).unwrap().on_wakeup(self.now, &mut out);
            self.carry(&out);
        }
        self.now = end;
    }

    fn values_at(&mut self, name: &str) -> Vec<String> {
        let answer = self.ask(name, r#""type":"read""#);
        let envelope = Envelope::decode(answer.as_bytes()).unwrap();
        let Ok(Body::ReadOk { messages }) = envelope.body() else { panic!("{answer}") };
        let mut values: Vec<String> =
            messages.values().unwrap().iter().map(|value| value.text().to_owned()).collect();
        values.sort();
        values
    }

    fn count(&self, kind: &str) -> usize {
        self.kinds.get(kind).copied().unwrap_or(0)
    }
}

fn broadcast_each(cluster: &mut Cluster, values: std::ops::Range<usize>) {
    for value in values {
        let name = cluster.names[value % cluster.names.len()].clone();
        cluster.ask(&name, &format!(r#""type":"broadcast","message":{value}"#));
    }
}

#[test]
fn all_nodes_agree_with_every_strategy() {
    for strategy in [Strategy::Flood, Strategy::Tree, Strategy::Gossip, Strategy::Hybrid] {
        let mut cluster = Cluster::new(6, strategy);
        broadcast_each(&mut cluster, 0..30);
        cluster.run_for(Duration::from_secs(10));
        let expected = cluster.values_at("n1");
        assert_eq!(expected.len(), 30);
        for name in cluster.names.clone() {
            assert_eq!(cluster.values_at(&name), expected, "{strategy:?} at {name}");
        }
    }
}

#[test]
fn a_link_moves_to_the_dialect_and_then_agreement_costs_one_small_message_a_round() {
    let mut cluster = Cluster::new(3, Strategy::Hybrid);
    let line = r#""type":"topology","topology":{"n1":["n2"],"n2":["n3"]}"#;
    for name in cluster.names.clone() {
        cluster.ask(&name, line);
    }
    broadcast_each(&mut cluster, 0..30);
    cluster.run_for(Duration::from_secs(30));
    assert!(cluster.count("gossip_summary") > 0);
    cluster.kinds.clear();
    cluster.run_for(Duration::from_secs(10));
    // Two peers a node and round, and everybody agrees with everybody.
    assert_eq!(cluster.kinds, BTreeMap::from([("gossip_summary".to_owned(), 3 * 2 * 10)]));
}

#[test]
fn what_is_missing_comes_by_digest_and_delta() {
    let mut cluster = Cluster::new(2, Strategy::Gossip);
    broadcast_each(&mut cluster, 0..20);
    cluster.run_for(Duration::from_secs(20));
    for name in ["n1", "n2"] {
        let other = if name == "n1" { "n2" } else { "n1" };
        cluster.ask(name, &format!(r#""type":"partition","blocked":["{other}"]"#));
    }
    broadcast_each(&mut cluster, 20..30);
    cluster.run_for(Duration::from_secs(5));
    assert_eq!(cluster.values_at("n1").len(), 25);
    cluster.kinds.clear();
    for name in ["n1", "n2"] {
        cluster.ask(name, r#""type":"heal""#);
    }
    cluster.run_for(Duration::from_secs(1));
    assert_eq!(cluster.values_at("n1").len(), 30);
    assert_eq!(cluster.values_at("n2").len(), 30);
    assert_eq!(cluster.count("gossip_sync"), 0, "{:?}", cluster.kinds);
    assert_eq!(cluster.count("gossip_delta"), 2, "{:?}", cluster.kinds);
}

#[test]
fn a_node_that_comes_back_empty_catches_up_and_reuses_no_id() {
    let mut cluster = Cluster::new(3, Strategy::Hybrid);
    broadcast_each(&mut cluster, 0..30);
    cluster.run_for(Duration::from_secs(20));
    cluster.start("n2", Strategy::Hybrid, 2);
    cluster.ask("n2", r#""type":"broadcast","message":"after""#);
    cluster.run_for(Duration::from_secs(20));
    let expected = cluster.values_at("n1");
    assert_eq!(expected.len(), 31);
    assert_eq!(cluster.values_at("n2"), expected);
    assert_eq!(cluster.values_at("n3"), expected);
}

#[test]
fn nodes_of_different_strategies_work_together() {
    let mut cluster = Cluster::new(1, Strategy::Hybrid);
    cluster.names = ["n1", "n2", "n3", "n4", "n5"].map(String::from).to_vec();
    let strategies =
        [Strategy::Hybrid, Strategy::Flood, Strategy::Tree, Strategy::Gossip, Strategy::Hybrid];
    for (name, strategy) in cluster.names.clone().iter().zip(strategies) {
        cluster.start(name, strategy, 2);
    }
    broadcast_each(&mut cluster, 0..25);
    cluster.run_for(Duration::from_secs(30));
    for name in cluster.names.clone() {
        assert_eq!(cluster.values_at(&name).len(), 25, "{name}");
    }
}

#[test]
fn answers_to_peers_count_as_messages_to_peers() {
    let mut cluster = Cluster::new(2, Strategy::Hybrid);
    let line = br#"{"src":"n2","dest":"n1","body":{"type":"digest","msg_id":5}}"#;
    cluster.sessions.remove("n2");
    cluster.deliver("n1", line);
    let stats = cluster.ask("n1", r#""type":"gossip_stats""#);
    assert!(stats.contains(r#""gossip_messages_sent": 1,"#), "{stats}");
}

#[test]
fn a_node_that_is_blocked_before_it_is_known_stays_blocked() {
    let mut cluster = Cluster::new(1, Strategy::Hybrid);
    cluster.ask("n1", r#""type":"partition","blocked":["n9"]"#);
    cluster.ask("n1", r#""type":"topology","topology":{"n1":["n9"]}"#);
    cluster.ask("n1", r#""type":"broadcast","message":1"#);
    let status = cluster.ask("n1", r#""type":"partition_status""#);
    assert!(status.contains(r#""messages_dropped": 1,"#), "{status}");
    assert_eq!(cluster.kinds, BTreeMap::new());
}

#[test]
fn only_members_speak_the_dialect() {
    let settings = Settings::default();
    let mut session = Session::new(settings);
    let mut out = Vec::new();
    for line in [
        r#"{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}}"#,
        r#"{"src":"c1","dest":"n1","body":{"type":"gossip_digest","msg_id":2,"streams":[["x",1,5,[]]],"answer":true}}"#,
    ] {
        out.clear();
        session.on_line(Instant::START, line.as_bytes(), &mut out);
    }
    let answer = String::from_utf8(out).unwrap();
    assert!(answer.contains(r#""type": "error", "code": 10"#), "{answer}");
}

#[test]
fn rumors_of_more_strangers_than_have_names_are_kept_without_theirs() {
    let mut cluster = Cluster::new(2, Strategy::Gossip);
    let names: Vec<String> = (0..65_536).map(|name| format!(r#"["x{name}",1,0,[]]"#)).collect();
    let digest = |streams: &str| {
        format!(
            r#"{{"src":"n2","dest":"n1","body":{{"type":"gossip_digest","streams":[{streams}],"answer":false,"gossiper":1}}}}"#
        )
    };
    cluster.deliver("n1", digest(&names.join(",")).as_bytes());
    let delta = r#"{"src":"n2","dest":"n1","body":{"type":"gossip_delta","rumors":[["y",1,1,0,42]],"gossiper":1}}"#;
    cluster.deliver("n1", delta.as_bytes());
    assert_eq!(cluster.values_at("n1"), ["42"]);
}

#[test]
fn without_the_dialect_its_messages_are_answered_as_any_unknown_type_is() {
    let config = Config { without: Mechanism::Dialect.into(), ..Config::default() };
    let mut session = Session::new(Settings { config, seed: 7, incarnation: 1 });
    let mut out = Vec::new();
    for body in [
        r#""type":"init","msg_id":1,"node_id":"n1","node_ids":["n1","n2"]"#,
        r#""type":"gossip_summary","msg_id":2,"summary":"00000000000000ff","count":3,"gossiper":1"#,
    ] {
        out.clear();
        let line = format!(r#"{{"src":"n2","dest":"n1","body":{{{body}}}}}"#);
        session.on_line(Instant::START, line.as_bytes(), &mut out);
    }
    let answer = String::from_utf8(out).unwrap();
    assert!(answer.contains(r#""type": "error", "code": 10"#), "{answer}");
    assert!(answer.contains(r#""in_reply_to": 2"#), "{answer}");
    assert!(!answer.contains("gossiper"), "nor is the dialect announced: {answer}");
}
