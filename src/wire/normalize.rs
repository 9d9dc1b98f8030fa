//! What became of a record, as JSON for a person or a test: each alert in the native shape with canonical values, so that
//! it reads back as the same alert.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use super::times;
use super::{Decoder, Element, Record, Rejection};
use crate::config::SourceConfig;
use crate::model::{Alert, AlertLink, Attack, Entity, Observable, Timestamp, TopicName};

/// One line of `casewright normalize` for line `n` of a file, read as if the record had come at `came_at`.
#[must_use]
pub fn line(decoder: &Decoder, source: &SourceConfig, n: u64, bytes: &[u8], came_at: Option<Timestamp>) -> String {
    let topic = TopicName::new(&source.topic);
    let offset = i64::try_from(n).unwrap_or(i64::MAX);
    let record = Record { topic: &topic, partition: 0, offset, timestamp: came_at, payload: Some(bytes), headers: &[] };
    elements_line(&decoder.decode(&record, source), n)
}

/// The same for a record that was decoded already.
#[must_use]
pub fn elements_line(elements: &[Element], n: u64) -> String {
    let results: Vec<ResultV1<'_>> = elements.iter().map(ResultV1::from).collect();
    let head = elements.first().map(ResultV1::from).unwrap_or_default();
    let alerts = (results.len() > 1).then_some(results);
    let line = LineV1 { line: n, head, alerts };
    // Strings, numbers and lists only: this cannot fail, and a line that says nothing would still be a line.
    serde_json::to_string(&line).unwrap_or_default()
}

/// The native alert, as it is written.
#[must_use]
pub fn native(alert: &Alert) -> String {
    serde_json::to_string(&AlertV1::from(alert)).unwrap_or_default()
}

#[derive(Serialize)]
struct LineV1<'a> {
    line: u64,
    #[serde(flatten)]
    head: ResultV1<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alerts: Option<Vec<ResultV1<'a>>>,
}

/// One element: an alert or a rejection.
#[derive(Default, Serialize)]
struct ResultV1<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alert: Option<AlertV1<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rejected: Option<RejectedV1<'a>>,
}

impl<'a> From<&'a Element> for ResultV1<'a> {
    fn from(element: &'a Element) -> Self {
        match element {
            Element::Alert(alert) => {
                Self { profile: Some(&alert.profile), alert: Some(AlertV1::from(&**alert)), rejected: None }
            }
            Element::Rejected(rejection) => {
                Self { profile: rejection.profile.as_deref(), alert: None, rejected: Some(rejection.into()) }
            }
        }
    }
}

#[derive(Serialize)]
struct RejectedV1<'a> {
    reason: &'static str,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u32>,
}

impl<'a> From<&'a Rejection> for RejectedV1<'a> {
    fn from(rejection: &'a Rejection) -> Self {
        Self { reason: rejection.reason.label(), detail: &rejection.detail, index: rejection.index }
    }
}

/// The native alert of schema 1.x with every field that has a value.
#[derive(Serialize)]
pub struct AlertV1<'a> {
    schema_version: &'static str,
    alert_id: String,
    tenant: &'a str,
    title: &'a str,
    event_time: String,
    time_from: &'static str,
    source: SourceV1<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alert_uid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_ref: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dedup_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    severity_id: u8,
    severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    risk_score: Option<u8>,
    rule: RuleV1<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attacks: Vec<AttackV1<'a>>,
    activity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_time: Option<i64>,
    observables: Vec<ObservableV1<'a>>,
    entities: Vec<EntityV1<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    evidences: Vec<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tlp: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pap: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tags: &'a [Box<str>],
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation: Option<CorrelationV1<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<LinkV1<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unmapped: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    marks: Vec<&'static str>,
}

#[derive(Serialize)]
struct SourceV1<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor: Option<&'a str>,
    product: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
}

#[derive(Serialize)]
struct RuleV1<'a> {
    uid: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
}

#[derive(Serialize)]
struct AttackV1<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    tactic_uid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    technique_uid: Option<&'a str>,
}

