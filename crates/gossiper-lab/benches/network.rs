//! How many messages a second the network takes, and keeps under way.
//!
//! ```text
//! cargo bench -p gossiper-lab --bench network
//! ```
//!
//! Everybody sends to the next in turn, 100 ms under way; a client reads now and then. Prints
//! messages a second of one thread, for the calm network and for one with every chance at work.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::time::Instant as Clock;

use gossiper_core::Instant;
use gossiper_lab::network::{Address, Calm, Conditions, Distribution, Latency, Network};

/// Messages of one measurement.
const MESSAGES: u64 = 3_000_000;

/// Simulated time between two messages: 100,000 a second.
const GAP_NS: u64 = 10_000;

struct Stormy;

impl Conditions for Stormy {
    fn loss(&self) -> f64 {
        0.1
    }

    fn duplicate(&self) -> f64 {
        0.1
    }

    fn reorder(&self) -> f64 {
        0.1
    }
}

fn main() {
    println!("{:>5}  {:<26}  {:>12}", "nodes", "network", "messages/s");
    for nodes in [25, 1000] {
        let constant = Latency { mean_ms: 100, distribution: Distribution::Constant };
        let exponential = Latency { mean_ms: 100, distribution: Distribution::Exponential };
        measure(nodes, "calm, constant", constant, &Calm);
        measure(nodes, "calm, exponential", exponential, &Calm);
        measure(nodes, "stormy, exponential", exponential, &Stormy);
    }
}

fn measure(nodes: usize, name: &str, latency: Latency, conditions: &impl Conditions) {
    let mut network: Network<[u64; 4]> = Network::new(nodes, latency, 1);
    let mut outcomes = Vec::new();
    let mut ended = 0;
    let start = Clock::now();
    for index in 0..MESSAGES {
        let now = Instant(index * GAP_NS);
        let from = index as usize % nodes;
        let to = (from + 1 + index as usize / nodes % (nodes - 1)) % nodes;
        network.send(now, Address::Node(from), Address::Node(to), [index; 4], conditions);
        if network.next_event().is_some_and(|at| at <= now) {
            network.advance(now, conditions, &mut outcomes);
            ended += outcomes.len();
            outcomes.clear();
        }
    }
    while let Some(at) = network.next_event() {
        network.advance(at.max(Instant(MESSAGES * GAP_NS)), conditions, &mut outcomes);
        ended += outcomes.len();
        outcomes.clear();
    }
    let rate = ended as f64 / start.elapsed().as_secs_f64();
    println!("{nodes:>5}  {name:<26}  {rate:>12.0}");
}
