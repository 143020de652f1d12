//! JSON strings as they stand between their quotes.

use std::borrow::Cow;

/// The inside of a JSON string that the scanner has checked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quoted<'a> {
    inner: &'a str,
    escaped: bool,
}

/// A part of a string.
enum Piece<'a> {
    /// Text without a backslash.
    Plain(&'a str),
    /// What an escape, or two that form a surrogate pair, stands for.
    Char(char),
    /// An escaped surrogate without its partner: no character, but legal JSON.
    LoneSurrogate(u16),
}

impl<'a> Quoted<'a> {
    pub(crate) fn new(inner: &'a str, escaped: bool) -> Self {
        Quoted { inner, escaped }
    }

    /// The string, or `None` if a lone surrogate keeps it from being one.
    #[inline]
    pub(crate) fn to_str(self) -> Option<Cow<'a, str>> {
        if self.escaped {
            self.unescaped().map(Cow::Owned)
        } else {
            Some(Cow::Borrowed(self.inner))
        }
    }

    #[cold]
    fn unescaped(self) -> Option<String> {
        let mut text = String::with_capacity(self.inner.len());
        for piece in self.pieces() {
            match piece {
                Piece::Plain(plain) => text.push_str(plain),
                Piece::Char(char) => text.push(char),
                Piece::LoneSurrogate(_) => return None,
            }
        }
        Some(text)
    }

    /// The string in UTF-8 that is stretched to surrogates (WTF-8), whose bytes are in the order
    /// of the code points.
    pub(crate) fn to_sort_key(self) -> Cow<'a, [u8]> {
        if !self.escaped {
            return Cow::Borrowed(self.inner.as_bytes());
        }
        let mut bytes = Vec::with_capacity(self.inner.len());
        for piece in self.pieces() {
            match piece {
                Piece::Plain(plain) => bytes.extend_from_slice(plain.as_bytes()),
                Piece::Char(char) => {
                    bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
                }
                Piece::LoneSurrogate(unit) => {
                    let [low, middle] = [unit, unit >> 6].map(|bits| 0x80 | (bits & 0x3f) as u8);
                    bytes.extend_from_slice(&[0xed, middle, low]);
                }
            }
        }
        Cow::Owned(bytes)
    }

    /// Appends the string with its quotes and as few escapes as JSON allows, each in one spelling:
    /// `\"`, `\\`, and `\u` with lower-case digits for control characters and lone surrogates.
    pub(crate) fn write_canonical(self, out: &mut String) {
        out.push('"');
        if self.escaped {
            for piece in self.pieces() {
                match piece {
                    Piece::Plain(plain) => out.push_str(plain),
                    Piece::Char(char @ ('"' | '\\')) => out.extend(['\\', char]),
                    Piece::Char(char @ '\0'..='\x1f') => push_unit(out, char as u16),
                    Piece::Char(char) => out.push(char),
                    Piece::LoneSurrogate(unit) => push_unit(out, unit),
                }
            }
        } else {
            out.push_str(self.inner);
        }
        out.push('"');
    }

    fn pieces(self) -> Pieces<'a> {
        Pieces { rest: self.inner }
    }
}

fn push_unit(out: &mut String, unit: u16) {
    out.push_str("\\u");
    for shift in [12, 8, 4, 0] {
        out.push(char::from(b"0123456789abcdef"[usize::from(unit >> shift & 0xf)]));
    }
}

struct Pieces<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let Some(escape) = self.rest.strip_prefix('\\') else {
            let end = self.rest.find('\\').unwrap_or(self.rest.len());
            let (plain, rest) = self.rest.split_at(end);
            self.rest = rest;
            return (!plain.is_empty()).then_some(Piece::Plain(plain));
        };
        let mut chars = escape.chars();
        let piece = match chars.next()? {
            'b' => Piece::Char('\x08'),
            'f' => Piece::Char('\x0c'),
            'n' => Piece::Char('\n'),
            'r' => Piece::Char('\r'),
            't' => Piece::Char('\t'),
            'u' => {
                let (piece, taken) = unit_or_pair(self.rest)?;
                self.rest = &self.rest[taken..];
                return Some(piece);
            }
            // `"`, `\` and `/` stand for themselves.
            other => Piece::Char(other),
        };
        self.rest = chars.as_str();
        Some(piece)
    }
}

/// What the `\uXXXX` at the start of `text` stands for, and how many bytes make it up.
fn unit_or_pair(text: &str) -> Option<(Piece<'_>, usize)> {
    let first = unit(text)?;
    if let Some(char) = char::from_u32(u32::from(first)) {
        return Some((Piece::Char(char), 6));
    }
    let second = text.get(6..).and_then(unit);
    if let Some(second) = second
        && let Some(Ok(char)) = char::decode_utf16([first, second]).next()
    {
        return Some((Piece::Char(char), 12));
    }
    Some((Piece::LoneSurrogate(first), 6))
}

fn unit(text: &str) -> Option<u16> {
    u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(inner: &str) -> Quoted<'_> {
        Quoted::new(inner, inner.contains('\\'))
    }

    fn canonical(inner: &str) -> String {
        let mut out = String::new();
        quoted(inner).write_canonical(&mut out);
        out
    }

    #[test]
    fn escapes_are_read_as_what_they_stand_for() {
        let text = quoted(r#"a\"\\\/\b\f\n\r\t\u0041\u00e9\ud83d\ude00z"#).to_str().unwrap();
        assert_eq!(text, "a\"\\/\x08\x0c\n\r\tAé😀z");
        assert!(matches!(quoted("plain").to_str(), Some(Cow::Borrowed("plain"))));
    }

    #[test]
    fn canonical_strings_escape_only_what_they_must() {
        assert_eq!(canonical(r"\/\u0041\u00E9\uD83D\uDE00"), "\"/Aé😀\"");
        assert_eq!(canonical(r#"\"\\\n\u001F"#), r#""\"\\\u000a\u001f""#);
        assert_eq!(canonical("\u{7f}é"), "\"\u{7f}é\"");
    }

    #[test]
    fn lone_surrogates_are_kept_and_are_no_text() {
        assert_eq!(canonical(r"\uD800x\uDBFF\uD83D\uDE00\uDC00"), "\"\\ud800x\\udbff😀\\udc00\"");
        assert!(quoted(r"\ud800").to_str().is_none());
        assert!(quoted(r"\udc00\ud800").to_str().is_none());
    }

    #[test]
    fn sort_keys_are_in_the_order_of_code_points() {
        let ordered = ["", r"\u0000", r"\t", " ", "a", r"\u00e9", r"\ud7ff", r"\ud800", r"\udfff"];
        let ordered = [&ordered[..], &["\u{e000}", "\u{ffff}", r"\ud800\udc00", "\u{10ffff}"]];
        let keys: Vec<_> = ordered.concat().into_iter().map(|s| quoted(s).to_sort_key()).collect();
        assert!(keys.is_sorted(), "{keys:?}");
    }
}
