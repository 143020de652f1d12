//! Nodes that repeat themselves lose nothing under faults, and others what the faults take.

use serde_json::{Value, json};

use crate::command::{Check, Finished, Running, Scratch};

/// A small run under a plan of faults.
fn under(plan: &[&str], kind: &str, flags: &[&str]) -> Running {
    let scratch = Scratch::new();
    let path = scratch.file("plan.jsonl", &plan.join("\n"));
    let mut all = vec!["--fault-plan", &path];
    all.extend(flags);
    Running::small_in(scratch, kind, &all)
}

fn values_of(run: &Finished, node: &str) -> Vec<Value> {
    let mut values = run.lines("values.jsonl");
    values.retain(|value| value["node"] == node);
    values
}

/// Messages between nodes with this fate.
fn fated(run: &Finished, fate: &str) -> usize {
    run.lines("net.jsonl").iter().filter(|message| message["fate"] == fate).count()
}

fn forwarding_once_loses_what_was_broadcast_beyond_a_cut() -> Check {
    let cut = [r#"{"at_ms":0,"start":"partition","shape":"one","side":[4]}"#];
    let faulty = under(&cut, "once", &[]);
    let drawn = Running::small("once", &["--nemesis", "partition", "--nemesis-interval", "1"]);
    let sound = Running::small("once", &[]);
    Box::new(move || {
        let faulty = faulty.finish();
        faulty.expect(1, false);
        // The last read is n4's, which knows what its own clients gave it, and what came by detours
        // so late that the cut was healed.
        let messages = faulty.messages("broadcast");
        let is_at_n4 = |value: &Value| {
            let to_n4 = |m: &&Value| m["dest"] == "n4" && m["fate"] == "delivered";
            value["node"] == "n4"
                || messages.iter().filter(to_n4).any(|m| m["body"]["message"] == value["value"])
        };
        let values = faulty.lines("values.jsonl");
        let lost = values.iter().filter(|value| !is_at_n4(value)).count();
        assert!(lost > values.len() / 2, "{faulty}");
        assert_eq!(faulty.count("set/lost"), lost as u64, "{faulty}");
        faulty.expect_reason(&["known, and then missing"]);
        assert!(fated(&faulty, "cut") > 0);
        let dropped = &faulty.results()["nodes"][4]["dropped"];
        assert!(dropped["cut"].as_u64() > Some(0), "{dropped}");
        // Nothing could be at n4 before the cut was healed, after the main phase.
        for value in values.iter().filter(|value| value["node"] != "n4") {
            let arrived_ms = value["arrived_ms"].as_f64().unwrap();
            assert!(value["ideal_ms"].as_f64() >= Some(2_000.0 - arrived_ms), "{value}");
            assert!(value["arrivals_ms"][4].as_f64().is_none_or(|at| at >= 2_000.0), "{value}");
        }

        // The first partition begins at once, and lasts until the end with luck only.
        let drawn = drawn.finish();
        drawn.expect(1, false);
        let first = &drawn.lines("faults.jsonl")[0];
        assert_eq!((&first["at_ms"], &first["start"]), (&json!(0), &json!("partition")));
        assert!(drawn.stdout.contains("faults: partition"), "{drawn}");

        sound.finish().expect_valid();
    })
}

fn nodes_that_repeat_themselves_lose_nothing_under_faults() -> Check {
    let plans: [(&str, &[&str]); 4] = [
        (
            "partition",
            &[
                r#"{"at_ms":0,"start":"partition","shape":"majority","side":[0,3]}"#,
                r#"{"at_ms":900,"start":"partition","shape":"one","side":[4]}"#,
            ],
        ),
        (
            "loss",
            &[
                r#"{"at_ms":0,"start":"loss","probability":0.5}"#,
                r#"{"at_ms":0,"start":"duplicate","probability":0.5}"#,
                r#"{"at_ms":0,"start":"reorder","probability":0.5}"#,
            ],
        ),
        (
            "one-way",
            &[
                r#"{"at_ms":0,"start":"one-way","direction":"in","side":[0]}"#,
                r#"{"at_ms":1000,"start":"one-way","direction":"out","side":[1,2]}"#,
            ],
        ),
        (
            "pause",
            &[
                r#"{"at_ms":100,"start":"pause","nodes":[0,2]}"#,
                r#"{"at_ms":1500,"stop":"pause"}"#,
                r#"{"at_ms":1600,"start":"slow","factor":10}"#,
            ],
        ),
    ];
    let kinds = [("tree-acked", "tree4"), ("hub-acked", "grid"), ("sync", "grid")];
    let mut runs = Vec::new();
    for (fault, plan) in plans {
        for (kind, topology) in kinds {
            runs.push((fault, under(plan, kind, &["--topology", topology])));
        }
    }
    Box::new(move || {
        for (fault, run) in runs {
            let run = run.finish();
            run.expect_valid();
            let nodes = run.results()["nodes"].take();
            let happened = match fault {
                "partition" | "one-way" => fated(&run, "cut") > 0,
                "loss" => {
                    let messages = run.lines("net.jsonl");
                    let copies = messages.iter().filter(|message| message["copy"] == true).count();
                    fated(&run, "loss") > 0 && copies > 0
                }
                _ => [1, 0, 1, 0, 0].iter().enumerate().all(|(n, &p)| nodes[n]["pauses"] == p),
            };
            assert!(happened, "{fault}: {run}");
            for value in run.lines("values.jsonl") {
                assert!(value["excess_ms"].as_f64() > Some(-0.01), "{value} of {fault}: {run}");
            }
        }
    })
}

fn what_died_with_its_only_node_is_orphaned_and_not_lost() -> Check {
    // A node that nobody hears is killed before it is heard again.
    let plan = [
        r#"{"at_ms":0,"start":"partition","shape":"one","side":[1]}"#,
        r#"{"at_ms":1000,"start":"kill","nodes":[1]}"#,
        r#"{"at_ms":1100,"stop":"partition"}"#,
        r#"{"at_ms":1200,"stop":"kill"}"#,
    ];
    let run = under(&plan, "sync", &[]);
    Box::new(move || {
        let run = run.finish();
        run.expect(0, true);
        let died = values_of(&run, "n1").into_iter().filter(|value| {
            value["acknowledged"] == true && value["arrived_ms"].as_f64() < Some(1000.0)
        });
        let died = died.count() as u64;
        assert!(died > 0, "{run}");
        assert_eq!(run.count("set/orphaned"), died, "{run}");
        assert_eq!(run.count("set/lost"), 0, "{run}");
        assert!(run.count("set/stable") > 10, "{run}");
        assert_eq!(run.results()["nodes"][1]["kills"], 1);
        // It was started anew, told who it is, and learnt the rest.
        let is_of =
            |message: &Value, kind: &str| message["type"] == kind && message["dest"] == "n1";
        let messages = run.lines("net.jsonl");
        for kind in ["init", "topology"] {
            assert_eq!(messages.iter().filter(|m| is_of(m, kind)).count(), 2, "{kind}: {run}");
        }
        assert_eq!(
            run.results()["nodes"][1]["values"],
            run.results()["nodes"][0]["values"],
            "{run}"
        );
    })
}

#[test]
fn faults_take_what_nodes_let_them() {
    let checks = [
        forwarding_once_loses_what_was_broadcast_beyond_a_cut(),
        nodes_that_repeat_themselves_lose_nothing_under_faults(),
        what_died_with_its_only_node_is_orphaned_and_not_lost(),
    ];
    checks.into_iter().for_each(|check| check());
}
