//! What is odd about what reads returned.

use std::collections::HashMap;

use crate::bag::Bag;
use crate::history::{Call, History};

/// A value that reads returned and should not have, or not so often.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Oddity {
    /// The value.
    pub value: i64,
    /// The first read that returned it so, by its place in [`History::operations`].
    pub operation: usize,
    /// How often that read returned it.
    pub copies: u32,
}

/// What is odd about what reads returned, by value, ascending.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Oddities {
    /// Values that stand more than once in a read. Maelstrom means to catch them, but its test
    /// asks for less than one copy and never fires.
    pub duplicated: Vec<Oddity>,
    /// Values that nobody had broadcast when the read that returned them ended. Maelstrom does
    /// not look at them.
    pub invented: Vec<Oddity>,
}

/// Looks for them in every ok read.
pub fn oddities(history: &History) -> Oddities {
    let mut duplicated: HashMap<i64, Oddity> = HashMap::new();
    let mut invented: HashMap<i64, Oddity> = HashMap::new();
    let mut bags: HashMap<u32, Bag> = HashMap::new();
    let mut broadcasts: usize = 0;
    let mut invoked = 0..;
    let mut numbers: HashMap<u32, usize> = HashMap::new();
    for (operation, is_invocation) in history.events() {
        if is_invocation {
            numbers.insert(operation.worker, invoked.next().unwrap_or_default());
            broadcasts += usize::from(matches!(operation.call, Call::Broadcast(_)));
            continue;
        }
        if operation.call != Call::Read || operation.completed_ok().is_none() {
            continue;
        }
        let number = numbers[&operation.worker];
        let bag = bags.entry(operation.worker).or_default();
        bag.apply(&operation.change);
        // A value is met for the first time where a worker's reads change by it: what stays as it
        // was has been met before, and no broadcast becomes un-invoked.
        for added in operation.change.added.chunk_by(|a, b| a == b) {
            let value = added[0];
            let copies = bag.copies(value);
            let oddity = Oddity { value, operation: number, copies };
            if 1 < copies {
                duplicated.entry(value).or_insert(oddity);
            }
            if usize::try_from(value).map_or(true, |value| broadcasts <= value) {
                invented.entry(value).or_insert(oddity);
            }
        }
    }
    Oddities { duplicated: sorted(duplicated), invented: sorted(invented) }
}

fn sorted(oddities: HashMap<i64, Oddity>) -> Vec<Oddity> {
    let mut oddities: Vec<Oddity> = oddities.into_values().collect();
    oddities.sort_unstable_by_key(|oddity| oddity.value);
    oddities
}
