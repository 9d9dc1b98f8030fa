//! What went wrong, sorted by who must act. librdkafka has some three hundred error codes; [`class_of`] is the one
//! table that says what each means here, and every fault is made from its answer.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::types::RDKafkaErrorCode as Code;
use thiserror::Error;

use super::context::Undelivered;

/// A call outside a transaction failed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum KafkaFault {
    /// The broker is away, moving or slow: the same call may work later.
    #[error("{doing}: {detail}")]
    Transient { doing: &'static str, detail: String },
    #[error("{doing}: no answer within the time allowed ({detail})")]
    TimedOut { doing: &'static str, detail: String },
    #[error("topic {topic} does not exist")]
    NoSuchTopic { topic: String },
    #[error("{topic}/{partition} has no offset {offset}")]
    OffsetOutOfRange { topic: String, partition: i32, offset: i64 },
    /// Credentials or ACLs: somebody has to change them.
    #[error("{doing}: the cluster refuses us ({detail})")]
    Denied { doing: &'static str, detail: String },
    #[error("{doing}: {detail}")]
    Fatal { doing: &'static str, detail: String },
}

/// Reading the inputs met something that is not a record.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ReadFault {
    /// The position is below the log's start or past its end.
    #[error("{topic}/{partition} no longer has the offset to read from")]
    OffsetOutOfRange { source_index: usize, topic: String, partition: i32 },
    /// The topic, or this partition of it, was deleted.
    #[error("{topic}/{partition} does not exist any more")]
    Gone { source_index: usize, topic: String, partition: i32 },
    /// librdkafka goes on trying by itself; poll again.
    #[error("{0}")]
    Transient(String),
    #[error("{0}")]
    Fatal(String),
}

/// A transaction, or the producer as a whole, cannot go on.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TxnFault {
    /// A rival has our transactional id, or our own transaction timed out: Kafka does not say which.
    #[error("fenced: another producer took the transactional id, or the transaction timed out")]
    Fenced,
    /// Abort, make a new producer, recover.
    #[error("transaction must be aborted: {0}")]
    Abortable(String),
    /// Nothing is known about the outcome.
    #[error("no answer within the time allowed: {0}")]
    TimedOut(String),
    /// The broker will not take this record, however often it is sent.
    #[error("record of {bytes} bytes for {topic} rejected: {detail}")]
    Rejected { topic: String, bytes: usize, detail: String },
    #[error("{0}")]
    Fatal(String),
}

/// What an error code means, whoever meets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Fenced,
    Record,
    OffsetRange,
    NoTopic,
    Denied,
    TimedOut,
    Transient,
    Other,
}

/// The one table. Only librdkafka's own enum, which is open, gets a catch-all.
pub(super) const fn class_of(code: RDKafkaErrorCode) -> Class {
    match code {
        Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch => Class::Fenced,
        Code::MessageSizeTooLarge | Code::MessageBatchTooLarge | Code::InvalidRecord | Code::InvalidMessageSize => {
            Class::Record
        }
        Code::AutoOffsetReset | Code::OffsetOutOfRange => Class::OffsetRange,
        Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition | Code::UnknownTopicId => {
            Class::NoTopic
        }
        Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed
        | Code::SaslAuthenticationFailed
        | Code::Authentication => Class::Denied,
        Code::OperationTimedOut | Code::RequestTimedOut | Code::MessageTimedOut | Code::TimedOutQueue => {
            Class::TimedOut
        }
        Code::BrokerTransportFailure
        | Code::AllBrokersDown
        | Code::Resolve
        | Code::LeaderNotAvailable
        | Code::NotLeaderForPartition
        | Code::BrokerNotAvailable
        | Code::ReplicaNotAvailable
        | Code::NetworkException
        | Code::CoordinatorLoadInProgress
        | Code::CoordinatorNotAvailable
        | Code::NotCoordinator
        | Code::RebalanceInProgress
        | Code::UnknownMemberId
        | Code::IllegalGeneration
        | Code::NotController
        | Code::KafkaStorageError
        | Code::FencedLeaderEpoch
        | Code::UnknownLeaderEpoch
        | Code::OffsetNotAvailable
        | Code::UnstableOffsetCommit
        | Code::NotEnoughReplicas
        | Code::NotEnoughReplicasAfterAppend
        | Code::WaitingForCoordinator
        | Code::InProgress
        | Code::PreviousInProgress
        | Code::Partial
        | Code::PollExceeded => Class::Transient,
        _ => Class::Other,
    }
}

impl KafkaFault {
    pub(super) fn new(doing: &'static str, error: &KafkaError) -> Self {
        Self::from_code(doing, error.rdkafka_error_code(), error.to_string())
    }

    pub(super) fn on_topic(doing: &'static str, topic: &str, error: &KafkaError) -> Self {
        match error.rdkafka_error_code().map(class_of) {
            Some(Class::NoTopic) => Self::NoSuchTopic { topic: topic.to_owned() },
            Some(_) | None => Self::new(doing, error),
        }
    }

