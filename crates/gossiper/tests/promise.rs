//! The promise, over seeds of drawn faults: what a live node has acknowledged is everywhere a while
//! after the last heal, for a number of messages that follows from the plan; and what the nodes say
//! of themselves is what was seen of them.
#![allow(clippy::print_stdout, reason = "the seed is printed first")]

mod virtual_time;

use std::time::Duration;

use gossiper_lab::fault::{Kind, Target};
use gossiper_lab::network::Distribution;
use gossiper_lab::topology::Topology;
use virtual_time::{Plan, Played, expect_agreement, play};

/// The plan of a seed: every kind of fault comes in half of them, aimed at anybody or at the
/// busiest.
fn drawn(seed: u64) -> Plan {
    // The bits of a multiplicative hash, so that neighboring seeds have little in common.
    let bits = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let is_set = |bit: u32| bits >> bit & 1 == 1;
    let faults: Vec<Kind> =
        (0..).zip(Kind::ALL).filter(|&(bit, _)| is_set(bit)).map(|it| it.1).collect();
    let mut plan = Plan {
        nodes: [2, 5, 9, 16][(bits >> 8) as usize % 4],
        rate_hz: 40.0,
        distribution: if is_set(12) { Distribution::Exponential } else { Distribution::Constant },
        topology: if is_set(13) { Topology::Grid } else { Topology::Total },
        faults,
        target: if is_set(14) { Target::Hub } else { Target::Random },
        time_limit: Duration::from_secs(8),
        faults_until: Duration::from_secs(8),
        fault_interval: Duration::from_secs(2),
        probes: false,
        ..Plan::default()
    };
    plan.node.pace = Duration::from_millis([0, 50, 100, 250][(bits >> 16) as usize % 4]);
    plan
}

/// The most messages that a hybrid cluster on a computed tree may send.
fn messages_max(plan: &Plan, values: usize) -> f64 {
    let nodes = plan.nodes as f64;
    let seconds = (plan.time_limit + Duration::from_secs(11)).as_secs_f64();
    let others = nodes - 1.0;
    let config = &plan.node;
    // A link carries at most one push each way and pace, or retry where that is longer, and an
    // acknowledgement of each. Where all push straight to all there is no pace, and each value is a
    // push and an acknowledgement.
    let pushes = if config.pace.is_zero() {
        2.0 * others * values as f64
    } else {
        let links = others * 2.0;
        let by_time = links * seconds / config.pace.as_secs_f64() * 2.0;
        // At most one push a value and link.
        by_time.min(links * values as f64 * 2.0)
    };
    // What is not acknowledged is pushed once more on the same link, and then to the next four
    // uplinks; a suspected node's values go around it once.
    let repeats = if plan.faults.is_empty() { 1.0 } else { 1.0 + 1.0 + 4.0 };
    // A suspect is probed every 200 ms at most, by each node; the probe is answered by a digest and
    // what it lacks.
    let retry = config.pace.max(config.ack_timeout * 2 / 5).as_secs_f64();
    let probes = if plan.faults.is_empty() { 0.0 } else { nodes * others * seconds / retry * 3.0 };
    // A round is an exchange of four messages with each peer drawn, and a node that lags asks every
    // 500 ms.
    let rounds = nodes * seconds * config.fanout as f64 * 4.0;
    let asking = nodes * seconds / config.ack_timeout.as_secs_f64() * 3.0;
    // The network may deliver a message twice, which costs its answers again.
    pushes * repeats + probes + rounds + asking
}

/// What each node answers about itself is what was seen of it from outside.
fn expect_true_statistics(played: &mut Played, values: usize) {
    let ended = played.ended;
    for member in &mut played.members {
        let gossip = member.ask(ended, "gossip_stats");
        let seen = (member.broadcasts, member.sent, values as u64);
        let told = ["broadcasts_received", "gossip_messages_sent", "unique_messages"];
        let told = told.map(|field| gossip[field].as_u64().unwrap());
        assert_eq!((told[0], told[1], told[2]), seen, "{}: {gossip}", member.name);
        let hybrid = member.ask(ended, "hybrid_stats");
        let count = |field: &str| hybrid[field].as_u64().unwrap();
        assert_eq!(count("total"), values as u64, "{}", member.name);
        assert_eq!(count("tree_deliveries") + count("gossip_deliveries"), count("total"));
    }
}

fn expect_promise(plan: &Plan, seed: u64) -> Played {
    println!("{plan:?}, seed {seed}");
    let mut played = play(plan, seed);
    let values = expect_agreement(&mut played, |_| true).len();
    let messages = played.results.figures.net.servers.messages as f64;
    let most = messages_max(plan, values);
    assert!(messages <= most, "{messages} messages, {most} at most");
    expect_true_statistics(&mut played, values);
    played
}

#[test]
fn whatever_faults_come_what_a_live_node_acknowledged_is_everywhere() {
    for seed in 1..=16 {
        expect_promise(&drawn(seed), seed);
    }
}

/// The lab counts what a node sends over all its lives, the node what it has sent in this one.
#[test]
fn a_node_that_was_never_killed_counts_its_messages_as_the_lab_does() {
    let faults = vec![Kind::Partition, Kind::Pause, Kind::Loss, Kind::Duplicate];
    let plan = Plan { faults, nodes: 9, ..drawn(3) };
    let played = expect_promise(&plan, 3);
    for (member, counted) in played.members.iter().zip(&played.results.nodes) {
        assert_eq!((&member.name, member.sent), (&counted.node, counted.sent));
    }
}
