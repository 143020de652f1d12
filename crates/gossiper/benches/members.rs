//! What a member of a cluster can take in: one node in memory, fed with the lines of its neighbors.
//!
//! ```text
//! cargo bench -p gossiper --bench members
//! cargo bench -p gossiper --bench members -- relay leaf/25
//! ```
//!
//! The node is [`gossiper_maelstrom::Session`], whole: it reads lines and writes lines. Time is
//! virtual and its neighbors are played: every 110 ms each sends a push with values of its own and
//! the acknowledgement of all that has come from the node, evenly spread. So only the node's own
//! work is measured. Three places in a cluster, each with 25 and with 200 members:
//!
//! - *relay*: the first member, which passes on what each of its 24 neighbors sends to all others.
//! - *leaf*: the last member, which gets everything from one.
//! - *straight*: any member where there is no pace: each of the others pushes to it.
//!
//! and two loads: pushes of one value, where the links are all that counts, and of forty. A node
//! that knows 1,000 values at first and one that knows 1,000,000 take turns, and a ratio is the
//! median of the ratios within one turn. Compare ratios between machines, never rates.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the tables on stdout are what a benchmark is for; its failure goes to stderr"
)]

#[path = "throughput/stats.rs"]
#[allow(dead_code, reason = "each benchmark uses its own part")]
mod stats;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use gossiper_core::{Config, Instant};
use gossiper_maelstrom::{Session, Settings};
use gossiper_wire::{Acked, Body, Envelope, Rumor, RumorId, Value, encode};
use stats::{grouped, median, median_ratio};

/// What stops a run: a sentence for the person who started it.
type Failure = Box<dyn Error>;

/// From one push of a neighbor to its next: what a pace of 100 ms comes to.
const TICK: Duration = Duration::from_millis(110);

/// Ticks before those that are measured, in which the links settle.
const TICKS_BEFORE: u32 = 20;

/// The most rumors of one delta.
const DELTA_RUMORS: u64 = 8_192;

/// The start that all played nodes say is theirs.
const INCARNATION: u64 = 7;

fn main() -> ExitCode {
    let is_trial = !std::env::args().any(|arg| arg == "--bench");
    let named: Vec<String> = std::env::args().skip(1).collect();
    match report(is_trial, &named) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("members: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn report(is_trial: bool, named: &[String]) -> Result<(), Failure> {
    let (turns, few, many) = if is_trial { (1, 100, 2_000) } else { (9, 1_000, 1_000_000) };
    println!(
        "values taken in a second, by how many are known; the time of a line is with the fewer"
    );
    println!(
        "{:<10}{:>8}{:>8}{:>14}{:>14}{:>8}{:>12}",
        "place",
        "members",
        "a push",
        grouped(few as f64),
        grouped(many as f64),
        "ratio",
        "µs a line"
    );
    let named: Vec<&String> = named.iter().filter(|name| !name.starts_with('-')).collect();
    for place in [Place::Relay, Place::Leaf, Place::Straight] {
        for members in [25, 200] {
            for a_push in [1, 40] {
                let label = format!("{}/{members}/{a_push}", place.name());
                if !named.is_empty() && !named.iter().any(|name| label.starts_with(*name)) {
                    continue;
                }
                let load = Load { place, members, a_push };
                let mut large = Bench::start(load, many)?;
                let (mut below, mut above, mut line_us) = (Vec::new(), Vec::new(), Vec::new());
                for _ in 0..turns {
                    let small = Bench::start(load, few)?.measure()?;
                    below.push(small.values_a_second());
                    above.push(large.measure()?.values_a_second());
                    line_us.push(small.busy.as_secs_f64() * 1e6 / small.lines as f64);
                }
                println!(
                    "{:<10}{:>8}{:>8}{:>14}{:>14}{:>8.2}{:>12.2}",
                    place.name(),
                    members,
                    a_push,
                    grouped(median(&below)),
                    grouped(median(&above)),
                    median_ratio(&above, &below),
                    median(&line_us)
                );
            }
        }
    }
    Ok(())
}

/// Where in the cluster the node stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Relay,
    Leaf,
    Straight,
}

impl Place {
    fn name(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::Leaf => "leaf",
            Self::Straight => "straight",
        }
    }
}

#[derive(Clone, Copy)]
struct Load {
    place: Place,
    members: usize,
    /// The values of one push.
    a_push: u64,
}

/// What a measured stretch has come to.
struct Measured {
    values: u64,
    lines: u64,
    busy: Duration,
}

