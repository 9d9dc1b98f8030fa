//! One alert in every wrapping that a pipeline puts around it, and many in one: the same alerts, the same ids, and what
//! is bad among them costs the others nothing.

use casewright::wire::{Element, RejectReason};
use serde_json::{Value, json};

use super::{alert, decode, decode_from, reason, rejection, source};

fn inner() -> Value {
    json!({
        "timestamp": "2026-08-01T11:15:09.120345+0200", "flow_id": 1_122_334_455, "event_type": "alert",
        "src_ip": "10.20.30.40", "dest_ip": "203.0.113.77", "proto": "TCP",
        "alert": {"gid": 1, "signature_id": 9_000_123, "rev": 4, "signature": "EXAMPLE C2 beacon", "severity": 1}
    })
}

fn wrapped() -> Vec<(&'static str, String)> {
    wrapped_of(&inner())
}

fn wrapped_of(inner: &Value) -> Vec<(&'static str, String)> {
    let text = inner.to_string();
    let quoted = json!(text).to_string();
    let encoded = {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(&text)
    };
    vec![
        ("CloudEvents", json!({"specversion": "1.0", "id": "e", "type": "t", "source": "/s", "time": "2026-08-01T10:00:00Z", "data": inner}).to_string()),
        ("CloudEvents, base64", json!({"specversion": "1.0", "id": "e", "type": "t", "source": "/s", "data_base64": encoded}).to_string()),
        ("Filebeat", json!({"@timestamp": "2026-08-01T10:00:00Z", "message": text, "agent": {"type": "filebeat"}, "input": {"type": "log"}}).to_string()),
        ("ECS", json!({"@timestamp": "2026-08-01T10:00:00Z", "event": {"original": text, "module": "x"}, "host": {"name": "shipper"}}).to_string()),
        ("ECS, dotted", json!({"@timestamp": "2026-08-01T10:00:00Z", "event.original": text}).to_string()),
        ("Fluent", json!({"log": text, "stream": "stdout", "time": "2026-08-01T10:00:00Z"}).to_string()),
        ("Splunk HEC", json!({"event": inner, "sourcetype": "suricata", "host": "shipper", "time": 1_785_578_400}).to_string()),
        ("Splunk raw", json!({"_raw": text, "_time": "1785578400", "sourcetype": "suricata"}).to_string()),
        ("Elasticsearch hit", json!({"_index": "i", "_id": "x", "_source": inner}).to_string()),
        ("EventBridge", json!({"version": "0", "detail-type": "d", "source": "s", "detail": inner}).to_string()),
        ("SNS", json!({"Type": "Notification", "MessageId": "m", "Message": text}).to_string()),
        ("kcat", json!({"topic": "a", "partition": 0, "offset": 1, "key": null, "payload": text}).to_string()),
        ("syslog 5424", format!("<134>1 2026-08-01T10:00:00Z shipper suricata 17 - - {text}")),
        ("syslog 3164", format!("<134>Aug  1 10:00:00 shipper suricata[17]: {text}")),
        ("quoted", quoted),
        ("Fluent around syslog", json!({"log": format!("<134>Aug  1 10:00:00 shipper suricata[17]: {text}")}).to_string()),
    ]
}

#[test]
fn the_same_alert_has_one_id_in_every_wrapping() {
    let bare = alert("auto", inner().to_string());
    for (name, record) in wrapped() {
        let got = alert("auto", &record);
        assert_eq!((got.id, &got.title, &*got.profile), (bare.id, &bare.title, "suricata"), "{name}");
        assert_eq!(got.event_time, bare.event_time, "{name}");
        assert_eq!(got.observables, bare.observables, "{name}");
        let named = alert("suricata", &record);
        assert_eq!(named.id, bare.id, "{name}, by the profile's name");
    }
}

/// A product that nobody described.
fn unknown() -> Value {
    json!({"time": "2026-08-01T09:00:00.123Z", "user": "ann", "computer": "web-1", "src_ip": "203.0.113.9",
        "action": "login failed", "severity": "high"})
}

