//! What waits for one node.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use gossiper_core::Instant;

use super::Envelope;

/// One node's queue, and what its input thread holds.
#[derive(Clone, Debug)]
pub(super) struct Inbox<M> {
    /// The earliest-due first; of those due together, the earliest sent.
    waiting: BinaryHeap<Reverse<(Instant, u64, usize)>>,
    /// Where the waiting messages are kept, so that the heap moves small entries only.
    slots: Vec<Option<Envelope<M>>>,
    free: Vec<usize>,
    /// What the input thread has taken up and sleeps on.
    pub(super) taken: Option<(u64, Envelope<M>)>,
    pub(super) is_down: bool,
}

impl<M> Inbox<M> {
    /// An empty queue of a node that is up.
    pub(super) fn new() -> Self {
        Self {
            waiting: BinaryHeap::new(),
            slots: Vec::new(),
            free: Vec::new(),
            taken: None,
            is_down: false,
        }
    }

    /// Messages that wait, the one taken up included.
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + usize::from(self.taken.is_some())
    }

    /// Queues a message; `order` is its place among all messages ever queued.
    pub(super) fn push(&mut self, order: u64, envelope: Envelope<M>) {
        let due = envelope.due;
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.slots[slot] = Some(envelope);
        self.waiting.push(Reverse((due, order, slot)));
    }

    /// Removes the message to be taken up next, with its order.
    pub(super) fn pop(&mut self) -> Option<(u64, Envelope<M>)> {
        let Reverse((_, order, slot)) = self.waiting.pop()?;
        self.free.push(slot);
        self.slots[slot].take().map(|envelope| (order, envelope))
    }
}
