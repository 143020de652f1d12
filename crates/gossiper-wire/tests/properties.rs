//! What holds for every value and every line.

use gossiper_wire::{Body, Envelope, List, Value, encode};
use proptest::prelude::*;
use proptest::sample::Index;

/// A value as a tree, apart from how it is written. Strings are UTF-16, lone surrogates and all.
#[derive(Debug, Clone)]
enum Tree {
    Word(&'static str),
    Number(String),
    Text(Vec<u16>),
    Array(Vec<Tree>),
    Object(Vec<(Vec<u16>, Tree)>),
}

fn text() -> impl Strategy<Value = Vec<u16>> {
    let unit = prop_oneof![
        6 => 0x20u16..0x7f,
        1 => 0u16..0x20,
        1 => prop::sample::select(vec![0x22, 0x5c, 0x2f, 0x7f, 0xe9, 0x2028, 0xfffd, 0xffff]),
        1 => 0xd800u16..0xe000,
    ];
    prop::collection::vec(unit, 0..8)
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        prop::sample::select(vec!["null", "true", "false"]).prop_map(Tree::Word),
        "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,4})?([eE][+-]?[0-9]{1,3})?".prop_map(Tree::Number),
        text().prop_map(Tree::Text),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let member = (text(), inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..5).prop_map(Tree::Array),
            prop::collection::vec(member, 0..5).prop_map(|mut members| {
                // Equal keys keep their order, so only different ones may be shuffled.
                members.sort_by(|a, b| a.0.cmp(&b.0));
                members.dedup_by(|a, b| a.0 == b.0);
                Tree::Object(members)
            }),
        ]
    })
}

/// Choices of spelling, drawn from a list that is repeated as long as needed.
struct Pen<'c> {
    choices: std::iter::Cycle<std::slice::Iter<'c, u8>>,
    out: String,
}

impl<'c> Pen<'c> {
    fn write(tree: &Tree, choices: &'c [u8]) -> String {
        let mut pen = Pen { choices: choices.iter().cycle(), out: String::new() };
        pen.tree(tree);
        pen.out
    }

    fn choose(&mut self, n: u8) -> u8 {
        self.choices.next().unwrap_or(&0) % n
    }

    fn space(&mut self) {
        let space = ["", "", " ", "\t", "\r ", "  "][usize::from(self.choose(6))];
        self.out.push_str(space);
    }

    fn mark(&mut self, mark: char) {
        self.space();
        self.out.push(mark);
        self.space();
    }

    fn tree(&mut self, tree: &Tree) {
        match tree {
            Tree::Word(word) => self.out.push_str(word),
            Tree::Number(digits) => self.out.push_str(digits),
            Tree::Text(units) => self.text(units),
            Tree::Array(elements) => {
                self.out.push('[');
                self.space();
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        self.mark(',');
                    }
                    self.tree(element);
                }
                self.space();
                self.out.push(']');
            }
            Tree::Object(members) => {
                let mut members: Vec<_> = members.iter().collect();
                let turn = usize::from(self.choose(5)) % members.len().max(1);
                members.rotate_left(turn);
                self.out.push('{');
                self.space();
                for (index, (key, value)) in members.into_iter().enumerate() {
                    if index > 0 {
                        self.mark(',');
                    }
                    self.text(key);
                    self.mark(':');
                    self.tree(value);
                }
                self.space();
                self.out.push('}');
            }
        }
    }

    fn text(&mut self, units: &[u16]) {
        self.out.push('"');
        for decoded in char::decode_utf16(units.iter().copied()) {
            match decoded {
                Ok(char) => self.char(char),
                Err(lone) => self.unit(lone.unpaired_surrogate()),
            }
        }
        self.out.push('"');
    }

    fn char(&mut self, char: char) {
        let short = match char {
            '"' => Some("\\\""),
            '\\' => Some("\\\\"),
            '/' => Some("\\/"),
            '\u{8}' => Some("\\b"),
            '\u{c}' => Some("\\f"),
            '\n' => Some("\\n"),
            '\r' => Some("\\r"),
            '\t' => Some("\\t"),
            _ => None,
        };
        let may_be_raw = char >= ' ' && char != '"' && char != '\\';
        match (self.choose(3), short) {
            (0 | 1, _) if may_be_raw => self.out.push(char),
            (0 | 1, Some(short)) => self.out.push_str(short),
            _ => char.encode_utf16(&mut [0; 2]).iter().for_each(|unit| self.unit(*unit)),
        }
    }

    fn unit(&mut self, unit: u16) {
        let escape =
            if self.choose(2) == 0 { format!("\\u{unit:04x}") } else { format!("\\u{unit:04X}") };
        self.out.push_str(&escape);
    }
}

