//! Lists of values, carried as one text.

use serde_json::Deserializer;
use serde_json::value::RawValue;

use crate::error::{BodyError, ValueError, excerpt};
use crate::json::describe;
use crate::value::Value;

/// A list of values: the text between an array's brackets, verbatim.
///
/// It is printed by one copy of its bytes, so a node that keeps the text of all that it knows
/// answers a `read` without touching the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct List<'a> {
    items: &'a str,
}

impl<'a> List<'a> {
    /// Takes the texts of the items, joined with `", "` and without brackets; empty for no items.
    ///
    /// Nothing is checked: a text that is not that may break the line that it is printed on. The
    /// items themselves are checked where they are read.
    pub fn from_items(items: &'a str) -> Self {
        List { items }
    }

    /// Takes the text of one JSON value, if it is an array.
    pub(crate) fn from_raw(text: &'a str) -> Option<Self> {
        let items = text.strip_prefix('[')?.strip_suffix(']')?;
        Some(List { items })
    }

    /// The text between the brackets.
    pub fn items(&self) -> &'a str {
        self.items
    }

    /// Whether the list holds nothing.
    pub fn is_empty(&self) -> bool {
        trimmed(self.items).is_empty()
    }

    /// The values, one at a time and in constant memory. Ends after the first error.
    ///
    /// # Errors
    ///
    /// `Malformed` for an item that is no value, in particular one nested deeper than
    /// [`VALUE_DEPTH_MAX`](crate::VALUE_DEPTH_MAX).
    pub fn iter(&self) -> Items<'a> {
        Items { rest: self.items, index: 0, ended: false }
    }

    /// All values at once. They may take thirty times the memory of the text; where one at a time
    /// will do, use [`iter`](Self::iter).
    ///
    /// # Errors
    ///
    /// As [`iter`](Self::iter): any bad item spoils the list.
    pub fn values(&self) -> Result<Vec<Value<'a>>, BodyError> {
        self.iter().collect()
    }
}

impl<'a> IntoIterator for List<'a> {
    type Item = Result<Value<'a>, BodyError>;
    type IntoIter = Items<'a>;

    fn into_iter(self) -> Items<'a> {
        self.iter()
    }
}

/// The values of a [`List`].
#[derive(Debug, Clone)]
pub struct Items<'a> {
    rest: &'a str,
    index: usize,
    ended: bool,
}

impl<'a> Items<'a> {
    fn read(&mut self) -> Result<Value<'a>, ValueError> {
        if self.index > 0 {
            self.rest = trimmed(self.rest)
                .strip_prefix(',')
                .ok_or_else(|| ValueError::NotJson("expected `,`".into()))?;
        }
        self.index += 1;
        let mut values = Deserializer::from_str(self.rest).into_iter::<&RawValue>();
        let raw = match values.next() {
            Some(raw) => raw.map_err(|error| ValueError::NotJson(describe(&error)))?,
            None => return Err(ValueError::NotJson("expected a value".into())),
        };
        self.rest = &self.rest[values.byte_offset()..];
        Value::from_raw(raw.get())
    }
}

/// The text without the white space of JSON in front of it.
fn trimmed(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\r', '\n'])
}

impl<'a> Iterator for Items<'a> {
    type Item = Result<Value<'a>, BodyError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended || trimmed(self.rest).is_empty() {
            return None;
        }
        let item = self.read().map_err(|error| {
            self.ended = true;
            let reason = excerpt(&error.to_string());
            BodyError::Malformed(format!("item {} of the list is {reason}", self.index))
        });
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(items: &str) -> Result<Vec<&str>, BodyError> {
        Ok(List::from_items(items).values()?.iter().map(Value::text).collect())
    }

    #[test]
    fn items_are_read_as_they_stand() {
        assert_eq!(texts(""), Ok(vec![]));
        assert_eq!(texts(" \t"), Ok(vec![]));
        assert_eq!(texts("1, 1.0 ,\"a,b\",[1, 2], {\"a\":[]}").unwrap().len(), 5);
        assert_eq!(texts("1.0"), Ok(vec!["1.0"]));
        assert!(List::from_items(" ").is_empty());
        assert!(!List::from_items("0").is_empty());
    }

    #[test]
    fn a_bad_item_ends_the_list_with_its_number() {
        let deep = format!("1, {}{}", "[".repeat(1000), "]".repeat(1000));
        for (items, expected) in [
            (deep.as_str(), "item 2 of the list is nested more than 127 deep"),
            ("1, 2, ", "item 3 of the list is not JSON: expected a value"),
            ("1 2", "item 1 of the list is not JSON: expected `,`"),
        ] {
            let error = List::from_items(items).values().unwrap_err();
            assert_eq!(error.text(), expected);
            let items: Vec<_> = List::from_items(items).iter().collect();
            assert_eq!(items.iter().filter(|item| item.is_err()).count(), 1);
            assert!(items.last().unwrap().is_err());
        }
    }
}
