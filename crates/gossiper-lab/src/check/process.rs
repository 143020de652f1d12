//! A node under check: a child process with its lines on channels.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Printed lines that wait to be looked at before the node is made to wait. Enough that no honest
/// node blocks.
const LINES_QUEUED_MAX: usize = 4096;
/// Printed lines kept while waiting for something else; a node that prints more babbles.
const LINES_KEPT_MAX: usize = 100_000;
/// Longest line taken from a node: the protocol's 16 MiB with room to spare.
const LINE_BYTES_MAX: u64 = 64 << 20;
/// Lines of stderr that `expect_stderr` can look back on; older ones are forgotten.
const STDERR_LINES_MAX: usize = 1000;
/// Bytes kept of one line of stderr.
const STDERR_LINE_BYTES_MAX: usize = 4096;
/// How often to ask whether the process has ended; the system has no portable way to be told.
const EXIT_POLL: Duration = Duration::from_millis(2);
/// How long the pipes of a process that has ended may stay open: a child of its own may still hold
/// them.
pub(super) const PIPES_GRACE: Duration = Duration::from_millis(500);

/// What came next from the node's stdout.
#[derive(Debug)]
pub(super) enum Printed {
    /// One line, without its line feed.
    Line(Vec<u8>),
    /// Nothing by the deadline.
    Nothing,
    /// It has been closed: the process has ended or is about to.
    Closed,
    /// A line beyond all bounds.
    TooLong,
}

/// A running child. Dropping it kills and reaps the process.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// Lines for stdin; `None` once closed.
    input: Option<Sender<Vec<u8>>>,
    lines: Receiver<Printed>,
    /// Taken from `lines` while waiting for the exit.
    kept: VecDeque<Printed>,
    is_closed: bool,
    stderr: Arc<Stderr>,
}

#[derive(Debug, Default)]
struct Stderr {
    state: Mutex<StderrState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct StderrState {
    lines: VecDeque<String>,
    is_closed: bool,
}

impl Process {
    /// Starts `command` with `args` after its own arguments.
    pub(super) fn start(command: &[String], args: &[String]) -> io::Result<Process> {
        let (program, own_args) = command
            .split_first()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no program is named"))?;
        let mut child = Command::new(program)
            .args(own_args)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            unreachable!("all three were asked for");
        };
        let (input, queue) = channel();
        let (printed, lines) = sync_channel(LINES_QUEUED_MAX);
        let log = Arc::new(Stderr::default());
        // The threads end when the pipes close or this end hangs up, and need no joining.
        thread::spawn(move || write_lines(stdin, &queue));
        thread::spawn(move || read_lines(stdout, &printed));
        thread::spawn({
            let log = Arc::clone(&log);
            move || log.read(stderr)
        });
        Ok(Process {
            child,
            input: Some(input),
            lines,
            kept: VecDeque::new(),
            is_closed: false,
            stderr: log,
        })
    }

    /// Queues a line for stdin and adds its line feed. A node that has gone takes nothing more,
    /// which shows in what it prints, not here.
    pub(super) fn send(&mut self, mut line: Vec<u8>) {
        line.push(b'\n');
        if let Some(input) = &self.input {
            let _ = input.send(line);
        }
    }

    /// Closes stdin once all that was sent is written.
    pub(super) fn close(&mut self) {
        self.input = None;
    }

    /// Whether stdin is still open on this side.
    pub(super) fn is_open(&self) -> bool {
        self.input.is_some()
    }

    /// The next line from stdout, waiting for it no longer than until `deadline`.
    pub(super) fn next_line(&mut self, deadline: Instant) -> Printed {
        if let Some(kept) = self.kept.pop_front() {
            return kept;
        }
        self.receive(deadline)
    }

