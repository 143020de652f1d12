//! The first stage of reading: who, to whom, and which fields there are.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::body::Body;
use crate::decode;
use crate::error::{BodyError, LineError, excerpt};
use crate::field::Field;
use crate::scan::{Fault, Scanner};
use crate::typed::{Typed, whole_string};

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

/// The texts of the fields that any body may have.
#[derive(Default)]
struct Header<'a> {
    kind: Option<&'a str>,
    msg_id: Option<&'a str>,
    in_reply_to: Option<&'a str>,
    dialect: Option<&'a str>,
}

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
        let mut scanner = Scanner::new(text);
        if scanner.peek() != Some(b'{') {
            let value = scanner.value()?;
            scanner.end()?;
            return Err(expected("the line", "an object", Some(value)));
        }
        let (mut src, mut dest, mut body) = (None, None, None);
        let (mut header, mut own) = (Header::default(), OwnFields::new());
        scanner.object(|scanner, key| {
            match key.to_str().as_deref() {
                Some("src") => src = Some(scanner.value()?),
                Some("dest") => dest = Some(scanner.value()?),
                Some("body") => {
                    // Nothing of an earlier body stays.
                    header = Header::default();
                    own.clear();
                    body = Some(scan_body(scanner, &mut header, &mut own)?);
                }
                _ => {
                    scanner.value()?;
                }
            }
            Ok::<_, Fault>(())
        })?;
        scanner.end()?;
        match body {
            Some(Shape::Object) => {}
            Some(Shape::Other(text)) => return Err(expected("`body`", "an object", Some(text))),
            None => return Err(expected("`body`", "an object", None)),
        }
        Ok(Envelope {
            src: name("`src`", src)?,
            dest: name("`dest`", dest)?,
            msg_id: number("`msg_id`", header.msg_id)?,
            in_reply_to: number("`in_reply_to`", header.in_reply_to)?,
            dialect: header.dialect.and_then(u32::read),
            kind: header.kind.and_then(whole_string),
            kind_text: header.kind,
            own,
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

/// What stands under `body`.
enum Shape<'a> {
    Object,
    Other(&'a str),
}

/// Takes the body and sorts its fields.
fn scan_body<'a>(
    scanner: &mut Scanner<'a>,
    header: &mut Header<'a>,
    own: &mut OwnFields<'a>,
) -> Result<Shape<'a>, Fault> {
    if scanner.peek() != Some(b'{') {
        return scanner.value().map(Shape::Other);
    }
    scanner.object(|scanner, key| {
        let text = scanner.value()?;
        match key.to_str().as_deref() {
            Some("type") => header.kind = Some(text),
            Some("msg_id") => header.msg_id = Some(text),
            Some("in_reply_to") => header.in_reply_to = Some(text),
            Some("gossiper") => header.dialect = Some(text),
            Some(name) => {
                if let Some(field) = Field::from_name(name) {
                    keep(own, field, text);
                }
            }
            None => {}
        }
        Ok::<_, Fault>(())
    })?;
    Ok(Shape::Object)
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
    text.and_then(whole_string).ok_or_else(|| expected(what, "a string", text))
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
