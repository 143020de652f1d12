//! Whatever others say to a node with partial views, in whatever order, what must hold holds.

use std::collections::BTreeSet;
use std::time::Duration;

use gossiper_core::{
    Acked, Beacon, Config, Input, Instant, LinkPush, Message, MessageId, Node, NodeId, Outbox,
    Output, OverlayKind, Payload, Rumor, RumorId, StreamDigest, Summary, Turn, ViewMessage,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

const NODES: u64 = 9;

/// The most that a node says in one call: a few messages to each neighbor, and a digest's answers.
const OUTPUTS_MAX: usize = 200;

fn payload() -> impl Strategy<Value = Payload> {
    (0_u8..20).prop_map(|byte| Payload::new(&[byte]))
}

/// The node itself, others, and the guest.
fn node_id() -> impl Strategy<Value = NodeId> {
    prop_oneof![9 => (0..NODES).prop_map(NodeId), 1 => Just(NodeId::GUEST)]
}

/// Others and the guest.
fn sender() -> impl Strategy<Value = NodeId> {
    prop_oneof![12 => (1..NODES).prop_map(NodeId), 1 => Just(NodeId::GUEST)]
}

/// Numbers as others may make them up.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![6 => 0_u64..12, 1 => Just(u64::MAX), 1 => Just(u64::from(u32::MAX)), 1 => any::<u64>()]
}

fn hops() -> impl Strategy<Value = u32> {
    prop_oneof![6 => 0_u32..20, 1 => Just(u32::MAX)]
}

fn rumor_id() -> impl Strategy<Value = RumorId> {
    let sequence = prop_oneof![9 => 0_u64..20, 1 => number()];
    (0..NODES, 0_u64..3, sequence).prop_map(|(origin, incarnation, sequence)| RumorId {
        origin: NodeId(origin),
        incarnation,
        sequence,
    })
}

fn rumor() -> impl Strategy<Value = Rumor> {
    (option::of(rumor_id()), hops(), payload()).prop_map(|(id, hops, payload)| Rumor {
        id,
        hops,
        payload,
    })
}

fn beacon() -> impl Strategy<Value = Beacon> {
    (node_id(), number(), number(), hops(), any::<bool>()).prop_map(
        |(root, since, sequence, hops, is_uplink)| Beacon {
            root,
            since,
            sequence,
            hops,
            is_uplink,
        },
    )
}

fn link() -> impl Strategy<Value = LinkPush> {
    let acked = (number(), number(), vec((number(), number()), 0..4))
        .prop_map(|(incarnation, upto, beyond)| Acked { incarnation, upto, beyond });
    let turn = prop_oneof![Just(Turn::Graft), Just(Turn::Prune)];
    let said = (option::of(acked), option::of(beacon()), option::of(turn), any::<bool>());
    let held = (vec(rumor(), 0..4), vec((rumor_id(), hops()), 0..6), vec(rumor_id(), 0..6));
    (number(), number(), number(), said, held).prop_map(
        |(incarnation, number, floor, (acked, beacon, turn, asks), (rumors, have, wants))| {
            LinkPush { incarnation, number, floor, acked, beacon, turn, asks, rumors, have, wants }
        },
    )
}

fn view() -> impl Strategy<Value = ViewMessage> {
    let nodes = || vec(node_id(), 0..20);
    prop_oneof![
        Just(ViewMessage::Join),
        (node_id(), any::<u8>()).prop_map(|(node, ttl)| ViewMessage::ForwardJoin { node, ttl }),
        any::<bool>().prop_map(|is_urgent| ViewMessage::Neighbor { is_urgent }),
        any::<bool>().prop_map(|accepts| ViewMessage::Answer { accepts }),
        Just(ViewMessage::Disconnect),
        (node_id(), any::<u8>(), nodes()).prop_map(|(origin, ttl, nodes)| ViewMessage::Shuffle {
            origin,
            ttl,
            nodes
        }),
        nodes().prop_map(|nodes| ViewMessage::ShuffleReply { nodes }),
    ]
}

