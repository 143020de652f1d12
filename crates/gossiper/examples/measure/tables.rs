//! The tables of docs/mechanisms.md: every strategy, and hybrid without each mechanism, under the
//! same loads and faults.

use std::ops::RangeInclusive;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use gossiper_core::{Config, Mechanism, Strategy};
use gossiper_lab::fault::{Kind, Target};
use gossiper_lab::figures::quantile_place;
use gossiper_lab::run::ValueLine;
use gossiper_lab::topology::Topology;
use gossiper_lab::verdict::Fate;

use crate::virtual_time::{Plan, Played, play};

/// What goes wrong.
struct Condition {
    title: &'static str,
    faults: &'static [Kind],
    target: Target,
}

const CONDITIONS: [Condition; 5] = [
    Condition { title: "Nothing goes wrong", faults: &[], target: Target::Random },
    Condition {
        title: "A tenth of all messages is lost",
        faults: &[Kind::Loss],
        target: Target::Random,
    },
    Condition {
        title: "The busiest node stands still",
        faults: &[Kind::Pause],
        target: Target::Hub,
    },
    Condition { title: "The busiest node is killed", faults: &[Kind::Kill], target: Target::Hub },
    Condition { title: "Partitions", faults: &[Kind::Partition], target: Target::Random },
];

/// The place of the kills among them.
const KILL: usize = 3;

/// A cluster, with the name of its row.
struct Row {
    name: String,
    topology: Topology,
    node: Config,
}

impl Row {
    fn new(name: &str, topology: Topology, strategy: Strategy) -> Self {
        Self { name: name.into(), topology, node: Config { strategy, ..Config::default() } }
    }

    /// Hybrid without these.
    fn without(name: &str, mechanisms: &[Mechanism]) -> Self {
        let mut row = Self::new(name, Topology::Grid, Strategy::Hybrid);
        row.node.without = mechanisms.iter().copied().collect();
        row
    }
}

fn strategies() -> Vec<Row> {
    let mut fanout = Row::new("gossip, fanout 4", Topology::Grid, Strategy::Gossip);
    fanout.node.fanout = 4;
    let mut straight = Row::new("hybrid, pace 0", Topology::Grid, Strategy::Hybrid);
    straight.node.pace = std::time::Duration::ZERO;
    vec![
        Row::new("flood on the grid", Topology::Grid, Strategy::Flood),
        Row::new("tree, given", Topology::Tree4, Strategy::Tree),
        Row::new("tree, computed", Topology::Grid, Strategy::Tree),
        Row::new("gossip, fanout 2", Topology::Grid, Strategy::Gossip),
        fanout,
        Row::new("hybrid, given tree", Topology::Tree4, Strategy::Hybrid),
        Row::new("hybrid", Topology::Grid, Strategy::Hybrid),
        straight,
    ]
}

fn ablations() -> Vec<Row> {
    let one = |mechanism: Mechanism| Row::without(mechanism.name(), &[mechanism]);
    let all_but_push: Vec<Mechanism> =
        Mechanism::ALL.into_iter().filter(|&mechanism| mechanism != Mechanism::Push).collect();
    let nets = [Mechanism::Fallback, Mechanism::Rounds, Mechanism::Repair, Mechanism::Comparison];
    let mut rows = vec![Row::without("nothing: all of hybrid", &[])];
    rows.extend(Mechanism::ALL.into_iter().map(one));
    rows.push(Row::without("repair, comparison", &nets[2..]));
    rows.push(Row::without("rounds, repair, comparison", &nets[1..]));
    rows.push(Row::without("fallback, rounds, repair, comparison", &nets));
    rows.push(Row::without("all but push", &all_but_push));
    rows
}

