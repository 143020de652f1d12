//! Whole runs: small ones whose every message is counted by hand, and faults that only some of the
//! protocols mend.

use std::time::Duration;

use gossiper_core::{Config, Instant, Strategy};
use proptest::prelude::*;

use super::*;
use crate::fault::{FaultPlan, Kind, PlanConfig, Target};
use crate::network::Latency;
use crate::seed::at_ms;
use crate::topology::Topology;

const STRATEGIES: [Strategy; 4] =
    [Strategy::Flood, Strategy::Tree, Strategy::Gossip, Strategy::Hybrid];

/// A calm cluster in which node 0 broadcasts once, every hop takes 10 ms, all nodes start at once,
/// and the run ends before the first round.
fn scenario(strategy: Strategy, topology: Topology, nodes: usize) -> Scenario {
    Scenario {
        nodes,
        config: Config { strategy, ..Config::default() },
        topology,
        latency: Latency { mean_ms: 10, ..Latency::default() },
        faults: FaultPlan::new(nodes, Vec::new()).unwrap(),
        broadcasts: vec![Broadcast { at: Instant::START, node: 0 }],
        settle: Duration::from_millis(400),
        stagger: Duration::ZERO,
        warmup: None,
        seed: 1,
    }
}

/// The same with twenty values from anywhere in two seconds, spread starts, and time to mend.
fn busy(strategy: Strategy, nodes: usize, faults: &str) -> Scenario {
    let load = LoadPlan { broadcasts: 20, rate_hz: 10.0, senders: nodes };
    Scenario {
        faults: FaultPlan::from_json(faults, nodes).unwrap(),
        broadcasts: load.draw(nodes, 1),
        settle: Duration::from_secs(15),
        stagger: Duration::from_secs(1),
        warmup: None,
        latency: Latency::range(10, 50),
        ..scenario(strategy, Topology::Grid, nodes)
    }
}

fn at(node: usize, scenario: Scenario) -> Scenario {
    Scenario { broadcasts: vec![Broadcast { at: Instant::START, node }], ..scenario }
}

fn run(scenario: Scenario) -> Results {
    let results = play(scenario).unwrap();
    assert!(results.is_sound(), "{results:?}");
    results
}

/// Payloads, acknowledgements, all messages, the time to all in ms, and the hops.
fn counted(scenario: Scenario) -> (u64, u64, f64, f64, f64) {
    let results = run(scenario);
    assert_eq!((results.coverage, results.complete), (Some(1.0), 1), "{results:?}");
    assert_eq!(results.payloads_per_broadcast, Some(results.payload_messages as f64));
    (
        results.payload_messages,
        results.messages.broadcast_ack,
        results.messages_per_broadcast.unwrap(),
        results.time_to_all_ms.unwrap().max,
        results.last_delivery_hop.unwrap(),
    )
}

#[test]
fn flood_on_a_line_by_hand() {
    // 2 → 1 and 3, 1 → 0, 3 → 4; each is acknowledged.
    let line = at(2, scenario(Strategy::Flood, Topology::Line, 5));
    assert_eq!(counted(line), (4, 4, 8.0, 20.0, 2.0));
}

#[test]
fn flood_among_all_by_hand() {
    // 0 → 1, 2 and 3, each of which sends it to the two others but the one that it has it from.
    let all = scenario(Strategy::Flood, Topology::Total, 4);
    let results = run(all.clone());
    assert_eq!(results.redundancy, Some(2.0));
    assert_eq!(results.delivery_ms.unwrap().min, 10);
    assert_eq!(counted(all), (9, 9, 18.0, 10.0, 1.0));
}

#[test]
fn flood_on_a_grid_by_hand() {
    // 0 1 2    0 → 1 and 3; 1 → 2 and 4, 3 → 4 and 6; 4 has it from 1 and → 3 and 5, 2 → 5;
    // 3 4 5    5 has it from one of these two and → the other.
    // 6
    let grid = scenario(Strategy::Flood, Topology::Grid, 7);
    assert_eq!(counted(grid), (10, 10, 20.0, 30.0, 3.0));
}

#[test]
fn a_computed_tree_by_hand() {
    // 2 → 0, the root, → 1 and 3; each is acknowledged.
    let star = at(2, scenario(Strategy::Tree, Topology::Grid, 4));
    assert_eq!(run(star.clone()).redundancy, Some(0.0));
    assert_eq!(counted(star), (3, 3, 6.0, 20.0, 2.0));
}

