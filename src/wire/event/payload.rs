//! The payload of each kind of case event. Members that say nothing are left out; names end in their unit where they
//! have one, and strengths and weights are permille.

use super::super::json::{self, ListNames, Object, object};
use super::super::{alert_json, view};
use crate::model::{
    Alert, Begun, CaseId, CaseStatus, EDGES_TOLD_MAX, EdgeId, EdgeView, EventKind, Evidence, IntelMatch, Link,
    MergeSide, PartId, PartedBy, Priority, PriorityFactor, RejectedRival, Severity, Tally, Timestamp, Verdict,
};

const EVIDENCE: ListNames = ListNames { items: "evidence", total: "evidence_total" };
const REPEATS: ListNames = ListNames { items: "repeats", total: "repeats_total" };

/// Parts are told whole up to this many, which is more than a case may have: a list of moved parts that was cut could
/// not be folded. One alert may begin two, so a case passes the highest `parts_per_case_max` by one at most.
const PARTS_MAX: usize = 4_100;
/// Written bytes of a list of edges after which the keys of further ones are left out. The edges themselves are told all:
/// an alert draws a hundred at most.
const EDGES_BYTES_MAX: usize = 22 * 1024;

pub fn write(o: &mut Object<'_>, kind: &EventKind) {
    match kind {
        EventKind::Opened { part, alert, late, priority, follows, roll_up } => {
            opened(o, *part, alert, *late, priority, follows.as_ref());
            o.flag("roll_up", *roll_up);
        }
        EventKind::AlertAttached { part, begins, edge, edges, alert, late, link } => {
            attached(o, (*part, begins), (*edge, edges), alert, *late, link);
        }
        EventKind::AlertUpdated { part, alert } => {
            o.object("alert", |o| alert_json::summary(o, alert, None));
            o.uint("part", part.0);
        }
        EventKind::AlertRepeated { part, begins, repeats } => repeated(o, *part, begins.as_deref(), repeats),
        EventKind::AlertsRolledUp { part, count, first_at, last_at } => {
            rolled_up(o, *part, *count, *first_at, *last_at);
        }
        EventKind::SeverityChanged { from, to } => severity(o, *from, *to),
        EventKind::PriorityChanged { priority } => o.object("priority", |o| self::priority(o, priority)),
        EventKind::StatusChanged { from, to } => status(o, *from, *to),
        EventKind::VerdictSet { verdict } => o.text("verdict", verdict.label()),
        EventKind::Assigned { owner, team } => {
            o.text_or_null("owner", owner.as_deref());
            o.text_or_null("team", team.as_deref());
        }
        EventKind::Acknowledged => {}
        EventKind::CommentAdded { text } => o.prose("text", text),
        EventKind::Closed { verdict, comment } => closed(o, *verdict, comment.as_deref()),
        EventKind::Reopened { comment, link } => {
            o.maybe_prose("comment", comment.as_deref());
            maybe_link(o, link.as_deref());
        }
        EventKind::Expired { quiet } => o.int("quiet_ms", quiet.0),
        EventKind::Merged { from, edge, parts, between, link } => {
            merged(o, from, *edge, parts, *between, link.as_deref());
        }
        EventKind::MergedInto { into, edge } => {
            o.uint("edge", edge.0);
            o.id("into", into);
        }
        EventKind::MergeRefused { other, reason, link } | EventKind::MergeProposed { other, reason, link } => {
            o.object("link", |o| self::link(o, link));
            o.id("other", other);
            o.text("reason", reason.label());
        }
        EventKind::MergeUndone { other, side, edge, parts, by, comment } => {
            o.object("by", |o| parted_by(o, by));
            undone(o, other, *side, *edge, parts, comment.as_deref());
        }
        EventKind::Unlinked { edges, drawn, by } => {
            o.object("by", |o| parted_by(o, by));
            if !drawn.is_empty() {
                edge_list(o, "drawn", drawn);
            }
            let told = &edges[..edges.len().min(EDGES_TOLD_MAX)];
            o.list("edges", told, |edge, out| json::uint(edge.0, out));
            o.uint("edges_total", edges.len() as u64);
        }
        EventKind::Split { other, side, parts, severity, priority, roll_up, by, comment } => {
            o.object("by", |o| parted_by(o, by));
            o.maybe_prose("comment", comment.as_deref());
            o.id("other", other);
            moved_parts(o, parts);
            o.object("priority", |o| self::priority(o, priority));
            o.flag("roll_up", *roll_up);
            o.text("severity", severity.label());
            o.uint("severity_id", severity.id().into());
            o.text("side", side.label());
        }
        EventKind::AlertsMoved { other, side, parts, by, comment } => {
            o.object("by", |o| parted_by(o, by));
            o.maybe_prose("comment", comment.as_deref());
            o.id("other", other);
            moved_parts(o, parts);
            o.text("side", side.label());
        }
        EventKind::Linked { other, link } => {
            o.object("link", |o| self::link(o, link));
            o.id("other", other);
        }
        EventKind::IntelMatched { part, alert, found } => {
            o.id("alert_id", alert);
            o.object("match", |o| intel_match(o, found));
            o.uint("part", part.0);
        }
        EventKind::OverflowStarted { alerts } | EventKind::OverflowEnded { alerts } => o.uint("alerts", *alerts),
    }
}

