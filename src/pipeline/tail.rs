//! Reading the changelog into a store.

use std::ops::ControlFlow;

use hashbrown::HashMap;

use super::stop::Stop;
use crate::kafka::{ChangelogReader, ChangelogRecord, Ends, KafkaFault};
use crate::store::{ChangelogId, Claim, Manifest, Position, Row, RowName, Store, StoreError};

/// Rows gathered before the store gets them: of a key that changed often only the last value is written.
const CHUNK_BYTES_MAX: usize = 32 * 1024 * 1024;
/// How far from the end to look for a manifest first; aborted transactions may fill more than that.
const LOOK_BACK: i64 = 64;

#[derive(Debug)]
pub enum TailError {
    Kafka(KafkaFault),
    Store(StoreError),
    Stopped,
}

impl From<KafkaFault> for TailError {
    fn from(fault: KafkaFault) -> Self {
        Self::Kafka(fault)
    }
}

impl From<StoreError> for TailError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Whose changelog this is: every batch ends with a manifest, which says so. None for one that was never written.
pub fn changelog_id(reader: &mut ChangelogReader, ends: Ends) -> Result<Option<ChangelogId>, KafkaFault> {
    last(reader, ends, id_in)
}

/// The manifest of the last committed batch. None for a changelog that was never written.
pub fn last_manifest(reader: &mut ChangelogReader, ends: Ends) -> Result<Option<Manifest>, KafkaFault> {
    last(reader, ends, manifest_in)
}

/// What `pick` finds in the last record that has it, looked for from the end, further and further back.
fn last<T>(
    reader: &mut ChangelogReader,
    ends: Ends,
    pick: impl Fn(&ChangelogRecord<'_>) -> Option<T>,
) -> Result<Option<T>, KafkaFault> {
    let mut span = LOOK_BACK;
    loop {
        let from = ends.low.max(ends.committed_end - span);
        let mut found = None;
        reader.read(from, ends.committed_end, &mut |record| {
            found = pick(&record).or(found.take());
            ControlFlow::Continue(())
        })?;
        if found.is_some() || from == ends.low {
            return Ok(found);
        }
        span *= 16;
    }
}

fn manifest_in(record: &ChangelogRecord<'_>) -> Option<Manifest> {
    match RowName::from_bytes(record.key).ok()? {
        RowName::Manifest => Manifest::decode(record.value?).ok(),
        RowName::Claim | RowName::Engine(_) | RowName::Segment { .. } | RowName::CaseSegments { .. } => None,
    }
}

fn id_in(record: &ChangelogRecord<'_>) -> Option<ChangelogId> {
    match RowName::from_bytes(record.key).ok()? {
        RowName::Claim => Claim::decode(record.value?).ok().map(|claim| claim.changelog),
        RowName::Manifest | RowName::Engine(_) | RowName::Segment { .. } | RowName::CaseSegments { .. } => {
            manifest_in(record).map(|manifest| manifest.changelog)
        }
    }
}

/// Applies the changelog from `from` to its end and answers how many rows were written.
pub fn apply(
    reader: &mut ChangelogReader,
    store: &dyn Store,
    from: Position,
    ends: Ends,
    stop: &Stop,
) -> Result<u64, TailError> {
    let mut chunk = Chunk { store, rows: HashMap::default(), bytes: 0, written: 0 };
    let mut failed = None;
    let reached = reader.read(from.0, ends.committed_end, &mut |record| {
        match chunk.take(&record) {
            Ok(()) if !stop.is_set() => return ControlFlow::Continue(()),
            Ok(()) => failed = Some(TailError::Stopped),
            Err(error) => failed = Some(TailError::Store(error)),
        }
        ControlFlow::Break(())
    })?;
    match failed {
        Some(error) => Err(error),
        None => {
            chunk.write(Position(reached.max(ends.committed_end)))?;
            Ok(chunk.written)
        }
    }
}

/// The last value of each key; none for a removal.
type Latest = HashMap<Box<[u8]>, Option<Box<[u8]>>, foldhash::fast::RandomState>;

struct Chunk<'a> {
    store: &'a dyn Store,
    rows: Latest,
    bytes: usize,
    written: u64,
}

impl Chunk<'_> {
    fn take(&mut self, record: &ChangelogRecord<'_>) -> Result<(), StoreError> {
        self.bytes += record.key.len() + record.value.map_or(0, <[u8]>::len);
        self.rows.insert(record.key.into(), record.value.map(Into::into));
        // A store that ends here in the middle of a batch is healed by the rest of the tail, or shows by its checksum.
        if self.bytes >= CHUNK_BYTES_MAX { self.write(Position(record.offset + 1)) } else { Ok(()) }
    }

    fn write(&mut self, position: Position) -> Result<(), StoreError> {
        let mut rows: Vec<Row> = self.rows.drain().map(|(key, value)| Row { key, value }).collect();
        rows.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        self.bytes = 0;
        self.written += rows.len() as u64;
        self.store.apply(&rows.iter().collect::<Vec<_>>(), position)
    }
}
