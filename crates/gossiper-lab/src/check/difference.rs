//! Where a printed value differs from the expected one.

use std::fmt;

use super::json::{Json, Text};
use super::pattern::{Pattern, Variables};

/// Longest stretch of a value shown in a difference, in characters.
const SHOWN_CHARS_MAX: usize = 100;

/// One place in which a printed value is not what was expected.
#[derive(Clone, Debug)]
pub(super) struct Difference {
    path: String,
    expected: String,
    got: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "the line" } else { &self.path };
        let (expected, got) = (clip(&self.expected), clip(&self.got));
        write!(f, "{path}: expected {expected}, got {got}")
    }
}

/// `text`, or its beginning with how much is left out.
pub(super) fn clip(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}

impl Pattern {
    /// Whether `got` is what is expected. Binds variables when it is, and leaves them alone when
    /// not.
    pub(super) fn matches(&self, got: &Json, in_order: bool, variables: &mut Variables) -> bool {
        let mut bound = variables.clone();
        let is_match = self.differences(got, in_order, &mut bound).is_empty();
        if is_match {
            *variables = bound;
        }
        is_match
    }

    /// Everything in which `got` differs, in the order of the expected value. With `in_order` an
    /// object's keys must also stand as they do here.
    pub(super) fn differences(
        &self,
        got: &Json,
        in_order: bool,
        variables: &mut Variables,
    ) -> Vec<Difference> {
        let mut comparison = Comparison { in_order, variables, found: Vec::new() };
        comparison.compare("", self, got);
        comparison.found
    }
}

struct Comparison<'a> {
    in_order: bool,
    variables: &'a mut Variables,
    found: Vec<Difference>,
}

impl Comparison<'_> {
    fn differ(&mut self, path: &str, expected: impl fmt::Display, got: impl fmt::Display) {
        let (expected, got) = (expected.to_string(), got.to_string());
        self.found.push(Difference { path: path.to_owned(), expected, got });
    }

    fn compare(&mut self, path: &str, expected: &Pattern, got: &Json) {
        let is_match = match (expected, got) {
            (Pattern::List(expected), Json::List(got)) => {
                return self.compare_lists(path, expected, got);
            }
            (Pattern::Object { fields, more }, Json::Object(got)) => {
                return self.compare_objects(path, fields, *more, got);
            }
            (Pattern::Variable(name), got) => match self.variables.get(name) {
                Some(bound) => return self.compare(path, &Pattern::literal(&bound.clone()), got),
                None => {
                    self.variables.insert(name.clone(), got.clone());
                    true
                }
            },
            (Pattern::Set(expected), Json::List(got)) => {
                let fits = |value: usize, pattern: usize, variables: &mut Variables| {
                    expected[pattern].matches(&got[value], self.in_order, variables)
                };
                let (values, patterns) = (got.len(), expected.len());
                match Pairing::search(values, patterns, self.variables, &fits) {
                    Some(pairing) if values == patterns => {
                        *self.variables = pairing.variables;
                        true
                    }
                    _ => false,
                }
            }
            (Pattern::Scalar(expected), got) => is_same_scalar(expected, got),
            (Pattern::Any, _) => true,
            (Pattern::Int(range), Json::Number(text)) => is_int(text) && range.holds(text),
            (Pattern::Number(range), Json::Number(text)) => range.holds(text),
            (Pattern::AnyText, Json::Text(text)) => !text.plain.is_empty(),
            (Pattern::OneOf(words), Json::Text(text)) => words.contains(&text.plain),
            _ => false,
        };
        if !is_match {
            self.differ(path, expected, got);
        }
    }

    fn compare_lists(&mut self, path: &str, expected: &[Pattern], got: &[Json]) {
        for index in 0..expected.len().max(got.len()) {
            let path = format!("{path}[{index}]");
            match (expected.get(index), got.get(index)) {
                (Some(expected), Some(got)) => self.compare(&path, expected, got),
                (Some(expected), None) => self.differ(&path, expected, "nothing"),
                (None, Some(got)) => self.differ(&path, "nothing", got),
                (None, None) => {}
            }
        }
    }

    fn compare_objects(
        &mut self,
        path: &str,
        expected: &[(Text, Pattern)],
        more: bool,
        got: &[(Text, Json)],
    ) {
        let below = |key: &Text| match path {
            "" => key.plain.clone(),
            _ => format!("{path}.{}", key.plain),
        };
        let is_expected = |key: &Text| expected.iter().any(|(name, _)| name.plain == key.plain);
        for (key, pattern) in expected {
            let mut values = got.iter().filter(|(name, _)| name.plain == key.plain);
            match (values.next(), values.next()) {
                (Some((_, value)), None) => self.compare(&below(key), pattern, value),
                (Some(_), Some(_)) => self.differ(&below(key), "it once", "it more than once"),
                (None, _) => self.differ(&below(key), pattern, "nothing"),
            }
        }
        if !more {
            for (key, value) in got.iter().filter(|(key, _)| !is_expected(key)) {
                self.differ(&below(key), "nothing", value);
            }
        }
        if self.in_order {
            let names = |keys: Vec<&str>| format!("the keys in the order {}", keys.join(", "));
            let wanted: Vec<_> = expected.iter().map(|(key, _)| key.plain.as_str()).collect();
            let came = got.iter().filter(|(key, _)| is_expected(key));
            let came: Vec<_> = came.map(|(key, _)| key.plain.as_str()).collect();
            // Missing and repeated keys have been named already.
            if wanted.len() == came.len() && wanted != came {
                self.differ(path, names(wanted), names(came));
            }
        }
    }
}

/// A pairing of values with patterns, each with one of its own.
pub(super) struct Pairing {
    pub(super) variables: Variables,
    /// Which patterns have found a value.
    pub(super) is_taken: Vec<bool>,
}

impl Pairing {
    /// Pairs each of `values` values with one of `patterns` patterns, of which some may stay alone.
    /// `fits` says whether a value and a pattern, given by their numbers, go together, and binds
    /// variables.
    pub(super) fn search(
        values: usize,
        patterns: usize,
        variables: &Variables,
        fits: &dyn Fn(usize, usize, &mut Variables) -> bool,
    ) -> Option<Pairing> {
        let start = Pairing { variables: variables.clone(), is_taken: vec![false; patterns] };
        start.extend(0, values, fits)
    }

    fn extend(
        self,
        value: usize,
        values: usize,
        fits: &dyn Fn(usize, usize, &mut Variables) -> bool,
    ) -> Option<Pairing> {
        if value == values {
            return Some(self);
        }
        (0..self.is_taken.len()).filter(|pattern| !self.is_taken[*pattern]).find_map(|pattern| {
            let mut variables = self.variables.clone();
            if !fits(value, pattern, &mut variables) {
                return None;
            }
            let mut is_taken = self.is_taken.clone();
            is_taken[pattern] = true;
            Pairing { variables, is_taken }.extend(value + 1, values, fits)
        })
    }
}

fn is_same_scalar(expected: &Json, got: &Json) -> bool {
    match (expected, got) {
        (Json::Null, Json::Null) => true,
        (Json::Bool(expected), Json::Bool(got)) => expected == got,
        // By their text: 1.0 is not 1, and no digit of a large integer is lost.
        (Json::Number(expected), Json::Number(got)) => expected == got,
        (Json::Text(expected), Json::Text(got)) => expected.plain == got.plain,
        _ => false,
    }
}

fn is_int(number: &str) -> bool {
    number.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests;
