//! The places of a text where a pair can begin, and whether one does. Which of them are pairs is left to `pairs`, that
//! knows the style of the whole, and to `loose`, that knows none.

use std::ops::Range;

use super::quote::{Quotes, is_quote};

/// A longer name than this is no name.
const KEY_BYTES_MAX: usize = 64;
const KEY_WORDS_MAX: usize = 6;
const NUMBER_DIGITS_MAX: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Assign {
    Equals,
    /// `name: value`, `name:"value"`
    Colon,
    /// `name:value`
    TightColon,
}

/// `name=` at a place of the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head<'a> {
    pub name: &'a str,
    pub assign: Assign,
    /// Where its value begins.
    pub value_at: usize,
    /// Of one word, or in quotes.
    pub strict: bool,
}

impl Head<'_> {
    pub fn quoted_value(&self, text: &str) -> bool {
        text.as_bytes().get(self.value_at).is_some_and(|byte| is_quote(*byte))
    }
}

/// A run of separators, or the start of the text.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    pub run: Range<usize>,
    /// The first of them that is no blank; a blank where there is none, nothing at the start. Several blanks count as
    /// the tab that a relay has turned into them.
    pub separator: Option<u8>,
    /// Whether it has several blanks in a row.
    pub wide: bool,
}

pub(super) struct Walk<'a> {
    text: &'a str,
    at: usize,
    started: bool,
    quotes: Quotes,
}

impl<'a> Walk<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, started: false, quotes: Quotes::default() }
    }

    pub fn next(&mut self) -> Option<Stop> {
        let bytes = self.text.as_bytes();
        let from = match self.started {
            true => self.at + bytes.get(self.at..)?.iter().position(|byte| is_separator(*byte))?,
            false => 0,
        };
        let run = bytes[from..].iter().take_while(|byte| is_separator(**byte) || is_opener(**byte)).count();
        let run = from..from + run;
        let separator = self.started.then(|| kind(&bytes[run.clone()]));
        self.started = true;
        self.at = run.end;
        let wide = is_wide(&bytes[run.clone()]);
        (run.end < bytes.len()).then_some(Stop { run, separator, wide })
    }

    /// Goes on behind the value at `at`, if that is in quotes, and returns where they close.
    pub fn pass(&mut self, at: usize) -> Option<usize> {
        let end = self.quotes.close(self.text, at);
        self.at = end.map_or(at, |end| end + 1).max(self.at);
        end
    }

    /// Goes on behind a quoted word, which may hold what looks like pairs.
    pub fn pass_word(&mut self) {
        if self.text.as_bytes().get(self.at) == Some(&b'"') {
            self.pass(self.at);
        }
    }
}

fn is_separator(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b",;|^~".contains(&byte)
}

fn is_opener(byte: u8) -> bool {
    b"([{<".contains(&byte)
}

fn kind(run: &[u8]) -> u8 {
    let hard = run.iter().copied().find(|byte| is_separator(*byte) && !byte.is_ascii_whitespace());
    let white = || run.iter().copied().find(|byte| matches!(byte, b'\n' | b'\t'));
    let blank = || if is_wide(run) { b'\t' } else { b' ' };
    hard.or_else(white).unwrap_or_else(blank)
}

/// Whether the run has several blanks in a row.
fn is_wide(run: &[u8]) -> bool {
    run.windows(2).any(|pair| pair == b"  ")
}

/// The name at `at`, if an assignment follows it. With `wordy` it may be of several words.
pub(super) fn head(text: &str, at: usize, wordy: bool) -> Option<Head<'_>> {
    let bytes = text.as_bytes().get(at..)?;
    let quote = bytes.first().copied().filter(|byte| is_quote(*byte));
    let (name, behind) = match quote {
        Some(quote) => quoted_name(text, at, quote)?,
        None => bare_name(text, at, wordy)?,
    };
    let strict = quote.is_some() || !name.contains(' ');
    let behind = behind + number(&text.as_bytes()[behind..]);
    let blanks = usize::from(quote.is_none() && text[behind..].starts_with(' '));
    let sign = behind + blanks;
    let (assign, next) = assignment(text.as_bytes().get(sign..)?, quote.is_some(), blanks > 0)?;
    let named = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let spaced = (blanks > 0 || assign == Assign::Colon) && next == Some(b' ');
    let value_at = sign + 1 + usize::from(spaced);
    (named || assign == Assign::Equals).then_some(Head { name, assign, value_at, strict })
}

/// The number of a field that H3C writes behind its name: `SrcPort(1004)=`.
fn number(bytes: &[u8]) -> usize {
    let digits = bytes.iter().skip(1).take(NUMBER_DIGITS_MAX).take_while(|byte| byte.is_ascii_digit()).count();
    if digits > 0 && bytes.starts_with(b"(") && bytes[1 + digits..].starts_with(b")=") { digits + 2 } else { 0 }
}

/// The sign at the start of `bytes` and what follows it.
fn assignment(bytes: &[u8], quoted_name: bool, blank_before: bool) -> Option<(Assign, Option<u8>)> {
    let (sign, next) = (*bytes.first()?, bytes.get(1).copied());
    // ` = ` is an assignment, ` =` and a value is half of one.
    if blank_before && next != Some(b' ') {
        return None;
    }
    let apart = next.is_none_or(|next| next.is_ascii_whitespace() || is_quote(next));
    let assign = match (sign, next) {
        (b'=', Some(b'=')) => return None,
        (b'=', _) => Assign::Equals,
        (b':', _) if apart || quoted_name => Assign::Colon,
        // No scheme of a URL, drive or `::`.
        (b':', Some(next)) if !b"/\\:".contains(&next) => Assign::TightColon,
        _ => return None,
    };
    Some((assign, next))
}

fn quoted_name(text: &str, at: usize, quote: u8) -> Option<(&str, usize)> {
    let inner = text.as_bytes().get(at + 1..)?;
    let length = inner.iter().take(KEY_BYTES_MAX).position(|byte| *byte == quote)?;
    let name = text.get(at + 1..at + 1 + length)?.trim();
    let plain = !name.is_empty() && !name.contains(['=', ',', '\\']);
    plain.then_some((name, at + length + 2))
}

/// The name and where it ends, without the blank before its sign.
fn bare_name(text: &str, at: usize, wordy: bool) -> Option<(&str, usize)> {
    let bytes = text.as_bytes().get(at..)?;
    let first = *bytes.first()?;
    if !first.is_ascii_alphanumeric() && first != b'_' {
        return None;
    }
    let length = bytes
        .iter()
        .take(KEY_BYTES_MAX)
        .take_while(|byte| byte.is_ascii_alphanumeric() || b"_.-[]@/#".contains(byte) || wordy && **byte == b' ')
        .count();
    let name = text[at..at + length].trim_end();
    let words = name.bytes().filter(|byte| *byte == b' ').count() + 1;
    // `[admin]: text`: a bracket that closes here is not the name's, nor is one between its words.
    let whole = if words == 1 { name.contains('[') || !name.contains(']') } else { !name.contains(['[', ']']) };
    // The number before a name is not of it.
    let lettered = words == 1 || first.is_ascii_alphabetic();
    (whole && lettered && words <= KEY_WORDS_MAX && !name.contains("  ")).then_some((name, at + name.len()))
}
