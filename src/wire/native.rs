//! The native alert (`schema_version` 1.x): read into borrowed structs in one pass, then checked into the model.

mod fields;

use std::borrow::Cow;

use self::fields::{Labels, RawAlert, RawAttack, RawCorrelation, RawEntity, RawLink, RawObservable, RawRule, Scalar};
use super::build::{Draft, Refused, number_to_percent};
use super::reject::RejectReason;
use super::times;
use crate::config::Limits;
use crate::model::{
    Activity, AlertLink, Correlation, EntityKind, EventTime, Label, ObservableKind, Role, Severity, TimeFrom, Timestamp,
};

const UNMAPPED_BYTES_MAX: usize = 4_096;
/// Labels, tags, links, evidences and attacks kept of one alert.
const LIST_MAX: usize = 64;

/// Reads `text`, which is one JSON object that passed the scan.
pub fn read(text: &str, limits: &Limits) -> Result<Draft, Refused> {
    let raw: RawAlert<'_> =
        serde_json::from_str(text).map_err(|error| Refused::new(RejectReason::BadValue, error.to_string()))?;
    let mut draft = Draft::new(limits);
    check_version(raw.schema_version.as_deref())?;
    head(&mut draft, &raw)?;
    rule_and_attacks(&mut draft, &raw);
    for observable in &raw.observables {
        read_observable(&mut draft, observable)?;
    }
    for entity in &raw.entities {
        read_entity(&mut draft, entity)?;
    }
    tail(&mut draft, raw);
    Ok(draft)
}

fn check_version(version: Option<&str>) -> Result<(), Refused> {
    match version {
        // Absent means the current one: a sender by hand should not fail on ceremony.
        None => Ok(()),
        Some(version) if version == "1" || version.starts_with("1.") => Ok(()),
        Some(version) => Err(Refused::new(RejectReason::BadSchemaVersion, format!("`{version}`, known is 1.x"))),
    }
}

fn head(draft: &mut Draft, raw: &RawAlert<'_>) -> Result<(), Refused> {
    draft.title = required("title", raw.title.as_deref())?;
    let source = raw.source.as_ref().ok_or_else(|| missing("source.product"))?;
    draft.source.product = required("source.product", source.product.as_deref())?.into();
    draft.source.vendor = draft.maybe_text(source.vendor.as_deref()).map(Into::into);
    draft.source.category = draft.maybe_text(source.category.as_deref()).map(Into::into);
    draft.source.instance = draft.maybe_text(source.instance.as_deref()).map(Into::into);
    let time = raw.event_time.as_ref().ok_or_else(|| missing("event_time"))?;
    draft.time = Some(EventTime { at: event_time("event_time", time)?, from: TimeFrom::Field });
    draft.severity = severity(raw)?;
    draft.tenant = raw.tenant.as_deref().map(str::to_owned);
    draft.alert_uid = draft.maybe_text(raw.alert_uid.as_deref());
    draft.source_ref = draft.maybe_text(raw.source_ref.as_deref());
    draft.dedup_key = draft.maybe_text(raw.dedup_key.as_deref());
    draft.description = draft.maybe_text(raw.description.as_deref());
    draft.confidence = raw.confidence.map(number_to_percent);
    draft.risk_score = raw.risk_score.map(number_to_percent);
    draft.activity = match raw.activity.as_deref() {
        None => Activity::Create,
        Some(word) => {
            Activity::from_label(word).ok_or_else(|| Refused::value("activity", word, "create, update or close"))?
        }
    };
    draft.revision = match &raw.updated {
        None => 0,
        Some(updated) => event_time("updated", updated)?.millis(),
    };
    Ok(())
}

fn required(field: &str, value: Option<&str>) -> Result<String, Refused> {
    value.and_then(super::canonical::plain).ok_or_else(|| missing(field))
}

fn missing(field: &str) -> Refused {
    Refused::new(RejectReason::MissingField, format!("`{field}` is required"))
}

fn event_time(field: &str, raw: &Scalar<'_>) -> Result<Timestamp, Refused> {
    let at = match raw {
        Scalar::Text(text) => times::text(text),
        Scalar::Integer(millis) => times::epoch_millis(*millis),
        Scalar::Other => None,
    };
    at.ok_or_else(|| Refused::new(RejectReason::BadTime, format!("`{field}` is RFC 3339 or epoch milliseconds")))
}

fn severity(raw: &RawAlert<'_>) -> Result<Severity, Refused> {
    match (raw.severity_id, raw.severity.as_deref()) {
        (Some(id), _) => {
            let known = u8::try_from(id).ok().and_then(Severity::from_id);
            known.ok_or_else(|| Refused::value("severity_id", &id.to_string(), "0 to 6"))
        }
        (None, Some(word)) => {
            let known = Severity::from_label(&word.to_ascii_lowercase());
            known.ok_or_else(|| Refused::value("severity", word, "unknown, informational, low … fatal"))
        }
        (None, None) => Ok(Severity::Unknown),
    }
}

