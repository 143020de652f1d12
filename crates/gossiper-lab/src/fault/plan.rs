//! The plan: what a list of timed events may say.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use gossiper_core::Instant;

use crate::seed::at_ms;

/// Events that a plan may have. A run of an hour with every kind at an interval of a second has
/// 30,000.
pub(super) const EVENTS_MAX: usize = 100_000;

/// Latest moment of an event, in ms: ten days.
pub(crate) const AT_MS_MAX: u64 = 864_000_000;

/// Largest factor of `slow`.
pub(super) const FACTOR_MAX: f64 = 1000.0;

/// Something that can go wrong.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    /// Links are cut both ways (in majorities-ring of three nodes one way), as Maelstrom does it.
    Partition,
    /// Links are cut one way.
    OneWay,
    /// Nodes die and lose what they held.
    Kill,
    /// Nodes stand still.
    Pause,
    /// Messages are lost.
    Loss,
    /// Messages arrive twice.
    Duplicate,
    /// Messages overtake each other.
    Reorder,
    /// Messages take longer.
    Slow,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::Partition,
        Self::OneWay,
        Self::Kill,
        Self::Pause,
        Self::Loss,
        Self::Duplicate,
        Self::Reorder,
        Self::Slow,
    ];

    /// The name in plans and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Partition => "partition",
            Self::OneWay => "one-way",
            Self::Kill => "kill",
            Self::Pause => "pause",
            Self::Loss => "loss",
            Self::Duplicate => "duplicate",
            Self::Reorder => "reorder",
            Self::Slow => "slow",
        }
    }

    /// Whether it hits some of the nodes, which a [target](super::Target) chooses.
    pub fn has_target(self) -> bool {
        matches!(self, Self::Partition | Self::OneWay | Self::Kill | Self::Pause)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            let all: Vec<_> = Self::ALL.iter().map(|kind| kind.name()).collect();
            format!("no fault is called {name:?}: {}", all.join(", "))
        })
    }
}

/// How the side of a partition was drawn. It changes nothing about what is cut.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Shape {
    /// One node.
    One,
    /// The largest number of nodes strictly below a third.
    MinorityThird,
    /// Half of the nodes, rounded down.
    Majority,
}

/// Which way a one-way cut goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Direction {
    /// The side hears nothing from the rest.
    In,
    /// The rest hears nothing from the side.
    Out,
}

/// The nodes that an event is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Group {
    /// By their places in the cluster's list, each once.
    pub nodes: Vec<usize>,
    /// Whether the hub, as it is when the event comes, takes the place of the first, unless it is
    /// one of them.
    pub with_hub: bool,
}

impl Group {
    /// The nodes, `hub` being the node that has sent most.
    pub fn resolve(&self, hub: usize) -> Vec<usize> {
        let mut nodes = self.nodes.clone();
        if self.with_hub
            && !nodes.contains(&hub)
            && let Some(first) = nodes.first_mut()
        {
            *first = hub;
        }
        nodes
    }
}

/// A fault with all that it needs to be played.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// A partition in two.
    Split {
        /// How the side was drawn.
        shape: Shape,
        /// One side; the other is everybody else.
        side: Group,
    },
    /// A partition by majorities-ring.
    Ring {
        /// For each node, whom it hears. A node hears itself in any case.
        sees: Vec<Vec<usize>>,
    },
    /// A cut in one direction.
    OneWay {
        /// Who does not hear whom.
        direction: Direction,
        /// One side; the other is everybody else.
        side: Group,
    },
    /// Nodes die; they start anew when it stops.
    Kill(Group),
    /// Nodes stand still; they go on when it stops.
    Pause(Group),
    /// The probability, 0 to 1, that a message between nodes is lost.
    Loss(f64),
    /// The probability, 0 to 1, that a message between nodes is queued twice.
    Duplicate(f64),
    /// The probability, 0 to 1, that a message between nodes has a latency from the wide range.
    Reorder(f64),
    /// What latencies between nodes are multiplied with, 0 to 1000.
    Slow(f64),
}

impl Fault {
    /// Which kind it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Split { .. } | Self::Ring { .. } => Kind::Partition,
            Self::OneWay { .. } => Kind::OneWay,
            Self::Kill(_) => Kind::Kill,
            Self::Pause(_) => Kind::Pause,
            Self::Loss(_) => Kind::Loss,
            Self::Duplicate(_) => Kind::Duplicate,
            Self::Reorder(_) => Kind::Reorder,
            Self::Slow(_) => Kind::Slow,
        }
    }

    /// The nodes it is about, if it is about some.
    pub(super) fn group_mut(&mut self) -> Option<&mut Group> {
        match self {
            Self::Split { side: group, .. }
            | Self::OneWay { side: group, .. }
            | Self::Kill(group)
            | Self::Pause(group) => Some(group),
            _ => None,
        }
    }

    /// The nodes it is about, if it is about some.
    pub fn group(&self) -> Option<&Group> {
        match self {
            Self::Split { side: group, .. }
            | Self::OneWay { side: group, .. }
            | Self::Kill(group)
            | Self::Pause(group) => Some(group),
            _ => None,
        }
    }
}

