//! `history.jsonl` as points: how long clients waited.

use std::path::Path;

use serde::Serialize;

use super::thin::{POINTS_MAX, Windows, kept, rounded};
use super::{ReportError, folder};
use crate::figures::Quantiles;
use crate::history::{Function, History, Operation, Outcome};

/// What clients saw, in columns.
#[derive(Serialize)]
pub(super) struct Operations {
    total: usize,
    at_ms: Vec<f64>,
    /// Nothing if it was still open when the run ended.
    latency_ms: Vec<Option<f64>>,
    function: Vec<Function>,
    outcome: Vec<Outcome>,
    node: Vec<u32>,
    /// Of those that ended.
    windows: Windows,
    functions: Vec<OfFunction>,
}

/// All operations of one kind.
#[derive(Serialize)]
struct OfFunction {
    function: Function,
    ok: usize,
    failed: usize,
    unknown: usize,
    /// How long clients waited for those that succeeded.
    latency_ms: Option<Quantiles<f64>>,
}

impl Operations {
    /// Reads the file; nothing if there is none.
    pub(super) fn read(path: &Path, span_ms: f64) -> Result<Option<Self>, ReportError> {
        let Some(input) = folder::open(path)? else {
            return Ok(None);
        };
        let history = History::read(input)
            .map_err(|error| ReportError::at_line(path, error.line, error.cause))?;
        Ok(Some(Self::of(&history, span_ms)))
    }

    fn of(history: &History, span_ms: f64) -> Self {
        let all = history.operations();
        let ms = |ns: u64| ns as f64 / 1e6;
        let latencies: Vec<Option<f64>> = all
            .iter()
            .map(|operation| {
                let (_, ended) = operation.completed?;
                Some(rounded(ms(ended.at.0 - operation.invoked.at.0)))
            })
            .collect();
        let ended = all.iter().zip(&latencies);
        let ended = ended
            .filter_map(|(operation, latency)| Some((ms(operation.invoked.at.0), (*latency)?)));
        let windows = Windows::of(ended, span_ms);
        let kept = kept(&latencies, POINTS_MAX);
        let kept_operations = || kept.iter().map(|&place| &all[place]);
        Self {
            total: all.len(),
            at_ms: kept_operations().map(|one| rounded(ms(one.invoked.at.0))).collect(),
            latency_ms: kept.iter().map(|&place| latencies[place]).collect(),
            function: kept_operations().map(|one| one.call.function()).collect(),
            outcome: kept_operations().map(|one| one.outcome()).collect(),
            node: kept_operations().map(|one| one.node).collect(),
            windows,
            functions: OfFunction::each(all, &latencies),
        }
    }
}

impl OfFunction {
    /// Those that clients called, with the latencies of all operations at their places.
    fn each(all: &[Operation], latencies: &[Option<f64>]) -> Vec<Self> {
        let functions = [Function::Broadcast, Function::Read, Function::Echo];
        let of = |function| {
            let mut counted = Self { function, ok: 0, failed: 0, unknown: 0, latency_ms: None };
            let mut waited = Vec::new();
            for (operation, latency) in all.iter().zip(latencies) {
                if operation.call.function() != function {
                    continue;
                }
                match operation.outcome() {
                    Outcome::Ok => {
                        counted.ok += 1;
                        waited.extend(*latency);
                    }
                    Outcome::Fail => counted.failed += 1,
                    Outcome::Info => counted.unknown += 1,
                }
            }
            waited.sort_unstable_by(f64::total_cmp);
            counted.latency_ms = Quantiles::of_sorted(&waited);
            counted
        };
        let counted = functions.into_iter().map(of);
        counted.filter(|one| one.ok + one.failed + one.unknown > 0).collect()
    }
}
