//! Learned state: many small entries in one row. Read only: version 2 is what is written.

use serde::{Deserialize, Serialize};

use super::codes;
use super::state::at;
use crate::engine::{DedupEntry, IdEntry, KeyStat, LearnedChunk};
use crate::model::{AlertId, KeyHash, PartId};
use crate::store::RowError;

#[derive(Deserialize)]
pub struct ChunkV1 {
    /// Zero in a delta, whose batch is in its key.
    as_of_batch: u64,
    dedups: Vec<DedupV1>,
    ids: Vec<IdV1>,
    stats: Vec<StatV1>,
}

#[derive(Serialize, Deserialize)]
pub(in crate::store) struct DedupV1 {
    hash: [u8; 16],
    alert: [u8; 16],
    part: u64,
    first_at: i64,
    last_at: i64,
    count: u64,
}

#[derive(Serialize, Deserialize)]
pub(in crate::store) struct IdV1 {
    hash: [u8; 16],
    part: Option<u64>,
    at: i64,
    revision: i64,
    closed: bool,
}

#[derive(Deserialize)]
struct StatV1 {
    hash: [u8; 16],
    kind: u8,
    half_began: i64,
    current: Vec<u64>,
    previous: Vec<u64>,
    hub: bool,
}

impl ChunkV1 {
    pub fn back(self) -> Result<(u64, LearnedChunk), RowError> {
        let chunk = LearnedChunk {
            dedups: self.dedups.into_iter().map(DedupV1::back).collect(),
            ids: self.ids.into_iter().map(IdV1::back).collect(),
            stats: self.stats.into_iter().map(StatV1::back).collect::<Result<_, _>>()?,
            habits: Vec::new(),
        };
        Ok((self.as_of_batch, chunk))
    }
}

impl DedupV1 {
    pub(in crate::store) fn of(entry: &DedupEntry) -> Self {
        Self {
            hash: entry.hash.to_be_bytes(),
            alert: entry.alert.0.to_be_bytes(),
            part: entry.part.0,
            first_at: entry.first_at.millis(),
            last_at: entry.last_at.millis(),
            count: entry.count,
        }
    }

    pub(in crate::store) fn back(self) -> DedupEntry {
        DedupEntry {
            hash: u128::from_be_bytes(self.hash),
            alert: AlertId(u128::from_be_bytes(self.alert)),
            part: PartId(self.part),
            first_at: at(self.first_at),
            last_at: at(self.last_at),
            count: self.count,
        }
    }
}

impl IdV1 {
    pub(in crate::store) fn of(entry: &IdEntry) -> Self {
        Self {
            hash: entry.hash.to_be_bytes(),
            part: entry.part.map(|part| part.0),
            at: entry.at.millis(),
            revision: entry.revision,
            closed: entry.closed,
        }
    }

    pub(in crate::store) fn back(self) -> IdEntry {
        IdEntry {
            hash: u128::from_be_bytes(self.hash),
            part: self.part.map(PartId),
            at: at(self.at),
            revision: self.revision,
            closed: self.closed,
        }
    }
}

impl StatV1 {
    fn back(self) -> Result<KeyStat, RowError> {
        Ok(KeyStat {
            hash: KeyHash(u128::from_be_bytes(self.hash)),
            kind: codes::key_kind(self.kind)?,
            half_began: at(self.half_began),
            current: self.current,
            previous: self.previous,
            hub: self.hub,
            hub_until: None,
        })
    }
}
