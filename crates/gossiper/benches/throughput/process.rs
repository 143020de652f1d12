//! A child process that is fed and read through pipes, and that never outlives its owner.

use std::io::{ErrorKind, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::Failure;
use crate::watchdog::Watchdog;

/// Bytes in one write to the child, and the most in one read: what a pipe holds on Linux, so more
/// would be split anyway.
const PIECE: usize = 64 * 1024;

/// How long a child may take to exit once its pipes are closed.
const EXIT_PATIENCE: Duration = Duration::from_secs(5);

/// A running child. Dropping it kills and reaps it.
pub(crate) struct Process {
    name: &'static str,
    child: Arc<Mutex<Child>>,
    /// `None` once the end of the input has been sent.
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    watchdog: Watchdog,
    piece: Vec<u8>,
}

/// What came back from an exchange.
pub(crate) struct Replies {
    /// The last reply, without its line feed.
    pub(crate) last: Vec<u8>,
    /// The bytes of all replies.
    pub(crate) bytes: usize,
}

impl Process {
    /// Starts `command` with both pipes; its stderr stays that of the benchmark, so that its last
    /// words are seen.
    pub(crate) fn spawn(name: &'static str, command: &mut Command) -> Result<Self, Failure> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{name} does not start: {error}"))?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().expect("stdout was asked to be a pipe");
        let child = Arc::new(Mutex::new(child));
        let watchdog = Watchdog::start(Arc::clone(&child));
        Ok(Self { name, child, stdin, stdout, watchdog, piece: vec![0; PIECE] })
    }

    pub(crate) fn id(&self) -> u32 {
        lock(&self.child).id()
    }

    /// Sends one short request and returns its reply, without the line feed.
    pub(crate) fn ask(&mut self, request: &[u8]) -> Result<Vec<u8>, Failure> {
        let stdin = self.stdin.as_mut().expect("the input is open");
        let written = stdin.write_all(request);
        // A child that is gone is explained by its exit, not by the pipe that broke.
        if let Err(error) = written.or_else(ignore_broken_pipe) {
            return Err(format!("writing to {} failed: {error}", self.name).into());
        }
        let replies = read_lines(&mut self.stdout, &mut self.piece, &self.watchdog, 1);
        replies.map(|replies| replies.last).map_err(|stop| self.explain(&stop))
    }

    /// Writes `input` in pieces while reading exactly `count` lines.
    pub(crate) fn exchange(&mut self, input: &[u8], count: u64) -> Result<Replies, Failure> {
        let stdin = self.stdin.as_mut().expect("the input is open");
        let (read, written) = thread::scope(|scope| {
            let writer = scope.spawn(|| input.chunks(PIECE).try_for_each(|p| stdin.write_all(p)));
            let read = read_lines(&mut self.stdout, &mut self.piece, &self.watchdog, count);
            if read.is_err() {
                // The writer may be waiting for a child that no longer reads.
                wait_or_kill(&self.child);
            }
            (read, writer.join().expect("the writer does not panic"))
        });
        let replies = read.map_err(|stop| self.explain(&stop))?;
        written.map_err(|error| format!("writing to {} failed: {error}", self.name))?;
        Ok(replies)
    }

    /// Ends the input and expects the child to say nothing more and to exit with 0.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.stdin = None;
        let mut rest = Vec::new();
        self.stdout.read_to_end(&mut rest)?;
        if !rest.is_empty() {
            return Err(format!("{} sent {} bytes too many", self.name, rest.len()).into());
        }
        match wait_or_kill(&self.child) {
            Some(status) if status.success() => Ok(()),
            status => Err(format!("{} {}", self.name, self.describe(status)).into()),
        }
    }

    fn explain(&mut self, stop: &Stop) -> Failure {
        match stop {
            Stop::Ended { lines, count } => {
                // Without its input a child that only closed its output ends too.
                self.stdin = None;
                let end = self.describe(wait_or_kill(&self.child));
                format!("{} {end} after {lines} of {count} replies", self.name).into()
            }
            Stop::Excess => format!("{} sent more than one reply a request", self.name).into(),
            Stop::Failed(error) => format!("reading from {} failed: {error}", self.name).into(),
        }
    }

    fn describe(&self, status: Option<ExitStatus>) -> String {
        match status {
            _ if self.watchdog.has_fired() => "was killed for saying nothing".to_owned(),
            Some(status) => format!("ended ({status})"),
            None => "closed its output, did not exit and was killed".to_owned(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let mut child = lock(&self.child);
        // Neither can fail in a way that matters: at worst the child has been reaped before.
        let _ = child.kill();
        let _ = child.wait();
    }
}

pub(crate) fn lock(child: &Mutex<Child>) -> MutexGuard<'_, Child> {
    child.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives the child a little time to exit by itself; `None` if it had to be killed.
///
/// The lock is held for moments only, so that the watchdog can act meanwhile.
fn wait_or_kill(child: &Mutex<Child>) -> Option<ExitStatus> {
    let deadline = Instant::now() + EXIT_PATIENCE;
    while Instant::now() < deadline {
        match lock(child).try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) => thread::sleep(Duration::from_millis(1)),
            Err(_) => break,
        }
    }
    let _ = lock(child).kill();
    None
}

/// Why the replies stopped short, or did not.
enum Stop {
    Ended { lines: u64, count: u64 },
    Excess,
    Failed(std::io::Error),
}

/// Reads until `count` lines are complete. A byte behind them that has already come is an error.
fn read_lines(
    stdout: &mut ChildStdout,
    piece: &mut [u8],
    watchdog: &Watchdog,
    count: u64,
) -> Result<Replies, Stop> {
    let (mut lines, mut bytes, mut last) = (0, 0, Vec::new());
    while lines < count {
        let length = match stdout.read(piece) {
            Ok(0) => return Err(Stop::Ended { lines, count }),
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(Stop::Failed(error)),
        };
        watchdog.pat();
        bytes += length;
        let mut text = &piece[..length];
        lines += text.iter().filter(|&&byte| byte == b'\n').count() as u64;
        if lines >= count {
            text = text.strip_suffix(b"\n").filter(|_| lines == count).ok_or(Stop::Excess)?;
        }
        keep_last_line(&mut last, text);
    }
    Ok(Replies { last, bytes })
}

/// Appends `text` to the unfinished line in `last`, and forgets all lines but the last.
fn keep_last_line(last: &mut Vec<u8>, text: &[u8]) {
    match text.iter().rposition(|&byte| byte == b'\n') {
        Some(end) => {
            last.clear();
            last.extend_from_slice(&text[end + 1..]);
        }
        None => last.extend_from_slice(text),
    }
}

fn ignore_broken_pipe(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}
