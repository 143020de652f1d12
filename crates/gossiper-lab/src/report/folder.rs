//! Reading a run's folder: a line at a time, and with errors that say where.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::ReportError;

/// Longest line that is read, in bytes. The longest that a host writes are those of values in a
/// cluster of thousands of nodes, some tens of kilobytes.
const LINE_BYTES_MAX: u64 = 16 << 20;

/// Files of the folder, as the page lists them.
const KNOWN: [(&str, &str); 5] = [
    ("results.json", "the verdict, the figures and what was run"),
    ("history.jsonl", "what clients asked and how it ended, an event a line"),
    ("faults.jsonl", "the faults that were applied; a plan that repeats them"),
    ("net.jsonl", "every message, and what became of it"),
    ("values.jsonl", "every broadcast value, and when each node had it"),
];

/// A file of the folder, for the list at the page's end.
#[derive(Serialize)]
pub(super) struct Listed {
    name: &'static str,
    what: &'static str,
    bytes: u64,
}

/// The known files that are there.
pub(super) fn list(folder: &Path) -> Vec<Listed> {
    let listed = |(name, what)| {
        let bytes = folder.join(name).metadata().ok()?.len();
        Some(Listed { name, what, bytes })
    };
    KNOWN.into_iter().filter_map(listed).collect()
}

/// Reads a whole file as one JSON value. Its absence is an error.
pub(super) fn read_json<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<T, ReportError> {
    let text = std::fs::read_to_string(path).map_err(|error| ReportError::io(path, &error))?;
    serde_json::from_str(&text)
        .map_err(|error| ReportError::at_line(path, error.line(), error.to_string()))
}

/// Opens a file that may be absent.
pub(super) fn open(path: &Path) -> Result<Option<BufReader<File>>, ReportError> {
    match File::open(path) {
        Ok(file) => Ok(Some(BufReader::with_capacity(1 << 18, file))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ReportError::io(path, &error)),
    }
}

/// A file of JSON lines, read with one line in memory.
pub(super) struct Lines {
    path: PathBuf,
    input: BufReader<File>,
    number: usize,
    line: Vec<u8>,
}

impl Lines {
    /// Opens the file; nothing if it is absent.
    pub(super) fn open(path: PathBuf) -> Result<Option<Self>, ReportError> {
        let input = open(&path)?;
        Ok(input.map(|input| Self { path, input, number: 0, line: Vec::new() }))
    }

    /// The next line that is not empty, as `T`, which may borrow from it; nothing at the end.
    pub(super) fn next<'a, T: Deserialize<'a>>(&'a mut self) -> Result<Option<T>, ReportError> {
        loop {
            self.line.clear();
            self.number += 1;
            let mut limited = (&mut self.input).take(LINE_BYTES_MAX);
            let read = limited.read_until(b'\n', &mut self.line);
            let read = read.map_err(|error| ReportError::io(&self.path, &error))?;
            if read == 0 {
                return Ok(None);
            }
            if read as u64 == LINE_BYTES_MAX {
                return Err(self.fault(format!("the line is longer than {LINE_BYTES_MAX} bytes")));
            }
            if !self.line.iter().all(u8::is_ascii_whitespace) {
                break;
            }
        }
        let parsed = serde_json::from_slice(&self.line);
        parsed
            .map(Some)
            .map_err(|error| ReportError::at_line(&self.path, self.number, error.to_string()))
    }

    /// An error at the line that was read last.
    pub(super) fn fault(&self, cause: String) -> ReportError {
        ReportError::at_line(&self.path, self.number, cause)
    }
}
