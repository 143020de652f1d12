//! What a run is to be like.

use std::time::Duration;

use crate::fault::FaultPlan;
use crate::load::{LoadConfig, Workload};
use crate::network::{Address, Latency};
use crate::topology::Topology;

/// Everything that a run depends on, besides the nodes.
#[derive(Clone, Debug)]
pub struct RunConfig {
    /// The nodes' names: letters, digits, `-` and `_`, each once, at least one node.
    pub nodes: Vec<String>,
    /// What the clients do.
    pub workload: Workload,
    /// How long the main phase lasts.
    pub time_limit: Duration,
    /// Operations a second, of all workers together.
    pub rate_hz: f64,
    /// Workers, at least one; worker i talks to node i mod n.
    pub concurrency: usize,
    /// Between nodes.
    pub latency: Latency,
    /// What the nodes are told of their neighbors.
    pub topology: Topology,
    /// What goes wrong; a plan for as many nodes.
    pub faults: FaultPlan,
    /// The share of operations, 0 to 1, that must succeed.
    pub availability_min: Option<f64>,
    /// Fixes the load and the latencies; the plan of faults has been drawn already.
    pub seed: u64,
    /// Whether the nodes are asked what they hold, which propagation is measured by.
    pub probes: bool,
    /// Say every message that is sent.
    pub log_net_send: bool,
    /// Say every message that is handed to a node.
    pub log_net_recv: bool,
}

impl RunConfig {
    /// The names that Maelstrom gives: `n0` to `n(count − 1)`, or `n1` to `n5` without a count.
    pub fn node_names(count: Option<usize>) -> Vec<String> {
        let range = count.map_or(1..6, |count| 0..count);
        range.map(|number| format!("n{number}")).collect()
    }

    pub(super) fn load(&self) -> LoadConfig {
        LoadConfig {
            workload: self.workload,
            rate_hz: self.rate_hz,
            time_limit: self.time_limit,
            workers: self.concurrency,
        }
    }

    /// Whom a name means; nothing if it is nobody's. There are `clients` clients.
    pub(super) fn address(&self, name: &str, clients: usize) -> Option<Address> {
        if let Some(client) = name.strip_prefix('c').and_then(|rest| rest.parse().ok())
            && client < clients
        {
            return Some(Address::Client(client));
        }
        // The names are n0, n1 … or n1, n2 …, so a guess finds the place at once.
        let number: usize = name.strip_prefix('n').and_then(|rest| rest.parse().ok()).unwrap_or(0);
        let is_at = |place: &usize| self.nodes.get(*place).is_some_and(|node| node == name);
        let guessed = [number, number.wrapping_sub(1)].into_iter().find(is_at);
        guessed.or_else(|| self.nodes.iter().position(|node| node == name)).map(Address::Node)
    }

    /// The mean latency when latencies are multiplied by `factor` and a share of messages, 0 to 1,
    /// is reordered.
    pub(super) fn mean_latency(&self, factor: f64, reorder: f64) -> Duration {
        let usual_ms = f64::from(self.latency.mean_ms) * factor;
        let mean_ms = (1.0 - reorder) * usual_ms + reorder * self.latency.reordered_mean_ms(factor);
        Duration::from_secs_f64(mean_ms / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_named_and_found_as_in_maelstrom() {
        let names = RunConfig::node_names;
        assert_eq!(names(Some(3)), ["n0", "n1", "n2"]);
        assert_eq!(names(None), ["n1", "n2", "n3", "n4", "n5"]);
    }
}
