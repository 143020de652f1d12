//! Plans: a question, and the runs that answer it.
//!
//! A plan is a TOML file. Every key but `question` and `nodes` may be left out, and has then the
//! value that stands here. Keys with a list are swept: each value is played with each of the
//! others, in the order in which the keys stand here, the last one changing fastest. Only hybrid is
//! played on several overlays.
//!
//! ```toml
//! question = "What does a crashed hub cost?"
//! broadcasts = 20          # values in each run
//! rate = 10.0              # of them a second
//! senders = 25             # nodes that broadcast; all, unless told
//! latency = "10..50"       # ms: a range, or a mean
//! # latency_dist = "constant"   around a mean; also uniform, exponential
//! topology = "grid"
//! ack_timeout = "500ms"
//! settle = "10s"
//! # warmup = "30s"         before the first broadcast; none on a computed overlay
//! nodes = [25, 100]
//! fanout = [2]
//! gossip_interval = ["1s"]
//! pace = ["100ms"]
//! strategy = ["flood", "tree", "gossip", "hybrid"]
//! overlay = ["auto"]       # how hybrid's nodes know each other: auto; or computed, learned
//! seeds = [1, 2, 3]        # or how many, from 1 on; 1 of them, unless told
//!
//! [[faults]]               # one set after the other, before everything else; none, unless told
//! name = "hub"
//! loss = 0.0
//! crash = "hub@1s"
//! partition = "majority@1s..5s"
//! ```

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use gossiper_core::{Config, Strategy};
use serde::Deserialize;

use super::idle::idle_setting;
use super::overlay::Overlay;
use super::plan_text::{expect_no_lists, placed};
use super::results::strategy_name;
use super::scenario::{LoadPlan, ScenarioError};
use super::sweep::{Point, RUNS_MAX, Sweep};
use super::trouble::{Trouble, share};
use crate::network::Latency;
use crate::topology::Topology;

/// The file as it stands.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    question: Option<String>,
    nodes: Numbers,
    #[serde(default = "twenty")]
    broadcasts: usize,
    #[serde(default = "ten")]
    rate: f64,
    senders: Option<usize>,
    latency: Option<Text>,
    latency_dist: Option<Text>,
    topology: Option<Text>,
    ack_timeout: Option<Text>,
    warmup: Option<Text>,
    settle: Option<Text>,
    fanout: Option<Numbers>,
    gossip_interval: Option<Many<Text>>,
    pace: Option<Many<Text>>,
    strategy: Option<Many<Text>>,
    overlay: Option<Many<Text>>,
    seeds: Option<Seeds>,
    #[serde(default)]
    faults: Vec<Faults>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Faults {
    name: String,
    loss: Option<Share>,
    crash: Option<Text>,
    partition: Option<Text>,
}

/// One value, or a list of them.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a text in quotes, or a list of them in []")]
enum Many<T> {
    One(T),
    List(Vec<T>),
}

/// The same for numbers.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a whole number, or a list of them in []")]
enum Numbers {
    One(usize),
    List(Vec<usize>),
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "how many seeds, or a list of them, such as [1, 2, 3]")]
enum Seeds {
    Count(u64),
    List(Vec<u64>),
}

/// A text, which a number may be written as.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a text in quotes, or a whole number")]
enum Text {
    Text(String),
    Number(u64),
}

/// A share of one, which may be written as a percentage.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a probability from 0 to 1, such as 0.02 or \"2%\"")]
enum Share {
    Number(f64),
    Text(String),
}

fn twenty() -> usize {
    20
}

fn ten() -> f64 {
    10.0
}

impl<T> Many<T> {
    fn list(self) -> Vec<T> {
        match self {
            Self::One(one) => vec![one],
            Self::List(list) => list,
        }
    }
}

impl From<Numbers> for Many<usize> {
    fn from(numbers: Numbers) -> Self {
        match numbers {
            Numbers::One(one) => Self::One(one),
            Numbers::List(list) => Self::List(list),
        }
    }
}

impl Text {
    /// Reads the value of `key`.
    fn read<T: FromStr<Err: Display>>(&self, key: &'static str) -> Result<T, ScenarioError> {
        let parsed = match self {
            Self::Text(text) => text.parse(),
            Self::Number(number) => number.to_string().parse(),
        };
        parsed.map_err(|error| ScenarioError::about(key, error))
    }

    fn read_time(&self, key: &'static str) -> Result<Duration, ScenarioError> {
        let time = self.read::<humantime::Duration>(key).map(Into::into);
        time.map_err(|_| ScenarioError::about(key, "write a time with its unit, such as \"500ms\""))
    }
}

/// The value of a key, or what it is unless told.
fn or<T, R>(
    told: Option<&T>,
    usual: R,
    read: impl Fn(&T) -> Result<R, ScenarioError>,
) -> Result<R, ScenarioError> {
    told.map_or(Ok(usual), read)
}

