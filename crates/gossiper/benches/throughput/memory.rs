//! Resident bytes for each value that `gossiper node` knows.
//!
//! A node that knows all values is set against one that knows none, so that the program itself is
//! not counted. Both are looked at while they live, after a request that does not list the values
//! has been answered: everything before it has then been dealt with.

use std::fs;

use crate::Failure;
use crate::process::Process;
use crate::program::Program;
use crate::settings::Settings;
use crate::stats::grouped;
use crate::workload;

/// The goal for a value in resident memory at its peak: what a value, its place in the order of
/// arrival and its place in the set may take together, with room for a table that has just grown.
const BYTES_MAX: f64 = 120.0;

/// A process's resident bytes, as the kernel counts them.
#[derive(Clone, Copy)]
struct Resident {
    /// `VmHWM`: the most there has been so far.
    peak: f64,
    /// `VmRSS`: now.
    now: f64,
}

impl Resident {
    fn of(process: &Process) -> Result<Self, Failure> {
        let status = fs::read_to_string(format!("/proc/{}/status", process.id()))?;
        let bytes = |key: &str| -> Result<f64, Failure> {
            let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
            let kibibytes =
                line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok());
            let kibibytes: f64 = kibibytes.ok_or_else(|| format!("no {key} in {status}"))?;
            Ok(kibibytes * 1024.0)
        };
        Ok(Self { peak: bytes("VmHWM")?, now: bytes("VmRSS")? })
    }

    /// What each of `values` takes above an empty node.
    fn per_value(self, empty: Self, values: f64) -> Self {
        Self { peak: (self.peak - empty.peak) / values, now: (self.now - empty.now) / values }
    }
}

/// Measures a full and an empty node and prints the table.
pub(crate) fn report(settings: &Settings) -> Result<(), Failure> {
    let values = settings.broadcasts;
    println!("\nMemory: bytes a value, gossiper node with {} integers", grouped(values as f64));
    if !cfg!(target_os = "linux") {
        println!("not measured: it is read from /proc, which is Linux's");
        return Ok(());
    }
    let (empty_node, empty) = load(0)?;
    empty_node.finish()?;
    let (mut node, loaded) = load(values)?;
    let id = workload::next_id(values) + 1;
    let reply = node.ask(&workload::plain("read", id))?;
    let after_read = Resident::of(&node)?;
    workload::check_read(&reply, id, values)?;
    node.finish()?;

    let loaded = loaded.per_value(empty, values as f64);
    println!("{:<29}{:>12}{:>12}", "", "peak", "now");
    print_row("all values known", loaded);
    print_row("and one read answered", after_read.per_value(empty, values as f64));
    let verdict = if loaded.peak <= BYTES_MAX { "met" } else { "missed" };
    println!("goal: at most {BYTES_MAX} at the peak before the read: {verdict}");
    Ok(())
}

/// A node that knows `values` values and has answered for them, and its memory.
fn load(values: u64) -> Result<(Process, Resident), Failure> {
    let mut process = Program::Gossiper.start()?;
    process.exchange(&workload::broadcasts(values), values)?;
    let id = workload::next_id(values);
    let reply = process.ask(&workload::plain("hybrid_stats", id))?;
    workload::check_total(&reply, id, values)?;
    let resident = Resident::of(&process)?;
    Ok((process, resident))
}

fn print_row(what: &str, bytes: Resident) {
    println!("{what:<29}{:>12.1}{:>12.1}", bytes.peak, bytes.now);
}
