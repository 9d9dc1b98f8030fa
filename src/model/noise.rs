//! What people say about noise: silences, allow-list entries, exclusions of keys, inhibitions. Each is a rule of one
//! tenant, with an owner, a reason and perhaps an end.

use std::sync::Arc;

use super::{Actor, Alert, AlertId, Cause, Matcher, Millis, Tenant, Timestamp};

/// A noise rule's number in its tenant, counting up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NoiseId(pub u64);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoiseRule {
    pub kind: NoiseKind,
    pub matcher: Matcher,
    pub owner: Arc<str>,
    pub reason: Arc<str>,
    /// None: until it is ended.
    pub lasts: Option<Millis>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoiseKind {
    /// Known noise, for a while.
    Silence,
    /// Known good, such as a scanner of one's own.
    Allow,
    /// The values that the matcher names link nothing.
    Exclude,
    /// The matcher names the source.
    Inhibit(Box<Inhibition>),
}

/// While a source was seen for an entity, weaker targets on it are suppressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inhibition {
    pub target: Matcher,
    pub on: InhibitOn,
    /// From the source's event time on.
    pub within: Millis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InhibitOn {
    Host,
    User,
    /// Anything that alerts meet on.
    Any,
}

/// What kept an alert out of every case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SuppressedBy {
    pub rule: NoiseId,
    /// The source, where the rule is an inhibition.
    pub source: Option<AlertId>,
}

/// A fact about noise. It is in no case's chain: its place in the stream is its cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoiseEvent {
    pub tenant: Tenant,
    pub time: Timestamp,
    pub actor: Actor,
    pub cause: Cause,
    pub policy: [u8; 32],
    pub fact: NoiseFact,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoiseFact {
    Suppressed { alert: Arc<Alert>, late: bool, by: SuppressedBy },
    Added { id: NoiseId, rule: Box<NoiseRule>, expires_at: Option<Timestamp> },
    Ended { id: NoiseId, hits: u64 },
}

impl NoiseKind {
    /// The command that makes one.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Silence => "silence",
            Self::Allow => "allow",
            Self::Exclude => "exclude",
            Self::Inhibit(_) => "inhibit",
        }
    }
}

impl InhibitOn {
    pub const ALL: [Self; 3] = [Self::Host, Self::User, Self::Any];

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::User => "user",
            Self::Any => "any",
        }
    }

    #[must_use]
    pub fn from_label(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|on| on.label() == label)
    }
}

impl NoiseFact {
    /// The event's type between `casewright.` and `.v1`.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Suppressed { .. } => "alert.suppressed",
            Self::Added { .. } => "noise.rule_added",
            Self::Ended { .. } => "noise.rule_ended",
        }
    }
}
