//! What is left of a run: its figures, and the files that hold them.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use gossiper_core::Instant;
use serde::Serialize;

use super::journal::{Fate, Volume};
use super::{Cut, Run};
use crate::challenge::{Challenge, Outcome};
use crate::fault::FaultPlan;
use crate::figures::{Figures, Net, Ops, Quantiles, Set, Traffic};
use crate::history::{History, Operation};
use crate::load::Workload;
use crate::propagation::{Spread, quantiles};
use crate::verdict::{Fate as ValueFate, Judgement, Terms, Verdict, judge};

/// The number of the format of `results.json`.
const FORMAT: u32 = 1;

/// What a host says of a run, besides what happened in it.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// The command that repeats the run.
    pub command: String,
    /// The program that the nodes ran.
    pub program: String,
    /// The kinds of faults asked for, or the plan's file.
    pub nemesis: Vec<String>,
    /// Mean time between a fault's start and its stop.
    pub nemesis_interval: Duration,
    /// At whom faults aimed.
    pub nemesis_target: String,
    /// The published challenge whose limits the figures are held against, and what the run does
    /// otherwise.
    pub challenge: Option<(Challenge, Vec<String>)>,
    /// When the run began, in RFC 3339.
    pub started: String,
    /// How much later than due messages were handed over, in ms, ascending.
    pub lateness_ms: Vec<f64>,
}

/// The results of a run, as `results.json` has them.
#[derive(Clone, Debug, Serialize)]
pub struct Results {
    /// The number of the format.
    pub format: u32,
    /// The figures.
    #[serde(flatten)]
    pub figures: Figures,
    /// Why it is not valid, and what else there is to say; a sentence each.
    pub reasons: Vec<String>,
    /// Values that some live node was never seen to have; they are in no quantile of propagation.
    pub incomplete: u64,
    /// The limits of the challenge, beside the figures.
    pub challenge: Option<Outcome>,
    /// What was run.
    pub plan: Plan,
    /// When each phase began.
    pub phases_ms: PhasesMs,
    /// Node by node.
    pub nodes: Vec<NodeFigures>,
    /// Messages between nodes by type, most first.
    pub types: Vec<TypeFigures>,
    /// How long clients waited for answers, of the operations that succeeded.
    pub answer_ms: Option<Quantiles<f64>>,
    /// How the host fared.
    pub host: HostFigures,
    /// Whether a node's end cut the run short: the command then exits as Maelstrom does.
    #[serde(skip)]
    pub is_crash: bool,
}

/// What was run.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// The command that repeats it.
    pub command: String,
    /// The workload's name.
    pub workload: String,
    /// The program that the nodes ran.
    pub program: String,
    /// The nodes' names.
    pub nodes: Vec<String>,
    /// Length of the main phase.
    pub time_limit_s: f64,
    /// Operations a second.
    pub rate_hz: f64,
    /// Workers.
    pub concurrency: usize,
    /// Mean latency between nodes.
    pub latency_ms: u32,
    /// Its distribution.
    pub latency_dist: String,
    /// The topology's name.
    pub topology: String,
    /// The kinds of faults.
    pub nemesis: Vec<String>,
    /// Mean time between a fault's start and its stop.
    pub nemesis_interval_s: f64,
    /// At whom faults aimed.
    pub nemesis_target: String,
    /// The share of operations that had to succeed.
    pub availability_min: Option<f64>,
    /// Whether the nodes were probed.
    pub probes: bool,
}

/// When the phases began, in ms since the main phase's start; null for one that was not reached.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct PhasesMs {
    /// The main phase; null if the set-up failed.
    pub main: Option<f64>,
    /// Waiting for the last operations.
    pub drain: Option<f64>,
    /// The quiet after all faults.
    pub quiet: Option<f64>,
    /// The final reads.
    #[serde(rename = "final")]
    pub last_reads: Option<f64>,
    /// The end.
    pub end: Option<f64>,
}

