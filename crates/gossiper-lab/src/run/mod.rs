//! A run: nodes over a network, under load and faults, from the first `init` to the last read.
//!
//! [`Run`] is a state machine. It knows neither what its nodes are nor what time it is: its host
//! starts and ends them as the [`Order`]s say, hands over each line that a node prints, and says
//! when it is. Everything that a run is judged by is gathered here, so that all hosts measure the
//! same.
//!
//! # The course of a run
//!
//! Every node gets `init`, then each worker sends its node `topology`; the **main** phase lasts for
//! the time limit, with operations and faults; the operations under way are waited for
//! (**drain**); all faults end and ten seconds of **quiet** pass; each worker does one **final**
//! read. As Maelstrom does it; the echo workload has neither quiet nor final reads.
//!
//! # What ends a run early
//!
//! A node that ends by itself, does not answer `init` or `topology`, or prints more than the
//! network can hold; and the host, when it is interrupted. What was measured until then is kept.

mod clients;
mod config;
mod faults;
mod journal;
mod message;
mod operations;
mod probes;
mod remarks;
mod results;
mod setup;
#[cfg(test)]
mod tests;
mod transport;

use std::collections::BTreeSet;
use std::fmt;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use gossiper_core::Instant;

use self::clients::{Asked, Clients};
pub use self::config::RunConfig;
use self::journal::Journal;
use self::message::{Kinds, Message};
use self::probes::Probes;
use self::remarks::ErrorReplies;
pub use self::results::{About, Files, Results, ValueLine};
use crate::fault::{Event, FaultState};
use crate::history::History;
use crate::load::{Ask, Load, LoadError, Workload};
use crate::network::{self, Address, Network};
use crate::propagation::{Conditions, Propagation};
use crate::text;
use crate::verdict::{Misconducts, What};

/// How long a client waits for an answer, as in Maelstrom.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a node may take to answer `init` or `topology`, as in Maelstrom.
const SETUP_TIMEOUT: Duration = Duration::from_secs(10);
/// Time between the last heal and the final reads, as in Maelstrom.
pub const QUIET: Duration = Duration::from_secs(10);
/// Bytes of nodes' messages that may be under way. More means that a node floods the network.
const UNDER_WAY_BYTES_MAX: usize = 1 << 30;

/// Longest part shown of a line that a node wrote to stderr, in characters.
const STDERR_LINE_CHARS_MAX: usize = 500;

/// What a host has to do.
#[derive(Clone, Debug)]
pub enum Order {
    /// Start the node, anew if it ran before.
    Start(usize),
    /// Give the node a line on its stdin.
    Write {
        /// The node.
        node: usize,
        /// When the line was to arrive; nothing for the lab's own questions.
        due: Option<Instant>,
        /// The line, without its end.
        line: Arc<[u8]>,
    },
    /// End the node without notice. What it has printed and was not handed over is void.
    Kill(usize),
    /// Make the node stand still, without notice.
    Pause(usize),
    /// Let it go on.
    Resume(usize),
    /// Tell the user what happened.
    Say(String),
}

/// Where a run is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Phase {
    /// Nodes are started and initialised.
    SetUp,
    /// Operations and faults.
    Main,
    /// Waiting for the operations under way.
    Drain,
    /// All faults have ended; the nodes may recover.
    Quiet,
    /// The last reads.
    Final,
    /// Nothing more happens.
    Over,
}

/// When the phases began, on the host's clock.
#[derive(Clone, Copy, Debug, Default)]
struct Phases {
    main: Option<Instant>,
    drain: Option<Instant>,
    quiet: Option<Instant>,
    last_reads: Option<Instant>,
    over: Option<Instant>,
}

/// Why a run ended before its time.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Cut {
    /// The user wanted it.
    Interrupted,
    /// A node has ended by itself or cannot go on; says what happened.
    Crashed(String),
    /// The run cannot go on because of what the nodes did; says what happened.
    Stopped(String),
}

/// A run in progress.
pub struct Run {
    config: RunConfig,
    phase: Phase,
    phases: Phases,
    /// Requests of the set-up that are not answered yet.
    awaited: usize,
    now: Instant,
    network: Network<Message>,
    faults: FaultState,
    /// What happened of the fault plan, with times since the main phase's start.
    applied: Vec<Event>,
    load: Load,
    /// Which workers have an operation under way, and how many.
    is_busy: Vec<bool>,
    busy: usize,
    /// Whether the load knows that no worker is free for the operation that is due.
    is_load_told: bool,
    clients: Clients,
    probes: Probes,
    history: History,
    propagation: Propagation,
    misconducts: Misconducts,
    journal: Journal,
    kinds: Kinds,
    kills: Vec<u32>,
    pauses: Vec<u32>,
    /// How many operations each node has not answered in time, and no fault was the cause.
    unanswered: Vec<u32>,
    errors: ErrorReplies,
    under_way_bytes: usize,
    /// Nodes whose kill the host has not been told of yet.
    voided: BTreeSet<usize>,
    cut: Option<Cut>,
    /// The node that did what cut the run short, if it has not ended.
    blamed: Option<usize>,
    orders: Vec<Order>,
    outcomes: Vec<network::Outcome<Message>>,
}

