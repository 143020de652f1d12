//! The tree that grows out of what arrives first: which links are eager.
//!
//! Plumtree (Leitão, Pereira and Rodrigues 2007): a value goes at once over *eager* links and is
//! announced over *lazy* ones. All links begin eager; one over which a value comes that is known
//! closes a cycle, and is pruned. Where an announced value does not come in time the tree is broken,
//! and the link to who announced it is grafted.
//!
//! What is not in the paper: where more values come than are late, the late ones were lost on their way,
//! and are asked for without a graft. A link that the [beacon](super::beacon) wants is never pruned, and one that
//! it does not want is superfluous, unless it was grafted lately. Where a link of the tree breaks,
//! many nodes behind it graft at once, and with values coming in over all of these links each is late
//! for one value or the other: pruned at the first duplicate, in a moment all are gone, and the
//! tree is broken again. So a graft is only for the direction that was asked for; who asked is the one
//! to end it, after some duplicates in a row; and otherwise it holds until the beacon has come
//! twice, which shows that there is a way again.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
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

/// How often a value is asked for before it is left to a digest. One question and its answer are
/// lost in one of five cases where links lose a tenth.
const TRIES_MAX: usize = 6;

/// After how many duplicates in a row who has grafted a link prunes it: of two ways one can be late
/// so often only if it is always late.
const DUPLICATES_MAX: u32 = 4;

/// How many beacons show that the way they come is whole again: the next may have passed the break
/// before it broke.
const BEACONS_SHOWN: u64 = 2;

/// Of how many values, the newest, it is known who brought them.
const BRINGERS_MAX: usize = 256;

/// By how many hops an announced way must be shorter to be worth a change of the tree. Plumtree's
/// evaluation takes 7 where many nodes send.
const SHORTER_BY: u32 = 7;

/// When something happens to the tree.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) now: Instant,
    /// How often the beacon has come so far.
    pub(super) beacons: u64,
    /// How long after its announcement a value may come by itself, and how long one that was asked
    /// for may take.
    pub(super) patience: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Edge {
    peer: NodeId,
    /// Whether values are pushed over it. The other end does as it sees fit.
    is_eager: bool,
    /// The neighbor has grafted it: until the beacon has come so often values are pushed over it,
    /// whatever the beacon says.
    granted_until: u64,
    /// This node has grafted it: so long it takes some duplicates.
    asked_until: u64,
    /// The neighbor was told to push no more, which may be lost.
    is_told: bool,
    /// The duplicates over it since it was told, or else since the last value that was not known.
    duplicates: u32,
}

/// A value that was announced and has not come.
#[derive(Debug)]
struct Missing {
    announcers: SmallVec<[NodeId; ANNOUNCERS_MAX]>,
    /// How often one of them was asked, one after the other.
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

/// Values that are overdue.
#[derive(Debug, Default)]
pub(super) struct Overdue {
    /// Whom to ask for which of them.
    pub(super) asked: Vec<(NodeId, Vec<RumorId>)>,
    /// The links to those are grafted: more is late than has come.
    pub(super) is_broken: bool,
    /// How many nobody is left to ask for: they are no longer waited for.
    pub(super) given_up: u64,
}

#[derive(Debug, Default)]
pub(super) struct Tree {
    edges: Vec<Edge>,
    missing: BTreeMap<RumorId, Missing>,
    /// What is missing, by the time when it is overdue.
    due: BTreeSet<(Instant, RumorId)>,
    /// The newest values that came over a link, from whom and when.
    bringers: VecDeque<(ValueIx, NodeId, Instant)>,
}

impl Tree {
    /// Plumtree, neighbor up: a new link is eager.
    pub(super) fn on_up(&mut self, peer: NodeId) {
        self.edges.push(Edge {
            peer,
            is_eager: true,
            granted_until: 0,
            asked_until: 0,
            is_told: false,
            duplicates: 0,
        });
    }

