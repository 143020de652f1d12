//! Who is silent, who is back, and who holds something else.

use alloc::vec::Vec;
use core::time::Duration;

use super::link::{Link, Suspect};
use super::table::Outlook;
use super::{Relay, Times, is_in_use, is_straight, newest, relays};
use crate::overlay::{Computed, Overlay};
use crate::state::Context;
use crate::store::ValueIx;
use crate::{Instant, Mechanism, NodeId, Output};

/// How long two neighbors may tell different hashes in a quiet time before the digests are
/// compared, and how long in a busy one, when they are the same only now and then. As much again at
/// most is drawn at random, so that not all compare at once.
const DIFFERS_QUIET: Duration = Duration::from_millis(300);
const DIFFERS_BUSY: Duration = Duration::from_secs(2);

/// How many of those that come next are looked at when an uplink is silent, and how many while it
/// is not even known which dialect it speaks: at a start amid faults nobody knows yet who is there.
const TRY_MAX: usize = 4;
const TRY_AT_START_MAX: usize = 16;

/// The values that are pushed to one who is back, of those that have come since it was shown a
/// digest. Where there are more, it is shown another.
const MISSED_PUSHES_MAX: usize = 64;

/// How long all may differ before rounds set in.
const UNWELL_AFTER: Duration = Duration::from_secs(5);

/// How soon a neighbor that holds something else is asked again what it holds: twice as long each
/// time, so many times. It may have learnt what it lacked of somebody else, and then does not say
/// so.
const HASH_ASK: Duration = Duration::from_secs(5);
const HASH_ASK_DOUBLED_MAX: u32 = 6;

/// How many times the usual gap between its pushes a neighbor may be silent unasked.
const SILENT_GAPS: u32 = 4;

/// When what is awaited of a neighbor should be here at the latest.
pub(super) fn overdue_at(link: &Link, times: &Times) -> Option<Instant> {
    // An acknowledgement may wait while pushes keep going to the neighbor.
    let pushed = link.awaits_from.filter(|_| !link.in_flight.is_empty());
    let pushed = pushed.map(|from| (from + times.ack_wait).min(link.waits_since));
    let plain = link.plain.front().map(|plain| plain.at);
    let usual = pushed.into_iter().chain(plain).min();
    let usual = usual.map(|from| from.max(struck(link)) + times.timeout);
    // A question is answered soon.
    let asked = link.unanswered().map(|asked| asked.max(struck(link)) + link.patience(times));
    usual.into_iter().chain(asked).min()
}

/// The last strike, from which a new patience counts.
fn struck(link: &Link) -> Instant {
    if link.strikes > 0 { link.waits_since } else { Instant::START }
}

/// Who of two neighbors compares, where their hashes stay different.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Compares {
    /// The lower one: its uplink is the one that has more.
    Always,
    /// The one that passes values on, where the other does not and compares with nobody. While
    /// values come it is behind, so once they have stopped.
    WhenQuiet,
    Never,
}

impl Compares {
    pub(super) fn of(cx: &Context<'_>, is_uplink: bool, link: &Link) -> Self {
        match is_uplink {
            true => Self::Always,
            false if link.is_leaf && relays(cx.state) => Self::WhenQuiet,
            false => Self::Never,
        }
    }
}

/// When to compare with a neighbor: the hashes have differed for long.
pub(super) fn differs_at(compares: Compares, link: &Link, times: &Times) -> Option<Instant> {
    let is_compared = compares != Compares::Never && times.uses(Mechanism::Comparison);
    let (quiet, busy) = link.differs.filter(|_| is_compared)?;
    let is_busy = !link.in_flight.is_empty() || !link.owed.is_empty();
    let last = link.arrived.map_or(link.last_push, |arrived| arrived.max(link.last_push));
    let quiet = quiet.max(last + DIFFERS_QUIET);
    match compares {
        Compares::WhenQuiet => (!is_busy).then_some(quiet),
        _ if is_busy => Some(busy),
        _ => Some(quiet.min(busy)),
    }
}

/// When to ask the uplink why it is silent, or what it holds if it has never said: until the two
/// know that they hold the same, rounds go on.
pub(super) fn asks_at(is_uplink: bool, link: &Link, times: &Times) -> Option<Instant> {
    let is_watched = is_uplink && times.uses(Mechanism::Fallback);
    let heard = link.heard.filter(|_| is_watched && link.asked.is_none())?;
    let Some(arrived) = link.arrived else {
        // What is under way brings an answer anyway.
        let is_idle = link.awaited_since().is_none() && link.owed.is_empty();
        return (is_idle && link.hash.is_none()).then(|| heard + times.ack_wait_quiet);
    };
    Some(arrived + (link.gap? * SILENT_GAPS).max(times.timeout))
}

