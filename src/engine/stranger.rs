//! Whether a key is a place where strangers meet: a domain controller, a NAT address, a jump host, a service account.
//! Counting does not tell it from a genuinely wide incident; what does is whether the groups around it have others in
//! them and began elsewhere. Then it links nothing for a while, and whatever rested on it alone comes apart.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use smallvec::SmallVec;

use super::case::Case;
use super::form::Why;
use super::index::Sighting;
use super::part::Part;
use super::slab::Slot;
use super::{Engine, PartKey, PartKind, Turn, hub};
use crate::model::{EdgeId, Key, KeyHash, PartId, PartedBy, Timestamp};

/// Edges walked to tell the groups apart; past it nothing is proven.
const EDGES_WALKED_MAX: usize = 2_000;
/// A key with so many actors and so many machines of others around it is left out as well: it may be a hub too.
const SUSPECT: usize = 4;
/// A key in so many of the parts, and in half of all of them either way, is the same thing by another name.
const ALIAS_PARTS: usize = 3;

/// Parts that hang together without the key.
struct Group {
    parts: Vec<Slot<Part>>,
}

impl Engine {
    /// Looks at each of these keys that a part just began to hold.
    pub(super) fn judge(&mut self, turn: &mut Turn<'_>, keys: &[Key], fresh: &[usize], at: Timestamp) {
        for place in fresh {
            let key = &keys[*place];
            if hub::is_bridge(key.kind) && self.keys.sightings(key.hash).len() >= 2 && self.strangers_meet(key, at) {
                let was = self.is_hub(key.hash, at);
                self.learned.put_stat(hub::proven(key.hash, key.kind, at, &self.policy));
                self.keys.mark_counted(key.hash);
                if !was {
                    self.retract(turn, key);
                }
            }
        }
    }

    /// What rested on the key no longer holds, in open cases.
    pub(super) fn retract(&mut self, turn: &mut Turn<'_>, key: &Key) {
        let by = PartedBy::Hub { kind: key.kind, value: Arc::clone(&key.value) };
        let mut cases: SmallVec<[Slot<Case>; 4]> =
            self.live_sightings(key.hash).map(|sighting| self.parts[sighting.part].case).collect();
        cases.sort_unstable_by_key(|case| (self.cases[*case].tenant.0, self.cases[*case].number()));
        cases.dedup();
        cases.retain(|case| self.cases[*case].is_open());
        for case in cases {
            let fallen = self.discredit(case, key.hash);
            if !fallen.is_empty() {
                self.emit_unlinked(turn, case, &fallen, &by);
                self.reform(turn, &[case], &Why { by: by.clone(), comment: None });
            }
        }
    }

    /// Takes the key out of all evidence in the case. Answers the edges that fell by it, oldest first.
    fn discredit(&mut self, case: Slot<Case>, hub: KeyHash) -> Vec<EdgeId> {
        let holds = self.policy.attach_permille;
        let mut fallen = Vec::new();
        for part in self.parts_of(case).collect::<Vec<_>>() {
            let mut rested = false;
            for edge in &mut self.parts[part].state.edges {
                let held = edge.holds(holds);
                rested |= edge.discredit(hub);
                fallen.extend((held && !edge.holds(holds)).then_some(edge.id));
            }
            if rested {
                self.soil_part(part);
            }
        }
        fallen.sort_unstable();
        fallen
    }

    fn strangers_meet(&self, key: &Key, at: Timestamp) -> bool {
        let live = self.parts_seen(key, at);
        if live.len() < 2 {
            return false;
        }
        let aliases = self.aliases(key, &live);
        let ignored = self.with_suspects(&aliases, &live);
        let Some(groups) = self.groups(&live, &ignored) else { return false };
        let strangers = groups.iter().filter(|group| self.is_stranger(group, key, &aliases, &ignored));
        strangers.take(usize::from(self.policy.hub_strangers)).count() >= usize::from(self.policy.hub_strangers)
    }

    /// The parts in which the key was seen within its window, in open cases.
    fn parts_seen(&self, key: &Key, at: Timestamp) -> SmallVec<[Slot<Part>; 8]> {
        let window = self.policy.kind(key.kind).window;
        let seen = |part: Slot<Part>, place: u32| {
            let known: &PartKey = &self.parts[part].state.keys[place as usize];
            at.since(known.last_at) <= window && self.is_live(known) && self.cases[self.parts[part].case].is_open()
        };
        let sightings = self.keys.sightings(key.hash).iter();
        let mut parts: SmallVec<[Slot<Part>; 8]> =
            sightings.filter(|sighting| seen(sighting.part, sighting.place)).map(|sighting| sighting.part).collect();
        parts.sort_unstable_by_key(|part| self.parts[*part].state.id);
        parts
    }

