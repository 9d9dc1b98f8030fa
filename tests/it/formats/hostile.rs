//! Bytes from someone who means harm or whose disk was full: never a panic, always the right reason.

use std::sync::Arc;

use casewright::config::Limits;
use casewright::model::TopicName;
use casewright::wire::{Decoder, Element, Profiles, Record, RejectReason};
use proptest::prelude::*;

use super::{decode, limits, reason, source};

const PROFILES: [&str; 5] = ["auto", "native", "hayabusa", "suricata", "wazuh"];

fn native_with(field: &str) -> String {
    format!(r#"{{"title":"t","event_time":1785585600000,"source":{{"product":"p"}},{field}}}"#)
}

#[test]
fn depth_in_ignored_fields_counts() {
    let bomb = format!("\"ignored\":{}{}", "[".repeat(60_000), "]".repeat(60_000));
    assert_eq!(reason("native", native_with(&bomb)), RejectReason::TooDeep);
    let objects = format!("\"ignored\":{}1{}", "{\"a\":".repeat(30_000), "}".repeat(30_000));
    assert_eq!(reason("native", native_with(&objects)), RejectReason::TooDeep);
}

#[test]
fn a_bomb_among_elements_costs_only_itself() {
    let bomb = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    let elements = decode(
        "native",
        format!("[{},{},{}]", native_with("\"a\":1"), native_with(&format!("\"b\":{bomb}")), native_with("\"c\":1")),
    );
    let reasons: Vec<Option<RejectReason>> = elements
        .iter()
        .map(|element| match element {
            Element::Alert(_) => None,
            Element::Rejected(rejection) => Some(rejection.reason),
        })
        .collect();
    assert_eq!(reasons, [None, Some(RejectReason::TooDeep), None]);
}

#[test]
fn duplicate_keys_are_refused_wherever_they_are() {
    for field in [r#""title":"u""#, r#""\u0074itle":"u""#, r#""x":{"y":[{"k":1,"k":2}]}"#, r#""x":{"k":1,"\u006b":2}"#]
    {
        assert_eq!(reason("native", native_with(field)), RejectReason::DuplicateKey, "{field}");
    }
}

#[test]
fn bad_text_is_refused_even_where_nobody_looks() {
    let mut bytes = native_with("\"ignored\":\"?\"").into_bytes();
    let place = bytes.iter().position(|&byte| byte == b'?').unwrap();
    bytes[place] = 0xC0;
    assert_eq!(reason("native", &bytes), RejectReason::NotUtf8);
    for text in [r"\ud800", r"\udfff", r"\ud800x", r"\u12", r"\q"] {
        assert_eq!(reason("native", native_with(&format!("\"ignored\":\"{text}\""))), RejectReason::NotJson, "{text}");
    }
}

#[test]
fn floods_of_elements_are_refused() {
    let flood = format!("[{}{{}}]", "{\"a\":0},".repeat(1 << 20));
    assert_eq!(reason("auto", &flood), RejectReason::TooLarge);
    let wide = Limits { record_bytes_max: 16 << 20, ..limits() };
    let decoder = Decoder::new(Arc::new(Profiles::embedded()), wide);
    let topic = TopicName::new("alerts");
    let payload = Some(flood.as_bytes());
    let record = Record { topic: &topic, partition: 0, offset: 0, timestamp: None, payload, headers: &[] };
    let elements = decoder.decode(&record, &source("auto"));
    let Element::Rejected(rejection) = &elements[0] else { panic!("{elements:?}") };
    assert_eq!((elements.len(), rejection.reason), (1, RejectReason::TooManyElements));
    assert_eq!(rejection.bytes, 0..flood.len());
}

#[test]
fn numbers_that_fit_no_type_are_errors() {
    assert_eq!(
        reason("suricata", r#"{"timestamp":1e999,"event_type":"alert","src_ip":"1.1.1.1","dest_ip":"2.2.2.2"}"#),
        RejectReason::BadValue
    );
    assert_eq!(reason("native", native_with("\"severity_id\":99999999999999999999")), RejectReason::BadValue);
}

#[test]
fn cut_lines_are_not_json() {
    let whole = native_with("\"observables\":[{\"type\":\"ip\",\"value\":\"10.0.0.1\"}]");
    for cut in 1..whole.len() {
        assert_eq!(reason("native", &whole[..cut]), RejectReason::NotJson, "{}", &whole[..cut]);
    }
}

#[test]
fn scalars_are_no_alerts() {
    for raw in ["null", "7", "\"text\"", "[[]]", "[null]"] {
        assert_eq!(reason("auto", raw), RejectReason::NotAnObject, "{raw}");
    }
}

#[test]
fn a_tombstone_is_empty() {
    let topic = TopicName::new("alerts");
    let record = Record { topic: &topic, partition: 0, offset: 0, timestamp: None, payload: None, headers: &[] };
    let elements = super::decoder().decode(&record, &source("auto"));
    assert!(matches!(&elements[0], Element::Rejected(rejection) if rejection.reason == RejectReason::Empty));
}

/// JSON of any shape under the keys that the profiles look at.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i64>().prop_map(|value| value.to_string()),
        (-1e300..1e300).prop_map(|value: f64| serde_json::to_string(&value).unwrap()),
        ".{0,24}".prop_map(|value| serde_json::to_string(&value).unwrap()),
        "(10\\.0\\.0\\.1|SHA1=[0-9a-f]{40}|CORP\\\\x|2026-08-01T00:00:00Z|alert)"
            .prop_map(|value| serde_json::to_string(&value).unwrap()),
    ];
    const KEYS: [&str; 24] = [
        "title",
        "event_time",
        "source",
        "product",
        "timestamp",
        "event_type",
        "src_ip",
        "dest_ip",
        "alert",
        "signature",
        "rule",
        "agent",
        "name",
        "Timestamp",
        "RuleTitle",
        "Level",
        "Computer",
        "Details",
        "User",
        "Hashes",
        "records",
        "observables",
        "entities",
        "data",
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((prop::sample::select(&KEYS[..]), inner), 0..8).prop_map(|entries| {
                let entries: Vec<String> =
                    entries.into_iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                format!("{{{}}}", entries.join(","))
            }),
        ]
    })
}

fn holds(payload: &[u8]) -> Result<(), TestCaseError> {
    for profile in PROFILES {
        let elements = decode(profile, payload);
        prop_assert!(!elements.is_empty());
        for element in &elements {
            match element {
                Element::Alert(alert) => prop_assert!(!alert.title.is_empty() || profile != "native"),
                Element::Rejected(rejection) => {
                    prop_assert!(rejection.bytes.end <= payload.len());
                    prop_assert!(rejection.detail.len() <= 240 && !rejection.detail.chars().any(char::is_control));
                }
            }
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_json_ends_well(raw in json()) {
        holds(raw.as_bytes())?;
    }

    #[test]
    fn any_bytes_end_well(raw in prop::collection::vec(any::<u8>(), 0..200)) {
        holds(&raw)?;
    }

    #[test]
    fn damaged_alerts_end_well(place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut raw = native_with(r#""observables":[{"type":"ip","value":"10.0.0.1"}],"labels":{"a":"b"}"#).into_bytes();
        let place = place.index(raw.len());
        raw[place] = byte;
        holds(&raw)?;
    }
}
