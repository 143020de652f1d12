//! What a node keeps of its link to one neighbor.

use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;

use smallvec::SmallVec;

use super::Times;
use super::window::Window;
use crate::store::ValueIx;
use crate::{Acked, Instant, Mechanism, MessageId, NodeId, StreamDigest};

/// The most values that wait for a link. Beyond it they are left to the digest, which is asked for.
pub(super) const OWED_MAX: usize = 8_192;

/// The most pushes on a link that await an acknowledgement. The oldest are given up beyond it, and
/// what was in them is left to the digest.
pub(super) const IN_FLIGHT_MAX: usize = 1_024;

/// The most values that were pushed without a name and are pushed again with it.
const NAMELESS_MAX: usize = 256;

/// The most overdue plain values whose acknowledgements are still told from others. Where one is
/// not, its value is sent once more.
const LATE_MAX: usize = 64;

/// How long after a loss a link counts as one that loses.
const LOSSY: Duration = Duration::from_secs(10);

/// The longest gap between two pushes that says how often they come.
const GAP_MAX: Duration = Duration::from_secs(5);

/// A push that awaits its acknowledgement.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) number: u64,
    pub(super) at: Instant,
    pub(super) values: SmallVec<[ValueIx; 4]>,
    /// It repeats all pushes from this number on that were not acknowledged then.
    pub(super) repeats_from: u64,
    /// It asks for an answer, and so is awaited whatever it holds.
    pub(super) asks: bool,
}

/// A value in a plain message that awaits its acknowledgement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plain {
    pub(super) id: Option<MessageId>,
    pub(super) at: Instant,
    pub(super) value: ValueIx,
}

/// A neighbor that does not answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Suspect {
    pub(super) since: Instant,
    pub(super) next_probe: Instant,
    pub(super) last_probe: Option<Instant>,
    /// How many values were known when it fell silent.
    pub(super) from: usize,
    /// How many values were known at the last probe. Later ones were in no digest that it got.
    pub(super) known: usize,
    /// It, or another suspect, has been heard after a long silence.
    pub(super) may_be_back: bool,
    /// What a peer that does not speak the dialect is probed with.
    pub(super) value: Option<ValueIx>,
}

impl Suspect {
    /// It is probed as soon as it may be.
    pub(super) fn hasten(&mut self, now: Instant, retry: Duration) {
        let soonest = self.last_probe.map_or(now, |last| last + retry);
        self.next_probe = self.next_probe.min(soonest.max(now));
    }
}

#[derive(Debug, Default)]
pub(super) struct Link {
    /// Values to be pushed; at most [`OWED_MAX`].
    pub(super) owed: BTreeSet<ValueIx>,
    /// Since when there are any.
    pub(super) owed_since: Instant,
    /// Those of them that go around somebody silent, to everybody behind.
    pub(super) around: BTreeSet<ValueIx>,
    /// Values pushed without a name; at most [`NAMELESS_MAX`].
    pub(super) nameless: BTreeSet<ValueIx>,
    /// Something was left out: the neighbor is to be shown what this node holds.
    pub(super) is_behind: bool,
    /// The first and the last value that were left out. To who cannot be shown a digest they are
    /// owed once nothing else is, with what lies between them.
    pub(super) left_out: Option<(ValueIx, ValueIx)>,

    pub(super) last_number: u64,
    /// At most [`IN_FLIGHT_MAX`].
    pub(super) in_flight: VecDeque<Sent>,
    /// At most [`IN_FLIGHT_MAX`].
    pub(super) plain: VecDeque<Plain>,
    /// Plain values that are overdue, and maybe sent again: an acknowledgement may still come. At
    /// most [`LATE_MAX`].
    pub(super) late: VecDeque<Plain>,
    pub(super) last_push: Instant,
    /// When the dialect was first announced in a plain message.
    pub(super) announced: Option<Instant>,
    /// Since when something is awaited, whatever of it was given up.
    pub(super) awaits_from: Option<Instant>,
    /// Since when nothing new was sent that should be answered, or the last strike.
    pub(super) waits_since: Instant,
    /// Time-outs in a row without an acknowledgement between.
    pub(super) strikes: u32,
    pub(super) lossy_until: Instant,

