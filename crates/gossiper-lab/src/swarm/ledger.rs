//! What has been seen of the nodes from outside, and whether they may do what they do.

use std::fmt;

use gossiper_core::{Config, Instant, MessageId, NodeId, Output, Stats};

use super::machine::Machine;

/// Outputs of one call beyond those of one value, or one message, at each neighbor.
const OUTPUTS_MAX: usize = 4_096;

/// Something that must hold.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Check {
    /// A node delivers only what a client has broadcast.
    Invented,
    /// A node delivers a value once in a life.
    Twice,
    /// A node that lives holds what it has delivered, and nothing else.
    Forgotten,
    /// A node holds what a client has given it as soon as it has answered.
    Unacknowledged,
    /// No counter falls.
    Counters,
    /// What a node counts is what was seen of it.
    Sums,
    /// No more awaits an acknowledgement than the settings allow.
    Awaited,
    /// One call causes no more than the core states.
    Outputs,
    /// Messages go to other members.
    Address,
    /// The numbers of a node's messages rise.
    Numbers,
    /// Partial views hold other members, each once, and no more than the settings allow.
    Views,
    /// Time goes on: there is an end to what happens at one moment.
    Storm,
    /// No node panics.
    Panic,
    /// In time after the calm, everybody holds what anybody holds.
    Agreement,
    /// A cluster that agrees says no more than it must.
    Idle,
    /// A cluster that agrees awaits nothing.
    Remainder,
    /// In a cluster that agrees neighbors have each other in their views.
    Symmetry,
}

impl Check {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::Invented,
        Self::Twice,
        Self::Forgotten,
        Self::Unacknowledged,
        Self::Counters,
        Self::Sums,
        Self::Awaited,
        Self::Outputs,
        Self::Address,
        Self::Numbers,
        Self::Views,
        Self::Storm,
        Self::Panic,
        Self::Agreement,
        Self::Idle,
        Self::Remainder,
        Self::Symmetry,
    ];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invented => "invented",
            Self::Twice => "twice",
            Self::Forgotten => "forgotten",
            Self::Unacknowledged => "unacknowledged",
            Self::Counters => "counters",
            Self::Sums => "sums",
            Self::Awaited => "awaited",
            Self::Outputs => "outputs",
            Self::Address => "address",
            Self::Numbers => "numbers",
            Self::Views => "views",
            Self::Storm => "storm",
            Self::Panic => "panic",
            Self::Agreement => "agreement",
            Self::Idle => "idle",
            Self::Remainder => "remainder",
            Self::Symmetry => "symmetry",
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Something that must hold and did not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Breach {
    /// What.
    pub check: Check,
    /// When, since the start of the nodes.
    pub at: Instant,
    /// Where, if it is one node's fault.
    pub node: Option<usize>,
    /// What was seen, in a sentence without an end.
    pub what: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {} ms", self.check, self.at.0 as f64 / 1e6)?;
        if let Some(node) = self.node {
            write!(f, ", node n{node}")?;
        }
        write!(f, ": {}", self.what)
    }
}

/// What one life of a node has shown.
#[derive(Clone, Debug, Default)]
struct Life {
    is_up: bool,
    /// By value.
    holds: Vec<bool>,
    held: usize,
    sent: u64,
    stats: Stats,
    last_number: Option<MessageId>,
}

/// All that has been seen.
#[derive(Debug)]
pub(super) struct Ledger {
    lives: Vec<Life>,
    /// By value: whether a client has broadcast it.
    is_broadcast: Vec<bool>,
    /// By value: how many of those that are up hold it.
    holders: Vec<usize>,
    up: usize,
}

/// What a check found, before it is known when and where.
pub(super) type Found = Result<(), (Check, String)>;

fn unless(holds: bool, check: Check, what: impl FnOnce() -> String) -> Found {
    if holds { Ok(()) } else { Err((check, what())) }
}

