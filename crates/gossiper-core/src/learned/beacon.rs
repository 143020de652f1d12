//! What keeps a learned tree shallow: a beacon that one node, the root, sends through the cluster.
//!
//! Plumtree's tree is the way that one sender's values came first. Shared by many senders it is
//! deep: in its evaluation 50 to 75 hops at 10,000 nodes, 17 with the optimisation by hops, which
//! needs values to go wrong before it acts, and has no effect where there are no values yet. So one
//! node's beacon takes the place of a sender: every message on a link tells the root, the beacon's
//! number and the hops that it has come, and each node takes the neighbor that is nearest to the
//! root for its uplink. Uplinks make a tree in which nobody is farther from the root than the
//! overlay is wide, so that two nodes are at most twice that apart, whoever sends. It costs no
//! message that would not go anyway while values come, and one a link and period while none do.
//!
//! There is no election. The root is whoever started first, so that a newcomer never takes the
//! place, and everybody is a root until it hears of a better one. When the beacon stops, nodes fall
//! back to that. Uplinks never make a loop, by the rule of distance vectors with numbers from the
//! destination (Perkins and Bhagwat 1994): only who has heard a later beacon, or the same one fewer
//! hops from the root, can be an uplink. Values do not wait for any of this: they take the links
//! that are eager, whatever made them so.

use alloc::vec::Vec;
use core::time::Duration;

use crate::{Beacon, Instant, NodeId};

/// After how many periods without a later beacon the root is taken for dead. The beacon takes up to
/// half a period a hop while no values come.
const DEAD_PERIODS: u32 = 6;

/// By how many beacons an uplink may lag behind another neighbor.
const LAG_MAX: u64 = 2;

/// How many beacons of a root show that it is the one of all who are connected: while a new one
/// gets about, or an old one is given up here and there, neighbors differ.
const STEADY_BEACONS: u64 = 2;

/// The order of roots: who started first comes first.
fn rank(beacon: &Beacon) -> (u64, NodeId) {
    (beacon.since, beacon.root)
}

/// The beacon as one node sees it.
#[derive(Debug)]
pub(super) struct Compass {
    me: NodeId,
    /// What this node tells others; `is_uplink` is no part of it.
    told: Beacon,
    uplink: Option<NodeId>,
    /// What each neighbor told last; at most one a neighbor.
    heard: Vec<(NodeId, Beacon)>,
    /// A root that is dead unless a later beacon than this comes.
    dead: Option<Beacon>,
    /// When a later beacon, or a better root, last came, and how often one has.
    advanced: Instant,
    count: u64,
    /// How often a later beacon of this root has come.
    followed: u64,
    next_beacon: Instant,
    period: Duration,
}

impl Compass {
    /// A node that takes itself for the root.
    pub(super) fn new(me: NodeId, incarnation: u64, period: Duration, now: Instant) -> Self {
        Self {
            me,
            told: Self::own(me, incarnation),
            uplink: None,
            heard: Vec::new(),
            dead: None,
            advanced: now,
            count: 0,
            followed: 0,
            next_beacon: now + period,
            period,
        }
    }

    fn own(me: NodeId, since: u64) -> Beacon {
        Beacon { root: me, since, sequence: 0, hops: 0, is_uplink: false }
    }

    /// What to tell this neighbor.
    pub(super) fn told_to(&self, peer: NodeId) -> Beacon {
        Beacon { is_uplink: self.uplink == Some(peer), ..self.told }
    }

    /// Whether this node has a way to the root, or is it.
    pub(super) fn is_settled(&self) -> bool {
        self.uplink.is_some() || (self.told.root == self.me && !self.heard.is_empty())
    }

    /// How often a later beacon, or a better root, has come, or was sent by this node as the root.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The neighbor that is nearest to the root.
    pub(super) fn uplink(&self) -> Option<NodeId> {
        self.uplink
    }

    /// Whether the link is one of the tree: one end is the uplink of the other.
    pub(super) fn is_wanted(&self, peer: NodeId) -> bool {
        self.uplink == Some(peer) || self.heard_from(peer).is_some_and(|heard| heard.is_uplink)
    }

    /// Whether both ends know the same root, so that a link that neither wants is superfluous.
    pub(super) fn is_agreed(&self, peer: NodeId) -> bool {
        self.heard_from(peer).is_some_and(|heard| rank(heard) == rank(&self.told))
    }