#[test]
fn a_given_tree_by_hand() {
    for strategy in [Strategy::Tree, Strategy::Hybrid] {
        // 0 → 1 → 2 → 3
        let line = scenario(strategy, Topology::Line, 4);
        assert_eq!(counted(line), (3, 3, 6.0, 30.0, 3.0), "{strategy:?}");
    }
}

#[test]
fn gossip_among_three_by_hand() {
    // 0 → 1 and 2, who tell each other, unacknowledged.
    let all = scenario(Strategy::Gossip, Topology::Total, 3);
    assert_eq!(run(all.clone()).redundancy, Some(1.0));
    assert_eq!(counted(all), (4, 0, 4.0, 10.0, 1.0));
}

#[test]
fn hybrid_on_a_computed_tree_by_hand() {
    for topology in [Topology::Grid, Topology::Total] {
        // 2 → 0 → 1 and 3, and the same back as acknowledgements.
        let star = at(2, scenario(Strategy::Hybrid, topology, 4));
        assert_eq!(counted(star), (3, 3, 6.0, 20.0, 2.0), "{topology}");
    }
}

#[test]
fn a_hub_that_dies_is_gone_around_after_the_time_out() {
    // 0 - 1 - 2 - 3: 1 is dead. After 500 ms 0 sends to 2 and 3, and 2, which has it from no
    // neighbor, sends it on to 3 and to the dead one.
    let line = scenario(Strategy::Tree, Topology::Line, 4);
    let kill = r#"{"at_ms":0,"start":"kill","nodes":[1]}"#;
    let faults = FaultPlan::from_json(kill, 4).unwrap();
    let results = run(Scenario { faults, settle: Duration::from_secs(5), ..line });
    assert_eq!((results.live_nodes, results.coverage), (3, Some(1.0)));
    assert_eq!(results.time_to_all_ms.unwrap().max, 510.0);
    // 2 has waited for 1 in vain as well, but who sent to it sees to those behind.
    assert_eq!((results.undelivered, results.direct), (2, 2));
    assert_eq!(results.dropped.down, 2);
    assert_eq!(results.recovery_ms, None, "nothing has changed since the begin");
}

#[test]
fn rounds_are_counted_in_intervals() {
    // Half of the nodes hear nothing until a round, at 3 s, after the cut has ended.
    let cut = r#"[{"at_ms":0,"start":"partition","shape":"majority","side":[0]},
                  {"at_ms":2500,"stop":"partition"}]"#;
    let pair = scenario(Strategy::Gossip, Topology::Total, 2);
    let faults = FaultPlan::from_json(cut, 2).unwrap();
    let results = run(Scenario { faults, ..pair.clone() });
    assert_eq!((results.coverage, results.recovery_ms), (Some(0.5), None));
    let faults = FaultPlan::from_json(cut, 2).unwrap();
    let results = run(Scenario { faults, settle: Duration::from_secs(1), ..pair });
    assert_eq!(results.time_to_all_ms.unwrap().max, 3010.0);
    assert_eq!((results.rounds_to_all, results.recovery_ms), (Some(3.0), Some(510.0)));
    assert!(results.dropped.cut > 0 && results.gossip_deliveries == 1);
}

#[test]
fn loss_is_mended_by_hybrid_and_gossip_and_by_no_others() {
    let plan = r#"{"at_ms":0,"start":"loss","probability":0.2}"#;
    for strategy in STRATEGIES {
        let results = run(busy(strategy, 30, plan));
        let is_mended = matches!(strategy, Strategy::Hybrid | Strategy::Gossip);
        assert_eq!(results.coverage == Some(1.0), is_mended, "{results:?}");
        assert!(results.dropped.loss > 0 && results.broadcasts == 20);
    }
}

#[test]
fn a_node_that_comes_back_empty_catches_up_by_hybrid_and_gossip_only() {
    let plan = r#"[{"at_ms":1000,"start":"kill","nodes":[0, 7]},{"at_ms":3000,"stop":"kill"}]"#;
    for strategy in STRATEGIES {
        let results = run(busy(strategy, 30, plan));
        let is_mended = matches!(strategy, Strategy::Hybrid | Strategy::Gossip);
        assert_eq!(results.coverage == Some(1.0), is_mended, "{results:?}");
        assert_eq!((results.live_nodes, results.recovery_ms.is_some()), (30, is_mended));
        assert!(results.dropped.down > 0);
    }
}

