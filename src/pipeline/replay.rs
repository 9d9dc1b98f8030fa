//! The same decoder and engine over recorded alerts, with no Kafka: for evaluation, for trying a policy, and to show that
//! what was live can be had again.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::compose::{Composer, Decided, Decoded, Draft, Unwatched, Watcher};
use super::decode::decide;
use super::ledger::Ledger;
use super::pending::{Pending, RowReader};
use super::schedule::ViewSchedule;
use super::{Batch, wall_now};
use crate::config::{Config, SourceConfig};
use crate::engine::{Engine, Input, Lists, Settled};
use crate::model::{
    AlertId, CaseEvent, CaseId, EventKind, MergeSide, MoveSide, Origin, Outcome, PartId, SplitSide, Tenant, Timestamp,
    TopicName,
};
use crate::store::{ChangelogId, Codec, Manifest, MemoryStore, Position, Row, Store, StoreError};
use crate::wire::{self, Decoder, Record};

/// Lines per batch. Not a knob: the batch size changes nothing that is decided.
const LINES_PER_BATCH: usize = 1_000;
/// Any fixed name will do: the rows of a replay never leave it.
const CHANGELOG: ChangelogId = ChangelogId([0; 16]);

/// How the lines of a file are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// One record a line.
    Plain,
    /// What `kcat -J` prints.
    Kcat,
}

#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error("line {line} is not what `kcat -J` prints")]
    Kcat { line: u64, source: serde_json::Error },
    #[error("the replay's own store failed")]
    Store(#[from] StoreError),
}

/// Where each alert of one input line ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    pub line: u64,
    /// In the order of the record; one for a plain alert.
    pub alerts: Vec<Placed>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    pub alert: Option<AlertId>,
    pub outcome: Outcome,
    part: Option<(Tenant, PartId)>,
}

/// What a replay came to.
#[derive(Debug, Default)]
pub struct ReplayReport {
    pub lines: u64,
    pub outcomes: [u64; Outcome::ALL.len()],
    pub rejected: BTreeMap<&'static str, u64>,
    /// The last view of every case, as JSON.
    pub cases: BTreeMap<CaseId, Vec<u8>>,
    pub assignments: Vec<Assignment>,
    /// The case each part counts for at the end: merges and their undoing folded in.
    homes: BTreeMap<(Tenant, PartId), CaseId>,
}

impl ReplayReport {
    /// The case the alert sits in at the end; none if it was rejected or suppressed.
    #[must_use]
    pub fn case_of(&self, placed: &Placed) -> Option<&CaseId> {
        placed.part.as_ref().and_then(|part| self.homes.get(part))
    }
}

pub struct Replay<'a> {
    decoder: &'a Decoder,
    config: &'a Config,
    /// What a line's source is when it names no topic, or one that no source of the configuration reads.
    fallback: SourceConfig,
    lines: Lines,
    lists: Arc<Lists>,
    composer: Composer,
    store: Arc<dyn Store>,
    rows: RowReader,
    waiting: Vec<Waiting>,
    report: ReplayReport,
    /// Where the events go, in order, each followed by a newline.
    events: &'a mut dyn FnMut(&[u8]),
}

/// One decoded line.
struct Waiting {
    line: u64,
    elements: Vec<Decided>,
}

impl<'a> Replay<'a> {
    pub fn new(
        decoder: &'a Decoder,
        config: &'a Config,
        fallback: SourceConfig,
        lines: Lines,
        events: &'a mut dyn FnMut(&[u8]),
    ) -> Result<Self, ReplayError> {
        let engine = Engine::new(0, config.policy.clone(), Arc::clone(&config.policy_text));
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        store.set_changelog(CHANGELOG)?;
        let composer = Composer::new(
            engine,
            Codec::new(CHANGELOG),
            Ledger::default(),
            Manifest::first(CHANGELOG),
            ViewSchedule::new(Duration::from_secs(1)),
            "0".to_owned(),
            config.pipeline.dead_letter_bytes_max,
        );
        let rows = RowReader::new(Arc::clone(&store), Pending::default());
        Ok(Self {
            decoder,
            config,
            fallback,
            lines,
            lists: Arc::default(),
            composer,
            store,
            rows,
            waiting: Vec::new(),
            report: ReplayReport::default(),
            events,
        })
    }

    /// What is known beforehand, from the first line on.
    #[must_use]
    pub fn with_lists(mut self, lists: Arc<Lists>) -> Self {
        self.lists = lists;
        self
    }