    /// The key and its other names.
    fn aliases(&self, key: &Key, live: &[Slot<Part>]) -> Vec<KeyHash> {
        let mut aliases = vec![key.hash];
        for (other, count) in self.keys_among(live) {
            let everywhere = self.live_sightings(other).count();
            let same = count >= ALIAS_PARTS && count * 2 >= everywhere && count * 2 >= live.len();
            aliases.extend((same && other != key.hash).then_some(other));
        }
        aliases
    }

    fn keys_among(&self, live: &[Slot<Part>]) -> BTreeMap<KeyHash, usize> {
        let mut counts = BTreeMap::new();
        let known = live.iter().flat_map(|part| &self.parts[*part].state.keys);
        for known in known.filter(|known| self.is_live(known)) {
            *counts.entry(known.hash).or_default() += 1;
        }
        counts
    }

    fn with_suspects(&self, aliases: &[KeyHash], live: &[Slot<Part>]) -> Vec<KeyHash> {
        let mut ignored = aliases.to_vec();
        let known = live.iter().flat_map(|part| &self.parts[*part].state.keys);
        for known in known.filter(|known| self.is_live(known)) {
            if hub::is_bridge(known.kind) && !ignored.contains(&known.hash) && self.is_suspect(known.hash) {
                ignored.push(known.hash);
            }
        }
        ignored
    }

    /// What has expired counts as gone, swept or not.
    fn live_sightings(&self, key: KeyHash) -> impl Iterator<Item = &Sighting> {
        let live = |sighting: &&Sighting| {
            let keys = &self.parts[sighting.part].state.keys;
            self.is_live(&keys[sighting.place as usize])
        };
        self.keys.sightings(key).iter().filter(live)
    }

    fn is_suspect(&self, key: KeyHash) -> bool {
        if self.keys.sightings(key).len() < SUSPECT {
            return false;
        }
        let (mut actors, mut machines): (SmallVec<[KeyHash; 8]>, SmallVec<[KeyHash; 8]>) = Default::default();
        for sighting in self.live_sightings(key) {
            let part = &self.parts[sighting.part].state;
            add_others(&mut actors, part.actors.iter().copied(), &[key]);
            add_others(&mut machines, part.machine, &[key]);
        }
        actors.len() >= SUSPECT && machines.len() >= SUSPECT
    }

    /// The parts by what hangs together without these keys; none where that is too much to walk.
    fn groups(&self, live: &[Slot<Part>], ignored: &[KeyHash]) -> Option<Vec<Group>> {
        let mut left = EDGES_WALKED_MAX;
        let mut known: BTreeSet<PartId> = BTreeSet::new();
        let mut groups = Vec::new();
        for part in live {
            if known.contains(&self.parts[*part].state.id) {
                continue;
            }
            known.insert(self.parts[*part].state.id);
            let mut parts = vec![*part];
            let mut next = 0;
            while let Some(at) = parts.get(next).copied() {
                next += 1;
                for near in &self.parts[at].near {
                    let Part { state, .. } = &self.parts[*near];
                    // A held part leads nowhere else, and says nothing of who was there.
                    if state.kind != PartKind::Gathered || known.contains(&state.id) {
                        continue;
                    }
                    left = left.checked_sub(1)?;
                    let edge = self.edge_between(at, *near).map(|edge| self.edge(edge));
                    if edge.is_some_and(|edge| edge.holds_without(ignored, self.policy.attach_permille)) {
                        known.insert(self.parts[*near].state.id);
                        parts.push(*near);
                    }
                }
            }
            groups.push(Group { parts });
        }
        Some(groups)
    }

    /// Somebody else acted there, on another machine, and it began without the key.
    fn is_stranger(&self, group: &Group, key: &Key, aliases: &[KeyHash], ignored: &[KeyHash]) -> bool {
        let states = || group.parts.iter().map(|part| &self.parts[*part].state);
        let acted = states().flat_map(|part| &part.actors).any(|actor| !ignored.contains(actor));
        let elsewhere = states().filter_map(|part| part.machine).any(|machine| machine != key.hash);
        if !acted || !elsewhere {
            return false;
        }
        let begun = states().filter_map(|part| Some((part.began_at?, part)));
        let Some((began_at, part)) = begun.min_by_key(|(began_at, part)| (*began_at, part.id)) else { return false };
        let mut named = part.keys.iter().filter(|known| aliases.contains(&known.hash) && self.is_live(known));
        !named.any(|known| known.began_at.is_some_and(|named_at| named_at <= began_at))
    }
}

fn add_others(known: &mut SmallVec<[KeyHash; 8]>, more: impl IntoIterator<Item = KeyHash>, but: &[KeyHash]) {
    for hash in more {
        if known.len() < SUSPECT && !known.contains(&hash) && !but.contains(&hash) {
            known.push(hash);
        }
    }
}
