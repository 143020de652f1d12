//! `results.json` has every figure, in the shape that readers of it rely on.

use serde_json::{Value, json};

use crate::command::{Finished, Running};

/// Holds a value to a pattern: the same fields, and of the same type where the pattern has a
/// number, a text or a truth. An empty list or object may hold anything.
fn expect_like(value: &Value, pattern: &Value, place: &str) {
    match (value, pattern) {
        (Value::Object(fields), Value::Object(patterns)) if !patterns.is_empty() => {
            let names: Vec<&String> = fields.keys().collect();
            let expected: Vec<&String> = patterns.keys().collect();
            assert_eq!(names, expected, "{place}");
            for (name, field) in fields {
                expect_like(field, &patterns[name], &format!("{place}/{name}"));
            }
        }
        (Value::Array(elements), Value::Array(patterns)) => {
            for element in elements {
                patterns.iter().for_each(|pattern| expect_like(element, pattern, place));
            }
        }
        _ => assert_eq!(
            std::mem::discriminant(value),
            std::mem::discriminant(pattern),
            "{place}: {value} is not like {pattern}"
        ),
    }
}

fn pattern() -> Value {
    let quantiles = json!({"0": 1, "0.5": 1, "0.95": 1, "0.99": 1, "1": 1});
    let traffic = json!({"messages": 1, "bytes": 1, "msgs_per_op": 1.0, "bytes_per_op": 1.0});
    let ops = json!({"invoked": 1, "ok": 1, "failed": 1, "unknown": 1});
    json!({
        "format": 1,
        "seed": 1,
        "valid": true,
        "reasons": [""],
        "ops": ops,
        "availability": 1.0,
        "net": {"servers": traffic, "clients": traffic},
        "set": {
            "attempted": 1, "stable": 1, "lost": 1, "never_read": 1, "duplicated": 1, "orphaned": 1,
        },
        "stable_latency_ms": quantiles,
        "propagation_ms": quantiles,
        "ideal_ms": quantiles,
        "excess_ms": quantiles,
        "incomplete": 1,
        "answer_ms": quantiles,
        "challenge": {
            "name": "3d",
            "title": "",
            "limits": [{
                "figure": "", "what": "", "limit": 1.0, "unit": "", "measured": 1.0, "passed": true,
            }],
            "deviations": [""],
        },
        "plan": {
            "command": "", "workload": "", "program": "", "nodes": [""], "time_limit_s": 1.0,
            "rate_hz": 1.0, "concurrency": 1, "latency_ms": 1, "latency_dist": "", "topology": "",
            "nemesis": [""], "nemesis_interval_s": 1.0, "nemesis_target": "",
            "availability_min": 1.0, "probes": true,
        },
        "phases_ms": {"main": 1.0, "drain": 1.0, "quiet": 1.0, "final": 1.0, "end": 1.0},
        "nodes": [{
            "node": "", "sent": 1, "sent_bytes": 1, "received": 1, "received_bytes": 1,
            "dropped": {"cut": 1, "loss": 1, "down": 1, "overflow": 1},
            "kills": 1, "pauses": 1, "ops": ops, "values": 1,
        }],
        "types": [{"type": "", "messages": 1, "bytes": 1}],
        "host": {"started": "", "boot_ms": 1.0, "lateness_ms": quantiles, "probes": 1},
    })
}

fn sum(list: &Value, field: &str) -> u64 {
    list.as_array().unwrap().iter().map(|item| item[field].as_u64().unwrap()).sum()
}

