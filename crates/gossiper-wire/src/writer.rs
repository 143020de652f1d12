//! JSON with the spacing of Python's `json.dumps`, appended to a buffer.

use std::borrow::Cow;

use crate::dialect::{Acked, Beacon, Held, Rumor, RumorId, Stream, Turn, View};
use crate::field::Field;
use crate::float::{Quotient, write_float};
use crate::list::List;
use crate::value::Value;

/// Appends a body's fields, one after the other. The object and its first member are open.
pub(crate) struct Writer<'o> {
    out: &'o mut Vec<u8>,
}

impl<'o> Writer<'o> {
    pub(crate) fn new(out: &'o mut Vec<u8>) -> Self {
        Writer { out }
    }

    /// Appends text that is JSON already.
    #[inline]
    pub(crate) fn raw(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// Appends a member.
    #[inline]
    pub(crate) fn field(&mut self, field: Field, value: &(impl Print + ?Sized)) {
        self.raw(", \"");
        self.raw(field.name());
        self.raw("\": ");
        value.print(self);
    }

    /// Appends a member if there is something to print.
    #[inline]
    pub(crate) fn optional(&mut self, field: Field, value: Option<&impl Print>) {
        if let Some(value) = value {
            self.field(field, value);
        }
    }

    /// Appends a string with the escapes that JSON demands, in their shortest form.
    #[inline]
    pub(crate) fn string(&mut self, text: &str) {
        self.out.push(b'"');
        if text.bytes().all(is_plain) {
            self.raw(text);
        } else {
            self.escaped(text.as_bytes());
        }
        self.out.push(b'"');
    }

    fn escaped(&mut self, mut rest: &[u8]) {
        while let Some(end) = rest.iter().position(|byte| !is_plain(*byte)) {
            self.out.extend_from_slice(&rest[..end]);
            match rest[end] {
                b'\x08' => self.raw("\\b"),
                b'\x0c' => self.raw("\\f"),
                b'\n' => self.raw("\\n"),
                b'\r' => self.raw("\\r"),
                b'\t' => self.raw("\\t"),
                byte @ (b'"' | b'\\') => self.out.extend_from_slice(&[b'\\', byte]),
                byte => self.raw(&format!("\\u{byte:04x}")),
            }
            rest = &rest[end + 1..];
        }
        self.out.extend_from_slice(rest);
    }

    #[inline]
    pub(crate) fn integer(&mut self, number: impl itoa::Integer) {
        self.raw(itoa::Buffer::new().format(number));
    }

    fn array<T: Print>(&mut self, elements: &[T]) {
        self.raw("[");
        for (index, element) in elements.iter().enumerate() {
            if index > 0 {
                self.raw(", ");
            }
            element.print(self);
        }
        self.raw("]");
    }
}

/// Whether a byte stands for itself in a string.
fn is_plain(byte: u8) -> bool {
    byte >= 0x20 && byte != b'"' && byte != b'\\'
}

/// What can be a field's value.
pub(crate) trait Print {
    fn print(&self, writer: &mut Writer<'_>);
}

impl Print for u64 {
    fn print(&self, writer: &mut Writer<'_>) {
        writer.integer(*self);
    }
}

impl Print for u8 {
    fn print(&self, writer: &mut Writer<'_>) {
        writer.integer(*self);
    }
}

impl Print for u32 {
    fn print(&self, writer: &mut Writer<'_>) {
        writer.integer(*self);
    }
}

impl Print for bool {
    fn print(&self, writer: &mut Writer<'_>) {
        writer.raw(if *self { "true" } else { "false" });
    }
}

impl Print for f64 {
    fn print(&self, writer: &mut Writer<'_>) {
        write_float(writer.out, *self);
    }
}

impl Print for Quotient {
    fn print(&self, writer: &mut Writer<'_>) {
        if self.denominator == 0 {
            writer.raw("0");
        } else {
            self.value().print(writer);
        }
    }
}

impl Print for str {
    fn print(&self, writer: &mut Writer<'_>) {
        writer.string(self);
    }
}

impl Print for Cow<'_, str> {
    fn print(&self, writer: &mut Writer<'_>) {
        writer.string(self);
    }
}

impl Print for Value<'_> {
    fn print(&self, writer: &mut Writer<'_>) {
        writer.raw(self.text());
    }
}

