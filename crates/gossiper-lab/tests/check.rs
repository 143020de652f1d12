//! The transcript checker against small nodes in sh, sound ones and broken ones.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use gossiper_lab::check::{
    CaseFile, Failure, LoadError, Options, Outcome, Program, Verdict, run, run_files,
};

/// A node in one line of sh.
fn sh(script: &str) -> Program {
    Program::foreign(vec!["/bin/sh".into(), "-c".into(), script.into()])
}

/// Answers each line with itself.
fn echo() -> Program {
    sh("while read -r line; do printf '%s\\n' \"$line\"; done")
}

/// Writes `text` to a case file of its own and loads it.
fn load(name: &str, text: &str) -> Result<CaseFile, LoadError> {
    let path = case_path(name);
    fs::write(&path, text).expect("the temporary directory is writable");
    CaseFile::load(&path)
}

fn case_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.json"))
}

/// Plays one case made of `steps`, comparing by value.
fn play(name: &str, steps: &str, program: &Program) -> Outcome {
    play_with(name, &format!(r#"{{"name": "x", "steps": [{steps}]}}"#), program, false)
}

fn play_with(name: &str, case: &str, program: &Program, bytes: bool) -> Outcome {
    let file = load(name, &format!("[{case}]")).expect("a valid case");
    run(&file.cases[0], program, &Options { bytes, ..Options::default() })
}

#[track_caller]
fn expect_pass(outcome: &Outcome) {
    assert!(matches!(outcome, Outcome::Pass { .. }), "{outcome}");
}

#[track_caller]
fn expect_failure(outcome: Outcome, parts: &[&str]) -> Box<Failure> {
    let Outcome::Fail(failure) = outcome else { panic!("{outcome}") };
    let text = failure.to_string();
    for part in parts {
        assert!(text.contains(part), "no {part:?} in:\n{text}");
    }
    failure
}

#[test]
fn a_published_case_passes_when_its_lines_come_first() {
    let case = r#"{"task": "t", "name": "x", "input": ["{\"a\":1}", "{\"b\":2}", "{\"c\":3}"],
                   "expected": ["{\"a\": 1}", "{\"b\": 2}"]}"#;
    expect_pass(&play_with("published", case, &echo(), false));
    let spaced = sh("echo '{\"a\": 1}'; echo '{\"b\": 2}'; cat");
    expect_pass(&play_with("published-bytes", case, &spaced, true));
}

#[test]
fn bytes_mode_sees_the_spacing_that_values_hide() {
    let case = r#"{"name": "x", "input": ["{\"a\":1}"], "expected": ["{\"a\": 1}"]}"#;
    expect_pass(&play_with("spacing", case, &echo(), false));
    expect_failure(
        play_with("spacing", case, &echo(), true),
        &["^ byte 6: expected ' ', got '1'", "the values are equal"],
    );
}

#[test]
fn a_wrong_line_is_shown_with_its_difference_and_the_dialogue() {
    let outcome = play(
        "wrong",
        r#"{"send": {"q": [1, 2]}}, {"expect": {"q": [1, 2]}},
           {"expect_stderr": "saw"},
           {"send": {"q": [1, 3]}}, {"expect": {"q": [1, 4]}}"#,
        &sh("while read -r line; do printf '%s\\n' \"$line\"; echo \"saw $line\" >&2; done"),
    );
    let failure = expect_failure(
        outcome,
        &[
            "step 5 of 5, expect",
            "expected  {\"q\": [1, 4]}",
            "printed   {\"q\": [1, 3]}",
            "q[1]: expected 4, got 3",
            "> {\"q\": [1, 2]}",
            "< {\"q\": [1, 2]}",
            "still running and has been stopped",
        ],
    );
    assert!(failure.to_string().contains("| saw {\"q\": [1, 2]}"), "{failure}");
}

#[test]
fn an_early_exit_is_told_with_its_code_and_stderr() {
    let node = sh("read -r line; echo 'panicked at line 7' >&2; exit 3");
    expect_failure(
        play("early-exit", r#"{"send": {}}, {"expect": {}}"#, &node),
        &["closed its stdout", "had ended (exit status: 3)", "| panicked at line 7"],
    );
}

#[test]
fn lines_after_the_wrong_one_are_shown_too() {
    expect_failure(
        play("unread", r#"{"expect": {"a": 1}}"#, &sh("echo '{}'; echo last; echo words")),
        &["a: expected 1, got nothing", "printed after that:", "< last", "< words"],
    );
}

#[test]
fn a_node_that_hangs_is_stopped_at_the_limit() {
    let started = Instant::now();
    let case =
        r#"{"name": "x", "time_limit_ms": 100, "steps": [{"send": {}}, {"expect": {"a": 1}}]}"#;
    expect_failure(
        play_with("hang", case, &sh("exec sleep 600"), false),
        &[
            "expected  {\"a\": 1}",
            "nothing came within the time limit of 100ms",
            "has been stopped",
        ],
    );
    assert!(started.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_node_that_reads_nothing_does_not_block_the_sender() {
    let case = r#"{"name": "x", "time_limit_ms": 100, "steps": [
        {"send_repeat": {"prefix": "\"", "text": "ab", "times": 4000000, "suffix": "\""}},
        {"silence_ms": 20}, {"exit": 0}]}"#;
    expect_failure(
        play_with("reads-nothing", case, &sh("exec sleep 600"), false),
        &["did not exit within the time limit of 100ms; its stdin is still open"],
    );
}

#[test]
fn garbage_is_called_garbage() {
    expect_failure(
        play("garbage", r#"{"expect": {"a": 1}}"#, &sh("echo hello; cat")),
        &["printed   hello", "it is not JSON"],
    );
    expect_failure(
        play("garbage-utf8", r#"{"expect": {"a": 1}}"#, &sh("printf '\\377\\n'; cat")),
        &["it is not UTF-8"],
    );
}

#[test]
fn a_node_that_prints_without_end_fails_and_is_stopped() {
    let endless = sh("while :; do echo '{}'; done");
    expect_failure(
        play("endless", r#"{"expect": {}}, {"close": true}, {"silence_ms": 60000}"#, &endless),
        &["expected  nothing for 60000 ms"],
    );
    let case = r#"{"name": "x", "exact": true, "time_limit_ms": 300, "steps": [{"expect": {}}]}"#;
    expect_failure(play_with("endless-exact", case, &endless, false), &["did not exit"]);
}

#[test]
fn a_program_that_does_not_exist_fails_once_and_skips_the_rest() {
    let program = Program::foreign(vec!["/nowhere/node".into()]);
    let case = r#"{"name": "x", "steps": [{"expect": {}}]}"#;
    let file = load("no-program", &format!("[{case}, {case}, {case}]")).expect("valid cases");
    let mut out = Vec::new();
    let summary =
        run_files(&[file], &program, &Options::default(), &mut out).expect("a Vec takes all");
    let out = String::from_utf8(out).expect("text");
    assert_eq!((summary.passed, summary.failed, summary.skipped), (0, 1, 2));
    assert!(out.contains("`/nowhere/node` cannot be started: No such file"), "{out}");
}

#[test]
fn a_bound_variable_is_sent_and_expected_again() {
    expect_pass(&play(
        "variables",
        r#"{"send": {"msg_id": 41}}, {"expect": {"msg_id": "<$m>"}},
           {"send": {"in_reply_to": "<$m>"}}, {"expect": {"in_reply_to": "<$m>"}},
           {"expect_stderr": "41"}"#,
        &sh("while read -r line; do printf '%s\\n' \"$line\"; echo \"$line\" >&2; done"),
    ));
    expect_failure(
        play(
            "variables-differ",
            r#"{"send": {"id": 1}}, {"expect": {"id": "<$m>"}}, {"send": {"id": 2}}, {"expect": {"id": "<$m>"}}"#,
            &echo(),
        ),
        &["id: expected 1, got 2"],
    );
}

#[test]
fn lines_may_come_in_any_order() {
    let node = sh("echo '{\"a\": 2}'; echo '{\"a\": 1}'; echo '{\"a\": 3}'; cat");
    for bytes in [false, true] {
        let case = r#"{"name": "x", "steps": [{"expect_any_order": [{"a": "<int>"}, {"a": 2}]}, {"expect": {"a": 3}}]}"#;
        expect_pass(&play_with("any-order", case, &node, bytes));
    }
    expect_failure(
        play("any-order-none", r#"{"expect_any_order": [{"a": 2}, {"a": 5}]}"#, &node),
        &["it is not the one line still expected", "a: expected 5, got 1"],
    );
    let case = r#"{"name": "x", "time_limit_ms": 1000, "steps": [{"expect_any_order": [{"a": 1}, {"a": 2}, {"a": 3}, {"a": 4}]}]}"#;
    let failure = expect_failure(
        play_with("any-order-few", case, &node, false),
        &["expected  {\"a\": 4}", "nothing came"],
    );
    assert!(!failure.to_string().contains("expected  {\"a\": 3}"), "{failure}");
}

#[test]
fn lines_can_be_skipped() {
    let node = sh("echo '{\"a\": 1}'; echo noise; echo '{\"a\": 7}'; echo '{\"a\": 8}'; cat");
    expect_pass(&play("skip", r#"{"skip_until": {"a": 7}}, {"expect": {"a": 8}}"#, &node));
    let case = r#"{"name": "x", "time_limit_ms": 1000, "steps": [{"skip_until": {"a": 9}}]}"#;
    expect_failure(play_with("skip-none", case, &node, false), &["4 other lines came"]);
}

#[test]
fn silence_is_real_and_its_breach_is_told() {
    let started = Instant::now();
    expect_pass(&play("silence", r#"{"silence_ms": 120}"#, &echo()));
    assert!(started.elapsed() >= Duration::from_millis(120));
    expect_failure(
        play("silence-broken", r#"{"silence_ms": 60000}"#, &sh("echo '{\"a\": 1}'; cat")),
        &["expected  nothing for 60000 ms", "printed   {\"a\": 1}"],
    );
    expect_failure(
        play("silence-exit", r#"{"silence_ms": 60000}"#, &sh("exit 0")),
        &["closed its stdout while its stdin is open"],
    );
}

#[test]
fn lines_printed_during_a_wait_are_kept() {
    expect_pass(&play("wait", r#"{"send": {}}, {"wait_ms": 50}, {"expect": {}}"#, &echo()));
}

#[test]
fn bytes_that_are_no_text_are_sent_as_they_are() {
    let node =
        sh("read -r line; printf '%s' \"$line\" | od -An -tx1 | sed 's/^/\"/; s/$/\"/'; cat");
    expect_pass(&play(
        "hex",
        r#"{"send_bytes_hex": "7bff7d"}, {"expect": "\" 7b ff 7d\""}"#,
        &node,
    ));
}

#[test]
fn closing_stdin_ends_an_orderly_node() {
    expect_pass(&play("close", r#"{"close": true}, {"exit": 0}"#, &echo()));
    expect_failure(
        play("close-code", r#"{"close": true}, {"exit": 0}"#, &sh("cat; exit 4")),
        &["expected an exit with 0, but it ended with exit status: 4"],
    );
}

#[test]
fn an_exact_case_allows_nothing_more_and_an_orderly_end_only() {
    let case =
        r#"{"name": "x", "exact": true, "steps": [{"send": {"a": 1}}, {"expect": {"a": 1}}]}"#;
    expect_pass(&play_with("exact", case, &echo(), false));
    expect_failure(
        play_with("exact-more", case, &sh("cat; echo '{\"b\": 2}'"), false),
        &["after the last step", "expected  nothing more", "printed   {\"b\": 2}"],
    );
    expect_failure(
        play_with("exact-code", case, &sh("cat; exit 1"), false),
        &["ended with exit status: 1"],
    );
}

#[test]
fn stderr_is_waited_for_and_missed() {
    let node = sh("sleep 0.1; echo 'bad line 3' >&2; cat");
    expect_pass(&play("stderr", r#"{"expect_stderr": "line 3"}"#, &node));
    let case = r#"{"name": "x", "time_limit_ms": 300, "steps": [{"expect_stderr": "line 4"}]}"#;
    expect_failure(
        play_with("stderr-none", case, &node, false),
        &["no line of stderr has \"line 4\" in it"],
    );
}

#[test]
fn flags_reach_our_own_node_and_skip_a_foreign_one() {
    let case =
        r#"{"name": "x", "args": ["--seed", "7"], "steps": [{"expect": {"args": "--seed 7"}}]}"#;
    let command =
        vec!["/bin/sh".into(), "-c".into(), "echo \"{\\\"args\\\": \\\"$*\\\"}\"; cat".into()];
    let own = Program::own([command.clone(), vec!["sh".into()]].concat());
    expect_pass(&play_with("args", case, &own, false));
    let outcome = play_with("args", case, &Program::foreign(command), false);
    assert!(matches!(&outcome, Outcome::Skip(why) if why.contains("--seed 7")), "{outcome}");
}

#[test]
fn a_run_lists_its_cases_and_sums_up() {
    let text = r#"[
        {"task": "t", "name": "good", "steps": [{"send": {}}, {"expect": {}}]},
        {"task": "t", "name": "bad", "steps": [{"send": {"a": 1}}, {"expect": {"a": 2}}]},
        {"task": "u", "name": "flagged", "args": ["-x"], "steps": [{"expect": {}}]},
        {"task": "other", "name": "left", "steps": [{"send": {}}, {"expect": {}}]}
    ]"#;
    let file = load("summary", text).expect("valid cases");
    let play = |filter: Option<&str>| {
        let options = Options { filter: filter.map(str::to_owned), ..Options::default() };
        let mut out = Vec::new();
        let summary =
            run_files(std::slice::from_ref(&file), &echo(), &options, &mut out).expect("a Vec");
        (summary, String::from_utf8(out).expect("text"))
    };
    let (summary, out) = play(None);
    assert_eq!((summary.passed, summary.failed, summary.skipped), (2, 1, 1));
    assert_eq!(summary.verdict(), Verdict::Fail);
    for part in [
        "  pass  t: good (",
        "  FAIL  t: bad\n        step 2 of 2, expect\n",
        "a: expected 2, got 1",
        "  skip  u: flagged: it needs the flags -x",
        "2 passed, 1 failed, 1 skipped (",
        "summary.json: bad\n",
    ] {
        assert!(out.contains(part), "no {part:?} in:\n{out}");
    }
    let (summary, out) = play(Some("GOOD"));
    assert_eq!((summary.passed, summary.failed, summary.left_out), (1, 0, 3));
    assert_eq!(summary.verdict(), Verdict::Pass);
    assert!(out.contains("1 passed, 0 failed, 3 left out by the filter"), "{out}");
    let (summary, out) = play(Some("nothing of the kind"));
    assert_eq!(summary.verdict(), Verdict::Unknown);
    assert!(out.contains("no case ran, so nothing is known"), "{out}");
}

#[test]
fn load_errors_name_the_file_the_case_and_the_cure() {
    let error = CaseFile::load(Path::new("/nowhere/cases.json")).expect_err("no such file");
    assert!(error.to_string().starts_with("/nowhere/cases.json: cannot be read: "), "{error}");
    for (name, text, parts) in [
        ("load-json", "[{]", ["is not JSON: ", "line 1 column 3"]),
        ("load-object", "{}", ["holds an object", "put the cases in a list"]),
        (
            "load-step",
            r#"[{"name": "a", "steps": [{"exit": 0}]}, {"name": "b", "steps": [{"shut": true}]}]"#,
            ["case 2 \"b\": step 1: unknown step \"shut\"", "there are send,"],
        ),
    ] {
        let error = load(name, text).expect_err("a bad file").to_string();
        assert!(error.starts_with(&*case_path(name).to_string_lossy()), "{error}");
        for part in parts {
            assert!(error.contains(part), "no {part:?} in: {error}");
        }
    }
}

#[test]
fn every_case_file_of_the_repository_loads() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cases");
    let mut files = 0;
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(&folder).expect("the repository has cases") {
        let path = entry.expect("readable").path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let file = CaseFile::load(&path).unwrap_or_else(|error| panic!("{error}"));
        assert!(!file.cases.is_empty(), "{} is empty", path.display());
        for case in file.cases {
            assert!(names.insert(case.name.clone()), "two cases are named {:?}", case.name);
        }
        files += 1;
    }
    assert!(files >= 5, "only {files} files in {}", folder.display());
}

#[test]
fn the_examples_of_the_format_load() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cases/README.md");
    let text = fs::read_to_string(path).expect("the format is described");
    let examples: Vec<&str> =
        text.split("```json").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(examples.len() >= 2);
    for (index, example) in examples.into_iter().enumerate() {
        load(&format!("example-{index}"), example).unwrap_or_else(|error| panic!("{error}"));
    }
}
