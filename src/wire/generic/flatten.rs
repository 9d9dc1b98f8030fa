//! A JSON object of a product that nobody described, as flat fields: dotted paths, array indices left out, lists of name
//! and value as if they were objects. Bounded, in the order of the record.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::wire::scan::{Kind, Value, document};
use crate::wire::vocabulary;

pub(super) const FIELDS_MAX: usize = 400;
const PATH_BYTES_MAX: usize = 256;
/// A string that holds an object is opened this often.
const OPENED_MAX: u8 = 1;
const PAIR_FIELDS_MAX: usize = 5;

/// One field, and which object or list element it lies in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Field<'a> {
    pub path: Cow<'a, str>,
    pub value: Cow<'a, str>,
    pub object: u32,
}

/// The fields of an object.
pub(super) fn flatten<'a>(record: Value<'_, 'a>) -> Vec<Field<'a>> {
    // Most records have so many or fewer, and then nothing grows.
    const USUAL: usize = 48;
    let (fields, path) = (Vec::with_capacity(USUAL), String::with_capacity(PATH_BYTES_MAX));
    let mut flat = Flat { fields, path, objects: 0, object: 0, opened: 0 };
    flat.value(record);
    flat.fields
}

struct Flat<'a> {
    fields: Vec<Field<'a>>,
    path: String,
    objects: u32,
    object: u32,
    opened: u8,
}

impl<'a> Flat<'a> {
    fn push(&mut self, value: impl Into<Cow<'a, str>>) {
        if self.fields.len() < FIELDS_MAX && self.path.len() <= PATH_BYTES_MAX {
            self.fields.push(Field { path: Cow::Owned(self.path.clone()), value: value.into(), object: self.object });
        }
    }

    fn value(&mut self, value: Value<'_, 'a>) {
        match value.kind() {
            Kind::Object => self.object(value),
            Kind::Array => value.elements().for_each(|element| self.value(element)),
            Kind::Text => self.text(value.spelled()),
            // As it is written: a number may be a name, and no type holds all of its digits.
            Kind::Number => self.push(value.raw()),
            Kind::True => self.push("true"),
            Kind::False => self.push("false"),
            Kind::Null | Kind::Key => {}
        }
    }

    fn object(&mut self, value: Value<'_, 'a>) {
        let (outer, from, length) = (self.object, self.fields.len(), self.path.len());
        self.objects += 1;
        self.object = self.objects;
        for (key, value) in value.members() {
            if length > 0 {
                self.path.push('.');
            }
            self.path.push_str(&key.text());
            self.value(value);
            self.path.truncate(length);
        }
        pair_up(&mut self.fields, from, length);
        self.object = outer;
    }

    /// Text that is an object of its own says more than as text.
    fn text(&mut self, text: Cow<'a, str>) {
        let object = text.trim_start().starts_with('{') || text.trim_start().starts_with("[{");
        if !(object && self.opened < OPENED_MAX) {
            return self.push(text);
        }
        match document(&text) {
            Some(scan) => self.inner(scan.root()),
            None => self.push(text),
        }
    }

    fn inner(&mut self, record: Value<'_, '_>) {
        let opened = self.opened + 1;
        let mut flat = Flat { fields: Vec::new(), path: self.path.clone(), objects: 0, object: 0, opened };
        flat.value(record);
        let room = FIELDS_MAX.saturating_sub(self.fields.len());
        let from = self.objects;
        self.objects = self.objects.saturating_add(flat.fields.iter().map(|field| field.object).max().unwrap_or(0));
        self.fields.extend(flat.fields.into_iter().take(room).map(|field| Field {
            path: Cow::Owned(field.path.into_owned()),
            value: Cow::Owned(field.value.into_owned()),
            object: from + field.object,
        }));
    }
}

/// `{name: "ip", value: "192.0.2.1"}` is a field called `ip`, beside what it was.
fn pair_up(fields: &mut [Field<'_>], from: usize, length: usize) {
    let count = fields.len() - from;
    // A pair is a small object; anything larger has its names for what they say.
    if !(2..=PAIR_FIELDS_MAX).contains(&count) {
        return;
    }
    let pair = pair_of(&fields[from..], length);
    let Some((name, value)) = pair else { return };
    let name = fields[from + name].value.clone().into_owned();
    let short = !name.is_empty() && name.len() <= 64 && !name.contains(char::is_whitespace);
    if short {
        let field = &mut fields[from + value];
        let prefix = field.path.get(..length).unwrap_or_default();
        field.path = Cow::Owned(if prefix.is_empty() { name } else { format!("{prefix}.{name}") });
    }
}

/// Which of an object's fields names what another holds; `length` is that of the path to the object.
fn pair_of(own: &[Field<'_>], length: usize) -> Option<(usize, usize)> {
    let names = own.iter().map(|field| field.path.get(length..).unwrap_or_default().trim_start_matches('.'));
    let names: SmallVec<[&str; PAIR_FIELDS_MAX]> = names.collect();
    let place = |wanted: &str| names.iter().position(|name| *name == wanted);
    vocabulary::pair_keys().iter().find_map(|(name, value)| Some((place(name)?, place(value)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        let limits = crate::config::Limits {
            record_bytes_max: usize::MAX,
            depth_max: 32,
            observables_max: 0,
            entities_max: 0,
            string_bytes_max: 0,
            elements_max: 0,
        };
        let scan = crate::wire::scan::scan(text.as_bytes(), &limits).unwrap();
        flatten(scan.root()).into_iter().map(|field| format!("{}={}", field.path, field.value)).collect()
    }

    #[test]
    fn objects_become_paths() {
        assert_eq!(
            paths(r#"{"a":{"b":[1,{"c":"x"}]},"d":null,"e":true,"f":"{\"g\":\"y\"}"}"#),
            ["a.b=1", "a.b.c=x", "e=true", "f.g=y"]
        );
    }

    #[test]
    fn pairs_become_fields() {
        assert_eq!(
            paths(r#"{"p":[{"name":"ip","value":"192.0.2.1"},{"name":"user","value":"ann"}]}"#),
            ["p.name=ip", "p.ip=192.0.2.1", "p.name=user", "p.user=ann"]
        );
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let many: Vec<String> = (0..5_000).map(|i| format!("\"k{i}\":{i}")).collect();
        assert_eq!(paths(&format!("{{{}}}", many.join(","))).len(), FIELDS_MAX);
    }
}
