//! Every message that a node reads or writes.

use std::borrow::Cow;

use crate::dialect::{Acked, Beacon, Held, Rumor, RumorId, Stream, Turn, View};
use crate::float::Quotient;
use crate::list::List;
use crate::value::Value;

/// Which way a value took to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Via {
    /// As a `broadcast`, from a client or along the tree. Printed `tree`.
    Tree,
    /// By random gossip or reconciliation. Printed `gossip`.
    Gossip,
}

impl Via {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Via::Tree => "tree",
            Via::Gossip => "gossip",
        }
    }
}

macro_rules! bodies {
    ($($(#[$doc:meta])* $variant:ident $({
        $($(#[$field_doc:meta])* $field:ident: $type:ty,)*
    })? = $kind:literal,)*) => {
        /// A message: its `type` and its own fields, in the order in which they are printed.
        ///
        /// Fields that every message may carry (`msg_id`, `in_reply_to`, the dialect) belong to the
        /// [`Envelope`](crate::Envelope). Integers that do not fit their type are refused when
        /// read; floats must be finite when printed. Lists are bounded by the line alone.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Body<'a> {
            $(
                #[doc = concat!("`", $kind, "`: ")]
                $(#[$doc])*
                $variant $({
                    $($(#[$field_doc])* $field: $type,)*
                })?,
            )*
        }

        impl Body<'_> {
            /// The message's `type`.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Body::$variant { .. } => $kind,)*
                }
            }
        }
    };
}

