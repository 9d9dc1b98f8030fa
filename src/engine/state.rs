//! The engine's state as rows: everything that must survive it. What these determine (the key index, which parts make
//! up which case, timers) is rebuilt on restore and stored nowhere.

use std::sync::Arc;

use super::{ListChunk, ListChunkRef, ListsState, Risk};
use crate::model::{
    AlertId, Attack, CaseId, CaseStatus, EdgeId, EntityKind, KeyHash, KeyKind, ObservableKind, Origin, PartId,
    Priority, Role, Severity, Tenant, Timestamp, TopicName, Verdict,
};

/// The name of a row. Tenant first: a tenant's rows are one range of the store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowKey {
    Clock,
    Policy,
    /// Where the lists of assets and indicators are from.
    Lists,
    /// Some of their entries.
    ListChunk {
        chunk: u32,
    },
    /// The learned entries that one batch changed, in chunks of bounded size.
    LearnedDelta {
        batch: u64,
        chunk: u16,
    },
    /// All learned entries of one hash bucket, in chunks of bounded size.
    LearnedBucket {
        bucket: u16,
        chunk: u16,
    },
    Tenant(Tenant),
    Case(CaseId),
    Part(Tenant, PartId),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateRow {
    Clock(ClockState),
    Policy(PolicyState),
    Lists(ListsState),
    ListChunk { chunk: u32, entries: ListChunk },
    LearnedDelta { batch: u64, chunk: u16, entries: LearnedChunk },
    LearnedBucket { bucket: u16, chunk: u16, as_of_batch: u64, entries: LearnedChunk },
    Tenant(TenantState),
    Case(CaseState),
    Part(PartState),
}

