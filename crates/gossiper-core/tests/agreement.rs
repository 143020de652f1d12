//! Clusters agree: who must have which value when, for each strategy, in calm and in rough weather.

mod support;

use std::time::Duration;

use gossiper_core::{Instant, Strategy, Via};
use support::{Cluster, Network, Push, STRATEGIES, config, distances, grid_links, tree_links};

const SIZES: [usize; 3] = [5, 25, 100];
const HOP: Duration = Duration::from_millis(100);
const ACK_TIMEOUT: Duration = Duration::from_millis(500);

fn at(time: Duration) -> Instant {
    Instant::START + time
}

#[test]
fn on_a_tree_everybody_has_it_after_as_many_hops_as_the_tree_has_links() {
    for strategy in [Strategy::Flood, Strategy::Tree, Strategy::Hybrid] {
        for count in SIZES {
            let links = tree_links(count, 3);
            let mut cluster = Cluster::new(count, config(strategy), Network::STEADY, 1);
            cluster.give_topology(&links);
            let origin = count / 2;
            cluster.broadcast(origin, "7");
            cluster.run_for(Duration::from_secs(3));
            for (place, hops) in distances(count, &links, origin).into_iter().enumerate() {
                let delivery = cluster.node(place).delivery(b"7").unwrap();
                assert_eq!((delivery.hops, delivery.via), (hops, Via::Tree));
                assert_eq!(cluster.delivered[place][&b"7"[..]], at(HOP * hops));
            }
            assert_eq!(cluster.pushes.len(), count - 1, "{strategy:?}: the fewest there can be");
        }
    }
}

#[test]
fn flooding_a_grid_takes_the_shortest_ways() {
    for count in SIZES {
        let links = grid_links(count);
        let mut cluster = Cluster::new(count, config(Strategy::Flood), Network::STEADY, 1);
        cluster.give_topology(&links);
        cluster.broadcast(0, "7");
        cluster.run_for(Duration::from_secs(3));
        for (place, hops) in distances(count, &links, 0).into_iter().enumerate() {
            assert_eq!(cluster.delivered[place][&b"7"[..]], at(HOP * hops));
        }
    }
}

#[test]
fn on_a_grid_the_computed_tree_reaches_everybody_in_two_hops_up_to_25_nodes_and_four_beyond() {
    for strategy in [Strategy::Tree, Strategy::Hybrid] {
        for (count, hops_max) in [(5, 2), (25, 2), (100, 4)] {
            let mut cluster = Cluster::new(count, config(strategy), Network::STEADY, 1);
            cluster.give_topology(&grid_links(count));
            cluster.broadcast(count - 1, "7");
            cluster.run_for(HOP * hops_max);
            assert_eq!(cluster.lacking("7"), []);
            assert_eq!(cluster.pushes.len(), count - 1);
        }
    }
}

#[test]
fn gossip_alone_reaches_everybody_within_a_few_rounds() {
    for count in SIZES {
        for seed in 0..5 {
            let mut cluster = Cluster::new(count, config(Strategy::Gossip), Network::STEADY, seed);
            cluster.broadcast(0, "7");
            // Two peers a round: the share that lacks it falls by more than e^-2 a round
            // (Demers et al. 1987, section 1.3), after a start of log3 n rounds.
            cluster.run_for(Duration::from_secs(8));
            assert_eq!(cluster.lacking("7"), [], "{count} nodes, seed {seed}");
            let gossip = (1..count).map(|place| cluster.node(place).delivery(b"7").unwrap());
            assert!(gossip.into_iter().all(|delivery| delivery.via == Via::Gossip));
        }
    }
}

/// The links of a rough run: none given, a tree, or a grid.
fn rough_links(count: usize, seed: u64) -> Option<Vec<(usize, usize)>> {
    match seed % 3 {
        0 => None,
        1 => Some(tree_links(count, 4)),
        _ => Some(grid_links(count)),
    }
}

