//! The node: one door in, one way out, one question.

use alloc::boxed::Box;
use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;

use crate::digest::{SetDigest, SetDigester};
use crate::learned::Learned as LearnedOverlay;
use crate::link::Links;
use crate::members::Roster;
use crate::overlay::Overlay;
use crate::relay::{self, Relay};
use crate::rng::Rng;
use crate::rung::digest;
use crate::rung::eager::Source;
use crate::rung::rounds::{self, Occasion};
use crate::state::{Context, Learned, State};
use crate::store::{Delivery, Store, Via};
use crate::strategy::{Chosen, Protocol};
use crate::streams::Streams;
use crate::{
    Awaited, Config, Input, Instant, LinkPush, Mechanism, Members, Message, MessageId, NodeId,
    Outbox, Payload, Push, Refusal, Rumor, RumorId, Stats, Topology,
};

/// One member of a cluster, as a state machine.
///
/// The host calls [`handle`](Self::handle) for everything that happens, does what the outbox then
/// says, and calls it again with [`Input::Wakeup`] when [`next_wakeup`](Self::next_wakeup) comes.
#[derive(Debug)]
pub struct Node {
    state: State,
    protocol: Chosen,
    relay: Relay,
    /// In its place where the overlay is learned.
    learned: Option<Box<LearnedOverlay>>,
    now: Instant,
}

impl Node {
    /// A node that knows nothing yet.
    ///
    /// `members` is the whole cluster, in any order, with or without `id`; for a learned overlay
    /// those to whom the node turns to join it. `incarnation` must be
    /// another number for each start of this node, and a larger one is a later start. `seed`
    /// settles every random choice: a host draws it at random, so that a stranger cannot foresee
    /// what the node does, and a test fixes it.
    #[must_use]
    pub fn new(
        id: NodeId,
        members: &[NodeId],
        config: Config,
        incarnation: u64,
        seed: u64,
        now: Instant,
    ) -> Self {
        Self::sharing(id, Members::new(members.to_vec()), config, incarnation, seed, now)
    }

    /// [A node](Self::new) that shares the list of members with others, instead of having its own.
    /// Without `id` in it, the node makes its own all the same.
    #[must_use]
    pub fn sharing(
        id: NodeId,
        members: Members,
        config: Config,
        incarnation: u64,
        seed: u64,
        now: Instant,
    ) -> Self {
        let is_learned = config.is_learned();
        let contacts = members.as_slice().iter().copied().filter(|&member| member != id);
        let contacts: Vec<NodeId> =
            contacts.take(if is_learned { usize::MAX } else { 0 }).collect();
        let members = if is_learned { Members::new(alloc::vec![id]) } else { members };
        let mut rng = Rng::new(seed);
        let hash_seed = rng.next_u64();
        let store = Store::new(hash_seed);
        let protocol = Chosen::new(&config, now);
        let mut state = State {
            me: id,
            config,
            members: Roster::new(id, members),
            overlay: Overlay::Random,
            store,
            streams: Streams::new(id, incarnation, hash_seed),
            unnamed: VecDeque::new(),
            set_digester: SetDigester::default(),
            links: Links::default(),
            backlog: VecDeque::new(),
            catch_up_from: now,
            learned_at: None,
            pass_on_from: now,
            blocked: BTreeSet::new(),
            rng,
            stats: Stats::default(),
            next_message: MessageId(0),
            is_well: false,
            is_round: false,
        };
        state.overlay = protocol.protocol().overlay(&state, None);
        let mut relay = Relay::default();
        relay.on_overlay(&state);
        let learned = is_learned.then(|| Box::new(LearnedOverlay::new(&state, contacts, now)));
        Self { state, protocol, relay, learned, now }
    }

