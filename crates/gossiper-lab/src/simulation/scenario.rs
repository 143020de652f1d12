//! What a run is to be like.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use gossiper_core::{Config, Instant, NodeId, Strategy};

use crate::fault::{AT_MS_MAX, Event, FaultPlan};
use crate::network::Latency;
use crate::seed::Stream;
use crate::topology::Topology;

/// Most nodes: some gigabytes of them.
pub const NODES_MAX: usize = 1_000_000;

/// Most values of one run.
pub const BROADCASTS_MAX: usize = 1_000_000;

/// Lowest rate of broadcasts, a second.
pub const RATE_HZ_MIN: f64 = 0.001;

/// Most nodes of a topology that is a tree, of which each node is told the whole: what they are
/// told together grows with the square.
pub const WHOLE_TREE_NODES_MAX: usize = 2_000;

/// Most nodes that flood to all others: for each value they send the square of their number.
pub const FLOOD_ALL_NODES_MAX: usize = 2_000;

/// Most nodes of hybrid at a pace of 0: each watches a link to every other.
pub const STRAIGHT_NODES_MAX: usize = 2_000;

/// The longest of all times that a scenario has: as long as a plan of faults, ten days.
const TIME_MAX: Duration = Duration::from_millis(AT_MS_MAX);

/// Most bits that say which node holds which value: a gigabyte of them.
const HELD_BITS_MAX: u64 = 1 << 33;

/// A value that a client gives to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broadcast {
    /// When, since the begin of the main phase.
    pub at: Instant,
    /// To which node, by its place. If it is down or stands still the client turns to the next one
    /// in the list that is not.
    pub node: usize,
}

/// One run: a cluster, what is broadcast in it, and what goes wrong.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// How many nodes there are, at least 1.
    pub nodes: usize,
    /// How each of them behaves.
    pub config: Config,
    /// The neighbors that they are told.
    pub topology: Topology,
    /// How long messages between them take.
    pub latency: Latency,
    /// What goes wrong; for as many nodes. Times count from the begin of the main phase.
    pub faults: FaultPlan,
    /// What clients broadcast, in the order of time.
    pub broadcasts: Vec<Broadcast>,
    /// How long the run goes on after the last broadcast and the last fault.
    pub settle: Duration,
    /// Over how long a time the starts of the nodes are spread before the main phase.
    pub stagger: Duration,
    /// How long they then have to themselves before the main phase. Nothing that is sent before it
    /// counts. Unless told: thirty gossip intervals on a learned overlay, and else nothing.
    pub warmup: Option<Duration>,
    /// Settles every random choice.
    pub seed: u64,
}

impl Scenario {
    /// Whether the scenario can be played.
    ///
    /// # Errors
    ///
    /// If there is no node, a broadcast is out of order or for nobody, the plan of faults is for
    /// another number of nodes, or the cluster is too large for what is asked of it.
    pub fn check(&self) -> Result<(), ScenarioError> {
        let nodes = self.nodes;
        let refuse = |reason: String| Err(ScenarioError::new(reason));
        if nodes == 0 {
            return refuse("a cluster has one node at least".into());
        }
        if self.faults.nodes() != nodes {
            let planned = self.faults.nodes();
            return refuse(format!("the plan of faults is for {planned} nodes, and not {nodes}"));
        }
        let Config { gossip_interval, ack_timeout, pace, .. } = self.config;
        for (what, time) in [
            ("gossip interval", gossip_interval),
            ("ack time-out", ack_timeout),
            ("pace", pace),
            ("time to settle", self.settle),
            ("stagger", self.stagger),
            ("time to warm up", self.warmup.unwrap_or_default()),
        ] {
            if time > TIME_MAX {
                return refuse(format!("the {what} is longer than ten days, which is the most"));
            }
        }
        if !self.broadcasts.is_sorted_by_key(|broadcast| broadcast.at) {
            return refuse("the broadcasts are not in the order of time".into());
        }
        if let Some(lost) = self.broadcasts.iter().find(|broadcast| broadcast.node >= nodes) {
            return refuse(format!("there is no node {} to broadcast at: {nodes}", lost.node));
        }
        if self.topology.is_tree(nodes) && nodes > WHOLE_TREE_NODES_MAX {
            return refuse(format!(
                "topology {} is a tree, of which every node is told the whole, and that is for \
                 {WHOLE_TREE_NODES_MAX} nodes at most: take grid, with which each computes its tree",
                self.topology
            ));
        }
        let floods_all =
            self.topology == Topology::Total && self.config.strategy == Strategy::Flood;
        if floods_all && nodes > FLOOD_ALL_NODES_MAX {
            return refuse(format!(
                "to flood from everyone to everyone is for {FLOOD_ALL_NODES_MAX} nodes at most: \
                 take grid"
            ));
        }
        // Who knows a few others only has nobody else to push to.
        let knows_all = self.config.strategy == Strategy::Hybrid && !self.config.is_learned();
        let is_straight = knows_all && self.config.pace.is_zero();
        if is_straight && nodes > STRAIGHT_NODES_MAX {
            return refuse(format!(
                "at a pace of 0 every node pushes straight to all others, and that is for \
                 {STRAIGHT_NODES_MAX} nodes at most"
            ));
        }
        let bits = (nodes as u64).saturating_mul(self.broadcasts.len() as u64);
        if bits > HELD_BITS_MAX {
            return refuse(format!(
                "{nodes} nodes and {} broadcasts are too many together: at most {HELD_BITS_MAX} \
                 deliveries are kept account of",
                self.broadcasts.len()
            ));
        }
        Ok(())
    }

