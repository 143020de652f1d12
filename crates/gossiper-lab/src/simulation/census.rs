//! Who holds which value, and since when everybody does.

use std::collections::BTreeMap;
use std::time::Duration;

use gossiper_core::{Delivery, Instant, Via};

use super::coverage::{Coverage, Recorder};

/// What has become of one value.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) entered_at: Instant,
    /// The nodes that are up and hold it.
    pub(super) holders: u32,
    /// The nodes that have ever got it; one that starts anew and gets it again counts again.
    pub(super) reached: u32,
    /// The longest way that it has made to any of them.
    pub(super) hops_max: u32,
    /// Since when all that are up hold it.
    pub(super) complete_at: Option<Instant>,
    /// The place of the first age at which nobody has written down yet who held it.
    pub(super) next_age: u16,
}

/// Which node holds which value. It costs a bit for each node and value.
#[derive(Debug)]
pub(super) struct Census {
    values: Vec<Value>,
    /// Bit v % 64 of word v / 64 of a node's row: it holds value v.
    held: Vec<u64>,
    row_words: usize,
    up: u32,
    /// First arrivals, at other nodes than a value's first, by their age in whole ms below
    /// [`AGE_USUAL_MS`], and by that of the later ones: a cut may last for days.
    ages_ms: Vec<u64>,
    late_ages_ms: BTreeMap<usize, u64>,
    coverage: Recorder,
    pub(super) tree_deliveries: u64,
    pub(super) gossip_deliveries: u64,
    /// Deliveries of what nobody has broadcast, and of what the node had been given before.
    pub(super) invented: u64,
    pub(super) delivered_twice: u64,
}

/// Values are almost always younger than this when they arrive.
const AGE_USUAL_MS: usize = 60_000;

impl Census {
    /// Room for so many values, on nodes that are all down. Coverage is told up to this age.
    pub(super) fn new(nodes: usize, values: usize, until: Duration) -> Self {
        let row_words = values.div_ceil(64);
        Self {
            values: Vec::new(),
            held: vec![0; nodes * row_words],
            row_words,
            up: 0,
            ages_ms: Vec::new(),
            late_ages_ms: BTreeMap::new(),
            coverage: Recorder::new(until),
            tree_deliveries: 0,
            gossip_deliveries: 0,
            invented: 0,
            delivered_twice: 0,
        }
    }

    pub(super) fn values(&self) -> &[Value] {
        &self.values
    }

    /// The nodes that are up.
    pub(super) fn up(&self) -> u32 {
        self.up
    }

    /// How many whole ms after the broadcast there were first arrivals, and how many, in order.
    pub(super) fn ages_ms(&self) -> impl Iterator<Item = (u64, u64)> + Clone {
        let usual = self.ages_ms.iter().enumerate();
        let late = self.late_ages_ms.iter().map(|(&age_ms, count)| (age_ms, count));
        usual.chain(late).map(|(age_ms, &count)| (age_ms as u64, count))
    }

    /// How far values had come by their age.
    pub(super) fn coverage(&self) -> Coverage {
        self.coverage.curves(&self.values, self.up)
    }

    /// A value is about to be given to a node. Gives its number.
    pub(super) fn on_broadcast(&mut self, now: Instant) -> usize {
        self.values.push(Value {
            entered_at: now,
            holders: 0,
            reached: 0,
            hops_max: 0,
            complete_at: None,
            next_age: 0,
        });
        self.values.len() - 1
    }

    /// A node delivers the value of this number to its application; none for what is no number.
    pub(super) fn on_delivery(
        &mut self,
        now: Instant,
        node: usize,
        number: Option<usize>,
        delivery: Delivery,
    ) {
        let Some((number, value)) = number.and_then(|n| Some((n, self.values.get_mut(n)?))) else {
            self.invented += 1;
            return;
        };
        let word = &mut self.held[node * self.row_words + number / 64];
        let bit = 1 << (number % 64);
        if *word & bit != 0 {
            self.delivered_twice += 1;
            return;
        }
        *word |= bit;
        self.coverage.before_change(now, value, self.up);
        value.holders += 1;
        value.reached += 1;
        value.hops_max = value.hops_max.max(delivery.hops);
        if value.holders == self.up {
            value.complete_at = Some(now);
        }
        if value.reached > 1 {
            let age_ms = ((now - value.entered_at).as_nanos() / 1_000_000) as usize;
            if age_ms >= AGE_USUAL_MS {
                *self.late_ages_ms.entry(age_ms).or_default() += 1;
            } else {
                if self.ages_ms.len() <= age_ms {
                    self.ages_ms.resize(age_ms + 1, 0);
                }
                self.ages_ms[age_ms] += 1;
            }
            match delivery.via {
                Via::Tree => self.tree_deliveries += 1,
                Via::Gossip => self.gossip_deliveries += 1,
            }
        }
    }

