//! The whole dialogue of one node, from its first line to its last.

use std::borrow::Cow;
use std::fmt;

use gossiper_core::{Config, Instant};
use gossiper_wire::{Body, Envelope, LineError, encode};
use log::{debug, warn};

use crate::running::Running;

/// What a node is started with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How the node behaves.
    pub config: Config,
    /// Settles every random choice.
    pub seed: u64,
    /// Another number for each start of this node; a larger one is a later start.
    pub incarnation: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { config: Config::default(), seed: 0, incarnation: 1 }
    }
}

/// What has become of the lines read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LineCounts {
    /// Lines read, with those below.
    pub read: u64,
    /// Lines that were not JSON, not an envelope, or too long. Each is logged with its number.
    pub rejected: u64,
}

/// A node as its input and output see it.
///
/// What it reads never ends it: a line that makes no sense is logged and counted, a request that
/// makes none is answered with an error.
#[derive(Debug)]
pub struct Session {
    settings: Settings,
    lines: LineCounts,
    running: Option<Running>,
}

impl Session {
    /// A node that waits for its `init`.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings, lines: LineCounts::default(), running: None }
    }

    /// A line has come in, without its line feed. What the node says to it is appended to `out`.
    ///
    /// # Panics
    ///
    /// If `now` is earlier than it was.
    pub fn on_line(&mut self, now: Instant, line: &[u8], out: &mut Vec<u8>) {
        self.lines.read += 1;
        match Envelope::decode(line) {
            Ok(envelope) => self.on_envelope(now, &envelope, out),
            Err(error) => self.reject(&error),
        }
    }

    /// A line was longer than [`LINE_BYTES_MAX`](gossiper_wire::LINE_BYTES_MAX), and was thrown
    /// away unread.
    pub fn on_oversized_line(&mut self) {
        self.lines.read += 1;
        self.reject(&LineError::TooLong);
    }

    /// The moment of [`next_wakeup`](Self::next_wakeup) has come.
    ///
    /// # Panics
    ///
    /// If `now` is earlier than it was.
    pub fn on_wakeup(&mut self, now: Instant, out: &mut Vec<u8>) {
        if let Some(running) = &mut self.running {
            running.on_wakeup(now, out);
        }
    }

    /// Stdin has ended, or the host wants to write in between: some of what the node holds back is
    /// appended. Says whether there is more.
    ///
    /// # Panics
    ///
    /// If `now` is earlier than it was.
    pub fn flush(&mut self, now: Instant, out: &mut Vec<u8>) -> bool {
        self.running.as_mut().is_some_and(|running| running.flush(now, out))
    }

    /// What the node could not keep up with, in words; `None` if nothing.
    #[must_use]
    pub fn losses(&self) -> Option<String> {
        self.running.as_ref().and_then(Running::losses)
    }

    /// When the node wants to be woken next.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Instant> {
        self.running.as_ref().and_then(Running::next_wakeup)
    }

    /// What has become of the lines read.
    #[must_use]
    pub fn line_counts(&self) -> LineCounts {
        self.lines
    }

    fn reject(&mut self, why: &dyn fmt::Display) {
        self.lines.rejected += 1;
        warn!("input line {} is skipped: {why}", self.lines.read);
    }

    fn on_envelope(&mut self, now: Instant, envelope: &Envelope<'_>, out: &mut Vec<u8>) {
        if let Some(running) = &mut self.running {
            running.on_envelope(now, envelope, out);
            return;
        }
        let refusal = match envelope.kind() {
            Some("init") => match envelope.body() {
                Ok(Body::Init { node_id, node_ids }) => {
                    let running = Running::start(&self.settings, now, &node_id, &node_ids);
                    self.running.insert(running).on_envelope(now, envelope, out);
                    return;
                }
                Ok(_) => unreachable!("a body has the type of its envelope"),
                Err(error) => Body::Error { code: error.code(), text: error.to_string().into() },
            },
            kind => Body::Error {
                code: 11,
                text: Cow::Owned(format!(
                    "{} came before init: send init first, then try again",
                    kind.unwrap_or("a message without a type")
                )),
            },
        };
        debug!("input line {} is refused: init has not come", self.lines.read);
        if envelope.in_reply_to.is_none() && envelope.msg_id.is_some() {
            // The node has no name yet and no numbers to give.
            encode(out, &envelope.dest, &envelope.src, &refusal, envelope.msg_id, None, None);
        }
    }
}
