//! What one link of a relay does at its edges: more than it can take, questions that nobody
//! answers, mechanisms that are switched off, hosts that flush late.

mod support;

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use gossiper_core::{
    Acked, Config, DIALECT, Input, Instant, Mechanism, Message, MessageId, Node, NodeId, Output,
    Payload, Push, Rumor, RumorId, Summary, Topology,
};
use support::bench::{Bench, pushes};

const LATENCY: Duration = Duration::from_millis(100);

fn payload(value: u64) -> Payload {
    Payload::new(value.to_string().as_bytes())
}

/// Without rounds, which would bring what the links miss.
fn config() -> Config {
    Config { gossip_interval: Duration::from_secs(3_600_000), ..Config::default() }
}

/// A node on a computed tree that knows of nobody's dialect.
fn stranger(me: u64, members: u64, config: Config) -> Bench {
    let ids: Vec<NodeId> = (0..members).map(NodeId).collect();
    let node = Node::new(NodeId(me), &ids, config, 1, 1, Instant::START);
    let mut bench = Bench { node, now: Instant::START };
    let ring: Vec<_> =
        (0..members).map(|id| (NodeId(id), vec![NodeId((id + 1) % members)])).collect();
    bench.give(Input::Topology(Topology::new(NodeId(me), &ring)));
    bench
}

fn hear_plainly(bench: &mut Bench, from: u64, message: Message) -> Vec<Output> {
    let from = NodeId(from);
    bench.give(Input::Received { from, id: Some(MessageId(7)), dialect: None, message })
}

/// Plain neighbors that acknowledge each value a round trip after it was sent, and the values that
/// they have got.
struct PlainWorld {
    bench: Bench,
    acks: VecDeque<(Instant, u64, MessageId)>,
    got: Vec<BTreeSet<Vec<u8>>>,
    messages: usize,
}

impl PlainWorld {
    fn new(members: u64, config: Config) -> Self {
        let bench = stranger(0, members, config);
        let got = vec![BTreeSet::new(); members as usize];
        Self { bench, acks: VecDeque::new(), got, messages: 0 }
    }

    fn give(&mut self, input: Input) {
        let outputs = self.bench.give(input);
        self.carry_out(outputs);
    }

    fn carry_out(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            let Output::Send { to, id, message, .. } = output else { continue };
            self.messages += 1;
            if let Message::Broadcast { payload, .. } = message {
                self.got[to.0 as usize].insert(payload.bytes().to_vec());
                self.acks.push_back((self.bench.now + LATENCY * 2, to.0, id));
            }
        }
    }

    fn run_for(&mut self, time: Duration) {
        let end = self.bench.now + time;
        loop {
            let ack = self.acks.front().map(|&(at, ..)| at);
            let due = self.bench.node.next_wakeup().map(|due| due.max(self.bench.now));
            let Some(next) = ack.into_iter().chain(due).min().filter(|&next| next <= end) else {
                break;
            };
            self.bench.now = next;
            if ack == Some(next) {
                let (_, from, of) = self.acks.pop_front().expect("there is one");
                let outputs = hear_plainly(&mut self.bench, from, Message::Ack { of });
                self.carry_out(outputs);
            } else {
                self.give(Input::Wakeup);
            }
        }
        self.bench.now = end;
    }
}

#[test]
fn a_plain_neighbor_gets_all_of_a_burst_however_long() {
    let count = 12_000;
    // It is known what the neighbors speak, or that comes out while the burst waits.
    for known_after_ms in [1_000, 0] {
        let mut world = PlainWorld::new(3, config());
        (0..10).for_each(|value| world.give(Input::Broadcast(payload(value))));
        world.run_for(Duration::from_millis(known_after_ms));
        let payloads = (10..count).map(payload).collect();
        world.give(Input::Merge { from: NodeId(2), payloads });
        world.run_for(Duration::from_secs(60));
        assert_eq!(world.got[1].len(), count as usize, "{known_after_ms} ms");
        // The first to both, the others to one; some of those that were left out are sent again.
        assert!(world.messages < count as usize + 1_100, "{} messages", world.messages);
        assert_eq!(world.bench.node.stats().awaits_given_up, 0);
        assert_eq!(world.bench.node.awaited().forwards, 0);
    }
}

