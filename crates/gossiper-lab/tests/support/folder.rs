//! A played cluster as the files of a run's folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use gossiper_lab::figures::{Ops, Quantiles};
use serde_json::{Value, json};

use super::cluster::{Cluster, Played};

/// An empty folder of this name for the tests.
pub(crate) fn empty_folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("the temporary directory is writable");
    folder
}

fn put(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).expect("the folder is writable");
}

fn lines(values: &[Value]) -> String {
    values.iter().map(|value| format!("{value}\n")).collect()
}

/// A run that was over before anything happened, or before its nodes were up.
pub(crate) fn nothing_happened(folder: &Path, workload: &str, nodes: usize, is_set_up: bool) {
    let names: Vec<String> = (0..nodes).map(|n| format!("n{n}")).collect();
    let ops = json!({"invoked": 0, "ok": 0, "failed": 0, "unknown": 0});
    let per_node: Vec<Value> = names.iter().map(|name| node_figures(name, &ops, 0)).collect();
    let traffic = json!({"messages": 0, "bytes": 0, "msgs_per_op": null, "bytes_per_op": null});
    let mut reasons = vec!["Nothing was asked of any node."];
    if !is_set_up {
        reasons.insert(0, "The run was interrupted during the set-up.");
    }
    let results = json!({
        "format": 1, "seed": 0, "valid": null, "reasons": reasons,
        "ops": ops, "availability": 1.0, "net": {"servers": traffic, "clients": traffic},
        "set": {"attempted": 0, "stable": 0, "lost": 0, "never_read": 0, "duplicated": 0, "orphaned": 0},
        "stable_latency_ms": null, "propagation_ms": null, "ideal_ms": null, "excess_ms": null,
        "challenge": null,
        "plan": {
            "command": "gossiper test", "workload": workload, "program": "./node", "nodes": names,
            "time_limit_s": 0.0, "rate_hz": 5.0, "concurrency": nodes, "latency_ms": 0.0,
            "latency_dist": "constant", "topology": "grid", "nemesis": [],
            "nemesis_interval_s": 10.0, "nemesis_target": "random", "availability_min": null,
            "probes": false
        },
        "phases_ms": {"main": is_set_up.then_some(0.0), "drain": null, "quiet": null, "final": null, "end": null},
        "nodes": per_node, "types": [],
        "host": {"started": "2026-11-21T06:20:00Z", "boot_ms": 210.0, "lateness_ms": null, "probes": 0}
    });
    put(folder, "results.json", &results.to_string());
    let header = json!({"history": 1, "nodes": names});
    put(folder, "history.jsonl", &format!("{header}\n"));
    put(folder, "faults.jsonl", "");
    put(folder, "net.jsonl", "");
}

fn node_figures(name: &str, ops: &Value, values: usize) -> Value {
    json!({
        "node": name, "sent": 0, "sent_bytes": 0, "received": 0, "received_bytes": 0,
        "dropped": {"cut": 0, "loss": 0, "down": 0, "overflow": 0}, "kills": 0, "pauses": 0,
        "ops": ops, "values": values
    })
}

/// Plays a cluster and writes all files of its folder.
pub(crate) fn write_folder(folder: &Path, cluster: &Cluster) {
    let played = cluster.play();
    let mut history = Vec::new();
    played.history.write(&mut history).expect("a vector takes everything");
    put(folder, "history.jsonl", &String::from_utf8(history).expect("JSON is UTF-8"));
    put(folder, "net.jsonl", &(lines(&played.net) + &lines(&asked(&played))));
    put(folder, "faults.jsonl", &lines(&faults(cluster)));
    let values = values(cluster, &played);
    put(folder, "values.jsonl", &lines(&values));
    put(folder, "results.json", &results(cluster, &played, &values).to_string());
    fs::create_dir_all(folder.join("node-logs")).expect("the folder is writable");
}

/// What clients had to say to broadcast the values, and what they were told.
fn asked(played: &Played) -> Vec<Value> {
    let each = played.values.iter().enumerate().flat_map(|(value, (node, at, _))| {
        let (node, at) = (format!("n{node}"), *at as f64 / 1000.0);
        let line = |src: &str, dest: &str, kind: &str, body: Value| json!({"id": 0, "src": src, "dest": dest, "sent_ms": at, "ended_ms": at, "type": kind, "bytes": 40, "fate": "delivered", "body": body});
        [
            line("c0", &node, "broadcast", json!({"type": "broadcast", "message": value})),
            line(&node, "c0", "broadcast_ok", json!({"type": "broadcast_ok"})),
        ]
    });
    each.collect()
}

