//! Backslashes in values. Senders disagree on whether they escape them, and a Windows path or `DOMAIN\name` looks like an
//! escape; so a value is only unescaped as far as all its backslashes agree.

use std::borrow::Cow;

/// The value with the escapes of CEF undone: `\=`, `\|`, `\\`, `\n`, `\r`.
pub(super) fn cef(value: &str) -> Cow<'_, str> {
    undo(value, b"=|\\nr\"", b"=|")
}

/// A value that stood in quotes.
pub(super) fn quoted(value: &str) -> Cow<'_, str> {
    undo(value, b"\"'\\=[]/", b"\"'=[]")
}

/// A bare value among pairs.
pub(super) fn bare(value: &str) -> Cow<'_, str> {
    undo(value, b"=|,;\\", b"=|,;")
}

/// Undoes all of `escapes` if every backslash starts one of them, else only those of `sure`, which stand for nothing else.
fn undo<'a>(value: &'a str, escapes: &[u8], sure: &[u8]) -> Cow<'a, str> {
    if !value.contains('\\') {
        return Cow::Borrowed(value);
    }
    let undone = if consistent(value, escapes) { escapes } else { sure };
    // `CORP\nina` is a name; a line break is written into sentences.
    let breaks = value.contains(char::is_whitespace);
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let next = rest.as_bytes().get(at + 1).copied();
        match next.filter(|byte| undone.contains(byte)) {
            Some(b'n') if breaks => out.push('\n'),
            Some(b'r') if breaks => out.push('\r'),
            Some(byte @ (b'n' | b'r')) => out.extend(['\\', char::from(byte)]),
            Some(byte) => out.push(char::from(byte)),
            None => {
                out.push('\\');
                rest = &rest[at + 1..];
                continue;
            }
        }
        rest = &rest[at + 2..];
    }
    out.push_str(rest);
    if out.len() == value.len() { Cow::Borrowed(value) } else { Cow::Owned(out) }
}

fn consistent(value: &str, escapes: &[u8]) -> bool {
    let mut bytes = value.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'\\' && !bytes.next().is_some_and(|next| escapes.contains(&next)) {
            return false;
        }
    }
    true
}