/// One node's figures.
#[derive(Clone, Debug, Serialize)]
pub struct NodeFigures {
    /// Its name.
    pub node: String,
    /// Messages that it sent to nodes.
    pub sent: u64,
    /// Their bytes.
    pub sent_bytes: u64,
    /// Nodes' messages that it was handed.
    pub received: u64,
    /// Their bytes.
    pub received_bytes: u64,
    /// Messages sent to it that never arrived.
    pub dropped: Dropped,
    /// How often it was killed.
    pub kills: u32,
    /// How often it was paused.
    pub pauses: u32,
    /// Operations that clients asked of it.
    pub ops: Ops,
    /// Broadcast values that it was last seen to hold.
    pub values: u32,
}

/// Why messages never arrived.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Dropped {
    /// Cut off by a partition.
    pub cut: u64,
    /// Lost by chance.
    pub loss: u64,
    /// The node was down.
    pub down: u64,
    /// Too many waited for it.
    pub overflow: u64,
}

/// The messages of one type.
#[derive(Clone, Debug, Serialize)]
pub struct TypeFigures {
    /// The type.
    pub r#type: String,
    /// How many were sent between nodes.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// How the host fared.
#[derive(Clone, Debug, Serialize)]
pub struct HostFigures {
    /// When the run began.
    pub started: String,
    /// From the first start to the main phase.
    pub boot_ms: Option<f64>,
    /// How much later than due messages were handed over.
    pub lateness_ms: Option<Quantiles<f64>>,
    /// Questions that the lab asked the nodes; they count in no figure.
    pub probes: u64,
}

/// What becomes files besides `results.json`.
#[derive(Debug)]
pub struct Files {
    pub(super) history: History,
    pub(super) faults: FaultPlan,
    pub(super) values: Vec<ValueLine>,
}

/// A line of `values.jsonl`: one value whose broadcast arrived at a node.
#[derive(Debug, Serialize)]
pub struct ValueLine {
    /// The value.
    pub value: u32,
    /// The node that it was broadcast at.
    pub node: String,
    /// When it arrived there, counted from the start of the run.
    pub arrived_ms: f64,
    /// Whether that node has acknowledged it.
    pub acknowledged: bool,
    /// What became of it.
    pub fate: ValueFate,
    /// How long it was known and still missed, as Maelstrom counts it.
    pub stable_latency_ms: Option<u64>,
    /// From its arrival until the last live node had it; nothing if one never did.
    pub propagation_ms: Option<f64>,
    /// The same at best; nothing if the faults kept it from some live node.
    pub ideal_ms: Option<f64>,
    /// The difference of the two.
    pub excess_ms: Option<f64>,
    /// When each node's present life was first seen to have it, counted from the start of the run.
    pub arrivals_ms: Vec<Option<f64>>,
}

impl Files {
    /// What became of each value, in the order of their numbers.
    pub fn values(&self) -> &[ValueLine] {
        &self.values
    }

    /// Writes `history.jsonl`, `faults.jsonl` and, if values were broadcast, `values.jsonl` into a
    /// folder. Errors are those of the file system.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let mut history = BufWriter::new(File::create(folder.join("history.jsonl"))?);
        self.history.write(&mut history)?;
        history.flush()?;
        std::fs::write(folder.join("faults.jsonl"), self.faults.to_json())?;
        if self.values.is_empty() {
            return Ok(());
        }
        let mut values = BufWriter::new(File::create(folder.join("values.jsonl"))?);
        for line in &self.values {
            serde_json::to_writer(&mut values, line)?;
            values.write_all(b"\n")?;
        }
        values.flush()
    }
}

impl Results {
    /// Writes `results.json` into a folder. Errors are those of the file system.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        std::fs::write(folder.join("results.json"), text)
    }
}

