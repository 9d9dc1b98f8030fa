//! What a case looks like: every number is a function of its parts and its own fields, so that undoing a merge gives both
//! views back.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::part::{Case, Part};
use super::slab::Slot;
use super::{EdgeState, Effects, Engine, TrackedEntity, TrackedObservable};
use crate::model::{
    Alert, Attack, Band, CaseId, CaseStatus, CaseView, Counted, EdgeView, EventKind, ListView, MergedFrom, PartId,
    Priority, PriorityFactor, RelatedCase, Severity, Timestamp,
};

/// Items of a list in a view.
const LIST_MAX: usize = 100;

/// A case in a line: what the shell's read view and its gauges need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseSummary {
    pub status: CaseStatus,
    pub severity: Severity,
    pub priority: u8,
    pub title: Arc<str>,
    pub seq: u64,
    pub alerts: u64,
    pub duplicates: u64,
    /// Distinct products among its alerts.
    pub products: usize,
    pub opened_at: Timestamp,
    pub last_event_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineStats {
    /// Resident cases by status, in the order of `CaseStatus::ALL`.
    pub cases: [u64; CaseStatus::ALL.len()],
    pub keys: u64,
    pub hub_keys: u64,
    pub now: Timestamp,
    pub watermark: Timestamp,
}

/// What a priority is made of.
#[derive(Default)]
struct Weights {
    severity: Severity,
    rules: usize,
    sources: usize,
    tactics: usize,
    alerts: u64,
}

impl Weights {
    /// The formula: points per factor, 100 at most together. Severity carries most; more distinct rules, sources and ATT&CK
    /// tactics raise it, volume does so at log weight only.
    fn priority(&self) -> Priority {
        let severity = match self.severity {
            Severity::Unknown => 0,
            Severity::Informational => 5,
            Severity::Low => 15,
            Severity::Medium => 35,
            Severity::High => 60,
            Severity::Critical => 80,
            Severity::Fatal => 90,
        };
        let beyond_first = |count: usize, points: usize, most: usize| {
            u8::try_from((count.saturating_sub(1) * points).min(most)).unwrap_or(u8::MAX)
        };
        let volume = u8::try_from(self.alerts.max(1).ilog2().min(10)).unwrap_or(10);
        let factors = [
            ("severity", severity),
            ("distinct_rules", beyond_first(self.rules, 3, 15)),
            ("distinct_sources", beyond_first(self.sources, 5, 15)),
            ("attack_tactics", beyond_first(self.tactics, 4, 16)),
            ("alert_volume", volume),
        ];
        let factors: Vec<PriorityFactor> = factors
            .into_iter()
            .filter(|(_, points)| *points > 0)
            .map(|(name, points)| PriorityFactor { name, points })
            .collect();
        let sum: u32 = factors.iter().map(|factor| u32::from(factor.points)).sum();
        let score = u8::try_from(sum.min(100)).unwrap_or(100);
        Priority { score, band: band(score), factors }
    }
}

fn band(score: u8) -> Band {
    match score {
        80.. => Band::P1,
        60.. => Band::P2,
        40.. => Band::P3,
        20.. => Band::P4,
        _ => Band::Informational,
    }
}

/// The priority of a case that has just this alert.
pub fn priority_of_alert(alert: &Alert) -> Priority {
    let tactics = distinct_tactics(alert.attacks.iter());
    Weights { severity: alert.severity, rules: 1, sources: 1, tactics, alerts: 1 }.priority()
}

fn distinct_tactics<'a>(attacks: impl Iterator<Item = &'a Attack>) -> usize {
    let mut tactics: Vec<&str> = attacks.filter_map(|attack| attack.tactic.as_deref()).collect();
    tactics.sort_unstable();
    tactics.dedup();
    tactics.len()
}

impl Engine {
    fn parts_of(&self, case: Slot<Case>) -> impl Iterator<Item = &Part> + Clone {
        self.cases[case].parts.iter().map(|part| &self.parts[*part])
    }

    fn weights(&self, case: Slot<Case>) -> Weights {
        let parts = self.parts_of(case);
        let distinct = |mut values: Vec<&str>| {
            values.sort_unstable();
            values.dedup();
            values.len()
        };
        Weights {
            severity: parts.clone().map(|part| part.state.top.0).max().unwrap_or_default(),
            rules: distinct(parts.clone().flat_map(|part| &part.state.rules).map(|rule| &*rule.0).collect()),
            sources: distinct(parts.clone().flat_map(|part| &part.state.sources).map(|source| &*source.0).collect()),
            tactics: distinct_tactics(parts.clone().flat_map(|part| &part.state.attacks).map(|attack| &attack.0)),
            alerts: parts.map(|part| part.state.alerts).sum(),
        }
    }

    /// Tells a changed severity and priority.
    pub(super) fn weigh_again(&mut self, case: Slot<Case>, effects: &mut Effects) {
        if self.cases[case].parts.is_empty() {
            return;
        }
        let weights = self.weights(case);
        let (from, to) = (self.cases[case].state.severity, weights.severity);
        if from != to {
            self.cases[case].state.severity = to;
            self.emit(case, EventKind::SeverityChanged { from, to }, effects);
            self.watch(case);
        }
        let priority = weights.priority();
        if self.cases[case].state.priority != priority {
            self.cases[case].state.priority = priority.clone();
            self.emit(case, EventKind::PriorityChanged { priority }, effects);
        }
    }

