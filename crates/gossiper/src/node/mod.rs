//! `gossiper node`: the session on stdin and stdout, with a real clock.
//!
//! A reader thread, a writer thread, and between them the loop of every host: wait for input
//! until the next wake-up, hand it in, carry out what comes out.

mod logger;
mod reader;
mod writer;

use std::io;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gossiper_maelstrom::{Config, Instant, Mechanism, Session, Settings};
use log::{error, info, warn};

use self::reader::Chunk;
use self::writer::Writer;
use crate::cli::NodeArgs;

/// The answers that are gathered before they go to the writer, while there is more input.
const GATHER_BYTES: usize = 256 * 1024;

/// How long the loop waits where nothing is due.
const IDLE: Duration = Duration::from_secs(3_600);

pub(crate) fn run(args: &NodeArgs) -> ExitCode {
    let logger = logger::start(args.log_level.into());
    let code = match settings(args) {
        Ok(settings) => serve(settings),
        Err(why) => {
            error!("cannot draw a random seed: {why}; give one with --seed");
            ExitCode::FAILURE
        }
    };
    logger.finish();
    code
}

pub(crate) fn settings(args: &NodeArgs) -> Result<Settings, getrandom::Error> {
    let seed = match args.seed {
        Some(seed) => seed,
        None => getrandom::u64()?,
    };
    info!("seed {seed}");
    // Nanoseconds of the wall clock: no two starts of one node share a number.
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let incarnation = u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX);
    let config = Config {
        strategy: args.strategy.into(),
        fanout: args.fanout,
        gossip_interval: args.gossip_interval,
        ack_timeout: args.ack_timeout,
        pace: args.pace,
        without: args.without.iter().copied().map(Mechanism::from).collect(),
        ..Config::default()
    };
    Ok(Settings { config, seed, incarnation })
}

fn serve(settings: Settings) -> ExitCode {
    let clock = Clock::start();
    let mut session = Session::new(settings);
    let mut writer = Writer::start(io::stdout());
    let input = reader::start(io::stdin());
    let served = run_loop(&mut session, &clock, &input, &mut writer);
    match served.and_then(|()| writer.finish()) {
        Ok(()) => {
            let lines = session.line_counts();
            info!("stdin has ended after {} lines, {} of them skipped", lines.read, lines.rejected);
            if let Some(losses) = session.losses() {
                warn!("in all: {losses}");
            }
            ExitCode::SUCCESS
        }
        Err(why) => {
            error!("cannot write to stdout: {why}; the node ends");
            ExitCode::FAILURE
        }
    }
}

/// Runs until stdin ends; fails when nothing can be written any more.
fn run_loop(
    session: &mut Session,
    clock: &Clock,
    input: &Receiver<Chunk>,
    writer: &mut Writer,
) -> io::Result<()> {
    let mut out = Vec::new();
    loop {
        let due = session.next_wakeup();
        let wait = due.map_or(IDLE, |due| due - clock.now());
        match input.recv_timeout(wait) {
            Ok(Chunk::Lines(lines)) => {
                on_lines(session, clock.now(), &lines, &mut out, writer)?;
            }
            Ok(Chunk::Oversized) => session.on_oversized_line(),
            Ok(Chunk::Failed(why)) => warn!("cannot read stdin: {why}; taken as its end"),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return end(session, clock, writer),
        }
        // Also when there is input without end: a flood of it must not stop the timers.
        let now = clock.now();
        if session.next_wakeup().is_some_and(|due| due <= now) {
            session.on_wakeup(now, &mut out);
        }
        writer.write(&mut out)?;
    }
}

/// Sends what the node holds back, and fires no more timers.
fn end(session: &mut Session, clock: &Clock, writer: &mut Writer) -> io::Result<()> {
    let mut out = Vec::new();
    loop {
        let is_more = session.flush(clock.now(), &mut out);
        writer.write(&mut out)?;
        if !is_more {
            return Ok(());
        }
    }
}

fn on_lines(
    session: &mut Session,
    now: Instant,
    lines: &[u8],
    out: &mut Vec<u8>,
    writer: &mut Writer,
) -> io::Result<()> {
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', lines).chain([lines.len()]) {
        // Whole lines end with a line feed, so the last piece is empty but at the end of stdin.
        if end > start || end < lines.len() {
            session.on_line(now, &lines[start..end], out);
        }
        start = end + 1;
        if out.len() >= GATHER_BYTES {
            writer.write(out)?;
        }
    }
    Ok(())
}

/// The time since the start of the process, as the core wants it.
struct Clock(std::time::Instant);

impl Clock {
    fn start() -> Self {
        Self(std::time::Instant::now())
    }

    fn now(&self) -> Instant {
        Instant::START + self.0.elapsed()
    }
}
