//! When each node had which values: found by asking it.
//!
//! The nodes' messages may be in any encoding, so what they carry is not known. A node that has
//! been handed a peer's message is asked to `read` a moment later, at most once in an interval, and
//! never before it has answered the last time. A value that an answer is the first to show came
//! with one of the messages handed over between the question before, whose answer lacked it, and
//! this one: the first of them that names it, or, when none does (it may be compressed), the last
//! of them.
//!
//! Nodes may work messages in later: in threads of their own, or by a timer. So as long as a node
//! lacks a value that has been broadcast, it is asked again and again; a value that is found
//! without a message came when the answer did.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use gossiper_core::Instant;

use super::message::integers;

/// From a message to the question, so that a node which works on several at a time has worked it
/// in. What was found came when the message did: this delays nothing that is measured.
const DELAY: Duration = Duration::from_millis(2);
/// Shortest time between two questions to one node.
const INTERVAL_MIN: Duration = Duration::from_millis(20);
/// Longest time between two questions to a node that lacks something, if the interval is not
/// longer: how far off a value is dated that comes without a message.
const BACKOFF_MAX: Duration = Duration::from_millis(100);
/// Questions a second to all nodes together, beyond which the interval grows. Each costs a node a
/// `read`; a large cluster shares one machine.
const PROBES_PER_S_MAX: u64 = 2_500;
/// Messages looked back on, of one node, and their bytes. Of more, the earliest are not held for
/// the bringers of a value.
const HANDED_MAX: usize = 4096;
const HANDED_BYTES_MAX: usize = 16 << 20;

/// A peer's message that was handed to a node.
#[derive(Clone, Debug)]
struct Handed {
    /// Its number among those of the node, from 1.
    number: u64,
    at: Instant,
    line: Arc<[u8]>,
}

#[derive(Clone, Debug, Default)]
struct Probed {
    /// What was handed over since the question before the last answer.
    handed: VecDeque<Handed>,
    handed_bytes: usize,
    last_number: u64,
    /// The number of the last message before the last question.
    asked_after: u64,
    asked_at: Option<Instant>,
    is_asked: bool,
    is_down: bool,
    paused_since: Option<Instant>,
    due: Option<Instant>,
    /// How long to wait until the next question without a message.
    backoff: Duration,
    /// Whether the node has been seen to have value v, at place v.
    has: Vec<bool>,
    values: u32,
}

/// The questions to all nodes.
#[derive(Debug)]
pub(super) struct Probes {
    is_on: bool,
    interval: Duration,
    nodes: Vec<Probed>,
    due: BTreeSet<(Instant, usize)>,
    asked: u64,
    /// Whether the broadcast of value v has arrived at a node, at place v; and how many have.
    is_broadcast: Vec<bool>,
    broadcasts: u32,
}

impl Probes {
    /// Probes for `nodes` nodes. Unless `is_on` nothing is asked, and what clients read is all that
    /// is known.
    pub(super) fn new(nodes: usize, is_on: bool) -> Self {
        let interval = Duration::from_nanos(nodes as u64 * 1_000_000_000 / PROBES_PER_S_MAX);
        Self {
            is_on,
            interval: interval.max(INTERVAL_MIN),
            nodes: vec![Probed::default(); nodes],
            due: BTreeSet::new(),
            asked: 0,
            is_broadcast: Vec::new(),
            broadcasts: 0,
        }
    }

    /// Questions asked so far.
    pub(super) fn asked(&self) -> u64 {
        self.asked
    }

    /// Broadcast values that the node has been seen to hold in its present life.
    pub(super) fn values(&self, node: usize) -> u32 {
        self.nodes[node].values
    }

