//! What there is to do on a link, and when.

use super::link::Link;
use super::table::{Moment, Outlook};
use super::tree::Place;
use super::watch::{Compares, differs_at, overdue_at, unwell_from};
use super::{Relay, Times, is_in_use, relays};
use crate::state::Context;
use crate::{Instant, Mechanism, NodeId};

impl Relay {
    /// When values may be pushed. A node with a single neighbor may do so twice in a row, as long
    /// as it keeps to the pace on the whole: little enters at one node, and what waited there would
    /// wait at the relay again.
    fn flushes_at(&self, times: &Times) -> Instant {
        match self.place.neighbors.len() {
            1 => Instant(self.next_flush.0.saturating_sub(times.interval.as_nanos() as u64)),
            _ => self.next_flush,
        }
    }

    /// What is to be looked at now.
    pub(super) fn moment(&self, cx: &Context<'_>, times: &Times) -> Moment {
        let flush = self.flushes_at(times);
        Moment { now: cx.now, is_flush: flush <= cx.now, may_ask: cx.state.catch_up_from <= cx.now }
    }

    /// Finds what there is to do on the links that were touched.
    pub(super) fn settle(&mut self, cx: &Context<'_>, times: &Times) {
        let place = &self.place;
        self.links.settle(|peer, link| outlook(cx, place, peer, link, times));
    }

    /// Finds the next moment at which something will be due.
    pub(super) fn plan(&mut self, cx: &Context<'_>, times: &Times) {
        self.settle(cx, times);
        let flush = self.flushes_at(times);
        let next = self.links.outlooks().fold(Outlook::NEVER, |next, outlook| {
            let flush = if outlook.owes { flush } else { Outlook::NEVER };
            let ask = if outlook.lacks { cx.state.catch_up_from } else { Outlook::NEVER };
            next.min(outlook.due).min(flush).min(ask)
        });
        let is_any = next < Outlook::NEVER && (is_in_use(cx.state) || self.has_to_answer());
        // What is due already is due now, and nobody is late for it.
        self.next_wakeup = is_any.then_some(next.max(cx.now));
    }

    fn has_to_answer(&self) -> bool {
        self.links.values().any(|link| link.answers_now || link.unacked_since.is_some())
    }
}

/// What there is to do on a link.
fn outlook(cx: &Context<'_>, place: &Place, peer: NodeId, link: &Link, times: &Times) -> Outlook {
    let mut due = Outlook::NEVER;
    let mut at = |moment: Option<Instant>| due = due.min(moment.unwrap_or(Outlook::NEVER));
    let is_dialect = cx.state.links.speaks_dialect(peer);
    let is_uplink = place.is_uplink(peer);
    let is_plain = cx.state.links.is_plain(peer);
    let is_any = !link.owed.is_empty() || is_plain && link.left_out.is_some();
    let owes = is_any && link.suspect.is_none() && (is_dialect || link.has_room());
    let overdue = overdue_at(link, times);
    let waits = waits_until(link, times).filter(|_| owes && !is_dialect && !is_plain);
    at(waits);
    at(dialect_ask_at(cx, place, peer, link));
    if let Some(suspect) = &link.suspect {
        at((is_in_use(cx.state) && place.is_probed(peer)).then_some(suspect.next_probe));
        at(link.answers_now.then(|| again_at(link.answered, times)));
    } else {
        // Where values spread otherwise, nobody is watched.
        at(overdue.filter(|_| is_in_use(cx.state)));
    }
    // Who does not speak the dialect is shown what it lacks when something else happens.
    let is_kept = link.shown.is_some() && !is_dialect && link.suspect.is_none();
    at(link.shown.as_ref().filter(|_| !is_kept).map(|_| again_at(link.served, times)));
    if is_dialect && link.suspect.is_none() {
        at((owes && is_first(link)).then_some(Instant::START));
        at(ack_at(link, times));
        at(repeat_at(link, times, cx.now));
        at(differs_at(Compares::of(cx, is_uplink, link), link, times));
        at(super::watch::asks_at(is_uplink, link, times));
        at(streams_at(link, times));
    }
    let is_neighbor = place.neighbors.binary_search(&peer).is_ok();
    Outlook {
        due,
        unwell_from: if is_neighbor {
            unwell_from(cx, peer, is_uplink, link, overdue, times)
        } else {
            Outlook::NEVER
        },
        unacked: link.unacked(),
        owes: owes && waits.is_none(),
        lacks: link.lacking.is_some(),
        is_pressing: owes && waits.is_none() && !is_dialect || is_kept,
        is_paced: is_dialect && !is_uplink && link.suspect.is_none() && !is_first(link),
    }
}

