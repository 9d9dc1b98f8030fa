//! Pulls the mapped values out of a record in one walk: the paths of a profile form a trie, and whatever is not on it is
//! skipped without being built. Arrays are transparent: a path reaches into each of their elements.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use smallvec::SmallVec;

/// Values kept of one path; more are dropped, with a mark.
const VALUES_MAX: usize = 64;

/// The number of a path, and so of its values.
pub type Slot = usize;

#[derive(Debug)]
pub struct Trie {
    root: Node,
    slots: usize,
}

#[derive(Debug, Default)]
struct Node {
    children: Vec<(Box<str>, Node)>,
    slot: Option<Slot>,
}

/// Collects paths such as `Details.User`; a key that holds a dot itself is quoted: `"a.b".c`.
#[derive(Debug, Default)]
pub struct TrieBuilder {
    root: Node,
    paths: Vec<String>,
}

impl TrieBuilder {
    /// The slot of `path`; the same path again is the same slot.
    pub fn slot(&mut self, path: &str) -> Slot {
        if let Some(slot) = self.paths.iter().position(|known| known == path) {
            return slot;
        }
        let slot = self.paths.len();
        self.paths.push(path.to_owned());
        let mut node = &mut self.root;
        for key in keys(path) {
            let at = node.children.iter().position(|(name, _)| **name == *key);
            let at = at.unwrap_or_else(|| {
                node.children.push((key.into(), Node::default()));
                node.children.len() - 1
            });
            node = &mut node.children[at].1;
        }
        node.slot = Some(slot);
        slot
    }

    #[must_use]
    pub fn build(self) -> Trie {
        Trie { root: self.root, slots: self.paths.len() }
    }
}

fn keys(path: &str) -> Vec<String> {
    let mut keys = vec![String::new()];
    let mut quoted = false;
    for c in path.chars() {
        match c {
            '"' => quoted = !quoted,
            '.' if !quoted => keys.push(String::new()),
            _ => {
                if let Some(key) = keys.last_mut() {
                    key.push(c);
                }
            }
        }
    }
    keys
}

/// The values found, by slot. Numbers and booleans are kept as they are written.
#[derive(Debug)]
pub struct Values<'de> {
    slots: Vec<SmallVec<[Cow<'de, str>; 1]>>,
    /// Some path had more values than are kept.
    pub cut: bool,
}

impl<'de> Values<'de> {
    #[must_use]
    pub fn all(&self, slot: Slot) -> &[Cow<'de, str>] {
        &self.slots[slot]
    }

    /// The first value of the first path that has one.
    #[must_use]
    pub fn first(&self, slots: &[Slot]) -> Option<&str> {
        slots.iter().find_map(|slot| self.slots[*slot].first()).map(|value| &**value)
    }

    fn push(&mut self, slot: Slot, value: Cow<'de, str>) {
        let values = &mut self.slots[slot];
        if values.len() < VALUES_MAX {
            values.push(value);
        } else {
            self.cut = true;
        }
    }
}

impl Trie {
    /// Walks one JSON object.
    pub fn walk<'de>(&self, text: &'de str) -> Result<Values<'de>, serde_json::Error> {
        let mut values = Values { slots: vec![SmallVec::new(); self.slots], cut: false };
        let mut json = serde_json::Deserializer::from_str(text);
        Walk { node: &self.root, values: &mut values }.deserialize(&mut json)?;
        json.end()?;
        Ok(values)
    }
}

struct Walk<'t, 'v, 'de> {
    node: &'t Node,
    values: &'v mut Values<'de>,
}

impl<'de> DeserializeSeed<'de> for Walk<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Walk<'_, '_, 'de> {
    fn keep(self, value: Cow<'de, str>) {
        if let Some(slot) = self.node.slot {
            self.values.push(slot, value);
        }
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(key)) = map.next_key()? {
            match self.node.children.iter().find(|(name, _)| **name == *key) {
                Some((_, node)) => map.next_value_seed(Walk { node, values: self.values })?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Walk { node: self.node, values: self.values })?.is_some() {}
        Ok(())
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<(), E> {
        self.keep(Cow::Borrowed(value));
        Ok(())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.keep(Cow::Owned(value.to_owned()));
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.keep(Cow::Owned(value.to_string()));
        Ok(())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.keep(Cow::Owned(value.to_string()));
        Ok(())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.keep(Cow::Owned(value.to_string()));
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.keep(Cow::Borrowed(if value { "true" } else { "false" }));
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}

/// A key, borrowed unless it holds an escape.
struct Key<'de>(Cow<'de, str>);

impl<'de> serde::Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E: Error>(self, key: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(key)))
            }

            fn visit_str<E: Error>(self, key: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_mapped_is_pulled_and_arrays_are_transparent() {
        let mut builder = TrieBuilder::default();
        let name = builder.slot("a.b.name");
        let dotted = builder.slot("\"x.y\".z");
        let number = builder.slot("n");
        assert_eq!(builder.slot("n"), number);
        let trie = builder.build();
        let text = r#"{"a":{"b":[{"name":"one","q":[1,{}]},{"name":"tw\u006f"}]},"x.y":{"z":true},"n":1.5,"a2":null}"#;
        let values = trie.walk(text).unwrap();
        assert_eq!(values.all(name), ["one", "two"]);
        assert_eq!(values.all(dotted), ["true"]);
        assert_eq!(values.first(&[number]), Some("1.5"));
        assert!(trie.walk("{\"n\":1} x").is_err());
    }
}
