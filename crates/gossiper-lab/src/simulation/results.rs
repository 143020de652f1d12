//! The figures of a run.

use std::time::Duration;

use gossiper_core::{Instant, Strategy};
use serde::Serialize;

use super::census::{Census, Value};
use super::coverage::Coverage;
use super::scenario::Scenario;
use super::setting::Setting;
use super::traffic::{Drops, Kinds};
use super::turn::Tally;
use crate::figures::Quantiles;

/// What has come of a run. Fields stand in the JSON in this order; times are in milliseconds, and
/// what cannot be told is null.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Results {
    /// The protocol's name.
    pub strategy: &'static str,
    /// What settled every random choice.
    pub seed: u64,
    /// The size of the cluster.
    pub nodes: usize,
    /// Whom nodes push to, and what goes wrong.
    pub setting: Setting,
    /// The nodes that had sent most whenever a fault aimed at the one that has, by their places.
    pub hubs: Vec<usize>,
    /// Values that clients broadcast.
    pub broadcasts: usize,
    /// Values that no node was up to take, which count nowhere else.
    pub unplaced: u64,
    /// Nodes that are up at the end.
    pub live_nodes: u32,
    /// The share of the live nodes that hold a value at the end, 0 to 1, as the mean over all
    /// values.
    pub coverage: Option<f64>,
    /// Values that every live node holds at the end.
    pub complete: usize,
    /// Values that no live node holds at the end: each died with all that had it.
    pub orphaned: usize,
    /// Relative message redundancy: payloads sent for each node reached besides the value's first,
    /// less 1. Anti-entropy's payloads count, and a message may carry many.
    pub redundancy: Option<f64>,
    /// The longest way, in hops, that a value made to any node, as the mean over all values.
    pub last_delivery_hop: Option<f64>,
    /// Messages of all kinds for each value, lost ones included.
    pub messages_per_broadcast: Option<f64>,
    /// Payloads for each value; one message may carry many.
    pub payloads_per_broadcast: Option<f64>,
    /// Bytes for each value, as the wire has them, without the lines' ends.
    pub bytes_per_broadcast: Option<f64>,
    /// From the broadcast until every live node has the value, of those that are complete.
    pub time_to_all_ms: Option<Quantiles<f64>>,
    /// From the broadcast until a node has the value, cut to whole ms, of all nodes but the first.
    pub delivery_ms: Option<Quantiles<u64>>,
    /// The share of the live nodes that have a value, by the time since its broadcast.
    pub coverage_over_time: Coverage,
    /// The whole gossip intervals that pass from the broadcast until every live node has the value,
    /// as the mean over those that are complete: 0 where nothing had to wait for a round.
    pub rounds_to_all: Option<f64>,
    /// From the last fault's begin or end, or the broadcast if that came later, until every live
    /// node has the value: the longest of all values but orphaned ones. Null if nothing has changed
    /// since the begin, or something is not complete.
    pub recovery_ms: Option<f64>,
    /// Messages sent, by their type.
    pub messages: Kinds,
    /// Messages that carry a payload.
    pub payload_messages: u64,
    /// Messages that did not arrive.
    pub dropped: Drops,
    /// Forwards that were not acknowledged in time.
    pub undelivered: u64,
    /// Messages sent around silent neighbors for them.
    pub direct: u64,
    /// Values that nodes first got along the tree or around a silent neighbor.
    pub tree_deliveries: u64,
    /// Values that nodes first got by gossip or anti-entropy.
    pub gossip_deliveries: u64,
    /// Deliveries of what nobody has broadcast. There must be none.
    pub invented: u64,
    /// Deliveries of what a node had been given before. There must be none.
    pub delivered_twice: u64,
    /// How long the main phase was, with the time to settle.
    pub simulated_ms: f64,
    /// Messages, wake-ups, broadcasts and faults that were played.
    pub events: u64,
}

/// What a cluster has counted.
pub(super) struct Account<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) census: &'a Census,
    pub(super) tally: &'a Tally,
    pub(super) last_fault: Option<Instant>,
    pub(super) hubs: &'a [usize],
    pub(super) simulated: Duration,
    pub(super) unplaced: u64,
}