#[derive(Serialize)]
struct ObservableV1<'a> {
    r#type: &'static str,
    value: &'a str,
    role: &'static str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    ioc: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    ignore_correlation: bool,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tags: &'a [Box<str>],
}

#[derive(Serialize)]
struct EntityV1<'a> {
    kind: &'static str,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    site: Option<&'a str>,
    role: &'static str,
    criticality: u8,
}

#[derive(Serialize)]
struct CorrelationV1<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    group_key: Option<&'a str>,
    exclude: bool,
    no_merge: bool,
}

#[derive(Serialize)]
struct LinkV1<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    url: &'a str,
}

impl<'a> From<&'a Alert> for AlertV1<'a> {
    fn from(alert: &'a Alert) -> Self {
        Self {
            schema_version: "1.0",
            alert_id: alert.id.to_string(),
            tenant: alert.tenant.as_str(),
            title: &alert.title,
            event_time: times::text(alert.event_time.at),
            time_from: alert.event_time.from.label(),
            source: source(alert),
            alert_uid: alert.alert_uid.as_deref(),
            source_ref: alert.source_ref.as_deref(),
            dedup_key: alert.dedup_key.as_deref(),
            description: alert.description.as_deref(),
            severity_id: alert.severity.id(),
            severity: alert.severity.label(),
            confidence: alert.confidence,
            risk_score: alert.risk_score,
            rule: RuleV1 { uid: &alert.rule.uid, name: &alert.rule.name, version: alert.rule.version.as_deref() },
            attacks: alert.attacks.iter().map(attack).collect(),
            activity: alert.activity.label(),
            updated_time: (alert.revision != 0).then_some(alert.revision),
            observables: alert.observables.iter().map(observable).collect(),
            entities: alert.entities.iter().map(entity).collect(),
            evidences: alert.evidences.iter().filter_map(|json| serde_json::from_str(json).ok()).collect(),
            tlp: alert.tlp.as_deref(),
            pap: alert.pap.as_deref(),
            labels: alert.labels.iter().map(|label| (&*label.name, &*label.value)).collect(),
            tags: &alert.tags,
            correlation: correlation(alert),
            links: alert.links.iter().map(link).collect(),
            unmapped: alert.unmapped.as_deref().and_then(|json| serde_json::from_str(json).ok()),
            marks: marks(alert),
        }
    }
}

fn source(alert: &Alert) -> SourceV1<'_> {
    let source = &alert.source;
    SourceV1 {
        vendor: source.vendor.as_deref(),
        product: &source.product,
        r#type: source.category.as_deref(),
        instance: source.instance.as_deref(),
    }
}

fn attack(attack: &Attack) -> AttackV1<'_> {
    AttackV1 { tactic_uid: attack.tactic.as_deref(), technique_uid: attack.technique.as_deref() }
}

fn observable(observable: &Observable) -> ObservableV1<'_> {
    ObservableV1 {
        r#type: observable.kind.label(),
        value: &observable.value,
        role: observable.role.label(),
        ioc: observable.ioc,
        ignore_correlation: observable.ignore_correlation,
        tags: &observable.tags,
    }
}

fn entity(entity: &Entity) -> EntityV1<'_> {
    EntityV1 {
        kind: entity.kind.label(),
        id: &entity.id,
        name: entity.name.as_deref(),
        domain: entity.domain.as_deref(),
        site: entity.site.as_deref(),
        role: entity.role.label(),
        criticality: entity.criticality,
    }
}

fn correlation(alert: &Alert) -> Option<CorrelationV1<'_>> {
    let wish = &alert.correlation;
    let said = wish.group_key.is_some() || wish.exclude || wish.no_merge;
    said.then_some(CorrelationV1 {
        group_key: wish.group_key.as_deref(),
        exclude: wish.exclude,
        no_merge: wish.no_merge,
    })
}

fn link(link: &AlertLink) -> LinkV1<'_> {
    LinkV1 { title: link.title.as_deref(), url: &link.url }
}

fn marks(alert: &Alert) -> Vec<&'static str> {
    let marks = [(alert.marks.clamped, "clamped"), (alert.marks.cut, "cut")];
    marks.into_iter().filter(|(set, _)| *set).map(|(_, name)| name).collect()
}
