//! Observables: typed values seen in an alert. The value is canonical already; `wire::canonical` is the one way there.

use std::sync::Arc;

use super::key::Role;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observable {
    pub kind: ObservableKind,
    /// Canonical for its kind, never empty, never a placeholder.
    pub value: Arc<str>,
    pub role: Role,
    /// Known bad, as the source says.
    pub ioc: bool,
    /// Shown, but never a correlation key.
    pub ignore_correlation: bool,
    pub tags: Vec<Box<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObservableKind {
    Ip,
    Cidr,
    Domain,
    Url,
    Email,
    Hash,
    FilePath,
    FileName,
    Mac,
    Certificate,
    Ja3,
    Ja4,
    UserAgent,
    RegistryKey,
    Cve,
    MessageId,
    CommandLine,
    AccessKey,
    Other,
}

impl ObservableKind {
    pub const ALL: [Self; 19] = [
        Self::Ip,
        Self::Cidr,
        Self::Domain,
        Self::Url,
        Self::Email,
        Self::Hash,
        Self::FilePath,
        Self::FileName,
        Self::Mac,
        Self::Certificate,
        Self::Ja3,
        Self::Ja4,
        Self::UserAgent,
        Self::RegistryKey,
        Self::Cve,
        Self::MessageId,
        Self::CommandLine,
        Self::AccessKey,
        Self::Other,
    ];

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Cidr => "cidr",
            Self::Domain => "domain",
            Self::Url => "url",
            Self::Email => "email",
            Self::Hash => "hash",
            Self::FilePath => "file_path",
            Self::FileName => "file_name",
            Self::Mac => "mac",
            Self::Certificate => "certificate",
            Self::Ja3 => "ja3",
            Self::Ja4 => "ja4",
            Self::UserAgent => "user_agent",
            Self::RegistryKey => "registry_key",
            Self::Cve => "cve",
            Self::MessageId => "message_id",
            Self::CommandLine => "command_line",
            Self::AccessKey => "access_key",
            Self::Other => "other",
        }
    }

    #[must_use]
    pub fn from_label(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.label() == label)
    }
}
