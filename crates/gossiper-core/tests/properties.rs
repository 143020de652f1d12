//! Whatever happens to a node, in whatever order, what must hold holds.

mod support;

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use gossiper_core::{
    Acked, Config, Input, Instant, Mechanism, Mechanisms, Message, MessageId, Node, NodeId, Outbox,
    Output, Payload, Push, Rumor, RumorId, StreamDigest, Summary, Topology,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use support::STRATEGIES;

const MEMBERS: u64 = 5;

/// Wake-ups in a row, each of which leaves something to do at the same moment.
const REPEATED_MAX: u32 = 2;

fn payload() -> impl Strategy<Value = Payload> {
    (0_u8..20).prop_map(|byte| Payload::new(&[byte]))
}

/// Other members, strangers and the guest.
fn node_id() -> impl Strategy<Value = NodeId> {
    prop_oneof![8 => (1..MEMBERS + 2).prop_map(NodeId), 1 => Just(NodeId::GUEST)]
}

/// Numbers as peers may make them up.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![6 => 0_u64..12, 1 => Just(u64::MAX), 1 => Just(u64::from(u32::MAX)), 1 => any::<u64>()]
}

fn rumor_id() -> impl Strategy<Value = RumorId> {
    (0..MEMBERS + 1, 0_u64..3, number()).prop_map(|(origin, incarnation, sequence)| RumorId {
        origin: NodeId(origin),
        incarnation,
        sequence,
    })
}

fn stream() -> impl Strategy<Value = StreamDigest> {
    (rumor_id(), vec((number(), number()), 0..4)).prop_map(|(id, beyond)| StreamDigest {
        origin: id.origin,
        incarnation: id.incarnation,
        upto: id.sequence,
        beyond,
    })
}

fn hops() -> impl Strategy<Value = u32> {
    prop_oneof![4 => 0_u32..5, 1 => Just(u32::MAX)]
}

fn rumor() -> impl Strategy<Value = Rumor> {
    (option::of(rumor_id()), hops(), payload()).prop_map(|(id, hops, payload)| Rumor {
        id,
        hops,
        payload,
    })
}

fn push() -> impl Strategy<Value = Message> {
    let acked = (0_u64..3, number(), vec((number(), number()), 0..3))
        .prop_map(|(incarnation, upto, beyond)| Acked { incarnation, upto, beyond });
    let summary = (any::<u64>(), number()).prop_map(|(hash, count)| Summary { hash, count });
    let numbers = (0_u64..3, number(), number());
    let says = (option::of(acked), summary, option::of(node_id()), any::<bool>());
    let holds = (vec(rumor(), 0..4), option::of(vec(stream(), 0..4)));
    (numbers, says, holds).prop_map(|(numbers, says, holds)| {
        let (incarnation, number, floor) = numbers;
        let (acked, summary, uplink, asks) = says;
        let (rumors, streams) = holds;
        Message::Push(Box::new(Push {
            incarnation,
            number,
            floor,
            acked,
            summary,
            uplink,
            asks,
            rumors,
            streams,
        }))
    })
}

fn message() -> impl Strategy<Value = Message> {
    let of = || number().prop_map(MessageId);
    prop_oneof![
        1 => (payload(), option::of(hops()), option::of(rumor_id()))
            .prop_map(|(payload, hops, id)| Message::Broadcast { payload, hops, id }),
        1 => (payload(), hops(), option::of(rumor_id()))
            .prop_map(|(payload, hops, id)| Message::Gossip { payload, hops, id }),
        1 => of().prop_map(|of| Message::Ack { of }),
        1 => vec(payload(), 0..6).prop_map(|payloads| Message::Sync { payloads }),
        1 => (of(), number()).prop_map(|(of, new_count)| Message::SyncOk { of, new_count }),
        1 => (any::<u64>(), number())
            .prop_map(|(hash, count)| Message::Summary(Summary { hash, count })),
        1 => (vec(stream(), 0..4), any::<bool>())
            .prop_map(|(streams, answer)| Message::Digest { streams, answer }),
        1 => vec(rumor(), 0..6).prop_map(|rumors| Message::Delta { rumors }),
        3 => push(),
        1 => of().prop_map(|of| Message::NotSupported { of }),
    ]
}

fn received() -> impl Strategy<Value = Input> {
    (node_id(), option::of(number()), option::of(any::<u32>()), message()).prop_map(
        |(from, id, dialect, message)| Input::Received {
            from,
            id: id.map(MessageId),
            dialect,
            message,
        },
    )
}

fn topology() -> impl Strategy<Value = Topology> {
    let link = (0..MEMBERS + 1, vec((0..MEMBERS + 1).prop_map(NodeId), 0..4));
    vec(link, 0..5).prop_map(|named| {
        let named: Vec<_> = named.into_iter().map(|(node, far)| (NodeId(node), far)).collect();
        Topology::new(NodeId(0), &named)
    })
}

