//! The requests, made in memory before any clock starts, and the proof that they were carried out.
//!
//! The values are 0, 1, 2, ..., as Maelstrom's own broadcast workload counts them.

use std::fmt::Write;

use serde::Deserialize;

use crate::Failure;

/// The `msg_id` of `init`. The broadcast of the value V has V + 1.
pub(crate) const INIT_ID: u64 = 0;

pub(crate) fn init() -> Vec<u8> {
    request("init", INIT_ID, r#""node_id": "n1", "node_ids": ["n1"], "#)
}

/// A request without fields of its own.
pub(crate) fn plain(kind: &str, msg_id: u64) -> Vec<u8> {
    request(kind, msg_id, "")
}

pub(crate) fn broadcast(value: u64) -> Vec<u8> {
    request("broadcast", value + 1, &format!(r#""message": {value}, "#))
}

/// The broadcasts of 0 to `count - 1`, one a line.
pub(crate) fn broadcasts(count: u64) -> Vec<u8> {
    let mut text = String::new();
    for value in 0..count {
        let fields = format!(r#""message": {value}, "#);
        push_request(&mut text, "broadcast", value + 1, &fields);
    }
    text.into_bytes()
}

/// The `msg_id` of the first request after `count` broadcasts.
pub(crate) fn next_id(count: u64) -> u64 {
    count + 1
}

fn request(kind: &str, msg_id: u64, fields: &str) -> Vec<u8> {
    let mut text = String::new();
    push_request(&mut text, kind, msg_id, fields);
    text.into_bytes()
}

fn push_request(text: &mut String, kind: &str, msg_id: u64, fields: &str) {
    writeln!(
        text,
        r#"{{"src": "c1", "dest": "n1", "body": {{"type": "{kind}", {fields}"msg_id": {msg_id}}}}}"#
    )
    .expect("a string takes all that is written to it");
}

#[derive(Deserialize)]
struct Reply<'a> {
    src: &'a str,
    dest: &'a str,
    #[serde(borrow)]
    body: Body<'a>,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    in_reply_to: u64,
    messages: Option<Vec<u64>>,
    total: Option<u64>,
}

/// Checks who answers whom, with what, and to which request.
pub(crate) fn check_reply(line: &[u8], kind: &str, in_reply_to: u64) -> Result<(), Failure> {
    parse(line, kind, in_reply_to).map(drop)
}

/// Checks that a `read_ok` lists each of 0 to `count - 1` once, in whatever order.
pub(crate) fn check_read(line: &[u8], in_reply_to: u64, count: u64) -> Result<(), Failure> {
    let mut messages = parse(line, "read_ok", in_reply_to)?.messages.unwrap_or_default();
    messages.sort_unstable();
    if messages.iter().copied().eq(0..count) {
        return Ok(());
    }
    Err(format!("a read after {count} broadcasts lists {} other values", messages.len()).into())
}

/// Checks that a `hybrid_stats_ok` counts `count` values.
pub(crate) fn check_total(line: &[u8], in_reply_to: u64, count: u64) -> Result<(), Failure> {
    match parse(line, "hybrid_stats_ok", in_reply_to)?.total {
        Some(total) if total == count => Ok(()),
        total => Err(format!("after {count} broadcasts the total is {total:?}").into()),
    }
}

fn parse<'a>(line: &'a [u8], kind: &str, in_reply_to: u64) -> Result<Body<'a>, Failure> {
    let wrong = |why: &str| -> Failure {
        let start = String::from_utf8_lossy(&line[..line.len().min(200)]);
        format!("expected {kind} to request {in_reply_to}, got {start:?}{why}").into()
    };
    let reply: Reply<'_> =
        serde_json::from_slice(line).map_err(|error| wrong(&format!(" ({error})")))?;
    let is_addressed = reply.src == "n1" && reply.dest == "c1";
    if is_addressed && reply.body.kind == kind && reply.body.in_reply_to == in_reply_to {
        Ok(reply.body)
    } else {
        Err(wrong(""))
    }
}
