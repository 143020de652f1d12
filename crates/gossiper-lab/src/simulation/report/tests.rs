//! What stands in the pages, without a browser.

use std::time::Duration;

use gossiper_core::{Config, Strategy};
use serde_json::Value;

use super::*;
use crate::fault::FaultPlan;
use crate::network::Latency;
use crate::simulation::{Answer, Crash, LoadPlan, Scenario, Span, Sweep, Trouble, Victims, play};
use crate::topology::Topology;

const ALL: [Strategy; 4] = [Strategy::Flood, Strategy::Tree, Strategy::Gossip, Strategy::Hybrid];

fn scenario(nodes: usize, broadcasts: usize) -> Scenario {
    let load = LoadPlan { broadcasts, rate_hz: 10.0, senders: nodes };
    Scenario {
        nodes,
        config: Config::default(),
        topology: Topology::Grid,
        latency: Latency::range(10, 50),
        faults: FaultPlan::new(nodes, Vec::new()).unwrap(),
        broadcasts: load.draw(nodes, 1),
        settle: Duration::from_secs(10),
        stagger: Duration::from_secs(1),
        warmup: None,
        seed: 1,
    }
}

/// The data of a page.
fn data(page: &str) -> Value {
    let (_, rest) = page.split_once(r#"<script type="application/json" id="run">"#).unwrap();
    let (json, _) = rest.split_once("</script>").unwrap();
    serde_json::from_str(json).unwrap()
}

#[test]
fn without_faults_asked_for_three_cases_are_compared_and_the_first_is_the_run_itself() {
    let scenario = scenario(40, 20);
    let comparison = Comparison::play(&scenario, &ALL, &Wrong::Unasked, play).unwrap();
    let arguments: Vec<&str> = comparison.cases.iter().map(|case| &case.arguments[..]).collect();
    assert_eq!(arguments, ["", "--loss 0.05", "--crash hub@200ms"]);
    for (run, strategy) in comparison.cases[0].runs.iter().zip(ALL) {
        let config = Config { strategy, ..Config::default() };
        assert_eq!(*run, play(Scenario { config, ..scenario.clone() }).unwrap());
    }
    assert!(comparison.cases[1].runs.iter().all(|run| run.dropped.loss > 0));
    assert!(comparison.cases[2].runs.iter().all(|run| run.live_nodes == 39));
    let page = comparison_page(&comparison, "gossiper sim --seed 1");
    assert_eq!(page, comparison_page(&comparison, "gossiper sim --seed 1"));
    let data = data(&page);
    assert_eq!((&data["command"], &data["sweep"]), (&"gossiper sim --seed 1".into(), &Value::Null));
    let curve = &data["cases"][0]["runs"][3]["curve"];
    assert_eq!(curve["mean"].as_array().unwrap().last(), Some(&1_000_000.into()));
    let played = &data["cases"][2]["played"];
    assert_eq!((&played["nodes"], &played["is_whole"]), (&29.into(), &false.into()));
    assert_eq!(played["tree"].as_array().unwrap().len(), 28);
    assert!(page.len() < 3_000_000, "{} bytes", page.len());
}

#[test]
fn a_small_run_is_played_itself() {
    let scenario = scenario(12, 3);
    let comparison = Comparison::play(&scenario, &ALL, &Wrong::Unasked, play).unwrap();
    let data = data(&comparison_page(&comparison, ""));
    let played = &data["cases"][0]["played"];
    assert_eq!((&played["nodes"], &played["is_whole"]), (&12.into(), &true.into()));
    let moments: Vec<u64> = played["runs"][0]["trace"]["deliveries"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row[3].is_null())
        .map(|row| row[0].as_u64().unwrap())
        .collect();
    let broadcasts: Vec<u64> = scenario.broadcasts.iter().map(|one| one.at.0 / 1000).collect();
    assert_eq!(moments, broadcasts);
}

#[test]
fn faults_that_are_asked_for_are_the_only_case_and_values_follow_them() {
    let span = Span { from_ms: 5_000, until_ms: Some(7_000) };
    let crash = Some(Crash { victims: Victims::Share(0.1), span });
    let wrong = Wrong::Trouble(Trouble { crash, ..Trouble::default() });
    let comparison = Comparison::play(&scenario(100, 20), &ALL[3..], &wrong, play).unwrap();
    let data = data(&comparison_page(&comparison, ""));
    assert_eq!(data["cases"].as_array().unwrap().len(), 1);
    let told = serde_json::json!(["faults", "kill of 10 of 100 nodes from 5 to 7 s"]);
    assert!(data["facts"].as_array().unwrap().contains(&told), "{}", data["facts"]);
    let trace = &data["cases"][0]["played"]["runs"][0]["trace"];
    let given = trace["deliveries"].as_array().unwrap().iter().filter(|row| row[3].is_null());
    let moments: Vec<u64> = given.map(|row| row[0].as_u64().unwrap() / 1000).collect();
    assert_eq!(moments, [0, 600, 2_000, 5_100, 7_100]);
}

#[test]
fn settings_are_told_where_somebody_uses_them() {
    let told = |strategies: &[Strategy]| {
        let comparison = Comparison::play(&scenario(9, 1), strategies, &Wrong::Unasked, play);
        let data = data(&comparison_page(&comparison.unwrap(), ""));
        let facts = data["facts"].as_array().unwrap().iter();
        let names: Vec<String> = facts.map(|fact| fact[0].as_str().unwrap().into()).collect();
        ["gossip", "acknowledged within", "pace of hybrid"].map(|name| names.contains(&name.into()))
    };
    assert_eq!(told(&[Strategy::Flood]), [false; 3]);
    assert_eq!(told(&[Strategy::Tree]), [false, true, false]);
    assert_eq!(told(&[Strategy::Flood, Strategy::Hybrid]), [true; 3]);
}

#[test]
fn what_a_small_cluster_does_not_have_is_not_played() {
    let span = Span { from_ms: 500, until_ms: None };
    let crash = Some(Crash { victims: Victims::Node(57), span });
    let wrong = Wrong::Trouble(Trouble { crash, ..Trouble::default() });
    let comparison = Comparison::play(&scenario(100, 5), &ALL[3..], &wrong, play).unwrap();
    assert!(comparison.cases[0].played.is_none());
    assert!(data(&comparison_page(&comparison, ""))["cases"][0]["played"].is_null());
    let refused = Comparison::play(&scenario(20, 5), &ALL, &wrong, play).unwrap_err();
    assert!(refused.to_string().contains("there is no node n57"), "{refused}");
}

#[test]
fn a_plan_has_a_row_for_all_seeds_together() {
    let plan = "question = \"a < b?\"\nnodes = [5, 10]\nseeds = 3\nbroadcasts = 4\nsettle = \"2s\"";
    let sweep = Sweep::from_toml(plan).unwrap();
    let answers = sweep.play(1, &|| ()).unwrap();
    let rows = Summary::all(&answers);
    assert_eq!(rows.len(), 2 * 4);
    let mean = answers[..3].iter().map(|one| one.results.messages_per_broadcast.unwrap());
    assert_eq!(rows[0].messages_per_broadcast, Some(mean.sum::<f64>() / 3.0));
    let of = |run: &Answer| run.results.messages_per_broadcast.unwrap();
    let (least, most) = rows[0].messages_spread.unwrap();
    let mut sorted: Vec<f64> = answers[..3].iter().map(of).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    assert_eq!((least, most), (sorted[0], sorted[2]));
    assert_eq!((rows[4].nodes, rows[4].runs, rows[4].strategy), (10, 3, "flood"));
    let page = plan_page(&sweep, &answers, "gossiper sim plan.toml");
    assert!(!page.contains("a < b"), "what the plan says is data, and ends nothing");
    let data = data(&page);
    assert_eq!(data["title"], "a < b?");
    assert_eq!(data["sweep"]["rows"].as_array().unwrap().len(), 8);
    assert_eq!(data["sweep"]["rows"][0]["curve"]["mean"][0], 200_000);
}
