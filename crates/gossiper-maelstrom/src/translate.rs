//! The core's messages and the wire's, and the way from one to the other.

use gossiper_core as core;
use gossiper_core::{Message, MessageId, NodeId, Payload, Push, Summary};
use gossiper_wire as wire;
use gossiper_wire::{Body, BodyError, List, Value};

use crate::names::Names;

/// The payload of a value: its text, known by its canonical text.
pub(crate) fn payload(value: &Value<'_>) -> Payload {
    Payload::with_key(value.text().as_bytes(), value.key().as_bytes())
}

/// The text of a payload.
pub(crate) fn text(payload: &[u8]) -> &str {
    std::str::from_utf8(payload).expect("payloads are texts of JSON values")
}

pub(crate) fn payloads(list: List<'_>) -> Result<Vec<Payload>, BodyError> {
    list.iter().map(|value| Ok(payload(&value?))).collect()
}

/// What a message of a peer's says to the core; `None` for one that the core has no part in.
pub(crate) fn to_core(
    body: Body<'_>,
    in_reply_to: Option<MessageId>,
    names: &mut Names,
) -> Result<Option<Message>, BodyError> {
    Ok(Some(match body {
        Body::Broadcast { message, hops, id } => {
            Message::Broadcast { payload: payload(&message), hops, id: rumor_id(id, names) }
        }
        Body::Gossip { message, hops, id } => {
            Message::Gossip { payload: payload(&message), hops, id: rumor_id(id, names) }
        }
        Body::GossipSync { messages } => Message::Sync { payloads: payloads(messages)? },
        Body::BroadcastAck | Body::BroadcastOk => match in_reply_to {
            Some(of) => Message::Ack { of },
            None => {
                let kind = body.kind();
                return Err(BodyError::Malformed(format!("{kind} lacks in_reply_to")));
            }
        },
        Body::Error { code: 10, .. } => match in_reply_to {
            Some(of) => Message::NotSupported { of },
            None => return Ok(None),
        },
        Body::GossipSummary { summary, count } => {
            Message::Summary(Summary { hash: summary, count })
        }
        Body::GossipDigest { streams, answer } => Message::Digest {
            streams: streams.into_iter().filter_map(|held| stream(held, names)).collect(),
            answer,
        },
        Body::GossipDelta { rumors } => {
            Message::Delta { rumors: rumors.into_iter().map(|came| rumor(came, names)).collect() }
        }
        Body::GossipPush {
            rumors,
            number,
            floor,
            incarnation,
            acked,
            summary,
            count,
            uplink,
            asks,
            streams,
        } => Message::Push(Box::new(Push {
            incarnation,
            number,
            floor,
            acked: acked.map(|wire::Acked { incarnation, upto, beyond }| core::Acked {
                incarnation,
                upto,
                beyond,
            }),
            summary: Summary { hash: summary, count },
            uplink: uplink.and_then(|uplink| names.number(&uplink)),
            asks,
            rumors: rumors.into_iter().map(|came| rumor(came, names)).collect(),
            streams: streams.map(|streams| {
                streams.into_iter().filter_map(|held| stream(held, names)).collect()
            }),
        })),
        _ => return Ok(None),
    }))
}

/// The id, unless its origin is one stranger too many: then the payload comes without a name.
fn rumor_id(id: Option<wire::RumorId<'_>>, names: &mut Names) -> Option<core::RumorId> {
    let wire::RumorId { origin, incarnation, sequence } = id?;
    let origin = names.number(&origin)?;
    Some(core::RumorId { origin, incarnation, sequence })
}

fn stream(held: wire::Stream<'_>, names: &mut Names) -> Option<core::StreamDigest> {
    let wire::Stream { origin, incarnation, upto, beyond } = held;
    let origin = names.number(&origin)?;
    Some(core::StreamDigest { origin, incarnation, upto, beyond })
}

