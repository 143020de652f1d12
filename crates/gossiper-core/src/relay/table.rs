//! The links of a node, and for each what there is to do on it.
//!
//! Most inputs concern one link of many. So what is to be done on a link, and when, is found anew
//! only after the link was touched, and kept beside it: an input costs as much as the links that it
//! touches or that are due, and a glance at a few bytes for each of the others.

use alloc::vec::Vec;

use super::link::{Link, Suspect};
use crate::store::ValueIx;
use crate::{Instant, NodeId};

/// What there is to do on a link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Outlook {
    /// When something is due, whatever the others do. [`NEVER`](Self::NEVER) if nothing is.
    pub(super) due: Instant,
    /// From when on the neighbor counts as one that is late or holds something else.
    pub(super) unwell_from: Instant,
    /// The values that await an acknowledgement.
    pub(super) unacked: usize,
    /// Values wait for the pace.
    pub(super) owes: bool,
    /// The neighbor holds something that is lacking here, and is asked when it may be.
    pub(super) lacks: bool,
    /// Something is left that is done with the next input for which there is room in the outbox.
    pub(super) is_pressing: bool,
    /// Further values change nothing but `owes`.
    pub(super) is_paced: bool,
}

impl Outlook {
    pub(super) const NEVER: Instant = Instant(u64::MAX);

    /// What is known of a link that was not looked at.
    const UNKNOWN: Self = Self {
        due: Self::NEVER,
        unwell_from: Instant::START,
        unacked: 0,
        owes: false,
        lacks: false,
        is_pressing: false,
        is_paced: false,
    };
}

/// Which links are looked at: those that were touched, and those on which something is due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) now: Instant,
    /// Whether the pace allows to push.
    pub(super) is_flush: bool,
    /// Whether a peer may be asked for what is lacking.
    pub(super) may_ask: bool,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    peer: NodeId,
    /// It was touched since it was last looked at.
    is_touched: bool,
    /// The outlook is that of the link as it is.
    is_settled: bool,
    outlook: Outlook,
}

impl Row {
    fn is_up(&self, moment: Moment) -> bool {
        let Outlook { due, owes, lacks, .. } = self.outlook;
        self.is_touched
            || due <= moment.now
            || (owes && moment.is_flush)
            || (lacks && moment.may_ask)
    }

    fn touch(&mut self) {
        (self.is_touched, self.is_settled) = (true, false);
    }
}

/// The links, in the order of their peers.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Row>,
    /// As many as there are rows, in the same order.
    links: Vec<Link>,
}

impl Table {
    fn find(&self, peer: NodeId) -> Result<usize, usize> {
        self.rows.binary_search_by_key(&peer, |row| row.peer)
    }

    /// Whether this neighbor is known not to answer.
    pub(super) fn is_suspect(&self, peer: NodeId) -> bool {
        self.get(&peer).is_some_and(|link| link.suspect.is_some())
    }

    pub(super) fn get(&self, peer: &NodeId) -> Option<&Link> {
        self.find(*peer).ok().map(|at| &self.links[at])
    }

    /// The link, which counts as touched.
    pub(super) fn get_mut(&mut self, peer: &NodeId) -> Option<&mut Link> {
        let at = self.find(*peer).ok()?;
        self.rows[at].touch();
        Some(&mut self.links[at])
    }

    /// The link, made if need be, which counts as touched.
    pub(super) fn open(&mut self, peer: NodeId) -> &mut Link {
        let at = self.place_of(peer);
        self.rows[at].touch();
        &mut self.links[at]
    }

    fn place_of(&mut self, peer: NodeId) -> usize {
        self.find(peer).unwrap_or_else(|at| {
            let outlook = Outlook::UNKNOWN;
            // Most nodes are leaves of a tree, with one link for good. A link is large, and room
            // for four would be most of what such a node takes.
            if self.links.len() == self.links.capacity() {
                self.links.reserve_exact(self.links.len().max(1));
            }
            self.rows.insert(at, Row { peer, is_touched: true, is_settled: false, outlook });
            self.links.insert(at, Link::default());
            at
        })
    }

    /// Puts a value among those to be pushed. That is done for each value on many links, and for
    /// most of them it means no more than that something waits for the pace.
    pub(super) fn owe(&mut self, peer: NodeId, value: ValueIx, now: Instant) {
        let at = self.place_of(peer);
        let (row, link) = (&mut self.rows[at], &mut self.links[at]);
        let was_behind = link.is_behind;
        link.owe(value, now);
        row.outlook.owes = true;
        if !row.outlook.is_paced || link.is_behind != was_behind {
            row.touch();
        }
    }

    pub(super) fn peers(&self) -> impl Iterator<Item = NodeId> {
        self.rows.iter().map(|row| row.peer)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Link> {
        self.links.iter()
    }

    /// All links, which count as touched.
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut Link> {
        self.touch_all();
        self.links.iter_mut()
    }

    /// The link on which values have been awaited for longest, if there is one. It counts as
    /// touched.
    pub(super) fn longest_awaited(&mut self) -> Option<&mut Link> {
        let places = (0..self.links.len()).filter(|&at| self.links[at].awaits_values());
        let at = places.min_by_key(|&at| self.links[at].awaited_since())?;
        self.rows[at].touch();
        Some(&mut self.links[at])
    }

    /// All links with their peers, which count as touched.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (NodeId, &mut Link)> {
        self.touch_all();
        self.rows.iter().map(|row| row.peer).zip(&mut self.links)
    }

