//! A writer of canonical JSON (RFC 8785): members in ascending order, no blanks, no floats, the shortest escapes. What
//! it writes can be hashed as it stands. The order is the caller's duty, asserted in debug builds; the bounds on what
//! foreign text and lists may take are kept here, so that no event and no view can grow past what Kafka takes.

use super::rfc3339;
use crate::model::Timestamp;

/// The largest integer that every JSON reader holds exactly: 2^53 - 1. Above it numbers are written as strings.
const EXACT_MAX: u64 = (1 << 53) - 1;
/// Written bytes of one foreign string, quotes aside.
const TEXT_BYTES_MAX: usize = 8 * 1024;
/// Written bytes of an analyst's own words.
pub const PROSE_BYTES_MAX: usize = 96 * 1024;
/// Items of one list; its `_total` says how many there are.
pub const ITEMS_MAX: usize = 100;
/// Written bytes of one list: nine full lists and the texts beside them stay under 256 KiB.
const LIST_BYTES_MAX: usize = 22 * 1024;
/// Written bytes of one list of an answer.
const ANSWER_LIST_BYTES_MAX: usize = 512 * 1024;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// One JSON object being written. Made by [`object`], which closes it.
pub struct Object<'o> {
    pub out: &'o mut Vec<u8>,
    last: &'static str,
}

/// Writes one object; `fill` adds the members in ascending order of their names.
pub fn object(out: &mut Vec<u8>, fill: impl FnOnce(&mut Object<'_>)) {
    out.push(b'{');
    fill(&mut Object { out, last: "" });
    out.push(b'}');
}

impl Object<'_> {
    /// Begins a member; the caller appends its value to the bytes given back.
    pub fn key(&mut self, name: &'static str) -> &mut Vec<u8> {
        debug_assert!(self.last < name, "{name} after {}", self.last);
        self.out.reserve(name.len() + 4);
        if !self.last.is_empty() {
            self.out.push(b',');
        }
        self.last = name;
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    pub fn text(&mut self, name: &'static str, value: &str) {
        bounded(value, TEXT_BYTES_MAX, self.key(name));
    }

    /// An analyst's own words: longer than other texts may be.
    pub fn prose(&mut self, name: &'static str, value: &str) {
        bounded(value, PROSE_BYTES_MAX, self.key(name));
    }

    /// Nothing at all where there is no value.
    pub fn maybe_text(&mut self, name: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    pub fn maybe_prose(&mut self, name: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            self.prose(name, value);
        }
    }

    pub fn text_or_null(&mut self, name: &'static str, value: Option<&str>) {
        match value {
            Some(value) => self.text(name, value),
            None => self.null(name),
        }
    }

    pub fn uint(&mut self, name: &'static str, value: u64) {
        uint(value, self.key(name));
    }

    pub fn int(&mut self, name: &'static str, value: i64) {
        int(value, self.key(name));
    }

    pub fn flag(&mut self, name: &'static str, value: bool) {
        let literal: &[u8] = if value { b"true" } else { b"false" };
        self.key(name).extend_from_slice(literal);
    }

    pub fn null(&mut self, name: &'static str) {
        self.key(name).extend_from_slice(b"null");
    }

    pub fn time(&mut self, name: &'static str, at: Timestamp) {
        time(at, self.key(name));
    }

    pub fn time_or_null(&mut self, name: &'static str, at: Option<Timestamp>) {
        match at {
            Some(at) => self.time(name, at),
            None => self.null(name),
        }
    }

    pub fn hex(&mut self, name: &'static str, bytes: &[u8]) {
        let out = self.key(name);
        out.push(b'"');
        hex(bytes, out);
        out.push(b'"');
    }

    /// Something that displays as plain ASCII without quotes or backslashes: an id.
    pub fn id(&mut self, name: &'static str, id: &impl std::fmt::Display) {
        let out = self.key(name);
        out.push(b'"');
        plain(id, out);
        out.push(b'"');
    }

    pub fn object(&mut self, name: &'static str, fill: impl FnOnce(&mut Object<'_>)) {
        object(self.key(name), fill);
    }

    /// A list of objects or values, whole.
    pub fn list<T>(&mut self, name: &'static str, items: &[T], write: impl Fn(&T, &mut Vec<u8>)) {
        list(items, usize::MAX, usize::MAX, write, self.key(name));
    }

    /// A list bounded in items and bytes, followed by how many there are.
    pub fn bounded_list<T>(&mut self, names: ListNames, items: &[T], total: u64, write: impl Fn(&T, &mut Vec<u8>)) {
        list(items, ITEMS_MAX, LIST_BYTES_MAX, write, self.key(names.items));
        self.uint(names.total, total);
    }

    /// The same for an answer over HTTP, which no topic has to take.
    pub fn answer_list<T>(&mut self, names: ListNames, items: &[T], total: u64, write: impl Fn(&T, &mut Vec<u8>)) {
        list(items, ITEMS_MAX, ANSWER_LIST_BYTES_MAX, write, self.key(names.items));
        self.uint(names.total, total);
    }
}

