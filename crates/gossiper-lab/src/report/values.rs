//! `values.jsonl`: what became of each broadcast value.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::verdict::Fate;

use super::ReportError;
use super::coverage::{Curve, Delays};
use super::folder::Lines;
use super::thin::{BINS_MAX, POINTS_MAX, Windows, kept, rounded, width_ms};

/// Values in the table of the slowest.
const SLOWEST_MAX: usize = 50;

/// Nodes that a value is told to be lacking at; how many there are is known besides.
const LACKING_MAX: usize = 6;

/// A line of the file.
#[derive(Deserialize)]
struct Line {
    value: u32,
    node: String,
    arrived_ms: f64,
    acknowledged: bool,
    fate: Fate,
    stable_latency_ms: Option<f64>,
    propagation_ms: Option<f64>,
    ideal_ms: Option<f64>,
    excess_ms: Option<f64>,
    arrivals_ms: Vec<Option<f64>>,
}

/// A value, without when each node had it.
#[derive(Clone, Serialize)]
pub(super) struct Value {
    pub(super) value: u32,
    /// The place of the node that was asked to broadcast it.
    node: u32,
    pub(super) at_ms: f64,
    acknowledged: bool,
    fate: Fate,
    stable_ms: Option<f64>,
    pub(super) propagation_ms: Option<f64>,
    ideal_ms: Option<f64>,
    excess_ms: Option<f64>,
    /// Of the live nodes, how many were seen to have it.
    reached: u32,
    /// The places of the first live nodes that were never seen to have it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lacking: Vec<u32>,
    /// The place of the node that had it last, and when.
    last: Option<(u32, f64)>,
}

/// All that the page shows of values.
#[derive(Serialize)]
pub(super) struct Values {
    /// How many there were.
    total: usize,
    /// Points of the charts, in the order of time.
    points: Vec<Value>,
    pub(super) slowest: Vec<Value>,
    /// The one of median propagation.
    median: Option<u32>,
    /// For each node, whether it counts.
    live: Vec<bool>,
    /// Values that some live node was never seen to have.
    incomplete: usize,
    /// For each node, how many of these it lacks; 0 for nodes that do not count.
    lacked: Vec<u32>,
    coverage: Curve,
    under_way: UnderWay,
    propagation: Windows,
    stable: Windows,
    ideal: Windows,
    excess: Windows,
}

/// How many values some live node lacked, over the run.
#[derive(Serialize, Default)]
struct UnderWay {
    /// In steps of this length.
    width_ms: f64,
    /// The most at once within the step.
    most: Vec<u64>,
}

/// When each node had a value, for values that can be followed.
#[derive(Serialize)]
pub(super) struct Arrivals {
    value: u32,
    /// In the order of the plan's nodes; microseconds after `at_ms`.
    after_us: Vec<Option<i64>>,
    at_ms: f64,
}

impl Values {
    /// Reads the file of a run whose nodes have these names, of which those are live at its end;
    /// nothing if there is no file.
    pub(super) fn read(
        path: &Path,
        names: &[String],
        live: &[bool],
        span_ms: f64,
    ) -> Result<Option<Self>, ReportError> {
        let Some(mut lines) = Lines::open(path.to_owned())? else {
            return Ok(None);
        };
        let mut all = Vec::new();
        let mut lacked = vec![0; names.len()];
        let mut delays = Delays::default();
        while let Some(line) = next(&mut lines, names.len())? {
            let place = names.iter().position(|name| *name == line.node);
            let place = place.ok_or_else(|| {
                lines.fault(format!("the run's plan has no node called {:?}", line.node))
            })?;
            all.push(line.counted(place as u32, live, &mut delays, &mut lacked));
        }
        all.sort_by(|a, b| a.at_ms.total_cmp(&b.at_ms).then(a.value.cmp(&b.value)));
        Ok(Some(Self::of(&all, live, lacked, &delays, span_ms)))
    }

    fn of(all: &[Value], live: &[bool], lacked: Vec<u32>, delays: &Delays, span_ms: f64) -> Self {
        let windows = |height: fn(&Value) -> Option<f64>| {
            Windows::of(all.iter().filter_map(|value| Some((value.at_ms, height(value)?))), span_ms)
        };
        let heights: Vec<_> = all.iter().map(|value| value.propagation_ms).collect();
        let points = kept(&heights, POINTS_MAX);
        let by_slowness = slowest_first(all);
        // The median of those that did reach everyone, by the rule of the figures.
        let mut everywhere: Vec<(f64, u32)> =
            all.iter().filter_map(|value| Some((value.propagation_ms?, value.value))).collect();
        everywhere.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        Self {
            total: all.len(),
            points: points.into_iter().map(|place| all[place].clone()).collect(),
            median: everywhere.get(everywhere.len() / 2).map(|(_, value)| *value),
            slowest: by_slowness.into_iter().take(SLOWEST_MAX).cloned().collect(),
            live: live.to_vec(),
            incomplete: all.iter().filter(|value| !value.lacking.is_empty()).count(),
            lacked,
            coverage: delays.curve(),
            under_way: UnderWay::of(all, span_ms),
            propagation: windows(|value| value.propagation_ms),
            stable: windows(|value| value.stable_ms),
            ideal: windows(|value| value.ideal_ms),
            excess: windows(|value| value.excess_ms),
        }
    }

