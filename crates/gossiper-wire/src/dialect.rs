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
