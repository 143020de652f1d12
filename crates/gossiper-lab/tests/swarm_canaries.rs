//! Nodes broken on purpose: each check of the swarm catches the one that breaks what it looks at.

use std::collections::BTreeMap;
use std::sync::Mutex;

use gossiper_core::{
    Awaited, Config, Input, Instant, Message, MessageId, NodeId, Output, OverlayKind, Stats,
    Strategy, Summary,
};
use gossiper_lab::swarm::{
    Birth, Breach, Check, Core, Machine, Maker, Scenario, core_node, hunt, play, shrink,
};

/// Seeds within which a canary is to be caught.
const SEEDS: u64 = 40;

/// A core's node that goes wrong in one way.
struct Canary {
    core: Core,
    /// The check that it breaks, if one alone.
    wrong: Option<Check>,
    /// Whether it hears a message, and what of it.
    hears: fn(&mut Message) -> bool,
    me: NodeId,
    nodes: usize,
    turns: u64,
    /// What it says of its neighbors.
    view: Vec<NodeId>,
    /// When it next says something for nothing, if it never rests.
    next: Instant,
    said: u64,
    numbers: u64,
}

/// What is no node's value.
const INVENTED: usize = usize::MAX;

impl Canary {
    fn new(birth: Birth, wrong: Option<Check>, hears: fn(&mut Message) -> bool) -> Self {
        Self {
            wrong,
            hears,
            me: birth.id,
            nodes: birth.members.len(),
            turns: 0,
            view: Vec::new(),
            next: birth.now,
            said: 0,
            numbers: 0,
            core: Core::new(birth),
        }
    }

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

    /// Says something every few ms, under numbers that rise all the same.
    fn chatter(&mut self, now: Instant, outputs: &mut Vec<Output>, before: usize) {
        if now >= self.next {
            self.next = now + std::time::Duration::from_millis(5);
            let message = Message::Ack { of: MessageId(0) };
            let to = self.peer();
            outputs.push(Output::Send { to, id: MessageId(0), dialect: None, message });
            self.said += 1;
        }
        for output in &mut outputs[before..] {
            if let Output::Send { id, .. } = output {
                self.numbers += 1;
                *id = MessageId(self.numbers);
            }
        }
    }
}

impl Machine for Canary {
    fn handle(&mut self, now: Instant, mut input: Input, outputs: &mut Vec<Output>) {
        self.turns += 1;
        let before = outputs.len();
        if let Input::Received { message, .. } = &mut input
            && !(self.hears)(message)
        {
            return;
        }
        let is_broadcast = matches!(input, Input::Broadcast(_));
        let is_exchange = matches!(
            &input,
            Input::Received { message: Message::Digest { .. } | Message::Delta { .. }, .. }
                | Input::Received { message: Message::Sync { .. } | Message::Summary(_), .. }
        );
        match self.wrong {
            Some(Check::Unacknowledged) if is_broadcast => return,
            // It pushes nothing on either, else a calm network would do without.
            Some(Check::Agreement) if !is_broadcast && (is_exchange || self.me.0 == 0) => return,
            Some(Check::Panic) if self.is_late() => panic!("a canary"),
            _ => {}
        }
        self.core.handle(now, input, outputs);
        self.view = match self.wrong {
            Some(Check::Views) if self.is_late() => vec![self.peer(); 2],
            Some(Check::Symmetry) if self.me.0 == 0 => Vec::new(),
            _ => self.core.neighbors().to_vec(),
        };
        match self.wrong {
            Some(Check::Invented) if self.is_late() => {
                outputs.push(Output::Deliver { place: INVENTED })
            }
            Some(Check::Twice) => {
                let first = outputs.iter().find(|it| matches!(it, Output::Deliver { .. })).cloned();
                outputs.extend(first);
            }
            Some(Check::Outputs) if self.is_late() => {
                let undelivered = Output::Undelivered {
                    neighbor: self.peer(),
                    payload: gossiper_core::Payload::new(b"0"),
                    direct: 0,
                };
                outputs.extend(vec![undelivered; 1 << 20]);
            }
            Some(Check::Address) if self.is_late() => outputs.push(self.send(self.me, u64::MAX)),
            Some(Check::Numbers) => {
                outputs.extend([self.send(self.peer(), u64::MAX), self.send(self.peer(), u64::MAX)])
            }
            Some(Check::Idle) => self.chatter(now, outputs, before),
            _ => {}
        }
    }

    fn next_wakeup(&self) -> Option<Instant> {
        match self.wrong {
            Some(Check::Storm) if self.is_late() => Some(Instant::START),
            Some(Check::Idle) => {
                Some(self.core.next_wakeup().map_or(self.next, |due| due.min(self.next)))
            }
            _ => self.core.next_wakeup(),
        }
    }

    fn stats(&self) -> Stats {
        let mut stats = self.core.stats();
        match self.wrong {
            Some(Check::Counters) if self.is_late() => stats.rounds = 0,
            Some(Check::Idle) => stats.messages_sent += self.said,
            Some(Check::Sums) => stats.messages_sent += self.turns,
            _ => {}
        }
        stats
    }

    fn awaited(&self) -> Awaited {
        match self.wrong {
            Some(Check::Awaited) if self.is_late() => Awaited { forwards: usize::MAX },
            Some(Check::Remainder) => Awaited { forwards: 1 },
            _ => self.core.awaited(),
        }
    }

    fn neighbors(&self) -> &[NodeId] {
        &self.view
    }

    fn payload_count(&self) -> usize {
        let count = self.core.payload_count();
        if self.wrong == Some(Check::Forgotten) { count.min(1) } else { count }
    }

    fn payload(&self, place: usize) -> Option<&[u8]> {
        match place {
            INVENTED => Some(b"nobody said this"),
            place => self.core.payload(place),
        }
    }
}

fn maker(wrong: Check) -> impl Fn(Birth) -> Box<dyn Machine> + Sync {
    move |birth| Box::new(Canary::new(birth, Some(wrong), |_| true))
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
fn each_failure_is_told_as_it_is_found() {
    let maker = maker(Check::Twice);
    let told = Mutex::new(Vec::new());
    let hunt = hunt(1, 20, 2, &maker, &|seed, breach| {
        told.lock().unwrap().push((seed, breach.cloned()));
    });
    let mut told = told.into_inner().unwrap();
    told.sort_by_key(|(seed, _)| *seed);
    assert!(told.iter().map(|(seed, _)| *seed).eq(1..=20), "every seed once");
    let failed = told.into_iter().filter_map(|(seed, breach)| Some((seed, breach?)));
    assert_eq!(failed.collect::<Vec<_>>(), hunt.failures);
    assert!(!hunt.failures.is_empty());
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

/// What becomes of a few clusters on partial views whose nodes do not hear something.
fn without(hears: fn(&mut Message) -> bool) -> Vec<Check> {
    let maker = move |birth| Box::new(Canary::new(birth, None, hears)) as Box<dyn Machine>;
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
