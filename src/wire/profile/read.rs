//! A record to an alert, by a profile: one walk, then each field from where the profile says it lies.

use std::borrow::Cow;
use std::sync::Arc;

use super::compile::{AttackMap, Condition, EntityRule, Field, ObservableRule, Profile, SeverityMap};
use super::trie::{Found, Scalar};
use crate::model::{
    Activity, Alert, AlertId, Attack, Correlation, EventTime, ObservableKind, Rule, Severity, Source, TimeFrom,
    Timestamp,
};
use crate::wire::canonical::{code, text};
use crate::wire::decode::{Beside, Context, Draft, Refused, RejectReason};
use crate::wire::times::{self, Frame, TimeFormat};

/// Tags of one alert that are kept.
const TAGS_MAX: usize = 64;
const ATTACKS_MAX: usize = 32;

pub(super) fn read(profile: &Profile, raw: &str, context: &Context<'_>) -> Result<Alert, Refused> {
    let found = profile.trie.walk(raw).map_err(|error| Refused::new(RejectReason::BadValue, error.to_string()))?;
    if let Some(condition) = profile.accept.as_ref().filter(|condition| !holds(condition, &found)) {
        let wanted = condition.equals.join(" or ");
        return Err(Refused::new(RejectReason::NotAnAlert, format!("{} is not {wanted}", condition.path)));
    }
    let fields = &profile.fields;
    let tenant = context.tenant(first(&found, &fields.tenant).as_deref())?;
    let mut draft = Draft::new(context.limits);
    draft.marks.cut = found.cut;
    let rule_name = first(&found, &fields.rule_name);
    let title = first(&found, &fields.title).or_else(|| rule_name.clone()).ok_or_else(|| Refused::missing("title"))?;
    let title: Arc<str> = draft.line(&title);
    gather(profile, &found, &mut draft);
    Ok(Alert {
        id: AlertId(0),
        tenant,
        origin: context.origin.clone(),
        event_time: event_time(profile, &found, context)?,
        recorded_at: context.record.timestamp,
        description: first(&found, &fields.description).map(|raw| draft.prose(&raw)),
        severity: severity(&profile.severity, &found),
        confidence: score(&found, &fields.confidence),
        risk_score: score(&found, &fields.risk_score),
        source: source(profile, &found, &mut draft),
        alert_uid: first(&found, &fields.alert_uid).map(|raw| draft.line(&raw)),
        source_ref: reference(&found, &fields.reference).map(|raw| draft.line(&raw)),
        rule: rule(profile, &found, &mut draft, rule_name.as_deref(), &title),
        attacks: attacks(&profile.attack, &found, &mut draft),
        activity: Activity::Create,
        revision: 0,
        dedup_key: None,
        labels: Vec::new(),
        tags: tags(&found, &fields.tags, &mut draft),
        tlp: None,
        pap: None,
        correlation: Correlation::default(),
        links: Vec::new(),
        evidences: Vec::new(),
        unmapped: None,
        profile: Arc::clone(&profile.name),
        title,
        observables: draft.observables,
        entities: draft.entities,
        marks: draft.marks,
    })
}

/// The first value of a field's alternatives that is one.
fn first<'f>(found: &'f Found<'_>, field: &'f Field) -> Option<Cow<'f, str>> {
    values(found, field).map(Scalar::text).find(|value| !text::is_placeholder(value))
}

fn values<'f, 'a>(found: &'f Found<'a>, field: &'f Field) -> impl Iterator<Item = &'f Scalar<'a>> {
    field.iter().flat_map(|slot| found.all(*slot))
}

fn holds(condition: &Condition, found: &Found<'_>) -> bool {
    found.all(condition.slot).any(|value| condition.equals.iter().any(|word| word.eq_ignore_ascii_case(&value.text())))
}

fn event_time(profile: &Profile, found: &Found<'_>, context: &Context<'_>) -> Result<EventTime, Refused> {
    let recorded = context.record.timestamp.filter(|at| times::in_range(*at));
    let frame = Frame { near: recorded, ..Frame::default() };
    if let Some(at) = values(found, &profile.time).find_map(|value| time(value, &profile.time_formats, &frame)) {
        return Ok(EventTime { at, from: TimeFrom::Field });
    }
    let at =
        recorded.ok_or_else(|| Refused::new(RejectReason::BadTime, "neither the alert nor its record has a time"))?;
    Ok(EventTime { at, from: TimeFrom::Record })
}

fn time(value: &Scalar<'_>, formats: &[TimeFormat], frame: &Frame) -> Option<Timestamp> {
    formats.iter().find_map(|format| format.read(&value.text(), frame))
}

fn severity(map: &SeverityMap, found: &Found<'_>) -> Severity {
    values(found, &map.field).find_map(|value| known_severity(map, value)).unwrap_or_default()
}

fn known_severity(map: &SeverityMap, value: &Scalar<'_>) -> Option<Severity> {
    let word = value.text();
    if let Some((_, severity)) = map.words.iter().find(|(known, _)| known.eq_ignore_ascii_case(word.trim())) {
        return Some(*severity);
    }
    let number = value.number()?;
    map.steps.iter().rev().find(|(from, _)| *from as f64 <= number).map(|(_, severity)| *severity)
}

/// 0 to 100; what lies outside says nothing we could show.
fn score(found: &Found<'_>, field: &Field) -> Option<u8> {
    let number = values(found, field).find_map(Scalar::number)?;
    (0.0..=100.0).contains(&number).then(|| number.round() as u8)
}

