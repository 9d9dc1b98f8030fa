//! Row version 2: of those rows whose shape changed since version 1. Frozen, like that one.

mod learned;
mod part;
mod segment;

use serde::{Deserialize, Serialize};

pub use part::PartV2;
pub use segment::SegmentV2;

use super::codec::RowError;
use super::v1::{self, read, write};
use crate::engine::{RowKey, StateRef, StateRow, TenantState};
use crate::model::{Tenant, Timestamp};

pub const VERSION: u8 = 2;

/// Writes a row of the engine in the version that is current for its kind, which it answers.
pub fn encode(row: StateRef<'_>, body: &mut Vec<u8>) {
    match row {
        StateRef::LearnedDelta { batch: _, chunk: _, entries } => write(&learned::ChunkV2::of(0, entries), body),
        StateRef::LearnedBucket { bucket: _, chunk: _, as_of_batch, entries } => {
            write(&learned::ChunkV2::of(as_of_batch, entries), body);
        }
        StateRef::Tenant(tenant) => write(&TenantV2::of(tenant), body),
        StateRef::Clock(_)
        | StateRef::Policy(_)
        | StateRef::Case(_)
        | StateRef::Part(_)
        | StateRef::Lists(_)
        | StateRef::ListChunk { .. } => v1::state::encode(row, body),
    }
}

/// The version that rows of this name are written in.
pub const fn version_of(key: &RowKey) -> u8 {
    match key {
        RowKey::LearnedDelta { .. } | RowKey::LearnedBucket { .. } | RowKey::Tenant(_) => VERSION,
        RowKey::Clock
        | RowKey::Policy
        | RowKey::Case(_)
        | RowKey::Part(..)
        | RowKey::Lists
        | RowKey::ListChunk { .. } => v1::VERSION,
    }
}

/// Reads a row of this version.
pub fn decode(key: &RowKey, body: &[u8]) -> Result<StateRow, RowError> {
    Ok(match key {
        RowKey::LearnedDelta { batch, chunk } => {
            let (_, entries) = read::<learned::ChunkV2>(body)?.back()?;
            StateRow::LearnedDelta { batch: *batch, chunk: *chunk, entries }
        }
        RowKey::LearnedBucket { bucket, chunk } => {
            let (as_of_batch, entries) = read::<learned::ChunkV2>(body)?.back()?;
            StateRow::LearnedBucket { bucket: *bucket, chunk: *chunk, as_of_batch, entries }
        }
        RowKey::Tenant(tenant) => StateRow::Tenant(read::<TenantV2>(body)?.back(tenant.clone())),
        RowKey::Part(tenant, id) => StateRow::Part(read::<part::PartV2<'_>>(body)?.back(tenant.clone(), *id)?),
        RowKey::Clock | RowKey::Policy | RowKey::Case(_) | RowKey::Lists | RowKey::ListChunk { .. } => {
            return Err(RowError::Version(VERSION));
        }
    })
}

#[derive(Serialize, Deserialize)]
struct TenantV2 {
    next_case: u64,
    next_part: u64,
    next_edge: u64,
    began_at: Option<i64>,
}

impl TenantV2 {
    fn of(tenant: &TenantState) -> Self {
        Self {
            next_case: tenant.next_case,
            next_part: tenant.next_part,
            next_edge: tenant.next_edge,
            began_at: tenant.began_at.map(Timestamp::millis),
        }
    }

    fn back(self, tenant: Tenant) -> TenantState {
        TenantState {
            tenant,
            next_case: self.next_case,
            next_part: self.next_part,
            next_edge: self.next_edge,
            began_at: self.began_at.map(Timestamp::from_millis),
        }
    }
}
