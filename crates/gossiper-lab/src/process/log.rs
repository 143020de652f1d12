//! What a node writes to stderr: the file, and the last lines.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use crate::text;

/// Bytes of stderr that are kept in the file, of one start of a node.
const LOG_BYTES_MAX: u64 = 64 << 20;
/// Bytes of stderr that the last lines are looked for in.
const TAIL_BYTES_MAX: usize = 4096;
/// Lines of stderr that are shown when a node ends by itself.
const TAIL_LINES_MAX: usize = 20;
/// Longest part of a line that [`last_lines`] gives, in characters.
const LINE_CHARS_MAX: usize = 200;

/// The log of one start of a node.
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    bytes: u64,
    /// The end of it all.
    tail: Vec<u8>,
    /// A line that has begun.
    line: Vec<u8>,
}

impl Log {
    /// Opens a file, to write after what is there.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::options().create(true).append(true).open(path)?;
        Ok(Self { file, bytes: 0, tail: Vec::new(), line: Vec::new() })
    }

    /// Writes text. What cannot be written, because there is too much of it or the disk is full, is
    /// still among the last lines. Hands on the lines that are complete.
    pub(super) fn take(&mut self, text: &[u8], mut on_line: impl FnMut(&str)) {
        for part in text.split_inclusive(|&byte| byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") || self.line.len() > TAIL_BYTES_MAX {
                on_line(String::from_utf8_lossy(&self.line).trim_end_matches(['\n', '\r']));
                self.line.clear();
            }
        }
        self.tail.extend_from_slice(text);
        let excess = self.tail.len().saturating_sub(TAIL_BYTES_MAX);
        self.tail.drain(..excess);
        if self.bytes > LOG_BYTES_MAX {
            return;
        }
        let _ = self.file.write_all(text);
        self.bytes += text.len() as u64;
        if self.bytes > LOG_BYTES_MAX {
            let mib = LOG_BYTES_MAX >> 20;
            let _ = writeln!(self.file, "\n(the rest is not kept: {mib} MiB are the most)");
        }
    }

    pub(super) fn last_lines(&self) -> String {
        let text = String::from_utf8_lossy(&self.tail);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES_MAX)..].join("\n")
    }
}

/// Where the log of a node is.
pub(super) fn path(log_folder: &Path, node: &str) -> PathBuf {
    log_folder.join(format!("{node}.log"))
}

/// The last lines of a node's log, `lines_max` at most, oldest first and fit for a terminal: of
/// each
/// 200 characters at most, with control characters as escapes. Empty lines are left out. Nothing if
/// there is no such log.
pub fn last_lines(log_folder: &Path, node: &str, lines_max: usize) -> Vec<String> {
    let tail = read_tail(&path(log_folder, node)).unwrap_or_default();
    let text = String::from_utf8_lossy(&tail);
    let mut lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines.drain(..lines.len().saturating_sub(lines_max));
    lines.into_iter().map(|line| text::cut(line, LINE_CHARS_MAX)).collect()
}

fn read_tail(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let bytes = file.metadata()?.len();
    file.seek(SeekFrom::Start(bytes.saturating_sub(TAIL_BYTES_MAX as u64)))?;
    let mut tail = Vec::new();
    file.take(TAIL_BYTES_MAX as u64).read_to_end(&mut tail)?;
    Ok(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_written_in_pieces_is_one_line() {
        let path = std::env::temp_dir().join(format!("gossiper-log-test-{}", std::process::id()));
        let mut log = Log::open(&path).unwrap();
        let mut lines = Vec::new();
        for text in ["first ", "half", "\nsecond\r\nthi", "rd"] {
            log.take(text.as_bytes(), |line| lines.push(line.to_owned()));
        }
        assert_eq!(lines, ["first half", "second"]);
        assert_eq!(log.last_lines(), "first half\nsecond\nthird");
        std::fs::remove_file(path).unwrap();
    }
}
