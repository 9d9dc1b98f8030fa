//! Which outcome an alert gets: a repeat or an update of one that is known, a place in the strongest case, or a case of
//! its own.
//!
//! An alert whose id is known never joins anything again. Where its case is closed meanwhile it is a duplicate (or an
//! update) without an event: the detector repeats itself, and nothing new was found that could re-open a case.

use std::sync::Arc;

use super::case::{self, Case};
use super::merge::{MergePlan, PlannedMerge};
use super::part::{self, Part};
use super::score::{Candidate, Hit, Reach, evidence_set};
use super::slab::Slot;
use super::tenants::Seat;
use super::{DedupEntry, EdgeState, Effects, Engine, IdEntry, Reopen, Settled, Turn, priority_of};
use crate::model::{
    Activity, Actor, Alert, AlertId, Cause, EdgeId, EventKind, Key, KeyHash, KeyKind, Link, Outcome, Role, Timestamp,
    Verdict,
};

/// One alert on its way to its outcome.
struct Arrival {
    alert: Arc<Alert>,
    keys: Vec<Key>,
    dedup: u128,
    late: bool,
    seat: Seat,
}

/// What is remembered of an alert.
enum Recall {
    /// The same id: told again, or with something new.
    Known {
        part: Slot<Part>,
        entry: IdEntry,
        update: bool,
    },
    /// Another id, the same report.
    Repeat {
        part: Slot<Part>,
        entry: DedupEntry,
    },
    New,
}

enum Placement {
    Open {
        follows: Option<Slot<Case>>,
    },
    Join(Candidate),
    /// A closed case within its re-open window.
    Reopen(Candidate),
}

/// Where an alert ended.
struct Placed {
    outcome: Outcome,
    part: Slot<Part>,
    link: Option<Arc<Link>>,
}

impl Arrival {
    fn at(&self) -> Timestamp {
        self.alert.event_time.at
    }
}

impl Engine {
    pub(super) fn correlate(&mut self, mut alert: Arc<Alert>, mut keys: Vec<Key>, dedup: u128, effects: &mut Effects) {
        self.clamp(&mut alert);
        let at = alert.event_time.at;
        let late = at < self.clock.state.watermark;
        self.clock.tick(alert.recorded_at.unwrap_or(at));
        self.clock.seen(&alert.origin, at, self.policy.lateness);
        self.pass_time_with_alert(effects);
        keys.retain(|key| !self.stops.stops(key));
        let seat = self.tenants.seat(&alert.tenant);
        let mut turn = Turn { effects, actor: Actor::Engine, cause: Cause::Record(alert.origin.clone()) };
        let arrival = Arrival { alert, keys, dedup, late, seat };
        let placed = self.decide(&mut turn, &arrival);
        self.settle(turn.effects, arrival, placed);
    }

    fn decide(&mut self, turn: &mut Turn<'_>, arrival: &Arrival) -> Placed {
        match self.recall(arrival) {
            Recall::Known { part, entry, update: true } => self.update(turn, arrival, part, entry),
            Recall::Known { part, .. } => self.repeat(turn, arrival, part, arrival.alert.id),
            Recall::Repeat { part, entry } => self.repeat_other(turn, arrival, part, entry),
            Recall::New => self.place_new(turn, arrival),
        }
    }

    /// A clock that runs ahead must not drag the watermark with it. A plain file has no record time to hold it to.
    fn clamp(&self, alert: &mut Arc<Alert>) {
        let Some(recorded_at) = alert.recorded_at else { return };
        if alert.event_time.at > recorded_at.plus(self.policy.future_skew) {
            let alert = Arc::make_mut(alert);
            alert.event_time.at = recorded_at;
            alert.marks.clamped = true;
        }
    }