    /// Something happens at `now`. What the node wants done is appended to the outbox.
    ///
    /// A peer's nonsense is counted and dropped.
    ///
    /// # Panics
    ///
    /// If `now` is earlier than it was: that is the host's mistake, and every deadline would be
    /// wrong from here on.
    pub fn handle(&mut self, now: Instant, input: Input, outbox: &mut Outbox) {
        assert!(now >= self.now, "the host's clock went back from {:?} to {now:?}", self.now);
        self.now = now;
        let cx = &mut Context { now, state: &mut self.state, outbox };
        let parts = &mut Parts {
            protocol: self.protocol.protocol_mut(),
            relay: &mut self.relay,
            learned: self.learned.as_deref_mut(),
        };
        // These change what the node does, and it does not do it in the same breath.
        let is_setting = matches!(
            input,
            Input::Topology(_) | Input::Configure { .. } | Input::Partition(_) | Input::PeerUp(_)
        );
        let is_last = matches!(input, Input::Flush);
        match input {
            Input::Broadcast(payload) => on_broadcast(cx, &payload),
            Input::Received { from, id, dialect, message } => {
                if !cx.state.admits(from) {
                    return;
                }
                if from != NodeId::GUEST && parts.learned.is_none() {
                    let was_plain = cx.state.links.is_plain(from);
                    let dialect = dialect.filter(|_| cx.state.uses(Mechanism::Dialect));
                    cx.state.links.on_heard(from, dialect, now);
                    parts.relay.on_heard(cx, from);
                    if cx.state.links.is_plain(from) != was_plain {
                        parts.relay.on_role(cx, from);
                    }
                }
                on_received(cx, parts, from, id, message);
            }
            Input::Merge { from, payloads } => {
                take_in(cx, parts, from, payloads);
            }
            Input::PeerUp(peer) => on_peer_up(cx, parts, peer),
            Input::PeerDown(peer) => on_peer_down(cx, parts, peer),
            // It would say who all the others are.
            Input::Topology(_) if parts.learned.is_some() => {}
            Input::Topology(mut topology) => {
                topology.explore(cx.state.members.peers());
                // One that does not name this node says nothing to it.
                let given = Some(topology).filter(Topology::names_me);
                cx.state.overlay = parts.protocol.overlay(cx.state, given);
                parts.relay.on_overlay(cx.state);
            }
            Input::Configure { fanout, gossip_interval } => {
                configure(cx, parts.protocol, fanout, gossip_interval);
            }
            Input::Partition(blocked) => cx.state.blocked = blocked,
            Input::Round => match &mut parts.learned {
                Some(learned) => learned.compare(cx),
                None => rounds::begin(cx, Occasion::Request),
            },
            Input::CheckAcks | Input::Wakeup if parts.learned.is_some() => {}
            Input::CheckAcks | Input::Wakeup => parts.protocol.on_wakeup(cx),
            Input::Flush => {}
        }
        while cx.has_budget()
            && let Some((value, source)) = cx.state.backlog.pop_front()
        {
            if let Some(learned) = &mut parts.learned {
                learned.on_new(cx, value, source);
            } else if relay::is_in_use(cx.state) {
                parts.relay.on_new(cx, value, source);
            } else {
                parts.protocol.on_new(cx, value, source);
            }
        }
        if let Some(learned) = &mut parts.learned {
            if !is_setting && cx.state.backlog.is_empty() {
                learned.act(cx);
            }
        } else if is_setting {
            parts.relay.wait(cx);
        } else if cx.state.backlog.is_empty() {
            let others = parts.protocol.unacked();
            if is_last {
                parts.relay.flush(cx, others);
            } else {
                parts.relay.act(cx, others);
            }
        } else {
            parts.relay.put_off(cx);
        }
    }

