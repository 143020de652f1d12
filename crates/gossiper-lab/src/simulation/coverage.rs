//! How far values had come, by the time since their broadcast.

use std::iter;
use std::time::Duration;

use gossiper_core::Instant;
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::census::Value;
use crate::figures::quantile_place;

/// From this age on, in ms, ages are further apart than a millisecond: each by a 25th of the one
/// before it. So a run of ten seconds has some 180 of them, and one of a day 400.
const FINE_MS: u64 = 25;

/// Shares are told apart to half a percent where they are ranked.
const SHARES: usize = 200;

/// A share of all, in millionths.
const WHOLE_PPM: u32 = 1_000_000;

/// The share of the live nodes that have a value, by the time since its broadcast. Each list has
/// the shares, in millionths, at the ages of [`ages_ms`](Self::ages_ms).
///
/// The last age is one that every value reaches within the run, so that all count at each.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Coverage {
    /// The mean over all values.
    pub mean_ppm: Vec<u32>,
    /// A tenth of the values had come no farther than this, to half a percent.
    pub low_ppm: Vec<u32>,
    /// Nine tenths of the values had come no farther than this, to half a percent.
    pub high_ppm: Vec<u32>,
}

impl Coverage {
    /// The ages at which the shares are told, in ms: the same for all runs, however long.
    pub fn ages_ms() -> impl Iterator<Item = u64> {
        iter::successors(Some(0_u64), |age_ms| age_ms.checked_add((age_ms / FINE_MS).max(1)))
    }

    /// The mean over runs of their means, at the ages that all of them have; without ranks.
    pub fn mean_of<'a>(runs: impl IntoIterator<Item = &'a Self>) -> Self {
        let runs: Vec<&Self> = runs.into_iter().filter(|run| !run.mean_ppm.is_empty()).collect();
        let ages = runs.iter().map(|run| run.mean_ppm.len()).min().unwrap_or(0);
        let mean = |age: usize| {
            let sum: u64 = runs.iter().map(|run| u64::from(run.mean_ppm[age])).sum();
            (sum / runs.len() as u64) as u32
        };
        Self { mean_ppm: (0..ages).map(mean).collect(), ..Self::default() }
    }
}

/// A list of pairs of an age in ms and the mean share, 0 to 1, where the share changes, and at the
/// last age. It stands in one line, also where JSON is printed over many.
impl Serialize for Coverage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = String::from("[");
        let last = self.mean_ppm.len().saturating_sub(1);
        let mut before = None;
        for (place, (age_ms, &ppm)) in Self::ages_ms().zip(&self.mean_ppm).enumerate() {
            if before != Some(ppm) || place == last {
                let comma = if place == 0 { "" } else { ", " };
                let share = f64::from(ppm) / f64::from(WHOLE_PPM);
                text.push_str(&format!("{comma}[{age_ms}, {share:?}]"));
            }
            before = Some(ppm);
        }
        text.push(']');
        RawValue::from_string(text).map_err(S::Error::custom)?.serialize(serializer)
    }
}

/// Keeps account of shares by age, in memory that depends on the number of ages alone.
#[derive(Clone, Debug)]
pub(super) struct Recorder {
    ages: Vec<Instant>,
    /// At each age, how much the sum of all shares is more than at the age before, in parts of
    /// 2^32: whole numbers, of which no order of adding them loses any.
    sums: Vec<i64>,
    /// At each age and for each rank, how many values more are there than at the age before.
    ranks: Vec<i32>,
    values: u64,
}

impl Recorder {
    /// Keeps account up to this age.
    pub(super) fn new(until: Duration) -> Self {
        let at = |age_ms: u64| Instant(age_ms.saturating_mul(1_000_000));
        let until = Instant::START + until;
        let ages: Vec<_> = Coverage::ages_ms().map(at).take_while(|&age| age <= until).collect();
        let ranks = vec![0; ages.len() * (SHARES + 1)];
        Self { sums: vec![0; ages.len()], ranks, ages, values: 0 }
    }

