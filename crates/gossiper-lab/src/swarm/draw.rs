//! A scenario of a seed.

use std::collections::BTreeMap;
use std::time::Duration;

use gossiper_core::{Config, Mechanism, Mechanisms, OverlayKind, Strategy};

use super::scenario::{Broadcast, Jolt, Jolted, Scenario};
use crate::fault::{
    Action, Direction, Event, Fault, FaultPlan, Group, Kind, Shape, draw_ring, draw_side,
};
use crate::network::{Distribution, Latency};
use crate::seed::Stream;
use crate::topology::Topology;

/// How long the load and the faults last, in ms: the least, and what is added at most.
const ROUGH_MS: (u64, u64) = (1_000, 9_000);

/// The share of seeds whose nodes have partial views: a fifth of those of hybrid.
const VIEWS_SHARE: f64 = 0.16;

impl Scenario {
    /// The scenario of a seed.
    pub fn draw(seed: u64) -> Self {
        let mut features = Stream::new(seed, "swarm features");
        let mut has = |share: f64| features.chance(share);
        let mut draw = Stream::new(seed, "swarm cluster");
        let nodes = draw_nodes(&mut draw);
        let mut views = Views::draw(seed);
        let nodes = views.as_mut().map_or(nodes, |views| views.nodes(nodes));
        let topology = pick(
            &mut draw,
            &[
                (Topology::Grid, 8),
                (Topology::Total, 4),
                (Topology::Line, 1),
                (Topology::Tree2, 1),
                (Topology::Tree3, 1),
                (Topology::Tree4, 1),
            ],
        );
        let latency = draw_latency(&mut draw, has(0.5));
        let mut config = draw_config(&mut draw, true, has(0.5));
        config.strategy = pick(
            &mut draw,
            &[
                (Strategy::Hybrid, 16),
                (Strategy::Gossip, 2),
                (Strategy::Tree, 1),
                (Strategy::Flood, 1),
            ],
        );
        if views.is_some() {
            config.strategy = Strategy::Hybrid;
        }
        if has(0.2) {
            // The bound is to be met, and then rounds are to see to what was given up.
            config.awaited_max = 1 + draw.below(12) as usize;
        }
        let is_robust = matches!(config.strategy, Strategy::Hybrid | Strategy::Gossip);
        if has(0.3) {
            config.without = draw_without(&mut draw, is_robust);
        }
        let mut odd = BTreeMap::new();
        if has(0.25) && is_robust {
            for _ in 0..1 + draw.below(nodes as u64 / 2 + 1) {
                let mut other = draw_config(&mut draw, false, true);
                other.strategy = pick(&mut draw, &[(Strategy::Hybrid, 3), (Strategy::Gossip, 1)]);
                if draw.coin() {
                    other.without = draw_without(&mut draw, true);
                }
                other.gossip_interval = config.gossip_interval;
                odd.insert(draw.below(nodes as u64) as usize, other);
            }
        }
        if let Some(views) = &mut views {
            odd.values_mut().chain([&mut config]).for_each(|config| views.settle(config));
        }
        let rough_ms = ROUGH_MS.0 + draw.below(ROUGH_MS.1);
        let broadcasts = draw_load(seed, nodes, rough_ms, has(0.15));
        // What repairs nothing is mostly left without what it could not repair.
        let is_lossy = is_robust && config.uses(Mechanism::Rounds) || has(0.2);
        let mut kinds = Vec::new();
        for kind in Kind::ALL {
            let loses = matches!(kind, Kind::Loss | Kind::Partition | Kind::OneWay | Kind::Kill);
            if has(0.35) && (is_lossy || !loses) {
                kinds.push(kind);
            }
        }
        let faults = draw_faults(seed, nodes, rough_ms, &kinds);
        let (crashes, clocks) = (has(0.25) && is_lossy, has(0.25));
        let jolts = draw_jolts(seed, nodes, rough_ms, crashes, clocks);
        let calm_at_ms = rough_ms + 1;
        Self { seed, nodes, topology, latency, config, odd, broadcasts, faults, jolts, calm_at_ms }
    }
}

/// What a seed makes of a cluster, and only where its nodes are to have partial views.
struct Views {
    draw: Stream,
}

impl Views {
    /// Whether the seed is one of these. What is drawn has a stream of its own, so that all other
    /// seeds mean what they mean without it.
    fn draw(seed: u64) -> Option<Self> {
        let mut draw = Stream::new(seed, "swarm overlay");
        draw.chance(VIEWS_SHARE).then_some(Self { draw })
    }

