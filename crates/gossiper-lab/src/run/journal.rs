//! `net.jsonl`, and what is counted of the messages besides.

use std::fmt;
use std::io::{self, Write};

use gossiper_core::Instant;

use super::message::{Kinds, Message};
use crate::network::{Address, DropReason, Envelope};

/// Longest body that is written down, in bytes.
const BODY_BYTES_MAX: usize = 1024;

/// Bytes of the file, beyond which nothing more is written.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// Messages and bytes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Volume {
    pub(super) messages: u64,
    pub(super) bytes: u64,
}

impl Volume {
    fn add(&mut self, bytes: usize) {
        self.messages += 1;
        self.bytes += bytes as u64;
    }
}

/// What became of a message.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fate {
    Delivered(Instant),
    Dropped(Instant, DropReason),
    /// Under way when the run ended.
    Open,
}

/// Writes a line for each message when its fate is known.
pub(super) struct Journal {
    /// The nodes' names, which need no escaping in JSON.
    nodes: Vec<String>,
    out: Box<dyn Write + Send>,
    /// The first error; after it nothing more is written.
    error: Option<io::Error>,
    line: Vec<u8>,
    written: u64,
    pub(super) servers: Volume,
    pub(super) clients: Volume,
    /// Between nodes, by type.
    pub(super) kinds: Vec<Volume>,
    /// Between nodes, by sender, and by receiver once delivered.
    pub(super) sent: Vec<Volume>,
    pub(super) received: Vec<Volume>,
    /// By receiver, in the order of [`DropReason::ALL`].
    pub(super) dropped: Vec<[u64; DropReason::ALL.len()]>,
}

impl Journal {
    pub(super) fn new(nodes: Vec<String>, out: Box<dyn Write + Send>) -> Self {
        let count = nodes.len();
        Self {
            nodes,
            out,
            error: None,
            line: Vec::new(),
            written: 0,
            servers: Volume::default(),
            clients: Volume::default(),
            kinds: Vec::new(),
            sent: vec![Volume::default(); count],
            received: vec![Volume::default(); count],
            dropped: vec![[0; DropReason::ALL.len()]; count],
        }
    }

    /// Counts a message that is sent.
    pub(super) fn on_sent(&mut self, from: Address, to: Address, message: &Message) {
        let bytes = message.line.len();
        let (Address::Node(from), Address::Node(_)) = (from, to) else {
            self.clients.add(bytes);
            return;
        };
        self.servers.add(bytes);
        self.sent[from].add(bytes);
        let kind = usize::from(message.kind.0);
        if self.kinds.len() <= kind {
            self.kinds.resize(kind + 1, Volume::default());
        }
        self.kinds[kind].add(bytes);
    }

    /// Counts and writes down what became of a message. `start` is when the main phase began, or
    /// begins at the earliest.
    pub(super) fn on_fate(
        &mut self,
        envelope: &Envelope<Message>,
        fate: Fate,
        start: Instant,
        kinds: &Kinds,
    ) {
        if let (Address::Node(_), Address::Node(to)) = (envelope.from, envelope.to) {
            match fate {
                Fate::Delivered(_) => self.received[to].add(envelope.payload.line.len()),
                Fate::Dropped(_, reason) => self.dropped[to][reason as usize] += 1,
                Fate::Open => {}
            }
        }
        if self.error.is_some() || self.is_full() {
            return;
        }
        self.line.clear();
        let written = write_line(&mut self.line, envelope, &self.nodes, fate, start, kinds);
        self.written += self.line.len() as u64;
        self.error = written.and_then(|()| self.out.write_all(&self.line)).err();
    }

    /// Whether the file has become as long as it may.
    pub(super) fn is_full(&self) -> bool {
        self.written > FILE_BYTES_MAX
    }

    /// Writes what is held back; gives the first error there was.
    pub(super) fn finish(&mut self) -> Option<io::Error> {
        self.error.take().or_else(|| self.out.flush().err())
    }
}

fn write_line(
    line: &mut Vec<u8>,
    envelope: &Envelope<Message>,
    nodes: &[String],
    fate: Fate,
    start: Instant,
    kinds: &Kinds,
) -> io::Result<()> {
    let Envelope { id, from, to, sent, is_copy, payload, .. } = envelope;
    let (src, dest, sent_ms) = (Name(*from, nodes), Name(*to, nodes), Ms(*sent, start));
    write!(line, r#"{{"id":{id},"src":"{src}","dest":"{dest}","sent_ms":{sent_ms}"#)?;
    let fate = match fate {
        Fate::Delivered(at) => {
            write!(line, r#","ended_ms":{}"#, Ms(at, start))?;
            "delivered"
        }
        Fate::Dropped(at, reason) => {
            write!(line, r#","ended_ms":{}"#, Ms(at, start))?;
            match reason {
                DropReason::Cut => "cut",
                DropReason::Loss => "loss",
                DropReason::Down => "down",
                DropReason::Overflow => "overflow",
            }
        }
        Fate::Open => "open",
    };
    line.extend_from_slice(br#","type":"#);
    serde_json::to_writer(&mut *line, kinds.name(payload.kind))?;
    write!(line, r#","bytes":{},"fate":"{fate}""#, payload.line.len())?;
    if *is_copy {
        line.extend_from_slice(br#","copy":true"#);
    }
    if payload.body.len() <= BODY_BYTES_MAX {
        line.extend_from_slice(br#","body":"#);
        line.extend_from_slice(&payload.line[payload.body.clone()]);
    }
    line.extend_from_slice(b"}\n");
    Ok(())
}

/// A node's or client's name.
struct Name<'a>(Address, &'a [String]);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Address::Node(node) => f.write_str(&self.1[node]),
            Address::Client(client) => write!(f, "c{client}"),
        }
    }
}

/// A moment in ms since a start, which may be later.
struct Ms(Instant, Instant);

impl fmt::Display for Ms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at, start) = (self.0.0, self.1.0);
        let sign = if at < start { "-" } else { "" };
        let us = at.abs_diff(start) / 1000;
        write!(f, "{sign}{}.{:03}", us / 1000, us % 1000)
    }
}
