//! The programs under test, and how each is started.

use std::path::Path;
use std::process::Command;

use crate::Failure;
use crate::process::Process;
use crate::settings::SIMPLEST_NODE;
use crate::workload;

const PYTHON: &str = "python3";

/// A program that speaks the node's side of the protocol.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    Gossiper,
    Simplest,
    Python,
}

impl Program {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gossiper => "gossiper node",
            Self::Simplest => "simplest loop",
            Self::Python => "Python",
        }
    }

    /// Starts the program and waits for its `init_ok`, so that no measurement holds the start-up.
    pub(crate) fn start(self) -> Result<Process, Failure> {
        let mut process = Process::spawn(self.name(), &mut self.command()?)?;
        let reply = process.ask(&workload::init())?;
        workload::check_reply(&reply, "init_ok", workload::INIT_ID)?;
        Ok(process)
    }

    fn command(self) -> Result<Command, Failure> {
        let mut command;
        match self {
            Self::Gossiper => {
                command = Command::new(env!("CARGO_BIN_EXE_gossiper"));
                command.args(["node", "--log-level", "warn"]);
            }
            Self::Simplest => {
                command = Command::new(std::env::current_exe()?);
                command.arg(SIMPLEST_NODE);
            }
            Self::Python => {
                command = Command::new(PYTHON);
                command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/python_node.py"));
            }
        }
        Ok(command)
    }
}

/// What the `python3` on `PATH` calls itself; `None` where there is none that runs.
pub(crate) fn python_version() -> Option<String> {
    let output = Command::new(PYTHON).arg("--version").output().ok()?;
    let version = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| version.trim().to_owned())
}
