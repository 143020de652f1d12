//! Pushes on a computed tree: one input, the exact outbox; and whole clusters under faults.

mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use gossiper_core::{
    Acked, Config, DIALECT, Input, Instant, Message, MessageId, Node, NodeId, Output, Payload,
    Push, Rumor, RumorId, Strategy, Summary, Topology,
};
use proptest::prelude::{
    Just, ProptestConfig, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use proptest::strategy::Strategy as _;
use support::bench::{Bench, pushes};
use support::{Cluster, Network, config, grid_links};

impl Bench {
    fn new(me: u64, members: u64) -> Self {
        let config = Config { gossip_interval: Duration::from_secs(3_600), ..Config::default() };
        Self::with(me, members, config)
    }

    fn broadcast(&mut self, value: &str) -> Vec<(u64, Push)> {
        pushes(self.give(Input::Broadcast(payload(value))))
    }

    /// Waits until the node wants to be woken, and wakes it.
    fn wake(&mut self) -> (u64, Vec<Output>) {
        let before = self.now;
        self.now = self.node.next_wakeup().expect("something is due").max(self.now);
        ((self.now - before).as_millis() as u64, self.give(Input::Wakeup))
    }
}

fn payload(value: &str) -> Payload {
    Payload::new(value.as_bytes())
}

fn rumor(origin: u64, sequence: u64, hops: u32, value: &str) -> Rumor {
    let id = RumorId { origin: NodeId(origin), incarnation: 1, sequence };
    Rumor { id: Some(id), hops, payload: payload(value) }
}

fn values(push: &Push) -> Vec<String> {
    let text = |rumor: &Rumor| String::from_utf8(rumor.payload.bytes().to_vec()).unwrap();
    push.rumors.iter().map(text).collect()
}

/// What the relay pushes to a leaf.
fn from_relay(number: u64, rumors: Vec<Rumor>, acked: Option<Acked>) -> Message {
    let summary = Summary { hash: 1, count: 1 };
    let push = Push { incarnation: 9, number, floor: 1, rumors, acked, summary, ..Push::default() };
    Message::Push(Box::new(push))
}

fn acked(upto: u64) -> Option<Acked> {
    Some(Acked { incarnation: 1, upto, beyond: vec![] })
}

#[test]
fn a_leaf_pushes_to_the_relay_alone_and_says_so() {
    let mut leaf = Bench::new(3, 5);
    let sent = leaf.broadcast("7");
    let [(0, push)] = &sent[..] else { panic!("{sent:?}") };
    let expected = Push {
        incarnation: 1,
        number: 1,
        floor: 1,
        acked: None,
        summary: push.summary,
        uplink: Some(NodeId(0)),
        asks: false,
        rumors: vec![rumor(3, 1, 0, "7")],
        streams: None,
    };
    assert_eq!(*push, expected);
    assert_eq!(push.summary.count, 1);
}

#[test]
fn the_relay_pushes_to_all_but_the_source_and_then_waits_for_its_pace() {
    let mut relay = Bench::new(0, 5);
    let first = pushes(relay.receive(3, from_relay(1, vec![rumor(3, 1, 0, "a")], None)));
    let receivers: Vec<u64> = first.iter().map(|(to, _)| *to).collect();
    assert_eq!(receivers, [1, 2, 4]);
    assert!(first.iter().all(|(_, push)| push.rumors == [rumor(3, 1, 1, "a")]));
    assert_eq!(relay.broadcast("b"), []);
    assert_eq!(relay.broadcast("c"), []);
    let (waited_ms, outputs) = relay.wake();
    assert_eq!(waited_ms, 110);
    let sent = pushes(outputs);
    assert_eq!(sent.len(), 4);
    assert!(sent.iter().all(|(_, push)| values(push) == ["b", "c"]));
}

#[test]
fn an_acknowledgement_rides_and_goes_alone_only_after_a_pause() {
    let mut leaf = Bench::new(3, 5);
    leaf.receive(0, from_relay(1, vec![rumor(1, 1, 1, "a")], None));
    let sent = leaf.broadcast("7");
    let one = Some(Acked { incarnation: 9, upto: 1, beyond: vec![] });
    assert_eq!(sent[0].1.acked, one);
    leaf.receive(0, from_relay(2, vec![rumor(1, 2, 1, "b")], acked(1)));
    let (waited_ms, outputs) = leaf.wake();
    let sent = pushes(outputs);
    assert_eq!((waited_ms, sent.len(), sent[0].1.is_numbered()), (250, 1, false));
    assert_eq!(sent[0].1.acked.as_ref().unwrap().upto, 2);
}

#[test]
fn a_gap_is_told_soon_and_what_was_in_it_is_pushed_again() {
    let mut leaf = Bench::new(3, 5);
    leaf.receive(0, from_relay(1, vec![rumor(1, 1, 1, "a")], None));
    leaf.receive(0, from_relay(3, vec![rumor(1, 3, 1, "c")], None));
    let (waited_ms, outputs) = leaf.wake();
    assert_eq!(waited_ms, 200);
    let told = pushes(outputs).remove(0).1.acked.unwrap();
    assert_eq!((told.upto, told.beyond), (1, vec![(3, 3)]));

    let mut relay = Bench::new(0, 3);
    for value in ["a", "b", "c"] {
        relay.broadcast(value);
        relay.now = relay.now + Duration::from_millis(250);
        relay.give(Input::Wakeup);
    }
    let lost = Some(Acked { incarnation: 1, upto: 1, beyond: vec![(3, 3)] });
    let again = pushes(relay.receive(1, from_relay(1, vec![], lost)));
    let to_one = again.iter().filter(|(to, _)| *to == 1);
    assert_eq!(to_one.map(|(_, push)| values(push)).collect::<Vec<_>>(), [["b"]]);
}

#[test]
fn a_silent_relay_is_passed_over_and_its_successors_get_what_it_did_not_acknowledge() {
    let mut leaf = Bench::new(3, 5);
    leaf.broadcast("7");
    let (waited_ms, outputs) = leaf.wake();
    assert_eq!(waited_ms, 500);
    let told = outputs.iter().any(|output| {
        matches!(output, Output::Undelivered { neighbor: NodeId(0), direct: 1.., .. })
    });
    assert!(told, "{outputs:?}");
    let sent = pushes(outputs);
    let heirs: Vec<u64> = sent.iter().map(|(to, _)| *to).collect();
    assert_eq!(heirs, [1, 2]);
    for (to, push) in &sent {
        assert_eq!((values(push), push.uplink), (vec!["7".to_owned()], Some(NodeId(*to))));
    }
}

#[test]
fn the_next_in_line_takes_over_for_all_when_the_relay_is_silent() {
    let mut second = Bench::new(1, 5);
    second.broadcast("7");
    let (_, outputs) = second.wake();
    let receivers: Vec<u64> = pushes(outputs).iter().map(|(to, _)| *to).collect();
    assert_eq!(receivers, [2, 3, 4]);
}

/// What a leaf tells of its uplink, under a number.
fn turned_to(uplink: u64, number: u64) -> Message {
    let (summary, uplink) = (Summary { hash: 1, count: 1 }, Some(NodeId(uplink)));
    let push = Push { incarnation: 9, number, floor: 1, summary, uplink, ..Push::default() };
    Message::Push(Box::new(push))
}

/// What the relay pushes next to one of its leaves.
fn pushed_to(bench: &mut Bench, leaf: u64) -> Vec<String> {
    bench.now = bench.now + Duration::from_millis(110);
    let pushed = pushes(bench.give(Input::Wakeup));
    pushed.iter().filter(|(to, _)| *to == leaf).flat_map(|(_, push)| values(push)).collect()
}

#[test]
fn what_a_neighbor_said_earlier_and_comes_later_is_not_news() {
    let mut relay = Bench::new(0, 5);
    relay.receive(3, turned_to(0, 3));
    relay.receive(3, turned_to(1, 2));
    let pushed = relay.broadcast("a").iter().map(|(to, _)| *to).collect::<Vec<_>>();
    assert_eq!(pushed, [1, 2, 3, 4], "3 turned to 1, and then came back");
}

#[test]
fn a_neighbor_that_turned_away_and_comes_back_gets_what_came_in_between() {
    let mut relay = Bench::new(0, 5);
    relay.broadcast("a");
    relay.receive(3, turned_to(1, 1));
    assert_eq!(relay.broadcast("b"), []);
    assert_eq!(pushed_to(&mut relay, 3), [""; 0], "it is another's now");
    relay.receive(3, turned_to(0, 2));
    assert_eq!(pushed_to(&mut relay, 3), ["b"]);
}

#[test]
fn a_suspect_that_answers_a_probe_is_the_uplink_again() {
    let mut leaf = Bench::new(3, 5);
    leaf.broadcast("7");
    leaf.wake();
    let probe = loop {
        let sent = pushes(leaf.wake().1);
        if let Some((_, push)) = sent.into_iter().find(|(to, _)| *to == 0) {
            break push;
        }
    };
    assert!(probe.asks && probe.streams.is_some());
    leaf.receive(0, from_relay(1, vec![], acked(probe.number)));
    leaf.now = leaf.now + Duration::from_secs(1);
    leaf.give(Input::Wakeup);
    let sent = leaf.broadcast("8");
    assert!(sent.iter().any(|(to, push)| *to == 0 && values(push).contains(&"8".to_owned())));
    assert!(sent.iter().all(|(_, push)| push.uplink == Some(NodeId(0))));
}

#[test]
fn without_a_pace_the_origin_pushes_to_all_and_nobody_passes_on() {
    let straight = || Config { pace: Duration::ZERO, ..Config::default() };
    let mut origin = Bench::with(3, 5, straight());
    let receivers: Vec<u64> = origin.broadcast("7").iter().map(|(to, _)| *to).collect();
    assert_eq!(receivers, [0, 1, 2, 4]);
    let mut other = Bench::with(0, 5, straight());
    assert_eq!(pushes(other.receive(3, from_relay(1, vec![rumor(3, 1, 0, "7")], None))), []);
}

#[test]
fn a_neighbor_that_never_answers_costs_no_memory_and_few_messages() {
    let config = Config {
        awaited_max: 100,
        gossip_interval: Duration::from_secs(3_600),
        ..Config::default()
    };
    let mut relay = Bench::with(0, 3, config);
    let end = relay.now + Duration::from_secs(600);
    let (mut messages, mut most, mut values) = (0, 0, 0);
    while relay.now < end {
        for _ in 0..20 {
            values += 1;
            messages += relay.broadcast(&values.to_string()).len();
        }
        let tick = relay.now + Duration::from_millis(100);
        while relay.node.next_wakeup().is_some_and(|due| due <= tick) {
            messages += relay.wake().1.len();
        }
        relay.now = tick;
        most = most.max(relay.node.awaited().forwards);
    }
    assert!(most <= 100, "{most} forwards awaited");
    assert_eq!(relay.node.awaited().forwards, 0, "who is suspected is not awaited");
    // To either of the two: some two seconds of pushes and log lines, and then a probe each
    // twentieth of the time that has passed, at least half of that apart: 200 ms up to 4 s, then 40
    // each time that e passes.
    let probes = 2.0 * 2.0 * (4.0 / 0.2 + 20.0 * (600.0_f64 / 4.0).ln() + 600.0 / 5.0);
    assert!((messages as f64) < probes + 200.0, "{messages} messages");
}

#[test]
fn what_is_awaited_on_a_tree_given_before_counts_as_well() {
    let config = Config { awaited_max: 4, ..Config::default() };
    let mut node = Bench::with(0, 3, config);
    let line = [(NodeId(0), vec![NodeId(1)]), (NodeId(1), vec![NodeId(2)])];
    let ring = [line[0].clone(), line[1].clone(), (NodeId(2), vec![NodeId(0)])];
    node.give(Input::Topology(Topology::new(NodeId(0), &line)));
    for value in ["a", "b", "c"] {
        node.broadcast(value);
    }
    assert_eq!(node.node.awaited().forwards, 3);
    node.give(Input::Topology(Topology::new(NodeId(0), &ring)));
    for value in ["d", "e", "f"] {
        node.broadcast(value);
    }
    assert_eq!(node.node.awaited().forwards, 4);
}

/// A neighbor that the bench plays: what it does while the node pushes to it for minutes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Neighbor {
    Silent,
    /// It pushes values of its own twice a second and acknowledges nothing.
    Heedless,
}

