//! Which of a neighbor's pushes have come.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use crate::{Acked, Instant};

/// The most numbers kept beyond the first gap. Past it the oldest gap is given up: what was in
/// it is sent again, or found by digest.
const BEYOND_MAX: usize = 256;

/// The numbers that have come: all up to one, and those beyond the first gap.
#[derive(Debug, Default)]
pub(crate) struct Window {
    upto: u64,
    beyond: BTreeSet<u64>,
    /// Since when something is known to be missing.
    gap_since: Option<Instant>,
}

impl Window {
    /// A push of this number has come, or one that says that this was the last; none below `floor`
    /// is waited for.
    pub(crate) fn on_push(&mut self, number: u64, floor: u64, is_numbered: bool, now: Instant) {
        if is_numbered && self.beyond.is_empty() && number == self.upto.saturating_add(1) {
            // As almost always, and without a look at the set.
            self.upto = number;
        } else if is_numbered && number > self.upto {
            self.beyond.insert(number);
        }
        self.upto = self.upto.max(floor.saturating_sub(1));
        while self.beyond.len() > BEYOND_MAX {
            self.upto = self.upto.max(self.beyond.first().copied().unwrap_or(0));
            self.close_gap();
        }
        self.close_gap();
        let is_gap = !self.beyond.is_empty() || (!is_numbered && number > self.upto);
        self.gap_since = is_gap.then(|| self.gap_since.unwrap_or(now));
    }

    fn close_gap(&mut self) {
        while let Some(first) =
            self.beyond.first().copied().filter(|&first| first <= self.upto.saturating_add(1))
        {
            self.beyond.pop_first();
            self.upto = self.upto.max(first);
        }
    }

    /// Since when a gap is open that has not been reported.
    pub(crate) fn gap_since(&self) -> Option<Instant> {
        self.gap_since
    }

    /// The gap is reported; it is time to do so again when it is still open at `again`.
    pub(crate) fn on_reported(&mut self, again: Instant) {
        self.gap_since = self.gap_since.map(|_| again);
    }

    /// What to tell the sender, whose start this is.
    pub(crate) fn acked(&self, incarnation: u64) -> Acked {
        let mut beyond: Vec<(u64, u64)> = Vec::new();
        for &number in &self.beyond {
            match beyond.last_mut() {
                Some((_, last)) if *last + 1 == number => *last = number,
                _ => beyond.push((number, number)),
            }
        }
        Acked { incarnation, upto: self.upto, beyond }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant(5);

    fn window(numbers: &[u64]) -> Window {
        let mut window = Window::default();
        numbers.iter().for_each(|&number| window.on_push(number, 1, true, NOW));
        window
    }

    fn told(window: &Window) -> (u64, Vec<(u64, u64)>) {
        let acked = window.acked(1);
        (acked.upto, acked.beyond)
    }

    #[test]
    fn a_gap_shows_until_it_is_filled_or_settled() {
        let mut gap = window(&[1, 3, 4, 7]);
        assert_eq!((told(&gap), gap.gap_since()), ((1, alloc::vec![(3, 4), (7, 7)]), Some(NOW)));
        gap.on_push(2, 1, true, NOW);
        assert_eq!(told(&gap), (4, alloc::vec![(7, 7)]));
        gap.on_push(8, 7, true, NOW);
        assert_eq!((told(&gap), gap.gap_since()), ((8, Vec::new()), None));
    }

    #[test]
    fn an_acknowledgement_with_a_higher_number_shows_that_the_last_push_is_lost() {
        let mut lost = window(&[1]);
        lost.on_push(2, 2, false, NOW);
        assert_eq!((told(&lost), lost.gap_since()), ((1, Vec::new()), Some(NOW)));
        lost.on_push(2, 3, false, NOW);
        assert_eq!((told(&lost), lost.gap_since()), ((2, Vec::new()), None));
    }

    #[test]
    fn hostile_numbers_take_no_room() {
        let mut hostile = window(&[]);
        for number in 0..10_000 {
            hostile.on_push(u64::MAX - number * 2, 1, true, NOW);
        }
        assert!(hostile.beyond.len() <= BEYOND_MAX);
        hostile.on_push(u64::MAX, u64::MAX, true, NOW);
        hostile.on_push(0, 0, true, NOW);
        assert_eq!(told(&hostile).0, u64::MAX);
    }
}
