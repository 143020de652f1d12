//! The figures of a run, as `results.json` has them.
//!
//! The fields stand in the file in the order in which they stand here. Times are in milliseconds.
//! What cannot be told is null: quantiles of nothing, messages per operation without operations.

use serde::{Deserialize, Serialize};

use crate::history::{History, Outcome};
use crate::verdict::{Fate, Judgement, Verdict};

/// How many operations ended how.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Ops {
    /// All that were begun, the final reads included.
    pub invoked: u64,
    /// Succeeded.
    pub ok: u64,
    /// Had no effect.
    pub failed: u64,
    /// Nobody knows; those still open when the run ended included.
    pub unknown: u64,
}

impl Ops {
    /// Counts the operations of a run that is over.
    pub fn of(history: &History) -> Self {
        let mut ops = Self::default();
        history.operations().iter().for_each(|operation| ops.add(operation.outcome()));
        ops
    }

    /// Counts the operations of each node.
    pub fn by_node(history: &History) -> Vec<Self> {
        let mut all = vec![Self::default(); history.nodes().len()];
        for operation in history.operations() {
            all[operation.node as usize].add(operation.outcome());
        }
        all
    }

    fn add(&mut self, outcome: Outcome) {
        self.invoked += 1;
        match outcome {
            Outcome::Ok => self.ok += 1,
            Outcome::Fail => self.failed += 1,
            Outcome::Info => self.unknown += 1,
        }
    }

    /// The share of operations that succeeded, 0 to 1; 1 if none was begun, as in Maelstrom's
    /// availability checker.
    pub fn availability(self) -> f64 {
        if self.invoked == 0 { 1.0 } else { self.ok as f64 / self.invoked as f64 }
    }
}

/// What went over the network, one kind of messages.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Traffic {
    /// Messages sent, lost ones included.
    pub messages: u64,
    /// Their bytes, without the line's end.
    pub bytes: u64,
    /// Messages for each operation begun.
    pub msgs_per_op: Option<f64>,
    /// Bytes for each operation begun.
    pub bytes_per_op: Option<f64>,
}

impl Traffic {
    /// The figures of `messages` with `bytes` together in a run with these operations.
    pub fn new(messages: u64, bytes: u64, ops: Ops) -> Self {
        let per_op = |count: u64| (ops.invoked != 0).then(|| count as f64 / ops.invoked as f64);
        Self { messages, bytes, msgs_per_op: per_op(messages), bytes_per_op: per_op(bytes) }
    }
}

/// What went over the network.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Net {
    /// Between nodes, also from a node to itself.
    pub servers: Traffic,
    /// Between clients and nodes, `init` and `topology` included.
    pub clients: Traffic,
}

/// How many values met which fate.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Set {
    /// Broadcasts begun, whether or not they succeeded.
    pub attempted: u64,
    /// In the last read that could show it.
    pub stable: u64,
    /// Known, and not in the last read that could show it.
    pub lost: u64,
    /// Of which no read tells.
    pub never_read: u64,
    /// That stand more than once in some read.
    pub duplicated: u64,
    /// Acknowledged, but every node that had it was killed before it could leave.
    pub orphaned: u64,
}

impl Set {
    /// Counts the values of a judgement.
    pub fn of(judgement: &Judgement) -> Self {
        let mut set = Self {
            attempted: judgement.values.len() as u64,
            duplicated: judgement.oddities.duplicated.len() as u64,
            ..Self::default()
        };
        for fate in &judgement.fates {
            match fate {
                Fate::Stable => set.stable += 1,
                Fate::Lost => set.lost += 1,
                Fate::NeverRead => set.never_read += 1,
                Fate::Orphaned => set.orphaned += 1,
            }
        }
        set
    }
}

/// The place of quantile p in a sorted list of n, as Maelstrom picks it: min(n − 1, ⌊n·p⌋); none of
/// nothing. So the median of two is the greater one, and nothing is interpolated.
pub fn quantile_place(n: usize, p: f64) -> Option<usize> {
    let last = n.checked_sub(1)?;
    // In floating point, as in jepsen checker.clj frequency-distribution, rounding included.
    Some(last.min((n as f64 * p).floor() as usize))
}

/// Five elements of a sorted list, at their [places](quantile_place).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Quantiles<T> {
    /// The least.
    #[serde(rename = "0")]
    pub min: T,
    /// The median.
    #[serde(rename = "0.5")]
    pub median: T,
    /// Exceeded by at most a twentieth.
    #[serde(rename = "0.95")]
    pub p95: T,
    /// Exceeded by at most a hundredth.
    #[serde(rename = "0.99")]
    pub p99: T,
    /// The greatest.
    #[serde(rename = "1")]
    pub max: T,
}

