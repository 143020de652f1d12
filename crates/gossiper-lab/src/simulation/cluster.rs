//! The loop around the nodes.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::mem;

use gossiper_core as core;
use gossiper_core::{
    Input, Instant, Members, Message, MessageId, Node, NodeId, Outbox, Output, Payload,
};
use slab::Slab;

use super::census::Census;
use super::overlay::contacts;
use super::queue::Queue;
use super::results::{Account, Results};
use super::scenario::{Scenario, ScenarioError, Told};
use super::size::line_bytes;
use super::trace::{Fate, Passage, Recorder, Trace};
use super::traffic::Traffic;
use crate::fault::{Change, FaultState};
use crate::network::{Chance, Conditions as _};
use crate::seed::{Stream, at_ms};

/// The incarnation of a node that starts first, less one: about as large a number as a node takes
/// from the clock, so that messages are about as long.
const INCARNATION: u64 = 1_700_000_000_000_000_000;

/// A cluster in virtual time.
///
/// [`step`](Self::step) lets the next event happen, until the scenario is over.
#[derive(Debug)]
pub struct Cluster {
    scenario: Scenario,
    /// One list for all nodes.
    members: Members,
    told: Told,
    places: Vec<Place>,
    queue: Queue<Event>,
    under_way: Slab<Arrival>,
    faults: FaultState,
    /// What has come for nodes that stand still, in the order of arrival.
    held: BTreeMap<usize, Vec<Arrival>>,
    /// The first broadcast that has not happened.
    next_broadcast: usize,
    chances: Stream,
    starts: Stream,
    census: Census,
    traffic: Traffic,
    /// Kept for its memory.
    outbox: Outbox,
    now: Instant,
    /// The begin of the main phase, from which the scenario counts.
    main: Instant,
    end: Instant,
    last_fault: Option<Instant>,
    events: u64,
    unplaced: u64,
    undelivered: u64,
    direct: u64,
    /// Nothing unless the run is to be looked at.
    trace: Option<Box<Recorder>>,
}

/// Where a node runs.
#[derive(Debug)]
struct Place {
    /// None while it is down.
    node: Option<Node>,
    /// Its starts and deaths so far: a message that was sent in another life does not arrive.
    life: u32,
    /// The messages that it has sent, in all its lives.
    sent: u64,
    /// When the wake-up comes that counts. Others that are queued are void.
    wakeup: Option<Instant>,
}

/// Something in the queue: a node's wake-up, or where [`Cluster::under_way`] keeps a message.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Event {
    Wakeup(u32),
    Arrival(u32),
}

/// A message under way.
#[derive(Clone, Debug)]
struct Arrival {
    from: u32,
    to: u32,
    life: u32,
    id: MessageId,
    dialect: Option<u32>,
    message: Message,
}

impl Cluster {
    /// The cluster of a scenario, before anything has happened in it but the nodes' starts.
    ///
    /// # Errors
    ///
    /// If the scenario cannot be played.
    pub fn new(scenario: Scenario) -> Result<Self, ScenarioError> {
        scenario.check()?;
        let (nodes, seed) = (scenario.nodes, scenario.seed);
        // Whole milliseconds, which is what the plan of faults counts in.
        let before = scenario.start_spread().saturating_add(scenario.start_rest());
        let main = at_ms(u64::try_from(before.as_millis()).unwrap_or(u64::MAX));
        let last = scenario.last_event().unwrap_or_default();
        let place = |_| Place { node: None, life: 0, sent: 0, wakeup: None };
        let mut cluster = Self {
            members: Members::new((0..nodes as u64).map(NodeId).collect()),
            told: scenario.told(),
            places: (0..nodes).map(place).collect(),
            queue: Queue::new(),
            under_way: Slab::new(),
            faults: FaultState::new(scenario.faults.clone()),
            held: BTreeMap::new(),
            next_broadcast: 0,
            chances: Stream::new(seed, "network"),
            starts: Stream::new(seed, "nodes"),
            census: Census::new(nodes, scenario.broadcasts.len(), scenario.age_of_last()),
            traffic: Traffic::default(),
            outbox: Outbox::default(),
            now: Instant::START,
            main,
            end: Instant(main.0.saturating_add(last.0)) + scenario.settle,
            last_fault: None,
            events: 0,
            unplaced: 0,
            undelivered: 0,
            direct: 0,
            trace: None,
            scenario,
        };
        for node in 0..nodes {
            let at = if cluster.scenario.config.is_learned() {
                // Each knows some that have started before it.
                let spread = cluster.scenario.start_spread().as_nanos();
                Instant((spread * node as u128 / nodes as u128) as u64)
            } else {
                Instant(cluster.draw_start(node).1)
            };
            cluster.start(node, at);
        }
        Ok(cluster)
    }

