//! A plan: many runs on all cores, and one table.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::thread;

use gossiper_lab::simulation::report::{Summary, plan_page};
use gossiper_lab::simulation::{self, Answer, Sweep};
use indicatif::{ProgressBar, ProgressStyle};

use super::table::{figure, told};
use super::{Failure, SimArgs, bad, exit_code, print, read, write_report};
use crate::cli::command_line;

/// Plays the plan in this file, and shows what came of it.
pub(super) fn run(args: &SimArgs, path: &Path) -> Result<u8, Failure> {
    let text = read(path)?;
    let in_file = |error| bad(format!("{}: {error}", path.display()));
    // As no table of TOML begins.
    let is_bracket = |letter: char| letter == '[' || letter.is_whitespace();
    if text.trim_start_matches(is_bracket).starts_with('{') {
        let path = path.display();
        return Err(bad(format!(
            "{path} is no plan of runs, and a plan of faults is given with --fault-plan"
        )));
    }
    let sweep = Sweep::from_toml(&text).map_err(in_file)?;
    let bar = bar(sweep.points.len());
    let answers = sweep.play(threads(args), &|| bar.inc(1)).map_err(in_file)?;
    bar.finish_and_clear();
    print(&match args.json {
        true => simulation::answers_json(&answers),
        false => table(&sweep.question, &answers),
    })?;
    if let Some(path) = &args.report {
        write_report(path, &plan_page(&sweep, &answers, &command_line(None)))?;
    }
    Ok(exit_code(answers.iter().map(|answer| &answer.results)))
}

/// On how many threads to play.
pub(super) fn threads(args: &SimArgs) -> usize {
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    args.threads.unwrap_or_else(cores)
}

/// A bar of runs on a terminal, else nothing. Those of a plan are too unlike each other to tell how
/// long the rest takes.
pub(super) fn bar(runs: usize) -> ProgressBar {
    styled_bar(runs as u64, "{bar:30.cyan} {pos} of {len} runs, {elapsed}")
}

/// A bar on a terminal, else nothing. The template must be a good one.
pub(super) fn styled_bar(length: u64, template: &str) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style.progress_chars("━╸─"))
}

/// A column: its name, whether it is there even if all its cells are alike, and its cell for the
/// runs that differ in their seeds alone.
type Column = (&'static str, bool, fn(&Summary) -> String);

const COLUMNS: [Column; 16] = [
    ("faults", false, |row| row.label.faults.clone()),
    ("nodes", false, |row| row.nodes.to_string()),
    ("fanout", false, |row| row.label.fanout.to_string()),
    ("interval ms", false, |row| row.label.gossip_interval_ms.to_string()),
    ("pace ms", false, |row| row.label.pace_ms.to_string()),
    ("strategy", true, |row| row.strategy.to_owned()),
    ("overlay", true, |row| row.paths.name().to_owned()),
    ("runs", true, |row| row.runs.to_string()),
    ("coverage", true, |row| told(row.coverage, |share| format!("{:.2} %", share * 100.0))),
    ("redundancy", true, |row| figure(row.redundancy)),
    ("last hop", true, |row| figure(row.last_delivery_hop)),
    ("messages", true, |row| whole(row.messages_per_broadcast)),
    ("bytes", true, |row| whole(row.bytes_per_broadcast)),
    ("ms to all", true, |row| whole(row.time_to_all_ms)),
    ("at most", true, |row| whole(row.time_to_all_ms_max)),
    ("recovery", true, |row| whole(row.recovery_ms)),
];

/// A row for all runs that differ in their seeds alone: means over them, but for the last two
/// columns, which are the worst of all.
fn table(question: &str, answers: &[Answer]) -> String {
    let rows = Summary::all(answers);
    let columns = COLUMNS.iter().map(|(name, is_fixed, cell)| {
        let cells: Vec<String> = rows.iter().map(cell).collect();
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
                "faults" | "strategy" | "overlay" => write!(text, "{gap}{cell:<width$}"),
                _ => write!(text, "{gap}{cell:>width$}"),
            };
        }
    }
    text
}

fn whole(figure: Option<f64>) -> String {
    told(figure, |figure| format!("{figure:.0}"))
}
