//! STIX 2.1 bundles. Of the pattern language only what names single values is understood: `[type:property = 'value']`,
//! and more of those with OR between them. Whatever else a pattern says (AND, other operators, qualifiers, properties
//! that no alert has) makes it one that is skipped and counted.

use std::borrow::Cow;

use serde::Deserialize;

use super::{CONFIDENCE, Gathered, Said, Skip, Wrong, valid_until};
use crate::model::ObservableKind;

/// Values of one pattern.
const VALUES_MAX: usize = 1_000;

#[derive(Deserialize)]
struct Bundle<'a> {
    #[serde(borrow, default)]
    objects: Vec<StixObject<'a>>,
}

#[derive(Deserialize)]
struct StixObject<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pattern: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pattern_type: Option<Cow<'a, str>>,
    #[serde(borrow)]
    valid_until: Option<Cow<'a, str>>,
    confidence: Option<i64>,
    #[serde(default)]
    revoked: bool,
}

pub fn read(text: &str, out: &mut Gathered) -> Result<(), Wrong> {
    let bundle: Bundle<'_> = serde_json::from_str(text).map_err(|error| Wrong::json(&error))?;
    bundle.objects.iter().filter(|object| object.kind == "indicator").try_for_each(|object| indicator(object, out))
}

fn indicator(object: &StixObject<'_>, out: &mut Gathered) -> Result<(), Wrong> {
    if object.revoked {
        out.skip(Skip::Revoked);
        return Ok(());
    }
    let is_stix = object.pattern_type.as_deref().is_none_or(|kind| kind == "stix");
    let values = object.pattern.as_deref().filter(|_| is_stix).and_then(simple);
    let Some(values) = values else {
        out.skip(Skip::Pattern);
        return Ok(());
    };
    let name = || object.id.as_deref().map(super::text::excerpt).unwrap_or_default();
    let until = object.valid_until.as_deref().map_or(Ok(None), valid_until);
    let valid_until = until.map_err(|problem| Wrong::all(format!("{}: {problem}", name())))?;
    let confidence = object.confidence.map_or(CONFIDENCE, |number| u8::try_from(number.clamp(0, 100)).unwrap_or(100));
    for (kind, value) in values {
        match kind {
            None => out.skip(Skip::Kind),
            Some(kind) => out.foreign(&Said { kind, value: &value, confidence, valid_until })?,
        }
    }
    Ok(())
}

type Value = (Option<ObservableKind>, String);

/// The values that a pattern names, if it does nothing else. A property that no alert has is no kind.
pub(super) fn simple(pattern: &str) -> Option<Vec<Value>> {
    let mut rest = pattern.trim();
    let mut values = Vec::new();
    loop {
        rest = observation(rest, &mut values)?;
        match rest.strip_prefix("OR") {
            Some(after) if after.starts_with([' ', '[']) => rest = after.trim_start(),
            None if rest.is_empty() => return Some(values),
            Some(_) | None => return None,
        }
    }
}

/// `[a:b = 'c' OR …]`; what stands behind it.
fn observation<'a>(text: &'a str, values: &mut Vec<Value>) -> Option<&'a str> {
    let mut rest = text.strip_prefix('[')?.trim_start();
    loop {
        let (property, after) = rest.split_once('=')?;
        let (value, after) = string(after.trim_start())?;
        if values.len() >= VALUES_MAX || property.trim().contains([' ', '\t', '\n', '[', ']', '(', '!', '<', '>']) {
            return None;
        }
        values.push((kind_of(property.trim()), value));
        rest = after.trim_start();
        if let Some(after) = rest.strip_prefix(']') {
            return Some(after.trim_start());
        }
        rest = rest.strip_prefix("OR")?.strip_prefix([' ', '\t', '\n'])?.trim_start();
    }
}

/// A string in single quotes, with `\'` and `\\` in it; what stands behind it.
fn string(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.strip_prefix('\'')?.char_indices();
    while let Some((place, c)) = chars.next() {
        match c {
            '\'' => return Some((value, &text[1 + place + 1..])),
            '\\' => value.push(chars.next()?.1),
            c => value.push(c),
        }
    }
    None
}

fn kind_of(property: &str) -> Option<ObservableKind> {
    match property {
        "ipv4-addr:value" | "ipv6-addr:value" => Some(ObservableKind::Ip),
        "domain-name:value" => Some(ObservableKind::Domain),
        "url:value" => Some(ObservableKind::Url),
        "email-addr:value" | "email-message:from_ref.value" | "email-message:sender_ref.value" => {
            Some(ObservableKind::Email)
        }
        "email-message:message_id" => Some(ObservableKind::MessageId),
        "file:name" => Some(ObservableKind::FileName),
        "mac-addr:value" => Some(ObservableKind::Mac),
        "windows-registry-key:key" => Some(ObservableKind::RegistryKey),
        property if property.starts_with("file:hashes.") => {
            let name = property["file:hashes.".len()..].trim_matches(['\'', '"']);
            let known = ["MD5", "SHA-1", "SHA-256", "SHA-512", "SHA1", "SHA256", "SHA512"];
            known.iter().any(|known| known.eq_ignore_ascii_case(name)).then_some(ObservableKind::Hash)
        }
        property if property.starts_with("x509-certificate:hashes.") => Some(ObservableKind::Certificate),
        _ => None,
    }
}
