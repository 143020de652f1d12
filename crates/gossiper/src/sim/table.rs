//! The figures side by side.

use std::fmt::Write as _;
use std::time::Duration;

use gossiper_lab::network::{Distribution, Latency};
use gossiper_lab::simulation::{
    Results, Scenario, Setting, faults_in_words, overlays_in_words, strategy_name,
};

use super::SimArgs;

/// What a table shows in one row: its name, and the figure of one run.
type Row = (&'static str, fn(&Results) -> String);

const ROWS: [Row; 19] = [
    ("coverage", |run| told(run.coverage, |share| format!("{:.2} %", share * 100.0))),
    ("values everywhere", |run| format!("{}/{}", run.complete, run.broadcasts)),
    ("died with its holders", |run| run.orphaned.to_string()),
    ("taken by no node", |run| run.unplaced.to_string()),
    ("hub", hubs),
    ("nodes down at the end", |run| (run.nodes as u64 - u64::from(run.live_nodes)).to_string()),
    ("redundancy", |run| figure(run.redundancy)),
    ("last delivery hop", |run| figure(run.last_delivery_hop)),
    ("messages a broadcast", |run| figure(run.messages_per_broadcast)),
    ("payloads a broadcast", |run| figure(run.payloads_per_broadcast)),
    ("bytes a broadcast", |run| told(run.bytes_per_broadcast, |bytes| format!("{bytes:.0}"))),
    ("ms to a node, median", |run| told(run.delivery_ms, |all| all.median.to_string())),
    ("ms to a node, 99 %", |run| told(run.delivery_ms, |all| all.p99.to_string())),
    ("ms to all, median", |run| told(run.time_to_all_ms, |all| format!("{:.0}", all.median))),
    ("ms to all, maximum", |run| told(run.time_to_all_ms, |all| format!("{:.0}", all.max))),
    ("rounds to all", |run| figure(run.rounds_to_all)),
    ("ms to recover", |run| told(run.recovery_ms, |ms| format!("{ms:.0}"))),
    ("lost or cut off", |run| (run.dropped.loss + run.dropped.cut).to_string()),
    ("sent to the dead", |run| run.dropped.down.to_string()),
];

/// Rows that a run without any such thing does without.
const FAULT_ROWS: [&str; 7] = [
    "hub",
    "died with its holders",
    "taken by no node",
    "nodes down at the end",
    "ms to recover",
    "lost or cut off",
    "sent to the dead",
];

/// What is told of a run without `--json` before it is played; the seed first.
pub(super) fn head(args: &SimArgs, scenarios: &[Scenario]) -> String {
    let Some(first) = scenarios.first() else { return String::new() };
    let named = |it: &Scenario| (strategy_name(it.config.strategy), Setting::of(it));
    let settings: Vec<(&str, Setting)> = scenarios.iter().map(named).collect();
    let topology = match settings.iter().any(|(_, setting)| setting.overlay.are_given()) {
        true => format!(" on {}", first.topology),
        // It told nodes no more than that they have to find their ways themselves.
        false => String::new(),
    };
    format!(
        "seed {}\n{}{topology}: {} at {} a second{}, {}\noverlay: {}\nfaults: {}\n{}",
        first.seed,
        counted(first.nodes, "node"),
        counted(args.broadcasts, "broadcast"),
        args.rate,
        args.senders
            .map_or_else(String::new, |senders| format!(" from {}", counted(senders, "node"))),
        between(first.latency),
        overlays_in_words(settings.iter().map(|(name, setting)| (*name, setting))),
        faults_in_words(&settings[0].1.faults),
        given(args)
    )
}

/// A line with the settings that were given, if there are any: what is not told is as usual.
fn given(args: &SimArgs) -> String {
    let time = |time: Duration| humantime::format_duration(time).to_string();
    let given = [
        ("fanout", args.fanout.map(|fanout| fanout.to_string())),
        ("gossip interval", args.gossip_interval.map(time)),
        ("ack time-out", args.ack_timeout.map(time)),
        ("pace", args.pace.map(time)),
        ("warm-up", args.warmup.map(time)),
        ("time to settle", args.settle.map(time)),
    ];
    let told = given.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", value?)));
    let told = told.collect::<Vec<_>>().join(", ");
    if told.is_empty() { told } else { format!("with: {told}\n") }
}

/// The figures, which stand below the head.
pub(super) fn table(results: &[Results]) -> String {
    let mut text = String::new();
    let names = results.iter().map(|run| run.strategy.to_owned());
    row(&mut text, "", &names.collect::<Vec<_>>());
    for (name, cell) in ROWS {
        let cells: Vec<String> = results.iter().map(cell).collect();
        let is_void = cells.iter().all(|cell| cell == NOTHING || cell == "0");
        if is_void && FAULT_ROWS.contains(&name) {
            continue;
        }
        text.push('\n');
        row(&mut text, name, &cells);
    }
    if let Some(first) = results.first().filter(|run| run.live_nodes == 0) {
        let _ = write!(text, "\n\n{}", nobody_left(first));
    }
    for run in results.iter().filter(|run| !run.is_sound()) {
        let _ = write!(
            text,
            "\n\n{} delivered {} that nobody broadcast, and {} twice",
            run.strategy,
            counted(run.invented as usize, "value"),
            run.delivered_twice
        );
    }
    text
}

/// What became of the broadcasts where no node is left. Faults hit all protocols alike.
fn nobody_left(run: &Results) -> String {
    format!(
        "No node is up at the end. Of {}, {} died with all nodes that had them, and {} found no \
         node that was up.",
        counted(run.broadcasts + run.unplaced as usize, "broadcast"),
        run.orphaned,
        run.unplaced
    )
}

/// Who was the hub when a fault aimed at it first, and how often one did later.
fn hubs(run: &Results) -> String {
    match &run.hubs[..] {
        [] => NOTHING.to_owned(),
        [hub] => format!("n{hub}"),
        [hub, more @ ..] => format!("n{hub} (+{})", more.len()),
    }
}

fn row(text: &mut String, name: &str, cells: &[String]) {
    let _ = write!(text, "{name:<22}");
    for cell in cells {
        let _ = write!(text, "{cell:>12}");
    }
}

/// What stands for a figure that cannot be told.
const NOTHING: &str = "-";

pub(super) fn told<T>(figure: Option<T>, show: impl Fn(T) -> String) -> String {
    figure.map_or_else(|| NOTHING.to_owned(), show)
}

pub(super) fn figure(figure: Option<f64>) -> String {
    // A small negative figure is shown as nothing, and not as less than it.
    told(figure, |figure| format!("{:.2}", if figure.abs() < 0.005 { 0.0 } else { figure }))
}

/// So many of something.
pub(super) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn between(latency: Latency) -> String {
    match latency.distribution {
        Distribution::Constant => format!("{} ms a hop", latency.mean_ms),
        Distribution::World => "latencies of the world".into(),
        Distribution::Range { .. } => format!("{} a hop", latency.distribution),
        other => format!("{} ms a hop on average, {other}", latency.mean_ms),
    }
}
