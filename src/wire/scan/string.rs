//! JSON strings: where one ends, whether it is well formed, and what a key with escapes spells.

use std::ops::Range;

/// The bytes between the quotes.
pub(super) struct Span {
    pub range: Range<usize>,
    pub escaped: bool,
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Reads the string whose opening quote is at `quote`; the error is the place of the offence.
#[inline]
pub(super) fn read(bytes: &[u8], quote: usize) -> Result<Span, usize> {
    let from = quote + 1;
    let mut at = from;
    let mut escaped = false;
    loop {
        at = next_special(bytes, at);
        match bytes.get(at) {
            Some(b'"') => return Ok(Span { range: from..at, escaped }),
            Some(b'\\') => {
                escaped = true;
                at += escape_len(&bytes[at..]).ok_or(at)?;
            }
            Some(_) | None => return Err(at.min(bytes.len())),
        }
    }
}

/// The next quote, backslash or control byte at or after `at`, eight bytes at a time.
#[inline]
fn next_special(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        let special =
            zero_bytes(word ^ (ONES * u64::from(b'"'))) | zero_bytes(word ^ (ONES * u64::from(b'\\'))) | controls(word);
        if special != 0 {
            return at + special.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\') || *byte < 0x20;
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(is_special).unwrap_or(rest.len())
}

/// Sets the high bit of each byte that is zero; bytes above the first such one may be wrong, and are not looked at.
const fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGHS
}

/// The same for bytes below 0x20.
const fn controls(word: u64) -> u64 {
    word.wrapping_sub(ONES * 0x20) & !word & HIGHS
}

/// Length of the escape at the start of `bytes`. Half a surrogate pair is no character, and no parser may see one.
fn escape_len(bytes: &[u8]) -> Option<usize> {
    match bytes.get(1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(2),
        b'u' => match hex4(bytes.get(2..6)?)? {
            0xD800..=0xDBFF => {
                let low = bytes.get(6..12).filter(|rest| rest.starts_with(b"\\u")).and_then(|rest| hex4(&rest[2..]))?;
                (0xDC00..=0xDFFF).contains(&low).then_some(12)
            }
            0xDC00..=0xDFFF => None,
            _ => Some(6),
        },
        _ => None,
    }
}

fn hex4(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, &digit| Some(value * 16 + char::from(digit).to_digit(16)?))
}

/// What the inside of a well-formed string with escapes spells. `read` has accepted it, so nothing here can fail.
pub(super) fn unescaped(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((plain, escape)) = rest.split_once('\\') {
        text.push_str(plain);
        let (letter, bytes) = letter(escape.as_bytes()).unwrap_or((char::REPLACEMENT_CHARACTER, 1));
        text.push(letter);
        rest = escape.get(bytes..).unwrap_or_default();
    }
    text.push_str(rest);
    text
}

/// The letter of an escape behind its backslash, and how many bytes it takes there.
fn letter(escape: &[u8]) -> Option<(char, usize)> {
    let simple = match escape.first()? {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return code_point(escape),
        other => char::from(*other),
    };
    Some((simple, 1))
}

fn code_point(escape: &[u8]) -> Option<(char, usize)> {
    let unit = hex4(escape.get(1..5)?)?;
    match char::from_u32(unit) {
        Some(letter) => Some((letter, 5)),
        None => {
            let low = hex4(escape.get(7..11)?)?;
            let code = 0x1_0000 + ((unit - 0xD800) << 10) + low.checked_sub(0xDC00)?;
            Some((char::from_u32(code)?, 11))
        }
    }
}
