//! What the events of all cases add up to: parts with what they gathered, cases with their own fields, and which parts
//! count in which case.
//!
//! Cases are told in streams of their own, and whatever brings parts from one to another (a merge, its undoing, a split, a
//! move) has a half in two of them. The stream that gets the parts waits at its half until the other has told its own, so
//! that what a part gathers is folded in its order; what waits in vain at the end is torn, and so is a half that nobody
//! waited for.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Violation;
use super::history::{Event, History, text};
use super::lists::Tracked;

#[derive(Default)]
pub(super) struct World {
    pub cases: BTreeMap<String, Case>,
    /// By tenant and number.
    pub parts: BTreeMap<(String, u64), Part>,
    pub edges: BTreeMap<(String, u64), Edge>,
    /// For each case that counts elsewhere: where, and by which edge.
    holders: BTreeMap<String, (String, u64)>,
    /// How often each half was told: which it was, and of what.
    halves: BTreeMap<(Half, String), u64>,
}

/// Of those that belong together the first is told first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Half {
    MergedInto,
    Merged,
    PartedFrom,
    Restored,
    SplitFrom,
    SplitNew,
    MovedFrom,
    MovedTo,
}

impl Half {
    /// The half that waits for this one.
    const fn answer(self) -> Option<Self> {
        match self {
            Self::MergedInto => Some(Self::Merged),
            Self::PartedFrom => Some(Self::Restored),
            Self::SplitFrom => Some(Self::SplitNew),
            Self::MovedFrom => Some(Self::MovedTo),
            Self::Merged | Self::Restored | Self::SplitNew | Self::MovedTo => None,
        }
    }

    /// The half that has to be told before this one.
    const fn first(self) -> Option<Self> {
        match self {
            Self::Merged => Some(Self::MergedInto),
            Self::Restored => Some(Self::PartedFrom),
            Self::SplitNew => Some(Self::SplitFrom),
            Self::MovedTo => Some(Self::MovedFrom),
            Self::MergedInto | Self::PartedFrom | Self::SplitFrom | Self::MovedFrom => None,
        }
    }
}

#[derive(Default)]
pub(super) struct Case {
    pub opened_at: String,
    pub parts: BTreeSet<u64>,
    pub status: String,
    pub roll_up: bool,
    status_before_merge: Option<String>,
    pub severity: u64,
    pub priority: Value,
    pub verdict: Value,
    pub owner: Value,
    pub team: Value,
    pub acknowledged_at: Value,
    pub contained_at: Value,
    pub closed_at: Value,
    pub follows: Value,
    pub merged_into: Value,
    /// By edge: the case, and when it came.
    pub merged_from: BTreeMap<u64, (String, String)>,
    pub related: Vec<Value>,
}

#[derive(Default)]
pub(super) struct Part {
    pub alerts: u64,
    pub duplicates: u64,
    pub rolled_up: u64,
    pub first_at: String,
    pub last_at: String,
    /// Severity and title of the first alert of the highest severity.
    pub top: Option<(u64, String)>,
    pub observables: Tracked,
    pub entities: Tracked,
    pub rules: Tracked,
    pub sources: Tracked,
    pub attacks: Tracked,
    /// The indicators that its case told of it.
    pub intel: Vec<Value>,
    /// An event did not hold all of its alert: the lists cannot be known from here.
    pub cut: bool,
}

#[derive(Default)]
pub(super) struct Edge {
    pub from: u64,
    pub to: u64,
    pub strength: u64,
    pub keys: Vec<Value>,
    /// The event had no room for its keys.
    pub cut: bool,
    pub undone: bool,
}

const CERTAIN: u64 = 1_000;
const RELATED_MAX: usize = 100;

pub(super) fn fold(history: &History, violations: &mut Vec<Violation>) -> World {
    let mut world = World::default();
    let mut streams: Vec<(&String, &[Event])> =
        history.cases.iter().map(|(case, events)| (case, &events[..])).collect();
    loop {
        let before: usize = streams.iter().map(|(_, events)| events.len()).sum();
        for (case, events) in &mut streams {
            while let [event, rest @ ..] = *events
                && world.is_ready(case, event)
            {
                world.apply(case, event);
                *events = rest;
            }
        }
        streams.retain(|(_, events)| !events.is_empty());
        if streams.iter().map(|(_, events)| events.len()).sum::<usize>() == before || streams.is_empty() {
            break;
        }
    }
    violations.extend(streams.iter().map(|(_, events)| Violation::Torn { id: events[0].id.clone() }));
    violations.extend(world.unanswered().map(|id| Violation::Torn { id }));
    world
}

