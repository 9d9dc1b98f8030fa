//! One sketch as the decoder would hand it over, for measuring the engine without the decoder.

use std::sync::Arc;

use super::catalog::{Catalog, RuleEntry};
use super::shapes::DESCRIPTION;
use super::sketch::{Fifth, Sketch, user_of};
use crate::model::{
    Activity, Alert, AlertId, Attack, Correlation, Entity, EntityKind, EventTime, Label, Marks, Observable,
    ObservableKind, Origin, Role, Rule, Source, Tenant, TimeFrom, TopicName,
};

/// The same content as the native shape. The alert id is unique and stable, but not the one that `wire` would give.
pub(super) fn alert(sketch: &Sketch, catalog: &Catalog, tenant: &str) -> Alert {
    let rule = catalog.rule(sketch.incident, sketch.alert);
    let uid = sketch.uid();
    Alert {
        id: alert_id(tenant, &uid),
        tenant: Tenant::parse(tenant).expect("the load's own tenant names are good"),
        origin: origin(sketch),
        event_time: EventTime { at: sketch.at, from: TimeFrom::Field },
        recorded_at: Some(sketch.at),
        title: Arc::clone(&rule.name),
        description: Some(DESCRIPTION.into()),
        severity: rule.severity,
        confidence: u8::try_from(40 + sketch.pid() % 60).ok(),
        risk_score: None,
        source: source(),
        alert_uid: Some(uid.into()),
        source_ref: None,
        rule: Rule { uid: Arc::clone(&rule.uid), name: Arc::clone(&rule.name), version: Some("3".into()) },
        attacks: vec![attack(rule)],
        activity: Activity::Create,
        revision: 0,
        observables: observables(sketch),
        entities: entities(sketch),
        dedup_key: None,
        labels: vec![label("site", "north"), label("team", "soc")],
        tags: vec!["load".into()],
        tlp: None,
        pap: None,
        correlation: Correlation::default(),
        links: Vec::new(),
        evidences: Vec::new(),
        unmapped: None,
        marks: Marks::default(),
        profile: "native".into(),
    }
}

fn alert_id(tenant: &str, uid: &str) -> AlertId {
    let digest = blake3::hash(format!("{tenant}/{uid}").as_bytes());
    let mut half = [0; 16];
    half.copy_from_slice(&digest.as_bytes()[..16]);
    AlertId(u128::from_be_bytes(half))
}

fn origin(sketch: &Sketch) -> Origin {
    let offset = i64::try_from(sketch.serial).unwrap_or(i64::MAX);
    Origin { topic: TopicName::new("load"), partition: 0, offset, index: 0 }
}

fn source() -> Source {
    Source {
        vendor: Some("Example Security".into()),
        product: "Endpoint Sensor".into(),
        category: Some("edr".into()),
        instance: Some("eu-1".into()),
    }
}

fn attack(rule: &RuleEntry) -> Attack {
    Attack { tactic: Some(Arc::clone(&rule.tactic)), technique: Some(Arc::clone(&rule.technique)) }
}

fn label(name: &str, value: &str) -> Label {
    Label { name: name.into(), value: value.into() }
}

fn entities(sketch: &Sketch) -> Vec<Entity> {
    let host = entity(EntityKind::Host, &sketch.host(), None, None, Role::Asset);
    let process = entity(EntityKind::Process, &sketch.process(), Some("agent.exe"), None, Role::Actor);
    let users = [Some(sketch.user()), sketch.bridge.map(user_of)];
    let users = users.into_iter().flatten().map(|name| user(&name));
    [host].into_iter().chain(users).chain([process]).collect()
}

fn user(name: &str) -> Entity {
    entity(EntityKind::User, &format!("corp\\{name}"), Some(name), Some("CORP"), Role::Actor)
}

fn entity(kind: EntityKind, id: &str, name: Option<&str>, domain: Option<&str>, role: Role) -> Entity {
    let (name, domain) = (name.map(Into::into), domain.map(Into::into));
    Entity { kind, id: id.into(), name, domain, site: None, role, criticality: 0 }
}

fn observables(sketch: &Sketch) -> Vec<Observable> {
    let fifth = match sketch.fifth() {
        Fifth::Domain(name) => observable(ObservableKind::Domain, &name, Role::Peer),
        Fifth::Hash(digest) => observable(ObservableKind::Hash, &digest, Role::Peer),
        Fifth::Server => observable(ObservableKind::Ip, &sketch.server(), Role::Destination),
    };
    vec![observable(ObservableKind::Ip, &sketch.address(), Role::Source), fifth]
}

fn observable(kind: ObservableKind, value: &str, role: Role) -> Observable {
    Observable { kind, value: value.into(), role, ioc: false, ignore_correlation: false, tags: Vec::new() }
}
