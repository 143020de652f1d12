//! One node, driven by hand.

use gossiper_core::{
    Config, DIALECT, Input, Instant, Message, MessageId, Node, NodeId, Outbox, Output, Push,
    Topology,
};

/// A node on a computed tree, whose peers have all announced the dialect.
pub(crate) struct Bench {
    pub(crate) node: Node,
    pub(crate) now: Instant,
}

impl Bench {
    pub(crate) fn with(me: u64, members: u64, config: Config) -> Self {
        let ids: Vec<NodeId> = (0..members).map(NodeId).collect();
        let node = Node::new(NodeId(me), &ids, config, 1, 1, Instant::START);
        let mut bench = Self { node, now: Instant::START };
        let ring: Vec<_> =
            (0..members).map(|id| (NodeId(id), vec![NodeId((id + 1) % members)])).collect();
        bench.give(Input::Topology(Topology::new(NodeId(me), &ring)));
        for peer in (0..members).filter(|&peer| peer != me) {
            bench.receive(peer, Message::Ack { of: MessageId(999) });
        }
        bench
    }

    pub(crate) fn give(&mut self, input: Input) -> Vec<Output> {
        let mut outbox = Outbox::default();
        self.node.handle(self.now, input, &mut outbox);
        outbox.drain().collect()
    }

    pub(crate) fn receive(&mut self, from: u64, message: Message) -> Vec<Output> {
        let (id, dialect) = (Some(MessageId(7)), Some(DIALECT));
        self.give(Input::Received { from: NodeId(from), id, dialect, message })
    }
}

/// The pushes in an outbox, with their receivers.
pub(crate) fn pushes(outputs: Vec<Output>) -> Vec<(u64, Push)> {
    let push = |output| match output {
        Output::Send { to, message: Message::Push(push), .. } => Some((to.0, *push)),
        _ => None,
    };
    outputs.into_iter().filter_map(push).collect()
}
