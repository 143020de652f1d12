//! The tree that grows out of what arrives first: which links are eager.
//!
//! Plumtree (Leitão, Pereira and Rodrigues 2007): a value goes at once over *eager* links and is
//! announced over *lazy* ones. All links begin eager; one over which a value comes that is known
//! closes a cycle, and is pruned. Where an announced value does not come in time the tree is broken,
//! and the link to who announced it is grafted.
//!
//! What is not in the paper: of the two links that close a cycle, one that the [beacon](super::beacon)
//! wants is kept; and a link that was grafted lately is not taken for a superfluous one.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;

use smallvec::SmallVec;

use crate::store::ValueIx;
use crate::{Instant, NodeId, RumorId};

/// The most announced values that are waited for. What else is announced meanwhile is found by a
/// digest; it is counted.
pub(super) const MISSING_MAX: usize = 8_192;

/// The most nodes to turn to for one value.
const ANNOUNCERS_MAX: usize = 4;

/// Of how many values, the newest, it is known who brought them.
const BRINGERS_MAX: usize = 256;

/// By how many hops an announced way must be shorter to be worth a change of the tree. Plumtree's
/// evaluation takes 7 where many nodes send.
const SHORTER_BY: u32 = 7;

/// The waiting times.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// How long after its announcement a value may come by itself, and how long one that was asked
    /// for may take.
    pub(super) graft: Duration,
    /// How long a grafted link is kept whatever the beacon says.
    pub(super) hold: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Edge {
    peer: NodeId,
    is_eager: bool,
    held_until: Instant,
}

/// A value that was announced and has not come.
#[derive(Debug)]
struct Missing {
    announcers: SmallVec<[NodeId; ANNOUNCERS_MAX]>,
    /// How many of them have been turned to.
    tried: usize,
    due: Instant,
}

/// What an announcement brings about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Announced {
    /// It is known by a way that is short enough, or waited for.
    Noted,
    /// The way over the announcer is shorter: its link is eager now, and this one lazy, which both
    /// are to be told.
    Swap { pruned: NodeId },
    /// There is no room to wait for it.
    GivenUp,
}

#[derive(Debug, Default)]
pub(super) struct Tree {
    edges: Vec<Edge>,
    missing: BTreeMap<RumorId, Missing>,
    bringers: VecDeque<(ValueIx, NodeId)>,
}

impl Tree {
    /// Plumtree, neighbor up: a new link is eager.
    pub(super) fn on_up(&mut self, peer: NodeId) {
        self.edges.push(Edge { peer, is_eager: true, held_until: Instant::START });
    }

    /// Plumtree, neighbor down: neither link nor announcements are of use any more.
    pub(super) fn on_down(&mut self, peer: NodeId) {
        self.edges.retain(|edge| edge.peer != peer);
        for missing in self.missing.values_mut() {
            if let Some(place) = missing.announcers.iter().position(|&each| each == peer) {
                missing.announcers.remove(place);
                missing.tried -= usize::from(place < missing.tried);
            }
        }
        self.missing.retain(|_, missing| !missing.announcers.is_empty());
    }

    pub(super) fn is_eager(&self, peer: NodeId) -> bool {
        self.edges.iter().any(|edge| edge.peer == peer && edge.is_eager)
    }

    /// The eager links.
    #[cfg(test)]
    pub(super) fn eager(&self) -> Vec<NodeId> {
        self.edges.iter().filter(|edge| edge.is_eager).map(|edge| edge.peer).collect()
    }

    /// A value has come that was not known: the link that it came over is of the tree.
    pub(super) fn on_new(&mut self, from: NodeId, id: Option<RumorId>, value: ValueIx) {
        self.set_eager(from, true);
        id.iter().for_each(|id| drop(self.missing.remove(id)));
        if self.bringers.len() == BRINGERS_MAX {
            self.bringers.pop_front();
        }
        self.bringers.push_back((value, from));
    }