    /// Takes one line, which is not empty. `file` names it where the line names no topic.
    pub fn line(&mut self, file: &TopicName, line: u64, bytes: &[u8]) -> Result<(), ReplayError> {
        let elements = match self.lines {
            Lines::Plain => self.plain(file, line, bytes),
            Lines::Kcat => self.kcat(line, bytes)?,
        };
        self.waiting.push(Waiting { line, elements });
        if self.waiting.len() >= LINES_PER_BATCH { self.batch(false) } else { Ok(()) }
    }

    /// How things stand after the lines so far. Nothing that is decided depends on when this is asked.
    pub fn so_far(&mut self) -> Result<&ReplayReport, ReplayError> {
        if !self.waiting.is_empty() {
            self.batch(false)?;
        }
        Ok(&self.report)
    }

    pub fn finish(mut self) -> Result<ReplayReport, ReplayError> {
        self.batch(true)?;
        Ok(self.report)
    }

    fn plain(&self, file: &TopicName, line: u64, bytes: &[u8]) -> Vec<Decided> {
        let offset = i64::try_from(line).unwrap_or(i64::MAX);
        let record = Record { topic: file, partition: 0, offset, timestamp: None, payload: Some(bytes), headers: &[] };
        decide(self.decoder, &record, &self.fallback, 0).into_vec()
    }

    fn kcat(&self, line: u64, bytes: &[u8]) -> Result<Vec<Decided>, ReplayError> {
        let parsed: KcatLine<'_> =
            serde_json::from_slice(bytes).map_err(|source| ReplayError::Kcat { line, source })?;
        let topic = TopicName::new(&parsed.topic);
        let payload = parsed.payload.as_deref().map(str::as_bytes);
        let timestamp = parsed.ts.filter(|ts| *ts >= 0).map(Timestamp::from_millis);
        let (partition, offset) = (parsed.partition, parsed.offset.unwrap_or_else(|| i64::try_from(line).unwrap_or(0)));
        if *parsed.topic == self.config.topics.commands {
            let origin = Origin { topic, partition, offset, index: 0 };
            return Ok(vec![super::decode::decide_command(
                origin,
                timestamp,
                payload.unwrap_or_default(),
                self.config,
            )]);
        }
        let headers: Vec<(&str, &[u8])> =
            parsed.headers.0.iter().map(|(name, value)| (name.as_ref(), value.as_bytes())).collect();
        let record = Record { topic: &topic, partition, offset, timestamp, payload, headers: &headers };
        let named = self.config.sources.iter().find(|source| wire::topic_matches(&source.topic, &parsed.topic));
        Ok(decide(self.decoder, &record, named.unwrap_or(&self.fallback), 0).into_vec())
    }

    fn batch(&mut self, last: bool) -> Result<(), ReplayError> {
        let mut draft = self.composer.begin();
        if self.report.lines == 0 {
            let (policy, text) = (Box::new(self.config.policy.clone()), Arc::clone(&self.config.policy_text));
            self.composer.input(&mut draft, Input::Policy { policy, text }, &self.rows, &mut Unwatched)?;
            self.composer.renew_lists(&mut draft, &self.lists, &self.rows)?;
        }
        for waiting in std::mem::take(&mut self.waiting) {
            self.report.lines += 1;
            let mut decoded = Decoded { records: 1, ..Decoded::default() };
            self.composer.account(&mut draft, &mut decoded);
            self.elements(&mut draft, waiting)?;
        }
        let batch = self.composer.finish(draft, &self.rows, last, wall_now())?;
        self.take(&batch)
    }

    fn elements(&mut self, draft: &mut Draft, waiting: Waiting) -> Result<(), ReplayError> {
        let mut follower = Follower { homes: &mut self.report.homes, alerts: Vec::with_capacity(1) };
        for element in waiting.elements {
            if let Decided::Dead { letter, .. } = &element {
                *self.report.rejected.entry(letter.reason).or_default() += 1;
                follower.alerts.push(Placed { alert: None, outcome: Outcome::Rejected, part: None });
            }
            self.composer.element(draft, element, &self.rows, &mut follower)?;
        }
        let alerts = follower.alerts;
        self.report.assignments.push(Assignment { line: waiting.line, alerts });
        Ok(())
    }

