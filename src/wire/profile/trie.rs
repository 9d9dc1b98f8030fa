//! All paths of a profile as one tree, and the single walk of a record along it. Only mapped values are looked at; the
//! rest is skipped by the parser without being built. Elements that are chosen by what they hold are looked at twice,
//! strings that hold a document of their own are opened, within bounds.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::found::{Found, Scalar, Slot};
use super::glob::Glob;
use super::path::{Inside, Step};
use crate::config::Limits;
use crate::wire::plain;
use crate::wire::scan::scan;

const ROOT: usize = 0;
/// Strings inside strings: how often one is opened.
const OPENED_MAX: u8 = 2;

#[derive(Debug, Default)]
struct Node {
    slot: Option<Slot>,
    /// Sorted by key.
    children: Vec<(Box<str>, usize)>,
    any: Option<usize>,
    filters: Vec<Filter>,
    json: Option<usize>,
    text: Option<usize>,
}

/// A way on for objects that hold one of the words under these keys.
#[derive(Debug)]
struct Filter {
    keys: Vec<String>,
    words: Vec<Glob>,
    probe: Probe,
    node: usize,
}

/// Finds the values of one path.
#[derive(Debug)]
pub(super) struct Probe(Box<Trie>);

impl Probe {
    pub fn new(steps: &[Step]) -> Self {
        let mut trie = Box::<Trie>::default();
        trie.insert(steps);
        Self(trie)
    }

    /// Whether any of them in the JSON `text` is one that `wanted` wants.
    pub fn any(&self, text: &str, wanted: impl Fn(&str) -> bool) -> bool {
        let mut found = Found::default();
        let walked = self.0.walk(text, &mut found);
        walked.is_ok() && found.view(0).all(Slot(0)).any(|value| wanted(&value.text()))
    }
}

impl Filter {
    fn new(keys: &[String], words: &[Glob], node: usize) -> Self {
        let steps: Vec<Step> = keys.iter().map(|key| Step::Key(key.clone())).collect();
        Self { keys: keys.to_vec(), words: words.to_vec(), probe: Probe::new(&steps), node }
    }

    fn takes(&self, text: &str) -> bool {
        self.probe.any(text, |value| self.words.iter().any(|word| word.fits(value)))
    }
}

/// Paths to slots; equal paths share one.
#[derive(Debug)]
pub(super) struct Trie {
    nodes: Vec<Node>,
    slots: u16,
    /// The list whose elements are alerts of their own.
    alerts: Option<usize>,
}

impl Default for Trie {
    fn default() -> Self {
        Self { nodes: vec![Node::default()], slots: 0, alerts: None }
    }
}

impl Trie {
    pub fn insert(&mut self, steps: &[Step]) -> Slot {
        let at = self.reach(steps);
        let next = Slot(self.slots);
        let slot = *self.nodes[at].slot.get_or_insert(next);
        self.slots += u16::from(slot == next);
        slot
    }

    /// The elements of the list at `steps` are alerts of their own.
    pub fn split_at(&mut self, steps: &[Step]) {
        self.alerts = Some(self.reach(steps));
    }

    fn reach(&mut self, steps: &[Step]) -> usize {
        steps.iter().fold(ROOT, |at, step| self.step_or_new(at, step))
    }

    fn step_or_new(&mut self, at: usize, step: &Step) -> usize {
        let new = self.nodes.len();
        let node = &mut self.nodes[at];
        let to = match step {
            Step::Key(key) => match node.position(key) {
                Ok(i) => node.children[i].1,
                Err(i) => {
                    node.children.insert(i, (key.as_str().into(), new));
                    new
                }
            },
            Step::AnyKey => *node.any.get_or_insert(new),
            Step::Where(keys, words) => {
                let known = node.filters.iter().find(|filter| filter.keys == *keys && filter.words == *words);
                known.map(|filter| filter.node).unwrap_or_else(|| {
                    node.filters.push(Filter::new(keys, words, new));
                    new
                })
            }
            Step::Inside(Inside::Json) => *node.json.get_or_insert(new),
            Step::Inside(Inside::Text) => *node.text.get_or_insert(new),
        };
        if to == new {
            self.nodes.push(Node::default());
        }
        to
    }

