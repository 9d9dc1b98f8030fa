//! What a profile can say, one small file at a time: the parts that the shipped profiles' own samples would not miss.

use std::fs;
use std::sync::Arc;

use casewright::model::TopicName;
use casewright::wire::{Decoder, Element, Profiles, Record, check_samples};

use super::{limits, source};

const HEAD: &str = r#"
name = "mine"
source = { product = "mine" }
match = { keys = [["mine"]] }
time = { paths = ["t", "day + hour"], formats = ["iso"] }
fields = { title = ["mine"], rule_uid = ["rule"], alert_uid = ["id"], updated = ["rev"] }
"#;

/// A profile of this body reads `record` and what comes of it is `expect`, both TOML.
fn check(body: &str, record: &str, expect: &str) {
    let dir = tempfile::tempdir().unwrap();
    let sample = format!("[[sample]]\nrecord = '''{record}'''\nexpect = {expect}\n");
    fs::write(dir.path().join("mine.toml"), format!("{HEAD}{body}\n{sample}")).unwrap();
    let profiles = Profiles::load(Some(dir.path())).unwrap_or_else(|error| panic!("{error}"));
    let report = check_samples(&Arc::new(profiles), &limits());
    let mine: Vec<String> =
        report.faults.iter().filter(|f| f.file.ends_with("mine.toml")).map(|f| f.to_string()).collect();
    assert!(mine.is_empty(), "{mine:#?}");
}

fn refused(body: &str) -> String {
    Profiles::check_file("mine.toml", &format!("{HEAD}{body}")).unwrap_err().to_string()
}

