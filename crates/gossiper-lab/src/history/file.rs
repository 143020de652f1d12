//! `history.jsonl`: the record as JSON lines.
//!
//! The first line names the format and the nodes, every other line is one event, in order:
//!
//! ```text
//! {"history":1,"nodes":["n0","n1"]}
//! {"index":0,"time_ns":0,"type":"invoke","f":"broadcast","worker":0,"node":"n0","value":0}
//! {"index":1,"time_ns":51000,"type":"ok","f":"broadcast","worker":0,"node":"n0","value":0}
//! {"index":2,"time_ns":60000,"type":"invoke","f":"read","worker":1,"node":"n1"}
//! {"index":3,"time_ns":72000,"type":"ok","f":"read","worker":1,"node":"n1","added":[0]}
//! ```
//!
//! | field | meaning |
//! | --- | --- |
//! | `index` | the number of the event, from 0 |
//! | `time_ns` | nanoseconds since the run's start |
//! | `type` | `invoke`, or how the worker's operation ended: `ok`, `fail`, `info` (unknown) |
//! | `f` | `broadcast`, `read` or `echo` |
//! | `worker`, `node` | the client, and the node that it asked |
//! | `value` | of a broadcast: what is broadcast |
//! | `added`, `removed` | of an ok read: what it returned that the last ok read of the same worker (the empty one, if there is none) had not, and the other way; a value stands as often as its count changes; left out when empty |

use std::fmt;
use std::io::{self, BufRead, Write};

use gossiper_core::Instant;
use serde::{Deserialize, Serialize};

use super::{Call, Function, History, Operation, Outcome};
use crate::bag::Change;

/// The format's number, in the first line.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    history: u32,
    nodes: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Type {
    Invoke,
    Ok,
    Fail,
    Info,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    index: u32,
    time_ns: u64,
    r#type: Type,
    f: Function,
    worker: u32,
    node: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    added: Vec<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    removed: Vec<i64>,
}

/// Why a file is not read, with the number of its line, from 1.
#[derive(Debug)]
pub struct ReadError {
    /// The line at fault.
    pub line: usize,
    /// What is wrong with it.
    pub cause: String,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.cause)
    }
}

impl std::error::Error for ReadError {}

impl History {
    /// Writes the record as the JSON lines of `history.jsonl`. Errors are those of `out`, which
    /// may then hold a part.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let header = Header { history: FORMAT, nodes: self.nodes.clone() };
        write_line(out, &header)?;
        for (operation, is_invocation) in self.events() {
            write_line(out, &self.line(operation, is_invocation))?;
        }
        Ok(())
    }

    /// Reads what [`History::write`] wrote. Trusts nothing: every line passes the checks that a
    /// host's events pass. Errors name the first line at fault.
    pub fn read(input: impl BufRead) -> Result<Self, ReadError> {
        let mut history = None;
        for (line, number) in input.lines().zip(1..) {
            let fault = |cause: String| ReadError { line: number, cause };
            let line = line.map_err(|error| fault(error.to_string()))?;
            match &mut history {
                None => history = Some(Self::from_header(&line).map_err(fault)?),
                Some(history) => history.append_line(&line).map_err(fault)?,
            }
        }
        history.ok_or(ReadError { line: 1, cause: "the file is empty".into() })
    }

    fn line(&self, operation: &Operation, is_invocation: bool) -> Line {
        let (r#type, moment) = match operation.completed {
            Some((outcome, moment)) if !is_invocation => (outcome.into(), moment),
            _ => (Type::Invoke, operation.invoked),
        };
        let change = match is_invocation {
            true => Change::default(),
            false => operation.change.clone(),
        };
        Line {
            index: moment.index,
            time_ns: moment.at.0,
            r#type,
            f: operation.call.function(),
            worker: operation.worker,
            node: self.nodes[operation.node as usize].clone(),
            value: match operation.call {
                Call::Broadcast(value) => Some(value),
                Call::Read | Call::Echo => None,
            },
            added: change.added,
            removed: change.removed,
        }
    }

    fn from_header(line: &str) -> Result<Self, String> {
        let header: Header = serde_json::from_str(line).map_err(|error| error.to_string())?;
        match header.history {
            FORMAT => Ok(Self::new(header.nodes)),
            other => Err(format!("format {other} is unknown here, only {FORMAT} is")),
        }
    }

    fn append_line(&mut self, line: &str) -> Result<(), String> {
        let line: Line = serde_json::from_str(line).map_err(|error| error.to_string())?;
        if line.index as usize != self.events.len() {
            return Err(format!("index {} should be {}", line.index, self.events.len()));
        }
        let call = match (line.f, line.value) {
            (Function::Broadcast, Some(value)) => Call::Broadcast(value),
            (Function::Read, None) => Call::Read,
            (Function::Echo, None) => Call::Echo,
            (Function::Broadcast, None) => return Err("a broadcast without `value`".into()),
            (_, Some(_)) => return Err("`value` where nothing is broadcast".into()),
        };
        let change = Change { added: line.added, removed: line.removed };
        let is_ok_read = line.r#type == Type::Ok && call == Call::Read;
        if change.len() != 0 && !is_ok_read {
            return Err("`added` or `removed` on what is no ok read".into());
        }
        let now = Instant(line.time_ns);
        let outcome = match line.r#type {
            Type::Invoke => {
                let node = self.nodes.iter().position(|name| *name == line.node);
                let node = node.ok_or_else(|| format!("the run has no node {}", line.node))?;
                let result = self.invoke(now, line.worker, node as u32, call);
                return result.map_err(|refusal| refusal.to_string());
            }
            Type::Ok => Outcome::Ok,
            Type::Fail => Outcome::Fail,
            Type::Info => Outcome::Info,
        };
        let open = self.open(line.worker).map_err(|refusal| refusal.to_string())?;
        let operation = &self.operations[open as usize];
        if operation.call != call || self.nodes[operation.node as usize] != line.node {
            return Err("the worker's open operation is another".into());
        }
        let result = match is_ok_read {
            true => self.complete_read_by(now, line.worker, &change),
            false => self.complete(now, line.worker, outcome),
        };
        result.map_err(|refusal| refusal.to_string())
    }
}

impl From<Outcome> for Type {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Ok => Self::Ok,
            Outcome::Fail => Self::Fail,
            Outcome::Info => Self::Info,
        }
    }
}

fn write_line(out: &mut dyn Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}
