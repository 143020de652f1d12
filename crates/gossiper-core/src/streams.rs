//! Which rumors are held, by id: for each origin and incarnation one number and the gaps.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::hash::BuildHasher as _;

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use smallvec::SmallVec;

use crate::digest::SummaryHasher;
use crate::store::{Name, ValueIx};
use crate::{NodeId, RumorId, StreamDigest};

/// The most streams. A rumor of one more is kept without its name, and its receiver adopts it in
/// time.
const STREAMS_MAX: usize = 65_536;

/// The most further names of payloads that have one already, beside one a payload: two clients
/// may broadcast one value at two nodes. Past it the further name is not noted, so that a
/// hostile peer cannot fill the memory with names of one value.
const ALIASES_MAX: usize = 1 << 20;

/// The most ranges that a digest lists for a stream. What lies behind them counts as not held and
/// is sent again: wasteful, never wrong.
const RANGES_MAX: usize = 256;

/// A name that cannot be kept: it is past a bound, or makes no sense.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Refused;

/// A line of the cache: what is looked at for each rumor that comes.
#[derive(Debug)]
struct Stream {
    id: (NodeId, u64),
    /// The payloads of the rumors 1, 2, 3 … without a gap.
    values: SmallVec<[ValueIx; 4]>,
    /// Those behind the first gap, if there is one.
    beyond: Option<Box<Beyond>>,
    /// What it adds to the [hash of all](Streams::hash), unless it has changed since.
    hash: u64,
    has_changed: bool,
}

/// What is held of a stream behind its first gap.
#[derive(Debug, Default)]
struct Beyond {
    values: BTreeMap<u32, ValueIx>,
    /// Their numbers as closed ranges, none of which touches the next: where one rumor is late,
    /// as many as there are may lie behind the gap.
    ranges: BTreeMap<u32, u32>,
}

impl Beyond {
    /// Puts in a number that is not among them.
    fn insert(&mut self, sequence: u32, value: ValueIx) {
        self.values.insert(sequence, value);
        let after = sequence.checked_add(1).and_then(|next| self.ranges.remove(&next));
        let last = after.unwrap_or(sequence);
        match self.ranges.range_mut(..sequence).next_back() {
            Some((_, before)) if *before + 1 == sequence => *before = last,
            _ => _ = self.ranges.insert(sequence, last),
        }
    }

    /// Takes out the first range, if it begins there.
    fn take_range(&mut self, begin: u32) -> impl Iterator<Item = ValueIx> {
        let first = self.ranges.first_entry().filter(|range| *range.key() == begin);
        let range = first.map(|range| range.remove_entry());
        let numbers = range.into_iter().flat_map(|(first, last)| first..=last);
        numbers.filter_map(|_| self.values.pop_first()).map(|(_, value)| value)
    }
}

impl Stream {
    fn new(id: (NodeId, u64)) -> Self {
        Self { id, values: SmallVec::new(), beyond: None, hash: 0, has_changed: false }
    }

    fn holds(&self, sequence: u32) -> bool {
        self.find(sequence).is_some()
    }

    fn find(&self, sequence: u32) -> Option<ValueIx> {
        let dense = self.values.get((sequence as usize).checked_sub(1)?);
        dense.or_else(|| self.beyond.as_ref()?.values.get(&sequence)).copied()
    }

    fn insert(&mut self, sequence: u32, value: ValueIx) {
        if sequence as usize != self.values.len() + 1 {
            self.beyond.get_or_insert_default().insert(sequence, value);
            return;
        }
        self.values.push(value);
        // The first gap may be closed by this.
        if let Some(beyond) = &mut self.beyond
            && let Some(next) = sequence.checked_add(1)
        {
            self.values.extend(beyond.take_range(next));
            self.beyond.take_if(|beyond| beyond.values.is_empty());
        }
    }

    /// What is held behind the first gap, as closed ranges in rising order.
    fn ranges(&self) -> impl Iterator<Item = (u64, u64)> {
        let ranges = self.beyond.iter().flat_map(|beyond| &beyond.ranges);
        ranges.map(|(&first, &last)| (u64::from(first), u64::from(last)))
    }

