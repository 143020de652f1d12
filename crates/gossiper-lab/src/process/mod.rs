//! The process host: nodes are real child processes, time is real time.
//!
//! One thread does everything. It waits until a node prints something or the [`Run`] has something
//! to do, hands over what there is, carries out the run's [`Order`]s, and never blocks on a node:
//! what a node does not take from its stdin waits here.
//!
//! No node outlives the host, whatever becomes of it: a shell stands by that kills the nodes when
//! the host is gone. A node is a process group; what has left its node's group is found on Linux
//! as long as the host is there.

mod error;
mod guard;
mod lateness;
mod limits;
mod log;
mod node;
mod strays;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant as Clock};

use gossiper_core::Instant;
use mio::{Events, Poll, Token};

pub use self::error::HostError;
use self::error::system;
use self::guard::Guard;
use self::lateness::Lateness;
pub use self::log::last_lines;
use self::node::{Node, Pipe, Printed};
use self::strays::Strays;
use crate::run::{Order, Phase, Run};

/// Longest wait, so that interrupts and ended processes are noticed and the observer hears of the
/// progress.
const TICK: Duration = Duration::from_millis(100);
/// The shortest time that the system can wait for pipes; the rest is slept.
const POLL_MIN: Duration = Duration::from_millis(1);
/// Longest sleep without a look at the pipes.
const SLEEP_MAX: Duration = Duration::from_micros(250);
/// How long a node may go on after the end of its stdin.
const EXIT_GRACE: Duration = Duration::from_millis(200);
/// How long a node that has closed its stdout may take to end.
const CLOSED_GRACE: Duration = Duration::from_secs(1);
/// How often to look after all processes, also those whose pipes are quiet.
const REAP_INTERVAL: Duration = Duration::from_millis(250);
/// Reads that empty a pipe nobody writes to, also one that was made as large as Linux lets anybody
/// make it, which is 1 MiB.
const DRAIN_READS_MAX: usize = (1 << 20) / node::READ_BYTES_MAX + 1;
/// Pipes that are looked at after one wait.
const EVENTS_MAX: usize = 1024;

/// What the host needs to know besides the run.
#[derive(Clone, Debug)]
pub struct ProcessConfig {
    /// The node program and its arguments; at least the program.
    pub command: Vec<String>,
    /// Where the nodes' stderr goes, one file a node; made if it is not there.
    pub log_folder: PathBuf,
    /// Whether to report every line of the nodes' stderr as well.
    pub reports_stderr: bool,
    /// Whether this process starts no others while the run goes on. On Linux it then takes in the
    /// orphans of the nodes, and [`play`] ends also what has left its node's process group: every
    /// child of this process. If it has children at the start, only the groups are ended.
    pub owns_children: bool,
}

