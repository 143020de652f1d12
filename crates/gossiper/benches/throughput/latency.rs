//! The round trip of one broadcast while nothing else is under way.

use std::time::Instant;

use crate::Failure;
use crate::process::Process;
use crate::program::Program;
use crate::settings::Settings;
use crate::stats::{grouped, median, percentile};
use crate::workload;

/// Turns into which the broadcasts of each program are split, so that all see the same machine.
const TURNS: u64 = 20;

/// A program that is being asked, and what it took.
struct Row {
    program: Program,
    process: Process,
    micros: Vec<f64>,
}

/// Measures all programs in turns and prints the table.
pub(crate) fn report(settings: &Settings, programs: &[Program]) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for &program in programs {
        rows.push(Row { program, process: program.start()?, micros: Vec::new() });
    }
    let turn_length = settings.pings / TURNS;
    for turn in 0..TURNS {
        for row in &mut rows {
            for value in turn * turn_length..(turn + 1) * turn_length {
                row.ping(value)?;
            }
        }
    }
    print_table(&rows);
    rows.into_iter().try_for_each(|row| row.process.finish())
}

impl Row {
    fn ping(&mut self, value: u64) -> Result<(), Failure> {
        let request = workload::broadcast(value);
        let start = Instant::now();
        let reply = self.process.ask(&request)?;
        self.micros.push(start.elapsed().as_secs_f64() * 1e6);
        workload::check_reply(&reply, "broadcast_ok", value + 1)
    }
}

fn print_table(rows: &[Row]) {
    let pings = rows.first().map_or(0, |row| row.micros.len());
    println!("\nLatency: {} broadcasts, one at a time", grouped(pings as f64));
    println!("{:<15}{:>14}{:>12}", "program", "median µs", "p99 µs");
    for row in rows {
        println!(
            "{:<15}{:>14.1}{:>12.1}",
            row.program.name(),
            median(&row.micros),
            percentile(&row.micros, 99)
        );
    }
}
