//! The course of a run, and what is promised of the whole cluster.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use gossiper_core::{Instant, Message, MessageId, NodeId, Output};

use super::ledger::{Breach, Check, Found, Ledger};
use super::machine::{Machine, Maker};
use super::outcome::{Outcome, Seen};
use super::scenario::{Scenario, ScenarioError};
use crate::fault::FaultState;
use crate::seed::{Stream, at_ms};

/// What may happen at one moment, for each pair of nodes and value. All values at once on a network
/// without latency, flooded, are one message a pair and value, and its answer.
const AT_ONCE_MAX: u64 = 16;

/// What may happen in a run, for each pair of nodes, value and second, with room for repeats.
const IN_A_RUN_MAX: u64 = 2_000_000;

/// Plays a scenario to its end, or to the first breach. A machine that panics is a breach too; what
/// the panic's hook prints is the caller's affair.
///
/// # Errors
///
/// If it cannot be played; see [`Scenario::check`].
pub fn play(scenario: &Scenario, maker: &Maker) -> Result<Outcome, ScenarioError> {
    scenario.check()?;
    let mut world = World::new(scenario, maker);
    let breach = match catch_unwind(AssertUnwindSafe(|| world.run())) {
        Ok(run) => run.err(),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
            Some(world.breach(Check::Panic, text.unwrap_or_else(|| "it panics".into())))
        }
    };
    Ok(Outcome { breach, seen: world.seen })
}

pub(super) struct World<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) maker: &'a Maker,
    pub(super) members: Vec<NodeId>,
    pub(super) places: Vec<Place>,
    /// By time, and then in the order in which they were put in.
    pub(super) queue: BTreeMap<(Instant, u64), Event>,
    pub(super) next_order: u64,
    pub(super) faults: FaultState,
    pub(super) next_broadcast: usize,
    pub(super) next_jolt: usize,
    pub(super) chances: Stream,
    pub(super) starts: Stream,
    pub(super) ledger: Ledger,
    pub(super) seen: Seen,
    /// Kept for its memory.
    pub(super) outputs: Vec<Output>,
    pub(super) now: Instant,
    pub(super) is_calm: bool,
    /// Events at this moment so far.
    pub(super) at_once: u64,
    /// Who is acting.
    pub(super) acting: Cell<Option<usize>>,
}

/// Where a node runs.
#[derive(Default)]
pub(super) struct Place {
    /// None while it is down without its memory.
    pub(super) machine: Option<Box<dyn Machine>>,
    /// Changes whenever what is under way to it is lost.
    pub(super) life: u32,
    pub(super) starts: u64,
    pub(super) sent: u64,
    pub(super) wakeup: Option<Instant>,
    /// How far its clock is ahead.
    pub(super) ahead: Duration,
    /// Whether it is down with its memory.
    pub(super) is_stopped: bool,
    /// What has come while it stands still.
    pub(super) held: Vec<Arrival>,
}

pub(super) enum Event {
    Wakeup(usize),
    /// A node that crashed with its memory goes on, unless it has died since.
    Back(usize, u32),
    Arrival(Arrival),
}

/// A message under way.
#[derive(Clone)]
pub(super) struct Arrival {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) life: u32,
    pub(super) id: MessageId,
    pub(super) dialect: Option<u32>,
    pub(super) message: Message,
}

impl<'a> World<'a> {
    fn new(scenario: &'a Scenario, maker: &'a Maker) -> Self {
        let (nodes, seed) = (scenario.nodes, scenario.seed);
        Self {
            scenario,
            maker,
            members: (0..nodes as u64).map(NodeId).collect(),
            places: (0..nodes).map(|_| Place::default()).collect(),
            queue: BTreeMap::new(),
            next_order: 0,
            faults: FaultState::new(scenario.faults.clone()),
            next_broadcast: 0,
            next_jolt: 0,
            chances: Stream::new(seed, "network"),
            starts: Stream::new(seed, "nodes"),
            ledger: Ledger::new(nodes, scenario.broadcasts.len()),
            seen: Seen {
                agreement_ms_max: scenario.agreement_ms_max(),
                idle_messages_max: scenario.idle_messages_max(),
                ..Seen::default()
            },
            outputs: Vec::new(),
            now: Instant::START,
            is_calm: false,
            at_once: 0,
            acting: Cell::new(None),
        }
    }

