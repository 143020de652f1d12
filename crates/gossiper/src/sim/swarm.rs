//! Faults by the thousand: plays seeds, and shows the first that fails, made small.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use gossiper_lab::swarm::{self, Breach, Hunt, Outcome, Scenario, Seen, Shrunk, Tally, core_node};
use indicatif::ProgressBar;

use super::plan::{styled_bar, threads};
use super::table::counted;
use super::{Failure, SimArgs, UNSOUND, bad, crash, print, read};

/// Seeds that are played where neither a number nor one of them is asked for.
const SEEDS: u64 = 1_000;

/// Plays that the shrinking of a failure may take: some seconds.
const SHRINK_PLAYS_MAX: u64 = 4_000;

/// Failures that are told one by one.
const TOLD_MAX: usize = 20;

/// Plays the seeds, or the file of an earlier failure.
pub(super) fn run(args: &SimArgs) -> Result<u8, Failure> {
    // A node that panics is a failure that is told with its seed, and while it is made smaller a
    // thousand times more.
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let code = match &args.replay {
        Some(path) => replay(args, path),
        None => hunt(args),
    };
    panic::set_hook(hook);
    code
}

fn hunt(args: &SimArgs) -> Result<u8, Failure> {
    let first = args.seed.unwrap_or(1);
    let seeds = args.seeds.unwrap_or(if args.seed.is_some() { 1 } else { SEEDS });
    let bar = styled_bar(seeds, "{bar:30.cyan} {pos} of {len} seeds{msg}, {eta} left");
    let failed = AtomicU64::new(0);
    let hunt = swarm::hunt(first, seeds, threads(args), &core_node, &|seed, breach| {
        if let Some(breach) = breach {
            // A hunt that is broken off has told what it found.
            say(&bar, &format!("seed {seed} failed: {breach}; again with: {}", again(seed)));
            bar.set_message(format!(", {} failed", failed.fetch_add(1, Ordering::Relaxed) + 1));
        }
        bar.inc(1);
    });
    bar.finish_and_clear();
    let Some((seed, breach)) = hunt.failures.first().cloned() else {
        print(&match args.json {
            true => json(&hunt, None),
            false => table(first, &hunt.tally),
        })?;
        return Ok(0);
    };
    say(&bar, &format!("shrinking seed {seed}"));
    let failed = Scenario::draw(seed);
    let shrunk = swarm::shrink(failed.clone(), breach, &core_node, SHRINK_PLAYS_MAX);
    let path = args.out.clone().unwrap_or_else(|| PathBuf::from(format!("swarm-{seed}.json")));
    fs::write(&path, shrunk.scenario.to_json() + "\n")
        .map_err(|error| crash(format!("cannot write {}: {error}", path.display())))?;
    print(&match args.json {
        true => json(&hunt, Some((&shrunk, &path))),
        false => failure(first, &hunt, &failed, &shrunk, &path),
    })?;
    Ok(UNSOUND)
}

/// Says something beside the bar, in one line.
fn say(bar: &ProgressBar, text: &str) {
    let line = text.lines().collect::<Vec<_>>().join(" ");
    // Where stderr is closed there is nobody to tell.
    bar.suspend(|| drop(writeln!(io::stderr(), "{line}")));
}

/// What plays a seed again.
fn again(seed: u64) -> String {
    format!("gossiper sim --swarm --seed {seed}")
}

fn replay(args: &SimArgs, path: &Path) -> Result<u8, Failure> {
    let in_file = |error: &dyn std::fmt::Display| bad(format!("{}: {error}", path.display()));
    let text = read(path)?;
    let scenario = Scenario::from_json(&text).map_err(|error| in_file(&error))?;
    let Outcome { breach, seen } =
        swarm::play(&scenario, &core_node).map_err(|error| in_file(&error))?;
    let text = match (&breach, args.json) {
        (_, true) => serde_json::json!({
            "breach": breach.as_ref().map(told),
            "messages": seen.messages,
            "agreed_ms": seen.agreed_ms,
            "agreement_ms_max": seen.agreement_ms_max,
        })
        .to_string(),
        (Some(breach), false) => format!("{breach}\n\n{}", outline(&scenario)),
        (None, false) => format!("{}\n\n{}", kept(&seen), outline(&scenario)),
    };
    print(&text)?;
    Ok(if breach.is_some() { UNSOUND } else { 0 })
}

