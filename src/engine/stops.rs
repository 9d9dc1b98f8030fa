//! Values that say nothing about anybody, by policy: `system`, well-known SIDs, `localhost`.

use std::collections::BTreeSet;

use super::Policy;
use crate::model::{Key, KeyKind};

pub struct StopList([OfKind; KeyKind::ALL.len()]);

#[derive(Clone, Default)]
struct OfKind {
    values: BTreeSet<Box<str>>,
    /// Which lengths there are, a bit each: most values need no further look.
    lengths: u64,
}

impl StopList {
    pub fn new(policy: &Policy) -> Self {
        let mut list = Self(KeyKind::ALL.map(|_| OfKind::default()));
        for (kind, value) in &policy.stop_list {
            let of_kind = &mut list.0[kind.index()];
            of_kind.lengths |= length_bit(value);
            of_kind.values.insert(value.clone());
        }
        list
    }

    pub fn stops(&self, key: &Key) -> bool {
        let of_kind = &self.0[key.kind.index()];
        of_kind.lengths & length_bit(&key.value) != 0 && of_kind.values.contains(&*key.value)
    }
}

fn length_bit(value: &str) -> u64 {
    1 << value.len().min(63)
}
