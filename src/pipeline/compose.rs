//! Turns decoded records into a batch: applies them to the engine in order and writes down, as bytes, everything that
//! follows. The live pipeline and the offline replay both go through here, so they cannot differ.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::batch::{Batch, Buffers, DeadLetter};
use super::inputs::Gap;
use super::ledger::Ledger;
use super::pending::RowReader;
use super::schedule::ViewSchedule;
use super::segments::{Moment, Segments, damaged};
use crate::engine::{Change, Effects, Engine, Input, Lists, Refused, RowKey, Settled, StateRow, Subject};
use crate::kafka::BATCH_BYTES_MAX;
use crate::model::{Alert, CaseEvent, CaseId, Command, Origin, Outcome, PartId, Tenant, Timestamp};
use crate::store::{Claim, Codec, InputPosition, Manifest, Row, RowName, SegmentWriter, StoreError, StoredRow};
use crate::wire::{self, audit::ShardEvent};

/// One element of a record, decoded and ready for the engine.
#[derive(Debug)]
pub enum Decided {
    Alert { alert: Arc<Alert>, subject: Subject },
    Command(Box<Command>),
    Dead { letter: DeadLetter, origin: Origin },
}

/// Elements of one batch: envelopes hold many.
const ELEMENTS_MAX: u64 = 50_000;

/// A batch in the making.
pub struct Draft {
    batch: Batch,
    /// None where segments are not kept.
    segment: Option<SegmentWriter>,
    /// Parts that turned cold or came back.
    turned: Vec<(Tenant, PartId)>,
    elements: u64,
    bytes: usize,
    inputs: u64,
    claim: Option<Row>,
    began: Instant,
}

impl Draft {
    /// The claim on the changelog goes with this batch.
    pub fn claim(&mut self, claim: &Claim) {
        self.claim = Some(claim.to_row());
    }

    /// Something befell the shard itself; `shard` is its name.
    pub fn audit(&mut self, event: &ShardEvent<'_>, shard: &str) {
        self.batch.audit.push_with(event.key(), |out| wire::audit::encode(event, shard, out));
    }

    /// Counted once the batch is committed.
    pub fn gap(&mut self, gap: Gap) {
        self.batch.told.gaps.push(gap);
    }

    /// Nothing was put into it: no record, no element, no input.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inputs == 0 && self.elements == 0 && self.batch.told.records == 0
    }

    fn write(&mut self, step: impl FnOnce(&mut SegmentWriter)) {
        if let Some(segment) = &mut self.segment {
            step(segment);
        }
    }

    /// Whether what came next may go into it too. One poll is bounded; a batch of many polls has to be as well.
    #[must_use]
    pub fn has_room_for(&self, arrived: &Decoded, records_max: usize) -> bool {
        self.records() + arrived.records <= records_max
            && self.elements + arrived.elements.len() as u64 <= ELEMENTS_MAX
            && self.bytes + arrived.bytes <= BATCH_BYTES_MAX
    }

    /// Records that it has taken in.
    #[must_use]
    pub fn records(&self) -> usize {
        self.batch.told.records
    }

    /// Time that went by while it lay open is nobody's work.
    pub fn waited(&mut self, time: Duration) {
        self.began += time;
    }
}

/// Sees each event and outcome as it comes about: a replay follows its alerts this way.
pub trait Watcher {
    fn event(&mut self, event: &CaseEvent);
    fn settled(&mut self, settled: &Settled);
}

/// Nobody watches the live pipeline but its metrics.
pub struct Unwatched;

impl Watcher for Unwatched {
    fn event(&mut self, _: &CaseEvent) {}
    fn settled(&mut self, _: &Settled) {}
}

/// The records of one poll, decoded, in the order in which they arrived.
#[derive(Debug, Default)]
pub struct Decoded {
    pub elements: Vec<Decided>,
    pub records: usize,
    /// Of the records.
    pub bytes: usize,
    /// Where each input stands after these records.
    pub positions: Vec<InputPosition>,
    pub recorded: Vec<Timestamp>,
    pub sources: Vec<(u64, Option<Timestamp>)>,
    pub seconds: f64,
    /// Assigned partitions (by index) that brought records, and those found at their end.
    pub spoke: Vec<usize>,
    pub at_end: Vec<usize>,
}

