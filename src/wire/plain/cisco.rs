//! `%FACILITY-SEVERITY-MNEMONIC: message`, the mark of Cisco's systems and of others that took it over.

use super::sink::Sink;

/// The mark stands at the start of the body, or behind what a header leaves there.
const SEARCHED_BYTES: usize = 256;
const MARK_BYTES_MAX: usize = 64;

/// The message behind the mark, or the body where there is none.
pub(super) fn read<'a>(body: &'a str, sink: &mut Sink<'a>) -> &'a str {
    let searched = &body[..body.floor_char_boundary(SEARCHED_BYTES)];
    let Some(mark) = searched.match_indices('%').find_map(|(at, _)| mark(&body[at + 1..])) else { return body };
    sink.push("cisco.facility", mark.facility);
    sink.push("cisco.severity", mark.severity);
    sink.push("cisco.mnemonic", mark.mnemonic);
    sink.push("cisco.message", mark.message);
    mark.message
}

struct Mark<'a> {
    facility: &'a str,
    severity: &'a str,
    mnemonic: &'a str,
    message: &'a str,
}

fn mark(text: &str) -> Option<Mark<'_>> {
    comware(text).or_else(|| dashed(text))
}

/// `%%10SHELL/5/SHELL_LOGIN: message`, `%%01POLICY/4/POLICYDENY(l)[12]:message`: H3C's and Huawei's. The first percent
/// sign stands before `text`.
fn comware(text: &str) -> Option<Mark<'_>> {
    let numbered = text.strip_prefix('%')?;
    let words = numbered.trim_start_matches(|c: char| c.is_ascii_digit());
    let digit = numbered.len() - words.len();
    let colon = words.bytes().take(MARK_BYTES_MAX).position(|byte| byte == b':')?;
    let (mark, message) = (&words[..colon], words[colon + 1..].trim_start());
    let mut parts = mark.splitn(3, '/');
    let (facility, severity, mnemonic) = (parts.next()?, parts.next()?, parts.next()?);
    let mnemonic = mnemonic.split(['(', '[']).next().unwrap_or(mnemonic);
    let whole = (1..=4).contains(&digit) && !facility.is_empty() && !mnemonic.is_empty();
    let known = matches!(severity.as_bytes(), [b'0'..=b'7']) && !mark.contains(' ');
    (whole && known).then_some(Mark { facility, severity, mnemonic, message })
}

fn dashed(text: &str) -> Option<Mark<'_>> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    let length = text.bytes().take(MARK_BYTES_MAX).take_while(|byte| allowed(*byte)).count();
    let (words, rest) = text.split_at(length);
    let message = rest.strip_prefix(':')?.trim_start();
    let (before, mnemonic) = words.rsplit_once('-')?;
    let (facility, severity) = before.rsplit_once('-')?;
    let upper = facility.bytes().next()?.is_ascii_uppercase();
    let digit = matches!(severity.as_bytes(), [b'0'..=b'7']);
    (upper && digit && !mnemonic.is_empty()).then(|| Mark {
        facility: facility.trim_end_matches('-'),
        severity,
        mnemonic,
        message,
    })
}
