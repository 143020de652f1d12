//! Partial views: whom a node knows in a cluster too large for a list of all members.
//!
//! HyParView (Leitão, Pereira and Rodrigues 2007). A small *active view* of neighbors, to whom the
//! node keeps links and who have it in theirs, and a larger *passive view* of addresses, from which
//! a lost neighbor is replaced. Joins walk at random through the cluster, and shuffles mix the
//! passive views. What a node keeps does not grow with the cluster.
//!
//! What is not in the paper:
//!
//! - No connection says that a neighbor has failed: whoever watches the links does
//!   ([`Membership::on_failed`]). A request that nobody answers in time has failed.
//! - Because there is no connection that both ends see close, a node that hears from one that is
//!   no neighbor either takes it as one or says that it is none
//!   ([`Membership::on_stranger`]): so views become symmetric again after losses.
//! - A third and last list, the *book*, holds addresses that the passive view had no room for, and
//!   those of walks that passed by. It is turned to when the passive view is used up: of 35 addresses
//!   none may be left after a crash of almost everybody, of 160 some are.
//! - A node without any neighbor turns to its contacts again and again, for ever, ever more rarely.

mod views;

#[cfg(test)]
mod tests;

use alloc::vec::Vec;
use core::time::Duration;

use self::views::{Bounded, draw, remove};
use crate::rng::Rng;
use crate::{Instant, NodeId, ViewMessage};

/// How many hops a join walks, from HyParView's evaluation: the active random walk length.
const JOIN_TTL: u8 = 6;

/// How far from its end a joining node is taken into a passive view: the passive random walk
/// length.
const JOIN_TTL_PASSIVE: u8 = 3;

/// How many hops a shuffle walks: as many as a join.
const SHUFFLE_TTL: u8 = 6;

/// What a shuffle takes from the active and from the passive view: HyParView's kₐ and kₚ.
const SHUFFLE_ACTIVE: usize = 3;
const SHUFFLE_PASSIVE: usize = 4;

/// The most addresses of one shuffle that are looked at: twice what this crate sends.
const SHUFFLE_NODES_MAX: usize = 16;

/// With fewer neighbors than this a node is not to be refused.
const URGENT_BELOW: usize = 2;

/// The most addresses in the book.
const BOOK_MAX: usize = 128;

/// The first gap between two attempts that nobody takes up, and the longest: each doubles.
const RETRY_FIRST: Duration = Duration::from_secs(1);
const RETRY_LONGEST: Duration = Duration::from_secs(60);

/// What the views are to be like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Sizes {
    /// The most neighbors.
    pub(crate) active_max: usize,
    /// The most addresses in the passive view.
    pub(crate) passive_max: usize,
    /// The time between two shuffles. They begin sixteen times as fast, to fill the view.
    pub(crate) shuffle_interval: Duration,
    /// How long an answer may take.
    pub(crate) timeout: Duration,
}

/// What is to be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Act {
    /// Say this to that node.
    Send(NodeId, ViewMessage),
    /// A neighbor is new.
    Up(NodeId),
    /// One is none any more.
    Down(NodeId),
}

/// A request to become neighbors that is not answered.
#[derive(Clone, Copy, Debug)]
struct Request {
    to: NodeId,
    until: Instant,
}

/// The views of one node.
#[derive(Debug)]
pub(crate) struct Membership {
    me: NodeId,
    sizes: Sizes,
    contacts: Vec<NodeId>,
    active: Vec<NodeId>,
    passive: Bounded,
    book: Bounded,
    /// At most twice as many as there may be neighbors.
    requests: Vec<Request>,
    /// What was sent in the last shuffle, which makes room for what comes back.
    shuffled: Vec<NodeId>,
    next_shuffle: Instant,
    shuffle_gap: Duration,
    /// How often somebody who is no neighbor was turned to.
    visits: u32,
    /// Before this no further attempt is made to get another neighbor.
    retry_at: Instant,
    retry_gap: Duration,
}

