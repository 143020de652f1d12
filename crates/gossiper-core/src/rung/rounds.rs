//! Third rung: now and then, bring a few random peers up to date.

use alloc::vec::Vec;
use core::time::Duration;

use super::digest;
use crate::relay;
use crate::state::Context;
use crate::{Config, Instant, Mechanism, Message, NodeId};

/// The payload bytes of one sync. Where there are more, the next sync to that peer goes on where
/// this one ended, so that a round's cost is bounded however much is known.
const SYNC_BYTES_MAX: usize = 1 << 20;

/// The timer of the rounds.
#[derive(Debug)]
pub(crate) struct Rounds {
    /// When the last round began, or the node started.
    last: Instant,
    interval: Duration,
}

impl Rounds {
    /// The first round comes one interval after `now`.
    pub(crate) fn new(config: &Config, now: Instant) -> Self {
        Self { last: now, interval: config.gossip_interval }
    }

    /// The interval has changed, and counts from the last round: saying so again and again does not
    /// put the next one off.
    pub(crate) fn on_configured(&mut self, cx: &Context<'_>) {
        self.interval = cx.state.config.gossip_interval;
    }

    /// Begins a round if it is time. Rounds that were missed, by a paused process say, are not made
    /// up for.
    pub(crate) fn on_wakeup(&mut self, cx: &mut Context<'_>) {
        if self.next_wakeup() <= cx.now {
            self.last = cx.now;
            if cx.state.uses(Mechanism::Rounds) {
                begin(cx, Occasion::Timer);
            } else {
                // That is no message, and other rungs tell peers apart by names.
                digest::name_unnamed(cx);
            }
        }
    }

    pub(crate) fn next_wakeup(&self) -> Instant {
        self.last + self.interval
    }
}

/// What a round is begun for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Occasion {
    Timer,
    Request,
}

/// Draws `fanout` peers and brings them up to date: by digest those that speak our dialect, the
/// others by sending everything.
pub(crate) fn begin(cx: &mut Context<'_>, occasion: Occasion) {
    let has_news = cx.state.has_news(cx.now);
    cx.state.stats.rounds += 1;
    digest::name_unnamed(cx);
    cx.state.is_round = occasion == Occasion::Timer;
    // Values that nobody has named show in no hash.
    let patience = cx.state.config.gossip_interval * 3;
    let is_named = cx.state.unnamed.front().is_none_or(|oldest| cx.now - oldest.since < patience);
    let is_vain = cx.state.is_well && is_named && cx.state.uses(Mechanism::Skipping);
    if occasion == Occasion::Timer && is_vain {
        return check_at_random(cx);
    }
    let drawn = cx.state.draw_peers(cx.state.config.fanout, None);
    let knows_nothing = cx.state.store.is_empty();
    let uses_digest = cx.state.uses(Mechanism::Digest);
    if knows_nothing
        && uses_digest
        && cx.state.uses(Mechanism::Dialect)
        && occasion == Occasion::Timer
        && let Some(&first) = drawn.iter().find(|&&to| !cx.state.links.speaks_dialect(to))
    {
        // It has nothing to tell, but who speaks the dialect sees by this that it lacks everything.
        cx.send_announcing(first, Message::Sync { payloads: Vec::new() }, true);
    }
    for to in drawn {
        let is_compared = uses_digest && cx.state.links.speaks_dialect(to);
        // Who knows nothing has nothing to tell, but in a round of its own it may ask.
        if is_compared && !(knows_nothing && occasion == Occasion::Request) {
            // While values keep coming no two hashes are equal, and to compare them is in vain.
            if has_news && relay::is_in_use(cx.state) {
                digest::send_digest(cx, to, true);
            } else {
                digest::open(cx, to);
            }
        } else if !knows_nothing && !is_compared {
            let announces = occasion == Occasion::Timer && cx.announces_sync(to);
            sync(cx, to, announces);
        }
    }
}

/// Most rounds are skipped while all neighbors are known to hold the same. This part of them is a
/// summary for one peer, should that knowledge be wrong. While values keep coming summaries differ
/// anyway, and next to nothing is learned from one.
const SKIPPED_PART: u64 = 20;
const SKIPPED_PART_BUSY: u64 = 200;

fn check_at_random(cx: &mut Context<'_>) {
    let is_busy = cx.state.has_news(cx.now);
    let part = if is_busy { SKIPPED_PART_BUSY } else { SKIPPED_PART };
    if !cx.state.rng.next_u64().is_multiple_of(part) {
        return;
    }
    for peer in cx.state.draw_peers(1, None) {
        if cx.state.links.speaks_dialect(peer) {
            digest::open(cx, peer);
        }
    }
}

/// Sends everything that is known, or the next part of it.
fn sync(cx: &mut Context<'_>, to: NodeId, announces: bool) {
    let start = cx.state.links.synced_upto(to);
    let mut bytes = 0;
    let mut payloads = Vec::new();
    for value in cx.state.store.values_from(start) {
        bytes += cx.state.store.bytes(value).len();
        if bytes > SYNC_BYTES_MAX && !payloads.is_empty() {
            break;
        }
        payloads.push(cx.state.store.payload(value));
    }
    let end = start + payloads.len();
    let upto = if end == cx.state.store.len() { 0 } else { end };
    if cx.send_announcing(to, Message::Sync { payloads }, announces).is_some() {
        cx.state.links.set_synced_upto(to, upto);
    }
}
