//! The one way into every observable and entity value: equal things meet only if they are written equally. Each function
//! answers `None` for what is no value of its kind, placeholders (`-`, `n/a`, `0.0.0.0` …) included, and is idempotent.
//! `docs/canonical.md` is its table for people.
//!
//! The forms of each kind live below, by what they name; here they meet their kinds. All borrow what is in its form
//! already: of the values of an alert most are, and each is a few passes over its bytes and nothing else.

pub mod address;
mod cloud;
pub mod code;
mod file;
mod name;
pub mod net;
mod shared;
pub mod text;
mod windows;

use std::borrow::Cow;

pub use shared::{is_shared, is_shared_identity};

use crate::model::{EntityKind, ObservableKind};

/// How often a form is taken again until it stays. Quotes, prefixes and controls nest in foreign text, and undoing one
/// uncovers the next; what has not settled by then was made to confuse, and is no value.
const PASSES_MAX: usize = 4;

/// The canonical value of an observable.
#[must_use]
pub fn observable(kind: ObservableKind, raw: &str) -> Option<Cow<'_, str>> {
    let mut value = observable_once(kind, raw)?;
    if value == raw || !nests(kind) {
        return Some(value);
    }
    for _ in 0..PASSES_MAX {
        // Borrowed if nothing changes, so that the pass that only confirms allocates nothing.
        let again = match observable_once(kind, &value)? {
            again if again == value => return Some(value),
            again => again.into_owned(),
        };
        value = Cow::Owned(again);
    }
    None
}

/// Whether undoing one spelling can uncover another. The others are read into numbers or are of a fixed alphabet, which
/// has neither quotes nor prefixes.
const fn nests(kind: ObservableKind) -> bool {
    match kind {
        ObservableKind::Ip
        | ObservableKind::Cidr
        | ObservableKind::Hash
        | ObservableKind::Mac
        | ObservableKind::Certificate
        | ObservableKind::Ja3
        | ObservableKind::Ja4
        | ObservableKind::Cve => false,
        ObservableKind::Domain
        | ObservableKind::Url
        | ObservableKind::Email
        | ObservableKind::FilePath
        | ObservableKind::FileName
        | ObservableKind::RegistryKey
        | ObservableKind::UserAgent
        | ObservableKind::MessageId
        | ObservableKind::CommandLine
        | ObservableKind::AccessKey
        | ObservableKind::Other => true,
    }
}

fn observable_once(kind: ObservableKind, raw: &str) -> Option<Cow<'_, str>> {
    if text::is_placeholder(raw) {
        return None;
    }
    match kind {
        ObservableKind::Ip if address::is_dotted_quad(raw) => Some(Cow::Borrowed(raw)),
        ObservableKind::Ip => address::ip(raw).map(|address| Cow::Owned(address.to_string())),
        ObservableKind::Cidr => address::cidr(raw).map(Cow::Owned),
        ObservableKind::Domain => net::domain(raw),
        ObservableKind::Url => net::canonical_url(raw),
        ObservableKind::Email => net::email(raw),
        ObservableKind::Hash => code::hash(raw),
        ObservableKind::FilePath => file::file_path(raw),
        ObservableKind::FileName => file::file_name(raw),
        ObservableKind::Mac => address::mac(raw),
        ObservableKind::Certificate => code::certificate(raw),
        ObservableKind::Ja3 => code::ja3(raw),
        ObservableKind::Ja4 => code::ja4(raw),
        ObservableKind::RegistryKey => file::registry_key(raw),
        ObservableKind::Cve => code::cve(raw),
        ObservableKind::MessageId => {
            text::kept_value(raw.trim_matches(|c: char| c.is_whitespace() || matches!(c, '<' | '>')))
        }
        ObservableKind::UserAgent | ObservableKind::CommandLine | ObservableKind::AccessKey | ObservableKind::Other => {
            text::kept_value(raw)
        }
    }
}

/// An entity's identity, and what stands beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity<'a> {
    /// Not always the kind that was asked for: a user field may hold a SID, a machine's account or a resource.
    pub kind: EntityKind,
    pub id: Cow<'a, str>,
    pub domain: Option<Cow<'a, str>>,
}

