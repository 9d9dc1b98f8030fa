//! What the shape of a value says by itself. Only shapes that hardly anything else has are told; a name that merely
//! looks like a host or an account says nothing without its field.

use crate::model::ObservableKind;
use crate::wire::canonical::net;

/// Nothing of interest is longer, and the checks read every byte.
const VALUE_BYTES_MAX: usize = 4_096;

/// What every value of this shape is, and how surely (0 to 100). An ARN and a SID are no observables and come out as
/// [`ObservableKind::Other`]; a GUID is nothing.
#[must_use]
pub fn shape(value: &str) -> Option<(ObservableKind, u8)> {
    let value = value.trim();
    if value.len() < 3 || value.len() > VALUE_BYTES_MAX || value.contains(char::is_whitespace) {
        return None;
    }
    if is_ip(value) {
        return Some((ObservableKind::Ip, 40));
    }
    if is_url(value) {
        return Some((ObservableKind::Url, 40));
    }
    if is_sid(value) || is_arn(value) {
        return Some((ObservableKind::Other, 40));
    }
    if is_cve(value) {
        return Some((ObservableKind::Cve, 40));
    }
    if is_mac(value) {
        return Some((ObservableKind::Mac, 40));
    }
    if is_email(value) {
        return Some((ObservableKind::Email, 40));
    }
    is_digest(value).then_some((ObservableKind::Hash, 38))
}

pub(super) fn is_ip(value: &str) -> bool {
    // The cheap look first: most values are no address, and the full reading may have to undo a defanged one.
    let head = value.bytes().next();
    let shaped = head.is_some_and(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'[' | b':'));
    shaped && value.len() <= 64 && value.contains(['.', ':']) && net::ip(value).is_some()
}

pub(super) fn is_cidr(value: &str) -> bool {
    let Some((address, length)) = value.split_once('/') else { return false };
    length.len() <= 3 && length.parse::<u8>().is_ok_and(|length| length <= 128) && net::ip(address).is_some()
}

pub(super) fn is_url(value: &str) -> bool {
    let Some((scheme, rest)) = value.split_once("://") else { return false };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    (3..=12).contains(&scheme.len()) && scheme.bytes().all(plain) && rest.len() >= 2
}

/// `local@domain.tld`, also in angle brackets behind a name.
pub(super) fn is_email(value: &str) -> bool {
    let inner = value.rsplit_once('<').map_or(value, |(_, inner)| inner).trim_end_matches('>').trim();
    let Some((local, domain)) = inner.split_once('@') else { return false };
    let odd = |c: char| c.is_whitespace() || matches!(c, '/' | ':' | ',' | ';' | '(' | ')' | '"' | '\\' | '=');
    !local.is_empty() && inner.len() <= 254 && !local.contains(odd) && is_domain(domain)
}

pub(super) fn is_domain(value: &str) -> bool {
    let value = value.strip_prefix("*.").unwrap_or(value).trim_end_matches('.');
    let Some((_, last)) = value.rsplit_once('.') else { return false };
    last.len() >= 2 && !last.bytes().all(|byte| byte.is_ascii_digit()) && is_label_list(value)
}

fn is_label_list(value: &str) -> bool {
    let letter = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    value.len() <= 253
        && value.split('.').all(|label| !label.is_empty() && label.len() <= 63 && label.chars().all(letter))
}

/// A machine's name, with or without its domain or the `$` of its account. All digits is a number.
pub(super) fn is_host_name(value: &str) -> bool {
    let value = value.trim_start_matches('\\').trim_end_matches(['$', '.']);
    let value = value.rsplit_once('\\').map_or(value, |(_, name)| name);
    let named = value.chars().any(char::is_alphabetic);
    named && value.len() >= 2 && is_label_list(value) && !is_guid(value) && !is_digest(value)
}

