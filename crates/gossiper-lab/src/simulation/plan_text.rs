//! The text of a plan: where in it something stands, for those that are told that it is wrong.

use std::ops::Range;

use toml::de::DeTable;

use super::scenario::{Key, ScenarioError};
use crate::text::cut;

/// Keys of a plan that cannot have a list.
const NOT_SWEPT: [&str; 10] = [
    "question",
    "broadcasts",
    "rate",
    "senders",
    "latency",
    "latency_dist",
    "topology",
    "ack_timeout",
    "warmup",
    "settle",
];

/// Looks for lists where there may be none.
pub(super) fn expect_no_lists(text: &str) -> Result<(), ScenarioError> {
    // What is no TOML is told by who reads it.
    let Ok(table) = DeTable::parse(text) else { return Ok(()) };
    let has_list = |key: &&str| table.get_ref().get(*key).is_some_and(|it| it.get_ref().is_array());
    NOT_SWEPT.into_iter().find(has_list).map_or(Ok(()), |key| {
        let problem = "it has one value for all runs: lists are for nodes, fanout, \
                       gossip_interval, pace, strategy, overlay and seeds, and each [[faults]] is \
                       one more";
        Err(ScenarioError::about(key, problem))
    })
}

/// Says where in the plan the key stands that an error is about, and what stands there.
pub(super) fn placed(error: ScenarioError, text: &str) -> ScenarioError {
    let ScenarioError { key: Some(key), problem } = &error else { return error };
    let Some(span) = place(text, key) else { return error };
    let line = 1 + text[..span.start].matches('\n').count();
    let written = cut(&text[span], WRITTEN_CHARS_MAX);
    let faults = key.faults.as_ref().map_or_else(String::new, |name| format!("faults {name:?}: "));
    ScenarioError::new(format!("line {line}: {faults}{} = {written}: {problem}", key.name))
}

/// The most of a value that an error shows.
const WRITTEN_CHARS_MAX: usize = 60;

/// Where the value of a key stands, if it does.
fn place(text: &str, key: &Key) -> Option<Range<usize>> {
    let whole = DeTable::parse(text).ok()?;
    let whole = whole.get_ref();
    let table = match &key.faults {
        None => whole,
        Some(name) => {
            let all = whole.get("faults")?.get_ref().as_array()?.iter();
            let mut tables = all.filter_map(|one| one.get_ref().as_table());
            let is_called = |table: &&DeTable<'_>| {
                table.get("name").and_then(|found| found.get_ref().as_str()) == Some(name)
            };
            tables.find(is_called)?
        }
    };
    Some(table.get(key.name)?.span())
}
