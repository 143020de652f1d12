//! What does not grow with the number of values known: digests, rounds, pushes, an exchange of what
//! two nodes lack, and what a node keeps of its neighbors. Memory is counted, time is not.

mod support;

use std::time::Duration;

use allocation_counter::{AllocationInfo, measure, opt_out};
use gossiper_core::{
    Config, DIALECT, Input, Instant, Message, MessageId, Node, NodeId, Outbox, Output, Payload,
    Push, Rumor, RumorId, Strategy, StreamDigest, Summary, Topology,
};
use support::{Cluster, Network, config, grid_links};

const FEW: u64 = 1_000;
const MANY: u64 = 1_000_000;
const MEMBERS: u64 = 5;
const ORIGINS: u64 = 4;

/// A member of a small cluster on a computed tree, whose peers speak the dialect.
struct Host {
    node: Node,
    now: Instant,
    outbox: Outbox,
}

impl Host {
    fn new(me: u64, members: u64, config: Config) -> Self {
        let ids: Vec<NodeId> = (0..members).map(NodeId).collect();
        let node = Node::new(NodeId(me), &ids, config, 1, 1, Instant::START);
        let mut host = Self { node, now: Instant::START, outbox: Outbox::default() };
        let ring = ids.iter().map(|&id| (id, vec![NodeId((id.0 + 1) % members)]));
        host.give(Input::Topology(Topology::new(NodeId(me), &ring.collect::<Vec<_>>())));
        for peer in (0..members).filter(|&peer| peer != me) {
            host.receive(peer, Message::Ack { of: MessageId(999) });
        }
        host
    }

    fn knowing(me: u64, known: u64, is_lacking: impl Fn(u64) -> bool) -> Self {
        Self::new(me, MEMBERS, Config::default()).taught(known, is_lacking)
    }

    /// Learns the first `known` values, of [`ORIGINS`] origins, but for some.
    fn taught(mut self, known: u64, is_lacking: impl Fn(u64) -> bool) -> Self {
        let from = self.node.peers().next().unwrap().0;
        let mut rumors = (0..known).filter(|&value| !is_lacking(value)).map(rumor).peekable();
        while rumors.peek().is_some() {
            let rumors = rumors.by_ref().take(8_192).collect();
            self.receive(from, Message::Delta { rumors });
        }
        // Whatever the links want to say of this is said, and rounds have begun.
        for _ in 0..30 {
            self.wake();
        }
        self
    }

    fn give(&mut self, input: Input) -> Vec<(NodeId, Message)> {
        self.node.handle(self.now, input, &mut self.outbox);
        let sent = self.outbox.drain().filter_map(|output| match output {
            Output::Send { to, message, .. } => Some((to, message)),
            _ => None,
        });
        sent.collect()
    }

    fn receive(&mut self, from: u64, message: Message) -> Vec<(NodeId, Message)> {
        let (id, dialect) = (Some(MessageId(7)), Some(DIALECT));
        self.give(Input::Received { from: NodeId(from), id, dialect, message })
    }

    /// Waits until the node wants to be woken, and wakes it.
    fn wake(&mut self) -> Vec<(NodeId, Message)> {
        self.now = self.node.next_wakeup().expect("something is due").max(self.now);
        self.give(Input::Wakeup)
    }

    fn digest(&mut self) -> Vec<StreamDigest> {
        let other = Summary { hash: 1, count: 0 };
        match self.receive(1, Message::Summary(other)).pop() {
            Some((_, Message::Digest { streams, .. })) => streams,
            other => panic!("no digest: {other:?}"),
        }
    }
}

/// The values are of one length each, so that the same number of them takes the same memory.
fn payload(value: u64) -> Payload {
    Payload::new(format!("{:07}", value).as_bytes())
}

fn rumor(value: u64) -> Rumor {
    let (origin, sequence) = (NodeId(1_000 + value % ORIGINS), value / ORIGINS + 1);
    Rumor {
        id: Some(RumorId { origin, incarnation: 1, sequence }),
        hops: 1,
        payload: payload(value),
    }
}

