//! What the daemon wrote for a load, read back from the broker: how much, how fast, and the records themselves, so that
//! the bare loop can write the very same ones.

use std::ops::Range;
use std::time::{Duration, Instant};

use casewright::store::{Manifest, RowName};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::rig::daemon::Deployment;

const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// The topics that the load brings records to, as [`Deployment::topic`] names them. Nothing in it is unreadable.
pub const WRITTEN: [&str; 3] = ["state", "events", "views"];

/// The records of one topic in the order in which they were produced, all in one arena.
#[derive(Default)]
pub struct Records {
    arena: Vec<u8>,
    records: Vec<Record>,
}

struct Record {
    at: (i64, i32, i64),
    /// None for what goes by its key.
    partition: Option<i32>,
    key: Range<usize>,
    value: Option<Range<usize>>,
}

impl Records {
    pub fn read(deployment: &Deployment, which: &str) -> Self {
        let mut found = Self::default();
        read_committed(deployment.brokers(), &deployment.topic(which), |message| {
            let key = found.keep(message.key().unwrap_or_default());
            let value = message.payload().map(|value| found.keep(value));
            let at = (millis(message), message.partition(), message.offset());
            // The changelog goes to its shard's partition by number.
            let partition = (which == "state").then(|| message.partition());
            found.records.push(Record { at, partition, key, value });
        });
        found.records.sort_by_key(|record| record.at);
        found
    }

    fn keep(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.arena.len();
        self.arena.extend_from_slice(bytes);
        start..self.arena.len()
    }

    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Keys and values.
    pub fn bytes(&self) -> usize {
        self.arena.len()
    }

    /// Partition if it is a fixed one, key, value.
    pub fn get(&self, place: usize) -> (Option<i32>, &[u8], Option<&[u8]>) {
        let record = &self.records[place];
        (record.partition, &self.arena[record.key.clone()], record.value.clone().map(|value| &self.arena[value]))
    }
}

/// Every batch that the changelog tells of: when the broker got its manifest, and how many records were consumed by then.
pub fn batches(deployment: &Deployment) -> Vec<(f64, u64)> {
    let manifest = RowName::Manifest.to_bytes();
    let mut batches = Vec::new();
    read_committed(deployment.brokers(), &deployment.topic("state"), |message| {
        if message.key() == Some(&*manifest) {
            let manifest = Manifest::decode(message.payload().unwrap_or_default()).expect("a manifest");
            batches.push((millis(message) as f64 / 1_000.0, manifest.records));
        }
    });
    batches
}

/// Records a second from the end of the first batch that had any to the end of the batch that had the last one.
pub fn rate(batches: &[(f64, u64)]) -> f64 {
    let first = batches.iter().find(|(_, records)| *records > 0);
    let last = batches.last().and_then(|(_, all)| batches.iter().find(|(_, records)| records == all));
    match (first, last) {
        (Some((began, before)), Some((ended, all))) if ended > began => (all - before) as f64 / (ended - began),
        _ => panic!("too few batches to measure: take more --alerts"),
    }
}

fn read_committed(brokers: &str, topic: &str, mut visit: impl FnMut(&BorrowedMessage<'_>)) {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "bench-reader")
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("fetch.wait.max.ms", "10")
        .create()
        .expect("a consumer");
    let metadata = consumer.fetch_metadata(Some(topic), ANSWER_WITHIN).expect("metadata");
    let partitions = metadata.topics()[0].partitions().len();
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions {
        let partition = i32::try_from(partition).expect("few partitions");
        list.add_partition_offset(topic, partition, Offset::Beginning).expect("an offset");
    }
    consumer.assign(&list).expect("assign");
    let (mut ended, mut moved_at) = (0, Instant::now());
    while ended < partitions {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => visit(&message),
            Some(Err(KafkaError::PartitionEOF(_))) => ended += 1,
            Some(Err(error)) => panic!("reading {topic}: {error}"),
            None => {
                assert!(moved_at.elapsed() < ANSWER_WITHIN, "{topic}: the broker sends no more records");
                continue;
            }
        }
        moved_at = Instant::now();
    }
}

fn millis(message: &BorrowedMessage<'_>) -> i64 {
    message.timestamp().to_millis().expect("records have a time")
}
