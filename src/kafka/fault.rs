//! Errors by what can be done about them.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// A call to the brokers failed. All of these are waited out: the caller backs off and tries again from the top.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{action} failed: {detail}")]
pub struct KafkaFault {
    pub action: &'static str,
    pub detail: String,
}

impl KafkaFault {
    pub(super) fn new(action: &'static str, error: &KafkaError) -> Self {
        Self { action, detail: error.to_string() }
    }

    pub(super) fn text(action: &'static str, detail: impl Into<String>) -> Self {
        Self { action, detail: detail.into() }
    }
}

/// Reading the inputs failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReadFault {
    /// Records were deleted, or the topic was made anew, while it was read. The error names no partition; planning the
    /// inputs again finds it.
    #[error("a position is outside its partition's log: {0}")]
    OffsetOutOfRange(String),
    #[error("{0}")]
    Fatal(String),
}

impl From<ReadFault> for KafkaFault {
    fn from(fault: ReadFault) -> Self {
        Self::text("read", fault.to_string())
    }
}

/// A transaction failed. Whatever the case, the producer is dropped afterwards: librdkafka's state after an abort is not
/// to be trusted (OUT_OF_ORDER_SEQUENCE_NUMBER follows).
#[derive(Clone, Debug, thiserror::Error)]
pub enum TxnFault {
    /// A rival initialised the same transactional id, our own transaction timed out (librdkafka reports both alike), or
    /// the group no longer knows us.
    #[error("fenced")]
    Fenced,
    #[error("the transaction must be aborted: {0}")]
    Abortable(String),
    #[error("{0} took too long")]
    TimedOut(String),
    /// The broker would not take a record, whatever we do.
    #[error("the broker refused a record: {detail}")]
    Rejected { detail: String },
    #[error("{0}")]
    Fatal(String),
}

/// What to do about a transaction call's error.
pub(super) enum TxnAnswer {
    Retry,
    Fail(TxnFault),
}

pub(super) fn txn_answer(error: &KafkaError) -> TxnAnswer {
    match error {
        KafkaError::Transaction(inner) if is_fencing(inner.code()) => TxnAnswer::Fail(TxnFault::Fenced),
        KafkaError::Transaction(inner) if inner.is_retriable() => TxnAnswer::Retry,
        KafkaError::Transaction(inner) if inner.txn_requires_abort() => {
            TxnAnswer::Fail(TxnFault::Abortable(inner.string()))
        }
        // Neither retriable nor abortable is fatal.
        KafkaError::Transaction(inner) => TxnAnswer::Fail(TxnFault::Fatal(inner.string())),
        other => TxnAnswer::Fail(TxnFault::Fatal(other.to_string())),
    }
}

/// `_FENCED` and its relatives: somebody else may own the shard now.
pub(super) fn is_fencing(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::Fenced
            | RDKafkaErrorCode::ProducerFenced
            | RDKafkaErrorCode::InvalidProducerEpoch
            | RDKafkaErrorCode::IllegalGeneration
            | RDKafkaErrorCode::UnknownMemberId
            | RDKafkaErrorCode::FencedInstanceId
    )
}

/// What a failed delivery means for the transaction.
pub(super) fn delivery_fault(code: RDKafkaErrorCode) -> TxnFault {
    match code {
        RDKafkaErrorCode::MessageSizeTooLarge | RDKafkaErrorCode::InvalidRecord => {
            TxnFault::Rejected { detail: code.to_string() }
        }
        code if is_fencing(code) => TxnFault::Fenced,
        code => TxnFault::Abortable(code.to_string()),
    }
}
