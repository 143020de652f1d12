use super::*;

fn json(text: &str) -> Json {
    Json::parse(text).expect("valid JSON")
}

fn pattern(text: &str) -> Pattern {
    Pattern::compile(&json(text)).expect("valid pattern")
}

fn matches(expected: &str, got: &str) -> bool {
    pattern(expected).matches(&json(got), false, &mut Variables::new())
}

fn differences(expected: &str, got: &str) -> Vec<String> {
    pattern(expected)
        .differences(&json(got), false, &mut Variables::new())
        .iter()
        .map(Difference::to_string)
        .collect()
}

#[test]
fn key_order_and_spacing_do_not_matter() {
    assert!(matches(r#"{"a": 1, "b": {"c": []}}"#, r#"{"b":{"c":[ ]},"a":1}"#));
}

#[test]
fn numbers_are_compared_by_their_text() {
    assert!(matches("1", "1"));
    assert!(!matches("1", "1.0"));
    assert!(!matches("100", "1e2"));
    assert!(!matches("18446744073709551617", "18446744073709551616"));
    assert!(!matches("0.1", "0.10"));
}

#[test]
fn strings_are_compared_by_what_they_say() {
    assert!(matches(r#""é""#, r#""\u00e9""#));
    assert!(matches(r#"{"é": 1}"#, r#"{"\u00e9": 1}"#));
    assert!(!matches(r#""1""#, "1"));
}

#[test]
fn a_difference_names_its_path() {
    assert_eq!(
        differences(
            r#"{"body": {"messages": [10, 20, 30]}}"#,
            r#"{"body": {"messages": [10, 20, 31]}}"#
        ),
        ["body.messages[2]: expected 30, got 31"]
    );
}

#[test]
fn what_is_missing_or_too_much_is_named() {
    assert_eq!(
        differences(r#"{"a": [1, 2], "b": "x"}"#, r#"{"a": [1], "c": null}"#),
        [
            "a[1]: expected 2, got nothing",
            "b: expected \"x\", got nothing",
            "c: expected nothing, got null"
        ]
    );
    assert_eq!(differences("[]", "[7]"), ["[0]: expected nothing, got 7"]);
    assert_eq!(differences("{}", "[]"), ["the line: expected {}, got []"]);
}

#[test]
fn a_repeated_key_is_a_difference() {
    assert_eq!(
        differences(r#"{"a": 1}"#, r#"{"a": 1, "a": 1}"#),
        ["a: expected it once, got it more than once"]
    );
}

#[test]
fn long_values_are_clipped_in_a_difference() {
    let long = format!("\"{}\"", "é".repeat(1000));
    let shown = &differences("1", &long)[0];
    assert!(shown.chars().count() < 150 && shown.ends_with("(2002 bytes)"), "{shown}");
}

#[test]
fn patterns_take_what_they_name() {
    assert!(matches(r#""<any>""#, "[null]"));
    assert!(matches(r#""<int>""#, "-18446744073709551617"));
    assert!(!matches(r#""<int>""#, "1.0"));
    assert!(!matches(r#""<int>""#, "\"1\""));
    assert!(matches(r#""<int 1..3>""#, "3"));
    assert!(!matches(r#""<int 1..3>""#, "4"));
    assert!(matches(r#""<int 1..>""#, "400"));
    assert!(!matches(r#""<int ..-1>""#, "0"));
    assert!(matches(r#""<number 0.9..1>""#, "0.95"));
    assert!(matches(r#""<number 0.9..1>""#, "1"));
    assert!(!matches(r#""<number 0.9..1>""#, "0.89"));
    assert!(matches(r#""<text>""#, "\"x\""));
    assert!(!matches(r#""<text>""#, "\"\""));
    assert!(matches(r#""<text n2|n3>""#, "\"n3\""));
    assert!(!matches(r#""<text n2|n3>""#, "\"n4\""));
}

#[test]
fn a_set_takes_its_elements_in_any_order() {
    assert!(matches(r#"{"<set>": [1, 2, 2]}"#, "[2, 1, 2]"));
    assert!(!matches(r#"{"<set>": [1, 2, 2]}"#, "[1, 2]"));
    assert!(!matches(r#"{"<set>": [1, 2, 2]}"#, "[1, 1, 2]"));
    // The first pattern must not keep the one value that the second needs.
    assert!(matches(r#"{"<set>": ["<int>", 1]}"#, "[1, 2]"));
    assert_eq!(
        differences(r#"{"m": {"<set>": [1, 2]}}"#, r#"{"m": [1, 3]}"#),
        ["m: expected [1, 2] in any order, got [1, 3]"]
    );
}

#[test]
fn an_object_may_allow_further_fields() {
    assert!(matches(r#"{"a": 1, "<more>": "<any>"}"#, r#"{"b": 2, "a": 1}"#));
    assert!(!matches(r#"{"a": 1, "<more>": "<any>"}"#, r#"{"b": 2}"#));
}

#[test]
fn a_variable_takes_any_value_once() {
    let expected = pattern(r#"["<$m>", "<$m>"]"#);
    let mut variables = Variables::new();
    assert!(!expected.matches(&json("[1, 2]"), false, &mut variables));
    assert!(variables.is_empty());
    assert!(expected.matches(&json("[[7], [7]]"), false, &mut variables));
    assert!(!expected.matches(&json("[8, 8]"), false, &mut variables));
    assert_eq!(
        pattern(r#"{"re": "<$m>"}"#).value(&variables).expect("bound").to_string(),
        r#"{"re": [7]}"#
    );
}

#[test]
fn a_doubled_bracket_is_the_text_itself() {
    assert!(matches(r#""<<any>""#, r#""<any>""#));
    assert!(!matches(r#""<<any>""#, "1"));
    assert!(matches(r#""<<<x>""#, r#""<<x>""#));
    assert!(matches(r#"{"<<set>": 1}"#, r#"{"<set>": 1}"#));
    assert!(matches(r#""< 3""#, r#""< 3""#));
}