/// Plays everything, and prints the tables as Markdown.
#[allow(clippy::print_stdout, reason = "it is there to print")]
pub(crate) fn print(seeds: RangeInclusive<u64>) {
    let (strategies, ablations) = (strategies(), ablations());
    let rows: Vec<&Row> = strategies.iter().chain(&ablations).collect();
    let cells = play_all(&rows, seeds);
    let (of_strategies, of_ablations) = cells.split_at(strategies.len());
    for (place, condition) in CONDITIONS.iter().enumerate() {
        let all = if is_cut(condition) { "late" } else { "everywhere" };
        println!("**{}**\n", condition.title);
        println!(
            "| | messages | kB | half 0.5 | half 0.99 | {all} 0.5 | {all} 0.99 | {all} 1 | missing |"
        );
        println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
        for (row, cells) in strategies.iter().zip(of_strategies) {
            println!("| {} | {} |", row.name, cells[place].whole());
        }
        println!();
    }
    println!("**What became of values when nodes were killed**\n");
    println!(
        "| | given | to a dead node | died with their node | missing at restarted nodes only \
         | at others |"
    );
    println!("|{}", " --- |".repeat(6));
    for (row, cells) in strategies.iter().zip(of_strategies) {
        let Cell { given, unanswered, died, missing, missing_at_survivors, .. } = &cells[KILL];
        let restarted = missing - missing_at_survivors;
        println!(
            "| {} | {given} | {unanswered} | {died} | {restarted} | {missing_at_survivors} |",
            row.name
        );
    }
    println!("\n**Hybrid without**\n");
    println!(
        "| | quiet: messages | kB | everywhere 0.5 | 0.99 | loss: messages | everywhere 0.5 | 0.99 \
         | pause: messages | half 0.99 | kill: messages | late 0.5 | 0.99 \
         | partition: messages | late 0.99 | missing |"
    );
    println!("|{}", " --- |".repeat(16));
    for (row, cells) in ablations.iter().zip(of_ablations) {
        let [quiet, loss, pause, kill, partition] = &cells[..] else { continue };
        let missing: usize = cells.iter().map(|cell| cell.missing).sum();
        let figures = [
            number(quiet.messages),
            number(quiet.kilobytes),
            time(&quiet.all, 0.5),
            time(&quiet.all, 0.99),
            number(loss.messages),
            time(&loss.all, 0.5),
            time(&loss.all, 0.99),
            number(pause.messages),
            time(&pause.half, 0.99),
            number(kill.messages),
            time(&kill.all, 0.5),
            time(&kill.all, 0.99),
            number(partition.messages),
            time(&partition.all, 0.99),
            missing.to_string(),
        ];
        println!("| {} | {} |", row.name, figures.join(" | "));
    }
}

/// What one cluster did under one condition, over all seeds.
#[derive(Default)]
struct Cell {
    /// Between nodes, for each operation.
    messages: f64,
    kilobytes: f64,
    /// Of each value, sorted: when most of the nodes had it, in ms. Infinite if they never did.
    half: Vec<f64>,
    /// The same of all live nodes; where faults stand in the way, how much later than they allow.
    all: Vec<f64>,
    given: u64,
    /// Given to a node that was down.
    unanswered: u64,
    /// No live node has them.
    died: usize,
    /// Some live node has them and another has not.
    missing: usize,
    /// Those of them that a node lacks which was never killed.
    missing_at_survivors: usize,
}

impl Cell {
    fn of(condition: &Condition, runs: &[Run]) -> Self {
        let mut cell = Self::default();
        let operations: f64 = runs.iter().map(|run| run.operations).sum();
        for run in runs {
            cell.messages += run.messages / operations;
            cell.kilobytes += run.bytes / operations / 1000.0;
            cell.given += run.given;
            cell.unanswered += run.given - run.values.len() as u64;
            for value in &run.values {
                match value.held {
                    Held::Nowhere => cell.died += 1,
                    Held::Somewhere => {
                        cell.missing += 1;
                        cell.missing_at_survivors += usize::from(value.is_missed_by_survivor);
                    }
                    Held::Everywhere => {}
                }
                if value.held != Held::Nowhere {
                    cell.half.push(value.half_ms);
                    let late = value.late_ms.filter(|_| is_cut(condition));
                    cell.all.push(late.unwrap_or(value.all_ms));
                }
            }
        }
        cell.half.sort_unstable_by(f64::total_cmp);
        cell.all.sort_unstable_by(f64::total_cmp);
        cell
    }

