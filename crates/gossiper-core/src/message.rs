//! What one node says to another.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::{MessageId, NodeId, Payload, RumorId, StreamDigest, Summary};

/// A message between two nodes.
///
/// The first five are the plain dialect, which every broadcast node of the wire protocol speaks.
/// The others go only to peers that have shown that they know them.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Message {
    /// Eager push on the tree, or a direct delivery around it. Asks for an [`Message::Ack`].
    Broadcast {
        /// What is pushed.
        payload: Payload,
        /// The hops that it has made up to the sender; `None` on a push from its origin.
        hops: Option<u32>,
        /// Its name, if the receiver can make use of it.
        id: Option<RumorId>,
    },
    /// The broadcast of this number has arrived.
    Ack {
        /// The number that the receiver of this gave to its broadcast.
        of: MessageId,
    },
    /// Eager push to a random peer. Asks for nothing.
    Gossip {
        /// What is pushed.
        payload: Payload,
        /// The hops that it has made up to the sender.
        hops: u32,
        /// Its name, if the receiver can make use of it.
        id: Option<RumorId>,
    },
    /// Everything that the sender knows, or a part of it where that is too much for one message.
    Sync {
        /// In the order of the sender's arrivals.
        payloads: Vec<Payload>,
    },
    /// A sync has arrived.
    SyncOk {
        /// The number that the receiver of this gave to its sync.
        of: MessageId,
        /// How many of its payloads were new.
        new_count: u64,
    },
    /// The start of an exchange of digests: silence means that both hold the same.
    Summary(Summary),
    /// Which rumors the sender holds.
    Digest {
        /// Sorted by origin and incarnation.
        streams: Vec<StreamDigest>,
        /// Whether the sender wants to be told in return what it lacks by a digest of the
        /// receiver's. The answer to such an answer does not want one: an exchange ends.
        answer: bool,
    },
    /// Rumors that a digest showed to be lacking.
    Delta {
        /// In the order of their ids.
        rumors: Vec<Rumor>,
    },
    /// Many rumors in one message on a link of a computed tree, and all that its two ends tell each
    /// other to keep it whole.
    Push(Box<Push>),
    /// All that the ends of a link of a learned tree tell each other.
    Link(Box<LinkPush>),
    /// What nodes with partial views tell each other of who is whose neighbor.
    View(ViewMessage),
    /// The peer knows no such message as the one that it got under this number.
    NotSupported {
        /// The number that the receiver of this gave to its message.
        of: MessageId,
    },
}

impl Message {
    /// Whether it is of the plain dialect, which every peer knows.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        match self {
            Self::Broadcast { .. }
            | Self::Ack { .. }
            | Self::Gossip { .. }
            | Self::Sync { .. }
            | Self::SyncOk { .. }
            | Self::NotSupported { .. } => true,
            Self::Summary(_)
            | Self::Digest { .. }
            | Self::Delta { .. }
            | Self::Push(_)
            | Self::Link(_)
            | Self::View(_) => false,
        }
    }
}

/// What goes over a link between two nodes that push to each other.
///
/// Pushes are numbered link by link, from 1 on, so that the receiver sees what it lacks. One that
/// holds no rumors and asks for nothing only acknowledges: it takes no number, and repeats the
/// last.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Push {
    /// The sender's start: with another one, numbers begin anew and the sender holds nothing.
    pub incarnation: u64,
    /// Its number on this link.
    pub number: u64,
    /// The receiver need not wait for pushes with lower numbers than this.
    pub floor: u64,
    /// Which of the receiver's pushes have come.
    pub acked: Option<Acked>,
    /// What the sender holds, in short.
    pub summary: Summary,
    /// The neighbor through which the sender sees the rest of the cluster; none if it sees to the
    /// rest itself.
    pub uplink: Option<NodeId>,
    /// Whether the sender wants to be answered at once.
    pub asks: bool,
    /// What is pushed.
    pub rumors: Vec<Rumor>,
    /// What the sender holds, exactly, if it wants to be sent what it lacks.
    pub streams: Option<Vec<StreamDigest>>,
}