/// `x` and `x_total`.
#[derive(Clone, Copy, Debug)]
pub struct ListNames {
    pub items: &'static str,
    pub total: &'static str,
}

/// Writes items until one would pass a bound; that one is taken back whole.
fn list<T>(items: &[T], items_max: usize, bytes_max: usize, write: impl Fn(&T, &mut Vec<u8>), out: &mut Vec<u8>) {
    out.push(b'[');
    let start = out.len();
    for item in items.iter().take(items_max) {
        let before = out.len();
        if before > start {
            out.push(b',');
        }
        write(item, out);
        if out.len() - start > bytes_max {
            out.truncate(before);
            break;
        }
    }
    out.push(b']');
}

/// A whole string.
pub fn string(value: &str, out: &mut Vec<u8>) {
    bounded(value, usize::MAX, out);
}

/// A foreign string inside a bounded list.
pub fn text(value: &str, out: &mut Vec<u8>) {
    bounded(value, TEXT_BYTES_MAX, out);
}

/// A string of at most `bytes_max` written bytes; a longer one ends in `…`.
fn bounded(value: &str, bytes_max: usize, out: &mut Vec<u8>) {
    out.push(b'"');
    let start = out.len();
    escape(value, out);
    if out.len() - start > bytes_max {
        out.truncate(start);
        // No escape is longer than six bytes for one, so a sixth of the bound always fits.
        escape(&value[..value.floor_char_boundary(bytes_max / 6)], out);
        out.extend_from_slice("…".as_bytes());
    }
    out.push(b'"');
}

fn escape(value: &str, out: &mut Vec<u8>) {
    let mut rest = value.as_bytes();
    while !rest.is_empty() {
        let clean = clean_length(rest);
        out.extend_from_slice(&rest[..clean]);
        let Some(byte) = rest.get(clean) else { break };
        escape_byte(*byte, out);
        rest = &rest[clean + 1..];
    }
}

/// How many bytes from the beginning go out as they are. A block at a time, which the compiler turns into a few
/// instructions for all of it.
fn clean_length(bytes: &[u8]) -> usize {
    const BLOCK: usize = 16;
    let escapes = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
    let mut clean = 0;
    for block in bytes.chunks_exact(BLOCK) {
        if block.iter().fold(false, |any, byte| any | escapes(byte)) {
            break;
        }
        clean += BLOCK;
    }
    clean + bytes[clean..].iter().take_while(|byte| !escapes(byte)).count()
}

fn escape_byte(byte: u8, out: &mut Vec<u8>) {
    match byte {
        b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
        0x08 => out.extend_from_slice(b"\\b"),
        b'\t' => out.extend_from_slice(b"\\t"),
        b'\n' => out.extend_from_slice(b"\\n"),
        0x0c => out.extend_from_slice(b"\\f"),
        b'\r' => out.extend_from_slice(b"\\r"),
        control => {
            out.extend_from_slice(b"\\u");
            hex(&[0, control], out);
        }
    }
}

