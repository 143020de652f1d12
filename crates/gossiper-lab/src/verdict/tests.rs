use gossiper_core::Instant;
use proptest::prelude::*;

use super::*;
use crate::history::Outcome;

/// A record written in the shortest way: worker i asks node i mod 5, times are in ms.
struct Run(History);

impl Run {
    fn new() -> Self {
        Self(History::new((0..5).map(|node| format!("n{node}")).collect()))
    }

    fn begin(&mut self, ms: u64, worker: u32, call: Call) -> &mut Self {
        self.0.invoke(Instant(ms * 1_000_000), worker, worker % 5, call).expect("in order");
        self
    }

    fn end(&mut self, ms: u64, worker: u32, outcome: Outcome) -> &mut Self {
        self.0.complete(Instant(ms * 1_000_000), worker, outcome).expect("in order");
        self
    }

    fn end_read(&mut self, ms: u64, worker: u32, values: &[i64]) -> &mut Self {
        self.0.complete_read(Instant(ms * 1_000_000), worker, values).expect("in order");
        self
    }

    /// Worker 0 broadcasts `value`, begun and acknowledged at once.
    fn broadcast(&mut self, ms: u64, value: u32) -> &mut Self {
        self.begin(ms, 0, Call::Broadcast(value)).end(ms, 0, Outcome::Ok)
    }

    /// Worker 1 reads, begun and answered at once.
    fn read(&mut self, ms: u64, values: &[i64]) -> &mut Self {
        self.begin(ms, 1, Call::Read).end_read(ms, 1, values)
    }

    fn judge(&self) -> Judgement {
        judge(&self.0, &[], Terms::default())
    }

    fn fate(&self) -> (Fate, Option<u64>) {
        let value = sightings(&self.0)[0];
        (value.fate(), value.stable_latency_ms())
    }
}

#[test]
fn a_value_that_every_read_holds_is_stable_at_once() {
    let mut run = Run::new();
    run.broadcast(10, 0).read(500, &[0]);
    assert_eq!(run.fate(), (Fate::Stable, Some(0)));
    let judgement = run.judge();
    assert_eq!((judgement.verdict, judgement.reasons), (Verdict::Valid, vec![]));
}

#[test]
fn stable_latency_runs_from_known_to_the_invocation_of_the_last_read_that_lacks_it() {
    let mut run = Run::new();
    run.begin(0, 0, Call::Broadcast(0)).end(100, 0, Outcome::Ok);
    run.read(150, &[]).read(160, &[0]);
    // Stale again: the latest invocation counts, not the latest answer.
    run.begin(250, 1, Call::Read).end_read(900, 1, &[]);
    run.begin(901, 1, Call::Read).end_read(902, 1, &[0]);
    assert_eq!(run.fate(), (Fate::Stable, Some(150)));
}

#[test]
fn a_read_that_lacks_the_value_before_it_is_known_costs_nothing() {
    let mut run = Run::new();
    run.begin(0, 0, Call::Broadcast(0)).read(10, &[]).end(100, 0, Outcome::Ok).read(200, &[0]);
    assert_eq!(run.fate(), (Fate::Stable, Some(0)));
}

#[test]
fn a_read_can_make_a_value_known_before_its_broadcast_is_acknowledged() {
    let mut run = Run::new();
    run.begin(0, 0, Call::Broadcast(0)).read(10, &[0]).read(50, &[]).end(100, 0, Outcome::Ok);
    run.read(200, &[0]);
    assert_eq!(run.fate(), (Fate::Stable, Some(40)));
}

#[test]
fn a_value_shown_by_a_read_counts_though_its_broadcast_ended_unknown() {
    let mut run = Run::new();
    run.begin(0, 0, Call::Broadcast(0)).end(5000, 0, Outcome::Info).read(5010, &[0]);
    assert_eq!(run.fate(), (Fate::Stable, Some(0)));
    run.read(5020, &[]);
    assert_eq!(run.fate(), (Fate::Lost, None));
}