impl Identity<'_> {
    fn into_owned<'o>(self) -> Identity<'o> {
        let domain = self.domain.map(|domain| Cow::Owned(domain.into_owned()));
        Identity { kind: self.kind, id: Cow::Owned(self.id.into_owned()), domain }
    }
}

/// The canonical identity of an entity; `scope` is the domain where the record keeps it in a field of its own.
#[must_use]
pub fn entity<'a>(kind: EntityKind, raw: &'a str, scope: Option<&'a str>) -> Option<Identity<'a>> {
    let mut identity = entity_once(kind, raw, scope)?;
    let same = identity.kind == kind && identity.id == raw && identity.domain.as_deref() == scope;
    if same || is_settled(&identity) {
        return Some(identity);
    }
    for _ in 0..PASSES_MAX {
        let again = match entity_once(identity.kind, &identity.id, identity.domain.as_deref())? {
            again if again == identity => return Some(identity),
            again => again.into_owned(),
        };
        identity = again;
    }
    None
}

/// Whether an identity has nothing in it that could be undone once more: it was read into a number or into labels, or is
/// an account of the letters that most have.
fn is_settled(identity: &Identity<'_>) -> bool {
    match identity.kind {
        EntityKind::Host | EntityKind::Sid | EntityKind::Logon => true,
        EntityKind::User => name::is_simple_account(&identity.id, identity.domain.as_deref()),
        EntityKind::Process => windows::is_guid(&identity.id),
        EntityKind::CloudResource
        | EntityKind::CloudSession
        | EntityKind::Container
        | EntityKind::Mailbox
        | EntityKind::Service
        | EntityKind::Other => false,
    }
}

fn entity_once<'a>(kind: EntityKind, raw: &'a str, scope: Option<&'a str>) -> Option<Identity<'a>> {
    if text::is_placeholder(raw) {
        return None;
    }
    let plain = |id: Cow<'a, str>| Identity { kind, id, domain: None };
    match kind {
        EntityKind::Host => host(raw, scope),
        EntityKind::User => user(raw, scope),
        EntityKind::Sid => windows::sid(raw).map(plain),
        EntityKind::Logon => windows::logon(raw).map(plain),
        EntityKind::Process => process(raw).map(plain),
        EntityKind::Mailbox => net::email(raw).or_else(|| text::folded_value(raw)).map(plain),
        EntityKind::CloudResource => cloud::resource(raw).map(plain),
        EntityKind::Container => cloud::container(raw).map(plain),
        EntityKind::Service => text::folded_value(raw).map(plain),
        EntityKind::CloudSession | EntityKind::Other => text::kept_value(raw).map(plain),
    }
}

fn host<'a>(raw: &'a str, scope: Option<&'a str>) -> Option<Identity<'a>> {
    let kind = EntityKind::Host;
    if address::is_dotted_quad(raw) {
        return Some(Identity { kind, id: Cow::Borrowed(raw), domain: None });
    }
    Some(match name::host(raw)? {
        name::Host::Address(address) => Identity { kind, id: Cow::Owned(address.to_string()), domain: None },
        name::Host::Named { id, domain } => {
            let known = |scope: &&str| !text::is_placeholder(scope);
            let domain = domain.or_else(|| scope.filter(known).and_then(net::ascii_name));
            Identity { kind, id, domain }
        }
    })
}

fn user<'a>(raw: &'a str, scope: Option<&'a str>) -> Option<Identity<'a>> {
    Some(match name::user(raw, scope)? {
        name::User::Account { id, domain } => Identity { kind: EntityKind::User, id, domain },
        name::User::Resource(arn) => {
            Identity { kind: EntityKind::CloudResource, id: cloud::resource(arn)?, domain: None }
        }
        name::User::Sid(id) => Identity { kind: EntityKind::Sid, id, domain: None },
        name::User::Machine { id, domain } => {
            Identity { kind: EntityKind::Host, id: Cow::Owned(id), domain: domain.map(Cow::Owned) }
        }
    })
}

/// A sensor's own id of a process, its number, or what a sender calls it.
fn process(raw: &str) -> Option<Cow<'_, str>> {
    if windows::is_guid(raw) {
        windows::guid(raw)
    } else if windows::number(raw.trim()).is_some() {
        cloud::process_id(raw)
    } else {
        text::folded_value(raw)
    }
}

#[cfg(test)]
mod tests;
