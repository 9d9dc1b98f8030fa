//! Pairs in free text: whatever is written `name=value`, `name="value"`, `[name: value]` or, where it is a habit of the text, `name:value`.
//! Of a bare value only the first word is taken; what it is worth is for a profile to know.

use super::escape;
use super::sink::Sink;
use super::walk::{Assign, Head, Stop, Walk, head};

/// A single `name:value` may be anything; several are a habit.
const TIGHT_MIN: usize = 2;
const BRACKETED_BYTES_MAX: usize = 256;

pub(super) fn read<'a>(text: &'a str, sink: &mut Sink<'a>) {
    let mut found: Vec<(Head<'a>, &'a str)> = Vec::new();
    let mut walk = Walk::new(text);
    let mut open: Option<Head<'a>> = None;
    while let Some(stop) = walk.next() {
        let bracketed = text.as_bytes()[stop.run.clone()].last() == Some(&b'[');
        let Some(head) = head(text, stop.run.end, bracketed).filter(|head| counts(head, text, &stop)) else {
            walk.pass_word();
            continue;
        };
        if let Some(open) = open.take() {
            found.push((open, bare(text, open.value_at, stop.run.start)));
        }
        if let Some(value) = to_bracket(text, head.value_at).filter(|_| bracketed && head.assign == Assign::Colon) {
            found.push((head, value.trim()));
            continue;
        }
        match walk.pass(head.value_at) {
            Some(quote) => found.push((head, &text[head.value_at + 1..quote])),
            None => open = Some(head),
        }
        if found.len() >= super::FIELDS_MAX {
            break;
        }
    }
    if let Some(open) = open {
        found.push((open, bare(text, open.value_at, text.len())));
    }
    let tight = found.iter().filter(|(head, _)| head.assign == Assign::TightColon).count();
    for (head, value) in found {
        if head.assign != Assign::TightColon || tight >= TIGHT_MIN {
            sink.push(head.name, escape::quoted(value));
        }
    }
}

/// `[Source: 10.0.0.1]`: what stands before the bracket that closes.
fn to_bracket(text: &str, from: usize) -> Option<&str> {
    let rest = text.get(from..)?;
    let end = rest.bytes().take(BRACKETED_BYTES_MAX).position(|byte| matches!(byte, b']' | b'['))?;
    rest[end..].starts_with(']').then(|| &rest[..end])
}

fn counts(head: &Head<'_>, text: &str, stop: &Stop) -> bool {
    let bytes = text.as_bytes();
    let word = head.name.len() > 1 && head.name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    match head.assign {
        Assign::Equals => head.strict,
        // `[name: value]`, `name:"value"`, `"name": value`
        Assign::Colon => {
            let bracketed = bytes[stop.run.clone()].last() == Some(&b'[');
            bracketed || head.quoted_value(text) || bytes.get(stop.run.end) == Some(&b'"')
        }
        // Not `fe80:` of an address or `c:`, a drive.
        Assign::TightColon => word && !head.name.bytes().all(|byte| byte.is_ascii_hexdigit()),
    }
}

/// The first word of the value, which the next pair may cut short.
fn bare(text: &str, from: usize, end: usize) -> &str {
    let value = text.get(from..end).unwrap_or_default().trim_start_matches(' ');
    let word = value.split(char::is_whitespace).next().unwrap_or_default();
    let word = word.trim_end_matches([',', ';', '.', ':', '|']);
    match word.strip_suffix([')', ']', '}', '>']) {
        Some(inner) if !inner.contains(['(', '[', '{', '<']) => inner.trim_end_matches([')', ']', '}', '>']),
        _ => word,
    }
}