impl Membership {
    /// A node that knows nobody but its contacts, of which it keeps as many as the book has room
    /// for.
    pub(crate) fn new(me: NodeId, mut contacts: Vec<NodeId>, sizes: Sizes, now: Instant) -> Self {
        contacts.truncate(BOOK_MAX);
        let shuffle_gap = sizes.shuffle_interval / 16;
        Self {
            me,
            contacts,
            active: Vec::new(),
            passive: Bounded::new(sizes.passive_max),
            book: Bounded::new(BOOK_MAX),
            requests: Vec::new(),
            shuffled: Vec::new(),
            next_shuffle: now + shuffle_gap,
            shuffle_gap,
            visits: 0,
            retry_at: now,
            retry_gap: RETRY_FIRST,
            sizes,
        }
    }

    /// The neighbors, in the order in which they became that.
    pub(crate) fn active(&self) -> &[NodeId] {
        &self.active
    }

    /// Addresses of others.
    #[cfg(test)]
    pub(crate) fn passive(&self) -> &[NodeId] {
        self.passive.list()
    }

    pub(crate) fn is_active(&self, node: NodeId) -> bool {
        self.active.contains(&node)
    }

    /// The host knows of somebody whom the node may turn to.
    pub(crate) fn on_contact(&mut self, node: NodeId, now: Instant) {
        if node != self.me && !self.contacts.contains(&node) {
            // The oldest goes: the host has said that it knows better.
            if self.contacts.len() == BOOK_MAX {
                self.contacts.remove(0);
            }
            self.contacts.push(node);
            self.hasten(now);
        }
    }

    /// A neighbor does not answer, or its connection has broken.
    pub(crate) fn on_failed(&mut self, node: NodeId, now: Instant, acts: &mut Vec<Act>) {
        self.passive.remove(node);
        self.book.remove(node);
        self.requests.retain(|request| request.to != node);
        if remove(&mut self.active, node) {
            acts.push(Act::Down(node));
            self.hasten(now);
        }
    }

    /// Somebody who is no neighbor, to see whether the cluster has split: the contacts one after
    /// the other, for they are never forgotten, and every other time anybody else who is known.
    pub(crate) fn acquaintance(&mut self, rng: &mut Rng) -> Option<NodeId> {
        self.visits = self.visits.wrapping_add(1);
        let count = self.contacts.len().max(1);
        let turn = (self.visits / 2) as usize % count;
        let (before, after) = self.contacts.split_at(turn.min(self.contacts.len()));
        let contact = after.iter().chain(before).copied().find(|&node| !self.is_active(node));
        let known = self.passive.list().iter().chain(self.book.list()).copied();
        match self.visits % 2 {
            0 => contact.or_else(|| draw(known, rng)),
            _ => draw(known, rng).or(contact),
        }
    }

    /// Something has come over a link from one that is no neighbor: the answer by which it became
    /// one was lost, or the word that it is none. Or it `is_apart`, in another part of a cluster
    /// that has split, and then it becomes a neighbor whatever that costs.
    pub(crate) fn on_stranger(
        &mut self,
        from: NodeId,
        is_apart: bool,
        rng: &mut Rng,
        acts: &mut Vec<Act>,
    ) {
        if is_apart || self.active.len() < self.sizes.active_max {
            self.add_active(from, rng, acts);
        } else {
            acts.push(Act::Send(from, ViewMessage::Disconnect));
        }
    }