/// What the relay pushes to a leaf.
fn from_relay(number: u64, rumors: Vec<Rumor>, summary: Summary) -> Message {
    let push = Push { incarnation: 9, number, floor: 1, rumors, summary, ..Push::default() };
    Message::Push(Box::new(push))
}

fn rumor(origin: u64, sequence: u64) -> Rumor {
    let id = RumorId { origin: NodeId(origin), incarnation: 1, sequence };
    Rumor { id: Some(id), hops: 1, payload: payload(sequence) }
}

/// Wakes a leaf for so long, whose uplink holds something else. Gives what it asks, and with it
/// whether it shows its digest.
fn asked_of_an_uplink_that_differs(config: Config) -> Vec<bool> {
    let mut leaf = Bench::with(3, 5, config);
    let other = Summary { hash: 1, count: 1 };
    let mut sent = pushes(leaf.receive(0, from_relay(1, vec![rumor(1, 1)], other)));
    let end = leaf.now + Duration::from_secs(30);
    while let Some(due) = leaf.node.next_wakeup().filter(|&due| due <= end) {
        leaf.now = due.max(leaf.now);
        sent.extend(pushes(leaf.give(Input::Wakeup)));
    }
    let asked = sent.into_iter().filter(|(to, push)| *to == 0 && push.asks);
    asked.map(|(_, push)| push.streams.is_some()).collect()
}

#[test]
fn a_node_without_digests_does_not_ask_as_if_it_showed_one() {
    // Without a gap between pushes nobody asks why an uplink is silent.
    assert!(asked_of_an_uplink_that_differs(config()).contains(&true));
    let without = Config { without: Mechanism::Digest.into(), ..config() };
    assert_eq!(asked_of_an_uplink_that_differs(without), []);
}

/// A leaf that has pushed to a silent relay, owes it an acknowledgement and differs from it, so
/// many milliseconds later, in which it was woken whenever it wanted to be.
fn leaf_with_much_to_do(later_ms: u64) -> Bench {
    let mut leaf = Bench::with(3, 5, config());
    leaf.receive(0, from_relay(1, vec![rumor(1, 1)], Summary { hash: 1, count: 1 }));
    leaf.receive(0, from_relay(3, vec![rumor(1, 3)], Summary { hash: 1, count: 3 }));
    (10..13).for_each(|value| drop(leaf.give(Input::Broadcast(payload(value)))));
    let end = leaf.now + Duration::from_millis(later_ms);
    while let Some(due) = leaf.node.next_wakeup().filter(|&due| due <= end) {
        leaf.now = due.max(leaf.now);
        leaf.give(Input::Wakeup);
    }
    leaf.now = end;
    leaf
}

#[test]
fn a_flush_brings_out_values_and_fires_no_timer() {
    let mut fired = 0;
    for later_ms in (0..1_000).step_by(10) {
        let mut leaf = leaf_with_much_to_do(later_ms);
        leaf.give(Input::Broadcast(payload(20)));
        leaf.now = leaf.now + Duration::from_millis(20);
        let mut outputs = Vec::new();
        while leaf.node.is_holding_back() {
            outputs.extend(leaf.give(Input::Flush));
        }
        outputs.extend(leaf.give(Input::Flush));
        for output in outputs {
            let push = match output {
                Output::Send { message: Message::Push(push), .. } => push,
                output => panic!("after {later_ms} ms: {output:?}"),
            };
            assert!(!push.rumors.is_empty() && !push.asks, "after {later_ms} ms: {push:?}");
        }
        fired += leaf.give(Input::Wakeup).len();
    }
    assert!(fired > 0, "what was due is done when the node is woken");
}