    pub(super) fn from_code(doing: &'static str, code: Option<RDKafkaErrorCode>, detail: String) -> Self {
        match code.map_or(Class::Other, class_of) {
            Class::TimedOut => Self::TimedOut { doing, detail },
            Class::Transient => Self::Transient { doing, detail },
            Class::Denied => Self::Denied { doing, detail },
            Class::Fenced | Class::Record | Class::OffsetRange | Class::NoTopic | Class::Other => {
                Self::Fatal { doing, detail }
            }
        }
    }

    /// Whether waiting and calling again may help.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Transient { .. } | Self::TimedOut { .. } => true,
            Self::NoSuchTopic { .. } | Self::OffsetOutOfRange { .. } | Self::Denied { .. } | Self::Fatal { .. } => {
                false
            }
        }
    }
}

impl ReadFault {
    /// `at` names the partition whose queue the error came from.
    pub(super) fn new(error: &KafkaError, at: Option<(usize, &str, i32)>) -> Self {
        if matches!(error, KafkaError::MessageConsumptionFatal(_)) {
            return Self::Fatal(error.to_string());
        }
        let class = error.rdkafka_error_code().map_or(Class::Other, class_of);
        match (class, at) {
            (Class::OffsetRange, Some((source_index, topic, partition))) => {
                Self::OffsetOutOfRange { source_index, topic: topic.to_owned(), partition }
            }
            (Class::NoTopic, Some((source_index, topic, partition))) => {
                Self::Gone { source_index, topic: topic.to_owned(), partition }
            }
            // Without fatal mark librdkafka goes on by itself after any of these; Denied too, once ACLs are repaired.
            (
                Class::OffsetRange
                | Class::NoTopic
                | Class::TimedOut
                | Class::Transient
                | Class::Denied
                | Class::Fenced
                | Class::Record
                | Class::Other,
                _,
            ) => Self::Transient(error.to_string()),
        }
    }
}

impl TxnFault {
    pub(super) fn new(error: &KafkaError) -> Self {
        let code = error.rdkafka_error_code();
        match (error, code.map_or(Class::Other, class_of)) {
            (_, Class::Fenced) => Self::Fenced,
            (KafkaError::Transaction(inner), _) if inner.txn_requires_abort() => Self::Abortable(error.to_string()),
            (KafkaError::Transaction(inner), _) if inner.is_retriable() => Self::TimedOut(error.to_string()),
            (KafkaError::Flush(_), _) | (_, Class::TimedOut) => Self::TimedOut(error.to_string()),
            (_, _) => Self::Fatal(error.to_string()),
        }
    }

    /// A record that was queued came back undelivered.
    pub(super) fn undelivered(failure: Undelivered) -> Self {
        let Undelivered { code, topic, bytes } = failure;
        match class_of(code) {
            Class::Fenced => Self::Fenced,
            Class::Record => Self::Rejected { topic, bytes, detail: code.to_string() },
            Class::OffsetRange | Class::NoTopic | Class::Denied | Class::TimedOut | Class::Transient | Class::Other => {
                Self::Abortable(format!("{topic}: {code}"))
            }
        }
    }
}

/// Whether a transactional call may simply be made again.
pub(super) fn is_retriable(error: &KafkaError) -> bool {
    match error {
        KafkaError::Transaction(inner) => inner.is_retriable() && !inner.is_fatal() && !inner.txn_requires_abort(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fencing_in_any_spelling_is_fenced() {
        for code in [Code::Fenced, Code::ProducerFenced, Code::InvalidProducerEpoch] {
            assert_eq!(TxnFault::new(&KafkaError::MessageProduction(code)), TxnFault::Fenced);
        }
    }

    #[test]
    fn a_record_the_broker_refuses_names_its_topic() {
        let failure = Undelivered { code: Code::MessageSizeTooLarge, topic: "dead".into(), bytes: 9 };
        let TxnFault::Rejected { topic, bytes: 9, .. } = TxnFault::undelivered(failure) else {
            panic!("not rejected");
        };
        assert_eq!(topic, "dead");
    }

    #[test]
    fn an_offset_out_of_range_needs_to_know_where() {
        let error = KafkaError::MessageConsumption(Code::AutoOffsetReset);
        assert!(matches!(ReadFault::new(&error, None), ReadFault::Transient(_)));
        let expected = ReadFault::OffsetOutOfRange { source_index: 2, topic: "a".into(), partition: 5 };
        assert_eq!(ReadFault::new(&error, Some((2, "a", 5))), expected);
    }

    #[test]
    fn a_broker_that_is_away_is_transient_and_a_missing_acl_is_not() {
        let away = KafkaError::MetadataFetch(Code::BrokerTransportFailure);
        assert!(KafkaFault::new("listing topics", &away).is_transient());
        let denied = KafkaError::MetadataFetch(Code::TopicAuthorizationFailed);
        assert!(!KafkaFault::new("listing topics", &denied).is_transient());
    }
}
