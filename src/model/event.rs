//! Past-tense facts about a case. The view of a case is the fold of its events.

use std::sync::Arc;

use super::{
    Alert, AlertId, CaseId, CaseStatus, EdgeId, EdgeView, IntelMatch, KeyKind, Millis, Origin, PartId, Priority, Role,
    Severity, Timestamp, Verdict,
};

/// Edges that one `Unlinked` tells of at most; what is more belongs into further ones.
pub const EDGES_TOLD_MAX: usize = 4_096;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseEvent {
    pub case: CaseId,
    /// Gapless per case, from 1.
    pub seq: u64,
    /// The input's time, raised to be monotone per shard; never the wall clock.
    pub time: Timestamp,
    pub actor: Actor,
    pub cause: Cause,
    /// SHA-256 of the policy that was in force.
    pub policy: [u8; 32],
    pub kind: EventKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    Engine,
    /// As the command named its author; `verified` once commands are signed.
    Person {
        name: Arc<str>,
        verified: bool,
    },
}

/// The input that brought the event about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    Record(Origin),
    /// Event time passed.
    Clock,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// `follows` names the closed case that this one continues. A roll-up gathers what one rule says all day of one
    /// machine.
    Opened {
        part: PartId,
        alert: Arc<Alert>,
        late: bool,
        priority: Priority,
        follows: Option<CaseId>,
        roll_up: bool,
    },
    /// `edge` is what holds the part, where the alert began one of its own inside the case; `edges` are all that hold
    /// from here on, that one included. `begins` are the parts that begin, one for whom the alert is about and one for
    /// what its rule does there.
    AlertAttached {
        part: PartId,
        begins: Vec<PartId>,
        edge: Option<EdgeId>,
        edges: Vec<EdgeView>,
        alert: Arc<Alert>,
        late: bool,
        link: Arc<Link>,
    },
    AlertUpdated {
        part: PartId,
        alert: Arc<Alert>,
    },
    /// Told from time to time, and before any other event of the case: what was counted since it was last told.
    /// `begins` where they are the first of a part of their own.
    AlertRepeated {
        part: PartId,
        begins: Option<Box<Begun>>,
        repeats: Vec<Tally>,
    },
    /// Counted past the hard cap since it was last told.
    AlertsRolledUp {
        part: PartId,
        count: u64,
        first_at: Timestamp,
        last_at: Timestamp,
    },
    SeverityChanged {
        from: Severity,
        to: Severity,
    },
    PriorityChanged {
        priority: Priority,
    },
    StatusChanged {
        from: CaseStatus,
        to: CaseStatus,
    },
    VerdictSet {
        verdict: Verdict,
    },
    Assigned {
        owner: Option<Arc<str>>,
        team: Option<Arc<str>>,
    },
    Acknowledged,
    CommentAdded {
        text: Arc<str>,
    },
    Closed {
        verdict: Option<Verdict>,
        comment: Option<Arc<str>>,
    },
    /// By a person, or because `link` reached it within the re-open window.
    Reopened {
        comment: Option<Arc<str>>,
        link: Option<Arc<Link>>,
    },
    /// Quiet for the policy's span of event time.
    Expired {
        quiet: Millis,
    },
    /// On the survivor: `parts` of `from` count here now.
    Merged {
        from: CaseId,
        edge: EdgeId,
        parts: Vec<PartId>,
        between: (PartId, PartId),
        link: Option<Arc<Link>>,
    },
    /// On the case that redirects now.
    MergedInto {
        into: CaseId,
        edge: EdgeId,
    },
    MergeRefused {
        other: CaseId,
        reason: RefusedMerge,
        link: Arc<Link>,
    },
    /// The evidence would do; a person has to say whether owners, verdicts or sheer size stand against it.
    MergeProposed {
        other: CaseId,
        reason: RefusedMerge,
        link: Arc<Link>,
    },
    /// On both: `parts` went back from the survivor to the restored case.
    MergeUndone {
        other: CaseId,
        side: MergeSide,
        edge: EdgeId,
        parts: Vec<PartId>,
        by: PartedBy,
        comment: Option<Arc<str>>,
    },
    /// These edges hold no more. `drawn` are those that hold what they held to something else.
    Unlinked {
        edges: Vec<EdgeId>,
        drawn: Vec<EdgeView>,
        by: PartedBy,
    },
    /// On both: nothing holds `parts` to the case any more, so they are a case of their own.
    Split {
        other: CaseId,
        side: SplitSide,
        parts: Vec<PartId>,
        /// Of the new case.
        severity: Severity,
        priority: Priority,
        roll_up: bool,
        by: PartedBy,
        comment: Option<Arc<str>>,
    },
    /// On both: `parts` count elsewhere now.
    AlertsMoved {
        other: CaseId,
        side: MoveSide,
        parts: Vec<PartId>,
        by: PartedBy,
        comment: Option<Arc<str>>,
    },
    /// Related, without sharing parts.
    Linked {
        other: CaseId,
        link: Arc<Link>,
    },
    /// An observable of the case stands on a list of known-bad indicators. Once per case and indicator.
    IntelMatched {
        part: PartId,
        alert: AlertId,
        found: IntelMatch,
    },
    OverflowStarted {
        alerts: u64,
    },
    OverflowEnded {
        alerts: u64,
    },
}

