//! `gossiper sim`: sets scenarios up as the arguments say, has them played, and shows the figures.

mod args;
mod idle;
mod plan;
mod swarm;
mod table;

use std::fmt::Display;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use gossiper_core::Instant;
use gossiper_lab::fault::{Action, Event, FaultPlan};
use gossiper_lab::network::Latency;
use gossiper_lab::simulation::report::{Comparison, Wrong, comparison_page};
use gossiper_lab::simulation::{
    self, Cluster, LoadPlan, Results, Scenario, ScenarioError, Trouble, strategy_name,
};
use gossiper_lab::topology::Topology;
use gossiper_maelstrom::{Config, Strategy};

pub(crate) use self::args::SimArgs;
use crate::cli::command_line;

/// As those of `gossiper test`.
pub(crate) const BAD_ARGUMENTS: u8 = 254;
const CRASHED: u8 = 255;
/// A node delivered what it must not.
const UNSOUND: u8 = 1;
/// A run in which nothing happened shows nothing.
const UNKNOWN: u8 = 2;

/// Runs the command.
pub(crate) fn run(args: &SimArgs) -> ExitCode {
    match try_run(args) {
        Ok(code) => ExitCode::from(code),
        Err(Failure { code, text }) => {
            // Where stderr is closed there is nobody to tell.
            let _ = writeln!(io::stderr(), "error: {text}");
            ExitCode::from(code)
        }
    }
}

/// Why there are no results.
struct Failure {
    code: u8,
    text: String,
}

fn bad(error: impl Display) -> Failure {
    Failure { code: BAD_ARGUMENTS, text: error.to_string() }
}

fn crash(error: impl Display) -> Failure {
    Failure { code: CRASHED, text: error.to_string() }
}

/// What to say where answers take longer than nodes wait for them.
fn slow_answers(latency: Latency, scenarios: &[Scenario]) -> Option<String> {
    let round_trip = Duration::from_millis(u64::from(latency.mean_ms) * 2);
    let waits = |scenario: &&Scenario| scenario.config.strategy != Strategy::Flood;
    let timeout = scenarios.iter().find(waits)?.config.ack_timeout;
    (round_trip > timeout).then(|| {
        format!(
            "a round trip takes {round_trip:?}, longer than the {timeout:?} that nodes wait for an \
             answer, so they send again what is only slow, which takes long to play; two round \
             trips are enough: --ack-timeout {:?}",
            round_trip * 2
        )
    })
}

fn try_run(args: &SimArgs) -> Result<u8, Failure> {
    idle::check(args).map_err(bad)?;
    for (flag, path) in [("--report", &args.report), ("--out", &args.out)] {
        if let Some(path) = path {
            expect_writable(path).map_err(|error| bad(format!("{flag} {error}")))?;
        }
    }
    if args.swarm {
        return swarm::run(args);
    }
    if let Some(path) = &args.plan {
        return plan::run(args, path);
    }
    let seed = match args.seed {
        Some(seed) => seed,
        // A short seed is easily repeated, and there are enough of them.
        None => u64::from(getrandom::u32().map_err(crash)?),
    };
    let latency = latency(args).map_err(bad)?;
    let wrong = wrong(args)?;
    let load = LoadPlan {
        broadcasts: args.broadcasts,
        rate_hz: args.rate,
        senders: args.senders.unwrap_or(args.nodes),
    };
    let config = config(args, Strategy::default());
    let scenario = Scenario {
        nodes: args.nodes,
        stagger: config.gossip_interval,
        config,
        topology: args.topology.unwrap_or(Topology::Grid),
        latency,
        faults: wrong.draw(args.nodes, seed).map_err(|error| match wrong {
            // It begins with the key, which is the flag.
            Wrong::Trouble(_) => bad(format!("--{error}")),
            _ => bad(error),
        })?,
        broadcasts: load.draw(args.nodes, seed),
        settle: args.settle.unwrap_or(args::SETTLE),
        warmup: args.warmup,
        seed,
    };
    let strategies = args.strategy.list();
    let with = |&strategy: &Strategy| {
        let config = Config { strategy, ..scenario.config.clone() };
        Scenario { config, ..scenario.clone() }
    };
    let scenarios: Vec<Scenario> = strategies.iter().map(with).collect();
    // All are looked at before the first is played.
    scenarios.iter().try_for_each(Scenario::check).map_err(bad)?;
    if args.seed.is_none() {
        // Where stderr is closed there is nobody to tell.
        let _ = writeln!(io::stderr(), "again with: {}", command_line(Some(seed)));
    }
    if !args.json {
        print(&table::head(args, &scenarios))?;
    }
    if let Some(warning) = slow_answers(latency, &scenarios) {
        let _ = writeln!(io::stderr(), "warning: {warning}");
    }
    if let Some(path) = &args.report {
        let comparison = Comparison::play(&scenario, strategies, &wrong, |each| play(args, each));
        let comparison = comparison.map_err(bad)?;
        let page = comparison_page(&comparison, &command_line(Some(seed)));
        show(args, &comparison.cases[0].runs)?;
        write_report(path, &page)?;
        return Ok(exit_code(comparison.cases.iter().flat_map(|case| &case.runs)));
    }
    let results = scenarios.into_iter().map(|scenario| play(args, scenario));
    let results = results.collect::<Result<Vec<Results>, _>>().map_err(bad)?;
    show(args, &results)?;
    Ok(exit_code(results.iter()))
}

