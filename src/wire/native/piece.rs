//! What the fields of a native alert are made of, borrowed from the record wherever there is no escape.
//!
//! Each is read from the tokens that `scan` has left. Those only know whether something is of the shape that its field
//! has; where it is not, `serde_json` reads the text once more and says what is wrong and where.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use smallvec::SmallVec;

use crate::model::Timestamp;
use crate::wire::scan::{Kind, Value};
use crate::wire::times;

/// What a field can hold, read either way with the same result.
pub(super) trait Piece<'a>: Deserialize<'a> {
    /// `None` where the token is of another shape.
    fn of(value: Value<'_, 'a>) -> Option<Self>;

    /// The same to where it stays, which for what is large saves moving it there.
    fn settle(&mut self, value: Value<'_, 'a>) -> Option<()> {
        *self = Self::of(value)?;
        Some(())
    }
}

/// A field's value, before it is read.
pub(super) trait Source<'a> {
    type Error;

    fn read<T: Piece<'a>>(self) -> Result<T, Self::Error>;
    /// Fills an empty field; `null` leaves it so.
    fn settle<T: Piece<'a>>(self, field: &mut T) -> Result<(), Self::Error>;
    fn skip(self) -> Result<(), Self::Error>;
}

/// The token was of another shape.
pub(super) struct Misfit;

impl<'a> Source<'a> for Value<'_, 'a> {
    type Error = Misfit;

    #[inline]
    fn read<T: Piece<'a>>(self) -> Result<T, Misfit> {
        T::of(self).ok_or(Misfit)
    }

    fn settle<T: Piece<'a>>(self, field: &mut T) -> Result<(), Misfit> {
        if self.kind() == Kind::Null { Ok(()) } else { field.settle(self).ok_or(Misfit) }
    }

    fn skip(self) -> Result<(), Misfit> {
        Ok(())
    }
}

/// The value that `serde_json` comes to next.
pub(super) struct Next<'m, M>(pub &'m mut M);

impl<'a, M: MapAccess<'a>> Source<'a> for Next<'_, M> {
    type Error = M::Error;

    fn read<T: Piece<'a>>(self) -> Result<T, M::Error> {
        self.0.next_value()
    }

    fn settle<T: Piece<'a>>(self, field: &mut T) -> Result<(), M::Error> {
        if let Some(told) = self.0.next_value()? {
            *field = told;
        }
        Ok(())
    }

    fn skip(self) -> Result<(), M::Error> {
        self.0.next_value::<IgnoredAny>().map(drop)
    }
}

/// An object's fields by their names; each is told once.
pub(super) trait Fields<'a>: Default {
    fn field<S: Source<'a>>(&mut self, name: &Text<'a>, value: S) -> Result<(), S::Error>;

    /// Takes all fields of an object.
    fn fill(&mut self, object: Value<'_, 'a>) -> Option<()> {
        if object.kind() != Kind::Object {
            return None;
        }
        object.members().try_for_each(|(key, value)| self.field(&Text(key.text()), value)).ok()
    }
}

impl<'a, T: Piece<'a>> Piece<'a> for Option<T> {
    #[inline]
    fn of(value: Value<'_, 'a>) -> Option<Self> {
        if value.kind() == Kind::Null { Some(None) } else { T::of(value).map(Some) }
    }
}

impl Piece<'_> for bool {
    fn of(value: Value<'_, '_>) -> Option<Self> {
        match value.kind() {
            Kind::True => Some(true),
            Kind::False => Some(false),
            Kind::Key | Kind::Text | Kind::Number | Kind::Null | Kind::Object | Kind::Array => None,
        }
    }
}

impl Piece<'_> for i64 {
    fn of(value: Value<'_, '_>) -> Option<Self> {
        if value.kind() == Kind::Number && value.is_whole() { value.raw().parse().ok() } else { None }
    }
}

impl Piece<'_> for f64 {
    fn of(value: Value<'_, '_>) -> Option<Self> {
        // Up to here digits are a number that has no other nearest one.
        const DIGITS: usize = 15;
        let raw = value.raw();
        if value.kind() != Kind::Number {
            return None;
        }
        let short = raw.len() <= DIGITS && raw.bytes().all(|byte| byte.is_ascii_digit());
        if short { raw.parse::<u32>().ok().map(Self::from) } else { None }.or_else(|| serde_json::from_str(raw).ok())
    }
}

/// Text that stays borrowed inside `Option` and `Vec`, where a plain `Cow` would be copied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(value)))
            }

            fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(value.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

impl<'a> Piece<'a> for Text<'a> {
    #[inline]
    fn of(value: Value<'_, 'a>) -> Option<Self> {
        (value.kind() == Kind::Text).then(|| Text(value.spelled()))
    }
}

