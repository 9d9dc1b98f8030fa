//! An alert as JSON, in two sizes: whole in the native shape (for `normalize` and the readers of segments, so that what
//! comes out can go in again), and bounded, for the events that tell of it.

use std::collections::BTreeMap;

use super::json::{self, ListNames, Object, object};
use crate::model::{Alert, AlertLink, Attack, Correlation, Entity, Label, Marks, Observable, Origin, Rule, Source};

const ATTACKS: ListNames = ListNames { items: "attacks", total: "attacks_total" };
const ENTITIES: ListNames = ListNames { items: "entities", total: "entities_total" };
const OBSERVABLES: ListNames = ListNames { items: "observables", total: "observables_total" };

/// Appends the whole alert in the native shape, with its canonical values and what decoding added: `alert_id`,
/// `marks`, `tenant`, `time_from`.
pub fn write(alert: &Alert, out: &mut Vec<u8>) {
    object(out, |o| {
        o.text("activity", alert.activity.label());
        o.id("alert_id", &alert.id);
        whole(o, "alert_uid", alert.alert_uid.as_deref());
        if !alert.attacks.is_empty() {
            o.list("attacks", &alert.attacks, attack);
        }
        maybe_uint(o, "confidence", alert.confidence);
        correlation(o, &alert.correlation);
        whole(o, "dedup_key", alert.dedup_key.as_deref());
        whole(o, "description", alert.description.as_deref());
        o.list("entities", &alert.entities, entity_whole);
        o.time("event_time", alert.event_time.at);
        native_from_evidences(o, alert);
    });
}

/// The second half of the alphabet.
fn native_from_evidences(o: &mut Object<'_>, alert: &Alert) {
    if !alert.evidences.is_empty() {
        o.list("evidences", &alert.evidences, |evidence, out| out.extend_from_slice(evidence.as_bytes()));
    }
    if !alert.labels.is_empty() {
        labels(&alert.labels, o.key("labels"));
    }
    if !alert.links.is_empty() {
        o.list("links", &alert.links, link);
    }
    marks(o, alert.marks);
    o.list("observables", &alert.observables, observable_whole);
    whole(o, "pap", alert.pap.as_deref());
    maybe_uint(o, "risk_score", alert.risk_score);
    o.object("rule", |o| rule(o, &alert.rule));
    o.text("schema_version", "1.0");
    native_from_severity(o, alert);
}

fn native_from_severity(o: &mut Object<'_>, alert: &Alert) {
    o.text("severity", alert.severity.label());
    o.uint("severity_id", alert.severity.id().into());
    o.object("source", |o| source(o, &alert.source));
    whole(o, "source_ref", alert.source_ref.as_deref());
    if !alert.tags.is_empty() {
        o.list("tags", &alert.tags, |tag, out| json::string(tag, out));
    }
    o.text("tenant", alert.tenant.as_str());
    o.text("time_from", alert.event_time.from.label());
    whole(o, "title", Some(&alert.title));
    whole(o, "tlp", alert.tlp.as_deref());
    if let Some(unmapped) = &alert.unmapped {
        o.key("unmapped").extend_from_slice(unmapped.as_bytes());
    }
    if alert.revision != 0 {
        o.int("updated_time", alert.revision);
    }
}

/// What an event tells of its alert. `late` is known where the alert has just been placed.
pub(super) fn summary(o: &mut Object<'_>, alert: &Alert, late: Option<bool>) {
    o.bounded_list(ATTACKS, &alert.attacks, alert.attacks.len() as u64, attack);
    o.bounded_list(ENTITIES, &alert.entities, alert.entities.len() as u64, entity);
    o.time("event_time", alert.event_time.at);
    o.id("id", &alert.id);
    if let Some(late) = late {
        o.flag("late", late);
    }
    marks(o, alert.marks);
    o.bounded_list(OBSERVABLES, &alert.observables, alert.observables.len() as u64, observable);
    o.object("origin", |o| origin(o, &alert.origin));
    o.object("rule", |o| rule(o, &alert.rule));
    o.uint("severity_id", alert.severity.id().into());
    o.object("source", |o| source(o, &alert.source));
    o.text("time_from", alert.event_time.from.label());
    o.text("title", &alert.title);
}

