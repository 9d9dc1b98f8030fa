//! The members of a JSON object that may be a record of their own: what CloudEvents, message buses, shippers and search
//! engines wrap around what they carry. Which of them is one is decided by who asked.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Where carriers keep what they carry, the surest first.
const CARRIERS: [&str; 22] = [
    "_source",        // Elasticsearch, OpenSearch
    "data",           // CloudEvents
    "data_base64",    // CloudEvents
    "detail",         // Amazon EventBridge
    "Message",        // Amazon SNS
    "event.original", // ECS, with its dots kept
    "_raw",           // Splunk, Cribl
    "result",         // Splunk's alert action
    "event",          // Splunk HEC; ECS keeps `original` in it
    "message",        // Beats, Logstash, Fluent
    "MESSAGE",        // syslog-ng, journald
    "log",            // Fluent, Docker
    "msg",
    "raw",
    "rawEvent",
    "payload", // kcat, Kafka Connect
    "record",
    "alert",
    "body", // OpenTelemetry
    "original",
    "hits",  // an Elasticsearch answer
    "reply", // Cortex
];
const TIMES: [&str; 4] = ["time", "@timestamp", "timestamp", "eventTime"];

/// Keys that only carriers have.
const BUSES: [&str; 3] = ["specversion", "detail-type", "_index"];
/// All that a record for Splunk's HTTP event collector has, and one of which shows that it is one.
const COLLECTED: [&str; 7] = ["event", "sourcetype", "index", "source", "host", "time", "fields"];
const COLLECTED_AS: [&str; 2] = ["sourcetype", "index"];

/// Whether something may be carried under this key.
pub(super) fn is_carrier(key: &str) -> bool {
    CARRIERS.contains(&key)
}

/// Something carried.
pub(super) enum Member<'a> {
    Object(&'a str),
    Text {
        text: Cow<'a, str>,
        /// As it is written, with its quotes.
        raw: &'a str,
        /// It was base64.
        encoded: bool,
    },
}

#[derive(Default)]
pub(super) struct Members<'a> {
    /// By their place among the carriers.
    carried: Vec<(usize, &'a RawValue)>,
    /// By its place among the times.
    time: Option<(usize, Cow<'a, str>)>,
    bus: bool,
    /// There is a key that the event collector does not know.
    foreign: bool,
    collected: bool,
    host: Option<Cow<'a, str>>,
}

impl<'a> Members<'a> {
    /// Of an object that `scan` has accepted.
    pub fn of(text: &'a str) -> Self {
        let mut members: Self = serde_json::from_str(text).unwrap_or_default();
        members.carried.sort_by_key(|(place, _)| *place);
        members
    }

    fn offer_time(&mut self, place: usize, raw: &'a RawValue) {
        let better = self.time.as_ref().is_none_or(|(known, _)| place < *known);
        if better && raw.get() != "null" {
            self.time = Some((place, string(raw.get()).unwrap_or(Cow::Borrowed(raw.get()))));
        }
    }

    /// When the carrier says that it was.
    pub fn time(&self) -> Option<&str> {
        self.time.as_ref().map(|(_, time)| &**time)
    }

    /// CloudEvents, EventBridge, a search engine's hit, Splunk's event collector: what these carry is a record.
    pub fn is_of_a_bus(&self) -> bool {
        self.bus || self.is_collected()
    }

    fn is_collected(&self) -> bool {
        self.collected && !self.foreign
    }

    /// Whose event it is, as the event collector is told.
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref().filter(|_| self.is_collected())
    }

    pub fn carried(&self) -> impl Iterator<Item = Member<'a>> {
        self.carried.iter().filter_map(|(place, raw)| {
            let raw = raw.get();
            match raw.as_bytes().first()? {
                b'{' | b'[' => Some(Member::Object(raw)),
                b'"' => {
                    let text = string(raw)?;
                    // Pub/Sub says nowhere that its `data` is base64.
                    let perhaps = || CARRIERS[*place] == "data" && text.starts_with("ey");
                    let encoded = CARRIERS[*place] == "data_base64" || perhaps();
                    let text = if encoded { Cow::Owned(decoded(&text)?) } else { text };
                    Some(Member::Text { text, raw, encoded })
                }
                _ => None,
            }
        })
    }
}

fn string(raw: &str) -> Option<Cow<'_, str>> {
    #[derive(serde::Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    serde_json::from_str(raw).ok().map(|Text(text)| text)
}

fn decoded(text: &str) -> Option<String> {
    use base64::Engine as _;
    String::from_utf8(base64::engine::general_purpose::STANDARD.decode(text).ok()?).ok()
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Members::default();
                while let Some(key) = map.next_key::<Cow<'_, str>>()? {
                    members.foreign |= !COLLECTED.contains(&&*key);
                    members.collected |= COLLECTED_AS.contains(&&*key);
                    if let Some(place) = CARRIERS.iter().position(|carrier| *carrier == key) {
                        members.carried.push((place, map.next_value()?));
                    } else if let Some(place) = TIMES.iter().position(|time| *time == key) {
                        members.offer_time(place, map.next_value()?);
                    } else if key == "host" {
                        members.host = string(map.next_value::<&RawValue>()?.get());
                    } else {
                        members.bus |= BUSES.contains(&&*key);
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(Collect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carriers_come_in_their_order() {
        let members = Members::of(r#"{"message":"a \"b\"","time":17,"data":{"x":1},"other":{},"data_base64":"aGk="}"#);
        assert_eq!(members.time(), Some("17"));
        let carried: Vec<String> = members
            .carried()
            .map(|member| match member {
                Member::Object(text) => text.to_owned(),
                Member::Text { text, .. } => text.into_owned(),
            })
            .collect();
        assert_eq!(carried, [r#"{"x":1}"#, "hi", r#"a "b""#]);
    }
}
