//! When a value could at best have been everywhere.
//!
//! The ideal protocol knows all faults beforehand. It sends straight or over one relay, at the
//! best moment, and loses nothing: a message takes the mean latency in force when it is sent, over
//! a link that is not cut at that moment (Maelstrom tests a partition about when a message is
//! sent), from a node that is neither down nor paused. A message for a node that is down waits
//! for its restart, which is the node's earliest moment, and one for a paused node until it goes
//! on. Each life of a node begins empty.
//!
//! The question for each node and value is when the first of those that could have the value by
//! then can send to it. It is answered for all of them at once, since each of the three things that
//! decide it is a set of nodes that changes now and then: who could have the value, who is paused,
//! and who is cut off from the node.
//!
//! With the mean latency in force a real run may beat the ideal: by a lucky draw, or over two
//! relays. The difference is then negative and is left so.

use std::time::Duration;

use gossiper_core::Instant;

use super::conditions::Conditions;
use super::timeline::{NEVER, Timeline};

/// A time in which a node is up.
#[derive(Clone, Copy)]
pub(super) struct Life {
    /// When the life before it ended: a message that arrives from then on reaches this one.
    pub(super) open_from: Instant,
    /// When the node was started.
    pub(super) begin: Instant,
    /// When it was killed; the last moment there is, if never.
    pub(super) end: Instant,
}

/// A time in which a node could hold the value.
#[derive(Clone, Copy)]
struct Hold {
    from: Instant,
    until: Instant,
}

/// The ideal of one run, value by value.
pub(super) struct Ideal<'a> {
    conditions: &'a Conditions,
    lives: Vec<Vec<Life>>,
}

impl<'a> Ideal<'a> {
    pub(super) fn new(conditions: &'a Conditions) -> Self {
        let lives = (0..conditions.nodes()).map(|node| lives(conditions, node)).collect();
        Self { conditions, lives }
    }

    /// The first moment at which every node that is live at the end could have had a value that
    /// arrived at `origin` at `at` for good; nothing if some node never could. Takes time in the
    /// number of nodes, and a 64th of its square when faults stand in the way.
    pub(super) fn everywhere(&self, origin: u32, at: Instant) -> Option<Instant> {
        let source = self.source(origin, at)?;
        let mut holders = None;
        let mut latest = source.from;
        for node in (0..self.conditions.nodes()).filter(|&n| self.conditions.is_live_at_end(n)) {
            let &last = self.lives[node as usize].last()?;
            if node == origin && last.end == source.until {
                continue;
            }
            let straight =
                if node == origin { None } else { self.straight(origin, node, source, last) };
            let arrival = straight
                .filter(|&arrival| self.is_unhindered(origin, node, source, arrival))
                .or_else(|| {
                    let holders = holders.get_or_insert_with(|| self.holders(origin, source));
                    self.any_to(holders, source.from, node, last)
                });
            latest = latest.max(arrival?);
        }
        Some(latest)
    }

    /// The time in which `origin` holds what arrives there at `at`; nothing if it is down for good.
    fn source(&self, origin: u32, at: Instant) -> Option<Hold> {
        let life = self.lives[origin as usize].iter().find(|life| at < life.end)?;
        Some(Hold { from: at.max(life.begin), until: life.end })
    }

    /// Whether a value that arrived at `origin` at `at` could have been saved, had nothing been
    /// done about it for a time of `grace`: could some node that is live at the end have had it,
    /// sent before the origin was killed?
    pub(super) fn can_leave(&self, origin: u32, at: Instant, grace: Duration) -> bool {
        let held_back = |source: Hold| Hold { from: source.from + grace, ..source };
        let Some(source) = self.source(origin, at).map(held_back).filter(|s| s.from < s.until)
        else {
            return false;
        };
        let holders = self.holders(origin, source);
        let mut live = (0..self.conditions.nodes()).filter(|&n| self.conditions.is_live_at_end(n));
        live.any(|node| {
            let Some(&last) = self.lives[node as usize].last() else { return false };
            node == origin && last.end == source.until
                || self.any_to(&holders, source.from, node, last).is_some()
        })
    }

    /// Whether the source could have sent at any moment until the arrival. Then no relay is
    /// faster: when a relay sends, the source could send too.
    fn is_unhindered(&self, from: u32, to: u32, source: Hold, arrival: Instant) -> bool {
        arrival <= source.until
            && self.conditions.cut_off_from(to).is_outside(from, source.from, arrival)
            && self.conditions.paused().is_outside(from, source.from, arrival)
    }

