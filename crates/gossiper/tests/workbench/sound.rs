//! Sound nodes are valid, and cost and take what they must.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::command::{Check, Finished, Running};

/// Between nodes in these runs, in ms.
const LATENCY_MS: f64 = 20.0;

/// For each node, how many messages in a row a value of it takes to the farthest other.
type Hops = [f64; 5];

fn expect_propagation(run: &Finished, hops: Hops) {
    let values = run.lines("values.jsonl");
    assert!(!values.is_empty(), "{run}");
    for value in values {
        let node: usize = value["node"].as_str().unwrap()[1..].parse().unwrap();
        let least_ms = hops[node] * LATENCY_MS - 1.0;
        let propagation_ms = value["propagation_ms"].as_f64().unwrap();
        assert!(propagation_ms >= least_ms, "{value} in less than {least_ms} ms: {run}");
        assert_eq!(value["ideal_ms"], LATENCY_MS, "{value}");
        let excess_ms = value["excess_ms"].as_f64().unwrap();
        assert!((propagation_ms - LATENCY_MS - excess_ms).abs() < 0.01, "{value}");
    }
    let results = run.results();
    let min_ms = results["propagation_ms"]["0"].as_f64().unwrap();
    assert!(min_ms >= hops.into_iter().reduce(f64::min).unwrap() * LATENCY_MS - 1.0, "{run}");
}

fn sound_nodes_send_the_messages_that_follow_from_what_they_do() -> Check {
    let runs: [(&str, &str, u64, Hops); 5] = [
        ("straight", "grid", 4, [1.0; 5]),
        // Twice the links, less one for each node that a value comes to.
        ("flood", "grid", 2 * 5 - 4, [2.0, 2.0, 3.0, 3.0, 2.0]),
        ("flood", "line", 2 * 4 - 4, [4.0, 3.0, 2.0, 3.0, 4.0]),
        ("flood", "tree4", 2 * 4 - 4, [1.0, 2.0, 2.0, 2.0, 2.0]),
        ("hub", "grid", 4, [1.0, 2.0, 2.0, 2.0, 2.0]),
    ];
    let runs = runs.map(|(kind, topology, messages, hops)| {
        (Running::small(kind, &["--topology", topology]), messages, hops)
    });
    Box::new(move || {
        for (run, messages, hops) in runs {
            let run = run.finish();
            run.expect_valid();
            let broadcasts = run.count("set/attempted");
            assert!(broadcasts > 20, "{run}");
            assert_eq!(run.count("net/servers/messages"), messages * broadcasts, "{run}");
            let (results, ops) = (run.results(), run.count("ops/invoked"));
            assert_eq!(results["ops"]["ok"], ops, "{run}");
            assert_eq!(results["availability"], 1.0, "{run}");
            let msgs_per_op = (messages * broadcasts) as f64 / ops as f64;
            let figure = results["net"]["servers"]["msgs_per_op"].as_f64().unwrap();
            assert!((figure - msgs_per_op).abs() < 1e-9, "{run}");
            assert!(run.stdout.contains(&format!("{msgs_per_op:.2}")), "{run}");
            expect_propagation(&run, hops);
        }
    })
}

fn a_hub_with_a_window_sends_a_batch_a_window_at_most() -> Check {
    let windows = [(50.0, "hub --window 50"), (400.0, "hub --window 400")];
    let runs = windows.map(|(window_ms, kind)| (window_ms, Running::small(kind, &[])));
    Box::new(move || {
        for (window_ms, run) in runs {
            let run = run.finish();
            run.expect_valid();
            let values = run.lines("values.jsonl");
            let elsewhere = values.iter().filter(|value| value["node"] != "n0").count();
            assert_eq!(run.messages("broadcast").len(), elsewhere, "{run}");
            let batches = run.messages("batch");
            assert!(batches.len() >= 8 && batches.len() <= 4 * values.len(), "{run}");
            let sent_ms = |batch: &Value| batch["sent_ms"].as_f64().unwrap();
            let first = batches.iter().map(sent_ms).fold(f64::MAX, f64::min);
            let last = batches.iter().map(sent_ms).fold(f64::MIN, f64::max);
            // One window more, for the first batch may be late and the last in time.
            let windows = (last - first) / window_ms + 2.0;
            assert!(batches.len() as f64 <= 4.0 * windows, "{} of {windows}: {run}", batches.len());
            expect_propagation(&run, [1.0, 2.0, 2.0, 2.0, 2.0]);
        }
    })
}

