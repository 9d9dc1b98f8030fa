//! The values behind key hashes, as far as a case's rows have them: keys are kept as hashes, and their values in the
//! evidence of edges and among the things that the parts have seen.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Family, Named};
use crate::engine::keys;
use crate::model::{KeyHash, KeyKind};

pub struct Names {
    values: BTreeMap<KeyHash, (KeyKind, Arc<str>)>,
    kinds: BTreeMap<KeyHash, KeyKind>,
}

impl Names {
    pub fn of(family: &Family) -> Self {
        let (mut values, mut kinds) = (BTreeMap::new(), BTreeMap::new());
        for part in &family.parts {
            for key in part.edges.iter().flat_map(|edge| &edge.evidence).flat_map(|set| &set.keys) {
                values.insert(key.hash, (key.kind, key.value.clone()));
            }
            for key in keys::keys_of_tracked(&part.tenant, &part.entities, &part.observables) {
                values.entry(key.hash).or_insert((key.kind, key.value));
            }
            kinds.extend(part.keys.iter().map(|key| (key.hash, key.kind)));
        }
        Self { values, kinds }
    }

    pub fn named(&self, hash: KeyHash) -> Named {
        match self.values.get(&hash) {
            Some((kind, value)) => Named { kind: Some(*kind), value: Some(value.clone()) },
            None => Named { kind: self.kinds.get(&hash).copied(), value: None },
        }
    }
}