    /// Lets the next event happen. Says whether there was one within the scenario's time.
    pub fn step(&mut self) -> bool {
        let fault = self.faults.next_event().map(|at| self.since_start(at));
        let broadcast = self.scenario.broadcasts.get(self.next_broadcast);
        let broadcast = broadcast.map(|broadcast| self.since_start(broadcast.at));
        let queued = self.queue.next_at();
        let Some(at) = [fault, broadcast, queued].into_iter().flatten().min() else { return false };
        if at > self.end {
            return false;
        }
        debug_assert!(at >= self.now, "time went back from {:?} to {at:?}", self.now);
        self.now = at;
        if fault == Some(at) {
            self.events += 1;
            self.on_fault();
        } else if broadcast == Some(at) {
            self.events += 1;
            self.on_broadcast();
        } else {
            match self.queue.pop() {
                Some((_, Event::Wakeup(node))) => self.on_wakeup(node as usize),
                Some((_, Event::Arrival(place))) => {
                    let arrival = self.under_way.remove(place as usize);
                    self.on_arrival(arrival);
                }
                None => {}
            }
        }
        true
    }

    /// The links that the nodes' values always go over, the lower end first; none where they go to
    /// random peers.
    pub fn links(&self) -> Vec<(u32, u32)> {
        let link = |place: usize, other: &NodeId| {
            let (one, other) = (place as u32, other.0 as u32);
            (one.min(other), one.max(other))
        };
        let of = |(place, node): (usize, &Place)| {
            let near = node.node.iter().flat_map(Node::neighbors);
            near.map(|other| link(place, other)).collect::<Vec<_>>()
        };
        let mut links: Vec<_> = self.places.iter().enumerate().flat_map(of).collect();
        links.sort_unstable();
        links.dedup();
        links
    }

    /// Keeps what happens from now on for [`trace`](Self::trace).
    pub fn watch(&mut self) {
        self.trace = Some(Box::new(Recorder::new(self.links())));
    }

    /// What has happened in the main phase since [`watch`](Self::watch); nothing without it.
    pub fn trace(&self) -> Option<Trace> {
        let last = self.scenario.broadcasts.last().map(|broadcast| broadcast.at);
        self.trace.as_ref().map(|trace| trace.trace(last.unwrap_or_default()))
    }

    /// What has come of the scenario so far.
    pub fn results(&self) -> Results {
        Results::new(&Account {
            scenario: &self.scenario,
            census: &self.census,
            traffic: &self.traffic,
            last_fault: self.last_fault,
            simulated: self.now - self.main,
            events: self.events,
            unplaced: self.unplaced,
            undelivered: self.undelivered,
            direct: self.direct,
        })
    }

    /// A moment that is given since the begin of the main phase.
    fn since_start(&self, at: Instant) -> Instant {
        Instant(at.0.saturating_add(self.main.0))
    }

    /// The seed of a node's next life, and when its first one starts.
    fn draw_start(&mut self, node: usize) -> (u64, u64) {
        self.starts.seek(node as u64, u64::from(self.places[node].life));
        let seed = self.starts.next_u64();
        let stagger = u64::try_from(self.scenario.start_spread().as_nanos()).unwrap_or(u64::MAX);
        (seed, self.starts.below(stagger))
    }

