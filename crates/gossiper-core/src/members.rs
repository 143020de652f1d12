//! Who is in the cluster.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::NodeId;

/// A list of all members of a cluster, which many nodes can share: where one process plays a
/// thousand of them, a list for each would take the square of that.
///
/// A clone is the same list. A node that learns of one more member makes a list of its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Members(Arc<Vec<NodeId>>);

impl Members {
    /// The list of these members, in any order. One that is named twice is in it once.
    #[must_use]
    pub fn new(mut members: Vec<NodeId>) -> Self {
        members.sort_unstable();
        members.dedup();
        members.shrink_to_fit();
        Self(Arc::new(members))
    }

    /// The members, sorted.
    #[must_use]
    pub fn as_slice(&self) -> &[NodeId] {
        &self.0
    }

    /// Where a node stands, or would stand. Most lists are numbers in a row, where that is as far
    /// behind the first as its number is: a search would read a dozen far-flung places of a long
    /// one.
    fn find(&self, node: NodeId) -> Result<usize, usize> {
        let row = self.0.first().and_then(|first| node.0.checked_sub(first.0));
        let place = row.and_then(|row| usize::try_from(row).ok());
        place
            .filter(|&place| self.0.get(place) == Some(&node))
            .map_or_else(|| self.0.binary_search(&node), Ok)
    }
}

/// This node and all members that are up, sorted. Places count from 0 in that order.
#[derive(Clone, Debug)]
pub(crate) struct Roster {
    listed: Members,
    /// Where those stand in the list that are down, sorted.
    down: Vec<usize>,
    my_place: usize,
}

impl Roster {
    /// All that are listed are up. The list need not hold `me`, but is shared only if it does.
    pub(crate) fn new(me: NodeId, listed: Members) -> Self {
        let mut roster = Self { listed, down: Vec::new(), my_place: 0 };
        match roster.place_of(me) {
            Some(place) => roster.my_place = place,
            None => roster.my_place = roster.list(me),
        }
        roster
    }

    /// The members that are up, this node included.
    pub(crate) fn len(&self) -> usize {
        self.listed.0.len() - self.down.len()
    }

    /// The member at a place, which is less than [`len`](Self::len).
    pub(crate) fn at(&self, place: usize) -> NodeId {
        // So many that are down stand before it in the list: each that has no more than `place`
        // others before itself.
        let (mut least, mut most) = (0, self.down.len());
        while least < most {
            let middle = usize::midpoint(least, most);
            if self.down[middle] - middle <= place {
                least = middle + 1;
            } else {
                most = middle;
            }
        }
        self.listed.0[place + least]
    }

    /// Where a member stands; `None` if it is none, or down.
    pub(crate) fn place_of(&self, node: NodeId) -> Option<usize> {
        let place = self.listed.find(node).ok()?;
        self.down.binary_search(&place).err().map(|before| place - before)
    }

    pub(crate) fn my_place(&self) -> usize {
        self.my_place
    }

