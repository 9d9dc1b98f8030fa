//! What a dead letter of one element carries: sent again after a repair, it gives that element's alert and no other, the
//! one it would have been in its whole record.

use std::sync::{Arc, LazyLock};

use casewright::model::{Alert, TopicName};
use casewright::wire::{Decoder, Element, Elements, Profiles, Record, RejectReason};
use serde_json::json;

use super::{RECORDED_AT, limits, source};

/// One alert a record, and a list of them with what they share beside it.
const ONE: &str = r#"
name = "acme-one"
source = { product = "acme" }
match = { keys = [["acmeId", "kind"]] }
accept = { path = "kind", equals = [KINDS] }
time = { paths = ["at"], formats = ["iso"] }
fields = { title = ["acmeId"] }
entity = [{ kind = "host", role = "asset", paths = ["host"] }]
"#;
const MANY: &str = r#"
name = "acme-many"
source = { product = "acme" }
alerts = "found.list"
match = { keys = [["acmeScan", "found"]] }
accept = { path = "found.list[].kind", equals = [KINDS] }
time = { paths = ["at", "found.list[].at"], formats = ["iso"] }
fields = { title = ["found.list[].acmeId"], alert_uid = ["found.list[].uid"] }
entity = [{ kind = "host", role = "asset", paths = ["found.list[].host"] }, { kind = "user", role = "actor", paths = ["by"] }]
observable = [{ kinds = ["ip"], role = "source", paths = ["found.list[].n"] }]
"#;

fn decoder(kinds: &str) -> Decoder {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in [("one.toml", ONE), ("many.toml", MANY)] {
        std::fs::write(dir.path().join(name), text.replace("KINDS", kinds)).unwrap();
    }
    Decoder::new(Arc::new(Profiles::load(Some(dir.path())).unwrap()), limits())
}

