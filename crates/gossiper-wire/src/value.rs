//! What applications broadcast: any JSON value, carried as its text.

use std::hash::{Hash, Hasher};

use crate::canonical::canonical;
use crate::error::ValueError;
use crate::json;

/// How many arrays and objects of a value may stand inside each other; 1 is `[1]`.
///
/// It is what `serde_json` takes, because finding the canonical text recurses once a level. What is
/// deeper is read as well, but stepped over.
pub const VALUE_DEPTH_MAX: usize = 127;

/// A JSON value: the text that it came in, and the text by which it is known.
///
/// Two values are equal when their [`key`](Self::key)s are, so `{"a":1, "b":2}` equals
/// `{"b": 2, "a": 1}`; but numbers are their digits, and `1.0` is not `1`.
#[derive(Debug, Clone)]
pub struct Value<'a> {
    text: &'a str,
    /// The canonical text, where it is not `text` itself.
    canonical: Option<String>,
}

impl<'a> Value<'a> {
    /// Reads `text`, which may have white space around it but no line feed anywhere.
    ///
    /// Allocates only if `text` is an array, an object or a string with a backslash.
    ///
    /// # Errors
    ///
    /// If `text` is not one JSON value, or is nested deeper than [`VALUE_DEPTH_MAX`].
    pub fn parse(text: &'a str) -> Result<Self, ValueError> {
        Value::from_raw(json::value(text).map_err(ValueError::NotJson)?)
    }

    /// Takes a text that is known to be one JSON value, in order to print it: nothing is checked
    /// or computed, and [`key`](Self::key) is the text whether it is canonical or not.
    ///
    /// For what [`text`](Self::text) or [`key`](Self::key) gave out before. Any other text may
    /// break the line that it is printed on.
    pub fn verbatim(text: &'a str) -> Self {
        debug_assert!(Value::parse(text).is_ok(), "not a value: {text}");
        Value { text, canonical: None }
    }

    /// Takes the text of one JSON value.
    #[inline]
    pub(crate) fn from_raw(text: &'a str) -> Result<Self, ValueError> {
        // A scalar without an escape has but one spelling.
        let canonical = match text.as_bytes().first() {
            Some(b'[' | b'{') => Some(canonical(text)?),
            Some(b'"') if text.contains('\\') => Some(canonical(text)?),
            _ => None,
        };
        Ok(Value { text, canonical: canonical.filter(|canonical| canonical != text) })
    }

    /// The value as it came in, without white space around it.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The canonical text: no white space, object keys sorted by code points (stable, duplicates
    /// kept), strings with the fewest escapes, numbers by their text. Never longer than three times
    /// the text.
    pub fn key(&self) -> &str {
        self.canonical.as_deref().unwrap_or(self.text)
    }
}

impl PartialEq for Value<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Value<'_> {}

impl Hash for Value<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_without_escapes_are_their_own_key() {
        for text in ["1", "1.0", "18446744073709551617", "\"é\"", "null", "-0"] {
            let value = Value::parse(text).unwrap();
            assert!(value.canonical.is_none());
            assert_eq!((value.text(), value.key()), (text, text));
        }
        assert_ne!(Value::parse("1.0"), Value::parse("1"));
        assert_ne!(Value::parse("1e2"), Value::parse("100"));
    }

    #[test]
    fn spellings_of_one_value_are_equal_and_keep_their_text() {
        let a = Value::parse(r#" {"b": "\u0041", "a": [1, 2]} "#).unwrap();
        let b = Value::parse(r#"{"a":[1,2],"b":"A"}"#).unwrap();
        assert_eq!(a, b);
        assert_eq!(a.text(), r#"{"b": "\u0041", "a": [1, 2]}"#);
        assert_eq!(a.key(), b.text());
        assert!(b.canonical.is_none());
    }

    #[test]
    fn what_is_not_one_value_on_one_line_is_refused() {
        for text in ["", "1 2", "[1", "'a'", "[1,\n2]", "\n1", "\u{feff}1"] {
            assert!(matches!(Value::parse(text), Err(ValueError::NotJson(_))), "{text:?}");
        }
        let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
        assert_eq!(Value::parse(&deep), Err(ValueError::TooDeep));
    }
}
