//! One link of a learned tree: what is owed over it, what is acknowledged, and when to speak.

#[cfg(test)]
mod tests;

use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;

use smallvec::SmallVec;

use crate::relay::window::Window;
use crate::store::ValueIx;
use crate::{Acked, Config, Instant, NodeId, RumorId, Turn};

/// The most values that wait for a link, and the most messages on it that await an
/// acknowledgement. What is beyond is given up, oldest first, and left to a digest.
pub(super) const OWED_MAX: usize = 8_192;
pub(super) const IN_FLIGHT_MAX: usize = 1_024;

/// The most ranges of an acknowledgement that are looked at; no window of this crate has more.
const BEYOND_MAX: usize = 256;

/// How often in a row a neighbor that is asked must stay silent to count as failed. Where a tenth
/// of all messages is lost, one question in a thousand goes so, and questions are rare.
const STRIKES_MAX: u32 = 4;

/// How often the time-out doubles at most: 500 ms to half a minute.
const REPEATS_MAX: u32 = 6;

/// The waiting times that follow from the settings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// How long announcements and acknowledgements wait for company: one gossip interval.
    pub(super) batch: Duration,
    /// The shortest time between two eager pushes on a link: a fifth of the pace. On a link that
    /// is not busy a value waits for nothing.
    pub(super) credit: Duration,
    /// How much later than others a message may come and not be lost.
    pub(super) reorder: Duration,
    /// How long an answer may take that is due.
    pub(super) timeout: Duration,
    /// How long a link is quiet before a word goes over it for that alone.
    pub(super) keep_alive: Duration,
}

impl Times {
    pub(super) fn of(config: &Config) -> Self {
        Self {
            batch: config.gossip_interval,
            credit: config.pace / 5,
            reorder: config.ack_timeout * 2 / 5,
            timeout: config.ack_timeout,
            keep_alive: config.gossip_interval * 3,
        }
    }
}

/// A message that awaits its acknowledgement.
#[derive(Debug)]
struct Sent {
    number: u64,
    at: Instant,
    rumors: SmallVec<[ValueIx; 2]>,
    have: Vec<ValueIx>,
}

#[derive(Debug)]
pub(super) struct Link {
    pub(super) peer: NodeId,
    /// Values to be pushed eagerly; at most [`OWED_MAX`].
    pub(super) owed: BTreeSet<ValueIx>,
    /// Values to be announced; at most [`OWED_MAX`].
    pub(super) lazy: BTreeSet<ValueIx>,
    lazy_since: Instant,
    /// The neighbor is to be told, once.
    pub(super) turn: Option<Turn>,
    pub(super) wants: Vec<RumorId>,
    pub(super) answers_now: bool,
    /// Since when there is something new to say of the beacon.
    pub(super) news_since: Option<Instant>,

    pub(super) last_number: u64,
    in_flight: VecDeque<Sent>,
    pub(super) incarnation: u64,
    window: Window,
    unacked_since: Option<Instant>,
    /// How often something was repeated since an acknowledgement last came in time.
    repeats: u32,
    /// How many values were given up.
    pub(super) given_up: u64,

    last_sent: Instant,
    last_push: Instant,
    pub(super) heard: Instant,
    /// Since when an answer is awaited, and how many have not come.
    awaits_since: Option<Instant>,
    strikes: u32,
    /// It is to be asked at once.
    is_suspect: bool,
}

impl Link {
    /// A link whose messages are numbered from the next number on. If there was one to the same
    /// neighbor that only this end knows to have ended, that number must be new to the other.
    pub(super) fn new(peer: NodeId, last_number: u64, now: Instant) -> Self {
        Self {
            peer,
            owed: BTreeSet::new(),
            lazy: BTreeSet::new(),
            lazy_since: now,
            turn: None,
            wants: Vec::new(),
            // Each end learns at once where the other stands.
            answers_now: true,
            news_since: None,
            last_number,
            in_flight: VecDeque::new(),
            incarnation: 0,
            window: Window::default(),
            unacked_since: None,
            repeats: 0,
            given_up: 0,
            last_sent: now,
            last_push: Instant::START,
            heard: now,
            awaits_since: None,
            strikes: 0,
            is_suspect: false,
        }
    }

    pub(super) fn owe(&mut self, value: ValueIx) {
        self.lazy.remove(&value);
        if self.owed.insert(value) && self.owed.len() > OWED_MAX {
            self.owed.pop_first();
            self.given_up += 1;
        }
    }

    pub(super) fn announce(&mut self, value: ValueIx, now: Instant) {
        if self.owed.contains(&value) {
            return;
        }
        if self.lazy.is_empty() {
            self.lazy_since = now;
        }
        if self.lazy.insert(value) && self.lazy.len() > OWED_MAX {
            self.lazy.pop_first();
            self.given_up += 1;
        }
    }

