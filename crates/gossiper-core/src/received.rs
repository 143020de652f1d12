//! What a message from a peer does.

use alloc::vec::Vec;

use crate::node::Parts;
use crate::relay;
use crate::rung::digest;
use crate::rung::eager::Source;
use crate::state::{Context, Learned};
use crate::store::{Delivery, Via};
use crate::{LinkPush, Mechanism, Message, MessageId, NodeId, Payload, Push, Rumor, RumorId};
pub(crate) fn on_received(
    cx: &mut Context<'_>,
    parts: &mut Parts<'_>,
    from: NodeId,
    id: Option<MessageId>,
    message: Message,
) {
    if !message.is_plain() && !cx.state.uses(Mechanism::Dialect) {
        if let Some(of) = id {
            cx.send(from, Message::NotSupported { of });
        }
        return;
    }
    match message {
        Message::Broadcast { payload, hops, id: name } => {
            let (is_relayed, hops) = (hops.is_some(), hops.unwrap_or(0).saturating_add(1));
            let delivery = Delivery { via: Via::Tree, hops };
            let learned = learn(cx, parts, from, &payload, name, delivery);
            // What cannot be kept is not acknowledged.
            if let Some(of) = id.filter(|_| learned != Learned::Refused) {
                cx.send(from, Message::Ack { of });
            }
            let pushed_on = match learned {
                Learned::Known(value) => {
                    Some(value).filter(|&value| parts.protocol.takes_up(value))
                }
                Learned::New(_) | Learned::Refused => learned.newly_learnt(),
            };
            if let Some(value) = pushed_on {
                let is_neighbor = cx.state.overlay.neighbors().contains(&from);
                // Only a direct delivery says how far it has come and is from no neighbor. Another
                // program has neighbors of its own.
                let is_around = is_relayed && !is_neighbor && !cx.state.links.is_plain(from);
                let source = if is_around { Source::Around(from) } else { Source::Peer(from) };
                cx.push_later(value, source);
            }
        }
        Message::Gossip { payload, hops, id } => {
            let delivery = Delivery { via: Via::Gossip, hops: hops.saturating_add(1) };
            if let Learned::New(value) = learn(cx, parts, from, &payload, id, delivery) {
                cx.push_later(value, Source::Peer(from));
            }
        }
        Message::Sync { payloads } => on_sync(cx, parts, from, id, payloads),
        Message::Ack { of } => {
            parts.protocol.on_ack(from, of);
            parts.relay.on_plain_ack(cx, from, of);
            on_answer(cx, parts, from, of);
        }
        Message::SyncOk { of, .. } => on_answer(cx, parts, from, of),
        Message::Summary(summary) => {
            parts.relay.compare(cx, from, summary.hash);
            digest::on_summary(cx, from, summary);
        }
        Message::Digest { streams, answer } => digest::on_digest(cx, from, &streams, answer),
        Message::Delta { rumors } => on_delta(cx, parts, from, rumors),
        Message::Push(push) => on_push(cx, parts, from, &push),
        Message::Link(push) => on_link(cx, parts, from, *push),
        Message::View(message) => {
            if from != NodeId::GUEST
                && let Some(learned) = &mut parts.learned
            {
                learned.on_view(cx, from, message);
            }
        }
        Message::NotSupported { .. } => {
            cx.state.stats.not_supported += 1;
            cx.state.links.on_not_supported(from);
            parts.relay.on_role(cx, from);
        }
    }
}

/// A peer has answered a message, in whichever dialect.
fn on_answer(cx: &mut Context<'_>, parts: &mut Parts<'_>, from: NodeId, of: MessageId) {
    if cx.state.links.on_answer(from, of) {
        parts.relay.on_role(cx, from);
    }
}

fn on_sync(
    cx: &mut Context<'_>,
    parts: &mut Parts<'_>,
    from: NodeId,
    id: Option<MessageId>,
    payloads: Vec<Payload>,
) {
    // Where values keep coming, everybody lacks some.
    let is_telling = payloads.is_empty() || !cx.state.has_news(cx.now);
    let is_lacking = is_telling && payloads.len() < cx.state.store.len();
    let new_count = take_in(cx, parts, from, payloads);
    if let Some(of) = id {
        cx.send(from, Message::SyncOk { of, new_count });
    }
    if is_lacking && cx.state.links.speaks_dialect(from) {
        digest::open(cx, from);
    }
}

/// Takes in a payload that came from `from`, who therefore has it.
fn learn(
    cx: &mut Context<'_>,
    parts: &mut Parts<'_>,
    from: NodeId,
    payload: &Payload,
    id: Option<RumorId>,
    delivery: Delivery,
) -> Learned {
    let learned = cx.learn(payload, id, from, delivery);
    if let Learned::Known(value) = learned {
        parts.protocol.on_duplicate(from, value);
        parts.relay.on_holder(from, value);
        if let Some(overlay) = &mut parts.learned {
            overlay.on_holder(from, value);
        }
    }
    learned
}

