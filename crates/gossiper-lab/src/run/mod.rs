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
//! A node that ends by itself, does not answer `init` or `topology`, or prints more than the network
//! can hold; and the host, when it is interrupted. What was measured until then is kept.

mod clients;
mod config;
mod journal;
mod message;
mod probes;
mod results;
mod setup;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use gossiper_core::Instant;

use self::clients::{Answered, Asked, Clients, Request};
pub use self::config::RunConfig;
use self::journal::{Fate, Journal};
use self::message::{Kinds, Message, Parsed};
use self::probes::Probes;
pub use self::results::{About, Files, Results};
use crate::fault::{Change, Event, FaultState};
use crate::history::{Call, History, Outcome, Refusal};
use crate::load::{Ask, Load, LoadError, Workload};
use crate::network::{self, Address, Conditions as _, DropReason, Network};
use crate::propagation::{Conditions, Propagation};
use crate::verdict::{Misconducts, What};

/// How long a client waits for an answer, as in Maelstrom.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a node may take to answer `init` or `topology`, as in Maelstrom.
const SETUP_TIMEOUT: Duration = Duration::from_secs(10);
/// Time between the last heal and the final reads, as in Maelstrom.
pub const QUIET: Duration = Duration::from_secs(10);
/// Bytes of nodes' messages that may be under way. More means that a node floods the network.
const UNDER_WAY_BYTES_MAX: usize = 1 << 30;

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
pub enum Cut {
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
    under_way_bytes: usize,
    cut: Option<Cut>,
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
            under_way_bytes: 0,
            cut: None,
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

    /// Takes what the host has to do, in order.
    pub fn take_orders(&mut self, orders: &mut Vec<Order>) {
        orders.append(&mut self.orders);
    }

    /// When [`Self::advance`] has something to do next; nothing when the run is over.
    pub fn next_event(&self) -> Option<Instant> {
        if self.phase == Phase::Over {
            return None;
        }
        let next = [
            self.network.next_event(),
            self.next_fault(),
            self.next_operation(),
            self.clients.next_deadline(),
            self.probes.next_due(),
            self.next_phase(),
        ];
        next.into_iter().flatten().min()
    }

    /// Makes everything happen that is due until `now`.
    ///
    /// # Panics
    ///
    /// Here and below: if `now` is earlier than in a call before, or a node does not exist.
    pub fn advance(&mut self, now: Instant) {
        assert!(now >= self.now, "time went back from {:?} to {now:?}", self.now);
        while let Some(at) = self.next_event().filter(|&at| at <= now) {
            // What was due earlier happens as of then, whenever the host comes to it.
            self.now = self.now.max(at);
            self.step();
        }
        self.now = now;
    }

