//! The one text that stands for all spellings of a value.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::ValueError;
use crate::json::CodePoints;

/// The canonical text of one JSON value: no white space, members sorted by the code points of
/// their keys (equal keys stay in their order), strings with the fewest escapes, numbers as they
/// are.
///
/// The text is read once, and a level whose keys are out of order is copied once. The memory is
/// that of the text, and a few words for every key of the objects that are open at one time.
pub(crate) fn canonical(text: &str) -> Result<String, ValueError> {
    let mut out = String::with_capacity(text.len());
    let canonical = Canonical { rest: &mut { text }, out: &mut out };
    // That it is JSON is known, so all that serde_json can refuse is the depth.
    canonical
        .deserialize(&mut serde_json::Deserializer::from_str(text))
        .map_err(|_| ValueError::TooDeep)?;
    Ok(out)
}

/// Appends the canonical text of the value that a deserializer is about to read.
struct Canonical<'s, 'a> {
    /// Where the deserializer is, or what comes between the value before and there. It follows the
    /// deserializer because that does not tell what comes next before it is asked for it, and a
    /// number has to be asked for as a text.
    rest: &'s mut &'a str,
    out: &'s mut String,
}

impl<'a> Canonical<'_, 'a> {
    fn next(&mut self) -> Canonical<'_, 'a> {
        Canonical { rest: self.rest, out: self.out }
    }

    /// The first byte of what comes next. In front of it there are only marks and white space.
    fn peek(&mut self) -> Option<u8> {
        let marks = [' ', '\t', '\r', '\n', ',', ':', ']', '}'];
        *self.rest = self.rest.trim_start_matches(marks);
        self.rest.bytes().next()
    }

    /// The next `len` bytes are read.
    fn advance(&mut self, len: usize) {
        *self.rest = &self.rest[len..];
    }
}

impl<'de> DeserializeSeed<'de> for Canonical<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(mut self, deserializer: D) -> Result<(), D::Error> {
        match self.peek() {
            Some(b'[') => deserializer.deserialize_seq(self),
            Some(b'{') => deserializer.deserialize_map(self),
            _ => {
                let scalar = <&RawValue>::deserialize(deserializer)?.get();
                self.advance(scalar.len());
                if scalar.contains('\\') {
                    write_string(&code_points(scalar)?, self.out);
                } else {
                    self.out.push_str(scalar);
                }
                Ok(())
            }
        }
    }
}

impl<'de> Visitor<'de> for Canonical<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array or an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut array: A) -> Result<(), A::Error> {
        self.advance(1);
        self.out.push('[');
        let start = self.out.len();
        while array.next_element_seed(self.next())?.is_some() {
            self.out.push(',');
        }
        if self.out.len() > start {
            self.out.pop();
        }
        self.out.push(']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut object: A) -> Result<(), A::Error> {
        self.advance(1);
        self.out.push('{');
        let members_start = self.out.len();
        let mut members = Vec::new();
        while let Some(key) = object.next_key::<&RawValue>()? {
            self.peek();
            self.advance(key.get().len());
            if !members.is_empty() {
                self.out.push(',');
            }
            let start = self.out.len();
            let key = code_points(key.get())?;
            write_string(&key, self.out);
            self.out.push(':');
            object.next_value_seed(self.next())?;
            members.push(Member { key, written: start..self.out.len() });
        }
        if !members.is_sorted_by(|a, b| a.key <= b.key) {
            sort(members, members_start, self.out);
        }
        self.out.push('}');
        Ok(())
    }
}

/// A member that has been written.
struct Member<'a> {
    key: CodePoints<'a>,
    /// Where key and value stand in the output.
    written: Range<usize>,
}

/// Puts members that end the output in order.
fn sort(mut members: Vec<Member<'_>>, start: usize, out: &mut String) {
    // A stable sort: which of two equal keys is meant, is the application's affair.
    members.sort_by(|a, b| a.key.cmp(&b.key));
    let unsorted = out.split_off(start);
    for (index, Member { written, .. }) in members.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(&unsorted[written.start - start..written.end - start]);
    }
}

/// The string that is all of `text`.
fn code_points<E: serde::de::Error>(text: &str) -> Result<CodePoints<'_>, E> {
    serde_json::from_str(text).map_err(E::custom)
}

/// Appends a string with the escapes that it cannot do without, all of them in one form.
fn write_string(CodePoints(bytes): &CodePoints<'_>, out: &mut String) {
    out.push('"');
    let mut rest: &[u8] = bytes;
    while !rest.is_empty() {
        let text = match std::str::from_utf8(rest) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&rest[..error.valid_up_to()]).unwrap_or_default(),
        };
        for char in text.chars() {
            match char {
                '"' | '\\' => out.extend(['\\', char]),
                '\0'..='\x1f' => out.push_str(&format!("\\u{:04x}", u32::from(char))),
                _ => out.push(char),
            }
        }
        rest = &rest[text.len()..];
        if let [0xed, high, low, after @ ..] = rest {
            let surrogate = 0xd000 | u32::from(high & 0x3f) << 6 | u32::from(low & 0x3f);
            out.push_str(&format!("\\u{surrogate:04x}"));
            rest = after;
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::VALUE_DEPTH_MAX;

    #[test]
    fn canonical_text_has_sorted_keys_and_no_space() {
        for (text, expected) in [
            ("[ ]", "[]"),
            ("{ }", "{}"),
            ("[1, [2 ,{\"a\" : null}]]", "[1,[2,{\"a\":null}]]"),
            (r#"{"b": 1, "a": {"d": [], "c": 2}}"#, r#"{"a":{"c":2,"d":[]},"b":1}"#),
            (r#"{"\u0062": 1, "a\/": 2}"#, r#"{"a/":2,"b":1}"#),
            (r#"{"b": 1, "a": 2, "b": 0}"#, r#"{"a":2,"b":1,"b":0}"#),
            // Sorted by what the key is, not by how it is escaped: `"` is before `#`.
            (r##"{"#": 1, "\"": 2}"##, r##"{"\"":2,"#":1}"##),
            (r#"[1.0, 1, 1e2, -0, "\u000A"]"#, r#"[1.0,1,1e2,-0,"\u000a"]"#),
            (r#"{"\uDC00": 1, "\uD800": "\uD800"}"#, r#"{"\ud800":"\ud800","\udc00":1}"#),
        ] {
            assert_eq!(canonical(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn nesting_is_taken_to_the_limit_and_no_deeper() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(canonical(&nested(VALUE_DEPTH_MAX)).is_ok());
        assert_eq!(canonical(&nested(VALUE_DEPTH_MAX + 1)), Err(ValueError::TooDeep));
        let objects = format!("{}1{}", "{\"[\":".repeat(100_000), "}".repeat(100_000));
        assert_eq!(canonical(&objects), Err(ValueError::TooDeep));
    }
}