    /// What is known of each silent peer. Those links count as touched.
    pub(super) fn suspects_mut(&mut self) -> impl Iterator<Item = &mut Suspect> {
        self.rows.iter_mut().zip(&mut self.links).filter_map(|(row, link)| {
            let suspect = link.suspect.as_mut()?;
            row.touch();
            Some(suspect)
        })
    }

    pub(super) fn touch_all(&mut self) {
        self.rows.iter_mut().for_each(Row::touch);
    }

    pub(super) fn remove(&mut self, peer: &NodeId) {
        if let Ok(at) = self.find(*peer) {
            self.rows.remove(at);
            self.links.remove(at);
        }
    }

    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.links.clear();
    }

    /// Whether any link is to be looked at.
    pub(super) fn is_any_up(&self, moment: Moment) -> bool {
        self.rows.iter().any(|row| row.is_up(moment))
    }

    /// The peer at the other end of the first link after that to `last` that is to be looked at.
    pub(super) fn next_up(&self, last: Option<NodeId>, moment: Moment) -> Option<NodeId> {
        let start = last.map_or(0, |last| self.rows.partition_point(|row| row.peer <= last));
        self.rows[start..].iter().find(|row| row.is_up(moment)).map(|row| row.peer)
    }

    /// The links that are to be looked at, which count as touched.
    pub(super) fn up_at_mut(
        &mut self,
        moment: Moment,
    ) -> impl Iterator<Item = (NodeId, &mut Link)> {
        let links = self.rows.iter_mut().zip(&mut self.links);
        links.filter(move |(row, _)| row.is_up(moment)).map(|(row, link)| {
            row.touch();
            (row.peer, link)
        })
    }

    /// Finds the outlook of each link that was touched since that was last done.
    pub(super) fn settle(&mut self, outlook: impl Fn(NodeId, &Link) -> Outlook) {
        for (row, link) in self.rows.iter_mut().zip(&self.links) {
            if !row.is_settled {
                row.outlook = outlook(row.peer, link);
                row.is_settled = true;
            } else if cfg!(debug_assertions) {
                // A link may be looked at for nothing, but nothing may be missed.
                let Outlook { due, .. } = row.outlook;
                let anew = outlook(row.peer, link);
                assert!(due <= anew.due, "{:?}: {anew:?}, not {:?}", row.peer, row.outlook);
                assert_eq!(Outlook { due, ..anew }, row.outlook, "{:?}", row.peer);
            }
        }
    }

    /// All links have been looked at as far as that was needed.
    pub(super) fn rest(&mut self) {
        for row in self.rows.iter_mut().filter(|row| row.is_touched) {
            row.is_touched = row.outlook.is_pressing;
        }
    }

    /// What is to be done on each of the links. They are [settled](Self::settle).
    pub(super) fn outlooks(&self) -> impl Iterator<Item = &Outlook> {
        self.rows.iter().map(|row| &row.outlook)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Instant = Instant(10);
    const LATER: Instant = Instant(20);

    /// Two links, of which one is due soon, the other only waits for the pace.
    fn table() -> Table {
        let mut table = Table::default();
        table.open(NodeId(7));
        table.open(NodeId(3));
        table.settle(|peer, _| match peer {
            NodeId(3) => Outlook { due: SOON, ..Outlook::UNKNOWN },
            _ => Outlook { is_paced: true, ..Outlook::UNKNOWN },
        });
        table.rest();
        table
    }

    fn up(table: &Table, now: Instant, is_flush: bool) -> Vec<u64> {
        let moment = Moment { now, is_flush, may_ask: false };
        let next = |last: Option<NodeId>| table.next_up(last, moment);
        core::iter::successors(next(None), |&last| next(Some(last))).map(|peer| peer.0).collect()
    }

    #[test]
    fn only_what_is_due_or_touched_is_looked_at() {
        let mut table = table();
        assert_eq!(up(&table, Instant::START, true), []);
        assert_eq!(up(&table, LATER, true), [3]);
        table.get_mut(&NodeId(7));
        assert_eq!(up(&table, Instant::START, false), [7]);
        table.values_mut().for_each(drop);
        assert_eq!(up(&table, Instant::START, false), [3, 7]);
    }

    #[test]
    fn a_value_that_waits_for_the_pace_does_not_touch_its_link() {
        let mut table = table();
        table.owe(NodeId(7), ValueIx(0), Instant::START);
        assert_eq!(up(&table, Instant::START, false), []);
        assert_eq!(up(&table, Instant::START, true), [7]);
        table.owe(NodeId(3), ValueIx(0), Instant::START);
        assert_eq!(up(&table, Instant::START, false), [3]);
    }
}
