//! A gossiper node behind Maelstrom's protocol: lines in, lines out, no I/O.
//!
//! A [`Session`] is what stands between a core [`Node`](gossiper_core::Node) and its standard
//! input and output. It reads each line, answers clients, hands on to the core what peers say,
//! and writes down what the core wants sent. It is as deterministic as the core, so the same code
//! serves the process and a simulation of it.
//!
//! ```
//! use gossiper_maelstrom::{Instant, Session, Settings};
//!
//! let mut session = Session::new(Settings::default());
//! let mut out = Vec::new();
//! let init = br#"{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}}"#;
//! session.on_line(Instant::START, init, &mut out);
//! assert_eq!(
//!     out,
//!     b"{\"src\": \"n1\", \"dest\": \"c0\", \"body\": \
//!       {\"type\": \"init_ok\", \"in_reply_to\": 1, \"msg_id\": 0}}\n"
//! );
//! ```
//!
//! It must not know a clock, a thread or a file. It decides what a request means; how a value
//! spreads is the core's affair, and how a message is spelt the wire's.

mod names;
mod requests;
mod running;
mod session;
mod theory;
mod translate;

pub use gossiper_core::{Config, Instant, Mechanism, Mechanisms, Strategy};
pub use session::{LineCounts, Session, Settings};
pub use theory::{Epidemic, SimulationError, min_fanout, simulate};