    /// A value has come that was known. Gives the neighbor to be pruned, who is lazy now.
    pub(super) fn on_duplicate(
        &mut self,
        from: NodeId,
        value: ValueIx,
        is_wanted: impl Fn(NodeId) -> bool,
    ) -> Option<NodeId> {
        let bringer = self.bringer(value);
        if bringer == Some(from) {
            // The same neighbor says it again, as its acknowledgement was lost: that is no cycle.
            return None;
        }
        let other =
            bringer.filter(|&other| is_wanted(from) && !is_wanted(other) && self.is_eager(other));
        let pruned = other.unwrap_or(from);
        self.set_eager(pruned, false).then_some(pruned)
    }

    /// A neighbor holds a value. `held` is how far the value had come when it came here, if it has.
    pub(super) fn on_announced(
        &mut self,
        from: NodeId,
        (id, hops): (RumorId, u32),
        held: Option<(ValueIx, u32)>,
        keeps_shape: bool,
        now: Instant,
        patience: Patience,
    ) -> Announced {
        if let Some((value, here)) = held {
            let is_shorter = hops.saturating_add(1 + SHORTER_BY) <= here;
            let parent = self.bringer(value).filter(|&parent| {
                is_shorter && !keeps_shape && parent != from && self.is_eager(parent)
            });
            let Some(pruned) = parent.filter(|_| self.edges.iter().any(|edge| edge.peer == from))
            else {
                return Announced::Noted;
            };
            self.graft(from, now, patience);
            self.set_eager(pruned, false);
            return Announced::Swap { pruned };
        }
        let is_full = self.missing.len() >= MISSING_MAX;
        if is_full && !self.missing.contains_key(&id) {
            return Announced::GivenUp;
        }
        let missing = self.missing.entry(id).or_insert_with(|| Missing {
            announcers: SmallVec::new(),
            tried: 0,
            due: now + patience.graft,
        });
        if missing.announcers.len() < ANNOUNCERS_MAX && !missing.announcers.contains(&from) {
            missing.announcers.push(from);
        }
        Announced::Noted
    }

    /// A neighbor wants values over this link from now on.
    pub(super) fn on_graft(&mut self, from: NodeId, now: Instant, patience: Patience) {
        self.graft(from, now, patience);
    }

    /// A neighbor wants announcements only.
    pub(super) fn on_prune(&mut self, from: NodeId) {
        self.set_eager(from, false);
    }

    /// The link is of the tree that the beacon spans, or is not and is superfluous.
    pub(super) fn shape(&mut self, peer: NodeId, is_wanted: bool, now: Instant) {
        if let Some(edge) = self.edges.iter_mut().find(|edge| edge.peer == peer)
            && (is_wanted || edge.held_until <= now)
        {
            edge.is_eager = is_wanted;
        }
    }

    /// Whom to ask for which values that are overdue. Their links are eager from now on.
    pub(super) fn overdue(
        &mut self,
        now: Instant,
        patience: Patience,
    ) -> Vec<(NodeId, Vec<RumorId>)> {
        let mut asked: Vec<(NodeId, Vec<RumorId>)> = Vec::new();
        self.missing.retain(|&id, missing| {
            if missing.due > now {
                return true;
            }
            // All have been asked: a digest will show whether it is still missing.
            let Some(&announcer) = missing.announcers.get(missing.tried) else { return false };
            missing.tried += 1;
            missing.due = now + patience.graft;
            match asked.iter_mut().find(|(peer, _)| *peer == announcer) {
                Some((_, ids)) => ids.push(id),
                None => asked.push((announcer, alloc::vec![id])),
            }
            true
        });
        for (peer, _) in &asked {
            self.graft(*peer, now, patience);
        }
        asked
    }

    /// When the next value is overdue.
    pub(super) fn next_wakeup(&self) -> Option<Instant> {
        self.missing.values().map(|missing| missing.due).min()
    }

    /// Makes a link eager, and keeps it that for a while.
    pub(super) fn graft(&mut self, peer: NodeId, now: Instant, patience: Patience) {
        if let Some(edge) = self.edges.iter_mut().find(|edge| edge.peer == peer) {
            edge.is_eager = true;
            edge.held_until = now + patience.hold;
        }
    }