    /// The course of a run.
    fn run(&mut self) -> Result<(), Breach> {
        (0..self.scenario.nodes).for_each(|node| self.start(node));
        while self.step(self.scenario.calm_at())? {}
        self.calm()?;
        if self.scenario.promises_agreement() {
            self.agree()?;
        }
        let settled = self.now + Duration::from_millis(self.scenario.settle_ms());
        while self.step(settled)? {}
        let before = self.seen.messages;
        let end = settled + Duration::from_millis(self.scenario.idle_ms());
        while self.step(end)? {}
        self.check_holdings()?;
        // Nodes that know nothing at all go on asking each other for it.
        if self.scenario.promises_agreement() && self.seen.broadcasts > 0 {
            self.check_idle(self.seen.messages - before)?;
            self.check_symmetry()?;
        }
        Ok(())
    }

    /// Lets the next event happen, if it comes by then. Else it is then.
    fn step(&mut self, until: Instant) -> Result<bool, Breach> {
        let fault = self.faults.next_event().filter(|_| !self.is_calm);
        let jolt = self.scenario.jolts.get(self.next_jolt).filter(|_| !self.is_calm);
        let jolt = jolt.map(|jolt| at_ms(jolt.at_ms));
        let broadcast = self.scenario.broadcasts.get(self.next_broadcast);
        let broadcast = broadcast.map(|broadcast| at_ms(broadcast.at_ms));
        let queued = self.queue.first_key_value().map(|(&(at, _), _)| at);
        let next = [fault, jolt, broadcast, queued].into_iter().flatten().min();
        let Some(at) = next.filter(|&at| at <= until) else {
            self.now = until;
            return Ok(false);
        };
        self.at_once = if at > self.now { 0 } else { self.at_once + 1 };
        self.now = at;
        self.seen.events += 1;
        self.check_storm()?;
        if fault == Some(at) {
            self.on_fault()?;
        } else if jolt == Some(at) {
            self.on_jolt()?;
        } else if broadcast == Some(at) {
            self.on_broadcast()?;
        } else {
            match self.queue.pop_first() {
                Some((_, Event::Wakeup(node))) => self.on_wakeup(node)?,
                Some((_, Event::Arrival(arrival))) => self.on_arrival(arrival)?,
                Some((_, Event::Back(node, life))) => self.on_back(node, life)?,
                None => {}
            }
        }
        Ok(true)
    }

    /// Whatever is wrong ends.
    fn calm(&mut self) -> Result<(), Breach> {
        let healed = self.faults.heal(self.scenario.calm_at_ms);
        self.is_calm = true;
        self.apply(healed.changes)?;
        for node in 0..self.places.len() {
            self.on_back(node, self.places[node].life)?;
        }
        self.check_holdings()
    }

    /// Waits until everybody holds everything.
    fn agree(&mut self) -> Result<(), Breach> {
        let is_message = |event: &&Event| matches!(event, Event::Arrival(_));
        let under_way = self.queue.iter().rev().find(|(_, event)| is_message(event));
        let from = under_way.map_or(self.now, |(&(at, _), _)| at);
        // Until then something may come that nobody holds any more.
        while self.step(from)? {}
        let calm_at = self.now;
        let end = calm_at + Duration::from_millis(self.scenario.agreement_ms_max());
        while self.ledger.lacking().next().is_some() {
            if !self.step(end)? {
                let (value, lack) = self.ledger.lacking().next().unwrap_or_default();
                let who = self.ledger.lacks(value).unwrap_or_default();
                let more = self.ledger.lacking().count() - 1;
                let nodes = match lack {
                    1 => format!("n{who} lacks value {value}"),
                    _ => format!("{lack} nodes lack value {value}, n{who} among them"),
                };
                let values = match more {
                    0 => String::new(),
                    1 => ", and 1 more value is not everywhere".into(),
                    _ => format!(", and {more} more values are not everywhere"),
                };
                let most = self.scenario.agreement_ms_max();
                let what = format!("{most} ms after the calm {nodes}{values}");
                return Err(self.breach(Check::Agreement, what));
            }
        }
        self.seen.agreed_ms = Some((self.now - calm_at).as_millis() as u64);
        self.check_holdings()
    }