/// The values of a key that is swept, or what it is unless told.
fn swept<T, R: PartialEq>(
    key: &'static str,
    told: Option<Many<T>>,
    usual: Vec<R>,
    read: impl Fn(&T) -> Result<R, ScenarioError>,
) -> Result<Vec<R>, ScenarioError> {
    let Some(told) = told else { return Ok(usual) };
    let list: Vec<R> = told.list().iter().map(read).collect::<Result<_, _>>()?;
    if list.is_empty() {
        return Err(ScenarioError::about(key, "the list is empty"));
    }
    if let Some((first, second)) = same(&list, |one, other| one == other) {
        let problem = format!("values {first} and {second} of the list are the same");
        return Err(ScenarioError::about(key, problem));
    }
    Ok(list)
}

/// The first two of a list that are the same, counted from 1.
fn same<T>(list: &[T], is_same: impl Fn(&T, &T) -> bool) -> Option<(usize, usize)> {
    list.iter().enumerate().find_map(|(second, other)| {
        let first = list[..second].iter().position(|one| is_same(one, other))?;
        Some((first + 1, second + 1))
    })
}

/// Each point with each of the values.
fn each<T>(points: Vec<Point>, values: &[T], set: impl Fn(&mut Point, &T)) -> Vec<Point> {
    let with = |point: &Point, value: &T| {
        let mut point = point.clone();
        set(&mut point, value);
        point
    };
    points.iter().flat_map(|point| values.iter().map(move |value| with(point, value))).collect()
}

impl Sweep {
    /// Reads a plan.
    ///
    /// # Errors
    ///
    /// If it is no TOML, has a key or a value that it may not have, or runs that cannot be played
    /// or are more than [`RUNS_MAX`]. Says which, and where it stands.
    pub fn from_toml(text: &str) -> Result<Self, ScenarioError> {
        Self::read(text).map_err(|error| placed(error, text))
    }

    fn read(text: &str) -> Result<Self, ScenarioError> {
        expect_no_lists(text)?;
        let file: File = toml::from_str(text)
            .map_err(|error| ScenarioError::new(error.to_string().trim_end().to_owned()))?;
        let question = file.question.ok_or_else(|| {
            let problem =
                "it is missing: say what the runs are to answer, as the head of their table";
            ScenarioError::about("question", problem)
        })?;
        let usual = Config::default();
        let given = [
            ("topology", file.topology.is_some()),
            ("warmup", file.warmup.is_some()),
            ("fanout", file.fanout.is_some()),
            ("gossip_interval", file.gossip_interval.is_some()),
            ("ack_timeout", file.ack_timeout.is_some()),
            ("pace", file.pace.is_some()),
        ];
        let latency = or(file.latency.as_ref(), Latency::range(10, 50), |t| t.read("latency"))?;
        let latency = or(file.latency_dist.as_ref(), latency, |text| {
            let shaped = latency.shaped(text.read("latency_dist")?);
            let hint = match file.latency {
                Some(_) => "",
                None => "; that is the latency unless told: add a mean such as latency = 30",
            };
            shaped.map_err(|it| ScenarioError::about("latency_dist", format!("{it}{hint}")))
        })?;
        let topology = or(file.topology.as_ref(), Topology::Grid, |text| text.read("topology"))?;
        let ack_timeout =
            or(file.ack_timeout.as_ref(), usual.ack_timeout, |text| text.read_time("ack_timeout"))?;
        let settle =
            or(file.settle.as_ref(), Duration::from_secs(10), |text| text.read_time("settle"))?;
        let warmup = or(file.warmup.as_ref(), None, |text| text.read_time("warmup").map(Some))?;
        let fanouts =
            swept("fanout", file.fanout.map(Into::into), vec![usual.fanout], |&fanout| Ok(fanout))?;
        let intervals =
            swept("gossip_interval", file.gossip_interval, vec![usual.gossip_interval], |text| {
                text.read_time("gossip_interval")
            })?;
        let paces = swept("pace", file.pace, vec![usual.pace], |text| text.read_time("pace"))?;
        let strategies = swept("strategy", file.strategy, ALL.to_vec(), strategy)?;
        let overlays =
            swept("overlay", file.overlay, vec![Overlay::Auto], |text| text.read("overlay"))?;
        let nodes = swept("nodes", Some(file.nodes.into()), Vec::new(), |&nodes| Ok(nodes))?;
        if overlays.len() > 1 && overlays.contains(&Overlay::Auto) {
            let problem = "auto is one of the others, by the number of nodes: take it alone";
            return Err(ScenarioError::about("overlay", problem));
        }
        let seeds = match file.seeds {
            Some(Seeds::Count(count)) if count > RUNS_MAX as u64 => {
                return Err(too_many(count as usize));
            }
            Some(Seeds::Count(0)) => return Err(ScenarioError::about("seeds", "at least 1")),
            Some(Seeds::Count(count)) => (1..=count).collect(),
            Some(Seeds::List(list)) => {
                swept("seeds", Some(Many::List(list)), Vec::new(), |&seed| Ok(seed))?
            }
            None => vec![1],
        };
        let troubles = troubles(&file.faults)?;
        let others = strategies.iter().filter(|&&strategy| strategy != Strategy::Hybrid).count();
        let axes = [
            nodes.len(),
            fanouts.len(),
            intervals.len(),
            paces.len(),
            others + (strategies.len() - others) * overlays.len(),
            seeds.len(),
        ];
        let runs = axes.iter().fold(troubles.len(), |runs, axis| runs.saturating_mul(*axis));
        if runs > RUNS_MAX {
            return Err(too_many(runs));
        }
        let first = Point {
            faults: String::new(),
            trouble: Trouble::default(),
            nodes: 0,
            config: Config { ack_timeout, ..usual },
            load: LoadPlan { broadcasts: file.broadcasts, rate_hz: file.rate, senders: 0 },
            latency,
            topology,
            settle,
            warmup,
            seed: 0,
        };
        let mut points = each(vec![first], &troubles, |point, (name, trouble)| {
            point.faults.clone_from(name);
            point.trouble = *trouble;
        });
        points = each(points, &nodes, |point, &nodes| {
            point.nodes = nodes;
            point.load.senders = file.senders.unwrap_or(nodes);
        });
        points = each(points, &fanouts, |point, &fanout| point.config.fanout = fanout);
        points = each(points, &intervals, |point, &time| point.config.gossip_interval = time);
        points = each(points, &paces, |point, &pace| point.config.pace = pace);
        points = each(points, &strategies, |point, &strategy| point.config.strategy = strategy);
        let pick = |point: &mut Point, overlay: &Overlay| {
            point.config.overlay = overlay.pick(point.nodes);
        };
        let with_overlays = |point: Point| {
            // The others have none to choose.
            let is_hybrid = point.config.strategy == Strategy::Hybrid;
            each(vec![point], if is_hybrid { &overlays } else { &overlays[..1] }, pick)
        };
        points = points.into_iter().flat_map(with_overlays).collect();
        points = each(points, &seeds, |point, &seed| point.seed = seed);
        points.iter().try_for_each(Point::check)?;
        let chosen = ("overlay", overlays.iter().any(|&it| it != Overlay::Auto));
        let configs = points.iter().map(|point| &point.config);
        if let Some((key, why)) = idle_setting(&[&[chosen], &given[..]].concat(), configs, topology)
        {
            return Err(ScenarioError::about(key, format!("it changes nothing here: {why}")));
        }
        Ok(Self { question, points })
    }
}

