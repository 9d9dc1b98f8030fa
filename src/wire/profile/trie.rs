//! All paths of a profile as one tree, and the single walk of a record along it. Only mapped values are looked at; the
//! rest is skipped by the parser without being built.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use smallvec::SmallVec;

/// Where the walk puts the values of one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot(u16);

#[derive(Debug, Default)]
struct Node {
    slot: Option<Slot>,
    /// Sorted by key.
    children: Vec<(Box<str>, usize)>,
}

/// Paths to slots; equal paths share one.
#[derive(Debug)]
pub(super) struct Trie {
    nodes: Vec<Node>,
    slots: u16,
}

/// A mapped value, borrowed from the record where it has no escapes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar<'a> {
    Text(Cow<'a, str>),
    Int(i64),
    Unsigned(u64),
    Float(f64),
    Bool(bool),
}

impl Scalar<'_> {
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Int(number) => Cow::Owned(number.to_string()),
            Self::Unsigned(number) => Cow::Owned(number.to_string()),
            Self::Float(number) => Cow::Owned(number.to_string()),
            Self::Bool(true) => Cow::Borrowed("true"),
            Self::Bool(false) => Cow::Borrowed("false"),
        }
    }

    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Text(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
            Self::Int(number) => Some(*number as f64),
            Self::Unsigned(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            Self::Bool(_) => None,
        }
    }
}

/// How many values of one record a walk keeps: arrays inside arrays could give as many as the record has bytes.
const VALUES_MAX: usize = 512;

/// What a walk found, in the order of slots and within one in the order of the record.
#[derive(Debug, Default)]
pub(super) struct Found<'a> {
    values: SmallVec<[(Slot, Scalar<'a>); 48]>,
    pub cut: bool,
}

impl<'a> Found<'a> {
    pub fn all(&self, slot: Slot) -> impl Iterator<Item = &Scalar<'a>> {
        let from = self.values.partition_point(|(other, _)| *other < slot);
        self.values[from..].iter().take_while(move |(other, _)| *other == slot).map(|(_, value)| value)
    }

    fn push(&mut self, slot: Slot, value: Scalar<'a>) {
        if self.values.len() < VALUES_MAX {
            self.values.push((slot, value));
        } else {
            self.cut = true;
        }
    }
}

impl Default for Trie {
    fn default() -> Self {
        Self { nodes: vec![Node::default()], slots: 0 }
    }
}

impl Trie {
    pub fn insert(&mut self, keys: &[String]) -> Slot {
        let mut at = 0;
        for key in keys {
            at = self.child_or_new(at, key);
        }
        let next = Slot(self.slots);
        let slot = *self.nodes[at].slot.get_or_insert(next);
        self.slots += u16::from(slot == next);
        slot
    }

    fn child_or_new(&mut self, at: usize, key: &str) -> usize {
        let new = self.nodes.len();
        match self.position(at, key) {
            Ok(i) => self.nodes[at].children[i].1,
            Err(i) => {
                self.nodes[at].children.insert(i, (key.into(), new));
                self.nodes.push(Node::default());
                new
            }
        }
    }

    fn position(&self, at: usize, key: &str) -> Result<usize, usize> {
        self.nodes[at].children.binary_search_by(|(known, _)| known.as_ref().cmp(key))
    }

    /// Walks `text`, which `scan` has accepted: what can still fail is a number that fits no type.
    pub fn walk<'a>(&self, text: &'a str) -> Result<Found<'a>, serde_json::Error> {
        let mut found = Found::default();
        let mut json = serde_json::Deserializer::from_str(text);
        Walk { trie: self, node: 0, found: &mut found }.deserialize(&mut json)?;
        found.values.sort_by_key(|(slot, _)| *slot);
        Ok(found)
    }
}

/// One step of the walk: the value at `node`.
struct Walk<'t, 'f, 'a> {
    trie: &'t Trie,
    node: usize,
    found: &'f mut Found<'a>,
}

impl<'a> Walk<'_, '_, 'a> {
    fn keep(self, value: Scalar<'a>) {
        if let Some(slot) = self.trie.nodes[self.node].slot {
            self.found.push(slot, value);
        }
    }
}

impl<'a> DeserializeSeed<'a> for Walk<'_, '_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Walk<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.keep(Scalar::Bool(value));
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.keep(Scalar::Int(value));
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.keep(Scalar::Unsigned(value));
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.keep(Scalar::Float(value));
        Ok(())
    }

    fn visit_borrowed_str<E>(self, value: &'a str) -> Result<(), E> {
        self.keep(Scalar::Text(Cow::Borrowed(value)));
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.keep(Scalar::Text(Cow::Owned(value.to_owned())));
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<(), A::Error> {
        let Walk { trie, node, found } = self;
        while seq.next_element_seed(Walk { trie, node, found: &mut *found })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        let Walk { trie, node, found } = self;
        while let Some(child) = map.next_key_seed(ChildOf { trie, node })? {
            match child {
                Some(node) => map.next_value_seed(Walk { trie, node, found: &mut *found })?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// Reads a key and answers which child it leads to.
struct ChildOf<'t> {
    trie: &'t Trie,
    node: usize,
}

impl<'de> DeserializeSeed<'de> for ChildOf<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        if self.trie.nodes[self.node].children.is_empty() {
            return IgnoredAny::deserialize(deserializer).map(|_| None);
        }
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for ChildOf<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        let child = self.trie.position(self.node, key).ok();
        Ok(child.map(|i| self.trie.nodes[self.node].children[i].1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::profile::path;

    fn texts(trie: &Trie, slot: Slot, json: &str) -> Vec<String> {
        trie.walk(json).unwrap().all(slot).map(|value| value.text().into_owned()).collect()
    }

    #[test]
    fn only_mapped_values_are_found() {
        let mut trie = Trie::default();
        let [a, c, list] = ["a", "b.c", "b.list[].x"].map(|raw| trie.insert(&path::parse(raw).unwrap()));
        assert_eq!(trie.insert(&path::parse("b.c").unwrap()), c);
        let json = r#"{"z":{"a":9},"b":{"list":[{"x":1},{"y":2},{"x":"é\n"}],"c":[true,null,-2.5]},"a":"one","b.c":0}"#;
        assert_eq!(texts(&trie, a, json), ["one"]);
        assert_eq!(texts(&trie, c, json), ["true", "-2.5"]);
        assert_eq!(texts(&trie, list, json), ["1", "é\n"]);
    }

    #[test]
    fn a_walk_keeps_a_bounded_number_of_values() {
        let mut trie = Trie::default();
        let slot = trie.insert(&["a".to_owned()]);
        let json = format!("{{\"a\":[{}0]}}", "0,".repeat(5_000));
        let found = trie.walk(&json).unwrap();
        assert!(found.cut && found.all(slot).count() == VALUES_MAX);
    }
}
