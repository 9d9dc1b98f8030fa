//! Positions as Kafka keeps them: what a reader is assigned, and what the group has committed, with its metadata.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList, TopicPartitionListElem};
use tracing::warn;

use super::context::LogContext;
use super::fault::KafkaFault;

/// One input partition and the next offset to read from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assigned {
    pub topic: String,
    pub partition: i32,
    pub next_offset: i64,
}

/// A committed position of the group. `metadata` holds at most 4,096 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedOffset {
    pub topic: String,
    pub partition: i32,
    pub next_offset: i64,
    pub metadata: String,
}

/// What the group has committed for `partitions`; those it never committed are absent.
pub(super) fn committed(
    consumer: &BaseConsumer<LogContext>,
    partitions: &[(String, i32)],
    timeout: Duration,
) -> Result<Vec<CommittedOffset>, KafkaFault> {
    let mut list = TopicPartitionList::with_capacity(partitions.len());
    for (topic, partition) in partitions {
        list.add_partition(topic, *partition);
    }
    let doing = "reading committed offsets";
    let list = consumer.committed_offsets(list, timeout).map_err(|error| KafkaFault::new(doing, &error))?;
    let mut found = Vec::with_capacity(partitions.len());
    for element in list.elements() {
        element.error().map_err(|error| KafkaFault::on_topic(doing, element.topic(), &error))?;
        found.extend(committed_element(&element));
    }
    Ok(found)
}

fn committed_element(element: &TopicPartitionListElem<'_>) -> Option<CommittedOffset> {
    let Offset::Offset(next_offset) = element.offset() else {
        return None;
    };
    let (topic, partition) = (element.topic().to_owned(), element.partition());
    Some(CommittedOffset { metadata: metadata_of(element), topic, partition, next_offset })
}

/// Whoever may write to the group may write any bytes here, and the binding panics on bytes that are not UTF-8. They
/// cannot be ours, so they read as empty.
fn metadata_of(element: &TopicPartitionListElem<'_>) -> String {
    catch_unwind(AssertUnwindSafe(|| element.metadata().to_owned())).unwrap_or_else(|_| {
        warn!(topic = element.topic(), partition = element.partition(), "committed metadata is not UTF-8");
        String::new()
    })
}

/// A list for librdkafka; `None` if an offset is one that it cannot express.
pub(super) fn to_list<'a>(
    offsets: impl Iterator<Item = (&'a str, i32, i64, Option<&'a str>)>,
) -> Option<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    for (topic, partition, offset, metadata) in offsets {
        let mut element = list.add_partition(topic, partition);
        element.set_offset(Offset::from_raw(offset)).ok()?;
        if offset < 0 {
            return None;
        }
        // librdkafka takes a null pointer for no metadata; an empty string would make it copy nothing from nowhere.
        if let Some(metadata) = metadata.filter(|text| !text.is_empty()) {
            element.set_metadata(metadata);
        }
    }
    Some(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_negative_offset_is_refused_rather_than_read_as_a_marker() {
        assert!(to_list([("t", 0, -1, None)].into_iter()).is_none());
        assert_eq!(to_list([("t", 0, 7, Some("m"))].into_iter()).unwrap().elements()[0].metadata(), "m");
    }
}
