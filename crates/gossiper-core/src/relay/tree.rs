//! Who pushes to whom, in the light of who answers.

use alloc::vec::Vec;

use super::table::Table;
use crate::NodeId;
use crate::link::Links;
use crate::overlay::Computed;

/// What a node thinks of the others.
pub(super) trait View {
    fn is_suspect(&self, peer: NodeId) -> bool;

    /// Whether a peer has taken the place of a silent one and has not been heard since.
    fn is_untried(&self, peer: NodeId) -> bool;

    /// Whether a peer has shown that it passes nothing on to others: it is another program, or
    /// follows another strategy.
    fn is_leaf(&self, peer: NodeId) -> bool;

    /// What a peer last said of its uplink: nothing, that it has none, or which.
    fn stated(&self, peer: NodeId) -> Option<Option<NodeId>>;

    /// All peers of which any of the above says something, and maybe others.
    fn remarkable(&self) -> impl Iterator<Item = NodeId>;
}

/// What the links say, as the tree asks for it.
pub(super) struct Watched<'a> {
    pub(super) links: &'a Table,
    pub(super) dialects: &'a Links,
}

impl View for Watched<'_> {
    fn is_suspect(&self, peer: NodeId) -> bool {
        self.links.is_suspect(peer)
    }

    fn is_untried(&self, peer: NodeId) -> bool {
        self.links.get(&peer).is_some_and(|link| link.is_untried)
    }

    fn is_leaf(&self, peer: NodeId) -> bool {
        self.dialects.is_plain(peer) || self.links.get(&peer).is_some_and(|link| link.is_leaf)
    }

    fn stated(&self, peer: NodeId) -> Option<Option<NodeId>> {
        self.links.get(&peer)?.uplink.map(|(uplink, _)| uplink)
    }

    fn remarkable(&self) -> impl Iterator<Item = NodeId> {
        self.links.peers().chain(self.dialects.plain())
    }
}

/// The part of the tree that a node sees to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Place {
    /// Through whom the node sees the rest of the cluster; none for who sees to it itself. It is
    /// one, but while that is not sure to answer the next ones besides, at most [`TRIED_MAX`].
    pub(super) uplinks: Vec<NodeId>,
    /// Those it pushes to, the uplinks among them, sorted.
    pub(super) neighbors: Vec<NodeId>,
    /// Silent ones that it would push to, sorted.
    pub(super) missed: Vec<NodeId>,
    /// Silent ones that it would rather have for its uplink, sorted.
    pub(super) sought: Vec<NodeId>,
}

/// How many uplinks are tried at once.
const TRIED_MAX: usize = 4;

impl Place {
    pub(super) fn is_uplink(&self, peer: NodeId) -> bool {
        self.uplinks.contains(&peer)
    }

    /// Whether it is silent and looked for.
    pub(super) fn is_probed(&self, peer: NodeId) -> bool {
        let is_in = |list: &[NodeId]| list.binary_search(&peer).is_ok();
        is_in(&self.missed) || is_in(&self.sought)
    }

    /// What to tell `peer` of this node's uplink.
    pub(super) fn uplink_for(&self, peer: NodeId) -> Option<NodeId> {
        if self.is_uplink(peer) { Some(peer) } else { self.uplinks.first().copied() }
    }
}

/// Finds this node's place.
///
/// Everybody's uplink is the first of its [`uplinks`](Computed::uplinks_of) that answers. Who has
/// none that answers sees to everybody itself: the first member always does, so it is the relay,
/// and when it is silent the second is, which all know. A peer that has said which uplink it uses
/// is believed; of the others this node thinks that they see what it sees. Who passes nothing on is
/// nobody's uplink; the relay sees to it, wherever it stands.
///
/// Of most peers nothing is known, and their place is that in the tree. So it costs as much as
/// there are others, not as there are members.
pub(super) fn place(tree: &Computed, view: &impl View) -> Place {
    let members = tree.members();
    let me = members.me();
    let relays = |node: NodeId| !view.is_suspect(node) && !view.is_leaf(node);
    let answers = |place: usize| relays(members.at(place));
    let mut own: Vec<usize> = Vec::new();
    for place in Computed::uplinks_of(tree.my_place()).filter(|&place| answers(place)) {
        own.push(place);
        if own.len() == TRIED_MAX || !view.is_untried(members.at(place)) {
            break;
        }
    }
    let mut uplinks: Vec<NodeId> = own.iter().map(|&place| members.at(place)).collect();
    uplinks.extend(if own.is_empty() { bridge(tree, view) } else { None });
    // Whom a bridge leads to is out of reach for this node, but not for those who attach to it.
    let by = uplinks.first().filter(|_| own.is_empty());
    let bridged = by.and_then(|&by| view.stated(by).flatten());
    let is_better = |place: usize| match own.first() {
        Some(&own) => {
            own != place
                && Computed::uplinks_of(tree.my_place())
                    .take_while(|&other| other != own)
                    .any(|other| other == place)
        }
        None => place < tree.my_place(),
    };
    let mut found = Place { uplinks, ..Place::default() };
    for place in candidates(tree, view, &own) {
        let peer = members.at(place);
        let is_leaf = view.is_leaf(peer);
        let is_mine = match view.stated(peer).flatten().filter(|_| !is_leaf) {
            Some(stated) if stated == me => true,
            Some(stated) if Some(stated) == bridged || relays(stated) => false,
            _ => Computed::uplinks_of(place)
                .chain(0..if is_leaf { members.len() } else { 0 })
                .find(|&other| other == tree.my_place() || answers(other))
                .is_some_and(|other| other == tree.my_place()),
        };
        if view.is_suspect(peer) {
            if is_mine {
                found.missed.push(peer);
            } else if !is_leaf && is_better(place) {
                found.sought.push(peer);
            }
        } else if found.is_uplink(peer) || is_mine {
            found.neighbors.push(peer);
        }
    }
    found
}

