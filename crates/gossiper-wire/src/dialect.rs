//! What only two gossiper nodes say to each other: rumors by id, and what a node holds of them.

use std::borrow::Cow;

use crate::value::Value;

/// Which pushes have come over a link, printed as `[17, 40, [[42, 45]]]`. Ranges are checked no
/// more than those of a [`Stream`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Acked {
    /// Which start of the node that sent them.
    pub incarnation: u64,
    /// The end of the prefix without a gap.
    pub upto: u64,
    /// What has come above that prefix: first and last number of each range, both included.
    pub beyond: Vec<(u64, u64)>,
}

/// The name of a rumor, printed as `["n1", 17, 3]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RumorId<'a> {
    /// The node that the rumor entered at.
    pub origin: Cow<'a, str>,
    /// Which start of that node.
    pub incarnation: u64,
    /// Which rumor of that start.
    pub sequence: u64,
}

/// What a node holds from one start of one origin, printed as `["n1", 17, 40, [[42, 45]]]`.
///
/// Nothing is checked but that no range ends before it begins: ranges may overlap, touch or come
/// in any order, and the reader must make sense of that.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Stream<'a> {
    /// The node that the rumors entered at.
    pub origin: Cow<'a, str>,
    /// Which start of that node.
    pub incarnation: u64,
    /// The end of the prefix without a gap.
    pub upto: u64,
    /// What is held above that prefix: first and last sequence of each range, both included.
    pub beyond: Vec<(u64, u64)>,
}

/// A rumor on its way, printed as `["n1", 17, 3, HOPS, VALUE]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Rumor<'a> {
    /// The rumor's name. One that has none yet is printed as `[null, 0, 0, HOPS, VALUE]`.
    pub id: Option<RumorId<'a>>,
    /// How far it has travelled.
    pub hops: u32,
    /// What it says.
    pub message: Value<'a>,
}

/// A rumor that a node holds, printed as `["n1", 17, 3, HOPS]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Held<'a> {
    /// The rumor's name.
    pub id: RumorId<'a>,
    /// How far it had travelled to the node.
    pub hops: u32,
}

/// What a node knows of the root of a learned tree, printed as `["n1", 17, 40, 3, true]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Beacon<'a> {
    /// Who that is.
    pub root: Cow<'a, str>,
    /// Which start of it.
    pub since: u64,
    /// The number of its last beacon.
    pub sequence: u64,
    /// How far it is.
    pub hops: u32,
    /// Whether the sender knows of it by the receiver.
    pub is_uplink: bool,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $(
                $(#[$variant_doc])*
                #[doc = concat!(" Printed `", $word, "`.")]
                $variant,
            )*
        }

        impl $name {
            /// Every one of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The word on the wire.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }
    };
}

words! {
    /// How a link of a learned tree is to be used from now on.
    Turn {
        /// Eagerly.
        Graft = "graft",
        /// Lazily.
        Prune = "prune",
    }
}

words! {
    /// What a message about neighbors says.
    View {
        /// The sender is new, and wants a neighbor.
        Join = "join",
        /// `node` is new, and looks for neighbors on a walk of `ttl` hops.
        ForwardJoin = "forward_join",
        /// The sender wants the receiver for a neighbor.
        Neighbor = "neighbor",
        /// So it does, and has no other.
        NeighborUrgent = "neighbor_urgent",
        /// The sender is the receiver's neighbor now.
        Accept = "accept",
        /// It is not.
        Refuse = "refuse",
        /// It is not, or not any more.
        Disconnect = "disconnect",
        /// `node` sends some `nodes` on a walk of `ttl` hops, and wants others in return.
        Shuffle = "shuffle",
        /// Some `nodes` in return.
        ShuffleReply = "shuffle_reply",
    }
}
