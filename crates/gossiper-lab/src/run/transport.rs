//! Messages on their way: from a node's stdout to the network, and from there to a node's stdin.

use std::sync::Arc;

use gossiper_core::Instant;

use super::clients::Asked;
use super::journal::Fate;
use super::message::{self, Message, Parsed};
use super::{CLIENT_TIMEOUT, Cut, Order, Phase, Run, SETUP_TIMEOUT, UNDER_WAY_BYTES_MAX};
use crate::network::{self, Address, DropReason};
use crate::verdict::What;

impl Run {
    /// A node has printed a line, given without its end.
    pub fn on_line(&mut self, now: Instant, node: usize, line: &[u8]) {
        self.advance(now);
        // What comes from a process that is to be killed, or has been, is void.
        if self.phase == Phase::Over || self.voided.contains(&node) || self.faults.is_down(node) {
            return;
        }
        let Some(parsed) = Parsed::of(line) else {
            let line = String::from_utf8_lossy(line).into_owned();
            self.note(node, What::NotJson { line });
            return;
        };
        if parsed.src != self.config.nodes[node].as_str() {
            let src = parsed.src.into_owned();
            self.note(node, What::FalseSource { src });
            return;
        }
        let Some(to) = self.config.address(&parsed.dest, self.clients.len()) else {
            let dest = parsed.dest.into_owned();
            self.note(node, What::ToNobody { dest });
            return;
        };
        let (from, kind) = (Address::Node(node), self.kinds.of(&parsed.kind));
        let body = parsed.body_start..parsed.body_start + parsed.body.len();
        let message = Message { line: line.into(), body, kind, broadcast: None };
        match to {
            Address::Client(client) if client == self.prober() => {
                self.on_answer(node, client, &message, &parsed);
            }
            Address::Client(client) => {
                self.send(from, to, message.clone());
                self.on_answer(node, client, &message, &parsed);
            }
            Address::Node(_) => self.send(from, to, message),
        }
    }

    pub(super) fn move_messages(&mut self) {
        let mut outcomes = std::mem::take(&mut self.outcomes);
        self.network.advance(self.now, &self.faults, &mut outcomes);
        let start = self.phases.main.unwrap_or(self.now);
        for network::Outcome { at, dropped, envelope } in outcomes.drain(..) {
            let fate = match dropped {
                None => Fate::Delivered(at),
                Some(reason) => Fate::Dropped(at, reason),
            };
            self.journal.on_fate(&envelope, fate, start, &self.kinds);
            let Address::Node(node) = envelope.to else { continue };
            let message = envelope.payload;
            let is_from_node = matches!(envelope.from, Address::Node(_));
            if is_from_node && !envelope.is_copy {
                self.under_way_bytes = self.under_way_bytes.saturating_sub(message.line.len());
            }
            match dropped {
                None => self.hand_over(node, at, is_from_node, message),
                Some(DropReason::Overflow) => self.on_overflow(envelope.from),
                Some(_) => {}
            }
        }
        self.outcomes = outcomes;
    }

    pub(super) fn hand_over(
        &mut self,
        node: usize,
        at: Instant,
        is_from_node: bool,
        message: Message,
    ) {
        if let Some(value) = message.broadcast {
            self.probes.on_broadcast(node, value, at);
            self.propagation.broadcast(value, node as u32, self.since_start(at));
        }
        if self.config.log_net_recv {
            let line = String::from_utf8_lossy(&message.line);
            self.orders.push(Order::Say(format!("{} gets {line}", self.config.nodes[node])));
        }
        let line = Arc::clone(&message.line);
        self.orders.push(Order::Write { node, due: Some(at), line });
        if is_from_node {
            self.probes.on_handed(node, at, &message.line);
        }
    }

    pub(super) fn on_overflow(&mut self, from: Address) {
        if let Address::Node(node) = from {
            self.note(node, What::Flooded);
            let name = &self.config.nodes[node];
            let cause = format!(
                "{name} sends faster than its peers can take it: {} messages wait for one of \
                 them.",
                network::QUEUE_MAX
            );
            self.end_because_of(node, Cut::Stopped(cause));
        }
    }

    pub(super) fn send(&mut self, from: Address, to: Address, message: Message) {
        if let (Address::Node(node), Address::Node(_)) = (from, to) {
            self.under_way_bytes += message.line.len();
            if self.under_way_bytes > UNDER_WAY_BYTES_MAX {
                self.note(node, What::Flooded);
                let mib = UNDER_WAY_BYTES_MAX >> 20;
                let cause = format!(
                    "{} floods the network: more than {mib} MiB of messages are under way.",
                    self.config.nodes[node]
                );
                self.end_because_of(node, Cut::Stopped(cause));
                return;
            }
        }
        if self.config.log_net_send {
            let line = String::from_utf8_lossy(&message.line);
            self.orders.push(Order::Say(format!("sent: {line}")));
        }
        self.journal.on_sent(from, to, &message);
        self.network.send(self.now, from, to, message, &self.faults);
    }

    /// A request of a client, noted as asked.
    pub(super) fn request(
        &mut self,
        client: usize,
        node: usize,
        kind: &str,
        fields: &str,
        asked: Asked,
    ) -> Message {
        let timeout = match asked {
            Asked::Operation(_) | Asked::Probe => CLIENT_TIMEOUT,
            Asked::Init | Asked::Topology => SETUP_TIMEOUT,
        };
        let id = self.clients.ask(client, node, asked, self.now + timeout);
        let name = &self.config.nodes[node];
        let (line, body) = message::request(&format!("c{client}"), name, kind, fields, id);
        Message { line, body, kind: self.kinds.of(kind), broadcast: None }
    }
}
