//! What comes of a run.

use super::ledger::Breach;

/// What was seen of a run besides a breach.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Seen {
    /// Values given to nodes, repeats included.
    pub broadcasts: u64,
    /// Messages sent, wake-ups, broadcasts and faults.
    pub events: u64,
    /// Messages that the nodes sent.
    pub messages: u64,
    /// Those that never came.
    pub lost: u64,
    /// Nodes that died without their memory.
    pub deaths: u64,
    /// How long the cluster took to agree after the calm, in ms, if that was promised.
    pub agreed_ms: Option<u64>,
    /// How long it might have taken.
    pub agreement_ms_max: u64,
    /// Messages sent while nothing happened, if it was listened to.
    pub idle_messages: Option<u64>,
    /// How many there might have been.
    pub idle_messages_max: u64,
}

/// What came of a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// What must hold and did not: the first such thing, with which the run ends.
    pub breach: Option<Breach>,
    /// What else was seen.
    pub seen: Seen,
}