    /// What is held of a closed range, which may be hostile, in rising order.
    fn held_in(&self, (first, last): (u64, u64)) -> impl Iterator<Item = (u64, ValueIx)> {
        let end = usize::try_from(last).unwrap_or(usize::MAX).min(self.values.len());
        let start = usize::try_from(first).unwrap_or(usize::MAX).saturating_sub(1).min(end);
        let dense = (start as u64 + 1..).zip(self.values[start..end].iter().copied());
        let last = u32::try_from(last).unwrap_or(u32::MAX);
        let first = u32::try_from(first).ok().filter(|&first| first <= last);
        let beyond = self.beyond.as_ref().zip(first);
        let sparse =
            beyond.into_iter().flat_map(move |(beyond, first)| beyond.values.range(first..=last));
        dense.chain(sparse.map(|(&sequence, &value)| (u64::from(sequence), value)))
    }
}

/// What a digest does not hold of its stream, as closed ranges in rising order. It may be hostile:
/// no number is in two of them.
fn gaps_of(their: Option<&StreamDigest>) -> impl Iterator<Item = (u64, u64)> {
    let (mut seen, beyond) = their.map_or((0, &[][..]), |their| (their.upto, &their.beyond));
    let ranges = beyond.iter().copied().chain([(u64::MAX, u64::MAX)]);
    ranges.filter_map(move |(first, last)| {
        let gap = (seen.saturating_add(1), first.saturating_sub(1));
        seen = seen.max(gap.1).max(last);
        (gap.0 <= gap.1).then_some(gap)
    })
}

#[derive(Debug)]
pub(crate) struct Streams {
    list: Vec<Stream>,
    /// The places of the streams in the list, by their ids.
    index: HashTable<u32>,
    hasher: FixedState,
    aliases: usize,
    /// The [hash](Self::hash) of the streams as they were when it was last asked for.
    hash: u64,
    /// The streams that have changed since, once each.
    changed: Vec<u32>,
}

impl Streams {
    /// The stream that this node itself feeds.
    pub(crate) const OWN: u32 = 0;

    /// `seed` is as for the [store](crate::store::Store::new).
    pub(crate) fn new(me: NodeId, incarnation: u64, seed: u64) -> Self {
        let mut streams = Self {
            list: Vec::new(),
            index: HashTable::new(),
            hasher: FixedState::with_seed(seed),
            aliases: 0,
            hash: 0,
            changed: Vec::new(),
        };
        streams.open(me, incarnation);
        streams
    }

    /// This start of the node.
    pub(crate) fn incarnation(&self) -> u64 {
        self.list[Self::OWN as usize].id.1
    }

    /// The place of a stream, made if need be; `None` when there are too many.
    pub(crate) fn open(&mut self, origin: NodeId, incarnation: u64) -> Option<u32> {
        if let Some(stream) = self.place_of((origin, incarnation)) {
            return Some(stream);
        }
        if self.list.len() == STREAMS_MAX {
            return None;
        }
        let stream = self.list.len() as u32;
        if self.list.len() == self.list.capacity() {
            // Many nodes know few streams, and have many neighbors in memory.
            self.list.reserve_exact(self.list.len().max(1));
        }
        self.list.push(Stream::new((origin, incarnation)));
        let Self { list, index, hasher, .. } = self;
        let hash = |&stream: &u32| hasher.hash_one(list[stream as usize].id);
        index.insert_unique(hash(&stream), stream, hash);
        Some(stream)
    }

    fn place_of(&self, id: (NodeId, u64)) -> Option<u32> {
        let is_same = |&stream: &u32| self.list[stream as usize].id == id;
        self.index.find(self.hasher.hash_one(id), is_same).copied()
    }

    /// The name for the next rumor of this node's own.
    pub(crate) fn name_next(&mut self, value: ValueIx) -> Name {
        self.note_change(Self::OWN);
        let values = &mut self.list[Self::OWN as usize].values;
        values.push(value);
        Name { stream: Self::OWN, sequence: values.len() as u32 }
    }

