//! Where a new alert goes: into a case that it meets, into one that follows a closed one, or into one of its own.

use std::sync::Arc;

use super::index::{PARTS_PER_KEY, Sighting};
use super::part::{Case, KEYS_PER_PART, Part};
use super::score::{Candidate, Met};
use super::slab::Slot;
use super::view::priority_of_alert;
use super::{
    DedupEntry, EdgeState, Effects, Engine, EvidenceKey, EvidenceSet, PartKey, Reopen, Settled, settled,
};
use crate::model::{
    Alert, CaseId, CaseStatus, EdgeId, EventKind, Key, KeyHash, KeyKind, Link, Outcome, PartId, RejectedRival, Role,
    Timestamp, Verdict,
};

/// Rivals named in a link.
const RIVALS_MAX: usize = 4;
const EVIDENCE_SETS_MAX: usize = 4;

/// Where an alert goes.
enum Placement {
    Open { follows: Option<CaseId> },
    Join,
}

impl Engine {
    pub(super) fn place(
        &mut self,
        alert: &Arc<Alert>,
        keys: &[Key],
        dedup: u128,
        late: bool,
        effects: &mut Effects,
    ) -> Settled {
        let candidates = if alert.correlation.exclude { Vec::new() } else { self.candidates(alert, keys) };
        let best = candidates.first().filter(|best| best.strength >= self.policy.attach_permille);
        let settled = match best.map_or(Placement::Open { follows: None }, |best| self.placement(best)) {
            Placement::Open { follows } => self.open(alert, keys, late, follows, effects),
            Placement::Join => self.join(alert, keys, late, &candidates, effects),
        };
        if let Some(part) = settled.part {
            let (at, id) = (alert.event_time.at, alert.id);
            if !alert.correlation.exclude {
                let entry = DedupEntry { hash: dedup, alert: id, part, first_at: at, last_at: at, count: 1 };
                self.learned.put_dedup(entry);
            }
            self.remember_id(alert, Some(part));
        }
        settled
    }

    fn placement(&self, best: &Candidate) -> Placement {
        let state = &self.cases[best.case].state;
        if state.status.is_open() {
            return Placement::Join;
        }
        let follows = Placement::Open { follows: Some(state.id.clone()) };
        match self.policy.reopen {
            Reopen::Never => Placement::Open { follows: None },
            // What a person called a false alarm is not forced open again; the new case says what it follows.
            Reopen::SameCase if state.verdict == Some(Verdict::FalsePositive) => follows,
            Reopen::SameCase => Placement::Join,
            Reopen::NewCaseFollows => follows,
        }
    }

    fn open(
        &mut self,
        alert: &Arc<Alert>,
        keys: &[Key],
        late: bool,
        follows: Option<CaseId>,
        effects: &mut Effects,
    ) -> Settled {
        let tenant = self.tenant(&alert.tenant);
        let number = self.take_number(tenant, |state| &mut state.next_case);
        let id = CaseId { tenant: alert.tenant.clone(), number };
        let priority = priority_of_alert(alert);
        let mut case = Case::founded(id.clone(), self.clock.state.now, follows.clone(), priority.clone());
        (case.dirty, case.touched) = (false, false);
        let slot = self.cases.insert(case);
        self.case_index.insert((tenant, number), slot);
        self.statuses[CaseStatus::New as usize] += 1;
        let part = self.new_part(slot, slot, alert, keys);
        self.count_in(part, alert, late);
        self.cases[slot].state.severity = alert.severity;
        self.register(part, alert, keys);
        let part_id = self.parts[part].state.id;
        let opened = EventKind::Opened { part: part_id, alert: Arc::clone(alert), late, priority, follows };
        self.emit_only(slot, opened, effects);
        self.watch(slot);
        settled(Outcome::Opened, Some(id), Some(part_id))
    }

