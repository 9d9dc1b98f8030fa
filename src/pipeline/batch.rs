//! What one Kafka transaction carries, as bytes: everything that a batch of inputs decided.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use super::inputs::Gap;
use crate::engine::{CaseSummary, EngineStats};
use crate::model::{CaseId, CaseStatus, EventKind, Evidence, KeyKind, Outcome, Timestamp};
use crate::store::{Manifest, Row};
use crate::telemetry::{LinkStrength, MergeResult};

/// Keys and values in one arena: a batch of ten thousand events makes a handful of allocations.
#[derive(Debug, Default)]
pub struct Messages {
    arena: Vec<u8>,
    items: Vec<(Range<usize>, Option<Range<usize>>)>,
    home: Arenas,
}

/// Arenas that go round. A new one for each batch would be copied at every doubling, and its pages be cleared by the
/// kernel again and again: together a quarter of the engine thread's time.
#[derive(Clone, Debug, Default)]
pub struct Arenas(Arc<Mutex<Vec<Vec<u8>>>>);

/// More than this are never out at once for long.
const ARENAS_MAX: usize = 4;
/// What one batch of the extreme made large is given back to the system.
const ARENA_BYTES_MAX: usize = 32 << 20;

impl Arenas {
    #[must_use]
    pub fn messages(&self) -> Messages {
        let arena = self.lock().pop().unwrap_or_default();
        Messages { arena, items: Vec::new(), home: self.clone() }
    }

    fn take_back(&self, mut arena: Vec<u8>) {
        if (1..=ARENA_BYTES_MAX).contains(&arena.capacity()) {
            arena.clear();
            let mut spare = self.lock();
            if spare.len() < ARENAS_MAX {
                spare.push(arena);
            }
        }
    }

    /// Whoever panicked with it locked left bytes at worst, and those are cleared.
    fn lock(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Messages {
    fn drop(&mut self) {
        self.home.take_back(std::mem::take(&mut self.arena));
    }
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
    /// What is kept of the record's own headers.
    pub kept: Vec<(String, Vec<u8>)>,
    pub value: Vec<u8>,
    /// For the metric: the configured name of the source and the reason.
    pub source: usize,
    pub reason: &'static str,
}

impl DeadLetter {
    /// Cuts what the topic would not take: the beginning of the bytes stays, with the whole length and its SHA-256.
    #[must_use]
    pub fn fit(mut self, bytes_max: usize) -> Self {
        if self.value.len() > bytes_max {
            let hash: [u8; 32] = Sha256::digest(&self.value).into();
            let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
            self.headers.push(("cut_from_bytes", self.value.len().to_string()));
            self.headers.push(("sha256", hex));
            self.value.truncate(bytes_max);
        }
        self
    }
}

/// A batch that was decided and is not committed yet.
#[derive(Debug)]
pub struct Batch {
    /// Rows in key order, the manifest last.
    pub rows: Vec<Row>,
    pub events: Messages,
    pub views: Messages,
    /// What is in no case's chain: refused commands, and facts about noise.
    pub refusals: Messages,
    /// What befell the shard itself, for the audit topic.
    pub audit: Messages,
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
    /// The timestamp of each record, for the latency from record to commit.
    pub recorded: Vec<Timestamp>,
    /// Per configured source: records and the newest record timestamp.
    pub sources: Vec<(u64, Option<Timestamp>)>,
    /// Event types, by label.
    pub event_types: Vec<(&'static str, u64)>,
    pub links: Vec<(KeyKind, LinkStrength, u64)>,
    pub merges: Vec<(MergeResult, u64)>,
    /// Records that were deleted before they were read.
    pub gaps: Vec<Gap>,
    pub engine_seconds: f64,
    pub decode_seconds: f64,
    pub stats: Option<EngineStats>,
}

impl Told {
    /// Counts one event and what its kind says.
    pub fn event(&mut self, kind: &EventKind) {
        count(&mut self.event_types, kind.label());
        match kind {
            EventKind::AlertAttached { link, .. } => link.evidence.iter().for_each(|evidence| self.link(evidence)),
            EventKind::Merged { .. } => self.merge(MergeResult::Merged),
            EventKind::MergeRefused { .. } => self.merge(MergeResult::Refused),
            EventKind::MergeUndone { side: crate::model::MergeSide::Survivor, .. } => self.merge(MergeResult::Undone),
            _ => {}
        }
    }

    fn link(&mut self, evidence: &Evidence) {
        let strength = match (evidence.counted, evidence.weight_permille) {
            (false, _) => LinkStrength::None,
            (true, 500..) => LinkStrength::Strong,
            (true, _) => LinkStrength::Weak,
        };
        match self.links.iter_mut().find(|(kind, known, _)| *kind == evidence.kind && *known == strength) {
            Some((.., count)) => *count += 1,
            None => self.links.push((evidence.kind, strength, 1)),
        }
    }

    fn merge(&mut self, result: MergeResult) {
        match self.merges.iter_mut().find(|(known, _)| *known == result) {
            Some((_, count)) => *count += 1,
            None => self.merges.push((result, 1)),
        }
    }

    /// Cases by status as the engine holds them.
    pub fn cases(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.stats.as_ref().map(|stats| stats.cases).unwrap_or_default();
        CaseStatus::ALL.into_iter().map(move |status| (status.label(), counts[status as usize]))
    }
}

fn count(counts: &mut Vec<(&'static str, u64)>, label: &'static str) {
    match counts.iter_mut().find(|(known, _)| *known == label) {
        Some((_, count)) => *count += 1,
        None => counts.push((label, 1)),
    }
}

/// What batches are made with.
#[derive(Debug, Default)]
pub struct Buffers {
    pub events: Arenas,
    pub views: Arenas,
    /// As many rows as the last batch had.
    pub rows: usize,
}

impl Batch {
    /// An empty batch, to be filled; its manifest is set when it is finished.
    #[must_use]
    pub fn new(manifest: Arc<Manifest>, buffers: &Buffers) -> Self {
        Self {
            rows: Vec::with_capacity(buffers.rows),
            events: buffers.events.messages(),
            views: buffers.views.messages(),
            refusals: Messages::default(),
            audit: Messages::default(),
            dead_letters: Vec::new(),
            manifest,
            told: Told::default(),
            summaries: Vec::new(),
        }
    }

    /// Whether there is anything that the outside would miss: an empty batch is not worth a transaction.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.told.records == 0
            && self.events.is_empty()
            && self.views.is_empty()
            && self.refusals.is_empty()
            && self.audit.is_empty()
            && self.dead_letters.is_empty()
    }
}