    /// Walks `text`, which `scan` has accepted: what can still fail is a number that fits no type.
    pub fn walk<'a>(&self, text: &'a str, found: &mut Found<'a>) -> Result<(), serde_json::Error> {
        self.walk_from(ROOT, text, found, 0)
    }

    fn walk_from<'a>(
        &self,
        node: usize,
        text: &'a str,
        found: &mut Found<'a>,
        opened: u8,
    ) -> Result<(), serde_json::Error> {
        let mut json = serde_json::Deserializer::from_str(text);
        Walk { trie: self, node, found, opened }.deserialize(&mut json)
    }

    /// Takes what is mapped of fields that a text record was read into. A field's name may have dots; a path reaches it
    /// by the name as a whole, or key by key.
    pub fn pick<'a>(&self, fields: &[(Cow<'a, str>, Cow<'a, str>)], found: &mut Found<'a>) {
        for (name, value) in fields {
            self.pick_one(ROOT, name, value, found, 0);
        }
    }

    #[expect(clippy::ptr_arg, reason = "borrowed text is kept without a copy")]
    fn pick_one<'a>(&self, from: usize, name: &str, value: &Cow<'a, str>, found: &mut Found<'a>, opened: u8) {
        let whole = self.nodes[from].child(name);
        let node = whole.or_else(|| name.split('.').try_fold(from, |at, key| self.nodes[at].child(key)));
        if let Some(node) = node {
            let walk = Walk { trie: self, node, found, opened };
            match value {
                Cow::Borrowed(value) => walk.keep_borrowed(value),
                Cow::Owned(value) => walk.keep_owned(value),
            }
        }
    }

    /// The document in a string. One that is no document has nothing to say here.
    fn open<'a>(&self, node: usize, text: &'a str, found: &mut Found<'a>, opened: u8) {
        if opened == OPENED_MAX {
            found.cut = true;
            return;
        }
        if let Some(inside) = self.nodes[node].json
            && is_sound(text)
        {
            // It was accepted: only a number too large can fail, and then what came before it stays.
            let whole = self.walk_from(inside, text, found, opened + 1);
            found.cut |= whole.is_err();
        }
        if let Some(inside) = self.nodes[node].text {
            for (name, value) in plain::read(text).fields {
                self.pick_one(inside, &name, &value, found, opened + 1);
            }
        }
    }
}

impl Node {
    fn position(&self, key: &str) -> Result<usize, usize> {
        self.children.binary_search_by(|(known, _)| known.as_ref().cmp(key))
    }

    fn child(&self, key: &str) -> Option<usize> {
        self.position(key).map(|i| self.children[i].1).ok().or(self.any)
    }

    fn has_ways_on(&self) -> bool {
        !self.children.is_empty() || self.any.is_some()
    }

    const fn opens(&self) -> bool {
        self.json.is_some() || self.text.is_some()
    }
}

/// A document inside a string is as foreign as the record it lies in, and `scan` has seen it as a string only.
fn is_sound(text: &str) -> bool {
    const LIMITS: Limits = Limits {
        record_bytes_max: usize::MAX,
        depth_max: 32,
        observables_max: 0,
        entities_max: 0,
        string_bytes_max: usize::MAX,
        elements_max: usize::MAX,
    };
    text.trim_start().starts_with(['{', '[']) && scan(text.as_bytes(), &LIMITS).is_ok_and(|scan| scan.fault.is_none())
}

/// One step of the walk: the value at `node`.
struct Walk<'t, 'f, 'a> {
    trie: &'t Trie,
    node: usize,
    found: &'f mut Found<'a>,
    opened: u8,
}

impl<'a> Walk<'_, '_, 'a> {
    fn node(&self) -> &Node {
        &self.trie.nodes[self.node]
    }

    fn keep(self, value: Scalar<'a>) {
        if let Some(slot) = self.node().slot {
            self.found.push(slot, value);
        }
    }

    fn keep_borrowed(self, text: &'a str) {
        if self.node().opens() {
            self.trie.open(self.node, text, self.found, self.opened);
        }
        self.keep(Scalar::Text(Cow::Borrowed(text)));
    }