    /// Whether this node has followed its root for a while, and so has all of the cluster that is
    /// connected with it.
    pub(super) fn is_steady(&self) -> bool {
        self.is_settled() && self.followed >= STEADY_BEACONS
    }

    /// Whether who tells this follows another root, which lives for all that is known: a tree of
    /// its own.
    pub(super) fn is_apart(&self, beacon: &Beacon) -> bool {
        self.is_steady() && rank(beacon) != rank(&self.told) && self.is_alive(beacon)
    }

    fn heard_from(&self, peer: NodeId) -> Option<&Beacon> {
        self.heard.iter().find(|(from, _)| *from == peer).map(|(_, heard)| heard)
    }

    /// A neighbor tells. Says whether this node has something else to tell now.
    pub(super) fn on_heard(&mut self, from: NodeId, beacon: Beacon, now: Instant) -> bool {
        match self.heard.iter_mut().find(|(peer, _)| *peer == from) {
            Some((_, heard)) => *heard = beacon,
            None => self.heard.push((from, beacon)),
        }
        self.choose(now)
    }

    /// A neighbor is lost. Says whether this node has something else to tell now.
    pub(super) fn on_down(&mut self, peer: NodeId, now: Instant) -> bool {
        self.heard.retain(|(from, _)| *from != peer);
        let was_uplink = self.uplink == Some(peer);
        if was_uplink {
            self.uplink = None;
        }
        was_uplink && self.choose(now)
    }

    /// It may be time for the next beacon, or to give the root up. Says whether this node has
    /// something else to tell now.
    pub(super) fn on_wakeup(&mut self, now: Instant, incarnation: u64) -> bool {
        if self.told.root == self.me {
            let is_due = self.next_beacon <= now;
            if is_due {
                self.told.sequence += 1;
                self.count += 1;
                self.followed += 1;
                self.next_beacon = now + self.period;
            }
            return is_due;
        }
        if now < self.advanced + self.period * DEAD_PERIODS {
            return false;
        }
        self.dead = Some(self.told);
        self.told = Self::own(self.me, incarnation);
        self.uplink = None;
        self.followed = 0;
        self.advanced = now;
        self.next_beacon = now + self.period;
        self.choose(now);
        true
    }

    pub(super) fn next_wakeup(&self) -> Instant {
        match self.told.root == self.me {
            true => self.next_beacon,
            false => self.advanced + self.period * DEAD_PERIODS,
        }
    }

    /// Whether what a neighbor tells leads to a root that is alive for all that is known.
    fn is_alive(&self, beacon: &Beacon) -> bool {
        let is_dead =
            |dead: &Beacon| rank(dead) == rank(beacon) && beacon.sequence <= dead.sequence;
        !self.dead.as_ref().is_some_and(is_dead)
    }

