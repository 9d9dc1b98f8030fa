//! Rows that were decided and are not in the store yet. Whoever reads a row looks here first, so that the store may lag.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::batch::Batch;
use crate::store::{Store, StoreError};

/// The store with the rows on their way to it on top.
#[derive(Clone)]
pub struct RowReader {
    store: Arc<dyn Store>,
    pending: Pending,
}

/// Batches in the order in which they were decided; bounded by the queues between the stages.
#[derive(Clone, Default)]
pub struct Pending(Arc<Mutex<VecDeque<Arc<Batch>>>>);

impl Pending {
    pub fn push(&self, batch: Arc<Batch>) {
        self.lock().push_back(batch);
    }

    /// The store has this batch and all before it.
    pub fn stored(&self, number: u64) {
        self.lock().retain(|batch| batch.manifest.batch > number);
    }

    /// The newest pending word on `key`: a value, or its removal.
    fn get(&self, key: &[u8]) -> Option<Option<Box<[u8]>>> {
        let batches = self.lock();
        batches.iter().rev().find_map(|batch| {
            // Rows are in key order but for the manifest, which nobody reads through here.
            let rows = &batch.rows[..batch.rows.len().saturating_sub(1)];
            let found = rows.binary_search_by(|row| row.key.as_ref().cmp(key)).ok()?;
            Some(rows[found].value.clone())
        })
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Batch>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RowReader {
    #[must_use]
    pub fn new(store: Arc<dyn Store>, pending: Pending) -> Self {
        Self { store, pending }
    }

    pub fn get(&self, key: &[u8]) -> Result<Option<Box<[u8]>>, StoreError> {
        match self.pending.get(key) {
            Some(newest) => Ok(newest),
            None => self.store.get(key),
        }
    }
}