#[test]
fn what_no_profile_knows_has_one_id_in_every_wrapping_too() {
    let plain = unknown();
    let mut named = unknown();
    named["product"] = json!("door");
    let mut numbered = unknown();
    numbered["alert_id"] = json!("4711-a");
    for record in [plain, named, numbered] {
        let bare = alert("auto", record.to_string());
        let lists = ["records", "alerts", "events"].map(|key| ("a list", json!({key: [record]}).to_string()));
        let logstash = json!({"@timestamp": "2026-08-01T10:00:00Z", "@version": "1", "host": "shipper",
            "message": record.to_string()});
        let more = [("Logstash", logstash.to_string()), ("an array", format!("[{record}]"))];
        for (name, wrapped) in wrapped_of(&record).into_iter().chain(lists).chain(more) {
            let got = alert("auto", &wrapped);
            assert_eq!((got.id, got.event_time), (bare.id, bare.event_time), "{name}: {wrapped}\n{got:?}");
        }
    }
}

#[test]
fn who_sent_a_record_is_told_and_no_part_of_its_identity() {
    let line = |relay: &str| format!("<134>1 2026-08-01T10:00:00Z {relay} door 17 - - {}", unknown());
    let (one, two) = (alert("auto", line("relay-1")), alert("auto", line("relay-2")));
    assert_eq!((one.id, &*one.source.product), (two.id, "door"));
    assert!(one.entities.iter().any(|entity| &*entity.id == "relay-1"), "{one:?}");
    let cef = "CEF:0|Acme|Door|1|100|Forced open|8|rt=1785574800123 src=203.0.113.9 duser=ann";
    let (bare, relayed) = (alert("auto", cef), alert("auto", format!("<134>Aug  1 10:00:00 relay-1 {cef}")));
    assert_eq!(bare.id, relayed.id);
    let line = "<134>Aug  1 10:00:00 gate-1 doord[17]: action=deny user=ann src=203.0.113.9 reason=badge";
    let relayed = |relay: &str| alert("auto", format!("<134>Aug  1 10:00:05 {relay} {line}"));
    let (bare, one, two) = (alert("auto", line), relayed("relay-1"), relayed("relay-2"));
    assert_eq!((one.id, two.id), (bare.id, bare.id), "{bare:?}\n{one:?}");
    // Without a time of its own a line is told from another by what brought it.
    let untimed = r#"{"user":"ann","action":"login failed","src_ip":"203.0.113.9"}"#;
    let line = |host: &str| alert("auto", format!("<134>1 2026-08-01T10:00:00Z {host} door 17 - - {untimed}")).id;
    assert_ne!(line("web-1"), line("web-2"));
}

