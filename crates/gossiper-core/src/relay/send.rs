//! What goes out over the links, and when.

use alloc::vec::Vec;
use core::time::Duration;

use super::due::{ack_at, again_at, dialect_ask_at, is_first, repeat_at, streams_at, waits_until};
use super::link::{Link, Plain, Sent, Suspect};
use super::tree::Place;
use super::{Relay, Times, is_straight, relays};
use crate::rung::digest;
use crate::state::Context;
use crate::store::ValueIx;
use crate::{Instant, Mechanism, Message, NodeId, Push, Rumor, StreamDigest};

/// The rumors of one push, and the bytes of their payloads. More go in further pushes at once.
const PUSH_RUMORS_MAX: usize = 8_192;
const PUSH_BYTES_MAX: usize = 256 << 10;

/// The values that a push repeats besides its own.
const REPEATED_MAX: usize = 512;

/// A suspect is probed after this part of the time for which it has been silent, so that a heal is
/// found late in proportion to what was lost; at the latest after [`PROBE_MAX`].
const PROBE_PART: u32 = 20;

/// The same of a better uplink: it looks for this node too, and until one of the two has found the
/// other, values come by another way.
const PROBE_PART_SOUGHT: u32 = 8;

/// The same of one that does not speak the dialect, whom each probe makes answer alone.
const PROBE_PART_PLAIN: u32 = 8;
const PROBE_MAX: Duration = Duration::from_secs(5);

/// With this many peers, going around a silent one announces the dialect: value by value to so many
/// would cost more than all else.
const MANY_PEERS: usize = 8;

/// The longest time between two questions for the same neighbor's dialect.
const DIALECT_ASK_MAX: Duration = Duration::from_secs(60);

/// Why a push goes out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Occasion {
    /// Values are owed and the pace allows it.
    Values,
    /// What is in flight is sent again.
    Repeat,
    /// The neighbor waits for an acknowledgement.
    Ack,
    /// The neighbor is to answer.
    Ask,
}

impl Relay {
    /// Sends what is due.
    pub(super) fn send(&mut self, cx: &mut Context<'_>, times: &Times) {
        let moment = self.moment(cx, times);
        let place = &self.place;
        let mut has_flushed = false;
        for (peer, link) in self.links.up_at_mut(moment) {
            let is_missed = place.missed.binary_search(&peer).is_ok();
            let is_sought = place.sought.binary_search(&peer).is_ok();
            let uplink = stated_to(cx, place, peer);
            let mut out = Out { uplink, cx, peer, link, times };
            if !out.cx.state.links.speaks_dialect(peer) {
                (out.link.answers_now, out.link.unacked_since) = (false, None);
                out.link.wants_answer = false;
            }
            out.serve();
            if out.link.suspect.is_some() {
                let part = if is_missed { PROBE_PART } else { PROBE_PART_SOUGHT };
                out.probe((is_missed || is_sought).then_some(part));
            } else if out.cx.state.links.speaks_dialect(peer) {
                let has_pushed = out.push_what_is_due(moment.is_flush || is_first(out.link));
                has_flushed |= has_pushed && moment.is_flush;
            } else {
                if dialect_ask_at(out.cx, place, peer, out.link).is_some_and(|at| at <= out.cx.now)
                {
                    out.ask_dialect();
                }
                out.push_plainly();
            }
        }
        if has_flushed {
            self.next_flush = self.next_flush.max(cx.now) + times.interval;
        }
    }

    /// Sends all values that are owed to those who answer, whatever they wait for.
    pub(super) fn send_all(&mut self, cx: &mut Context<'_>, times: &Times) {
        let place = &self.place;
        for (peer, link) in self.links.iter_mut().filter(|(_, link)| link.suspect.is_none()) {
            let uplink = stated_to(cx, place, peer);
            let mut out = Out { uplink, cx, peer, link, times };
            if out.cx.state.links.speaks_dialect(peer) {
                out.push_owed();
            } else {
                out.push_owed_plainly(true);
            }
        }
    }
}

/// What a push to `peer` says of this node's uplink.
fn stated_to(cx: &Context<'_>, place: &Place, peer: NodeId) -> Option<NodeId> {
    if relays(cx.state) { place.uplink_for(peer) } else { Some(cx.state.me) }
}

