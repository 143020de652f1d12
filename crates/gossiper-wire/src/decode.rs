//! The second stage of reading: fields get their types.

use crate::body::Body;
use crate::dialect::RumorId;
use crate::envelope::{Envelope, mismatch};
use crate::error::{BodyError, excerpt};
use crate::field::Field;
use crate::typed::{Fanout, Milliseconds, Summary, Typed};

impl<'a> Envelope<'a> {
    /// A field that must be there. A `null` is a value like any other.
    #[inline]
    fn required<T: Typed<'a>>(&self, field: Field) -> Result<T, BodyError> {
        let text = self.field(field);
        text.and_then(T::read).ok_or_else(|| malformed::<T>(field, text))
    }

    /// A field that may be absent, or `null`, which is the same.
    #[inline]
    fn optional<T: Typed<'a>>(&self, field: Field) -> Result<Option<T>, BodyError> {
        match self.field(field) {
            None | Some("null") => Ok(None),
            Some(_) => self.required(field).map(Some),
        }
    }

    /// The rumor's name. A program that does not speak the dialect may mean anything by `id`.
    fn rumor_id(&self) -> Result<Option<RumorId<'a>>, BodyError> {
        match self.optional(Field::Id) {
            Err(_) if self.dialect.is_none() => Ok(None),
            id => id,
        }
    }
}

#[cold]
fn malformed<'a, T: Typed<'a>>(field: Field, got: Option<&str>) -> BodyError {
    BodyError::Malformed(mismatch(&format!("`{}`", field.name()), T::EXPECTED, got))
}

/// Reads the message of this `kind`. The kinds are compared one after the other, so the frequent
/// ones come first.
pub(crate) fn body<'a>(kind: &str, fields: &Envelope<'a>) -> Result<Body<'a>, BodyError> {
    Ok(match kind {
        "broadcast" => Body::Broadcast {
            message: fields.required(Field::Message)?,
            hops: fields.optional(Field::Hops)?,
            id: fields.rumor_id()?,
        },
        "broadcast_ok" => Body::BroadcastOk,
        "broadcast_ack" => Body::BroadcastAck,
        "read" => Body::Read,
        "read_ok" => Body::ReadOk { messages: fields.required(Field::Messages)? },
        "gossip" => Body::Gossip {
            message: fields.required(Field::Message)?,
            hops: fields.required(Field::Hops)?,
            id: fields.rumor_id()?,
        },
        "gossip_sync" => Body::GossipSync { messages: fields.required(Field::Messages)? },
        "gossip_sync_ok" => Body::GossipSyncOk { new_count: fields.required(Field::NewCount)? },
        "gossip_summary" => {
            let Summary(summary) = fields.required(Field::Summary)?;
            Body::GossipSummary { summary, count: fields.required(Field::Count)? }
        }
        "gossip_digest" => Body::GossipDigest {
            streams: fields.required(Field::Streams)?,
            answer: fields.required(Field::Answer)?,
        },
        "gossip_push" => {
            let Summary(summary) = fields.required(Field::Summary)?;
            Body::GossipPush {
                rumors: fields.required(Field::Rumors)?,
                number: fields.required(Field::Number)?,
                floor: fields.required(Field::Floor)?,
                incarnation: fields.required(Field::Incarnation)?,
                acked: fields.optional(Field::Acked)?,
                summary,
                count: fields.required(Field::Count)?,
                uplink: fields.optional(Field::Uplink)?,
                asks: fields.optional(Field::Asks)?.unwrap_or(false),
                streams: fields.optional(Field::Streams)?,
            }
        }
        "gossip_link" => Body::GossipLink {
            rumors: fields.optional(Field::Rumors)?.unwrap_or_default(),
            number: fields.required(Field::Number)?,
            floor: fields.required(Field::Floor)?,
            incarnation: fields.required(Field::Incarnation)?,
            acked: fields.optional(Field::Acked)?,
            beacon: fields.optional(Field::Beacon)?,
            turn: fields.optional(Field::Turn)?,
            asks: fields.optional(Field::Asks)?.unwrap_or(false),
            have: fields.optional(Field::Have)?.unwrap_or_default(),
            wants: fields.optional(Field::Wants)?.unwrap_or_default(),
        },
        "gossip_view" => Body::GossipView {
            says: fields.required(Field::Says)?,
            node: fields.optional(Field::Node)?,
            ttl: fields.optional(Field::Ttl)?,
            nodes: fields.optional(Field::Nodes)?,
        },
        "gossip_delta" => Body::GossipDelta { rumors: fields.required(Field::Rumors)? },
        _ => return rare_body(kind, fields),
    })
}

