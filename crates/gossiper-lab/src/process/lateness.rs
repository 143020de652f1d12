//! How late the host is.

use std::time::Duration;

/// Measurements kept; of more, every second one is forgotten, and from then on only every second
/// one is taken, and so on.
const KEPT_MAX: usize = 1 << 20;

/// A bounded sample of times, evenly spread over the run.
#[derive(Clone, Debug)]
pub(super) struct Lateness {
    kept_us: Vec<u32>,
    /// Every how many are taken.
    stride: u64,
    seen: u64,
}

impl Default for Lateness {
    fn default() -> Self {
        Self { kept_us: Vec::new(), stride: 1, seen: 0 }
    }
}

impl Lateness {
    /// A message was handed over so much later than due.
    pub(super) fn add(&mut self, late: Duration) {
        let is_taken = self.seen.is_multiple_of(self.stride);
        self.seen += 1;
        if !is_taken {
            return;
        }
        if self.kept_us.len() == KEPT_MAX {
            let mut is_kept = false;
            self.kept_us.retain(|_| {
                is_kept = !is_kept;
                is_kept
            });
            self.stride *= 2;
        }
        self.kept_us.push(u32::try_from(late.as_micros()).unwrap_or(u32::MAX));
    }

    /// In ms, ascending.
    pub(super) fn into_sorted_ms(mut self) -> Vec<f64> {
        self.kept_us.sort_unstable();
        self.kept_us.into_iter().map(|us| f64::from(us) / 1000.0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_run_is_sampled_evenly() {
        let mut lateness = Lateness::default();
        let count = 5 * KEPT_MAX as u64;
        (0..count).for_each(|us| lateness.add(Duration::from_micros(us)));
        let all = lateness.into_sorted_ms();
        assert!((KEPT_MAX / 2..=KEPT_MAX).contains(&all.len()));
        let median = all[all.len() / 2] * 1000.0;
        assert!((median / (count as f64 / 2.0) - 1.0).abs() < 0.01, "{median}");
    }
}