/// A row by reference, as `seal` hands it out: nothing is copied only to be encoded.
#[derive(Clone, Copy, Debug)]
pub enum StateRef<'a> {
    Clock(&'a ClockState),
    Policy(&'a PolicyState),
    Lists(&'a ListsState),
    ListChunk { chunk: u32, entries: ListChunkRef<'a> },
    LearnedDelta { batch: u64, chunk: u16, entries: &'a LearnedChunk },
    LearnedBucket { bucket: u16, chunk: u16, as_of_batch: u64, entries: &'a LearnedChunk },
    Tenant(&'a TenantState),
    Case(&'a CaseState),
    Part(&'a PartState),
}

/// What `seal` asks the shell to do with one row.
#[derive(Clone, Debug)]
pub enum Change<'a> {
    Save(StateRef<'a>),
    Remove(RowKey),
}

impl StateRef<'_> {
    #[must_use]
    pub fn key(&self) -> RowKey {
        match *self {
            Self::Clock(_) => RowKey::Clock,
            Self::Policy(_) => RowKey::Policy,
            Self::Lists(_) => RowKey::Lists,
            Self::ListChunk { chunk, .. } => RowKey::ListChunk { chunk },
            Self::LearnedDelta { batch, chunk, .. } => RowKey::LearnedDelta { batch, chunk },
            Self::LearnedBucket { bucket, chunk, .. } => RowKey::LearnedBucket { bucket, chunk },
            Self::Tenant(tenant) => RowKey::Tenant(tenant.tenant.clone()),
            Self::Case(case) => RowKey::Case(case.id.clone()),
            Self::Part(part) => RowKey::Part(part.tenant.clone(), part.id),
        }
    }

    #[must_use]
    pub fn to_row(&self) -> StateRow {
        match *self {
            Self::Clock(clock) => StateRow::Clock(clock.clone()),
            Self::Policy(policy) => StateRow::Policy(policy.clone()),
            Self::Lists(lists) => StateRow::Lists(lists.clone()),
            Self::ListChunk { chunk, entries } => StateRow::ListChunk { chunk, entries: entries.to_chunk() },
            Self::LearnedDelta { batch, chunk, entries } => {
                StateRow::LearnedDelta { batch, chunk, entries: entries.clone() }
            }
            Self::LearnedBucket { bucket, chunk, as_of_batch, entries } => {
                StateRow::LearnedBucket { bucket, chunk, as_of_batch, entries: entries.clone() }
            }
            Self::Tenant(tenant) => StateRow::Tenant(tenant.clone()),
            Self::Case(case) => StateRow::Case(case.clone()),
            Self::Part(part) => StateRow::Part(part.clone()),
        }
    }
}

impl StateRow {
    #[must_use]
    pub fn key(&self) -> RowKey {
        self.as_ref().key()
    }

    #[must_use]
    pub fn as_ref(&self) -> StateRef<'_> {
        match self {
            Self::Clock(clock) => StateRef::Clock(clock),
            Self::Policy(policy) => StateRef::Policy(policy),
            Self::Lists(lists) => StateRef::Lists(lists),
            Self::ListChunk { chunk, entries } => {
                let (indicators, assets) = (&entries.indicators[..], &entries.assets[..]);
                StateRef::ListChunk { chunk: *chunk, entries: ListChunkRef { indicators, assets } }
            }
            Self::LearnedDelta { batch, chunk, entries } => {
                StateRef::LearnedDelta { batch: *batch, chunk: *chunk, entries }
            }
            Self::LearnedBucket { bucket, chunk, as_of_batch, entries } => {
                StateRef::LearnedBucket { bucket: *bucket, chunk: *chunk, as_of_batch: *as_of_batch, entries }
            }
            Self::Tenant(tenant) => StateRef::Tenant(tenant),
            Self::Case(case) => StateRef::Case(case),
            Self::Part(part) => StateRef::Part(part),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClockState {
    /// The time of the last event, which never goes back.
    pub now: Timestamp,
    pub watermark: Timestamp,
    /// Sorted by topic and partition.
    pub partitions: Vec<PartitionClock>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionClock {
    pub topic: TopicName,
    pub partition: i32,
    /// The highest event time seen.
    pub high: Timestamp,
    pub idle: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyState {
    pub digest: [u8; 32],
    pub text: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantState {
    pub tenant: Tenant,
    pub next_case: u64,
    pub next_part: u64,
    pub next_edge: u64,
    /// The event time of its first alert.
    pub began_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseState {
    pub id: CaseId,
    pub seq: u64,
    /// SHA-256 of the last event; zero before the first. The shell computes it, because it is over the JSON bytes.
    pub audit_head: [u8; 32],
    /// The `seq` of the last view that was published; below `seq` a view is owed.
    pub view_seq: u64,
    pub status: CaseStatus,
    /// What `status` was before it became `Merged`, so that undoing gives it back.
    pub status_before_merge: Option<CaseStatus>,
    pub verdict: Option<Verdict>,
    pub owner: Option<Arc<str>>,
    pub team: Option<Arc<str>>,
    pub severity: Severity,
    pub priority: Priority,
    pub opened_at: Timestamp,
    pub acknowledged_at: Option<Timestamp>,
    pub contained_at: Option<Timestamp>,
    pub resolved_at: Option<Timestamp>,
    pub closed_at: Option<Timestamp>,
    /// The watermark at which it was last closed, re-opened or parted from another: its windows count from there.
    /// Taken away when that window has passed: closed without it means cold, reached by commands alone.
    pub closed_watermark: Option<Timestamp>,
    pub follows: Option<CaseId>,
    pub merged_into: Option<(CaseId, EdgeId)>,
    /// The merges that brought other cases in and still hold, oldest first.
    pub merged_from: Vec<MergeRecord>,
    /// Cases that a person parted from this one: never merged again by the engine.
    pub kept_apart: Vec<CaseId>,
    pub related: Vec<RelatedState>,
    pub overflowed: bool,
    /// The parts that are at home here, oldest first; the first one founded the case. They say where to find its rows.
    pub parts: Vec<PartId>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeRecord {
    pub case: CaseId,
    pub edge: EdgeId,
    pub at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelatedState {
    pub case: CaseId,
    pub strength_permille: u16,
    pub keys: Vec<(KeyKind, Arc<str>)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartState {
    pub tenant: Tenant,
    pub id: PartId,
    /// The case that lists it: that whose founding part it was last held by, even while that case is merged. The case
    /// it counts for now follows from the edges: the oldest home of its component.
    pub home: CaseId,
    pub kind: PartKind,
    /// The machine that its alerts are about.
    pub machine: Option<KeyHash>,
    /// Who acted there, or was acted upon.
    pub identity: Option<KeyHash>,
    /// The first alert of medium severity or more: where it began, if it began at all.
    pub began_at: Option<Timestamp>,
    /// The last alert that it gathered, in itself or in a held part.
    pub gathered_at: Timestamp,
    /// Who acted in it, at most `ACTORS_MAX`, in order of first appearance.
    pub actors: Vec<KeyHash>,
    pub alerts: u64,
    /// Told and untold, both of them.
    pub duplicates: u64,
    pub rolled_up: u64,
    pub late: u64,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    /// The first alert of the highest severity names the part, and so perhaps the case.
    pub top: (Severity, Arc<str>),
    /// In order of first appearance, bounded by `TRACKED_MAX`; so are the other lists but the keys.
    pub observables: Vec<(TrackedObservable, u64)>,
    pub entities: Vec<(TrackedEntity, u64)>,
    /// Uid, name, highest severity; and how often.
    pub rules: Vec<(Arc<str>, Arc<str>, Severity, u64)>,
    pub sources: Vec<(Arc<str>, u64)>,
    pub attacks: Vec<(Attack, u64)>,
    /// First, last, highest severity, and one per rule: what stays when the rest is only counted.
    pub exemplars: Vec<AlertRef>,
    /// The keys that alerts may still meet on, at most `KEYS_HELD_MAX`; least recently seen first out.
    pub keys: Vec<PartKey>,
    pub pending: Option<Pending>,
    /// The edges to older parts, oldest first.
    pub edges: Vec<EdgeState>,
    /// What it adds to its case's priority.
    pub risk: Risk,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TrackedObservable {
    pub kind: ObservableKind,
    pub value: Arc<str>,
    pub role: Role,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TrackedEntity {
    pub kind: EntityKind,
    pub value: Arc<str>,
    pub role: Role,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertRef {
    pub id: AlertId,
    pub at: Timestamp,
    pub severity: Severity,
    pub origin: Origin,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartKey {
    pub hash: KeyHash,
    pub kind: KeyKind,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    /// The last alert that was about this thing itself.
    pub own_at: Option<Timestamp>,
    /// The first alert of medium severity or more that was.
    pub began_at: Option<Timestamp>,
}

/// What makes the alerts of a part one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartKind {
    /// One machine and one identity.
    Gathered,
    /// One rule on one machine within one hour, held by nothing but the machine. Its keys are those of the part that it
    /// hangs on.
    Held,
    /// One rule on one machine, all day. Nothing meets its keys.
    RollUp,
}

impl PartKind {
    pub const ALL: [Self; 3] = [Self::Gathered, Self::Held, Self::RollUp];
}

/// Counted, not yet told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Told at the latest when the watermark reaches this.
    pub due: Timestamp,
    /// Alert, count, first and last event time.
    pub repeats: Vec<(AlertId, u64, Timestamp, Timestamp)>,
    pub rolled_up: u64,
    pub rolled_first_at: Timestamp,
    pub rolled_last_at: Timestamp,
}

/// Why two parts are one case. Kept when it holds no more, since it explains what once was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeState {
    pub id: EdgeId,
    /// The older part.
    pub to: PartId,
    pub kind: EdgeKind,
    /// Whether anything, or anybody, stands against it.
    pub stands: EdgeStands,
    /// The strength at which it first held; it stays, as what is shown of it does.
    pub strength_permille: u16,
    /// At most 4 sets, the one that drew it first; any one of them that is strong enough holds it.
    pub evidence: Vec<EvidenceSet>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EdgeKind {
    /// Holds as long as its evidence does.
    Evidence,
    /// Drawn by a person, whose word needs none.
    Person,
    /// The alerts of a held part happened on the machine of the other one.
    Machine,
    /// Both are what one rule says all day of one machine.
    Background,
}

impl EdgeKind {
    pub const ALL: [Self; 4] = [Self::Evidence, Self::Person, Self::Machine, Self::Background];
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EdgeStands {
    Holds,
    /// A guard kept the two cases apart when it was drawn.
    Refused,
    /// Taken back for good.
    Undone,
}

impl EdgeStands {
    pub const ALL: [Self; 3] = [Self::Holds, Self::Refused, Self::Undone];
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceSet {
    pub alert: AlertId,
    pub at: Timestamp,
    pub strength_permille: u16,
    pub keys: Vec<EvidenceKey>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceKey {
    pub hash: KeyHash,
    pub kind: KeyKind,
    pub value: Arc<str>,
    /// Zero from when the key turned out to be a hub.
    pub permille: u16,
}

/// Learned state, packed: a row holds many entries, not one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LearnedChunk {
    pub dedups: Vec<DedupEntry>,
    pub ids: Vec<IdEntry>,
    pub stats: Vec<KeyStat>,
    pub habits: Vec<Habit>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DedupEntry {
    pub hash: u128,
    pub alert: AlertId,
    pub part: PartId,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    pub count: u64,
}

/// An alert id (or a command's idempotency key) that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdEntry {
    pub hash: u128,
    /// None for a command, and for an alert that no case took.
    pub part: Option<PartId>,
    pub at: Timestamp,
    /// The highest revision seen.
    pub revision: i64,
    pub closed: bool,
}

/// How many distinct machines a key touched, in two halves of the hub window; kept only for keys with more than one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyStat {
    pub hash: KeyHash,
    pub kind: KeyKind,
    pub half_began: Timestamp,
    pub current: Vec<u64>,
    pub previous: Vec<u64>,
    pub hub: bool,
    /// Strangers met at it: it links nothing until then, whatever is counted.
    pub hub_until: Option<Timestamp>,
}

/// How one rule behaves on one machine: when it fired in the last day, and how loudly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Habit {
    /// Of rule and machine.
    pub hash: u128,
    /// The hour of event time that it last fired in, counted from the epoch.
    pub hour: i64,
    /// The hours in which it fired, that one in the lowest bit.
    pub hours: u32,
    /// How often in that hour.
    pub count: u32,
    /// How often in an hour in which it fires, in thousandths; zero before the second one.
    pub mean_milli: u64,
    /// In how many hours of a day it has to fire to be background.
    pub hours_needed: u8,
    pub roll_up: Option<RolledUp>,
    /// Its held parts of late, which go to the roll-up if it turns out to be background.
    pub held: Vec<HeldHour>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RolledUp {
    pub part: PartId,
    pub last_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldHour {
    pub part: PartId,
    /// The part that it hangs on.
    pub by: PartId,
    pub hour: i64,
    pub count: u32,
}
