//! Each broken node is caught, by the check that it exists for.

use std::collections::BTreeSet;

use serde_json::json;

use crate::command::{Check, Finished, Running};

/// How many messages between nodes there are, if the fault of a node concerns no message.
fn expect_straight(run: &Finished) {
    let messages = 4 * run.count("set/attempted");
    assert_eq!(run.count("net/servers/messages"), messages, "{run}");
}

/// Holds the values lost to be exactly these, and to be told.
fn expect_lost(run: &Finished, lost: &BTreeSet<u64>) {
    run.expect(1, false);
    assert!(!lost.is_empty(), "{run}");
    assert_eq!(run.values_with_fate("lost"), *lost, "{run}");
    assert_eq!(run.count("set/lost"), lost.len() as u64, "{run}");
    let (word, first) = (if lost.len() == 1 { "value was" } else { "values were" }, lost.first());
    let told = format!("{} {word} known, and then missing from the last read", lost.len());
    run.expect_reason(&[&told, &first.unwrap().to_string()]);
}

fn values_that_were_known_and_are_missing_are_lost() -> Check {
    let [deaf, leaky, forgetful] =
        ["deaf", "leaky", "forgetful"].map(|kind| Running::small(kind, &["--rate", "60"]));

    Box::new(move || {
        // The last read is n4's, and n4 has what its own clients gave it.
        let deaf = deaf.finish();
        let mut elsewhere = deaf.lines("values.jsonl");
        elsewhere.retain(|value| value["node"] != "n4");
        let elsewhere = elsewhere.iter().map(|value| value["value"].as_u64().unwrap()).collect();
        expect_lost(&deaf, &elsewhere);
        assert_eq!(deaf.count("net/servers/messages"), 0);

        let leaky = leaky.finish();
        let sent = leaky.messages("broadcast");
        let is_to_n4 =
            |value: &u64| sent.iter().any(|m| m["dest"] == "n4" && m["body"]["message"] == *value);
        let mut values = leaky.lines("values.jsonl");
        values.retain(|value| value["node"] != "n4");
        let values = values.iter().map(|value| value["value"].as_u64().unwrap());
        expect_lost(&leaky, &values.filter(|value| !is_to_n4(value)).collect());
        let attempted = leaky.count("set/attempted") as usize;
        assert!(sent.len() < 4 * attempted && 3 * attempted < sent.len(), "{leaky}");

        // It forgets a value a second, the oldest first, and there are ten seconds and more.
        let forgetful = forgetful.finish();
        let lost = forgetful.values_with_fate("lost");
        assert!(lost.len() >= 8, "{forgetful}");
        expect_lost(&forgetful, &lost);
        let kept = forgetful.values_with_fate("stable");
        assert!(kept.len() > 5, "{forgetful}");
        expect_straight(&forgetful);
    })
}

fn what_reads_must_not_return_is_caught() -> Check {
    // One node's first value is one value, whichever comes first.
    let kinds = ["twice-reads --only n3", "inventor"];
    let runs = kinds.map(|kind| Running::small(kind, &[]));
    Box::new(move || {
        let [twice, inventor] = runs.map(Running::finish);
        twice.expect(1, false);
        twice.expect_reason(&[
            "1 value stands more than once in a read: ",
            "(n3 returned ",
            " twice ",
        ]);
        assert_eq!(twice.count("set/duplicated"), 1);
        inventor.expect(1, false);
        inventor.expect_reason(&["1 value was read before anybody had broadcast it: -1 ("]);
        for run in [twice, inventor] {
            assert_eq!(run.reasons().len(), 1, "{run}");
            assert_eq!(run.count("set/stable"), run.count("set/attempted"), "{run}");
            expect_straight(&run);
        }
    })
}

fn answers_that_are_none_are_caught() -> Check {
    let kinds = ["twice-answers", "wrong-type"];
    let runs = kinds.map(|kind| Running::small(kind, &[]));
    Box::new(move || {
        let [twice, wrong] = runs.map(Running::finish);
        twice.expect(1, false);
        for node in ["n0", "n1", "n2", "n3", "n4"] {
            let told = format!("{node} gave an invalid answer");
            twice.expect_reason(&[&told, "has been answered before", "more like it"]);
        }
        assert_eq!(twice.count("ops/ok"), twice.count("ops/invoked"), "{twice}");
        assert_eq!(twice.count("set/lost"), 0);
        expect_straight(&twice);

        wrong.expect(1, false);
        wrong.expect_reason(&["gave an invalid answer: broadcast was answered with \"ok\""]);
        wrong.expect_reason(&["gave an invalid answer: read_ok has no `messages`"]);
        wrong.expect_reason(&["No broadcast succeeded."]);
        assert_eq!(wrong.count("ops/ok"), 0, "{wrong}");
        expect_straight(&wrong);
    })
}

