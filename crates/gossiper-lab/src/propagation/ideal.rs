//! When a value could at best have been everywhere.
//!
//! The ideal protocol knows all faults beforehand. It sends straight or over one relay, at the
//! best moment, and loses nothing: a message takes the mean latency in force when it is sent, over
//! a link that is not cut at that moment (Maelstrom tests a partition about when a message is
//! sent), from a node that is neither down nor paused. A message for a node that is down waits
//! for its restart, which is the node's earliest moment, and one for a paused node until it goes
//! on. Each life of a node begins empty.
//!
//! With the mean latency in force a real run may beat the ideal: by a lucky draw, or over two
//! relays. The difference is then negative and is left so.

use gossiper_core::Instant;

use super::conditions::Conditions;

/// A time in which a node is up.
#[derive(Clone, Copy)]
struct Life {
    /// When the life before it ended: a message that arrives from then on reaches this one.
    open_from: Instant,
    /// When the node was started.
    begin: Instant,
    /// When it was killed; the last moment there is, if never.
    end: Instant,
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
        let is_free = |spans: &super::conditions::Spans| {
            spans.leave(source.from) == Some(source.from)
                && arrival <= spans.next_begin(source.from)
        };
        arrival <= source.until
            && is_free(self.conditions.cut_of(from, to))
            && is_free(self.conditions.paused(from))
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
        let arrival = self.conditions.paused(to).leave(best?)?;
        (arrival < life.end).then_some(arrival)
    }

    /// The first moment from `at` on at which the sender goes and the link is not cut.
    fn sendable(&self, from: u32, to: u32, mut at: Instant) -> Option<Instant> {
        loop {
            let going = self.conditions.paused(from).leave(at)?;
            let joined = self.conditions.cut_of(from, to).leave(going)?;
            if joined == at {
                return Some(at);
            }
            at = joined;
        }
    }
}

fn lives(conditions: &Conditions, node: u32) -> Vec<Life> {
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
