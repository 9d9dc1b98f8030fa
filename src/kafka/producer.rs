//! The transactional producer. Every call blocks, so it lives on a thread of its own; and it is drained by hand, because
//! rust-rdkafka's `flush` waits in slices of 100 ms.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext, PurgeConfig};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tracing::{debug, warn};

use super::client::log;
use super::fault::{KafkaFault, TxnAnswer, TxnFault, delivery_fault, txn_answer};
use super::lease::GroupMetadata;

/// Longer than a broker takes to restart; with 10 s a restart ended in `_FENCED`.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(60);
/// How long one transaction call may take in all, its retries included.
const CALL_MAX: Duration = Duration::from_secs(50);
const RETRY_PAUSE: Duration = Duration::from_millis(100);
const POLL_SLICE: Duration = Duration::from_millis(1);
const ABORT_MAX: Duration = Duration::from_secs(10);
/// A `begin` at once after a commit meets CONCURRENT_TRANSACTIONS in a quarter of all cases and then waits 20 ms; this
/// pause costs less.
const PAUSE_AFTER_COMMIT: Duration = Duration::from_millis(2);
const MESSAGE_BYTES_MAX: &str = "16777216";

/// Where the group stands on one input after the transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedOffset {
    pub topic: String,
    pub partition: i32,
    pub next_offset: i64,
    /// At most 4,096 bytes of UTF-8.
    pub metadata: String,
}

pub struct TxnProducer {
    producer: BaseProducer<Deliveries>,
    deliveries: Arc<Told>,
    /// When the last transaction ended.
    ended: Mutex<Option<Instant>>,
}

impl TxnProducer {
    pub(super) fn new(base: &ClientConfig, transactional_id: &str) -> Result<Self, KafkaFault> {
        let mut config = base.clone();
        config
            .set("transactional.id", transactional_id)
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("transaction.timeout.ms", TRANSACTION_TIMEOUT.as_millis().to_string())
            .set("delivery.timeout.ms", TRANSACTION_TIMEOUT.as_millis().to_string())
            .set("linger.ms", "1")
            .set("batch.num.messages", "10000")
            .set("batch.size", "1000000")
            .set("queue.buffering.max.messages", "500000")
            .set("queue.buffering.max.kbytes", "262144")
            .set("message.max.bytes", MESSAGE_BYTES_MAX)
            // Where Kafka's own clients would put the key.
            .set("partitioner", "murmur2_random");
        if config.get("compression.type").is_none() && config.get("compression.codec").is_none() {
            config.set("compression.type", "lz4");
        }
        let deliveries =
            Arc::new(Told { failed: Mutex::new(None), last_offset: AtomicI64::new(NONE_ACKNOWLEDGED) });
        let context = Deliveries(Arc::clone(&deliveries));
        let producer =
            config.create_with_context(context).map_err(|error| KafkaFault::new("making the producer", &error))?;
        Ok(Self { producer, deliveries, ended: Mutex::new(None) })
    }

    /// Takes the transactional id over: fences whoever had it, and settles a transaction that was in doubt.
    pub fn init(&self, timeout: Duration) -> Result<(), TxnFault> {
        self.retried("init_transactions", timeout, |left| self.producer.init_transactions(left))
    }

    pub fn begin(&self) -> Result<(), TxnFault> {
        let ended = *self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(since) = ended.map(|at| at.elapsed()).filter(|since| *since < PAUSE_AFTER_COMMIT) {
            std::thread::sleep(PAUSE_AFTER_COMMIT - since);
        }
        self.deliveries.reset();
        self.retried("begin_transaction", CALL_MAX, |_| self.producer.begin_transaction())
    }

