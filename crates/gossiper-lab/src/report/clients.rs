//! What clients asked and nodes answered, as marks for the diagram.

use serde::{Deserialize, Serialize};

use super::messages::{Message, OTHER_TYPES, Places, cut_name};

/// Marks in the page.
const MARKS_MAX: usize = 10_000;

/// What sets nodes up, before any client asks for anything.
const SET_UP: [&str; 4] = ["init", "init_ok", "topology", "topology_ok"];

/// Types that are told apart.
const TYPES_MAX: usize = 20;

/// Messages between clients and nodes, in columns and in the order of their file. Each is a
/// moment: clients are as near as can be.
#[derive(Serialize, Default)]
pub(super) struct ClientMarks {
    /// Messages in the stretches that are shown; those beyond [`MARKS_MAX`] are not here.
    in_stretches: u64,
    /// When a request reached its node, or when an answer left it.
    at_us: Vec<i64>,
    node: Vec<u32>,
    /// 1 for an answer, 0 for a request.
    is_answer: Vec<u8>,
    /// Places in `types`.
    r#type: Vec<u32>,
    /// What a broadcast is to spread.
    value: Vec<Option<i64>>,
    types: Vec<String>,
}

/// The body of a broadcast.
#[derive(Deserialize)]
struct Broadcast {
    message: Option<i64>,
}

impl ClientMarks {
    /// Takes a message in, unless it is between nodes or sets them up.
    pub(super) fn add(&mut self, message: &Message<'_>, places: &Places<'_>) {
        let Some((node, is_answer)) = places.with_client(message) else {
            return;
        };
        if SET_UP.contains(&&*message.r#type) {
            return;
        }
        self.in_stretches += 1;
        if self.at_us.len() == MARKS_MAX {
            return;
        }
        let at_ms = match is_answer {
            true => message.sent_ms,
            false => message.ended_ms.unwrap_or(message.sent_ms),
        };
        let value = message.body.filter(|_| message.r#type == "broadcast").and_then(|body| {
            serde_json::from_str::<Broadcast>(body.get()).ok().and_then(|body| body.message)
        });
        let of_type = self.type_place(&message.r#type);
        self.r#type.push(of_type);
        self.at_us.push((at_ms * 1000.0).round() as i64);
        self.node.push(node);
        self.is_answer.push(u8::from(is_answer));
        self.value.push(value);
    }

    fn type_place(&mut self, name: &str) -> u32 {
        let name = cut_name(name);
        let known = self.types.iter().position(|known| *known == name);
        let place = known.unwrap_or_else(|| match self.types.len() < TYPES_MAX {
            true => {
                self.types.push(name);
                self.types.len() - 1
            }
            false => {
                if self.types.len() == TYPES_MAX {
                    self.types.push(OTHER_TYPES.into());
                }
                TYPES_MAX
            }
        });
        place as u32
    }
}
