//! The verdicts: dedup, correlation, merging, the life of a case. Pure: no IO, clock, randomness, float or unordered
//! iteration. The same inputs in the same order give the same effects, whatever the batch size, the speed or what is
//! resident.
//!
//! Where what is decided: `keys` (what an alert can be correlated by), `identity` (whom it is about), `score` (how
//! strongly it belongs where), `correlate` (which outcome it gets), `attach` (what it ties together), `habit` (what fires
//! all day), `stranger` (which keys are hubs), `guard` and `form` (which parts make up which case), `repeat` (when counts
//! are told), `life` (what the passing of time does), `command` (what people may do), `regroup` (with parts), `noise` (what
//! they silence), `lists` (what is known beforehand), `priority`, `view`, `explain` (why a case is one, and what would break
//! it apart). State: `state` (rows), `part`, `risk`, `graph` (edges), `case`, `learned`, `sight` (which part holds which
//! key), `rows` and `restore` (out to rows and back).

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod address;
mod attach;
mod case;
mod clock;
mod command;
mod correlate;
mod explain;
mod form;
mod graph;
mod guard;
mod habit;
mod hub;
mod identity;
mod index;
mod input;
mod keys;
mod learned;
mod life;
mod lists;
mod noise;
mod part;
mod places;
mod policy;
mod priority;
mod regroup;
mod repeat;
mod restore;
mod risk;
mod rows;
mod score;
mod sight;
mod slab;
mod state;
mod stops;
mod stranger;
mod tenants;
mod view;

use std::collections::BTreeSet;
use std::sync::Arc;

pub use explain::{
    About, EXPLAINED_MAX, EdgeCut, EdgeTold, Explanation, Family, KeyCut, Named, PartCut, PartTold, Piece, Standing,
    Without, explain,
};
pub use input::{Effects, Input, Refused, Settled};
pub use keys::{KEYS_MAX, Subject, dedup_hash, keys_of, subject_of};
pub use lists::{
    ASSETS_MAX, Asset, INDICATORS_MAX, Indicator, LIST_NAME_BYTES_MAX, LIST_NAMES_MAX, ListChunk, ListChunkRef, Lists,
    ListsState,
};
pub use noise::{Flood, NoiseStats};
pub use part::TRACKED_MAX;
pub use policy::{KindPolicy, Policy, Reopen};
pub use priority::priority_of;
pub use restore::{Restore, RestoreError, Taken};
pub use risk::{IntelSeen, Risk};
pub use state::{
    AlertRef, CaseState, Change, ClockState, DedupEntry, EdgeKind, EdgeStands, EdgeState, EvidenceKey, EvidenceSet,
    Habit, HeldHour, IdEntry, KeyStat, LearnedChunk, MergeRecord, NoiseState, PartKey, PartKind, PartState,
    PartitionClock, Pending, PolicyState, RelatedState, RolledUp, RowKey, SourceState, SourcesState, StateRef,
    StateRow, TenantState, TrackedEntity, TrackedObservable,
};
pub use view::{CaseSummary, EngineStats};

use crate::model::{Actor, CaseEvent, CaseId, CaseStatus, Cause, EventKind, PartId, Tenant, Timestamp};
use case::Case;
use clock::Clock;
use identity::Who;
use index::{Index, KeyIndex};
use learned::Learned;
use noise::Noise;
use part::Part;
use score::Reach;
use slab::{Slab, Slot};
use stops::StopList;
use tenants::{Seat, Tenants};

/// One shard's state and verdicts. It has one owner and is never shared.
pub struct Engine {
    policy: Policy,
    policy_row: PolicyState,
    policy_dirty: bool,
    stops: StopList,
    lists: lists::Held,
    clock: Clock,
    tenants: Tenants,
    cases: Slab<Case>,
    parts: Slab<Part>,
    case_slots: Index<(Seat, u64), Slot<Case>>,
    part_slots: Index<(Seat, PartId), Slot<Part>>,
    /// The newest part of each machine and identity.
    kindred: Index<(Seat, Who), Slot<Part>>,
    keys: KeyIndex,
    learned: Learned,
    noise: Noise,
    /// When a case expires or leaves memory, at the earliest; looked at again then, because alerts put it off.
    timers: BTreeSet<(Timestamp, Slot<Case>)>,
    /// Cases whose time has come, in the order in which it came, and parts whose counts are to be told.
    ripe: BTreeSet<(Timestamp, CaseId, Slot<Case>)>,
    ripe_dues: BTreeSet<(Timestamp, Tenant, PartId, Slot<Part>)>,
    /// When a part's counts are told at the latest.
    dues: BTreeSet<(Timestamp, Slot<Part>)>,
    dirty_cases: Vec<Slot<Case>>,
    dirty_parts: Vec<Slot<Part>>,
    touched: Vec<Slot<Case>>,
    /// Cold cases that stay only until their rows are saved and their views published.
    leaving: BTreeSet<Slot<Case>>,
    by_status: [u64; CaseStatus::ALL.len()],
    /// Where the sweep for expired keys goes on, and how many alerts it has to keep pace with.
    swept: usize,
    to_sweep: usize,
    keeps_cold: bool,
    reach: Reach,
}

/// One input's turn: where its effects go, and whom its events name.
struct Turn<'a> {
    effects: &'a mut Effects,
    actor: Actor,
    cause: Cause,
}

