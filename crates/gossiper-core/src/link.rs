//! What a node knows of its way to each peer: which dialect is spoken there.
//!
//! A link starts in the plain dialect. A node announces its own along with some of what it sends:
//! on a busy link with the fifth push, on a quiet one with the second timed sync, and in a large
//! cluster at once. A peer that knows it announces back with whatever it sends next, and from then
//! on both use it. A peer that does not know it ignores the announcement. So versions mix freely.

use alloc::vec::Vec;
use core::time::Duration;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::{Instant, MessageId, NodeId};

/// The plain pushes on a link, after a quiet time, before the node announces its dialect there:
/// programs that compare every byte of the first ones find no field that they do not know.
const PLAIN_FIRST: u8 = 4;

/// How long a link is quiet before the next pushes are the first again.
const QUIET: Duration = Duration::from_secs(1);

/// How long a peer may send plain messages only before it counts as another program, which knows
/// no dialect. Those that were on their way when it learnt of ours are long past then.
const FORGET: Duration = Duration::from_secs(10);

#[derive(Clone, Debug, Default)]
struct Link {
    /// Pushes since the last quiet time, up to [`PLAIN_FIRST`].
    pushes: u8,
    last_push: Instant,
    /// The peer has shown that it does not know the dialect: hearsay counts no more.
    is_plain: bool,
    /// A timed sync has gone out.
    is_synced: bool,
    /// How many payloads the last plain sync went through, if it did not get to the end.
    synced_upto: usize,
    /// When the peer last announced a dialect, if it has.
    announced: Option<Instant>,
    /// The last messages that announced ours, as long as the peer has not; at most [`ASKED_MAX`].
    asked: SmallVec<[MessageId; 2]>,
}

/// How many announcements to a peer are remembered.
const ASKED_MAX: usize = 16;

/// The links used so far: at most one a node that this one has sent to or heard from.
#[derive(Debug)]
pub(crate) struct Links {
    links: HashMap<NodeId, Link, FixedState>,
    /// Who has been found to know the dialect, or not to, since that was last asked.
    changed: Vec<NodeId>,
}

impl Links {
    /// `seed` is as for the [store](crate::store::Store::new).
    pub(crate) fn new(seed: u64) -> Self {
        Self { links: HashMap::with_hasher(FixedState::with_seed(seed)), changed: Vec::new() }
    }

    /// Whether the peer has shown that it is another program, which knows no dialect.
    pub(crate) fn is_plain(&self, peer: NodeId) -> bool {
        self.links.get(&peer).is_some_and(|link| link.is_plain)
    }

    /// All peers that have shown that, sorted.
    pub(crate) fn plain(&self) -> Vec<NodeId> {
        let plain = self.links.iter().filter(|(_, link)| link.is_plain);
        let mut plain: Vec<NodeId> = plain.map(|(&peer, _)| peer).collect();
        plain.sort_unstable();
        plain
    }

    /// A message that announces our dialect has gone out.
    pub(crate) fn on_announcing(&mut self, peer: NodeId, id: MessageId) {
        let link = self.links.entry(peer).or_default();
        if link.announced.is_none() {
            if link.asked.len() == ASKED_MAX {
                link.asked.remove(0);
            }
            link.asked.push(id);
        }
    }

    /// The peer has answered a message. One that answers an announcement in the plain dialect knows
    /// no other: whoever does announces back with whatever it sends next. Says whether that is
    /// news.
    pub(crate) fn on_answer(&mut self, peer: NodeId, of: MessageId) -> bool {
        let Some(link) = self.links.get_mut(&peer) else { return false };
        let is_asked = link.announced.is_none() && link.asked.contains(&of);
        is_asked && !core::mem::replace(&mut link.is_plain, true)
    }

    /// Whether the peer has shown that it knows our dialect.
    pub(crate) fn speaks_dialect(&self, peer: NodeId) -> bool {
        self.links.get(&peer).is_some_and(|link| link.announced.is_some())
    }

    /// Who has been found to know the dialect, or not to know it, since the last call.
    pub(crate) fn take_changed(&mut self) -> Vec<NodeId> {
        core::mem::take(&mut self.changed)
    }

    /// A push goes out. Says whether to announce the dialect with it.
    pub(crate) fn on_push(&mut self, peer: NodeId, now: Instant) -> bool {
        let link = self.links.entry(peer).or_default();
        if now - link.last_push >= QUIET {
            link.pushes = 0;
        }
        link.last_push = now;
        let is_first = link.pushes < PLAIN_FIRST;
        link.pushes += u8::from(is_first);
        !is_first
    }