impl Run {
    /// A run that is about to begin; `journal` takes `net.jsonl`.
    ///
    /// # Errors
    ///
    /// If there can be no such load.
    ///
    /// # Panics
    ///
    /// If there are no nodes, or the plan of faults is for another number of them.
    pub fn new(config: RunConfig, journal: Box<dyn Write + Send>) -> Result<Self, LoadError> {
        let nodes = config.nodes.len();
        assert!(nodes > 0 && nodes == config.faults.nodes(), "{nodes} nodes");
        let mut run = Self {
            phase: Phase::SetUp,
            phases: Phases::default(),
            awaited: 0,
            now: Instant::START,
            network: Network::new(nodes, config.latency, config.seed),
            faults: FaultState::new(config.faults.clone()),
            applied: Vec::new(),
            load: Load::new(config.load(), config.seed)?,
            is_busy: vec![false; config.concurrency],
            busy: 0,
            is_load_told: false,
            // Besides the workers, one that sets up and one that probes.
            clients: Clients::new(config.concurrency + 2),
            probes: Probes::new(nodes, config.probes && config.workload == Workload::Broadcast),
            history: History::new(config.nodes.clone()),
            propagation: Propagation::new(Conditions::new(
                nodes as u32,
                config.mean_latency(1.0, 0.0),
            )),
            misconducts: Misconducts::default(),
            journal: Journal::new(config.nodes.clone(), journal),
            kinds: Kinds::default(),
            kills: vec![0; nodes],
            pauses: vec![0; nodes],
            unanswered: vec![0; nodes],
            errors: ErrorReplies::default(),
            under_way_bytes: 0,
            voided: BTreeSet::new(),
            cut: None,
            blamed: None,
            orders: Vec::new(),
            outcomes: Vec::new(),
            config,
        };
        run.set_up();
        Ok(run)
    }

    /// What the run is like.
    pub fn config(&self) -> &RunConfig {
        &self.config
    }

    /// Where the run is.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// When the main phase began; nothing during the set-up.
    pub fn main_since(&self) -> Option<Instant> {
        self.phases.main
    }

    /// The operations so far.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Messages between nodes so far.
    pub fn messages(&self) -> u64 {
        self.journal.servers.messages
    }

    /// What the nodes did wrong so far.
    pub fn misconducts(&self) -> &Misconducts {
        &self.misconducts
    }

    /// Of each node, how many operations it has not answered in time when no fault was the cause.
    pub fn unanswered(&self) -> &[u32] {
        &self.unanswered
    }

    /// Takes what the host has to do, in order.
    pub fn take_orders(&mut self, orders: &mut Vec<Order>) {
        orders.append(&mut self.orders);
        self.voided.clear();
    }

    /// When [`Self::advance`] has something to do next; nothing when the run is over.
    pub fn next_event(&self) -> Option<Instant> {
        if self.phase == Phase::Over {
            return None;
        }
        self.next_operation().into_iter().chain(self.next_step()).min()
    }

    /// When something happens next that is no operation's beginning.
    fn next_step(&self) -> Option<Instant> {
        let next = [
            self.network.next_event(),
            self.next_fault(),
            self.clients.next_deadline(),
            self.probes.next_due(),
            self.next_phase(),
        ];
        next.into_iter().flatten().min().filter(|_| self.phase != Phase::Over)
    }

    /// Makes everything happen that is due until `now`.
    ///
    /// # Panics
    ///
    /// Here and below: if `now` is earlier than in a call before, or a node does not exist.
    pub fn advance(&mut self, now: Instant) {
        assert!(now >= self.now, "time went back from {:?} to {now:?}", self.now);
        self.step_until(now);
        // A client asks when it does, not when it was to: a host that is late must not make values
        // older than they are.
        while self.next_operation().is_some_and(|at| at <= now) {
            self.begin_operation();
        }
        self.step_until(now);
    }

    /// A node has ended by itself; `status` says how. What it printed before must have been handed
    /// over, and `stderr` are its last lines there.
    pub fn on_exit(&mut self, now: Instant, node: usize, status: &str, stderr: &str) {
        self.advance(now);
        if self.phase == Phase::Over {
            return;
        }
        self.note(node, What::Exited { status: status.to_owned() });
        let name = &self.config.nodes[node];
        self.end(Cut::Crashed(format!("{name} ended by itself ({status}).{}", last_lines(stderr))));
    }

