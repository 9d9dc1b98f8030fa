//! Which outcome an alert gets: a repeat or an update of one that is known, a place in the strongest case, or a case of
//! its own.
//!
//! An alert whose id is known never joins anything again. Where its case is closed meanwhile it is a duplicate (or an
//! update) without an event: the detector repeats itself, and nothing new was found that could re-open a case.

use std::sync::Arc;

use super::attach::Drawn;
use super::case::{self, Case};
use super::identity::Who;
use super::part::{self, Part};
use super::score::{CERTAIN, Candidate, Reach, Scale};
use super::sight::Sight;
use super::slab::Slot;
use super::tenants::Seat;
use super::{DedupEntry, Effects, Engine, IdEntry, PartKind, Reopen, Settled, Subject, Turn, identity, priority_of};
use crate::model::{
    Activity, Actor, Alert, AlertId, Cause, EventKind, Key, Link, Outcome, Severity, Timestamp, Verdict,
};

/// One alert on its way to its outcome.
pub struct Arrival {
    pub alert: Arc<Alert>,
    pub keys: Vec<Key>,
    dedup: u128,
    late: bool,
    pub seat: Seat,
    /// What its rule does on its machine.
    pub habit: u128,
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

/// What becomes of an alert that no open case takes.
enum Elsewhere {
    Open {
        follows: Option<Slot<Case>>,
    },
    /// A closed case within its re-open window.
    Reopen(Candidate),
}

/// Where an alert ended.
pub struct Placed {
    pub outcome: Outcome,
    pub part: Slot<Part>,
    pub link: Option<Arc<Link>>,
}

impl Arrival {
    pub fn at(&self) -> Timestamp {
        self.alert.event_time.at
    }

    pub const fn late(&self) -> bool {
        self.late
    }
}

impl Engine {
    pub(super) fn correlate(&mut self, subject: Subject, mut alert: Arc<Alert>, effects: &mut Effects) {
        let Subject { mut keys, dedup, rule } = subject;
        self.clamp(&mut alert);
        let at = alert.event_time.at;
        let late = at < self.clock.state.watermark;
        self.clock.tick(alert.recorded_at.unwrap_or(at));
        self.clock.seen(&alert.origin, at, self.policy.lateness);
        self.pass_time_with_alert(effects);
        keys.retain(|key| !self.stops.stops(key));
        let seat = self.tenants.seat(&alert.tenant);
        self.tenants.heard(seat, at);
        let mut turn = Turn { effects, actor: Actor::Engine, cause: Cause::Record(alert.origin.clone()) };
        let habit = rule.rotate_left(1) ^ identity::machine_of(&keys).map_or(0, |machine| machine.0);
        let arrival = Arrival { alert, keys, dedup, late, seat, habit };
        let placed = self.decide(&mut turn, &arrival);
        self.settle(turn.effects, arrival, placed);
    }

