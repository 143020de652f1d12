//! The record of a run: every operation that clients began, and how it ended.
//!
//! A host appends what happens when it happens, in the order of time; [`crate::verdict`] judges the
//! record and [`History::write`] keeps it as JSON lines. The record refuses what cannot have
//! happened (a worker with two operations at once, time that goes back), so that whoever reads it
//! need not doubt it.
//!
//! **What a read returned** is kept as a bag, its values and how often each, for no rule asks for
//! their order. Kept is the change against the last read of the same worker: in a run without
//! restarts each worker's reads take together 8 bytes a value, however many reads there were. A
//! worker's bag itself takes a bit a value. The changes of a run are bounded by
//! [`CHANGES_MAX`]; a read beyond it is refused with [`Refusal::Full`] and stays open, and the host
//! should end the run and say so. Only a node that forgets and remembers all the time gets there.

mod file;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;

use gossiper_core::Instant;
use serde::{Deserialize, Serialize};

pub use crate::bag::VALUES_MAX;
use crate::bag::{Bag, Change};
pub use file::ReadError;

/// Values that all changes of a run may hold together: 67,108,864, which take 512 MiB.
pub const CHANGES_MAX: usize = 1 << 26;

/// What a client asks of a node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Function {
    /// To spread a value.
    Broadcast,
    /// For all values that it knows.
    Read,
    /// For the same text back.
    Echo,
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Broadcast => "broadcast",
            Self::Read => "read",
            Self::Echo => "echo",
        })
    }
}

/// What a client asks of a node, with what it takes to ask it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Call {
    /// To spread this value: the number of broadcasts invoked before.
    Broadcast(u32),
    /// For all values that it knows.
    Read,
    /// For the same text back.
    Echo,
}

impl Call {
    /// The kind of the call.
    pub fn function(self) -> Function {
        match self {
            Self::Broadcast(_) => Function::Broadcast,
            Self::Read => Function::Read,
            Self::Echo => Function::Echo,
        }
    }
}

/// How an operation ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It succeeded.
    Ok,
    /// It certainly had no effect.
    Fail,
    /// Nobody knows: the client gave up, or the node's error says so.
    Info,
}

/// A place in the record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Moment {
    /// How many events, invocations and completions both, the record held before it. It decides
    /// what was first when times are equal.
    pub index: u32,
    /// When it was, since the run's start.
    pub at: Instant,
}

/// One operation, from its invocation to its completion.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Operation {
    /// The client that did it, from 0.
    pub worker: u32,
    /// The node it was asked of: its place in [`History::nodes`].
    pub node: u32,
    /// What was asked.
    pub call: Call,
    /// When it was asked.
    pub invoked: Moment,
    /// How and when it ended; nothing while it is open. In a run that is over an open operation
    /// counts as [`Outcome::Info`].
    pub completed: Option<(Outcome, Moment)>,
    /// Of an ok read: what it returned, against the worker's last one.
    pub(crate) change: Change,
}

/// Why an event is refused. The record is as it was before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The worker has an operation open; it does one at a time.
    WorkerBusy,
    /// The worker has no operation open that could end.
    WorkerIdle,
    /// The run has no such node.
    UnknownNode,
    /// The event is older than the last one.
    TimeWentBack,
    /// The value broadcast is not the number of broadcasts before.
    ValueOutOfOrder,
    /// A read ended by [`History::complete`] as ok, or another operation with values.
    WrongFunction,
    /// The run has broadcast [`VALUES_MAX`] values, has 2³²−1 events, or its reads have changed
    /// by [`CHANGES_MAX`] values.
    Full,
    /// The change takes out a value that the worker's last read lacks. Only a file can say so.
    NotHeld,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WorkerBusy => "the worker has an operation open",
            Self::WorkerIdle => "the worker has no operation open",
            Self::UnknownNode => "the run has no such node",
            Self::TimeWentBack => "the event is older than the one before it",
            Self::ValueOutOfOrder => "the values broadcast are not consecutive",
            Self::WrongFunction => "the operation does not end like this",
            Self::Full => "the record is full",
            Self::NotHeld => "the read takes out a value that the worker's last read lacks",
        })
    }
}

impl std::error::Error for Refusal {}

/// A worker, as far as the record has come.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
struct Worker {
    /// Its open operation.
    open: Option<u32>,
    /// What its last ok read returned.
    bag: Bag,
}

/// The record. Takes about 130 bytes an operation, and what the module's text says for reads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct History {
    nodes: Vec<String>,
    /// In the order of their invocation.
    operations: Vec<Operation>,
    /// The operation that each event belongs to.
    events: Vec<u32>,
    workers: HashMap<u32, Worker>,
    /// The time of the last event.
    last: Instant,
    broadcasts: u32,
    /// The values in all changes.
    changes: usize,
}

impl History {
    /// An empty record of a run with these nodes.
    pub fn new(nodes: Vec<String>) -> Self {
        Self {
            nodes,
            operations: Vec::new(),
            events: Vec::new(),
            workers: HashMap::new(),
            last: Instant::START,
            broadcasts: 0,
            changes: 0,
        }
    }

    /// The names of the run's nodes.
    pub fn nodes(&self) -> &[String] {
        &self.nodes
    }

    /// All operations, in the order of their invocation.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// How many broadcasts were invoked; also the next value to broadcast.
    pub fn broadcasts(&self) -> u32 {
        self.broadcasts
    }

