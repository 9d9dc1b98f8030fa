//! All paths of a profile as one tree: how it grows, and how fields that have names only are led along it. The walk of a
//! JSON record along it is `walk`'s.

use std::borrow::Cow;

use hashbrown::HashTable;

use super::found::{Found, Slot};
use super::glob::Glob;
use super::path::{Inside, Step};
use super::walk::{OutOfRange, Walk};
use crate::wire::scan::{Key, Value, key_hash};

const ROOT: usize = 0;

#[derive(Debug, Default)]
pub(super) struct Node {
    pub slot: Option<Slot>,
    /// By the hash that `scan` has of every key already.
    children: HashTable<Child>,
    any: Option<usize>,
    pub filters: Vec<Filter>,
    pub json: Option<usize>,
    pub text: Option<usize>,
}

#[derive(Debug)]
struct Child {
    hash: u64,
    key: Box<str>,
    node: usize,
}

/// A way on for objects that hold one of the words under these keys.
#[derive(Debug)]
pub(super) struct Filter {
    keys: Vec<String>,
    words: Vec<Glob>,
    probe: Probe,
    pub node: usize,
}

/// Finds the values of one path.
#[derive(Debug)]
pub(super) struct Probe(Box<Trie>);

impl Probe {
    pub fn new(steps: &[Step]) -> Self {
        let mut trie = Box::<Trie>::default();
        trie.insert(steps);
        trie.flatten();
        Self(trie)
    }

    /// Whether any of them in `record` is one that `wanted` wants.
    pub fn any(&self, record: Value<'_, '_>, wanted: impl Fn(&str) -> bool) -> bool {
        let mut found = Found::default();
        let walked = self.0.walk(record, &mut found);
        found.sort();
        walked.is_ok() && found.view(0).all(Slot(0)).any(|value| wanted(&value.text()))
    }
}

impl Filter {
    fn new(keys: &[String], words: &[Glob], node: usize) -> Self {
        let steps: Vec<Step> = keys.iter().map(|key| Step::Key(key.clone())).collect();
        Self { keys: keys.to_vec(), words: words.to_vec(), probe: Probe::new(&steps), node }
    }

    pub fn takes(&self, record: Value<'_, '_>) -> bool {
        self.probe.any(record, |value| self.words.iter().any(|word| word.fits(value)))
    }
}

/// Paths to slots; equal paths share one.
#[derive(Debug)]
pub(super) struct Trie {
    pub(super) nodes: Vec<Node>,
    slots: u16,
    /// Paths of keys alone, with dots between, and where they lead.
    flat: Vec<(String, usize)>,
    /// The list whose elements are alerts of their own.
    pub(super) alerts: Option<usize>,
}

impl Default for Trie {
    fn default() -> Self {
        Self { nodes: vec![Node::default()], slots: 0, flat: Vec::new(), alerts: None }
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
        let at = steps.iter().fold(ROOT, |at, step| self.step_or_new(at, step));
        let keys: Option<Vec<&str>> = steps.iter().map(Step::key).collect();
        if let Some(keys) = keys.filter(|keys| keys.len() > 1) {
            self.flat.push((keys.join("."), at));
        }
        at
    }

    /// To be called when all paths are in: tables and some shippers write a whole path as one key. A path that names such
    /// a key itself has it for its own.
    pub fn flatten(&mut self) {
        for (key, node) in std::mem::take(&mut self.flat) {
            self.nodes[ROOT].child_or_new(&key, node);
        }
    }

    fn step_or_new(&mut self, at: usize, step: &Step) -> usize {
        let new = self.nodes.len();
        let node = &mut self.nodes[at];
        let to = match step {
            Step::Key(key) => node.child_or_new(key, new),
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

    /// Walks a record: what can fail is a number that fits no type.
    pub fn walk<'a>(&self, record: Value<'_, 'a>, found: &mut Found<'a>) -> Result<(), OutOfRange> {
        Walk { trie: self, found, opened: 0 }.value(ROOT, record)
    }

    /// Takes what is mapped of fields that a text record was read into. A field's name may have dots; a path reaches it
    /// by the name as a whole, or key by key.
    pub fn pick<'a>(&self, fields: &[(Cow<'a, str>, Cow<'a, str>)], found: &mut Found<'a>) {
        for (name, value) in fields {
            self.pick_one(ROOT, name, value, found, 0);
        }
    }

    #[expect(clippy::ptr_arg, reason = "borrowed text is kept without a copy")]
    pub(super) fn pick_one<'a>(
        &self,
        from: usize,
        name: &str,
        value: &Cow<'a, str>,
        found: &mut Found<'a>,
        opened: u8,
    ) {
        let whole = self.nodes[from].named(name);
        let by_keys = || name.split('.').try_fold(from, |at, key| self.nodes[at].named(key));
        let node = whole.or_else(|| if name.contains('.') { by_keys() } else { None });
        if let Some(node) = node {
            let mut walk = Walk { trie: self, found, opened };
            match value {
                Cow::Borrowed(value) => walk.keep_borrowed(node, value),
                Cow::Owned(value) => walk.keep_owned(node, value.clone()),
            }
        }
    }
}

impl Node {
    fn child_or_new(&mut self, key: &str, new: usize) -> usize {
        let hash = key_hash(key.as_bytes());
        let known = self.children.find(hash, |child| *child.key == *key).map(|child| child.node);
        known.unwrap_or_else(|| {
            let child = Child { hash, key: key.into(), node: new };
            self.children.insert_unique(hash, child, |child| child.hash);
            new
        })
    }

    fn named(&self, name: &str) -> Option<usize> {
        if self.children.is_empty() {
            return self.any;
        }
        let child = self.children.find(key_hash(name.as_bytes()), |child| *child.key == *name);
        child.map(|child| child.node).or(self.any)
    }

    pub fn child(&self, key: &Key<'_>) -> Option<usize> {
        let child = self.children.find(key.hash, |child| key.is(&child.key));
        child.map(|child| child.node).or(self.any)
    }

    pub fn has_ways_on(&self) -> bool {
        !self.children.is_empty() || self.any.is_some()
    }

    pub const fn opens(&self) -> bool {
        self.json.is_some() || self.text.is_some()
    }
}

#[cfg(test)]
mod tests;
