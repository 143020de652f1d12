//! The first stage of reading: who, to whom, and which fields there are.

use std::borrow::Cow;

use serde_json::value::RawValue;
use smallvec::SmallVec;

use crate::body::Body;
use crate::decode;
use crate::error::{BodyError, LineError, excerpt};
use crate::field::Field;
use crate::json;
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
    /// Reads a line, with or without its line feed: once for its members, and the body once more
    /// for its own.
    ///
    /// Allocates nothing unless a key, `src`, `dest` or `type` holds a backslash, a field of the
    /// body is an array or object (a byte a level), or the body has more than four known fields.
    /// Unknown keys are stepped over. Of two equal keys the last counts.
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
        let (mut src, mut dest, mut body) = (None, None, None);
        let read =
            json::members(text, |key, value: &RawValue| match json::string(key).as_deref() {
                Some("src") => src = Some(value.get()),
                Some("dest") => dest = Some(value.get()),
                Some("body") => body = Some(value.get()),
                _ => {}
            });
        if read.is_err() || text.contains('\n') {
            let value = json::value(text).map_err(LineError::NotJson)?;
            return Err(expected("the line", "an object", Some(value)));
        }
        let fields = body.and_then(Fields::read);
        let fields = fields.ok_or_else(|| expected("`body`", "an object", body))?;
        Ok(Envelope {
            src: name("`src`", src)?,
            dest: name("`dest`", dest)?,
            msg_id: number("`msg_id`", fields.msg_id)?,
            in_reply_to: number("`in_reply_to`", fields.in_reply_to)?,
            dialect: fields.dialect.and_then(u32::read),
            kind: fields.kind.and_then(json::string),
            kind_text: fields.kind,
            own: fields.own,
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

/// The texts of a body's fields.
#[derive(Default)]
struct Fields<'a> {
    kind: Option<&'a str>,
    msg_id: Option<&'a str>,
    in_reply_to: Option<&'a str>,
    dialect: Option<&'a str>,
    own: OwnFields<'a>,
}

impl<'a> Fields<'a> {
    /// Sorts the fields of a body; `None` if it is no object.
    fn read(body: &'a str) -> Option<Self> {
        let mut fields = Fields::default();
        let read = json::members(body, |key, value: &RawValue| {
            let text = Some(value.get());
            match json::string(key).as_deref() {
                Some("type") => fields.kind = text,
                Some("msg_id") => fields.msg_id = text,
                Some("in_reply_to") => fields.in_reply_to = text,
                Some("gossiper") => fields.dialect = text,
                Some(name) => {
                    if let Some(field) = Field::from_name(name) {
                        keep(&mut fields.own, field, value.get());
                    }
                }
                None => {}
            }
        });
        read.is_ok().then_some(fields)
    }
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