    /// One of the protocol's messages.
    pub(crate) fn on_message(
        &mut self,
        from: NodeId,
        message: ViewMessage,
        now: Instant,
        rng: &mut Rng,
        acts: &mut Vec<Act>,
    ) {
        match message {
            ViewMessage::Join => self.on_join(from, rng, acts),
            ViewMessage::ForwardJoin { node, ttl } => {
                self.on_forward_join(from, node, ttl, now, rng, acts);
            }
            ViewMessage::Neighbor { is_urgent } => {
                // HyParView 4.3: high priority is never refused, low only for want of room.
                let accepts =
                    self.is_active(from) || is_urgent || self.active.len() < self.sizes.active_max;
                if accepts {
                    self.add_active(from, rng, acts);
                }
                acts.push(Act::Send(from, ViewMessage::Answer { accepts }));
            }
            ViewMessage::Answer { accepts } => self.on_answer(from, accepts, now, rng, acts),
            ViewMessage::Disconnect => {
                self.requests.retain(|request| request.to != from);
                if remove(&mut self.active, from) {
                    acts.push(Act::Down(from));
                    self.add_passive(from, rng);
                    self.hasten(now);
                }
            }
            ViewMessage::Shuffle { origin, ttl, nodes } => {
                self.on_shuffle(from, origin, ttl, nodes, rng, acts);
            }
            ViewMessage::ShuffleReply { nodes } => {
                let sent = core::mem::take(&mut self.shuffled);
                self.integrate(&nodes, sent, rng);
            }
        }
    }

    /// Does what is due.
    pub(crate) fn on_wakeup(&mut self, now: Instant, rng: &mut Rng, acts: &mut Vec<Act>) {
        let silent: Vec<NodeId> = self
            .requests
            .iter()
            .filter(|request| request.until <= now)
            .map(|request| request.to)
            .collect();
        for to in silent {
            // HyParView 4.3: who cannot be reached leaves the passive view. That is soon used up,
            // so the next is tried at once; a contact is kept, and tried again later.
            if self.passive.contains(to) || self.book.contains(to) {
                self.retry_at = now;
            }
            self.on_failed(to, now, acts);
        }
        self.refill(now, rng, acts);
        if self.next_shuffle <= now {
            self.shuffle(rng, acts);
            self.shuffle_gap = (self.shuffle_gap * 2).min(self.sizes.shuffle_interval);
            // Apart from others that began at the same moment.
            let spread = rng.part_of(self.shuffle_gap / 4);
            self.next_shuffle = now + self.shuffle_gap + spread;
        }
    }

    /// When it will next be time for something.
    pub(crate) fn next_wakeup(&self) -> Instant {
        let request = self.requests.iter().map(|request| request.until).min();
        let is_short = self.active.len() < self.sizes.active_max;
        let has_room = self.requests.len() < self.wanted();
        let retry = (is_short && has_room).then_some(self.retry_at);
        [request, retry].into_iter().flatten().fold(self.next_shuffle, Instant::min)
    }

    /// HyParView 4.2: the contact takes the joining node in, whatever that costs, and tells all its
    /// other neighbors.
    fn on_join(&mut self, from: NodeId, rng: &mut Rng, acts: &mut Vec<Act>) {
        self.add_active(from, rng, acts);
        acts.push(Act::Send(from, ViewMessage::Answer { accepts: true }));
        for &neighbor in self.active.iter().filter(|&&neighbor| neighbor != from) {
            let forward = ViewMessage::ForwardJoin { node: from, ttl: JOIN_TTL };
            acts.push(Act::Send(neighbor, forward));
        }
    }

    fn on_forward_join(
        &mut self,
        from: NodeId,
        node: NodeId,
        ttl: u8,
        now: Instant,
        rng: &mut Rng,
        acts: &mut Vec<Act>,
    ) {
        if node == self.me || node == NodeId::GUEST {
            return;
        }
        let ttl = ttl.min(JOIN_TTL);
        let others = self.active.iter().copied().filter(|&other| other != from && other != node);
        let next = draw(others, rng).filter(|_| ttl > 0 && self.active.len() > 1);
        if let Some(next) = next {
            if ttl == JOIN_TTL_PASSIVE {
                self.add_passive(node, rng);
            } else {
                self.note(&[node], rng);
            }
            let forward = ViewMessage::ForwardJoin { node, ttl: ttl - 1 };
            acts.push(Act::Send(next, forward));
        } else if !self.is_active(node) {
            // The paper has both ends add each other. Without a connection the joining node must be
            // asked, and it need not push a neighbor out for this one.
            self.request(node, now, false, acts);
        }
    }

