//! What else there is to say of a run, in sentences that change no verdict.

use serde::Deserialize;

use super::{CLIENT_TIMEOUT, Run};
use crate::load::Workload;
use crate::propagation::Spread;
use crate::text;

/// Nodes that are named in a sentence, beyond which they are only counted.
const NODES_NAMED: usize = 10;
/// Different errors that are told; of more, none.
const ERRORS_TOLD: usize = 5;
/// Longest text of an error that is shown, in characters.
const ERROR_CHARS_MAX: usize = 200;
/// Messages for each value, as a multiple of the square of the number of nodes, at which something
/// is wrong: a flood over all links takes less than one.
const STORM_FACTOR: u64 = 4;

/// An error that a node answered with, the first of its kind, and how often.
#[derive(Clone, Debug)]
struct ErrorReply {
    node: usize,
    asked: &'static str,
    code: Option<i64>,
    text: String,
    times: u64,
}

/// The errors that nodes answered with.
#[derive(Clone, Debug, Default)]
pub(super) struct ErrorReplies(Vec<ErrorReply>);

impl ErrorReplies {
    /// Notes that an operation was answered with an error. Of a node, a request and a code the
    /// first is kept, and of those as many as are told.
    pub(super) fn note(&mut self, node: usize, asked: &'static str, body: &str) {
        #[derive(Deserialize)]
        struct Body {
            code: Option<i64>,
            text: Option<String>,
        }
        let (code, text) = match serde_json::from_str::<Body>(body) {
            Ok(body) => (body.code, body.text.unwrap_or_default()),
            Err(_) => (None, body.to_owned()),
        };
        let mut known = self.0.iter_mut();
        if let Some(known) = known.find(|e| e.node == node && e.asked == asked && e.code == code) {
            known.times += 1;
        } else if self.0.len() < ERRORS_TOLD {
            let text = text::cut(&text, ERROR_CHARS_MAX);
            self.0.push(ErrorReply { node, asked, code, text, times: 1 });
        }
    }
}

impl Run {
    /// The sentences, the most telling first.
    pub(super) fn remarks(&self, spreads: &[Spread]) -> Vec<String> {
        let mut remarks: Vec<String> =
            self.errors.0.iter().map(|error| self.error_text(error)).collect();
        remarks.extend(self.unanswered_text());
        remarks.extend(self.incomplete_text(spreads));
        remarks.extend(self.traffic_text());
        remarks
    }

    fn error_text(&self, error: &ErrorReply) -> String {
        let ErrorReply { node, asked, code, text, times } = error;
        let name = &self.config.nodes[*node];
        let code = code.map_or("without a code".to_owned(), |code| code.to_string());
        let text = if text.is_empty() { String::new() } else { format!(" \"{text}\"") };
        let more = match times {
            1 => String::new(),
            times => format!(" (and {} more like it)", times - 1),
        };
        format!("{name} answered `{asked}` with error {code}{text}{more}.")
    }

    /// Which nodes left operations unanswered.
    fn unanswered_text(&self) -> Option<String> {
        let nodes = self.unanswered.iter().zip(0..).filter(|&(&count, _)| count > 0);
        let silent: Vec<usize> = nodes.map(|(_, node)| node).collect();
        let operations: u32 = self.unanswered.iter().sum();
        let s = if operations == 1 { "" } else { "s" };
        (operations > 0).then(|| {
            format!(
                "{} did not answer {operations} operation{s} within {} s.",
                self.named(&silent),
                CLIENT_TIMEOUT.as_secs()
            )
        })
    }

    /// Which live nodes were never seen to have how many values. Set-full does not ask: of the
    /// final reads only the last decides.
    fn incomplete_text(&self, spreads: &[Spread]) -> Option<String> {
        let is_told = self.cut.is_none() && self.config.workload == Workload::Broadcast;
        // What died with its node nobody can have.
        let incomplete = spreads.iter().filter(|s| s.propagation_ms.is_none() && !s.is_orphaned);
        let incomplete: Vec<&Spread> = incomplete.collect();
        if !is_told || incomplete.is_empty() {
            return None;
        }
        let mut lacking = vec![0_u64; self.config.nodes.len()];
        for spread in &incomplete {
            for (node, arrival) in self.propagation.arrivals(spread.value).enumerate() {
                lacking[node] += u64::from(arrival.is_none());
            }
        }
        let mut nodes: Vec<usize> = (0..lacking.len())
            .filter(|&node| lacking[node] > 0 && self.propagation.is_live_at_end(node as u32))
            .collect();
        nodes.sort_by_key(|&node| (std::cmp::Reverse(lacking[node]), node));
        let named = nodes.iter().take(NODES_NAMED);
        let named: Vec<String> = named
            .map(|&node| format!("{} lacks {}", self.config.nodes[node], lacking[node]))
            .collect();
        let more = match nodes.len().saturating_sub(NODES_NAMED) {
            0 => String::new(),
            more => format!(" and {more} more nodes lack some"),
        };
        Some(format!(
            "{} of {} values were never seen at every live node: {}{more}.",
            incomplete.len(),
            spreads.len(),
            named.join(", ")
        ))
    }

    /// Far too many messages, or none.
    fn traffic_text(&self) -> Option<String> {
        let (nodes, values) =
            (self.config.nodes.len() as u64, u64::from(self.history.broadcasts()));
        let messages = self.journal.servers.messages;
        if nodes < 2 || values == 0 {
            None
        } else if messages == 0 {
            Some("The nodes sent each other no message.".into())
        } else if messages > STORM_FACTOR * nodes * nodes * (values + nodes) {
            Some(format!(
                "The nodes sent {messages} messages for {values} values. Do they forward what \
                 they have had before?"
            ))
        } else {
            None
        }
    }

    fn named(&self, nodes: &[usize]) -> String {
        let names: Vec<&str> =
            nodes.iter().take(NODES_NAMED).map(|&node| &*self.config.nodes[node]).collect();
        match nodes.len().saturating_sub(NODES_NAMED) {
            0 => names.join(", "),
            more => format!("{} and {more} more nodes", names.join(", ")),
        }
    }
}