    fn settle(&self, effects: &mut Effects, arrival: Arrival, placed: Placed) {
        let part = &self.parts[placed.part];
        effects.settled.push(Settled {
            origin: arrival.alert.origin.clone(),
            outcome: placed.outcome,
            late: arrival.late,
            alert: Some(arrival.alert),
            case: Some(self.cases[part.case].state.id.clone()),
            part: Some(part.state.id),
            link: placed.link,
        });
    }

    fn recall(&self, arrival: &Arrival) -> Recall {
        let watermark = self.clock.state.watermark;
        let alert = &arrival.alert;
        if let Some(entry) = self.learned.id(alert.id.0, watermark, &self.policy)
            && let Some(part) = entry.part.and_then(|part| self.warm_part(arrival.seat, part))
        {
            return Recall::Known { part, entry: *entry, update: is_update(alert, entry) };
        }
        let Some(entry) = self.learned.dedup(arrival.dedup, watermark, &self.policy) else { return Recall::New };
        match self.warm_part(arrival.seat, entry.part) {
            Some(part) if self.is_part_open(part) && entry.covers(arrival.at(), &self.policy) => {
                Recall::Repeat { part, entry: *entry }
            }
            Some(_) | None => Recall::New,
        }
    }

    /// A part of a cold case counts as gone, resident or not.
    pub(super) fn warm_part(&self, seat: Seat, part: crate::model::PartId) -> Option<Slot<Part>> {
        let slot = *self.part_slots.get(&(seat, part))?;
        (!self.cases[self.parts[slot].case].is_cold()).then_some(slot)
    }

    fn is_part_open(&self, part: Slot<Part>) -> bool {
        self.cases[self.parts[part].case].is_open()
    }

    fn repeat(&mut self, turn: &mut Turn<'_>, arrival: &Arrival, part: Slot<Part>, original: AlertId) -> Placed {
        if self.is_part_open(part) {
            self.count_repeat(turn, part, original, arrival.at());
        }
        Placed { outcome: Outcome::Duplicate, part, link: None }
    }

    fn repeat_other(
        &mut self,
        turn: &mut Turn<'_>,
        arrival: &Arrival,
        part: Slot<Part>,
        mut entry: DedupEntry,
    ) -> Placed {
        entry.first_at = entry.first_at.min(arrival.at());
        entry.last_at = entry.last_at.max(arrival.at());
        entry.count += 1;
        self.learned.put_dedup(entry);
        self.remember_id(arrival, part);
        self.register(part, arrival);
        self.repeat(turn, arrival, part, entry.alert)
    }

    fn update(&mut self, turn: &mut Turn<'_>, arrival: &Arrival, part: Slot<Part>, entry: IdEntry) -> Placed {
        let alert = &arrival.alert;
        let closed = entry.closed || alert.activity == Activity::Close;
        self.learned.put_id(IdEntry { revision: entry.revision.max(alert.revision), closed, ..entry });
        if self.is_part_open(part) {
            let (case, id) = (self.parts[part].case, self.parts[part].state.id);
            self.emit(turn, case, EventKind::AlertUpdated { part: id, alert: Arc::clone(alert) });
            let weighty = self.parts[part].renew(alert) | self.note_in(part, alert);
            self.soil_part(part);
            self.sight(part, &arrival.keys, arrival.at());
            self.reassess_if(weighty, turn, case);
        }
        Placed { outcome: Outcome::Updated, part, link: None }
    }

    /// Remembers the alert by its id and by what it says.
    fn remember(&mut self, arrival: &Arrival, part: Slot<Part>) {
        self.remember_id(arrival, part);
        let (at, id) = (arrival.at(), self.parts[part].state.id);
        let alert = arrival.alert.id;
        self.learned.put_dedup(DedupEntry {
            hash: arrival.dedup,
            alert,
            part: id,
            first_at: at,
            last_at: at,
            count: 0,
        });
    }

    fn remember_id(&mut self, arrival: &Arrival, part: Slot<Part>) {
        let alert = &arrival.alert;
        self.learned.put_id(IdEntry {
            hash: alert.id.0,
            part: Some(self.parts[part].state.id),
            // What comes days late is remembered as long as anything else.
            at: arrival.at().max(self.clock.state.watermark),
            revision: alert.revision,
            closed: alert.activity == Activity::Close,
        });
    }

