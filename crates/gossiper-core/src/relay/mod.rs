//! The computed tree at work: paced pushes, acknowledgements that ride on them, and successors for
//! who is silent.
//!
//! On a tree that all nodes compute alike, up to a few dozen nodes are a star: what enters at a
//! node goes to the first member, the relay, and from there to everybody. That is the least that
//! values can cost and the shortest way but the straight one, and it makes one node matter to all.
//! So each link is watched from both ends:
//!
//! - A node that has just pushed lets a [pace](crate::Config::pace) pass until it pushes again, and
//!   then sends all that has come in one message a neighbor.
//! - A push says which of the neighbor's pushes have come. An acknowledgement goes alone only when
//!   nothing else goes that way for a while. A gap in the numbers is told soon, and what was in it
//!   rides on the next push.
//! - Who does not answer in time is suspected, and passed over: [`tree`] says who then sees to
//!   whom.
//!   It is probed with a digest, ever more rarely, so that a healed link costs one exchange of
//!   exactly what the two sides lack.
//! - Each push tells a hash of all that its sender holds. Where two neighbors stay different, the
//!   lower one shows its digest.
//!
//! Neighbors that speak only the plain dialect get single values and acknowledge each, and are
//! suspected and passed over in the same way.

mod due;
mod link;
mod send;
mod table;
mod times;
mod tree;
mod watch;
pub(crate) mod window;

use alloc::vec::Vec;

use self::link::Link;
use self::table::Table;
use self::times::Times;
use self::tree::{Place, View as _, Watched};
use crate::overlay::{Computed, Overlay};
use crate::rung::digest::LAG_USUAL;
use crate::rung::eager::Source;
use crate::state::{Context, State};
use crate::store::ValueIx;
use crate::{Acked, Instant, Mechanism, MessageId, NodeId, Push, Strategy};

/// The new values of one delta that are owed to the neighbors, to whom they go in few messages. A
/// node that learns more is catching up with others, who have them: its neighbors are shown its
/// digest instead.
const DELTA_OWED_MAX: usize = 1_024;

/// The values that a neighbor which comes back is sent, of those that have come since it turned to
/// another.
const RETURN_PUSHES_MAX: usize = 64;

/// How many times more a new uplink is told that it is one, while it pushes nothing.
const STATEMENTS_MORE: u32 = 2;

#[derive(Debug, Default)]
pub(crate) struct Relay {
    links: Table,
    place: Place,
    /// Who answers has changed, or what they say of their uplinks, since `place` was found.
    is_stale: bool,
    /// A neighbor was asked what it holds, and as far as is known that is something else.
    is_at_odds: bool,
    /// When values may be pushed again.
    next_flush: Instant,
    next_wakeup: Option<Instant>,
}

/// The values from a place in the order of arrival on that are pushed anew to a neighbor that no
/// digest can be shown: the newest, as many as may be in flight. Rounds bring it the others.
fn newest(state: &State, from: usize) -> impl Iterator<Item = ValueIx> + use<> {
    let from = from.max(state.store.len().saturating_sub(link::IN_FLIGHT_MAX));
    state.store.values_from(from)
}

/// Whether values spread this way: by hybrid on a computed tree.
pub(crate) fn is_in_use(state: &State) -> bool {
    state.config.strategy == Strategy::Hybrid
        && matches!(state.overlay, Overlay::Computed(_))
        && state.uses(Mechanism::Relay)
}

/// Whether every node pushes straight to all others.
fn is_straight(state: &State) -> bool {
    state.config.pace.is_zero()
}

/// Whether this node passes on to its neighbors what others push to it.
fn relays(state: &State) -> bool {
    is_in_use(state) && !is_straight(state)
}

impl Relay {
    /// The overlay or the members have changed.
    pub(crate) fn on_overlay(&mut self, state: &State) {
        self.is_stale = true;
        self.links.touch_all();
        if !is_in_use(state) {
            // What the links owe is left to the rounds.
            self.links.clear();
            self.next_wakeup = None;
        }
    }

