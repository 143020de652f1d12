//! The loop around the nodes.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::mem;

use gossiper_core as core;
use gossiper_core::{Input, Instant, Members, Node, NodeId, Outbox, Payload};
use slab::Slab;

use super::census::Census;
use super::overlay::contacts;
use super::queue::Queue;
use super::results::{Account, Results};
use super::scenario::{Scenario, ScenarioError, Told};
use super::trace::{Fate, Passage, Recorder, Trace};
use super::turn::{Arrival, Effect, Event, Hand, Place, Sending, Surroundings, Tally};
use super::window::{self, Places};
use crate::fault::{Change, FaultState};
use crate::seed::{Stream, at_ms};

/// The incarnation of a node that starts first, less one: about as large a number as a node takes
/// from the clock, so that messages are about as long.
const INCARNATION: u64 = 1_700_000_000_000_000_000;

/// As many events are worth a window.
const WINDOW_EVENTS_MIN: usize = if cfg!(test) { 8 } else { 256 };

/// A window of as many events is not made longer: what they come to should stay in the cache.
const WINDOW_EVENTS_MANY: usize = 1 << 16;

/// A cluster in virtual time.
///
/// [`step`](Self::step) lets the next event happen, until the scenario is over.
#[derive(Debug)]
pub struct Cluster {
    scenario: Scenario,
    /// One list for all nodes.
    members: Members,
    told: Told,
    places: Places,
    /// The starts and deaths of each node so far: a message that was sent in another life of its
    /// receiver does not arrive.
    lives: Vec<u32>,
    queue: Queue<Event>,
    /// The messages under way to each part of the nodes; there are as many parts as threads.
    under_way: Vec<Slab<Arrival>>,
    faults: FaultState,
    /// What has come for nodes that stand still, in the order of arrival.
    held: BTreeMap<usize, Vec<Arrival>>,
    /// The first broadcast that has not happened.
    next_broadcast: usize,
    starts: Stream,
    census: Census,
    /// One for each part of the nodes.
    hands: Vec<Hand>,
    /// What happens in a window. Kept for its memory.
    items: Vec<(Instant, Event)>,
    /// Before this no window is looked for: there was too little in it.
    is_quiet_until: Instant,
    now: Instant,
    /// The begin of the main phase, from which the scenario counts.
    main: Instant,
    end: Instant,
    last_fault: Option<Instant>,
    /// Who was the hub whenever a fault aimed at it.
    hubs: Vec<usize>,
    unplaced: u64,
    /// Nothing unless the run is to be looked at.
    trace: Option<Box<Recorder>>,
}

impl Cluster {
    /// The cluster of a scenario, before anything has happened in it but the nodes' starts.
    ///
    /// # Errors
    ///
    /// If the scenario cannot be played.
    pub fn new(scenario: Scenario) -> Result<Self, ScenarioError> {
        Self::on_threads(1, scenario)
    }

    /// The same, whose busy windows are played on so many threads by [`advance`](Self::advance).
    /// That changes nothing but how long it takes.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn on_threads(threads: usize, scenario: Scenario) -> Result<Self, ScenarioError> {
        scenario.check()?;
        let threads = threads.clamp(1, scenario.nodes);
        let (nodes, seed) = (scenario.nodes, scenario.seed);
        // Whole milliseconds, which is what the plan of faults counts in.
        let before = scenario.start_spread().saturating_add(scenario.start_rest());
        let main = at_ms(u64::try_from(before.as_millis()).unwrap_or(u64::MAX));
        let last = scenario.last_event().unwrap_or_default();
        let mut cluster = Self {
            members: Members::new((0..nodes as u64).map(NodeId).collect()),
            told: scenario.told(),
            places: Places::new(nodes, threads),
            lives: vec![0; nodes],
            queue: Queue::new(),
            under_way: (0..threads).map(|_| Slab::new()).collect(),
            faults: FaultState::new(scenario.faults.clone()),
            held: BTreeMap::new(),
            next_broadcast: 0,
            starts: Stream::new(seed, "nodes"),
            census: Census::new(nodes, scenario.broadcasts.len(), scenario.age_of_last()),
            hands: (0..threads).map(|_| Hand::new(Stream::new(seed, "network"))).collect(),
            items: Vec::new(),
            is_quiet_until: Instant::START,
            now: Instant::START,
            main,
            end: Instant(main.0.saturating_add(last.0)) + scenario.settle,
            last_fault: None,
            hubs: Vec::new(),
            unplaced: 0,
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
        let outside = self.next_outside();
        let queued = self.queue.next_at();
        let Some(at) = outside.into_iter().chain(queued).min() else { return false };
        if at > self.end {
            return false;
        }
        debug_assert!(at >= self.now, "time went back from {:?} to {at:?}", self.now);
        self.now = at;
        if outside == Some(at) {
            self.hands[0].tally.events += 1;
            if self.next_fault() == Some(at) {
                self.on_fault()
            } else {
                self.on_broadcast()
            }
            return true;
        }
        match self.queue.pop() {
            Some((_, Event::Wakeup(node))) => self.on_wakeup(node as usize),
            Some((_, Event::Arrival { to, message })) => {
                let part = self.places.part_of(to as usize);
                let arrival = self.under_way[part].remove(message as usize);
                self.on_arrival(arrival);
            }
            None => {}
        }
        true
    }

