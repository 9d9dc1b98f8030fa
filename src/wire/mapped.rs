//! A vendor's record to an alert in the making, as its profile says.

use super::build::{Draft, Refused, split};
use super::canonical;
use super::profile::{ObservableMap, Profile};
use super::reject::RejectReason;
use super::times;
use super::walk::Values;
use crate::config::Limits;
use crate::model::{EventTime, TimeFrom, Timestamp};

/// Reads `text`, which is one JSON object that passed the scan.
pub fn read(profile: &Profile, text: &str, limits: &Limits) -> Result<Draft, Refused> {
    let values = profile.trie.walk(text).map_err(|error| Refused::new(RejectReason::NotJson, error.to_string()))?;
    if let Some((slot, wanted)) = profile.only.iter().find(|(slot, wanted)| values.first(&[*slot]) != Some(wanted)) {
        let is = values.first(&[*slot]).unwrap_or("missing");
        let detail = format!("an alert of {} says `{wanted}` where this record says `{is}`", profile.name);
        return Err(Refused::new(RejectReason::NotAnAlert, detail));
    }
    let mut draft = Draft::new(limits);
    head(&mut draft, profile, &values)?;
    for map in &profile.entities {
        for value in values.all(map.slot) {
            draft.entity(map.kind, map.role, value);
        }
    }
    for map in &profile.observables {
        observables(&mut draft, map, &values);
    }
    attacks(&mut draft, profile, &values);
    draft.cut |= values.cut;
    Ok(draft)
}

fn head(draft: &mut Draft, profile: &Profile, values: &Values<'_>) -> Result<(), Refused> {
    let fields = &profile.fields;
    draft.title = values
        .first(&fields.title)
        .and_then(canonical::plain)
        .ok_or_else(|| Refused::new(RejectReason::MissingField, format!("{}: no title", profile.name)))?;
    draft.time = fields.time.iter().flat_map(|slot| values.all(*slot)).find_map(|raw| time(raw)).map(from_field);
    draft.severity = values.first(&fields.severity).map_or(profile.severity_default, |raw| profile.severity(raw));
    draft.source.vendor.clone_from(&profile.vendor);
    draft.source.product.clone_from(&profile.product);
    draft.source.category.clone_from(&profile.category);
    draft.source.instance = draft.maybe_text(values.first(&fields.instance)).map(Into::into);
    draft.description = draft.maybe_text(values.first(&fields.description));
    draft.alert_uid = draft.maybe_text(values.first(&fields.alert_uid));
    draft.source_ref = draft.maybe_text(values.first(&fields.source_ref));
    draft.rule_uid = draft.maybe_text(values.first(&fields.rule_uid));
    draft.rule_name = draft.maybe_text(values.first(&fields.rule_name));
    draft.rule_version = draft.maybe_text(values.first(&fields.rule_version));
    draft.tenant = values.first(&fields.tenant).map(str::to_owned);
    for slot in &fields.tags {
        for tag in values.all(*slot) {
            let tag = draft.bounded(tag);
            draft.tags.push(tag);
        }
    }
    Ok(())
}

fn from_field(at: Timestamp) -> EventTime {
    EventTime { at, from: TimeFrom::Field }
}

fn time(raw: &str) -> Option<Timestamp> {
    times::text(raw).or_else(|| raw.parse().ok().and_then(times::epoch))
}

fn observables(draft: &mut Draft, map: &ObservableMap, values: &Values<'_>) {
    for raw in values.all(map.slot) {
        for value in split(raw, map.split) {
            if !map.skip_prefix.iter().any(|prefix| value.starts_with(prefix.as_str())) {
                draft.observable(map.kind, map.role, value);
            }
        }
    }
}

fn attacks(draft: &mut Draft, profile: &Profile, values: &Values<'_>) {
    let all = |slots: &[usize]| -> Vec<&str> {
        slots.iter().flat_map(|slot| values.all(*slot)).map(|value| &**value).collect()
    };
    // Products list tactics and techniques side by side without saying which belongs to which.
    for technique in all(&profile.fields.techniques) {
        draft.attack(None, Some(technique));
    }
    for tactic in all(&profile.fields.tactics) {
        draft.attack(Some(tactic), None);
    }
}
