//! Arguments that are no good are explained, before anything is touched.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::command::{Finished, Running, Scratch};
use crate::fixture_path::fixture_path;

fn refused(args: &[&str]) -> Finished {
    Running::start(args).finish()
}

#[test]
fn bad_arguments_are_explained_and_end_with_254() {
    for (args, says) in [
        (&["--workload", "kafka"][..], "no workload is called \"kafka\": broadcast, echo"),
        (&["-w", "echo"], "name a node program with --bin"),
        (&["--challenge", "3f"], "no broadcast challenge is called \"3f\": 3a, 3b, 3c, 3d or 3e"),
        (&["--node-count", "0"], "a whole number from 1 to 10000"),
        (&["--node-count", "five"], "a whole number from 1 to 10000"),
        (&["--time-limit", "0"], "a number of seconds from 0.001 to 86400"),
        (&["--time-limit", "-3"], "a number of seconds from 0.001 to 86400"),
        (&["--time-limit", "nan"], "a number of seconds from 0.001 to 86400"),
        (&["--rate", "-1"], "from 0 to 1000000"),
        (&["--rate", "nan"], "from 0 to 1000000"),
        (&["--rate", "many"], "from 0 to 1000000"),
        (&["--concurrency", "0"], "as many per node"),
        (&["--concurrency", "11n"], "1n to 10n"),
        (&["--latency", "0.5"], "whole"),
        (&["--latency", "60001"], "60000"),
        (&["--latency-dist", "normal"], "constant, uniform or exponential"),
        (&["--topology", "ring"], "line, grid, tree, tree2, tree3, tree4, total"),
        (&["--nemesis", "partition,fire"], "no fault is called \"fire\": partition, one-way"),
        (&["--nemesis-target", "leader"], "random, hub"),
        (&["--nemesis-target", "hub"], "--nemesis-target aims at nobody: add a --nemesis"),
        (&["--nemesis-target", "random", "--nemesis", "loss,slow"], "partition, one-way, kill"),
        (&["--nemesis", "kill", "--fault-plan", "plan"], "cannot be used with"),
        (
            &["--fault-plan", "plan", "--nemesis-target", "random"],
            "'--fault-plan <FILE>' cannot be used with '--nemesis-target <WHO>'",
        ),
        (&["--nemesis-interval", "10", "--fault-plan", "plan"], "cannot be used with"),
        (&["--fault-plan", "nowhere.jsonl"], "cannot read nowhere.jsonl"),
        (&["--availability", "95"], "a share from 0 to 1, such as 0.95, or total"),
        (&["--seed", "x"], "--seed"),
        (&["--bin", "'node"], "is a quote left open?"),
        (&["--bin", ""], "names no program"),
        (&["--frobnicate"], "unexpected argument '--frobnicate'"),
        (&["node.py"], "unexpected argument 'node.py'"),
    ] {
        let run = refused(args);
        assert_eq!(run.code, Some(254), "{run}");
        assert!(run.stderr.contains(says), "{says:?} is not in {run}");
        assert!(run.stderr.starts_with("error: "), "{run}");
        assert_eq!(run.stdout, "", "{run}");
        let left = fs::read_dir(run.scratch.path()).unwrap();
        let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "besides stdout and stderr there is something in {left:?}");
    }
}

#[test]
fn a_plan_of_faults_with_an_error_names_its_line() {
    for (plan, says) in [
        (r#"{"at_ms":0,"start":"partition"}"#, "(line 1): `partition` needs the field `shape`"),
        ("\n{\"at_ms\":0,\"start\":\"fire\"}", "(line 2): no fault is called \"fire\""),
        (r#"{"at_ms":0,"start":"kill","nodes":[5]}"#, "5"),
        ("[", "array"),
    ] {
        let scratch = Scratch::new();
        let path = scratch.file("plan.jsonl", plan);
        let run = Running::start_in(scratch, &["--fault-plan", &path]).finish();
        assert_eq!(run.code, Some(254), "{run}");
        assert!(run.stderr.contains(says) && run.stderr.contains("plan.jsonl"), "{run}");
    }
}

#[test]
fn a_program_that_cannot_be_started_says_what_to_do() {
    let scratch = Scratch::new();
    let plain = scratch.file("plain", "#!/bin/sh\n");
    let nameless = scratch.file("nameless", "no program\n");
    fs::set_permissions(&nameless, fs::Permissions::from_mode(0o755)).unwrap();
    for (bin, says) in [
        ("./nowhere", "cannot start the node program ./nowhere: No such file"),
        ("surely-not-in-the-path", "Is the path right, seen from here, and is it built?"),
        (&plain, "Is it executable? Try: chmod +x"),
        (&nameless, "A script needs a first line such as #!/usr/bin/env python3"),
    ] {
        let run = refused(&["--bin", bin, "--out", "out"]);
        assert_eq!(run.code, Some(255), "{run}");
        assert!(run.stderr.contains(says), "{says:?} is not in {run}");
        assert!(!run.out().join("results.json").exists());
    }
    // No run, no folder among the runs.
    let run = refused(&["--bin", "./nowhere"]);
    assert_eq!(run.code, Some(255), "{run}");
    assert!(!run.stdout.contains("results in"), "{run}");
    let left = fs::read_dir(run.scratch.path().join("store/broadcast")).unwrap();
    assert_eq!(left.count(), 0, "{run}");
}

#[test]
fn a_folder_that_cannot_be_made_is_told() {
    let scratch = Scratch::new();
    let file = scratch.file("file", "");
    let run = refused(&["--bin", fixture_path().to_str().unwrap(), "--out", &file]);
    assert_eq!(run.code, Some(255), "{run}");
    assert!(run.stderr.contains("cannot make the folder of the results"), "{run}");
}

#[test]
fn the_help_names_every_flag_of_maelstrom_and_our_own() {
    let run = refused(&["--help"]);
    assert_eq!(run.code, Some(0), "{run}");
    for flag in [
        "--workload",
        "--bin",
        "--challenge",
        "--node-count",
        "--time-limit",
        "--rate",
        "--concurrency",
        "--latency",
        "--latency-dist",
        "--topology",
        "--nemesis",
        "--nemesis-interval",
        "--nemesis-target",
        "--fault-plan",
        "--availability",
        "--seed",
        "--out",
        "--no-probes",
        "--log-stderr",
        "--log-net-send",
        "--log-net-recv",
    ] {
        assert!(
            run.stdout.contains(&format!("{flag} ")) || run.stdout.contains(&format!("{flag}\n")),
            "{flag}"
        );
    }
}