    fn bringer(&self, value: ValueIx) -> Option<NodeId> {
        // The newest stand last, and those are asked about most.
        let mut newest = self.bringers.iter().rev();
        newest.find(|(brought, _)| *brought == value).map(|&(_, from)| from)
    }

    /// Says whether that is a change.
    fn set_eager(&mut self, peer: NodeId, is_eager: bool) -> bool {
        let edge = self.edges.iter_mut().find(|edge| edge.peer == peer);
        edge.is_some_and(|edge| core::mem::replace(&mut edge.is_eager, is_eager) != is_eager)
    }
}

#[cfg(test)]
mod tests {
    //! One test for each rule of Plumtree (2007), and for what is added to it.

    use super::*;
    use alloc::vec;

    const PATIENCE: Patience =
        Patience { graft: Duration::from_millis(500), hold: Duration::from_secs(10) };

    fn tree(peers: &[u64]) -> Tree {
        let mut tree = Tree::default();
        peers.iter().for_each(|&peer| tree.on_up(NodeId(peer)));
        tree
    }

    fn nodes(numbers: &[u64]) -> Vec<NodeId> {
        numbers.iter().copied().map(NodeId).collect()
    }

    fn id(sequence: u64) -> RumorId {
        RumorId { origin: NodeId(9), incarnation: 1, sequence }
    }

    fn at(ms: u64) -> Instant {
        Instant(ms * 1_000_000)
    }

    fn announce(tree: &mut Tree, from: u64, sequence: u64, ms: u64) -> Announced {
        tree.on_announced(NodeId(from), (id(sequence), 3), None, false, at(ms), PATIENCE)
    }

    const NOBODY: fn(NodeId) -> bool = |_| false;

    #[test]
    fn construction_all_links_are_eager_at_first() {
        assert_eq!(tree(&[1, 2, 3]).eager(), nodes(&[1, 2, 3]));
    }

    #[test]
    fn construction_a_duplicate_prunes_the_link_that_it_came_over() {
        let mut tree = tree(&[1, 2, 3]);
        tree.on_new(NodeId(1), Some(id(1)), ValueIx(0));
        assert_eq!(tree.on_duplicate(NodeId(2), ValueIx(0), NOBODY), Some(NodeId(2)));
        assert_eq!(tree.eager(), nodes(&[1, 3]));
        // It has been told.
        assert_eq!(tree.on_duplicate(NodeId(2), ValueIx(0), NOBODY), None);
    }

    #[test]
    fn construction_who_is_pruned_makes_the_link_lazy() {
        let mut tree = tree(&[1, 2]);
        tree.on_prune(NodeId(2));
        assert_eq!(tree.eager(), nodes(&[1]));
    }

    #[test]
    fn construction_the_link_that_a_new_value_came_over_is_eager() {
        let mut tree = tree(&[1, 2]);
        tree.on_prune(NodeId(2));
        tree.on_new(NodeId(2), Some(id(1)), ValueIx(0));
        assert_eq!(tree.eager(), nodes(&[1, 2]));
    }

    #[test]
    fn repair_an_announced_value_that_comes_in_time_changes_nothing() {
        let mut tree = tree(&[1, 2]);
        tree.on_prune(NodeId(2));
        announce(&mut tree, 2, 1, 0);
        tree.on_new(NodeId(1), Some(id(1)), ValueIx(0));
        assert_eq!(tree.next_wakeup(), None);
        assert!(tree.overdue(at(10_000), PATIENCE).is_empty());
    }

    #[test]
    fn repair_an_announced_value_that_does_not_come_grafts_its_announcer() {
        let mut tree = tree(&[1, 2]);
        tree.on_prune(NodeId(2));
        announce(&mut tree, 2, 1, 0);
        announce(&mut tree, 2, 2, 0);
        assert_eq!(tree.next_wakeup(), Some(at(500)));
        assert!(tree.overdue(at(499), PATIENCE).is_empty());
        assert_eq!(tree.overdue(at(500), PATIENCE), [(NodeId(2), vec![id(1), id(2)])]);
        assert_eq!(tree.eager(), nodes(&[1, 2]));
    }