fn faults(cluster: &Cluster) -> Vec<Value> {
    let mut faults = Vec::new();
    if let Some((from, to, side)) = &cluster.cut {
        faults.push(
            json!({"at_ms": from, "start": "partition", "shape": "minority-third", "side": side}),
        );
        faults.push(json!({"at_ms": to, "stop": "partition"}));
    }
    if let Some((from, to, node)) = cluster.kill {
        faults.push(json!({"at_ms": from, "start": "kill", "nodes": [node]}));
        faults.push(json!({"at_ms": to, "stop": "kill"}));
    }
    faults.sort_by_key(|event| event["at_ms"].as_i64());
    faults.push(json!({"at_ms": cluster.seconds * 1000, "stop": "all"}));
    faults
}

/// When a value could at best have been everywhere, in µs after its arrival.
fn ideal_us(cluster: &Cluster, node: usize, at: i64) -> i64 {
    let latency = cluster.latency_ms * 1000;
    let mut ideal = if cluster.nodes > 1 { latency } else { 0 };
    if let Some((from, to, _)) = &cluster.cut
        && (from * 1000..to * 1000).contains(&at)
    {
        ideal = to * 1000 - at + latency;
    }
    if let Some((_, to, down)) = cluster.kill
        && at < to * 1000
        && down != node
    {
        ideal = ideal.max(to * 1000 - at);
    }
    ideal
}

fn values(cluster: &Cluster, played: &Played) -> Vec<Value> {
    let to_ms = |us: i64| us as f64 / 1000.0;
    let each = played.values.iter().enumerate().map(|(value, (node, at, arrivals))| {
        let last = arrivals.iter().map(|arrival| arrival.map(|last| last.max(*at))).max().flatten();
        let is_everywhere = arrivals.iter().all(Option::is_some);
        let propagation = last.filter(|_| is_everywhere).map(|last| last - at);
        let ideal = ideal_us(cluster, *node, *at);
        let fate = if is_everywhere { "stable" } else { "lost" };
        let stable = propagation.map(|long| (long / 1000 - 40).max(0));
        json!({
            "value": value, "node": format!("n{node}"), "arrived_ms": to_ms(*at),
            "acknowledged": arrivals[*node].is_some(), "fate": fate, "stable_latency_ms": stable,
            "propagation_ms": propagation.map(to_ms), "ideal_ms": to_ms(ideal),
            "excess_ms": propagation.map(|long| to_ms(long - ideal)),
            "arrivals_ms": arrivals.iter().map(|at| at.map(to_ms)).collect::<Vec<_>>()
        })
    });
    each.collect()
}

fn quantiles(values: &[Value], field: &str) -> Value {
    let mut sorted: Vec<f64> = values.iter().filter_map(|value| value[field].as_f64()).collect();
    sorted.sort_by(f64::total_cmp);
    json!(Quantiles::of_sorted(&sorted))
}

