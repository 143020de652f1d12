//! What `gossiper test` can carry, as a whole command with real processes.
//!
//! ```text
//! cargo bench -p gossiper --bench workbench
//! ```
//!
//! 1. **Start**: 25 nodes, from the first process started to the main phase.
//! 2. **Overhead**: how much longer the command takes than its time limit and the 10 s of quiet.
//! 3. **Lateness**: 25 nodes that send 10,000 messages a second together; how much later than due
//!    each was handed over.
//! 4. **Throughput**: the same with 100,000 and more a second; what the network really carried, of
//!    what was due to be sent.
//! 5. **Size**: 500 nodes of this program, under the load of the standard test.
//!
//! The nodes share the machine with the network that they are tested on: on two cores the figures
//! are of both together. Each line is one run; run it several times on a noisy machine.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the tables on stdout are what a benchmark is for; its failure goes to stderr"
)]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Length of the main phase of each run, in seconds, and of the short runs without `--bench`.
const TIME_LIMIT_S: u64 = 10;
const TRIAL_LIMIT_S: u64 = 1;
/// The quiet after the main phase, as in Maelstrom.
const QUIET: Duration = Duration::from_secs(10);

/// What stops a run: a sentence for the person who started it.
type Failure = Box<dyn Error>;

fn main() -> ExitCode {
    let is_trial = !std::env::args().any(|arg| arg == "--bench");
    match measure(is_trial) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn measure(is_trial: bool) -> Result<(), Failure> {
    let limit_s = if is_trial { TRIAL_LIMIT_S } else { TIME_LIMIT_S };
    let bench = Bench { fixture: fixture()?, folder: Folder::new()?, limit_s };
    let (results, took) = bench.run(&["--node-count", "25", "--rate", "100"], &[])?;
    let boot_ms = figure(&results, "/host/boot_ms")?;
    let overhead = took - QUIET - Duration::from_secs(limit_s);
    println!("25 nodes are up                {boot_ms:>9.1} ms");
    println!("longer than limit and quiet    {:>9.1} ms", overhead.as_secs_f64() * 1000.0);
    for rate_hz in [10_000_u32, 100_000, 200_000] {
        bench.storm(rate_hz)?;
    }
    bench.size(if is_trial { 50 } else { 500 })
}

struct Bench {
    fixture: PathBuf,
    folder: Folder,
    limit_s: u64,
}

impl Bench {
    /// Plays a run with these flags, and these after `--`; its results, and how long it took.
    fn run(&self, flags: &[&str], node: &[&str]) -> Result<(Value, Duration), Failure> {
        let begin = Instant::now();
        let limit = self.limit_s.to_string();
        let output = Command::new(env!("CARGO_BIN_EXE_gossiper"))
            .args(["test", "--seed", "1", "--latency", "100", "--time-limit", &limit])
            .arg("--out")
            .arg(&self.folder.0)
            .args(flags)
            .arg("--")
            .args(node)
            .stdin(Stdio::null())
            .output()?;
        let took = begin.elapsed();
        let path = self.folder.0.join("results.json");
        let text = fs::read_to_string(path).map_err(|error| {
            let stderr = String::from_utf8_lossy(&output.stderr);
            format!("the run left no results ({error}); it said:\n{stderr}")
        })?;
        Ok((serde_json::from_str(&text)?, took))
    }

    /// Lets 25 nodes send to each other in a ring, evenly.
    fn storm(&self, rate_hz: u32) -> Result<(), Failure> {
        let (bin, per_node) = (self.fixture.to_string_lossy(), (rate_hz / 25).to_string());
        let flags = ["--node-count", "25", "--rate", "5", "--bin", &bin, "--no-probes"];
        let (results, _) = self.run(&flags, &["echo-storm", "--peers-rate", &per_node])?;
        let handed: u64 = match results["nodes"].as_array() {
            Some(nodes) => nodes.iter().filter_map(|node| node["received"].as_u64()).sum(),
            None => return Err("the results tell of no nodes".into()),
        };
        let seconds = figure(&results, "/phases_ms/end")? / 1000.0;
        let carried = handed as f64 / seconds;
        let late = |p| figure(&results, &format!("/host/lateness_ms/{p}"));
        println!(
            "{rate_hz:>7} messages/s offered    {carried:>9.0} handed over; late by {:.2} ms \
             (median), {:.2} (99 %), {:.1} (all)",
            late("0.5")?,
            late("0.99")?,
            late("1")?
        );
        Ok(())
    }

    fn size(&self, nodes: u32) -> Result<(), Failure> {
        let count = nodes.to_string();
        let flags = ["--node-count", &count, "--rate", "100", "--topology", "tree4"];
        let (results, took) = self.run(&flags, &[])?;
        println!(
            "{nodes:>4} nodes                     {:>9} is what `valid` says; up in {:.0} ms, over in \
             {:.1} s, {:.0} messages an operation",
            results["valid"],
            figure(&results, "/host/boot_ms")?,
            took.as_secs_f64(),
            figure(&results, "/net/servers/msgs_per_op")?
        );
        Ok(())
    }
}

fn figure(results: &Value, pointer: &str) -> Result<f64, Failure> {
    let figure = results.pointer(pointer).and_then(Value::as_f64);
    figure.ok_or_else(|| format!("the results have no figure {pointer}").into())
}

/// The program of the nodes that load the network, built if it is not there.
fn fixture() -> Result<PathBuf, Failure> {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--release", "--quiet", "--package", "gossiper", "--example", "fixture"])
        .status()?;
    if !built.success() {
        return Err("the example `fixture` cannot be built".into());
    }
    let beside = Path::new(env!("CARGO_BIN_EXE_gossiper")).with_file_name("examples/fixture");
    match beside.exists() {
        true => Ok(beside),
        false => Err(format!("{} is not there", beside.display()).into()),
    }
}

/// A folder that goes when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, Failure> {
        let name = format!("gossiper-bench-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