/// One link, and what is needed to send over it.
struct Out<'a, 'b> {
    cx: &'a mut Context<'b>,
    peer: NodeId,
    link: &'a mut Link,
    uplink: Option<NodeId>,
    times: &'a Times,
}

impl Out<'_, '_> {
    /// Sends a neighbor that has shown what it holds what it lacks, and if it asks, this node's own
    /// digest.
    fn serve(&mut self) {
        if self.cx.state.catch_up_from <= self.cx.now
            && let Some((streams, asked)) = self.link.lacking.take()
        {
            self.catch_up(streams, asked);
        }
        if again_at(self.link.served, self.times) > self.cx.now {
            return;
        }
        let Some((streams, asks)) = self.link.shown.take() else { return };
        self.link.served = Some(self.cx.now);
        digest::send_deltas(self.cx, self.peer, &streams);
        if asks {
            self.catch_up(streams, 0);
        }
    }

    /// Asks for what is lacking here, one neighbor at a time.
    fn catch_up(&mut self, theirs: Vec<StreamDigest>, asked: u32) {
        let may_ask = asked < ASKED_MAX && self.times.uses(Mechanism::Digest);
        if !may_ask || !self.cx.state.streams.lacks_any_of(&theirs) {
            return;
        }
        // Looked at again when the next peer may be asked: what comes in answer may be lost.
        let may = digest::may_catch_up(self.cx);
        self.link.lacking = Some((theirs, asked + u32::from(may)));
        if !may {
            return;
        }
        self.link.owes_streams = true;
        self.link.streams_at = None;
        self.link.answers_now = true;
        self.link.answered = None;
    }

    /// To a neighbor that speaks the dialect. Says whether values have gone out.
    fn push_what_is_due(&mut self, is_paced: bool) -> bool {
        let now = self.cx.now;
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if is_due(streams_at(self.link, self.times)) {
            self.link.is_behind = false;
            self.push(Occasion::Ask, true);
        }
        let has_values = is_paced && self.push_owed();
        if core::mem::take(&mut self.link.wants_answer) {
            self.push(Occasion::Ask, false);
        } else if is_due(repeat_at(self.link, self.times, now)) {
            self.push(Occasion::Repeat, false);
        }
        if is_due(ack_at(self.link, self.times)) {
            self.push(Occasion::Ack, false);
        }
        has_values
    }

    /// All values that are owed, as far as there is room. Says whether there were any.
    fn push_owed(&mut self) -> bool {
        let is_any = !self.link.owed.is_empty() && self.cx.has_budget();
        while !self.link.owed.is_empty() && self.cx.has_budget() {
            self.push(Occasion::Values, false);
        }
        is_any
    }

    /// Asks which dialect the neighbor speaks: a list of nothing is a plain message that is
    /// answered. Who does not answer may not be there, and is asked ever more rarely.
    fn ask_dialect(&mut self) {
        let patience = self.cx.state.config.ack_timeout * 2;
        let wait = patience.saturating_mul(1 << self.link.dialect_asks).min(DIALECT_ASK_MAX);
        self.link.dialect_asks = (self.link.dialect_asks + 1).min(31);
        self.link.next_dialect_ask = self.cx.now + wait.max(patience);
        self.cx.send_announcing(self.peer, Message::Sync { payloads: Vec::new() }, true);
    }

    /// To a neighbor that may not speak the dialect: value by value, so that a pace would save
    /// nothing.
    fn push_plainly(&mut self) {
        let may_speak = !self.cx.state.links.is_plain(self.peer);
        let waits = waits_until(self.link, self.times).filter(|_| may_speak);
        if waits.is_none_or(|end| end <= self.cx.now) {
            self.push_owed_plainly(false);
        }
    }

    /// Value by value; at the end of the input (`is_last`) whether or not the others have come.
    fn push_owed_plainly(&mut self, is_last: bool) {
        while self.cx.has_budget() && (is_last || self.link.has_room()) {
            if self.cx.state.links.is_plain(self.peer) {
                self.link.take_up_left_out(self.cx.now);
            }
            let Some(value) = self.link.owed.pop_first() else { return };
            self.push_value(value);
        }
    }