impl World {
    fn is_ready(&self, id: &str, event: &Event) -> bool {
        let Some((half, of)) = event.half(id) else { return true };
        half.first().is_none_or(|first| self.told(first, &of) > self.told(half, &of))
    }

    fn told(&self, half: Half, of: &str) -> u64 {
        self.halves.get(&(half, of.to_owned())).copied().unwrap_or(0)
    }

    /// Halves that no other stream answered: what only one side tells of.
    fn unanswered(&self) -> impl Iterator<Item = String> {
        let open = |((half, of), times): (&(Half, String), &u64)| {
            let answer = half.answer()?;
            (self.told(answer, of) < *times).then(|| of.clone())
        };
        self.halves.iter().filter_map(open)
    }

    fn apply(&mut self, id: &str, event: &Event) {
        if let Some(half) = event.half(id) {
            *self.halves.entry(half).or_default() += 1;
        }
        match event.kind.as_str() {
            "opened" | "alert_attached" => self.take_alert(id, event),
            "alert_updated" => self.part(event).renew(&event.payload["alert"]),
            "alert_repeated" => self.repeat(id, event),
            "alerts_rolled_up" => self.part(event).roll_up(&event.payload),
            "intel_matched" => self.part(event).intel.push(event.payload["match"].clone()),
            "merged" => self.merge(id, event),
            "merge_undone" => self.undo(id, event),
            "unlinked" => self.unlink(event),
            "split" | "alerts_moved" => self.move_parts(id, event),
            _ => {}
        }
        let case = self.cases.entry(id.to_owned()).or_default();
        case.apply(event);
    }

    fn part(&mut self, event: &Event) -> &mut Part {
        self.parts.entry((event.tenant.clone(), event.number("part"))).or_default()
    }

    fn take_alert(&mut self, id: &str, event: &Event) {
        let part = event.number("part");
        self.part(event).record(&event.payload["alert"]);
        self.cases.entry(id.to_owned()).or_default().parts.insert(part);
        for begun in items(&event.payload, "begins").filter_map(Value::as_u64) {
            self.begin(id, &event.tenant, begun);
        }
        for edge in items(&event.payload, "edges") {
            self.draw(&event.tenant, edge);
        }
    }

    fn repeat(&mut self, id: &str, event: &Event) {
        let begins = &event.payload["begins"];
        if begins.is_object() {
            self.begin(id, &event.tenant, event.number("part"));
            self.draw(&event.tenant, &begins["edge"]);
            let severity = begins["severity_id"].as_u64().unwrap_or(0);
            self.part(event).top = Some((severity, text(begins, "/title")));
        }
        self.part(event).repeat(&event.payload);
    }

    fn begin(&mut self, id: &str, tenant: &str, part: u64) {
        self.parts.entry((tenant.to_owned(), part)).or_default();
        self.cases.entry(id.to_owned()).or_default().parts.insert(part);
    }

    fn unlink(&mut self, event: &Event) {
        for edge in items(&event.payload, "edges").filter_map(Value::as_u64) {
            if let Some(edge) = self.edges.get_mut(&(event.tenant.clone(), edge)) {
                edge.undone = true;
            }
        }
        for edge in items(&event.payload, "drawn") {
            self.draw(&event.tenant, edge);
        }
    }

    /// Each side tells its own half; a new case's half is its beginning.
    fn move_parts(&mut self, id: &str, event: &Event) {
        let case = self.cases.entry(id.to_owned()).or_default();
        if event.payload["side"] == "from" {
            event.parts().for_each(|part| _ = case.parts.remove(&part));
        } else {
            case.parts.extend(event.parts());
        }
    }

    fn merge(&mut self, id: &str, event: &Event) {
        let (from, edge) = (text(&event.payload, "/from"), event.edge());
        if event.payload.get("link").is_none() {
            let end = |place: usize| event.payload["between"][place].as_u64().unwrap_or(0);
            self.draw_by_word(event, end(0), end(1));
        }
        // After another merge was undone, the same edge may bring the same case elsewhere: since when does not change.
        let before = self.forget_merge(&from).filter(|before| before.0 == edge);
        let at = before.map_or_else(|| event.time.clone(), |(_, at)| at);
        self.holders.insert(from.clone(), (id.to_owned(), edge));
        let case = self.cases.entry(id.to_owned()).or_default();
        case.parts.extend(event.parts());
        case.merged_from.insert(edge, (from, at));
    }

