//! What a word is by its letters alone.

use std::net::IpAddr;

use super::stamp;

const NAME_BYTES_MAX: usize = 64;

/// An address, with what devices write behind it: a port, an interface.
pub(super) fn address(text: &str) -> Option<&str> {
    let first = *text.as_bytes().first()?;
    if !first.is_ascii_hexdigit() && first != b':' {
        return None;
    }
    let end = text.find(['/', '#', '%', '(']).unwrap_or(text.len());
    let bare = text.get(..end)?;
    let parsed =
        |text: &str| text.parse::<IpAddr>().is_ok_and(|ip| !ip.is_unspecified() && !text.starts_with("255.255."));
    if parsed(bare) {
        return Some(bare);
    }
    let (ip, port) = bare.rsplit_once(':')?;
    (ip.contains('.') && port.parse::<u16>().is_ok() && parsed(ip)).then_some(ip)
}

/// `2024-06-15T10:11:12Z`
pub(super) fn is_time(text: &str) -> bool {
    text.as_bytes().get(10) == Some(&b'T') && stamp::at_start(text).is_some_and(|stamp| stamp.bytes == text.len())
}

pub(super) fn is_no_letter(c: char) -> bool {
    !c.is_ascii_alphabetic() && c != '_' && c != '-'
}

pub(super) fn is_name(text: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || "._-\\$@+".contains(c);
    (1..=NAME_BYTES_MAX).contains(&text.len())
        && text.chars().all(allowed)
        && text.contains(|c: char| c.is_alphanumeric())
}

/// A name with a digit or a hyphen in it: a word alone behind `host` may be any.
pub(super) fn is_machine_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    text.bytes().all(allowed)
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.contains(|c: char| c.is_ascii_digit() || c == '-')
        && text.len() <= NAME_BYTES_MAX
        && text != "x86_64"
}

pub(super) fn is_domain(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let top = text.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    text.contains('.')
        && text.bytes().all(allowed)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && (2..=24).contains(&top.len())
        && top.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// `CORP\ann`, and no part of a path or of a registry.
pub(super) fn is_domain_account(text: &str) -> bool {
    let Some((domain, name)) = text.split_once('\\') else { return false };
    let worded = |c: char| c.is_alphanumeric() || "._-".contains(c);
    let hive = domain.starts_with("HK") || domain.eq_ignore_ascii_case("software");
    (2..=32).contains(&domain.len())
        && domain.starts_with(|c: char| c.is_alphabetic())
        && domain.chars().all(worded)
        && !hive
        && !name.contains('\\')
        && name.len() > 1
        && is_name(name)
}

/// `00:11:22:33:44:55`, `00-11-22-33-44-55`, `0011.2233.4455`
pub(super) fn is_mac(text: &str) -> bool {
    let (bytes, step) = (text.as_bytes(), if text.len() == 14 { 5 } else { 3 });
    let mark = bytes.get(step - 1).copied().filter(|mark| b":-.".contains(mark));
    let of =
        |(at, byte): (usize, &u8)| if at % step == step - 1 { Some(*byte) == mark } else { byte.is_ascii_hexdigit() };
    matches!(bytes.len(), 14 | 17)
        && mark.is_some_and(|mark| (mark == b'.') == (step == 5))
        && bytes.iter().enumerate().all(of)
}
