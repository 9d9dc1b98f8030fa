//! Reading the inputs: every assigned partition through a queue of its own, gathered fairly into one batch.
//!
//! A queue per partition is what makes "end of partition" and "offset out of range" say *which* partition: on the
//! consumer's common queue those events carry no topic. The price is that somebody has to wait on many queues at once:
//! each rings one bell when it stops being empty, and a wait is never longer than [`NAP_MAX`], so that a lost ring
//! costs milliseconds and not a stall.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::batch::{BATCH_BYTES_MAX, RawBatch};
use super::client::create;
use super::context::LogContext;
use super::fault::{KafkaFault, ReadFault};
use super::offsets::{Assigned, to_list};

/// Once records came, how long the queues may stay dry before the batch is handed over.
const LINGER: Duration = Duration::from_millis(2);
const NAP_MAX: Duration = Duration::from_millis(20);
/// Taken from one partition before the next has its turn.
const TURN_RECORDS: usize = 256;
/// What librdkafka may hold ready for all partitions together …
const PREFETCH_KIB: usize = 64 << 10;
/// … and at the least for each, so that many partitions do not starve.
const PREFETCH_KIB_MIN: usize = 1 << 10;
const FETCH_AGAIN_AFTER_MS: &str = "5";
const METADATA_WITHIN: Duration = Duration::from_secs(10);

pub struct InputReader {
    config: ClientConfig,
    // Before `consumer`: a queue must go before the client that fills it.
    sources: Vec<Source>,
    consumer: Arc<BaseConsumer<LogContext>>,
    bell: Receiver<()>,
    /// Whose turn it is first in the next round.
    turn: usize,
    /// Met after records were already gathered: reported by the next poll.
    fault: Option<ReadFault>,
}

struct Source {
    topic: String,
    partition: i32,
    queue: PartitionQueue<LogContext>,
    at_end: bool,
}

/// What one look at a queue brought.
enum Look {
    Dry,
    Record,
    End,
    Fault(ReadFault),
}

impl InputReader {
    pub(super) fn new(mut config: ClientConfig) -> Result<Self, KafkaFault> {
        config.set("fetch.wait.max.ms", "100");
        // With enough ready librdkafka would not ask again for a second, and whoever is quicker than that starves.
        config.set("fetch.queue.backoff.ms", FETCH_AGAIN_AFTER_MS);
        let consumer = Arc::new(create(&config, LogContext)?);
        let (_, bell) = bounded(1);
        Ok(Self { config, sources: Vec::new(), consumer, bell, turn: 0, fault: None })
    }

    /// Reads from these positions on, and from nothing else. Replaces the consumer, so that nothing fetched for an
    /// earlier assignment can come up again.
    ///
    /// # Errors
    /// A negative position, or librdkafka cannot start a client.
    pub fn assign(&mut self, positions: &[Assigned]) -> Result<(), KafkaFault> {
        let list = to_list(positions.iter().map(|at| (at.topic.as_str(), at.partition, at.next_offset, None)))
            .ok_or_else(|| fatal("assigning inputs", "a position below zero"))?;
        self.sources.clear();
        self.fault = None;
        self.turn = 0;
        let prefetch = (PREFETCH_KIB / positions.len().max(1)).max(PREFETCH_KIB_MIN);
        self.config.set("queued.max.messages.kbytes", prefetch.to_string());
        self.consumer = Arc::new(create(&self.config, LogContext)?);
        let (ring, bell) = bounded(1);
        self.bell = bell;
        // Queues first: one made after `assign` could miss what was fetched in between. On a new consumer the
        // assignment leaves them in place.
        self.sources = positions.iter().map(|at| self.split(at, &ring)).collect::<Result<_, _>>()?;
        self.consumer.assign(&list).map_err(|error| KafkaFault::new("assigning inputs", &error))
    }

    fn split(&self, at: &Assigned, ring: &Sender<()>) -> Result<Source, KafkaFault> {
        let mut queue = self
            .consumer
            .split_partition_queue(&at.topic, at.partition)
            .ok_or_else(|| KafkaFault::NoSuchTopic { topic: at.topic.clone() })?;
        let ring = ring.clone();
        // A full bell has rung already.
        queue.set_nonempty_callback(move || {
            let _ = ring.try_send(());
        });
        Ok(Source { topic: at.topic.clone(), partition: at.partition, queue, at_end: false })
    }

    /// Adds to `batch` until it holds `records_max` records or [`BATCH_BYTES_MAX`] bytes, until `wait` has passed, or
    /// until records came and the queues then ran dry for [`LINGER`]. Clear the batch before reusing it.
    ///
    /// # Errors
    /// A fault met before any record was added; one met later waits for the next call.
    pub fn poll(&mut self, batch: &mut RawBatch, records_max: usize, wait: Duration) -> Result<(), ReadFault> {
        let before = batch.records.len();
        let deadline = Instant::now() + wait;
        let mut dry_since = None;
        while self.fault.is_none() && batch.records.len() < records_max && batch.bytes() < BATCH_BYTES_MAX {
            if self.round(batch, records_max) {
                dry_since = None;
                continue;
            }
            let now = Instant::now();
            let until = match batch.records.len() > before {
                true => deadline.min(*dry_since.get_or_insert(now) + LINGER),
                false => deadline,
            };
            if now >= until || self.fault.is_some() {
                break;
            }
            // Both a ring and a time-out end in another round.
            let _ = self.bell.recv_timeout((until - now).min(NAP_MAX));
        }
        self.report(batch, before)
    }

