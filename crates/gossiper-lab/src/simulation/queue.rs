//! What is to happen, in the order of time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::mem;

use gossiper_core::Instant;

/// The width of a bucket, in ns: a millisecond, for latencies are whole ones.
const BUCKET_NS: u64 = 1_000_000;

/// Buckets that stand in the wheel. What is due later, after four seconds, is rare: timers of a
/// quiet node.
const WHEEL_BUCKETS: u64 = 4_096;

/// The room for items that an emptied bucket keeps. Every bucket that keeps what a storm needed
/// would hold on to thousands of times the memory of one.
const KEPT_ITEMS_MAX: usize = 4_096;

/// A queue of items that come out by their time, and at the same time in the order in which they
/// were put in.
///
/// A heap of a million entries misses the cache at every level, with every item that goes in or
/// comes out. Here an item is put at the end of its millisecond's list, and a list is sorted when
/// its millisecond has come; mostly it is sorted already.
#[derive(Debug)]
pub(super) struct Queue<T> {
    /// The bucket whose items are being handed out; no later one has begun.
    bucket: u64,
    /// Its items, in the order in which they came in.
    items: Vec<Entry<T>>,
    /// Their places in `items`, the last to come out first.
    places: Vec<(Instant, u64, u32)>,
    /// Those that came in after the bucket had begun.
    late: BinaryHeap<Reverse<(Instant, u64, u32)>>,
    /// Later buckets, by their number modulo [`WHEEL_BUCKETS`].
    wheel: Vec<Vec<Entry<T>>>,
    /// Items in the wheel.
    in_wheel: usize,
    /// Buckets beyond the wheel when their items came in.
    far: BTreeMap<u64, Vec<Entry<T>>>,
    next_order: u64,
}

