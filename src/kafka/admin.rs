//! Topics: which there are, how they are set, making them.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tokio::runtime::Runtime;

use super::client::{ASK_MAX, LogContext};
use super::fault::KafkaFault;
use super::topics::TopicSpec;

const ADMIN_MAX: Duration = Duration::from_secs(30);

pub struct Admin {
    client: AdminClient<LogContext>,
    /// Metadata is asked through a consumer, since the mock cluster answers no admin calls.
    consumer: BaseConsumer<LogContext>,
    runtime: Runtime,
}

impl Admin {
    pub(super) fn new(config: &ClientConfig, consumer: BaseConsumer<LogContext>) -> Result<Self, KafkaFault> {
        let client = config
            .create_with_context(LogContext)
            .map_err(|error| KafkaFault::new("making the admin client", &error))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(|error| KafkaFault::text("making the admin client", error.to_string()))?;
        Ok(Self { client, consumer, runtime })
    }

    /// Every topic but Kafka's own, with its number of partitions.
    pub fn topics(&self) -> Result<Vec<(String, i32)>, KafkaFault> {
        let fault = |error: KafkaError| KafkaFault::new("asking for the topics", &error);
        let metadata = self.consumer.fetch_metadata(None, ASK_MAX).map_err(fault)?;
        let own = metadata.topics().iter().filter(|topic| !topic.name().starts_with("__") && topic.error().is_none());
        let count = |partitions: usize| i32::try_from(partitions).unwrap_or(i32::MAX);
        Ok(own.map(|topic| (topic.name().to_owned(), count(topic.partitions().len()))).collect())
    }

    pub fn brokers(&self) -> Result<usize, KafkaFault> {
        let fault = |error: KafkaError| KafkaFault::new("asking for the brokers", &error);
        Ok(self.consumer.fetch_metadata(None, ASK_MAX).map_err(fault)?.brokers().len())
    }

    /// Makes a topic; answers false if there is one of that name.
    pub fn create(&self, spec: &TopicSpec) -> Result<bool, KafkaFault> {
        let replication = TopicReplication::Fixed(spec.replication);
        let mut topic = NewTopic::new(&spec.name, spec.partitions, replication);
        for (key, value) in &spec.settings {
            topic = topic.set(key, value);
        }
        let made = self.runtime.block_on(self.client.create_topics([&topic], &options()));
        match made.map_err(|error| KafkaFault::new("making a topic", &error))?.pop() {
            Some(Ok(_)) => Ok(true),
            Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(false),
            Some(Err((name, code))) => Err(KafkaFault::text("making a topic", format!("{name}: {code}"))),
            None => Err(KafkaFault::text("making a topic", "the broker answered nothing")),
        }
    }

    /// The settings of a topic, by name.
    pub fn settings(&self, topic: &str) -> Result<Vec<(String, String)>, KafkaFault> {
        let asked = [ResourceSpecifier::Topic(topic)];
        let answer = self.runtime.block_on(self.client.describe_configs(&asked, &options()));
        match answer.map_err(|error| KafkaFault::new("asking for a topic's settings", &error))?.pop() {
            Some(Ok(resource)) => {
                let said = resource.entries.into_iter().filter_map(|entry| Some((entry.name, entry.value?)));
                Ok(said.collect())
            }
            Some(Err(code)) => Err(KafkaFault::text("asking for a topic's settings", format!("{topic}: {code}"))),
            None => Err(KafkaFault::text("asking for a topic's settings", "the broker answered nothing")),
        }
    }
}

fn options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(ADMIN_MAX)).request_timeout(Some(ADMIN_MAX))
}
