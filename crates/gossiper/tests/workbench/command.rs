//! The command, started and waited for, and what it leaves.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use crate::fixture_path::fixture_path;

/// What all runs have in common unless they say something else: small, short, and with enough
/// to do.
pub(crate) const SMALL: [&str; 8] =
    ["--node-count", "5", "--time-limit", "2", "--rate", "40", "--latency", "20"];

/// An environment variable that all processes of a run inherit, to be found by.
pub(crate) const MARK: &str = "GOSSIPER_WORKBENCH_TEST";

/// Judges runs that were started when it was made. Many are made before the first is called, so
/// that the runs go on at the same time.
pub(crate) type Check = Box<dyn FnOnce()>;

/// A folder that lives as long as its test.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("gossiper-workbench-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file, and says where it is.
    pub(crate) fn file(&self, name: &str, content: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// `gossiper test` at work. It and its nodes do not outlive the test.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    args: Vec<String>,
    scratch: Scratch,
}

impl Running {
    /// Starts it in a folder of its own, with exactly these arguments.
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::start_in(Scratch::new(), args)
    }

    /// Starts it in this folder.
    pub(crate) fn start_in(scratch: Scratch, args: &[&str]) -> Self {
        let printed = |name| File::create(scratch.path().join(name)).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_gossiper"))
            .arg("test")
            .args(args)
            .current_dir(scratch.path())
            .env(MARK, scratch.path())
            .stdin(Stdio::null())
            .stdout(printed("stdout"))
            .stderr(printed("stderr"))
            .process_group(0)
            .spawn()
            .unwrap();
        Self { child, args: args.iter().map(ToString::to_string).collect(), scratch }
    }

    /// A small run on a fixture; `kind` is what the fixture is told, `flags` what the command is.
    /// The results go to `out`.
    pub(crate) fn small(kind: &str, flags: &[&str]) -> Self {
        Self::small_in(Scratch::new(), kind, flags)
    }

    pub(crate) fn small_in(scratch: Scratch, kind: &str, flags: &[&str]) -> Self {
        let fixture = fixture_path();
        let mut args: Vec<&str> = vec!["--bin", fixture.to_str().unwrap(), "--out", "out"];
        // A flag may be given once, so what is asked for goes before what all have.
        for pair in SMALL.chunks(2) {
            if !flags.contains(&pair[0]) {
                args.extend(pair);
            }
        }
        if !flags.contains(&"--seed") {
            args.extend(["--seed", "7"]);
        }
        args.extend(flags);
        args.push("--");
        args.extend(kind.split(' '));
        Self::start_in(scratch, &args)
    }

    /// Waits until it has ended.
    pub(crate) fn finish(mut self) -> Finished {
        let code = self.child.wait().unwrap().code();
        self.finished(code)
    }

    fn finished(&mut self, code: Option<i32>) -> Finished {
        let scratch = std::mem::replace(&mut self.scratch, Scratch(PathBuf::new()));
        let printed = |name| fs::read_to_string(scratch.path().join(name)).unwrap();
        let (stdout, stderr) = (printed("stdout"), printed("stderr"));
        Finished { code, stdout, stderr, args: self.args.join(" "), scratch }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The value of [`MARK`] in its environment and in its nodes'.
    pub(crate) fn mark(&self) -> &Path {
        self.scratch.path()
    }

    /// What it has said to stderr so far.
    pub(crate) fn stderr(&self) -> String {
        fs::read_to_string(self.scratch.path().join("stderr")).unwrap()
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Its nodes go with it; that they do is tested.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `gossiper test` that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) args: String,
    pub(crate) scratch: Scratch,
}

impl Finished {
    /// The folder of the results.
    pub(crate) fn out(&self) -> PathBuf {
        self.scratch.path().join("out")
    }

    /// `results.json`.
    pub(crate) fn results(&self) -> Value {
        let path = self.out().join("results.json");
        let text = fs::read_to_string(&path).unwrap_or_else(|_| panic!("no results: {self}"));
        serde_json::from_str(&text).unwrap()
    }

    /// The lines of one of the files, in its order.
    pub(crate) fn lines(&self, name: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.out().join(name)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Messages between nodes, of one type.
    pub(crate) fn messages(&self, kind: &str) -> Vec<Value> {
        let mut messages = self.lines("net.jsonl");
        messages.retain(|message| message["type"] == kind && is_node(&message["src"]));
        messages.retain(|message| is_node(&message["dest"]));
        messages
    }

    /// Numbers of `results.json`, by a path such as `set/lost`.
    pub(crate) fn count(&self, path: &str) -> u64 {
        let results = self.results();
        let value = results.pointer(&format!("/{path}"));
        value.and_then(Value::as_u64).unwrap_or_else(|| panic!("{path} of {results:#}"))
    }

    pub(crate) fn reasons(&self) -> Vec<String> {
        serde_json::from_value(self.results()["reasons"].take()).unwrap()
    }

    /// Holds the exit code and the verdict in all places to `verdict`: true, false or null.
    pub(crate) fn expect(&self, code: i32, verdict: impl Into<Value>) {
        let verdict = verdict.into();
        assert_eq!(self.code, Some(code), "{self}");
        assert_eq!(self.results()["valid"], verdict, "{self}");
        let word = match verdict {
            Value::Bool(true) => "valid",
            Value::Bool(false) => "INVALID",
            _ => "unknown",
        };
        assert!(self.stdout.lines().any(|line| line == word), "{self}");
        for reason in self.reasons() {
            let first = reason.lines().next().unwrap();
            assert!(self.stdout.contains(first), "{first:?} is not in {self}");
        }
    }

    /// Holds it to be valid for no more than that.
    pub(crate) fn expect_valid(&self) {
        self.expect(0, true);
        assert_eq!(self.reasons(), [""; 0], "{self}");
        let set = &self.results()["set"];
        assert_eq!(set["stable"], set["attempted"], "{self}");
        for nothing in ["lost", "never_read", "duplicated", "orphaned"] {
            assert_eq!(set[nothing], 0, "{nothing}: {self}");
        }
    }

    /// Holds that one of the reasons says all these words.
    pub(crate) fn expect_reason(&self, words: &[&str]) {
        let says_all = |reason: &String| words.iter().all(|word| reason.contains(word));
        assert!(self.reasons().iter().any(says_all), "no reason says {words:?}: {self}");
    }

    /// The values of clients with this fate, ascending.
    pub(crate) fn values_with_fate(&self, fate: &str) -> BTreeSet<u64> {
        let mut values = self.lines("values.jsonl");
        values.retain(|value| value["fate"] == fate);
        values.iter().map(|value| value["value"].as_u64().unwrap()).collect()
    }
}

impl std::fmt::Display for Finished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { code, stdout, stderr, args, .. } = self;
        write!(f, "gossiper test {args}\nexit code {code:?}\n{stdout}\n{stderr}")
    }
}

pub(crate) fn is_node(name: &Value) -> bool {
    name.as_str().unwrap().starts_with('n')
}
