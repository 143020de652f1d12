//! Whether a run was good: valid, invalid, or unknown, with the reasons.
//!
//! Everything Maelstrom says of a broadcast or echo run is said here in the same way: what became
//! of each value ([`Fate`]), that every kind of operation succeeded once, and that enough of them
//! did. What Maelstrom lets pass makes a run invalid here: [`Oddities`] in what reads returned, and
//! a node's [`Misconduct`].

mod finding;
mod misconduct;
mod set_full;
#[cfg(test)]
mod tests;

use std::fmt::Write;

use serde::{Serialize, Serializer};

use crate::figures::Ops;
use crate::history::{Call, Function, History, Moment};
pub use finding::{Oddities, Oddity, oddities};
pub use misconduct::{Misconduct, Misconducts, What};
pub use set_full::{Fate, Sightings, sightings};

/// Values named in a reason, beyond which it only counts them.
const VALUES_NAMED: usize = 10;
/// Cases of misconduct told one by one, beyond which they are counted.
const MISCONDUCT_TOLD: usize = 20;

/// What a run is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Verdict {
    /// Nothing is wrong, and something happened.
    Valid,
    /// Something is wrong.
    Invalid,
    /// Nothing is wrong, but too little happened to tell.
    Unknown,
}

impl Verdict {
    /// The exit code of the command, as Maelstrom's: 0, 1, 2.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Valid => 0,
            Self::Invalid => 1,
            Self::Unknown => 2,
        }
    }

    /// As `results.json` has it.
    pub fn valid(self) -> Option<bool> {
        match self {
            Self::Valid => Some(true),
            Self::Invalid => Some(false),
            Self::Unknown => None,
        }
    }
}

/// As true, false or null.
impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.valid().serialize(serializer)
    }
}

/// The verdict on a run, and what it rests on.
#[derive(Clone, PartialEq, Debug)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is not valid: a sentence each, the worst first. Empty if it is valid.
    pub reasons: Vec<String>,
    /// What the reads tell of value v, at place v.
    pub values: Vec<Sightings>,
    /// What became of value v, at place v.
    pub fates: Vec<Fate>,
    /// What is odd about what reads returned.
    pub oddities: Oddities,
    /// The operations, counted.
    pub ops: Ops,
}

impl Judgement {
    /// The values with this fate, ascending.
    pub fn with_fate(&self, fate: Fate) -> Vec<u32> {
        let fates = self.fates.iter().zip(0..);
        fates.filter(|&(&of_value, _)| of_value == fate).map(|(_, value)| value).collect()
    }

    /// The stable latencies of all stable values, ascending, in whole ms.
    pub fn stable_latencies_ms(&self) -> Vec<u64> {
        let mut latencies: Vec<u64> =
            self.values.iter().filter_map(Sightings::stable_latency_ms).collect();
        latencies.sort_unstable();
        latencies
    }
}

/// By which terms a run is judged. The default is that of a run that came to its end, in which
/// operations may fail and no node was killed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terms<'a> {
    /// The share of operations that must succeed, 0 to 1; 1 is Maelstrom's `total`.
    pub availability_min: Option<f64>,
    /// Values, ascending, of which every copy died with its node. To have lost them is no fault.
    pub orphaned: &'a [u32],
    /// Whether the run ended before its final reads. What the last read so far lacks may still
    /// have been on its way.
    pub is_cut_short: bool,
}

impl Terms<'_> {
    fn fate(&self, value: u32, sightings: &Sightings) -> Fate {
        match sightings.fate() {
            Fate::Lost if self.is_cut_short => Fate::NeverRead,
            Fate::Lost if self.orphaned.binary_search(&value).is_ok() => Fate::Orphaned,
            fate => fate,
        }
    }
}