    pub(crate) fn on_peer_down(&mut self, peer: NodeId) {
        self.links.remove(&peer);
        self.is_stale = true;
    }

    /// A value has come that was not known.
    pub(crate) fn on_new(&mut self, cx: &mut Context<'_>, value: ValueIx, source: Source) {
        self.refresh(cx);
        if is_straight(cx.state) && source != Source::Application {
            return;
        }
        // What is owed now may have to go out before anything else is due.
        self.next_wakeup = Some(self.next_wakeup.map_or(cx.now, |due| due.min(cx.now)));
        // What goes around somebody silent goes to all, and a delta may hold thousands. On those
        // links where that costs no message a value it is pushed on; rounds see to the others, save
        // that another program may know of no rounds.
        for &peer in self.place.neighbors.iter().filter(|&&peer| Some(peer) != source.peer()) {
            let is_needed = match source {
                Source::Application | Source::Peer(_) => true,
                Source::Around(_) => cx.state.links.speaks_dialect(peer),
                Source::Delta(_) => {
                    cx.state.links.speaks_dialect(peer) || cx.state.links.is_plain(peer)
                }
            };
            if is_needed {
                self.links.owe(peer, value, cx.now);
            } else {
                // Which dialect the neighbor speaks will show, and so what to do about it.
                self.links.open(peer).leave_out(value);
            }
        }
    }

    /// A peer has sent a value that was known: it need not get it.
    pub(crate) fn on_holder(&mut self, peer: NodeId, value: ValueIx) {
        if let Some(link) = self.links.get_mut(&peer) {
            link.owed.remove(&value);
        }
    }

    /// Something has come from a peer.
    pub(crate) fn on_heard(&mut self, cx: &Context<'_>, peer: NodeId) {
        let Some(link) = self.links.get_mut(&peer) else { return };
        let before = link.heard.replace(cx.now);
        self.is_stale |= core::mem::take(&mut link.is_untried);
        let Some(suspect) = &mut link.suspect else { return };
        let times = Times::of(&cx.state.config);
        suspect.hasten(cx.now, times.retry);
        // After as long a silence whatever kept this one away is over, and often it kept others
        // away as well.
        let long = times.timeout.max((cx.now - suspect.since) / 2);
        if before.is_none_or(|before| cx.now - before >= long) {
            for suspect in self.links.suspects_mut() {
                suspect.hasten(cx.now, times.retry);
                suspect.may_be_back = true;
            }
        }
    }

    pub(crate) fn on_plain_ack(&mut self, cx: &mut Context<'_>, peer: NodeId, of: MessageId) {
        if let Some(link) = self.links.get_mut(&peer)
            && link.on_plain_ack(of)
            && link.suspect.is_some()
        {
            self.recover(cx, peer);
        }
    }

    /// A peer has shown that it passes nothing on, or that it does after all. What it got as this
    /// node's uplink has gone no further, so whoever takes its place is shown it.
    pub(crate) fn on_role(&mut self, cx: &mut Context<'_>, peer: NodeId) {
        let before = self.place.clone();
        self.is_stale = true;
        self.refresh(cx);
        if cx.state.links.is_plain(peer)
            && self.place.neighbors.binary_search(&peer).is_ok()
            && let Some(link) = self.links.get_mut(&peer)
            && core::mem::take(&mut link.is_behind)
            && link.left_out.is_none()
        {
            newest(cx.state, 0).for_each(|value| link.owe(value, cx.now));
        }
        if !before.is_uplink(peer) || self.place.is_uplink(peer) {
            return;
        }
        let is_known = |heir: &NodeId| {
            before.neighbors.binary_search(heir).is_ok() && !self.place.is_uplink(*heir)
        };
        for heir in self.place.neighbors.iter().filter(|heir| !is_known(heir)) {
            let link = self.links.open(*heir);
            if cx.state.links.speaks_dialect(*heir) {
                link.is_behind = true;
            } else {
                newest(cx.state, 0).for_each(|value| link.owe(value, cx.now));
            }
        }
    }