#[test]
fn a_known_value_that_no_later_read_holds_is_lost() {
    let mut run = Run::new();
    run.broadcast(0, 0).read(10, &[]);
    assert_eq!(run.fate(), (Fate::Lost, None));
    let judgement = run.judge();
    assert_eq!(judgement.verdict, Verdict::Invalid);
    assert_eq!(
        judgement.reasons[0],
        "1 value was known, and then missing from the last read that could show it: 0 (0 was known at \
         0 ms, and the read of n1 begun at 10 ms lacks it)."
    );
}

#[test]
fn a_value_that_was_never_known_cannot_be_lost() {
    let mut run = Run::new();
    run.begin(0, 0, Call::Broadcast(0)).end(5000, 0, Outcome::Info).read(5010, &[]);
    assert_eq!(run.fate(), (Fate::NeverRead, None));
    let mut run = Run::new();
    run.begin(0, 0, Call::Broadcast(0)).end(1, 0, Outcome::Fail).read(5010, &[]);
    assert_eq!(run.fate(), (Fate::NeverRead, None));
}

#[test]
fn a_read_that_began_before_the_value_was_known_does_not_lose_it() {
    let mut run = Run::new();
    run.begin(0, 0, Call::Broadcast(0)).begin(0, 1, Call::Read);
    run.end(1, 0, Outcome::Ok).end_read(2, 1, &[]);
    assert_eq!(run.fate(), (Fate::NeverRead, None));
}

#[test]
fn a_read_that_ended_before_the_broadcast_began_tells_nothing() {
    let mut run = Run::new();
    run.read(0, &[]).broadcast(0, 0);
    assert_eq!(run.fate(), (Fate::NeverRead, None));
    assert_eq!(sightings(&run.0)[0].last_absent, None);
}

#[test]
fn a_read_that_began_before_the_broadcast_and_ended_after_it_tells() {
    let mut run = Run::new();
    run.begin(0, 1, Call::Read).broadcast(5, 0).end_read(9, 1, &[0]);
    assert_eq!(run.fate(), (Fate::Stable, Some(0)));
}

#[test]
fn of_reads_begun_at_one_time_the_one_recorded_last_decides() {
    let run = |first: &[i64], second: &[i64]| {
        let mut run = Run::new();
        run.broadcast(1, 0).begin(1, 1, Call::Read).begin(1, 2, Call::Read);
        // They end the other way round, which must not matter.
        run.end_read(2, 2, second).end_read(3, 1, first);
        run.fate()
    };
    assert_eq!(run(&[], &[0]), (Fate::Stable, Some(0)));
    assert_eq!(run(&[0], &[]), (Fate::Lost, None));
}

#[test]
fn a_failed_read_tells_nothing() {
    let mut run = Run::new();
    run.broadcast(0, 0).read(1, &[0]).begin(2, 1, Call::Read).end(5002, 1, Outcome::Fail);
    assert_eq!(run.fate(), (Fate::Stable, Some(0)));
}

#[test]
fn latency_is_cut_to_whole_ms_after_the_source_has_added_a_nanosecond() {
    let latency = |absent_ns| {
        let mut history = Run::new().0;
        history.invoke(Instant(0), 0, 0, Call::Broadcast(0)).expect("in order");
        history.complete(Instant(0), 0, Outcome::Ok).expect("in order");
        for values in [&[][..], &[0]] {
            history.invoke(Instant(absent_ns), 1, 1, Call::Read).expect("in order");
            history.complete_read(Instant(absent_ns), 1, values).expect("in order");
        }
        sightings(&history)[0].stable_latency_ms()
    };
    assert_eq!(latency(1_999_998), Some(1));
    assert_eq!(latency(1_999_999), Some(2));
}

#[test]
fn a_value_that_stands_twice_in_a_read_makes_the_run_invalid() {
    let mut run = Run::new();
    run.broadcast(0, 0).read(10, &[0]).read(20, &[0, 0]).read(30, &[0, 0, 0]);
    let judgement = run.judge();
    assert_eq!(judgement.verdict, Verdict::Invalid);
    assert_eq!(judgement.oddities.duplicated, [Oddity { value: 0, operation: 2, copies: 2 }]);
    assert_eq!(
        judgement.reasons,
        ["1 value stands more than once in a read: 0 (n1 returned 0 twice to the read begun at \
          20 ms)."]
    );
}

