//! What all protocols of a node share, and the context in which they act.

use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;

use crate::digest::{SetDigester, Summary};
use crate::link::Links;
use crate::members::Roster;
use crate::overlay::Overlay;
use crate::rng::Rng;
use crate::rung::eager::Source;
use crate::store::{Delivery, Store, ValueIx, Via};
use crate::streams::{Refused, Streams};
use crate::{
    Config, Instant, Mechanism, Message, MessageId, NodeId, Outbox, Output, Payload, Refusal,
    RumorId, Stats,
};

/// The most payloads that wait for a name. Beyond it the oldest gets a name at once, which at worst
/// is a second one.
const UNNAMED_MAX: usize = 65_536;

/// The most payloads that wait to be pushed. Beyond it the oldest is left to the rounds, counted.
pub(crate) const BACKLOG_MAX: usize = 1 << 20;

/// From so many members on a node announces its dialect with whatever it sends first. Smaller
/// clusters are also played by hand and by programs that compare every byte, and those find no
/// field in the first messages that they do not know; in larger ones each link is used too rarely
/// to wait.
const PLAIN_MEMBERS_MAX: usize = 32;

/// How long after a value others may be under way.
const NEWS: Duration = Duration::from_millis(1_500);

/// What became of a payload that came in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Learned {
    /// It is here now.
    New(ValueIx),
    /// It was here before.
    Known(ValueIx),
    /// It is too large, or there is no room for it.
    Refused,
}

impl Learned {
    /// The payload, if it is new.
    pub(crate) fn newly_learnt(self) -> Option<ValueIx> {
        match self {
            Self::New(value) => Some(value),
            Self::Known(_) | Self::Refused => None,
        }
    }
}

/// A payload without a name, which somebody may still name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unnamed {
    pub(crate) value: ValueIx,
    pub(crate) from: NodeId,
    pub(crate) since: Instant,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) me: NodeId,
    pub(crate) config: Config,
    pub(crate) members: Roster,
    pub(crate) overlay: Overlay,
    pub(crate) store: Store,
    pub(crate) streams: Streams,
    /// In the order of arrival; at most [`UNNAMED_MAX`].
    pub(crate) unnamed: VecDeque<Unnamed>,
    pub(crate) set_digester: SetDigester,
    pub(crate) links: Links,
    /// New payloads that are still to be pushed, in the order of arrival; at most
    /// [`BACKLOG_MAX`].
    pub(crate) backlog: VecDeque<(ValueIx, Source)>,
    /// Before this no further catching up begins: one peer at a time sends what is missing.
    pub(crate) catch_up_from: Instant,
    /// When a value last came that was not known.
    pub(crate) learned_at: Option<Instant>,
    /// Before this no further news of deltas is passed on.
    pub(crate) pass_on_from: Instant,
    pub(crate) blocked: BTreeSet<NodeId>,
    pub(crate) rng: Rng,
    pub(crate) stats: Stats,
    pub(crate) next_message: MessageId,
    /// All neighbors answer and hold the same, so that a round would be in vain.
    pub(crate) is_well: bool,
    /// A round was begun, or skipped, by this input.
    pub(crate) is_round: bool,
}

impl State {
    /// Whether a mechanism is switched on.
    pub(crate) fn uses(&self, mechanism: Mechanism) -> bool {
        self.config.uses(mechanism)
    }

    pub(crate) fn next_message_id(&mut self) -> MessageId {
        let id = self.next_message;
        self.next_message.0 += 1;
        id
    }

    /// The hash of all that is held.
    pub(crate) fn hash(&mut self) -> u64 {
        self.streams.hash()
    }

    /// Whether more than [`PLAIN_MEMBERS_MAX`] members are up, so that the dialect is announced at
    /// once.
    pub(crate) fn is_large(&self) -> bool {
        self.members.peer_count() >= PLAIN_MEMBERS_MAX
    }

