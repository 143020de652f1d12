//! `gossiper node` as a whole process: what one node does through its pipes, beside two yardsticks.
//!
//! ```text
//! cargo bench -p gossiper --bench throughput
//! cargo bench -p gossiper --bench throughput -- --rounds 9 --broadcasts 2000000
//! ```
//!
//! Every program is started as a child, is given `init` with itself as the only node of the
//! cluster, and is then fed and read through plain pipes:
//!
//! - *gossiper node* is the program of this package, started without flags.
//! - *simplest loop* is the strongest node that is still one simple loop of typed `serde_json` and
//!   a
//!   `HashSet` ([`simplest`]). It shows what the line format itself costs in Rust.
//! - *Python* is the node as it is usually written, `benches/python_node.py`, run by the `python3`
//!   on `PATH`. Where there is none, its figures are left out.
//!
//! Four things are measured, and each program is asked afterwards to prove that it did the work:
//!
//! 1. **Throughput** ([`throughput`]): distinct integers broadcast as fast as the pipe takes them,
//!    from the first byte of them written to the last reply read. The programs take turns
//!    (A B C A B C ...), so a busy machine slows all of them, and a ratio is the median of the
//!    ratios within one turn. Compare ratios between machines, never rates.
//! 2. **Latency** ([`latency`]): one broadcast at a time, the next only after the reply.
//! 3. **Memory** ([`memory`]): resident bytes for each value known, Linux only.
//! 4. **Reads** ([`reads`]): one `read` of a large set, beside `cat` copying the same bytes.
//!
//! The feeder takes processor time too: with fewer than three cores it competes with the program
//! under test, and most with the fastest. Without `--bench`, which `cargo bench` always passes, a
//! small run shows that everything works, and its figures mean nothing.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the tables on stdout are what a benchmark is for; its failure goes to stderr"
)]

mod latency;
mod memory;
mod process;
mod program;
mod reads;
mod settings;
mod simplest;
mod stats;
mod throughput;
mod watchdog;
mod workload;

use std::env::consts::{ARCH, OS};
use std::process::ExitCode;
use std::thread::available_parallelism;

use program::{Program, python_version};
use settings::{Mode, Settings, USAGE};

/// What stops a run: a sentence for the person who started it.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let outcome = match Mode::from_args(std::env::args().skip(1)) {
        Ok(Mode::SimplestNode) => simplest::run().map_err(Failure::from),
        Ok(Mode::Help) => {
            println!("{USAGE}");
            Ok(())
        }
        Ok(Mode::Measure(settings)) => measure(&settings),
        Err(failure) => Err(failure),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("throughput: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn measure(settings: &Settings) -> Result<(), Failure> {
    let mut programs = vec![Program::Gossiper, Program::Simplest];
    let python = python_version();
    if python.is_some() {
        programs.push(Program::Python);
    }
    print_machine(settings, python.as_deref());
    throughput::report(settings, &programs)?;
    latency::report(settings, &programs)?;
    memory::report(settings)?;
    reads::report(settings)
}

fn print_machine(settings: &Settings, python: Option<&str>) {
    let cores = available_parallelism().map_or_else(|_| "?".to_owned(), |n| n.to_string());
    let python = python.unwrap_or("no python3 on PATH: its figures are left out");
    println!("{OS} {ARCH}, {cores} cores, {python}");
    if settings.is_trial {
        println!("A trial without --bench: its figures mean nothing.");
    }
}