pub(super) fn is_guid(value: &str) -> bool {
    let value = value.trim_matches(['{', '}']);
    let mut parts = value.split('-');
    let fits = |part: Option<&str>, length: usize| {
        part.is_some_and(|part| part.len() == length && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    [8, 4, 4, 4, 12].into_iter().all(|length| fits(parts.next(), length)) && parts.next().is_none()
}

pub(super) fn is_digest(value: &str) -> bool {
    let hexadecimal = |value: &str| value.bytes().all(|byte| byte.is_ascii_hexdigit());
    // Long numbers are numbers.
    let lettered = value.bytes().any(|byte| !byte.is_ascii_digit());
    matches!(value.len(), 32 | 40 | 56 | 64 | 96 | 128) && lettered && hexadecimal(value)
}

/// A digest, bare or behind the name of its algorithm, alone or in a list of such (`MD5=…,SHA256=…`).
pub(super) fn is_hash(value: &str) -> bool {
    value.split([',', ';', ' ']).any(|item| is_digest(item.rsplit_once([':', '=']).map_or(item, |(_, digest)| digest)))
}

/// A digest as fingerprints are written, with or without separators.
pub(super) fn is_fingerprint(value: &str) -> bool {
    let digits = value.bytes().filter(u8::is_ascii_hexdigit).count();
    let separators = value.bytes().filter(|byte| matches!(byte, b':' | b'-' | b' ')).count();
    matches!(digits, 32 | 40 | 64) && digits + separators == value.len()
}

pub(super) fn is_sid(value: &str) -> bool {
    let rest = value.get(..4).filter(|start| start.eq_ignore_ascii_case("s-1-")).map(|_| &value[4..]);
    rest.is_some_and(|rest| rest.len() <= 180 && rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'))
}

pub(super) fn is_arn(value: &str) -> bool {
    value.strip_prefix("arn:").is_some_and(|rest| rest.bytes().filter(|byte| *byte == b':').count() >= 4)
}

/// Six octets; bare hexadecimal digits are too many other things.
pub(super) fn is_mac(value: &str) -> bool {
    let separated = |separator: u8| {
        value.len() == 17
            && value.bytes().enumerate().all(
                |(at, byte)| {
                    if at % 3 == 2 { byte == separator } else { byte.is_ascii_hexdigit() }
                },
            )
    };
    let dotted = value.len() == 14
        && value
            .bytes()
            .enumerate()
            .all(|(at, byte)| if at % 5 == 4 { byte == b'.' } else { byte.is_ascii_hexdigit() });
    separated(b':') || separated(b'-') || dotted
}

pub(super) fn is_cve(value: &str) -> bool {
    let Some(rest) = value.get(..4).filter(|start| start.eq_ignore_ascii_case("cve-")).map(|_| &value[4..]) else {
        return false;
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    rest.split_once('-').is_some_and(|(year, number)| {
        year.len() == 4 && (4..=10).contains(&number.len()) && digits(year) && digits(number)
    })
}

pub(super) fn is_number(value: &str) -> bool {
    value.len() <= 32 && value.bytes().any(|byte| byte.is_ascii_digit()) && value.parse::<f64>().is_ok()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    /// A point in time.
    Whole,
    /// Without its hour.
    Day,
    /// Without its day.
    Hour,
}

/// Whether this can be a time at all: reading it is left to whoever knows its format.
pub(super) fn clock(value: &str) -> Option<Clock> {
    if value.len() < 5 || value.len() > 64 {
        return None;
    }
    if let Ok(number) = value.parse::<f64>() {
        // 1980 in seconds up to 2100 in nanoseconds.
        return (3e8..5e18).contains(&number).then_some(Clock::Whole);
    }
    if value.starts_with("/Date(") {
        return Some(Clock::Whole);
    }
    let hour = has_hour(value);
    match (has_day(value), hour) {
        (true, true) => Some(Clock::Whole),
        (true, false) if value.len() <= 20 => Some(Clock::Day),
        (false, true) if value.len() <= 20 => Some(Clock::Hour),
        (true | false, _) => None,
    }
}

/// Two digits, a colon, two digits.
fn has_hour(value: &str) -> bool {
    value
        .as_bytes()
        .windows(5)
        .any(|window| window[2] == b':' && [window[0], window[1], window[3], window[4]].iter().all(u8::is_ascii_digit))
}

/// `2026-01-31`, `2026/01/31`, `31/01/2026`, `31/Jan/2026`, `Jan 31`, `20260131T`.
fn has_day(value: &str) -> bool {
    let bytes = value.as_bytes();
    let separated = |window: &[u8], at: usize| {
        matches!(window[at], b'-' | b'/' | b'.')
            && window.iter().enumerate().all(|(i, b)| i == at || b.is_ascii_digit())
    };
    let numbers = bytes.windows(5).any(|window| separated(window, 4) || separated(window, 2));
    let compact = bytes.len() >= 9 && bytes[..8].iter().all(u8::is_ascii_digit) && bytes[8] == b'T';
    numbers || compact || bytes.windows(3).any(is_month)
}

fn is_month(word: &[u8]) -> bool {
    const MONTHS: [&[u8; 3]; 12] =
        [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];
    MONTHS.iter().any(|month| word.eq_ignore_ascii_case(*month))
}
