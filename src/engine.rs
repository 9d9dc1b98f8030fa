//! The verdicts: dedup, correlation, merging, the life of a case. Pure: no IO, clock, randomness, float or unordered
//! iteration. The same inputs in the same order give the same effects, whatever the batch size, the speed or what is
//! resident.
//!
//! An alert goes through `apply`: is it one we know (`learned`), which cases does it meet (`score`), where does it go
//! (`join`), what does that change (`view` has the priority). Commands are obeyed in `command`; time closes things in
//! `life`. State leaves as rows (`seal`) and comes back in `restore`.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod address;
mod clock;
mod command;
mod index;
mod input;
mod join;
mod keys;
mod learned;
mod life;
mod merge;
mod part;
mod policy;
mod restore;
mod score;
mod slab;
mod state;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use input::{Effects, Input, Refused, Settled};
pub use keys::{KEYS_MAX, dedup_hash, keys_of};
pub use policy::{KindPolicy, Policy, Reopen};
pub use restore::RestoreError;
pub use state::{
    AlertRef, CaseState, Change, ClockState, DedupEntry, EdgeState, EvidenceKey, EvidenceSet, IdEntry, KeyStat,
    LearnedChunk, MergeRecord, PartKey, PartState, PartitionClock, Pending, PolicyState, RelatedState, RowKey,
    StateRef, StateRow, TenantState, TrackedEntity, TrackedObservable,
};
pub use view::{CaseSummary, EngineStats};

use self::clock::Clock;
use self::index::{Index, KeyIndex};
use self::learned::Learned;
use self::part::{Case, Part};
use self::slab::{Slab, Slot};
use crate::model::{Actor, Alert, CaseEvent, CaseId, Cause, EventKind, Key, Outcome, PartId, Tenant, Timestamp};

/// Distinct values kept per list and part; the lists say no more than this many are known.
pub const TRACKED_MAX: usize = 256;

pub struct Engine {
    policy: Policy,
    policy_text: Arc<str>,
    policy_dirty: bool,
    clock: Clock,
    tenants: Vec<TenantEntry>,
    tenant_index: BTreeMap<Tenant, u32>,
    cases: Slab<Case>,
    case_index: Index<(u32, u64), Slot<Case>>,
    parts: Slab<Part>,
    part_index: Index<(u32, PartId), Slot<Part>>,
    keys: KeyIndex,
    learned: Learned,
    /// When to look at a case again: quiet, or out of the re-open window.
    timers: BTreeSet<(Timestamp, Slot<Case>)>,
    /// When untold repeats are told at the latest.
    pending: BTreeSet<(Timestamp, Slot<Part>)>,
    dirty_cases: Vec<Slot<Case>>,
    dirty_parts: Vec<Slot<Part>>,
    touched: Vec<Slot<Case>>,
    /// Closed for longer than the re-open window: they leave memory once their rows and view are out.
    leaving: Vec<Slot<Case>>,
    /// Cases by status, for the gauges.
    statuses: [u64; crate::model::CaseStatus::ALL.len()],
    /// What brings about the events of the current input.
    now: Now,
}

struct TenantEntry {
    state: TenantState,
    dirty: bool,
}

struct Now {
    actor: Actor,
    cause: Cause,
}

impl Engine {
    /// `seed` keys the hash tables; it never changes an effect.
    #[must_use]
    pub fn new(seed: u64, policy: Policy, text: Arc<str>) -> Self {
        Self {
            policy,
            policy_text: text,
            policy_dirty: true,
            clock: Clock::new(ClockState::default()),
            tenants: Vec::new(),
            tenant_index: BTreeMap::new(),
            cases: Slab::new(),
            case_index: Index::new(seed),
            parts: Slab::new(),
            part_index: Index::new(seed),
            keys: KeyIndex::new(seed),
            learned: Learned::new(seed),
            timers: BTreeSet::new(),
            pending: BTreeSet::new(),
            dirty_cases: Vec::new(),
            dirty_parts: Vec::new(),
            touched: Vec::new(),
            leaving: Vec::new(),
            statuses: [0; crate::model::CaseStatus::ALL.len()],
            now: Now { actor: Actor::Engine, cause: Cause::Clock },
        }
    }

