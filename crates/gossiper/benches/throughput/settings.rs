//! The command line, and the sizes of everything that is measured.

use crate::Failure;

pub(crate) const USAGE: &str = "\
usage: cargo bench -p gossiper --bench throughput [-- OPTIONS]
  --rounds N       measured rounds after the warm-up (5)
  --broadcasts N   broadcasts in a round, and values in the memory figure (1000000)";

/// The argument with which the benchmark starts itself as the simplest loop.
pub(crate) const SIMPLEST_NODE: &str = "--simplest-node";

/// What this process has been started for.
pub(crate) enum Mode {
    Measure(Settings),
    SimplestNode,
    Help,
}

/// How much of everything is measured.
pub(crate) struct Settings {
    /// Measured rounds of the throughput table. An odd number has a true median.
    pub(crate) rounds: usize,
    /// Rounds before those, which bring programs and files into the caches.
    pub(crate) warm_up_rounds: usize,
    pub(crate) broadcasts: u64,
    /// Broadcasts sent one at a time for the latency table.
    pub(crate) pings: u64,
    /// Values that each `read` lists.
    pub(crate) read_values: u64,
    pub(crate) read_batches: usize,
    /// Reads in a batch: enough of them that starting a batch costs nothing beside it.
    pub(crate) reads_per_batch: usize,
    /// Whether this is the small run that only shows that everything works.
    pub(crate) is_trial: bool,
}

impl Settings {
    fn full() -> Self {
        Self {
            rounds: 5,
            warm_up_rounds: 1,
            broadcasts: 1_000_000,
            pings: 20_000,
            read_values: 100_000,
            read_batches: 10,
            reads_per_batch: 20,
            is_trial: false,
        }
    }

    fn trial() -> Self {
        Self {
            rounds: 1,
            warm_up_rounds: 0,
            broadcasts: 5_000,
            pings: 200,
            read_values: 1_000,
            read_batches: 2,
            reads_per_batch: 5,
            is_trial: true,
        }
    }
}

impl Mode {
    /// Reads the arguments after the program's name.
    pub(crate) fn from_args(args: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let args: Vec<String> = args.collect();
        let is_bench = args.iter().any(|arg| arg == "--bench");
        let mut settings = if is_bench { Settings::full() } else { Settings::trial() };
        let mut rest = args.iter();
        while let Some(arg) = rest.next() {
            match arg.as_str() {
                "--bench" => {}
                SIMPLEST_NODE => return Ok(Self::SimplestNode),
                "-h" | "--help" => return Ok(Self::Help),
                "--rounds" => settings.rounds = count(arg, rest.next())?,
                "--broadcasts" => settings.broadcasts = count(arg, rest.next())?,
                _ => return Err(format!("unknown argument {arg:?}\n{USAGE}").into()),
            }
        }
        Ok(Self::Measure(settings))
    }
}

/// The positive number that follows `option`.
fn count<N: TryFrom<u64>>(option: &str, text: Option<&String>) -> Result<N, Failure> {
    text.and_then(|text| text.parse::<u64>().ok())
        .filter(|&number| number > 0)
        .and_then(|number| N::try_from(number).ok())
        .ok_or_else(|| format!("{option} needs a whole number above 0\n{USAGE}").into())
}
