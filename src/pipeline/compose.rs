//! Turns decoded records into a batch: applies them to the engine in order and writes down, as bytes, everything that
//! follows. The live pipeline and the offline replay both go through here, so they cannot differ.

use std::sync::Arc;
use std::time::Instant;

use super::batch::{Batch, DeadLetter, Told};
use super::ledger::Ledger;
use super::pending::ColdRows;
use super::schedule::ViewSchedule;
use crate::engine::{Change, Effects, Engine, Input, Refused, Settled, StateRow};
use crate::model::{CaseEvent, CaseId, Command, Key, Origin, Outcome, Timestamp};
use crate::store::{Codec, InputPosition, Manifest, Row, RowName, SegmentWriter, StoredRow};
use crate::wire;

/// One element of a record, decoded and ready for the engine.
#[derive(Debug)]
pub enum Decided {
    Alert { alert: Arc<crate::model::Alert>, keys: Vec<Key>, dedup: u128 },
    Command(Box<Command>),
    Dead { letter: DeadLetter, origin: Origin },
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
    ) -> Self {
        let now = Instant::now();
        for case in engine.owed_views() {
            views.owe(case, now);
        }
        Self { engine, codec, ledger, manifest, views, instance, effects: Effects::default() }
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
            batch: Batch::default(),
            segment: SegmentWriter::new(self.manifest.batch + 1),
            settled: Vec::new(),
            elements: 0,
            began: Instant::now(),
        }
    }

    /// Applies one decoded element. `cold` reads rows that are not resident.
    pub fn element(&mut self, draft: &mut Draft, element: Decided, cold: &dyn ColdRows) {
        draft.elements += 1;
        match element {
            Decided::Alert { alert, keys, dedup } => self.input(draft, Input::Alert { alert, keys, dedup }, cold),
            Decided::Command(command) => self.input(draft, Input::Command(*command), cold),
            Decided::Dead { letter, origin } => {
                draft.segment.mark_rejected(&origin);
                draft.batch.dead_letters.push(letter);
                self.count(draft, Outcome::Rejected);
            }
        }
    }

    /// Applies one input and writes down what it brought about.
    pub fn input(&mut self, draft: &mut Draft, input: Input, cold: &dyn ColdRows) {
        let wanted = self.engine.needs(&input);
        if !wanted.is_empty() {
            let rows = self.read_cold(wanted, cold);
            self.engine.apply(Input::Cold(rows), &mut self.effects);
        }
        draft.segment.mark_input(&input);
        self.engine.apply(input, &mut self.effects);
        let mut effects = std::mem::take(&mut self.effects);
        for event in effects.emit.drain(..) {
            self.event(draft, &event);
        }
        for refused in effects.refuse.drain(..) {
            self.refusal(draft, &refused);
        }
        for settled in effects.settled.drain(..) {
            self.settled(draft, settled);
        }
        self.effects = effects;
    }

    fn event(&mut self, draft: &mut Draft, event: &CaseEvent) {
        let head = self.engine.audit_head(&event.case);
        let instance = &self.instance;
        let hash = draft.batch.events.push_with(&event.case, |out| wire::event::encode(event, head, instance, out));
        self.engine.chained(&event.case, hash);
        self.manifest.extend_running_hash(&hash);
        draft.batch.told.event(event);
    }

    fn refusal(&mut self, draft: &mut Draft, refused: &Refused) {
        let instance = &self.instance;
        draft.batch.refusals.push_with(&refused.command.case, |out| {
            wire::event::encode_refused(&refused.command, &refused.refusal, refused.time, instance, out);
        });
    }

    fn settled(&mut self, draft: &mut Draft, settled: Settled) {
        self.count(draft, settled.outcome);
        draft.segment.settled(&settled);
        if draft.keep_settled() {
            draft.settled.push(settled);
        }
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
        told.sources = std::mem::take(&mut decoded.sources);
    }

    /// Ends the batch: views that are due (all that are owed, if `last`), every changed row, the segment, the manifest.
    pub fn finish(&mut self, mut draft: Draft, cold: &RowReader, last: bool, wall: Timestamp) -> Result<Batch, StoreError> {
        self.manifest.batch += 1;
        self.manifest.elements += draft.elements;
        self.manifest.at = wall;
        self.views(&mut draft, last);
        self.rows(&mut draft, cold)?;
        self.segments(&mut draft);
        self.manifest.checksum = self.ledger.sum();
        let batch = &mut draft.batch;
        batch.rows.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        batch.rows.push(self.manifest.to_row());
        batch.manifest = Arc::new(self.manifest.clone());
        batch.told.gauges(&self.engine.stats());
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
