//! The report's page in a browser: a copy of it exercises itself and says what it found.
//!
//! The browser is the program that `CHROMIUM` names, or else one found in `PATH`. Without one the
//! tests say so and pass, unless `GOSSIPER_PAGE_TESTS` is `required`.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gossiper_core::{Config, Strategy};
use gossiper_lab::fault::FaultPlan;
use gossiper_lab::network::Latency;
use gossiper_lab::report;
use gossiper_lab::simulation::report::{Comparison, Wrong, comparison_page, plan_page};
use gossiper_lab::simulation::{self, LoadPlan, Scenario, Sweep};
use gossiper_lab::topology::Topology;
use serde_json::Value;
use support::{Browser, Cluster, empty_folder, nothing_happened, write_folder};

/// What is put before all other scripts, so that it sees their errors. A browser without a window
/// paints no frames, so what waits for the next one must not wait for ever.
const CATCHER: &str = r#"<script>
window.caught = [];
window.refused = [];
addEventListener("error", (event) => caught.push(String(event.message)));
addEventListener("unhandledrejection", (event) => caught.push(String(event.reason)));
window.requestAnimationFrame = (act) => setTimeout(() => act(performance.now()), 16);
document.addEventListener("securitypolicyviolation", (event) => refused.push(event.blockedURI));
</script>"#;

/// A window of the width of the test, which writes down what the page in it tells.
const FRAME: &str = r#"<!doctype html><title>frame</title>
<iframe src="PAGE" width="WIDTH" height="900" style="border:0"></iframe>
<script>
addEventListener("message", (event) => {
  const pre = document.createElement("pre");
  pre.id = "findings";
  pre.textContent = event.data;
  document.body.append(pre);
});
</script>"#;

const EXERCISE: &str = include_str!("support/exercise.js");

const SIMULATION_EXERCISE: &str = include_str!("support/simulation_exercise.js");

/// 25 nodes, a partition and a kill.
fn hub() -> Cluster {
    Cluster {
        nodes: 25,
        seconds: 20,
        rate_hz: 100,
        latency_ms: 100,
        cut: Some((4_000, 9_000, vec![3, 7, 8, 12, 13, 17, 20, 24])),
        kill: Some((12_000, 15_000, 5)),
        spice: String::new(),
    }
}

/// What a page of this width finds, in the theme that its address asks for; nothing without a
/// browser.
fn findings(folder: &Path, width: u32, theme: &str) -> Option<Value> {
    findings_of(folder, width, theme, EXERCISE)
}

fn findings_of(folder: &Path, width: u32, theme: &str, exercise: &str) -> Option<Value> {
    let browser = Browser::find()?;
    let page = fs::read_to_string(folder.join("report.html")).expect("the report was written");
    let copy = folder.join(format!("exercised-{width}.html"));
    let caught = page.replacen("<title>", &format!("{CATCHER}<title>"), 1);
    let (before, after) = caught.rsplit_once("</body>").expect("the page has a body");
    let exercised = format!("{before}<script>{exercise}</script></body>{after}");
    fs::write(&copy, exercised).expect("the folder is writable");
    // The browser's own window is never as narrow as a phone.
    let frame = folder.join(format!("frame-{width}.html"));
    let name = copy.file_name().and_then(|name| name.to_str()).expect("we named it");
    fs::write(
        &frame,
        FRAME.replace("WIDTH", &width.to_string()).replace("PAGE", &format!("{name}#{theme}")),
    )
    .expect("the folder is writable");
    let dom = browser.dom(&frame);
    let (_, rest) = dom.split_once(r#"<pre id="findings">"#).unwrap_or_else(|| {
        panic!("the page did not get to its end:\n{}", &dom[dom.len().saturating_sub(2000)..])
    });
    let (json, _) = rest.split_once("</pre>").expect("the element is closed");
    Some(serde_json::from_str(json).expect("findings are JSON"))
}

fn report(folder: &Path) -> PathBuf {
    report::write(folder).unwrap_or_else(|error| panic!("{error}"))
}