    /// All of a push but its rumors, which the node has taken in.
    pub(crate) fn on_push(&mut self, cx: &mut Context<'_>, from: NodeId, push: &Push) {
        let times = Times::of(&cx.state.config);
        let own = cx.state.streams.incarnation();
        let link = self.links.open(from);
        link.heard = Some(cx.now);
        if push.incarnation > link.incarnation {
            if link.incarnation != 0 {
                link.on_restarted();
                link.is_behind = true;
                self.is_stale = true;
            }
            // On a link that is new to this node and not to the other, this node is the one that
            // has started anew. Where it is new to both, one may lag far behind.
            let lag = push.summary.count.abs_diff(cx.state.store.len() as u64);
            link.is_behind |= link.incarnation == 0 && (push.floor > 1 || lag > LAG_USUAL);
            link.incarnation = push.incarnation;
        }
        let link = self.links.open(from);
        if push.incarnation < link.incarnation {
            // From a life that has ended.
            return;
        }
        link.window.on_push(push.number, push.floor, push.is_numbered(), cx.now);
        if push.is_numbered() {
            link.on_arrived(cx.now);
        }
        // Who is taken for an uplink and passes nothing on says so at once.
        link.answers_now |= push.asks || push.uplink == Some(cx.state.me) && !relays(cx.state);
        let said = (push.number, push.summary.count);
        let is_news = said >= link.said;
        link.said = link.said.max(said);
        // Nobody is its own uplink: that says that it passes nothing on.
        let is_leaf = push.uplink == Some(from);
        let uplink = push.uplink.filter(|_| !is_leaf);
        let mut changes_role = false;
        let mut changes_uplink = false;
        if is_news {
            changes_role = core::mem::replace(&mut link.is_leaf, is_leaf) != is_leaf;
            let before = link.uplink.replace((uplink, cx.now)).map(|(uplink, _)| uplink);
            changes_uplink = before != Some(uplink);
        }
        let acked = push.acked.as_ref().filter(|acked| acked.incarnation == own);
        let is_progress = acked.is_some_and(|acked| link.on_acked(acked, cx.now, &times));
        let is_back = is_progress && link.suspect.is_some();
        if link.suspect.is_some() && !self.place.is_probed(from) {
            // Nobody looks for it any more, so no probe is awaited.
            link.in_flight.clear();
            link.awaits_from = None;
        }
        // It waits for pushes that are not coming any more, and would tell of the gap for ever.
        let is_in_vain = |acked: &Acked| acked.upto < link.last_number;
        link.answers_now |= !push.is_numbered()
            && link.in_flight.is_empty()
            && link.owed.is_empty()
            && acked.is_some_and(is_in_vain);
        if is_news {
            self.compare(cx, from, push.summary.hash);
        }
        if let (Some(streams), Some(link)) = (&push.streams, self.links.get_mut(&from)) {
            link.shown = Some((streams.clone(), push.asks));
        }
        if is_back {
            self.recover(cx, from);
        }
        if changes_role {
            self.on_role(cx, from);
        }
        if changes_uplink {
            self.is_stale = true;
            if !is_leaf {
                self.on_uplink_of(cx, from, uplink);
            }
        }
    }

    /// The new values of a delta: whether to push them on. Otherwise the neighbors are shown what
    /// this node holds now.
    pub(crate) fn pushes_delta(
        &mut self,
        cx: &mut Context<'_>,
        from: NodeId,
        count: usize,
    ) -> bool {
        let is_pushed = count <= DELTA_OWED_MAX && count * 2 <= cx.state.store.len();
        if !is_pushed && count > 0 {
            self.refresh(cx);
            for peer in self.place.neighbors.iter().filter(|&&peer| peer != from) {
                let link = self.links.open(*peer);
                link.is_behind = true;
                if cx.state.links.is_plain(*peer) {
                    let before = cx.state.store.len().saturating_sub(count);
                    newest(cx.state, before).for_each(|value| link.owe(value, cx.now));
                }
            }
        }
        is_pushed
    }

