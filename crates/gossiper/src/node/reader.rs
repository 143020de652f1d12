//! The thread that reads stdin, so that input never waits for the node.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use gossiper_wire::LINE_BYTES_MAX;

/// What one read takes: as much as a pipe holds.
const READ_BYTES: usize = 64 * 1024;

/// The chunks that wait for the node. While there are so many, the reader stops, the pipe fills,
/// and whoever writes waits: nothing is dropped.
const CHUNKS_MAX: usize = 64;

/// A piece of the input.
#[derive(Debug)]
pub(crate) enum Chunk {
    /// Whole lines, each with its line feed; only the last of the input may lack it.
    Lines(Vec<u8>),
    /// A line longer than the limit was here.
    Oversized,
    /// Reading has failed. Nothing comes after it.
    Failed(io::Error),
}

/// Reads to the end, which the receiver sees as a disconnection.
pub(crate) fn start(input: impl Read + Send + 'static) -> Receiver<Chunk> {
    let (sender, receiver) = sync_channel(CHUNKS_MAX);
    // It ends with the input or, blocked in a read, with the process.
    thread::spawn(move || read_all(input, &sender));
    receiver
}

fn read_all(mut input: impl Read, chunks: &SyncSender<Chunk>) {
    let mut lines = Splitter::default();
    let mut piece = vec![0; READ_BYTES];
    loop {
        let read = match input.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                let _ = chunks.send(Chunk::Failed(error));
                break;
            }
        };
        if !lines.take(&piece[..read], |chunk| chunks.send(chunk).is_ok()) {
            return;
        }
    }
    lines.end(|chunk| chunks.send(chunk).is_ok());
}

/// Cuts a stream at line feeds, and throws away what is too long for a line.
#[derive(Debug, Default)]
struct Splitter {
    /// The start of a line whose end has not come.
    begun: Vec<u8>,
    /// The line at hand is too long, and what comes up to its end is thrown away.
    is_oversized: bool,
}

impl Splitter {
    /// Takes a piece of the stream and gives out the lines that it ends. False: nobody wants them.
    fn take(&mut self, mut piece: &[u8], mut give: impl FnMut(Chunk) -> bool) -> bool {
        if self.is_oversized {
            let Some(end) = memchr::memchr(b'\n', piece) else {
                return true;
            };
            self.is_oversized = false;
            piece = &piece[end + 1..];
            if !give(Chunk::Oversized) {
                return false;
            }
        }
        let whole = memchr::memrchr(b'\n', piece).map_or(0, |end| end + 1);
        if whole > 0 {
            let mut lines = std::mem::take(&mut self.begun);
            lines.extend_from_slice(&piece[..whole]);
            if !give(Chunk::Lines(lines)) {
                return false;
            }
        }
        self.begun.extend_from_slice(&piece[whole..]);
        if self.begun.len() > LINE_BYTES_MAX {
            self.begun = Vec::new();
            self.is_oversized = true;
        }
        true
    }

    /// The stream has ended.
    fn end(self, mut give: impl FnMut(Chunk) -> bool) {
        if self.is_oversized {
            give(Chunk::Oversized);
        } else if !self.begun.is_empty() {
            give(Chunk::Lines(self.begun));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines that come of a stream in pieces of this size; an oversized one is `None`.
    fn split(stream: &[u8], size: usize) -> Vec<Option<Vec<u8>>> {
        let mut lines = Vec::new();
        let mut give = |chunk| {
            match chunk {
                Chunk::Lines(text) => {
                    lines.extend(text.split_inclusive(|&b| b == b'\n').map(|l| Some(l.to_vec())));
                }
                Chunk::Oversized => lines.push(None),
                Chunk::Failed(error) => panic!("{error}"),
            }
            true
        };
        let mut splitter = Splitter::default();
        stream.chunks(size).for_each(|piece| assert!(splitter.take(piece, &mut give)));
        splitter.end(give);
        lines
    }

    #[test]
    fn lines_are_the_same_however_the_stream_is_cut() {
        let stream = b"one\ntwo\n\nthree\nthe end";
        let whole = split(stream, stream.len());
        assert_eq!(whole.len(), 5);
        for size in 1..stream.len() {
            assert_eq!(split(stream, size), whole);
        }
    }

    #[test]
    fn a_line_past_the_limit_is_thrown_away_and_the_next_is_read() {
        // One that passes the limit only by what ends it in the same piece is left to the session.
        let mut stream = vec![b'x'; LINE_BYTES_MAX + READ_BYTES];
        stream.extend_from_slice(b"\nnext\n");
        stream.extend(vec![b'y'; LINE_BYTES_MAX + 1]);
        let lines = split(&stream, READ_BYTES);
        let lengths: Vec<_> = lines.iter().map(|line| line.as_ref().map(Vec::len)).collect();
        assert_eq!(lengths, [None, Some(5), None]);
    }
}
