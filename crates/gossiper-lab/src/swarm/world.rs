//! The loop around the machines.

use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use gossiper_core::{Input, Instant, Message, MessageId, NodeId, Output, Payload};

use super::ledger::{Breach, Check, Found, Ledger};
use super::machine::{Birth, Machine, Maker};
use super::scenario::{Jolted, Scenario, ScenarioError};
use crate::fault::{Change, FaultState};
use crate::network::{Chance, Conditions as _};
use crate::seed::{Stream, at_ms};

/// What may happen at one moment, for each pair of nodes and value. All values at once on a network
/// without latency, flooded, are one message a pair and value, and its answer.
const AT_ONCE_MAX: u64 = 16;

/// What may happen in a run, for each pair of nodes, value and second, with room for repeats.
const IN_A_RUN_MAX: u64 = 2_000_000;

/// What was seen of a run besides a breach.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Seen {
    /// Values given to nodes, repeats included.
    pub broadcasts: u64,
    /// Messages sent, wake-ups, broadcasts and faults.
    pub events: u64,
    /// Messages that the nodes sent.
    pub messages: u64,
    /// Those that never came.
    pub lost: u64,
    /// Nodes that died without their memory.
    pub deaths: u64,
    /// How long the cluster took to agree after the calm, in ms, if that was promised.
    pub agreed_ms: Option<u64>,
    /// How long it might have taken.
    pub agreement_ms_max: u64,
    /// Messages sent while nothing happened, if it was listened to.
    pub idle_messages: Option<u64>,
    /// How many there might have been.
    pub idle_messages_max: u64,
}

/// What came of a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// What must hold and did not: the first such thing, with which the run ends.
    pub breach: Option<Breach>,
    /// What else was seen.
    pub seen: Seen,
}

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

struct World<'a> {
    scenario: &'a Scenario,
    maker: &'a Maker,
    members: Vec<NodeId>,
    places: Vec<Place>,
    /// By time, and then in the order in which they were put in.
    queue: BTreeMap<(Instant, u64), Event>,
    next_order: u64,
    faults: FaultState,
    next_broadcast: usize,
    next_jolt: usize,
    chances: Stream,
    starts: Stream,
    ledger: Ledger,
    seen: Seen,
    /// Kept for its memory.
    outputs: Vec<Output>,
    now: Instant,
    is_calm: bool,
    /// Events at this moment so far.
    at_once: u64,
    /// Who is acting.
    acting: Cell<Option<usize>>,
}

/// Where a node runs.
#[derive(Default)]
struct Place {
    /// None while it is down without its memory.
    machine: Option<Box<dyn Machine>>,
    /// Changes whenever what is under way to it is lost.
    life: u32,
    starts: u64,
    sent: u64,
    wakeup: Option<Instant>,
    /// How far its clock is ahead.
    ahead: Duration,
    /// Whether it is down with its memory.
    is_stopped: bool,
    /// What has come while it stands still.
    held: Vec<Arrival>,
}

enum Event {
    Wakeup(usize),
    /// A node that crashed with its memory goes on, unless it has died since.
    Back(usize, u32),
    Arrival(Arrival),
}

/// A message under way.
#[derive(Clone)]
struct Arrival {
    from: usize,
    to: usize,
    life: u32,
    id: MessageId,
    dialect: Option<u32>,
    message: Message,
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
                return Err(self.breach(
                    Check::Agreement,
                    format!(
                        "{} ms after the calm {lack} nodes lack value {value}, n{who} among them, \
                         and {more} more values are not everywhere",
                        self.scenario.agreement_ms_max()
                    ),
                ));
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

    fn breach(&self, check: Check, what: String) -> Breach {
        Breach { check, at: self.now, node: self.acting.get(), what }
    }

    fn note(&self, found: Found) -> Result<(), Breach> {
        found.map_err(|(check, what)| self.breach(check, what))
    }

    fn start(&mut self, node: usize) {
        let place = &mut self.places[node];
        place.life += 1;
        place.starts += 1;
        self.starts.seek(node as u64, place.starts);
        let birth = Birth {
            id: NodeId(node as u64),
            members: self.members.clone(),
            config: self.scenario.config_of(node).clone(),
            topology: self.scenario.told(node),
            incarnation: place.starts,
            seed: self.starts.next_u64(),
            now: self.now + place.ahead,
        };
        place.machine = Some((self.maker)(birth));
        place.wakeup = None;
        self.ledger.on_start(node);
        self.plan_wakeup(node);
    }

    fn kill(&mut self, node: usize) {
        let place = &mut self.places[node];
        if place.machine.take().is_none() {
            return;
        }
        place.life += 1;
        place.wakeup = None;
        place.is_stopped = false;
        self.seen.deaths += 1;
        self.seen.lost += mem::take(&mut place.held).len() as u64;
        self.ledger.on_death(node);
    }

    fn on_fault(&mut self) -> Result<(), Breach> {
        let places = &self.places;
        let hub = || (0..places.len()).min_by_key(|&node| Reverse(places[node].sent)).unwrap_or(0);
        let applied = self.faults.advance(self.now, hub);
        self.apply(applied.into_iter().flat_map(|applied| applied.changes).collect())
    }

    fn apply(&mut self, changes: Vec<Change>) -> Result<(), Breach> {
        for change in changes {
            match change {
                Change::Kill(node) => self.kill(node),
                Change::Restart(node) => self.start(node),
                Change::Pause(_) => {}
                Change::Resume(node) => {
                    for arrival in mem::take(&mut self.places[node].held) {
                        self.receive(arrival)?;
                    }
                    self.plan_wakeup(node);
                }
            }
        }
        Ok(())
    }