impl Ledger {
    pub(super) fn new(nodes: usize, values: usize) -> Self {
        let life = Life { holds: vec![false; values], ..Life::default() };
        Self {
            lives: vec![life; nodes],
            is_broadcast: vec![false; values],
            holders: vec![0; values],
            up: 0,
        }
    }

    pub(super) fn on_broadcast(&mut self, value: usize) {
        self.is_broadcast[value] = true;
    }

    pub(super) fn on_start(&mut self, node: usize) {
        self.up += 1;
        self.lives[node].is_up = true;
    }

    /// A node dies, and what it held is gone.
    pub(super) fn on_death(&mut self, node: usize) {
        self.up -= 1;
        let values = self.holders.len();
        let empty = Life { holds: vec![false; values], ..Life::default() };
        let life = std::mem::replace(&mut self.lives[node], empty);
        for (holders, was_held) in self.holders.iter_mut().zip(life.holds) {
            *holders -= usize::from(was_held);
        }
    }

    pub(super) fn holds(&self, node: usize, value: usize) -> bool {
        self.lives[node].holds[value]
    }

    /// The values that somebody holds and not everybody, with how many lack them.
    pub(super) fn lacking(&self) -> impl Iterator<Item = (usize, usize)> {
        let up = self.up;
        let partly = move |&(_, &holders): &(usize, &usize)| holders > 0 && holders < up;
        self.holders.iter().enumerate().filter(partly).map(move |(v, holders)| (v, up - holders))
    }

    /// A node that lacks a value.
    pub(super) fn lacks(&self, value: usize) -> Option<usize> {
        self.lives.iter().position(|life| life.is_up && !life.holds[value])
    }

    /// A node with these settings has done something.
    pub(super) fn on_turn(
        &mut self,
        node: usize,
        machine: &dyn Machine,
        outputs: &[Output],
        config: &Config,
    ) -> Found {
        let nodes = self.lives.len();
        let most = OUTPUTS_MAX + 4 * nodes * (1 + self.holders.len());
        unless(outputs.len() <= most, Check::Outputs, || {
            format!("{} outputs of one call, and {most} at most", outputs.len())
        })?;
        for output in outputs {
            match output {
                Output::Send { to, id, .. } => self.on_send(node, *to, *id)?,
                Output::Deliver { place } => self.on_delivery(node, machine.payload(*place))?,
                Output::Undelivered { .. } => {}
            }
        }
        self.check_stats(node, &machine.stats())?;
        let (known, held) = (machine.payload_count(), self.lives[node].held);
        unless(known == held, Check::Forgotten, || {
            format!("it says that it holds {known} values, and has delivered {held}")
        })?;
        let (forwards, most) = (machine.awaited().forwards, config.awaited_max);
        unless(forwards <= most, Check::Awaited, || {
            format!("{forwards} forwards await an acknowledgement, and {most} may")
        })?;
        if config.is_learned() { self.check_view(node, machine, config) } else { Ok(()) }
    }

    fn check_view(&self, node: usize, machine: &dyn Machine, config: &Config) -> Found {
        let view = machine.neighbors();
        let is_sound = |(place, other): (usize, &NodeId)| {
            self.is_peer(node, *other) && !view[..place].contains(other)
        };
        let holds = view.len() <= config.active_view && view.iter().enumerate().all(is_sound);
        unless(holds, Check::Views, || {
            format!("its view of {} at most is {view:?}", config.active_view)
        })
    }

    fn is_peer(&self, node: usize, other: NodeId) -> bool {
        other.0 < self.lives.len() as u64 && other.0 != node as u64
    }

    fn on_send(&mut self, node: usize, to: NodeId, id: MessageId) -> Found {
        unless(self.is_peer(node, to), Check::Address, || format!("it sends a message to {to}"))?;
        let life = &mut self.lives[node];
        let before = life.last_number.replace(id);
        life.sent += 1;
        unless(before < Some(id), Check::Numbers, || {
            format!("message {} comes after message {}", id.0, before.unwrap_or(id).0)
        })
    }