    fn join(
        &mut self,
        alert: &Arc<Alert>,
        keys: &[Key],
        late: bool,
        candidates: &[Candidate],
        effects: &mut Effects,
    ) -> Settled {
        let best = &candidates[0];
        let case = best.case;
        let link = Arc::new(self.link(candidates, keys));
        if !self.cases[case].state.status.is_open() {
            self.reopen(case, None, Some(Arc::clone(&link)), effects);
        }
        let linked = best.strongest_part(self);
        let identity = identity(keys);
        let home = identity.map_or(Some(linked), |identity| best.part_of(self, identity));
        let home = home.or_else(|| self.parts[linked].state.identity.is_none().then_some(linked));
        let room = self.cases[case].parts.len() < self.policy.parts_per_case_max as usize;
        let (part, edge) = match home {
            Some(part) => (part, None),
            None if !room => (linked, None),
            None => {
                let home = self.case_slot(&self.parts[linked].state.home).unwrap_or(case);
                let part = self.new_part(case, home, alert, keys);
                let edge = self.draw(part, linked, Some(self.evidence_set(alert, best, keys)));
                (part, Some(edge))
            }
        };
        let part_id = self.parts[part].state.id;
        let outcome = self.add(case, part, edge, alert, late, &link, effects);
        self.register(part, alert, keys);
        self.bridge(alert, keys, part, candidates, effects);
        let now_in = self.cases[self.parts[part].case].state.id.clone();
        Settled { link: Some(link), ..settled(outcome, Some(now_in), Some(part_id)) }
    }

    /// Counts the alert in: in full, or past the hard cap only as a number, unless it says something new.
    #[allow(clippy::too_many_arguments)] // one call, and every argument is a different thing
    fn add(
        &mut self,
        case: Slot<Case>,
        part: Slot<Part>,
        edge: Option<EdgeId>,
        alert: &Arc<Alert>,
        late: bool,
        link: &Arc<Link>,
        effects: &mut Effects,
    ) -> Outcome {
        let news = self.parts[part].news(alert);
        let full = self.cases[case].alerts >= u64::from(self.policy.hard_cap);
        if full && !news.rule && !news.severity {
            self.start_overflow(case, effects);
            let due = self.clock.state.watermark.plus(self.policy.repeat_told_after);
            let first = self.parts[part].state.pending.is_none();
            self.parts[part].roll_up(alert.event_time.at, due);
            self.mark_part(part);
            if first {
                self.pending.insert((due, part));
            }
            return Outcome::RolledUp;
        }
        let part_id = self.parts[part].state.id;
        let attached =
            EventKind::AlertAttached { part: part_id, edge, alert: Arc::clone(alert), late, link: Arc::clone(link) };
        // Told before it is counted, so that what was untold until now is told first.
        self.emit(case, attached, effects);
        if self.count_in(part, alert, late) {
            self.weigh_again(case, effects);
        }
        Outcome::Attached
    }

    fn start_overflow(&mut self, case: Slot<Case>, effects: &mut Effects) {
        if !self.cases[case].state.overflowed {
            self.cases[case].state.overflowed = true;
            let alerts = self.cases[case].alerts;
            self.emit(case, EventKind::OverflowStarted { alerts }, effects);
        }
    }

    /// Answers whether the case must be weighed again.
    fn count_in(&mut self, part: Slot<Part>, alert: &Alert, late: bool) -> bool {
        let was_listed = self.parts[part].dirty;
        let news = self.parts[part].count(alert, late);
        self.parts[part].dirty = was_listed;
        self.mark_part(part);
        let case = self.parts[part].case;
        self.cases[case].alerts += 1;
        news.weighs
    }