    fn on_jolt(&mut self) -> Result<(), Breach> {
        let jolt = self.scenario.jolts[self.next_jolt];
        self.next_jolt += 1;
        let place = &mut self.places[jolt.node];
        match jolt.what {
            Jolted::Clock { step_ms } => {
                place.ahead += Duration::from_millis(step_ms);
                self.plan_wakeup(jolt.node);
            }
            Jolted::Crash { down_ms } => {
                if place.machine.is_none() || place.is_stopped {
                    return Ok(());
                }
                place.is_stopped = true;
                place.life += 1;
                let life = place.life;
                self.seen.lost += mem::take(&mut place.held).len() as u64;
                let back = self.now + Duration::from_millis(down_ms);
                self.put(back, Event::Back(jolt.node, life));
            }
        }
        Ok(())
    }

    fn on_back(&mut self, node: usize, life: u32) -> Result<(), Breach> {
        let place = &mut self.places[node];
        if place.life == life {
            place.is_stopped = false;
            self.plan_wakeup(node);
        }
        Ok(())
    }

    /// A client gives a value to the next node that takes it.
    fn on_broadcast(&mut self) -> Result<(), Breach> {
        let broadcast = self.scenario.broadcasts[self.next_broadcast];
        self.next_broadcast += 1;
        let wanted = broadcast.node;
        let mut nodes = (wanted..self.places.len()).chain(0..wanted);
        let Some(node) = nodes.find(|&node| self.answers(node)) else { return Ok(()) };
        self.seen.broadcasts += 1;
        self.ledger.on_broadcast(broadcast.value);
        let payload = Payload::new(broadcast.value.to_string().as_bytes());
        self.input(node, Input::Broadcast(payload))?;
        let is_held = self.ledger.holds(node, broadcast.value);
        self.acting.set(Some(node));
        let what = || format!("it was given value {} and does not hold it", broadcast.value);
        self.note(if is_held { Ok(()) } else { Err((Check::Unacknowledged, what())) })?;
        self.acting.set(None);
        Ok(())
    }

    fn answers(&self, node: usize) -> bool {
        let place = &self.places[node];
        place.machine.is_some() && !place.is_stopped && !self.faults.is_paused(node)
    }

    fn on_wakeup(&mut self, node: usize) -> Result<(), Breach> {
        if self.places[node].wakeup != Some(self.now) {
            return Ok(());
        }
        self.places[node].wakeup = None;
        if !self.answers(node) {
            // It is planned anew when the node goes on.
            return Ok(());
        }
        if self.due(node).is_some_and(|due| due <= self.now) {
            return self.input(node, Input::Wakeup);
        }
        self.plan_wakeup(node);
        Ok(())
    }

    fn on_arrival(&mut self, arrival: Arrival) -> Result<(), Breach> {
        let place = &mut self.places[arrival.to];
        if place.machine.is_none() || place.is_stopped || place.life != arrival.life {
            self.seen.lost += 1;
        } else if self.faults.is_paused(arrival.to) {
            place.held.push(arrival);
        } else {
            return self.receive(arrival);
        }
        Ok(())
    }

    fn receive(&mut self, arrival: Arrival) -> Result<(), Breach> {
        let Arrival { from, to, id, dialect, message, .. } = arrival;
        let from = NodeId(from as u64);
        self.input(to, Input::Received { from, id: Some(id), dialect, message })
    }

    fn input(&mut self, node: usize, input: Input) -> Result<(), Breach> {
        let place = &mut self.places[node];
        let Some(machine) = &mut place.machine else { return Ok(()) };
        self.acting.set(Some(node));
        let mut outputs = mem::take(&mut self.outputs);
        machine.handle(self.now + place.ahead, input, &mut outputs);
        let awaited_max = self.scenario.config_of(node).awaited_max;
        let found = self.ledger.on_turn(node, &**machine, &outputs, awaited_max);
        self.note(found)?;
        for output in outputs.drain(..) {
            if let Output::Send { to, id, dialect, message } = output {
                self.send(Arrival { from: node, to: to.0 as usize, life: 0, id, dialect, message });
            }
        }
        self.outputs = outputs;
        self.plan_wakeup(node);
        self.acting.set(None);
        Ok(())
    }

    fn send(&mut self, mut arrival: Arrival) {
        let Arrival { from, to, .. } = arrival;
        self.seen.messages += 1;
        let number = self.places[from].sent;
        self.places[from].sent += 1;
        let latency = self.scenario.latency;
        let chance = Chance::draw(latency, &self.faults, &mut self.chances, from as u64, number);
        if self.faults.is_cut(from, to) || chance.is_lost {
            self.seen.lost += 1;
            return;
        }
        arrival.life = self.places[to].life;
        if let Some(copy_ms) = chance.copy_latency_ms {
            self.put(self.now + Duration::from_millis(copy_ms), Event::Arrival(arrival.clone()));
        }
        let at = self.now + Duration::from_millis(chance.latency_ms);
        self.put(at, Event::Arrival(arrival));
    }

    fn put(&mut self, at: Instant, event: Event) {
        self.queue.insert((at, self.next_order), event);
        self.next_order += 1;
    }

    /// When a node wants to be woken, on the clock that is right.
    fn due(&self, node: usize) -> Option<Instant> {
        let place = &self.places[node];
        let due = place.machine.as_ref()?.next_wakeup()?;
        Some(Instant(due.0.saturating_sub(place.ahead.as_nanos() as u64)).max(self.now))
    }

    /// Queues the node's next wake-up, unless one is queued that comes no later.
    fn plan_wakeup(&mut self, node: usize) {
        let Some(due) = self.due(node) else { return };
        let place = &mut self.places[node];
        if place.wakeup.is_none_or(|planned| due < planned) {
            place.wakeup = Some(due);
            self.put(due, Event::Wakeup(node));
        }
    }
}
