//! Lists whose names stand in brackets: `[User] ann [Host] web-1`.

use super::sink::Sink;

const PAIRS_MIN: usize = 4;
const QUOTED_MIN: usize = 3;
const QUOTED_BYTES_MAX: usize = 1024;
const NAME_BYTES_MAX: usize = 64;

/// Whether the body is such a list: four names at least, each behind a blank, most with a value.
pub(super) fn read<'a>(body: &'a str, sink: &mut Sink<'a>) -> bool {
    let pairs: Vec<(&str, &str)> = pairs(body).take(super::FIELDS_MAX).collect();
    let filled = pairs.iter().filter(|(_, value)| !value.is_empty()).count();
    if pairs.len() < PAIRS_MIN || 2 * filled < pairs.len() {
        return false;
    }
    for (name, value) in pairs {
        sink.push(name, value);
    }
    true
}

/// Pairs that Apache's modules write in brackets of their own: `[hostname "a.example"] [uri "/"]`.
pub(super) fn read_quoted<'a>(body: &'a str, sink: &mut Sink<'a>) {
    let pair = |at: usize| {
        let inner = &body[at + 1..];
        let length =
            inner.bytes().take(NAME_BYTES_MAX).take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        let value = inner[length..].strip_prefix(" \"")?;
        // The search is bounded, or a text of nothing but openings would be read to its end for each of them.
        let end = value.as_bytes().windows(2).take(QUOTED_BYTES_MAX).position(|pair| pair == b"\"]")?;
        (length > 0).then(|| (&inner[..length], &value[..end]))
    };
    let found: Vec<_> = body.match_indices('[').filter_map(|(at, _)| pair(at)).take(super::FIELDS_MAX).collect();
    if found.len() >= QUOTED_MIN {
        found.into_iter().for_each(|(name, value)| sink.push(name, value));
    }
}

fn pairs(body: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut names = names(body).peekable();
    std::iter::from_fn(move || {
        let (_, name, value_at) = names.next()?;
        let end = names.peek().map_or(body.len(), |(at, ..)| *at);
        Some((name, body.get(value_at..end).unwrap_or_default().trim()))
    })
}

/// Where each bracket is, the name in it, and where its value begins.
fn names(body: &str) -> impl Iterator<Item = (usize, &str, usize)> {
    body.match_indices('[').filter_map(|(at, _)| {
        let apart = at == 0 || body.as_bytes()[at - 1] == b' ';
        let inner = &body[at + 1..];
        let word = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.@-".contains(byte);
        let length = inner.bytes().take(NAME_BYTES_MAX).take_while(word).count();
        let name = inner[length..].starts_with(']').then(|| &inner[..length])?;
        let named = name.starts_with(|c: char| c.is_ascii_alphabetic());
        let value_at = at + length + 2;
        let follows = matches!(body.as_bytes().get(value_at), None | Some(b' '));
        (apart && named && follows).then_some((at, name, value_at))
    })
}
