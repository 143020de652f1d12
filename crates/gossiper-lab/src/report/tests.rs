//! Small folders made by hand, and what the page has of them.

use std::fs;

use serde_json::{Value, json};

use super::*;

/// A folder of its own for a test, removed when it is over.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("report-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        let folder = Self(path);
        folder.put("results.json", &results().to_string());
        folder
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }

    /// What the page holds as data, and the page.
    fn written(&self) -> (Value, String) {
        let path = write(&self.0).unwrap();
        assert_eq!(path, self.0.join("report.html"));
        let page = fs::read_to_string(path).unwrap();
        let (_, rest) = page.split_once(r#"<script type="application/json" id="run">"#).unwrap();
        let (data, _) = rest.split_once("</script>").unwrap();
        (serde_json::from_str(data).unwrap(), page.clone())
    }

    fn error(&self) -> String {
        let text = write(&self.0).unwrap_err().to_string();
        assert!(text.starts_with(self.0.to_str().unwrap()), "{text}");
        text[self.0.to_str().unwrap().len() + 1..].to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Three nodes, one second.
fn results() -> Value {
    let ops = json!({"invoked": 2, "ok": 2, "failed": 0, "unknown": 0});
    let traffic = json!({"messages": 4, "bytes": 80, "msgs_per_op": 2.0, "bytes_per_op": 40.0});
    json!({
        "format": 1, "seed": 7, "valid": true, "reasons": ["Nothing is lost."], "ops": ops,
        "availability": 1.0, "net": {"servers": traffic, "clients": traffic},
        "set": {"attempted": 1, "stable": 1, "lost": 0, "never_read": 0, "duplicated": 0, "orphaned": 0},
        "stable_latency_ms": null, "propagation_ms": null, "ideal_ms": null, "excess_ms": null,
        "challenge": null,
        "plan": {
            "command": "gossiper test --seed 7", "workload": "broadcast", "program": "./node",
            "nodes": ["n0", "n1", "n2"], "time_limit_s": 1.0, "rate_hz": 2.0, "concurrency": 3,
            "latency_ms": 100, "latency_dist": "constant", "topology": "line", "nemesis": [],
            "nemesis_interval_s": 10.0, "nemesis_target": null, "availability_min": null, "probes": true
        },
        "phases_ms": {"main": 0.0, "drain": 600.0, "quiet": 700.0, "final": 900.0, "end": 1000.0},
        "nodes": [], "types": [{"type": "broadcast", "messages": 3, "bytes": 60}],
        "host": null
    })
}

/// A message of `net.jsonl`.
fn message(src: &str, dest: &str, sent_ms: f64, kind: &str, body: &Value) -> String {
    let line = json!({
        "id": 0, "src": src, "dest": dest, "sent_ms": sent_ms, "ended_ms": sent_ms + 100.0,
        "type": kind, "bytes": 20, "fate": "delivered", "body": body
    });
    format!("{line}\n")
}

/// A value of `values.jsonl`, by when its three nodes had it.
fn value(value: u32, arrivals_ms: [Option<f64>; 3]) -> String {
    let arrived = arrivals_ms[0].unwrap_or(0.0);
    let last = arrivals_ms.iter().flatten().fold(0.0, |a: f64, b| a.max(*b));
    let is_everywhere = arrivals_ms.iter().all(Option::is_some);
    let line = json!({
        "value": value, "node": "n0", "arrived_ms": arrived, "acknowledged": true,
        "fate": if is_everywhere { "stable" } else { "lost" }, "stable_latency_ms": 85,
        "propagation_ms": is_everywhere.then_some(last - arrived), "ideal_ms": 100.0,
        "excess_ms": is_everywhere.then_some(last - arrived - 100.0), "arrivals_ms": arrivals_ms
    });
    format!("{line}\n")
}

#[test]
fn results_alone_make_a_page() {
    let folder = Folder::new("alone");
    let (data, page) = folder.written();
    assert_eq!(data["results"]["seed"], 7);
    assert_eq!(data["span_ms"], 1000.0);
    for part in ["operations", "values", "traffic", "sample", "selection"] {
        assert_eq!(data[part], Value::Null, "{part}");
    }
    assert_eq!(data["files"].as_array().unwrap().len(), 1);
    assert_eq!(data["has_node_logs"], false);
    assert!(page.contains("<title>valid: a run of gossiper test</title>"));
}

#[test]
fn a_large_seed_keeps_its_figures() {
    let folder = Folder::new("seed");
    let mut results = results();
    results["seed"] = u64::MAX.into();
    folder.put("results.json", &results.to_string());
    assert_eq!(folder.written().0["seed"], "18446744073709551615");
}

#[test]
fn messages_are_counted_by_type_and_time_and_drawn() {
    let folder = Folder::new("messages");
    let body = json!({"type": "broadcast", "message": 1});
    let lines = [
        message("c0", "n0", 1.0, "broadcast", &body),
        message("c0", "n0", 1.0, "topology", &json!({})),
        message("n0", "c0", 102.0, "broadcast_ok", &json!({})),
        message("n0", "n1", 1.0, "broadcast", &body),
        message("n1", "n2", 101.0, "broadcast", &body),
        message("n2", "n1", 201.5, "odd", &json!({})).replace("delivered", "cut"),
        message("n2", "n2", -5.0, "broadcast", &body).replace("delivered", "open"),
    ];
    folder.put("net.jsonl", &lines.concat());
    let (data, _) = folder.written();
    let traffic = &data["traffic"];
    assert_eq!(traffic["total"], 4, "what a client sends is not between nodes");
    assert_eq!(traffic["clients"], 3, "these are counted by themselves");
    assert_eq!(traffic["before"], 1);
    assert_eq!(traffic["width_ms"], 5.0);
    assert_eq!(traffic["types"], json!(["broadcast"]));
    assert_eq!(traffic["sent"][0][0], 1);
    assert_eq!(traffic["sent"][0][20], 1);
    assert_eq!(traffic["sent"][1][40], 1, "a type without a name in the results is another");
    assert_eq!(traffic["dropped"][40], 1);
    let sample = &data["sample"];
    let clients = &sample["clients"];
    assert_eq!(clients["in_stretches"], 2, "what sets nodes up is no mark");
    assert_eq!(clients["at_us"], json!([101_000, 102_000]), "when the node has it, or says it");
    assert_eq!(clients["is_answer"], json!([0, 1]));
    assert_eq!(clients["value"], json!([1, null]));
    assert_eq!(clients["types"], json!(["broadcast", "broadcast_ok"]));
    assert_eq!(sample["in_stretches"], 4);
    assert_eq!(sample["sent_us"], json!([1000, 101_000, 201_500, -5000]));
    assert_eq!(sample["took_us"], json!([100_000, 100_000, 100_000, null]));
    assert_eq!(sample["fate"], json!([0, 0, 1, 5]));
    assert_eq!(sample["type"], json!([0, 0, 1, 0]));
    assert_eq!(sample["types"], json!(["broadcast", "odd"]));
    assert_eq!(sample["body"], json!([0, 0, 1, 0]), "equal bodies stand there once");
}

#[test]
fn values_tell_coverage_slowness_and_what_is_under_way() {
    let folder = Folder::new("values");
    let lines = [
        value(0, [Some(10.0), Some(110.0), Some(110.0)]),
        value(1, [Some(20.0), Some(420.0), Some(120.0)]),
        value(2, [Some(30.0), None, Some(130.0)]),
    ];
    folder.put("values.jsonl", &lines.concat());
    folder.put("net.jsonl", &message("n0", "n1", 20.0, "broadcast", &json!({})));
    let (data, _) = folder.written();
    let values = &data["values"];
    assert_eq!(values["coverage"]["pairs"], 9);
    assert_eq!(values["coverage"]["reached"], 8);
    assert_eq!(values["coverage"]["delay_ms"], json!([0.0, 100.0, 400.0]));
    let slowest: Vec<_> = (0..3).map(|place| values["slowest"][place]["value"].clone()).collect();
    assert_eq!(slowest, [2, 1, 0], "what never came everywhere is slowest");
    assert_eq!((&values["incomplete"], &values["lacked"]), (&1.into(), &json!([0, 1, 0])));
    assert_eq!(values["slowest"][0]["lacking"], json!([1]));
    assert_eq!(values["slowest"][1]["lacking"], Value::Null);
    assert_eq!(values["slowest"][1]["last"], json!([1, 420.0]));
    assert_eq!(values["median"], 1, "the median of two is the greater one");
    let most = &values["under_way"]["most"];
    assert_eq!(
        (&most[2], &most[6], &most[23], &most[199]),
        (&1.into(), &3.into(), &2.into(), &1.into())
    );
    assert_eq!(data["arrivals"].as_array().unwrap().len(), 3);
    assert_eq!(data["arrivals"][1]["after_us"], json!([0, 400_000, 100_000]));
}

#[test]
fn nodes_that_are_down_at_the_end_are_in_no_coverage() {
    let folder = Folder::new("down");
    folder.put("values.jsonl", &value(0, [Some(10.0), None, Some(110.0)]));
    folder.put("faults.jsonl", "{\"at_ms\":500,\"start\":\"kill\",\"nodes\":[1]}\n");
    let (data, _) = folder.written();
    assert_eq!(data["values"]["coverage"]["pairs"], 2);
    assert_eq!(data["values"]["live"], json!([true, false, true]));
    assert_eq!(data["values"]["incomplete"], 0, "nor do they lack anything");
    assert_eq!(data["faults"]["spans"][0]["text"], "down: n1");
    assert_eq!(data["faults"]["spans"][0]["to_ms"], Value::Null);
}

#[test]
fn operations_are_told_with_how_they_ended() {
    let folder = Folder::new("operations");
    folder.put(
        "history.jsonl",
        r#"{"history":1,"nodes":["n0","n1","n2"]}
{"index":0,"time_ns":1000000,"type":"invoke","f":"broadcast","worker":0,"node":"n0","value":0}
{"index":1,"time_ns":2500000,"type":"ok","f":"broadcast","worker":0,"node":"n0","value":0}
{"index":2,"time_ns":3000000,"type":"invoke","f":"read","worker":1,"node":"n1"}
"#,
    );
    let (data, _) = folder.written();
    let operations = &data["operations"];
    assert_eq!(operations["at_ms"], json!([1.0, 3.0]));
    assert_eq!(operations["latency_ms"], json!([1.5, null]));
    assert_eq!(operations["function"], json!(["broadcast", "read"]));
    assert_eq!(operations["outcome"], json!(["ok", "info"]));
    assert_eq!(operations["windows"]["max"], json!([1.5]));
    let functions = &operations["functions"];
    assert_eq!(functions[0]["latency_ms"]["0.5"], 1.5);
    assert_eq!((&functions[0]["ok"], &functions[1]["unknown"]), (&1.into(), &1.into()));
    assert_eq!(functions[1]["latency_ms"], Value::Null);
}

#[test]
fn text_of_nodes_cannot_leave_the_data() {
    let folder = Folder::new("hostile");
    let evil = "</script><script>alert(1)</script><!-- {{scripts}} {{data}}";
    let mut results = results();
    results["plan"]["program"] = evil.into();
    results["reasons"] = json!([evil]);
    folder.put("results.json", &results.to_string());
    let line = message("n0", "n1", 1.0, evil, &json!({ "type": evil }));
    folder.put("net.jsonl", &line);
    let (data, page) = folder.written();
    assert_eq!(data["results"]["reasons"][0], evil);
    assert_eq!(data["sample"]["types"][0], evil);
    assert!(!page.contains("<script>alert"));
    assert!(!page.contains("<!-- {{"));
    assert_eq!(page.matches("</script>").count(), 4, "the theme, the data, the library, ours");
}

#[test]
fn types_without_number_or_end_are_cut() {
    let folder = Folder::new("types");
    let name = |n: usize| format!("{n:04}{}", "x".repeat(2000));
    let mut results = results();
    let types = (0..1000).map(|n| json!({"type": name(n), "messages": 1, "bytes": 20}));
    results["types"] = types.collect();
    folder.put("results.json", &results.to_string());
    let lines: String = (0..1000).map(|n| message("n0", "n1", 1.0, &name(n), &json!({}))).collect();
    folder.put("net.jsonl", &lines);
    let (data, page) = folder.written();
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
    assert_eq!(data["results"]["types"].as_array().unwrap().len(), 200);
    assert_eq!(data["types_left_out"], 800);
    let types = data["sample"]["types"].as_array().unwrap();
    assert_eq!((types.len(), &types[255]), (256, &"other types".into()));
    assert_eq!(types[0], data["traffic"]["types"][0], "so that both have the same color");
    assert_eq!(data["sample"]["type"][999], 255);
    assert_eq!(data["traffic"]["sent"][0][0], 1);
    assert_eq!(data["traffic"]["sent"][7][0], 993);
}

#[test]
fn a_flood_is_sampled_and_the_page_stays_small() {
    let folder = Folder::new("flood");
    let filler = "<\"".repeat(330);
    let lines: String = (0..24_000)
        .map(|n| {
            let body = json!({"type": "broadcast", "message": n, "filler": filler});
            message("n0", "n1", f64::from(n) / 24.0, "broadcast", &body)
        })
        .collect();
    folder.put("net.jsonl", &lines);
    let (data, page) = folder.written();
    let shown = data["sample"]["sent_us"].as_array().unwrap();
    assert!(shown.len() > 19_000 && shown.len() <= MESSAGES_MAX, "{}", shown.len());
    assert_eq!(data["traffic"]["total"], 24_000);
    assert!(data["sample"]["bodies_left_out"].as_u64().unwrap() > 10_000);
    assert!(page.len() < 6_000_000, "{} bytes", page.len());
    // Those whose bodies had room are spread over the sample.
    let bodies = data["sample"]["body"].as_array().unwrap();
    assert!(bodies[..5_000].iter().any(|body| !body.is_null()));
    assert!(bodies[bodies.len() - 5_000..].iter().any(|body| !body.is_null()));
}

#[test]
fn errors_name_the_file_and_the_line() {
    let folder = Folder::new("errors");
    let good = message("n0", "n1", 1.0, "broadcast", &json!({}));
    folder.put("net.jsonl", &format!("{good}\n{{\"id\":"));
    let error = folder.error();
    assert!(error.starts_with("net.jsonl, line 3: EOF while parsing"), "{error}");
    assert!(error.contains("repair or remove the line"), "{error}");

    folder.put("net.jsonl", &good);
    folder.put("values.jsonl", &value(0, [Some(1.0); 3]).replace("\"n0\"", "\"n9\""));
    let error = folder.error();
    assert!(error.starts_with("values.jsonl, line 1: the run's plan has no node"), "{error}");

    folder.put("values.jsonl", &value(0, [Some(1.0); 3]).replace("1.0,", ""));
    assert!(folder.error().starts_with("values.jsonl, line 1: "));

    folder.put("values.jsonl", "");
    folder.put("faults.jsonl", "{\"at_ms\":0,\"start\":\"kill\",\"nodes\":[3]}");
    assert!(
        folder
            .error()
            .starts_with("faults.jsonl: fault plan: event 1 (line 1): there is no node 3")
    );

    folder.put("faults.jsonl", "");
    folder.put("history.jsonl", "{\"history\":1,\"nodes\":[\"n0\"]}\nnonsense");
    assert!(folder.error().starts_with("history.jsonl, line 2: expected"), "{}", folder.error());

    folder.put("results.json", "{\"format\":1}");
    assert!(folder.error().starts_with("results.json, line 1: missing field"));
    let mut other = results();
    other["format"] = 2.into();
    folder.put("results.json", &other.to_string());
    assert!(folder.error().starts_with("results.json: format 2 is unknown here, only 1 is"));
    fs::remove_file(folder.0.join("results.json")).unwrap();
    assert!(folder.error().contains("give the folder of a run that has ended"));
}

#[test]
fn the_same_files_make_the_same_page() {
    let folder = Folder::new("same");
    folder.put("values.jsonl", &value(0, [Some(10.0), Some(110.0), None]));
    folder.put("net.jsonl", &message("n0", "n1", 1.0, "broadcast", &json!({"message": 0})));
    assert_eq!(folder.written().1, folder.written().1);
}