    fn check_idle(&mut self, messages: u64) -> Result<(), Breach> {
        self.seen.idle_messages = Some(messages);
        let most = self.seen.idle_messages_max;
        if messages > most {
            let what = format!(
                "{messages} messages in {} s in which nothing happened, and {most} at most",
                self.scenario.idle_ms() as f64 / 1e3
            );
            return Err(self.breach(Check::Idle, what));
        }
        for (node, place) in self.places.iter().enumerate() {
            let forwards = place.machine.as_ref().map_or(0, |it| it.awaited().forwards);
            if forwards > 0 {
                self.acting.set(Some(node));
                let what = format!("{forwards} forwards still await an acknowledgement");
                return Err(self.breach(Check::Remainder, what));
            }
        }
        Ok(())
    }

    /// Where views are partial, no link lasts that only one of its ends has.
    fn check_symmetry(&mut self) -> Result<(), Breach> {
        let before = self.one_sided();
        let end = self.now + Duration::from_millis(self.scenario.one_sided_ms_max());
        while !before.is_empty() && self.step(end)? {}
        let after = self.one_sided();
        let Some(&(node, other)) = before.iter().find(|link| after.contains(link)) else {
            return Ok(());
        };
        self.acting.set(Some(node));
        Err(self.breach(
            Check::Symmetry,
            format!(
                "n{other} is its neighbor for {} ms, and does not have it for one",
                self.scenario.one_sided_ms_max()
            ),
        ))
    }

    /// The links that only the first of the two has, if views are partial.
    fn one_sided(&self) -> Vec<(usize, usize)> {
        let view = |node: usize| {
            let machine = self.places.get(node).and_then(|place| place.machine.as_ref());
            machine.map_or(&[][..], |machine| machine.neighbors())
        };
        let nodes = (0..self.places.len()).filter(|_| self.scenario.is_learned());
        let links = nodes.flat_map(|node| view(node).iter().map(move |it| (node, it.0 as usize)));
        links.filter(|&(node, other)| !view(other).contains(&NodeId(node as u64))).collect()
    }

    fn check_holdings(&self) -> Result<(), Breach> {
        for (node, place) in self.places.iter().enumerate() {
            if let Some(machine) = &place.machine {
                self.acting.set(Some(node));
                self.note(self.ledger.check_holdings(node, &**machine))?;
            }
        }
        self.acting.set(None);
        Ok(())
    }

    fn check_storm(&self) -> Result<(), Breach> {
        let nodes = self.places.len() as u64;
        let values = self.scenario.broadcasts.len() as u64;
        let most = AT_ONCE_MAX * nodes * nodes * (values + 16);
        if self.at_once > most {
            let what = format!("more than {most} events at one moment");
            return Err(self.breach(Check::Storm, what));
        }
        if self.seen.events > IN_A_RUN_MAX.max(most) {
            let what = format!("more than {} events in one run", IN_A_RUN_MAX.max(most));
            return Err(self.breach(Check::Storm, what));
        }
        Ok(())
    }

    pub(super) fn breach(&self, check: Check, what: String) -> Breach {
        Breach { check, at: self.now, node: self.acting.get(), what }
    }

    pub(super) fn note(&self, found: Found) -> Result<(), Breach> {
        found.map_err(|(check, what)| self.breach(check, what))
    }
}
