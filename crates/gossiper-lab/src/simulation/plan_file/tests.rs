use super::*;

fn refusal(text: &str) -> String {
    Sweep::from_toml(text).unwrap_err().to_string()
}

#[test]
fn what_is_not_said_is_as_on_the_command_line() {
    let sweep = Sweep::from_toml("question = \"?\"\nnodes = 30").unwrap();
    assert_eq!(sweep.question, "?");
    let strategies: Vec<Strategy> = sweep
        .points
        .iter()
        .map(|point| {
            let scenario = point.scenario().unwrap();
            assert_eq!((scenario.nodes, scenario.seed, scenario.broadcasts.len()), (30, 1, 20));
            assert_eq!(scenario.latency, Latency::range(10, 50));
            assert!(scenario.faults.events().is_empty() && point.faults == "none");
            scenario.config.strategy
        })
        .collect();
    assert_eq!(strategies, ALL);
}

#[test]
fn every_value_is_played_with_every_other_in_the_order_of_the_keys() {
    let sweep = Sweep::from_toml(
        r#"question = "?"
        seeds = [7, 9]
        strategy = ["tree", "hybrid"]
        nodes = [5, 6]
        fanout = 3
        pace = ["0s", "200ms"]
        latency = 40
        latency_dist = "uniform"
        [[faults]]
        name = "a"
        loss = 0.5
        [[faults]]
        name = "b"
        crash = "hub@1s""#,
    )
    .unwrap();
    let told = sweep.points.iter().map(|point| {
        let scenario = point.scenario().unwrap();
        assert_eq!((scenario.config.fanout, scenario.latency.mean_ms), (3, 40));
        let name = strategy_name(scenario.config.strategy);
        let pace = scenario.config.pace.as_millis();
        format!("{} {} {pace} {name} {}", point.faults, scenario.nodes, scenario.seed)
    });
    let told: Vec<String> = told.collect();
    assert_eq!(told.len(), 32);
    let first = ["a 5 0 tree 7", "a 5 0 tree 9", "a 5 0 hybrid 7", "a 5 0 hybrid 9"];
    assert_eq!(told[..4], first);
    assert_eq!((&told[4][..], &told[8][..]), ("a 5 200 tree 7", "a 6 0 tree 7"));
    assert_eq!(told[31], "b 6 200 hybrid 9");
}

#[test]
fn hybrid_alone_is_played_on_several_overlays() {
    let plan = "question = \"?\"\nnodes = 5\nstrategy = [\"tree\", \"hybrid\"]\n\
                overlay = [\"learned\", \"computed\"]";
    let sweep = Sweep::from_toml(plan).unwrap();
    let told = sweep
        .points
        .iter()
        .map(|point| (strategy_name(point.config.strategy), point.config.is_learned()));
    let told: Vec<_> = told.collect();
    assert_eq!(told, [("tree", false), ("hybrid", true), ("hybrid", false)]);
}