    fn on_answer(
        &mut self,
        from: NodeId,
        accepts: bool,
        now: Instant,
        rng: &mut Rng,
        acts: &mut Vec<Act>,
    ) {
        let was_asked = self.requests.iter().any(|request| request.to == from);
        self.requests.retain(|request| request.to != from);
        if !accepts {
            return;
        }
        // An answer too late is one all the same if there is room for it.
        if self.is_active(from) {
        } else if self.active.len() < self.sizes.active_max {
            self.add_active(from, rng, acts);
            self.retry_gap = RETRY_FIRST;
            if was_asked {
                self.retry_at = now;
            }
        } else {
            acts.push(Act::Send(from, ViewMessage::Disconnect));
            self.add_passive(from, rng);
        }
    }

    /// HyParView 4.4: a shuffle walks on, and its last node answers with as many addresses.
    fn on_shuffle(
        &mut self,
        from: NodeId,
        origin: NodeId,
        ttl: u8,
        nodes: Vec<NodeId>,
        rng: &mut Rng,
        acts: &mut Vec<Act>,
    ) {
        let ttl = ttl.min(SHUFFLE_TTL);
        if origin == self.me || origin == NodeId::GUEST {
            return;
        }
        let others = self.active.iter().copied().filter(|&other| other != from && other != origin);
        let next = draw(others, rng).filter(|_| ttl > 0 && self.active.len() > 1);
        if let Some(next) = next {
            self.note(&nodes, rng);
            acts.push(Act::Send(next, ViewMessage::Shuffle { origin, ttl: ttl - 1, nodes }));
            return;
        }
        let reply = self.passive.sample(nodes.len().min(SHUFFLE_NODES_MAX), rng);
        acts.push(Act::Send(origin, ViewMessage::ShuffleReply { nodes: reply.clone() }));
        self.integrate(&nodes, reply, rng);
    }

    fn shuffle(&mut self, rng: &mut Rng, acts: &mut Vec<Act>) {
        let Some(to) = draw(self.active.iter().copied(), rng) else { return };
        let mut nodes = alloc::vec![self.me];
        let others: Vec<NodeId> = self.active.iter().copied().filter(|&node| node != to).collect();
        let chosen = rng.sample(others.len(), SHUFFLE_ACTIVE);
        nodes.extend(chosen.into_iter().map(|place| others[place]));
        nodes.extend(self.passive.sample(SHUFFLE_PASSIVE, rng));
        self.shuffled.clone_from(&nodes);
        acts.push(Act::Send(to, ViewMessage::Shuffle { origin: self.me, ttl: SHUFFLE_TTL, nodes }));
    }

    /// HyParView 4.4: what was sent to the other goes first to make room for what came from it.
    fn integrate(&mut self, nodes: &[NodeId], mut sent: Vec<NodeId>, rng: &mut Rng) {
        for &node in nodes.iter().take(SHUFFLE_NODES_MAX) {
            if node == self.me || self.is_active(node) || self.passive.contains(node) {
                continue;
            }
            while self.passive.is_full()
                && let Some(first) = sent.pop()
            {
                if self.passive.remove(first) {
                    self.book.add(first, rng);
                }
            }
            self.add_passive(node, rng);
        }
    }

    /// Addresses pass by: those that are not known yet go into the book.
    fn note(&mut self, nodes: &[NodeId], rng: &mut Rng) {
        for &node in nodes.iter().take(SHUFFLE_NODES_MAX) {
            let is_known = self.is_active(node) || self.passive.contains(node);
            if node != self.me && node != NodeId::GUEST && !is_known {
                self.book.add(node, rng);
            }
        }
    }

