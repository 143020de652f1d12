//! The lab: what puts a broadcast node to the test.
//!
//! [`check`] plays written transcripts to a node program, any node program, over its stdin and
//! stdout and says where its answers differ from the written ones.
//!
//! The lab talks to a node as its neighbors do, in messages; it must never reach into the core.

pub mod check;