    pub(super) incarnation: u64,
    pub(super) window: Window,
    /// Since when something has come that is not acknowledged.
    pub(super) unacked_since: Option<Instant>,
    pub(super) answers_now: bool,
    /// When it was last answered by a message for that alone, and last sent what it lacked.
    pub(super) answered: Option<Instant>,
    pub(super) served: Option<Instant>,
    /// The last digest that it has shown, and whether it wants to be shown this node's.
    pub(super) shown: Option<(Vec<StreamDigest>, bool)>,
    /// A digest of its that shows something which is lacking here, until it is here,
    /// and how many times that was asked for.
    pub(super) lacking: Option<(Vec<StreamDigest>, u32)>,
    /// When the last numbered push came, and how far apart they come of late.
    pub(super) arrived: Option<Instant>,
    pub(super) gap: Option<Duration>,
    /// When its silence was asked about, if no push has come since.
    pub(super) asked: Option<Instant>,
    /// How long its acknowledgements take of late, and how far they are off that.
    pub(super) answer: Option<(Duration, Duration)>,
    /// It is to be asked for an answer.
    pub(super) wants_answer: bool,
    /// When it is told again that it is this node's uplink, and how many times more.
    pub(super) statement: Option<(Instant, u32)>,
    /// What is owed to it includes this node's digest.
    pub(super) owes_streams: bool,
    pub(super) streams_at: Option<Instant>,
    /// It was shown this node's digest, and has not told the same hash since.
    pub(super) has_shown: bool,

    pub(super) heard: Option<Instant>,
    /// It has taken the place of a silent one, and has not been heard since.
    pub(super) is_untried: bool,
    /// What it last said of its uplink, and when.
    pub(super) uplink: Option<(Option<NodeId>, Instant)>,
    /// The number of the push that said so, and how much its sender held: an older one that comes
    /// later is not news.
    pub(super) said: (u64, u64),
    /// How much this node held when it ceased to push to the neighbor, while it does not.
    pub(super) left: Option<usize>,
    /// It has said that it passes nothing on: it runs another strategy, or all straight.
    pub(super) is_leaf: bool,
    /// It may pass nothing on: others pass it over, or the one for which it stands in does not, and
    /// nothing has come of it to show.
    pub(super) is_doubted: bool,
    /// How many times it was asked which dialect it speaks, and when next.
    pub(super) dialect_asks: u32,
    pub(super) next_dialect_ask: Instant,
    /// Since when it is known to speak the dialect, if it was a link then.
    pub(super) speaks_since: Option<Instant>,
    /// The hash it last told.
    pub(super) hash: Option<u64>,
    /// How many times the neighbor was asked for it, with which hash of this node's own, and when
    /// it may be next.
    pub(super) hash_asks: u32,
    pub(super) asked_hash: Option<u64>,
    pub(super) next_hash_ask: Instant,
    /// When to compare by digest if the hashes still differ: in quiet times, and at the latest.
    pub(super) differs: Option<(Instant, Instant)>,
    pub(super) suspect: Option<Suspect>,
}

impl Link {
    /// Puts a value among those to be pushed.
    pub(super) fn owe(&mut self, value: ValueIx, now: Instant) {
        if self.owed.is_empty() {
            self.owed_since = now;
        }
        self.owed.insert(value);
        if self.owed.len() > OWED_MAX
            && let Some(oldest) = self.owed.pop_first()
        {
            self.around.clear();
            self.leave_out(oldest);
        }
    }

    /// A value is not pushed, though the neighbor may lack it.
    pub(super) fn leave_out(&mut self, value: ValueIx) {
        self.is_behind = true;
        let (first, last) = self.left_out.unwrap_or((value, value));
        self.left_out = Some((first.min(value), last.max(value)));
    }

    /// Owes some of what was left out, if nothing else is owed.
    pub(super) fn take_up_left_out(&mut self, now: Instant) {
        if !self.owed.is_empty() {
            return;
        }
        let Some((first, last)) = self.left_out.take() else { return };
        let end = last.0.min(first.0 + (IN_FLIGHT_MAX as u32 - 1));
        (first.0..=end).for_each(|value| self.owe(ValueIx(value), now));
        self.left_out = (end < last.0).then_some((ValueIx(end + 1), last));
    }

    /// Whether a plain value may go out: the others wait until some are acknowledged.
    pub(super) fn has_room(&self) -> bool {
        self.plain.len() < IN_FLIGHT_MAX
    }

    pub(super) fn note_nameless(&mut self, value: ValueIx) {
        if self.nameless.len() < NAMELESS_MAX {
            self.nameless.insert(value);
        }
    }

    /// It is to be told of this node's uplink again, so many times.
    pub(super) fn state_again(&mut self, at: Instant, times: u32) {
        self.statement = (times > 0).then_some((at, times));
    }

    /// Since when a question about its silence has brought nothing.
    pub(super) fn unanswered(&self) -> Option<Instant> {
        self.asked.filter(|&asked| self.heard.is_none_or(|heard| heard < asked))
    }