    fn start(&mut self, node: usize, at: Instant) {
        let (seed, _) = self.draw_start(node);
        let place = &mut self.places[node];
        place.life += 1;
        let (id, incarnation) = (NodeId(node as u64), INCARNATION + u64::from(place.life));
        let config = self.scenario.config.clone();
        let is_learned = config.is_learned();
        let members = match is_learned {
            true => {
                let lives = place.life / 2;
                contacts(node, lives, self.scenario.nodes, self.scenario.seed)
            }
            false => self.members.clone(),
        };
        let mut started = Node::sharing(id, members, config, incarnation, seed, at);
        let topology = match &self.told {
            _ if is_learned => None,
            Told::Nothing => None,
            Told::HasCycle => Some(core::Topology::own_links(id, &[], true)),
            Told::OwnLinks => {
                let links = self.scenario.links_of(node);
                Some(core::Topology::own_links(id, &links, true))
            }
            Told::Whole(links) => Some(core::Topology::new(id, links)),
        };
        if let Some(topology) = topology {
            started.handle(at, Input::Topology(topology), &mut self.outbox);
            debug_assert!(self.outbox.is_empty(), "a topology makes nobody send");
        }
        place.node = Some(started);
        place.wakeup = None;
        self.census.on_start(at);
        self.plan_wakeup(node);
    }

    fn kill(&mut self, node: usize) {
        let place = &mut self.places[node];
        if place.node.take().is_none() {
            return;
        }
        place.life += 1;
        place.wakeup = None;
        self.traffic.drops.down += self.held.remove(&node).map_or(0, |held| held.len() as u64);
        self.census.on_death(self.now, node);
    }

    fn resume(&mut self, node: usize) {
        for arrival in self.held.remove(&node).into_iter().flatten() {
            self.receive(arrival);
        }
        self.plan_wakeup(node);
    }

    fn on_fault(&mut self) {
        let now = Instant(self.now.0 - self.main.0);
        let places = &self.places;
        let hub = || (0..places.len()).min_by_key(|&node| Reverse(places[node].sent)).unwrap_or(0);
        let applied = self.faults.advance(now, hub);
        if let Some(trace) = &mut self.trace {
            trace.on_faults(now, &applied);
        }
        if now > Instant::START {
            self.last_fault = Some(self.now);
        }
        for change in applied.into_iter().flat_map(|applied| applied.changes) {
            match change {
                Change::Kill(node) => self.kill(node),
                Change::Restart(node) => self.start(node, self.now),
                Change::Pause(node) => drop(self.held.insert(node, Vec::new())),
                Change::Resume(node) => self.resume(node),
            }
        }
    }

    /// A client gives a value to the next node that takes it.
    fn on_broadcast(&mut self) {
        let wanted = self.scenario.broadcasts[self.next_broadcast].node;
        self.next_broadcast += 1;
        let mut nodes = (wanted..self.places.len()).chain(0..wanted);
        let takes = |&node: &usize| self.places[node].node.is_some() && !self.is_paused(node);
        let Some(node) = nodes.find(takes) else {
            self.unplaced += 1;
            return;
        };
        let number = self.census.on_broadcast(self.now);
        let payload = Payload::new(number.to_string().as_bytes());
        self.input(node, Input::Broadcast(payload));
    }

    fn on_wakeup(&mut self, node: usize) {
        let place = &mut self.places[node];
        if place.wakeup != Some(self.now) {
            return;
        }
        place.wakeup = None;
        if self.is_paused(node) {
            // It is planned anew when the node goes on.
            return;
        }
        let due = self.places[node].node.as_ref().and_then(Node::next_wakeup);
        if due.is_some_and(|due| due <= self.now) {
            self.events += 1;
            self.input(node, Input::Wakeup);
        } else {
            self.plan_wakeup(node);
        }
    }

    fn on_arrival(&mut self, arrival: Arrival) {
        self.events += 1;
        let place = &self.places[arrival.to as usize];
        if place.node.is_none() || place.life != arrival.life {
            self.traffic.drops.down += 1;
        } else if let Some(held) = self.held.get_mut(&(arrival.to as usize)) {
            held.push(arrival);
        } else {
            self.receive(arrival);
        }
    }

    fn receive(&mut self, arrival: Arrival) {
        let Arrival { from, to, id, dialect, message, .. } = arrival;
        let from = NodeId(from.into());
        self.input(to as usize, Input::Received { from, id: Some(id), dialect, message });
    }

    fn is_paused(&self, node: usize) -> bool {
        self.faults.is_paused(node)
    }

