//! Reading the compacted changelog of one shard, from an offset to the stable end.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tracing::debug;

use super::client::{LogContext, low_high};
use super::fault::KafkaFault;

const POLL: Duration = Duration::from_millis(100);
/// Without any progress for this long the read fails, and the caller begins again.
const STALLED_MAX: Duration = Duration::from_secs(30);

/// Where the changelog begins and ends. With the two ends apart, an open transaction hides records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    pub low: i64,
    pub committed_end: i64,
    pub uncommitted_end: i64,
}

#[derive(Clone, Copy, Debug)]
pub struct ChangelogRecord<'a> {
    pub offset: i64,
    pub timestamp: Option<i64>,
    pub key: &'a [u8],
    pub value: Option<&'a [u8]>,
}

pub struct ChangelogReader {
    committed: BaseConsumer<LogContext>,
    uncommitted: BaseConsumer<LogContext>,
    topic: String,
    partition: i32,
}

impl ChangelogReader {
    pub(super) fn new(
        committed: BaseConsumer<LogContext>,
        uncommitted: BaseConsumer<LogContext>,
        topic: &str,
        partition: i32,
    ) -> Self {
        Self { committed, uncommitted, topic: topic.to_owned(), partition }
    }

    pub fn ends(&self) -> Result<Ends, KafkaFault> {
        let (low, committed_end) = low_high(&self.committed, &self.topic, self.partition)?;
        let (_, uncommitted_end) = low_high(&self.uncommitted, &self.topic, self.partition)?;
        Ok(Ends { low, committed_end, uncommitted_end })
    }

    /// Hands every committed record of `from..to` to `each` and answers the position reached: `to`, unless `each` broke
    /// off. Done when the position has passed `to`; control records and compacted ones have no record to wait for.
    pub fn read(
        &mut self,
        from: i64,
        to: i64,
        each: &mut dyn FnMut(ChangelogRecord<'_>) -> ControlFlow<()>,
    ) -> Result<i64, KafkaFault> {
        if from >= to {
            return Ok(from);
        }
        self.seek(from)?;
        let mut progress = Instant::now();
        let mut reached = from;
        while reached < to {
            match self.committed.poll(POLL) {
                Some(Ok(message)) => {
                    if message.offset() >= to {
                        break;
                    }
                    let record = ChangelogRecord {
                        offset: message.offset(),
                        timestamp: message.timestamp().to_millis(),
                        key: message.key().unwrap_or_default(),
                        value: message.payload(),
                    };
                    reached = record.offset + 1;
                    progress = Instant::now();
                    if each(record).is_break() {
                        return Ok(reached);
                    }
                }
                Some(Err(KafkaError::PartitionEOF(_))) | None => reached = reached.max(self.position()?),
                Some(Err(error)) => debug!(%error, "reading the changelog: waiting for the brokers"),
            }
            if progress.elapsed() > STALLED_MAX {
                return Err(KafkaFault::text("reading the changelog", format!("no progress at offset {reached}")));
            }
        }
        Ok(to)
    }

    fn seek(&self, from: i64) -> Result<(), KafkaFault> {
        let fault = |error: KafkaError| KafkaFault::new("assigning the changelog", &error);
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, self.partition, Offset::Offset(from)).map_err(fault)?;
        self.committed.assign(&list).map_err(fault)
    }

    fn position(&self) -> Result<i64, KafkaFault> {
        let list =
            self.committed.position().map_err(|error| KafkaFault::new("asking for the changelog position", &error))?;
        Ok(match list.find_partition(&self.topic, self.partition).map(|element| element.offset()) {
            Some(Offset::Offset(offset)) => offset,
            _ => 0,
        })
    }
}