/// What holds for every page.
fn expect_sound(found: &Value) {
    assert_eq!(found["errors"], serde_json::json!([]), "{found:#}");
    assert_eq!(found["notices"], serde_json::json!([]), "each part could be shown");
    assert_eq!(found["refused"], serde_json::json!([]), "nothing was asked of anyone");
    for none in ["requests", "foreign", "hacked", "blank", "unlabelled", "captions"] {
        assert_eq!(found[none], 0, "{none}: {found:#}");
    }
    assert!(found["overflow"].as_i64() <= Some(0), "it scrolls sideways: {found:#}");
    assert_eq!(found["h1"], 1);
}

/// What holds for pages with charts and messages.
fn expect_movable(found: &Value) {
    for [one, other] in [
        ["whole", "zoomed"],
        ["zoomed", "panned"],
        ["panned", "dragged"],
        ["dragged", "pinched"],
        ["pinched", "reset"],
        ["stretch", "stretchZoomed"],
        ["stretchZoomed", "stretchWheeled"],
        ["stretchWheeled", "stretchKeyed"],
        ["stretchKeyed", "stretchDragged"],
        ["stretchDragged", "stretchPinched"],
        ["firstRow", "firstRowTurned"],
    ] {
        assert_ne!(found[one], found[other], "{one} and {other}: {found:#}");
        assert!(found[one].is_string() && found[other].is_string(), "{one}, {other}: {found:#}");
    }
    assert_eq!(found["whole"], found["reset"]);
    assert!(found["switches"].as_u64() > Some(10), "{found:#}");
    assert_eq!((&found["blankAfter"], &found["chartsAfter"]), (&0.into(), &found["charts"]));
    assert_eq!(found["tips"], 1, "{found:#}");
    let count = |name: &str| found[name].as_u64().unwrap_or_else(|| panic!("{name}: {found:#}"));
    assert!(count("messages") > count("messagesOfType") && count("messagesOfType") > 0);
    assert!(count("messages") > count("messagesOfNode") && count("messagesOfNode") > 0);
    assert_eq!(count("messagesOfText"), 0);
    assert!(count("followed") > 0 && count("followed") < count("messages"), "{found:#}");
    assert!(found["detail"].as_str().is_some_and(|text| text.contains("bytes")), "{found:#}");
}

#[test]
fn a_large_run_can_be_read_and_moved_on_a_desktop() {
    let folder = empty_folder("page-desktop");
    write_folder(&folder, &hub());
    let size = report(&folder).metadata().expect("it was written").len();
    assert!(size < 6_000_000, "{size} bytes");
    let Some(found) = findings(&folder, 1280, "light") else { return };
    expect_sound(&found);
    expect_movable(&found);
    assert_eq!(found["verdict"], "Valid");
    assert_eq!(found["theme"], "light");
    assert_eq!(found["charts"], 8, "coverage, faults, and six over time");
    assert!(found["messagesDropped"].as_u64() > Some(0));
    let sections = ["figures", "coverage", "time", "messages", "nodes"];
    assert_eq!(found["sections"], serde_json::json!(sections));
}

#[test]
fn a_large_run_can_be_read_and_moved_on_a_phone_in_the_dark() {
    let folder = empty_folder("page-phone");
    write_folder(&folder, &hub());
    report(&folder);
    let Some(found) = findings(&folder, 390, "dark") else { return };
    assert_eq!(found["width"], 390);
    expect_sound(&found);
    expect_movable(&found);
    assert_eq!(found["theme"], "dark");
    assert_eq!(found["themes"], serde_json::json!(["dark", "Auto"]));
}

#[test]
fn what_nodes_write_is_shown_as_text_and_never_run() {
    let folder = empty_folder("page-hostile");
    let spice = "</script><script>window.hacked=1</script><img src=x onerror='window.hacked=2'>";
    let cluster = Cluster { seconds: 2, cut: None, kill: None, spice: spice.into(), ..hub() };
    write_folder(&folder, &cluster);
    report(&folder);
    let Some(found) = findings(&folder, 1280, "light") else { return };
    expect_sound(&found);
    expect_movable(&found);
    let shown = spice.replace(['<', '>', '&'], "?");
    assert!(found["detail"].as_str().is_some_and(|text| text.contains(&shown)), "{found:#}");
}