    /// Now and then there are more nodes than usual: a view of a small cluster knows all of it.
    fn nodes(&mut self, usual: usize) -> usize {
        let more = pick(&mut self.draw, &[(0, 3), (20, 1), (60, 1)]);
        usual + self.draw.below(more + 1) as usize
    }

    /// Settings for such a node. What switches its dialect or its digests off makes it no member of
    /// such a cluster, and what pushes nothing makes no tree.
    fn settle(&mut self, config: &mut Config) {
        config.strategy = Strategy::Hybrid;
        config.overlay = OverlayKind::Learned;
        config.active_view = pick(&mut self.draw, &[(2, 1), (3, 2), (4, 2), (5, 4)]);
        config.passive_view = config.active_view * pick(&mut self.draw, &[(1, 1), (3, 1), (6, 3)]);
        let shuffle_s = pick(&mut self.draw, &[(2, 1), (10, 2), (30, 3)]);
        config.shuffle_interval = Duration::from_secs(shuffle_s);
        let keeps = |it: &Mechanism| {
            !matches!(it, Mechanism::Push | Mechanism::Digest | Mechanism::Dialect)
        };
        config.without = config.without.iter().filter(keeps).collect();
    }
}

/// One of several, each as often as its weight says.
fn pick<T: Copy>(draw: &mut Stream, of: &[(T, u64)]) -> T {
    let mut place = draw.below(of.iter().map(|(_, weight)| weight).sum());
    let found = of.iter().find(|(_, weight)| {
        let is_here = place < *weight;
        place = place.saturating_sub(*weight);
        is_here
    });
    found.map_or(of[0].0, |(item, _)| *item)
}

/// Mostly few, where a fault weighs more and a failure is read more easily.
fn draw_nodes(draw: &mut Stream) -> usize {
    let most = pick(draw, &[(4, 4), (10, 4), (38, 2)]);
    3 + draw.below(most) as usize
}

fn draw_latency(draw: &mut Stream, is_even: bool) -> Latency {
    let mean_ms = pick(draw, &[(0, 1), (1, 1), (10, 3), (40, 3), (100, 3)]);
    if is_even {
        return Latency { mean_ms, distribution: Distribution::Constant };
    }
    match draw.below(3) {
        0 => Latency { mean_ms, distribution: Distribution::Uniform },
        1 => Latency { mean_ms, distribution: Distribution::Exponential },
        _ => Latency::range(mean_ms / 2, mean_ms * 3),
    }
}

/// Settings of a node, `is_usual` those that a user would know of.
fn draw_config(draw: &mut Stream, is_usual: bool, is_odd: bool) -> Config {
    let mut config = Config::default();
    if !is_odd {
        return config;
    }
    let ms = Duration::from_millis;
    config.pace = ms(pick(draw, &[(0, 3), (20, 1), (50, 1), (100, 2), (200, 1), (500, 1)]));
    config.fanout = pick(draw, &[(1, 1), (2, 2), (3, 1), (5, 1)]);
    config.ack_timeout = ms(pick(draw, &[(100, 1), (250, 1), (500, 3), (1_000, 1), (2_000, 1)]));
    if is_usual {
        config.gossip_interval = ms(pick(draw, &[(200, 1), (500, 1), (1_000, 3), (3_000, 1)]));
    }
    config
}

/// Some mechanisms to do without; not the rounds where they are what keeps the promise.
fn draw_without(draw: &mut Stream, is_robust: bool) -> Mechanisms {
    let few = draw.coin();
    let may = Mechanism::ALL.into_iter().filter(|&it| !(is_robust && it == Mechanism::Rounds));
    may.filter(|_| draw.chance(if few { 0.15 } else { 0.5 })).collect()
}

fn draw_load(seed: u64, nodes: usize, rough_ms: u64, repeats: bool) -> Vec<Broadcast> {
    let mut draw = Stream::new(seed, "swarm load");
    let most = pick(&mut draw, &[(5, 2), (40, 3), (150, 1)]);
    let count = 1 + draw.below(most) as usize;
    let senders = 1 + draw.below(nodes as u64);
    let first = draw.below(nodes as u64);
    // All at once, or spread.
    let span_ms = if draw.chance(0.2) { 1 } else { rough_ms };
    let mut times: Vec<u64> = (0..count).map(|_| draw.below(span_ms)).collect();
    times.sort_unstable();
    let place = |draw: &mut Stream| ((first + draw.below(senders)) % nodes as u64) as usize;
    let numbered = times.into_iter().enumerate();
    numbered
        .map(|(number, at_ms)| {
            let node = place(&mut draw);
            let is_repeat = repeats && number > 0 && draw.chance(0.3);
            let value = if is_repeat { draw.below(number as u64) as usize } else { number };
            Broadcast { at_ms, node, value }
        })
        .collect()
}