impl Results {
    pub(super) fn new(account: &Account<'_>) -> Self {
        let Account { scenario, census, tally, .. } = account;
        let Tally { events, traffic, undelivered, direct } = tally;
        let (values, up) = (census.values(), census.up());
        let is_complete = |value: &&Value| value.holders == up && value.holders > 0;
        let complete: Vec<&Value> = values.iter().filter(is_complete).collect();
        let times: Vec<Duration> = complete.iter().filter_map(|value| time_to_all(value)).collect();
        let mut times_ms: Vec<f64> = times.iter().copied().map(ms).collect();
        times_ms.sort_unstable_by(f64::total_cmp);
        let interval_ns = scenario.config.gossip_interval.as_nanos().max(1);
        // The others have none to wait for.
        let has_rounds = matches!(scenario.config.strategy, Strategy::Gossip | Strategy::Hybrid);
        let in_time = |time: &Duration| time.as_nanos() / interval_ns;
        let rounds: u128 = times.iter().filter(|_| has_rounds).map(in_time).sum();
        let held: u64 = values.iter().map(|value| u64::from(value.holders)).sum();
        let further: u64 = values.iter().map(|value| u64::from(value.reached.max(1) - 1)).sum();
        let hops: u64 = values.iter().map(|value| u64::from(value.hops_max)).sum();
        let per_value = |count: u64| mean(count, values.len());
        Self {
            strategy: strategy_name(scenario.config.strategy),
            seed: scenario.seed,
            nodes: scenario.nodes,
            setting: Setting::of(scenario),
            hubs: account.hubs.to_vec(),
            broadcasts: values.len(),
            unplaced: account.unplaced,
            live_nodes: up,
            coverage: mean(held, values.len() * up as usize),
            complete: complete.len(),
            orphaned: values.iter().filter(|value| value.holders == 0).count(),
            redundancy: mean(traffic.payloads, further as usize).map(|each| each - 1.0),
            last_delivery_hop: per_value(hops),
            messages_per_broadcast: per_value(traffic.messages()),
            payloads_per_broadcast: per_value(traffic.payloads),
            bytes_per_broadcast: per_value(traffic.bytes),
            time_to_all_ms: Quantiles::of_sorted(&times_ms),
            delivery_ms: of_counts(census.ages_ms()),
            coverage_over_time: census.coverage(),
            rounds_to_all: mean(u64::try_from(rounds).unwrap_or(u64::MAX), times.len()),
            recovery_ms: account.last_fault.and_then(|since| recovery(values, up, since)).map(ms),
            messages: traffic.kinds,
            payload_messages: traffic.payload_messages,
            dropped: traffic.drops,
            undelivered: *undelivered,
            direct: *direct,
            tree_deliveries: census.tree_deliveries,
            gossip_deliveries: census.gossip_deliveries,
            invented: census.invented,
            delivered_twice: census.delivered_twice,
            simulated_ms: ms(account.simulated),
            events: *events,
        }
    }

    /// Whether nothing happened that must never happen.
    pub fn is_sound(&self) -> bool {
        self.invented == 0 && self.delivered_twice == 0
    }
}

/// The results as JSON: of one run an object, of several an object of objects by the protocols'
/// names.
pub fn json(results: &[Results]) -> String {
    let text = match results {
        [only] => serde_json::to_string_pretty(only),
        several => {
            // A map from serde_json would sort the names.
            let fields = several.iter().map(|each| (each.strategy, each));
            serde_json::to_string_pretty(&ByName(fields.collect()))
        }
    };
    text.expect("names, numbers and lists of them are JSON")
}

/// An object whose fields stand in this order.
struct ByName<'a>(Vec<(&'static str, &'a Results)>);

impl Serialize for ByName<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

/// The name of a protocol on the command line and in results.
pub fn strategy_name(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::Flood => "flood",
        Strategy::Tree => "tree",
        Strategy::Gossip => "gossip",
        Strategy::Hybrid => "hybrid",
    }
}

fn time_to_all(value: &Value) -> Option<Duration> {
    value.complete_at.map(|at| at - value.entered_at)
}

/// How long the slowest value took since it was broadcast and since `since`; none if one is not
/// complete that could be.
fn recovery(values: &[Value], up: u32, since: Instant) -> Option<Duration> {
    let mut longest = Duration::ZERO;
    for value in values.iter().filter(|value| value.holders > 0) {
        let complete_at = value.complete_at.filter(|_| value.holders == up)?;
        longest = longest.max(complete_at - value.entered_at.max(since));
    }
    Some(longest)
}

fn mean(sum: u64, count: usize) -> Option<f64> {
    (count > 0).then(|| sum as f64 / count as f64)
}

/// A time as results have it, in ms.
pub(super) fn ms(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1e6
}

/// The quantiles of a list of numbers, each with how many times it is there, in rising order.
fn of_counts(counts: impl Iterator<Item = (u64, u64)> + Clone) -> Option<Quantiles<u64>> {
    let total: u64 = counts.clone().map(|(_, count)| count).sum();
    Quantiles::picked(total as usize, |place| {
        let mut before = 0;
        let mut counts = counts.clone();
        let at = counts.find(|(_, count)| {
            before += count;
            before > place as u64
        });
        at.map_or(0, |(number, _)| number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_counts_are_those_of_the_list() {
        for list in [vec![], vec![0], vec![3, 3, 9], (0..250).map(|n| n / 3).collect::<Vec<u64>>()]
        {
            let mut counts = vec![0; 100];
            list.iter().for_each(|&number| counts[number as usize] += 1);
            assert_eq!(of_counts((0..).zip(counts)), Quantiles::of_sorted(&list));
        }
    }
}
