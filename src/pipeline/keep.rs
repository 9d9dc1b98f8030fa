//! The thread that brings committed rows into the store: after the commit, coalesced, and never in its way.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::CaseReader;
use super::batch::Batch;
use super::lag::Standing;
use super::pending::Pending;
use crate::store::{Position, Row, Store, StoreError};
use crate::telemetry::Metrics;

/// Rows are gathered at most this long, and no further than this many, before the store gets them.
const LAG_MAX: Duration = Duration::from_millis(250);
const ROWS_MAX: usize = 50_000;

/// A committed batch and where the changelog stood behind it.
pub struct Committed {
    pub batch: Arc<Batch>,
    pub position: Position,
}

/// Runs until the channel closes, then stores what is left.
pub fn keep(
    committed: &Receiver<Committed>,
    store: &dyn Store,
    pending: &Pending,
    cases: &CaseReader,
    metrics: &Metrics,
    standing: &Standing,
) -> Result<(), StoreError> {
    while let Ok(first) = committed.recv() {
        let gathered = gather(first, committed);
        let Some(last) = gathered.last() else { continue };
        let began = Instant::now();
        let rows: Vec<&Row> = gathered.iter().flat_map(|each| &each.batch.rows).collect();
        cases.storing(last.batch.manifest.batch);
        store.apply(&rows, last.position)?;
        metrics.stage_store(began.elapsed());
        standing.stored(last.position);
        pending.stored(last.batch.manifest.batch);
        cases.stored(last.batch.manifest.batch);
    }
    Ok(())
}

fn gather(first: Committed, committed: &Receiver<Committed>) -> Vec<Committed> {
    let until = Instant::now() + LAG_MAX;
    let mut rows = first.batch.rows.len();
    let mut gathered = vec![first];
    while rows < ROWS_MAX {
        match committed.recv_deadline(until) {
            Ok(next) => {
                rows += next.batch.rows.len();
                gathered.push(next);
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    gathered
}