#[derive(Debug)]
struct Entry<T> {
    at: Instant,
    order: u64,
    /// Nothing once it has been handed out.
    item: Option<T>,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        Self {
            bucket: 0,
            items: Vec::new(),
            places: Vec::new(),
            late: BinaryHeap::new(),
            wheel: (0..WHEEL_BUCKETS).map(|_| Vec::new()).collect(),
            in_wheel: 0,
            far: BTreeMap::new(),
            next_order: 0,
        }
    }

    /// Puts an item in. One that is due before what has been handed out already comes next.
    pub(super) fn push(&mut self, at: Instant, item: T) {
        let order = self.next_order;
        self.next_order += 1;
        let entry = Entry { at, order, item: Some(item) };
        let bucket = at.0 / BUCKET_NS;
        if bucket <= self.bucket {
            self.late.push(Reverse((at, order, self.items.len() as u32)));
            self.items.push(entry);
        } else if bucket - self.bucket < WHEEL_BUCKETS {
            self.wheel[(bucket % WHEEL_BUCKETS) as usize].push(entry);
            self.in_wheel += 1;
        } else {
            self.far.entry(bucket).or_default().push(entry);
        }
    }

    /// When the next item is due; `None` if there is none.
    pub(super) fn next_at(&mut self) -> Option<Instant> {
        self.turn();
        let late = self.late.peek().map(|Reverse((at, ..))| *at);
        let usual = self.places.last().map(|(at, ..)| *at);
        match (late, usual) {
            (Some(late), Some(usual)) => Some(late.min(usual)),
            (late, usual) => late.or(usual),
        }
    }

    /// Takes the next item out.
    pub(super) fn pop(&mut self) -> Option<(Instant, T)> {
        self.turn();
        let late = self.late.peek().map(|Reverse(place)| *place);
        let usual = self.places.last().copied();
        let (at, _, place) = match (late, usual) {
            (Some(late), Some(usual)) if usual < late => self.places.pop()?,
            (Some(_), _) => self.late.pop()?.0,
            (None, _) => self.places.pop()?,
        };
        let item = self.items[place as usize].item.take();
        item.map(|item| (at, item))
    }

    /// Goes on to the next bucket that holds anything, if this one is empty.
    fn turn(&mut self) {
        if !self.places.is_empty() || !self.late.is_empty() {
            return;
        }
        self.items.clear();
        let in_wheel = (self.in_wheel > 0).then(|| {
            let mut ahead = self.bucket + 1..self.bucket + WHEEL_BUCKETS;
            ahead.find(|bucket| !self.wheel[(bucket % WHEEL_BUCKETS) as usize].is_empty())
        });
        let in_wheel = in_wheel.flatten();
        let far = self.far.keys().next().copied();
        let Some(bucket) = in_wheel.into_iter().chain(far).min() else { return };
        self.bucket = bucket;
        if self.items.capacity() > KEPT_ITEMS_MAX {
            self.items = Vec::new();
        }
        mem::swap(&mut self.items, &mut self.wheel[(bucket % WHEEL_BUCKETS) as usize]);
        self.in_wheel -= self.items.len();
        if far == Some(bucket) {
            self.items.extend(self.far.remove(&bucket).into_iter().flatten());
        }
        let places = self.items.iter().zip(0..);
        self.places.extend(places.map(|(entry, place)| (entry.at, entry.order, place)));
        // Sorted from the first on, which most lists are already, and then turned over.
        self.places.sort_unstable();
        self.places.reverse();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(queue: &mut Queue<u32>) -> Vec<u32> {
        std::iter::from_fn(|| queue.pop()).map(|(_, item)| item).collect()
    }

    #[test]
    fn items_of_one_moment_come_out_as_they_came_in() {
        let mut queue = Queue::new();
        for item in 0..5 {
            queue.push(Instant(7), item);
        }
        assert_eq!(all(&mut queue), [0, 1, 2, 3, 4]);
        assert_eq!(queue.next_at(), None);
    }

    #[test]
    fn what_comes_in_while_its_bucket_is_handed_out_has_its_turn() {
        let mut queue = Queue::new();
        queue.push(Instant(BUCKET_NS), 0);
        queue.push(Instant(BUCKET_NS + 20), 3);
        assert_eq!(queue.pop(), Some((Instant(BUCKET_NS), 0)));
        queue.push(Instant(BUCKET_NS + 20), 4);
        queue.push(Instant(BUCKET_NS + 10), 2);
        queue.push(Instant(3), 1);
        assert_eq!(queue.next_at(), Some(Instant(3)));
        assert_eq!(all(&mut queue), [1, 2, 3, 4]);
    }

    #[test]
    fn what_is_beyond_the_wheel_comes_in_between() {
        let far = (WHEEL_BUCKETS + 10) * BUCKET_NS;
        let mut queue = Queue::new();
        queue.push(Instant(far), 1);
        queue.push(Instant(20 * BUCKET_NS), 0);
        assert_eq!(queue.pop(), Some((Instant(20 * BUCKET_NS), 0)));
        // The same bucket is within the wheel now.
        queue.push(Instant(far), 2);
        queue.push(Instant(far * 3), 3);
        assert_eq!(all(&mut queue), [1, 2, 3]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn the_order_is_that_of_a_sorted_list(
            steps in prop::collection::vec((0..4_u8, 0..3_000_u64, 0..BUCKET_NS), 1..300),
        ) {
            let mut queue = Queue::new();
            let mut expected: BTreeMap<(u64, u32), ()> = BTreeMap::new();
            let mut now = 0;
            for (number, (kind, ms, ns)) in (0..).zip(steps) {
                if kind == 0 {
                    let first = expected.pop_first().map(|(key, ())| key);
                    let popped = queue.pop();
                    prop_assert_eq!(popped.map(|(at, item)| (at.0, item)), first);
                    now = popped.map_or(now, |(at, _)| at.0);
                } else {
                    let at = now + ms * u64::from(kind) * BUCKET_NS + ns;
                    queue.push(Instant(at), number);
                    expected.insert((at, number), ());
                }
                let next = expected.first_key_value().map(|((at, _), ())| Instant(*at));
                prop_assert_eq!(queue.next_at(), next);
            }
        }
    }
}
