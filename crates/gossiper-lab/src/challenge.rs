//! The published challenges of Gossip Glomers that are about broadcast, with their limits.
//!
//! Parameters and limits are those of fly.io/dist-sys/3a to 3e. The limits of 3d and 3e are on what
//! Maelstrom counts: messages between nodes for each operation, and stable latencies.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Serialize;

use crate::figures::Figures;

/// A challenge.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Challenge {
    /// One node.
    SingleNode,
    /// Five nodes.
    MultiNode,
    /// Five nodes and partitions.
    FaultTolerant,
    /// 25 nodes, few messages and low latency.
    EfficientI,
    /// 25 nodes, fewer messages and a little more latency.
    EfficientII,
}

/// What a challenge sets up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameters {
    /// Nodes.
    pub nodes: usize,
    /// Length of the main phase.
    pub time_limit: Duration,
    /// Operations a second.
    pub rate_hz: f64,
    /// Mean latency between nodes.
    pub latency_ms: u32,
    /// Whether there are partitions.
    pub has_partitions: bool,
}

/// A figure that has a limit.
#[derive(Clone, Copy, Debug)]
struct Limit {
    /// The figure's place in `results.json`.
    figure: &'static str,
    what: &'static str,
    unit: &'static str,
    limit: f64,
    measure: fn(&Figures) -> Option<f64>,
}

/// How a run stands against its challenge.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// `3a` to `3e`.
    pub name: String,
    /// The challenge's title.
    pub title: String,
    /// Its limits; none besides validity up to 3c.
    pub limits: Vec<LimitOutcome>,
    /// What the run did otherwise than the challenge says, such as `node count 2`. With any, the
    /// limits are a comparison only.
    pub deviations: Vec<String>,
}

impl Outcome {
    /// Whether every limit is kept.
    pub fn is_passed(&self) -> bool {
        self.limits.iter().all(|limit| limit.passed)
    }
}

/// How a figure stands against its limit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LimitOutcome {
    /// The figure's place in `results.json`.
    pub figure: String,
    /// What it is.
    pub what: String,
    /// What the figure must be below.
    pub limit: f64,
    /// Of limit and figure; empty for a pure number.
    pub unit: String,
    /// The figure, if there is one.
    pub measured: Option<f64>,
    /// Whether it is below the limit; not if there is none.
    pub passed: bool,
}

impl Challenge {
    /// All, in their order.
    pub const ALL: [Self; 5] = [
        Self::SingleNode,
        Self::MultiNode,
        Self::FaultTolerant,
        Self::EfficientI,
        Self::EfficientII,
    ];

