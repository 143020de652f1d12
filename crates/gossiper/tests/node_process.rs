//! The node as a process: its pipes, its end, and whoever does not read what it writes.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};

const INIT: &str = r#"{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}}"#;
const BROADCAST: &str =
    r#"{"src":"c1","dest":"n1","body":{"type":"broadcast","msg_id":2,"message":7}}"#;
const READ: &str = r#"{"src":"c1","dest":"n1","body":{"type":"read","msg_id":2}}"#;

/// A node that does not outlive its test.
struct Node(Child);

impl Node {
    fn start(flags: &[&str]) -> (Self, ChildStdin) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_gossiper"))
            .arg("node")
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        (Self(child), stdin)
    }

    /// All that it has printed, and how it has ended.
    fn finish(mut self) -> (String, String, ExitStatus) {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        if let Some(mut pipe) = self.0.stdout.take() {
            pipe.read_to_string(&mut stdout).unwrap();
        }
        self.0.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        (stdout, stderr, self.0.wait().unwrap())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn everything_written_before_anybody_reads_is_answered() {
    let (node, mut stdin) = Node::start(&[]);
    let count = 100_000;
    writeln!(stdin, "{INIT}").unwrap();
    let mut lines = String::new();
    for value in 0..count {
        lines += &format!(
            r#"{{"src":"c1","dest":"n1","body":{{"type":"broadcast","msg_id":{value},"message":{value}}}}}"#
        );
        lines.push('\n');
    }
    // Far more than the pipes hold in either direction.
    stdin.write_all(lines.as_bytes()).unwrap();
    // The last line has no line feed.
    write!(stdin, "{READ}").unwrap();
    drop(stdin);
    let (stdout, _, status) = node.finish();
    assert!(status.success());
    assert_eq!(stdout.lines().count(), count + 2);
    let last = stdout.lines().last().unwrap();
    assert!(last.contains(r#""type": "read_ok", "messages": [0, 1, 2, "#), "{:.200}", last);
    assert!(last.contains(r#", 99998, 99999], "in_reply_to": 2, "#));
}

#[test]
fn garbage_whose_log_nobody_reads_does_not_stop_the_node() {
    let (mut node, mut stdin) = Node::start(&[]);
    let garbage = "no JSON at all, and long enough to fill a pipe of 64 KiB soon\n".repeat(50_000);
    stdin.write_all(garbage.as_bytes()).unwrap();
    writeln!(stdin, "{INIT}\n{READ}").unwrap();
    let mut stdout = BufReader::new(node.0.stdout.take().unwrap()).lines();
    assert!(stdout.next().unwrap().unwrap().contains("init_ok"));
    assert!(stdout.next().unwrap().unwrap().contains("read_ok"));
    // By now most of the log is lost. That is logged as soon as somebody reads; a node whose stdin
    // has ended would not wait long for that.
    let mut stderr = BufReader::new(node.0.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(stderr.any(|line| line.contains("input line 1 is skipped: not JSON")));
    assert!(stderr.any(|line| line.contains("log lines did not fit and are lost")));
    drop(stdin);
    // All of it is read, so that the node can end.
    stderr.for_each(drop);
    assert!(node.0.wait().unwrap().success());
}

#[test]
fn a_node_that_nobody_listens_to_ends_and_says_why() {
    let (mut node, mut stdin) = Node::start(&[]);
    drop(node.0.stdout.take());
    // The node may be gone before the last of these lines.
    for _ in 0..1_000 {
        if writeln!(stdin, "{INIT}").is_err() {
            break;
        }
        std::thread::yield_now();
    }
    drop(stdin);
    let (_, stderr, status) = node.finish();
    assert_eq!(status.code(), Some(1));
    assert!(stderr.contains("cannot write to stdout"), "{stderr}");
}

#[test]
fn the_log_level_settles_what_is_logged() {
    let stderr_at = |level: &str| {
        let (node, mut stdin) = Node::start(&["--log-level", level, "--seed", "5"]);
        writeln!(stdin, "garbage").unwrap();
        drop(stdin);
        node.finish().1
    };
    assert_eq!(stderr_at("off"), "");
    assert_eq!(stderr_at("error"), "");
    assert_eq!(stderr_at("warn").lines().count(), 1);
    assert!(stderr_at("info").contains("seed 5"));
}

#[test]
fn a_mechanism_that_is_switched_off_does_nothing() {
    let pushes_with = |flags: &[&str]| {
        let (node, mut stdin) = Node::start(flags);
        let init = INIT.replace(r#"["n1"]"#, r#"["n1","n2"]"#);
        writeln!(stdin, "{init}\n{BROADCAST}").unwrap();
        drop(stdin);
        let (stdout, _, status) = node.finish();
        assert!(status.success() && stdout.contains("broadcast_ok"), "{stdout}");
        stdout.matches(r#""type": "gossip""#).count()
    };
    assert_eq!(pushes_with(&[]), 1);
    assert_eq!(pushes_with(&["--without", "rounds,push"]), 0);
}

#[test]
fn who_gets_a_value_around_a_silent_neighbor_is_named() {
    let (mut node, mut stdin) = Node::start(&[]);
    for line in [
        r#"{"src":"c1","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1","n2","n3"]}}"#,
        r#"{"src":"c1","dest":"n1","body":{"type":"topology","msg_id":2,"topology":{"n1":["n2"],"n2":["n1","n3"],"n3":["n2"]}}}"#,
        r#"{"src":"c1","dest":"n1","body":{"type":"broadcast","msg_id":3,"message":42}}"#,
    ] {
        writeln!(stdin, "{line}").unwrap();
    }
    let log = BufReader::new(node.0.stderr.take().unwrap()).lines().map(Result::unwrap);
    let says = "n2 has not acknowledged 42 within 500 ms: sent directly to n3 behind it";
    // The log ends if the node does.
    assert!(log.into_iter().any(|line| line.contains(says)));
}
