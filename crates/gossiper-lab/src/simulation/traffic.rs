//! What the nodes have sent each other.

use gossiper_core::Message;
use serde::Serialize;

/// Messages by their type on the wire, lost ones included.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Kinds {
    /// Pushes along the tree, and around a silent neighbor.
    pub broadcast: u64,
    /// Their acknowledgements.
    pub broadcast_ack: u64,
    /// Pushes to random nodes.
    pub gossip: u64,
    /// All that a node knows.
    pub gossip_sync: u64,
    /// Their acknowledgements.
    pub gossip_sync_ok: u64,
    /// Hashes of what a node holds.
    pub gossip_summary: u64,
    /// What a node holds, exactly.
    pub gossip_digest: u64,
    /// What a node lacked.
    pub gossip_delta: u64,
    /// Paced pushes on a computed tree, and acknowledgements of them that went alone.
    pub gossip_push: u64,
    /// All that goes over a link of a learned tree.
    pub gossip_link: u64,
    /// What keeps partial views.
    pub gossip_view: u64,
}

/// Why messages did not arrive.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Drops {
    /// Receiver and sender were cut off from each other.
    pub cut: u64,
    /// By chance.
    pub loss: u64,
    /// The receiver was down, or died before.
    pub down: u64,
}

/// What the nodes have sent each other, lost messages included.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Traffic {
    /// Messages of each type.
    pub kinds: Kinds,
    /// Messages that carry a payload.
    pub payload_messages: u64,
    /// Payloads, of which one message may carry many.
    pub payloads: u64,
    /// Bytes on the wire, without the lines' ends.
    pub bytes: u64,
    /// Messages that did not arrive. Copies that the network made count here, and were not sent.
    pub drops: Drops,
}

impl Traffic {
    /// All messages.
    pub fn messages(&self) -> u64 {
        let Kinds {
            broadcast,
            broadcast_ack,
            gossip,
            gossip_sync,
            gossip_sync_ok,
            gossip_summary,
            gossip_digest,
            gossip_delta,
            gossip_push,
            gossip_link,
            gossip_view,
        } = self.kinds;
        let pushes = broadcast + gossip + gossip_delta + gossip_push + gossip_link + gossip_view;
        pushes + broadcast_ack + gossip_sync + gossip_sync_ok + gossip_summary + gossip_digest
    }

    /// What others have sent.
    pub(super) fn add(&mut self, other: &Self) {
        let Self { kinds, payload_messages, payloads, bytes, drops } = other;
        let own = &mut self.kinds;
        own.broadcast += kinds.broadcast;
        own.broadcast_ack += kinds.broadcast_ack;
        own.gossip += kinds.gossip;
        own.gossip_sync += kinds.gossip_sync;
        own.gossip_sync_ok += kinds.gossip_sync_ok;
        own.gossip_summary += kinds.gossip_summary;
        own.gossip_digest += kinds.gossip_digest;
        own.gossip_delta += kinds.gossip_delta;
        own.gossip_push += kinds.gossip_push;
        own.gossip_link += kinds.gossip_link;
        own.gossip_view += kinds.gossip_view;
        self.payload_messages += payload_messages;
        self.payloads += payloads;
        self.bytes += bytes;
        self.drops.cut += drops.cut;
        self.drops.loss += drops.loss;
        self.drops.down += drops.down;
    }

    /// A message is sent that takes so many bytes.
    pub(super) fn on_sent(&mut self, message: &Message, bytes: u64) {
        let kinds = &mut self.kinds;
        let (kind, payloads) = match message {
            Message::Broadcast { .. } => (&mut kinds.broadcast, 1),
            Message::Gossip { .. } => (&mut kinds.gossip, 1),
            Message::Sync { payloads } => (&mut kinds.gossip_sync, payloads.len()),
            Message::Delta { rumors } => (&mut kinds.gossip_delta, rumors.len()),
            Message::Push(push) => (&mut kinds.gossip_push, push.rumors.len()),
            Message::Link(push) => (&mut kinds.gossip_link, push.rumors.len()),
            Message::View(_) => (&mut kinds.gossip_view, 0),
            Message::Ack { .. } => (&mut kinds.broadcast_ack, 0),
            Message::SyncOk { .. } => (&mut kinds.gossip_sync_ok, 0),
            Message::Summary(_) => (&mut kinds.gossip_summary, 0),
            Message::Digest { .. } => (&mut kinds.gossip_digest, 0),
            other => unreachable!("the core does not send {other:?}"),
        };
        *kind += 1;
        self.payloads += payloads as u64;
        self.payload_messages += u64::from(payloads > 0);
        self.bytes += bytes;
    }
}
