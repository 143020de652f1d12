//! The one text that stands for all spellings of a value.

use std::borrow::Cow;
use std::ops::Range;

use crate::error::ValueError;
use crate::scan::Scanner;
use crate::value::VALUE_DEPTH_MAX;

/// The canonical text of one JSON value: no white space, members sorted by the code points of
/// their keys (equal keys stay in their order), strings with the fewest escapes, numbers as they
/// are.
///
/// Work and memory: a level whose keys are out of order is copied once, so at most
/// [`VALUE_DEPTH_MAX`] times the text, and the text plus a few words for every key of the objects
/// that are open at one time.
pub(crate) fn canonical(text: &str) -> Result<String, ValueError> {
    let mut scanner = Scanner::new(text);
    let mut out = String::with_capacity(text.len());
    write_value(&mut scanner, &mut out, VALUE_DEPTH_MAX)?;
    scanner.end()?;
    Ok(out)
}

/// Takes a value that may hold `depth_left` levels.
fn write_value(
    scanner: &mut Scanner<'_>,
    out: &mut String,
    depth_left: usize,
) -> Result<(), ValueError> {
    match scanner.peek() {
        Some(b'[') => write_array(scanner, out, deeper(depth_left)?),
        Some(b'{') => write_object(scanner, out, deeper(depth_left)?),
        Some(b'"') => {
            scanner.string()?.write_canonical(out);
            Ok(())
        }
        _ => {
            out.push_str(scanner.value()?);
            Ok(())
        }
    }
}

fn deeper(depth_left: usize) -> Result<usize, ValueError> {
    depth_left.checked_sub(1).ok_or(ValueError::TooDeep)
}

fn write_array(
    scanner: &mut Scanner<'_>,
    out: &mut String,
    depth_left: usize,
) -> Result<(), ValueError> {
    let mut is_first = true;
    out.push('[');
    scanner.array(|scanner| {
        if !std::mem::take(&mut is_first) {
            out.push(',');
        }
        write_value(scanner, out, depth_left)
    })?;
    out.push(']');
    Ok(())
}

/// A member that has been written.
struct Member<'a> {
    key: Cow<'a, [u8]>,
    /// Where key and value stand in the output.
    written: Range<usize>,
}

fn write_object(
    scanner: &mut Scanner<'_>,
    out: &mut String,
    depth_left: usize,
) -> Result<(), ValueError> {
    let mut members = Vec::new();
    out.push('{');
    let members_start = out.len();
    scanner.object(|scanner, key| {
        if !members.is_empty() {
            out.push(',');
        }
        let start = out.len();
        key.write_canonical(out);
        out.push(':');
        write_value(scanner, out, depth_left)?;
        members.push(Member { key: key.to_sort_key(), written: start..out.len() });
        Ok::<_, ValueError>(())
    })?;
    if !members.is_sorted_by(|a, b| a.key <= b.key) {
        // A stable sort: which of two equal keys is meant, is the application's affair.
        members.sort_by(|a, b| a.key.cmp(&b.key));
        let unsorted = out.split_off(members_start);
        for (index, Member { written, .. }) in members.into_iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            out.push_str(&unsorted[written.start - members_start..written.end - members_start]);
        }
    }
    out.push('}');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(canonical(&"{\"a\":".repeat(1_000_000)), Err(ValueError::TooDeep));
    }
}
