//! How JSON is read: by `serde_json`, kept as text.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

/// What is wrong with a text, and where. The texts are lines, so the column alone says where.
pub(crate) fn describe(error: &serde_json::Error) -> String {
    error.to_string().replace("at line 1 column", "at byte")
}

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
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CodePoints<'a>(pub(crate) Cow<'a, [u8]>);

impl<'a> CodePoints<'a> {
    /// The string, if all of it is text.
    pub(crate) fn into_str(self) -> Option<Cow<'a, str>> {
        match self.0 {
            Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for CodePoints<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes<'a>(PhantomData<&'a ()>);

        impl<'de: 'a, 'a> Visitor<'de> for Bytes<'a> {
            type Value = CodePoints<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_bytes<E>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
                Ok(CodePoints(Cow::Borrowed(bytes)))
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Self::Value, E> {
                Ok(CodePoints(Cow::Owned(bytes.to_vec())))
            }
        }

        // Only as bytes does serde_json give out a surrogate without its other half.
        deserializer.deserialize_bytes(Bytes(PhantomData))
    }
}

/// A string that is text.
#[derive(Debug)]
pub(crate) struct Name<'a>(pub(crate) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = CodePoints::deserialize(deserializer)?.into_str();
        name.map(Name).ok_or_else(|| D::Error::custom("a surrogate without its other half"))
    }
}

/// An object's members as they stand, equal keys included.
#[derive(Debug)]
pub(crate) struct Members<'a, V>(pub(crate) Vec<(CodePoints<'a>, V)>);

impl<'de: 'a, 'a, V: Deserialize<'de>> Deserialize<'de> for Members<'a, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object<'a, V>(PhantomData<(&'a (), V)>);

        impl<'de: 'a, 'a, V: Deserialize<'de>> Visitor<'de> for Object<'a, V> {
            type Value = Members<'a, V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Object(PhantomData))
    }
}

/// The text of one JSON value on one line, without the white space around it.
pub(crate) fn value(text: &str) -> Result<&str, String> {
    if let Some(at) = text.find('\n') {
        return Err(format!("line feed at byte {}", at + 1));
    }
    let raw: &RawValue = serde_json::from_str(text).map_err(|error| describe(&error))?;
    Ok(raw.get())
}