    #[test]
    fn repair_the_next_announcer_is_turned_to_when_the_first_does_not_answer() {
        let mut tree = tree(&[1, 2, 3]);
        announce(&mut tree, 2, 1, 0);
        announce(&mut tree, 3, 1, 100);
        assert_eq!(tree.overdue(at(500), PATIENCE)[0].0, NodeId(2));
        assert_eq!(tree.overdue(at(1_000), PATIENCE)[0].0, NodeId(3));
        assert!(tree.overdue(at(1_500), PATIENCE).is_empty() && tree.next_wakeup().is_none());
    }

    #[test]
    fn repair_who_is_grafted_makes_the_link_eager() {
        let mut tree = tree(&[1]);
        tree.on_prune(NodeId(1));
        tree.on_graft(NodeId(1), at(0), PATIENCE);
        assert_eq!(tree.eager(), nodes(&[1]));
    }

    #[test]
    fn membership_a_new_neighbor_is_eager_and_a_lost_one_is_asked_for_nothing() {
        let mut tree = tree(&[1, 2]);
        announce(&mut tree, 1, 1, 0);
        announce(&mut tree, 1, 2, 0);
        announce(&mut tree, 2, 2, 0);
        tree.on_down(NodeId(1));
        tree.on_up(NodeId(4));
        assert_eq!(tree.eager(), nodes(&[2, 4]));
        assert_eq!(tree.overdue(at(500), PATIENCE), [(NodeId(2), vec![id(2)])]);
    }

    #[test]
    fn optimization_a_much_shorter_way_takes_the_place_of_the_one_that_a_value_came_by() {
        let mut tree = tree(&[1, 2]);
        tree.on_prune(NodeId(2));
        tree.on_new(NodeId(1), Some(id(1)), ValueIx(0));
        let mut hear = |hops, keeps_shape| {
            let held = Some((ValueIx(0), 12));
            tree.on_announced(NodeId(2), (id(1), hops), held, keeps_shape, at(0), PATIENCE)
        };
        assert_eq!(hear(5, false), Announced::Noted);
        assert_eq!(hear(4, true), Announced::Noted);
        assert_eq!(hear(4, false), Announced::Swap { pruned: NodeId(1) });
        assert_eq!(tree.eager(), nodes(&[2]));
    }

    #[test]
    fn own_rule_a_value_that_is_repeated_by_who_brought_it_closes_no_cycle() {
        let mut tree = tree(&[1, 2]);
        tree.on_new(NodeId(1), Some(id(1)), ValueIx(0));
        assert_eq!(tree.on_duplicate(NodeId(1), ValueIx(0), NOBODY), None);
        assert_eq!(tree.eager(), nodes(&[1, 2]));
    }

    #[test]
    fn own_rule_of_two_links_in_a_cycle_the_one_that_the_beacon_wants_stays() {
        let mut tree = tree(&[1, 2]);
        tree.on_new(NodeId(1), Some(id(1)), ValueIx(0));
        let is_wanted = |peer| peer == NodeId(2);
        assert_eq!(tree.on_duplicate(NodeId(2), ValueIx(0), is_wanted), Some(NodeId(1)));
        assert_eq!(tree.eager(), nodes(&[2]));
    }

    #[test]
    fn own_rule_a_grafted_link_outlasts_the_beacon_for_a_while() {
        let mut tree = tree(&[1]);
        tree.on_graft(NodeId(1), at(0), PATIENCE);
        tree.shape(NodeId(1), false, at(9_999));
        assert_eq!(tree.eager(), nodes(&[1]));
        tree.shape(NodeId(1), false, at(10_000));
        assert!(tree.eager().is_empty());
        tree.shape(NodeId(1), true, at(10_000));
        assert_eq!(tree.eager(), nodes(&[1]));
    }

    #[test]
    fn bound_announcements_are_waited_for_up_to_a_number() {
        let mut tree = tree(&[1, 2]);
        for sequence in 0..MISSING_MAX as u64 {
            assert_eq!(announce(&mut tree, 1, sequence, 0), Announced::Noted);
        }
        assert_eq!(announce(&mut tree, 1, u64::MAX, 0), Announced::GivenUp);
        assert_eq!(announce(&mut tree, 2, 5, 0), Announced::Noted);
    }
}
