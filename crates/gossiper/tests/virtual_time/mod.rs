//! A whole run of `gossiper test` in virtual time: the lab drives nodes in memory, which answer in
//! no time. The same seed gives the same run, to the last message.
#![allow(dead_code, unused_imports, reason = "each program uses its own part")]

mod foreign;
mod holdings;
mod member;

use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gossiper_core::{Config, Instant};
use gossiper_lab::fault::{Intensity, Kind, PlanConfig, Target};
use gossiper_lab::in_memory;
use gossiper_lab::load::Workload;
use gossiper_lab::network::{Distribution, Latency};
use gossiper_lab::run::{About, Files, Results, Run, RunConfig};
use gossiper_lab::topology::Topology;

pub(crate) use self::foreign::Knows;
pub(crate) use self::holdings::{expect_agreement, held};
pub(crate) use self::member::{Member, Program};

/// What a run is to be like; the default is the standard test without faults.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) nodes: usize,
    pub(crate) rate_hz: f64,
    pub(crate) distribution: Distribution,
    pub(crate) topology: Topology,
    pub(crate) faults: Vec<Kind>,
    pub(crate) target: Target,
    pub(crate) node: Config,
    /// What the first nodes run; the others run as `node` says.
    pub(crate) programs: Vec<Program>,
    /// How long there are operations, and for how much of that time faults.
    pub(crate) time_limit: Duration,
    pub(crate) faults_until: Duration,
    /// The mean time between a fault's start and its end.
    pub(crate) fault_interval: Duration,
    /// Whether nodes are asked for what they hold as it comes.
    pub(crate) probes: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            nodes: 25,
            rate_hz: 100.0,
            distribution: Distribution::Constant,
            topology: Topology::Grid,
            faults: Vec::new(),
            target: Target::Random,
            node: Config::default(),
            programs: Vec::new(),
            time_limit: Duration::from_secs(20),
            faults_until: Duration::from_secs(20),
            fault_interval: Duration::from_secs(10),
            probes: true,
        }
    }
}

impl Plan {
    pub(crate) fn program(&self, place: usize) -> Program {
        let program = self.programs.get(place).cloned();
        program.unwrap_or_else(|| Program::Ours(self.node.clone()))
    }
}

/// A journal that can be read afterwards.
#[derive(Clone, Default)]
pub(crate) struct Journal(Arc<Mutex<Vec<u8>>>);

impl Journal {
    pub(crate) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl io::Write for Journal {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is left of a run.
pub(crate) struct Played {
    pub(crate) results: Results,
    pub(crate) files: Files,
    pub(crate) net: Vec<u8>,
    /// The nodes as they are at the end, when all are up.
    pub(crate) members: Vec<Member>,
    pub(crate) ended: Instant,
    /// How many times nodes were started.
    pub(crate) starts: u64,
}

/// Plays the plan with this seed.
pub(crate) fn play(plan: &Plan, seed: u64) -> Played {
    let time_limit = plan.time_limit;
    let faults = PlanConfig {
        nodes: plan.nodes,
        kinds: plan.faults.clone(),
        time_limit: plan.faults_until,
        interval: plan.fault_interval,
        target: plan.target,
        intensity: Intensity::default(),
    };
    let config = RunConfig {
        nodes: RunConfig::node_names(Some(plan.nodes)),
        workload: Workload::Broadcast,
        time_limit,
        rate_hz: plan.rate_hz,
        concurrency: plan.nodes,
        latency: Latency { mean_ms: 100, distribution: plan.distribution },
        topology: plan.topology,
        faults: faults.draw(seed).unwrap(),
        availability_min: None,
        seed,
        probes: plan.probes,
        log_net_send: false,
        log_net_recv: false,
    };
    let journal = Journal::default();
    let run = Run::new(config, Box::new(journal.clone())).unwrap();
    let start = |place: usize, starts| Member::new(place, &plan.program(place), seed, starts);
    let hosted = in_memory::play(run, start, &AtomicBool::new(false), &mut |_| {});
    let (results, files) = hosted.run.finish(About::default());
    let members = hosted.nodes.into_iter().flatten().collect();
    let (ended, starts) = (hosted.ended, hosted.starts);
    Played { results, files, net: journal.take(), members, ended, starts }
}
