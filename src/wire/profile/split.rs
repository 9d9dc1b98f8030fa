//! Where the elements of a profile's `alerts` list lie in a record: for the letters of those that are refused, and to read
//! the others where one is spoilt.

use std::ops::Range;

use super::path::Step;
use crate::wire::scan::{Kind, Value};

/// The list whose elements are alerts of their own.
#[derive(Debug)]
pub(super) struct AlertList {
    steps: Vec<Step>,
    /// The same as one key, as tables and some shippers flatten records.
    flat: Option<String>,
}

impl AlertList {
    pub fn new(steps: Vec<Step>) -> Self {
        let keys: Option<Vec<&str>> = steps.iter().map(Step::key).collect();
        let flat = keys.filter(|keys| keys.len() > 1).map(|keys| keys.join("."));
        Self { steps, flat }
    }

    /// In their order. Goes no deeper than the path does, so that it may look at records of any depth; what it does not
    /// reach (a list chosen by what it holds, or inside a string or another list) is not split.
    pub fn elements(&self, record: Value<'_, '_>) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        for (key, value) in record.members() {
            if self.flat.as_deref().is_some_and(|flat| key.is(flat)) {
                collect(value, &[], &mut found);
            } else if self.steps.first().is_some_and(|step| leads(step, &key)) {
                collect(value, &self.steps[1..], &mut found);
            }
        }
        found
    }
}

fn leads(step: &Step, key: &crate::wire::scan::Key<'_>) -> bool {
    match step {
        Step::Key(wanted) => key.is(wanted),
        Step::AnyKey => true,
        Step::Where(..) | Step::Inside(_) => false,
    }
}

fn collect(value: Value<'_, '_>, steps: &[Step], found: &mut Vec<Range<usize>>) {
    let Some((step, rest)) = steps.split_first() else {
        found.extend(value.elements().map(|element| element.range()));
        return;
    };
    for (key, value) in value.members() {
        if leads(step, &key) {
            collect(value, rest, found);
        }
    }
    for element in value.elements().filter(|element| element.kind() == Kind::Object) {
        collect(element, steps, found);
    }
}
