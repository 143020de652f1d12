//! What is to happen, in the order of time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::mem;
use std::time::Duration;

use gossiper_core::Instant;

/// The width of a bucket, in ns: a millisecond, for latencies are whole ones.
const BUCKET_NS: u64 = 1_000_000;

/// Buckets that stand in the wheel. What is due later, after four seconds, is rare: timers of a
/// quiet node.
const WHEEL_BUCKETS: u64 = 4_096;

/// The room for items that an emptied bucket keeps. Every bucket that keeps what a storm needed
/// would hold on to thousands of times the memory of one.
const KEPT_ITEMS_MAX: usize = 4_096;

/// A queue of small items that come out by their time, and at the same time in the order in which
/// they were put in.
///
/// A heap of a million entries misses the cache at every level, with every item that goes in or
/// comes out. Here an item is put at the end of its millisecond's list, and a list is sorted when
/// its millisecond has come; mostly it is sorted already.
#[derive(Debug)]
pub(super) struct Queue<T> {
    /// The bucket whose items are being handed out; no later one has begun.
    bucket: u64,
    /// Its items that were there when it began, the last to come out first.
    items: Vec<(Instant, T)>,
    /// Those that came in after the bucket had begun, with a number in their order.
    late: BinaryHeap<Reverse<(Instant, u64, T)>>,
    /// Later buckets, by their number modulo [`WHEEL_BUCKETS`].
    wheel: Vec<Vec<(Instant, T)>>,
    /// Items in the wheel.
    in_wheel: usize,
    /// Buckets that were beyond the wheel when their items came in.
    far: BTreeMap<u64, Vec<(Instant, T)>>,
    next_late: u64,
}

impl<T: Copy + Ord> Queue<T> {
    pub(super) fn new() -> Self {
        Self {
            bucket: 0,
            items: Vec::new(),
            late: BinaryHeap::new(),
            wheel: (0..WHEEL_BUCKETS).map(|_| Vec::new()).collect(),
            in_wheel: 0,
            far: BTreeMap::new(),
            next_late: 0,
        }
    }

    /// Puts an item in. One that is due before what has been handed out already comes next.
    pub(super) fn push(&mut self, at: Instant, item: T) {
        let bucket = at.0 / BUCKET_NS;
        if bucket <= self.bucket {
            self.late.push(Reverse((at, self.next_late, item)));
            self.next_late += 1;
        } else if bucket - self.bucket < WHEEL_BUCKETS {
            self.wheel[(bucket % WHEEL_BUCKETS) as usize].push((at, item));
            self.in_wheel += 1;
        } else {
            self.far.entry(bucket).or_default().push((at, item));
        }
    }

    /// When the next item is due; `None` if there is none.
    pub(super) fn next_at(&mut self) -> Option<Instant> {
        self.turn();
        self.head_at()
    }

    /// Takes the next item out.
    pub(super) fn pop(&mut self) -> Option<(Instant, T)> {
        self.turn();
        self.pop_head()
    }

    /// When the next item of the bucket is due.
    fn head_at(&self) -> Option<Instant> {
        let late = self.late.peek().map(|Reverse((at, ..))| *at);
        let usual = self.items.last().map(|(at, _)| *at);
        late.into_iter().chain(usual).min()
    }

    fn pop_head(&mut self) -> Option<(Instant, T)> {
        let late = self.late.peek().map(|Reverse((at, ..))| *at);
        let usual = self.items.last().map(|(at, _)| *at);
        // What came in late came in after the others.
        if usual.is_some_and(|usual| late.is_none_or(|late| usual <= late)) {
            return self.items.pop();
        }
        self.late.pop().map(|Reverse((at, _, item))| (at, item))
    }

