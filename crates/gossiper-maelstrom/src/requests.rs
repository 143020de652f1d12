//! What the node answers to a request, message by message.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use gossiper_core::{Input, Instant, Node, NodeId, Outbox, Refusal, Topology, Via};
use gossiper_wire as wire;
use gossiper_wire::{Body, List, Quotient, Value};

use crate::names::Names;
use crate::theory;
use crate::translate;

/// Everything that requests are about.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) node: Node,
    pub(crate) names: Names,
    me: NodeId,
    seed: u64,
    known: Known,
    /// The `blocked` of the last `partition`, as it was given.
    blocked: Vec<String>,
    /// Failures and direct deliveries at the last `check_acks`.
    checked: (u64, u64),
}

/// The text of everything known. Each value is added once, when somebody first asks, so an answer
/// costs a copy of the text.
#[derive(Debug, Default)]
struct Known {
    items: String,
    count: usize,
}

impl Known {
    fn list(&mut self, node: &Node) -> List<'_> {
        for payload in node.payloads_from(self.count) {
            translate::push_item(&mut self.items, translate::text(payload));
        }
        self.count = node.payload_count();
        List::from_items(&self.items)
    }
}

/// An answer of Maelstrom's error codes.
fn refusal<'a>(code: u32, text: impl Into<Cow<'a, str>>) -> Option<Body<'a>> {
    Some(Body::Error { code, text: text.into() })
}

const TEMPORARILY_UNAVAILABLE: u32 = 11;
const MALFORMED_REQUEST: u32 = 12;
const KEY_DOES_NOT_EXIST: u32 = 20;

impl Desk {
    pub(crate) fn new(node: Node, names: Names, me: NodeId, seed: u64) -> Self {
        let known = Known::default();
        Self { node, names, me, seed, known, blocked: Vec::new(), checked: (0, 0) }
    }