/// What an event does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// A fault begins, and what was in force of its kind ends.
    Start(Fault),
    /// The fault of this kind ends.
    Stop(Kind),
    /// All faults end.
    StopAll,
}

/// Something that happens to the cluster at a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Whole milliseconds since the start of the run.
    pub at_ms: u64,
    /// What happens.
    pub action: Action,
}

impl Event {
    /// When it happens.
    pub fn at(&self) -> Instant {
        at_ms(self.at_ms)
    }
}

/// A list of events that can be played on a cluster of a given size.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FaultPlan {
    nodes: usize,
    events: Vec<Event>,
}

impl FaultPlan {
    /// A plan of `events` for `nodes` nodes.
    ///
    /// # Errors
    ///
    /// If the events are not in the order of time, name nodes that do not exist, or say anything
    /// else that the module's documentation does not allow. Says which event, counted from 1.
    pub fn new(nodes: usize, events: Vec<Event>) -> Result<Self, PlanError> {
        Self::checked(nodes, events, |index| format!("event {}", index + 1))
    }

    /// The same; `place` says where an event stands.
    pub(super) fn checked(
        nodes: usize,
        events: Vec<Event>,
        place: impl Fn(usize) -> String,
    ) -> Result<Self, PlanError> {
        if events.len() > EVENTS_MAX {
            return Err(PlanError(format!(
                "{} events are more than the {EVENTS_MAX} of a plan",
                events.len()
            )));
        }
        let mut before_ms = 0;
        for (index, event) in events.iter().enumerate() {
            let at_event = |problem| PlanError(format!("{}: {problem}", place(index)));
            if event.at_ms < before_ms {
                return Err(at_event(format!(
                    "{} ms is before the {before_ms} ms of the event before it",
                    event.at_ms
                )));
            }
            before_ms = event.at_ms;
            check(event, nodes).map_err(at_event)?;
        }
        Ok(Self { nodes, events })
    }

    /// The size of the cluster it is for.
    pub fn nodes(&self) -> usize {
        self.nodes
    }

    /// In the order of time.
    pub fn events(&self) -> &[Event] {
        &self.events
    }
}

/// What is wrong with an event in itself.
pub(crate) fn check(event: &Event, nodes: usize) -> Result<(), String> {
    if event.at_ms > AT_MS_MAX {
        return Err(format!("{} ms is later than the ten days of a plan", event.at_ms));
    }
    let Action::Start(fault) = &event.action else {
        return Ok(());
    };
    if let Some(group) = fault.group() {
        check_nodes(&group.nodes, nodes)?;
        if group.with_hub && group.nodes.is_empty() {
            return Err("there is no place for the hub in an empty list".into());
        }
    }
    match fault {
        Fault::Ring { sees } => {
            if sees.len() != nodes {
                return Err(format!("`sees` has {} lists for {nodes} nodes", sees.len()));
            }
            sees.iter().try_for_each(|list| check_nodes(list, nodes))
        }
        Fault::Loss(chance) | Fault::Duplicate(chance) | Fault::Reorder(chance) => {
            check_range("probability", *chance, 1.0)
        }
        Fault::Slow(factor) => check_range("factor", *factor, FACTOR_MAX),
        _ => Ok(()),
    }
}

fn check_nodes(list: &[usize], nodes: usize) -> Result<(), String> {
    let mut is_named = vec![false; nodes];
    for &node in list {
        let Some(named) = is_named.get_mut(node) else {
            return Err(format!("there is no node {node}: the cluster has {nodes}, from 0"));
        };
        if std::mem::replace(named, true) {
            return Err(format!("node {node} is named twice"));
        }
    }
    Ok(())
}

fn check_range(name: &str, number: f64, max: f64) -> Result<(), String> {
    // What is not a number is in no range.
    if (0.0..=max).contains(&number) {
        return Ok(());
    }
    Err(format!("`{name}` is {number}, and may be from 0 to {max}"))
}

/// Why a plan cannot be played.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PlanError(pub(super) String);

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fault plan: {}", self.0)
    }
}

impl Error for PlanError {}
