//! A busy window, node by node and on several threads.
//!
//! No message arrives sooner than the least latency after it was sent, so what happens to one node
//! within a window no longer than that is nothing to any other: the *lookahead* of conservative
//! parallel simulation (Fujimoto, Parallel Discrete Event Simulation, CACM 33(10), 1990, section
//! 3). Each node has all its turns of the window one after the other, while its state is in the
//! cache, and each thread has nodes of its own. What the turns do to others is carried out
//! afterwards, in the order in which one event after the other would have come to it: neither the
//! windows nor the number of threads change anything.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::{Index, IndexMut, Range};
use std::thread;
use std::time::Duration;

use gossiper_core::Instant;
use slab::Slab;

use super::scenario::Scenario;
use super::turn::{Arrival, Effect, Event, Hand, Place, Surroundings};
use crate::fault::FaultState;
use crate::network::Conditions as _;

/// How long after it was sent a message arrives at the earliest; nothing if that may be at once.
pub(super) fn lookahead(scenario: &Scenario, faults: &FaultState) -> Duration {
    let is_least = faults.latency_factor() >= 1.0 && faults.reorder() <= 0.0;
    Duration::from_millis(if is_least { scenario.latency.least_ms().into() } else { 0 })
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
    hand: &'a mut Hand,
    /// Which items are theirs: the node, and in the lower half the item's number.
    keys: Vec<u64>,
}

/// Why a turn comes where it does among those of its instant.
#[derive(Clone, Copy, Debug)]
enum Cause {
    /// It is that of the item of this number.
    Item(u32),
    /// It was planned in the same window by the turn of this place in its share. Such come after
    /// all items, in the order in which they were planned.
    Turn(u32),
}

#[derive(Debug)]
pub(super) struct Turn {
    at: Instant,
    node: u32,
    cause: Cause,
    /// The place of its effects in the hand of its share.
    effects: Range<u32>,
}

/// The turns of one thread, node by node.
type Share = Vec<Turn>;

/// What happens in a window, in order.
pub(super) type Items = [(Instant, Event)];

/// Gives the nodes their turns up to `end`, each part on a thread of its own, with a hand of its
/// own in which their effects stay. `under_way` has the messages to each part.
pub(super) fn play(
    around: &Surroundings<'_>,
    places: &mut Places,
    under_way: &mut [Slab<Arrival>],
    hands: &mut [Hand],
    items: &Items,
    end: Instant,
) -> Vec<Share> {
    let count = places.parts;
    let mut keys: Vec<Vec<u64>> = (0..count).map(|_| Vec::new()).collect();
    for (number, (_, event)) in (0_u64..).zip(items) {
        let node = event.node();
        keys[places.part_of(node as usize)].push(u64::from(node) << 32 | number);
    }
    let parts = places.parts_mut().zip(under_way).zip(hands).zip(keys);
    let mut parts =
        parts.map(|(((places, under_way), hand), keys)| Part { places, under_way, hand, keys });
    let work = |part| play_part(around, part, count, items, end);
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
    items: &Items,
    end: Instant,
) -> Share {
    let Part { places, under_way, hand, mut keys } = part;
    keys.sort_unstable();
    let mut turns: Vec<Turn> = Vec::with_capacity(keys.len());
    // Wake-ups of the node whose turns it has that one of these has planned for this window.
    let mut planned: BinaryHeap<Reverse<(Instant, u32)>> = BinaryHeap::new();
    let mut taken: Vec<Option<Arrival>> = Vec::new();
    let mut rest = &keys[..];
    while let Some(batch) = rest.split_off(..batch_end(rest)).filter(|batch| !batch.is_empty()) {
        taken.extend(batch.iter().map(|&key| match items[key as u32 as usize].1 {
            Event::Wakeup(_) => None,
            Event::Arrival { message, .. } => Some(under_way.remove(message as usize)),
        }));
        let mut numbers = batch.iter().map(|&key| key as u32).zip(taken.drain(..)).peekable();
        for of_node in batch.chunk_by(|one, other| node_of(*one) == node_of(*other)) {
            let node = node_of(of_node[0]);
            let place = &mut places[node as usize / parts];
            let mut left = of_node.len();
            loop {
                let due = planned.peek().map(|Reverse((at, _))| *at);
                let is_next = |number: u32| due.is_none_or(|due| items[number as usize].0 <= due);
                let item = numbers.next_if(|(number, _)| left > 0 && is_next(*number));
                let (at, cause, arrival) = match item {
                    Some((number, arrival)) => {
                        left -= 1;
                        (items[number as usize].0, Cause::Item(number), arrival)
                    }
                    None => match planned.pop() {
                        Some(Reverse((at, turn))) => (at, Cause::Turn(turn), None),
                        None => break,
                    },
                };
                let begin = hand.effects.len() as u32;
                match arrival {
                    Some(arrival) => hand.on_arrival(around, at, place, arrival),
                    None => hand.on_wakeup(around, at, node as usize, place),
                }
                // It is the last effect of its turn, if it has one. One of an earlier turn that is
                // still there is due later.
                if let Some(&Effect::WakesAt(due)) = hand.effects.last()
                    && due < end
                {
                    hand.effects.pop();
                    planned.push(Reverse((due, turns.len() as u32)));
                }
                let effects = begin..hand.effects.len() as u32;
                turns.push(Turn { at, node, cause, effects });
            }
        }
    }
    turns
}

