//! The walk of a record along a profile's paths. Only mapped values are looked at; the rest is stepped over. Elements that
//! are chosen by what they hold are looked at twice, strings that hold a document of their own are opened, within bounds.

use std::borrow::Cow;

use super::found::{Found, Scalar};
use super::trie::Trie;
use crate::wire::canonical::text;
use crate::wire::plain;
use crate::wire::scan::{Kind, Value, document};

/// Strings inside strings: how often one is opened.
const OPENED_MAX: u8 = 2;

/// A mapped number that no type holds.
#[derive(Debug, thiserror::Error)]
#[error("number out of range: {0}")]
pub(super) struct OutOfRange(pub String);

pub(super) struct Walk<'t, 'f, 'a> {
    pub trie: &'t Trie,
    pub found: &'f mut Found<'a>,
    /// The strings that the walk is inside of.
    pub opened: u8,
}

impl<'a> Walk<'_, '_, 'a> {
    /// The value at `node`.
    pub fn value(&mut self, node: usize, value: Value<'_, 'a>) -> Result<(), OutOfRange> {
        if self.trie.nodes[node].filters.is_empty() { self.plain(node, value) } else { self.chosen(node, value) }
    }

    fn plain(&mut self, node: usize, value: Value<'_, 'a>) -> Result<(), OutOfRange> {
        match value.kind() {
            Kind::Object => return self.object(node, value),
            Kind::Array => return self.array(node, value, Self::value),
            Kind::Text => match value.spelled() {
                Cow::Borrowed(text) => self.keep_borrowed(node, text),
                Cow::Owned(text) => self.keep_owned(node, text),
            },
            Kind::Number if value.is_whole() => self.keep(node, Scalar::Text(Cow::Borrowed(value.raw()))),
            Kind::Number => self.keep(node, number(value.raw())?),
            Kind::True => self.keep(node, Scalar::Bool(true)),
            Kind::False => self.keep(node, Scalar::Bool(false)),
            Kind::Null | Kind::Key => {}
        }
        Ok(())
    }

    fn object(&mut self, node: usize, value: Value<'_, 'a>) -> Result<(), OutOfRange> {
        let trie = self.trie;
        if !trie.nodes[node].has_ways_on() {
            return Ok(());
        }
        for (key, value) in value.members() {
            if let Some(child) = trie.nodes[node].child(&key) {
                self.value(child, value)?;
            }
        }
        Ok(())
    }

    fn array(
        &mut self,
        node: usize,
        value: Value<'_, 'a>,
        each: impl Fn(&mut Self, usize, Value<'_, 'a>) -> Result<(), OutOfRange>,
    ) -> Result<(), OutOfRange> {
        let many = self.trie.alerts == Some(node);
        if many {
            self.found.begin_list();
        }
        for element in value.elements() {
            if many {
                self.found.begin_alert();
            }
            let outer = self.found.enter();
            // A list is no alert, and what it holds would be many.
            let walked = if many && element.kind() == Kind::Array { Ok(()) } else { each(self, node, element) };
            self.found.leave(outer);
            match walked {
                Err(OutOfRange(number)) if many => self.found.spoil(number),
                walked => walked?,
            }
            if many {
                self.found.end_alert();
            }
        }
        Ok(())
    }

    /// An object that is chosen by what it holds, or a list of such.
    fn chosen(&mut self, node: usize, value: Value<'_, 'a>) -> Result<(), OutOfRange> {
        match value.kind() == Kind::Array {
            true => self.array(node, value, Self::one_chosen),
            false => self.one_chosen(node, value),
        }
    }

    fn one_chosen(&mut self, node: usize, value: Value<'_, 'a>) -> Result<(), OutOfRange> {
        self.plain(node, value)?;
        let trie = self.trie;
        for filter in &trie.nodes[node].filters {
            if filter.takes(value) {
                self.value(filter.node, value)?;
            }
        }
        Ok(())
    }

    fn keep(&mut self, node: usize, value: Scalar<'a>) {
        if let Some(slot) = self.trie.nodes[node].slot {
            self.found.push(slot, value);
        }
    }

    pub fn keep_borrowed(&mut self, node: usize, text: &'a str) {
        if self.trie.nodes[node].opens() {
            self.open(node, text);
        }
        self.keep(node, Scalar::Text(Cow::Borrowed(text)));
    }

    pub fn keep_owned(&mut self, node: usize, text: String) {
        if self.trie.nodes[node].opens() {
            let mut inner = Found::default();
            Walk { trie: self.trie, found: &mut inner, opened: self.opened }.open(node, &text);
            self.found.take_in(inner);
        }
        self.keep(node, Scalar::Text(Cow::Owned(text)));
    }

    /// The document in a string. One that is no document has nothing to say here.
    fn open(&mut self, node: usize, text: &'a str) {
        if self.opened == OPENED_MAX {
            self.found.cut = true;
            return;
        }
        let (trie, opened) = (self.trie, self.opened + 1);
        let found = &mut *self.found;
        if let Some(inside) = trie.nodes[node].json
            && let Some(scan) = document(text)
        {
            // It was accepted: only a number too large can fail, and then what came before it stays.
            let whole = Walk { trie, found: &mut *found, opened }.value(inside, scan.root());
            found.cut |= whole.is_err();
        }
        if let Some(inside) = trie.nodes[node].text {
            for (name, value) in plain::read(text).fields {
                trie.pick_one(inside, &name, &value, found, opened);
            }
        }
    }
}

/// A whole number is kept in its digits; this is for any other, since it can be written in many ways.
fn number(raw: &str) -> Result<Scalar<'_>, OutOfRange> {
    // Ids of more digits than a type holds are told apart by all of them.
    if raw.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(Scalar::Text(Cow::Borrowed(raw)));
    }
    serde_json::from_str(raw).map(Scalar::Float).map_err(|_| OutOfRange(text::excerpt(raw)))
}
