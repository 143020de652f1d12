//! How fast values reach everyone: the share of nodes that have a value, against the time since
//! its broadcast arrived.

use serde::Serialize;

use super::thin::rounded;

/// The finest delay that is told apart, in ms.
const FINEST_MS: f64 = 0.1;

/// Each bin of delays is wider than the one before it by this factor, so that a delay is known to
/// half a percent.
const GROWTH: f64 = 1.005;

/// Bins: up to ten days.
const BINS: usize = 4_600;

/// Steps of a curve in the page.
const STEPS_MAX: usize = 500;

/// Counts delays of all pairs of a value and a node, in bounded memory.
pub(super) struct Delays {
    /// Of each bin: how many, and the longest.
    bins: Vec<(u64, f64)>,
    /// Pairs there are, those never reached included.
    pairs: u64,
    reached: u64,
}

/// The curve of all pairs, in columns.
#[derive(Serialize)]
pub(super) struct Curve {
    pairs: u64,
    reached: u64,
    /// Rises, never twice the same.
    delay_ms: Vec<f64>,
    /// Of all pairs, how many were reached by then, 0 to 1.
    share: Vec<f64>,
}

impl Default for Delays {
    fn default() -> Self {
        Self { bins: vec![(0, 0.0); BINS], pairs: 0, reached: 0 }
    }
}

impl Delays {
    /// Counts a pair: how long after the broadcast's arrival the node had the value, if it had.
    pub(super) fn count(&mut self, delay_ms: Option<f64>) {
        self.pairs += 1;
        if let Some(delay_ms) = delay_ms {
            self.reached += 1;
            let steps = (delay_ms / FINEST_MS).max(1.0).ln() / GROWTH.ln();
            let bin = &mut self.bins[(steps as usize).min(BINS - 1)];
            *bin = (bin.0 + 1, bin.1.max(delay_ms));
        }
    }

    /// The curve. Each bin stands at the longest of its delays, so that a share is never told
    /// earlier than it was reached.
    pub(super) fn curve(&self) -> Curve {
        let filled: Vec<_> = self.bins.iter().filter(|(count, _)| *count > 0).collect();
        let stride = filled.len().div_ceil(STEPS_MAX).max(1);
        let mut curve = Curve {
            pairs: self.pairs,
            reached: self.reached,
            delay_ms: Vec::new(),
            share: Vec::new(),
        };
        let mut so_far = 0;
        for (index, (count, longest)) in filled.iter().enumerate() {
            so_far += count;
            // The last and the first step tell where the curve begins and ends.
            if index == 0 || index + 1 == filled.len() || index % stride == 0 {
                curve.delay_ms.push(rounded(*longest));
                curve.share.push(so_far as f64 / self.pairs as f64);
            }
        }
        curve
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_rises_to_the_share_that_was_reached() {
        let mut delays = Delays::default();
        for delay in [Some(0.0), Some(100.0), Some(100.0), Some(200.25), None] {
            delays.count(delay);
        }
        let curve = delays.curve();
        assert_eq!((curve.pairs, curve.reached), (5, 4));
        assert_eq!(curve.delay_ms, [0.0, 100.0, 200.25]);
        assert_eq!(curve.share, [0.2, 0.6, 0.8]);
    }

    #[test]
    fn many_delays_make_a_bounded_curve_that_ends_at_the_last() {
        let mut delays = Delays::default();
        for step in 0..200_000 {
            delays.count(Some(f64::from(step) * 0.37));
        }
        let curve = delays.curve();
        assert!(curve.delay_ms.len() <= STEPS_MAX + 2, "{}", curve.delay_ms.len());
        assert!(curve.delay_ms.is_sorted() && curve.share.is_sorted());
        assert_eq!(curve.share.last(), Some(&1.0));
        assert_eq!(curve.delay_ms.last(), Some(&rounded(199_999.0 * 0.37)));
    }

    #[test]
    fn nothing_broadcast_makes_an_empty_curve() {
        let curve = Delays::default().curve();
        assert_eq!((curve.pairs, curve.delay_ms.len()), (0, 0));
    }
}