impl Measured {
    fn values_a_second(&self) -> f64 {
        self.values as f64 / self.busy.as_secs_f64()
    }
}

/// A played member.
struct Peer {
    name: String,
    /// The values that have entered there.
    sequence: u64,
    /// The pushes that it has sent to the node.
    number: u64,
    /// The last push of the node's that has come there, and the node's start.
    heard: Option<(u64, u64)>,
}

struct Bench {
    load: Load,
    session: Session,
    me: String,
    peers: Vec<Peer>,
    now: Instant,
    values: u64,
    /// What the node last told of what it holds: the played neighbors agree with it.
    summary: (u64, u64),
    line: Vec<u8>,
    out: Vec<u8>,
    measured: Measured,
}

impl Bench {
    /// A node that knows `known` values, the same number from each member.
    fn start(load: Load, known: u64) -> Result<Self, Failure> {
        let mut config = Config::default();
        if load.place == Place::Straight {
            config.pace = Duration::ZERO;
        }
        let names: Vec<String> = (0..load.members).map(|place| format!("n{place:03}")).collect();
        let my_place = if load.place == Place::Leaf { load.members - 1 } else { 0 };
        let me = names[my_place].clone();
        let peers = names.iter().filter(|name| **name != me).map(|name| Peer {
            name: name.clone(),
            sequence: 0,
            number: 0,
            heard: None,
        });
        let mut bench = Self {
            load,
            session: Session::new(Settings { config, seed: 1, incarnation: 1 }),
            me: me.clone(),
            peers: peers.collect(),
            now: Instant::START,
            values: 0,
            summary: (0, 0),
            line: Vec::new(),
            out: Vec::new(),
            measured: Measured { values: 0, lines: 0, busy: Duration::ZERO },
        };
        let ring = names.iter().zip(names.iter().cycle().skip(1));
        let ring: Vec<String> =
            ring.map(|(one, next)| format!("\"{one}\": [\"{next}\"]")).collect();
        let ids = names.join("\", \"");
        bench.ask(&format!("\"init\", \"node_id\": \"{me}\", \"node_ids\": [\"{ids}\"]"))?;
        bench.ask(&format!("\"topology\", \"topology\": {{{}}}", ring.join(", ")))?;
        for peer in 0..bench.peers.len() {
            bench.say(peer, &Body::BroadcastAck, Some(999))?;
        }
        bench.load_values(known)?;
        for _ in 0..TICKS_BEFORE {
            bench.tick()?;
        }
        Ok(bench)
    }

    fn load_values(&mut self, known: u64) -> Result<(), Failure> {
        let each = known.div_ceil(self.peers.len() as u64);
        for origin in 0..self.peers.len() {
            let mut left = each;
            while left > 0 {
                let count = left.min(DELTA_RUMORS);
                let texts = self.texts(count);
                let rumors = rumors(&texts, &mut self.peers[origin..=origin], count);
                let mut line = Vec::new();
                let body = Body::GossipDelta { rumors };
                encode(&mut line, &self.peers[0].name, &self.me, &body, None, None, Some(1));
                self.line = line;
                self.give()?;
                left -= count;
            }
        }
        Ok(())
    }

    /// The texts of the next `count` values, all different.
    fn texts(&mut self, count: u64) -> Vec<String> {
        let texts = (self.values..self.values + count).map(|value| value.to_string()).collect();
        self.values += count;
        texts
    }

    /// The peers that push to the node.
    fn neighbors(&self) -> usize {
        match self.load.place {
            Place::Relay => 24,
            Place::Leaf => 1,
            Place::Straight => self.peers.len(),
        }
    }

    /// One push of each neighbor, and all that the node does meanwhile.
    fn tick(&mut self) -> Result<(), Failure> {
        let (start, count) = (self.now, self.neighbors());
        for neighbor in 0..count {
            self.advance(start + TICK * neighbor as u32 / count as u32)?;
            self.push(neighbor)?;
        }
        self.advance(start + TICK)
    }

