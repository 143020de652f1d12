//! Each rung of the ladder, by hand: one input, the exact outbox.

use std::collections::BTreeSet;
use std::time::Duration;

use gossiper_core::{
    Config, DIALECT, Input, Instant, Message, MessageId, Node, NodeId, Outbox, Output, Payload,
    Rumor, RumorId, Strategy, StreamDigest, Topology,
};

const ME: NodeId = NodeId(0);

/// A node under test, with a clock of its own.
struct Bench {
    node: Node,
    now: Instant,
}

impl Bench {
    fn new(members: u64, strategy: Strategy) -> Self {
        let members: Vec<NodeId> = (0..members).map(NodeId).collect();
        let config = Config { strategy, ..Config::default() };
        Self { node: Node::new(ME, &members, config, 1, 1, Instant::START), now: Instant::START }
    }

    /// A hybrid node at one end of the line 0 - 1 - 2 - …
    fn on_a_line(members: u64) -> Self {
        let mut bench = Self::new(members, Strategy::Hybrid);
        let named: Vec<_> =
            (1..members).map(|node| (NodeId(node - 1), vec![NodeId(node)])).collect();
        assert_eq!(bench.give(Input::Topology(Topology::new(ME, &named))), []);
        bench
    }

    fn give(&mut self, input: Input) -> Vec<Output> {
        let mut outbox = Outbox::default();
        self.node.handle(self.now, input, &mut outbox);
        outbox.drain().collect()
    }

    fn after(&mut self, wait_ms: u64, input: Input) -> Vec<Output> {
        self.now = self.now + Duration::from_millis(wait_ms);
        self.give(input)
    }

    fn broadcast(&mut self, value: &str) -> Vec<Output> {
        self.give(Input::Broadcast(payload(value)))
    }

    fn receive(&mut self, from: u64, id: u64, message: Message) -> Vec<Output> {
        let (from, id) = (NodeId(from), Some(MessageId(id)));
        self.give(Input::Received { from, id, dialect: None, message })
    }

    /// The same from a peer that announces our dialect.
    fn receive_in_dialect(&mut self, from: u64, message: Message) -> Vec<Output> {
        let (from, id, dialect) = (NodeId(from), Some(MessageId(9)), Some(DIALECT));
        self.give(Input::Received { from, id, dialect, message })
    }
}

fn payload(value: &str) -> Payload {
    Payload::new(value.as_bytes())
}

fn deliver(place: usize) -> Output {
    Output::Deliver { place }
}

fn send(to: u64, id: u64, message: Message) -> Output {
    Output::Send { to: NodeId(to), id: MessageId(id), dialect: None, message }
}

fn push(value: &str, hops: Option<u32>) -> Message {
    Message::Broadcast { payload: payload(value), hops, id: None }
}

fn ack(of: u64) -> Message {
    Message::Ack { of: MessageId(of) }
}

fn rumor(origin: u64, sequence: u64, value: &str) -> Rumor {
    let id = RumorId { origin: NodeId(origin), incarnation: 1, sequence };
    Rumor { id: Some(id), hops: 0, payload: payload(value) }
}

/// The messages in an outbox, whatever their numbers.
fn messages(outputs: Vec<Output>) -> Vec<(u64, Message)> {
    let sent = outputs.into_iter().filter_map(|output| match output {
        Output::Send { to, message, .. } => Some((to.0, message)),
        _ => None,
    });
    sent.collect()
}

#[test]
fn a_push_goes_to_all_neighbors_but_the_one_it_came_from() {
    let mut bench = Bench::new(4, Strategy::Hybrid);
    let star = [(ME, vec![NodeId(1), NodeId(2), NodeId(3)])];
    bench.give(Input::Topology(Topology::new(ME, &star)));
    assert_eq!(
        bench.receive(2, 5, push("7", Some(1))),
        [
            deliver(0),
            send(2, 0, ack(5)),
            send(1, 1, push("7", Some(2))),
            send(3, 2, push("7", Some(2))),
        ]
    );
}

#[test]
fn a_duplicate_is_acknowledged_again_and_not_forwarded() {
    let mut bench = Bench::on_a_line(3);
    bench.broadcast("7");
    assert_eq!(bench.receive(1, 5, push("7", None)), [send(1, 1, ack(5))]);
    assert_eq!(bench.broadcast("7"), []);
}