fn rumor(came: wire::Rumor<'_>, names: &mut Names) -> core::Rumor {
    let wire::Rumor { id, hops, message } = came;
    core::Rumor { id: rumor_id(id, names), hops, payload: payload(&message) }
}

/// What the core wants said, and the number of what it answers.
pub(crate) fn from_core<'a>(
    message: &'a Message,
    names: &'a Names,
    joined: &'a mut String,
) -> (Body<'a>, Option<MessageId>) {
    match message {
        Message::Broadcast { payload, hops, id } => {
            let (message, id) = (value(payload), id.map(|id| wire_id(id, names)));
            (Body::Broadcast { message, hops: *hops, id }, None)
        }
        Message::Gossip { payload, hops, id } => {
            let (message, id) = (value(payload), id.map(|id| wire_id(id, names)));
            (Body::Gossip { message, hops: *hops, id }, None)
        }
        Message::Ack { of } => (Body::BroadcastAck, Some(*of)),
        Message::Sync { payloads } => {
            payloads.iter().for_each(|payload| push_item(joined, text(payload.bytes())));
            (Body::GossipSync { messages: List::from_items(joined) }, None)
        }
        Message::SyncOk { of, new_count } => {
            (Body::GossipSyncOk { new_count: *new_count }, Some(*of))
        }
        Message::Summary(Summary { hash, count }) => {
            (Body::GossipSummary { summary: *hash, count: *count }, None)
        }
        Message::Digest { streams, answer } => {
            let streams = streams.iter().map(|held| wire_stream(held, names)).collect();
            (Body::GossipDigest { streams, answer: *answer }, None)
        }
        Message::Delta { rumors } => {
            (Body::GossipDelta { rumors: wire_rumors(rumors, names) }, None)
        }
        Message::Push(push) => {
            let acked = push.acked.as_ref().map(|acked| wire::Acked {
                incarnation: acked.incarnation,
                upto: acked.upto,
                beyond: acked.beyond.clone(),
            });
            let streams = push.streams.as_ref();
            let body = Body::GossipPush {
                rumors: wire_rumors(&push.rumors, names),
                number: push.number,
                floor: push.floor,
                incarnation: push.incarnation,
                acked,
                summary: push.summary.hash,
                count: push.summary.count,
                uplink: push.uplink.map(|uplink| name(uplink, names)),
                asks: push.asks,
                streams: streams
                    .map(|streams| streams.iter().map(|held| wire_stream(held, names)).collect()),
            };
            (body, None)
        }
        Message::NotSupported { of } => {
            let text = "this node speaks the plain messages only".into();
            (Body::Error { code: 10, text }, Some(*of))
        }
        other => unreachable!("the core does not send {other:?}"),
    }
}

/// Appends an item to the text of a list.
pub(crate) fn push_item(list: &mut String, item: &str) {
    if !list.is_empty() {
        list.push_str(", ");
    }
    list.push_str(item);
}

fn value(payload: &Payload) -> Value<'_> {
    Value::verbatim(text(payload.bytes()))
}

fn wire_id(id: core::RumorId, names: &Names) -> wire::RumorId<'_> {
    let core::RumorId { origin, incarnation, sequence } = id;
    wire::RumorId { origin: name(origin, names), incarnation, sequence }
}

fn wire_rumors<'a>(rumors: &'a [core::Rumor], names: &'a Names) -> Vec<wire::Rumor<'a>> {
    let wire = |rumor: &'a core::Rumor| wire::Rumor {
        id: rumor.id.map(|id| wire_id(id, names)),
        hops: rumor.hops,
        message: value(&rumor.payload),
    };
    rumors.iter().map(wire).collect()
}

fn wire_stream<'a>(held: &core::StreamDigest, names: &'a Names) -> wire::Stream<'a> {
    wire::Stream {
        origin: name(held.origin, names),
        incarnation: held.incarnation,
        upto: held.upto,
        beyond: held.beyond.clone(),
    }
}

fn name(id: NodeId, names: &Names) -> std::borrow::Cow<'_, str> {
    names.name(id).into()
}