impl Run {
    /// Ends the run, judges it and counts it. `net.jsonl` is completed.
    pub fn finish(mut self, about: About) -> (Results, Files) {
        self.move_messages();
        let start = self.phases.main.unwrap_or(self.now);
        for envelope in self.network.drain() {
            self.journal.on_fate(&envelope, Fate::Open, start, &self.kinds);
        }
        let spreads = self.propagation.spreads();
        let orphaned: Vec<u32> =
            spreads.iter().filter(|s| s.is_orphaned).map(|spread| spread.value).collect();
        let terms = Terms {
            availability_min: self.config.availability_min,
            orphaned: &orphaned,
            is_cut_short: self.cut.is_some(),
        };
        let mut judgement = judge(&self.history, self.misconducts.list(), terms);
        judgement.reasons.extend(self.remarks(&spreads));
        self.tell_cut(&mut judgement);
        if let Some(error) = self.journal.finish() {
            judgement.reasons.push(format!("net.jsonl is not complete: {error}."));
        }
        if self.journal.is_full() {
            judgement.reasons.push("net.jsonl holds the first GiB only.".into());
        }
        let figures = self.figures(&judgement, &spreads);
        let plan = self.plan(&about);
        let results = Results {
            format: FORMAT,
            reasons: judgement.reasons.clone(),
            incomplete: spreads.iter().filter(|spread| spread.propagation_ms.is_none()).count()
                as u64,
            challenge: about
                .challenge
                .map(|(challenge, deviations)| challenge.outcome(&figures, deviations)),
            figures,
            plan,
            phases_ms: self.phases_ms(),
            nodes: self.node_figures(),
            types: self.type_figures(),
            answer_ms: self.answer_ms(),
            host: HostFigures {
                started: about.started,
                boot_ms: self.phases.main.map(|start| ms(start.0)),
                lateness_ms: Quantiles::of_sorted(&about.lateness_ms),
                probes: self.probes.asked(),
            },
            is_crash: matches!(self.cut, Some(Cut::Crashed(_))),
        };
        let values = self.value_lines(&judgement, &spreads);
        // What was applied was planned, and planned things can be planned again.
        let faults = FaultPlan::new(self.config.nodes.len(), self.applied).unwrap_or_default();
        (results, Files { history: self.history, faults, values })
    }

    fn tell_cut(&self, judgement: &mut Judgement) {
        let Some(cut) = &self.cut else { return };
        let when = match self.phases.main {
            None => "during the set-up".to_owned(),
            Some(_) => format!("after {:.1} s", ms(self.since_start(self.now).0) / 1000.0),
        };
        // The end of a node is told once, by the sentence that has its last words.
        let crashes = self.misconducts.list().iter().filter(|case| case.is_crash());
        let crashes: Vec<String> = crashes.map(ToString::to_string).collect();
        judgement.reasons.retain(|reason| !crashes.contains(reason));
        let (verdict, reason) = match cut {
            Cut::Interrupted => (Verdict::Unknown, format!("The run was interrupted {when}.")),
            Cut::Crashed(cause) => (Verdict::Invalid, format!("The run ended {when}: {cause}")),
            Cut::Stopped(cause) => (Verdict::Invalid, format!("The run ended {when}: {cause}")),
        };
        if judgement.verdict != Verdict::Invalid {
            judgement.verdict = verdict;
        }
        judgement.reasons.insert(0, reason);
    }

    fn figures(&self, judgement: &Judgement, spreads: &[Spread]) -> Figures {
        let ops = judgement.ops;
        let traffic = |Volume { messages, bytes }: Volume| Traffic::new(messages, bytes, ops);
        Figures {
            seed: self.config.seed,
            valid: judgement.verdict,
            ops,
            availability: ops.availability(),
            net: Net {
                servers: traffic(self.journal.servers),
                clients: traffic(self.journal.clients),
            },
            set: Set::of(judgement),
            stable_latency_ms: Quantiles::of_sorted(&judgement.stable_latencies_ms()),
            propagation_ms: quantiles(spreads.iter().map(|spread| spread.propagation_ms)),
            ideal_ms: quantiles(spreads.iter().map(|spread| spread.ideal_ms)),
            excess_ms: quantiles(spreads.iter().map(Spread::excess_ms)),
        }
    }