#[test]
fn the_origin_says_no_hops_and_an_arrival_without_them_has_made_one() {
    let mut bench = Bench::on_a_line(3);
    assert_eq!(bench.broadcast("7"), [deliver(0), send(1, 0, push("7", None))]);
    bench.receive(1, 5, push("8", None));
    assert_eq!(bench.node.delivery(b"8").unwrap().hops, 1);
}

#[test]
fn a_silent_neighbor_is_gone_around_when_the_time_is_up_and_not_before() {
    let mut bench = Bench::on_a_line(4);
    bench.broadcast("7");
    assert_eq!(bench.after(499, Input::Wakeup), []);
    assert_eq!(bench.node.next_wakeup(), Some(Instant::START + Duration::from_millis(500)));
    let undelivered = Output::Undelivered { neighbor: NodeId(1), payload: payload("7"), direct: 2 };
    assert_eq!(
        bench.after(1, Input::Wakeup),
        [send(2, 1, push("7", Some(0))), send(3, 2, push("7", Some(0))), undelivered]
    );
    assert_eq!(bench.node.awaited().forwards, 0);
    // A late acknowledgement, and one of nothing, change nothing.
    assert_eq!(bench.receive(1, 6, ack(0)), []);
    assert_eq!(bench.receive(1, 7, ack(99)), []);
    assert_eq!((bench.node.stats().failures, bench.node.stats().direct_deliveries), (1, 2));
}

#[test]
fn only_an_acknowledgement_by_the_right_neighbor_settles_a_forward() {
    let mut bench = Bench::on_a_line(3);
    bench.broadcast("7");
    bench.receive(2, 5, ack(0));
    assert_eq!(bench.node.awaited().forwards, 1);
    bench.receive(1, 6, ack(0));
    bench.receive(1, 6, ack(0));
    assert_eq!(bench.node.awaited().forwards, 0);
    assert_eq!(bench.after(600, Input::CheckAcks), []);
}

#[test]
fn where_the_tree_is_not_known_whole_everybody_without_the_value_is_sent_it() {
    let mut bench = Bench::new(6, Strategy::Tree);
    let part = [(ME, vec![NodeId(1), NodeId(2), NodeId(3)])];
    bench.give(Input::Topology(Topology::new(ME, &part)));
    bench.receive(1, 5, push("7", None));
    bench.receive(2, 6, ack(1));
    bench.receive(4, 7, Message::Gossip { payload: payload("7"), hops: 0, id: None });
    // 1 had it, 2 has acknowledged it, 4 has sent it itself, 3 is silent.
    let direct = messages(bench.after(500, Input::Wakeup));
    assert_eq!(direct, [(5, push("7", Some(1)))]);
}

#[test]
fn a_direct_delivery_is_not_sent_around_the_same_neighbor_again() {
    let mut bench = Bench::on_a_line(5);
    // From 3, which is no neighbor: 1 must be silent, and 3 sees to everybody behind it.
    let forwarded = messages(bench.receive(3, 5, push("7", Some(0))));
    assert_eq!(forwarded, [(3, ack(5)), (1, push("7", Some(1)))]);
    assert_eq!(messages(bench.after(500, Input::Wakeup)), []);
    assert_eq!(bench.node.stats().failures, 1);
}

#[test]
fn a_value_that_came_by_gossip_from_behind_a_silent_neighbor_still_goes_around_it() {
    let mut bench = Bench::on_a_line(5);
    bench.receive(3, 5, Message::Gossip { payload: payload("7"), hops: 0, id: None });
    bench.receive(3, 6, Message::Sync { payloads: vec![payload("8")] });
    // An origin's push says no hops: it goes around nobody, even if its tree is another.
    bench.receive(3, 7, push("9", None));
    let direct = messages(bench.after(500, Input::Wakeup));
    assert_eq!(direct.iter().map(|(to, _)| *to).collect::<Vec<_>>(), [2, 4, 2, 4, 2, 4]);
}

#[test]
fn two_silent_neighbors_send_nobody_the_value_twice() {
    let mut bench = Bench::new(5, Strategy::Tree);
    let part = [(ME, vec![NodeId(1), NodeId(2)])];
    bench.give(Input::Topology(Topology::new(ME, &part)));
    bench.broadcast("7");
    let mut direct: Vec<u64> =
        messages(bench.after(500, Input::Wakeup)).into_iter().map(|(to, _)| to).collect();
    direct.sort_unstable();
    // Each of the two may lie behind the other.
    assert_eq!(direct, [1, 2, 3, 4]);
    assert_eq!((bench.node.stats().failures, bench.node.stats().direct_deliveries), (2, 4));
}

