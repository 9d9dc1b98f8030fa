//! Whether the last view of each case is what its events add up to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::fold::{Case, Edge, Part, World};
use super::history::{Event, History};
use super::lists::{self, Tracked};
use super::priority::{self, Known};
use super::{Allowed, Report, Violation};

pub(super) fn check(
    history: &History,
    world: Option<&World>,
    views: &[(String, Option<Vec<u8>>)],
    allowed: Allowed,
    report: &mut Report,
    violations: &mut Vec<Violation>,
) {
    let last: BTreeMap<&String, &Option<Vec<u8>>> = views.iter().map(|(key, bytes)| (key, bytes)).collect();
    for (case, events) in &history.cases {
        let (Some(bytes), Some(event)) = (last.get(case), events.last()) else {
            if !allowed.views_may_lag {
                violations.push(Violation::NoView { case: case.clone() });
            }
            continue;
        };
        match read(case, bytes.as_deref()) {
            Ok(view) if is_current(case, &view, event, allowed, violations) => {
                if let Some(world) = world {
                    report.views_compared += 1;
                    violations.extend(compare(case, &view, event, world));
                }
            }
            Ok(_) => {}
            Err(violation) => violations.push(violation),
        }
    }
    let unknown = last.keys().filter(|case| !history.cases.contains_key(**case));
    violations.extend(unknown.map(|case| Violation::UnknownView { case: (*case).clone() }));
}

fn read(case: &str, bytes: Option<&[u8]>) -> Result<Value, Violation> {
    let bytes = bytes.ok_or_else(|| Violation::NoView { case: case.to_owned() })?;
    let unreadable =
        |error: serde_json::Error| Violation::Unreadable { what: format!("view of {case}"), detail: error.to_string() };
    serde_json::from_slice(bytes).map_err(unreadable)
}

fn is_current(case: &str, view: &Value, event: &Event, allowed: Allowed, violations: &mut Vec<Violation>) -> bool {
    let seq = view["seq"].as_u64().unwrap_or(0);
    let behind = seq < event.seq && allowed.views_may_lag;
    if seq != event.seq && !behind {
        violations.push(Violation::StaleView { case: case.to_owned(), view: seq, event: event.seq });
    }
    seq == event.seq
}

fn compare(id: &str, view: &Value, event: &Event, world: &World) -> Vec<Violation> {
    let Some(case) = world.cases.get(id) else { return Vec::new() };
    let shape = Shape { case, parts: parts_of(case, &event.tenant, world) };
    let wrong = |member: &str, expected: String, found: String| Violation::WrongView {
        case: id.to_owned(),
        member: member.to_owned(),
        expected,
        found,
    };
    let scalars = shape.scalars(id, event).into_iter().filter(|(member, expected)| view.get(*member) != Some(expected));
    let mut violations: Vec<Violation> =
        scalars.map(|(member, expected)| wrong(member, expected.to_string(), view[member].to_string())).collect();
    for (member, expected) in shape.lists() {
        if let Err((expected, found)) = lists::compare(view, member, &expected) {
            violations.push(wrong(member, expected, found));
        }
    }
    // A merged case keeps what it had; its parts count elsewhere.
    if case.merged_into.is_null()
        && let Err((expected, found)) = shape.known().compare(&view["priority"])
    {
        violations.push(wrong("priority", expected, found));
    }
    let edges = shape.edges(&event.tenant, world);
    let summary = json!({ "edges": edges.len(), "related": shape.case.related.len() });
    if view["links_summary"] != summary {
        violations.push(wrong("links_summary", summary.to_string(), view["links_summary"].to_string()));
    }
    if edges.iter().any(|(_, edge)| edge.cut) {
        return violations;
    }
    let edges: Vec<Value> = edges.into_iter().map(|(id, edge)| shown_edge(id, edge)).collect();
    if let Err((expected, found)) = lists::compare(view, "edges", &edges) {
        violations.push(wrong("edges", expected, found));
    }
    violations
}

fn parts_of<'a>(case: &Case, tenant: &str, world: &'a World) -> Vec<(u64, &'a Part)> {
    let of = |number: &u64| world.parts.get(&(tenant.to_owned(), *number)).map(|part| (*number, part));
    case.parts.iter().filter_map(of).collect()
}

/// A case and the parts that count in it, oldest first.
struct Shape<'a> {
    case: &'a Case,
    parts: Vec<(u64, &'a Part)>,
}

