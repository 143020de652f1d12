//! From a message to its line.

use crate::body::Body;
use crate::field::Field;
use crate::writer::Writer;

/// Room for everything of a line but its names and fields, so that a short line is one allocation
/// at most.
const LINE_BYTES_USUAL: usize = 160;

/// Appends a message as one line, with its line feed.
///
/// Keys stand in the order `src`, `dest`, `body`, and in the body `type`, its own fields in the
/// order of [`Body`]'s variants, `gossiper` (if there is a `dialect`), `in_reply_to`, `msg_id`.
/// What is `None` is not printed. The line is not measured: a sender that may exceed
/// [`LINE_BYTES_MAX`](crate::LINE_BYTES_MAX) has to split its message.
pub fn encode(
    out: &mut Vec<u8>,
    src: &str,
    dest: &str,
    body: &Body<'_>,
    in_reply_to: Option<i64>,
    msg_id: Option<i64>,
    dialect: Option<u32>,
) {
    out.reserve(LINE_BYTES_USUAL);
    let mut writer = Writer::new(out);
    writer.raw("{\"src\": ");
    writer.string(src);
    writer.raw(", \"dest\": ");
    writer.string(dest);
    writer.raw(", \"body\": {\"type\": \"");
    writer.raw(body.kind());
    writer.raw("\"");
    write_fields(&mut writer, body);
    if let Some(version) = dialect {
        writer.raw(", \"gossiper\": ");
        writer.integer(version);
    }
    if let Some(id) = in_reply_to {
        writer.raw(", \"in_reply_to\": ");
        writer.integer(id);
    }
    if let Some(id) = msg_id {
        writer.raw(", \"msg_id\": ");
        writer.integer(id);
    }
    writer.raw("}}\n");
}

