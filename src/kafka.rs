//! The Kafka edge: bytes, topics, partitions and offsets, and nothing of what they mean.
//!
//! Decides how librdkafka is set up so that the guarantees hold ([`Client`] refuses properties that would break them),
//! which of its errors mean what ([`fault`]), and how each of its traps is walked around: hand-polled draining,
//! the pause after a commit, positions that pass control records, panics on foreign headers. Leaves to the pipeline
//! what to do about a fault, and to `wire` what a record says.
//!
//! Everything here blocks. Each reader, producer and lease belongs to one thread, its owner's.

mod admin;
mod batch;
mod changelog;
mod client;
mod context;
mod fault;
mod lease;
mod offsets;
mod producer;
mod reader;
pub mod topics;

pub use admin::Admin;
pub use batch::{BATCH_BYTES_MAX, Headers, RawBatch, RawRecord};
pub use changelog::{ChangelogReader, ChangelogRecord, Ends};
pub use client::{Client, ClientError};
pub use fault::{KafkaFault, ReadFault, TxnFault};
pub use lease::{GroupMetadata, Lease, LeaseState};
pub use offsets::{Assigned, CommittedOffset};
pub use producer::TxnProducer;
pub use reader::InputReader;
