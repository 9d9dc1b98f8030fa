//! Each profile's own samples against what it says has to come of them: read by `auto`, as any record is.

use std::fmt;
use std::sync::Arc;

use super::Profiles;
use super::raw::RawExpect;
use super::rules::Sample;
use crate::config::{Limits, SourceConfig, TenantRule};
use crate::model::{Alert, Tenant, Timestamp, TopicName};
use crate::wire::decode::{AUTO, Decoder, Element, Record, Rejection};
use crate::wire::times;

/// When a sample's record is taken to have come: what its times without a year, and those that have none, go by.
/// 2026-08-01T12:00:00Z.
const CAME_AT: Timestamp = Timestamp::from_millis(1_785_585_600_000);

/// A sample that did not come out as its profile says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleFault {
    pub file: String,
    pub line: usize,
    pub message: String,
}

impl fmt::Display for SampleFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

/// What a check of all samples came to.
#[derive(Debug, Default)]
pub struct SampleReport {
    pub profiles: usize,
    pub samples: usize,
    pub faults: Vec<SampleFault>,
}

/// Reads every sample of every profile. A profile without one has a fault, too.
#[must_use]
pub fn check(profiles: &Arc<Profiles>, limits: &Limits) -> SampleReport {
    let decoder = Decoder::new(Arc::clone(profiles), limits.clone());
    let mut report = SampleReport::default();
    for profile in &profiles.profiles {
        report.profiles += 1;
        report.samples += profile.samples.len();
        let mut fault = |line, message| {
            report.faults.push(SampleFault { file: profile.file.clone(), line, message });
        };
        if profile.samples.is_empty() {
            fault(1, "the profile has no sample".to_owned());
        }
        for sample in &profile.samples {
            for message in wrong(&decoder, &profile.name, sample) {
                fault(sample.line, message);
            }
        }
    }
    report
}

fn wrong(decoder: &Decoder, profile: &str, sample: &Sample) -> Vec<String> {
    let elements = decode(decoder, sample.record.trim());
    let mut wrong = Vec::new();
    if elements.len() != sample.expect.len() {
        wrong.push(format!("{} elements came of it, {} are expected", elements.len(), sample.expect.len()));
    }
    for (n, (element, expect)) in elements.iter().zip(&sample.expect).enumerate() {
        let differences = match element {
            Element::Alert(alert) => alert_differs(alert, profile, expect),
            Element::Rejected(rejection) => refusal_differs(rejection, profile, expect),
        };
        wrong.extend(differences.into_iter().map(|difference| match elements.len() {
            1 => difference,
            _ => format!("alert {n}: {difference}"),
        }));
    }
    wrong
}

fn decode(decoder: &Decoder, text: &str) -> crate::wire::Elements {
    let topic = TopicName::new("sample");
    let record = Record {
        topic: &topic,
        partition: 0,
        offset: 0,
        timestamp: Some(CAME_AT),
        payload: Some(text.as_bytes()),
        headers: &[],
    };
    let tenant = Tenant::parse("default").map(TenantRule::Constant).into_iter().collect();
    let source =
        SourceConfig { topic: "sample".to_owned(), profile: AUTO.into(), timezone: None, tenant, start_at: None };
    decoder.decode(&record, &source)
}

/// A profile that refuses another's sample says nothing about this one.
fn refusal_differs(rejection: &Rejection, profile: &str, expect: &RawExpect) -> Vec<String> {
    let reason = rejection.reason.label();
    let by = rejection.profile.as_deref();
    let who = by.map_or_else(|| "before any profile".to_owned(), |by| format!("by profile {by}"));
    let mut differs = Vec::new();
    if rejected(expect) != Some(reason) {
        differs.push(format!("rejected {who}: {reason} ({})", rejection.detail));
    } else if by.is_some_and(|by| by != profile) {
        differs.push(format!("rejected {who} and not by this one: {reason} ({})", rejection.detail));
    }
    differs
}

fn rejected(expect: &RawExpect) -> Option<&str> {
    expect.rejected.as_ref().map(|reason| reason.get_ref().as_str())
}

fn alert_differs(alert: &Alert, profile: &str, expect: &RawExpect) -> Vec<String> {
    let mut differs = Vec::new();
    let mut compare = |what: &str, found: String, wanted: Option<&str>| {
        if let Some(wanted) = wanted.filter(|wanted| *wanted != found) {
            differs.push(format!("{what} is {found:?}, expected {wanted:?}"));
        }
    };
    compare("the profile", alert.profile.to_string(), Some(profile));
    compare("rejected", String::new(), rejected(expect));
    compare("time", time(alert), expect.time.as_deref());
    compare("title", alert.title.to_string(), expect.title.as_deref());
    compare("rule", alert.rule.uid.to_string(), expect.rule.as_deref());
    compare("severity", alert.severity.id().to_string(), expect.severity.map(|id| id.to_string()).as_deref());
    compare("activity", alert.activity.label().to_owned(), expect.activity.as_deref());
    let entities = alert.entities.iter().map(|e| format!("{} {} {}", e.kind.label(), e.id, e.role.label()));
    let observables = alert.observables.iter().map(|o| format!("{} {} {}", o.kind.label(), o.value, o.role.label()));
    let attacks = alert.attacks.iter().map(|attack| {
        let ids = [attack.tactic.as_deref(), attack.technique.as_deref()];
        ids.into_iter().flatten().collect::<Vec<_>>().join(" ")
    });
    differs.extend(list_differs("entities", entities.collect(), expect.entities.as_deref()));
    differs.extend(list_differs("observables", observables.collect(), expect.observables.as_deref()));
    differs.extend(list_differs("attacks", attacks.collect(), expect.attacks.as_deref()));
    differs
}

/// `2026-08-01T12:00:00.000Z`, or `record` where it is the record's.
fn time(alert: &Alert) -> String {
    match alert.event_time.from {
        crate::model::TimeFrom::Field => times::text(alert.event_time.at),
        crate::model::TimeFrom::Record => "record".to_owned(),
    }
}

fn list_differs(what: &str, mut found: Vec<String>, wanted: Option<&[String]>) -> Option<String> {
    let mut wanted = wanted?.to_vec();
    found.sort_unstable();
    wanted.sort_unstable();
    let missing: Vec<&String> = wanted.iter().filter(|line| !found.contains(line)).collect();
    let more: Vec<&String> = found.iter().filter(|line| !wanted.contains(line)).collect();
    let differ = !missing.is_empty() || !more.is_empty();
    differ.then(|| format!("{what}: missing {missing:?}, not expected {more:?}"))
}