    /// Whether a value has come of late.
    pub(crate) fn has_news(&self, now: Instant) -> bool {
        self.learned_at.is_some_and(|learned| now - learned < NEWS)
    }

    pub(crate) fn summary(&mut self) -> Summary {
        Summary { hash: self.hash(), count: self.store.len() as u64 }
    }

    /// Why a payload cannot be taken in, if it cannot.
    pub(crate) fn refusal(&self, payload: &Payload) -> Option<Refusal> {
        let (len, max) = (payload.bytes().len(), self.config.payload_bytes_max);
        if len > max {
            Some(Refusal::TooLarge { len, max })
        } else if !self.store.has_room(len) {
            Some(Refusal::Full)
        } else {
            None
        }
    }

    /// Whether a message from `from` comes through. One that does not is counted.
    pub(crate) fn admits(&mut self, from: NodeId) -> bool {
        let is_blocked = self.blocked.contains(&from);
        self.stats.partition_drops += u64::from(is_blocked);
        !is_blocked
    }

    /// The name of a payload, if it has one.
    pub(crate) fn id_of(&self, value: ValueIx) -> Option<RumorId> {
        self.store.name(value).map(|name| self.streams.id_of(name))
    }

    /// Up to `count` peers at random, never `besides`.
    pub(crate) fn draw_peers(&mut self, count: usize, besides: Option<NodeId>) -> Vec<NodeId> {
        let skipped = besides.and_then(|besides| self.members.number_of(besides));
        let bound = self.members.peer_count() - usize::from(skipped.is_some());
        let sample = self.rng.sample(bound, count);
        let number = |drawn| drawn + usize::from(skipped.is_some_and(|skipped| drawn >= skipped));
        sample.into_iter().map(|drawn| self.members.peer(number(drawn))).collect()
    }
}

/// What a protocol acts in: the moment, the node's state, and the way out.
pub(crate) struct Context<'a> {
    pub(crate) now: Instant,
    pub(crate) state: &'a mut State,
    pub(crate) outbox: &'a mut Outbox,
}

/// The outputs after which a node does not begin anything more in one call: some hundred kilobytes,
/// which the host writes before it calls again.
const OUTPUTS_USUAL: usize = 4_096;

