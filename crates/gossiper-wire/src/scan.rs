//! A cursor over JSON text: it checks the grammar and hands out slices, and builds nothing.

use std::fmt;

use smallvec::SmallVec;

use crate::quoted::Quoted;

/// Where a text stops being JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Offset of the first byte that does not fit.
    pub(crate) at: usize,
    /// What would have fitted.
    pub(crate) expected: &'static str,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {} at byte {}", self.expected, self.at + 1)
    }
}

/// The cursor. Every method that takes something leaves the cursor behind it, and steps over
/// white space in front of it.
///
/// A line feed is not white space here: a line holds none, and a value with one inside would
/// break the line that it is printed back on.
#[derive(Debug, Clone)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Scanner { text, at: 0 }
    }

    pub(crate) fn fault<T>(&self, expected: &'static str) -> Result<T, Fault> {
        Err(Fault { at: self.at, expected })
    }

    #[inline]
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is not white space; it is not taken.
    #[inline]
    pub(crate) fn peek(&mut self) -> Option<u8> {
        match self.byte() {
            Some(b' ' | b'\t' | b'\r') => {
                let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r');
                self.at = self.skip(self.at, is_space);
                self.byte()
            }
            byte => byte,
        }
    }

    /// The offset of the first byte, from `at` on, that is not wanted.
    ///
    /// Kept apart from `self.at`, which would go through memory for every byte.
    #[inline]
    fn skip(&self, at: usize, is_wanted: impl Fn(&u8) -> bool) -> usize {
        let rest = self.text.as_bytes().get(at..).unwrap_or_default();
        at + rest.iter().position(|byte| !is_wanted(byte)).unwrap_or(rest.len())
    }

    /// Takes `wanted` if it is next.
    #[inline]
    pub(crate) fn take(&mut self, wanted: u8) -> bool {
        let is_next = self.peek() == Some(wanted);
        self.at += usize::from(is_next);
        is_next
    }

    /// Refuses anything but white space in the rest of the text.
    pub(crate) fn end(&mut self) -> Result<(), Fault> {
        match self.peek() {
            None => Ok(()),
            Some(_) => self.fault("the end"),
        }
    }

    /// Takes a string.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<Quoted<'a>, Fault> {
        if !self.take(b'"') {
            return self.fault("a string");
        }
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at = self.skip(self.at, |byte| *byte >= 0x20 && *byte != b'"' && *byte != b'\\');
            match self.byte() {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return self.fault("no bare control character in a string"),
                None => return self.fault("the end of a string"),
            }
        }
        let quoted = Quoted::new(&self.text[start..self.at], escaped);
        self.at += 1;
        Ok(quoted)
    }

    /// Takes a backslash and what belongs to it. Surrogates are not paired here: a lone one is
    /// grammatical JSON.
    fn escape(&mut self) -> Result<(), Fault> {
        self.at += 1;
        match self.byte() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.byte().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                        return self.fault("a hexadecimal digit");
                    }
                    self.at += 1;
                }
            }
            _ => return self.fault("an escape"),
        }
        Ok(())
    }

    /// Takes any value and returns its text.
    ///
    /// Nesting is followed in a loop, not by recursion, so that depth costs one bit a level.
    #[inline]
    pub(crate) fn value(&mut self) -> Result<&'a str, Fault> {
        let first = self.peek();
        let start = self.at;
        match first {
            Some(b'[' | b'{') => self.container()?,
            _ => self.scalar(first)?,
        }
        Ok(&self.text[start..self.at])
    }

    /// Takes the string, number or word that begins with `first`.
    #[inline]
    fn scalar(&mut self, first: Option<u8>) -> Result<(), Fault> {
        match first {
            Some(b'"') => self.string().map(|_| ()),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            _ => self.fault("a value"),
        }
    }

    fn word(&mut self, word: &'static str) -> Result<(), Fault> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return self.fault("a value");
        }
        self.at += word.len();
        Ok(())
    }

    fn number(&mut self) -> Result<(), Fault> {
        self.at += usize::from(self.byte() == Some(b'-'));
        if self.byte() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        self.at = self.skip(start, u8::is_ascii_digit);
        if self.at == start { self.fault("a digit") } else { Ok(()) }
    }

    /// Takes an array or object whose bracket is next.
    fn container(&mut self) -> Result<(), Fault> {
        let mut open = Nesting::default();
        loop {
            // A value begins here.
            let first = self.peek();
            match first {
                Some(bracket @ (b'[' | b'{')) => {
                    self.at += 1;
                    let is_object = bracket == b'{';
                    if !self.take(if is_object { b'}' } else { b']' }) {
                        open.push(is_object);
                        if is_object {
                            self.key()?;
                        }
                        continue;
                    }
                }
                _ => self.scalar(first)?,
            }
            // A value has ended here; so may the ones around it.
            loop {
                let Some(in_object) = open.innermost() else {
                    return Ok(());
                };
                if self.take(b',') {
                    if in_object {
                        self.key()?;
                    }
                    break;
                }
                if !self.take(if in_object { b'}' } else { b']' }) {
                    return self.fault(if in_object { "`,` or `}`" } else { "`,` or `]`" });
                }
                open.pop();
            }
        }
    }

    /// Takes a member's key and its colon.
    #[inline]
    fn key(&mut self) -> Result<Quoted<'a>, Fault> {
        let key = self.string()?;
        if self.take(b':') { Ok(key) } else { self.fault("`:`") }
    }

    /// Takes an object; `member` is called behind each key and takes the value.
    #[inline]
    pub(crate) fn object<E: From<Fault>>(
        &mut self,
        mut member: impl FnMut(&mut Self, Quoted<'a>) -> Result<(), E>,
    ) -> Result<(), E> {
        if !self.take(b'{') {
            self.fault("an object")?;
        }
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            let key = self.key()?;
            member(self, key)?;
            if self.take(b'}') {
                return Ok(());
            }
            if !self.take(b',') {
                self.fault("`,` or `}`")?;
            }
        }
    }

    /// Takes an array; `element` is called in front of each element and takes it.
    #[inline]
    pub(crate) fn array<E: From<Fault>>(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        if !self.take(b'[') {
            self.fault("an array")?;
        }
        if self.take(b']') {
            return Ok(());
        }
        loop {
            element(self)?;
            if self.take(b']') {
                return Ok(());
            }
            if !self.take(b',') {
                self.fault("`,` or `]`")?;
            }
        }
    }
}