/// Broadcasts one value from every fifth node, a tenth of a second apart, and waits.
fn rough_run(
    strategy: Strategy,
    count: usize,
    seed: u64,
    wait: Duration,
) -> (Cluster, Vec<String>) {
    let mut cluster = Cluster::new(count, config(strategy), Network::ROUGH, seed);
    if let Some(links) = rough_links(count, seed) {
        cluster.give_topology(&links);
    }
    let mut values = Vec::new();
    for place in (0..count).step_by(5) {
        values.push(place.to_string());
        cluster.broadcast(place, &place.to_string());
        cluster.run_for(Duration::from_millis(100));
    }
    cluster.run_for(wait);
    (cluster, values)
}

#[test]
fn nothing_is_invented_or_delivered_twice() {
    for strategy in STRATEGIES {
        for count in SIZES {
            // That nothing is delivered twice, the cluster itself asserts.
            let (cluster, values) = rough_run(strategy, count, 1, Duration::from_secs(3));
            for delivered in &cluster.delivered {
                assert!(delivered.keys().all(|value| values.iter().any(|v| v.as_bytes() == value)));
            }
        }
    }
}

#[test]
fn with_loss_gossip_and_hybrid_still_reach_everybody() {
    for strategy in [Strategy::Gossip, Strategy::Hybrid] {
        for count in SIZES {
            for seed in 0..6 {
                let wait = Duration::from_secs(12);
                let (cluster, values) = rough_run(strategy, count, seed, wait);
                for value in values {
                    assert_eq!(
                        cluster.lacking(&value),
                        [],
                        "{strategy:?}, {count} nodes, seed {seed}, value {value}"
                    );
                }
            }
        }
    }
}

#[test]
fn with_loss_flooding_leaves_out_only_whom_the_network_cuts_off() {
    for count in SIZES {
        for seed in 0..6 {
            let (cluster, values) = rough_run(Strategy::Flood, count, seed, Duration::from_secs(5));
            let links = rough_links(count, seed).unwrap_or_else(|| {
                (0..count).flat_map(|one| (one + 1..count).map(move |other| (one, other))).collect()
            });
            for value in &values {
                let lacking = cluster.lacking(value);
                for (from, to) in
                    links.iter().flat_map(|&(one, other)| [(one, other), (other, one)])
                {
                    if lacking.contains(&to) && !lacking.contains(&from) {
                        assert!(tries(&cluster, value, to).any(|push| push.from == from));
                        assert!(tries(&cluster, value, to).all(|push| push.is_lost));
                    }
                }
            }
        }
    }
}

#[test]
fn with_loss_a_tree_leaves_out_only_those_to_whom_every_push_is_lost() {
    for count in SIZES {
        for seed in 0..6 {
            let (cluster, values) = rough_run(Strategy::Tree, count, seed, Duration::from_secs(5));
            let mut left_out = 0;
            for value in &values {
                for place in cluster.lacking(value) {
                    assert!(tries(&cluster, value, place).count() > 0, "nobody is forgotten");
                    assert!(tries(&cluster, value, place).all(|push| push.is_lost));
                    left_out += 1;
                }
            }
            assert!(left_out <= values.len() * count / 5, "seed {seed}: {left_out} left out");
        }
    }
}

fn tries<'a>(cluster: &'a Cluster, value: &'a str, to: usize) -> impl Iterator<Item = &'a Push> {
    cluster.pushes.iter().filter(move |push| push.to == to && push.value == value.as_bytes())
}

#[test]
fn around_a_crashed_inner_node_its_subtree_has_it_within_two_time_outs() {
    for strategy in [Strategy::Tree, Strategy::Hybrid] {
        for count in [25, 100] {
            let mut config = config(strategy);
            // Rounds must not help here.
            config.gossip_interval = Duration::from_secs(3_600);
            let mut cluster = Cluster::new(count, config, Network::STEADY, 1);
            cluster.give_topology(&tree_links(count, 3));
            cluster.crash(1);
            cluster.broadcast(0, "7");
            cluster.run_for(ACK_TIMEOUT * 2);
            assert_eq!(cluster.lacking("7"), []);
            let stats = cluster.node(0).stats();
            let behind = distances(count, &tree_links(count, 3)[1..], 1);
            let behind = behind.iter().filter(|&&hops| hops != u32::MAX && hops > 0).count();
            assert_eq!((stats.failures, stats.direct_deliveries), (1, behind as u64));
        }
    }
}

