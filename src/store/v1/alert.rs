//! An alert as a segment keeps it: every field.

use serde::{Deserialize, Serialize};

use super::codes;
use super::state::at;
use super::steps::OriginV1;
use crate::model::{
    Alert, AlertId, AlertLink, Attack, Correlation, Entity, EventTime, Label, Marks, Observable, Rule, Source, Tenant,
    Timestamp,
};
use crate::store::RowError;

#[derive(Serialize, Deserialize)]
pub struct AlertV1<'a> {
    id: [u8; 16],
    tenant: &'a str,
    #[serde(borrow)]
    origin: OriginV1<'a>,
    event_at: i64,
    time_from: u8,
    recorded_at: Option<i64>,
    title: &'a str,
    description: Option<&'a str>,
    severity: u8,
    confidence: Option<u8>,
    risk_score: Option<u8>,
    vendor: Option<&'a str>,
    product: &'a str,
    category: Option<&'a str>,
    instance: Option<&'a str>,
    alert_uid: Option<&'a str>,
    source_ref: Option<&'a str>,
    rule_uid: &'a str,
    rule_name: &'a str,
    rule_version: Option<&'a str>,
    #[serde(borrow)]
    attacks: Vec<(Option<&'a str>, Option<&'a str>)>,
    activity: u8,
    revision: i64,
    #[serde(borrow)]
    observables: Vec<ObservableV1<'a>>,
    #[serde(borrow)]
    entities: Vec<EntityV1<'a>>,
    dedup_key: Option<&'a str>,
    #[serde(borrow)]
    labels: Vec<(&'a str, &'a str)>,
    #[serde(borrow)]
    tags: Vec<&'a str>,
    tlp: Option<&'a str>,
    pap: Option<&'a str>,
    group_key: Option<&'a str>,
    exclude: bool,
    no_merge: bool,
    #[serde(borrow)]
    links: Vec<(Option<&'a str>, &'a str)>,
    #[serde(borrow)]
    evidences: Vec<&'a str>,
    unmapped: Option<&'a str>,
    clamped: bool,
    cut: bool,
    profile: &'a str,
}

impl<'a> AlertV1<'a> {
    pub fn tenant(&self) -> Result<Tenant, RowError> {
        Tenant::parse(self.tenant).map_err(|_| RowError::Range("tenant"))
    }

    pub fn of(alert: &'a Alert) -> Self {
        Self {
            id: alert.id.0.to_be_bytes(),
            tenant: alert.tenant.as_str(),
            origin: OriginV1::of(&alert.origin),
            event_at: alert.event_time.at.millis(),
            time_from: alert.event_time.from as u8,
            recorded_at: alert.recorded_at.map(Timestamp::millis),
            title: &alert.title,
            description: alert.description.as_deref(),
            severity: alert.severity.id(),
            confidence: alert.confidence,
            risk_score: alert.risk_score,
            vendor: alert.source.vendor.as_deref(),
            product: &alert.source.product,
            category: alert.source.category.as_deref(),
            instance: alert.source.instance.as_deref(),
            alert_uid: alert.alert_uid.as_deref(),
            source_ref: alert.source_ref.as_deref(),
            rule_uid: &alert.rule.uid,
            rule_name: &alert.rule.name,
            rule_version: alert.rule.version.as_deref(),
            attacks: alert.attacks.iter().map(|a| (a.tactic.as_deref(), a.technique.as_deref())).collect(),
            activity: alert.activity as u8,
            revision: alert.revision,
            observables: alert.observables.iter().map(ObservableV1::of).collect(),
            entities: alert.entities.iter().map(EntityV1::of).collect(),
            dedup_key: alert.dedup_key.as_deref(),
            labels: alert.labels.iter().map(|label| (&*label.name, &*label.value)).collect(),
            tags: alert.tags.iter().map(|tag| &**tag).collect(),
            tlp: alert.tlp.as_deref(),
            pap: alert.pap.as_deref(),
            group_key: alert.correlation.group_key.as_deref(),
            exclude: alert.correlation.exclude,
            no_merge: alert.correlation.no_merge,
            links: alert.links.iter().map(|link| (link.title.as_deref(), &*link.url)).collect(),
            evidences: alert.evidences.iter().map(|evidence| &**evidence).collect(),
            unmapped: alert.unmapped.as_deref(),
            clamped: alert.marks.clamped,
            cut: alert.marks.cut,
            profile: &alert.profile,
        }
    }

