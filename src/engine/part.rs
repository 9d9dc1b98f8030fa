//! A part: what one machine and identity gathered. Here is what it keeps of an alert, every list bounded; which alert
//! comes here was decided before.

use smallvec::SmallVec;

use super::case::Case;
use super::identity::Who;
use super::places::Places;
use super::slab::Slot;
use super::tenants::Seat;
use super::{AlertRef, PartKind, PartState, Pending, Risk, TrackedEntity, TrackedObservable};
use crate::model::{Alert, AlertId, CaseId, Entity, Key, KeyKind, Observable, PartId, Role, Severity, Timestamp};

/// Distinct values per list and part; later ones are counted with the alert and not tracked. Somewhat more than a view
/// shows, and no more: a busy part's row is written with every batch.
pub const TRACKED_MAX: usize = 128;
/// Keys of a part that alerts may meet on.
pub const KEYS_HELD_MAX: usize = 256;
/// Who acted in a part, for telling whether strangers meet; a service that acts for everybody is soon past it.
pub const ACTORS_MAX: usize = 32;
/// Distinct alerts whose repeats wait to be told.
pub const PENDING_ALERTS_MAX: usize = 16;

/// A resident part.
pub struct Part {
    pub state: PartState,
    pub tenant: Seat,
    /// The founding part's case.
    pub home: Slot<Case>,
    /// The case it counts for now.
    pub case: Slot<Case>,
    pub dirty: bool,
    /// Expired keys were freed here that its row still has.
    pub swept: bool,
    /// The parts that an edge leads to, whichever of the two keeps it.
    pub near: SmallVec<[Slot<Self>; 4]>,
    pub places: ListPlaces,
}

/// Where its longer lists have which value.
#[derive(Default)]
pub struct ListPlaces {
    rules: Places,
    observables: Places,
    entities: Places,
}

impl Part {
    pub fn new(tenant: Seat, home: Slot<Case>, case: Slot<Case>, state: PartState) -> Self {
        let (dirty, swept, near) = (false, false, SmallVec::new());
        Self { state, tenant, home, case, dirty, swept, near, places: ListPlaces::default() }
    }

    pub const fn who(&self) -> Who {
        Who { machine: self.state.machine, identity: self.state.identity }
    }
}

/// An empty part, before its first alert, with room for that one: most parts never see a second.
pub fn newborn(home: &CaseId, id: PartId, keys: &[Key], who: Who, kind: PartKind, alert: &Alert) -> PartState {
    PartState {
        tenant: home.tenant.clone(),
        id,
        home: home.clone(),
        kind,
        machine: who.machine,
        identity: who.identity,
        began_at: None,
        gathered_at: alert.event_time.at,
        actors: Vec::new(),
        alerts: 0,
        duplicates: 0,
        rolled_up: 0,
        late: 0,
        first_at: alert.event_time.at,
        last_at: alert.event_time.at,
        top: (Severity::Unknown, "".into()),
        observables: Vec::with_capacity(alert.observables.len()),
        entities: Vec::with_capacity(alert.entities.len()),
        rules: Vec::with_capacity(1),
        sources: Vec::with_capacity(1),
        attacks: Vec::with_capacity(alert.attacks.len()),
        exemplars: Vec::with_capacity(1),
        keys: Vec::with_capacity(keys.len()),
        pending: None,
        edges: Vec::new(),
        risk: Risk::newborn(),
    }
}

impl Part {
    /// Takes a whole alert in. Answers whether anything that a priority is made of may have changed, but for the number.
    pub fn record(&mut self, alert: &Alert, late: bool) -> bool {
        self.state.record(alert, late, &mut self.places)
    }

    /// An update tells again what it is about; only what is new in it is taken in, so nothing counts twice.
    pub fn renew(&mut self, alert: &Alert) -> bool {
        self.state.renew(alert, &mut self.places)
    }

    /// Worth keeping whole even past the hard cap.
    pub fn is_exemplar(&mut self, alert: &Alert) -> bool {
        let state = &self.state;
        alert.severity > state.top.0
            || (state.rules.len() < TRACKED_MAX && state.place_of_rule(alert, &mut self.places).is_none())
    }
}

impl PartState {
    pub(super) fn record(&mut self, alert: &Alert, late: bool, places: &mut ListPlaces) -> bool {
        self.alerts += 1;
        self.late += u64::from(late);
        let rose = self.raise(alert);
        self.know_risks();
        let (new_rule, place) = self.count_rule(alert, places);
        let riskier = self.risk.take(alert, place);
        self.keep_exemplar(alert, rose || new_rule);
        self.span(alert.event_time.at, alert.event_time.at);
        let grew = self.count_origin(alert);
        self.count_things(alert, places);
        rose || new_rule || riskier || grew
    }

