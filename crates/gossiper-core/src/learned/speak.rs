//! What goes out over the links, and when.

use alloc::boxed::Box;
use alloc::vec::Vec;

use smallvec::SmallVec;

use super::link::{Link, Times, Watched};
use super::{BYTES_MAX, COUNT_MAX, Learned};
use crate::rung::digest;
use crate::state::Context;
use crate::store::ValueIx;
use crate::{LinkPush, Message, NodeId, Rumor};

impl Learned {
    /// Watches all links, and says what is to be said.
    pub(super) fn speak(&mut self, cx: &mut Context<'_>) {
        let (now, me) = (cx.now, cx.state.me);
        let times = Times::of(&cx.state.config);
        let mut failed: SmallVec<[NodeId; 4]> = SmallVec::new();
        for place in 0..self.links.len() {
            let link = &mut self.links[place];
            if link.due(me, &times) > now {
                continue;
            }
            link.repeat(now, &times);
            let asks = match link.watch(now, &times) {
                Watched::Failed => {
                    failed.push(link.peer);
                    continue;
                }
                watched => watched == Watched::Asks,
            };
            if asks || link.speaks(me, now, &times) {
                self.say(cx, place, asks, &times);
            }
        }
        let is_well = !self.links.is_empty() && self.links.iter().all(Link::is_well);
        cx.state.is_well = is_well && failed.is_empty() && !self.lacks;
        for peer in failed {
            cx.state.stats.neighbors_lost += 1;
            self.membership.on_failed(peer, now, &mut self.acts);
        }
        self.carry_out(cx);
    }

    fn say(&mut self, cx: &mut Context<'_>, place: usize, asks: bool, times: &Times) {
        let state = &mut cx.state;
        let link = &mut self.links[place];
        let mut push = LinkPush {
            incarnation: state.streams.incarnation(),
            beacon: Some(self.compass.told_to(link.peer)),
            turn: link.turn.take(),
            asks,
            wants: link.wants.drain(..link.wants.len().min(COUNT_MAX)).collect(),
            acked: link.acked(),
            ..LinkPush::default()
        };
        let mut bytes = 0;
        let mut rumors: SmallVec<[ValueIx; 2]> = SmallVec::new();
        while let Some(&value) = link.owed.first()
            && (rumors.is_empty() || bytes + state.store.bytes(value).len() <= BYTES_MAX)
            && rumors.len() < COUNT_MAX
        {
            link.owed.pop_first();
            bytes += state.store.bytes(value).len();
            rumors.push(value);
            push.rumors.push(Rumor {
                id: state.id_of(value),
                hops: state.store.delivery(value).hops,
                payload: state.store.payload(value),
            });
        }
        let mut have = Vec::new();
        while have.len() < COUNT_MAX
            && let Some(value) = link.lazy.pop_first()
        {
            // What has no name yet is compared when it has one.
            if let Some(id) = state.id_of(value) {
                have.push(value);
                push.have.push((id, state.store.delivery(value).hops));
            }
        }
        link.last_number += u64::from(push.is_numbered());
        push.number = link.last_number;
        let peer = link.peer;
        link.on_sent(rumors, have, asks, cx.now, times);
        push.floor = link.floor();
        let given_up = core::mem::take(&mut link.given_up);
        state.stats.pushes_given_up += given_up;
        cx.send(peer, Message::Link(Box::new(push)));
        self.await_fewer(cx);
        if given_up > 0 {
            digest::open(cx, peer);
        }
    }

    /// No more is awaited than the settings say: what has been awaited longest is given up.
    fn await_fewer(&mut self, cx: &mut Context<'_>) {
        let mut surplus = self.unacked().saturating_sub(cx.state.config.awaited_max);
        while surplus > 0 {
            let awaiting = self.links.iter_mut().filter(|link| link.oldest_push().is_some());
            let Some(oldest) = awaiting.min_by_key(|link| link.oldest_push()) else { return };
            let count = oldest.await_no_more(surplus);
            cx.state.stats.awaits_given_up += count as u64;
            surplus -= count;
        }
    }
}
