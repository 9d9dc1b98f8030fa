//! Which part holds which key: at most 24 parts a key, the latest ones, and at most 256 keys a part. The parts' own
//! lists are the truth and the index only mirrors them, so a key that loses its place in the one leaves the other.

use smallvec::SmallVec;

use super::index::{PARTS_PER_KEY, Sighting, Standing};
use super::part::{KEYS_HELD_MAX, Part};
use super::slab::Slot;
use super::{Engine, PartKey, hub};
use crate::model::{Key, KeyHash, Timestamp};

/// How many alerts make the sweep look at one more part, over and above a few per batch. Keys live for a day or more,
/// so a slow round is soon enough.
const ALERTS_PER_SWEPT: usize = 8;
const SWEPT_PER_BATCH: usize = 16;

/// What an alert was in its part, for its keys.
#[derive(Clone, Copy)]
pub struct Sight {
    pub at: Timestamp,
    /// Of medium severity or more: what makes a beginning.
    pub grave: bool,
}

/// Places of an alert's keys: those that the part did not hold before, and those that turned out to be hubs.
#[derive(Default)]
pub struct Seen {
    pub fresh: SmallVec<[usize; 8]>,
    pub hubs: SmallVec<[usize; 2]>,
}

impl Engine {
    /// The alert sits in `part` now: its keys can be met there.
    pub(super) fn sight(&mut self, slot: Slot<Part>, keys: &[Key], sight: Sight) -> Seen {
        let mut seen = Seen::default();
        for (place, key) in keys.iter().enumerate() {
            if self.policy.kind(key.kind).weight_permille == 0 {
                self.count_machine(slot, key, sight.at);
                continue;
            }
            match self.keys.standing(key.hash, slot) {
                Standing::Alone { place: held } => {
                    if self.see_again(slot, held, key, sight) {
                        seen.fresh.push(place);
                    }
                }
                Standing::Unheld if !self.has_record(key.hash) => {
                    self.hold(slot, PartKey::new(key, sight), Some(false));
                    seen.fresh.push(place);
                }
                Standing::Unheld | Standing::Shared => self.sight_shared(slot, (place, key), sight, &mut seen),
            }
        }
        self.to_sweep += 1;
        seen
    }

    fn sight_shared(&mut self, slot: Slot<Part>, (nth, key): (usize, &Key), sight: Sight, seen: &mut Seen) {
        if !hub::is_bridge(key.kind) && self.count_machine(slot, key, sight.at) {
            seen.hubs.push(nth);
        }
        match self.place_of(slot, key.hash) {
            Some(place) => {
                if self.see_again(slot, place, key, sight) {
                    seen.fresh.push(nth);
                }
            }
            None => {
                self.hold(slot, PartKey::new(key, sight), None);
                seen.fresh.push(nth);
            }
        }
    }

    /// Answers whether it is seen as if for the first time.
    fn see_again(&mut self, slot: Slot<Part>, place: usize, key: &Key, sight: Sight) -> bool {
        let window = self.policy.kind(key.kind).window;
        let live = self.is_live(&self.parts[slot].state.keys[place]);
        let seen = &mut self.parts[slot].state.keys[place];
        // After a gap it is a new sighting: in between the key gathered nothing.
        let again = live && sight.at <= seen.last_at.plus(window);
        if again {
            seen.see(key, sight);
        } else {
            *seen = PartKey::new(key, sight);
        }
        !again
    }

    fn place_of(&self, slot: Slot<Part>, key: KeyHash) -> Option<usize> {
        let sighting = self.keys.sightings(key).iter().find(|sighting| sighting.part == slot)?;
        Some(sighting.place as usize)
    }

    /// Gives the key a place in the part's list and in the index, at the expense of the least recent. `counted` is
    /// whether it has a record, where that is known already.
    pub(super) fn hold(&mut self, slot: Slot<Part>, key: PartKey, counted: Option<bool>) {
        if self.parts[slot].state.keys.len() >= KEYS_HELD_MAX {
            self.make_room(slot);
        }
        let hash = key.hash;
        let held = &mut self.parts[slot].state.keys;
        let place = u32::try_from(held.len()).expect("at most 256 keys");
        held.push(key);
        let watermark = self.clock.state.watermark;
        let counted = || counted.unwrap_or_else(|| self.learned.stat(hash, watermark, &self.policy).is_some());
        if self.keys.add(hash, Sighting { part: slot, place }, counted) > PARTS_PER_KEY {
            self.displace(hash);
        }
    }

    /// Expired keys first, so that it never shows whether they were still there.
    fn make_room(&mut self, slot: Slot<Part>) {
        self.drop_expired(slot);
        let held = &self.parts[slot].state.keys;
        if held.len() >= KEYS_HELD_MAX {
            let least = (0..held.len()).min_by_key(|place| (held[*place].last_at, held[*place].hash));
            self.let_go(slot, least.expect("a full list has a least"));
        }
    }

    fn displace(&mut self, hash: KeyHash) {
        let sightings = self.keys.sightings(hash);
        let recency = |sighting: &&Sighting| {
            let part = &self.parts[sighting.part].state;
            (part.keys[sighting.place as usize].last_at, part.id)
        };
        let Sighting { part, place } = *sightings.iter().min_by_key(recency).expect("more than four");
        self.let_go(part, place as usize);
        self.soil_part(part);
    }

