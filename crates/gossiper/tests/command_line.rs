//! The command line: what it says, and its exit codes.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

fn gossiper(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gossiper"));
    command.args(args).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn cases(name: &str) -> String {
    format!("{}/../../cases/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A file of cases that lives as long as its test.
struct CaseFile(PathBuf);

impl CaseFile {
    fn new(name: &str, content: &str) -> Self {
        let name = format!("gossiper-{}-{name}.json", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, content).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for CaseFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn help_names_every_flag_of_the_node() {
    let help = text(&gossiper(&["node", "--help"]).stdout);
    for flag in
        ["--strategy", "--fanout", "--gossip-interval", "--ack-timeout", "--seed", "--log-level"]
    {
        assert!(help.contains(flag), "{flag}");
    }
    assert!(help.contains("--without") && help.contains("- comparison:"), "{help}");
    for default in ["hybrid", "[default: 2]", "[default: 1s]", "[default: 500ms]"] {
        assert!(help.contains(default), "{default}");
    }
}

#[test]
fn bad_arguments_are_explained_and_end_with_2() {
    for (args, says) in [
        (&["node", "--fanout", "0"][..], "at least 1"),
        (&["node", "--gossip-interval", "soon"], "500ms, 2s or 1m"),
        (&["node", "--ack-timeout", "0s"], "at least 1ms"),
        (&["node", "--without", "relay,luck"], "possible values: push, fallback"),
        (&["node", "--strategy", "rumour"], "possible values: flood, tree, gossip, hybrid"),
        (&["check"], "CASES.json"),
        (&["check", "/no/such/file.json"], "/no/such/file.json"),
        (&["check", &cases("seed.json"), "--bin", "'open quote"], "a quote is open"),
        (&["launch"], "unrecognized subcommand"),
    ] {
        let output = gossiper(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(text(&output.stderr).contains(says), "{args:?}: {}", text(&output.stderr));
        assert_eq!(text(&output.stdout), "");
    }
}

#[test]
fn check_ends_with_0_when_all_pass_and_1_when_one_fails() {
    let passed = gossiper(&["check", "--bytes", &cases("seed.json")]);
    assert_eq!(passed.status.code(), Some(0));
    assert!(text(&passed.stdout).contains("8 passed, 0 failed"));

    let wrong = CaseFile::new(
        "wrong",
        r#"[{"task": "t", "name": "wrong", "input":
        ["{\"src\":\"c0\",\"dest\":\"n1\",\"body\":{\"type\":\"init\",\"msg_id\":1,\"node_id\":\"n1\",\"node_ids\":[\"n1\"]}}"],
        "expected": ["{\"src\": \"n1\", \"dest\": \"c0\", \"body\": {\"type\": \"init_ok\", \"in_reply_to\": 2, \"msg_id\": 0}}"]}]"#,
    );
    let failed = gossiper(&["check", wrong.path()]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(text(&failed.stdout).contains("body.in_reply_to: expected 2, got 1"));
}

#[test]
fn check_ends_with_2_when_there_is_nothing_to_play() {
    let filtered = gossiper(&["check", &cases("seed.json"), "--filter", "no such case"]);
    assert_eq!(filtered.status.code(), Some(2));
    let broken = CaseFile::new("broken", "[{]");
    let output = gossiper(&["check", broken.path()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("not JSON"), "{}", text(&output.stderr));
}

#[test]
fn check_plays_to_any_program() {
    let foreign = gossiper(&[
        "check",
        &cases("seed.json"),
        "--bin",
        &format!("'{}' node", env!("CARGO_BIN_EXE_gossiper")),
        "--",
        "--log-level",
        "off",
    ]);
    assert_eq!(foreign.status.code(), Some(0), "{}", text(&foreign.stdout));
    let missing = gossiper(&["check", &cases("seed.json"), "--bin", "/no/such/program"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing.stdout).contains("/no/such/program"), "{}", text(&missing.stdout));
}