fn message() -> impl Strategy<Value = Message> {
    let stream = (rumor_id(), vec((number(), number()), 0..4));
    let stream = stream.prop_map(|(id, beyond)| StreamDigest {
        origin: id.origin,
        incarnation: id.incarnation,
        upto: id.sequence,
        beyond,
    });
    prop_oneof![
        8 => link().prop_map(|push| Message::Link(Box::new(push))),
        8 => view().prop_map(Message::View),
        1 => (payload(), option::of(hops()), option::of(rumor_id()))
            .prop_map(|(payload, hops, id)| Message::Broadcast { payload, hops, id }),
        1 => (any::<u64>(), number())
            .prop_map(|(hash, count)| Message::Summary(Summary { hash, count })),
        1 => (vec(stream, 0..4), any::<bool>())
            .prop_map(|(streams, answer)| Message::Digest { streams, answer }),
        1 => vec(rumor(), 0..6).prop_map(|rumors| Message::Delta { rumors }),
    ]
}

fn input() -> impl Strategy<Value = Input> {
    prop_oneof![
        3 => payload().prop_map(Input::Broadcast),
        24 => (sender(), number(), message()).prop_map(|(from, id, message)| Input::Received {
            from,
            id: Some(MessageId(id)),
            dialect: Some(1),
            message,
        }),
        1 => (0..NODES).prop_map(|peer| Input::PeerUp(NodeId(peer))),
        1 => (0..NODES).prop_map(|peer| Input::PeerDown(NodeId(peer))),
        1 => Just(Input::Round),
        1 => Just(Input::Flush),
        6 => Just(Input::Wakeup),
    ]
}

fn node(ack_timeout_ms: u64) -> Node {
    let config = Config {
        overlay: OverlayKind::Learned,
        ack_timeout: Duration::from_millis(ack_timeout_ms),
        active_view: 3,
        passive_view: 4,
        ..Config::default()
    };
    Node::new(NodeId(0), &[NodeId(1), NodeId(2)], config, 1, 1, Instant::START)
}

/// All that the node has said.
fn play(ack_timeout_ms: u64, steps: &[(u64, Input)]) -> Vec<Output> {
    let mut node = node(ack_timeout_ms);
    let (mut now, mut outbox, mut said) = (Instant::START, Outbox::default(), Vec::new());
    let mut delivered = BTreeSet::new();
    for (wait_ms, input) in steps {
        now = now + Duration::from_millis(*wait_ms);
        node.handle(now, input.clone(), &mut outbox);
        let outputs: Vec<Output> = outbox.drain().collect();
        assert!(outputs.len() <= OUTPUTS_MAX, "{} outputs: {outputs:?}", outputs.len());
        for output in &outputs {
            match output {
                Output::Deliver { place } => assert!(delivered.insert(*place), "twice"),
                Output::Send { to, message, .. } => {
                    // A client's broadcast is acknowledged.
                    let is_ours = matches!(message, Message::Link(_) | Message::View(_));
                    assert!(*to != NodeId(0) && (!is_ours || *to != NodeId::GUEST), "to {to}");
                }
                Output::Undelivered { .. } => {}
            }
        }
        said.extend(outputs);
        assert_eq!(node.payload_count(), delivered.len());
        assert!(node.neighbors().len() <= 3 && !node.neighbors().contains(&NodeId(0)));
    }
    // Left alone it comes to rest: all that is due at one moment is done in a few calls.
    for _ in 0..8 {
        if node.next_wakeup() > Some(now) {
            return said;
        }
        node.handle(now, Input::Wakeup, &mut outbox);
        said.extend(outbox.drain());
    }
    panic!("it wants to be woken again and again: {node:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_input_breaks_what_must_hold_nor_is_answered_in_two_ways(
        ack_timeout_ms in prop_oneof![Just(500_u64), 1_u64..50],
        steps in vec((0_u64..900, input()), 0..80),
    ) {
        prop_assert_eq!(play(ack_timeout_ms, &steps), play(ack_timeout_ms, &steps));
    }
}
