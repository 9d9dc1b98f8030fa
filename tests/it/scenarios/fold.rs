//! The naive answer: views folded from events alone, without a look at the engine. Slow, plain, and written from the
//! contract instead of the code.

use std::collections::BTreeMap;
use std::hash::Hash;
use std::sync::Arc;

use casewright::model::{
    Alert, CaseEvent, CaseId, CaseStatus, CaseView, Counted, EdgeId, EdgeView, EventKind, IntelMatch, KeyKind, Link,
    ListView, MergeSide, MergedFrom, MoveSide, PartId, RelatedCase, Severity, SplitSide, Tenant, Timestamp,
};

#[derive(Default)]
pub struct Fold {
    cases: BTreeMap<CaseId, CaseView>,
    before_merge: BTreeMap<CaseId, CaseStatus>,
    /// By what they counted for another case until the event before.
    moving: BTreeMap<CaseId, MergedFrom>,
    members: BTreeMap<CaseId, Vec<PartId>>,
    parts: BTreeMap<(Tenant, PartId), Vec<Fact>>,
    edges: BTreeMap<(Tenant, EdgeId), EdgeView>,
}

/// What one part was told.
enum Fact {
    Alert(Arc<Alert>),
    Update(Arc<Alert>),
    /// What a part of repeats is called by.
    Begun(Severity, Arc<str>),
    Repeats(u64, Timestamp, Timestamp),
    RolledUp(u64, Timestamp, Timestamp),
    Intel(IntelMatch),
}

impl Fold {
    pub fn take(&mut self, event: &CaseEvent) {
        let id = event.case.clone();
        match &event.kind {
            EventKind::Opened { part, alert, priority, follows, roll_up, .. } => {
                let mut view = blank(&id, event.time, alert.severity);
                view.roll_up = *roll_up;
                view.priority = priority.clone();
                view.follows = follows.clone();
                self.cases.insert(id.clone(), view);
                self.join(&id, *part, alert);
            }
            EventKind::AlertAttached { part, begins, edges, alert, .. } => {
                for part in begins {
                    self.begin(&id, *part);
                }
                self.join(&id, *part, alert);
                edges.iter().for_each(|edge| self.draw(&id, edge.clone()));
            }
            EventKind::AlertUpdated { part, alert } => self.fact(&id, *part, Fact::Update(alert.clone())),
            EventKind::AlertRepeated { part, begins, repeats } => {
                if let Some(begun) = begins {
                    self.begin(&id, *part);
                    self.draw(&id, begun.edge.clone());
                    self.fact(&id, *part, Fact::Begun(begun.severity, begun.title.clone()));
                }
                for tally in repeats {
                    self.fact(&id, *part, Fact::Repeats(tally.count, tally.first_at, tally.last_at));
                }
            }
            EventKind::AlertsRolledUp { part, count, first_at, last_at } => {
                self.fact(&id, *part, Fact::RolledUp(*count, *first_at, *last_at));
            }
            EventKind::IntelMatched { part, found, .. } => self.fact(&id, *part, Fact::Intel(found.clone())),
            EventKind::Merged { from, edge, parts, between, link } => {
                self.members.get_mut(&id).unwrap().extend(parts);
                if link.is_none() {
                    self.by_word(&id, *edge, *between);
                }
                // When another merge was undone, the same edge may bring the same case elsewhere: since when does not change.
                let before = self.moving.remove(from).filter(|before| before.edge == *edge);
                let at = before.map_or(event.time, |before| before.at);
                let merged = MergedFrom { case: from.clone(), edge: *edge, at };
                self.cases.get_mut(&id).unwrap().merged_from.push(merged);
            }
            EventKind::MergedInto { into, .. } => {
                let before = self.forget_merge(&id);
                self.moving.extend(before.map(|before| (id.clone(), before)));
                let view = self.cases.get_mut(&id).unwrap();
                view.merged_into = Some(into.clone());
                if view.status != CaseStatus::Merged {
                    self.before_merge.insert(id.clone(), view.status);
                    view.status = CaseStatus::Merged;
                }
            }
            EventKind::MergeUndone { other, side, parts, .. } => self.undo(&id, other, *side, parts),
            EventKind::Unlinked { edges, drawn, .. } => {
                for edge in edges {
                    self.edges.remove(&(id.tenant.clone(), *edge));
                }
                drawn.iter().for_each(|edge| self.draw(&id, edge.clone()));
            }
            EventKind::Split { side: SplitSide::New, parts, severity, priority, roll_up, .. } => {
                let mut view = blank(&id, event.time, *severity);
                (view.priority, view.roll_up) = (priority.clone(), *roll_up);
                self.cases.insert(id.clone(), view);
                self.members.insert(id.clone(), parts.clone());
            }
            EventKind::AlertsMoved { side: MoveSide::To, parts, .. } => {
                self.members.get_mut(&id).unwrap().extend(parts);
            }
            EventKind::Split { side: SplitSide::From, parts, .. }
            | EventKind::AlertsMoved { side: MoveSide::From, parts, .. } => {
                self.members.get_mut(&id).unwrap().retain(|part| !parts.contains(part));
            }
            _ => self.own(event),
        }
        let view = self.cases.get_mut(&id).unwrap();
        assert_eq!(event.seq, view.seq + 1, "{id}: seq is gapless");
        view.seq = event.seq;
    }

