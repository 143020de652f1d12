//! A small cluster played in virtual time: every node tells the hub what a client gave it, the hub
//! tells everybody, both until they are acknowledged. With a cut and a kill it has values that
//! take long, messages that are dropped and operations that fail.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use gossiper_core::Instant;
use gossiper_lab::history::{Call, History, Outcome};
use serde_json::{Value, json};

/// Microseconds of a millisecond.
const MS: i64 = 1000;

/// What there is to play.
pub(crate) struct Cluster {
    pub(crate) nodes: usize,
    pub(crate) seconds: i64,
    pub(crate) rate_hz: i64,
    pub(crate) latency_ms: i64,
    /// From, to, in ms, and the nodes that are cut off.
    pub(crate) cut: Option<(i64, i64, Vec<usize>)>,
    /// From, to, in ms, and the node that is down.
    pub(crate) kill: Option<(i64, i64, usize)>,
    /// A text that stands in every message and in a type's name.
    pub(crate) spice: String,
}

/// What came of it.
pub(crate) struct Played {
    pub(crate) history: History,
    pub(crate) net: Vec<Value>,
    /// Of each value: its node, when it arrived there, and when each node had it, in µs.
    pub(crate) values: Vec<(usize, i64, Vec<Option<i64>>)>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Load(u32),
    Ended(u32, u32),
    Arrives(usize, usize, String),
    Resend(usize),
    Restart(usize),
}

struct Play<'a> {
    of: &'a Cluster,
    queue: BinaryHeap<Reverse<(i64, u64, Event)>>,
    sequence: u64,
    now: i64,
    chance: u64,
    held: Vec<BTreeSet<u32>>,
    /// Of each node: what it still has to tell whom.
    owed: Vec<BTreeSet<(usize, u32)>>,
    /// Of each worker that is busy: whether its operation fails.
    busy: BTreeMap<u32, bool>,
    /// Of each node: when it will next look what it owes.
    looks: Vec<i64>,
    played: Played,
}

impl Cluster {
    /// Plays it.
    pub(crate) fn play(&self) -> Played {
        let names = (0..self.nodes).map(|n| format!("n{n}")).collect();
        let played = Played { history: History::new(names), net: Vec::new(), values: Vec::new() };
        let mut play = Play {
            of: self,
            queue: BinaryHeap::new(),
            sequence: 0,
            now: 0,
            chance: 0x9e37_79b9_7f4a_7c15,
            held: vec![BTreeSet::new(); self.nodes],
            owed: vec![BTreeSet::new(); self.nodes],
            busy: BTreeMap::new(),
            looks: vec![i64::MAX; self.nodes],
            played,
        };
        let mut at = 0;
        let mut worker = 0;
        while at < self.seconds * 1_000_000 {
            at += play.random(2_000_000 / self.rate_hz as u64) as i64 + 1;
            play.at(at, Event::Load(worker % self.nodes as u32));
            worker += 1;
        }
        if let Some((from, to, node)) = self.kill {
            play.at(to * MS, Event::Restart(node));
            play.at(from * MS, Event::Restart(node));
        }
        // The quiet, and what is under way at its end.
        let end = (self.seconds + 10) * 1_000_000;
        while let Some(Reverse((at, _, event))) = play.queue.pop() {
            play.now = at;
            match event {
                Event::Resend(_) if at > end => {}
                event => play.happen(event),
            }
        }
        play.now = play.now.max(end);
        for worker in 0..self.nodes as u32 {
            play.ask(worker, Call::Read);
        }
        while let Some(Reverse((at, _, event))) = play.queue.pop() {
            play.now = at;
            if matches!(event, Event::Ended(..)) {
                play.happen(event);
            }
        }
        play.played
    }

    pub(crate) fn is_down(&self, node: usize, at: i64) -> bool {
        let kill = self.kill.as_ref();
        kill.is_some_and(|(from, to, down)| *down == node && (from * MS..to * MS).contains(&at))
    }

    fn is_cut(&self, src: usize, dest: usize, at: i64) -> bool {
        self.cut.as_ref().is_some_and(|(from, to, side)| {
            (from * MS..to * MS).contains(&at) && side.contains(&src) != side.contains(&dest)
        })
    }
}