#[test]
fn a_topology_that_changes_meanwhile_leaves_nobody_out() {
    let mut bench = Bench::on_a_line(3);
    bench.broadcast("7");
    let other = [(ME, vec![NodeId(2)]), (NodeId(2), vec![NodeId(1)])];
    bench.give(Input::Topology(Topology::new(ME, &other)));
    assert_eq!(messages(bench.after(500, Input::Wakeup)), [(2, push("7", Some(0)))]);
}

#[test]
fn a_topology_that_does_not_name_the_node_is_none() {
    let mut bench = Bench::new(3, Strategy::Hybrid);
    bench.give(Input::Topology(Topology::new(ME, &[(NodeId(1), vec![NodeId(2)])])));
    let pushed = messages(bench.broadcast("7"));
    assert!(pushed.iter().all(|(_, message)| matches!(message, Message::Gossip { .. })));
    assert_eq!(pushed.len(), 2);
    // One that names it without neighbors is taken at its word.
    bench.give(Input::Topology(Topology::new(ME, &[(ME, vec![])])));
    assert_eq!(messages(bench.broadcast("8")), []);
}

#[test]
fn a_thousand_silent_neighbors_are_gone_around_a_part_at_a_time() {
    let mut bench = Bench::new(1_002, Strategy::Tree);
    let star = [(ME, (1..1_001).map(NodeId).collect())];
    bench.give(Input::Topology(Topology::new(ME, &star)));
    for value in 0..20 {
        bench.broadcast(&value.to_string());
    }
    let (mut calls, mut direct) = (0, 0);
    bench.now = bench.now + Duration::from_millis(500);
    while bench.node.next_wakeup().is_some_and(|due| due <= bench.now) {
        let outputs = bench.give(Input::Wakeup);
        assert!(outputs.len() < 8_000, "{} at once", outputs.len());
        direct += messages(outputs).len();
        calls += 1;
    }
    assert!(calls > 5);
    // Everybody else, and each silent one around another.
    assert_eq!(direct, 20 * 1_001);
}

#[test]
fn what_one_message_causes_comes_out_a_part_at_a_time() {
    let mut bench = Bench::new(25, Strategy::Flood);
    let payloads = (0..5_000).map(|value| payload(&value.to_string())).collect();
    let mut sent = messages(bench.receive(1, 5, Message::Sync { payloads })).len();
    assert!(sent < 5_000 && bench.node.is_holding_back());
    assert_eq!(bench.node.next_wakeup(), Some(bench.now));
    while bench.node.is_holding_back() {
        sent += messages(bench.give(Input::Flush)).len();
    }
    // The answer, and each value to the 23 others.
    assert_eq!(sent, 1 + 5_000 * 23);
}

#[test]
fn a_peer_that_goes_down_is_gone_around_at_once() {
    let mut bench = Bench::on_a_line(3);
    bench.broadcast("7");
    let direct = messages(bench.give(Input::PeerDown(NodeId(1))));
    assert_eq!(direct, [(2, push("7", Some(0)))]);
    assert_eq!(bench.node.awaited().forwards, 0);
    assert_eq!(messages(bench.after(600, Input::Wakeup)), []);
}

#[test]
fn too_many_awaited_forwards_give_the_oldest_up_and_count_it() {
    let members: Vec<NodeId> = (0..2).map(NodeId).collect();
    let config = Config { strategy: Strategy::Tree, awaited_max: 3, ..Config::default() };
    let mut node = Node::new(ME, &members, config, 1, 1, Instant::START);
    let mut outbox = Outbox::default();
    for value in ["1", "2", "3", "4", "5"] {
        node.handle(Instant::START, Input::Broadcast(payload(value)), &mut outbox);
    }
    assert_eq!((node.awaited().forwards, node.stats().awaits_given_up), (3, 2));
}

