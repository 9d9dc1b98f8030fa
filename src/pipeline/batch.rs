//! What one Kafka transaction carries, as bytes: everything that a batch of inputs decided.

use std::ops::Range;
use std::sync::Arc;

use crate::engine::CaseSummary;
use crate::model::{CaseId, Outcome, Timestamp};
use crate::store::{Manifest, Row};

/// Keys and values in one arena: a batch of ten thousand events makes a handful of allocations.
#[derive(Debug, Default)]
pub struct Messages {
    arena: Vec<u8>,
    items: Vec<(Range<usize>, Option<Range<usize>>)>,
}

impl Messages {
    /// Appends a message whose value `write` appends to the arena.
    pub fn push_with<T>(&mut self, key: impl std::fmt::Display, write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        use std::io::Write;
        let begin = self.arena.len();
        write!(self.arena, "{key}").expect("writing to a Vec never fails");
        let middle = self.arena.len();
        let result = write(&mut self.arena);
        self.items.push((begin..middle, Some(middle..self.arena.len())));
        result
    }

    pub fn iter(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        let bytes = |range: &Range<usize>| &self.arena[range.clone()];
        self.items.iter().map(move |(key, value)| (bytes(key), value.as_ref().map(bytes)))
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    #[must_use]
    pub fn bytes(&self) -> usize {
        self.arena.len()
    }
}

/// One unreadable record or element, with its bytes untouched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    pub key: String,
    pub headers: Vec<(&'static str, String)>,
    pub value: Vec<u8>,
    /// For the metric: the configured name of the source and the reason.
    pub source: usize,
    pub reason: &'static str,
}

/// A batch that was decided and is not committed yet.
#[derive(Debug, Default)]
pub struct Batch {
    /// Rows in key order, the manifest last.
    pub rows: Vec<Row>,
    pub events: Messages,
    pub views: Messages,
    pub refusals: Messages,
    pub dead_letters: Vec<DeadLetter>,
    /// The manifest that the last row holds: positions for the group's offsets, sums for the metrics.
    pub manifest: Arc<Manifest>,
    pub told: Told,
    /// Read views of the cases whose view is in this batch.
    pub summaries: Vec<(CaseId, CaseSummary)>,
}

/// What the shell counts once the batch is committed; nothing here decides anything.
#[derive(Debug, Default)]
pub struct Told {
    pub records: usize,
    pub outcomes: [u64; Outcome::ALL.len()],
    /// Record timestamps with how many records had them, for the latency from record to commit.
    pub recorded: Vec<Timestamp>,
    /// Per configured source: records and the newest record timestamp.
    pub sources: Vec<(u64, Option<Timestamp>)>,
    /// Event types, by label.
    pub event_types: Vec<(&'static str, u64)>,
    pub engine_seconds: f64,
    pub decode_seconds: f64,
    pub watermark: Option<Timestamp>,
    pub hub_keys: u64,
    pub open_cases: Vec<(&'static str, u64)>,
}

impl Batch {
    /// Whether there is anything that the outside would miss: an empty batch is not worth a transaction.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.told.records == 0
            && self.events.is_empty()
            && self.views.is_empty()
            && self.refusals.is_empty()
            && self.dead_letters.is_empty()
    }
}
