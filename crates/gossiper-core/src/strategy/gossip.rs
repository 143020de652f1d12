//! Pure gossip: random pushes, and rounds for whatever they missed.

use super::Protocol;
use crate::overlay::Overlay;
use crate::rung::eager::{self, Source};
use crate::rung::rounds::Rounds;
use crate::state::{Context, State};
use crate::store::ValueIx;
use crate::{Config, Instant, Topology};

/// The first rung at random instead of on a tree, and the last two. Rumor mongering in the sense
/// of Demers et al. (1987), section 1.4: blind, and with a counter of 1, so each node pushes a
/// rumor once.
#[derive(Debug)]
pub(crate) struct Gossip {
    rounds: Rounds,
}

impl Gossip {
    pub(crate) fn new(config: &Config, now: Instant) -> Self {
        Self { rounds: Rounds::new(config, now) }
    }
}

impl Protocol for Gossip {
    fn on_new(&mut self, cx: &mut Context<'_>, value: ValueIx, source: Source) {
        eager::push_at_random(cx, value, source);
    }

    fn on_configured(&mut self, cx: &Context<'_>) {
        self.rounds.on_configured(cx);
    }

    fn on_wakeup(&mut self, cx: &mut Context<'_>) {
        self.rounds.on_wakeup(cx);
    }

    fn next_wakeup(&self) -> Option<Instant> {
        Some(self.rounds.next_wakeup())
    }

    /// A topology says nothing to a protocol that draws its peers.
    fn overlay(&self, _state: &State, _given: Option<Topology>) -> Overlay {
        Overlay::Random
    }
}
