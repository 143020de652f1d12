//! What a seed is made into: all that a run needs, and what it promises.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use gossiper_core::{Config, Instant, Mechanism, NodeId, Strategy, Topology as Links};

use super::partial::check_views;
use crate::fault::{Action, Fault, FaultPlan, Kind};
use crate::network::{Distribution, Latency, WORLD_MS_MAX};
use crate::seed::at_ms;
use crate::topology::Topology;

/// Most nodes of a scenario. What is looked at after each step grows with them.
pub const NODES_MAX: usize = 1_000;

/// Most broadcasts, jolts and events of a scenario together with its nodes' square, so that a file
/// from elsewhere takes neither all memory nor all day.
const SIZE_MAX: usize = 10_000_000;

/// Latest moment of a scenario, in ms: an hour.
const AT_MS_MAX: u64 = 3_600_000;

/// Longest of what settings say, in ms.
const SETTING_MS_MAX: u64 = 600_000;

/// A value that a client gives to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broadcast {
    /// When, in ms.
    pub at_ms: u64,
    /// To which node; if it does not answer, to the next one that does.
    pub node: usize,
    /// Which value. The same one may be broadcast again, elsewhere, as by a client that got no
    /// answer.
    pub value: usize,
}

/// Something that befalls one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jolt {
    /// When, in ms.
    pub at_ms: u64,
    /// Whom.
    pub node: usize,
    /// What.
    pub what: Jolted,
}

/// What a jolt does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jolted {
    /// The node crashes, and comes back as it was: it keeps its state, but loses all that was under
    /// way to it, and time.
    Crash {
        /// For how long, in ms.
        down_ms: u64,
    },
    /// The node's own clock is put forward.
    Clock {
        /// By how much, in ms.
        step_ms: u64,
    },
}

/// A run of the swarm. Times count from the start of the nodes, which start together.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Settles what befalls messages, and what the nodes draw.
    pub seed: u64,
    /// How many nodes there are.
    pub nodes: usize,
    /// The neighbors that they are told.
    pub topology: Topology,
    /// How long messages take.
    pub latency: Latency,
    /// How the nodes behave.
    pub config: Config,
    /// How some of them behave instead.
    pub odd: BTreeMap<usize, Config>,
    /// In the order of time, none after the calm.
    pub broadcasts: Vec<Broadcast>,
    /// What goes wrong.
    pub faults: FaultPlan,
    /// What else goes wrong, in the order of time.
    pub jolts: Vec<Jolt>,
    /// When everything that is wrong ends, in ms.
    pub calm_at_ms: u64,
}

impl Scenario {
    /// How a node behaves.
    pub fn config_of(&self, node: usize) -> &Config {
        self.odd.get(&node).unwrap_or(&self.config)
    }

    /// How the nodes behave, those of [`config`](Self::config) once.
    pub(super) fn configs(&self) -> impl Iterator<Item = &Config> + Clone {
        let is_usual = self.odd.len() < self.nodes;
        is_usual.then_some(&self.config).into_iter().chain(self.odd.values())
    }

    /// What a node is told of the topology: as [`gossiper sim`](crate::simulation) does.
    pub(super) fn told(&self, node: usize) -> Option<Links> {
        let id = NodeId(node as u64);
        let is_tree = self.topology.is_tree(self.nodes);
        if self.topology == Topology::Total && !is_tree {
            // That everybody is a neighbor is what a node that floods takes for granted.
            let is_flood = self.config_of(node).strategy == Strategy::Flood;
            return (!is_flood).then(|| Links::own_links(id, &[], true));
        }
        let ids = |near: Vec<usize>| near.into_iter().map(|other| NodeId(other as u64)).collect();
        let mut links: Vec<Vec<NodeId>> =
            self.topology.neighbors(self.nodes).into_iter().map(ids).collect();
        if !is_tree {
            return Some(Links::own_links(id, &links.swap_remove(node), true));
        }
        let links: Vec<(NodeId, Vec<NodeId>)> = (0..).map(NodeId).zip(links).collect();
        Some(Links::new(id, &links))
    }

    /// Whether messages may get lost, or what a node has.
    pub fn is_lossy(&self) -> bool {
        let loses =
            |kind: Kind| matches!(kind, Kind::Loss | Kind::Partition | Kind::OneWay | Kind::Kill);
        let starts = |action: &Action| match action {
            Action::Start(fault) => loses(fault.kind()),
            Action::Stop(_) | Action::StopAll => false,
        };
        let crashes = |jolt: &Jolt| matches!(jolt.what, Jolted::Crash { .. });
        self.faults.events().iter().any(|event| starts(&event.action))
            || self.jolts.iter().any(crashes)
    }