    #[must_use]
    pub fn stats(&self) -> EngineStats {
        EngineStats {
            cases: self.statuses,
            keys: self.keys.len() as u64,
            hub_keys: self.learned.hubs(),
            now: self.clock.state.now,
            watermark: self.clock.state.watermark,
        }
    }

    #[must_use]
    pub fn summary(&self, case: &CaseId) -> Option<CaseSummary> {
        let slot = self.case_slot(case)?;
        let state = &self.cases[slot].state;
        Some(CaseSummary {
            status: state.status,
            severity: state.severity,
            priority: state.priority.score,
            title: self.title(slot),
            seq: state.seq,
            alerts: self.cases[slot].alerts,
            duplicates: self.parts_of(slot).map(|part| part.state.duplicates).sum(),
            products: self.weights(slot).sources,
            opened_at: state.opened_at,
            last_event_at: self.parts_of(slot).map(|part| part.state.last_at).max().unwrap_or(state.opened_at),
        })
    }

    /// The first alert of the highest severity names the case; of equals the oldest part speaks.
    fn title(&self, case: Slot<Case>) -> Arc<str> {
        let tops = self.parts_of(case).map(|part| &part.state.top);
        let top = tops.reduce(|best, top| if top.0 > best.0 { top } else { best });
        top.map_or_else(|| Arc::from(""), |top| Arc::clone(&top.1))
    }

    #[must_use]
    pub fn view(&self, case: &CaseId) -> Option<CaseView> {
        let slot = self.case_slot(case)?;
        let state = &self.cases[slot].state;
        let parts = || self.parts_of(slot).map(|part| &part.state);
        let sum = |count: fn(&super::PartState) -> u64| parts().map(count).sum();
        Some(CaseView {
            id: state.id.clone(),
            seq: state.seq,
            title: self.title(slot),
            status: state.status,
            verdict: state.verdict,
            severity: state.severity,
            priority: state.priority.clone(),
            opened_at: state.opened_at,
            acknowledged_at: state.acknowledged_at,
            contained_at: state.contained_at,
            resolved_at: state.resolved_at,
            closed_at: state.closed_at,
            first_event_at: parts().map(|part| part.first_at).min().unwrap_or(state.opened_at),
            last_event_at: parts().map(|part| part.last_at).max().unwrap_or(state.opened_at),
            owner: state.owner.clone(),
            team: state.team.clone(),
            alert_count: sum(|part| part.alerts),
            duplicate_count: sum(|part| part.duplicates),
            rolled_up_count: sum(|part| part.rolled_up),
            sources: listed(parts().flat_map(|part| part.sources.iter().map(|(product, n)| (Arc::clone(product), *n)))),
            rules: listed(parts().flat_map(|part| {
                part.rules.iter().map(|(uid, name, _, n)| ((Arc::clone(uid), Arc::clone(name)), *n))
            })),
            observables: listed(parts().flat_map(|part| part.observables.iter().map(|(o, n)| (observable(o), *n)))),
            entities: listed(parts().flat_map(|part| part.entities.iter().map(|(e, n)| (entity(e), *n)))),
            attacks: listed(parts().flat_map(|part| part.attacks.iter().map(|(attack, n)| (attack.clone(), *n)))),
            parts: bounded(parts().map(|part| part.id).collect()),
            edges: bounded(parts().flat_map(|part| edges(part.id, &part.edges)).collect()),
            follows: state.follows.clone(),
            merged_into: state.merged_into.as_ref().map(|(into, _)| into.clone()),
            merged_from: state
                .merged_from
                .iter()
                .map(|record| MergedFrom { case: record.case.clone(), edge: record.edge, at: record.at })
                .collect(),
            related: bounded(
                state
                    .related
                    .iter()
                    .map(|related| RelatedCase {
                        case: related.case.clone(),
                        strength_permille: related.strength_permille,
                        keys: related.keys.clone(),
                    })
                    .collect(),
            ),
            audit_head: state.audit_head,
        })
    }
}

fn observable(tracked: &TrackedObservable) -> (crate::model::ObservableKind, Arc<str>, crate::model::Role) {
    (tracked.kind, Arc::clone(&tracked.value), tracked.role)
}

fn entity(tracked: &TrackedEntity) -> (crate::model::EntityKind, Arc<str>, crate::model::Role) {
    (tracked.kind, Arc::clone(&tracked.value), tracked.role)
}

fn edges(from: PartId, edges: &[EdgeState]) -> impl Iterator<Item = EdgeView> {
    edges.iter().filter(|edge| !edge.undone).map(move |edge| {
        let best = edge.evidence.iter().max_by_key(|set| set.strength_permille);
        EdgeView {
            id: edge.id,
            from,
            to: edge.to,
            strength_permille: best.map_or(1_000, |set| set.strength_permille),
            keys: best.map_or_else(Vec::new, |set| {
                set.keys.iter().map(|key| (key.kind, Arc::clone(&key.value))).collect()
            }),
        }
    })
}

/// Distinct values in order of first appearance, with their counts added up.
fn listed<T: Clone + Ord>(values: impl Iterator<Item = (T, u64)>) -> ListView<Counted<T>> {
    let mut places: BTreeMap<T, usize> = BTreeMap::new();
    let mut items: Vec<Counted<T>> = Vec::new();
    for (value, count) in values {
        let place = *places.entry(value.clone()).or_insert(items.len());
        match items.get_mut(place) {
            Some(item) => item.count += count,
            None => items.push(Counted { value, count }),
        }
    }
    bounded(items)
}

fn bounded<T>(mut items: Vec<T>) -> ListView<T> {
    let total = items.len() as u64;
    items.truncate(LIST_MAX);
    ListView { items, total }
}
