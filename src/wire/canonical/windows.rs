//! Canonical forms of the identifiers that Windows gives: SIDs, logon sessions, GUIDs. Whether one is shared by all
//! machines is `shared`'s to say.

use std::borrow::Cow;

use super::text::{lower, without_prefix};

/// A Windows security identifier in lower case (MS-DTYP 2.4.2.1); the nil SID names nobody.
#[must_use]
pub fn sid(raw: &str) -> Option<Cow<'_, str>> {
    const SUB_AUTHORITIES_MAX: usize = 15;
    let raw = raw.trim().trim_matches(['{', '}', '%', '*']);
    let rest = without_prefix(raw, "s-1-")?;
    let (authority, subs) = rest.split_once('-')?;
    let number = |part: &str| (1..=10).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let sound = is_authority(authority)
        && subs.split('-').all(number)
        && subs.split('-').count() <= SUB_AUTHORITIES_MAX
        && !is_nil_sid(raw);
    sound.then(|| lower(raw))
}

/// The SID of nobody, which [`sid`] refuses.
#[must_use]
pub fn is_nil_sid(raw: &str) -> bool {
    without_prefix(raw, "s-1-0-0") == Some("")
}

/// Decimal, or twelve hexadecimal digits where it does not fit 32 bits.
fn is_authority(raw: &str) -> bool {
    let decimal = (1..=10).contains(&raw.len()) && raw.bytes().all(|byte| byte.is_ascii_digit());
    let hex = |digits: &str| digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    decimal || without_prefix(raw, "0x").is_some_and(hex)
}

/// A logon session's number as `0x…`, or its GUID; zero is no session.
#[must_use]
pub fn logon(raw: &str) -> Option<Cow<'_, str>> {
    let raw = raw.trim().trim_matches(['(', ')']);
    let number = match raw.split_once([',', '-']).filter(|(high, _)| without_prefix(high, "0x").is_some()) {
        Some((high, low)) => number(high)?.checked_mul(1 << 32)?.checked_add(number(low.trim())?)?,
        None => match number(raw) {
            Some(number) => number,
            None => return guid(raw),
        },
    };
    (number != 0).then(|| Cow::Owned(format!("{number:#x}")))
}

/// A whole number in decimal, or in hexadecimal after `0x`.
pub fn number(raw: &str) -> Option<u64> {
    // `from_str_radix` takes a sign.
    match without_prefix(raw, "0x") {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => u64::from_str_radix(digits, 16).ok(),
        Some(_) => None,
        None if raw.bytes().all(|byte| byte.is_ascii_digit()) => raw.parse().ok(),
        None => None,
    }
}

/// A GUID in lower case without braces; nil names nothing.
#[must_use]
pub fn guid(raw: &str) -> Option<Cow<'_, str>> {
    let raw = bare_guid(raw)?;
    let nil = raw.bytes().all(|byte| matches!(byte, b'0' | b'-'));
    (!nil).then(|| lower(raw))
}

/// Whether a text is shaped as a GUID, nil included.
#[must_use]
pub fn is_guid(raw: &str) -> bool {
    bare_guid(raw).is_some()
}

fn bare_guid(raw: &str) -> Option<&str> {
    const DASHES: [usize; 4] = [8, 13, 18, 23];
    let raw = raw.trim().trim_matches(['{', '}']);
    let fits = |(at, byte): (usize, u8)| if DASHES.contains(&at) { byte == b'-' } else { byte.is_ascii_hexdigit() };
    (raw.len() == 36 && raw.bytes().enumerate().all(fits)).then_some(raw)
}
