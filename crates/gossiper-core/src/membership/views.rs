//! Lists of addresses with a bound.

use alloc::vec::Vec;

use crate::NodeId;
use crate::rng::Rng;

/// Addresses in no order, none of them twice. Beyond the bound one at random makes room.
#[derive(Debug)]
pub(super) struct Bounded {
    list: Vec<NodeId>,
    max: usize,
}

impl Bounded {
    pub(super) fn new(max: usize) -> Self {
        Self { list: Vec::new(), max }
    }

    pub(super) fn list(&self) -> &[NodeId] {
        &self.list
    }

    pub(super) fn is_full(&self) -> bool {
        self.list.len() >= self.max
    }

    pub(super) fn contains(&self, node: NodeId) -> bool {
        self.list.contains(&node)
    }

    pub(super) fn remove(&mut self, node: NodeId) -> bool {
        remove(&mut self.list, node)
    }

    /// Takes an address in. Gives back the one that had to make room.
    pub(super) fn add(&mut self, node: NodeId, rng: &mut Rng) -> Option<NodeId> {
        if self.contains(node) || self.max == 0 {
            return None;
        }
        let evicted = self.is_full().then(|| self.list.swap_remove(rng.below(self.list.len())));
        self.list.push(node);
        evicted
    }

    /// So many of them at random, or all.
    pub(super) fn sample(&self, count: usize, rng: &mut Rng) -> Vec<NodeId> {
        let places = rng.sample(self.list.len(), count);
        places.into_iter().map(|place| self.list[place]).collect()
    }
}

/// Takes a node out of a list, in which it stands once at most. Says whether it did.
pub(super) fn remove(list: &mut Vec<NodeId>, node: NodeId) -> bool {
    let place = list.iter().position(|&each| each == node);
    place.map(|place| list.remove(place)).is_some()
}

/// One of them, each equally likely.
pub(super) fn draw(nodes: impl Iterator<Item = NodeId> + Clone, rng: &mut Rng) -> Option<NodeId> {
    let count = nodes.clone().count();
    (count > 0).then(|| nodes.clone().nth(rng.below(count)))?
}
