//! A cluster of nodes in memory: a queue ordered by time, and a network that delays, loses and
//! duplicates from a seed.
#![allow(dead_code, reason = "each test binary uses its own part")]

pub(crate) mod bench;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::ops::RangeInclusive;
use std::time::Duration;

use gossiper_core::{
    Config, Input, Instant, Message, MessageId, Node, NodeId, Outbox, Output, Payload, Strategy,
    Topology,
};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};

pub(crate) const STRATEGIES: [Strategy; 4] =
    [Strategy::Flood, Strategy::Tree, Strategy::Gossip, Strategy::Hybrid];

/// What happens to a message on its way.
#[derive(Clone)]
pub(crate) struct Network {
    pub(crate) delay_ms: RangeInclusive<u64>,
    pub(crate) loss: f64,
    pub(crate) duplication: f64,
}

impl Network {
    pub(crate) const STEADY: Self = Self { delay_ms: 100..=100, loss: 0.0, duplication: 0.0 };
    pub(crate) const ROUGH: Self = Self { delay_ms: 10..=150, loss: 0.1, duplication: 0.1 };
}

/// A push of a payload, and whether the network dropped it.
#[derive(Clone, Debug)]
pub(crate) struct Push {
    pub(crate) value: Vec<u8>,
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) is_lost: bool,
}

type Arrival = (usize, Option<(NodeId, MessageId, Option<u32>, Message)>);

pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Option<Node>>,
    pub(crate) now: Instant,
    /// When each node delivered each value, once.
    pub(crate) delivered: Vec<BTreeMap<Vec<u8>, Instant>>,
    pub(crate) pushes: Vec<Push>,
    pub(crate) messages: usize,
    /// The values in all messages, however many at a time.
    pub(crate) rumors: usize,
    /// Every output, as text: the trace that determinism is about.
    pub(crate) trace: Vec<String>,
    network: Network,
    rng: ChaCha8Rng,
    queue: BinaryHeap<Reverse<(Instant, u64)>>,
    arrivals: BTreeMap<u64, Arrival>,
    config: Config,
    incarnation: u64,
}

impl Cluster {
    pub(crate) fn new(count: usize, config: Config, network: Network, seed: u64) -> Self {
        let mut cluster = Self {
            nodes: Vec::new(),
            now: Instant::START,
            delivered: vec![BTreeMap::new(); count],
            pushes: Vec::new(),
            messages: 0,
            rumors: 0,
            trace: Vec::new(),
            network,
            rng: ChaCha8Rng::seed_from_u64(seed),
            queue: BinaryHeap::new(),
            arrivals: BTreeMap::new(),
            config,
            incarnation: 0,
        };
        cluster.nodes.resize_with(count, || None);
        (0..count).for_each(|place| cluster.start(place));
        cluster
    }

    /// Starts a node, empty, for the first time or again.
    pub(crate) fn start(&mut self, place: usize) {
        self.incarnation += 1;
        let members: Vec<NodeId> = (0..self.nodes.len() as u64).map(NodeId).collect();
        let id = NodeId(place as u64);
        let seed = self.rng.next_u64();
        let config = self.config.clone();
        let node = Node::new(id, &members, config, self.incarnation, seed, self.now);
        self.nodes[place] = Some(node);
        self.delivered[place].clear();
        self.schedule_wakeup(place);
    }

    pub(crate) fn crash(&mut self, place: usize) {
        self.nodes[place] = None;
    }

    pub(crate) fn node(&self, place: usize) -> &Node {
        self.nodes[place].as_ref().expect("the node is up")
    }

    /// Gives every node the same topology.
    pub(crate) fn give_topology(&mut self, links: &[(usize, usize)]) {
        let named: Vec<(NodeId, Vec<NodeId>)> = links
            .iter()
            .map(|&(one, other)| (NodeId(one as u64), vec![NodeId(other as u64)]))
            .collect();
        for place in 0..self.nodes.len() {
            let topology = Topology::new(NodeId(place as u64), &named);
            self.input(place, Input::Topology(topology));
        }
    }

    pub(crate) fn broadcast(&mut self, place: usize, value: &str) {
        self.input(place, Input::Broadcast(Payload::new(value.as_bytes())));
    }

