//! What can be said to `gossiper sim`. The comments are the help texts.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use gossiper_lab::load::RATE_HZ_MAX;
use gossiper_lab::network::{Distribution, Latency};
use gossiper_lab::simulation::{
    BROADCASTS_MAX, Crash, NODES_MAX, Overlay, Partition, RATE_HZ_MIN, share,
};
use gossiper_lab::topology::Topology;
use gossiper_maelstrom::Strategy;

use crate::cli::{TIMES, duration, duration_or_zero, positive};

/// Compare protocols on a simulated cluster, in virtual time
///
/// Plays the core of this program's own node on a simulated network, without processes and without
/// waiting, and shows how far values came, how soon, and for how many messages. The same arguments
/// and the same seed give the same output on any machine.
///
///   gossiper sim --nodes 1000 --broadcasts 100 --latency 10..50
///   gossiper sim --nodes 100 --report report.html
///   gossiper sim --strategy hybrid --nodes 60 --crash hub@1s --loss 0.02 --seed 7 --json
///   gossiper sim --nodes 25 --broadcasts 100 --partition majority@1s..5s
///   gossiper sim plans/faults.toml
///   gossiper sim --swarm --seeds 10000
///
/// Times count from the first broadcast. What the figures mean is in docs/simulation.md.
///
/// Exit code 0: played; 1: a node delivered what it must not, or broke another promise; 2: nothing
/// was broadcast; 254: bad arguments; 255: the results could not be written.
#[derive(Args, Debug)]
#[command(
    verbatim_doc_comment,
    allow_negative_numbers = true,
    after_help = TIMES,
    override_usage = "gossiper sim [OPTIONS]\n       gossiper sim PLAN.toml [--threads N] [--report FILE] \
                      [--json]\n       gossiper sim --swarm [--seeds N] [--seed N] [--out FILE] \
                      [--threads N] [--json]\n       gossiper sim --swarm --replay FILE [--json]"
)]
pub(crate) struct SimArgs {
    /// A plan of many runs, which says all that is said below; docs/simulation.md has the keys
    #[arg(
        value_name = "PLAN.toml",
        conflicts_with_all = [
            "strategy", "nodes", "broadcasts", "rate", "senders", "latency", "latency_dist",
            "topology", "loss", "crash", "partition", "fault_plan", "settle", "fanout",
            "gossip_interval", "ack_timeout", "pace", "seed", "overlay", "warmup",
        ]
    )]
    pub(super) plan: Option<PathBuf>,

    /// Threads to play on; without it as many as there are cores. The output is the same for any
    #[arg(long, value_name = "N", value_parser = count::<THREADS_MAX>)]
    pub(super) threads: Option<usize>,

    /// Faults by the thousand: draw a cluster, a load and faults from each seed, and look at every
    /// step for what must never be
    ///
    /// With --seed that one is played, with --seeds so many from it on.
    #[arg(
        long,
        conflicts_with_all = [
            "strategy", "nodes", "broadcasts", "rate", "senders", "latency", "latency_dist",
            "topology", "loss", "crash", "partition", "fault_plan", "settle", "fanout",
            "gossip_interval", "ack_timeout", "pace", "report", "overlay", "warmup",
        ]
    )]
    pub(super) swarm: bool,

    /// How many seeds of a swarm, from 1 on unless --seed says otherwise; 1000 without either
    #[arg(long, value_name = "N", value_parser = seeds)]
    pub(super) seeds: Option<u64>,

    /// Play what a failure of a swarm was shrunk to
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seeds", "seed", "threads"])]
    pub(super) replay: Option<PathBuf>,

    /// Where a swarm writes what its first failure was shrunk to; without it swarm-SEED.json
    #[arg(long, value_name = "FILE", conflicts_with = "replay")]
    pub(super) out: Option<PathBuf>,

    /// How values spread
    #[arg(long, value_enum, default_value_t = Strategies::All)]
    pub(super) strategy: Strategies,

    /// Nodes, n0 to n(N-1), at most 1000000
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = count::<NODES_MAX>)]
    pub(super) nodes: usize,

    /// Values that clients broadcast
    #[arg(long, value_name = "B", default_value_t = 20, value_parser = count::<BROADCASTS_MAX>)]
    pub(super) broadcasts: usize,

    /// Broadcasts a second, over the whole cluster
    #[arg(long, value_name = "HZ", default_value = "10", value_parser = rate)]
    pub(super) rate: f64,

    /// How many of the nodes broadcast, drawn at random; without it all of them
    #[arg(long, value_name = "K", value_parser = positive)]
    pub(super) senders: Option<usize>,

    /// Latency between nodes in whole ms: a mean such as 100, a range such as 10..50, or `world`
    /// [default: 10..50]
    #[arg(long, value_name = "MS")]
    pub(super) latency: Option<Latency>,

    /// How latencies are distributed around a mean that --latency names: constant, uniform over 0
    /// to twice the mean, or exponential [default: constant]
    #[arg(long, value_name = "DIST")]
    pub(super) latency_dist: Option<Distribution>,

    /// The neighbors that the nodes are told: line, grid, tree or tree2, tree3, tree4, total
    ///
    /// With a topology that is a tree, tree and hybrid use it; with one that has cycles each node
    /// computes a tree of all nodes. Flood uses it as it is; gossip, and hybrid on a learned
    /// overlay, use none. [default: grid]
    #[arg(long)]
    pub(super) topology: Option<Topology>,

    /// How hybrid's nodes know each other: computed, learned, or auto
    ///
    /// With computed everybody knows everybody. With learned each node finds a few neighbors by
    /// itself, and a tree grows over them. Auto takes computed up to 5000 nodes, and learned beyond:
    /// that takes longer to play, as the neighbors are found before the first broadcast.
    #[arg(long, value_name = "KIND", default_value_t = Overlay::Auto)]
    pub(super) overlay: Overlay,

    /// How long the rounds of gossip and hybrid go on before the first broadcast; without it 30 of
    /// them on a learned overlay, and else nothing
    #[arg(long, value_name = "TIME", value_parser = duration_or_zero, allow_hyphen_values = true)]
    pub(super) warmup: Option<Duration>,

    /// The probability that a message between nodes is lost, such as 0.02 or 2%
    #[arg(long, value_name = "P", default_value = "0", value_parser = probability)]
    pub(super) loss: f64,

    /// Who crashes, and when: 10%@1s or 0.1@1s; back, empty, with 10%@1s..5s; also hub@1s or n3@1s
    ///
    /// A share of the nodes is drawn at random; the hub is the node that has sent most messages.
    #[arg(long, value_name = "WHO@WHEN")]
    pub(super) crash: Vec<Crash>,

    /// A partition, and when: one, minority-third, majority or majorities-ring, as in
    /// majority@1s..5s
    #[arg(long, value_name = "HOW@WHEN")]
    pub(super) partition: Vec<Partition>,

    /// Take the faults from a plan instead, as `gossiper test` writes and reads them
    #[arg(long, value_name = "FILE", conflicts_with_all = ["loss", "crash", "partition"])]
    pub(super) fault_plan: Option<PathBuf>,

    /// How long the run goes on after the last broadcast and the last fault [default: 10s]
    #[arg(long, value_name = "TIME", value_parser = duration_or_zero, allow_hyphen_values = true)]
    pub(super) settle: Option<Duration>,

    /// Peers per random push and per gossip round of gossip and hybrid, at least 1; a learned
    /// overlay has none [default: 2]
    #[arg(long, value_name = "K", value_parser = positive)]
    pub(super) fanout: Option<usize>,

    /// Time between two gossip rounds of gossip and hybrid, at least 1ms [default: 1s]
    #[arg(long, value_name = "TIME", value_parser = duration, allow_hyphen_values = true)]
    pub(super) gossip_interval: Option<Duration>,

    /// How long a forward of tree and hybrid may stay unacknowledged before it goes around, and
    /// how long gossip and hybrid wait until they ask another for what they lack; at least 1ms
    /// [default: 500ms]
    #[arg(long, value_name = "TIME", value_parser = duration, allow_hyphen_values = true)]
    pub(super) ack_timeout: Option<Duration>,

    /// Time between two pushes of hybrid to a neighbor; 0s means straight to all, or on a learned
    /// overlay at once. In a topology that is a tree it does not wait [default: 100ms]
    #[arg(long, value_name = "TIME", value_parser = duration_or_zero, allow_hyphen_values = true)]
    pub(super) pace: Option<Duration>,

    /// Fix every random choice; without it the seed is drawn at random, and shown
    #[arg(long, value_name = "N", value_parser = seed)]
    pub(super) seed: Option<u64>,

    /// Write a report to look at: one HTML file, no network needed
    ///
    /// It shows coverage over time, the figures, and plays a small cluster. Where nothing is said
    /// of faults it compares the run without any, with 5 % loss, and with a crashed inner node.
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,

    /// Print JSON: of one strategy an object, of all an object by strategy, of a plan a list
    #[arg(long)]
    pub(super) json: bool,
}

