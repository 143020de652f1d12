//! A whole run of `gossiper test` in virtual time: the lab drives nodes in memory, which answer in
//! no time. The same seed gives the same run, to the last message.
#![allow(dead_code, unused_imports, reason = "each program uses its own part")]

mod foreign;
mod holdings;
mod member;

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gossiper_core::{Config, Instant};
use gossiper_lab::fault::{Intensity, Kind, PlanConfig, Target};
use gossiper_lab::load::Workload;
use gossiper_lab::network::{Distribution, Latency};
use gossiper_lab::run::{About, Files, Order, Phase, Results, Run, RunConfig};
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
    let mut cluster = Cluster { run, nodes: Vec::new(), plan: plan.clone(), seed, starts: 0 };
    cluster.nodes.resize_with(plan.nodes, Slot::default);
    let ended = cluster.play();
    let (results, files) = cluster.run.finish(About::default());
    let members = cluster.nodes.into_iter().filter_map(|slot| slot.member).collect();
    Played { results, files, net: journal.take(), members, ended, starts: cluster.starts }
}

#[derive(Default)]
struct Slot {
    member: Option<Member>,
    is_paused: bool,
    /// What has come while it stood still.
    held: Vec<Arc<[u8]>>,
}

struct Cluster {
    run: Run,
    nodes: Vec<Slot>,
    plan: Plan,
    seed: u64,
    starts: u64,
}

impl Cluster {
    /// Gives the moment at which it is over.
    fn play(&mut self) -> Instant {
        let mut now = Instant::START;
        while self.run.phase() != Phase::Over {
            self.carry_out(now);
            let wakeups = self.nodes.iter().filter(|slot| !slot.is_paused);
            let wakeups = wakeups.filter_map(|slot| slot.member.as_ref()?.next_wakeup());
            let Some(next) = wakeups.chain(self.run.next_event()).min() else { break };
            now = now.max(next);
            self.run.advance(now);
            self.carry_out(now);
            for place in 0..self.nodes.len() {
                self.wake(now, place);
            }
        }
        now
    }

    fn carry_out(&mut self, now: Instant) {
        let mut orders = Vec::new();
        self.run.take_orders(&mut orders);
        while !orders.is_empty() {
            for order in orders.drain(..) {
                match order {
                    Order::Start(place) => self.start(place),
                    Order::Kill(place) => self.nodes[place] = Slot::default(),
                    Order::Write { node, line, .. } if self.nodes[node].is_paused => {
                        self.nodes[node].held.push(line);
                    }
                    Order::Write { node, line, .. } => self.on_line(now, node, &line),
                    Order::Pause(place) => self.nodes[place].is_paused = true,
                    Order::Resume(place) => {
                        self.nodes[place].is_paused = false;
                        for line in std::mem::take(&mut self.nodes[place].held) {
                            self.on_line(now, place, &line);
                        }
                    }
                    Order::Say(_) => {}
                }
            }
            self.run.take_orders(&mut orders);
        }
    }

    fn start(&mut self, place: usize) {
        self.starts += 1;
        let member = Member::new(place, &self.plan.program(place), self.seed, self.starts);
        self.nodes[place] = Slot { member: Some(member), ..Slot::default() };
    }

    fn on_line(&mut self, now: Instant, place: usize, line: &[u8]) {
        self.act(now, place, |member, out| member.on_line(now, line, out));
        self.wake(now, place);
    }

    /// Lets a node do all that is due.
    fn wake(&mut self, now: Instant, place: usize) {
        let is_due = |slot: &Slot| {
            let due = slot.member.as_ref().and_then(Member::next_wakeup);
            !slot.is_paused && due.is_some_and(|due| due <= now)
        };
        for _ in 0..1_000 {
            if !is_due(&self.nodes[place]) {
                return;
            }
            self.act(now, place, |member, out| member.on_wakeup(now, out));
        }
        panic!("node {place} wants to be woken without end");
    }

    fn act(&mut self, now: Instant, place: usize, act: impl FnOnce(&mut Member, &mut Vec<u8>)) {
        let mut out = Vec::new();
        let Some(member) = &mut self.nodes[place].member else { return };
        act(member, &mut out);
        for line in out.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            self.run.on_line(now, place, line);
        }
    }
}
