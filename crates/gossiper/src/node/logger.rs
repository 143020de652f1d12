//! Logging to stderr that never waits for whoever reads it.
//!
//! The loggers on offer write where they are called. A node whose stderr is a full pipe would then
//! stand still, so here a thread writes, behind a bounded queue; what does not fit is counted and
//! the count is logged.

use std::io::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use log::{LevelFilter, Log, Metadata, Record};

/// The lines that may wait to be written.
const LINES_MAX: usize = 4_096;

/// How long the end of the process waits for the last lines to be written.
const FINISH: Duration = Duration::from_secs(1);

/// Lines that did not fit.
static DROPPED: AtomicU64 = AtomicU64::new(0);

enum Entry {
    Line(String),
    /// Everything before this is written.
    Mark(SyncSender<()>),
}

struct Queue {
    entries: SyncSender<Entry>,
    start: Instant,
}

impl Log for Queue {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        let seconds = self.start.elapsed().as_secs_f64();
        let line = format!("{seconds:10.3} {:5} {}\n", record.level(), record.args());
        if let Err(TrySendError::Full(_)) = self.entries.try_send(Entry::Line(line)) {
            DROPPED.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn flush(&self) {}
}

/// What ends the logging.
pub(crate) struct Logger(SyncSender<Entry>);

/// Starts to log. Called once a process.
pub(crate) fn start(level: LevelFilter) -> Logger {
    let (entries, received) = sync_channel(LINES_MAX);
    thread::spawn(move || write_all(&received));
    let queue = Queue { entries: entries.clone(), start: Instant::now() };
    if log::set_boxed_logger(Box::new(queue)).is_ok() {
        log::set_max_level(level);
    }
    Logger(entries)
}

impl Logger {
    /// Waits until what was logged is written, but not for a reader who does not read.
    pub(crate) fn finish(self) {
        let (written, mark) = sync_channel(1);
        if self.0.try_send(Entry::Mark(written)).is_ok() {
            let _ = mark.recv_timeout(FINISH);
        }
    }
}

fn write_all(entries: &Receiver<Entry>) {
    for entry in entries {
        let dropped = DROPPED.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            let _ = writeln!(io::stderr(), "{dropped} log lines did not fit and are lost");
        }
        match entry {
            // Where stderr is closed there is nobody to tell.
            Entry::Line(line) => drop(io::stderr().write_all(line.as_bytes())),
            Entry::Mark(written) => drop(written.try_send(())),
        }
    }
}
