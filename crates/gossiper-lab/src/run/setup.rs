//! How nodes get their names and neighbors, at first and after a kill.

use std::fmt::Write;

use super::clients::{Asked, Request};
use super::message::Parsed;
use super::{Address, Cut, Order, Phase, Run, SETUP_TIMEOUT};
use crate::load::Workload;

impl Run {
    /// Starts all nodes and gives each its name.
    pub(super) fn set_up(&mut self) {
        for node in 0..self.config.nodes.len() {
            self.orders.push(Order::Start(node));
            self.ask_to_init(node);
            self.awaited += 1;
        }
    }

    /// Starts a node anew. It gets `topology` right behind `init`, before anything that a client
    /// may ask of it in the meantime.
    pub(super) fn restart(&mut self, node: usize) {
        self.orders.push(Order::Start(node));
        self.ask_to_init(node);
        if self.config.workload == Workload::Broadcast {
            self.ask_to_link(self.steward(), node);
        }
    }

    fn ask_to_init(&mut self, node: usize) {
        let names = serde_json::to_string(&self.config.nodes).unwrap_or_default();
        let fields = format!(r#""node_id":"{}","node_ids":{names}"#, self.config.nodes[node]);
        self.ask(self.steward(), node, "init", &fields, Asked::Init);
    }

    /// Tells a node who its neighbors are, and everybody else's.
    fn ask_to_link(&mut self, client: usize, node: usize) {
        let fields = self.topology_fields();
        self.ask(client, node, "topology", &fields, Asked::Topology);
    }

    fn topology_fields(&self) -> String {
        let nodes = &self.config.nodes;
        let mut fields = String::from(r#""topology":{"#);
        for (node, neighbors) in self.config.topology.neighbors(nodes.len()).iter().enumerate() {
            let comma = if node == 0 { "" } else { "," };
            let names: Vec<&String> = neighbors.iter().map(|&neighbor| &nodes[neighbor]).collect();
            let names = serde_json::to_string(&names).unwrap_or_default();
            let _ = write!(fields, r#"{comma}"{}":{names}"#, nodes[node]);
        }
        fields + "}"
    }

    fn ask(&mut self, client: usize, node: usize, kind: &str, fields: &str, asked: Asked) {
        let message = self.request(client, node, kind, fields, asked);
        self.send(Address::Client(client), Address::Node(node), message);
    }

    /// A node has answered `init` or `topology`.
    pub(super) fn on_set_up(&mut self, request: Request, parsed: &Parsed<'_>) {
        let expected = match request.asked {
            Asked::Init => "init_ok",
            _ => "topology_ok",
        };
        if parsed.kind != expected {
            let (name, asked) = (&self.config.nodes[request.node], asked(request));
            let cause = format!("{name} answered {asked} with {}.", parsed.body);
            self.end_because_of(request.node, Cut::Crashed(cause));
            return;
        }
        let needs_topology = self.config.workload == Workload::Broadcast;
        if self.phase != Phase::SetUp {
            return;
        }
        self.awaited -= 1;
        if self.awaited > 0 {
            return;
        }
        if request.asked == Asked::Init && needs_topology {
            for worker in 0..self.config.concurrency {
                self.awaited += 1;
                self.ask_to_link(worker, worker % self.config.nodes.len());
            }
        } else {
            self.enter(Phase::Main);
        }
    }

    /// A node has not answered `init` or `topology` in time.
    pub(super) fn on_set_up_expired(&mut self, request: Request) {
        let node = request.node;
        if self.faults.is_paused(node) {
            // It stands still, and will answer when it goes on.
            self.clients.wait_on(request, self.now + SETUP_TIMEOUT);
            return;
        }
        let (name, asked) = (&self.config.nodes[node], asked(request));
        let s = SETUP_TIMEOUT.as_secs();
        let is_heard = self.misconducts.list().iter().any(|case| case.node() == name);
        // Who has said something wrong does read, and flush.
        let hint = if is_heard {
            ""
        } else {
            " Does it read stdin line by line, and flush stdout after each line?"
        };
        let cause = format!("{name} did not answer {asked} within {s} s.{hint}");
        self.end_because_of(node, Cut::Crashed(cause));
    }
}

fn asked(request: Request) -> &'static str {
    match request.asked {
        Asked::Init => "`init`",
        _ => "`topology`",
    }
}