const ALL: [Strategy; 4] = [Strategy::Flood, Strategy::Tree, Strategy::Gossip, Strategy::Hybrid];

fn strategy(text: &Text) -> Result<Strategy, ScenarioError> {
    let name: String = text.read("strategy")?;
    ALL.into_iter().find(|&each| strategy_name(each) == name).ok_or_else(|| {
        let hint = if name == "all" { ": leave strategy out to play all of them" } else { "" };
        let problem = format!("{name:?} is not flood, tree, gossip or hybrid{hint}");
        ScenarioError::about("strategy", problem)
    })
}

fn troubles(faults: &[Faults]) -> Result<Vec<(String, Trouble)>, ScenarioError> {
    if faults.is_empty() {
        return Ok(vec![("none".into(), Trouble::default())]);
    }
    if let Some((first, second)) = same(faults, |one, other| one.name == other.name) {
        let problem = format!("sets {first} and {second} of faults have the same name");
        return Err(ScenarioError::about("name", problem).of_faults(&faults[first - 1].name));
    }
    let read = |fault: &Faults| {
        let loss = match &fault.loss {
            None => 0.0,
            Some(Share::Number(loss)) => *loss,
            Some(Share::Text(text)) => share(text).ok_or_else(|| {
                let accepted = "write a probability from 0 to 1, such as 0.02 or \"2%\"";
                ScenarioError::about("loss", accepted)
            })?,
        };
        let crash = fault.crash.as_ref().map(|text| text.read("crash")).transpose()?;
        let partition = fault.partition.as_ref();
        let partition = partition.map(|text| text.read("partition")).transpose()?;
        Ok(Trouble { loss, crash, partition })
    };
    let trouble = |fault: &Faults| {
        let read = read(fault).map_err(|error: ScenarioError| error.of_faults(&fault.name));
        Ok((fault.name.clone(), read?))
    };
    faults.iter().map(trouble).collect()
}

fn too_many(runs: usize) -> ScenarioError {
    ScenarioError::new(format!("the plan has {runs} runs, and {RUNS_MAX} are the most"))
}

#[cfg(test)]
mod tests;
