//! What happened in a small run, message by message, so that it can be looked at.

use std::collections::BTreeSet;

use gossiper_core::{Instant, Message, Payload};
use serde::{Serialize, Serializer};

use crate::fault::{Action, Applied, Change, Direction, Fault, Group};

/// Most messages of a trace. What comes after them is not in it.
pub const TRACE_MESSAGES_MAX: usize = 6_000;

/// How long a trace goes on after the last delivery, broadcast or fault, in ns: what follows is
/// nodes that agree.
const REST_NS: u64 = 1_200_000_000;

/// Why a message is sent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// A value goes over a link that values always go over: of the tree, or of flooding.
    Tree,
    /// A value goes to a random peer, or all that is known to one.
    Gossip,
    /// A value goes over a link again, around a silent neighbor, or to who was seen to lack it.
    Repair,
    /// It says that something has come.
    Answer,
    /// It asks, or tells what its sender holds, to find out what somebody lacks.
    Compare,
}

/// What becomes of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// It arrives.
    Arrives,
    /// It is lost by chance.
    Lost,
    /// Its ends are cut off from each other.
    Cut,
    /// Its receiver is down, or dies before it comes.
    Dead,
    /// Its receiver stands still to the end.
    Waits,
}

/// A message. Its moment is when it is sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sent {
    /// When, since the begin of the main phase.
    pub at: Instant,
    /// Who sends it.
    pub from: u32,
    /// To whom.
    pub to: u32,
    /// Why.
    pub way: Way,
    /// The numbers of the values in it.
    pub values: Vec<u32>,
    /// What becomes of it.
    pub fate: Fate,
    /// When it arrives, or would have.
    pub arrives_at: Instant,
}

/// A node has a value for the first time in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Delivered {
    /// When.
    pub at: Instant,
    /// Which node.
    pub node: u32,
    /// Which value.
    pub value: u32,
    /// The place of the message that brought it; none for a client's broadcast.
    pub message: Option<usize>,
}

/// Something else happens.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Happening {
    /// A node dies.
    Dies(u32),
    /// A node starts anew, empty.
    Starts(u32),
    /// A node stands still.
    Stops(u32),
    /// A node goes on.
    Resumes(u32),
    /// The network changes, in words.
    Network(String),
}

/// All that happened, each list in the order of time.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Trace {
    /// The links that values always go over, the lower end first. None where values go to random
    /// peers.
    pub links: Vec<(u32, u32)>,
    /// As (sent at, from, to, way, fate, arrives at, values), times in µs.
    pub messages: Vec<Sent>,
    /// As (at, node, value, message), times in µs.
    pub deliveries: Vec<Delivered>,
    /// As (at, what), times in µs.
    #[serde(serialize_with = "in_micros")]
    pub happenings: Vec<(Instant, Happening)>,
    /// Whether there was more than a trace holds.
    pub is_cut: bool,
}

impl Serialize for Sent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { at, from, to, way, values, fate, arrives_at } = self;
        (us(*at), from, to, way, fate, us(*arrives_at), values).serialize(serializer)
    }
}

impl Serialize for Delivered {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (us(self.at), self.node, self.value, self.message).serialize(serializer)
    }
}

fn in_micros<S: Serializer>(
    happenings: &[(Instant, Happening)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(happenings.iter().map(|(at, what)| (us(*at), what)))
}

fn us(at: Instant) -> u64 {
    at.0 / 1_000
}

/// Writes a trace.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    trace: Trace,
    /// Who has sent which value to whom.
    sent: BTreeSet<(u32, u32, u32)>,
}

/// What the network does to a message that is sent.
pub(super) struct Passage {
    pub(super) from: u32,
    pub(super) to: u32,
    /// Whether values always go over this link.
    pub(super) is_link: bool,
    pub(super) fate: Fate,
    pub(super) arrives_at: Instant,
}

impl Recorder {
    pub(super) fn new(links: Vec<(u32, u32)>) -> Self {
        Self { trace: Trace { links, ..Trace::default() }, ..Self::default() }
    }