impl Print for List<'_> {
    fn print(&self, writer: &mut Writer<'_>) {
        writer.raw("[");
        writer.raw(self.items());
        writer.raw("]");
    }
}

impl<T: Print> Print for Vec<T> {
    fn print(&self, writer: &mut Writer<'_>) {
        writer.array(self);
    }
}

/// A list of neighbours by node.
impl Print for Vec<(Cow<'_, str>, Vec<Cow<'_, str>>)> {
    fn print(&self, writer: &mut Writer<'_>) {
        writer.raw("{");
        for (index, (node, neighbors)) in self.iter().enumerate() {
            if index > 0 {
                writer.raw(", ");
            }
            writer.string(node);
            writer.raw(": ");
            writer.array(neighbors);
        }
        writer.raw("}");
    }
}

impl RumorId<'_> {
    fn print_inner(&self, writer: &mut Writer<'_>) {
        writer.string(&self.origin);
        writer.raw(", ");
        writer.integer(self.incarnation);
        writer.raw(", ");
        writer.integer(self.sequence);
    }
}

impl Print for RumorId<'_> {
    fn print(&self, writer: &mut Writer<'_>) {
        writer.raw("[");
        self.print_inner(writer);
        writer.raw("]");
    }
}

impl Print for Held<'_> {
    fn print(&self, writer: &mut Writer<'_>) {
        writer.raw("[");
        self.id.print_inner(writer);
        writer.raw(", ");
        writer.integer(self.hops);
        writer.raw("]");
    }
}

impl Print for Beacon<'_> {
    fn print(&self, writer: &mut Writer<'_>) {
        writer.raw("[");
        writer.string(&self.root);
        writer.raw(", ");
        writer.integer(self.since);
        writer.raw(", ");
        writer.integer(self.sequence);
        writer.raw(", ");
        writer.integer(self.hops);
        writer.raw(", ");
        self.is_uplink.print(writer);
        writer.raw("]");
    }
}

impl Print for Turn {
    fn print(&self, writer: &mut Writer<'_>) {
        writer.string(self.as_str());
    }
}

impl Print for View {
    fn print(&self, writer: &mut Writer<'_>) {
        writer.string(self.as_str());
    }
}

impl Print for Rumor<'_> {
    fn print(&self, writer: &mut Writer<'_>) {
        writer.raw("[");
        match &self.id {
            Some(id) => id.print_inner(writer),
            None => writer.raw("null, 0, 0"),
        }
        writer.raw(", ");
        writer.integer(self.hops);
        writer.raw(", ");
        self.message.print(writer);
        writer.raw("]");
    }
}

impl Print for Acked {
    fn print(&self, writer: &mut Writer<'_>) {
        writer.raw("[");
        writer.integer(self.incarnation);
        writer.raw(", ");
        writer.integer(self.upto);
        writer.raw(", ");
        writer.array(&self.beyond);
        writer.raw("]");
    }
}

/// A range.
impl Print for (u64, u64) {
    fn print(&self, writer: &mut Writer<'_>) {
        writer.raw("[");
        writer.integer(self.0);
        writer.raw(", ");
        writer.integer(self.1);
        writer.raw("]");
    }
}

impl Print for Stream<'_> {
    fn print(&self, writer: &mut Writer<'_>) {
        writer.raw("[");
        writer.string(&self.origin);
        writer.raw(", ");
        writer.integer(self.incarnation);
        writer.raw(", ");
        writer.integer(self.upto);
        writer.raw(", ");
        writer.array(&self.beyond);
        writer.raw("]");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_as_serde_json_escapes_them() {
        let every_byte: String = (0..=0x7f).map(char::from).collect();
        for text in ["", "n1", "é😀\u{2028}", "a\"b\\c\n", "\u{1f}\u{7f}", &every_byte] {
            let mut out = Vec::new();
            Writer::new(&mut out).string(text);
            assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(text).unwrap());
        }
    }
}
