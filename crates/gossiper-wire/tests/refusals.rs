//! What is refused, what is let pass, and what people are told.

use gossiper_wire::{Body, BodyError, Envelope, LINE_BYTES_MAX, LineError, VALUE_DEPTH_MAX};

/// A line with this body.
fn line(body: &str) -> String {
    format!("{{\"src\": \"c1\", \"dest\": \"n1\", \"body\": {body}}}")
}

/// What a request of this kind is answered; `fields` begins with a comma or is empty.
fn refusal(kind: &str, fields: &str) -> BodyError {
    let line = line(&format!("{{\"type\": \"{kind}\", \"msg_id\": 1{fields}}}"));
    let envelope = Envelope::decode(line.as_bytes()).unwrap();
    assert_eq!(envelope.msg_id, Some(1));
    envelope.body().unwrap_err()
}

#[track_caller]
fn expect_malformed(kind: &str, fields: &str, text: &str) {
    let error = refusal(kind, fields);
    assert_eq!((error.code(), error.text()), (12, text));
}

#[test]
fn lines_that_cannot_be_answered_say_what_is_wrong_and_where() {
    for (line, expected) in [
        ("", "not JSON: EOF while parsing a value at byte 0"),
        ("hello", "not JSON: expected value at byte 1"),
        ("{\"src\": }", "not JSON: expected value at byte 9"),
        ("{\"src\": \"a\"} x", "not JSON: trailing characters at byte 14"),
        ("{\"a\":1,}", "not JSON: key must be a string at byte 8"),
        ("{}\n{}\n", "not JSON: line feed at byte 3"),
        (
            "{\"a\tb\": 1}",
            "not JSON: control character (\\u0000-\\u001F) found while parsing a string at byte 3",
        ),
        ("[1, 2", "not JSON: EOF while parsing a list at byte 5"),
        ("[1, 2]", "not an envelope: the line must be an object, got [1, 2]"),
        ("1e999", "not an envelope: the line must be an object, got 1e999"),
        ("{}", "not an envelope: `body` is missing, expected an object"),
        ("{\"body\": 1}", "not an envelope: `body` must be an object, got 1"),
        ("{\"body\": 1", "not JSON: EOF while parsing an object at byte 10"),
        ("{\"body\": {}}", "not an envelope: `src` is missing, expected a string"),
        ("{\"body\": {}, \"src\": 5}", "not an envelope: `src` must be a string, got 5"),
        (
            r#"{"body": {}, "src": "\ud800", "dest": "n1"}"#,
            r#"not an envelope: `src` must be a string, got "\ud800""#,
        ),
        (
            r#"{"body": {}, "src": "c1", "dest": null}"#,
            "not an envelope: `dest` must be a string, got null",
        ),
    ] {
        assert_eq!(Envelope::decode(line.as_bytes()).unwrap_err().to_string(), expected);
    }
    let error = Envelope::decode(b"{\"src\": \"\xff\"}").unwrap_err();
    assert_eq!(error.to_string(), "not JSON: expected UTF-8 at byte 10");
}

#[test]
fn message_numbers_are_integers_of_64_bits_or_nothing() {
    for (number, expected) in [
        ("0", Some(0)),
        ("-0", Some(0)),
        ("-1", Some(-1)),
        ("9223372036854775807", Some(i64::MAX)),
        ("null", None),
    ] {
        let both = line(&format!("{{\"msg_id\": {number}, \"in_reply_to\": {number}}}"));
        let envelope = Envelope::decode(both.as_bytes()).unwrap();
        assert_eq!((envelope.msg_id, envelope.in_reply_to), (expected, expected));
    }
    for number in ["1.0", "1e2", "\"1\"", "true", "[]", "{}", "9223372036854775808"] {
        for key in ["msg_id", "in_reply_to"] {
            let line = line(&format!("{{\"type\": \"read\", \"{key}\": {number}}}"));
            let error = Envelope::decode(line.as_bytes()).unwrap_err();
            assert_eq!(
                error,
                LineError::NotEnvelope(format!(
                    "`{key}` must be an integer of 64 bits, got {number}"
                ))
            );
        }
    }
}

