//! Bytes on one side, typed messages on the other: Maelstrom's protocol, one JSON object a line.
//!
//! Reading has two stages, because they fail differently. [`Envelope::decode`] walks the whole
//! line once; where it fails there is nobody to answer ([`LineError`]). [`Envelope::body`] then
//! gives the few fields that the protocol knows their types; where that fails the sender is told
//! so ([`BodyError`]). Writing is one call, [`encode`], exact to the byte.
//!
//! ```
//! use gossiper_wire::{Body, Envelope, encode};
//!
//! let line = br#"{"src":"c1","dest":"n1","body":{"type":"broadcast","msg_id":2,"message":1.0}}"#;
//! let envelope = Envelope::decode(line).unwrap();
//! let Ok(Body::Broadcast { message, .. }) = envelope.body() else { panic!() };
//! assert_eq!(message.text(), "1.0");
//!
//! let mut out = Vec::new();
//! encode(&mut out, "n1", "c1", &Body::BroadcastOk, envelope.msg_id, Some(1), None);
//! assert_eq!(
//!     out,
//!     b"{\"src\": \"n1\", \"dest\": \"c1\", \"body\": \
//!       {\"type\": \"broadcast_ok\", \"in_reply_to\": 2, \"msg_id\": 1}}\n"
//! );
//! ```
//!
//! # What holds
//!
//! - A value that the application sent is never turned into anything else: it is carried as the
//!   text that it came in ([`Value`], [`List`]), and compared by its canonical text.
//! - Messages borrow from the line. A plain broadcast or read allocates nothing; what the
//!   protocol does not know costs no memory, however large it is.
//! - No input panics, recurses without a bound, or makes room for more than its own length asks.
//!
//! # What it must never do
//!
//! Decide anything about the protocol: who is a peer, what an answer is, whether `nodes` and
//! `rounds` make sense together. It checks that a field is what its name promises, no more.
//!
//! # How it reads and writes
//!
//! `serde_json` reads; what is not needed as a number or a name stays the text that it was
//! (`RawValue`). The writer is by hand: it prints keys in a fixed order with Python's spacing, and
//! a list of all values known by copying it, which a serializer would go over again.

mod body;
mod canonical;
mod decode;
mod dialect;
mod encode;
mod envelope;
mod error;
mod field;
mod float;
mod json;
mod list;
mod typed;
mod value;
mod writer;

pub use body::{Body, Via};
pub use dialect::{Acked, Beacon, Held, Rumor, RumorId, Stream, Turn, View};
pub use encode::encode;
pub use envelope::{Envelope, LINE_BYTES_MAX};
pub use error::{BodyError, LineError, ValueError};
pub use float::Quotient;
pub use list::{Items, List};
pub use value::{VALUE_DEPTH_MAX, Value};