#[test]
fn the_crash_of_the_root_of_a_computed_tree_is_gone_around() {
    let mut config = config(Strategy::Hybrid);
    config.gossip_interval = Duration::from_secs(3_600);
    let mut cluster = Cluster::new(25, config, Network::STEADY, 1);
    cluster.give_topology(&grid_links(25));
    cluster.crash(0);
    cluster.broadcast(7, "7");
    cluster.run_for(ACK_TIMEOUT * 2);
    assert_eq!(cluster.lacking("7"), []);
}

#[test]
fn a_node_that_comes_back_empty_is_brought_up_to_date() {
    for seed in 0..5 {
        let mut cluster = Cluster::new(25, config(Strategy::Hybrid), Network::ROUGH, seed);
        cluster.give_topology(&grid_links(25));
        for value in 0..50 {
            cluster.broadcast(value % 25, &value.to_string());
            cluster.run_for(Duration::from_millis(50));
        }
        cluster.run_for(Duration::from_secs(10));
        cluster.crash(3);
        cluster.run_for(Duration::from_secs(2));
        cluster.start(3);
        cluster.broadcast(3, "after");
        cluster.run_for(Duration::from_secs(15));
        for value in (0..50).map(|value| value.to_string()).chain(["after".into()]) {
            assert_eq!(cluster.lacking(&value), [], "seed {seed}, value {value}");
        }
    }
}

#[test]
fn a_partition_is_healed_by_gossip_when_it_ends() {
    for strategy in [Strategy::Gossip, Strategy::Hybrid] {
        let mut cluster = Cluster::new(10, config(strategy), Network::STEADY, 1);
        cluster.give_topology(&grid_links(10));
        let half = |place: usize| place < 5;
        let block = |cluster: &mut Cluster, is_cut: bool| {
            for place in 0..10 {
                let others = (0..10).filter(|&other| is_cut && half(other) != half(place));
                let blocked = others.map(|other| gossiper_core::NodeId(other as u64)).collect();
                cluster.input(place, gossiper_core::Input::Partition(blocked));
            }
        };
        block(&mut cluster, true);
        cluster.broadcast(2, "left");
        cluster.broadcast(8, "right");
        cluster.run_for(Duration::from_secs(10));
        assert_eq!(cluster.lacking("left"), [5, 6, 7, 8, 9]);
        assert_eq!(cluster.lacking("right"), [0, 1, 2, 3, 4]);
        block(&mut cluster, false);
        cluster.run_for(Duration::from_secs(10));
        assert_eq!((cluster.lacking("left"), cluster.lacking("right")), (vec![], vec![]));
    }
}

#[test]
fn a_hub_that_comes_back_empty_costs_messages_by_the_batch_and_not_by_the_value() {
    let mut cluster = Cluster::new(25, config(Strategy::Hybrid), Network::STEADY, 1);
    cluster.give_topology(&grid_links(25));
    let count = 1_500;
    for value in 0..count {
        cluster.broadcast(value % 25, &value.to_string());
        if value % 50 == 0 {
            cluster.run_for(Duration::from_millis(10));
        }
    }
    cluster.run_for(Duration::from_secs(20));
    cluster.crash(0);
    cluster.start(0);
    cluster.give_topology(&grid_links(25));
    cluster.messages = 0;
    cluster.run_for(Duration::from_secs(10));
    assert_eq!(cluster.node(0).payload_count(), count);
    // Ten rounds of 25 nodes, each of two exchanges of up to four messages, and as much again.
    assert!(cluster.messages < 10 * 25 * 2 * 4 * 2, "{} messages", cluster.messages);
}