#[test]
fn a_partition_heals_by_hybrid_and_gossip_only() {
    let plan = r#"[{"at_ms":300,"start":"partition","shape":"majority","side":[0,1,2,3,4,5]},
                   {"at_ms":4000,"stop":"partition"}]"#;
    for strategy in STRATEGIES {
        let results = run(busy(strategy, 20, plan));
        let is_mended = matches!(strategy, Strategy::Hybrid | Strategy::Gossip);
        assert_eq!(results.coverage == Some(1.0), is_mended, "{results:?}");
        assert_eq!(results.recovery_ms.is_some(), is_mended);
    }
}

#[test]
fn who_stands_still_gets_everything_when_it_goes_on() {
    let plan = r#"[{"at_ms":0,"start":"pause","nodes":[3]},{"at_ms":2500,"stop":"pause"}]"#;
    // A flood repeats nothing: what comes was held.
    let results = run(busy(Strategy::Flood, 9, plan));
    assert_eq!((results.coverage, results.dropped.down), (Some(1.0), 0));
    assert!(results.time_to_all_ms.unwrap().max > 2000.0, "{results:?}");
}

#[test]
fn clients_turn_to_a_node_that_takes_their_values() {
    let plan = r#"{"at_ms":0,"start":"kill","nodes":[0,1,3]}"#;
    let faults = FaultPlan::from_json(plan, 4).unwrap();
    let results = run(at(3, Scenario { faults, ..scenario(Strategy::Flood, Topology::Total, 4) }));
    assert_eq!((results.broadcasts, results.coverage), (1, Some(1.0)));
    let plan = r#"{"at_ms":0,"start":"kill","nodes":[0,1,2,3]}"#;
    let faults = FaultPlan::from_json(plan, 4).unwrap();
    let results = run(Scenario { faults, ..scenario(Strategy::Flood, Topology::Total, 4) });
    assert_eq!((results.broadcasts, results.unplaced, results.coverage), (0, 1, None));
}

#[test]
fn the_same_scenario_gives_the_same_bytes_and_another_seed_others() {
    for strategy in STRATEGIES {
        let plan = r#"{"at_ms":0,"start":"loss","probability":0.05}"#;
        let json = |seed| {
            let results = run(Scenario { seed, ..busy(strategy, 25, plan) });
            serde_json::to_string(&results).unwrap()
        };
        assert_eq!(json(1), json(1));
        assert_ne!(json(1), json(2));
    }
}

#[test]
fn scenarios_that_make_no_sense_are_refused() {
    let usual = scenario(Strategy::Flood, Topology::Grid, 5);
    let late = vec![Broadcast { at: at_ms(5), node: 0 }, Broadcast { at: at_ms(4), node: 0 }];
    for (scenario, says) in [
        (Scenario { nodes: 0, ..usual.clone() }, "one node at least"),
        (Scenario { nodes: 6, ..usual.clone() }, "for 5 nodes, and not 6"),
        (Scenario { broadcasts: late, ..usual.clone() }, "order of time"),
        (at(5, usual), "no node 5"),
        (scenario(Strategy::Tree, Topology::Line, 2_001), "2000 nodes at most"),
        (scenario(Strategy::Flood, Topology::Total, 2_001), "everyone to everyone"),
    ] {
        let refusal = play(scenario).unwrap_err();
        assert!(refusal.to_string().contains(says), "{refusal}");
    }
}

#[test]
fn times_beyond_ten_days_are_refused_and_a_flood_waits_for_no_round() {
    let usual = scenario(Strategy::Flood, Topology::Line, 3);
    let config = Config { gossip_interval: Duration::MAX, ..usual.config.clone() };
    let refusal = play(Scenario { config, ..usual.clone() }).unwrap_err().to_string();
    assert!(refusal.contains("gossip interval is longer than ten days"), "{refusal}");
    // It takes 20 ms.
    let config = Config { gossip_interval: Duration::from_millis(1), ..usual.config.clone() };
    assert_eq!(play(Scenario { config, ..usual }).unwrap().rounds_to_all, Some(0.0));
}