    fn take(&mut self, batch: &Batch) -> Result<(), ReplayError> {
        for (_, value) in batch.events.iter() {
            (self.events)(value.unwrap_or_default());
        }
        for ((key, value), (case, _)) in batch.views.iter().zip(&batch.summaries) {
            debug_assert_eq!(key, case.to_string().as_bytes());
            self.report.cases.insert(case.clone(), value.unwrap_or_default().to_vec());
        }
        for (sum, told) in self.report.outcomes.iter_mut().zip(batch.told.outcomes) {
            *sum += told;
        }
        let rows: Vec<&Row> = batch.rows.iter().collect();
        self.store.apply(&rows, Position(0))?;
        Ok(())
    }
}

/// Follows the alerts of one line, and the parts of all of them.
struct Follower<'a> {
    homes: &'a mut BTreeMap<(Tenant, PartId), CaseId>,
    alerts: Vec<Placed>,
}

impl Watcher for Follower<'_> {
    fn event(&mut self, event: &CaseEvent) {
        fold_home(self.homes, &event.kind, &event.case);
    }

    fn settled(&mut self, settled: &Settled) {
        self.alerts.push(placed(settled));
    }
}

fn placed(settled: &Settled) -> Placed {
    let tenant = settled.alert.as_ref().map(|alert| alert.tenant.clone());
    Placed {
        alert: settled.alert.as_ref().map(|alert| alert.id),
        outcome: settled.outcome,
        part: tenant.zip(settled.part),
    }
}

/// Which case a part counts for, told by the events alone.
fn fold_home(homes: &mut BTreeMap<(Tenant, PartId), CaseId>, kind: &EventKind, case: &CaseId) {
    let mut set = |part: PartId| homes.insert((case.tenant.clone(), part), case.clone());
    match kind {
        EventKind::Opened { part, .. }
        | EventKind::AlertAttached { part, .. }
        | EventKind::AlertRepeated { part, begins: Some(_), .. } => {
            set(*part);
        }
        EventKind::Merged { parts, .. }
        | EventKind::MergeUndone { side: MergeSide::Restored, parts, .. }
        | EventKind::Split { side: SplitSide::New, parts, .. }
        | EventKind::AlertsMoved { side: MoveSide::To, parts, .. } => {
            parts.iter().for_each(|part| {
                set(*part);
            });
        }
        EventKind::MergeUndone { side: MergeSide::Survivor, .. }
        | EventKind::Split { side: SplitSide::From, .. }
        | EventKind::AlertsMoved { side: MoveSide::From, .. }
        | EventKind::Unlinked { .. }
        | EventKind::MergeProposed { .. }
        | EventKind::AlertUpdated { .. }
        | EventKind::AlertRepeated { begins: None, .. }
        | EventKind::AlertsRolledUp { .. }
        | EventKind::SeverityChanged { .. }
        | EventKind::PriorityChanged { .. }
        | EventKind::StatusChanged { .. }
        | EventKind::VerdictSet { .. }
        | EventKind::Assigned { .. }
        | EventKind::Acknowledged
        | EventKind::CommentAdded { .. }
        | EventKind::Closed { .. }
        | EventKind::Reopened { .. }
        | EventKind::Expired { .. }
        | EventKind::MergedInto { .. }
        | EventKind::MergeRefused { .. }
        | EventKind::Linked { .. }
        | EventKind::IntelMatched { .. }
        | EventKind::OverflowStarted { .. }
        | EventKind::OverflowEnded { .. } => {}
    }
}

#[derive(Deserialize)]
struct KcatLine<'a> {
    #[serde(borrow)]
    topic: Cow<'a, str>,
    #[serde(default)]
    partition: i32,
    offset: Option<i64>,
    ts: Option<i64>,
    #[serde(borrow, default)]
    headers: Headers<'a>,
    #[serde(borrow)]
    payload: Option<Cow<'a, str>>,
}

/// A flat array of names and values in turn, as kcat prints them, or a map.
#[derive(Default)]
struct Headers<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Headers<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Headers<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("headers as an array of names and values in turn, or as a map")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut headers = Vec::new();
                while let Some(name) = seq.next_element::<&RawValue>()? {
                    let value = seq.next_element::<&RawValue>()?;
                    headers.push((text_of(name), value.map(text_of).unwrap_or_default()));
                }
                Ok(Headers(headers))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut headers = Vec::new();
                while let Some((name, value)) = map.next_entry::<Cow<'de, str>, &RawValue>()? {
                    headers.push((name, text_of(value)));
                }
                Ok(Headers(headers))
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Headers::default())
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// A header's value as text: a JSON string's content, anything else as it is written.
fn text_of<'de>(raw: &'de RawValue) -> Cow<'de, str> {
    serde_json::from_str::<String>(raw.get()).map_or(Cow::Borrowed(raw.get()), Cow::Owned)
}
