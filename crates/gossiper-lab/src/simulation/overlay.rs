//! How the nodes of a run know each other.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use gossiper_core::{Members, NodeId, OverlayKind};

use super::scenario::Scenario;
use crate::seed::Stream;

/// Up to so many nodes `auto` takes the computed overlay. It is the quicker one at every size
/// (`plans/overlays.toml`), but every node keeps the list of all, and must be told of each change
/// of it; and who finds no way up in the tree sends what it has to all of them.
pub const COMPUTED_NODES_MAX: usize = 5_000;

/// How many nodes that started before it each node of a learned overlay is told of.
const CONTACTS: usize = 3;

/// Which overlay hybrid has. Read from the words `auto`, `computed` and `learned`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Overlay {
    /// Computed up to [`COMPUTED_NODES_MAX`] nodes, learned beyond.
    #[default]
    Auto,
    /// Everybody knows everybody.
    Computed,
    /// Everybody knows a few others.
    Learned,
}

impl Overlay {
    /// What it is for a cluster of so many nodes.
    pub fn pick(self, nodes: usize) -> OverlayKind {
        match self {
            Self::Auto if nodes > COMPUTED_NODES_MAX => OverlayKind::Learned,
            Self::Auto | Self::Computed => OverlayKind::Computed,
            Self::Learned => OverlayKind::Learned,
        }
    }
}

impl Scenario {
    /// Over how long a time the nodes start: where each must first find neighbors, ten times as
    /// long as told.
    pub(super) fn start_spread(&self) -> Duration {
        self.stagger * if self.config.is_learned() { 10 } else { 1 }
    }

    /// How long they then have to themselves.
    pub(super) fn start_rest(&self) -> Duration {
        let usual = if self.config.is_learned() {
            self.config.gossip_interval * 30
        } else {
            Duration::ZERO
        };
        self.warmup.unwrap_or(usual)
    }
}

/// Whom a node of a learned overlay is told of when it starts for the first time: some of those
/// before it; later, some of all others.
pub(super) fn contacts(node: usize, life: u32, nodes: usize, seed: u64) -> Members {
    let mut stream = Stream::new(seed, "contacts");
    stream.seek(node as u64, u64::from(life));
    let others = if life == 0 { node } else { nodes - 1 };
    let mut contacts: Vec<NodeId> = Vec::new();
    while contacts.len() < CONTACTS.min(others) {
        let drawn = stream.below(others as u64);
        let other = NodeId(if drawn >= node as u64 { drawn + 1 } else { drawn });
        if !contacts.contains(&other) {
            contacts.push(other);
        }
    }
    Members::new(contacts)
}

impl fmt::Display for Overlay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Auto => "auto",
            Self::Computed => "computed",
            Self::Learned => "learned",
        })
    }
}

impl FromStr for Overlay {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        [Self::Auto, Self::Computed, Self::Learned]
            .into_iter()
            .find(|overlay| overlay.to_string() == name)
            .ok_or_else(|| format!("{name:?} is not auto, computed or learned"))
    }
}

#[cfg(test)]
mod tests {
    use gossiper_core::{Config, Mechanism};

    use super::*;
    use crate::network::Latency;
    use crate::simulation::{LoadPlan, Results, Trouble, play};
    use crate::topology::Topology;

    fn scenario(nodes: usize, trouble: Trouble, load: LoadPlan, seed: u64) -> Scenario {
        Scenario {
            nodes,
            config: Config { overlay: OverlayKind::Learned, ..Config::default() },
            topology: Topology::Grid,
            latency: Latency::range(10, 50),
            faults: trouble.draw(nodes, seed).unwrap(),
            broadcasts: load.draw(nodes, seed),
            settle: Duration::from_secs(25),
            stagger: Duration::from_secs(1),
            warmup: None,
            seed,
        }
    }

    fn learned(nodes: usize, trouble: Trouble, seed: u64) -> Results {
        let load = LoadPlan { broadcasts: 20, rate_hz: 4.0, senders: nodes };
        let results = play(scenario(nodes, trouble, load, seed)).unwrap();
        assert!(results.is_sound(), "{results:?}");
        results
    }

    fn assert_complete(results: &Results) {
        let lost = results.broadcasts - results.complete - results.orphaned;
        assert_eq!(lost, 0, "{results:?}");
    }