pub struct Composer {
    engine: Engine,
    codec: Codec,
    ledger: Ledger,
    /// None in a replay, which has the alerts in its files.
    pub(super) segments: Option<Segments>,
    manifest: Manifest,
    views: ViewSchedule,
    /// The last part of every event's `source`.
    instance: String,
    /// What a dead letter's value may weigh; a larger one is cut and marked.
    dead_letter_bytes_max: usize,
    effects: Effects,
    buffers: Buffers,
}

impl Composer {
    #[must_use]
    pub fn new(
        engine: Engine,
        codec: Codec,
        ledger: Ledger,
        manifest: Manifest,
        mut views: ViewSchedule,
        instance: String,
        dead_letter_bytes_max: usize,
    ) -> Self {
        let now = Instant::now();
        for case in engine.owed_views() {
            views.owe(case, now);
        }
        let (segments, effects) = (None, Effects::default());
        Self {
            engine,
            codec,
            ledger,
            segments,
            manifest,
            views,
            instance,
            dead_letter_bytes_max,
            effects,
            buffers: Buffers::default(),
        }
    }

    /// Writes segment rows from here on, and takes away those that nobody needs.
    #[must_use]
    pub fn with_segments(mut self, mut segments: Segments) -> Self {
        segments.wake(&|tenant, part| self.engine.is_warm(tenant, part));
        self.segments = Some(segments);
        self
    }

    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    #[must_use]
    pub fn next_view_due(&self) -> Option<Instant> {
        self.views.next_due()
    }

    /// Begins a batch; feed it with `account`, `element` and `input`, and end it with `finish`.
    #[must_use]
    pub fn begin(&self) -> Draft {
        Draft {
            batch: Batch::new(Arc::new(self.manifest.clone()), &self.buffers),
            segment: self.segments.as_ref().map(|_| SegmentWriter::new(self.manifest.batch + 1)),
            turned: Vec::new(),
            elements: 0,
            bytes: 0,
            inputs: 0,
            claim: None,
            began: Instant::now(),
        }
    }

    /// Applies one decoded element. `rows` reads what is not resident.
    pub fn element(
        &mut self,
        draft: &mut Draft,
        element: Decided,
        rows: &RowReader,
        watcher: &mut impl Watcher,
    ) -> Result<(), StoreError> {
        draft.elements += 1;
        match element {
            Decided::Alert { alert, subject } => self.input(draft, Input::Alert { alert, subject }, rows, watcher),
            Decided::Command(command) => self.input(draft, Input::Command(*command), rows, watcher),
            Decided::Dead { letter, origin } => {
                draft.write(|segment| segment.mark_rejected(&origin));
                draft.batch.dead_letters.push(letter.fit(self.dead_letter_bytes_max));
                self.count(draft, Outcome::Rejected);
                Ok(())
            }
        }
    }

    /// Applies one input and writes down what it brought about.
    pub fn input(
        &mut self,
        draft: &mut Draft,
        input: Input,
        rows: &RowReader,
        watcher: &mut impl Watcher,
    ) -> Result<(), StoreError> {
        self.warm(&input, rows)?;
        draft.inputs += 1;
        draft.write(|segment| segment.mark_input(&input));
        let mut effects = std::mem::take(&mut self.effects);
        self.engine.apply(input, &mut effects);
        for event in effects.emit.drain(..) {
            watcher.event(&event);
            self.event(draft, &event);
        }
        for refused in effects.refuse.drain(..) {
            self.refusal(draft, &refused);
        }
        for settled in effects.settled.drain(..) {
            watcher.settled(&settled);
            self.count(draft, settled.outcome);
            draft.write(|segment| segment.settled(&settled));
        }
        draft.turned.append(&mut effects.turned);
        self.effects = effects;
        Ok(())
    }