    /// A node has started, empty.
    pub(super) fn on_start(&mut self, now: Instant) {
        for value in &mut self.values {
            self.coverage.before_change(now, value, self.up);
            value.complete_at = None;
        }
        self.up += 1;
    }

    /// A node has died, and what it held is gone.
    pub(super) fn on_death(&mut self, now: Instant, node: usize) {
        self.up -= 1;
        let row = &mut self.held[node * self.row_words..(node + 1) * self.row_words];
        for (number, value) in self.values.iter_mut().enumerate() {
            self.coverage.before_change(now, value, self.up + 1);
            let was_held = row[number / 64] >> (number % 64) & 1 == 1;
            value.holders -= u32::from(was_held);
            // The last that lacked it may be who is gone.
            if !was_held && value.holders == self.up && value.holders > 0 {
                value.complete_at = Some(now);
            }
        }
        row.fill(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::at_ms;

    const PUSHED: Delivery = Delivery { via: Via::Tree, hops: 1 };

    fn census(nodes: usize) -> Census {
        let mut census = Census::new(nodes, 100, Duration::from_millis(40));
        (0..nodes).for_each(|_| census.on_start(Instant::START));
        census
    }

    #[test]
    fn a_value_is_everywhere_when_the_last_node_has_it() {
        let mut census = census(3);
        let value = census.on_broadcast(at_ms(5));
        for node in 0..3 {
            assert_eq!(census.values()[value].complete_at, None);
            census.on_delivery(at_ms(10 * node), node as usize, Some(value), PUSHED);
        }
        assert_eq!(census.values()[value].complete_at, Some(at_ms(20)));
        // The first to have it is where it came from.
        let ages_ms: Vec<_> = census.ages_ms().filter(|&(_, count)| count > 0).collect();
        assert_eq!(ages_ms, [(5, 1), (15, 1)]);
    }

    #[test]
    fn an_age_of_days_takes_no_more_room_than_one_of_milliseconds() {
        let mut census = census(3);
        let value = census.on_broadcast(at_ms(0));
        let days_ms = 9 * 86_400_000;
        for (node, at) in [at_ms(0), at_ms(7), at_ms(days_ms)].into_iter().enumerate() {
            census.on_delivery(at, node, Some(value), PUSHED);
        }
        let ages_ms: Vec<_> = census.ages_ms().filter(|&(_, count)| count > 0).collect();
        assert_eq!(ages_ms, [(7, 1), (days_ms, 1)]);
        assert_eq!(census.ages_ms().count(), 9);
    }

    #[test]
    fn a_value_is_everywhere_when_the_last_that_lacks_it_dies() {
        let mut census = census(3);
        let value = census.on_broadcast(at_ms(0));
        census.on_delivery(at_ms(1), 0, Some(value), PUSHED);
        census.on_delivery(at_ms(2), 1, Some(value), PUSHED);
        census.on_death(at_ms(7), 2);
        assert_eq!(census.values()[value].complete_at, Some(at_ms(7)));
        // Whoever dies with the value leaves it where else it is.
        census.on_death(at_ms(8), 1);
        assert_eq!(census.values()[value].complete_at, Some(at_ms(7)));
        census.on_death(at_ms(9), 0);
        assert_eq!((census.values()[value].holders, census.values()[value].reached), (0, 2));
    }

    #[test]
    fn a_node_that_starts_empty_lacks_everything() {
        let mut census = census(2);
        let value = census.on_broadcast(at_ms(0));
        (0..2).for_each(|node| census.on_delivery(at_ms(1), node, Some(value), PUSHED));
        census.on_death(at_ms(2), 1);
        census.on_start(at_ms(2));
        assert_eq!(census.values()[value].complete_at, None);
        census.on_delivery(at_ms(9), 1, Some(value), PUSHED);
        assert_eq!(census.values()[value].complete_at, Some(at_ms(9)));
        assert_eq!(census.delivered_twice, 0, "it had lost it");
    }

    #[test]
    fn what_must_not_be_is_counted() {
        let mut census = census(2);
        let value = census.on_broadcast(at_ms(0));
        census.on_delivery(at_ms(1), 0, Some(value), PUSHED);
        census.on_delivery(at_ms(1), 0, Some(value), PUSHED);
        census.on_delivery(at_ms(1), 0, Some(value + 1), PUSHED);
        census.on_delivery(at_ms(1), 0, None, PUSHED);
        assert_eq!((census.delivered_twice, census.invented), (1, 2));
        assert_eq!(census.values()[value].holders, 1);
    }
}