    /// Notes that this payload bears this name. Gives the name back in short form, or nothing when
    /// the name was known already.
    pub(crate) fn note(
        &mut self,
        stream: u32,
        sequence: u64,
        value: ValueIx,
        is_alias: bool,
    ) -> Result<Option<Name>, Refused> {
        let sequence = u32::try_from(sequence).map_err(|_| Refused)?;
        if sequence == 0 || (is_alias && self.aliases == ALIASES_MAX) {
            return Err(Refused);
        }
        if self.list[stream as usize].holds(sequence) {
            return Ok(None);
        }
        self.note_change(stream);
        self.aliases += usize::from(is_alias);
        self.list[stream as usize].insert(sequence, value);
        Ok(Some(Name { stream, sequence }))
    }

    pub(crate) fn id_of(&self, name: Name) -> RumorId {
        let (origin, incarnation) = self.list[name.stream as usize].id;
        RumorId { origin, incarnation, sequence: u64::from(name.sequence) }
    }

    /// The payload with this name, if it is here.
    pub(crate) fn find(&self, id: RumorId) -> Option<ValueIx> {
        let stream = self.place_of((id.origin, id.incarnation))?;
        self.list[stream as usize].find(u32::try_from(id.sequence).ok()?)
    }

    /// Whether a rumor is lacking before one that is held.
    pub(crate) fn has_gap(&self) -> bool {
        self.list.iter().any(|stream| stream.beyond.is_some())
    }

    /// What is held, sorted by origin and incarnation.
    pub(crate) fn digest(&self) -> Vec<StreamDigest> {
        // A stream that was opened and not fed says nothing.
        let is_fed = |stream: &&Stream| !stream.values.is_empty() || stream.beyond.is_some();
        let mut fed: Vec<&Stream> = self.list.iter().filter(is_fed).collect();
        fed.sort_unstable_by_key(|stream| stream.id);
        fed.into_iter()
            .map(|stream| StreamDigest {
                origin: stream.id.0,
                incarnation: stream.id.1,
                upto: stream.values.len() as u64,
                beyond: stream.ranges().take(RANGES_MAX).collect(),
            })
            .collect()
    }

    fn note_change(&mut self, stream: u32) {
        let is_known = &mut self.list[stream as usize].has_changed;
        if !core::mem::replace(is_known, true) {
            self.changed.push(stream);
        }
    }

    /// The hash of [the digest](Self::digest), with all ranges: the sum of the hashes of its
    /// streams. It costs as much as there are streams that have changed, and gaps in those.
    pub(crate) fn hash(&mut self) -> u64 {
        for changed in self.changed.drain(..) {
            let stream = &mut self.list[changed as usize];
            let mut hasher = SummaryHasher::new(stream.id.0, stream.id.1);
            hasher.held(stream.values.len() as u64);
            stream.ranges().for_each(|range| hasher.beyond(range));
            let before = core::mem::replace(&mut stream.hash, hasher.finish());
            stream.has_changed = false;
            self.hash = self.hash.wrapping_sub(before).wrapping_add(stream.hash);
        }
        self.hash
    }

    /// The rumors held here that `theirs` lacks, stream by stream, from the stream on that `first`
    /// picks, around to the one before it. Walking them costs as much as there are of them, and
    /// streams and gaps, however much both hold.
    pub(crate) fn lacking_in<'a>(
        &'a self,
        theirs: &'a [StreamDigest],
        first: u64,
    ) -> impl Iterator<Item = (RumorId, ValueIx)> + 'a {
        let first = (first % self.list.len() as u64) as usize;
        let theirs: BTreeMap<(NodeId, u64), &StreamDigest> =
            theirs.iter().map(|their| ((their.origin, their.incarnation), their)).collect();
        let streams = self.list[first..].iter().chain(&self.list[..first]);
        streams.flat_map(move |stream| {
            let their = theirs.get(&stream.id).copied();
            gaps_of(their).flat_map(|gap| stream.held_in(gap)).map(move |(sequence, value)| {
                let (origin, incarnation) = stream.id;
                (RumorId { origin, incarnation, sequence }, value)
            })
        })
    }

    /// Whether `theirs` holds a rumor that is not held here.
    pub(crate) fn lacks_any_of(&self, theirs: &[StreamDigest]) -> bool {
        theirs.iter().any(|their| {
            let known = self.place_of((their.origin, their.incarnation));
            let Some(stream) = known.map(|stream| &self.list[stream as usize]) else {
                return their.upto > 0 || !their.beyond.is_empty();
            };
            stream.lacks_any_to(their.upto)
                || their.beyond.iter().any(|&range| stream.lacks_any_in(range))
        })
    }
}

