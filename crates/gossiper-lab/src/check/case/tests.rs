use super::*;

fn case(text: &str) -> Result<Case, String> {
    Case::of_json(&Json::parse(text).expect("valid JSON"))
}

fn error_of_step(step: &str) -> String {
    case(&format!(r#"{{"name": "x", "steps": [{step}]}}"#)).expect_err("a bad step")
}

#[test]
fn the_published_form_sends_first_and_then_expects() {
    let case = case(r#"{"task": "1", "name": "x", "input": ["{}", "a"], "expected": ["b"]}"#)
        .expect("a valid case");
    let steps: Vec<_> = case.steps.iter().map(Step::describe).collect();
    assert_eq!(steps, ["send", "send", "expect"]);
    assert!(!case.exact && case.args.is_empty() && case.time_limit.is_none());
}

#[test]
fn every_kind_of_step_is_read() {
    let case = case(
        r#"{"name": "x", "args": ["--seed", "1"], "time_limit_ms": 500, "exact": true, "note": "y",
            "steps": [
                {"send": {"a": 1}}, {"send": "verbatim"}, {"send_bytes_hex": "7b ff"},
                {"send_repeat": {"prefix": "a", "text": "b", "times": 3, "suffix": "c"}},
                {"expect": {"id": "<$m>"}}, {"expect": "{}"}, {"expect_any_order": ["{}", {}]},
                {"skip_until": {"a": "<any>"}}, {"send": {"re": "<$m>"}}, {"silence_ms": 5},
                {"wait_ms": 6}, {"close": true}, {"exit": 0}, {"expect_stderr": "z"}]}"#,
    )
    .expect("a valid case");
    assert_eq!(case.steps.len(), 14);
    assert_eq!(case.args, ["--seed", "1"]);
    assert_eq!(case.time_limit, Some(Duration::from_millis(500)));
    assert!(case.exact);
    assert!(matches!(&case.steps[2], Step::Send(Outgoing::Bytes(bytes)) if bytes == b"{\xff"));
}

#[test]
fn bad_steps_are_named_with_what_to_do() {
    let unknown = error_of_step(r#"{"expct": {}}"#);
    assert!(unknown.starts_with("step 1: unknown step \"expct\"; there are send,"), "{unknown}");
    for (step, part) in [
        ("7", "is a number; a step is an object"),
        ("{}", "has 0 keys"),
        (r#"{"send": "a\nb"}"#, "holds a line feed"),
        (r#"{"send": {"a": "<any>"}}"#, "holds a pattern"),
        (r#"{"send": {"a": "<$m>"}}"#, "sends <$m>, which no expected line before it binds"),
        (r#"{"send_bytes_hex": "abc"}"#, "pairs of hexadecimal digits"),
        (r#"{"send_bytes_hex": "0a"}"#, "line feed"),
        (r#"{"send_repeat": {"text": "x", "time": 1}}"#, "unknown key \"time\""),
        (r#"{"send_repeat": {"text": "x", "times": 4000000000}}"#, "more than 256 MiB"),
        (r#"{"expect": {"a": "<nay>"}}"#, "\"expect\": unknown pattern <nay>"),
        (r#"{"silence_ms": "1"}"#, "\"silence_ms\": is a string; it takes a number"),
        (r#"{"wait_ms": -1}"#, "-1 is out of range"),
        (r#"{"close": false}"#, "must be true"),
        (r#"{"close": true}, {"send": "x"}"#, "step 2: sends after \"close\""),
    ] {
        let error = error_of_step(step);
        assert!(error.contains(part), "{step}: {error}");
    }
}

#[test]
fn bad_cases_are_named_with_what_to_do() {
    for (text, part) in [
        ("[]", "is a list; a case is an object"),
        (r#"{"steps": [{"close": true}]}"#, "has no name"),
        (r#"{"name": "x"}"#, "needs either \"steps\", or both"),
        (r#"{"name": "x", "input": []}"#, "needs either \"steps\", or both"),
        (r#"{"name": "x", "steps": []}"#, "expects nothing"),
        (r#"{"name": "x", "steps": [{"send": {}}, {"close": true}]}"#, "expects nothing"),
        (r#"{"name": "x", "step": []}"#, "unknown key \"step\""),
        (r#"{"name": "x", "exact": 1}"#, "\"exact\": is a number; it takes true or false"),
    ] {
        let error = case(text).expect_err(text);
        assert!(error.contains(part), "{text}: {error}");
    }
}

#[test]
fn a_variable_may_be_sent_once_an_earlier_step_binds_it() {
    assert!(
        case(
            r#"{"name": "x", "steps": [{"expect_any_order": [{"a": "<$m>"}]}, {"send": ["<$m>"]}]}"#
        )
        .is_ok()
    );
}
