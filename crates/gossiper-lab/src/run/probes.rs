//! When each node had which values: found by asking it.
//!
//! The nodes' messages may be in any encoding, so what they carry is not known. After a node has
//! been handed messages of its peers it is asked to `read`, at most once in an interval, and never
//! before it has answered the last time. A value that the answer shows for the first time came with
//! one of the messages handed over since: the first of them that names it, or, when none does (it
//! may be compressed), the last of them that was handed over before the question.
//!
//! A node that works on several messages at a time may answer a question before it has worked in
//! what came earlier. So after the last message a second question follows, and messages are looked
//! back on until two questions after them have been answered.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use gossiper_core::Instant;

use super::message::integers;
use crate::history::VALUES_MAX;

/// Shortest time between two questions to one node.
const INTERVAL_MIN: Duration = Duration::from_millis(20);
/// Questions a second to all nodes together, beyond which the interval grows. Each costs a node a
/// `read`; a large cluster shares one machine.
const PROBES_PER_S_MAX: u64 = 2_500;
/// Messages looked back on, of one node. Of more, the earliest are not held for the bringers of a
/// value.
const HANDED_MAX: usize = 4096;

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
    handed: VecDeque<Handed>,
    last_number: u64,
    /// The number of the last message before the last question, and before the one before that.
    asked_after: u64,
    asked_after_before: u64,
    asked_at: Option<Instant>,
    is_asked: bool,
    paused_since: Option<Instant>,
    due: Option<Instant>,
    /// Questions that are to follow.
    wanted: u8,
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
        let probed = &mut self.nodes[node];
        probed.last_number += 1;
        if probed.handed.len() == HANDED_MAX {
            probed.handed.pop_front();
        }
        let line = Arc::clone(line);
        probed.handed.push_back(Handed { number: probed.last_number, at, line });
        probed.wanted = 2;
        self.plan(node, at);
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
        probed.wanted = probed.wanted.saturating_sub(1);
        probed.asked_after_before = probed.asked_after;
        probed.asked_after = probed.last_number;
        Some(node)
    }

    /// The node has answered.
    pub(super) fn on_answered(&mut self, node: usize, now: Instant) {
        let probed = &mut self.nodes[node];
        let before = probed.asked_after_before;
        while probed.handed.front().is_some_and(|handed| handed.number <= before) {
            probed.handed.pop_front();
        }
        self.on_given_up(node, now);
    }

    /// The question is not waited for any longer. What was handed over is still looked back on.
    pub(super) fn on_given_up(&mut self, node: usize, now: Instant) {
        self.nodes[node].is_asked = false;
        self.plan(node, now);
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
        self.nodes[node] = Probed::default();
    }

    /// A value was broadcast to the node by a client.
    pub(super) fn on_broadcast(&mut self, node: usize, value: u32) {
        self.nodes[node].note(value);
    }

    /// The node has shown these values, in answer to a question of the lab's or to a client.
    /// Appends to `found` those it is seen to have for the first time, each with the moment at
    /// which it came.
    pub(super) fn on_values(
        &mut self,
        node: usize,
        now: Instant,
        is_probe: bool,
        values: &[i64],
        found: &mut Vec<(i64, Instant)>,
    ) {
        let probed = &mut self.nodes[node];
        let until = if is_probe { probed.asked_after } else { probed.last_number };
        let first = found.len();
        for &value in values {
            if u32::try_from(value).is_ok_and(|value| value < VALUES_MAX && probed.note(value)) {
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
            found.iter_mut().map(|(value, at)| (*value, at)).collect();
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

    /// Plans the next question if one is wanted and none is out.
    fn plan(&mut self, node: usize, now: Instant) {
        let probed = &mut self.nodes[node];
        if !self.is_on || probed.is_asked || probed.due.is_some() || probed.wanted == 0 {
            return;
        }
        let due = probed.asked_at.map_or(now, |asked| now.max(asked + self.interval));
        probed.due = Some(due);
        self.due.insert((due, node));
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

    fn found(probes: &mut Probes, at: u64, values: &[i64]) -> Vec<(i64, Instant)> {
        let mut found = Vec::new();
        probes.on_values(0, ms(at), true, values, &mut found);
        probes.on_answered(0, ms(at));
        found
    }

    #[test]
    fn a_message_causes_a_question_at_once_and_one_more_an_interval_later() {
        let mut probes = Probes::new(1, true);
        probes.on_handed(0, ms(5), &line("[1]"));
        assert_eq!(probes.take_due(ms(5)), Some(0));
        assert_eq!(probes.next_due(), None, "one question at a time");
        probes.on_answered(0, ms(6));
        assert_eq!(probes.next_due(), Some(ms(25)));
        assert_eq!(probes.take_due(ms(25)), Some(0));
        probes.on_answered(0, ms(26));
        assert_eq!(probes.next_due(), None);
        assert_eq!(probes.asked(), 2);
    }

    #[test]
    fn a_large_cluster_is_asked_less_often() {
        let mut probes = Probes::new(500, true);
        probes.on_handed(7, ms(0), &line(""));
        probes.take_due(ms(0));
        probes.on_answered(7, ms(1));
        assert_eq!(probes.next_due(), Some(ms(200)));
    }

    #[test]
    fn a_value_came_with_the_first_message_that_names_it() {
        let mut probes = Probes::new(1, true);
        probes.on_handed(0, ms(1), &line("[7]"));
        probes.take_due(ms(1));
        probes.on_handed(0, ms(3), &line("[8]"));
        probes.on_handed(0, ms(4), &line("[7,9]"));
        assert_eq!(found(&mut probes, 5, &[7]), [(7, ms(1))]);
        probes.take_due(ms(21));
        probes.on_handed(0, ms(22), &line("[8]"));
        assert_eq!(found(&mut probes, 23, &[7, 9, 8]), [(9, ms(4)), (8, ms(3))]);
    }

    #[test]
    fn a_value_that_no_message_names_came_with_the_last_before_the_question() {
        let mut probes = Probes::new(1, true);
        probes.on_handed(0, ms(1), &line("zip"));
        probes.on_handed(0, ms(2), &line("zap"));
        probes.take_due(ms(2));
        probes.on_handed(0, ms(3), &line("zop"));
        assert_eq!(found(&mut probes, 4, &[7]), [(7, ms(2))]);
    }

    #[test]
    fn a_value_that_came_without_a_message_came_when_it_was_seen() {
        let mut probes = Probes::new(1, true);
        assert_eq!(found(&mut probes, 4, &[7]), [(7, ms(4))]);
        assert!(found(&mut probes, 5, &[7, -1]).is_empty());
    }

    #[test]
    fn a_message_worked_in_late_is_found_by_the_second_question() {
        let mut probes = Probes::new(1, true);
        probes.on_handed(0, ms(1), &line("[7]"));
        probes.take_due(ms(1));
        assert!(found(&mut probes, 2, &[]).is_empty());
        probes.take_due(ms(21));
        assert_eq!(found(&mut probes, 22, &[7]), [(7, ms(1))]);
    }

    #[test]
    fn a_node_that_died_holds_nothing() {
        let mut probes = Probes::new(1, true);
        probes.on_broadcast(0, 3);
        probes.on_handed(0, ms(1), &line("[7]"));
        assert_eq!(probes.values(0), 1);
        probes.on_killed(0);
        assert_eq!((probes.values(0), probes.next_due()), (0, None));
        assert_eq!(found(&mut probes, 9, &[3]), [(3, ms(9))]);
    }

    #[test]
    fn switched_off_nothing_is_asked() {
        let mut probes = Probes::new(1, false);
        probes.on_handed(0, ms(1), &line("[7]"));
        assert_eq!(probes.next_due(), None);
    }
}