/// The text of all messages by which one node of five gets the `missed` newest of `known` values:
/// it was cut off while they came or, where it missed all, comes back empty.
fn catching_up_costs(known: usize, missed: usize) -> usize {
    let mut cluster = Cluster::new(5, config(Strategy::Hybrid), Network::STEADY, 1);
    cluster.give_topology(&grid_links(5));
    let block = |cluster: &mut Cluster, is_cut: bool| {
        for place in 0..5 {
            let far = (0..5).filter(|&other| is_cut && (other == 4) != (place == 4));
            let blocked = far.map(|other| gossiper_core::NodeId(other as u64)).collect();
            cluster.input(place, gossiper_core::Input::Partition(blocked));
        }
    };
    for value in 0..known {
        if value == known - missed && value > 0 {
            cluster.run_for(Duration::from_secs(5));
            block(&mut cluster, true);
        }
        cluster.broadcast(value % 4, &format!("value {value:06}"));
        if value % 20 == 0 {
            cluster.run_for(Duration::from_millis(50));
        }
    }
    cluster.run_for(Duration::from_secs(5));
    if missed == known {
        cluster.crash(4);
        cluster.start(4);
        cluster.give_topology(&grid_links(5));
    }
    cluster.trace.clear();
    block(&mut cluster, false);
    cluster.run_for(Duration::from_secs(10));
    assert_eq!(cluster.node(4).payload_count(), known);
    cluster.trace.iter().filter(|line| line.contains("Send")).map(String::len).sum()
}

#[test]
fn catching_up_costs_as_much_as_is_lacking_and_not_as_is_known() {
    let few = catching_up_costs(200, 20);
    assert!(catching_up_costs(2_000, 20) <= few * 3 / 2);
    let all = catching_up_costs(200, 200);
    let tenfold = catching_up_costs(2_000, 2_000);
    assert!(few < all && all * 3 < tenfold && tenfold <= all * 12, "{few}, {all}, {tenfold}");
}

/// What `failure_stats` is made of, against what was seen: the failures that were told, and the
/// pushes to nodes that are no neighbors in the given tree.
#[test]
fn failures_and_direct_deliveries_are_as_many_as_were_seen() {
    for seed in 0..4 {
        let mut config = config(Strategy::Hybrid);
        config.gossip_interval = Duration::from_secs(3_600);
        let links = tree_links(13, 3);
        let mut cluster = Cluster::new(13, config, Network::ROUGH, seed);
        cluster.give_topology(&links);
        for value in 0..30 {
            if value == 10 {
                cluster.crash(1);
            }
            cluster.broadcast(value % 13, &value.to_string());
            cluster.run_for(Duration::from_millis(200));
        }
        cluster.run_for(Duration::from_secs(5));
        let mut failures = 0;
        for place in (0..13).filter(|&place| place != 1) {
            let stats = cluster.node(place).stats();
            let is_mine = |line: &&String| line.split(' ').nth(1) == Some(&place.to_string());
            let told = cluster.trace.iter().filter(is_mine);
            let told = told.filter(|line| line.contains("Undelivered {")).count() as u64;
            let is_linked =
                |to: usize| links.contains(&(place, to)) || links.contains(&(to, place));
            let direct = cluster.pushes.iter().filter(|it| it.from == place && !is_linked(it.to));
            assert_eq!((stats.failures, stats.direct_deliveries), (told, direct.count() as u64));
            failures += told;
        }
        assert!(failures > 0, "seed {seed}");
    }
}

#[test]
fn a_round_that_overtakes_the_pushes_on_a_given_tree_does_not_stop_them() {
    let count = 25;
    let links = tree_links(count, 2);
    let far: Vec<Vec<u32>> = (0..count).map(|origin| distances(count, &links, origin)).collect();
    for seed in 0..2 {
        let mut cluster = Cluster::new(count, config(Strategy::Hybrid), Network::STEADY, seed);
        cluster.give_topology(&links);
        let mut given = Vec::new();
        for value in 0..200 {
            given.push((value * 7 % count, cluster.now));
            cluster.broadcast(value * 7 % count, &value.to_string());
            cluster.run_for(Duration::from_millis(10));
        }
        cluster.run_for(Duration::from_secs(5));
        for (value, &(origin, at)) in given.iter().enumerate() {
            for (place, delivered) in cluster.delivered.iter().enumerate() {
                let late = delivered[value.to_string().as_bytes()] - at;
                let hops = far[origin][place];
                assert!(late <= HOP * hops, "{value} at {place}, {hops} hops away, after {late:?}");
            }
        }
        // Each value goes once over each link, and is acknowledged. In each of seven seconds a node
        // compares with two others, and with up to three neighbors if that brings something.
        let rounds = 7 * count * (2 + 3) * 4;
        let most = given.len() * 2 * (count - 1) + rounds;
        assert!(cluster.messages <= most, "{} messages, {most} at most", cluster.messages);
    }
}
