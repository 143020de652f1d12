//! A scenario as JSON, and back: what a failure leaves to be played again.

use std::collections::BTreeMap;
use std::time::Duration;

use gossiper_core::{Config, Mechanism, OverlayKind, Strategy};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::scenario::{Broadcast, Jolt, Jolted, NODES_MAX, Scenario, ScenarioError};
use crate::fault::FaultPlan;
use crate::network::{Distribution, Latency};
use crate::simulation::strategy_name;

/// Longest text of a scenario, in bytes.
const TEXT_BYTES_MAX: usize = 64 << 20;

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Written {
    seed: u64,
    nodes: usize,
    topology: String,
    latency: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    latency_dist: Option<String>,
    settings: Settings,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    other_settings: BTreeMap<usize, Settings>,
    broadcasts: Vec<Given>,
    /// In the format of the plans of faults.
    faults: Vec<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    jolts: Vec<WrittenJolt>,
    calm_at_ms: u64,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    strategy: String,
    pace_ms: u64,
    fanout: usize,
    gossip_interval_ms: u64,
    ack_timeout_ms: u64,
    awaited_max: usize,
    /// Of nodes with partial views.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    views: Option<Views>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    without: Vec<String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Views {
    active: usize,
    passive: usize,
    shuffle_interval_ms: u64,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Given {
    at_ms: u64,
    node: usize,
    value: usize,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct WrittenJolt {
    at_ms: u64,
    node: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    down_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    clock_step_ms: Option<u64>,
}

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    ///
    /// If the text is not one, or what it says cannot be played.
    pub fn from_json(text: &str) -> Result<Self, ScenarioError> {
        read(text).map_err(ScenarioError).and_then(|scenario| {
            scenario.check()?;
            Ok(scenario)
        })
    }

    /// The scenario as text. [`Self::from_json`] gives the same one.
    pub fn to_json(&self) -> String {
        let raw = |line: &str| RawValue::from_string(line.to_owned());
        let faults = self.faults.to_json();
        let (latency, around) = self.latency.spelled();
        let latency_dist = around.filter(|&it| it != Distribution::Constant);
        let given = |it: &Broadcast| Given { at_ms: it.at_ms, node: it.node, value: it.value };
        let written = Written {
            seed: self.seed,
            nodes: self.nodes,
            topology: self.topology.to_string(),
            latency,
            latency_dist: latency_dist.map(|it| it.to_string()),
            settings: Settings::of(&self.config),
            other_settings: self.odd.iter().map(|(&node, it)| (node, Settings::of(it))).collect(),
            broadcasts: self.broadcasts.iter().map(given).collect(),
            // Each line is an event's JSON.
            faults: faults.lines().filter_map(|line| raw(line).ok()).collect(),
            jolts: self.jolts.iter().map(WrittenJolt::of).collect(),
            calm_at_ms: self.calm_at_ms,
        };
        serde_json::to_string(&written).expect("numbers, names and lists of them are JSON")
    }
}

fn read(text: &str) -> Result<Scenario, String> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(format!("{} bytes are too long", text.len()));
    }
    let written: Written = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if written.nodes > NODES_MAX {
        return Err(format!("{} nodes are more than {NODES_MAX}", written.nodes));
    }
    let latency: Latency = written.latency.parse()?;
    let latency = match written.latency_dist {
        Some(name) => latency.shaped(name.parse()?).map_err(|it| format!("latency_dist: {it}"))?,
        None => latency,
    };
    let events: Vec<&str> = written.faults.iter().map(|event| event.get()).collect();
    let faults = FaultPlan::from_json(&format!("[{}]", events.join(",")), written.nodes);
    let odd = written.other_settings.into_iter();
    let odd = odd.map(|(node, settings)| Ok((node, settings.config()?)));
    let broadcast = |it: Given| Broadcast { at_ms: it.at_ms, node: it.node, value: it.value };
    Ok(Scenario {
        seed: written.seed,
        nodes: written.nodes,
        topology: written.topology.parse()?,
        latency,
        config: written.settings.config()?,
        odd: odd.collect::<Result<_, String>>()?,
        broadcasts: written.broadcasts.into_iter().map(broadcast).collect(),
        faults: faults.map_err(|error| error.to_string())?,
        jolts: written.jolts.into_iter().map(WrittenJolt::jolt).collect::<Result<_, _>>()?,
        calm_at_ms: written.calm_at_ms,
    })
}

impl Settings {
    fn of(config: &Config) -> Self {
        let views = Views {
            active: config.active_view,
            passive: config.passive_view,
            shuffle_interval_ms: config.shuffle_interval.as_millis() as u64,
        };
        Self {
            strategy: strategy_name(config.strategy).into(),
            pace_ms: config.pace.as_millis() as u64,
            fanout: config.fanout,
            gossip_interval_ms: config.gossip_interval.as_millis() as u64,
            ack_timeout_ms: config.ack_timeout.as_millis() as u64,
            awaited_max: config.awaited_max,
            views: config.is_learned().then_some(views),
            without: config.without.iter().map(|mechanism| mechanism.to_string()).collect(),
        }
    }

    fn config(self) -> Result<Config, String> {
        let all = [Strategy::Flood, Strategy::Tree, Strategy::Gossip, Strategy::Hybrid];
        let strategy = all.into_iter().find(|&it| strategy_name(it) == self.strategy);
        let without = self.without.iter().map(|name| name.parse::<Mechanism>());
        let mut config = Config {
            strategy: strategy.ok_or_else(|| format!("no strategy is {:?}", self.strategy))?,
            fanout: self.fanout,
            gossip_interval: Duration::from_millis(self.gossip_interval_ms),
            ack_timeout: Duration::from_millis(self.ack_timeout_ms),
            pace: Duration::from_millis(self.pace_ms),
            without: without.collect::<Result<_, _>>().map_err(|error| error.to_string())?,
            awaited_max: self.awaited_max,
            ..Config::default()
        };
        if let Some(views) = self.views {
            config.overlay = OverlayKind::Learned;
            config.active_view = views.active;
            config.passive_view = views.passive;
            config.shuffle_interval = Duration::from_millis(views.shuffle_interval_ms);
        }
        Ok(config)
    }
}

impl WrittenJolt {
    fn of(jolt: &Jolt) -> Self {
        let (down_ms, clock_step_ms) = match jolt.what {
            Jolted::Crash { down_ms } => (Some(down_ms), None),
            Jolted::Clock { step_ms } => (None, Some(step_ms)),
        };
        Self { at_ms: jolt.at_ms, node: jolt.node, down_ms, clock_step_ms }
    }

    fn jolt(self) -> Result<Jolt, String> {
        let what = match (self.down_ms, self.clock_step_ms) {
            (Some(down_ms), None) => Jolted::Crash { down_ms },
            (None, Some(step_ms)) => Jolted::Clock { step_ms },
            _ => return Err("a jolt has either `down_ms` or `clock_step_ms`".into()),
        };
        Ok(Jolt { at_ms: self.at_ms, node: self.node, what })
    }
}