    /// One value in a plain message.
    fn push_value(&mut self, value: ValueIx) {
        let now = self.cx.now;
        let delivery = self.cx.state.store.delivery(value);
        let payload = self.cx.state.store.payload(value);
        // Who gets a value by such a way need not push it on, and sees it by the hops.
        let is_around = self.link.around.remove(&value);
        // A cluster that is told to push straight has too many links to wait for the fifth push.
        let announces = self.cx.announces_push(self.peer)
            || self.link.suspect.is_some()
            || is_straight(self.cx.state)
            || is_around && self.cx.state.members.peer_count() >= MANY_PEERS;
        let announces = announces && self.times.uses(Mechanism::Dialect);
        let hops = (is_around || delivery.hops > 0).then_some(delivery.hops);
        let name = self.cx.state.id_of(value).filter(|_| announces && self.cx.state.is_large());
        let message = Message::Broadcast { payload, hops, id: name };
        let id = self.cx.send_announcing(self.peer, message, announces);
        if self.link.plain.is_empty() {
            self.link.waits_since = now;
        }
        if announces {
            self.link.announced.get_or_insert(now);
        }
        self.link.last_push = now;
        if name.is_none() {
            self.link.note_nameless(value);
        }
        self.link.plain.push_back(Plain { id, at: now, value });
        if self.link.plain.len() > super::link::IN_FLIGHT_MAX {
            self.link.plain.pop_front();
            self.cx.state.stats.awaits_given_up += 1;
        }
    }

    /// One push, with whatever can ride on it.
    fn push(&mut self, occasion: Occasion, shows_streams: bool) {
        let now = self.cx.now;
        let mut values: Vec<ValueIx> = Vec::new();
        let mut rumors: Vec<Rumor> = Vec::new();
        let mut repeats_from = u64::MAX;
        if occasion != Occasion::Ack {
            self.take_owed(&mut values, &mut rumors);
            let is_repeat = occasion == Occasion::Repeat || self.link.is_lossy(now);
            if is_repeat {
                repeats_from = self.repeat(&mut rumors);
            }
            self.take_named(&mut rumors);
        }
        // What is only repeated is not followed by anything, so it is to be answered at once.
        let asks = matches!(occasion, Occasion::Ask | Occasion::Repeat);
        let is_numbered = asks || !rumors.is_empty();
        let link = &mut *self.link;
        link.last_number += u64::from(is_numbered);
        let number = link.last_number;
        let shows_streams = shows_streams || core::mem::take(&mut link.owes_streams);
        let shows_streams = shows_streams && self.times.uses(Mechanism::Digest);
        let streams = shows_streams.then(|| self.cx.state.streams.digest());
        if shows_streams {
            link.streams_at = Some(now);
            link.left_out = None;
            (link.has_shown, link.differs) = (true, None);
            link.owes_streams = false;
        }
        let floor = link.in_flight.front().map_or(number, |sent| sent.number).max(1);
        let floor = if !is_numbered && link.in_flight.is_empty() {
            number + 1
        } else if is_numbered && repeats_from <= floor {
            // Whoever gets this one has all before it.
            number
        } else {
            floor
        };
        let own = self.cx.state.streams.incarnation();
        let acked = (link.incarnation != 0).then(|| link.window.acked(link.incarnation));
        let push = Push {
            incarnation: own,
            number,
            floor,
            acked,
            summary: self.cx.state.summary(),
            uplink: self.uplink,
            asks,
            rumors,
            streams,
        };
        link.unacked_since = None;
        link.answers_now = false;
        if occasion == Occasion::Ack {
            link.answered = Some(now);
        }
        if let Some((at, times)) = link.statement
            && at <= now
        {
            link.state_again(now + self.times.timeout * 4, times - 1);
        }
        link.window.on_reported(now + self.times.timeout);
        if is_numbered {
            let repeats_from = repeats_from.min(number);
            // What only repeats is answered with what it repeats. Awaited for its own sake, it
            // would be asked about anew where an answer takes longer than the patience, and so for
            // ever.
            let asks = shows_streams || occasion == Occasion::Ask && link.strikes == 0;
            let sent = Sent { number, at: now, values: values.into(), repeats_from, asks };
            link.on_sent(sent, self.times.ack_wait_quiet);
        }
        self.cx.send(self.peer, Message::Push(alloc::boxed::Box::new(push)));
    }