    /// `3a` to `3e`.
    pub fn name(self) -> &'static str {
        match self {
            Self::SingleNode => "3a",
            Self::MultiNode => "3b",
            Self::FaultTolerant => "3c",
            Self::EfficientI => "3d",
            Self::EfficientII => "3e",
        }
    }

    /// The published title.
    pub fn title(self) -> &'static str {
        match self {
            Self::SingleNode => "Single-Node Broadcast",
            Self::MultiNode => "Multi-Node Broadcast",
            Self::FaultTolerant => "Fault Tolerant Broadcast",
            Self::EfficientI => "Efficient Broadcast, Part I",
            Self::EfficientII => "Efficient Broadcast, Part II",
        }
    }

    /// What it sets up.
    pub fn parameters(self) -> Parameters {
        let (nodes, rate_hz, latency_ms) = match self {
            Self::SingleNode => (1, 10.0, 0),
            Self::MultiNode | Self::FaultTolerant => (5, 10.0, 0),
            Self::EfficientI | Self::EfficientII => (25, 100.0, 100),
        };
        let has_partitions = self == Self::FaultTolerant;
        let time_limit = Duration::from_secs(20);
        Parameters { nodes, time_limit, rate_hz, latency_ms, has_partitions }
    }

    /// What a run does otherwise than the challenge says.
    pub fn deviations(self, run: &Parameters) -> Vec<String> {
        let own = self.parameters();
        let faults = |has_partitions| if has_partitions { "partitions" } else { "no partitions" };
        let all = [
            (run.nodes != own.nodes, format!("{} nodes", run.nodes)),
            (run.time_limit != own.time_limit, format!("{} s", run.time_limit.as_secs_f64())),
            (run.rate_hz != own.rate_hz, format!("{} operations a second", run.rate_hz)),
            (run.latency_ms != own.latency_ms, format!("{} ms latency", run.latency_ms)),
            (run.has_partitions != own.has_partitions, faults(run.has_partitions).to_owned()),
        ];
        all.into_iter().filter(|(is_other, _)| *is_other).map(|(_, text)| text).collect()
    }

    /// Holds figures of a run with these deviations against the limits.
    pub fn outcome(self, figures: &Figures, deviations: Vec<String>) -> Outcome {
        let limits = self.limits().into_iter().map(|limit| {
            let measured = (limit.measure)(figures);
            LimitOutcome {
                figure: limit.figure.into(),
                what: limit.what.into(),
                limit: limit.limit,
                unit: limit.unit.into(),
                measured,
                passed: measured.is_some_and(|measured| measured < limit.limit),
            }
        });
        Outcome {
            name: self.name().into(),
            title: self.title().into(),
            limits: limits.collect(),
            deviations,
        }
    }

    fn limits(self) -> Vec<Limit> {
        let (messages, median_ms, max_ms) = match self {
            Self::SingleNode | Self::MultiNode | Self::FaultTolerant => return Vec::new(),
            Self::EfficientI => (30.0, 400.0, 600.0),
            Self::EfficientII => (20.0, 1000.0, 2000.0),
        };
        vec![
            Limit {
                figure: "net.servers.msgs_per_op",
                what: "messages per operation",
                unit: "",
                limit: messages,
                measure: |figures| figures.net.servers.msgs_per_op,
            },
            Limit {
                figure: "stable_latency_ms.0.5",
                what: "median latency",
                unit: "ms",
                limit: median_ms,
                measure: |figures| figures.stable_latency_ms.map(|all| all.median as f64),
            },
            Limit {
                figure: "stable_latency_ms.1",
                what: "maximum latency",
                unit: "ms",
                limit: max_ms,
                measure: |figures| figures.stable_latency_ms.map(|all| all.max as f64),
            },
        ]
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Challenge {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|challenge| challenge.name() == name.to_ascii_lowercase())
            .ok_or_else(|| {
                format!("no broadcast challenge is called {name:?}: 3a, 3b, 3c, 3d or 3e")
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::{Net, Ops, Quantiles, Set, Traffic};
    use crate::verdict::Verdict;

    fn figures(messages: u64, median: u64, max: u64) -> Figures {
        let ops = Ops { invoked: 100, ok: 100, failed: 0, unknown: 0 };
        let list = [0, median, max];
        Figures {
            seed: 1,
            valid: Verdict::Valid,
            ops,
            availability: 1.0,
            net: Net { servers: Traffic::new(messages, 0, ops), clients: Traffic::default() },
            set: Set::default(),
            stable_latency_ms: Quantiles::of_sorted(&list),
            propagation_ms: None,
            ideal_ms: None,
            excess_ms: None,
        }
    }

    fn passed(challenge: Challenge, figures: &Figures) -> Vec<bool> {
        challenge.outcome(figures, Vec::new()).limits.iter().map(|limit| limit.passed).collect()
    }

    #[test]
    fn a_figure_passes_below_its_limit_and_not_at_it() {
        assert_eq!(passed(Challenge::EfficientI, &figures(2_999, 399, 599)), [true; 3]);
        assert_eq!(passed(Challenge::EfficientI, &figures(3_000, 400, 600)), [false; 3]);
        assert_eq!(passed(Challenge::EfficientII, &figures(1_999, 999, 1_999)), [true; 3]);
        assert_eq!(passed(Challenge::EfficientII, &figures(2_000, 1_000, 2_000)), [false; 3]);
    }

    #[test]
    fn a_figure_that_is_missing_does_not_pass() {
        let none = Figures { stable_latency_ms: None, ..figures(0, 0, 0) };
        assert_eq!(passed(Challenge::EfficientI, &none), [true, false, false]);
        assert!(!Challenge::EfficientI.outcome(&none, Vec::new()).is_passed());
    }

    #[test]
    fn a_run_with_other_parameters_says_which() {
        let own = Challenge::EfficientI.parameters();
        assert!(Challenge::EfficientI.deviations(&own).is_empty());
        assert!(Challenge::EfficientII.deviations(&own).is_empty());
        let other = Parameters { nodes: 2, has_partitions: true, ..own };
        assert_eq!(Challenge::EfficientI.deviations(&other), ["2 nodes", "partitions"]);
    }

    #[test]
    fn the_first_three_challenges_ask_for_validity_alone() {
        assert!(passed(Challenge::FaultTolerant, &figures(1_000_000, 9, 9)).is_empty());
        assert!(Challenge::FaultTolerant.parameters().has_partitions);
    }
}
