//! Entities: the host, user, process or cloud resource that an alert is about.

use std::sync::Arc;

use super::key::Role;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entity {
    pub kind: EntityKind,
    /// The identity: canonical, never empty. For a host the first label of its name, for a user `domain\name` with the
    /// domain's first label, or the bare name where none is known, all in lower case; for a cloud resource its ARN or
    /// resource id. Users meet on the bare name (`engine::keys_of`), since products write the domain or leave it out.
    pub id: Arc<str>,
    /// As a person would write it.
    pub name: Option<Box<str>>,
    pub domain: Option<Box<str>>,
    /// Where private addresses are one address space.
    pub site: Option<Box<str>>,
    pub role: Role,
    /// 0 to 4 after the source's own word, `CRITICALITIES`.
    pub criticality: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntityKind {
    Host,
    User,
    /// A Windows security identifier.
    Sid,
    Process,
    Logon,
    CloudResource,
    CloudSession,
    Container,
    Mailbox,
    Service,
    Other,
}

impl EntityKind {
    pub const ALL: [Self; 11] = [
        Self::Host,
        Self::User,
        Self::Sid,
        Self::Process,
        Self::Logon,
        Self::CloudResource,
        Self::CloudSession,
        Self::Container,
        Self::Mailbox,
        Self::Service,
        Self::Other,
    ];

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::User => "user",
            Self::Sid => "sid",
            Self::Process => "process",
            Self::Logon => "logon",
            Self::CloudResource => "cloud_resource",
            Self::CloudSession => "cloud_session",
            Self::Container => "container",
            Self::Mailbox => "mailbox",
            Self::Service => "service",
            Self::Other => "other",
        }
    }

    #[must_use]
    pub fn from_label(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.label() == label)
    }
}
