//! A case and a part as they live in memory: their rows, and what is rebuilt from all rows together.

use std::sync::Arc;

use smallvec::SmallVec;

use super::slab::Slot;
use super::{
    AlertRef, CaseState, EdgeState, PartKey, PartState, Pending, TRACKED_MAX, TrackedEntity, TrackedObservable,
};
use crate::model::{Alert, AlertId, CaseId, CaseStatus, KeyHash, PartId, Priority, Severity, Timestamp};

/// Recently seen keys that a part keeps to be met on.
pub const KEYS_PER_PART: usize = 256;
/// First, last, highest severity, and so many more, one per rule.
const EXEMPLARS_MAX: usize = 16;
/// Alerts whose repeats are counted apart until they are told.
const PENDING_MAX: usize = 16;

pub struct Case {
    pub state: CaseState,
    /// The parts that count for it now, oldest first; none while it is merged.
    pub parts: Vec<Slot<Part>>,
    /// Alerts of all its parts.
    pub alerts: u64,
    pub dirty: bool,
    pub touched: bool,
    /// When the timer looks at it next.
    pub timer: Option<Timestamp>,
}

pub struct Part {
    pub state: PartState,
    pub tenant: u32,
    pub case: Slot<Case>,
    /// Younger parts whose edges lead here.
    pub younger: SmallVec<[Slot<Part>; 2]>,
    pub dirty: bool,
}

impl Case {
    pub fn new(state: CaseState) -> Self {
        Self { state, parts: Vec::new(), alerts: 0, dirty: true, touched: true, timer: None }
    }

    pub fn founded(id: CaseId, opened_at: Timestamp, follows: Option<CaseId>, priority: Priority) -> Self {
        Self::new(CaseState {
            id,
            seq: 0,
            audit_head: [0; 32],
            view_seq: 0,
            status: CaseStatus::New,
            status_before_merge: None,
            verdict: None,
            owner: None,
            team: None,
            severity: Severity::Unknown,
            priority,
            opened_at,
            acknowledged_at: None,
            contained_at: None,
            resolved_at: None,
            closed_at: None,
            closed_watermark: None,
            follows,
            merged_into: None,
            merged_from: Vec::new(),
            kept_apart: Vec::new(),
            related: Vec::new(),
            overflowed: false,
            parts: Vec::new(),
        })
    }
}

/// What a newly counted alert changed of its part, as far as the case must look again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct News {
    pub rule: bool,
    pub severity: bool,
    /// A rule, source or tactic was new, the severity rose, or the count passed a power of two.
    pub weighs: bool,
}

impl Part {
    pub fn born(id: PartId, tenant: u32, case: (Slot<Case>, &CaseId), identity: Option<KeyHash>, alert: &Alert) -> Self {
        let at = alert.event_time.at;
        let state = PartState {
            tenant: alert.tenant.clone(),
            id,
            home: case.1.clone(),
            identity,
            alerts: 0,
            duplicates: 0,
            rolled_up: 0,
            late: 0,
            first_at: at,
            last_at: at,
            top: (alert.severity, Arc::clone(&alert.title)),
            observables: Vec::new(),
            entities: Vec::new(),
            rules: Vec::new(),
            sources: Vec::new(),
            attacks: Vec::new(),
            exemplars: Vec::new(),
            keys: Vec::new(),
            pending: None,
            edges: Vec::new(),
        };
        Self { state, tenant, case: case.0, younger: SmallVec::new(), dirty: true }
    }

    /// What `count` would find new, without counting.
    pub fn news(&self, alert: &Alert) -> News {
        let state = &self.state;
        let rule = !state.rules.iter().any(|(uid, ..)| *uid == alert.rule.uid);
        let severity = state.alerts == 0 || alert.severity > state.top.0;
        let source = !state.sources.iter().any(|(product, _)| *product == alert.source.product);
        let attack = alert.attacks.iter().any(|attack| !state.attacks.iter().any(|(known, _)| known == attack));
        let louder = (state.alerts + 1).is_power_of_two();
        News { rule, severity, weighs: rule || severity || source || attack || louder }
    }