    /// When the last thing happens that the scenario asks for.
    pub(super) fn last_event(&self) -> Option<Instant> {
        let broadcast = self.broadcasts.last().map(|broadcast| broadcast.at);
        broadcast.max(self.faults.events().last().map(Event::at))
    }

    /// How old the last broadcast is when the run ends.
    pub(super) fn age_of_last(&self) -> Duration {
        let last = self.broadcasts.last().map(|broadcast| broadcast.at);
        let since = last.zip(self.last_event()).map_or(Duration::ZERO, |(last, end)| end - last);
        since.saturating_add(self.settle)
    }

    /// What the nodes are told of the topology.
    pub(super) fn told(&self) -> Told {
        if self.topology == Topology::Total && !self.topology.is_tree(self.nodes) {
            // That everybody is a neighbor is what a node that floods takes for granted.
            let is_flood = self.config.strategy == Strategy::Flood;
            return if is_flood { Told::Nothing } else { Told::HasCycle };
        }
        if self.topology.is_tree(self.nodes) {
            let links = (0..self.nodes).map(|node| (NodeId(node as u64), self.links_of(node)));
            return Told::Whole(links.collect());
        }
        Told::OwnLinks
    }

    /// The links of a node in the topology.
    pub(super) fn links_of(&self, node: usize) -> Vec<NodeId> {
        let near = self.topology.neighbors_of(node, self.nodes);
        near.into_iter().map(|other| NodeId(other as u64)).collect()
    }
}

/// What nodes are told of the topology.
#[derive(Debug)]
pub(super) enum Told {
    Nothing,
    /// No more than that there is more than one way between nodes.
    HasCycle,
    /// Each node its [own links](Scenario::links_of). There are cycles.
    OwnLinks,
    /// All links, of a tree.
    Whole(Vec<(NodeId, Vec<NodeId>)>),
}

/// How often and where values are broadcast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoadPlan {
    /// How many values.
    pub broadcasts: usize,
    /// How many a second on average. The first comes at once, each other one after a gap uniform
    /// on 0 to twice the mean, as [`load`](crate::load) has it.
    pub rate_hz: f64,
    /// How many of the nodes broadcast: so many are drawn, and each value is given to one of them,
    /// drawn again.
    pub senders: usize,
}

impl LoadPlan {
    /// Draws the broadcasts for a cluster of `nodes`.
    pub fn draw(&self, nodes: usize, seed: u64) -> Vec<Broadcast> {
        let mut times = Stream::new(seed, "load times");
        let mut places = Stream::new(seed, "load places");
        let mut senders: Vec<usize> = (0..nodes).collect();
        places.shuffle(&mut senders);
        senders.truncate(self.senders.max(1));
        let gap_bound = ((2e9 / self.rate_hz).round() as u64).saturating_add(1);
        let mut at = Instant::START;
        let mut next = || {
            let sender = places.below(senders.len() as u64) as usize;
            let broadcast = Broadcast { at, node: senders[sender] };
            at = Instant(at.0.saturating_add(times.below(gap_bound)));
            broadcast
        };
        (0..self.broadcasts).map(|_| next()).collect()
    }
}

/// Why a scenario cannot be played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioError {
    /// What it is about, if it is about one thing.
    pub(super) key: Option<Key>,
    pub(super) problem: String,
}

/// What was said that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// The key in a plan, which is the name of the flag too.
    pub(super) name: &'static str,
    /// The value, where it does not stand in a plan.
    pub(super) value: Option<String>,
    /// The name of the faults in a plan that the key stands in.
    pub(super) faults: Option<String>,
}

impl ScenarioError {
    pub(super) fn new(problem: String) -> Self {
        Self { key: None, problem }
    }

    /// A problem with the value of a key.
    pub(super) fn about(name: &'static str, problem: impl fmt::Display) -> Self {
        let key = Key { name, value: None, faults: None };
        Self { key: Some(key), problem: problem.to_string() }
    }

    pub(super) fn with_value(mut self, value: &dyn fmt::Display) -> Self {
        if let Some(key) = &mut self.key {
            key.value = Some(value.to_string());
        }
        self
    }

    /// If it is about a key: that of the faults with this name.
    pub(super) fn of_faults(mut self, name: &str) -> Self {
        if let Some(key) = &mut self.key {
            key.faults = Some(name.to_owned());
        }
        self
    }
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Key { name, value, faults }) = &self.key {
            if let Some(faults) = faults {
                write!(f, "faults {faults:?}: ")?;
            }
            f.write_str(name)?;
            if let Some(value) = value {
                write!(f, " {value}")?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.problem)
    }
}

impl Error for ScenarioError {}
