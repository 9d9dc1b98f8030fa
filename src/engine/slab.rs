//! Cases and parts by slot: small numbers to point with, reused when their owner leaves memory. A slot is never part
//! of an effect or of a row.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// Where a `T` sits in its slab.
pub struct Slot<T>(u32, PhantomData<fn() -> T>);

/// Places come in blocks that never move: one that grew as a whole would copy all residents every time it doubles.
pub struct Slab<T> {
    blocks: Vec<Vec<Option<T>>>,
    free: Vec<u32>,
}

const BLOCK: usize = 256;

impl<T> Slab<T> {
    pub const fn new() -> Self {
        Self { blocks: Vec::new(), free: Vec::new() }
    }

    /// # Panics
    /// Past four billion residents, long after memory ran out.
    pub fn insert(&mut self, value: T) -> Slot<T> {
        if let Some(place) = self.free.pop() {
            *self.place(place) = Some(value);
            return Slot::new(place);
        }
        let place = u32::try_from(self.places()).expect("fewer than 2^32 residents");
        if self.blocks.last().is_none_or(|block| block.len() == BLOCK) {
            self.blocks.push(Vec::with_capacity(BLOCK));
        }
        self.blocks.last_mut().expect("there is one now").push(Some(value));
        Slot::new(place)
    }

    pub fn remove(&mut self, slot: Slot<T>) -> Option<T> {
        let value = self.place(slot.0).take();
        if value.is_some() {
            self.free.push(slot.0);
        }
        value
    }

    pub fn len(&self) -> usize {
        self.places() - self.free.len()
    }

    fn place(&mut self, place: u32) -> &mut Option<T> {
        &mut self.blocks[place as usize / BLOCK][place as usize % BLOCK]
    }

    /// The slot at a place, if anyone lives there: how a sweep walks the slab a little at a time.
    pub fn at(&self, place: usize) -> Option<Slot<T>> {
        self.blocks.get(place / BLOCK)?.get(place % BLOCK)?.as_ref()?;
        u32::try_from(place).ok().map(Slot::new)
    }

    /// How many places there are, lived in or not.
    pub fn places(&self) -> usize {
        self.blocks.last().map_or(0, |last| (self.blocks.len() - 1) * BLOCK + last.len())
    }

    pub fn slots(&self) -> impl Iterator<Item = Slot<T>> + '_ {
        (0..self.places()).filter_map(|place| self.at(place))
    }
}

impl<T> Index<Slot<T>> for Slab<T> {
    type Output = T;

    fn index(&self, slot: Slot<T>) -> &T {
        let place = slot.0 as usize;
        self.blocks[place / BLOCK][place % BLOCK].as_ref().expect("a slot in use is lived in")
    }
}

impl<T> IndexMut<Slot<T>> for Slab<T> {
    fn index_mut(&mut self, slot: Slot<T>) -> &mut T {
        self.place(slot.0).as_mut().expect("a slot in use is lived in")
    }
}

impl<T> Slot<T> {
    const fn new(place: u32) -> Self {
        Self(place, PhantomData)
    }
}

// Derives would ask the same of `T`.
impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Slot<T> {}

impl<T> PartialEq for Slot<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T> Eq for Slot<T> {}

impl<T> PartialOrd for Slot<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Slot<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

impl<T> fmt::Debug for Slot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_left_is_lived_in_again() {
        let mut slab = Slab::new();
        let first = slab.insert('a');
        let second = slab.insert('b');
        assert_eq!(slab.remove(first), Some('a'));
        assert_eq!(slab.remove(first), None);
        let third = slab.insert('c');
        assert_eq!((third, slab[second], slab[third], slab.len()), (first, 'b', 'c', 2));
    }

    #[test]
    fn blocks_are_one_row_of_places() {
        let mut slab = Slab::new();
        let slots: Vec<_> = (0..3 * BLOCK + 1).map(|number| slab.insert(number)).collect();
        assert_eq!((slab.places(), slab.len()), (slots.len(), slots.len()));
        for (number, slot) in slots.iter().enumerate() {
            assert_eq!((slab[*slot], slab.at(number)), (number, Some(*slot)));
        }
        slab.remove(slots[BLOCK]);
        assert_eq!((slab.at(BLOCK), slab.slots().count()), (None, 3 * BLOCK));
    }
}
