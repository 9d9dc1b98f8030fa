//! The native alert, `schema_version` 1.x: what `raw` read becomes an alert here. Unlike a vendor's, its required fields
//! are required: whoever writes this format can be told what is missing.

mod kinds;
mod piece;
mod raw;

use std::sync::Arc;

use piece::Fields;
use raw::{RawAlert, RawCorrelation, RawEntity, RawObservable, RawSource};

use super::canonical::{code, text};

use super::decode::{Beside, Context, Draft, Refused, RejectReason};
use super::scan::Value;
use crate::model::{
    Activity, Alert, AlertId, AlertLink, Attack, Correlation, EventTime, Label, Observable, ObservableKind, Role, Rule,
    Severity, Source, TimeFrom,
};

/// Top-level keys that tell a native alert.
pub(super) const SIGNATURES: [&[&str]; 3] =
    [&["title", "event_time", "source"], &["schema_version", "title"], &["schema_version", "event_time", "source"]];

/// Entries kept of each list that is only shown.
const LIST_MAX: usize = 64;

pub(super) fn read(record: Value<'_, '_>, profile: &Arc<str>, context: &Context<'_>) -> Result<Arc<Alert>, Refused> {
    let mut raw = RawAlert::default();
    if raw.fill(record).is_none() {
        // Whoever sent it is told the line and column.
        raw = serde_json::from_str(record.raw()).map_err(|error| wrong_shape(&error))?;
    }
    check_version(raw.schema_version.as_deref())?;
    let tenant = context.tenant(raw.tenant.as_deref())?;
    let mut draft = Draft::new(context.limits);
    let title: Arc<str> = draft.line(required(raw.title.as_deref(), "title")?);
    let source = source(&raw.source.0, &mut draft)?;
    raw.observables.iter().try_for_each(|observable| observe(&observable.0, &mut draft))?;
    raw.entities.iter().try_for_each(|entity| name(&entity.0, &mut draft))?;
    Ok(Arc::new(Alert {
        id: AlertId(0),
        tenant,
        origin: context.origin.clone(),
        event_time: event_time(raw.event_time.as_ref())?,
        recorded_at: context.record.timestamp,
        description: raw.description.as_deref().map(|prose| draft.prose(prose)),
        severity: severity(&raw)?,
        confidence: score(raw.confidence, "confidence")?,
        risk_score: score(raw.risk_score, "risk_score")?,
        source,
        alert_uid: optional(raw.alert_uid.as_deref(), &mut draft),
        source_ref: optional(raw.source_ref.as_deref(), &mut draft),
        rule: rule(&raw, &title, &mut draft),
        attacks: attacks(&raw, &mut draft)?,
        activity: activity(raw.activity.as_deref())?,
        revision: revision(raw.updated_time.as_ref())?,
        dedup_key: optional(raw.dedup_key.as_deref(), &mut draft),
        labels: labels(&raw, &mut draft),
        tags: list(&raw.tags, &mut draft),
        tlp: optional(raw.tlp.as_deref(), &mut draft),
        pap: optional(raw.pap.as_deref(), &mut draft),
        correlation: correlation(&raw.correlation.0, &mut draft),
        links: links(&raw, &mut draft),
        evidences: evidences(&raw, &mut draft),
        unmapped: unmapped(&raw, &mut draft),
        profile: Arc::clone(profile),
        title,
        observables: draft.observables,
        entities: draft.entities,
        marks: draft.marks,
    }))
}

fn wrong_shape(error: &serde_json::Error) -> Refused {
    Refused::new(RejectReason::BadValue, error.to_string())
}

fn check_version(version: Option<&str>) -> Result<(), Refused> {
    match version {
        None => Ok(()),
        Some(version) if version == "1" || version.starts_with("1.") => Ok(()),
        Some(other) => {
            let detail = format!("schema_version {:?} is not 1.x", text::excerpt(other));
            Err(Refused::new(RejectReason::BadSchemaVersion, detail))
        }
    }
}

fn required<'a>(field: Option<&'a str>, name: &str) -> Result<&'a str, Refused> {
    field.filter(|value| !value.trim().is_empty()).ok_or_else(|| Refused::missing(name))
}

fn optional(field: Option<&str>, draft: &mut Draft<'_>) -> Option<Box<str>> {
    field.filter(|value| !value.trim().is_empty()).map(|value| draft.line(value))
}

