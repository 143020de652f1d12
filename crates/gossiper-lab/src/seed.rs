//! One seed, many independent streams of random numbers.
//!
//! Each part of a run draws from a stream of its own, so that it finds the same numbers whatever
//! the other parts draw: a node program that sends more messages meets the same faults at the same
//! times, and the same load.

use gossiper_core::Instant;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};

/// Numbers of one purpose. The same seed and name give the same numbers on every machine.
#[derive(Clone, Debug)]
pub struct Stream {
    rng: ChaCha8Rng,
    /// Where the numbers begin that the generator has made ahead of their being asked for.
    ahead_from: Option<u128>,
}

/// As many words of 32 bits the generator makes at a time.
const WORDS_AHEAD: u128 = 64;

impl Stream {
    /// The stream for what `name` says. Streams of different names share nothing but the seed.
    pub fn new(seed: u64, name: &str) -> Self {
        // The name is half of the key, so that no two names can run into each other's numbers as
        // they would as offsets into one stream.
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&fnv1a(name.as_bytes()).to_le_bytes());
        Self { rng: ChaCha8Rng::from_seed(key), ahead_from: None }
    }

    /// Goes to the place of one item of one sub-stream, whatever was drawn before. An item owns 8
    /// draws; `item` is below 2^32.
    pub(crate) fn seek(&mut self, substream: u64, item: u64) {
        // A draw takes two words of 32 bits.
        let place = u128::from(item) * 16;
        if self.is_just_ahead(substream, place) {
            while self.rng.get_word_pos() < place {
                self.rng.next_u64();
            }
            return;
        }
        // In this order: a generator that stands within a block makes it anew for another stream.
        self.rng.set_word_pos(place);
        self.rng.set_stream(substream);
        self.ahead_from = Some(place);
    }

    /// Whether the numbers at a place are made already and come later. To make them is most of what
    /// a seek costs, and mostly a node's next message is the next to be looked at.
    fn is_just_ahead(&self, substream: u64, place: u128) -> bool {
        let Some(from) = self.ahead_from else { return false };
        place < from + WORDS_AHEAD
            && place >= self.rng.get_word_pos()
            && self.rng.get_stream() == substream
    }

    /// Any number, each equally likely.
    pub fn next_u64(&mut self) -> u64 {
        self.rng.next_u64()
    }

    /// A number below `bound`, or 0 if `bound` is 0. The bias is below `bound / 2^64`.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// A number in [0, 1), with 53 random bits.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with `probability`: never at 0, always at 1.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A fair coin.
    pub fn coin(&mut self) -> bool {
        self.next_u64() >> 63 == 1
    }

    /// Puts `items` into a random order, each equally likely.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.below(end as u64 + 1) as usize);
        }
    }
}

/// FNV-1a: short, and the same everywhere and for ever, which std's hashers do not promise.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The moment `ms` milliseconds after the start of the run; the last there is, if that is later.
pub(crate) fn at_ms(ms: u64) -> Instant {
    Instant(ms.saturating_mul(1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_and_name_give_the_same_numbers() {
        let draw = |seed, name| {
            let mut stream = Stream::new(seed, name);
            [stream.next_u64(), stream.next_u64(), stream.next_u64()]
        };
        assert_eq!(draw(1, "load"), draw(1, "load"));
        assert_ne!(draw(1, "load"), draw(2, "load"));
        assert_ne!(draw(1, "load"), draw(1, "latency"));
    }

    #[test]
    fn an_item_has_its_numbers_wherever_the_stream_has_been() {
        let mut stream = Stream::new(1, "latency");
        stream.seek(7, 3);
        let third = stream.next_u64();
        stream.seek(7, 2);
        for _ in 0..8 {
            stream.next_u64();
        }
        assert_eq!(stream.next_u64(), third, "eight draws lie between an item and the next");
        stream.seek(8, 3);
        assert_ne!(stream.next_u64(), third);
    }

    #[test]
    fn a_seek_comes_to_the_same_numbers_from_everywhere() {
        let fresh = |substream, item| {
            let mut stream = Stream::new(1, "latency");
            stream.seek(substream, item);
            [(); 10].map(|()| stream.next_u64())
        };
        let mut way = Stream::new(1, "way");
        let mut stream = Stream::new(1, "latency");
        for _ in 0..2_000 {
            let (substream, item) = (way.below(2), way.below(12));
            stream.seek(substream, item);
            let draws = way.below(11) as usize;
            let drawn: Vec<u64> = (0..draws).map(|_| stream.next_u64()).collect();
            assert_eq!(drawn, fresh(substream, item)[..draws]);
        }
    }

    #[test]
    fn numbers_below_a_bound_are_about_equally_frequent() {
        let mut stream = Stream::new(1, "load");
        let mut times = [0_u32; 10];
        (0..10_000).for_each(|_| times[stream.below(10) as usize] += 1);
        assert!(times.iter().all(|&count| count.abs_diff(1000) < 120), "{times:?}");
        assert_eq!(stream.below(0), 0);
    }

    #[test]
    fn a_chance_of_nothing_never_comes_and_one_of_all_always() {
        let mut stream = Stream::new(1, "loss");
        assert!((0..1000).all(|_| !stream.chance(0.0) && stream.chance(1.0)));
    }

    #[test]
    fn a_shuffle_keeps_what_it_moves() {
        let mut items: Vec<u32> = (0..100).collect();
        Stream::new(1, "fault").shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