    /// It has neither an alert nor a repeat of one: it only says who was there.
    pub(super) const fn is_empty(&self) -> bool {
        self.alerts == 0 && self.duplicates == 0 && self.rolled_up == 0
    }

    /// What an alert says of who is in the part and where it began.
    pub(super) fn gather(&mut self, keys: &[Key], at: Timestamp, grave: bool) {
        self.gathered_at = self.gathered_at.max(at);
        if grave {
            self.began_at = Some(self.began_at.map_or(at, |began| began.min(at)));
        }
        for key in keys.iter().filter(|key| key.role == Role::Actor && names_an_actor(key.kind)) {
            let new = Some(key.hash) != self.machine && !self.actors.contains(&key.hash);
            if new && self.actors.len() < ACTORS_MAX {
                self.actors.push(key.hash);
            }
        }
    }

    fn renew(&mut self, alert: &Alert, places: &mut ListPlaces) -> bool {
        let rose = self.raise(alert);
        self.know_risks();
        let place = self.place_of_rule(alert, places);
        let riskier = self.risk.take(alert, place);
        self.span(alert.event_time.at, alert.event_time.at);
        for observable in &alert.observables {
            know(&mut self.observables, &mut places.observables, observable);
        }
        for entity in &alert.entities {
            know(&mut self.entities, &mut places.entities, entity);
        }
        let known = self.attacks.len();
        for attack in &alert.attacks {
            if self.attacks.len() < TRACKED_MAX && self.attacks.iter().all(|(known, _)| known != attack) {
                self.attacks.push((attack.clone(), 1));
            }
        }
        rose || riskier || self.attacks.len() > known
    }

    pub(super) fn span(&mut self, first: Timestamp, last: Timestamp) {
        self.first_at = self.first_at.min(first);
        self.last_at = self.last_at.max(last);
    }

    /// One more repeat of `alert`, to be told by `due`. The caller tells first when the list is full.
    pub(super) fn repeat(&mut self, alert: AlertId, at: Timestamp, due: Timestamp) {
        self.duplicates += 1;
        let pending = self.pending.get_or_insert_with(|| Pending::new(due));
        match pending.repeats.iter_mut().find(|repeat| repeat.0 == alert) {
            Some((_, count, first, last)) => {
                *count += 1;
                (*first, *last) = ((*first).min(at), (*last).max(at));
            }
            None => pending.repeats.push((alert, 1, at, at)),
        }
    }

    pub(super) fn roll_up(&mut self, at: Timestamp, due: Timestamp) {
        self.rolled_up += 1;
        let pending = self.pending.get_or_insert_with(|| Pending::new(due));
        let first = pending.rolled_up == 0;
        pending.rolled_up += 1;
        pending.rolled_first_at = if first { at } else { pending.rolled_first_at.min(at) };
        pending.rolled_last_at = if first { at } else { pending.rolled_last_at.max(at) };
    }

    /// The last sign of life, told or not.
    pub(super) fn active_at(&self) -> Timestamp {
        let Some(pending) = &self.pending else { return self.last_at };
        let repeated = pending.repeats.iter().map(|repeat| repeat.3).max().unwrap_or(self.last_at);
        let rolled = if pending.rolled_up > 0 { pending.rolled_last_at } else { self.last_at };
        self.last_at.max(repeated).max(rolled)
    }

    pub(super) fn duplicates_told(&self) -> u64 {
        let untold = self.pending.iter().flat_map(|pending| &pending.repeats).map(|repeat| repeat.1);
        self.duplicates.saturating_sub(untold.sum())
    }

    pub(super) fn rolled_up_told(&self) -> u64 {
        self.rolled_up.saturating_sub(self.pending.as_ref().map_or(0, |pending| pending.rolled_up))
    }

    /// Whether a repeat of `alert` would be one alert too many to keep untold.
    pub(super) fn is_pending_full(&self, alert: AlertId) -> bool {
        self.pending.as_ref().is_some_and(|pending| {
            pending.repeats.len() >= PENDING_ALERTS_MAX && pending.repeats.iter().all(|repeat| repeat.0 != alert)
        })
    }

    fn raise(&mut self, alert: &Alert) -> bool {
        // A part of repeats is called by one of them.
        let first = self.top.1.is_empty();
        let rose = alert.severity > self.top.0;
        if rose || first {
            self.top = (alert.severity, alert.title.clone());
        }
        rose || first
    }

    fn place_of_rule(&self, alert: &Alert, places: &mut ListPlaces) -> Option<usize> {
        let wanted = (&*alert.rule.uid, &*alert.rule.name);
        places.rules.find(&self.rules, &wanted, |(uid, name, ..)| (&**uid, &**name))
    }