    fn add_passive(&mut self, node: NodeId, rng: &mut Rng) {
        if node == self.me || node == NodeId::GUEST || self.is_active(node) {
            return;
        }
        self.book.remove(node);
        if let Some(evicted) = self.passive.add(node, rng) {
            self.book.add(evicted, rng);
        }
    }

    /// HyParView 4.2: a full active view drops a random neighbor, who is told, and is kept in the
    /// passive view.
    fn add_active(&mut self, node: NodeId, rng: &mut Rng, acts: &mut Vec<Act>) {
        if node == self.me || node == NodeId::GUEST || self.is_active(node) {
            return;
        }
        while self.active.len() >= self.sizes.active_max.max(1) {
            let dropped = self.active.remove(rng.below(self.active.len()));
            acts.push(Act::Send(dropped, ViewMessage::Disconnect));
            acts.push(Act::Down(dropped));
            self.add_passive(dropped, rng);
        }
        self.requests.retain(|request| request.to != node);
        self.passive.remove(node);
        self.book.remove(node);
        self.active.push(node);
        acts.push(Act::Up(node));
    }

    /// A neighbor is lost: the next attempts are made at once.
    fn hasten(&mut self, now: Instant) {
        self.retry_at = now;
        self.retry_gap = RETRY_FIRST;
    }

    /// How many requests may be under way: who has no neighbor asks twice as many as it wants.
    fn wanted(&self) -> usize {
        let missing = self.sizes.active_max.saturating_sub(self.active.len());
        if self.active.is_empty() { missing * 2 } else { missing }
    }

    fn request(&mut self, to: NodeId, now: Instant, joins: bool, acts: &mut Vec<Act>) {
        let is_known = self.requests.iter().any(|request| request.to == to);
        if is_known || self.requests.len() >= self.sizes.active_max * 2 {
            return;
        }
        self.requests.push(Request { to, until: now + self.sizes.timeout });
        // HyParView 4.3: high priority is for who has no neighbor left. Here it is for who has but
        // one as well: where all views are full nobody has room for it, and it hangs by a thread.
        let is_urgent = self.active.len() < URGENT_BELOW.min(self.sizes.active_max.max(2) - 1);
        let message = if joins { ViewMessage::Join } else { ViewMessage::Neighbor { is_urgent } };
        acts.push(Act::Send(to, message));
    }

    /// HyParView 4.3: a failed neighbor is replaced from the passive view.
    fn refill(&mut self, now: Instant, rng: &mut Rng, acts: &mut Vec<Act>) {
        if self.active.len() >= self.sizes.active_max || self.retry_at > now {
            return;
        }
        while self.requests.len() < self.wanted() {
            let requests = &self.requests;
            let is_free = |&node: &NodeId| requests.iter().all(|request| request.to != node);
            let passive = self.passive.list().iter().copied().filter(is_free);
            let needs_book = self.active.len() * 2 < self.sizes.active_max;
            let book = self.book.list().iter().copied().filter(|node| needs_book && is_free(node));
            let contacts = self.contacts.iter().copied();
            let contacts = contacts.filter(|node| self.active.is_empty() && is_free(node));
            let (next, joins) = match draw(passive, rng).or_else(|| draw(book, rng)) {
                Some(next) => (next, false),
                // One contact at a time: it finds the others.
                None if self.requests.is_empty() => match draw(contacts, rng) {
                    Some(contact) => (contact, true),
                    None => break,
                },
                None => break,
            };
            self.request(next, now, joins, acts);
        }
        // Each batch that brings no neighbor doubles the gap to the next; one that does ends it.
        self.retry_at = now + self.retry_gap;
        self.retry_gap = (self.retry_gap * 2).min(RETRY_LONGEST);
    }
}