    fn let_go(&mut self, slot: Slot<Part>, place: usize) {
        let held = &mut self.parts[slot].state.keys;
        let gone = held.swap_remove(place);
        let moved = held.get(place).map(|key| key.hash);
        self.keys.remove(gone.hash, slot);
        if let Some(moved) = moved {
            self.keys.moved(moved, slot, u32::try_from(place).expect("at most 256 keys"));
        }
    }

    /// Answers whether anything went.
    fn drop_expired(&mut self, slot: Slot<Part>) -> bool {
        let before = self.parts[slot].state.keys.len();
        for place in (0..before).rev() {
            if !self.is_live(&self.parts[slot].state.keys[place]) {
                self.let_go(slot, place);
            }
        }
        self.parts[slot].state.keys.len() < before
    }

    /// All keys of a part leave the index; the part keeps its list.
    pub(super) fn unlist(&mut self, slot: Slot<Part>) {
        for key in &self.parts[slot].state.keys {
            self.keys.remove(key.hash, slot);
        }
    }

    /// The keys of a part that came back from the cold can be met again.
    pub(super) fn relist(&mut self, slot: Slot<Part>) {
        self.list(slot);
        self.soil_part(slot);
    }

    /// Builds the index from the part's list, without what has expired.
    pub(super) fn list(&mut self, slot: Slot<Part>) {
        let keys = std::mem::take(&mut self.parts[slot].state.keys);
        let count = keys.len();
        for key in keys {
            if self.is_live(&key) {
                self.hold(slot, key, None);
            }
        }
        self.parts[slot].swept = self.parts[slot].state.keys.len() < count;
    }

    /// Frees expired keys, a few parts each batch in step with the alerts. It shows nowhere: past its window a key
    /// counts as gone, so the rows may keep it.
    pub(super) fn sweep(&mut self) {
        let count = std::mem::take(&mut self.to_sweep) / ALERTS_PER_SWEPT + SWEPT_PER_BATCH;
        for _ in 0..count.min(self.parts.places()) {
            self.swept = (self.swept + 1) % self.parts.places();
            if let Some(slot) = self.parts.at(self.swept) {
                let went = self.drop_expired(slot);
                self.parts[slot].swept |= went;
            }
        }
    }

    /// Frees all of them, in the rows too.
    pub(super) fn sweep_all(&mut self) {
        let slots: Vec<_> = self.parts.slots().collect();
        for slot in slots {
            if self.drop_expired(slot) || self.parts[slot].swept {
                self.soil_part(slot);
            }
        }
    }

    /// Learns how many machines the key touches, from the second one on. Answers whether it turned hub by it.
    fn count_machine(&mut self, slot: Slot<Part>, key: &Key, at: Timestamp) -> bool {
        let Some(machine) = self.parts[slot].state.machine.map(short) else { return false };
        if self.has_record(key.hash) {
            return self.learned.touch_stat(key.hash, machine, at, &self.policy);
        }
        // What is not held anywhere is counted from the first on.
        let other = if self.policy.kind(key.kind).weight_permille == 0 { Some(machine) } else { None };
        if let Some(other) = other.or_else(|| self.other_machine(key.hash, machine)) {
            let stat = hub::first_seen(key.hash, key.kind, [other, machine], at, &self.policy);
            self.learned.put_stat(stat);
            self.keys.mark_counted(key.hash);
        }
        false
    }

    fn has_record(&self, key: KeyHash) -> bool {
        let known = self.keys.counted(key) != Some(false);
        known && self.learned.stat(key, self.clock.state.watermark, &self.policy).is_some()
    }

    /// The lowest of the other machines that the key is met on.
    fn other_machine(&self, key: KeyHash, machine: u64) -> Option<u64> {
        let live = |sighting: &&Sighting| {
            let keys = &self.parts[sighting.part].state.keys;
            self.is_live(&keys[sighting.place as usize])
        };
        let sightings = self.keys.sightings(key).iter().filter(live);
        let machines = sightings.filter_map(|sighting| self.parts[sighting.part].state.machine.map(short));
        machines.filter(|other| *other != machine).min()
    }
}

/// Enough of a hash to count by.
fn short(hash: KeyHash) -> u64 {
    (hash.0 >> 64) as u64
}

impl PartKey {
    fn new(key: &Key, sight: Sight) -> Self {
        let (first_at, last_at) = (sight.at, sight.at);
        let mut new = Self { hash: key.hash, kind: key.kind, first_at, last_at, own_at: None, began_at: None };
        new.see(key, sight);
        new
    }

    fn see(&mut self, key: &Key, Sight { at, grave }: Sight) {
        self.first_at = self.first_at.min(at);
        self.last_at = self.last_at.max(at);
        if key.role.is_self() {
            self.own_at = Some(self.own_at.map_or(at, |own| own.max(at)));
            if grave {
                self.began_at = Some(self.began_at.map_or(at, |began| began.min(at)));
            }
        }
    }
}
