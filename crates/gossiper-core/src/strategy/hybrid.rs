//! The whole ladder: a tree for speed, gossip for certainty.

use super::Protocol;
use crate::overlay::Overlay;
use crate::rung::ack::Acks;
use crate::rung::eager::{self, Source};
use crate::rung::rounds::Rounds;
use crate::state::{Context, State};
use crate::store::ValueIx;
use crate::{Config, Instant, MessageId, NodeId, Topology};

/// All four rungs. Without a topology there is no tree, and the first push goes to random peers.
#[derive(Debug)]
pub(crate) struct Hybrid {
    acks: Acks,
    rounds: Rounds,
}

impl Hybrid {
    pub(crate) fn new(config: &Config, now: Instant) -> Self {
        Self { acks: Acks::default(), rounds: Rounds::new(config, now) }
    }
}

impl Protocol for Hybrid {
    fn on_new(&mut self, cx: &mut Context<'_>, value: ValueIx, source: Source) {
        if cx.state.overlay.tree().is_none() {
            eager::push_at_random(cx, value, source);
            return;
        }
        let first = cx.state.next_message;
        let forwards = eager::push_on_tree(cx, value, source);
        self.acks.expect(cx, value, source, first, forwards);
    }

    fn on_ack(&mut self, from: NodeId, of: MessageId) {
        self.acks.on_ack(from, of);
    }

    fn on_duplicate(&mut self, from: NodeId, value: ValueIx) {
        self.acks.on_holder(from, value);
    }

    fn on_peer_down(&mut self, cx: &mut Context<'_>, peer: NodeId) {
        self.acks.on_peer_down(cx, peer);
    }

    fn on_configured(&mut self, cx: &Context<'_>) {
        self.rounds.on_configured(cx);
    }

    fn on_wakeup(&mut self, cx: &mut Context<'_>) {
        self.acks.on_wakeup(cx);
        self.rounds.on_wakeup(cx);
    }

    fn next_wakeup(&self) -> Option<Instant> {
        let rounds = self.rounds.next_wakeup();
        Some(self.acks.next_wakeup().map_or(rounds, |overdue| overdue.min(rounds)))
    }

    fn unacked(&self) -> usize {
        self.acks.unacked()
    }

    fn overlay(&self, state: &State, given: Option<Topology>) -> Overlay {
        match given {
            Some(topology) => super::given_or_computed(state, Some(topology)),
            None => Overlay::Random,
        }
    }
}