    /// Takes what is owed, up to the bounds of one push.
    fn take_owed(&mut self, values: &mut Vec<ValueIx>, rumors: &mut Vec<Rumor>) {
        let mut bytes = 0;
        while let Some(&value) = self.link.owed.first() {
            bytes += self.cx.state.store.bytes(value).len();
            if rumors.len() == PUSH_RUMORS_MAX || (bytes > PUSH_BYTES_MAX && !rumors.is_empty()) {
                break;
            }
            self.link.owed.pop_first();
            self.link.around.remove(&value);
            let rumor = self.rumor(value);
            if rumor.id.is_none() {
                self.link.note_nameless(value);
            }
            values.push(value);
            rumors.push(rumor);
        }
    }

    /// Repeats the youngest of what is in flight. Gives the number of the oldest push repeated.
    fn repeat(&mut self, rumors: &mut Vec<Rumor>) -> u64 {
        let mut from = u64::MAX;
        let mut again: Vec<ValueIx> = Vec::new();
        for sent in self.link.in_flight.iter().rev() {
            if again.len() + sent.values.len() > REPEATED_MAX {
                break;
            }
            again.extend(&sent.values);
            from = sent.number;
        }
        again.sort_unstable();
        for value in again {
            let rumor = self.rumor(value);
            rumors.push(rumor);
        }
        from
    }

    /// Adds the values that went out without a name and have one now.
    fn take_named(&mut self, rumors: &mut Vec<Rumor>) {
        if rumors.is_empty() {
            return;
        }
        let state = &self.cx.state;
        let named: Vec<ValueIx> = self.link.nameless.iter().copied().collect();
        for value in named.into_iter().filter(|&value| state.store.name(value).is_some()) {
            self.link.nameless.remove(&value);
            rumors.push(self.rumor(value));
        }
    }

    fn rumor(&self, value: ValueIx) -> Rumor {
        Rumor {
            id: self.cx.state.id_of(value),
            hops: self.cx.state.store.delivery(value).hops,
            payload: self.cx.state.store.payload(value),
        }
    }

    /// Asks a suspect whether it is there, and shows it what this node holds.
    fn probe(&mut self, part: Option<u32>) {
        let now = self.cx.now;
        let Some(suspect) = self.link.suspect else { return };
        let is_dialect = self.cx.state.links.speaks_dialect(self.peer);
        let Some(part) = part.filter(|_| suspect.next_probe <= now) else {
            let may_answer = again_at(self.link.answered, self.times) <= now;
            if self.link.answers_now && may_answer && is_dialect {
                self.push(Occasion::Ack, false);
            }
            return;
        };
        // Old probes that found nobody are not awaited.
        while self.link.in_flight.len() >= PROBES_AWAITED_MAX {
            self.link.in_flight.pop_front();
        }
        let part = if is_dialect { part } else { PROBE_PART_PLAIN };
        let wait = (now - suspect.since) / part;
        // A part at random, so that many who look for one do not all do so at the same moment.
        let wait = wait.max(self.times.retry).min(PROBE_MAX);
        let next_probe = now + wait / 2 + self.cx.state.rng.part_of(wait);
        // A plain probe shows nothing.
        let known = if is_dialect { self.cx.state.store.len() } else { suspect.known };
        let last_probe = Some(now);
        let may_be_back = false;
        self.link.suspect = Some(Suspect { next_probe, last_probe, known, may_be_back, ..suspect });
        if is_dialect {
            // The digest shows all but what has no name yet, which is owed until it answers.
            let store = &self.cx.state.store;
            self.link.owed.retain(|&value| store.name(value).is_none());
            let since = self.cx.state.store.values_from(suspect.known);
            let nameless = since.filter(|&value| self.cx.state.store.name(value).is_none());
            nameless.for_each(|value| self.link.owe(value, now));
            let nameless = self.link.owed.clone();
            // What it has missed need not wait until it asks.
            if suspect.may_be_back && self.cx.state.store.len() - suspect.from <= PROBE_VALUES_MAX {
                let missed = self.cx.state.store.values_from(suspect.from);
                missed.for_each(|value| self.link.owe(value, now));
            }
            self.push(Occasion::Ask, true);
            nameless.into_iter().for_each(|value| self.link.owe(value, now));
        } else if let Some(value) = suspect.value {
            self.link.on_plain_overdue();
            self.push_value(value);
        }
    }
}

/// How many times a neighbor is asked for what one digest of its has shown: what it names may be
/// beyond what this node can keep.
const ASKED_MAX: u32 = 4;

/// The most values that a probe brings along.
const PROBE_VALUES_MAX: usize = 1_024;

/// The probes that are awaited at a time.
const PROBES_AWAITED_MAX: usize = 32;
