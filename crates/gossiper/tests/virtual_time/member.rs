//! One node of a run, and what it was seen to do.

use gossiper_core::{Config, Instant};
use gossiper_lab::in_memory;
use gossiper_maelstrom::{Session, Settings};
use serde_json::{Value, json};

use super::foreign::{Foreign, Knows};

/// What a node runs.
#[derive(Clone, Debug)]
pub(crate) enum Program {
    Ours(Config),
    Foreign(Knows),
}

#[derive(Debug)]
enum Running {
    Ours(Box<Session>),
    Foreign(Foreign),
}

/// A node from one start to its end.
#[derive(Debug)]
pub(crate) struct Member {
    running: Running,
    pub(crate) name: String,
    /// How many broadcasts clients gave it.
    pub(crate) broadcasts: u64,
    /// The values of those that it acknowledged.
    pub(crate) acknowledged: Vec<u64>,
    /// Messages that it sent to other nodes.
    pub(crate) sent: u64,
}

impl Member {
    pub(crate) fn new(place: usize, program: &Program, seed: u64, incarnation: u64) -> Self {
        let running = match program {
            Program::Ours(config) => {
                let settings = Settings { config: config.clone(), seed, incarnation };
                Running::Ours(Box::new(Session::new(settings)))
            }
            Program::Foreign(knows) => Running::Foreign(Foreign::new(*knows)),
        };
        let name = format!("n{place}");
        Self { running, name, broadcasts: 0, acknowledged: Vec::new(), sent: 0 }
    }

    pub(crate) fn is_ours(&self) -> bool {
        matches!(self.running, Running::Ours(_))
    }

    /// Counts what it says to other nodes.
    fn note(&mut self, out: &[u8]) {
        let is_to_node = |line: &&[u8]| dest(line).starts_with(b"n");
        self.sent += lines(out).filter(is_to_node).count() as u64;
    }

    /// Notes a client's broadcast, and whether it is acknowledged.
    fn note_broadcast(&mut self, line: &[u8], out: &[u8]) {
        if !line.starts_with(br#"{"src":"c"#) {
            return;
        }
        let request: Value = serde_json::from_slice(line).unwrap();
        let body = &request["body"];
        if body["type"] != "broadcast" {
            return;
        }
        self.broadcasts += 1;
        let is_acknowledged = lines(out).any(|line| {
            let reply: Value = serde_json::from_slice(line).unwrap();
            reply["dest"] == request["src"]
                && reply["body"]["type"] == "broadcast_ok"
                && reply["body"]["in_reply_to"] == body["msg_id"]
        });
        if is_acknowledged {
            self.acknowledged.push(body["message"].as_u64().unwrap());
        }
    }

    /// Asks it something, past the network. Gives the body of the answer.
    pub(crate) fn ask(&mut self, now: Instant, kind: &str) -> Value {
        let (name, mut out) = (&self.name, Vec::new());
        let body = json!({"type": kind, "msg_id": 1_000_000});
        let line = json!({"src": "c1000", "dest": name, "body": body}).to_string();
        match &mut self.running {
            Running::Ours(session) => session.on_line(now, line.as_bytes(), &mut out),
            Running::Foreign(foreign) => foreign.on_line(now, line.as_bytes(), &mut out),
        }
        let answer: Value = serde_json::from_slice(lines(&out).next().unwrap()).unwrap();
        answer["body"].clone()
    }
}

impl in_memory::Program for Member {
    fn next_wakeup(&self) -> Option<Instant> {
        match &self.running {
            Running::Ours(session) => session.next_wakeup(),
            Running::Foreign(foreign) => foreign.next_wakeup(),
        }
    }

    fn on_wakeup(&mut self, now: Instant, out: &mut Vec<u8>) {
        match &mut self.running {
            Running::Ours(session) => session.on_wakeup(now, out),
            Running::Foreign(foreign) => foreign.on_wakeup(now, out),
        }
        self.note(out);
    }

    fn on_line(&mut self, now: Instant, line: &[u8], out: &mut Vec<u8>) {
        match &mut self.running {
            Running::Ours(session) => session.on_line(now, line, out),
            Running::Foreign(foreign) => foreign.on_line(now, line, out),
        }
        self.note(out);
        self.note_broadcast(line, out);
    }
}

/// Whom a line is for. It begins with its two ends, as all programs here write it.
fn dest(line: &[u8]) -> &[u8] {
    let mut texts = line.split(|&byte| byte == b'"').skip(5).step_by(2);
    assert_eq!(texts.next(), Some(&b"dest"[..]));
    texts.next().unwrap()
}

fn lines(out: &[u8]) -> impl Iterator<Item = &[u8]> {
    out.split(|&byte| byte == b'\n').filter(|line| !line.is_empty())
}
