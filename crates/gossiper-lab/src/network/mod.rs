//! The network between the nodes, as a state machine: Maelstrom's, and more ways to misbehave.
//!
//! A message between nodes is given its latency when it is sent; a client's has none. Then it waits
//! in its receiver's queue. Each node has **one** input thread, which this module plays: it takes
//! the earliest-due message up as soon as there is one, tests then, and not later, whether the
//! receiver is cut off from the sender, sleeps until the message is due, and hands it over.
//!
//! While it sleeps, whatever comes for the node waits, even what is due at once. So a client's read
//! is often answered just after a message that was in flight, and the times that such reads report
//! are up to one hop lower than those of the true spreading.
//!
//! Maelstrom cuts the sleep, not only the latency, to whole milliseconds, and so delivers up to 1
//! ms early; here a message comes exactly when it is due.
//!
//! # How it is driven
//!
//! [`Network::send`] takes a message, [`Network::next_event`] says when something happens next, and
//! [`Network::advance`] makes everything happen that is due. Time may not go backwards. What the
//! world is like, the host says on each call through [`Conditions`]; before it changes them it
//! calls `advance` with the moment of the change, so that what happened earlier happened under the
//! earlier ones.
//!
//! # Chance
//!
//! What befalls the k-th message of a link depends on the seed, the link and k, and on nothing else
//! that is sent: two node programs meet the same network.

mod chance;
mod count;
mod inbox;
mod latency;
#[cfg(test)]
mod tests;
mod world;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use gossiper_core::Instant;

pub(crate) use self::chance::Chance;
use self::count::Counts;
pub use self::count::{Count, DropReason};
use self::inbox::Inbox;
pub(crate) use self::latency::WORLD_MS_MAX;
pub use self::latency::{Distribution, LATENCY_MS_MAX, Latency};
use crate::seed::{Stream, at_ms};

/// Messages that may wait for one node. A node that is flooded faster than it is served would take
/// all memory; at 100,000 messages a second this is ten seconds' worth.
pub const QUEUE_MAX: usize = 1_000_000;

/// One end of a message.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Address {
    /// A node, by its place in the cluster's list, from 0.
    Node(usize),
    /// A client, by a number that is the host's own affair.
    Client(usize),
}

/// What the network is like at the moment. Every answer is the usual one unless it is overridden.
pub trait Conditions {
    /// Whether nothing that `from` sends reaches `to`. The other direction is another question.
    fn is_cut(&self, _from: usize, _to: usize) -> bool {
        false
    }

    /// The probability, 0 to 1, that a message between nodes is lost when it is sent.
    fn loss(&self) -> f64 {
        0.0
    }

    /// The probability, 0 to 1, that a message between nodes is queued twice. The copy has a
    /// latency of its own.
    fn duplicate(&self) -> f64 {
        0.0
    }

    /// The probability, 0 to 1, that a message between nodes has its latency drawn from a wider
    /// range, uniform from 0 to four times the mean and at least to 40 ms, so that messages
    /// overtake each other in the queue.
    fn reorder(&self) -> f64 {
        0.0
    }

    /// What latencies between nodes are multiplied with, at least 0.
    fn latency_factor(&self) -> f64 {
        1.0
    }
}

/// A network at which nothing is wrong.
#[derive(Clone, Copy, Debug, Default)]
pub struct Calm;

impl Conditions for Calm {}

/// A message under way.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Envelope<M> {
    /// The place among all messages sent, from 0. A copy has the number of what it is a copy of.
    pub id: u64,
    /// Who sent it.
    pub from: Address,
    /// Whom it is for.
    pub to: Address,
    /// When it was sent.
    pub sent: Instant,
    /// When it is to arrive, unless the receiver's input thread is asleep then.
    pub due: Instant,
    /// Whether the network made this copy.
    pub is_copy: bool,
    /// What it says.
    pub payload: M,
}

/// What became of a message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Outcome<M> {
    /// When.
    pub at: Instant,
    /// `None` when it is to be handed to the receiver now, else why it never will be.
    pub dropped: Option<DropReason>,
    /// The message.
    pub envelope: Envelope<M>,
}

/// The messages under way in one cluster.
#[derive(Clone, Debug)]
pub struct Network<M> {
    latency: Latency,
    stream: Stream,
    inboxes: Vec<Inbox<M>>,
    /// When each sleeping input thread wakes, with the message it holds (which makes the order of
    /// simultaneous events that of their sending) and the node. An entry whose order is not that
    /// of the node's current message is void: the node died.
    wakeups: BinaryHeap<Reverse<(Instant, u64, usize)>>,
    outcomes: Vec<Outcome<M>>,
    counts: Counts,
    now: Instant,
    next_id: u64,
    next_order: u64,
}

