//! What befell a shard and no case: CloudEvents on the audit topic, in the transaction of the claim that acts on it. An
//! event's id names the batch that carries it, so a transaction that is aborted and done again tells the same thing.

use super::json::{self, object};
use crate::model::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShardEventKind {
    /// Records were deleted before they were read: the offsets from `from` up to `to`.
    InputGap,
    /// An operator moved the position of an input.
    PositionMoved,
}

impl ShardEventKind {
    pub const ALL: [Self; 2] = [Self::InputGap, Self::PositionMoved];

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::InputGap => "input_gap",
            Self::PositionMoved => "position_moved",
        }
    }
}

/// One input partition whose position went somewhere else than over its records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardEvent<'a> {
    pub kind: ShardEventKind,
    pub changelog: &'a str,
    pub batch: u64,
    pub topic: &'a str,
    pub partition: i32,
    /// None where there was no position.
    pub from: Option<i64>,
    pub to: i64,
    /// The process that wrote the claim.
    pub instance: &'a str,
    /// By the clock of the machine: no record brought it about.
    pub time: Timestamp,
}

impl ShardEvent<'_> {
    /// The record's key: what happens to one partition stays in order.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}/{}", self.topic, self.partition)
    }
}

/// Appends the event as canonical JSON. `shard` is the last part of its `source`.
pub fn encode(event: &ShardEvent<'_>, shard: &str, out: &mut Vec<u8>) {
    let ShardEvent { kind, changelog, batch, topic, partition, from, to, instance, time } = event;
    let offset = |offset: i64| u64::try_from(offset).unwrap_or(0);
    object(out, |o| {
        o.object("data", |o| {
            o.uint("batch", *batch);
            o.text("changelog", changelog);
            if let Some(from) = from {
                o.uint("from", offset(*from));
            }
            o.text("instance", instance);
            o.uint("partition", offset(i64::from(*partition)));
            o.uint("to", offset(*to));
            o.text("topic", topic);
        });
        o.text("datacontenttype", "application/json");
        o.text("id", &format!("{}:{changelog}:{batch}:{topic}:{partition}", kind.label()));
        o.text("partitionkey", &event.key());
        json::text(&["/casewright/", shard].concat(), o.key("source"));
        o.text("specversion", "1.0");
        o.text("subject", &event.key());
        o.time("time", *time);
        o.text("type", &format!("casewright.shard.{}.v1", kind.label()));
    });
}