    fn place_new(&mut self, turn: &mut Turn<'_>, arrival: &Arrival) -> Placed {
        let mut reach = std::mem::take(&mut self.reach);
        let placed = match self.place(arrival, &mut reach) {
            Placement::Open { follows } => self.open(turn, arrival, follows),
            Placement::Join(candidate) => self.join(turn, arrival, &reach, &candidate),
            Placement::Reopen(candidate) => self.reopen(turn, arrival, &reach, &candidate),
        };
        self.reach = reach;
        self.remember(arrival, placed.part);
        placed
    }

    /// Only answers. An open case is preferred to a closed one, however strong: a re-opening has to be worth it.
    fn place(&self, arrival: &Arrival, reach: &mut Reach) -> Placement {
        reach.clear();
        if arrival.alert.correlation.exclude {
            return Placement::Open { follows: None };
        }
        self.reach(&arrival.keys, arrival.at(), reach);
        let strong = reach.candidates.iter().filter(|candidate| candidate.strength >= self.policy.attach_permille);
        match (strong.clone().find(|candidate| candidate.open), strong.clone().next()) {
            (Some(open), _) => Placement::Join(*open),
            (None, Some(closed)) => self.place_closed(closed),
            (None, None) => Placement::Open { follows: None },
        }
    }

    fn place_closed(&self, candidate: &Candidate) -> Placement {
        let dismissed = self.cases[candidate.case].state.verdict == Some(Verdict::FalsePositive);
        match self.policy.reopen {
            Reopen::Never => Placement::Open { follows: None },
            Reopen::SameCase if !dismissed => Placement::Reopen(*candidate),
            // A person said there is nothing in it; the next one is judged by itself.
            Reopen::SameCase | Reopen::NewCaseFollows => Placement::Open { follows: Some(candidate.case) },
        }
    }

    fn open(&mut self, turn: &mut Turn<'_>, arrival: &Arrival, follows: Option<Slot<Case>>) -> Placed {
        let follows = follows.map(|slot| self.cases[slot].state.id.clone());
        let id = self.tenants.next_case(arrival.seat);
        let part = self.tenants.next_part(arrival.seat);
        let mut first = part::newborn(&id, part, &arrival.keys, identity(&arrival.keys), &arrival.alert);
        first.record(&arrival.alert, arrival.late, &mut part::ListPlaces::default());
        self.note(&mut first.risk, &arrival.alert);
        let (severity, priority) = priority_of(std::iter::once(&first));
        let state = case::newborn(id, severity, priority.clone(), self.clock.state.now, follows.clone());
        let slot = self.admit(arrival.seat, state);
        let part = self.add_part(arrival.seat, slot, slot, first);
        self.cases[slot].alerts = 1;
        self.register(part, arrival);
        let (id, alert, late) = (self.parts[part].state.id, Arc::clone(&arrival.alert), arrival.late);
        self.publish(turn, slot, Actor::Engine, EventKind::Opened { part: id, alert, late, priority, follows });
        self.tell_intel(turn, slot);
        self.arm(slot);
        Placed { outcome: Outcome::Opened, part, link: None }
    }

    /// Makes a case resident.
    pub(super) fn admit(&mut self, seat: Seat, state: super::CaseState) -> Slot<Case> {
        let (number, status) = (state.id.number, state.status);
        let slot = self.cases.insert(Case::new(seat, state));
        self.cases[slot].homes.push(slot);
        self.case_slots.insert((seat, number), slot);
        self.by_status[status as usize] += 1;
        slot
    }

    fn add_part(&mut self, seat: Seat, home: Slot<Case>, case: Slot<Case>, state: super::PartState) -> Slot<Part> {
        let id = state.id;
        self.cases[home].state.parts.push(id);
        self.soil_case(home);
        self.settle_part(seat, home, case, state)
    }

