//! One batch, one transaction: rows, events, views, dead letters and input positions become visible together or not at
//! all. Runs on a thread of its own, because librdkafka's transaction calls block.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::debug;

use super::batch::Batch;
use crate::config::TopicsConfig;
use crate::kafka::{CommittedOffset, GroupMetadata, TxnFault, TxnProducer};
use crate::model::Shard;
use crate::store::{Manifest, Position};

/// How long a batch's records may take to be acknowledged. Shorter than the transaction timeout (60 s), longer than a
/// broker takes to restart.
const DRAIN_MAX: Duration = Duration::from_secs(45);

pub struct Committer {
    producer: TxnProducer,
    topics: TopicsConfig,
    shard: Shard,
    /// So many positions of the manifest, the first ones, are of partitions that are read.
    read: usize,
}

/// How long the two halves of a commit took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    pub produce: Duration,
    pub commit: Duration,
}

impl Committer {
    #[must_use]
    pub fn new(producer: TxnProducer, topics: TopicsConfig, shard: Shard, read: usize) -> Self {
        Self { producer, topics, shard, read }
    }

    /// Commits `batch` and answers where the changelog stands behind it. `member` is read at the last moment: it is the
    /// second fence against a zombie.
    pub fn commit(
        &self,
        batch: &Batch,
        member: impl FnOnce() -> Option<GroupMetadata>,
    ) -> Result<(Position, Spent), TxnFault> {
        let began = Instant::now();
        self.producer.begin()?;
        self.produce(batch)?;
        self.producer.drain(DRAIN_MAX)?;
        let produced = Instant::now();
        let member = member().ok_or(TxnFault::Fenced)?;
        let offsets = committed_offsets(&batch.manifest, self.read);
        if !offsets.is_empty() {
            self.producer.send_offsets(&offsets, &member)?;
        }
        self.producer.commit()?;
        let spent = Spent { produce: produced - began, commit: produced.elapsed() };
        Ok((self.position_behind(), spent))
    }

    fn produce(&self, batch: &Batch) -> Result<(), TxnFault> {
        let partition = Some(self.shard.partition());
        for row in &batch.rows {
            self.producer.send(&self.topics.state, partition, Some(&row.key), row.value.as_deref(), &[])?;
        }
        for (messages, topic) in [
            (&batch.events, &self.topics.case_events),
            (&batch.refusals, &self.topics.case_events),
            (&batch.views, &self.topics.cases),
            (&batch.audit, &self.topics.audit),
        ] {
            for (key, value) in messages.iter() {
                self.producer.send(topic, None, Some(key), value, &[])?;
            }
        }
        self.produce_dead_letters(batch)
    }

    fn produce_dead_letters(&self, batch: &Batch) -> Result<(), TxnFault> {
        for letter in &batch.dead_letters {
            let told = letter.headers.iter().map(|(name, value)| (*name, value.as_bytes()));
            let kept = letter.kept.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
            let headers: Vec<(&str, &[u8])> = told.chain(kept).collect();
            let key = Some(letter.key.as_bytes());
            self.producer.send(&self.topics.dead_letters, None, key, Some(&letter.value), &headers)?;
        }
        Ok(())
    }

    /// Aborts what is open and lets go of the producer: after an abort it is not used again.
    pub fn give_up(self) {
        if let Err(fault) = self.producer.abort() {
            debug!(%fault, "the next owner's init settles the transaction");
        }
    }

    /// The offset behind the last acknowledged row; the commit marker that follows it holds nothing to read.
    fn position_behind(&self) -> Position {
        self.producer.acknowledged().map_or(Position(0), |last| Position(last + 1))
    }
}

/// The second witness of the input positions, and what lag tools see; the manifest stays the first.
/// Only of what is read: the topic of a parked position may be gone, and Kafka would refuse them all.
fn committed_offsets(manifest: &Arc<Manifest>, read: usize) -> Vec<CommittedOffset> {
    let metadata = manifest.offset_metadata();
    manifest
        .positions
        .iter()
        .take(read)
        .map(|position| CommittedOffset {
            topic: position.topic.as_str().to_owned(),
            partition: position.partition,
            next_offset: position.next_offset,
            metadata: metadata.clone(),
        })
        .collect()
}