impl<T: Copy> Quantiles<T> {
    /// The quantiles of a list that is sorted; nothing if it is empty.
    pub fn of_sorted(sorted: &[T]) -> Option<Self> {
        Self::picked(sorted.len(), |place| sorted[place])
    }

    /// The quantiles of a list of n, of which `element` says what stands at a place.
    pub(crate) fn picked(n: usize, element: impl Fn(usize) -> T) -> Option<Self> {
        let quantile = |p: f64| quantile_place(n, p).map(&element);
        Some(Self {
            min: quantile(0.0)?,
            median: quantile(0.5)?,
            p95: quantile(0.95)?,
            p99: quantile(0.99)?,
            max: quantile(1.0)?,
        })
    }
}

/// The figures of a run. A host may flatten this into what it writes besides.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Figures {
    /// What fixed the load, the latencies and the faults.
    pub seed: u64,
    /// True, false or null.
    pub valid: Verdict,
    /// The operations.
    pub ops: Ops,
    /// The share of them that succeeded.
    pub availability: f64,
    /// The messages.
    pub net: Net,
    /// The values.
    pub set: Set,
    /// How long known values were missed, as Maelstrom counts it, in whole ms.
    pub stable_latency_ms: Option<Quantiles<u64>>,
    /// From a broadcast's arrival at a node until the last live node has the value.
    pub propagation_ms: Option<Quantiles<f64>>,
    /// The same, had each value moved as fast as the run's faults let it.
    pub ideal_ms: Option<Quantiles<f64>>,
    /// The difference, value by value.
    pub excess_ms: Option<Quantiles<f64>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_an_element_and_the_upper_one_of_two() {
        let of = |n: u64| {
            let list: Vec<u64> = (0..n).collect();
            Quantiles::of_sorted(&list).map(|q| [q.min, q.median, q.p95, q.p99, q.max])
        };
        assert_eq!(of(0), None);
        assert_eq!(of(1), Some([0, 0, 0, 0, 0]));
        assert_eq!(of(2), Some([0, 1, 1, 1, 1]));
        assert_eq!(of(20), Some([0, 10, 19, 19, 19]));
        assert_eq!(of(100), Some([0, 50, 95, 99, 99]));
        assert_eq!(of(1000), Some([0, 500, 950, 990, 999]));
    }

    #[test]
    fn quantiles_are_an_object_with_maelstroms_keys() {
        let json = serde_json::to_string(&Quantiles::of_sorted(&[3_u64])).expect("it is JSON");
        assert_eq!(json, r#"{"0":3,"0.5":3,"0.95":3,"0.99":3,"1":3}"#);
    }

    #[test]
    fn figures_of_a_run_without_operations_are_null_where_nothing_can_be_told() {
        let figures = Figures {
            seed: 7,
            valid: Verdict::Unknown,
            ops: Ops::default(),
            availability: Ops::default().availability(),
            net: Net { servers: Traffic::new(2, 90, Ops::default()), clients: Traffic::default() },
            set: Set::default(),
            stable_latency_ms: None,
            propagation_ms: None,
            ideal_ms: None,
            excess_ms: None,
        };
        let json = serde_json::to_string(&figures).expect("it is JSON");
        let expected = concat!(
            r#"{"seed":7,"valid":null,"ops":{"invoked":0,"ok":0,"failed":0,"unknown":0},"#,
            r#""availability":1.0,"net":{"servers":{"messages":2,"bytes":90,"#,
            r#""msgs_per_op":null,"bytes_per_op":null},"clients":{"messages":0,"bytes":0,"#,
            r#""msgs_per_op":null,"bytes_per_op":null}},"set":{"attempted":0,"stable":0,"#,
            r#""lost":0,"never_read":0,"duplicated":0,"orphaned":0},"stable_latency_ms":null,"#,
            r#""propagation_ms":null,"ideal_ms":null,"excess_ms":null}"#
        );
        assert_eq!(json, expected);
    }

    #[test]
    fn messages_per_operation_count_every_operation_begun() {
        let ops = Ops { invoked: 4, ok: 1, failed: 2, unknown: 1 };
        let traffic = Traffic::new(10, 1000, ops);
        assert_eq!((traffic.msgs_per_op, traffic.bytes_per_op), (Some(2.5), Some(250.0)));
        assert_eq!(ops.availability(), 0.25);
    }
}