    /// How long an answer may take: as an acknowledgement usually does and a good deal longer
    /// (RFC 6298, section 2), at least a quarter of the time-out longer, and at most the time-out.
    pub(super) fn patience(&self, times: &Times) -> Duration {
        let Some((mean, spread)) = self.answer else { return times.timeout };
        (mean + (spread * 4).max(times.timeout / 4)).min(times.timeout)
    }

    /// An acknowledgement has taken so long.
    fn on_answer(&mut self, taken: Duration) {
        self.answer = Some(self.answer.map_or((taken, taken / 2), |(mean, spread)| {
            ((mean * 7 + taken) / 8, (spread * 3 + taken.abs_diff(mean)) / 4)
        }));
    }

    pub(super) fn is_lossy(&self, now: Instant) -> bool {
        now < self.lossy_until
    }

    pub(super) fn on_loss(&mut self, now: Instant) {
        self.lossy_until = now + LOSSY;
    }

    /// A push with this number has gone out.
    pub(super) fn on_sent(&mut self, sent: Sent, quiet: Duration) {
        self.last_push = sent.at;
        self.awaits_from.get_or_insert(sent.at);
        self.in_flight.push_back(sent);
        if self.strikes == 0 {
            self.wait(quiet);
        }
        if self.in_flight.len() > IN_FLIGHT_MAX {
            self.in_flight.pop_front();
            self.is_behind = true;
        }
    }

    /// Finds since when an answer is waited for: the neighbor may wait with it while pushes keep
    /// coming, so from the last one before a pause.
    fn wait(&mut self, quiet: Duration) {
        let mut sent = self.in_flight.iter().map(|sent| sent.at);
        let Some(mut since) = sent.next() else { return };
        for at in sent {
            if at - since > quiet {
                break;
            }
            since = at;
        }
        self.waits_since = since;
    }

    /// A numbered push has come.
    pub(super) fn on_arrived(&mut self, now: Instant) {
        if let Some(before) = self.arrived {
            let gap = (now - before).min(GAP_MAX);
            self.gap = Some(self.gap.map_or(gap, |mean| (mean * 7 + gap) / 8));
        }
        self.arrived = Some(now);
        self.asked = None;
        self.statement = None;
        self.unacked_since.get_or_insert(now);
    }

    /// The neighbor tells what has come. A push that is missing though one that was sent
    /// [much later](Times::reorder) has come is lost, and its values are owed again. Says whether
    /// something was acknowledged that was not before.
    pub(super) fn on_acked(&mut self, acked: &Acked, now: Instant, times: &Times) -> bool {
        let is_acked = |number: u64| {
            number <= acked.upto
                || acked.beyond.iter().any(|&(first, last)| (first..=last).contains(&number))
        };
        let mut is_any = false;
        let mut repeated_from = u64::MAX;
        let mut newest: Option<Instant> = None;
        let mut taken: Option<Duration> = None;
        for sent in self.in_flight.iter_mut().rev() {
            let is_named = is_acked(sent.number);
            if is_named {
                repeated_from = repeated_from.min(sent.repeats_from);
                newest = newest.max(Some(sent.at));
                // What repeats others may be acknowledged for one of them.
                if sent.repeats_from == sent.number {
                    let this = now - sent.at;
                    taken = Some(taken.map_or(this, |other| other.min(this)));
                }
            }
            if is_named || sent.number >= repeated_from {
                sent.number = 0;
                is_any = true;
            }
        }
        self.in_flight.retain(|sent| sent.number != 0);
        if is_any {
            self.strikes = 0;
        }
        if let Some(taken) = taken {
            self.on_answer(taken);
        }
        if let Some(newest) = newest {
            while self.in_flight.front().is_some_and(|sent| sent.at + times.reorder <= newest) {
                let Some(lost) = self.in_flight.pop_front() else { break };
                if !times.uses(Mechanism::Repair) {
                    continue;
                }
                if !lost.values.is_empty() {
                    self.on_loss(now);
                }
                lost.values.iter().for_each(|&value| self.owe(value, now));
            }
        }
        if self.in_flight.iter().all(|sent| sent.values.is_empty() && !sent.asks) {
            self.in_flight.clear();
            self.awaits_from = None;
        }
        if is_any {
            self.awaits_from = self.in_flight.front().map(|sent| sent.at);
            self.wait(times.ack_wait_quiet);
        }
        is_any
    }

    /// A plain message is acknowledged, in time or late: the neighbor has its value, and need not
    /// be sent it again. Says whether it is one of this link's.
    pub(super) fn on_plain_ack(&mut self, of: MessageId) -> bool {
        let mut all = self.plain.iter().chain(&self.late);
        let Some(value) = all.find(|plain| plain.id == Some(of)).map(|plain| plain.value) else {
            return false;
        };
        self.plain.retain(|plain| plain.value != value);
        self.late.retain(|plain| plain.value != value);
        self.owed.remove(&value);
        self.strikes = 0;
        true
    }

