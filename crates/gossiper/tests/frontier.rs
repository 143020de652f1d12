//! The standard test in virtual time: what a value costs, how long it takes, and what is left of
//! that when things go wrong. The bounds hold for every seed tried, with room; a change that breaks
//! one has made the protocol worse.
#![allow(clippy::print_stdout, reason = "the seed is printed first")]

mod virtual_time;

use std::collections::BTreeMap;
use std::time::Duration;

use gossiper_lab::fault::{Kind, Target};
use gossiper_lab::figures::Figures;
use gossiper_lab::network::Distribution;
use gossiper_lab::verdict::Verdict;
use serde_json::Value;
use virtual_time::{Plan, Played, play};

/// The bounds of a run.
struct Bounds {
    msgs_per_op: f64,
    /// Over the ideal; the median of all values, and what one in a hundred exceeds.
    excess_median_ms: f64,
    excess_p99_ms: f64,
}

fn expect_within(plan: &Plan, seed: u64, bounds: &Bounds) -> Played {
    println!("{plan:?}, seed {seed}");
    let played = play(plan, seed);
    let figures = &played.results.figures;
    assert_eq!(figures.valid, Verdict::Valid, "{:?}", played.results.reasons);
    assert_eq!(figures.set.duplicated, 0);
    let msgs_per_op = figures.net.servers.msgs_per_op.unwrap();
    assert!(msgs_per_op <= bounds.msgs_per_op, "{msgs_per_op} messages an operation");
    let excess = figures.excess_ms.unwrap();
    assert!(excess.median <= bounds.excess_median_ms, "{excess:?}");
    assert!(excess.p99 <= bounds.excess_p99_ms, "{excess:?}");
    played
}

fn with(faults: &[Kind], target: Target) -> Plan {
    Plan { faults: faults.to_vec(), target, ..Plan::default() }
}

fn paced(pace_ms: u64) -> Plan {
    let mut plan = Plan::default();
    plan.node.pace = Duration::from_millis(pace_ms);
    plan
}

/// The greatest latencies: as Maelstrom counts it, and the true one.
fn slowest(figures: &Figures) -> (u64, f64) {
    (figures.stable_latency_ms.unwrap().max, figures.propagation_ms.unwrap().max)
}

#[test]
fn without_faults_a_value_costs_three_messages_an_operation() {
    for seed in 1..=2 {
        let bounds = Bounds { msgs_per_op: 3.3, excess_median_ms: 130.0, excess_p99_ms: 200.0 };
        let played = expect_within(&Plan::default(), seed, &bounds);
        let (stable, truly) = slowest(&played.results.figures);
        assert!(stable <= 230 && truly <= 340.0, "{stable}, {truly}");
        assert!(played.results.figures.stable_latency_ms.unwrap().median <= 190);
    }
}

#[test]
fn twice_the_pace_costs_two_messages_an_operation() {
    let bounds = Bounds { msgs_per_op: 2.1, excess_median_ms: 200.0, excess_p99_ms: 330.0 };
    expect_within(&paced(200), 1, &bounds);
}

#[test]
fn without_a_pace_a_value_is_everywhere_after_one_hop() {
    let bounds = Bounds { msgs_per_op: 13.0, excess_median_ms: 0.0, excess_p99_ms: 0.0 };
    let played = expect_within(&paced(0), 1, &bounds);
    assert!(slowest(&played.results.figures).1 <= 110.0);
}

#[test]
fn a_small_quiet_cluster_pays_no_more_than_a_push_and_an_answer_a_node() {
    let plan = Plan { nodes: 5, rate_hz: 5.0, ..Plan::default() };
    let bounds = Bounds { msgs_per_op: 4.4, excess_median_ms: 100.0, excess_p99_ms: 450.0 };
    expect_within(&plan, 1, &bounds);
}

#[test]
fn partitions_cost_little_and_are_made_up_for_when_they_heal() {
    for seed in [1, 6] {
        let bounds = Bounds { msgs_per_op: 6.0, excess_median_ms: 450.0, excess_p99_ms: 1_000.0 };
        expect_within(&with(&[Kind::Partition], Target::Random), seed, &bounds);
    }
}

#[test]
fn the_death_of_the_relay_is_made_up_for() {
    let bounds = Bounds { msgs_per_op: 6.0, excess_median_ms: 1_200.0, excess_p99_ms: 1_500.0 };
    expect_within(&with(&[Kind::Kill], Target::Hub), 1, &bounds);
}

#[test]
fn a_network_that_loses_copies_or_delays_costs_little() {
    let bounds = Bounds { msgs_per_op: 8.0, excess_median_ms: 500.0, excess_p99_ms: 1_500.0 };
    for kind in [Kind::Loss, Kind::Reorder] {
        expect_within(&with(&[kind], Target::Random), 1, &bounds);
    }
    let plan = Plan { distribution: Distribution::Exponential, ..Plan::default() };
    expect_within(&plan, 1, &bounds);
}

#[test]
fn when_the_load_has_ended_almost_nothing_is_said() {
    let played = play(&Plan::default(), 1);
    let quiet_ms = played.results.phases_ms.quiet.unwrap();
    let mut sent: BTreeMap<String, u32> = BTreeMap::new();
    for line in played.net.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        let message: Value = serde_json::from_slice(line).unwrap();
        let is_node = |end: &str| message[end].as_str().unwrap().starts_with('n');
        // Two seconds for what is still under way, and to ask a relay why it is silent.
        let is_late = message["sent_ms"].as_f64().unwrap() > quiet_ms + 2_000.0;
        if is_node("src") && is_node("dest") && is_late {
            *sent.entry(message["type"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    let count: u32 = sent.values().sum();
    assert!(f64::from(count) <= 0.1 * 25.0 * 8.0, "{sent:?}");
}

#[test]
fn the_same_seed_is_the_same_run_to_the_last_message() {
    let plan = Plan { nodes: 6, ..with(&[Kind::Partition, Kind::Kill], Target::Hub) };
    let net = play(&plan, 5).net;
    assert!(net == play(&plan, 5).net);
    assert!(net != play(&plan, 6).net);
}
