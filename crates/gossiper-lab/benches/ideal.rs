//! How long it takes to tell how well a run's values could have spread.
//!
//! ```text
//! cargo bench -p gossiper-lab --bench ideal
//! ```
//!
//! 500 nodes, 2,000 values within 20 s, 100 ms between any two nodes, and faults at all times. For
//! each kind: how many values had an ideal, their mean ideal, and the time to find it.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::time::{Duration, Instant as Clock};

use gossiper_core::Instant;
use gossiper_lab::propagation::{Conditions, Propagation};
use gossiper_lab::seed::Stream;

const NODES: u32 = 500;

const VALUES: u32 = 2000;

/// How long values are broadcast, in ms.
const TIME_MS: u64 = 20_000;

/// Faults change this often, in ms.
const CHANGE_MS: u64 = 2000;

/// Makes a fault that lasts until the next change; the stream decides whom it meets.
type Trouble = fn(&mut Propagation, Instant, &mut Stream);

fn main() {
    println!("{:<24}  {:>6}  {:>10}  {:>8}", "faults", "values", "ideal, ms", "seconds");
    measure("none", |_, _, _| {});
    measure("one node alone", |run, at, stream| {
        let alone = stream.below(u64::from(NODES)) as u32;
        cut_links(run, at, |a, b| (a == alone) != (b == alone));
    });
    measure("halves", |run, at, stream| {
        let sides: Vec<bool> = (0..NODES).map(|_| stream.coin()).collect();
        cut_links(run, at, |a, b| sides[a as usize] != sides[b as usize]);
    });
    measure("half of the links", |run, at, stream| cut_links(run, at, |_, _| stream.coin()));
    measure("a third killed", |run, at, stream| {
        for node in third(stream) {
            run.kill(node, at);
        }
    });
    measure("a third paused", |run, at, stream| {
        for node in third(stream) {
            run.conditions_mut().pause(node, at);
        }
    });
    measure("all of these", |run, at, stream| {
        for node in third(stream) {
            run.kill(node, at);
        }
        for node in third(stream) {
            run.conditions_mut().pause(node, at);
        }
        cut_links(run, at, |_, _| stream.coin());
    });
}

fn third(stream: &mut Stream) -> Vec<u32> {
    (0..NODES).filter(|_| stream.below(3) == 0).collect()
}

/// Cuts links both ways.
fn cut_links(run: &mut Propagation, at: Instant, mut is_cut: impl FnMut(u32, u32) -> bool) {
    for a in 0..NODES {
        for b in a + 1..NODES {
            if is_cut(a, b) {
                run.conditions_mut().cut(a, b, at);
                run.conditions_mut().cut(b, a, at);
            }
        }
    }
}

fn heal(run: &mut Propagation, at: Instant) {
    for a in 0..NODES {
        run.restart(a, at);
        run.conditions_mut().resume(a, at);
        for b in 0..NODES {
            run.conditions_mut().join(a, b, at);
        }
    }
}

fn measure(name: &str, trouble: Trouble) {
    let mut stream = Stream::new(1, name);
    let mut run = Propagation::new(Conditions::new(NODES, Duration::from_millis(100)));
    let mut changes = 0;
    for value in 0..VALUES {
        let at_ms = u64::from(value) * TIME_MS / u64::from(VALUES);
        if changes * CHANGE_MS <= at_ms {
            let at = Instant(changes * CHANGE_MS * 1_000_000);
            heal(&mut run, at);
            trouble(&mut run, at, &mut stream);
            changes += 1;
        }
        run.broadcast(value, value % NODES, Instant(at_ms * 1_000_000));
    }
    heal(&mut run, Instant(TIME_MS * 1_000_000));
    let start = Clock::now();
    let spreads = run.spreads();
    let took = start.elapsed().as_secs_f64();
    let ideals: Vec<f64> = spreads.iter().filter_map(|spread| spread.ideal_ms).collect();
    let mean = ideals.iter().sum::<f64>() / ideals.len() as f64;
    println!("{name:<24}  {:>6}  {mean:>10.1}  {took:>8.3}", ideals.len());
}
