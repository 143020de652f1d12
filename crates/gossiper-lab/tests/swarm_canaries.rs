//! Nodes broken on purpose: each check of the swarm catches the one that breaks what it looks at.

use std::collections::BTreeMap;

use gossiper_core::{
    Awaited, Config, Input, Instant, Message, MessageId, NodeId, Output, OverlayKind, Stats,
    Strategy, Summary,
};
use gossiper_lab::swarm::{
    Birth, Breach, Check, Core, Machine, Maker, Scenario, core_node, play, shrink,
};

/// Seeds within which a canary is to be caught.
const SEEDS: u64 = 40;

/// A core's node that goes wrong in one way.
struct Canary {
    core: Core,
    wrong: Check,
    me: NodeId,
    nodes: usize,
    turns: u64,
    /// What it says of its neighbors.
    view: Vec<NodeId>,
}

/// What is no node's value.
const INVENTED: usize = usize::MAX;

impl Canary {
    fn peer(&self) -> NodeId {
        NodeId((self.me.0 + 1) % self.nodes as u64)
    }

    fn send(&self, to: NodeId, id: u64) -> Output {
        let message = Message::Summary(Summary { hash: 1, count: 0 });
        Output::Send { to, id: MessageId(id), dialect: None, message }
    }

    fn is_late(&self) -> bool {
        self.turns > 20
    }
}

impl Machine for Canary {
    fn handle(&mut self, now: Instant, input: Input, outputs: &mut Vec<Output>) {
        self.turns += 1;
        let is_broadcast = matches!(input, Input::Broadcast(_));
        let is_exchange = matches!(
            &input,
            Input::Received { message: Message::Digest { .. } | Message::Delta { .. }, .. }
                | Input::Received { message: Message::Sync { .. } | Message::Summary(_), .. }
        );
        match self.wrong {
            Check::Unacknowledged if is_broadcast => return,
            // It pushes nothing on either, else a calm network would do without.
            Check::Agreement if !is_broadcast && (is_exchange || self.me.0 == 0) => return,
            Check::Panic if self.is_late() => panic!("a canary"),
            _ => {}
        }
        self.core.handle(now, input, outputs);
        self.view = match self.wrong {
            Check::Views if self.is_late() => vec![self.peer(); 2],
            Check::Symmetry if self.me.0 == 0 => Vec::new(),
            _ => self.core.neighbors().to_vec(),
        };
        match self.wrong {
            Check::Invented if self.is_late() => outputs.push(Output::Deliver { place: INVENTED }),
            Check::Twice => {
                let first = outputs.iter().find(|it| matches!(it, Output::Deliver { .. })).cloned();
                outputs.extend(first);
            }
            Check::Outputs if self.is_late() => {
                let undelivered = Output::Undelivered {
                    neighbor: self.peer(),
                    payload: gossiper_core::Payload::new(b"0"),
                    direct: 0,
                };
                outputs.extend(vec![undelivered; 1 << 20]);
            }
            Check::Address if self.is_late() => outputs.push(self.send(self.me, u64::MAX)),
            Check::Numbers => {
                outputs.extend([self.send(self.peer(), u64::MAX), self.send(self.peer(), u64::MAX)])
            }
            _ => {}
        }
    }

    fn next_wakeup(&self) -> Option<Instant> {
        match self.wrong {
            Check::Storm if self.is_late() => Some(Instant::START),
            _ => self.core.next_wakeup(),
        }
    }

    fn stats(&self) -> Stats {
        let mut stats = self.core.stats();
        match self.wrong {
            Check::Counters if self.is_late() => stats.rounds = 0,
            Check::Sums => stats.messages_sent += self.turns,
            _ => {}
        }
        stats
    }

    fn awaited(&self) -> Awaited {
        match self.wrong {
            Check::Awaited if self.is_late() => Awaited { forwards: usize::MAX },
            Check::Remainder => Awaited { forwards: 1 },
            _ => self.core.awaited(),
        }
    }

    fn neighbors(&self) -> &[NodeId] {
        &self.view
    }

    fn payload_count(&self) -> usize {
        let count = self.core.payload_count();
        if self.wrong == Check::Forgotten { count.min(1) } else { count }
    }

    fn payload(&self, place: usize) -> Option<&[u8]> {
        match place {
            INVENTED => Some(b"nobody said this"),
            place => self.core.payload(place),
        }
    }
}

/// One that says something every few ms, and so never rests.
struct Chatterer {
    core: Core,
    peer: NodeId,
    next: Instant,
    said: u64,
    shift: u64,
}

impl Machine for Chatterer {
    fn handle(&mut self, now: Instant, input: Input, outputs: &mut Vec<Output>) {
        let before = outputs.len();
        self.core.handle(now, input, outputs);
        if now >= self.next {
            self.next = now + std::time::Duration::from_millis(5);
            let message = Message::Ack { of: MessageId(0) };
            outputs.push(Output::Send { to: self.peer, id: MessageId(0), dialect: None, message });
            self.said += 1;
        }
        // Its numbers rise all the same.
        for output in &mut outputs[before..] {
            if let Output::Send { id, .. } = output {
                self.shift += 1;
                *id = MessageId(self.shift);
            }
        }
    }

    fn next_wakeup(&self) -> Option<Instant> {
        Some(self.core.next_wakeup().map_or(self.next, |due| due.min(self.next)))
    }

