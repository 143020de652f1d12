//! What a run is like, as its results tell it: the network, the settings of the nodes, whom they
//! push to, and what goes wrong.

use std::collections::BTreeSet;
use std::fmt;
use std::iter;

use gossiper_core::{Strategy, TREE_CHILDREN_MAX};
use serde::{Serialize, Serializer};

use super::idle::idle_setting;
use super::results::ms;
use super::scenario::Scenario;
use crate::fault::{Action, Direction, Event, Fault, FaultPlan, Group, Kind, Shape};

/// What a run is like. Times are in milliseconds, and what nobody uses is null.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Setting {
    /// The latency of messages in ms, as the command line has it.
    pub latency: String,
    /// How latencies are distributed around a mean.
    pub latency_dist: Option<String>,
    /// The topology of the links that nodes are told.
    pub topology: Option<String>,
    /// From the first broadcast to the last.
    pub broadcasting_ms: f64,
    /// The nodes that values are given to.
    pub senders: usize,
    /// How long the run goes on after the last broadcast and the last fault.
    pub settle_ms: f64,
    /// How long rounds go on before the first broadcast.
    pub warmup_ms: Option<f64>,
    /// Peers per random push and round.
    pub fanout: Option<usize>,
    /// The time between two rounds.
    pub gossip_interval_ms: Option<f64>,
    /// How long an acknowledgement or an answer is waited for.
    pub ack_timeout_ms: Option<f64>,
    /// The time between two pushes to a neighbor.
    pub pace_ms: Option<f64>,
    /// Whom nodes push to.
    pub overlay: Paths,
    /// The most children of a node in a computed tree.
    pub children_max: Option<usize>,
    /// The neighbors of a node in a learned overlay.
    pub active_view: Option<usize>,
    /// The addresses that it keeps besides.
    pub passive_view: Option<usize>,
    /// What goes wrong, in the order of its begin.
    pub faults: Vec<Spell>,
}

/// Whom nodes push a value to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Paths {
    /// All neighbors in a topology.
    Links,
    /// The neighbors in a topology that is a tree.
    Given,
    /// The neighbors in the tree that all compute alike from the list of all members.
    Computed,
    /// All others, each from its own list of all members.
    Straight,
    /// The neighbors of a tree that has grown over partial views.
    Learned,
    /// Peers drawn at random.
    Random,
}

/// Something that goes wrong from one time to another, both since the begin of the main phase.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Spell {
    /// The name of its [kind](crate::fault::Kind).
    pub kind: &'static str,
    /// How much, or who, in a few words.
    pub what: String,
    /// The begin.
    pub from_ms: u64,
    /// The end; null if it lasts.
    pub until_ms: Option<u64>,
}

impl Setting {
    /// What a scenario tells before it is played.
    pub fn of(scenario: &Scenario) -> Self {
        let config = &scenario.config;
        let views = config.is_learned().then_some((config.active_view, config.passive_view));
        let overlay = Paths::of(scenario);
        let is_used =
            |key| idle_setting(&[(key, true)], iter::once(config), scenario.topology).is_none();
        let used_ms = |key, time| is_used(key).then(|| ms(time));
        let (latency, latency_dist) = scenario.latency.spelled();
        let times = scenario.broadcasts.first().zip(scenario.broadcasts.last());
        let senders: BTreeSet<usize> = scenario.broadcasts.iter().map(|it| it.node).collect();
        Self {
            latency,
            latency_dist: latency_dist.map(|it| it.to_string()),
            topology: is_used("topology").then(|| scenario.topology.to_string()),
            broadcasting_ms: times.map_or(0.0, |(first, last)| ms(last.at - first.at)),
            senders: senders.len(),
            settle_ms: ms(scenario.settle),
            warmup_ms: used_ms("warmup", scenario.start_rest()),
            fanout: is_used("fanout").then_some(config.fanout),
            gossip_interval_ms: used_ms("gossip_interval", config.gossip_interval),
            ack_timeout_ms: used_ms("ack_timeout", config.ack_timeout),
            pace_ms: used_ms("pace", config.pace),
            overlay,
            children_max: (overlay == Paths::Computed).then_some(TREE_CHILDREN_MAX),
            active_view: views.map(|(active, _)| active),
            passive_view: views.map(|(_, passive)| passive),
            faults: spells(&scenario.faults),
        }
    }

    /// The overlay in a few words.
    fn overlay_words(&self) -> String {
        let mut words = self.overlay.words().to_owned();
        for (name, width) in [
            ("children up to", self.children_max),
            ("active view", self.active_view),
            ("passive view", self.passive_view),
        ] {
            words.extend(width.map(|width| format!(", {name} {width}")));
        }
        words
    }
}