impl Push {
    /// Whether this is more than an acknowledgement, and so has a number of its own.
    #[must_use]
    pub fn is_numbered(&self) -> bool {
        self.asks || !self.rumors.is_empty()
    }
}

/// Which pushes have come over a link. Each such message says it of all, so that a lost one costs
/// nothing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Acked {
    /// The start of the node whose pushes these are.
    pub incarnation: u64,
    /// Every push up to this number.
    pub upto: u64,
    /// Those beyond, as closed ranges in rising order.
    pub beyond: Vec<(u64, u64)>,
}

/// What goes over a link of a learned tree, after Plumtree (Leitão, Pereira and Rodrigues 2007):
/// one message says all that there is to say.
///
/// Those that hold rumors or announcements are numbered, and acknowledged, as in [`Push`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LinkPush {
    /// The sender's start: with another one, numbers begin anew.
    pub incarnation: u64,
    /// Its number on this link, or that of the last one.
    pub number: u64,
    /// The receiver need not wait for lower numbers than this. On a link it is 1 at least; 0 says
    /// that there is none, and that the sender only tells of its root.
    pub floor: u64,
    /// Which of the receiver's numbers have come.
    pub acked: Option<Acked>,
    /// The way to the root, by which the tree is kept shallow.
    pub beacon: Option<Beacon>,
    /// From now on the link is eager, or lazy.
    pub turn: Option<Turn>,
    /// Whether the sender wants to be answered at once.
    pub asks: bool,
    /// Eager push.
    pub rumors: Vec<Rumor>,
    /// Lazy push: what the sender holds, and how far it had come to it.
    pub have: Vec<(RumorId, u32)>,
    /// What was announced to the sender and has not come.
    pub wants: Vec<RumorId>,
}

impl LinkPush {
    /// Whether this has a number of its own.
    #[must_use]
    pub fn is_numbered(&self) -> bool {
        !self.rumors.is_empty() || !self.have.is_empty()
    }

    /// Whether the sender does not have the receiver for a neighbor, and only tells of its root.
    #[must_use]
    pub fn is_visit(&self) -> bool {
        self.floor == 0
    }
}

/// How a link is to be used from now on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// Eagerly: it becomes part of the tree.
    Graft,
    /// Lazily: it does not belong to the tree any more.
    Prune,
}

/// What a node knows of the root of a learned tree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Beacon {
    /// The root: who started first, for all that the sender knows.
    pub root: NodeId,
    /// The root's incarnation.
    pub since: u64,
    /// The number of the root's last beacon that has come to the sender.
    pub sequence: u64,
    /// The hops from the root to the sender.
    pub hops: u32,
    /// Whether the sender hears of it by the receiver.
    pub is_uplink: bool,
}

/// What keeps partial views, after HyParView (Leitão, Pereira and Rodrigues 2007).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ViewMessage {
    /// The sender is new, and wants the receiver for a neighbor.
    Join,
    /// Somebody is new, and looks for neighbors on a random walk.
    ForwardJoin {
        /// Who.
        node: NodeId,
        /// The hops that are left.
        ttl: u8,
    },
    /// The sender wants the receiver for a neighbor.
    Neighbor {
        /// It has no other, and is not to be refused.
        is_urgent: bool,
    },
    /// Whether the sender is the receiver's neighbor now, which asked for it.
    Answer {
        /// It is.
        accepts: bool,
    },
    /// The sender is no neighbor of the receiver's, or not any more.
    Disconnect,
    /// Addresses to exchange, on a random walk.
    Shuffle {
        /// Who wants the answer.
        origin: NodeId,
        /// The hops that are left.
        ttl: u8,
        /// Some of those that it knows, itself first.
        nodes: Vec<NodeId>,
    },
    /// As many addresses in return.
    ShuffleReply {
        /// Some of those that the sender knows.
        nodes: Vec<NodeId>,
    },
}

/// A rumor as it stands in a delta or a push.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rumor {
    /// Its name; none if the host cannot tell its origin, and then the receiver adopts it.
    pub id: Option<RumorId>,
    /// The hops that it has made up to the sender.
    pub hops: u32,
    /// What it carries.
    pub payload: Payload,
}