/// Nothing that is kept for such neighbors grows with what is broadcast: values that are owed or
/// awaited, pushes and plain messages in flight, names to be told and numbers beyond a gap.
#[test]
fn what_is_kept_for_a_neighbor_that_acknowledges_nothing_is_bounded() {
    for neighbor in [Neighbor::Silent, Neighbor::Heedless] {
        for is_plain in [false, true] {
            let [short, long] = [150, 400].map(|seconds| kept_for(neighbor, is_plain, seconds));
            // For each of two neighbors 256 numbers, 256 names and 32 probes, and what is awaited.
            assert!(long <= 2 * (256 + 256 + 32) + 100, "{neighbor:?}, {is_plain}: {long} entries");
            // By then the 256 numbers beyond a gap have come, and only probes come and go.
            assert!(long <= short + 100, "{neighbor:?}, {is_plain}: {short} entries, then {long}");
        }
    }
}

/// How many entries the links of a relay keep after so many seconds of 100 broadcasts each, at most
/// at any second of the last half minute.
fn kept_for(neighbor: Neighbor, is_plain: bool, seconds: u64) -> usize {
    let ids: Vec<NodeId> = (0..3).map(NodeId).collect();
    let config = Config {
        awaited_max: 100,
        gossip_interval: Duration::from_secs(3_600),
        ..Config::default()
    };
    let node = Node::new(NodeId(0), &ids, config, 1, 1, Instant::START);
    let mut bench = Bench { node, now: Instant::START };
    let ring: Vec<_> = (0..3).map(|id| (NodeId(id), vec![NodeId((id + 1) % 3)])).collect();
    bench.give(Input::Topology(Topology::new(NodeId(0), &ring)));
    let dialect = (!is_plain).then_some(DIALECT);
    let hear = |bench: &mut Bench, id: u64, message: Message| {
        let (from, id) = (NodeId(1), Some(MessageId(id)));
        bench.give(Input::Received { from, id, dialect, message });
    };
    hear(&mut bench, 0, Message::Ack { of: MessageId(999) });
    let (mut most, mut value) = (0, 0_u64);
    for second in 0..seconds {
        for half in 0..2 {
            for _ in 0..50 {
                value += 1;
                bench.give(Input::Broadcast(payload(&value.to_string())));
            }
            let number = second * 2 + half + 1;
            if neighbor == Neighbor::Heedless {
                let text = format!("\"{number}\"");
                let message = if is_plain {
                    Message::Broadcast { payload: payload(&text), hops: None, id: None }
                } else {
                    // Every other number never comes, so there is always a gap.
                    from_relay(number * 2, vec![rumor(1, number, 0, &text)], None)
                };
                hear(&mut bench, number, message);
            }
            let tick = bench.now + Duration::from_millis(500);
            while bench.node.next_wakeup().is_some_and(|due| due <= tick) {
                bench.wake();
            }
            bench.now = tick;
            assert!(bench.node.awaited().forwards <= 100);
        }
        if second + 30 >= seconds {
            most = most.max(entries(&bench.node));
        }
    }
    most
}