/// The overlays of runs on one cluster in a few words, each with the protocols that have it.
pub fn overlays_in_words<'a>(runs: impl IntoIterator<Item = (&'a str, &'a Setting)>) -> String {
    let mut all: Vec<(String, Vec<&str>)> = Vec::new();
    for (strategy, setting) in runs {
        let words = setting.overlay_words();
        match all.iter_mut().find(|(others, _)| *others == words) {
            Some((_, names)) => names.push(strategy),
            None => all.push((words, vec![strategy])),
        }
    }
    let is_one = matches!(&all[..], [(_, names)] if names.len() == 1);
    let told = all.iter().map(|(words, names)| match is_one {
        true => words.clone(),
        false => format!("{words} ({})", names.join(", ")),
    });
    told.collect::<Vec<_>>().join("; ")
}

/// Spells that are told one by one.
const SPELLS_TOLD_MAX: usize = 6;

/// What goes wrong in a few words.
pub fn faults_in_words(spells: &[Spell]) -> String {
    if spells.is_empty() {
        return "none".into();
    }
    let told = spells.iter().take(SPELLS_TOLD_MAX).map(Spell::to_string);
    let text = told.collect::<Vec<_>>().join("; ");
    match spells.len().saturating_sub(SPELLS_TOLD_MAX) {
        0 => text,
        more => format!("{text}; and {more} more"),
    }
}

impl Paths {
    fn of(scenario: &Scenario) -> Self {
        let (config, nodes) = (&scenario.config, scenario.nodes);
        let is_tree = scenario.topology.is_tree(nodes);
        match config.strategy {
            Strategy::Flood => Self::Links,
            Strategy::Gossip => Self::Random,
            _ if config.is_learned() => Self::Learned,
            _ if is_tree => Self::Given,
            Strategy::Hybrid if config.pace.is_zero() => Self::Straight,
            Strategy::Tree | Strategy::Hybrid => Self::Computed,
        }
    }

    /// Whether these are links of the topology.
    pub fn are_given(self) -> bool {
        matches!(self, Self::Links | Self::Given)
    }

    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Links => "links",
            Self::Given => "given",
            Self::Computed => "computed",
            Self::Straight => "straight",
            Self::Learned => "learned",
            Self::Random => "random",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Links => "given links",
            Self::Given => "given tree",
            Self::Computed => "computed tree of all nodes",
            Self::Straight => "straight to all",
            Self::Learned => "learned tree",
            Self::Random => "random peers",
        }
    }
}

impl Serialize for Paths {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl fmt::Display for Spell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = if self.kind == Kind::OneWay.name() { ": " } else { " of " };
        write!(f, "{}{of}{}", self.kind, self.what)?;
        let seconds = |ms: u64| ms as f64 / 1e3;
        match (self.from_ms, self.until_ms) {
            (0, None) => f.write_str(" throughout"),
            (from, None) => write!(f, " from {} s on", seconds(from)),
            (from, Some(until)) => write!(f, " from {} to {} s", seconds(from), seconds(until)),
        }
    }
}

/// What a plan does, from begin to end. Of a kind one is in force at a time, and what is in force
/// ends when the next begins.
fn spells(plan: &FaultPlan) -> Vec<Spell> {
    let mut spells: Vec<Spell> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    for Event { at_ms, action } in plan.events() {
        let ends = match action {
            Action::Start(fault) => Some(fault.kind()),
            Action::Stop(kind) => Some(*kind),
            Action::StopAll => None,
        };
        open.retain(|&place| {
            let spell = &mut spells[place];
            let is_over = ends.is_none_or(|kind| kind.name() == spell.kind);
            if is_over {
                spell.until_ms = Some(*at_ms);
            }
            !is_over
        });
        if let Action::Start(fault) = action {
            open.push(spells.len());
            let what = extent(fault, plan.nodes());
            let kind = fault.kind().name();
            spells.push(Spell { kind, what, from_ms: *at_ms, until_ms: None });
        }
    }
    spells
}

/// How much, or who.
fn extent(fault: &Fault, nodes: usize) -> String {
    match fault {
        Fault::Split { shape, side } => {
            let shape = match shape {
                Shape::One => "one",
                Shape::MinorityThird => "a minority third",
                Shape::Majority => "a half",
            };
            format!("{shape}: {}", who(side, nodes))
        }
        Fault::Ring { .. } => "majorities in a ring".into(),
        Fault::OneWay { side, direction } => {
            let does = match (direction, side.nodes.len()) {
                (Direction::In, 1) => "hears nothing from the rest",
                (Direction::In, _) => "hear nothing from the rest",
                (Direction::Out, 1) => "is not heard by the rest",
                (Direction::Out, _) => "are not heard by the rest",
            };
            format!("{} {does}", who(side, nodes))
        }
        Fault::Kill(group) | Fault::Pause(group) => who(group, nodes),
        Fault::Loss(share) | Fault::Duplicate(share) | Fault::Reorder(share) => {
            // To a millionth of a percent, so that 0.07 is 7 %, and not a little more.
            format!("{} %", (share * 1e8).round() / 1e6)
        }
        Fault::Slow(factor) => format!("factor {factor}"),
    }
}

