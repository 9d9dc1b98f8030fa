//! The native alert: every field, what is required, what is cut and what is refused; tenants; and that what `normalize`
//! writes reads back.

use casewright::config::{SourceConfig, TenantRule};
use casewright::model::{Activity, Alert, Severity, Tenant};
use casewright::wire::{Element, RejectReason, normalize};

use super::{alert, decode, decode_from, decoder, entities, observables, reason, rejection, source};

const FULL: &str = r#"{"schema_version":"1.2","alert_uid":"edr-77","source":{"vendor":"Example","product":"edr","type":"edr","instance":"eu-1"},
"source_ref":"console/77","dedup_key":"beacon|ws-9","title":"Beacon","description":"line 1\nline 2","severity":"critical","confidence":80,
"risk_score":91.6,"event_time":"2026-08-01T12:00:00.250+02:00","updated_time":1785585600000,"rule":{"uid":"R-1","name":"Beaconing","version":"3"},
"attacks":[{"tactic_uid":"TA0011","technique_uid":"t1071.001"}],"activity":"update",
"observables":[{"type":"ip","value":"203.0.113.9:443","role":"destination","ioc":true,"tags":["c2"]},{"type_id":8,"value":"098F6BCD4621D373CADE4E832627B4F6"},
{"type":"sha256","value":"not a hash"},{"type":"hostname","value":"WS-9.corp.example"},{"type":"domain","value":"-"}],
"entities":[{"kind":"host","id":"WS-9","name":"Reception","domain":"corp.example","site":"berlin","role":"asset","criticality":"high"},
{"kind":"user","id":"bob","domain":"CORP"},{"kind":"process","id":"pid 77"}],
"evidences":[{ "file" : "a b" }],"tlp":"amber","pap":"green","labels":{"team":"red"},"tags":["x"],
"correlation":{"group_key":"op-1","no_merge":true},"links":["https://edr.example/77",{"title":"Runbook","url":"https://wiki.example/r"},"javascript:alert(1)"],
"raw":{"a": [1, 2]},"later_field":"y"}"#;

const LEAST: &str = r#"{"title":"t","event_time":1785585600000,"source":{"product":"p"}}"#;

