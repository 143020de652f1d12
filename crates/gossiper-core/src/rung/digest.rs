//! Fourth rung: anti-entropy. Two nodes compare what they hold and exchange what differs.
//!
//! An exchange takes at most four steps and keeps no state, so a lost message costs no more than
//! that one exchange:
//!
//! 1. [`Summary`](Message::Summary): a hash of what I hold. Silence means: so do I.
//! 2. [`Digest`](Message::Digest): else, what I hold, exactly.
//! 3. [`Delta`](Message::Delta): what that lacks, and my own digest if I lack something.
//! 4. [`Delta`](Message::Delta): what that lacks.
//!
//! Version vectors with gaps, after Golding's timestamped anti-entropy (1992) and Demers et al.
//! (1987) section 1.3, who exchange checksums first.

use alloc::vec::Vec;

use crate::state::Context;
use crate::{Mechanism, Message, NodeId, Rumor, StreamDigest, Summary};

/// The payload bytes of one delta.
const DELTA_BYTES_MAX: usize = 256 << 10;

/// The rumors of one delta, which bounds what their ids take.
const DELTA_RUMORS_MAX: usize = 8_192;

/// The deltas of one exchange. What is still lacking then waits for the next, so that a node that
/// starts empty does not get everything from everyone at once.
const DELTAS_MAX: usize = 16;

/// How many gossip intervals a payload waits to be named by a peer that speaks our dialect, and so
/// knows a name or waits for one itself. Afterwards that peer counts as lost.
const PATIENCE_INTERVALS: u32 = 8;

/// By how many values two nodes may differ while both follow a busy time.
pub(crate) const LAG_USUAL: u64 = 64;

/// Opens an exchange.
pub(crate) fn open(cx: &mut Context<'_>, peer: NodeId) {
    if !cx.state.uses(Mechanism::Digest) {
        return;
    }
    let summary = cx.state.summary();
    cx.send(peer, Message::Summary(summary));
}

pub(crate) fn on_summary(cx: &mut Context<'_>, from: NodeId, summary: Summary) {
    if summary.hash == cx.state.streams.hash() {
        return;
    }
    // Where all is well and values keep coming, two nodes hold the same only now and then.
    let lag = summary.count.abs_diff(cx.state.store.len() as u64);
    if cx.state.is_well && cx.state.has_news(cx.now) && lag <= LAG_USUAL {
        return;
    }
    let is_behind = summary.count > cx.state.store.len() as u64;
    if !is_behind || may_catch_up(cx) {
        send_digest(cx, from, true);
    }
}

/// Whether to ask a peer for what it has. Everybody asked sends the same, and if that is a million
/// rumors, asking one at a time is both quicker and enough.
pub(crate) fn may_catch_up(cx: &mut Context<'_>) -> bool {
    let may = cx.state.catch_up_from <= cx.now;
    if may {
        cx.state.catch_up_from = cx.now + cx.state.config.ack_timeout;
    }
    may
}

pub(crate) fn on_digest(
    cx: &mut Context<'_>,
    from: NodeId,
    streams: &[StreamDigest],
    answer: bool,
) {
    send_deltas(cx, from, streams);
    if answer && cx.state.streams.lacks_any_of(streams) && may_catch_up(cx) {
        send_digest(cx, from, false);
    }
}

/// The second step of an exchange, or the first where it would come to that. A peer that asks for
/// it gets it, whatever this node does without.
pub(crate) fn send_digest(cx: &mut Context<'_>, to: NodeId, answer: bool) {
    let streams = cx.state.streams.digest();
    cx.send(to, Message::Digest { streams, answer });
}

/// Sends what `theirs` lacks, in parts.
pub(crate) fn send_deltas(cx: &mut Context<'_>, to: NodeId, theirs: &[StreamDigest]) {
    let mut deltas: Vec<Vec<Rumor>> = Vec::new();
    let mut bytes = usize::MAX;
    // From a stream at random on: what the peer cannot keep must not stand before the rest for
    // ever.
    let first = cx.state.rng.next_u64();
    for (id, value) in cx.state.streams.lacking_in(theirs, first) {
        let rumor = Rumor {
            id: Some(id),
            hops: cx.state.store.delivery(value).hops,
            payload: cx.state.store.payload(value),
        };
        bytes = bytes.saturating_add(rumor.payload.bytes().len());
        let is_full = deltas.last().is_none_or(|delta| delta.len() == DELTA_RUMORS_MAX);
        if is_full || bytes > DELTA_BYTES_MAX {
            if deltas.len() == DELTAS_MAX {
                break;
            }
            bytes = rumor.payload.bytes().len();
            deltas.push(Vec::new());
        }
        if let Some(delta) = deltas.last_mut() {
            delta.push(rumor);
        }
    }
    for rumors in deltas {
        cx.send(to, Message::Delta { rumors });
    }
}

/// Passes on that something new has come by a delta from `from`: to those to whom it would be
/// pushed, if they speak our dialect. At most once an interval: a node that catches up has news
/// with each of many deltas.
pub(crate) fn pass_on(cx: &mut Context<'_>, from: NodeId) {
    if cx.now < cx.state.pass_on_from {
        return;
    }
    cx.state.pass_on_from = cx.now + cx.state.config.gossip_interval;
    let receivers = match cx.state.overlay.tree() {
        Some(tree) => tree.neighbors().to_vec(),
        None => cx.state.draw_peers(cx.state.config.fanout, Some(from)),
    };
    for to in receivers {
        if to != from && cx.state.links.speaks_dialect(to) {
            open(cx, to);
        }
    }
}

/// Names the payloads that have waited long enough for somebody else to do so.
///
/// A payload in a plain message has no name, and the receiver adopts it. But where the sender turns
/// out to speak our dialect, the name exists, and an exchange with that sender will bring it:
/// adopting at once would give every early value as many names as there are nodes.
pub(crate) fn name_unnamed(cx: &mut Context<'_>) {
    let interval = cx.state.config.gossip_interval;
    // Each is taken off the list once, and put back behind the others if it stays.
    for _ in 0..cx.state.unnamed.len() {
        let Some(unnamed) = cx.state.unnamed.pop_front() else { return };
        if cx.state.store.name(unnamed.value).is_some() {
            continue;
        }
        let age = cx.now - unnamed.since;
        let may_come = cx.state.links.speaks_dialect(unnamed.from)
            && age < interval.saturating_mul(PATIENCE_INTERVALS);
        if age < interval || may_come {
            cx.state.unnamed.push_back(unnamed);
        } else {
            cx.name_as_own(unnamed.value);
        }
    }
}
