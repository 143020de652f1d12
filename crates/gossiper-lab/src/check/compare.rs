//! A printed line against an expected one, and the difference in words.

use super::case::Expected;
use super::difference::{Difference, clip};
use super::json::Json;
use super::pattern::{Pattern, Variables};
use crate::text;

/// Differences named in a report; the rest is counted.
const DIFFERENCES_SHOWN: usize = 5;
/// Longest part of a line shown, in characters.
const LINE_CHARS_MAX: usize = 2000;
/// Characters shown on either side of the first differing byte.
const CONTEXT_CHARS: usize = 60;

impl Expected {
    /// Compares a printed line with this, by value or by bytes, and binds variables if they agree.
    /// If not, says why, a line each.
    pub(super) fn check(
        &self,
        line: &[u8],
        bytes: bool,
        variables: &mut Variables,
    ) -> Result<(), Vec<String>> {
        if bytes && let Some(text) = self.text(variables) {
            return match text.as_bytes() == line {
                true => Ok(()),
                false => Err(self.bytes_report(&text, line, variables)),
            };
        }
        let Some(pattern) = self.pattern() else {
            // A line that is not JSON itself can only be meant as it stands.
            let Expected::Line(text) = self else { unreachable!("patterns are JSON") };
            return match text.as_bytes() == line {
                true => Ok(()),
                false => Err(self.bytes_report(text, line, variables)),
            };
        };
        let mut report = self.lines(line);
        match parse(line) {
            Ok(json) => {
                let mut bound = variables.clone();
                let differences = pattern.differences(&json, bytes, &mut bound);
                if differences.is_empty() {
                    *variables = bound;
                    return Ok(());
                }
                report.extend(shown(&differences));
            }
            Err(problem) => report.push(problem),
        }
        Err(report)
    }

    /// The very line expected, where there is just one.
    fn text(&self, variables: &Variables) -> Option<String> {
        match self {
            Expected::Line(text) => Some(text.clone()),
            Expected::Pattern(pattern) => pattern.value(variables).map(|json| json.to_string()),
        }
    }

    /// The value expected; `None` for a verbatim line that is not JSON.
    fn pattern(&self) -> Option<Pattern> {
        match self {
            Expected::Line(text) => Json::parse(text).ok().map(|json| Pattern::literal(&json)),
            Expected::Pattern(pattern) => Some(pattern.clone()),
        }
    }

    /// In how many places the line differs, to find the nearest of several expected ones.
    pub(super) fn distance(&self, line: &[u8], variables: &Variables) -> usize {
        match (self.pattern(), parse(line)) {
            (Some(pattern), Ok(json)) => {
                pattern.differences(&json, false, &mut variables.clone()).len()
            }
            _ => usize::MAX,
        }
    }

    /// The expected line for people.
    pub(super) fn shown(&self) -> String {
        match self {
            Expected::Line(text) => text.clone(),
            Expected::Pattern(pattern) => pattern.to_string(),
        }
    }

    fn lines(&self, line: &[u8]) -> Vec<String> {
        vec![
            format!("expected  {}", cut(&self.shown())),
            format!("printed   {}", cut(&String::from_utf8_lossy(line))),
        ]
    }

    fn bytes_report(&self, text: &str, line: &[u8], variables: &Variables) -> Vec<String> {
        let mut report = byte_difference(text.as_bytes(), line);
        let Some(pattern) = self.pattern() else {
            return report;
        };
        match parse(line) {
            Ok(json) => {
                let differences = pattern.differences(&json, false, &mut variables.clone());
                if differences.is_empty() {
                    report.push(
                        "the values are equal; only the text differs (spaces, the order of keys, \
                         or how a string is escaped)"
                            .into(),
                    );
                }
                report.extend(shown(&differences));
            }
            Err(problem) => report.push(problem),
        }
        report
    }
}

/// Reads a printed line, or says why it cannot be read.
fn parse(line: &[u8]) -> Result<Json, String> {
    let text = std::str::from_utf8(line).map_err(|cause| format!("it is not UTF-8: {cause}"))?;
    Json::parse(text).map_err(|cause| format!("it is not JSON: {cause}"))
}

/// A line for people, cut where it gets too long to read.
pub(super) fn cut(line: &str) -> String {
    text::cut(line, LINE_CHARS_MAX)
}

fn shown(differences: &[Difference]) -> Vec<String> {
    let mut lines: Vec<String> =
        differences.iter().take(DIFFERENCES_SHOWN).map(Difference::to_string).collect();
    if differences.len() > DIFFERENCES_SHOWN {
        lines.push(format!("and {} more differences", differences.len() - DIFFERENCES_SHOWN));
    }
    lines
}

