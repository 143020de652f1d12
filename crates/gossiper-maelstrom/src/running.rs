//! A node that has had its `init`.

use std::borrow::Cow;

use gossiper_core::{Input, Instant, Message, MessageId, Node, NodeId, Outbox, Output};
use gossiper_wire::{Body, BodyError, Envelope, encode};
use log::{debug, info, warn};

use crate::names::Names;
use crate::requests::Desk;
use crate::session::Settings;
use crate::translate;

/// Who sent a message, and how an answer finds them.
#[derive(Clone, Copy, Debug)]
struct Sender<'a> {
    name: &'a str,
    /// Their number, if they stand in `node_ids` or in a topology.
    id: Option<NodeId>,
    /// Whether they stand in `node_ids`.
    is_peer: bool,
    /// Their number for the message, if it is to be answered.
    asks: Option<i64>,
}

/// A node with a name and a cluster.
#[derive(Debug)]
pub(crate) struct Running {
    me: String,
    desk: Desk,
    outbox: Outbox,
    /// The text of a list that is being sent; kept for its memory.
    joined: String,
}

impl Running {
    pub(crate) fn start(
        settings: &Settings,
        now: Instant,
        node_id: &str,
        node_ids: &[Cow<'_, str>],
    ) -> Self {
        let members = node_ids.iter().map(|id| id.to_string()).chain([node_id.to_owned()]);
        let mut names = Names::new(members.collect());
        let me = names.number(node_id).expect("the node is a member");
        let Settings { config, seed, incarnation } = settings.clone();
        // Two nodes with the same seed must not draw the same peers.
        let seed = seed ^ me.0.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let members = names.member_ids();
        info!("{node_id} starts in a cluster of {}", members.len());
        let node = Node::new(me, &members, config, incarnation, seed, now);
        Self {
            me: node_id.to_owned(),
            desk: Desk::new(node, names, me, seed),
            outbox: Outbox::default(),
            joined: String::new(),
        }
    }

    pub(crate) fn next_wakeup(&self) -> Option<Instant> {
        self.desk.node.next_wakeup()
    }

    pub(crate) fn on_wakeup(&mut self, now: Instant, out: &mut Vec<u8>) {
        self.desk.node.handle(now, Input::Wakeup, &mut self.outbox);
        self.carry_out("", out);
    }

    /// Appends some of what is held back. Says whether there is more.
    pub(crate) fn flush(&mut self, now: Instant, out: &mut Vec<u8>) -> bool {
        self.desk.node.handle(now, Input::Flush, &mut self.outbox);
        self.carry_out("", out);
        self.desk.node.is_holding_back()
    }

    /// What the node has counted that an operator should know of, if anything.
    pub(crate) fn losses(&self) -> Option<String> {
        let stats = self.desk.node.stats();
        let losses = [
            (stats.awaits_given_up, "acknowledgements no longer awaited"),
            (stats.pushes_given_up, "values not pushed but left to the rounds"),
            (stats.payloads_refused, "values of peers refused: too large, or no room"),
            (stats.names_refused, "names of values refused"),
            (stats.not_supported, "messages that a peer did not know"),
        ];
        let told = losses.iter().filter(|(count, _)| *count > 0);
        let told: Vec<String> = told.map(|(count, what)| format!("{count} {what}")).collect();
        (!told.is_empty()).then(|| told.join(", "))
    }

    pub(crate) fn on_envelope(&mut self, now: Instant, envelope: &Envelope<'_>, out: &mut Vec<u8>) {
        let id = self.desk.names.find(&envelope.src);
        if id.is_some_and(|id| !self.desk.node.admits(id)) {
            return;
        }
        let sender = Sender {
            name: &envelope.src,
            id,
            is_peer: id.is_some_and(|id| self.desk.names.is_member(id)),
            // A reply is never answered, whatever it says.
            asks: envelope.msg_id.filter(|_| envelope.in_reply_to.is_none()),
        };
        if sender.asks.is_some() && envelope.kind().is_some_and(is_only_an_answer) {
            let error = BodyError::UnknownType(format!(
                "{} answers something, and there is no in_reply_to: ask for something else",
                envelope.kind().unwrap_or_default()
            ));
            return self.refuse(sender, &error, out);
        }
        if !sender.is_peer && envelope.kind().is_some_and(is_dialect) {
            let error = BodyError::UnknownType(format!(
                "{} is a message between nodes, and you do not stand in node_ids",
                envelope.kind().unwrap_or_default()
            ));
            return self.refuse(sender, &error, out);
        }
        if sender.asks.is_some() && envelope.kind().is_some_and(is_of_partial_views) {
            let error = BodyError::UnknownType(format!(
                "{} is for nodes that know a few others, and this one knows all",
                envelope.kind().unwrap_or_default()
            ));
            return self.refuse(sender, &error, out);
        }
        match envelope.body() {
            Ok(body) if is_for_core(&body, sender) => {
                self.receive(now, envelope, body, sender, out)
            }
            Ok(body) => self.answer(now, sender, body, out),
            Err(error) => self.refuse(sender, &error, out),
        }
    }

    /// Hands a message on to the core.
    fn receive(
        &mut self,
        now: Instant,
        envelope: &Envelope<'_>,
        body: Body<'_>,
        sender: Sender<'_>,
        out: &mut Vec<u8>,
    ) {
        let in_reply_to = envelope.in_reply_to.map(message_id);
        match translate::to_core(body, in_reply_to, &mut self.desk.names) {
            Ok(Some(message)) => {
                let input = Input::Received {
                    from: sender.id.unwrap_or(NodeId::GUEST),
                    id: sender.asks.map(message_id),
                    dialect: envelope.dialect,
                    message,
                };
                self.desk.node.handle(now, input, &mut self.outbox);
                self.carry_out(sender.name, out);
            }
            Ok(None) => debug!("{} sends a stray answer", shortened(sender.name)),
            Err(error) => self.refuse(sender, &error, out),
        }
    }

    /// Answers a request. The answer is numbered and written first, whatever else the request
    /// causes.
    fn answer(&mut self, now: Instant, sender: Sender<'_>, body: Body<'_>, out: &mut Vec<u8>) {
        let peer = sender.id.filter(|_| sender.is_peer);
        let number = sender.asks.map(|_| self.desk.node.number_message(peer));
        let answer = self.desk.answer(now, peer, &body, &mut self.outbox);
        if let Some(Body::Error { text, .. }) = &answer {
            debug!("a request of {} is refused: {text}", shortened(sender.name));
        }
        if let (Some(number), Some(answer)) = (number, &answer) {
            let number = Some(number.0 as i64);
            encode(out, &self.me, sender.name, answer, sender.asks, number, None);
        }
        self.carry_out(sender.name, out);
    }

    fn refuse(&mut self, sender: Sender<'_>, error: &BodyError, out: &mut Vec<u8>) {
        let Some(asked) = sender.asks else {
            warn!("a message of {} is skipped: {error}", shortened(sender.name));
            return;
        };
        debug!("a request of {} is refused: {error}", shortened(sender.name));
        let number = self.desk.node.number_message(sender.id.filter(|_| sender.is_peer));
        let body = Body::Error { code: error.code(), text: error.text().into() };
        encode(out, &self.me, sender.name, &body, Some(asked), Some(number.0 as i64), None);
    }

    /// Does what the core wants done. `guest` is who sent what it answers.
    fn carry_out(&mut self, guest: &str, out: &mut Vec<u8>) {
        let Self { me, desk, outbox, joined } = self;
        // The core goes around a silent neighbor one node after the other, and then says so.
        let mut around: Vec<NodeId> = Vec::new();
        for output in outbox.drain() {
            match output {
                Output::Send { to, id, dialect, message } => {
                    match message {
                        Message::Broadcast { .. } => around.push(to),
                        _ => around.clear(),
                    }
                    let dest = if to == NodeId::GUEST { guest } else { desk.names.name(to) };
                    joined.clear();
                    let (body, of) = translate::from_core(&message, &desk.names, joined);
                    let (of, number) = (of.map(|of| of.0 as i64), Some(id.0 as i64));
                    encode(out, me, dest, &body, of, number, dialect);
                }
                // The store is read when a client asks for it.
                Output::Deliver { .. } => {}
                Output::Undelivered { neighbor, payload, direct } => {
                    let sent = around.len().checked_sub(direct).map(|first| &around[first..]);
                    warn!(
                        "{} has not acknowledged {} within {} ms: {}",
                        desk.names.name(neighbor),
                        shortened(translate::text(payload.bytes())),
                        desk.node.config().ack_timeout.as_millis(),
                        gone_around(&desk.names, sent.unwrap_or_default(), direct),
                    );
                    around.clear();
                }
            }
        }
    }
}

/// Nodes that a line of the log names.
const NAMED_MAX: usize = 5;

/// To whom a value went around a silent neighbor: to `count` nodes, the names of which are not
/// known where it goes to them later, together with others.
fn gone_around(names: &Names, sent: &[NodeId], count: usize) -> String {
    if count == 0 {
        return "there is nobody to send it to instead".into();
    }
    if sent.is_empty() {
        return format!("it goes to {count} others in its place");
    }
    let named = sent.iter().take(NAMED_MAX).map(|&node| names.name(node)).collect::<Vec<_>>();
    let more = match sent.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("sent directly to {}{more} behind it", named.join(", "))
}

/// Whether a type is that of an answer, and so nothing that one could ask for. An acknowledgement
/// is more: it is a message of the protocol that lacks a field.
fn is_only_an_answer(kind: &str) -> bool {
    kind == "error" || (kind.ends_with("_ok") && kind != "broadcast_ok")
}

/// Whether a type is of our dialect, which only members speak.
fn is_dialect(kind: &str) -> bool {
    matches!(kind, "gossip_summary" | "gossip_digest" | "gossip_delta" | "gossip_push")
}

/// Whether a type is for clusters in which nobody knows all members, whom `init` tells everybody.
fn is_of_partial_views(kind: &str) -> bool {
    matches!(kind, "gossip_link" | "gossip_view")
}

/// Whether a message is between nodes. A broadcast is one if a peer sends it; from anybody else it
/// is a client's request.
fn is_for_core(body: &Body<'_>, sender: Sender<'_>) -> bool {
    match body {
        Body::Broadcast { .. } => sender.is_peer,
        Body::Gossip { .. }
        | Body::GossipSync { .. }
        | Body::BroadcastAck
        | Body::BroadcastOk
        | Body::Error { .. }
        | Body::GossipSummary { .. }
        | Body::GossipDigest { .. }
        | Body::GossipDelta { .. }
        | Body::GossipPush { .. } => true,
        _ => false,
    }
}

/// The core only ever gives a number back as it came, so any bits will do.
fn message_id(number: i64) -> MessageId {
    MessageId(number as u64)
}

/// The head of a text that may be megabytes long.
fn shortened(text: &str) -> Cow<'_, str> {
    const CHARS_MAX: usize = 80;
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]).into(),
        None => text.into(),
    }
}
