//! The lines that nodes and clients exchange.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::load::Ask;

/// Different types of messages that are told apart; a node that invents more has the rest counted
/// together.
const KINDS_MAX: usize = 1000;

/// Longest name of a type that is kept, in bytes.
const KIND_BYTES_MAX: usize = 100;

/// A type of messages, by its number in [`Kinds`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Kind(pub(super) u16);

/// The types of messages met in a run.
#[derive(Debug, Default)]
pub(super) struct Kinds {
    names: Vec<String>,
    numbers: HashMap<String, Kind>,
}

impl Kinds {
    /// The number of a type.
    pub(super) fn of(&mut self, name: &str) -> Kind {
        let mut end = KIND_BYTES_MAX.min(name.len());
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        let name = &name[..end];
        if let Some(&kind) = self.numbers.get(name) {
            return kind;
        }
        let is_full = self.names.len() == KINDS_MAX;
        if is_full {
            return Kind(KINDS_MAX as u16);
        }
        let kind = Kind(self.names.len() as u16);
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), kind);
        kind
    }

    /// The name of a type.
    pub(super) fn name(&self, kind: Kind) -> &str {
        self.names.get(usize::from(kind.0)).map_or("(other)", String::as_str)
    }
}

/// A message under way.
#[derive(Clone, Debug)]
pub(super) struct Message {
    /// The line as it was printed, without its end.
    pub(super) line: Arc<[u8]>,
    /// Where in the line the body is.
    pub(super) body: Range<usize>,
    pub(super) kind: Kind,
    /// The value that a client asks to broadcast.
    pub(super) broadcast: Option<u32>,
}

/// What the lab reads of a line that a node printed.
#[derive(Debug)]
pub(super) struct Parsed<'a> {
    pub(super) src: Cow<'a, str>,
    pub(super) dest: Cow<'a, str>,
    pub(super) kind: Cow<'a, str>,
    pub(super) in_reply_to: Option<u64>,
    pub(super) body: &'a str,
    /// Where the body begins in the line.
    pub(super) body_start: usize,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    src: Cow<'a, str>,
    #[serde(borrow)]
    dest: Cow<'a, str>,
    #[serde(borrow)]
    body: &'a RawValue,
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    in_reply_to: Option<u64>,
}

impl<'a> Parsed<'a> {
    /// Reads a line; nothing if it is no message: an object with `src`, `dest` and a `body` with
    /// a `type`.
    pub(super) fn of(line: &'a [u8]) -> Option<Self> {
        let Line { src, dest, body } = serde_json::from_slice(line).ok()?;
        let body = body.get();
        let head: Head<'_> = serde_json::from_str(body).ok()?;
        // The body borrows from the line, so it lies within.
        let body_start = (body.as_ptr() as usize).checked_sub(line.as_ptr() as usize)?;
        let Head { r#type: kind, in_reply_to } = head;
        Some(Self { src, dest, kind, in_reply_to, body, body_start })
    }
}

/// An `error`'s body.
#[derive(Deserialize)]
struct ErrorBody {
    code: Option<i64>,
}

/// Whether an `error` says for certain that the request had no effect. Maelstrom's errors are so
/// but for 0 (time-out) and 13 (crash); of codes that it does not define nothing is known.
pub(super) fn is_definite_error(body: &str) -> bool {
    let code = serde_json::from_str::<ErrorBody>(body).ok().and_then(|error| error.code);
    matches!(code, Some(1 | 10 | 11 | 12 | 14 | 20 | 21 | 22 | 30))
}

/// The values of a `read_ok`, or what is wrong with it.
pub(super) fn read_values(body: &str) -> Result<Vec<i64>, String> {
    #[derive(Deserialize)]
    struct Read {
        messages: Vec<i64>,
    }
    #[derive(Deserialize)]
    struct Any {
        messages: Option<serde_json::Value>,
    }
    if let Ok(read) = serde_json::from_str::<Read>(body) {
        return Ok(read.messages);
    }
    // Read again for the cause: this is the rare way.
    let any = serde_json::from_str::<Any>(body).map_err(|error| format!("read_ok: {error}"))?;
    Err(match any.messages {
        None => "read_ok has no `messages`".into(),
        Some(serde_json::Value::Array(list)) => {
            let odd = list.iter().find(|value| value.as_i64().is_none());
            let odd = odd.map_or(String::new(), |value| format!(": {value}"));
            format!("the `messages` of read_ok hold what was never broadcast{odd}")
        }
        Some(_) => "the `messages` of read_ok are not a list".into(),
    })
}

/// Whether an `echo_ok` gives the text back.
pub(super) fn is_echo_of(body: &str, text: &str) -> bool {
    #[derive(Deserialize)]
    struct Echo<'a> {
        #[serde(borrow)]
        echo: Cow<'a, str>,
    }
    serde_json::from_str::<Echo<'_>>(body).is_ok_and(|body| body.echo == text)
}

/// The text that an echo operation asks to be given back.
pub(super) fn echo_text(number: u32) -> String {
    format!("Please echo {number}")
}