    /// Takes the best uplink. Says whether what this node tells has changed.
    fn choose(&mut self, now: Instant) -> bool {
        let before = (self.told, self.uplink);
        if let Some(uplink) = self.uplink.and_then(|uplink| self.heard_from(uplink).copied()) {
            let is_same = rank(&uplink) == rank(&self.told);
            if is_same && uplink.sequence >= self.told.sequence && !uplink.is_uplink {
                self.told.sequence = uplink.sequence;
                self.told.hops = uplink.hops.saturating_add(1);
            } else if !is_same && rank(&uplink) > rank(&self.told) || uplink.is_uplink {
                // It has given the root up, or looks to this node for it.
                self.uplink = None;
            }
        }
        let mine = self.told;
        let has_uplink = self.uplink.is_some();
        let is_better = |beacon: &Beacon| {
            if rank(beacon) != rank(&mine) {
                return rank(beacon) < rank(&mine);
            }
            let is_newer = beacon.sequence > mine.sequence;
            // The rule that keeps loops out.
            let is_feasible =
                is_newer || (beacon.sequence == mine.sequence && beacon.hops < mine.hops);
            let is_nearer = beacon.hops.saturating_add(1) < mine.hops;
            let lags = beacon.sequence >= mine.sequence.saturating_add(LAG_MAX);
            is_feasible && (!has_uplink || is_nearer || lags)
        };
        let candidates = self.heard.iter().filter(|(_, beacon)| {
            beacon.root != self.me
                && !beacon.is_uplink
                && beacon.hops < u32::MAX
                && self.is_alive(beacon)
                && is_better(beacon)
        });
        let best = candidates
            .min_by_key(|(peer, beacon)| (rank(beacon), beacon.hops, beacon.sequence, *peer));
        if let Some(&(peer, beacon)) = best {
            self.told = Beacon { hops: beacon.hops + 1, is_uplink: false, ..beacon };
            self.uplink = Some(peer);
        }
        if rank(&self.told) != rank(&before.0) || self.told.sequence > before.0.sequence {
            let is_same = rank(&self.told) == rank(&before.0);
            self.followed = if is_same { self.followed + 1 } else { 0 };
            self.advanced = now;
            self.count += 1;
        }
        before != (self.told, self.uplink)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_secs(5);

    fn at(seconds: u64) -> Instant {
        Instant::START + Duration::from_secs(seconds)
    }

    fn compass(me: u64) -> Compass {
        Compass::new(NodeId(me), 10, PERIOD, at(0))
    }

    fn beacon(root: u64, sequence: u64, hops: u32) -> Beacon {
        Beacon { root: NodeId(root), since: 10, sequence, hops, is_uplink: false }
    }

    fn hear(compass: &mut Compass, from: u64, beacon: Beacon) -> Option<u64> {
        compass.on_heard(NodeId(from), beacon, at(1));
        compass.uplink().map(|uplink| uplink.0)
    }

    #[test]
    fn the_root_is_whoever_started_first_and_of_those_the_least() {
        let mut compass = compass(5);
        assert_eq!(hear(&mut compass, 7, beacon(7, 9, 0)), None);
        assert_eq!(hear(&mut compass, 6, beacon(4, 3, 2)), Some(6));
        let earlier = Beacon { since: 9, ..beacon(8, 0, 5) };
        assert_eq!(hear(&mut compass, 7, earlier), Some(7));
        assert_eq!(hear(&mut compass, 6, beacon(1, 99, 0)), Some(7));
        assert_eq!(compass.told_to(NodeId(6)), Beacon { hops: 6, ..earlier });
        assert!(compass.told_to(NodeId(7)).is_uplink);
    }

    #[test]
    fn the_uplink_is_the_neighbor_nearest_to_the_root_and_stays_while_none_is_nearer() {
        let mut compass = compass(5);
        assert_eq!(hear(&mut compass, 6, beacon(0, 3, 4)), Some(6));
        assert_eq!(hear(&mut compass, 7, beacon(0, 3, 4)), Some(6));
        assert_eq!(hear(&mut compass, 7, beacon(0, 4, 4)), Some(6), "it comes over 6 soon");
        assert_eq!(hear(&mut compass, 8, beacon(0, 3, 3)), Some(8));
        assert_eq!(compass.told.hops, 4);
    }

    #[test]
    fn an_uplink_that_lags_far_behind_is_given_up() {
        let mut compass = compass(5);
        hear(&mut compass, 6, beacon(0, 3, 1));
        assert_eq!(hear(&mut compass, 7, beacon(0, 4, 9)), Some(6));
        assert_eq!(hear(&mut compass, 7, beacon(0, 5, 9)), Some(7));
    }

    #[test]
    fn a_lost_uplink_is_replaced_only_by_who_cannot_lie_behind_this_node() {
        let mut compass = compass(5);
        hear(&mut compass, 6, beacon(0, 3, 2));
        hear(&mut compass, 7, beacon(0, 3, 3));
        hear(&mut compass, 8, beacon(0, 3, 4));
        compass.on_down(NodeId(6), at(2));
        assert_eq!(compass.uplink(), None, "7 is as far from the root as this node");
        assert!(!compass.is_settled());
        assert_eq!(hear(&mut compass, 8, Beacon { is_uplink: true, ..beacon(0, 4, 4) }), None);
        assert_eq!(hear(&mut compass, 7, beacon(0, 4, 3)), Some(7));
    }

    #[test]
    fn a_root_whose_beacon_stops_is_given_up_until_a_later_one_comes() {
        let mut compass = compass(5);
        hear(&mut compass, 6, beacon(0, 3, 1));
        assert!(!compass.on_wakeup(at(30), 10));
        assert!(compass.on_wakeup(at(31), 10));
        assert_eq!((compass.uplink(), compass.told.root), (None, NodeId(5)));
        assert_eq!(hear(&mut compass, 6, beacon(0, 3, 1)), None, "nobody brings a dead root back");
        assert_eq!(hear(&mut compass, 7, beacon(2, 0, 0)), Some(7));
        assert_eq!(hear(&mut compass, 6, beacon(0, 4, 1)), Some(6));
    }

    #[test]
    fn the_root_sends_a_beacon_each_period() {
        let mut compass = compass(5);
        assert_eq!(compass.next_wakeup(), at(5));
        assert!(!compass.on_wakeup(at(4), 10) && compass.on_wakeup(at(5), 10));
        assert_eq!((compass.told.sequence, compass.next_wakeup()), (1, at(10)));
    }

    #[test]
    fn a_link_is_of_the_tree_if_either_end_looks_to_the_other() {
        let mut compass = compass(5);
        hear(&mut compass, 6, beacon(0, 3, 1));
        hear(&mut compass, 7, Beacon { is_uplink: true, ..beacon(0, 3, 3) });
        hear(&mut compass, 8, beacon(0, 3, 3));
        hear(&mut compass, 9, beacon(3, 3, 3));
        let of = |ask: fn(&Compass, NodeId) -> bool| {
            [6, 7, 8, 9].map(|peer| ask(&compass, NodeId(peer)))
        };
        assert_eq!(of(Compass::is_wanted), [true, true, false, false]);
        assert_eq!(of(Compass::is_agreed), [true, true, true, false]);
    }

    #[test]
    fn who_follows_another_root_that_lives_is_apart() {
        let mut compass = compass(5);
        assert!(!compass.is_apart(&beacon(0, 3, 1)), "who has no way to a root cannot tell");
        hear(&mut compass, 6, beacon(1, 1, 1));
        hear(&mut compass, 6, beacon(1, 2, 1));
        assert!(!compass.is_apart(&beacon(0, 3, 1)), "nor who has not had it for long");
        hear(&mut compass, 6, beacon(1, 3, 1));
        assert!(!compass.is_apart(&beacon(1, 9, 4)));
        assert!(compass.is_apart(&beacon(0, 3, 1)) && compass.is_apart(&beacon(2, 3, 1)));
        compass.on_wakeup(at(31), 10);
        (3..6).for_each(|sequence| _ = hear(&mut compass, 6, beacon(2, sequence, 1)));
        assert!(!compass.is_apart(&beacon(1, 3, 1)), "that one is dead");
        assert!(compass.is_apart(&beacon(1, 4, 1)), "or not");
    }

    #[test]
    fn uplinks_make_one_tree_without_loops_and_as_shallow_as_the_links_allow() {
        // A ring of 40 with chords; links are told in a random order, and one node dies on the way.
        let mut rng = crate::rng::Rng::new(4);
        let near =
            |node: u64| [(node + 1) % 40, (node + 39) % 40, (node * 7) % 40, (node * 23) % 40];
        let mut nodes: Vec<Compass> = (0..40).map(compass).collect();
        let mut links: Vec<(usize, usize)> = Vec::new();
        for node in 0..40 {
            for far in near(node).into_iter().filter(|&far| far != node) {
                links.extend([(node as usize, far as usize), (far as usize, node as usize)]);
            }
        }
        for step in 0..20_000_u64 {
            let now = Instant(step * 10_000_000);
            if nodes[0].next_wakeup() <= now {
                nodes[0].on_wakeup(now, 10);
            }
            let (from, to) = links[rng.below(links.len())];
            if step > 10_000 && (from == 17 || to == 17) {
                let (dead, other) = (NodeId(17), if from == 17 { to } else { from });
                nodes[other].on_down(dead, now);
                continue;
            }
            let told = nodes[from].told_to(NodeId(to as u64));
            nodes[to].on_heard(NodeId(from as u64), told, now);
            for start in (1..40).filter(|&start| step % 50 == 0 && start != 17) {
                let up = |&at: &usize| nodes[at].uplink().map(|uplink| uplink.0 as usize);
                assert!(core::iter::successors(Some(start), up).take(41).count() < 41, "a loop");
            }
        }
        for (place, node) in nodes.iter().enumerate().filter(|&(place, _)| place != 17) {
            let best = links.iter().filter(|(from, to)| *from == place && *to != 17);
            let best = best.map(|&(_, to)| nodes[to].told.hops).min().unwrap();
            assert_eq!(node.told.root, NodeId(0));
            assert!(place == 0 || node.told.hops == best + 1, "{place}");
        }
    }
}
