//! What an expected value may be: the patterns of a case file.

use std::collections::BTreeMap;
use std::fmt;

use super::json::{Json, Text};

/// What `<$name>` stood for, by name.
pub(super) type Variables = BTreeMap<String, Json>;

/// The key that allows further fields in an object.
const MORE: &str = "<more>";
/// The only key of an object that stands for a list in any order.
const SET: &str = "<set>";

/// A value as a case expects it.
#[derive(Clone, Debug)]
pub(super) enum Pattern {
    /// Just this: null, a boolean, a number or a string.
    Scalar(Json),
    List(Vec<Pattern>),
    /// A list with these elements in any order.
    Set(Vec<Pattern>),
    Object {
        fields: Vec<(Text, Pattern)>,
        /// Whether there may be others.
        more: bool,
    },
    Any,
    Int(Range),
    Number(Range),
    /// A string that is not empty.
    AnyText,
    /// One of these strings.
    OneOf(Vec<String>),
    /// Any value at first, and from then on the same one.
    Variable(String),
}

/// Both ends included; `None` is open.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Range {
    min: Option<f64>,
    max: Option<f64>,
}

impl Pattern {
    /// Reads a value of a case file, in which a string `<...>` is a pattern.
    pub(super) fn compile(json: &Json) -> Result<Pattern, String> {
        Ok(match json {
            Json::List(elements) => Pattern::List(Pattern::compile_all(elements)?),
            Json::Object(fields) => {
                if let [(key, value)] = fields.as_slice()
                    && key.plain == SET
                {
                    let Json::List(elements) = value else {
                        return Err(format!("\"{SET}\" needs a list, not {}", value.kind()));
                    };
                    return Ok(Pattern::Set(Pattern::compile_all(elements)?));
                }
                let more = fields.iter().any(|(key, _)| key.plain == MORE);
                let fields: Result<_, String> = fields
                    .iter()
                    .filter(|(key, _)| key.plain != MORE)
                    .map(|(key, value)| Ok((compile_key(key)?, Pattern::compile(value)?)))
                    .collect();
                Pattern::Object { fields: fields?, more }
            }
            Json::Text(text) if text.plain.starts_with("<<") => {
                Pattern::Scalar(Json::Text(text.without_first()))
            }
            Json::Text(text) => {
                match text.plain.strip_prefix('<').and_then(|t| t.strip_suffix('>')) {
                    Some(inner) => Pattern::compile_text(inner)?,
                    None => Pattern::Scalar(json.clone()),
                }
            }
            scalar => Pattern::Scalar(scalar.clone()),
        })
    }

    fn compile_all(elements: &[Json]) -> Result<Vec<Pattern>, String> {
        elements.iter().map(Pattern::compile).collect()
    }

    fn compile_text(inner: &str) -> Result<Pattern, String> {
        if let Some(name) = inner.strip_prefix('$') {
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if name.is_empty() || !name.chars().all(is_name) {
                return Err(format!("<{inner}>: a variable's name has letters, digits and _ only"));
            }
            return Ok(Pattern::Variable(name.to_owned()));
        }
        let (word, rest) = inner.split_once(' ').map_or((inner, None), |(w, r)| (w, Some(r)));
        match (word, rest) {
            ("any", None) => Ok(Pattern::Any),
            ("int", rest) => Ok(Pattern::Int(Range::compile(rest)?)),
            ("number", rest) => Ok(Pattern::Number(Range::compile(rest)?)),
            ("text", None) => Ok(Pattern::AnyText),
            ("text", Some(words)) => {
                Ok(Pattern::OneOf(words.split('|').map(str::to_owned).collect()))
            }
            _ => Err(format!(
                "unknown pattern <{inner}>; there are <any>, <int>, <int 1..9>, <number>, \
                 <number 0.5..1>, <text>, <text a|b> and <$name>; write \"<<{inner}>\" for the \
                 text <{inner}> itself"
            )),
        }
    }

    /// Reads a value in which nothing is a pattern.
    pub(super) fn literal(json: &Json) -> Pattern {
        match json {
            Json::List(elements) => Pattern::List(elements.iter().map(Pattern::literal).collect()),
            Json::Object(fields) => {
                let literal = |(key, value): &(Text, Json)| (key.clone(), Pattern::literal(value));
                Pattern::Object { fields: fields.iter().map(literal).collect(), more: false }
            }
            scalar => Pattern::Scalar(scalar.clone()),
        }
    }

