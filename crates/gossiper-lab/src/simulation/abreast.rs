//! A busy moment on several threads.
//!
//! No message arrives in the millisecond in which it is sent, so what happens to one node within a
//! millisecond is nothing to any other. The nodes are shared out, each thread gives its own their
//! turns, and what these do to others is carried out afterwards, in the order in which one thread
//! would have come to it: the number of threads changes nothing.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::ops::{Index, IndexMut};
use std::thread;

use gossiper_core::Instant;
use slab::Slab;

use super::scenario::Scenario;
use super::turn::{Arrival, Effect, Event, Hand, Place, Surroundings, Tally};
use crate::fault::FaultState;
use crate::network::Conditions as _;

/// Whether every message takes a millisecond at least.
pub(super) fn is_possible(scenario: &Scenario, faults: &FaultState) -> bool {
    scenario.latency.least_ms() >= 1 && faults.latency_factor() >= 1.0 && faults.reorder() <= 0.0
}

/// The places of all nodes, dealt out to so many parts in turn: where nodes stand in a tree by
/// their numbers, inner nodes are neighbors, and have more to do than others.
#[derive(Debug)]
pub(super) struct Places {
    /// One part after the other, each as long as the longest.
    list: Vec<Place>,
    nodes: usize,
    parts: usize,
}

impl Places {
    pub(super) fn new(nodes: usize, parts: usize) -> Self {
        let length = nodes.div_ceil(parts) * parts;
        Self { list: (0..length).map(|_| Place::default()).collect(), nodes, parts }
    }

    pub(super) fn len(&self) -> usize {
        self.nodes
    }

    /// The part that a node is in.
    pub(super) fn part_of(&self, node: usize) -> usize {
        node % self.parts
    }

    fn at(&self, node: usize) -> usize {
        self.part_of(node) * (self.list.len() / self.parts) + node / self.parts
    }

    fn parts_mut(&mut self) -> impl Iterator<Item = &mut [Place]> {
        let length = self.list.len() / self.parts;
        self.list.chunks_mut(length)
    }
}

impl Index<usize> for Places {
    type Output = Place;

    fn index(&self, node: usize) -> &Place {
        &self.list[self.at(node)]
    }
}

impl IndexMut<usize> for Places {
    fn index_mut(&mut self, node: usize) -> &mut Place {
        let at = self.at(node);
        &mut self.list[at]
    }
}

/// The nodes of one thread, and what happens to them.
struct Part<'a> {
    places: &'a mut [Place],
    /// The messages that are under way to them.
    under_way: &'a mut Slab<Arrival>,
    /// What happens, in order, and its place in that order among what happens to all nodes.
    items: Vec<(Instant, u32, Event)>,
}

/// Why a turn comes where it does among those of its instant.
#[derive(Clone, Copy, Debug)]
enum Cause {
    /// It is that of the item of this place among all.
    Item(u32),
    /// It was planned by a turn of the same moment: that of this place in its share. Such come
    /// after all items, in the order in which they were planned.
    Turn(u32),
}

#[derive(Debug)]
struct Turn {
    at: Instant,
    node: u32,
    cause: Cause,
    /// The effects up to here are of this turn and of those before it.
    effects_end: u32,
}

/// What the turns of one thread have come to.
#[derive(Debug, Default)]
pub(super) struct Share {
    turns: Vec<Turn>,
    effects: Vec<Effect>,
    tally: Tally,
}