    /// The neighbor holds a value: it is to be told nothing of it.
    pub(super) fn on_holder(&mut self, value: ValueIx) {
        self.owed.remove(&value);
        self.lazy.remove(&value);
        for sent in &mut self.in_flight {
            sent.rumors.retain(|each| *each != value);
            sent.have.retain(|each| *each != value);
        }
        self.in_flight.retain(|sent| !sent.rumors.is_empty() || !sent.have.is_empty());
    }

    /// Values are to be announced from now on, and not pushed.
    pub(super) fn on_lazy(&mut self, now: Instant) {
        let owed = core::mem::take(&mut self.owed);
        owed.into_iter().for_each(|value| self.announce(value, now));
    }

    /// Something has come over the link.
    pub(super) fn on_heard(&mut self, now: Instant) {
        self.heard = now;
        self.strikes = 0;
        self.awaits_since = None;
        self.is_suspect = false;
    }

    /// A message with this number, or after it, has come. Says whether it is from a life of the
    /// neighbor's that has not ended.
    pub(super) fn on_number(
        &mut self,
        incarnation: u64,
        (number, floor): (u64, u64),
        is_numbered: bool,
        now: Instant,
    ) -> bool {
        if incarnation < self.incarnation {
            return false;
        }
        if incarnation > self.incarnation {
            self.incarnation = incarnation;
            self.window = Window::default();
            self.unacked_since = None;
        }
        self.window.on_push(number, floor, is_numbered, now);
        if is_numbered {
            self.unacked_since.get_or_insert(now);
        }
        true
    }

    /// The neighbor says what has come. What has not, although later ones have, is lost, and owed
    /// again.
    pub(super) fn on_acked(&mut self, acked: &Acked, now: Instant, times: &Times) {
        let beyond = &acked.beyond[..acked.beyond.len().min(BEYOND_MAX)];
        let has_come = |number: u64| {
            let is_in = |&(first, last): &(u64, u64)| (first..=last).contains(&number);
            number <= acked.upto || beyond.iter().any(is_in)
        };
        let latest = beyond.iter().map(|&(_, last)| last).fold(acked.upto, u64::max);
        let (mut kept, mut lost) = (VecDeque::new(), Vec::new());
        for sent in self.in_flight.drain(..) {
            if has_come(sent.number) {
                self.repeats = 0;
            } else if sent.number < latest && now - sent.at > times.reorder {
                lost.push(sent);
            } else {
                kept.push_back(sent);
            }
        }
        self.in_flight = kept;
        lost.into_iter().for_each(|sent| self.owe_again(sent, now));
    }

    fn owe_again(&mut self, sent: Sent, now: Instant) {
        sent.rumors.into_iter().for_each(|value| self.owe(value));
        sent.have.into_iter().for_each(|value| self.announce(value, now));
    }

    /// A message goes out that holds these values.
    pub(super) fn on_sent(
        &mut self,
        rumors: SmallVec<[ValueIx; 2]>,
        have: Vec<ValueIx>,
        asks: bool,
        now: Instant,
        times: &Times,
    ) {
        self.last_sent = now;
        self.unacked_since = None;
        self.answers_now = false;
        self.news_since = None;
        self.window.on_reported(now + times.reorder);
        if asks {
            self.awaits_since.get_or_insert(now);
        }
        if rumors.is_empty() && have.is_empty() {
            return;
        }
        if !rumors.is_empty() {
            self.last_push = now;
        }
        if self.in_flight.len() == IN_FLIGHT_MAX {
            let oldest = self.in_flight.pop_front();
            let count = oldest.map_or(0, |sent| sent.rumors.len() + sent.have.len());
            self.given_up += count as u64;
        }
        self.in_flight.push_back(Sent { number: self.last_number, at: now, rumors, have });
    }

    /// The lowest number that is still of interest.
    pub(super) fn floor(&self) -> u64 {
        self.in_flight.front().map_or(self.last_number + 1, |sent| sent.number)
    }

    pub(super) fn acked(&self) -> Option<Acked> {
        (self.incarnation != 0).then(|| self.window.acked(self.incarnation))
    }

    /// How many values await an acknowledgement.
    pub(super) fn unacked(&self) -> usize {
        self.in_flight.iter().map(|sent| sent.rumors.len()).sum()
    }

    /// Since when the value that has been awaited longest is.
    pub(super) fn oldest_push(&self) -> Option<Instant> {
        self.in_flight.iter().find(|sent| !sent.rumors.is_empty()).map(|sent| sent.at)
    }

    /// Up to so many values, those of one message that have been awaited longest, are not awaited
    /// any more. Says how many.
    pub(super) fn await_no_more(&mut self, most: usize) -> usize {
        let Some(sent) = self.in_flight.iter_mut().find(|sent| !sent.rumors.is_empty()) else {
            return 0;
        };
        let count = sent.rumors.len().min(most);
        sent.rumors.drain(..count);
        self.in_flight.retain(|sent| !sent.rumors.is_empty() || !sent.have.is_empty());
        count
    }

