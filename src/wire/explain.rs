//! Why a case is one, as JSON: parts, the edges that hold and those that do not, each with its evidence, what would break
//! the case apart, and what was asked about single alerts. Lists hold at most 100 items and say how many there are.

use super::event::link;
use super::json::{self, ListNames, Object, object};
use super::{alert_json, view};
use crate::engine::{
    EdgeCut, EdgeTold, EvidenceKey, EvidenceSet, Explanation, KeyCut, Named, PartCut, PartTold, Piece,
};
use crate::model::{Alert, AlertId, Link, ListView, MergedFrom, Outcome, PartId, RelatedCase};

const EDGES: ListNames = ListNames { items: "edges", total: "edges_total" };
const FALLEN: ListNames = ListNames { items: "fallen", total: "fallen_total" };
const KEPT_APART: ListNames = ListNames { items: "kept_apart", total: "kept_apart_total" };
const KEYS: ListNames = ListNames { items: "keys", total: "keys_total" };
const MERGED_FROM: ListNames = ListNames { items: "merged_from", total: "merged_from_total" };
const PARTS: ListNames = ListNames { items: "parts", total: "parts_total" };
const PIECES: ListNames = ListNames { items: "pieces", total: "pieces_total" };
const RELATED: ListNames = ListNames { items: "related", total: "related_total" };

/// What was asked beside the case itself.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Each as `alert` or `alert_told` wrote it.
    pub alerts: Vec<Vec<u8>>,
    /// Between the parts of two of them.
    pub path: Option<(PartId, PartId)>,
}

/// An alert with what became of it.
#[derive(Clone, Copy, Debug)]
pub struct Placed<'a> {
    pub alert: &'a Alert,
    pub outcome: Outcome,
    pub part: Option<PartId>,
    pub link: Option<&'a Link>,
    pub late: bool,
}

/// Appends the explanation.
pub fn encode(explanation: &Explanation, asked: &Asked, out: &mut Vec<u8>) {
    object(out, |o| {
        if !asked.alerts.is_empty() {
            o.list("alerts", &asked.alerts, |alert, out| out.extend_from_slice(alert));
        }
        o.id("case_id", &explanation.case);
        let holding: Vec<&EdgeTold> = explanation.holding().collect();
        o.answer_list(EDGES, &holding, holding.len() as u64, |told, out| edge(told, out));
        let fallen: Vec<&EdgeTold> = explanation.not_holding().collect();
        o.answer_list(FALLEN, &fallen, fallen.len() as u64, |told, out| edge(told, out));
        o.uint("holds_permille", explanation.holds_permille.into());
        let apart = &explanation.kept_apart;
        o.answer_list(KEPT_APART, apart, apart.len() as u64, |case, out| json::string(&case.to_string(), out));
        let merged: Vec<MergedFrom> = explanation.merged_from.iter().map(MergedFrom::from).collect();
        o.answer_list(MERGED_FROM, &merged, merged.len() as u64, view::merged_from);
        o.answer_list(PARTS, &explanation.parts, explanation.parts.len() as u64, part);
        if let Some((from, to)) = asked.path {
            o.object("path", |o| path(o, explanation, from, to));
        }
        let related: Vec<RelatedCase> = explanation.related.iter().map(RelatedCase::from).collect();
        o.answer_list(RELATED, &related, related.len() as u64, view::related);
        o.uint("seq", explanation.seq);
        o.text("tenant_id", explanation.case.tenant.as_str());
        o.object("without", |o| without(o, explanation));
    });
}

/// Appends an alert whose body is still kept.
pub fn alert(placed: &Placed<'_>, out: &mut Vec<u8>) {
    object(out, |o| {
        o.object("alert", |o| alert_json::summary(o, placed.alert, Some(placed.late)));
        o.id("alert_id", &placed.alert.id);
        match placed.link {
            Some(told) => o.object("link", |o| link(o, told)),
            None => o.null("link"),
        }
        o.text("outcome", placed.outcome.label());
        maybe_part(o, placed.part);
        o.null("policy");
    });
}

/// Appends one of which only the part is known.
pub fn alert_without_body(id: AlertId, part: PartId, out: &mut Vec<u8>) {
    object(out, |o| {
        o.null("alert");
        o.id("alert_id", &id);
        o.null("link");
        o.null("outcome");
        maybe_part(o, Some(part));
        o.null("policy");
    });
}

