//! The topics we own and the settings each must have: one table, made by `topics create`, compared by `topics check`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::{Admin, KafkaFault};
use crate::config::TopicsConfig;

/// What the producer sends at most: above every bound on a dead letter's bytes, with room for its headers.
const DEAD_LETTER_BYTES: &str = "16777216";
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
const FOR_EVER: &str = "-1";
/// How long a broker may take to hear of a topic that the controller made, and how often it is asked.
const HEARD_WITHIN: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(50);

/// A topic as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSpec {
    pub name: String,
    pub partitions: i32,
    /// Whether another number of partitions is a fault, and why; else it is only where we start.
    pub partitions_fixed: Option<&'static str>,
    pub replication: i32,
    pub settings: Vec<Setting>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    pub key: &'static str,
    pub value: String,
    /// What breaks without it.
    pub why: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicReport {
    pub topic: String,
    pub state: TopicState,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopicState {
    Created,
    Right,
    Missing,
    Differs(Vec<Difference>),
    Failed(KafkaFault),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub setting: String,
    pub wanted: String,
    pub found: String,
    pub why: &'static str,
}

/// What each topic is to be, for a cluster of so many brokers.
#[must_use]
pub fn specs(topics: &TopicsConfig, brokers: usize) -> Vec<TopicSpec> {
    let mut all = vec![
        spec(
            &topics.commands,
            1,
            None,
            deleted_after(7 * DAY_MS, "commands must outlive any outage they wait through"),
        ),
        spec(&topics.case_events, 3, None, deleted_after_never("the event log of a case has no end of its own")),
        spec(&topics.cases, 3, None, vec![compact("the last view of a case must stay readable")]),
        spec(&topics.dead_letters, 1, None, dead_letters()),
        spec(&topics.state, 1, Some("partition p is shard p: another number strands state"), changelog()),
        spec(&topics.lease, 1, Some("the one partition is the one lease"), deleted_after(DAY_MS, "stays empty")),
        spec(&topics.audit, 1, None, deleted_after(365 * DAY_MS, "what was lost or moved must be known long after")),
    ];
    for topic in &mut all {
        replicate(topic, brokers);
    }
    all
}

fn spec(name: &str, partitions: i32, partitions_fixed: Option<&'static str>, settings: Vec<Setting>) -> TopicSpec {
    TopicSpec { name: name.to_owned(), partitions, partitions_fixed, replication: 1, settings }
}

/// Three replicas of which two must have a record, where there are brokers enough to survive one.
fn replicate(topic: &mut TopicSpec, brokers: usize) {
    if brokers >= 3 {
        topic.replication = 3;
        topic.settings.push(setting("min.insync.replicas", "2", "an acknowledged batch must survive a lost broker"));
    }
}

fn setting(key: &'static str, value: impl ToString, why: &'static str) -> Setting {
    Setting { key, value: value.to_string(), why }
}

fn compact(why: &'static str) -> Setting {
    setting("cleanup.policy", "compact", why)
}

fn deleted_after(retention_ms: i64, why: &'static str) -> Vec<Setting> {
    vec![setting("cleanup.policy", "delete", why), setting("retention.ms", retention_ms, why)]
}

fn deleted_after_never(why: &'static str) -> Vec<Setting> {
    vec![setting("cleanup.policy", "delete", why), setting("retention.ms", FOR_EVER, why)]
}

fn dead_letters() -> Vec<Setting> {
    let mut settings = deleted_after(30 * DAY_MS, "a profile must be repaired and its letters sent again in this time");
    settings.push(setting("max.message.bytes", DEAD_LETTER_BYTES, "one oversized record must never wedge the shard"));
    settings
}

fn changelog() -> Vec<Setting> {
    let window = "a store is brought up to date from the tail only if no tombstone can be gone from it";
    vec![
        compact("deletion by age would lose state"),
        setting("message.timestamp.type", "LogAppendTime", "the age of the tail is judged by the broker's clock"),
        setting("min.compaction.lag.ms", DAY_MS, window),
        setting("max.compaction.lag.ms", 2 * DAY_MS, "what was deleted must be gone in bounded time"),
        setting("delete.retention.ms", 7 * DAY_MS, window),
        setting("segment.ms", HOUR_MS, "an open segment is never compacted"),
        setting("max.message.bytes", DEAD_LETTER_BYTES, "a part may hold hundreds of long values"),
        setting("segment.bytes", 128 << 20, "an open segment is never compacted"),
    ]
}

/// Makes what is missing and compares the rest; changes nothing that exists.
#[must_use]
pub fn create(admin: &Admin, specs: &[TopicSpec]) -> Vec<TopicReport> {
    specs.iter().map(|spec| report(spec, create_one(admin, spec))).collect()
}

/// # Errors
/// In the reports: each topic has its own.
#[must_use]
pub fn check(admin: &Admin, specs: &[TopicSpec]) -> Vec<TopicReport> {
    specs.iter().map(|spec| report(spec, check_one(admin, spec))).collect()
}

fn report(spec: &TopicSpec, state: Result<TopicState, KafkaFault>) -> TopicReport {
    TopicReport { topic: spec.name.clone(), state: state.unwrap_or_else(TopicState::Failed) }
}

fn create_one(admin: &Admin, spec: &TopicSpec) -> Result<TopicState, KafkaFault> {
    let created = admin.create_topic(spec)?;
    // The controller answers before every broker has heard; whoever comes next, the daemon too, asks a broker.
    let until = Instant::now() + HEARD_WITHIN;
    while admin.partitions(&spec.name)?.is_none() && Instant::now() < until {
        std::thread::sleep(LOOK);
    }
    if created { Ok(TopicState::Created) } else { check_one(admin, spec) }
}

fn check_one(admin: &Admin, spec: &TopicSpec) -> Result<TopicState, KafkaFault> {
    let Some(partitions) = admin.partitions(&spec.name)? else {
        return Ok(TopicState::Missing);
    };
    Ok(compare(spec, partitions, &admin.describe(&spec.name)?))
}

fn compare(spec: &TopicSpec, partitions: i32, found: &BTreeMap<String, String>) -> TopicState {
    let count = spec.partitions_fixed.filter(|_| partitions != spec.partitions).map(|why| Difference {
        setting: "partitions".into(),
        wanted: spec.partitions.to_string(),
        found: partitions.to_string(),
        why,
    });
    let settings = spec.settings.iter().filter_map(|setting| differs(setting, found.get(setting.key)));
    let differences: Vec<_> = count.into_iter().chain(settings).collect();
    match differences.is_empty() {
        true => TopicState::Right,
        false => TopicState::Differs(differences),
    }
}

fn differs(setting: &Setting, found: Option<&String>) -> Option<Difference> {
    let found = found.map_or("(not told)", String::as_str);
    (found != setting.value).then(|| Difference {
        setting: setting.key.to_owned(),
        wanted: setting.value.clone(),
        found: found.to_owned(),
        why: setting.why,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> TopicsConfig {
        TopicsConfig {
            commands: "commands".into(),
            case_events: "events".into(),
            cases: "cases".into(),
            dead_letters: "dead".into(),
            state: "state".into(),
            lease: "lease".into(),
            audit: "audit".into(),
        }
    }

    fn as_wanted(spec: &TopicSpec) -> BTreeMap<String, String> {
        spec.settings.iter().map(|setting| (setting.key.to_owned(), setting.value.clone())).collect()
    }

    #[test]
    fn replicas_follow_the_brokers() {
        assert!(specs(&names(), 1).iter().all(|spec| spec.replication == 1));
        for spec in specs(&names(), 3) {
            assert_eq!((spec.replication, as_wanted(&spec)["min.insync.replicas"].as_str()), (3, "2"));
        }
    }

    #[test]
    fn a_changelog_that_deletes_by_age_is_named_with_the_reason() {
        let state = specs(&names(), 1).into_iter().find(|spec| spec.name == "state").unwrap();
        assert_eq!(compare(&state, 1, &as_wanted(&state)), TopicState::Right);
        let mut found = as_wanted(&state);
        found.insert("cleanup.policy".into(), "compact,delete".into());
        let TopicState::Differs(differences) = compare(&state, 2, &found) else {
            panic!("not seen");
        };
        let seen: Vec<_> = differences.iter().map(|it| (it.setting.as_str(), it.found.as_str())).collect();
        assert_eq!(seen, [("partitions", "2"), ("cleanup.policy", "compact,delete")]);
        assert_eq!(differences[1].why, "deletion by age would lose state");
    }
}
