//! The inputs: assigned, never subscribed, polled by the owner's thread into one arena per poll.

use std::ops::Range;
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Headers, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tracing::warn;

use super::client::{ASK_MAX, LogContext, low_high};
use super::fault::{KafkaFault, ReadFault};

/// A poll ends when its records weigh this much, whatever their number.
const BATCH_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Where to begin on one partition. Its index among the assigned ones is its name from then on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assigned {
    pub topic: String,
    pub partition: i32,
    pub next_offset: i64,
}

pub struct InputReader {
    consumer: BaseConsumer<LogContext>,
    assigned: Vec<(String, i32)>,
    index: HashMap<(String, i32), u32, foldhash::fast::RandomState>,
    /// The partition of the last record: most records come in runs.
    last: Option<(String, i32, u32)>,
}

/// The records of one poll, in one arena.
#[derive(Debug, Default)]
pub struct RawBatch {
    arena: Vec<u8>,
    pub records: Vec<RawRecord>,
    /// Names and values of headers, as ranges of the arena.
    headers: Vec<(Range<u32>, Range<u32>)>,
    /// Partitions that were found at their end, by index.
    pub at_end: Vec<usize>,
}

#[derive(Clone, Debug)]
pub struct RawRecord {
    /// Index of its partition among the assigned ones.
    pub source: u32,
    pub offset: i64,
    pub timestamp: Option<i64>,
    payload: Option<Range<u32>>,
    headers: Range<u32>,
}

impl RawBatch {
    #[must_use]
    pub fn payload(&self, record: &RawRecord) -> Option<&[u8]> {
        record.payload.as_ref().map(|range| self.slice(range))
    }

    /// Headers whose name is UTF-8; a null value reads as empty.
    pub fn headers<'a>(&'a self, record: &RawRecord) -> impl Iterator<Item = (&'a str, &'a [u8])> + use<'a> {
        let range = record.headers.start as usize..record.headers.end as usize;
        self.headers[range].iter().filter_map(|(name, value)| {
            let name = std::str::from_utf8(self.slice(name)).ok()?;
            Some((name, self.slice(value)))
        })
    }

    fn slice(&self, range: &Range<u32>) -> &[u8] {
        &self.arena[range.start as usize..range.end as usize]
    }

    fn store(&mut self, bytes: &[u8]) -> Range<u32> {
        let begin = self.arena.len();
        self.arena.extend_from_slice(bytes);
        // Bounded by BATCH_BYTES_MAX and one record more, far below 4 GiB.
        u32::try_from(begin).unwrap_or(u32::MAX)..u32::try_from(self.arena.len()).unwrap_or(u32::MAX)
    }

    fn push(&mut self, source: u32, message: &impl Message) {
        let first = self.headers.len();
        if let Some(headers) = message.headers() {
            for header in headers.iter() {
                let pair = (self.store(header.key.as_bytes()), self.store(header.value.unwrap_or_default()));
                self.headers.push(pair);
            }
        }
        let payload = message.payload().map(|payload| self.store(payload));
        let range = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
        self.records.push(RawRecord {
            source,
            offset: message.offset(),
            timestamp: message.timestamp().to_millis(),
            payload,
            headers: range(first)..range(self.headers.len()),
        });
    }
}

impl InputReader {
    pub(super) fn new(consumer: BaseConsumer<LogContext>) -> Self {
        Self { consumer, assigned: Vec::new(), index: HashMap::default(), last: None }
    }

    pub fn assign(&mut self, positions: &[Assigned]) -> Result<(), KafkaFault> {
        let fault = |error: KafkaError| KafkaFault::new("assigning the inputs", &error);
        let mut list = TopicPartitionList::with_capacity(positions.len());
        for each in positions {
            list.add_partition_offset(&each.topic, each.partition, Offset::Offset(each.next_offset)).map_err(fault)?;
        }
        self.consumer.assign(&list).map_err(fault)?;
        self.assigned = positions.iter().map(|each| (each.topic.clone(), each.partition)).collect();
        self.index = self.assigned.iter().cloned().zip(0..).collect();
        self.last = None;
        Ok(())
    }