    #[must_use]
    pub fn policy_digest(&self) -> [u8; 32] {
        self.policy.digest
    }

    /// Takes one input; what follows is appended to `effects`.
    pub fn apply(&mut self, input: Input, effects: &mut Effects) {
        match input {
            Input::Alert { alert, keys, dedup } => self.correlate(alert, &keys, dedup, effects),
            Input::Command(command) => self.obey(command, effects),
            Input::Advance { watermark } => {
                self.now = Now { actor: Actor::Engine, cause: Cause::Clock };
                self.clock.advance(watermark);
                self.pass_time(effects);
            }
            Input::Idle { origin } => {
                self.now = Now { actor: Actor::Engine, cause: Cause::Clock };
                self.clock.idle(&origin, self.policy.lateness);
                self.pass_time(effects);
            }
            Input::Expect { origin } => self.clock.expect(&origin),
            Input::Policy { policy, text } => {
                self.policy = *policy;
                self.policy_text = text;
                self.policy_dirty = true;
            }
            Input::Cold(rows) => self.warm(rows),
        }
    }

    fn correlate(&mut self, mut alert: Arc<Alert>, keys: &[Key], dedup: u128, effects: &mut Effects) {
        self.clamp(&mut alert);
        let at = alert.event_time.at;
        self.now = Now { actor: Actor::Engine, cause: Cause::Record(alert.origin.clone()) };
        self.clock.tick(alert.recorded_at.unwrap_or(at));
        let late = at < self.clock.state.watermark;
        self.clock.seen(&alert.origin, at, self.policy.lateness);
        // Time passes before the alert is looked at: what was due before it came does not see it.
        self.pass_time(effects);
        let settled = match self.known(&alert, dedup) {
            Known::Repeat(entry) => self.count_again(&alert, keys, entry, effects),
            Known::SameId(entry) => self.seen_again(&alert, entry, effects),
            Known::New => self.place(&alert, keys, dedup, late, effects),
        };
        effects.settled.push(Settled { origin: alert.origin.clone(), late, alert: Some(alert), ..settled });
    }

    /// A time too far past the record's own would hold the watermark up for everyone.
    fn clamp(&self, alert: &mut Arc<Alert>) {
        let Some(recorded_at) = alert.recorded_at else { return };
        let latest = recorded_at.plus(self.policy.future_skew);
        if alert.event_time.at > latest {
            let alert = Arc::make_mut(alert);
            alert.event_time.at = latest;
            alert.marks.clamped = true;
        }
    }

    fn known(&self, alert: &Alert, dedup: u128) -> Known {
        let watermark = self.clock.state.watermark;
        if let Some(entry) = self.learned.id(alert.id.0, watermark, &self.policy) {
            return Known::SameId(entry);
        }
        if alert.correlation.exclude {
            return Known::New;
        }
        match self.learned.dedup(dedup, alert.event_time.at, watermark, &self.policy) {
            // A repeat of what is closed is news: it goes the way of any alert, through the re-open policy.
            Some(entry) if self.open_part(&alert.tenant, entry.part).is_some() => Known::Repeat(entry),
            Some(_) | None => Known::New,
        }
    }

    /// The part, if it is resident and its case open.
    fn open_part(&self, tenant: &Tenant, part: PartId) -> Option<Slot<Part>> {
        let tenant = self.tenant_index.get(tenant)?;
        let slot = *self.part_index.get(&(*tenant, part))?;
        self.cases[self.parts[slot].case].state.status.is_open().then_some(slot)
    }