    /// When a window ends that begins with the next item's bucket. It is no longer than `longest`,
    /// ends by `limit` at the latest, and with the bucket with which it comes to hold `many`. Says
    /// also how many items there are in its buckets, be they due before `limit` or not. `None` if
    /// there is no item.
    pub(super) fn window(
        &mut self,
        longest: Duration,
        limit: Instant,
        many: usize,
    ) -> Option<(Instant, usize)> {
        let first = self.next_at()?.0 / BUCKET_NS;
        let longest = u64::try_from(longest.as_nanos()).unwrap_or(u64::MAX) / BUCKET_NS;
        let last = first.saturating_add(longest.max(1)).min(self.bucket + WHEEL_BUCKETS);
        let mut count = self.late.len();
        // What came in late may be due long before the others.
        let mut end = self.bucket.min(last);
        if end < last {
            count += self.items.len();
            end += 1;
        }
        while end < last && count < many {
            count += self.wheel[(end % WHEEL_BUCKETS) as usize].len();
            count += self.far.get(&end).map_or(0, Vec::len);
            end += 1;
        }
        Some((Instant(end.saturating_mul(BUCKET_NS)).min(limit), count))
    }

    /// Takes all items that are due before `end`, in their order.
    pub(super) fn take_until(&mut self, end: Instant, taken: &mut Vec<(Instant, T)>) {
        loop {
            if self.late.is_empty() && self.items.first().is_some_and(|&(at, _)| at < end) {
                taken.extend(self.items.drain(..).rev());
            }
            while self.head_at().is_some_and(|at| at < end) {
                taken.extend(self.pop_head());
            }
            let is_left = self.head_at().is_some();
            if is_left || !self.turn_before(end.0.div_ceil(BUCKET_NS)) {
                return;
            }
        }
    }

    /// Goes on to the next bucket that holds anything, if this one is empty.
    fn turn(&mut self) {
        self.turn_before(u64::MAX);
    }

    /// The same, if that bucket comes before `limit`. Says whether it went on.
    fn turn_before(&mut self, limit: u64) -> bool {
        if !self.items.is_empty() || !self.late.is_empty() {
            return false;
        }
        let in_wheel = (self.in_wheel > 0).then(|| {
            let mut ahead = self.bucket + 1..limit.min(self.bucket + WHEEL_BUCKETS);
            ahead.find(|bucket| !self.wheel[(bucket % WHEEL_BUCKETS) as usize].is_empty())
        });
        let in_wheel = in_wheel.flatten();
        let far = self.far.keys().next().copied();
        let next = in_wheel.into_iter().chain(far).min().filter(|&next| next < limit);
        let Some(bucket) = next else { return false };
        self.bucket = bucket;
        if self.items.capacity() > KEPT_ITEMS_MAX {
            self.items = Vec::new();
        }
        mem::swap(&mut self.items, &mut self.wheel[(bucket % WHEEL_BUCKETS) as usize]);
        self.in_wheel -= self.items.len();
        if far == Some(bucket) {
            // They came in before the bucket was in the wheel.
            self.items.splice(..0, self.far.remove(&bucket).into_iter().flatten());
        }
        // Items of the same time stay in their order. Most lists are sorted already.
        self.items.sort_by_key(|(at, _)| *at);
        self.items.reverse();
        true
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
                if kind == 0 && ns % 3 == 0 {
                    let longest = Duration::from_millis(ms % 64 + 1);
                    let limit = Instant(now + ms * 2 * BUCKET_NS + ns);
                    let first = queue.next_at();
                    let window = queue.window(longest, limit, 20);
                    prop_assert_eq!(window.is_some(), first.is_some());
                    let Some(((end, count), first)) = window.zip(first) else { continue };
                    prop_assert!(end <= limit && end.0 / BUCKET_NS <= first.0 / BUCKET_NS + ms % 64 + 1);
                    let mut taken = Vec::new();
                    queue.take_until(end, &mut taken);
                    prop_assert!(taken.len() <= count, "{} > {count}", taken.len());
                    for (at, item) in taken {
                        prop_assert!(at < end);
                        prop_assert_eq!(expected.pop_first().map(|(key, ())| key), Some((at.0, item)));
                        now = at.0;
                    }
                } else if kind == 0 {
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
