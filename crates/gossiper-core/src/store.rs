//! Every payload known, in the order of arrival, and how each came.
//!
//! One arena holds all bytes and a table of 16 bytes a payload says where each ends, so a small
//! integer costs about 40 bytes with its place in the index. Nothing is ever taken out: what was
//! acknowledged is kept. The bounds are 2^32 - 1 payloads and as many bytes; the store refuses
//! what is beyond them, which the node counts or tells its application.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::hash::BuildHasher as _;

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry as IndexEntry;

use crate::Payload;

/// The way a payload first came to a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Via {
    /// From the application, along the tree, or directly around a silent neighbor.
    Tree,
    /// By a random push or by anti-entropy.
    Gossip,
}

/// How a payload first came to a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Delivery {
    /// The way.
    pub via: Via,
    /// The hops that it had made on arrival; 0 for one of the node's own application. Above
    /// 32,767 it stays at 32,767.
    pub hops: u32,
}

/// The place of a payload in the order of arrival.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct ValueIx(pub(crate) u32);

/// Where a rumor stands in [`Streams`](crate::streams::Streams).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Name {
    pub(crate) stream: u32,
    /// From 1; 0 marks a payload without a name.
    pub(crate) sequence: u32,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Where its bytes end in the arena; they begin where those of the one before end.
    end: u32,
    name: Name,
    /// The top bit is set for gossip; the others are the hops.
    delivery: u16,
}

const GOSSIP_BIT: u16 = 1 << 15;
const HOPS_MAX: u32 = (GOSSIP_BIT - 1) as u32;

#[derive(Debug)]
pub(crate) struct Store {
    arena: Vec<u8>,
    entries: Vec<Entry>,
    /// The keys of those payloads whose bytes are not their key.
    keys: BTreeMap<u32, Box<[u8]>>,
    index: HashTable<u32>,
    hasher: FixedState,
}

impl Store {
    /// `seed` keeps a stranger from choosing keys that collide, where the host draws it at random.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            arena: Vec::new(),
            entries: Vec::new(),
            keys: BTreeMap::new(),
            index: HashTable::new(),
            hasher: FixedState::with_seed(seed),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether a payload of `len` bytes still fits.
    pub(crate) fn has_room(&self, len: usize) -> bool {
        self.entries.len() < u32::MAX as usize && self.arena.len() + len <= u32::MAX as usize
    }

    /// Takes a payload in unless one with its key is known. Says where it is and whether it is
    /// new. The caller has made sure that [there is room](Self::has_room).
    pub(crate) fn insert(&mut self, payload: &Payload, delivery: Delivery) -> (ValueIx, bool) {
        if self.index.len() == self.index.capacity() {
            self.grow_index();
        }
        let hash = self.hasher.hash_one(payload.key());
        let Self { arena, entries, keys, index, .. } = self;
        let is_same = |&ix: &u32| key_at(arena, entries, keys, ix) == payload.key();
        let no_growth = |_: &u32| unreachable!("there is room");
        let vacant = match index.entry(hash, is_same, no_growth) {
            IndexEntry::Occupied(known) => return (ValueIx(*known.get()), false),
            IndexEntry::Vacant(vacant) => vacant,
        };
        let ix = entries.len() as u32;
        vacant.insert(ix);
        arena.extend_from_slice(payload.bytes());
        if payload.key() != payload.bytes() {
            keys.insert(ix, payload.key().into());
        }
        let via = if delivery.via == Via::Gossip { GOSSIP_BIT } else { 0 };
        entries.push(Entry {
            end: arena.len() as u32,
            name: Name { stream: 0, sequence: 0 },
            delivery: via | delivery.hops.min(HOPS_MAX) as u16,
        });
        (ValueIx(ix), true)
    }

    /// Makes a larger index. The table would do so by itself, but in its own order, and then each
    /// key is a far-flung read: a tenth of all that a broadcast costs.
    #[cold]
    fn grow_index(&mut self) {
        let mut larger = HashTable::with_capacity(self.index.capacity() * 2 + 1);
        for value in self.values_from(0) {
            let hash = self.hasher.hash_one(self.key(value));
            larger.insert_unique(hash, value.0, |_| unreachable!("there is room"));
        }
        self.index = larger;
    }

