//! The small cluster that the page plays.

use std::time::Duration;

use gossiper_core::{Config, Instant, Strategy};
use serde::Serialize;

use super::comparison::Wrong;
use crate::fault::Event;
use crate::seed::at_ms;
use crate::simulation::{Broadcast, Cluster, LoadPlan, Scenario, Trace, strategy_name, watch};

/// Most nodes of the cluster that is played: more cannot be told apart on a phone. A tree of 24
/// children a node has two levels with so many.
pub const PLAYED_NODES_MAX: usize = 29;

/// Most values broadcast in it.
pub const PLAYED_VALUES_MAX: usize = 6;

/// When values are broadcast in it, in ms, besides those that follow a fault.
const MOMENTS_MS: [u64; 3] = [0, 600, 2_000];

/// How long after a fault's begin or end a value meets it, in ms.
const AFTER_FAULT_MS: u64 = 100;

/// How many gossip intervals there are to mend what went wrong.
const ROUNDS: u32 = 8;

/// The longest interval that counts there.
const ROUND_MAX: Duration = Duration::from_secs(60);

/// The small cluster, as each protocol plays it.
#[derive(Debug, Serialize)]
pub(super) struct Played {
    nodes: usize,
    /// Whether it is the very run that was asked for.
    is_whole: bool,
    /// The links of the tree, which say where nodes stand, also for protocols that use none.
    tree: Vec<(u32, u32)>,
    runs: Vec<Run>,
}

#[derive(Debug, Serialize)]
struct Run {
    strategy: &'static str,
    trace: Trace,
}

impl Played {
    /// Plays it; nothing if what goes wrong is not for so small a cluster.
    pub(super) fn of(whole: &Scenario, strategies: &[Strategy], wrong: &Wrong) -> Option<Self> {
        let is_whole =
            whole.nodes <= PLAYED_NODES_MAX && whole.broadcasts.len() <= PLAYED_VALUES_MAX;
        let nodes = whole.nodes.min(PLAYED_NODES_MAX);
        let faults = wrong.draw(nodes, whole.seed).ok()?;
        let small = if is_whole {
            Scenario { faults, ..whole.clone() }
        } else {
            Scenario {
                nodes,
                broadcasts: broadcasts(whole, nodes, faults.events()),
                settle: ROUNDS * whole.config.gossip_interval.min(ROUND_MAX),
                faults,
                ..whole.clone()
            }
        };
        let with = |strategy| {
            let config = Config { strategy, ..small.config.clone() };
            Scenario { config, ..small.clone() }
        };
        let run = |&strategy: &Strategy| {
            let (_, trace) = watch(with(strategy)).ok()?;
            Some(Run { strategy: strategy_name(strategy), trace })
        };
        let tree = Cluster::new(with(Strategy::Tree)).ok()?.links();
        let runs = strategies.iter().map(run).collect::<Option<_>>()?;
        Some(Self { nodes, is_whole, tree, runs })
    }
}

/// Some values, before, between and after the faults, from nodes that the seed draws.
fn broadcasts(whole: &Scenario, nodes: usize, faults: &[Event]) -> Vec<Broadcast> {
    let after = faults.iter().map(|event| event.at_ms.saturating_add(AFTER_FAULT_MS));
    let mut moments: Vec<Instant> = MOMENTS_MS.into_iter().chain(after).map(at_ms).collect();
    moments.sort_unstable();
    moments.dedup();
    moments.truncate(PLAYED_VALUES_MAX);
    let load = LoadPlan { broadcasts: moments.len(), rate_hz: 1.0, senders: nodes };
    let drawn = load.draw(nodes, whole.seed);
    moments.into_iter().zip(drawn).map(|(at, drawn)| Broadcast { at, ..drawn }).collect()
}