    /// Carries a request out. `None` is the answer to what is no request but a stray reply.
    pub(crate) fn answer<'a>(
        &'a mut self,
        now: Instant,
        peer: Option<NodeId>,
        request: &'a Body<'a>,
        outbox: &mut Outbox,
    ) -> Option<Body<'a>> {
        Some(match request {
            Body::Init { node_id, node_ids } => return self.init(node_id, node_ids),
            Body::Topology { topology } => return self.topology(now, topology, outbox),
            Body::Broadcast { message, .. } => return self.broadcast(now, message, outbox),
            Body::Read => Body::ReadOk { messages: self.known.list(&self.node) },
            Body::GossipRound => self.gossip_round(now, outbox),
            Body::Digest => Body::DigestOk {
                digest: self.node.set_digest().to_string().into(),
                count: self.node.payload_count() as u64,
            },
            Body::DigestSync { remote_digest, remote_messages } => {
                return self.digest_sync(now, peer, remote_digest, *remote_messages, outbox);
            }
            Body::Configure { fanout, gossip_interval_ms } => {
                let input = Input::Configure {
                    fanout: fanout.map(|fanout| usize::try_from(fanout).unwrap_or(usize::MAX)),
                    gossip_interval: gossip_interval_ms.map(Duration::from_millis),
                };
                self.node.handle(now, input, outbox);
                Body::ConfigureOk
            }
            Body::CalcFanout { nodes, target_prob, rounds } => {
                return calc_fanout(*nodes, *target_prob, *rounds);
            }
            Body::SimulateGossip { nodes, fanout, rounds, trials } => {
                return self.simulate_gossip([*nodes, *fanout, *rounds, *trials]);
            }
            Body::CheckAcks => self.check_acks(now, outbox),
            Body::DeliveryInfo { value } => return self.delivery_info(value),
            Body::Partition { blocked } => self.partition(now, blocked, outbox),
            Body::Heal => {
                self.partition(now, &[], outbox);
                Body::HealOk
            }
            other => return self.statistics(other),
        })
    }

    /// The requests that only ask for numbers.
    fn statistics(&self, request: &Body<'_>) -> Option<Body<'_>> {
        let stats = self.node.stats();
        let count = self.node.payload_count() as u64;
        Some(match request {
            Body::GossipStats => Body::GossipStatsOk {
                broadcasts_received: stats.broadcasts_received,
                gossip_messages_sent: stats.messages_sent,
                messages_per_op: Quotient {
                    numerator: stats.messages_sent,
                    denominator: stats.broadcasts_received,
                },
                unique_messages: count,
            },
            Body::TreeInfo => Body::TreeInfoOk {
                neighbors: self
                    .node
                    .neighbors()
                    .iter()
                    .map(|&id| self.names.name(id).into())
                    .collect(),
                message_count: count,
            },
            Body::FailureStats => Body::FailureStatsOk {
                total_failures: stats.failures,
                direct_deliveries: stats.direct_deliveries,
            },
            Body::HybridStats => Body::HybridStatsOk {
                tree_deliveries: stats.tree_deliveries,
                gossip_deliveries: stats.gossip_deliveries,
                total: stats.tree_deliveries + stats.gossip_deliveries,
            },
            Body::Convergence => Body::ConvergenceOk {
                rounds: stats.rounds,
                last_learning_round: stats.last_learning_round,
            },
            Body::PartitionStatus => Body::PartitionStatusOk {
                blocked: self.blocked.iter().map(Cow::from).collect(),
                is_partitioned: !self.blocked.is_empty(),
                messages_dropped: stats.partition_drops,
            },
            _ => return None,
        })
    }

    fn init(&self, node_id: &str, node_ids: &[Cow<'_, str>]) -> Option<Body<'static>> {
        let me = self.names.name(self.me);
        let mut members: BTreeSet<&str> = node_ids.iter().map(AsRef::as_ref).collect();
        members.insert(node_id);
        if node_id == me && members.into_iter().eq(self.names.members()) {
            return Some(Body::InitOk);
        }
        refusal(
            MALFORMED_REQUEST,
            format!(
                "this node is already {me} in a cluster of {}: a second init must say the same",
                self.names.members().len()
            ),
        )
    }

    fn topology(
        &mut self,
        now: Instant,
        named: &[(Cow<'_, str>, Vec<Cow<'_, str>>)],
        outbox: &mut Outbox,
    ) -> Option<Body<'static>> {
        let mut links = Vec::with_capacity(named.len());
        for (node, neighbors) in named {
            let node = self.names.number(node);
            let neighbors = neighbors.iter().map(|neighbor| self.names.number(neighbor));
            let (Some(node), Some(neighbors)) = (node, neighbors.collect::<Option<Vec<_>>>())
            else {
                return refusal(
                    MALFORMED_REQUEST,
                    "topology names too many nodes besides node_ids",
                );
            };
            links.push((node, neighbors));
        }
        let topology = Topology::new(self.me, &links);
        self.node.handle(now, Input::Topology(topology), outbox);
        Some(Body::TopologyOk)
    }

    fn broadcast(
        &mut self,
        now: Instant,
        message: &Value<'_>,
        outbox: &mut Outbox,
    ) -> Option<Body<'static>> {
        let payload = translate::payload(message);
        if let Some(refused) = self.node.refusal(&payload) {
            let code = match refused {
                Refusal::TooLarge { .. } => MALFORMED_REQUEST,
                Refusal::Full => TEMPORARILY_UNAVAILABLE,
            };
            return refusal(code, refused.to_string());
        }
        self.node.handle(now, Input::Broadcast(payload), outbox);
        Some(Body::BroadcastOk)
    }

    fn gossip_round(&mut self, now: Instant, outbox: &mut Outbox) -> Body<'static> {
        let messages_sent = self.node.payload_count() as u64;
        self.node.handle(now, Input::Round, outbox);
        let peers_contacted = self.node.config().fanout.min(self.node.peers().len()) as u64;
        Body::GossipRoundOk { peers_contacted, messages_sent }
    }

    fn digest_sync(
        &mut self,
        now: Instant,
        peer: Option<NodeId>,
        remote_digest: &str,
        remote_messages: Option<List<'_>>,
        outbox: &mut Outbox,
    ) -> Option<Body<'_>> {
        if self.node.set_digest().to_string() == remote_digest {
            let (matched, transferred, local_messages) = (true, 0, None);
            return Some(Body::DigestSyncOk { matched, transferred, local_messages });
        }
        let known_before = self.node.payload_count();
        if let Some(remote) = remote_messages {
            let payloads = match translate::payloads(remote) {
                Ok(payloads) => payloads,
                Err(error) => return refusal(error.code(), error.text().to_owned()),
            };
            let from = peer.unwrap_or(NodeId::GUEST);
            self.node.handle(now, Input::Merge { from, payloads }, outbox);
        }
        Some(Body::DigestSyncOk {
            matched: false,
            transferred: (self.node.payload_count() - known_before) as u64,
            local_messages: Some(self.known.list(&self.node)),
        })
    }

    fn simulate_gossip(&self, sizes: [u64; 4]) -> Option<Body<'static>> {
        let [nodes, fanout, rounds, trials] = sizes;
        match theory::simulate(nodes, fanout, rounds, trials, self.seed) {
            Ok(epidemic) => Some(Body::SimulateGossipOk {
                delivery_rate: epidemic.delivery_rate,
                avg_rounds_to_all: epidemic.rounds_to_all,
            }),
            Err(error) => refusal(MALFORMED_REQUEST, error.to_string()),
        }
    }

    fn check_acks(&mut self, now: Instant, outbox: &mut Outbox) -> Body<'static> {
        self.node.handle(now, Input::CheckAcks, outbox);
        let stats = self.node.stats();
        let (failures, direct) = self.checked;
        self.checked = (stats.failures, stats.direct_deliveries);
        let timed_out = stats.failures - failures;
        Body::CheckAcksOk {
            pending: self.node.awaited().forwards as u64 + timed_out,
            timed_out,
            direct_sent: stats.direct_deliveries - direct,
        }
    }

    fn delivery_info<'a>(&self, value: &Value<'a>) -> Option<Body<'a>> {
        let Some(delivery) = self.node.delivery(value.key().as_bytes()) else {
            return refusal(KEY_DOES_NOT_EXIST, "this node does not know the value");
        };
        let delivered_via = match delivery.via {
            Via::Tree => wire::Via::Tree,
            Via::Gossip => wire::Via::Gossip,
        };
        Some(Body::DeliveryInfoOk { value: value.clone(), delivered_via, hops: delivery.hops })
    }

    fn partition(
        &mut self,
        now: Instant,
        blocked: &[Cow<'_, str>],
        outbox: &mut Outbox,
    ) -> Body<'static> {
        self.blocked = blocked.iter().map(|name| name.to_string()).collect();
        // One that is not known yet may be named by a later topology.
        let ids = blocked.iter().filter_map(|name| self.names.number(name));
        self.node.handle(now, Input::Partition(ids.collect()), outbox);
        Body::PartitionOk
    }
}

fn calc_fanout(nodes: u64, target_prob: f64, rounds: u64) -> Option<Body<'static>> {
    match theory::min_fanout(nodes, target_prob, rounds) {
        Some((min_fanout, miss_prob)) => Some(Body::CalcFanoutOk { min_fanout, miss_prob }),
        None => refusal(
            MALFORMED_REQUEST,
            format!(
                "calc_fanout needs nodes >= 2, rounds >= 1 and 0 <= target_prob <= 1, \
                 not {nodes}, {rounds} and {target_prob}"
            ),
        ),
    }
}
