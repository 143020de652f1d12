//! What a host saw of its nodes that no operation's end can tell.

use std::collections::HashMap;
use std::fmt;
use std::mem::{Discriminant, discriminant};

use crate::text;

/// Longest part shown of what a node printed, in characters.
const SHOWN_CHARS_MAX: usize = 200;

/// What Maelstrom offers its nodes to store things in.
const SERVICES: [&str; 4] = ["lin-kv", "lin-tso", "lww-kv", "seq-kv"];

/// What a node did wrong. Maelstrom stops reading a node after a line that it cannot use and may
/// let the run pass; to whoever wrote the node that hides the mistake.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum What {
    /// It gave an invalid answer: of the wrong type, without its fields, to nothing that was
    /// asked, or given twice.
    NotAnAnswer {
        /// What is wrong with it, to stand after a colon.
        cause: String,
    },
    /// It printed a line that is not a JSON message.
    NotJson {
        /// The line.
        line: String,
    },
    /// It sent a message to a node that does not exist.
    ToNobody {
        /// The address.
        dest: String,
    },
    /// It sent a message as if another had sent it.
    FalseSource {
        /// Whom the message names as its sender.
        src: String,
    },
    /// Its process ended by itself.
    Exited {
        /// How: "exit code 1", "signal 11".
        status: String,
    },
    /// It sent a message when as many waited for the receiver as the network holds.
    Flooded,
}

impl What {
    /// With the text cut to what is shown, which a terminal does not obey.
    fn cut(mut self) -> Self {
        if let Self::NotAnAnswer { cause: text }
        | Self::NotJson { line: text }
        | Self::ToNobody { dest: text }
        | Self::FalseSource { src: text }
        | Self::Exited { status: text } = &mut self
        {
            *text = text::cut(text, SHOWN_CHARS_MAX);
        }
        self
    }
}

/// One kind of misconduct of one node: the first case, and how many there were. It makes a run
/// invalid. Shown as a sentence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Misconduct {
    node: String,
    what: What,
    times: u64,
}

impl Misconduct {
    /// The node's name.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// What it did the first time. Of what it printed the first 200 characters, with control
    /// characters as escapes.
    pub fn what(&self) -> &What {
        &self.what
    }

    /// How often it did so, the first time included.
    pub fn times(&self) -> u64 {
        self.times
    }

    /// Whether the node ended by itself, for which the command ends as after a crash, with 255.
    pub fn is_crash(&self) -> bool {
        matches!(self.what, What::Exited { .. })
    }
}

impl fmt::Display for Misconduct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.node)?;
        match &self.what {
            What::NotAnAnswer { cause } => write!(f, " gave an invalid answer: {cause}")?,
            What::NotJson { line } => {
                write!(f, " printed a line that is not a JSON message: \"{line}\"")?;
            }
            What::ToNobody { dest } => {
                write!(f, " sent a message to {dest}, which does not exist")?;
                if SERVICES.contains(&dest.as_str()) {
                    f.write_str(": this workbench does not offer Maelstrom's services")?;
                }
            }
            What::FalseSource { src } => write!(f, " sent a message in the name of {src}")?,
            What::Exited { status } => write!(f, " ended by itself: {status}")?,
            What::Flooded => {
                f.write_str(" sent a message that the network had no room left for")?
            }
        }
        match self.times {
            0 | 1 => f.write_str("."),
            times => write!(f, " (and {} more like it).", times - 1),
        }
    }
}

/// All misconduct of a run. However often nodes misbehave, it takes room only for the first case
/// of each kind of each node, some hundred bytes and 2 KB at most.
#[derive(Clone, Debug, Default)]
pub struct Misconducts {
    list: Vec<Misconduct>,
    /// By node and kind: the place in the list.
    places: HashMap<String, HashMap<Discriminant<What>, usize>>,
}

impl Misconducts {
    /// Takes down what a node did. Gives the entry if this is the first case of its kind.
    pub fn note(&mut self, node: &str, what: What) -> Option<&Misconduct> {
        let kind = discriminant(&what);
        if let Some(&place) = self.places.get(node).and_then(|kinds| kinds.get(&kind)) {
            self.list[place].times += 1;
            return None;
        }
        self.places.entry(node.to_owned()).or_default().insert(kind, self.list.len());
        self.list.push(Misconduct { node: node.to_owned(), what: what.cut(), times: 1 });
        self.list.last()
    }

    /// One entry for each kind of each node, in the order of their first cases.
    pub fn list(&self) -> &[Misconduct] {
        &self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentences(misconducts: &Misconducts) -> Vec<String> {
        misconducts.list().iter().map(Misconduct::to_string).collect()
    }

    #[test]
    fn each_kind_has_its_sentence() {
        let mut misconducts = Misconducts::default();
        for what in [
            What::NotAnAnswer { cause: "read_ok without messages".into() },
            What::NotJson { line: "hello".into() },
            What::ToNobody { dest: "n99".into() },
            What::FalseSource { src: "n4".into() },
            What::Exited { status: "exit code 1".into() },
            What::Flooded,
        ] {
            misconducts.note("n3", what);
        }
        assert_eq!(
            sentences(&misconducts),
            [
                "n3 gave an invalid answer: read_ok without messages.",
                "n3 printed a line that is not a JSON message: \"hello\".",
                "n3 sent a message to n99, which does not exist.",
                "n3 sent a message in the name of n4.",
                "n3 ended by itself: exit code 1.",
                "n3 sent a message that the network had no room left for.",
            ]
        );
        let crashes: Vec<bool> = misconducts.list().iter().map(Misconduct::is_crash).collect();
        assert_eq!(crashes, [false, false, false, false, true, false]);
    }

    #[test]
    fn what_maelstrom_offers_and_this_does_not_is_named() {
        let mut misconducts = Misconducts::default();
        misconducts.note("n3", What::ToNobody { dest: "seq-kv".into() });
        let expected = "n3 sent a message to seq-kv, which does not exist: this workbench does not \
                        offer Maelstrom's services.";
        assert_eq!(sentences(&misconducts), [expected]);
    }

    #[test]
    fn the_first_of_each_kind_and_node_is_kept_and_the_rest_counted() {
        let mut misconducts = Misconducts::default();
        for step in 0..53 {
            misconducts.note("n3", What::ToNobody { dest: format!("x{step}") });
            misconducts.note("n4", What::Flooded);
        }
        misconducts.note("n4", What::ToNobody { dest: "y".into() });
        assert_eq!(
            sentences(&misconducts),
            [
                "n3 sent a message to x0, which does not exist (and 52 more like it).",
                "n4 sent a message that the network had no room left for (and 52 more like it).",
                "n4 sent a message to y, which does not exist.",
            ]
        );
        let first = &misconducts.list()[0];
        assert_eq!((first.node(), first.times()), ("n3", 53));
        assert_eq!(first.what(), &What::ToNobody { dest: "x0".into() });
    }

    #[test]
    fn what_a_node_printed_is_cut_and_does_nothing_to_a_terminal() {
        let mut misconducts = Misconducts::default();
        misconducts.note("n0", What::NotJson { line: "\u{1b}[2J".to_owned() + &"x".repeat(1000) });
        let expected = format!(
            "n0 printed a line that is not a JSON message: \"\\u{{1b}}[2J{}… (1004 bytes)\".",
            "x".repeat(196)
        );
        assert_eq!(sentences(&misconducts), [expected]);
    }
}
