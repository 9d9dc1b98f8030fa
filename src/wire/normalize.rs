//! What `casewright normalize` prints: one JSON line for each input line, with the alert in the native shape.

use super::alert_json;
use super::decode::{Decoder, Element, Record};
use super::json;
use crate::config::SourceConfig;
use crate::model::{Alert, TopicName};

/// The output for line `number`, which is not empty.
#[must_use]
pub fn line(decoder: &Decoder, source: &SourceConfig, file: &TopicName, number: u64, bytes: &[u8]) -> Vec<u8> {
    let offset = i64::try_from(number).unwrap_or(i64::MAX);
    let record = Record { topic: file, partition: 0, offset, timestamp: None, payload: Some(bytes), headers: &[] };
    let elements = decoder.decode(&record, source);
    let alerts: Vec<&Alert> = elements
        .iter()
        .filter_map(|element| match element {
            Element::Alert(alert) => Some(&**alert),
            Element::Rejected(_) => None,
        })
        .collect();
    let rejected = elements.iter().find_map(|element| match element {
        Element::Rejected(rejection) => Some(rejection),
        Element::Alert(_) => None,
    });
    let mut out = Vec::new();
    json::object(&mut out, |o| {
        match (alerts.first(), rejected) {
            (Some(first), _) => {
                alert_json::write(first, o.key("alert"));
                if elements.len() > 1 {
                    o.list("alerts", &alerts, |alert, out| alert_json::write(alert, out));
                }
                o.uint("line", number);
                o.text("profile", &first.profile);
            }
            (None, _) => o.uint("line", number),
        }
        if let (None, Some(rejection)) = (alerts.first(), rejected) {
            o.object("rejected", |o| {
                o.text("detail", &super::canonical::text(&rejection.detail));
                o.text("reason", rejection.reason.label());
            });
        }
    });
    out
}
