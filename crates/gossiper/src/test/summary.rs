//! What a run looks like in words: before it and after it.

use std::fmt::Write as _;
use std::path::Path;

use gossiper_lab::challenge::LimitOutcome;
use gossiper_lab::figures::Quantiles;
use gossiper_lab::process;
use gossiper_lab::run::{About, Results, Run, RunConfig};
use gossiper_lab::verdict::{Misconduct, Verdict};

/// What is about to be run; the seed first.
pub(super) fn head(config: &RunConfig, about: &About) -> String {
    let nodes = config.nodes.len();
    let s = if nodes == 1 { "" } else { "s" };
    let mut text = format!("seed {}\n", config.seed);
    let _ = write!(
        text,
        "{} on {nodes} node{s} of {}: {} operations a second for {} s, {} ms between nodes, {}",
        config.workload,
        about.program,
        config.rate_hz,
        config.time_limit.as_secs_f64(),
        config.latency.mean_ms,
        config.topology,
    );
    if !about.nemesis.is_empty() {
        let hub = if about.nemesis_target == "hub" { ", aimed at the hub" } else { "" };
        let _ = write!(text, "\nfaults: {}{hub}", about.nemesis.join(", "));
    }
    text
}

/// The nodes whose stderr may tell why they did something wrong, or did not answer. Of a node that
/// ended the run the reason has it.
pub(super) fn suspects(run: &Run) -> Vec<String> {
    let names = &run.config().nodes;
    let blamed = run.blamed().map(|node| names[node].as_str());
    let cases = run.misconducts().list();
    let is_told = |node: &str| {
        blamed == Some(node) || cases.iter().any(|case| case.is_crash() && case.node() == node)
    };
    let silent = names.iter().zip(run.unanswered()).filter(|&(_, &times)| times > 0);
    let all = cases.iter().map(Misconduct::node).chain(silent.map(|(name, _)| name.as_str()));
    let mut suspects: Vec<String> = Vec::new();
    for node in all.filter(|node| !is_told(node)) {
        if !suspects.iter().any(|suspect| suspect == node) {
            suspects.push(node.to_owned());
        }
    }
    suspects
}

/// How it went.
pub(super) fn tail(results: &Results, suspects: &[String], folder: &Path) -> String {
    let figures = &results.figures;
    let mut text = String::from("\n");
    let verdict = match figures.valid {
        Verdict::Valid => "valid",
        Verdict::Invalid => "INVALID",
        Verdict::Unknown => "unknown",
    };
    let _ = writeln!(text, "{verdict}");
    for reason in &results.reasons {
        // A node's last words are several lines.
        let _ = writeln!(text, "  {}", reason.replace('\n', "\n    "));
    }
    last_lines(&mut text, suspects, folder);
    let ops = figures.ops;
    row(
        &mut text,
        "operations",
        &format!(
            "{} begun: {} ok, {} failed, {} unknown",
            ops.invoked, ops.ok, ops.failed, ops.unknown
        ),
    );
    let servers = figures.net.servers;
    if let (Some(messages), Some(bytes)) = (servers.msgs_per_op, servers.bytes_per_op) {
        row(&mut text, "messages per operation", &format!("{messages:.2}  ({bytes:.0} bytes)"));
    }
    let set = figures.set;
    if set.attempted > 0 {
        row(
            &mut text,
            "values",
            &format!(
                "{} broadcast: {} stable, {} lost, {} never read, {} duplicated, {} orphaned",
                set.attempted, set.stable, set.lost, set.never_read, set.duplicated, set.orphaned
            ),
        );
    }
    let whole = |ms: u64| ms.to_string();
    let tenths = |ms: f64| format!("{ms:.1}");
    latencies(&mut text, "stable latency", figures.stable_latency_ms, whole);
    latencies(&mut text, "propagation", figures.propagation_ms, tenths);
    if figures.propagation_ms.is_some() {
        if !results.plan.probes {
            row(&mut text, "", "seen only where clients happened to read, for --no-probes");
        }
        if results.incomplete > 0 {
            row(&mut text, "", "of the values that were seen everywhere");
        }
        latencies(&mut text, "  at best, of all", figures.ideal_ms, tenths);
        latencies(&mut text, "  excess", figures.excess_ms, tenths);
    }
    if set.attempted == 0 {
        latencies(&mut text, "answers", results.answer_ms, tenths);
    }
    if let Some(late) = results.host.lateness_ms.filter(|late| late.p99 > LATE_MS) {
        let _ = writeln!(
            text,
            "  This machine could not keep up: a hundredth of all messages were handed over {:.0} ms \
             late or more. Latencies are too high by about as much.",
            late.p99
        );
    }
    challenge(&mut text, results);
    let report = folder.join("report.html");
    let _ = write!(text, "\nrepeat  {}\nreport  {}", results.plan.command, report.display());
    text
}