fn rule_and_attacks(draft: &mut Draft, raw: &RawAlert<'_>) {
    if let Some(RawRule { uid, name, version }) = &raw.rule {
        draft.rule_uid = draft.maybe_text(uid.as_deref());
        draft.rule_name = draft.maybe_text(name.as_deref());
        draft.rule_version = draft.maybe_text(version.as_deref());
    }
    for RawAttack { tactic_uid, technique_uid } in raw.attacks.iter().take(LIST_MAX) {
        draft.attack(tactic_uid.as_deref(), technique_uid.as_deref());
    }
    draft.cut |= raw.attacks.len() > LIST_MAX;
}

fn read_observable(draft: &mut Draft, raw: &RawObservable<'_>) -> Result<(), Refused> {
    let word = raw.kind.as_deref().ok_or_else(|| missing("observables[].type"))?;
    let kind = ObservableKind::from_label(word).unwrap_or(ObservableKind::Other);
    let role = role("observables[].role", raw.role.as_deref(), Role::Peer)?;
    let value = raw.value.as_deref().ok_or_else(|| missing("observables[].value"))?;
    if let Some(observable) = draft.observable(kind, role, value) {
        observable.ioc = raw.ioc;
        observable.ignore_correlation = raw.ignore_correlation;
        observable.tags = raw.tags.iter().map(|tag| super::canonical::text(tag).into()).collect();
    }
    Ok(())
}

fn read_entity(draft: &mut Draft, raw: &RawEntity<'_>) -> Result<(), Refused> {
    let word = raw.kind.as_deref().ok_or_else(|| missing("entities[].kind"))?;
    let kind = EntityKind::from_label(word).unwrap_or(EntityKind::Other);
    let role = role("entities[].role", raw.role.as_deref(), Role::Asset)?;
    let value = raw.id.as_deref().or(raw.name.as_deref()).ok_or_else(|| missing("entities[].id"))?;
    let name = draft.maybe_text(raw.name.as_deref());
    let domain = draft.maybe_text(raw.domain.as_deref());
    let site = draft.maybe_text(raw.site.as_deref());
    if let Some(entity) = draft.entity(kind, role, value) {
        entity.name = name.or(entity.name.take());
        entity.domain = domain.or(entity.domain.take());
        entity.site = site;
        entity.criticality = raw.criticality.min(4);
    }
    Ok(())
}

fn role(field: &str, word: Option<&str>, default: Role) -> Result<Role, Refused> {
    match word {
        None => Ok(default),
        // Who attacks is who acts.
        Some("attacker") => Ok(Role::Actor),
        Some(word) => Role::from_label(word)
            .ok_or_else(|| Refused::value(field, word, "asset, actor, source, destination, target, peer or context")),
    }
}

fn tail(draft: &mut Draft, raw: RawAlert<'_>) {
    draft.tlp = draft.maybe_text(raw.tlp.as_deref());
    draft.pap = draft.maybe_text(raw.pap.as_deref());
    let RawCorrelation { group_key, exclude, no_merge } = raw.correlation.unwrap_or_default();
    draft.correlation = Correlation { group_key: draft.maybe_text(group_key.as_deref()), exclude, no_merge };
    let Labels(labels) = raw.labels;
    draft.cut |= labels.len().max(raw.tags.len()).max(raw.links.len()).max(raw.evidences.len()) > LIST_MAX;
    for (name, value) in labels.iter().take(LIST_MAX) {
        let label = Label { name: draft.bounded(name), value: draft.bounded(value) };
        draft.labels.push(label);
    }
    for tag in raw.tags.iter().take(LIST_MAX) {
        let tag = draft.bounded(tag);
        draft.tags.push(tag);
    }
    for RawLink { title, url } in raw.links.iter().take(LIST_MAX) {
        let link = AlertLink { title: draft.maybe_text(title.as_deref()), url: draft.bounded(url) };
        draft.links.push(link);
    }
    for evidence in raw.evidences.iter().take(LIST_MAX) {
        let evidence = compact(evidence.get());
        if evidence.len() <= draft.string_bytes_max() { draft.evidences.push(evidence) } else { draft.cut = true }
    }
    draft.unmapped = unmapped(draft, &raw.rest);
}

/// The unknown fields as one JSON object, as far as they fit.
fn unmapped(draft: &mut Draft, rest: &[(Cow<'_, str>, &serde_json::value::RawValue)]) -> Option<Box<str>> {
    let mut out = String::new();
    for (key, value) in rest {
        let Ok(key) = serde_json::to_string(key) else { continue };
        let value = compact(value.get());
        if out.len() + key.len() + value.len() + 3 > UNMAPPED_BYTES_MAX {
            draft.cut = true;
            continue;
        }
        out.push(if out.is_empty() { '{' } else { ',' });
        out.push_str(&key);
        out.push(':');
        out.push_str(&value);
    }
    (!out.is_empty()).then(|| (out + "}").into())
}

/// JSON text without the white space between its tokens.
fn compact(raw: &str) -> Box<str> {
    let mut out = String::with_capacity(raw.len());
    let (mut inside, mut escaped) = (false, false);
    for c in raw.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if inside => escaped = true,
            '"' => inside = !inside,
            ' ' | '\t' | '\n' | '\r' if !inside => continue,
            _ => {}
        }
        out.push(c);
    }
    out.into()
}
