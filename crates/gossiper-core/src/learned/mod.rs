//! The learned overlay at work: partial views, and a tree over them.
//!
//! For clusters too large for a member list. [`membership`](crate::membership) keeps a few
//! neighbors, [`tree`] says which links to them are eager, [`beacon`] keeps the tree shallow, and
//! [`link`] sees to it that what goes over a link arrives. A node keeps nothing for each member.
//!
//! All that is to be said on a link goes in one message, and waits for company where it can:
//! announcements and acknowledgements up to a gossip interval. Both ends of a lazy link have much
//! the same to announce, and the one that speaks first spares the other that. So a value costs a
//! payload a node, and beside it each link a message an interval, however many values there are.
//!
//! The rungs of the ladder are the same as elsewhere:
//!
//! 1. Eager push on the tree, at once.
//! 2. Numbered messages that are acknowledged and repeated; a neighbor that answers nothing is
//!    replaced. This goes for announcements too, which are what goes around whoever is silent.
//! 3. and 4. A new neighbor is told the newest names, and compares hashes; so does, now and then, a
//!    random one while no values come.

mod beacon;
mod link;
mod neighbors;
mod speak;
mod tree;

use alloc::vec::Vec;

use self::beacon::Compass;
use self::link::{Link, Times};
use self::tree::{Announced, Moment, Tree};
use crate::membership::{Act, Membership, Sizes};
use crate::rung::digest;
use crate::rung::eager::Source;
use crate::state::{Context, State};
use crate::store::ValueIx;
use crate::{Config, Instant, LinkPush, Mechanism, NodeId, RumorId, Turn};

/// How many of the newest values a new neighbor is told the names of.
const NEWEST: usize = 64;

/// The payload bytes of one message, and its most rumors and announcements.
const BYTES_MAX: usize = 256 << 10;
const COUNT_MAX: usize = 4_096;

/// The gossip intervals from one comparison of hashes with a random neighbor to the next.
const COMPARES_EVERY: u32 = 10;

/// The gossip intervals of one period of the beacon.
const BEACON_EVERY: u32 = 5;

#[derive(Debug)]
pub(crate) struct Learned {
    membership: Membership,
    tree: Tree,
    compass: Compass,
    /// One a neighbor.
    links: Vec<Link>,
    /// The highest number of a message on a link that has ended.
    last_number: u64,
    /// Something was announced, or pushed, and given up.
    lacks: bool,
    next_compare: Instant,
    next_wakeup: Instant,
    /// Kept for its memory.
    acts: Vec<Act>,
}

impl Learned {
    /// A node that knows its contacts.
    pub(crate) fn new(state: &State, contacts: Vec<NodeId>, now: Instant) -> Self {
        let config = &state.config;
        let sizes = Sizes {
            active_max: config.active_view.max(1),
            passive_max: config.passive_view,
            shuffle_interval: config.shuffle_interval,
            timeout: config.ack_timeout,
        };
        let period = config.gossip_interval * BEACON_EVERY;
        Self {
            membership: Membership::new(state.me, contacts, sizes, now),
            tree: Tree::default(),
            compass: Compass::new(state.me, state.streams.incarnation(), period, now),
            links: Vec::new(),
            last_number: 0,
            lacks: false,
            next_compare: now + config.gossip_interval * COMPARES_EVERY,
            next_wakeup: now,
            acts: Vec::new(),
        }
    }

    /// A value has come that was not known.
    pub(crate) fn on_new(&mut self, cx: &mut Context<'_>, value: ValueIx, source: Source) {
        if let Some(id) = cx.state.id_of(value) {
            self.tree.on_found(id);
        }
        // What comes by a digest is old: others have it, or find it announced.
        let is_eager = !matches!(source, Source::Delta(_));
        for link in self.links.iter_mut().filter(|link| Some(link.peer) != source.peer()) {
            if is_eager && self.tree.is_eager(link.peer) {
                link.owe(value);
            } else {
                link.announce(value, cx.now);
            }
        }
    }

    /// A peer has sent a value that was known, in a message that is none of a link.
    pub(crate) fn on_holder(&mut self, peer: NodeId, value: ValueIx) {
        if let Some(link) = self.link_mut(peer) {
            link.on_holder(value);
        }
    }

