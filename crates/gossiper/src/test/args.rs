//! What can be said to `gossiper test`. The comments are the help texts.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use gossiper_lab::challenge::Challenge;
use gossiper_lab::fault::{Kind, Target};
use gossiper_lab::load::{RATE_HZ_MAX, Workload};
use gossiper_lab::network::{Distribution, LATENCY_MS_MAX};
use gossiper_lab::topology::Topology;

/// Most nodes: each is a process.
const NODES_MAX: usize = 10_000;
/// Most workers: as many nodes with ten each.
const CONCURRENCY_MAX: usize = 100_000;
/// Longest main phase and longest interval, in seconds: a day.
const SECONDS_MAX: f64 = 86_400.0;

/// Put a broadcast node to the test, as Maelstrom does
///
/// Runs any node program as real processes over a simulated network, under load and faults, and
/// judges it. Without --bin it tests this program's own node. The flags and defaults are
/// Maelstrom's, and so is the verdict, but for what docs/workbench.md names.
///
///   gossiper test --challenge 3d
///   gossiper test -w broadcast --bin ./node.py --node-count 5 --time-limit 20 --rate 10
///   gossiper test --bin ./node.py --nemesis partition,kill --seed 7 -- --node-flag
///
/// A challenge's limits change neither verdict nor exit code.
/// Exit code 0: valid; 1: invalid; 2: unknown, or interrupted; 254: bad arguments; 255: a node
/// ended by itself or did not start, or the results could not be written.
#[derive(Args, Debug)]
#[command(verbatim_doc_comment, allow_negative_numbers = true)]
pub(crate) struct TestArgs {
    /// What clients do: broadcast or echo
    #[arg(short, long, default_value_t = Workload::Broadcast)]
    pub(super) workload: Workload,

    /// The node program; without it, this program's own node
    ///
    /// A file, or a command such as "python3 node.py", which is split as a shell would split it.
    #[arg(long, value_name = "FILE")]
    pub(super) bin: Option<String>,

    /// Further arguments for the node program
    #[arg(last = true, value_name = "ARGS")]
    pub(super) args: Vec<String>,

    /// Play this program's own node in memory and in virtual time: the same test in a second
    ///
    /// Nodes answer in no time, and the same seed gives the same run, to the last message.
    #[arg(long = "virtual", conflicts_with_all = ["bin", "log_stderr"])]
    pub(super) is_virtual: bool,

    /// Set the parameters of a published challenge, and show its limits beside the figures: 3a, 3b,
    /// 3c, 3d or 3e
    ///
    /// What is said besides takes precedence over the challenge's parameters, and then the run
    /// decides nothing about the challenge.
    #[arg(long, value_name = "NAME")]
    pub(super) challenge: Option<Challenge>,

    /// Nodes, n0 to n(N-1); without it the five nodes n1 to n5
    #[arg(long, value_name = "N", value_parser = count::<NODES_MAX>)]
    pub(super) node_count: Option<usize>,

    /// Length of the main phase, in seconds [default: 60]
    #[arg(long, value_name = "S", value_parser = seconds)]
    pub(super) time_limit: Option<Duration>,

    /// Client operations a second, over all clients [default: 5]
    #[arg(long, value_name = "HZ", value_parser = rate)]
    pub(super) rate: Option<f64>,

    /// Client workers: a number, or a multiple of the nodes such as 2n
    #[arg(long, value_name = "N", default_value = "1n")]
    pub(super) concurrency: Concurrency,

    /// Mean latency between nodes, in whole ms [default: 0]
    #[arg(long, value_name = "MS", value_parser = latency_ms)]
    pub(super) latency: Option<u32>,

    /// How latencies are distributed: constant, uniform over 0 to twice the mean, or exponential
    #[arg(long, value_name = "DIST", default_value_t = Distribution::Constant)]
    pub(super) latency_dist: Distribution,

    /// The neighbors that the nodes are told: line, grid, tree or tree2, tree3, tree4, total
    #[arg(long, default_value_t = Topology::Grid)]
    pub(super) topology: Topology,

