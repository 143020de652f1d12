//! A broadcast node of another program, written from `PROTOCOL.md` alone: it floods along the
//! topology that it is told, repeats nothing, and knows no dialect.

use std::collections::BTreeSet;
use std::time::Duration;

use gossiper_core::Instant;
use serde_json::{Value, json};

/// How much of the plain protocol a foreign program knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Knows {
    /// Broadcasts and acknowledgements; to all else it answers that it does not know it.
    Broadcast,
    /// Also `gossip` and `gossip_sync`, which it merges.
    Gossip,
    /// Also rounds: each second it sends one peer after the other all that it has.
    Rounds,
}

const ROUND: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Foreign {
    knows: Knows,
    name: String,
    peers: Vec<String>,
    neighbors: Vec<String>,
    /// In the order of arrival, and the same as text.
    values: Vec<Value>,
    held: BTreeSet<String>,
    next_id: u64,
    rounds: usize,
    next_round: Option<Instant>,
}

impl Foreign {
    pub(crate) fn new(knows: Knows) -> Self {
        Self {
            knows,
            name: String::new(),
            peers: Vec::new(),
            neighbors: Vec::new(),
            values: Vec::new(),
            held: BTreeSet::new(),
            next_id: 0,
            rounds: 0,
            next_round: None,
        }
    }

    pub(crate) fn next_wakeup(&self) -> Option<Instant> {
        self.next_round
    }

    pub(crate) fn on_wakeup(&mut self, now: Instant, out: &mut Vec<u8>) {
        self.next_round = Some(now + ROUND);
        let peer = self.peers[self.rounds % self.peers.len()].clone();
        self.rounds += 1;
        if !self.values.is_empty() {
            let messages = self.values.clone();
            self.say(out, &peer, json!({"type": "gossip_sync", "messages": messages}));
        }
    }

    pub(crate) fn on_line(&mut self, now: Instant, line: &[u8], out: &mut Vec<u8>) {
        let Ok(envelope) = serde_json::from_slice::<Value>(line) else { return };
        let (Some(src), body) = (envelope["src"].as_str(), &envelope["body"]) else { return };
        if !body["in_reply_to"].is_null() {
            return;
        }
        let is_peer = self.peers.iter().any(|peer| peer == src);
        let gossips = self.knows != Knows::Broadcast;
        let mut new: Vec<(Value, u64)> = Vec::new();
        let mut take = |held: &mut BTreeSet<String>, value: &Value, hops: u64| {
            let is_new = held.insert(value.to_string());
            if is_new {
                new.push((value.clone(), hops));
            }
            u64::from(is_new)
        };
        let hops = body["hops"].as_u64().unwrap_or(0) + 1;
        let reply = match body["type"].as_str().unwrap_or_default() {
            "init" => {
                self.start(now, body);
                json!({"type": "init_ok"})
            }
            "topology" => {
                self.neighbors = texts(&body["topology"][&self.name]);
                json!({"type": "topology_ok"})
            }
            "read" => json!({"type": "read_ok", "messages": self.values}),
            "broadcast" => {
                take(&mut self.held, &body["message"], if is_peer { hops } else { 0 });
                json!({"type": if is_peer { "broadcast_ack" } else { "broadcast_ok" }})
            }
            "gossip" if gossips => {
                take(&mut self.held, &body["message"], hops);
                Value::Null
            }
            "gossip_sync" if gossips => {
                let messages = body["messages"].as_array().map_or(&[][..], Vec::as_slice);
                let count: u64 = messages.iter().map(|value| take(&mut self.held, value, 1)).sum();
                json!({"type": "gossip_sync_ok", "new_count": count})
            }
            kind => json!({"type": "error", "code": 10, "text": format!("what is {kind}?")}),
        };
        if let (Value::Object(mut reply), true) = (reply, !body["msg_id"].is_null()) {
            reply.insert("in_reply_to".to_owned(), body["msg_id"].clone());
            self.say(out, src, Value::Object(reply));
        }
        for (value, hops) in new {
            self.values.push(value.clone());
            for to in self.neighbors.clone().iter().filter(|&to| to != src) {
                let mut push = json!({"type": "broadcast", "message": value});
                if hops > 0 {
                    push["hops"] = hops.into();
                }
                self.say(out, to, push);
            }
        }
    }

    fn start(&mut self, now: Instant, init: &Value) {
        self.name = init["node_id"].as_str().unwrap_or_default().to_owned();
        self.peers = texts(&init["node_ids"]);
        self.peers.retain(|peer| *peer != self.name);
        self.next_round = (self.knows == Knows::Rounds).then(|| now + ROUND);
    }

    fn say(&mut self, out: &mut Vec<u8>, to: &str, mut body: Value) {
        body["msg_id"] = self.next_id.into();
        self.next_id += 1;
        let line =
            format!("{{\"src\": \"{}\", \"dest\": \"{to}\", \"body\": {body}}}\n", self.name);
        out.extend_from_slice(line.as_bytes());
    }
}

fn texts(list: &Value) -> Vec<String> {
    let items = list.as_array().map_or(&[][..], Vec::as_slice);
    items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}