#[test]
fn what_a_partition_drops_has_no_number_and_is_awaited_all_the_same() {
    let mut bench = Bench::on_a_line(3);
    bench.give(Input::Partition(BTreeSet::from([NodeId(1)])));
    assert_eq!(bench.broadcast("7"), [deliver(0)]);
    assert_eq!(bench.receive(1, 5, push("8", None)), []);
    assert_eq!((bench.node.stats().partition_drops, bench.node.awaited().forwards), (2, 1));
    bench.give(Input::Partition(BTreeSet::new()));
    // The next forward has the number that the dropped one would have had; its acknowledgement
    // is not the other's.
    assert_eq!(bench.broadcast("9"), [deliver(1), send(1, 0, push("9", None))]);
    bench.receive(1, 6, ack(0));
    let direct = messages(bench.after(500, Input::Wakeup));
    assert_eq!(direct, [(2, push("7", Some(0)))]);
}

#[test]
fn a_payload_that_is_too_large_is_refused_and_not_acknowledged() {
    let members = [ME, NodeId(1)];
    let config = Config { payload_bytes_max: 3, ..Config::default() };
    let node = Node::new(ME, &members, config, 1, 1, Instant::START);
    let mut bench = Bench { node, now: Instant::START };
    assert!(bench.node.refusal(&payload("1234")).is_some());
    assert_eq!(bench.receive(1, 5, push("1234", None)), []);
    assert_eq!(bench.receive(1, 6, push("123", None)).len(), 2);
    assert_eq!(bench.node.stats().payloads_refused, 1);
}

#[test]
fn a_round_brings_a_plain_peer_everything_and_a_node_that_knows_nothing_is_silent() {
    let mut bench = Bench::new(2, Strategy::Gossip);
    assert_eq!(bench.give(Input::Round), []);
    bench.broadcast("7");
    bench.broadcast("8");
    let sync = Message::Sync { payloads: vec![payload("7"), payload("8")] };
    assert_eq!(messages(bench.give(Input::Round)), [(1, sync)]);
    assert_eq!(bench.node.stats().rounds, 2);
}

#[test]
fn timed_rounds_begin_one_interval_after_the_start_and_missed_ones_are_not_made_up_for() {
    let mut bench = Bench::new(2, Strategy::Hybrid);
    bench.broadcast("7");
    assert_eq!(bench.after(999, Input::Wakeup), []);
    assert_eq!(bench.after(1, Input::Wakeup).len(), 1);
    assert_eq!(bench.after(5_500, Input::Wakeup).len(), 1);
    assert_eq!(bench.node.next_wakeup(), Some(bench.now + Duration::from_secs(1)));
}

#[test]
fn a_new_interval_counts_from_the_last_round() {
    let mut bench = Bench::new(2, Strategy::Hybrid);
    bench.broadcast("7");
    let configure =
        |ms| Input::Configure { fanout: None, gossip_interval: Some(Duration::from_millis(ms)) };
    for _ in 0..3 {
        bench.after(20, configure(100));
    }
    assert_eq!(messages(bench.after(39, Input::Wakeup)).len(), 0);
    assert_eq!(messages(bench.after(1, Input::Wakeup)).len(), 1);
    bench.give(configure(60_000));
    assert_eq!(messages(bench.after(59_999, Input::Wakeup)).len(), 0);
    assert_eq!(messages(bench.after(1, Input::Wakeup)).len(), 1);
}

#[test]
fn a_node_that_knows_nothing_asks_in_its_own_rounds_only() {
    let mut bench = Bench::new(2, Strategy::Hybrid);
    bench.receive_in_dialect(1, ack(99));
    assert_eq!(messages(bench.give(Input::Round)), []);
    let asked = messages(bench.after(1_000, Input::Wakeup));
    assert!(matches!(asked[..], [(1, Message::Summary(summary))] if summary.count == 0));
}

#[test]
fn answers_never_announce_the_dialect_to_who_has_not() {
    let mut bench = Bench::on_a_line(2);
    for number in 0..9 {
        let outputs = bench.receive(1, number, push(&number.to_string(), None));
        let is_plain = |output: &Output| !matches!(output, Output::Send { dialect: Some(_), .. });
        assert!(outputs.iter().all(is_plain));
    }
    assert!(matches!(bench.broadcast("x")[1], Output::Send { dialect: None, .. }));
}

#[test]
fn the_second_timed_sync_announces_the_dialect_and_requested_ones_come_as_plain() {
    let mut bench = Bench::new(2, Strategy::Hybrid);
    bench.broadcast("7");
    let announced = |outputs: &[Output]| match outputs {
        [Output::Send { dialect, .. }] => *dialect,
        other => panic!("{other:?}"),
    };
    assert_eq!(announced(&bench.give(Input::Round)), None);
    assert_eq!(announced(&bench.after(1_000, Input::Wakeup)), None);
    assert_eq!(announced(&bench.after(1_000, Input::Wakeup)), Some(DIALECT));
}

