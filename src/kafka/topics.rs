//! The daemon's own topics: how each must be set, and why it matters.

use super::admin::Admin;
use super::fault::KafkaFault;
use crate::config::TopicsConfig;

/// Partitions of the topics that others read in parallel.
const OUTPUT_PARTITIONS: i32 = 4;
const REPLICATION_WANTED: usize = 3;
/// Above every input's bound, with room for headers.
const DEAD_LETTER_BYTES: &str = "16777216";
const HOUR_MS: u64 = 3_600_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSpec {
    pub name: String,
    pub partitions: i32,
    pub replication: i32,
    pub settings: Vec<(&'static str, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicReport {
    pub topic: String,
    pub state: TopicState,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopicState {
    Created,
    /// As it should be.
    Good,
    Missing,
    /// What differs, each with what it should be and why.
    Differs(Vec<String>),
}

/// The topics and their settings for a cluster of `brokers`.
#[must_use]
pub fn specs(topics: &TopicsConfig, brokers: usize) -> Vec<TopicSpec> {
    let wide = brokers >= REPLICATION_WANTED;
    let replication = if wide { 3 } else { 1 };
    let insync = if wide { "2" } else { "1" };
    let spec = |name: &str, partitions, mut settings: Vec<(&'static str, String)>| {
        settings.push(("min.insync.replicas", insync.to_owned()));
        TopicSpec { name: name.to_owned(), partitions, replication, settings }
    };
    let policy = |policy: &str| ("cleanup.policy", policy.to_owned());
    let hours = |key: &'static str, hours: u64| (key, (hours * HOUR_MS).to_string());
    vec![
        spec(&topics.commands, 1, vec![policy("delete"), hours("retention.ms", 7 * 24)]),
        spec(&topics.case_events, OUTPUT_PARTITIONS, vec![policy("delete"), hours("retention.ms", 30 * 24)]),
        spec(&topics.cases, OUTPUT_PARTITIONS, vec![policy("compact")]),
        spec(
            &topics.dead_letters,
            1,
            vec![
                policy("delete"),
                hours("retention.ms", 14 * 24),
                ("max.message.bytes", DEAD_LETTER_BYTES.to_owned()),
            ],
        ),
        spec(
            &topics.state,
            1,
            vec![
                policy("compact"),
                ("message.timestamp.type", "LogAppendTime".to_owned()),
                hours("min.compaction.lag.ms", 24),
                hours("max.compaction.lag.ms", 48),
                hours("delete.retention.ms", 7 * 24),
                hours("segment.ms", 1),
                ("segment.bytes", (128 * 1024 * 1024).to_string()),
            ],
        ),
        spec(&topics.lease, 1, vec![policy("delete")]),
    ]
}

pub fn create(admin: &Admin, specs: &[TopicSpec]) -> Result<Vec<TopicReport>, KafkaFault> {
    let each = |spec: &TopicSpec| match admin.create(spec)? {
        true => Ok(TopicReport { topic: spec.name.clone(), state: TopicState::Created }),
        false => compare(admin, spec),
    };
    specs.iter().map(each).collect()
}

pub fn check(admin: &Admin, specs: &[TopicSpec]) -> Result<Vec<TopicReport>, KafkaFault> {
    let there = admin.topics()?;
    let each = |spec: &TopicSpec| match there.iter().any(|(name, _)| *name == spec.name) {
        true => compare(admin, spec),
        false => Ok(TopicReport { topic: spec.name.clone(), state: TopicState::Missing }),
    };
    specs.iter().map(each).collect()
}

fn compare(admin: &Admin, spec: &TopicSpec) -> Result<TopicReport, KafkaFault> {
    let settings = admin.settings(&spec.name)?;
    let said = |key: &str| settings.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
    let mut differs: Vec<String> = spec
        .settings
        .iter()
        .filter(|(key, wanted)| said(key) != Some(wanted))
        .map(|(key, wanted)| {
            let is = said(key).unwrap_or("not told");
            format!("{key} is {is}, wanted {wanted}: {}", why(key))
        })
        .collect();
    let partitions = admin.topics()?.into_iter().find(|(name, _)| *name == spec.name).map_or(0, |(_, count)| count);
    if spec.partitions == 1 && partitions != 1 {
        differs.push(format!("has {partitions} partitions, wanted 1: one shard owns exactly one"));
    }
    let state = if differs.is_empty() { TopicState::Good } else { TopicState::Differs(differs) };
    Ok(TopicReport { topic: spec.name.clone(), state })
}

fn why(key: &str) -> &'static str {
    match key {
        "cleanup.policy" => "a changelog or a view that is deleted by age loses state, an event log that is compacted loses events",
        "message.timestamp.type" => "how old the changelog's tail is can only be told by the broker's own clock",
        "min.compaction.lag.ms" | "delete.retention.ms" => {
            "a store that was away for less than both together must still find every tombstone"
        }
        "max.compaction.lag.ms" | "segment.ms" | "segment.bytes" => "rebuilding reads everything that is not compacted yet",
        "max.message.bytes" => "a dead letter must fit whatever an input let through",
        "min.insync.replicas" => "a commit must survive the loss of one broker",
        _ => "it decides how long records are kept",
    }
}
