//! What a case looks like from outside: a function of its row and of the parts that count in it, so that undoing a
//! merge gives back the very view. A merged case keeps its own fields and shows no parts: they count where it
//! redirects to.

use std::hash::Hash;
use std::sync::Arc;

use super::case::Case;
use super::index::Index;
use super::part::Part;
use super::slab::Slot;
use super::{CaseState, Engine, Family, NoiseStats, PartKind, PartState};
use crate::model::{
    CaseId, CaseStatus, CaseView, Counted, EdgeView, IntelMatch, ListView, MergedFrom, ObservableKind, Priority,
    RelatedCase, Severity, Timestamp,
};

const SHOWN_MAX: usize = 100;

/// What lists of cases show of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseSummary {
    pub id: CaseId,
    pub seq: u64,
    pub title: Arc<str>,
    pub status: CaseStatus,
    pub roll_up: bool,
    pub severity: Severity,
    pub priority: Priority,
    pub owner: Option<Arc<str>>,
    pub opened_at: Timestamp,
    pub closed_at: Option<Timestamp>,
    pub first_event_at: Timestamp,
    pub last_event_at: Timestamp,
    pub alert_count: u64,
    pub duplicate_count: u64,
    pub rolled_up_count: u64,
    /// Distinct products among its alerts.
    pub products: usize,
    pub merged_into: Option<CaseId>,
}

/// What gauges show of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineStats {
    /// Resident cases, in the order of `CaseStatus::ALL`.
    pub cases: [u64; CaseStatus::ALL.len()],
    pub parts: u64,
    pub hub_keys: u64,
    pub noise: NoiseStats,
    /// Keys on which alerts can meet, and those not yet freed.
    pub live_keys: u64,
    /// Entries of the lists in force.
    pub listed_assets: u64,
    pub listed_indicators: u64,
    pub watermark: Timestamp,
    pub now: Timestamp,
}

/// What the parts of a case add up to.
struct Sum {
    title: Arc<str>,
    first_at: Timestamp,
    last_at: Timestamp,
    alerts: u64,
    duplicates: u64,
    rolled_up: u64,
}

impl Engine {
    #[must_use]
    pub fn view(&self, case: &CaseId) -> Option<CaseView> {
        let slot = self.find_case(case)?;
        let parts: Vec<&PartState> = self.shown_parts(slot).into_iter().map(|part| &part.state).collect();
        Some(view_of(&self.cases[slot].state, &parts, self.is_roll_up(slot), self.policy.attach_permille))
    }

    /// Of every resident case.
    #[must_use]
    pub fn summaries(&self) -> Vec<CaseSummary> {
        let mut ids: Vec<&CaseId> = self.cases.slots().map(|slot| &self.cases[slot].state.id).collect();
        ids.sort_unstable();
        ids.into_iter().filter_map(|id| self.summary(id)).collect()
    }

    #[must_use]
    pub fn summary(&self, case: &CaseId) -> Option<CaseSummary> {
        let slot = self.find_case(case)?;
        let state = &self.cases[slot].state;
        let parts: Vec<&PartState> = self.shown_parts(slot).into_iter().map(|part| &part.state).collect();
        let sum = sum(state, &parts);
        let mut products: Vec<&str> =
            parts.iter().flat_map(|part| &part.sources).map(|(product, _)| &**product).collect();
        products.sort_unstable();
        products.dedup();
        Some(CaseSummary {
            id: state.id.clone(),
            seq: state.seq,
            title: sum.title,
            status: state.status,
            roll_up: self.is_roll_up(slot),
            severity: state.severity,
            priority: state.priority.clone(),
            owner: state.owner.clone(),
            opened_at: state.opened_at,
            closed_at: state.closed_at,
            first_event_at: sum.first_at,
            last_event_at: sum.last_at,
            alert_count: sum.alerts,
            duplicate_count: sum.duplicates,
            rolled_up_count: sum.rolled_up,
            products: products.len(),
            merged_into: state.merged_into.as_ref().map(|(into, _)| into.clone()),
        })
    }

