//! What an alert can be correlated by, and what makes it a repeat of another. Independent of policy, so it runs on the
//! decoding threads; which keys count for how much, and which values say nothing, is decided in `score`.

use std::net::IpAddr;
use std::sync::Arc;

use smallvec::SmallVec;

use super::address::{Space, space_of};
use super::{TrackedEntity, TrackedObservable};
use crate::model::{Alert, Entity, EntityKind, Key, KeyHash, KeyKind, Observable, ObservableKind, Role, Tenant};

/// A bound on the work of one alert; the first ones count, entities before observables.
pub const KEYS_MAX: usize = 32;

/// Names that exist on every machine, each its own account there.
const LOCAL_ACCOUNTS: [&str; 4] = ["administrator", "admin", "root", "guest"];
/// Domains whose accounts are parts of the operating system.
const SYSTEM_DOMAINS: [&str; 5] = ["nt authority", "nt service", "window manager", "font driver host", "builtin"];
/// Where every machine has the same files.
const SYSTEM_PATHS: [&str; 8] =
    [r"c:\windows\", r"c:\program files", r"\systemroot\", r"%systemroot%\", r"%windir%\", "/bin/", "/sbin/", "/usr/"];

/// What an alert is about, as far as policy does not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    pub keys: Vec<Key>,
    pub dedup: u128,
    /// The rule that fired, of its product and tenant.
    pub rule: u128,
}

#[must_use]
pub fn subject_of(alert: &Alert) -> Subject {
    let keys = keys_of(alert);
    let dedup = dedup_hash(alert, &keys);
    Subject { keys, dedup, rule: rule_hash(alert) }
}

fn rule_hash(alert: &Alert) -> u128 {
    let mut hasher = Fields::new("casewright rule v1");
    for field in [alert.tenant.as_str(), &alert.source.product, &alert.rule.uid] {
        hasher.add(field.as_bytes());
    }
    hasher.finish()
}

/// The keys of an alert, each once, in the strongest role it has there.
#[must_use]
pub fn keys_of(alert: &Alert) -> Vec<Key> {
    let mut keys = KeyList::new(alert);
    for entity in &alert.entities {
        keys.add_entity(entity);
    }
    for observable in &alert.observables {
        keys.add_observable(observable);
    }
    if let Some(group) = &alert.correlation.group_key {
        keys.add(KeyKind::Group, Role::Asset, "", Value::Borrowed(group));
    }
    keys.add_realm(alert);
    keys.list
}

/// The keys of what a part has seen, for their values. What is unique only on a machine or a site is tried with the part's
/// machine and without a site: whose hash nobody has is looked for by nobody.
pub(super) fn keys_of_tracked(
    tenant: &Tenant,
    entities: &[(TrackedEntity, u64)],
    observables: &[(TrackedObservable, u64)],
) -> Vec<Key> {
    let named = |(seen, _): &(TrackedEntity, u64)| {
        let (kind, id) = (seen.kind, seen.value.clone());
        Entity { kind, id, name: None, domain: None, site: None, role: seen.role, criticality: 0 }
    };
    let seen = |(seen, _): &(TrackedObservable, u64)| {
        let (kind, value, tags) = (seen.kind, seen.value.clone(), Vec::new());
        Observable { kind, value, role: seen.role, ioc: false, ignore_correlation: false, tags }
    };
    let entities: Vec<Entity> = entities.iter().map(named).collect();
    let observables: Vec<Observable> = observables.iter().map(seen).collect();
    let machine = entities.iter().find(|entity| entity.role == Role::Asset && is_machine(entity.kind));
    let machine = machine.map(|entity| &*entity.id);
    // Each in a list of its own, since a list holds no more keys than an alert may have.
    let list = || KeyList { list: Vec::new(), tenant: tenant.as_str(), machine, site: "" };
    let mut found = Vec::new();
    for entity in &entities {
        let mut keys = list();
        keys.add_entity(entity);
        found.append(&mut keys.list);
    }
    for observable in &observables {
        let mut keys = list();
        keys.add_observable(observable);
        found.append(&mut keys.list);
    }
    found
}

/// What makes two alerts the same report: the sender's word, else rule, own entities and the strongest peer.
#[must_use]
pub fn dedup_hash(alert: &Alert, keys: &[Key]) -> u128 {
    let mut hasher = Fields::new("casewright dedup v1");
    hasher.add(alert.tenant.as_str().as_bytes());
    hasher.add(alert.source.product.as_bytes());
    match &alert.dedup_key {
        Some(word) => hasher.add(word.as_bytes()),
        None => add_identity(&mut hasher, alert, keys),
    }
    hasher.finish()
}

