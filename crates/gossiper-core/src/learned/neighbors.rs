//! Who is a neighbor, and what follows from that for the links and the tree.

use alloc::boxed::Box;

use super::link::Link;
use super::{Learned, NEWEST};
use crate::membership::Act;
use crate::rung::digest;
use crate::state::Context;
use crate::{Beacon, LinkPush, Message, NodeId, Turn, ViewMessage};

impl Learned {
    pub(crate) fn neighbors(&self) -> &[NodeId] {
        self.membership.active()
    }

    pub(crate) fn on_contact(&mut self, cx: &Context<'_>, peer: NodeId) {
        self.membership.on_contact(peer, cx.now);
        self.next_wakeup = cx.now;
    }

    /// The host knows that a connection has broken.
    pub(crate) fn on_peer_down(&mut self, cx: &mut Context<'_>, peer: NodeId) {
        self.membership.on_failed(peer, cx.now, &mut self.acts);
        self.carry_out(cx);
    }

    pub(crate) fn on_view(&mut self, cx: &mut Context<'_>, from: NodeId, message: ViewMessage) {
        if let Some(link) = self.link_mut(from) {
            link.on_heard(cx.now);
        }
        self.membership.on_message(from, message, cx.now, &mut cx.state.rng, &mut self.acts);
        self.carry_out(cx);
    }

    /// Somebody who has not this node for a neighbor tells of its root. Who has nobody is glad of
    /// it.
    pub(super) fn on_visit(&mut self, cx: &mut Context<'_>, from: NodeId, beacon: Option<Beacon>) {
        let is_alone = self.membership.active().is_empty();
        if (is_alone || self.is_apart(beacon)) && !self.membership.is_active(from) {
            self.membership.on_stranger(from, true, &mut cx.state.rng, &mut self.acts);
            self.carry_out(cx);
        }
    }

    /// Each part of a cluster that has split has a root of its own.
    pub(super) fn is_apart(&self, beacon: Option<Beacon>) -> bool {
        beacon.is_some_and(|beacon| self.compass.is_apart(&beacon))
    }

    /// Tells somebody who is no neighbor of the root, as neighbors are told: who has another one is
    /// of another part of the cluster, and becomes a neighbor.
    pub(super) fn look_around(&mut self, cx: &mut Context<'_>) {
        if !self.compass.is_steady() {
            return;
        }
        let Some(peer) = self.membership.acquaintance(&mut cx.state.rng) else { return };
        let push = LinkPush {
            incarnation: cx.state.streams.incarnation(),
            beacon: Some(self.compass.told_to(peer)),
            ..LinkPush::default()
        };
        cx.send(peer, Message::Link(Box::new(push)));
    }

    /// Does what the membership wants done.
    pub(super) fn carry_out(&mut self, cx: &mut Context<'_>) {
        let mut acts = core::mem::take(&mut self.acts);
        for act in acts.drain(..) {
            match act {
                Act::Send(to, message) => _ = cx.send(to, Message::View(message)),
                Act::Up(peer) => self.on_up(cx, peer),
                Act::Down(peer) => self.on_down(cx, peer),
            }
        }
        self.acts = acts;
    }

    fn on_up(&mut self, cx: &mut Context<'_>, peer: NodeId) {
        let mut link = Link::new(peer, self.last_number, cx.now);
        let len = cx.state.store.len();
        for value in cx.state.store.values_from(len.saturating_sub(NEWEST)) {
            link.announce(value, cx.now);
        }
        self.links.push(link);
        self.tree.on_up(peer);
        // One of the two compares all the rest.
        if cx.state.me < peer {
            digest::open(cx, peer);
        }
    }

    fn on_down(&mut self, cx: &mut Context<'_>, peer: NodeId) {
        if let Some(place) = self.links.iter().position(|link| link.peer == peer) {
            self.last_number = self.last_number.max(self.links.remove(place).last_number);
        }
        self.tree.on_down(peer);
        let was_settled = self.compass.is_settled();
        let has_news = self.compass.on_down(peer, cx.now);
        if was_settled && !self.compass.is_settled() {
            // Whoever is nearer to the root than this node is is not known: any of them may be.
            let beacons = self.compass.count();
            for link in &mut self.links {
                self.tree.graft(link.peer, beacons);
                link.turn = Some(Turn::Graft);
            }
        }
        self.shape(cx.now, has_news);
    }
}