    /// Plumtree, neighbor down: neither link nor announcements are of use any more.
    pub(super) fn on_down(&mut self, peer: NodeId) {
        self.edges.retain(|edge| edge.peer != peer);
        for missing in self.missing.values_mut() {
            if let Some(place) = missing.announcers.iter().position(|&each| each == peer) {
                missing.announcers.remove(place);
            }
        }
        let due = &mut self.due;
        self.missing.retain(|&id, missing| {
            !missing.announcers.is_empty() || !due.remove(&(missing.due, id))
        });
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
    pub(super) fn on_new(
        &mut self,
        from: NodeId,
        id: Option<RumorId>,
        value: ValueIx,
        now: Instant,
    ) {
        if let Some(edge) = self.edge(from) {
            edge.is_eager = true;
            edge.is_told = false;
            edge.duplicates = 0;
        }
        if let Some(id) = id {
            self.on_found(id);
        }
        if self.bringers.len() == BRINGERS_MAX {
            self.bringers.pop_front();
        }
        self.bringers.push_back((value, from, now));
    }

    /// A value that was waited for is here, whichever way it came.
    pub(super) fn on_found(&mut self, id: RumorId) {
        if let Some(missing) = self.missing.remove(&id) {
            self.due.remove(&(missing.due, id));
        }
    }

    /// A value has come that was known. Says whether the neighbor is to be told to push no more.
    pub(super) fn on_duplicate(
        &mut self,
        from: NodeId,
        value: ValueIx,
        is_wanted: bool,
        beacons: u64,
    ) -> bool {
        // The same neighbor may say it again, as its acknowledgement was lost: that is no cycle. And
        // what the beacon wants makes none: another link of the cycle is superfluous. Both ends of
        // it may see the duplicate, and to drop one link each would cut off what lies between.
        if is_wanted || self.bringer(value) == Some(from) {
            return false;
        }
        let Some(edge) = self.edge(from) else { return false };
        edge.duplicates += 1;
        if edge.duplicates < DUPLICATES_MAX && (edge.is_told || beacons < edge.asked_until) {
            return false;
        }
        (edge.asked_until, edge.is_told, edge.duplicates) = (0, true, 0);
        edge.is_eager = beacons < edge.granted_until;
        true
    }

    /// A neighbor holds a value. `held` is how far the value had come when it came here, if it has.
    pub(super) fn on_announced(
        &mut self,
        from: NodeId,
        (id, hops): (RumorId, u32),
        held: Option<(ValueIx, u32)>,
        keeps_shape: bool,
        moment: Moment,
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
            self.graft(from, moment.beacons);
            if let Some(edge) = self.edge(pruned) {
                edge.is_eager = moment.beacons < edge.granted_until;
            }
            return Announced::Swap { pruned };
        }
        let is_full = self.missing.len() >= MISSING_MAX;
        if is_full && !self.missing.contains_key(&id) {
            return Announced::GivenUp;
        }
        let due = &mut self.due;
        let missing = self.missing.entry(id).or_insert_with(|| {
            let at = moment.now + moment.patience;
            due.insert((at, id));
            Missing { announcers: SmallVec::new(), tried: 0, due: at }
        });
        if missing.announcers.len() < ANNOUNCERS_MAX && !missing.announcers.contains(&from) {
            missing.announcers.push(from);
        }
        Announced::Noted
    }

    /// A neighbor wants values over this link from now on.
    pub(super) fn on_graft(&mut self, from: NodeId, beacons: u64) {
        if let Some(edge) = self.edge(from) {
            edge.is_eager = true;
            edge.granted_until = beacons.saturating_add(BEACONS_SHOWN);
        }
    }

    /// A neighbor wants announcements only.
    pub(super) fn on_prune(&mut self, from: NodeId) {
        if let Some(edge) = self.edge(from) {
            edge.is_eager = false;
            edge.granted_until = 0;
        }
    }

    /// The link is of the tree that the beacon spans, or is not and is superfluous.
    pub(super) fn shape(&mut self, peer: NodeId, is_wanted: bool, beacons: u64) {
        if let Some(edge) = self.edge(peer)
            && (is_wanted || edge.granted_until.max(edge.asked_until) <= beacons)
        {
            edge.is_eager = is_wanted;
        }
    }