    fn input(&mut self, node: usize, input: Input) {
        let Some(state) = &mut self.places[node].node else { return };
        let mut outbox = mem::take(&mut self.outbox);
        state.handle(self.now, input, &mut outbox);
        for output in outbox.drain() {
            match output {
                Output::Send { to, id, dialect, message } => {
                    let (from, to) = (node as u32, to.0 as u32);
                    self.send(Arrival { from, to, life: 0, id, dialect, message });
                }
                Output::Deliver { place } => self.on_delivery(node, place),
                Output::Undelivered { direct, .. } => {
                    self.undelivered += 1;
                    self.direct += direct as u64;
                }
            }
        }
        self.outbox = outbox;
        self.plan_wakeup(node);
    }

    fn on_delivery(&mut self, node: usize, place: usize) {
        let Some(state) = &self.places[node].node else { return };
        let Some(payload) = state.payload(place) else { return };
        let number = std::str::from_utf8(payload).ok().and_then(|text| text.parse().ok());
        if let Some(trace) = &mut self.trace {
            trace.on_delivery(Instant(self.now.0 - self.main.0), node as u32, number);
        }
        if let Some(delivery) = state.delivery(payload) {
            self.census.on_delivery(self.now, node, number, delivery);
        }
    }

    fn send(&mut self, mut arrival: Arrival) {
        let (from, to) = (arrival.from as usize, arrival.to as usize);
        let Arrival { id, dialect, .. } = arrival;
        let bytes = line_bytes(from, to, id, dialect, &arrival.message);
        if self.now >= self.main {
            self.traffic.on_sent(&arrival.message, bytes);
        }
        let number = self.places[from].sent;
        self.places[from].sent += 1;
        let latency = self.scenario.latency.between(from, to);
        let chance =
            Chance::draw(latency, &self.faults, &mut self.chances, arrival.from.into(), number);
        let is_cut = self.faults.is_cut(from, to);
        if self.trace.is_some() {
            let fate = match chance.is_lost {
                _ if is_cut => Fate::Cut,
                true => Fate::Lost,
                false => Fate::Arrives,
            };
            self.watch_sent(&arrival, fate, chance.latency_ms);
        }
        if is_cut {
            self.traffic.drops.cut += 1;
            return;
        }
        if chance.is_lost {
            self.traffic.drops.loss += 1;
            return;
        }
        arrival.life = self.places[to].life;
        if let Some(copy_ms) = chance.copy_latency_ms {
            self.arrive_later(copy_ms, arrival.clone());
        }
        self.arrive_later(chance.latency_ms, arrival);
    }

    fn arrive_later(&mut self, latency_ms: u64, arrival: Arrival) {
        let place = self.under_way.insert(arrival) as u32;
        self.queue.push(self.after_ms(latency_ms), Event::Arrival(place));
    }

    /// Keeps a message that is sent. Copies that the network makes are not kept.
    fn watch_sent(&mut self, arrival: &Arrival, fate: Fate, latency_ms: u64) {
        let Some(at) = self.now.0.checked_sub(self.main.0).map(Instant) else { return };
        let Arrival { from, to, .. } = *arrival;
        let node = self.places[from as usize].node.as_ref();
        let links = node.map_or(&[][..], Node::neighbors);
        let is_link = links.is_empty() || links.contains(&NodeId(to.into()));
        let arrives_at = Instant(at.0.saturating_add(at_ms(latency_ms).0));
        if let Some(trace) = &mut self.trace {
            let passage = Passage { from, to, is_link, fate, arrives_at };
            trace.on_sent(at, &arrival.message, &passage);
        }
    }

    fn after_ms(&self, ms: u64) -> Instant {
        Instant(self.now.0.saturating_add(at_ms(ms).0))
    }

    /// Queues the node's next wake-up, unless one is queued that comes no later: then it is looked
    /// at again when that has come.
    fn plan_wakeup(&mut self, node: usize) {
        let place = &mut self.places[node];
        let due = place.node.as_ref().and_then(Node::next_wakeup);
        if let Some(due) = due.map(|due| due.max(self.now))
            && place.wakeup.is_none_or(|planned| due < planned)
        {
            place.wakeup = Some(due);
            self.queue.push(due, Event::Wakeup(node as u32));
        }
    }
}
