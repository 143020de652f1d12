use super::*;

fn history() -> History {
    History::new(vec!["n1".into(), "n2".into()])
}

fn ms(ms: u64) -> Instant {
    Instant(ms * 1_000_000)
}

/// A bit of everything: copies, strangers, a shrinking read, and an operation still open.
fn eventful() -> Result<History, Refusal> {
    let mut history = history();
    history.invoke(ms(0), 0, 0, Call::Broadcast(0))?;
    history.invoke(ms(0), 1, 1, Call::Read)?;
    history.complete(ms(1), 0, Outcome::Ok)?;
    history.complete_read(ms(1), 1, &[0, 7, 0, -3])?;
    history.invoke(ms(2), 1, 1, Call::Read)?;
    history.complete_read(ms(3), 1, &[])?;
    history.invoke(ms(4), 0, 0, Call::Echo)?;
    history.complete(ms(4), 0, Outcome::Ok)?;
    history.invoke(ms(4), 0, 0, Call::Broadcast(1))?;
    history.invoke(ms(4), 1, 1, Call::Read)?;
    history.complete(ms(5000), 1, Outcome::Fail)?;
    Ok(history)
}

fn written(history: &History) -> String {
    let mut bytes = Vec::new();
    history.write(&mut bytes).expect("a vector takes everything");
    String::from_utf8(bytes).expect("JSON is UTF-8")
}

#[test]
fn what_is_written_is_read_as_it_was() {
    let history = eventful().expect("it is in order");
    let text = written(&history);
    let again = History::read(text.as_bytes()).expect("it was written");
    assert_eq!(again, history);
    assert_eq!(written(&again), text);
}

#[test]
fn a_line_says_what_changed_since_the_worker_last_read() {
    let text = written(&eventful().expect("it is in order"));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 12);
    assert_eq!(lines[0], r#"{"history":1,"nodes":["n1","n2"]}"#);
    assert_eq!(
        lines[1],
        r#"{"index":0,"time_ns":0,"type":"invoke","f":"broadcast","worker":0,"node":"n1","value":0}"#
    );
    assert_eq!(
        lines[4],
        r#"{"index":3,"time_ns":1000000,"type":"ok","f":"read","worker":1,"node":"n2","added":[-3,0,0,7]}"#
    );
    assert!(lines[6].ends_with(r#""node":"n2","removed":[-3,0,0,7]}"#), "{}", lines[6]);
}

#[test]
fn the_values_of_a_read_are_those_returned_in_ascending_order() {
    let history = eventful().expect("it is in order");
    let reads: Vec<_> =
        history.operations().iter().map(|operation| history.read_values(operation)).collect();
    let expected = [None, Some(vec![-3, 0, 0, 7]), Some(vec![]), None, None, None];
    assert_eq!(reads, expected);
}

#[test]
fn growing_reads_take_room_once_a_value_and_not_once_a_read() {
    let mut history = history();
    let values: Vec<i64> = (0..1000).collect();
    for end in 1..=1000 {
        history.invoke(ms(end), 0, 0, Call::Read).expect("idle");
        history.complete_read(ms(end), 0, &values[..end as usize]).expect("busy");
    }
    assert_eq!(history.changes, 1000);
}

#[test]
fn what_cannot_have_happened_is_refused_and_leaves_no_trace() {
    let mut history = eventful().expect("it is in order");
    let before = history.clone();
    let late = ms(5000);
    assert_eq!(history.invoke(late, 0, 0, Call::Read), Err(Refusal::WorkerBusy));
    assert_eq!(history.invoke(late, 1, 2, Call::Read), Err(Refusal::UnknownNode));
    assert_eq!(history.invoke(ms(4999), 1, 1, Call::Read), Err(Refusal::TimeWentBack));
    assert_eq!(history.invoke(late, 1, 1, Call::Broadcast(1)), Err(Refusal::ValueOutOfOrder));
    assert_eq!(history.invoke(late, 1, 1, Call::Broadcast(3)), Err(Refusal::ValueOutOfOrder));
    assert_eq!(history.complete(late, 1, Outcome::Fail), Err(Refusal::WorkerIdle));
    assert_eq!(history.complete(late, 9, Outcome::Fail), Err(Refusal::WorkerIdle));
    assert_eq!(history.complete_read(late, 0, &[]), Err(Refusal::WrongFunction));
    assert_eq!(history.complete(ms(4999), 0, Outcome::Ok), Err(Refusal::TimeWentBack));
    assert_eq!(history, before);
    history.invoke(late, 1, 1, Call::Read).expect("idle");
    assert_eq!(history.complete(late, 1, Outcome::Ok), Err(Refusal::WrongFunction));
}

#[test]
fn a_read_beyond_the_bound_is_refused() {
    let mut history = history();
    history.invoke(ms(0), 0, 0, Call::Read).expect("idle");
    history.changes = CHANGES_MAX - 1;
    assert_eq!(history.complete_read(ms(0), 0, &[1, 2]), Err(Refusal::Full));
    assert_eq!(history.complete_read(ms(0), 0, &[1]), Ok(()));
}

#[test]
fn a_broadcast_beyond_the_bound_is_refused() {
    let mut history = history();
    history.broadcasts = VALUES_MAX;
    assert_eq!(history.invoke(ms(0), 0, 0, Call::Broadcast(VALUES_MAX)), Err(Refusal::Full));
}

#[test]
fn a_broken_file_is_refused_with_the_line_at_fault() {
    let fault = |lines: &[&str]| {
        let text = lines.join("\n");
        History::read(text.as_bytes()).expect_err("it is broken").to_string()
    };
    let header = r#"{"history":1,"nodes":["n1"]}"#;
    let read = r#"{"index":0,"time_ns":0,"type":"invoke","f":"read","worker":0,"node":"n1"}"#;
    assert_eq!(fault(&[]), "line 1: the file is empty");
    assert_eq!(
        fault(&[r#"{"history":2,"nodes":[]}"#]),
        "line 1: format 2 is unknown here, only 1 is"
    );
    assert_eq!(fault(&[header, read, read]), "line 3: index 0 should be 1");
    assert_eq!(fault(&[header, &read.replace("n1", "n5")]), "line 2: the run has no node n5");
    assert_eq!(
        fault(&[header, &read.replace("read", "broadcast")]),
        "line 2: a broadcast without `value`"
    );
    assert_eq!(
        fault(&[header, &read.replace("}", r#","value":0}"#)]),
        "line 2: `value` where nothing is broadcast"
    );
    assert_eq!(
        fault(&[header, &read.replace("}", r#","added":[0]}"#)]),
        "line 2: `added` or `removed` on what is no ok read"
    );
    let ok = read.replace("invoke", "ok").replace(r#""index":0"#, r#""index":1"#);
    assert_eq!(
        fault(&[header, read, &ok.replace("}", r#","removed":[4]}"#)]),
        "line 3: the read takes out a value that the worker's last read lacks"
    );
    assert_eq!(
        fault(&[header, read, &ok.replace("read", "echo")]),
        "line 3: the worker's open operation is another"
    );
    assert_eq!(
        fault(&[header, &read.replace("invoke", "ok")]),
        "line 2: the worker has no operation open"
    );
}