    /// Events that change nothing but the case's own fields.
    fn own(&mut self, event: &CaseEvent) {
        let view = self.cases.get_mut(&event.case).unwrap();
        match &event.kind {
            EventKind::SeverityChanged { from, to } => {
                assert_eq!(view.severity, *from);
                view.severity = *to;
            }
            EventKind::PriorityChanged { priority } => view.priority = priority.clone(),
            EventKind::StatusChanged { to, .. } => {
                view.status = *to;
                if *to == CaseStatus::Recovering && view.contained_at.is_none() {
                    view.contained_at = Some(event.time);
                }
            }
            EventKind::VerdictSet { verdict } => view.verdict = Some(*verdict),
            EventKind::Assigned { owner, team } => (view.owner, view.team) = (owner.clone(), team.clone()),
            EventKind::Acknowledged => view.acknowledged_at = view.acknowledged_at.or(Some(event.time)),
            EventKind::Closed { verdict, .. } => {
                view.verdict = verdict.or(view.verdict);
                close(view, event.time);
            }
            EventKind::Expired { .. } => close(view, event.time),
            EventKind::Reopened { .. } => {
                view.status = CaseStatus::Triage;
                (view.closed_at, view.resolved_at) = (None, None);
            }
            EventKind::MergeRefused { other, link, .. }
            | EventKind::MergeProposed { other, link, .. }
            | EventKind::Linked { other, link } => {
                let (strength_permille, keys) = (link.strength_permille, keys(link));
                view.related.items.push(RelatedCase { case: other.clone(), strength_permille, keys });
                view.related.total += 1;
            }
            _ => {}
        }
    }

    fn begin(&mut self, case: &CaseId, part: PartId) {
        self.members.entry(case.clone()).or_default().push(part);
        self.parts.entry((case.tenant.clone(), part)).or_default();
    }

    fn join(&mut self, case: &CaseId, part: PartId, alert: &Arc<Alert>) {
        let members = self.members.entry(case.clone()).or_default();
        members.push(part);
        self.fact(case, part, Fact::Alert(alert.clone()));
    }

    fn fact(&mut self, case: &CaseId, part: PartId, fact: Fact) {
        self.parts.entry((case.tenant.clone(), part)).or_default().push(fact);
    }

    fn draw(&mut self, case: &CaseId, edge: EdgeView) {
        self.edges.insert((case.tenant.clone(), edge.id), edge);
    }

    /// Drawn by a person, or told before and merely walked in another order now.
    fn by_word(&mut self, case: &CaseId, id: EdgeId, (from, to): (PartId, PartId)) {
        let edge = EdgeView { id, from, to, strength_permille: 1_000, keys: Vec::new() };
        self.edges.entry((case.tenant.clone(), id)).or_insert(edge);
    }

