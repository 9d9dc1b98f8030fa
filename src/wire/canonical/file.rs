//! Canonical forms of places on a machine: file paths, file names, registry keys. Which of them every machine has is
//! `shared`'s to say.

use std::borrow::Cow;

use super::text::{folded, is_placeholder, neutral, without_prefix};

/// A Windows path in lower case with `\`, its device prefixes and well-known variables resolved; a Unix path as it is,
/// since there case counts. A bare name (`System`, `a.exe`) is no path: every machine has one; nor is a root.
#[must_use]
pub fn file_path(raw: &str) -> Option<Cow<'_, str>> {
    if is_settled(raw) {
        return Some(Cow::Borrowed(raw));
    }
    resolved_path(raw).map(Cow::Owned)
}

pub(super) fn resolved_path(raw: &str) -> Option<String> {
    let raw = neutral(raw.trim_matches(is_edge));
    if is_placeholder(&raw) {
        return None;
    }
    let raw = from_file_url(&raw);
    if raw.starts_with('/') { unix_path(&raw) } else { windows_path(&raw) }
}

fn is_edge(c: char) -> bool {
    c.is_whitespace() || c == '"'
}

/// Whether a path is plainly in its form already, as one that comes a second time is: a drive and lower-case names, or
/// a Unix path without anything to resolve.
pub(super) fn is_settled(path: &str) -> bool {
    let bytes = path.as_bytes();
    let (separator, names) = match bytes {
        [b'a'..=b'z', b':', b'\\', names @ ..] => (b'\\', names),
        [b'/', names @ ..] => (b'/', names),
        _ => return false,
    };
    let windows = separator == b'\\';
    let mut last = separator;
    for &byte in names {
        let odd = match byte {
            b'/' | b'\\' => byte != separator || last == separator,
            b'A'..=b'Z' => windows,
            b' ' | b'!'..=b'~' => byte == b'"',
            _ => true,
        };
        if odd {
            return false;
        }
        last = byte;
    }
    last != separator && last != b' ' && !(last == b')' && path.ends_with(DELETED))
}

/// `file:///c:/x`, `file:///etc/x`, `file://server/share`.
fn from_file_url(raw: &str) -> Cow<'_, str> {
    match without_prefix(raw, "file://") {
        None => Cow::Borrowed(raw),
        Some(local) if local.starts_with('/') => {
            let drive = local.as_bytes().get(2) == Some(&b':');
            Cow::Borrowed(if drive { &local[1..] } else { local })
        }
        Some(remote) => Cow::Owned(format!(r"\\{remote}")),
    }
}

/// What Linux adds to the name of a file that is gone but still open.
const DELETED: &str = " (deleted)";

fn unix_path(raw: &str) -> Option<String> {
    let raw = raw.trim_end_matches(is_edge);
    let path = single(raw.strip_suffix(DELETED).unwrap_or(raw), '/');
    let path = path.trim_end_matches('/').trim_end();
    (!path.is_empty()).then(|| path.to_owned())
}

fn windows_path(raw: &str) -> Option<String> {
    let mut path = folded(raw).into_owned();
    if path.contains('/') && (path.contains('\\') || has_drive(&path)) {
        path = path.replace('/', "\\");
    }
    while let Some(bare) = without_device(&path) {
        path = bare.trim_start_matches(is_edge).to_owned();
    }
    let path = without_repeats(path);
    let placed = path.contains('\\') || (has_drive(&path) && path.len() > 2);
    (placed && !is_placeholder(&path) && path != r"\\").then_some(path)
}

/// Single separators, none at the end; a share begins with two.
fn without_repeats(path: String) -> String {
    let share = path.starts_with(r"\\");
    let body = if share { &path[2..] } else { path.as_str() };
    let odd_end = |c: char| is_edge(c) || c == '\\';
    let third = share && body.starts_with('\\');
    if !(third || body.contains(r"\\") || body.ends_with(odd_end)) {
        return path;
    }
    let body = if share { body.trim_start_matches('\\') } else { body };
    let start = if share { r"\\" } else { "" };
    format!("{start}{}", single(body, '\\').trim_end_matches(odd_end))
}

fn has_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [b'a'..=b'z', b':', ..])
}