#[test]
fn a_run_in_which_nothing_happened_is_a_page_too() {
    let runs = [("echo", 1, true), ("broadcast", 500, true), ("broadcast", 3, false)];
    for (workload, nodes, is_set_up) in runs {
        let folder = empty_folder(&format!("page-nothing-{workload}-{nodes}"));
        nothing_happened(&folder, workload, nodes, is_set_up);
        report(&folder);
        let Some(found) = findings(&folder, 390, "light") else { return };
        expect_sound(&found);
        assert_eq!(found["verdict"], "Unknown");
        assert_eq!(found["charts"], 0);
        let sections = match workload {
            _ if !is_set_up => serde_json::json!(["time", "nodes"]),
            "echo" => serde_json::json!(["figures", "time", "nodes"]),
            _ => serde_json::json!(["figures", "coverage", "time", "nodes"]),
        };
        assert_eq!(found["sections"], sections);
        assert!(found["absent"].as_u64() >= Some(1), "{found:#}");
    }
}

#[test]
fn a_run_that_was_cut_short_warns_and_marks_its_end() {
    let folder = empty_folder("page-cut-short");
    write_folder(&folder, &Cluster { seconds: 3, cut: None, kill: None, ..hub() });
    let path = folder.join("results.json");
    let text = fs::read_to_string(&path).expect("it was written");
    let mut results: Value = serde_json::from_str(&text).expect("results are JSON");
    results["valid"] = false.into();
    let words = "Traceback:\n    at line 3\n        raise";
    let reason =
        format!("The run ended after 3.0 s: n3 ended by itself (exit code 3). x:\n{words}");
    results["reasons"] = serde_json::json!([reason]);
    for phase in ["drain", "quiet", "final"] {
        results["phases_ms"][phase] = Value::Null;
    }
    results["phases_ms"]["end"] = 3000.0.into();
    results["host"]["lateness_ms"]["0.99"] = 23.0.into();
    results["incomplete"] = 2.into();
    results["challenge"]["deviations"] = serde_json::json!(["3 s instead of 20 s"]);
    fs::write(&path, results.to_string()).expect("the folder is writable");
    report(&folder);
    let Some(found) = findings(&folder, 390, "dark") else { return };
    expect_sound(&found);
    expect_movable(&found);
    assert_eq!(found["lastWords"], serde_json::json!([words]), "with its indentation");
    let cautions = found["cautions"].as_array().expect("a list");
    let has =
        |part: &str| cautions.iter().any(|one| one.as_str().is_some_and(|t| t.contains(part)));
    assert!(has("3 s instead of 20 s") && has("23 ms late"), "{found:#}");
    assert!(has("never seen at every node"), "{found:#}");
    let badges = found["badges"].as_array().expect("a list");
    assert!(badges.iter().all(|badge| badge != "passed" && badge != "failed"), "{found:#}");
    let marked = "n3 ended by itself · 3.00 s";
    assert!(found["moments"].as_array().is_some_and(|all| all.iter().any(|one| one == marked)));
    assert_eq!(found["clientsDrawn"], 1, "{found:#}");
}

#[test]
fn five_hundred_nodes_have_room() {
    let folder = empty_folder("page-many");
    let cluster = Cluster { nodes: 500, seconds: 1, rate_hz: 40, cut: None, kill: None, ..hub() };
    write_folder(&folder, &cluster);
    let size = report(&folder).metadata().expect("it was written").len();
    assert!(size < 6_000_000, "{size} bytes");
    let Some(found) = findings(&folder, 390, "dark") else { return };
    expect_sound(&found);
    expect_movable(&found);
}

/// The page of a hundred simulated nodes, with each protocol.
fn simulated() -> String {
    let nodes = 100;
    let load = LoadPlan { broadcasts: 10, rate_hz: 10.0, senders: nodes };
    let scenario = Scenario {
        nodes,
        config: Config::default(),
        topology: Topology::Grid,
        // The first arrivals, and so the axis, begin at no round number.
        latency: Latency::range(18, 50),
        faults: FaultPlan::new(nodes, Vec::new()).expect("no events are in order"),
        broadcasts: load.draw(nodes, 7),
        settle: Duration::from_secs(10),
        stagger: Duration::from_secs(1),
        warmup: None,
        seed: 7,
    };
    let all = [Strategy::Flood, Strategy::Tree, Strategy::Gossip, Strategy::Hybrid];
    let comparison = Comparison::play(&scenario, &all, &Wrong::Unasked, simulation::play)
        .expect("it can be played");
    comparison_page(&comparison, "gossiper sim --seed 7 --report <b>")
}