#[test]
fn every_field_is_read() {
    let alert = alert("native", FULL);
    assert_eq!((alert.alert_uid.as_deref(), alert.source_ref.as_deref()), (Some("edr-77"), Some("console/77")));
    assert_eq!((alert.severity, alert.confidence, alert.risk_score), (Severity::Critical, Some(80), Some(92)));
    assert_eq!((alert.event_time.at.millis(), alert.revision), (1_785_578_400_250, 1_785_585_600_000));
    assert_eq!((&*alert.rule.uid, &*alert.rule.name, alert.rule.version.as_deref()), ("R-1", "Beaconing", Some("3")));
    assert_eq!((alert.activity, alert.dedup_key.as_deref()), (Activity::Update, Some("beacon|ws-9")));
    assert_eq!(alert.attacks[0].technique.as_deref(), Some("T1071.001"));
    assert_eq!((alert.tlp.as_deref(), alert.pap.as_deref()), (Some("amber"), Some("green")));
    assert_eq!((&*alert.labels[0].name, &*alert.labels[0].value, &*alert.tags[0]), ("team", "red", "x"));
    assert_eq!(alert.correlation.group_key.as_deref(), Some("op-1"));
    assert!(alert.correlation.no_merge && !alert.correlation.exclude);
    assert_eq!(&*alert.evidences[0], r#"{"file":"a b"}"#);
    assert_eq!(alert.unmapped.as_deref(), Some(r#"{"raw":{"a":[1,2]},"later_field":"y"}"#));
    assert_eq!(alert.source.instance.as_deref(), Some("eu-1"));
}

#[test]
fn values_are_canonical_and_what_is_not_of_its_kind_links_nothing() {
    let alert = alert("native", FULL);
    assert_eq!(
        observables(&alert),
        ["hash 098f6bcd4621d373cade4e832627b4f6 context", "ip 203.0.113.9 destination", "other not a hash context"]
    );
    assert_eq!(entities(&alert), ["host ws-9 peer", "process pid 77 actor", r"user corp\bob actor"]);
    assert!(alert.observables.iter().find(|o| &*o.value == "not a hash").unwrap().ignore_correlation);
    let ioc = alert.observables.iter().find(|o| &*o.value == "203.0.113.9").unwrap();
    assert!(ioc.ioc && ioc.tags.len() == 1);
}

#[test]
fn only_web_links_are_kept() {
    let alert = alert("native", FULL);
    let urls: Vec<&str> = alert.links.iter().map(|link| &*link.url).collect();
    assert_eq!(urls, ["https://edr.example/77", "https://wiki.example/r"]);
    assert!(alert.marks.cut);
}

#[test]
fn what_normalize_writes_reads_back_as_the_same_alert() {
    for raw in [FULL, LEAST] {
        let first = alert("native", raw);
        let mut again = Alert::clone(&alert("native", normalize::native(&first)));
        again.marks = first.marks; // what was cut is gone, so the second reading cuts nothing
        assert_eq!(again, *first);
    }
}

#[test]
fn normalize_answers_each_line() {
    let line = |raw: &str| -> serde_json::Value {
        serde_json::from_str(&normalize::line(decoder(), &source("auto"), 5, raw.as_bytes(), None)).unwrap()
    };
    let good = line(LEAST);
    assert_eq!((&good["line"], &good["profile"]), (&5.into(), &"native".into()));
    assert_eq!(good["alert"]["event_time"], "2026-08-01T12:00:00.000Z");
    assert_eq!(good["alert"]["time_from"], "field");
    let bad = line("{");
    assert_eq!(bad["rejected"]["reason"], "not_json");
    assert!(bad.get("alert").is_none());
    let two = line(&format!("[{LEAST},7]"));
    assert_eq!(two["alert"]["title"], "t");
    assert_eq!(two["alerts"][1]["rejected"]["reason"], "not_an_object");
}

#[test]
fn required_fields_are_required() {
    for (raw, field) in [
        (r#"{"event_time":1785585600000,"source":{"product":"p"}}"#, "title"),
        (r#"{"title":" ","event_time":1785585600000,"source":{"product":"p"}}"#, "title"),
        (r#"{"title":"t","source":{"product":"p"}}"#, "event_time"),
        (r#"{"title":"t","event_time":null,"source":{"product":"p"}}"#, "event_time"),
        (r#"{"title":"t","event_time":1785585600000}"#, "source.product"),
        (r#"{"title":"t","event_time":1785585600000,"source":{}}"#, "source.product"),
    ] {
        let rejection = rejection("native", raw);
        assert_eq!(rejection.reason, RejectReason::MissingField, "{raw}");
        assert!(rejection.detail.contains(field), "{}", rejection.detail);
    }
}

#[test]
fn wrong_values_are_refused_by_name() {
    let table = [
        (r#""title":7"#, RejectReason::BadValue, "title"),
        (r#""event_time":"2026-08-01T12:00:00""#, RejectReason::BadTime, "event_time"),
        (r#""event_time":99999999999999"#, RejectReason::BadTime, "event_time"),
        (r#""event_time":true"#, RejectReason::BadValue, "event_time"),
        (r#""source":["v","p"]"#, RejectReason::BadValue, "source"),
        (r#""severity_id":7"#, RejectReason::BadValue, "severity_id"),
        (r#""severity":"loud""#, RejectReason::BadValue, "severity"),
        (r#""confidence":101"#, RejectReason::BadValue, "confidence"),
        (r#""risk_score":1e999"#, RejectReason::BadValue, "risk_score"),
        (r#""activity":"sleep""#, RejectReason::BadValue, "activity"),
        (r#""observables":[{"type":"smell","value":"x"}]"#, RejectReason::BadValue, "observables"),
        (r#""observables":[["ip","10.0.0.1"]]"#, RejectReason::BadValue, "observables"),
        (r#""observables":[{"type":"ip"}]"#, RejectReason::MissingField, "observables"),
        (r#""entities":[{"kind":"host"}]"#, RejectReason::MissingField, "entities"),
        (r#""entities":[{"kind":"host","id":"a","criticality":9}]"#, RejectReason::BadValue, "criticality"),
        (r#""attacks":[{"tactic_uid":"mischief"}]"#, RejectReason::BadValue, "tactic_uid"),
        (r#""schema_version":"2.0""#, RejectReason::BadSchemaVersion, "2.0"),
    ];
    for (field, wanted, words) in table {
        let name = field.split(':').next().unwrap();
        let least: Vec<&str> = [r#""title":"t""#, r#""event_time":1785585600000"#, r#""source":{"product":"p"}"#]
            .into_iter()
            .filter(|other| !other.starts_with(name))
            .collect();
        let rejection = rejection("native", format!("{{{},{field}}}", least.join(",")));
        assert_eq!(rejection.reason, wanted, "{field}");
        assert!(rejection.detail.contains(words), "{}", rejection.detail);
    }
}

#[test]
fn what_is_over_a_bound_is_cut_and_marked() {
    let long = format!(r#"{{"title":"{}","event_time":1785585600000,"source":{{"product":"p"}}}}"#, "ä".repeat(5_000));
    let alert_ = alert("native", long);
    assert!(alert_.marks.cut && alert_.title.len() == 8 * 1024);
    let many: Vec<String> = (0..100).map(|i| format!(r#"{{"type":"ip","value":"10.0.0.{i}"}}"#)).collect();
    let raw = LEAST.replace("\"t\"", &format!("\"t\",\"observables\":[{}]", many.join(",")));
    let alert_ = alert("native", raw);
    assert!(alert_.marks.cut && alert_.observables.len() == 64);
    let raw = LEAST.replace("\"t\"", &format!("\"t\",\"extra\":\"{}\"", "x".repeat(9_000)));
    let alert_ = alert("native", raw);
    assert!(alert_.marks.cut && alert_.unmapped.is_none());
}

#[test]
fn controls_never_come_through() {
    let raw = LEAST.replace("\"t\"", r#""a\u001b[31mb\u202ec","x":"\u001b""#);
    let alert = alert("native", raw);
    assert_eq!(&*alert.title, "a\u{FFFD}[31mb\u{FFFD}c");
    let all = format!("{alert:?}");
    assert!(!all.contains('\u{1b}') && !all.contains('\u{202e}'));
    let detail = rejection("native", LEAST.replace("\"t\"", r#""t","activity":"\u001b[2J""#)).detail;
    assert!(!detail.contains('\u{1b}'), "{detail}");
}

#[test]
fn an_alert_without_ids_is_known_by_its_content() {
    let with = |extra: &str| alert("native", LEAST.replace("\"t\"", &format!("\"t\",{extra}"))).id;
    let ab = with(r#""observables":[{"type":"ip","value":"10.0.0.1"},{"type":"ip","value":"10.0.0.2"}]"#);
    let ba = with(r#""observables":[{"type":"ip","value":"010.0.0.2"},{"type":"ip","value":"10.0.0.1"}]"#);
    assert_eq!(ab, ba);
    assert_ne!(ab, with(r#""observables":[{"type":"ip","value":"10.0.0.1"}]"#));
    assert_ne!(with(r#""alert_uid":"1""#), with(r#""source_ref":"1""#));
    assert_eq!(with(r#""alert_uid":"1""#), with(r#""alert_uid":"1","severity":"low""#));
}

#[test]
fn elements_stand_for_themselves() {
    let raw = format!(r#" {{"records":[{LEAST},{{"title":"t","title":"u"}}, "text",{LEAST}]}}"#);
    let elements = decode("native", &raw);
    assert_eq!(elements.len(), 4);
    let Element::Alert(last) = &elements[3] else { panic!("{elements:?}") };
    assert_eq!((last.origin.index, last.origin.partition, last.origin.offset), (3, 3, 7));
    let Element::Rejected(twice) = &elements[1] else { panic!("{elements:?}") };
    assert_eq!((twice.reason, twice.index), (RejectReason::DuplicateKey, Some(1)));
    assert_eq!(&raw[twice.bytes.clone()], r#"{"title":"t","title":"u"}"#);
    let Element::Rejected(text) = &elements[2] else { panic!("{elements:?}") };
    assert_eq!((text.reason, &raw[text.bytes.clone()]), (RejectReason::NotAnObject, "\"text\""));
}

#[test]
fn empty_envelopes_are_refused() {
    for raw in ["", "[]", r#"{"records":[]}"#] {
        assert_eq!(reason("native", raw), RejectReason::Empty, "{raw}");
    }
}

fn tenant_of(
    rules: Vec<TenantRule>,
    topic: &str,
    headers: &[(&str, &[u8])],
    payload: &str,
) -> Result<String, RejectReason> {
    let source = SourceConfig { topic: "alerts.{tenant}.in".to_owned(), tenant: rules, ..source("native") };
    match &decode_from(&source, topic, headers, payload)[0] {
        Element::Alert(alert) => Ok(alert.tenant.to_string()),
        Element::Rejected(rejection) => Err(rejection.reason),
    }
}

#[test]
fn the_first_rule_that_finds_a_tenant_decides() {
    let rules = || {
        let constant = TenantRule::Constant(Tenant::parse("rest").unwrap());
        vec![TenantRule::Header("tenant".to_owned()), TenantRule::Field, TenantRule::Topic, constant]
    };
    let own = LEAST.replace("\"t\"", "\"t\",\"tenant\":\"own\"");
    let header: &[(&str, &[u8])] = &[("tenant", b"head")];
    assert_eq!(tenant_of(rules(), "alerts.top.in", header, &own), Ok("head".to_owned()));
    assert_eq!(tenant_of(rules(), "alerts.top.in", &[], &own), Ok("own".to_owned()));
    assert_eq!(tenant_of(rules(), "alerts.top.in", &[], LEAST), Ok("top".to_owned()));
    assert_eq!(tenant_of(rules(), "other", &[], LEAST), Ok("rest".to_owned()));
    assert_eq!(tenant_of(vec![TenantRule::Field], "other", &[], LEAST), Err(RejectReason::BadTenant));
    // A bad name is no reason to file the alert elsewhere.
    for bad in [&b"a b"[..], b"", b"\xff", b"../x"] {
        let header: &[(&str, &[u8])] = &[("tenant", bad)];
        assert_eq!(tenant_of(rules(), "alerts.top.in", header, &own), Err(RejectReason::BadTenant));
    }
}
