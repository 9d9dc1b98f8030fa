//! One transactional producer: what a batch decided goes out through here, all of it or nothing.
//!
//! Decides how long each step may take, when it is tried again, and how it is polled. Leaves to the pipeline when to
//! abort and what a fault means for the shard. After any abort or time-out the producer is spent: make a new one.

use std::cell::Cell;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, PurgeConfig};

use super::client::create;
use super::context::ReportContext;
use super::fault::{KafkaFault, TxnFault, is_retriable};
use super::lease::GroupMetadata;
use super::offsets::{CommittedOffset, to_list};

/// Above every input's `max.message.bytes`, with room for a dead letter's headers.
pub const RECORD_BYTES_MAX: usize = 16 << 20;
/// A broker that restarts takes up to 14 s; a transaction that times out meanwhile would fence us for nothing.
const TRANSACTION_TIMEOUT_MS: u64 = 60_000;
/// Past the transaction's own time-out the broker has settled it, so there is nothing left to wait for.
const SETTLE_WITHIN: Duration = Duration::from_millis(TRANSACTION_TIMEOUT_MS + 10_000);
/// One call of a transactional function; it is called again while it may be.
const CALL_WITHIN: Duration = Duration::from_secs(10);
const ABORT_WITHIN: Duration = Duration::from_secs(30);
const RETRY_AFTER: Duration = Duration::from_millis(50);
/// How long a full queue may hold a record up.
const QUEUE_ROOM_WITHIN: Duration = Duration::from_secs(30);
/// Between two looks for delivery reports when the last one found none.
const LOOK_AGAIN_AFTER: Duration = Duration::from_micros(300);
/// A `begin` at once after a commit meets CONCURRENT_TRANSACTIONS in a quarter of all cases and pays 20 ms for it.
const PAUSE_AFTER_COMMIT: Duration = Duration::from_millis(2);

pub struct TxnProducer {
    inner: BaseProducer<ReportContext>,
    committed_at: Cell<Option<Instant>>,
}

impl TxnProducer {
    pub(super) fn new(base: &ClientConfig, transactional_id: &str) -> Result<Self, KafkaFault> {
        let mut config = base.clone();
        default_to(&mut config, &["linger.ms", "queue.buffering.max.ms"], "1");
        default_to(&mut config, &["compression.type", "compression.codec"], "lz4");
        default_to(&mut config, &["queue.buffering.max.messages"], "1000000");
        default_to(&mut config, &["queue.buffering.max.kbytes"], "262144");
        config
            .set("transactional.id", transactional_id)
            .set("transaction.timeout.ms", TRANSACTION_TIMEOUT_MS.to_string())
            .set("enable.idempotence", "true")
            .set("acks", "all")
            // What the Java clients do, so that a case's key finds the same partition from everywhere.
            .set("partitioner", "murmur2_random")
            .set("message.max.bytes", RECORD_BYTES_MAX.to_string());
        Ok(Self { inner: create(&config, ReportContext::default())?, committed_at: Cell::new(None) })
    }

    /// Fences every other producer with this transactional id and settles its transaction in doubt.
    ///
    /// # Errors
    /// No answer within `timeout`, or refused.
    pub fn init(&self, timeout: Duration) -> Result<(), TxnFault> {
        retry(timeout, |slice| self.inner.init_transactions(slice))
    }

    /// # Errors
    /// The producer is fenced or spent.
    pub fn begin(&self) -> Result<(), TxnFault> {
        if let Some(at) = self.committed_at.take() {
            sleep(PAUSE_AFTER_COMMIT.saturating_sub(at.elapsed()));
        }
        self.inner.context().forget_failure();
        self.inner.begin_transaction().map_err(|error| TxnFault::new(&error))
    }