    fn keep_owned(self, text: &str) {
        if self.node().opens() {
            let mut inner = Found::default();
            self.trie.open(self.node, text, &mut inner, self.opened);
            self.found.take_in(inner);
        }
        self.keep(Scalar::Text(Cow::Owned(text.to_owned())));
    }

    fn begin_element(&mut self) -> u16 {
        if self.trie.alerts == Some(self.node) {
            self.found.begin_alert();
        }
        self.found.enter()
    }

    fn end_element(&mut self, outer: u16) {
        self.found.leave(outer);
        if self.trie.alerts == Some(self.node) {
            self.found.end_alert();
        }
    }

    /// An object that is chosen by what it holds, or a list of such.
    fn chosen(mut self, text: &'a str) -> Result<(), serde_json::Error> {
        match text.as_bytes().first() {
            Some(b'[') => {
                let elements: Vec<&'a RawValue> = serde_json::from_str(text)?;
                for element in elements {
                    let outer = self.begin_element();
                    let walked = self.one_chosen(element.get());
                    self.end_element(outer);
                    walked?;
                }
                Ok(())
            }
            Some(_) | None => self.one_chosen(text),
        }
    }

    fn one_chosen(&mut self, text: &'a str) -> Result<(), serde_json::Error> {
        let (trie, opened) = (self.trie, self.opened);
        let mut json = serde_json::Deserializer::from_str(text);
        json.deserialize_any(Walk { trie, node: self.node, found: &mut *self.found, opened })?;
        for filter in &trie.nodes[self.node].filters {
            if filter.takes(text) {
                trie.walk_from(filter.node, text, self.found, opened)?;
            }
        }
        Ok(())
    }
}