fn add_identity(hasher: &mut Fields, alert: &Alert, keys: &[Key]) {
    hasher.add(alert.rule.uid.as_bytes());
    let mut own: Vec<u128> = keys.iter().filter(|key| key.role.is_self()).map(|key| key.hash.0).collect();
    own.sort_unstable();
    for hash in own {
        hasher.add(&hash.to_be_bytes());
    }
    let peers = keys.iter().filter(|key| !key.role.is_self());
    if let Some(peer) = peers.min_by_key(|key| (key.role, key.kind, key.hash)) {
        hasher.add(&peer.hash.0.to_be_bytes());
    }
    if keys.is_empty() {
        // Nothing says what it is about: only the very same words make it a repeat.
        hasher.add(alert.title.as_bytes());
        for observable in &alert.observables {
            hasher.add(observable.value.as_bytes());
        }
    }
}

/// Length-prefixed fields under one domain, so that no two lists of fields read as the same bytes. They are gathered
/// first: one hash of a few hundred bytes costs a fraction of what an update per field does.
struct Fields(SmallVec<[u8; GATHERED_INLINE]>);

const GATHERED_INLINE: usize = 256;

impl Fields {
    fn new(domain: &str) -> Self {
        let mut fields = Self(SmallVec::new());
        fields.add(domain.as_bytes());
        fields
    }

    fn add(&mut self, field: &[u8]) {
        self.0.extend_from_slice(&(field.len() as u64).to_be_bytes());
        self.0.extend_from_slice(field);
    }

    fn finish(&self) -> u128 {
        let mut first = [0; 16];
        first.copy_from_slice(&blake3::hash(&self.0).as_bytes()[..16]);
        u128::from_be_bytes(first)
    }
}

/// A value that is shared where the alert has it as it is, and made only where it is cut.
enum Value<'a> {
    Shared(&'a Arc<str>),
    Borrowed(&'a str),
}

impl Value<'_> {
    fn as_str(&self) -> &str {
        match self {
            Self::Shared(value) => value,
            Self::Borrowed(value) => value,
        }
    }

    fn share(&self) -> Arc<str> {
        match self {
            Self::Shared(value) => Arc::clone(value),
            Self::Borrowed(value) => Arc::from(*value),
        }
    }
}

struct KeyList<'a> {
    list: Vec<Key>,
    tenant: &'a str,
    /// The machine the alert is about: the scope of what is unique only there.
    machine: Option<&'a str>,
    /// The address space of private addresses.
    site: &'a str,
}

impl<'a> KeyList<'a> {
    fn new(alert: &'a Alert) -> Self {
        let mut assets = alert.entities.iter().filter(|entity| entity.role == Role::Asset);
        let site = assets.clone().find_map(|entity| entity.site.as_deref()).unwrap_or("");
        let machine = assets.find(|entity| is_machine(entity.kind)).map(|entity| &*entity.id);
        let capacity = (alert.entities.len() + alert.observables.len()).min(KEYS_MAX);
        Self { list: Vec::with_capacity(capacity), tenant: alert.tenant.as_str(), machine, site }
    }

    fn add_entity(&mut self, entity: &'a Entity) {
        let value = Value::Shared(&entity.id);
        let role = entity.role;
        match entity.kind {
            EntityKind::Host => self.add_host(role, value),
            EntityKind::User => self.add_user(role, &entity.id),
            EntityKind::Sid if names_one_account(&entity.id) => self.add(KeyKind::Sid, role, "", value),
            EntityKind::Process => self.add_on_machine(KeyKind::Process, role, value),
            EntityKind::Logon => self.add_on_machine(KeyKind::Logon, role, value),
            EntityKind::CloudResource => self.add(KeyKind::CloudResource, role, "", value),
            EntityKind::CloudSession => self.add(KeyKind::CloudSession, role, "", value),
            EntityKind::Container => self.add(KeyKind::Container, role, "", value),
            EntityKind::Mailbox => self.add(KeyKind::Mailbox, role, "", value),
            EntityKind::Sid | EntityKind::Service | EntityKind::Other => {}
        }
    }