    /// Queues a record; a full queue is polled empty first.
    pub fn send(
        &self,
        topic: &str,
        partition: Option<i32>,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(&str, &[u8])],
    ) -> Result<(), TxnFault> {
        let until = Instant::now() + CALL_MAX;
        let mut record = BaseRecord::with_opaque_to(topic, usize::from(partition.is_some()));
        record.partition = partition;
        record.key = key;
        record.payload = value;
        record.headers = owned_headers(headers);
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    if Instant::now() >= until {
                        return Err(TxnFault::TimedOut("queueing a record".into()));
                    }
                    self.producer.poll(POLL_SLICE);
                    record = back;
                }
                Err((KafkaError::MessageProduction(code), _)) => return Err(delivery_fault(code)),
                Err((error, _)) => return Err(TxnFault::Fatal(error.to_string())),
            }
        }
    }

    /// Waits until every queued record is acknowledged.
    pub fn drain(&self, max: Duration) -> Result<(), TxnFault> {
        let until = Instant::now() + max;
        while self.producer.in_flight_count() > 0 {
            self.producer.poll(POLL_SLICE);
            if let Some(fault) = self.deliveries.failed() {
                return Err(fault);
            }
            if Instant::now() >= until {
                return Err(TxnFault::TimedOut("the broker's acknowledgement".into()));
            }
        }
        self.deliveries.failed().map_or(Ok(()), Err)
    }

    pub fn send_offsets(&self, offsets: &[CommittedOffset], member: &GroupMetadata) -> Result<(), TxnFault> {
        let mut list = TopicPartitionList::with_capacity(offsets.len());
        for each in offsets {
            let mut element = list.add_partition(&each.topic, each.partition);
            element.set_metadata(&each.metadata);
            element.set_offset(Offset::Offset(each.next_offset)).map_err(|error| TxnFault::Fatal(error.to_string()))?;
        }
        self.retried("send_offsets_to_transaction", CALL_MAX, |left| {
            self.producer.send_offsets_to_transaction(&list, &member.0, left)
        })
    }

    /// Nothing may be in flight.
    pub fn commit(&self) -> Result<(), TxnFault> {
        let end = self.retried("commit_transaction", CALL_MAX, |left| self.producer.commit_transaction(left));
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        end
    }

    /// The last acknowledged offset among the records that were sent to a partition by number: the changelog's rows.
    #[must_use]
    pub fn acknowledged(&self) -> Option<i64> {
        let last = self.deliveries.last_offset.load(Ordering::Acquire);
        (last != NONE_ACKNOWLEDGED).then_some(last)
    }

    /// Aborts what is open, as far as that still works, and lets go: after an abort a producer is not used again.
    pub fn abort(self) {
        self.producer.purge(PurgeConfig::default().queue().inflight());
        let until = Instant::now() + ABORT_MAX;
        // An abort with records undelivered never ends unless someone polls.
        while self.producer.in_flight_count() > 0 && Instant::now() < until {
            self.producer.poll(POLL_SLICE);
        }
        if let Err(error) = self.producer.abort_transaction(ABORT_MAX) {
            debug!(%error, "the transaction was not aborted by us; the next owner's init settles it");
        }
    }

    /// Calls again while librdkafka says that the error is retriable, and the time is not over.
    fn retried(
        &self,
        action: &'static str,
        max: Duration,
        call: impl Fn(Duration) -> Result<(), KafkaError>,
    ) -> Result<(), TxnFault> {
        let until = Instant::now() + max;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let Err(error) = call(left.max(POLL_SLICE)) else { return Ok(()) };
            match txn_answer(&error) {
                TxnAnswer::Fail(fault) => return Err(fault),
                TxnAnswer::Retry if Instant::now() >= until => return Err(TxnFault::TimedOut(action.to_owned())),
                TxnAnswer::Retry => {
                    warn!(%error, action, "trying again");
                    std::thread::sleep(RETRY_PAUSE);
                }
            }
        }
    }
}

fn owned_headers(headers: &[(&str, &[u8])]) -> Option<OwnedHeaders> {
    if headers.is_empty() {
        return None;
    }
    let insert = |owned: OwnedHeaders, (key, value): &(&str, &[u8])| owned.insert(Header { key, value: Some(*value) });
    Some(headers.iter().fold(OwnedHeaders::new_with_capacity(headers.len()), insert))
}

const NONE_ACKNOWLEDGED: i64 = -1;

/// What the delivery reports of the current transaction said.
#[derive(Debug)]
struct Told {
    failed: Mutex<Option<TxnFault>>,
    last_offset: AtomicI64,
}

impl Told {
    fn reset(&self) {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.last_offset.store(NONE_ACKNOWLEDGED, Ordering::Release);
    }

    fn failed(&self) -> Option<TxnFault> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

struct Deliveries(Arc<Told>);

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        debug!(%error, reason, "librdkafka error");
    }
}

impl ProducerContext for Deliveries {
    /// 1 for a record whose partition the caller chose, else 0.
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, placed: usize) {
        match result {
            Ok(message) if placed == 1 => {
                self.0.last_offset.fetch_max(message.offset(), Ordering::AcqRel);
            }
            Ok(_) => {}
            Err((error, _)) => {
                let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown);
                let mut failed = self.0.failed.lock().unwrap_or_else(PoisonError::into_inner);
                failed.get_or_insert_with(|| delivery_fault(code));
            }
        }
    }
}
