//! The bytes of what two nodes tell each other of what they hold do not grow with the number of
//! values.

use std::fmt::Write as _;
use std::time::Duration;

use gossiper_maelstrom::{Instant, Session, Settings};

const ORIGINS: u64 = 3;

struct Host {
    session: Session,
    now: Instant,
}

impl Host {
    /// A node of four, whose peers speak the dialect, that knows `each` values of each peer.
    fn knowing(each: u64) -> Self {
        let mut host = Self { session: Session::new(Settings::default()), now: Instant::START };
        host.give(r#"{"src":"c1","dest":"n0","body":{"type":"init","msg_id":1,"node_id":"n0","node_ids":["n0","n1","n2","n3"]}}"#);
        for origin in 1..=ORIGINS {
            for first in (1..=each).step_by(8_000) {
                let rumors =
                    (first..=each).take(8_000).fold(String::new(), |mut text, sequence| {
                        let comma = if text.is_empty() { "" } else { "," };
                        let value = sequence * ORIGINS + origin;
                        let rumor = format_args!(r#"{comma}["n{origin}",7,{sequence},1,{value}]"#);
                        text.write_fmt(rumor).expect("a string takes it");
                        text
                    });
                host.give(&format!(
                    r#"{{"src":"n{origin}","dest":"n0","body":{{"type":"gossip_delta","rumors":[{rumors}],"gossiper":1}}}}"#
                ));
            }
        }
        host
    }

    fn give(&mut self, line: &str) -> String {
        let mut out = Vec::new();
        self.session.on_line(self.now, line.as_bytes(), &mut out);
        String::from_utf8(out).expect("lines are text")
    }

    /// What a timed round says, and the digest that one who holds something else is answered with.
    fn round_and_digest(&mut self) -> [String; 2] {
        self.now = self.now + Duration::from_secs(60);
        let mut out = Vec::new();
        self.session.on_wakeup(self.now, &mut out);
        let summary = r#"{"src":"n1","dest":"n0","body":{"type":"gossip_summary","summary":"00000000000000ff","count":0,"gossiper":1}}"#;
        [String::from_utf8(out).expect("lines are text"), self.give(summary)]
    }
}

#[test]
fn a_round_and_a_digest_take_the_same_bytes_with_a_million_values() {
    let (few, many) = (334, 333_334);
    let [few, many] = [few, many].map(|each| Host::knowing(each).round_and_digest());
    for (place, kind) in ["gossip_summary", "gossip_digest"].into_iter().enumerate() {
        assert!(few[place].contains(kind) && many[place].contains(kind), "{few:?}, {many:?}");
        // Numbers a thousand times as large have three digits more: one for each origin, or one of
        // all in each of two summaries; and the message's own number may have another length.
        let most = few[place].len() + ORIGINS as usize * 3 + 2;
        assert!(many[place].len() <= most, "{} and {}", few[place], many[place]);
    }
}
