//! A tree with acknowledgements, and direct delivery around a neighbor that stays silent.

use alloc::collections::BTreeSet;

use super::Protocol;
use crate::overlay::{Computed, Overlay};
use crate::rung::ack::Acks;
use crate::rung::eager::{self, Source};
use crate::state::{Context, State};
use crate::store::ValueIx;
use crate::{Instant, Mechanism, MessageId, NodeId, Topology};

/// The first two rungs. A crashed inner node is gone around; a message lost on its way to a leaf
/// is not repaired, which is what gossip is for.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    acks: Acks,
    /// Payloads that came by a delta, of which the neighbors that speak our dialect were only told
    /// that there is something. A round may overtake the pushes, and where these then stopped all
    /// behind this node would wait for another round. At most [`HELD_BACK_MAX`].
    held_back: BTreeSet<ValueIx>,
}

/// Beyond it the oldest payload is left to the rounds, if its push comes after all.
const HELD_BACK_MAX: usize = 4_096;

impl Protocol for Tree {
    fn on_new(&mut self, cx: &mut Context<'_>, value: ValueIx, source: Source) {
        if matches!(source, Source::Delta(_)) {
            self.held_back.insert(value);
            if self.held_back.len() > HELD_BACK_MAX {
                self.held_back.pop_first();
            }
        }
        let first = cx.state.next_message;
        let forwards = eager::push_on_tree(cx, value, source);
        if cx.state.uses(Mechanism::Fallback) {
            self.acks.expect(cx, value, source, first, forwards);
        }
    }

    fn on_ack(&mut self, from: NodeId, of: MessageId) {
        self.acks.on_ack(from, of);
    }

    fn on_duplicate(&mut self, from: NodeId, value: ValueIx) {
        self.acks.on_holder(from, value);
    }

    fn takes_up(&mut self, value: ValueIx) -> bool {
        self.held_back.remove(&value)
    }

    fn on_peer_down(&mut self, cx: &mut Context<'_>, peer: NodeId) {
        self.acks.on_peer_down(cx, peer);
    }

    fn on_wakeup(&mut self, cx: &mut Context<'_>) {
        self.acks.on_wakeup(cx);
    }

    fn next_wakeup(&self) -> Option<Instant> {
        self.acks.next_wakeup()
    }

    fn unacked(&self) -> usize {
        self.acks.unacked()
    }

    /// The given topology if it is a tree, else one that all nodes compute alike.
    fn overlay(&self, state: &State, given: Option<Topology>) -> Overlay {
        match given.filter(|topology| !topology.has_cycle()) {
            Some(topology) => Overlay::Given(topology),
            None => Overlay::Computed(Computed::new(state.members.clone())),
        }
    }
}
