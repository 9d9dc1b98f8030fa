//! The engine's hash tables. Foreign values decide the keys, so the hash is seeded from outside; nothing can be
//! iterated, so neither the seed nor the history of a table can ever reach an effect.

use std::hash::{BuildHasher, Hash};

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use smallvec::{SmallVec, smallvec};

use super::part::Part;
use super::slab::Slot;
use crate::model::KeyHash;

/// Something that carries its own key, which then is stored once.
pub trait Keyed {
    type Key: Hash + Eq;

    fn key(&self) -> &Self::Key;
}

/// A set by key that can be asked and changed, never listed.
pub struct Table<T> {
    table: HashTable<T>,
    hasher: FixedState,
}

impl<T: Keyed> Table<T> {
    pub fn new(seed: u64) -> Self {
        Self { table: HashTable::new(), hasher: FixedState::with_seed(seed) }
    }

    pub fn get(&self, key: &T::Key) -> Option<&T> {
        self.table.find(self.hasher.hash_one(key), |known| known.key() == key)
    }

    pub fn get_mut(&mut self, key: &T::Key) -> Option<&mut T> {
        self.table.find_mut(self.hasher.hash_one(key), |known| known.key() == key)
    }

    pub fn get_or_insert_with(&mut self, key: &T::Key, value: impl FnOnce() -> T) -> &mut T {
        let hasher = &self.hasher;
        let hash_of = |known: &T| hasher.hash_one(known.key());
        let entry = self.table.entry(hasher.hash_one(key), |known| known.key() == key, hash_of);
        entry.or_insert_with(value).into_mut()
    }

    /// Answers with what had its key before.
    pub fn put(&mut self, value: T) -> Option<T> {
        let hasher = &self.hasher;
        let hash = hasher.hash_one(value.key());
        if let Some(known) = self.table.find_mut(hash, |known| known.key() == value.key()) {
            return Some(std::mem::replace(known, value));
        }
        self.table.insert_unique(hash, value, |known| hasher.hash_one(known.key()));
        None
    }

    pub fn remove(&mut self, key: &T::Key) -> Option<T> {
        let entry = self.table.find_entry(self.hasher.hash_one(key), |known| known.key() == key).ok()?;
        Some(entry.remove().0)
    }

    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Keeps what `keep` says, each judged by itself alone: the order in which they are asked shows nowhere.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        self.table.retain(|value| keep(value));
    }

    /// All of them, in an order of the caller's making.
    pub fn sorted<O: Ord>(&self, by: impl Fn(&T) -> O) -> Vec<&T> {
        let mut values: Vec<&T> = self.table.iter().collect();
        values.sort_unstable_by_key(|value| by(value));
        values
    }
}

/// A map that can be asked and changed, never listed.
pub struct Index<K, V>(Table<(K, V)>);

impl<K: Hash + Eq, V> Keyed for (K, V) {
    type Key = K;

    fn key(&self) -> &K {
        &self.0
    }
}

impl<K: Hash + Eq, V> Index<K, V> {
    pub fn new(seed: u64) -> Self {
        Self(Table::new(seed))
    }

    pub fn get(&self, key: &K) -> Option<&V> {
        self.0.get(key).map(|(_, value)| value)
    }

    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.0.get_mut(key).map(|(_, value)| value)
    }

    pub fn get_or_insert_with(&mut self, key: K, value: impl FnOnce() -> V) -> &mut V
    where
        K: Copy,
    {
        &mut self.0.get_or_insert_with(&key, || (key, value())).1
    }

    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.0.put((key, value)).map(|(_, before)| before)
    }

    pub fn remove(&mut self, key: &K) -> Option<V> {
        self.0.remove(key).map(|(_, value)| value)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// How many parts a key is known to be of: the latest ones. An alert meets the four latest of them; the others show
/// whether the key is where strangers meet.
pub const PARTS_PER_KEY: usize = 24;
const HELD_INLINE: usize = 5;

/// Where a key was seen: a part, and the place of the key in its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    pub part: Slot<Part>,
    pub place: u32,
}

/// Which parts hold a key. Exactly what the parts' own lists say, so it is stored nowhere.
///
/// Each of an alert's keys is a look far into memory, so an entry is kept small: two to a cache line.
pub struct KeyIndex(Index<KeyHash, Holders>);

struct Holders {
    list: HolderList,
    /// The key may have a record of the cases it touches. Most have none, and need not be asked about it.
    counted: bool,
}

/// Most keys are of one part alone.
enum HolderList {
    One(Sighting),
    Several(Box<SmallVec<[Sighting; HELD_INLINE]>>),
}

impl HolderList {
    fn as_slice(&self) -> &[Sighting] {
        match self {
            Self::One(only) => std::slice::from_ref(only),
            Self::Several(list) => list,
        }
    }

    fn as_mut_slice(&mut self) -> &mut [Sighting] {
        match self {
            Self::One(only) => std::slice::from_mut(only),
            Self::Several(list) => list,
        }
    }

    fn push(&mut self, sighting: Sighting) {
        match self {
            Self::One(only) => *self = Self::Several(Box::new(smallvec![*only, sighting])),
            Self::Several(list) => list.push(sighting),
        }
    }

    /// Takes the part's sighting out; false if none is left.
    fn remove(&mut self, part: Slot<Part>) -> bool {
        match self {
            Self::One(only) => return only.part != part,
            Self::Several(list) => list.retain(|sighting| sighting.part != part),
        }
        match *self.as_slice() {
            [] => return false,
            [only] => *self = Self::One(only),
            [_, _, ..] => {}
        }
        true
    }
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

    /// Where the key is held, and whether it may have a record.
    pub fn met(&self, key: KeyHash) -> (&[Sighting], bool) {
        self.0.get(&key).map_or((&[], false), |holders| (holders.list.as_slice(), holders.counted))
    }

    pub fn standing(&self, key: KeyHash, part: Slot<Part>) -> Standing {
        match self.0.get(&key) {
            None => Standing::Unheld,
            Some(holders) => match *holders.list.as_slice() {
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
        let mut new = false;
        let first = || {
            new = true;
            Holders { list: HolderList::One(sighting), counted: counted() }
        };
        let holders = self.0.get_or_insert_with(key, first);
        if !new {
            holders.list.push(sighting);
        }
        holders.list.as_slice().len()
    }

    pub fn remove(&mut self, key: KeyHash, part: Slot<Part>) {
        let Some(holders) = self.0.get_mut(&key) else { return };
        if !holders.list.remove(part) {
            self.0.remove(&key);
        }
    }

    /// The part moved the key to another place of its list.
    pub fn moved(&mut self, key: KeyHash, part: Slot<Part>, place: u32) {
        let Some(holders) = self.0.get_mut(&key) else { return };
        let here = holders.list.as_mut_slice().iter_mut().filter(|sighting| sighting.part == part);
        here.for_each(|sighting| sighting.place = place);
    }
}
