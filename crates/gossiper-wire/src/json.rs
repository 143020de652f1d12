//! How JSON is read: by `serde_json`, kept as text.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer as _, MapAccess, Visitor};
use serde_json::Deserializer;
use serde_json::value::RawValue;

/// What is wrong with a text, and where. The texts are lines, so the column alone says where.
pub(crate) fn describe(error: &serde_json::Error) -> String {
    error.to_string().replace("at line 1 column", "at byte")
}

/// The text of one JSON value on one line, without the white space around it.
pub(crate) fn value(text: &str) -> Result<&str, String> {
    if let Some(at) = text.find('\n') {
        // JSON takes it for white space, but a value that holds one would break a line.
        return Err(format!("line feed at byte {}", at + 1));
    }
    let raw: &RawValue = serde_json::from_str(text).map_err(|error| describe(&error))?;
    Ok(raw.get())
}

/// A string that is text.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Name<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// The string that is all of `text`, which is one JSON value; `None` if it is none, or holds a
/// surrogate without its other half, which no `str` can.
#[inline]
pub(crate) fn string(text: &str) -> Option<Cow<'_, str>> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    if inner.as_bytes().contains(&b'\\') {
        return serde_json::from_str(text).ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(inner))
}

/// A string of any code points: in UTF-8, but that a surrogate without its other half, which JSON
/// allows, takes three bytes of its own (as in WTF-8). In order of bytes these are in order of code
/// points.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
pub(crate) struct CodePoints<'a>(#[serde(borrow)] pub(crate) Cow<'a, [u8]>);

/// Reads the object that is all of `text`, and calls `member` with the text of each key, quotes and
/// all, and its value.
///
/// As texts, keys may hold whatever JSON allows, and cost nothing.
#[inline]
pub(crate) fn members<'a, V: Deserialize<'a>>(
    text: &'a str,
    member: impl FnMut(&'a str, V),
) -> serde_json::Result<()> {
    let mut reader = Deserializer::from_str(text);
    reader.deserialize_map(Members(member, PhantomData))?;
    reader.end()
}

struct Members<F, V>(F, PhantomData<V>);

impl<'de, F: FnMut(&'de str, V), V: Deserialize<'de>> Visitor<'de> for Members<F, V> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    #[inline]
    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some((key, value)) = map.next_entry::<&RawValue, V>()? {
            (self.0)(key.get(), value);
        }
        Ok(())
    }
}
