//! What clients ask of the nodes, and when: Maelstrom's load, from a seed.
//!
//! The first operation is due at the start of the run, each other one after a gap uniform on [0, 2
//! means]. Workers take turns. In a broadcast run each operation is a broadcast of the next integer
//! or a read, by a fair coin.
//!
//! Times and kinds come from streams of their own: at another rate the same operations come in the
//! same order, and gaps are longer or shorter by the same factor. What nodes do changes one thing
//! only. A worker does one operation at a time, so when all are busy the operation that is due
//! waits, **and all that follow are put off by as long**: the gap to the next is counted from when
//! it was handed out. Thus a cluster that stops answering finds no burst when it goes on, as with
//! the stagger of jepsen. (In jepsen an operation that is handed out late for any other reason puts
//! off the rest as well. Here a host that is late catches up, or else the load would depend on the
//! machine.)

use std::error::Error;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use gossiper_core::Instant;

use crate::history::VALUES_MAX;
use crate::seed::Stream;

/// Highest rate of operations, in Hz. No host gets near it.
pub const RATE_HZ_MAX: f64 = 1e6;

/// Numbers that an echo may carry, as Maelstrom's.
const ECHO_BOUND: u64 = 128;

/// What a run is about, as Maelstrom's `--workload`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Workload {
    /// Values are spread to all nodes and read from them.
    #[default]
    Broadcast,
    /// Nodes say what they are told.
    Echo,
}

impl Workload {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Broadcast, Self::Echo];

    /// The name on the command line and in the results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Broadcast => "broadcast",
            Self::Echo => "echo",
        }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Workload {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|workload| workload.name() == name).ok_or_else(|| {
            format!(
                "no workload is called {name:?}: broadcast, echo (Maelstrom's others are not \
                 offered)"
            )
        })
    }
}

/// One thing for a client to ask.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ask {
    /// To spread this value: 0 the first time, then one more each time.
    Broadcast(u32),
    /// For all values.
    Read,
    /// To say this number, below 128, again.
    Echo(u32),
}

/// What the load is to be like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoadConfig {
    /// What the clients are to ask.
    pub workload: Workload,
    /// Operations a second, over all workers, on average; 0 to [`RATE_HZ_MAX`], and 0 for none at
    /// all. Maelstrom's `--rate`.
    pub rate_hz: f64,
    /// How long operations are begun. Maelstrom's `--time-limit`.
    pub time_limit: Duration,
    /// How many clients share the work, 1 at least. Each has one operation under way at a time.
    /// Maelstrom's `--concurrency`.
    pub workers: usize,
}

/// Why there can be no such load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LoadError {
    /// The rate is not a number from 0 to [`RATE_HZ_MAX`].
    Rate(f64),
    /// There is nobody to do the work.
    NoWorkers,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rate(rate) => {
                write!(
                    f,
                    "the rate is {rate} operations a second, and may be from 0 to {RATE_HZ_MAX}"
                )
            }
            Self::NoWorkers => f.write_str("the load needs one worker at least"),
        }
    }
}

impl Error for LoadError {}

/// The operations of a run, handed out one by one.
#[derive(Clone, Debug)]
pub struct Load {
    config: LoadConfig,
    times: Stream,
    kinds: Stream,
    /// Gaps are below this, in ns.
    gap_bound: u64,
    /// When the next operation is due, or when one that waits was last asked for.
    due: Instant,
    /// Whether it has found all workers busy.
    is_waiting: bool,
    /// The worker whose turn it is.
    turn: usize,
    broadcasts: u32,
}

impl Load {
    /// The load of a run that begins.
    ///
    /// # Errors
    ///
    /// If the rate is out of its range, or there is no worker.
    pub fn new(config: LoadConfig, seed: u64) -> Result<Self, LoadError> {
        // What is not a number is in no range.
        if !(0.0..=RATE_HZ_MAX).contains(&config.rate_hz) {
            return Err(LoadError::Rate(config.rate_hz));
        }
        if config.workers == 0 {
            return Err(LoadError::NoWorkers);
        }
        Ok(Self {
            config,
            times: Stream::new(seed, "load times"),
            kinds: Stream::new(seed, "load kinds"),
            gap_bound: ((2e9 / config.rate_hz).round() as u64).saturating_add(1),
            due: Instant::START,
            is_waiting: false,
            turn: 0,
            broadcasts: 0,
        })
    }

    /// When the next operation is to be handed out; nothing when the load is over: the next one
    /// would not come before the time limit, or all [`VALUES_MAX`] values are broadcast.
    ///
    /// Of an operation that waits for a worker this is in the past. It is to be asked for again
    /// when an operation ends.
    pub fn next_due(&self) -> Option<Instant> {
        let is_over = self.config.rate_hz == 0.0
            || self.config.time_limit.as_nanos() <= u128::from(self.due.0)
            || self.broadcasts == VALUES_MAX;
        (!is_over).then_some(self.due)
    }

