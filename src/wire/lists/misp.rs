//! MISP events as its export and its REST API write them: one event, a `response` of many, or an array of them. Only
//! attributes that are meant for detection (`to_ids`) are taken; of those made of two values, both.

use std::borrow::Cow;

use serde::Deserialize;

use super::{CONFIDENCE, Gathered, Said, Skip, Wrong};
use crate::model::ObservableKind;

#[derive(Deserialize)]
struct Export<'a> {
    #[serde(rename = "Event", borrow)]
    event: Option<Event<'a>>,
    #[serde(borrow)]
    response: Option<Vec<Export<'a>>>,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "Attribute", borrow, default)]
    attributes: Vec<Attribute<'a>>,
    #[serde(rename = "Object", borrow, default)]
    objects: Vec<Grouped<'a>>,
}

#[derive(Deserialize)]
struct Grouped<'a> {
    #[serde(rename = "Attribute", borrow, default)]
    attributes: Vec<Attribute<'a>>,
}

#[derive(Deserialize)]
struct Attribute<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    value: Cow<'a, str>,
    #[serde(default)]
    to_ids: Flag,
    #[serde(default)]
    deleted: Flag,
}

/// Older exports write 0 and 1, as numbers or in quotes.
#[derive(Default)]
struct Flag(bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Said {
            Flag(bool),
            Number(i64),
            Text(String),
        }
        Ok(Self(match Said::deserialize(deserializer)? {
            Said::Flag(flag) => flag,
            Said::Number(number) => number != 0,
            Said::Text(text) => matches!(text.as_str(), "1" | "true"),
        }))
    }
}

pub fn read(text: &str, out: &mut Gathered) -> Result<(), Wrong> {
    let exports: Vec<Export<'_>> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text).map_err(|error| Wrong::json(&error))?
    } else {
        vec![serde_json::from_str(text).map_err(|error| Wrong::json(&error))?]
    };
    let events = exports.into_iter().flat_map(|export| {
        let inner = export.response.into_iter().flatten().filter_map(|export| export.event);
        export.event.into_iter().chain(inner)
    });
    for event in events {
        let grouped = event.objects.iter().flat_map(|group| &group.attributes);
        event.attributes.iter().chain(grouped).try_for_each(|attribute| take(attribute, out))?;
    }
    Ok(())
}

fn take(attribute: &Attribute<'_>, out: &mut Gathered) -> Result<(), Wrong> {
    if !attribute.to_ids.0 || attribute.deleted.0 {
        out.skip(Skip::NotForDetection);
        return Ok(());
    }
    let kinds: Vec<&str> = attribute.kind.split('|').collect();
    let values: Vec<&str> =
        if kinds.len() == 2 { attribute.value.splitn(2, '|').collect() } else { vec![&attribute.value] };
    if kinds.len() != values.len() {
        out.skip(Skip::Value);
        return Ok(());
    }
    for (kind, value) in kinds.into_iter().zip(values) {
        match kind_of(kind) {
            // The port of an address is none by itself.
            None if kind == "port" => {}
            None => out.skip(Skip::Kind),
            Some(kind) => out.foreign(&Said { kind, value, confidence: CONFIDENCE, valid_until: None })?,
        }
    }
    Ok(())
}

fn kind_of(kind: &str) -> Option<ObservableKind> {
    Some(match kind {
        "ip-src" | "ip-dst" | "ip" => ObservableKind::Ip,
        "domain" | "hostname" => ObservableKind::Domain,
        "url" | "uri" => ObservableKind::Url,
        "email" | "email-src" | "email-dst" | "email-reply-to" => ObservableKind::Email,
        "email-message-id" => ObservableKind::MessageId,
        "md5" | "sha1" | "sha224" | "sha256" | "sha384" | "sha512" => ObservableKind::Hash,
        "filename" => ObservableKind::FileName,
        "mac-address" => ObservableKind::Mac,
        "x509-fingerprint-md5" | "x509-fingerprint-sha1" | "x509-fingerprint-sha256" => ObservableKind::Certificate,
        "ja3-fingerprint-md5" => ObservableKind::Ja3,
        "regkey" => ObservableKind::RegistryKey,
        "user-agent" => ObservableKind::UserAgent,
        "vulnerability" => ObservableKind::Cve,
        _ => return None,
    })
}
