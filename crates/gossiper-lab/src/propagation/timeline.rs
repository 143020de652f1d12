//! A set of nodes that changes over time.

use gossiper_core::Instant;

/// The time of what never comes.
pub(super) const NEVER: Instant = Instant(u64::MAX);

/// Which nodes are in a set, moment by moment. Empty at first, when it takes no room of its own;
/// each moment at which it changes takes 8 bytes and a bit a node.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    /// When it changes, ascending.
    times: Vec<Instant>,
    /// What it is from each of these times on: a bit a node, in `words` words.
    sets: Vec<u64>,
    words: usize,
}

impl Timeline {
    /// An empty set, of nodes below `nodes`.
    pub(super) fn new(nodes: u32) -> Self {
        Self { times: Vec::new(), sets: Vec::new(), words: nodes.div_ceil(64) as usize }
    }

    /// Takes a node in or out from `at` on. To be told in the order of time.
    pub(super) fn put(&mut self, node: u32, is_in: bool, at: Instant) {
        let last = self.times.len();
        if self.contains(last, node) == is_in {
            return;
        }
        if self.times.last().is_none_or(|&last| last < at) {
            let begin = self.sets.len().saturating_sub(self.words);
            self.sets.extend_from_within(begin..);
            self.sets.resize((last + 1) * self.words, 0);
            self.times.push(at);
        }
        let begin = self.sets.len() - self.words;
        self.sets[begin + node as usize / 64] ^= 1 << (node % 64);
    }

    /// The number of changes up to `at`, which is the name of what the set is then.
    pub(super) fn step(&self, at: Instant) -> usize {
        self.times.partition_point(|&time| time <= at)
    }

    /// When the next change after this step comes.
    pub(super) fn next_change(&self, step: usize) -> Instant {
        self.times.get(step).copied().unwrap_or(NEVER)
    }

    /// The nodes 64 × `word` to 64 × `word` + 63 in the set, as bits.
    pub(super) fn word(&self, step: usize, word: usize) -> u64 {
        step.checked_sub(1).map_or(0, |place| self.sets[place * self.words + word])
    }

    /// Words of a set.
    pub(super) fn words(&self) -> usize {
        self.words
    }

    pub(super) fn contains(&self, step: usize, node: u32) -> bool {
        self.word(step, node as usize / 64) >> (node % 64) & 1 == 1
    }

    pub(super) fn contains_at_last(&self, node: u32) -> bool {
        self.contains(self.times.len(), node)
    }

    /// The first moment from `at` on at which the node is not in the set.
    pub(super) fn leave(&self, node: u32, at: Instant) -> Option<Instant> {
        let mut step = self.step(at);
        let mut at = at;
        while self.contains(step, node) {
            at = self.next_change(step);
            step += 1;
            if at == NEVER {
                return None;
            }
        }
        Some(at)
    }

    /// Whether the node is in the set at no moment from `from` to before `until`, or at `from`.
    pub(super) fn is_outside(&self, node: u32, from: Instant, until: Instant) -> bool {
        let first = self.step(from);
        let steps = first..=self.times.len();
        let mut steps = steps.take_while(|&step| step == first || self.times[step - 1] < until);
        steps.all(|step| !self.contains(step, node))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Node 70 of 100 is in the set from 10 to 20 and from 30 on, node 3 from 15 to 35.
    fn two_nodes() -> Timeline {
        let mut timeline = Timeline::new(100);
        for (node, is_in, at) in
            [(70, true, 10), (3, true, 15), (70, false, 20), (70, true, 30), (3, false, 35)]
        {
            timeline.put(node, is_in, Instant(at));
        }
        timeline
    }

    #[test]
    fn a_node_is_in_the_set_when_it_was_said_to_be() {
        let timeline = two_nodes();
        let is_in = |node, at| timeline.contains(timeline.step(Instant(at)), node);
        let found = |node| (0..40).filter(|&at| is_in(node, at)).collect::<Vec<_>>();
        assert_eq!(found(70), (10..20).chain(30..40).collect::<Vec<_>>());
        assert_eq!(found(3), (15..35).collect::<Vec<_>>());
        assert!(found(6).is_empty());
        assert!(timeline.contains_at_last(70) && !timeline.contains_at_last(3));
    }

    #[test]
    fn a_node_is_waited_for_until_it_leaves() {
        let timeline = two_nodes();
        let leave = |node, at| timeline.leave(node, Instant(at)).map(|at| at.0);
        assert_eq!(
            [9, 10, 19, 20, 29, 30].map(|at| leave(70, at)),
            [Some(9), Some(20), Some(20), Some(20), Some(29), None]
        );
        assert_eq!(leave(3, 16), Some(35));
    }

    #[test]
    fn a_node_is_outside_up_to_the_moment_it_is_in() {
        let timeline = two_nodes();
        let is_outside = |from, until| timeline.is_outside(70, Instant(from), Instant(until));
        assert!(is_outside(0, 10) && is_outside(20, 30) && is_outside(9, 9));
        assert!(!is_outside(0, 11) && !is_outside(19, 20) && !is_outside(10, 10));
        assert!(!is_outside(0, 100));
    }

    #[test]
    fn what_is_said_twice_or_undone_at_once_changes_nothing() {
        let mut timeline = Timeline::new(3);
        timeline.put(1, false, Instant(5));
        assert_eq!(timeline.next_change(0), NEVER);
        timeline.put(1, true, Instant(5));
        timeline.put(1, true, Instant(6));
        timeline.put(2, true, Instant(7));
        timeline.put(2, false, Instant(7));
        assert!((5..9).all(|at| timeline.word(timeline.step(Instant(at)), 0) == 0b10));
    }
}