    /// When the next question is to be asked.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|&(at, _)| at)
    }

    /// A peer's message has been handed to the node.
    pub(super) fn on_handed(&mut self, node: usize, at: Instant, line: &Arc<[u8]>) {
        if !self.is_on {
            return;
        }
        let probed = &mut self.nodes[node];
        probed.last_number += 1;
        let line = Arc::clone(line);
        probed.handed_bytes += line.len();
        probed.handed.push_back(Handed { number: probed.last_number, at, line });
        while probed.handed.len() > HANDED_MAX || probed.handed_bytes > HANDED_BYTES_MAX {
            probed.forget_first();
        }
        probed.backoff = self.interval;
        self.plan(node, at + DELAY);
    }

    /// Takes a node that is to be asked now.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<usize> {
        let &(at, node) = self.due.first().filter(|&&(at, _)| at <= now)?;
        self.due.remove(&(at, node));
        self.asked += 1;
        let probed = &mut self.nodes[node];
        probed.due = None;
        probed.is_asked = true;
        probed.asked_at = Some(now);
        probed.asked_after = probed.last_number;
        Some(node)
    }

    /// The node has answered; [`Self::on_values`] came before.
    pub(super) fn on_answered(&mut self, node: usize, now: Instant) {
        let probed = &mut self.nodes[node];
        while probed.handed.front().is_some_and(|first| first.number <= probed.asked_after) {
            probed.forget_first();
        }
        self.on_given_up(node, now);
    }

    /// The question is not waited for any longer. What was handed over is still looked back on.
    pub(super) fn on_given_up(&mut self, node: usize, now: Instant) {
        let probed = &mut self.nodes[node];
        probed.is_asked = false;
        if probed.last_number > probed.asked_after {
            self.plan(node, now);
        } else if probed.values < self.broadcasts {
            let next = now + probed.backoff;
            probed.backoff = (2 * probed.backoff).min(BACKOFF_MAX).max(self.interval);
            self.plan(node, next);
        }
    }

    /// The node stands still.
    pub(super) fn on_paused(&mut self, node: usize, at: Instant) {
        self.nodes[node].paused_since.get_or_insert(at);
    }

    /// The node goes on: what was handed over in the meantime comes to it now.
    pub(super) fn on_resumed(&mut self, node: usize, at: Instant) {
        let probed = &mut self.nodes[node];
        let Some(since) = probed.paused_since.take() else { return };
        for handed in probed.handed.iter_mut().rev().take_while(|handed| since <= handed.at) {
            handed.at = at;
        }
    }

    /// The node has died: what it held is gone.
    pub(super) fn on_killed(&mut self, node: usize) {
        if let Some(due) = self.nodes[node].due {
            self.due.remove(&(due, node));
        }
        self.nodes[node] = Probed { is_down: true, ..Probed::default() };
    }

    /// The node has been started anew.
    pub(super) fn on_restarted(&mut self, node: usize, at: Instant) {
        self.nodes[node].is_down = false;
        self.nodes[node].backoff = self.interval;
        self.plan(node, at + BACKOFF_MAX);
    }

    /// A value was broadcast to the node by a client. Everybody is to have it from now on.
    pub(super) fn on_broadcast(&mut self, node: usize, value: u32, at: Instant) {
        let place = value as usize;
        if self.is_broadcast.len() <= place {
            self.is_broadcast.resize(place + 1, false);
        }
        if !std::mem::replace(&mut self.is_broadcast[place], true) {
            self.broadcasts += 1;
        }
        self.nodes[node].note(value);
        for other in (0..self.nodes.len()).filter(|&other| other != node) {
            let probed = &mut self.nodes[other];
            let has = probed.has.get(place).is_some_and(|&has| has);
            // Who waits for something already is asked in time.
            if !has && probed.due.is_none() && !probed.is_asked {
                probed.backoff = BACKOFF_MAX.max(self.interval);
                self.plan(other, at + BACKOFF_MAX);
            }
        }
    }

    /// The node has shown these values, in answer to a question of the lab's or to a client.
    /// Appends to `found` those it is seen to have for the first time, each with the moment at
    /// which it came. A value that nobody has broadcast yet cannot have come.
    pub(super) fn on_values(
        &mut self,
        node: usize,
        now: Instant,
        is_probe: bool,
        values: &[i64],
        found: &mut Vec<(u32, Instant)>,
    ) {
        let probed = &mut self.nodes[node];
        if probed.is_down {
            // It was said by the process that is gone.
            return;
        }
        let until = if is_probe { probed.asked_after } else { probed.last_number };
        let first = found.len();
        for value in values.iter().filter_map(|&value| u32::try_from(value).ok()) {
            let is_broadcast = self.is_broadcast.get(value as usize).is_some_and(|&is| is);
            if is_broadcast && probed.note(value) {
                found.push((value, now));
            }
        }
        let found = &mut found[first..];
        let candidates = || probed.handed.iter().take_while(|handed| handed.number <= until);
        let Some(last) = candidates().last().filter(|_| !found.is_empty()) else {
            return;
        };
        found.iter_mut().for_each(|(_, at)| *at = last.at);
        if candidates().nth(1).is_none() {
            return;
        }
        let mut places: HashMap<i64, &mut Instant> =
            found.iter_mut().map(|(value, at)| (i64::from(*value), at)).collect();
        for handed in candidates() {
            for integer in integers(&handed.line) {
                if let Some(at) = places.remove(&integer) {
                    *at = handed.at;
                }
            }
            if places.is_empty() {
                break;
            }
        }
    }

    /// Plans the next question for `at`, or sooner if it is planned so; not within the interval,
    /// and not while one is out.
    fn plan(&mut self, node: usize, at: Instant) {
        let probed = &mut self.nodes[node];
        if !self.is_on || probed.is_asked || probed.is_down {
            return;
        }
        let at = probed.asked_at.map_or(at, |asked| at.max(asked + self.interval));
        if let Some(due) = probed.due {
            if due <= at {
                return;
            }
            self.due.remove(&(due, node));
        }
        probed.due = Some(at);
        self.due.insert((at, node));
    }
}