    /// An edge is told once, and again when it holds once more.
    fn draw(&mut self, tenant: &str, edge: &Value) {
        let number = |name: &str| edge[name].as_u64().unwrap_or(0);
        let (id, from, to, strength) = (number("id"), number("from"), number("to"), number("strength"));
        let (keys, cut) = (items(edge, "keys").cloned().collect(), edge["keys"].is_null());
        self.edges.insert((tenant.to_owned(), id), Edge { from, to, strength, keys, cut, undone: false });
    }

    /// A person drew it, or it was told before and is merely walked in another order now.
    fn draw_by_word(&mut self, event: &Event, from: u64, to: u64) {
        let drawn = || Edge { from, to, strength: CERTAIN, ..Edge::default() };
        let edge = self.edges.entry((event.tenant.clone(), event.edge())).or_insert_with(drawn);
        if edge.undone {
            *edge = drawn();
        }
    }

    fn undo(&mut self, id: &str, event: &Event) {
        if event.restores() {
            self.cases.entry(id.to_owned()).or_default().parts = event.parts().collect();
            return;
        }
        self.forget_merge(&text(&event.payload, "/other"));
        let case = self.cases.entry(id.to_owned()).or_default();
        event.parts().for_each(|part| _ = case.parts.remove(&part));
    }

    /// By which edge `from` counted elsewhere until now, and since when.
    fn forget_merge(&mut self, from: &str) -> Option<(u64, String)> {
        let (holder, edge) = self.holders.remove(from)?;
        let merged = self.cases.get_mut(&holder)?.merged_from.remove(&edge)?;
        Some((edge, merged.1))
    }
}

impl Case {
    /// The fields that are the case's own.
    fn apply(&mut self, event: &Event) {
        let (payload, now) = (&event.payload, json!(event.time));
        match event.kind.as_str() {
            "opened" => self.open(event),
            "split" if event.payload["side"] == "new" => self.begin(event),
            "severity_changed" => self.severity = event.number("to_id"),
            "priority_changed" => self.priority = payload["priority"].clone(),
            "status_changed" => {
                self.status = text(payload, "/to");
                if self.status == "recovering" {
                    keep_first(&mut self.contained_at, now);
                }
            }
            "verdict_set" => self.verdict = payload["verdict"].clone(),
            "assigned" => (self.owner, self.team) = (payload["owner"].clone(), payload["team"].clone()),
            "acknowledged" => keep_first(&mut self.acknowledged_at, now),
            "closed" => {
                self.close(now);
                if payload["verdict"].is_string() {
                    self.verdict = payload["verdict"].clone();
                }
            }
            "expired" => self.close(now),
            "reopened" => (self.status, self.closed_at) = ("triage".to_owned(), Value::Null),
            "merged_into" => self.redirect(payload),
            "merge_undone" if event.restores() => self.restore(),
            "linked" | "merge_refused" | "merge_proposed" => self.relate(payload),
            _ => {}
        }
    }

    fn open(&mut self, event: &Event) {
        self.opened_at.clone_from(&event.time);
        "new".clone_into(&mut self.status);
        self.severity = event.payload["alert"]["severity_id"].as_u64().unwrap_or(0);
        self.priority = event.payload["priority"].clone();
        self.follows = event.payload["follows"].clone();
        self.roll_up = event.payload["roll_up"] == true;
    }

    /// Split off from another case.
    fn begin(&mut self, event: &Event) {
        self.opened_at.clone_from(&event.time);
        "new".clone_into(&mut self.status);
        self.severity = event.number("severity_id");
        self.priority = event.payload["priority"].clone();
        self.roll_up = event.payload["roll_up"] == true;
    }

    fn close(&mut self, now: Value) {
        (self.status, self.closed_at) = ("closed".to_owned(), now);
    }

    fn redirect(&mut self, payload: &Value) {
        let status = std::mem::replace(&mut self.status, "merged".to_owned());
        self.status_before_merge.get_or_insert(status);
        self.merged_into = payload["into"].clone();
        self.parts.clear();
    }

    fn restore(&mut self) {
        self.status = self.status_before_merge.take().unwrap_or_default();
        self.merged_into = Value::Null;
    }

    fn relate(&mut self, payload: &Value) {
        let other = &payload["other"];
        if self.related.len() >= RELATED_MAX || self.related.iter().any(|known| known["case_id"] == *other) {
            return;
        }
        let link = &payload["link"];
        self.related.push(json!({ "case_id": other, "keys": counted_keys(link), "strength": link["strength"] }));
    }
}

impl Part {
    fn record(&mut self, alert: &Value) {
        self.alerts += 1;
        self.renew_top(alert);
        self.span(&alert["event_time"], &alert["event_time"]);
        self.rules.count(pick(&alert["rule"], &["uid", "name"]));
        self.sources.count(pick(&alert["source"], &["product"]));
        items(alert, "attacks").for_each(|attack| self.attacks.count(attack.clone()));
        items(alert, "observables").for_each(|one| self.observables.count(pick(one, &["type", "value", "role"])));
        items(alert, "entities").for_each(|one| self.entities.count(pick(one, &["kind", "id", "role"])));
        self.cut |= is_cut(alert);
    }