#[test]
fn a_line_may_be_as_long_as_the_limit_and_no_longer() {
    let mut line = line("{\"type\": \"read\"}").into_bytes();
    line.resize(LINE_BYTES_MAX, b' ');
    line.push(b'\n');
    assert_eq!(Envelope::decode(&line).unwrap().body(), Ok(Body::Read));
    line.push(b'\n');
    let error = Envelope::decode(&line).unwrap_err();
    assert_eq!(error, LineError::TooLong);
    assert_eq!(error.to_string(), "line too long: more than 16777216 bytes");
}

#[test]
fn the_type_is_a_string_that_the_protocol_knows() {
    let answer = |body: &str| {
        let line = line(body);
        let envelope = Envelope::decode(line.as_bytes()).unwrap();
        let error = envelope.body().unwrap_err();
        (envelope.kind().map(str::to_owned), error.code(), error.text().to_owned())
    };
    let expected = "`type` is missing, expected a string".to_owned();
    assert_eq!(answer("{}"), (None, 12, expected));
    let expected = "`type` must be a string, got 5".to_owned();
    assert_eq!(answer("{\"type\": 5}"), (None, 12, expected));
    let expected = "`type` must be a string, got \"\\udc00\"".to_owned();
    assert_eq!(answer("{\"type\": \"\\udc00\"}"), (None, 12, expected));
    let expected = "unknown type `echo`".to_owned();
    assert_eq!(answer("{\"type\": \"ech\\u006f\"}"), (Some("echo".into()), 10, expected));
    let (_, code, text) = answer(&format!("{{\"type\": \"{}\"}}", "x".repeat(1000)));
    assert_eq!((code, text), (10, format!("unknown type `{}...`", "x".repeat(80))));
}