/// A request's body, without the braces and `msg_id`, and its type.
pub(super) fn request_of(ask: Ask) -> (&'static str, String) {
    match ask {
        Ask::Broadcast(value) => ("broadcast", format!(r#""message":{value}"#)),
        Ask::Read => ("read", String::new()),
        Ask::Echo(number) => ("echo", format!(r#""echo":"{}""#, echo_text(number))),
    }
}

/// A client's request as a line, and where in it the body is. `fields` are the body's own, as
/// JSON; names are written as they are and must need no escaping.
pub(super) fn request(
    src: &str,
    dest: &str,
    kind: &str,
    fields: &str,
    msg_id: u64,
) -> (Arc<[u8]>, Range<usize>) {
    let comma = if fields.is_empty() { "" } else { "," };
    let body = format!(r#"{{"type":"{kind}",{fields}{comma}"msg_id":{msg_id}}}"#);
    let head = format!(r#"{{"src":"{src}","dest":"{dest}","body":"#);
    let range = head.len()..head.len() + body.len();
    (format!("{head}{body}}}").into_bytes().into(), range)
}

/// The integers that stand in a line by themselves, save those that are numbers of messages.
///
/// A message's encoding is the nodes' own affair; an integer in it may be a value that it brings.
pub(super) fn integers(line: &[u8]) -> impl Iterator<Item = i64> {
    let mut rest = 0;
    std::iter::from_fn(move || {
        while rest < line.len() {
            let start = rest + line[rest..].iter().position(u8::is_ascii_digit)?;
            let length = line[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            let end = start + length;
            rest = end;
            let is_minus = start.checked_sub(1).is_some_and(|before| line[before] == b'-');
            let first = start - usize::from(is_minus);
            let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_';
            let before = first.checked_sub(1).map(|place| line[place]);
            let after = line.get(end).copied();
            if before.is_some_and(is_part) || after.is_some_and(is_part) {
                continue;
            }
            let before = line[..first].trim_ascii_end();
            let key = before.strip_suffix(b":").map(<[u8]>::trim_ascii_end);
            if key.is_some_and(|key| {
                key.ends_with(br#""msg_id""#) || key.ends_with(br#""in_reply_to""#)
            }) {
                continue;
            }
            let digits = str::from_utf8(&line[first..end]).ok().and_then(|text| text.parse().ok());
            if let Some(integer) = digits {
                return Some(integer);
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_with_its_unknown_fields_and_its_body_found() {
        let line = br#" {"id":3,"src":"n1","dest":"c2", "body": {"type":"read_ok","in_reply_to":7,"x":[1]}} "#;
        let parsed = Parsed::of(line).unwrap();
        assert_eq!((&*parsed.src, &*parsed.dest, &*parsed.kind), ("n1", "c2", "read_ok"));
        assert_eq!(parsed.in_reply_to, Some(7));
        assert_eq!(&line[parsed.body_start..][..parsed.body.len()], parsed.body.as_bytes());
    }

    #[test]
    fn what_is_no_message_is_not_read() {
        for line in [
            "",
            "prose",
            "7",
            r#"{"src":"n1","dest":"n2"}"#,
            r#"{"src":"n1","dest":"n2","body":{}}"#,
            r#"{"src":"n1","dest":"n2","body":7}"#,
            r#"{"src":"n1","dest":2,"body":{"type":"x"}}"#,
            r#"{"src":"n1","dest":"n2","body":{"type":"x","in_reply_to":"y"}}"#,
            r#"{"src":"n1","dest":"n2","body":{"type":"x"}} trailing"#,
        ] {
            assert!(Parsed::of(line.as_bytes()).is_none(), "{line}");
        }
    }

    #[test]
    fn only_integers_by_themselves_are_found_and_no_message_numbers() {
        let line = br#"{"src":"n1","dest":"n22","body":{"msg_id": 9,"in_reply_to":8,"message":17,"a":[-3,4.5,"x6","7",1e5,99999999999999999999]}}"#;
        assert_eq!(integers(line).collect::<Vec<_>>(), [17, -3, 7]);
    }

    #[test]
    fn a_request_is_a_message_and_its_body_is_where_it_says() {
        let (line, body) = request("c1", "n0", "broadcast", r#""message":5"#, 3);
        let parsed = Parsed::of(&line).unwrap();
        assert_eq!(parsed.body.as_bytes(), &line[body]);
        assert_eq!(parsed.body, r#"{"type":"broadcast","message":5,"msg_id":3}"#);
        assert_eq!(
            &*request("c1", "n0", "read", "", 3).0,
            br#"{"src":"c1","dest":"n0","body":{"type":"read","msg_id":3}}"#.as_slice()
        );
    }

    #[test]
    fn a_read_that_cannot_be_used_says_why() {
        assert_eq!(read_values(r#"{"type":"read_ok","messages":[3,-1]}"#), Ok(vec![3, -1]));
        for (body, cause) in [
            (r#"{"type":"read_ok"}"#, "has no `messages`"),
            (r#"{"type":"read_ok","messages":{}}"#, "not a list"),
            (r#"{"type":"read_ok","messages":[1,"two"]}"#, r#": "two""#),
        ] {
            assert!(read_values(body).unwrap_err().contains(cause), "{body}");
        }
    }

    #[test]
    fn types_beyond_the_bound_are_counted_together() {
        let mut kinds = Kinds::default();
        let first = kinds.of("a");
        for number in 0..2 * KINDS_MAX {
            kinds.of(&format!("t{number}"));
        }
        assert_eq!((kinds.of("a"), kinds.name(first)), (first, "a"));
        let other = kinds.of("z");
        assert_eq!(kinds.name(other), "(other)");
    }
}
