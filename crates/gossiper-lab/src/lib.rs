//! The lab: what puts a broadcast node to the test.
//!
//! [`check`] plays written transcripts to a node program, any node program, over its stdin and
//! stdout and says where its answers differ from the written ones.
//!
//! The other modules are the parts of a simulated run. They know neither what the nodes are,
//! processes or values in memory, nor the time of day: whoever runs the nodes says what happened
//! and when. [`topology`] says who is whose neighbor and [`load`] what clients ask; [`network`]
//! carries messages under latency and drops; [`fault`] plans what goes wrong and when; [`history`]
//! records what clients did and [`verdict`] judges it as Maelstrom would; [`propagation`] tells how
//! fast values spread, and how fast they could have; [`figures`] are the numbers of the results.
//!
//! The lab talks to a node as its neighbors do, in messages; it must never reach into the core.

mod bag;
pub mod challenge;
pub mod check;
pub mod fault;
pub mod figures;
pub mod history;
pub mod load;
pub mod network;
pub mod process;
pub mod propagation;
pub mod run;
pub mod seed;
mod text;
pub mod topology;
pub mod verdict;