#[test]
fn a_missing_field_is_named() {
    for (kind, fields, missing) in [
        ("init", "", "node_id"),
        ("init", ", \"node_id\": \"n1\"", "node_ids"),
        ("topology", "", "topology"),
        ("broadcast", "", "message"),
        ("gossip", "", "message"),
        ("gossip_sync", "", "messages"),
        ("digest_sync", "", "remote_digest"),
        ("calc_fanout", "", "nodes"),
        ("calc_fanout", ", \"nodes\": 3", "target_prob"),
        ("calc_fanout", ", \"nodes\": 3, \"target_prob\": 1", "rounds"),
        ("simulate_gossip", ", \"nodes\": 3, \"fanout\": 1, \"rounds\": 1", "trials"),
        ("delivery_info", "", "value"),
        ("partition", "", "blocked"),
        ("error", "", "code"),
        ("gossip_summary", "", "summary"),
        ("gossip_digest", "", "streams"),
        ("gossip_delta", "", "rumors"),
        ("gossip_push", r#", "summary": "00000000000000ab""#, "rumors"),
        ("gossip_link", "", "number"),
        ("gossip_view", "", "says"),
    ] {
        let error = refusal(kind, fields);
        assert_eq!(error.code(), 12);
        let start = format!("`{missing}` is missing, expected ");
        assert!(error.text().starts_with(&start), "{kind}: {}", error.text());
    }
}

#[test]
fn an_ill_typed_field_says_what_was_expected_and_what_came() {
    let count = "an integer from 0 to 18446744073709551615";
    for (kind, fields, text) in [
        ("init", r#", "node_id": 1"#, "`node_id` must be a string, got 1"),
        (
            "gossip_link",
            r#", "number": 1, "floor": 1, "incarnation": 1, "turn": "around""#,
            "`turn` must be \"graft\" or \"prune\", got \"around\"",
        ),
        (
            "gossip_link",
            r#", "number": 1, "floor": 1, "incarnation": 1, "have": [["n1", 17, 3, -1]]"#,
            "`have` must be a list of [origin, incarnation, sequence, hops], \
             got [[\"n1\", 17, 3, -1]]",
        ),
        (
            "gossip_link",
            r#", "number": 1, "floor": 1, "incarnation": 1, "beacon": ["n1", 2, 3, 4]"#,
            "`beacon` must be [root, incarnation, sequence, hops, is_uplink], \
             got [\"n1\", 2, 3, 4]",
        ),
        (
            "gossip_view",
            r#", "says": "hello""#,
            "`says` must be a word about neighbors, got \"hello\"",
        ),
        (
            "gossip_view",
            r#", "says": "shuffle", "ttl": 256"#,
            "`ttl` must be an integer from 0 to 255, got 256",
        ),
        (
            "init",
            r#", "node_id": "n1", "node_ids": ["n1", 2]"#,
            "`node_ids` must be a list of strings, got [\"n1\", 2]",
        ),
        (
            "topology",
            r#", "topology": {"n1": "n2"}"#,
            "`topology` must be an object of lists of strings, got {\"n1\": \"n2\"}",
        ),
        (
            "topology",
            r#", "topology": []"#,
            "`topology` must be an object of lists of strings, got []",
        ),
        (
            "broadcast",
            r#", "message": 1, "hops": -1"#,
            "`hops` must be an integer from 0 to 4294967295, got -1",
        ),
        (
            "gossip",
            r#", "message": 1, "hops": 4294967296"#,
            "`hops` must be an integer from 0 to 4294967295, got 4294967296",
        ),
        ("gossip_sync", r#", "messages": {}"#, "`messages` must be a list, got {}"),
        ("gossip_sync", r#", "messages": null"#, "`messages` must be a list, got null"),
        (
            "digest_sync",
            r#", "remote_digest": "", "remote_messages": "1""#,
            "`remote_messages` must be a list, got \"1\"",
        ),
        ("configure", r#", "fanout": 0"#, "`fanout` must be an integer of at least 1, got 0"),
        ("configure", r#", "fanout": true"#, "`fanout` must be an integer of at least 1, got true"),
        ("configure", r#", "fanout": 2.0"#, "`fanout` must be an integer of at least 1, got 2.0"),
        (
            "configure",
            r#", "gossip_interval_ms": -5"#,
            "`gossip_interval_ms` must be an integer from 1 to 18446744073709551615, got -5",
        ),
        (
            "calc_fanout",
            r#", "nodes": 3, "target_prob": "0.9""#,
            "`target_prob` must be a number, got \"0.9\"",
        ),
        (
            "calc_fanout",
            r#", "nodes": 3, "target_prob": 1e999"#,
            "`target_prob` must be a number, got 1e999",
        ),
        ("partition", r#", "blocked": "n2""#, "`blocked` must be a list of strings, got \"n2\""),
        (
            "delivery_info_ok",
            r#", "value": 1, "delivered_via": "post", "hops": 1"#,
            "`delivered_via` must be \"tree\" or \"gossip\", got \"post\"",
        ),
        ("digest_sync_ok", r#", "match": 1"#, "`match` must be true or false, got 1"),
    ] {
        expect_malformed(kind, fields, text);
    }
    for bad in ["1.0", "1e2", "\"1\"", "-1", "18446744073709551616", "true", "null", "[]"] {
        let text = format!("`nodes` must be {count}, got {bad}");
        expect_malformed("simulate_gossip", &format!(", \"nodes\": {bad}"), &text);
    }
}

#[test]
fn a_long_offender_is_shortened() {
    let blocked = format!("[{}]", "1,".repeat(1000) + "1");
    let text = format!("`blocked` must be a list of strings, got [{}1...", "1,".repeat(39));
    expect_malformed("partition", &format!(", \"blocked\": {blocked}"), &text);
    let long = format!("\"{}\"", "x".repeat(1000));
    for line in [long.clone(), format!("{{\"body\": {long}}}"), line(&long)] {
        let error = Envelope::decode(line.as_bytes()).unwrap_err();
        assert!(error.to_string().len() < 200, "{error}");
    }
}

#[test]
fn dialect_messages_are_checked_like_all_others() {
    let summary = "`summary` must be a string of 16 lower-case hexadecimal digits, got ";
    for bad in ["\"abc\"", "\"0000000000000ABC\"", "\"+000000000000abc\"", "2748"] {
        let fields = format!(", \"summary\": {bad}, \"count\": 1");
        expect_malformed("gossip_summary", &fields, &format!("{summary}{bad}"));
    }
    let streams =
        "`streams` must be a list of [origin, incarnation, upto, [[first, last], ...]], got ";
    for bad in [
        r#"[["n1", 17, 40, [[45, 42]]]]"#,
        r#"[["n1", 17, 40]]"#,
        r#"[["n1", 17, 40, [], 1]]"#,
        r#"[["n1", 17, 40, [[1, 2, 3]]]]"#,
        r#"[[1, 17, 40, []]]"#,
        r#"[["n1", -1, 40, []]]"#,
        r#"{}"#,
    ] {
        let text = format!("{streams}{bad}");
        expect_malformed("gossip_digest", &format!(", \"streams\": {bad}"), &text);
    }
    let rumors =
        "`rumors` must be a list of [origin or null, incarnation, sequence, hops, value], got ";
    for bad in [r#"[["n1", 17, 3, 0]]"#, r#"[["n1", 17, 3, 0.5, 1]]"#, r#"["n1"]"#, "null"] {
        let text = format!("{rumors}{bad}");
        expect_malformed("gossip_delta", &format!(", \"rumors\": {bad}"), &text);
    }
}

#[test]
fn an_id_of_another_program_is_an_unknown_field() {
    let plain = line(r#"{"type": "broadcast", "message": 1, "id": 5, "gossiper": "yes"}"#);
    let envelope = Envelope::decode(plain.as_bytes()).unwrap();
    assert_eq!(envelope.dialect, None);
    assert!(matches!(envelope.body(), Ok(Body::Broadcast { id: None, .. })));
    let ours = line(r#"{"type": "broadcast", "message": 1, "id": 5, "gossiper": 1}"#);
    let error = Envelope::decode(ours.as_bytes()).unwrap().body().unwrap_err();
    assert_eq!(error.text(), "`id` must be [origin, incarnation, sequence], got 5");
}

#[test]
fn absent_and_null_are_the_same_for_what_may_be_absent() {
    let configure = line(r#"{"type": "configure", "fanout": null}"#);
    assert_eq!(
        Envelope::decode(configure.as_bytes()).unwrap().body(),
        Ok(Body::Configure { fanout: None, gossip_interval_ms: None })
    );
    let push = line(r#"{"type": "broadcast", "message": null, "hops": null, "id": null}"#);
    let envelope = Envelope::decode(push.as_bytes()).unwrap();
    let Ok(Body::Broadcast { message, hops: None, id: None }) = envelope.body() else { panic!() };
    assert_eq!(message.text(), "null");
    let sync = line(r#"{"type": "digest_sync", "remote_digest": "", "remote_messages": null}"#);
    let envelope = Envelope::decode(sync.as_bytes()).unwrap();
    assert!(matches!(envelope.body(), Ok(Body::DigestSync { remote_messages: None, .. })));
    let error = line(r#"{"type": "error", "code": 11}"#);
    let envelope = Envelope::decode(error.as_bytes()).unwrap();
    assert_eq!(envelope.body(), Ok(Body::Error { code: 11, text: "".into() }));
}

#[test]
fn a_fanout_beyond_all_integers_means_all() {
    for (fanout, expected) in [
        ("1", 1),
        ("9999999999999999999", 9_999_999_999_999_999_999),
        ("18446744073709551616", u64::MAX),
        ("99999999999999999999999999", u64::MAX),
    ] {
        let line = line(&format!("{{\"type\": \"configure\", \"fanout\": {fanout}}}"));
        let envelope = Envelope::decode(line.as_bytes()).unwrap();
        let Ok(Body::Configure { fanout, .. }) = envelope.body() else { panic!() };
        assert_eq!(fanout, Some(expected));
    }
}

#[test]
fn the_last_of_two_equal_keys_counts() {
    let line = concat!(
        r#"{"src": 1, "src": "c1", "dest": "n1", "body": {"type": "x", "hops": 1, "msg_id": 1}, "#,
        r#""body": null, "#,
        r#""body": {"type": "read", "msg_id": 2, "\u0074ype": "broadcast", "message": 1, "#,
        r#""message": 2, "msg_id": 3}}"#
    );
    let envelope = Envelope::decode(line.as_bytes()).unwrap();
    assert_eq!((&*envelope.src, envelope.msg_id), ("c1", Some(3)));
    let Ok(Body::Broadcast { message, hops: None, .. }) = envelope.body() else { panic!() };
    assert_eq!(message.text(), "2");

    let topology = self::line(
        r#"{"type": "topology", "topology": {"n1": ["n2"], "n2": [], "\u006e1": ["n3"]}}"#,
    );
    let envelope = Envelope::decode(topology.as_bytes()).unwrap();
    let Ok(Body::Topology { topology }) = envelope.body() else { panic!() };
    assert_eq!(topology, [("n1".into(), vec!["n3".into()]), ("n2".into(), vec![])]);
}

#[test]
fn unknown_fields_are_stepped_over_whatever_they_hold() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let line = format!(
        r#"{{"id": {deep}, "src": "c1", "\ud800": 1, "dest": "n1", "body": {{"x": {deep},
        "\udc00": {{"type": "y"}}, "type": "read", "trials": {deep}}}}}"#
    )
    .replace('\n', " ");
    assert_eq!(Envelope::decode(line.as_bytes()).unwrap().body(), Ok(Body::Read));
}

#[test]
fn a_million_brackets_are_an_error_and_no_crash() {
    let open = "[".repeat(1_000_000);
    assert!(matches!(Envelope::decode(open.as_bytes()), Err(LineError::NotJson(_))));
    let objects = "{\"body\":".repeat(1_000_000);
    assert!(matches!(Envelope::decode(objects.as_bytes()), Err(LineError::NotJson(_))));
    let deep = format!("{open}{}", "]".repeat(1_000_000));
    assert!(matches!(Envelope::decode(deep.as_bytes()), Err(LineError::NotEnvelope(_))));
    for (kind, field) in [
        ("broadcast", "message"),
        ("partition", "blocked"),
        ("topology", "topology"),
        ("gossip_digest", "streams"),
        ("gossip_delta", "rumors"),
        ("digest_sync", "remote_digest"),
        ("calc_fanout", "nodes"),
    ] {
        let error = refusal(kind, &format!(", \"{field}\": {deep}"));
        assert!(error.text().starts_with(&format!("`{field}` must be ")), "{}", error.text());
    }
    let line = line(&format!("{{\"type\": \"gossip_sync\", \"messages\": [1, {deep}]}}"));
    let envelope = Envelope::decode(line.as_bytes()).unwrap();
    let Ok(Body::GossipSync { messages }) = envelope.body() else { panic!() };
    let error = messages.values().unwrap_err();
    assert_eq!(error.text(), "item 2 of the list is nested more than 127 deep");
}

#[test]
fn a_value_may_be_as_deep_as_the_limit_and_no_deeper() {
    let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let request =
        |depth| line(&format!("{{\"type\": \"broadcast\", \"message\": {}}}", nested(depth)));
    let deepest = request(VALUE_DEPTH_MAX);
    let Ok(Body::Broadcast { message, .. }) = Envelope::decode(deepest.as_bytes()).unwrap().body()
    else {
        panic!()
    };
    assert_eq!(message.text(), nested(VALUE_DEPTH_MAX));
    let too_deep = request(VALUE_DEPTH_MAX + 1);
    let error = Envelope::decode(too_deep.as_bytes()).unwrap().body().unwrap_err();
    let start = format!("`message` must be a value nested at most {VALUE_DEPTH_MAX} deep, got [[[");
    assert!(error.text().starts_with(&start), "{}", error.text());
}