    /// Who could have the value when: the source, and what it can reach straight.
    fn holders(&self, origin: u32, source: Hold) -> Timeline {
        let mut changes = Vec::new();
        // A source that is killed when it is started holds nothing.
        if source.from < source.until {
            changes.extend([(source.from, true, origin), (source.until, false, origin)]);
        }
        for node in (0..self.conditions.nodes()).filter(|&node| node != origin) {
            for &life in &self.lives[node as usize] {
                if let Some(from) = self.straight(origin, node, source, life) {
                    changes.extend([(from, true, node), (life.end, false, node)]);
                }
            }
        }
        // At one moment what ends comes first: a node may be started when it is killed.
        changes.sort_unstable();
        let mut holders = Timeline::new(self.conditions.nodes());
        for (at, is_in, node) in changes {
            if at < NEVER {
                holders.put(node, is_in, at);
            }
        }
        holders
    }

    /// The first moment at which a node could have the value in this life of it, straight from
    /// `from`, which holds it.
    fn straight(&self, from: u32, to: u32, hold: Hold, life: Life) -> Option<Instant> {
        self.arrival(hold.from, to, life, |at, end| {
            self.sendable(from, to, at).filter(|&sent| sent < end && sent < hold.until)
        })
    }

    /// The same from any of `holders`, the first of which holds it at `since`.
    fn any_to(&self, holders: &Timeline, since: Instant, to: u32, life: Life) -> Option<Instant> {
        self.arrival(since, to, life, |at, end| self.sendable_by_any(holders, to, at, end))
    }

    /// The first moment at which a node could have the value in this life of it, when `send` says
    /// at which moment it can be sent first, from one moment on and before another.
    fn arrival(
        &self,
        since: Instant,
        to: u32,
        life: Life,
        send: impl Fn(Instant, Instant) -> Option<Instant>,
    ) -> Option<Instant> {
        let mut best: Option<Instant> = None;
        for (begin, end, latency) in self.conditions.latencies(since) {
            if best.is_some_and(|best| best <= begin) {
                break;
            }
            // Sent earlier it would reach the life before.
            let due = Instant(life.open_from.0.saturating_sub(latency.as_nanos() as u64));
            if let Some(sent) = send(since.max(begin).max(due), end) {
                let arrival = (sent + latency).max(life.begin);
                best = Some(best.map_or(arrival, |best| best.min(arrival)));
            }
        }
        // A pause that ends by a kill ends the life too.
        let arrival = self.conditions.paused().leave(to, best?)?;
        (arrival < life.end).then_some(arrival)
    }

    /// The first moment from `at` on at which the sender goes and the link is not cut.
    fn sendable(&self, from: u32, to: u32, mut at: Instant) -> Option<Instant> {
        loop {
            let going = self.conditions.paused().leave(from, at)?;
            let joined = self.conditions.cut_off_from(to).leave(from, going)?;
            if joined == at {
                return Some(at);
            }
            at = joined;
        }
    }

    /// The first moment from `at` on and before `end` at which one that holds the value goes and
    /// its link is not cut.
    fn sendable_by_any(
        &self,
        holders: &Timeline,
        to: u32,
        mut at: Instant,
        end: Instant,
    ) -> Option<Instant> {
        let sets = [holders, self.conditions.paused(), self.conditions.cut_off_from(to)];
        let mut steps = sets.map(|set| set.step(at));
        while at < end {
            let can_send = (0..holders.words()).any(|word| {
                let [holding, paused, cut] = [0, 1, 2].map(|set| sets[set].word(steps[set], word));
                // What an earlier life of the receiver held it cannot send to itself.
                let itself = if to as usize / 64 == word { 1 << (to % 64) } else { 0 };
                holding & !paused & !cut & !itself != 0
            });
            if can_send {
                return Some(at);
            }
            let changes = [0, 1, 2].map(|set| sets[set].next_change(steps[set]));
            at = changes.into_iter().min()?;
            for (step, change) in steps.iter_mut().zip(changes) {
                *step += usize::from(change == at);
            }
        }
        None
    }
}

pub(super) fn lives(conditions: &Conditions, node: u32) -> Vec<Life> {
    let mut lives = Vec::new();
    let (mut open_from, mut begin) = (Instant::START, Instant::START);
    for (killed, restarted) in conditions.down(node).iter() {
        lives.push(Life { open_from, begin, end: killed });
        (open_from, begin) = (killed, restarted);
    }
    let end = Instant(u64::MAX);
    if begin != end {
        lives.push(Life { open_from, begin, end });
    }
    lives
}