fn opened(o: &mut Object<'_>, part: PartId, alert: &Alert, late: bool, priority: &Priority, follows: Option<&CaseId>) {
    o.object("alert", |o| alert_json::summary(o, alert, Some(late)));
    if let Some(follows) = follows {
        o.id("follows", follows);
    }
    o.uint("part", part.0);
    o.object("priority", |o| self::priority(o, priority));
}

fn attached(
    o: &mut Object<'_>,
    (part, begins): (PartId, &[PartId]),
    (edge, edges): (Option<EdgeId>, &[EdgeView]),
    alert: &Alert,
    late: bool,
    link: &Link,
) {
    o.object("alert", |o| alert_json::summary(o, alert, Some(late)));
    if !begins.is_empty() {
        part_list(begins, o.key("begins"));
    }
    if let Some(edge) = edge {
        o.uint("edge", edge.0);
    }
    if !edges.is_empty() {
        edge_list(o, "edges", edges);
    }
    o.object("link", |o| self::link(o, link));
    o.uint("part", part.0);
}

fn repeated(o: &mut Object<'_>, part: PartId, begins: Option<&Begun>, repeats: &[Tally]) {
    if let Some(begins) = begins {
        o.object("begins", |o| {
            o.object("edge", |o| view::edge_members(o, &begins.edge));
            o.uint("severity_id", begins.severity.id().into());
            o.text("title", &begins.title);
        });
    }
    o.uint("count", repeats.iter().map(|tally| tally.count).sum());
    o.uint("part", part.0);
    o.bounded_list(REPEATS, repeats, repeats.len() as u64, |tally, out| {
        object(out, |o| {
            o.id("alert_id", &tally.alert);
            o.uint("count", tally.count);
            o.time("first_at", tally.first_at);
            o.time("last_at", tally.last_at);
        });
    });
}

fn rolled_up(o: &mut Object<'_>, part: PartId, count: u64, first_at: Timestamp, last_at: Timestamp) {
    o.uint("count", count);
    o.time("first_at", first_at);
    o.time("last_at", last_at);
    o.uint("part", part.0);
}

fn severity(o: &mut Object<'_>, from: Severity, to: Severity) {
    o.text("from", from.label());
    o.uint("from_id", from.id().into());
    o.text("to", to.label());
    o.uint("to_id", to.id().into());
}

fn status(o: &mut Object<'_>, from: CaseStatus, to: CaseStatus) {
    o.text("from", from.label());
    o.text("to", to.label());
}

fn closed(o: &mut Object<'_>, verdict: Option<Verdict>, comment: Option<&str>) {
    o.maybe_prose("comment", comment);
    o.maybe_text("verdict", verdict.map(Verdict::label));
}

