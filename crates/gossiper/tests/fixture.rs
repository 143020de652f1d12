//! The nodes of examples/fixture, each fed lines and held to what it says of itself.

mod fixture_path;

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// How long a line may take that must come, however slow the machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long something is watched that must not happen: longer than every timer of the fixtures
/// but `hub-acked`'s.
const A_WHILE: Duration = Duration::from_millis(700);

fn fixture(args: &[&str]) -> Command {
    let mut command = Command::new(fixture_path::fixture_path());
    command.args(args);
    command
}

/// A fixture at work, called `n1`, of a cluster of four; `n0` is the first of the list, and the
/// neighbors are `n0` and `n2`. It and its children do not outlive the test.
struct Node {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Node {
    fn start(args: &[&str]) -> Self {
        let mut command = fixture(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.process_group(0).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { stdin: child.stdin.take(), child, lines }
    }

    /// A fixture that has been told who it is.
    fn ready(args: &[&str], name: &str) -> Self {
        let mut node = Self::start(args);
        let ids = ["n0", "n1", "n2", "n3"];
        let topology = json!({"n0": ["n1"], "n1": ["n0", "n2"], "n2": ["n1"], "n3": []});
        node.tell("c0", json!({"type": "init", "msg_id": 1, "node_id": name, "node_ids": ids}));
        assert_eq!(node.next_about("c0")["type"], "init_ok");
        node.tell("c0", json!({"type": "topology", "msg_id": 2, "topology": topology}));
        assert_eq!(node.next_about("c0")["type"], "topology_ok");
        node
    }

    fn tell(&mut self, src: &str, body: Value) {
        let line = json!({"src": src, "dest": "n1", "body": body});
        writeln!(self.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    fn broadcast(&mut self, value: i64) {
        self.tell("c1", json!({"type": "broadcast", "msg_id": 3, "message": value}));
    }

    fn read(&mut self) {
        self.tell("c1", json!({"type": "read", "msg_id": 4}));
    }

    fn next_line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("the node says something")
    }

    fn next(&self) -> Value {
        serde_json::from_str(&self.next_line()).expect("a message")
    }

    /// The body of the next message, which is to go to `dest`.
    fn next_about(&self, dest: &str) -> Value {
        let mut message = self.next();
        assert_eq!(message["dest"], dest, "{message}");
        message["body"].take()
    }

    /// Everything that it says until it answers what it is asked now, the answer included.
    fn until_echo(&mut self) -> Vec<Value> {
        self.tell("c9", json!({"type": "echo", "msg_id": 99, "echo": "mark"}));
        let mut messages = Vec::new();
        loop {
            let message = self.next();
            let is_mark = message["body"]["echo"] == "mark";
            messages.push(message);
            if is_mark {
                return messages;
            }
        }
    }

    /// Tells `n1` a value of a client and one of `n0`, and has it read. Returns what it says:
    /// the destination, the type and the values of each message.
    fn standard(kind: &str) -> Vec<(String, String, Value)> {
        let mut node = Self::ready(&[kind], "n1");
        node.broadcast(7);
        node.tell("n0", json!({"type": "broadcast", "message": 8}));
        node.read();
        let mut messages = node.until_echo();
        messages.pop();
        let told = messages.iter().map(|message| {
            let text = |value: &Value| value.as_str().unwrap().to_string();
            let body = &message["body"];
            let values = if body["message"].is_null() { "messages" } else { "message" };
            (text(&message["dest"]), text(&body["type"]), body[values].clone())
        });
        told.collect()
    }

    /// Ends stdin, and waits for the node's end.
    fn end(mut self) -> (Option<i32>, String) {
        drop(self.stdin.take());
        let mut stderr = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        (self.child.wait().unwrap().code(), stderr)
    }

    fn signal(&self, signal: &str, target: &str) {
        let mut command = Command::new("kill");
        let status = command.args([signal, "--", target]).stderr(Stdio::null()).status().unwrap();
        // A group that has ended already cannot be told to.
        assert!(status.success() || signal == "-KILL");
    }

    fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.signal("-KILL", &format!("-{}", self.child.id()));
        let _ = self.child.wait();
    }
}

fn told(dest: &str, kind: &str, values: impl Into<Value>) -> (String, String, Value) {
    (dest.into(), kind.into(), values.into())
}

fn client(kind: &str) -> (String, String, Value) {
    told("c1", kind, Value::Null)
}

fn forward(dest: &str, value: i64) -> (String, String, Value) {
    told(dest, "broadcast", value)
}

/// What every sound node says of values 7 and 8.
fn both() -> (String, String, Value) {
    told("c1", "read_ok", vec![7, 8])
}

#[test]
fn straight_sends_what_clients_give_to_all_and_nothing_else() {
    let to_all = ["n0", "n2", "n3"].map(|dest| forward(dest, 7));
    let [a, b, c] = to_all;
    assert_eq!(Node::standard("straight"), [client("broadcast_ok"), a, b, c, both()]);
}

#[test]
fn flood_sends_what_is_new_to_neighbors_and_not_back() {
    for kind in ["flood", "once"] {
        assert_eq!(
            Node::standard(kind),
            [client("broadcast_ok"), forward("n0", 7), forward("n2", 7), forward("n2", 8), both()]
        );
    }
    let mut node = Node::ready(&["flood"], "n1");
    node.tell("n0", json!({"type": "broadcast", "message": 8}));
    node.tell("n2", json!({"type": "broadcast", "message": 8}));
    let messages = node.until_echo();
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert_eq!(messages[0]["dest"], "n2");
}

#[test]
fn a_node_sends_to_the_hub_and_the_hub_to_all_but_the_origin() {
    let leaf = [client("broadcast_ok"), forward("n0", 7), both()];
    assert_eq!(Node::standard("hub"), leaf);
    let mut hub = Node::ready(&["hub"], "n0");
    hub.broadcast(7);
    hub.tell("n2", json!({"type": "broadcast", "message": 8}));
    let dests: Vec<Value> = hub.until_echo().iter().map(|m| m["dest"].clone()).collect();
    assert_eq!(dests, ["c1", "n1", "n2", "n3", "n1", "n3", "c9"]);
}

#[test]
fn a_paced_hub_sends_at_once_and_then_holds_back_for_a_window() {
    let mut hub = Node::ready(&["hub", "--window", "600000"], "n0");
    hub.broadcast(7);
    assert_eq!(hub.next_about("c1")["type"], "broadcast_ok");
    for peer in ["n1", "n2", "n3"] {
        assert_eq!(hub.next_about(peer), json!({"type": "batch", "messages": [7]}));
    }
    hub.tell("n2", json!({"type": "broadcast", "message": 8}));
    assert_eq!(hub.until_echo().len(), 1);

    let mut hub = Node::ready(&["hub", "--window", "50"], "n0");
    let mut to_n2 = Vec::new();
    for value in 0..20 {
        hub.tell("n2", json!({"type": "broadcast", "message": value}));
    }
    while to_n2.len() < 20 {
        let message = hub.next();
        if message["dest"] == "n2" {
            to_n2.extend(message["body"]["messages"].as_array().unwrap().clone());
        }
    }
    assert_eq!(to_n2, (0..20).map(Value::from).collect::<Vec<_>>());
}

#[test]
fn acknowledged_kinds_repeat_themselves_until_they_are_heard() {
    for (kind, dests) in [("hub-acked", &["n0"][..]), ("tree-acked", &["n0", "n2"])] {
        let mut node = Node::ready(&[kind], "n1");
        node.broadcast(7);
        assert_eq!(node.next_about("c1")["type"], "broadcast_ok");
        let first: Vec<Value> = dests.iter().map(|dest| node.next_about(dest)).collect();
        let again: Vec<Value> = dests.iter().map(|dest| node.next_about(dest)).collect();
        assert_eq!(first, again);
        for (dest, forward) in dests.iter().zip(&first) {
            node.tell(dest, json!({"type": "broadcast_ok", "in_reply_to": forward["msg_id"]}));
        }
        node.until_echo();
        thread::sleep(A_WHILE);
        assert_eq!(node.until_echo().len(), 1, "{kind} is not content");

        node.tell("n0", json!({"type": "broadcast", "message": 8, "msg_id": 5}));
        assert_eq!(node.next_about("n0"), json!({"type": "broadcast_ok", "in_reply_to": 5}));
    }
}

#[test]
fn sync_sends_all_that_it_knows_to_one_other_node() {
    let mut node = Node::ready(&["sync"], "n1");
    node.broadcast(7);
    node.tell("n0", json!({"type": "batch", "messages": [8, 9]}));
    let mut has_all = false;
    while !has_all {
        let message = node.next();
        has_all = message["body"] == json!({"type": "batch", "messages": [7, 8, 9]});
        assert_ne!(message["dest"], "n1");
    }
}

#[test]
fn deaf_keeps_everything_to_itself() {
    assert_eq!(Node::standard("deaf"), [client("broadcast_ok"), both()]);
}

#[test]
fn leaky_loses_one_in_a_hundred_and_always_the_same() {
    let count = 2_000;
    let run = || {
        let mut node = Node::ready(&["leaky"], "n1");
        (0..count).for_each(|value| node.broadcast(value));
        node.until_echo()
    };
    let first = run();
    let answered = first.iter().filter(|message| message["dest"] == "c1").count();
    assert_eq!(answered, count as usize);
    let lost = 4 * count as usize + 1 - first.len();
    // 6,000 forwards; three standard deviations are 23.
    assert!((37..=83).contains(&lost), "{lost}");
    assert_eq!(first, run());
}

#[test]
fn broken_answers_are_as_broken_as_they_say() {
    let messages = |kind| {
        let mut messages = Node::standard(kind);
        messages.retain(|(dest, ..)| dest == "c1");
        messages
    };
    let ok = || client("broadcast_ok");
    assert_eq!(messages("twice-reads"), [ok(), told("c1", "read_ok", vec![7, 8, 7])]);
    assert_eq!(messages("inventor"), [ok(), told("c1", "read_ok", vec![7, 8, -1])]);
    assert_eq!(messages("mute-reads"), [ok(), client("error")]);
    assert_eq!(messages("wrong-type"), [client("ok"), client("read_ok")]);
    assert_eq!(messages("echo-storm"), [ok(), told("c1", "read_ok", Vec::<i64>::new())]);
}

#[test]
fn twice_answers_says_everything_twice_to_clients() {
    let mut node = Node::start(&["twice-answers"]);
    node.tell("c0", json!({"type": "init", "msg_id": 1, "node_id": "n1", "node_ids": ["n1"]}));
    node.broadcast(7);
    let expected = ["init_ok", "init_ok", "broadcast_ok", "broadcast_ok"];
    assert_eq!(expected.map(|_| node.next()["body"]["type"].take()), expected);
}

#[test]
fn stranger_writes_to_nobody_and_impostor_as_somebody_else() {
    let stranger = Node::standard("stranger");
    assert_eq!(stranger.iter().filter(|(dest, ..)| dest == "n99").count(), 1);
    assert_eq!(stranger.iter().filter(|(_, kind, _)| kind == "broadcast").count(), 4);

    let mut impostor = Node::ready(&["impostor"], "n1");
    impostor.broadcast(7);
    let sources: Vec<Value> = impostor.until_echo().iter().map(|m| m["src"].clone()).collect();
    assert_eq!(sources, ["n1", "n2", "n2", "n2", "n1"]);
}

#[test]
fn prose_prints_a_line_that_is_no_message() {
    let mut node = Node::ready(&["prose"], "n1");
    (0..10).for_each(|value| node.broadcast(value));
    while serde_json::from_str::<Value>(&node.next_line()).is_ok() {}
}

#[test]
fn exits_dies_loudly_of_the_message_after_the_twentieth() {
    let mut node = Node::ready(&["exits"], "n1");
    for _ in 2..20 {
        node.read();
        assert_eq!(node.next_about("c1")["type"], "read_ok");
    }
    assert!(node.is_alive());
    node.read();
    let (code, stderr) = node.end();
    assert_eq!(code, Some(3));
    assert!(stderr.contains("panicked"), "{stderr}");
}

#[test]
fn hangs_falls_silent_and_lives_on() {
    let mut node = Node::ready(&["hangs"], "n1");
    for _ in 2..20 {
        node.read();
        assert_eq!(node.next_about("c1")["type"], "read_ok");
    }
    node.read();
    drop(node.stdin.take());
    assert_eq!(node.lines.recv_timeout(A_WHILE), Err(RecvTimeoutError::Timeout));
    assert!(node.is_alive());

    let mut node = Node::start(&["hangs-at-init"]);
    node.tell("c0", json!({"type": "init", "msg_id": 1, "node_id": "n1", "node_ids": ["n1"]}));
    assert_eq!(node.lines.recv_timeout(A_WHILE), Err(RecvTimeoutError::Timeout));
    assert!(node.is_alive());
}

#[test]
fn forgetful_forgets_the_oldest_first() {
    let mut node = Node::ready(&["forgetful"], "n1");
    node.broadcast(7);
    node.broadcast(8);
    node.until_echo();
    let mut seen = Vec::new();
    while seen.last() != Some(&json!([])) {
        node.read();
        seen.push(node.next_about("c1")["messages"].take());
        seen.dedup();
        thread::sleep(Duration::from_millis(20));
    }
    // A slow machine may miss a state, but not see another one.
    let states = [json!([7, 8]), json!([8]), json!([])];
    let mut left = states.iter();
    assert!(seen.iter().all(|state| left.any(|known| known == state)), "{seen:?}");
}

#[test]
fn stubborn_ends_for_nothing_but_a_kill() {
    let mut node = Node::ready(&["stubborn"], "n1");
    drop(node.stdin.take());
    node.signal("-TERM", &node.child.id().to_string());
    node.signal("-INT", &node.child.id().to_string());
    assert_eq!(node.lines.recv_timeout(A_WHILE), Err(RecvTimeoutError::Timeout));
    assert!(node.is_alive());
}

#[test]
fn parent_leaves_a_child_that_holds_its_stdout() {
    let mut node = Node::ready(&["parent"], "n1");
    drop(node.stdin.take());
    assert_eq!(node.child.wait().unwrap().code(), Some(0));
    assert_eq!(node.lines.recv_timeout(A_WHILE), Err(RecvTimeoutError::Timeout));
    node.signal("-KILL", &format!("-{}", node.child.id()));
    assert_eq!(node.lines.recv_timeout(PATIENCE), Err(RecvTimeoutError::Disconnected));
}

#[test]
fn echo_storm_writes_to_the_next_node_of_the_ring() {
    let node = Node::ready(&["echo-storm", "--peers-rate", "100"], "n3");
    for _ in 0..10 {
        assert_eq!(node.next_about("n0"), json!({"type": "storm"}));
    }
}

#[test]
fn only_spares_all_nodes_but_one() {
    let broken = |name| {
        let mut node = Node::ready(&["deaf", "--only", "n2"], name);
        node.broadcast(7);
        node.until_echo().len() == 2
    };
    assert_eq!(["n0", "n1", "n2", "n3"].map(broken), [false, false, true, false]);
}

#[test]
fn every_kind_is_in_the_usage_and_in_the_readme() {
    let usage = |args: &[&str]| -> Output { fixture(args).stdin(Stdio::null()).output().unwrap() };
    let output = usage(&["no-such-kind"]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    let lists = text.lines().skip(2).take_while(|line| !line.contains("--"));
    let words = lists.flat_map(str::split_whitespace).filter(|word| !word.ends_with(':'));
    let kinds: HashSet<&str> = words.collect();
    assert_eq!(kinds.len(), 25, "{kinds:?}");
    let readme = include_str!("../examples/fixture/README.md");
    for kind in kinds {
        assert!(readme.contains(&format!("| `{kind}")), "{kind} is not in the README");
        if !["stubborn", "runaway"].contains(&kind) {
            assert_eq!(usage(&[kind]).status.code(), Some(0), "{kind}");
        }
    }
}
