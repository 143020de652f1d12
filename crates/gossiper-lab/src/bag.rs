//! What a read returned: which values, and how often each.
//!
//! A bag and not a list, because no rule asks for the order of a read. A bitmap holds the first
//! copy of each value that a run can broadcast; only what should not be there takes more than a
//! bit. So two reads are compared 64 values at a time.

use std::collections::BTreeMap;

/// The values that a run can broadcast: 0 to 4,194,303. A bitmap of them takes 512 KiB.
pub const VALUES_MAX: u32 = 1 << 22;

/// Values with their counts. Takes a bit for each value up to the largest of the dense ones
/// (below [`VALUES_MAX`]), and about 30 bytes for each value that is repeated or outside them.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct Bag {
    /// Bit v % 64 of word v / 64: the bag holds v. The last word is never zero.
    bits: Vec<u64>,
    /// Further copies of dense values, and all copies of others.
    extras: BTreeMap<i64, u32>,
}

/// What makes one bag into another: take out `removed`, put in `added`. Ascending; a value stands
/// as often as its count changes.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct Change {
    pub(crate) added: Vec<i64>,
    pub(crate) removed: Vec<i64>,
}

impl Change {
    /// The values in it, each worth 8 bytes.
    pub(crate) fn len(&self) -> usize {
        self.added.len() + self.removed.len()
    }
}

/// The word and the bit of a value, if it is one that a run can broadcast.
fn place(value: i64) -> Option<(usize, u64)> {
    let value = u32::try_from(value).ok().filter(|&value| value < VALUES_MAX)?;
    Some((value as usize / 64, 1 << (value % 64)))
}

impl Bag {
    pub(crate) fn of(values: &[i64]) -> Self {
        let mut bag = Self::default();
        let mut extras = Vec::new();
        for &value in values {
            if !bag.set(value) {
                extras.push(value);
            }
        }
        // Sorted first, because a map filled one by one is slow for a node that doubles it all.
        extras.sort_unstable();
        let chunks = extras.chunk_by(|a, b| a == b);
        bag.extras = chunks.map(|c| (c[0], u32::try_from(c.len()).unwrap_or(u32::MAX))).collect();
        bag
    }

    /// Sets the bit of `value`; false if it has none or it is set.
    fn set(&mut self, value: i64) -> bool {
        let Some((word, bit)) = place(value) else { return false };
        if self.bits.len() <= word {
            self.bits.resize(word + 1, 0);
        }
        let is_new = self.bits[word] & bit == 0;
        self.bits[word] |= bit;
        is_new
    }

    pub(crate) fn add(&mut self, value: i64) {
        if !self.set(value) {
            let copies = self.extras.entry(value).or_default();
            *copies = copies.saturating_add(1);
        }
    }

    /// Takes one copy out; false if there is none.
    pub(crate) fn remove(&mut self, value: i64) -> bool {
        if let Some(copies) = self.extras.get_mut(&value) {
            *copies -= 1;
            if *copies == 0 {
                self.extras.remove(&value);
            }
            return true;
        }
        let Some((word, bit)) = place(value) else { return false };
        let is_held = self.bits.get(word).is_some_and(|bits| bits & bit != 0);
        if is_held {
            self.bits[word] &= !bit;
            while self.bits.last() == Some(&0) {
                self.bits.pop();
            }
        }
        is_held
    }

    /// False, and the bag is of no use any more, if it lacks what the change takes out.
    pub(crate) fn apply(&mut self, change: &Change) -> bool {
        let is_possible = change.removed.iter().all(|&value| self.remove(value));
        change.added.iter().for_each(|&value| self.add(value));
        is_possible
    }

    /// The way back. The change must be the last one applied.
    pub(crate) fn undo(&mut self, change: &Change) {
        for &value in &change.added {
            self.remove(value);
        }
        change.removed.iter().for_each(|&value| self.add(value));
    }