    pub(crate) fn me(&self) -> NodeId {
        self.at(self.my_place)
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = NodeId> {
        (0..self.len()).map(|place| self.at(place))
    }

    /// All but this node.
    pub(crate) fn peers(&self) -> impl ExactSizeIterator<Item = NodeId> {
        (0..self.peer_count()).map(|number| self.peer(number))
    }

    pub(crate) fn peer_count(&self) -> usize {
        self.len() - 1
    }

    /// The peer of this number, which is less than [`peer_count`](Self::peer_count), in the order
    /// of the list.
    pub(crate) fn peer(&self, number: usize) -> NodeId {
        self.at(number + usize::from(number >= self.my_place))
    }

    /// The number of a peer among all of them, if it is one.
    pub(crate) fn number_of(&self, peer: NodeId) -> Option<usize> {
        let place = self.place_of(peer).filter(|&place| place != self.my_place)?;
        Some(place - usize::from(place > self.my_place))
    }

    pub(crate) fn is_peer(&self, node: NodeId) -> bool {
        self.number_of(node).is_some()
    }

    /// A member is up. Says whether that is news.
    pub(crate) fn add(&mut self, node: NodeId) -> bool {
        if self.place_of(node).is_some() {
            return false;
        }
        let place = match self.listed.find(node) {
            Ok(listed) => {
                self.down.retain(|&down| down != listed);
                listed - self.down.partition_point(|&down| down < listed)
            }
            Err(_) => self.list(node),
        };
        self.my_place += usize::from(place <= self.my_place);
        true
    }

    /// Makes a list with one more member, and without those that are down. Says where it stands.
    fn list(&mut self, node: NodeId) -> usize {
        let mut up: Vec<NodeId> = self.iter().collect();
        let place = up.partition_point(|&other| other < node);
        up.insert(place, node);
        (self.listed, self.down) = (Members(Arc::new(up)), Vec::new());
        place
    }

    /// A peer is down. Says whether that is news.
    pub(crate) fn remove(&mut self, peer: NodeId) -> bool {
        let Some(place) = self.place_of(peer).filter(|&place| place != self.my_place) else {
            return false;
        };
        if let Ok(listed) = self.listed.find(peer) {
            let before = self.down.partition_point(|&down| down < listed);
            self.down.insert(before, listed);
        }
        self.my_place -= usize::from(place < self.my_place);
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use alloc::collections::BTreeSet;

    fn nodes(numbers: impl IntoIterator<Item = u64>) -> Vec<NodeId> {
        numbers.into_iter().map(NodeId).collect()
    }

    #[test]
    fn a_list_that_holds_the_node_is_shared_whoever_is_down() {
        let members = Members::new(nodes([3, 1, 2, 1]));
        assert_eq!(members.as_slice(), nodes([1, 2, 3]));
        let mut roster = Roster::new(NodeId(2), members.clone());
        assert!(roster.remove(NodeId(1)) && roster.add(NodeId(1)) && roster.remove(NodeId(3)));
        assert!(Arc::ptr_eq(&roster.listed.0, &members.0));
        assert!(!roster.remove(NodeId(2)), "that is the node itself");
        let other = Roster::new(NodeId(9), members.clone());
        assert_eq!((other.my_place(), other.me(), members.as_slice().len()), (3, NodeId(9), 3));
    }

    #[test]
    fn who_is_down_when_a_list_is_made_anew_takes_no_room_in_it() {
        let mut roster = Roster::new(NodeId(0), Members::new(nodes([0])));
        for stranger in 1..1_000 {
            assert!(roster.add(NodeId(stranger)) && roster.remove(NodeId(stranger)));
        }
        assert!(roster.listed.0.len() <= 2);
    }

    proptest! {
        #[test]
        fn a_roster_is_the_sorted_set_of_those_that_are_up(
            listed in proptest::collection::vec(0..20_u64, 0..20),
            changes in proptest::collection::vec((any::<bool>(), 0..25_u64), 0..60),
        ) {
            let me = NodeId(10);
            let mut roster = Roster::new(me, Members::new(nodes(listed.clone())));
            let mut up: BTreeSet<NodeId> = nodes(listed).into_iter().chain([me]).collect();
            for (is_up, node) in changes.into_iter().map(|(is_up, node)| (is_up, NodeId(node))) {
                let is_news = match is_up {
                    true => (roster.add(node), up.insert(node)),
                    false => (roster.remove(node), node != me && up.remove(&node)),
                };
                prop_assert_eq!(is_news.0, is_news.1);
                prop_assert!(roster.iter().eq(up.iter().copied()));
                prop_assert!(roster.peers().eq(up.iter().copied().filter(|&peer| peer != me)));
                prop_assert_eq!(roster.me(), me);
                for (number, peer) in roster.peers().enumerate() {
                    prop_assert_eq!(roster.number_of(peer), Some(number));
                }
                for (place, node) in roster.iter().enumerate() {
                    prop_assert_eq!(roster.place_of(node), Some(place));
                }
                prop_assert!(!roster.is_peer(me) && !roster.is_peer(NodeId(99)));
            }
        }
    }
}
