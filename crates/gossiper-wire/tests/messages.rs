//! Every message of the protocol, to the byte.

use std::borrow::Cow;

use gossiper_wire::{
    Acked, Beacon, Body, Envelope, Held, List, Quotient, Rumor, RumorId, Stream, Turn, Value, Via,
    View, encode,
};

/// Prints a body between two names, with both numbers and no dialect.
fn line_of(body: &Body<'_>) -> String {
    let mut out = Vec::new();
    encode(&mut out, "n1", "c1", body, Some(7), Some(8), None);
    String::from_utf8(out).unwrap()
}

fn value(text: &str) -> Value<'_> {
    Value::parse(text).unwrap()
}

fn id(sequence: u64) -> RumorId<'static> {
    RumorId { origin: "n1".into(), incarnation: 17, sequence }
}

fn names(names: &[&'static str]) -> Vec<Cow<'static, str>> {
    names.iter().map(|name| Cow::Borrowed(*name)).collect()
}

/// Each message with what stands between `"body": {` and `, "in_reply_to"`.
fn table() -> Vec<(Body<'static>, &'static str)> {
    [inputs(), answers(), measures(), dialect()].concat()
}

fn inputs() -> Vec<(Body<'static>, &'static str)> {
    vec![
        (
            Body::Init { node_id: "n1".into(), node_ids: names(&["n1", "n2"]) },
            r#""type": "init", "node_id": "n1", "node_ids": ["n1", "n2"]"#,
        ),
        (
            Body::Topology {
                topology: vec![("n2".into(), names(&["n1", "n3"])), ("n1".into(), vec![])],
            },
            r#""type": "topology", "topology": {"n2": ["n1", "n3"], "n1": []}"#,
        ),
        (
            Body::Broadcast { message: value("1.0"), hops: None, id: None },
            r#""type": "broadcast", "message": 1.0"#,
        ),
        (
            Body::Broadcast { message: value("null"), hops: Some(3), id: None },
            r#""type": "broadcast", "message": null, "hops": 3"#,
        ),
        (
            Body::Broadcast { message: value("[1,  2]"), hops: Some(3), id: Some(id(4)) },
            r#""type": "broadcast", "message": [1,  2], "hops": 3, "id": ["n1", 17, 4]"#,
        ),
        (Body::Read, r#""type": "read""#),
        (
            Body::Gossip { message: value("\"a\""), hops: 2, id: None },
            r#""type": "gossip", "message": "a", "hops": 2"#,
        ),
        (
            Body::Gossip { message: value("true"), hops: u32::MAX, id: Some(id(0)) },
            r#""type": "gossip", "message": true, "hops": 4294967295, "id": ["n1", 17, 0]"#,
        ),
        (Body::GossipRound, r#""type": "gossip_round""#),
        (
            Body::GossipSync { messages: List::from_items("1, {\"a\": 2}") },
            r#""type": "gossip_sync", "messages": [1, {"a": 2}]"#,
        ),
        (Body::Digest, r#""type": "digest""#),
        (
            Body::DigestSync { remote_digest: "ab".into(), remote_messages: None },
            r#""type": "digest_sync", "remote_digest": "ab""#,
        ),
        (
            Body::DigestSync {
                remote_digest: "".into(),
                remote_messages: Some(List::from_items("1")),
            },
            r#""type": "digest_sync", "remote_digest": "", "remote_messages": [1]"#,
        ),
        (
            Body::Configure { fanout: Some(3), gossip_interval_ms: None },
            r#""type": "configure", "fanout": 3"#,
        ),
        (
            Body::Configure { fanout: Some(1), gossip_interval_ms: Some(200) },
            r#""type": "configure", "fanout": 1, "gossip_interval_ms": 200"#,
        ),
        (Body::GossipStats, r#""type": "gossip_stats""#),
        (
            Body::CalcFanout { nodes: 100, target_prob: 0.99, rounds: 5 },
            r#""type": "calc_fanout", "nodes": 100, "target_prob": 0.99, "rounds": 5"#,
        ),
        (
            Body::SimulateGossip { nodes: 50, fanout: 2, rounds: 8, trials: 1000 },
            r#""type": "simulate_gossip", "nodes": 50, "fanout": 2, "rounds": 8, "trials": 1000"#,
        ),
        (Body::TreeInfo, r#""type": "tree_info""#),
        (Body::CheckAcks, r#""type": "check_acks""#),
        (Body::FailureStats, r#""type": "failure_stats""#),
        (Body::DeliveryInfo { value: value("42") }, r#""type": "delivery_info", "value": 42"#),
        (Body::HybridStats, r#""type": "hybrid_stats""#),
        (Body::Convergence, r#""type": "convergence""#),
        (
            Body::Partition { blocked: names(&["n2", "n\"3"]) },
            r#""type": "partition", "blocked": ["n2", "n\"3"]"#,
        ),
        (Body::Heal, r#""type": "heal""#),
        (Body::PartitionStatus, r#""type": "partition_status""#),
    ]
}

fn answers() -> Vec<(Body<'static>, &'static str)> {
    vec![
        (Body::InitOk, r#""type": "init_ok""#),
        (Body::TopologyOk, r#""type": "topology_ok""#),
        (Body::BroadcastOk, r#""type": "broadcast_ok""#),
        (Body::BroadcastAck, r#""type": "broadcast_ack""#),
        (Body::ReadOk { messages: List::from_items("") }, r#""type": "read_ok", "messages": []"#),
        (
            Body::ReadOk { messages: List::from_items("1, 1.0, 18446744073709551617") },
            r#""type": "read_ok", "messages": [1, 1.0, 18446744073709551617]"#,
        ),
        (Body::GossipSyncOk { new_count: 2 }, r#""type": "gossip_sync_ok", "new_count": 2"#),
        (
            Body::DigestOk { digest: "00ff".into(), count: 3 },
            r#""type": "digest_ok", "digest": "00ff", "count": 3"#,
        ),
        (
            Body::DigestSyncOk { matched: true, transferred: 0, local_messages: None },
            r#""type": "digest_sync_ok", "match": true, "transferred": 0"#,
        ),
        (
            Body::DigestSyncOk {
                matched: false,
                transferred: 1,
                local_messages: Some(List::from_items("1, 2")),
            },
            r#""type": "digest_sync_ok", "match": false, "transferred": 1, "local_messages": [1, 2]"#,
        ),
        (Body::ConfigureOk, r#""type": "configure_ok""#),
        (
            Body::DeliveryInfoOk { value: value("42"), delivered_via: Via::Tree, hops: 0 },
            r#""type": "delivery_info_ok", "value": 42, "delivered_via": "tree", "hops": 0"#,
        ),
        (
            Body::DeliveryInfoOk { value: value("[]"), delivered_via: Via::Gossip, hops: 9 },
            r#""type": "delivery_info_ok", "value": [], "delivered_via": "gossip", "hops": 9"#,
        ),
        (Body::PartitionOk, r#""type": "partition_ok""#),
        (Body::HealOk, r#""type": "heal_ok""#),
        (
            Body::PartitionStatusOk {
                blocked: names(&["n2"]),
                is_partitioned: true,
                messages_dropped: 5,
            },
            concat!(
                r#""type": "partition_status_ok", "blocked": ["n2"], "is_partitioned": true, "#,
                r#""messages_dropped": 5"#
            ),
        ),
        (
            Body::Error { code: 12, text: "a \"b\"\n\u{1}é".into() },
            r#""type": "error", "code": 12, "text": "a \"b\"\n\u0001é""#,
        ),
    ]
}

fn measures() -> Vec<(Body<'static>, &'static str)> {
    let stats = |numerator, denominator| Body::GossipStatsOk {
        broadcasts_received: denominator,
        gossip_messages_sent: numerator,
        messages_per_op: Quotient { numerator, denominator },
        unique_messages: 4,
    };
    vec![
        (
            Body::GossipRoundOk { peers_contacted: 2, messages_sent: 6 },
            r#""type": "gossip_round_ok", "peers_contacted": 2, "messages_sent": 6"#,
        ),
        (
            stats(0, 0),
            concat!(
                r#""type": "gossip_stats_ok", "broadcasts_received": 0, "#,
                r#""gossip_messages_sent": 0, "messages_per_op": 0, "unique_messages": 4"#
            ),
        ),
        (
            stats(0, 1),
            concat!(
                r#""type": "gossip_stats_ok", "broadcasts_received": 1, "#,
                r#""gossip_messages_sent": 0, "messages_per_op": 0.0, "unique_messages": 4"#
            ),
        ),
        (
            stats(8, 3),
            concat!(
                r#""type": "gossip_stats_ok", "broadcasts_received": 3, "#,
                r#""gossip_messages_sent": 8, "messages_per_op": 2.6666666666666665, "#,
                r#""unique_messages": 4"#
            ),
        ),
        (
            stats(1, 100_000),
            concat!(
                r#""type": "gossip_stats_ok", "broadcasts_received": 100000, "#,
                r#""gossip_messages_sent": 1, "messages_per_op": 1e-05, "unique_messages": 4"#
            ),
        ),
        (
            Body::CalcFanoutOk { min_fanout: 60, miss_prob: 0.009430 },
            r#""type": "calc_fanout_ok", "min_fanout": 60, "miss_prob": 0.00943"#,
        ),
        (
            Body::SimulateGossipOk { delivery_rate: 1.0, avg_rounds_to_all: 6.25 },
            r#""type": "simulate_gossip_ok", "delivery_rate": 1.0, "avg_rounds_to_all": 6.25"#,
        ),
        (
            Body::TreeInfoOk { neighbors: names(&["n2", "n3"]), message_count: 4 },
            r#""type": "tree_info_ok", "neighbors": ["n2", "n3"], "message_count": 4"#,
        ),
        (
            Body::CheckAcksOk { pending: 3, timed_out: 2, direct_sent: 1 },
            r#""type": "check_acks_ok", "pending": 3, "timed_out": 2, "direct_sent": 1"#,
        ),
        (
            Body::FailureStatsOk { total_failures: 1, direct_deliveries: u64::MAX },
            concat!(
                r#""type": "failure_stats_ok", "total_failures": 1, "#,
                r#""direct_deliveries": 18446744073709551615"#
            ),
        ),
        (
            Body::HybridStatsOk { tree_deliveries: 2, gossip_deliveries: 1, total: 3 },
            concat!(
                r#""type": "hybrid_stats_ok", "tree_deliveries": 2, "gossip_deliveries": 1, "#,
                r#""total": 3"#
            ),
        ),
        (
            Body::ConvergenceOk { rounds: 9, last_learning_round: 4 },
            r#""type": "convergence_ok", "rounds": 9, "last_learning_round": 4"#,
        ),
    ]
}

fn dialect() -> Vec<(Body<'static>, &'static str)> {
    vec![
        (
            Body::GossipSummary { summary: 0xabc, count: 3 },
            r#""type": "gossip_summary", "summary": "0000000000000abc", "count": 3"#,
        ),
        (
            Body::GossipDigest { streams: vec![], answer: false },
            r#""type": "gossip_digest", "streams": [], "answer": false"#,
        ),
        (
            Body::GossipDigest {
                streams: vec![
                    Stream {
                        origin: "n1".into(),
                        incarnation: 17,
                        upto: 40,
                        beyond: vec![(42, 45), (47, 47)],
                    },
                    Stream { origin: "n2".into(), incarnation: 0, upto: 0, beyond: vec![] },
                ],
                answer: true,
            },
            concat!(
                r#""type": "gossip_digest", "#,
                r#""streams": [["n1", 17, 40, [[42, 45], [47, 47]]], ["n2", 0, 0, []]], "#,
                r#""answer": true"#
            ),
        ),
        (
            Body::GossipDelta {
                rumors: vec![
                    Rumor { id: Some(id(3)), hops: 1, message: value("{\"b\": 1}") },
                    Rumor { id: None, hops: 0, message: value("\"x\"") },
                ],
            },
            concat!(
                r#""type": "gossip_delta", "#,
                r#""rumors": [["n1", 17, 3, 1, {"b": 1}], [null, 0, 0, 0, "x"]]"#
            ),
        ),
        (
            Body::GossipPush {
                rumors: vec![Rumor { id: Some(id(3)), hops: 1, message: value("7") }],
                number: 9,
                floor: 4,
                incarnation: 17,
                acked: Some(Acked { incarnation: 18, upto: 40, beyond: vec![(42, 45)] }),
                summary: 0xab,
                count: 12,
                uplink: Some("n0".into()),
                asks: true,
                streams: Some(vec![]),
            },
            concat!(
                r#""type": "gossip_push", "rumors": [["n1", 17, 3, 1, 7]], "number": 9, "#,
                r#""floor": 4, "incarnation": 17, "acked": [18, 40, [[42, 45]]], "#,
                r#""summary": "00000000000000ab", "count": 12, "uplink": "n0", "asks": true, "#,
                r#""streams": []"#
            ),
        ),
        (
            Body::GossipPush {
                rumors: vec![],
                number: 0,
                floor: 1,
                incarnation: 0,
                acked: None,
                summary: 0,
                count: 0,
                uplink: None,
                asks: false,
                streams: None,
            },
            concat!(
                r#""type": "gossip_push", "rumors": [], "number": 0, "floor": 1, "#,
                r#""incarnation": 0, "summary": "0000000000000000", "count": 0"#
            ),
        ),
        (
            Body::GossipLink {
                rumors: vec![Rumor { id: Some(id(3)), hops: 1, message: value("7") }],
                number: 9,
                floor: 4,
                incarnation: 17,
                acked: Some(Acked { incarnation: 18, upto: 40, beyond: vec![(42, 45)] }),
                beacon: Some(Beacon {
                    root: "n0".into(),
                    since: 2,
                    sequence: 40,
                    hops: 3,
                    is_uplink: true,
                }),
                turn: Some(Turn::Graft),
                asks: true,
                have: vec![Held { id: id(5), hops: 2 }],
                wants: vec![id(6)],
            },
            concat!(
                r#""type": "gossip_link", "rumors": [["n1", 17, 3, 1, 7]], "number": 9, "#,
                r#""floor": 4, "incarnation": 17, "acked": [18, 40, [[42, 45]]], "#,
                r#""beacon": ["n0", 2, 40, 3, true], "turn": "graft", "asks": true, "#,
                r#""have": [["n1", 17, 5, 2]], "wants": [["n1", 17, 6]]"#
            ),
        ),
        (
            Body::GossipLink {
                rumors: vec![],
                number: 0,
                floor: 1,
                incarnation: 0,
                acked: None,
                beacon: None,
                turn: None,
                asks: false,
                have: vec![],
                wants: vec![],
            },
            r#""type": "gossip_link", "number": 0, "floor": 1, "incarnation": 0"#,
        ),
        (
            Body::GossipView { says: View::Join, node: None, ttl: None, nodes: None },
            r#""type": "gossip_view", "says": "join""#,
        ),
        (
            Body::GossipView {
                says: View::Shuffle,
                node: Some("n3".into()),
                ttl: Some(6),
                nodes: Some(vec!["n3".into(), "n5".into()]),
            },
            r#""type": "gossip_view", "says": "shuffle", "node": "n3", "ttl": 6, "nodes": ["n3", "n5"]"#,
        ),
    ]
}

#[test]
fn every_message_prints_to_the_byte_and_is_read_back() {
    for (body, fields) in table() {
        let line = line_of(&body);
        assert_eq!(
            line,
            format!(
                "{{\"src\": \"n1\", \"dest\": \"c1\", \
                 \"body\": {{{fields}, \"in_reply_to\": 7, \"msg_id\": 8}}}}\n"
            )
        );
        let envelope = Envelope::decode(line.as_bytes()).unwrap();
        assert_eq!((&*envelope.src, &*envelope.dest), ("n1", "c1"));
        assert_eq!((envelope.in_reply_to, envelope.msg_id), (Some(7), Some(8)));
        assert_eq!(envelope.dialect, None);
        assert_eq!(envelope.kind(), Some(body.kind()));
        let read = envelope.body().unwrap();
        assert_eq!(read, body, "{line}");
        assert_eq!(line_of(&read), line);
    }
}

#[test]
fn the_table_holds_every_kind() {
    let mut kinds: Vec<_> = table().iter().map(|(body, _)| body.kind()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds.len(), 51, "{kinds:?}");
}

#[test]
fn what_every_message_may_carry_stands_behind_its_own_fields() {
    let body = Body::Broadcast { message: value("1"), hops: Some(2), id: Some(id(3)) };
    let printed = |in_reply_to, msg_id, dialect| {
        let mut out = b"before".to_vec();
        encode(&mut out, "n\\1", "c\t1", &body, in_reply_to, msg_id, dialect);
        String::from_utf8(out).unwrap()
    };
    let start = concat!(
        r#"before{"src": "n\\1", "dest": "c\t1", "body": {"type": "broadcast", "message": 1, "#,
        r#""hops": 2, "id": ["n1", 17, 3]"#
    );
    assert_eq!(printed(None, None, None), format!("{start}}}}}\n"));
    assert_eq!(
        printed(Some(i64::MIN), Some(i64::MAX), Some(2)),
        format!(
            "{start}, \"gossiper\": 2, \"in_reply_to\": -9223372036854775808, \
             \"msg_id\": 9223372036854775807}}}}\n"
        )
    );
    let line = printed(None, Some(1), Some(2));
    let envelope = Envelope::decode(&line.as_bytes()["before".len()..]).unwrap();
    assert_eq!((&*envelope.src, &*envelope.dest), ("n\\1", "c\t1"));
    assert_eq!(envelope.dialect, Some(2));
    assert_eq!(envelope.body().unwrap(), body);
}

/// Requests as test drivers send them, and the answers that the protocol's cases expect.
const CASES: &str = r#"
{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1","n2","n3"]}}
{"src":"c1","dest":"n1","body":{"type":"topology","msg_id":2,"topology":{"n1":[]}}}
{"src":"c1","dest":"n1","body":{"type":"broadcast","msg_id":2,"message":42}}
{"src":"c1","dest":"n1","body":{"type":"read","msg_id":4}}
{"src":"c1","dest":"n1","body":{"type":"gossip_round","msg_id":2}}
{"src":"n2","dest":"n1","body":{"type":"gossip_sync","msg_id":3,"messages":[10,20,30]}}
{"src":"c1","dest":"n1","body":{"type":"failure_stats","msg_id":2}}
{"src":"c1","dest":"n1","body":{"type":"delivery_info","msg_id":4,"value":42}}
{"src":"c1","dest":"n1","body":{"type":"hybrid_stats","msg_id":2}}
{"src": "n1", "dest": "c0", "body": {"type": "init_ok", "in_reply_to": 1, "msg_id": 0}}
{"src": "n1", "dest": "c1", "body": {"type": "broadcast_ok", "in_reply_to": 2, "msg_id": 1}}
{"src": "n1", "dest": "c1", "body": {"type": "topology_ok", "in_reply_to": 2, "msg_id": 1}}
{"src": "n1", "dest": "c1", "body": {"type": "read_ok", "messages": [10, 20, 30], "in_reply_to": 4, "msg_id": 3}}
{"src": "n1", "dest": "n2", "body": {"type": "gossip_sync_ok", "new_count": 2, "in_reply_to": 3, "msg_id": 2}}
{"src": "n1", "dest": "c1", "body": {"type": "failure_stats_ok", "total_failures": 0, "direct_deliveries": 0, "in_reply_to": 2, "msg_id": 1}}
{"src": "n1", "dest": "c1", "body": {"type": "delivery_info_ok", "value": 42, "delivered_via": "tree", "hops": 0, "in_reply_to": 4, "msg_id": 3}}
{"src": "n1", "dest": "c1", "body": {"type": "hybrid_stats_ok", "tree_deliveries": 0, "gossip_deliveries": 0, "total": 0, "in_reply_to": 2, "msg_id": 1}}
"#;

#[test]
fn lines_of_the_cases_are_read_and_answers_are_printed_again() {
    for line in CASES.lines().filter(|line| !line.is_empty()) {
        let envelope = Envelope::decode(line.as_bytes()).unwrap();
        let body = envelope.body().unwrap();
        let mut out = Vec::new();
        let (to, number) = (envelope.in_reply_to, envelope.msg_id);
        encode(&mut out, &envelope.src, &envelope.dest, &body, to, number, None);
        let printed = String::from_utf8(out).unwrap();
        if to.is_some() {
            assert_eq!(printed, format!("{line}\n"));
        } else {
            let again = Envelope::decode(printed.as_bytes()).unwrap();
            assert_eq!(again.body().unwrap(), body);
            assert_eq!(again.msg_id, number);
        }
    }
}
