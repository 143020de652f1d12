//! What the network and the faults of a run allowed, as far as the ideal needs it.

use std::time::Duration;

use gossiper_core::Instant;

/// Spans of time, sorted and apart, from the first moment to before the last.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Spans(Vec<(Instant, Instant)>);

/// The end of a span that has not ended.
const OPEN: Instant = Instant(u64::MAX);

impl Spans {
    fn begin(&mut self, at: Instant) {
        if self.0.last().is_none_or(|&(_, end)| end != OPEN) {
            self.0.push((at, OPEN));
        }
    }

    fn end(&mut self, at: Instant) {
        if let Some(last) = self.0.last_mut().filter(|(_, end)| *end == OPEN) {
            last.1 = at;
        }
    }

    /// The first moment from `at` on outside of all spans; nothing if the last does not end.
    pub(super) fn leave(&self, at: Instant) -> Option<Instant> {
        let next = self.0.partition_point(|&(_, end)| end <= at);
        // Spans are apart, save where one begins when another ends.
        let mut at = at;
        for &(begin, end) in &self.0[next..] {
            if at < begin {
                break;
            }
            at = end;
        }
        (at != OPEN).then_some(at)
    }

    /// The beginning of the first span that begins at `at` or later.
    pub(super) fn next_begin(&self, at: Instant) -> Instant {
        let next = self.0.partition_point(|&(begin, _)| begin < at);
        self.0.get(next).map_or(OPEN, |&(begin, _)| begin)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Instant, Instant)> {
        self.0.iter().copied()
    }

    fn is_in_the_last(&self) -> bool {
        self.0.last().is_some_and(|&(_, end)| end == OPEN)
    }
}

/// The faults of a run, told in the order of time: nodes down and paused, links cut, and the mean
/// latency. Nodes are numbered from 0; a number beyond the run's nodes is a panic. To say that
/// something begins that has begun, or ends that has not, changes nothing. Takes 24 bytes for each
/// ordered pair of nodes and 16 for each span.
#[derive(Clone, Debug)]
pub struct Conditions {
    nodes: u32,
    down: Vec<Spans>,
    paused: Vec<Spans>,
    /// Row by row: from, to.
    cut: Vec<Spans>,
    /// Mean latencies, each from a moment on; the first from the start.
    latencies: Vec<(Instant, Duration)>,
}

impl Conditions {
    /// A run of `nodes` nodes without faults and with this mean latency between any two.
    pub fn new(nodes: u32, mean_latency: Duration) -> Self {
        let count = nodes as usize;
        Self {
            nodes,
            down: vec![Spans::default(); count],
            paused: vec![Spans::default(); count],
            cut: vec![Spans::default(); count * count],
            latencies: vec![(Instant::START, mean_latency)],
        }
    }

    /// How many nodes the run has.
    pub fn nodes(&self) -> u32 {
        self.nodes
    }

    /// A node is killed, and its copies with it. A pause ends with the process.
    pub fn kill(&mut self, node: u32, at: Instant) {
        self.resume(node, at);
        self.down[node as usize].begin(at);
    }

    /// A killed node is started again, empty.
    pub fn restart(&mut self, node: u32, at: Instant) {
        self.down[node as usize].end(at);
    }

    /// A node stands still.
    pub fn pause(&mut self, node: u32, at: Instant) {
        self.paused[node as usize].begin(at);
    }

    /// It goes on.
    pub fn resume(&mut self, node: u32, at: Instant) {
        self.paused[node as usize].end(at);
    }

    /// What `from` sends to `to` is dropped from now on.
    pub fn cut(&mut self, from: u32, to: u32, at: Instant) {
        let link = self.link(from, to);
        self.cut[link].begin(at);
    }

    /// It is carried again.
    pub fn join(&mut self, from: u32, to: u32, at: Instant) {
        let link = self.link(from, to);
        self.cut[link].end(at);
    }

    /// The mean latency from now on, of what is sent from now on.
    pub fn set_mean_latency(&mut self, latency: Duration, at: Instant) {
        self.latencies.push((at, latency));
    }

    /// Whether the node takes part at the end of the run: it is neither down nor paused.
    pub fn is_live_at_end(&self, node: u32) -> bool {
        let node = node as usize;
        !self.down[node].is_in_the_last() && !self.paused[node].is_in_the_last()
    }

    /// Whether the node is down as far as has been told.
    pub(super) fn is_down(&self, node: u32) -> bool {
        self.down[node as usize].is_in_the_last()
    }

    pub(super) fn down(&self, node: u32) -> &Spans {
        &self.down[node as usize]
    }

    pub(super) fn paused(&self, node: u32) -> &Spans {
        &self.paused[node as usize]
    }

    pub(super) fn cut_of(&self, from: u32, to: u32) -> &Spans {
        &self.cut[self.link(from, to)]
    }

    /// The mean latencies in force from `at` on: each with the span it is in force.
    pub(super) fn latencies(
        &self,
        at: Instant,
    ) -> impl Iterator<Item = (Instant, Instant, Duration)> {
        let first = self.latencies.partition_point(|&(from, _)| from <= at).max(1) - 1;
        (first..self.latencies.len()).map(|place| {
            let (from, latency) = self.latencies[place];
            let until = self.latencies.get(place + 1).map_or(OPEN, |&(next, _)| next);
            (from, until, latency)
        })
    }

    fn link(&self, from: u32, to: u32) -> usize {
        assert!(from < self.nodes && to < self.nodes, "the run has {} nodes", self.nodes);
        from as usize * self.nodes as usize + to as usize
    }
}