    /// A worker begins an operation. Errors: busy worker, unknown node, time, value, full.
    pub fn invoke(
        &mut self,
        now: Instant,
        worker: u32,
        node: u32,
        call: Call,
    ) -> Result<(), Refusal> {
        if self.nodes.len() <= node as usize {
            return Err(Refusal::UnknownNode);
        }
        if let Call::Broadcast(value) = call {
            if value != self.broadcasts {
                return Err(Refusal::ValueOutOfOrder);
            }
            if value == VALUES_MAX {
                return Err(Refusal::Full);
            }
        }
        if self.workers.get(&worker).is_some_and(|worker| worker.open.is_some()) {
            return Err(Refusal::WorkerBusy);
        }
        let invoked = self.moment(now)?;
        let number = self.operations.len() as u32;
        self.workers.entry(worker).or_default().open = Some(number);
        self.broadcasts += u32::from(matches!(call, Call::Broadcast(_)));
        let change = Change::default();
        self.operations.push(Operation { worker, node, call, invoked, completed: None, change });
        self.push_event(number, now);
        Ok(())
    }

    /// A worker's operation ends, with anything but an ok read's values. Errors: idle worker,
    /// wrong function, time, full.
    pub fn complete(&mut self, now: Instant, worker: u32, outcome: Outcome) -> Result<(), Refusal> {
        let number = self.open(worker)?;
        if outcome == Outcome::Ok && self.operations[number as usize].call == Call::Read {
            return Err(Refusal::WrongFunction);
        }
        let moment = self.moment(now)?;
        self.end(number, outcome, moment);
        Ok(())
    }

    /// A worker's read ends well, with these values in whatever order, copies and values that
    /// nobody broadcast included. Takes time in the number of values. Errors: idle worker, wrong
    /// function, time, full.
    pub fn complete_read(
        &mut self,
        now: Instant,
        worker: u32,
        values: &[i64],
    ) -> Result<(), Refusal> {
        let number = self.open_read(worker)?;
        let bag = Bag::of(values);
        let change = self.workers[&worker].bag.change_to(&bag);
        self.end_read(now, number, change, bag)
    }

    /// The same with a change, as a file has it.
    fn complete_read_by(
        &mut self,
        now: Instant,
        worker: u32,
        change: &Change,
    ) -> Result<(), Refusal> {
        let number = self.open_read(worker)?;
        let old = &self.workers[&worker].bag;
        let mut bag = old.clone();
        if !bag.apply(change) {
            return Err(Refusal::NotHeld);
        }
        // Found anew, since a file may state it in any order, or take out what it puts in.
        let change = old.change_to(&bag);
        self.end_read(now, number, change, bag)
    }

    /// The values that an ok read returned, ascending, each as often as it stood there; nothing
    /// for another operation. Takes time in the changes of the worker's reads before it.
    pub fn read_values(&self, operation: &Operation) -> Option<Vec<i64>> {
        let end = operation.completed_ok()?.index;
        if operation.call != Call::Read {
            return None;
        }
        let mut bag = Bag::default();
        for other in self.operations.iter().filter(|other| other.worker == operation.worker) {
            if other.completed.is_some_and(|(_, moment)| moment.index <= end) {
                bag.apply(&other.change);
            }
        }
        Some(bag.values())
    }

    /// Every event in order: its operation, and whether it is the invocation.
    pub(crate) fn events(&self) -> impl Iterator<Item = (&Operation, bool)> {
        self.events.iter().zip(0..).map(|(&number, index)| {
            let operation = &self.operations[number as usize];
            (operation, operation.invoked.index == index)
        })
    }

    /// What the last ok read of each worker returned.
    pub(crate) fn last_bags(&self) -> HashMap<u32, Bag> {
        self.workers.iter().map(|(&number, worker)| (number, worker.bag.clone())).collect()
    }

    fn open(&self, worker: u32) -> Result<u32, Refusal> {
        self.workers.get(&worker).and_then(|worker| worker.open).ok_or(Refusal::WorkerIdle)
    }

    fn open_read(&self, worker: u32) -> Result<u32, Refusal> {
        let number = self.open(worker)?;
        match self.operations[number as usize].call {
            Call::Read => Ok(number),
            Call::Broadcast(_) | Call::Echo => Err(Refusal::WrongFunction),
        }
    }

    fn moment(&self, at: Instant) -> Result<Moment, Refusal> {
        if at < self.last {
            return Err(Refusal::TimeWentBack);
        }
        let index = u32::try_from(self.events.len()).ok().filter(|&index| index < u32::MAX);
        Ok(Moment { index: index.ok_or(Refusal::Full)?, at })
    }

    fn end_read(
        &mut self,
        now: Instant,
        number: u32,
        change: Change,
        bag: Bag,
    ) -> Result<(), Refusal> {
        let moment = self.moment(now)?;
        if CHANGES_MAX < self.changes + change.len() {
            return Err(Refusal::Full);
        }
        self.changes += change.len();
        let operation = &mut self.operations[number as usize];
        operation.change = change;
        self.workers.entry(operation.worker).or_default().bag = bag;
        self.end(number, Outcome::Ok, moment);
        Ok(())
    }

    fn end(&mut self, number: u32, outcome: Outcome, moment: Moment) {
        let operation = &mut self.operations[number as usize];
        operation.completed = Some((outcome, moment));
        self.workers.entry(operation.worker).or_default().open = None;
        self.push_event(number, moment.at);
    }

    fn push_event(&mut self, number: u32, at: Instant) {
        self.events.push(number);
        self.last = at;
    }
}

impl Operation {
    /// When it succeeded, if it did.
    pub fn completed_ok(&self) -> Option<Moment> {
        match self.completed {
            Some((Outcome::Ok, moment)) => Some(moment),
            _ => None,
        }
    }

    /// How it ended; [`Outcome::Info`] while it is open.
    pub fn outcome(&self) -> Outcome {
        self.completed.map_or(Outcome::Info, |(outcome, _)| outcome)
    }
}
