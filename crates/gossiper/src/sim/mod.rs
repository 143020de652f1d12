//! `gossiper sim`: sets scenarios up as the arguments say, has them played, and shows the figures.

mod args;
mod plan;
mod table;

use std::fmt::Display;
use std::fs;
use std::io::{self, Write as _};
use std::process::ExitCode;

use gossiper_lab::fault::FaultPlan;
use gossiper_lab::network::{Distribution, Latency};
use gossiper_lab::simulation::{self, LoadPlan, Results, Scenario, Trouble};
use gossiper_maelstrom::{Config, Strategy};

pub(crate) use self::args::SimArgs;

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

fn try_run(args: &SimArgs) -> Result<u8, Failure> {
    if let Some(path) = &args.plan {
        return plan::run(args, path);
    }
    let seed = match args.seed {
        Some(seed) => seed,
        // A short seed is easily repeated, and there are enough of them.
        None => u64::from(getrandom::u32().map_err(crash)?),
    };
    let latency = latency(args).map_err(bad)?;
    let faults = faults(args, seed)?;
    let load = LoadPlan {
        broadcasts: args.broadcasts,
        rate_hz: args.rate,
        senders: args.senders.unwrap_or(args.nodes),
    };
    let broadcasts = load.draw(args.nodes, seed);
    let scenario = |&strategy: &Strategy| Scenario {
        nodes: args.nodes,
        config: Config {
            strategy,
            fanout: args.fanout,
            gossip_interval: args.gossip_interval,
            ack_timeout: args.ack_timeout,
            pace: args.pace,
            ..Config::default()
        },
        topology: args.topology,
        latency,
        faults: faults.clone(),
        broadcasts: broadcasts.clone(),
        settle: args.settle,
        stagger: args.gossip_interval,
        seed,
    };
    let scenarios: Vec<Scenario> = args.strategy.list().iter().map(scenario).collect();
    // All are looked at before the first is played.
    scenarios.iter().try_for_each(Scenario::check).map_err(bad)?;
    let results = scenarios.into_iter().map(simulation::play);
    let results = results.collect::<Result<Vec<Results>, _>>().map_err(bad)?;
    let text = match args.json {
        true => simulation::json(&results),
        false => table::table(args, latency, &results),
    };
    print(&text)?;
    Ok(exit_code(results.iter()))
}

/// Prints what was found.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(crash)
}

fn exit_code<'a>(mut results: impl Iterator<Item = &'a Results> + Clone) -> u8 {
    if results.clone().any(|each| !each.is_sound()) {
        UNSOUND
    } else if results.any(|each| each.broadcasts == 0) {
        UNKNOWN
    } else {
        0
    }
}

fn latency(args: &SimArgs) -> Result<Latency, String> {
    let is_range = matches!(args.latency.distribution, Distribution::Range { .. });
    match args.latency_dist {
        None => Ok(args.latency),
        Some(_) if is_range => {
            Err("--latency-dist shapes latencies around a mean: with it, write \
                                    --latency 30, and not a range"
                .into())
        }
        Some(distribution) => Ok(Latency { distribution, ..args.latency }),
    }
}

fn faults(args: &SimArgs, seed: u64) -> Result<FaultPlan, Failure> {
    let Some(path) = &args.fault_plan else {
        let trouble = Trouble { loss: args.loss, crash: args.crash, partition: args.partition };
        return trouble.draw(args.nodes, seed).map_err(bad);
    };
    let text = fs::read_to_string(path)
        .map_err(|error| bad(format!("cannot read {}: {error}", path.display())))?;
    let names: Vec<String> = (0..args.nodes).map(|node| format!("n{node}")).collect();
    FaultPlan::from_json_with_names(&text, &names)
        .map_err(|error| bad(format!("{}: {error}", path.display())))
}