    fn decide(&mut self, turn: &mut Turn<'_>, arrival: &Arrival) -> Placed {
        match self.recall(arrival) {
            Recall::Known { part, entry, update: true } => self.update(turn, arrival, part, entry),
            Recall::Known { part, .. } => self.repeat(turn, arrival, part, arrival.alert.id),
            Recall::Repeat { part, entry } => {
                let background = self.note_habit(turn, arrival);
                // What turned background since is no repeat of something in an incident.
                if background && self.parts[part].state.kind != PartKind::RollUp {
                    self.place_new(turn, arrival, background)
                } else {
                    self.repeat_other(turn, arrival, part, entry)
                }
            }
            Recall::New => {
                let background = self.note_habit(turn, arrival);
                self.place_new(turn, arrival, background)
            }
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

    pub(super) fn is_part_open(&self, part: Slot<Part>) -> bool {
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
        self.register(turn, part, arrival);
        let (part, counted) = self.repeated_in(turn, arrival, part, entry.alert);
        self.remember_id(arrival, part);
        if counted {
            return Placed { outcome: Outcome::Duplicate, part, link: None };
        }
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
            self.register(turn, part, arrival);
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

    fn place_new(&mut self, turn: &mut Turn<'_>, arrival: &Arrival, background: bool) -> Placed {
        let mut reach = std::mem::take(&mut self.reach);
        let placed = self.place(turn, arrival, background, &mut reach);
        self.reach = reach;
        self.remember(arrival, placed.part);
        placed
    }

    fn place(&mut self, turn: &mut Turn<'_>, arrival: &Arrival, background: bool, reach: &mut Reach) -> Placed {
        reach.clear();
        if arrival.alert.correlation.exclude {
            return self.open(turn, arrival, Who::default(), PartKind::Gathered, None);
        }
        let power = if background { self.policy.background_permille } else { CERTAIN };
        self.reach(&arrival.keys, Scale { at: arrival.at(), power }, reach);
        let attach = self.policy.attach_permille;
        if background && reach.strong(attach).next().is_none() {
            return self.place_background(turn, arrival, reach);
        }
        let who = self.who(arrival);
        let kin = self.kin(arrival, who);
        if kin.is_some() || reach.strong(attach).any(|candidate| candidate.open) {
            return self.attach(turn, arrival, reach, who, kin, !background);
        }
        let closed = reach.strong(attach).next().copied();
        match closed.map(|closed| self.place_closed(&closed)) {
            Some(Elsewhere::Reopen(closed)) => self.reopen(turn, arrival, reach, &closed, !background),
            Some(Elsewhere::Open { follows }) => self.open_beside(turn, arrival, reach, who, follows),
            None => self.open_beside(turn, arrival, reach, who, None),
        }
    }

    fn place_closed(&self, candidate: &Candidate) -> Elsewhere {
        let dismissed = self.cases[candidate.case].state.verdict == Some(Verdict::FalsePositive);
        match self.policy.reopen {
            Reopen::Never => Elsewhere::Open { follows: None },
            Reopen::SameCase if !dismissed => Elsewhere::Reopen(*candidate),
            // A person said there is nothing in it; the next one is judged by itself.
            Reopen::SameCase | Reopen::NewCaseFollows => Elsewhere::Open { follows: Some(candidate.case) },
        }
    }

    /// What fires all day goes to its rule's roll-up on that machine.
    fn place_background(&mut self, turn: &mut Turn<'_>, arrival: &Arrival, reach: &Reach) -> Placed {
        if let Some(part) = self.standing_roll_up(arrival) {
            if self.is_past_hard_cap(part) && !self.parts[part].is_exemplar(&arrival.alert) {
                return self.roll_up(turn, arrival, part);
            }
            let id = self.parts[part].state.id;
            let link = self.link(&arrival.keys, reach, &[], Some(id), &[]);
            return self.take_in(turn, arrival, part, Drawn::default(), link);
        }
        let who = Who { machine: identity::machine_of(&arrival.keys), identity: None };
        let placed = self.open(turn, arrival, who, PartKind::RollUp, None);
        self.begin_roll_up(arrival, placed.part);
        placed
    }

    /// A case of its own, with whatever says too little to be in another one.
    fn open_beside(
        &mut self,
        turn: &mut Turn<'_>,
        arrival: &Arrival,
        reach: &Reach,
        who: Who,
        follows: Option<Slot<Case>>,
    ) -> Placed {
        let placed = self.open(turn, arrival, who, PartKind::Gathered, follows);
        self.hint(arrival, placed.part, reach);
        placed
    }

    fn open(
        &mut self,
        turn: &mut Turn<'_>,
        arrival: &Arrival,
        who: Who,
        kind: PartKind,
        follows: Option<Slot<Case>>,
    ) -> Placed {
        let follows = follows.map(|slot| self.cases[slot].state.id.clone());
        let id = self.tenants.next_case(arrival.seat);
        let part = self.tenants.next_part(arrival.seat);
        let mut first = part::newborn(&id, part, &arrival.keys, who, kind, &arrival.alert);
        first.record(&arrival.alert, arrival.late, &mut part::ListPlaces::default());
        self.note(&mut first.risk, &arrival.alert);
        let (severity, priority) = priority_of(std::iter::once(&first));
        let state = case::newborn(id, severity, priority.clone(), self.clock.state.now, follows.clone());
        let slot = self.admit(arrival.seat, state);
        let part = self.add_part(arrival.seat, slot, slot, first);
        self.cases[slot].alerts = 1;
        let (id, alert, late) = (self.parts[part].state.id, Arc::clone(&arrival.alert), arrival.late);
        let roll_up = kind == PartKind::RollUp;
        let opened = EventKind::Opened { part: id, alert, late, priority, follows, roll_up };
        self.publish(turn, slot, Actor::Engine, opened);
        self.tell_intel(turn, slot);
        self.register(turn, part, arrival);
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

    pub(super) fn add_part(
        &mut self,
        seat: Seat,
        home: Slot<Case>,
        case: Slot<Case>,
        state: super::PartState,
    ) -> Slot<Part> {
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
        self.know_who(slot);
        slot
    }

    fn reopen(
        &mut self,
        turn: &mut Turn<'_>,
        arrival: &Arrival,
        reach: &mut Reach,
        closed: &Candidate,
        heard: bool,
    ) -> Placed {
        let link = self.link(&arrival.keys, reach, &[*closed], None, &[closed.case]);
        self.emit(turn, closed.case, EventKind::Reopened { comment: None, link: Some(link) });
        self.unshut(turn, closed.case);
        reach.reopened(closed.case);
        let who = self.who(arrival);
        let kin = self.kin(arrival, who);
        self.attach(turn, arrival, reach, who, kin, heard)
    }

    pub(super) fn is_past_hard_cap(&self, part: Slot<Part>) -> bool {
        self.cases[self.parts[part].case].alerts >= u64::from(self.policy.hard_cap)
    }

    pub(super) fn roll_up(&mut self, turn: &mut Turn<'_>, arrival: &Arrival, part: Slot<Part>) -> Placed {
        let case = self.parts[part].case;
        if !std::mem::replace(&mut self.cases[case].state.overflowed, true) {
            let alerts = self.cases[case].alerts;
            self.emit(turn, case, EventKind::OverflowStarted { alerts });
        }
        self.count_rolled_up(part, arrival.at());
        self.register(turn, part, arrival);
        Placed { outcome: Outcome::RolledUp, part, link: None }
    }

    /// The alert's keys can be met where it sits. What that shows of them may part what they held.
    pub(super) fn register(&mut self, turn: &mut Turn<'_>, part: Slot<Part>, arrival: &Arrival) {
        self.soil_part(part);
        if arrival.alert.correlation.exclude {
            return;
        }
        let Some(gathering) = self.gathering(part) else { return };
        let (at, grave) = (arrival.at(), arrival.alert.severity >= Severity::Medium);
        self.soil_part(gathering);
        self.parts[gathering].state.gather(&arrival.keys, at, grave);
        let seen = self.sight(gathering, &arrival.keys, Sight { at, grave });
        for place in &seen.hubs {
            self.retract(turn, &arrival.keys[*place]);
        }
        self.judge(turn, &arrival.keys, &seen.fresh, at);
    }

    /// The part whose keys are those of the alerts in `part`; a roll-up's are nobody's.
    pub(super) fn gathering(&self, part: Slot<Part>) -> Option<Slot<Part>> {
        let Part { tenant, state, .. } = &self.parts[part];
        match state.kind {
            PartKind::Gathered => Some(part),
            PartKind::Held => self.part_of(*tenant, state.edges.first()?.to),
            PartKind::RollUp => None,
        }
    }

    pub(super) fn reassess_if(&mut self, needed: bool, turn: &mut Turn<'_>, case: Slot<Case>) {
        if needed {
            self.reassess(turn, case);
        }
    }
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
