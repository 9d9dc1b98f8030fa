//! Topics and sources: which topics are read, how, and whose their alerts are. Two sources can never claim the same
//! topic, and no source can name a topic that the daemon writes, which would feed it its own output.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::error::{ConfigError, Problem};
use super::raw::Section;
use super::{SourceConfig, StartAt, TenantRule, TopicsConfig};
use crate::model::{Tenant, Timestamp};

const CAPTURE: &str = "{tenant}";
const TOPIC_BYTES_MAX: usize = 249;
const PROFILE_BYTES_MAX: usize = 64;
const HEADER_BYTES_MAX: usize = 64;
const DEFAULT_TENANT: &str = "default";

pub fn read_topics(section: &Section<'_>) -> Result<TopicsConfig, ConfigError> {
    let topic = |key: &str, default: &str| {
        let name = section.text(key)?.unwrap_or(default);
        let legal = is_topic(name);
        if legal { Ok(name.to_owned()) } else { Err(section.wrong(key, Problem::Topic(name.to_owned()))) }
    };
    let topics = TopicsConfig {
        commands: topic("commands", "casewright.commands")?,
        case_events: topic("case_events", "casewright.case-events")?,
        cases: topic("cases", "casewright.cases")?,
        dead_letters: topic("dead_letters", "casewright.dead-letters")?,
        state: topic("state", "casewright.state")?,
        lease: topic("lease", "casewright.lease")?,
        audit: topic("audit", "casewright.audit")?,
    };
    let mut seen = Vec::new();
    for (key, name) in named(&topics) {
        refuse_overlap(section, key, name, &seen)?;
        seen.push((section.path_of(key), name.to_owned()));
    }
    Ok(topics)
}

