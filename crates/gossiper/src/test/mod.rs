//! `gossiper test`: sets a run up as the arguments say, plays it, and tells how it went.

mod args;
mod folder;
mod memory;
mod progress;
mod summary;

use std::fmt::Display;
use std::fs;
use std::io::{BufWriter, Write as _, stderr, stdout};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use gossiper_lab::challenge::{Challenge, Parameters};
use gossiper_lab::fault::{Event, FaultPlan, Intensity, Kind, PlanConfig};
use gossiper_lab::in_memory;
use gossiper_lab::load::Workload;
use gossiper_lab::network::{Distribution, Latency};
use gossiper_lab::process::{self, Hosted, ProcessConfig};
use gossiper_lab::report;
use gossiper_lab::run::{About, Run, RunConfig};
use gossiper_maelstrom::Settings;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use self::args::TargetArg;
pub(crate) use self::args::TestArgs;
use self::folder::Folder;
use self::progress::Progress;

/// Maelstrom's exit code for arguments that are no good.
pub(crate) const BAD_ARGUMENTS: u8 = 254;
/// Maelstrom's exit code for a run that crashed.
const CRASHED: u8 = 255;
/// The exit code of a program that an interrupt ends at once.
const INTERRUPTED: i32 = 130;

/// Maelstrom's defaults, where a challenge may set something else.
const TIME_LIMIT: Duration = Duration::from_secs(60);
const RATE_HZ: f64 = 5.0;
/// Bytes of `net.jsonl` that are written at a time.
const JOURNAL_BUFFER_BYTES: usize = 1 << 20;