    fn stats(&self) -> Stats {
        let stats = self.core.stats();
        Stats { messages_sent: stats.messages_sent + self.said, ..stats }
    }

    fn awaited(&self) -> Awaited {
        self.core.awaited()
    }

    fn neighbors(&self) -> &[NodeId] {
        self.core.neighbors()
    }

    fn payload_count(&self) -> usize {
        self.core.payload_count()
    }

    fn payload(&self, place: usize) -> Option<&[u8]> {
        self.core.payload(place)
    }
}

fn maker(wrong: Check) -> impl Fn(Birth) -> Box<dyn Machine> + Sync {
    move |birth| {
        let (me, nodes) = (birth.id, birth.members.len());
        let peer = NodeId((me.0 + 1) % nodes as u64);
        let next = birth.now;
        let core = Core::new(birth);
        match wrong {
            Check::Idle => Box::new(Chatterer { core, peer, next, said: 0, shift: 0 }),
            _ => Box::new(Canary { core, wrong, me, nodes, turns: 0, view: Vec::new() }),
        }
    }
}

/// The scenario of a seed, whose nodes have partial views.
fn learned(seed: u64) -> Scenario {
    let mut scenario = Scenario::draw(seed);
    let usual = Config { overlay: OverlayKind::Learned, active_view: 3, ..Config::default() };
    (scenario.config, scenario.odd) = (usual, BTreeMap::new());
    scenario
}

/// The first seed at which this check fails, whatever else fails at others.
fn caught(wrong: Check, maker: &Maker) -> (Scenario, Breach) {
    for seed in 1..=SEEDS {
        let scenario = match wrong {
            Check::Views | Check::Symmetry => learned(seed),
            _ => Scenario::draw(seed),
        };
        // A protocol that acknowledges nothing has no answers to leave out.
        if scenario.config.strategy == Strategy::Flood {
            continue;
        }
        if let Some(breach) = play(&scenario, maker).unwrap().breach
            && breach.check == wrong
        {
            let sound = play(&scenario, &core_node).unwrap().breach;
            assert!(sound.is_none_or(|it| it.check != wrong), "seed {seed} fails without a canary");
            return (scenario, breach);
        }
    }
    panic!("no canary of {wrong} was caught within {SEEDS} seeds");
}

#[test]
fn every_check_catches_its_canary() {
    for wrong in Check::ALL {
        let (_, breach) = caught(wrong, &maker(wrong));
        assert!(!breach.what.is_empty());
    }
}

#[test]
fn what_fails_is_shrunk_to_what_it_needs_and_can_be_read_and_played_again() {
    let maker = maker(Check::Twice);
    let (scenario, breach) = caught(Check::Twice, &maker);
    let shrunk = shrink(scenario, breach, &maker, 2_000);
    let small = &shrunk.scenario;
    // One node that delivers one value is enough.
    assert_eq!((small.nodes, small.broadcasts.len()), (1, 1));
    assert_eq!((small.faults.events().len(), small.jolts.len(), small.odd.len()), (0, 0, 0));
    let again = Scenario::from_json(&small.to_json()).unwrap();
    assert_eq!(play(&again, &maker).unwrap().breach, Some(shrunk.breach));
    assert_eq!(play(&again, &core_node).unwrap().breach, None);
}

/// A node on partial views to which something never comes.
struct Deaf {
    core: Core,
    hears: fn(&mut Message) -> bool,
}

impl Machine for Deaf {
    fn handle(&mut self, now: Instant, mut input: Input, outputs: &mut Vec<Output>) {
        let hears = match &mut input {
            Input::Received { message, .. } => (self.hears)(message),
            _ => true,
        };
        if hears {
            self.core.handle(now, input, outputs);
        }
    }

    fn next_wakeup(&self) -> Option<Instant> {
        self.core.next_wakeup()
    }

    fn stats(&self) -> Stats {
        self.core.stats()
    }

    fn awaited(&self) -> Awaited {
        self.core.awaited()
    }

    fn neighbors(&self) -> &[NodeId] {
        self.core.neighbors()
    }

    fn payload_count(&self) -> usize {
        self.core.payload_count()
    }

    fn payload(&self, place: usize) -> Option<&[u8]> {
        self.core.payload(place)
    }
}

/// What becomes of a few clusters on partial views whose nodes do not hear something.
fn without(hears: fn(&mut Message) -> bool) -> Vec<Check> {
    let maker = move |birth| Box::new(Deaf { core: Core::new(birth), hears }) as Box<dyn Machine>;
    let breach = |seed| play(&learned(seed), &maker).unwrap().breach;
    (1..=8).filter_map(breach).map(|breach| breach.check).collect()
}

#[test]
fn a_learned_overlay_without_payloads_and_digests_does_not_agree() {
    let found = without(|message| match message {
        Message::Link(push) => {
            push.rumors.clear();
            true
        }
        message => !matches!(message, Message::Delta { .. }),
    });
    assert!(found.contains(&Check::Agreement), "{found:?}");
}

#[test]
fn a_learned_overlay_without_acknowledgements_does_not_come_to_rest() {
    let found = without(|message| {
        if let Message::Link(push) = message {
            push.acked = None;
        }
        true
    });
    assert!(found.contains(&Check::Idle) || found.contains(&Check::Remainder), "{found:?}");
}
