//! Foreign text made harmless: control characters neutralised, lengths bounded, defanged indicators read as meant, and
//! the words for "no value" known. What a value means is left to its kind's own function.

use std::borrow::Cow;

/// What a control character becomes: visible, so that a reader sees that something was there.
const NEUTRAL: char = '\u{FFFD}';

/// Replaces C0 and C1 controls and the characters that change the direction of text: none may reach a terminal, a log
/// line or a page.
#[must_use]
pub fn neutral(raw: &str) -> Cow<'_, str> {
    if is_plain(raw) || !raw.chars().any(is_control) {
        return Cow::Borrowed(raw);
    }
    Cow::Owned(raw.chars().map(|c| if is_control(c) { NEUTRAL } else { c }).collect())
}

/// Like [`neutral`], but keeps line ends and tabs: for prose that is shown as prose.
#[must_use]
pub fn neutral_lines(raw: &str) -> Cow<'_, str> {
    let bad = |c: char| is_control(c) && !matches!(c, '\n' | '\t');
    if is_plain(raw) || !raw.chars().any(bad) {
        return Cow::Borrowed(raw);
    }
    Cow::Owned(raw.replace("\r\n", "\n").chars().map(|c| if bad(c) { NEUTRAL } else { c }).collect())
}

/// The longest prefix of at most `bytes_max` bytes that ends between two characters.
#[must_use]
pub fn prefix(raw: &str, bytes_max: usize) -> &str {
    &raw[..raw.floor_char_boundary(bytes_max)]
}

/// A short, harmless piece of foreign text for an error's detail.
#[must_use]
pub fn excerpt(raw: &str) -> String {
    const EXCERPT_BYTES_MAX: usize = 120;
    neutral(prefix(raw, EXCERPT_BYTES_MAX)).into_owned()
}

/// Undoes the habit of writing indicators so that nobody clicks on them: `hxxp://`, `[.]`, `(dot)`, `[:]`, `{at}` …
#[must_use]
pub fn refanged(raw: &str) -> Cow<'_, str> {
    let scheme = defanged_scheme(raw);
    if scheme.is_none() && !raw.bytes().any(|byte| matches!(byte, b'[' | b'(' | b'{')) {
        return Cow::Borrowed(raw);
    }
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    if let Some((fanged, plain)) = scheme {
        text.push_str(plain);
        rest = &raw[fanged.len()..];
    }
    while let Some(at) = rest.find(['[', '(', '{']) {
        text.push_str(&rest[..at]);
        let (plain, read) = unbracketed(&rest[at..]).unwrap_or((&rest[at..=at], 1));
        text.push_str(plain);
        rest = &rest[at + read..];
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// A scheme made harmless, and what it stands for. Only before its colon: `hxxpress.example` is a name.
fn defanged_scheme(raw: &str) -> Option<(&'static str, &'static str)> {
    const SCHEMES: [(&str, &str); 5] =
        [("hxxp", "http"), ("h**p", "http"), ("hxtp", "http"), ("htxp", "http"), ("fxp", "ftp")];
    // Asked of every name and address.
    if !matches!(raw.bytes().next(), Some(b'h' | b'H' | b'f' | b'F')) {
        return None;
    }
    let starts = |fanged: &str| raw.get(..fanged.len()).is_some_and(|start| start.eq_ignore_ascii_case(fanged));
    let (fanged, plain) = SCHEMES.into_iter().find(|(fanged, _)| starts(fanged))?;
    let rest = raw[fanged.len()..].trim_start_matches(['s', 'S']);
    rest.starts_with([':', '[', '(', '{']).then_some((fanged, plain))
}

/// What a bracketed sign stands for, and how many bytes it takes.
fn unbracketed(bracket: &str) -> Option<(&'static str, usize)> {
    const SIGNS: [(&str, &str); 7] =
        [(".", "."), ("dot", "."), (":", ":"), ("://", "://"), ("/", "/"), ("@", "@"), ("at", "@")];
    const BYTES_MAX: usize = 7;
    let close = match bracket.bytes().next()? {
        b'[' => b']',
        b'(' => b')',
        _ => b'}',
    };
    let end = bracket.bytes().take(BYTES_MAX).position(|byte| byte == close)?;
    let inside = bracket[1..end].trim();
    let (_, plain) = SIGNS.into_iter().find(|(sign, _)| sign.eq_ignore_ascii_case(inside))?;
    Some((plain, end + 1))
}

/// The words for "there is no value", in any case. `docs/canonical.md` lists them.
pub const PLACEHOLDERS: [&str; 36] = [
    "-",
    "--",
    "---",
    "?",
    "??",
    "*",
    "n/a",
    "(n/a)",
    "<n/a>",
    "#n/a",
    "n.a.",
    "null",
    "(null)",
    "<null>",
    "[null]",
    "nil",
    "(nil)",
    "<nil>",
    "none",
    "(none)",
    "<none>",
    "unknown",
    "(unknown)",
    "<unknown>",
    "[unknown]",
    "undefined",
    "undef",
    "not available",
    "not applicable",
    "not set",
    "(not set)",
    "(empty)",
    "<empty>",
    "[]",
    "{}",
    "\"\"",
];
const PLACEHOLDER_BYTES_MAX: usize = 14;

/// Whether a sender wrote "there is no value" as a value.
#[must_use]
pub fn is_placeholder(raw: &str) -> bool {
    let raw = trimmed(raw);
    // Asked of every value, and nearly always answered by its length or first letter.
    let Some(first) = raw.bytes().next() else { return true };
    let may_be = raw.len() <= PLACEHOLDER_BYTES_MAX
        && matches!(first, b'-' | b'?' | b'*' | b'n' | b'N' | b'#' | b'(' | b'<' | b'[' | b'{' | b'"' | b'u' | b'U');
    may_be && PLACEHOLDERS.iter().any(|word| word.eq_ignore_ascii_case(raw))
}

/// Lower case, and controls neutralised: the form of most names. Borrowed where `raw` is in it already.
#[must_use]
pub fn folded(raw: &str) -> Cow<'_, str> {
    let raw = trimmed(raw);
    if all_bytes(raw, |byte| (0x20..0x7F).contains(&byte) & !byte.is_ascii_uppercase()) {
        return Cow::Borrowed(raw);
    }
    let text = neutral(raw);
    Cow::Owned(if text.is_ascii() { text.to_ascii_lowercase() } else { text.to_lowercase() })
}

