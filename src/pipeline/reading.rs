//! What readers may see of the cases: committed state and nothing else. A case is read from its rows, the committed ones
//! on their way to the store before those in it, so it reads the same whether it is in memory or left it long ago, and
//! reading never asks the engine.
//!
//! Rows of one case are of one moment: the store is written while they are read, so whoever read looks afterwards whether
//! the store went past the batches that he knows of, and if so reads again. `listing` answers which cases there are.

mod family;
mod listing;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::batch::Batch;
use crate::engine::CaseSummary;
use crate::model::{AlertId, CaseId};
use crate::store::{Codec, Store};
use crate::wire;

pub use family::ReadError;
pub use listing::{BadCursor, Cursor, ListQuery, Order};

use listing::Listing;

/// What one read may take, its second tries included.
const READ_MAX: Duration = Duration::from_secs(2);
/// Each loses only against a write of the store, of which there are four a second.
const TRIES_MAX: usize = 8;

/// Cheap to clone; the shard feeds it, HTTP reads it.
#[derive(Clone, Default)]
pub struct CaseReader(Arc<Shared>);

#[derive(Default)]
struct Shared {
    served: Mutex<Option<Served>>,
    listing: Listing,
}

/// What a spell of work serves its readers from.
struct Served {
    store: Arc<dyn Store>,
    codec: Codec,
    holds_permille: u16,
    /// Committed, and not known to be in the store.
    waiting: VecDeque<Arc<Batch>>,
    /// The newest committed batch; none before the claim.
    newest: Option<u64>,
    /// The store may hold rows of batches up to this one.
    storing: u64,
}

/// Where one read reads from.
struct Moment {
    store: Arc<dyn Store>,
    codec: Codec,
    holds_permille: u16,
    waiting: VecDeque<Arc<Batch>>,
    newest: u64,
    until: Instant,
}

/// What became of the question for one case.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    Case {
        seq: u64,
        json: Vec<u8>,
    },
    /// It redirects there.
    Merged(CaseId),
}

impl CaseReader {
    /// A spell of work begins; it shows nothing before its first commit.
    pub fn begin(&self, store: Arc<dyn Store>, codec: Codec, holds_permille: u16, cases: Vec<CaseSummary>) {
        self.0.listing.reset(cases);
        let waiting = VecDeque::new();
        *self.lock() = Some(Served { store, codec, holds_permille, waiting, newest: None, storing: 0 });
    }

    pub fn committed(&self, batch: &Arc<Batch>) {
        if let Some(served) = &mut *self.lock() {
            served.waiting.push_back(Arc::clone(batch));
            served.newest = Some(batch.manifest.batch);
        }
        self.0.listing.publish(&batch.summaries);
    }

    /// The store is about to get the rows of all batches up to this one.
    pub fn storing(&self, number: u64) {
        if let Some(served) = &mut *self.lock() {
            served.storing = number;
        }
    }

    /// The store has them.
    pub fn stored(&self, number: u64) {
        if let Some(served) = &mut *self.lock() {
            served.waiting.retain(|batch| batch.manifest.batch > number);
        }
    }

    /// The spell is over: what is here may be another instance's to change.
    pub fn end(&self) {
        *self.lock() = None;
        self.0.listing.reset(Vec::new());
    }

    /// A page of cases, as JSON.
    pub fn list(&self, query: &ListQuery) -> Result<Vec<u8>, ReadError> {
        self.moment()?;
        let page = self.0.listing.page(query);
        let mut json = Vec::with_capacity(page.cases.len() * 512);
        let cursor = page.next.map(|cursor| cursor.to_string());
        wire::listing::encode(page.cases.iter().map(|case| &**case), page.total, cursor.as_deref(), &mut json);
        Ok(json)
    }

    /// The case's view, as it is on the topic of cases.
    pub fn show(&self, case: &CaseId) -> Result<Found, ReadError> {
        self.read(|moment| moment.show(case))
    }

    /// Why the case is one, and where these alerts of it are; of two, what leads from one to the other.
    pub fn explain(&self, case: &CaseId, alerts: &[AlertId]) -> Result<Found, ReadError> {
        let moment = self.moment()?;
        let family = match self.read(|moment| moment.family(case))? {
            Ok(family) => family,
            Err(survivor) => return Ok(Found::Merged(survivor)),
        };
        moment.explain(&family, alerts)
    }

    fn read<T>(&self, read: impl Fn(&Moment) -> Result<T, ReadError>) -> Result<T, ReadError> {
        let until = Instant::now() + READ_MAX;
        for _ in 0..TRIES_MAX {
            let moment = Moment { until, ..self.moment()? };
            let found = read(&moment);
            if self.lock().as_ref().is_some_and(|served| served.storing <= moment.newest) {
                return found;
            }
        }
        Err(ReadError::Busy)
    }

    fn moment(&self) -> Result<Moment, ReadError> {
        let served = self.lock();
        let served = served.as_ref().ok_or(ReadError::NotServing)?;
        Ok(Moment {
            store: Arc::clone(&served.store),
            codec: served.codec.clone(),
            holds_permille: served.holds_permille,
            waiting: served.waiting.clone(),
            newest: served.newest.ok_or(ReadError::NotServing)?,
            until: Instant::now() + READ_MAX,
        })
    }

    /// Whoever panicked with it locked left whole values behind.
    fn lock(&self) -> MutexGuard<'_, Option<Served>> {
        self.0.served.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Moment {
    /// The newest committed word on `key`.
    fn get(&self, key: &[u8]) -> Result<Option<Box<[u8]>>, ReadError> {
        if Instant::now() > self.until {
            return Err(ReadError::TookTooLong);
        }
        let waiting = self.waiting.iter().rev().find_map(|batch| {
            // In key order but for the manifest, which nobody reads through here.
            let rows = &batch.rows[..batch.rows.len().saturating_sub(1)];
            let found = rows.binary_search_by(|row| row.key.as_ref().cmp(key)).ok()?;
            Some(rows[found].value.clone())
        });
        match waiting {
            Some(newest) => Ok(newest),
            None => self.store.get(key).map_err(ReadError::Store),
        }
    }
}

#[cfg(test)]
mod tests;