fn messages_that_cannot_be_carried_are_caught() -> Check {
    let kinds = ["prose --only n3", "stranger --only n3", "impostor --only n3"];
    let runs = kinds.map(|kind| Running::small(kind, &[]));
    Box::new(move || {
        let [prose, stranger, impostor] = runs.map(Running::finish);
        for (run, says) in [
            (&prose, "n3 printed a line that is not a JSON message: \"now I know 10 values\""),
            (&stranger, "n3 sent a message to n99, which does not exist"),
            (&impostor, "n3 sent a message in the name of n4"),
        ] {
            run.expect(1, false);
            run.expect_reason(&[says]);
            // At once, and not only at the end.
            assert!(run.stderr.contains(says), "{run}");
        }
        // Who wrote nothing to stderr has nothing to show.
        assert!(!stranger.stdout.contains("last wrote to stderr"), "{stranger}");
        for run in [&prose, &stranger] {
            assert_eq!(run.reasons().len(), 1, "{run}");
            assert_eq!(run.count("set/lost"), 0);
            expect_straight(run);
        }
        // What is not from its sender is not carried, so its values reach nobody.
        let of_n3 = |run: &Finished| {
            let values = run.lines("values.jsonl");
            values.iter().filter(|value| value["node"] == "n3").count() as u64
        };
        assert!(of_n3(&impostor) > 0);
        assert_eq!(impostor.count("set/lost"), of_n3(&impostor), "{impostor}");
    })
}

fn a_run_in_which_nothing_could_be_read_or_nothing_happened_is_unknown() -> Check {
    let mute = Running::small("mute-reads", &[]);
    let idle = Running::small("straight", &["--rate", "0"]);
    let strict = Running::small("mute-reads", &["--availability", "0.9"]);
    Box::new(move || {
        let mute = mute.finish();
        mute.expect(2, json!(null));
        mute.expect_reason(&["No read succeeded."]);
        mute.expect_reason(&["became stable"]);
        assert_eq!(mute.count("ops/ok"), mute.count("set/attempted"), "{mute}");
        assert_eq!(mute.count("set/never_read"), mute.count("set/attempted"), "{mute}");
        expect_straight(&mute);

        let idle = idle.finish();
        idle.expect(2, json!(null));
        // There are the final reads all the same.
        assert_eq!((idle.count("ops/ok"), idle.count("ops/invoked")), (5, 5), "{idle}");
        idle.expect_reason(&["No value was broadcast"]);

        let strict = strict.finish();
        strict.expect(1, false);
        strict.expect_reason(&["operations succeeded", "where 0.9 is asked for"]);
    })
}

fn a_node_that_exits_ends_the_run_with_its_last_words() -> Check {
    let exits = Running::small("exits --only n2", &["--rate", "60"]);
    let told = Running::small("exits", &["--log-stderr"]);
    Box::new(move || {
        let exits = exits.finish();
        exits.expect(255, false);
        let reasons = exits.reasons();
        assert!(reasons[0].starts_with("The run ended after "), "{exits}");
        for words in ["n2 ended by itself (exit code 3)", "panicked at fixture", "too many"] {
            assert!(reasons[0].contains(words), "{words}: {exits}");
        }
        assert_eq!(
            reasons.iter().filter(|reason| reason.contains("n2 ended")).count(),
            1,
            "{exits}"
        );
        assert_eq!(exits.results()["phases_ms"]["final"], json!(null));
        let log = std::fs::read_to_string(exits.out().join("node-logs/n2.log")).unwrap();
        assert!(log.contains("panicked"), "{log}");
        // What was measured until then is kept.
        assert!(exits.count("ops/ok") > 0);
        assert!(!exits.lines("net.jsonl").is_empty());

        let told = told.finish();
        let lines: Vec<&str> = told.stderr.lines().collect();
        assert!(
            lines.iter().any(|line| line.ends_with(": this is message 21, too many")),
            "{told}"
        );
    })
}

#[test]
fn a_node_that_hangs_is_named_and_costs_availability() {
    let one = Running::small("hangs --only n2", &["--rate", "60"]);
    let all = Running::small("hangs", &["--availability", "0.9"]);
    let at_init = Running::small("hangs-at-init", &[]);

    let at_init = at_init.finish();
    at_init.expect(255, false);
    at_init.expect_reason(&["during the set-up", "n0 did not answer `init` within 10 s"]);
    at_init.expect_reason(&["It wrote nothing to stderr."]);
    assert_eq!(at_init.count("ops/invoked"), 0);
    assert_eq!(at_init.results()["phases_ms"]["main"], json!(null));

    // Its own client waits for it, all others go on.
    let one = one.finish();
    let says = "n2 did not answer";
    assert!(one.stderr.contains(says), "{one}");
    one.expect_reason(&[says]);
    let others = ["n0", "n1", "n3", "n4"].map(|node| format!("{node} did not answer"));
    assert!(!others.iter().any(|says| one.stderr.contains(says)), "{one}");

    let all = all.finish();
    all.expect(1, false);
    all.expect_reason(&["operations succeeded", "where 0.9 is asked for"]);
    assert!(all.count("ops/failed") + all.count("ops/unknown") >= 5, "{all}");
}

#[test]
fn each_broken_node_is_caught_by_the_check_for_it() {
    let checks = [
        values_that_were_known_and_are_missing_are_lost(),
        what_reads_must_not_return_is_caught(),
        answers_that_are_none_are_caught(),
        messages_that_cannot_be_carried_are_caught(),
        a_run_in_which_nothing_could_be_read_or_nothing_happened_is_unknown(),
        a_node_that_exits_ends_the_run_with_its_last_words(),
    ];
    checks.into_iter().for_each(|check| check());
}
