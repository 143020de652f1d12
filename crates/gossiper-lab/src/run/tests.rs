//! Runs of nodes in memory, in virtual time: every figure counted by hand.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gossiper_core::Instant;
use serde_json::{Value, json};

use super::*;
use crate::fault::FaultPlan;
use crate::network::{Distribution, Latency};
use crate::topology::Topology;
use crate::verdict::Verdict;

/// What a node does with a message: the bodies that it sends, each with its receiver.
type Behavior = fn(&mut Memory, &str, &Value) -> Vec<(String, Value)>;

/// What a node remembers.
#[derive(Default)]
struct Memory {
    name: String,
    peers: Vec<String>,
    values: BTreeSet<i64>,
}

/// A journal that can be read afterwards.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Nodes that answer in no time.
struct Cluster {
    run: Run,
    nodes: Vec<Option<Memory>>,
    behavior: Behavior,
    net: Shared,
    said: Vec<String>,
    paused: BTreeSet<usize>,
    held: Vec<(usize, Arc<[u8]>)>,
}

fn config(nodes: usize) -> RunConfig {
    RunConfig {
        nodes: RunConfig::node_names(Some(nodes)),
        workload: Workload::Broadcast,
        time_limit: Duration::from_secs(20),
        rate_hz: 20.0,
        concurrency: nodes,
        latency: Latency { mean_ms: 100, distribution: Distribution::Constant },
        topology: Topology::Line,
        faults: FaultPlan::new(nodes, Vec::new()).unwrap(),
        availability_min: None,
        seed: 1,
        probes: true,
        log_net_send: false,
        log_net_recv: false,
    }
}

fn plan(nodes: usize, text: &str) -> FaultPlan {
    FaultPlan::from_json(text, nodes).unwrap()
}

impl Cluster {
    fn new(config: RunConfig, behavior: Behavior) -> Self {
        let net = Shared::default();
        let nodes = (0..config.nodes.len()).map(|_| None).collect();
        let run = Run::new(config, Box::new(net.clone())).unwrap();
        let (said, paused, held) = (Vec::new(), BTreeSet::new(), Vec::new());
        Self { run, nodes, behavior, net, said, paused, held }
    }

    /// Plays to the end, or until a moment of the host's clock.
    fn play_until(&mut self, end: Instant) {
        let mut now = Instant::START;
        while self.run.phase() != Phase::Over {
            self.carry_out(now);
            let Some(next) = self.run.next_event().filter(|&next| next <= end) else { break };
            now = now.max(next);
            self.run.advance(now);
        }
        self.carry_out(now);
    }

    fn carry_out(&mut self, now: Instant) {
        let mut orders = Vec::new();
        self.run.take_orders(&mut orders);
        while !orders.is_empty() {
            for order in orders.drain(..) {
                match order {
                    Order::Start(node) => self.nodes[node] = Some(Memory::default()),
                    Order::Kill(node) => self.nodes[node] = None,
                    Order::Write { node, line, .. } if self.paused.contains(&node) => {
                        self.held.push((node, line));
                    }
                    Order::Write { node, line, .. } => self.on_line(now, node, &line),
                    Order::Pause(node) => drop(self.paused.insert(node)),
                    Order::Resume(node) => {
                        self.paused.remove(&node);
                        for (_, line) in
                            self.held.extract_if(.., |(held, _)| *held == node).collect::<Vec<_>>()
                        {
                            self.on_line(now, node, &line);
                        }
                    }
                    Order::Say(text) => self.said.push(text),
                }
            }
            self.run.take_orders(&mut orders);
        }
    }

    fn on_line(&mut self, now: Instant, node: usize, line: &[u8]) {
        let Some(memory) = &mut self.nodes[node] else { return };
        let message: Value = serde_json::from_slice(line).unwrap();
        let (src, body) = (message["src"].as_str().unwrap(), &message["body"]);
        for (dest, body) in (self.behavior)(memory, src, body) {
            let line = match body {
                Value::String(text) => text,
                body => json!({"src": memory.name, "dest": dest, "body": body}).to_string(),
            };
            self.run.on_line(now, node, line.as_bytes());
        }
    }

    fn finish(self) -> (Results, Files, Vec<Value>) {
        let (results, files) = self.run.finish(About::default());
        let net = self.net.0.lock().unwrap();
        let lines = net.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        (results, files, lines.map(|line| serde_json::from_slice(line).unwrap()).collect())
    }
}

