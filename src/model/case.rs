//! What an analyst works on, as dashboards see it.

use std::sync::Arc;

use super::{
    Attack, CaseId, EdgeId, EntityKind, IntelMatch, KeyKind, ObservableKind, PartId, Role, Severity, Timestamp,
};

/// The fixed stages of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CaseStatus {
    New,
    Triage,
    Investigating,
    Containing,
    Recovering,
    Closed,
    /// Its parts belong to another case now, to which it redirects.
    Merged,
}

impl CaseStatus {
    pub const ALL: [Self; 7] =
        [Self::New, Self::Triage, Self::Investigating, Self::Containing, Self::Recovering, Self::Closed, Self::Merged];

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Triage => "triage",
            Self::Investigating => "investigating",
            Self::Containing => "containing",
            Self::Recovering => "recovering",
            Self::Closed => "closed",
            Self::Merged => "merged",
        }
    }

    #[must_use]
    pub fn from_label(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.label() == label)
    }

    #[must_use]
    pub const fn is_open(self) -> bool {
        match self {
            Self::New | Self::Triage | Self::Investigating | Self::Containing | Self::Recovering => true,
            Self::Closed | Self::Merged => false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    TruePositive,
    BenignPositive,
    FalsePositive,
    Undetermined,
}

impl Verdict {
    pub const ALL: [Self; 4] = [Self::TruePositive, Self::BenignPositive, Self::FalsePositive, Self::Undetermined];

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::TruePositive => "true_positive",
            Self::BenignPositive => "benign_positive",
            Self::FalsePositive => "false_positive",
            Self::Undetermined => "undetermined",
        }
    }

    #[must_use]
    pub fn from_label(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.label() == label)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Band {
    P1,
    P2,
    P3,
    P4,
    Informational,
}

impl Band {
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::P1 => "P1",
            Self::P2 => "P2",
            Self::P3 => "P3",
            Self::P4 => "P4",
            Self::Informational => "informational",
        }
    }
}

/// A number with what made it. A function of the case's parts alone, so that undoing a merge gives it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Priority {
    /// 0 to 100: the factors' points, at most 100.
    pub score: u8,
    pub band: Band,
    pub factors: Vec<PriorityFactor>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriorityFactor {
    pub name: &'static str,
    pub points: u8,
}

/// The current state of one case. Equal to the fold of its events (and, after a merge, of those of its parts).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseView {
    pub id: CaseId,
    pub seq: u64,
    pub title: Arc<str>,
    pub status: CaseStatus,
    /// What one rule says all day of one machine.
    pub roll_up: bool,
    pub verdict: Option<Verdict>,
    pub severity: Severity,
    pub priority: Priority,
    pub opened_at: Timestamp,
    pub acknowledged_at: Option<Timestamp>,
    pub contained_at: Option<Timestamp>,
    pub resolved_at: Option<Timestamp>,
    pub closed_at: Option<Timestamp>,
    pub first_event_at: Timestamp,
    pub last_event_at: Timestamp,
    pub owner: Option<Arc<str>>,
    pub team: Option<Arc<str>>,
    pub alert_count: u64,
    pub duplicate_count: u64,
    pub rolled_up_count: u64,
    pub sources: ListView<Counted<Arc<str>>>,
    pub rules: ListView<Counted<(Arc<str>, Arc<str>)>>,
    pub observables: ListView<Counted<(ObservableKind, Arc<str>, Role)>>,
    pub entities: ListView<Counted<(EntityKind, Arc<str>, Role)>>,
    pub attacks: ListView<Counted<Attack>>,
    /// Each indicator once, as the part that first told it met it.
    pub intel_matches: ListView<IntelMatch>,
    pub parts: ListView<PartId>,
    pub edges: ListView<EdgeView>,
    pub follows: Option<CaseId>,
    pub merged_into: Option<CaseId>,
    pub merged_from: Vec<MergedFrom>,
    pub related: ListView<RelatedCase>,
    /// SHA-256 of the case's last event.
    pub audit_head: [u8; 32],
}

/// At most 100 of a list, with how many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListView<T> {
    pub items: Vec<T>,
    /// How many distinct ones are known. Exact to the tracking bound of a part (`engine::TRACKED_MAX`).
    pub total: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted<T> {
    pub value: T,
    pub count: u64,
}

/// Why two parts of the case belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeView {
    pub id: EdgeId,
    pub from: PartId,
    pub to: PartId,
    pub strength_permille: u16,
    pub keys: Vec<(KeyKind, Arc<str>)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergedFrom {
    pub case: CaseId,
    pub edge: EdgeId,
    pub at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelatedCase {
    pub case: CaseId,
    pub strength_permille: u16,
    pub keys: Vec<(KeyKind, Arc<str>)>,
}
