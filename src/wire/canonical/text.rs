//! Foreign text made harmless: control characters neutralised, lengths bounded, defanged indicators read as meant.
//! What a value means is left to its kind's own function.

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

/// Undoes the habit of writing indicators so that nobody clicks on them: `hxxp`, `[.]`, `(.)`, `[:]`, `[@]`, `[dot]`.
#[must_use]
pub fn refanged(raw: &str) -> Cow<'_, str> {
    let hxxp = raw.len() >= 4 && raw.as_bytes()[..4].eq_ignore_ascii_case(b"hxxp");
    if !hxxp && !raw.bytes().any(|byte| matches!(byte, b'[' | b'(' | b'{')) {
        return Cow::Borrowed(raw);
    }
    let mut text = raw.to_owned();
    if hxxp {
        text.replace_range(..4, "http");
    }
    for (fanged, plain) in DEFANGED {
        if text.contains(fanged) {
            text = text.replace(fanged, plain);
        }
    }
    Cow::Owned(text)
}

const DEFANGED: [(&str, &str); 12] = [
    ("[.]", "."),
    ("(.)", "."),
    ("{.}", "."),
    ("[dot]", "."),
    ("(dot)", "."),
    ("[:]", ":"),
    ("[://]", "://"),
    ("[/]", "/"),
    ("[@]", "@"),
    ("(@)", "@"),
    ("[at]", "@"),
    ("(at)", "@"),
];

/// Whether a sender wrote "there is no value" as a value.
#[must_use]
pub fn is_placeholder(raw: &str) -> bool {
    const PLACEHOLDERS: [&str; 16] = [
        "-",
        "--",
        "n/a",
        "null",
        "(null)",
        "<null>",
        "nil",
        "none",
        "(none)",
        "<none>",
        "unknown",
        "<unknown>",
        "?",
        "*",
        "undefined",
        "not available",
    ];
    let raw = raw.trim();
    // Asked of every value, and nearly always answered by its length or first letter.
    let Some(first) = raw.bytes().next() else { return true };
    let may_be = raw.len() <= 13 && matches!(first, b'-' | b'n' | b'N' | b'(' | b'<' | b'u' | b'U' | b'?' | b'*');
    may_be && PLACEHOLDERS.iter().any(|word| word.eq_ignore_ascii_case(raw))
}

/// Lower case, and controls neutralised: the form of most names.
#[must_use]
pub fn folded(raw: &str) -> String {
    let text = neutral(raw.trim());
    if text.is_ascii() { text.to_ascii_lowercase() } else { text.to_lowercase() }
}

/// Printable ASCII holds no control of any sort; nearly all text takes this way.
fn is_plain(raw: &str) -> bool {
    raw.bytes().all(|byte| (0x20..0x7F).contains(&byte))
}

fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{2028}' | '\u{2029}' | '\u{FEFF}')
        || ('\u{202A}'..='\u{202E}').contains(&c)
        || ('\u{2066}'..='\u{2069}').contains(&c)
}