/// The entries of all collections that the links hold: each is a value's index, a push or a number.
fn entries(node: &Node) -> usize {
    let text = format!("{node:?}");
    let links = &text[text.find("relay: Relay").expect("a node has a relay")..];
    ["ValueIx(", "Sent {", "Plain {"]
        .iter()
        .map(|entry| links.matches(entry).count())
        .sum::<usize>()
        + window_numbers(links)
}

fn window_numbers(links: &str) -> usize {
    let windows = links.split("window: Window {").skip(1);
    let beyond = windows.filter_map(|window| {
        window.split_once("beyond: {")?.1.split_once('}').map(|(numbers, _)| numbers)
    });
    beyond.map(|numbers| numbers.split(',').count()).sum()
}

#[test]
fn a_node_without_a_tree_answers_pushes_and_comes_to_rest() {
    let ids: Vec<NodeId> = (0..3).map(NodeId).collect();
    let config = Config { gossip_interval: Duration::from_secs(3_600), ..Config::default() };
    let node = Node::new(NodeId(2), &ids, config, 1, 1, Instant::START);
    let mut bench = Bench { node, now: Instant::START };
    let summary = Summary { hash: 1, count: 500 };
    let push = Push { incarnation: 9, number: 5, floor: 4, summary, ..Push::default() };
    let push = Push { rumors: vec![rumor(1, 1, 0, "a")], ..push };
    // It is new to a link that is not new to the other: it asks for what it lacks.
    let asked = pushes(bench.receive(0, Message::Push(Box::new(push))));
    assert!(asked[0].1.streams.is_some());
    for _ in 0..20 {
        bench.wake();
    }
    assert!(bench.now >= Instant::START + Duration::from_secs(3_600), "it wakes without end");
}

