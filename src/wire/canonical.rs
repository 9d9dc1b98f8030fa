//! The one way into every observable and entity value: equal things meet only if they are written equally. Each function
//! answers `None` for what is no value of its kind, placeholders (`-`, `n/a`, `0.0.0.0` …) included, and is idempotent.

pub mod code;
pub mod name;
pub mod net;
pub mod text;

use crate::model::{EntityKind, ObservableKind};

/// How often a form is taken again until it stays. Quotes, prefixes and controls nest in foreign text, and undoing one
/// uncovers the next; what has not settled by then was made to confuse, and is no value.
const PASSES_MAX: usize = 4;

/// The canonical value of an observable.
#[must_use]
pub fn observable(kind: ObservableKind, raw: &str) -> Option<String> {
    let mut value = observable_once(kind, raw)?;
    if value == raw {
        return Some(value);
    }
    for _ in 0..PASSES_MAX {
        let again = observable_once(kind, &value)?;
        if again == value {
            return Some(value);
        }
        value = again;
    }
    None
}

fn observable_once(kind: ObservableKind, raw: &str) -> Option<String> {
    if text::is_placeholder(raw) {
        return None;
    }
    match kind {
        ObservableKind::Ip => net::ip(raw).map(|address| address.to_string()),
        ObservableKind::Cidr => net::cidr(raw),
        ObservableKind::Domain => net::domain(raw),
        ObservableKind::Url => net::url(raw),
        ObservableKind::Email => net::email(raw),
        ObservableKind::Hash => code::hash(raw),
        ObservableKind::FilePath => code::file_path(raw),
        ObservableKind::FileName => code::file_name(raw),
        ObservableKind::Mac => net::mac(raw),
        ObservableKind::Certificate => code::certificate(raw),
        ObservableKind::Ja3 => code::ja3(raw),
        ObservableKind::Ja4 => code::ja4(raw),
        ObservableKind::RegistryKey => code::registry_key(raw),
        ObservableKind::Cve => code::cve(raw),
        ObservableKind::MessageId => kept(raw.trim_matches(|c: char| c.is_whitespace() || matches!(c, '<' | '>'))),
        ObservableKind::UserAgent | ObservableKind::CommandLine | ObservableKind::AccessKey | ObservableKind::Other => {
            kept(raw)
        }
    }
}

/// Whether a canonical value is one that unrelated alerts share by nature. It is shown, and links nothing.
#[must_use]
pub fn is_shared(kind: ObservableKind, value: &str) -> bool {
    match kind {
        ObservableKind::Ip => net::ip(value).is_some_and(net::is_shared),
        ObservableKind::Hash => code::is_empty_file(value),
        ObservableKind::FilePath => code::is_system_path(value),
        ObservableKind::Cidr
        | ObservableKind::Domain
        | ObservableKind::Url
        | ObservableKind::Email
        | ObservableKind::FileName
        | ObservableKind::Mac
        | ObservableKind::Certificate
        | ObservableKind::Ja3
        | ObservableKind::Ja4
        | ObservableKind::UserAgent
        | ObservableKind::RegistryKey
        | ObservableKind::Cve
        | ObservableKind::MessageId
        | ObservableKind::CommandLine
        | ObservableKind::AccessKey
        | ObservableKind::Other => false,
    }
}

/// An entity's identity, and what stands beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Not always the kind that was asked for: a user field may hold a SID or a machine's account.
    pub kind: EntityKind,
    pub id: String,
    pub domain: Option<String>,
}

/// The canonical identity of an entity; `scope` is the domain where the record keeps it in a field of its own.
#[must_use]
pub fn entity(kind: EntityKind, raw: &str, scope: Option<&str>) -> Option<Identity> {
    let mut identity = entity_once(kind, raw, scope)?;
    for _ in 0..PASSES_MAX {
        let again = entity_once(identity.kind, &identity.id, identity.domain.as_deref())?;
        if again == identity {
            return Some(identity);
        }
        identity = again;
    }
    None
}

fn entity_once(kind: EntityKind, raw: &str, scope: Option<&str>) -> Option<Identity> {
    if text::is_placeholder(raw) {
        return None;
    }
    let plain = |id: String| Identity { kind, id, domain: None };
    match kind {
        EntityKind::Host => name::host(raw).map(|host| host_identity(host, scope)),
        EntityKind::User => name::user(raw, scope).map(user_identity),
        EntityKind::Sid => name::sid(raw).map(plain),
        EntityKind::Logon => name::logon(raw).map(plain),
        EntityKind::Process => name::guid(raw).or_else(|| folded(raw)).map(plain),
        EntityKind::Mailbox => net::email(raw).or_else(|| folded(raw)).map(plain),
        EntityKind::CloudResource => cloud_resource(raw).map(plain),
        EntityKind::Container | EntityKind::Service => folded(raw).map(plain),
        EntityKind::CloudSession | EntityKind::Other => kept(raw).map(plain),
    }
}

fn host_identity(host: name::Host, scope: Option<&str>) -> Identity {
    match host {
        name::Host::Address(address) => Identity { kind: EntityKind::Host, id: address.to_string(), domain: None },
        name::Host::Named { id, domain } => {
            let domain = domain.or_else(|| scope.and_then(net::ascii_name));
            Identity { kind: EntityKind::Host, id, domain }
        }
    }
}

fn user_identity(user: name::User) -> Identity {
    match user {
        name::User::Account { id, domain } => Identity { kind: EntityKind::User, id, domain },
        name::User::Sid(id) => Identity { kind: EntityKind::Sid, id, domain: None },
        name::User::Machine { id, domain } => Identity { kind: EntityKind::Host, id, domain },
    }
}

/// ARNs are case-sensitive, Azure resource ids are not.
fn cloud_resource(raw: &str) -> Option<String> {
    let azure = raw.trim_start().get(..15).is_some_and(|start| start.eq_ignore_ascii_case("/subscriptions/"));
    if azure { folded(raw) } else { kept(raw) }
}

fn folded(raw: &str) -> Option<String> {
    Some(text::folded(raw)).filter(|value| !text::is_placeholder(value))
}

fn kept(raw: &str) -> Option<String> {
    Some(text::neutral(raw.trim()).into_owned()).filter(|value| !text::is_placeholder(value))
}

#[cfg(test)]
mod tests;
