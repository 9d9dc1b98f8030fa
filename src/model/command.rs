//! An analyst's wish, and the reasons for which it may be refused.

use std::sync::Arc;

use super::{Actor, AlertId, CaseId, CaseStatus, NoiseId, NoiseRule, Origin, PartId, Timestamp, Verdict};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    pub origin: Origin,
    pub recorded_at: Option<Timestamp>,
    pub actor: Actor,
    /// Of number 0, which no case has, where the command is about its tenant as a whole.
    pub case: CaseId,
    /// The `seq` the author saw; another one now refuses the command.
    pub expected_seq: Option<u64>,
    /// Hash of tenant and the author's idempotency key: the same one again changes nothing.
    pub idempotency: Option<u128>,
    pub kind: CommandKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandKind {
    Close {
        verdict: Option<Verdict>,
        comment: Option<Arc<str>>,
    },
    Reopen {
        comment: Option<Arc<str>>,
    },
    /// The oldest of `case` and `others` survives.
    Merge {
        others: Vec<CaseId>,
    },
    /// Undoes the merge that brought `other` into `case`.
    UndoMerge {
        other: CaseId,
        comment: Option<Arc<str>>,
    },
    /// These parts become a case of their own; the part that a case was opened for keeps its number.
    Split {
        parts: Vec<PartId>,
        comment: Option<Arc<str>>,
    },
    /// These parts count in another case from here on.
    Move {
        parts: Vec<PartId>,
        to: CaseId,
        comment: Option<Arc<str>>,
    },
    /// The part that this alert sits in becomes a case of its own.
    Detach {
        alert: AlertId,
        comment: Option<Arc<str>>,
    },
    SetStatus {
        status: CaseStatus,
    },
    SetVerdict {
        verdict: Verdict,
    },
    Assign {
        owner: Option<Arc<str>>,
        team: Option<Arc<str>>,
    },
    Acknowledge,
    Comment {
        text: Arc<str>,
    },
    /// `silence`, `allow`, `exclude` or `inhibit`; of the tenant as a whole, as is its end.
    AddNoise {
        rule: Box<NoiseRule>,
    },
    EndNoise {
        id: NoiseId,
    },
}

impl Command {
    #[must_use]
    pub const fn is_tenant_wide(&self) -> bool {
        self.case.number == 0
    }
}

impl CommandKind {
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Close { .. } => "close",
            Self::Reopen { .. } => "reopen",
            Self::Merge { .. } => "merge",
            Self::UndoMerge { .. } => "undo_merge",
            Self::Split { .. } => "split",
            Self::Move { .. } => "move",
            Self::Detach { .. } => "detach",
            Self::SetStatus { .. } => "set_status",
            Self::SetVerdict { .. } => "set_verdict",
            Self::Assign { .. } => "assign",
            Self::Acknowledge => "acknowledge",
            Self::Comment { .. } => "comment",
            Self::AddNoise { rule } => rule.kind.label(),
            Self::EndNoise { .. } => "unsilence",
        }
    }
}

impl CommandKind {
    /// The other cases that it names.
    #[must_use]
    pub fn others(&self) -> &[CaseId] {
        match self {
            Self::Merge { others } => others,
            Self::UndoMerge { other, .. } | Self::Move { to: other, .. } => std::slice::from_ref(other),
            Self::Close { .. }
            | Self::Reopen { .. }
            | Self::Split { .. }
            | Self::Detach { .. }
            | Self::SetStatus { .. }
            | Self::SetVerdict { .. }
            | Self::Assign { .. }
            | Self::Acknowledge
            | Self::Comment { .. }
            | Self::AddNoise { .. }
            | Self::EndNoise { .. } => &[],
        }
    }
}

/// A refused command is an event too; these are its reasons.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("there is no case {0}")]
    NoSuchCase(CaseId),
    #[error("case was merged into {0}")]
    Merged(CaseId),
    #[error("case is closed")]
    Closed,
    #[error("case is not closed")]
    NotClosed,
    #[error("case is at seq {actual}, the command expected {expected}")]
    VersionConflict { expected: u64, actual: u64 },
    #[error("a command never crosses tenants")]
    OtherTenant,
    #[error("a case cannot be merged with itself")]
    SameCase,
    #[error("{0} was not merged into this case, or was parted again")]
    NotMerged(CaseId),
    #[error("a case becomes closed by `close` and merged by `merge`, not by its status")]
    NotAStatusToSet,
    #[error("the same idempotency key was applied before")]
    Repeated,
    #[error("the merged case would have more than {0} parts")]
    TooManyParts(usize),
    #[error("there is no part {} in this case", .0.0)]
    NoSuchPart(PartId),
    #[error("alert {0} is not in this case, or no longer remembered: name its part")]
    NoSuchAlert(AlertId),
    #[error("nothing would be left of the case, or nothing go")]
    LeavesNothing,
    #[error("no alert of this tenant was ever seen")]
    NoSuchTenant,
    #[error("there is no noise rule {} in this tenant, or it has ended", .0.0)]
    NoSuchRule(NoiseId),
    #[error("a tenant has at most {0} noise rules")]
    TooManyRules(usize),
    #[error(
        "a rule has to say with `=` or `in` what it is about; an exclusion, which keys; an inhibition lasts a day at most"
    )]
    TooBroad,
    #[error("a silence ends within 90 days: what is known to be good is allowed")]
    NeedsAnEnd,
}

impl Refusal {
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::NoSuchCase(_) => "no_such_case",
            Self::Merged(_) => "merged",
            Self::Closed => "closed",
            Self::NotClosed => "not_closed",
            Self::VersionConflict { .. } => "version_conflict",
            Self::OtherTenant => "other_tenant",
            Self::SameCase => "same_case",
            Self::NotMerged(_) => "not_merged",
            Self::NotAStatusToSet => "not_a_status_to_set",
            Self::Repeated => "repeated",
            Self::TooManyParts(_) => "too_many_parts",
            Self::NoSuchPart(_) => "no_such_part",
            Self::NoSuchAlert(_) => "no_such_alert",
            Self::LeavesNothing => "leaves_nothing",
            Self::NoSuchTenant => "no_such_tenant",
            Self::NoSuchRule(_) => "no_such_rule",
            Self::TooManyRules(_) => "too_many_rules",
            Self::TooBroad => "too_broad",
            Self::NeedsAnEnd => "needs_an_end",
        }
    }
}
