//! What a node says of what it holds.

use alloc::vec::Vec;
use core::fmt;
use core::hash::Hasher as _;

use siphasher::sip::SipHasher13;
use siphasher::sip128;

use crate::NodeId;
use crate::store::Store;

/// The shortest digest: two nodes with equal summaries hold the same rumors, but for a chance of
/// 2^-64 that the next change ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// The sum of the hashes of all [`StreamDigest`]s.
    pub hash: u64,
    /// How many payloads the sender knows.
    pub count: u64,
}

/// Which rumors of one origin and incarnation a node holds, exactly: one number, and the gaps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StreamDigest {
    /// See [`RumorId::origin`](crate::RumorId::origin).
    pub origin: NodeId,
    /// See [`RumorId::incarnation`](crate::RumorId::incarnation).
    pub incarnation: u64,
    /// Every rumor from 1 to this is held.
    pub upto: u64,
    /// What is held beyond, as closed ranges in rising order.
    pub beyond: Vec<(u64, u64)>,
}

impl StreamDigest {
    /// Whether the rumor of this number is held.
    #[must_use]
    pub fn holds(&self, sequence: u64) -> bool {
        sequence <= self.upto
            || self
                .beyond
                .binary_search_by(|&(first, last)| {
                    if last < sequence {
                        core::cmp::Ordering::Less
                    } else if first > sequence {
                        core::cmp::Ordering::Greater
                    } else {
                        core::cmp::Ordering::Equal
                    }
                })
                .is_ok()
    }
}

/// Hashes one stream digest. The sum of these over all streams is a [`Summary`]'s hash, so that the
/// change of one stream costs no look at the others.
#[derive(Debug)]
pub(crate) struct SummaryHasher(SipHasher13);

impl SummaryHasher {
    pub(crate) fn new(origin: NodeId, incarnation: u64) -> Self {
        // The key is part of the dialect: all nodes must come to the same number.
        let mut hasher = SipHasher13::new_with_keys(0x676f_7373, 0x6970_6572);
        hasher.write_u64(origin.0);
        hasher.write_u64(incarnation);
        Self(hasher)
    }

    pub(crate) fn held(&mut self, upto: u64) {
        self.0.write_u64(upto);
    }

    pub(crate) fn beyond(&mut self, (first, last): (u64, u64)) {
        self.0.write_u64(first);
        self.0.write_u64(last);
    }

    pub(crate) fn finish(&self) -> u64 {
        self.0.finish()
    }
}

/// A digest of the set of payloads, whatever their order and their ids: the sum of the hashes of
/// their keys. It is printed as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SetDigest(pub u128);

impl fmt::Display for SetDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The digest of the payloads seen so far: a payload is hashed when a digest is asked for, once.
#[derive(Debug, Default)]
pub(crate) struct SetDigester {
    digest: SetDigest,
    folded: usize,
}

impl SetDigester {
    pub(crate) fn digest(&mut self, store: &Store) -> SetDigest {
        let hasher = sip128::SipHasher13::new();
        for value in store.values_from(self.folded) {
            let hash = hasher.hash(store.key(value)).as_u128();
            self.digest.0 = self.digest.0.wrapping_add(hash);
        }
        self.folded = store.len();
        self.digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Payload;
    use crate::store::{Delivery, Via};

    #[test]
    fn a_stream_digest_knows_its_gaps() {
        let digest = StreamDigest {
            origin: NodeId(0),
            incarnation: 1,
            upto: 4,
            beyond: alloc::vec![(6, 7), (10, 10)],
        };
        let held: Vec<u64> = (1..12).filter(|&sequence| digest.holds(sequence)).collect();
        assert_eq!(held, [1, 2, 3, 4, 6, 7, 10]);
    }

    #[test]
    fn a_set_digest_does_not_depend_on_the_order_of_arrival() {
        let digest_of = |order: [&[u8]; 3]| {
            let mut store = Store::new(0);
            let mut digester = SetDigester::default();
            for bytes in order {
                store.insert(&Payload::new(bytes), Delivery { via: Via::Tree, hops: 0 });
                digester.digest(&store);
            }
            digester.digest(&store)
        };
        assert_eq!(digest_of([b"1", b"2", b"3"]), digest_of([b"3", b"1", b"2"]));
        assert_ne!(digest_of([b"1", b"2", b"3"]), digest_of([b"1", b"2", b"4"]));
    }
}