/// The places of all that this node may have to push to or look for, in rising order: those of
/// which something is known, its children, and those of peers that pass nothing on to them. All
/// others have an uplink that answers and is not this node.
fn candidates(tree: &Computed, view: &impl View, own: &[usize]) -> Vec<usize> {
    let members = tree.members();
    let mut places: Vec<usize> = own.to_vec();
    places.extend(tree.children_of(tree.my_place()));
    for peer in view.remarkable() {
        let Some(place) = members.place_of(peer) else { continue };
        places.push(place);
        if view.is_suspect(peer) || view.is_leaf(peer) {
            places.extend(tree.children_of(place));
        }
    }
    places.sort_unstable();
    places.dedup();
    places.retain(|&place| place != tree.my_place());
    places
}

/// A peer that still reaches one of those that this node would turn to and cannot reach: where no
/// node sees all others, but each sees most, this leads around a cut link.
fn bridge(tree: &Computed, view: &impl View) -> Option<NodeId> {
    let members = tree.members();
    // It would turn to any that comes before it.
    let is_wanted = |node| members.place_of(node).is_some_and(|place| place < tree.my_place());
    let leads_around = |&peer: &NodeId| {
        members.place_of(peer).is_some()
            && !view.is_suspect(peer)
            && !view.is_leaf(peer)
            && view
                .stated(peer)
                .flatten()
                .is_some_and(|stated| view.is_suspect(stated) && is_wanted(stated))
    };
    view.remarkable().filter(leads_around).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Members;
    use crate::members::Roster;
    use alloc::collections::{BTreeMap, BTreeSet};
    use alloc::vec;
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    /// What one node thinks.
    #[derive(Default)]
    struct Opinion {
        suspects: BTreeSet<NodeId>,
        untried: BTreeSet<NodeId>,
        leaves: BTreeSet<NodeId>,
        stated: BTreeMap<NodeId, Option<NodeId>>,
    }

    impl View for Opinion {
        fn is_suspect(&self, peer: NodeId) -> bool {
            self.suspects.contains(&peer)
        }

        fn is_untried(&self, peer: NodeId) -> bool {
            self.untried.contains(&peer)
        }

        fn is_leaf(&self, peer: NodeId) -> bool {
            self.leaves.contains(&peer)
        }

        fn stated(&self, peer: NodeId) -> Option<Option<NodeId>> {
            self.stated.get(&peer).copied()
        }

        fn remarkable(&self) -> impl Iterator<Item = NodeId> {
            let sets = [&self.suspects, &self.untried, &self.leaves];
            sets.into_iter().flatten().chain(self.stated.keys()).copied()
        }
    }

    /// The same as what is under test, but that of every member everything is asked.
    fn place_by_asking_of_all(tree: &Computed, view: &Opinion) -> Place {
        struct All<'a>(&'a Opinion, Vec<NodeId>);

        impl View for All<'_> {
            fn is_suspect(&self, peer: NodeId) -> bool {
                self.0.is_suspect(peer)
            }

            fn is_untried(&self, peer: NodeId) -> bool {
                self.0.is_untried(peer)
            }

            fn is_leaf(&self, peer: NodeId) -> bool {
                self.0.is_leaf(peer)
            }

            fn stated(&self, peer: NodeId) -> Option<Option<NodeId>> {
                self.0.stated(peer)
            }

            fn remarkable(&self) -> impl Iterator<Item = NodeId> {
                self.1.iter().copied()
            }
        }

        place(tree, &All(view, tree.members().iter().collect()))
    }

    proptest! {
        #[test]
        fn who_is_not_remarkable_makes_no_difference(
            (me, count) in (1..80_u64).prop_flat_map(|count| (0..count, Just(count))),
            suspects in vec(0..80_u64, 0..6),
            untried in vec(0..80_u64, 0..6),
            leaves in vec(0..80_u64, 0..6),
            stated in vec((0..80_u64, option::of(0..80_u64)), 0..6),
        ) {
            let others = |numbers: Vec<u64>| -> BTreeSet<NodeId> {
                numbers.into_iter().filter(|&number| number != me).map(NodeId).collect()
            };
            let said = |(peer, uplink): (u64, Option<u64>)| (NodeId(peer), uplink.map(NodeId));
            let opinion = Opinion {
                suspects: others(suspects),
                untried: others(untried),
                leaves: others(leaves),
                stated: stated.into_iter().filter(|(peer, _)| *peer != me).map(said).collect(),
            };
            let tree = tree(me, count);
            prop_assert_eq!(place(&tree, &opinion), place_by_asking_of_all(&tree, &opinion));
        }
    }

    fn nodes(numbers: impl IntoIterator<Item = u64>) -> Vec<NodeId> {
        numbers.into_iter().map(NodeId).collect()
    }

    fn tree(me: u64, count: u64) -> Computed {
        Computed::new(Roster::new(NodeId(me), Members::new(nodes(0..count))))
    }

    fn suspecting(suspects: &[u64]) -> Opinion {
        Opinion { suspects: suspects.iter().copied().map(NodeId).collect(), ..Opinion::default() }
    }

    #[test]
    fn while_all_answer_it_is_the_tree() {
        let all = Opinion::default();
        for count in [2, 25, 60] {
            for me in 0..count {
                let tree = tree(me, count);
                let mut neighbors = crate::overlay::Tree::neighbors(&tree).to_vec();
                neighbors.sort_unstable();
                let place = place(&tree, &all);
                assert_eq!((place.neighbors, place.missed), (neighbors, vec![]), "{me} of {count}");
            }
        }
    }

    #[test]
    fn the_next_in_line_sees_to_all_whom_the_silent_one_saw_to() {
        let heir = place(&tree(1, 5), &suspecting(&[0]));
        assert_eq!((heir.uplinks, heir.neighbors), (vec![], nodes([2, 3, 4])));
        assert_eq!((heir.missed, heir.sought), (vec![], nodes([0])));
        let leaf = place(&tree(3, 5), &suspecting(&[0]));
        assert_eq!((leaf.uplinks, leaf.neighbors), (nodes([1]), nodes([1])));
        // In a deeper tree the root takes the children of a silent inner node.
        let root = place(&tree(0, 60), &suspecting(&[1]));
        assert_eq!(root.neighbors, nodes((2..=24).chain(25..=48)));
    }

    #[test]
    fn uplinks_that_are_not_sure_to_answer_are_tried_together() {
        let mut opinion = suspecting(&[0]);
        opinion.untried = nodes(1..20).into_iter().collect();
        assert_eq!(place(&tree(9, 25), &opinion).uplinks, nodes([1, 2, 3, 4]));
        opinion.untried.remove(&NodeId(2));
        assert_eq!(place(&tree(9, 25), &opinion).uplinks, nodes([1, 2]));
    }

    #[test]
    fn who_passes_nothing_on_is_seen_to_by_the_first_who_does() {
        let opinion =
            || Opinion { leaves: nodes([0, 1, 4]).into_iter().collect(), ..Opinion::default() };
        let first = place(&tree(2, 6), &opinion());
        assert_eq!((first.uplinks, first.neighbors), (vec![], nodes([0, 1, 3, 4, 5])));
        let other = place(&tree(3, 6), &opinion());
        assert_eq!((other.uplinks, other.neighbors), (nodes([2]), nodes([2])));
        // Silent, it is still the relay's to look for, and nobody else's.
        let silent = || Opinion { suspects: nodes([0]).into_iter().collect(), ..opinion() };
        assert_eq!(place(&tree(2, 6), &silent()).missed, nodes([0]));
        let other = place(&tree(3, 6), &silent());
        assert_eq!((other.missed, other.sought), (vec![], vec![]));
    }

    #[test]
    fn a_peer_is_believed_about_its_uplink() {
        let mut opinion = Opinion::default();
        opinion.stated.insert(NodeId(3), Some(NodeId(2)));
        assert_eq!(place(&tree(2, 5), &opinion).neighbors, nodes([0, 3]));
        assert_eq!(place(&tree(0, 5), &opinion).neighbors, nodes([1, 2, 4]));
        // Unless that one is silent: then whoever comes before it takes over.
        opinion.suspects.insert(NodeId(2));
        assert_eq!(place(&tree(0, 5), &opinion).neighbors, nodes([1, 3, 4]));
    }

    #[test]
    fn who_reaches_nobody_before_it_turns_to_a_peer_who_does() {
        let mut opinion = suspecting(&[0]);
        opinion.stated.insert(NodeId(3), Some(NodeId(0)));
        opinion.stated.insert(NodeId(4), Some(NodeId(1)));
        let bridged = place(&tree(1, 6), &opinion);
        assert_eq!(bridged.uplinks, nodes([3]));
        assert!(bridged.neighbors.contains(&NodeId(4)));
    }
}