/// Both lines around the first byte in which they differ, and a caret under it.
fn byte_difference(expected: &[u8], got: &[u8]) -> Vec<String> {
    let same = expected.iter().zip(got).take_while(|(one, other)| one == other).count();
    let (expected, got) = (String::from_utf8_lossy(expected), String::from_utf8_lossy(got));
    // Not into the middle of a character, in either text.
    let mut start = same.min(expected.len()).min(got.len());
    while !expected.is_char_boundary(start) || !got.is_char_boundary(start) {
        start -= 1;
    }
    let before: Vec<char> = expected[..start].chars().collect();
    let hidden = before.len().saturating_sub(CONTEXT_CHARS);
    let lead = if hidden > 0 { "…" } else { "" };
    let window = |text: &str| {
        let rest: String = text[start..].chars().take(CONTEXT_CHARS).collect();
        let tail = if rest.len() < text.len() - start { "…" } else { "" };
        format!("{lead}{}{rest}{tail}", before[hidden..].iter().collect::<String>())
    };
    let at = |text: &str| match text[start..].chars().next() {
        Some(char) => clip(&format!("{char:?}")),
        None => "the end of the line".to_owned(),
    };
    let indent = lead.chars().count() + before.len() - hidden;
    vec![
        format!("expected  {}", window(&expected)),
        format!("printed   {}", window(&got)),
        format!(
            "          {}^ byte {}: expected {}, got {}",
            " ".repeat(indent),
            same + 1,
            at(&expected),
            at(&got)
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(expected: &str, line: &str, bytes: bool) -> Vec<String> {
        let expected = match expected.starts_with('=') {
            true => Expected::Line(expected[1..].into()),
            false => {
                let json = Json::parse(expected).expect("valid JSON");
                Expected::Pattern(Pattern::compile(&json).expect("valid pattern"))
            }
        };
        match expected.check(line.as_bytes(), bytes, &mut Variables::new()) {
            Ok(()) => Vec::new(),
            Err(report) => report,
        }
    }

    #[test]
    fn spacing_and_key_order_matter_only_by_bytes() {
        let line = r#"{"a": 1, "b": [true, null]}"#;
        for expected in [r#"={"b":[true,null],"a":1}"#, r#"{"b":[true,null],"a":1}"#] {
            assert!(report(expected, line, false).is_empty());
            assert!(!report(expected, line, true).is_empty());
        }
        assert!(report(&format!("={line}"), line, true).is_empty());
        assert!(report(r#"{"a":1,"b":[true,null]}"#, line, true).is_empty());
    }

    #[test]
    fn a_caret_stands_under_the_first_differing_byte() {
        let report = report("={\"é\": 1}", "{\"é\":1}", true);
        assert_eq!(
            report[..3],
            [
                "expected  {\"é\": 1}".to_owned(),
                "printed   {\"é\":1}".to_owned(),
                "               ^ byte 7: expected ' ', got '1'".to_owned(),
            ]
        );
        assert!(report[3].starts_with("the values are equal"), "{report:?}");
    }

    #[test]
    fn a_long_line_is_shown_around_the_difference() {
        let many = "x".repeat(500);
        let report = report(&format!("=\"{many}a{many}\""), &format!("\"{many}b{many}\""), true);
        assert!(report.iter().take(3).all(|line| line.chars().count() < 220), "{report:?}");
        assert!(report[2].ends_with("^ byte 502: expected 'a', got 'b'"), "{report:?}");
        let caret = report[2].chars().position(|c| c == '^').expect("a caret");
        assert_eq!(report[0].chars().nth(caret), Some('a'));
        assert_eq!(report[1].chars().nth(caret), Some('b'));
    }

    #[test]
    fn a_difference_inside_a_character_is_shown_before_it() {
        let report = report("=\"é\"", "\"è\"", true);
        assert_eq!(report[2], "           ^ byte 3: expected 'é', got 'è'");
    }

    #[test]
    fn one_line_that_goes_on_after_the_other_differs_at_its_end() {
        let report = report("={}", "{}\r", true);
        assert_eq!(report[2], "            ^ byte 3: expected the end of the line, got '\\r'");
    }

    #[test]
    fn with_patterns_bytes_mode_still_demands_the_order_of_keys() {
        assert!(report(r#"{"a":"<int>","b":2}"#, r#"{"a": 7, "b": 2}"#, true).is_empty());
        let report = report(r#"{"a":"<int>","b":2}"#, r#"{"b": 2, "a": 7}"#, true);
        assert_eq!(
            report[2],
            "the line: expected the keys in the order a, b, got the keys in the order b, a"
        );
    }

    #[test]
    fn what_is_not_json_is_called_that() {
        assert!(report("{}", "hello", false)[2].starts_with("it is not JSON: "));
    }

    #[test]
    fn an_expected_line_that_is_not_json_is_taken_as_it_stands() {
        assert!(report("=hello", "hello", false).is_empty());
        assert_eq!(report("=hello", "hallo", false).len(), 3);
    }
}
