//! Any program can be a node.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::command::{Check, Running, Scratch};
use crate::fixture_path::fixture_path;

/// A whole node for a cluster of one.
const SCRIPT: &str = r#"#!/bin/sh
values=
while read -r line; do
  src=${line#*'"src":"'}; src=${src%%'"'*}
  dest=${line#*'"dest":"'}; dest=${dest%%'"'*}
  number=${line##*'"msg_id":'}; number=${number%%[!0-9]*}
  value=${line##*'"message":'}; value=${value%%[!0-9]*}
  type= more=
  case $line in
    *'"type":"init"'*) type=init_ok ;;
    *'"type":"topology"'*) type=topology_ok ;;
    *'"type":"broadcast"'*) type=broadcast_ok; values=$values${values:+,}$value ;;
    *'"type":"read"'*) type=read_ok; more=",\"messages\":[$values]" ;;
  esac
  echo "{\"src\":\"$dest\",\"dest\":\"$src\",\"body\":{\"type\":\"$type\",\"in_reply_to\":$number$more}}"
  echo "answered $type" >&2
done
"#;

fn a_script_is_a_node() -> Check {
    let scratch = Scratch::new();
    let script = scratch.file("my node.sh", SCRIPT);
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    // By its name alone, too, and with a space in it.
    let bins = [&script, "my node.sh", "./my node.sh"];
    let flags = ["--challenge", "3a", "--out", "out", "--bin"];
    let runs = bins.map(|bin| {
        let scratch = Scratch::new();
        fs::copy(&script, scratch.path().join("my node.sh")).unwrap();
        // A challenge is decided by its own time only.
        let limit: &[&str] = if bin == "my node.sh" { &[] } else { &["--time-limit", "1"] };
        (bin == "my node.sh", Running::start_in(scratch, &[limit, &flags[..], &[bin]].concat()))
    });
    Box::new(move || {
        for (is_whole, run) in runs {
            let run = run.finish();
            run.expect_valid();
            assert!(run.count("set/attempted") > 0, "{run}");
            assert_eq!(run.count("net/servers/messages"), 0);
            let log = fs::read_to_string(run.out().join("node-logs/n0.log")).unwrap();
            assert!(log.starts_with("answered init_ok\nanswered topology_ok\n"), "{log}");
            assert!(scratch.path().exists());
            let outcome = if is_whole { "passed" } else { "not decided, for this run had 1 s" };
            let line = format!("challenge 3a (Single-Node Broadcast): {outcome}\n");
            assert!(run.stdout.contains(&line), "{run}");
        }
    })
}

fn arguments_of_the_program_may_stand_beside_it_or_at_the_end() -> Check {
    let fixture = fixture_path();
    let fixture = fixture.to_str().unwrap().to_owned();
    let flags = ["--time-limit", "1", "--rate", "40", "--out", "out", "--bin"];
    let with_args = format!("{fixture} hub --window 50");
    let beside = [&flags[..], &[&with_args]].concat();
    let partly = format!("{fixture} hub");
    let both = [&flags[..], &[&partly, "--", "--window", "50"]].concat();
    let runs = [beside, both].map(|args| Running::start(&args));
    Box::new(move || {
        for run in runs {
            let run = run.finish();
            run.expect_valid();
            assert_eq!(run.results()["plan"]["program"], format!("{fixture} hub --window 50"));
            assert!(!run.messages("batch").is_empty(), "{run}");
        }
    })
}

