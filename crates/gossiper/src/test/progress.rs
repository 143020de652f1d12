//! What the user sees while a run goes on: a bar on a terminal, else a line every few seconds.

use std::io::{IsTerminal as _, Write as _, stderr};
use std::time::{Duration, Instant};

use gossiper_lab::load::Workload;
use gossiper_lab::process::Report;
use gossiper_lab::run::{Phase, QUIET, Run, RunConfig};
use indicatif::{ProgressBar, ProgressStyle};

/// Between two lines where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// The display.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    last_line: Instant,
    total: Duration,
}

impl Progress {
    pub(super) fn new(config: &RunConfig) -> Self {
        let quiet = match config.workload {
            Workload::Broadcast => QUIET,
            Workload::Echo => Duration::ZERO,
        };
        let total = config.time_limit + quiet;
        let bar = stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total.as_millis() as u64);
            // The template is a constant, and good.
            let style = ProgressStyle::with_template("{bar:30.cyan} {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            bar.set_style(style.progress_chars("━╸─"));
            bar
        });
        Self { bar, last_line: Instant::now(), total }
    }

    /// Shows what there is to show.
    pub(super) fn on(&mut self, report: &Report<'_>) {
        match report {
            Report::Tick(run, now) => self.tick(run, *now),
            Report::Say(text) => self.line(text),
            Report::Stderr(node, line) => self.line(&format!("{node}: {line}")),
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn tick(&mut self, run: &Run, now: gossiper_core::Instant) {
        let passed = run.main_since().map_or(Duration::ZERO, |start| now - start);
        if let Some(bar) = &self.bar {
            bar.set_position(passed.min(self.total).as_millis() as u64);
            bar.set_message(self.state(run, passed));
        } else if self.last_line.elapsed() >= LINE_INTERVAL {
            self.last_line = Instant::now();
            self.line(&self.state(run, passed));
        }
    }

    fn state(&self, run: &Run, passed: Duration) -> String {
        let phase = match run.phase() {
            Phase::SetUp => "starting nodes",
            Phase::Main => "load",
            Phase::Drain => "last operations",
            Phase::Quiet => "quiet, to recover",
            Phase::Final => "final reads",
            Phase::Over => "done",
        };
        let operations = run.history().operations().len();
        let messages = run.messages();
        let per_op = match operations {
            0 => String::new(),
            _ => format!(", {:.2} per op", messages as f64 / operations as f64),
        };
        format!(
            "{:>3}/{} s  {phase}: {operations} ops, {messages} messages{per_op}",
            passed.as_secs(),
            // Clients that are not answered make a run longer.
            self.total.max(passed).as_secs_f64().round(),
        )
    }

    fn line(&self, text: &str) {
        let write = || drop(writeln!(stderr().lock(), "{text}"));
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }
}
