//! Values that say nothing about anybody, by policy: `system`, well-known SIDs, `localhost`.

use std::collections::BTreeSet;

use super::Policy;
use crate::model::{Key, KeyKind};

pub struct StopList([BTreeSet<Box<str>>; KeyKind::ALL.len()]);

impl StopList {
    pub fn new(policy: &Policy) -> Self {
        let mut list = Self(KeyKind::ALL.map(|_| BTreeSet::new()));
        for (kind, value) in &policy.stop_list {
            list.0[kind.index()].insert(value.clone());
        }
        list
    }

    pub fn stops(&self, key: &Key) -> bool {
        self.0[key.kind.index()].contains(&*key.value)
    }
}