impl EventKind {
    /// The X of `casewright.case.X.v1`.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::AlertAttached { .. } => "alert_attached",
            Self::AlertUpdated { .. } => "alert_updated",
            Self::AlertRepeated { .. } => "alert_repeated",
            Self::AlertsRolledUp { .. } => "alerts_rolled_up",
            Self::SeverityChanged { .. } => "severity_changed",
            Self::PriorityChanged { .. } => "priority_changed",
            Self::StatusChanged { .. } => "status_changed",
            Self::VerdictSet { .. } => "verdict_set",
            Self::Assigned { .. } => "assigned",
            Self::Acknowledged => "acknowledged",
            Self::CommentAdded { .. } => "comment_added",
            Self::Closed { .. } => "closed",
            Self::Reopened { .. } => "reopened",
            Self::Expired { .. } => "expired",
            Self::Merged { .. } => "merged",
            Self::MergedInto { .. } => "merged_into",
            Self::MergeRefused { .. } => "merge_refused",
            Self::MergeProposed { .. } => "merge_proposed",
            Self::MergeUndone { .. } => "merge_undone",
            Self::Unlinked { .. } => "unlinked",
            Self::Split { .. } => "split",
            Self::AlertsMoved { .. } => "alerts_moved",
            Self::Linked { .. } => "linked",
            Self::IntelMatched { .. } => "intel_matched",
            Self::OverflowStarted { .. } => "overflow_started",
            Self::OverflowEnded { .. } => "overflow_ended",
        }
    }
}

/// A part that began with repeats of an alert that is in another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    pub edge: EdgeView,
    pub severity: Severity,
    pub title: Arc<str>,
}

/// How often one alert was repeated since this was last told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    pub alert: AlertId,
    pub count: u64,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
}

/// Why parts that were together are no longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartedBy {
    Person,
    /// The key that held them turned out to be where strangers meet.
    Hub {
        kind: KeyKind,
        value: Arc<str>,
    },
    /// The rule turned out to fire all day on that machine.
    Background {
        rule: Arc<str>,
    },
}

impl PartedBy {
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Hub { .. } => "hub",
            Self::Background { .. } => "background",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SplitSide {
    /// The case that they left.
    From,
    /// The case that they are now; its first event.
    New,
}

impl SplitSide {
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::From => "from",
            Self::New => "new",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoveSide {
    From,
    To,
}

impl MoveSide {
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::From => "from",
            Self::To => "to",
        }
    }
}

/// Why an alert is where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Noisy-or of what counted, in permille.
    pub strength_permille: u16,
    /// The part that the alert continues: same machine, same identity, not long ago. That needs no further evidence.
    pub continues: Option<PartId>,
    pub evidence: Vec<Evidence>,
    /// The other cases it could have joined, strongest first, at most 4.
    pub rivals: Vec<RejectedRival>,
}

/// One shared key, with everything its weight was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    pub kind: KeyKind,
    pub value: Arc<str>,
    /// The key's role in the alert that arrived.
    pub role: Role,
    /// The part on the other side.
    pub part: PartId,
    /// The kind's weight by policy.
    pub weight_permille: u16,
    /// What was left of it: 1000 for a specific key, 0 for a hub, less for a mere mention on both sides.
    pub specificity_permille: u16,
    /// Distance in event time from the part's sightings of the key.
    pub age: Millis,
    pub window: Millis,
    /// False where a stronger key of the same group (host name and host address, say) already spoke.
    pub counted: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedRival {
    pub case: CaseId,
    pub strength_permille: u16,
}

/// Which guard kept two cases apart although the evidence would have merged them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RefusedMerge {
    NotBothOpen,
    OverSoftCap,
    OwnersDiffer,
    VerdictsDiffer,
    /// A person parted them before.
    KeptApart,
    /// The alert says `no_merge`.
    AlertForbids,
    TooManyParts,
}

impl RefusedMerge {
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::NotBothOpen => "not_both_open",
            Self::OverSoftCap => "over_soft_cap",
            Self::OwnersDiffer => "owners_differ",
            Self::VerdictsDiffer => "verdicts_differ",
            Self::KeptApart => "kept_apart",
            Self::AlertForbids => "alert_forbids",
            Self::TooManyParts => "too_many_parts",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeSide {
    Survivor,
    Restored,
}

impl MergeSide {
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Survivor => "survivor",
            Self::Restored => "restored",
        }
    }
}

impl Link {
    /// The keys that counted, strongest of each piece: what a short explanation shows.
    #[must_use]
    pub fn counted_keys(&self) -> Vec<(KeyKind, Arc<str>)> {
        let counted = self.evidence.iter().filter(|evidence| evidence.counted);
        counted.map(|evidence| (evidence.kind, evidence.value.clone())).collect()
    }
}
