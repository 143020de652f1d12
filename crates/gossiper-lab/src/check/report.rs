//! How cases ended, and how that is told.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use super::case::Case;

/// Steps of the dialogue shown with a failure; what came before is counted.
const TRANSCRIPT_LINES_SHOWN: usize = 20;

/// How one case ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Every step went as written.
    Pass {
        /// From the start of the process to the last step.
        took: Duration,
    },
    /// Some step did not.
    Fail(Box<Failure>),
    /// It was not played, and why.
    Skip(String),
    /// The program could not even be started, and why; no other case will do better.
    NotStarted(String),
}

/// What went wrong, and all that helps to see why.
#[derive(Clone, Debug)]
pub struct Failure {
    pub(super) name: String,
    /// Which step, and of how many.
    pub(super) step: String,
    pub(super) problem: Vec<String>,
    pub(super) transcript: Vec<String>,
    /// Lines printed after the one that was wrong.
    pub(super) unread: Vec<String>,
    pub(super) stderr: Vec<String>,
    pub(super) ended: String,
}

/// What a run as a whole has shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// At least one case ran, and none failed.
    Pass,
    /// At least one case failed.
    Fail,
    /// Nothing ran, so nothing is known.
    Unknown,
}

/// All outcomes of a run, counted.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Cases in which every step went as written.
    pub passed: usize,
    /// Cases with a failure, or whose program could not be started.
    pub failed: usize,
    /// Cases not played for a stated reason.
    pub skipped: usize,
    /// Cases that the filter left out.
    pub left_out: usize,
    /// Which cases failed: file and name.
    pub failures: Vec<String>,
    /// Wall time of the whole run.
    pub took: Duration,
}

impl Outcome {
    /// Writes the outcome's line in the list of cases and, where it failed, the failure below it.
    pub(super) fn write(&self, case: &Case, out: &mut dyn Write) -> io::Result<()> {
        let separator = if case.task.is_empty() { "" } else { ": " };
        let title = format!("{}{separator}{}", case.task, case.name);
        match self {
            Outcome::Pass { took } => writeln!(out, "  pass  {title} ({} ms)", took.as_millis()),
            Outcome::Skip(reason) => writeln!(out, "  skip  {title}: {reason}"),
            Outcome::NotStarted(reason) => writeln!(out, "  FAIL  {title}\n        {reason}"),
            Outcome::Fail(failure) => {
                writeln!(out, "  FAIL  {title}")?;
                for line in failure.lines() {
                    writeln!(out, "        {line}")?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Pass { took } => write!(f, "passed ({} ms)", took.as_millis()),
            Outcome::Fail(failure) => write!(f, "failed: {failure}"),
            Outcome::Skip(reason) => write!(f, "skipped: {reason}"),
            Outcome::NotStarted(reason) => write!(f, "not started: {reason}"),
        }
    }
}

impl Failure {
    /// The report below the case's name.
    fn lines(&self) -> Vec<String> {
        let mut lines = vec![self.step.clone()];
        let mut part = |title: &str, content: &mut dyn Iterator<Item = String>| {
            let mut content = content.peekable();
            if content.peek().is_some() && !title.is_empty() {
                lines.push(title.to_owned());
            }
            lines.extend(content.map(|line| format!("  {line}")));
        };
        part("", &mut self.problem.iter().cloned());
        let earlier = self.transcript.len().saturating_sub(TRANSCRIPT_LINES_SHOWN);
        let note = (earlier > 0).then(|| format!("… {earlier} earlier"));
        let shown = self.transcript[earlier..].iter().cloned();
        part("the dialogue so far:", &mut note.into_iter().chain(shown));
        part("printed after that:", &mut self.unread.iter().map(|line| format!("< {line}")));
        part("its stderr, last lines:", &mut self.stderr.iter().map(|line| format!("| {line}")));
        lines.push(self.ended.clone());
        lines
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.name, self.lines().join("\n"))
    }
}

impl Summary {
    /// What it all amounts to. A run in which nothing ran has shown nothing.
    pub fn verdict(&self) -> Verdict {
        match (self.failed, self.passed) {
            (0, 0) => Verdict::Unknown,
            (0, _) => Verdict::Pass,
            _ => Verdict::Fail,
        }
    }

    pub(super) fn add(&mut self, path: &Path, case: &Case, outcome: &Outcome) {
        match outcome {
            Outcome::Pass { .. } => self.passed += 1,
            Outcome::Skip(_) => self.skipped += 1,
            Outcome::Fail(_) | Outcome::NotStarted(_) => {
                self.failed += 1;
                self.failures.push(format!("{}: {}", path.display(), case.name));
            }
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        if self.left_out > 0 {
            write!(f, ", {} left out by the filter", self.left_out)?;
        }
        writeln!(f, " ({:.1} s)", self.took.as_secs_f64())?;
        for failure in &self.failures {
            writeln!(f, "  failed: {failure}")?;
        }
        if self.verdict() == Verdict::Unknown {
            writeln!(f, "no case ran, so nothing is known")?;
        }
        Ok(())
    }
}