    /// Whether every node is promised every value. Rounds keep that promise whatever happens;
    /// without them a protocol that pushes keeps it on a network that loses nothing.
    pub fn promises_agreement(&self) -> bool {
        let is_calm = !self.is_lossy() && self.odd.is_empty();
        self.configs().all(makes_rounds) || is_calm && self.config.uses(Mechanism::Push)
    }

    /// How long after the calm everybody must hold everything, in ms. It counts from the arrival of
    /// the last message that was under way then.
    ///
    /// - A suspected neighbor is probed at most 5 s after the last time, and so is heard again.
    /// - With `n` nodes rounds bring a value from one node to all in about log₂ n + ln n rounds
    ///   with
    ///   one peer a round (Pittel 1987), and the chance to miss a node falls by more than e a round
    ///   (Demers et al. 1987, 1.3): twice that and 16 rounds leave less than one in a million. With
    ///   messages that no node knows by name yet, the names come 8 intervals later.
    /// - An exchange takes four messages, and who lags asks once in an acknowledgement time-out.
    pub fn agreement_ms_max(&self) -> u64 {
        let longest = |of: fn(&Config) -> Duration| {
            self.configs().map(of).max().unwrap_or_default().as_millis() as u64
        };
        let interval = longest(|config| config.gossip_interval);
        let waits = longest(|config| config.ack_timeout + config.pace) + 4 * self.latency_ms_max();
        let log = u64::from(self.nodes.max(2).ilog2()) + 1;
        if self.is_learned() {
            return self.reunion_ms_max(interval, waits, log);
        }
        let rounds = 2 * (log + log * 7 / 10) + 16 + 8;
        5_000 + rounds * interval + (log + 4) * waits
    }

    /// The longest that a message takes with nothing wrong, in ms; of those without a longest what
    /// one in a million exceeds.
    pub(super) fn latency_ms_max(&self) -> u64 {
        let mean = u64::from(self.latency.mean_ms);
        match self.latency.distribution {
            Distribution::Constant => mean,
            Distribution::Uniform => 2 * mean,
            Distribution::Exponential => 14 * mean,
            Distribution::Range { most_ms, .. } => u64::from(most_ms),
            Distribution::World => u64::from(WORLD_MS_MAX),
        }
    }

    /// For how long nothing is asked of a cluster that has come to agree, in ms: links that lost
    /// something repeat for 10 s, a neighbor counts as well again after 5 s, and by rounds each
    /// node hears of each other in about n ln n of them.
    pub(super) fn settle_ms(&self) -> u64 {
        let waits = self.configs().map(|config| config.ack_timeout * 8 + config.pace * 4);
        let longest = waits.max().unwrap_or_default().as_millis() as u64;
        if self.is_learned() {
            return longest + self.reunited_ms();
        }
        let nodes = self.nodes as u64;
        let rounds = 16 + nodes * u64::from(nodes.max(2).ilog2()) / 2;
        20_000 + longest + rounds * self.interval_ms() + 4 * self.latency_ms_max()
    }

    /// How long it is then listened to, in ms: 200 rounds.
    pub(super) fn idle_ms(&self) -> u64 {
        200 * self.interval_ms()
    }

    /// The longest gossip interval.
    pub(super) fn interval_ms(&self) -> u64 {
        let longest = self.configs().map(|config| config.gossip_interval).max();
        longest.unwrap_or_default().as_millis() as u64
    }

    /// The most messages that the cluster may send in 200 rounds in which nothing happens. Where
    /// rounds are skipped it is half a message a round and node. Else it is what a node says that
    /// makes every round, a message to `fanout` peers in each, and an answer of those that do not
    /// compare digests.
    pub fn idle_messages_max(&self) -> u64 {
        if self.is_learned() {
            return self.kept_up_max();
        }
        if self.is_thrifty() && self.configs().all(|config| !config.pace.is_zero()) {
            let rounds = self.idle_ms() / self.interval_ms().max(1) + 1;
            return (rounds * self.nodes as u64).div_ceil(2);
        }
        let each = |node: usize| {
            let config = self.config_of(node);
            if !makes_rounds(config) || self.nodes == 1 {
                return 0;
            }
            let rounds = self.idle_ms().div_ceil(config.gossip_interval.as_millis() as u64);
            (rounds + 1) * 2 * config.fanout.min(self.nodes - 1) as u64
        };
        (0..self.nodes).map(each).sum()
    }

    /// What is aimed at instead where rounds may be skipped: 0.1 messages an
    /// interval and node.
    pub(super) fn thrifty_messages_max(&self) -> Option<u64> {
        let rounds = self.idle_ms() / self.interval_ms().max(1) + 1;
        self.is_thrifty().then(|| (rounds * self.nodes as u64).div_ceil(10))
    }

    /// Whether rounds are skipped when all is well: hybrid's are on a computed tree.
    fn is_thrifty(&self) -> bool {
        let is_thrifty = |config: &Config| {
            config.strategy == Strategy::Hybrid && Mechanism::ALL.iter().all(|&it| config.uses(it))
        };
        !self.is_learned() && !self.topology.is_tree(self.nodes) && self.configs().all(is_thrifty)
    }

