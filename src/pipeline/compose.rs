//! Turns decoded records into a batch: applies them to the engine in order and writes down, as bytes, everything that
//! follows. The live pipeline and the offline replay both go through here, so they cannot differ.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::batch::{Batch, DeadLetter};
use super::ledger::Ledger;
use super::pending::RowReader;
use super::schedule::ViewSchedule;
use crate::engine::{Change, Effects, Engine, Input, Refused, RowKey, Settled, StateRow};
use crate::model::{Alert, CaseEvent, CaseId, Command, Key, Origin, Outcome, Timestamp};
use crate::store::{Claim, Codec, InputPosition, Manifest, Row, RowName, SegmentWriter, StoreError, StoredRow};
use crate::wire;

/// One element of a record, decoded and ready for the engine.
#[derive(Debug)]
pub enum Decided {
    Alert { alert: Arc<Alert>, keys: Vec<Key>, dedup: u128 },
    Command(Box<Command>),
    Dead { letter: DeadLetter, origin: Origin },
}

/// Rows lead to rows (a case to its parts, to the cases merged into it); more rounds than this ask for what is not there.
const COLD_ROUNDS_MAX: usize = 8;

/// A batch in the making.
pub struct Draft {
    batch: Batch,
    segment: SegmentWriter,
    elements: u64,
    inputs: u64,
    claim: Option<Row>,
    began: Instant,
}

impl Draft {
    /// The claim on the changelog goes with this batch.
    pub fn claim(&mut self, claim: &Claim) {
        self.claim = Some(claim.to_row());
    }

    /// Nothing was put into it: no record, no element, no input.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inputs == 0 && self.elements == 0 && self.batch.told.records == 0
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
    manifest: Manifest,
    views: ViewSchedule,
    /// The last part of every event's `source`.
    instance: String,
    /// What a dead letter's value may weigh; a larger one is cut and marked.
    dead_letter_bytes_max: usize,
    effects: Effects,
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
        Self { engine, codec, ledger, manifest, views, instance, dead_letter_bytes_max, effects: Effects::default() }
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

    /// Begins a batch; feed it with `record`, `input`, and end it with `finish`.
    #[must_use]
    pub fn begin(&self) -> Draft {
        Draft {
            batch: Batch::new(Arc::new(self.manifest.clone())),
            segment: SegmentWriter::new(self.manifest.batch + 1),
            elements: 0,
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
            Decided::Alert { alert, keys, dedup } => {
                self.input(draft, Input::Alert { alert, keys, dedup }, rows, watcher)
            }
            Decided::Command(command) => self.input(draft, Input::Command(*command), rows, watcher),
            Decided::Dead { letter, origin } => {
                draft.segment.mark_rejected(&origin);
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
        draft.segment.mark_input(&input);
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
            draft.segment.settled(&settled);
        }
        self.effects = effects;
        Ok(())
    }

    /// Hands the engine the rows that the input needs and that left memory.
    fn warm(&mut self, input: &Input, rows: &RowReader) -> Result<(), StoreError> {
        let mut asked: Vec<RowKey> = Vec::new();
        for _ in 0..COLD_ROUNDS_MAX {
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

    fn cold(&self, key: &RowKey, rows: &RowReader) -> Result<Option<StateRow>, StoreError> {
        let name = RowName::Engine(key.clone()).to_bytes();
        let Some(value) = rows.get(&name)? else { return Ok(None) };
        match self.codec.decode(&name, &value) {
            Ok(StoredRow::State(row)) => Ok(Some(row)),
            Ok(_) => Err(StoreError::Damaged("a state row's name leads to another kind of row".to_owned())),
            Err(error) => Err(StoreError::Damaged(error.to_string())),
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
        self.manifest.positions.clone_from(&decoded.positions);
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
        self.segments(&mut draft);
        self.manifest.checksum = self.ledger.sum();
        let batch = &mut draft.batch;
        batch.rows.extend(draft.claim.take());
        batch.rows.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        batch.rows.push(self.manifest.to_row());
        batch.manifest = Arc::new(self.manifest.clone());
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
            let checksum = row.value.as_deref().and_then(|value| Codec::checksum(value).ok());
            ledger.change(&row, checksum, || checksum_of(cold, &row.key, &mut failed));
            rows.push(row);
        });
        failed.map_or(Ok(()), Err)
    }

    fn segments(&mut self, draft: &mut Draft) {
        let segment = std::mem::replace(&mut draft.segment, SegmentWriter::new(0));
        for row in segment.finish(&self.codec) {
            let checksum = row.value.as_deref().and_then(|value| Codec::checksum(value).ok());
            self.ledger.add_once(checksum.unwrap_or(0));
            draft.batch.rows.push(row);
        }
    }
}

fn checksum_of(cold: &RowReader, key: &[u8], failed: &mut Option<StoreError>) -> Option<u128> {
    match cold.get(key) {
        Ok(value) => value.and_then(|value| Codec::checksum(&value).ok()),
        Err(error) => {
            *failed = Some(error);
            None
        }
    }
}
