//! The names of the fields.

macro_rules! fields {
    ($($field:ident = $name:literal,)*) => {
        /// A body's own field that the protocol knows.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Field {
            $(#[doc = concat!("`", $name, "`")] $field,)*
        }

        impl Field {
            /// The field's key.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Field::$field => $name,)*
                }
            }

            /// The field with this key.
            pub(crate) fn from_name(name: &str) -> Option<Field> {
                // The names are compared one after the other: the frequent ones come first.
                match name {
                    $($name => Some(Field::$field),)*
                    _ => None,
                }
            }
        }
    };
}

fields! {
    Message = "message",
    Hops = "hops",
    Id = "id",
    Messages = "messages",
    Rumors = "rumors",
    Number = "number",
    Floor = "floor",
    Incarnation = "incarnation",
    Acked = "acked",
    Summary = "summary",
    Uplink = "uplink",
    Asks = "asks",
    Streams = "streams",
    Beacon = "beacon",
    Have = "have",
    Wants = "wants",
    Turn = "turn",
    Says = "says",
    Node = "node",
    Ttl = "ttl",
    Count = "count",
    NewCount = "new_count",
    Answer = "answer",
    AvgRoundsToAll = "avg_rounds_to_all",
    Blocked = "blocked",
    BroadcastsReceived = "broadcasts_received",
    Code = "code",
    DeliveredVia = "delivered_via",
    DeliveryRate = "delivery_rate",
    Digest = "digest",
    DirectDeliveries = "direct_deliveries",
    DirectSent = "direct_sent",
    Fanout = "fanout",
    GossipDeliveries = "gossip_deliveries",
    GossipIntervalMs = "gossip_interval_ms",
    GossipMessagesSent = "gossip_messages_sent",
    IsPartitioned = "is_partitioned",
    LastLearningRound = "last_learning_round",
    LocalMessages = "local_messages",
    Match = "match",
    MessageCount = "message_count",
    MessagesDropped = "messages_dropped",
    MessagesPerOp = "messages_per_op",
    MessagesSent = "messages_sent",
    MinFanout = "min_fanout",
    MissProb = "miss_prob",
    Neighbors = "neighbors",
    NodeId = "node_id",
    NodeIds = "node_ids",
    Nodes = "nodes",
    PeersContacted = "peers_contacted",
    Pending = "pending",
    RemoteDigest = "remote_digest",
    RemoteMessages = "remote_messages",
    Rounds = "rounds",
    TargetProb = "target_prob",
    Text = "text",
    TimedOut = "timed_out",
    Topology = "topology",
    Total = "total",
    TotalFailures = "total_failures",
    Transferred = "transferred",
    TreeDeliveries = "tree_deliveries",
    Trials = "trials",
    UniqueMessages = "unique_messages",
    Value = "value",
}
