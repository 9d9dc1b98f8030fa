//! Collects fields within the bounds. What is beyond them is left out silently: the body still holds it.

use std::borrow::Cow;

use super::{FIELDS_MAX, Fields, NAME_BYTES_MAX};

#[derive(Debug, Default)]
pub(super) struct Sink<'a> {
    pub fields: Fields<'a>,
}

impl<'a> Sink<'a> {
    pub fn push(&mut self, name: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) {
        let name = name.into();
        if !name.is_empty() && name.len() <= NAME_BYTES_MAX && !self.is_full() {
            self.fields.push((name, value.into()));
        }
    }

    pub fn push_some(&mut self, name: &'static str, value: Option<&'a str>) {
        if let Some(value) = value {
            self.push(name, value);
        }
    }

    /// The first value of that name among the fields from `from` on.
    pub fn get(&self, from: usize, name: &str) -> Option<&Cow<'a, str>> {
        let fields = self.fields.get(from..).unwrap_or_default();
        fields.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    pub fn is_full(&self) -> bool {
        self.fields.len() >= FIELDS_MAX
    }
}
