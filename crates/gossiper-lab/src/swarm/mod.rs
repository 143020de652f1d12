//! Faults by the thousand: each seed is a cluster, its settings, a load and a plan of faults, and
//! what the nodes promise is looked at after every single step.
//!
//! [`Scenario::draw`] makes a scenario of a seed. Every kind of fault and every oddity is switched
//! on in some of the seeds only (swarm testing, Groce et al. 2012): a run with everything in it
//! hides what shows with little. [`play`] plays one, [`hunt`] many on all cores, and [`shrink`]
//! takes away from one that fails whatever it fails without.
//!
//! # What is looked at
//!
//! | [`Check`] | when |
//! | --- | --- |
//! | `invented`, `twice`, `forgotten`, `unacknowledged`, `counters`, `sums`, `awaited`, `outputs`, `address`, `numbers`, `views` | after each step |
//! | `storm` | when too much happens at one moment, or in the whole run |
//! | `panic` | always |
//! | `agreement` | from the calm on: when it must be reached is [`Scenario::agreement_ms_max`] |
//! | `idle`, `remainder` | after the agreement: [`Scenario::idle_messages_max`] |
//! | `symmetry` | at the end, of clusters in which nobody knows everybody |
//!
//! # A run
//!
//! Nodes start, values are broadcast, and faults come and go. Then comes the calm: whatever is
//! wrong ends, who is down starts, and nothing more is broadcast. From there on the promise runs,
//! unless a protocol that repairs nothing has met a fault that loses messages.
//!
//! # Faults beyond those of a plan
//!
//! [`Jolt`]s are what only a simulated node can be put through. A node that *crashes with its
//! memory* keeps its state as it was, while time goes on without it and every message is lost that
//! is under way to it or comes meanwhile: a process that saves its state with every step. A
//! *clock step* puts a node's own clock forward, for good. It never goes back, which the core may
//! rely on.
//!
//! # Machines
//!
//! What is played is a [`Machine`]: the core's node, or one around it that breaks what a check
//! looks at. The tests have such a one for each check, so that none of them looks away.

mod draw;
mod events;
mod file;
mod hunt;
mod ledger;
mod machine;
mod outcome;
mod partial;
mod scenario;
mod shrink;
#[cfg(test)]
mod tests;
mod world;

pub use self::hunt::{Hunt, OnDone, Tally, hunt};
pub use self::ledger::{Breach, Check};
pub use self::machine::{Birth, Core, Machine, Maker, core_node};
pub use self::outcome::{Outcome, Seen};
pub use self::scenario::{Broadcast, Jolt, Jolted, NODES_MAX, Scenario, ScenarioError};
pub use self::shrink::{Shrunk, shrink};
pub use self::world::play;