/// Judges a run that is over. `misconduct` is what the host saw, [`Misconducts::list`]. Takes time
/// in reads × values / 64, and room for some hundred bytes a value and a bit a value and worker.
pub fn judge(history: &History, misconduct: &[Misconduct], terms: Terms<'_>) -> Judgement {
    let values = sightings(history);
    let mut judgement = Judgement {
        verdict: Verdict::Valid,
        reasons: Vec::new(),
        fates: values.iter().zip(0..).map(|(seen, value)| terms.fate(value, seen)).collect(),
        values,
        oddities: oddities(history),
        ops: Ops::of(history),
    };
    let mut reasons = faults(&judgement, history);
    // That a node ended explains what follows from it.
    let (crashes, others): (Vec<_>, Vec<_>) = misconduct.iter().partition(|case| case.is_crash());
    let mut cases = crashes.into_iter().chain(others);
    reasons.extend(cases.by_ref().take(MISCONDUCT_TOLD).map(Misconduct::to_string));
    let more: u64 = cases.map(Misconduct::times).sum();
    if 0 < more {
        reasons.push(format!(
            "{} not told here.",
            counted(more, "more case of misconduct is", "more cases of misconduct are"),
        ));
    }
    let availability = judgement.ops.availability();
    if let Some(min) = terms.availability_min.filter(|&min| availability < min) {
        let Ops { invoked, ok, .. } = judgement.ops;
        reasons.push(format!(
            "Only {ok} of {invoked} operations succeeded: a share of {availability:.4}, where {min} \
             is asked for."
        ));
    }
    let is_invalid = !reasons.is_empty();
    reasons.extend(doubts(&judgement, history));
    judgement.verdict = match (is_invalid, reasons.is_empty()) {
        (true, _) => Verdict::Invalid,
        (false, true) => Verdict::Valid,
        (false, false) => Verdict::Unknown,
    };
    judgement.reasons = reasons;
    judgement
}

/// What makes the record invalid.
fn faults(judgement: &Judgement, history: &History) -> Vec<String> {
    let mut faults = Vec::new();
    let lost: Vec<i64> = judgement.with_fate(Fate::Lost).into_iter().map(i64::from).collect();
    if let Some(&first) = lost.first() {
        faults.push(format!(
            "{} known, and then missing from the last read that could show {}: {} ({}).",
            counted(lost.len() as u64, "value was", "values were"),
            if lost.len() == 1 { "it" } else { "them" },
            list(&lost),
            loss(first, &judgement.values[first as usize], history),
        ));
    }
    let Oddities { duplicated, invented } = &judgement.oddities;
    for (oddities, what) in [
        (duplicated, ["value stands", "values stand", "more than once in a read"]),
        (invented, ["value was", "values were", "read before anybody had broadcast it"]),
    ] {
        let Some(first) = oddities.first() else { continue };
        let values: Vec<i64> = oddities.iter().map(|oddity| oddity.value).collect();
        let read = &history.operations()[first.operation];
        let times = match first.copies {
            1 => "once".to_owned(),
            2 => "twice".to_owned(),
            copies => format!("{copies} times"),
        };
        faults.push(format!(
            "{} {}: {} ({} returned {} {times} to the read begun at {} ms).",
            counted(values.len() as u64, what[0], what[1]),
            what[2],
            list(&values),
            history.nodes()[read.node as usize],
            first.value,
            read.invoked.at.0 / 1_000_000,
        ));
    }
    faults
}

/// When a lost value was known, and which read lacks it.
fn loss(value: i64, seen: &Sightings, history: &History) -> String {
    let ms = |moment: Option<Moment>| moment.map_or(0, |moment| moment.at.0 / 1_000_000);
    let mut operations = history.operations().iter();
    let read = operations.find(|operation| Some(operation.invoked) == seen.last_absent);
    let node = read.map_or("", |read| &history.nodes()[read.node as usize]);
    format!(
        "{value} was known at {} ms, and the read of {node} begun at {} ms lacks it",
        ms(seen.known),
        ms(seen.last_absent)
    )
}

/// What keeps the record from being valid.
fn doubts(judgement: &Judgement, history: &History) -> Vec<String> {
    let mut doubts = Vec::new();
    let operations = history.operations();
    if operations.is_empty() {
        return vec!["Nothing happened: no operation was begun.".into()];
    }
    for function in [Function::Broadcast, Function::Read, Function::Echo] {
        let mut of_kind =
            operations.iter().filter(|operation| operation.call.function() == function).peekable();
        if of_kind.peek().is_some() && of_kind.all(|o| o.completed_ok().is_none()) {
            doubts.push(format!("No {function} succeeded."));
        }
    }
    let is_echo = operations.iter().all(|operation| operation.call == Call::Echo);
    if !is_echo && !judgement.fates.contains(&Fate::Stable) {
        doubts.push(match judgement.values.len() {
            0 => "No value was broadcast, so none could become stable.".into(),
            n => format!("None of {} became stable.", counted(n as u64, "value", "values")),
        });
    }
    doubts
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The first few, and how many more.
fn list(values: &[i64]) -> String {
    let mut text = String::new();
    for (place, value) in values.iter().take(VALUES_NAMED).enumerate() {
        let comma = if place == 0 { "" } else { ", " };
        let _ = write!(text, "{comma}{value}");
    }
    if VALUES_NAMED < values.len() {
        let _ = write!(text, " and {} more", values.len() - VALUES_NAMED);
    }
    text
}
