//! What can be said on the command line. The comments are the help texts.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use gossiper_maelstrom::{Mechanism, Strategy};
use log::LevelFilter;

use crate::sim::SimArgs;
use crate::test::TestArgs;

/// What stands below the help of commands with times.
pub(crate) const TIMES: &str = "A TIME has a unit, as in 100ms, 2s or 1m.";

/// Broadcast without a broker: a tree for speed, gossip for certainty.
///
/// A value given to any node of a cluster reaches every node. The nodes speak Maelstrom's
/// protocol: one JSON object a line, on stdin and stdout.
#[derive(Parser, Debug)]
#[command(name = "gossiper", version, max_term_width = 100, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    Test(TestArgs),
    Sim(SimArgs),
    Node(NodeArgs),
    Check(CheckArgs),
}

/// Run one node on stdin and stdout
///
/// The node answers one JSON object a line with one JSON object a line, and logs to stderr. It
/// ends with exit code 0 when stdin ends.
///
/// Try it by hand; this starts a cluster of one, gives it a value, and asks for all values:
///
///   {"src":"c1","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}}
///   {"src":"c1","dest":"n1","body":{"type":"broadcast","msg_id":2,"message":42}}
///   {"src":"c1","dest":"n1","body":{"type":"read","msg_id":3}}
///
/// How a value spreads: with a `topology` that is a tree, along that tree, each hop acknowledged;
/// with a topology that has cycles, along a tree that all nodes compute alike, in batches at a
/// pace; without one, to random peers. A neighbor that does not acknowledge is gone around. Every
/// gossip interval the node compares what it knows with a few random peers, unless all its
/// neighbors are known to hold the same, and both get what they lack.
#[derive(Args, Debug)]
#[command(verbatim_doc_comment, after_help = TIMES)]
pub(crate) struct NodeArgs {
    /// How values spread
    #[arg(long, value_enum, default_value_t = StrategyArg::Hybrid)]
    pub(crate) strategy: StrategyArg,

    /// Peers per random push and per gossip round, at least 1
    ///
    /// More reach everyone in fewer rounds, for as many messages more. More than there are peers
    /// means all. A `configure` message changes it later.
    #[arg(long, value_name = "K", default_value_t = 2, value_parser = positive)]
    pub(crate) fanout: usize,

    /// Time between two gossip rounds, at least 1ms
    ///
    /// Shorter repairs sooner and costs more messages while nothing happens. A `configure` message
    /// changes it later.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration)]
    pub(crate) gossip_interval: Duration,

    /// How long a forward may stay unacknowledged before it goes around, at least 1ms
    ///
    /// It should be at least twice a round trip between two nodes: shorter means needless
    /// messages, longer a later repair.
    #[arg(long, value_name = "TIME", default_value = "500ms", value_parser = duration)]
    pub(crate) ack_timeout: Duration,

    /// Time between two pushes to a neighbor; 0s means straight to all
    ///
    /// Where the nodes compute the tree, values that come in between go together in one message.
    /// Longer costs fewer messages and delays values by as much. With 0s every node pushes what it
    /// is given straight to all others: the fastest, for n-1 messages a value.
    #[arg(long, value_name = "TIME", default_value = "100ms", value_parser = duration_or_zero)]
    pub(crate) pace: Duration,

    /// Switch a mechanism off, to see what it buys; several with commas, or one by one
    ///
    /// No value is invented or delivered twice whatever is off, but values may come late, cost
    /// more, or stay missing where messages are lost. docs/mechanisms.md has the figures.
    #[arg(long, value_enum, value_name = "NAME", value_delimiter = ',')]
    pub(crate) without: Vec<MechanismArg>,

    /// Fix every random choice; each node of a cluster still draws its own peers
    ///
    /// Without it the seed is drawn at random, and logged.
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,

    /// What to log to stderr
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = LevelArg::Info)]
    pub(crate) log_level: LevelArg,
}

/// Play transcripts to a node program and compare what it prints
///
/// Each case runs on a fresh process, in order. A case that fails is shown with the step, the
/// difference and the last lines of stderr. Exit code 0: all passed; 1: one failed; 2: the files
/// or arguments are no good, or nothing was played.
///
/// The format of the files is described in cases/README.md.
#[derive(Args, Debug)]
#[command(after_help = TIMES)]
pub(crate) struct CheckArgs {
    /// Files of cases, played in this order
    #[arg(required = true, value_name = "CASES.json")]
    pub(crate) files: Vec<PathBuf>,

    /// The node program, with its arguments; without it, this program's own node
    ///
    /// It is split as a shell would split it, but no shell runs it.
    #[arg(long, value_name = "CMD")]
    pub(crate) bin: Option<String>,

    /// Further arguments for the node program
    #[arg(last = true, value_name = "ARGS")]
    pub(crate) args: Vec<String>,

    /// Compare byte for byte instead of by JSON value
    #[arg(long)]
    pub(crate) bytes: bool,

    /// Play only cases whose task or name contains this
    #[arg(long, value_name = "TEXT")]
    pub(crate) filter: Option<String>,

