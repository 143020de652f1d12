//! How long it takes to judge a run that is over.
//!
//! ```text
//! cargo bench -p gossiper-lab --bench judge
//! ```
//!
//! 25 workers in turn read all values but the newest few, and before every other read a value is
//! broadcast. Prints values, reads and the time of the judgement.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::time::Instant as Clock;

use gossiper_core::Instant;
use gossiper_lab::history::{Call, History, Outcome};
use gossiper_lab::verdict::{Terms, judge};

const WORKERS: u32 = 25;

const NODES: u32 = 5;

fn main() {
    println!("{:>8}  {:>8}  {:>8}", "values", "reads", "seconds");
    for reads in [4000, 100_000] {
        let history = long_run(reads);
        let start = Clock::now();
        let judgement = judge(&history, &[], Terms::default());
        let took = start.elapsed().as_secs_f64();
        println!("{:>8}  {reads:>8}  {took:>8.3}", judgement.values.len());
    }
}

/// A run in which worker i lacks the newest i values whenever it reads.
fn long_run(reads: u32) -> History {
    let mut history = History::new((0..NODES).map(|node| format!("n{node}")).collect());
    let mut values = Vec::new();
    for step in 0..reads {
        let at = Instant(u64::from(step) * 1_000_000);
        let worker = step % WORKERS;
        let node = worker % NODES;
        if step % 2 == 0 {
            let value = history.broadcasts();
            values.push(i64::from(value));
            history.invoke(at, worker, node, Call::Broadcast(value)).expect("in order");
            history.complete(at, worker, Outcome::Ok).expect("in order");
        }
        let seen = values.len().saturating_sub(worker as usize);
        history.invoke(at, worker, node, Call::Read).expect("in order");
        history.complete_read(at, worker, &values[..seen]).expect("in order");
    }
    history
}
