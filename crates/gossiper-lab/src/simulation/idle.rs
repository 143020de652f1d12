//! Settings that change nothing.

use gossiper_core::{Config, Strategy};

use crate::topology::Topology;

/// Whether a run has a use for a setting, by its config and by whether its topology is a tree.
type IsUsed = fn(&Config, bool) -> bool;

/// Settings by their keys in a plan, who uses them, and that in words.
const USES: [(&str, IsUsed, &str); 7] = [
    ("overlay", |config, _| is_hybrid(config), "hybrid alone learns its overlay"),
    ("topology", |config, _| has_links(config), "none of the strategies that are played uses it"),
    ("warmup", |config, _| has_rounds(config), "gossip and hybrid have rounds"),
    (
        "fanout",
        |config, _| has_rounds(config) && !config.is_learned(),
        "gossip has one, and hybrid unless it learns its overlay",
    ),
    ("gossip_interval", |config, _| has_rounds(config), "gossip and hybrid have rounds"),
    ("ack_timeout", |config, _| config.strategy != Strategy::Flood, "flood waits for nobody"),
    (
        "pace",
        |config, is_tree| is_hybrid(config) && (config.is_learned() || !is_tree),
        "hybrid has one, unless it is given a tree",
    ),
];

fn is_hybrid(config: &Config) -> bool {
    config.strategy == Strategy::Hybrid
}

fn has_rounds(config: &Config) -> bool {
    matches!(config.strategy, Strategy::Gossip | Strategy::Hybrid)
}

fn has_links(config: &Config) -> bool {
    config.strategy != Strategy::Gossip && !config.is_learned()
}

/// The first setting that is given, by its key in a plan, and changes nothing in any of the runs;
/// and why. `given` says of settings whether they are.
pub fn idle_setting<'a>(
    given: &[(&'static str, bool)],
    runs: impl Iterator<Item = &'a Config> + Clone,
    topology: Topology,
) -> Option<(&'static str, &'static str)> {
    // A small grid is a tree as well, but who asks for a grid has not asked for a tree.
    let is_tree = topology.is_tree(usize::MAX);
    given.iter().filter(|(_, is_given)| *is_given).find_map(|&(key, _)| {
        let (_, is_used, why) = USES.iter().find(|(name, ..)| *name == key)?;
        (!runs.clone().any(|config| is_used(config, is_tree))).then_some((key, *why))
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use gossiper_core::OverlayKind;

    use super::*;
    use crate::network::Latency;
    use crate::simulation::{LoadPlan, Scenario, Trouble, play};

    /// Another value of each setting.
    fn change(scenario: &mut Scenario, key: &str) {
        let Scenario { config, topology, warmup, .. } = scenario;
        let second = Duration::from_secs(1);
        match key {
            "overlay" if config.overlay == OverlayKind::Learned => {
                config.overlay = OverlayKind::Computed;
            }
            "overlay" => config.overlay = OverlayKind::Learned,
            "topology" if *topology == Topology::Line => *topology = Topology::Grid,
            "topology" => *topology = Topology::Line,
            "warmup" => *warmup = Some(second * 3),
            "fanout" => config.fanout += 1,
            "gossip_interval" => config.gossip_interval = second * 2,
            "ack_timeout" => config.ack_timeout = second,
            _ => config.pace = second,
        }
    }

    #[test]
    fn what_is_idle_changes_no_figure_and_all_else_changes_some() {
        for strategy in [Strategy::Flood, Strategy::Tree, Strategy::Gossip, Strategy::Hybrid] {
            for (overlay, topology) in [
                (OverlayKind::Computed, Topology::Grid),
                (OverlayKind::Computed, Topology::Line),
                (OverlayKind::Learned, Topology::Grid),
            ] {
                let (nodes, seed) = (12, 1);
                let load = LoadPlan { broadcasts: 15, rate_hz: 10.0, senders: nodes };
                let crash = Some("20%@1s..2s".parse().unwrap());
                let trouble = Trouble { loss: 0.1, crash, ..Trouble::default() };
                let scenario = Scenario {
                    nodes,
                    config: Config { strategy, overlay, ..Config::default() },
                    topology,
                    latency: Latency::range(10, 50),
                    faults: trouble.draw(nodes, seed).unwrap(),
                    broadcasts: load.draw(nodes, seed),
                    settle: Duration::from_secs(4),
                    stagger: Duration::from_secs(1),
                    warmup: Some(Duration::from_secs(2)),
                    seed,
                };
                let results = play(scenario.clone()).unwrap();
                for (key, ..) in USES {
                    let runs = std::iter::once(&scenario.config);
                    let is_idle = idle_setting(&[(key, true)], runs, topology).is_some();
                    let mut other = scenario.clone();
                    change(&mut other, key);
                    let is_same = play(other).unwrap() == results;
                    assert_eq!(is_same, is_idle, "{key}: {strategy:?}, {overlay:?}, {topology}");
                }
            }
        }
    }
}