#[test]
fn a_large_sync_is_cut_and_goes_on_in_the_next_round() {
    let mut bench = Bench::new(2, Strategy::Gossip);
    let large = "x".repeat(600 << 10);
    for first in ["a", "b", "c"] {
        bench.broadcast(&format!("{first}{large}"));
    }
    let mut synced = Vec::new();
    for _ in 0..4 {
        for (_, message) in messages(bench.give(Input::Round)) {
            let Message::Sync { payloads } = message else { panic!("{message:?}") };
            synced.extend(payloads.iter().map(|payload| payload.bytes()[0]));
        }
    }
    assert_eq!(synced, b"abca");
}

#[test]
fn two_that_agree_exchange_one_summary() {
    let mut bench = Bench::new(2, Strategy::Gossip);
    bench.receive_in_dialect(1, Message::Delta { rumors: vec![rumor(1, 1, "7")] });
    let summary = messages(bench.give(Input::Round));
    let [(1, Message::Summary(summary))] = summary[..] else { panic!("{summary:?}") };
    assert_eq!(bench.receive_in_dialect(1, Message::Summary(summary)), []);
}

#[test]
fn an_exchange_moves_what_differs_both_ways_in_four_messages() {
    let stream = |origin, upto| StreamDigest {
        origin: NodeId(origin),
        incarnation: 1,
        upto,
        beyond: vec![],
    };
    let mut bench = Bench::new(2, Strategy::Gossip);
    bench.broadcast("7");
    bench.broadcast("8");
    let mine = Message::Digest { streams: vec![stream(0, 2)], answer: true };
    let other = gossiper_core::Summary { hash: 1, count: 1 };
    assert_eq!(messages(bench.receive_in_dialect(1, Message::Summary(other))), [(1, mine)]);
    // It has the first of mine, and one of its own.
    let theirs = Message::Digest { streams: vec![stream(0, 1), stream(1, 1)], answer: true };
    assert_eq!(
        messages(bench.receive_in_dialect(1, theirs)),
        [
            (1, Message::Delta { rumors: vec![rumor(0, 2, "8")] }),
            (1, Message::Digest { streams: vec![stream(0, 2)], answer: false }),
        ]
    );
    let answer = Message::Digest { streams: vec![stream(0, 2), stream(1, 1)], answer: false };
    assert_eq!(messages(bench.receive_in_dialect(1, answer)), []);
}

#[test]
fn a_value_without_a_name_is_adopted_unless_its_sender_speaks_the_dialect() {
    let names = |bench: &mut Bench| {
        let other = gossiper_core::Summary { hash: 1, count: 1 };
        match messages(bench.receive_in_dialect(2, Message::Summary(other))).pop() {
            Some((2, Message::Digest { streams, .. })) => streams.len(),
            other => panic!("{other:?}"),
        }
    };
    let mut plain = Bench::new(3, Strategy::Gossip);
    plain.receive(1, 5, push("7", None));
    plain.after(1_000, Input::Wakeup);
    assert_eq!(names(&mut plain), 1);

    let mut ours = Bench::new(3, Strategy::Gossip);
    ours.receive_in_dialect(1, push("7", None));
    ours.after(1_000, Input::Wakeup);
    assert_eq!(names(&mut ours), 0);
    // The sender never names it: it is gone, and so is the patience.
    ours.after(7_000, Input::Wakeup);
    assert_eq!(names(&mut ours), 1);
}

#[test]
fn a_value_whose_name_cannot_be_kept_is_adopted() {
    let made_up =
        |origin, incarnation, sequence| RumorId { origin: NodeId(origin), incarnation, sequence };
    let mut bench = Bench::new(3, Strategy::Gossip);
    bench.broadcast("mine");
    let names = [made_up(1, 1, 0), made_up(1, 1, 1 << 40), made_up(0, 1, 1), made_up(0, 1, 9)];
    for (number, id) in names.into_iter().enumerate() {
        let push = Message::Gossip { payload: payload(&number.to_string()), hops: 0, id: Some(id) };
        bench.receive(1, number as u64, push);
    }
    bench.after(1_000, Input::Wakeup);
    let other = gossiper_core::Summary { hash: 1, count: 0 };
    let digest = messages(bench.receive_in_dialect(2, Message::Summary(other)));
    let [(2, Message::Digest { streams, .. })] = &digest[..] else { panic!("{digest:?}") };
    assert_eq!(streams.iter().map(|stream| stream.upto).sum::<u64>(), 5);
    assert_eq!(bench.node.stats().names_refused, 2);
}