/// The path without one level of what the kernel and the shell put before a drive. Kernel drivers name the volume where
/// everything else names the drive; the first fixed volumes are `c:` in practice.
fn without_device(path: &str) -> Option<String> {
    const PREFIXES: [(&str, &str); 16] = [
        (r"\\?\unc\", r"\\"),
        (r"\\?\", ""),
        (r"\\.\", ""),
        (r"\??\", ""),
        (r"\global??\", ""),
        (r"\device\mup\", r"\\"),
        (r"\device\lanmanredirector\", r"\\"),
        (r"\systemroot\", r"c:\windows\"),
        (r"%systemroot%\", r"c:\windows\"),
        (r"%windir%\", r"c:\windows\"),
        (r"%systemdrive%\", r"c:\"),
        (r"%programfiles%\", r"c:\program files\"),
        (r"%programfiles(x86)%\", r"c:\program files (x86)\"),
        (r"%programdata%\", r"c:\programdata\"),
        (r"%allusersprofile%\", r"c:\programdata\"),
        (r"%public%\", r"c:\users\public\"),
    ];
    if !path.starts_with(['\\', '%']) {
        return None;
    }
    let known = PREFIXES.iter().find_map(|(prefix, plain)| Some((path.strip_prefix(prefix)?, plain)));
    if let Some((rest, plain)) = known {
        return Some(format!("{plain}{rest}"));
    }
    let volume = path.strip_prefix(r"\device\harddiskvolume")?;
    let digits = volume.bytes().take_while(u8::is_ascii_digit).count();
    let rest = &volume[digits..];
    (digits > 0 && rest.starts_with('\\')).then(|| format!("c:{rest}"))
}

/// Runs of a separator as one: they mean the same, and JSON within JSON doubles them.
fn single(path: &str, separator: char) -> Cow<'_, str> {
    let separators = [separator; 2];
    if !path
        .as_bytes()
        .windows(2)
        .any(|pair| pair.iter().zip(separators).all(|(byte, wanted)| char::from(*byte) == wanted))
    {
        return Cow::Borrowed(path);
    }
    let mut last = '\0';
    let again = |c: &char| {
        let repeated = *c == separator && last == separator;
        last = *c;
        !repeated
    };
    Cow::Owned(path.chars().filter(again).collect())
}

/// The last part of a path, in lower case.
#[must_use]
pub fn file_name(raw: &str) -> Option<Cow<'_, str>> {
    let name = raw.trim_matches(is_edge).rsplit(['/', '\\']).next()?.trim_matches(is_edge);
    Some(folded(name)).filter(|name| !is_placeholder(name) && name.trim_matches(is_edge) == name)
}

/// In lower case, below the short name of its hive. The numbered control sets are the current one: which of them is in
/// use depends on the boot.
#[must_use]
pub fn registry_key(raw: &str) -> Option<Cow<'_, str>> {
    if is_settled_key(raw) { Some(Cow::Borrowed(raw)) } else { resolved_key(raw).map(Cow::Owned) }
}

pub(super) fn resolved_key(raw: &str) -> Option<String> {
    const PROVIDERS: [&str; 3] = [r"microsoft.powershell.core\registry::", "registry::", r"computer\"];
    let lower = folded(raw);
    let lower = single(&lower, '\\');
    let mut bare = lower.as_ref();
    while let Some(rest) = PROVIDERS.iter().find_map(|provider| bare.strip_prefix(provider)) {
        bare = rest;
    }
    let bare = bare.trim_end_matches(|c: char| c == '\\' || c.is_whitespace());
    if is_placeholder(bare) {
        return None;
    }
    let key = HIVES.iter().find_map(|(long, short)| {
        let rest = bare.strip_prefix(long)?;
        let rest = rest.strip_prefix(':').unwrap_or(rest);
        (rest.is_empty() || rest.starts_with('\\')).then(|| format!("{short}{rest}"))
    });
    let key = key.unwrap_or_else(|| bare.to_owned());
    Some(current_control_set(&key).unwrap_or(key))
}

/// Whether a key is plainly in its form already: a short hive and lower-case names.
pub(super) fn is_settled_key(key: &str) -> bool {
    const SHORT: [&str; 5] = ["hklm", "hku", "hkcu", "hkcr", "hkcc"];
    let Some((hive, names)) = key.split_once('\\') else { return false };
    let mut last = b'\\';
    for byte in names.bytes() {
        let odd = byte.is_ascii_uppercase() || !(0x20..0x7F).contains(&byte) || (byte == b'\\' && last == b'\\');
        if odd {
            return false;
        }
        last = byte;
    }
    SHORT.contains(&hive) && last != b'\\' && last != b' ' && !names.starts_with(r"system\controlset")
}

const HIVES: [(&str, &str); 12] = [
    (r"\registry\machine", "hklm"),
    (r"\registry\user", "hku"),
    ("hkey_local_machine", "hklm"),
    ("hkey_users", "hku"),
    ("hkey_current_user", "hkcu"),
    ("hkey_classes_root", "hkcr"),
    ("hkey_current_config", "hkcc"),
    ("hklm", "hklm"),
    ("hku", "hku"),
    ("hkcu", "hkcu"),
    ("hkcr", "hkcr"),
    ("hkcc", "hkcc"),
];

fn current_control_set(key: &str) -> Option<String> {
    let rest = key.strip_prefix(r"hklm\system\controlset")?;
    let (number, rest) = rest.split_at_checked(3)?;
    let numbered = number.bytes().all(|byte| byte.is_ascii_digit()) && (rest.is_empty() || rest.starts_with('\\'));
    numbered.then(|| format!(r"hklm\system\currentcontrolset{rest}"))
}