/// How long a run goes on unless told.
pub(super) const SETTLE: Duration = Duration::from_secs(10);

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Strategies {
    /// To all neighbors at once; what links lose is lost
    Flood,
    /// Along a tree, acknowledged, and around a silent neighbor
    Tree,
    /// To random peers, then rounds of gossip
    Gossip,
    /// Along a tree, acknowledged, then rounds of gossip
    Hybrid,
    /// Each of them on the same cluster, side by side
    All,
}

impl Strategies {
    pub(super) fn list(self) -> &'static [Strategy] {
        match self {
            Self::Flood => &[Strategy::Flood],
            Self::Tree => &[Strategy::Tree],
            Self::Gossip => &[Strategy::Gossip],
            Self::Hybrid => &[Strategy::Hybrid],
            Self::All => &[Strategy::Flood, Strategy::Tree, Strategy::Gossip, Strategy::Hybrid],
        }
    }
}

/// More threads than any machine has cores, and fewer than a system refuses.
const THREADS_MAX: usize = 1_024;

fn count<const MAX: usize>(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=MAX).contains(number));
    number.ok_or_else(|| format!("write a whole number from 1 to {MAX}"))
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| (RATE_HZ_MIN..=RATE_HZ_MAX).contains(rate));
    rate.ok_or_else(|| {
        format!("write a number of broadcasts a second from {RATE_HZ_MIN} to {RATE_HZ_MAX}")
    })
}

fn probability(text: &str) -> Result<f64, String> {
    share(text).ok_or_else(|| "write a probability from 0 to 1, such as 0.02 or 2%".to_owned())
}

fn seeds(text: &str) -> Result<u64, String> {
    let number = text.parse().ok().filter(|&number| number > 0);
    number.ok_or_else(|| format!("write a whole number from 1 to {}", u64::MAX))
}

fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("write a whole number from 0 to {}", u64::MAX))
}
