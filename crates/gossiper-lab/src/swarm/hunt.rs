//! Many seeds, on all cores.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use gossiper_core::Strategy;
use serde::Serialize;

use super::ledger::Breach;
use super::machine::Maker;
use super::outcome::Outcome;
use super::scenario::Scenario;
use super::world::play;
use crate::simulation::strategy_name;
use crate::threads;

/// Seeds that one thread takes at a time, so that a hunt of millions keeps little of each.
const PORTION: u64 = 16;

/// What came of many seeds.
#[derive(Debug, Default)]
pub struct Hunt {
    /// The seeds that failed, in their order, each with what must hold and did not.
    pub failures: Vec<(u64, Breach)>,
    /// What the others were.
    pub tally: Tally,
}

/// What many runs were together. That a fault was in so many seeds, and so much was lost, shows
/// that something was put to the test.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Tally {
    /// Seeds played.
    pub seeds: u64,
    /// Nodes of all.
    pub nodes: u64,
    /// Seeds by the protocol of most of their nodes.
    pub strategies: BTreeMap<&'static str, u64>,
    /// Seeds by what was in them.
    pub features: BTreeMap<&'static str, u64>,
    /// Values given to nodes, repeats included.
    pub broadcasts: u64,
    /// Messages that nodes sent.
    pub messages: u64,
    /// Those that never came.
    pub lost: u64,
    /// Nodes that died without their memory.
    pub deaths: u64,
    /// Messages, wake-ups, broadcasts and faults.
    pub events: u64,
    /// Seeds in which agreement was promised.
    pub promised: u64,
    /// Seeds in which rounds might have been skipped when all was well, and those of them in which
    /// an idle cluster said more than 0.1 messages an interval and node. That is told, and fails
    /// nothing.
    pub thrifty: u64,
    /// See `thrifty`.
    pub talkative: u64,
    /// The longest that a cluster took to agree, of what it might, in thousandths; and its seed.
    pub slowest: Option<(u64, u64)>,
    /// The most that an idle cluster said, of what it might, in thousandths; and its seed.
    pub loudest: Option<(u64, u64)>,
}

impl Tally {
    fn of(seed: u64, scenario: &Scenario, outcome: &Outcome) -> Self {
        let seen = outcome.seen;
        let share = |of: Option<u64>, most: u64| Some((of? * 1_000 / most.max(1), seed));
        let strategy: Strategy = scenario.config.strategy;
        let idle = seen.idle_messages.zip(scenario.thrifty_messages_max());
        Self {
            seeds: 1,
            nodes: scenario.nodes as u64,
            strategies: BTreeMap::from([(strategy_name(strategy), 1)]),
            features: scenario.features().into_iter().map(|name| (name, 1)).collect(),
            broadcasts: seen.broadcasts,
            messages: seen.messages,
            lost: seen.lost,
            deaths: seen.deaths,
            events: seen.events,
            promised: u64::from(scenario.promises_agreement()),
            thrifty: u64::from(idle.is_some()),
            talkative: u64::from(idle.is_some_and(|(said, most)| said > most)),
            slowest: share(seen.agreed_ms, seen.agreement_ms_max),
            loudest: share(seen.idle_messages, seen.idle_messages_max),
        }
    }

    /// Takes in what other runs were. The order does not matter.
    fn add(&mut self, other: Self) {
        // Of the same share the lowest seed.
        let most = |one: Option<(u64, u64)>, other: Option<(u64, u64)>| {
            let rank = |(share, seed): &(u64, u64)| (*share, u64::MAX - *seed);
            one.into_iter().chain(other).max_by_key(rank)
        };
        let Self { seeds, nodes, strategies, features, broadcasts, messages, .. } = other;
        self.seeds += seeds;
        self.nodes += nodes;
        strategies.into_iter().for_each(|(of, n)| *self.strategies.entry(of).or_default() += n);
        features.into_iter().for_each(|(of, n)| *self.features.entry(of).or_default() += n);
        self.broadcasts += broadcasts;
        self.messages += messages;
        self.lost += other.lost;
        self.deaths += other.deaths;
        self.events += other.events;
        self.promised += other.promised;
        self.thrifty += other.thrifty;
        self.talkative += other.talkative;
        self.slowest = most(self.slowest, other.slowest);
        self.loudest = most(self.loudest, other.loudest);
    }
}

impl Hunt {
    fn add(&mut self, other: Self) {
        self.failures.extend(other.failures);
        self.tally.add(other.tally);
    }

    fn play(&mut self, seed: u64, maker: &Maker, on_done: &OnDone<'_>) {
        let scenario = Scenario::draw(seed);
        // What is drawn can be played, which a test sees to.
        let Ok(outcome) = play(&scenario, maker) else { return };
        on_done(seed, outcome.breach.as_ref());
        self.tally.add(Tally::of(seed, &scenario, &outcome));
        self.failures.extend(outcome.breach.map(|breach| (seed, breach)));
    }
}

/// Is told of a seed that is over, and of what must hold and did not.
pub type OnDone<'a> = dyn Fn(u64, Option<&Breach>) + Sync + 'a;

/// Plays so many seeds from `first` on, on so many threads. What comes of it does not depend on the
/// threads. `on_done` is told, from any of them and in no order, of each seed that is over.
pub fn hunt(first: u64, seeds: u64, threads: usize, maker: &Maker, on_done: &OnDone<'_>) -> Hunt {
    let next = AtomicU64::new(0);
    let work = || {
        let mut hunt = Hunt::default();
        loop {
            let from = next.fetch_add(PORTION, Ordering::Relaxed);
            if from >= seeds {
                return hunt;
            }
            for place in from..seeds.min(from + PORTION) {
                hunt.play(first.wrapping_add(place), maker, on_done);
            }
        }
    };
    let mut all = Hunt::default();
    threads::on_each(threads, work).into_iter().for_each(|other| all.add(other));
    all.failures.sort_by_key(|(seed, _)| seed.wrapping_sub(first));
    all
}
