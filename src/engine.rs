//! The verdicts: dedup, correlation, merging, the life of a case. Pure: no IO, clock, randomness, float or unordered
//! iteration. The same inputs in the same order give the same effects, whatever the batch size, the speed or what is
//! resident.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod address;
mod input;
mod keys;
mod policy;
mod state;

pub use input::{Effects, Input, Refused, Settled};
pub use keys::{KEYS_MAX, dedup_hash, keys_of};
pub use policy::{KindPolicy, Policy, Reopen};
pub use state::{
    AlertRef, CaseState, Change, ClockState, DedupEntry, EdgeState, EvidenceKey, EvidenceSet, IdEntry, KeyStat,
    LearnedChunk, MergeRecord, PartKey, PartState, PartitionClock, Pending, PolicyState, RelatedState, RowKey,
    StateRef, StateRow, TenantState, TrackedEntity, TrackedObservable,
};
