//! How many bytes a message takes on the wire.

use gossiper_core::{
    Acked, Beacon, LinkPush, Message, MessageId, NodeId, Payload, Push, Rumor, RumorId,
    StreamDigest, Turn, ViewMessage,
};

/// The bytes of the line that `gossiper-wire` would write for a message between the nodes `n<from>`
/// and `n<to>`, without its line feed. Nothing is written: digits are counted.
pub(super) fn line_bytes(
    from: usize,
    to: usize,
    id: MessageId,
    dialect: Option<u32>,
    message: &Message,
) -> u64 {
    let frame = len(r#"{"src": "", "dest": "", "body": {"type": ""}}"#);
    let names = name(from as u64) + name(to as u64);
    let dialect = dialect.map_or(0, |dialect| field("gossiper", digits(dialect.into())));
    frame + names + dialect + field("msg_id", digits(id.0)) + body(message)
}

/// The name of the type, and all fields that not every message has.
fn body(message: &Message) -> u64 {
    match message {
        Message::Broadcast { payload, hops, id } => {
            let hops = hops.map_or(0, |hops| field("hops", digits(hops.into())));
            len("broadcast") + value("message", payload) + hops + rumor_id(*id)
        }
        Message::Ack { of } => len("broadcast_ack") + field("in_reply_to", digits(of.0)),
        Message::Gossip { payload, hops, id } => {
            let hops = field("hops", digits((*hops).into()));
            len("gossip") + value("message", payload) + hops + rumor_id(*id)
        }
        Message::Sync { payloads } => {
            let payloads = payloads.iter().map(|payload| payload.bytes().len() as u64);
            len("gossip_sync") + field("messages", list(payloads))
        }
        Message::SyncOk { of, new_count } => {
            let of = field("in_reply_to", digits(of.0));
            len("gossip_sync_ok") + field("new_count", digits(*new_count)) + of
        }
        Message::Summary(summary) => len("gossip_summary") + hash_and_count(summary.count),
        Message::Digest { streams, answer } => {
            let streams = field("streams", list(streams.iter().map(stream)));
            len("gossip_digest") + streams + field("answer", boolean(*answer))
        }
        Message::Delta { rumors } => {
            len("gossip_delta") + field("rumors", list(rumors.iter().map(rumor)))
        }
        Message::Push(push) => len("gossip_push") + push_fields(push),
        Message::Link(push) => len("gossip_link") + link_fields(push),
        Message::View(message) => len("gossip_view") + view_fields(message),
        // The core never sends it: who refuses what it does not know is the host.
        _ => 0,
    }
}

fn push_fields(push: &Push) -> u64 {
    let acked = push.acked.as_ref().map_or(0, |acked| field("acked", acked_list(acked)));
    let uplink = push.uplink.map_or(0, |uplink| field("uplink", 2 + name(uplink.0)));
    let asks = if push.asks { field("asks", boolean(true)) } else { 0 };
    let streams = push.streams.as_ref();
    field("rumors", list(push.rumors.iter().map(rumor)))
        + field("number", digits(push.number))
        + field("floor", digits(push.floor))
        + field("incarnation", digits(push.incarnation))
        + hash_and_count(push.summary.count)
        + acked
        + uplink
        + asks
        + streams.map_or(0, |streams| field("streams", list(streams.iter().map(stream))))
}

fn link_fields(push: &LinkPush) -> u64 {
    let numbers = field("number", digits(push.number)) + field("floor", digits(push.floor));
    let turn = push.turn.map_or(0, |turn| match turn {
        Turn::Graft => field("turn", len(r#""graft""#)),
        Turn::Prune => field("turn", len(r#""prune""#)),
    });
    let have = push.have.iter().map(|&(id, hops)| inner_id(id) + len("[, ]") + digits(hops.into()));
    let wants = push.wants.iter().map(|&id| 2 + inner_id(id));
    numbers
        + field("incarnation", digits(push.incarnation))
        + push.acked.as_ref().map_or(0, |acked| field("acked", acked_list(acked)))
        + push.beacon.map_or(0, |beacon| field("beacon", beacon_list(beacon)))
        + turn
        + if push.asks { field("asks", boolean(true)) } else { 0 }
        + unless_empty("rumors", push.rumors.len(), list(push.rumors.iter().map(rumor)))
        + unless_empty("have", push.have.len(), list(have))
        + unless_empty("wants", push.wants.len(), list(wants))
}

/// A list that is left out when there is nothing in it.
fn unless_empty(key: &str, count: usize, list: u64) -> u64 {
    if count == 0 { 0 } else { field(key, list) }
}

fn beacon_list(beacon: Beacon) -> u64 {
    let Beacon { root, since, sequence, hops, is_uplink } = beacon;
    let numbers = digits(since) + digits(sequence) + digits(hops.into());
    len("[, , , , ]") + 2 + name(root.0) + numbers + boolean(is_uplink)
}

fn view_fields(message: &ViewMessage) -> u64 {
    let word = |word: &str| field("says", 2 + len(word));
    let node = |key: &str, node: NodeId| field(key, 2 + name(node.0));
    let ttl = |ttl: u8| field("ttl", digits(ttl.into()));
    let nodes = |nodes: &[NodeId]| field("nodes", list(nodes.iter().map(|node| 2 + name(node.0))));
    match message {
        ViewMessage::Join => word("join"),
        ViewMessage::ForwardJoin { node: who, ttl: left } => {
            word("forward_join") + node("node", *who) + ttl(*left)
        }
        ViewMessage::Neighbor { is_urgent: true } => word("neighbor_urgent"),
        ViewMessage::Neighbor { is_urgent: false } => word("neighbor"),
        ViewMessage::Answer { accepts: true } => word("accept"),
        ViewMessage::Answer { accepts: false } => word("refuse"),
        ViewMessage::Disconnect => word("disconnect"),
        ViewMessage::Shuffle { origin, ttl: left, nodes: some } => {
            word("shuffle") + node("node", *origin) + ttl(*left) + nodes(some)
        }
        ViewMessage::ShuffleReply { nodes: some } => word("shuffle_reply") + nodes(some),
    }
}

/// The fields of a summary, whose hash has 16 digits.
fn hash_and_count(count: u64) -> u64 {
    field("summary", 2 + 16) + field("count", digits(count))
}

fn value(key: &str, payload: &Payload) -> u64 {
    field(key, payload.bytes().len() as u64)
}

fn rumor_id(id: Option<RumorId>) -> u64 {
    id.map_or(0, |id| field("id", 2 + inner_id(id)))
}

fn inner_id(id: RumorId) -> u64 {
    let numbers = digits(id.incarnation) + len(", ") + digits(id.sequence);
    2 + name(id.origin.0) + len(", ") + numbers
}

fn rumor(rumor: &Rumor) -> u64 {
    let id = rumor.id.map_or(len("null, 0, 0"), inner_id);
    let hops = digits(rumor.hops.into());
    len("[, , ]") + id + hops + rumor.payload.bytes().len() as u64
}

fn stream(stream: &StreamDigest) -> u64 {
    let origin = 2 + name(stream.origin.0);
    let numbers = digits(stream.incarnation) + digits(stream.upto);
    len("[, , , ]") + origin + numbers + ranges(&stream.beyond)
}

fn acked_list(acked: &Acked) -> u64 {
    len("[, , ]") + digits(acked.incarnation) + digits(acked.upto) + ranges(&acked.beyond)
}

fn ranges(ranges: &[(u64, u64)]) -> u64 {
    list(ranges.iter().map(|(first, last)| len("[, ]") + digits(*first) + digits(*last)))
}

/// A list of elements with these lengths.
fn list(elements: impl Iterator<Item = u64>) -> u64 {
    let (bytes, count) = elements.fold((0, 0_u64), |(sum, count), each| (sum + each, count + 1));
    2 + bytes + len(", ") * count.saturating_sub(1)
}

/// A member of an object and the comma before it.
fn field(key: &str, value: u64) -> u64 {
    len(r#", "": "#) + len(key) + value
}

/// A node's name, without its quotes.
fn name(node: u64) -> u64 {
    1 + digits(node)
}

fn digits(number: u64) -> u64 {
    u64::from(number.checked_ilog10().unwrap_or(0)) + 1
}

fn boolean(boolean: bool) -> u64 {
    if boolean { len("true") } else { len("false") }
}

fn len(text: &str) -> u64 {
    text.len() as u64
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use gossiper_core::Summary;
    use gossiper_wire as wire;
    use gossiper_wire::{Body, List, Value, encode};
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    use super::*;

    /// Numbers with every count of digits.
    fn number() -> impl Strategy<Value = u64> {
        (0..64_u32, any::<u64>()).prop_map(|(shift, bits)| bits >> shift)
    }

    fn node() -> impl Strategy<Value = u64> {
        (0..20_u32, 0..1_000_000_u64).prop_map(|(shift, bits)| bits >> shift)
    }

    fn payload() -> impl Strategy<Value = Payload> {
        number().prop_map(|number| Payload::new(number.to_string().as_bytes()))
    }

    fn id() -> impl Strategy<Value = RumorId> {
        (node(), number(), number()).prop_map(|(origin, incarnation, sequence)| RumorId {
            origin: NodeId(origin),
            incarnation,
            sequence,
        })
    }

    fn some_rumors() -> impl Strategy<Value = Vec<Rumor>> {
        let rumor = (option::of(id()), 0..2_000_u32, payload());
        vec(rumor.prop_map(|(id, hops, payload)| Rumor { id, hops, payload }), 0..4)
    }

    fn some_ranges() -> impl Strategy<Value = Vec<(u64, u64)>> {
        vec((number(), number()), 0..3)
    }

    fn some_streams() -> impl Strategy<Value = Vec<StreamDigest>> {
        let stream = (node(), number(), number(), some_ranges());
        let stream = stream.prop_map(|(origin, incarnation, upto, beyond)| StreamDigest {
            origin: NodeId(origin),
            incarnation,
            upto,
            beyond,
        });
        vec(stream, 0..3)
    }

    fn push() -> impl Strategy<Value = Push> {
        let acked = (number(), number(), some_ranges());
        let acked =
            acked.prop_map(|(incarnation, upto, beyond)| Acked { incarnation, upto, beyond });
        let summary = (number(), number()).prop_map(|(hash, count)| Summary { hash, count });
        let link = (number(), number(), number(), option::of(acked), any::<bool>());
        let rest = (summary, option::of(node()), some_rumors(), option::of(some_streams()));
        (link, rest).prop_map(|((incarnation, number, floor, acked, asks), rest)| {
            let (summary, uplink, rumors, streams) = rest;
            let uplink = uplink.map(NodeId);
            Push { incarnation, number, floor, acked, summary, uplink, asks, rumors, streams }
        })
    }

    fn link() -> impl Strategy<Value = LinkPush> {
        let acked = (number(), number(), some_ranges());
        let acked =
            acked.prop_map(|(incarnation, upto, beyond)| Acked { incarnation, upto, beyond });
        let beacon = (node(), number(), number(), 0..2_000_u32, any::<bool>());
        let beacon = beacon.prop_map(|(root, since, sequence, hops, is_uplink)| Beacon {
            root: NodeId(root),
            since,
            sequence,
            hops,
            is_uplink,
        });
        let turn = prop_oneof![Just(None), Just(Some(Turn::Graft)), Just(Some(Turn::Prune))];
        let numbers = (number(), number(), number(), any::<bool>());
        let lists = (some_rumors(), vec((id(), 0..2_000_u32), 0..3), vec(id(), 0..3));
        (numbers, option::of(acked), option::of(beacon), turn, lists).prop_map(
            |((incarnation, number, floor, asks), acked, beacon, turn, (rumors, have, wants))| {
                let numbers = LinkPush { incarnation, number, floor, ..LinkPush::default() };
                LinkPush { acked, beacon, turn, asks, rumors, have, wants, ..numbers }
            },
        )
    }

    fn view() -> impl Strategy<Value = ViewMessage> {
        let some_nodes = || vec(node().prop_map(NodeId), 0..4);
        prop_oneof![
            Just(ViewMessage::Join),
            Just(ViewMessage::Disconnect),
            any::<bool>().prop_map(|is_urgent| ViewMessage::Neighbor { is_urgent }),
            any::<bool>().prop_map(|accepts| ViewMessage::Answer { accepts }),
            (node(), any::<u8>())
                .prop_map(|(node, ttl)| ViewMessage::ForwardJoin { node: NodeId(node), ttl }),
            (node(), any::<u8>(), some_nodes()).prop_map(|(origin, ttl, nodes)| {
                ViewMessage::Shuffle { origin: NodeId(origin), ttl, nodes }
            }),
            some_nodes().prop_map(|nodes| ViewMessage::ShuffleReply { nodes }),
        ]
    }

    fn message() -> impl Strategy<Value = Message> {
        prop_oneof![
            link().prop_map(|push| Message::Link(Box::new(push))),
            view().prop_map(Message::View),
            (payload(), option::of(0..2_000_u32), option::of(id()))
                .prop_map(|(payload, hops, id)| Message::Broadcast { payload, hops, id }),
            (payload(), 0..2_000_u32, option::of(id()))
                .prop_map(|(payload, hops, id)| Message::Gossip { payload, hops, id }),
            number().prop_map(|of| Message::Ack { of: MessageId(of >> 1) }),
            vec(payload(), 0..4).prop_map(|payloads| Message::Sync { payloads }),
            (number(), number())
                .prop_map(|(of, new_count)| Message::SyncOk { of: MessageId(of >> 1), new_count }),
            (number(), number())
                .prop_map(|(hash, count)| Message::Summary(Summary { hash, count })),
            (some_streams(), any::<bool>())
                .prop_map(|(streams, answer)| Message::Digest { streams, answer }),
            some_rumors().prop_map(|rumors| Message::Delta { rumors }),
            push().prop_map(|push| Message::Push(Box::new(push))),
        ]
    }

    fn value_of(payload: &Payload) -> Value<'_> {
        Value::verbatim(std::str::from_utf8(payload.bytes()).unwrap())
    }

    fn wire_id(id: RumorId) -> wire::RumorId<'static> {
        let RumorId { origin, incarnation, sequence } = id;
        wire::RumorId { origin: format!("n{}", origin.0).into(), incarnation, sequence }
    }

    fn wire_acked(acked: &Acked) -> wire::Acked {
        wire::Acked {
            incarnation: acked.incarnation,
            upto: acked.upto,
            beyond: acked.beyond.clone(),
        }
    }

    fn wire_rumors(rumors: &[Rumor]) -> Vec<wire::Rumor<'_>> {
        let rumor = |rumor: &'_ Rumor| (rumor.id.map(wire_id), rumor.hops);
        let rumors = rumors.iter().map(|each| (rumor(each), value_of(&each.payload)));
        rumors.map(|((id, hops), message)| wire::Rumor { id, hops, message }).collect()
    }

    fn wire_streams(streams: &[StreamDigest]) -> Vec<wire::Stream<'static>> {
        let stream = |held: &StreamDigest| wire::Stream {
            origin: format!("n{}", held.origin.0).into(),
            incarnation: held.incarnation,
            upto: held.upto,
            beyond: held.beyond.clone(),
        };
        streams.iter().map(stream).collect()
    }

    fn wire_name(node: NodeId) -> Cow<'static, str> {
        format!("n{}", node.0).into()
    }

    fn wire_view(message: &ViewMessage) -> Body<'static> {
        let (mut who, mut left, mut some) = (None, None, None);
        let says = match message {
            ViewMessage::Join => wire::View::Join,
            ViewMessage::ForwardJoin { node, ttl } => {
                (who, left) = (Some(*node), Some(*ttl));
                wire::View::ForwardJoin
            }
            ViewMessage::Neighbor { is_urgent: true } => wire::View::NeighborUrgent,
            ViewMessage::Neighbor { is_urgent: false } => wire::View::Neighbor,
            ViewMessage::Answer { accepts: true } => wire::View::Accept,
            ViewMessage::Answer { accepts: false } => wire::View::Refuse,
            ViewMessage::Disconnect => wire::View::Disconnect,
            ViewMessage::Shuffle { origin, ttl, nodes } => {
                (who, left, some) = (Some(*origin), Some(*ttl), Some(nodes));
                wire::View::Shuffle
            }
            ViewMessage::ShuffleReply { nodes } => {
                some = Some(nodes);
                wire::View::ShuffleReply
            }
        };
        Body::GossipView {
            says,
            node: who.map(wire_name),
            ttl: left,
            nodes: some.map(|nodes| nodes.iter().copied().map(wire_name).collect()),
        }
    }

    /// The message as the wire has it, and the number of what it answers.
    fn wire_body<'a>(
        message: &'a Message,
        joined: &'a mut String,
    ) -> (Body<'a>, Option<MessageId>) {
        let body = match message {
            Message::Broadcast { payload, hops, id } => {
                Body::Broadcast { message: value_of(payload), hops: *hops, id: id.map(wire_id) }
            }
            Message::Gossip { payload, hops, id } => {
                Body::Gossip { message: value_of(payload), hops: *hops, id: id.map(wire_id) }
            }
            Message::Ack { of } => return (Body::BroadcastAck, Some(*of)),
            Message::Sync { payloads } => {
                let texts = payloads.iter().map(|payload| payload.bytes().escape_ascii());
                let texts: Vec<String> = texts.map(|text| text.to_string()).collect();
                *joined = texts.join(", ");
                Body::GossipSync { messages: List::from_items(joined) }
            }
            Message::SyncOk { of, new_count } => {
                return (Body::GossipSyncOk { new_count: *new_count }, Some(*of));
            }
            Message::Summary(Summary { hash, count }) => {
                Body::GossipSummary { summary: *hash, count: *count }
            }
            Message::Digest { streams, answer } => {
                Body::GossipDigest { streams: wire_streams(streams), answer: *answer }
            }
            Message::Delta { rumors } => Body::GossipDelta { rumors: wire_rumors(rumors) },
            Message::Push(push) => Body::GossipPush {
                rumors: wire_rumors(&push.rumors),
                number: push.number,
                floor: push.floor,
                incarnation: push.incarnation,
                acked: push.acked.as_ref().map(wire_acked),
                summary: push.summary.hash,
                count: push.summary.count,
                uplink: push.uplink.map(|uplink| format!("n{}", uplink.0).into()),
                asks: push.asks,
                streams: push.streams.as_deref().map(wire_streams),
            },
            Message::Link(push) => Body::GossipLink {
                rumors: wire_rumors(&push.rumors),
                number: push.number,
                floor: push.floor,
                incarnation: push.incarnation,
                acked: push.acked.as_ref().map(wire_acked),
                beacon: push.beacon.map(|beacon| wire::Beacon {
                    root: wire_name(beacon.root),
                    since: beacon.since,
                    sequence: beacon.sequence,
                    hops: beacon.hops,
                    is_uplink: beacon.is_uplink,
                }),
                turn: push.turn.map(|turn| match turn {
                    Turn::Graft => wire::Turn::Graft,
                    Turn::Prune => wire::Turn::Prune,
                }),
                asks: push.asks,
                have: push
                    .have
                    .iter()
                    .map(|&(id, hops)| wire::Held { id: wire_id(id), hops })
                    .collect(),
                wants: push.wants.iter().map(|&id| wire_id(id)).collect(),
            },
            Message::View(message) => wire_view(message),
            other => panic!("{other:?} is not among the messages above"),
        };
        (body, None)
    }

    proptest! {
        #[test]
        fn a_message_is_as_long_as_the_wire_makes_it(
            (from, to) in (node(), node()),
            number in number(),
            dialect in option::of(0..20_u32),
            message in message(),
        ) {
            let (mut out, mut joined) = (Vec::new(), String::new());
            let (src, dest) = (format!("n{from}"), format!("n{to}"));
            let number = MessageId(number >> 1);
            let (body, answers) = wire_body(&message, &mut joined);
            let answers = answers.map(|of| of.0 as i64);
            encode(&mut out, &src, &dest, &body, answers, Some(number.0 as i64), dialect);
            let bytes = line_bytes(from as usize, to as usize, number, dialect, &message);
            prop_assert_eq!(bytes, out.len() as u64 - 1, "{}", String::from_utf8_lossy(&out));
        }
    }
}