    /// A payload has come over a link.
    pub(crate) fn on_rumor(
        &mut self,
        cx: &mut Context<'_>,
        from: NodeId,
        id: Option<RumorId>,
        value: ValueIx,
        is_new: bool,
    ) {
        if is_new {
            self.tree.on_new(from, id, value, cx.now);
            return;
        }
        if let Some(id) = id {
            self.tree.on_found(id);
        }
        if self.tree.on_duplicate(from, value, self.compass.is_wanted(from), self.compass.count()) {
            cx.state.stats.prunes += 1;
            self.turn(from, Turn::Prune, cx.now);
        }
    }

    /// All of a message on a link but its rumors, which the node has taken in.
    pub(crate) fn on_link(
        &mut self,
        cx: &mut Context<'_>,
        from: NodeId,
        push: LinkPush,
        is_numbered: bool,
    ) {
        let now = cx.now;
        let times = Times::of(&cx.state.config);
        if push.is_visit() {
            return self.on_visit(cx, from, push.beacon);
        }
        if !self.membership.is_active(from) {
            let is_apart = self.is_apart(push.beacon);
            self.membership.on_stranger(from, is_apart, &mut cx.state.rng, &mut self.acts);
            self.carry_out(cx);
        }
        let moment = self.moment(cx);
        let own = cx.state.streams.incarnation();
        let Some(link) = self.links.iter_mut().find(|link| link.peer == from) else { return };
        link.on_heard(now);
        let numbers = (push.number, push.floor);
        if !link.on_number(push.incarnation, numbers, is_numbered, now) {
            return;
        }
        link.answers_now |= push.asks;
        if let Some(acked) = push.acked.filter(|acked| acked.incarnation == own) {
            link.on_acked(&acked, now, &times);
        }
        for &id in push.wants.iter().take(COUNT_MAX) {
            if let Some(value) = cx.state.streams.find(id) {
                link.owe(value);
            }
        }
        match push.turn {
            Some(Turn::Graft) => self.tree.on_graft(from, moment.beacons),
            Some(Turn::Prune) => {
                self.tree.on_prune(from);
                self.on_lazy(from, now);
            }
            None => {}
        }
        if let Some(beacon) = push.beacon {
            let has_news = self.compass.on_heard(from, beacon, now);
            self.shape(now, has_news);
        }
        for (id, hops) in push.have.into_iter().take(COUNT_MAX) {
            self.on_announced(cx, from, (id, hops), moment);
        }
    }

    fn on_announced(
        &mut self,
        cx: &mut Context<'_>,
        from: NodeId,
        (id, hops): (RumorId, u32),
        moment: Moment,
    ) {
        let held = cx.state.streams.find(id);
        if held.is_none() && !cx.state.uses(Mechanism::Fallback) {
            // Who waits for nobody asks nobody: a comparison brings it.
            return;
        }
        if let (Some(value), Some(link)) = (held, self.link_mut(from)) {
            link.on_holder(value);
        }
        let held = held.map(|value| (value, cx.state.store.delivery(value).hops));
        let keeps_shape = self.compass.is_settled();
        match self.tree.on_announced(from, (id, hops), held, keeps_shape, moment) {
            Announced::Noted => {}
            Announced::GivenUp => {
                cx.state.stats.announcements_given_up += 1;
                self.lacks = true;
            }
            Announced::Swap { pruned } => {
                self.turn(from, Turn::Graft, cx.now);
                self.turn(pruned, Turn::Prune, cx.now);
            }
        }
    }

    /// A comparison with somebody, now: of hashes, or, where this node knows that it lacks
    /// something, of all that is held, as hashes differ anyhow while values come.
    pub(crate) fn compare(&mut self, cx: &mut Context<'_>) {
        cx.state.stats.rounds += 1;
        digest::name_unnamed(cx);
        let neighbors = self.membership.active();
        if neighbors.is_empty() || !cx.state.uses(Mechanism::Rounds) {
            return;
        }
        let peer = neighbors[cx.state.rng.below(neighbors.len())];
        let lacks = core::mem::take(&mut self.lacks) || cx.state.streams.has_gap();
        if lacks && cx.state.has_news(cx.now) && cx.state.uses(Mechanism::Digest) {
            digest::send_digest(cx, peer, true);
        } else {
            digest::open(cx, peer);
        }
    }

    /// When a comparison is due: soon if something is known to be lacking.
    fn compare_at(&self, config: &Config) -> Instant {
        let sooner = config.gossip_interval * (COMPARES_EVERY - 1);
        let early = Instant(self.next_compare.0.saturating_sub(sooner.as_nanos() as u64));
        if self.lacks { early } else { self.next_compare }
    }

