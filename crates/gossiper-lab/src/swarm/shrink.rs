//! From a scenario that fails to a small one that fails in the same way.
//!
//! Delta debugging (Zeller and Hildebrandt 2002): take something away, keep what still fails, and
//! go on until nothing more can be taken. First whole nodes and stretches of what happens, by
//! halves, then single things, then what is merely unusual.

use std::collections::BTreeMap;

use gossiper_core::{Config, Mechanisms};

use super::ledger::Breach;
use super::machine::Maker;
use super::scenario::Scenario;
use super::world::play;
use crate::fault::{Action, Event, Fault, FaultPlan, Group};
use crate::network::{Distribution, Latency};
use crate::topology::Topology;

/// What is left of a scenario.
#[derive(Debug)]
pub struct Shrunk {
    /// It fails, and without any single part of it it does not; or the plays were used up.
    pub scenario: Scenario,
    /// How.
    pub breach: Breach,
    /// How often something smaller was played.
    pub plays: u64,
}

/// Shrinks a scenario that fails by this breach, with at most so many plays.
pub fn shrink(scenario: Scenario, breach: Breach, maker: &Maker, plays_max: u64) -> Shrunk {
    let mut smaller = Shrinking { best: scenario, breach, maker, plays: 0, plays_max };
    while smaller.pass() && smaller.plays < plays_max {}
    Shrunk { scenario: smaller.best, breach: smaller.breach, plays: smaller.plays }
}

struct Shrinking<'a> {
    best: Scenario,
    breach: Breach,
    maker: &'a Maker,
    plays: u64,
    plays_max: u64,
}

impl Shrinking<'_> {
    /// Tries everything once. Says whether anything could be taken away.
    fn pass(&mut self) -> bool {
        let mut did = false;
        did |= self.pass_list(|it| it.nodes, without_nodes);
        did |= self.pass_list(|it| it.faults.events().len(), without_events);
        did |= self.pass_list(
            |it| it.jolts.len(),
            |it, from, to| {
                it.jolts.drain(from..to);
                true
            },
        );
        did |= self.pass_list(|it| it.broadcasts.len(), without_broadcasts);
        did |= self.pass_list(
            |it| it.odd.len(),
            |it, from, to| {
                let gone: Vec<usize> = it.odd.keys().copied().skip(from).take(to - from).collect();
                it.odd.retain(|node, _| !gone.contains(node));
                true
            },
        );
        for simpler in SIMPLER {
            did |= self.attempt(simpler);
        }
        did
    }

    /// Takes stretches out of a list: halves first, single items last.
    fn pass_list(
        &mut self,
        len: fn(&Scenario) -> usize,
        take: fn(&mut Scenario, usize, usize) -> bool,
    ) -> bool {
        let mut did = false;
        let mut stretch = len(&self.best).div_ceil(2).max(1);
        loop {
            let mut from = 0;
            while from < len(&self.best) {
                let to = (from + stretch).min(len(&self.best));
                if self.attempt(|it| take(it, from, to)) {
                    did = true;
                } else {
                    from = to;
                }
            }
            if stretch == 1 {
                return did;
            }
            stretch = stretch.div_ceil(2);
        }
    }

    /// Keeps a change if what must hold still does not.
    fn attempt(&mut self, change: impl Fn(&mut Scenario) -> bool) -> bool {
        let mut smaller = self.best.clone();
        if self.plays >= self.plays_max || !change(&mut smaller) {
            return false;
        }
        self.plays += 1;
        let breach = play(&smaller, self.maker).ok().and_then(|outcome| outcome.breach);
        let same = breach.filter(|breach| breach.check == self.breach.check);
        if let Some(breach) = same {
            (self.best, self.breach) = (smaller, breach);
            return true;
        }
        false
    }
}

