//! The engine's hash tables. Foreign values decide the keys, so the hash is seeded from outside; nothing can be
//! iterated, so neither the seed nor the history of a table can ever reach an effect.

use std::hash::{BuildHasher, Hash};

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use smallvec::SmallVec;

use super::part::Part;
use super::slab::Slot;
use crate::model::KeyHash;

/// A map that can be asked and changed, never listed.
pub struct Index<K, V> {
    table: HashTable<(K, V)>,
    hasher: FixedState,
}

impl<K: Hash + Eq, V> Index<K, V> {
    pub fn new(seed: u64) -> Self {
        Self { table: HashTable::new(), hasher: FixedState::with_seed(seed) }
    }

    pub fn get(&self, key: &K) -> Option<&V> {
        let hash = self.hasher.hash_one(key);
        self.table.find(hash, |(known, _)| known == key).map(|(_, value)| value)
    }

    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let hash = self.hasher.hash_one(key);
        self.table.find_mut(hash, |(known, _)| known == key).map(|(_, value)| value)
    }

    pub fn get_or_insert_with(&mut self, key: K, value: impl FnOnce() -> V) -> &mut V {
        let hash = self.hasher.hash_one(&key);
        let hasher = &self.hasher;
        let entry = self.table.entry(hash, |(known, _)| *known == key, |(known, _)| hasher.hash_one(known));
        &mut entry.or_insert_with(|| (key, value())).into_mut().1
    }

    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let hash = self.hasher.hash_one(&key);
        let hasher = &self.hasher;
        if let Some((_, known)) = self.table.find_mut(hash, |(known, _)| *known == key) {
            return Some(std::mem::replace(known, value));
        }
        self.table.insert_unique(hash, (key, value), |(known, _)| hasher.hash_one(known));
        None
    }

    pub fn remove(&mut self, key: &K) -> Option<V> {
        let hash = self.hasher.hash_one(key);
        let entry = self.table.find_entry(hash, |(known, _)| known == key).ok()?;
        Some(entry.remove().0.1)
    }

    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Keeps what `keep` says, each judged by itself alone: the order in which they are asked shows nowhere.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &V) -> bool) {
        self.table.retain(|(key, value)| keep(key, value));
    }

    /// All values, in an order of the caller's making.
    pub fn sorted<T: Ord>(&self, by: impl Fn(&V) -> T) -> Vec<&V> {
        let mut values: Vec<&V> = self.table.iter().map(|(_, value)| value).collect();
        values.sort_by_key(|value| by(value));
        values
    }
}

/// How many parts an alert may meet on one key: the latest ones.
pub const PARTS_PER_KEY: usize = 4;

/// Where a key was seen: a part, and the place of the key in its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    pub part: Slot<Part>,
    pub place: u32,
}

/// Which parts hold a key. Exactly what the parts' own lists say, so it is stored nowhere.
pub struct KeyIndex(Index<KeyHash, SmallVec<[Sighting; PARTS_PER_KEY]>>);

impl KeyIndex {
    pub fn new(seed: u64) -> Self {
        Self(Index::new(seed))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn sightings(&self, key: KeyHash) -> &[Sighting] {
        self.0.get(&key).map_or(&[], SmallVec::as_slice)
    }

    /// The caller has made room: at most `PARTS_PER_KEY` parts hold a key.
    pub fn add(&mut self, key: KeyHash, sighting: Sighting) {
        self.0.get_or_insert_with(key, SmallVec::new).push(sighting);
    }

    pub fn remove(&mut self, key: KeyHash, part: Slot<Part>) {
        let Some(list) = self.0.get_mut(&key) else { return };
        list.retain(|sighting| sighting.part != part);
        if list.is_empty() {
            self.0.remove(&key);
        }
    }

    /// The part moved the key to another place of its list.
    pub fn moved(&mut self, key: KeyHash, part: Slot<Part>, place: u32) {
        let list = self.0.get_mut(&key).into_iter().flatten();
        list.filter(|sighting| sighting.part == part).for_each(|sighting| sighting.place = place);
    }
}
