//! How long a message is under way.

use std::fmt;
use std::str::FromStr;

use super::world;
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
    /// Whole milliseconds in a range, both ends included, equally likely. It has no name to be read
    /// by: [`Latency`] is read with its range.
    Range {
        /// The least, in ms.
        least_ms: u32,
        /// The most, in ms, which is not below it.
        most_ms: u32,
    },
    /// As between places all over the world: another range for each two nodes. It has no name
    /// either: [`Latency`] is read from the word `world`.
    World,
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
    /// From `least_ms` to `most_ms`, whole milliseconds, each equally likely. The mean is rounded
    /// down.
    ///
    /// # Panics
    ///
    /// If the most is below the least.
    pub fn range(least_ms: u32, most_ms: u32) -> Self {
        assert!(least_ms <= most_ms, "a range from {least_ms} to {most_ms} ms is empty");
        let mean_ms = ((u64::from(least_ms) + u64::from(most_ms)) / 2) as u32;
        Self { mean_ms, distribution: Distribution::Range { least_ms, most_ms } }
    }

    /// As between places all over the world.
    pub fn world() -> Self {
        Self { mean_ms: WORLD_MEAN_MS, distribution: Distribution::World }
    }

    /// The same mean, with latencies of another shape around it.
    ///
    /// # Errors
    ///
    /// If it has none to shape: if it is a range, or as between places all over the world.
    pub fn shaped(self, distribution: Distribution) -> Result<Self, String> {
        match self.distribution {
            Distribution::World | Distribution::Range { .. } => Err(format!(
                "it shapes latencies around a mean such as 30, and {} has no such shape",
                self.distribution
            )),
            _ => Ok(Self { distribution, ..self }),
        }
    }

    /// As it is read, and the distribution if it is one around a mean.
    pub(crate) fn spelled(self) -> (String, Option<Distribution>) {
        match self.distribution {
            Distribution::Range { least_ms, most_ms } => (format!("{least_ms}..{most_ms}"), None),
            Distribution::World => ("world".into(), None),
            around => (self.mean_ms.to_string(), Some(around)),
        }
    }

    /// That of messages from one node to another, by their numbers: the same for all, unless they
    /// are all over the world.
    pub(crate) fn between(self, from: usize, to: usize) -> Self {
        if self.distribution != Distribution::World {
            return self;
        }
        let (least_ms, most_ms) = world::latency_ms(from, to);
        Self::range(least_ms, most_ms)
    }

    /// The shortest that is drawn, where messages keep to their usual range.
    pub(crate) fn least_ms(self) -> u32 {
        match self.distribution {
            Distribution::Constant => self.mean_ms,
            Distribution::Uniform | Distribution::Exponential => 0,
            Distribution::Range { least_ms, .. } => least_ms,
            Distribution::World => world::SHORTEST_MS,
        }
    }

    /// Draws a latency in whole ms, `factor` times as long as usual. At most one draw.
    ///
    /// What is drawn is first scaled and then cut, as Maelstrom does it when a network is slow.
    pub(super) fn draw(self, factor: f64, stream: &mut Stream) -> u64 {
        let mean = f64::from(self.mean_ms);
        let drawn = match self.distribution {
            // Of the world only the mean is left where it is not known who sends to whom.
            Distribution::Constant | Distribution::World => mean,
            Distribution::Uniform => stream.below(2 * u64::from(self.mean_ms) + 1) as f64,
            // 1 - unit() is in (0, 1], so the logarithm is finite.
            // The system's own logarithm may differ in the last bit from one machine to the next.
            Distribution::Exponential => -mean * libm::log(1.0 - stream.unit()),
            Distribution::Range { least_ms, most_ms } => {
                let width = u64::from(most_ms.saturating_sub(least_ms)) + 1;
                f64::from(least_ms) + stream.below(width) as f64
            }
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
        match self {
            Self::Constant => f.write_str("constant"),
            Self::Uniform => f.write_str("uniform"),
            Self::Exponential => f.write_str("exponential"),
            Self::Range { least_ms, most_ms } => write!(f, "{least_ms}..{most_ms} ms"),
            Self::World => f.write_str("world"),
        }
    }
}

/// The mean of `world`, in ms, over all pairs of nodes.
const WORLD_MEAN_MS: u32 = 45;

/// The longest latency of `world`, in ms.
pub(crate) const WORLD_MS_MAX: u32 = world::MOST_MS;

/// Longest mean and longest end of a range that [`Latency`] is read with, in ms: a minute.
pub const LATENCY_MS_MAX: u32 = 60_000;

/// Whole milliseconds, such as `100`, or a range of them, such as `10..50`, or `world`.
impl FromStr for Latency {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "world" {
            return Ok(Self::world());
        }
        let ms = |text: &str| text.parse().ok().filter(|&ms| ms <= LATENCY_MS_MAX);
        let read = match text.split_once("..") {
            None => ms(text).map(|mean_ms| Self { mean_ms, ..Self::default() }),
            Some((least, most)) => match (ms(least), ms(most)) {
                (Some(least), Some(most)) if least <= most => Some(Self::range(least, most)),
                _ => None,
            },
        };
        read.ok_or_else(|| {
            format!(
                "write whole milliseconds from 0 to {LATENCY_MS_MAX}, such as 100, or a range of \
                 them, such as 10..50, or world"
            )
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
    fn a_mean_is_shaped_and_nothing_else() {
        let shaped = |text: &str| text.parse::<Latency>()?.shaped(Distribution::Uniform);
        let uniform = Latency { mean_ms: 30, distribution: Distribution::Uniform };
        assert_eq!(shaped("30"), Ok(uniform));
        assert!(shaped("world").unwrap_err().contains("and world has no such shape"));
        assert!(shaped("5..9").unwrap_err().contains("and 5..9 ms has no such shape"));
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
    fn a_range_has_both_its_ends_and_is_scaled_with_them() {
        for (factor, least, most) in [(1.0, 10, 50), (2.0, 20, 100)] {
            let latency = Latency::range(10, 50);
            let mut stream = Stream::new(1, "latency");
            let all: Vec<u64> = (0..20_000).map(|_| latency.draw(factor, &mut stream)).collect();
            assert_eq!((all.iter().min(), all.iter().max()), (Some(&least), Some(&most)));
            assert!((mean(&all) / factor - 30.0).abs() < 0.5, "{}", mean(&all));
        }
    }

    #[test]
    fn a_latency_is_read_as_a_mean_or_a_range() {
        assert_eq!("100".parse(), Ok(Latency { mean_ms: 100, ..Latency::default() }));
        assert_eq!("10..50".parse(), Ok(Latency::range(10, 50)));
        assert_eq!("10..50".parse::<Latency>().unwrap().mean_ms, 30);
        assert_eq!("7..7".parse(), Ok(Latency::range(7, 7)));
        for text in ["", "50..10", "10..", "..50", "1.5", "-1", "60001", "0..60001", "1..2..3"] {
            let refusal = text.parse::<Latency>().unwrap_err();
            assert!(refusal.contains("10..50"), "{text}: {refusal}");
        }
    }

    #[test]
    fn around_the_world_it_depends_on_who_sends_to_whom() {
        let world: Latency = "world".parse().unwrap();
        assert_eq!((world, world.between(0, 0)), (Latency::world(), Latency::range(1, 1)));
        let longest = (0..500).map(|to| world.between(0, to).mean_ms).max();
        assert!(longest > Some(100), "{longest:?}");
        let even = Latency::range(10, 50);
        assert_eq!(even.between(0, 499), even);
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
