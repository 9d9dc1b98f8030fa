//! What a case looks like from outside: a function of its row and of the parts that count in it, so that undoing a
//! merge gives back the very view. A merged case keeps its own fields and shows no parts: they count where it
//! redirects to.

use std::hash::Hash;
use std::sync::Arc;

use super::case::Case;
use super::index::Index;
use super::part::Part;
use super::slab::Slot;
use super::{EdgeState, Engine, PartState};
use crate::model::{
    CaseId, CaseStatus, CaseView, Counted, EdgeView, IntelMatch, KeyKind, ListView, MergedFrom, ObservableKind, PartId,
    Priority, RelatedCase, Severity, Timestamp,
};

const SHOWN_MAX: usize = 100;
const CERTAIN: u16 = 1_000;

/// What lists of cases show of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseSummary {
    pub id: CaseId,
    pub seq: u64,
    pub title: Arc<str>,
    pub status: CaseStatus,
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
        let parts = self.shown_parts(slot);
        let states: Vec<&PartState> = parts.iter().map(|part| &part.state).collect();
        let case = &self.cases[slot];
        let sum = sum(case, &parts);
        let state = &case.state;
        Some(CaseView {
            id: state.id.clone(),
            seq: state.seq,
            title: sum.title,
            status: state.status,
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
            sources: union(&states, |part| part.sources.iter().map(|(source, count)| (source.clone(), *count))),
            rules: union(&states, |part| part.rules.iter().map(|rule| ((rule.0.clone(), rule.1.clone()), rule.3))),
            observables: union(&states, |part| {
                part.observables.iter().map(|(seen, count)| ((seen.kind, seen.value.clone(), seen.role), *count))
            }),
            entities: union(&states, |part| {
                part.entities.iter().map(|(seen, count)| ((seen.kind, seen.value.clone(), seen.role), *count))
            }),
            attacks: union(&states, |part| part.attacks.iter().map(|(attack, count)| (attack.clone(), *count))),
            intel_matches: shown(intel(&states)),
            parts: shown(states.iter().map(|part| part.id).collect()),
            edges: shown(edges(&states)),
            follows: state.follows.clone(),
            merged_into: state.merged_into.as_ref().map(|(into, _)| into.clone()),
            merged_from: merged_from(case),
            related: shown(state.related.iter().map(RelatedCase::from).collect()),
            audit_head: state.audit_head,
        })
    }

    #[must_use]
    pub fn summary(&self, case: &CaseId) -> Option<CaseSummary> {
        let slot = self.find_case(case)?;
        let case = &self.cases[slot];
        let parts = self.shown_parts(slot);
        let sum = sum(case, &parts);
        let mut products: Vec<&str> =
            parts.iter().flat_map(|part| &part.state.sources).map(|(product, _)| &**product).collect();
        products.sort_unstable();
        products.dedup();
        let state = &case.state;
        Some(CaseSummary {
            id: state.id.clone(),
            seq: state.seq,
            title: sum.title,
            status: state.status,
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
            live_keys: self.keys.len() as u64,
            listed_assets: self.lists().assets() as u64,
            listed_indicators: self.lists().indicators() as u64,
            watermark: self.clock.state.watermark,
            now: self.clock.state.now,
        }
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

fn sum(case: &Case, parts: &[&Part]) -> Sum {
    let opened_at = case.state.opened_at;
    Sum {
        title: title(case, parts),
        first_at: parts.iter().map(|part| part.state.first_at).min().unwrap_or(opened_at),
        last_at: parts.iter().map(|part| part.state.last_at).max().unwrap_or(opened_at),
        alerts: parts.iter().map(|part| part.state.alerts).sum(),
        duplicates: parts.iter().map(|part| part.state.duplicates_told()).sum(),
        rolled_up: parts.iter().map(|part| part.state.rolled_up_told()).sum(),
    }
}

/// The first alert of the highest severity, the older part's among equals.
fn title(case: &Case, parts: &[&Part]) -> Arc<str> {
    if let Some((into, _)) = &case.state.merged_into {
        return Arc::from(format!("merged into {into}"));
    }
    let top = parts.iter().rev().max_by_key(|part| part.state.top.0);
    top.map_or_else(|| Arc::from(""), |part| part.state.top.1.clone())
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

fn edges(parts: &[&PartState]) -> Vec<EdgeView> {
    let mut edges: Vec<EdgeView> = parts
        .iter()
        .flat_map(|part| part.edges.iter().filter(|edge| !edge.undone).map(|edge| edge_view(part.id, edge)))
        .collect();
    edges.sort_unstable_by_key(|edge| edge.id);
    edges
}

fn merged_from(case: &Case) -> Vec<MergedFrom> {
    if case.is_merged() {
        return Vec::new();
    }
    case.state.merged_from.iter().map(MergedFrom::from).collect()
}

/// An edge is shown with what drew it; a person's word is certain.
fn edge_view(from: PartId, edge: &EdgeState) -> EdgeView {
    let drawn = edge.evidence.first().filter(|_| !edge.by_person);
    let keys: Vec<(KeyKind, Arc<str>)> =
        drawn.into_iter().flat_map(|set| &set.keys).map(|key| (key.kind, key.value.clone())).collect();
    let strength_permille = drawn.map_or(CERTAIN, |set| set.strength_permille);
    EdgeView { id: edge.id, from, to: edge.to, strength_permille, keys }
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
