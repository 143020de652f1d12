//! The one door in and the one way out.

use alloc::collections::BTreeSet;
use alloc::vec::{Drain, Vec};
use core::time::Duration;

use crate::{Message, MessageId, NodeId, Payload, Topology};

/// Everything that can happen to a node.
#[derive(Clone, Debug)]
pub enum Input {
    /// The application broadcasts.
    Broadcast(Payload),
    /// A message has come in.
    Received {
        /// Who sent it; [`NodeId::GUEST`] if that is no member of the cluster.
        from: NodeId,
        /// The number that the sender gave it; without one it cannot be answered.
        id: Option<MessageId>,
        /// The version of the dialect that the sender announced along with it.
        dialect: Option<u32>,
        /// What it says.
        message: Message,
    },
    /// Payloads that the host took in by an exchange of its own. They count as gossip, one hop,
    /// and are not answered.
    Merge {
        /// Who had them.
        from: NodeId,
        /// What may be new.
        payloads: Vec<Payload>,
    },
    /// A peer has joined.
    PeerUp(NodeId),
    /// A peer is gone: what it still owes is not waited for.
    PeerDown(NodeId),
    /// The overlay is given; it replaces the one before.
    Topology(Topology),
    /// Settings change while the node runs. `None` leaves one as it is.
    Configure {
        /// See [`Config::fanout`](crate::Config::fanout).
        fanout: Option<usize>,
        /// See [`Config::gossip_interval`](crate::Config::gossip_interval).
        gossip_interval: Option<Duration>,
    },
    /// From now on messages from these and to these are dropped and counted. An empty set heals.
    Partition(BTreeSet<NodeId>),
    /// Begin a round of gossip now, besides the timed ones.
    Round,
    /// Look for overdue acknowledgements now.
    CheckAcks,
    /// Send some of what is held back, and do nothing else.
    Flush,
    /// A moment has come that [`Node::next_wakeup`](crate::Node::next_wakeup) gave. One that comes
    /// early, late, twice or for nothing is harmless.
    Wakeup,
}

/// Everything that a node can want done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// Send this message.
    Send {
        /// To whom; [`NodeId::GUEST`] is whoever sent the input.
        to: NodeId,
        /// Its number.
        id: MessageId,
        /// The version of the dialect to announce along with it.
        dialect: Option<u32>,
        /// What it says.
        message: Message,
    },
    /// The application gets a payload, once.
    Deliver {
        /// Its place in the order of arrival: [`Node::payload`](crate::Node::payload) gives it.
        place: usize,
    },
    /// A forward was not acknowledged in time, which the host should write down.
    Undelivered {
        /// The silent neighbor.
        neighbor: NodeId,
        /// What it has not acknowledged.
        payload: Payload,
        /// How many nodes behind it were sent the payload directly instead.
        direct: usize,
    },
}

/// What a node wants done, in order. The host empties it after each input.
#[derive(Debug, Default)]
pub struct Outbox {
    outputs: Vec<Output>,
}

impl Outbox {
    /// Takes everything out, in order.
    pub fn drain(&mut self) -> Drain<'_, Output> {
        self.outputs.drain(..)
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.outputs.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.outputs.len()
    }

    pub(crate) fn push(&mut self, output: Output) {
        self.outputs.push(output);
    }
}