    /// Values that await an acknowledgement. What a suspect has got is overdue, that of a probe
    /// too.
    pub(crate) fn unacked(&self) -> usize {
        self.links.values().filter(|link| link.suspect.is_none()).map(Link::unacked).sum()
    }

    pub(crate) fn next_wakeup(&self) -> Option<Instant> {
        self.next_wakeup
    }

    /// Whether values wait that would leave at once, were it not for the pace.
    pub(crate) fn is_holding_back(&self) -> bool {
        self.links.values().any(|link| !link.owed.is_empty() && link.suspect.is_none())
    }

    /// Does what is due, after everything else that an input has caused. `others` are the forwards
    /// that are awaited besides, of a tree that was given before.
    pub(crate) fn act(&mut self, cx: &mut Context<'_>, others: usize) {
        let stall = cx.state.config.ack_timeout / 2;
        if self.next_wakeup.is_some_and(|due| cx.now - due > stall) {
            self.on_stall(cx.now);
        }
        self.refresh(cx);
        if core::mem::take(&mut cx.state.is_round) {
            self.ask_what_they_hold(cx);
        }
        let times = Times::of(&cx.state.config);
        let is_due = self.next_wakeup.is_some_and(|due| due <= cx.now);
        let is_any = is_due || others > 0 || self.links.is_any_up(self.moment(cx, &times));
        if is_any {
            self.watch(cx, &times);
            self.send(cx, &times);
            self.give_up_oldest(cx, others, &times);
            self.plan(cx, &times);
            self.links.rest();
        }
        cx.state.is_well = self.is_well(cx);
    }

    /// Sends all values that wait on any link, and nothing else: at the end of the input no timer
    /// fires, so what comes out does not depend on how late the host is.
    pub(crate) fn flush(&mut self, cx: &mut Context<'_>, others: usize) {
        let times = Times::of(&cx.state.config);
        self.refresh(cx);
        self.send_all(cx, &times);
        self.give_up_oldest(cx, others, &times);
        self.plan(cx, &times);
    }

    /// There is still more to take in first.
    pub(crate) fn put_off(&mut self, cx: &mut Context<'_>) {
        self.note_dialects(cx);
        self.next_wakeup = self.next_wakeup.map(|due| due.max(cx.now));
    }

    /// What there is to do on a link depends on which dialect is spoken there.
    fn note_dialects(&mut self, cx: &mut Context<'_>) {
        for peer in cx.state.links.take_changed() {
            if let Some(link) = self.links.get_mut(&peer) {
                link.speaks_since = cx.state.links.speaks_dialect(peer).then_some(cx.now);
            }
        }
    }

    /// The node itself has stood still, as a paused process does. What has come meanwhile is still
    /// to be read, so nobody is late yet.
    fn on_stall(&mut self, now: Instant) {
        self.links.values_mut().for_each(|link| link.on_stall(now));
    }

    /// Keeps to the bound of what is awaited over all links. What is given up is left to the
    /// digest.
    fn give_up_oldest(&mut self, cx: &mut Context<'_>, others: usize, times: &Times) {
        self.settle(cx, times);
        let unacked: usize = self.links.outlooks().map(|outlook| outlook.unacked).sum();
        let most = cx.state.config.awaited_max.saturating_sub(others);
        let mut excess = unacked.saturating_sub(most);
        while excess > 0 {
            let Some(link) = self.links.longest_awaited() else { return };
            let given_up = link.give_up(excess);
            cx.state.stats.awaits_given_up += given_up as u64;
            excess = excess.saturating_sub(given_up);
        }
    }

