//! However a run ends, no process of it is left.
//!
//! They are found by a variable in their environment, which Linux shows.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::command::{MARK, Running, Scratch};
use crate::fixture_path::fixture_path;

/// How long something may take that must come, however slow the machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The processes that belong to a run: the command itself, its nodes and guard, and what they have
/// started.
fn processes(mark: &std::path::Path) -> Vec<u32> {
    let variable = format!("{MARK}={}", mark.display());
    let is_of_run = |pid: &u32| {
        // A process may end while it is looked at.
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|&byte| byte == 0).any(|entry| entry == variable.as_bytes())
    };
    let pids = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(is_of_run).collect()
}

/// How many processes of a run are a `sleep` of so many seconds.
fn sleepers(mark: &std::path::Path, seconds: &str) -> usize {
    let command = format!("sleep\0{seconds}\0");
    let is_one = |pid: &&u32| {
        fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line == command.as_bytes())
    };
    processes(mark).iter().filter(is_one).count()
}

/// Waits until a condition holds.
fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what} in vain");
        thread::sleep(Duration::from_millis(20));
    }
}

fn signal(signal: &str, target: &str) {
    let mut kill = Command::new("kill");
    let status = kill.args([signal, "--", target]).stderr(Stdio::null()).status().unwrap();
    assert!(status.success(), "kill {signal} {target}");
}

/// A run that would last for ten minutes, in the middle of its main phase.
fn under_way(kind: &str) -> Running {
    let mut run = Running::small(kind, &["--time-limit", "600", "--log-net-recv"]);
    wait_for("waited for reads", || {
        assert!(run.is_alive(), "{}", run.stderr());
        run.stderr().matches("\"type\":\"read\"").count() > 3
    });
    run
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "finds processes through /proc")]
fn an_interrupt_ends_the_run_and_keeps_what_was_measured() {
    let runs = ["straight", "stubborn", "parent", "runaway"].map(under_way);
    for (run, name) in runs.into_iter().zip(["-INT", "-TERM", "-HUP", "-INT"]) {
        let mark = run.mark().to_owned();
        // The command, five nodes, and the guard.
        assert!(processes(&mark).len() >= 7, "{:?}", processes(&mark));
        // To the whole process group, as the keyboard does.
        signal(name, &format!("-{}", run.id()));
        let run = run.finish();
        assert_eq!(processes(&mark), [0; 0], "{run}");
        run.expect(2, json!(null));
        run.expect_reason(&["The run was interrupted after "]);
        assert!(run.count("ops/ok") > 3, "{run}");
        assert!(run.lines("history.jsonl").len() > 4 && !run.lines("net.jsonl").is_empty());
        assert!(run.out().join("values.jsonl").exists() && run.out().join("faults.jsonl").exists());
        let phases = run.results()["phases_ms"].take();
        assert_eq!(phases["drain"], json!(null), "{phases}");
        assert!(phases["end"].as_f64() > Some(0.0), "{phases}");
    }
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "finds processes through /proc")]
fn an_interrupt_during_the_set_up_ends_it() {
    let run = Running::small("hangs-at-init", &[]);
    wait_for("waited for the nodes", || processes(run.mark()).len() >= 7);
    let mark = run.mark().to_owned();
    signal("-INT", &run.id().to_string());
    let run = run.finish();
    assert_eq!(processes(&mark), [0; 0], "{run}");
    run.expect(2, json!(null));
    run.expect_reason(&["The run was interrupted during the set-up."]);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "finds processes through /proc")]
fn a_command_that_is_killed_leaves_no_process() {
    for run in ["stubborn", "parent", "runaway"].map(under_way) {
        signal("-KILL", &run.id().to_string());
        let mark = run.mark().to_owned();
        let finished = run.finish();
        assert_eq!(finished.code, None, "{finished}");
        wait_for("waited for the end of all processes", || processes(&mark).is_empty());
    }
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "only Linux hands orphans over")]
fn what_has_left_its_process_group_ends_with_the_run_and_with_its_node() {
    // Each node has a child, and an orphan from the beginning, both with a session of their own.
    let fixture = fixture_path();
    let script = format!(
        "#!/bin/sh\nsetsid sleep 600 &\n(setsid sleep 700 &)\nexec {} straight\n",
        fixture.display()
    );
    let scratch = Scratch::new();
    let bin = scratch.file("node", &script);
    fs::set_permissions(&bin, fs::Permissions::from_mode(0o755)).unwrap();
    let plan = scratch.file("plan", r#"{"at_ms":500,"start":"kill","nodes":[0,1]}"#);
    let flags = ["--node-count", "3", "--time-limit", "600", "--log-net-recv"];
    let args = [&["--bin", &bin, "--fault-plan", &plan, "--out", "out"], &flags[..]].concat();
    let mut run = Running::start_in(scratch, &args);
    let mark = run.mark().to_owned();
    // Two nodes are killed, with what is known to be theirs. Whose the orphans are is not known.
    wait_for("waited for the kill", || {
        assert!(run.is_alive(), "{}", run.stderr());
        let lives = |seconds| sleepers(&mark, seconds);
        run.stderr().contains("\"type\":\"read\"") && (lives("600"), lives("700")) == (1, 3)
    });
    signal("-INT", &run.id().to_string());
    let run = run.finish();
    assert_eq!(processes(&mark), [0; 0], "{run}");
    run.expect(2, json!(null));
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "finds processes through /proc")]
fn a_run_that_comes_to_its_end_leaves_no_process() {
    let runs = ["stubborn", "runaway", "parent", "exits", "hangs-at-init"];
    let runs = runs.map(|kind| Running::small(kind, &["--time-limit", "1"]));
    for run in runs {
        let mark = run.mark().to_owned();
        let run = run.finish();
        assert_eq!(processes(&mark), [0; 0], "{run}");
    }
}