#[test]
fn an_ended_load_leaves_a_quiet_cluster() {
    let mut cluster = Cluster::new(25, config(Strategy::Hybrid), Network::STEADY, 1);
    cluster.give_topology(&grid_links(25));
    for value in 0..200 {
        cluster.broadcast(value * 7 % 25, &value.to_string());
        cluster.run_for(Duration::from_millis(20));
    }
    cluster.run_for(Duration::from_secs(5));
    cluster.messages = 0;
    cluster.run_for(Duration::from_secs(100));
    assert!(cluster.messages <= 25 * 100 / 10, "{} messages in 100 s", cluster.messages);
}

/// Something that befalls a cluster.
#[derive(Clone, Debug)]
enum Event {
    Broadcast(usize),
    Crash(usize),
    Restart(usize),
    /// Those whose bit is set are cut off from the others.
    Split(u16),
    Heal,
    Wait(u64),
}

const NODES: usize = 10;

fn events() -> impl proptest::strategy::Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        8 => (0..NODES).prop_map(Event::Broadcast),
        1 => (0..NODES).prop_map(Event::Crash),
        1 => (0..NODES).prop_map(Event::Restart),
        1 => any::<u16>().prop_map(Event::Split),
        1 => Just(Event::Heal),
        6 => (1..1_500_u64).prop_map(Event::Wait),
    ];
    prop::collection::vec(event, 1..60)
}

