//! One node: a child process and its three pipes, none of which blocks.

use std::io::{self, Read, Write};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use gossiper_core::Instant;
use gossiper_wire::LINE_BYTES_MAX;
use memchr::memchr;
use mio::unix::pipe::{Receiver, Sender};
use mio::{Interest, Registry, Token};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::log::Log;

/// Bytes read from a pipe at a time; Linux's pipes hold as many.
pub(super) const READ_BYTES_MAX: usize = 64 << 10;
/// Bytes that may wait for a node to take them. A node that does not read its stdin must not take
/// all memory.
const WAITING_BYTES_MAX: usize = 256 << 20;
/// Which pipe of a node.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Pipe {
    Stdin,
    Stdout,
    Stderr,
}

impl Pipe {
    fn token(self, place: usize) -> Token {
        Token(place * 3 + self as usize)
    }

    /// Which node's pipe a token stands for.
    pub(super) fn of(token: Token) -> (usize, Self) {
        let pipe = match token.0 % 3 {
            0 => Self::Stdin,
            1 => Self::Stdout,
            _ => Self::Stderr,
        };
        (token.0 / 3, pipe)
    }
}

/// What reading a pipe gave.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Printed {
    /// Something; there may be more.
    Some,
    /// Nothing at the moment.
    Nothing,
    /// Nothing any more.
    End,
}

/// A running node. Dropping it kills and reaps the process, and all in its process group.
#[derive(Debug)]
pub(super) struct Node {
    child: Child,
    pid: Pid,
    stdin: Option<Sender>,
    stdout: Receiver,
    stderr: Receiver,
    /// What waits to be written, and how much of it has been.
    waiting: Vec<u8>,
    written: usize,
    /// A line that has begun.
    line: Vec<u8>,
    /// Whether the line that has begun is too long and not kept.
    is_skipping: bool,
    log: Log,
    /// When the messages were due that have been queued since the last flush.
    pub(super) due: Vec<Instant>,
    /// When stdout was closed.
    pub(super) closed: Option<Instant>,
}

