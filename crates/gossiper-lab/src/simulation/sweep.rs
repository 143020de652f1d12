//! Many runs, and what they answer together.

use std::sync::atomic::{AtomicUsize, Ordering};

use std::time::Duration;

use gossiper_core::Config;
use serde::Serialize;

use super::results::Results;
use super::scenario::{BROADCASTS_MAX, LoadPlan, NODES_MAX, RATE_HZ_MIN, Scenario, ScenarioError};
use super::trouble::Trouble;
use crate::load::RATE_HZ_MAX;
use crate::network::Latency;
use crate::threads;
use crate::topology::Topology;

/// Most runs of one plan.
pub const RUNS_MAX: usize = 100_000;

/// A question, and the runs that answer it.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// What the plan is to answer.
    pub question: String,
    /// The runs, in the order of their results.
    pub points: Vec<Point>,
}

/// One run of a plan.
#[derive(Clone, Debug)]
pub struct Point {
    /// The name of what goes wrong.
    pub faults: String,
    pub(super) trouble: Trouble,
    pub(super) nodes: usize,
    pub(super) config: Config,
    pub(super) load: LoadPlan,
    pub(super) latency: Latency,
    pub(super) topology: Topology,
    pub(super) settle: Duration,
    pub(super) warmup: Option<Duration>,
    pub(super) seed: u64,
}

/// What is swept besides the size, the protocol and the seed, which the results tell themselves.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Label {
    /// The name of what goes wrong.
    pub faults: String,
    /// How the nodes know each other.
    pub overlay: &'static str,
    /// Peers per random push and round.
    pub fanout: usize,
    /// The time between two rounds.
    pub gossip_interval_ms: f64,
    /// The time between two pushes of hybrid.
    pub pace_ms: f64,
}

/// One run of a plan and what came of it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Answer {
    /// Which run it is.
    #[serde(flatten)]
    pub label: Label,
    /// What came of it.
    #[serde(flatten)]
    pub results: Results,
}

/// The answers as a list in JSON.
pub fn answers_json(answers: &[Answer]) -> String {
    serde_json::to_string_pretty(answers).expect("names, numbers and lists of them are JSON")
}

impl Sweep {
    /// Plays all runs on so many threads, several on one run where there are fewer runs; the
    /// results stand in the order of the runs, whatever the threads do. `on_done` is told, from any
    /// of them, of each run that is over.
    ///
    /// # Errors
    ///
    /// If a run cannot be played.
    pub fn play(
        &self,
        threads: usize,
        on_done: &(dyn Fn() + Sync),
    ) -> Result<Vec<Answer>, ScenarioError> {
        let next = AtomicUsize::new(0);
        let at_once = threads.min(self.points.len()).max(1);
        let work = || {
            let mut done = Vec::new();
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some(point) = self.points.get(place) else { return done };
                done.push((place, point.play(threads / at_once)));
                on_done();
            }
        };
        let mut all: Vec<_> = threads::on_each(at_once, work).into_iter().flatten().collect();
        all.sort_unstable_by_key(|(place, _)| *place);
        all.into_iter().map(|(_, answer)| answer).collect()
    }
}

impl Point {
    /// What the run is to be like.
    ///
    /// # Errors
    ///
    /// If its faults are not for a cluster of this size.
    pub fn scenario(&self) -> Result<Scenario, ScenarioError> {
        Ok(Scenario {
            nodes: self.nodes,
            config: self.config.clone(),
            topology: self.topology,
            latency: self.latency,
            faults: self
                .trouble
                .draw(self.nodes, self.seed)
                .map_err(|error| error.of_faults(&self.faults))?,
            broadcasts: self.load.draw(self.nodes, self.seed),
            settle: self.settle,
            stagger: self.config.gossip_interval,
            warmup: self.warmup,
            seed: self.seed,
        })
    }

    pub(super) fn check(&self) -> Result<(), ScenarioError> {
        let in_range = |key: &'static str, is_in: bool, what: &str| {
            if is_in { Ok(()) } else { Err(ScenarioError::about(key, what)) }
        };
        let load = self.load;
        let rates = RATE_HZ_MIN..=RATE_HZ_MAX;
        in_range("rate", rates.contains(&load.rate_hz), "from 0.001 to 1000000 a second")?;
        let broadcasts = 1..=BROADCASTS_MAX;
        in_range("broadcasts", broadcasts.contains(&load.broadcasts), "from 1 to 1000000")?;
        in_range("fanout", self.config.fanout > 0, "at least 1")?;
        let least = Duration::from_millis(1);
        in_range("gossip_interval", self.config.gossip_interval >= least, "at least 1ms")?;
        in_range("ack_timeout", self.config.ack_timeout >= least, "at least 1ms")?;
        in_range("nodes", (1..=NODES_MAX).contains(&self.nodes), "from 1 to 1000000")?;
        let senders = format!("from 1 to the {} nodes", self.nodes);
        in_range("senders", (1..=self.nodes).contains(&load.senders), &senders)?;
        self.scenario()?.check()
    }

    fn play(&self, threads: usize) -> Result<Answer, ScenarioError> {
        let label = Label {
            faults: self.faults.clone(),
            overlay: if self.config.is_learned() { "learned" } else { "computed" },
            fanout: self.config.fanout,
            gossip_interval_ms: self.config.gossip_interval.as_secs_f64() * 1e3,
            pace_ms: self.config.pace.as_secs_f64() * 1e3,
        };
        Ok(Answer { label, results: super::play_on(threads, self.scenario()?)? })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn any_number_of_threads_gives_the_same_bytes() {
        let plan = "question = \"?\"\nnodes = [3, 10]\nseeds = 4\nbroadcasts = 3\nsettle = \"1s\"\n\
                    [[faults]]\nname = \"lossy\"\nloss = 0.2";
        let sweep = Sweep::from_toml(plan).unwrap();
        let json = |threads| {
            let done = AtomicUsize::new(0);
            let count = || {
                done.fetch_add(1, Ordering::Relaxed);
            };
            let answers = sweep.play(threads, &count).unwrap();
            assert_eq!(done.into_inner(), 2 * 4 * 4);
            let places = answers.iter().zip(&sweep.points);
            assert!(places.into_iter().all(|(answer, point)| {
                (answer.results.nodes, answer.results.seed) == (point.nodes, point.seed)
            }));
            serde_json::to_string(&answers).unwrap()
        };
        let one = json(1);
        assert!(one.starts_with(
            r#"[{"faults":"lossy","overlay":"computed","fanout":2,"gossip_interval_ms":1000.0,"#
        ));
        assert_eq!(one, json(3));
        assert_eq!(one, json(64));
    }

    #[test]
    fn every_plan_of_the_repository_is_one_and_has_its_place_in_the_documentation() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let docs = std::fs::read_to_string(root.join("docs/simulation.md")).unwrap();
        for file in std::fs::read_dir(root.join("plans")).unwrap() {
            let path = file.unwrap().path();
            let sweep = Sweep::from_toml(&std::fs::read_to_string(&path).unwrap());
            let points = sweep.unwrap_or_else(|error| panic!("{}: {error}", path.display())).points;
            for point in points {
                point.scenario().and_then(|it| it.check()).unwrap();
            }
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(docs.contains(&format!("](../plans/{name})")), "{name} is told nowhere");
        }
    }
}