    /// The one value that this stands for, where it holds no patterns but variables that are bound.
    pub(super) fn value(&self, variables: &Variables) -> Option<Json> {
        match self {
            Pattern::Scalar(json) => Some(json.clone()),
            Pattern::List(elements) => {
                let list: Option<_> = elements.iter().map(|e| e.value(variables)).collect();
                Some(Json::List(list?))
            }
            Pattern::Object { fields, more: false } => {
                let fields: Option<_> = fields
                    .iter()
                    .map(|(key, value)| Some((key.clone(), value.value(variables)?)))
                    .collect();
                Some(Json::Object(fields?))
            }
            Pattern::Variable(name) => variables.get(name).cloned(),
            _ => None,
        }
    }

    /// The names of all variables in it.
    pub(super) fn variable_names(&self) -> Vec<&str> {
        match self {
            Pattern::Variable(name) => vec![name],
            Pattern::List(elements) | Pattern::Set(elements) => {
                elements.iter().flat_map(Pattern::variable_names).collect()
            }
            Pattern::Object { fields, .. } => {
                fields.iter().flat_map(|(_, value)| value.variable_names()).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// Shows a pattern as it stands in the case file, but for escapes.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |elements: &[Pattern]| {
            elements.iter().map(Pattern::to_string).collect::<Vec<_>>().join(", ")
        };
        match self {
            Pattern::Scalar(json) => write!(f, "{json}"),
            Pattern::List(elements) => write!(f, "[{}]", list(elements)),
            Pattern::Set(elements) => write!(f, "[{}] in any order", list(elements)),
            Pattern::Object { fields, more } => {
                let mut parts: Vec<String> = fields
                    .iter()
                    .map(|(key, value)| format!("\"{}\": {value}", key.plain))
                    .collect();
                parts.extend(more.then(|| "…".to_owned()));
                write!(f, "{{{}}}", parts.join(", "))
            }
            Pattern::Any => f.write_str("<any>"),
            Pattern::Int(range) => write!(f, "<int{range}>"),
            Pattern::Number(range) => write!(f, "<number{range}>"),
            Pattern::AnyText => f.write_str("<text>"),
            Pattern::OneOf(words) => write!(f, "<text {}>", words.join("|")),
            Pattern::Variable(name) => write!(f, "<${name}>"),
        }
    }
}

/// A key has no patterns, but what looks like one is more likely a slip than meant.
fn compile_key(key: &Text) -> Result<Text, String> {
    if key.plain.starts_with("<<") {
        return Ok(key.without_first());
    }
    if key.plain.starts_with('<') && key.plain.ends_with('>') {
        return Err(format!(
            "unknown key \"{0}\"; the special keys are \"{MORE}\" and, alone in its object, \
             \"{SET}\"; write \"<{0}\" for the key {0} itself",
            key.plain
        ));
    }
    Ok(key.clone())
}

impl Range {
    fn compile(text: Option<&str>) -> Result<Range, String> {
        let Some(text) = text else {
            return Ok(Range::default());
        };
        let end = |part: &str| match part {
            "" => Ok(None),
            _ => part.parse().map(Some).map_err(|_| format!("\"{part}\" in a range is no number")),
        };
        match text.split_once("..") {
            Some((min, max)) => match (end(min)?, end(max)?) {
                (Some(min), Some(max)) if min > max => {
                    Err(format!("no number is in the range \"{text}\""))
                }
                (min, max) => Ok(Range { min, max }),
            },
            None => Err(format!("\"{text}\" is no range; write it as 1..9, 1.. or ..9")),
        }
    }

    pub(super) fn holds(self, number: &str) -> bool {
        let Ok(number) = number.parse::<f64>() else {
            return false;
        };
        self.min.is_none_or(|min| min <= number) && self.max.is_none_or(|max| number <= max)
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = |end: Option<f64>| end.map(|end| end.to_string()).unwrap_or_default();
        match (self.min, self.max) {
            (None, None) => Ok(()),
            (min, max) => write!(f, " {}..{}", end(min), end(max)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compile_error(text: &str) -> String {
        let json = Json::parse(text).expect("valid JSON");
        Pattern::compile(&json).expect_err("no pattern")
    }

    #[test]
    fn slips_in_patterns_are_errors() {
        assert!(compile_error(r#""<integer>""#).starts_with("unknown pattern <integer>"));
        assert!(compile_error(r#""<any 3>""#).starts_with("unknown pattern"));
        assert!(compile_error(r#""<int 3>""#).contains("is no range"));
        assert!(compile_error(r#""<int a..b>""#).contains("is no number"));
        assert!(compile_error(r#""<int 9..1>""#).contains("no number is in"));
        assert!(compile_error(r#""<$>""#).contains("name"));
        assert!(compile_error(r#"{"<set>": 1}"#).contains("needs a list"));
        assert!(compile_error(r#"{"<set>": [], "a": 1}"#).contains("unknown key"));
    }
}
