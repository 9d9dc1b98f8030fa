//! The words and numbers by which senders of native alerts name kinds, severities and criticalities: our own labels, the
//! common synonyms, and the ids of OCSF.

use super::piece::Word;
use crate::model::{EntityKind, ObservableKind, Role, Severity, criticality_from_label};
use crate::wire::decode::Refused;

/// OCSF lists host names and accounts among its observables; here they are entities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Observable(ObservableKind),
    Entity(EntityKind),
}

pub(super) fn observable(label: Option<&str>, type_id: Option<i64>) -> Result<Kind, Refused> {
    match (label, type_id) {
        (Some(label), _) => by_label(label).ok_or_else(|| Refused::value("observables[].type", label)),
        (None, Some(id)) => Ok(by_ocsf_id(id)),
        (None, None) => Err(Refused::missing("observables[].type")),
    }
}

fn by_label(label: &str) -> Option<Kind> {
    use Kind::{Entity, Observable};
    // Most senders write our own words, and those need no other spelling.
    if let Some(kind) = ObservableKind::from_label(label) {
        return Some(Observable(kind));
    }
    let plain = label.trim().to_ascii_lowercase().replace([' ', '-'], "_");
    if let Some(kind) = ObservableKind::from_label(&plain) {
        return Some(Observable(kind));
    }
    if plain != "other"
        && let Some(kind) = EntityKind::from_label(&plain)
    {
        return Some(Entity(kind));
    }
    let kind = match plain.as_str() {
        "ip_address" | "ipv4" | "ipv6" | "ipv4_addr" | "ipv6_addr" | "ip_src" | "ip_dst" => {
            Observable(ObservableKind::Ip)
        }
        "subnet" | "network" => Observable(ObservableKind::Cidr),
        "domain_name" | "fqdn" => Observable(ObservableKind::Domain),
        "uri" | "url_string" => Observable(ObservableKind::Url),
        "email_address" | "mail" => Observable(ObservableKind::Email),
        "md5" | "sha1" | "sha224" | "sha256" | "sha384" | "sha512" | "file_hash" => Observable(ObservableKind::Hash),
        "path" => Observable(ObservableKind::FilePath),
        "filename" => Observable(ObservableKind::FileName),
        "mac_address" => Observable(ObservableKind::Mac),
        "registry" => Observable(ObservableKind::RegistryKey),
        "hostname" | "host_name" | "computer" | "device" => Entity(EntityKind::Host),
        "username" | "user_name" | "account" => Entity(EntityKind::User),
        "arn" | "resource" => Entity(EntityKind::CloudResource),
        _ => return None,
    };
    Some(kind)
}

/// `type_id` of an OCSF observable. One that is not listed here is kept as text.
fn by_ocsf_id(id: i64) -> Kind {
    match id {
        1 => Kind::Entity(EntityKind::Host),
        2 => Kind::Observable(ObservableKind::Ip),
        3 => Kind::Observable(ObservableKind::Mac),
        4 | 21 => Kind::Entity(EntityKind::User),
        5 | 22 => Kind::Observable(ObservableKind::Email),
        6 | 23 => Kind::Observable(ObservableKind::Url),
        7 | 24 => Kind::Observable(ObservableKind::FileName),
        8 => Kind::Observable(ObservableKind::Hash),
        10 => Kind::Entity(EntityKind::CloudResource),
        12 => Kind::Observable(ObservableKind::Cidr),
        13 => Kind::Observable(ObservableKind::CommandLine),
        16 => Kind::Observable(ObservableKind::UserAgent),
        18 => Kind::Observable(ObservableKind::Cve),
        27 => Kind::Entity(EntityKind::Container),
        28 => Kind::Observable(ObservableKind::RegistryKey),
        30 => Kind::Observable(ObservableKind::Certificate),
        _ => Kind::Observable(ObservableKind::Other),
    }
}

pub(super) fn entity(label: Option<&str>) -> Result<EntityKind, Refused> {
    let label = label.ok_or_else(|| Refused::missing("entities[].kind"))?;
    if let Some(kind) = EntityKind::from_label(label) {
        return Ok(kind);
    }
    let plain = label.trim().to_ascii_lowercase().replace([' ', '-'], "_");
    let known = EntityKind::from_label(&plain).or_else(|| match by_label(&plain) {
        Some(Kind::Entity(kind)) => Some(kind),
        Some(Kind::Observable(_)) | None => None,
    });
    known.ok_or_else(|| Refused::value("entities[].kind", label))
}

/// What an entity is to an alert whose sender does not say: an account acts, all else is acted on.
pub(super) const fn role_of(kind: EntityKind) -> Role {
    match kind {
        EntityKind::Host
        | EntityKind::CloudResource
        | EntityKind::Container
        | EntityKind::Mailbox
        | EntityKind::Service => Role::Asset,
        EntityKind::User | EntityKind::Sid | EntityKind::Process | EntityKind::Logon | EntityKind::CloudSession => {
            Role::Actor
        }
        EntityKind::Other => Role::Context,
    }
}

pub(super) fn severity(word: &str) -> Option<Severity> {
    let plain = word.trim().to_ascii_lowercase();
    Severity::from_label(&plain).or(match plain.as_str() {
        "info" | "notice" => Some(Severity::Informational),
        "med" | "moderate" | "warning" => Some(Severity::Medium),
        "crit" => Some(Severity::Critical),
        "emergency" => Some(Severity::Fatal),
        _ => None,
    })
}

/// 0 to 4, as a number or as a word.
pub(super) fn criticality(raw: Option<&Word<'_>>) -> Result<u8, Refused> {
    let wrong = |raw: &str| Refused::value("entities[].criticality", raw);
    match raw {
        None => Ok(0),
        Some(Word::Number(number)) => {
            u8::try_from(*number).ok().filter(|n| *n <= 4).ok_or_else(|| wrong(&number.to_string()))
        }
        Some(Word::Text(word)) => criticality_from_label(word).ok_or_else(|| wrong(word)),
    }
}