impl Play<'_> {
    fn random(&mut self, below: u64) -> u64 {
        // xorshift: the same numbers on every machine.
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        self.chance % below
    }

    fn at(&mut self, at: i64, event: Event) {
        self.sequence += 1;
        self.queue.push(Reverse((at, self.sequence, event)));
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Load(worker) => {
                let call = match self.random(2) {
                    0 => Call::Read,
                    _ => Call::Broadcast(self.played.values.len() as u32),
                };
                self.ask(worker, call);
            }
            Event::Ended(worker, value) => self.end(worker, value),
            Event::Arrives(src, dest, body) => self.receive(src, dest, &body),
            Event::Resend(node) => self.resend(node),
            // A restarted node tells the hub that it has nothing; the hub owes it everything.
            Event::Restart(node) => {
                self.held[node].clear();
                self.owed[node].clear();
                for (_, _, arrivals) in &mut self.played.values {
                    arrivals[node] = None;
                }
                if !self.of.is_down(node, self.now) {
                    let all: Vec<u32> = self.held[0].iter().copied().collect();
                    self.owed[0].extend(all.into_iter().map(|value| (node, value)));
                    self.look(0, self.now + 150 * MS);
                }
            }
        }
    }

    fn ask(&mut self, worker: u32, call: Call) {
        if self.busy.contains_key(&worker) {
            return;
        }
        let node = worker as usize;
        self.busy.insert(worker, self.of.is_down(node, self.now));
        let now = Instant(self.now as u64 * 1000);
        self.played.history.invoke(now, worker, worker, call).expect("the worker is free");
        let wait = 200 + self.random(900) as i64;
        match call {
            Call::Broadcast(value) => {
                let nowhere = vec![None; self.of.nodes];
                self.played.values.push((node, self.now, nowhere));
                if self.of.is_down(node, self.now) {
                    self.at(self.now + 5_000_000, Event::Ended(worker, value));
                } else {
                    self.learn(node, value);
                    self.at(self.now + wait, Event::Ended(worker, value));
                }
            }
            _ => {
                let wait = if self.of.is_down(node, self.now) { 5_000_000 } else { wait };
                self.at(self.now + wait, Event::Ended(worker, u32::MAX));
            }
        }
    }

    fn end(&mut self, worker: u32, value: u32) {
        let node = worker as usize;
        let now = Instant(self.now as u64 * 1000);
        let has_failed = self.busy.remove(&worker).expect("it is busy");
        let history = &mut self.played.history;
        let result = match (value, has_failed) {
            (u32::MAX, false) => {
                let values: Vec<i64> = self.held[node].iter().map(|&v| i64::from(v)).collect();
                history.complete_read(now, worker, &values)
            }
            (u32::MAX, true) => history.complete(now, worker, Outcome::Fail),
            (_, false) => history.complete(now, worker, Outcome::Ok),
            (_, true) => history.complete(now, worker, Outcome::Info),
        };
        result.expect("the operation is open");
    }

    fn learn(&mut self, node: usize, value: u32) {
        if !self.held[node].insert(value) {
            return;
        }
        self.played.values[value as usize].2[node] = Some(self.now);
        match node {
            0 => self.owed[0].extend((1..self.of.nodes).map(|other| (other, value))),
            _ => self.owed[node].extend([(0, value)]),
        }
        // The hub gathers for a tenth of a second.
        let delay = if node == 0 { 100 * MS - self.now % (100 * MS) } else { 0 };
        self.look(node, self.now + delay);
    }

    /// Lets a node look at what it owes then, unless it will sooner.
    fn look(&mut self, node: usize, at: i64) {
        if at < self.looks[node] {
            self.looks[node] = at;
            self.at(at, Event::Resend(node));
        }
    }

    /// Tells everybody what they are owed, and looks again later.
    fn resend(&mut self, node: usize) {
        if self.now != self.looks[node] {
            return;
        }
        self.looks[node] = i64::MAX;
        if self.of.is_down(node, self.now) || self.owed[node].is_empty() {
            return;
        }
        let mut lists: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
        for &(dest, value) in &self.owed[node] {
            // What is just under way need not be sent again.
            let recent = self.played.values[value as usize].2[node];
            if recent.is_some_and(|at| (20 * MS..450 * MS).contains(&(self.now - at)) && node != 0)
            {
                continue;
            }
            lists.entry(dest).or_default().push(value);
        }
        for (dest, values) in lists {
            let values: Vec<u32> = values.into_iter().take(120).collect();
            let body = match (&values[..], node) {
                ([value], 1..) => {
                    json!({"type": "broadcast", "message": value, "msg_id": self.sequence})
                }
                _ => json!({"type": "gossip", "messages": values, "msg_id": self.sequence}),
            };
            let does_reach = self.reaches(node, dest);
            self.send(node, dest, body);
            if node == 0 && does_reach {
                for value in values {
                    self.owed[0].remove(&(dest, value));
                }
            }
        }
        self.look(node, self.now + 500 * MS);
    }

    fn reaches(&self, src: usize, dest: usize) -> bool {
        let arrival = self.now + self.of.latency_ms * MS;
        !self.of.is_cut(src, dest, self.now) && !self.of.is_down(dest, arrival)
    }

    fn send(&mut self, src: usize, dest: usize, mut body: Value) {
        if !self.of.spice.is_empty() {
            body["note"] = self.of.spice.clone().into();
        }
        let kind = body["type"].as_str().unwrap_or_default().to_owned() + &self.of.spice;
        let text = body.to_string();
        let due = self.now + self.of.latency_ms * MS;
        let (fate, ended) = match () {
            () if self.of.is_cut(src, dest, self.now) => ("cut", self.now + 30),
            () if self.of.is_down(dest, due) => ("down", due),
            () => ("delivered", due),
        };
        let mut line = json!({
            "id": self.played.net.len(), "src": format!("n{src}"), "dest": format!("n{dest}"),
            "sent_ms": self.now as f64 / 1000.0, "ended_ms": ended as f64 / 1000.0,
            "type": kind, "bytes": text.len() + 30, "fate": fate,
        });
        if text.len() <= 1024 {
            line["body"] = body;
        }
        self.played.net.push(line);
        if fate == "delivered" {
            self.at(due, Event::Arrives(src, dest, text));
        }
    }

    fn receive(&mut self, src: usize, dest: usize, body: &str) {
        let body: Value = serde_json::from_str(body).expect("we wrote it");
        let list = |name: &str| -> Vec<u32> {
            let values = body[name].as_array().into_iter().flatten();
            values.filter_map(|value| value.as_u64()).map(|value| value as u32).collect()
        };
        let mut values = list("messages");
        values.extend(body["message"].as_u64().map(|value| value as u32));
        match body["type"].as_str() {
            Some("broadcast" | "gossip") => {
                for &value in &values {
                    self.learn(dest, value);
                }
                self.send(dest, src, json!({"type": "gossip_ok", "acknowledged": values}));
            }
            _ => list("acknowledged").into_iter().for_each(|value| {
                self.owed[dest].remove(&(src, value));
            }),
        }
    }
}
