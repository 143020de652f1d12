//! The yardstick in Rust: a node that is one loop of typed `serde_json` and a `HashSet`.
//!
//! It has no peers, no timers and no care for bad input, and it takes nothing but unsigned integers
//! for values. Within that it holds nothing back that a simple loop can have: requests borrow from
//! the line, replies are derived structs and not trees of values, and stdout is flushed only when
//! the next read may block. The flush is what keeps it honest: a client that waits for each reply
//! before it sends the next request gets that reply at once.

use std::collections::HashSet;
use std::io::{self, BufRead, BufReader, BufWriter, Write};

use serde::{Deserialize, Serialize};

/// Bytes in each of the two buffers: what a pipe holds on Linux.
const BUFFER: usize = 64 * 1024;

#[derive(Deserialize)]
struct Request<'a> {
    src: &'a str,
    dest: &'a str,
    #[serde(borrow)]
    body: RequestBody<'a>,
}

#[derive(Deserialize)]
struct RequestBody<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    msg_id: u64,
    message: Option<u64>,
}

#[derive(Serialize)]
struct Reply<'a> {
    src: &'a str,
    dest: &'a str,
    body: ReplyBody<'a>,
}

#[derive(Serialize)]
struct ReplyBody<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<&'a HashSet<u64>>,
    in_reply_to: u64,
    msg_id: u64,
}

/// Answers stdin on stdout until the input ends.
pub(crate) fn run() -> io::Result<()> {
    let mut input = BufReader::with_capacity(BUFFER, io::stdin().lock());
    let mut output = BufWriter::with_capacity(BUFFER, io::stdout().lock());
    let mut values = HashSet::new();
    let mut line = String::new();
    let mut next_msg_id = 0;
    while input.read_line(&mut line)? > 0 {
        let request: Request<'_> = serde_json::from_str(&line)?;
        serde_json::to_writer(&mut output, &answer(&request, &mut values, next_msg_id)?)?;
        output.write_all(b"\n")?;
        if input.buffer().is_empty() {
            output.flush()?;
        }
        next_msg_id += 1;
        line.clear();
    }
    output.flush()
}

fn answer<'a>(
    request: &Request<'a>,
    values: &'a mut HashSet<u64>,
    msg_id: u64,
) -> io::Result<Reply<'a>> {
    let body = &request.body;
    let (kind, messages) = match (body.kind, body.message) {
        ("init", _) => ("init_ok", None),
        ("broadcast", Some(value)) => {
            values.insert(value);
            ("broadcast_ok", None)
        }
        ("read", _) => ("read_ok", Some(&*values)),
        (kind, _) => return Err(io::Error::other(format!("cannot answer {kind:?}"))),
    };
    let body = ReplyBody { kind, messages, in_reply_to: body.msg_id, msg_id };
    Ok(Reply { src: request.dest, dest: request.src, body })
}
