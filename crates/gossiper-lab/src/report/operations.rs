//! `history.jsonl` as points: how long clients waited.

use std::path::Path;

use serde::Serialize;

use super::thin::{POINTS_MAX, Windows, kept, rounded};
use super::{ReportError, folder};
use crate::history::{Function, History, Outcome};

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
        }
    }
}