    /// Makes a part resident.
    pub(super) fn settle_part(
        &mut self,
        seat: Seat,
        home: Slot<Case>,
        case: Slot<Case>,
        state: super::PartState,
    ) -> Slot<Part> {
        let id = state.id;
        let slot = self.parts.insert(Part::new(seat, home, case, state));
        self.cases[home].parts.push(slot);
        self.part_slots.insert((seat, id), slot);
        slot
    }

    fn reopen(&mut self, turn: &mut Turn<'_>, arrival: &Arrival, reach: &Reach, candidate: &Candidate) -> Placed {
        let link = self.link(&arrival.keys, reach, candidate, &[]);
        self.emit(turn, candidate.case, EventKind::Reopened { comment: None, link: Some(link) });
        self.unshut(turn, candidate.case);
        self.join(turn, arrival, reach, candidate)
    }

    fn join(&mut self, turn: &mut Turn<'_>, arrival: &Arrival, reach: &Reach, candidate: &Candidate) -> Placed {
        let hits = reach.hits(candidate);
        let (strongest, kin) = (reach.strongest(candidate), self.kin(arrival, hits));
        let case = candidate.case;
        if self.cases[case].alerts >= u64::from(self.policy.hard_cap) {
            let part = kin.unwrap_or(strongest.part);
            if !self.parts[part].is_exemplar(&arrival.alert) {
                return self.roll_up(turn, arrival, part);
            }
        }
        let plan = self.plan_merges(&arrival.alert, reach, candidate);
        let link = self.link(&arrival.keys, reach, candidate, &plan.merging());
        let (part, edge) = match kin {
            Some(part) => {
                self.corroborate(arrival, part, candidate, hits);
                (part, None)
            }
            None => self.branch(arrival, candidate, hits, strongest),
        };
        self.attach(turn, arrival, part, edge, &link);
        self.merge_planned(turn, arrival, part, reach, plan);
        Placed { outcome: Outcome::Attached, part, link: Some(link) }
    }

    /// The linked part that gathers the alert's own machine or account; the strongest one where the alert names none
    /// or the case can take no further part.
    fn kin(&self, arrival: &Arrival, hits: &[Hit]) -> Option<Slot<Part>> {
        let strongest = |hits: &mut dyn Iterator<Item = &Hit>| {
            hits.min_by_key(|hit| (std::cmp::Reverse(hit.permille), hit.part_id)).map(|hit| hit.part)
        };
        let identity = identity(&arrival.keys);
        let same = |hit: &&Hit| self.parts[hit.part].state.identity == identity;
        let full = self.part_count(hits.first()?.case) >= self.policy.parts_per_case_max as usize;
        if identity.is_none() {
            return strongest(&mut hits.iter());
        }
        strongest(&mut hits.iter().filter(same)).or_else(|| strongest(&mut hits.iter().filter(|_| full)))
    }

    fn corroborate(&mut self, arrival: &Arrival, part: Slot<Part>, candidate: &Candidate, hits: &[Hit]) {
        let neighbours = hits.iter().filter(|hit| hit.part != part && hit.permille > 0);
        if let Some(hit) = neighbours.min_by_key(|hit| (std::cmp::Reverse(hit.permille), hit.part_id)) {
            let set = || evidence_set(&arrival.alert, &arrival.keys, hits, candidate.strength);
            self.reinforce(part, hit.part, set);
        }
    }

