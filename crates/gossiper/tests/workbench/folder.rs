//! Where results lie.

use std::fs;
use std::path::Path;

use crate::command::Running;
use crate::command::Scratch;
use crate::fixture_path::fixture_path;

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn runs_lie_in_the_store_and_latest_points_at_the_newest() {
    let fixture = fixture_path();
    let fixture = fixture.to_str().unwrap();
    let echo = ["-w", "echo", "--bin", fixture, "--time-limit", "0.2", "--", "straight"];
    let broadcast = ["--bin", fixture, "--time-limit", "0.2", "--rate", "50", "--", "straight"];
    let first = Running::start(&echo).finish();
    assert_eq!(first.code, Some(0), "{first}");
    let second = Running::start_in(first.scratch, &broadcast).finish();
    assert_eq!(second.code, Some(0), "{second}");
    let store = second.scratch.path().join("store");
    let to = |link: &str| fs::read_link(store.join(link)).unwrap();
    let newest = to("broadcast/latest");
    assert_eq!(to("latest"), Path::new("broadcast").join(&newest));
    assert_eq!(names(&store), ["broadcast", "echo", "latest"]);
    assert_eq!(names(&store.join("broadcast")).len(), 2);
    assert!(store.join("latest/results.json").is_file());
    assert!(store.join("echo/latest/results.json").is_file());
    let shown = Path::new("store/broadcast").join(newest);
    assert!(
        second.stdout.contains(&format!("report  {}/report.html", shown.display())),
        "{second}"
    );

    let third = Running::start_in(second.scratch, &echo).finish();
    assert_eq!(names(&store.join("echo")).len(), 3, "{third}");
    assert_eq!(fs::read_link(store.join("latest")).unwrap().parent(), Some(Path::new("echo")));
}

#[test]
fn a_folder_used_again_holds_nothing_of_the_run_before() {
    let scratch = Scratch::new();
    let first = Running::small_in(scratch, "straight", &["--time-limit", "1"]).finish();
    first.expect_valid();
    let all = [
        "faults.jsonl",
        "history.jsonl",
        "net.jsonl",
        "node-logs",
        "report.html",
        "results.json",
        "values.jsonl",
    ];
    let out = first.out();
    assert_eq!(names(&out), all);
    let logs = ["n0.log", "n1.log", "n2.log", "n3.log", "n4.log"];
    assert_eq!(names(&out.join("node-logs")), logs);
    fs::write(out.join("notes.txt"), "mine").unwrap();
    fs::write(out.join("report.html"), "old").unwrap();

    let flags = ["-w", "echo", "--time-limit", "0.2", "--node-count", "2"];
    let second = Running::small_in(first.scratch, "straight", &flags).finish();
    second.expect(0, true);
    let of_echo = [
        "faults.jsonl",
        "history.jsonl",
        "net.jsonl",
        "node-logs",
        "notes.txt",
        "report.html",
        "results.json",
    ];
    assert_eq!(names(&out), of_echo);
    assert_eq!(names(&out.join("node-logs")), logs[..2]);
    assert_ne!(fs::read_to_string(out.join("report.html")).unwrap(), "old");
}