fn source(profile: &Profile, found: &Found<'_>, draft: &mut Draft<'_>) -> Source {
    let instance = first(found, &profile.fields.instance).map(|raw| draft.line(&raw));
    Source { instance, ..profile.source.clone() }
}

/// The parts joined; without the first of them the others do not name one alert.
fn reference(found: &Found<'_>, field: &Field) -> Option<String> {
    let (name, _) = field.split_first()?;
    found.all(*name).next()?;
    let parts: Vec<Cow<'_, str>> =
        field.iter().map(|slot| found.all(*slot).next().map(Scalar::text).unwrap_or_default()).collect();
    Some(parts.join("/"))
}

fn rule(profile: &Profile, found: &Found<'_>, draft: &mut Draft<'_>, name: Option<&str>, title: &Arc<str>) -> Rule {
    let name: Arc<str> = name.map_or_else(|| Arc::clone(title), |name| draft.line(name));
    let uid = first(found, &profile.fields.rule_uid).map_or_else(|| Arc::clone(&name), |uid| draft.line(&uid));
    let version = first(found, &profile.fields.rule_version).map(|raw| draft.line(&raw));
    Rule { uid, name, version }
}

fn attacks(map: &AttackMap, found: &Found<'_>, draft: &mut Draft<'_>) -> Vec<Attack> {
    let word = |raw: &str| map.words.iter().find(|(word, _)| word.eq_ignore_ascii_case(raw)).map(|(_, tactic)| *tactic);
    let tactic = |value: &Scalar<'_>| word(value.text().trim()).or_else(|| code::tactic(&value.text())).map(Arc::from);
    let tactics: Vec<Arc<str>> = values(found, &map.tactics).filter_map(tactic).collect();
    let technique = |value: &Scalar<'_>| code::technique(&value.text()).map(Arc::from);
    let techniques: Vec<Arc<str>> = values(found, &map.techniques).filter_map(technique).collect();
    draft.marks.cut |= tactics.len() + techniques.len() > ATTACKS_MAX;
    // Lists of several do not say which belongs to which; one of each does.
    if let ([tactic], [technique]) = (tactics.as_slice(), techniques.as_slice()) {
        return vec![Attack { tactic: Some(Arc::clone(tactic)), technique: Some(Arc::clone(technique)) }];
    }
    let tactics = tactics.into_iter().map(|tactic| Attack { tactic: Some(tactic), technique: None });
    let techniques = techniques.into_iter().map(|technique| Attack { tactic: None, technique: Some(technique) });
    let mut attacks: Vec<Attack> = tactics.chain(techniques).take(ATTACKS_MAX).collect();
    attacks.sort();
    attacks.dedup();
    attacks
}

fn tags(found: &Found<'_>, field: &Field, draft: &mut Draft<'_>) -> Vec<Box<str>> {
    draft.marks.cut |= values(found, field).count() > TAGS_MAX;
    values(found, field).take(TAGS_MAX).map(|value| draft.line(&value.text())).collect()
}

fn gather(profile: &Profile, found: &Found<'_>, draft: &mut Draft<'_>) {
    for rule in &profile.entities {
        if rule.when.as_ref().is_none_or(|condition| holds(condition, found)) {
            name_entities(rule, found, draft);
        }
    }
    for rule in &profile.observables {
        if rule.when.as_ref().is_none_or(|condition| holds(condition, found)) {
            observe(rule, found, draft);
        }
    }
}

fn name_entities(rule: &EntityRule, found: &Found<'_>, draft: &mut Draft<'_>) {
    let domain = first(found, &rule.domain);
    let beside = Beside { domain: domain.as_deref(), ..Beside::default() };
    for value in values(found, &rule.field) {
        draft.name(rule.kind, &value.text(), rule.role, &beside);
    }
}

fn observe(rule: &ObservableRule, found: &Found<'_>, draft: &mut Draft<'_>) {
    for value in values(found, &rule.field) {
        let raw = value.text();
        match &rule.split {
            Some(separator) => raw.split(separator.as_str()).for_each(|item| observe_item(rule, item, found, draft)),
            None => observe_item(rule, &raw, found, draft),
        }
    }
}

fn observe_item(rule: &ObservableRule, item: &str, found: &Found<'_>, draft: &mut Draft<'_>) {
    let Some(value) = item_value(rule, item) else { return };
    for kind in &rule.kinds {
        let raw = if *kind == ObservableKind::Url { whole_url(rule, value, found) } else { Cow::Borrowed(value) };
        if draft.observe(*kind, &raw, rule.role) {
            return;
        }
    }
}

/// The value of `name=value` if the rule takes that name; any item where it names none.
fn item_value<'i>(rule: &ObservableRule, item: &'i str) -> Option<&'i str> {
    if rule.pairs.is_empty() {
        return Some(item);
    }
    let (name, value) = item.split_once('=')?;
    rule.pairs.iter().any(|wanted| wanted.eq_ignore_ascii_case(name.trim())).then_some(value)
}

/// Sensors report the path of a request apart from its host.
fn whole_url<'i>(rule: &ObservableRule, value: &'i str, found: &Found<'_>) -> Cow<'i, str> {
    match first(found, &rule.base) {
        Some(host) if value.starts_with('/') => Cow::Owned(format!("http://{host}{value}")),
        Some(_) | None => Cow::Borrowed(value),
    }
}
