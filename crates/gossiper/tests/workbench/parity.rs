//! The virtual host beside the one with processes: one plan, the same verdict and figures.

use serde_json::Value;

use crate::command::{Finished, Running};

const FLAGS: [&str; 14] = [
    "--out",
    "out",
    "--node-count",
    "9",
    "--latency",
    "100",
    "--rate",
    "40",
    "--time-limit",
    "6",
    "--concurrency",
    "3n",
    "--seed",
    "11",
];

fn in_both_hosts(faults: &[&str]) -> [Finished; 2] {
    let flags = [&FLAGS[..], faults].concat();
    let real = Running::start(&flags);
    let played = Running::start(&[&flags[..], &["--virtual"]].concat()).finish();
    [real.finish(), played]
}

/// What clients begin in the main phase, in order.
fn operations(run: &Finished) -> Vec<(Value, Value)> {
    let events = run.lines("history.jsonl").into_iter().skip(1);
    let begun = events.filter(|event| event["type"] == "invoke");
    begun.map(|event| (event["f"].clone(), event["value"].clone())).take(200).collect()
}

/// A real node takes its time, and what that changes is who sends what along with what: a quarter
/// of a figure, and 50 ms, which are two pushes and a slow machine's delay.
fn expect_near(runs: &[Finished; 2], pointer: &str, slack: f64) {
    let [real, played] = runs.each_ref().map(|run| {
        let figure = run.results().pointer(pointer).and_then(Value::as_f64);
        figure.unwrap_or_else(|| panic!("no {pointer} in {run}"))
    });
    let most = real.max(played) * 0.25 + slack;
    assert!((real - played).abs() <= most, "{pointer}: {real} for real and {played} in memory");
}

#[test]
fn one_plan_has_the_same_verdict_and_figures_in_both_hosts() {
    let faults = [&[][..], &["--nemesis", "partition,loss", "--nemesis-interval", "2"]];
    for runs in faults.map(in_both_hosts) {
        let [real, played] = &runs;
        assert_eq!((real.code, played.code), (Some(0), Some(0)), "{real}\n{played}");
        assert_eq!(operations(real), operations(played));
        expect_near(&runs, "/net/servers/msgs_per_op", 0.0);
        expect_near(&runs, "/net/servers/bytes_per_op", 0.0);
        expect_near(&runs, "/stable_latency_ms/0.5", 50.0);
        expect_near(&runs, "/propagation_ms/0.5", 50.0);
        expect_near(&runs, "/ideal_ms/0.5", 50.0);
    }
}

#[test]
fn in_memory_the_same_seed_is_the_same_run_to_the_last_message() {
    let flags = [&FLAGS[..], &["--virtual", "--nemesis", "kill,partition,loss,reorder"]].concat();
    let [one, other] = [Running::start(&flags).finish(), Running::start(&flags).finish()];
    for file in ["net.jsonl", "history.jsonl", "values.jsonl", "faults.jsonl"] {
        assert_eq!(one.lines(file), other.lines(file), "{file}");
    }
    assert!(one.lines("net.jsonl").len() > 500, "{one}");
}