    /// How long a case may take that has no limit of its own
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub(crate) time_limit: Duration,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
pub(crate) enum StrategyArg {
    /// To all neighbors at once, unacknowledged; what links lose is lost
    Flood,
    /// Along a tree, acknowledged, and around a silent neighbor
    Tree,
    /// To random peers, then rounds of gossip
    Gossip,
    /// Along a tree, acknowledged, then rounds of gossip
    Hybrid,
}

impl From<StrategyArg> for Strategy {
    fn from(arg: StrategyArg) -> Self {
        match arg {
            StrategyArg::Flood => Self::Flood,
            StrategyArg::Tree => Self::Tree,
            StrategyArg::Gossip => Self::Gossip,
            StrategyArg::Hybrid => Self::Hybrid,
        }
    }
}

/// The names are the core's own, which a test sees to.
#[derive(ValueEnum, Clone, Copy, Debug)]
pub(crate) enum MechanismArg {
    /// A new value is pushed at once; without it, rounds alone spread values
    Push,
    /// Silent neighbors are gone around or passed over; without it, rounds make up for them
    Fallback,
    /// Timed gossip; without it, what the rest misses stays missing
    Rounds,
    /// Nodes compare first and send what is missing; without it, a round sends all values
    Digest,
    /// Links move from the plain messages to gossiper's own; without it, none do
    Dialect,
    /// Paced batches on a computed tree; without it, values go at once and alone
    Relay,
    /// Acknowledgements wait for a batch to ride on; without it, each goes alone at once
    Riding,
    /// Lost batches are told and sent again; without it, nodes must be seen to differ
    Repair,
    /// Neighbors that stay different compare; without it, that waits for a round
    Comparison,
    /// Rounds are skipped while all neighbors agree; without it, each is made
    Skipping,
}

impl From<MechanismArg> for Mechanism {
    fn from(arg: MechanismArg) -> Self {
        match arg {
            MechanismArg::Push => Self::Push,
            MechanismArg::Fallback => Self::Fallback,
            MechanismArg::Rounds => Self::Rounds,
            MechanismArg::Digest => Self::Digest,
            MechanismArg::Dialect => Self::Dialect,
            MechanismArg::Relay => Self::Relay,
            MechanismArg::Riding => Self::Riding,
            MechanismArg::Repair => Self::Repair,
            MechanismArg::Comparison => Self::Comparison,
            MechanismArg::Skipping => Self::Skipping,
        }
    }
}

#[derive(ValueEnum, Clone, Copy, Debug)]
pub(crate) enum LevelArg {
    /// Nothing
    Off,
    /// What keeps the node from going on
    Error,
    /// Besides: lines that make no sense, failed deliveries
    Warn,
    /// Besides: the start and the end
    Info,
    /// Besides: every refused request
    Debug,
}

impl From<LevelArg> for LevelFilter {
    fn from(arg: LevelArg) -> Self {
        match arg {
            LevelArg::Off => Self::Off,
            LevelArg::Error => Self::Error,
            LevelArg::Warn => Self::Warn,
            LevelArg::Info => Self::Info,
            LevelArg::Debug => Self::Debug,
        }
    }
}

pub(crate) fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("it must be at least 1".into()),
        Ok(number) => Ok(number),
        Err(_) => Err("it must be a whole number from 1 on, such as 2".into()),
    }
}

pub(crate) fn duration_or_zero(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    humantime::parse_duration(text)
        .map_err(|error| format!("{error}; write a time such as 100ms, or 0s for none"))
}

pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text)
        .map_err(|error| format!("{error}; write a time such as 500ms, 2s or 1m"))?;
    if duration < Duration::from_millis(1) {
        return Err("it must be at least 1ms".into());
    }
    Ok(duration)
}

/// The command that repeats a run: what was typed, and the seed if there is one that was not.
pub(crate) fn command_line(seed: Option<u64>) -> String {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let has_seed = words[..end].iter().any(|word| word == "--seed" || word.starts_with("--seed="));
    if let Some(seed) = seed.filter(|_| !has_seed) {
        words.splice(end..end, ["--seed".to_owned(), seed.to_string()]);
    }
    words.insert(0, "gossiper".into());
    shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_mechanism_can_be_switched_off_by_its_name() {
        let named = MechanismArg::value_variants().iter().map(|&arg| {
            let name = arg.to_possible_value().expect("none is hidden");
            let mechanism = Mechanism::from(arg);
            assert_eq!(name.get_name(), mechanism.name());
            mechanism
        });
        assert!(named.eq(Mechanism::ALL));
        let args = ["gossiper", "node", "--without", "relay,rounds", "--without", "push"];
        let Command::Node(node) = Cli::parse_from(args).command else { panic!("it is the node") };
        let without: Vec<Mechanism> = node.without.into_iter().map(Mechanism::from).collect();
        assert_eq!(without, [Mechanism::Relay, Mechanism::Rounds, Mechanism::Push]);
    }

    #[test]
    fn times_are_at_least_a_millisecond_and_fanouts_at_least_one() {
        assert_eq!(duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert!(duration("999us").is_err() && duration("0s").is_err() && duration("5").is_err());
        assert_eq!(positive("3"), Ok(3));
        assert!(positive("0").is_err() && positive("-1").is_err() && positive("x").is_err());
    }
}
