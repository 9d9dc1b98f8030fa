//! QRadar's Log Event Extended Format, one and two. Relays turn its tabs into blanks or write them as `\t`, and some
//! senders use a delimiter they never declare; so what is declared is tried first and then what the text shows.

use std::borrow::Cow;

use super::sink::Sink;
use super::{cef, escape};

const MARKER: &str = "LEEF:";
const PARTS: [&str; 5] = ["leef.version", "leef.vendor", "leef.product", "leef.product_version", "leef.event_id"];
/// Longer is no delimiter but the first attribute.
const DELIMITER_BYTES_MAX: usize = 6;
/// In the order they are looked for where none is declared or the declared one is nowhere. `\t` is two characters here.
const DELIMITERS: [&str; 7] = ["\t", "\\t", "^", "|", "~", ";", "&"];
/// How much of the text is looked at to choose among them.
const SHOWN_BYTES: usize = 4_096;

pub(super) fn read<'a>(body: &'a str, sink: &mut Sink<'a>) -> bool {
    let Some(mut rest) = cef::find(body, MARKER) else { return false };
    let two = rest.starts_with('2');
    for name in PARTS {
        let (part, after) = rest.split_once('|').unwrap_or((rest, ""));
        sink.push(name, part.trim());
        rest = after;
    }
    let declared = if two { declared(rest) } else { None };
    let (delimiter, attributes) = match declared {
        Some((delimiter, after)) => (Some(delimiter), after),
        None => (None, rest),
    };
    read_attributes(attributes, delimiter, sink);
    true
}

/// The delimiter of the sixth part, written as itself or as a number, and what follows it.
fn declared(rest: &str) -> Option<(Cow<'_, str>, &str)> {
    let (part, after) = rest.split_once('|')?;
    if part.len() > DELIMITER_BYTES_MAX || part.len() > 1 && part.contains('=') {
        // A bar of the first attribute's value, or one between attributes.
        return rest.strip_prefix('|').map(|after| (Cow::Borrowed("|"), after));
    }
    // `||`: the bar itself is declared.
    if part.is_empty() && after.starts_with('|') {
        return Some((Cow::Borrowed("|"), &after[1..]));
    }
    let number = ["0x", "0X", "x", "X", "\\x"].into_iter().find_map(|prefix| part.strip_prefix(prefix));
    let named = number.and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32);
    let delimiter = match (named, part) {
        (Some(named), _) => Cow::Owned(named.to_string()),
        (None, "" | "\\t" | "tab" | "TAB") => Cow::Borrowed("\t"),
        (None, part) => Cow::Borrowed(part),
    };
    Some((delimiter, after))
}

fn read_attributes<'a>(text: &'a str, declared: Option<Cow<'_, str>>, sink: &mut Sink<'a>) {
    let shown = &text[..text.floor_char_boundary(SHOWN_BYTES)];
    let found = match declared.filter(|declared| separates(shown, declared)) {
        Some(declared) => Some(declared),
        None => DELIMITERS.into_iter().find(|delimiter| separates(shown, delimiter)).map(Cow::Borrowed),
    };
    match found {
        Some(delimiter) => split(text, &delimiter, sink),
        None => cef::extension(text, sink),
    }
}

/// Whether a name follows the delimiter, with its `=`.
fn separates(text: &str, delimiter: &str) -> bool {
    text.match_indices(delimiter).any(|(at, _)| name_length(&text[at + delimiter.len()..]).is_some())
}

/// How long the name is that an `=` follows at the start of `text`.
fn name_length(text: &str) -> Option<usize> {
    let name = |byte: u8| byte.is_ascii_alphanumeric() || b"_.- []".contains(&byte);
    let length = text.bytes().take(64).take_while(|byte| name(*byte)).count();
    (length > 0 && text[length..].starts_with('=')).then_some(length)
}

/// A piece without a name belongs to the value before it.
fn split<'a>(text: &'a str, delimiter: &str, sink: &mut Sink<'a>) {
    let mut open: Option<(&str, usize)> = None;
    let mut at = 0_usize;
    for piece in text.split(delimiter) {
        let blanks = piece.len() - piece.trim_start().len();
        if let Some(length) = name_length(&piece[blanks..]) {
            close(text, open, at.saturating_sub(delimiter.len()), sink);
            let name = &piece[blanks..blanks + length];
            open = Some((name.trim(), at + blanks + length + 1));
        }
        at += piece.len() + delimiter.len();
    }
    close(text, open, text.len(), sink);
}

fn close<'a>(text: &'a str, open: Option<(&'a str, usize)>, end: usize, sink: &mut Sink<'a>) {
    if let Some((name, from)) = open {
        let value = text.get(from..end).unwrap_or_default().trim();
        sink.push(name, escape::cef(value));
    }
}
