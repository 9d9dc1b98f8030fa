//! Where a list that only grows has which value. A busy machine's lists are full, and each of its alerts asks for a
//! dozen values: scanning for them cost more than everything else the engine does for that alert.

use std::hash::{BuildHasher as _, Hash};

use foldhash::fast::FixedState;
use hashbrown::HashTable;

/// Up to so many values a scan is quicker than a hash.
const SCANNED_MAX: usize = 8;
/// Foreign values decide what is hashed, but a list is bounded: values that all collide cost one scan of it.
const HASHER: FixedState = FixedState::with_seed(0);

/// Covers the list's beginning and catches up when it is asked.
#[derive(Default)]
pub struct Places(HashTable<u16>);

impl Places {
    /// The place of `wanted`. What `key` tells of two values must be equal exactly where the values are.
    pub fn find<'a, T, K: Hash + PartialEq>(
        &mut self,
        list: &'a [T],
        wanted: &K,
        key: impl Fn(&'a T) -> K,
    ) -> Option<usize> {
        if list.len() <= SCANNED_MAX {
            return list.iter().position(|value| key(value) == *wanted);
        }
        let hash = |place: &u16| HASHER.hash_one(key(&list[usize::from(*place)]));
        for place in self.0.len()..list.len() {
            let place = u16::try_from(place).expect("lists are bounded");
            self.0.insert_unique(hash(&place), place, hash);
        }
        let same = |place: &u16| key(&list[usize::from(*place)]) == *wanted;
        self.0.find(HASHER.hash_one(wanted), same).map(|place| usize::from(*place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_grows_is_found_again_at_every_length() {
        let (mut list, mut places) = (Vec::new(), Places::default());
        for number in 0..256_u32 {
            let value = number.wrapping_mul(0x9e37_79b9).to_string();
            assert_eq!(places.find(&list, &value.as_str(), |known: &String| known.as_str()), None);
            list.push(value);
            // Not at every length, so that it has to catch up with more than one.
            if number % 3 == 0 {
                for (place, value) in list.iter().enumerate() {
                    assert_eq!(places.find(&list, &value.as_str(), |known: &String| known.as_str()), Some(place));
                }
            }
        }
    }
}