/// Whether the next push is the first to a neighbor that was spoken to plainly before. It keeps to
/// no pace: what is in it has waited for the neighbor to say which dialect it speaks.
pub(super) fn is_first(link: &Link) -> bool {
    link.last_number == 0 && link.announced.is_some()
}

/// When an acknowledgement goes alone.
pub(super) fn ack_at(link: &Link, times: &Times) -> Option<Instant> {
    if link.answers_now {
        return Some(again_at(link.answered, times));
    }
    let gap = link.window.gap_since().filter(|_| times.uses(Mechanism::Repair));
    let gap = gap.map(|since| since + times.reorder);
    let quiet = link.arrived.map_or(Instant::START, |arrived| arrived + times.ack_wait_quiet);
    let usual = link.unacked_since.map(|since| match times.uses(Mechanism::Riding) {
        true => (since + times.ack_wait).min(quiet),
        false => since,
    });
    let statement = link.statement.map(|(at, _)| at);
    gap.into_iter().chain(usual).chain(statement).min()
}

/// Until when values wait for a neighbor to show whether it speaks the dialect: if it does they go
/// in one message. A burst waits as long as the answer may take. What comes singly waits long
/// enough to show whether it is the beginning of a burst, and longer where the pace is slow.
pub(super) fn waits_until(link: &Link, times: &Times) -> Option<Instant> {
    let announced = link.announced?;
    if link.owed.len() > BURST {
        return Some(announced + times.timeout);
    }
    let part = if times.interval >= times.reorder { 2 } else { 10 };
    Some((announced + times.interval).min(link.owed_since + times.interval / part))
}

/// More values than this for one neighbor at a time are a burst.
const BURST: usize = 32;

/// When to do again what was last done at `last` because a neighbor asked. A node that has stood
/// still finds many questions of the same neighbor, and answers once.
pub(super) fn again_at(last: Option<Instant>, times: &Times) -> Instant {
    last.map_or(Instant::START, |last| last + times.retry / 2)
}

/// When what is in flight is repeated, though it may only be late: on a link that loses.
pub(super) fn repeat_at(link: &Link, times: &Times, now: Instant) -> Option<Instant> {
    (link.is_lossy(now) && !link.in_flight.is_empty()).then(|| link.last_push + times.retry)
}

/// When to ask an uplink which dialect it speaks, if there is doubt that it passes anything on.
pub(super) fn dialect_ask_at(
    cx: &Context<'_>,
    place: &Place,
    peer: NodeId,
    link: &Link,
) -> Option<Instant> {
    let is_known = cx.state.links.speaks_dialect(peer) || cx.state.links.is_plain(peer);
    let is_asked = link.is_doubted
        && !is_known
        && place.uplinks.first() == Some(&peer)
        && relays(cx.state)
        && cx.state.uses(Mechanism::Dialect);
    is_asked.then_some(link.next_dialect_ask)
}

/// When this node's digest goes out, if it has to.
pub(super) fn streams_at(link: &Link, times: &Times) -> Option<Instant> {
    let soonest = link.streams_at.map_or(Instant::START, |last| last + times.timeout);
    let is_owed = (link.is_behind || link.owes_streams) && times.uses(Mechanism::Digest);
    is_owed.then_some(soonest)
}