/// JSON as it is written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Json<'a>(&'a str);

impl<'a> Json<'a> {
    pub fn get(&self) -> &'a str {
        self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Json<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(|raw| Json(raw.get()))
    }
}

impl<'a> Piece<'a> for Json<'a> {
    fn of(value: Value<'_, 'a>) -> Option<Self> {
        Some(Json(value.written()))
    }
}

/// A number or a word.
#[derive(Debug)]
pub(super) enum Word<'a> {
    Number(i64),
    Text(Text<'a>),
}

impl<'de: 'a, 'a> Deserialize<'de> for Word<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordVisitor;
        impl<'de> Visitor<'de> for WordVisitor {
            type Value = Word<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a whole number")
            }

            fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
                Ok(Word::Text(Text(Cow::Borrowed(value))))
            }

            fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
                Ok(Word::Text(Text(Cow::Owned(value.to_owned()))))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
                Ok(Word::Number(value))
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
                i64::try_from(value).map(Word::Number).map_err(|_| E::custom("the number is out of range"))
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
                let whole = value.fract() == 0.0 && value.abs() < 9e15;
                if whole { Ok(Word::Number(value as i64)) } else { Err(E::custom("the number is not whole")) }
            }
        }
        deserializer.deserialize_any(WordVisitor)
    }
}

impl<'a> Piece<'a> for Word<'a> {
    fn of(value: Value<'_, 'a>) -> Option<Self> {
        // Whole numbers with a fraction or an exponent are rare, and left to the other way.
        Text::of(value).map(Word::Text).or_else(|| i64::of(value).map(Word::Number))
    }
}

/// RFC 3339 or epoch milliseconds.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Time<'a>(#[serde(borrow)] Word<'a>);

impl<'a> Piece<'a> for Time<'a> {
    fn of(value: Value<'_, 'a>) -> Option<Self> {
        Word::of(value).map(Time)
    }
}

impl Time<'_> {
    pub fn read(&self) -> Option<Timestamp> {
        match &self.0 {
            Word::Number(millis) => Some(Timestamp::from_millis(*millis)).filter(|at| times::in_range(*at)),
            Word::Text(text) => times::rfc3339(text),
        }
    }
}

/// A JSON object and nothing else.
#[derive(Debug, Default)]
pub(super) struct Object<T>(pub T);

impl<'de, T: Fields<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);
        impl<'de, T: Fields<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut object = T::default();
                while let Some(name) = map.next_key::<Text<'de>>()? {
                    object.field(&name, Next(&mut map))?;
                }
                Ok(Object(object))
            }
        }
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

impl<'a, T: Fields<'a>> Piece<'a> for Object<T> {
    fn of(value: Value<'_, 'a>) -> Option<Self> {
        let mut object = Self::default();
        object.settle(value)?;
        Some(object)
    }

    fn settle(&mut self, value: Value<'_, 'a>) -> Option<()> {
        self.0.fill(value)
    }
}

/// A list that is usually short, and then takes no allocation.
#[derive(Debug)]
pub(super) struct List<T, const INLINE: usize>(SmallVec<[T; INLINE]>);

impl<T, const INLINE: usize> Default for List<T, INLINE> {
    fn default() -> Self {
        Self(SmallVec::new())
    }
}

impl<T, const INLINE: usize> Deref for List<T, INLINE> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<'de, T: Deserialize<'de>, const INLINE: usize> Deserialize<'de> for List<T, INLINE> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor<T, const INLINE: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const INLINE: usize> Visitor<'de> for ListVisitor<T, INLINE> {
            type Value = List<T, INLINE>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sequence")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut list = SmallVec::new();
                while let Some(item) = seq.next_element()? {
                    list.push(item);
                }
                Ok(List(list))
            }
        }
        deserializer.deserialize_seq(ListVisitor(PhantomData))
    }
}

impl<'a, T: Piece<'a> + Default, const INLINE: usize> Piece<'a> for List<T, INLINE> {
    fn of(value: Value<'_, 'a>) -> Option<Self> {
        let mut list = Self::default();
        list.settle(value)?;
        Some(list)
    }

    fn settle(&mut self, value: Value<'_, 'a>) -> Option<()> {
        if value.kind() != Kind::Array {
            return None;
        }
        value.elements().try_for_each(|element| {
            self.0.push(T::default());
            self.0.last_mut()?.settle(element)
        })
    }
}
