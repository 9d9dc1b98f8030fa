//! One set of connection settings, and every kind of client made from it.

use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use tracing::{debug, error, info, warn};

use super::admin::Admin;
use super::changelog::ChangelogReader;
use super::fault::KafkaFault;
use super::lease::Lease;
use super::producer::TxnProducer;
use super::reader::InputReader;
use crate::config::KafkaConfig;

/// Longest wait for metadata, watermarks and the like.
pub(super) const ASK_MAX: Duration = Duration::from_secs(10);

/// Settings that carry a guarantee, or that the daemon itself must choose.
const RESERVED: [&str; 14] = [
    "bootstrap.servers",
    "metadata.broker.list",
    "group.id",
    "group.instance.id",
    "transactional.id",
    "enable.idempotence",
    "acks",
    "request.required.acks",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "auto.offset.reset",
    "isolation.level",
    "check.crcs",
    "partition.assignment.strategy",
];

#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("kafka.properties.\"{0}\": the daemon sets this itself, because a guarantee hangs on it")]
    Reserved(String),
}

#[derive(Clone, Debug)]
pub struct Client {
    config: KafkaConfig,
}

impl Client {
    pub fn new(config: &KafkaConfig) -> Result<Self, ClientError> {
        match config.properties.keys().find(|key| RESERVED.contains(&key.as_str())) {
            Some(key) => Err(ClientError::Reserved(key.clone())),
            None => Ok(Self { config: config.clone() }),
        }
    }

    pub fn reader(&self) -> Result<InputReader, KafkaFault> {
        Ok(InputReader::new(self.consumer("read_committed", "error")?))
    }

    pub fn changelog(&self, topic: &str, partition: i32) -> Result<ChangelogReader, KafkaFault> {
        let committed = self.consumer("read_committed", "error")?;
        let uncommitted = self.consumer("read_uncommitted", "error")?;
        Ok(ChangelogReader::new(committed, uncommitted, topic, partition))
    }

    pub fn producer(&self, transactional_id: &str) -> Result<TxnProducer, KafkaFault> {
        TxnProducer::new(&self.base(), transactional_id)
    }

    pub fn lease(&self, topic: &str, timeout: Duration) -> Result<Lease, KafkaFault> {
        let mut config = self.base();
        config
            .set("group.id", &self.config.group)
            // The classic protocol hands a dead owner's lease over in one session timeout; KIP-848 took 47 s.
            .set("group.protocol", "classic")
            // The default assignor takes the lease from a healthy owner when a standby joins.
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", timeout.as_millis().to_string())
            .set("heartbeat.interval.ms", (timeout.as_millis() / 6).max(100).to_string())
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "latest");
        Lease::join(&config, topic)
    }

    pub fn admin(&self) -> Result<Admin, KafkaFault> {
        Admin::new(&self.base(), self.consumer("read_committed", "error")?)
    }

    fn consumer(&self, isolation: &str, reset: &str) -> Result<BaseConsumer<LogContext>, KafkaFault> {
        let mut config = self.base();
        config
            .set("group.id", &self.config.group)
            .set("isolation.level", isolation)
            .set("auto.offset.reset", reset)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("enable.partition.eof", "true")
            .set("check.crcs", "true")
            .set("fetch.wait.max.ms", "50")
            // Fetches are bounded, so that a paused pipeline holds little: per partition and in all.
            .set("queued.max.messages.kbytes", "32768")
            .set("queued.min.messages", "20000");
        config.create_with_context(LogContext).map_err(|error| KafkaFault::new("making a consumer", &error))
    }

    fn base(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.config.brokers)
            .set("client.id", &self.config.app)
            // `send_offsets` is bounded by this, not by its own argument.
            .set("socket.timeout.ms", "10000")
            .set("socket.keepalive.enable", "true")
            .set("reconnect.backoff.max.ms", "1000")
            .set("topic.metadata.refresh.interval.ms", "10000");
        for (key, value) in &self.config.properties {
            config.set(key, value);
        }
        config.set_log_level(RDKafkaLogLevel::Warning);
        config
    }
}

/// Hands librdkafka's own words to the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogContext;

impl ClientContext for LogContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        debug!(%error, reason, "librdkafka error");
    }
}

impl ConsumerContext for LogContext {}

pub(super) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
            error!(facility, "{message}");
        }
        // A broker that is away is an error to librdkafka and everyday life to us.
        RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning => warn!(facility, "{message}"),
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => info!(facility, "{message}"),
        RDKafkaLogLevel::Debug => debug!(facility, "{message}"),
    }
}

/// Log start and end of a partition, as far as the consumer's isolation level shows them.
pub(super) fn low_high(
    consumer: &BaseConsumer<LogContext>,
    topic: &str,
    partition: i32,
) -> Result<(i64, i64), KafkaFault> {
    consumer
        .fetch_watermarks(topic, partition, ASK_MAX)
        .map_err(|error| KafkaFault::new("asking for the ends of a partition", &error))
}