#[test]
fn every_figure_is_there_and_they_agree_with_each_other() {
    let flags = [
        "--challenge",
        "3d",
        "--nemesis",
        "partition,loss",
        "--nemesis-interval",
        "0.5",
        "--availability",
        "0.1",
    ];
    let run = Running::small("sync", &flags).finish();
    run.expect_valid();
    let results = run.results();
    expect_like(&results, &pattern(), "");

    // What is counted twice is the same twice.
    let net = run.lines("net.jsonl");
    let servers = &results["net"]["servers"];
    assert_eq!(results["format"], 1);
    assert_eq!(sum(&results["nodes"], "sent"), servers["messages"], "{run}");
    assert_eq!(sum(&results["nodes"], "sent_bytes"), servers["bytes"], "{run}");
    assert_eq!(sum(&results["types"], "messages"), servers["messages"], "{run}");
    assert_eq!(sum(&results["types"], "bytes"), servers["bytes"], "{run}");
    let ends = net
        .iter()
        .filter(|m| crate::command::is_node(&m["src"]) && crate::command::is_node(&m["dest"]));
    let (mut delivered, mut dropped) = (0, 0);
    for message in ends {
        match message["fate"].as_str().unwrap() {
            "delivered" => delivered += 1,
            "open" => assert!(message.get("ended_ms").is_none()),
            _ => dropped += 1,
        }
    }
    assert_eq!(sum(&results["nodes"], "received"), delivered, "{run}");
    let nodes = results["nodes"].as_array().unwrap();
    let all_dropped = nodes.iter().flat_map(|node| node["dropped"].as_object().unwrap().values());
    assert_eq!(all_dropped.map(|count| count.as_u64().unwrap()).sum::<u64>(), dropped, "{run}");
    let ops: u64 = nodes.iter().map(|node| node["ops"]["invoked"].as_u64().unwrap()).sum();
    assert_eq!(results["ops"]["invoked"], ops);
    let phases = ["main", "drain", "quiet", "final", "end"];
    let phases = phases.map(|phase| results["phases_ms"][phase].as_f64().unwrap());
    assert!(phases.is_sorted() && phases[0] == 0.0 && phases[1] >= 2000.0, "{phases:?}");
    assert!(phases[3] - phases[2] >= 10_000.0, "{phases:?}");

    let plan = &results["plan"];
    for (field, value) in [
        ("workload", json!("broadcast")),
        ("nodes", json!(["n0", "n1", "n2", "n3", "n4"])),
        ("time_limit_s", json!(2.0)),
        ("rate_hz", json!(40.0)),
        ("concurrency", json!(5)),
        ("latency_ms", json!(20)),
        ("latency_dist", json!("constant")),
        ("topology", json!("grid")),
        ("nemesis", json!(["partition", "loss"])),
        ("nemesis_interval_s", json!(0.5)),
        ("nemesis_target", json!("random")),
        ("availability_min", json!(0.1)),
        ("probes", json!(true)),
    ] {
        assert_eq!(plan[field], value, "{field}");
    }
    expect_limits(&run, &results["challenge"]);
}

/// Holds each limit of a challenge to the figure beside it, and to what is printed.
fn expect_limits(run: &Finished, challenge: &Value) {
    assert_eq!(challenge["title"], "Efficient Broadcast, Part I");
    let limits = challenge["limits"].as_array().unwrap();
    let expected = [30.0, 400.0, 600.0];
    assert_eq!(limits.iter().map(|l| l["limit"].as_f64().unwrap()).collect::<Vec<_>>(), expected);
    let is_passed = |limit: &Value| limit["measured"].as_f64() < limit["limit"].as_f64();
    for limit in limits {
        assert_eq!(limit["passed"], is_passed(limit), "{limit}");
    }
    let deviations = [
        "5 nodes",
        "2 s",
        "40 operations a second",
        "20 ms latency",
        "partitions",
        "the fault loss",
    ];
    assert_eq!(challenge["deviations"], json!(deviations));
    let line = format!(
        "challenge 3d (Efficient Broadcast, Part I): not decided, for this run had {}",
        deviations.join(", ")
    );
    assert!(run.stdout.lines().any(|printed| printed == line), "{run}");
    let (_, told) = run.stdout.split_once(&line).unwrap();
    assert!(!told.contains("FAILED") && !told.contains("passed"), "nothing is decided: {run}");
    assert_eq!(told.matches(" below the limit").count(), limits.len(), "{run}");
}

#[test]
fn an_echo_run_has_no_values_and_no_quiet() {
    let echo = Running::small("straight", &["-w", "echo"]);
    let wrong = Running::small("wrong-echo", &["-w", "echo"]);
    let echo = echo.finish();
    echo.expect(0, true);
    let results = echo.results();
    assert!(echo.count("ops/ok") > 40, "{echo}");
    assert_eq!(results["ops"]["ok"], results["ops"]["invoked"], "{echo}");
    assert_eq!(results["net"]["servers"]["messages"], 0);
    for nothing in ["stable_latency_ms", "propagation_ms", "ideal_ms", "excess_ms"] {
        assert_eq!(results[nothing], json!(null), "{nothing}");
    }
    assert_eq!(results["phases_ms"]["quiet"], json!(null));
    assert_eq!(results["set"]["attempted"], 0);
    assert!(!echo.out().join("values.jsonl").exists());
    let events = echo.lines("history.jsonl");
    assert!(events[1..].iter().all(|event| event["f"] == "echo"), "{echo}");

    // The fixture does not know this kind, and says so as it ends.
    let wrong = wrong.finish();
    wrong.expect(255, false);
    wrong.expect_reason(&["during the set-up", "ended by itself (exit code 2)", "usage: fixture"]);
}