    /// Queues a record of the open transaction. While the queue is full it polls, so that it empties.
    ///
    /// # Errors
    /// The record is too large for any topic, the queue stayed full, or the transaction has failed already.
    pub fn send(
        &self,
        topic: &str,
        partition: Option<i32>,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(&str, &[u8])],
    ) -> Result<(), TxnFault> {
        let mut record = BaseRecord::<[u8], [u8], usize>::with_opaque_to(topic, usize::from(partition.is_some()));
        (record.partition, record.key, record.payload) = (partition, key, value);
        record.headers = owned(headers);
        let deadline = Instant::now() + QUEUE_ROOM_WITHIN;
        loop {
            match self.inner.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), again)) => record = again,
                Err((error, record)) => return Err(self.not_queued(&error, &record)),
            }
            if Instant::now() > deadline {
                return Err(TxnFault::TimedOut(format!("queue full, sending to {topic}")));
            }
            self.look();
        }
    }

    fn not_queued(&self, error: &KafkaError, record: &BaseRecord<'_, [u8], [u8], usize>) -> TxnFault {
        let bytes = record.payload.map_or(0, <[u8]>::len);
        match error {
            KafkaError::MessageProduction(RDKafkaErrorCode::MessageSizeTooLarge) => {
                TxnFault::Rejected { topic: record.topic.to_owned(), bytes, detail: error.to_string() }
            }
            // librdkafka takes no records once the transaction has failed; what failed it is the answer.
            _ => self.verdict().err().unwrap_or_else(|| match TxnFault::new(error) {
                TxnFault::Fatal(detail) => TxnFault::Abortable(detail),
                fault @ (TxnFault::Fenced
                | TxnFault::Abortable(_)
                | TxnFault::TimedOut(_)
                | TxnFault::Rejected { .. }) => fault,
            }),
        }
    }

    /// The highest acknowledged offset of a record that was sent to a partition by number: of the changelog, that is.
    #[must_use]
    pub fn acknowledged(&self) -> Option<i64> {
        self.inner.context().placed()
    }

    /// Waits until every queued record is acknowledged. Polled by hand: the binding's `flush` waits in slices of
    /// 100 ms, which would be every transaction's price.
    ///
    /// # Errors
    /// A record was not delivered, or some still are not after `within`.
    pub fn drain(&self, within: Duration) -> Result<(), TxnFault> {
        self.empty(within)?;
        self.verdict()
    }

    fn empty(&self, within: Duration) -> Result<(), TxnFault> {
        let deadline = Instant::now() + within;
        while self.inner.in_flight_count() > 0 {
            if Instant::now() > deadline {
                return Err(TxnFault::TimedOut(format!("{} records not acknowledged", self.inner.in_flight_count())));
            }
            self.look();
        }
        Ok(())
    }

    /// Serves one event, or sleeps a little. The binding's `poll` always takes its whole time-out, so it gets none.
    fn look(&self) {
        let before = self.inner.context().reported();
        self.inner.poll(Duration::ZERO);
        if self.inner.context().reported() == before {
            sleep(LOOK_AGAIN_AFTER);
        }
    }

    fn verdict(&self) -> Result<(), TxnFault> {
        if let Some((code, detail)) = self.inner.client().fatal_error() {
            return Err(match TxnFault::new(&KafkaError::Global(code)) {
                TxnFault::Fenced => TxnFault::Fenced,
                TxnFault::Abortable(_) | TxnFault::TimedOut(_) | TxnFault::Rejected { .. } | TxnFault::Fatal(_) => {
                    TxnFault::Fatal(detail)
                }
            });
        }
        self.inner.context().first_failure().map_or(Ok(()), |failure| Err(TxnFault::undelivered(failure)))
    }

    /// Adds the input positions to the transaction, under the lease's current generation.
    ///
    /// # Errors
    /// `Abortable` if the group has moved on without us: the lease is a second fence.
    pub fn send_offsets(&self, offsets: &[CommittedOffset], lease: &GroupMetadata) -> Result<(), TxnFault> {
        if offsets.is_empty() {
            return Ok(());
        }
        let list = to_list(
            offsets.iter().map(|at| (at.topic.as_str(), at.partition, at.next_offset, Some(at.metadata.as_str()))),
        )
        .ok_or_else(|| TxnFault::Fatal("a position below zero".into()))?;
        // A repeat must carry the same arguments, or librdkafka refuses it.
        retry(SETTLE_WITHIN, |slice| self.inner.send_offsets_to_transaction(&list, &lease.0, slice))
    }

    /// Call it drained. A commit whose answer got lost is asked for again until it is known.
    ///
    /// # Errors
    /// Only after `TimedOut` is the outcome unknown; `init` of the next producer settles it.
    pub fn commit(&self) -> Result<(), TxnFault> {
        retry(SETTLE_WITHIN, |slice| self.inner.commit_transaction(slice))?;
        self.committed_at.set(Some(Instant::now()));
        Ok(())
    }

    /// Drops what was not delivered and aborts. Consumes the producer: after an abort librdkafka has been seen to
    /// fail the next transaction out of sequence.
    ///
    /// # Errors
    /// The abort could not be confirmed; `init` of the next producer, or the time-out, does it then.
    pub fn abort(self) -> Result<(), TxnFault> {
        // An abort with records undelivered never ends unless somebody polls.
        self.inner.purge(PurgeConfig::default().queue().inflight());
        self.empty(ABORT_WITHIN)?;
        retry(ABORT_WITHIN, |slice| self.inner.abort_transaction(slice))
    }
}

/// Calls until it works, cannot work, or `within` has passed.
fn retry(within: Duration, mut call: impl FnMut(Duration) -> KafkaResult<()>) -> Result<(), TxnFault> {
    let deadline = Instant::now() + within;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let Err(error) = call(left.clamp(Duration::from_millis(1), CALL_WITHIN)) else {
            return Ok(());
        };
        if !is_retriable(&error) {
            return Err(TxnFault::new(&error));
        }
        if Instant::now() + RETRY_AFTER >= deadline {
            return Err(TxnFault::TimedOut(error.to_string()));
        }
        sleep(RETRY_AFTER);
    }
}

fn owned(headers: &[(&str, &[u8])]) -> Option<OwnedHeaders> {
    if headers.is_empty() {
        return None;
    }
    let start = OwnedHeaders::new_with_capacity(headers.len());
    Some(headers.iter().fold(start, |all, (key, value)| all.insert(Header { key, value: Some(*value) })))
}

/// Sets what the operator may tune and did not, under any of its names.
fn default_to(config: &mut ClientConfig, names: &[&'static str], value: &str) {
    if names.iter().all(|name| config.get(name).is_none()) {
        config.set(names[0], value);
    }
}
