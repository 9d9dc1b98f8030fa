//! The bare loop: the least that any program must do which consumes alerts and produces what the daemon produces, exactly
//! once. Consume, parse, produce, drain, offsets, commit; one after the other, on one thread, deciding nothing.
//!
//! It shares no code with the daemon, so that waste in the daemon's Kafka edge shows. It has the daemon's settings: what
//! may be in a batch, lz4, a drain by hand and a pause after each commit, since either loop would be far slower without.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message as _;
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::outputs::{Records, WRITTEN};
use super::parse;
use crate::rig::daemon::Deployment;
use crate::rig::load::PARTITIONS;

/// `pipeline.batch_records_max` as the daemon has it by default. The daemon fills a batch while another is committed; this
/// loop cannot, so it waits for a full one for as long as anything comes.
const BATCH_RECORDS_MAX: usize = 5_000;
const BATCH_WAIT: Duration = Duration::from_millis(20);
const PAUSE_AFTER_COMMIT: Duration = Duration::from_millis(2);
const LOOK_AGAIN_AFTER: Duration = Duration::from_micros(300);
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
const PREFETCH_KIB: i32 = 64 << 10;

/// Counts delivery reports: whether a look brought any, and whether all went well.
#[derive(Default)]
struct Reports {
    seen: AtomicU64,
    failed: AtomicU64,
}

impl ClientContext for Reports {}

impl ProducerContext for Reports {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        self.seen.fetch_add(1, Ordering::Relaxed);
        self.failed.fetch_add(u64::from(result.is_err()), Ordering::Relaxed);
    }
}

pub struct Bare<'a> {
    consumer: BaseConsumer,
    producer: BaseProducer<Reports>,
    input: &'a str,
    topics: [String; 3],
    outputs: &'a [Records; 3],
    alerts: usize,
    next: [i64; PARTITIONS as usize],
    committed_at: Option<Instant>,
}

/// What one run of it did.
pub struct Done {
    /// When each batch was committed, in seconds, and how many alerts were consumed by then.
    pub batches: Vec<(f64, u64)>,
    pub records_out: usize,
    pub bytes_out: usize,
}

impl<'a> Bare<'a> {
    /// Reads `alerts` of `input` and writes `outputs`, spread evenly over them, to the topics of a deployment on which no
    /// daemon runs.
    pub fn new(deployment: &Deployment, input: &'a str, alerts: usize, outputs: &'a [Records; 3]) -> Self {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", deployment.brokers())
            .set("group.id", &deployment.name)
            .set("isolation.level", "read_committed")
            .set("check.crcs", "true")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("enable.partition.eof", "false")
            .set("fetch.wait.max.ms", "100")
            .set("fetch.queue.backoff.ms", "5")
            .set("queued.max.messages.kbytes", (PREFETCH_KIB / PARTITIONS).to_string())
            .create()
            .expect("a consumer");
        let producer = ClientConfig::new()
            .set("bootstrap.servers", deployment.brokers())
            .set("transactional.id", &deployment.name)
            .set("transaction.timeout.ms", "60000")
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("linger.ms", "1")
            .set("compression.type", "lz4")
            .set("partitioner", "murmur2_random")
            .set("queue.buffering.max.messages", "1000000")
            .set("queue.buffering.max.kbytes", "262144")
            .set("message.max.bytes", (16 << 20).to_string())
            .create_with_context(Reports::default())
            .expect("a producer");
        let topics = WRITTEN.map(|which| deployment.topic(which));
        Self { consumer, producer, input, topics, outputs, alerts, next: [0; 4], committed_at: None }
    }

    pub fn run(mut self) -> Done {
        self.producer.init_transactions(ANSWER_WITHIN).expect("init");
        self.consumer.assign(&self.list(|_| Offset::Beginning)).expect("assign");
        let began = Instant::now();
        let mut done = Done { batches: Vec::new(), records_out: 0, bytes_out: 0 };
        let mut consumed = 0;
        while consumed < self.alerts {
            let taken = self.consume(self.alerts - consumed);
            if taken == 0 {
                assert!(began.elapsed() < Duration::from_secs(600), "the input ends after {consumed} alerts");
                continue;
            }
            self.begin();
            for which in 0..WRITTEN.len() {
                self.produce(which, consumed, consumed + taken, &mut done);
            }
            self.drain();
            self.commit();
            consumed += taken;
            done.batches.push((began.elapsed().as_secs_f64(), consumed as u64));
        }
        done
    }

    /// One batch: so many records, or as many as there are.
    fn consume(&mut self, left: usize) -> usize {
        let mut taken = 0;
        while taken < BATCH_RECORDS_MAX.min(left) {
            let Some(polled) = self.consumer.poll(BATCH_WAIT) else { break };
            let message = polled.expect("a record");
            black_box(parse::weight(message.payload().unwrap_or_default()));
            self.next[usize::try_from(message.partition()).expect("a partition")] = message.offset() + 1;
            taken += 1;
        }
        taken
    }

    fn begin(&mut self) {
        if let Some(at) = self.committed_at.take() {
            sleep(PAUSE_AFTER_COMMIT.saturating_sub(at.elapsed()));
        }
        self.producer.begin_transaction().expect("begin");
    }

    /// The share of a topic's records that falls to the alerts `from..to`.
    fn produce(&self, which: usize, from: usize, to: usize, done: &mut Done) {
        let records = &self.outputs[which];
        let share = |alerts: usize| records.len() * alerts / self.alerts;
        for place in share(from)..share(to) {
            let (partition, key, value) = records.get(place);
            let mut record = BaseRecord::<[u8], [u8]>::to(&self.topics[which]).key(key);
            (record.partition, record.payload) = (partition, value);
            while let Err((error, again)) = self.producer.send(record) {
                let full = matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull));
                assert!(full, "the record cannot be sent: {error}");
                self.look();
                record = again;
            }
            done.records_out += 1;
            done.bytes_out += key.len() + value.map_or(0, <[u8]>::len);
        }
    }

    fn drain(&self) {
        let deadline = Instant::now() + ANSWER_WITHIN;
        while self.producer.in_flight_count() > 0 {
            assert!(Instant::now() < deadline, "{} records not acknowledged", self.producer.in_flight_count());
            self.look();
        }
        let failed = self.producer.context().failed.load(Ordering::Relaxed);
        assert_eq!(failed, 0, "records were not delivered");
    }

    fn look(&self) {
        let seen = &self.producer.context().seen;
        let before = seen.load(Ordering::Relaxed);
        self.producer.poll(Duration::ZERO);
        if seen.load(Ordering::Relaxed) == before {
            sleep(LOOK_AGAIN_AFTER);
        }
    }

    fn commit(&mut self) {
        let next = self.next;
        let list = self.list(|partition| Offset::Offset(next[partition]));
        let member = self.consumer.group_metadata().expect("a group");
        self.producer.send_offsets_to_transaction(&list, &member, ANSWER_WITHIN).expect("offsets");
        self.producer.commit_transaction(ANSWER_WITHIN).expect("commit");
        self.committed_at = Some(Instant::now());
    }

    fn list(&self, offset: impl Fn(usize) -> Offset) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for (index, partition) in (0..PARTITIONS).enumerate() {
            list.add_partition_offset(self.input, partition, offset(index)).expect("an offset");
        }
        list
    }
}
