//! The structured data of RFC 5424, and the list in brackets that Check Point writes in its place:
//! `[id name="value" ...]` and `[name:"value"; ...]`.

use super::escape;
use super::sink::Sink;

const ID_BYTES_MAX: usize = 64;

/// Where the structured data at the start of `text` ends; data cut short ends with the text.
pub(super) fn end(text: &str) -> Option<usize> {
    if !looks_like_one(text) {
        return None;
    }
    let mut at = 0;
    while text[at..].starts_with('[') {
        at = element_end(text.as_bytes(), at + 1);
    }
    Some(at)
}

/// Brackets also begin messages: only an id with parameters or without, or a quoted value, makes it an element.
fn looks_like_one(text: &str) -> bool {
    let Some(inner) = text.strip_prefix('[') else { return false };
    let length = inner.bytes().take(ID_BYTES_MAX).take_while(|byte| is_name(*byte)).count();
    let (name, rest) = inner.split_at(length);
    let Some(first) = rest.chars().next() else { return false };
    match first {
        _ if name.is_empty() => false,
        ']' => name.contains('@'),
        ':' => rest.starts_with(":\""),
        ' ' => {
            let parameter = rest.trim_start();
            let length = parameter.bytes().take(2 * ID_BYTES_MAX).take_while(|byte| is_name(*byte)).count();
            length > 0 && parameter[length..].starts_with("=\"") || parameter.starts_with(']')
        }
        _ => false,
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"=]\":[".contains(&byte)
}

/// Behind the `]` that closes the element, which no quoted one does.
fn element_end(bytes: &[u8], mut at: usize) -> usize {
    let mut quoted = false;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if quoted => at += 1,
            b'"' => quoted = !quoted,
            b']' if !quoted => return at + 1,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

pub(super) fn read<'a>(elements: &'a str, sink: &mut Sink<'a>) {
    let from = sink.fields.len();
    let mut rest = elements;
    while let Some(inner) = rest.strip_prefix('[') {
        let end = element_end(inner.as_bytes(), 0);
        let element = inner.get(..end).unwrap_or(inner);
        read_element(element.strip_suffix(']').unwrap_or(element), from, sink);
        rest = inner.get(end..).unwrap_or_default();
    }
}

fn read_element<'a>(element: &'a str, from: usize, sink: &mut Sink<'a>) {
    let length = element.bytes().take_while(|byte| is_name(*byte)).count();
    let (first, rest) = element.split_at(length);
    // Check Point names no element: the list begins with its first pair.
    let (id, mut rest) = if rest.starts_with(":\"") { (None, element) } else { (Some(first), rest) };
    while let Some((name, value, after)) = parameter(rest) {
        if sink.is_full() {
            return;
        }
        let value = escape::quoted(value);
        if let Some(id) = id {
            sink.push(format!("sd.{id}.{name}"), value.clone());
        }
        if id.is_none() || sink.get(from, name).is_none() {
            sink.push(name, value);
        }
        rest = after;
    }
}

/// The next `name="value"` or `name:"value"`: name, value, rest.
fn parameter(text: &str) -> Option<(&str, &str, &str)> {
    let text = text.trim_start_matches([' ', ';', ',', '\t']);
    let (name, after) = text.split_once('"')?;
    let name = name.strip_suffix(['=', ':'])?.trim();
    let mut bytes = after.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => {
                bytes.next();
            }
            b'"' => return Some((name, &after[..at], &after[at + 1..])),
            _ => {}
        }
    }
    Some((name, after, ""))
}