/// Nodes whose last lines of stderr are shown, and how many lines of each.
const STDERR_NODES_MAX: usize = 3;
const STDERR_LINES_MAX: usize = 5;
/// Lateness at which the figures are no longer what the network would have made them.
const LATE_MS: f64 = 10.0;

/// What the first of these nodes wrote to stderr last, if anything.
fn last_lines(text: &mut String, nodes: &[String], folder: &Path) {
    let logs = folder.join("node-logs");
    let of = |node: &String| (node.clone(), process::last_lines(&logs, node, STDERR_LINES_MAX));
    let wrote = nodes.iter().map(of).filter(|(_, lines)| !lines.is_empty());
    let shown: Vec<(String, Vec<String>)> = wrote.take(STDERR_NODES_MAX).collect();
    for (node, lines) in &shown {
        let _ = writeln!(text, "  {node} last wrote to stderr:\n    {}", lines.join("\n    "));
    }
    if !shown.is_empty() {
        let _ = writeln!(text, "  All that nodes wrote there is in {}", logs.display());
    }
}

fn row(text: &mut String, name: &str, figure: &str) {
    let _ = writeln!(text, "  {name:<24}{figure}");
}

fn latencies<T: Copy>(
    text: &mut String,
    name: &str,
    quantiles: Option<Quantiles<T>>,
    show: impl Fn(T) -> String,
) {
    if let Some(all) = quantiles {
        let figure = format!(
            "median {} ms, 95 % {}, 99 % {}, maximum {}",
            show(all.median),
            show(all.p95),
            show(all.p99),
            show(all.max)
        );
        row(text, name, &figure);
    }
}

fn challenge(text: &mut String, results: &Results) {
    let Some(challenge) = &results.challenge else { return };
    let verdict = results.figures.valid;
    // Of another run than the challenge's the limits are there to compare, and fail nothing.
    let is_own = challenge.deviations.is_empty();
    let against_limit = |limit: &LimitOutcome| match (is_own, limit.passed) {
        (true, true) => "passed",
        (true, false) => "FAILED",
        (false, true) => "below the limit",
        (false, false) if limit.measured.is_none() => "",
        (false, false) => "not below the limit",
    };
    let valid = match verdict {
        Verdict::Valid => "passed",
        Verdict::Invalid => "FAILED",
        Verdict::Unknown => "unknown",
    };
    let all = match challenge.is_passed() {
        _ if !is_own => {
            format!("not decided, for this run had {}", challenge.deviations.join(", "))
        }
        true => valid.to_owned(),
        false => "FAILED".to_owned(),
    };
    let _ = writeln!(text, "\nchallenge {} ({}): {all}", challenge.name, challenge.title);
    if is_own {
        row(text, "valid", valid);
    } else if !challenge.limits.is_empty() {
        text.push_str("  Its limits stand here to compare:\n");
    }
    for limit in &challenge.limits {
        let unit = if limit.unit.is_empty() { String::new() } else { format!(" {}", limit.unit) };
        let measured = match limit.measured {
            Some(measured) if limit.unit.is_empty() => format!("{measured:.2}"),
            Some(measured) => format!("{measured:.0}{unit}"),
            None => "no figure".into(),
        };
        let figure = format!(
            "{measured:<12}< {:<12}{}",
            format!("{}{unit}", limit.limit),
            against_limit(limit)
        );
        row(text, &limit.what, figure.trim_end());
    }
}