impl Relay {
    /// Looks after all links.
    pub(super) fn watch(&mut self, cx: &mut Context<'_>, times: &Times) {
        if !is_in_use(cx.state) {
            return;
        }
        let moment = self.moment(cx, times);
        let mut last = None;
        while let Some(peer) = self.links.next_up(last, moment) {
            last = Some(peer);
            let is_uplink = self.place.is_uplink(peer);
            let Some(link) = self.links.get_mut(&peer) else { continue };
            if link.suspect.is_some() {
                continue;
            }
            let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= cx.now);
            if is_due(overdue_at(link, times)) {
                if times.uses(Mechanism::Fallback) {
                    self.strike(cx, peer);
                    continue;
                }
                // Nobody is gone around, so to wait any longer is for nothing.
                cx.state.stats.awaits_given_up += link.take_awaited().len() as u64;
            }
            if !cx.state.links.speaks_dialect(peer) {
                continue;
            }
            if is_due(asks_at(is_uplink, link, times)) {
                link.asked = Some(cx.now);
                link.wants_answer = true;
            }
            if is_due(differs_at(Compares::of(cx, is_uplink, link), link, times)) {
                let is_same = link.hash == Some(cx.state.hash());
                link.differs = None;
                if !is_same {
                    link.is_behind = true;
                }
            }
        }
        self.refresh(cx);
    }

    /// A neighbor has not acknowledged in time.
    fn strike(&mut self, cx: &mut Context<'_>, peer: NodeId) {
        let times = Times::of(&cx.state.config);
        let Some(link) = self.links.get_mut(&peer) else { return };
        // What came soon after was sent before the push could arrive.
        let answered_from = link.awaited_since().map(|since| since + times.timeout / 2);
        let unanswered = link.unanswered();
        let is_silent = unanswered.is_some_and(|asked| asked + link.patience(&times) <= cx.now)
            || link.heard.is_none_or(|heard| Some(heard) < answered_from);
        // Nothing but the first question of all is awaited, and that may be lost.
        let is_first_question =
            link.arrived.is_none() && unanswered.is_some() && link.unacked() == 0;
        if is_silent && !is_first_question || link.strikes > 0 {
            self.suspect(cx, peer);
            return;
        }
        link.strikes += 1;
        link.waits_since = cx.now;
        if times.uses(Mechanism::Repair) {
            link.on_loss(cx.now);
        }
        link.wants_answer = true;
        for value in link.on_plain_overdue() {
            link.owe(value, cx.now);
        }
    }

    /// Passes a neighbor over from now on. What it has not acknowledged goes to whoever is to have
    /// it in its place.
    pub(super) fn suspect(&mut self, cx: &mut Context<'_>, peer: NodeId) {
        self.refresh(cx);
        let Some(link) = self.links.get_mut(&peer).filter(|link| link.suspect.is_none()) else {
            return;
        };
        let unacked = link.take_awaited();
        let mut values: Vec<ValueIx> = unacked.clone();
        values.extend(core::mem::take(&mut link.owed));
        link.strikes = 0;
        link.differs = None;
        link.wants_answer = false;
        link.lossy_until = Instant::START;
        let last_value = cx.state.store.len().checked_sub(1).map(|last| ValueIx(last as u32));
        link.suspect = Some(Suspect {
            since: cx.now,
            next_probe: cx.now + Times::of(&cx.state.config).retry,
            last_probe: None,
            from: cx.state.store.len(),
            known: cx.state.store.len(),
            may_be_back: false,
            value: values.first().copied().or(last_value),
        });
        // What no digest will show it is owed to it for good.
        let is_dialect = cx.state.links.speaks_dialect(peer);
        for &value in &values {
            if !is_dialect || cx.state.store.name(value).is_none() {
                link.owe(value, cx.now);
            }
        }
        let before = self.place.clone();
        if before.is_uplink(peer) {
            let is_start = !cx.state.links.speaks_dialect(peer);
            self.try_next(cx, if is_start { TRY_AT_START_MAX } else { TRY_MAX });
        }
        self.is_stale = true;
        self.refresh(cx);
        // Whoever has become a neighbor by this is to get what the silent one may not have passed
        // on.
        let mut heirs = self.place.neighbors.clone();
        heirs.retain(|heir| before.neighbors.binary_search(heir).is_err());
        if before.is_uplink(peer) {
            heirs.extend(&self.place.uplinks);
            heirs.sort_unstable();
            heirs.dedup();
        }
        // Who does not speak the dialect cannot say whom it takes for its uplink: the value goes to
        // everybody behind the silent one, as among plain nodes. Behind one that is known for
        // another program there is nobody.
        let goes_around = !cx.state.links.speaks_dialect(peer)
            && !cx.state.links.is_plain(peer)
            && before.neighbors.binary_search(&peer).is_ok();
        if goes_around {
            let behind = cx.state.overlay.tree().and_then(|tree| tree.behind(peer));
            let behind = behind.into_iter().flatten();
            heirs.extend(behind.filter(|&peer| !self.links.is_suspect(peer)));
            heirs.sort_unstable();
            heirs.dedup();
        }
        for &heir in &heirs {
            let link = self.links.open(heir);
            values.iter().for_each(|&value| link.owe(value, cx.now));
            if goes_around {
                link.around.extend(&values);
            }
        }
        for value in unacked {
            cx.state.stats.failures += 1;
            cx.state.stats.direct_deliveries += heirs.len() as u64;
            let payload = cx.state.store.payload(value);
            cx.outbox.push(Output::Undelivered { neighbor: peer, payload, direct: heirs.len() });
        }
    }

    /// An uplink is silent. Those that may take its place and have not been heard of late are not
    /// sure to answer either: the values go to several of them at once, and each is shown what this
    /// node holds.
    fn try_next(&mut self, cx: &Context<'_>, count: usize) {
        let Overlay::Computed(tree) = &cx.state.overlay else { return };
        let timeout = cx.state.config.ack_timeout;
        let next = Computed::uplinks_of(tree.my_place()).map(|place| tree.members().at(place));
        let next = next.filter(|&peer| !self.links.is_suspect(peer)).take(count);
        let next: Vec<NodeId> = next.collect();
        for peer in next {
            let link = self.links.open(peer);
            let is_fresh = link.heard.is_some_and(|heard| heard + timeout > cx.now);
            if !is_fresh {
                link.is_untried = true;
                link.is_behind = true;
            }
        }
    }

    /// A suspect has acknowledged something.
    pub(super) fn recover(&mut self, cx: &mut Context<'_>, peer: NodeId) {
        let retry = Times::of(&cx.state.config).retry;
        let Some(link) = self.links.get_mut(&peer) else { return };
        let Some(suspect) = link.suspect.take() else { return };
        link.strikes = 0;
        link.in_flight.clear();
        link.awaits_from = None;
        self.is_stale = true;
        self.refresh(cx);
        if self.place.neighbors.binary_search(&peer).is_ok()
            && let Some(link) = self.links.get_mut(&peer)
        {
            // What has come since the probe was in no digest.
            if cx.state.links.speaks_dialect(peer) {
                // One that has never been sent a push got no digest either.
                let missed = cx.state.store.len().saturating_sub(suspect.known);
                if link.incarnation == 0 || missed > MISSED_PUSHES_MAX {
                    link.is_behind = true;
                } else {
                    let values = cx.state.store.values_from(suspect.known);
                    values.for_each(|value| link.owe(value, cx.now));
                }
            } else {
                newest(cx.state, suspect.known).for_each(|value| link.owe(value, cx.now));
            }
        }
        // Where one is back, others may be.
        for suspect in self.links.suspects_mut() {
            suspect.hasten(cx.now, retry);
        }
    }

    /// A peer tells its uplink. Where it passes over this node's own uplink, it has found that one
    /// silent; if this node has not heard of it either, waiting for more would be in vain.
    pub(super) fn on_uplink_of(
        &mut self,
        cx: &mut Context<'_>,
        peer: NodeId,
        said: Option<NodeId>,
    ) {
        let own = self.place.uplinks.first().copied();
        let Some(own) = own.filter(|&own| own != peer && Some(own) != said) else { return };
        let passes_over = said.is_none_or(|said| said > own) && peer > own;
        let timeout = cx.state.config.ack_timeout;
        let is_silent = self.links.get(&own).is_some_and(|link| {
            link.heard.is_none_or(|heard| heard + timeout <= cx.now) && link.suspect.is_none()
        });
        let goes_around = cx.state.uses(Mechanism::Fallback) && !is_straight(cx.state);
        if !passes_over || !is_silent || !goes_around {
            return;
        }
        match self.links.get_mut(&own) {
            // It may be there and pass nothing on: it is to say so.
            Some(link) if link.arrived.is_none() => {
                link.is_doubted = true;
                link.wants_answer = cx.state.links.speaks_dialect(own);
            }
            _ => self.suspect(cx, own),
        }
    }

    /// A neighbor has told the hash of all that it holds.
    pub(crate) fn compare(&mut self, cx: &mut Context<'_>, peer: NodeId, hash: u64) {
        let timeout = cx.state.config.ack_timeout;
        let is_same = hash == cx.state.hash();
        let Some(link) = self.links.get_mut(&peer) else { return };
        link.hash = Some(hash);
        if is_same {
            link.differs = None;
            link.has_shown = false;
        } else if link.differs.is_none() {
            let mut drawn = |least: Duration| least + cx.state.rng.part_of(least);
            let (quiet, mut busy) = (drawn(DIFFERS_QUIET), drawn(DIFFERS_BUSY));
            if core::mem::take(&mut link.has_shown) {
                // The digests have been compared just now, and what came of it may be lost.
                busy = drawn(timeout);
            }
            link.differs = Some((cx.now + quiet, cx.now + busy));
        }
    }

    /// Finds who has not told the hash that this node has by now, and asks. Neighbors tell it with
    /// pushes, and there may be none: because nothing comes any more, or because values that are
    /// everywhere have got a name only now. Where all push straight to all, most links are idle,
    /// and rounds cost less.
    pub(super) fn ask_what_they_hold(&mut self, cx: &mut Context<'_>) {
        self.is_at_odds = false;
        if !is_in_use(cx.state) || is_straight(cx.state) || cx.state.store.is_empty() {
            return;
        }
        let own = Some(cx.state.hash());
        // Without digests two nodes may never come to tell the same.
        let may_ask = cx.state.uses(Mechanism::Skipping)
            && cx.state.uses(Mechanism::Digest)
            && !cx.state.has_news(cx.now);
        let is_pushed = cx.state.uses(Mechanism::Push);
        for &peer in &self.place.neighbors {
            let Some(link) = self.links.get(&peer).filter(|link| link.suspect.is_none()) else {
                continue;
            };
            if link.hash == own {
                // It may have told this before the node itself came to hold the same.
                if link.differs.is_some() {
                    self.links.open(peer).differs = None;
                }
                continue;
            }
            if !cx.state.links.speaks_dialect(peer) {
                continue;
            }
            let is_first = link.asked_hash != own;
            self.is_at_odds |= !is_first || !is_pushed;
            let is_idle = link.in_flight.is_empty() && link.owed.is_empty();
            if may_ask && is_idle && (is_first || link.next_hash_ask <= cx.now) {
                let link = self.links.open(peer);
                link.hash_asks = if is_first { 0 } else { link.hash_asks + 1 };
                link.next_hash_ask =
                    cx.now + HASH_ASK * (1 << link.hash_asks.min(HASH_ASK_DOUBLED_MAX));
                (link.asked_hash, link.wants_answer) = (own, true);
            }
        }
    }

    /// Whether all neighbors answer and hold the same, so that random rounds would be in vain.
    pub(super) fn is_well(&self, cx: &Context<'_>) -> bool {
        // Without digests nobody asks who has started anew and holds nothing: rounds bring it all.
        is_in_use(cx.state)
            && cx.state.uses(Mechanism::Digest)
            && !self.is_at_odds
            && self.place.missed.is_empty()
            && self.place.sought.is_empty()
            && self.links.outlooks().all(|outlook| cx.now < outlook.unwell_from)
    }
}

/// From when on a neighbor counts as one that is late or holds something else. Those that take this
/// node for their uplink compare themselves, and are always behind while values come; but who
/// passes nothing on compares with nobody.
pub(super) fn unwell_from(
    cx: &Context<'_>,
    peer: NodeId,
    is_uplink: bool,
    link: &Link,
    overdue: Option<Instant>,
    times: &Times,
) -> Instant {
    if !cx.state.links.speaks_dialect(peer) {
        return Instant::START;
    }
    if link.hash.is_none() {
        // It is about to be asked what it holds, or to ask.
        return link.speaks_since.map_or(Instant::START, |since| since + times.timeout * 2);
    }
    let overdue = overdue.unwrap_or(Outlook::NEVER);
    let is_compared = Compares::of(cx, is_uplink, link) != Compares::Never || is_straight(cx.state);
    let Some((quiet, _)) = link.differs.filter(|_| is_compared) else { return overdue };
    // Where all push straight to all, something is always under way, and two nodes hold the same
    // only in quiet times.
    let arrived = link.arrived.filter(|_| is_straight(cx.state)).unwrap_or_default();
    overdue.min(quiet.max(arrived) + UNWELL_AFTER)
}