/// The messages of set-up and inspection.
fn rare_body<'a>(kind: &str, fields: &Envelope<'a>) -> Result<Body<'a>, BodyError> {
    Ok(match kind {
        "init" => Body::Init {
            node_id: fields.required(Field::NodeId)?,
            node_ids: fields.required(Field::NodeIds)?,
        },
        "init_ok" => Body::InitOk,
        "topology" => Body::Topology { topology: fields.required(Field::Topology)? },
        "topology_ok" => Body::TopologyOk,
        "gossip_round" => Body::GossipRound,
        "gossip_round_ok" => Body::GossipRoundOk {
            peers_contacted: fields.required(Field::PeersContacted)?,
            messages_sent: fields.required(Field::MessagesSent)?,
        },
        "digest" => Body::Digest,
        "digest_ok" => Body::DigestOk {
            digest: fields.required(Field::Digest)?,
            count: fields.required(Field::Count)?,
        },
        "digest_sync" => Body::DigestSync {
            remote_digest: fields.required(Field::RemoteDigest)?,
            remote_messages: fields.optional(Field::RemoteMessages)?,
        },
        "digest_sync_ok" => Body::DigestSyncOk {
            matched: fields.required(Field::Match)?,
            transferred: fields.required(Field::Transferred)?,
            local_messages: fields.optional(Field::LocalMessages)?,
        },
        "configure" => Body::Configure {
            fanout: fields.optional(Field::Fanout)?.map(|Fanout(peers)| peers),
            gossip_interval_ms: fields
                .optional(Field::GossipIntervalMs)?
                .map(|Milliseconds(interval)| interval),
        },
        "configure_ok" => Body::ConfigureOk,
        "gossip_stats" => Body::GossipStats,
        "gossip_stats_ok" => Body::GossipStatsOk {
            broadcasts_received: fields.required(Field::BroadcastsReceived)?,
            gossip_messages_sent: fields.required(Field::GossipMessagesSent)?,
            messages_per_op: fields.required(Field::MessagesPerOp)?,
            unique_messages: fields.required(Field::UniqueMessages)?,
        },
        "calc_fanout" => Body::CalcFanout {
            nodes: fields.required(Field::Nodes)?,
            target_prob: fields.required(Field::TargetProb)?,
            rounds: fields.required(Field::Rounds)?,
        },
        "calc_fanout_ok" => Body::CalcFanoutOk {
            min_fanout: fields.required(Field::MinFanout)?,
            miss_prob: fields.required(Field::MissProb)?,
        },
        "simulate_gossip" => Body::SimulateGossip {
            nodes: fields.required(Field::Nodes)?,
            fanout: fields.required(Field::Fanout)?,
            rounds: fields.required(Field::Rounds)?,
            trials: fields.required(Field::Trials)?,
        },
        "simulate_gossip_ok" => Body::SimulateGossipOk {
            delivery_rate: fields.required(Field::DeliveryRate)?,
            avg_rounds_to_all: fields.required(Field::AvgRoundsToAll)?,
        },
        "tree_info" => Body::TreeInfo,
        "tree_info_ok" => Body::TreeInfoOk {
            neighbors: fields.required(Field::Neighbors)?,
            message_count: fields.required(Field::MessageCount)?,
        },
        "check_acks" => Body::CheckAcks,
        "check_acks_ok" => Body::CheckAcksOk {
            pending: fields.required(Field::Pending)?,
            timed_out: fields.required(Field::TimedOut)?,
            direct_sent: fields.required(Field::DirectSent)?,
        },
        "failure_stats" => Body::FailureStats,
        "failure_stats_ok" => Body::FailureStatsOk {
            total_failures: fields.required(Field::TotalFailures)?,
            direct_deliveries: fields.required(Field::DirectDeliveries)?,
        },
        "delivery_info" => Body::DeliveryInfo { value: fields.required(Field::Value)? },
        "delivery_info_ok" => Body::DeliveryInfoOk {
            value: fields.required(Field::Value)?,
            delivered_via: fields.required(Field::DeliveredVia)?,
            hops: fields.required(Field::Hops)?,
        },
        "hybrid_stats" => Body::HybridStats,
        "hybrid_stats_ok" => Body::HybridStatsOk {
            tree_deliveries: fields.required(Field::TreeDeliveries)?,
            gossip_deliveries: fields.required(Field::GossipDeliveries)?,
            total: fields.required(Field::Total)?,
        },
        "convergence" => Body::Convergence,
        "convergence_ok" => Body::ConvergenceOk {
            rounds: fields.required(Field::Rounds)?,
            last_learning_round: fields.required(Field::LastLearningRound)?,
        },
        "partition" => Body::Partition { blocked: fields.required(Field::Blocked)? },
        "partition_ok" => Body::PartitionOk,
        "heal" => Body::Heal,
        "heal_ok" => Body::HealOk,
        "partition_status" => Body::PartitionStatus,
        "partition_status_ok" => Body::PartitionStatusOk {
            blocked: fields.required(Field::Blocked)?,
            is_partitioned: fields.required(Field::IsPartitioned)?,
            messages_dropped: fields.required(Field::MessagesDropped)?,
        },
        "error" => Body::Error {
            code: fields.required(Field::Code)?,
            text: fields.optional(Field::Text)?.unwrap_or_default(),
        },
        _ => {
            return Err(BodyError::UnknownType(format!("unknown type `{}`", excerpt(kind))));
        }
    })
}