fn merged(
    o: &mut Object<'_>,
    from: &CaseId,
    edge: EdgeId,
    parts: &[PartId],
    between: (PartId, PartId),
    link: Option<&Link>,
) {
    o.key("between");
    part_list(&[between.0, between.1], o.out);
    o.uint("edge", edge.0);
    o.id("from", from);
    maybe_link(o, link);
    moved_parts(o, parts);
}

fn undone(o: &mut Object<'_>, other: &CaseId, side: MergeSide, edge: EdgeId, parts: &[PartId], comment: Option<&str>) {
    o.maybe_prose("comment", comment);
    o.uint("edge", edge.0);
    o.id("other", other);
    moved_parts(o, parts);
    o.text("side", side.label());
}

/// Every edge; keys only while there is room for them.
fn edge_list(o: &mut Object<'_>, name: &'static str, edges: &[EdgeView]) {
    let out = o.key(name);
    let start = out.len();
    out.push(b'[');
    let mut room = true;
    for (at, edge) in edges.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        let before = out.len();
        if room {
            view::edge(edge, out);
            room = out.len() - start <= EDGES_BYTES_MAX;
        }
        if !room {
            out.truncate(before);
            object(out, |o| view::edge_without_keys(o, edge));
        }
    }
    out.push(b']');
}

fn moved_parts(o: &mut Object<'_>, parts: &[PartId]) {
    let out = o.key("parts");
    part_list(&parts[..parts.len().min(PARTS_MAX)], out);
    o.uint("parts_total", parts.len() as u64);
}

fn part_list(parts: &[PartId], out: &mut Vec<u8>) {
    out.push(b'[');
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        json::uint(part.0, out);
    }
    out.push(b']');
}

fn parted_by(o: &mut Object<'_>, by: &PartedBy) {
    match by {
        PartedBy::Person => o.text("kind", by.label()),
        PartedBy::Hub { kind, value } => {
            o.object("key", |o| {
                o.text("kind", kind.label());
                o.text("value", value);
            });
            o.text("kind", by.label());
        }
        PartedBy::Background { rule } => {
            o.text("kind", by.label());
            o.text("rule", rule);
        }
    }
}

fn maybe_link(o: &mut Object<'_>, link: Option<&Link>) {
    if let Some(link) = link {
        o.object("link", |o| self::link(o, link));
    }
}

pub(in crate::wire) fn link(o: &mut Object<'_>, link: &Link) {
    if let Some(part) = link.continues {
        o.uint("continues", part.0);
    }
    o.bounded_list(EVIDENCE, &link.evidence, link.evidence.len() as u64, evidence);
    o.list("rivals", &link.rivals, rival);
    o.uint("strength", link.strength_permille.into());
}

fn evidence(evidence: &Evidence, out: &mut Vec<u8>) {
    object(out, |o| {
        o.int("age_ms", evidence.age.0);
        o.flag("counted", evidence.counted);
        o.text("kind", evidence.kind.label());
        o.uint("part", evidence.part.0);
        o.text("role", evidence.role.label());
        o.uint("specificity", evidence.specificity_permille.into());
        o.text("value", &evidence.value);
        o.uint("weight", evidence.weight_permille.into());
        o.int("window_ms", evidence.window.0);
    });
}

fn rival(rival: &RejectedRival, out: &mut Vec<u8>) {
    object(out, |o| {
        o.id("case_id", &rival.case);
        o.uint("strength", rival.strength_permille.into());
    });
}

pub(in crate::wire) fn intel_match(o: &mut Object<'_>, found: &IntelMatch) {
    o.uint("confidence", found.confidence.into());
    o.text("list", &found.list);
    o.text("type", found.kind.label());
    if let Some(until) = found.valid_until {
        o.time("valid_until", until);
    }
    o.text("value", &found.value);
}

pub(in crate::wire) fn priority(o: &mut Object<'_>, priority: &Priority) {
    o.text("band", priority.band.label());
    o.list("factors", &priority.factors, factor);
    o.uint("score", priority.score.into());
}

fn factor(factor: &PriorityFactor, out: &mut Vec<u8>) {
    object(out, |o| {
        o.text("name", factor.name);
        o.uint("points", factor.points.into());
    });
}