fn play(config: RunConfig, behavior: Behavior) -> (Results, Files, Vec<Value>) {
    let mut cluster = Cluster::new(config, behavior);
    cluster.play_until(Instant(u64::MAX));
    cluster.finish()
}

fn reply(body: &Value, kind: &str) -> Value {
    json!({"type": kind, "in_reply_to": body["msg_id"]})
}

/// Sends what a client gives it to everybody at once.
fn straight(memory: &mut Memory, src: &str, body: &Value) -> Vec<(String, Value)> {
    let kind = body["type"].as_str().unwrap();
    let mut out = Vec::new();
    let answer = |kind| vec![(src.to_owned(), reply(body, kind))];
    match kind {
        "init" => {
            memory.name = body["node_id"].as_str().unwrap().into();
            let all = body["node_ids"].as_array().unwrap().iter();
            memory.peers = all.map(|name| name.as_str().unwrap().to_owned()).collect();
            memory.peers.retain(|peer| *peer != memory.name);
            out = answer("init_ok");
        }
        "topology" => out = answer("topology_ok"),
        "broadcast" => {
            memory.values.insert(body["message"].as_i64().unwrap());
            if !body["msg_id"].is_null() {
                out = answer("broadcast_ok");
                let push = json!({"type": "broadcast", "message": body["message"]});
                out.extend(memory.peers.iter().map(|peer| (peer.clone(), push.clone())));
            }
        }
        "read" => {
            let mut body = reply(body, "read_ok");
            body["messages"] = json!(memory.values);
            out.push((src.to_owned(), body));
        }
        "echo" => {
            let mut answer = reply(body, "echo_ok");
            answer["echo"] = body["echo"].clone();
            out.push((src.to_owned(), answer));
        }
        other => panic!("{other}"),
    }
    out
}

fn broadcasts(results: &Results) -> u64 {
    results.figures.set.attempted
}

#[test]
fn straight_nodes_take_one_latency_and_n_minus_one_messages() {
    let (results, files, net) = play(config(4), straight);
    let figures = &results.figures;
    assert_eq!(figures.valid, Verdict::Valid, "{:?}", results.reasons);
    let values = broadcasts(&results);
    assert!(values > 100, "{values}");
    assert_eq!(figures.net.servers.messages, 3 * values);
    // Two a node in the set-up, and two an operation.
    assert_eq!(figures.net.clients.messages, 4 * 4 + 2 * figures.ops.invoked);
    assert_eq!(figures.ops.ok, figures.ops.invoked);
    let propagation = figures.propagation_ms.unwrap();
    assert_eq!((propagation.min, propagation.max), (100.0, 100.0));
    assert_eq!(figures.ideal_ms, figures.propagation_ms);
    let excess = figures.excess_ms.unwrap();
    assert_eq!((excess.min, excess.max), (0.0, 0.0));
    assert!(figures.stable_latency_ms.unwrap().max < 100);
    assert_eq!(figures.set.stable, values);
    assert_eq!(net.len() as u64, figures.net.servers.messages + figures.net.clients.messages);
    assert_eq!(files.values.len() as u64, values);
    assert!(results.nodes.iter().all(|node| u64::from(node.values) == values));
}

#[test]
fn the_phases_are_those_of_maelstrom() {
    let (results, ..) = play(config(3), straight);
    let phases = results.phases_ms;
    assert_eq!((phases.main, phases.drain), (Some(0.0), Some(20_000.0)));
    // An operation waits for its node's input thread, one latency at most.
    let quiet = phases.quiet.unwrap();
    assert!((20_000.0..=20_100.0).contains(&quiet), "{quiet}");
    assert_eq!(phases.last_reads, Some(quiet + 10_000.0));
    assert!(phases.end.unwrap() <= quiet + 10_100.0);
}

#[test]
fn the_same_seed_is_the_same_run_and_another_is_another() {
    let net = |seed| play(RunConfig { seed, ..config(3) }, straight).2;
    assert_eq!(net(1), net(1));
    assert_ne!(net(1), net(2));
}

#[test]
fn without_a_broadcast_nothing_is_known() {
    let (results, ..) = play(RunConfig { rate_hz: 0.0, ..config(2) }, straight);
    assert_eq!(results.figures.valid, Verdict::Unknown);
    assert_eq!(results.figures.net.servers.msgs_per_op, Some(0.0));
}

