//! From a field's text to its type.
//!
//! The text is JSON for sure; what is left is whether it is what the field's name promises. None of
//! the types nests without a bound, and none of the readers recurses but for a value's canonical
//! text, which has its own bound.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde_json::value::RawValue;

use crate::body::Via;
use crate::dialect::{Acked, Beacon, Held, Rumor, RumorId, Stream, Turn, View};
use crate::float::Quotient;
use crate::json::{self, Name};
use crate::list::List;
use crate::value::Value;

/// A type that a field can have.
pub(crate) trait Typed<'a>: Sized {
    /// What to ask for where it did not come.
    const EXPECTED: &'static str;

    /// Reads the text of one JSON value.
    fn read(text: &'a str) -> Option<Self>;
}

impl<'a> Typed<'a> for u64 {
    const EXPECTED: &'static str = "an integer from 0 to 18446744073709551615";

    #[inline]
    fn read(text: &'a str) -> Option<Self> {
        match text {
            "-0" => Some(0),
            _ => text.parse().ok(),
        }
    }
}

impl<'a> Typed<'a> for u32 {
    const EXPECTED: &'static str = "an integer from 0 to 4294967295";

    #[inline]
    fn read(text: &'a str) -> Option<Self> {
        u64::read(text)?.try_into().ok()
    }
}

impl<'a> Typed<'a> for u8 {
    const EXPECTED: &'static str = "an integer from 0 to 255";

    fn read(text: &'a str) -> Option<Self> {
        u64::read(text)?.try_into().ok()
    }
}

/// How many peers: at least one, and all for any integer that is too large.
pub(crate) struct Fanout(pub(crate) u64);

impl<'a> Typed<'a> for Fanout {
    const EXPECTED: &'static str = "an integer of at least 1";

    fn read(text: &'a str) -> Option<Self> {
        if text.bytes().all(|byte| byte.is_ascii_digit()) && text.len() > 19 {
            return Some(Fanout(text.parse().unwrap_or(u64::MAX)));
        }
        u64::read(text).filter(|fanout| *fanout >= 1).map(Fanout)
    }
}

/// A time that passes.
pub(crate) struct Milliseconds(pub(crate) u64);

impl<'a> Typed<'a> for Milliseconds {
    const EXPECTED: &'static str = "an integer from 1 to 18446744073709551615";

    fn read(text: &'a str) -> Option<Self> {
        u64::read(text).filter(|milliseconds| *milliseconds >= 1).map(Milliseconds)
    }
}

impl<'a> Typed<'a> for f64 {
    const EXPECTED: &'static str = "a number";

    fn read(text: &'a str) -> Option<Self> {
        // Rust also reads `inf`, `nan` and `+1`, but those are not JSON.
        text.parse().ok().filter(|x: &f64| x.is_finite())
    }
}

impl<'a> Typed<'a> for Quotient {
    const EXPECTED: &'static str = "a quotient of two counts";

    fn read(text: &'a str) -> Option<Self> {
        match text {
            "0" => Some(Quotient { numerator: 0, denominator: 0 }),
            _ => Quotient::from_value(f64::read(text)?),
        }
    }
}

impl<'a> Typed<'a> for bool {
    const EXPECTED: &'static str = "true or false";

    fn read(text: &'a str) -> Option<Self> {
        text.parse().ok()
    }
}

impl<'a> Typed<'a> for Cow<'a, str> {
    const EXPECTED: &'static str = "a string";

    fn read(text: &'a str) -> Option<Self> {
        json::string(text)
    }
}

impl<'a> Typed<'a> for Vec<Cow<'a, str>> {
    const EXPECTED: &'static str = "a list of strings";

    fn read(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok().map(strings)
    }
}

fn strings(names: Vec<Name<'_>>) -> Vec<Cow<'_, str>> {
    names.into_iter().map(|Name(name)| name).collect()
}

impl<'a> Typed<'a> for Vec<(Cow<'a, str>, Vec<Cow<'a, str>>)> {
    const EXPECTED: &'static str = "an object of lists of strings";

    fn read(text: &'a str) -> Option<Self> {
        let mut topology: Self = Vec::new();
        let mut places = HashMap::new();
        let mut are_names = true;
        let read = json::members(text, |key, neighbors| match json::string(key) {
            Some(node) => match places.entry(node.clone()) {
                Entry::Occupied(place) => {
                    let place: usize = *place.get();
                    topology[place].1 = strings(neighbors);
                }
                Entry::Vacant(place) => {
                    place.insert(topology.len());
                    topology.push((node, strings(neighbors)));
                }
            },
            None => are_names = false,
        });
        (read.is_ok() && are_names).then_some(topology)
    }
}

impl<'a> Typed<'a> for Value<'a> {
    const EXPECTED: &'static str = "a value nested at most 127 deep";

    #[inline]
    fn read(text: &'a str) -> Option<Self> {
        Value::from_raw(text).ok()
    }
}

impl<'a> Typed<'a> for List<'a> {
    const EXPECTED: &'static str = "a list";

    fn read(text: &'a str) -> Option<Self> {
        List::from_raw(text)
    }
}