/// As it was when the record came.
fn broken() -> &'static Decoder {
    static BROKEN: LazyLock<Decoder> = LazyLock::new(|| decoder(r#""good""#));
    &BROKEN
}

fn repaired() -> &'static Decoder {
    static REPAIRED: LazyLock<Decoder> = LazyLock::new(|| decoder(r#""good", "odd""#));
    &REPAIRED
}

fn decode(decoder: &Decoder, payload: &[u8]) -> Elements {
    let topic = TopicName::new("alerts");
    let payload = Some(payload);
    let record = Record { topic: &topic, partition: 3, offset: 7, timestamp: Some(RECORDED_AT), payload, headers: &[] };
    decoder.decode(&record, &source("auto"))
}

fn alerts(elements: &Elements) -> Vec<Arc<Alert>> {
    let alert = |element: &Element| match element {
        Element::Alert(alert) => Some(Arc::clone(alert)),
        Element::Rejected(_) => None,
    };
    elements.iter().filter_map(alert).collect()
}

/// Everything but its place in the record.
fn told(alert: &Alert) -> Alert {
    let mut told = alert.clone();
    told.origin.index = 0;
    told
}

/// Sends every letter of the record again: what was missing comes, once, and nothing else. Answers how many letters.
fn check(name: &str, record: &str) -> usize {
    let first = decode(broken(), record.as_bytes());
    let whole = decode(repaired(), record.as_bytes());
    assert_eq!(first.len(), whole.len(), "{name}");
    let mut letters = 0;
    for (n, (before, after)) in first.iter().zip(&whole).enumerate() {
        let Element::Rejected(rejection) = before else {
            assert_eq!(before, after, "{name}: a neighbour is read alike before and after");
            continue;
        };
        let letter = rejection.letter(record.as_bytes());
        assert!(letter.len() <= record.len(), "{name}: {}", String::from_utf8_lossy(letter));
        assert_eq!(rejection.index, Some(n as u32), "{name}");
        let again = decode(repaired(), letter);
        let Element::Alert(wanted) = after else { panic!("{name}: {after:?}") };
        let found: Vec<Alert> = alerts(&again).iter().map(|alert| told(alert)).collect();
        assert_eq!((again.len(), found), (1, vec![told(wanted)]), "{name}: {}", String::from_utf8_lossy(letter));
        // Until it is repaired it is the same letter again.
        let same = decode(broken(), letter);
        let [Element::Rejected(same)] = same.as_slice() else { panic!("{name}: {same:?}") };
        assert_eq!((same.reason, same.letter(letter)), (rejection.reason, letter), "{name}");
        letters += 1;
    }
    letters
}

fn element(kind: &str, n: u32) -> String {
    format!(r#"{{"acmeId":"a{n} \"é\u0007\"","kind":"{kind}","host":"h{n}"}}"#)
}

fn elements() -> [String; 4] {
    [element("good", 1), element("odd", 2), element("good", 3), element("odd", 4)]
}

fn encoded(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

const AT: &str = "2026-08-01T08:07:06Z";

#[test]
fn elements_in_a_string_are_sent_again_alone() {
    let elements = elements();
    let list = format!("[ {} ]", elements.join(" , "));
    let records = format!(r#"{{"n":4,"records":{list},"more":[1]}}"#);
    let two = format!(r#"{{"data":[{},{}],"events":[{},{}]}}"#, elements[0], elements[1], elements[2], elements[3]);
    let lines = elements.join("\n");
    for (what, text) in [("list", &list), ("records", &records), ("two lists", &two), ("lines", &lines)] {
        let beats = json!({"@timestamp": AT, "message": text, "agent": {"type": "filebeat"}}).to_string();
        for (around, record) in [
            ("message", json!({"message": text}).to_string()),
            ("message with a time", beats.clone()),
            ("quoted", json!(text).to_string()),
            ("an array of messages", format!("[{beats}]")),
            ("base64", json!({"specversion": "1.0", "time": AT, "data_base64": encoded(text)}).to_string()),
            ("a message in a message", json!({"log": beats, "time": "2026-08-01T01:00:00Z"}).to_string()),
            ("syslog", format!("<134>1 {AT} relay acme 17 - - {beats}")),
        ] {
            assert_eq!(check(&format!("{what} in {around}"), &record), 2, "{what} in {around}");
        }
    }
    for record in [format!("<134>1 {AT} relay acme 17 - - {list}"), list, records.clone(), two] {
        assert_eq!(check("bare", &record), 2);
    }
    let bus = format!(r#"{{"specversion":"1.0","time":"{AT}","data":{records}}}"#);
    assert_eq!(check("a bus that says when", &bus), 2);
}

#[test]
fn log_records_and_nodes_are_sent_again_alone() {
    let body = |text: &str| json!({"timeUnixNano": "1785574800123000000", "body": {"stringValue": text}});
    let pair = |(key, value): (&str, String)| json!({"key": key, "value": {"stringValue": value}});
    let listed = |kind: &str, n: u32| {
        let pairs = [("acmeId", format!("a{n}")), ("kind", kind.to_owned()), ("host", format!("h{n}"))].map(pair);
        json!({"timeUnixNano": "1785574800123000000", "body": {"kvlistValue": {"values": pairs}}})
    };
    let [one, two, three, four] = elements();
    let records = [body(&one), body(&two), listed("good", 5), listed("odd", 6), body(&format!("[{three},{four}]"))];
    let resource = json!({"attributes": [pair(("host.name", "web-1".to_owned()))]});
    let logs = json!({"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": records[..2]},
        {"logRecords": records[2..]}]}]});
    assert_eq!(check("bare", &logs.to_string()), 3);
    assert_eq!(check("a message", &json!({"@timestamp": AT, "message": logs.to_string()}).to_string()), 3);
    let nodes = format!(r#"{{"data":{{"x":{{"edges":[{{"node":{one}}},{{"node":{two}}}]}}}}}}"#);
    assert_eq!(check("nodes", &nodes), 1);
    assert_eq!(check("nodes of a bus", &json!({"time": AT, "log": nodes}).to_string()), 1);
}

#[test]
fn without_anything_around_it_an_element_s_letter_is_its_own_bytes() {
    let elements = elements();
    let record = json!({"message": format!("[{}]", elements.join(","))}).to_string();
    let first = decode(broken(), record.as_bytes());
    let Element::Rejected(rejection) = &first[1] else { panic!("{first:?}") };
    assert_eq!(rejection.letter(record.as_bytes()), elements[1].as_bytes());
    assert_eq!((rejection.bytes.clone(), rejection.index), (0..record.len(), Some(1)));
}

fn scan(elements: &[String]) -> String {
    format!(r#"{{"acmeScan":1,"at":"{AT}","found":{{"list":[ {} ],"n":2}},"by":"ann"}}"#, elements.join(" ,\n"))
}

#[test]
fn elements_of_a_profile_s_list_keep_what_lies_beside_it() {
    let record = scan(&elements());
    let whole = decode(repaired(), record.as_bytes());
    assert!(alerts(&whole).iter().all(|alert| alert.entities.len() == 2), "{whole:?}");
    for (around, record) in [
        ("bare", record.clone()),
        ("an array", format!("[{record}]")),
        ("a message", json!({"@timestamp": AT, "message": record}).to_string()),
        ("an array in a message", json!({"message": format!("[{record}]")}).to_string()),
        ("syslog", format!("<134>Aug  1 10:00:00 relay acme[17]: {record}")),
        ("an array of messages", format!("[{}]", json!({"message": record}))),
        (
            "flat",
            record.replacen(r#""found":{"list":["#, r#""found":{},"found.list":["#, 1).replacen("],\"n\":2}", "]", 1),
        ),
    ] {
        assert_eq!(check(around, &record), 2, "{around}");
    }
    let nested = scan(&[element("good", 1), format!("[{}]", element("good", 3))]);
    let refused = decode(broken(), nested.as_bytes());
    let [Element::Alert(_), Element::Rejected(rejection)] = refused.as_slice() else { panic!("{refused:?}") };
    let letter = String::from_utf8_lossy(rejection.letter(nested.as_bytes())).into_owned();
    assert_eq!((rejection.reason, letter), (RejectReason::NotAnObject, scan(&[format!("[{}]", element("good", 3))])));
    let null = scan(&[element("good", 1), "null".to_owned(), "[]".to_owned()]);
    let refused = decode(broken(), null.as_bytes());
    let Element::Rejected(rejection) = &refused[1] else { panic!("{refused:?}") };
    let letter = String::from_utf8_lossy(rejection.letter(null.as_bytes())).into_owned();
    assert_eq!((rejection.reason, letter), (RejectReason::NotAnObject, scan(&["null".to_owned()])));
}

#[test]
fn a_spoilt_element_of_a_profile_s_list_costs_itself_alone() {
    let twice = r#"{"acmeId":"a2","kind":"good","host":"h2","x":{"k":1,"k":2}}"#;
    let number = r#"{"acmeId":"a2","kind":"good","host":"h2","n":1e999}"#;
    let deep = format!(r#"{{"acmeId":"a2","kind":"good","x":{}{}}}"#, "[".repeat(40_000), "]".repeat(40_000));
    for (spoilt, reason) in
        [(twice, RejectReason::DuplicateKey), (number, RejectReason::BadValue), (&deep, RejectReason::TooDeep)]
    {
        let clean = scan(&[element("good", 1), element("good", 3)]);
        let record = scan(&[element("good", 1), spoilt.to_owned(), element("good", 3)]);
        let clean_ids: Vec<_> = alerts(&decode(broken(), clean.as_bytes())).iter().map(|alert| alert.id).collect();
        let bus = format!(r#"{{"specversion":"1.0","time":"{AT}","data":{record}}}"#);
        for record in [record.clone(), format!("[{record}]"), json!({"message": record}).to_string(), bus] {
            let elements = decode(broken(), record.as_bytes());
            let [Element::Alert(one), Element::Rejected(two), Element::Alert(three)] = elements.as_slice() else {
                panic!("{elements:?}")
            };
            assert_eq!((two.reason, two.index, three.origin.index), (reason, Some(1), 2));
            assert_eq!(vec![one.id, three.id], clean_ids);
            let letter = String::from_utf8_lossy(two.letter(record.as_bytes())).into_owned();
            assert!(letter.contains("h2") || reason == RejectReason::TooDeep, "{letter}");
            assert!(!letter.contains("h1") && !letter.contains("h3"), "{letter}");
            let again = decode(broken(), letter.as_bytes());
            assert!(matches!(again.as_slice(), [Element::Rejected(again)] if again.reason == reason), "{again:?}");
        }
    }
    let beside =
        scan(&[element("good", 1), element("good", 3)]).replacen("\"by\"", "\"x\":{\"k\":1,\"k\":2},\"by\"", 1);
    let elements = decode(broken(), beside.as_bytes());
    let [Element::Rejected(whole)] = elements.as_slice() else { panic!("{elements:?}") };
    assert_eq!((whole.reason, whole.letter(beside.as_bytes())), (RejectReason::DuplicateKey, beside.as_bytes()));
}