#[test]
fn an_uplink_that_does_not_tell_its_dialect_is_asked_ever_more_rarely() {
    // The first member says that it passes nothing on, so the second takes its place, and is
    // silent.
    let mut leaf = stranger(3, 5, config());
    let push = Push { incarnation: 9, uplink: Some(NodeId(0)), ..Push::default() };
    let (from, message) = (NodeId(0), Message::Push(Box::new(push)));
    let mut asked: Vec<Instant> = Vec::new();
    let mut note = |now: Instant, outputs: Vec<Output>| {
        for output in outputs {
            if let Output::Send {
                to: NodeId(1),
                dialect,
                message: Message::Sync { payloads },
                ..
            } = output
            {
                assert!(payloads.is_empty() && dialect.is_some());
                asked.push(now);
            }
        }
    };
    let dialect = Some(DIALECT);
    note(leaf.now, leaf.give(Input::Received { from, id: None, dialect, message }));
    let end = leaf.now + Duration::from_secs(600);
    while let Some(due) = leaf.node.next_wakeup().filter(|&due| due <= end) {
        leaf.now = due.max(leaf.now);
        note(leaf.now, leaf.give(Input::Wakeup));
    }
    leaf.now = end;
    // Other inputs do not hasten it.
    for _ in 0..50 {
        leaf.now = leaf.now + Duration::from_millis(100);
        note(leaf.now, leaf.give(Input::CheckAcks));
    }
    let apart: Vec<u64> = asked.windows(2).map(|two| (two[1] - two[0]).as_secs()).collect();
    assert_eq!(apart, [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60, 60, 60, 60]);
}

/// How long after its last push a leaf passes over its relay, which acknowledged as late as this
/// until it fell silent.
fn patience_with_who_acknowledges_after(delay_ms: u64) -> Duration {
    const STEP_MS: u64 = 10;
    let quiet = Config { without: Mechanism::Comparison.into(), ..config() };
    let mut leaf = Bench::with(3, 5, quiet);
    let (mut sent, mut number, mut last) = (VecDeque::new(), 0, leaf.now);
    for at_ms in (0..20_000).step_by(STEP_MS as usize) {
        leaf.now = Instant::START + Duration::from_millis(at_ms);
        let mut outputs = leaf.give(Input::Wakeup);
        if at_ms % 300 == 0 && at_ms < 9_000 {
            outputs.extend(leaf.give(Input::Broadcast(payload(at_ms))));
        }
        if at_ms % 110 == 0 && at_ms < 10_000 {
            number += 1;
            let mut push = match from_relay(number, vec![rumor(1, number)], Summary::default()) {
                Message::Push(push) => push,
                message => panic!("{message:?}"),
            };
            let due = |&(at, _): &(u64, u64)| at + delay_ms <= at_ms;
            let upto = sent.iter().copied().filter(due).map(|(_, number)| number).max();
            push.acked = upto.map(|upto| Acked { incarnation: 1, upto, ..Default::default() });
            sent.retain(|sent| !due(sent));
            outputs.extend(leaf.receive(0, Message::Push(push)));
            last = leaf.now;
        }
        let pushes = pushes(outputs);
        if pushes.iter().any(|&(to, _)| to == 1) {
            return leaf.now - last;
        }
        sent.extend(pushes.iter().map(|(_, push)| (at_ms, push.number)));
    }
    panic!("the relay was never passed over");
}

#[test]
fn who_usually_answers_soon_is_passed_over_sooner() {
    let (soon, late) =
        (patience_with_who_acknowledges_after(60), patience_with_who_acknowledges_after(400));
    // The time-out twice: until it is asked, and for the answer.
    assert_eq!(late, Duration::from_millis(1_000));
    assert!(Duration::from_millis(550) <= soon && soon < Duration::from_millis(750), "{soon:?}");
}
