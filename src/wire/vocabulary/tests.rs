//! The table of what fields mean, what no field may mean, and that the vocabulary has no entry that nothing reaches.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::side::{self, KINDS};
use super::table::{self, Given, Sort, letters};
use super::*;
use crate::model::Severity;

fn label(meaning: Meaning) -> String {
    match meaning {
        Meaning::Observable(kind, role) => format!("{} {}", kind.label(), role.label()),
        Meaning::Entity(kind, role) => format!("{} {}", kind.label(), role.label()),
        Meaning::Endpoint(role) => format!("endpoint {}", role.label()),
        Meaning::Domain(role) => format!("domain {}", role.label()),
        about => table::ABOUT.iter().find(|(_, known)| *known == about).map_or("?", |(label, _)| label).to_owned(),
    }
}

fn guessed(path: &str, value: &str) -> String {
    guess(path, value).map_or_else(|| "-".to_owned(), |guess| label(guess.meaning))
}

#[test]
fn fields_mean_what_people_say_they_mean() {
    let rows = include_str!("tests/expected.tsv").lines().filter(|line| !line.starts_with('#'));
    let mut wrong = Vec::new();
    for row in rows {
        let columns: Vec<&str> = row.split('\t').collect();
        let [path, value, wanted] = columns[..] else { panic!("three columns: {row:?}") };
        let got = guessed(path, value);
        if got != wanted {
            wrong.push(format!("{path} = {value}: {got}, not {wanted}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn confidence_is_for_names_that_were_published_with_a_value_that_fits() {
    let sure = |path, value| guess(path, value).map_or(0, |guess| guess.confidence);
    for (path, value) in [
        ("src_ip", "10.1.2.3"),
        ("SrcIpAddr", "10.1.2.3"),
        ("user.name", "alice"),
        ("@timestamp", "2026-01-31T08:00:00Z"),
    ] {
        assert!(sure(path, value) >= 90, "{path}");
    }
    for (path, value) in [("detection.asset.addr", "10.1.2.3"), ("peerip", "10.1.2.3")] {
        assert!((50..=89).contains(&sure(path, value)), "{path}");
    }
    for (path, value) in [("host", "alpha"), ("source", "10.1.2.3"), ("ip", "10.1.2.3"), ("email", "a@corp.example")] {
        assert!((50..70).contains(&sure(path, value)), "{path}");
    }
    assert_eq!(sure("custom.xyz", "10.1.2.3"), 40);
    assert!(sure("user.created_at", "2026-01-31") < sure("created_at", "2026-01-31T08:00:00Z"));
}

/// A value that fits, whatever the name.
fn sample(sort: Sort) -> &'static str {
    match sort {
        Sort::About(Meaning::Time | Meaning::EndTime | Meaning::IngestTime | Meaning::UpdatedTime) => {
            "2026-01-31T08:00:00Z"
        }
        Sort::About(Meaning::Severity | Meaning::RiskScore | Meaning::Confidence) => "7",
        Sort::About(Meaning::Link) | Sort::Observable(ObservableKind::Url) => "https://corp.example/a",
        Sort::About(_) => "Acme Wall suite",
        Sort::Nothing | Sort::Observable(ObservableKind::Ip) => "198.51.100.7",
        Sort::EventId => "e-1700",
        Sort::MessageOrAlertId | Sort::Observable(ObservableKind::MessageId) => "<a@corp.example>",
        Sort::Endpoint => "198.51.100.7",
        Sort::AccountDomain => "CORP",
        Sort::DomainOrAccount => "CORP",
        Sort::EmailUser => "alice@corp.example",
        Sort::File => r"C:\Temp\x.exe",
        Sort::Observable(kind) => observable_sample(kind),
        Sort::Entity(kind) => entity_sample(kind),
    }
}

fn observable_sample(kind: ObservableKind) -> &'static str {
    match kind {
        ObservableKind::Cidr => "10.0.0.0/8",
        ObservableKind::Domain => "evil.example",
        ObservableKind::Email => "alice@corp.example",
        ObservableKind::Hash | ObservableKind::Ja3 => "098f6bcd4621d373cade4e832627b4f6",
        ObservableKind::Certificate => "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3",
        ObservableKind::Mac => "00:1c:7f:3f:a4:4a",
        ObservableKind::Ja4 => "t13d1516h2_8daaf6152771_e5627efa2ab1",
        ObservableKind::Cve => "CVE-2021-44228",
        ObservableKind::RegistryKey => r"HKLM\Software\Run",
        ObservableKind::FilePath => "/tmp/x",
        ObservableKind::Ip
        | ObservableKind::Url
        | ObservableKind::FileName
        | ObservableKind::UserAgent
        | ObservableKind::MessageId
        | ObservableKind::CommandLine
        | ObservableKind::AccessKey
        | ObservableKind::Other => "AKIAIOSFODNN7",
    }
}

fn entity_sample(kind: EntityKind) -> &'static str {
    match kind {
        EntityKind::Sid => "S-1-5-21-1-2-3-500",
        EntityKind::Logon => "0x3e8a1",
        EntityKind::Process => "9acedb82-ccd4-6107-22de-030000000600",
        EntityKind::Mailbox => "alice@corp.example",
        EntityKind::CloudSession => "idxvF50v5sT2GOA7K0Amyw",
        EntityKind::Host
        | EntityKind::User
        | EntityKind::CloudResource
        | EntityKind::Container
        | EntityKind::Service
        | EntityKind::Other => "alpha-1",
    }
}

fn wanted(entry: table::Entry) -> String {
    let role = match entry.given {
        Given::Fixed(role) | Given::Around(role) => role,
    };
    match entry.sort {
        Sort::Nothing => "-".to_owned(),
        Sort::About(meaning) => label(meaning),
        Sort::EventId => "alert_id".to_owned(),
        Sort::MessageOrAlertId => "message_id context".to_owned(),
        Sort::Observable(kind) => label(Meaning::Observable(kind, role)),
        Sort::Entity(kind) => label(Meaning::Entity(kind, role)),
        Sort::Endpoint => label(Meaning::Endpoint(role)),
        Sort::AccountDomain | Sort::DomainOrAccount => label(Meaning::Domain(role)),
        Sort::EmailUser => label(Meaning::Entity(EntityKind::User, role)),
        Sort::File => label(Meaning::Observable(ObservableKind::FilePath, role)),
    }
}

#[test]
fn every_line_of_the_table_is_read() {
    for line in table::lines(table::TEXT) {
        line.unwrap_or_else(|line| panic!("{line:?}"));
    }
}

#[test]
fn every_meaning_is_in_the_documents() {
    let text = include_str!("../../../docs/vocabulary.md");
    for line in table::TEXT.lines().filter(|line| !line.starts_with('#')) {
        let meaning = line.split('\t').next().unwrap_or_default();
        assert!(text.contains(&format!("`{meaning}`")), "{meaning} is not in docs/vocabulary.md");
    }
}

#[test]
fn no_name_is_told_twice() {
    let mut seen = BTreeMap::new();
    for (name, _) in table::lines(table::TEXT).filter_map(Result::ok).flat_map(table::names) {
        let key = (name.starts_with('^'), letters(name));
        assert!(!name.trim().is_empty() && name.trim() == name, "{name:?}");
        if let Some(known) = seen.insert(key, name) {
            panic!("{name:?} is {known:?}");
        }
    }
    assert!(seen.len() > 2_500, "{} names", seen.len());
}

#[test]
fn every_name_is_reached() {
    let mut wrong = Vec::new();
    for (name, entry) in table::lines(table::TEXT).filter_map(Result::ok).flat_map(table::names) {
        let path = name.trim_start_matches('^').replace(' ', "_");
        for path in [path.clone(), format!("payload.{path}")] {
            let got = guess(&path, sample(entry.sort));
            let meaning = got.map_or_else(|| "-".to_owned(), |guess| label(guess.meaning));
            let confidence = got.map_or(entry.confidence, |guess| guess.confidence);
            if meaning != wanted(entry) || confidence != entry.confidence {
                wrong.push(format!("{path}: {meaning} {confidence}, not {} {}", wanted(entry), entry.confidence));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_words_around_names_are_read_and_told_once() {
    let mut seen = BTreeMap::new();
    let mut lines = 0;
    for line in side::lines() {
        lines += 1;
        for (word, kind) in line {
            assert!(word.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "{word:?}");
            if let Some(known) = seen.insert(word, kind) {
                panic!("{:?} is {kind:?} and {known:?}", std::str::from_utf8(word));
            }
        }
    }
    assert_eq!(lines, KINDS.len());
}

#[test]
fn pairs_are_told_once() {
    let mut pairs = pair_keys().to_vec();
    pairs.sort_unstable();
    pairs.dedup();
    assert_eq!(pairs.len(), pair_keys().len());
}

#[test]
fn severity_words() {
    for (wanted, words) in [
        (Severity::Fatal, "fatal,Emergency,EMERG"),
        (Severity::Critical, "critical,Crit,very high,Very-High,SEV1,P1,sev-1,Severe,Alert,urgent"),
        (Severity::High, "High,HI,major,P2,error,4 - High,High (8),SEVERITY_HIGH,Severity: high,high risk"),
        (Severity::Medium, "medium,Moderate,WARNING,warn,P3,MED"),
        (Severity::Low, "low,minor,Notice,P4,very low"),
        (Severity::Informational, "informational,INFO,information,debug,none,Normal"),
    ] {
        for word in words.split(',') {
            assert_eq!(severity(word), Some(wanted), "{word}");
        }
    }
    for word in ["3", "", "unknown", "purple", "high and low", "a very long sentence about something that was high"] {
        assert_eq!(severity(word), None, "{word}");
    }
}

#[test]
fn severity_numbers() {
    for (path, number, wanted) in [
        ("severity_id", 4.0, Some(Severity::High)),
        ("severity_id", 99.0, None),
        ("event.severity", 0.0, Some(Severity::Informational)),
        ("severity", 3.0, Some(Severity::Low)),
        ("sev", 5.0, Some(Severity::Medium)),
        ("deviceSeverity", 8.0, Some(Severity::High)),
        ("severity", 10.0, Some(Severity::Critical)),
        ("severity", 73.0, Some(Severity::High)),
        ("severity", 8.5, Some(Severity::High)),
        ("Severity.Normalized", 70.0, Some(Severity::High)),
        ("risk_score", 5.0, Some(Severity::Low)),
        ("risk_score", 99.0, Some(Severity::Critical)),
        ("score", 0.85, Some(Severity::High)),
        ("cvss.base_score", 9.8, Some(Severity::Critical)),
        ("log.syslog.severity.code", 2.0, Some(Severity::Critical)),
        ("syslog_severity", 7.0, Some(Severity::Informational)),
        ("log.syslog.priority", 134.0, Some(Severity::Informational)),
        ("pri", 131.0, Some(Severity::High)),
        ("priority", 1.0, Some(Severity::High)),
        ("alert.priority", 3.0, Some(Severity::Low)),
        ("rule.level", 12.0, Some(Severity::High)),
        ("Event.System.Level", 4.0, Some(Severity::Informational)),
        ("Event.System.Level", 2.0, Some(Severity::High)),
        ("level", 50.0, Some(Severity::High)),
        ("severity", 1_000.0, None),
        ("severity", -1.0, None),
        ("severity", f64::NAN, None),
        ("severity", f64::INFINITY, None),
    ] {
        assert_eq!(severity_number(path, number), wanted, "{path} {number}");
    }
}

#[test]
fn shapes() {
    for (value, wanted) in [
        ("198.51.100.7", Some(ObservableKind::Ip)),
        ("2001:db8::1", Some(ObservableKind::Ip)),
        ("198.51.100.7:443", Some(ObservableKind::Ip)),
        ("hxxps://evil[.]example/a", Some(ObservableKind::Url)),
        ("alice@corp.example", Some(ObservableKind::Email)),
        ("00-1C-7F-3F-A4-4A", Some(ObservableKind::Mac)),
        ("cve-2021-44228", Some(ObservableKind::Cve)),
        ("a94a8fe5ccb19ba61c4c0873d391e987982fbbd3", Some(ObservableKind::Hash)),
        ("arn:aws:s3:::bucket", Some(ObservableKind::Other)),
        ("S-1-5-18", Some(ObservableKind::Other)),
        ("550e8400-e29b-41d4-a716-446655440000", None),
        ("12345678901234567890123456789012", None),
        ("1.2.3", None),
        ("10.0.19045.1", None),
        ("two words", None),
        ("12:34:56", None),
        ("", None),
    ] {
        assert_eq!(shape(value).map(|(kind, _)| kind), wanted, "{value}");
    }
}

proptest! {
    #[test]
    fn nothing_panics_and_all_is_bounded(path in ".{0,300}", value in ".{0,200}", number in any::<f64>()) {
        if let Some(guess) = guess(&path, &value) {
            prop_assert!((CONFIDENCE_MIN..=100).contains(&guess.confidence));
        }
        prop_assert!(shape(&value).is_none_or(|(_, confidence)| confidence <= 40));
        let _ = (severity(&value), severity_number(&path, number));
    }

    #[test]
    fn likely_names_with_odd_values_do_not_panic(
        path in "(src|user|Target|host|_source|event|\\.|_|-|ip|IP|Name|time|hash|file|é|0){0,12}",
        value in "[0-9a-zA-Z.:/@\\\\\\-{}\\[\\] =%é]{0,80}",
    ) {
        if let Some(guess) = guess(&path, &value) {
            prop_assert!((CONFIDENCE_MIN..=100).contains(&guess.confidence));
        }
    }

    #[test]
    fn separators_and_case_do_not_matter(first in "(source|client|victim)", second in "(ip|host_name|user)") {
        let value = if second == "ip" { "198.51.100.7" } else { "alpha-1" };
        let snake = guess(&format!("{first}_{second}"), value);
        prop_assert_eq!(snake, guess(&format!("{first}.{second}"), value));
        prop_assert_eq!(snake, guess(&format!("{first}_{second}").to_uppercase(), value));
        prop_assert_eq!(snake, guess(&format!("{first}{second}").replace('_', ""), value));
    }
}