    /// Counts for `case` and is at home in `home`: where the part that it hangs on is, even while that case is merged, so
    /// that it goes along if the merge is undone.
    fn new_part(&mut self, case: Slot<Case>, home: Slot<Case>, alert: &Alert, keys: &[Key]) -> Slot<Part> {
        let tenant = self.tenant(&alert.tenant);
        let id = PartId(self.take_number(tenant, |state| &mut state.next_part));
        let home_id = self.cases[home].state.id.clone();
        let mut part = Part::born(id, tenant, (case, &home_id), identity(keys), alert);
        part.dirty = false;
        let slot = self.parts.insert(part);
        self.part_index.insert((tenant, id), slot);
        self.cases[case].parts.push(slot);
        self.cases[home].state.parts.push(id);
        self.mark_case(home);
        self.mark_part(slot);
        slot
    }

    pub(super) fn take_number(&mut self, tenant: u32, which: impl Fn(&mut super::TenantState) -> &mut u64) -> u64 {
        let entry = &mut self.tenants[tenant as usize];
        entry.dirty = true;
        let next = which(&mut entry.state);
        let number = *next;
        *next += 1;
        number
    }

    /// Draws an edge between two parts, or adds evidence to the one there is. The younger part keeps it.
    pub(super) fn draw(&mut self, a: Slot<Part>, b: Slot<Part>, evidence: Option<EvidenceSet>) -> EdgeId {
        let (older, younger) = if self.parts[a].state.id < self.parts[b].state.id { (a, b) } else { (b, a) };
        let to = self.parts[older].state.id;
        self.mark_part(younger);
        if let Some(edge) = self.parts[younger].edge_to(to) {
            edge.by_person |= evidence.is_none();
            if edge.evidence.len() < EVIDENCE_SETS_MAX {
                edge.evidence.extend(evidence);
            }
            return edge.id;
        }
        let id = EdgeId(self.take_number(self.parts[younger].tenant, |state| &mut state.next_edge));
        let by_person = evidence.is_none();
        let evidence = evidence.into_iter().collect();
        self.parts[younger].state.edges.push(EdgeState { id, to, by_person, undone: false, evidence });
        if !self.parts[older].younger.contains(&younger) {
            self.parts[older].younger.push(younger);
        }
        id
    }

    pub(super) fn evidence_set(&self, alert: &Alert, candidate: &Candidate, keys: &[Key]) -> EvidenceSet {
        let counted = candidate.met.iter().filter(|met| met.counted);
        let key = |met: &Met| {
            let key = &keys[met.key];
            EvidenceKey { hash: key.hash, kind: key.kind, value: Arc::clone(&key.value), permille: met.permille }
        };
        EvidenceSet {
            alert: alert.id,
            at: alert.event_time.at,
            strength_permille: candidate.strength,
            keys: counted.map(key).collect(),
        }
    }

    fn link(&self, candidates: &[Candidate], keys: &[Key]) -> Link {
        let rival = |candidate: &Candidate| RejectedRival {
            case: self.cases[candidate.case].state.id.clone(),
            strength_permille: candidate.strength,
        };
        Link {
            strength_permille: candidates[0].strength,
            evidence: self.evidence(&candidates[0], keys),
            rivals: candidates[1..].iter().take(RIVALS_MAX).map(rival).collect(),
        }
    }

    pub(super) fn link_to(&self, candidate: &Candidate, keys: &[Key]) -> Link {
        Link {
            strength_permille: candidate.strength,
            evidence: self.evidence(candidate, keys),
            rivals: Vec::new(),
        }
    }

    /// The part may be met on the alert's keys from now on.
    fn register(&mut self, part: Slot<Part>, alert: &Alert, keys: &[Key]) {
        if alert.correlation.exclude {
            return;
        }
        for key in keys {
            if !self.policy.stop_list.iter().any(|(kind, value)| *kind == key.kind && **value == *key.value) {
                self.sight(part, key, alert.event_time.at);
            }
        }
    }

    /// A repeat keeps the keys of its part fresh, as far as the part still has them.
    pub(super) fn meet_again(&mut self, part: Slot<Part>, keys: &[Key], at: Timestamp) {
        for key in keys {
            if let Some(place) = self.place_of(part, key.hash) {
                self.refresh(part, place, key.role, at);
            }
        }
    }