    /// Finds the next wake-up anew, and does nothing.
    pub(crate) fn wait(&mut self, cx: &mut Context<'_>) {
        self.refresh(cx);
        self.plan(cx, &Times::of(&cx.state.config));
    }

    /// Finds this node's place again, if anything has changed.
    fn refresh(&mut self, cx: &mut Context<'_>) {
        self.note_dialects(cx);
        while core::mem::take(&mut self.is_stale) {
            let now = match &cx.state.overlay {
                _ if !is_in_use(cx.state) => Place::default(),
                Overlay::Computed(_) if is_straight(cx.state) => self.straight(cx.state),
                Overlay::Computed(tree) => tree::place(tree, &self.watched(cx.state)),
                _ => Place::default(),
            };
            let before = core::mem::replace(&mut self.place, now);
            // Old and new uplinks are to know at once who pushes to this node now.
            let (old, new) = (&before.uplinks, &self.place.uplinks);
            let is_start = old.is_empty() && self.next_flush == Instant::START;
            for &peer in old.iter().filter(|peer| !new.contains(peer)) {
                let link = self.links.open(peer);
                link.answers_now |= !is_start && link.suspect.is_none();
            }
            // A new one that does not come to know of it pushes nothing, and nobody would miss that
            // soon: it is told again, until it pushes.
            for &peer in new.iter().filter(|peer| !old.contains(peer)) {
                let link = self.links.open(peer);
                if !is_start && link.suspect.is_none() {
                    link.answers_now = true;
                    link.state_again(cx.now + cx.state.config.ack_timeout, STATEMENTS_MORE);
                }
            }
            for &peer in &self.place.neighbors {
                self.links.open(peer);
            }
            self.on_neighbors(cx, &before);
            self.doubt_stand_in(cx.state);
            if before != self.place {
                self.links.touch_all();
            }
        }
    }

    /// Neighbors that turn to another uplink and come back are to get what came in between: this
    /// node did not push it, and whoever they turned to may not have been told in time.
    fn on_neighbors(&mut self, cx: &Context<'_>, before: &Place) {
        let is_in = |place: &Place, peer: NodeId| place.neighbors.binary_search(&peer).is_ok();
        for &peer in before.neighbors.iter().filter(|&&peer| !is_in(&self.place, peer)) {
            self.links.open(peer).left = Some(cx.state.store.len());
        }
        for &peer in self.place.neighbors.iter().filter(|&&peer| !is_in(before, peer)) {
            let link = self.links.open(peer);
            let Some(left) = link.left.take() else { continue };
            if link.suspect.is_none() && cx.state.store.len() - left <= RETURN_PUSHES_MAX {
                cx.state.store.values_from(left).for_each(|value| link.owe(value, cx.now));
            }
        }
    }

    /// An uplink that stands in for one that passes nothing on may be another program as well, and
    /// little may go that way by which that would show.
    fn doubt_stand_in(&mut self, state: &State) {
        let Overlay::Computed(tree) = &state.overlay else { return };
        let best =
            Computed::uplinks_of(tree.my_place()).next().map(|place| tree.members().at(place));
        let Some(&uplink) = self.place.uplinks.first() else { return };
        if best.is_some_and(|best| best != uplink && self.watched(state).is_leaf(best)) {
            self.links.open(uplink).is_doubted = true;
        }
    }

    fn watched<'a>(&'a self, state: &'a State) -> Watched<'a> {
        Watched { links: &self.links, dialects: &state.links }
    }

    /// Everybody who answers.
    fn straight(&self, state: &State) -> Place {
        let view = self.watched(state);
        let (missed, neighbors): (Vec<_>, Vec<_>) =
            state.members.peers().partition(|&peer| view.is_suspect(peer));
        Place { neighbors, missed, ..Place::default() }
    }
}