bodies! {
    /// who the node is and who there is.
    Init {
        /// The receiver's name.
        node_id: Cow<'a, str>,
        /// All nodes, the receiver included.
        node_ids: Vec<Cow<'a, str>>,
    } = "init",
    /// the node is ready.
    InitOk = "init_ok",
    /// who should talk to whom.
    Topology {
        /// Each node's neighbours, in the order given. A node given twice stands where it stood
        /// first, with the neighbours given last.
        topology: Vec<(Cow<'a, str>, Vec<Cow<'a, str>>)>,
    } = "topology",
    /// the topology is known.
    TopologyOk = "topology_ok",
    /// a value for everyone, from a client or along the tree.
    Broadcast {
        /// The value.
        message: Value<'a>,
        /// How far the value has travelled, if a relay says so.
        hops: Option<u32>,
        /// The rumor's name, between two gossiper nodes. What another program puts under this key
        /// is an unknown field, and ignored.
        id: Option<RumorId<'a>>,
    } = "broadcast",
    /// a client's value is taken.
    BroadcastOk = "broadcast_ok",
    /// a peer's value is taken.
    BroadcastAck = "broadcast_ack",
    /// which values are known.
    Read = "read",
    /// the values known.
    ReadOk {
        /// In the order of first arrival.
        messages: List<'a>,
    } = "read_ok",
    /// a value for a random peer.
    Gossip {
        /// The value.
        message: Value<'a>,
        /// How far the value has travelled.
        hops: u32,
        /// As in `broadcast`.
        id: Option<RumorId<'a>>,
    } = "gossip",
    /// begin a gossip round now.
    GossipRound = "gossip_round",
    /// the round has begun.
    GossipRoundOk {
        /// Peers drawn.
        peers_contacted: u64,
        /// Values known at that moment.
        messages_sent: u64,
    } = "gossip_round_ok",
    /// all values that the sender knows.
    GossipSync {
        /// The values.
        messages: List<'a>,
    } = "gossip_sync",
    /// the values are merged.
    GossipSyncOk {
        /// How many were new.
        new_count: u64,
    } = "gossip_sync_ok",
    /// what the set of values sums up to.
    Digest = "digest",
    /// the sum.
    DigestOk {
        /// A text that depends on the set and not on its order.
        digest: Cow<'a, str>,
        /// How many values there are.
        count: u64,
    } = "digest_ok",
    /// compare digests, and merge values if they differ.
    DigestSync {
        /// The sender's digest.
        remote_digest: Cow<'a, str>,
        /// The sender's values; absent and null are the same.
        remote_messages: Option<List<'a>>,
    } = "digest_sync",
    /// how the comparison went.
    DigestSyncOk {
        /// Whether the digests were equal. On the wire this is `match`.
        matched: bool,
        /// How many values were new.
        transferred: u64,
        /// All values after the merge, where there was one; not printed if `None`.
        local_messages: Option<List<'a>>,
    } = "digest_sync_ok",
    /// change settings; what is absent or null stays.
    Configure {
        /// Peers a round, at least 1. An integer too large for this type is read as its maximum,
        /// since more than there are peers means all.
        fanout: Option<u64>,
        /// Time between rounds, at least 1.
        gossip_interval_ms: Option<u64>,
    } = "configure",
    /// the settings are changed.
    ConfigureOk = "configure_ok",
    /// what the gossip has cost.
    GossipStats = "gossip_stats",
    /// the cost.
    GossipStatsOk {
        /// Client broadcasts.
        broadcasts_received: u64,
        /// Messages to peers.
        gossip_messages_sent: u64,
        /// Their quotient.
        messages_per_op: Quotient,
        /// Values known.
        unique_messages: u64,
    } = "gossip_stats_ok",
    /// the least fanout that is likely enough to reach a node. Ranges are the receiver's affair.
    CalcFanout {
        /// Nodes in the cluster.
        nodes: u64,
        /// How likely it should be.
        target_prob: f64,
        /// Within how many rounds.
        rounds: u64,
    } = "calc_fanout",
    /// the fanout.
    CalcFanoutOk {
        /// The least that is enough.
        min_fanout: u64,
        /// How likely it then is to miss a node.
        miss_prob: f64,
    } = "calc_fanout_ok",
    /// run epidemics. Ranges are the receiver's affair.
    SimulateGossip {
        /// Nodes in the cluster.
        nodes: u64,
        /// Peers a round.
        fanout: u64,
        /// Rounds a trial.
        rounds: u64,
        /// Trials.
        trials: u64,
    } = "simulate_gossip",
    /// how the epidemics went.
    SimulateGossipOk {
        /// Mean share of the nodes reached.
        delivery_rate: f64,
        /// Mean number of rounds until all were reached.
        avg_rounds_to_all: f64,
    } = "simulate_gossip_ok",
    /// where the node stands in the tree.
    TreeInfo = "tree_info",
    /// the place.
    TreeInfoOk {
        /// Neighbours in the tree.
        neighbors: Vec<Cow<'a, str>>,
        /// Values known.
        message_count: u64,
    } = "tree_info_ok",
    /// look for acknowledgements that are overdue.
    CheckAcks = "check_acks",
    /// what was found since the previous check.
    CheckAcksOk {
        /// Forwards that were awaited before this check.
        pending: u64,
        /// Forwards whose time ran out.
        timed_out: u64,
        /// Direct messages sent for them.
        direct_sent: u64,
    } = "check_acks_ok",
    /// how often forwards have failed.
    FailureStats = "failure_stats",
    /// sums over the node's life.
    FailureStatsOk {
        /// Forwards whose time ran out.
        total_failures: u64,
        /// Direct messages sent for them.
        direct_deliveries: u64,
    } = "failure_stats_ok",
    /// how a value came here.
    DeliveryInfo {
        /// The value.
        value: Value<'a>,
    } = "delivery_info",
    /// the way it took.
    DeliveryInfoOk {
        /// The value.
        value: Value<'a>,
        /// By which means.
        delivered_via: Via,
        /// Over what distance.
        hops: u32,
    } = "delivery_info_ok",
    /// how many values came which way.
    HybridStats = "hybrid_stats",
    /// the numbers.
    HybridStatsOk {
        /// Values that came along the tree.
        tree_deliveries: u64,
        /// Values that came by gossip.
        gossip_deliveries: u64,
        /// Their sum.
        total: u64,
    } = "hybrid_stats_ok",
    /// since when the node has learnt nothing.
    Convergence = "convergence",
    /// the rounds.
    ConvergenceOk {
        /// Rounds begun.
        rounds: u64,
        /// The last of them in which a value was learnt; 0 before any.
        last_learning_round: u64,
    } = "convergence_ok",
    /// drop what comes from and goes to these nodes.
    Partition {
        /// The nodes, in place of those blocked before.
        blocked: Vec<Cow<'a, str>>,
    } = "partition",
    /// they are blocked.
    PartitionOk = "partition_ok",
    /// block nobody any more.
    Heal = "heal",
    /// nobody is blocked.
    HealOk = "heal_ok",
    /// who is blocked.
    PartitionStatus = "partition_status",
    /// the state of the partition.
    PartitionStatusOk {
        /// The nodes, as they were given.
        blocked: Vec<Cow<'a, str>>,
        /// Whether there are any.
        is_partitioned: bool,
        /// Messages dropped over the node's life.
        messages_dropped: u64,
    } = "partition_status_ok",
    /// why a request was not carried out.
    Error {
        /// Maelstrom's code.
        code: u32,
        /// One sentence for people; empty where the line does not have it.
        text: Cow<'a, str>,
    } = "error",
    /// a hash of what the sender holds (between two gossiper nodes).
    GossipSummary {
        /// The hash, printed as a string of 16 lower-case hexadecimal digits.
        summary: u64,
        /// How many values the sender knows.
        count: u64,
    } = "gossip_summary",
    /// what the sender holds, exactly (between two gossiper nodes).
    GossipDigest {
        /// One for each start of each origin.
        streams: Vec<Stream<'a>>,
        /// Whether the sender wants the receiver's digest in return.
        answer: bool,
    } = "gossip_digest",
    /// rumors that the receiver lacks (between two gossiper nodes).
    GossipDelta {
        /// The rumors.
        rumors: Vec<Rumor<'a>>,
    } = "gossip_delta",
    /// many rumors, and the state of the link (between two gossiper nodes).
    GossipPush {
        /// What is pushed.
        rumors: Vec<Rumor<'a>>,
        /// The number of this push on this link, or of the last one.
        number: u64,
        /// The lowest number that the receiver should still wait for.
        floor: u64,
        /// Which start of the sender.
        incarnation: u64,
        /// Which pushes of the receiver have come, if any has.
        acked: Option<Acked>,
        /// A hash of what the sender holds, as in `gossip_summary`.
        summary: u64,
        /// How many values the sender knows.
        count: u64,
        /// Through whom the sender sees the rest of the cluster, if through anybody.
        uplink: Option<Cow<'a, str>>,
        /// Whether the receiver is to answer at once; not printed if not.
        asks: bool,
        /// What the sender holds, exactly, if it tells.
        streams: Option<Vec<Stream<'a>>>,
    } = "gossip_push",
    /// all that there is to say on a link of a learned tree (between two gossiper nodes).
    GossipLink {
        /// What is pushed; not printed if empty, as the two lists below.
        rumors: Vec<Rumor<'a>>,
        /// The number of this message on this link, or of the last one.
        number: u64,
        /// The lowest number that the receiver should still wait for.
        floor: u64,
        /// Which start of the sender.
        incarnation: u64,
        /// Which numbers of the receiver have come, if any has.
        acked: Option<Acked>,
        /// The way to the root, if the sender tells.
        beacon: Option<Beacon<'a>>,
        /// How the link is to be used from now on, if that changes.
        turn: Option<Turn>,
        /// Whether the receiver is to answer at once; not printed if not.
        asks: bool,
        /// What the sender holds of late, and after how many hops.
        have: Vec<Held<'a>>,
        /// What the sender wants of what the receiver holds.
        wants: Vec<RumorId<'a>>,
    } = "gossip_link",
    /// who is whose neighbor, where nobody knows all (between two gossiper nodes).
    GossipView {
        /// What it is about.
        says: View,
        /// The joining node, or the one that shuffles.
        node: Option<Cow<'a, str>>,
        /// The hops that are left to a walk.
        ttl: Option<u8>,
        /// Addresses.
        nodes: Option<Vec<Cow<'a, str>>>,
    } = "gossip_view",
}
