//! The ideal once more, one relay after the other: slow, and plain enough to be believed.

use gossiper_core::Instant;

use super::conditions::Conditions;
use super::ideal::{Life, lives};
use super::timeline::{NEVER, Timeline};

/// Spans of time, sorted and apart, from the first moment to before the last.
struct Spans(Vec<(Instant, Instant)>);

impl Spans {
    /// When a node is in the set.
    fn of(timeline: &Timeline, node: u32) -> Self {
        let mut spans = Vec::new();
        let mut begin = None;
        let (mut step, mut at) = (0, Instant::START);
        while at < NEVER {
            match (timeline.contains(step, node), begin) {
                (true, None) => begin = Some(at),
                (false, Some(first)) => {
                    spans.push((first, at));
                    begin = None;
                }
                _ => {}
            }
            at = timeline.next_change(step);
            step += 1;
        }
        spans.extend(begin.map(|first| (first, NEVER)));
        Self(spans)
    }

    /// The first moment from `at` on outside of all spans; nothing if the last does not end.
    fn leave(&self, at: Instant) -> Option<Instant> {
        let inside = self.0.iter().find(|&&(begin, end)| begin <= at && at < end);
        match inside {
            Some(&(_, end)) => (end != NEVER).then_some(end),
            None => Some(at),
        }
    }

    /// The beginning of the first span that begins at `at` or later.
    fn next_begin(&self, at: Instant) -> Instant {
        self.0.iter().find(|&&(begin, _)| at <= begin).map_or(NEVER, |&(begin, _)| begin)
    }
}

/// A time in which a node could hold the value.
#[derive(Clone, Copy)]
struct Hold {
    from: Instant,
    until: Instant,
}

/// The ideal of one run, value by value.
pub(super) struct OneByOne<'a> {
    conditions: &'a Conditions,
    lives: Vec<Vec<Life>>,
    paused: Vec<Spans>,
    /// For each sender and receiver.
    cut: Vec<Vec<Spans>>,
}

impl<'a> OneByOne<'a> {
    pub(super) fn new(conditions: &'a Conditions) -> Self {
        let nodes = 0..conditions.nodes();
        let link = |from, to| Spans::of(conditions.cut_off_from(to), from);
        Self {
            conditions,
            lives: nodes.clone().map(|node| lives(conditions, node)).collect(),
            paused: nodes.clone().map(|node| Spans::of(conditions.paused(), node)).collect(),
            cut: nodes
                .clone()
                .map(|from| nodes.clone().map(|to| link(from, to)).collect())
                .collect(),
        }
    }

    /// The first moment at which every node that is live at the end could have had a value that
    /// arrived at `origin` at `at` for good; nothing if some node never could. Takes time in the
    /// number of nodes, and in its square when faults stand in the way.
    pub(super) fn everywhere(&self, origin: u32, at: Instant) -> Option<Instant> {
        let life = self.lives[origin as usize].iter().find(|life| at < life.end)?;
        let source = Hold { from: at.max(life.begin), until: life.end };
        let mut relays = None;
        let mut latest = source.from;
        for node in (0..self.conditions.nodes()).filter(|&n| self.conditions.is_live_at_end(n)) {
            let &last = self.lives[node as usize].last()?;
            if node == origin && last.end == source.until {
                continue;
            }
            let straight =
                if node == origin { None } else { self.arrival(origin, node, source, last) };
            let is_unhindered =
                straight.is_some_and(|arrival| self.is_unhindered(origin, node, source, arrival));
            let arrival = match is_unhindered {
                true => straight,
                false => {
                    let relays = relays.get_or_insert_with(|| self.relays(origin, source));
                    self.over_relays(relays, node, last, straight)
                }
            };
            latest = latest.max(arrival?);
        }
        Some(latest)
    }

    /// Whether the source could have sent at any moment until the arrival. Then no relay is
    /// faster: when a relay sends, the source could send too.
    fn is_unhindered(&self, from: u32, to: u32, source: Hold, arrival: Instant) -> bool {
        let is_free = |spans: &Spans| {
            spans.leave(source.from) == Some(source.from)
                && arrival <= spans.next_begin(source.from)
        };
        arrival <= source.until
            && is_free(&self.cut[from as usize][to as usize])
            && is_free(&self.paused[from as usize])
    }

    /// What every other node could hold straight from the source, life by life.
    fn relays(&self, origin: u32, source: Hold) -> Vec<(u32, Hold)> {
        let others = (0..self.conditions.nodes()).filter(|&node| node != origin);
        let mut relays: Vec<(u32, Hold)> = others
            .flat_map(|node| self.lives[node as usize].iter().map(move |&life| (node, life)))
            .filter_map(|(node, life)| {
                let from = self.arrival(origin, node, source, life)?;
                Some((node, Hold { from, until: life.end }))
            })
            .collect();
        relays.sort_by_key(|(node, hold)| (hold.from, *node));
        relays
    }

    fn over_relays(
        &self,
        relays: &[(u32, Hold)],
        node: u32,
        life: Life,
        straight: Option<Instant>,
    ) -> Option<Instant> {
        let mut best = straight;
        for &(relay, hold) in relays {
            // They are in the order of time: none after this can arrive earlier.
            if best.is_some_and(|best| best <= hold.from) {
                break;
            }
            if relay != node
                && let Some(arrival) = self.arrival(relay, node, hold, life)
            {
                best = Some(best.map_or(arrival, |best| best.min(arrival)));
            }
        }
        best
    }

    /// The first moment at which a node could have the value in this life of it, from one that
    /// holds it.
    fn arrival(&self, from: u32, to: u32, hold: Hold, life: Life) -> Option<Instant> {
        let mut best: Option<Instant> = None;
        for (begin, end, latency) in self.conditions.latencies(hold.from) {
            if best.is_some_and(|best| best <= begin) {
                break;
            }
            // Sent earlier it would reach the life before.
            let due = Instant(life.open_from.0.saturating_sub(latency.as_nanos() as u64));
            let sent = self.sendable(from, to, hold.from.max(begin).max(due));
            if let Some(sent) = sent.filter(|&sent| sent < end && sent < hold.until) {
                let arrival = (sent + latency).max(life.begin);
                best = Some(best.map_or(arrival, |best| best.min(arrival)));
            }
        }
        // A pause that ends by a kill ends the life too.
        let arrival = self.paused[to as usize].leave(best?)?;
        (arrival < life.end).then_some(arrival)
    }

    /// The first moment from `at` on at which the sender goes and the link is not cut.
    fn sendable(&self, from: u32, to: u32, mut at: Instant) -> Option<Instant> {
        loop {
            let going = self.paused[from as usize].leave(at)?;
            let joined = self.cut[from as usize][to as usize].leave(going)?;
            if joined == at {
                return Some(at);
            }
            at = joined;
        }
    }
}
