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
pub struct KeyIndex(Index<KeyHash, Holders>);

struct Holders {
    list: SmallVec<[Sighting; PARTS_PER_KEY]>,
    /// The key may have a record of the cases it touches. Most have none, and need not be asked about it.
    counted: bool,
}

/// How a part stands to a key. Most keys are of one part alone, and seeing them there again teaches nothing.
pub enum Standing {
    Unheld,
    Alone { place: usize },
    Shared,
}

impl KeyIndex {
    pub fn new(seed: u64) -> Self {
        Self(Index::new(seed))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn sightings(&self, key: KeyHash) -> &[Sighting] {
        self.0.get(&key).map_or(&[], |holders| holders.list.as_slice())
    }

    pub fn standing(&self, key: KeyHash, part: Slot<Part>) -> Standing {
        match self.0.get(&key) {
            None => Standing::Unheld,
            Some(holders) => match *holders.list {
                [only] if only.part == part && !holders.counted => Standing::Alone { place: only.place as usize },
                _ => Standing::Shared,
            },
        }
    }

    /// Whether the key may have a record; none where no part holds it, and nothing is known.
    pub fn counted(&self, key: KeyHash) -> Option<bool> {
        self.0.get(&key).map(|holders| holders.counted)
    }

    pub fn mark_counted(&mut self, key: KeyHash) {
        if let Some(holders) = self.0.get_mut(&key) {
            holders.counted = true;
        }
    }

    /// Adds a holder and answers how many there are now; past `PARTS_PER_KEY` the caller takes the least recent one
    /// away. `counted` is asked for the first one only.
    pub fn add(&mut self, key: KeyHash, sighting: Sighting, counted: impl FnOnce() -> bool) -> usize {
        let first = || Holders { list: SmallVec::new(), counted: counted() };
        let holders = self.0.get_or_insert_with(key, first);
        holders.list.push(sighting);
        holders.list.len()
    }

    pub fn remove(&mut self, key: KeyHash, part: Slot<Part>) {
        let Some(holders) = self.0.get_mut(&key) else { return };
        holders.list.retain(|sighting| sighting.part != part);
        if holders.list.is_empty() {
            self.0.remove(&key);
        }
    }

    /// The part moved the key to another place of its list.
    pub fn moved(&mut self, key: KeyHash, part: Slot<Part>, place: u32) {
        let Some(holders) = self.0.get_mut(&key) else { return };
        let here = holders.list.iter_mut().filter(|sighting| sighting.part == part);
        here.for_each(|sighting| sighting.place = place);
    }
}
