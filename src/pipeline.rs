//! One loop per shard: poll, decode, decide, commit, keep, recover. `compose` holds what live work and offline replay
//! share; `shard` is the life of a shard, `session` one spell of work, `recover` the one way back.

mod arrivals;
mod batch;
mod commit;
mod compose;
mod decode;
mod idle;
mod inputs;
mod keep;
mod lag;
mod lease;
mod ledger;
mod lists;
mod pending;
mod positions;
mod reading;
mod recover;
mod replay;
mod report;
mod schedule;
mod segments;
mod session;
mod shard;
mod stop;
mod tail;
mod witness;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use dashmap::DashMap;

pub use batch::{Batch, DeadLetter, Messages};
pub use inputs::PlanError;
pub use lists::{ListFiles, WantedLists};
pub use positions::{InputStanding, InputState, Move, MoveError, MoveReport, MoveTo, Moved, Standings, standings};
pub use reading::{BadCursor, CaseReader, Cursor, Found, ListQuery, Order, ReadError};
pub use recover::RefusedStart;
pub use replay::{Assignment, Lines, Placed, Replay, ReplayError, ReplayReport};
pub use shard::{Shard, ShardError};
pub use stop::Stop;

use crate::engine::CaseSummary;
use crate::model::{CaseId, Timestamp};

/// Read views of the cases whose view was committed: what HTTP and the console may show.
#[derive(Clone, Debug, Default)]
pub struct ReadViews(Arc<DashMap<CaseId, CaseSummary>>);

impl ReadViews {
    pub fn publish(&self, case: &CaseId, summary: &CaseSummary) {
        if summary.status.is_open() {
            self.0.insert(case.clone(), summary.clone());
        } else {
            // Closed and merged cases are read from the store: this map is bounded by the open ones.
            self.0.remove(case);
        }
    }

    #[must_use]
    pub fn get(&self, case: &CaseId) -> Option<CaseSummary> {
        self.0.get(case).map(|summary| summary.clone())
    }

    #[must_use]
    pub fn all(&self) -> Vec<(CaseId, CaseSummary)> {
        self.0.iter().map(|entry| (entry.key().clone(), entry.value().clone())).collect()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The wall clock, for what describes the running and never decides: manifests, latencies.
#[must_use]
pub fn wall_now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