impl Context<'_> {
    /// Whether there is room in the outbox to begin something more.
    pub(crate) fn has_budget(&self) -> bool {
        self.outbox.len() < OUTPUTS_USUAL
    }

    /// Puts a new payload at the end of those that are to be pushed.
    pub(crate) fn push_later(&mut self, value: ValueIx, source: Source) {
        if !self.state.uses(Mechanism::Push) {
            return;
        }
        if self.state.backlog.len() == BACKLOG_MAX {
            self.state.backlog.pop_front();
            self.state.stats.pushes_given_up += 1;
        }
        self.state.backlog.push_back((value, source));
    }

    /// Sends a message. A partition drops it: then it has no number, and `None` comes back.
    pub(crate) fn send(&mut self, to: NodeId, message: Message) -> Option<MessageId> {
        self.send_announcing(to, message, false)
    }

    /// Sends a message which announces our dialect, if the peer does not know of it and
    /// `announces`.
    pub(crate) fn send_announcing(
        &mut self,
        to: NodeId,
        message: Message,
        announces: bool,
    ) -> Option<MessageId> {
        if self.state.blocked.contains(&to) {
            self.state.stats.partition_drops += 1;
            return None;
        }
        let id = self.state.next_message_id();
        self.state.stats.messages_sent += u64::from(to != NodeId::GUEST);
        let announces = announces && self.state.uses(Mechanism::Dialect);
        if announces {
            self.state.links.on_announcing(to, id);
        }
        let dialect = (announces || self.state.links.speaks_dialect(to)).then_some(crate::DIALECT);
        self.outbox.push(Output::Send { to, id, dialect, message });
        Some(id)
    }

    /// A push goes to a peer. Says whether to announce our dialect with it.
    pub(crate) fn announces_push(&mut self, to: NodeId) -> bool {
        let is_time = self.state.links.on_push(to, self.now) || self.state.is_large();
        is_time && self.state.uses(Mechanism::Dialect)
    }

    /// A timed sync goes to a peer. Says whether to announce our dialect with it.
    pub(crate) fn announces_sync(&mut self, to: NodeId) -> bool {
        let is_time = self.state.links.on_timed_sync(to) || self.state.is_large();
        is_time && self.state.uses(Mechanism::Dialect)
    }

    /// Takes in a payload of the application's, which is named at once.
    pub(crate) fn learn_own(&mut self, payload: &Payload) -> Learned {
        let learned = self.insert(payload, Delivery { via: Via::Tree, hops: 0 });
        if let Learned::New(value) = learned {
            self.name_as_own(value);
        }
        learned
    }

    /// Takes in a payload that came from a peer.
    pub(crate) fn learn(
        &mut self,
        payload: &Payload,
        id: Option<RumorId>,
        from: NodeId,
        delivery: Delivery,
    ) -> Learned {
        let learned = self.insert(payload, delivery);
        let id = id.filter(|_| self.state.uses(Mechanism::Dialect));
        if let (Learned::New(value) | Learned::Known(value), Some(id)) = (learned, id) {
            self.note_name(value, id);
        }
        if let Learned::New(value) = learned
            && self.state.store.name(value).is_none()
        {
            if self.state.unnamed.len() == UNNAMED_MAX {
                self.adopt_oldest_unnamed();
            }
            self.state.unnamed.push_back(Unnamed { value, from, since: self.now });
        }
        learned
    }

    /// Takes the payload that has waited longest for a name off the list, and names it.
    pub(crate) fn adopt_oldest_unnamed(&mut self) {
        let Some(oldest) = self.state.unnamed.pop_front() else {
            return;
        };
        if self.state.store.name(oldest.value).is_none() {
            self.name_as_own(oldest.value);
        }
    }

    /// Gives a payload a name of this node's own.
    pub(crate) fn name_as_own(&mut self, value: ValueIx) {
        let name = self.state.streams.name_next(value);
        self.state.store.set_name(value, name);
    }

    /// Only who speaks our dialect names rumors.
    pub(crate) fn note_origin(&mut self, origin: NodeId) {
        let is_believed = self.state.uses(Mechanism::Dialect);
        if is_believed && self.state.members.is_peer(origin) {
            self.state.links.on_origin(origin, self.now);
        }
    }

    fn note_name(&mut self, value: ValueIx, id: RumorId) {
        let is_alias = self.state.store.name(value).is_some();
        let name = match self.state.streams.open(id.origin, id.incarnation) {
            // Only this node names what is in its own stream: its own rumor comes back, or
            // somebody makes names up.
            Some(stream) if stream == Streams::OWN => return,
            Some(stream) => self.state.streams.note(stream, id.sequence, value, is_alias),
            None => Err(Refused),
        };
        match name {
            Ok(Some(name)) if !is_alias => self.state.store.set_name(value, name),
            Ok(_) => {}
            Err(Refused) => self.state.stats.names_refused += 1,
        }
    }

    fn insert(&mut self, payload: &Payload, delivery: Delivery) -> Learned {
        if self.state.refusal(payload).is_some() {
            // What is known takes no more room.
            if let Some(known) = self.state.store.find(payload.key()) {
                return Learned::Known(known);
            }
            self.state.stats.payloads_refused += 1;
            return Learned::Refused;
        }
        let (value, is_new) = self.state.store.insert(payload, delivery);
        if !is_new {
            return Learned::Known(value);
        }
        let stats = &mut self.state.stats;
        match delivery.via {
            Via::Tree => stats.tree_deliveries += 1,
            Via::Gossip => stats.gossip_deliveries += 1,
        }
        stats.last_learning_round = stats.rounds;
        self.state.learned_at = Some(self.now);
        self.outbox.push(Output::Deliver { place: value.0 as usize });
        Learned::New(value)
    }
}
