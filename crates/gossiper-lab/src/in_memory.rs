//! The virtual host of a [`Run`]: nodes are values in memory, time is virtual, and a node answers
//! in no time. The same run and the same programs give the same messages, on any machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gossiper_core::Instant;

use crate::process::Report;
use crate::run::{Order, Phase, Run};

/// Virtual time between two looks at how far the run has come.
const TICK: Duration = Duration::from_millis(100);

/// Most wake-ups of one node at one moment: more means that it wants to be woken for ever.
const WAKEUPS_MAX: usize = 10_000;

/// What a node runs: lines in, lines out, each line ended by a newline.
pub trait Program {
    /// A line has come.
    fn on_line(&mut self, now: Instant, line: &[u8], out: &mut Vec<u8>);

    /// The time that it asked for has come.
    fn on_wakeup(&mut self, now: Instant, out: &mut Vec<u8>);

    /// When it wants to be woken.
    fn next_wakeup(&self) -> Option<Instant>;
}

/// A run that is over.
#[derive(Debug)]
pub struct Hosted<P> {
    /// The run, to be finished.
    pub run: Run,
    /// The nodes that were up at the end.
    pub nodes: Vec<Option<P>>,
    /// The virtual time.
    pub ended: Instant,
    /// How many times nodes were started.
    pub starts: u64,
}

#[derive(Debug)]
struct Slot<P> {
    program: Option<P>,
    is_paused: bool,
    /// What has come while it stood still.
    held: Vec<Arc<[u8]>>,
}

impl<P> Default for Slot<P> {
    fn default() -> Self {
        Self { program: None, is_paused: false, held: Vec::new() }
    }
}

/// Plays a run until it is over, or `is_interrupted` becomes true. `start` makes the program of a
/// node, of which it is told the place, and how many starts there have been with this one.
///
/// # Panics
///
/// If a program wants to be woken 10,000 times at one moment.
pub fn play<P: Program>(
    run: Run,
    start: impl FnMut(usize, u64) -> P,
    is_interrupted: &AtomicBool,
    observer: &mut dyn FnMut(Report<'_>),
) -> Hosted<P> {
    let nodes = run.config().nodes.iter().map(|_| Slot::default()).collect();
    let mut host = Host { run, nodes, start, starts: 0 };
    let mut now = Instant::START;
    let mut next_tick = now;
    while host.run.phase() != Phase::Over {
        host.carry_out(now, observer);
        if is_interrupted.load(Ordering::Relaxed) {
            host.run.interrupt(now);
        }
        let Some(next) = host.next_event() else { break };
        now = now.max(next);
        if now >= next_tick {
            next_tick = now + TICK;
            observer(Report::Tick(&host.run, now));
        }
        host.run.advance(now);
        host.carry_out(now, observer);
        (0..host.nodes.len()).for_each(|place| host.wake(now, place));
    }
    host.carry_out(now, observer);
    let nodes = host.nodes.into_iter().map(|slot| slot.program).collect();
    Hosted { run: host.run, nodes, ended: now, starts: host.starts }
}

struct Host<P, S> {
    run: Run,
    nodes: Vec<Slot<P>>,
    start: S,
    starts: u64,
}

impl<P: Program, S: FnMut(usize, u64) -> P> Host<P, S> {
    fn next_event(&self) -> Option<Instant> {
        let wakeups = self.nodes.iter().filter(|slot| !slot.is_paused);
        let wakeups = wakeups.filter_map(|slot| slot.program.as_ref()?.next_wakeup());
        wakeups.chain(self.run.next_event()).min()
    }

    fn carry_out(&mut self, now: Instant, observer: &mut dyn FnMut(Report<'_>)) {
        let mut orders = Vec::new();
        self.run.take_orders(&mut orders);
        while !orders.is_empty() {
            for order in orders.drain(..) {
                match order {
                    Order::Start(place) => {
                        self.starts += 1;
                        let program = Some((self.start)(place, self.starts));
                        self.nodes[place] = Slot { program, ..Slot::default() };
                    }
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
                    Order::Say(text) => observer(Report::Say(&text)),
                }
            }
            self.run.take_orders(&mut orders);
        }
    }

    fn on_line(&mut self, now: Instant, place: usize, line: &[u8]) {
        self.act(now, place, |program, out| program.on_line(now, line, out));
        self.wake(now, place);
    }

    /// Lets a node do all that is due.
    fn wake(&mut self, now: Instant, place: usize) {
        for _ in 0..WAKEUPS_MAX {
            let slot = &self.nodes[place];
            let due = slot.program.as_ref().and_then(Program::next_wakeup);
            if slot.is_paused || due.is_none_or(|due| due > now) {
                return;
            }
            self.act(now, place, |program, out| program.on_wakeup(now, out));
        }
        panic!("node {place} wants to be woken without end");
    }

    fn act(&mut self, now: Instant, place: usize, act: impl FnOnce(&mut P, &mut Vec<u8>)) {
        let mut out = Vec::new();
        let Some(program) = &mut self.nodes[place].program else { return };
        act(program, &mut out);
        for line in out.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            self.run.on_line(now, place, line);
        }
    }
}
