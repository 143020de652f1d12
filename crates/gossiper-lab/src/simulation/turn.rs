//! One node's turn: what happens to it, and what it does about that.
//!
//! A turn changes nothing but the node's own place. What it does to others comes out as effects, so
//! that nodes can have their turns on several threads.

use std::mem;

use gossiper_core::{Delivery, Input, Instant, Message, MessageId, Node, NodeId, Outbox, Output};

use super::scenario::Scenario;
use super::size::line_bytes;
use super::trace::Fate;
use super::traffic::Traffic;
use crate::fault::FaultState;
use crate::network::{Chance, Conditions as _};
use crate::seed::Stream;

/// What does not change while nodes have their turns.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) faults: &'a FaultState,
    /// The starts and deaths of each node so far.
    pub(super) lives: &'a [u32],
    /// The begin of the main phase.
    pub(super) main: Instant,
}

/// Where a node runs.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// None while it is down.
    pub(super) node: Option<Node>,
    /// The messages that it has sent, in all its lives.
    pub(super) sent: u64,
    /// When the wake-up comes that counts. Others that are queued are void.
    pub(super) wakeup: Option<Instant>,
}

/// Something that is to happen to a node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Event {
    /// It wakes up.
    Wakeup(u32),
    /// A message comes to a node. It lies at this place among those that are under way to the
    /// node's part.
    Arrival { to: u32, message: u32 },
}

impl Event {
    /// To which node it happens.
    pub(super) fn node(self) -> u32 {
        match self {
            Self::Wakeup(node) | Self::Arrival { to: node, .. } => node,
        }
    }
}

/// A message under way.
#[derive(Clone, Debug)]
pub(super) struct Arrival {
    pub(super) from: u32,
    pub(super) to: u32,
    /// The receiver's life that it is meant for.
    pub(super) life: u32,
    pub(super) id: MessageId,
    pub(super) dialect: Option<u32>,
    pub(super) message: Message,
}

impl Arrival {
    pub(super) fn into_input(self) -> Input {
        let Self { from, id, dialect, message, .. } = self;
        Input::Received { from: NodeId(from.into()), id: Some(id), dialect, message }
    }
}

/// What a turn does to others.
#[derive(Debug)]
pub(super) enum Effect {
    Sent(Sending),
    /// A value has come that was not known; the number of its broadcast, if it is one.
    Delivered {
        number: Option<usize>,
        delivery: Delivery,
    },
    WakesAt(Instant),
}

impl Default for Effect {
    /// What is left in the place of one that was carried out.
    fn default() -> Self {
        Self::WakesAt(Instant::START)
    }
}

/// A message that goes out.
#[derive(Debug)]
pub(super) struct Sending {
    pub(super) arrival: Arrival,
    pub(super) fate: Fate,
    pub(super) latency_ms: u64,
    /// The latency of the copy that the network makes, if it makes one.
    pub(super) copy_ms: Option<u64>,
}

/// What turns have come to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    /// The faults, broadcasts, messages and wake-ups that have happened.
    pub(super) events: u64,
    pub(super) traffic: Traffic,
    pub(super) undelivered: u64,
    pub(super) direct: u64,
}

impl Tally {
    pub(super) fn add(&mut self, other: &Self) {
        let Self { events, traffic, undelivered, direct } = other;
        self.events += events;
        self.traffic.add(traffic);
        self.undelivered += undelivered;
        self.direct += direct;
    }
}

/// What is at hand for a turn, on one thread.
#[derive(Debug)]
pub(super) struct Hand {
    chances: Stream,
    /// Kept for its memory.
    outbox: Outbox,
    /// What the turns have done to others, in order.
    pub(super) effects: Vec<Effect>,
    pub(super) tally: Tally,
}

impl Hand {
    pub(super) fn new(chances: Stream) -> Self {
        let (outbox, effects) = (Outbox::default(), Vec::new());
        Self { chances, outbox, effects, tally: Tally::default() }
    }