impl Probed {
    /// Notes that the node has the value; says whether that is new.
    fn note(&mut self, value: u32) -> bool {
        let place = value as usize;
        if self.has.len() <= place {
            self.has.resize(place + 1, false);
        }
        let is_new = !std::mem::replace(&mut self.has[place], true);
        self.values += u32::from(is_new);
        is_new
    }

    fn forget_first(&mut self) {
        if let Some(first) = self.handed.pop_front() {
            self.handed_bytes -= first.line.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Instant {
        Instant(ms * 1_000_000)
    }

    fn line(text: &str) -> Arc<[u8]> {
        text.as_bytes().into()
    }

    /// Probes of two nodes; values 0 to 9 have been broadcast to the second.
    fn probes() -> Probes {
        let mut probes = Probes::new(2, true);
        (0..10).for_each(|value| probes.on_broadcast(1, value, ms(0)));
        probes
    }

    /// Asks the first node when it is due, and answers with these values at once.
    fn ask(probes: &mut Probes, at: u64, values: &[i64]) -> Vec<(u32, Instant)> {
        assert_eq!(probes.take_due(ms(at)), Some(0), "at {at} ms");
        let mut found = Vec::new();
        probes.on_values(0, ms(at), true, values, &mut found);
        probes.on_answered(0, ms(at));
        found
    }

    #[test]
    fn a_message_causes_a_question_a_moment_later_and_never_two_within_an_interval() {
        let mut probes = probes();
        probes.on_handed(0, ms(5), &line("[1]"));
        assert_eq!(probes.next_due(), Some(ms(7)));
        assert_eq!(probes.take_due(ms(7)), Some(0));
        probes.on_handed(0, ms(8), &line("[2]"));
        assert_eq!(probes.next_due(), None, "one question at a time");
        probes.on_answered(0, ms(9));
        assert_eq!(probes.next_due(), Some(ms(27)));
    }

    #[test]
    fn a_node_that_lacks_something_is_asked_again_and_one_that_has_all_is_not() {
        let mut probes = probes();
        probes.on_handed(0, ms(0), &line("[1]"));
        let all: Vec<i64> = (0..10).collect();
        ask(&mut probes, 2, &all[..9]);
        assert_eq!(probes.next_due(), Some(ms(22)));
        ask(&mut probes, 22, &all[..9]);
        assert_eq!(probes.next_due(), Some(ms(62)));
        ask(&mut probes, 62, &all);
        assert_eq!(probes.next_due(), None);
        assert_eq!(probes.asked(), 3);
    }

    #[test]
    fn a_node_that_is_sent_nothing_is_asked_too() {
        let probes = probes();
        assert_eq!(probes.next_due(), Some(ms(100)));
    }

    #[test]
    fn a_large_cluster_is_asked_less_often() {
        let mut probes = Probes::new(500, true);
        probes.on_handed(7, ms(0), &line(""));
        probes.take_due(ms(2));
        probes.on_handed(7, ms(3), &line(""));
        probes.on_answered(7, ms(4));
        assert_eq!(probes.next_due(), Some(ms(202)));
    }

    #[test]
    fn a_value_came_with_the_first_message_that_names_it_since_it_was_lacking() {
        let mut probes = probes();
        probes.on_handed(0, ms(1), &line(r#"{"ihave":[7]}"#));
        assert!(ask(&mut probes, 3, &[]).is_empty());
        probes.on_handed(0, ms(11), &line("[8]"));
        probes.on_handed(0, ms(12), &line("[7,9]"));
        probes.on_handed(0, ms(13), &line("[8,9]"));
        assert_eq!(ask(&mut probes, 23, &[7, 9, 8]), [(7, ms(12)), (9, ms(12)), (8, ms(11))]);
    }

    #[test]
    fn a_value_that_no_message_names_came_with_the_last_before_the_question() {
        let mut probes = probes();
        probes.on_handed(0, ms(1), &line("zip"));
        probes.on_handed(0, ms(2), &line("zap"));
        assert_eq!(probes.take_due(ms(3)), Some(0));
        probes.on_handed(0, ms(4), &line("zop"));
        let mut found = Vec::new();
        probes.on_values(0, ms(5), true, &[7], &mut found);
        assert_eq!(found, [(7, ms(2))]);
    }

    #[test]
    fn a_value_that_came_without_a_message_came_when_it_was_seen() {
        let mut probes = probes();
        probes.on_handed(0, ms(1), &line("[7]"));
        assert!(ask(&mut probes, 3, &[]).is_empty());
        assert_eq!(ask(&mut probes, 23, &[7]), [(7, ms(23))]);
    }

    #[test]
    fn what_nobody_has_broadcast_yet_is_passed_over_and_found_later() {
        let mut probes = probes();
        let mut found = Vec::new();
        probes.on_values(0, ms(4), false, &[10, -1, i64::MAX], &mut found);
        assert!(found.is_empty() && probes.values(0) == 0);
        probes.on_broadcast(1, 10, ms(5));
        probes.on_values(0, ms(6), false, &[10], &mut found);
        assert_eq!(found, [(10, ms(6))]);
    }

    #[test]
    fn what_a_paused_node_was_handed_comes_when_it_goes_on() {
        let mut probes = probes();
        probes.on_handed(0, ms(1), &line("[7]"));
        probes.on_paused(0, ms(2));
        probes.on_handed(0, ms(3), &line("[8]"));
        probes.on_resumed(0, ms(50));
        assert_eq!(ask(&mut probes, 50, &[7, 8]), [(7, ms(1)), (8, ms(50))]);
    }

    #[test]
    fn a_node_that_died_holds_nothing() {
        let mut probes = probes();
        probes.on_broadcast(0, 3, ms(0));
        probes.on_handed(0, ms(1), &line("[7]"));
        assert_eq!(probes.values(0), 1);
        probes.on_killed(0);
        assert_eq!((probes.values(0), probes.next_due()), (0, None));
        probes.on_broadcast(1, 20, ms(2));
        assert_eq!(probes.next_due(), None, "who is down is not asked");
        probes.on_restarted(0, ms(5));
        assert_eq!(probes.next_due(), Some(ms(105)));
        let mut found = Vec::new();
        probes.on_values(0, ms(9), false, &[3], &mut found);
        assert_eq!(found, [(3, ms(9))]);
    }

    #[test]
    fn what_is_looked_back_on_is_bounded_in_bytes() {
        let mut probes = probes();
        let large: Arc<[u8]> = vec![b' '; HANDED_BYTES_MAX / 2].into();
        (0..9).for_each(|at| probes.on_handed(0, ms(at), &large));
        assert_eq!(probes.nodes[0].handed.len(), 2);
    }

    #[test]
    fn switched_off_nothing_is_asked_and_messages_tell_nothing() {
        let mut probes = Probes::new(2, false);
        probes.on_broadcast(1, 7, ms(0));
        probes.on_handed(0, ms(1), &line("[7]"));
        assert_eq!(probes.next_due(), None);
        let mut found = Vec::new();
        probes.on_values(0, ms(90), false, &[7], &mut found);
        assert_eq!(found, [(7, ms(90))]);
    }
}
