//! Every mechanism can be switched off: the switch does what it says, and nothing else breaks.

mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use gossiper_core::{
    Acked, Config, Input, Instant, Mechanism, Mechanisms, Message, MessageId, NodeId, Output,
    Payload, Push, Rumor, RumorId, Strategy, Summary,
};
use proptest::prelude::{
    Just, ProptestConfig, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use proptest::strategy::Strategy as _;
use support::bench::{Bench, pushes};
use support::{Cluster, Network, config, grid_links, tree_links};

/// Long after everything that these tests wait for.
const NEVER: Duration = Duration::from_secs(3_600);

fn without(mechanism: Mechanism) -> Mechanisms {
    mechanism.into()
}

impl Bench {
    /// One of five, which makes no rounds.
    fn lacking(me: u64, without: Mechanisms) -> Self {
        Self::with(me, 5, Config { without, gossip_interval: NEVER, ..Config::default() })
    }

    fn broadcast(&mut self, value: &str) -> Vec<Output> {
        self.give(Input::Broadcast(Payload::new(value.as_bytes())))
    }

    /// Lets everything happen that is due within this time.
    fn wait(&mut self, time: Duration) -> Vec<Output> {
        let end = self.now + time;
        let mut outputs = Vec::new();
        while let Some(due) = self.node.next_wakeup().filter(|&due| due <= end) {
            self.now = self.now.max(due);
            outputs.extend(self.give(Input::Wakeup));
        }
        self.now = end;
        outputs
    }
}

/// A push of a peer's with one rumor, or none.
fn push(number: u64, value: Option<&str>, acked: Option<Acked>) -> Message {
    let id = RumorId { origin: NodeId(4), incarnation: 9, sequence: number };
    let rumor =
        |value: &str| Rumor { id: Some(id), hops: 0, payload: Payload::new(value.as_bytes()) };
    let summary = Summary { hash: 1, count: 1 };
    let rumors = value.map(rumor).into_iter().collect();
    let push = Push { incarnation: 9, number, floor: 1, acked, summary, rumors, ..Push::default() };
    Message::Push(Box::new(push))
}

/// A cluster on a computed tree under a light load, in a steady network.
fn loaded(without: Mechanisms, gossip_interval: Duration) -> Cluster {
    let config = Config { without, gossip_interval, ..Config::default() };
    let mut cluster = Cluster::new(9, config, Network::STEADY, 1);
    cluster.give_topology(&grid_links(9));
    for value in 0..100 {
        cluster.broadcast(value * 7 % 9, &value.to_string());
        cluster.run_for(Duration::from_millis(20));
    }
    cluster
}

fn is_traced(cluster: &Cluster, part: &str) -> bool {
    cluster.trace.iter().any(|line| line.contains(part))
}

#[test]
fn without_push_rounds_alone_spread_values() {
    for strategy in support::STRATEGIES {
        let config = Config { without: without(Mechanism::Push), ..config(strategy) };
        let mut cluster = Cluster::new(9, config, Network::STEADY, 1);
        cluster.give_topology(&grid_links(9));
        cluster.broadcast(3, "7");
        cluster.run_for(Duration::from_millis(900));
        assert_eq!(cluster.messages, 0, "{strategy:?}");
        cluster.run_for(Duration::from_secs(15));
        let has_rounds = matches!(strategy, Strategy::Gossip | Strategy::Hybrid);
        assert_eq!(cluster.lacking("7").is_empty(), has_rounds, "{strategy:?}");
    }
}

#[test]
fn without_fallback_nobody_is_gone_around_or_passed_over() {
    let grid = grid_links(9);
    for (links, inner) in [(tree_links(9, 2), 1), (grid, 0)] {
        for mechanisms in [Mechanisms::NONE, without(Mechanism::Fallback)] {
            let config =
                Config { without: mechanisms, gossip_interval: NEVER, ..Config::default() };
            let mut cluster = Cluster::new(9, config, Network::STEADY, 1);
            cluster.give_topology(&links);
            cluster.crash(inner);
            cluster.broadcast(3, "7");
            cluster.run_for(Duration::from_secs(5));
            let is_around = is_traced(&cluster, "Undelivered");
            assert_eq!(is_around, mechanisms == Mechanisms::NONE);
            assert_eq!(cluster.lacking("7").is_empty(), is_around);
        }
    }
}

#[test]
fn without_rounds_no_timer_begins_one_and_a_request_does() {
    for mechanisms in [Mechanisms::NONE, without(Mechanism::Rounds)] {
        let mut cluster = loaded(mechanisms, Duration::from_secs(1));
        let rounds = cluster.node(0).stats().rounds;
        assert_eq!(rounds, if mechanisms == Mechanisms::NONE { 2 } else { 0 });
        cluster.input(0, Input::Round);
        assert_eq!(cluster.node(0).stats().rounds, rounds + 1);
    }
}

#[test]
fn without_digest_rounds_send_everything_and_nobody_is_shown_a_digest() {
    for mechanisms in [Mechanisms::NONE, without(Mechanism::Digest)] {
        let mut cluster = loaded(mechanisms, Duration::from_secs(1));
        cluster.crash(4);
        cluster.run_for(Duration::from_secs(5));
        cluster.start(4);
        cluster.give_topology(&grid_links(9));
        cluster.trace.clear();
        cluster.run_for(Duration::from_secs(5));
        let is_used = mechanisms == Mechanisms::NONE;
        assert_eq!(is_traced(&cluster, "streams: Some") || is_traced(&cluster, "Digest"), is_used);
        assert!(is_used || !is_traced(&cluster, "Summary(") && !is_traced(&cluster, "Delta"));
        assert!(is_used || is_traced(&cluster, "Sync"));
        assert_eq!(cluster.lacking("0"), []);
    }
}

#[test]
fn without_dialect_a_node_says_and_believes_only_what_any_broadcast_node_does() {
    for mechanisms in [Mechanisms::NONE, without(Mechanism::Dialect)] {
        let cluster = loaded(mechanisms, Duration::from_secs(1));
        let is_used = mechanisms == Mechanisms::NONE;
        for sign in ["dialect: Some", "message: Push("] {
            assert_eq!(is_traced(&cluster, sign), is_used, "{sign}");
        }
        assert!(is_used || !is_traced(&cluster, "id: Some"), "a name is told");

        let mut bench = Bench::lacking(3, mechanisms);
        let outputs = bench.receive(0, push(1, Some("a"), None));
        let expected = Message::NotSupported { of: MessageId(7) };
        let is_refused = outputs
            .iter()
            .any(|output| matches!(output, Output::Send { message, .. } if *message == expected));
        assert_eq!((is_refused, bench.node.payload_count()), (!is_used, usize::from(is_used)));
    }
}

#[test]
fn without_relay_a_computed_tree_is_used_as_a_given_one() {
    let on = loaded(Mechanisms::NONE, NEVER);
    let mut off = loaded(without(Mechanism::Relay), NEVER);
    off.run_for(Duration::from_secs(1));
    assert!(is_traced(&on, "message: Push(") && !is_traced(&off, "message: Push("));
    assert_eq!(off.pushes.len(), 100 * 8, "n - 1 a value");
}

#[test]
fn without_riding_a_push_is_acknowledged_at_once() {
    for mechanisms in [Mechanisms::NONE, without(Mechanism::Riding)] {
        let mut leaf = Bench::lacking(3, mechanisms);
        let answers = pushes(leaf.receive(0, push(1, Some("a"), None)));
        let acked: Vec<u64> = answers
            .iter()
            .map(|(_, answer)| answer.acked.as_ref().map_or(0, |acked| acked.upto))
            .collect();
        assert_eq!(acked, if mechanisms == Mechanisms::NONE { vec![] } else { vec![1] });
    }
}

#[test]
fn without_repair_no_gap_is_told_and_nothing_is_sent_again() {
    for mechanisms in [Mechanisms::NONE, without(Mechanism::Repair)] {
        let is_used = mechanisms == Mechanisms::NONE;
        let mut leaf = Bench::lacking(3, mechanisms);
        leaf.receive(0, push(1, Some("a"), None));
        leaf.receive(0, push(3, Some("c"), None));
        let told = pushes(leaf.wait(Duration::from_millis(220)));
        assert_eq!(told.len(), usize::from(is_used));

        let mut relay = Bench::lacking(0, mechanisms);
        for value in ["a", "b", "c"] {
            relay.broadcast(value);
            relay.wait(Duration::from_millis(250));
        }
        let acked = Some(Acked { incarnation: 1, upto: 1, beyond: vec![(3, 3)] });
        let again = pushes(relay.receive(1, push(1, None, acked)));
        let to_one = again.iter().filter(|(to, push)| *to == 1 && !push.rumors.is_empty());
        assert_eq!(to_one.count(), usize::from(is_used));
    }
}

#[test]
fn without_comparison_a_node_that_differs_from_its_uplink_shows_nothing() {
    for mechanisms in [Mechanisms::NONE, without(Mechanism::Comparison)] {
        let mut leaf = Bench::lacking(3, mechanisms);
        leaf.receive(0, push(1, Some("a"), None));
        let shown = pushes(leaf.wait(Duration::from_millis(700)));
        let shown = shown.iter().filter(|(_, push)| push.streams.is_some()).count();
        assert_eq!(shown, usize::from(mechanisms == Mechanisms::NONE));
    }
}

#[test]
fn without_skipping_a_cluster_that_agrees_makes_every_round() {
    for mechanisms in [Mechanisms::NONE, without(Mechanism::Skipping)] {
        let mut cluster = loaded(mechanisms, Duration::from_secs(1));
        cluster.run_for(Duration::from_secs(5));
        cluster.messages = 0;
        cluster.run_for(Duration::from_secs(50));
        let all = 9 * 2 * 50;
        if mechanisms == Mechanisms::NONE {
            assert!(cluster.messages <= all / 10, "{} messages", cluster.messages);
        } else {
            assert_eq!(cluster.messages, all, "two summaries a node and round");
        }
    }
}

#[test]
fn without_fallback_a_neighbor_that_never_answers_costs_bounded_memory() {
    let mut config = Config { awaited_max: 100, gossip_interval: NEVER, ..Config::default() };
    config.without = [Mechanism::Fallback, Mechanism::Repair].into_iter().collect();
    let mut cluster = Cluster::new(3, config, Network::STEADY, 1);
    cluster.give_topology(&[(0, 1), (1, 2), (2, 0)]);
    cluster.crash(1);
    cluster.crash(2);
    for value in 0..5_000 {
        cluster.broadcast(0, &value.to_string());
        cluster.run_for(Duration::from_millis(10));
        assert!(cluster.node(0).awaited().forwards <= 100);
    }
    assert!(cluster.node(0).stats().awaits_given_up > 0, "they are counted");
}

/// Something that befalls a cluster.
#[derive(Clone, Debug)]
enum Event {
    Broadcast(usize),
    Crash(usize),
    Restart(usize),
    /// Those whose bit is set are cut off from the others.
    Split(u16),
    Wait(u64),
}

const NODES: usize = 7;

fn events() -> impl proptest::strategy::Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        8 => (0..NODES).prop_map(Event::Broadcast),
        1 => (0..NODES).prop_map(Event::Crash),
        1 => (0..NODES).prop_map(Event::Restart),
        1 => any::<u16>().prop_map(Event::Split),
        1 => Just(Event::Split(0)),
        6 => (1..1_500_u64).prop_map(Event::Wait),
    ];
    prop::collection::vec(event, 1..40)
}

