//! The figures of runs that differ in their seeds alone.

use serde::Serialize;

use crate::simulation::{Answer, Coverage, Label, Paths};

/// The figures of runs that differ in their seeds alone: means over them, unless told otherwise.
/// What no run can tell is null.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Summary {
    /// What is swept.
    #[serde(flatten)]
    pub label: Label,
    /// The size of the cluster.
    pub nodes: usize,
    /// The protocol's name.
    pub strategy: &'static str,
    /// Whom nodes push to.
    pub paths: Paths,
    /// How many runs there are.
    pub runs: usize,
    /// The share of the live nodes that hold a value at the end, 0 to 1.
    pub coverage: Option<f64>,
    /// Relative message redundancy.
    pub redundancy: Option<f64>,
    /// The longest way of a value, in hops.
    pub last_delivery_hop: Option<f64>,
    /// Messages of all kinds for each value.
    pub messages_per_broadcast: Option<f64>,
    /// The least and the most of that in any run.
    pub messages_spread: Option<(f64, f64)>,
    /// Bytes for each value.
    pub bytes_per_broadcast: Option<f64>,
    /// From the broadcast until every live node has the value: the mean of the medians.
    pub time_to_all_ms: Option<f64>,
    /// The least and the most of these medians in any run.
    pub time_to_all_spread_ms: Option<(f64, f64)>,
    /// The longest of these times in any run.
    pub time_to_all_ms_max: Option<f64>,
    /// The longest recovery of any run; null if one has none, for who has not recovered once has no
    /// time for it.
    pub recovery_ms: Option<f64>,
    /// The mean of the runs' curves.
    #[serde(skip)]
    pub coverage_over_time: Coverage,
}

impl Summary {
    /// The summaries of a plan's runs, in their order.
    pub fn all(answers: &[Answer]) -> Vec<Self> {
        let same = |one: &Answer, next: &Answer| {
            one.label == next.label
                && one.results.nodes == next.results.nodes
                && one.results.strategy == next.results.strategy
        };
        answers.chunk_by(same).map(Self::of).collect()
    }

    /// # Panics
    ///
    /// If there is no run.
    fn of(runs: &[Answer]) -> Self {
        let Answer { label, results } = &runs[0];
        let recoveries: Option<Vec<f64>> = runs.iter().map(|run| run.results.recovery_ms).collect();
        let longest = runs.iter().filter_map(|run| run.results.time_to_all_ms.map(|all| all.max));
        Self {
            label: label.clone(),
            nodes: results.nodes,
            strategy: results.strategy,
            paths: results.setting.overlay,
            runs: runs.len(),
            coverage: mean(runs, |run| run.results.coverage),
            redundancy: mean(runs, |run| run.results.redundancy),
            last_delivery_hop: mean(runs, |run| run.results.last_delivery_hop),
            messages_per_broadcast: mean(runs, |run| run.results.messages_per_broadcast),
            messages_spread: spread(runs, |run| run.results.messages_per_broadcast),
            bytes_per_broadcast: mean(runs, |run| run.results.bytes_per_broadcast),
            time_to_all_ms: mean(runs, |run| run.results.time_to_all_ms.map(|all| all.median)),
            time_to_all_spread_ms: spread(runs, |run| {
                run.results.time_to_all_ms.map(|all| all.median)
            }),
            time_to_all_ms_max: longest.reduce(f64::max),
            recovery_ms: recoveries.and_then(|all| all.into_iter().reduce(f64::max)),
            coverage_over_time: Coverage::mean_of(
                runs.iter().map(|run| &run.results.coverage_over_time),
            ),
        }
    }
}

/// The least and the most of a figure in those runs that have it.
fn spread(runs: &[Answer], figure: impl Fn(&Answer) -> Option<f64>) -> Option<(f64, f64)> {
    let all = runs.iter().filter_map(figure).map(|figure| (figure, figure));
    all.reduce(|(least, most), (one, _)| (least.min(one), most.max(one)))
}

/// The mean of a figure over those runs that have it.
fn mean(runs: &[Answer], figure: impl Fn(&Answer) -> Option<f64>) -> Option<f64> {
    let all: Vec<f64> = runs.iter().filter_map(figure).collect();
    (!all.is_empty()).then(|| all.iter().sum::<f64>() / all.len() as f64)
}