impl Stream {
    fn lacks_any_to(&self, upto: u64) -> bool {
        let held = self.values.len() as u64;
        upto > held && self.lacks_any_in((held + 1, upto))
    }

    /// Whether one of a closed range is missing. The range may be hostile: it is compared with
    /// what is held inside it, never walked.
    fn lacks_any_in(&self, (first, last): (u64, u64)) -> bool {
        let first = first.max(self.values.len() as u64 + 1);
        if first > last {
            return false;
        }
        let Ok(first) = u32::try_from(first) else {
            return true;
        };
        let beyond = self.beyond.as_ref();
        let range = beyond.and_then(|beyond| beyond.ranges.range(..=first).next_back());
        range.is_none_or(|(_, &end)| u64::from(end) < last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;
    use alloc::vec;

    fn note(streams: &mut Streams, origin: u64, sequence: u64) -> Result<Option<Name>, Refused> {
        let stream = streams.open(NodeId(origin), 1).ok_or(Refused)?;
        streams.note(stream, sequence, ValueIx(0), false)
    }

    fn streams(names: &[(u64, u64)]) -> Streams {
        let mut streams = Streams::new(NodeId(99), 1, 7);
        for &(origin, sequence) in names {
            note(&mut streams, origin, sequence).unwrap();
        }
        streams
    }

    fn lacking(here: &Streams, there: &Streams) -> Vec<(u64, u64)> {
        let digest = there.digest();
        here.lacking_in(&digest, 0).map(|(id, _)| (id.origin.0, id.sequence)).collect()
    }

    #[test]
    fn a_gap_shows_until_it_is_filled() {
        let mut held = streams(&[(0, 1), (0, 2), (0, 5), (0, 4), (0, 9)]);
        assert_eq!((held.digest()[0].upto, &held.digest()[0].beyond), (2, &vec![(4, 5), (9, 9)]));
        note(&mut held, 0, 3).unwrap();
        assert_eq!((held.digest()[0].upto, &held.digest()[0].beyond), (5, &vec![(9, 9)]));
    }

    #[test]
    fn a_digest_shows_exactly_what_is_lacking() {
        let here = streams(&[(0, 1), (0, 2), (0, 3), (0, 7), (1, 1)]);
        let there = streams(&[(0, 1), (0, 3), (2, 1)]);
        assert_eq!(lacking(&here, &there), [(0, 2), (0, 7), (1, 1)]);
        assert_eq!(lacking(&there, &here), [(2, 1)]);
        assert!(here.lacks_any_of(&there.digest()) && there.lacks_any_of(&here.digest()));
        assert!(!here.lacks_any_of(&here.digest()));
    }

    #[test]
    fn a_rumor_is_found_by_its_name_before_and_behind_a_gap() {
        let held = streams(&[(0, 1), (0, 2), (0, 5)]);
        let id = |sequence| RumorId { origin: NodeId(0), incarnation: 1, sequence };
        let found = (0..7).filter(|&sequence| held.find(id(sequence)).is_some());
        assert_eq!(found.collect::<Vec<_>>(), [1, 2, 5]);
        assert_eq!(held.find(RumorId { origin: NodeId(1), ..id(1) }), None);
        assert_eq!(held.find(id(1 << 32)), None);
    }

    #[test]
    fn a_single_rumor_that_is_missing_is_asked_for() {
        let here = streams(&[(0, 1), (0, 3)]);
        for there in [&[(0, 1), (0, 2), (0, 3)][..], &[(0, 1), (0, 3), (0, 4)], &[(1, 1)]] {
            assert!(here.lacks_any_of(&streams(there).digest()), "{there:?}");
        }
        assert!(!here.lacks_any_of(&streams(&[(0, 1)]).digest()));
        assert!(!here.lacks_any_of(&streams(&[(0, 3)]).digest()));
    }

    #[test]
    fn the_hash_sees_beyond_what_a_digest_lists() {
        let gaps = RANGES_MAX as u64 * 2;
        let names: Vec<(u64, u64)> = (1..=gaps).map(|gap| (0, gap * 2)).collect();
        let (mut less, mut more) = (streams(&names[1..]), streams(&names));
        assert_eq!(more.digest()[0].beyond.len(), RANGES_MAX);
        let mut other_end = streams(&names[..names.len() - 1]);
        assert_ne!(more.hash(), less.hash());
        assert_ne!(more.hash(), other_end.hash());
    }

    #[test]
    fn further_names_are_kept_to_a_bound() {
        let mut held = streams(&[]);
        let stream = held.open(NodeId(0), 1).unwrap();
        held.aliases = ALIASES_MAX - 1;
        assert!(held.note(stream, 1, ValueIx(0), true).unwrap().is_some());
        assert_eq!(held.note(stream, 2, ValueIx(0), true), Err(Refused));
        assert!(held.note(stream, 3, ValueIx(0), false).unwrap().is_some());
    }

    #[test]
    fn equal_holdings_have_equal_hashes_whatever_the_order() {
        let mut one = streams(&[(0, 1), (1, 1), (0, 2), (0, 4)]);
        let mut other = streams(&[(1, 1), (0, 4), (0, 2), (0, 1)]);
        assert_eq!(one.hash(), other.hash());
        assert_ne!(one.hash(), streams(&[(0, 1), (1, 1), (0, 2)]).hash());
    }

    #[test]
    fn what_a_digest_lacks_is_what_is_held_and_not_in_it_whatever_the_gaps() {
        let mut rng = Rng::new(1);
        let mut drawn = |count: usize| -> Vec<(u64, u64)> {
            let mut numbers = rng.sample(61, 60);
            numbers.truncate(count);
            numbers.into_iter().map(|number| (0, number as u64 + 1)).collect()
        };
        for count in 0..=60 {
            let (here, there) = (drawn(count), drawn(60 - count / 2));
            let (one, other) = (streams(&here), streams(&there).digest());
            for digest in [one.digest(), other.clone()].iter().flatten() {
                let is_apart = |pair: &[(u64, u64)]| pair[0].1 + 1 < pair[1].0;
                assert!(digest.beyond.windows(2).all(is_apart), "{digest:?}");
                assert!(digest.beyond.first().is_none_or(|first| digest.upto + 1 < first.0));
            }
            let mut expected: Vec<u64> = here.iter().map(|&(_, sequence)| sequence).collect();
            expected.retain(|sequence| there.iter().all(|&(_, held)| held != *sequence));
            expected.sort_unstable();
            let lacking = one.lacking_in(&other, 0).map(|(id, _)| id.sequence);
            assert_eq!(lacking.collect::<Vec<_>>(), expected);
            let is_any = there.iter().any(|name| !here.contains(name));
            assert_eq!(one.lacks_any_of(&other), is_any);
        }
    }

    #[test]
    fn ranges_that_overlap_or_run_backward_name_nothing_twice() {
        let here = streams(&[(0, 1), (0, 2), (0, 3), (0, 6)]);
        let beyond = vec![(5, 2), (1, 0), (3, 4), (0, 0), (9, 9), (2, 2)];
        let hostile = StreamDigest { origin: NodeId(0), incarnation: 1, upto: 1, beyond };
        let lacking: Vec<u64> = here.lacking_in(&[hostile], 0).map(|(id, _)| id.sequence).collect();
        assert_eq!(lacking, [2, 3, 6]);
    }

    #[test]
    fn a_hostile_digest_costs_nothing() {
        let here = streams(&[(0, 1)]);
        let hostile = StreamDigest {
            origin: NodeId(0),
            incarnation: 1,
            upto: u64::MAX,
            beyond: vec![(1, u64::MAX), (5, 2)],
        };
        assert!(here.lacks_any_of(core::slice::from_ref(&hostile)));
        assert_eq!(here.lacking_in(&[hostile], 0).count(), 0);
    }

    #[test]
    fn names_beyond_the_bounds_are_not_kept() {
        let mut held = Streams::new(NodeId(99), 1, 7);
        assert_eq!(note(&mut held, 0, 0), Err(Refused));
        assert_eq!(note(&mut held, 0, 1 << 32), Err(Refused));
        for origin in 100..98 + STREAMS_MAX as u64 {
            assert!(held.open(NodeId(origin), 1).is_some());
        }
        assert_eq!(note(&mut held, 1, 1), Err(Refused));
    }
}