    /// Whether the rule is new to the part, and its place among the part's rules, if it has one.
    fn count_rule(&mut self, alert: &Alert, places: &mut ListPlaces) -> (bool, Option<usize>) {
        if let Some(place) = self.place_of_rule(alert, places) {
            let (_, _, severity, count) = &mut self.rules[place];
            *severity = alert.severity.max(*severity);
            *count += 1;
            return (false, Some(place));
        }
        let room = self.rules.len() < TRACKED_MAX;
        if room {
            self.rules.push((alert.rule.uid.clone(), alert.rule.name.clone(), alert.severity, 1));
        }
        (room, room.then(|| self.rules.len() - 1))
    }

    /// Sources and ATT&CK ids.
    fn count_origin(&mut self, alert: &Alert) -> bool {
        let mut grew = count(&mut self.sources, &alert.source.product);
        for attack in &alert.attacks {
            grew |= count(&mut self.attacks, attack);
        }
        grew
    }

    fn count_things(&mut self, alert: &Alert, places: &mut ListPlaces) {
        for observable in &alert.observables {
            count_thing(&mut self.observables, &mut places.observables, observable);
        }
        for entity in &alert.entities {
            count_thing(&mut self.entities, &mut places.entities, entity);
        }
    }

    /// The first stays in front, the last behind it, then those that brought a rule or a severity of their own.
    fn keep_exemplar(&mut self, alert: &Alert, telling: bool) {
        let exemplar = AlertRef::of(alert);
        match self.exemplars.len() {
            0 => return self.exemplars.push(exemplar),
            1 => self.exemplars.push(exemplar.clone()),
            _ => self.exemplars[1] = exemplar.clone(),
        }
        if telling && self.exemplars.len() < TRACKED_MAX {
            self.exemplars.push(exemplar);
        }
    }
}

/// A process or a logon belongs to somebody; these are somebody.
const fn names_an_actor(kind: KeyKind) -> bool {
    matches!(kind, KeyKind::Host | KeyKind::User | KeyKind::Sid | KeyKind::CloudResource | KeyKind::Mailbox)
}

impl Pending {
    fn new(due: Timestamp) -> Self {
        let none = Timestamp::default();
        Self { due, repeats: Vec::new(), rolled_up: 0, rolled_first_at: none, rolled_last_at: none }
    }
}

impl AlertRef {
    fn of(alert: &Alert) -> Self {
        Self { id: alert.id, at: alert.event_time.at, severity: alert.severity, origin: alert.origin.clone() }
    }
}

/// What a part remembers of something that its alerts name.
trait Tracked: Sized {
    type Named;

    fn of(named: &Self::Named) -> Self;
    fn find(list: &[(Self, u64)], places: &mut Places, named: &Self::Named) -> Option<usize>;
}

impl Tracked for TrackedObservable {
    type Named = Observable;

    fn of(observable: &Observable) -> Self {
        Self { kind: observable.kind, value: observable.value.clone(), role: observable.role }
    }

    fn find(list: &[(Self, u64)], places: &mut Places, observable: &Observable) -> Option<usize> {
        let wanted = (observable.kind, observable.role, &*observable.value);
        places.find(list, &wanted, |(known, _)| (known.kind, known.role, &*known.value))
    }
}

impl Tracked for TrackedEntity {
    type Named = Entity;

    fn of(entity: &Entity) -> Self {
        Self { kind: entity.kind, value: entity.id.clone(), role: entity.role }
    }

    fn find(list: &[(Self, u64)], places: &mut Places, entity: &Entity) -> Option<usize> {
        let wanted = (entity.kind, entity.role, &*entity.id);
        places.find(list, &wanted, |(known, _)| (known.kind, known.role, &*known.value))
    }
}

fn count<T: PartialEq + Clone>(list: &mut Vec<(T, u64)>, value: &T) -> bool {
    if let Some((_, count)) = list.iter_mut().find(|(known, _)| known == value) {
        *count += 1;
        return false;
    }
    let room = list.len() < TRACKED_MAX;
    if room {
        list.push((value.clone(), 1));
    }
    room
}

fn count_thing<T: Tracked>(list: &mut Vec<(T, u64)>, places: &mut Places, named: &T::Named) {
    match T::find(list, places, named) {
        Some(place) => list[place].1 += 1,
        None => know_new(list, named),
    }
}

fn know<T: Tracked>(list: &mut Vec<(T, u64)>, places: &mut Places, named: &T::Named) {
    if T::find(list, places, named).is_none() {
        know_new(list, named);
    }
}

fn know_new<T: Tracked>(list: &mut Vec<(T, u64)>, named: &T::Named) {
    if list.len() < TRACKED_MAX {
        list.push((T::of(named), 1));
    }
}