    /// Lets what comes next happen: an event, or all of a busy window. Says whether there was
    /// anything within the scenario's time.
    pub fn advance(&mut self) -> bool {
        match self.window() {
            Some(end) => {
                self.play_window(end);
                true
            }
            None => self.step(),
        }
    }

    /// When the window ends that begins now, if it is worth one: in it nodes have nothing to do
    /// with each other, and nothing comes from outside.
    fn window(&mut self) -> Option<Instant> {
        let lookahead = window::lookahead(&self.scenario, &self.faults);
        if self.now < self.is_quiet_until
            || lookahead.is_zero()
            || self.trace.is_some()
            || !self.held.is_empty()
        {
            return None;
        }
        let limit = self.next_outside().unwrap_or(self.end).min(self.end);
        let (end, count) = self.queue.window(lookahead, limit, WINDOW_EVENTS_MANY)?;
        if count < WINDOW_EVENTS_MIN {
            self.is_quiet_until = end;
            return None;
        }
        // What comes from outside comes first.
        self.queue.next_at().filter(|&at| at < end).map(|_| end)
    }

    fn play_window(&mut self, end: Instant) {
        let around = Surroundings {
            scenario: &self.scenario,
            faults: &self.faults,
            lives: &self.lives,
            main: self.main,
        };
        let mut items = mem::take(&mut self.items);
        self.queue.take_until(end, &mut items);
        let (places, under_way) = (&mut self.places, &mut self.under_way);
        let shares = window::play(&around, places, under_way, &mut self.hands, &items, end);
        let mut effects: Vec<_> =
            self.hands.iter_mut().map(|hand| mem::take(&mut hand.effects)).collect();
        window::in_order(&items, &shares, |at, node, share, places| {
            self.now = at;
            let places = places.start as usize..places.end as usize;
            let taken = effects[share][places].iter_mut().map(mem::take);
            self.carry_out(node as usize, taken);
        });
        for (hand, mut effects) in self.hands.iter_mut().zip(effects) {
            effects.clear();
            hand.effects = effects;
        }
        items.clear();
        self.items = items;
    }

    fn next_fault(&self) -> Option<Instant> {
        self.faults.next_event().map(|at| self.since_start(at))
    }

    /// When the next fault or broadcast comes.
    fn next_outside(&self) -> Option<Instant> {
        let broadcast = self.scenario.broadcasts.get(self.next_broadcast);
        let broadcast = broadcast.map(|broadcast| self.since_start(broadcast.at));
        self.next_fault().into_iter().chain(broadcast).min()
    }

