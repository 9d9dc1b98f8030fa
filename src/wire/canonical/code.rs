//! Canonical forms of what is written as a code: hashes, certificates, TLS fingerprints, vulnerability and ATT&CK ids.

use std::borrow::Cow;

use super::text::{lower, without_prefix};

/// Digests and the number of their hexadecimal digits (FIPS 180-4, RFC 1321); an import hash is an MD5.
const ALGORITHMS: [(&str, usize); 13] = [
    ("md5", 32),
    ("imphash", 32),
    ("sha1", 40),
    ("sha-1", 40),
    ("sha224", 56),
    ("sha-224", 56),
    ("sha256", 64),
    ("sha-256", 64),
    ("sha384", 96),
    ("sha-384", 96),
    ("sha512", 128),
    ("sha-512", 128),
    ("hash", 0),
];

/// Lower-case hexadecimal of a known digest length. The length names the algorithm, so a prefix such as `sha256:` is
/// dropped, unless it contradicts it; all zeros is a placeholder. Fuzzy hashes have other lengths and alphabets.
#[must_use]
pub fn hash(raw: &str) -> Option<Cow<'_, str>> {
    let raw = raw.trim();
    if let Some(bare) = digest(raw) {
        return Some(bare);
    }
    let (name, digits) = raw.rsplit_once([':', '=']).map_or(("", raw), |(name, digits)| (name.trim(), digits.trim()));
    let digits = without_prefix(digits, "0x").unwrap_or(digits);
    let known = ALGORITHMS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    let agrees = name.is_empty() || known.is_some_and(|(_, length)| *length == 0 || *length == digits.len());
    if agrees { digest(digits) } else { None }
}

fn digest(digits: &str) -> Option<Cow<'_, str>> {
    let shaped = matches!(digits.len(), 32 | 40 | 56 | 64 | 96 | 128) && is_hex(digits);
    let nil = digits.bytes().all(|byte| byte == b'0');
    (shaped && !nil).then(|| lower(digits))
}

pub(super) fn is_hex(raw: &str) -> bool {
    raw.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_number(raw: &str) -> bool {
    raw.bytes().all(|byte| byte.is_ascii_digit())
}

/// `CVE-2021-44228`: a year and at least four digits, padded to four and no further.
#[must_use]
pub fn cve(raw: &str) -> Option<Cow<'_, str>> {
    const DASHES: [char; 7] = ['-', '_', ' ', '\u{2010}', '\u{2011}', '\u{2013}', '\u{2014}'];
    let raw = raw.trim();
    let mut parts = without_prefix(raw, "cve")?.strip_prefix(DASHES)?.splitn(2, DASHES);
    let (year, number) = (parts.next()?, parts.next()?);
    let year_known = year.len() == 4 && is_number(year) && ("1999".."2200").contains(&year);
    let padded = number.len() > 4 && number.starts_with('0');
    if !year_known || padded || !(4..=10).contains(&number.len()) || !is_number(number) {
        return None;
    }
    let same = raw.starts_with("CVE-") && raw.as_bytes().get(8) == Some(&b'-');
    Some(if same { Cow::Borrowed(raw) } else { Cow::Owned(format!("CVE-{year}-{number}")) })
}

/// A certificate's SHA-1 or SHA-256 fingerprint: hexadecimal without separators.
#[must_use]
pub fn certificate(raw: &str) -> Option<Cow<'_, str>> {
    const NAMES: [&str; 4] = ["sha256fingerprint", "sha1fingerprint", "sha256", "sha1"];
    let raw = raw.trim();
    if raw.len() <= 64 && is_hex(raw) {
        return digest(raw).filter(|digits| is_fingerprint(digits));
    }
    let bare: String = raw.chars().filter(|c| !matches!(c, ':' | ' ' | '-' | '=')).collect();
    let digits = NAMES.iter().find_map(|name| without_prefix(&bare, name)).unwrap_or(&bare);
    digest(digits).filter(|digits| is_fingerprint(digits)).map(|digits| Cow::Owned(digits.into_owned()))
}

fn is_fingerprint(digits: &str) -> bool {
    matches!(digits.len(), 40 | 64)
}

/// The MD5 of a client's or server's hello.
#[must_use]
pub fn ja3(raw: &str) -> Option<Cow<'_, str>> {
    hash(raw).filter(|digits| digits.len() == 32)
}

/// JA4 (`a_b_c`) and its relatives of one connection: JA4S, JA4H and JA4X. All but the first part are hexadecimal.
#[must_use]
pub fn ja4(raw: &str) -> Option<Cow<'_, str>> {
    // JA4, JA4S, JA4X, JA4H.
    const SHAPES: [&[usize]; 4] = [&[10, 12, 12], &[7, 4, 12], &[12, 12, 12], &[12, 12, 12, 12]];
    let raw = raw.trim();
    let shaped = SHAPES.iter().any(|shape| raw.split('_').map(str::len).eq(shape.iter().copied()));
    let mut parts = raw.split('_');
    let first = parts.next()?.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (shaped && first && parts.all(is_hex)).then(|| lower(raw))
}

/// `T1003` or `T1003.001`.
#[must_use]
pub fn technique(raw: &str) -> Option<Cow<'_, str>> {
    if let [b'T', main @ ..] = raw.as_bytes()
        && is_technique_number(main)
    {
        return Some(Cow::Borrowed(raw));
    }
    let raw = raw.trim().trim_end_matches('/');
    let raw = without_prefix(raw, "https://attack.mitre.org/techniques/").unwrap_or(raw);
    let raw = without_prefix(raw, "attack.").unwrap_or(raw);
    let rest = without_prefix(raw, "t")?;
    let (main, sub) = rest.split_once(['.', '/']).map_or((rest, None), |(main, sub)| (main, Some(sub)));
    let digits = |part: &str, count| part.len() == count && is_number(part);
    match sub {
        None if digits(main, 4) => Some(Cow::Owned(format!("T{main}"))),
        Some(sub) if digits(main, 4) && digits(sub, 3) => Some(Cow::Owned(format!("T{main}.{sub}"))),
        None | Some(_) => None,
    }
}

/// `1003` or `1003.001`.
fn is_technique_number(number: &[u8]) -> bool {
    let fits = |(at, byte): (usize, &u8)| if at == 4 { *byte == b'.' } else { byte.is_ascii_digit() };
    matches!(number.len(), 4 | 8) && number.iter().enumerate().all(fits)
}

/// `TA0006`, also from the tactic's name in any of its spellings (`Credential Access`, `credential-access`).
#[must_use]
pub fn tactic(raw: &str) -> Option<&'static str> {
    if let Some((id, _)) = TACTICS.iter().find(|(id, _)| *id == raw) {
        return Some(id);
    }
    let plain: String = raw.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let plain = plain.strip_prefix("attack").unwrap_or(&plain);
    TACTICS.iter().find(|(id, name)| *name == plain || id.eq_ignore_ascii_case(plain)).map(|(id, _)| *id)
}

const TACTICS: [(&str, &str); 14] = [
    ("TA0043", "reconnaissance"),
    ("TA0042", "resourcedevelopment"),
    ("TA0001", "initialaccess"),
    ("TA0002", "execution"),
    ("TA0003", "persistence"),
    ("TA0004", "privilegeescalation"),
    ("TA0005", "defenseevasion"),
    ("TA0006", "credentialaccess"),
    ("TA0007", "discovery"),
    ("TA0008", "lateralmovement"),
    ("TA0009", "collection"),
    ("TA0011", "commandandcontrol"),
    ("TA0010", "exfiltration"),
    ("TA0040", "impact"),
];