/// What is less unusual. Each says whether it changes anything.
const SIMPLER: [fn(&mut Scenario) -> bool; 13] = [
    |it| replace(&mut it.topology, Topology::Total),
    |it| {
        let constant = Latency { distribution: Distribution::Constant, ..it.latency };
        replace(&mut it.latency, constant)
    },
    |it| replace(&mut it.latency, Latency { mean_ms: 10, distribution: Distribution::Constant }),
    |it| replace(&mut it.config.without, Mechanisms::NONE),
    |it| without_one(it, 0),
    |it| without_one(it, 1),
    |it| without_one(it, 2),
    |it| replace(&mut it.config.pace, Config::default().pace),
    |it| replace(&mut it.config.fanout, Config::default().fanout),
    |it| replace(&mut it.config.ack_timeout, Config::default().ack_timeout),
    |it| replace(&mut it.config.gossip_interval, Config::default().gossip_interval),
    |it| replace(&mut it.config.awaited_max, Config::default().awaited_max),
    |it| {
        let last = it.broadcasts.last().map_or(0, |it| it.at_ms);
        let last = last.max(it.faults.events().last().map_or(0, |event| event.at_ms));
        let last = last.max(it.jolts.last().map_or(0, |jolt| jolt.at_ms));
        replace(&mut it.calm_at_ms, last + 1)
    },
];

fn replace<T: PartialEq>(place: &mut T, with: T) -> bool {
    let is_other = *place != with;
    *place = with;
    is_other
}

/// Switches the mechanism at this place of those that are off on.
fn without_one(it: &mut Scenario, place: usize) -> bool {
    let all: Vec<_> = it.config.without.iter().collect();
    let rest = all.iter().enumerate().filter(|(other, _)| *other != place);
    let rest: Mechanisms = rest.map(|(_, &mechanism)| mechanism).collect();
    place < all.len() && replace(&mut it.config.without, rest)
}

/// Takes nodes out of the cluster; those behind them move up.
fn without_nodes(it: &mut Scenario, from: usize, to: usize) -> bool {
    let gone = to - from;
    if it.nodes <= gone.max(1) {
        return false;
    }
    let moved = |node: usize| match node {
        node if node < from => Some(node),
        node if node < to => None,
        node => Some(node - gone),
    };
    it.nodes -= gone;
    // Somebody else gets what was for those that are gone.
    it.broadcasts.iter_mut().for_each(|b| b.node = moved(b.node).unwrap_or(from % it.nodes));
    it.jolts.retain_mut(|jolt| moved(jolt.node).map(|node| jolt.node = node).is_some());
    let odd: BTreeMap<usize, Config> =
        it.odd.iter().filter_map(|(&node, config)| Some((moved(node)?, config.clone()))).collect();
    it.odd = odd;
    let events = it.faults.events().iter().filter_map(|event| {
        let mut event = event.clone();
        if let Action::Start(fault) = &mut event.action {
            let others = |list: &[usize]| -> Vec<usize> {
                list.iter().filter_map(|&node| moved(node)).collect()
            };
            match fault {
                Fault::Ring { sees } => {
                    sees.drain(from..to);
                    sees.iter_mut().for_each(|list| *list = others(list));
                }
                Fault::Split { side: group, .. }
                | Fault::OneWay { side: group, .. }
                | Fault::Kill(group)
                | Fault::Pause(group) => {
                    let nodes = others(&group.nodes);
                    if nodes.is_empty() {
                        return None;
                    }
                    *group = Group { nodes, ..*group };
                }
                Fault::Loss(_) | Fault::Duplicate(_) | Fault::Reorder(_) | Fault::Slow(_) => {}
            }
        }
        Some(event)
    });
    replan(it, events.collect())
}

fn without_events(it: &mut Scenario, from: usize, to: usize) -> bool {
    let mut events = it.faults.events().to_vec();
    events.drain(from..to);
    replan(it, events)
}

/// Takes broadcasts out. Values are numbered anew, as there may be no more than broadcasts.
fn without_broadcasts(it: &mut Scenario, from: usize, to: usize) -> bool {
    it.broadcasts.drain(from..to);
    let mut numbers: BTreeMap<usize, usize> = BTreeMap::new();
    for broadcast in &mut it.broadcasts {
        let next = numbers.len();
        broadcast.value = *numbers.entry(broadcast.value).or_insert(next);
    }
    true
}

fn replan(it: &mut Scenario, events: Vec<Event>) -> bool {
    match FaultPlan::new(it.nodes, events) {
        Ok(plan) => {
            it.faults = plan;
            true
        }
        Err(_) => false,
    }
}