fn who(group: &Group, nodes: usize) -> String {
    match (group.nodes.as_slice(), group.with_hub) {
        ([_], true) => "the hub".into(),
        ([node], false) => format!("n{node}"),
        (several, true) => format!("{} of {nodes} nodes with the hub", several.len()),
        (several, false) => format!("{} of {nodes} nodes", several.len()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use gossiper_core::{Config, OverlayKind};

    use super::*;
    use crate::network::Latency;
    use crate::topology::Topology;

    fn setting(strategy: Strategy, topology: Topology, config: Config) -> Setting {
        Setting::of(&Scenario {
            nodes: 30,
            config: Config { strategy, ..config },
            topology,
            latency: Latency::default(),
            faults: FaultPlan::new(30, Vec::new()).unwrap(),
            broadcasts: Vec::new(),
            settle: Duration::ZERO,
            stagger: Duration::ZERO,
            warmup: None,
            seed: 1,
        })
    }

    #[test]
    fn whom_nodes_push_to_follows_from_protocol_topology_and_pace() {
        let learned = Config { overlay: OverlayKind::Learned, ..Config::default() };
        let straight = Config { pace: Duration::ZERO, ..Config::default() };
        for (strategy, topology, config, paths) in [
            (Strategy::Flood, Topology::Grid, Config::default(), Paths::Links),
            (Strategy::Gossip, Topology::Line, Config::default(), Paths::Random),
            (Strategy::Tree, Topology::Line, Config::default(), Paths::Given),
            (Strategy::Tree, Topology::Grid, learned.clone(), Paths::Computed),
            (Strategy::Tree, Topology::Total, straight.clone(), Paths::Computed),
            (Strategy::Hybrid, Topology::Grid, Config::default(), Paths::Computed),
            (Strategy::Hybrid, Topology::Line, straight.clone(), Paths::Given),
            (Strategy::Hybrid, Topology::Grid, straight, Paths::Straight),
            (Strategy::Hybrid, Topology::Line, learned, Paths::Learned),
        ] {
            let setting = setting(strategy, topology, config);
            assert_eq!(setting.overlay, paths, "{strategy:?} {topology}");
            let is_learned = paths == Paths::Learned;
            assert_eq!(setting.active_view.is_some(), is_learned);
            assert_eq!(setting.children_max.is_some(), paths == Paths::Computed);
        }
    }

    #[test]
    fn what_nobody_uses_is_not_told() {
        let told = |strategy, topology, config| {
            let it = setting(strategy, topology, config);
            assert_eq!((&it.latency[..], it.latency_dist.as_deref()), ("0", Some("constant")));
            (it.topology, it.fanout, it.gossip_interval_ms, it.ack_timeout_ms, it.pace_ms)
        };
        let usual = Config::default;
        let grid = Some("grid".to_owned());
        let flood = told(Strategy::Flood, Topology::Grid, usual());
        assert_eq!(flood, (grid.clone(), None, None, None, None));
        let gossip = told(Strategy::Gossip, Topology::Grid, usual());
        assert_eq!(gossip, (None, Some(2), Some(1000.0), Some(500.0), None));
        let hybrid = told(Strategy::Hybrid, Topology::Grid, usual());
        assert_eq!(hybrid, (grid, Some(2), Some(1000.0), Some(500.0), Some(100.0)));
        let learned = Config { overlay: OverlayKind::Learned, ..usual() };
        let learned = setting(Strategy::Hybrid, Topology::Grid, learned);
        assert_eq!((learned.topology, learned.fanout), (None, None));
        assert_eq!(learned.warmup_ms, Some(30_000.0));
    }

    #[test]
    fn a_spell_lasts_until_its_kind_stops_or_begins_anew() {
        let plan = FaultPlan::from_json(
            r#"{"at_ms":0,"start":"loss","probability":0.07}
{"at_ms":1500,"start":"kill","nodes":[0],"target":"hub"}
{"at_ms":2000,"start":"kill","nodes":[1,2]}
{"at_ms":2500,"stop":"loss"}
{"at_ms":3000,"start":"partition","shape":"majority","side":[0,1]}
{"at_ms":4000,"stop":"all"}
{"at_ms":5000,"start":"pause","nodes":[3]}
{"at_ms":6000,"start":"one-way","direction":"in","side":[3]}
{"at_ms":7000,"start":"one-way","direction":"out","side":[1,2]}"#,
            4,
        );
        let spells = spells(&plan.unwrap());
        let told = [
            "loss of 7 % from 0 to 2.5 s",
            "kill of the hub from 1.5 to 2 s",
            "kill of 2 of 4 nodes from 2 to 4 s",
            "partition of a half: 2 of 4 nodes from 3 to 4 s",
            "pause of n3 from 5 s on",
            "one-way: n3 hears nothing from the rest from 6 to 7 s",
            "one-way: 2 of 4 nodes are not heard by the rest from 7 s on",
        ];
        assert_eq!(spells.iter().map(Spell::to_string).collect::<Vec<_>>(), told);
        assert_eq!(faults_in_words(&spells[..2]), told[..2].join("; "));
        assert_eq!(faults_in_words(&[]), "none");
        let many = vec![spells[0].clone(); 9];
        assert!(faults_in_words(&many).ends_with("; and 3 more"));
    }
}
