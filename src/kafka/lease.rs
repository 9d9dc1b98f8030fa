//! Who may run the shard. One partition of an empty topic, and a consumer group on it: the member that is assigned the
//! partition holds the lease. Decides nothing else; what holding it means is the pipeline's matter.
//!
//! The classic protocol, because it hands over within the session time-out, with `cooperative-sticky`, because every
//! other assignor takes the lease from a healthy holder when a stand-by joins.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, ConsumerGroupMetadata, Rebalance};
use rdkafka::error::KafkaError;
use tracing::info;

use super::client::create;
use super::context::{forward_error, forward_log};
use super::fault::{Class, KafkaFault, class_of};

/// An owner that has not polled for this long gives the lease up by itself.
const POLL_AT_LEAST_EVERY: Duration = Duration::from_secs(300);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseState {
    Held,
    Waiting,
}

/// The lease's generation, for [`super::TxnProducer::send_offsets`]. Read it again after each change of state.
pub struct GroupMetadata(pub(super) ConsumerGroupMetadata);

/// Membership in the group. Must be polled; dropping it leaves the group.
pub struct Lease {
    consumer: BaseConsumer<LeaseContext>,
    topic: String,
}

struct LeaseContext {
    held: AtomicBool,
}

impl Lease {
    pub(super) fn join(mut config: ClientConfig, topic: &str, timeout: Duration) -> Result<Self, KafkaFault> {
        let session = timeout.as_millis();
        config
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", session.to_string())
            .set("heartbeat.interval.ms", (session / 4).max(1).to_string())
            .set("max.poll.interval.ms", POLL_AT_LEAST_EVERY.max(timeout).as_millis().to_string())
            // The topic is empty for ever: there is nothing to lose by starting at its end.
            .set("auto.offset.reset", "latest");
        let consumer: BaseConsumer<LeaseContext> = create(&config, LeaseContext { held: AtomicBool::new(false) })?;
        consumer.subscribe(&[topic]).map_err(|error| KafkaFault::on_topic("joining the lease", topic, &error))?;
        Ok(Self { consumer, topic: topic.to_owned() })
    }

    /// Serves the group and says where we stand; comes back before `wait` is over when that changed.
    ///
    /// # Errors
    /// The lease topic is missing, or the cluster refuses us. A broker that is away is no error: the session time-out
    /// decides, here as there.
    pub fn poll(&self, wait: Duration) -> Result<LeaseState, KafkaFault> {
        let before = self.state();
        let deadline = Instant::now() + wait;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if let Some(Err(error)) = self.consumer.poll(left) {
                bear(&error, &self.topic)?;
            }
            if self.state() != before || Instant::now() >= deadline {
                return Ok(self.state());
            }
        }
    }

    /// As of the last poll.
    #[must_use]
    pub fn state(&self) -> LeaseState {
        match self.consumer.context().held.load(Ordering::Acquire) && !self.consumer.assignment_lost() {
            true => LeaseState::Held,
            false => LeaseState::Waiting,
        }
    }

    /// The current generation; `None` before the first join.
    #[must_use]
    pub fn metadata(&self) -> Option<GroupMetadata> {
        self.consumer.group_metadata().map(GroupMetadata)
    }

    /// Leaves the group, so that the next holder need not wait for the session to end.
    pub fn leave(&self) {
        self.consumer.unsubscribe();
        self.consumer.context().hold(false);
    }

    /// Leaves and joins again, so that the group may elect another holder.
    ///
    /// # Errors
    /// As for joining.
    pub fn rejoin(&self) -> Result<(), KafkaFault> {
        self.leave();
        let joined = self.consumer.subscribe(&[&self.topic]);
        joined.map_err(|error| KafkaFault::on_topic("joining the lease", &self.topic, &error))
    }
}

fn bear(error: &KafkaError, topic: &str) -> Result<(), KafkaFault> {
    let fault = || Err(KafkaFault::on_topic("holding the lease", topic, error));
    if matches!(error, KafkaError::MessageConsumptionFatal(_)) {
        return fault();
    }
    match error.rdkafka_error_code().map_or(Class::Other, class_of) {
        Class::NoTopic | Class::Denied => fault(),
        Class::Fenced | Class::Record | Class::OffsetRange | Class::TimedOut | Class::Transient | Class::Other => {
            Ok(())
        }
    }
}

impl ClientContext for LeaseContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        forward_log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        forward_error(&error, reason);
    }
}

impl ConsumerContext for LeaseContext {
    /// Given up before the group is told: nobody else may hold it while we still say that we do.
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(_) => {}
            Rebalance::Revoke(partitions) if partitions.count() == 0 => {}
            Rebalance::Revoke(_) | Rebalance::Error(_) => self.hold(false),
        }
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(partitions) if partitions.count() > 0 => self.hold(true),
            Rebalance::Assign(_) | Rebalance::Revoke(_) | Rebalance::Error(_) => {}
        }
    }
}

impl LeaseContext {
    fn hold(&self, held: bool) {
        if self.held.swap(held, Ordering::AcqRel) != held {
            info!(held, "lease changed hands");
        }
    }
}