    /// What makes this bag into `next`.
    pub(crate) fn change_to(&self, next: &Self) -> Change {
        let mut change = Change::default();
        for word in 0..self.bits.len().max(next.bits.len()) {
            let (old, new) = (self.word(word), next.word(word));
            push_bits(&mut change.removed, word, old & !new);
            push_bits(&mut change.added, word, new & !old);
        }
        // Of bits the lists are sorted already.
        if !self.extras.is_empty() || !next.extras.is_empty() {
            push_surplus(&mut change.removed, &self.extras, &next.extras);
            push_surplus(&mut change.added, &next.extras, &self.extras);
            change.removed.sort_unstable();
            change.added.sort_unstable();
        }
        change
    }

    /// The presence of the values 64 · `word` and on.
    pub(crate) fn word(&self, word: usize) -> u64 {
        self.bits.get(word).copied().unwrap_or(0)
    }

    /// How often the bag holds `value`.
    pub(crate) fn copies(&self, value: i64) -> u32 {
        let first = place(value).is_some_and(|(word, bit)| self.word(word) & bit != 0);
        let further = self.extras.get(&value).copied().unwrap_or(0);
        further.saturating_add(u32::from(first))
    }

    /// All values in ascending order, as often as they are held.
    pub(crate) fn values(&self) -> Vec<i64> {
        let mut values = Vec::new();
        for (word, &bits) in self.bits.iter().enumerate() {
            push_bits(&mut values, word, bits);
        }
        if !self.extras.is_empty() {
            push_surplus(&mut values, &self.extras, &BTreeMap::new());
            values.sort_unstable();
        }
        values
    }
}

/// The numbers of the set bits of `bits`, lowest first.
pub(crate) fn bits_of(bits: u64) -> impl Iterator<Item = u32> {
    let rest = std::iter::successors(Some(bits), |rest| Some(rest & rest.wrapping_sub(1)));
    rest.take_while(|&rest| rest != 0).map(u64::trailing_zeros)
}

fn push_bits(values: &mut Vec<i64>, word: usize, bits: u64) {
    values.extend(bits_of(bits).map(|bit| word as i64 * 64 + i64::from(bit)));
}

/// What `from` has more than `other`.
fn push_surplus(values: &mut Vec<i64>, from: &BTreeMap<i64, u32>, other: &BTreeMap<i64, u32>) {
    for (&value, &copies) in from {
        let surplus = copies.saturating_sub(other.get(&value).copied().unwrap_or(0));
        values.extend(std::iter::repeat_n(value, surplus as usize));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_bag_forgets_the_order_and_keeps_copies_and_strangers() {
        let bag = Bag::of(&[70, 3, -1, 3, i64::MAX, 0, 3]);
        assert_eq!(bag.values(), [-1, 0, 3, 3, 3, 70, i64::MAX]);
        assert_eq!([-1, 0, 1, 3, i64::MAX].map(|value| bag.copies(value)), [1, 1, 0, 3, 1]);
        assert_eq!((bag.word(0), bag.word(1), bag.word(2)), (0b1001, 1 << 6, 0));
    }

    #[test]
    fn a_value_that_is_not_there_cannot_be_taken_out() {
        let mut bag = Bag::of(&[1]);
        assert!(!bag.remove(0) && !bag.remove(-1) && !bag.remove(1000));
        assert!(bag.remove(1) && !bag.remove(1));
    }

    fn value() -> impl Strategy<Value = i64> {
        prop_oneof![4 => 0..200_i64, 1 => -2..0_i64, 1 => i64::from(VALUES_MAX) - 1..5_000_000]
    }

    proptest! {
        #[test]
        fn a_change_leads_from_one_bag_to_the_other_and_back(
            old in prop::collection::vec(value(), 0..40),
            new in prop::collection::vec(value(), 0..40),
        ) {
            let (from, to) = (Bag::of(&old), Bag::of(&new));
            let change = from.change_to(&to);
            let mut bag = from.clone();
            prop_assert!(bag.apply(&change));
            prop_assert_eq!(&bag, &to);
            bag.undo(&change);
            prop_assert_eq!(bag, from);
            let mut sorted = new.clone();
            sorted.sort_unstable();
            prop_assert_eq!(to.values(), sorted);
        }
    }
}