    fn whole(&self) -> String {
        let figures = [
            number(self.messages),
            number(self.kilobytes),
            time(&self.half, 0.5),
            time(&self.half, 0.99),
            time(&self.all, 0.5),
            time(&self.all, 0.99),
            time(&self.all, 1.0),
            self.missing.to_string(),
        ];
        figures.join(" | ")
    }
}

/// Whether the faults keep values from nodes, so that only what goes beyond that tells something.
fn is_cut(condition: &Condition) -> bool {
    condition.faults.iter().any(|&kind| kind != Kind::Loss)
}

/// What is kept of a run.
struct Run {
    messages: f64,
    bytes: f64,
    operations: f64,
    given: u64,
    values: Vec<Value>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Held {
    Nowhere,
    Somewhere,
    Everywhere,
}

struct Value {
    held: Held,
    /// A node lacks it that was never killed.
    is_missed_by_survivor: bool,
    half_ms: f64,
    all_ms: f64,
    late_ms: Option<f64>,
}

impl Run {
    fn of(played: &Played) -> Self {
        let figures = &played.results.figures;
        Self {
            messages: figures.net.servers.messages as f64,
            bytes: figures.net.servers.bytes as f64,
            operations: figures.ops.invoked as f64,
            given: figures.set.attempted,
            values: played.files.values().iter().map(|line| Value::of(line, played)).collect(),
        }
    }
}

impl Value {
    fn of(line: &ValueLine, played: &Played) -> Self {
        let mut arrivals: Vec<f64> = line.arrivals_ms.iter().copied().flatten().collect();
        arrivals.sort_unstable_by(f64::total_cmp);
        let half = arrivals.get(line.arrivals_ms.len() / 2);
        let held = match (line.propagation_ms, arrivals.len()) {
            (Some(_), _) => Held::Everywhere,
            (None, 0) => Held::Nowhere,
            (None, _) => Held::Somewhere,
        };
        assert!(held != Held::Everywhere || line.fate != Fate::Lost, "the checkers agree");
        let mut nodes = line.arrivals_ms.iter().zip(&played.results.nodes);
        Self {
            held,
            is_missed_by_survivor: nodes.any(|(at, node)| at.is_none() && node.kills == 0),
            half_ms: half.map_or(f64::INFINITY, |at| at - line.arrived_ms),
            all_ms: line.propagation_ms.unwrap_or(f64::INFINITY),
            late_ms: line.excess_ms,
        }
    }
}

/// Every row under every condition, on all cores: the same figures on any number of them.
fn play_all(rows: &[&Row], seeds: RangeInclusive<u64>) -> Vec<Vec<Cell>> {
    let per_cell = seeds.clone().count();
    let count = rows.len() * CONDITIONS.len() * per_cell;
    let runs: Vec<Mutex<Option<Run>>> = (0..count).map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(run) = runs.get(place) else { return };
            let (cell, seed) = (place / per_cell, seeds.start() + (place % per_cell) as u64);
            let row = rows[cell / CONDITIONS.len()];
            let condition = &CONDITIONS[cell % CONDITIONS.len()];
            let plan = Plan {
                topology: row.topology,
                node: row.node.clone(),
                faults: condition.faults.to_vec(),
                target: condition.target,
                ..Plan::default()
            };
            *run.lock().expect("nobody panics with it") = Some(Run::of(&play(&plan, seed)));
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let runs = runs.into_iter().map(|run| run.into_inner().ok().flatten());
    let runs: Vec<Run> = runs.map(|run| run.expect("each was played")).collect();
    let cells = runs.chunks(per_cell).enumerate();
    let cells = cells.map(|(place, runs)| Cell::of(&CONDITIONS[place % CONDITIONS.len()], runs));
    let mut cells = cells.collect::<Vec<Cell>>().into_iter();
    rows.iter().map(|_| cells.by_ref().take(CONDITIONS.len()).collect()).collect()
}

/// A quantile of a sorted list of times.
fn time(sorted: &[f64], quantile: f64) -> String {
    match quantile_place(sorted.len(), quantile).map(|place| sorted[place]) {
        None => "–".into(),
        Some(ms) if ms.is_infinite() => "never".into(),
        Some(ms) => format!("{ms:.0}"),
    }
}

fn number(number: f64) -> String {
    format!("{number:.*}", if number < 10.0 { 2 } else { 1 })
}
