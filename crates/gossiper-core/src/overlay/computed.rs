//! A tree that every node computes alike from the member list.

use alloc::vec::Vec;
use core::ops::Range;

use super::Tree;
use crate::NodeId;
use crate::members::Roster;

/// The children of each inner node of a tree that all compute alike. Up to 25 nodes the tree is a
/// star, whose two hops no tree undercuts; 601 nodes take four hops from leaf to leaf. More
/// children would mean fewer hops and a heavier load on each inner node.
pub const TREE_CHILDREN_MAX: usize = 24;

/// The complete tree over the sorted members: the first is the root, and the children of the
/// member at place r are those at places 24·r + 1 to 24·r + 24.
#[derive(Clone, Debug)]
pub(crate) struct Computed {
    members: Roster,
    neighbors: Vec<NodeId>,
}

impl Computed {
    pub(crate) fn new(members: Roster) -> Self {
        let my_place = members.my_place();
        let children = children(my_place, members.len());
        let neighbors = parent(my_place).into_iter().chain(children).map(|place| members.at(place));
        Self { neighbors: neighbors.collect(), members }
    }

    pub(crate) fn members(&self) -> &Roster {
        &self.members
    }

    pub(crate) fn my_place(&self) -> usize {
        self.members.my_place()
    }

    /// The places of the children of the member at `place`.
    pub(crate) fn children_of(&self, place: usize) -> Range<usize> {
        children(place, self.members.len())
    }

    /// To whom the member at `place` turns to see the rest of the cluster, the best first: those
    /// above it in the tree, then all that come before it, so that two never turn to each other.
    pub(crate) fn uplinks_of(place: usize) -> impl Iterator<Item = usize> {
        let above = core::iter::successors(parent(place), |&above| parent(above));
        let is_above = move |other| {
            core::iter::successors(parent(place), |&above| parent(above))
                .any(|above| above == other)
        };
        above.chain((0..place).filter(move |&other| !is_above(other)))
    }

    /// The place of the neighbor on the way to the member at `place`.
    fn hop_toward(&self, place: usize) -> Option<usize> {
        let mut below = place;
        while let Some(above) = parent(below) {
            if above == self.my_place() {
                return Some(below);
            }
            below = above;
        }
        // Not below this node, so the way leads up.
        parent(self.my_place())
    }
}

impl Tree for Computed {
    fn neighbors(&self) -> &[NodeId] {
        &self.neighbors
    }

    fn behind(&self, neighbor: NodeId) -> Option<Vec<NodeId>> {
        let is_neighbor = self.neighbors.contains(&neighbor);
        let far = self.members.place_of(neighbor).filter(|_| is_neighbor)?;
        let (me, count) = (self.my_place(), self.members.len());
        let behind: Vec<usize> = if parent(far) == Some(me) {
            below(far, count).flatten().collect()
        } else {
            // All but those below this node.
            let mut own = below(me, count).flatten().peekable();
            let mut is_own = |place: &usize| own.next_if_eq(place).is_some();
            (0..count).filter(|place| !is_own(place) && *place != me && *place != far).collect()
        };
        Some(behind.into_iter().map(|place| self.members.at(place)).collect())
    }

    fn next_hop(&self, node: NodeId) -> Option<NodeId> {
        let place = self.members.place_of(node)?;
        (place != self.my_place())
            .then(|| self.hop_toward(place).map(|hop| self.members.at(hop)))?
    }
}

fn parent(place: usize) -> Option<usize> {
    place.checked_sub(1).map(|above| above / TREE_CHILDREN_MAX)
}

/// The places below one, level by level, in rising order.
fn below(place: usize, count: usize) -> impl Iterator<Item = Range<usize>> {
    let next = move |level: &Range<usize>| {
        let last = level.clone().next_back()?;
        Some(children(level.start, count).start..children(last, count).end)
    };
    core::iter::successors(Some(children(place, count)), next).take_while(|level| !level.is_empty())
}

fn children(place: usize, count: usize) -> Range<usize> {
    let first = place * TREE_CHILDREN_MAX + 1;
    first.min(count)..(first + TREE_CHILDREN_MAX).min(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Members;

    fn trees(count: u64) -> Vec<Computed> {
        let members = Members::new((0..count).map(|number| NodeId(number * 3)).collect());
        let tree = |&me| Computed::new(Roster::new(me, members.clone()));
        members.as_slice().iter().map(tree).collect()
    }

    #[test]
    fn both_ends_of_every_link_know_it_and_there_are_as_few_as_can_be() {
        for count in [1, 2, 25, 26, 700] {
            let trees = trees(count);
            let mut ends = 0;
            for tree in &trees {
                let me = tree.members.me();
                ends += tree.neighbors().len();
                for neighbor in tree.neighbors() {
                    let far = &trees[(neighbor.0 / 3) as usize];
                    assert!(far.neighbors().contains(&me));
                }
            }
            assert_eq!(ends as u64, 2 * (count - 1));
        }
    }

    #[test]
    fn every_other_node_is_a_neighbor_or_behind_exactly_one() {
        for tree in trees(700) {
            let mut others = tree.neighbors().to_vec();
            for &neighbor in tree.neighbors() {
                let behind = tree.behind(neighbor).unwrap();
                assert!(behind.iter().all(|&node| tree.next_hop(node) == Some(neighbor)));
                others.extend(behind);
            }
            others.sort_unstable();
            others.dedup();
            assert_eq!(others.len(), 699);
        }
    }
}