    /// When the node next wants an [`Input::Wakeup`], if nothing else happens before.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Instant> {
        if !self.state.backlog.is_empty() {
            return Some(self.now);
        }
        if let Some(learned) = &self.learned {
            return Some(learned.next_wakeup());
        }
        let protocol = self.protocol.protocol().next_wakeup();
        let relay = self.relay.next_wakeup();
        protocol.map_or(relay, |due| Some(relay.map_or(due, |other| due.min(other))))
    }

    /// Whether the node holds back what it would send at once, were it not so much.
    /// [`Input::Flush`] and [`Input::Wakeup`] bring some of it out.
    #[must_use]
    pub fn is_holding_back(&self) -> bool {
        let learned = self.learned.as_ref().is_some_and(|learned| learned.is_holding_back());
        !self.state.backlog.is_empty() || self.relay.is_holding_back() || learned
    }

    /// The number for a message that the host itself sends to `to`, or to somebody who is no
    /// member. Peers tell a node's messages apart by their numbers, so both draw from one source.
    pub fn number_message(&mut self, to: Option<NodeId>) -> MessageId {
        self.state.stats.messages_sent += u64::from(to.is_some());
        self.state.next_message_id()
    }

    /// Why a payload cannot be broadcast, if it cannot. The node would drop it and count it.
    #[must_use]
    pub fn refusal(&self, payload: &Payload) -> Option<Refusal> {
        self.state.refusal(payload)
    }

    /// Whether a message from this node comes through. A partition drops it otherwise, which is
    /// counted. For hosts that answer some messages themselves; [`Input::Received`] asks again.
    pub fn admits(&mut self, from: NodeId) -> bool {
        self.state.admits(from)
    }

    /// How many payloads are known.
    #[must_use]
    pub fn payload_count(&self) -> usize {
        self.state.store.len()
    }

    /// The payload at this place in the order of arrival.
    #[must_use]
    pub fn payload(&self, place: usize) -> Option<&[u8]> {
        self.payloads_from(place).next()
    }

    /// The payloads known from the `from`th on, in the order of arrival.
    pub fn payloads_from(&self, from: usize) -> impl Iterator<Item = &[u8]> {
        self.state.store.values_from(from).map(|value| self.state.store.bytes(value))
    }

    /// How the payload with this key came, if it is known.
    #[must_use]
    pub fn delivery(&self, key: &[u8]) -> Option<Delivery> {
        self.state.store.find(key).map(|value| self.state.store.delivery(value))
    }

    /// The digest of the set of payloads. Costs as much as has come since it was last asked for.
    pub fn set_digest(&mut self) -> SetDigest {
        self.state.set_digester.digest(&self.state.store)
    }

    /// What the node has counted.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.state.stats
    }

    /// What awaits an acknowledgement.
    #[must_use]
    pub fn awaited(&self) -> Awaited {
        let learned = self.learned.as_ref().map_or(0, |learned| learned.unacked());
        Awaited { forwards: self.protocol.protocol().unacked() + self.relay.unacked() + learned }
    }

    /// The peers that a round is begun with: all other members that are up, sorted. In a learned
    /// overlay nobody knows them, and [the neighbors](Self::neighbors) take their place.
    #[must_use]
    pub fn peers(&self) -> impl ExactSizeIterator<Item = NodeId> {
        self.state.members.peers()
    }

    /// The neighbors in the tree; none where values go to random peers. In a learned overlay all
    /// neighbors, eager or lazy.
    #[must_use]
    pub fn neighbors(&self) -> &[NodeId] {
        let learned = self.learned.as_ref();
        learned.map_or_else(|| self.state.overlay.neighbors(), |learned| learned.neighbors())
    }

    /// The settings in force.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.state.config
    }
}

/// What acts on the state.
struct Parts<'a> {
    protocol: &'a mut dyn Protocol,
    relay: &'a mut Relay,
    learned: Option<&'a mut LearnedOverlay>,
}

fn on_broadcast(cx: &mut Context<'_>, payload: &Payload) {
    cx.state.stats.broadcasts_received += 1;
    if let Learned::New(value) = cx.learn_own(payload) {
        cx.push_later(value, Source::Application);
    }
}

fn on_received(
    cx: &mut Context<'_>,
    parts: &mut Parts<'_>,
    from: NodeId,
    id: Option<MessageId>,
    message: Message,
) {
    if !message.is_plain() && !cx.state.uses(Mechanism::Dialect) {
        if let Some(of) = id {
            cx.send(from, Message::NotSupported { of });
        }
        return;
    }
    match message {
        Message::Broadcast { payload, hops, id: name } => {
            let (is_relayed, hops) = (hops.is_some(), hops.unwrap_or(0).saturating_add(1));
            let delivery = Delivery { via: Via::Tree, hops };
            let learned = learn(cx, parts, from, &payload, name, delivery);
            // What cannot be kept is not acknowledged.
            if let Some(of) = id.filter(|_| learned != Learned::Refused) {
                cx.send(from, Message::Ack { of });
            }
            if let Learned::Known(value) = learned
                && is_relayed
                && !cx.state.overlay.neighbors().contains(&from)
                && !cx.state.links.is_plain(from)
                && relay::is_in_use(cx.state)
            {
                parts.relay.on_around(cx, from, value);
            }
            let pushed_on = match learned {
                Learned::Known(value) => {
                    Some(value).filter(|&value| parts.protocol.takes_up(value))
                }
                Learned::New(_) | Learned::Refused => learned.newly_learnt(),
            };
            if let Some(value) = pushed_on {
                let is_neighbor = cx.state.overlay.neighbors().contains(&from);
                // Only a direct delivery says how far it has come and is from no neighbor. Another
                // program has neighbors of its own.
                let is_around = is_relayed && !is_neighbor && !cx.state.links.is_plain(from);
                let source = if is_around { Source::Around(from) } else { Source::Peer(from) };
                cx.push_later(value, source);
            }
        }
        Message::Gossip { payload, hops, id } => {
            let delivery = Delivery { via: Via::Gossip, hops: hops.saturating_add(1) };
            if let Learned::New(value) = learn(cx, parts, from, &payload, id, delivery) {
                cx.push_later(value, Source::Peer(from));
            }
        }
        Message::Sync { payloads } => on_sync(cx, parts, from, id, payloads),
        Message::Ack { of } => {
            parts.protocol.on_ack(from, of);
            parts.relay.on_plain_ack(cx, from, of);
            on_answer(cx, parts, from, of);
        }
        Message::SyncOk { of, .. } => on_answer(cx, parts, from, of),
        Message::Summary(summary) => {
            parts.relay.compare(cx, from, summary.hash);
            digest::on_summary(cx, from, summary);
        }
        Message::Digest { streams, answer } => digest::on_digest(cx, from, &streams, answer),
        Message::Delta { rumors } => on_delta(cx, parts, from, rumors),
        Message::Push(push) => on_push(cx, parts, from, &push),
        Message::Link(push) => on_link(cx, parts, from, *push),
        Message::View(message) => {
            if from != NodeId::GUEST
                && let Some(learned) = &mut parts.learned
            {
                learned.on_view(cx, from, message);
            }
        }
        Message::NotSupported { .. } => {
            cx.state.stats.not_supported += 1;
            cx.state.links.on_not_supported(from);
            parts.relay.on_role(cx, from);
        }
    }
}