fn event_time(raw: Option<&piece::Time<'_>>) -> Result<EventTime, Refused> {
    let raw = raw.ok_or_else(|| Refused::missing("event_time"))?;
    let at =
        raw.read().ok_or_else(|| Refused::new(RejectReason::BadTime, "event_time is neither RFC 3339 nor epoch ms"))?;
    Ok(EventTime { at, from: TimeFrom::Field })
}

fn revision(raw: Option<&piece::Time<'_>>) -> Result<i64, Refused> {
    let Some(raw) = raw else { return Ok(0) };
    let bad = || Refused::new(RejectReason::BadTime, "updated_time is neither RFC 3339 nor epoch ms");
    raw.read().map(|at| at.millis()).ok_or_else(bad)
}

fn source(raw: &RawSource<'_>, draft: &mut Draft<'_>) -> Result<Source, Refused> {
    let product = draft.line(required(raw.product.as_deref(), "source.product")?);
    let mut shared = |field: &Option<piece::Text<'_>>| field.as_deref().map(|value| draft.line(value));
    let (vendor, category, instance) = (shared(&raw.vendor), shared(&raw.r#type), shared(&raw.instance));
    Ok(Source { vendor, product, category, instance })
}

fn severity(raw: &RawAlert<'_>) -> Result<Severity, Refused> {
    if let Some(id) = raw.severity_id {
        let severity = u8::try_from(id).ok().and_then(Severity::from_id);
        return severity.ok_or_else(|| Refused::value("severity_id", &id.to_string()));
    }
    let Some(word) = raw.severity.as_deref() else { return Ok(Severity::Unknown) };
    kinds::severity(word).ok_or_else(|| Refused::value("severity", word))
}

fn score(raw: Option<f64>, field: &str) -> Result<Option<u8>, Refused> {
    let Some(number) = raw else { return Ok(None) };
    let inside = (0.0..=100.0).contains(&number);
    if inside { Ok(Some(number.round() as u8)) } else { Err(Refused::value(field, &number.to_string())) }
}

fn rule(raw: &RawAlert<'_>, title: &Arc<str>, draft: &mut Draft<'_>) -> Rule {
    let rule = &raw.rule.0;
    let filled = |field| Option::as_deref(field).filter(|text: &&str| !text.trim().is_empty());
    let name = filled(&rule.name).map_or_else(|| Arc::clone(title), |name| draft.line(name));
    let uid = filled(&rule.uid).map_or_else(|| Arc::clone(&name), |uid| draft.line(uid));
    Rule { uid, name, version: optional(rule.version.as_deref(), draft) }
}

fn attacks(raw: &RawAlert<'_>, draft: &mut Draft<'_>) -> Result<Vec<Attack>, Refused> {
    draft.marks.cut |= raw.attacks.len() > LIST_MAX;
    let mut attacks = Vec::new();
    for piece::Object(attack) in raw.attacks.iter().take(LIST_MAX) {
        let tactic =
            attack.tactic_uid.as_deref().map(|raw| code::tactic(raw).ok_or_else(|| Refused::value("tactic_uid", raw)));
        let technique = attack.technique_uid.as_deref();
        let technique = technique.map(|raw| code::technique(raw).ok_or_else(|| Refused::value("technique_uid", raw)));
        let (tactic, technique) = (tactic.transpose()?, technique.transpose()?);
        if tactic.is_some() || technique.is_some() {
            attacks.push(Attack { tactic: tactic.map(Arc::from), technique: technique.map(Arc::from) });
        }
    }
    attacks.sort();
    attacks.dedup();
    Ok(attacks)
}

fn activity(raw: Option<&str>) -> Result<Activity, Refused> {
    let Some(word) = raw else { return Ok(Activity::Create) };
    Activity::from_label(word).ok_or_else(|| Refused::value("activity", word))
}

fn observe(raw: &RawObservable<'_>, draft: &mut Draft<'_>) -> Result<(), Refused> {
    let value = raw.value.as_deref().ok_or_else(|| Refused::missing("observables[].value"))?;
    if text::is_placeholder(value) {
        return Ok(());
    }
    let role = role(raw.role.as_deref(), "observables[].role")?;
    match kinds::observable(raw.r#type.as_deref(), raw.type_id)? {
        kinds::Kind::Observable(kind) => push(kind, value, role, raw, draft),
        kinds::Kind::Entity(kind) => {
            draft.name(kind, value, role.unwrap_or(Role::Peer), &Beside::default());
        }
    }
    Ok(())
}

/// What is not of the kind it claims is kept for the reader and links nothing.
fn push(kind: ObservableKind, value: &str, role: Option<Role>, raw: &RawObservable<'_>, draft: &mut Draft<'_>) {
    let role = role.unwrap_or(if kind == ObservableKind::Ip { Role::Peer } else { Role::Context });
    let canonical = super::canonical::observable(kind, value);
    let sound = canonical.is_some();
    let shared = canonical.as_deref().is_some_and(|value| super::canonical::is_shared(kind, value));
    let observable = Observable {
        kind: if sound { kind } else { ObservableKind::Other },
        value: canonical.map_or_else(|| draft.line(value), Arc::from),
        role,
        ioc: raw.ioc,
        ignore_correlation: raw.ignore_correlation || shared || !sound,
        tags: list(&raw.tags, draft),
    };
    draft.push_observable(observable);
}

fn name(raw: &RawEntity<'_>, draft: &mut Draft<'_>) -> Result<(), Refused> {
    let kind = kinds::entity(raw.kind.as_deref())?;
    let id = raw.id.as_deref().or(raw.name.as_deref()).ok_or_else(|| Refused::missing("entities[].id"))?;
    let role = role(raw.role.as_deref(), "entities[].role")?.unwrap_or(kinds::role_of(kind));
    let criticality = kinds::criticality(raw.criticality.as_ref())?;
    let beside =
        Beside { name: raw.name.as_deref(), domain: raw.domain.as_deref(), site: raw.site.as_deref(), criticality };
    let known = draft.name(kind, id, role, &beside);
    if !known && !text::is_placeholder(id) {
        // Not an identity of its kind: kept under its own words, where it meets only its like.
        draft.name(crate::model::EntityKind::Other, id, role, &beside);
    }
    Ok(())
}

fn role(raw: Option<&str>, field: &str) -> Result<Option<Role>, Refused> {
    raw.map(|word| Role::from_label(word).ok_or_else(|| Refused::value(field, word))).transpose()
}

fn list(raw: &[piece::Text<'_>], draft: &mut Draft<'_>) -> Vec<Box<str>> {
    draft.marks.cut |= raw.len() > LIST_MAX;
    raw.iter().take(LIST_MAX).map(|value| draft.line(value)).collect()
}

fn labels(raw: &RawAlert<'_>, draft: &mut Draft<'_>) -> Vec<Label> {
    draft.marks.cut |= raw.labels.0.len() > LIST_MAX;
    let labels = raw.labels.0.iter().take(LIST_MAX);
    labels.map(|(name, value)| Label { name: draft.line(name), value: draft.line(value) }).collect()
}

fn correlation(raw: &RawCorrelation<'_>, draft: &mut Draft<'_>) -> Correlation {
    let group_key = optional(raw.group_key.as_deref(), draft);
    Correlation { group_key, exclude: raw.exclude, no_merge: raw.no_merge }
}

/// A link that is no web address is left out: a console would have to show it, and could not make it safe.
fn links(raw: &RawAlert<'_>, draft: &mut Draft<'_>) -> Vec<AlertLink> {
    draft.marks.cut |= raw.links.len() > LIST_MAX;
    let mut links = Vec::new();
    for link in raw.links.iter().take(LIST_MAX) {
        let url = super::canonical::net::url(&link.url).filter(|url| url.starts_with("http"));
        match url {
            Some(url) => links.push(AlertLink { title: optional(link.title.as_deref(), draft), url: draft.line(&url) }),
            None => draft.marks.cut = true,
        }
    }
    links
}

fn evidences(raw: &RawAlert<'_>, draft: &mut Draft<'_>) -> Vec<Box<str>> {
    draft.marks.cut |= raw.evidences.len() > LIST_MAX;
    let mut kept = Vec::new();
    for evidence in raw.evidences.iter().take(LIST_MAX) {
        match raw::compact(evidence.get(), raw::JSON_BYTES_MAX) {
            Some(json) => kept.push(json.into()),
            None => draft.marks.cut = true,
        }
    }
    kept
}

fn unmapped(raw: &RawAlert<'_>, draft: &mut Draft<'_>) -> Option<Box<str>> {
    let (json, cut) = raw.unmapped.json();
    draft.marks.cut |= cut;
    json.map(Into::into)
}