#[test]
fn straight_to_all_is_for_few_nodes_unless_nobody_knows_all() {
    let check = |overlay: Overlay| {
        let usual = scenario(Strategy::Hybrid, Topology::Grid, STRAIGHT_NODES_MAX + 1);
        let overlay = overlay.pick(usual.nodes);
        let config = Config { pace: Duration::ZERO, overlay, ..usual.config.clone() };
        Scenario { config, ..usual }.check()
    };
    assert!(check(Overlay::Computed).unwrap_err().to_string().contains("straight to all"));
    assert_eq!(check(Overlay::Learned), Ok(()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_goes_wrong_nothing_is_invented_or_delivered_twice(
        seed in any::<u64>(),
        nodes in 1..12_usize,
        strategy in prop::sample::select(&STRATEGIES[..]),
        topology in prop::sample::select(&Topology::ALL[..]),
        kinds in prop::sample::subsequence(&Kind::ALL[..], 0..=8),
    ) {
        let plan = PlanConfig {
            nodes,
            kinds,
            time_limit: Duration::from_secs(5),
            interval: Duration::from_secs(1),
            target: Target::Random,
            intensity: crate::fault::Intensity::default(),
        };
        let load = LoadPlan { broadcasts: 30, rate_hz: 10.0, senders: nodes };
        let results = play(Scenario {
            faults: plan.draw(seed).unwrap(),
            broadcasts: load.draw(nodes, seed),
            settle: Duration::from_secs(20),
            stagger: Duration::from_secs(1),
            warmup: None,
            latency: Latency::range(0, 80),
            seed,
            ..scenario(strategy, topology, nodes)
        }).unwrap();
        prop_assert!(results.is_sound(), "{:?}", results);
        prop_assert_eq!(results.broadcasts as u64 + results.unplaced, 30);
        prop_assert!(results.coverage.is_none_or(|share| (0.0..=1.0).contains(&share)));
        let sent = results.messages_per_broadcast.unwrap_or(0.0) * results.broadcasts as f64;
        prop_assert!(results.payload_messages as f64 <= sent + 0.5);
        if strategy == Strategy::Hybrid && results.broadcasts > 0 {
            // Whatever any live node holds comes to all of them once the faults are over.
            prop_assert_eq!(results.complete + results.orphaned, results.broadcasts, "{:?}", results);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn windows_and_any_number_of_threads_come_to_the_same_as_one_event_after_the_other(
        seed in any::<u64>(),
        nodes in 100..300_usize,
        strategy in prop::sample::select(&STRATEGIES[..]),
        is_calm in any::<bool>(),
        // The last is longer than most timers, so that nodes wake several times in a window.
        least_ms in prop::sample::select(&[0, 1, 2, 10, 600][..]),
        spread_ms in prop::sample::select(&[0, 4][..]),
        stagger_ms in prop::sample::select(&[0, 10][..]),
        threads in 1..5_usize,
    ) {
        let faults = match is_calm {
            true => "",
            false => r#"{"at_ms":200,"start":"loss","probability":0.1}
{"at_ms":250,"start":"duplicate","probability":0.1}
{"at_ms":500,"start":"pause","nodes":[3,4]}
{"at_ms":700,"start":"kill","nodes":[1,9,10]}
{"at_ms":900,"stop":"loss"}
{"at_ms":1500,"stop":"pause"}
{"at_ms":2500,"stop":"kill"}"#,
        };
        let load = LoadPlan { broadcasts: 4, rate_hz: 10.0, senders: nodes };
        // Most starts, and so most rounds, fall on a few moments.
        let scenario = Scenario {
            faults: FaultPlan::from_json(faults, nodes).unwrap(),
            broadcasts: load.draw(nodes, seed),
            settle: Duration::from_secs(4),
            stagger: Duration::from_millis(stagger_ms),
            latency: Latency::range(least_ms, least_ms + spread_ms),
            seed,
            ..scenario(strategy, Topology::Grid, nodes)
        };
        let mut one_by_one = Cluster::new(scenario.clone()).unwrap();
        while one_by_one.step() {}
        prop_assert_eq!(play_on(threads, scenario).unwrap(), one_by_one.results());
    }
}