    /// What was never acknowledged is owed again.
    pub(super) fn repeat(&mut self, now: Instant, times: &Times) {
        let due = |sent: &Sent| self.repeat_at(sent, times) <= now;
        let count = self.in_flight.iter().take_while(|sent| due(sent)).count();
        let overdue: Vec<Sent> = self.in_flight.drain(..count).collect();
        if count > 0 {
            self.repeats = (self.repeats + 1).min(REPEATS_MAX);
        }
        overdue.into_iter().for_each(|sent| self.owe_again(sent, now));
    }

    /// An acknowledgement may wait for company. And what is repeated has another number, so that
    /// one that takes longer than the time-out would come too late for ever, were that not doubled
    /// (RFC 6298, 5.5).
    fn repeat_at(&self, sent: &Sent, times: &Times) -> Instant {
        sent.at + times.batch + times.timeout * (1 << self.repeats)
    }

    /// Asks again if an answer is overdue, or the neighbor has said nothing for long. Says whether
    /// to ask now, or that it has failed.
    pub(super) fn watch(&mut self, now: Instant, times: &Times) -> Watched {
        let is_overdue = self.awaits_since.is_some_and(|since| since + times.timeout <= now);
        if is_overdue {
            self.strikes += 1;
            self.awaits_since = None;
            return if self.strikes >= STRIKES_MAX { Watched::Failed } else { Watched::Asks };
        }
        let is_silent = self.awaits_since.is_none() && self.silent_at(times) <= now;
        if is_silent { Watched::Asks } else { Watched::Well }
    }

    /// What this neighbor should have sent has not come: if it has said nothing lately, it is
    /// asked.
    pub(super) fn suspect(&mut self, now: Instant, times: &Times) {
        self.is_suspect = self.heard + times.timeout <= now;
    }

    /// Whether nothing speaks for its failure.
    pub(super) fn is_well(&self) -> bool {
        self.awaits_since.is_none() && !self.is_suspect
    }

    /// When the neighbor's silence is asked about. A lost word for its own sake costs a question.
    /// Where something has gone out that is to be acknowledged, sooner.
    fn silent_at(&self, times: &Times) -> Instant {
        if self.is_suspect {
            return Instant::START;
        }
        let quiet = self.heard + times.keep_alive + times.timeout;
        let oldest = self.in_flight.front().filter(|sent| sent.at > self.heard);
        oldest.map_or(quiet, |sent| quiet.min(sent.at + times.batch + times.timeout))
    }

    /// When something is to be said over the link, or repeated, or asked.
    pub(super) fn due(&self, me: NodeId, times: &Times) -> Instant {
        let at_once = Instant::START;
        if self.answers_now || self.turn.is_some() || !self.wants.is_empty() {
            return at_once;
        }
        let mut due = (self.last_sent + times.keep_alive)
            .min(self.awaits_since.map_or_else(|| self.silent_at(times), |at| at + times.timeout));
        if !self.owed.is_empty() {
            due = due.min(self.last_push + times.credit);
        }
        if !self.lazy.is_empty() {
            due = due.min(self.announce_at(me, times));
        }
        if let Some(since) = self.unacked_since {
            due = due.min(since + times.batch);
        }
        if let Some(since) = self.window.gap_since() {
            due = due.min(since + times.reorder);
        }
        if let Some(since) = self.news_since {
            due = due.min(since + times.batch / 2);
        }
        if let Some(sent) = self.in_flight.front() {
            due = due.min(self.repeat_at(sent, times));
        }
        due
    }

    /// Both ends have much the same to announce, and the first to do so spares the other that. So
    /// who has just heard the other speaks next, and at first one end waits longer.
    fn announce_at(&self, me: NodeId, times: &Times) -> Instant {
        let patience = if me < self.peer { times.batch / 2 } else { times.batch };
        let rest = if self.heard > self.last_sent { times.batch } else { times.batch * 3 / 2 };
        (self.lazy_since + patience).max(self.heard.max(self.last_sent) + rest)
    }

    /// Whether something goes out now, and not only something is to be looked after.
    pub(super) fn speaks(&self, me: NodeId, now: Instant, times: &Times) -> bool {
        self.answers_now
            || self.turn.is_some()
            || !self.wants.is_empty()
            || self.last_sent + times.keep_alive <= now
            || (!self.owed.is_empty() && self.last_push + times.credit <= now)
            || (!self.lazy.is_empty() && self.announce_at(me, times) <= now)
            || self.unacked_since.is_some_and(|since| since + times.batch <= now)
            || self.window.gap_since().is_some_and(|since| since + times.reorder <= now)
            || self.news_since.is_some_and(|since| since + times.batch / 2 <= now)
    }
}

/// What watching a link has shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Watched {
    Well,
    /// The neighbor is to be asked for an answer.
    Asks,
    Failed,
}