/// Appends the message's own fields.
fn write_fields(writer: &mut Writer<'_>, body: &Body<'_>) {
    match body {
        Body::InitOk
        | Body::TopologyOk
        | Body::BroadcastOk
        | Body::BroadcastAck
        | Body::Read
        | Body::GossipRound
        | Body::Digest
        | Body::ConfigureOk
        | Body::GossipStats
        | Body::TreeInfo
        | Body::CheckAcks
        | Body::FailureStats
        | Body::HybridStats
        | Body::Convergence
        | Body::PartitionOk
        | Body::Heal
        | Body::HealOk
        | Body::PartitionStatus => {}
        Body::Init { node_id, node_ids } => {
            writer.field(Field::NodeId, node_id);
            writer.field(Field::NodeIds, node_ids);
        }
        Body::Topology { topology } => writer.field(Field::Topology, topology),
        Body::Broadcast { message, hops, id } => {
            writer.field(Field::Message, message);
            writer.optional(Field::Hops, hops.as_ref());
            writer.optional(Field::Id, id.as_ref());
        }
        Body::Gossip { message, hops, id } => {
            writer.field(Field::Message, message);
            writer.field(Field::Hops, hops);
            writer.optional(Field::Id, id.as_ref());
        }
        Body::ReadOk { messages } | Body::GossipSync { messages } => {
            writer.field(Field::Messages, messages);
        }
        Body::GossipRoundOk { peers_contacted, messages_sent } => {
            writer.field(Field::PeersContacted, peers_contacted);
            writer.field(Field::MessagesSent, messages_sent);
        }
        Body::GossipSyncOk { new_count } => writer.field(Field::NewCount, new_count),
        Body::DigestOk { digest, count } => {
            writer.field(Field::Digest, digest);
            writer.field(Field::Count, count);
        }
        Body::DigestSync { remote_digest, remote_messages } => {
            writer.field(Field::RemoteDigest, remote_digest);
            writer.optional(Field::RemoteMessages, remote_messages.as_ref());
        }
        Body::DigestSyncOk { matched, transferred, local_messages } => {
            writer.field(Field::Match, matched);
            writer.field(Field::Transferred, transferred);
            writer.optional(Field::LocalMessages, local_messages.as_ref());
        }
        Body::Configure { fanout, gossip_interval_ms } => {
            writer.optional(Field::Fanout, fanout.as_ref());
            writer.optional(Field::GossipIntervalMs, gossip_interval_ms.as_ref());
        }
        Body::Partition { blocked } => writer.field(Field::Blocked, blocked),
        Body::DeliveryInfo { value } => writer.field(Field::Value, value),
        Body::DeliveryInfoOk { value, delivered_via, hops } => {
            writer.field(Field::Value, value);
            writer.field(Field::DeliveredVia, delivered_via.as_str());
            writer.field(Field::Hops, hops);
        }
        Body::Error { code, text } => {
            writer.field(Field::Code, code);
            writer.field(Field::Text, text);
        }
        Body::GossipSummary { summary, count } => {
            writer.field(Field::Summary, format!("{summary:016x}").as_str());
            writer.field(Field::Count, count);
        }
        Body::GossipDigest { streams, answer } => {
            writer.field(Field::Streams, streams);
            writer.field(Field::Answer, answer);
        }
        Body::GossipDelta { rumors } => writer.field(Field::Rumors, rumors),
        Body::GossipPush {
            rumors,
            number,
            floor,
            incarnation,
            acked,
            summary,
            count,
            uplink,
            asks,
            streams,
        } => {
            writer.field(Field::Rumors, rumors);
            writer.field(Field::Number, number);
            writer.field(Field::Floor, floor);
            writer.field(Field::Incarnation, incarnation);
            writer.optional(Field::Acked, acked.as_ref());
            writer.field(Field::Summary, format!("{summary:016x}").as_str());
            writer.field(Field::Count, count);
            writer.optional(Field::Uplink, uplink.as_ref());
            writer.optional(Field::Asks, asks.then_some(asks));
            writer.optional(Field::Streams, streams.as_ref());
        }
        Body::GossipLink {
            rumors,
            number,
            floor,
            incarnation,
            acked,
            beacon,
            turn,
            asks,
            have,
            wants,
        } => {
            writer.optional(Field::Rumors, (!rumors.is_empty()).then_some(rumors));
            writer.field(Field::Number, number);
            writer.field(Field::Floor, floor);
            writer.field(Field::Incarnation, incarnation);
            writer.optional(Field::Acked, acked.as_ref());
            writer.optional(Field::Beacon, beacon.as_ref());
            writer.optional(Field::Turn, turn.as_ref());
            writer.optional(Field::Asks, asks.then_some(asks));
            writer.optional(Field::Have, (!have.is_empty()).then_some(have));
            writer.optional(Field::Wants, (!wants.is_empty()).then_some(wants));
        }
        Body::GossipView { says, node, ttl, nodes } => {
            writer.field(Field::Says, says);
            writer.optional(Field::Node, node.as_ref());
            writer.optional(Field::Ttl, ttl.as_ref());
            writer.optional(Field::Nodes, nodes.as_ref());
        }
        Body::GossipStatsOk {
            broadcasts_received,
            gossip_messages_sent,
            messages_per_op,
            unique_messages,
        } => {
            writer.field(Field::BroadcastsReceived, broadcasts_received);
            writer.field(Field::GossipMessagesSent, gossip_messages_sent);
            writer.field(Field::MessagesPerOp, messages_per_op);
            writer.field(Field::UniqueMessages, unique_messages);
        }
        Body::CalcFanout { nodes, target_prob, rounds } => {
            writer.field(Field::Nodes, nodes);
            writer.field(Field::TargetProb, target_prob);
            writer.field(Field::Rounds, rounds);
        }
        Body::CalcFanoutOk { min_fanout, miss_prob } => {
            writer.field(Field::MinFanout, min_fanout);
            writer.field(Field::MissProb, miss_prob);
        }
        Body::SimulateGossip { nodes, fanout, rounds, trials } => {
            writer.field(Field::Nodes, nodes);
            writer.field(Field::Fanout, fanout);
            writer.field(Field::Rounds, rounds);
            writer.field(Field::Trials, trials);
        }
        Body::SimulateGossipOk { delivery_rate, avg_rounds_to_all } => {
            writer.field(Field::DeliveryRate, delivery_rate);
            writer.field(Field::AvgRoundsToAll, avg_rounds_to_all);
        }
        Body::TreeInfoOk { neighbors, message_count } => {
            writer.field(Field::Neighbors, neighbors);
            writer.field(Field::MessageCount, message_count);
        }
        Body::CheckAcksOk { pending, timed_out, direct_sent } => {
            writer.field(Field::Pending, pending);
            writer.field(Field::TimedOut, timed_out);
            writer.field(Field::DirectSent, direct_sent);
        }
        Body::FailureStatsOk { total_failures, direct_deliveries } => {
            writer.field(Field::TotalFailures, total_failures);
            writer.field(Field::DirectDeliveries, direct_deliveries);
        }
        Body::HybridStatsOk { tree_deliveries, gossip_deliveries, total } => {
            writer.field(Field::TreeDeliveries, tree_deliveries);
            writer.field(Field::GossipDeliveries, gossip_deliveries);
            writer.field(Field::Total, total);
        }
        Body::ConvergenceOk { rounds, last_learning_round } => {
            writer.field(Field::Rounds, rounds);
            writer.field(Field::LastLearningRound, last_learning_round);
        }
        Body::PartitionStatusOk { blocked, is_partitioned, messages_dropped } => {
            writer.field(Field::Blocked, blocked);
            writer.field(Field::IsPartitioned, is_partitioned);
            writer.field(Field::MessagesDropped, messages_dropped);
        }
    }
}