/// Appends one that an event told of. `alert` and `link` are the event's JSON.
pub fn alert_told(id: &str, alert: &str, told: AlertEvent<'_>, out: &mut Vec<u8>) {
    object(out, |o| {
        o.key("alert").extend_from_slice(alert.as_bytes());
        o.text("alert_id", id);
        match told.link {
            Some(link) => o.key("link").extend_from_slice(link.as_bytes()),
            None => o.null("link"),
        }
        o.text("outcome", told.outcome.label());
        maybe_part(o, Some(told.part));
        o.text("policy", told.policy);
    });
}

/// What an event says of the alert that it tells of.
#[derive(Clone, Copy, Debug)]
pub struct AlertEvent<'a> {
    pub outcome: Outcome,
    pub part: PartId,
    pub link: Option<&'a str>,
    pub policy: &'a str,
}

fn maybe_part(o: &mut Object<'_>, part: Option<PartId>) {
    match part {
        Some(part) => o.uint("part", part.0),
        None => o.null("part"),
    }
}

fn path(o: &mut Object<'_>, explanation: &Explanation, from: PartId, to: PartId) {
    let path = explanation.path(from, to);
    let found = path.is_some();
    let edges = path.unwrap_or_default();
    o.answer_list(EDGES, &edges, edges.len() as u64, |told, out| edge(told, out));
    o.flag("found", found);
    o.uint("from", from.0);
    o.uint("to", to.0);
}

fn edge(told: &EdgeTold, out: &mut Vec<u8>) {
    object(out, |o| {
        o.list("evidence", &told.state.evidence, evidence);
        o.uint("from", told.from.0);
        o.uint("id", told.state.id.0);
        o.text("kind", told.state.kind.label());
        o.text("standing", told.standing.label());
        o.uint("strength", told.state.strength_permille.into());
        o.uint("to", told.state.to.0);
    });
}

fn evidence(set: &EvidenceSet, out: &mut Vec<u8>) {
    object(out, |o| {
        o.id("alert_id", &set.alert);
        o.time("at", set.at);
        o.list("keys", &set.keys, evidence_key);
        o.uint("strength", set.strength_permille.into());
    });
}

fn evidence_key(key: &EvidenceKey, out: &mut Vec<u8>) {
    object(out, |o| {
        // Nothing else takes the whole of a key's word away.
        o.flag("hub", key.permille == 0);
        o.text("kind", key.kind.label());
        o.text("value", &key.value);
        o.uint("weight", key.permille.into());
    });
}

fn part(told: &PartTold, out: &mut Vec<u8>) {
    object(out, |o| {
        o.uint("alerts", told.alerts);
        o.uint("duplicates", told.duplicates);
        o.time("first_at", told.first_at);
        o.id("home", &told.home);
        o.uint("id", told.id.0);
        named(o, "identity", told.identity.as_ref());
        o.text_or_null("kind", told.kind.map(crate::engine::PartKind::label));
        o.time("last_at", told.last_at);
        named(o, "machine", told.machine.as_ref());
        o.uint("rolled_up", told.rolled_up);
        o.text("title", &told.title);
    });
}

fn named(o: &mut Object<'_>, name: &'static str, key: Option<&Named>) {
    match key {
        None => o.null(name),
        Some(key) => o.object(name, |o| {
            o.text_or_null("kind", key.kind.map(crate::model::KeyKind::label));
            o.text_or_null("value", key.value.as_deref());
        }),
    }
}

fn without(o: &mut Object<'_>, explanation: &Explanation) {
    let without = explanation.without();
    o.answer_list(EDGES, &without.edges.items, without.edges.total, |cut: &EdgeCut, out| {
        object(out, |o| {
            o.uint("edge", cut.edge.0);
            o.uint("from", cut.between.0.0);
            pieces(o, &cut.pieces);
            o.uint("to", cut.between.1.0);
        });
    });
    o.answer_list(KEYS, &without.keys.items, without.keys.total, |cut: &KeyCut, out| {
        object(out, |o| {
            o.answer_list(EDGES, &cut.edges.items, cut.edges.total, |edge, out| json::uint(edge.0, out));
            o.text("kind", cut.kind.label());
            pieces(o, &cut.pieces);
            o.text("value", &cut.value);
        });
    });
    o.answer_list(PARTS, &without.parts.items, without.parts.total, |cut: &PartCut, out| {
        object(out, |o| {
            o.uint("part", cut.part.0);
            pieces(o, &cut.pieces);
        });
    });
}

fn pieces(o: &mut Object<'_>, pieces: &ListView<Piece>) {
    o.answer_list(PIECES, &pieces.items, pieces.total, |piece, out| {
        object(out, |o| {
            o.uint("alerts", piece.alerts);
            o.answer_list(PARTS, &piece.parts.items, piece.parts.total, |part, out| json::uint(part.0, out));
        });
    });
}
