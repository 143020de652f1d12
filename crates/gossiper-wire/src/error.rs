//! What can be wrong with a line, a body and a value.

use std::fmt;

use crate::value::VALUE_DEPTH_MAX;

/// How much of an offending text an error repeats: enough to recognise it, short enough for a log.
const EXCERPT_CHARS_MAX: usize = 80;

/// A line that cannot be answered. To be logged and counted; the next line is read as usual.
///
/// Its `Display` is one sentence for people, which says what is wrong and at which byte of the
/// line (the first is byte 1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineError {
    /// Longer than [`LINE_BYTES_MAX`](crate::LINE_BYTES_MAX). Nothing of it was looked at.
    TooLong,
    /// Not one JSON value in UTF-8, with nothing but spaces around it.
    NotJson(String),
    /// JSON, but without a readable `src`, `dest` and `body`, or with a `msg_id` or `in_reply_to`
    /// that is not an integer of 64 bits.
    NotEnvelope(String),
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LineError::TooLong => {
                write!(f, "line too long: more than {} bytes", crate::LINE_BYTES_MAX)
            }
            LineError::NotJson(text) => write!(f, "not JSON: {text}"),
            LineError::NotEnvelope(text) => write!(f, "not an envelope: {text}"),
        }
    }
}

impl std::error::Error for LineError {}

/// A body that the protocol does not take. Its sender can be answered with [`code`](Self::code)
/// and [`text`](Self::text).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyError {
    /// A `type` that the protocol does not have (code 10).
    UnknownType(String),
    /// A missing or ill-typed field, or a number out of range (code 12).
    Malformed(String),
}

impl BodyError {
    /// The error's code in Maelstrom's table: 10 or 12.
    pub fn code(&self) -> u32 {
        match self {
            BodyError::UnknownType(_) => 10,
            BodyError::Malformed(_) => 12,
        }
    }

    /// One sentence for people: the field, what was expected, and what came (shortened).
    pub fn text(&self) -> &str {
        match self {
            BodyError::UnknownType(text) | BodyError::Malformed(text) => text,
        }
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for BodyError {}

/// A text that is no [`Value`](crate::Value).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueError {
    /// Not one JSON value on one line.
    NotJson(String),
    /// More than [`VALUE_DEPTH_MAX`] arrays and objects inside each other.
    TooDeep,
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValueError::NotJson(text) => write!(f, "not JSON: {text}"),
            ValueError::TooDeep => write!(f, "nested more than {VALUE_DEPTH_MAX} deep"),
        }
    }
}

impl std::error::Error for ValueError {}

/// The beginning of `text`, at most [`EXCERPT_CHARS_MAX`] characters of it.
pub(crate) fn excerpt(text: &str) -> String {
    match text.char_indices().nth(EXCERPT_CHARS_MAX) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_cut_between_characters() {
        assert_eq!(excerpt("short"), "short");
        let long = "é".repeat(100);
        assert_eq!(excerpt(&long), format!("{}...", "é".repeat(80)));
    }
}
