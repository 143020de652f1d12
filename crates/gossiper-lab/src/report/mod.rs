//! A run as one page that a browser shows without a network.
//!
//! [`write()`] makes `report.html` from the other files of a run's folder, and from nothing else:
//! who ran the nodes, and whether time was real, it does not know. `results.json` has to be there;
//! what the other files would tell is left out when they are absent, and the page says so.
//!
//! `net.jsonl` and `values.jsonl` may be large. They are read twice, a line at a time: first to
//! count, then for the part that the page shows. The page's size is bounded:
//!
//! | what | bound | beyond it |
//! | --- | --- | --- |
//! | points of a chart | 5,000 | the slowest are kept, and every so-many-th of the others |
//! | messages in the diagram | 20,000 | stretches around the start, slow values and faults |
//! | clients' requests and answers there | 10,000 | the first of these stretches |
//! | their bodies | 2.5 MB | left out, evenly over the run |
//! | values that can be followed with their arrivals | 60,000 arrivals | only their messages |
//! | spans of faults | 2,000 | counted |
//!
//! What nodes wrote is hostile: it is in the page as data only, where `<` does not occur, and the
//! page's scripts show it as text. The page forbids itself all requests.

mod clients;
mod coverage;
mod faults;
mod folder;
pub(crate) mod frame;
mod messages;
mod operations;
mod page;
mod results;
mod sample;
#[cfg(test)]
mod tests;
mod thin;
mod values;
mod windows;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use self::faults::Faults;
use self::messages::Traffic;
use self::operations::Operations;
use self::page::Data;
use self::results::{FORMAT, Results};
use self::sample::{MESSAGES_MAX, Sample};
use self::values::Values;
use self::windows::Selection;
use crate::fault::FaultPlan;

/// Arrivals of values at nodes that the page has, so that these values can be followed.
const ARRIVALS_MAX: usize = 60_000;

/// Why there is no report. What the folder held is as it was.
#[derive(Debug)]
pub struct ReportError {
    /// The file at fault.
    pub path: PathBuf,
    /// Which of its lines, from 1; nothing if it is about the whole file.
    pub line: Option<usize>,
    /// What is wrong, and what to do.
    pub cause: String,
}

impl ReportError {
    fn io(path: &Path, error: &io::Error) -> Self {
        let advice = match error.kind() {
            io::ErrorKind::NotFound => ": give the folder of a run that has ended",
            io::ErrorKind::PermissionDenied => ": allow this user to read and write the folder",
            _ => "",
        };
        Self { path: path.to_owned(), line: None, cause: format!("{error}{advice}") }
    }

    fn at_line(path: &Path, line: usize, cause: String) -> Self {
        let cause = format!(
            "{cause}; if the run was cut short or the file edited, repair or remove the line, \
             else repeat the run"
        );
        Self { path: path.to_owned(), line: Some(line), cause }
    }
}

impl fmt::Display for ReportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {}", self.cause)
    }
}

impl std::error::Error for ReportError {}

/// Writes `report.html` into a run's folder, over one that is there, and gives its path.
///
/// # Errors
///
/// If a file cannot be read or written, or is not as the host writes it; says which, and where.
pub fn write(folder: &Path) -> Result<PathBuf, ReportError> {
    let file = |name| folder.join(name);
    let mut results: Results = folder::read_json(&file("results.json"))?;
    if results.format != FORMAT {
        let cause = format!(
            "format {} is unknown here, only {FORMAT} is: use the version that ran it",
            results.format
        );
        return Err(ReportError { path: file("results.json"), line: None, cause });
    }
    let names = results.plan.nodes.clone();
    let names = names.as_slice();
    // A run that was over at once still has an axis.
    let span_ms = results.phases_ms.last_ms().max(1.0);

    let plan = read_faults(&file("faults.jsonl"), names.len())?;
    let faults = Faults::of(&plan, names);
    let live = Faults::live(&plan);
    let operations = Operations::read(&file("history.jsonl"), span_ms)?;
    let values = Values::read(&file("values.jsonl"), names, &live, span_ms)?;
    let traffic = Traffic::read(&file("net.jsonl"), &results, span_ms)?;

    let drain_ms = results.phases_ms.drain;
    let selection = traffic.as_ref().map(|traffic| {
        Selection::of(&traffic.fine, &faults, values.as_ref(), drain_ms, MESSAGES_MAX as u64)
    });
    let (sample, arrivals) = match &selection {
        Some(selection) => {
            let expected = traffic.as_ref().map_or(0, Traffic::total);
            let sample = Sample::read(&file("net.jsonl"), names, selection, expected)?;
            let path = file("values.jsonl");
            let arrivals = values.as_ref().map_or(Ok(Vec::new()), |values| {
                let all_fit = values.total() * names.len() <= ARRIVALS_MAX;
                let is_shown = |at_ms| all_fit || selection.is_shown(at_ms);
                values.arrivals(&path, names.len(), is_shown, ARRIVALS_MAX)
            })?;
            (Some(sample), arrivals)
        }
        None => (None, Vec::new()),
    };

    let types_left_out = results.shorten();
    let data = Data {
        files: folder::list(folder),
        has_node_logs: folder.join("node-logs").is_dir(),
        results: &results,
        seed: results.seed.to_string(),
        types_left_out,
        span_ms,
        faults,
        operations,
        values,
        traffic,
        selection,
        sample,
        arrivals,
    };
    let path = file("report.html");
    let html = page::page(&data).map_err(|error| ReportError::io(&path, &error.into()))?;
    std::fs::write(&path, html).map_err(|error| ReportError::io(&path, &error))?;
    Ok(path)
}

/// The faults that were applied; none if the file is absent.
fn read_faults(path: &Path, nodes: usize) -> Result<FaultPlan, ReportError> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        text => text.map_err(|error| ReportError::io(path, &error))?,
    };
    // The plan's error names the line itself.
    FaultPlan::from_json(&text, nodes).map_err(|error| ReportError {
        path: path.to_owned(),
        line: None,
        cause: error.to_string(),
    })
}