#[test]
fn a_value_that_nobody_had_broadcast_makes_the_run_invalid() {
    let mut run = Run::new();
    run.broadcast(0, 0).read(10, &[0, 1, -5]).broadcast(20, 1).read(30, &[0, 1, -5]);
    let judgement = run.judge();
    assert_eq!(judgement.verdict, Verdict::Invalid);
    let values: Vec<i64> = judgement.oddities.invented.iter().map(|oddity| oddity.value).collect();
    assert_eq!(values, [-5, 1]);
    // Set-full looks at 1 from its broadcast on, and then it is there.
    assert_eq!(judgement.with_fate(Fate::Stable), [0, 1]);
}

#[test]
fn misconduct_makes_a_good_run_invalid_in_its_own_words() {
    let mut run = Run::new();
    run.broadcast(10, 0).read(500, &[0]);
    let mut misconduct = Misconducts::default();
    misconduct.note("n3", What::ToNobody { dest: "n99".into() });
    misconduct.note("n3", What::Exited { status: "exit code 1".into() });
    let judgement = judge(&run.0, misconduct.list(), Terms::default());
    assert_eq!(judgement.verdict, Verdict::Invalid);
    assert_eq!(
        judgement.reasons,
        ["n3 ended by itself: exit code 1.", "n3 sent a message to n99, which does not exist."]
    );
    for node in 0..MISCONDUCT_TOLD {
        misconduct.note(&format!("m{node}"), What::Flooded);
        misconduct.note(&format!("m{node}"), What::Flooded);
    }
    let reasons = judge(&run.0, misconduct.list(), Terms::default()).reasons;
    assert_eq!(reasons.len(), MISCONDUCT_TOLD + 1);
    assert_eq!(
        reasons.last().map(String::as_str),
        Some("4 more cases of misconduct are not told here.")
    );
}

#[test]
fn a_run_in_which_nothing_happened_is_unknown() {
    let judgement = Run::new().judge();
    assert_eq!(judgement.verdict, Verdict::Unknown);
    assert_eq!(judgement.reasons, ["Nothing happened: no operation was begun."]);
    let verdicts = [Verdict::Valid, Verdict::Invalid, Verdict::Unknown];
    assert_eq!(verdicts.map(Verdict::exit_code), [0, 1, 2]);
    assert_eq!(verdicts.map(Verdict::valid), [Some(true), Some(false), None]);
}

#[test]
fn a_run_in_which_nothing_became_stable_or_a_kind_never_succeeded_is_unknown() {
    let mut run = Run::new();
    run.begin(0, 0, Call::Broadcast(0)).begin(1, 1, Call::Read).end(5001, 1, Outcome::Fail);
    let judgement = run.judge();
    assert_eq!(judgement.verdict, Verdict::Unknown);
    assert_eq!(
        judgement.reasons,
        ["No broadcast succeeded.", "No read succeeded.", "None of 1 value became stable."]
    );
    let mut run = Run::new();
    run.read(0, &[]);
    assert_eq!(run.judge().reasons, ["No value was broadcast, so none could become stable."]);
}

#[test]
fn an_echo_run_needs_no_values() {
    let mut run = Run::new();
    run.begin(0, 0, Call::Echo);
    assert_eq!(run.judge().verdict, Verdict::Unknown);
    run.end(1, 0, Outcome::Ok);
    assert_eq!(run.judge().verdict, Verdict::Valid);
}

#[test]
fn too_few_successes_make_a_run_invalid_if_a_share_is_asked_for() {
    let mut run = Run::new();
    run.broadcast(0, 0).read(1, &[0]).begin(2, 1, Call::Read).end(9, 1, Outcome::Fail);
    run.begin(10, 1, Call::Read);
    assert_eq!(run.judge().ops, Ops { invoked: 4, ok: 2, failed: 1, unknown: 1 });
    assert_eq!(judge(&run.0, &[], available(0.5)).verdict, Verdict::Valid);
    let judgement = judge(&run.0, &[], available(1.0));
    assert_eq!(judgement.verdict, Verdict::Invalid);
    assert_eq!(
        judgement.reasons,
        ["Only 2 of 4 operations succeeded: a share of 0.5000, where 1 is asked for."]
    );
}