/// The members of a source position; `index` only where the record carried several elements.
pub(super) fn origin(o: &mut Object<'_>, origin: &Origin) {
    if origin.index > 0 {
        o.uint("index", origin.index.into());
    }
    o.int("offset", origin.offset);
    o.int("partition", origin.partition.into());
    o.text("topic", origin.topic.as_str());
}

pub(super) fn attack(attack: &Attack, out: &mut Vec<u8>) {
    object(out, |o| attack_members(o, attack));
}

pub(super) fn attack_members(o: &mut Object<'_>, attack: &Attack) {
    o.maybe_text("tactic_uid", attack.tactic.as_deref());
    o.maybe_text("technique_uid", attack.technique.as_deref());
}

fn entity(entity: &Entity, out: &mut Vec<u8>) {
    object(out, |o| {
        o.maybe_text("domain", entity.domain.as_deref());
        o.text("id", &entity.id);
        o.text("kind", entity.kind.label());
        o.maybe_text("name", entity.name.as_deref());
        o.text("role", entity.role.label());
    });
}

fn entity_whole(entity: &Entity, out: &mut Vec<u8>) {
    object(out, |o| {
        o.uint("criticality", entity.criticality.into());
        whole(o, "domain", entity.domain.as_deref());
        whole(o, "id", Some(&entity.id));
        o.text("kind", entity.kind.label());
        whole(o, "name", entity.name.as_deref());
        o.text("role", entity.role.label());
        whole(o, "site", entity.site.as_deref());
    });
}

fn observable(observable: &Observable, out: &mut Vec<u8>) {
    object(out, |o| {
        o.flag("ioc", observable.ioc);
        o.text("role", observable.role.label());
        o.text("type", observable.kind.label());
        o.text("value", &observable.value);
    });
}

fn observable_whole(observable: &Observable, out: &mut Vec<u8>) {
    object(out, |o| {
        if observable.ignore_correlation {
            o.flag("ignore_correlation", true);
        }
        if observable.ioc {
            o.flag("ioc", true);
        }
        o.text("role", observable.role.label());
        if !observable.tags.is_empty() {
            o.list("tags", &observable.tags, |tag, out| json::string(tag, out));
        }
        o.text("type", observable.kind.label());
        whole(o, "value", Some(&observable.value));
    });
}

fn rule(o: &mut Object<'_>, rule: &Rule) {
    o.text("name", &rule.name);
    o.text("uid", &rule.uid);
    o.maybe_text("version", rule.version.as_deref());
}

fn source(o: &mut Object<'_>, source: &Source) {
    o.maybe_text("instance", source.instance.as_deref());
    o.text("product", &source.product);
    o.maybe_text("type", source.category.as_deref());
    o.maybe_text("vendor", source.vendor.as_deref());
}

/// Absent unless the sender wished for something.
fn correlation(o: &mut Object<'_>, wish: &Correlation) {
    if *wish == Correlation::default() {
        return;
    }
    o.object("correlation", |o| {
        o.flag("exclude", wish.exclude);
        whole(o, "group_key", wish.group_key.as_deref());
        o.flag("no_merge", wish.no_merge);
    });
}

fn marks(o: &mut Object<'_>, marks: Marks) {
    let Marks { clamped, cut } = marks;
    let named: Vec<_> = [(clamped, "clamped"), (cut, "cut")].into_iter().filter(|(set, _)| *set).collect();
    o.list("marks", &named, |(_, name), out| json::string(name, out));
}

/// An object in the order of the names; of a name that comes twice, the last value.
fn labels(labels: &[Label], out: &mut Vec<u8>) {
    let named: BTreeMap<&str, &str> = labels.iter().map(|label| (&*label.name, &*label.value)).collect();
    out.push(b'{');
    for (at, (name, value)) in named.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        json::string(name, out);
        out.push(b':');
        json::string(value, out);
    }
    out.push(b'}');
}

fn link(link: &AlertLink, out: &mut Vec<u8>) {
    object(out, |o| {
        whole(o, "title", link.title.as_deref());
        whole(o, "url", Some(&link.url));
    });
}

/// Text that is not cut: decoding has bounded it, and what is written here must be able to come back.
fn whole(o: &mut Object<'_>, name: &'static str, value: Option<&str>) {
    if let Some(value) = value {
        json::string(value, o.key(name));
    }
}

fn maybe_uint(o: &mut Object<'_>, name: &'static str, value: Option<u8>) {
    if let Some(value) = value {
        o.uint(name, value.into());
    }
}
