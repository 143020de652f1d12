//! Trees: who pushes to whom.
//!
//! A tree is *given* by the host or *computed*, the same on every node, from the member list.

mod computed;
mod given;

use alloc::vec::Vec;

pub(crate) use computed::Computed;
pub use computed::TREE_CHILDREN_MAX;
pub use given::Topology;

use crate::NodeId;
use crate::members::Roster;

/// A tree as one node sees it.
pub(crate) trait Tree {
    /// The nodes that this one has a link to, in a fixed order.
    fn neighbors(&self) -> &[NodeId];

    /// The nodes behind a neighbor: those that only it connects to this node, itself left out.
    /// `None` where the tree is not known whole, or that is no neighbor any more: then anybody may
    /// lie there.
    fn behind(&self, neighbor: NodeId) -> Option<Vec<NodeId>>;

    /// The neighbor behind which `node` lies, or which it is; `None` if that is not known.
    fn next_hop(&self, node: NodeId) -> Option<NodeId>;
}

/// The overlay that a node pushes on.
#[derive(Debug)]
pub(crate) enum Overlay {
    /// None: values go to random peers.
    Random,
    Given(Topology),
    Computed(Computed),
}

impl Overlay {
    /// The tree, if there is one.
    pub(crate) fn tree(&self) -> Option<&dyn Tree> {
        match self {
            Self::Random => None,
            Self::Given(topology) => Some(topology),
            Self::Computed(computed) => Some(computed),
        }
    }

    /// The cluster has other members now. A given tree stays as it was given.
    pub(crate) fn on_members_changed(&mut self, members: &Roster) {
        match self {
            Self::Random => {}
            Self::Given(topology) => topology.explore(members.peers()),
            Self::Computed(computed) => *computed = Computed::new(members.clone()),
        }
    }

    pub(crate) fn neighbors(&self) -> &[NodeId] {
        self.tree().map_or(&[], Tree::neighbors)
    }
}