    /// A wake-up comes, which may be void.
    pub(super) fn on_wakeup(
        &mut self,
        around: &Surroundings<'_>,
        now: Instant,
        node: usize,
        place: &mut Place,
    ) {
        if place.wakeup != Some(now) {
            return;
        }
        place.wakeup = None;
        let due = place.node.as_ref().and_then(Node::next_wakeup);
        if due.is_some_and(|due| due <= now) {
            self.tally.events += 1;
            self.input(around, now, node, place, Input::Wakeup);
        } else {
            self.plan_wakeup(now, place);
        }
    }

    /// A message comes, which may be for nobody.
    pub(super) fn on_arrival(
        &mut self,
        around: &Surroundings<'_>,
        now: Instant,
        place: &mut Place,
        arrival: Arrival,
    ) {
        self.tally.events += 1;
        let to = arrival.to as usize;
        if place.node.is_none() || around.lives[to] != arrival.life {
            self.tally.traffic.drops.down += 1;
        } else {
            self.input(around, now, to, place, arrival.into_input());
        }
    }

    pub(super) fn input(
        &mut self,
        around: &Surroundings<'_>,
        now: Instant,
        node: usize,
        place: &mut Place,
        input: Input,
    ) {
        let Place { node: Some(state), sent, .. } = place else { return };
        let mut outbox = mem::take(&mut self.outbox);
        state.handle(now, input, &mut outbox);
        for output in outbox.drain() {
            match output {
                Output::Send { to, id, dialect, message } => {
                    let to = to.0 as u32;
                    let life = around.lives[to as usize];
                    let arrival = Arrival { from: node as u32, to, life, id, dialect, message };
                    self.send(around, now, *sent, arrival);
                    *sent += 1;
                }
                Output::Deliver { place } => {
                    let Some(payload) = state.payload(place) else { continue };
                    let Some(delivery) = state.delivery(payload) else { continue };
                    let number = std::str::from_utf8(payload).ok();
                    let number = number.and_then(|text| text.parse().ok());
                    self.effects.push(Effect::Delivered { number, delivery });
                }
                Output::Undelivered { direct, .. } => {
                    self.tally.undelivered += 1;
                    self.tally.direct += direct as u64;
                }
            }
        }
        self.outbox = outbox;
        self.plan_wakeup(now, place);
    }

    /// Sends a node's message of this number.
    fn send(&mut self, around: &Surroundings<'_>, now: Instant, number: u64, arrival: Arrival) {
        let (from, to) = (arrival.from as usize, arrival.to as usize);
        let Arrival { id, dialect, .. } = arrival;
        let traffic = &mut self.tally.traffic;
        if now >= around.main {
            traffic.on_sent(&arrival.message, line_bytes(from, to, id, dialect, &arrival.message));
        }
        let latency = around.scenario.latency.between(from, to);
        let (faults, sender) = (around.faults, arrival.from.into());
        let chance = Chance::draw(latency, faults, &mut self.chances, sender, number);
        let fate = match chance.is_lost {
            _ if faults.is_cut(from, to) => Fate::Cut,
            true => Fate::Lost,
            false => Fate::Arrives,
        };
        traffic.drops.cut += u64::from(fate == Fate::Cut);
        traffic.drops.loss += u64::from(fate == Fate::Lost);
        let (latency_ms, copy_ms) = (chance.latency_ms, chance.copy_latency_ms);
        self.effects.push(Effect::Sent(Sending { arrival, fate, latency_ms, copy_ms }));
    }

    /// Plans the node's next wake-up, unless one is planned that comes no later: then it is looked
    /// at again when that has come.
    pub(super) fn plan_wakeup(&mut self, now: Instant, place: &mut Place) {
        let due = place.node.as_ref().and_then(Node::next_wakeup);
        if let Some(due) = due.map(|due| due.max(now))
            && place.wakeup.is_none_or(|planned| due < planned)
        {
            place.wakeup = Some(due);
            self.effects.push(Effect::WakesAt(due));
        }
    }
}
