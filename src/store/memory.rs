//! The store without a disk: for replay, for tests, and as the measure of the other one.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock};

use super::{ChangelogId, FORMAT, Position, Row, Store, StoreError, StoreMeta, Visitor};

#[derive(Debug, Default)]
pub struct MemoryStore {
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    rows: BTreeMap<Box<[u8]>, Box<[u8]>>,
    meta: Option<StoreMeta>,
}

impl MemoryStore {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.write().unwrap_or_else(PoisonError::into_inner))
    }

    fn set_replaying(&self, replaying: bool) -> Result<(), StoreError> {
        self.change(|state| match &mut state.meta {
            Some(meta) => {
                meta.replaying = replaying;
                Ok(())
            }
            None => Err(StoreError::NoChangelog),
        })
    }
}

impl Store for MemoryStore {
    fn apply(&self, rows: &[&Row], position: Position) -> Result<(), StoreError> {
        self.change(|state| {
            let meta = state.meta.as_mut().ok_or(StoreError::NoChangelog)?;
            meta.position = position;
            for row in rows {
                match &row.value {
                    Some(value) => state.rows.insert(row.key.clone(), value.clone()),
                    None => state.rows.remove(&row.key),
                };
            }
            Ok(())
        })
    }

    fn get(&self, key: &[u8]) -> Result<Option<Box<[u8]>>, StoreError> {
        Ok(self.read(|state| state.rows.get(key).cloned()))
    }

    fn for_each_from(&self, from: &[u8], visit: &mut Visitor<'_>) -> Result<(), StoreError> {
        self.read(|state| {
            let mut rows = state.rows.range::<[u8], _>((Bound::Included(from), Bound::Unbounded));
            let _ = rows.try_for_each(|(key, value)| visit(key, value));
        });
        Ok(())
    }

    fn meta(&self) -> Result<Option<StoreMeta>, StoreError> {
        Ok(self.read(|state| state.meta))
    }

    fn set_changelog(&self, changelog: ChangelogId) -> Result<(), StoreError> {
        self.change(|state| match &state.meta {
            Some(meta) => Err(StoreError::HasChangelog(meta.changelog)),
            None => {
                state.meta = Some(StoreMeta { changelog, position: Position(0), format: FORMAT, replaying: false });
                Ok(())
            }
        })
    }

    fn begin_replay(&self) -> Result<(), StoreError> {
        self.set_replaying(true)
    }

    fn end_replay(&self) -> Result<(), StoreError> {
        self.set_replaying(false)
    }

    fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn size_on_disk(&self) -> Result<u64, StoreError> {
        Ok(self.read(|state| state.rows.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum()))
    }
}
