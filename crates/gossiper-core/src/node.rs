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
use crate::received::{on_received, take_in};
use crate::relay::{self, Relay};
use crate::rng::Rng;
use crate::rung::eager::Source;
use crate::rung::rounds::{self, Occasion};
use crate::state::{Context, Learned, State};
use crate::store::{Delivery, Store};
use crate::strategy::{Chosen, Protocol};
use crate::streams::Streams;
use crate::{
    Awaited, Config, Input, Instant, Mechanism, Members, MessageId, NodeId, Outbox, Payload,
    Refusal, Stats, Topology,
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
            links: Links::new(hash_seed),
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
pub(crate) struct Parts<'a> {
    pub(crate) protocol: &'a mut dyn Protocol,
    pub(crate) relay: &'a mut Relay,
    pub(crate) learned: Option<&'a mut LearnedOverlay>,
}

fn on_broadcast(cx: &mut Context<'_>, payload: &Payload) {
    cx.state.stats.broadcasts_received += 1;
    if let Learned::New(value) = cx.learn_own(payload) {
        cx.push_later(value, Source::Application);
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