#[test]
fn a_plan_that_cannot_be_is_refused_with_the_key() {
    for (rest, says) in [
        ("", "nodes"),
        ("nodes = 5\nnode = 3", "node"),
        ("nodes = 5\nnodes = 5", "nodes"),
        ("nodes = 0", "line 2: nodes = 0: from 1 to 1000000"),
        ("nodes = []", "line 2: nodes = []: the list is empty"),
        ("nodes = [5, 9]\nsenders = 7", "line 3: senders = 7: from 1 to the 5 nodes"),
        ("nodes = 5\nrate = 0.0", "line 3: rate = 0.0: from 0.001"),
        ("nodes = 5\nlatency = \"50..10\"", "line 3: latency = \"50..10\": write whole"),
        ("nodes = 5\nlatency_dist = \"uniform\"", "latency_dist = \"uniform\": it shapes"),
        ("nodes = 5\nlatency_dist = \"uniform\"", "add a mean such as latency = 30"),
        ("nodes = 5\nstrategy = \"rumour\"", "strategy = \"rumour\": \"rumour\" is not"),
        ("nodes = 5\ntopology = \"ring\"", "topology = \"ring\": no topology is"),
        ("nodes = 5\ngossip_interval = \"0s\"", "gossip_interval = \"0s\": at least 1ms"),
        ("nodes = 5\nseeds = 100000", "the plan has 400000 runs"),
        ("nodes = 5\nseeds = 0", "line 3: seeds = 0: at least 1"),
        ("nodes = 5\nseeds = []", "line 3: seeds = []: the list is empty"),
        ("nodes = 5\nseeds = [7, 1, 7]", "seeds = [7, 1, 7]: values 1 and 3 of the list"),
        ("nodes = [5, 5]", "nodes = [5, 5]: values 1 and 2 of the list are the same"),
        ("nodes = 5\npace = [\"1s\", \"1000ms\"]", "values 1 and 2 of the list are the same"),
        ("nodes = 5\nbroadcasts = 0", "line 3: broadcasts = 0: from 1 to 1000000"),
        ("nodes = 5\nrate = [1.0, 2.0]", "line 3: rate = [1.0, 2.0]: it has one value"),
        ("nodes = 5\ntopology = [\"line\"]", "lists are for nodes, fanout, gossip_interval"),
        ("nodes = 5\noverlay = [\"auto\", \"computed\"]", "auto is one of the others"),
        (
            "nodes = 5\noverlay = \"learned\"\nstrategy = \"tree\"",
            "line 3: overlay = \"learned\": it changes nothing here: hybrid alone learns",
        ),
        ("nodes = 5\npace = \"1s\"\nstrategy = \"tree\"", "pace = \"1s\": it changes nothing"),
        (
            "nodes = 5\n[[faults]]\nname = \"x\"\n[[faults]]\nname = \"x\"\nloss = 0.1",
            "line 4: faults \"x\": name = \"x\": sets 1 and 2 of faults have the same name",
        ),
        (
            "nodes = 5\n[[faults]]\nname = \"x\"\ncrash = \"foo@1s\"",
            "line 5: faults \"x\": crash = \"foo@1s\": \"foo\" is nobody",
        ),
        (
            "nodes = 5\n[[faults]]\nname = \"x\"\ncrash = \"n5@1s\"",
            "line 5: faults \"x\": crash = \"n5@1s\": there is",
        ),
        ("nodes = 5\n[[faults]]\nname = \"x\"\nloss = \"2\"", "loss = \"2\": write a prob"),
        ("nodes = 5\n[[faults]]\nname = \"x\"\nloss = 2", "loss = 2: "),
        ("nodes = 5\npace = 5", "pace = 5: write a time with its unit"),
        ("nodes = 5\nlatency = 0.5", "a text in quotes, or a whole number"),
        ("nodes = 5\n[[faults]]\nname = \"x\"\nfire = 1", "fire"),
        ("nodes = \"5\"", "a whole number, or a list of them in []"),
        ("nodes = 5\npace = true", "a text in quotes, or a list of them in []"),
        ("nodes = 5\nstrategy = \"all\"", "leave strategy out to play all of them"),
        ("nodes = 5\nstrategy = \"tree\"\noverlay = \"computed\"", "hybrid alone learns"),
    ] {
        let refusal = refusal(&format!("question = \"?\"\n{rest}"));
        assert!(refusal.contains(says), "{says:?} is not in {refusal}");
    }
    assert!(refusal("nodes = 5").starts_with("question: it is missing: say what"));
}

#[test]
fn the_example_of_the_documentation_is_a_plan() {
    let doc = include_str!("../plan_file.rs").lines();
    let example = doc.skip_while(|line| *line != "//! ```toml").skip(1);
    let example = example.take_while(|line| *line != "//! ```").map(|line| &line[3..]);
    let sweep = Sweep::from_toml(&example.collect::<Vec<_>>().join("\n")).unwrap();
    assert_eq!(sweep.points.len(), 2 * 4 * 3);
}
