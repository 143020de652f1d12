//! Third rung: now and then, bring a few random peers up to date.

use alloc::vec::Vec;

use super::digest;
use crate::state::Context;
use crate::{Config, Instant, Message, NodeId};

/// The payload bytes of one sync. Where there are more, the next sync to that peer goes on where
/// this one ended, so that a round's cost is bounded however much is known.
const SYNC_BYTES_MAX: usize = 1 << 20;

/// The timer of the rounds.
#[derive(Debug)]
pub(crate) struct Rounds {
    next: Instant,
}

impl Rounds {
    /// The first round comes one interval after `now`.
    pub(crate) fn new(config: &Config, now: Instant) -> Self {
        Self { next: now + config.gossip_interval }
    }

    /// The interval has changed, and the next round is one new interval away.
    pub(crate) fn on_configured(&mut self, cx: &Context<'_>) {
        self.next = cx.now + cx.state.config.gossip_interval;
    }

    /// Begins a round if it is time. Rounds that were missed, by a paused process say, are not made
    /// up for.
    pub(crate) fn on_wakeup(&mut self, cx: &mut Context<'_>) {
        if self.next <= cx.now {
            self.next = cx.now + cx.state.config.gossip_interval;
            begin(cx, Occasion::Timer);
        }
    }

    pub(crate) fn next_wakeup(&self) -> Instant {
        self.next
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
    cx.state.stats.rounds += 1;
    digest::name_unnamed(cx);
    let drawn = cx.state.draw_peers(cx.state.config.fanout, None);
    let knows_nothing = cx.state.store.is_empty();
    for to in drawn {
        let speaks_dialect = cx.state.links.speaks_dialect(to);
        // Who knows nothing has nothing to tell, but in a round of its own it may ask.
        if speaks_dialect && !(knows_nothing && occasion == Occasion::Request) {
            digest::open(cx, to);
        } else if !knows_nothing && !speaks_dialect {
            sync(cx, to);
            if occasion == Occasion::Timer {
                cx.state.links.announce_next(to);
            }
        }
    }
}

/// Sends everything that is known, or the next part of it.
fn sync(cx: &mut Context<'_>, to: NodeId) {
    let start = cx.state.links.synced(to);
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
    let synced = if end == cx.state.store.len() { 0 } else { end };
    cx.state.links.set_synced(to, synced);
    cx.send(to, Message::Sync { payloads });
}
