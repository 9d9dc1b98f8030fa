//! Where a quoted value ends. Senders put quotes into quoted values without escaping them, and end a Windows directory with
//! a backslash before the quote; so a quote closes only where a value can end.

use super::walk;

/// Finds closing quotes of one text, from left to right. A search that found none is not repeated, or a text of nothing
/// but opening quotes would be read to its end for each of them.
#[derive(Debug, Default)]
pub(super) struct Quotes {
    none_double: bool,
    none_single: bool,
}

impl Quotes {
    /// Where the quote at `open` is closed, if there is a quote and it is.
    pub fn close(&mut self, text: &str, open: usize) -> Option<usize> {
        let quote = *text.as_bytes().get(open).filter(|byte| is_quote(**byte))?;
        let none = if quote == b'"' { &mut self.none_double } else { &mut self.none_single };
        if *none {
            return None;
        }
        let found = find(text, open + 1, quote);
        *none = found.is_none();
        found
    }
}

pub(super) fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'')
}

fn find(text: &str, mut at: usize, quote: u8) -> Option<usize> {
    let bytes = text.as_bytes();
    loop {
        let rest = bytes.get(at..)?;
        at += rest.iter().position(|byte| *byte == quote || *byte == b'\\')?;
        let next = bytes.get(at + 1).copied();
        match bytes[at] {
            b'\\' if next == Some(quote) => {
                if ends_directory(text, at + 2) {
                    return Some(at + 1);
                }
                at += 2;
            }
            b'\\' if next == Some(b'\\') => at += 2,
            b'\\' => at += 1,
            _ if next.is_none_or(ends_value) => return Some(at),
            _ => at += 1,
        }
    }
}

/// What can stand behind the closing quote.
fn ends_value(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b",;|^~)]}>.".contains(&byte)
}

/// Whether a quote behind a backslash closes after all, because the next pair or the end of the text is at `at`.
fn ends_directory(text: &str, at: usize) -> bool {
    let rest = &text.as_bytes()[at..];
    let blanks = rest.iter().take(4).take_while(|byte| ends_value(**byte)).count();
    let next = at + blanks;
    rest.is_empty() || blanks > 0 && walk::head(text, next, false).is_some_and(|head| head.quoted_value(text))
}