/// Gives the nodes their turns up to `end`, each part on a thread of its own. `under_way` has the
/// messages to each part, and `items` is what happens, in order.
pub(super) fn play(
    around: &Surroundings<'_>,
    places: &mut Places,
    under_way: &mut [Slab<Arrival>],
    items: Vec<(Instant, Event)>,
    end: Instant,
    hand: &Hand,
) -> Vec<Share> {
    let count = places.parts;
    let mut dealt: Vec<_> = (0..count).map(|_| Vec::new()).collect();
    for (order, (at, event)) in (0..).zip(items) {
        let part = match event {
            Event::Wakeup(node) => places.part_of(node as usize),
            Event::Arrival { part, .. } => part as usize,
        };
        dealt[part].push((at, order, event));
    }
    let parts = places.parts_mut().zip(under_way).zip(dealt);
    let mut parts = parts.map(|((places, under_way), items)| Part { places, under_way, items });
    let work = |part| play_part(around, part, count, end, hand.another());
    thread::scope(|scope| {
        let first = parts.next();
        let helpers: Vec<_> = parts.map(|part| scope.spawn(move || work(part))).collect();
        let own = first.map(work);
        let others = helpers
            .into_iter()
            .map(|helper| helper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        own.into_iter().chain(others).collect()
    })
}

fn play_part(
    around: &Surroundings<'_>,
    part: Part<'_>,
    parts: usize,
    end: Instant,
    mut hand: Hand,
) -> Share {
    let Part { places, under_way, items } = part;
    let mut turns: Vec<Turn> = Vec::with_capacity(items.len());
    let mut items = items.into_iter().peekable();
    // Wake-ups that a turn of this moment has planned for this moment.
    let mut late: BinaryHeap<Reverse<(Instant, u32, u32)>> = BinaryHeap::new();
    loop {
        let planned = late.peek().map(|Reverse((at, ..))| *at);
        let item = items.next_if(|(at, ..)| planned.is_none_or(|planned| *at <= planned));
        let (at, cause, event) = match item {
            Some((at, order, event)) => (at, Cause::Item(order), event),
            None => match late.pop() {
                Some(Reverse((at, turn, node))) => (at, Cause::Turn(turn), Event::Wakeup(node)),
                None => break,
            },
        };
        let node = match event {
            Event::Wakeup(node) => {
                let place = &mut places[node as usize / parts];
                hand.on_wakeup(around, at, node as usize, place);
                node
            }
            Event::Arrival { message, .. } => {
                let arrival = under_way.remove(message as usize);
                let to = arrival.to;
                hand.on_arrival(around, at, &mut places[to as usize / parts], arrival);
                to
            }
        };
        // It is the last effect of its turn. One of an earlier turn that is still there is due
        // later.
        if let Some(&Effect::WakesAt(due)) = hand.effects.last()
            && due < end
        {
            hand.effects.pop();
            late.push(Reverse((due, turns.len() as u32, node)));
        }
        turns.push(Turn { at, node, cause, effects_end: hand.effects.len() as u32 });
    }
    Share { turns, effects: hand.effects, tally: hand.tally }
}

/// What is done with a share.
pub(super) enum Done<'a> {
    /// A turn's effects are carried out.
    Turn { at: Instant, node: u32, effects: &'a mut dyn Iterator<Item = Effect> },
    /// All its turns have been.
    Share(Tally),
}

/// Goes through all turns in the order in which one thread would have given them.
pub(super) fn in_order(shares: Vec<Share>, mut carry_out: impl FnMut(Done<'_>)) {
    let mut queues: Vec<Merging> = shares
        .into_iter()
        .map(|share| {
            carry_out(Done::Share(share.tally));
            Merging::new(share)
        })
        .collect();
    let mut place = 0;
    loop {
        let next = (0..queues.len()).filter(|&share| queues[share].head().is_some());
        let Some(next) = next.min_by(|&one, &other| queues[one].compare(&queues[other])) else {
            return;
        };
        queues[next].take(place, &mut carry_out);
        place += 1;
    }
}

/// A share whose turns are taken one by one.
struct Merging {
    turns: Vec<Turn>,
    effects: std::vec::IntoIter<Effect>,
    effects_taken: u32,
    /// The places among the turns of all shares of those that were taken.
    places: Vec<u64>,
}

impl Merging {
    fn new(share: Share) -> Self {
        let places = Vec::with_capacity(share.turns.len());
        let effects = share.effects.into_iter();
        Self { turns: share.turns, effects, effects_taken: 0, places }
    }

    fn head(&self) -> Option<&Turn> {
        self.turns.get(self.places.len())
    }

    /// Whose next turn comes first. Both have one.
    fn compare(&self, other: &Self) -> Ordering {
        let (Some(one), Some(two)) = (self.head(), other.head()) else { return Ordering::Equal };
        let by_cause = || match (one.cause, two.cause) {
            (Cause::Item(one), Cause::Item(two)) => one.cmp(&two),
            (Cause::Item(_), Cause::Turn(_)) => Ordering::Less,
            (Cause::Turn(_), Cause::Item(_)) => Ordering::Greater,
            (Cause::Turn(one), Cause::Turn(two)) => {
                self.places[one as usize].cmp(&other.places[two as usize])
            }
        };
        one.at.cmp(&two.at).then_with(by_cause)
    }

    fn take(&mut self, place: u64, carry_out: &mut impl FnMut(Done<'_>)) {
        let Some(&Turn { at, node, effects_end, .. }) = self.head() else { return };
        self.places.push(place);
        let count = (effects_end - self.effects_taken) as usize;
        self.effects_taken = effects_end;
        let mut effects = self.effects.by_ref().take(count);
        carry_out(Done::Turn { at, node, effects: &mut effects });
        // Nothing of it is left for the next turn.
        effects.for_each(drop);
    }
}
