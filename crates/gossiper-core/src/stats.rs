//! What a node counts.

/// Counters over a node's life. None of them ever falls.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stats {
    /// Broadcasts of this node's application, repeats included.
    pub broadcasts_received: u64,
    /// Messages that this node has sent to peers, of every kind.
    pub messages_sent: u64,
    /// Payloads that first came along the tree, directly, or from the application.
    pub tree_deliveries: u64,
    /// Payloads that first came by gossip.
    pub gossip_deliveries: u64,
    /// Forwards whose acknowledgement was overdue.
    pub failures: u64,
    /// Messages sent directly around a silent neighbor.
    pub direct_deliveries: u64,
    /// Messages dropped at a partition, in and out.
    pub partition_drops: u64,
    /// Rounds begun.
    pub rounds: u64,
    /// The round in which the node last learnt a payload; 0 before the first round or payload.
    pub last_learning_round: u64,
    /// Forwards that were no longer waited for: because too many were, or because they were overdue
    /// and the node goes around nobody.
    pub awaits_given_up: u64,
    /// Payloads that were not pushed because too many waited for it. Rounds bring them.
    pub pushes_given_up: u64,
    /// Payloads of peers that were too large, or for which there was no room.
    pub payloads_refused: u64,
    /// Names that could not be kept, because of a bound or because they make no sense.
    pub names_refused: u64,
    /// Links of a learned tree that were grafted because a value did not come.
    pub grafts: u64,
    /// Links of a learned tree that were pruned because they closed a cycle.
    pub prunes: u64,
    /// Neighbors of a learned overlay that did not answer any more.
    pub neighbors_lost: u64,
    /// Announcements that were not waited for because too many were. A digest finds their values.
    pub announcements_given_up: u64,
    /// Messages that a peer did not know.
    pub not_supported: u64,
}

/// What waits for an acknowledgement.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Awaited {
    /// Forwards that are neither acknowledged nor overdue.
    pub forwards: usize,
}