    /// Whether the scenario can be played.
    ///
    /// # Errors
    ///
    /// If it names nodes that there are not, is out of the order of time, or is too large.
    pub fn check(&self) -> Result<(), ScenarioError> {
        let refuse = |reason: String| Err(ScenarioError(reason));
        let nodes = self.nodes;
        if !(1..=NODES_MAX).contains(&nodes) {
            return refuse(format!("{nodes} nodes: write from 1 to {NODES_MAX}"));
        }
        let events = self.broadcasts.len() + self.faults.events().len() + self.jolts.len();
        if events.saturating_mul(nodes).saturating_mul(nodes) > SIZE_MAX {
            return refuse(format!("{events} events are too many for {nodes} nodes"));
        }
        if self.faults.nodes() != nodes {
            let planned = self.faults.nodes();
            return refuse(format!("the faults are for {planned} nodes, and not for {nodes}"));
        }
        let is_sorted = self.broadcasts.is_sorted_by_key(|it| it.at_ms)
            && self.jolts.is_sorted_by_key(|it| it.at_ms);
        let last = self.broadcasts.last().map(|it| it.at_ms);
        if !is_sorted || last > Some(self.calm_at_ms) || self.calm_at_ms > AT_MS_MAX {
            return refuse(format!(
                "broadcasts and jolts come in the order of time, broadcasts at {} ms at the latest, \
                 and the calm within an hour",
                self.calm_at_ms
            ));
        }
        let named = self.broadcasts.iter().map(|it| it.node);
        let named = named.chain(self.jolts.iter().map(|it| it.node));
        if let Some(node) = named.chain(self.odd.keys().copied()).find(|&node| node >= nodes) {
            return refuse(format!("there is no node {node}: there are {nodes}, from 0"));
        }
        if let Some(lost) = self.broadcasts.iter().find(|it| it.value >= self.broadcasts.len()) {
            return refuse(format!("value {} is as large as the number of broadcasts", lost.value));
        }
        let times = self.jolts.iter().map(|jolt| match jolt.what {
            Jolted::Crash { down_ms } => down_ms,
            Jolted::Clock { step_ms } => step_ms,
        });
        if times.max() > Some(AT_MS_MAX) {
            return refuse("a jolt is of an hour at most".into());
        }
        if self.configs().any(|config| config.is_learned() != self.is_learned()) {
            return refuse("all nodes have partial views, or none has".into());
        }
        self.configs().try_for_each(check_config).map_err(ScenarioError)
    }

    /// When the calm begins.
    pub(super) fn calm_at(&self) -> Instant {
        at_ms(self.calm_at_ms)
    }

    /// What is in the scenario, for a summary of many.
    pub(super) fn features(&self) -> Vec<&'static str> {
        let kind = |action: &Action| match action {
            Action::Start(Fault::Ring { .. }) => Some("ring"),
            Action::Start(fault) => Some(fault.kind().name()),
            Action::Stop(_) | Action::StopAll => None,
        };
        let faults = self.faults.events().iter().filter_map(|event| kind(&event.action));
        let jolts = self.jolts.iter().map(|jolt| match jolt.what {
            Jolted::Crash { .. } => "crash with memory",
            Jolted::Clock { .. } => "clock step",
        });
        let mut all: Vec<&'static str> = faults.chain(jolts).collect();
        let mut put = |is_in: bool, name| all.extend(is_in.then_some(name));
        put(!self.odd.is_empty(), "mixed nodes");
        put(self.configs().any(|config| config.without.iter().next().is_some()), "mechanism off");
        put(self.is_learned(), "partial views");
        put(self.config.pace.is_zero(), "no pace");
        put(self.broadcasts.iter().enumerate().any(|(n, it)| it.value != n), "repeated values");
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// Whether a node begins rounds by a timer.
fn makes_rounds(config: &Config) -> bool {
    matches!(config.strategy, Strategy::Gossip | Strategy::Hybrid) && config.uses(Mechanism::Rounds)
}

fn check_config(config: &Config) -> Result<(), String> {
    let most = Duration::from_millis(SETTING_MS_MAX);
    let least = Duration::from_millis(1);
    if config.fanout == 0 || config.awaited_max == 0 {
        return Err("fanout and awaited_max are 1 at least".into());
    }
    if config.is_learned() {
        check_views(config)?;
    }
    let timers = [config.gossip_interval, config.ack_timeout];
    if timers.iter().any(|time| !(least..=most).contains(time)) || config.pace > most {
        return Err("times are from 1 ms (the pace from 0) to ten minutes".into());
    }
    Ok(())
}

/// Why a scenario cannot be played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioError(pub(super) String);

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "scenario: {}", self.0)
    }
}

impl Error for ScenarioError {}