/// The definition word for word: every value in every read.
fn literal(history: &History) -> Vec<Sightings> {
    let operations = history.operations();
    let broadcasts = operations.iter().filter(|o| matches!(o.call, Call::Broadcast(_)));
    let one = |broadcast: &crate::history::Operation, value: i64| {
        let mut sightings = Sightings { known: broadcast.completed_ok(), ..Default::default() };
        for read in operations.iter().filter(|o| o.call == Call::Read) {
            let Some(ok) = read.completed_ok() else { continue };
            if ok.index < broadcast.invoked.index {
                continue;
            }
            if history.read_values(read).is_some_and(|values| values.contains(&value)) {
                if sightings.known.is_none_or(|known| ok.index < known.index) {
                    sightings.known = Some(ok);
                }
                sightings.last_present = sightings.last_present.max(Some(read.invoked));
            } else {
                sightings.last_absent = sightings.last_absent.max(Some(read.invoked));
            }
        }
        sightings
    };
    broadcasts.zip(0..).map(|(broadcast, value)| one(broadcast, value)).collect()
}

proptest! {
    #[test]
    fn the_quick_way_says_what_the_definition_says(
        steps in prop::collection::vec((0..6_u32, 0..8_u8, 0..3_u64, any::<[u64; 2]>()), 0..150),
    ) {
        let mut history = Run::new().0;
        let mut open = std::collections::HashMap::new();
        let mut now = 0;
        for (worker, kind, gap, seen) in steps {
            now += gap * 700_000;
            let at = Instant(now);
            let result = match (open.remove(&worker), kind) {
                (None, _) => {
                    let call = match kind {
                        0..4 => Call::Broadcast(history.broadcasts()),
                        _ => Call::Read,
                    };
                    open.insert(worker, call);
                    history.invoke(at, worker, worker % 5, call)
                }
                (Some(_), 0) => history.complete(at, worker, Outcome::Fail),
                (Some(_), 1) => history.complete(at, worker, Outcome::Info),
                (Some(Call::Read), _) => {
                    // Often a value too early, at times one that wraps around a word.
                    let bits = u128::from(seen[0]) | u128::from(seen[1]) << 64;
                    let end = i64::from(history.broadcasts()) + 1;
                    let values: Vec<i64> = (0..end).filter(|v| bits >> (v % 128) & 1 == 1).collect();
                    history.complete_read(at, worker, &values)
                }
                (Some(_), _) => history.complete(at, worker, Outcome::Ok),
            };
            prop_assert_eq!(result, Ok(()));
        }
        prop_assert_eq!(sightings(&history), literal(&history));
    }
}

fn available(share: f64) -> Terms<'static> {
    Terms { availability_min: Some(share), ..Terms::default() }
}

#[test]
fn a_value_that_died_with_its_nodes_is_orphaned_and_the_run_not_invalid_for_it() {
    let mut run = Run::new();
    run.broadcast(0, 0);
    run.broadcast(1, 1);
    run.read(2, &[1]);
    let lost = run.judge();
    assert_eq!((lost.verdict, lost.with_fate(Fate::Lost)), (Verdict::Invalid, vec![0]));
    let orphaned = judge(&run.0, &[], Terms { orphaned: &[0], ..Terms::default() });
    assert_eq!(orphaned.verdict, Verdict::Valid, "{:?}", orphaned.reasons);
    assert_eq!(orphaned.with_fate(Fate::Orphaned), [0]);
}

#[test]
fn a_run_cut_short_has_lost_nothing_yet() {
    let mut run = Run::new();
    run.broadcast(0, 0);
    run.read(1, &[]);
    let terms = Terms { is_cut_short: true, ..Terms::default() };
    let judgement = judge(&run.0, &[], terms);
    assert_eq!(judgement.with_fate(Fate::NeverRead), [0]);
    assert_eq!(judgement.verdict, Verdict::Unknown);
}