    /// A new part beside the strongest one, and at home where that one is.
    fn branch(
        &mut self,
        arrival: &Arrival,
        candidate: &Candidate,
        hits: &[Hit],
        strongest: Hit,
    ) -> (Slot<Part>, Option<EdgeId>) {
        let home = self.parts[strongest.part].home;
        let home_id = self.cases[home].state.id.clone();
        let id = self.tenants.next_part(arrival.seat);
        let edge = self.tenants.next_edge(arrival.seat);
        let mut state = part::newborn(&home_id, id, &arrival.keys, identity(&arrival.keys), &arrival.alert);
        let evidence = vec![evidence_set(&arrival.alert, &arrival.keys, hits, candidate.strength)];
        state.edges.push(EdgeState { id: edge, to: strongest.part_id, by_person: false, undone: false, evidence });
        (self.add_part(arrival.seat, home, candidate.case, state), Some(edge))
    }

    fn attach(
        &mut self,
        turn: &mut Turn<'_>,
        arrival: &Arrival,
        part: Slot<Part>,
        edge: Option<EdgeId>,
        link: &Arc<Link>,
    ) {
        let case = self.parts[part].case;
        let id = self.parts[part].state.id;
        let (alert, link) = (Arc::clone(&arrival.alert), Arc::clone(link));
        self.emit(turn, case, EventKind::AlertAttached { part: id, edge, alert, late: arrival.late, link });
        let weighty = self.parts[part].record(&arrival.alert, arrival.late) | self.note_in(part, &arrival.alert);
        self.cases[case].alerts += 1;
        self.register(part, arrival);
        self.reassess_if(weighty || edge.is_some(), turn, case);
        self.weigh_told(turn, case);
    }

    fn roll_up(&mut self, turn: &mut Turn<'_>, arrival: &Arrival, part: Slot<Part>) -> Placed {
        let case = self.parts[part].case;
        if !std::mem::replace(&mut self.cases[case].state.overflowed, true) {
            let alerts = self.cases[case].alerts;
            self.emit(turn, case, EventKind::OverflowStarted { alerts });
        }
        self.count_rolled_up(part, arrival.at());
        self.register(part, arrival);
        Placed { outcome: Outcome::RolledUp, part, link: None }
    }

    fn register(&mut self, part: Slot<Part>, arrival: &Arrival) {
        self.soil_part(part);
        if !arrival.alert.correlation.exclude {
            self.sight(part, &arrival.keys, arrival.at());
        }
    }

    fn merge_planned(
        &mut self,
        turn: &mut Turn<'_>,
        arrival: &Arrival,
        part: Slot<Part>,
        reach: &Reach,
        plan: MergePlan,
    ) {
        for PlannedMerge { candidate, refused } in plan.0 {
            let link = self.link(&arrival.keys, reach, &candidate, &[]);
            match refused {
                Some(reason) => self.refuse_merge(turn, self.parts[part].case, candidate.case, reason, &link),
                None => {
                    let hits = reach.hits(&candidate);
                    let evidence = evidence_set(&arrival.alert, &arrival.keys, hits, candidate.strength);
                    let other = reach.strongest(&candidate).part;
                    self.merge(turn, (part, other), Some(evidence), Some(link));
                }
            }
        }
    }

    fn reassess_if(&mut self, needed: bool, turn: &mut Turn<'_>, case: Slot<Case>) {
        if needed {
            self.reassess(turn, case);
        }
    }
}

/// Which machine or account the alert is about: its asset's name before its address, else the first that acted.
fn identity(keys: &[Key]) -> Option<KeyHash> {
    let assets = || keys.iter().filter(|key| key.role == Role::Asset && key.kind != KeyKind::Group);
    let machine = assets().find(|key| key.kind == KeyKind::Host).or_else(|| assets().next());
    let own = || keys.iter().find(|key| key.role.is_self() && key.kind != KeyKind::Group);
    machine.or_else(own).map(|key| key.hash)
}

/// A higher revision, or an activity that says so. A source without revisions cannot say that an update is the one
/// already told, so each of its updates counts.
fn is_update(alert: &Alert, known: &IdEntry) -> bool {
    if alert.revision != known.revision {
        return alert.revision > known.revision;
    }
    match alert.activity {
        Activity::Create => false,
        Activity::Update => alert.revision == 0,
        Activity::Close => !known.closed,
    }
}
