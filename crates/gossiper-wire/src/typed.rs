//! From a field's text to its type.
//!
//! The text has been scanned, so that its grammar is right; what is left is whether it is what
//! the field's name promises. None of the types nests without a bound, and none of the readers
//! recurses but for a value's canonical text, which has its own bound.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::body::Via;
use crate::dialect::{Rumor, RumorId, Stream};
use crate::float::Quotient;
use crate::list::List;
use crate::quoted::Quoted;
use crate::scan::{Fault, Scanner};
use crate::value::Value;

/// A type that a field can have.
pub(crate) trait Typed<'a>: Sized {
    /// What to ask for where it did not come.
    const EXPECTED: &'static str;

    /// Reads the text of one JSON value.
    fn read(text: &'a str) -> Option<Self>;
}

/// The element is not what it should be. The whole field is then at fault.
struct Mismatch;

impl From<Fault> for Mismatch {
    fn from(_: Fault) -> Self {
        Mismatch
    }
}

/// The string that is all of `text`.
#[inline]
pub(crate) fn whole_string(text: &str) -> Option<Cow<'_, str>> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    Quoted::new(inner, inner.as_bytes().contains(&b'\\')).to_str()
}

/// Reads an array. Grows with what is there and never makes room in advance.
fn array<'a, T>(text: &'a str, mut element: impl FnMut(&'a str) -> Option<T>) -> Option<Vec<T>> {
    let mut elements = Vec::new();
    let read = Scanner::new(text).array(|scanner| {
        elements.push(element(scanner.value()?).ok_or(Mismatch)?);
        Ok::<_, Mismatch>(())
    });
    read.is_ok().then_some(elements)
}

/// Reads an array of exactly `N` values as their texts.
fn tuple<const N: usize>(text: &str) -> Option<[&str; N]> {
    let mut texts = [""; N];
    let mut slots = texts.iter_mut();
    let read = Scanner::new(text).array(|scanner| {
        *slots.next().ok_or(Mismatch)? = scanner.value()?;
        Ok::<_, Mismatch>(())
    });
    (read.is_ok() && slots.next().is_none()).then_some(texts)
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
        whole_string(text)
    }
}

impl<'a> Typed<'a> for Vec<Cow<'a, str>> {
    const EXPECTED: &'static str = "a list of strings";

    fn read(text: &'a str) -> Option<Self> {
        array(text, whole_string)
    }
}

impl<'a> Typed<'a> for Vec<(Cow<'a, str>, Vec<Cow<'a, str>>)> {
    const EXPECTED: &'static str = "an object of lists of strings";

    fn read(text: &'a str) -> Option<Self> {
        let mut topology: Self = Vec::new();
        let mut places = HashMap::new();
        let read = Scanner::new(text).object(|scanner, key| {
            let node = key.to_str().ok_or(Mismatch)?;
            let neighbors = array(scanner.value()?, whole_string).ok_or(Mismatch)?;
            match places.entry(node.clone()) {
                Entry::Occupied(place) => {
                    let place: usize = *place.get();
                    topology[place].1 = neighbors;
                }
                Entry::Vacant(place) => {
                    place.insert(topology.len());
                    topology.push((node, neighbors));
                }
            }
            Ok::<_, Mismatch>(())
        });
        read.is_ok().then_some(topology)
    }
}

impl<'a> Typed<'a> for Value<'a> {
    const EXPECTED: &'static str = "a value nested at most 256 deep";

    #[inline]
    fn read(text: &'a str) -> Option<Self> {
        Value::from_scanned(text).ok()
    }
}

impl<'a> Typed<'a> for List<'a> {
    const EXPECTED: &'static str = "a list";

    fn read(text: &'a str) -> Option<Self> {
        List::from_scanned(text)
    }
}

impl<'a> Typed<'a> for Via {
    const EXPECTED: &'static str = "\"tree\" or \"gossip\"";

    fn read(text: &'a str) -> Option<Self> {
        let word = whole_string(text)?;
        [Via::Tree, Via::Gossip].into_iter().find(|via| via.as_str() == word)
    }
}

/// A hash, as 16 digits in a string: Maelstrom's integers are not safe beyond 53 bits.
pub(crate) struct Summary(pub(crate) u64);

impl<'a> Typed<'a> for Summary {
    const EXPECTED: &'static str = "a string of 16 lower-case hexadecimal digits";

    fn read(text: &'a str) -> Option<Self> {
        let digits = whole_string(text)?;
        let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if digits.len() != 16 || !digits.bytes().all(is_digit) {
            return None;
        }
        u64::from_str_radix(&digits, 16).ok().map(Summary)
    }
}

impl<'a> RumorId<'a> {
    fn from_texts([origin, incarnation, sequence]: [&'a str; 3]) -> Option<Self> {
        Some(RumorId {
            origin: whole_string(origin)?,
            incarnation: u64::read(incarnation)?,
            sequence: u64::read(sequence)?,
        })
    }
}

impl<'a> Typed<'a> for RumorId<'a> {
    const EXPECTED: &'static str = "[origin, incarnation, sequence]";

    fn read(text: &'a str) -> Option<Self> {
        RumorId::from_texts(tuple(text)?)
    }
}

impl<'a> Typed<'a> for Vec<Stream<'a>> {
    const EXPECTED: &'static str = "a list of [origin, incarnation, upto, [[first, last], ...]]";

    fn read(text: &'a str) -> Option<Self> {
        array(text, |stream| {
            let [origin, incarnation, upto, beyond] = tuple(stream)?;
            Some(Stream {
                origin: whole_string(origin)?,
                incarnation: u64::read(incarnation)?,
                upto: u64::read(upto)?,
                beyond: array(beyond, range)?,
            })
        })
    }
}

fn range(text: &str) -> Option<(u64, u64)> {
    let [first, last] = tuple(text)?;
    let (first, last) = (u64::read(first)?, u64::read(last)?);
    (first <= last).then_some((first, last))
}

impl<'a> Typed<'a> for Vec<Rumor<'a>> {
    const EXPECTED: &'static str = "a list of [origin, incarnation, sequence, hops, value]";

    fn read(text: &'a str) -> Option<Self> {
        array(text, |rumor| {
            let [origin, incarnation, sequence, hops, message] = tuple(rumor)?;
            Some(Rumor {
                id: RumorId::from_texts([origin, incarnation, sequence])?,
                hops: u32::read(hops)?,
                message: Value::read(message)?,
            })
        })
    }
}
