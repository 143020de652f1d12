//! What a node can be told before it starts.

use core::time::Duration;

use crate::{Mechanism, Mechanisms};

/// Which rungs of the ladder a node stands on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Strategy {
    /// To every neighbor, unacknowledged: the yardstick. Fast, wasteful, loses what links lose.
    Flood,
    /// To the neighbors in a tree, acknowledged, directly around a neighbor that stays silent.
    Tree,
    /// To random peers, then rounds of anti-entropy with random peers.
    Gossip,
    /// All of it: a tree for speed, gossip for certainty.
    #[default]
    Hybrid,
}

/// How the nodes of a cluster know each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum OverlayKind {
    /// Everybody knows everybody, and the tree follows from that, or from a topology that the host
    /// gives.
    #[default]
    Computed,
    /// Each node knows a few others, and the tree grows out of what comes first. For clusters too
    /// large for a member list, of this program alone, and for [`Strategy::Hybrid`] alone.
    Learned,
}

/// How a node behaves.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which protocol.
    pub strategy: Strategy,
    /// Peers per push and per round. More reach everyone in fewer rounds and cost as many
    /// messages more; 1 to 10 is sane, and more than there are peers means all of them.
    pub fanout: usize,
    /// The time between two rounds. Shorter repairs sooner and costs `fanout` messages each time;
    /// 100 ms to 1 min is sane.
    pub gossip_interval: Duration,
    /// How long a forward may stay unacknowledged. Shorter than a round trip means needless
    /// direct deliveries; longer delays the repair of a subtree. 2 to 10 round trips is sane.
    pub ack_timeout: Duration,
    /// How long a node waits from one push to a neighbor until the next, so that what comes in
    /// between goes in one message. It matters on a computed tree, and on the links of a learned one,
    /// where it is a fifth of this. Longer costs fewer messages and delays values by as much; 0 to
    /// 1 s is sane. At 0 no node of a computed tree relays for others: each pushes straight to all.
    pub pace: Duration,
    /// Whether the node knows all members, or a few of them.
    pub overlay: OverlayKind,
    /// The neighbors of a node in a learned overlay: the active view of HyParView (2007). More make
    /// the tree shallower and the cluster harder to break, and cost a message an interval each;
    /// ln n + 1 is sane, 4 to 10.
    pub active_view: usize,
    /// The addresses that such a node keeps besides: the passive view. More outlive a larger crash
    /// and cost 8 bytes each; six times the active view is sane.
    pub passive_view: usize,
    /// How often such a node exchanges addresses. More often mixes the views sooner, and costs
    /// about seven messages each time; 10 s to 5 min is sane.
    pub shuffle_interval: Duration,
    /// What the node does without: nothing, save to see what a mechanism buys. What is lost
    /// without each, [`Mechanism`] says.
    pub without: Mechanisms,
    /// The most forwards that may await an acknowledgement. Beyond that the oldest are given up
    /// and counted in [`Stats::awaits_given_up`](crate::Stats::awaits_given_up): rounds repair
    /// what they stood for. Each costs about 50 bytes.
    pub awaited_max: usize,
    /// The largest payload in bytes. The node refuses a larger one of its own application
    /// ([`Node::refusal`](crate::Node::refusal)) and drops a peer's, counted.
    pub payload_bytes_max: usize,
}

impl Config {
    /// Whether a node knows a few others only: whether its overlay is learned and its strategy one
    /// that makes use of it.
    #[must_use]
    pub fn is_learned(&self) -> bool {
        self.overlay == OverlayKind::Learned && self.strategy == Strategy::Hybrid
    }

    /// Whether a mechanism is switched on.
    #[must_use]
    pub fn uses(&self, mechanism: Mechanism) -> bool {
        !self.without.contains(mechanism)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            strategy: Strategy::Hybrid,
            fanout: 2,
            gossip_interval: Duration::from_secs(1),
            ack_timeout: Duration::from_millis(500),
            pace: Duration::from_millis(100),
            overlay: OverlayKind::Computed,
            // HyParView's evaluation, at 10,000 nodes.
            active_view: 5,
            passive_view: 30,
            shuffle_interval: Duration::from_secs(30),
            without: Mechanisms::NONE,
            // Half a second of 130,000 forwards a second, in a few megabytes.
            awaited_max: 65_536,
            // Room for the rest of a line in a message of 16 MiB.
            payload_bytes_max: 15 * 1024 * 1024,
        }
    }
}