    /// Whom to ask for which values that are overdue.
    pub(super) fn overdue(&mut self, moment: Moment) -> Overdue {
        let mut overdue = Overdue::default();
        while let Some(&(at, id)) = self.due.first()
            && at <= moment.now
        {
            self.due.pop_first();
            let Some(missing) = self.missing.get_mut(&id) else { continue };
            if missing.tried == TRIES_MAX {
                self.missing.remove(&id);
                overdue.given_up += 1;
                continue;
            }
            let announcer = missing.announcers[missing.tried % missing.announcers.len()];
            missing.tried += 1;
            missing.due = moment.now + moment.patience;
            self.due.insert((missing.due, id));
            match overdue.asked.iter_mut().find(|(peer, _)| *peer == announcer) {
                Some((_, ids)) => ids.push(id),
                None => overdue.asked.push((announcer, alloc::vec![id])),
            }
        }
        let late: usize = overdue.asked.iter().map(|(_, ids)| ids.len()).sum();
        let lately = |at: Instant| at + moment.patience >= moment.now;
        let come = self.bringers.iter().rev().take_while(|&&(.., at)| lately(at)).count();
        overdue.is_broken = late > come;
        if overdue.is_broken {
            for (peer, _) in &overdue.asked {
                self.graft(*peer, moment.beacons);
            }
        }
        overdue
    }

    /// When the next value is overdue.
    pub(super) fn next_wakeup(&self) -> Option<Instant> {
        self.due.first().map(|&(at, _)| at)
    }

    /// Makes a link eager, whose other end is to be told, and keeps it that for a while.
    pub(super) fn graft(&mut self, peer: NodeId, beacons: u64) {
        if let Some(edge) = self.edge(peer) {
            edge.is_eager = true;
            edge.asked_until = beacons.saturating_add(BEACONS_SHOWN);
            edge.is_told = false;
            edge.duplicates = 0;
        }
    }

    fn bringer(&self, value: ValueIx) -> Option<NodeId> {
        // The newest stand last, and those are asked about most.
        let mut newest = self.bringers.iter().rev();
        newest.find(|(brought, ..)| *brought == value).map(|&(_, from, _)| from)
    }

    fn edge(&mut self, peer: NodeId) -> Option<&mut Edge> {
        self.edges.iter_mut().find(|edge| edge.peer == peer)
    }
}

#[cfg(test)]
mod tests {
    //! One test for each rule of Plumtree (2007), and for what is added to it.

    use super::*;
    use alloc::vec;

    /// As many milliseconds after the start, with no beacon so far.
    fn at(ms: u64) -> Moment {
        let now = Instant(ms * 1_000_000);
        Moment { now, beacons: 0, patience: Duration::from_millis(500) }
    }

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

    fn announce(tree: &mut Tree, from: u64, sequence: u64, ms: u64) -> Announced {
        tree.on_announced(NodeId(from), (id(sequence), 3), None, false, at(ms))
    }

    /// Whom one asks for what that is overdue.
    fn asked(tree: &mut Tree, ms: u64) -> Vec<(NodeId, Vec<RumorId>)> {
        tree.overdue(at(ms)).asked
    }

    #[test]
    fn construction_all_links_are_eager_at_first() {
        assert_eq!(tree(&[1, 2, 3]).eager(), nodes(&[1, 2, 3]));
    }

    #[test]
    fn construction_a_duplicate_prunes_the_link_that_it_came_over() {
        let mut tree = tree(&[1, 2, 3]);
        tree.on_new(NodeId(1), Some(id(1)), ValueIx(0), at(0).now);
        assert!(tree.on_duplicate(NodeId(2), ValueIx(0), false, 0));
        assert_eq!(tree.eager(), nodes(&[1, 3]));
        assert!(!tree.on_duplicate(NodeId(2), ValueIx(0), false, 0), "it has been told");
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
        tree.on_new(NodeId(2), Some(id(1)), ValueIx(0), at(0).now);
        assert_eq!(tree.eager(), nodes(&[1, 2]));
    }

    #[test]
    fn repair_an_announced_value_that_comes_in_time_changes_nothing() {
        let mut tree = tree(&[1, 2]);
        tree.on_prune(NodeId(2));
        announce(&mut tree, 2, 1, 0);
        tree.on_new(NodeId(1), Some(id(1)), ValueIx(0), at(0).now);
        assert_eq!(tree.next_wakeup(), None);
        assert!(asked(&mut tree, 10_000).is_empty());
    }

