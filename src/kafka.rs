//! The Kafka edge: bytes, topics, partitions, offsets. It knows librdkafka's traps and nothing of alerts or cases.
//!
//! Reading is polled by hand on the owner's thread (`BaseConsumer`), transactions are drained by hand, and every error is
//! sorted here into what the caller can do about it.

mod admin;
mod changelog;
mod client;
mod fault;
mod lease;
mod producer;
mod reader;
mod topics;

pub use admin::Admin;
pub use changelog::{ChangelogReader, ChangelogRecord, Ends};
pub use client::{Client, ClientError};
pub use fault::{KafkaFault, ReadFault, TxnFault};
pub use lease::{GroupMetadata, Lease, LeaseState};
pub use producer::{CommittedOffset, TxnProducer};
pub use reader::{Assigned, InputReader, RawBatch, RawRecord};
pub use topics::{TopicReport, TopicSpec, TopicState, check, create, specs};
