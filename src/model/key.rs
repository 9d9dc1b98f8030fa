//! Correlation keys: tenant + kind + canonical value, on which alerts meet.

use std::sync::Arc;

/// What an observable or entity is in the alert that names it. Roles decide precision: a collector, a domain
/// controller or a peer that two alerts merely mention says little about them being one incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The machine, account or resource that the alert is about.
    Asset,
    /// Who acted.
    Actor,
    /// Where a network flow began.
    Source,
    /// Where a network flow ended.
    Destination,
    /// Who or what was acted upon.
    Target,
    /// A second party that is neither.
    Peer,
    /// Named for the reader alone.
    Context,
}

impl Role {
    pub const ALL: [Self; 7] =
        [Self::Asset, Self::Actor, Self::Source, Self::Destination, Self::Target, Self::Peer, Self::Context];

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Asset => "asset",
            Self::Actor => "actor",
            Self::Source => "source",
            Self::Destination => "destination",
            Self::Target => "target",
            Self::Peer => "peer",
            Self::Context => "context",
        }
    }

    #[must_use]
    pub fn from_label(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.label() == label)
    }

    /// Whether the alert is about this thing itself, rather than mentioning it.
    #[must_use]
    pub const fn is_self(self) -> bool {
        match self {
            Self::Asset | Self::Actor | Self::Source | Self::Destination => true,
            Self::Target | Self::Peer | Self::Context => false,
        }
    }
}

/// The kinds of key. Weight, window and hub limit hang on the kind (`engine::Policy`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyKind {
    Host,
    User,
    Sid,
    Logon,
    Process,
    PrivateIp,
    PublicIp,
    CloudResource,
    CloudSession,
    Container,
    Mailbox,
    Hash,
    FilePath,
    Domain,
    Url,
    Email,
    Certificate,
    Fingerprint,
    MessageId,
    /// The sender's own word that alerts belong together (`correlation.group_key`).
    Group,
    /// The directory domain that the alert's machine is in. It links nothing; what it counts is how large it is.
    Realm,
    /// One rule in one directory domain: the same thing on a second machine within minutes is something spreading.
    Spread,
}

impl KeyKind {
    pub const ALL: [Self; 22] = [
        Self::Host,
        Self::User,
        Self::Sid,
        Self::Logon,
        Self::Process,
        Self::PrivateIp,
        Self::PublicIp,
        Self::CloudResource,
        Self::CloudSession,
        Self::Container,
        Self::Mailbox,
        Self::Hash,
        Self::FilePath,
        Self::Domain,
        Self::Url,
        Self::Email,
        Self::Certificate,
        Self::Fingerprint,
        Self::MessageId,
        Self::Group,
        Self::Realm,
        Self::Spread,
    ];

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::User => "user",
            Self::Sid => "sid",
            Self::Logon => "logon",
            Self::Process => "process",
            Self::PrivateIp => "private_ip",
            Self::PublicIp => "public_ip",
            Self::CloudResource => "cloud_resource",
            Self::CloudSession => "cloud_session",
            Self::Container => "container",
            Self::Mailbox => "mailbox",
            Self::Hash => "hash",
            Self::FilePath => "file_path",
            Self::Domain => "domain",
            Self::Url => "url",
            Self::Email => "email",
            Self::Certificate => "certificate",
            Self::Fingerprint => "fingerprint",
            Self::MessageId => "message_id",
            Self::Group => "group",
            Self::Realm => "realm",
            Self::Spread => "spread",
        }
    }

    #[must_use]
    pub fn from_label(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.label() == label)
    }

    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// The first 128 bits of a BLAKE3 hash over tenant, kind, scope and value. The tenant is inside, so two tenants'
/// keys cannot meet even by a mistake of the code that looks them up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyHash(pub u128);

/// One key of one alert, in the role it has there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub kind: KeyKind,
    pub role: Role,
    pub hash: KeyHash,
    pub value: Arc<str>,
}