    /// Something is about to change for a value: up to now it was as it is.
    pub(super) fn before_change(&mut self, now: Instant, value: &mut Value, up: u32) {
        let age = Instant::START + (now - value.entered_at);
        let from = usize::from(value.next_age);
        if self.ages.get(from).is_some_and(|&next| next < age) {
            let until = from + self.ages[from..].partition_point(|&next| next < age);
            self.fill(from, until, value.holders, up);
            value.next_age = until as u16;
        }
    }

    /// The curves of these values, as if nothing changed after the last change.
    pub(super) fn curves(&self, values: &[Value], up: u32) -> Coverage {
        let mut whole = self.clone();
        let ages = whole.ages.len();
        for value in values {
            whole.fill(usize::from(value.next_age), ages, value.holders, up);
        }
        whole.values = values.len() as u64;
        if values.is_empty() { Coverage::default() } else { whole.summed() }
    }

    /// From the age at this place to before that one, so many of those that are up hold a value.
    fn fill(&mut self, from: usize, until: usize, holders: u32, up: u32) {
        let (holders, up) = (u64::from(holders), u64::from(up.max(1)));
        let share = ((holders << 32) / up) as i64;
        let rank = (holders * SHARES as u64 / up) as usize;
        for (place, sign) in [(from, 1), (until, -1)] {
            if place < self.ages.len() {
                self.sums[place] += i64::from(sign) * share;
                self.ranks[place * (SHARES + 1) + rank] += sign;
            }
        }
    }

    fn summed(&self) -> Coverage {
        let mut coverage = Coverage::default();
        let mut sum = 0;
        let mut ranks = [0_i64; SHARES + 1];
        for (age, change) in self.sums.iter().enumerate() {
            sum += change;
            let changes = &self.ranks[age * (SHARES + 1)..(age + 1) * (SHARES + 1)];
            ranks.iter_mut().zip(changes).for_each(|(rank, &change)| *rank += i64::from(change));
            let mean = sum as u128 * u128::from(WHOLE_PPM) / u128::from(self.values);
            let mean = ((mean + (1 << 31)) >> 32) as u32;
            // What is not all must not read as all.
            let is_all = sum as u128 == u128::from(self.values) << 32;
            coverage.mean_ppm.push(if is_all { WHOLE_PPM } else { mean.min(WHOLE_PPM - 1) });
            coverage.low_ppm.push(self.ranked(&ranks, 0.1));
            coverage.high_ppm.push(self.ranked(&ranks, 0.9));
        }
        coverage
    }

