//! The current view of a case, for dashboards: one JSON object with every member always there, so that a reader needs
//! no defaults. Lists hold at most 100 items and say how many there are.

use super::alert_json;
use super::event::{intel_match, priority};
use super::json::{self, ListNames, Object, object};
use crate::model::{CaseView, Counted, EdgeView, KeyKind, MergedFrom, RelatedCase};

const ATTACKS: ListNames = ListNames { items: "attacks", total: "attacks_total" };
const EDGES: ListNames = ListNames { items: "edges", total: "edges_total" };
const ENTITIES: ListNames = ListNames { items: "entities", total: "entities_total" };
const INTEL_MATCHES: ListNames = ListNames { items: "intel_matches", total: "intel_matches_total" };
const MERGED_FROM: ListNames = ListNames { items: "merged_from", total: "merged_from_total" };
const OBSERVABLES: ListNames = ListNames { items: "observables", total: "observables_total" };
const PARTS: ListNames = ListNames { items: "parts", total: "parts_total" };
const RELATED: ListNames = ListNames { items: "related", total: "related_total" };
const RULES: ListNames = ListNames { items: "rules", total: "rules_total" };
const SOURCES: ListNames = ListNames { items: "sources", total: "sources_total" };

/// Appends the view as JSON of at most 256 KiB.
pub fn encode(view: &CaseView, out: &mut Vec<u8>) {
    object(out, |o| {
        o.time_or_null("acknowledged_at", view.acknowledged_at);
        o.uint("alert_count", view.alert_count);
        o.bounded_list(ATTACKS, &view.attacks.items, view.attacks.total, |attack, out| {
            counted(attack, out, |o| alert_json::attack_members(o, &attack.value));
        });
        o.hex("audit_head", &view.audit_head);
        o.id("case_id", &view.id);
        o.time_or_null("closed_at", view.closed_at);
        o.time_or_null("contained_at", view.contained_at);
        o.uint("duplicate_count", view.duplicate_count);
        from_edges(o, view);
        from_observables(o, view);
        from_rolled_up(o, view);
    });
}

fn from_edges(o: &mut Object<'_>, view: &CaseView) {
    o.bounded_list(EDGES, &view.edges.items, view.edges.total, edge);
    o.bounded_list(ENTITIES, &view.entities.items, view.entities.total, |entity, out| {
        let (kind, id, role) = &entity.value;
        counted(entity, out, |o| {
            o.text("id", id);
            o.text("kind", kind.label());
            o.text("role", role.label());
        });
    });
    o.time("first_event_at", view.first_event_at);
    id_or_null(o, "follows", view.follows.as_ref());
    o.bounded_list(INTEL_MATCHES, &view.intel_matches.items, view.intel_matches.total, |found, out| {
        object(out, |o| intel_match(o, found));
    });
    o.time("last_event_at", view.last_event_at);
    o.object("links_summary", |o| {
        o.uint("edges", view.edges.total);
        o.uint("related", view.related.total);
    });
    o.bounded_list(MERGED_FROM, &view.merged_from, view.merged_from.len() as u64, merged_from);
    id_or_null(o, "merged_into", view.merged_into.as_ref());
}

fn from_observables(o: &mut Object<'_>, view: &CaseView) {
    o.bounded_list(OBSERVABLES, &view.observables.items, view.observables.total, |observable, out| {
        let (kind, value, role) = &observable.value;
        counted(observable, out, |o| {
            o.text("role", role.label());
            o.text("type", kind.label());
            o.text("value", value);
        });
    });
    o.time("opened_at", view.opened_at);
    o.text_or_null("owner", view.owner.as_deref());
    o.bounded_list(PARTS, &view.parts.items, view.parts.total, |part, out| json::uint(part.0, out));
    o.object("priority", |o| priority(o, &view.priority));
    o.bounded_list(RELATED, &view.related.items, view.related.total, related);
    o.time_or_null("resolved_at", view.resolved_at);
}

fn from_rolled_up(o: &mut Object<'_>, view: &CaseView) {
    o.flag("roll_up", view.roll_up);
    o.uint("rolled_up_count", view.rolled_up_count);
    o.bounded_list(RULES, &view.rules.items, view.rules.total, |rule, out| {
        let (uid, name) = &rule.value;
        counted(rule, out, |o| {
            o.text("name", name);
            o.text("uid", uid);
        });
    });
    o.uint("seq", view.seq);
    o.text("severity", view.severity.label());
    o.uint("severity_id", view.severity.id().into());
    o.bounded_list(SOURCES, &view.sources.items, view.sources.total, |source, out| {
        counted(source, out, |o| o.text("product", &source.value));
    });
    // The fixed stage; a custom label on it, once there are any, will be the status.
    o.text("stage", view.status.label());
    o.text("status", view.status.label());
    o.text_or_null("team", view.team.as_deref());
    o.text("tenant_id", view.id.tenant.as_str());
    o.text("title", &view.title);
    o.text_or_null("verdict", view.verdict.map(crate::model::Verdict::label));
}

fn id_or_null(o: &mut Object<'_>, name: &'static str, id: Option<&crate::model::CaseId>) {
    match id {
        Some(id) => o.id(name, id),
        None => o.null(name),
    }
}

/// `count`, and then the members of what was counted, whose names all come after it.
fn counted<T>(item: &Counted<T>, out: &mut Vec<u8>, members: impl FnOnce(&mut Object<'_>)) {
    object(out, |o| {
        o.uint("count", item.count);
        members(o);
    });
}

pub(super) fn edge(edge: &EdgeView, out: &mut Vec<u8>) {
    object(out, |o| edge_members(o, edge));
}

pub(super) fn edge_members(o: &mut Object<'_>, edge: &EdgeView) {
    o.uint("from", edge.from.0);
    o.uint("id", edge.id.0);
    o.list("keys", &edge.keys, key);
    o.uint("strength", edge.strength_permille.into());
    o.uint("to", edge.to.0);
}

/// Where there is no room for what it rests on.
pub(super) fn edge_without_keys(o: &mut Object<'_>, edge: &EdgeView) {
    o.uint("from", edge.from.0);
    o.uint("id", edge.id.0);
    o.uint("strength", edge.strength_permille.into());
    o.uint("to", edge.to.0);
}

pub(super) fn related(related: &RelatedCase, out: &mut Vec<u8>) {
    object(out, |o| {
        o.id("case_id", &related.case);
        o.list("keys", &related.keys, key);
        o.uint("strength", related.strength_permille.into());
    });
}

pub(super) fn merged_from(merged: &MergedFrom, out: &mut Vec<u8>) {
    object(out, |o| {
        o.time("at", merged.at);
        o.id("case_id", &merged.case);
        o.uint("edge", merged.edge.0);
    });
}

fn key((kind, value): &(KeyKind, std::sync::Arc<str>), out: &mut Vec<u8>) {
    object(out, |o| {
        o.text("kind", kind.label());
        o.text("value", value);
    });
}
