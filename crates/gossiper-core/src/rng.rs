//! The node's own randomness.

use alloc::vec::Vec;
use core::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};

/// A stream of random numbers, the same for the same seed on every machine.
#[derive(Clone, Debug)]
pub(crate) struct Rng(ChaCha8Rng);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    pub(crate) fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A part of a length of time, each equally likely.
    pub(crate) fn part_of(&mut self, longest: Duration) -> Duration {
        let nanos = u64::try_from(longest.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(((u128::from(self.0.next_u64()) * u128::from(nanos)) >> 64) as u64)
    }

    /// A number below `bound`, which is not 0. The bias of the plain product is below
    /// `bound / 2^64`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.0.next_u64()) * bound as u128) >> 64) as usize
    }

    /// `count` different numbers below `bound`, or all of them if there are no more, each set
    /// equally likely.
    pub(crate) fn sample(&mut self, bound: usize, count: usize) -> Vec<usize> {
        if count >= bound {
            return (0..bound).collect();
        }
        if count > 32 {
            return self.shuffled_head(bound, count);
        }
        // Floyd's algorithm: no memory but the sample, quick while the sample is small.
        let mut chosen: Vec<usize> = Vec::with_capacity(count);
        for top in bound - count..bound {
            let drawn = self.below(top + 1);
            chosen.push(if chosen.contains(&drawn) { top } else { drawn });
        }
        chosen
    }

    /// The first `count` of a Fisher-Yates shuffle.
    fn shuffled_head(&mut self, bound: usize, count: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..bound).collect();
        for place in 0..count {
            let other = place + self.below(bound - place);
            all.swap(place, other);
        }
        all.truncate(count);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_no_repeats_and_stays_below_the_bound() {
        let mut rng = Rng::new(1);
        for (bound, count) in [(1, 1), (5, 2), (40, 33), (1000, 20), (3, 9)] {
            let mut sample = rng.sample(bound, count);
            sample.sort_unstable();
            sample.dedup();
            assert_eq!(sample.len(), count.min(bound));
            assert!(sample.iter().all(|&drawn| drawn < bound));
        }
    }

    #[test]
    fn every_number_is_drawn_about_equally_often() {
        let mut rng = Rng::new(2);
        for (bound, count) in [(10, 3), (50, 40)] {
            let mut drawn = [0_u32; 50];
            for _ in 0..10_000 {
                rng.sample(bound, count).iter().for_each(|&number| drawn[number] += 1);
            }
            let expected = (10_000 * count / bound) as u32;
            let spread = expected / 10;
            assert!(
                drawn[..bound].iter().all(|&times| times.abs_diff(expected) < spread),
                "{drawn:?}"
            );
        }
    }
}
