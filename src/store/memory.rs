//! The store of replays and tests: the same promises, nothing on disk.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{ChangelogId, FORMAT, Position, Row, Store, StoreError, StoreMeta};

#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    rows: BTreeMap<Box<[u8]>, Box<[u8]>>,
    changelog: Option<ChangelogId>,
    position: Position,
    replaying: bool,
}

impl MemoryStore {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn apply(&self, rows: &[&Row], position: Position) -> Result<(), StoreError> {
        let mut inner = self.inner();
        for row in rows {
            match &row.value {
                Some(value) => {
                    inner.rows.insert(row.key.clone(), value.clone());
                }
                None => {
                    inner.rows.remove(&row.key);
                }
            }
        }
        inner.position = position;
        Ok(())
    }

    fn get(&self, key: &[u8]) -> Result<Option<Box<[u8]>>, StoreError> {
        Ok(self.inner().rows.get(key).cloned())
    }

    fn for_each(&self, visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>) -> Result<(), StoreError> {
        let inner = self.inner();
        for (key, value) in &inner.rows {
            if visit(key, value).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn meta(&self) -> Result<Option<StoreMeta>, StoreError> {
        let inner = self.inner();
        let (position, replaying) = (inner.position, inner.replaying);
        Ok(inner.changelog.map(|changelog| StoreMeta { changelog, position, format: FORMAT, replaying }))
    }

    fn set_changelog(&self, changelog: ChangelogId) -> Result<(), StoreError> {
        let mut inner = self.inner();
        match inner.changelog.replace(changelog) {
            Some(other) => {
                inner.changelog = Some(other);
                Err(StoreError::HasChangelog(other))
            }
            None => Ok(()),
        }
    }

    fn begin_replay(&self) -> Result<(), StoreError> {
        self.inner().replaying = true;
        Ok(())
    }

    fn end_replay(&self) -> Result<(), StoreError> {
        self.inner().replaying = false;
        Ok(())
    }

    fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn size_on_disk(&self) -> Result<u64, StoreError> {
        Ok(0)
    }
}
