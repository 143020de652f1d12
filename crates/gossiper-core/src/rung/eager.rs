//! First rung: push a new payload at once, along a tree or to random peers.

use alloc::vec::Vec;

use smallvec::SmallVec;

use super::ack::{Forward, Forwards};
use crate::state::Context;
use crate::store::ValueIx;
use crate::{Message, MessageId, NodeId, RumorId};

/// Where a new payload came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Source {
    /// This node's own application.
    Application,
    /// A peer, which therefore has it.
    Peer(NodeId),
    /// A peer that is no neighbor in the tree, directly: it goes around a silent neighbor.
    Around(NodeId),
    /// A peer, by a delta. There may be thousands of them at once, so those who speak our dialect
    /// are not pushed each but [shown that there is something](super::digest::pass_on).
    Delta(NodeId),
}

impl Source {
    pub(crate) fn peer(self) -> Option<NodeId> {
        match self {
            Self::Application => None,
            Self::Peer(peer) | Self::Around(peer) | Self::Delta(peer) => Some(peer),
        }
    }

    /// Whether the payload is pushed to `peer`, drawn or a neighbor.
    fn is_pushed_to(self, cx: &Context<'_>, peer: NodeId) -> bool {
        match self {
            Self::Application => true,
            Self::Peer(from) | Self::Around(from) => peer != from,
            Self::Delta(from) => peer != from && !cx.state.links.speaks_dialect(peer),
        }
    }
}

/// Pushes to every tree neighbor but the one that the payload came from. Gives back what now
/// awaits an acknowledgement.
pub(crate) fn push_on_tree(cx: &mut Context<'_>, value: ValueIx, source: Source) -> Forwards {
    let hops = cx.state.store.delivery(value).hops;
    let neighbors: SmallVec<[NodeId; 8]> = SmallVec::from_slice(cx.state.overlay.neighbors());
    let covered = silent_hop(cx, source);
    let mut forwards = Forwards::new();
    let hops = (source != Source::Application).then_some(hops);
    for to in neighbors {
        if !source.is_pushed_to(cx, to) {
            continue;
        }
        let number = push(cx, to, value, hops);
        forwards.push(Forward { to, number, is_covered: covered == Some(to), is_acked: false });
    }
    forwards
}

/// The neighbor that a direct delivery has gone around: its sender lies behind it, and it was
/// silent. The sender sees to everybody behind it, so that not each of them does so again.
fn silent_hop(cx: &Context<'_>, source: Source) -> Option<NodeId> {
    match source {
        Source::Around(from) => cx.state.overlay.tree()?.next_hop(from),
        Source::Application | Source::Peer(_) | Source::Delta(_) => None,
    }
}

/// Pushes directly, around a silent neighbor. Says whether the message went out.
pub(crate) fn push_directly(cx: &mut Context<'_>, to: NodeId, value: ValueIx) -> bool {
    let hops = cx.state.store.delivery(value).hops;
    push(cx, to, value, Some(hops)).is_some()
}

fn push(cx: &mut Context<'_>, to: NodeId, value: ValueIx, hops: Option<u32>) -> Option<MessageId> {
    let payload = cx.state.store.payload(value);
    let announces = cx.announces_push(to);
    let id = id_for(cx, to, value, announces);
    cx.send_announcing(to, Message::Broadcast { payload, hops, id }, announces)
}

/// Pushes to `fanout` random peers, never to the one that the payload came from.
pub(crate) fn push_at_random(cx: &mut Context<'_>, value: ValueIx, source: Source) {
    let hops = cx.state.store.delivery(value).hops;
    let drawn = cx.state.draw_peers(cx.state.config.fanout, source.peer());
    for to in drawn {
        if !source.is_pushed_to(cx, to) {
            continue;
        }
        let payload = cx.state.store.payload(value);
        let announces = cx.announces_push(to);
        let id = id_for(cx, to, value, announces);
        cx.send_announcing(to, Message::Gossip { payload, hops, id }, announces);
    }
}

/// A push to each of `neighbors`, which awaits nothing.
pub(crate) fn push_to_all(
    cx: &mut Context<'_>,
    neighbors: Vec<NodeId>,
    value: ValueIx,
    source: Source,
) {
    let hops = cx.state.store.delivery(value).hops;
    let hops = (source != Source::Application).then_some(hops);
    for to in neighbors {
        if source.is_pushed_to(cx, to) {
            push(cx, to, value, hops);
        }
    }
}

/// The id of a payload, for peers that can make use of it.
fn id_for(cx: &Context<'_>, to: NodeId, value: ValueIx, announces: bool) -> Option<RumorId> {
    let may_use = announces && cx.state.is_large() || cx.state.links.speaks_dialect(to);
    if may_use { cx.state.id_of(value) } else { None }
}