    fn forget_merge(&mut self, from: &CaseId) -> Option<MergedFrom> {
        let mut lists = self.cases.values_mut().map(|view| &mut view.merged_from);
        lists.find_map(|list| Some(list.remove(list.iter().position(|merged| merged.case == *from)?)))
    }

    fn undo(&mut self, id: &CaseId, other: &CaseId, side: MergeSide, parts: &[PartId]) {
        let members = self.members.get_mut(id).unwrap();
        match side {
            MergeSide::Survivor => members.retain(|part| !parts.contains(part)),
            MergeSide::Restored => *members = parts.to_vec(),
        }
        let restored = if side == MergeSide::Survivor { other } else { id }.clone();
        self.forget_merge(&restored);
        if side == MergeSide::Restored {
            let view = self.cases.get_mut(&restored).unwrap();
            view.merged_into = None;
            view.status = self.before_merge[&restored];
        }
    }

    /// All cases as the engine should show them.
    pub fn views(&self) -> Vec<CaseView> {
        self.cases.values().map(|view| self.finish(view.clone())).collect()
    }

    fn finish(&self, mut view: CaseView) -> CaseView {
        view.merged_from.sort_by_key(|merged| merged.edge);
        if let Some(into) = &view.merged_into {
            view.title = format!("merged into {into}").into();
            view.merged_from.clear();
            return view;
        }
        let mut members = self.members[&view.id].clone();
        members.sort_unstable();
        members.dedup();
        let tenant = &view.id.tenant.clone();
        let facts: Vec<&[Fact]> = members.iter().map(|part| self.parts[&(tenant.clone(), *part)].as_slice()).collect();
        let facts: Vec<&[Fact]> = facts.into_iter().filter(|facts| !facts.is_empty()).collect();
        tally(&mut view, &facts);
        let inside = |edge: &&EdgeView| members.contains(&edge.from) && members.contains(&edge.to);
        let edges = self.edges.iter().filter(|((of, _), _)| of == tenant).map(|(_, edge)| edge);
        view.edges = all(edges.filter(inside).cloned().collect());
        view.parts = all(members);
        view
    }
}

fn tally(view: &mut CaseView, parts: &[&[Fact]]) {
    let facts = || parts.iter().flat_map(|facts| facts.iter());
    let times = || facts().flat_map(Fact::times);
    view.first_event_at = times().min().unwrap();
    view.last_event_at = times().max().unwrap();
    view.alert_count = facts().filter(|fact| matches!(fact, Fact::Alert(_))).count() as u64;
    view.duplicate_count = facts().map(|fact| if let Fact::Repeats(count, ..) = fact { *count } else { 0 }).sum();
    view.rolled_up_count = facts().map(|fact| if let Fact::RolledUp(count, ..) = fact { *count } else { 0 }).sum();
    view.title = title(parts);
    view.sources = counted(parts, |alert| vec![alert.source.product.clone()], false);
    view.rules = counted(parts, |alert| vec![(alert.rule.uid.clone(), alert.rule.name.clone())], false);
    let observables = |alert: &Alert| alert.observables.iter().map(|o| (o.kind, o.value.clone(), o.role)).collect();
    view.observables = counted(parts, observables, true);
    let entities = |alert: &Alert| alert.entities.iter().map(|e| (e.kind, e.id.clone(), e.role)).collect();
    view.entities = counted(parts, entities, true);
    view.intel_matches = intel(parts);
    view.attacks = counted(parts, |alert| alert.attacks.clone(), true);
}

impl Fact {
    fn times(&self) -> Vec<Timestamp> {
        match self {
            Self::Alert(alert) | Self::Update(alert) => vec![alert.event_time.at],
            Self::Repeats(_, first, last) | Self::RolledUp(_, first, last) => vec![*first, *last],
            Self::Begun(..) | Self::Intel(_) => Vec::new(),
        }
    }
}