fn choices() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 1..64)
}

/// Text that looks like JSON but often is not.
fn json_like() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        " ",
        "\t",
        "\"",
        "\"a\"",
        "\"\\u00",
        "41\"",
        "\\",
        "\\n",
        "0",
        "1",
        "-",
        ".",
        "e",
        "+",
        "true",
        "nul",
        "null",
        "\"body\":",
        "\u{1}",
        "é",
        "x",
    ]);
    prop::collection::vec(token, 0..12).prop_map(|tokens| tokens.concat())
}

/// Lines that a node might meet.
const LINES: [&str; 9] = [
    r#"{"src":"c1","dest":"n1","body":{"type":"broadcast","msg_id":2,"message":{"b":[1],"a":"\n"}}}"#,
    r#"{"src":"c1","dest":"n1","body":{"type":"topology","msg_id":2,"topology":{"n1":["n2"]}}}"#,
    r#"{"src":"n2","dest":"n1","body":{"type":"gossip_sync","msg_id":3,"messages":[10,"\ud800",{}]}}"#,
    r#"{"src":"n2","dest":"n1","body":{"type":"gossip_digest","streams":[["n1",17,40,[[42,45]]]],"answer":true}}"#,
    r#"{"src":"n2","dest":"n1","body":{"type":"gossip_delta","rumors":[["n1",17,3,0,"x"]]}}"#,
    r#"{"src":"n2","dest":"n1","body":{"type":"gossip_push","rumors":[[null,0,0,0,1]],"number":3,"floor":2,"incarnation":9,"acked":[4,7,[[9,9]]],"summary":"00000000000000ab","count":1,"uplink":"n1","asks":true,"streams":[]}}"#,
    r#"{"src":"n2","dest":"n1","body":{"type":"gossip_link","rumors":[["n1",17,3,0,1]],"number":3,"floor":2,"incarnation":9,"acked":[4,7,[[9,9]]],"beacon":["n1",2,3,4,true],"turn":"prune","asks":true,"have":[["n1",17,5,2]],"wants":[["n1",17,6]]}}"#,
    r#"{"src":"n2","dest":"n1","body":{"type":"gossip_view","says":"shuffle","node":"n3","ttl":6,"nodes":["n3","n4"]}}"#,
    r#"{"src":"c1","dest":"n1","body":{"type":"calc_fanout","nodes":9,"target_prob":0.9,"rounds":3}}"#,
];