/// Which brackets are open: one bit a level, set for an object. The first 256 levels need no
/// allocation.
#[derive(Default)]
struct Nesting {
    words: SmallVec<[u64; 4]>,
    depth: usize,
}

impl Nesting {
    fn push(&mut self, is_object: bool) {
        let (word, bit) = (self.depth / 64, self.depth % 64);
        if word == self.words.len() {
            self.words.push(0);
        }
        self.words[word] = self.words[word] & !(1 << bit) | u64::from(is_object) << bit;
        self.depth += 1;
    }

    fn pop(&mut self) {
        self.depth -= 1;
    }

    fn innermost(&self) -> Option<bool> {
        let level = self.depth.checked_sub(1)?;
        Some(self.words[level / 64] >> (level % 64) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Result<&str, Fault> {
        let mut scanner = Scanner::new(text);
        let value = scanner.value()?;
        scanner.end()?;
        Ok(value)
    }

    #[test]
    fn a_value_is_returned_without_the_space_around_it() {
        for text in ["1", "-0", "1.5e-7", "\"a\\u0041\"", "true", "null", "[]", "{}", "[ 1,[{}] ]"]
        {
            assert_eq!(whole(&format!(" {text}\t\r")), Ok(text));
        }
        let nested = r#"{"a": [1, {"b": {}}, []], "c": [[[]]]}"#;
        assert_eq!(whole(nested), Ok(nested));
    }

    #[test]
    fn a_fault_says_where_and_what() {
        for (text, at, expected) in [
            ("", 0, "a value"),
            ("[1,]", 3, "a value"),
            ("[1 2]", 3, "`,` or `]`"),
            ("{\"a\":1]", 6, "`,` or `}`"),
            ("{\"a\" 1}", 5, "`:`"),
            ("{1:1}", 1, "a string"),
            ("01", 1, "the end"),
            ("-", 1, "a digit"),
            ("1.", 2, "a digit"),
            ("1e+", 3, "a digit"),
            ("tru", 0, "a value"),
            ("\"\\x\"", 2, "an escape"),
            ("\"\\u12g4\"", 5, "a hexadecimal digit"),
            ("\"a", 2, "the end of a string"),
            ("\"\t\"", 1, "no bare control character in a string"),
            ("[1,\n2]", 3, "a value"),
        ] {
            assert_eq!(whole(text), Err(Fault { at, expected }), "{text:?}");
        }
    }

    #[test]
    fn a_million_brackets_are_followed_without_a_stack() {
        let depth = 1_000_000;
        let balanced = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(whole(&balanced).is_ok());
        assert_eq!(whole(&"[".repeat(depth)).unwrap_err().at, depth);
        let mixed = format!("{}{}", "[{\"\":".repeat(depth), "}]".repeat(depth));
        assert_eq!(whole(&mixed).unwrap_err().at, depth * 5);
    }
}