/// Runs the command.
pub(crate) fn run(args: &TestArgs) -> ExitCode {
    match try_run(args) {
        Ok(code) => ExitCode::from(code),
        Err(Failure { code, text }) => {
            say_err(&format!("error: {text}"));
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

fn try_run(args: &TestArgs) -> Result<u8, Failure> {
    let seed = match args.seed {
        Some(seed) => seed,
        // A short seed is easily repeated, and there are enough of them.
        None => u64::from(getrandom::u32().map_err(crash)?),
    };
    let program = Program::of(args, seed).map_err(bad)?;
    let config = config(args, seed)?;
    let started = SystemTime::now();
    let folder = Folder::make(args.out.as_deref(), args.workload.name(), started).map_err(crash)?;
    let about = about(args, &config, &program, started);
    say(&summary::head(&config, &about));

    let net = fs::File::create(folder.path().join("net.jsonl")).map_err(crash)?;
    let net = Box::new(BufWriter::with_capacity(JOURNAL_BUFFER_BYTES, net));
    let run = Run::new(config, net).map_err(|error| {
        folder.discard();
        bad(error)
    })?;
    let interrupted = interrupts().map_err(crash)?;
    let mut progress = Progress::new(run.config());
    // Once nodes are there: of a program that cannot be started no results are left.
    let mut place = Some(format!("results in {}", folder.path().display()));
    let mut observe = |report: &process::Report<'_>| {
        if let Some(place) = place.take() {
            say(&place);
        }
        progress.on(report);
    };
    let played = if let Some(node) = &program.in_memory {
        let start = |_, starts| memory::InMemory::new(node, starts);
        let hosted = in_memory::play(run, start, &interrupted, &mut |report| observe(&report));
        Ok(Hosted { run: hosted.run, lateness_ms: Vec::new(), failure: None })
    } else {
        let process = ProcessConfig {
            command: program.command,
            log_folder: folder.path().join("node-logs"),
            reports_stderr: args.log_stderr,
            owns_children: true,
        };
        process::play(run, &process, &interrupted, &mut |report| observe(&report))
    };
    progress.finish();
    let hosted = played.map_err(|error| {
        folder.discard();
        crash(error)
    })?;

    let about = About { lateness_ms: hosted.lateness_ms, ..about };
    let suspects = summary::suspects(&hosted.run);
    let (results, files) = hosted.run.finish(about);
    results.write(folder.path()).map_err(crash)?;
    files.write(folder.path()).map_err(crash)?;
    // The results are there; that they cannot be shown is no reason to lose the verdict.
    if let Err(error) = report::write(folder.path()) {
        say_err(&format!("there is no report: {error}"));
    }
    folder.point_latest();
    say(&summary::tail(&results, &suspects, folder.path()));
    let is_crash = results.is_crash || hosted.failure.is_some();
    Ok(if is_crash { CRASHED } else { results.figures.valid.exit_code() })
}

/// What the nodes run.
struct Program {
    /// The program and its arguments.
    command: Vec<String>,
    /// As the user knows it.
    shown: String,
    /// The settings of nodes in memory, which no program runs.
    in_memory: Option<Settings>,
}

impl Program {
    fn of(args: &TestArgs, seed: u64) -> Result<Self, String> {
        let Some(bin) = &args.bin else {
            return Self::own(args, seed);
        };
        // A path may hold spaces; a command line with its arguments is no file.
        let mut command = match fs::exists(bin) {
            Ok(true) => vec![bin.clone()],
            _ => shlex::split(bin)
                .filter(|words| !words.is_empty())
                .ok_or_else(|| format!("--bin {bin:?} names no program: is a quote left open?"))?,
        };
        // Without a slash a name would be looked for in PATH alone.
        if !command[0].contains('/') && fs::exists(&command[0]).unwrap_or(false) {
            command[0] = format!("./{}", command[0]);
        }
        command.extend(args.args.iter().cloned());
        let shown = command.join(" ");
        Ok(Self { command, shown, in_memory: None })
    }

    fn own(args: &TestArgs, seed: u64) -> Result<Self, String> {
        if args.workload == Workload::Echo {
            return Err("this program's own node is for broadcast and does not echo: name a node \
                        program with --bin"
                .into());
        }
        let exe = std::env::current_exe()
            .map_err(|error| format!("cannot find this program itself: {error}"))?;
        let mut command = vec![exe.to_string_lossy().into_owned(), "node".into()];
        if !args.args.iter().any(|arg| arg.starts_with("--seed")) {
            command.extend(["--seed".into(), seed.to_string()]);
        }
        command.extend(args.args.iter().cloned());
        let mut shown = format!("gossiper node {}", args.args.join(" ")).trim_end().to_owned();
        let mut in_memory = None;
        if args.is_virtual {
            let words = std::iter::once("gossiper").chain(command[1..].iter().map(String::as_str));
            in_memory = Some(memory::settings(words)?);
            shown.push_str(", in virtual time");
        }
        Ok(Self { command, shown, in_memory })
    }
}

fn config(args: &TestArgs, seed: u64) -> Result<RunConfig, Failure> {
    let preset = args.challenge.map(|challenge| challenge.parameters());
    let of_preset = |field: fn(&Parameters) -> f64| preset.as_ref().map(field);
    let count = args.node_count.or(preset.map(|preset| preset.nodes));
    let nodes = RunConfig::node_names(count);
    let time_limit = args.time_limit.or(preset.map(|preset| preset.time_limit));
    let time_limit = time_limit.unwrap_or(TIME_LIMIT);
    let mean_ms = args.latency.or(preset.map(|preset| preset.latency_ms)).unwrap_or(0);
    let faults = fault_plan(args, &nodes, time_limit, seed)?;
    Ok(RunConfig {
        workload: args.workload,
        time_limit,
        rate_hz: args.rate.or(of_preset(|preset| preset.rate_hz)).unwrap_or(RATE_HZ),
        concurrency: args.concurrency.of(nodes.len()),
        latency: Latency { mean_ms, distribution: args.latency_dist },
        topology: args.topology,
        faults,
        availability_min: args.availability,
        seed,
        probes: !args.no_probes,
        log_net_send: args.log_net_send,
        log_net_recv: args.log_net_recv,
        nodes,
    })
}

fn fault_plan(
    args: &TestArgs,
    nodes: &[String],
    time_limit: Duration,
    seed: u64,
) -> Result<FaultPlan, Failure> {
    if let Some(path) = &args.fault_plan {
        let text = fs::read_to_string(path)
            .map_err(|error| bad(format!("cannot read {}: {error}", path.display())))?;
        let plan = FaultPlan::from_json_with_names(&text, nodes)
            .map_err(|error| bad(format!("{}: {error}", path.display())))?;
        let is_late = |event: &&Event| u128::from(event.at_ms) > time_limit.as_millis();
        let late = plan.events().iter().filter(is_late).count();
        if late > 0 {
            let is_are = if late == 1 { "event comes" } else { "events come" };
            say_err(&format!(
                "note: {late} {is_are} after the time limit in {}, and will not happen",
                path.display()
            ));
        }
        return Ok(plan);
    }
    if args.nemesis_target.is_some() && !kinds(args).iter().any(|kind| kind.has_target()) {
        return Err(bad(
            "--nemesis-target aims at nobody: add a --nemesis that hits some of the nodes, \
                        partition, one-way, kill or pause, or leave it out",
        ));
    }
    let plan = PlanConfig {
        nodes: nodes.len(),
        kinds: kinds(args),
        time_limit,
        interval: args.nemesis_interval,
        target: args.nemesis_target.unwrap_or(TargetArg::Random).target(),
        intensity: Intensity::default(),
    };
    plan.draw(seed).map_err(bad)
}

/// The kinds of faults: those asked for, else the challenge's.
fn kinds(args: &TestArgs) -> Vec<Kind> {
    let has_partitions =
        args.challenge.is_some_and(|challenge| challenge.parameters().has_partitions);
    match args.nemesis.is_empty() && has_partitions {
        true => vec![Kind::Partition],
        false => args.nemesis.clone(),
    }
}

fn about(args: &TestArgs, config: &RunConfig, program: &Program, started: SystemTime) -> About {
    let nemesis = match &args.fault_plan {
        Some(path) => vec![path.display().to_string()],
        None => kinds(args).iter().map(Kind::to_string).collect(),
    };
    About {
        command: crate::cli::command_line(Some(config.seed)),
        program: program.shown.clone(),
        nemesis,
        nemesis_interval: args.nemesis_interval,
        nemesis_target: args.nemesis_target.unwrap_or(TargetArg::Random).name().into(),
        challenge: args.challenge.map(|challenge| (challenge, deviations(args, config, challenge))),
        started: humantime::format_rfc3339_seconds(started).to_string(),
        lateness_ms: Vec::new(),
    }
}

/// What a run does otherwise than its challenge says.
fn deviations(args: &TestArgs, config: &RunConfig, challenge: Challenge) -> Vec<String> {
    let kinds = kinds(args);
    let run = Parameters {
        nodes: config.nodes.len(),
        time_limit: config.time_limit,
        rate_hz: config.rate_hz,
        latency_ms: config.latency.mean_ms,
        has_partitions: args.fault_plan.is_none() && kinds.contains(&Kind::Partition),
    };
    let mut deviations = challenge.deviations(&run);
    if args.fault_plan.is_some() {
        deviations.push("a plan of faults".into());
    }
    let others = kinds.iter().filter(|&&kind| kind != Kind::Partition);
    deviations.extend(others.map(|kind| format!("the fault {kind}")));
    if config.workload != Workload::Broadcast {
        deviations.push(format!("workload {}", config.workload));
    }
    if config.latency.distribution != Distribution::Constant {
        deviations.push(format!("{} latency", config.latency.distribution));
    }
    deviations
}

/// A flag that an interrupt sets; a second interrupt ends the program at once.
fn interrupts() -> std::io::Result<Arc<AtomicBool>> {
    let is_interrupted = Arc::<AtomicBool>::default();
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        let flag = Arc::clone(&is_interrupted);
        signal_hook::flag::register_conditional_shutdown(signal, INTERRUPTED, flag)?;
        signal_hook::flag::register(signal, Arc::clone(&is_interrupted))?;
    }
    Ok(is_interrupted)
}

/// Prints to stdout. A reader that has gone is no reason to fail.
fn say(text: &str) {
    let _ = writeln!(stdout().lock(), "{text}");
}

fn say_err(text: &str) {
    let _ = writeln!(stderr().lock(), "{text}");
}
