//! The process host with real processes: shells that answer, and shells that misbehave.
//!
//! No test depends on how fast the machine is: a run goes on until what it is about has been seen,
//! and is then interrupted. Only patience has an end.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use gossiper_lab::fault::FaultPlan;
use gossiper_lab::load::Workload;
use gossiper_lab::network::{Distribution, Latency};
use gossiper_lab::process::{self, Hosted, ProcessConfig, Report};
use gossiper_lab::run::{About, Results, Run, RunConfig};
use gossiper_lab::topology::Topology;
use gossiper_lab::verdict::What;

/// How long to wait for what must come.
const PATIENCE: Duration = Duration::from_secs(60);

/// Answers every request; tells its number on stderr, and each answer.
const ANSWERS: &str = r#"
echo "started $$" >&2
while read -r line; do
  src=${line#*'"src":"'}; src=${src%%'"'*}
  dest=${line#*'"dest":"'}; dest=${dest%%'"'*}
  number=${line##*'"msg_id":'}; number=${number%%[!0-9]*}
  type=${line##*'"type":"'}; type=${type%%'"'*}
  echo=; case $type in echo) echo=${line##*'"echo":'}; echo=",\"echo\":${echo%%'}'*}" ;; esac
  echo "{\"src\":\"$dest\",\"dest\":\"$src\",\"body\":{\"type\":\"${type}_ok\",\"in_reply_to\":$number$echo}}"
  echo "answered $type" >&2
done
"#;

/// A folder for the logs that lives as long as its test.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("gossiper-lab-process-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn log(&self, node: &str) -> String {
        fs::read_to_string(self.0.join(format!("{node}.log"))).unwrap_or_default()
    }

    /// The numbers of the processes that a node has been.
    fn pids(&self, node: &str) -> Vec<u32> {
        let numbers = |line: &str| line.strip_prefix("started ")?.parse().ok();
        self.log(node).lines().filter_map(numbers).collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What one process is doing, as Linux shows it in a letter; nothing if it is gone.
fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(") ").next()?.chars().next()
}

/// Two nodes, each a shell with this script, under a plan of faults; until what is awaited has been
/// seen or the run ends by itself.
fn play(
    script: &str,
    plan: &str,
    scratch: &Scratch,
    mut is_seen: impl FnMut(&Run, Duration) -> bool,
) -> Hosted {
    let config = RunConfig {
        nodes: RunConfig::node_names(Some(2)),
        workload: Workload::Echo,
        time_limit: Duration::from_secs(3600),
        rate_hz: 50.0,
        concurrency: 4,
        latency: Latency { mean_ms: 0, distribution: Distribution::Constant },
        topology: Topology::Line,
        faults: FaultPlan::from_json(plan, 2).unwrap(),
        availability_min: None,
        seed: 1,
        probes: false,
        log_net_send: false,
        log_net_recv: false,
    };
    let process = ProcessConfig {
        command: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
        log_folder: scratch.0.clone(),
        reports_stderr: false,
        // The tests of this program share one process.
        owns_children: false,
    };
    let is_interrupted = AtomicBool::new(false);
    let begin = Instant::now();
    let run = Run::new(config, Box::new(std::io::sink())).unwrap();
    process::play(run, &process, &is_interrupted, &mut |report| {
        let Report::Tick(run, now) = report else { return };
        if let Some(main) = run.main_since()
            && is_seen(run, now - main)
        {
            is_interrupted.store(true, Ordering::Relaxed);
        }
        assert!(begin.elapsed() < PATIENCE, "in vain; n0 said:\n{:.2000}", scratch.log("n0"));
    })
    .unwrap()
}

fn finish(hosted: Hosted) -> Results {
    assert!(hosted.failure.is_none(), "{:?}", hosted.failure);
    hosted.run.finish(About::default()).0
}

/// The only reason is that the run was interrupted.
fn expect_sound(hosted: Hosted) -> Results {
    assert_eq!(hosted.run.misconducts().list(), []);
    let results = finish(hosted);
    assert!(!results.is_crash);
    assert!(results.reasons[0].starts_with("The run was interrupted"), "{:?}", results.reasons);
    results
}

fn main_phase(_: &Run, _: Duration) -> bool {
    true
}

#[test]
fn a_killed_node_is_started_anew_and_told_its_name() {
    let scratch = Scratch::new();
    let plan = r#"{"at_ms":100,"start":"kill","nodes":[0]}
{"at_ms":200,"stop":"kill"}"#;
    let hosted = play(ANSWERS, plan, &scratch, |_, _| {
        let log = scratch.log("n0");
        // The second process answers operations as the first did.
        log.rsplit_once("started ").is_some_and(|(before, after)| {
            before.contains("started ") && after.contains("answered init\nanswered echo")
        })
    });
    let results = expect_sound(hosted);
    assert_eq!([results.nodes[0].kills, results.nodes[1].kills], [1, 0]);
    let [first, second] = scratch.pids("n0")[..] else { panic!("{}", scratch.log("n0")) };
    assert_ne!(first, second);
    assert_eq!(scratch.pids("n1").len(), 1);
    if cfg!(target_os = "linux") {
        assert_eq!([first, second].map(state), [None; 2]);
    }
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "sees through /proc what a process does")]
fn a_paused_node_stands_still_with_its_children_until_it_goes_on() {
    let pause = r#"{"at_ms":100,"start":"pause","nodes":[0]}"#;
    let script = format!("sleep 600 </dev/null & {ANSWERS}");
    let with_child = |scratch: &Scratch| -> Vec<Option<char>> {
        let pid = scratch.pids("n0")[0];
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let children = children.unwrap_or_default();
        let child = children.split_whitespace().filter_map(|number| number.parse().ok());
        [pid].into_iter().chain(child).map(state).collect()
    };

    let scratch = Scratch::new();
    let hosted =
        play(&script, pause, &scratch, |_, _| with_child(&scratch) == [Some('T'), Some('T')]);
    assert_eq!(expect_sound(hosted).nodes[0].pauses, 1);
    assert_eq!(state(scratch.pids("n1")[0]), None);

    let scratch = Scratch::new();
    let plan = format!("{pause}\n{{\"at_ms\":600,\"stop\":\"pause\"}}");
    let resumed = Duration::from_millis(600);
    let hosted = play(&script, &plan, &scratch, |run, since| {
        since > resumed
            && with_child(&scratch).iter().all(|&state| state.is_some_and(|state| state != 'T'))
            && run.history().operations().len() > 2
    });
    expect_sound(hosted);
}

#[test]
fn a_node_that_closes_its_stdin_is_no_end_of_the_run() {
    let scratch = Scratch::new();
    let script = ANSWERS.replace("done\n", "case $type in echo) break ;; esac\ndone\n");
    let script = format!("{script}exec <&-\necho closed >&2\nwhile :; do sleep 600; done");
    let hosted = play(&script, "", &scratch, |run, _| {
        let are_closed = ["n0", "n1"].iter().all(|node| scratch.log(node).ends_with("closed\n"));
        // There is more to write after that.
        are_closed && run.history().operations().len() > 4
    });
    let results = expect_sound(hosted);
    assert_eq!(results.figures.ops.ok, 2, "{:?}", results.reasons);
}

#[test]
fn a_node_that_exits_at_once_ends_the_run_whatever_it_leaves_behind() {
    for behind in [
        "",
        // In its process group, and out of it; they write without end.
        "yes '{' & yes '{' & sleep 0.1;",
        "yes log >&2 & sleep 0.1;",
        "setsid yes '{' & setsid yes log >&2 & sleep 0.1;",
    ] {
        let scratch = Scratch::new();
        let script = format!("{behind} echo 'no, not today' >&2; exit 3");
        let results = finish(play(&script, "", &scratch, main_phase));
        assert!(results.is_crash, "{behind}");
        let reason = &results.reasons[0];
        assert!(reason.contains("ended by itself (exit code 3)"), "{behind}: {reason}");
        assert!(reason.contains("stderr:\n"), "{behind}: {reason}");
        assert!(behind.contains("log") || reason.contains("no, not today"), "{behind}: {reason}");
    }
}

#[test]
fn what_floods_both_pipes_of_a_live_node_does_not_hold_up_the_end() {
    let scratch = Scratch::new();
    let script = format!("setsid yes log >&2 & yes log >&2 & {ANSWERS}");
    let hosted = play(&script, "", &scratch, |run, _| run.history().operations().len() > 2);
    expect_sound(hosted);
}

#[test]
fn a_line_that_is_too_long_is_one_fault_and_the_next_line_is_read() {
    let scratch = Scratch::new();
    // 17 MiB.
    let script = format!("head -c 17825792 /dev/zero | tr '\\0' x; echo; {ANSWERS}");
    let hosted = play(&script, "", &scratch, main_phase);
    let cases = hosted.run.misconducts().list();
    let mut nodes: Vec<&str> = cases.iter().map(|case| case.node()).collect();
    nodes.sort_unstable();
    assert_eq!(nodes, ["n0", "n1"]);
    for case in cases {
        let What::NotJson { line } = case.what() else { panic!("{case}") };
        assert!(case.times() == 1 && line.starts_with("xxx"), "{case}");
    }
    assert!(!finish(hosted).is_crash);
}

#[test]
fn of_a_node_that_writes_much_to_stderr_a_part_is_kept_and_its_last_lines_are_shown() {
    let scratch = Scratch::new();
    // 70 MiB from one of them.
    let much = "head -c 73400320 /dev/zero | tr '\\0' x >&2; echo >&2";
    let script = format!("mkdir {}/lock && {{ {much}; }}; {ANSWERS}", scratch.0.display());
    let hosted = play(&script, "", &scratch, main_phase);
    expect_sound(hosted);
    let told = "\n(the rest is not kept: 64 MiB are the most)\n";
    let bytes = |node| fs::metadata(scratch.0.join(format!("{node}.log"))).unwrap().len();
    let much = if bytes("n0") > bytes("n1") { "n0" } else { "n1" };
    let kept = 64 << 20;
    assert!((kept..kept + (1 << 20)).contains(&bytes(much)), "{}", bytes(much));
    assert!(scratch.log(much).ends_with(told));
    let last = process::last_lines(&scratch.0, much, 5);
    assert_eq!(last.last().unwrap(), told.trim());
    assert!(last[0].len() < 300 && last[0].starts_with("xxx"), "{last:?}");
}
