//! The seeded load on an input topic, all at once or at a rate.

use std::ops::Range;
use std::thread::sleep;
use std::time::{Duration, Instant};

use casewright::model::Millis;
use casewright::pipeline::wall_now;
use casewright::testing::load::{Load, LoadConfig};
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

use super::broker::Broker;

pub const PARTITIONS: i32 = 4;
const DRAIN_WITHIN: Duration = Duration::from_secs(60);
/// Event time begins this far before now, so that no alert of a run claims to be from the future.
const BACK: Millis = Millis::from_hours(1);

/// Alerts drawn beforehand, so that drawing them takes no time from what is measured.
pub struct Drawn {
    arena: Vec<u8>,
    alerts: Vec<(Range<usize>, std::sync::Arc<str>)>,
}

impl Drawn {
    pub fn new(config: LoadConfig, count: u64) -> Self {
        let mut load = Load::new(LoadConfig { start: wall_now().minus(BACK), ..config });
        let mut drawn = Self { arena: Vec::new(), alerts: Vec::new() };
        for _ in 0..count {
            let start = drawn.arena.len();
            let tenant = load.next(&mut drawn.arena).tenant;
            drawn.alerts.push((start..drawn.arena.len(), tenant));
        }
        drawn
    }

    pub fn len(&self) -> usize {
        self.alerts.len()
    }

    pub fn bytes_per_alert(&self) -> f64 {
        self.arena.len() as f64 / self.alerts.len().max(1) as f64
    }

    /// Everything to a new topic, as fast as it goes, spread evenly over the partitions.
    pub fn fill(&self, broker: &Broker, topic: &str) {
        broker.create_topics(&[(topic, PARTITIONS)], &[]);
        let producer = sender(broker, "20");
        for number in 0..self.alerts.len() {
            // In runs, so that batches on disk are as long as real ones.
            let partition = i32::try_from(number / 64).unwrap_or(0) % PARTITIONS;
            self.send(&producer, topic, number, Some(partition));
        }
        drain(&producer);
    }

    /// So many a second to a topic, until all are sent; answers how long that took. The producer's own choice of
    /// partition, as from a sensor without keys.
    pub fn pace(&self, producer: &BaseProducer, topic: &str, rate: f64) -> Duration {
        let began = Instant::now();
        let mut sent = 0;
        while sent < self.alerts.len() {
            let due = (began.elapsed().as_secs_f64() * rate) as usize;
            while sent < due.min(self.alerts.len()) {
                self.send(producer, topic, sent, None);
                sent += 1;
            }
            producer.poll(Duration::ZERO);
            sleep(Duration::from_millis(1));
        }
        let took = began.elapsed();
        drain(producer);
        took
    }

    fn send(&self, producer: &BaseProducer, topic: &str, number: usize, partition: Option<i32>) {
        let (bytes, tenant) = &self.alerts[number];
        let header = Header { key: "tenant", value: Some(tenant.as_bytes()) };
        let mut record = BaseRecord::<[u8], [u8]>::to(topic).payload(&self.arena[bytes.clone()]);
        record.partition = partition;
        record.headers = Some(OwnedHeaders::new().insert(header));
        while let Err((error, again)) = producer.send(record) {
            let full = matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull));
            assert!(full, "the load cannot be sent: {error}");
            producer.poll(Duration::from_millis(5));
            record = again;
        }
    }
}

/// For [`Drawn::pace`]. What it sends first waits for it to find the broker and its id, half a second: so one producer
/// sends both what warms up and what is measured.
pub fn pacer(broker: &Broker) -> BaseProducer {
    sender(broker, "5")
}

fn sender(broker: &Broker, linger_ms: &str) -> BaseProducer {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &broker.brokers)
        .set("enable.idempotence", "true")
        .set("compression.type", "lz4")
        .set("linger.ms", linger_ms);
    config.create().expect("a producer")
}

fn drain(producer: &BaseProducer) {
    let until = Instant::now() + DRAIN_WITHIN;
    while producer.in_flight_count() > 0 {
        producer.poll(Duration::from_millis(5));
        assert!(Instant::now() < until, "{} records of the load were not taken", producer.in_flight_count());
    }
}