    /// Counts an alert in full.
    pub fn count(&mut self, alert: &Alert, late: bool) -> News {
        let news = self.news(alert);
        let state = &mut self.state;
        state.alerts += 1;
        state.late += u64::from(late);
        state.first_at = state.first_at.min(alert.event_time.at);
        state.last_at = state.last_at.max(alert.event_time.at);
        if news.severity {
            state.top = (alert.severity, Arc::clone(&alert.title));
        }
        for observable in &alert.observables {
            let tracked = |known: &TrackedObservable| {
                known.kind == observable.kind && known.role == observable.role && known.value == observable.value
            };
            tally(&mut state.observables, tracked, || TrackedObservable {
                kind: observable.kind,
                value: Arc::clone(&observable.value),
                role: observable.role,
            });
        }
        for entity in &alert.entities {
            let tracked = |known: &TrackedEntity| {
                known.kind == entity.kind && known.role == entity.role && known.value == entity.id
            };
            tally(&mut state.entities, tracked, || TrackedEntity {
                kind: entity.kind,
                value: Arc::clone(&entity.id),
                role: entity.role,
            });
        }
        for attack in &alert.attacks {
            tally(&mut state.attacks, |known| known == attack, || attack.clone());
        }
        let product = &alert.source.product;
        tally(&mut state.sources, |known| known == product, || Arc::clone(product));
        self.count_rule(alert);
        self.exemplar(alert, news);
        self.dirty = true;
        news
    }

    fn count_rule(&mut self, alert: &Alert) {
        let rules = &mut self.state.rules;
        let room = rules.len() < TRACKED_MAX;
        match rules.iter_mut().find(|(uid, ..)| *uid == alert.rule.uid) {
            Some((_, _, severity, count)) => {
                *severity = (*severity).max(alert.severity);
                *count += 1;
            }
            None if room => {
                rules.push((Arc::clone(&alert.rule.uid), Arc::clone(&alert.rule.name), alert.severity, 1));
            }
            None => {}
        }
    }

    /// The first one stays first, the last one last; in between one per rule, and the most severe.
    fn exemplar(&mut self, alert: &Alert, news: News) {
        let exemplars = &mut self.state.exemplars;
        let this = AlertRef {
            id: alert.id,
            at: alert.event_time.at,
            severity: alert.severity,
            origin: alert.origin.clone(),
        };
        let keeps = news.rule || news.severity;
        let count = exemplars.len();
        match exemplars.last_mut() {
            Some(last) if count > 1 && (count >= EXEMPLARS_MAX || !keeps) => *last = this,
            Some(_) | None => exemplars.push(this),
        }
    }

    /// Counts a repeat, to be told later. Answers whether it must be told now, because no more fit.
    pub fn repeat(&mut self, alert: AlertId, at: Timestamp, due: Timestamp) -> bool {
        self.dirty = true;
        let pending = pending(&mut self.state, at, due);
        match pending.repeats.iter_mut().find(|(known, ..)| *known == alert) {
            Some((_, count, first, last)) => {
                *count += 1;
                *first = (*first).min(at);
                *last = (*last).max(at);
            }
            None => pending.repeats.push((alert, 1, at, at)),
        }
        pending.repeats.len() >= PENDING_MAX
    }

    /// Counts an alert past the hard cap, to be told later.
    pub fn roll_up(&mut self, at: Timestamp, due: Timestamp) {
        self.dirty = true;
        let pending = pending(&mut self.state, at, due);
        if pending.rolled_up == 0 {
            (pending.rolled_first_at, pending.rolled_last_at) = (at, at);
        }
        pending.rolled_up += 1;
        pending.rolled_first_at = pending.rolled_first_at.min(at);
        pending.rolled_last_at = pending.rolled_last_at.max(at);
    }

    /// The edge to an older part, if there is one that was not undone.
    pub fn edge_to(&mut self, older: PartId) -> Option<&mut EdgeState> {
        self.state.edges.iter_mut().find(|edge| edge.to == older && !edge.undone)
    }

    /// The place of the key that was seen longest ago.
    pub fn oldest_key(&self) -> Option<usize> {
        let keys = self.state.keys.iter().enumerate();
        keys.min_by_key(|(_, key)| (key.last_at, key.hash)).map(|(place, _)| place)
    }

    pub fn key(&self, place: u32) -> &PartKey {
        &self.state.keys[place as usize]
    }
}

fn pending(state: &mut PartState, at: Timestamp, due: Timestamp) -> &mut Pending {
    state.pending.get_or_insert_with(|| Pending {
        due,
        repeats: Vec::new(),
        rolled_up: 0,
        rolled_first_at: at,
        rolled_last_at: at,
    })
}

fn tally<T>(list: &mut Vec<(T, u64)>, is: impl Fn(&T) -> bool, value: impl FnOnce() -> T) {
    let room = list.len() < TRACKED_MAX;
    match list.iter_mut().find(|(known, _)| is(known)) {
        Some((_, count)) => *count += 1,
        None if room => list.push((value(), 1)),
        None => {}
    }
}