    pub(super) fn on_sent(&mut self, at: Instant, message: &Message, passage: &Passage) {
        if self.trace.messages.len() == TRACE_MESSAGES_MAX {
            self.trace.is_cut = true;
        }
        if self.trace.is_cut {
            return;
        }
        let Passage { from, to, is_link, fate, arrives_at } = *passage;
        let values = values(message);
        let is_first = |&value: &u32| !self.sent.contains(&(from, to, value));
        let is_new = is_link && values.iter().any(is_first);
        let way = match message {
            // An empty list asks what the peer speaks.
            Message::Gossip { .. } | Message::Sync { .. } if !values.is_empty() => Way::Gossip,
            Message::Ack { .. } | Message::SyncOk { .. } => Way::Answer,
            Message::Push(push) if values.is_empty() && !push.is_numbered() => Way::Answer,
            Message::Broadcast { .. } | Message::Push(_) | Message::Link(_) if is_new => Way::Tree,
            _ if !values.is_empty() => Way::Repair,
            _ => Way::Compare,
        };
        self.sent.extend(values.iter().map(|&value| (from, to, value)));
        self.trace.messages.push(Sent { at, from, to, way, values, fate, arrives_at });
    }

    pub(super) fn on_delivery(&mut self, at: Instant, node: u32, number: Option<usize>) {
        if let Some(value) = number.filter(|_| !self.trace.is_cut) {
            let value = value as u32;
            self.trace.deliveries.push(Delivered { at, node, value, message: None });
        }
    }

    pub(super) fn on_faults(&mut self, at: Instant, applied: &[Applied]) {
        for Applied { event, changes } in applied.iter().filter(|_| !self.trace.is_cut) {
            let said = words(&event.action).map(Happening::Network);
            let changes = changes.iter().map(|change| match *change {
                Change::Kill(node) => Happening::Dies(node as u32),
                Change::Restart(node) => Happening::Starts(node as u32),
                Change::Pause(node) => Happening::Stops(node as u32),
                Change::Resume(node) => Happening::Resumes(node as u32),
            });
            let all = said.into_iter().chain(changes);
            self.trace.happenings.extend(all.map(|what| (at, what)));
        }
    }

    /// The trace: what came of each message is known, and what brought each value; without the
    /// rest in which nothing more happens.
    pub(super) fn trace(&self, last_broadcast: Instant) -> Trace {
        let mut trace = self.trace.clone();
        let Trace { messages, deliveries, happenings, .. } = &mut trace;
        for message in messages.iter_mut().filter(|message| message.fate == Fate::Arrives) {
            (message.fate, message.arrives_at) = at_receiver(message, happenings);
        }
        for delivered in deliveries.iter_mut() {
            let brings = |message: &Sent| {
                (message.to, message.fate) == (delivered.node, Fate::Arrives)
                    && message.arrives_at <= delivered.at
                    && message.values.contains(&delivered.value)
            };
            // Of those that have come, the last: what came before was in a former life.
            let brought = (0..messages.len()).filter(|&place| brings(&messages[place]));
            delivered.message = brought.max_by_key(|&place| messages[place].arrives_at);
        }
        let ends = deliveries.last().map(|delivered| delivered.at);
        let ends = ends.max(happenings.last().map(|(at, _)| *at)).max(Some(last_broadcast));
        let until = ends.unwrap_or_default().0.saturating_add(REST_NS);
        messages.retain(|message| message.at.0 <= until);
        trace
    }
}

/// What becomes of a message at its receiver, and when.
fn at_receiver(message: &Sent, happenings: &[(Instant, Happening)]) -> (Fate, Instant) {
    let (mut is_down, mut is_still) = (false, false);
    for (at, what) in happenings {
        let is_past = *at <= message.at;
        // What is due when a fault comes is handed over after it.
        if !is_past && *at > message.arrives_at && !is_still {
            break;
        }
        match *what {
            Happening::Dies(node) if node == message.to && !is_past => {
                return (Fate::Dead, message.arrives_at);
            }
            Happening::Dies(node) if node == message.to => is_down = true,
            Happening::Starts(node) if node == message.to && is_past => is_down = false,
            Happening::Stops(node) if node == message.to => is_still = true,
            Happening::Resumes(node) if node == message.to => {
                if *at > message.arrives_at {
                    return (Fate::Arrives, *at);
                }
                is_still = false;
            }
            _ => {}
        }
    }
    let fate = match (is_down, is_still) {
        (true, _) => Fate::Dead,
        (_, true) => Fate::Waits,
        _ => Fate::Arrives,
    };
    (fate, message.arrives_at)
}