    /// What goes wrong: partition, one-way, kill, pause, loss, duplicate, reorder, slow; several
    /// with commas
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    pub(super) nemesis: Vec<Kind>,

    /// Mean time from a fault's start to its stop, and from there to the next start, in seconds
    #[arg(long, value_name = "S", default_value = "10", value_parser = seconds)]
    pub(super) nemesis_interval: Duration,

    /// At whom faults aim; the hub is the node that has sent most [default: random]
    #[arg(long, value_enum, value_name = "WHO")]
    pub(super) nemesis_target: Option<TargetArg>,

    /// Take the faults from a plan instead, such as the faults.jsonl of an earlier run
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["nemesis", "nemesis_interval", "nemesis_target"]
    )]
    pub(super) fault_plan: Option<PathBuf>,

    /// The share of operations that must succeed: 0 to 1, or total
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub(super) availability: Option<f64>,

    /// Fix the load, the latencies and the faults; without it the seed is drawn at random
    #[arg(long, value_name = "N", value_parser = seed)]
    pub(super) seed: Option<u64>,

    /// The folder of the results; without it store/WORKLOAD/TIME, with store/latest pointing there
    ///
    /// What an earlier run left in the folder is replaced.
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,

    /// Do not ask the nodes what they hold; propagation is then only what clients happen to read
    #[arg(long)]
    pub(super) no_probes: bool,

    /// Show what the nodes write to stderr
    #[arg(long)]
    pub(super) log_stderr: bool,

    /// Show every message when it is sent
    #[arg(long)]
    pub(super) log_net_send: bool,

    /// Show every message when it is handed to a node
    #[arg(long)]
    pub(super) log_net_recv: bool,
}

/// How many workers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Concurrency {
    Workers(usize),
    PerNode(usize),
}

impl Concurrency {
    /// The workers of a cluster.
    pub(super) fn of(self, nodes: usize) -> usize {
        match self {
            Self::Workers(workers) => workers,
            Self::PerNode(workers) => workers * nodes,
        }
    }
}

impl std::str::FromStr for Concurrency {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_in_range = |number: &usize| (1..=CONCURRENCY_MAX).contains(number);
        let parse = |text: &str| text.parse().ok().filter(is_in_range);
        let concurrency = match text.strip_suffix('n') {
            Some("") => Some(Self::PerNode(1)),
            Some(number) => {
                parse(number).filter(|n| n * NODES_MAX <= CONCURRENCY_MAX).map(Self::PerNode)
            }
            None => parse(text).map(Self::Workers),
        };
        concurrency.ok_or_else(|| {
            format!("write a number from 1 to {CONCURRENCY_MAX}, or 1n to 10n for as many per node")
        })
    }
}

#[derive(ValueEnum, Clone, Copy, Debug)]
pub(super) enum TargetArg {
    /// Anybody
    Random,
    /// The node that has sent most messages when the fault comes
    Hub,
}

impl TargetArg {
    pub(super) fn target(self) -> Target {
        match self {
            Self::Random => Target::Random,
            Self::Hub => Target::Hub,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Hub => "hub",
        }
    }
}

fn count<const MAX: usize>(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=MAX).contains(number));
    number.ok_or_else(|| format!("write a whole number from 1 to {MAX}"))
}

fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("write a whole number from 0 to {}", u64::MAX))
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| (0.0..=RATE_HZ_MAX).contains(rate));
    rate.ok_or_else(|| format!("write a number of operations a second from 0 to {RATE_HZ_MAX}"))
}

fn latency_ms(text: &str) -> Result<u32, String> {
    let latency = text.parse().ok().filter(|latency| (0..=LATENCY_MS_MAX).contains(latency));
    latency.ok_or_else(|| format!("write whole milliseconds from 0 to {LATENCY_MS_MAX}"))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| (0.001..=SECONDS_MAX).contains(seconds));
    let seconds = seconds.ok_or("write a number of seconds from 0.001 to 86400, such as 20")?;
    Ok(Duration::from_secs_f64(seconds))
}

fn share(text: &str) -> Result<f64, String> {
    if text == "total" {
        return Ok(1.0);
    }
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "write a share from 0 to 1, such as 0.95, or total".to_owned())
}