/// What is said of a scenario that did not fail.
fn kept(seen: &Seen) -> String {
    match seen.agreed_ms {
        Some(agreed_ms) => format!(
            "kept every promise: agreed {agreed_ms} ms after the calm, and had {} ms",
            seen.agreement_ms_max
        ),
        None => "kept every promise; agreement was not promised".into(),
    }
}

/// What is said where nothing failed.
fn table(first: u64, tally: &Tally) -> String {
    let mut text = format!("{}: all kept every promise\n", numbered(first, tally.seeds));
    let mut row = |name: &str, told: String| {
        let _ = write!(text, "\n{name:<22}{told}");
    };
    let list = |of: &std::collections::BTreeMap<&str, u64>| {
        of.iter().map(|(name, seeds)| format!("{name} {seeds}")).collect::<Vec<_>>().join(", ")
    };
    row("protocols", list(&tally.strategies));
    row("with", list(&tally.features));
    row("nodes", tally.nodes.to_string());
    row("broadcasts", tally.broadcasts.to_string());
    row("messages", format!("{}, of which {} never came", tally.messages, tally.lost));
    row("deaths", tally.deaths.to_string());
    row("events", tally.events.to_string());
    row("promised agreement", tally.promised.to_string());
    let share = |most: Option<(u64, u64)>| match most {
        Some((share, seed)) => {
            format!("{:.1} % of what it might, seed {seed}", share as f64 / 10.0)
        }
        None => "-".into(),
    };
    row(
        "above 0.1 when idle",
        format!("{} of {} that may skip rounds", tally.talkative, tally.thrifty),
    );
    row("slowest to agree", share(tally.slowest));
    row("loudest when idle", share(tally.loudest));
    text
}

/// What is said of the failures.
fn failure(first: u64, hunt: &Hunt, failed: &Scenario, shrunk: &Shrunk, path: &Path) -> String {
    let seeds = hunt.tally.seeds;
    let mut text = format!("{}: {} failed\n", numbered(first, seeds), hunt.failures.len());
    for (seed, breach) in hunt.failures.iter().take(TOLD_MAX) {
        let _ = write!(text, "\n{breach}\n  {}\n", again(*seed));
    }
    if hunt.failures.len() > TOLD_MAX {
        let _ = write!(text, "\nand {} more\n", hunt.failures.len() - TOLD_MAX);
    }
    let _ = write!(
        text,
        "\nThe first was {}\nShrunk in {} plays to {}\n  {}\n  gossiper sim --swarm --replay {}",
        outline(failed),
        shrunk.plays,
        outline(&shrunk.scenario),
        shrunk.breach,
        path.display()
    );
    text
}

/// A scenario in a few words.
fn outline(scenario: &Scenario) -> String {
    let links = match scenario.is_learned() {
        true => format!("partial views of {}", scenario.config.active_view),
        false => scenario.topology.to_string(),
    };
    format!(
        "{} on {links}, {}, {} of faults, {}, {}, calm at {} ms",
        counted(scenario.nodes, "node"),
        counted(scenario.broadcasts.len(), "broadcast"),
        counted(scenario.faults.events().len(), "event"),
        counted(scenario.jolts.len(), "jolt"),
        counted(scenario.odd.len(), "odd node"),
        scenario.calm_at_ms
    )
}

fn numbered(first: u64, seeds: u64) -> String {
    match seeds {
        1 => format!("seed {first}"),
        _ => format!("{seeds} seeds from {first} on"),
    }
}

fn told(breach: &Breach) -> serde_json::Value {
    serde_json::json!({
        "check": breach.check.name(),
        "at_ms": breach.at.0 as f64 / 1e6,
        "node": breach.node,
        "what": breach.what,
    })
}

fn json(hunt: &Hunt, shrunk: Option<(&Shrunk, &Path)>) -> String {
    let failures = hunt.failures.iter().map(|(seed, breach)| {
        let mut told = told(breach);
        told["seed"] = (*seed).into();
        told
    });
    let shrunk = shrunk.map(|(shrunk, path)| {
        serde_json::json!({
            "file": path.display().to_string(),
            "plays": shrunk.plays,
            "breach": told(&shrunk.breach),
        })
    });
    let all = serde_json::json!({
        "tally": hunt.tally,
        "failures": failures.collect::<Vec<_>>(),
        "shrunk": shrunk,
    });
    format!("{all:#}")
}