    fn add_observable(&mut self, observable: &'a Observable) {
        if observable.ignore_correlation {
            return;
        }
        let value = Value::Shared(&observable.value);
        let kind = match observable.kind {
            ObservableKind::Ip => return self.add_address(observable.role, value),
            ObservableKind::FilePath if is_system_path(&observable.value) => return,
            ObservableKind::FilePath => KeyKind::FilePath,
            ObservableKind::Domain => KeyKind::Domain,
            ObservableKind::Url => KeyKind::Url,
            ObservableKind::Email => KeyKind::Email,
            ObservableKind::Hash => KeyKind::Hash,
            ObservableKind::Certificate => KeyKind::Certificate,
            ObservableKind::Ja3 | ObservableKind::Ja4 => KeyKind::Fingerprint,
            ObservableKind::MessageId => KeyKind::MessageId,
            ObservableKind::AccessKey => KeyKind::CloudSession,
            ObservableKind::Cidr
            | ObservableKind::FileName
            | ObservableKind::Mac
            | ObservableKind::UserAgent
            | ObservableKind::RegistryKey
            | ObservableKind::Cve
            | ObservableKind::CommandLine
            | ObservableKind::Other => return,
        };
        self.add(kind, observable.role, "", value);
    }

    /// The directory domain of the machine, and the rule in it. A bare word is a workgroup, which every site has.
    fn add_realm(&mut self, alert: &Alert) {
        let machines = alert.entities.iter().filter(|one| one.role == Role::Asset && one.kind == EntityKind::Host);
        let Some(realm) = machines.filter_map(|one| one.domain.as_deref()).find(|realm| realm.contains('.')) else {
            return;
        };
        self.add(KeyKind::Realm, Role::Peer, "", Value::Borrowed(realm));
        self.add(KeyKind::Spread, Role::Actor, realm, Value::Shared(&alert.rule.name));
    }

    /// A machine that a sensor knows by its address alone is that address.
    fn add_host(&mut self, role: Role, value: Value<'_>) {
        if value.as_str().parse::<IpAddr>().is_ok() {
            self.add_address(role, value);
        } else {
            self.add(KeyKind::Host, role, "", value);
        }
    }

    fn add_address(&mut self, role: Role, value: Value<'_>) {
        let Ok(address) = value.as_str().parse() else { return };
        match space_of(address) {
            Some(Space::Public) => self.add(KeyKind::PublicIp, role, "", value),
            Some(Space::Private) => self.add(KeyKind::PrivateIp, role, self.site, value),
            None => {}
        }
    }

    /// Products disagree on whether and how they write the domain, so accounts meet on the bare name.
    fn add_user(&mut self, role: Role, id: &'a str) {
        let (domain, name) = split_user(id);
        if SYSTEM_DOMAINS.contains(&domain) {
        } else if let Some(machine) = name.strip_suffix('$') {
            self.add_host(role, Value::Borrowed(machine));
        } else if LOCAL_ACCOUNTS.contains(&name) {
            self.add_on_machine(KeyKind::User, role, Value::Borrowed(name));
        } else {
            self.add(KeyKind::User, role, "", Value::Borrowed(name));
        }
    }

    /// Logon numbers, process ids and local accounts exist on every machine; without one they name nothing.
    fn add_on_machine(&mut self, kind: KeyKind, role: Role, value: Value<'_>) {
        if let Some(machine) = self.machine {
            self.add(kind, role, machine, value);
        }
    }

    fn add(&mut self, kind: KeyKind, role: Role, scope: &str, value: Value<'_>) {
        if role == Role::Context || value.as_str().is_empty() {
            return;
        }
        let hash = key_hash(self.tenant, kind, scope, value.as_str());
        if let Some(known) = self.list.iter_mut().find(|key| key.hash == hash) {
            known.role = known.role.min(role);
        } else if self.list.len() < KEYS_MAX {
            self.list.push(Key { kind, role, hash, value: value.share() });
        }
    }
}

/// The tenant is inside, so tenants' keys cannot meet.
fn key_hash(tenant: &str, kind: KeyKind, scope: &str, value: &str) -> KeyHash {
    let mut fields = Fields::new("casewright key v1");
    for field in [tenant, kind.label(), scope, value] {
        fields.add(field.as_bytes());
    }
    KeyHash(fields.finish())
}

const fn is_machine(kind: EntityKind) -> bool {
    matches!(kind, EntityKind::Host | EntityKind::Container | EntityKind::CloudResource)
}

/// Domain accounts and Entra accounts; the rest are well-known groups and services that every machine has.
fn names_one_account(sid: &str) -> bool {
    sid.starts_with("s-1-5-21-") || sid.starts_with("s-1-12-1-")
}

fn is_system_path(path: &str) -> bool {
    SYSTEM_PATHS.iter().any(|prefix| path.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix)))
}

/// `domain\name` or `name@domain`, else a bare name.
fn split_user(id: &str) -> (&str, &str) {
    if let Some((domain, name)) = id.rsplit_once('\\') {
        return (domain, name);
    }
    match id.split_once('@') {
        Some((name, domain)) => (domain, name),
        None => ("", id),
    }
}
