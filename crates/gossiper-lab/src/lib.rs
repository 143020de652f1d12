//! The lab: what puts a broadcast node to the test.
//!
//! [`check`] plays written transcripts to a node program, any node program, over its stdin and
//! stdout and says where its answers differ from the written ones.
//!
//! [`run`] is a cluster under load and faults, as a state machine, and [`process`] the host that
//! plays it with child processes in real time, or [`in_memory`] with nodes in memory in virtual
//! time. A run knows neither what its nodes are nor the time of day, and nor do its parts.
//! [`topology`] says who is whose neighbor and [`load`] what clients ask; [`network`] carries
//! messages under latency and drops; [`fault`] plans what goes wrong and when; [`history`] records
//! what clients did and [`verdict`] judges it as Maelstrom would; [`propagation`] tells how fast
//! values spread, and how fast they could have; [`figures`] are the numbers of the results, which
//! [`challenge`] holds against published limits; and [`report`] shows a run as one page.
//!
//! [`simulation`] is the other host: whole clusters of the core's own nodes, in virtual time.
//! [`swarm`] puts such clusters through faults drawn from seeds, and looks at every step.
//!
//! The lab talks to a node as its neighbors do, in messages; it must never reach into the core.

mod bag;
pub mod challenge;
pub mod check;
pub mod fault;
pub mod figures;
pub mod history;
pub mod in_memory;
pub mod load;
pub mod network;
pub mod process;
pub mod propagation;
pub mod report;
pub mod run;
pub mod seed;
pub mod simulation;
pub mod swarm;
mod text;
mod threads;
pub mod topology;
pub mod verdict;