    fn push(&mut self, neighbor: usize) -> Result<(), Failure> {
        // What a leaf gets comes from everywhere.
        let origins = if self.load.place == Place::Leaf { 0..24 } else { neighbor..neighbor + 1 };
        let texts = self.texts(self.load.a_push * origins.len() as u64);
        self.measured.values += texts.len() as u64;
        self.peers[neighbor].number += 1;
        let (number, heard) = (self.peers[neighbor].number, self.peers[neighbor].heard);
        let from = self.peers[neighbor].name.clone();
        let body = Body::GossipPush {
            rumors: rumors(&texts, &mut self.peers[origins], self.load.a_push),
            number,
            floor: number,
            incarnation: INCARNATION,
            acked: heard.map(|(incarnation, upto)| Acked { incarnation, upto, beyond: Vec::new() }),
            summary: self.summary.0,
            count: self.summary.1,
            uplink: (self.load.place == Place::Relay).then(|| self.me.as_str().into()),
            asks: false,
            streams: None,
        };
        let mut line = Vec::new();
        encode(&mut line, &from, &self.me, &body, None, None, Some(1));
        drop(body);
        self.line = line;
        self.give()
    }

    fn ask(&mut self, request: &str) -> Result<(), Failure> {
        let line = format!(
            "{{\"src\": \"c1\", \"dest\": \"{}\", \"body\": {{\"type\": {request}, \"msg_id\": 1}}}}\n",
            self.me
        );
        self.line = line.into_bytes();
        self.give()
    }

    fn say(&mut self, peer: usize, body: &Body<'_>, of: Option<i64>) -> Result<(), Failure> {
        self.line.clear();
        encode(&mut self.line, &self.peers[peer].name, &self.me, body, of, None, Some(1));
        self.give()
    }

    /// Gives the node the line, and does what it says.
    fn give(&mut self) -> Result<(), Failure> {
        let begin = std::time::Instant::now();
        self.session.on_line(self.now, self.line.trim_ascii_end(), &mut self.out);
        self.measured.busy += begin.elapsed();
        self.measured.lines += 1;
        self.carry_out()?;
        self.advance(self.now)
    }

    /// Wakes the node whenever it wants to be woken until then.
    fn advance(&mut self, to: Instant) -> Result<(), Failure> {
        while let Some(due) = self.session.next_wakeup().filter(|&due| due <= to) {
            self.now = self.now.max(due);
            let begin = std::time::Instant::now();
            self.session.on_wakeup(self.now, &mut self.out);
            self.measured.busy += begin.elapsed();
            self.carry_out()?;
        }
        self.now = to;
        Ok(())
    }

    /// Notes which pushes the neighbors have got.
    fn carry_out(&mut self) -> Result<(), Failure> {
        let out = std::mem::take(&mut self.out);
        for line in out.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            let envelope = Envelope::decode(line)?;
            if envelope.kind() != Some("gossip_push") {
                continue;
            }
            let Body::GossipPush { number, incarnation, summary, count, .. } = envelope.body()?
            else {
                return Err("a push is none".into());
            };
            let peer = self.peers.iter_mut().find(|peer| peer.name == envelope.dest);
            let peer = peer.ok_or("the node pushes to a stranger")?;
            let before = peer.heard.map_or(0, |(_, before)| before);
            peer.heard = Some((incarnation, number.max(before)));
            self.summary = (summary, count);
        }
        self.out = out;
        self.out.clear();
        Ok(())
    }

    /// Some thousand values, and proof that the node has taken them in.
    fn measure(&mut self) -> Result<Measured, Failure> {
        self.measured = Measured { values: 0, lines: 0, busy: Duration::ZERO };
        while self.measured.values < 4_800 {
            self.tick()?;
        }
        let none = Measured { values: 0, lines: 0, busy: Duration::ZERO };
        let measured = std::mem::replace(&mut self.measured, none);
        let count = self.values.to_string();
        self.line = format!(
            "{{\"src\": \"c1\", \"dest\": \"{}\", \"body\": {{\"type\": \"digest\", \"msg_id\": 2}}}}",
            self.me
        )
        .into_bytes();
        self.session.on_line(self.now, &self.line, &mut self.out);
        let out = String::from_utf8(std::mem::take(&mut self.out))?;
        if !out.contains(&format!("\"count\": {count}")) {
            return Err(format!("not all {count} values have arrived: {out}").into());
        }
        Ok(measured)
    }
}

/// `each` rumors of each of these origins.
fn rumors<'a>(texts: &'a [String], origins: &mut [Peer], each: u64) -> Vec<Rumor<'a>> {
    let mut rumors = Vec::with_capacity(texts.len());
    for (peer, texts) in origins.iter_mut().zip(texts.chunks(each as usize)) {
        for text in texts {
            peer.sequence += 1;
            let id = RumorId {
                origin: peer.name.clone().into(),
                incarnation: INCARNATION,
                sequence: peer.sequence,
            };
            rumors.push(Rumor { id: Some(id), hops: 1, message: Value::verbatim(text) });
        }
    }
    rumors
}