/// What an observer is told while a run goes on.
#[derive(Debug)]
pub enum Report<'a> {
    /// Some time has passed; this is where the run stands, and the time on the host's clock.
    Tick(&'a Run, Instant),
    /// Something that the user should read.
    Say(&'a str),
    /// A node has written this line to stderr.
    Stderr(&'a str, &'a str),
}

/// A run that is over.
#[derive(Debug)]
pub struct Hosted {
    /// The run, to be finished.
    pub run: Run,
    /// How much later than due messages were handed over, in ms, ascending; a sample, if there
    /// were very many.
    pub lateness_ms: Vec<f64>,
    /// Why the host could not go on, which ended the run; its reasons say so.
    pub failure: Option<HostError>,
}

/// Plays a run with child processes until it is over, or `is_interrupted` becomes true. All
/// processes have ended when it returns.
///
/// # Errors
///
/// If a node cannot be started or the system refuses something else, before the main phase. Nothing
/// of the run is left. A node that cannot be started later, after a kill, ends the run.
pub fn play(
    run: Run,
    config: &ProcessConfig,
    is_interrupted: &AtomicBool,
    observer: &mut dyn FnMut(Report<'_>),
) -> Result<Hosted, HostError> {
    let mut host = Host::new(run, config)?;
    while host.run.phase() != Phase::Over {
        host.turn(is_interrupted, observer)?;
    }
    let mut orders = std::mem::take(&mut host.orders);
    host.run.take_orders(&mut orders);
    for order in &orders {
        if let Order::Say(text) = order {
            observer(Report::Say(text));
        }
    }
    host.stop(observer);
    let lateness_ms = host.lateness.into_sorted_ms();
    Ok(Hosted { run: host.run, lateness_ms, failure: host.failure })
}

fn now_of(clock: Clock) -> Instant {
    Instant(u64::try_from(clock.elapsed().as_nanos()).unwrap_or(u64::MAX))
}

struct Host<'a> {
    config: &'a ProcessConfig,
    // Dropped in this order, so that the next finds nothing left to do.
    nodes: Vec<Option<Node>>,
    strays: Strays,
    guard: Guard,
    run: Run,
    poll: Poll,
    events: Events,
    clock: Clock,
    /// Pipes that may have more to read.
    readable: BTreeSet<Token>,
    /// Nodes that have something to be written.
    writable: BTreeSet<usize>,
    lateness: Lateness,
    orders: Vec<Order>,
    buffer: Vec<u8>,
    last_tick: Instant,
    last_reap: Instant,
    failure: Option<HostError>,
}

impl<'a> Host<'a> {
    fn new(run: Run, config: &'a ProcessConfig) -> Result<Self, HostError> {
        let count = run.config().nodes.len();
        limits::allow_files_for(count)?;
        fs::create_dir_all(&config.log_folder).map_err(system("make the folder of the logs"))?;
        let guard = Guard::start().map_err(system("start /bin/sh, which guards the nodes"))?;
        Ok(Self {
            config,
            nodes: (0..count).map(|_| None).collect(),
            strays: Strays::new(guard.id(), config.owns_children),
            guard,
            run,
            poll: Poll::new().map_err(system("wait for pipes"))?,
            events: Events::with_capacity(EVENTS_MAX),
            clock: Clock::now(),
            readable: BTreeSet::new(),
            writable: BTreeSet::new(),
            lateness: Lateness::default(),
            orders: Vec::new(),
            buffer: vec![0; node::READ_BYTES_MAX],
            last_tick: Instant::START,
            last_reap: Instant::START,
            failure: None,
        })
    }

    fn now(&self) -> Instant {
        now_of(self.clock)
    }

    /// Does all that is due, then waits for the next thing to happen.
    fn turn(
        &mut self,
        is_interrupted: &AtomicBool,
        observer: &mut dyn FnMut(Report<'_>),
    ) -> Result<(), HostError> {
        let now = self.now();
        if is_interrupted.load(Ordering::Relaxed) {
            self.run.interrupt(now);
        }
        self.run.advance(now);
        self.carry_out(observer)?;
        self.flush(now);
        if self.run.phase() == Phase::Over {
            return Ok(());
        }
        self.wait()?;
        let now = self.now();
        for token in std::mem::take(&mut self.readable) {
            self.read(token, now, observer);
        }
        if now >= self.last_reap + REAP_INTERVAL {
            self.last_reap = now;
            (0..self.nodes.len()).for_each(|place| self.reap(place, now, observer));
            self.strays.bury(self.nodes.iter().flatten().map(Node::id));
        }
        if now >= self.last_tick + TICK {
            self.last_tick = now;
            observer(Report::Tick(&self.run, now));
        }
        Ok(())
    }

    fn carry_out(&mut self, observer: &mut dyn FnMut(Report<'_>)) -> Result<(), HostError> {
        let mut orders = std::mem::take(&mut self.orders);
        self.run.take_orders(&mut orders);
        for order in orders.drain(..) {
            match order {
                Order::Start(place) => self.start(place)?,
                Order::Write { node: place, due, line } => {
                    if let Some(node) = &mut self.nodes[place] {
                        node.write(&line);
                        self.writable.insert(place);
                        // While the nodes start the machine is busy with that; no figure
                        // depends on it.
                        let is_measured = self.run.main_since().is_some();
                        node.due.extend(due.filter(|_| is_measured));
                    }
                }
                Order::Kill(place) => {
                    if let Some(node) = self.nodes[place].take() {
                        let started = self.strays.of(node.id());
                        self.end(node);
                        self.strays.end(&started);
                    }
                }
                Order::Pause(place) => self.signal(place, Node::pause),
                Order::Resume(place) => self.signal(place, Node::resume),
                Order::Say(text) => observer(Report::Say(&text)),
            }
        }
        self.orders = orders;
        Ok(())
    }

    fn signal(&self, place: usize, send: impl Fn(&Node)) {
        if let Some(node) = &self.nodes[place] {
            send(node);
        }
    }

    fn start(&mut self, place: usize) -> Result<(), HostError> {
        if let Some(node) = self.nodes[place].take() {
            self.end(node);
        }
        let name = &self.run.config().nodes[place];
        let log = log::path(&self.config.log_folder, name);
        let program = &self.config.command[0];
        let node = match Node::start(&self.config.command, place, &log, self.poll.registry()) {
            Ok(node) => node,
            Err(error) => {
                let error = HostError::Start { program: program.clone(), error };
                if self.run.main_since().is_none() {
                    return Err(error);
                }
                // What was measured until now is not lost.
                let cause = format!("{name} could not be started anew: {error}");
                self.run.on_failure(self.now(), place, cause);
                self.failure.get_or_insert(error);
                return Ok(());
            }
        };
        self.guard.watch(node.id());
        self.nodes[place] = Some(node);
        Ok(())
    }

    /// Ends a node without notice.
    fn end(&mut self, mut node: Node) {
        node.close(self.poll.registry());
        node.kill();
        self.guard.forget(node.id());
    }

    /// Writes what the nodes take.
    fn flush(&mut self, now: Instant) {
        for place in std::mem::take(&mut self.writable) {
            let Some(node) = &mut self.nodes[place] else { continue };
            if let Err(cause) = node.flush() {
                let name = &self.run.config().nodes[place];
                let cause = format!("{name} {cause}");
                self.run.on_failure(now, place, cause);
                continue;
            }
            if !node.due.is_empty() {
                let handed_over = now_of(self.clock);
                node.due.drain(..).for_each(|due| self.lateness.add(handed_over - due));
            }
        }
    }

    /// Waits until a pipe has something or the run has something to do.
    fn wait(&mut self) -> Result<(), HostError> {
        let next = self.run.next_event();
        let left = next.map_or(TICK, |next| (next - self.now()).min(TICK));
        let is_pending = !self.readable.is_empty();
        // The system waits for pipes in whole milliseconds and rather too long.
        let timeout = match is_pending || left < POLL_MIN {
            true => Duration::ZERO,
            false => Duration::from_millis(left.as_millis() as u64),
        };
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            Err(error) => return Err(system("wait for pipes")(error)),
        }
        for event in &self.events {
            let token = event.token();
            match Pipe::of(token) {
                (place, Pipe::Stdin) => drop(self.writable.insert(place)),
                (_, Pipe::Stdout | Pipe::Stderr) => drop(self.readable.insert(token)),
            }
        }
        if !is_pending && self.events.is_empty() && !left.is_zero() && left < POLL_MIN {
            thread::sleep(left.min(SLEEP_MAX));
        }
        Ok(())
    }

    fn read(&mut self, token: Token, now: Instant, observer: &mut dyn FnMut(Report<'_>)) {
        let (place, pipe) = Pipe::of(token);
        let printed = match pipe {
            Pipe::Stdin => return,
            Pipe::Stdout => self.read_stdout(place, now),
            Pipe::Stderr => self.read_stderr(place, observer),
        };
        if printed == Printed::Some {
            self.readable.insert(token);
        } else if printed == Printed::End
            && pipe == Pipe::Stdout
            && let Some(node) = &mut self.nodes[place]
        {
            node.closed.get_or_insert(now);
            self.reap(place, now, observer);
        }
    }

    /// Reads a node's stdout once, for the run.
    fn read_stdout(&mut self, place: usize, now: Instant) -> Printed {
        let Some(node) = &mut self.nodes[place] else { return Printed::End };
        let run = &mut self.run;
        node.read_stdout(&mut self.buffer, |line| run.on_line(now, place, line))
    }

    /// Reads a node's stderr once, and reports the lines if that is asked for.
    fn read_stderr(&mut self, place: usize, observer: &mut dyn FnMut(Report<'_>)) -> Printed {
        let Some(node) = &mut self.nodes[place] else { return Printed::End };
        let name = &self.run.config().nodes[place];
        let reports = self.config.reports_stderr;
        node.read_stderr(&mut self.buffer, |line| {
            if reports {
                observer(Report::Stderr(name, line));
            }
        })
    }

    /// Tells the run of a node that has ended, or has closed its stdout and does not end.
    fn reap(&mut self, place: usize, now: Instant, observer: &mut dyn FnMut(Report<'_>)) {
        let Some(node) = &mut self.nodes[place] else { return };
        let is_closed = node.closed.is_some_and(|at| now >= at + CLOSED_GRACE);
        let status = match node.ended() {
            Some(status) => status,
            None if is_closed => "closed its stdout".into(),
            None => return,
        };
        // What it has started may go on to write, and must not.
        node.kill();
        drain(|| self.read_stderr(place, observer));
        drain(|| self.read_stdout(place, now));
        if let Some(node) = self.nodes[place].take() {
            self.run.on_exit(now, place, &status, &node.last_lines());
            self.end(node);
        }
    }

    /// Ends all nodes: politely at first, then without notice.
    fn stop(&mut self, observer: &mut dyn FnMut(Report<'_>)) {
        for node in self.nodes.iter_mut().flatten() {
            node.resume();
            node.close_stdin(self.poll.registry());
        }
        let deadline = Clock::now() + EXIT_GRACE;
        while Clock::now() < deadline {
            let is_over = self.nodes.iter_mut().flatten().all(|node| node.ended().is_some());
            if is_over {
                break;
            }
            thread::sleep(POLL_MIN);
        }
        self.nodes.iter_mut().flatten().for_each(Node::kill);
        for place in 0..self.nodes.len() {
            drain(|| self.read_stderr(place, observer));
            let Some(node) = self.nodes[place].take() else { continue };
            if self.run.blamed() == Some(place) {
                self.run.on_last_lines(&node.last_lines());
            }
            self.end(node);
        }
    }
}

/// Reads what is left in the pipe of a node that was ended. Not without end: somebody who has left
/// the node's process group may still write.
fn drain(mut read: impl FnMut() -> Printed) {
    for _ in 0..DRAIN_READS_MAX {
        if read() != Printed::Some {
            break;
        }
    }
}
