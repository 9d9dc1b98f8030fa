//! Where every consumer, producer and admin client comes from. Decides the librdkafka settings that the guarantees
//! rest on, and refuses a configuration that names one of them; TLS, SCRAM and tuning pass straight through.

use std::time::Duration;

use rdkafka::config::{ClientConfig, FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::consumer::BaseConsumer;
use rdkafka::error::KafkaError;
use thiserror::Error;

use super::context::LogContext;
use super::fault::KafkaFault;
use super::{Admin, ChangelogReader, CommittedOffset, InputReader, Lease, TxnProducer, offsets};
use crate::config::KafkaConfig;

/// `kafka.properties` cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ClientError {
    #[error("kafka.properties: `{key}` is not yours to set: {why}")]
    Reserved { key: String, why: &'static str },
    /// The value stays out of the message: it may be a password.
    #[error("kafka.properties: `{key}`: {detail}")]
    Invalid { key: String, detail: String },
    #[error("kafka.brokers is empty")]
    NoBrokers,
}

/// Makes the clients of one cluster.
#[derive(Clone, Debug)]
pub struct Client {
    base: ClientConfig,
    group: String,
}

/// A property of the file's that would break a promise, and which.
struct Reserved {
    keys: &'static [&'static str],
    why: &'static str,
}

const RESERVED: &[Reserved] = &[
    Reserved { keys: &["bootstrap.servers", "metadata.broker.list"], why: "say `kafka.brokers`" },
    Reserved { keys: &["group.id"], why: "say `kafka.group`" },
    Reserved {
        keys: &["enable.auto.commit", "auto.commit.enable", "auto.commit.interval.ms", "enable.auto.offset.store"],
        why: "positions are committed in the batch's transaction only",
    },
    Reserved { keys: &["isolation.level"], why: "records of aborted transactions must never be read" },
    Reserved { keys: &["auto.offset.reset"], why: "a lost position is reported, never skipped; see `start_at`" },
    Reserved { keys: &["check.crcs"], why: "records are always checked" },
    Reserved { keys: &["enable.partition.eof"], why: "the watermark needs to know when a partition is idle" },
    Reserved {
        keys: &["transactional.id", "transaction.timeout.ms"],
        why: "the transactional id is the shard's fence; see `kafka.app`",
    },
    Reserved {
        keys: &[
            "enable.idempotence",
            "enable.gapless.guarantee",
            "acks",
            "request.required.acks",
            "max.in.flight",
            "max.in.flight.requests.per.connection",
            "retries",
            "message.send.max.retries",
            "message.timeout.ms",
            "delivery.timeout.ms",
            "request.timeout.ms",
        ],
        why: "exactly-once rests on it",
    },
    Reserved { keys: &["partitioner", "partitioner_cb"], why: "a case's events must stay in one partition" },
    Reserved { keys: &["message.max.bytes"], why: "every record read must fit into a dead letter" },
    Reserved {
        keys: &[
            "group.protocol",
            "group.protocol.type",
            "group.instance.id",
            "partition.assignment.strategy",
            "session.timeout.ms",
            "heartbeat.interval.ms",
            "max.poll.interval.ms",
        ],
        why: "the lease rests on it; see `pipeline.lease_timeout`",
    },
    Reserved { keys: &["socket.timeout.ms"], why: "it bounds how long a transaction call blocks" },
    Reserved { keys: &["allow.auto.create.topics"], why: "topics are made by `casewright topics create`" },
    Reserved { keys: &["test.mock.num.brokers"], why: "a pretended cluster holds no promise" },
    Reserved { keys: &["plugin.library.paths"], why: "no foreign code is loaded" },
];

/// A stopped broker holds `send_offsets` this long, whatever timeout the call itself names.
const SOCKET_TIMEOUT_MS: &str = "10000";

/// The group coordinator never sees more than one client name from us.
const CLIENT_ID: &str = "casewright";

impl Client {
    /// # Errors
    /// A property that is reserved, unknown or out of its range.
    pub fn new(config: &KafkaConfig) -> Result<Self, ClientError> {
        if config.brokers.trim().is_empty() {
            return Err(ClientError::NoBrokers);
        }
        let mut base = ClientConfig::new();
        base.set("client.id", CLIENT_ID);
        for (key, value) in &config.properties {
            refuse_reserved(key)?;
            base.set(key, value);
        }
        base.set("bootstrap.servers", &config.brokers).set("socket.timeout.ms", SOCKET_TIMEOUT_MS);
        // librdkafka prints what it thinks worth printing; `tracing` filters.
        base.set_log_level(RDKafkaLogLevel::Info);
        base.create_native_config().map_err(invalid)?;
        Ok(Self { base, group: config.group.clone() })
    }

    /// # Errors
    /// librdkafka cannot start a client (TLS files, for one, are read here).
    pub fn admin(&self) -> Result<Admin, KafkaFault> {
        Admin::new(&self.base)
    }