/// A few nodes, the hub among them now and then.
fn draw_group(draw: &mut Stream, nodes: usize) -> Group {
    let most = if draw.chance(0.2) { nodes } else { nodes.div_ceil(3) };
    let mut all: Vec<usize> = (0..nodes).collect();
    draw.shuffle(&mut all);
    all.truncate(1 + draw.below(most as u64) as usize);
    all.sort_unstable();
    Group { nodes: all, with_hub: draw.chance(0.3) }
}

fn draw_fault(draw: &mut Stream, kind: Kind, nodes: usize) -> Fault {
    match kind {
        Kind::Partition => {
            let shape = match draw.below(4) {
                0 => return Fault::Ring { sees: draw_ring(nodes, draw) },
                1 => Shape::One,
                2 => Shape::MinorityThird,
                _ => Shape::Majority,
            };
            let side = Group { nodes: draw_side(shape, nodes, draw), with_hub: draw.chance(0.3) };
            // A third of three nodes is nobody, and nobody has no place for the hub.
            let with_hub = side.with_hub && !side.nodes.is_empty();
            Fault::Split { shape, side: Group { with_hub, ..side } }
        }
        Kind::OneWay => {
            let direction = if draw.coin() { Direction::In } else { Direction::Out };
            Fault::OneWay { direction, side: draw_group(draw, nodes) }
        }
        Kind::Kill => Fault::Kill(draw_group(draw, nodes)),
        Kind::Pause => Fault::Pause(draw_group(draw, nodes)),
        Kind::Loss => Fault::Loss(pick(draw, &[(0.02, 2), (0.1, 2), (0.3, 2), (0.7, 1)])),
        Kind::Duplicate => Fault::Duplicate(pick(draw, &[(0.05, 1), (0.3, 1), (1.0, 1)])),
        Kind::Reorder => Fault::Reorder(pick(draw, &[(0.05, 1), (0.3, 1), (1.0, 1)])),
        Kind::Slow => Fault::Slow(pick(draw, &[(2.0, 1), (5.0, 1), (20.0, 1)])),
    }
}

/// Each kind comes and goes a few times; what still is in force at the calm ends there.
fn draw_faults(seed: u64, nodes: usize, rough_ms: u64, kinds: &[Kind]) -> FaultPlan {
    let mut events = Vec::new();
    for &kind in kinds {
        let mut draw = Stream::new(seed, &format!("swarm {kind}"));
        for _ in 0..1 + draw.below(4) {
            let from = draw.below(rough_ms);
            let action = Action::Start(draw_fault(&mut draw, kind, nodes));
            events.push(Event { at_ms: from, action });
            if draw.chance(0.8) {
                // Short ones and long ones alike.
                let most = (rough_ms - from) >> draw.below(5);
                let at_ms = from + draw.below(most + 1);
                events.push(Event { at_ms, action: Action::Stop(kind) });
            }
        }
    }
    events.sort_by_key(|event| event.at_ms);
    FaultPlan::new(nodes, events).expect("what is drawn is in range")
}

fn draw_jolts(seed: u64, nodes: usize, rough_ms: u64, crashes: bool, clocks: bool) -> Vec<Jolt> {
    let mut jolts = Vec::new();
    let mut draw = Stream::new(seed, "swarm crash");
    for _ in 0..if crashes { 1 + draw.below(4) } else { 0 } {
        let down_ms = pick(&mut draw, &[(0, 1), (50, 1), (700, 2), (4_000, 2), (20_000, 1)]);
        let (at_ms, node) = (draw.below(rough_ms), draw.below(nodes as u64) as usize);
        jolts.push(Jolt { at_ms, node, what: Jolted::Crash { down_ms } });
    }
    let mut draw = Stream::new(seed, "swarm clock");
    for _ in 0..if clocks { 1 + draw.below(4) } else { 0 } {
        let step_ms = pick(&mut draw, &[(1, 1), (100, 1), (2_000, 2), (60_000, 1), (3_000_000, 1)]);
        let (at_ms, node) = (draw.below(rough_ms), draw.below(nodes as u64) as usize);
        jolts.push(Jolt { at_ms, node, what: Jolted::Clock { step_ms } });
    }
    jolts.sort_by_key(|jolt| jolt.at_ms);
    jolts
}
