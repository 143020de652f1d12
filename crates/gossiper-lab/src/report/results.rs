//! `results.json`, as far as the page needs it. What it says besides is passed over.

use serde::{Deserialize, Serialize};

use super::messages::cut_name;
use crate::figures::{Net, Ops, Quantiles, Set};

/// Types in the page's table.
const TYPES_MAX: usize = 200;

/// The format's number.
pub(super) const FORMAT: u32 = 1;

/// The file. It stands in the page as it is read here.
#[derive(Serialize, Deserialize)]
pub(super) struct Results {
    pub(super) format: u32,
    pub(super) seed: u64,
    pub(super) valid: Option<bool>,
    reasons: Vec<String>,
    ops: Ops,
    /// Values that some live node was never seen to have.
    #[serde(default)]
    incomplete: u64,
    availability: f64,
    net: Net,
    set: Set,
    stable_latency_ms: Option<Quantiles<f64>>,
    propagation_ms: Option<Quantiles<f64>>,
    ideal_ms: Option<Quantiles<f64>>,
    excess_ms: Option<Quantiles<f64>>,
    challenge: Option<Challenge>,
    pub(super) plan: Plan,
    pub(super) phases_ms: Phases,
    nodes: Vec<NodeFigures>,
    pub(super) types: Vec<TypeFigures>,
    host: Option<Host>,
}

#[derive(Serialize, Deserialize)]
struct Challenge {
    name: String,
    title: String,
    limits: Vec<Limit>,
    /// In what the run was not the challenge's own.
    #[serde(default)]
    deviations: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Limit {
    figure: String,
    what: String,
    limit: f64,
    unit: String,
    measured: Option<f64>,
    passed: bool,
}

/// What was run.
#[derive(Serialize, Deserialize)]
pub(super) struct Plan {
    command: String,
    workload: String,
    program: String,
    /// The nodes' names; files name a node by its place here.
    pub(super) nodes: Vec<String>,
    time_limit_s: f64,
    rate_hz: f64,
    concurrency: u32,
    latency_ms: f64,
    latency_dist: String,
    topology: String,
    nemesis: Vec<String>,
    nemesis_interval_s: f64,
    nemesis_target: Option<String>,
    availability_min: Option<f64>,
    probes: bool,
}

/// When the phases began, in ms; nothing for those not reached.
#[derive(Serialize, Deserialize)]
pub(super) struct Phases {
    main: Option<f64>,
    pub(super) drain: Option<f64>,
    pub(super) quiet: Option<f64>,
    pub(super) r#final: Option<f64>,
    pub(super) end: Option<f64>,
}

#[derive(Serialize, Deserialize)]
struct NodeFigures {
    node: String,
    sent: u64,
    sent_bytes: u64,
    received: u64,
    received_bytes: u64,
    dropped: Dropped,
    kills: u64,
    pauses: u64,
    ops: Ops,
    values: u64,
}

#[derive(Serialize, Deserialize)]
struct Dropped {
    cut: u64,
    loss: u64,
    down: u64,
    overflow: u64,
}

/// The messages of one type between nodes.
#[derive(Serialize, Deserialize)]
pub(super) struct TypeFigures {
    pub(super) r#type: String,
    messages: u64,
    bytes: u64,
}

#[derive(Serialize, Deserialize)]
struct Host {
    started: Option<String>,
    boot_ms: Option<f64>,
    lateness_ms: Option<Quantiles<f64>>,
    probes: Option<u64>,
}

impl Results {
    /// Shortens what nodes can make as long as they like: the types. What is left out is counted.
    pub(super) fn shorten(&mut self) -> usize {
        let left_out = self.types.len().saturating_sub(TYPES_MAX);
        self.types.truncate(TYPES_MAX);
        self.types.iter_mut().for_each(|one| one.r#type = cut_name(&one.r#type));
        left_out
    }
}

impl Phases {
    /// The latest moment that the phases name, in ms.
    pub(super) fn last_ms(&self) -> f64 {
        let all = [self.main, self.drain, self.quiet, self.r#final, self.end];
        all.into_iter().flatten().fold(0.0, f64::max)
    }
}