    fn plan(&self, about: &About) -> Plan {
        let config = &self.config;
        Plan {
            command: about.command.clone(),
            workload: config.workload.to_string(),
            program: about.program.clone(),
            nodes: config.nodes.clone(),
            time_limit_s: config.time_limit.as_secs_f64(),
            rate_hz: config.rate_hz,
            concurrency: config.concurrency,
            latency_ms: config.latency.mean_ms,
            latency_dist: config.latency.distribution.to_string(),
            topology: config.topology.to_string(),
            nemesis: about.nemesis.clone(),
            nemesis_interval_s: about.nemesis_interval.as_secs_f64(),
            nemesis_target: about.nemesis_target.clone(),
            availability_min: config.availability_min,
            probes: config.probes && config.workload == Workload::Broadcast,
        }
    }

    fn phases_ms(&self) -> PhasesMs {
        let phases = self.phases;
        let since = |at: Option<Instant>| at.map(|at| ms(self.since_start(at).0));
        PhasesMs {
            main: since(phases.main),
            drain: since(phases.drain),
            quiet: since(phases.quiet),
            last_reads: since(phases.last_reads),
            end: since(phases.over.filter(|_| phases.main.is_some())),
        }
    }

    fn node_figures(&self) -> Vec<NodeFigures> {
        let journal = &self.journal;
        let all_ops = Ops::by_node(&self.history);
        let nodes = self.config.nodes.iter().zip(all_ops).enumerate();
        nodes
            .map(|(place, (node, ops))| {
                let [cut, loss, down, overflow] = journal.dropped[place];
                NodeFigures {
                    node: node.clone(),
                    sent: journal.sent[place].messages,
                    sent_bytes: journal.sent[place].bytes,
                    received: journal.received[place].messages,
                    received_bytes: journal.received[place].bytes,
                    dropped: Dropped { cut, loss, down, overflow },
                    kills: self.kills[place],
                    pauses: self.pauses[place],
                    ops,
                    values: self.probes.values(place),
                }
            })
            .collect()
    }

    fn answer_ms(&self) -> Option<Quantiles<f64>> {
        let waited = |operation: &Operation| {
            let completed = operation.completed_ok()?;
            Some(ms((completed.at - operation.invoked.at).as_nanos() as u64))
        };
        quantiles(self.history.operations().iter().map(waited))
    }

    fn type_figures(&self) -> Vec<TypeFigures> {
        let kinds = self.journal.kinds.iter().zip(0..).filter(|(volume, _)| volume.messages > 0);
        let mut types: Vec<TypeFigures> = kinds
            .map(|(&Volume { messages, bytes }, number)| {
                let kind = super::message::Kind(number);
                TypeFigures { r#type: self.kinds.name(kind).to_owned(), messages, bytes }
            })
            .collect();
        types.sort_by(|a, b| (b.messages, &a.r#type).cmp(&(a.messages, &b.r#type)));
        types
    }

    fn value_lines(&self, judgement: &Judgement, spreads: &[Spread]) -> Vec<ValueLine> {
        let line = |spread: &Spread| {
            let sightings = &judgement.values[spread.value as usize];
            let arrivals = self.propagation.arrivals(spread.value);
            ValueLine {
                value: spread.value,
                node: self.config.nodes[spread.node as usize].clone(),
                arrived_ms: ms(spread.arrived.0),
                acknowledged: spread.is_acknowledged,
                fate: judgement.fates[spread.value as usize],
                stable_latency_ms: sightings.stable_latency_ms(),
                propagation_ms: spread.propagation_ms,
                ideal_ms: spread.ideal_ms,
                excess_ms: spread.excess_ms(),
                arrivals_ms: arrivals.map(|at| at.map(|at| ms(at.0))).collect(),
            }
        };
        spreads.iter().map(line).collect()
    }
}

/// Nanoseconds in ms, cut to µs: more digits would only fill the files.
fn ms(ns: u64) -> f64 {
    (ns / 1000) as f64 / 1000.0
}