fn a_node_that_prints_prose_is_shown_with_its_last_lines_of_stderr() -> Check {
    let script =
        SCRIPT.replace(r#"echo "answered $type" >&2"#, r"printf 'm \033[2J%s\n\n' $type >&2");
    // Two kinds of misconduct, and still shown once.
    let wrong =
        r#"echo Hello; echo "{\"src\":\"$dest\",\"dest\":\"lin-kv\",\"body\":{\"type\":\"x\"}}""#;
    let script = script.replace("done\n", &format!("  {wrong}\ndone\n"));
    let scratch = Scratch::new();
    let node = scratch.file("node", &script);
    fs::set_permissions(&node, fs::Permissions::from_mode(0o755)).unwrap();
    let flags = ["--bin", "./node", "--node-count", "5", "--time-limit", "1", "--out", "out"];
    let run = Running::start_in(scratch, &flags);
    Box::new(move || {
        let run = run.finish();
        run.expect(1, false);
        run.expect_reason(&["n0 printed a line that is not a JSON message: \"Hello\""]);
        run.expect_reason(&["to lin-kv, which does not exist", "Maelstrom's services"]);
        // Of the first three, whoever they are.
        assert_eq!(
            run.stdout.matches(" last wrote to stderr:\n    m \\u{1b}[2J").count(),
            3,
            "{run}"
        );
        let last = ["read_ok\n  n", "read_ok\n  All that nodes wrote there is in out/node-logs\n"];
        assert_eq!(last.map(|end| run.stdout.matches(end).count()), [2, 1], "{run}");
        let lines = run.stdout.lines().filter(|line| line.starts_with("    m "));
        assert!((9..=15).contains(&lines.count()), "{run}");
    })
}

fn a_node_that_hangs_is_shown_with_its_last_lines_of_stderr() -> Check {
    let hangs = r#"broadcast_ok; echo "stuck with $value" >&2; sleep 600;"#;
    let scratch = Scratch::new();
    let node = scratch.file("node", &SCRIPT.replacen("broadcast_ok;", hangs, 1));
    fs::set_permissions(&node, fs::Permissions::from_mode(0o755)).unwrap();
    let flags = ["--bin", "./node", "--node-count", "1", "--time-limit", "2", "--rate", "40"];
    let run = Running::start_in(scratch, &[&flags[..], &["--out", "out"]].concat());
    Box::new(move || {
        let run = run.finish();
        run.expect_reason(&["n0 did not answer"]);
        assert!(run.stdout.contains("  n0 last wrote to stderr:\n    answered "), "{run}");
        assert!(run.stdout.contains("    stuck with 0\n  All that nodes wrote"), "{run}");
    })
}

fn a_program_that_has_gone_when_it_is_to_be_started_anew_ends_the_run() -> Check {
    // The node takes its program away before the run's main phase can begin.
    let script = SCRIPT.replacen("type=topology_ok", "rm node; type=topology_ok", 1);
    let plan = r#"{"at_ms":1000,"start":"kill","nodes":[0]}
{"at_ms":1200,"stop":"kill"}"#;
    let flags = ["--node-count", "1", "--time-limit", "600", "--rate", "40"];
    let runs = [&["--out", "out"][..], &[]].map(|out| {
        let scratch = Scratch::new();
        scratch.file("plan", plan);
        let node = scratch.file("node", &script);
        fs::set_permissions(&node, fs::Permissions::from_mode(0o755)).unwrap();
        Running::start_in(
            scratch,
            &[&["--bin", "./node", "--fault-plan", "plan"], &flags[..], out].concat(),
        )
    });
    Box::new(move || {
        let [named, stored] = runs.map(Running::finish);
        named.expect(255, false);
        named.expect_reason(&[
            "The run ended after ",
            "n0 could not be started anew: cannot start the node program ./node: ",
            "is it built?",
        ]);
        assert!(named.count("ops/invoked") > 10, "{named}");
        assert_eq!(named.results()["nodes"][0]["kills"], 1, "{named}");
        assert!(!named.lines("history.jsonl").is_empty() && !named.lines("net.jsonl").is_empty());
        assert_eq!(stored.code, Some(255), "{stored}");
        assert!(stored.scratch.path().join("store/latest/results.json").exists(), "{stored}");
    })
}

#[test]
fn any_program_can_be_a_node() {
    let checks = [
        a_script_is_a_node(),
        arguments_of_the_program_may_stand_beside_it_or_at_the_end(),
        a_node_that_prints_prose_is_shown_with_its_last_lines_of_stderr(),
        a_node_that_hangs_is_shown_with_its_last_lines_of_stderr(),
        a_program_that_has_gone_when_it_is_to_be_started_anew_ends_the_run(),
    ];
    checks.into_iter().for_each(|check| check());
}