    #[must_use]
    pub const fn watermark(&self) -> Timestamp {
        self.clock.state.watermark
    }

    #[must_use]
    pub fn stats(&self) -> EngineStats {
        EngineStats {
            cases: self.by_status,
            parts: self.parts.len() as u64,
            hub_keys: self.learned.hubs(),
            noise: self.noise.stats(self.clock.state.watermark),
            live_keys: self.keys.len() as u64,
            listed_assets: self.lists().assets() as u64,
            listed_indicators: self.lists().indicators() as u64,
            watermark: self.clock.state.watermark,
            now: self.clock.state.now,
        }
    }

    /// Whether the case began as what one rule says all day of one machine.
    pub(super) fn is_roll_up(&self, slot: Slot<Case>) -> bool {
        let Case { tenant, state, .. } = &self.cases[slot];
        let founding = state.parts.first().and_then(|part| self.part_of(*tenant, *part));
        founding.is_some_and(|part| self.parts[part].state.kind == PartKind::RollUp)
    }

    /// Oldest first, so that a list reads in the order in which things appeared.
    fn shown_parts(&self, slot: Slot<Case>) -> Vec<&Part> {
        if self.cases[slot].is_merged() {
            return Vec::new();
        }
        let mut parts: Vec<&Part> = self.parts_of(slot).map(|part| &self.parts[part]).collect();
        parts.sort_unstable_by_key(|part| part.state.id);
        parts
    }
}

impl Family {
    /// The view of the case, as the engine would publish it now.
    #[must_use]
    pub fn view(&self, holds_permille: u16) -> CaseView {
        let founding = self.case.parts.first();
        let founding = founding.and_then(|id| self.parts.iter().find(|part| part.id == *id));
        let roll_up = founding.is_some_and(|part| part.kind == PartKind::RollUp);
        let shown = if self.case.status == CaseStatus::Merged { &[] } else { self.parts.as_slice() };
        view_of(&self.case, &shown.iter().collect::<Vec<_>>(), roll_up, holds_permille)
    }
}

/// `parts` are those that count in the case, by id.
fn view_of(state: &CaseState, parts: &[&PartState], roll_up: bool, holds_permille: u16) -> CaseView {
    let sum = sum(state, parts);
    CaseView {
        id: state.id.clone(),
        seq: state.seq,
        title: sum.title,
        status: state.status,
        roll_up,
        verdict: state.verdict,
        severity: state.severity,
        priority: state.priority.clone(),
        opened_at: state.opened_at,
        acknowledged_at: state.acknowledged_at,
        contained_at: state.contained_at,
        resolved_at: state.resolved_at,
        closed_at: state.closed_at,
        first_event_at: sum.first_at,
        last_event_at: sum.last_at,
        owner: state.owner.clone(),
        team: state.team.clone(),
        alert_count: sum.alerts,
        duplicate_count: sum.duplicates,
        rolled_up_count: sum.rolled_up,
        sources: union(parts, |part| part.sources.iter().map(|(source, count)| (source.clone(), *count))),
        rules: union(parts, |part| part.rules.iter().map(|rule| ((rule.0.clone(), rule.1.clone()), rule.3))),
        observables: union(parts, |part| {
            part.observables.iter().map(|(seen, count)| ((seen.kind, seen.value.clone(), seen.role), *count))
        }),
        entities: union(parts, |part| {
            part.entities.iter().map(|(seen, count)| ((seen.kind, seen.value.clone(), seen.role), *count))
        }),
        attacks: union(parts, |part| part.attacks.iter().map(|(attack, count)| (attack.clone(), *count))),
        intel_matches: shown(intel(parts)),
        parts: shown(parts.iter().map(|part| part.id).collect()),
        edges: shown(edges(parts, holds_permille)),
        follows: state.follows.clone(),
        merged_into: state.merged_into.as_ref().map(|(into, _)| into.clone()),
        merged_from: merged_from(state),
        related: shown(state.related.iter().map(RelatedCase::from).collect()),
        audit_head: state.audit_head,
    }
}

