//! The lab: what puts a broadcast node to the test.
//!
//! [`check`] plays written transcripts to a node program, any node program, over its stdin and
//! stdout and says where its answers differ from the written ones.
//!
//! [`history`] records what clients did in a run and [`verdict`] judges it as Maelstrom would;
//! [`propagation`] tells how fast values spread, and how fast they could have; [`figures`] are
//! the numbers of the results. They know neither processes nor
//! clocks: whoever runs the nodes says what happened and when.
//!
//! The lab talks to a node as its neighbors do, in messages; it must never reach into the core.

mod bag;
pub mod check;
pub mod figures;
pub mod history;
pub mod propagation;
pub mod verdict;
