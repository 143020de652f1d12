//! The first stage of reading: who, to whom, and which fields there are.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use smallvec::SmallVec;

use crate::body::Body;
use crate::decode;
use crate::error::{BodyError, LineError, excerpt};
use crate::field::Field;
use crate::json::{self, CodePoints, describe};
use crate::typed::Typed;

/// The longest line that is read, without its line feed.
///
/// It bounds the memory that any input can claim, so it is generous: a `read_ok` of a million
/// integers fits. Whoever reads lines must stop buffering here.
pub const LINE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A line whose grammar is checked and whose sender is known. It borrows from the line.
#[derive(Debug, Clone)]
pub struct Envelope<'a> {
    /// Who sent it.
    pub src: Cow<'a, str>,
    /// Who it is for.
    pub dest: Cow<'a, str>,
    /// The sender's number for it; without one there is no answer.
    pub msg_id: Option<i64>,
    /// The number of what it answers; with one it is a reply.
    pub in_reply_to: Option<i64>,
    /// The version of the gossiper dialect that the sender speaks, from the field `gossiper`. What
    /// is no such number is ignored, as any field of another program would be.
    pub dialect: Option<u32>,
    kind: Option<Cow<'a, str>>,
    /// What stands under `type`, for the case that it is no string.
    kind_text: Option<&'a str>,
    own: OwnFields<'a>,
}

/// The texts of a body's own fields that the protocol knows. Of two equal keys the last counts, as
/// in Python, so there are never more than there are names.
type OwnFields<'a> = SmallVec<[(Field, &'a str); 4]>;

impl<'a> Envelope<'a> {
    /// Reads a line, with or without its line feed, in one pass.
    ///
    /// Allocates nothing unless `src`, `dest` or `type` hold a backslash, or the body has more
    /// than four known fields. Unknown keys are stepped over. Of two equal keys the last counts.
    ///
    /// # Errors
    ///
    /// See [`LineError`]: none of these can be answered.
    pub fn decode(line: &'a [u8]) -> Result<Envelope<'a>, LineError> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        if line.len() > LINE_BYTES_MAX {
            return Err(LineError::TooLong);
        }
        let text = std::str::from_utf8(line).map_err(|error| {
            LineError::NotJson(format!("expected UTF-8 at byte {}", error.valid_up_to() + 1))
        })?;
        if let Some(at) = text.find('\n') {
            // JSON takes it for white space, but a value that holds one would break a line.
            return Err(LineError::NotJson(format!("line feed at byte {}", at + 1)));
        }
        let Line { src, dest, body } =
            serde_json::from_str(text).map_err(|error| match error.is_data() {
                true => LineError::NotEnvelope(describe(&error)),
                false => LineError::NotJson(describe(&error)),
            })?;
        let body = body.ok_or_else(|| expected("`body`", "an object", None))?;
        Ok(Envelope {
            src: name("`src`", src)?,
            dest: name("`dest`", dest)?,
            msg_id: number("`msg_id`", body.msg_id)?,
            in_reply_to: number("`in_reply_to`", body.in_reply_to)?,
            dialect: body.dialect.and_then(u32::read),
            kind: body.kind.and_then(json::string),
            kind_text: body.kind,
            own: body.own,
        })
    }

    /// The body's `type`, if it has one that is a string.
    pub fn kind(&self) -> Option<&str> {
        self.kind.as_deref()
    }

    /// Gives the body's fields their types: the second stage.
    ///
    /// Allocates for lists of names, streams and rumors, for texts with a backslash, and for
    /// values that are arrays or objects. May be called again, at the same cost.
    ///
    /// # Errors
    ///
    /// See [`BodyError`]: the sender can be answered with these.
    pub fn body(&self) -> Result<Body<'a>, BodyError> {
        match &self.kind {
            Some(kind) => decode::body(kind, self),
            None => Err(BodyError::Malformed(mismatch("`type`", "a string", self.kind_text))),
        }
    }

    /// The text of one of the body's own fields.
    #[inline]
    pub(crate) fn field(&self, field: Field) -> Option<&'a str> {
        self.own.iter().find(|(own, _)| *own == field).map(|(_, text)| *text)
    }
}

/// A line as it is read, before anything is asked of it.
#[derive(Default)]
struct Line<'a> {
    src: Option<&'a str>,
    dest: Option<&'a str>,
    body: Option<Fields<'a>>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Line<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(LineVisitor(PhantomData))
    }
}

struct LineVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for LineVisitor<'a> {
    type Value = Line<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `src`, `dest` and `body`")
    }

    #[inline]
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Line<'a>, A::Error> {
        let mut line = Line::default();
        while let Some(CodePoints(key)) = map.next_key()? {
            match &*key {
                b"src" => line.src = Some(raw(&mut map)?),
                b"dest" => line.dest = Some(raw(&mut map)?),
                b"body" => line.body = Some(map.next_value()?),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(line)
    }
}

/// The texts of a body's fields.
#[derive(Default)]
struct Fields<'a> {
    kind: Option<&'a str>,
    msg_id: Option<&'a str>,
    in_reply_to: Option<&'a str>,
    dialect: Option<&'a str>,
    own: OwnFields<'a>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor(PhantomData))
    }
}

struct FieldsVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for FieldsVisitor<'a> {
    type Value = Fields<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object as `body`")
    }

    #[inline]
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'a>, A::Error> {
        let mut fields = Fields::default();
        while let Some(CodePoints(key)) = map.next_key()? {
            match &*key {
                b"type" => fields.kind = Some(raw(&mut map)?),
                b"msg_id" => fields.msg_id = Some(raw(&mut map)?),
                b"in_reply_to" => fields.in_reply_to = Some(raw(&mut map)?),
                b"gossiper" => fields.dialect = Some(raw(&mut map)?),
                name => match Field::from_name(name) {
                    Some(field) => keep(&mut fields.own, field, raw(&mut map)?),
                    None => drop(map.next_value::<IgnoredAny>()?),
                },
            }
        }
        Ok(fields)
    }
}

/// The next value as its text.
#[inline]
fn raw<'de, A: MapAccess<'de>>(map: &mut A) -> Result<&'de str, A::Error> {
    map.next_value::<&RawValue>().map(RawValue::get)
}

#[inline]
fn keep<'a>(own: &mut OwnFields<'a>, field: Field, text: &'a str) {
    match own.iter_mut().find(|(known, _)| *known == field) {
        Some((_, earlier)) => *earlier = text,
        None => own.push((field, text)),
    }
}

/// What was expected of `what`, and what came instead.
pub(crate) fn mismatch(what: &str, expected: &str, got: Option<&str>) -> String {
    match got {
        None => format!("{what} is missing, expected {expected}"),
        Some(got) => format!("{what} must be {expected}, got {}", excerpt(got)),
    }
}

#[cold]
fn expected(what: &str, expected: &str, got: Option<&str>) -> LineError {
    LineError::NotEnvelope(mismatch(what, expected, got))
}

fn name<'a>(what: &str, text: Option<&'a str>) -> Result<Cow<'a, str>, LineError> {
    text.and_then(json::string).ok_or_else(|| expected(what, "a string", text))
}

fn number(what: &str, text: Option<&str>) -> Result<Option<i64>, LineError> {
    match text {
        None | Some("null") => Ok(None),
        Some(digits) => match digits.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(expected(what, "an integer of 64 bits", text)),
        },
    }
}