impl Node {
    /// Starts a node in a process group of its own and registers its pipes.
    pub(super) fn start(
        command: &[String],
        place: usize,
        log: &Path,
        registry: &Registry,
    ) -> io::Result<Self> {
        let log = Log::open(log)?;
        let mut child = Command::new(&command[0])
            .args(&command[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            unreachable!("all three were asked for");
        };
        let mut node = Self {
            pid: Pid::from_child(&child),
            child,
            stdin: Some(Sender::from(stdin)),
            stdout: Receiver::from(stdout),
            stderr: Receiver::from(stderr),
            waiting: Vec::new(),
            written: 0,
            line: Vec::new(),
            is_skipping: false,
            log,
            due: Vec::new(),
            closed: None,
        };
        node.stdout.set_nonblocking(true)?;
        node.stderr.set_nonblocking(true)?;
        registry.register(&mut node.stdout, Pipe::Stdout.token(place), Interest::READABLE)?;
        registry.register(&mut node.stderr, Pipe::Stderr.token(place), Interest::READABLE)?;
        if let Some(stdin) = &mut node.stdin {
            stdin.set_nonblocking(true)?;
            registry.register(stdin, Pipe::Stdin.token(place), Interest::WRITABLE)?;
        }
        Ok(node)
    }

    /// The number of the process, which is also that of its group.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Queues a line.
    pub(super) fn write(&mut self, line: &[u8]) {
        if self.stdin.is_some() {
            self.waiting.extend_from_slice(line);
            self.waiting.push(b'\n');
        }
    }

    /// Writes what the node takes. Fails if too much waits; the error goes after the node's name.
    pub(super) fn flush(&mut self) -> Result<(), String> {
        while let Some(stdin) = &mut self.stdin
            && self.written < self.waiting.len()
        {
            match stdin.write(&self.waiting[self.written..]) {
                Ok(bytes) => self.written += bytes,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // It has closed its stdin or ended; which of them, its end will tell.
                Err(_) => self.stdin = None,
            }
        }
        let left = self.waiting.len() - self.written;
        if left == 0 || self.stdin.is_none() {
            self.waiting.clear();
            self.written = 0;
        } else if self.written > self.waiting.len() / 2 {
            self.waiting.drain(..self.written);
            self.written = 0;
        }
        if left > WAITING_BYTES_MAX {
            let mib = WAITING_BYTES_MAX >> 20;
            return Err(format!("does not read its stdin: more than {mib} MiB wait for it."));
        }
        Ok(())
    }

    /// Reads once, and hands on the lines that are complete.
    pub(super) fn read_stdout(
        &mut self,
        buffer: &mut [u8],
        mut on_line: impl FnMut(&[u8]),
    ) -> Printed {
        let bytes = match self.stdout.read(buffer) {
            Ok(0) => {
                // A last line without its end is a line.
                let line = std::mem::take(&mut self.line);
                if !line.is_empty() {
                    on_line(&line);
                }
                return Printed::End;
            }
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Printed::Nothing,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Printed::Some,
            Err(_) => return Printed::End,
        };
        let mut rest = &buffer[..bytes];
        while let Some(end) = memchr(b'\n', rest) {
            let (line, after) = (&rest[..end], &rest[end + 1..]);
            rest = after;
            if self.is_skipping {
                self.is_skipping = false;
            } else if self.line.is_empty() {
                on_line(without_return(line));
            } else {
                self.line.extend_from_slice(line);
                on_line(without_return(&self.line));
                self.line.clear();
            }
        }
        if !self.is_skipping {
            self.line.extend_from_slice(rest);
            if self.line.len() > LINE_BYTES_MAX {
                // Told by its beginning, which is no JSON.
                on_line(&self.line[..READ_BYTES_MAX]);
                self.line = Vec::new();
                self.is_skipping = true;
            }
        }
        Printed::Some
    }

    /// Reads once, into the log.
    pub(super) fn read_stderr(&mut self, buffer: &mut [u8], on_line: impl FnMut(&str)) -> Printed {
        let bytes = match self.stderr.read(buffer) {
            Ok(0) => return Printed::End,
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Printed::Nothing,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Printed::Some,
            Err(_) => return Printed::End,
        };
        let text = &buffer[..bytes];
        self.log.take(text, on_line);
        Printed::Some
    }

    /// The end of what it wrote to stderr.
    pub(super) fn last_lines(&self) -> String {
        self.log.last_lines()
    }

    /// How it ended, if it has.
    pub(super) fn ended(&mut self) -> Option<String> {
        // An error means that there is no such child, which cannot be.
        self.child.try_wait().ok().flatten().map(status_text)
    }

    /// Makes it stand still. Like all signals, to the whole process group: a node may be a script
    /// that has started another program. Not for a node that [`Self::ended`] has told the end of:
    /// its number may be another's.
    pub(super) fn pause(&self) {
        self.signal(Signal::STOP);
        // It may have left the group.
        let _ = kill_process(self.pid, Signal::STOP);
    }

    /// Lets it go on; not for a node that has ended either.
    pub(super) fn resume(&self) {
        self.signal(Signal::CONT);
        let _ = kill_process(self.pid, Signal::CONT);
    }

    /// Ends it without notice, and waits until it has ended.
    pub(super) fn kill(&mut self) {
        self.signal(Signal::KILL);
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn signal(&self, signal: Signal) {
        // That nobody is left in the group is no error.
        let _ = kill_process_group(self.pid, signal);
    }

    /// Closes stdin, which asks a node to end.
    pub(super) fn close_stdin(&mut self, registry: &Registry) {
        if let Some(mut stdin) = self.stdin.take() {
            let _ = registry.deregister(&mut stdin);
        }
    }

    /// Gives all pipes back.
    pub(super) fn close(&mut self, registry: &Registry) {
        self.close_stdin(registry);
        let _ = registry.deregister(&mut self.stdout);
        let _ = registry.deregister(&mut self.stderr);
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A line without the carriage return of other systems.
fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn status_text(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}