    /// Lets everything happen that is due by then.
    pub(crate) fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(&Reverse((at, number))) = self.queue.peek().filter(|next| next.0.0 <= end) {
            self.queue.pop();
            self.now = at;
            let (place, arrival) = self.arrivals.remove(&number).expect("it was queued");
            let input = match arrival {
                None => Input::Wakeup,
                Some((from, id, dialect, message)) => {
                    Input::Received { from, id: Some(id), dialect, message }
                }
            };
            self.input(place, input);
        }
        self.now = end;
    }

    pub(crate) fn input(&mut self, place: usize, input: Input) {
        let Some(node) = &mut self.nodes[place] else {
            return;
        };
        let mut outbox = Outbox::default();
        node.handle(self.now, input, &mut outbox);
        for output in outbox.drain() {
            self.trace.push(format!("{:?} {place} {output:?}", self.now));
            self.carry_out(place, output);
        }
        self.schedule_wakeup(place);
    }

    fn carry_out(&mut self, place: usize, output: Output) {
        match output {
            Output::Deliver { place: at } => {
                let value = self.node(place).payload(at).expect("it is known").to_vec();
                let before = self.delivered[place].insert(value, self.now);
                assert_eq!(before, None, "node {place} delivered a value twice");
            }
            Output::Send { to, id, dialect, message } => {
                self.messages += 1;
                self.rumors += rumors_in(&message);
                let copies = if self.chance(self.network.duplication) { 2 } else { 1 };
                let is_lost = self.chance(self.network.loss);
                self.note_push(place, to, &message, is_lost);
                for _ in 0..if is_lost { 0 } else { copies } {
                    let from = NodeId(place as u64);
                    let at = self.now + self.delay();
                    let arrival = Some((from, id, dialect, message.clone()));
                    self.schedule(at, (to.0 as usize, arrival));
                }
            }
            Output::Undelivered { .. } => {}
        }
    }

    fn note_push(&mut self, from: usize, to: NodeId, message: &Message, is_lost: bool) {
        if let Message::Broadcast { payload, .. } | Message::Gossip { payload, .. } = message {
            let value = payload.bytes().to_vec();
            self.pushes.push(Push { value, from, to: to.0 as usize, is_lost });
        }
    }

    fn schedule_wakeup(&mut self, place: usize) {
        if let Some(due) = self.nodes[place].as_ref().and_then(Node::next_wakeup) {
            self.schedule(due.max(self.now), (place, None));
        }
    }

    fn schedule(&mut self, at: Instant, arrival: Arrival) {
        let number = self.arrivals.last_key_value().map_or(0, |(&number, _)| number + 1);
        self.arrivals.insert(number, arrival);
        self.queue.push(Reverse((at, number)));
    }

    fn delay(&mut self) -> Duration {
        let (least, most) = (*self.network.delay_ms.start(), *self.network.delay_ms.end());
        Duration::from_millis(least + self.rng.next_u64() % (most - least + 1))
    }

    fn chance(&mut self, probability: f64) -> bool {
        (self.rng.next_u32() as f64) < probability * f64::from(u32::MAX)
    }

    /// The nodes that are up and lack a value.
    pub(crate) fn lacking(&self, value: &str) -> Vec<usize> {
        let up = (0..self.nodes.len()).filter(|&place| self.nodes[place].is_some());
        up.filter(|&place| !self.delivered[place].contains_key(value.as_bytes())).collect()
    }
}

fn rumors_in(message: &Message) -> usize {
    match message {
        Message::Broadcast { .. } | Message::Gossip { .. } => 1,
        Message::Sync { payloads } => payloads.len(),
        Message::Delta { rumors } => rumors.len(),
        Message::Push(push) => push.rumors.len(),
        _ => 0,
    }
}

pub(crate) fn config(strategy: Strategy) -> Config {
    Config { strategy, ..Config::default() }
}

/// The links of a complete tree over `count` nodes in which each node has up to `children`.
pub(crate) fn tree_links(count: usize, children: usize) -> Vec<(usize, usize)> {
    (1..count).map(|node| ((node - 1) / children, node)).collect()
}

/// The links of a grid about as wide as it is high, which is Maelstrom's usual topology.
pub(crate) fn grid_links(count: usize) -> Vec<(usize, usize)> {
    let width = (1..).find(|width| width * width >= count).expect("some square is large enough");
    let right = (0..count).filter(|node| (node + 1) % width != 0).map(|node| (node, node + 1));
    let down = (0..count).map(|node| (node, node + width));
    right.chain(down).filter(|&(_, other)| other < count).collect()
}

/// The links on the way from one node to each.
pub(crate) fn distances(count: usize, links: &[(usize, usize)], from: usize) -> Vec<u32> {
    let mut distances = vec![u32::MAX; count];
    distances[from] = 0;
    let mut ahead = vec![from];
    while !ahead.is_empty() {
        let mut next = Vec::new();
        for node in ahead {
            for &(one, other) in links {
                for (here, there) in [(one, other), (other, one)] {
                    if here == node && distances[there] == u32::MAX {
                        distances[there] = distances[node] + 1;
                        next.push(there);
                    }
                }
            }
        }
        ahead = next;
    }
    distances
}