    /// # Errors
    /// As [`Client::admin`].
    pub fn reader(&self) -> Result<InputReader, KafkaFault> {
        InputReader::new(self.consumer_config())
    }

    /// # Errors
    /// As [`Client::admin`].
    pub fn changelog(&self, topic: &str, partition: i32) -> Result<ChangelogReader, KafkaFault> {
        ChangelogReader::new(&self.consumer_config(), topic, partition)
    }

    /// # Errors
    /// As [`Client::admin`].
    pub fn producer(&self, transactional_id: &str) -> Result<TxnProducer, KafkaFault> {
        TxnProducer::new(&self.base, transactional_id)
    }

    /// Joins the group that holds the lease; `timeout` is how long a dead holder keeps it.
    ///
    /// # Errors
    /// As [`Client::admin`].
    pub fn lease(&self, topic: &str, timeout: Duration) -> Result<Lease, KafkaFault> {
        Lease::join(self.consumer_config(), topic, timeout)
    }

    /// The group's committed offsets. Call it only after [`TxnProducer::init`]: before, it blocks on our own
    /// transaction in doubt.
    ///
    /// # Errors
    /// The coordinator did not answer within `timeout`.
    pub fn committed(
        &self,
        partitions: &[(String, i32)],
        timeout: Duration,
    ) -> Result<Vec<CommittedOffset>, KafkaFault> {
        let consumer: BaseConsumer<LogContext> = create(&self.consumer_config(), LogContext)?;
        offsets::committed(&consumer, partitions, timeout)
    }

    /// What every consumer of ours has in common. A group id even for `assign()`: without one librdkafka refuses it.
    fn consumer_config(&self) -> ClientConfig {
        let mut config = self.base.clone();
        config
            .set("group.id", &self.group)
            .set("group.protocol", "classic")
            .set("isolation.level", "read_committed")
            .set("auto.offset.reset", "error")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("enable.partition.eof", "true")
            .set("check.crcs", "true")
            .set("allow.auto.create.topics", "false");
        config
    }
}

fn refuse_reserved(key: &str) -> Result<(), ClientError> {
    // `topic.` is librdkafka's prefix for the same property set on topics.
    let bare = key.trim().strip_prefix("topic.").unwrap_or(key.trim());
    RESERVED
        .iter()
        .find(|reserved| reserved.keys.contains(&bare))
        .map_or(Ok(()), |reserved| Err(ClientError::Reserved { key: key.to_owned(), why: reserved.why }))
}

fn invalid(error: KafkaError) -> ClientError {
    match error {
        KafkaError::ClientConfig(_, detail, key, value) if !value.is_empty() => {
            ClientError::Invalid { detail: detail.replace(&value, "…"), key }
        }
        KafkaError::ClientConfig(_, detail, key, _) => ClientError::Invalid { key, detail },
        other => ClientError::Invalid { key: String::new(), detail: other.to_string() },
    }
}

/// Starts a librdkafka client.
pub(super) fn create<C, T>(config: &ClientConfig, context: C) -> Result<T, KafkaFault>
where
    C: rdkafka::client::ClientContext,
    T: FromClientConfigAndContext<C>,
{
    config.create_with_context(context).map_err(|error| KafkaFault::new("starting a Kafka client", &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(properties: &[(&str, &str)]) -> KafkaConfig {
        let properties = properties.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        KafkaConfig { brokers: "127.0.0.1:9".into(), group: "g".into(), app: "a".into(), properties }
    }

    #[test]
    fn what_the_guarantees_rest_on_cannot_be_set() {
        for key in RESERVED.iter().flat_map(|reserved| reserved.keys) {
            let error = Client::new(&config(&[(key, "1")])).unwrap_err();
            assert!(matches!(&error, ClientError::Reserved { key: named, .. } if named == key), "{error}");
        }
        let error = Client::new(&config(&[("topic.acks", "0")])).unwrap_err();
        assert!(error.to_string().contains("`topic.acks`"), "{error}");
    }

    #[test]
    fn tls_scram_and_tuning_pass() {
        let properties = [
            ("security.protocol", "sasl_ssl"),
            ("sasl.mechanisms", "SCRAM-SHA-512"),
            ("sasl.username", "casewright"),
            ("sasl.password", "secret"),
            ("linger.ms", "0"),
            ("compression.type", "zstd"),
        ];
        assert!(Client::new(&config(&properties)).is_ok());
    }

    #[test]
    fn an_unknown_property_is_named_and_a_value_never_shown() {
        let error = Client::new(&config(&[("linger.msec", "hunter2")])).unwrap_err().to_string();
        assert!(error.contains("linger.msec") && !error.contains("hunter2"), "{error}");
        let error = Client::new(&config(&[("security.protocol", "hunter2")])).unwrap_err().to_string();
        assert!(error.contains("security.protocol") && !error.contains("hunter2"), "{error}");
    }
}