fn title(parts: &[&[Fact]]) -> Arc<str> {
    let mut best: Option<(Severity, Arc<str>)> = None;
    for fact in parts.iter().flat_map(|facts| facts.iter()) {
        let named = match fact {
            Fact::Alert(alert) | Fact::Update(alert) => (alert.severity, alert.title.clone()),
            Fact::Begun(severity, title) => (*severity, title.clone()),
            Fact::Repeats(..) | Fact::RolledUp(..) | Fact::Intel(_) => continue,
        };
        if best.as_ref().is_none_or(|(severity, _)| named.0 > *severity) {
            best = Some(named);
        }
    }
    best.unwrap().1
}

/// Values over all parts in order of first appearance; an update adds only what its part had not seen.
fn counted<T: Eq + Hash + Clone>(
    parts: &[&[Fact]],
    values: impl Fn(&Alert) -> Vec<T>,
    by_updates: bool,
) -> ListView<Counted<T>> {
    let mut all_parts: Vec<Counted<T>> = Vec::new();
    for facts in parts {
        let mut of_part: Vec<Counted<T>> = Vec::new();
        for fact in *facts {
            match fact {
                Fact::Alert(alert) => values(alert).into_iter().for_each(|value| add(&mut of_part, value, 1)),
                Fact::Update(alert) if by_updates => {
                    for value in values(alert) {
                        let known = of_part.iter().any(|counted| counted.value == value);
                        add(&mut of_part, value, u64::from(!known));
                    }
                }
                _ => {}
            }
        }
        of_part.into_iter().for_each(|counted| add(&mut all_parts, counted.value, counted.count));
    }
    all(all_parts)
}

/// Each indicator once, as it was first told.
fn intel(parts: &[&[Fact]]) -> ListView<IntelMatch> {
    let mut told: Vec<IntelMatch> = Vec::new();
    for fact in parts.iter().flat_map(|facts| facts.iter()) {
        if let Fact::Intel(found) = fact
            && told.iter().all(|known| !known.is_same(found))
        {
            told.push(found.clone());
        }
    }
    all(told)
}

fn add<T: Eq>(list: &mut Vec<Counted<T>>, value: T, count: u64) {
    match list.iter_mut().find(|counted| counted.value == value) {
        Some(counted) => counted.count += count,
        None => list.push(Counted { value, count }),
    }
}

fn all<T>(mut items: Vec<T>) -> ListView<T> {
    let total = items.len() as u64;
    items.truncate(100);
    ListView { items, total }
}

fn close(view: &mut CaseView, at: Timestamp) {
    view.status = CaseStatus::Closed;
    (view.closed_at, view.resolved_at) = (Some(at), Some(at));
}

fn keys(link: &Link) -> Vec<(KeyKind, Arc<str>)> {
    link.evidence.iter().filter(|evidence| evidence.counted).map(|e| (e.kind, e.value.clone())).collect()
}

fn blank(id: &CaseId, at: Timestamp, severity: Severity) -> CaseView {
    CaseView {
        id: id.clone(),
        seq: 0,
        title: "".into(),
        status: CaseStatus::New,
        roll_up: false,
        verdict: None,
        severity,
        priority: casewright::model::Priority {
            score: 0,
            band: casewright::model::Band::Informational,
            factors: Vec::new(),
        },
        opened_at: at,
        acknowledged_at: None,
        contained_at: None,
        resolved_at: None,
        closed_at: None,
        first_event_at: at,
        last_event_at: at,
        owner: None,
        team: None,
        alert_count: 0,
        duplicate_count: 0,
        rolled_up_count: 0,
        sources: ListView { items: Vec::new(), total: 0 },
        rules: ListView { items: Vec::new(), total: 0 },
        observables: ListView { items: Vec::new(), total: 0 },
        entities: ListView { items: Vec::new(), total: 0 },
        attacks: ListView { items: Vec::new(), total: 0 },
        intel_matches: ListView { items: Vec::new(), total: 0 },
        parts: ListView { items: Vec::new(), total: 0 },
        edges: ListView { items: Vec::new(), total: 0 },
        follows: None,
        merged_into: None,
        merged_from: Vec::new(),
        related: ListView { items: Vec::new(), total: 0 },
        audit_head: [0; 32],
    }
}