#[test]
fn a_delta_counts_as_gossip_and_one_hop_more() {
    let mut bench = Bench::new(2, Strategy::Gossip);
    let rumors = vec![Rumor { hops: 2, ..rumor(1, 1, "7") }];
    bench.receive_in_dialect(1, Message::Delta { rumors });
    let delivery = bench.node.delivery(b"7").unwrap();
    assert_eq!((delivery.via, delivery.hops), (gossiper_core::Via::Gossip, 3));
}

#[test]
fn a_lagging_node_asks_one_peer_at_a_time() {
    let mut bench = Bench::new(4, Strategy::Gossip);
    let ahead = || Message::Summary(gossiper_core::Summary { hash: 1, count: 1_000_000 });
    assert_eq!(messages(bench.receive_in_dialect(1, ahead())).len(), 1);
    assert_eq!(messages(bench.receive_in_dialect(2, ahead())).len(), 0);
    bench.now = bench.now + Duration::from_millis(500);
    assert_eq!(messages(bench.receive_in_dialect(3, ahead())).len(), 1);
}

#[test]
fn an_exchange_is_bounded_and_the_next_goes_on() {
    let mut bench = Bench::new(2, Strategy::Tree);
    for value in 0..200_000 {
        bench.broadcast(&value.to_string());
    }
    let all = || Message::Digest { streams: vec![], answer: false };
    let deltas = messages(bench.receive_in_dialect(1, all()));
    assert_eq!(deltas.len(), 16);
    for (_, delta) in deltas {
        let Message::Delta { rumors } = delta else { panic!("{delta:?}") };
        assert_eq!(rumors.len(), 8_192);
    }
    let most = StreamDigest { origin: ME, incarnation: 1, upto: 131_072, beyond: vec![] };
    let rest = Message::Digest { streams: vec![most], answer: false };
    assert_eq!(messages(bench.receive_in_dialect(1, rest)).len(), 9);
}

#[test]
fn after_a_long_delta_nothing_is_pushed_value_by_value() {
    let mut bench = Bench::new(3, Strategy::Hybrid);
    let star = [(ME, vec![NodeId(1), NodeId(2)])];
    bench.give(Input::Topology(Topology::new(ME, &star)));
    let long = |origin| {
        let rumors =
            (1..=1_000).map(|sequence| rumor(origin, sequence, &format!("{origin}.{sequence}")));
        Message::Delta { rumors: rumors.collect() }
    };
    assert_eq!(messages(bench.receive_in_dialect(1, long(1))), []);
    // A short one is pushed on to who does not speak the dialect.
    let short = Message::Delta { rumors: vec![rumor(7, 1, "short")] };
    let pushed = messages(bench.receive_in_dialect(1, short));
    assert!(matches!(pushed[..], [(2, Message::Broadcast { .. })]), "{pushed:?}");
}

#[test]
fn a_delta_is_passed_on_as_a_summary_to_those_who_speak_the_dialect() {
    let mut bench = Bench::new(3, Strategy::Hybrid);
    let star = [(ME, vec![NodeId(1), NodeId(2)])];
    bench.give(Input::Topology(Topology::new(ME, &star)));
    bench.receive_in_dialect(2, ack(99));
    let rumors = (1..=100).map(|sequence| rumor(1, sequence, &sequence.to_string())).collect();
    let passed_on = messages(bench.receive_in_dialect(1, Message::Delta { rumors }));
    assert!(matches!(passed_on[..], [(2, Message::Summary(_))]), "{passed_on:?}");
}

#[test]
fn a_peer_that_does_not_know_the_dialect_gets_plain_messages_again() {
    let mut bench = Bench::new(2, Strategy::Gossip);
    bench.broadcast("7");
    bench.receive_in_dialect(1, ack(99));
    assert!(matches!(messages(bench.give(Input::Round))[..], [(1, Message::Summary(_))]));
    bench.receive(1, 5, Message::NotSupported { of: MessageId(1) });
    assert!(matches!(messages(bench.give(Input::Round))[..], [(1, Message::Sync { .. })]));
}