/// The numbers of the values in a message.
fn values(message: &Message) -> Vec<u32> {
    let numbers = |payloads: &mut dyn Iterator<Item = &Payload>| {
        let text = |payload: &Payload| std::str::from_utf8(payload.bytes()).ok()?.parse().ok();
        payloads.filter_map(text).collect()
    };
    match message {
        Message::Broadcast { payload, .. } | Message::Gossip { payload, .. } => {
            numbers(&mut [payload].into_iter())
        }
        Message::Sync { payloads } => numbers(&mut payloads.iter()),
        Message::Delta { rumors } => numbers(&mut rumors.iter().map(|rumor| &rumor.payload)),
        Message::Push(push) => numbers(&mut push.rumors.iter().map(|rumor| &rumor.payload)),
        Message::Link(push) => numbers(&mut push.rumors.iter().map(|rumor| &rumor.payload)),
        _ => Vec::new(),
    }
}

/// What happens to the network; nothing for what happens to nodes.
fn words(action: &Action) -> Option<String> {
    let percent = |share: &f64| format!("{} %", share * 100.0);
    let named = |group: &Group| {
        let names: Vec<String> = group.nodes.iter().map(|node| format!("n{node}")).collect();
        names.join(", ")
    };
    match action {
        Action::Start(fault) => Some(match fault {
            Fault::Kill(_) | Fault::Pause(_) => return None,
            Fault::Split { side, .. } => format!("{} are cut off from the rest", named(side)),
            Fault::Ring { .. } => "each node hears a majority of its own".into(),
            Fault::OneWay { direction: Direction::In, side } => {
                format!("{} hear nothing from the rest", named(side))
            }
            Fault::OneWay { direction: Direction::Out, side } => {
                format!("the rest hears nothing from {}", named(side))
            }
            Fault::Loss(share) => format!("{} of the messages are lost", percent(share)),
            Fault::Duplicate(share) => format!("{} of the messages come twice", percent(share)),
            Fault::Reorder(share) => format!("{} of the messages are reordered", percent(share)),
            Fault::Slow(factor) => format!("messages take {factor} times as long"),
        }),
        Action::Stop(kind) => Some(format!("{} is over", kind.name())),
        Action::StopAll => Some("all faults are over".into()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use gossiper_core::{Config, Strategy};

    use super::*;
    use crate::fault::FaultPlan;
    use crate::network::Latency;
    use crate::seed::at_ms;
    use crate::simulation::{Broadcast, Results, Scenario, play, watch};
    use crate::topology::Topology;

    const STRATEGIES: [Strategy; 4] =
        [Strategy::Flood, Strategy::Tree, Strategy::Gossip, Strategy::Hybrid];

    fn scenario(strategy: Strategy, faults: &str) -> Scenario {
        let nodes = 12;
        let broadcast = |(at, node)| Broadcast { at: at_ms(at), node };
        Scenario {
            nodes,
            config: Config { strategy, ..Config::default() },
            topology: Topology::Grid,
            latency: Latency::range(10, 50),
            faults: FaultPlan::from_json(faults, nodes).unwrap(),
            broadcasts: [(0, 3), (600, 7), (2000, 11)].map(broadcast).to_vec(),
            settle: Duration::from_secs(8),
            stagger: Duration::from_secs(1),
            warmup: None,
            seed: 3,
        }
    }

    const FAULTS: [&str; 5] = [
        "",
        r#"{"at_ms":0,"start":"loss","probability":0.3}"#,
        r#"{"at_ms":500,"start":"kill","target":"hub","nodes":[0]}
{"at_ms":3000,"stop":"kill"}"#,
        r#"{"at_ms":500,"start":"pause","nodes":[0,4]}
{"at_ms":1500,"stop":"pause"}"#,
        r#"{"at_ms":500,"start":"partition","shape":"majority","side":[0,1,2,3,4]}
{"at_ms":2500,"stop":"partition"}"#,
    ];

    fn watched(strategy: Strategy, faults: &str) -> (Results, Trace) {
        let (results, trace) = watch(scenario(strategy, faults)).unwrap();
        assert_eq!(results, play(scenario(strategy, faults)).unwrap(), "to look changes nothing");
        (results, trace)
    }

    /// Who has which value when, told from nothing but the broadcasts and the messages.
    fn replayed(trace: &Trace, broadcasts: &[Broadcast]) -> BTreeMap<(u32, u32, u64), u64> {
        let mut arrivals: Vec<(u64, u32, u32)> = Vec::new();
        for (value, broadcast) in broadcasts.iter().enumerate() {
            arrivals.push((broadcast.at.0, broadcast.node as u32, value as u32));
        }
        for message in trace.messages.iter().filter(|message| message.fate == Fate::Arrives) {
            let at = message.arrives_at.0;
            arrivals.extend(message.values.iter().map(|&value| (at, message.to, value)));
        }
        arrivals.sort_unstable();
        let starts = |node: u32, at: u64| {
            let is_start = |(when, what): &&(Instant, Happening)| {
                *what == Happening::Starts(node) && when.0 <= at
            };
            trace.happenings.iter().filter(is_start).count() as u64
        };
        let mut first = BTreeMap::new();
        for (at, node, value) in arrivals {
            first.entry((node, value, starts(node, at))).or_insert(at);
        }
        first
    }

    #[test]
    fn the_messages_replay_to_the_deliveries() {
        for (strategy, faults) in STRATEGIES.iter().flat_map(|&s| FAULTS.map(|f| (s, f))) {
            let (results, trace) = watched(strategy, faults);
            assert!(!trace.is_cut);
            let is_talk = |way| matches!(way, Way::Answer | Way::Compare);
            assert!(trace.messages.iter().all(|one| one.values.is_empty() == is_talk(one.way)));
            let broadcasts = scenario(strategy, faults).broadcasts;
            let mut told: Vec<(u64, u32, u32)> =
                trace.deliveries.iter().map(|one| (one.at.0, one.node, one.value)).collect();
            told.sort_unstable();
            let mut replayed: Vec<(u64, u32, u32)> = replayed(&trace, &broadcasts)
                .into_iter()
                .map(|((node, value, _), at)| (at, node, value))
                .collect();
            replayed.sort_unstable();
            assert_eq!(told, replayed, "{strategy:?} {faults}");
            let further = results.tree_deliveries + results.gossip_deliveries;
            assert_eq!(told.len() as u64, further + 3, "{strategy:?} {faults}");
            for one in &trace.deliveries {
                let is_first = broadcasts.iter().any(|first| first.at == one.at);
                assert_eq!(one.message.is_none(), is_first, "{one:?}");
                if let Some(place) = one.message {
                    assert!(trace.messages[place].values.contains(&one.value));
                }
            }
        }
    }

    #[test]
    fn tree_gossip_and_repair_are_told_apart() {
        let ways = |strategy, faults| {
            let (_, trace) = watched(strategy, faults);
            let mut ways: Vec<Way> =
                trace.messages.iter().filter(|one| !one.values.is_empty()).map(|m| m.way).collect();
            ways.sort_unstable();
            ways.dedup();
            ways
        };
        assert_eq!(ways(Strategy::Flood, ""), [Way::Tree]);
        assert_eq!(ways(Strategy::Tree, ""), [Way::Tree]);
        // Who is missed by chance is seen to lack it in a round.
        assert_eq!(ways(Strategy::Gossip, ""), [Way::Gossip, Way::Repair]);
        // The first rounds are made before peers are known to compare hashes.
        assert!(ways(Strategy::Hybrid, "").starts_with(&[Way::Tree, Way::Gossip]));
        assert!(ways(Strategy::Hybrid, FAULTS[1]).contains(&Way::Repair));
        assert!(ways(Strategy::Tree, FAULTS[2]).contains(&Way::Repair));
    }

    #[test]
    fn a_trace_is_bounded_and_says_so() {
        let crowd = Scenario {
            nodes: 100,
            topology: Topology::Total,
            faults: FaultPlan::new(100, Vec::new()).unwrap(),
            ..scenario(Strategy::Flood, "")
        };
        let (_, trace) = watch(crowd).unwrap();
        assert_eq!((trace.messages.len(), trace.is_cut), (TRACE_MESSAGES_MAX, true));
    }

    #[test]
    fn a_trace_in_json_is_rows() {
        let (_, trace) = watched(Strategy::Tree, FAULTS[2]);
        let json: serde_json::Value = serde_json::to_value(&trace).unwrap();
        assert_eq!(json["messages"][0][3], "tree");
        assert_eq!(json["happenings"][0], serde_json::json!([500_000, { "dies": 0 }]));
        assert_eq!(json["links"][0], serde_json::json!([0, 1]));
    }
}
