//! What librdkafka tells us on the side: its log lines and delivery reports. Log lines go to `tracing` and nowhere
//! else; reports are counted, and the first failure of a transaction is kept for its verdict.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::ProducerContext;
use tracing::{debug, error, info, warn};

/// Forwards librdkafka's log to `tracing`.
pub(super) struct LogContext;

/// Also counts delivery reports.
pub(super) struct ReportContext {
    reported: AtomicU64,
    /// The highest acknowledged offset of a record that was sent to a partition by number; below 0 before the first.
    placed: AtomicI64,
    first_failure: Mutex<Option<Undelivered>>,
}

/// The first record of a transaction that could not be delivered.
#[derive(Clone, Debug)]
pub(super) struct Undelivered {
    pub code: RDKafkaErrorCode,
    pub topic: String,
    pub bytes: usize,
}

pub(super) fn forward_log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
            error!(target: "casewright::librdkafka", facility, "{message}");
        }
        // librdkafka calls a refused connection an error; it retries by itself, so for us it is a warning.
        RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning => {
            warn!(target: "casewright::librdkafka", facility, "{message}");
        }
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
            info!(target: "casewright::librdkafka", facility, "{message}");
        }
        RDKafkaLogLevel::Debug => debug!(target: "casewright::librdkafka", facility, "{message}"),
    }
}

// The same condition comes as a log line and again as a fault of the call that met it; once is enough above debug.
pub(super) fn forward_error(error: &KafkaError, reason: &str) {
    debug!(target: "casewright::librdkafka", %error, "{reason}");
}

impl ClientContext for LogContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        forward_log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        forward_error(&error, reason);
    }
}

impl ConsumerContext for LogContext {}

impl Default for ReportContext {
    fn default() -> Self {
        Self { reported: AtomicU64::new(0), placed: AtomicI64::new(-1), first_failure: Mutex::new(None) }
    }
}

impl ReportContext {
    /// Where the last record sent to a partition by number went.
    pub fn placed(&self) -> Option<i64> {
        Some(self.placed.load(Ordering::Acquire)).filter(|offset| *offset >= 0)
    }

    /// Reports seen since the producer was made: tells a drain whether a poll got anywhere.
    pub fn reported(&self) -> u64 {
        self.reported.load(Ordering::Relaxed)
    }

    pub fn first_failure(&self) -> Option<Undelivered> {
        self.failure().clone()
    }

    pub fn forget_failure(&self) {
        *self.failure() = None;
    }

    fn failure(&self) -> std::sync::MutexGuard<'_, Option<Undelivered>> {
        self.first_failure.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl ClientContext for ReportContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        forward_log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        forward_error(&error, reason);
    }
}

impl ProducerContext for ReportContext {
    /// 1 for a record that was sent to a partition by number, else 0.
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, placed: usize) {
        self.reported.fetch_add(1, Ordering::Relaxed);
        match result {
            Ok(message) if placed == 1 => {
                self.placed.fetch_max(message.offset(), Ordering::AcqRel);
            }
            Ok(_) => {}
            Err((error, message)) => {
                let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown);
                let bytes = message.payload().map_or(0, <[u8]>::len);
                self.failure().get_or_insert_with(|| Undelivered { code, topic: message.topic().to_owned(), bytes });
            }
        }
    }
}
