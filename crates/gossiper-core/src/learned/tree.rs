//! The tree that grows out of what arrives first: which links are eager.
//!
//! Plumtree (Leitão, Pereira and Rodrigues 2007): a value goes at once over *eager* links and is
//! announced over *lazy* ones. All links begin eager; one over which a value comes that is known
//! closes a cycle, and is pruned. Where an announced value does not come in time the tree is
//! broken, and the link to who announced it is grafted.
//!
//! What is not in the paper: where more values come than are late, the late ones were lost on their
//! way, and are asked for without a graft. A link that the [beacon](super::beacon) wants is never
//! pruned, and one that it does not want is superfluous, unless it was grafted lately. Where a link
//! of the tree breaks, many nodes behind it graft at once, and with values coming in over all of
//! these links each is late for one value or the other: pruned at the first duplicate, in a moment
//! all are gone, and the tree is broken again. So a graft is only for the direction that was asked
//! for; who asked is the one to end it, after some duplicates in a row; and otherwise it holds
//! until the beacon has come twice, which shows that there is a way again.

#[cfg(test)]
mod tests;

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
        // The same neighbor may say it again, as its acknowledgement was lost: that is no cycle.
        // And what the beacon wants makes none: another link of the cycle is superfluous. Both ends
        // of it may see the duplicate, and to drop one link each would cut off what lies between.
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
