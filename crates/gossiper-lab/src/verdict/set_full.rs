//! What became of each value: set-full, as Maelstrom's broadcast workload counts it.
//!
//! The rules are those of jepsen checker.clj set-full. All comparisons of order are between places
//! in the record and not between times, so that a tie in time decides nothing.
//!
//! The definition looks at every value in every read. Here each read is looked at 64 values at a
//! time, and only at those that it can still tell something about: the cost is (reads × values /
//! 64) and a little for each change of a read. Two passes do it: forward for the moment a value
//! became known, backward for the last reads that had it and lacked it, each with the bag of each
//! worker moved along from read to read. Going backward needs that a worker's reads end in the
//! order in which they began, which the record guarantees.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::bag::{Bag, bits_of};
use crate::history::{Call, History, Moment};

/// What became of a value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// The last read that could show it has it.
    Stable,
    /// It was known, and then the last read that could show it, begun later, lacks it.
    Lost,
    /// No read tells.
    NeverRead,
    /// Lost, and no fault of the nodes': it was acknowledged, but every node that had it was
    /// killed before it could leave. Maelstrom, which kills nothing, knows no such fate.
    Orphaned,
}

/// What the reads tell of a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sightings {
    /// The completion that came first, of those that prove the value to be there: the ok of its
    /// broadcast, and of each read that holds it.
    pub known: Option<Moment>,
    /// Of the ok reads that ended after the broadcast was invoked and lack the value: the
    /// invocation of the one invoked last.
    pub last_absent: Option<Moment>,
    /// The same of those that hold it.
    pub last_present: Option<Moment>,
}

impl Sightings {
    /// What became of the value, as far as reads tell.
    pub fn fate(&self) -> Fate {
        let index = |moment: Option<Moment>| moment.map(|moment| moment.index);
        // Nothing is less than every index, as -1 is in the source.
        if index(self.last_absent) < index(self.last_present) {
            return Fate::Stable;
        }
        // A read begun before the value was known may have come before it.
        match (self.known, self.last_absent) {
            (Some(known), Some(absent)) if known.index < absent.index => Fate::Lost,
            _ => Fate::NeverRead,
        }
    }

    /// How long the value, once known, was still missed, in whole milliseconds, cut; nothing
    /// unless it is stable.
    pub fn stable_latency_ms(&self) -> Option<u64> {
        if self.fate() != Fate::Stable {
            return None;
        }
        let (Some(known), Some(absent)) = (self.known, self.last_absent) else { return Some(0) };
        // The source counts a value as stable from one nanosecond after the read that missed it.
        Some(absent.at.0.saturating_add(1).saturating_sub(known.at.0) / 1_000_000)
    }
}

/// What the reads tell of each value broadcast: value v at place v.
pub fn sightings(history: &History) -> Vec<Sightings> {
    let mut sightings = vec![Sightings::default(); history.broadcasts() as usize];
    find_known(history, &mut sightings);
    find_last(history, &mut sightings);
    sightings
}

/// Values, a bit each, that a pass still waits for.
struct Awaited(Vec<u64>);

impl Awaited {
    fn all(values: usize) -> Self {
        Self(vec![u64::MAX; values.div_ceil(64)])
    }

    /// Calls `found` for each awaited value below `end` that is held by the bag, or lacked, and
    /// awaits it no more.
    fn take(&mut self, bag: &Bag, is_held: bool, end: u32, mut found: impl FnMut(usize)) {
        let end = end as usize;
        for (word, awaited) in self.0.iter_mut().enumerate().take(end.div_ceil(64)) {
            let held = if is_held { bag.word(word) } else { !bag.word(word) };
            // Values from `end` on were not broadcast yet: the read tells nothing of them.
            let hits = *awaited & held & first_bits(end - word * 64);
            *awaited &= !hits;
            bits_of(hits).for_each(|bit| found(word * 64 + bit as usize));
        }
    }

    fn remove(&mut self, value: usize) {
        self.0[value / 64] &= !(1 << (value % 64));
    }
}

/// A word with its first `count` bits set, or all.
fn first_bits(count: usize) -> u64 {
    if count < 64 { (1 << count) - 1 } else { u64::MAX }
}

/// Forward through the completions: the first proof of each value.
fn find_known(history: &History, sightings: &mut [Sightings]) {
    let mut awaited = Awaited::all(sightings.len());
    let mut bags: HashMap<u32, Bag> = HashMap::new();
    let mut broadcasts = 0;
    for (operation, is_invocation) in history.events() {
        if is_invocation {
            broadcasts += u32::from(matches!(operation.call, Call::Broadcast(_)));
            continue;
        }
        let Some(moment) = operation.completed_ok() else { continue };
        match operation.call {
            Call::Broadcast(value) => {
                let value = value as usize;
                awaited.remove(value);
                sightings[value].known.get_or_insert(moment);
            }
            Call::Read => {
                let bag = bags.entry(operation.worker).or_default();
                bag.apply(&operation.change);
                awaited.take(bag, true, broadcasts, |v| sightings[v].known = Some(moment));
            }
            Call::Echo => {}
        }
    }
}

/// Backward through the invocations of reads: the first met is the last.
fn find_last(history: &History, sightings: &mut [Sightings]) {
    let invoked: Vec<u32> = history
        .operations()
        .iter()
        .filter(|operation| matches!(operation.call, Call::Broadcast(_)))
        .map(|operation| operation.invoked.index)
        .collect();
    let mut present = Awaited::all(sightings.len());
    let mut absent = Awaited::all(sightings.len());
    let mut bags = history.last_bags();
    for operation in history.operations().iter().rev() {
        let Some(completed) = operation.completed_ok() else { continue };
        if operation.call != Call::Read {
            continue;
        }
        let bag = bags.entry(operation.worker).or_default();
        let end = invoked.partition_point(|&index| index < completed.index) as u32;
        let at = Some(operation.invoked);
        present.take(bag, true, end, |v| sightings[v].last_present = at);
        absent.take(bag, false, end, |v| sightings[v].last_absent = at);
        bag.undo(&operation.change);
    }
}
