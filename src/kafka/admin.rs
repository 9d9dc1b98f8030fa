//! Topics as the cluster knows them: list, make, describe, delete. Decides nothing about what they should be; that is
//! [`super::topics`].

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication, TopicResult};
use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;

use super::client::create;
use super::context::LogContext;
use super::fault::KafkaFault;
use super::topics::TopicSpec;

const ANSWER_WITHIN: Duration = Duration::from_secs(15);

pub struct Admin {
    client: AdminClient<LogContext>,
}

impl Admin {
    pub(super) fn new(base: &ClientConfig) -> Result<Self, KafkaFault> {
        Ok(Self { client: create(base, LogContext)? })
    }

    /// Every topic and how many partitions it has.
    ///
    /// # Errors
    /// No answer.
    pub fn list_topics(&self) -> Result<BTreeMap<String, i32>, KafkaFault> {
        let metadata = self.metadata()?;
        let listed = metadata.topics().iter().filter(|topic| topic.error().is_none());
        Ok(listed.map(|topic| (topic.name().to_owned(), topic.partitions().len() as i32)).collect())
    }

    /// # Errors
    /// No answer.
    pub fn partitions(&self, topic: &str) -> Result<Option<i32>, KafkaFault> {
        // By listing them all: asking for one that is missing may create it, where the cluster allows that.
        Ok(self.list_topics()?.get(topic).copied())
    }

    /// # Errors
    /// No answer.
    pub fn brokers(&self) -> Result<usize, KafkaFault> {
        Ok(self.metadata()?.brokers().len())
    }

    /// The cluster's own name, the same for as long as it lives.
    #[must_use]
    pub fn cluster_id(&self) -> Option<String> {
        self.client.inner().fetch_cluster_id(ANSWER_WITHIN)
    }

    fn metadata(&self) -> Result<Metadata, KafkaFault> {
        let answer = self.client.inner().fetch_metadata(None, ANSWER_WITHIN);
        answer.map_err(|error| KafkaFault::new("listing topics", &error))
    }

    /// False if it exists already, whatever it looks like.
    ///
    /// # Errors
    /// The cluster refuses it, or no answer.
    pub fn create_topic(&self, spec: &TopicSpec) -> Result<bool, KafkaFault> {
        let mut topic = NewTopic::new(&spec.name, spec.partitions, TopicReplication::Fixed(spec.replication));
        for setting in &spec.settings {
            topic = topic.set(setting.key, &setting.value);
        }
        let answer = wait(self.client.create_topics([&topic], &options()));
        match outcome("creating a topic", answer)? {
            Ok(()) => Ok(true),
            Err(RDKafkaErrorCode::TopicAlreadyExists) => Ok(false),
            Err(code) => Err(KafkaFault::from_code("creating a topic", Some(code), format!("{}: {code}", spec.name))),
        }
    }

    /// # Errors
    /// No such topic, refused, or no answer.
    pub fn delete_topic(&self, topic: &str) -> Result<(), KafkaFault> {
        let answer = wait(self.client.delete_topics(&[topic], &options()));
        match outcome("deleting a topic", answer)? {
            Ok(()) => Ok(()),
            Err(code) => Err(KafkaFault::on_topic("deleting a topic", topic, &KafkaError::Global(code))),
        }
    }

    /// All settings of a topic, defaults included.
    ///
    /// # Errors
    /// No such topic, refused, or no answer.
    pub fn describe(&self, topic: &str) -> Result<BTreeMap<String, String>, KafkaFault> {
        let doing = "describing a topic";
        let answer = wait(self.client.describe_configs([&ResourceSpecifier::Topic(topic)], &options()));
        let resources = answer.map_err(|error| KafkaFault::on_topic(doing, topic, &error_of(error)))?;
        let mut found = BTreeMap::new();
        for resource in resources {
            let resource = resource.map_err(|code| KafkaFault::on_topic(doing, topic, &KafkaError::Global(code)))?;
            found.extend(resource.entries.into_iter().filter_map(|entry| Some((entry.name, entry.value?))));
        }
        match found.is_empty() {
            true => Err(self.undescribed(doing, topic)?),
            false => Ok(found),
        }
    }

    /// The binding drops the reason why a topic could not be described; it can only be worked out.
    fn undescribed(&self, doing: &'static str, topic: &str) -> Result<KafkaFault, KafkaFault> {
        Ok(match self.partitions(topic)? {
            None => KafkaFault::NoSuchTopic { topic: topic.to_owned() },
            Some(_) => KafkaFault::Denied { doing, detail: format!("{topic}: DescribeConfigs is not allowed") },
        })
    }
}

fn options() -> AdminOptions {
    // Operation time-out: the broker answers only when the whole cluster knows.
    AdminOptions::new().request_timeout(Some(ANSWER_WITHIN)).operation_timeout(Some(ANSWER_WITHIN / 2))
}

/// The binding wraps admin errors in a variant whose code its own accessor does not give.
fn error_of(error: KafkaError) -> KafkaError {
    match error {
        KafkaError::AdminOp(code) => KafkaError::Global(code),
        other => other,
    }
}

fn outcome(
    doing: &'static str,
    answer: Result<Vec<TopicResult>, KafkaError>,
) -> Result<Result<(), RDKafkaErrorCode>, KafkaFault> {
    let results = answer.map_err(|error| KafkaFault::new(doing, &error_of(error)))?;
    Ok(results.into_iter().try_for_each(|result| result.map(drop).map_err(|(_, code)| code)))
}

/// Waits for one of the binding's futures. They are completed by its own thread and need no runtime; one of ours may
/// be running around this call, and must not be entered twice.
fn wait<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