fn acknowledged_nodes_have_an_answer_for_every_message_that_asks_for_one() -> Check {
    let kinds = [
        ("tree-acked", "tree4", [1.0, 2.0, 2.0, 2.0, 2.0]),
        ("hub-acked", "grid", [1.0, 2.0, 2.0, 2.0, 2.0]),
    ];
    let runs =
        kinds.map(|(kind, topology, hops)| (Running::small(kind, &["--topology", topology]), hops));
    Box::new(move || {
        for (run, hops) in runs {
            let run = run.finish();
            run.expect_valid();
            let text = |value: &Value| value.to_string();
            // A node that is slow to answer may be told again; it is the same message.
            let asked: BTreeSet<_> = run
                .messages("broadcast")
                .iter()
                .map(|asked| {
                    (text(&asked["src"]), text(&asked["dest"]), text(&asked["body"]["msg_id"]))
                })
                .collect();
            let answered: BTreeSet<_> = run
                .messages("broadcast_ok")
                .iter()
                .map(|answer| {
                    (
                        text(&answer["dest"]),
                        text(&answer["src"]),
                        text(&answer["body"]["in_reply_to"]),
                    )
                })
                .collect();
            assert_eq!(asked, answered, "{run}");
            assert_eq!(asked.len() as u64, 4 * run.count("set/attempted"), "{run}");
            expect_propagation(&run, hops);
        }
    })
}

fn nodes_that_repeat_themselves_and_nodes_that_do_not_end_are_valid() -> Check {
    let runs = ["sync", "stubborn", "parent"].map(|kind| Running::small(kind, &[]));
    Box::new(move || {
        let [sync, stubborn, parent] = runs.map(Running::finish);
        for run in [&sync, &stubborn, &parent] {
            run.expect_valid();
            let broadcasts = run.count("set/attempted");
            assert_eq!(run.messages("broadcast").len() as u64, 4 * broadcasts, "{run}");
            expect_propagation(run, [1.0; 5]);
        }
        assert!(!sync.messages("batch").is_empty());
        assert_eq!(stubborn.messages("batch").len(), 0);
    })
}

fn without_a_program_the_own_node_is_tested_and_without_probes_reads_tell() -> Check {
    let own = Running::start(&["--time-limit", "2", "--rate", "40", "--out", "out"]);
    let unprobed = Running::small("straight", &["--no-probes"]);
    Box::new(move || {
        let own = own.finish();
        own.expect_valid();
        assert_eq!(own.results()["plan"]["program"], "gossiper node");
        let nodes = ["n1", "n2", "n3", "n4", "n5"];
        assert_eq!(own.results()["plan"]["nodes"], Value::from(nodes.to_vec()));
        assert!(own.count("host/probes") > 0);

        let unprobed = unprobed.finish();
        unprobed.expect_valid();
        assert_eq!(unprobed.count("host/probes"), 0);
        assert_eq!(unprobed.results()["plan"]["probes"], false);
        let mark = "seen only where clients happened to read, for --no-probes";
        assert!(unprobed.stdout.contains(mark) && !own.stdout.contains(mark), "{unprobed}");
    })
}

#[test]
fn sound_nodes_are_valid_and_cost_what_they_must() {
    let checks = [
        sound_nodes_send_the_messages_that_follow_from_what_they_do(),
        a_hub_with_a_window_sends_a_batch_a_window_at_most(),
        acknowledged_nodes_have_an_answer_for_every_message_that_asks_for_one(),
        nodes_that_repeat_themselves_and_nodes_that_do_not_end_are_valid(),
        without_a_program_the_own_node_is_tested_and_without_probes_reads_tell(),
    ];
    checks.into_iter().for_each(|check| check());
}