    /// Hands out the next operation and says which worker is to do it: the next that is free, from
    /// the one whose turn it is. Nothing if none is due at `now`, all are busy, or the load is
    /// over; an operation that waits until the time limit is never begun.
    ///
    /// To be called until it says nothing: a host that is late has several to hand out.
    pub fn next(&mut self, now: Instant, is_free: impl Fn(usize) -> bool) -> Option<(usize, Ask)> {
        if self.is_waiting {
            self.due = self.due.max(now);
        }
        self.next_due().filter(|&due| due <= now)?;
        let workers = self.config.workers;
        let mut in_turn = (self.turn..workers).chain(0..self.turn);
        let Some(worker) = in_turn.find(|&worker| is_free(worker)) else {
            self.is_waiting = true;
            return None;
        };
        self.is_waiting = false;
        self.turn = (worker + 1) % workers;
        self.due = Instant(self.due.0.saturating_add(self.times.below(self.gap_bound)));
        Some((worker, self.draw_ask()))
    }

    fn draw_ask(&mut self) -> Ask {
        match self.config.workload {
            Workload::Echo => Ask::Echo(self.kinds.below(ECHO_BOUND) as u32),
            Workload::Broadcast if self.kinds.coin() => {
                self.broadcasts += 1;
                Ask::Broadcast(self.broadcasts - 1)
            }
            Workload::Broadcast => Ask::Read,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CONFIG: LoadConfig = LoadConfig {
        workload: Workload::Broadcast,
        rate_hz: 100.0,
        time_limit: Duration::from_secs(20),
        workers: 25,
    };

    fn load(config: LoadConfig, seed: u64) -> Load {
        Load::new(config, seed).expect("a load as it may be")
    }

    /// All of it, when every operation ends at once.
    fn all(config: LoadConfig, seed: u64) -> Vec<(Instant, usize, Ask)> {
        let mut load = load(config, seed);
        let mut all = Vec::new();
        while let Some(due) = load.next_due() {
            let (worker, ask) = load.next(due, |_| true).expect("it is due, and all are free");
            all.push((due, worker, ask));
        }
        assert_eq!(load.next(Instant(u64::MAX), |_| true), None);
        all
    }

    fn asks(all: &[(Instant, usize, Ask)]) -> Vec<Ask> {
        all.iter().map(|&(_, _, ask)| ask).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_load_and_another_seed_another() {
        assert_eq!(all(CONFIG, 1), all(CONFIG, 1));
        assert_ne!(asks(&all(CONFIG, 1)), asks(&all(CONFIG, 2)));
        let times = |seed| all(CONFIG, seed).into_iter().map(|(due, ..)| due).collect::<Vec<_>>();
        assert_ne!(times(1), times(2));
    }

    #[test]
    fn operations_come_from_the_start_to_the_limit_at_the_rate() {
        let all = all(CONFIG, 1);
        assert_eq!(all[0].0, Instant::START);
        assert!(all.is_sorted_by_key(|&(due, ..)| due));
        assert!(all.iter().all(|(due, ..)| due.0 < 20_000_000_000));
        // Two thousand on average, give or take a standard deviation of 26.
        assert!(all.len().abs_diff(2000) < 130, "{}", all.len());
        let gaps: Vec<u64> =
            all.windows(2).map(|pair| (pair[1].0 - pair[0].0).as_nanos() as u64).collect();
        assert!(gaps.iter().all(|&gap| gap <= 20_000_000));
        let mut tenths = [0_u32; 10];
        gaps.iter().for_each(|gap| tenths[(gap / 2_000_001) as usize] += 1);
        assert!(tenths.iter().all(|&count| count.abs_diff(200) < 70), "{tenths:?}");
    }

    #[test]
    fn workers_take_turns() {
        let all = all(CONFIG, 1);
        assert!(all.iter().enumerate().all(|(place, &(_, worker, _))| worker == place % 25));
    }

    #[test]
    fn half_of_the_operations_broadcast_the_next_integer() {
        let asks = asks(&all(CONFIG, 1));
        let values: Vec<u32> = asks
            .iter()
            .filter_map(|ask| match ask {
                Ask::Broadcast(value) => Some(*value),
                _ => None,
            })
            .collect();
        assert!(values.iter().copied().eq(0..values.len() as u32));
        assert!(asks.iter().all(|ask| matches!(ask, Ask::Broadcast(_) | Ask::Read)));
        assert!(
            (2 * values.len()).abs_diff(asks.len()) < 230,
            "{} of {}",
            values.len(),
            asks.len()
        );
    }

    #[test]
    fn echoes_carry_numbers_below_128() {
        let asks = asks(&all(LoadConfig { workload: Workload::Echo, ..CONFIG }, 1));
        let mut is_met = [false; 128];
        for ask in &asks {
            let Ask::Echo(number) = ask else { panic!("{ask:?} in an echo run") };
            is_met[*number as usize] = true;
        }
        assert!(120 < is_met.iter().filter(|&&met| met).count());
    }

    #[test]
    fn neither_rate_nor_workers_change_what_is_asked() {
        let usual = all(CONFIG, 1);
        let slower = all(LoadConfig { rate_hz: 50.0, workers: 3, ..CONFIG }, 1);
        assert!(asks(&usual).starts_with(&asks(&slower)));
        for (place, (usual, slower)) in (0..).zip(usual.iter().zip(&slower)) {
            // Gaps are cut to whole ns.
            assert!((2 * usual.0.0).abs_diff(slower.0.0) <= 3 * place);
        }
    }

    #[test]
    fn busy_workers_are_passed_over() {
        let mut load = load(LoadConfig { workers: 3, ..CONFIG }, 1);
        let mut turn = |busy: usize| {
            let due = load.next_due().unwrap();
            load.next(due, |worker| worker != busy).unwrap().0
        };
        assert_eq!([turn(9), turn(1), turn(0), turn(2), turn(1)], [0, 2, 1, 0, 2]);
    }

    #[test]
    fn an_operation_that_waited_puts_off_all_that_follow() {
        let usual = all(CONFIG, 1);
        let mut load = load(CONFIG, 1);
        load.next(Instant::START, |_| true).unwrap();
        let due = usual[1].0;
        let late = |ns: u64| Instant(due.0 + ns);
        assert_eq!(load.next(due, |_| false), None);
        assert_eq!(load.next(late(1_000_000_000), |_| false), None);
        // Worker 7 is the first to be free again, and gets the operation that has waited.
        let (worker, ask) = load.next(late(3_000_000_000), |worker| worker == 7).unwrap();
        assert_eq!((worker, ask), (7, usual[1].2));
        assert_eq!(load.next(late(3_000_000_000), |_| true), None, "there is no burst");
        assert_eq!(load.next_due(), Some(Instant(usual[2].0.0 + 3_000_000_000)));
    }

    #[test]
    fn a_late_host_catches_up() {
        let usual = all(CONFIG, 1);
        let mut load = load(CONFIG, 1);
        let at = Instant(1_000_000_000);
        let mut found = Vec::new();
        while let Some((worker, ask)) = load.next(at, |_| true) {
            found.push((worker, ask));
        }
        let due = usual.iter().take_while(|(due, ..)| *due <= at);
        assert!(due.map(|&(_, worker, ask)| (worker, ask)).eq(found.iter().copied()));
        assert_eq!(load.next_due(), Some(usual[found.len()].0));
    }

    #[test]
    fn an_operation_that_waits_until_the_limit_is_never_begun() {
        let mut load = load(CONFIG, 1);
        assert_eq!(load.next(Instant::START, |_| false), None);
        assert_eq!(load.next(Instant(20_000_000_000), |_| true), None);
        assert_eq!(load.next_due(), None);
    }

    #[test]
    fn no_rate_and_no_time_are_no_load() {
        assert_eq!(all(LoadConfig { rate_hz: 0.0, ..CONFIG }, 1), []);
        assert_eq!(all(LoadConfig { time_limit: Duration::ZERO, ..CONFIG }, 1), []);
        // The next would come after ages.
        assert_eq!(all(LoadConfig { rate_hz: f64::MIN_POSITIVE, ..CONFIG }, 1).len(), 1);
    }

    #[test]
    fn a_load_that_cannot_be_is_refused() {
        for rate_hz in [-1.0, 1e6 + 1.0, f64::NAN, f64::INFINITY] {
            let refusal = Load::new(LoadConfig { rate_hz, ..CONFIG }, 1).unwrap_err();
            assert!(refusal.to_string().contains("may be from 0 to 1000000"), "{refusal}");
        }
        let refusal = Load::new(LoadConfig { workers: 0, ..CONFIG }, 1).unwrap_err();
        assert_eq!(refusal, LoadError::NoWorkers);
    }

    #[test]
    fn workloads_are_read_as_they_are_shown() {
        for workload in Workload::ALL {
            assert_eq!(workload.to_string().parse(), Ok(workload));
        }
        let refusal = "lin-kv".parse::<Workload>().unwrap_err();
        for part in ["\"lin-kv\"", "broadcast", "echo", "not offered"] {
            assert!(refusal.contains(part), "{refusal}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn whoever_is_busy_the_same_is_asked_in_the_same_order_and_never_early(
            steps in prop::collection::vec((0..50_000_000_u64, any::<u8>()), 1..200),
        ) {
            let config = LoadConfig { workers: 8, ..CONFIG };
            let usual = all(config, 1);
            let mut load = load(config, 1);
            let mut now = 0;
            let mut place = 0;
            for (step, busy) in steps {
                now += step;
                while let Some((worker, ask)) = load.next(Instant(now), |w| busy >> w & 1 == 0) {
                    prop_assert_eq!(busy >> worker & 1, 0);
                    prop_assert_eq!(ask, usual[place].2);
                    prop_assert!(usual[place].0 <= Instant(now));
                    place += 1;
                }
                let next = load.next_due();
                let is_all_busy = busy == u8::MAX;
                prop_assert!(is_all_busy || next.is_none_or(|next| Instant(now) < next));
            }
        }
    }
}
