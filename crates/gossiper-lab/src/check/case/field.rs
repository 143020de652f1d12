//! Reading the fields of a case: each function takes one kind of value and says what it takes
//! otherwise.

use std::time::Duration;

use crate::check::json::Json;

pub(super) fn bytes_of_hex(hex: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<u8> = hex.bytes().filter(|byte| *byte != b' ').collect();
    let byte = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(pair, 16).ok()
    };
    let bytes: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
    match bytes {
        Some(bytes) if bytes.contains(&b'\n') => Err("holds a line feed (0a)".into()),
        Some(bytes) => Ok(bytes),
        None => Err("takes pairs of hexadecimal digits, such as \"7b ff 7d\"".into()),
    }
}

pub(super) fn text(json: &Json) -> Result<String, String> {
    match json {
        Json::Text(text) => Ok(text.plain.clone()),
        other => Err(format!("is {}; it takes a string", other.kind())),
    }
}

pub(super) fn boolean(json: &Json) -> Result<bool, String> {
    match json {
        Json::Bool(value) => Ok(*value),
        other => Err(format!("is {}; it takes true or false", other.kind())),
    }
}

pub(super) fn list(json: &Json) -> Result<&[Json], String> {
    match json {
        Json::List(elements) => Ok(elements),
        other => Err(format!("is {}; it takes a list", other.kind())),
    }
}

pub(super) fn texts(json: &Json) -> Result<Vec<String>, String> {
    list(json)?.iter().map(text).collect()
}

pub(super) fn number<T: std::str::FromStr>(json: &Json) -> Result<T, String> {
    match json {
        Json::Number(text) => {
            text.parse().map_err(|_| format!("{text} is out of range, or not a whole number"))
        }
        other => Err(format!("is {}; it takes a number", other.kind())),
    }
}

pub(super) fn millis(json: &Json) -> Result<Duration, String> {
    number::<u32>(json).map(|millis| Duration::from_millis(millis.into()))
}
