//! What a node knows of its way to each peer: which dialect is spoken there.
//!
//! A link starts in the plain dialect. After a few plain messages the node announces its own
//! dialect along with the next ones; a peer that knows it announces back, and from then on both
//! use it. A peer that does not know it ignores the announcement. So versions mix freely.

use alloc::collections::BTreeMap;

use crate::NodeId;

/// The plain messages on a link before the node announces its dialect there: programs that
/// compare every byte of the first messages find no field that they do not know.
const PLAIN_FIRST: u8 = 4;

#[derive(Clone, Copy, Debug)]
struct Link {
    /// Plain messages still to send before the announcement.
    plain_left: u8,
    /// The dialect that the peer has announced.
    dialect: Option<u32>,
    /// How many payloads the last plain sync went through, if it did not get to the end.
    synced: usize,
}

impl Default for Link {
    fn default() -> Self {
        Self { plain_left: PLAIN_FIRST, dialect: None, synced: 0 }
    }
}

/// The links used so far: at most one a node that this one has sent to or heard from.
#[derive(Debug, Default)]
pub(crate) struct Links {
    links: BTreeMap<NodeId, Link>,
}

impl Links {
    /// Whether the peer has shown that it knows our dialect.
    pub(crate) fn speaks_dialect(&self, peer: NodeId) -> bool {
        self.links.get(&peer).is_some_and(|link| link.dialect.is_some())
    }

    /// The announcement that goes along with the next message to `peer`.
    pub(crate) fn announcement(&self, peer: NodeId) -> Option<u32> {
        let link = self.links.get(&peer)?;
        (link.dialect.is_some() || link.plain_left == 0).then_some(crate::DIALECT)
    }

    /// A plain message has gone out.
    pub(crate) fn on_plain_sent(&mut self, peer: NodeId) {
        let link = self.links.entry(peer).or_default();
        link.plain_left = link.plain_left.saturating_sub(1);
    }

    /// The first plain messages are over: the next one announces.
    pub(crate) fn announce_next(&mut self, peer: NodeId) {
        self.links.entry(peer).or_default().plain_left = 0;
    }

    /// Where the next plain sync goes on.
    pub(crate) fn synced(&self, peer: NodeId) -> usize {
        self.links.get(&peer).map_or(0, |link| link.synced)
    }

    pub(crate) fn set_synced(&mut self, peer: NodeId, synced: usize) {
        self.links.entry(peer).or_default().synced = synced;
    }

    pub(crate) fn on_announced(&mut self, peer: NodeId, dialect: u32) {
        self.links.entry(peer).or_default().dialect = Some(dialect);
    }

    /// The peer does not know what it once announced: it is another program now.
    pub(crate) fn on_not_supported(&mut self, peer: NodeId) {
        if let Some(link) = self.links.get_mut(&peer) {
            link.dialect = None;
        }
    }

    pub(crate) fn forget(&mut self, peer: NodeId) {
        self.links.remove(&peer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: NodeId = NodeId(1);

    #[test]
    fn the_fifth_message_announces_the_dialect() {
        let mut links = Links::default();
        for _ in 0..4 {
            assert_eq!(links.announcement(PEER), None);
            links.on_plain_sent(PEER);
        }
        assert_eq!(links.announcement(PEER), Some(crate::DIALECT));
    }

    #[test]
    fn a_peer_that_announced_is_answered_in_kind_until_it_says_otherwise() {
        let mut links = Links::default();
        links.on_announced(PEER, 7);
        assert!(links.speaks_dialect(PEER));
        assert_eq!(links.announcement(PEER), Some(crate::DIALECT));
        links.on_not_supported(PEER);
        assert!(!links.speaks_dialect(PEER));
        assert_eq!(links.announcement(PEER), None);
    }
}