    /// The share of the value at this quantile.
    fn ranked(&self, ranks: &[i64], quantile: f64) -> u32 {
        let Some(place) = quantile_place(self.values as usize, quantile) else { return 0 };
        let mut before = 0;
        let rank = ranks.iter().position(|count| {
            before += count;
            before > place as i64
        });
        (rank.unwrap_or_default() * (WHOLE_PPM as usize / SHARES)) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::FaultPlan;
    use crate::network::Latency;
    use crate::seed::at_ms;
    use crate::simulation::{LoadPlan, Results, Scenario, play};
    use crate::topology::Topology;
    use gossiper_core::{Config, Strategy};

    fn value(entered_ms: u64, holders: u32) -> Value {
        Value {
            entered_at: at_ms(entered_ms),
            holders,
            reached: holders,
            hops_max: 0,
            complete_at: None,
            next_age: 0,
        }
    }

    #[test]
    fn ages_are_near_each_other_at_first_and_never_the_same() {
        let ages: Vec<u64> = Coverage::ages_ms().take_while(|&age| age <= 86_400_000).collect();
        assert_eq!(ages[..51], (0..51).collect::<Vec<_>>());
        assert!(
            ages.windows(2).all(|pair| pair[0] < pair[1] && pair[1] - pair[0] <= 1 + pair[0] / 25)
        );
        assert!(ages.len() < 450, "{}", ages.len());
    }

    #[test]
    fn a_share_counts_from_the_moment_on_at_which_it_is_reached() {
        let mut recorder = Recorder::new(Duration::from_millis(4));
        let (mut one, mut other) = (value(10, 1), value(20, 1));
        // The first is at all four after 2 ms, the second never leaves.
        recorder.before_change(at_ms(12), &mut one, 4);
        one.holders = 4;
        // Both were as they are: nothing is written twice.
        recorder.before_change(at_ms(12), &mut one, 4);
        recorder.before_change(at_ms(21), &mut other, 4);
        let curves = recorder.curves(&[one, other], 4);
        assert_eq!(curves.mean_ppm, [250_000, 250_000, 625_000, 625_000, 625_000]);
        assert_eq!(curves.low_ppm, [250_000; 5]);
        assert_eq!(curves.high_ppm, [250_000, 250_000, 1_000_000, 1_000_000, 1_000_000]);
        let json = serde_json::to_string_pretty(&curves).unwrap();
        assert_eq!(json, "[[0, 0.25], [2, 0.625], [4, 0.625]]");
    }

    #[test]
    fn a_third_three_times_is_all() {
        let recorder = Recorder::new(Duration::ZERO);
        let thirds = [value(0, 3), value(0, 3), value(0, 3)];
        assert_eq!(recorder.curves(&thirds, 3).mean_ppm, [1_000_000]);
        assert_eq!(recorder.curves(&[value(0, 2)], 3).mean_ppm, [666_667]);
        assert_eq!(recorder.curves(&[], 3), Coverage::default());
    }

    #[test]
    fn means_of_runs_end_with_the_shortest() {
        let run = |mean_ppm: &[u32]| Coverage { mean_ppm: mean_ppm.into(), ..Coverage::default() };
        let mean = Coverage::mean_of(&[run(&[100, 300, 500]), run(&[300, 500]), run(&[])]);
        assert_eq!(mean, run(&[200, 400]));
    }

    fn run(strategy: Strategy, faults: &str) -> Results {
        let nodes = 40;
        let load = LoadPlan { broadcasts: 30, rate_hz: 10.0, senders: nodes };
        let scenario = Scenario {
            nodes,
            config: Config { strategy, ..Config::default() },
            topology: Topology::Grid,
            latency: Latency::range(10, 50),
            faults: FaultPlan::from_json(faults, nodes).unwrap(),
            broadcasts: load.draw(nodes, 1),
            settle: Duration::from_secs(10),
            stagger: Duration::from_secs(1),
            warmup: None,
            seed: 1,
        };
        play(scenario).unwrap()
    }

    #[test]
    fn curves_agree_with_the_quantiles_of_the_same_run() {
        for strategy in [Strategy::Flood, Strategy::Tree, Strategy::Gossip, Strategy::Hybrid] {
            let results = run(strategy, "");
            let curve: Vec<(u64, u32)> =
                Coverage::ages_ms().zip(results.coverage_over_time.mean_ppm.clone()).collect();
            assert!(curve.is_sorted_by_key(|(_, ppm)| *ppm), "nobody forgets: {curve:?}");
            assert_eq!(curve[0].1, 25_000, "one of forty has it at once");
            let last_ms = results.time_to_all_ms.unwrap().max;
            let all = curve.iter().find(|(age_ms, _)| *age_ms as f64 >= last_ms).unwrap();
            let first_all = curve.iter().find(|(_, ppm)| *ppm == WHOLE_PPM).unwrap();
            assert_eq!(all, first_all, "{strategy:?}: {last_ms}");
            // Half of the others have it at the median of what it takes to a node.
            let half = (1.0 + 39.0 * 0.5) / 40.0 * 1e6;
            let median_ms = results.delivery_ms.unwrap().median;
            let before = curve.iter().rfind(|(age_ms, _)| *age_ms < median_ms).unwrap();
            let after = curve.iter().find(|(age_ms, _)| *age_ms > median_ms).unwrap();
            assert!(f64::from(before.1) <= half && half <= f64::from(after.1) + 1.0);
        }
    }

    #[test]
    fn the_last_share_is_the_coverage_of_the_run_also_when_nodes_crash_and_messages_are_lost() {
        let faults = r#"{"at_ms":0,"start":"loss","probability":0.2}
{"at_ms":700,"start":"kill","nodes":[0,5,6]}
{"at_ms":1900,"stop":"kill"}"#;
        for strategy in [Strategy::Flood, Strategy::Tree] {
            let results = run(strategy, faults);
            let share = results.coverage.unwrap();
            assert!(share < 1.0, "{share}");
            let last = *results.coverage_over_time.mean_ppm.last().unwrap();
            assert!((f64::from(last) / 1e6 - share).abs() < 2e-6, "{last} and {share}");
        }
    }
}