fn results(cluster: &Cluster, played: &Played, values: &[Value]) -> Value {
    let ops = Ops::of(&played.history);
    let messages = played.net.len();
    let per_op = messages as f64 / ops.invoked.max(1) as f64;
    let mut types: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for line in &played.net {
        let count = types.entry(line["type"].as_str().unwrap_or("")).or_default();
        *count = (count.0 + 1, count.1 + line["bytes"].as_u64().unwrap_or(0));
    }
    let mut types: Vec<Value> = types
        .into_iter()
        .map(|(name, (count, bytes))| json!({"type": name, "messages": count, "bytes": bytes}))
        .collect();
    types.sort_by_key(|one| std::cmp::Reverse(one["messages"].as_u64()));
    let lost = values.iter().filter(|value| value["fate"] == "lost").count();
    let stable = quantiles(values, "stable_latency_ms");
    let limit = |figure: &str, what: &str, limit: f64, unit: &str, measured: f64| json!({"figure": figure, "what": what, "limit": limit, "unit": unit, "measured": measured, "passed": measured < limit});
    let names: Vec<String> = (0..cluster.nodes).map(|n| format!("n{n}")).collect();
    let reasons = match lost {
        0 => {
            vec!["Every value that was acknowledged is in the last read of every node.".to_owned()]
        }
        n => vec![format!("{n} values were lost: they were known, and the last read lacks them.")],
    };
    let end = (cluster.seconds + 10) as f64 * 1000.0;
    let load_end = cluster.seconds as f64 * 1000.0;
    json!({
        "format": 1, "seed": 7, "valid": lost == 0, "reasons": reasons, "ops": ops,
        "availability": ops.availability(),
        "net": {
            "servers": {"messages": messages, "bytes": messages * 90, "msgs_per_op": per_op, "bytes_per_op": per_op * 90.0},
            "clients": {"messages": ops.invoked * 2, "bytes": ops.invoked * 120, "msgs_per_op": 2.0, "bytes_per_op": 120.0}
        },
        "set": {"attempted": values.len(), "stable": values.len() - lost, "lost": lost, "never_read": 0, "duplicated": 0, "orphaned": 0},
        "stable_latency_ms": stable, "propagation_ms": quantiles(values, "propagation_ms"),
        "ideal_ms": quantiles(values, "ideal_ms"), "excess_ms": quantiles(values, "excess_ms"),
        "challenge": {"name": "3d", "title": "Efficient Broadcast, Part I", "limits": [
            limit("net.servers.msgs_per_op", "Messages an operation", 30.0, "", per_op),
            limit("stable_latency_ms.0.5", "Stable latency, median", 400.0, "ms", stable["0.5"].as_f64().unwrap_or(0.0)),
            limit("stable_latency_ms.1", "Stable latency, maximum", 600.0, "ms", stable["1"].as_f64().unwrap_or(0.0)),
        ]},
        "plan": {
            "command": "gossiper test --challenge 3d --nemesis partition,kill --seed 7",
            "workload": "broadcast", "program": format!("./hub --window 100ms{}", cluster.spice),
            "nodes": names, "time_limit_s": cluster.seconds as f64, "rate_hz": cluster.rate_hz as f64,
            "concurrency": cluster.nodes, "latency_ms": cluster.latency_ms as f64,
            "latency_dist": "constant", "topology": "grid", "nemesis": ["partition", "kill"],
            "nemesis_interval_s": 10.0, "nemesis_target": "random", "availability_min": null, "probes": true
        },
        "phases_ms": {"main": 0.0, "drain": load_end, "quiet": load_end + 10.2, "final": end, "end": end + 40.3},
        "nodes": nodes(cluster, played, &names), "types": types,
        "host": {"started": "2026-11-21T06:20:00Z", "boot_ms": 212.4, "lateness_ms": {"0": 0.0, "0.5": 0.1, "0.95": 0.4, "0.99": 0.9, "1": 3.1}, "probes": 5231}
    })
}

fn nodes(cluster: &Cluster, played: &Played, names: &[String]) -> Vec<Value> {
    let node = |(place, name): (usize, &String)| {
        let ops = Ops::default();
        let held =
            played.values.iter().filter(|(_, _, arrivals)| arrivals[place].is_some()).count();
        let mut figures = node_figures(name, &json!(ops), held);
        let mut add = |field: &str, by: u64| {
            let before = figures[field].as_u64().unwrap_or(0);
            figures[field] = (before + by).into();
        };
        let mut dropped = BTreeMap::from([("cut", 0), ("loss", 0), ("down", 0), ("overflow", 0)]);
        for line in &played.net {
            let bytes = line["bytes"].as_u64().unwrap_or(0);
            if line["src"] == **name {
                add("sent", 1);
                add("sent_bytes", bytes);
            }
            if line["dest"] == **name {
                match line["fate"].as_str() {
                    Some("delivered") => {
                        add("received", 1);
                        add("received_bytes", bytes);
                    }
                    Some(fate) => *dropped.entry(fate).or_default() += 1,
                    None => {}
                }
            }
        }
        add("kills", u64::from(cluster.kill.is_some_and(|(_, _, down)| down == place)));
        figures["dropped"] = json!(dropped);
        let asked = played.history.operations().iter().filter(|one| one.node as usize == place);
        figures["ops"]["invoked"] = asked.clone().count().into();
        figures["ops"]["ok"] = asked.filter(|one| one.completed_ok().is_some()).count().into();
        figures
    };
    names.iter().enumerate().map(node).collect()
}
