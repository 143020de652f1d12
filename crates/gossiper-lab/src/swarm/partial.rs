//! Clusters in which nobody knows everybody: their nodes have partial views and a learned tree.
//!
//! A scenario is of such nodes only, or of none: nobody else knows what they say.
//!
//! # What is promised
//!
//! Each node is told of up to three others, its contacts, each time that it starts: the first node
//! of two, every other one of some before it. So whatever the nodes forget of each other, contacts
//! connect all of them once they are up again. A node turns to its contacts now and then, for ever,
//! and so the parts of a cluster that has split meet. Where nothing that is remembered leads
//! from one part to another, as when all contacts are dead for good, they are two clusters, and
//! nothing is promised of both together.

use std::time::Duration;

use gossiper_core::{Config, NodeId};

use super::scenario::{NODES_MAX, Scenario};
use crate::seed::Stream;

/// The most contacts of a node.
const CONTACTS_MAX: u64 = 3;

impl Scenario {
    /// Whether the nodes have partial views.
    pub fn is_learned(&self) -> bool {
        self.config.is_learned()
    }

    /// Whom a node with partial views is told of when it starts.
    pub(super) fn contacts(&self, node: usize) -> Vec<NodeId> {
        let (me, nodes) = (node as u64, self.nodes as u64);
        if node == 0 {
            return (1..nodes.min(CONTACTS_MAX)).map(NodeId).collect();
        }
        let mut draw = Stream::new(self.seed, "swarm contacts");
        draw.seek(me, 0);
        let mut told: Vec<u64> =
            (0..1 + draw.below(CONTACTS_MAX)).map(|_| draw.below(me)).collect();
        told.sort_unstable();
        told.dedup();
        told.into_iter().map(NodeId).collect()
    }

    /// [`Self::agreement_ms_max`] where views are partial, by the gossip interval, what is waited
    /// on a link, and the logarithm of the number of nodes.
    ///
    /// - A node without neighbors turns to a contact once a minute at least.
    /// - A root that is gone is given up after 30 intervals without its beacon, and another one is
    ///   relied on after two or three beacons, 15 intervals.
    /// - In 10 to 12.5 intervals a node looks around once, every other time for the next contact:
    ///   in
    ///   75 each part that the cluster has split into has met those that contacts connect it with. To
    ///   make room for them somebody is dropped, who may need all of that once more.
    pub(super) fn reunion_ms_max(&self, interval: u64, waits: u64, log: u64) -> u64 {
        60_000 + 2 * (30 + 15 + 75) * interval + (log + 4) * waits
    }

    /// [`Self::settle_ms`] where views are partial: parts that have just met may take as long once
    /// more as each of them needs to find its neighbors.
    pub(super) fn reunited_ms(&self) -> u64 {
        60_000 + 60 * self.interval_ms()
    }

    /// How long, in ms, a link may last that only one of its ends has: that end says something
    /// every three intervals, and is told, or gets the link.
    pub(super) fn one_sided_ms_max(&self) -> u64 {
        4 * self.interval_ms() + 2 * self.latency_ms_max()
    }

    /// [`Self::idle_messages_max`] where views are partial. In five intervals an end of a link
    /// tells a beacon and one word that it is there: two messages, and half a one for what comes
    /// late. A shuffle is seven hops and an answer. In ten intervals a node compares hashes with
    /// somebody, and looks around, which is answered. Who has room for neighbors asks once a
    /// minute, twice as many as it has room for at most.
    pub(super) fn kept_up_max(&self) -> u64 {
        let each = |node: usize| {
            let config = self.config_of(node);
            let times = |gap: Duration| self.idle_ms() / (gap.as_millis() as u64).max(1) + 1;
            let links = config.active_view as u64;
            let rounds = times(config.gossip_interval);
            let words = links * rounds.div_ceil(2) + rounds.div_ceil(10) * 4;
            words + 8 * times(config.shuffle_interval) + 4 * links * times(Duration::from_secs(60))
        };
        (0..self.nodes).map(each).sum()
    }
}

/// Whether views can be as a file says.
pub(super) fn check_views(config: &Config) -> Result<(), String> {
    let most = NODES_MAX;
    if !(1..=most).contains(&config.active_view) || config.passive_view > most {
        return Err(format!("views are from 1 (the passive one from 0) to {most}"));
    }
    let times = Duration::from_millis(100)..=Duration::from_secs(600);
    if !times.contains(&config.shuffle_interval) {
        return Err("shuffles come every 100 ms to ten minutes".into());
    }
    Ok(())
}
