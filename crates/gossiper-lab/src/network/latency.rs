//! How long a message is under way.

use std::fmt;
use std::str::FromStr;

use crate::seed::Stream;

/// Smallest mean from which the range of a reordered message is taken, in ms: without latency
/// there would be nothing to overtake. A guess; a local network's slow moments are of this size.
const REORDER_MEAN_MS_MIN: f64 = 10.0;

/// A reordered message takes up to this many means: twice as wide as the `uniform` distribution.
const REORDER_MEANS_MAX: f64 = 4.0;

/// The shape of the latencies of messages between nodes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Distribution {
    /// Always the mean.
    #[default]
    Constant,
    /// Whole milliseconds from 0 to twice the mean, both included, equally likely.
    Uniform,
    /// Memoryless, with the given mean, cut to whole milliseconds.
    Exponential,
}

/// The latency of messages between nodes. A client's messages have none.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Latency {
    /// In ms. As Maelstrom's `--latency`.
    pub mean_ms: u32,
    /// As Maelstrom's `--latency-dist`.
    pub distribution: Distribution,
}

impl Latency {
    /// Draws a latency in whole ms, `factor` times as long as usual. At most one draw.
    ///
    /// What is drawn is first scaled and then cut, as Maelstrom does it when a network is slow.
    pub(super) fn draw(self, factor: f64, stream: &mut Stream) -> u64 {
        let mean = f64::from(self.mean_ms);
        let drawn = match self.distribution {
            Distribution::Constant => mean,
            Distribution::Uniform => stream.below(2 * u64::from(self.mean_ms) + 1) as f64,
            // 1 - unit() is in (0, 1], so the logarithm is finite.
            Distribution::Exponential => -mean * (1.0 - stream.unit()).ln(),
        };
        (drawn * factor) as u64
    }

    /// Draws the latency of a message that is to overtake others or be overtaken: whole ms,
    /// uniform from 0 to four means, both included, the mean being 10 ms at least.
    pub(super) fn draw_reordered(self, factor: f64, stream: &mut Stream) -> u64 {
        stream.below((2.0 * self.reordered_mean_ms(factor)) as u64 + 1)
    }

    /// The mean latency of a message that is to overtake others or be overtaken, in ms.
    pub(crate) fn reordered_mean_ms(self, factor: f64) -> f64 {
        let mean = (f64::from(self.mean_ms) * factor).max(REORDER_MEAN_MS_MIN);
        mean * REORDER_MEANS_MAX / 2.0
    }
}

impl FromStr for Distribution {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "constant" => Ok(Self::Constant),
            "uniform" => Ok(Self::Uniform),
            "exponential" => Ok(Self::Exponential),
            _ => Err(format!(
                "no latency distribution is called {name:?}: constant, uniform or exponential"
            )),
        }
    }
}

impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Constant => "constant",
            Self::Uniform => "uniform",
            Self::Exponential => "exponential",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(distribution: Distribution, factor: f64) -> Vec<u64> {
        let latency = Latency { mean_ms: 100, distribution };
        let mut stream = Stream::new(1, "latency");
        (0..20_000).map(|_| latency.draw(factor, &mut stream)).collect()
    }

    fn mean(all: &[u64]) -> f64 {
        all.iter().sum::<u64>() as f64 / all.len() as f64
    }

    #[test]
    fn constant_latency_is_the_mean_times_the_factor() {
        assert!(drawn(Distribution::Constant, 1.0).iter().all(|&ms| ms == 100));
        assert!(drawn(Distribution::Constant, 10.0).iter().all(|&ms| ms == 1000));
    }

    #[test]
    fn uniform_latency_reaches_from_nothing_to_twice_the_mean() {
        let all = drawn(Distribution::Uniform, 1.0);
        assert_eq!((all.iter().min(), all.iter().max()), (Some(&0), Some(&200)));
        assert!((mean(&all) - 100.0).abs() < 1.5, "{}", mean(&all));
    }

    #[test]
    fn exponential_latency_has_the_mean_less_what_the_cut_takes() {
        let all = drawn(Distribution::Exponential, 1.0);
        assert!((mean(&all) - 99.5).abs() < 2.5, "{}", mean(&all));
        let above_mean = all.iter().filter(|&&ms| ms >= 100).count() as f64 / all.len() as f64;
        assert!((above_mean - (-1.0_f64).exp()).abs() < 0.012, "{above_mean}");
    }

    #[test]
    fn reordering_has_a_range_even_without_latency() {
        let mut stream = Stream::new(1, "latency");
        let all: Vec<u64> =
            (0..2000).map(|_| Latency::default().draw_reordered(1.0, &mut stream)).collect();
        assert_eq!((all.iter().min(), all.iter().max()), (Some(&0), Some(&40)));
    }

    #[test]
    fn distributions_are_read_by_the_names_they_print() {
        for name in ["constant", "uniform", "exponential"] {
            assert_eq!(name.parse::<Distribution>().unwrap().to_string(), name);
        }
        let error = "normal".parse::<Distribution>().unwrap_err();
        assert!(error.contains("\"normal\"") && error.contains("exponential"), "{error}");
    }
}
