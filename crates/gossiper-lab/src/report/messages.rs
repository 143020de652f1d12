//! `net.jsonl`: a line of it, and how many messages there were when.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::ReportError;
use super::folder::Lines;
use super::results::Results;
use super::thin::{BINS_MAX, width_ms};

/// Types that have a color of their own; the others are shown as one.
const TYPES_MAX: usize = 7;

/// Characters of a type's name in the page.
const NAME_CHARS_MAX: usize = 80;

/// The name of all types that have none of their own in the page.
pub(super) const OTHER_TYPES: &str = "other types";

/// Bins in which messages are counted to choose what the diagram shows.
const FINE_BINS: usize = 1 << 16;

/// A message.
#[derive(Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    src: Cow<'a, str>,
    #[serde(borrow)]
    dest: Cow<'a, str>,
    pub(super) sent_ms: f64,
    pub(super) ended_ms: Option<f64>,
    #[serde(borrow)]
    pub(super) r#type: Cow<'a, str>,
    pub(super) bytes: u64,
    pub(super) fate: MessageFate,
    #[serde(default)]
    pub(super) copy: bool,
    #[serde(borrow)]
    pub(super) body: Option<&'a RawValue>,
}

/// A type's name as the page has it: nodes may choose any length.
pub(super) fn cut_name(name: &str) -> String {
    name.chars().take(NAME_CHARS_MAX).collect()
}

/// What became of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum MessageFate {
    Delivered,
    Cut,
    Loss,
    Down,
    Overflow,
    Open,
}

/// The places of nodes by their names.
pub(super) struct Places<'a>(HashMap<&'a str, u32>);

impl<'a> Places<'a> {
    pub(super) fn of(names: &'a [String]) -> Self {
        Self(names.iter().map(String::as_str).zip(0..).collect())
    }

    /// Sender and receiver of a message between nodes; nothing if one of them is a client.
    pub(super) fn ends(&self, message: &Message<'_>) -> Option<(u32, u32)> {
        Some((*self.0.get(&*message.src)?, *self.0.get(&*message.dest)?))
    }

    /// The node of a message between a client and a node, and whether it answers; nothing if both
    /// are nodes or none is.
    pub(super) fn with_client(&self, message: &Message<'_>) -> Option<(u32, bool)> {
        match (self.0.get(&*message.src), self.0.get(&*message.dest)) {
            (Some(node), None) => Some((*node, true)),
            (None, Some(node)) => Some((*node, false)),
            _ => None,
        }
    }
}

/// Messages over time.
#[derive(Serialize)]
pub(super) struct Traffic {
    width_ms: f64,
    /// The types shown by name, most frequent first.
    types: Vec<String>,
    /// Of each of `types`, and last of all others together: messages sent in each bin.
    sent: Vec<Vec<u32>>,
    /// Messages that did not arrive, in each bin.
    dropped: Vec<u32>,
    /// Messages sent before the run's first moment; they are in no bin.
    before: u64,
    total: u64,
    /// Messages between clients and nodes.
    clients: u64,
    #[serde(skip)]
    pub(super) fine: Fine,
}

/// Messages between nodes in short bins, to choose from.
pub(super) struct Fine {
    pub(super) width_ms: f64,
    pub(super) counts: Vec<u32>,
}

impl Fine {
    /// The bin of a moment; moments before the first and after the last are in these.
    pub(super) fn bin(&self, at_ms: f64) -> usize {
        ((at_ms.max(0.0) / self.width_ms) as usize).min(self.counts.len() - 1)
    }
}

impl Traffic {
    /// Counts the messages between nodes of the file, which may be absent.
    pub(super) fn read(
        path: &Path,
        results: &Results,
        span_ms: f64,
    ) -> Result<Option<Self>, ReportError> {
        let Some(mut lines) = Lines::open(path.to_owned())? else {
            return Ok(None);
        };
        let places = Places::of(&results.plan.nodes);
        let types = results.types.iter().take(TYPES_MAX).map(|one| one.r#type.clone());
        let mut traffic = Self::empty(types.collect(), span_ms);
        while let Some(message) = lines.next::<Message<'_>>()? {
            if places.ends(&message).is_some() {
                traffic.count(&message);
            } else {
                traffic.clients += 1;
            }
        }
        traffic.types.iter_mut().for_each(|name| *name = cut_name(name));
        Ok(Some(traffic))
    }

    /// Messages between nodes.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    fn empty(types: Vec<String>, span_ms: f64) -> Self {
        let width_ms = width_ms(span_ms, BINS_MAX);
        let bins = (span_ms / width_ms).ceil().max(1.0) as usize;
        Self {
            width_ms,
            sent: vec![vec![0; bins]; types.len() + 1],
            types,
            dropped: vec![0; bins],
            before: 0,
            total: 0,
            clients: 0,
            fine: Fine {
                width_ms: (span_ms / FINE_BINS as f64).max(0.001),
                counts: vec![0; FINE_BINS],
            },
        }
    }

    fn count(&mut self, message: &Message<'_>) {
        self.total += 1;
        let fine = self.fine.bin(message.sent_ms);
        self.fine.counts[fine] = self.fine.counts[fine].saturating_add(1);
        if message.sent_ms < 0.0 {
            self.before += 1;
            return;
        }
        let bin = ((message.sent_ms / self.width_ms) as usize).min(self.dropped.len() - 1);
        let of_type = self.types.iter().position(|name| *name == message.r#type);
        let sent = &mut self.sent[of_type.unwrap_or(self.types.len())][bin];
        *sent = sent.saturating_add(1);
        if !matches!(message.fate, MessageFate::Delivered | MessageFate::Open) {
            self.dropped[bin] = self.dropped[bin].saturating_add(1);
        }
    }
}