    #[test]
    fn a_learned_tree_is_a_tree_and_shallow_whoever_sends() {
        for seed in 1..3 {
            let results = learned(150, Trouble::default(), seed);
            assert_complete(&results);
            assert!(results.redundancy < Some(0.02), "{results:?}");
            assert!(results.last_delivery_hop < Some(12.0), "{results:?}");
            assert_eq!(results.gossip_deliveries, 0, "{results:?}");
        }
    }

    #[test]
    fn what_links_lose_arrives_all_the_same() {
        for (loss, redundancy) in [(0.02, 0.15), (0.1, 0.5)] {
            let results = learned(100, Trouble { loss, ..Trouble::default() }, 5);
            assert_complete(&results);
            assert!(results.dropped.loss > 0 && results.redundancy < Some(redundancy));
        }
    }

    #[test]
    fn who_is_left_after_a_mass_crash_finds_together_and_gets_everything() {
        for (share, seed) in [("50%@2s", 1), ("80%@2s", 2), ("90%@2s", 3)] {
            let crash = Some(share.parse().unwrap());
            let results = learned(150, Trouble { crash, ..Trouble::default() }, seed);
            assert_complete(&results);
            assert!(results.live_nodes <= 75 && results.recovery_ms < Some(25_000.0));
        }
    }

    #[test]
    fn nodes_that_come_back_empty_join_again_and_catch_up() {
        let crash = Some("30%@2s..6s".parse().unwrap());
        let results = learned(100, Trouble { crash, ..Trouble::default() }, 1);
        assert_complete(&results);
        assert_eq!(results.live_nodes, 100);
    }

    #[test]
    fn two_halves_find_together_after_a_partition() {
        let partition = Some("majority@2s..6s".parse().unwrap());
        let results = learned(100, Trouble { partition, ..Trouble::default() }, 1);
        assert_complete(&results);
    }

    #[test]
    fn two_halves_that_have_given_each_other_up_find_together() {
        for seed in 1..4 {
            let partition = Some("majority@2s..60s".parse().unwrap());
            let trouble = Trouble { partition, ..Trouble::default() };
            let load = LoadPlan { broadcasts: 35, rate_hz: 0.5, senders: 100 };
            let results = play(scenario(100, trouble, load, seed)).unwrap();
            assert_complete(&results);
            assert!(results.recovery_ms < Some(20_000.0), "{:?}", results.recovery_ms);
        }
    }

    #[test]
    fn nodes_that_do_not_go_around_silent_ones_rest_all_the_same() {
        let load = LoadPlan { broadcasts: 20, rate_hz: 4.0, senders: 40 };
        let trouble = Trouble { loss: 0.05, ..Trouble::default() };
        let mut scenario = scenario(40, trouble, load, 1);
        scenario.config.without = [Mechanism::Fallback].into_iter().collect();
        assert_complete(&play(scenario).unwrap());
    }

    #[test]
    fn the_same_seed_gives_the_same_run() {
        let trouble = Trouble { loss: 0.05, ..Trouble::default() };
        assert_eq!(learned(50, trouble, 1), learned(50, trouble, 1));
        assert_ne!(learned(50, trouble, 1).messages, learned(50, trouble, 2).messages);
    }

    #[test]
    fn contacts_are_others_that_started_before() {
        for (node, life) in [(0, 0), (1, 0), (2, 0), (50, 0), (0, 2), (50, 2), (99, 2)] {
            let contacts = contacts(node, life, 100, 7);
            let contacts = contacts.as_slice();
            let before = if life == 0 { node } else { 99 };
            assert_eq!(contacts.len(), before.min(3));
            let is_other = |other: &NodeId| other.0 < 100 && other.0 != node as u64;
            assert!(
                contacts.iter().all(is_other)
                    && (life > 0 || contacts.iter().all(|other| other.0 < node as u64))
            );
        }
    }

    #[test]
    fn a_large_cluster_learns_its_overlay_unless_told() {
        let large = COMPUTED_NODES_MAX + 1;
        for (overlay, nodes, picked) in [
            (Overlay::Auto, large, OverlayKind::Learned),
            (Overlay::Auto, large - 1, OverlayKind::Computed),
            (Overlay::Computed, large, OverlayKind::Computed),
            (Overlay::Learned, 2, OverlayKind::Learned),
        ] {
            assert_eq!(overlay.pick(nodes), picked, "{overlay} {nodes}");
        }
        assert!("random".parse::<Overlay>().unwrap_err().contains("auto, computed or learned"));
    }
}