impl<M: Clone> Network<M> {
    /// A network of `nodes` nodes, all up, in which nothing is under way. Its chances come from
    /// `seed`.
    pub fn new(nodes: usize, latency: Latency, seed: u64) -> Self {
        Self {
            latency,
            stream: Stream::new(seed, "network"),
            inboxes: (0..nodes).map(|_| Inbox::new()).collect(),
            wakeups: BinaryHeap::new(),
            outcomes: Vec::new(),
            counts: Counts::new(nodes),
            now: Instant::START,
            next_id: 0,
            next_order: 0,
        }
    }

    /// Takes a message and gives its number. Whatever was due until `now` happens before.
    ///
    /// # Panics
    ///
    /// If `now` is earlier than in a call before, or an address is of no node of the cluster.
    pub fn send(
        &mut self,
        now: Instant,
        from: Address,
        to: Address,
        payload: M,
        conditions: &impl Conditions,
    ) -> u64 {
        self.run(now, conditions);
        let id = self.next_id;
        self.next_id += 1;
        let mut envelope = Envelope { id, from, to, sent: now, due: now, is_copy: false, payload };
        let (Address::Node(sender), Address::Node(receiver)) = (from, to) else {
            self.check(from);
            self.count(from, to).sent += 1;
            self.enqueue(envelope, conditions);
            return id;
        };
        self.check(to);
        let chance = self.decide(sender, receiver, conditions);
        envelope.due = now + ms(chance.latency_ms);
        if chance.is_lost {
            self.drop_for(DropReason::Loss, now, envelope);
            return id;
        }
        let copy = chance.copy_latency_ms.map(|latency_ms| {
            let due = now + ms(latency_ms);
            Envelope { due, is_copy: true, ..envelope.clone() }
        });
        self.enqueue(envelope, conditions);
        if let Some(copy) = copy {
            self.count(from, to).duplicated += 1;
            self.enqueue(copy, conditions);
        }
        id
    }

    /// When [`Self::advance`] has something to do next; `None` if nothing is under way. A moment
    /// that has passed means at once.
    pub fn next_event(&self) -> Option<Instant> {
        if let Some(first) = self.outcomes.first() {
            return Some(first.at);
        }
        self.wakeups.peek().map(|Reverse((at, ..))| *at)
    }

    /// Makes everything happen that is due until `now` and appends it to `outcomes`, in the order
    /// of time.
    ///
    /// # Panics
    ///
    /// If `now` is earlier than in a call before.
    pub fn advance(
        &mut self,
        now: Instant,
        conditions: &impl Conditions,
        outcomes: &mut Vec<Outcome<M>>,
    ) {
        self.run(now, conditions);
        outcomes.append(&mut self.outcomes);
    }

    /// The node died: what waits for it is dropped, and so is what is sent to it until
    /// [`Self::revive`]. What it has sent stays under way.
    ///
    /// # Panics
    ///
    /// As [`Self::advance`], or if there is no such node.
    pub fn kill(&mut self, now: Instant, node: usize, conditions: &impl Conditions) {
        self.run(now, conditions);
        let inbox = &mut self.inboxes[node];
        inbox.is_down = true;
        let mut dead: Vec<_> =
            inbox.taken.take().map(|(_, envelope)| envelope).into_iter().collect();
        while let Some((_, envelope)) = inbox.pop() {
            dead.push(envelope);
        }
        for envelope in dead {
            self.drop_for(DropReason::Down, now, envelope);
        }
        self.forget_void_wakeups();
    }

    /// The node is up again, with an empty queue.
    ///
    /// # Panics
    ///
    /// If there is no such node.
    pub fn revive(&mut self, node: usize) {
        self.inboxes[node].is_down = false;
    }

    /// Takes out all that is under way, in the order of sending. Nothing of it counts as dropped.
    pub fn drain(&mut self) -> Vec<Envelope<M>> {
        let mut all = Vec::new();
        for inbox in &mut self.inboxes {
            all.extend(inbox.taken.take());
            all.extend(std::iter::from_fn(|| inbox.pop()));
        }
        self.forget_void_wakeups();
        all.sort_unstable_by_key(|(order, _)| *order);
        all.into_iter().map(|(_, envelope)| envelope).collect()
    }

    /// The counts of the link from one node to another.
    ///
    /// # Panics
    ///
    /// If there are no such nodes.
    pub fn link(&self, from: usize, to: usize) -> Count {
        self.counts.link(from, to)
    }

