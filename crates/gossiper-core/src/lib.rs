//! The protocols of gossiper: a tree for speed, gossip for certainty.
//!
//! A [`Node`] is a state machine. What happens to it goes in through one door,
//! [`Node::handle`]; what it wants done comes out of one, the [`Outbox`]; and it answers one
//! question, [`Node::next_wakeup`]. A host (a process on stdin and stdout, a simulator, a daemon)
//! is the loop around these three.
//!
//! ```
//! use gossiper_core::{Config, Input, Instant, Node, NodeId, Outbox, Output, Payload};
//!
//! let members = [NodeId(0), NodeId(1)];
//! let mut node = Node::new(NodeId(0), &members, Config::default(), 1, 42, Instant::START);
//! let mut outbox = Outbox::default();
//! node.handle(Instant::START, Input::Broadcast(Payload::new(b"hello")), &mut outbox);
//! let sent = outbox.drain().filter(|output| matches!(output, Output::Send { .. }));
//! assert_eq!(sent.count(), 1, "the only peer gets it");
//! ```
//!
//! # The ladder
//!
//! Each rung is a module of its own under `rung/`, and the strategies under `strategy/` compose
//! them: `eager` push on a tree or to random peers, `ack` with direct fallback, `rounds` of random
//! gossip, and anti-entropy by `digest`.
//!
//! # What this crate never does
//!
//! It has no clock, no I/O, no threads, no randomness of the system's and no logging; `no_std`
//! lets the compiler prove most of that. The same seed and the same inputs give the same outputs,
//! bit for bit: the one hash table has a seed of its own and is never iterated.

#![no_std]

extern crate alloc;

mod config;
mod digest;
mod id;
mod interface;
mod learned;
mod link;
mod mechanism;
mod members;
mod membership;
mod message;
mod node;
mod overlay;
mod payload;
mod received;
mod relay;
mod rng;
mod rung;
mod state;
mod stats;
mod store;
mod strategy;
mod streams;
mod time;

pub use config::{Config, OverlayKind, Strategy};
pub use digest::{SetDigest, StreamDigest, Summary};
pub use id::{MessageId, NodeId, RumorId};
pub use interface::{Input, Outbox, Output};
pub use mechanism::{Mechanism, Mechanisms, UnknownMechanism};
pub use members::Members;
pub use message::{Acked, Beacon, LinkPush, Message, Push, Rumor, Turn, ViewMessage};
pub use node::Node;
pub use overlay::{TREE_CHILDREN_MAX, Topology};
pub use payload::{Payload, Refusal};
pub use stats::{Awaited, Stats};
pub use store::{Delivery, Via};
pub use time::Instant;

/// The version of the dialect that this crate speaks, as it is announced to peers.
pub const DIALECT: u32 = 1;
