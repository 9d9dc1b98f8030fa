//! How cases look in a terminal. Everything that an alert, a sender or an analyst wrote is foreign text: what a terminal
//! would obey is replaced, and long texts are cut where a line has to stay one.

use std::fmt::Write;

use super::told::{
    Alert, Edge, Evidence, Explained, Link, LinkEvidence, Listed, Named, Page, Part, Piece, Related, View, Without,
};
use crate::wire::command::is_hostile;

/// Characters of a title in a list, and of a value in a line.
const TITLE_CHARS: usize = 72;
const VALUE_CHARS: usize = 160;
/// Items of a list that are shown whole; the JSON has more.
const SHOWN_MAX: usize = 20;

/// Foreign text on one line, with nothing in it that a terminal would obey.
pub fn clean(text: &str) -> String {
    cut(text, VALUE_CHARS)
}

/// JSON with what a terminal would obey as escapes, which leaves it the same JSON.
pub fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if is_hostile(c) {
            // They are all in the first plane.
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

fn cut(text: &str, chars_max: usize) -> String {
    let mut out: String =
        text.chars().take(chars_max).map(|c| if is_hostile(c) { char::REPLACEMENT_CHARACTER } else { c }).collect();
    if text.chars().nth(chars_max).is_some() {
        out.push('…');
    }
    out
}

pub fn list(page: &Page) -> Result<String, crate::app::AppError> {
    let mut rows = vec![["CASE", "PRIORITY", "STATUS", "OWNER", "ALERTS", "LAST", "TITLE"].map(str::to_owned)];
    rows.extend(page.cases.iter().map(row));
    let mut out = table(&rows);
    let (shown, total) = (page.cases.len() as u64, page.cases_total);
    if shown < total {
        line(&mut out, &format!("{shown} of {total} cases"));
    }
    if let Some(cursor) = &page.next_cursor {
        line(&mut out, &format!("more with --cursor {}", clean(cursor)));
    }
    Ok(out)
}

fn row(case: &Listed) -> [String; 7] {
    let alerts = case.alert_count + case.duplicate_count + case.rolled_up_count;
    [
        clean(&case.case_id),
        format!("{:>3} {}", case.priority.score, clean(&case.priority.band)),
        clean(&case.status),
        case.owner.as_deref().map_or_else(|| "-".to_owned(), |owner| cut(owner, 20)),
        alerts.to_string(),
        seconds(&case.last_event_at),
        cut(&case.title, TITLE_CHARS),
    ]
}

pub fn show(view: &View) -> Result<String, crate::app::AppError> {
    let case = &view.listed;
    let mut out = String::new();
    line(&mut out, &format!("{}  {}", clean(&case.case_id), clean(&case.title)));
    fields(&mut out, case, view);
    section(&mut out, "sources", view.sources.len() as u64, &view.sources, |source| {
        format!("{:>6}  {}", source.count, clean(&source.product))
    });
    section(&mut out, "rules", view.rules_total, &view.rules, |rule| {
        let name = if rule.name.is_empty() { &rule.uid } else { &rule.name };
        format!("{:>6}  {}", rule.count, clean(name))
    });
    section(&mut out, "entities", view.entities_total, &view.entities, |entity| {
        format!("{:>6}  {:<14} {:<12} {}", entity.count, clean(&entity.kind), clean(&entity.role), clean(&entity.id))
    });
    section(&mut out, "observables", view.observables_total, &view.observables, |seen| {
        format!("{:>6}  {:<14} {:<12} {}", seen.count, clean(&seen.r#type), clean(&seen.role), clean(&seen.value))
    });
    section(&mut out, "attacks", view.attacks_total, &view.attacks, |attack| {
        let uid = |uid: &Option<String>| clean(uid.as_deref().unwrap_or("-"));
        format!("{:>6}  {} {}", attack.count, uid(&attack.tactic_uid), uid(&attack.technique_uid))
    });
    section(&mut out, "merged from", view.merged_from.len() as u64, &view.merged_from, |merged| {
        format!("{}  at {} by edge {}", clean(&merged.case_id), seconds(&merged.at), merged.edge)
    });
    section(&mut out, "related", view.related_total, &view.related, related);
    Ok(out)
}

fn fields(out: &mut String, case: &Listed, view: &View) {
    let mut field = |name: &str, value: String| line(out, &format!("  {name:<10} {value}"));
    let or_none = |text: &Option<String>| text.as_deref().map_or_else(|| "-".to_owned(), clean);
    field("status", format!("{}  seq {}", clean(&case.status), case.seq));
    let factors: Vec<String> =
        case.priority.factors.iter().map(|factor| format!("{} {}", clean(&factor.name), factor.points)).collect();
    let priority = format!("{} {}  ({})", case.priority.score, clean(&case.priority.band), factors.join(", "));
    field("priority", priority);
    field("severity", clean(&case.severity));
    field(
        "owner",
        format!("{}  team {}  verdict {}", or_none(&case.owner), or_none(&view.team), or_none(&view.verdict)),
    );
    let (repeats, rolled_up) = (case.duplicate_count, case.rolled_up_count);
    field("alerts", format!("{}  repeats {repeats}  rolled up {rolled_up}", case.alert_count));
    field("seen", format!("{} to {}", seconds(&case.first_event_at), seconds(&case.last_event_at)));
    field("opened", seconds(&case.opened_at));
    if let Some(closed_at) = &case.closed_at {
        field("closed", seconds(closed_at));
    }
    if let Some(into) = &case.merged_into {
        field("merged", format!("into {}", clean(into)));
    }
    if let Some(follows) = &view.follows {
        field("follows", clean(follows));
    }
    field("made of", format!("{} parts over {} edges", view.parts_total, view.edges_total));
}

pub fn explain(told: &Explained) -> Result<String, crate::app::AppError> {
    let mut out = String::new();
    let strength = permille(told.holds_permille);
    line(&mut out, &format!("{}  seq {}  two parts are one from {strength}", clean(&told.case_id), told.seq));
    section(&mut out, "parts", told.parts_total, &told.parts, part);
    section(&mut out, "edges that hold", told.edges_total, &told.edges, edge);
    section(&mut out, "edges that do not", told.fallen_total, &told.fallen, edge);
    section(&mut out, "related cases", told.related_total, &told.related, related);
    without(&mut out, &told.without);
    told.alerts.iter().for_each(|told| alert(&mut out, told));
    if let Some(path) = &told.path {
        match (path.found, path.edges.is_empty()) {
            (false, _) => line(&mut out, &format!("nothing leads from part {} to part {}", path.from, path.to)),
            (true, true) => line(&mut out, &format!("both alerts are in part {}", path.from)),
            (true, false) => {
                let name = format!("from part {} to part {}", path.from, path.to);
                section(&mut out, &name, path.edges.len() as u64, &path.edges, edge);
            }
        }
    }
    Ok(out)
}

fn part(part: &Part) -> String {
    let Part { id, alerts, duplicates, rolled_up, .. } = part;
    let who = [named(part.machine.as_ref()), named(part.identity.as_ref())];
    let who: Vec<String> = who.into_iter().flatten().collect();
    let kind = part.kind.as_deref().map(|kind| format!("{} ", clean(kind))).unwrap_or_default();
    let span = format!("{} to {}", seconds(&part.first_at), seconds(&part.last_at));
    let counts = format!("{alerts} alerts, {duplicates} repeats, {rolled_up} rolled up");
    let title = cut(&part.title, TITLE_CHARS);
    format!("part {id}  {kind}{}  {counts}\n           {span}  {title}", who.join(" and "))
}

fn named(key: Option<&Named>) -> Option<String> {
    let key = key?;
    let kind = clean(key.kind.as_deref().unwrap_or("key"));
    Some(format!("{kind} {}", key.value.as_deref().map_or_else(|| "(value not kept)".to_owned(), clean)))
}

fn edge(edge: &Edge) -> String {
    let Edge { id, from, to, .. } = edge;
    let standing = if edge.standing == "holds" { String::new() } else { format!("  {}", clean(&edge.standing)) };
    let mut out = format!("edge {id}  part {from} to part {to}  {}{standing}", permille(edge.strength));
    if edge.kind != "evidence" {
        let _ = write!(out, "  by {}", clean(&edge.kind));
    }
    for set in &edge.evidence {
        let _ = write!(out, "\n      {}", evidence(set));
    }
    out
}

fn evidence(set: &Evidence) -> String {
    let keys: Vec<String> = set
        .keys
        .iter()
        .map(|key| {
            let weight = if key.hub { "a hub".to_owned() } else { permille(key.weight) };
            format!("{} {} ({weight})", clean(&key.kind), clean(&key.value))
        })
        .collect();
    let (at, alert) = (seconds(&set.at), clean(&set.alert_id));
    format!("{}  {at}  alert {alert}  {}", permille(set.strength), keys.join(" and "))
}

fn related(related: &Related) -> String {
    let keys: Vec<String> =
        related.keys.iter().map(|key| format!("{} {}", clean(&key.kind), clean(&key.value))).collect();
    format!("{}  {}  {}", clean(&related.case_id), permille(related.strength), keys.join(" and "))
}

fn without(out: &mut String, without: &Without) {
    if without.edges_total + without.keys_total + without.parts_total == 0 {
        line(out, "no single key, part or edge holds it together alone");
        return;
    }
    section(out, "apart without the key", without.keys_total, &without.keys, |cut| {
        let key = format!("{} {}", clean(&cut.kind), clean(&cut.value));
        format!("{key}  ({} edges)  {}", cut.edges_total, pieces(&cut.pieces, cut.pieces_total))
    });
    section(out, "apart without the part", without.parts_total, &without.parts, |cut| {
        format!("part {}  {}", cut.part, pieces(&cut.pieces, cut.pieces_total))
    });
    section(out, "apart without the edge", without.edges_total, &without.edges, |cut| {
        let ends = format!("part {} to part {}", cut.from, cut.to);
        format!("edge {}  {ends}  {}", cut.edge, pieces(&cut.pieces, cut.pieces_total))
    });
}

fn pieces(pieces: &[Piece], total: u64) -> String {
    const PIECES_SHOWN: usize = 4;
    let mut told: Vec<String> = pieces
        .iter()
        .take(PIECES_SHOWN)
        .map(|piece| format!("{} parts with {} alerts", piece.parts_total, piece.alerts))
        .collect();
    if total > told.len() as u64 {
        told.push(format!("{} more", total - told.len() as u64));
    }
    format!("into {}", told.join(", "))
}

fn alert(out: &mut String, told: &Alert) {
    let outcome = told.outcome.as_deref().map_or_else(|| "its body is no longer kept".to_owned(), clean);
    let part = told.part.map(|part| format!("  part {part}")).unwrap_or_default();
    line(out, &format!("alert {}  {outcome}{part}", clean(&told.alert_id)));
    if let Some(body) = &told.alert {
        line(out, &format!("  {}  {}", seconds(&body.event_time), cut(&body.title, TITLE_CHARS)));
    }
    if let Some(policy) = &told.policy {
        line(out, &format!("  policy {}", clean(policy)));
    }
    if let Some(told) = &told.link {
        link(out, told);
    }
}

fn link(out: &mut String, link: &Link) {
    if let Some(part) = link.continues {
        line(out, &format!("  it continues part {part}"));
    }
    line(out, &format!("  strength {}", permille(link.strength)));
    for evidence in &link.evidence {
        line(out, &format!("  {}", piece_of_evidence(evidence)));
    }
    for rival in &link.rivals {
        line(out, &format!("  not {} at {}", clean(&rival.case_id), permille(rival.strength)));
    }
}

fn piece_of_evidence(evidence: &LinkEvidence) -> String {
    let LinkEvidence { part, age_ms, window_ms, .. } = evidence;
    let (kind, role, value) = (clean(&evidence.kind), clean(&evidence.role), clean(&evidence.value));
    let weight = format!("weight {} x {}", permille(evidence.weight), permille(evidence.specificity));
    let age = format!("{} s of {} s", age_ms / 1_000, window_ms / 1_000);
    let counted = if evidence.counted { "" } else { "  (a stronger key spoke for it)" };
    format!("{kind} {value} as {role}  with part {part}  {weight}  age {age}{counted}")
}

/// A heading with how many there are, and the first ones. Nothing at all where there are none.
fn section<T>(out: &mut String, name: &str, total: u64, items: &[T], tell: impl Fn(&T) -> String) {
    if total == 0 {
        return;
    }
    line(out, &format!("{name} ({total})"));
    for item in items.iter().take(SHOWN_MAX) {
        line(out, &format!("  {}", tell(item)));
    }
    let left = total.saturating_sub(items.len().min(SHOWN_MAX) as u64);
    if left > 0 {
        line(out, &format!("  and {left} more"));
    }
}

fn line(out: &mut String, text: &str) {
    out.push_str(text.trim_end());
    out.push('\n');
}

/// Left-aligned columns, the last as it is.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        line(&mut out, &cells.collect::<Vec<_>>().join("  "));
    }
    out
}

/// As a share of one.
fn permille(value: u64) -> String {
    format!("{}.{:03}", value / 1_000, value % 1_000)
}

/// Without the milliseconds.
fn seconds(time: &str) -> String {
    match time.split_once('.') {
        Some((seconds, _)) => format!("{}Z", clean(seconds)),
        None => clean(time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_replaced() {
        let cleaned = clean("a\u{1b}[2Jb\u{9b}31mc\u{202e}d\r\n\te\u{7f}");
        assert!(!cleaned.chars().any(is_hostile), "{cleaned:?}");
        assert!(cleaned.starts_with("a\u{fffd}[2Jb\u{fffd}31mc\u{fffd}d"));
        assert_eq!(clean(&"é".repeat(500)).chars().count(), VALUE_CHARS + 1);
    }

    #[test]
    fn escaped_json_is_the_same_json() {
        let json = "{\"title\":\"a\u{9b}\u{202e}\u{7f}é\"}";
        let out = escaped(json);
        assert!(!out.chars().any(is_hostile), "{out:?}");
        let parse = |text: &str| serde_json::from_str::<std::collections::BTreeMap<String, String>>(text).unwrap();
        assert_eq!(parse(&out), parse(json));
    }

    #[test]
    fn columns_line_up() {
        let rows = [["a", "bb"], ["ccc", "d"]].map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows), "a    bb\nccc  d\n");
    }
}
