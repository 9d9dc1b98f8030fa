//! Where each input begins: at the manifest's position, after checking that the topic is still the one that was read.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tracing::{error, info};

use super::positions::Moved;
use crate::config::{Config, SourceConfig, StartAt};
use crate::kafka::{Admin, Assigned, Client, InputReader, KafkaFault, RawBatch, ReadFault};
use crate::model::TopicName;
use crate::store::{InputPosition, Manifest};
use crate::wire;

/// How long to wait for the one record whose fingerprint is compared.
const FINGERPRINT_WAIT: Duration = Duration::from_secs(10);

/// One assigned partition; the index of it in the plan is its name in the session.
#[derive(Clone, Debug)]
pub struct Input {
    pub topic: TopicName,
    pub partition: i32,
    pub kind: InputKind,
}

#[derive(Clone, Debug)]
pub enum InputKind {
    /// The index of the source in the configuration.
    Alerts(usize),
    Commands,
}

#[derive(Debug, Default)]
pub struct Plan {
    pub inputs: Vec<Input>,
    /// In the order of `inputs`.
    pub positions: Vec<InputPosition>,
    /// Stored positions of partitions that are not read: those that wait for an operator, and those that no source names
    /// now. They are kept, or the next start would take such a partition for one that was never read.
    pub parked: Vec<InputPosition>,
    /// Partitions that wait for an operator, with the reason.
    pub halted: Vec<String>,
    /// Records that were deleted before they were read: {topic, partition, from, to}.
    pub gaps: Vec<Gap>,
    /// What an operator moved just before.
    pub moved: Vec<Moved>,
    /// All topics of the cluster when this was planned.
    pub topics: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    pub topic: TopicName,
    pub partition: i32,
    pub from: i64,
    pub to: i64,
}

#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    #[error("asking the brokers about the inputs failed")]
    Kafka(#[from] KafkaFault),
    #[error("reading a record again failed")]
    Read(#[source] ReadFault),
    #[error("topic {0} does not exist; `casewright topics create` makes Casewright's own, sensors make theirs")]
    NoTopic(String),
    #[error(
        "source {0}: there is no stored position, so [[source]] start_at must say where to begin: \"earliest\", \"latest\" \
         or a time such as \"2026-08-01T00:00:00Z\""
    )]
    NoStart(String),
}

impl Plan {
    /// What a manifest holds under this plan: the positions that are read, in the order of `inputs`, then the others.
    #[must_use]
    pub fn manifest_positions(&self) -> Vec<InputPosition> {
        self.positions.iter().chain(&self.parked).cloned().collect()
    }

    #[must_use]
    pub fn reads(&self, stored: &InputPosition) -> bool {
        self.inputs.iter().any(|input| input.partition == stored.partition && input.topic == stored.topic)
    }

    #[must_use]
    pub fn assigned(&self) -> Vec<Assigned> {
        let each = self.inputs.iter().zip(&self.positions);
        each.map(|(input, position)| Assigned {
            topic: input.topic.as_str().to_owned(),
            partition: input.partition,
            next_offset: position.next_offset,
        })
        .collect()
    }
}

/// `seen` are the topics that were there when this process planned last, where it did.
pub fn plan(
    config: &Config,
    client: &Client,
    admin: &Admin,
    manifest: &Manifest,
    seen: Option<&BTreeSet<String>>,
) -> Result<Plan, PlanError> {
    let mut planner = Planner::new(client, manifest)?;
    let topics: Vec<(String, i32)> = admin.list_topics()?.into_iter().collect();
    planner.plan.topics = topics.iter().map(|(name, _)| name.clone()).collect();
    for (index, source) in config.sources.iter().enumerate() {
        let matched: Vec<&(String, i32)> =
            topics.iter().filter(|(name, _)| wire::topic_matches(&source.topic, name)).collect();
        if matched.is_empty() {
            let was_there = |stored: &InputPosition| wire::topic_matches(&source.topic, stored.topic.as_str());
            if !manifest.positions.iter().any(was_there) {
                return Err(PlanError::NoTopic(source.topic.clone()));
            }
            // It was read before and is gone: a person must look, and the other sources need not wait for that.
            planner.plan.halted.push(format!("topic {} does not exist any more; its positions are kept", source.topic));
            continue;
        }
        for (topic, partitions) in matched {
            // What came into being under our eyes is read whole: `start_at` speaks of what was there before.
            let is_new = seen.is_some_and(|seen| !seen.contains(topic));
            let start = if is_new { Start::Known(StartAt::Earliest) } else { Start::of(source) };
            planner.topic(topic, *partitions, &InputKind::Alerts(index), &start)?;
        }
    }
    let commands = &config.topics.commands;
    let partitions = require(&topics, commands)?;
    planner.topic(commands, partitions, &InputKind::Commands, &Start::Known(StartAt::Earliest))?;
    let mut plan = planner.plan;
    if !plan.gaps.is_empty() {
        require(&topics, &config.topics.audit)?;
    }
    plan.parked = manifest.positions.iter().filter(|stored| !plan.reads(stored)).cloned().collect();
    Ok(plan)
}