#[test]
fn a_simulation_is_compared_and_played_on_a_desktop_and_on_a_phone() {
    let page = simulated();
    for (width, theme) in [(1280, "light"), (390, "dark")] {
        let folder = empty_folder(&format!("page-simulation-{width}"));
        fs::write(folder.join("report.html"), &page).expect("the folder is writable");
        let Some(found) = findings_of(&folder, width, theme, SIMULATION_EXERCISE) else { return };
        expect_sound(&found);
        assert_eq!(found["theme"], theme);
        let sections = ["coverage", "figures", "play"];
        assert_eq!(found["sections"], serde_json::json!(sections));
        assert_eq!((&found["charts"], &found["rows"]), (&3.into(), &12.into()));
        let ticks = found["ticks"].as_u64().expect("a number");
        assert!(ticks >= 6, "two in each panel at least: {found:#}");
        assert_eq!(found["firstLines"], 3, "side by side or one above the other: {found:#}");
        assert_eq!(found["hiddenEverywhere"], 3, "one legend is for all: {found:#}");
        // Forward and back, on keys.
        for (one, other) in [("start", "stepped"), ("stepped", "end"), ("moved", "start")] {
            assert_ne!(found[one], found[other], "{one} and {other}: {found:#}");
        }
        assert_eq!((&found["start"], &found["home"]), (&found["back"], &found["start"]));
        assert_eq!(found["playing"], serde_json::json!([true, false]), "{found:#}");
        assert_eq!(found["stopped"], found["stoppedLater"], "{found:#}");
        assert_eq!(found["everywhere"], serde_json::json!(["29 of 29"]), "{found:#}");
        assert_eq!(found["crashed"], 1, "the crash is seen: {found:#}");
        let ways = found["ways"].as_array().expect("a list");
        let has = |way: &&str| ways.contains(&(*way).into());
        assert!(["type-1", "type-2", "type-3"].iter().all(has), "{found:#}");
        assert_eq!(found["nodes"], 29);
    }
}

/// What the page of a plan finds.
fn plan_findings(folder: &str, plan: &str) -> Option<Value> {
    let folder = empty_folder(folder);
    let sweep = Sweep::from_toml(plan).expect("it is a plan");
    let answers = sweep.play(2, &|| ()).expect("it can be played");
    fs::write(folder.join("report.html"), plan_page(&sweep, &answers, "gossiper sim p.toml"))
        .expect("the folder is writable");
    let found = findings_of(&folder, 390, "light", SIMULATION_EXERCISE)?;
    expect_sound(&found);
    Some(found)
}

#[test]
fn a_plan_is_drawn_against_what_it_sweeps() {
    let plan = "question = \"<b>How?</b>\"\nnodes = [5, 20, 80]\nseeds = 2\nbroadcasts = 4\n\
                settle = \"3s\"\n[[faults]]\nname = \"none\"\n[[faults]]\nname = \"5 %\"\n\
                loss = 0.05";
    let Some(found) = plan_findings("page-plan", plan) else { return };
    assert_eq!(found["sections"], serde_json::json!(["sweep", "coverage", "figures"]));
    assert_eq!((&found["charts"], &found["rows"]), (&5.into(), &24.into()), "{found:#}");
    assert_eq!(found["chartsAfter"], 5, "another choice shows other ones: {found:#}");
    assert_eq!(found["choices"], serde_json::json!([["none", "5 %"]]));
}

#[test]
fn the_overlay_of_hybrid_is_chosen_where_a_plan_has_several() {
    let plan = "question = \"How?\"\nnodes = [5, 20]\nbroadcasts = 4\nsettle = \"3s\"\n\
                strategy = [\"tree\", \"hybrid\"]\noverlay = [\"computed\", \"learned\"]";
    let Some(found) = plan_findings("page-overlays", plan) else { return };
    assert_eq!(found["choices"], serde_json::json!([["computed", "learned"]]));
    assert_eq!((&found["chartsChanged"], &found["rows"]), (&3.into(), &6.into()), "{found:#}");
    let alone = plan.replace("nodes = [5, 20]", "nodes = 5");
    let Some(found) = plan_findings("page-overlays-alone", &alone) else { return };
    assert_eq!(found["choices"], serde_json::json!([]), "it is the axis: {found:#}");
    assert_eq!((&found["charts"], &found["rows"]), (&4.into(), &3.into()), "{found:#}");
}