fn input() -> impl Strategy<Value = Input> {
    let interval = (1_u64..3_000).prop_map(Duration::from_millis);
    prop_oneof![
        4 => payload().prop_map(Input::Broadcast),
        8 => received(),
        1 => (node_id(), vec(payload(), 0..5))
            .prop_map(|(from, payloads)| Input::Merge { from, payloads }),
        1 => (0..MEMBERS + 1).prop_map(|peer| Input::PeerUp(NodeId(peer))),
        1 => (0..MEMBERS + 1).prop_map(|peer| Input::PeerDown(NodeId(peer))),
        1 => topology().prop_map(Input::Topology),
        1 => (option::of(0_usize..9), option::of(interval))
            .prop_map(|(fanout, gossip_interval)| Input::Configure { fanout, gossip_interval }),
        1 => proptest::collection::btree_set((0..MEMBERS).prop_map(NodeId), 0..3)
            .prop_map(Input::Partition),
        1 => Just(Input::Round),
        1 => Just(Input::CheckAcks),
        1 => Just(Input::Flush),
        3 => Just(Input::Wakeup),
    ]
}

/// What the outside has seen of a node.
#[derive(Default)]
struct Seen {
    given: BTreeSet<Vec<u8>>,
    delivered: BTreeSet<Vec<u8>>,
    last_number: Option<MessageId>,
}

impl Seen {
    fn before(&mut self, input: &Input) {
        let mut give = |payload: &Payload| {
            self.given.insert(payload.bytes().to_vec());
        };
        match input {
            Input::Broadcast(payload) => give(payload),
            Input::Merge { payloads, .. } => payloads.iter().for_each(give),
            Input::Received { message, .. } => match message {
                Message::Broadcast { payload, .. } | Message::Gossip { payload, .. } => {
                    give(payload);
                }
                Message::Sync { payloads } => payloads.iter().for_each(give),
                Message::Delta { rumors } => rumors.iter().for_each(|rumor| give(&rumor.payload)),
                Message::Push(push) => push.rumors.iter().for_each(|rumor| give(&rumor.payload)),
                _ => {}
            },
            _ => {}
        }
    }

    fn after(&mut self, node: &Node, output: &Output, blocked: &BTreeSet<NodeId>) {
        match output {
            Output::Deliver { place } => {
                let value = node.payload(*place).expect("it is known");
                assert!(self.given.contains(value), "{value:?} is invented");
                assert!(self.delivered.insert(value.to_vec()), "{value:?} twice");
            }
            Output::Send { to, id, .. } => {
                assert!(!blocked.contains(to) && *to != NodeId(0), "sent to {to}");
                assert!(self.last_number < Some(*id), "numbers rise");
                self.last_number = Some(*id);
            }
            Output::Undelivered { .. } => {}
        }
    }
}

fn check(strategy: gossiper_core::Strategy, without: Mechanisms, steps: Vec<(u64, Input)>) {
    let members: Vec<NodeId> = (0..MEMBERS).map(NodeId).collect();
    let config = Config { strategy, without, awaited_max: 8, ..Config::default() };
    let mut node = Node::new(NodeId(0), &members, config, 1, 1, Instant::START);
    let (mut now, mut seen, mut blocked) = (Instant::START, Seen::default(), BTreeSet::new());
    let mut outbox = Outbox::default();
    let mut steps: VecDeque<(u64, Input)> = steps.into();
    let mut repeated = 0;
    while let Some((wait_ms, input)) = steps.pop_front() {
        now = now + Duration::from_millis(wait_ms);
        let before = *node.stats();
        seen.before(&input);
        if let Input::Partition(cut) = &input {
            blocked.clone_from(cut);
        }
        let is_wakeup = matches!(input, Input::Wakeup);
        node.handle(now, input, &mut outbox);
        outbox.drain().for_each(|output| seen.after(&node, &output, &blocked));
        let stats = *node.stats();
        assert_eq!(node.payload_count(), seen.delivered.len());
        assert_eq!(stats.tree_deliveries + stats.gossip_deliveries, seen.delivered.len() as u64);
        assert!(stats.messages_sent >= before.messages_sent && stats.rounds >= before.rounds);
        assert!(stats.last_learning_round <= stats.rounds);
        assert!(node.awaited().forwards <= 8);
        // What one wake-up leaves to do at once, such as a digest for values that it has given up,
        // the next does.
        let is_due = node.next_wakeup().is_some_and(|due| due <= now);
        repeated = if is_wakeup && is_due { repeated + 1 } else { 0 };
        assert!(repeated <= REPEATED_MAX, "there is no end to what is due at one moment");
        if is_wakeup && is_due {
            steps.push_front((0, Input::Wakeup));
        }
        assert!(node.payloads_from(0).all(|bytes| node.delivery(bytes).is_some()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_input_breaks_what_must_hold(steps in vec((0_u64..700, input()), 0..60)) {
        for strategy in STRATEGIES {
            check(strategy, Mechanisms::NONE, steps.clone());
        }
    }

    #[test]
    fn nor_does_any_with_mechanisms_switched_off(
        off in vec(any::<bool>(), Mechanism::ALL.len()),
        steps in vec((0_u64..700, input()), 0..60),
    ) {
        let all = Mechanism::ALL.into_iter().zip(off);
        let without: Mechanisms = all.filter(|(_, off)| *off).map(|(it, _)| it).collect();
        for strategy in STRATEGIES {
            check(strategy, without, steps.clone());
        }
    }
}