impl Engine {
    /// `seed` keys the hash tables and never shows in an effect.
    #[must_use]
    pub fn new(seed: u64, policy: Policy, text: Arc<str>) -> Self {
        Self {
            policy_row: PolicyState { digest: policy.digest, text },
            policy_dirty: true,
            stops: StopList::new(&policy),
            policy,
            lists: lists::Held::default(),
            clock: Clock::new(ClockState::default()),
            tenants: Tenants::default(),
            cases: Slab::new(),
            parts: Slab::new(),
            case_slots: Index::new(seed),
            part_slots: Index::new(seed),
            kindred: Index::new(seed),
            keys: KeyIndex::new(seed),
            learned: Learned::new(seed),
            noise: Noise::default(),
            timers: BTreeSet::new(),
            ripe: BTreeSet::new(),
            ripe_dues: BTreeSet::new(),
            dues: BTreeSet::new(),
            dirty_cases: Vec::new(),
            dirty_parts: Vec::new(),
            touched: Vec::new(),
            leaving: BTreeSet::new(),
            by_status: [0; CaseStatus::ALL.len()],
            swept: 0,
            to_sweep: 0,
            keeps_cold: false,
            reach: Reach::default(),
        }
    }

    /// Decides one input; appends to `effects`. Every alert and every command settles in exactly one outcome.
    pub fn apply(&mut self, input: Input, effects: &mut Effects) {
        match input {
            Input::Alert { alert, subject } => self.correlate(subject, alert, effects),
            Input::Command(command) => self.obey(command, effects),
            Input::Advance { watermark } => {
                self.clock.advance(watermark);
                self.tick(effects);
            }
            Input::Idle { origin } => {
                let before = self.clock.state.watermark;
                self.clock.idle(&origin, self.policy.lateness);
                // Where it moves nothing it must do nothing: when a partition is found idle no replay can know.
                if self.clock.state.watermark > before {
                    self.tick(effects);
                }
            }
            Input::Expect { origin } => self.clock.expect(&origin),
            Input::Policy { policy, text } => self.adopt(*policy, text),
            Input::Lists(lists) => self.lists.adopt(lists),
            Input::Cold(rows) => self.welcome(rows),
        }
    }

    #[must_use]
    pub const fn policy_digest(&self) -> [u8; 32] {
        self.policy.digest
    }

    /// Keeps cold cases in memory. It changes no effect, which is what tests use it to show.
    #[doc(hidden)]
    pub const fn keep_cold(&mut self) {
        self.keeps_cold = true;
    }

    /// What had expired under the old policy stays so, whatever the new windows are: else it would depend on when
    /// the memory was freed.
    fn adopt(&mut self, policy: Policy, text: Arc<str>) {
        self.sweep_all();
        self.learned.forget_all(self.clock.state.watermark, &self.policy);
        self.policy_row = PolicyState { digest: policy.digest, text };
        self.policy_dirty = true;
        self.stops = StopList::new(&policy);
        self.policy = policy;
        let slots: Vec<_> = self.cases.slots().collect();
        for slot in slots {
            self.arm(slot);
        }
    }

    fn find_case(&self, id: &CaseId) -> Option<Slot<Case>> {
        let seat = self.tenants.find(&id.tenant)?;
        self.case_slots.get(&(seat, id.number)).copied()
    }

    /// All parts that count in a case.
    fn parts_of(&self, case: Slot<Case>) -> impl Iterator<Item = Slot<Part>> + Clone + '_ {
        let homes = self.cases[case].homes.iter();
        homes.flat_map(|home| self.cases[*home].parts.iter().copied())
    }

    fn states_of(&self, case: Slot<Case>) -> impl Iterator<Item = &PartState> + Clone + '_ {
        self.parts_of(case).map(|part| &self.parts[part].state)
    }

    fn part_count(&self, case: Slot<Case>) -> usize {
        self.cases[case].homes.iter().map(|home| self.cases[*home].parts.len()).sum()
    }

    /// Whatever was counted in the case is told before anything else of it.
    fn emit(&mut self, turn: &mut Turn<'_>, case: Slot<Case>, kind: EventKind) {
        self.tell_case(turn, case);
        let actor = turn.actor.clone();
        self.publish(turn, case, actor, kind);
    }

    fn publish(&mut self, turn: &mut Turn<'_>, slot: Slot<Case>, actor: Actor, kind: EventKind) {
        self.soil_case(slot);
        let case = &mut self.cases[slot];
        case.state.seq += 1;
        turn.effects.emit.push(CaseEvent {
            case: case.state.id.clone(),
            seq: case.state.seq,
            time: self.clock.state.now,
            actor,
            cause: turn.cause.clone(),
            policy: self.policy.digest,
            kind,
        });
        if !case.touched {
            case.touched = true;
            self.touched.push(slot);
        }
    }

    /// Its row is to be saved.
    fn soil_case(&mut self, slot: Slot<Case>) {
        if !std::mem::replace(&mut self.cases[slot].dirty, true) {
            self.dirty_cases.push(slot);
        }
    }

    fn soil_part(&mut self, slot: Slot<Part>) {
        if !std::mem::replace(&mut self.parts[slot].dirty, true) {
            self.dirty_parts.push(slot);
        }
    }

    fn set_status(&mut self, slot: Slot<Case>, status: CaseStatus) {
        let was = std::mem::replace(&mut self.cases[slot].state.status, status);
        self.by_status[was as usize] -= 1;
        self.by_status[status as usize] += 1;
    }
}

impl<'a> Turn<'a> {
    const fn of_time(effects: &'a mut Effects) -> Self {
        Self { effects, actor: Actor::Engine, cause: Cause::Clock }
    }
}