    #[test]
    fn repair_an_announced_value_that_does_not_come_grafts_its_announcer() {
        let mut tree = tree(&[1, 2]);
        tree.on_prune(NodeId(2));
        announce(&mut tree, 2, 1, 0);
        announce(&mut tree, 2, 2, 0);
        assert_eq!(tree.next_wakeup(), Some(at(500).now));
        assert!(asked(&mut tree, 499).is_empty());
        assert_eq!(asked(&mut tree, 500), [(NodeId(2), vec![id(1), id(2)])]);
        assert_eq!(tree.eager(), nodes(&[1, 2]));
    }

    #[test]
    fn repair_the_next_announcer_is_turned_to_when_the_first_does_not_answer() {
        let mut tree = tree(&[1, 2, 3]);
        announce(&mut tree, 2, 1, 0);
        announce(&mut tree, 3, 1, 100);
        assert_eq!(asked(&mut tree, 500)[0].0, NodeId(2));
        assert_eq!(asked(&mut tree, 1_000)[0].0, NodeId(3));
        assert_eq!(asked(&mut tree, 1_500)[0].0, NodeId(2), "what one asks may be lost");
    }

    #[test]
    fn own_rule_a_value_that_nobody_sends_is_given_up_after_six_questions() {
        let mut tree = tree(&[2, 3]);
        announce(&mut tree, 2, 1, 0);
        announce(&mut tree, 3, 1, 0);
        let asked: Vec<u64> = (1..=6).map(|time| asked(&mut tree, time * 500)[0].0.0).collect();
        assert_eq!(asked, [2, 3, 2, 3, 2, 3]);
        let overdue = tree.overdue(at(3_500));
        assert!(overdue.given_up == 1 && overdue.asked.is_empty() && tree.next_wakeup().is_none());
    }

    #[test]
    fn repair_who_is_grafted_makes_the_link_eager() {
        let mut tree = tree(&[1]);
        tree.on_prune(NodeId(1));
        tree.on_graft(NodeId(1), 0);
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
        assert_eq!(asked(&mut tree, 500), [(NodeId(2), vec![id(2)])]);
    }

    #[test]
    fn optimization_a_much_shorter_way_takes_the_place_of_the_one_that_a_value_came_by() {
        let mut tree = tree(&[1, 2]);
        tree.on_prune(NodeId(2));
        tree.on_new(NodeId(1), Some(id(1)), ValueIx(0), at(0).now);
        let mut hear = |hops, keeps_shape| {
            let held = Some((ValueIx(0), 12));
            tree.on_announced(NodeId(2), (id(1), hops), held, keeps_shape, at(0))
        };
        assert_eq!(hear(5, false), Announced::Noted);
        assert_eq!(hear(4, true), Announced::Noted);
        assert_eq!(hear(4, false), Announced::Swap { pruned: NodeId(1) });
        assert_eq!(tree.eager(), nodes(&[2]));
    }

    #[test]
    fn own_rule_a_value_that_is_repeated_by_who_brought_it_closes_no_cycle() {
        let mut tree = tree(&[1, 2]);
        tree.on_new(NodeId(1), Some(id(1)), ValueIx(0), at(0).now);
        assert!(!tree.on_duplicate(NodeId(1), ValueIx(0), false, 0));
        assert_eq!(tree.eager(), nodes(&[1, 2]));
    }

    #[test]
    fn own_rule_a_duplicate_does_not_prune_a_link_that_the_beacon_wants_nor_any_other() {
        let mut tree = tree(&[1, 2]);
        tree.on_new(NodeId(1), Some(id(1)), ValueIx(0), at(0).now);
        assert!(!tree.on_duplicate(NodeId(2), ValueIx(0), true, 0));
        assert_eq!(tree.eager(), nodes(&[1, 2]));
    }

