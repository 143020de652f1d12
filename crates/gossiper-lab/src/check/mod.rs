//! Transcripts: written dialogues with a node, played to a node program over its stdin and stdout.
//!
//! A [`CaseFile`] holds cases; each is played by [`run`] to a fresh process of a [`Program`], which
//! may be any node in any language, and ends in an [`Outcome`]. [`run_files`] plays whole files in
//! order, writes down what happens, and ends in a [`Summary`]. What the node prints is compared by
//! JSON value, or byte for byte where [`Options::bytes`] asks for it.
//!
//! The format of a case is described in `cases/README.md`.
//!
//! This module knows JSON and lines, and nothing of the protocol: what a node must say stands in
//! the cases.

mod case;
mod compare;
mod difference;
mod json;
mod pattern;
mod process;
mod report;
mod run;

use std::time::Duration;

pub use case::{Case, CaseFile, LoadError};
pub use report::{Failure, Outcome, Summary, Verdict};
pub use run::{run, run_files};

/// The node program under check.
#[derive(Clone, Debug)]
pub struct Program {
    /// The program and its arguments; a case's own `args` are appended.
    pub command: Vec<String>,
    /// Whether it understands the flags of `gossiper node`. If not, the cases that set any are
    /// skipped.
    pub takes_flags: bool,
}

impl Program {
    /// Our own node: a case may set its flags.
    pub fn own(command: Vec<String>) -> Program {
        Program { command, takes_flags: true }
    }

    /// Somebody else's node: it is started as given, and cases that set flags are skipped.
    pub fn foreign(command: Vec<String>) -> Program {
        Program { command, takes_flags: false }
    }
}

/// How to compare, how long to wait, and what to leave out.
#[derive(Clone, Debug)]
pub struct Options {
    /// Compare byte for byte instead of by JSON value.
    pub bytes: bool,
    /// How long one case may wait for the node; a case's own limit wins. Raising it costs time only
    /// with a node that hangs. Below a second, a busy machine can fail a sound node.
    pub time_limit: Duration,
    /// Run only the cases with this text in their name or task, whatever its case.
    pub filter: Option<String>,
}

impl Default for Options {
    fn default() -> Options {
        Options { bytes: false, time_limit: Duration::from_secs(10), filter: None }
    }
}