/// ASCII lower case; borrowed where it is that already, as most of what comes a second time is.
pub(super) fn lower(raw: &str) -> Cow<'_, str> {
    if all_bytes(raw, |byte| !byte.is_ascii_uppercase()) {
        Cow::Borrowed(raw)
    } else {
        Cow::Owned(raw.to_ascii_lowercase())
    }
}

/// [`folded`], unless that leaves a placeholder.
pub(super) fn folded_value(raw: &str) -> Option<Cow<'_, str>> {
    Some(folded(raw)).filter(|value| !is_placeholder(value))
}

/// As it is, trimmed and neutralised, unless that leaves a placeholder.
pub(super) fn kept_value(raw: &str) -> Option<Cow<'_, str>> {
    Some(neutral(trimmed(raw))).filter(|value| !is_placeholder(value))
}

/// `raw` without what `prefix` says in any case.
pub(super) fn without_prefix<'a>(raw: &'a str, prefix: &str) -> Option<&'a str> {
    raw.get(..prefix.len()).filter(|start| start.eq_ignore_ascii_case(prefix)).map(|_| &raw[prefix.len()..])
}

/// Printable ASCII holds no control of any sort; nearly all text takes this way.
pub(super) fn is_plain(raw: &str) -> bool {
    all_bytes(raw, |byte| (0x20..0x7F).contains(&byte))
}

/// Whether a text has nothing to trim and nothing to neutralise.
pub fn is_line(raw: &str) -> bool {
    is_plain(raw) && trimmed(raw).len() == raw.len()
}

/// Whether all bytes are so. A chunk is looked at as a whole, which compilers turn into a few instructions.
fn all_bytes(raw: &str, is_so: impl Fn(u8) -> bool) -> bool {
    raw.as_bytes().chunks(16).all(|chunk| chunk.iter().fold(true, |all, byte| all & is_so(*byte)))
}

/// [`str::trim`], which reads characters from both ends, for the texts that have nothing to trim: nearly all.
pub fn trimmed(raw: &str) -> &str {
    match raw.as_bytes() {
        [0x21..=0x7E] | [0x21..=0x7E, .., 0x21..=0x7E] => raw,
        _ => raw.trim(),
    }
}

fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{2028}' | '\u{2029}' | '\u{FEFF}')
        || ('\u{202A}'..='\u{202E}').contains(&c)
        || ('\u{2066}'..='\u{2069}').contains(&c)
}