fn named(topics: &TopicsConfig) -> [(&'static str, &str); 7] {
    let TopicsConfig { commands, case_events, cases, dead_letters, state, lease, audit } = topics;
    [
        ("commands", commands),
        ("case_events", case_events),
        ("cases", cases),
        ("dead_letters", dead_letters),
        ("state", state),
        ("lease", lease),
        ("audit", audit),
    ]
}

pub fn read_sources(root: &Section<'_>, topics: &TopicsConfig) -> Result<Vec<SourceConfig>, ConfigError> {
    let seen = named(topics).map(|(key, name)| (format!("topics.{key}"), name.to_owned())).to_vec();
    let seen = std::cell::RefCell::new(seen);
    root.tables("source", |section| {
        let topic = read_topic(section)?;
        refuse_overlap(section, "topic", &topic, &seen.borrow())?;
        seen.borrow_mut().push((section.path_of("topic"), topic.clone()));
        let (profile, tenant) = (read_profile(section)?, read_tenant(section, &topic)?);
        let (timezone, start_at) = (read_timezone(section)?, read_start(section)?);
        Ok(SourceConfig { topic, profile, timezone, tenant, start_at })
    })
}

fn read_topic(section: &Section<'_>) -> Result<String, ConfigError> {
    let Some(topic) = section.text("topic")? else {
        return Err(section.wrong("topic", Problem::Missing("the name of the topic to read")));
    };
    if topic.matches(CAPTURE).count() > 1 {
        return Err(section.wrong("topic", Problem::TenantTwice(topic.to_owned())));
    }
    let legal = is_topic(&topic.replace(CAPTURE, "t"));
    if legal { Ok(topic.to_owned()) } else { Err(section.wrong("topic", Problem::Topic(topic.to_owned()))) }
}

fn is_topic(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    (1..=TOPIC_BYTES_MAX).contains(&name.len()) && name.bytes().all(legal) && name != "." && name != ".."
}

fn refuse_overlap(section: &Section<'_>, key: &str, topic: &str, seen: &[(String, String)]) -> Result<(), ConfigError> {
    match seen.iter().find(|(_, other)| overlap(topic, other)) {
        None => Ok(()),
        Some((at, other)) => {
            let (topic, other, key_there) = (topic.to_owned(), other.clone(), at.clone());
            Err(section.wrong(key, Problem::Overlap { topic, other, key: key_there }))
        }
    }
}

/// Whether some topic can be named by both. A capture matches at least one character.
fn overlap(a: &str, b: &str) -> bool {
    match (a.split_once(CAPTURE), b.split_once(CAPTURE)) {
        (None, None) => a == b,
        (Some(pattern), None) => captures(pattern, b),
        (None, Some(pattern)) => captures(pattern, a),
        (Some((a_head, a_tail)), Some((b_head, b_tail))) => {
            let heads = a_head.starts_with(b_head) || b_head.starts_with(a_head);
            heads && (a_tail.ends_with(b_tail) || b_tail.ends_with(a_tail))
        }
    }
}

fn captures((head, tail): (&str, &str), topic: &str) -> bool {
    topic.len() > head.len() + tail.len() && topic.starts_with(head) && topic.ends_with(tail)
}

fn read_profile(section: &Section<'_>) -> Result<Arc<str>, ConfigError> {
    let profile = section.text("profile")?.unwrap_or("auto");
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    let fits = (1..=PROFILE_BYTES_MAX).contains(&profile.len()) && profile.bytes().all(legal);
    if fits { Ok(profile.into()) } else { Err(section.wrong("profile", Problem::Profile(profile.to_owned()))) }
}

fn read_tenant(section: &Section<'_>, topic: &str) -> Result<Vec<TenantRule>, ConfigError> {
    let default = format!("constant:{DEFAULT_TENANT}");
    let texts = section.texts("tenant")?.unwrap_or_else(|| vec![&default]);
    if texts.is_empty() {
        return Err(section.wrong("tenant", Problem::Empty("at least one rule, such as \"constant:default\"")));
    }
    let mut rules = Vec::with_capacity(texts.len());
    for text in texts {
        let rule = tenant_rule(text, topic).map_err(|problem| section.wrong("tenant", problem))?;
        if rules.iter().any(|before| matches!(before, TenantRule::Constant(_))) {
            return Err(section.wrong("tenant", Problem::Unreachable(text.to_owned())));
        }
        rules.push(rule);
    }
    Ok(rules)
}

fn tenant_rule(text: &str, topic: &str) -> Result<TenantRule, Problem> {
    match text.split_once(':') {
        None if text == "field" => Ok(TenantRule::Field),
        None if text == "topic" && topic.contains(CAPTURE) => Ok(TenantRule::Topic),
        None if text == "topic" => Err(Problem::NothingToCapture),
        Some(("header", name)) if is_header(name) => Ok(TenantRule::Header(name.to_owned())),
        Some(("constant", name)) => {
            Tenant::parse(name).map(TenantRule::Constant).map_err(|_| Problem::Tenant(name.to_owned()))
        }
        None | Some(_) => Err(Problem::TenantRule(text.to_owned())),
    }
}

fn is_header(name: &str) -> bool {
    (1..=HEADER_BYTES_MAX).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
}

fn read_timezone(section: &Section<'_>) -> Result<Option<TimeZone>, ConfigError> {
    let Some(name) = section.text("timezone")? else { return Ok(None) };
    let wrong = |_| section.wrong("timezone", Problem::TimeZone(name.to_owned()));
    TimeZone::get(name).map(Some).map_err(wrong)
}

fn read_start(section: &Section<'_>) -> Result<Option<StartAt>, ConfigError> {
    let Some(text) = section.text("start_at")? else { return Ok(None) };
    match text {
        "earliest" => Ok(Some(StartAt::Earliest)),
        "latest" => Ok(Some(StartAt::Latest)),
        time => match time.parse::<jiff::Timestamp>() {
            Ok(at) => Ok(Some(StartAt::Time(Timestamp::from_millis(at.as_millisecond())))),
            Err(_) => Err(section.wrong("start_at", Problem::StartAt(time.to_owned()))),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_that_can_name_one_topic_overlap() {
        for (a, b, expected) in [
            ("alerts", "alerts", true),
            ("alerts", "alerts2", false),
            ("alerts.{tenant}", "alerts.acme", true),
            ("alerts.{tenant}", "alerts.", false),
            ("{tenant}.alerts", "acme.logs", false),
            ("{tenant}.alerts", "acme.{tenant}", true),
            ("a.{tenant}", "b.{tenant}", false),
            ("{tenant}", "casewright.state", true),
        ] {
            assert_eq!((overlap(a, b), overlap(b, a)), (expected, expected), "{a} and {b}");
        }
    }
}
