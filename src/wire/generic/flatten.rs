//! A JSON object of a product that nobody described, as flat fields: dotted paths, array indices left out, lists of name
//! and value as if they were objects. Bounded, in the order of the record.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::wire::vocabulary;

pub(super) const FIELDS_MAX: usize = 400;
const PATH_BYTES_MAX: usize = 256;
/// A string that holds an object is opened this often.
const OPENED_MAX: u8 = 1;

/// One field, and which object or list element it lies in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Field<'a> {
    pub path: Cow<'a, str>,
    pub value: Cow<'a, str>,
    pub object: u32,
}

/// The fields of an object that `scan` has accepted.
pub(super) fn flatten(text: &str) -> Vec<Field<'_>> {
    let mut flat = Flat { fields: Vec::new(), path: String::new(), objects: 0, object: 0, opened: 0 };
    // It was accepted: what can fail is a number that fits no type, and what came before it is worth having.
    let _ = Seed(&mut flat).deserialize(&mut serde_json::Deserializer::from_str(text));
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

    /// Text that is an object of its own says more than as text.
    fn text(&mut self, text: Cow<'a, str>) {
        let object = text.trim_start().starts_with('{') || text.trim_start().starts_with("[{");
        if object && self.opened < OPENED_MAX && super::is_sound(&text) {
            self.opened += 1;
            let inner = flatten_at(&text, &self.path, self.opened);
            let room = FIELDS_MAX.saturating_sub(self.fields.len());
            let from = self.objects;
            self.objects = self.objects.saturating_add(inner.iter().map(|field| field.object).max().unwrap_or(0));
            self.fields
                .extend(inner.into_iter().take(room).map(|field| Field { object: from + field.object, ..field }));
            self.opened -= 1;
        } else {
            self.push(text);
        }
    }
}

fn flatten_at(text: &str, path: &str, opened: u8) -> Vec<Field<'static>> {
    let mut flat = Flat { fields: Vec::new(), path: path.to_owned(), objects: 0, object: 0, opened };
    let _ = Seed(&mut flat).deserialize(&mut serde_json::Deserializer::from_str(text));
    let owned = |field: Field<'_>| Field {
        path: Cow::Owned(field.path.into_owned()),
        value: Cow::Owned(field.value.into_owned()),
        object: field.object,
    };
    flat.fields.into_iter().map(owned).collect()
}

struct Seed<'f, 'a>(&'f mut Flat<'a>);

impl<'a> DeserializeSeed<'a> for Seed<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Seed<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.0.push(if value { "true" } else { "false" });
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.0.push(value.to_string());
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.0.push(value.to_string());
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.0.push(value.to_string());
        Ok(())
    }

    fn visit_borrowed_str<E>(self, value: &'a str) -> Result<(), E> {
        self.0.text(Cow::Borrowed(value));
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.0.text(Cow::Owned(value.to_owned()));
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<(), A::Error> {
        let flat = self.0;
        while seq.next_element_seed(Seed(&mut *flat))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        let flat = self.0;
        let (outer, from, length) = (flat.object, flat.fields.len(), flat.path.len());
        flat.objects += 1;
        flat.object = flat.objects;
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            if length > 0 {
                flat.path.push('.');
            }
            flat.path.push_str(&key);
            map.next_value_seed(Seed(&mut *flat))?;
            flat.path.truncate(length);
        }
        pair_up(&mut flat.fields, from, length);
        flat.object = outer;
        Ok(())
    }
}

/// `{name: "ip", value: "192.0.2.1"}` is a field called `ip`, beside what it was.
fn pair_up(fields: &mut [Field<'_>], from: usize, length: usize) {
    let own = &fields[from..];
    // A pair is a small object; anything larger has its names for what they say.
    if own.len() < 2 || own.len() > 5 {
        return;
    }
    let key_of = |field: &Field<'_>| field.path.get(length..).map(|rest| rest.trim_start_matches('.').to_owned());
    let place = |wanted: &str| own.iter().position(|field| key_of(field).is_some_and(|key| key == wanted));
    let pair = vocabulary::pair_keys().iter().find_map(|(name, value)| Some((place(name)?, place(value)?)));
    let Some((name, value)) = pair else { return };
    let name = fields[from + name].value.clone().into_owned();
    let short = !name.is_empty() && name.len() <= 64 && !name.contains(char::is_whitespace);
    if short {
        let field = &mut fields[from + value];
        let prefix = field.path.get(..length).unwrap_or_default();
        field.path = Cow::Owned(if prefix.is_empty() { name } else { format!("{prefix}.{name}") });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        flatten(text).into_iter().map(|field| format!("{}={}", field.path, field.value)).collect()
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
        assert_eq!(flatten(&format!("{{{}}}", many.join(","))).len(), FIELDS_MAX);
    }
}
