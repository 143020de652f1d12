//! Flooding: every new payload to every neighbor, once, come what may.

use super::Protocol;
use crate::Topology;
use crate::overlay::Overlay;
use crate::rung::eager::{self, Source};
use crate::state::{Context, State};
use crate::store::ValueIx;

/// Pushes along all links of the given topology, or to all peers where none is given. Nothing is
/// awaited and nothing is repaired, which makes it the yardstick for the others.
#[derive(Debug)]
pub(crate) struct Flood;

impl Protocol for Flood {
    fn on_new(&mut self, cx: &mut Context<'_>, value: ValueIx, source: Source) {
        let neighbors = match cx.state.overlay.tree() {
            Some(links) => links.neighbors().to_vec(),
            None => cx.state.members.peers().collect(),
        };
        eager::push_to_all(cx, neighbors, value, source);
    }

    fn overlay(&self, _state: &State, given: Option<Topology>) -> Overlay {
        given.map_or(Overlay::Random, Overlay::Given)
    }
}
