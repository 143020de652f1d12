//! What a node printed, made fit for people to read.

/// The first `chars_max` characters of a text, and how long it is if that is not all. A terminal
/// must not obey what a node prints, so control characters are shown as escapes.
pub(crate) fn cut(text: &str, chars_max: usize) -> String {
    let (head, rest) = match text.char_indices().nth(chars_max) {
        Some((end, _)) => (&text[..end], format!("… ({} bytes)", text.len())),
        None => (text, String::new()),
    };
    let mut shown = String::with_capacity(head.len());
    for char in head.chars() {
        match char {
            _ if char.is_control() => shown.extend(char.escape_default()),
            _ => shown.push(char),
        }
    }
    shown + &rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöü", 2), "äö… (6 bytes)");
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(cut("\u{1b}[2J\r\"x\\\u{9b}", 9), "\\u{1b}[2J\\r\"x\\\\u{9b}");
    }
}
