//! The messages that the diagram shows.

use std::collections::HashMap;
use std::path::Path;

use serde::Serialize;

use super::ReportError;
use super::clients::ClientMarks;
use super::folder::Lines;
use super::messages::{Message, MessageFate, OTHER_TYPES, Places, cut_name};
use super::windows::Selection;

/// Messages in the page.
pub(super) const MESSAGES_MAX: usize = 20_000;

/// Bytes of bodies in the page, equal ones counted once. With all else the page stays below 6 MB.
const BODY_BYTES_MAX: usize = 2_500_000;

/// Types that are told apart.
const TYPES_MAX: usize = 255;

/// Messages, in columns and in the order of their file.
#[derive(Serialize, Default)]
pub(super) struct Sample {
    /// Messages in the stretches that are shown; those beyond [`MESSAGES_MAX`] are not here.
    in_stretches: u64,
    sent_us: Vec<i64>,
    /// How long it took until the message's fate was known; nothing if it was still open.
    took_us: Vec<Option<i64>>,
    src: Vec<u32>,
    dest: Vec<u32>,
    /// Places in `types`.
    r#type: Vec<u32>,
    bytes: Vec<u64>,
    /// As [`MessageFate`] has them, from 0.
    fate: Vec<u8>,
    /// The messages that the network made, by their places here.
    copies: Vec<u32>,
    /// Places in `bodies`; nothing where there was none, or no room.
    body: Vec<Option<u32>>,
    types: Vec<String>,
    bodies: Vec<String>,
    /// Bodies that are in the file and had no room here.
    bodies_left_out: u64,
    clients: ClientMarks,
}

/// Texts, each once.
struct Interned(HashMap<Box<str>, u32>);

impl Sample {
    /// Reads the messages between nodes that were sent in the stretches of `selection`.
    pub(super) fn read(
        path: &Path,
        names: &[String],
        selection: &Selection,
        expected: u64,
    ) -> Result<Self, ReportError> {
        let mut sample = Self::default();
        let Some(mut lines) = Lines::open(path.to_owned())? else {
            return Ok(sample);
        };
        let places = Places::of(names);
        let mut types = Interned(HashMap::new());
        let mut bodies = Interned(HashMap::new());
        let mut budget = Budget { used: 0, expected: expected.min(MESSAGES_MAX as u64).max(1) };
        while let Some(message) = lines.next::<Message<'_>>()? {
            if !selection.is_shown(message.sent_ms) {
                continue;
            }
            let Some((src, dest)) = places.ends(&message) else {
                sample.clients.add(&message, &places);
                continue;
            };
            sample.in_stretches += 1;
            if sample.sent_us.len() == MESSAGES_MAX {
                continue;
            }
            if message.copy {
                sample.copies.push(sample.sent_us.len() as u32);
            }
            let sent_us = microseconds(message.sent_ms);
            let took_us = match message.fate {
                MessageFate::Open => None,
                _ => message.ended_ms.map(|ended_ms| microseconds(ended_ms) - sent_us),
            };
            let body = message.body.map(|body| body.get());
            let body = body.and_then(|body| {
                let place = bodies.place(body, |body| budget.has_room(body, sample.sent_us.len()));
                sample.bodies_left_out += u64::from(place.is_none());
                place
            });
            let has_room = types.0.len() < TYPES_MAX;
            let of_type = types.place(&cut_name(&message.r#type), |_| has_room);
            sample.r#type.extend(of_type.or_else(|| types.place(OTHER_TYPES, |_| true)));
            sample.sent_us.push(sent_us);
            sample.took_us.push(took_us);
            sample.src.push(src);
            sample.dest.push(dest);
            sample.bytes.push(message.bytes);
            sample.fate.push(message.fate as u8);
            sample.body.push(body);
        }
        sample.types = types.texts();
        sample.bodies = bodies.texts();
        Ok(sample)
    }
}

/// Room for bodies, given out evenly over the sample, so that its end has bodies too.
struct Budget {
    used: usize,
    expected: u64,
}

impl Budget {
    fn has_room(&mut self, body: &str, messages_before: usize) -> bool {
        let share = (messages_before + 1) as f64 / self.expected as f64;
        let room = (BODY_BYTES_MAX as f64 * share.min(1.0)) as usize;
        let bytes = bytes_in_page(body);
        let has_room = self.used + bytes <= room;
        if has_room {
            self.used += bytes;
        }
        has_room
    }
}

/// The bytes that a text takes in the page, where quotes, backslashes and `<` are escaped.
fn bytes_in_page(text: &str) -> usize {
    let bytes = |byte| match byte {
        b'<' => 6,
        b'"' | b'\\' => 2,
        _ => 1,
    };
    text.bytes().map(bytes).sum()
}

impl Interned {
    /// The place of a text, which is taken in if `has_room` says so.
    fn place(&mut self, text: &str, has_room: impl FnOnce(&str) -> bool) -> Option<u32> {
        if let Some(place) = self.0.get(text) {
            return Some(*place);
        }
        has_room(text).then(|| {
            let place = self.0.len() as u32;
            self.0.insert(text.into(), place);
            place
        })
    }

    /// The texts by their places.
    fn texts(self) -> Vec<String> {
        let mut texts: Vec<_> = self.0.into_iter().collect();
        texts.sort_unstable_by_key(|(_, place)| *place);
        texts.into_iter().map(|(text, _)| text.into()).collect()
    }
}

fn microseconds(ms: f64) -> i64 {
    (ms * 1000.0).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_taken_in_once() {
        let mut texts = Interned(HashMap::new());
        assert_eq!(texts.place("a", |_| true), Some(0));
        assert_eq!(texts.place("b", |_| false), None);
        assert_eq!(texts.place("c", |_| true), Some(1));
        assert_eq!(texts.place("a", |_| false), Some(0));
        assert_eq!(texts.texts(), ["a", "c"]);
    }

    #[test]
    fn room_for_bodies_grows_with_the_messages() {
        let mut budget = Budget { used: 0, expected: 10 };
        let big = "x".repeat(BODY_BYTES_MAX / 2);
        assert!(!budget.has_room(&big, 0));
        assert!(budget.has_room(&big, 4));
        assert!(!budget.has_room(&big, 8));
        assert!(budget.has_room(&big, 50));
        assert!(!budget.has_room("x", 60));
    }
}
