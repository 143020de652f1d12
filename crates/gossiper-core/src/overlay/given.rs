//! A topology that the host gives.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use super::Tree;
use crate::NodeId;

/// The links between nodes, as one node was told of them. It may show the whole cluster or no
/// more than this node's own neighbors, and it may or may not be a tree.
#[derive(Clone, Debug)]
pub struct Topology {
    me: NodeId,
    /// Both ends of each link know it, whichever end named it, in the order of naming.
    links: BTreeMap<NodeId, Vec<NodeId>>,
    has_cycle: bool,
    /// The neighbor behind which each node lies, or which it is.
    hops: BTreeMap<NodeId, NodeId>,
    /// Whether this is one tree with every member in it.
    is_whole: bool,
}

impl Topology {
    /// The topology with these links, as `me` sees it. A link that only one end names is a link
    /// all the same; a link of a node to itself is none.
    #[must_use]
    pub fn new(me: NodeId, named: &[(NodeId, Vec<NodeId>)]) -> Self {
        let mut links: BTreeMap<NodeId, Vec<NodeId>> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        // The own links come first, so that they stand in the order in which they were named.
        let (own, others): (Vec<_>, Vec<_>) = named.iter().partition(|(node, _)| *node == me);
        for (node, neighbors) in own.into_iter().chain(others) {
            links.entry(*node).or_default();
            for neighbor in neighbors.iter().filter(|&neighbor| neighbor != node) {
                if seen.insert((*node.min(neighbor), *node.max(neighbor))) {
                    links.entry(*node).or_default().push(*neighbor);
                    links.entry(*neighbor).or_default().push(*node);
                }
            }
        }
        Self { me, has_cycle: has_cycle(&links), links, hops: BTreeMap::new(), is_whole: false }
    }

    /// A topology of which `me` is told its own links only, and whether the whole has a cycle. With
    /// a cycle nobody needs to know more of it, and a large cluster has no room for more.
    #[must_use]
    pub fn own_links(me: NodeId, neighbors: &[NodeId], has_cycle: bool) -> Self {
        Self { has_cycle, ..Self::new(me, &[(me, neighbors.to_vec())]) }
    }

    /// Whether there are two ways from one node to another.
    #[must_use]
    pub fn has_cycle(&self) -> bool {
        self.has_cycle
    }

    /// Whether this node stands in it.
    pub(crate) fn names_me(&self) -> bool {
        self.links.contains_key(&self.me)
    }

    /// Finds the ways from this node to all others, for a cluster of these `peers`.
    pub(crate) fn explore(&mut self, peers: impl IntoIterator<Item = NodeId>) {
        self.hops.clear();
        let mut ahead: Vec<(NodeId, NodeId)> =
            self.neighbors().iter().map(|&neighbor| (neighbor, neighbor)).collect();
        while let Some((node, hop)) = ahead.pop() {
            if node != self.me && self.hops.insert(node, hop).is_none() {
                ahead.extend(self.neighbors_of(node).iter().map(|&far| (far, hop)));
            }
        }
        self.is_whole = !self.has_cycle
            && self.links.keys().all(|node| *node == self.me || self.hops.contains_key(node))
            && peers.into_iter().all(|peer| self.hops.contains_key(&peer));
    }

    fn neighbors_of(&self, node: NodeId) -> &[NodeId] {
        self.links.get(&node).map_or(&[], Vec::as_slice)
    }
}

impl Tree for Topology {
    fn neighbors(&self) -> &[NodeId] {
        self.neighbors_of(self.me)
    }

    fn behind(&self, neighbor: NodeId) -> Option<Vec<NodeId>> {
        let behind = self.hops.iter().filter(|&(&node, &hop)| hop == neighbor && node != neighbor);
        (self.is_whole && self.neighbors().contains(&neighbor))
            .then(|| behind.map(|(&node, _)| node).collect())
    }