fn sum(case: &CaseState, parts: &[&PartState]) -> Sum {
    let opened_at = case.opened_at;
    let lived = || parts.iter().filter(|part| !part.is_empty());
    Sum {
        title: title(case, parts),
        first_at: lived().map(|part| part.first_at).min().unwrap_or(opened_at),
        last_at: lived().map(|part| part.last_at).max().unwrap_or(opened_at),
        alerts: parts.iter().map(|part| part.alerts).sum(),
        duplicates: parts.iter().map(|part| part.duplicates_told()).sum(),
        rolled_up: parts.iter().map(|part| part.rolled_up_told()).sum(),
    }
}

/// The first alert of the highest severity, the older part's among equals.
fn title(case: &CaseState, parts: &[&PartState]) -> Arc<str> {
    if let Some((into, _)) = &case.merged_into {
        return Arc::from(format!("merged into {into}"));
    }
    let told = parts.iter().rev().filter(|part| !part.top.1.is_empty());
    let top = told.max_by_key(|part| part.top.0);
    top.map_or_else(|| Arc::from(""), |part| part.top.1.clone())
}

/// Distinct values over all parts, in order of first appearance, with how often each was seen.
fn union<'a, T: Hash + Eq + Clone + 'a, I: Iterator<Item = (T, u64)> + 'a>(
    parts: &[&'a PartState],
    values: impl Fn(&'a PartState) -> I,
) -> ListView<Counted<T>> {
    let mut items: Vec<Counted<T>> = Vec::new();
    let mut places: Index<T, usize> = Index::new(0);
    for (value, count) in parts.iter().flat_map(|part| values(part)) {
        match places.get(&value) {
            Some(place) => items[*place].count += count,
            None => {
                places.insert(value.clone(), items.len());
                items.push(Counted { value, count });
            }
        }
    }
    shown(items)
}

/// Each indicator once, as it was told.
fn intel(parts: &[&PartState]) -> Vec<IntelMatch> {
    let mut known: Index<(ObservableKind, &str), ()> = Index::new(0);
    let told = parts.iter().flat_map(|part| &part.risk.intel).filter(|seen| seen.told).map(|seen| &seen.found);
    told.filter(|found| known.insert((found.kind, &*found.value), ()).is_none()).cloned().collect()
}

fn shown<T>(mut items: Vec<T>) -> ListView<T> {
    let total = items.len() as u64;
    items.truncate(SHOWN_MAX);
    ListView { items, total }
}

/// What holds the case together, oldest first.
fn edges(parts: &[&PartState], holds_permille: u16) -> Vec<EdgeView> {
    let here = |part: crate::model::PartId| parts.binary_search_by_key(&part, |known| known.id).is_ok();
    let mut edges = Vec::new();
    for part in parts {
        let holding = part.edges.iter().filter(|edge| edge.holds(holds_permille) && here(edge.to));
        edges.extend(holding.map(|edge| edge.view(part.id)));
    }
    edges.sort_unstable_by_key(|edge| edge.id);
    edges
}

fn merged_from(case: &CaseState) -> Vec<MergedFrom> {
    if case.status == CaseStatus::Merged {
        return Vec::new();
    }
    case.merged_from.iter().map(MergedFrom::from).collect()
}

impl From<&super::MergeRecord> for MergedFrom {
    fn from(record: &super::MergeRecord) -> Self {
        Self { case: record.case.clone(), edge: record.edge, at: record.at }
    }
}

impl From<&super::RelatedState> for RelatedCase {
    fn from(related: &super::RelatedState) -> Self {
        Self { case: related.case.clone(), strength_permille: related.strength_permille, keys: related.keys.clone() }
    }
}
