//! Names of things: nodes, messages, rumors.

use core::fmt;

/// A node, by a number that means the same node everywhere in the cluster.
///
/// The host gives the numbers out: the place in the sorted member list, say, or the head of a
/// public key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NodeId(pub u64);

impl NodeId {
    /// A source outside of the cluster. It is answered and never remembered: no message goes to it
    /// but the answer to what it just sent.
    pub const GUEST: Self = Self(u64::MAX);
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// The number of a message among all that one node has sent, from 0. Acknowledgements quote it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct MessageId(pub u64);

/// The name of a rumor: who first had it, in which of its lives, and which of its rumors it is.
///
/// A node that restarts empty is a new incarnation, so it never uses an id twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RumorId {
    /// The node that took the rumor in.
    pub origin: NodeId,
    /// That node's start; a later start has another number.
    pub incarnation: u64,
    /// The place among the rumors of that origin and incarnation, from 1.
    pub sequence: u64,
}