fn split(cluster: &mut Cluster, side: u16) {
    for place in 0..NODES {
        let is_here = |other: &usize| (side >> other & 1) != (side >> place & 1);
        let far = (0..NODES).filter(is_here).map(|other| NodeId(other as u64)).collect();
        cluster.input(place, Input::Partition(far));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// What a live node has acknowledged is everywhere a while after the last heal, for a number of
    /// messages that follows from the settings.
    #[test]
    fn whatever_happens_every_live_node_gets_what_a_live_node_acknowledged(
        events in events(),
        seed in 0..1_000_u64,
    ) {
        let mut cluster = Cluster::new(NODES, config(Strategy::Hybrid), Network::ROUGH, seed);
        let links = grid_links(NODES);
        cluster.give_topology(&links);
        let mut acknowledged: Vec<(usize, String)> = Vec::new();
        let (mut given, mut side) = (0, 0_u16);
        for event in &events {
            match *event {
                Event::Broadcast(place) if cluster.nodes[place].is_some() => {
                    given += 1;
                    let value = given.to_string();
                    cluster.broadcast(place, &value);
                    acknowledged.push((place, value));
                }
                Event::Crash(place) => {
                    cluster.crash(place);
                    acknowledged.retain(|(at, _)| *at != place);
                }
                Event::Restart(place) if cluster.nodes[place].is_none() => {
                    cluster.start(place);
                    cluster.give_topology(&links);
                    split(&mut cluster, side);
                }
                Event::Split(cut) => {
                    side = cut;
                    split(&mut cluster, side);
                }
                Event::Heal => {
                    side = 0;
                    split(&mut cluster, 0);
                }
                Event::Wait(wait_ms) => cluster.run_for(Duration::from_millis(wait_ms)),
                Event::Broadcast(_) | Event::Restart(_) => {}
            }
        }
        split(&mut cluster, 0);
        cluster.run_for(Duration::from_secs(30));
        for (_, value) in &acknowledged {
            prop_assert_eq!(cluster.lacking(value), Vec::<usize>::new(), "value {}", value);
        }
        let time_s = (cluster.now - Instant::START).as_secs_f64();
        let nodes = NODES as f64;
        // A value: a push and an acknowledgement a node, and as much again for each of a repeat and
        // three more uplinks. A second: a node's rounds of two exchanges of up to five messages,
        // and to each other node a probe every 100 ms at most, its answer and what that lacks.
        let bound = f64::from(given) * nodes * 2.0 * 5.0
            + time_s * nodes * (2.0 * 5.0 + (nodes - 1.0) * 10.0 * 3.0);
        prop_assert!((cluster.messages as f64) < bound, "{} messages", cluster.messages);
        let known: BTreeSet<usize> =
            cluster.nodes.iter().flatten().map(Node::payload_count).collect();
        prop_assert!(known.len() <= 1, "the nodes know {:?} values", known);
    }
}