    /// Rumors that this peer has named are about, and only who speaks our dialect names rumors.
    pub(crate) fn on_origin(&mut self, peer: NodeId, now: Instant) {
        let link = self.links.entry(peer).or_default();
        if link.announced.is_none() && !link.is_plain {
            self.changed.push(peer);
            link.announced = Some(now);
        }
    }

    /// A timed sync goes out. Says whether to announce the dialect with it.
    pub(crate) fn on_timed_sync(&mut self, peer: NodeId) -> bool {
        let link = self.links.entry(peer).or_default();
        core::mem::replace(&mut link.is_synced, true)
    }

    /// Where the next plain sync goes on.
    pub(crate) fn synced_upto(&self, peer: NodeId) -> usize {
        self.links.get(&peer).map_or(0, |link| link.synced_upto)
    }

    pub(crate) fn set_synced_upto(&mut self, peer: NodeId, upto: usize) {
        self.links.entry(peer).or_default().synced_upto = upto;
    }

    /// A message has come, with this announcement or none. Dialects count from 1, and each includes
    /// those before it.
    pub(crate) fn on_heard(&mut self, peer: NodeId, dialect: Option<u32>, now: Instant) {
        if dialect.is_some_and(|dialect| dialect >= 1) {
            let link = self.links.entry(peer).or_default();
            if link.announced.is_none() {
                self.changed.push(peer);
            }
            link.announced = Some(now);
            link.is_plain = false;
            link.asked.clear();
        } else if let Some(link) = self.links.get_mut(&peer)
            && link.announced.is_some_and(|announced| now - announced > FORGET)
        {
            self.changed.push(peer);
            link.announced = None;
            link.is_plain = true;
        }
    }

    /// The peer does not know what it once announced: it is another program now.
    pub(crate) fn on_not_supported(&mut self, peer: NodeId) {
        if let Some(link) = self.links.get_mut(&peer) {
            self.changed.push(peer);
            link.announced = None;
            link.is_plain = true;
        }
    }

    pub(crate) fn forget(&mut self, peer: NodeId) {
        if self.links.remove(&peer).is_some() {
            self.changed.push(peer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: NodeId = NodeId(1);

    fn at(seconds: u64) -> Instant {
        Instant::START + Duration::from_secs(seconds)
    }

    #[test]
    fn the_fifth_push_of_a_busy_time_announces_the_dialect() {
        let mut links = Links::new(7);
        for now in [at(5), at(7)] {
            for _ in 0..PLAIN_FIRST {
                assert!(!links.on_push(PEER, now));
            }
            assert!(links.on_push(PEER, now) && links.on_push(PEER, now));
        }
    }

    #[test]
    fn the_second_timed_sync_announces_the_dialect() {
        let mut links = Links::new(7);
        assert!(!links.on_timed_sync(PEER));
        assert!(links.on_timed_sync(PEER));
    }

    #[test]
    fn who_answers_an_announcement_plainly_is_another_program() {
        let mut links = Links::new(7);
        links.on_heard(PEER, None, at(1));
        assert!(!links.on_answer(PEER, MessageId(3)));
        links.on_announcing(PEER, MessageId(5));
        links.on_announcing(PEER, MessageId(6));
        assert!(!links.on_answer(PEER, MessageId(4)) && !links.is_plain(PEER));
        assert!(links.on_answer(PEER, MessageId(5)) && links.is_plain(PEER));
        assert!(!links.on_answer(PEER, MessageId(6)));
        links.on_heard(PEER, Some(1), at(2));
        assert!(!links.is_plain(PEER) && !links.on_answer(PEER, MessageId(7)));
    }

    #[test]
    fn a_peer_speaks_the_dialect_until_it_says_or_shows_otherwise() {
        let mut links = Links::new(7);
        links.on_heard(PEER, Some(0), at(1));
        assert!(!links.speaks_dialect(PEER));
        links.on_heard(PEER, Some(7), at(1));
        links.on_heard(PEER, None, at(11));
        assert!(links.speaks_dialect(PEER));
        links.on_heard(PEER, None, at(12));
        assert!(!links.speaks_dialect(PEER));
        links.on_heard(PEER, Some(1), at(13));
        links.on_not_supported(PEER);
        assert!(!links.speaks_dialect(PEER));
    }
}