    #[test]
    fn own_rule_a_grafted_link_is_kept_until_the_beacon_has_come_twice() {
        let mut tree = tree(&[1]);
        tree.on_graft(NodeId(1), 7);
        tree.shape(NodeId(1), false, 8);
        assert_eq!(tree.eager(), nodes(&[1]));
        tree.shape(NodeId(1), false, 9);
        assert!(tree.eager().is_empty());
        tree.shape(NodeId(1), true, 9);
        assert_eq!(tree.eager(), nodes(&[1]));
    }

    #[test]
    fn own_rule_who_has_grafted_a_link_prunes_it_after_four_duplicates_in_a_row() {
        let mut tree = tree(&[1, 2]);
        tree.on_prune(NodeId(2));
        tree.graft(NodeId(2), 5);
        let mut duplicate = |value, beacons| {
            tree.on_new(NodeId(1), None, ValueIx(value), at(0).now);
            tree.on_duplicate(NodeId(2), ValueIx(value), false, beacons)
        };
        assert!((0..3).all(|value| !duplicate(value, 6)));
        assert!(duplicate(3, 6) && !duplicate(4, 6));
        tree.graft(NodeId(2), 5);
        tree.on_new(NodeId(1), None, ValueIx(5), at(0).now);
        assert!(tree.on_duplicate(NodeId(2), ValueIx(5), false, 7), "the beacon has come twice");
        assert_eq!(tree.eager(), nodes(&[1]));
    }

    #[test]
    fn own_rule_a_graft_is_for_the_direction_that_was_asked_for() {
        let mut tree = tree(&[1, 2]);
        tree.on_prune(NodeId(2));
        tree.on_graft(NodeId(2), 0);
        tree.on_new(NodeId(1), None, ValueIx(0), at(0).now);
        assert!(tree.on_duplicate(NodeId(2), ValueIx(0), false, 0), "2 need not push");
        assert_eq!(tree.eager(), nodes(&[1, 2]), "and is pushed to all the same");
        tree.on_prune(NodeId(2));
        assert_eq!(tree.eager(), nodes(&[1]));
    }

    #[test]
    fn own_rule_a_neighbor_that_goes_on_pushing_is_told_again() {
        let mut tree = tree(&[1, 2]);
        tree.on_new(NodeId(1), None, ValueIx(0), at(0).now);
        let told = (0..9).filter(|_| tree.on_duplicate(NodeId(2), ValueIx(0), false, 0));
        assert_eq!(told.count(), 3);
    }

    #[test]
    fn own_rule_what_is_late_while_more_comes_is_asked_for_without_a_graft() {
        for (come, is_broken) in [(2, false), (1, true), (0, true)] {
            let mut tree = tree(&[1, 2]);
            tree.on_prune(NodeId(2));
            announce(&mut tree, 2, 1, 0);
            announce(&mut tree, 2, 2, 0);
            (0..come).for_each(|value| tree.on_new(NodeId(1), None, ValueIx(value), at(90).now));
            let overdue = tree.overdue(at(500));
            assert_eq!((overdue.asked[0].1.len(), overdue.is_broken), (2, is_broken));
            assert_eq!(tree.is_eager(NodeId(2)), is_broken);
        }
    }

    #[test]
    fn own_rule_what_has_come_another_way_is_not_asked_for() {
        let mut tree = tree(&[1]);
        announce(&mut tree, 1, 1, 0);
        tree.on_found(id(1));
        assert!(tree.next_wakeup().is_none() && asked(&mut tree, 10_000).is_empty());
    }

    #[test]
    fn bound_announcements_are_waited_for_up_to_a_number() {
        let mut tree = tree(&[1, 2]);
        for sequence in 0..MISSING_MAX as u64 {
            assert_eq!(announce(&mut tree, 1, sequence, 0), Announced::Noted);
        }
        assert_eq!(announce(&mut tree, 1, u64::MAX, 0), Announced::GivenUp);
        assert_eq!(announce(&mut tree, 2, 5, 0), Announced::Noted);
        assert_eq!((tree.missing.len(), tree.due.len()), (MISSING_MAX, MISSING_MAX));
        tree.on_down(NodeId(1));
        assert_eq!((tree.missing.len(), tree.due.len()), (1, 1));
    }
}