    fn renew(&mut self, alert: &Value) {
        self.renew_top(alert);
        self.span(&alert["event_time"], &alert["event_time"]);
        items(alert, "attacks").for_each(|attack| self.attacks.know(attack.clone()));
        items(alert, "observables").for_each(|one| self.observables.know(pick(one, &["type", "value", "role"])));
        items(alert, "entities").for_each(|one| self.entities.know(pick(one, &["kind", "id", "role"])));
        self.cut |= is_cut(alert);
    }

    fn repeat(&mut self, payload: &Value) {
        self.duplicates += payload["count"].as_u64().unwrap_or(0);
        items(payload, "repeats").for_each(|tally| self.span(&tally["first_at"], &tally["last_at"]));
    }

    fn roll_up(&mut self, payload: &Value) {
        self.rolled_up += payload["count"].as_u64().unwrap_or(0);
        self.span(&payload["first_at"], &payload["last_at"]);
    }

    fn renew_top(&mut self, alert: &Value) {
        let severity = alert["severity_id"].as_u64().unwrap_or(0);
        if self.top.as_ref().is_none_or(|top| severity > top.0) {
            self.top = Some((severity, text(alert, "/title")));
        }
    }

    /// Times are all in one form, so their text sorts as they do.
    fn span(&mut self, first: &Value, last: &Value) {
        let (first, last) = (first.as_str().unwrap_or_default(), last.as_str().unwrap_or_default());
        if self.first_at.is_empty() || first < self.first_at.as_str() {
            first.clone_into(&mut self.first_at);
        }
        if last > self.last_at.as_str() {
            last.clone_into(&mut self.last_at);
        }
    }
}

impl Event {
    /// Which half of something this is in the stream of `id`, and of what: the same words on both sides.
    fn half(&self, id: &str) -> Option<(Half, String)> {
        let other = text(&self.payload, "/other");
        let merge_of = |case: &str, into: &str| format!("{case} into {into}, edge {}", self.edge());
        let move_of = |from: &str, to: &str| {
            let parts: Vec<String> = self.parts().map(|part| part.to_string()).collect();
            format!("{from} to {to}, parts {}", parts.join(" "))
        };
        let side = self.payload["side"].as_str().unwrap_or_default();
        Some(match (self.kind.as_str(), side) {
            ("merged_into", _) => (Half::MergedInto, merge_of(id, &text(&self.payload, "/into"))),
            ("merged", _) => (Half::Merged, merge_of(&text(&self.payload, "/from"), id)),
            ("merge_undone", "survivor") => (Half::PartedFrom, merge_of(&other, id)),
            ("merge_undone", "restored") => (Half::Restored, merge_of(id, &other)),
            ("split", "from") => (Half::SplitFrom, move_of(id, &other)),
            ("split", "new") => (Half::SplitNew, move_of(&other, id)),
            ("alerts_moved", "from") => (Half::MovedFrom, move_of(id, &other)),
            ("alerts_moved", "to") => (Half::MovedTo, move_of(&other, id)),
            _ => return None,
        })
    }

    fn number(&self, member: &str) -> u64 {
        self.payload[member].as_u64().unwrap_or(0)
    }

    fn edge(&self) -> u64 {
        self.number("edge")
    }

    fn parts(&self) -> impl Iterator<Item = u64> {
        items(&self.payload, "parts").filter_map(Value::as_u64)
    }

    fn restores(&self) -> bool {
        self.payload["side"] == "restored"
    }
}

fn items<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value[name].as_array().into_iter().flatten()
}

fn pick(value: &Value, names: &[&str]) -> Value {
    names.iter().map(|name| ((*name).to_owned(), value[*name].clone())).collect::<serde_json::Map<_, _>>().into()
}

fn is_cut(alert: &Value) -> bool {
    let lists = ["attacks", "entities", "observables"];
    lists.iter().any(|name| items(alert, name).count() as u64 != alert[format!("{name}_total")].as_u64().unwrap_or(0))
}

fn counted_keys(link: &Value) -> Vec<Value> {
    let counted = items(link, "evidence").filter(|one| one["counted"] == true);
    counted.map(|one| pick(one, &["kind", "value"])).collect()
}

fn keep_first(slot: &mut Value, value: Value) {
    if slot.is_null() {
        *slot = value;
    }
}