    fn count_again(&mut self, alert: &Alert, keys: &[Key], mut entry: DedupEntry, effects: &mut Effects) -> Settled {
        let at = alert.event_time.at;
        entry.last_at = entry.last_at.max(at);
        entry.first_at = entry.first_at.min(at);
        entry.count += 1;
        self.learned.put_dedup(entry);
        let part = self.open_part(&alert.tenant, entry.part);
        self.remember_id(alert, Some(entry.part));
        let case = part.map(|part| {
            self.meet_again(part, keys, at);
            let due = self.clock.state.watermark.plus(self.policy.repeat_told_after);
            let first = self.parts[part].state.pending.is_none();
            let full = self.parts[part].repeat(entry.alert, at, due);
            self.mark_part(part);
            if first {
                self.pending.insert((due, part));
            }
            let case = self.parts[part].case;
            if full {
                self.tell_pending(case, effects);
            }
            self.cases[case].state.id.clone()
        });
        settled(Outcome::Duplicate, case, Some(entry.part))
    }

    /// The same id again: an update where it says so, else a copy.
    fn seen_again(&mut self, alert: &Arc<Alert>, entry: IdEntry, effects: &mut Effects) -> Settled {
        let closes = alert.activity == crate::model::Activity::Close && !entry.closed;
        let updates = alert.revision > entry.revision || closes;
        let revision = entry.revision.max(alert.revision);
        let closed = entry.closed || closes;
        self.learned.put_id(IdEntry { revision, closed, at: entry.at.max(alert.event_time.at), ..entry });
        let part = entry.part.and_then(|part| self.open_part(&alert.tenant, part));
        let outcome = if updates { Outcome::Updated } else { Outcome::Duplicate };
        // Nothing is told on a case that is closed: it would join in silence.
        let case = part.map(|slot| {
            let case = self.parts[slot].case;
            if updates {
                let part = self.parts[slot].state.id;
                if alert.severity > self.parts[slot].state.top.0 {
                    self.parts[slot].state.top = (alert.severity, Arc::clone(&alert.title));
                    self.mark_part(slot);
                }
                self.emit(case, EventKind::AlertUpdated { part, alert: Arc::clone(alert) }, effects);
                self.weigh_again(case, effects);
            }
            self.cases[case].state.id.clone()
        });
        settled(outcome, case, entry.part)
    }

    fn remember_id(&mut self, alert: &Alert, part: Option<PartId>) {
        let closed = alert.activity == crate::model::Activity::Close;
        let (hash, at, revision) = (alert.id.0, alert.event_time.at, alert.revision);
        self.learned.put_id(IdEntry { hash, part, at, revision, closed });
    }

    /// The next event of a case. Whatever was counted in silence is told first, so that the view is always the fold.
    fn emit(&mut self, case: Slot<Case>, kind: EventKind, effects: &mut Effects) {
        self.tell_pending(case, effects);
        self.emit_only(case, kind, effects);
    }

    fn emit_only(&mut self, case: Slot<Case>, kind: EventKind, effects: &mut Effects) {
        self.mark_case(case);
        let entry = &mut self.cases[case];
        entry.state.seq += 1;
        if !entry.touched {
            entry.touched = true;
            self.touched.push(case);
        }
        effects.emit.push(CaseEvent {
            case: entry.state.id.clone(),
            seq: entry.state.seq,
            time: self.clock.state.now,
            actor: self.now.actor.clone(),
            cause: self.now.cause.clone(),
            policy: self.policy.digest,
            kind,
        });
    }

    fn mark_case(&mut self, case: Slot<Case>) {
        if !std::mem::replace(&mut self.cases[case].dirty, true) {
            self.dirty_cases.push(case);
        }
    }

    fn mark_part(&mut self, part: Slot<Part>) {
        // `dirty` of a part says that it is listed.
        if !std::mem::replace(&mut self.parts[part].dirty, true) {
            self.dirty_parts.push(part);
        }
    }

    fn tenant(&mut self, tenant: &Tenant) -> u32 {
        if let Some(known) = self.tenant_index.get(tenant) {
            return *known;
        }
        let state = TenantState { tenant: tenant.clone(), next_case: 1, next_part: 1, next_edge: 1 };
        self.add_tenant(state, true)
    }

    fn add_tenant(&mut self, state: TenantState, dirty: bool) -> u32 {
        let index = u32::try_from(self.tenants.len()).unwrap_or(u32::MAX);
        self.tenant_index.insert(state.tenant.clone(), index);
        self.tenants.push(TenantEntry { state, dirty });
        index
    }

