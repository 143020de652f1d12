//! Second rung: a forward that is not acknowledged in time goes directly to the nodes behind the
//! silent neighbor.

use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;

use smallvec::SmallVec;

use super::eager::{self, Source};
use crate::state::Context;
use crate::store::ValueIx;
use crate::{Instant, MessageId, NodeId, Output};

/// One push that asks for an acknowledgement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Forward {
    pub(crate) to: NodeId,
    /// The number of the push; none if a partition dropped it, which nothing can acknowledge.
    pub(crate) number: Option<MessageId>,
    /// Somebody else sees to the nodes behind this neighbor.
    pub(crate) is_covered: bool,
    pub(crate) is_acked: bool,
}

pub(crate) type Forwards = SmallVec<[Forward; 4]>;

/// The forwards of one payload, which all went out at the same moment.
#[derive(Clone, Debug)]
struct Batch {
    value: ValueIx,
    source: Source,
    deadline: Instant,
    /// No forward of this batch has a lower number, none of an earlier batch this or a higher one.
    first: MessageId,
    forwards: Forwards,
    unacked: usize,
    /// Further nodes that have shown that they have the payload: each stands here once.
    holders: SmallVec<[NodeId; 2]>,
}

impl Batch {
    /// The nodes that are known to have the payload.
    fn held_by(&self) -> BTreeSet<NodeId> {
        let acked = self.forwards.iter().filter(|forward| forward.is_acked);
        let acked = acked.map(|forward| forward.to);
        acked.chain(self.source.peer()).chain(self.holders.iter().copied()).collect()
    }
}

/// What awaits an acknowledgement, oldest first. The time-out is the same for all, so the deadlines
/// and the message numbers rise along the queue.
#[derive(Debug, Default)]
pub(crate) struct Acks {
    batches: VecDeque<Batch>,
    /// Forwards not acknowledged, over all batches.
    unacked: usize,
}

impl Acks {
    /// Awaits the acknowledgements of these forwards of one payload, of which `first` is the first
    /// number that they could have.
    pub(crate) fn expect(
        &mut self,
        cx: &mut Context<'_>,
        value: ValueIx,
        source: Source,
        first: MessageId,
        forwards: Forwards,
    ) {
        if forwards.is_empty() {
            return;
        }
        let (unacked, holders) = (forwards.len(), SmallVec::new());
        let deadline = cx.now + cx.state.config.ack_timeout;
        self.unacked += unacked;
        self.batches.push_back(Batch {
            value,
            source,
            deadline,
            first,
            forwards,
            unacked,
            holders,
        });
        // Batches that are settled may stand behind one that is not.
        while self.unacked.max(self.batches.len()) > cx.state.config.awaited_max {
            let Some(oldest) = self.pop() else { break };
            cx.state.stats.awaits_given_up += oldest.unacked as u64;
        }
    }

    /// An acknowledgement has come: of a push of ours, late, or of nothing that we know.
    pub(crate) fn on_ack(&mut self, from: NodeId, number: MessageId) {
        let after = self.batches.partition_point(|batch| batch.first <= number);
        let Some(batch) = after.checked_sub(1).map(|place| &mut self.batches[place]) else {
            return;
        };
        let acked = batch
            .forwards
            .iter_mut()
            .find(|forward| forward.number == Some(number) && forward.to == from);
        if let Some(forward) = acked.filter(|forward| !forward.is_acked) {
            forward.is_acked = true;
            batch.unacked -= 1;
            self.unacked -= 1;
        }
        self.drop_settled();
    }

    /// A peer has sent a payload that was known already, so it has it.
    pub(crate) fn on_holder(&mut self, holder: NodeId, value: ValueIx) {
        // Payloads are numbered as they come, and pushed on in the same order. One that is pushed
        // on later may hide another here: then a holder is sent once more what it has.
        let place = self.batches.binary_search_by_key(&value, |batch| batch.value);
        if let Ok(place) = place
            && !self.batches[place].holders.contains(&holder)
        {
            self.batches[place].holders.push(holder);
        }
    }

    /// Goes around every neighbor whose acknowledgement is overdue. Where that is much, the rest
    /// stays overdue, so that the host can write in between.
    pub(crate) fn on_wakeup(&mut self, cx: &mut Context<'_>) {
        while cx.has_budget() && self.batches.front().is_some_and(|batch| batch.deadline <= cx.now)
        {
            let Some(batch) = self.pop() else { break };
            go_around(cx, &batch, |_| true);
        }
    }

    /// What a neighbor that is gone still owes is overdue at once.
    pub(crate) fn on_peer_down(&mut self, cx: &mut Context<'_>, peer: NodeId) {
        for batch in &mut self.batches {
            let owed = batch.forwards.iter().any(|forward| forward.to == peer && !forward.is_acked);
            if owed {
                go_around(cx, batch, |forward| forward.to == peer);
                batch.forwards.iter_mut().filter(|forward| forward.to == peer).for_each(
                    |forward| {
                        forward.is_acked = true;
                        batch.unacked -= 1;
                        self.unacked -= 1;
                    },
                );
            }
        }
        self.drop_settled();
    }

    /// When the next acknowledgement is overdue.
    pub(crate) fn next_wakeup(&self) -> Option<Instant> {
        self.batches.front().map(|batch| batch.deadline)
    }

    /// The forwards that are not acknowledged.
    pub(crate) fn unacked(&self) -> usize {
        self.unacked
    }

    fn pop(&mut self) -> Option<Batch> {
        let batch = self.batches.pop_front()?;
        self.unacked -= batch.unacked;
        self.drop_settled();
        Some(batch)
    }

    /// Keeps the front of the queue a batch that still awaits something, so that its deadline is
    /// the next one.
    fn drop_settled(&mut self) {
        while self.batches.front().is_some_and(|batch| batch.unacked == 0) {
            self.batches.pop_front();
        }
    }
}

/// Sends the payload of a batch directly to everybody behind each silent neighbor that `counts`.
fn go_around(cx: &mut Context<'_>, batch: &Batch, counts: impl Fn(&Forward) -> bool) {
    let held_by = batch.held_by();
    // Where the tree is not known whole, everybody may lie behind any of the silent neighbors. Who
    // is reached around one of them is not sent the payload again around the next.
    let mut anybody: Option<Vec<NodeId>> = None;
    for silent in batch.forwards.iter().filter(|forward| !forward.is_acked && counts(forward)) {
        let tree = cx.state.overlay.tree();
        let hidden = match tree.and_then(|tree| tree.behind(silent.to)) {
            _ if silent.is_covered => Vec::new(),
            Some(behind) => behind.into_iter().filter(|node| !held_by.contains(node)).collect(),
            None => {
                let left = anybody.take().unwrap_or_else(|| {
                    let peers = cx.state.members.peers();
                    peers.filter(|peer| !held_by.contains(peer)).collect()
                });
                let (own, hidden) = left.into_iter().partition(|&peer| peer == silent.to);
                anybody = Some(own);
                hidden
            }
        };
        let mut direct = 0;
        for node in hidden {
            direct += usize::from(eager::push_directly(cx, node, batch.value));
        }
        cx.state.stats.failures += 1;
        cx.state.stats.direct_deliveries += direct as u64;
        cx.outbox.push(Output::Undelivered {
            neighbor: silent.to,
            payload: cx.state.store.payload(batch.value),
            direct,
        });
    }
}
