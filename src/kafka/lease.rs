//! Group membership as a lock: one topic, one partition, one owner.

use std::time::Duration;

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::client::LogContext;
use super::fault::KafkaFault;

/// This member's identity and generation in the group: the fence that travels with the offsets.
pub struct GroupMetadata(pub(super) ConsumerGroupMetadata);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseState {
    Held,
    Waiting,
}

pub struct Lease {
    consumer: BaseConsumer<LogContext>,
    topic: String,
}

impl Lease {
    pub(super) fn join(config: &ClientConfig, topic: &str) -> Result<Self, KafkaFault> {
        let consumer: BaseConsumer<LogContext> = config
            .create_with_context(LogContext)
            .map_err(|error| KafkaFault::new("making the lease consumer", &error))?;
        let lease = Self { consumer, topic: topic.to_owned() };
        lease.subscribe()?;
        Ok(lease)
    }

    /// Must be called at least once a session timeout; the topic is empty, so nothing but membership comes of it.
    pub fn poll(&self, wait: Duration) -> Result<LeaseState, KafkaFault> {
        match self.consumer.poll(wait) {
            None | Some(Ok(_)) | Some(Err(KafkaError::PartitionEOF(_))) => {}
            Some(Err(error)) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AutoOffsetReset) => {}
            Some(Err(error)) => return Err(KafkaFault::new("polling the lease", &error)),
        }
        Ok(if self.held()? { LeaseState::Held } else { LeaseState::Waiting })
    }

    fn held(&self) -> Result<bool, KafkaFault> {
        let assigned =
            self.consumer.assignment().map_err(|error| KafkaFault::new("asking for the lease", &error))?;
        Ok(assigned.count() > 0 && !self.consumer.assignment_lost())
    }

    #[must_use]
    pub fn metadata(&self) -> Option<GroupMetadata> {
        self.consumer.group_metadata().map(GroupMetadata)
    }

    /// Leaves the group and joins it again: another member may be elected.
    pub fn rejoin(&self) -> Result<(), KafkaFault> {
        self.consumer.unsubscribe();
        self.subscribe()
    }

    pub fn leave(&self) {
        self.consumer.unsubscribe();
    }

    fn subscribe(&self) -> Result<(), KafkaFault> {
        self.consumer.subscribe(&[&self.topic]).map_err(|error| KafkaFault::new("joining the lease group", &error))
    }
}