    /// How many there were.
    pub(super) fn total(&self) -> usize {
        self.total
    }

    /// Reads the file once more, for when each node had the values that a reader may want to
    /// follow: the slowest, the median one, and those whose broadcast arrived when `is_shown`
    /// says so; of the last as many as are left of `arrivals_max` moments together.
    pub(super) fn arrivals(
        &self,
        path: &Path,
        nodes: usize,
        is_shown: impl Fn(f64) -> bool,
        arrivals_max: usize,
    ) -> Result<Vec<Arrivals>, ReportError> {
        let Some(mut lines) = Lines::open(path.to_owned())? else {
            return Ok(Vec::new());
        };
        let chosen: Vec<u32> =
            self.slowest.iter().map(|value| value.value).chain(self.median).collect();
        let room = arrivals_max / nodes.max(1);
        let chosen = &chosen[..chosen.len().min(room)];
        let mut room_left = room - chosen.len();
        let mut arrivals = Vec::new();
        while let Some(line) = next(&mut lines, nodes)? {
            if !chosen.contains(&line.value) {
                if room_left == 0 || !is_shown(line.arrived_ms) {
                    continue;
                }
                room_left -= 1;
            }
            let after_us = |at_ms: f64| ((at_ms - line.arrived_ms) * 1000.0).round() as i64;
            arrivals.push(Arrivals {
                value: line.value,
                at_ms: rounded(line.arrived_ms),
                after_us: line.arrivals_ms.iter().map(|at_ms| at_ms.map(after_us)).collect(),
            });
        }
        Ok(arrivals)
    }
}

impl Line {
    /// The value, its delays counted.
    fn counted(&self, node: u32, live: &[bool], delays: &mut Delays, lacked: &mut [u32]) -> Value {
        let mut last: Option<(u32, f64)> = None;
        let mut lacking = Vec::new();
        let mut reached = 0;
        for (place, at_ms) in self.arrivals_ms.iter().enumerate() {
            if live[place] {
                delays.count(at_ms.map(|at_ms| (at_ms - self.arrived_ms).max(0.0)));
                reached += u32::from(at_ms.is_some());
                lacked[place] += u32::from(at_ms.is_none());
                if at_ms.is_none() && lacking.len() < LACKING_MAX {
                    lacking.push(place as u32);
                }
            }
            if let Some(at_ms) = *at_ms
                && last.is_none_or(|(_, latest)| at_ms > latest)
            {
                last = Some((place as u32, rounded(at_ms)));
            }
        }
        Value {
            value: self.value,
            node,
            at_ms: rounded(self.arrived_ms),
            acknowledged: self.acknowledged,
            fate: self.fate,
            stable_ms: self.stable_latency_ms,
            propagation_ms: self.propagation_ms.map(rounded),
            ideal_ms: self.ideal_ms.map(rounded),
            excess_ms: self.excess_ms.map(rounded),
            reached,
            lacking,
            last,
        }
    }
}

impl UnderWay {
    fn of(all: &[Value], span_ms: f64) -> Self {
        let width_ms = width_ms(span_ms, BINS_MAX);
        // A broadcast has begun before an end at the same moment is over, hence `-1` after `1`.
        let mut steps: Vec<(f64, i64)> = Vec::new();
        for value in all {
            steps.push((value.at_ms, 1));
            if let Some(propagation_ms) = value.propagation_ms {
                steps.push((value.at_ms + propagation_ms, -1));
            }
        }
        steps.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
        let mut steps = steps.into_iter().peekable();
        let count = (span_ms / width_ms).ceil() as usize;
        let mut now = 0;
        let mut most = Vec::with_capacity(count);
        for bin in 1..=count {
            let mut most_here = now;
            while let Some((_, step)) = steps.next_if(|(at_ms, _)| *at_ms < bin as f64 * width_ms) {
                now += step;
                most_here = most_here.max(now);
            }
            most.push(most_here.max(0) as u64);
        }
        Self { width_ms, most }
    }
}

/// The slowest first: those that never were everywhere, fewest nodes first, then by how far behind
/// the ideal they were. Propagation alone would name all values from before a kill, which no
/// protocol could have brought to the node before its restart.
fn slowest_first(all: &[Value]) -> Vec<&Value> {
    let behind_ms = |value: &Value| value.excess_ms.or(value.propagation_ms);
    let mut sorted: Vec<&Value> = all.iter().collect();
    sorted.sort_by(|a, b| match (behind_ms(a), behind_ms(b)) {
        (Some(one), Some(other)) => other.total_cmp(&one).then(a.value.cmp(&b.value)),
        (None, None) => a.reached.cmp(&b.reached).then(a.value.cmp(&b.value)),
        (one, other) => one.is_some().cmp(&other.is_some()),
    });
    sorted
}

fn next(lines: &mut Lines, nodes: usize) -> Result<Option<Line>, ReportError> {
    let Some(line) = lines.next::<Line>()? else {
        return Ok(None);
    };
    let count = line.arrivals_ms.len();
    if count != nodes {
        return Err(lines.fault(format!("`arrivals_ms` has {count} places for {nodes} nodes")));
    }
    Ok(Some(line))
}