    fn case_slot(&self, id: &CaseId) -> Option<Slot<Case>> {
        let tenant = self.tenant_index.get(&id.tenant)?;
        self.case_index.get(&(*tenant, id.number)).copied()
    }

    /// The SHA-256 of the case's last event; zeros before its first.
    #[must_use]
    pub fn audit_head(&self, case: &CaseId) -> [u8; 32] {
        self.case_slot(case).map_or([0; 32], |slot| self.cases[slot].state.audit_head)
    }

    /// The shell tells the hash of a case's last event, which is over the JSON bytes; before `seal`.
    pub fn chained(&mut self, case: &CaseId, audit_head: [u8; 32]) {
        if let Some(slot) = self.case_slot(case) {
            self.cases[slot].state.audit_head = audit_head;
            self.mark_case(slot);
        }
    }

    /// The cases with new events since the last call, sorted.
    pub fn touched(&mut self) -> Vec<CaseId> {
        let touched = std::mem::take(&mut self.touched);
        let mut ids: Vec<CaseId> = touched
            .into_iter()
            .map(|slot| {
                self.cases[slot].touched = false;
                self.cases[slot].state.id.clone()
            })
            .collect();
        ids.sort_unstable();
        ids
    }

    /// The case's view goes out with this batch.
    pub fn viewed(&mut self, case: &CaseId) {
        if let Some(slot) = self.case_slot(case) {
            self.cases[slot].state.view_seq = self.cases[slot].state.seq;
            self.mark_case(slot);
        }
    }

    /// The resident cases whose last view is not their last state, sorted: owed since before a restart.
    #[must_use]
    pub fn owed_views(&self) -> Vec<CaseId> {
        let cases = self.cases.slots().map(|slot| &self.cases[slot].state);
        let mut owed: Vec<CaseId> =
            cases.filter(|case| case.view_seq < case.seq).map(|case| case.id.clone()).collect();
        owed.sort_unstable();
        owed
    }

    /// Hands out every row that changed since the last seal, each once, in the order of their names; then lets go of what
    /// has left.
    pub fn seal(&mut self, batch: u64, change: &mut dyn FnMut(Change<'_>)) {
        if std::mem::take(&mut self.clock.dirty) {
            change(Change::Save(StateRef::Clock(&self.clock.state)));
        }
        if std::mem::take(&mut self.policy_dirty) {
            let row = PolicyState { digest: self.policy.digest, text: Arc::clone(&self.policy_text) };
            change(Change::Save(StateRef::Policy(&row)));
        }
        self.learned.seal(batch, self.clock.state.watermark, &self.policy, change);
        for tenant in self.tenants.iter_mut().filter(|tenant| tenant.dirty) {
            tenant.dirty = false;
            change(Change::Save(StateRef::Tenant(&tenant.state)));
        }
        let mut cases = std::mem::take(&mut self.dirty_cases);
        cases.sort_unstable_by(|a, b| self.cases[*a].state.id.cmp(&self.cases[*b].state.id));
        for slot in cases {
            self.cases[slot].dirty = false;
            change(Change::Save(StateRef::Case(&self.cases[slot].state)));
        }
        let mut parts = std::mem::take(&mut self.dirty_parts);
        parts.sort_unstable_by_key(|slot| (self.parts[*slot].tenant, self.parts[*slot].state.id));
        for slot in parts {
            self.parts[slot].dirty = false;
            change(Change::Save(StateRef::Part(&self.parts[slot].state)));
        }
        self.let_go();
    }
}

/// Whether the stream has shown this report before.
enum Known {
    Repeat(DedupEntry),
    SameId(IdEntry),
    New,
}

/// What became of an alert; who it was is filled in by the caller.
fn settled(outcome: Outcome, case: Option<CaseId>, part: Option<PartId>) -> Settled {
    let nowhere = crate::model::Origin {
        topic: crate::model::TopicName::new(""),
        partition: 0,
        offset: 0,
        index: 0,
    };
    Settled { origin: nowhere, outcome, late: false, alert: None, case, part, link: None }
}