pub fn time(at: Timestamp, out: &mut Vec<u8>) {
    out.push(b'"');
    rfc3339::write(at, out);
    out.push(b'"');
}

pub fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + 2 * bytes.len(), 0);
    hex_into(bytes, &mut out[start..]);
}

/// Writes the digits of `bytes` over a place of twice their length.
pub fn hex_into(bytes: &[u8], place: &mut [u8]) {
    debug_assert_eq!(place.len(), 2 * bytes.len());
    for (digits, byte) in place.chunks_exact_mut(2).zip(bytes) {
        digits.copy_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
    }
}

/// What displays as plain ASCII, straight into the bytes.
pub fn plain(value: &impl std::fmt::Display, out: &mut Vec<u8>) {
    use std::io::Write;
    // Writing into a Vec cannot fail.
    let _ = write!(out, "{value}");
}

pub fn uint(value: u64, out: &mut Vec<u8>) {
    if value > EXACT_MAX {
        out.push(b'"');
        decimal(value, out);
        out.push(b'"');
    } else {
        decimal(value, out);
    }
}

pub fn int(value: i64, out: &mut Vec<u8>) {
    let exact = value.unsigned_abs() <= EXACT_MAX;
    if !exact {
        out.push(b'"');
    }
    if value < 0 {
        out.push(b'-');
    }
    decimal(value.unsigned_abs(), out);
    if !exact {
        out.push(b'"');
    }
}

/// The digits of `value`.
pub fn decimal(mut value: u64, out: &mut Vec<u8>) {
    let mut text = [0; 20];
    let mut at = text.len();
    loop {
        at -= 1;
        text[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&text[at..]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(value: &str) -> Vec<u8> {
        let mut out = Vec::new();
        string(value, &mut out);
        out
    }

    proptest! {
        #[test]
        fn any_string_is_read_back(value in "\\PC*|[\\x00-\\x1f\"\\\\é]*") {
            prop_assert_eq!(serde_json::from_slice::<String>(&written(&value)).unwrap(), value);
        }

        #[test]
        fn a_cut_string_stays_a_string_within_its_bound(value in "[\\x00-\\x1fé😀a]{0,400}", bound in 12_usize..300) {
            let mut out = Vec::new();
            bounded(&value, bound, &mut out);
            let read: String = serde_json::from_slice(&out).unwrap();
            prop_assert!(out.len() <= bound + 2 || read.ends_with('…') && out.len() <= bound + 5);
            prop_assert!(read == value || value.starts_with(read.trim_end_matches('…')));
        }

        #[test]
        fn integers_read_back_or_are_strings(value: i64) {
            let mut out = Vec::new();
            int(value, &mut out);
            let text = String::from_utf8(out).unwrap();
            let exact = value.unsigned_abs() < 1 << 53;
            prop_assert_eq!(text, if exact { value.to_string() } else { format!("\"{value}\"") });
        }
    }

    #[test]
    fn escapes_are_the_shortest_ones() {
        assert_eq!(
            written("a\"\\\u{8}\t\n\u{c}\r\u{1f}\u{7f}/é"),
            "\"a\\\"\\\\\\b\\t\\n\\f\\r\\u001f\u{7f}/é\"".as_bytes()
        );
    }

    #[test]
    fn a_list_ends_before_the_item_that_would_pass_its_bound() {
        let mut out = Vec::new();
        list(&["aaaa"; 9], 3, 100, |item, out| string(item, out), &mut out);
        assert_eq!(out, br#"["aaaa","aaaa","aaaa"]"#);
        out.clear();
        list(&["aaaa"; 9], 9, 13, |item, out| string(item, out), &mut out);
        assert_eq!(out, br#"["aaaa","aaaa"]"#);
    }
}
