//! The one text that stands for all spellings of a value.

use serde_json::value::RawValue;

use crate::error::ValueError;
use crate::json::{CodePoints, Members, describe};
use crate::value::VALUE_DEPTH_MAX;

/// The most bytes to read: about a second's work. Up to 4 MiB a value may be as deep as any.
const WORK_BYTES_MAX: usize = 512 << 20;

/// The canonical text of one JSON value: no white space, members sorted by the code points of
/// their keys (equal keys stay in their order), strings with the fewest escapes, numbers as they
/// are.
///
/// Each level is read anew, so the work is the text as often as it is deep, which is bounded. The
/// memory is that of the text, and a few words for each element of the arrays and objects that are
/// open at one time.
pub(crate) fn canonical(text: &str) -> Result<String, ValueError> {
    let depth = nesting(text);
    if depth > VALUE_DEPTH_MAX || depth * text.len() > WORK_BYTES_MAX {
        return Err(ValueError::TooDeep);
    }
    let mut out = String::with_capacity(text.len());
    write_value(text, &mut out)?;
    Ok(out)
}

/// How many arrays and objects of one JSON value stand inside each other. As it is JSON for sure,
/// only the brackets inside strings have to be told apart.
fn nesting(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut is_escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth += 1,
            b']' | b'}' if !in_string => depth -= 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn write_value(text: &str, out: &mut String) -> Result<(), ValueError> {
    match text.as_bytes().first() {
        Some(b'[') => write_array(text, out),
        Some(b'{') => write_object(text, out),
        Some(b'"') if text.contains('\\') => {
            write_string(&serde_json::from_str(text).map_err(not_json)?, out);
            Ok(())
        }
        _ => {
            out.push_str(text);
            Ok(())
        }
    }
}

#[cold]
fn not_json(error: serde_json::Error) -> ValueError {
    ValueError::NotJson(describe(&error))
}

fn write_array(text: &str, out: &mut String) -> Result<(), ValueError> {
    let elements: Vec<&RawValue> = serde_json::from_str(text).map_err(not_json)?;
    out.push('[');
    for (index, element) in elements.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_value(element.get(), out)?;
    }
    out.push(']');
    Ok(())
}

fn write_object(text: &str, out: &mut String) -> Result<(), ValueError> {
    let Members(mut members) =
        serde_json::from_str::<Members<'_, &RawValue>>(text).map_err(not_json)?;
    // A stable sort: which of two equal keys is meant, is the application's affair.
    members.sort_by(|(one, _), (other, _)| one.cmp(other));
    out.push('{');
    for (index, (key, value)) in members.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_string(&key, out);
        out.push(':');
        write_value(value.get(), out)?;
    }
    out.push('}');
    Ok(())
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
        let [open, close] = ["[", "]"].map(|bracket| bracket.repeat(VALUE_DEPTH_MAX));
        let large = format!("{open}{}{close}", " ".repeat(WORK_BYTES_MAX / VALUE_DEPTH_MAX));
        assert_eq!(canonical(&large), Err(ValueError::TooDeep));
        let objects = format!("{}1{}", "{\"[\":".repeat(100_000), "}".repeat(100_000));
        assert_eq!(canonical(&objects), Err(ValueError::TooDeep));
    }
}