/// One of Casewright's own topics; a gap that cannot be told must not be passed over.
fn require(topics: &[(String, i32)], wanted: &str) -> Result<i32, PlanError> {
    let found = topics.iter().find(|(name, _)| name == wanted);
    found.map(|(_, partitions)| *partitions).ok_or_else(|| PlanError::NoTopic(wanted.to_owned()))
}

/// Where a partition without a position begins.
enum Start {
    Known(StartAt),
    Missing(String),
}

impl Start {
    fn of(source: &SourceConfig) -> Self {
        source.start_at.map_or_else(|| Self::Missing(source.topic.clone()), Self::Known)
    }
}

/// How a stored position fits the log that is there now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Footing {
    Sound,
    /// It fits, but no record is left before it, or none was read yet, that could prove it.
    Unproven,
    /// Records between the position and the log's start were deleted.
    Gap,
    /// The log ends before the position.
    PastEnd,
    /// Another record is where the last one read was.
    Replaced {
        offset: i64,
    },
}

pub struct Planner<'a> {
    client: &'a Client,
    reader: InputReader,
    manifest: &'a Manifest,
    known: BTreeSet<&'a str>,
    plan: Plan,
}

impl<'a> Planner<'a> {
    pub fn new(client: &'a Client, manifest: &'a Manifest) -> Result<Self, KafkaFault> {
        let known = manifest.positions.iter().map(|position| position.topic.as_str()).collect();
        Ok(Self { client, reader: client.reader()?, manifest, known, plan: Plan::default() })
    }

