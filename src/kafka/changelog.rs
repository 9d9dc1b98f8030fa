//! Reading one changelog partition from a position to its end, and knowing when that end is reached.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::topic_partition_list::Offset;

use super::client::create;
use super::context::LogContext;
use super::fault::{Class, KafkaFault, class_of};
use super::offsets::to_list;

const METADATA_WITHIN: Duration = Duration::from_secs(10);
const POLL_SLICE: Duration = Duration::from_millis(50);
/// With neither a record nor the end for this long the read gives up; its caller may start again.
const STALLED_AFTER: Duration = Duration::from_secs(30);

/// Has a consumer of its own: errors such as an offset out of range carry no topic, so a shared one could not tell
/// whose they are.
pub struct ChangelogReader {
    topic: String,
    partition: i32,
    committed: BaseConsumer<LogContext>,
    /// Only asked for its idea of the end.
    uncommitted: BaseConsumer<LogContext>,
}

/// Where the partition begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    pub low: i64,
    /// End for a read_committed reader: nothing past it is visible yet.
    pub committed_end: i64,
    /// End of the log. Above `committed_end` while some transaction is open, perhaps not ours.
    pub uncommitted_end: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangelogRecord<'a> {
    pub offset: i64,
    /// Append time by the broker's clock, in milliseconds.
    pub timestamp: Option<i64>,
    pub key: &'a [u8],
    /// `None` is a tombstone.
    pub value: Option<&'a [u8]>,
}

impl ChangelogReader {
    pub(super) fn new(config: &ClientConfig, topic: &str, partition: i32) -> Result<Self, KafkaFault> {
        let mut config = config.clone();
        // An end-of-partition event comes with an empty fetch, so a fetch must not wait long.
        config.set("fetch.wait.max.ms", "10");
        let committed = create(&config, LogContext)?;
        config.set("isolation.level", "read_uncommitted");
        let uncommitted = create(&config, LogContext)?;
        Ok(Self { topic: topic.to_owned(), partition, committed, uncommitted })
    }

    /// # Errors
    /// No such topic, or no answer.
    pub fn ends(&self) -> Result<Ends, KafkaFault> {
        // In this order a transaction that ends in between makes the two ends equal later, never falsely now.
        let (_, uncommitted_end) = self.watermarks(&self.uncommitted)?;
        let (low, committed_end) = self.watermarks(&self.committed)?;
        Ok(Ends { low, committed_end, uncommitted_end: uncommitted_end.max(committed_end) })
    }

    fn watermarks(&self, consumer: &BaseConsumer<LogContext>) -> Result<(i64, i64), KafkaFault> {
        consumer
            .fetch_watermarks(&self.topic, self.partition, METADATA_WITHIN)
            .map_err(|error| KafkaFault::on_topic("asking for the ends of the changelog", &self.topic, &error))
    }

    /// Shows `each` every committed record in `[from, to)` and returns the position reached: `to` or a little past
    /// it, or one past the record at which `each` broke off. `to` must not be above `committed_end`.
    ///
    /// # Errors
    /// `from` is not in the log any more, or nothing came for [`STALLED_AFTER`].
    pub fn read(
        &mut self,
        from: i64,
        to: i64,
        each: &mut dyn FnMut(ChangelogRecord<'_>) -> ControlFlow<()>,
    ) -> Result<i64, KafkaFault> {
        if from >= to {
            return Ok(from);
        }
        self.assign(from)?;
        let read = self.read_assigned(from, to, each);
        // Whatever was fetched beyond must not fill memory until the next read.
        let _ = self.committed.unassign();
        read
    }

    fn assign(&self, from: i64) -> Result<(), KafkaFault> {
        let doing = "reading the changelog";
        let list = to_list([(self.topic.as_str(), self.partition, from, None)].into_iter())
            .ok_or_else(|| KafkaFault::Fatal { doing, detail: "a position below zero".into() })?;
        self.committed.assign(&list).map_err(|error| KafkaFault::new(doing, &error))
    }

    fn read_assigned(
        &self,
        from: i64,
        to: i64,
        each: &mut dyn FnMut(ChangelogRecord<'_>) -> ControlFlow<()>,
    ) -> Result<i64, KafkaFault> {
        let mut reached = from;
        let mut moved_at = Instant::now();
        while reached < to {
            match self.committed.poll(POLL_SLICE) {
                // One fetch may hold records at and past `to`, written since the caller looked: they are not asked for.
                Some(Ok(message)) if message.offset() >= to => return Ok(to),
                Some(Ok(message)) => {
                    reached = message.offset() + 1;
                    moved_at = Instant::now();
                    if each(record(&message)).is_break() {
                        return Ok(reached);
                    }
                    continue;
                }
                // Every committed record below `to` has been shown. The position may stand short of it for ever:
                // compaction leaves holes, and a commit marker goes in the end.
                Some(Err(KafkaError::PartitionEOF(_))) => return Ok(to),
                Some(Err(error)) => self.bear(&error, from)?,
                None => {}
            }
            let position = self.position().unwrap_or(reached);
            if position > reached {
                (reached, moved_at) = (position, Instant::now());
            }
            if moved_at.elapsed() > STALLED_AFTER {
                let detail = format!("stands at {reached} of {to}");
                return Err(KafkaFault::TimedOut { doing: "reading the changelog", detail });
            }
        }
        Ok(reached)
    }

    /// Most errors pass while librdkafka reconnects; the stall bound watches them. These do not.
    fn bear(&self, error: &KafkaError, from: i64) -> Result<(), KafkaFault> {
        let fault = |class| match class {
            Class::OffsetRange => {
                let (topic, partition) = (self.topic.clone(), self.partition);
                Some(KafkaFault::OffsetOutOfRange { topic, partition, offset: from })
            }
            Class::NoTopic | Class::Denied => Some(KafkaFault::on_topic("reading the changelog", &self.topic, error)),
            Class::Fenced | Class::Record | Class::TimedOut | Class::Transient | Class::Other => None,
        };
        error.rdkafka_error_code().and_then(|code| fault(class_of(code))).map_or(Ok(()), Err)
    }

    /// The next offset, past control records; none before anything was fetched.
    fn position(&self) -> Option<i64> {
        let list = self.committed.position().ok()?;
        match list.find_partition(&self.topic, self.partition)?.offset() {
            Offset::Offset(next) => Some(next),
            Offset::Beginning | Offset::End | Offset::Stored | Offset::Invalid | Offset::OffsetTail(_) => None,
        }
    }
}

fn record<'a>(message: &'a BorrowedMessage<'_>) -> ChangelogRecord<'a> {
    ChangelogRecord {
        offset: message.offset(),
        timestamp: message.timestamp().to_millis(),
        key: message.key().unwrap_or_default(),
        value: message.payload(),
    }
}
