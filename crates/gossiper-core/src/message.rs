//! What one node says to another.

use alloc::vec::Vec;

use crate::{MessageId, Payload, RumorId, StreamDigest, Summary};

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
    /// The peer knows no such message as the one that it got under this number.
    NotSupported {
        /// The number that the receiver of this gave to its message.
        of: MessageId,
    },
}

/// A rumor as it stands in a delta.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rumor {
    /// Its name; none if the host cannot tell its origin, and then the receiver adopts it.
    pub id: Option<RumorId>,
    /// The hops that it has made up to the sender.
    pub hops: u32,
    /// What it carries.
    pub payload: Payload,
}