/// A peer has answered a message, in whichever dialect.
fn on_answer(cx: &mut Context<'_>, parts: &mut Parts<'_>, from: NodeId, of: MessageId) {
    if cx.state.links.on_answer(from, of) {
        parts.relay.on_role(cx, from);
    }
}

fn on_sync(
    cx: &mut Context<'_>,
    parts: &mut Parts<'_>,
    from: NodeId,
    id: Option<MessageId>,
    payloads: Vec<Payload>,
) {
    // Where values keep coming, everybody lacks some.
    let is_telling = payloads.is_empty() || !cx.state.has_news(cx.now);
    let is_lacking = is_telling && payloads.len() < cx.state.store.len();
    let new_count = take_in(cx, parts, from, payloads);
    if let Some(of) = id {
        cx.send(from, Message::SyncOk { of, new_count });
    }
    if is_lacking && cx.state.links.speaks_dialect(from) {
        digest::open(cx, from);
    }
}

/// Takes in a payload that came from `from`, who therefore has it.
fn learn(
    cx: &mut Context<'_>,
    parts: &mut Parts<'_>,
    from: NodeId,
    payload: &Payload,
    id: Option<RumorId>,
    delivery: Delivery,
) -> Learned {
    let learned = cx.learn(payload, id, from, delivery);
    if let Learned::Known(value) = learned {
        parts.protocol.on_duplicate(from, value);
        parts.relay.on_holder(from, value);
        if let Some(overlay) = &mut parts.learned {
            overlay.on_holder(from, value);
        }
    }
    learned
}

/// Takes in payloads that came without names or hops: they count as one hop. Gives the number of
/// new ones.
fn take_in(
    cx: &mut Context<'_>,
    parts: &mut Parts<'_>,
    from: NodeId,
    payloads: Vec<Payload>,
) -> u64 {
    let delivery = Delivery { via: Via::Gossip, hops: 1 };
    let mut new = Vec::new();
    for payload in payloads {
        new.extend(learn(cx, parts, from, &payload, None, delivery).newly_learnt());
    }
    // Who learns much at once is catching up.
    let is_bulk = relay::is_in_use(cx.state) && new.len() > SYNC_PUSHES_MAX;
    let source = if is_bulk { Source::Delta(from) } else { Source::Peer(from) };
    new.iter().for_each(|&value| cx.push_later(value, source));
    new.len() as u64
}

/// The new payloads of one plain sync, or of a push that shows a digest, that are pushed on each on a
/// computed tree.
const SYNC_PUSHES_MAX: usize = 16;

/// The new payloads of a delta that are pushed on where each costs a message. Where there are more,
/// the node has caught up with others, who have them already: those who lack them find out by a
/// summary, or by a round.
const DELTA_FORWARDS_MAX: usize = 64;