    /// A node has printed a line, given without its end.
    pub fn on_line(&mut self, now: Instant, node: usize, line: &[u8]) {
        self.advance(now);
        if self.phase == Phase::Over {
            return;
        }
        let Some(parsed) = Parsed::of(line) else {
            let line = String::from_utf8_lossy(line).into_owned();
            self.note(node, What::NotJson { line });
            return;
        };
        if parsed.src != self.config.nodes[node].as_str() {
            let src = parsed.src.into_owned();
            self.note(node, What::FalseSource { src });
            return;
        }
        let Some(to) = self.config.address(&parsed.dest, self.clients.len()) else {
            let dest = parsed.dest.into_owned();
            self.note(node, What::ToNobody { dest });
            return;
        };
        let (from, kind) = (Address::Node(node), self.kinds.of(&parsed.kind));
        let body = parsed.body_start..parsed.body_start + parsed.body.len();
        let message = Message { line: line.into(), body, kind, broadcast: None };
        match to {
            Address::Client(client) if client == self.prober() => {
                self.on_answer(node, client, &message, &parsed);
            }
            Address::Client(client) => {
                self.send(from, to, message.clone());
                self.on_answer(node, client, &message, &parsed);
            }
            Address::Node(_) => self.send(from, to, message),
        }
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
    pub fn on_failure(&mut self, now: Instant, cause: String) {
        self.advance(now);
        self.end(Cut::Stopped(cause));
    }

    /// The user has had enough.
    pub fn interrupt(&mut self, now: Instant) {
        self.advance(now);
        self.end(Cut::Interrupted);
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

    /// The plan's faults come in the main phase only; what it says of later is void.
    fn next_fault(&self) -> Option<Instant> {
        let start = self.phases.main.filter(|_| self.phase == Phase::Main)?;
        self.faults.next_event().map(|at| start + (at - Instant::START))
    }

    fn next_operation(&self) -> Option<Instant> {
        let start = self.phases.main.filter(|_| self.phase == Phase::Main)?;
        if self.busy == self.config.concurrency && self.is_load_told {
            return None;
        }
        self.load.next_due().map(|at| start + (at - Instant::START))
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
        if self.next_operation().is_some_and(|at| at <= self.now) {
            self.begin_operation();
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

    fn apply_faults(&mut self) {
        let plan_now = self.since_start(self.now);
        let network = &self.network;
        let applied = self.faults.advance(plan_now, || network.hub());
        for applied in applied {
            self.on_fault(applied.event, applied.changes);
        }
    }

    /// Ends all faults.
    fn heal(&mut self) {
        let at_ms = self.since_start(self.now).0 / 1_000_000;
        if !self.applied.is_empty() {
            let healed = self.faults.heal(at_ms);
            self.on_fault(healed.event, healed.changes);
        }
    }

    fn on_fault(&mut self, event: Event, changes: Vec<Change>) {
        let at = self.since_start(self.now);
        self.applied.push(event);
        for change in changes {
            match change {
                Change::Kill(node) => {
                    self.network.kill(self.now, node, &self.faults);
                    self.propagation.kill(node as u32, at);
                    self.probes.on_killed(node);
                    self.clients.forget_node(node);
                    self.kills[node] += 1;
                    self.orders.push(Order::Kill(node));
                }
                Change::Restart(node) => {
                    self.network.revive(node);
                    self.propagation.restart(node as u32, at);
                    self.restart(node);
                }
                Change::Pause(node) => {
                    self.propagation.conditions_mut().pause(node as u32, at);
                    self.pauses[node] += 1;
                    self.orders.push(Order::Pause(node));
                }
                Change::Resume(node) => {
                    self.propagation.conditions_mut().resume(node as u32, at);
                    self.orders.push(Order::Resume(node));
                }
            }
        }
        self.tell_conditions(at);
    }

    /// Tells the ideal which links are cut and how long messages take.
    fn tell_conditions(&mut self, at: Instant) {
        let reorder = self.faults.reorder();
        let mean = self.config.mean_latency(self.faults.latency_factor(), reorder);
        let conditions = self.propagation.conditions_mut();
        conditions.set_mean_latency(mean, at);
        let nodes = self.config.nodes.len();
        for from in 0..nodes {
            for to in 0..nodes {
                match self.faults.is_cut(from, to) {
                    true => conditions.cut(from as u32, to as u32, at),
                    false => conditions.join(from as u32, to as u32, at),
                }
            }
        }
    }

    fn move_messages(&mut self) {
        let mut outcomes = std::mem::take(&mut self.outcomes);
        self.network.advance(self.now, &self.faults, &mut outcomes);
        let start = self.phases.main.unwrap_or(self.now);
        for network::Outcome { at, dropped, envelope } in outcomes.drain(..) {
            let fate = match dropped {
                None => Fate::Delivered(at),
                Some(reason) => Fate::Dropped(at, reason),
            };
            self.journal.on_fate(&envelope, fate, start, &self.kinds);
            let Address::Node(node) = envelope.to else { continue };
            let message = envelope.payload;
            let is_from_node = matches!(envelope.from, Address::Node(_));
            if is_from_node {
                self.under_way_bytes = self.under_way_bytes.saturating_sub(message.line.len());
            }
            match dropped {
                None => self.hand_over(node, at, is_from_node, message),
                Some(DropReason::Overflow) => self.on_overflow(envelope.from),
                Some(_) => {}
            }
        }
        self.outcomes = outcomes;
    }

    fn hand_over(&mut self, node: usize, at: Instant, is_from_node: bool, message: Message) {
        if let Some(value) = message.broadcast {
            let at = self.since_start(at);
            self.probes.on_broadcast(node, value);
            self.propagation.broadcast(value, node as u32, at);
        }
        if self.config.log_net_recv {
            let line = String::from_utf8_lossy(&message.line);
            self.orders.push(Order::Say(format!("{} gets {line}", self.config.nodes[node])));
        }
        let line = Arc::clone(&message.line);
        self.orders.push(Order::Write { node, due: Some(at), line });
        if is_from_node {
            self.probes.on_handed(node, at, &message.line);
        }
    }

    fn on_overflow(&mut self, from: Address) {
        if let Address::Node(node) = from {
            self.note(node, What::Flooded);
            let name = &self.config.nodes[node];
            let cause = format!(
                "{name} sends faster than its peers can take it: {} messages wait for one of \
                 them.",
                network::QUEUE_MAX
            );
            self.end(Cut::Stopped(cause));
        }
    }

    fn send(&mut self, from: Address, to: Address, message: Message) {
        if let (Address::Node(node), Address::Node(_)) = (from, to) {
            self.under_way_bytes += message.line.len();
            if self.under_way_bytes > UNDER_WAY_BYTES_MAX {
                self.note(node, What::Flooded);
                let mib = UNDER_WAY_BYTES_MAX >> 20;
                let cause = format!(
                    "{} floods the network: more than {mib} MiB of messages are under way.",
                    self.config.nodes[node]
                );
                self.end(Cut::Stopped(cause));
                return;
            }
        }
        if self.config.log_net_send {
            let line = String::from_utf8_lossy(&message.line);
            self.orders.push(Order::Say(format!("sent: {line}")));
        }
        self.journal.on_sent(from, to, &message);
        self.network.send(self.now, from, to, message, &self.faults);
    }

    /// Begins the operation that is due, at the worker whose turn it is.
    fn begin_operation(&mut self) {
        let is_busy = &self.is_busy;
        let at = self.since_start(self.now);
        match self.load.next(at, |worker| !is_busy[worker]) {
            Some((worker, ask)) => self.invoke(worker, ask),
            None => self.is_load_told = true,
        }
    }

    fn invoke(&mut self, worker: usize, ask: Ask) {
        let node = worker % self.config.nodes.len();
        let call = match ask {
            Ask::Broadcast(value) => Call::Broadcast(value),
            Ask::Read => Call::Read,
            Ask::Echo(_) => Call::Echo,
        };
        let at = self.since_start(self.now);
        if let Err(refusal) = self.history.invoke(at, worker as u32, node as u32, call) {
            self.refuse(refusal);
            return;
        }
        self.is_busy[worker] = true;
        self.busy += 1;
        let (kind, fields) = message::request_of(ask);
        let mut message = self.request(worker, node, kind, &fields, Asked::Operation(ask));
        if let Ask::Broadcast(value) = ask {
            message.broadcast = Some(value);
        }
        self.send(Address::Client(worker), Address::Node(node), message);
    }

    /// A request of a client, noted as asked.
    fn request(
        &mut self,
        client: usize,
        node: usize,
        kind: &str,
        fields: &str,
        asked: Asked,
    ) -> Message {
        let timeout = match asked {
            Asked::Operation(_) | Asked::Probe => CLIENT_TIMEOUT,
            Asked::Init | Asked::Topology => SETUP_TIMEOUT,
        };
        let id = self.clients.ask(client, node, asked, self.now + timeout);
        let name = &self.config.nodes[node];
        let (line, body) = message::request(&format!("c{client}"), name, kind, fields, id);
        Message { line, body, kind: self.kinds.of(kind), broadcast: None }
    }

    fn on_answer(&mut self, node: usize, client: usize, message: &Message, parsed: &Parsed<'_>) {
        let answered = self.clients.answer(client, node, parsed.in_reply_to);
        let request = match answered {
            Ok(Answered::Open(request)) => request,
            Ok(Answered::Late) => return,
            Err(cause) => {
                let line = String::from_utf8_lossy(&message.line);
                self.note(node, What::NotAnAnswer { cause: format!("{cause}: {line}") });
                return;
            }
        };
        match request.asked {
            Asked::Init | Asked::Topology => self.on_set_up(request, parsed),
            Asked::Probe => self.on_probed(node, parsed),
            Asked::Operation(ask) => {
                self.set_free(client);
                self.on_completed(node, client, ask, parsed);
            }
        }
    }

    fn on_completed(&mut self, node: usize, worker: usize, ask: Ask, parsed: &Parsed<'_>) {
        let at = self.since_start(self.now);
        let outcome = match (ask, &*parsed.kind) {
            (_, "error") => match ask {
                Ask::Broadcast(_) if !message::is_definite_error(parsed.body) => Outcome::Info,
                _ => Outcome::Fail,
            },
            (Ask::Broadcast(value), "broadcast_ok") => {
                self.propagation.acknowledge(value);
                Outcome::Ok
            }
            (Ask::Read, "read_ok") => match message::read_values(parsed.body) {
                Ok(values) => {
                    let read = self.history.complete_read(at, worker as u32, &values);
                    self.accept(read);
                    self.on_values(node, false, &values);
                    return;
                }
                Err(cause) => {
                    self.note(node, What::NotAnAnswer { cause });
                    Outcome::Fail
                }
            },
            (Ask::Echo(number), "echo_ok") => {
                let text = message::echo_text(number);
                match message::is_echo_of(parsed.body, &text) {
                    true => Outcome::Ok,
                    false => {
                        let cause = format!("asked to echo {text:?}, it said {}", parsed.body);
                        self.note(node, What::NotAnAnswer { cause });
                        Outcome::Fail
                    }
                }
            }
            (ask, kind) => {
                let asked = message::request_of(ask).0;
                let cause = format!("{asked} was answered with {kind:?}");
                self.note(node, What::NotAnAnswer { cause });
                match ask {
                    Ask::Broadcast(_) => Outcome::Info,
                    Ask::Read | Ask::Echo(_) => Outcome::Fail,
                }
            }
        };
        let completed = self.history.complete(at, worker as u32, outcome);
        self.accept(completed);
    }

    fn on_probed(&mut self, node: usize, parsed: &Parsed<'_>) {
        // A node that cannot read shows it to its clients; a probe is no operation.
        if let ("read_ok", Ok(values)) = (&*parsed.kind, message::read_values(parsed.body)) {
            self.on_values(node, true, &values);
        }
        self.probes.on_answered(node, self.now);
    }

    fn on_values(&mut self, node: usize, is_probe: bool, values: &[i64]) {
        let mut found = Vec::new();
        self.probes.on_values(node, self.now, is_probe, values, &mut found);
        for (value, at) in found {
            let at = self.since_start(at);
            self.propagation.known(node as u32, &[value], at);
        }
    }

    fn on_expired(&mut self, request: Request) {
        match request.asked {
            Asked::Operation(ask) => {
                self.set_free(request.client);
                let outcome = match ask {
                    Ask::Broadcast(_) => Outcome::Info,
                    Ask::Read | Ask::Echo(_) => Outcome::Fail,
                };
                let at = self.since_start(self.now);
                let completed = self.history.complete(at, request.client as u32, outcome);
                self.accept(completed);
            }
            Asked::Probe => self.probes.on_answered(request.node, self.now),
            Asked::Init | Asked::Topology => self.on_set_up_expired(request),
        }
    }

    fn set_free(&mut self, worker: usize) {
        self.is_busy[worker] = false;
        self.busy -= 1;
        self.is_load_told = false;
    }

    fn accept(&mut self, recorded: Result<(), Refusal>) {
        if let Err(refusal) = recorded {
            self.refuse(refusal);
        }
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.end(Cut::Stopped(format!("The run cannot be recorded further: {refusal}.")));
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
    match stderr.trim_end() {
        "" => " It wrote nothing to stderr.".into(),
        text => format!(" Its last lines of stderr:\n{text}"),
    }
}