/// Expects what is measured to allocate no more with many values known than with few. What the
/// links have to say at that moment may differ by some messages; what grew with the values would
/// be a byte a value at least.
fn expect_no_growth(allocated: impl Fn(u64) -> AllocationInfo) {
    let (few, many) = (allocated(FEW), allocated(MANY));
    assert!(many.count_total < few.count_total + 32, "{few:?}, {many:?}");
    assert!(many.bytes_total < few.bytes_total + 8_192, "{few:?}, {many:?}");
}

/// Whether a value is lacking where none is.
fn nothing(_: u64) -> bool {
    false
}

#[test]
fn a_digest_has_one_entry_an_origin_and_the_gaps() {
    for known in [FEW, MANY] {
        let streams = Host::knowing(2, known, nothing).digest();
        assert_eq!(streams.len() as u64, ORIGINS);
        assert!(streams.iter().all(|stream| stream.beyond.is_empty()));
        assert!(streams.iter().all(|stream| stream.upto == known / ORIGINS));
        // One that is late leaves a gap, and nothing else.
        let streams = Host::knowing(2, known, |value| value == 5).digest();
        assert_eq!(streams[1].upto, 1);
        assert_eq!(streams[1].beyond, [(3, known / ORIGINS)]);
    }
}

#[test]
fn a_round_allocates_the_same_with_a_million_values() {
    expect_no_growth(|known| {
        let mut host = Host::knowing(2, known, nothing);
        host.now = host.now + Duration::from_secs(10);
        let mut sent = Vec::new();
        let info = measure(|| {
            sent = host.give(Input::Wakeup);
            sent.extend(host.give(Input::Round));
        });
        let is_summary = |(_, message): &(NodeId, Message)| matches!(message, Message::Summary(_));
        assert_eq!(sent.iter().filter(|sent| is_summary(sent)).count(), 4, "{sent:?}");
        info
    });
}

/// A push of a few new values, the pushes and acknowledgements that it brings about, and the
/// hash and digest of them all.
#[test]
fn pushes_allocate_the_same_with_a_million_values() {
    for (me, from) in [(0, 3), (3, 0)] {
        expect_no_growth(|known| {
            let mut host = Host::knowing(me, known, nothing);
            let summary = Summary { hash: 1, count: known };
            let rumors: Vec<Rumor> = (known..known + 8).map(rumor).collect();
            let link = Push { incarnation: 9, number: 1, floor: 1, summary, ..Push::default() };
            let first = Message::Push(Box::new(Push { rumors, ..link.clone() }));
            let asks = Message::Push(Box::new(Push { number: 2, asks: true, ..link }));
            let mut pushed = 0;
            let info = measure(|| {
                let mut sent = host.receive(from, first);
                sent.extend(host.give(Input::Broadcast(payload(9_999_999))));
                sent.extend(host.receive(from, asks));
                (0..10).for_each(|_| sent.extend(host.wake()));
                let rumors = sent.iter().map(|(_, message)| match message {
                    Message::Push(push) => push.rumors.len(),
                    _ => 0,
                });
                pushed = rumors.sum();
            });
            assert!(pushed > 0 && host.node.payload_count() as u64 == known + 9, "{pushed}");
            info
        });
    }
}

/// Lets two nodes compare what they hold, and gives the rumors that have gone over.
fn exchange(one: &mut Host, other: &mut Host, opening: Message) -> usize {
    let mut rumors = 0;
    let mut under_way = vec![(NodeId(2), opening)];
    while let Some((to, message)) = under_way.pop() {
        if let Message::Delta { rumors: these } = &message {
            rumors += these.len();
        }
        let (host, from) = match to.0 {
            1 => (&mut *one, 2),
            2 => (&mut *other, 1),
            _ => continue,
        };
        // What closes a gap makes the node move what lay behind it, which befalls a value once.
        match message {
            Message::Delta { .. } => opt_out(|| drop(host.receive(from, message))),
            message => under_way.extend(host.receive(from, message)),
        }
    }
    rumors
}