#[test]
fn a_partition_loses_what_is_sent_once_and_the_ideal_waits_for_the_heal() {
    let faults = plan(
        3,
        r#"[{"at_ms":0,"start":"partition","shape":"one","side":[1]},
            {"at_ms":5000,"stop":"partition"}]"#,
    );
    let (results, files, net) = play(RunConfig { faults, ..config(3) }, straight);
    assert_eq!(results.figures.valid, Verdict::Invalid);
    assert!(results.figures.set.lost > 0);
    let cut = net.iter().filter(|line| line["fate"] == "cut").count() as u64;
    assert!(cut > 0);
    assert_eq!(cut, results.nodes.iter().map(|node| node.dropped.cut).sum::<u64>());
    let early = &files.values[0];
    let ideal = early.ideal_ms.unwrap();
    assert!((early.arrived_ms + ideal - 5_100.0).abs() < 0.01, "{early:?}");
    assert_eq!(early.propagation_ms, None, "one node never has it");
    assert_eq!(files.faults.events().len(), 3, "the two, and the last heal");
}

#[test]
fn a_killed_node_starts_anew_and_what_it_alone_had_is_orphaned() {
    // Alone, so that nothing that it acknowledges can leave.
    let faults = plan(
        2,
        r#"[{"at_ms":0,"start":"partition","shape":"one","side":[1]},
            {"at_ms":4000,"start":"kill","nodes":[1]}, {"at_ms":6000,"stop":"kill"}]"#,
    );
    let (results, files, net) = play(RunConfig { faults, ..config(2) }, straight);
    let set = results.figures.set;
    assert!(set.orphaned > 0);
    let orphaned: Vec<u32> = files
        .values
        .iter()
        .filter(|line| line.fate == crate::verdict::Fate::Orphaned)
        .map(|line| line.value)
        .collect();
    assert!(
        files
            .values
            .iter()
            .filter(|line| orphaned.contains(&line.value))
            .all(|line| { line.node == "n1" && line.arrived_ms < 4_000.0 && line.acknowledged })
    );
    let inits = net.iter().filter(|line| line["type"] == "init").count();
    assert_eq!(inits, 3, "two nodes, one of them twice");
    assert_eq!(results.nodes[1].kills, 1);
    assert!(results.figures.ops.unknown + results.figures.ops.failed > 0);
}

