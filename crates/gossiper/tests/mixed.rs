//! Clusters whose nodes differ: ours beside another program that knows the plain messages only,
//! beside other strategies and beside other paces. What is promised arrives, and the cost keeps to
//! a bound that follows from what each node does.
#![allow(clippy::print_stdout, reason = "the seed is printed first")]

mod virtual_time;

use std::time::Duration;

use gossiper_core::{Config, Strategy};
use gossiper_lab::fault::Kind;
use virtual_time::{Knows, Plan, Played, Program, expect_agreement, held, play};

const NODES: usize = 25;
const PACE_MS: u64 = 100;

fn ours(strategy: Strategy, pace_ms: u64) -> Program {
    Program::Ours(Config { strategy, pace: Duration::from_millis(pace_ms), ..Config::default() })
}

fn hybrid() -> Program {
    ours(Strategy::Hybrid, PACE_MS)
}

/// A cluster in which `program` gives what the node at each place runs.
fn cluster(program: impl Fn(usize) -> Program) -> Plan {
    Plan {
        nodes: NODES,
        rate_hz: 20.0,
        programs: (0..NODES).map(program).collect(),
        time_limit: Duration::from_secs(10),
        faults_until: Duration::from_secs(8),
        fault_interval: Duration::from_secs(3),
        probes: false,
        ..Plan::default()
    }
}

/// Ours at the even places, `other` at the odd ones and at `also`.
fn half(other: &Program, also: Option<usize>) -> Plan {
    let is_other = |place| place % 2 == 1 || Some(place) == also;
    cluster(|place| if is_other(place) { other.clone() } else { hybrid() })
}

fn is_ours(plan: &Plan, place: usize) -> bool {
    matches!(plan.program(place), Program::Ours(_))
}

/// Whether a node repairs by rounds what messages missed.
fn has_rounds(plan: &Plan, place: usize) -> bool {
    matches!(
        plan.program(place),
        Program::Ours(Config { strategy: Strategy::Hybrid | Strategy::Gossip, .. })
    )
}

/// The most messages that a run without faults may cost.
fn messages_max(plan: &Plan, values: usize) -> f64 {
    let degrees = plan.topology.neighbors(NODES);
    let others = (NODES - 1) as f64;
    // The hybrid node that passes everything on pushes each value to all others, and each push is
    // acknowledged.
    let mut per_value = 2.0 * others;
    for (place, links) in degrees.iter().enumerate() {
        per_value += match plan.program(place) {
            // A flood goes once over each link, and is acknowledged.
            Program::Foreign(_) => 2.0 * links.len() as f64,
            Program::Ours(config) => match config.strategy {
                Strategy::Flood => 2.0 * links.len() as f64,
                Strategy::Gossip => config.fanout as f64,
                Strategy::Tree if place == 0 => 2.0 * others,
                // Only what enters here goes straight to all.
                Strategy::Hybrid if config.pace.is_zero() => 2.0 * others / NODES as f64,
                // To its uplink.
                Strategy::Tree | Strategy::Hybrid => 2.0,
            },
        };
    }
    // A round is an exchange of at most four messages with each peer drawn; a foreign one a list
    // and its answer.
    let seconds = (plan.time_limit + Duration::from_secs(11)).as_secs_f64();
    let rounds: f64 = (0..NODES)
        .map(|place| match plan.program(place) {
            Program::Foreign(_) => 2.0,
            Program::Ours(config) => 4.0 * config.fanout as f64,
        })
        .sum();
    // Until a node has found out which of the others pass nothing on it may push what it knows to
    // each of the four that it tries.
    let learning = 2.0 * 4.0 * NODES as f64 * plan.rate_hz;
    per_value * values as f64 + rounds * seconds + learning
}

/// Plays a cluster in which nothing goes wrong: everybody gets everything.
fn expect_all(plan: &Plan, seed: u64) -> Played {
    println!("{plan:?}, seed {seed}");
    let mut played = play(plan, seed);
    let values = expect_agreement(&mut played, |_| true).len();
    let messages = played.results.figures.net.servers.messages as f64;
    let most = messages_max(plan, values);
    assert!(messages <= most, "{messages} messages, {most} at most");
    played
}

/// Under faults: all who repair get what one of them acknowledged.
fn expect_repair(plan: &Plan, seed: u64) -> Played {
    println!("{plan:?}, seed {seed}");
    let mut played = play(plan, seed);
    expect_agreement(&mut played, |place| has_rounds(plan, place));
    played
}

#[test]
fn beside_another_program_everybody_gets_everything() {
    for knows in [Knows::Broadcast, Knows::Gossip, Knows::Rounds] {
        expect_all(&half(&Program::Foreign(knows), None), 1);
    }
}

#[test]
fn another_program_in_the_place_of_the_relay_is_found_out() {
    for knows in [Knows::Broadcast, Knows::Rounds] {
        let other = Program::Foreign(knows);
        expect_all(&half(&other, Some(0)), 1);
        expect_all(&cluster(|place| if place == 0 { other.clone() } else { hybrid() }), 2);
    }
}

#[test]
fn one_of_ours_among_others_takes_part() {
    for knows in [Knows::Broadcast, Knows::Gossip] {
        let other = Program::Foreign(knows);
        expect_all(&cluster(|place| if place == 12 { hybrid() } else { other.clone() }), 1);
    }
}

#[test]
fn beside_other_strategies_everybody_gets_everything() {
    for strategy in [Strategy::Flood, Strategy::Tree, Strategy::Gossip] {
        let other = ours(strategy, PACE_MS);
        expect_all(&half(&other, None), 1);
        expect_all(&half(&other, Some(0)), 1);
    }
}

#[test]
fn beside_other_paces_everybody_gets_everything() {
    for shift in 0..3 {
        let pace_ms = |place: usize| [0, 100, 1_000][(place + shift) % 3];
        expect_all(&cluster(|place| ours(Strategy::Hybrid, pace_ms(place))), 1);
    }
}

#[test]
fn under_faults_ours_agree_beside_another_program() {
    let faults =
        [vec![Kind::Partition], vec![Kind::Kill], vec![Kind::Pause], vec![Kind::Loss, Kind::Kill]];
    for (seed, kinds) in (1..).zip(faults) {
        let other = Program::Foreign(Knows::Gossip);
        let mut plan = half(&other, (seed % 2 == 0).then_some(0));
        plan.faults = kinds;
        // A round reaches everybody, so that one after the last heal is enough: what a program that
        // repeats nothing has missed is brought to it as a list.
        for program in &mut plan.programs {
            if let Program::Ours(config) = program {
                config.fanout = NODES - 1;
            }
        }
        let mut played = expect_repair(&plan, seed);
        let all = held(&mut played)[2].clone();
        for (place, held) in held(&mut played).iter().enumerate() {
            assert!(all.is_subset(held), "n{place} lacks {:?}", all.difference(held));
        }
        assert!((0..NODES).any(|place| !is_ours(&plan, place)));
    }
}

#[test]
fn under_faults_those_who_repair_agree_beside_other_strategies_and_paces() {
    for (seed, strategy) in (1..).zip([Strategy::Flood, Strategy::Tree, Strategy::Gossip]) {
        let mut plan = half(&ours(strategy, PACE_MS), (seed == 3).then_some(0));
        plan.faults = vec![Kind::Partition, Kind::Kill];
        expect_repair(&plan, seed);
    }
    let mut plan = cluster(|place| ours(Strategy::Hybrid, [1_000, 0, 100][place % 3]));
    plan.faults = vec![Kind::Partition, Kind::Pause];
    expect_repair(&plan, 4);
}