    /// The host cannot go on with a node; `cause` is a sentence.
    pub fn on_failure(&mut self, now: Instant, node: usize, cause: String) {
        self.advance(now);
        self.end_because_of(node, Cut::Stopped(cause));
    }

    /// The node that did what cut the run short and has not ended by itself, if there is one.
    pub fn blamed(&self) -> Option<usize> {
        self.blamed
    }

    /// The last lines that the node of [`Self::blamed`] wrote to stderr, when the run is over.
    pub fn on_last_lines(&mut self, stderr: &str) {
        if let Some(Cut::Crashed(cause) | Cut::Stopped(cause)) = &mut self.cut {
            cause.push_str(&last_lines(stderr));
        }
    }

    /// The user has had enough.
    pub fn interrupt(&mut self, now: Instant) {
        self.advance(now);
        self.end(Cut::Interrupted);
    }

    fn end_because_of(&mut self, node: usize, cut: Cut) {
        if self.phase != Phase::Over {
            self.blamed = Some(node);
        }
        self.end(cut);
    }

    fn end(&mut self, cut: Cut) {
        if self.phase != Phase::Over {
            self.cut = Some(cut);
            self.enter(Phase::Over);
        }
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        let phases = &mut self.phases;
        let since = match phase {
            Phase::SetUp => return,
            Phase::Main => &mut phases.main,
            Phase::Drain => &mut phases.drain,
            Phase::Quiet => &mut phases.quiet,
            Phase::Final => &mut phases.last_reads,
            Phase::Over => &mut phases.over,
        };
        *since = Some(self.now);
    }

    /// A moment on the run's own clock, which begins with the main phase.
    fn since_start(&self, at: Instant) -> Instant {
        let start = self.phases.main.unwrap_or(at);
        Instant(at.0.saturating_sub(start.0))
    }

    fn next_phase(&self) -> Option<Instant> {
        match self.phase {
            Phase::Main => self.phases.main.map(|start| start + self.config.time_limit),
            Phase::Drain | Phase::Final => (self.busy == 0).then_some(self.now),
            Phase::Quiet => self.phases.quiet.map(|start| start + QUIET),
            Phase::SetUp | Phase::Over => None,
        }
    }

    /// Plays the network, the faults and the rest. What was due earlier happens as of then,
    /// whenever the host comes to it.
    fn step_until(&mut self, now: Instant) {
        while let Some(at) = self.next_step().filter(|&at| at <= now) {
            self.now = self.now.max(at);
            self.step();
        }
        self.now = now;
    }

    fn step(&mut self) {
        if self.next_phase().is_some_and(|at| at <= self.now) {
            self.change_phase();
        }
        if self.next_fault().is_some_and(|at| at <= self.now) {
            self.apply_faults();
        }
        self.move_messages();
        while let Some(request) = self.clients.expire(self.now) {
            self.on_expired(request);
        }
        while let Some(node) = self.probes.take_due(self.now) {
            let request = self.request(self.prober(), node, "read", "", Asked::Probe);
            // It goes around the network, whose input thread it must not occupy.
            self.orders.push(Order::Write { node, due: None, line: request.line });
        }
    }

    fn change_phase(&mut self) {
        match self.phase {
            Phase::Main => self.enter(Phase::Drain),
            Phase::Drain => {
                self.heal();
                match self.config.workload {
                    Workload::Broadcast => self.enter(Phase::Quiet),
                    Workload::Echo => self.enter(Phase::Over),
                }
            }
            Phase::Quiet => {
                self.enter(Phase::Final);
                for worker in 0..self.config.concurrency {
                    self.invoke(worker, Ask::Read);
                }
            }
            Phase::Final => self.enter(Phase::Over),
            Phase::SetUp | Phase::Over => {}
        }
    }

    fn note(&mut self, node: usize, what: What) {
        if let Some(first) = self.misconducts.note(&self.config.nodes[node], what) {
            self.orders.push(Order::Say(first.to_string()));
        }
    }

    /// The client that sets up.
    fn steward(&self) -> usize {
        self.config.concurrency
    }

    /// The client that probes.
    fn prober(&self) -> usize {
        self.config.concurrency + 1
    }
}

/// Where it stands; the rest is in the results.
impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (phase, now, cut) = (self.phase, self.now, &self.cut);
        f.debug_struct("Run").field("phase", &phase).field("now", &now).field("cut", cut).finish()
    }
}

fn last_lines(stderr: &str) -> String {
    let text = stderr.trim_end();
    if text.is_empty() {
        return " It wrote nothing to stderr.".into();
    }
    let lines = text.lines().map(|line| format!("\n{}", text::cut(line, STDERR_LINE_CHARS_MAX)));
    format!(" Its last lines of stderr:{}", lines.collect::<String>())
}