    pub fn back(self) -> Result<Alert, RowError> {
        Ok(Alert {
            id: AlertId(u128::from_be_bytes(self.id)),
            tenant: Tenant::parse(self.tenant).map_err(|_| RowError::Range("tenant"))?,
            origin: self.origin.back(),
            event_time: EventTime { at: at(self.event_at), from: codes::time_from(self.time_from)? },
            recorded_at: self.recorded_at.map(at),
            title: self.title.into(),
            description: self.description.map(Into::into),
            severity: codes::severity(self.severity)?,
            confidence: self.confidence,
            risk_score: self.risk_score,
            source: Source {
                vendor: self.vendor.map(Into::into),
                product: self.product.into(),
                category: self.category.map(Into::into),
                instance: self.instance.map(Into::into),
            },
            alert_uid: self.alert_uid.map(Into::into),
            source_ref: self.source_ref.map(Into::into),
            rule: Rule {
                uid: self.rule_uid.into(),
                name: self.rule_name.into(),
                version: self.rule_version.map(Into::into),
            },
            attacks: self.attacks.into_iter().map(attack_back).collect(),
            activity: codes::activity(self.activity)?,
            revision: self.revision,
            observables: self.observables.into_iter().map(ObservableV1::back).collect::<Result<_, _>>()?,
            entities: self.entities.into_iter().map(EntityV1::back).collect::<Result<_, _>>()?,
            dedup_key: self.dedup_key.map(Into::into),
            labels: self.labels.into_iter().map(|(n, v)| Label { name: n.into(), value: v.into() }).collect(),
            tags: self.tags.into_iter().map(Into::into).collect(),
            tlp: self.tlp.map(Into::into),
            pap: self.pap.map(Into::into),
            correlation: Correlation {
                group_key: self.group_key.map(Into::into),
                exclude: self.exclude,
                no_merge: self.no_merge,
            },
            links: self.links.into_iter().map(link_back).collect(),
            evidences: self.evidences.into_iter().map(Into::into).collect(),
            unmapped: self.unmapped.map(Into::into),
            marks: Marks { clamped: self.clamped, cut: self.cut },
            profile: self.profile.into(),
        })
    }
}

fn attack_back((tactic, technique): (Option<&str>, Option<&str>)) -> Attack {
    Attack { tactic: tactic.map(Into::into), technique: technique.map(Into::into) }
}

fn link_back((title, url): (Option<&str>, &str)) -> AlertLink {
    AlertLink { title: title.map(Into::into), url: url.into() }
}

#[derive(Serialize, Deserialize)]
struct ObservableV1<'a> {
    kind: u8,
    value: &'a str,
    role: u8,
    ioc: bool,
    ignore_correlation: bool,
    #[serde(borrow)]
    tags: Vec<&'a str>,
}

impl<'a> ObservableV1<'a> {
    fn of(observable: &'a Observable) -> Self {
        Self {
            kind: observable.kind as u8,
            value: &observable.value,
            role: observable.role as u8,
            ioc: observable.ioc,
            ignore_correlation: observable.ignore_correlation,
            tags: observable.tags.iter().map(|tag| &**tag).collect(),
        }
    }

    fn back(self) -> Result<Observable, RowError> {
        Ok(Observable {
            kind: codes::observable_kind(self.kind)?,
            value: self.value.into(),
            role: codes::role(self.role)?,
            ioc: self.ioc,
            ignore_correlation: self.ignore_correlation,
            tags: self.tags.into_iter().map(Into::into).collect(),
        })
    }
}

#[derive(Serialize, Deserialize)]
struct EntityV1<'a> {
    kind: u8,
    id: &'a str,
    name: Option<&'a str>,
    domain: Option<&'a str>,
    site: Option<&'a str>,
    role: u8,
    criticality: u8,
}

impl<'a> EntityV1<'a> {
    fn of(entity: &'a Entity) -> Self {
        Self {
            kind: entity.kind as u8,
            id: &entity.id,
            name: entity.name.as_deref(),
            domain: entity.domain.as_deref(),
            site: entity.site.as_deref(),
            role: entity.role as u8,
            criticality: entity.criticality,
        }
    }

    fn back(self) -> Result<Entity, RowError> {
        Ok(Entity {
            kind: codes::entity_kind(self.kind)?,
            id: self.id.into(),
            name: self.name.map(Into::into),
            domain: self.domain.map(Into::into),
            site: self.site.map(Into::into),
            role: codes::role(self.role)?,
            criticality: self.criticality,
        })
    }
}