/// Plays a run. On a terminal a bar shows how far in virtual time it is.
fn play(args: &SimArgs, scenario: Scenario) -> Result<Results, ScenarioError> {
    let name = strategy_name(scenario.config.strategy);
    let mut cluster = Cluster::on_threads(plan::threads(args), scenario)?;
    let in_s = |at: Instant| at.0 / 1_000_000_000;
    let end_s = in_s(cluster.times().1);
    let bar = plan::styled_bar(end_s, "{bar:30.cyan} {msg}: {pos} of {len} s of virtual time");
    bar.set_message(name);
    let mut shown_s = 0;
    while cluster.advance() {
        let now_s = in_s(cluster.times().0);
        if now_s > shown_s {
            shown_s = now_s;
            bar.set_position(now_s);
        }
    }
    bar.finish_and_clear();
    Ok(cluster.results())
}

/// What the nodes of a run are told.
fn config(args: &SimArgs, strategy: Strategy) -> Config {
    let usual = Config::default();
    Config {
        strategy,
        overlay: args.overlay.pick(args.nodes),
        fanout: args.fanout.unwrap_or(usual.fanout),
        gossip_interval: args.gossip_interval.unwrap_or(usual.gossip_interval),
        ack_timeout: args.ack_timeout.unwrap_or(usual.ack_timeout),
        pace: args.pace.unwrap_or(usual.pace),
        ..usual
    }
}

/// Prints what came of the runs that were asked for.
fn show(args: &SimArgs, results: &[Results]) -> Result<(), Failure> {
    print(&match args.json {
        true => simulation::json(results),
        false => table::table(results),
    })
}

/// Looks whether a file can be written before anything is played for it. Leaves no file behind that
/// was not there.
fn expect_writable(path: &Path) -> Result<(), String> {
    let is_new = !path.exists();
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
    // A link that led nowhere is not what has been made, and stays.
    if let Some(made) = is_new.then(|| fs::canonicalize(path).ok()).flatten() {
        // What is left is empty, and will be written over.
        let _ = fs::remove_file(made);
    }
    Ok(())
}

/// Writes a report, and says on stderr where.
fn write_report(path: &Path, page: &str) -> Result<(), Failure> {
    fs::write(path, page).map_err(|error| crash(format!("{}: {error}", path.display())))?;
    // Where stderr is closed there is nobody to tell.
    let _ = writeln!(io::stderr(), "report in {}", path.display());
    Ok(())
}

/// Prints what was found. A reader that has gone, as `head` does, is no reason to fail: the verdict
/// and the report are still to come.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(crash),
    }
}

/// The exit code. If it is that of an unknown outcome, says on stderr why.
fn exit_code<'a>(results: impl Iterator<Item = &'a Results> + Clone) -> u8 {
    if results.clone().any(|each| !each.is_sound()) {
        return UNSOUND;
    }
    let void = results.clone().filter(|each| each.broadcasts == 0).count();
    if void == 0 {
        return 0;
    }
    let all = results.count();
    let whole = if void == all { String::new() } else { format!(" in {void} of {all} runs") };
    // Where stderr is closed there is nobody to tell.
    let _ = writeln!(
        io::stderr(),
        "nothing was broadcast{whole}: no node was up to take a value when one came"
    );
    UNKNOWN
}

fn latency(args: &SimArgs) -> Result<Latency, String> {
    let latency = args.latency.unwrap_or(Latency::range(10, 50));
    let shaped = args.latency_dist.map_or(Ok(latency), |shape| latency.shaped(shape));
    let hint = match args.latency {
        Some(_) => "",
        None => "; that is the latency unless told: add a mean such as --latency 30",
    };
    shaped.map_err(|problem| format!("--latency-dist: {problem}{hint}"))
}

fn wrong(args: &SimArgs) -> Result<Wrong, Failure> {
    let Some(path) = &args.fault_plan else {
        let trouble = Trouble {
            loss: args.loss,
            crash: args.crash.first().copied(),
            partition: args.partition.first().copied(),
        };
        let is_asked = trouble != Trouble::default();
        return Ok(if is_asked { Wrong::Trouble(trouble) } else { Wrong::Unasked });
    };
    let text = read(path)?;
    let names: Vec<String> = (0..args.nodes).map(|node| format!("n{node}")).collect();
    let plan = FaultPlan::from_json_with_names(&text, &names).map_err(|error| {
        let hint = match path.extension().is_some_and(|extension| extension == "toml") {
            true => "; a plan of runs is played without --fault-plan, with nothing but its name",
            false => "",
        };
        bad(format!("{}: {error}{hint}", path.display()))
    })?;
    let starts = |event: &Event| match &event.action {
        Action::Start(fault) => fault.group().is_none_or(|group| !group.nodes.is_empty()),
        _ => false,
    };
    if !plan.events().iter().any(starts) {
        let path = path.display();
        return Err(bad(format!(
            "{path} starts no fault that hits anybody: leave --fault-plan out to have none"
        )));
    }
    Ok(Wrong::Plan(plan))
}

/// The text of a file that is named on the command line.
fn read(path: &Path) -> Result<String, Failure> {
    let cannot = |error| bad(format!("cannot read {}: {error}", path.display()));
    fs::read_to_string(path).map_err(cannot)
}
