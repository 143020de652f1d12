//! A plan: many runs on all cores, and one table.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::thread;

use gossiper_lab::simulation::{self, Answer, Sweep};
use indicatif::{ProgressBar, ProgressStyle};

use super::table::{figure, told};
use super::{Failure, SimArgs, bad, exit_code, print};

/// Plays the plan in this file, and shows what came of it.
pub(super) fn run(args: &SimArgs, path: &Path) -> Result<u8, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|error| bad(format!("cannot read {}: {error}", path.display())))?;
    let in_file = |error| bad(format!("{}: {error}", path.display()));
    let sweep = Sweep::from_toml(&text).map_err(in_file)?;
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    let threads = args.threads.unwrap_or_else(cores).min(sweep.points.len());
    let bar = bar(sweep.points.len());
    let answers = sweep.play(threads, &|| bar.inc(1)).map_err(in_file)?;
    bar.finish_and_clear();
    print(&match args.json {
        true => simulation::answers_json(&answers),
        false => table(&sweep.question, &answers),
    })?;
    Ok(exit_code(answers.iter().map(|answer| &answer.results)))
}

/// A bar on a terminal, else nothing.
fn bar(runs: usize) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    // The template is a constant, and good.
    let style = ProgressStyle::with_template("{bar:30.cyan} {pos} of {len} runs, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(runs as u64).with_style(style.progress_chars("━╸─"))
}

/// A column: its name, whether it is there even if all its cells are alike, and its cell for the
/// runs that differ in their seeds alone.
type Column = (&'static str, bool, fn(&[Answer]) -> String);

const COLUMNS: [Column; 15] = [
    ("faults", false, |runs| runs[0].label.faults.clone()),
    ("nodes", false, |runs| runs[0].results.nodes.to_string()),
    ("fanout", false, |runs| runs[0].label.fanout.to_string()),
    ("interval", false, |runs| runs[0].label.gossip_interval_ms.to_string()),
    ("pace", false, |runs| runs[0].label.pace_ms.to_string()),
    ("strategy", true, |runs| runs[0].results.strategy.to_owned()),
    ("runs", true, |runs| runs.len().to_string()),
    ("coverage", true, |runs| {
        let share = mean(runs, |run| run.results.coverage);
        told(share, |share| format!("{:.2} %", share * 100.0))
    }),
    ("redundancy", true, |runs| figure(mean(runs, |run| run.results.redundancy))),
    ("last hop", true, |runs| figure(mean(runs, |run| run.results.last_delivery_hop))),
    ("messages", true, |runs| whole(mean(runs, |run| run.results.messages_per_broadcast))),
    ("bytes", true, |runs| whole(mean(runs, |run| run.results.bytes_per_broadcast))),
    ("ms to all", true, |runs| {
        whole(mean(runs, |run| run.results.time_to_all_ms.map(|all| all.median)))
    }),
    ("at most", true, |runs| {
        let worst = runs.iter().filter_map(|run| run.results.time_to_all_ms);
        whole(worst.map(|all| all.max).reduce(f64::max))
    }),
    ("recovery", true, |runs| {
        // Who has not recovered once has no time for it.
        let all: Option<Vec<f64>> = runs.iter().map(|run| run.results.recovery_ms).collect();
        whole(all.and_then(|all| all.into_iter().reduce(f64::max)))
    }),
];

/// A row for all runs that differ in their seeds alone: means over them, but for the last two
/// columns, which are the worst of all.
fn table(question: &str, answers: &[Answer]) -> String {
    let same = |one: &Answer, next: &Answer| {
        one.label == next.label
            && one.results.nodes == next.results.nodes
            && one.results.strategy == next.results.strategy
    };
    let rows: Vec<&[Answer]> = answers.chunk_by(same).collect();
    let columns = COLUMNS.iter().map(|(name, is_fixed, cell)| {
        let cells: Vec<String> = rows.iter().map(|runs| cell(runs)).collect();
        let is_needed = *is_fixed || cells.windows(2).any(|pair| pair[0] != pair[1]);
        (*name, is_needed, cells)
    });
    let columns: Vec<_> = columns.filter(|(_, is_needed, _)| *is_needed).collect();
    let mut text = format!("{question}\n");
    for row in 0..=rows.len() {
        text.push('\n');
        for (place, (name, _, cells)) in columns.iter().enumerate() {
            let width = cells.iter().map(|cell| cell.chars().count()).max().unwrap_or(0);
            let width = width.max(name.len());
            let cell = if row == 0 { name } else { cells[row - 1].as_str() };
            let gap = if place == 0 { "" } else { "  " };
            let _ = match *name {
                "faults" | "strategy" => write!(text, "{gap}{cell:<width$}"),
                _ => write!(text, "{gap}{cell:>width$}"),
            };
        }
    }
    text
}

/// The mean of a figure over those runs that have it.
fn mean(runs: &[Answer], figure: impl Fn(&Answer) -> Option<f64>) -> Option<f64> {
    let all: Vec<f64> = runs.iter().filter_map(figure).collect();
    (!all.is_empty()).then(|| all.iter().sum::<f64>() / all.len() as f64)
}

fn whole(figure: Option<f64>) -> String {
    told(figure, |figure| format!("{figure:.0}"))
}
