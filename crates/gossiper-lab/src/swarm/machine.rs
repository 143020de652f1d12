//! What a place of the cluster runs.

use gossiper_core::{
    Awaited, Config, Input, Instant, Node, NodeId, Outbox, Output, Stats, Topology,
};

/// A node as the swarm sees it: the doors of [`Node`].
pub trait Machine {
    /// Something happens. What is to be done is appended.
    fn handle(&mut self, now: Instant, input: Input, outputs: &mut Vec<Output>);

    /// As [`Node::next_wakeup`].
    fn next_wakeup(&self) -> Option<Instant>;

    /// As [`Node::stats`].
    fn stats(&self) -> Stats;

    /// As [`Node::awaited`].
    fn awaited(&self) -> Awaited;

    /// As [`Node::neighbors`].
    fn neighbors(&self) -> &[NodeId];

    /// As [`Node::payload_count`].
    fn payload_count(&self) -> usize;

    /// As [`Node::payload`].
    fn payload(&self, place: usize) -> Option<&[u8]>;
}

/// All that a node is told when it starts.
#[derive(Clone, Debug)]
pub struct Birth {
    /// Its place in the cluster.
    pub id: NodeId,
    /// The whole cluster.
    pub members: Vec<NodeId>,
    /// Those of it that a node with partial views is told of.
    pub contacts: Vec<NodeId>,
    /// How it is to behave.
    pub config: Config,
    /// Its links, if it is told any.
    pub topology: Option<Topology>,
    /// Larger for a later start.
    pub incarnation: u64,
    /// Settles its random choices.
    pub seed: u64,
    /// What its clock shows.
    pub now: Instant,
}

/// Makes what a place runs, at each start.
pub type Maker = dyn Fn(Birth) -> Box<dyn Machine> + Sync;

/// The core's node.
#[derive(Debug)]
pub struct Core {
    node: Node,
    /// Kept for its memory.
    outbox: Outbox,
}

impl Core {
    /// A node that has just started.
    pub fn new(birth: Birth) -> Self {
        let Birth { id, members, contacts, config, topology, incarnation, seed, now } = birth;
        let told = if config.is_learned() { &contacts } else { &members };
        let mut node = Node::new(id, told, config, incarnation, seed, now);
        let mut outbox = Outbox::default();
        if let Some(topology) = topology {
            node.handle(now, Input::Topology(topology), &mut outbox);
            debug_assert!(outbox.is_empty(), "a topology makes nobody send");
        }
        Self { node, outbox }
    }
}

impl Machine for Core {
    fn handle(&mut self, now: Instant, input: Input, outputs: &mut Vec<Output>) {
        self.node.handle(now, input, &mut self.outbox);
        outputs.extend(self.outbox.drain());
    }

    fn next_wakeup(&self) -> Option<Instant> {
        self.node.next_wakeup()
    }

    fn stats(&self) -> Stats {
        *self.node.stats()
    }

    fn awaited(&self) -> Awaited {
        self.node.awaited()
    }

    fn neighbors(&self) -> &[NodeId] {
        self.node.neighbors()
    }

    fn payload_count(&self) -> usize {
        self.node.payload_count()
    }

    fn payload(&self, place: usize) -> Option<&[u8]> {
        self.node.payload(place)
    }
}

/// The [`Maker`] of the core's nodes.
pub fn core_node(birth: Birth) -> Box<dyn Machine> {
    Box::new(Core::new(birth))
}