    /// The links that the nodes' values always go over, the lower end first; none where they go to
    /// random peers.
    pub fn links(&self) -> Vec<(u32, u32)> {
        let link = |place: usize, other: &NodeId| {
            let (one, other) = (place as u32, other.0 as u32);
            (one.min(other), one.max(other))
        };
        let of = |place: usize| {
            let near = self.places[place].node.iter().flat_map(Node::neighbors);
            near.map(move |other| link(place, other))
        };
        let mut links: Vec<_> = (0..self.places.len()).flat_map(of).collect();
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

    /// The moment that the cluster has come to, and the one at which the scenario is over; both
    /// since the first node started.
    pub fn times(&self) -> (Instant, Instant) {
        (self.now, self.end)
    }

    /// What has come of the scenario so far.
    pub fn results(&self) -> Results {
        let mut tally = Tally::default();
        self.hands.iter().for_each(|hand| tally.add(&hand.tally));
        Results::new(&Account {
            scenario: &self.scenario,
            census: &self.census,
            tally: &tally,
            last_fault: self.last_fault,
            hubs: &self.hubs,
            simulated: self.now - self.main,
            unplaced: self.unplaced,
        })
    }

    /// A moment that is given since the begin of the main phase.
    fn since_start(&self, at: Instant) -> Instant {
        Instant(at.0.saturating_add(self.main.0))
    }

    /// The seed of a node's next life, and when its first one starts.
    fn draw_start(&mut self, node: usize) -> (u64, u64) {
        self.starts.seek(node as u64, u64::from(self.lives[node]));
        let seed = self.starts.next_u64();
        let stagger = u64::try_from(self.scenario.start_spread().as_nanos()).unwrap_or(u64::MAX);
        (seed, self.starts.below(stagger))
    }

    fn start(&mut self, node: usize, at: Instant) {
        let (seed, _) = self.draw_start(node);
        self.lives[node] += 1;
        let life = self.lives[node];
        let (id, incarnation) = (NodeId(node as u64), INCARNATION + u64::from(life));
        let config = self.scenario.config.clone();
        let is_learned = config.is_learned();
        let members = match is_learned {
            true => contacts(node, life / 2, self.scenario.nodes, self.scenario.seed),
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
            let mut outbox = Outbox::default();
            started.handle(at, Input::Topology(topology), &mut outbox);
            debug_assert!(outbox.is_empty(), "a topology makes nobody send");
        }
        self.places[node] = Place { node: Some(started), wakeup: None, ..self.places[node] };
        self.census.on_start(at);
        self.plan_wakeup(node);
    }

    fn kill(&mut self, node: usize) {
        let place = &mut self.places[node];
        if place.node.take().is_none() {
            return;
        }
        place.wakeup = None;
        self.lives[node] += 1;
        self.hands[0].tally.traffic.drops.down +=
            self.held.remove(&node).map_or(0, |held| held.len() as u64);
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
        let hub = || {
            let most = (0..places.len()).min_by_key(|&node| Reverse(places[node].sent));
            let hub = most.unwrap_or(0);
            self.hubs.push(hub);
            hub
        };
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
        if self.is_paused(node) {
            // It is planned anew when the node goes on.
            let place = &mut self.places[node];
            place.wakeup = place.wakeup.filter(|&at| at != self.now);
            return;
        }
        self.turn(node, |hand, around, now, place| hand.on_wakeup(around, now, node, place));
    }

    fn on_arrival(&mut self, arrival: Arrival) {
        let to = arrival.to as usize;
        match self.held.get_mut(&to) {
            Some(held) if self.places[to].node.is_some() && self.lives[to] == arrival.life => {
                self.hands[0].tally.events += 1;
                held.push(arrival);
            }
            _ => self.turn(to, |hand, around, now, place| {
                hand.on_arrival(around, now, place, arrival);
            }),
        }
    }

    fn receive(&mut self, arrival: Arrival) {
        self.input(arrival.to as usize, arrival.into_input());
    }

    fn is_paused(&self, node: usize) -> bool {
        self.faults.is_paused(node)
    }

    fn input(&mut self, node: usize, input: Input) {
        self.turn(node, |hand, around, now, place| hand.input(around, now, node, place, input));
    }

    /// Queues the node's next wake-up.
    fn plan_wakeup(&mut self, node: usize) {
        self.turn(node, |hand, _, now, place| hand.plan_wakeup(now, place));
    }

    /// A node has its turn.
    fn turn(
        &mut self,
        node: usize,
        happens: impl FnOnce(&mut Hand, &Surroundings<'_>, Instant, &mut Place),
    ) {
        let around = Surroundings {
            scenario: &self.scenario,
            faults: &self.faults,
            lives: &self.lives,
            main: self.main,
        };
        happens(&mut self.hands[0], &around, self.now, &mut self.places[node]);
        let mut effects = mem::take(&mut self.hands[0].effects);
        self.carry_out(node, effects.drain(..));
        self.hands[0].effects = effects;
    }

    /// Does what has come of a node's turn.
    fn carry_out(&mut self, node: usize, effects: impl Iterator<Item = Effect>) {
        for effect in effects {
            match effect {
                Effect::Sent(sending) => self.send(sending),
                Effect::Delivered { number, delivery } => {
                    if let Some(trace) = &mut self.trace {
                        trace.on_delivery(Instant(self.now.0 - self.main.0), node as u32, number);
                    }
                    self.census.on_delivery(self.now, node, number, delivery);
                }
                Effect::WakesAt(due) => self.queue.push(due, Event::Wakeup(node as u32)),
            }
        }
    }

    /// A message has gone out.
    fn send(&mut self, sending: Sending) {
        let Sending { arrival, fate, latency_ms, copy_ms } = sending;
        if self.trace.is_some() {
            self.watch_sent(&arrival, fate, latency_ms);
        }
        if fate != Fate::Arrives {
            return;
        }
        if let Some(copy_ms) = copy_ms {
            self.arrive_later(copy_ms, arrival.clone());
        }
        self.arrive_later(latency_ms, arrival);
    }

    fn arrive_later(&mut self, latency_ms: u64, arrival: Arrival) {
        let at = Instant(self.now.0.saturating_add(at_ms(latency_ms).0));
        let to = arrival.to;
        let part = self.places.part_of(to as usize);
        let message = self.under_way[part].insert(arrival) as u32;
        self.queue.push(at, Event::Arrival { to, message });
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
}
