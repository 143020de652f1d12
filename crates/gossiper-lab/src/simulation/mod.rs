//! The virtual host: whole clusters of the core's nodes in one process, in virtual time.
//!
//! A [`Cluster`] plays a [`Scenario`] event by event: it hands a node what happens to it, carries
//! out what the node then wants, and counts. No JSON is written, no process started and no clock
//! read, so a run costs what its events cost, however long it would have taken, and the same
//! scenario gives the same [`Results`] on every machine.
//!
//! # How it differs from the process host
//!
//! Latencies, losses, copies and faults are drawn as [`network`](crate::network) does, but from
//! streams of the sender and not of the link, which would need a table of all links. And a message
//! arrives when its latency is over: Maelstrom's single input thread, which makes a node's messages
//! wait for each other, is not played. At a constant latency that is the same.
//!
//! # The order of events
//!
//! Of what is due at the same moment, faults come first, then what clients broadcast, then messages
//! and wake-ups in the order in which they were queued. Nodes answer in no time.
//!
//! # What a node is told
//!
//! All of a topology that is a tree; of one with cycles its own links, for with cycles the core
//! computes a tree of its own, and flooding needs no more. Nodes start spread over
//! [`Scenario::stagger`], so that not all of them begin their rounds at once; the main phase, from
//! which all times count, begins after it.

mod census;
mod cluster;
mod coverage;
mod idle;
mod overlay;
mod plan_file;
mod plan_text;
mod queue;
pub mod report;
mod results;
mod scenario;
mod setting;
mod size;
mod sweep;
#[cfg(test)]
mod tests;
mod trace;
mod traffic;
mod trouble;
mod turn;
mod window;

pub use self::cluster::Cluster;
pub use self::coverage::Coverage;
pub use self::idle::idle_setting;
pub use self::overlay::{COMPUTED_NODES_MAX, Overlay};
pub use self::results::{Results, json, strategy_name};
pub use self::scenario::{
    BROADCASTS_MAX, Broadcast, FLOOD_ALL_NODES_MAX, LoadPlan, NODES_MAX, RATE_HZ_MIN,
    STRAIGHT_NODES_MAX, Scenario, ScenarioError, WHOLE_TREE_NODES_MAX,
};
pub use self::setting::{Paths, Setting, Spell, faults_in_words, overlays_in_words};
pub use self::sweep::{Answer, Label, Point, RUNS_MAX, Sweep, answers_json};
pub use self::trace::{Delivered, Fate, Happening, Sent, TRACE_MESSAGES_MAX, Trace, Way};
pub use self::traffic::{Drops, Kinds, Traffic};
pub use self::trouble::{Crash, Partition, RING_NODES_MAX, Span, Split, Trouble, Victims, share};

/// Plays a scenario to its end.
///
/// # Errors
///
/// If it cannot be played; see [`Scenario::check`].
pub fn play(scenario: Scenario) -> Result<Results, ScenarioError> {
    play_on(1, scenario)
}

/// Plays a scenario to its end, the busy windows of a large cluster on so many threads. Their
/// number changes nothing but how long it takes.
///
/// # Errors
///
/// As [`play`].
pub fn play_on(threads: usize, scenario: Scenario) -> Result<Results, ScenarioError> {
    let mut cluster = Cluster::on_threads(threads, scenario)?;
    while cluster.advance() {}
    Ok(cluster.results())
}

/// Plays a scenario to its end, and keeps what happens.
///
/// # Errors
///
/// As [`play`].
pub fn watch(scenario: Scenario) -> Result<(Results, Trace), ScenarioError> {
    let mut cluster = Cluster::new(scenario)?;
    cluster.watch();
    while cluster.step() {}
    let trace = cluster.trace().unwrap_or_default();
    Ok((cluster.results(), trace))
}