/// Reads a line as far as it goes, and prints again what was understood.
fn exercise(line: &[u8]) {
    let Ok(envelope) = Envelope::decode(line) else {
        return;
    };
    let Ok(body) = envelope.body() else { return };
    if let Body::GossipSync { messages } = &body {
        let _ = messages.values();
    }
    let mut out = Vec::new();
    let (src, dest) = (&envelope.src, &envelope.dest);
    encode(&mut out, src, dest, &body, envelope.in_reply_to, envelope.msg_id, envelope.dialect);
    let again = Envelope::decode(&out).unwrap();
    assert_eq!((&again.src, &again.dest), (src, dest));
    assert_eq!((again.msg_id, again.in_reply_to), (envelope.msg_id, envelope.in_reply_to));
    assert_eq!(again.dialect, envelope.dialect);
    assert_eq!(again.body(), Ok(body));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn values_survive_verbatim(tree in tree(), choices in choices()) {
        let text = Pen::write(&tree, &choices);
        let message = Value::parse(&text).unwrap();
        prop_assert_eq!(message.text(), &text);
        let mut out = Vec::new();
        let body = Body::Broadcast { message, hops: None, id: None };
        encode(&mut out, "c1", "n1", &body, None, Some(1), None);
        let envelope = Envelope::decode(&out).unwrap();
        let Ok(Body::Broadcast { message, .. }) = envelope.body() else { panic!() };
        prop_assert_eq!(message.text(), &text);
    }

    #[test]
    fn lists_survive_verbatim(trees in prop::collection::vec(tree(), 0..6), choices in choices()) {
        let texts: Vec<_> = trees.iter().map(|tree| Pen::write(tree, &choices)).collect();
        let items = texts.join(", ");
        let mut out = Vec::new();
        let body = Body::ReadOk { messages: List::from_items(&items) };
        encode(&mut out, "n1", "c1", &body, Some(1), Some(1), None);
        let envelope = Envelope::decode(&out).unwrap();
        let Ok(Body::ReadOk { messages }) = envelope.body() else { panic!() };
        prop_assert_eq!(messages.items(), &items);
        let values = messages.values().unwrap();
        let values: Vec<_> = values.iter().map(Value::text).collect();
        prop_assert_eq!(values, texts);
    }

    #[test]
    fn canonical_text_is_its_own_canonical_text(tree in tree(), choices in choices()) {
        let text = Pen::write(&tree, &choices);
        let value = Value::parse(&text).unwrap();
        let canonical = Value::parse(value.key()).unwrap();
        prop_assert_eq!(canonical.key(), value.key());
    }

    #[test]
    fn spellings_of_one_value_have_one_key(tree in tree(), one in choices(), other in choices()) {
        let (one, other) = (Pen::write(&tree, &one), Pen::write(&tree, &other));
        prop_assert_eq!(Value::parse(&one).unwrap(), Value::parse(&other).unwrap());
    }

    #[test]
    fn values_with_one_key_are_one_value_to_serde_json(tree in tree(), choices in choices()) {
        let text = Pen::write(&tree, &choices);
        let value = Value::parse(&text).unwrap();
        // serde_json refuses lone surrogates and numbers beyond f64; those are not compared.
        if let Ok(expected) = serde_json::from_str::<serde_json::Value>(&text) {
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(value.key()).unwrap(), expected);
        }
    }

    #[test]
    fn what_is_json_is_what_serde_json_takes(text in json_like()) {
        let expected = serde_json::from_str::<&serde_json::value::RawValue>(&text);
        prop_assert_eq!(Value::parse(&text).is_ok(), expected.is_ok(), "{}", text);
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        exercise(&bytes);
    }

    #[test]
    fn random_json_never_panics(tree in tree(), choices in choices(), field in 0..6usize) {
        let value = Pen::write(&tree, &choices);
        let field = ["message", "topology", "messages", "streams", "rumors", "nodes"][field];
        for line in LINES {
            exercise(line.replace("\"msg_id\":2", &format!("\"{field}\":{value}")).as_bytes());
            exercise(line.replace("}}", &format!(",\"{field}\":{value}}}}}")).as_bytes());
        }
        exercise(value.as_bytes());
    }

    #[test]
    fn mutated_lines_never_panic(
        line in prop::sample::select(&LINES[..]),
        mutations in prop::collection::vec((any::<Index>(), any::<u8>(), 0..4u8), 1..6),
    ) {
        let mut line = line.as_bytes().to_vec();
        for (place, byte, how) in mutations {
            let place = place.index(line.len());
            match how {
                0 => line[place] = byte,
                1 => line[place] = b"{}[],:\"\\0-"[usize::from(byte) % 10],
                2 => line.insert(place, b"{}[],:\"\\0-"[usize::from(byte) % 10]),
                _ => _ = line.remove(place),
            }
            exercise(&line);
        }
    }
}
