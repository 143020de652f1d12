//! The same seed and the same inputs give the same outputs; another seed gives others.

mod support;

use std::time::Duration;

use gossiper_core::{Input, Instant, Node, NodeId, Outbox, Payload};
use support::{Cluster, Network, STRATEGIES, config, grid_links};

fn trace(strategy: gossiper_core::Strategy, seed: u64) -> Vec<String> {
    let mut cluster = Cluster::new(12, config(strategy), Network::ROUGH, seed);
    if seed.is_multiple_of(2) {
        cluster.give_topology(&grid_links(12));
    }
    for value in 0..20 {
        cluster.broadcast(value % 12, &value.to_string());
        cluster.run_for(Duration::from_millis(70));
    }
    cluster.run_for(Duration::from_secs(5));
    cluster.trace
}

#[test]
fn one_seed_is_one_trace() {
    for strategy in STRATEGIES {
        for seed in [1, 2] {
            assert_eq!(trace(strategy, seed), trace(strategy, seed));
        }
        assert_ne!(trace(strategy, 1), trace(strategy, 3));
    }
}

#[test]
fn another_seed_draws_other_peers() {
    let drawn = |seed| {
        let members: Vec<NodeId> = (0..100).map(NodeId).collect();
        let config = config(gossiper_core::Strategy::Gossip);
        let mut node = Node::new(NodeId(0), &members, config, 1, seed, Instant::START);
        let mut outbox = Outbox::default();
        for value in 0..10_u8 {
            node.handle(Instant::START, Input::Broadcast(Payload::new(&[value])), &mut outbox);
        }
        outbox.drain().collect::<Vec<_>>()
    };
    for seed in 0..10 {
        assert_eq!(drawn(seed), drawn(seed));
        assert_ne!(drawn(seed), drawn(seed + 1));
    }
}
