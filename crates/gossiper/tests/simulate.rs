//! `gossiper sim` as a user has it.

use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn sim(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gossiper"));
    command.arg("sim").args(args).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The JSON of a run that went well.
fn json(args: &[&str]) -> Value {
    let output = sim(&[args, &["--json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn hybrid_learns_its_overlay_where_it_is_told_to() {
    let args = ["--nodes", "40", "--broadcasts", "5", "--seed", "3", "--overlay", "learned"];
    let runs = json(&[&args[..], &["--settle", "2s"]].concat());
    for strategy in ["flood", "tree", "gossip", "hybrid"] {
        let is_learned = runs[strategy]["messages"]["gossip_link"].as_u64() > Some(0);
        assert_eq!(is_learned, strategy == "hybrid");
    }
    assert_eq!(runs["hybrid"]["coverage"], 1.0);
    let calm = json(&[&args[..], &["--strategy", "hybrid", "--warmup", "0s"]].concat());
    assert_eq!(calm["coverage"], 1.0);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gossiper"));
    command.args(["sim", "--nodes", "5", "--seed", "1"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}

#[test]
fn bad_arguments_are_explained_and_end_with_254() {
    for (args, says) in [
        (&["--strategy", "rumour"][..], "possible values: flood, tree, gossip, hybrid, all"),
        (&["--nodes", "0"], "a whole number from 1 to 1000000"),
        (&["--nodes", "1000001"], "a whole number from 1 to 1000000"),
        (&["--broadcasts", "many"], "a whole number from 1 to 1000000"),
        (&["--rate", "0"], "from 0.001 to 1000000"),
        (&["--senders", "0"], "at least 1"),
        (&["--latency", "50..10"], "a range of them, such as 10..50"),
        (&["--latency", "10..50", "--latency-dist", "uniform"], "around a mean such as 30"),
        (&["--latency", "world", "--latency-dist", "uniform"], "and world has no such shape"),
        (&["--latency-dist", "uniform"], "unless told: add a mean such as --latency 30"),
        (&["--latency-dist", "normal"], "constant, uniform or exponential"),
        (&["--topology", "ring"], "line, grid, tree, tree2, tree3, tree4, total"),
        (&["--topology", "line", "--nodes", "2001"], "2000 nodes at most: take grid"),
        (&["--topology", "total", "--nodes", "2001"], "everyone to everyone"),
        (&["--overlay", "random"], "auto, computed or learned"),
        (&["--loss", "2"], "a probability from 0 to 1"),
        (&["--loss", "101%"], "such as 0.02 or 2%"),
        (&["--loss", "nan"], "a probability from 0 to 1"),
        (&["--crash", "10%"], "such as 10%@1s"),
        (&["--crash", "0@2s"], "a share such as 10% or 0.1, hub, or a node such as n3"),
        (&["--crash", "n5@2s", "--nodes", "5"], "--crash n5@2s: there is no node n5"),
        (&["--crash", "hub@15000m"], "15000m is beyond ten days"),
        (&["--crash", "n1@2s", "--crash", "n2@2s"], "--crash is given 2 times, and once"),
        (&["--partition", "one@2s", "--partition", "one@3s"], "see --fault-plan"),
        (&["--strategy", "flood", "--overlay", "computed"], "--overlay changes nothing"),
        (&["--crash", "1@2s"], "1 may mean one node, or all"),
        (&["--crash", "hub@soon"], "100ms"),
        (&["--partition", "half@1s"], "one, minority-third, majority, majorities-ring"),
        (&["--partition", "one@5s..1s"], "ends at 1s and begins at 5s"),
        (
            &["--partition", "majorities-ring@1s", "--nodes", "1001"],
            "--partition majorities-ring@1s: ",
        ),
        (&["--fault-plan", "nowhere.jsonl"], "cannot read nowhere.jsonl"),
        (&["--fault-plan", "plan", "--loss", "0.1"], "cannot be used with"),
        (&["--nodes", "1", "--partition", "majority@1s"], "majority@1s: it cuts off nobody"),
        (&["--settle", "-1s"], "'-1s' for '--settle <TIME>'"),
        (&["--gossip-interval", "0s"], "at least 1ms"),
        (&["--seed", "-1"], "a whole number from 0"),
        (&["--nodes", "10000", "--broadcasts", "1000000"], "too many together"),
        (&["nowhere.toml"], "cannot read nowhere.toml"),
        (&["nowhere.toml", "--nodes", "5"], "cannot be used with"),
        (&["--seeds", "2"], "--seeds is for a --swarm"),
        (&["--out", "x", "--nodes", "5"], "--out is for a --swarm"),
        (&["--replay", "x", "--nodes", "5"], "--replay is for a --swarm"),
        (&["--senders", "6", "--nodes", "5"], "--senders 6: the cluster has 5 --nodes"),
        (&["--strategy", "tree", "--overlay", "learned"], "hybrid alone learns"),
        (&["--strategy", "flood", "--fanout", "3"], "--fanout changes nothing"),
        (&["--strategy", "hybrid", "--overlay", "learned", "--fanout", "3"], "--fanout changes"),
        (&["--strategy", "flood", "--gossip-interval", "1s"], "--gossip-interval changes nothing"),
        (&["--strategy", "tree", "--warmup", "1s"], "--warmup changes nothing"),
        (&["--strategy", "hybrid", "--topology", "line", "--pace", "1s"], "--pace changes nothing"),
        (&["--strategy", "flood", "--ack-timeout", "1s"], "--ack-timeout changes nothing"),
        (&["--strategy", "tree", "--pace", "1s"], "--pace changes nothing"),
        (&["--strategy", "gossip", "--topology", "line"], "--topology changes nothing"),
        (
            &["--strategy", "hybrid", "--overlay", "learned", "--topology", "line"],
            "--topology changes nothing",
        ),
        (&["--swarm", "typo.toml"], "reads no plan: leave out typo.toml"),
        (&["--swarm", "--overlay", "learned"], "cannot be used with"),
        (&["--swarm", "--replay", "x", "--threads", "2"], "cannot be used with"),
        (&["--swarm", "--seeds", "0"], "from 1 to"),
        (&["--swarm", "--nodes", "5"], "cannot be used with"),
        (&["--swarm", "--replay", "nowhere.json"], "cannot read nowhere.json"),
    ] {
        let output = sim(args);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(254), "{args:?}: {stderr}");
        assert!(stderr.contains(says), "{says:?} is not in {stderr}");
        assert!(stderr.starts_with("error: "), "{stderr}");
        assert_eq!(text(&output.stdout), "");
    }
}

#[test]
fn one_strategy_is_an_object_with_every_figure() {
    let results =
        json(&["--strategy", "tree", "--nodes", "26", "--broadcasts", "5", "--seed", "3"]);
    assert_eq!(results["strategy"], "tree");
    assert_eq!((&results["seed"], &results["nodes"]), (&3.into(), &26.into()));
    assert_eq!(results["broadcasts"], 5);
    assert_eq!((&results["coverage"], &results["redundancy"]), (&1.0.into(), &0.0.into()));
    // A tree: a payload for each node but one, and as many acknowledgements.
    assert_eq!(results["payloads_per_broadcast"], 25.0);
    assert_eq!(results["messages_per_broadcast"], 50.0);
    for figure in ["last_delivery_hop", "bytes_per_broadcast", "rounds_to_all"] {
        assert!(results[figure].is_f64(), "{figure} in {results}");
    }
    for quantiles in ["time_to_all_ms", "delivery_ms"] {
        for p in ["0", "0.5", "0.95", "0.99", "1"] {
            assert!(results[quantiles][p].is_number(), "{quantiles} in {results}");
        }
    }
    let coverage = results["coverage_over_time"].as_array().unwrap();
    assert_eq!(coverage.first(), Some(&serde_json::json!([0, 0.038462])), "one node of 26");
    assert_eq!(coverage.last().map(|last| &last[1]), Some(&1.0.into()));
    assert!(results["recovery_ms"].is_null(), "nothing went wrong");
    assert_eq!((&results["invented"], &results["delivered_twice"]), (&0.into(), &0.into()));
}

#[test]
fn all_strategies_are_an_object_by_strategy_and_only_some_mend_a_partition() {
    let results = json(&[
        "--nodes",
        "30",
        "--broadcasts",
        "20",
        "--latency",
        "20",
        "--partition",
        "majority@300ms..3s",
        "--loss",
        "0.1",
        "--seed",
        "5",
    ]);
    let names: Vec<&String> = results.as_object().unwrap().keys().collect();
    assert_eq!(names, ["flood", "gossip", "hybrid", "tree"], "serde_json sorts them");
    for (name, is_mended) in [("flood", false), ("tree", false), ("gossip", true), ("hybrid", true)]
    {
        let of = &results[name];
        assert_eq!(of["strategy"], name);
        assert_eq!(of["coverage"] == 1.0, is_mended, "{of}");
        assert_eq!(of["recovery_ms"].is_f64(), is_mended, "{of}");
        assert!(
            of["dropped"]["cut"].as_u64() > Some(0) && of["dropped"]["loss"].as_u64() > Some(0)
        );
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let run = |seed: &str, form: &[&str]| {
        let args = ["--nodes", "40", "--crash", "20%@1s..3s", "--loss", "0.05", "--seed", seed];
        let output = sim(&[&args, form].concat());
        assert_eq!(output.status.code(), Some(0));
        text(&output.stdout)
    };
    for form in [&[][..], &["--json"]] {
        assert_eq!(run("11", form), run("11", form));
        assert_ne!(run("11", form), run("12", form));
    }
}

#[test]
fn a_seed_that_is_drawn_is_told_with_the_command_that_plays_it_again() {
    for form in [&[][..], &["--json"]] {
        let args = [&["--nodes", "7", "--broadcasts", "2", "--settle", "1s"][..], form].concat();
        let drawn = sim(&args);
        let said = text(&drawn.stderr);
        let command = said.strip_prefix("again with: gossiper sim ").unwrap().trim_end();
        let again = sim(&command.split(' ').collect::<Vec<_>>());
        assert_eq!((drawn.stdout, text(&again.stderr)), (again.stdout, String::new()));
    }
}

#[test]
fn the_hub_that_crashed_and_the_topology_that_is_used_are_told() {
    let args = ["--nodes", "20", "--broadcasts", "12", "--seed", "3", "--crash", "hub@1s"];
    let runs = json(&args);
    let table = text(&sim(&args).stdout);
    let hubs = ["flood", "tree", "gossip", "hybrid"].map(|name| runs[name]["hubs"][0].to_string());
    let row = table.lines().find(|line| line.starts_with("hub ")).unwrap();
    let told: Vec<&str> = row.split_whitespace().skip(1).collect();
    assert_eq!(told, hubs.map(|hub| format!("n{hub}")));
    assert!(table.lines().nth(1).unwrap().starts_with("20 nodes on grid: "), "{table}");
    let hybrid = text(&sim(&[&args[..6], &["--strategy", "hybrid"]].concat()).stdout);
    assert!(hybrid.lines().nth(1).unwrap().starts_with("20 nodes: "), "nobody uses a grid");
    assert!(!hybrid.contains("\nhub "), "{hybrid}");
}

#[test]
fn a_table_begins_with_the_seed_and_has_a_column_for_each_strategy() {
    let output = sim(&["--nodes", "1", "--broadcasts", "1", "--seed", "9"]);
    let table = text(&output.stdout);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines[0], "seed 9");
    assert_eq!(lines[1], "1 node on grid: 1 broadcast at 10 a second, 10..50 ms a hop");
    assert!(lines[2].starts_with("overlay: given links (flood); ") && lines[3] == "faults: none");
    let names: Vec<&str> = lines[5].split_whitespace().collect();
    assert_eq!(names, ["flood", "tree", "gossip", "hybrid"]);
    assert!(lines[6].starts_with("coverage ") && lines[6].ends_with("100.00 %"), "{table}");
    // One node has nobody to send to, and so no figure for each node reached.
    assert!(table.contains("\nredundancy                       -           -"), "{table}");
    assert!(!table.contains("recover") && !table.contains("dead"), "{table}");
}

#[test]
fn whom_nodes_push_to_and_what_goes_wrong_is_told() {
    let args = ["--nodes", "20", "--broadcasts", "2", "--overlay", "learned", "--seed", "9"];
    let args = [&args[..], &["--crash", "10%@1s..2s", "--loss", "0.07"]].concat();
    let table = text(&sim(&args).stdout);
    let lines: Vec<&str> = table.lines().skip(2).take(2).collect();
    let told = [
        "overlay: given links (flood); computed tree of all nodes, children up to 24 (tree); \
         random peers (gossip); learned tree, active view 5, passive view 30 (hybrid)",
        "faults: loss of 7 % throughout; kill of 2 of 20 nodes from 1 to 2 s",
    ];
    assert_eq!(lines, told);
    let setting = &json(&args)["hybrid"]["setting"];
    assert_eq!((&setting["overlay"], &setting["active_view"]), (&"learned".into(), &5.into()));
    let crash = serde_json::json!(
        {"kind": "kill", "what": "2 of 20 nodes", "from_ms": 1000, "until_ms": 2000}
    );
    assert_eq!(setting["faults"][1], crash);
}

#[test]
fn the_head_names_what_was_given_and_json_has_it_all() {
    let args = ["--nodes", "9", "--broadcasts", "3", "--seed", "9", "--strategy", "hybrid"];
    let given = ["--senders", "1", "--warmup", "2s", "--settle", "1s", "--latency", "30"];
    let args = [&args[..], &given].concat();
    let table = text(&sim(&args).stdout);
    let lines: Vec<&str> = table.lines().take(5).collect();
    assert_eq!(lines[1], "9 nodes: 3 broadcasts at 10 a second from 1 node, 30 ms a hop");
    assert_eq!(lines[4], "with: warm-up 2s, time to settle 1s");
    let setting = &json(&args)["setting"];
    for (key, value) in [
        ("latency", serde_json::json!("30")),
        ("latency_dist", "constant".into()),
        ("topology", "grid".into()),
        ("senders", 1.into()),
        ("settle_ms", 1000.0.into()),
        ("warmup_ms", 2000.0.into()),
        ("pace_ms", 100.0.into()),
    ] {
        assert_eq!(setting[key], value, "{key}");
    }
    assert!(setting["broadcasting_ms"].as_f64() > Some(0.0));
}

#[test]
fn a_share_is_a_number_or_a_percentage() {
    let run = |loss: &str, crash: &str| {
        let args = ["--nodes", "20", "--broadcasts", "3", "--seed", "1", "--settle", "1s"];
        text(&sim(&[&args[..], &["--loss", loss, "--crash", crash]].concat()).stdout)
    };
    let share = run("0.07", "0.5@1s");
    assert!(share.contains("loss of 7 % throughout; kill of 10 of 20 nodes"), "{share}");
    assert_eq!(share, run("7%", "50%@1s"));
}

#[test]
fn what_became_of_the_broadcasts_is_told_where_no_node_is_left() {
    let of =
        |when: &str| sim(&["--nodes", "9", "--broadcasts", "8", "--seed", "2", "--crash", when]);
    let some = text(&of("100%@400ms").stdout);
    let said = "No node is up at the end. Of 8 broadcasts, 5 died with all nodes that had them, and 3 \
                found no node that was up.";
    assert!(some.ends_with(&format!("{said}\n")), "{some}");
    for row in ["died with its holders            5", "taken by no node                 3"] {
        assert!(some.contains(row), "{some}");
    }
    let none = of("100%@0s");
    assert!(text(&none.stdout).contains("Of 8 broadcasts, 0 died"), "{}", text(&none.stdout));
    assert_eq!(none.status.code(), Some(2));
    let why = "nothing was broadcast: no node was up to take a value when one came\n";
    assert!(text(&none.stderr).ends_with(why), "{}", text(&none.stderr));
    let back = of("100%@0s..1m");
    assert_eq!((back.status.code(), text(&back.stderr)), (Some(2), why.to_owned()));
    let most = text(&of("50%@1s").stdout);
    assert!(most.contains("nodes down at the end            5") && !most.contains("No node is up"));
}

#[test]
fn a_plan_of_faults_is_played_and_a_run_in_which_nothing_happens_is_unknown() {
    let path = std::env::temp_dir().join(format!("gossiper-sim-{}.jsonl", std::process::id()));
    std::fs::write(&path, r#"{"at_ms":0,"start":"kill","nodes":["n0","n1","n2"]}"#).unwrap();
    let plan = path.to_str().unwrap();
    let some = sim(&["--nodes", "4", "--broadcasts", "2", "--fault-plan", plan, "--json"]);
    let none = sim(&["--nodes", "3", "--broadcasts", "2", "--fault-plan", plan]);
    let wrong = sim(&["--nodes", "2", "--fault-plan", plan]);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(some.status.code(), Some(0));
    let some: Value = serde_json::from_slice(&some.stdout).unwrap();
    assert_eq!(some["hybrid"]["live_nodes"], 1);
    assert_eq!(none.status.code(), Some(2), "{}", text(&none.stdout));
    assert_eq!(wrong.status.code(), Some(254));
    assert!(text(&wrong.stderr).contains(plan), "{}", text(&wrong.stderr));
}

#[cfg(unix)]
#[test]
fn a_report_is_written_where_a_link_leads() {
    let path = |name: &str| {
        std::env::temp_dir().join(format!("gossiper-{}-link-{name}", std::process::id()))
    };
    let (link, report) = (path("to-report"), path("report.html"));
    std::os::unix::fs::symlink(&report, &link).unwrap();
    let args = ["--nodes", "3", "--seed", "1", "--broadcasts", "1", "--report"];
    let output = sim(&[&args[..], &[link.to_str().unwrap()]].concat());
    let told = std::fs::read_to_string(&report).map(|page| page.starts_with("<!"));
    let is_link = std::fs::symlink_metadata(&link).unwrap().is_symlink();
    std::fs::remove_file(&link).unwrap();
    std::fs::remove_file(&report).unwrap();
    assert_eq!((output.status.code(), told.ok(), is_link), (Some(0), Some(true), true));
}

#[test]
fn a_file_that_is_no_plan_of_faults_or_of_runs_is_refused() {
    let file = |name: &str, text: &str| {
        let path = std::env::temp_dir().join(format!("gossiper-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        path
    };
    let refusal = |args: &[&str], path: std::path::PathBuf| {
        let output = sim(&[args, &[path.to_str().unwrap()]].concat());
        std::fs::remove_file(&path).unwrap();
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(254), String::new()));
        text(&output.stderr)
    };
    let kill = r#"{"at_ms":0,"start":"kill","nodes":[5]}"#;
    let faults = ["--nodes", "5", "--fault-plan"];
    for (name, plan, says) in [
        ("none.jsonl", "", "none.jsonl starts no fault that hits anybody: leave --fault-plan out"),
        ("void.jsonl", r#"{"at_ms":9,"start":"kill","nodes":[]}"#, "no fault that hits anybody"),
        ("stop.jsonl", r#"{"at_ms":9,"stop":"all"}"#, "starts no fault"),
        ("wrong.jsonl", &format!("\n{kill}"), "event 1 (line 2): there is no node 5"),
        ("runs.toml", "question = \"?\"", "a plan of runs is played without --fault-plan"),
    ] {
        let said = refusal(&faults, file(name, plan));
        assert!(said.contains(says), "{says:?} is not in {said}");
    }
    for (name, plan) in [("lines", kill), ("array", &format!("[\n{kill}]"))] {
        let said = refusal(&[], file(name, plan));
        assert!(said.contains("a plan of faults is given with --fault-plan"), "{said}");
    }
}

#[test]
fn a_plan_gives_a_table_and_the_same_list_on_any_number_of_threads() {
    let path = std::env::temp_dir().join(format!("gossiper-sim-{}.toml", std::process::id()));
    let file = path.to_str().unwrap();
    let plan = "question = \"Who?\"\nnodes = [5, 26]\nseeds = 2\nbroadcasts = 3\nsettle = \"2s\"";
    std::fs::write(&path, plan).unwrap();
    let table = text(&sim(&[file]).stdout);
    let one = sim(&[file, "--json", "--threads", "1"]);
    let many = sim(&[file, "--json", "--threads", "7"]);
    std::fs::write(&path, "question = 1").unwrap();
    let wrong = sim(&[file]);
    std::fs::remove_file(&path).unwrap();
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!((lines[0], lines.len()), ("Who?", 2 + 1 + 2 * 4), "{table}");
    let names: Vec<&str> = lines[2].split_whitespace().collect();
    assert_eq!(names[..5], ["nodes", "strategy", "overlay", "runs", "coverage"], "{table}");
    let first: Vec<&str> = lines[3].split_whitespace().collect();
    assert_eq!(first[..5], ["5", "flood", "links", "2", "100.00"], "{table}");
    assert_eq!(text(&one.stdout), text(&many.stdout));
    let list: Value = serde_json::from_slice(&one.stdout).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 2 * 4 * 2);
    assert_eq!((&list[15]["strategy"], &list[15]["seed"]), (&"hybrid".into(), &2.into()));
    assert_eq!((&list[15]["faults"], &list[15]["pace_ms"]), (&"none".into(), &100.0.into()));
    assert_eq!(wrong.status.code(), Some(254));
    assert!(text(&wrong.stderr).contains(file), "{}", text(&wrong.stderr));
}

#[test]
fn the_plans_of_the_repository_are_plans() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../plans");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|e| e == "toml")).collect();
    assert!(!files.is_empty());
    for path in files {
        let plan = std::fs::read_to_string(&path).unwrap();
        let sweep = gossiper_lab::simulation::Sweep::from_toml(&plan);
        assert!(sweep.is_ok_and(|sweep| sweep.question.ends_with('?')), "{}", path.display());
    }
}

#[test]
fn help_names_every_flag() {
    let help = sim(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    let help = text(&help.stdout);
    for flag in [
        "--strategy",
        "--nodes",
        "--broadcasts",
        "--rate",
        "--senders",
        "--latency",
        "--latency-dist",
        "--topology",
        "--loss",
        "--crash",
        "--partition",
        "--fault-plan",
        "--settle",
        "--fanout",
        "--gossip-interval",
        "--ack-timeout",
        "--pace",
        "--seed",
        "--threads",
        "--swarm",
        "--seeds",
        "--replay",
        "--out",
        "--json",
    ] {
        assert!(
            help.contains(&format!("{flag} ")) || help.contains(&format!("{flag}\n")),
            "{flag}"
        );
    }
    for default in ["[default: all]", "[default: 100]", "[default: 10..50]", "[default: grid]"] {
        assert!(help.contains(default), "{default}");
    }
}

#[test]
fn a_report_is_the_same_for_the_same_seed_and_changes_nothing_that_is_printed() {
    let path = std::env::temp_dir().join(format!("gossiper-sim-{}.html", std::process::id()));
    let file = path.to_str().unwrap();
    let args = ["--nodes", "20", "--broadcasts", "3", "--seed", "4", "--json"];
    let report = || {
        let output = sim(&[&args[..], &["--report", file]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains(file));
        (output.stdout, std::fs::read_to_string(&path).unwrap())
    };
    let (printed, page) = report();
    assert_eq!(printed, sim(&args).stdout);
    assert_eq!((printed, page.clone()), report());
    assert!(page.contains("--seed 4") && page.contains("--crash hub@"), "it says how to repeat it");
    std::fs::remove_file(&path).unwrap();
    for command in [&["--nodes", "2", "--report"][..], &["--swarm", "--out"]] {
        let nowhere = sim(&[command, &["/nowhere/file"]].concat());
        assert_eq!((nowhere.status.code(), text(&nowhere.stdout)), (Some(254), String::new()));
        let says = format!("{} /nowhere/file cannot be written: No such", command.last().unwrap());
        assert!(text(&nowhere.stderr).contains(&says), "{}", text(&nowhere.stderr));
    }
    let refused = sim(&["--nodes", "0", "--report", file]);
    assert!(refused.status.code() == Some(254) && !path.exists(), "nothing is left behind");
}

#[test]
fn a_swarm_says_the_same_on_any_number_of_threads_and_plays_what_a_file_says() {
    let swarm = |threads| sim(&["--swarm", "--seeds", "5", "--json", "--threads", threads]);
    let (one, three) = (swarm("1"), swarm("3"));
    assert_eq!(one.status.code(), Some(0), "{}", text(&one.stdout));
    assert_eq!(text(&one.stdout), text(&three.stdout));
    let all: Value = serde_json::from_slice(&one.stdout).unwrap();
    assert_eq!((&all["tally"]["seeds"], &all["shrunk"]), (&5.into(), &Value::Null));
    let path = std::env::temp_dir().join(format!("gossiper-swarm-{}.json", std::process::id()));
    let mut scenario = gossiper_lab::swarm::Scenario::draw(3);
    scenario.broadcasts.truncate(1);
    std::fs::write(&path, scenario.to_json()).unwrap();
    let replay = sim(&["--swarm", "--replay", path.to_str().unwrap()]);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(replay.status.code(), Some(0), "{}", text(&replay.stderr));
    let said = text(&replay.stdout);
    assert!(said.starts_with("kept every promise") && said.contains(" 1 broadcast, "), "{said}");
}