#[test]
fn an_exchange_costs_what_is_lacking_wherever_the_gaps_are() {
    expect_no_growth(|known| {
        // Ten: the oldest, the youngest, and some in the middle.
        let middle = known / 2..known / 2 + 8;
        let is_lacking =
            |value| value < 3 || value + 3 >= known || middle.contains(&value) && value % 2 == 0;
        let of = |me| Host::new(me, MEMBERS, config(Strategy::Gossip));
        let (mut one, mut other) = (of(1).taught(known, nothing), of(2).taught(known, is_lacking));
        // What was asked for at the start is long past.
        one.now = one.now.max(other.now) + Duration::from_secs(60);
        other.now = one.now;
        let summary = Message::Summary(Summary { hash: 1, count: known });
        let mut rumors = 0;
        let info = measure(|| rumors = exchange(&mut one, &mut other, summary));
        assert_eq!((rumors, other.node.payload_count() as u64), (10, known));
        info
    });
}

/// The rumors that are sent to a node which comes back empty to a cluster that knows `known`
/// values.
fn carried_to_a_restarted(known: usize) -> usize {
    let mut cluster = Cluster::new(5, config(Strategy::Hybrid), Network::STEADY, 1);
    cluster.give_topology(&grid_links(5));
    for value in 0..known {
        cluster.broadcast(value % 5, &value.to_string());
        if value % 20 == 0 {
            cluster.run_for(Duration::from_millis(10));
        }
    }
    cluster.run_for(Duration::from_secs(10));
    cluster.crash(3);
    cluster.run_for(Duration::from_secs(1));
    cluster.start(3);
    cluster.give_topology(&grid_links(5));
    cluster.rumors = 0;
    cluster.run_for(Duration::from_secs(20));
    assert_eq!(cluster.node(3).payload_count(), known);
    cluster.rumors
}

#[test]
fn a_node_that_comes_back_empty_is_sent_little_more_than_it_lacks() {
    for known in [200, 2_000, 10_000] {
        let carried = carried_to_a_restarted(known);
        // Plain messages are the first on each link, and a value may come by two ways at once.
        assert!((known..known * 5 / 4 + 100).contains(&carried), "{carried} for {known}");
    }
}

/// The bytes that a node holds after ten minutes in which 120,000 values entered at it, from none
/// of whose peers anything has come but one word at the start, in the dialect or not.
fn held_after_silence(members: u64, is_dialect: bool) -> i64 {
    let info = measure(|| {
        let config = Config {
            // No rounds, which would tell a plain peer nothing.
            gossip_interval: Duration::from_secs(36_000),
            ..Config::default()
        };
        let mut host = if is_dialect {
            Host::new(0, members, config)
        } else {
            let ids: Vec<NodeId> = (0..members).map(NodeId).collect();
            let node = Node::new(NodeId(0), &ids, config, 1, 1, Instant::START);
            let mut host = Host { node, now: Instant::START, outbox: Outbox::default() };
            let ring = [(NodeId(0), vec![NodeId(1)]), (NodeId(1), vec![NodeId(2)])];
            let ring = [&ring[..], &[(NodeId(2), vec![NodeId(0)])]].concat();
            host.give(Input::Topology(Topology::new(NodeId(0), &ring)));
            host
        };
        let mut value = 0;
        for _ in 0..6_000 {
            for _ in 0..20 {
                host.give(Input::Broadcast(payload(value)));
                value += 1;
            }
            let tick = host.now + Duration::from_millis(100);
            while host.node.next_wakeup().is_some_and(|due| due <= tick) {
                host.wake();
            }
            host.now = tick;
        }
        host.outbox = Outbox::default();
        assert_eq!(host.node.payload_count(), 120_000);
        // What it holds stays held until it has been counted.
        std::mem::forget(host);
    });
    info.bytes_current
}

#[test]
fn a_silent_neighbor_costs_bounded_memory() {
    let alone = held_after_silence(1, true);
    for is_dialect in [true, false] {
        let kept = held_after_silence(3, is_dialect) - alone;
        // For each of two links 8,192 values that wait, two words each, and 1,024 pushes.
        assert!(kept < 2 * (8_192 * 16 + 1_024 * 64), "{kept} bytes");
    }
}