#[test]
fn a_list_gives_each_alert_its_place_and_a_bad_one_its_own_letter() {
    let (mut one, mut three) = (inner(), inner());
    (one["flow_id"], three["flow_id"]) = (json!(1), json!(3));
    let bad = r#"{"event_type":"alert","event_type":"alert","timestamp":"x","flow_id":2}"#;
    for key in ["records", "Records", "value", "alerts", "events", "results", "items", "findings", "detections", "data"]
    {
        let record = format!(r#"{{"other":[1,2],"{key}":[{one},{bad},{three}]}}"#);
        let elements = decode("auto", &record);
        assert_eq!(elements.len(), 3, "{key}");
        let (Element::Alert(first), Element::Rejected(second), Element::Alert(third)) =
            (&elements[0], &elements[1], &elements[2])
        else {
            panic!("{key}: {elements:?}")
        };
        assert_eq!((first.origin.index, second.index, third.origin.index), (0, Some(1), 2), "{key}");
        assert_eq!(&record[second.bytes.clone()], bad, "{key}");
        assert_eq!(second.reason, RejectReason::DuplicateKey, "{key}");
        assert_eq!(alert("auto", one.to_string()).id, first.id, "{key}");
    }
}

/// The title or reason of each element.
fn told(record: &str) -> Vec<String> {
    let elements = decode("auto", record);
    let tell = |element: &Element| match element {
        Element::Alert(alert) => alert.title.to_string(),
        Element::Rejected(rejection) => rejection.reason.label().to_owned(),
    };
    elements.iter().map(tell).collect()
}

#[test]
fn lists_are_opened_where_they_are_an_envelope_s_and_left_where_they_are_an_alert_s() {
    let event = |user: &str| format!(r#"{{"time":"2026-08-01T09:00:00Z","user":"{user}","action":"by {user}"}}"#);
    let (ann, bob) = (event("ann"), event("bob"));
    assert_eq!(told(&format!(r#"{{"data":[{ann}],"events":[{bob}]}}"#)), ["by ann", "by bob"]);
    assert_eq!(told(&format!(r#"{{"records":[],"alerts":[{bob}]}}"#)), ["by bob"]);
    assert_eq!(told(r#"{"records":[]}"#), ["empty"]);
    let own =
        r#"{"time":"2026-08-01T09:00:00Z","user":"ann","title":"Bad thing","severity":"high","alerts":[{"n":1}]}"#;
    assert_eq!(told(own), ["Bad thing"]);
    let empty = r#"{"time":"2026-08-01T09:00:00Z","user":"ann","action":"login failed","items":[]}"#;
    assert_eq!(told(empty), ["login failed"]);
}

#[test]
fn evidence_inside_an_alert_does_not_bury_it() {
    let flow = json!({"timestamp": "2026-08-01T09:00:00Z", "event_type": "flow", "flow_id": 1, "src_ip": "10.0.0.1",
        "dest_ip": "10.0.0.2"})
    .to_string();
    let alert = json!({"title": "Exfiltration", "severity": "critical", "host": "ws-7", "time": "2026-08-01T09:00:00Z",
        "rule": "R1", "message": flow});
    assert_eq!(told(&alert.to_string()), ["Exfiltration"]);
    assert_eq!(told(&json!({"message": flow}).to_string()), ["not_an_alert"]);
}

#[test]
fn the_first_of_a_carrier_s_times_counts_in_any_order() {
    let inner = json!({"user": "ann", "host": "web-1", "action": "x"}).to_string();
    let (a, b) = (r#""time":"2026-08-01T09:00:00Z""#, r#""@timestamp":"2026-08-01T10:00:00Z""#);
    let carried = json!(inner).to_string();
    let at = |record: String| alert("auto", record).event_time.at;
    let first = at(format!(r#"{{{a},{b},"message":{carried}}}"#));
    assert_eq!(first, at(format!(r#"{{{b},"message":{carried},{a}}}"#)));
}

#[test]
fn a_split_record_s_alerts_are_each_read_or_each_refused() {
    let hit = |n: usize| {
        json!({"Computer": format!("h{n}"), "SystemTime": "2026-08-01T09:00:00Z", "EventID": n, "EventRecordID": n,
            "Channel": "Security", "SubjectUserName": format!("u{n}"), "Image": "C:/x.exe"})
    };
    let mut matches: Vec<Value> = (0..300).map(hit).collect();
    matches.push(Value::Null);
    let record = json!({"title": "T", "id": "r", "description": "d", "sigmafile": "f", "sigma": ["s"],
        "rule_level": "high", "tags": [], "count": 301, "matches": matches});
    let elements = decode("auto", record.to_string());
    let mut ids = std::collections::BTreeSet::new();
    for element in &elements {
        match element {
            Element::Alert(alert) => assert!(ids.insert(alert.id), "each has an id of its own"),
            Element::Rejected(rejection) => {
                assert_eq!((rejection.reason, rejection.index), (RejectReason::NotAnObject, Some(300)));
            }
        }
    }
    assert_eq!((elements.len(), ids.len()), (301, 300));
    let mut empty = record;
    empty["matches"] = json!([]);
    assert_eq!(reason("auto", empty.to_string()), RejectReason::Empty);
}

#[test]
fn what_would_be_too_much_is_one_letter_with_all_its_bytes() {
    let nested = format!(r#"{{"records":[{}]}}"#, vec![r#"{"records":[{},{},{},{}]}"#; 900].join(","));
    let many = format!("[{}]", vec!["{}"; 1_000].join(","));
    let padded = json!({"time": "2026-08-01T09:00:00Z", "log": format!("{many}{}", " ".repeat(200_000))}).to_string();
    let lines = "{\"a\":1}\n".repeat(2_000);
    for record in [nested.clone(), json!(nested).to_string(), padded, lines] {
        let elements = decode("auto", &record);
        let [Element::Rejected(rejection)] = elements.as_slice() else { panic!("{} elements", elements.len()) };
        assert_eq!((rejection.reason, rejection.bytes.clone()), (RejectReason::TooManyElements, 0..record.len()));
    }
}

#[test]
fn depth_is_known_before_anything_is_looked_into() {
    let deep = format!("{}{}", "[".repeat(32_000), "]".repeat(32_000));
    let record = format!(r#"{{"id":"1","type":{deep},"attributes":{{}},"detail-type":1}}"#);
    assert_eq!(reason("auto", &record), RejectReason::TooDeep);
    let carried = json!({"specversion": "1.0", "message": record}).to_string();
    assert_eq!(reason("auto", carried), RejectReason::TooDeep);
    let inner = r#"{"timestamp":"2026-08-01T09:00:00Z","user":"bob","user":"eve"}"#;
    assert_eq!(reason("auto", json!({"message": inner}).to_string()), RejectReason::DuplicateKey);
    let flat: Vec<String> = (0..15_000).map(|i| format!(r#""event.{i}":1"#)).collect();
    assert_eq!(reason("auto", format!("{{{}}}", flat.join(","))), RejectReason::UnknownFormat);
}

#[test]
fn json_lines_in_one_record_are_alerts_of_their_own() {
    let (mut one, mut two) = (inner(), inner());
    (one["flow_id"], two["flow_id"]) = (json!(1), json!(2));
    let cut = r#"{"timestamp":"2026-08-01T09:"#;
    let record = format!("{one}\n{two}\r\n\n{cut}\n");
    let elements = decode("auto", &record);
    let [Element::Alert(first), Element::Alert(second), Element::Rejected(third)] = elements.as_slice() else {
        panic!("{elements:?}")
    };
    assert_eq!((first.id, second.id), (alert("auto", one.to_string()).id, alert("auto", two.to_string()).id));
    assert_eq!((third.reason, third.index, &record[third.bytes.clone()]), (RejectReason::NotJson, Some(2), cut));
}

#[test]
fn envelopes_in_envelopes_are_opened_so_far_and_no_further() {
    let wrap = |text: String| json!({"log": text}).to_string();
    let mut record = inner().to_string();
    for _ in 0..4 {
        record = wrap(record);
    }
    assert_eq!(&*alert("auto", &record).profile, "suricata");
    for _ in 0..3 {
        record = wrap(record);
    }
    assert_eq!(reason("auto", &record), RejectReason::UnknownFormat);
}

#[test]
fn bytes_of_what_was_inside_are_the_bytes_it_lay_in() {
    let bad = json!({"timestamp": "2026-08-01T09:00:00Z", "event_type": "stats", "stats": {}});
    let record = json!({"specversion": "1.0", "id": "e", "data": bad}).to_string();
    let refused = rejection("auto", &record);
    assert_eq!(refused.reason, RejectReason::NotAnAlert);
    assert_eq!(&record[refused.bytes], bad.to_string());
    let record = json!({"message": bad.to_string()}).to_string();
    let refused = rejection("auto", &record);
    assert_eq!((refused.reason, refused.bytes), (RejectReason::NotAnAlert, 0..record.len()), "it lies in a string");
}

#[test]
fn what_says_nothing_is_no_alert() {
    for record in [
        "not json",
        "hello",
        "{}",
        r#"{"foo":1}"#,
        r#"{"a":{"b":[true,null]}}"#,
        "17",
        "null",
        r#""just words""#,
        r#"["a","b"]"#,
        "[]",
        "=====",
        "|||||||",
        "<34>",
    ] {
        let elements = decode("auto", record);
        assert!(elements.iter().all(|element| matches!(element, Element::Rejected(_))), "{record}: {elements:?}");
    }
    for cut in [r#"{"timestamp":"2026-08-01T09:00:00Z","src_ip":"10.0.0."#, r#"[{"src_ip":"10.0.0.1"},"#] {
        assert_eq!(reason("auto", cut), RejectReason::NotJson, "{cut}");
    }
}

#[test]
fn a_time_without_a_zone_is_in_the_sources_one() {
    let mut source = source("auto");
    let record = "<134>Aug  1 10:00:00 web-1 sshd[17]: Failed password for ann from 203.0.113.9 port 22 ssh2";
    let at = |source: &_| match &decode_from(source, "alerts", &[], record)[0] {
        Element::Alert(alert) => alert.event_time.at.millis(),
        Element::Rejected(rejection) => panic!("{rejection:?}"),
    };
    let utc = at(&source);
    source.timezone = Some(jiff::tz::TimeZone::get("Europe/Berlin").unwrap());
    assert_eq!(utc - at(&source), 2 * 3_600_000, "summer in Berlin");
}

fn otlp(records: &[Value]) -> Value {
    let attribute = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    json!({"resourceLogs": [
        {"resource": {"attributes": [attribute("host.name", "web-1"), attribute("service.name", "door")]},
            "scopeLogs": [{"scope": {"name": "x"}, "logRecords": records}]},
        {"resource": {}, "scopeLogs": [{"logRecords": []}]},
    ]})
}

#[test]
fn open_telemetry_s_log_records_are_alerts_of_their_own() {
    let time = "1785574800123000000";
    let text = json!({"timeUnixNano": time, "body": {"stringValue": inner().to_string()}});
    let list = json!({"timeUnixNano": time, "body": {"kvlistValue": {"values": [
        {"key": "user", "value": {"stringValue": "ann"}}, {"key": "src_ip", "value": {"stringValue": "203.0.113.9"}},
        {"key": "action", "value": {"stringValue": "login failed"}}]}}});
    let said = json!({"timeUnixNano": time, "severityText": "ERROR", "body": {"stringValue": "the door was forced"},
        "attributes": [{"key": "user.name", "value": {"stringValue": "bob"}}]});
    let elements = decode("auto", otlp(&[text, list, said, json!({})]).to_string());
    let [Element::Alert(text), Element::Alert(list), Element::Alert(said), Element::Alert(nothing)] =
        elements.as_slice()
    else {
        panic!("{elements:?}")
    };
    assert_eq!((text.id, text.origin.index), (alert("auto", inner().to_string()).id, 0));
    let at = |alert: &casewright::model::Alert| alert.event_time.at.millis();
    assert_eq!((&*list.title, at(list)), ("login failed", 1_785_574_800_123));
    assert!(super::entities(list).contains(&"user ann actor".to_owned()), "{list:?}");
    assert_eq!((&*said.title, said.severity.id(), at(said)), ("the door was forced", 4, 1_785_574_800_123));
    let named = super::entities(said);
    assert!(named.iter().any(|line| line.starts_with("user bob")), "{named:?}");
    assert!(named.iter().any(|line| line.starts_with("host web-1")), "{named:?}");
    assert_eq!(nothing.origin.index, 3);
}

#[test]
fn the_nodes_of_a_graphql_answer_are_alerts_of_their_own() {
    let event = |user: &str| json!({"time": "2026-08-01T09:00:00Z", "user": user, "action": format!("by {user}")});
    let nodes = json!({"data": {"auditLog": {"nodes": [event("ann"), event("bob")], "pageInfo": {"next": null}}}});
    assert_eq!(told(&nodes.to_string()), ["by ann", "by bob"]);
    let edges = json!({"data": {"org": {"log": {"edges": [{"node": event("ann"), "cursor": "x"}, {"node": {}}]}}}});
    let elements = decode("auto", edges.to_string());
    let [Element::Alert(one), Element::Rejected(two)] = elements.as_slice() else { panic!("{elements:?}") };
    assert_eq!(one.id, alert("auto", event("ann").to_string()).id);
    assert_eq!((two.index, two.letter(edges.to_string().as_bytes())), (Some(1), &b"{}"[..]));
    assert_eq!(told(&json!({"message": nodes.to_string()}).to_string()), ["by ann", "by bob"]);
    let own = json!({"data": {"issue": {"title": "Bad thing", "user": "eve", "time": "2026-08-01T09:00:00Z",
        "events": {"nodes": [event("ann")]}}}});
    assert_eq!(told(&own.to_string()).len(), 1);
}

#[test]
fn every_way_of_wrapping_counts_towards_how_deep_envelopes_are_opened() {
    let wrap: [fn(String) -> String; 4] = [
        |text| json!({"log": text}).to_string(),
        |text| format!(r#"{{"records":[{text}]}}"#),
        |text| format!("<134>1 2026-08-01T10:00:00Z relay app - - - {text}"),
        |text| format!("{{\"k\":1}}\n{text}"),
    ];
    let read = |text: &str| {
        let suricata = |element: &&Element| matches!(element, Element::Alert(alert) if &*alert.profile == "suricata");
        decode("auto", text).iter().filter(suricata).count()
    };
    for first in 0..wrap.len() {
        for second in 0..2 {
            let order = [second, second, second, first];
            let four = order.iter().fold(inner().to_string(), |text, way| wrap[*way](text));
            assert_eq!(read(&four), 1, "{four}");
            let seven = [second; 3].iter().chain(&order).fold(inner().to_string(), |text, way| wrap[*way](text));
            assert_eq!(read(&seven), 0, "{seven}");
        }
    }
}

#[test]
fn a_day_is_a_time_where_a_date_says_no_more() {
    let read = |fields: &str| {
        let zoned = casewright::config::SourceConfig {
            timezone: Some(jiff::tz::TimeZone::fixed(jiff::tz::offset(2))),
            ..source("auto")
        };
        let record = format!(r#"{{"user":"ann","src_ip":"203.0.113.9","action":"login failed",{fields}}}"#);
        match decode_from(&zoned, "alerts", &[], record).into_iter().next() {
            Some(Element::Alert(alert)) => casewright::wire::times::text(alert.event_time.at),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(read(r#""date":"2026-07-30""#), "2026-07-29T22:00:00.000Z");
    assert_eq!(read(r#""reportDate":"2026-07-30","detection_date":"2026-07-31""#), "2026-07-30T22:00:00.000Z");
    assert_eq!(read(r#""date":"2026-07-30","time":"10:11:12""#), "2026-07-30T08:11:12.000Z");
    assert_eq!(read(r#""date":"2026-07-30","received_at":"2026-07-30T05:00:00Z""#), "2026-07-30T05:00:00.000Z");
    assert_eq!(read(r#""last_update":"2026-07-30","created":"2026-07-30""#), "2026-08-01T12:00:00.000Z");
    for name in ["time", "eventDate", "created_at", "lastSeen", "received"] {
        assert_eq!(read(&format!(r#""{name}":"\/Date(1785574800123+0100)\/""#)), "2026-08-01T09:00:00.123Z", "{name}");
    }
}

#[test]
fn samples_of_profiles_have_one_id_in_every_wrapping() {
    let profiles = casewright::wire::Profiles::embedded();
    let mut wrong = Vec::new();
    for sample in profiles.samples() {
        let Ok(record @ Value::Object(_)) = serde_json::from_str::<Value>(sample) else { continue };
        let ids = |text: &str| -> Vec<_> {
            let id = |element: &Element| match element {
                Element::Alert(alert) if alert.event_time.from == casewright::model::TimeFrom::Field => Some(alert.id),
                Element::Alert(_) | Element::Rejected(_) => None,
            };
            decode("auto", text).iter().map(id).collect()
        };
        let bare = ids(&record.to_string());
        // What has no time of its own is told by what brought it, and Tailscale's stream looks like Splunk's.
        if bare.contains(&None) || sample.contains("eventGroupID") {
            continue;
        }
        for (name, wrapped) in wrapped_of(&record) {
            let got = ids(&wrapped);
            if got != bare {
                wrong.push(format!("{name}: {}", &sample[..sample.floor_char_boundary(150)]));
            }
        }
    }
    assert!(wrong.is_empty(), "{} {:#?}", wrong.len(), wrong);
}