    /// Adds records to `batch` until it holds `records_max`, or `wait` has passed since the call.
    pub fn poll(&mut self, batch: &mut RawBatch, records_max: usize, wait: Duration) -> Result<(), ReadFault> {
        let until = Instant::now() + wait;
        while batch.records.len() < records_max && batch.arena.len() < BATCH_BYTES_MAX {
            // What is queued already costs no wait; only an empty queue looks at the clock.
            match self.consumer.poll(Duration::ZERO) {
                Some(polled) => take(polled, batch, &self.index, &mut self.last)?,
                None => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        break;
                    }
                    match self.consumer.poll(left) {
                        Some(polled) => take(polled, batch, &self.index, &mut self.last)?,
                        None => break,
                    }
                }
            }
        }
        Ok(())
    }

    /// The next offset of every assigned partition that has one, past control records.
    #[must_use]
    pub fn positions(&self) -> Vec<(usize, i64)> {
        let Ok(list) = self.consumer.position() else { return Vec::new() };
        let offset_of = |element: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| match element.offset() {
            Offset::Offset(offset) => Some(offset),
            Offset::Beginning | Offset::End | Offset::Stored | Offset::Invalid | Offset::OffsetTail(_) => None,
        };
        let elements = list.elements();
        let known = elements.iter().filter_map(|element| {
            let key = (element.topic().to_owned(), element.partition());
            Some((*self.index.get(&key)? as usize, offset_of(element)?))
        });
        known.collect()
    }

    pub fn low_high(&self, topic: &str, partition: i32) -> Result<(i64, i64), KafkaFault> {
        low_high(&self.consumer, topic, partition)
    }

    /// The first offset whose record is not older than `at` (epoch milliseconds); none if all are.
    pub fn offset_at(&self, topic: &str, partition: i32, at: i64) -> Result<Option<i64>, KafkaFault> {
        let fault = |error: KafkaError| KafkaFault::new("looking up an offset by time", &error);
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(at)).map_err(fault)?;
        let found = self.consumer.offsets_for_times(list, ASK_MAX).map_err(fault)?;
        let offset = found.find_partition(topic, partition).map(|element| element.offset());
        Ok(match offset {
            Some(Offset::Offset(offset)) => Some(offset),
            _ => None,
        })
    }
}

fn take(
    polled: Result<rdkafka::message::BorrowedMessage<'_>, KafkaError>,
    batch: &mut RawBatch,
    index: &HashMap<(String, i32), u32, foldhash::fast::RandomState>,
    last: &mut Option<(String, i32, u32)>,
) -> Result<(), ReadFault> {
    match polled {
        Ok(message) => {
            let same = last.as_ref().filter(|(topic, partition, _)| {
                *partition == message.partition() && topic == message.topic()
            });
            let source = match same {
                Some((_, _, source)) => Some(*source),
                None => index.get(&(message.topic().to_owned(), message.partition())).copied(),
            };
            // Only assigned partitions deliver; a record of another one would be a bug of the client library.
            let Some(source) = source else { return Err(ReadFault::Fatal("record of a foreign partition".into())) };
            if same.is_none() {
                *last = Some((message.topic().to_owned(), message.partition(), source));
            }
            batch.push(source, &message);
            Ok(())
        }
        // The event carries no topic: the partition number alone is looked up, and every topic with it counts as at its
        // end. A record that arrives later takes it back.
        Err(KafkaError::PartitionEOF(partition)) => {
            let ended = index.iter().filter(|((_, number), _)| *number == partition);
            batch.at_end.extend(ended.map(|(_, source)| *source as usize));
            batch.at_end.sort_unstable();
            batch.at_end.dedup();
            Ok(())
        }
        Err(error) => sort_out(&error),
    }
}

/// Most of what a consumer reports while a broker is away heals by itself: the position is kept and polling goes on.
fn sort_out(error: &KafkaError) -> Result<(), ReadFault> {
    match error.rdkafka_error_code() {
        Some(
            RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange,
        ) => Err(ReadFault::OffsetOutOfRange(error.to_string())),
        Some(RDKafkaErrorCode::Fatal) => Err(ReadFault::Fatal(error.to_string())),
        Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownPartition) => {
            Err(ReadFault::Fatal(format!("an input topic is gone: {error}")))
        }
        _ => {
            warn!(%error, "reading the inputs: waiting for the brokers");
            Ok(())
        }
    }
}
