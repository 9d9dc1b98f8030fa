//! Who an alert is about: the machine it happened on, and who acted there. Alerts of one machine and one identity are
//! one part, for as long as they follow on one another.

use super::correlate::Arrival;
use super::index::Sighting;
use super::part::Part;
use super::slab::Slot;
use super::{Engine, PartKind};
use crate::model::{Key, KeyHash, KeyKind, Role, Timestamp};

/// Machine and identity, as far as an alert names them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Who {
    pub machine: Option<KeyHash>,
    pub identity: Option<KeyHash>,
}

/// The machine: its name before its address, where a flow ended before where it began.
pub fn machine_of(keys: &[Key]) -> Option<KeyHash> {
    let with = |role: Role| keys.iter().filter(move |key| key.role == role && names_a_place(key.kind));
    let named = with(Role::Asset).find(|key| key.kind == KeyKind::Host).or_else(|| with(Role::Asset).next());
    let flow = || with(Role::Destination).next().or_else(|| with(Role::Source).next());
    named.or_else(flow).map(|key| key.hash)
}

const fn names_a_place(kind: KeyKind) -> bool {
    !matches!(kind, KeyKind::Group | KeyKind::Realm | KeyKind::Spread)
}

const fn names_a_person(kind: KeyKind) -> bool {
    matches!(kind, KeyKind::User | KeyKind::CloudResource | KeyKind::CloudSession | KeyKind::Mailbox)
}

impl Engine {
    /// Who acted; else who was acted upon, if that is somebody known from another machine; else where it came from;
    /// else the process or logon that is known here.
    pub(super) fn who(&self, arrival: &Arrival) -> Who {
        let machine = machine_of(&arrival.keys);
        let with = |role: Role| arrival.keys.iter().filter(move |key| key.role == role && names_a_place(key.kind));
        let acts = |key: &&Key| names_a_person(key.kind) || (key.kind == KeyKind::Host && Some(key.hash) != machine);
        let known = |key: &&Key| self.is_known_elsewhere(key, machine, arrival.at());
        let identity = (with(Role::Actor).find(acts))
            .or_else(|| with(Role::Target).filter(acts).find(known))
            .or_else(|| with(Role::Source).find(|key| Some(key.hash) != machine))
            .or_else(|| with(Role::Peer).next())
            .or_else(|| with(Role::Target).find(|key| names_a_person(key.kind)))
            .or_else(|| arrival.keys.iter().find(|key| names_a_doing(key.kind)));
        Who { machine, identity: identity.map(|key| key.hash) }
    }

    fn is_known_elsewhere(&self, key: &Key, machine: Option<KeyHash>, at: Timestamp) -> bool {
        let window = self.policy.kind(key.kind).window;
        self.keys.sightings(key.hash).iter().any(|sighting| {
            let part = &self.parts[sighting.part].state;
            let known = &part.keys[sighting.place as usize];
            part.machine != machine && at.since(known.last_at) <= window && self.is_live(known)
        })
    }

    /// The part of an open case that the alert continues.
    pub(super) fn kin(&self, arrival: &Arrival, who: Who) -> Option<Slot<Part>> {
        let part = self.followed(arrival, who).or_else(|| self.kindred.get(&(arrival.seat, who)).copied())?;
        let idle = if who.identity.is_some() { self.policy.part_idle } else { self.policy.part_idle_anonymous };
        let state = &self.parts[part].state;
        let near = arrival.at().since(state.gathered_at) <= idle && state.first_at.since(arrival.at()) <= idle;
        (near && self.is_part_open(part)).then_some(part)
    }

    /// A process or logon that is known on the machine leads to its part, where the alert names nobody else.
    fn followed(&self, arrival: &Arrival, who: Who) -> Option<Slot<Part>> {
        let doing = arrival.keys.iter().find(|key| names_a_doing(key.kind))?;
        if who.identity != Some(doing.hash) {
            return None;
        }
        let of_machine = |sighting: &&Sighting| {
            let part = &self.parts[sighting.part].state;
            part.machine == who.machine && self.is_live(&part.keys[sighting.place as usize])
        };
        let here = self.keys.sightings(doing.hash).iter().filter(of_machine);
        let latest = |part: &Part, place: u32| (part.state.keys[place as usize].last_at, part.state.id);
        here.max_by_key(|sighting| latest(&self.parts[sighting.part], sighting.place)).map(|sighting| sighting.part)
    }

    /// The newest part of a machine and identity takes its next alert.
    pub(super) fn know_who(&mut self, slot: Slot<Part>) {
        let Part { tenant, state, .. } = &self.parts[slot];
        if state.kind != PartKind::Gathered || (state.machine.is_none() && state.identity.is_none()) {
            return;
        }
        let who = (*tenant, Who { machine: state.machine, identity: state.identity });
        let id = state.id;
        let newer = self.kindred.get(&who).is_none_or(|known| self.parts[*known].state.id < id);
        if newer {
            self.kindred.insert(who, slot);
        }
    }

    /// The part leaves memory.
    pub(super) fn forget_who(&mut self, slot: Slot<Part>) {
        let Part { tenant, state, .. } = &self.parts[slot];
        let who = (*tenant, Who { machine: state.machine, identity: state.identity });
        if self.kindred.get(&who) == Some(&slot) {
            self.kindred.remove(&who);
        }
    }
}

const fn names_a_doing(kind: KeyKind) -> bool {
    matches!(kind, KeyKind::Process | KeyKind::Logon)
}
