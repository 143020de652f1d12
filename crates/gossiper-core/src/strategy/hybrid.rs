//! The whole ladder: a tree for speed, gossip for certainty.

use super::Protocol;
use super::tree::Tree;
use crate::overlay::Overlay;
use crate::rung::eager::{self, Source};
use crate::rung::rounds::Rounds;
use crate::state::{Context, State};
use crate::store::ValueIx;
use crate::{Config, Instant, MessageId, NodeId, Topology};

/// All four rungs: what the tree does, and rounds. Without a topology there is no tree, and the
/// first push goes to random peers.
#[derive(Debug)]
pub(crate) struct Hybrid {
    tree: Tree,
    rounds: Rounds,
}

impl Hybrid {
    pub(crate) fn new(config: &Config, now: Instant) -> Self {
        Self { tree: Tree::default(), rounds: Rounds::new(config, now) }
    }
}

impl Protocol for Hybrid {
    fn on_new(&mut self, cx: &mut Context<'_>, value: ValueIx, source: Source) {
        match cx.state.overlay.tree() {
            Some(_) => self.tree.on_new(cx, value, source),
            None => eager::push_at_random(cx, value, source),
        }
    }

    fn on_ack(&mut self, from: NodeId, of: MessageId) {
        self.tree.on_ack(from, of);
    }

    fn on_duplicate(&mut self, from: NodeId, value: ValueIx) {
        self.tree.on_duplicate(from, value);
    }

    fn takes_up(&mut self, value: ValueIx) -> bool {
        self.tree.takes_up(value)
    }

    fn on_peer_down(&mut self, cx: &mut Context<'_>, peer: NodeId) {
        self.tree.on_peer_down(cx, peer);
    }

    fn on_configured(&mut self, cx: &Context<'_>) {
        self.rounds.on_configured(cx);
    }

    fn on_wakeup(&mut self, cx: &mut Context<'_>) {
        self.tree.on_wakeup(cx);
        self.rounds.on_wakeup(cx);
    }

    fn next_wakeup(&self) -> Option<Instant> {
        let rounds = self.rounds.next_wakeup();
        Some(self.tree.next_wakeup().map_or(rounds, |overdue| overdue.min(rounds)))
    }

    fn unacked(&self) -> usize {
        self.tree.unacked()
    }

    fn overlay(&self, state: &State, given: Option<Topology>) -> Overlay {
        match given {
            Some(topology) => self.tree.overlay(state, Some(topology)),
            None => Overlay::Random,
        }
    }
}