/// As many messages are taken at a time, and some more where they are for one node: what has to be
/// fetched from memory for one is fetched while others are on their way.
const BATCH: usize = 64;

/// Where the next batch ends. All keys of a node are in one.
fn batch_end(keys: &[u64]) -> usize {
    let begun = &keys[..keys.len().min(BATCH)];
    let last = begun.last().map(|&key| node_of(key));
    let more = keys[begun.len()..].iter().take_while(|&&key| Some(node_of(key)) == last);
    begun.len() + more.count()
}

fn node_of(key: u64) -> u32 {
    (key >> 32) as u32
}

/// Where a turn is: which share, and where in it.
type At = (u32, u32);

/// Goes through all turns in the order in which they would have come one by one: `done` gets each
/// with its share and the place of its effects there.
pub(super) fn in_order(
    items: &Items,
    shares: &[Share],
    mut done: impl FnMut(Instant, u32, usize, Range<u32>),
) {
    let mut of_items: Vec<At> = vec![(0, 0); items.len()];
    // Which turn each has planned for this window; the first of a share was planned by none.
    let mut plans: Vec<Vec<u32>> = shares.iter().map(|turns| vec![0; turns.len()]).collect();
    for (share, turns) in (0_u32..).zip(shares) {
        for (place, turn) in (0..).zip(turns) {
            match turn.cause {
                Cause::Item(number) => of_items[number as usize] = (share, place),
                Cause::Turn(by) => plans[share as usize][by as usize] = place,
            }
        }
    }
    let mut of_items = of_items.into_iter().zip(items).peekable();
    // Those that have been planned by now, and when: as many turns had come before.
    let mut planned: BinaryHeap<Reverse<(Instant, u32, At)>> = BinaryHeap::new();
    for rank in 0.. {
        let due = planned.peek().map(|Reverse((at, ..))| *at);
        let item = of_items.next_if(|(_, (at, _))| due.is_none_or(|due| *at <= due));
        let next = item.map(|(at, _)| at).or_else(|| planned.pop().map(|Reverse((.., at))| at));
        let Some((share, place)) = next else { return };
        let turns = &shares[share as usize];
        if let plan @ 1.. = plans[share as usize][place as usize] {
            planned.push(Reverse((turns[plan as usize].at, rank, (share, plan))));
        }
        let Turn { at, node, ref effects, .. } = turns[place as usize];
        done(at, node, share as usize, effects.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_of_one_instant_come_as_they_were_planned() {
        let items = [(1, 2), (2, 1), (5, 0)].map(|(at, node)| (Instant(at), Event::Wakeup(node)));
        let turn = |at, node, cause| Turn { at: Instant(at), node, cause, effects: 0..0 };
        let of_0 = || turn(5, 0, Cause::Item(2));
        let of_1 = |first| [turn(2, 1, Cause::Item(1)), turn(5, 1, Cause::Turn(first))];
        // The last one is planned by another of its instant.
        let of_2 = |first| {
            let planned = [first, first + 1].map(|by| turn(5, 2, Cause::Turn(by)));
            [turn(1, 2, Cause::Item(0))].into_iter().chain(planned)
        };
        let together = vec![[of_0()].into_iter().chain(of_1(1)).chain(of_2(3)).collect()];
        let apart = vec![[of_0()].into_iter().chain(of_2(1)).collect(), of_1(0).into()];
        for shares in [together, apart] {
            let mut order = Vec::new();
            in_order(&items, &shares, |at, node, _, _| order.push((at.0, node)));
            assert_eq!(order, [(1, 2), (2, 1), (5, 0), (5, 2), (5, 1), (5, 2)]);
        }
    }
}