    /// What is awaited in plain messages is overdue. Gives the values.
    pub(super) fn on_plain_overdue(&mut self) -> Vec<ValueIx> {
        let values = self.plain.iter().map(|plain| plain.value).collect();
        self.late.append(&mut self.plain);
        let excess = self.late.len().saturating_sub(LATE_MAX);
        self.late.drain(..excess);
        values
    }

    /// All patience begins anew.
    pub(super) fn on_stall(&mut self, now: Instant) {
        self.in_flight.iter_mut().for_each(|sent| sent.at = now);
        self.plain.iter_mut().for_each(|plain| plain.at = now);
        self.awaits_from = self.awaits_from.map(|_| now);
        self.waits_since = now;
        self.arrived = self.arrived.map(|_| now);
        self.differs = None;
        self.asked = None;
        if self.suspect.is_none() {
            self.heard = self.heard.map(|_| now);
        }
    }

    /// When the oldest thing that is awaited was sent.
    pub(super) fn awaited_since(&self) -> Option<Instant> {
        let pushes = self.awaits_from.filter(|_| !self.in_flight.is_empty());
        let plain = self.plain.front().map(|plain| plain.at);
        match (pushes, plain) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    /// Awaits the oldest values no longer: `count` of them, and what went with them in one message;
    /// less where what is left was not sent as long ago. Says how many.
    pub(super) fn give_up(&mut self, count: usize) -> usize {
        let (since, unacked) = (self.awaited_since(), self.unacked());
        let mut given_up = 0;
        while given_up < count.min(unacked) && self.awaited_since() == since {
            given_up += match self.in_flight.pop_front() {
                Some(sent) => sent.values.len(),
                None => usize::from(self.plain.pop_front().is_some()),
            };
        }
        self.is_behind = true;
        given_up
    }

    /// Whether values await an acknowledgement.
    pub(super) fn awaits_values(&self) -> bool {
        !self.plain.is_empty() || self.in_flight.iter().any(|sent| !sent.values.is_empty())
    }

    /// Values that await an acknowledgement.
    pub(super) fn unacked(&self) -> usize {
        self.in_flight.iter().map(|sent| sent.values.len()).sum::<usize>() + self.plain.len()
    }

    /// Takes out all that awaits an acknowledgement.
    pub(super) fn take_awaited(&mut self) -> Vec<ValueIx> {
        let mut values = self.on_plain_overdue();
        // Whoever is passed over has to answer a probe: it has missed more than this.
        self.late.clear();
        values.extend(self.in_flight.drain(..).flat_map(|sent| sent.values));
        self.awaits_from = None;
        values.sort_unstable();
        values.dedup();
        values
    }

    /// The neighbor has started anew, and holds nothing of what was sent before.
    pub(super) fn on_restarted(&mut self) {
        self.window = Window::default();
        self.take_awaited();
        self.owed.clear();
        self.left_out = None;
        self.nameless.clear();
        (self.hash, self.differs, self.uplink) = (None, None, None);
        (self.said, self.left) = ((0, 0), None);
        (self.shown, self.lacking) = (None, None);
        self.strikes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(number: u64, at_ms: u64, values: &[u32]) -> Sent {
        let at = Instant::START + Duration::from_millis(at_ms);
        let values = values.iter().map(|&value| ValueIx(value)).collect();
        Sent { number, at, values, repeats_from: number, asks: false }
    }

    #[test]
    fn what_is_given_up_is_the_oldest_and_no_more_than_it_takes() {
        let mut link = Link::default();
        assert!(!link.awaits_values());
        for push in [sent(1, 0, &[]), sent(2, 5, &[1, 2, 3]), sent(3, 9, &[4]), sent(4, 9, &[5])] {
            link.on_sent(push, Duration::ZERO);
        }
        assert_eq!((link.awaits_values(), link.give_up(2)), (true, 3));
        assert_eq!((link.unacked(), link.in_flight.len(), link.is_behind), (2, 2, true));
        // More than there are.
        assert_eq!((link.give_up(9), link.awaits_values()), (2, false));
    }

    #[test]
    fn plain_values_of_a_later_moment_are_not_given_up_along() {
        let mut link = Link::default();
        for at_ms in [3, 3, 8] {
            let at = Instant::START + Duration::from_millis(at_ms);
            link.plain.push_back(Plain { id: None, at, value: ValueIx(0) });
        }
        assert_eq!((link.give_up(9), link.unacked()), (2, 1));
        assert_eq!((link.give_up(9), link.unacked()), (1, 0));
    }
}