    fn next_hop(&self, node: NodeId) -> Option<NodeId> {
        self.hops.get(&node).copied().filter(|_| self.is_whole)
    }
}

/// A forest has as many links as nodes, less one for each of its trees; more close a cycle.
fn has_cycle(links: &BTreeMap<NodeId, Vec<NodeId>>) -> bool {
    let mut reached = BTreeSet::new();
    let mut trees = 0;
    for &start in links.keys() {
        if !reached.insert(start) {
            continue;
        }
        trees += 1;
        let mut ahead = alloc::vec![start];
        while let Some(node) = ahead.pop() {
            ahead.extend(links[&node].iter().filter(|&&far| reached.insert(far)));
        }
    }
    let ends: usize = links.values().map(Vec::len).sum();
    ends / 2 + trees != links.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn nodes(numbers: &[u64]) -> Vec<NodeId> {
        numbers.iter().map(|&number| NodeId(number)).collect()
    }

    fn topology(me: u64, named: &[(u64, &[u64])], peers: &[u64]) -> Topology {
        let named: Vec<_> = named.iter().map(|(node, far)| (NodeId(*node), nodes(far))).collect();
        let mut topology = Topology::new(NodeId(me), &named);
        topology.explore(nodes(peers));
        topology
    }

    #[test]
    fn behind_a_neighbor_lies_its_side_of_the_tree_without_itself() {
        let line: &[(u64, &[u64])] = &[(0, &[1]), (1, &[0, 2, 4]), (2, &[1, 3]), (3, &[2])];
        let line = topology(1, line, &[0, 2, 3, 4]);
        assert_eq!(line.neighbors(), nodes(&[0, 2, 4]));
        assert_eq!(line.behind(NodeId(2)), Some(nodes(&[3])));
        assert_eq!(line.behind(NodeId(0)), Some(vec![]));
        assert_eq!(line.next_hop(NodeId(3)), Some(NodeId(2)));
        assert_eq!(line.next_hop(NodeId(1)), None);
    }

    #[test]
    fn a_link_named_at_one_end_is_a_link_at_both() {
        assert_eq!(topology(1, &[(0, &[1]), (1, &[])], &[0]).neighbors(), nodes(&[0]));
    }

    #[test]
    fn own_neighbors_keep_the_order_in_which_they_were_named() {
        let star: &[(u64, &[u64])] = &[(1, &[5]), (5, &[3, 1, 2, 3, 5])];
        assert_eq!(topology(5, star, &[]).neighbors(), nodes(&[3, 1, 2]));
    }

    #[test]
    fn a_part_of_a_tree_does_not_say_who_lies_behind() {
        for named in [&[(0, &[1][..])][..], &[(0, &[1]), (2, &[3])]] {
            let part = topology(0, named, &[1, 2, 3]);
            assert!(!part.has_cycle());
            assert_eq!((part.behind(NodeId(1)), part.next_hop(NodeId(1))), (None, None));
        }
    }

    #[test]
    fn own_links_are_all_that_is_told_but_for_a_cycle() {
        for has_cycle in [false, true] {
            let mut own = Topology::own_links(NodeId(1), &nodes(&[4, 0]), has_cycle);
            own.explore(nodes(&[0, 2, 4]));
            assert_eq!((own.neighbors(), own.has_cycle()), (&nodes(&[4, 0])[..], has_cycle));
            assert_eq!((own.behind(NodeId(4)), own.next_hop(NodeId(0))), (None, None));
        }
    }

    #[test]
    fn two_ways_are_a_cycle_and_a_link_named_twice_is_not() {
        assert!(!topology(0, &[(0, &[1]), (1, &[0])], &[1]).has_cycle());
        assert!(topology(0, &[(0, &[1]), (1, &[2]), (2, &[0])], &[1, 2]).has_cycle());
        assert!(topology(0, &[(0, &[]), (1, &[2]), (2, &[3]), (3, &[1])], &[1]).has_cycle());
    }
}
