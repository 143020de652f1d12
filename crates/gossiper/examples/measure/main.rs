//! Plays the standard test in virtual time over many seeds, one line of figures a run and one of
//! all runs; or, with `--table`, prints the tables of docs/mechanisms.md.
//!
//! `cargo run --release --example measure -- --seeds 1..20 --hub kill`: the words without dashes
//! are kinds of faults; `--pace MS`, `--nodes N`, `--rate HZ`, `--dist NAME`, `--topology NAME`,
//! `--strategy NAME` and `--without NAME,…` change the test, and `--out DIR` keeps the last run's
//! files. It is for whoever changes the protocol: half a second a run, and the same run for the
//! same seed.
#![allow(clippy::print_stdout, reason = "it is there to print")]

mod tables;
#[path = "../../tests/virtual_time/mod.rs"]
mod virtual_time;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gossiper_core::Strategy;
use gossiper_lab::fault::Target;
use gossiper_lab::figures::{Quantiles, quantile_place};
use virtual_time::{Plan, Played, play};

/// What to play.
struct Sweep {
    plan: Plan,
    seeds: (u64, u64),
    out: Option<PathBuf>,
    is_table: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let sweep = read(std::env::args().skip(1))?;
    if sweep.is_table {
        tables::print(sweep.seeds.0..=sweep.seeds.1);
        return Ok(());
    }
    println!("seed msgs/op kB/op | stable 0.5 1 | excess 0.5 0.95 0.99 1 | lost doubled | by type");
    let (mut last, mut all) = (None, All::default());
    for seed in sweep.seeds.0..=sweep.seeds.1 {
        let played = play(&sweep.plan, seed);
        println!("{}", line(seed, &played));
        all.add(&played);
        last = Some(played);
    }
    println!("{}", all.line());
    if let (Some(out), Some(played)) = (&sweep.out, &last) {
        keep(out, played)?;
    }
    Ok(())
}

/// What all runs come to.
#[derive(Default)]
struct All {
    messages: Vec<f64>,
    bytes: Vec<f64>,
    medians: Vec<f64>,
    maxima: Vec<f64>,
    excess: Vec<f64>,
    lost: u64,
    doubled: u64,
}

impl All {
    fn add(&mut self, played: &Played) {
        let figures = &played.results.figures;
        self.messages.extend(figures.net.servers.msgs_per_op);
        self.bytes.extend(figures.net.servers.bytes_per_op);
        let stable = figures.stable_latency_ms.as_ref();
        self.medians.extend(stable.map(|stable| stable.median as f64));
        self.maxima.extend(stable.map(|stable| stable.max as f64));
        self.excess.extend(played.files.values().iter().filter_map(|value| value.excess_ms));
        self.lost += figures.set.lost + figures.set.never_read;
        self.doubled += figures.set.duplicated;
    }

    /// The mean cost and the greatest; the median and the greatest of the runs' medians and maxima;
    /// the excess of the values of all runs together.
    fn line(&mut self) -> String {
        for sorted in [&mut self.messages, &mut self.medians, &mut self.maxima, &mut self.excess] {
            sorted.sort_unstable_by(f64::total_cmp);
        }
        let at = |sorted: &[f64], part: f64| {
            quantile_place(sorted.len(), part).map(|place| sorted[place]).unwrap_or_default()
        };
        let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len().max(1) as f64;
        let excess = [0.5, 0.95, 0.99, 1.0].map(|part| format!("{:.0}", at(&self.excess, part)));
        format!(
            " all {:.3} (at most {:.3}) {:.2} | medians {} (at most {}), maxima {} (at most {}) | {} | \
             {} {}",
            mean(&self.messages),
            at(&self.messages, 1.0),
            mean(&self.bytes) / 1000.0,
            at(&self.medians, 0.5),
            at(&self.medians, 1.0),
            at(&self.maxima, 0.5),
            at(&self.maxima, 1.0),
            excess.join(" "),
            self.lost,
            self.doubled,
        )
    }
}

fn read(mut args: impl Iterator<Item = String>) -> Result<Sweep, Box<dyn Error>> {
    let plan = Plan::default();
    let mut sweep = Sweep { plan, seeds: (1, 5), out: None, is_table: false };
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} lacks its value"));
        match arg.as_str() {
            "--seeds" => {
                let text = value()?;
                let (first, last) = text.split_once("..").unwrap_or((&text, &text));
                sweep.seeds = (first.parse()?, last.parse()?);
            }
            "--nodes" => sweep.plan.nodes = value()?.parse()?,
            "--rate" => sweep.plan.rate_hz = value()?.parse()?,
            "--pace" => sweep.plan.node.pace = Duration::from_millis(value()?.parse()?),
            "--dist" => sweep.plan.distribution = value()?.parse()?,
            "--topology" => sweep.plan.topology = value()?.parse()?,
            "--strategy" => sweep.plan.node.strategy = strategy(&value()?)?,
            "--without" => {
                for name in value()?.split(',') {
                    sweep.plan.node.without.insert(name.parse()?);
                }
            }
            "--hub" => sweep.plan.target = Target::Hub,
            "--table" => sweep.is_table = true,
            "--out" => sweep.out = Some(value()?.into()),
            kind => sweep.plan.faults.push(kind.parse()?),
        }
    }
    Ok(sweep)
}

fn strategy(name: &str) -> Result<Strategy, String> {
    let known = [Strategy::Flood, Strategy::Tree, Strategy::Gossip, Strategy::Hybrid];
    let found = known.into_iter().find(|strategy| format!("{strategy:?}").to_lowercase() == name);
    found.ok_or_else(|| format!("no strategy is called {name:?}: flood, tree, gossip, hybrid"))
}

fn line(seed: u64, played: &Played) -> String {
    let figures = &played.results.figures;
    let servers = figures.net.servers;
    let stable = figures.stable_latency_ms.map_or((0, 0), |stable| (stable.median, stable.max));
    let excess = figures.excess_ms.map_or_else(String::new, |excess: Quantiles<f64>| {
        format!("{:.0} {:.0} {:.0} {:.0}", excess.median, excess.p95, excess.p99, excess.max)
    });
    let types = played.results.types.iter().take(6);
    let types: Vec<String> = types.map(|of| format!("{} {}", of.r#type, of.messages)).collect();
    format!(
        "{seed:4} {:.3} {:.2} | {} {} | {excess} | {} {} | {}",
        servers.msgs_per_op.unwrap_or_default(),
        servers.bytes_per_op.unwrap_or_default() / 1000.0,
        stable.0,
        stable.1,
        figures.set.lost + figures.set.never_read,
        figures.set.duplicated,
        types.join(", "),
    )
}

fn keep(out: &Path, played: &Played) -> std::io::Result<()> {
    fs::create_dir_all(out)?;
    played.results.write(out)?;
    played.files.write(out)?;
    fs::write(out.join("net.jsonl"), &played.net)
}
