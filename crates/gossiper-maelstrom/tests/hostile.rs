//! Whatever is read, the node neither ends nor panics, and answers the next good line.

use std::time::Duration;

use gossiper_maelstrom::{Instant, Session, Settings};
use gossiper_wire::{Body, Envelope};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// One good line of every kind, and some that are nearly so.
const LINES: &[&str] = &[
    r#"{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1","n2","n3"]}}"#,
    r#"{"src":"c1","dest":"n1","body":{"type":"topology","msg_id":2,"topology":{"n1":["n2"],"n2":["n1","n3"],"n3":["n2"]}}}"#,
    r#"{"src":"c1","dest":"n1","body":{"type":"broadcast","msg_id":3,"message":{"a": [1, 2.50, "\ud800"]}}}"#,
    r#"{"src":"n2","dest":"n1","body":{"type":"broadcast","msg_id":4,"message":42,"hops":3,"id":["n2",1,7]}}"#,
    r#"{"src":"n2","dest":"n1","body":{"type":"gossip","msg_id":5,"message":-0,"hops":4294967295,"gossiper":1}}"#,
    r#"{"src":"n3","dest":"n1","body":{"type":"gossip_sync","msg_id":6,"messages":[1,[2],"3",null]}}"#,
    r#"{"src":"n2","dest":"n1","body":{"type":"broadcast_ack","in_reply_to":1,"msg_id":7,"gossiper":1}}"#,
    r#"{"src":"n2","dest":"n1","body":{"type":"gossip_summary","msg_id":8,"summary":"00000000000000ff","count":3,"gossiper":1}}"#,
    r#"{"src":"n2","dest":"n1","body":{"type":"gossip_digest","msg_id":9,"streams":[["n2",1,4,[[6,9],[18446744073709551615,18446744073709551615]]]],"answer":true,"gossiper":1}}"#,
    r#"{"src":"n2","dest":"n1","body":{"type":"gossip_delta","msg_id":10,"rumors":[["n9",1,4294967296,2,"x"],["n2",1,1,0,7]],"gossiper":1}}"#,
    r#"{"src":"c1","dest":"n1","body":{"type":"digest_sync","msg_id":11,"remote_digest":"x","remote_messages":[8,9]}}"#,
    r#"{"src":"c1","dest":"n1","body":{"type":"configure","msg_id":12,"fanout":18446744073709551615,"gossip_interval_ms":18446744073709551615}}"#,
    r#"{"src":"c1","dest":"n1","body":{"type":"calc_fanout","msg_id":13,"nodes":1000,"target_prob":0.99,"rounds":3}}"#,
    r#"{"src":"c1","dest":"n1","body":{"type":"simulate_gossip","msg_id":14,"nodes":20,"fanout":2,"rounds":3,"trials":2}}"#,
    r#"{"src":"c1","dest":"n1","body":{"type":"partition","msg_id":15,"blocked":["n2","c1"]}}"#,
    r#"{"src":"c1","dest":"n1","body":{"type":"heal","msg_id":16}}"#,
    r#"{"src":"c1","dest":"n1","body":{"type":"delivery_info","msg_id":17,"value":42}}"#,
    r#"{"src":"c1","dest":"n1","body":{"type":"gossip_round","msg_id":18}}"#,
    r#"{"src":"c1","dest":"n1","body":{"type":"check_acks","msg_id":19}}"#,
    r#"{"src":"n2","dest":"n1","body":{"type":"error","code":10,"text":"","in_reply_to":3}}"#,
    r#"{"src":"c1","dest":"n1","body":{"type":"read","msg_id":-9223372036854775808}}"#,
];

/// A line with some of its bytes changed, dropped, doubled, or swapped for pieces of others.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let edit = (any::<Index>(), 0_u8..5, select(&b"{}[]\",:0e-.\\u\x00\xff "[..]), select(LINES));
    (select(LINES), vec(edit, 0..6)).prop_map(|(line, edits)| {
        let mut bytes = line.as_bytes().to_vec();
        for (place, kind, byte, other) in edits {
            let at = place.index(bytes.len().max(1)).min(bytes.len().saturating_sub(1));
            match kind {
                0 if !bytes.is_empty() => bytes[at] = byte,
                1 if !bytes.is_empty() => drop(bytes.drain(at..=at)),
                2 => bytes.insert(at, byte),
                3 => bytes.truncate(at),
                _ => {
                    let piece = &other.as_bytes()[place.index(other.len())..];
                    bytes.splice(at..at, piece.iter().copied().take(12));
                }
            }
        }
        bytes
    })
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => select(LINES).prop_map(|line| line.as_bytes().to_vec()),
        6 => mutated(),
        1 => vec(any::<u8>(), 0..80),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_next_good_line_is_answered(lines in vec((line(), 0_u64..700), 0..40)) {
        let mut session = Session::new(Settings::default());
        let (mut out, mut now) = (Vec::new(), Instant::START);
        session.on_line(now, LINES[0].as_bytes(), &mut out);
        for (line, wait_ms) in lines {
            now = now + Duration::from_millis(wait_ms);
            session.on_line(now, &line, &mut out);
            session.on_wakeup(now, &mut out);
        }
        let printed = out.split_inclusive(|&byte| byte == b'\n');
        for line in printed {
            let envelope = Envelope::decode(line);
            prop_assert!(envelope.is_ok(), "{}", String::from_utf8_lossy(line));
        }
        out.clear();
        // A client whom no partition can have cut off.
        let good = br#"{"src":"c9","dest":"n1","body":{"type":"read","msg_id":77}}"#;
        session.on_line(now, good, &mut out);
        let envelope = Envelope::decode(&out).unwrap();
        prop_assert_eq!(envelope.in_reply_to, Some(77));
        let is_read_ok = matches!(envelope.body(), Ok(Body::ReadOk { .. }));
        prop_assert!(is_read_ok);
    }
}
