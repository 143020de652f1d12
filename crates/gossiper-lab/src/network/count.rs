//! What the network counts.

/// Why a message never arrived.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DropReason {
    /// The receiver was cut off from the sender when its input thread took the message up.
    Cut,
    /// The message was lost by chance when it was sent.
    Loss,
    /// The receiver was down when the message was sent, or died before it arrived.
    Down,
    /// The receiver's queue was full when the message was sent.
    Overflow,
}

impl DropReason {
    /// All reasons, in the order of their counters.
    pub const ALL: [Self; 4] = [Self::Cut, Self::Loss, Self::Down, Self::Overflow];
}

/// What happened to the messages of one link, or of several together.
///
/// Once nothing is queued, `sent + duplicated` equals `delivered` and all drops together.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Count {
    /// Handed to the network, whatever became of them. A copy that the network makes is not sent.
    pub sent: u64,
    /// Handed to the receiver, copies included.
    pub delivered: u64,
    /// Copies that the network made.
    pub duplicated: u64,
    /// Given a latency from the wide range.
    pub reordered: u64,
    /// Never delivered, copies included, in the order of [`DropReason::ALL`].
    pub dropped: [u64; 4],
}

impl Count {
    /// Messages that never arrived for `reason`.
    pub fn dropped_for(&self, reason: DropReason) -> u64 {
        self.dropped[reason as usize]
    }

    /// Adds the counts of other messages to these.
    pub fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.delivered += other.delivered;
        self.duplicated += other.duplicated;
        self.reordered += other.reordered;
        self.dropped.iter_mut().zip(other.dropped).for_each(|(mine, more)| *mine += more);
    }
}

/// The counts of all links between nodes, and of the clients' messages.
#[derive(Clone, Debug)]
pub(super) struct Counts {
    /// By sender, then receiver. A row is made when its node first sends: most of a large
    /// cluster's links are never used.
    links: Vec<Vec<Count>>,
    pub(super) clients: Count,
}

impl Counts {
    pub(super) fn new(nodes: usize) -> Self {
        Self { links: vec![Vec::new(); nodes], clients: Count::default() }
    }

    pub(super) fn link_mut(&mut self, from: usize, to: usize) -> &mut Count {
        let nodes = self.links.len();
        let row = &mut self.links[from];
        if row.is_empty() {
            row.resize(nodes, Count::default());
        }
        &mut row[to]
    }

    pub(super) fn link(&self, from: usize, to: usize) -> Count {
        assert!(to < self.links.len(), "node {to} is not one of {}", self.links.len());
        self.links[from].get(to).copied().unwrap_or_default()
    }

    /// All that one node sent to nodes.
    pub(super) fn from(&self, node: usize) -> Count {
        sum(&self.links[node])
    }

    /// All links together.
    pub(super) fn servers(&self) -> Count {
        sum(self.links.iter().flatten())
    }
}

fn sum<'a>(counts: impl IntoIterator<Item = &'a Count>) -> Count {
    counts.into_iter().fold(Count::default(), |mut total, count| {
        total.add(count);
        total
    })
}