#[test]
fn orphaned_values_alone_do_not_make_a_run_invalid() {
    let faults =
        plan(1, r#"[{"at_ms":4000,"start":"kill","nodes":[0]}, {"at_ms":6000,"stop":"kill"}]"#);
    let (results, ..) = play(RunConfig { faults, ..config(1) }, straight);
    let set = results.figures.set;
    assert_eq!(results.figures.valid, Verdict::Valid, "{:?}", results.reasons);
    assert!(set.orphaned > 10 && set.stable > 10 && set.lost == 0, "{set:?}");
}

#[test]
fn a_paused_node_gets_everything_when_it_goes_on() {
    let faults =
        plan(2, r#"[{"at_ms":1000,"start":"pause","nodes":[1]}, {"at_ms":9000,"stop":"pause"}]"#);
    let (results, files, _) = play(RunConfig { faults, ..config(2) }, straight);
    assert_eq!(results.figures.valid, Verdict::Valid, "{:?}", results.reasons);
    let during = files
        .values
        .iter()
        .find(|line| line.node == "n0" && (1_000.0..8_800.0).contains(&line.arrived_ms))
        .unwrap();
    let ideal = during.ideal_ms.unwrap();
    assert!((during.arrived_ms + ideal - 9_000.0).abs() < 0.01, "{during:?}");
    // A message that is handed to a node that stands still comes to it when it goes on, and not
    // before what is possible; be it longer than the lab waits for an answer.
    let excess = |line: &results::ValueLine| line.excess_ms.unwrap();
    assert!(files.values.iter().all(|line| excess(line) > -0.01), "{:?}", files.values);
    assert!(excess(during) < 0.01, "{during:?}");
}

#[test]
fn a_node_that_answers_twice_is_caught() {
    let (results, ..) = play(config(2), |memory, src, body| {
        let mut out = straight(memory, src, body);
        if body["type"] == "broadcast" {
            out.extend(out.first().cloned());
        }
        out
    });
    assert_eq!(results.figures.valid, Verdict::Invalid);
    assert!(results.reasons.iter().any(|r| r.contains("answered before")), "{:?}", results.reasons);
}

#[test]
fn prose_strangers_and_false_names_are_caught_and_told_at_once() {
    for (line, told) in [
        ("Hello!", "Hello!"),
        (r#"{"src":"n1","dest":"n9","body":{"type":"x"}}"#, "n9"),
        (r#"{"src":"n0","dest":"n1","body":{"type":"x"}}"#, "n0"),
        (r#"{"src":"n1","dest":"c0","body":{"type":"x"}}"#, "in_reply_to"),
    ] {
        let mut cluster = Cluster::new(config(2), straight);
        cluster.play_until(Instant(1_000_000_000));
        for _ in 0..3 {
            cluster.run.on_line(cluster.run.now, 1, line.as_bytes());
        }
        cluster.carry_out(cluster.run.now);
        assert_eq!(cluster.said.len(), 1, "{:?}", cluster.said);
        assert!(cluster.said[0].contains(told), "{:?}", cluster.said);
        cluster.play_until(Instant(u64::MAX));
        let (results, ..) = cluster.finish();
        assert_eq!(results.figures.valid, Verdict::Invalid, "{line}");
    }
}

#[test]
fn a_node_that_ends_by_itself_ends_the_run_with_its_last_words() {
    let mut cluster = Cluster::new(config(2), straight);
    cluster.play_until(Instant(2_000_000_000));
    cluster.run.on_exit(Instant(2_000_000_000), 1, "exit code 3", "panic: so be it\n");
    assert_eq!(cluster.run.phase(), Phase::Over);
    let (results, ..) = cluster.finish();
    assert!(results.is_crash);
    assert_eq!(results.figures.valid, Verdict::Invalid);
    let first = &results.reasons[0];
    assert!(
        first.contains("n1 ended by itself (exit code 3)") && first.contains("so be it"),
        "{first}"
    );
    let told = results.reasons.iter().filter(|reason| reason.contains("ended by itself")).count();
    assert_eq!(told, 1, "{:?}", results.reasons);
}

#[test]
fn a_node_that_does_not_answer_init_ends_the_run() {
    let mut cluster = Cluster::new(config(2), |_, _, _| Vec::new());
    cluster.play_until(Instant(u64::MAX));
    assert_eq!(cluster.run.blamed(), Some(0));
    cluster.run.on_last_lines("waiting\n\u{1b}[2Jfor what?\n");
    let (results, ..) = cluster.finish();
    assert!(results.is_crash);
    let first = &results.reasons[0];
    assert!(first.contains("n0 did not answer `init` within 10 s"), "{first}");
    assert!(first.ends_with("stderr:\nwaiting\n\\u{1b}[2Jfor what?"), "{first}");
    assert_eq!(results.phases_ms.main, None);
}

#[test]
fn an_interrupted_run_is_unknown_and_keeps_what_was_measured() {
    let mut cluster = Cluster::new(config(2), straight);
    cluster.play_until(Instant(3_000_000_000));
    cluster.run.interrupt(Instant(3_000_000_000));
    let (results, ..) = cluster.finish();
    assert_eq!(results.figures.valid, Verdict::Unknown);
    assert!(results.reasons[0].contains("interrupted after 3.0 s"), "{:?}", results.reasons);
    assert!(results.figures.ops.ok > 0);
    assert_eq!(results.figures.set.lost, 0);
}

#[test]
fn echo_is_judged_by_its_text_and_has_no_quiet() {
    let echo = RunConfig { workload: Workload::Echo, ..config(2) };
    let (results, ..) = play(echo.clone(), straight);
    assert_eq!(results.figures.valid, Verdict::Valid, "{:?}", results.reasons);
    assert_eq!(results.phases_ms.quiet, None);
    let (results, ..) = play(echo, |memory, src, body| {
        let mut out = straight(memory, src, body);
        if body["type"] == "echo" {
            out[0].1["echo"] = json!("something else");
        }
        out
    });
    assert_eq!(results.figures.valid, Verdict::Invalid);
    assert!(results.reasons[0].contains("something else"), "{:?}", results.reasons);
}

#[test]
fn operations_that_nobody_answers_are_given_up_after_five_seconds() {
    let (results, ..) = play(config(2), |memory, src, body| match body["type"].as_str() {
        Some("init" | "topology") => straight(memory, src, body),
        _ => Vec::new(),
    });
    let ops = results.figures.ops;
    assert_eq!((ops.ok, ops.failed + ops.unknown), (0, ops.invoked));
    // Two workers, each at most one operation in five seconds, and two last reads.
    assert!((8..=10).contains(&ops.invoked), "{ops:?}");
    let told = format!("n0, n1 did not answer {} operations within 5 s", ops.invoked);
    assert!(results.reasons.iter().any(|r| r.contains(&told)), "{:?}", results.reasons);
    assert_eq!(results.figures.valid, Verdict::Unknown, "{:?}", results.reasons);
}

#[test]
fn what_a_node_prints_when_it_is_killed_is_void() {
    let faults = plan(2, r#"[{"at_ms":1000,"start":"kill","nodes":[1]}]"#);
    let mut cluster = Cluster::new(RunConfig { faults, ..config(2) }, straight);
    cluster.play_until(Instant(999_000_000));
    let kill = cluster.run.main_since().unwrap() + Duration::from_secs(1);
    cluster.run.on_line(kill, 1, b"last words");
    cluster.carry_out(kill);
    cluster.run.on_line(kill, 1, b"and more");
    assert!(cluster.run.misconducts().list().is_empty());
}

#[test]
fn a_restarted_node_is_told_its_neighbors_before_anything_is_asked_of_it() {
    let faults =
        plan(2, r#"[{"at_ms":1000,"start":"kill","nodes":[1]}, {"at_ms":2000,"stop":"kill"}]"#);
    let mut run = Run::new(RunConfig { faults, ..config(2) }, Box::new(io::sink())).unwrap();
    let mut kinds = Vec::new();
    let mut now = Instant::START;
    // Nobody answers but to init and topology, and the restarted node not even to those.
    while run.phase() != Phase::Drain {
        let mut orders = Vec::new();
        run.take_orders(&mut orders);
        for order in orders {
            match order {
                Order::Start(1) => kinds.clear(),
                Order::Write { node, line, .. } => {
                    let message: Value = serde_json::from_slice(&line).unwrap();
                    let body = &message["body"];
                    let kind = body["type"].as_str().unwrap();
                    if node == 1 {
                        kinds.push(kind.to_owned());
                    }
                    if run.phase() == Phase::SetUp {
                        let body = reply(body, &format!("{kind}_ok"));
                        let src = format!("n{node}");
                        let line = json!({"src": src, "dest": message["src"], "body": body});
                        run.on_line(now, node, line.to_string().as_bytes());
                    }
                }
                _ => {}
            }
        }
        let Some(next) = run.next_event().filter(|next| next.0 < 12_000_000_000) else { break };
        now = now.max(next);
        run.advance(now);
    }
    assert_eq!(kinds[..2], ["init", "topology"]);
    assert!(kinds.len() > 2, "{kinds:?}");
}

#[test]
fn what_a_run_leaves_can_be_shown_whatever_became_of_its_values() {
    let faults = plan(
        3,
        // The last worker's final read tells most, so it is its node that is hit.
        r#"[{"at_ms":0,"start":"partition","shape":"one","side":[2]},
            {"at_ms":4000,"start":"kill","nodes":[2]}, {"at_ms":6000,"stop":"all"}]"#,
    );
    let folder = std::env::temp_dir().join(format!("gossiper-run-test-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let net = std::fs::File::create(folder.join("net.jsonl")).unwrap();
    let mut cluster = Cluster::new(RunConfig { faults, ..config(3) }, straight);
    cluster.run.journal = Journal::new(RunConfig::node_names(Some(3)), Box::new(net));
    cluster.play_until(Instant(u64::MAX));
    let (results, files) = cluster.run.finish(About::default());
    let set = results.figures.set;
    assert!(set.orphaned > 0 && set.lost > 0 && set.stable > 0, "{set:?}");
    assert!(results.incomplete >= set.lost);
    results.write(&folder).unwrap();
    files.write(&folder).unwrap();
    let report = crate::report::write(&folder).unwrap();
    assert!(std::fs::read_to_string(report).unwrap().contains("orphaned"));
    std::fs::remove_dir_all(folder).unwrap();
}
