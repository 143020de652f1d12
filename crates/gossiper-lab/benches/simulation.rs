//! How many events a second the virtual host plays.
//!
//! ```text
//! cargo bench -p gossiper-lab --bench simulation
//! ```
//!
//! Each line is one run of one thread, the nodes' own work included: so many nodes, 10 to 50 ms a
//! hop, broadcasts from anywhere. An event is a message that arrives, a wake-up, a broadcast or a
//! fault. With a strategy's name after `--`, only that one is run, for a profiler; with a number of
//! nodes and one of broadcasts behind it, only that run.
//!
//! ```text
//! cargo bench -p gossiper-lab --bench simulation -- growth
//! ```
//!
//! One broadcast by hybrid on clusters of up to a million nodes, on one thread and on all cores,
//! with the memory that the process has taken at most.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::time::{Duration, Instant as Clock};

use gossiper_core::{Config, Strategy};
use gossiper_lab::fault::FaultPlan;
use gossiper_lab::network::Latency;
use gossiper_lab::simulation::{LoadPlan, Scenario, play, play_on, strategy_name};
use gossiper_lab::topology::Topology;

fn main() {
    let is_trial = !std::env::args().any(|arg| arg == "--bench");
    let mut told = std::env::args().skip(1).filter(|arg| !arg.starts_with("--"));
    let wanted = told.next();
    if wanted.as_deref() == Some("growth") {
        return grow(if is_trial { 1_000 } else { 1_000_000 });
    }
    let sizes: Vec<usize> = told.filter_map(|arg| arg.parse().ok()).collect();
    println!("{:<8} {:>7} {:>10} {:>10} {:>8}", "", "nodes", "broadcasts", "events", "events/s");
    for strategy in [Strategy::Flood, Strategy::Tree, Strategy::Gossip, Strategy::Hybrid] {
        let name = strategy_name(strategy);
        if wanted.as_ref().is_some_and(|wanted| wanted != name) {
            continue;
        }
        if let [nodes, broadcasts] = sizes[..] {
            measure(strategy, nodes, broadcasts);
            continue;
        }
        for (nodes, broadcasts) in [(25, 20_000), (1_000, 1_000), (10_000, 100)] {
            let broadcasts = if is_trial { broadcasts / 100 } else { broadcasts };
            measure(strategy, nodes, broadcasts);
        }
    }
}

fn grow(nodes_max: usize) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!(
        "{:>8} {:>7} {:>9} {:>9} {:>9} {:>8}",
        "nodes", "threads", "events", "s", "events/s", "GiB"
    );
    for nodes in [1_000, 10_000, 100_000, 1_000_000].into_iter().filter(|&n| n <= nodes_max) {
        for threads in [1, cores] {
            let start = Clock::now();
            let results = play_on(threads, scenario(Strategy::Hybrid, nodes, 1));
            let (took, events) = (start.elapsed().as_secs_f64(), results.expect(PLAYABLE).events);
            let (rate, memory) = (events as f64 / took, memory_gib().unwrap_or(f64::NAN));
            println!("{nodes:>8} {threads:>7} {events:>9} {took:>9.2} {rate:>9.0} {memory:>8.2}");
        }
    }
}

/// The most memory that this process has taken, where the system tells it.
fn memory_gib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib / f64::from(1 << 20))
}

const PLAYABLE: &str = "a scenario that can be played";

fn scenario(strategy: Strategy, nodes: usize, broadcasts: usize) -> Scenario {
    let load = LoadPlan { broadcasts, rate_hz: 100.0, senders: nodes };
    Scenario {
        nodes,
        config: Config { strategy, ..Config::default() },
        topology: Topology::Grid,
        latency: Latency::range(10, 50),
        faults: FaultPlan::new(nodes, Vec::new()).expect("an empty plan is a plan"),
        broadcasts: load.draw(nodes, 1),
        settle: Duration::from_secs(5),
        stagger: Duration::from_secs(1),
        warmup: None,
        seed: 1,
    }
}

fn measure(strategy: Strategy, nodes: usize, broadcasts: usize) {
    let start = Clock::now();
    let results = play(scenario(strategy, nodes, broadcasts)).expect(PLAYABLE);
    let rate = results.events as f64 / start.elapsed().as_secs_f64();
    let (name, events) = (strategy_name(strategy), results.events);
    println!("{name:<8} {nodes:>7} {broadcasts:>10} {events:>10} {rate:>8.0}");
}