    /// Values that await an acknowledgement.
    pub(crate) fn unacked(&self) -> usize {
        self.links.iter().map(Link::unacked).sum()
    }

    pub(crate) fn next_wakeup(&self) -> Instant {
        self.next_wakeup
    }

    pub(crate) fn is_holding_back(&self) -> bool {
        self.links.iter().any(|link| !link.owed.is_empty())
    }

    /// Does what is due, after everything else that an input has caused.
    pub(crate) fn act(&mut self, cx: &mut Context<'_>) {
        let now = cx.now;
        if self.membership.next_wakeup() <= now {
            self.membership.on_wakeup(now, &mut cx.state.rng, &mut self.acts);
            self.carry_out(cx);
        }
        if self.compass.next_wakeup() <= now {
            let has_news = self.compass.on_wakeup(now, cx.state.streams.incarnation());
            self.shape(now, has_news);
        }
        self.graft_overdue(cx);
        if self.compare_at(&cx.state.config) <= now {
            let interval = cx.state.config.gossip_interval * COMPARES_EVERY;
            // Apart from others that began at the same moment.
            self.next_compare = now + interval + cx.state.rng.part_of(interval / 4);
            self.compare(cx);
            self.look_around(cx);
        }
        self.speak(cx);
        let me = cx.state.me;
        let times = Times::of(&cx.state.config);
        let links = self.links.iter().map(|link| link.due(me, &times));
        let compare_at = self.compare_at(&cx.state.config);
        let others = [self.membership.next_wakeup(), self.compass.next_wakeup(), compare_at];
        let due = links.chain(others).chain(self.tree.next_wakeup()).min();
        self.next_wakeup = due.unwrap_or(now).max(now);
    }

    fn graft_overdue(&mut self, cx: &mut Context<'_>) {
        if self.tree.next_wakeup().is_none_or(|due| due > cx.now) {
            return;
        }
        let overdue = self.tree.overdue(self.moment(cx));
        cx.state.stats.announcements_given_up += overdue.given_up;
        self.lacks |= overdue.given_up > 0;
        for (peer, ids) in overdue.asked {
            cx.state.stats.grafts += u64::from(overdue.is_broken);
            if let Some(link) = self.link_mut(peer) {
                if overdue.is_broken {
                    link.turn = Some(Turn::Graft);
                }
                link.wants.extend(ids);
            }
        }
        if !overdue.is_broken {
            return;
        }
        // It is from there that the value should have come.
        let times = Times::of(&cx.state.config);
        if let Some(link) = self.compass.uplink().and_then(|uplink| self.link_mut(uplink)) {
            link.suspect(cx.now, &times);
        }
    }

    fn moment(&self, cx: &Context<'_>) -> Moment {
        let patience = cx.state.config.ack_timeout;
        Moment { now: cx.now, beacons: self.compass.count(), patience }
    }

    /// Makes the links eager or lazy as the beacon wants them, and tells what is new of it.
    fn shape(&mut self, now: Instant, has_news: bool) {
        for place in 0..self.links.len() {
            let link = &mut self.links[place];
            if has_news {
                link.news_since.get_or_insert(now);
            }
            let peer = link.peer;
            let is_wanted = self.compass.is_wanted(peer);
            if is_wanted || (self.compass.is_agreed(peer) && self.compass.is_settled()) {
                let was_eager = self.tree.is_eager(peer);
                self.tree.shape(peer, is_wanted, self.compass.count());
                if was_eager && !self.tree.is_eager(peer) {
                    self.on_lazy(peer, now);
                }
            }
        }
    }

    /// Both ends of a link are to use it so from now on.
    fn turn(&mut self, peer: NodeId, turn: Turn, now: Instant) {
        let is_eager = self.tree.is_eager(peer);
        if let Some(link) = self.link_mut(peer) {
            link.turn = Some(turn);
            if !is_eager {
                link.on_lazy(now);
            }
        }
    }

    fn on_lazy(&mut self, peer: NodeId, now: Instant) {
        if let Some(link) = self.link_mut(peer) {
            link.on_lazy(now);
        }
    }

    fn link_mut(&mut self, peer: NodeId) -> Option<&mut Link> {
        self.links.iter_mut().find(|link| link.peer == peer)
    }
}