    /// Brings these lists into force from here on, where they are not.
    pub fn renew_lists(&mut self, draft: &mut Draft, lists: &Arc<Lists>, rows: &RowReader) -> Result<(), StoreError> {
        if self.engine.lists().digest() == lists.digest() {
            return Ok(());
        }
        self.input(draft, Input::Lists(Arc::clone(lists)), rows, &mut Unwatched)
    }

    /// Hands the engine the rows that the input needs and that left memory.
    fn warm(&mut self, input: &Input, rows: &RowReader) -> Result<(), StoreError> {
        // Rows lead to rows: a case to its parts, to the cases merged into it. No row is asked for twice, so it ends.
        let mut asked: Vec<RowKey> = Vec::new();
        loop {
            let wanted: Vec<RowKey> = self.engine.needs(input).into_iter().filter(|key| !asked.contains(key)).collect();
            if wanted.is_empty() {
                break;
            }
            let mut found = Vec::new();
            for key in &wanted {
                found.extend(self.cold(key, rows)?);
            }
            asked.extend(wanted);
            self.engine.apply(Input::Cold(found), &mut self.effects);
        }
        Ok(())
    }

    fn cold(&mut self, key: &RowKey, rows: &RowReader) -> Result<Option<StateRow>, StoreError> {
        let name = RowName::Engine(key.clone()).to_bytes();
        let Some(value) = rows.get(&name)? else { return Ok(None) };
        match self.codec.decode(&name, &value) {
            Ok(StoredRow::State(row)) => {
                self.ledger.warm(&name, Codec::checksum(&value).map_err(damaged)?);
                Ok(Some(row))
            }
            Ok(_) => Err(StoreError::Damaged("a state row's name leads to another kind of row".to_owned())),
            Err(error) => Err(damaged(error)),
        }
    }

    fn event(&mut self, draft: &mut Draft, event: &CaseEvent) {
        let head = self.engine.audit_head(&event.case);
        let instance = &self.instance;
        let hash = draft.batch.events.push_with(&event.case, |out| wire::event::encode(event, head, instance, out));
        self.engine.chained(&event.case, hash);
        self.manifest.extend_running_hash(&hash);
        draft.batch.told.event(&event.kind);
    }

    fn refusal(&mut self, draft: &mut Draft, refused: &Refused) {
        let instance = &self.instance;
        draft.batch.refusals.push_with(&refused.command.case, |out| {
            wire::event::encode_refused(&refused.command, &refused.refusal, refused.time, instance, out);
        });
    }

    fn count(&mut self, draft: &mut Draft, outcome: Outcome) {
        self.manifest.outcomes[outcome.index()] += 1;
        draft.batch.told.outcomes[outcome.index()] += 1;
    }

    /// Takes note of where the inputs stand and of what was delivered with `decoded`.
    pub fn account(&mut self, draft: &mut Draft, decoded: &mut Decoded) {
        self.manifest.records += decoded.records as u64;
        draft.bytes += decoded.bytes;
        // Behind the positions that are read stand those of partitions that are not, and stay as they are.
        let read = decoded.positions.len().min(self.manifest.positions.len());
        self.manifest.positions.splice(..read, decoded.positions.iter().cloned());
        let told = &mut draft.batch.told;
        told.records += decoded.records;
        told.decode_seconds += decoded.seconds;
        told.recorded.append(&mut decoded.recorded);
        told.sources.resize(told.sources.len().max(decoded.sources.len()), (0, None));
        for ((records, newest), (more, newer)) in told.sources.iter_mut().zip(decoded.sources.drain(..)) {
            *records += more;
            *newest = (*newest).max(newer);
        }
    }