    fn report(&mut self, batch: &mut RawBatch, before: usize) -> Result<(), ReadFault> {
        batch.at_end.clear();
        batch
            .at_end
            .extend(self.sources.iter().enumerate().filter(|(_, source)| source.at_end).map(|(index, _)| index));
        match self.fault.take() {
            Some(fault) if batch.records.len() > before => self.fault = Some(fault),
            Some(fault) => return Err(fault),
            None => {}
        }
        Ok(())
    }

    /// Gives each partition one turn; says whether any had anything.
    fn round(&mut self, batch: &mut RawBatch, records_max: usize) -> bool {
        let mut any = self.serve_common();
        for step in 0..self.sources.len() {
            let index = (self.turn + step) % self.sources.len();
            for _ in 0..TURN_RECORDS {
                if self.fault.is_some() || batch.records.len() >= records_max || batch.bytes() >= BATCH_BYTES_MAX {
                    self.turn = index;
                    return true;
                }
                match self.look(index, batch) {
                    Look::Dry => break,
                    Look::Record => self.sources[index].at_end = false,
                    Look::End => self.sources[index].at_end = true,
                    Look::Fault(fault) => self.fault = Some(fault),
                }
                any = true;
            }
        }
        self.turn = self.turn.wrapping_add(1) % self.sources.len().max(1);
        any
    }

    fn look(&self, index: usize, batch: &mut RawBatch) -> Look {
        let source = &self.sources[index];
        match source.queue.poll(Duration::ZERO) {
            None => Look::Dry,
            Some(Ok(message)) => {
                batch.push_message(index as u32, &message);
                Look::Record
            }
            Some(Err(KafkaError::PartitionEOF(_))) => Look::End,
            Some(Err(error)) => Look::Fault(ReadFault::new(&error, Some((index, &source.topic, source.partition)))),
        }
    }

    /// The consumer's own queue: log lines and errors of no partition. A record here would have come past its
    /// partition's queue, out of order: reading must start over rather than lose it.
    fn serve_common(&mut self) -> bool {
        self.fault = match self.consumer.poll(Duration::ZERO) {
            None => return false,
            Some(Ok(_)) => Some(ReadFault::Fatal("a record came outside its partition's queue".into())),
            Some(Err(error)) => Some(ReadFault::new(&error, None)),
        };
        true
    }

    /// Start of the log, and its end as a read_committed reader sees it.
    ///
    /// # Errors
    /// No such topic, or no answer.
    pub fn low_high(&self, topic: &str, partition: i32) -> Result<(i64, i64), KafkaFault> {
        self.consumer
            .fetch_watermarks(topic, partition, METADATA_WITHIN)
            .map_err(|error| KafkaFault::on_topic("asking for the ends of a partition", topic, &error))
    }

    /// The ends of these partitions as a read_committed reader sees them, in their order, all with one request to each
    /// leader; none for a partition that has no answer.
    ///
    /// # Errors
    /// No answer at all within `timeout`.
    pub fn ends(&self, partitions: &[(&str, i32)], timeout: Duration) -> Result<Vec<Option<i64>>, KafkaFault> {
        let doing = "asking for the ends of the partitions";
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for (topic, partition) in partitions {
            let added = list.add_partition_offset(topic, *partition, Offset::End);
            added.map_err(|error| KafkaFault::new(doing, &error))?;
        }
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        // In place of a time the protocol takes "the end".
        let found = self.consumer.offsets_for_times(list, timeout).map_err(|error| KafkaFault::new(doing, &error))?;
        let end = |(topic, partition): &(&str, i32)| match found.find_partition(topic, *partition)?.offset() {
            Offset::Offset(end) => Some(end),
            Offset::Beginning | Offset::End | Offset::Stored | Offset::Invalid | Offset::OffsetTail(_) => None,
        };
        Ok(partitions.iter().map(end).collect())
    }

    /// The first offset whose record is at or after `millis`; the end of the log if there is none.
    ///
    /// # Errors
    /// No such topic, or no answer.
    pub fn offset_at_time(&self, topic: &str, partition: i32, millis: i64) -> Result<i64, KafkaFault> {
        let doing = "asking for the offset at a time";
        let list = to_list([(topic, partition, millis.max(0), None)].into_iter())
            .ok_or_else(|| fatal(doing, "a time that cannot be expressed"))?;
        let list = self
            .consumer
            .offsets_for_times(list, METADATA_WITHIN)
            .map_err(|error| KafkaFault::on_topic(doing, topic, &error))?;
        match first_offset(&list) {
            Some(offset) => Ok(offset),
            None => self.low_high(topic, partition).map(|(_, high)| high),
        }
    }

    /// The next offset of each assigned partition, past control records. Partitions that have delivered nothing yet
    /// are absent: they stand where they were assigned.
    ///
    /// # Errors
    /// None that librdkafka documents; passed on rather than guessed.
    pub fn positions(&self) -> Result<Vec<(usize, i64)>, KafkaFault> {
        let list = self.consumer.position().map_err(|error| KafkaFault::new("asking for positions", &error))?;
        let mut found = Vec::with_capacity(self.sources.len());
        for (index, source) in self.sources.iter().enumerate() {
            let element = list.find_partition(&source.topic, source.partition);
            if let Some(Offset::Offset(next)) = element.map(|element| element.offset()) {
                found.push((index, next));
            }
        }
        Ok(found)
    }
}

fn first_offset(list: &TopicPartitionList) -> Option<i64> {
    match list.elements().first()?.offset() {
        Offset::Offset(offset) => Some(offset),
        Offset::Beginning | Offset::End | Offset::Stored | Offset::Invalid | Offset::OffsetTail(_) => None,
    }
}

fn fatal(doing: &'static str, detail: &str) -> KafkaFault {
    KafkaFault::Fatal { doing, detail: detail.to_owned() }
}