    fn place_of(&self, part: Slot<Part>, key: KeyHash) -> Option<u32> {
        self.keys.sightings(key).iter().find(|sighting| sighting.part == part).map(|sighting| sighting.place)
    }

    fn refresh(&mut self, part: Slot<Part>, place: u32, role: Role, at: Timestamp) {
        let key = &mut self.parts[part].state.keys[place as usize];
        key.own |= role.is_self();
        key.first_at = key.first_at.min(at);
        key.last_at = key.last_at.max(at);
    }

    fn sight(&mut self, part: Slot<Part>, key: &Key, at: Timestamp) {
        if let Some(place) = self.place_of(part, key.hash) {
            self.refresh(part, place, key.role, at);
            return;
        }
        self.learn_spread(part, key.hash, key.kind);
        if self.parts[part].state.keys.len() >= KEYS_PER_PART
            && let Some(oldest) = self.parts[part].oldest_key()
        {
            self.forget_key(part, oldest);
        }
        let keys = &mut self.parts[part].state.keys;
        let place = u32::try_from(keys.len()).unwrap_or(u32::MAX);
        keys.push(PartKey { hash: key.hash, kind: key.kind, own: key.role.is_self(), first_at: at, last_at: at });
        self.keys.add(key.hash, Sighting { part, place });
        self.keep_latest(key.hash);
    }

    /// A key that reaches another case is on its way to being a hub.
    fn learn_spread(&mut self, part: Slot<Part>, key: KeyHash, kind: KeyKind) {
        let case = self.cases[self.parts[part].case].state.id.number;
        let known = self.keys.sightings(key);
        let elsewhere = known.iter().map(|sighting| self.cases[self.parts[sighting.part].case].state.id.number);
        let before = elsewhere.filter(|number| *number != case).min();
        let watermark = self.clock.state.watermark;
        match before {
            Some(before) => self.learned.touch(key, kind, before, case, watermark, &self.policy),
            None if self.learned.knows(key) => self.learned.touch(key, kind, case, case, watermark, &self.policy),
            None => {}
        }
    }

    /// Of the parts that hold a key only the latest few may be met; the one that falls out loses the key.
    fn keep_latest(&mut self, key: KeyHash) {
        let sightings = self.keys.sightings(key);
        if sightings.len() <= PARTS_PER_KEY {
            return;
        }
        let oldest = sightings.iter().min_by_key(|sighting| {
            let part = &self.parts[sighting.part];
            (part.key(sighting.place).last_at, part.state.id)
        });
        if let Some(&Sighting { part, place }) = oldest {
            self.forget_key(part, place as usize);
        }
    }

    pub(super) fn forget_key(&mut self, part: Slot<Part>, place: usize) {
        let keys = &mut self.parts[part].state.keys;
        let gone = keys.swap_remove(place);
        let moved = keys.get(place).map(|key| key.hash);
        self.keys.remove(gone.hash, part);
        if let Some(moved) = moved {
            self.keys.moved(moved, part, u32::try_from(place).unwrap_or(u32::MAX));
        }
        self.mark_part(part);
    }
}

/// The machine the alert is about, else whatever it is about: what a part gathers.
pub fn identity(keys: &[Key]) -> Option<KeyHash> {
    let rank = |key: &&Key| match (key.role, key.kind) {
        (Role::Asset, KeyKind::Host | KeyKind::Container | KeyKind::CloudResource) => 0,
        (Role::Asset, _) => 1,
        (Role::Actor, _) => 2,
        (Role::Source, _) => 3,
        (Role::Destination | Role::Target | Role::Peer | Role::Context, _) => 4,
    };
    keys.iter().min_by_key(rank).filter(|key| rank(key) < 4).map(|key| key.hash)
}