    fn receive(&mut self, deadline: Instant) -> Printed {
        if self.is_closed {
            return Printed::Closed;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        match self.lines.recv_timeout(left) {
            Ok(printed) => printed,
            Err(RecvTimeoutError::Timeout) => Printed::Nothing,
            Err(RecvTimeoutError::Disconnected) => {
                self.is_closed = true;
                Printed::Closed
            }
        }
    }

    /// Waits for the process to end. Lines it still prints are kept for [`Process::next_line`].
    pub(super) fn wait_for_exit(&mut self, deadline: Instant) -> Option<ExitStatus> {
        loop {
            // Taking lines meanwhile, since a node must not hang because nobody reads it.
            match self.receive((Instant::now() + EXIT_POLL).min(deadline)) {
                Printed::Nothing => {}
                Printed::Closed => thread::sleep(EXIT_POLL),
                printed if self.kept.len() < LINES_KEPT_MAX => self.kept.push_back(printed),
                _ => return None,
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            if Instant::now() >= deadline {
                return None;
            }
        }
    }

    /// All that is left on stdout of a process that has ended.
    pub(super) fn rest(&mut self) -> Vec<Vec<u8>> {
        let deadline = Instant::now() + PIPES_GRACE;
        let mut lines = Vec::new();
        while lines.len() < LINES_KEPT_MAX {
            match self.next_line(deadline) {
                Printed::Line(line) => lines.push(line),
                Printed::Nothing | Printed::Closed | Printed::TooLong => break,
            }
        }
        lines
    }

    /// How the process ended, if it has: asked when something failed, so it gets a moment to do so.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        let grace = if self.is_closed { PIPES_GRACE } else { Duration::ZERO };
        self.wait_for_exit(Instant::now() + grace)
    }

    /// Whether a line of stderr with `text` in it has come or comes by the deadline.
    pub(super) fn wait_for_stderr(&self, text: &str, deadline: Instant) -> bool {
        let mut state = self.stderr.lock();
        loop {
            if state.lines.iter().any(|line| line.contains(text)) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if state.is_closed || left.is_zero() {
                return false;
            }
            state = self.stderr.wait(state, left);
        }
    }

    /// The last `count` lines of stderr; all of them have come if the process has ended.
    pub(super) fn stderr_tail(&mut self, count: usize) -> Vec<String> {
        let deadline = Instant::now() + PIPES_GRACE;
        let has_ended = matches!(self.child.try_wait(), Ok(Some(_)));
        let mut state = self.stderr.lock();
        while has_ended && !state.is_closed && Instant::now() < deadline {
            state = self.stderr.wait(state, deadline - Instant::now());
        }
        let skipped = state.lines.len().saturating_sub(count);
        state.lines.iter().skip(skipped).cloned().collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.input = None;
        // An error means that it has ended already; it is reaped either way.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn write_lines(mut stdin: ChildStdin, queue: &Receiver<Vec<u8>>) {
    for line in queue {
        if stdin.write_all(&line).and_then(|()| stdin.flush()).is_err() {
            return;
        }
    }
}

fn read_lines(stdout: impl Read, printed: &SyncSender<Printed>) {
    let mut stdout = BufReader::new(stdout);
    loop {
        let mut line = Vec::new();
        match stdout.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let is_whole = line.pop_if(|last| *last == b'\n').is_some();
        let is_too_long = !is_whole && line.len() as u64 == LINE_BYTES_MAX;
        let sent = printed.send(if is_too_long { Printed::TooLong } else { Printed::Line(line) });
        if sent.is_err() || is_too_long {
            return;
        }
    }
}

impl Stderr {
    fn lock(&self) -> MutexGuard<'_, StderrState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(
        &self,
        state: MutexGuard<'a, StderrState>,
        timeout: Duration,
    ) -> MutexGuard<'a, StderrState> {
        self.changed.wait_timeout(state, timeout).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Drains stderr to its end, so that a node that logs a lot never blocks on it.
    fn read(&self, stderr: impl Read) {
        let mut stderr = BufReader::new(stderr);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = stderr.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
            if !matches!(read, Ok(1..)) {
                break;
            }
            line.truncate(STDERR_LINE_BYTES_MAX);
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            let mut state = self.lock();
            if state.lines.len() == STDERR_LINES_MAX {
                state.lines.pop_front();
            }
            state.lines.push_back(text);
            self.changed.notify_all();
        }
        self.lock().is_closed = true;
        self.changed.notify_all();
    }
}
