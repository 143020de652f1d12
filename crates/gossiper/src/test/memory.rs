//! This program's own node as the lab's virtual host plays it.

use clap::Parser as _;
use gossiper_lab::in_memory::Program;
use gossiper_maelstrom::{Instant, Session, Settings};

use crate::cli::{Cli, Command};
use crate::node;

/// What the words of a command line, `gossiper node` and its flags, make of a node.
///
/// # Errors
///
/// What is wrong with them, as the node would say it.
pub(super) fn settings<'a>(words: impl Iterator<Item = &'a str>) -> Result<Settings, String> {
    let cli = Cli::try_parse_from(words).map_err(|error| {
        // As a program of its own it would say this on its stderr.
        let text = error.to_string();
        format!("the arguments of the node: {}", text.trim_start_matches("error: ").trim_end())
    })?;
    match cli.command {
        Command::Node(args) => node::settings(&args).map_err(|why| why.to_string()),
        _ => Err("only a node can be played".into()),
    }
}

/// What a node's clock shows at its start, in ns, so that messages are as long as among processes.
const INCARNATION: u64 = 1_800_000_000_000_000_000;

/// A node from one start to its end.
#[derive(Debug)]
pub(super) struct InMemory(Session);

impl InMemory {
    pub(super) fn new(settings: &Settings, starts: u64) -> Self {
        // No two starts share a number, and each run has the same.
        Self(Session::new(Settings { incarnation: INCARNATION + starts, ..settings.clone() }))
    }
}

impl Program for InMemory {
    fn on_line(&mut self, now: Instant, line: &[u8], out: &mut Vec<u8>) {
        self.0.on_line(now, line, out);
    }

    fn on_wakeup(&mut self, now: Instant, out: &mut Vec<u8>) {
        self.0.on_wakeup(now, out);
    }

    fn next_wakeup(&self) -> Option<Instant> {
        self.0.next_wakeup()
    }
}
