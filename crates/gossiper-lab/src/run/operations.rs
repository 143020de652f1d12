//! What clients do, and what the nodes' answers tell.

use gossiper_core::Instant;

use super::clients::{Answered, Asked, Request};
use super::message::{self, Message, Parsed};
use super::{CLIENT_TIMEOUT, Cut, Order, Phase, Run};
use crate::history::{Call, Outcome, Refusal};
use crate::load::Ask;
use crate::network::Address;
use crate::verdict::What;

impl Run {
    pub(super) fn next_operation(&self) -> Option<Instant> {
        let start = self.phases.main.filter(|_| self.phase == Phase::Main)?;
        if self.busy == self.config.concurrency && self.is_load_told {
            return None;
        }
        self.load.next_due().map(|at| start + (at - Instant::START))
    }

    /// Begins the operation that is due, at the worker whose turn it is.
    pub(super) fn begin_operation(&mut self) {
        let is_busy = &self.is_busy;
        let at = self.since_start(self.now);
        match self.load.next(at, |worker| !is_busy[worker]) {
            Some((worker, ask)) => self.invoke(worker, ask),
            None => self.is_load_told = true,
        }
    }

    pub(super) fn invoke(&mut self, worker: usize, ask: Ask) {
        let node = worker % self.config.nodes.len();
        let call = match ask {
            Ask::Broadcast(value) => Call::Broadcast(value),
            Ask::Read => Call::Read,
            Ask::Echo(_) => Call::Echo,
        };
        let at = self.since_start(self.now);
        if let Err(refusal) = self.history.invoke(at, worker as u32, node as u32, call) {
            self.refuse(refusal);
            return;
        }
        self.is_busy[worker] = true;
        self.busy += 1;
        let (kind, fields) = message::request_of(ask);
        let mut message = self.request(worker, node, kind, &fields, Asked::Operation(ask));
        if let Ask::Broadcast(value) = ask {
            message.broadcast = Some(value);
        }
        self.send(Address::Client(worker), Address::Node(node), message);
    }

    pub(super) fn on_answer(
        &mut self,
        node: usize,
        client: usize,
        message: &Message,
        parsed: &Parsed<'_>,
    ) {
        let answered = self.clients.answer(client, node, parsed.in_reply_to);
        let request = match answered {
            Ok(Answered::Open(request)) => request,
            Ok(Answered::Late) => return,
            Err(cause) => {
                let line = String::from_utf8_lossy(&message.line);
                self.note(node, What::NotAnAnswer { cause: format!("{cause}: {line}") });
                return;
            }
        };
        match request.asked {
            Asked::Init | Asked::Topology => self.on_set_up(request, parsed),
            Asked::Probe => self.on_probed(node, parsed),
            Asked::Operation(ask) => {
                self.set_free(client);
                self.on_completed(node, client, ask, parsed);
            }
        }
    }

    pub(super) fn on_completed(
        &mut self,
        node: usize,
        worker: usize,
        ask: Ask,
        parsed: &Parsed<'_>,
    ) {
        let at = self.since_start(self.now);
        let outcome = match (ask, &*parsed.kind) {
            (_, "error") => {
                self.errors.note(node, message::request_of(ask).0, parsed.body);
                match ask {
                    Ask::Broadcast(_) if !message::is_definite_error(parsed.body) => Outcome::Info,
                    _ => Outcome::Fail,
                }
            }
            (Ask::Broadcast(value), "broadcast_ok") => {
                self.propagation.acknowledge(value);
                Outcome::Ok
            }
            (Ask::Read, "read_ok") => match message::read_values(parsed.body) {
                Ok(values) => {
                    let read = self.history.complete_read(at, worker as u32, &values);
                    self.accept(read);
                    self.on_values(node, false, &values);
                    return;
                }
                Err(cause) => {
                    self.note(node, What::NotAnAnswer { cause });
                    Outcome::Fail
                }
            },
            (Ask::Echo(number), "echo_ok") => {
                let text = message::echo_text(number);
                match message::is_echo_of(parsed.body, &text) {
                    true => Outcome::Ok,
                    false => {
                        let cause = format!("asked to echo {text:?}, it said {}", parsed.body);
                        self.note(node, What::NotAnAnswer { cause });
                        Outcome::Fail
                    }
                }
            }
            (ask, kind) => {
                let asked = message::request_of(ask).0;
                let cause = format!("{asked} was answered with {kind:?}");
                self.note(node, What::NotAnAnswer { cause });
                match ask {
                    Ask::Broadcast(_) => Outcome::Info,
                    Ask::Read | Ask::Echo(_) => Outcome::Fail,
                }
            }
        };
        let completed = self.history.complete(at, worker as u32, outcome);
        self.accept(completed);
    }

    pub(super) fn on_probed(&mut self, node: usize, parsed: &Parsed<'_>) {
        // A node that cannot read shows it to its clients; a probe is no operation.
        if let ("read_ok", Ok(values)) = (&*parsed.kind, message::read_values(parsed.body)) {
            self.on_values(node, true, &values);
        }
        self.probes.on_answered(node, self.now);
    }

    pub(super) fn on_values(&mut self, node: usize, is_probe: bool, values: &[i64]) {
        let mut found = Vec::new();
        self.probes.on_values(node, self.now, is_probe, values, &mut found);
        for (value, at) in found {
            let at = self.since_start(at);
            self.propagation.known(node as u32, &[i64::from(value)], at);
        }
    }

    pub(super) fn on_expired(&mut self, request: Request) {
        match request.asked {
            Asked::Operation(ask) => {
                self.set_free(request.client);
                self.on_unanswered(request.node, ask);
                let outcome = match ask {
                    Ask::Broadcast(_) => Outcome::Info,
                    Ask::Read | Ask::Echo(_) => Outcome::Fail,
                };
                let at = self.since_start(self.now);
                let completed = self.history.complete(at, request.client as u32, outcome);
                self.accept(completed);
            }
            Asked::Probe => self.probes.on_given_up(request.node, self.now),
            Asked::Init | Asked::Topology => self.on_set_up_expired(request),
        }
    }

    fn on_unanswered(&mut self, node: usize, ask: Ask) {
        // A node that was killed or stood still has an excuse.
        if self.kills[node] > 0 || self.pauses[node] > 0 {
            return;
        }
        self.unanswered[node] += 1;
        if self.unanswered[node] == 1 {
            let (name, asked) = (&self.config.nodes[node], message::request_of(ask).0);
            let s = CLIENT_TIMEOUT.as_secs();
            let text = format!("{name} did not answer `{asked}` within {s} s.");
            self.orders.push(Order::Say(text));
        }
    }

    pub(super) fn set_free(&mut self, worker: usize) {
        self.is_busy[worker] = false;
        self.busy -= 1;
        self.is_load_told = false;
    }

    pub(super) fn accept(&mut self, recorded: Result<(), Refusal>) {
        if let Err(refusal) = recorded {
            self.refuse(refusal);
        }
    }

    pub(super) fn refuse(&mut self, refusal: Refusal) {
        self.end(Cut::Stopped(format!("The run cannot be recorded further: {refusal}.")));
    }
}
