//! One detector's report, normalised. It never changes after decoding.

use std::sync::Arc;

use super::{AlertId, Entity, Observable, Origin, Tenant, Timestamp};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    pub id: AlertId,
    pub tenant: Tenant,
    pub origin: Origin,
    pub event_time: EventTime,
    /// Kafka's record timestamp; a plain file has none.
    pub recorded_at: Option<Timestamp>,
    pub title: Arc<str>,
    pub description: Option<Box<str>>,
    pub severity: Severity,
    /// 0 to 100, as the source says.
    pub confidence: Option<u8>,
    /// 0 to 100, as the source says.
    pub risk_score: Option<u8>,
    pub source: Source,
    pub alert_uid: Option<Box<str>>,
    pub source_ref: Option<Box<str>>,
    pub rule: Rule,
    pub attacks: Vec<Attack>,
    pub activity: Activity,
    /// The source's own version of this alert (its updated time or counter); 0 where it has none. With the same id, a
    /// higher one is an update, not a duplicate.
    pub revision: i64,
    pub observables: Vec<Observable>,
    pub entities: Vec<Entity>,
    pub dedup_key: Option<Box<str>>,
    pub labels: Vec<Label>,
    pub tags: Vec<Box<str>>,
    pub tlp: Option<Box<str>>,
    pub pap: Option<Box<str>>,
    pub correlation: Correlation,
    pub links: Vec<AlertLink>,
    /// Evidence artefacts, each as compact JSON text.
    pub evidences: Vec<Box<str>>,
    /// What no field of the profile took, as compact JSON text, bounded.
    pub unmapped: Option<Box<str>>,
    pub marks: Marks,
    /// Which profile read it.
    pub profile: Arc<str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventTime {
    pub at: Timestamp,
    pub from: TimeFrom,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeFrom {
    /// A field of the alert.
    Field,
    /// The record timestamp, because the alert has no readable time of its own.
    Record,
}

impl TimeFrom {
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Field => "field",
            Self::Record => "record",
        }
    }
}

/// What was done to an alert on its way in; shown, so that nothing is cut in silence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// The event time was past the record timestamp by more than the allowed skew, and was pulled back to it.
    pub clamped: bool,
    /// A string or a list was over its bound and was cut.
    pub cut: bool,
}

/// OCSF 1.x `severity_id`: 0 to 6.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    #[default]
    Unknown,
    Informational,
    Low,
    Medium,
    High,
    Critical,
    Fatal,
}

impl Severity {
    pub const ALL: [Self; 7] =
        [Self::Unknown, Self::Informational, Self::Low, Self::Medium, Self::High, Self::Critical, Self::Fatal];

    #[must_use]
    pub const fn id(self) -> u8 {
        self as u8
    }

    #[must_use]
    pub fn from_id(id: u8) -> Option<Self> {
        Self::ALL.get(usize::from(id)).copied()
    }

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Informational => "informational",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
            Self::Fatal => "fatal",
        }
    }

    #[must_use]
    pub fn from_label(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.label() == label)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    pub vendor: Option<Arc<str>>,
    pub product: Arc<str>,
    /// `edr`, `ids`, `siem` …; `type` in JSON.
    pub category: Option<Arc<str>>,
    pub instance: Option<Arc<str>>,
}

/// The detection rule; `uid` falls back to the name, and the name to the title, so that every alert has one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    pub uid: Arc<str>,
    pub name: Arc<str>,
    pub version: Option<Box<str>>,
}

/// A MITRE ATT&CK tactic and technique, each as its id (`TA0006`, `T1003.001`); at least one of them is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attack {
    pub tactic: Option<Arc<str>>,
    pub technique: Option<Arc<str>>,
}

/// OCSF `activity_id` of a finding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Activity {
    #[default]
    Create,
    Update,
    Close,
}

impl Activity {
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Close => "close",
        }
    }

    #[must_use]
    pub fn from_label(label: &str) -> Option<Self> {
        [Self::Create, Self::Update, Self::Close].into_iter().find(|activity| activity.label() == label)
    }
}

/// The sender's own wishes about correlation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Correlation {
    pub group_key: Option<Box<str>>,
    /// Never link this alert: it opens a case of its own.
    pub exclude: bool,
    /// It may join one case, and never merges two.
    pub no_merge: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    pub name: Box<str>,
    pub value: Box<str>,
}

/// Where a person can read on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertLink {
    pub title: Option<Box<str>>,
    pub url: Box<str>,
}