    #[must_use]
    pub fn positions(&self) -> &'a [InputPosition] {
        &self.manifest.positions
    }

    /// Start and end of a partition's log.
    pub fn log(&self, topic: &TopicName, partition: i32) -> Result<(i64, i64), KafkaFault> {
        self.reader.low_high(topic.as_str(), partition)
    }

    pub fn footing(&self, position: &InputPosition, (low, high): (i64, i64)) -> Result<Footing, PlanError> {
        if position.next_offset > high {
            return Ok(Footing::PastEnd);
        }
        if let Some(offset) = position.last_offset.filter(|last| *last >= low) {
            let found = self.fingerprint(position.topic.as_str(), position.partition, offset)?;
            let same = found == Some(position.fingerprint);
            return Ok(if same { Footing::Sound } else { Footing::Replaced { offset } });
        }
        Ok(if position.next_offset < low { Footing::Gap } else { Footing::Unproven })
    }

    fn topic(&mut self, topic: &str, partitions: i32, kind: &InputKind, start: &Start) -> Result<(), PlanError> {
        for partition in 0..partitions {
            let name = TopicName::new(topic);
            let stored = self.manifest.positions.iter().find(|p| p.topic == name && p.partition == partition).cloned();
            let position = match stored {
                Some(position) => self.go_on(position)?,
                None => Some(self.begin(name.clone(), partition, start)?),
            };
            if let Some(position) = position {
                self.plan.inputs.push(Input { topic: name, partition, kind: kind.clone() });
                self.plan.positions.push(position);
            }
        }
        Ok(())
    }

    fn begin(&self, topic: TopicName, partition: i32, start: &Start) -> Result<InputPosition, PlanError> {
        let (low, high) = self.reader.low_high(topic.as_str(), partition)?;
        // A partition added to a topic that is read already begins at its beginning: nothing of it was skipped on purpose.
        let start = if self.known.contains(topic.as_str()) { &Start::Known(StartAt::Earliest) } else { start };
        let next_offset = match start {
            Start::Missing(source) => return Err(PlanError::NoStart(source.clone())),
            Start::Known(StartAt::Earliest) => low,
            Start::Known(StartAt::Latest) => high,
            Start::Known(StartAt::Time(at)) => self.reader.offset_at_time(topic.as_str(), partition, at.millis())?,
        };
        info!(topic = topic.as_str(), partition, next_offset, "input begins");
        Ok(InputPosition { topic, partition, next_offset, last_offset: None, fingerprint: 0, delivered: 0 })
    }

    /// None where the partition must wait for an operator.
    fn go_on(&mut self, mut position: InputPosition) -> Result<Option<InputPosition>, PlanError> {
        let log = self.log(&position.topic, position.partition)?;
        let (topic, partition, next) = (position.topic.as_str().to_owned(), position.partition, position.next_offset);
        let reason = match self.footing(&position, log)? {
            Footing::Sound | Footing::Unproven => return Ok(Some(position)),
            Footing::Gap => {
                let gap = Gap { topic: position.topic.clone(), partition, from: next, to: log.0 };
                error!(topic, partition, from = next, to = log.0, "records were deleted before they were read: a gap");
                self.plan.gaps.push(gap);
                position.next_offset = log.0;
                return Ok(Some(position));
            }
            Footing::PastEnd => format!("the position is {next}, the log ends at {}", log.1),
            Footing::Replaced { offset } => {
                format!("the record at offset {offset} is not the one that was read there")
            }
        };
        self.halt(&topic, partition, &reason);
        Ok(None)
    }

    fn halt(&mut self, topic: &str, partition: i32, reason: &str) {
        let reason = format!(
            "{topic}/{partition}: {reason}: the topic was made anew; once you know what happened to it, stop the daemon and \
             say where to go on: `casewright positions set {topic}:{partition} earliest` (or latest, an offset, a time)"
        );
        error!(reason, "input partition stopped; the others go on");
        self.plan.halted.push(reason);
    }

    /// The fingerprint of the record at `offset`, if there is still one.
    fn fingerprint(&self, topic: &str, partition: i32, offset: i64) -> Result<Option<u64>, PlanError> {
        let mut reader = self.client.reader()?;
        reader.assign(&[Assigned { topic: topic.to_owned(), partition, next_offset: offset }])?;
        let mut batch = RawBatch::default();
        match reader.poll(&mut batch, 1, FINGERPRINT_WAIT) {
            Ok(()) => {}
            // Nothing there any more, which the comparison says.
            Err(ReadFault::OffsetOutOfRange { .. } | ReadFault::Gone { .. }) => return Ok(None),
            Err(fault @ (ReadFault::Transient(_) | ReadFault::Fatal(_))) => return Err(PlanError::Read(fault)),
        }
        // Silence is not an answer: only the end of the log, or another record, says that this one is gone.
        if batch.records.is_empty() && batch.at_end.is_empty() {
            let detail = format!("{topic}/{partition}: no record came within {FINGERPRINT_WAIT:?}");
            return Err(PlanError::Read(ReadFault::Transient(detail)));
        }
        let found = batch.records.first().filter(|record| record.offset == offset);
        Ok(found.map(|record| fingerprint(record.offset, record.timestamp, batch.payload(record))))
    }
}

/// What tells a record from another one at the same offset: 64 bits of BLAKE3 over offset, timestamp and payload.
#[must_use]
pub fn fingerprint(offset: i64, timestamp: Option<i64>, payload: Option<&[u8]>) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&offset.to_be_bytes());
    hasher.update(&timestamp.unwrap_or(-1).to_be_bytes());
    hasher.update(payload.unwrap_or_default());
    let mut first = [0; 8];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_be_bytes(first)
}

/// The inputs by index, shared by the threads of a session.
pub type Inputs = Arc<[Input]>;
