//! The nouns of the domain. Nothing here does IO, reads a clock or knows an outside format: `wire` and `store` own
//! versioned structs and convert, so a change of a JSON field or of a row layout never reaches this module.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod alert;
mod case;
mod command;
mod entity;
mod event;
mod id;
mod intel;
mod key;
mod observable;
mod outcome;
mod time;

pub use alert::{
    Activity, Alert, AlertLink, Attack, Correlation, EventTime, Label, Marks, Rule, Severity, Source, TimeFrom,
};
pub use case::{
    Band, CaseStatus, CaseView, Counted, EdgeView, ListView, MergedFrom, Priority, PriorityFactor, RelatedCase, Verdict,
};
pub use command::{Command, CommandKind, Refusal};
pub use entity::{Entity, EntityKind};
pub use event::{
    Actor, Begun, CaseEvent, Cause, EDGES_TOLD_MAX, EventKind, Evidence, Link, MergeSide, MoveSide, PartedBy,
    RefusedMerge, RejectedRival, SplitSide, Tally,
};
pub use id::{AlertId, CaseId, EdgeId, Origin, PartId, Shard, Tenant, TenantError, TopicName};
pub use intel::{CRITICALITIES, IntelMatch, criticality_from_label};
pub use key::{Key, KeyHash, KeyKind, Role};
pub use observable::{Observable, ObservableKind};
pub use outcome::Outcome;
pub use time::{Millis, Timestamp};