/// Takes in payloads that came without names or hops: they count as one hop. Gives the number of
/// new ones.
pub(crate) fn take_in(
    cx: &mut Context<'_>,
    parts: &mut Parts<'_>,
    from: NodeId,
    payloads: Vec<Payload>,
) -> u64 {
    let delivery = Delivery { via: Via::Gossip, hops: 1 };
    let mut new = Vec::new();
    for payload in payloads {
        new.extend(learn(cx, parts, from, &payload, None, delivery).newly_learnt());
    }
    // Who learns much at once is catching up.
    let is_bulk = relay::is_in_use(cx.state) && new.len() > SYNC_PUSHES_MAX;
    let source = if is_bulk { Source::Delta(from) } else { Source::Peer(from) };
    new.iter().for_each(|&value| cx.push_later(value, source));
    new.len() as u64
}

/// The new payloads of one plain sync, or of a push that shows a digest, that are pushed on each on
/// a computed tree.
const SYNC_PUSHES_MAX: usize = 16;

/// The new payloads of a delta that are pushed on where each costs a message. Where there are more,
/// the node has caught up with others, who have them already: those who lack them find out by a
/// summary, or by a round.
const DELTA_FORWARDS_MAX: usize = 64;

fn on_delta(cx: &mut Context<'_>, parts: &mut Parts<'_>, from: NodeId, rumors: Vec<Rumor>) {
    let mut new = Vec::new();
    for Rumor { id, hops, payload } in rumors {
        let delivery = Delivery { via: Via::Gossip, hops: hops.saturating_add(1) };
        new.extend(learn(cx, parts, from, &payload, id, delivery).newly_learnt());
        id.iter().for_each(|id| cx.note_origin(id.origin));
    }
    if relay::is_in_use(cx.state) {
        if parts.relay.pushes_delta(cx, from, new.len()) {
            new.iter().for_each(|&value| cx.push_later(value, Source::Delta(from)));
        }
        return;
    }
    // In a learned overlay they are announced, which is cheap.
    if new.len() <= DELTA_FORWARDS_MAX || parts.learned.is_some() {
        new.iter().for_each(|&value| cx.push_later(value, Source::Delta(from)));
    }
    if !new.is_empty() {
        digest::pass_on(cx, from);
    }
}

/// Takes in what a push holds, then heeds what it says of the link.
fn on_push(cx: &mut Context<'_>, parts: &mut Parts<'_>, from: NodeId, push: &Push) {
    let mut new = Vec::new();
    for Rumor { id, hops, payload } in &push.rumors {
        let delivery = Delivery { via: Via::Tree, hops: hops.saturating_add(1) };
        new.extend(learn(cx, parts, from, payload, *id, delivery).newly_learnt());
        id.iter().for_each(|id| cx.note_origin(id.origin));
    }
    // Who shows all that it holds brings along what this node may have missed, as a delta would.
    let is_bulk = push.streams.is_some() && new.len() > SYNC_PUSHES_MAX;
    if !is_bulk || !relay::is_in_use(cx.state) {
        new.iter().for_each(|&value| cx.push_later(value, Source::Peer(from)));
    } else if parts.relay.pushes_delta(cx, from, new.len()) {
        new.iter().for_each(|&value| cx.push_later(value, Source::Delta(from)));
    }
    for stream in push.streams.iter().flatten() {
        cx.note_origin(stream.origin);
    }
    if from != NodeId::GUEST && cx.state.members.is_peer(from) {
        parts.relay.on_push(cx, from, push);
    }
}

/// Takes in what came over a link of a learned tree, then heeds what it says of the link.
fn on_link(cx: &mut Context<'_>, parts: &mut Parts<'_>, from: NodeId, mut push: LinkPush) {
    // Who has no partial views has no such links, and its member list says more than this does.
    if from == NodeId::GUEST || parts.learned.is_none() {
        return;
    }
    let is_numbered = push.is_numbered();
    for Rumor { id, hops, payload } in core::mem::take(&mut push.rumors) {
        let delivery = Delivery { via: Via::Tree, hops: hops.saturating_add(1) };
        let learned = learn(cx, parts, from, &payload, id, delivery);
        let Some(overlay) = &mut parts.learned else { return };
        match learned {
            Learned::New(value) => {
                overlay.on_rumor(cx, from, id, value, true);
                cx.push_later(value, Source::Peer(from));
            }
            Learned::Known(value) => overlay.on_rumor(cx, from, id, value, false),
            Learned::Refused => {}
        }
    }
    if let Some(overlay) = &mut parts.learned {
        overlay.on_link(cx, from, push, is_numbered);
    }
}