#[test]
fn later_paths_stand_in_where_earlier_ones_gave_nothing() {
    let rule = r#"entity = [{ kind = "user", role = "actor", paths = ["u[].mail", "u[].login"], first = true }]"#;
    let record =
        r#"{"mine":"x","u":[{"mail":"ann@corp.example","login":"a1"},{"mail":"-","login":"bob"},{"login":"eve"}]}"#;
    check(rule, record, r#"{ entities = ['user corp\ann actor', "user bob actor", "user eve actor"] }"#);
    let both = rule.replace(", first = true", "");
    check(
        &both,
        record,
        r#"{ entities = ['user corp\ann actor', "user a1 actor", "user bob actor", "user eve actor"] }"#,
    );
}

#[test]
fn a_part_of_a_value_is_meant() {
    let rule = r#"
entity = [
    { kind = "user", role = "actor", paths = ["arn"], part = { after_last = "/" } },
    { kind = "host", role = "asset", paths = ["agent"], part = { after = ") ", before = "->" } },
]"#;
    let record = r#"{"mine":"x","arn":"arn:aws:sts::1:assumed-role/r/ann","agent":"(7) web-1->/var/log"}"#;
    check(rule, record, r#"{ entities = ["user ann actor", "host web-1 asset"] }"#);
    check(
        rule,
        r#"{"mine":"x","arn":"ann","agent":"web-1"}"#,
        r#"{ entities = ["user ann actor", "host web-1 asset"] }"#,
    );
}

#[test]
fn conditions_ask_for_words_for_others_and_for_nothing() {
    let rule = |when: &str| {
        format!(r#"observable = [{{ kinds = ["ip"], role = "source", paths = ["ip"], when = {{ {when} }} }}]"#)
    };
    let record = r#"{"mine":"x","ip":"192.0.2.7","a":"Alpha","b":["one","two"]}"#;
    for (when, holds) in [
        (r#"path = "a", equals = ["alpha"]"#, true),
        (r#"path = "a", equals = ["beta"]"#, false),
        (r#"paths = ["c", "b"], equals = ["t*"]"#, true),
        (r#"path = "b", not = ["two"]"#, false),
        (r#"path = "b", not = ["three"]"#, true),
        (r#"path = "c", not = ["*"]"#, true),
        (r#"path = "a", not = ["*"]"#, false),
        (r#"path = "b", equals = ["one"], not = ["two"]"#, false),
    ] {
        let expect = if holds { r#"{ observables = ["ip 192.0.2.7 source"] }"# } else { "{ observables = [] }" };
        check(&rule(when), record, expect);
    }
    assert!(refused(&rule(r#"path = "a""#)).contains("words in equals or not"));
    assert!(refused(&rule(r#"equals = ["a"]"#)).contains("needs a path"));
}

#[test]
fn attack_ids_are_found_in_lists_and_among_words() {
    let body = r#"attack = { tactics = ["tactic"], techniques = ["technique"], split = "," }"#;
    let record = r#"{"mine":"x","tactic":"Credential Access, TA0040-Impact","technique":["PowerShell (T1059.001)","T1110 - Brute"]}"#;
    check(body, record, r#"{ attacks = ["T1059.001", "T1110", "TA0006", "TA0040"] }"#);
    let one = r#"{"mine":"x","tactic":"CredentialAccess,TA0006","technique":"T1110"}"#;
    check(body, one, r#"{ attacks = ["TA0006 T1110"] }"#);
}

#[test]
fn a_record_may_write_whole_paths_as_keys() {
    let body = r#"entity = [{ kind = "user", role = "actor", paths = ["who.user.name"], domain = ["who.domain"] }]"#;
    let expect = r#"{ entities = ['user corp\ann actor'] }"#;
    check(body, r#"{"mine":"x","who":{"user":{"name":"ann"},"domain":"corp"}}"#, expect);
    check(body, r#"{"mine":"x","who.user.name":"ann","who.domain":"corp"}"#, expect);
    check(body, r#"{"mine.sub":"x","who.user.name":"ann","who.domain":"corp"}"#, expect);
}

#[test]
fn times_are_joined_of_parts() {
    let record = r#"{"mine":"x","day":"2026-08-01","hour":"09:15:00"}"#;
    check("", record, r#"{ time = "2026-08-01T09:15:00.000Z" }"#);
    check("", r#"{"mine":"x","day":"2026-08-01"}"#, r#"{ time = "record" }"#);
}

#[test]
fn activity_and_version_come_from_the_record() {
    let body = r#"activity = { paths = ["status"], update = ["open*"], close = ["resolved"] }"#;
    for (status, activity) in [("new", "create"), ("opened again", "update"), ("Resolved", "close")] {
        let record = format!(r#"{{"mine":"x","status":"{status}"}}"#);
        check(body, &record, &format!(r#"{{ activity = "{activity}" }}"#));
    }
}

#[test]
fn parts_of_a_reference_that_are_there_and_those_that_are_not_name_different_alerts() {
    let dir = tempfile::tempdir().unwrap();
    let text = r#"
name = "mine"
source = { product = "mine" }
match = { keys = [["mine"]] }
time = { paths = ["t"], formats = ["iso"] }
fields = { title = ["mine"], reference = ["a", "b", "c"] }
"#;
    fs::write(dir.path().join("mine.toml"), text).unwrap();
    let decoder = Decoder::new(Arc::new(Profiles::load(Some(dir.path())).unwrap()), limits());
    let read = |fields: &str| {
        let record = format!(r#"{{"mine":"x","t":"2026-08-01T09:00:00Z"{fields}}}"#);
        let topic = TopicName::new("alerts");
        let payload = Some(record.as_bytes());
        let record = Record { topic: &topic, partition: 0, offset: 0, timestamp: None, payload, headers: &[] };
        match decoder.decode(&record, &source("auto")).into_iter().next() {
            Some(Element::Alert(alert)) => alert,
            other => panic!("{other:?}"),
        }
    };
    let parts = [
        r#","a":"1""#,
        r#","a":"1","b":"""#,
        r#","a":"1","b":"\"""#,
        r#","a":"1","b":"\"\"""#,
        r#","a":"1","c":"""#,
        r#","a":"1","c":" ""#,
        r#","a":"1","b":"","c":"""#,
        r#","a":"1","b":"-""#,
    ];
    let references: std::collections::BTreeSet<_> = parts.iter().map(|fields| read(fields).id).collect();
    // Blanks alone are as good as nothing.
    assert_eq!(references.len(), parts.len() - 1);
    assert_eq!(read(parts[0]).source_ref.as_deref(), Some("1//"));
    for nameless in ["", r#","a":"""#, r#","a":"-","b":"2""#, r#","b":"2","c":"3""#] {
        assert_eq!(read(nameless).source_ref, None, "{nameless}");
    }
}

#[test]
fn a_sample_that_another_profile_refuses_is_a_fault_and_says_whose() {
    let dir = tempfile::tempdir().unwrap();
    let flow = r#"{"timestamp":"2026-08-01T09:00:00Z","event_type":"flow","flow_id":1,"src_ip":"10.0.0.1","dest_ip":"10.0.0.2"}"#;
    let samples = [(flow, "not_an_alert"), (r#"{"mine":"x","mine":"y"}"#, "duplicate_key"), (r#"{"mine":"#, "empty")];
    let samples = samples
        .map(|(record, reason)| format!("[[sample]]\nrecord = '{record}'\nexpect = {{ rejected = \"{reason}\" }}\n"));
    fs::write(dir.path().join("mine.toml"), format!("{HEAD}{}", samples.join(""))).unwrap();
    let report = check_samples(&Arc::new(Profiles::load(Some(dir.path())).unwrap()), &limits());
    let mine: Vec<_> = report.faults.iter().filter(|fault| fault.file.ends_with("mine.toml")).collect();
    let [foreign, reason] = mine.as_slice() else { panic!("{:?}", report.faults) };
    assert!(foreign.message.contains("rejected by profile suricata and not by this one"), "{foreign}");
    assert!(reason.message.contains("rejected before any profile: not_json"), "{reason}");
}

#[test]
fn a_title_is_put_together_of_values_conditions_and_words() {
    let body = |title: &str| {
        format!(
            "name = \"mine\"\nsource = {{ product = \"mine\" }}\nmatch = {{ keys = [[\"mine\"]] }}\ntime = {{ paths = [\"t\"], formats = [\"iso\"] }}\nfields = {{ title = [{title}] }}\n"
        )
    };
    let title = |record: &str| {
        let dir = tempfile::tempdir().unwrap();
        let titles =
            r#""?kind=scan|probe* + =A scan of + dst", "?kind + =Something about + dst", "l[?k=a].v + =is a", "mine""#;
        fs::write(dir.path().join("mine.toml"), body(titles)).unwrap();
        let decoder = Decoder::new(Arc::new(Profiles::load(Some(dir.path())).unwrap()), limits());
        let topic = TopicName::new("alerts");
        let payload = Some(record.as_bytes());
        let record = Record {
            topic: &topic,
            partition: 0,
            offset: 0,
            timestamp: Some(super::RECORDED_AT),
            payload,
            headers: &[],
        };
        match decoder.decode(&record, &source("auto")).into_iter().next() {
            Some(Element::Alert(alert)) => alert.title.to_string(),
            other => panic!("{other:?}"),
        }
    };
    for (record, wanted) in [
        (r#"{"mine":"x","kind":"scan","dst":"d"}"#, "A scan of d"),
        (r#"{"mine":"x","kind":"Probe-7","dst":"d"}"#, "A scan of d"),
        (r#"{"mine":"x","kind":"other","dst":"d"}"#, "Something about d"),
        (r#"{"mine":"x","dst":"d"}"#, "x"),
        (r#"{"mine":"x","l":[{"k":"b","v":1},{"k":"a","v":2}]}"#, "2 is a"),
    ] {
        assert_eq!(title(record), wanted, "{record}");
    }
    let error = Profiles::check_file("mine.toml", &body("\"=only + =words\"")).unwrap_err().to_string();
    assert!(error.contains("has no path"), "{error}");
}
