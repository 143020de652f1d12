//! A cluster in which nothing happens any more comes to rest: it awaits nothing, and says little.

mod support;

use std::time::Duration;

use gossiper_core::{Config, Mechanism, Mechanisms};
use support::{Cluster, Network};

const NEVER: Duration = Duration::from_secs(3_600);

/// Three nodes on a ring, which are told one value.
fn told_one(config: Config, crashed: &[usize]) -> Cluster {
    let mut cluster = Cluster::new(3, config, Network::STEADY, 1);
    cluster.give_topology(&[(0, 1), (1, 2), (2, 0)]);
    crashed.iter().for_each(|&node| cluster.crash(node));
    cluster.broadcast(0, "1");
    cluster
}

#[test]
fn a_time_out_shorter_than_a_round_trip_is_followed_by_silence_all_the_same() {
    for without in [Mechanisms::NONE, Mechanism::Dialect.into()] {
        let ack_timeout = Duration::from_millis(100);
        let config = Config { ack_timeout, gossip_interval: NEVER, without, ..Config::default() };
        let mut cluster = told_one(config, &[]);
        cluster.run_for(Duration::from_secs(30));
        cluster.messages = 0;
        cluster.run_for(Duration::from_secs(60));
        assert_eq!(cluster.messages, 0, "without {without:?}");
    }
}

#[test]
fn without_fallback_what_is_overdue_is_not_awaited() {
    let without = Mechanism::Fallback.into();
    let config = Config { gossip_interval: NEVER, without, ..Config::default() };
    let mut cluster = told_one(config, &[1, 2]);
    assert!(cluster.node(0).awaited().forwards > 0);
    cluster.run_for(Duration::from_secs(30));
    assert_eq!(cluster.node(0).awaited().forwards, 0);
    assert!(cluster.node(0).stats().awaits_given_up > 0, "it is counted");
}

#[test]
fn a_suspect_that_is_probed_is_not_awaited() {
    let config = Config { gossip_interval: NEVER, ..Config::default() };
    let mut cluster = told_one(config, &[1, 2]);
    cluster.run_for(Duration::from_secs(30));
    let node = cluster.node(0);
    assert!(node.stats().failures > 0 && node.awaited().forwards == 0);
}

#[test]
fn rounds_are_skipped_where_pushes_have_told_nothing_of_the_neighbors() {
    // A single value goes in plain messages, which tell no hash.
    let mut cluster = told_one(Config::default(), &[]);
    cluster.run_for(Duration::from_secs(60));
    cluster.messages = 0;
    cluster.run_for(Duration::from_secs(100));
    // Of the rounds of three nodes one in twenty is a summary.
    assert!(cluster.messages <= 3 * 100 / 10, "{} messages", cluster.messages);
}

#[test]
fn in_a_large_cluster_one_value_is_enough_to_come_to_rest() {
    // Links of a large cluster are used too rarely to wait for a fifth push on each.
    let mut cluster = Cluster::new(60, Config::default(), Network::STEADY, 1);
    cluster.give_topology(&(0..60).map(|node| (node, (node + 1) % 60)).collect::<Vec<_>>());
    cluster.broadcast(7, "1");
    cluster.run_for(Duration::from_secs(10));
    // A value and its acknowledgement, a question and its answer, and hardly a round.
    assert!(cluster.messages <= 60 * 5, "{} messages", cluster.messages);
    cluster.messages = 0;
    cluster.run_for(Duration::from_secs(100));
    assert!(cluster.messages <= 60 * 100 / 10, "{} messages", cluster.messages);
}