fn split(cluster: &mut Cluster, side: u16) {
    for place in 0..NODES {
        let is_far = |other: &usize| (side >> other & 1) != (side >> place & 1);
        let far = (0..NODES).filter(is_far).map(|other| NodeId(other as u64)).collect();
        cluster.input(place, Input::Partition(far));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is switched off, nothing is invented, nothing comes twice (the cluster asserts
    /// that) and the bounds hold; and as long as rounds are made, everything that a live node has
    /// acknowledged is everywhere a while after the last heal.
    #[test]
    fn any_subset_keeps_safety_and_rounds_alone_keep_the_promise(
        events in events(),
        off in prop::collection::vec(any::<bool>(), Mechanism::ALL.len()),
        is_tree in any::<bool>(),
        seed in 0..1_000_u64,
    ) {
        let without: Mechanisms =
            Mechanism::ALL.into_iter().zip(&off).filter(|(_, off)| **off).map(|(it, _)| it).collect();
        let config = Config { without, awaited_max: 50, ..Config::default() };
        let links = if is_tree { tree_links(NODES, 2) } else { grid_links(NODES) };
        let mut cluster = Cluster::new(NODES, config, Network::ROUGH, seed);
        cluster.give_topology(&links);
        let mut given: BTreeSet<Vec<u8>> = BTreeSet::new();
        let mut acknowledged: Vec<(usize, String)> = Vec::new();
        let mut side = 0_u16;
        for event in &events {
            match *event {
                Event::Broadcast(place) if cluster.nodes[place].is_some() => {
                    let value = given.len().to_string();
                    cluster.broadcast(place, &value);
                    given.insert(value.clone().into_bytes());
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
                Event::Wait(wait_ms) => cluster.run_for(Duration::from_millis(wait_ms)),
                Event::Broadcast(_) | Event::Restart(_) => {}
            }
            let awaited = cluster.nodes.iter().flatten().map(|node| node.awaited().forwards);
            prop_assert!(awaited.max().unwrap_or(0) <= 50);
        }
        split(&mut cluster, 0);
        cluster.run_for(Duration::from_secs(40));
        for delivered in &cluster.delivered {
            prop_assert!(delivered.keys().all(|value| given.contains(value)), "invented");
        }
        if !without.contains(Mechanism::Rounds) {
            for (_, value) in &acknowledged {
                prop_assert_eq!(cluster.lacking(value), Vec::<usize>::new(), "value {}", value);
            }
        }
        let time_s = (cluster.now - Instant::START).as_secs_f64();
        let nodes = NODES as f64;
        // A value, at each node: a push and a direct delivery to each other, both acknowledged, and
        // as much again for a repeat. A second, at each node: two exchanges of up to five messages,
        // and to each other node a push every 100 ms at most, its answer and what that lacks.
        let bound = given.len() as f64 * nodes * (nodes - 1.0) * 2.0 * 2.0 * 2.0
            + time_s * nodes * (2.0 * 5.0 + (nodes - 1.0) * 10.0 * 3.0);
        prop_assert!((cluster.messages as f64) < bound, "{} messages", cluster.messages);
    }
}