impl<'a> Typed<'a> for Via {
    const EXPECTED: &'static str = "\"tree\" or \"gossip\"";

    fn read(text: &'a str) -> Option<Self> {
        let word = json::string(text)?;
        [Via::Tree, Via::Gossip].into_iter().find(|via| via.as_str() == word)
    }
}

/// A hash, as 16 digits in a string: Maelstrom's integers are not safe beyond 53 bits.
pub(crate) struct Summary(pub(crate) u64);

impl<'a> Typed<'a> for Summary {
    const EXPECTED: &'static str = "a string of 16 lower-case hexadecimal digits";

    fn read(text: &'a str) -> Option<Self> {
        let digits = json::string(text)?;
        let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if digits.len() != 16 || !digits.bytes().all(is_digit) {
            return None;
        }
        u64::from_str_radix(&digits, 16).ok().map(Summary)
    }
}

impl<'a> Typed<'a> for RumorId<'a> {
    const EXPECTED: &'static str = "[origin, incarnation, sequence]";

    fn read(text: &'a str) -> Option<Self> {
        let (Name(origin), incarnation, sequence) = serde_json::from_str(text).ok()?;
        Some(RumorId { origin, incarnation, sequence })
    }
}

impl<'a> Typed<'a> for Vec<RumorId<'a>> {
    const EXPECTED: &'static str = "a list of [origin, incarnation, sequence]";

    fn read(text: &'a str) -> Option<Self> {
        let ids: Vec<(Name<'_>, u64, u64)> = serde_json::from_str(text).ok()?;
        let id = |(Name(origin), incarnation, sequence)| RumorId { origin, incarnation, sequence };
        Some(ids.into_iter().map(id).collect())
    }
}

impl<'a> Typed<'a> for Vec<Held<'a>> {
    const EXPECTED: &'static str = "a list of [origin, incarnation, sequence, hops]";

    fn read(text: &'a str) -> Option<Self> {
        let held: Vec<(Name<'_>, u64, u64, u32)> = serde_json::from_str(text).ok()?;
        let each = |(Name(origin), incarnation, sequence, hops)| Held {
            id: RumorId { origin, incarnation, sequence },
            hops,
        };
        Some(held.into_iter().map(each).collect())
    }
}

impl<'a> Typed<'a> for Beacon<'a> {
    const EXPECTED: &'static str = "[root, incarnation, sequence, hops, is_uplink]";

    fn read(text: &'a str) -> Option<Self> {
        let (Name(root), since, sequence, hops, is_uplink) = serde_json::from_str(text).ok()?;
        Some(Beacon { root, since, sequence, hops, is_uplink })
    }
}

impl<'a> Typed<'a> for Turn {
    const EXPECTED: &'static str = "\"graft\" or \"prune\"";

    fn read(text: &'a str) -> Option<Self> {
        let word = json::string(text)?;
        Turn::ALL.iter().copied().find(|turn| turn.as_str() == word)
    }
}

impl<'a> Typed<'a> for View {
    const EXPECTED: &'static str = "a word about neighbors";

    fn read(text: &'a str) -> Option<Self> {
        let word = json::string(text)?;
        View::ALL.iter().copied().find(|says| says.as_str() == word)
    }
}

impl<'a> Typed<'a> for Vec<Stream<'a>> {
    const EXPECTED: &'static str = "a list of [origin, incarnation, upto, [[first, last], ...]]";

    fn read(text: &'a str) -> Option<Self> {
        type Parts<'a> = (Name<'a>, u64, u64, Vec<(u64, u64)>);
        let streams: Vec<Parts<'_>> = serde_json::from_str(text).ok()?;
        let stream = |(Name(origin), incarnation, upto, beyond): Parts<'a>| {
            let are_ranges = beyond.iter().all(|(first, last)| first <= last);
            are_ranges.then_some(Stream { origin, incarnation, upto, beyond })
        };
        streams.into_iter().map(stream).collect()
    }
}

impl<'a> Typed<'a> for Acked {
    const EXPECTED: &'static str = "[incarnation, upto, [[first, last], ...]]";

    fn read(text: &'a str) -> Option<Self> {
        let (incarnation, upto, beyond): (u64, u64, Vec<(u64, u64)>) =
            serde_json::from_str(text).ok()?;
        let are_ranges = beyond.iter().all(|(first, last)| first <= last);
        are_ranges.then_some(Acked { incarnation, upto, beyond })
    }
}

impl<'a> Typed<'a> for Vec<Rumor<'a>> {
    const EXPECTED: &'static str = "a list of [origin or null, incarnation, sequence, hops, value]";

    fn read(text: &'a str) -> Option<Self> {
        type Parts<'a> = (Option<Name<'a>>, u64, u64, u32, &'a RawValue);
        let rumors: Vec<Parts<'_>> = serde_json::from_str(text).ok()?;
        let rumor = |(origin, incarnation, sequence, hops, message): Parts<'a>| {
            let id = origin.map(|Name(origin)| RumorId { origin, incarnation, sequence });
            Some(Rumor { id, hops, message: Value::read(message.get())? })
        };
        rumors.into_iter().map(rumor).collect()
    }
}
