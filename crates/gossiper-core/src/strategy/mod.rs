//! The protocols: one trait, one file each, chosen by one enum.

mod flood;
mod gossip;
mod hybrid;
mod tree;

use crate::overlay::Overlay;
use crate::rung::eager::Source;
use crate::state::{Context, State};
use crate::store::ValueIx;
use crate::{Config, Instant, MessageId, NodeId, Strategy, Topology};

use self::flood::Flood;
use self::gossip::Gossip;
use self::hybrid::Hybrid;
use self::tree::Tree;

/// What a protocol does when something happens. What is the same for all (taking payloads in,
/// answering acknowledgements and digests) the [`Node`](crate::Node) does.
pub(crate) trait Protocol {
    /// A payload has come that was not known.
    fn on_new(&mut self, cx: &mut Context<'_>, value: ValueIx, source: Source);

    /// A peer acknowledges a push.
    fn on_ack(&mut self, _from: NodeId, _of: MessageId) {}

    /// A peer has sent a payload that was known already.
    fn on_duplicate(&mut self, _from: NodeId, _value: ValueIx) {}

    /// A payload that is known has come by a push: whether it was held back till then, and is
    /// pushed on now.
    fn takes_up(&mut self, _value: ValueIx) -> bool {
        false
    }

    /// A peer is gone.
    fn on_peer_down(&mut self, _cx: &mut Context<'_>, _peer: NodeId) {}

    /// The gossip interval has changed.
    fn on_configured(&mut self, _cx: &Context<'_>) {}

    /// It may be time for something.
    fn on_wakeup(&mut self, _cx: &mut Context<'_>) {}

    /// When it will next be time for something.
    fn next_wakeup(&self) -> Option<Instant> {
        None
    }

    /// The forwards that await an acknowledgement.
    fn unacked(&self) -> usize {
        0
    }

    /// The overlay for a topology that the host gives, if it gives one.
    fn overlay(&self, state: &State, given: Option<Topology>) -> Overlay;
}

/// The protocol that a node runs.
#[derive(Debug)]
pub(crate) enum Chosen {
    Flood(Flood),
    Tree(Tree),
    Gossip(Gossip),
    Hybrid(Hybrid),
}

impl Chosen {
    pub(crate) fn new(config: &Config, now: Instant) -> Self {
        match config.strategy {
            Strategy::Flood => Self::Flood(Flood),
            Strategy::Tree => Self::Tree(Tree::default()),
            Strategy::Gossip => Self::Gossip(Gossip::new(config, now)),
            Strategy::Hybrid => Self::Hybrid(Hybrid::new(config, now)),
        }
    }

    pub(crate) fn protocol(&self) -> &dyn Protocol {
        match self {
            Self::Flood(flood) => flood,
            Self::Tree(tree) => tree,
            Self::Gossip(gossip) => gossip,
            Self::Hybrid(hybrid) => hybrid,
        }
    }

    pub(crate) fn protocol_mut(&mut self) -> &mut dyn Protocol {
        match self {
            Self::Flood(flood) => flood,
            Self::Tree(tree) => tree,
            Self::Gossip(gossip) => gossip,
            Self::Hybrid(hybrid) => hybrid,
        }
    }
}