impl<'a> DeserializeSeed<'a> for Walk<'_, '_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.node().filters.is_empty() {
            return deserializer.deserialize_any(self);
        }
        let raw = <&'a RawValue>::deserialize(deserializer)?;
        self.chosen(raw.get()).map_err(D::Error::custom)
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
        self.keep_borrowed(value);
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.keep_owned(value);
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<(), A::Error> {
        let Walk { trie, node, found, opened } = self;
        while seq.next_element_seed(Element(Walk { trie, node, found: &mut *found, opened }))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        let Walk { trie, node, found, opened } = self;
        while let Some(child) = map.next_key_seed(ChildOf { trie, node })? {
            match child {
                Some(node) => map.next_value_seed(Walk { trie, node, found: &mut *found, opened })?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// The same for an element of a list.
struct Element<'t, 'f, 'a>(Walk<'t, 'f, 'a>);

impl<'a> DeserializeSeed<'a> for Element<'_, '_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        let Self(mut walk) = self;
        let outer = walk.begin_element();
        let Walk { trie, node, opened, .. } = walk;
        let walked = Walk { trie, node, found: &mut *walk.found, opened }.deserialize(deserializer);
        walk.end_element(outer);
        walked
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
        if !self.trie.nodes[self.node].has_ways_on() {
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
        Ok(self.trie.nodes[self.node].child(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::profile::found::VALUES_MAX;
    use crate::wire::profile::path;

    fn insert(trie: &mut Trie, raw: &str) -> Slot {
        trie.insert(&path::parse(raw).unwrap())
    }

    fn texts(trie: &Trie, slot: Slot, json: &str) -> Vec<String> {
        let mut found = Found::default();
        trie.walk(json, &mut found).unwrap();
        found.sort();
        found.view(0).all(slot).map(|value| value.text().into_owned()).collect()
    }

    #[test]
    fn only_mapped_values_are_found() {
        let mut trie = Trie::default();
        let [a, c, list] = ["a", "b.c", "b.list[].x"].map(|raw| insert(&mut trie, raw));
        assert_eq!(insert(&mut trie, "b.c"), c);
        let json = r#"{"z":{"a":9},"b":{"list":[{"x":1},{"y":2},{"x":"é\n"}],"c":[true,null,-2.5]},"a":"one","b.c":0}"#;
        assert_eq!(texts(&trie, a, json), ["one"]);
        assert_eq!(texts(&trie, c, json), ["true", "-2.5"]);
        assert_eq!(texts(&trie, list, json), ["1", "é\n"]);
    }

    #[test]
    fn elements_are_chosen_by_what_they_hold() {
        let mut trie = Trie::default();
        let host = insert(&mut trie, "e[?kind=host|Server].name");
        let user = insert(&mut trie, "e[?kind=user].name");
        let any = insert(&mut trie, "e[].name");
        let json = r#"{"e":[{"name":"web","kind":"HOST"},{"kind":"user","name":"ann"},{"name":"db","kind":"server"}]}"#;
        assert_eq!(texts(&trie, host, json), ["web", "db"]);
        assert_eq!(texts(&trie, user, json), ["ann"]);
        assert_eq!(texts(&trie, any, json), ["web", "ann", "db"]);
        assert_eq!(texts(&trie, host, r#"{"e":{"name":"web","kind":"host"}}"#), ["web"]);
        assert!(texts(&trie, host, r#"{"e":["host",{"kind":{"x":1}},null]}"#).is_empty());
    }

    #[test]
    fn strings_are_opened() {
        let mut trie = Trie::default();
        let name = insert(&mut trie, "s.@json[?t=1].name");
        let pair = insert(&mut trie, "s.@text.user");
        let any = insert(&mut trie, "m.*.x");
        assert_eq!(texts(&trie, name, r#"{"s":"[{\"name\":\"a\",\"t\":1},{\"name\":\"b\",\"t\":2}]"}"#), ["a"]);
        assert_eq!(texts(&trie, pair, r#"{"s":"id=7 user=ann host=web"}"#), ["ann"]);
        assert_eq!(texts(&trie, any, r#"{"m":{"a":{"x":1},"b":{"x":2}}}"#), ["1", "2"]);
        for hostile in [r#"{"s":"[{\"t\":1,"}"#, r#"{"s":"{\"a\":1,\"a\":2}"}"#] {
            assert!(texts(&trie, name, hostile).is_empty(), "{hostile}");
        }
    }

    #[test]
    fn alerts_of_a_list_see_their_own_values_and_the_shared_ones() {
        let mut trie = Trie::default();
        let (shared, own) = (insert(&mut trie, "rule"), insert(&mut trie, "hits[].ip"));
        trie.split_at(&path::parse("hits").unwrap());
        let mut found = Found::default();
        trie.walk(r#"{"hits":[{"ip":"a"},{"ip":"b"}],"rule":"r"}"#, &mut found).unwrap();
        found.sort();
        assert_eq!(found.alerts(), 2);
        let seen = |alert, slot| found.view(alert).all(slot).map(|value| value.text().into_owned()).collect::<Vec<_>>();
        assert_eq!((seen(1, own), seen(2, own)), (vec!["a".to_owned()], vec!["b".to_owned()]));
        assert_eq!((seen(1, shared), seen(2, shared)), (vec!["r".to_owned()], vec!["r".to_owned()]));
    }

    #[test]
    fn fields_are_reached_by_name_or_key_by_key() {
        let mut trie = Trie::default();
        let (quoted, dotted) = (insert(&mut trie, "\"cef.name\""), insert(&mut trie, "cef.vendor"));
        let mut found = Found::default();
        let fields = [("cef.name", "scan"), ("cef.vendor", "V"), ("x", "y")];
        trie.pick(&fields.map(|(name, value)| (Cow::Borrowed(name), Cow::Borrowed(value))), &mut found);
        found.sort();
        let text = |slot| found.view(0).all(slot).map(|value| value.text().into_owned()).collect::<Vec<_>>();
        assert_eq!((text(quoted), text(dotted)), (vec!["scan".to_owned()], vec!["V".to_owned()]));
    }

    #[test]
    fn a_walk_keeps_a_bounded_number_of_values() {
        let mut trie = Trie::default();
        let slot = insert(&mut trie, "a");
        let json = format!("{{\"a\":[{}0]}}", "0,".repeat(5_000));
        let mut found = Found::default();
        trie.walk(&json, &mut found).unwrap();
        found.sort();
        assert!(found.cut && found.view(0).all(slot).count() == VALUES_MAX);
    }
}
