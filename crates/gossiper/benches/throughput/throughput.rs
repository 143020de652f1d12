//! Broadcasts a second, all of them written as fast as the program reads.

use std::time::Instant;

use crate::Failure;
use crate::program::Program;
use crate::settings::Settings;
use crate::stats::{grouped, median, median_ratio};
use crate::workload;

/// Python gets one broadcast for so many of the others': it is slow enough that a run would
/// otherwise be mostly a wait for it, and fewer values do not make it slower.
const PYTHON_SHARE: u64 = 10;

/// One program's part in the table.
struct Row {
    program: Program,
    broadcasts: u64,
    input: Vec<u8>,
    /// Broadcasts a second, one figure a round.
    rates: Vec<f64>,
}

impl Row {
    fn new(program: Program, settings: &Settings) -> Self {
        let share = if program == Program::Python { PYTHON_SHARE } else { 1 };
        let broadcasts = (settings.broadcasts / share).max(1);
        Self { program, broadcasts, input: workload::broadcasts(broadcasts), rates: Vec::new() }
    }

    /// Feeds a fresh process, and asks it for all values once the clock has stopped.
    fn measure(&self) -> Result<f64, Failure> {
        let mut process = self.program.start()?;
        let start = Instant::now();
        let replies = process.exchange(&self.input, self.broadcasts)?;
        let elapsed = start.elapsed();
        workload::check_reply(&replies.last, "broadcast_ok", self.broadcasts)?;
        let id = workload::next_id(self.broadcasts);
        let reply = process.ask(&workload::plain("read", id))?;
        workload::check_read(&reply, id, self.broadcasts)?;
        process.finish()?;
        Ok(self.broadcasts as f64 / elapsed.as_secs_f64())
    }
}

/// Measures all programs in turns and prints the table.
pub(crate) fn report(settings: &Settings, programs: &[Program]) -> Result<(), Failure> {
    let mut rows: Vec<Row> = programs.iter().map(|&p| Row::new(p, settings)).collect();
    for round in 0..settings.warm_up_rounds + settings.rounds {
        for row in &mut rows {
            let rate = row.measure()?;
            if round >= settings.warm_up_rounds {
                row.rates.push(rate);
            }
        }
    }
    print_table(settings, &rows);
    Ok(())
}

fn print_table(settings: &Settings, rows: &[Row]) {
    println!(
        "\nThroughput: {} broadcasts, {} rounds after {} to warm up",
        grouped(settings.broadcasts as f64),
        settings.rounds,
        settings.warm_up_rounds
    );
    println!(
        "{:<15}{:>14}{:>12}{:>12}{:>12}{:>12}",
        "program", "broadcasts/s", "min", "max", "x Python", "x simplest"
    );
    for row in rows {
        println!(
            "{:<15}{:>14}{:>12}{:>12}{:>12}{:>12}",
            row.program.name(),
            grouped(median(&row.rates)),
            grouped(row.rates.iter().copied().fold(f64::INFINITY, f64::min)),
            grouped(row.rates.iter().copied().fold(0.0, f64::max)),
            ratio_to(row, rows, Program::Python),
            ratio_to(row, rows, Program::Simplest),
        );
    }
    for row in rows.iter().filter(|row| row.broadcasts < settings.broadcasts) {
        println!(
            "{} gets {} broadcasts a round, to keep the time down.",
            row.program.name(),
            grouped(row.broadcasts as f64)
        );
    }
}

/// How many times as fast as `yardstick` the program of `row` is; a dash where that did not run.
fn ratio_to(row: &Row, rows: &[Row], yardstick: Program) -> String {
    rows.iter()
        .find(|other| other.program == yardstick)
        .map_or_else(|| "-".to_owned(), |y| format!("{:.2}", median_ratio(&row.rates, &y.rates)))
}
