//! What an alert names, in one word each, and how that gets into an alert.

use std::net::IpAddr;
use std::sync::Arc;

use crate::model::{Alert, Entity, EntityKind, Observable, ObservableKind, Role};

/// Something named in an alert, in a role.
#[derive(Clone, Debug)]
pub enum Named {
    Entity(EntityKind, String, Role),
    Observable(ObservableKind, String, Role),
    /// The machine that the alert is about, in a directory domain.
    Member(String, &'static str),
}

pub fn host(name: &str, role: Role) -> Named {
    Named::Entity(EntityKind::Host, name.to_owned(), role)
}

pub fn user(name: &str, role: Role) -> Named {
    Named::Entity(EntityKind::User, name.to_owned(), role)
}

pub fn sid(name: &str, role: Role) -> Named {
    Named::Entity(EntityKind::Sid, name.to_owned(), role)
}

pub fn logon(number: u64) -> Named {
    Named::Entity(EntityKind::Logon, format!("0x{number:x}"), Role::Actor)
}

pub fn ip(address: &str, role: Role) -> Named {
    Named::Observable(ObservableKind::Ip, address.to_owned(), role)
}

/// Files are named in the role in which profiles name them.
pub fn hash(value: &str) -> Named {
    Named::Observable(ObservableKind::Hash, value.to_owned(), Role::Context)
}

pub fn path(value: &str) -> Named {
    Named::Observable(ObservableKind::FilePath, value.to_owned(), Role::Context)
}

pub fn member(name: &str, domain: &'static str) -> Named {
    Named::Member(name.to_owned(), domain)
}

/// Adds what the alert does not name already.
pub fn name(alert: &mut Alert, named: &Named) {
    match named {
        Named::Entity(kind, id, role) => name_entity(alert, *kind, id, None, *role),
        Named::Member(id, domain) => name_entity(alert, EntityKind::Host, id, Some(domain), Role::Asset),
        Named::Observable(kind, value, role) => {
            let known = |known: &Observable| known.kind == *kind && *known.value == **value;
            if !alert.observables.iter().any(known) {
                let (value, tags) = (Arc::from(value.as_str()), Vec::new());
                let observable =
                    Observable { kind: *kind, value, role: *role, ioc: false, ignore_correlation: false, tags };
                alert.observables.push(observable);
            }
        }
    }
}

fn name_entity(alert: &mut Alert, kind: EntityKind, id: &str, domain: Option<&str>, role: Role) {
    if !alert.entities.iter().any(|known| known.kind == kind && *known.id == *id) {
        let domain = domain.map(Box::from);
        alert.entities.push(Entity { kind, id: id.into(), name: None, domain, site: None, role, criticality: 0 });
    }
}

/// The machine that the alert is about: its asset, else the address a flow went to or came from.
pub fn machine(alert: &Alert) -> Option<&Arc<str>> {
    let asset = alert.entities.iter().find(|entity| entity.kind == EntityKind::Host && entity.role == Role::Asset);
    let end = |role| alert.observables.iter().find(move |seen| seen.kind == ObservableKind::Ip && seen.role == role);
    let flow = || end(Role::Destination).or_else(|| end(Role::Source)).map(|seen| &seen.value);
    asset.map(|entity| &entity.id).or_else(flow)
}

/// Who acted, as far as an account is named.
pub fn actor(alert: &Alert) -> Option<&Arc<str>> {
    users(alert).find(|entity| entity.role == Role::Actor).map(|entity| &entity.id)
}

/// Accounts of people, in any role: machines have accounts, too.
pub fn users(alert: &Alert) -> impl Iterator<Item = &Entity> {
    let person = |entity: &&Entity| entity.kind == EntityKind::User && !entity.id.ends_with('$');
    alert.entities.iter().filter(person).filter(|entity| entity.role != Role::Context)
}

/// The private address of a machine, always the same one; a machine that is known by its address has that.
pub fn address_of(machine: &str) -> String {
    if machine.parse::<IpAddr>().is_ok() {
        return machine.to_owned();
    }
    let digest = blake3::hash(machine.as_bytes());
    let [a, b, c, ..] = *digest.as_bytes();
    format!("10.{}.{b}.{}", 100 + a % 100, 1 + (c & 127))
}