    pub(crate) fn find(&self, key: &[u8]) -> Option<ValueIx> {
        let is_same = |&ix: &u32| self.key(ValueIx(ix)) == key;
        self.index.find(self.hasher.hash_one(key), is_same).map(|&ix| ValueIx(ix))
    }

    pub(crate) fn bytes(&self, value: ValueIx) -> &[u8] {
        bytes_at(&self.arena, &self.entries, value.0)
    }

    pub(crate) fn key(&self, value: ValueIx) -> &[u8] {
        key_at(&self.arena, &self.entries, &self.keys, value.0)
    }

    pub(crate) fn payload(&self, value: ValueIx) -> Payload {
        match self.keys.get(&value.0) {
            Some(key) => Payload::with_key(self.bytes(value), key),
            None => Payload::new(self.bytes(value)),
        }
    }

    pub(crate) fn delivery(&self, value: ValueIx) -> Delivery {
        let packed = self.entries[value.0 as usize].delivery;
        Delivery {
            via: if packed & GOSSIP_BIT == 0 { Via::Tree } else { Via::Gossip },
            hops: u32::from(packed & !GOSSIP_BIT),
        }
    }

    pub(crate) fn name(&self, value: ValueIx) -> Option<Name> {
        let name = self.entries[value.0 as usize].name;
        (name.sequence != 0).then_some(name)
    }

    pub(crate) fn set_name(&mut self, value: ValueIx, name: Name) {
        self.entries[value.0 as usize].name = name;
    }

    /// All payloads from the `from`th on, in the order of arrival.
    pub(crate) fn values_from(&self, from: usize) -> impl Iterator<Item = ValueIx> + use<> {
        (from as u32..self.entries.len() as u32).map(ValueIx)
    }
}

fn bytes_at<'a>(arena: &'a [u8], entries: &[Entry], ix: u32) -> &'a [u8] {
    let ix = ix as usize;
    let start = if ix == 0 { 0 } else { entries[ix - 1].end as usize };
    &arena[start..entries[ix].end as usize]
}

fn key_at<'a>(
    arena: &'a [u8],
    entries: &[Entry],
    keys: &'a BTreeMap<u32, Box<[u8]>>,
    ix: u32,
) -> &'a [u8] {
    // Almost always empty, and then a look-up in it would still cost a call.
    if !keys.is_empty()
        && let Some(key) = keys.get(&ix)
    {
        return key;
    }
    bytes_at(arena, entries, ix)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: Delivery = Delivery { via: Via::Tree, hops: 0 };

    #[test]
    fn two_spellings_of_one_key_are_one_payload() {
        let mut store = Store::new(7);
        let (first, new) = store.insert(&Payload::with_key(b"[1, 2]", b"[1,2]"), OWN);
        assert!(new);
        assert_eq!(store.insert(&Payload::new(b"[1,2]"), OWN), (first, false));
        assert_eq!(store.find(b"[1,2]"), Some(first));
        assert_eq!(store.find(b"[1, 2]"), None);
        assert_eq!(store.payload(first).bytes(), b"[1, 2]");
        assert_eq!(store.payload(first).key(), b"[1,2]");
    }

    #[test]
    fn the_first_delivery_is_the_one_kept() {
        let mut store = Store::new(7);
        let gossip = Delivery { via: Via::Gossip, hops: 40_000 };
        let (value, _) = store.insert(&Payload::new(b"1"), gossip);
        store.insert(&Payload::new(b"1"), OWN);
        assert_eq!(store.delivery(value), Delivery { via: Via::Gossip, hops: 32_767 });
    }

    #[test]
    fn payloads_stay_in_the_order_of_arrival_while_the_index_grows() {
        let mut store = Store::new(7);
        for number in 0..10_000_u32 {
            store.insert(&Payload::new(&number.to_le_bytes()), OWN);
        }
        for (number, value) in store.values_from(0).enumerate() {
            assert_eq!(store.bytes(value), (number as u32).to_le_bytes());
            assert_eq!(store.find(&(number as u32).to_le_bytes()), Some(value));
        }
    }
}