impl Shape<'_> {
    fn scalars(&self, id: &str, event: &Event) -> Vec<(&'static str, Value)> {
        let case = self.case;
        vec![
            ("case_id", json!(id)),
            ("tenant_id", json!(event.tenant)),
            ("seq", json!(event.seq)),
            ("audit_head", json!(event.hash)),
            ("title", json!(self.title())),
            ("status", json!(case.status)),
            ("stage", json!(case.status)),
            ("roll_up", json!(case.roll_up)),
            ("verdict", case.verdict.clone()),
            // What the events say, and what they come to: the two must agree.
            ("severity_id", json!(case.severity)),
            ("severity_id", json!(self.severity())),
            ("priority", case.priority.clone()),
            ("opened_at", json!(case.opened_at)),
            ("acknowledged_at", case.acknowledged_at.clone()),
            ("contained_at", case.contained_at.clone()),
            ("resolved_at", case.closed_at.clone()),
            ("closed_at", case.closed_at.clone()),
            ("first_event_at", json!(self.first_at())),
            ("last_event_at", json!(self.last_at())),
            ("owner", case.owner.clone()),
            ("team", case.team.clone()),
            ("alert_count", json!(self.sum(|part| part.alerts))),
            ("duplicate_count", json!(self.sum(|part| part.duplicates))),
            ("rolled_up_count", json!(self.sum(|part| part.rolled_up))),
            ("follows", case.follows.clone()),
            ("merged_into", case.merged_into.clone()),
        ]
    }

    fn lists(&self) -> Vec<(&'static str, Vec<Value>)> {
        // A merged case shows nothing that counts elsewhere now.
        let merged_from = self.case.merged_from.iter().filter(|_| self.case.merged_into.is_null());
        let merged_from = merged_from.map(|(edge, (case, at))| json!({ "at": at, "case_id": case, "edge": edge }));
        let mut lists = vec![
            ("parts", self.parts.iter().map(|(number, _)| json!(number)).collect()),
            ("merged_from", merged_from.collect()),
            ("related", self.case.related.clone()),
            ("intel_matches", self.intel()),
            ("rules", self.union(|part| &part.rules)),
            ("sources", self.union(|part| &part.sources)),
        ];
        if self.parts.iter().all(|(_, part)| !part.cut) {
            lists.push(("attacks", self.union(|part| &part.attacks)));
            lists.push(("entities", self.union(|part| &part.entities)));
            lists.push(("observables", self.union(|part| &part.observables)));
        }
        lists
    }

    /// The edges that hold, in the order in which they were drawn.
    fn edges<'a>(&self, tenant: &str, world: &'a World) -> Vec<(u64, &'a Edge)> {
        let here: BTreeSet<u64> = self.parts.iter().map(|(number, _)| *number).collect();
        let within = (tenant.to_owned(), 0)..=(tenant.to_owned(), u64::MAX);
        let edges = world.edges.range(within).map(|((_, id), edge)| (*id, edge));
        edges.filter(|(_, edge)| !edge.undone && here.contains(&edge.from) && here.contains(&edge.to)).collect()
    }

    fn union(&self, list: impl Fn(&Part) -> &Tracked) -> Vec<Value> {
        lists::union(self.parts.iter().map(|(_, part)| list(part)))
    }

    fn known(&self) -> Known {
        let whole = self.parts.iter().all(|(_, part)| !part.cut);
        let told = self.sum(|part| part.alerts) + self.sum(|part| part.duplicates) + self.sum(|part| part.rolled_up);
        Known {
            severity: self.severity(),
            sources: self.union(|part| &part.sources).len() as u64,
            tactics: whole.then(|| priority::distinct(&self.union(|part| &part.attacks), "tactic_uid")),
            intel: self.intel().iter().filter_map(|found| found["confidence"].as_u64()).collect(),
            told,
        }
    }

    /// Each indicator once, as the oldest part that has it told it.
    fn intel(&self) -> Vec<Value> {
        let mut shown: Vec<Value> = Vec::new();
        for found in self.parts.iter().flat_map(|(_, part)| &part.intel) {
            if !shown.iter().any(|known| (&known["type"], &known["value"]) == (&found["type"], &found["value"])) {
                shown.push(found.clone());
            }
        }
        shown
    }

    fn sum(&self, count: impl Fn(&Part) -> u64) -> u64 {
        self.parts.iter().map(|(_, part)| count(part)).sum()
    }

    /// The first alert of the highest severity names the case, the oldest part's among equals.
    fn title(&self) -> String {
        if let Some(into) = self.case.merged_into.as_str() {
            return format!("merged into {into}");
        }
        let tops = self.parts.iter().rev().filter_map(|(_, part)| part.top.as_ref());
        tops.max_by_key(|top| top.0).map(|top| top.1.clone()).unwrap_or_default()
    }

    /// The highest of its parts; a merged case keeps what it had.
    fn severity(&self) -> u64 {
        let tops = self.parts.iter().filter_map(|(_, part)| part.top.as_ref());
        tops.map(|top| top.0).max().unwrap_or(self.case.severity)
    }

    fn first_at(&self) -> &str {
        let times = self.parts.iter().map(|(_, part)| part.first_at.as_str()).filter(|at| !at.is_empty());
        times.min().unwrap_or(&self.case.opened_at)
    }

    fn last_at(&self) -> &str {
        let times = self.parts.iter().map(|(_, part)| part.last_at.as_str());
        times.max().unwrap_or(&self.case.opened_at)
    }
}

fn shown_edge(id: u64, edge: &Edge) -> Value {
    json!({ "from": edge.from, "id": id, "keys": edge.keys, "strength": edge.strength, "to": edge.to })
}