    /// The counts of all links between nodes together.
    pub fn servers(&self) -> Count {
        self.counts.servers()
    }

    /// The counts of all messages from or to a client.
    pub fn clients(&self) -> Count {
        self.counts.clients
    }

    /// The node that has sent most messages to nodes; the first of several; 0 if none has.
    pub fn hub(&self) -> usize {
        (0..self.inboxes.len())
            .min_by_key(|&node| Reverse(self.counts.from(node).sent))
            .unwrap_or_default()
    }

    /// Messages that wait for a node, the one that its input thread holds included.
    ///
    /// # Panics
    ///
    /// If there is no such node.
    pub fn queued(&self, node: usize) -> usize {
        self.inboxes[node].len()
    }

    /// Decides what befalls the next message of a link, and counts it as sent.
    fn decide(&mut self, from: usize, to: usize, conditions: &impl Conditions) -> Chance {
        let place = self.counts.link(from, to).sent;
        let link = (from as u64) << 32 | to as u64;
        let chance = Chance::draw(self.latency, conditions, &mut self.stream, link, place);
        let count = self.counts.link_mut(from, to);
        count.sent += 1;
        count.reordered += u64::from(chance.is_reordered && !chance.is_lost);
        chance
    }

    fn enqueue(&mut self, envelope: Envelope<M>, conditions: &impl Conditions) {
        let now = self.now;
        let Address::Node(node) = envelope.to else {
            // A client has no latency and no cuts, and it is always waiting.
            self.deliver(now, envelope);
            return;
        };
        self.check(envelope.to);
        let order = self.next_order;
        self.next_order += 1;
        let inbox = &mut self.inboxes[node];
        if inbox.is_down {
            self.drop_for(DropReason::Down, now, envelope);
        } else if inbox.len() >= QUEUE_MAX {
            self.drop_for(DropReason::Overflow, now, envelope);
        } else {
            inbox.push(order, envelope);
            self.take_up(now, node, conditions);
        }
    }

    /// Plays all input threads until `now`.
    fn run(&mut self, now: Instant, conditions: &impl Conditions) {
        assert!(now >= self.now, "time went back from {:?} to {now:?}", self.now);
        while let Some(&Reverse((at, order, node))) = self.wakeups.peek() {
            if at > now {
                break;
            }
            self.wakeups.pop();
            if let Some((_, envelope)) =
                self.inboxes[node].taken.take_if(|(taken, _)| *taken == order)
            {
                self.deliver(at, envelope);
                self.take_up(at, node, conditions);
            }
        }
        self.now = now;
    }

    /// A free input thread takes the earliest-due message up; those that are cut off it drops.
    fn take_up(&mut self, now: Instant, node: usize, conditions: &impl Conditions) {
        while self.inboxes[node].taken.is_none() {
            let Some((order, envelope)) = self.inboxes[node].pop() else {
                return;
            };
            let is_cut = match envelope.from {
                Address::Node(from) => conditions.is_cut(from, node),
                Address::Client(_) => false,
            };
            if is_cut {
                self.drop_for(DropReason::Cut, now, envelope);
            } else if envelope.due <= now {
                self.deliver(now, envelope);
            } else {
                self.wakeups.push(Reverse((envelope.due, order, node)));
                self.inboxes[node].taken = Some((order, envelope));
            }
        }
    }

    fn deliver(&mut self, at: Instant, envelope: Envelope<M>) {
        self.count(envelope.from, envelope.to).delivered += 1;
        self.outcomes.push(Outcome { at, dropped: None, envelope });
    }

    fn drop_for(&mut self, reason: DropReason, at: Instant, envelope: Envelope<M>) {
        self.count(envelope.from, envelope.to).dropped[reason as usize] += 1;
        self.outcomes.push(Outcome { at, dropped: Some(reason), envelope });
    }

    fn count(&mut self, from: Address, to: Address) -> &mut Count {
        match (from, to) {
            (Address::Node(from), Address::Node(to)) => self.counts.link_mut(from, to),
            _ => &mut self.counts.clients,
        }
    }

    fn check(&self, address: Address) {
        if let Address::Node(node) = address {
            assert!(node < self.inboxes.len(), "node {node} is not one of {}", self.inboxes.len());
        }
    }

    /// A void wake-up at the top would make `next_event` name a moment at which nothing happens.
    fn forget_void_wakeups(&mut self) {
        let inboxes = &self.inboxes;
        self.wakeups.retain(|Reverse((_, order, node))| {
            inboxes[*node].taken.as_ref().is_some_and(|(taken, _)| taken == order)
        });
    }
}

fn ms(count: u64) -> Duration {
    at_ms(count) - Instant::START
}