    /// Ends the batch: views that are due (all that are owed, if `last`), every changed row, the segment, the manifest.
    pub fn finish(
        &mut self,
        mut draft: Draft,
        cold: &RowReader,
        last: bool,
        wall: Timestamp,
    ) -> Result<Batch, StoreError> {
        self.manifest.batch += 1;
        self.manifest.elements += draft.elements;
        self.manifest.at = wall;
        self.views(&mut draft, last);
        self.rows(&mut draft, cold)?;
        self.segments(&mut draft, cold)?;
        self.manifest.checksum = self.ledger.sum();
        let batch = &mut draft.batch;
        batch.rows.extend(draft.claim.take());
        batch.rows.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        batch.rows.push(self.manifest.to_row());
        batch.manifest = Arc::new(self.manifest.clone());
        self.buffers.rows = batch.rows.len();
        batch.told.stats = Some(self.engine.stats());
        batch.told.engine_seconds = draft.began.elapsed().as_secs_f64();
        Ok(draft.batch)
    }

    fn views(&mut self, draft: &mut Draft, last: bool) {
        let now = Instant::now();
        let mut publish = self.views.take_due(now);
        for case in self.engine.touched() {
            if self.views.touch(&case, now) {
                publish.push(case);
            }
        }
        if last {
            publish.extend(self.views.take_all());
        }
        publish.sort_unstable();
        publish.dedup();
        for case in publish {
            self.view(draft, case);
        }
    }

    fn view(&mut self, draft: &mut Draft, case: CaseId) {
        // A case that left memory was published when it was closed.
        let (Some(view), Some(summary)) = (self.engine.view(&case), self.engine.summary(&case)) else { return };
        draft.batch.views.push_with(&case, |out| wire::view::encode(&view, out));
        self.engine.viewed(&case);
        draft.batch.summaries.push((case, summary));
    }

    fn rows(&mut self, draft: &mut Draft, cold: &RowReader) -> Result<(), StoreError> {
        let (codec, ledger, rows) = (&self.codec, &mut self.ledger, &mut draft.batch.rows);
        let mut failed = None;
        self.engine.seal(self.manifest.batch, &mut |change| {
            let row = match change {
                Change::Save(state) => codec.state(state),
                Change::Remove(key) => Row { key: RowName::Engine(key).to_bytes(), value: None },
            };
            ledger.change(&row, Codec::checksum_of(&row), || checksum_of(cold, &row.key, &mut failed));
            rows.push(row);
        });
        failed.map_or(Ok(()), Err)
    }

    /// The batch's own segment rows, and those of earlier batches that nobody needs any more.
    fn segments(&mut self, draft: &mut Draft, rows: &RowReader) -> Result<(), StoreError> {
        let (Some(segments), Some(mut writer)) = (&mut self.segments, draft.segment.take()) else { return Ok(()) };
        let engine = &self.engine;
        let is_warm = |tenant: &Tenant, part| engine.is_warm(tenant, part);
        for (tenant, part) in draft.turned.drain(..) {
            segments.turned(&tenant, part, is_warm(&tenant, part));
        }
        writer.mark_watermark(engine.watermark());
        for segment in writer.finish_chunks() {
            let row = self.codec.segment(&segment);
            let checksum = Codec::checksum_of(&row).unwrap_or(0);
            self.ledger.shift(checksum);
            segments
                .take(&segment, checksum, &is_warm)
                .map_err(|error| StoreError::Damaged(format!("a segment just written: {error}")))?;
            draft.batch.rows.push(row);
        }
        let (batch, watermark) = (self.manifest.batch, engine.watermark());
        let moment = Moment { batch, watermark, kept_for: engine.cools_after() };
        let change = segments.retire(moment, &self.codec, rows, &mut draft.batch.rows)?;
        self.ledger.shift(change);
        Ok(())
    }
}

fn checksum_of(cold: &RowReader, key: &[u8], failed: &mut Option<StoreError>) -> Option<u128> {
    let read = cold.get(key);
    match read.and_then(|value| value.map(|value| Codec::checksum(&value).map_err(damaged)).transpose()) {
        Ok(checksum) => checksum,
        Err(error) => {
            *failed = Some(error);
            None
        }
    }
}
