//! ArcSight's Common Event Format: the header of seven parts wherever it stands in the body, the extension behind it, and
//! the labels by which custom fields are known.
//!
//! An `=` belongs to a key only if a name stands before it and a blank before that. Senders leave the `=` in a value
//! unescaped too often for anything stricter, and in a URL no blank precedes a name.

use super::sink::Sink;
use super::{NAME_BYTES_MAX, escape};

const MARKER: &str = "CEF:";
const PARTS: [&str; 7] =
    ["cef.version", "cef.vendor", "cef.product", "cef.device_version", "cef.signature_id", "cef.name", "cef.severity"];
const LABEL: &str = "Label";

/// Whether there is a CEF header; its fields and the extension's then are in the sink.
pub(super) fn read<'a>(body: &'a str, sink: &mut Sink<'a>) -> bool {
    let Some(mut rest) = find(body, MARKER) else { return false };
    for (index, name) in PARTS.into_iter().enumerate() {
        let last = index + 1 == PARTS.len();
        match part_end(rest) {
            Some(end) => {
                sink.push(name, escape::cef(rest[..end].trim()));
                rest = &rest[end + 1..];
            }
            // A sender who leaves out the bar behind the last part, or parts, still has an extension.
            None if last && extension_start(rest).is_none() => {
                sink.push(name, escape::cef(rest.trim()));
                return true;
            }
            None => {
                let start = extension_start(rest).unwrap_or(rest.len());
                sink.push(name, escape::cef(rest[..start].trim()));
                rest = &rest[start..];
                break;
            }
        }
    }
    extension(rest, sink);
    true
}

/// Behind the marker, where a version and a bar follow it.
pub(super) fn find<'a>(body: &'a str, marker: &str) -> Option<&'a str> {
    body.match_indices(marker).find_map(|(at, _)| {
        let rest = body[at + marker.len()..].trim_start_matches(' ');
        let version = rest.bytes().take(8).take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
        (version > 0 && rest[version..].starts_with('|')).then_some(rest)
    })
}

fn part_end(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'|' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

fn extension_start(text: &str) -> Option<usize> {
    keys(text).next().map(|key| key.from)
}

/// `key=value key=value`, where a value goes on until the next key.
pub(super) fn extension<'a>(text: &'a str, sink: &mut Sink<'a>) {
    let from = sink.fields.len();
    let mut keys = keys(text).peekable();
    while let Some(key) = keys.next() {
        let end = keys.peek().map_or(text.len(), |next| next.from);
        let value = unquoted(text[key.to + 1..end].trim());
        sink.push(&text[key.from..key.to], escape::cef(value));
        if sink.is_full() {
            break;
        }
    }
    name_by_labels(from, sink);
}

/// Some senders quote values though the format knows no quotes.
fn unquoted(value: &str) -> &str {
    let inner = value.strip_prefix('"').and_then(|inner| inner.strip_suffix('"'));
    inner.filter(|inner| !inner.contains('"')).unwrap_or(value)
}

struct Key {
    from: usize,
    /// Where its `=` is.
    to: usize,
}

fn keys(text: &str) -> impl Iterator<Item = Key> {
    let bytes = text.as_bytes();
    text.match_indices('=').filter_map(|(to, _)| {
        let name = bytes[..to].iter().rev().take(NAME_BYTES_MAX + 1).take_while(|byte| is_key(**byte)).count();
        let from = to - name;
        let apart = from == 0 || bytes[from - 1].is_ascii_whitespace() || from == 1 && bytes[0] == b'|';
        let named = bytes.get(from).is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
        (name > 0 && apart && named).then_some(Key { from, to })
    })
}

fn is_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_.[]-".contains(&byte)
}

/// `cs1Label=Policy cs1=foo` also gives `Policy`=`foo`.
fn name_by_labels(from: usize, sink: &mut Sink<'_>) {
    let known = sink.fields.get(from..).unwrap_or_default();
    let named = known.iter().filter_map(|(key, label)| {
        let base = key.strip_suffix(LABEL).filter(|base| !base.is_empty())?;
        let value = sink.get(from, base).filter(|value| !value.is_empty() && !label.is_empty())?;
        Some((label.clone(), value.clone()))
    });
    for (name, value) in named.collect::<Vec<_>>() {
        sink.push(name, value);
    }
}
