//! A seed fixes the load and the faults, whatever the nodes do.

use serde_json::Value;

use crate::command::{Finished, Running, Scratch};

/// Faults of several kinds, and so many clients that none has a second turn: with slow answers it
/// would be another's.
const FLAGS: [&str; 10] = [
    "--nemesis",
    "partition,one-way,loss,duplicate,reorder,slow",
    "--nemesis-interval",
    "0.4",
    "--concurrency",
    "10n",
    "--rate",
    "12",
    "--time-limit",
    "3",
];

fn with_seed(kind: &str, seed: &str) -> Running {
    let mut flags = FLAGS.to_vec();
    flags.extend(["--seed", seed]);
    Running::small(kind, &flags)
}

/// What was asked of whom, in order; the last reads included.
fn operations(run: &Finished) -> Vec<(Value, Value, Value)> {
    let events = run.lines("history.jsonl").into_iter().skip(1);
    let begun = events.filter(|event| event["type"] == "invoke");
    begun.map(|e| (e["worker"].clone(), e["f"].clone(), e["value"].clone())).collect()
}

/// What was applied, but for when the end came: the run waits for the last operations.
fn faults(run: &Finished) -> Vec<Value> {
    let mut events = run.lines("faults.jsonl");
    let last = events.last_mut().unwrap();
    assert_eq!(last["stop"], "all", "{run}");
    assert!(last["at_ms"].take().as_u64() >= Some(3000), "{run}");
    events
}

#[test]
fn the_same_seed_gives_another_program_the_same_load_and_faults() {
    let runs = [("straight", "5"), ("tree-acked", "5"), ("straight", "6")];
    let [a, b, c] = runs.map(|(kind, seed)| with_seed(kind, seed)).map(Running::finish);
    assert_eq!(operations(&a), operations(&b));
    assert_eq!(faults(&a), faults(&b));
    assert!(faults(&a).len() > 12, "{a}");
    // The last reads are 50, one of each client.
    let begun = operations(&a).len() - 50;
    assert!((20..50).contains(&begun), "{begun} of {a}");
    assert_ne!(operations(&a), operations(&c));
    assert_ne!(faults(&a), faults(&c));
    for (run, seed) in [(a, 5), (b, 5), (c, 6)] {
        assert_eq!(run.count("seed"), seed);
        assert_eq!(run.stdout.lines().next(), Some(&*format!("seed {seed}")));
    }
}

#[test]
fn the_faults_of_a_run_can_be_planned_again() {
    // The faults are the same, and echo has no quiet.
    let echo = ["-w", "echo"];
    let first =
        Running::small("straight", &[&FLAGS[..], &["--seed", "5"], &echo].concat()).finish();
    let scratch = Scratch::new();
    let text = std::fs::read_to_string(first.out().join("faults.jsonl")).unwrap();
    let plan = scratch.file("faults.jsonl", &text);
    let flags = ["--fault-plan", &plan, "--seed", "6", "--time-limit", "3", "-w", "echo"];
    let again = Running::small_in(scratch, "straight", &flags).finish();
    assert_eq!(faults(&first), faults(&again));
    assert_eq!(again.results()["plan"]["nemesis"], Value::from(vec![plan]));
}

#[test]
fn a_seed_that_was_drawn_is_told_with_the_command_that_repeats_it() {
    let args = ["--time-limit", "0.1", "-w", "echo", "--bin"];
    let fixture = crate::fixture_path::fixture_path();
    let mut args = args.to_vec();
    args.extend([fixture.to_str().unwrap(), "--out", "out", "--", "straight"]);
    let [a, b] = [(); 2].map(|()| Running::start(&args)).map(Running::finish);
    let (seed, other) = (a.count("seed"), b.count("seed"));
    assert_ne!(seed, other);
    assert_eq!(a.stdout.lines().next(), Some(&*format!("seed {seed}")));
    let command = a.results()["plan"]["command"].as_str().unwrap().to_owned();
    assert!(command.starts_with("gossiper test --time-limit 0.1"), "{command}");
    assert!(command.ends_with(&format!("--seed {seed} -- straight")), "{command}");
    assert!(a.stdout.contains(&command), "{a}");
}