fn on_delta(cx: &mut Context<'_>, parts: &mut Parts<'_>, from: NodeId, rumors: Vec<Rumor>) {
    let mut new = Vec::new();
    for Rumor { id, hops, payload } in rumors {
        let delivery = Delivery { via: Via::Gossip, hops: hops.saturating_add(1) };
        new.extend(learn(cx, parts, from, &payload, id, delivery).newly_learnt());
        id.iter().for_each(|id| cx.note_origin(id.origin));
    }
    if relay::is_in_use(cx.state) {
        if parts.relay.pushes_delta(cx, from, new.len()) {
            new.iter().for_each(|&value| cx.push_later(value, Source::Delta(from)));
        }
        return;
    }
    // In a learned overlay they are announced, which is cheap.
    if new.len() <= DELTA_FORWARDS_MAX || parts.learned.is_some() {
        new.iter().for_each(|&value| cx.push_later(value, Source::Delta(from)));
    }
    if !new.is_empty() {
        digest::pass_on(cx, from);
    }
}

/// Takes in what a push holds, then heeds what it says of the link.
fn on_push(cx: &mut Context<'_>, parts: &mut Parts<'_>, from: NodeId, push: &Push) {
    let mut new = Vec::new();
    for Rumor { id, hops, payload } in &push.rumors {
        let delivery = Delivery { via: Via::Tree, hops: hops.saturating_add(1) };
        new.extend(learn(cx, parts, from, payload, *id, delivery).newly_learnt());
        id.iter().for_each(|id| cx.note_origin(id.origin));
    }
    // Who shows all that it holds brings along what this node may have missed, as a delta would.
    let is_bulk = push.streams.is_some() && new.len() > SYNC_PUSHES_MAX;
    if !is_bulk || !relay::is_in_use(cx.state) {
        new.iter().for_each(|&value| cx.push_later(value, Source::Peer(from)));
    } else if parts.relay.pushes_delta(cx, from, new.len()) {
        new.iter().for_each(|&value| cx.push_later(value, Source::Delta(from)));
    }
    for stream in push.streams.iter().flatten() {
        cx.note_origin(stream.origin);
    }
    if from != NodeId::GUEST && cx.state.members.is_peer(from) {
        parts.relay.on_push(cx, from, push);
    }
}

/// Takes in what came over a link of a learned tree, then heeds what it says of the link.
fn on_link(cx: &mut Context<'_>, parts: &mut Parts<'_>, from: NodeId, mut push: LinkPush) {
    // Who has no partial views has no such links, and its member list says more than this does.
    if from == NodeId::GUEST || parts.learned.is_none() {
        return;
    }
    let is_numbered = push.is_numbered();
    for Rumor { id, hops, payload } in core::mem::take(&mut push.rumors) {
        let delivery = Delivery { via: Via::Tree, hops: hops.saturating_add(1) };
        let learned = learn(cx, parts, from, &payload, id, delivery);
        let Some(overlay) = &mut parts.learned else { return };
        match learned {
            Learned::New(value) => {
                overlay.on_rumor(cx, from, id, value, true);
                cx.push_later(value, Source::Peer(from));
            }
            Learned::Known(value) => overlay.on_rumor(cx, from, id, value, false),
            Learned::Refused => {}
        }
    }
    if let Some(overlay) = &mut parts.learned {
        overlay.on_link(cx, from, push, is_numbered);
    }
}

fn on_peer_up(cx: &mut Context<'_>, parts: &mut Parts<'_>, peer: NodeId) {
    if let Some(learned) = &mut parts.learned {
        return learned.on_contact(cx, peer);
    }
    if cx.state.members.add(peer) {
        cx.state.overlay.on_members_changed(&cx.state.members);
        parts.relay.on_overlay(cx.state);
    }
}

fn on_peer_down(cx: &mut Context<'_>, parts: &mut Parts<'_>, peer: NodeId) {
    if let Some(learned) = &mut parts.learned {
        return learned.on_peer_down(cx, peer);
    }
    if cx.state.members.is_peer(peer) {
        // The ways around the peer are found on the overlay that it was still part of.
        parts.protocol.on_peer_down(cx, peer);
        parts.relay.on_peer_down(peer);
        cx.state.members.remove(peer);
        cx.state.links.forget(peer);
        cx.state.overlay.on_members_changed(&cx.state.members);
    }
}

fn configure(
    cx: &mut Context<'_>,
    protocol: &mut dyn Protocol,
    fanout: Option<usize>,
    gossip_interval: Option<Duration>,
) {
    if let Some(fanout) = fanout {
        cx.state.config.fanout = fanout;
    }
    if let Some(gossip_interval) = gossip_interval {
        cx.state.config.gossip_interval = gossip_interval;
        protocol.on_configured(cx);
    }
}