    fn on_delivery(&mut self, node: usize, payload: Option<&[u8]>) -> Found {
        let text = payload.and_then(|bytes| std::str::from_utf8(bytes).ok());
        let number = text.and_then(|text| text.parse::<usize>().ok());
        let is_broadcast = |&value: &usize| self.is_broadcast.get(value) == Some(&true);
        let Some(value) = number.filter(is_broadcast) else {
            let payload = payload.map(String::from_utf8_lossy);
            return Err((Check::Invented, format!("it delivers {payload:?}")));
        };
        let life = &mut self.lives[node];
        let was_held = std::mem::replace(&mut life.holds[value], true);
        unless(!was_held, Check::Twice, || format!("it delivers value {value} again"))?;
        life.held += 1;
        self.holders[value] += 1;
        Ok(())
    }

    fn check_stats(&mut self, node: usize, now: &Stats) -> Found {
        let life = &mut self.lives[node];
        let before = std::mem::replace(&mut life.stats, *now);
        for ((name, before), (_, now)) in counters(&before).into_iter().zip(counters(now)) {
            unless(before <= now, Check::Counters, || {
                format!("{name} falls from {before} to {now}")
            })?;
        }
        let delivered = now.tree_deliveries + now.gossip_deliveries;
        let is_true = delivered == life.held as u64 && now.messages_sent == life.sent;
        unless(is_true && now.last_learning_round <= now.rounds, Check::Sums, || {
            format!(
                "it counts {delivered} deliveries and {} messages, of {} and {} that were seen, and \
                 has last learnt in round {} of {}",
                now.messages_sent, life.held, life.sent, now.last_learning_round, now.rounds
            )
        })
    }

    /// Looks at all that a node holds.
    pub(super) fn check_holdings(&self, node: usize, machine: &dyn Machine) -> Found {
        let mut found = vec![false; self.holders.len()];
        for place in 0..machine.payload_count() {
            let text = machine.payload(place).and_then(|bytes| std::str::from_utf8(bytes).ok());
            let value = text.and_then(|text| text.parse::<usize>().ok());
            if let Some(found) = value.and_then(|value| found.get_mut(value)) {
                *found = true;
            }
        }
        let holds = &self.lives[node].holds;
        let other = (0..found.len()).find(|&value| found[value] != holds[value]);
        unless(other.is_none(), Check::Forgotten, || match other {
            Some(value) if holds[value] => format!("it no longer holds value {value}"),
            _ => format!("it holds value {other:?}, and has not delivered it"),
        })
    }
}

/// The counters, by their names.
fn counters(stats: &Stats) -> [(&'static str, u64); 18] {
    let Stats {
        broadcasts_received,
        messages_sent,
        tree_deliveries,
        gossip_deliveries,
        failures,
        direct_deliveries,
        partition_drops,
        rounds,
        last_learning_round,
        awaits_given_up,
        pushes_given_up,
        payloads_refused,
        names_refused,
        grafts,
        prunes,
        neighbors_lost,
        announcements_given_up,
        not_supported,
    } = *stats;
    [
        ("broadcasts_received", broadcasts_received),
        ("messages_sent", messages_sent),
        ("tree_deliveries", tree_deliveries),
        ("gossip_deliveries", gossip_deliveries),
        ("failures", failures),
        ("direct_deliveries", direct_deliveries),
        ("partition_drops", partition_drops),
        ("rounds", rounds),
        ("last_learning_round", last_learning_round),
        ("awaits_given_up", awaits_given_up),
        ("pushes_given_up", pushes_given_up),
        ("payloads_refused", payloads_refused),
        ("names_refused", names_refused),
        ("grafts", grafts),
        ("prunes", prunes),
        ("neighbors_lost", neighbors_lost),
        ("announcements_given_up", announcements_given_up),
        ("not_supported", not_supported),
    ]
}
