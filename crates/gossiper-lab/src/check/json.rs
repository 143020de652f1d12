//! JSON as it was written: the order of keys and the text of every number and string are kept.
//!
//! A value tree that parses numbers cannot tell `1.0` from `1` and rounds large integers, and a
//! check of what a node printed must do neither.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A JSON value with its own text.
#[derive(Clone, Debug)]
pub(super) enum Json {
    Null,
    Bool(bool),
    /// The number's text.
    Number(String),
    Text(Text),
    List(Vec<Json>),
    /// Fields in the order in which they stand.
    Object(Vec<(Text, Json)>),
}

/// A string, as it reads and as it stands in the file, quotes and escapes included.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub(super) plain: String,
    raw: String,
}

impl Json {
    /// Parses one value; anything after it but white space is an error.
    pub(super) fn parse(text: &str) -> Result<Json, serde_json::Error> {
        let raw: &RawValue = serde_json::from_str(text)?;
        Json::of_raw(raw.get())
    }

    /// Every level is scanned again by the level below it; depth is at most serde_json's 128.
    fn of_raw(text: &str) -> Result<Json, serde_json::Error> {
        Ok(match text.as_bytes().first() {
            Some(b'{') => {
                let Fields(fields) = serde_json::from_str(text)?;
                let mut object = Vec::with_capacity(fields.len());
                for (key, value) in fields {
                    object.push((Text::of_raw(key.get())?, Json::of_raw(value.get())?));
                }
                Json::Object(object)
            }
            Some(b'[') => {
                let elements: Vec<&RawValue> = serde_json::from_str(text)?;
                let list: Result<_, _> =
                    elements.into_iter().map(|raw| Json::of_raw(raw.get())).collect();
                Json::List(list?)
            }
            Some(b'"') => Json::Text(Text::of_raw(text)?),
            Some(b't') => Json::Bool(true),
            Some(b'f') => Json::Bool(false),
            Some(b'n') => Json::Null,
            _ => Json::Number(text.to_owned()),
        })
    }

    /// The value of `key`, where this is an object that has it; the last one where it stands twice.
    pub(super) fn field(&self, key: &str) -> Option<&Json> {
        match self {
            Json::Object(fields) => {
                fields.iter().rev().find(|(name, _)| name.plain == key).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// What kind of value this is, for messages to people.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Bool(_) => "a boolean",
            Json::Number(_) => "a number",
            Json::Text(_) => "a string",
            Json::List(_) => "a list",
            Json::Object(_) => "an object",
        }
    }
}

/// One line with `", "` and `": "` between the parts, as Python's `json.dumps` has it; strings and
/// numbers as they were written.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Json::Null => f.write_str("null"),
            Json::Bool(value) => write!(f, "{value}"),
            Json::Number(text) => f.write_str(text),
            Json::Text(text) => f.write_str(&text.raw),
            Json::List(elements) => {
                f.write_str("[")?;
                for (index, element) in elements.iter().enumerate() {
                    let separator = if index == 0 { "" } else { ", " };
                    write!(f, "{separator}{element}")?;
                }
                f.write_str("]")
            }
            Json::Object(fields) => {
                f.write_str("{")?;
                for (index, (key, value)) in fields.iter().enumerate() {
                    let separator = if index == 0 { "" } else { ", " };
                    write!(f, "{separator}{}: {value}", key.raw)?;
                }
                f.write_str("}")
            }
        }
    }
}

impl Text {
    /// The string `plain`, escaped where JSON demands it.
    pub(super) fn new(plain: &str) -> Text {
        Text { plain: plain.to_owned(), raw: serde_json::Value::from(plain).to_string() }
    }

    fn of_raw(raw: &str) -> Result<Text, serde_json::Error> {
        Ok(Text { plain: serde_json::from_str(raw)?, raw: raw.to_owned() })
    }

    /// The same string without its first byte, which must be plain ASCII that needs no escape.
    pub(super) fn without_first(&self) -> Text {
        Text::new(&self.plain[1..])
    }
}

/// An object's fields in their order. serde_json's own map sorts them.
struct Fields<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(text: &str) -> String {
        Json::parse(text).expect("valid JSON").to_string()
    }

    #[test]
    fn numbers_keep_their_text() {
        assert_eq!(
            printed("[1.0,1,18446744073709551617,-0,1E5,1e400]"),
            "[1.0, 1, 18446744073709551617, -0, 1E5, 1e400]"
        );
    }

    #[test]
    fn keys_keep_their_order_and_strings_their_escapes() {
        assert_eq!(
            printed(r#"{"b":{"z":[ ],"\u0061":"\u00e9é\/"},"a":null}"#),
            r#"{"b": {"z": [], "\u0061": "\u00e9é\/"}, "a": null}"#
        );
    }

    #[test]
    fn a_repeated_key_reads_as_its_last_value() {
        let json = Json::parse(r#"{"a": 1, "a": 2}"#).expect("valid JSON");
        assert_eq!(json.field("a").expect("there").to_string(), "2");
    }

    #[test]
    fn what_is_not_one_value_is_refused() {
        for text in ["", "{", "1 2", "{\"a\" 1}", "nul", "01", "\"\\ud800\""] {
            assert!(Json::parse(text).is_err(), "{text}");
        }
    }
}
