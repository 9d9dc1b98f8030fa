//! Canonical forms of what is written as a code: hashes, files, registry keys, vulnerability and ATT&CK ids.

use super::text::{folded, is_placeholder, neutral};

/// Lower-case hexadecimal of a known digest length. The length names the algorithm, so a prefix such as `sha256:` is
/// dropped; all zeros is a placeholder.
#[must_use]
pub fn hash(raw: &str) -> Option<String> {
    const DIGITS: [usize; 6] = [32, 40, 56, 64, 96, 128];
    let raw = raw.trim();
    let digits = raw.rsplit_once([':', '=']).map_or(raw, |(_, digits)| digits).trim();
    let shaped = DIGITS.contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let nil = digits.bytes().all(|byte| byte == b'0');
    (shaped && !nil).then(|| digits.to_ascii_lowercase())
}

/// The digests of nothing: every product reports them, about every empty file.
#[must_use]
pub fn is_empty_file(hash: &str) -> bool {
    const EMPTY: [&str; 3] = [
        "d41d8cd98f00b204e9800998ecf8427e",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ];
    EMPTY.contains(&hash)
}

/// A Windows path in lower case with `\`, its device prefixes removed; a Unix path as it is, since there case counts. A
/// bare name (`System`, `a.exe`) is no path: every machine has one.
#[must_use]
pub fn file_path(raw: &str) -> Option<String> {
    let quote = |c: char| c.is_whitespace() || c == '"';
    let raw = neutral(raw.trim_matches(quote));
    if is_placeholder(&raw) {
        return None;
    }
    if raw.starts_with('/') {
        return Some(raw.trim_end().to_owned());
    }
    let lower = folded(&raw);
    let windows = lower.contains('\\') || lower.as_bytes().get(1) == Some(&b':');
    let mut path = if windows { lower.replace('/', "\\") } else { lower };
    while let Some(bare) = DEVICE_PREFIXES.iter().find_map(|prefix| path.strip_prefix(prefix)) {
        path = bare.trim_start_matches(quote).to_owned();
    }
    let placed = path.contains('\\') || path.as_bytes().get(1) == Some(&b':');
    (placed && !is_placeholder(&path)).then(|| on_drive_c(path))
}

const DEVICE_PREFIXES: [&str; 3] = [r"\\?\", r"\\.\", r"\??\"];

/// Kernel drivers name the volume where everything else names the drive; the first fixed volumes are `c:` in practice.
fn on_drive_c(path: String) -> String {
    let Some(rest) = path.strip_prefix(r"\device\harddiskvolume") else { return path };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    match &rest[digits..] {
        tail if digits > 0 && tail.starts_with('\\') => format!("c:{tail}"),
        _ => path,
    }
}

/// Files that every machine of a platform has; two alerts that both name one of them have nothing in common.
#[must_use]
pub fn is_system_path(path: &str) -> bool {
    const SYSTEM: [&str; 6] =
        [r"c:\windows\", r"c:\program files\", r"c:\program files (x86)\", r"\systemroot\", "/usr/", "/bin/"];
    SYSTEM.iter().any(|prefix| path.starts_with(prefix))
}

/// The last part of a path, in lower case.
#[must_use]
pub fn file_name(raw: &str) -> Option<String> {
    let lower = folded(raw);
    let quote = |c: char| c.is_whitespace() || c == '"';
    let name = lower.trim_matches(quote).rsplit(['/', '\\']).next()?.trim_matches(quote);
    (!is_placeholder(name)).then(|| name.to_owned())
}

#[must_use]
pub fn registry_key(raw: &str) -> Option<String> {
    const HIVES: [(&str, &str); 9] = [
        (r"\registry\machine", "hklm"),
        (r"\registry\user", "hku"),
        ("hkey_local_machine", "hklm"),
        ("hkey_users", "hku"),
        ("hkey_current_user", "hkcu"),
        ("hkey_classes_root", "hkcr"),
        ("hkey_current_config", "hkcc"),
        ("registry::hkey_local_machine", "hklm"),
        ("computer\\hkey_local_machine", "hklm"),
    ];
    let lower = folded(raw).trim_end_matches('\\').trim_end().to_owned();
    if is_placeholder(&lower) {
        return None;
    }
    let short = HIVES.iter().find_map(|(long, short)| {
        let rest = lower.strip_prefix(long).filter(|rest| rest.is_empty() || rest.starts_with('\\'))?;
        Some(format!("{short}{rest}"))
    });
    Some(short.unwrap_or(lower))
}

#[must_use]
pub fn cve(raw: &str) -> Option<String> {
    let upper = raw.trim().to_ascii_uppercase();
    let (year, number) = upper.strip_prefix("CVE-").or_else(|| upper.strip_prefix("CVE_"))?.split_once(['-', '_'])?;
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let shaped = year.len() == 4 && (4..=10).contains(&number.len()) && digits(year) && digits(number);
    shaped.then(|| format!("CVE-{year}-{number}"))
}

/// A certificate's fingerprint: hexadecimal without separators.
#[must_use]
pub fn certificate(raw: &str) -> Option<String> {
    hash(&raw.trim().replace([':', ' ', '-'], ""))
}

#[must_use]
pub fn ja3(raw: &str) -> Option<String> {
    hash(raw).filter(|digits| digits.len() == 32)
}

/// `a_b_c`: 10, 12 and 12 characters.
#[must_use]
pub fn ja4(raw: &str) -> Option<String> {
    let lower = raw.trim().to_ascii_lowercase();
    let letters = lower.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (letters && lower.split('_').map(str::len).eq([10, 12, 12])).then_some(lower)
}

/// `T1003` or `T1003.001`.
#[must_use]
pub fn technique(raw: &str) -> Option<String> {
    let upper = raw.trim().to_ascii_uppercase();
    let upper = upper.strip_prefix("ATTACK.").unwrap_or(&upper);
    let rest = upper.strip_prefix('T')?;
    let (main, sub) = rest.split_once('.').map_or((rest, None), |(main, sub)| (main, Some(sub)));
    let digits = |part: &str, count| part.len() == count && part.bytes().all(|byte| byte.is_ascii_digit());
    (digits(main, 4) && sub.is_none_or(|sub| digits(sub, 3))).then(|| upper.to_owned())
}

/// `TA0006`, also from the tactic's name in any of its spellings (`Credential Access`, `credential-access`).
#[must_use]
pub fn tactic(raw: &str) -> Option<&'static str> {
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
