//! What one pass has read, kept: each key and value with its place, in the order of the text. Whoever reads the record
//! after that finds every end without looking for it, and steps over what nobody asked for at once.

use std::borrow::Cow;

use super::string;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::wire) enum Kind {
    Key,
    Text,
    Number,
    True,
    False,
    Null,
    Object,
    Array,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub kind: Kind,
    /// Of a key or text.
    pub escaped: bool,
    pub from: u32,
    pub to: u32,
    /// The hash of a key; of an object or array the place of the token behind it.
    pub more: u64,
}

/// A value in a text that `scan` has accepted.
#[derive(Clone, Copy)]
pub(in crate::wire) struct Value<'s, 'a> {
    text: &'a str,
    tokens: &'s [Token],
    at: usize,
}

/// The key of an object's member.
#[derive(Clone, Copy)]
pub(in crate::wire) struct Key<'a> {
    /// By [`super::key_hash`].
    pub hash: u64,
    text: &'a str,
    from: u32,
    to: u32,
    escaped: bool,
}

impl<'a> Key<'a> {
    pub fn text(&self) -> Cow<'a, str> {
        if self.escaped { Cow::Owned(string::unescaped(self.raw())) } else { Cow::Borrowed(self.raw()) }
    }

    pub fn is(&self, name: &str) -> bool {
        if self.escaped { string::unescaped(self.raw()) == name } else { self.raw() == name }
    }

    /// Cut out only here: of most keys nobody wants more than the hash.
    fn raw(&self) -> &'a str {
        &self.text[self.from as usize..self.to as usize]
    }
}

impl<'s, 'a> Value<'s, 'a> {
    pub(super) fn root(text: &'a str, tokens: &'s [Token]) -> Self {
        Self { text, tokens, at: 0 }
    }

    fn token(&self) -> &'s Token {
        &self.tokens[self.at]
    }

    pub fn kind(&self) -> Kind {
        self.token().kind
    }

    /// As it is written; a text without its quotes.
    pub fn raw(&self) -> &'a str {
        let token = self.token();
        &self.text[token.from as usize..token.to as usize]
    }

    /// Whether it is a whole number of 64 bits, which has no other way to be written.
    pub fn is_whole(&self) -> bool {
        let raw = self.raw();
        // Up to here any row of digits is one.
        const DIGITS: usize = 18;
        let digits = raw.strip_prefix('-').unwrap_or(raw);
        let short = digits.len() <= DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
        raw != "-0" && (short || raw.parse::<u64>().is_ok() || raw.parse::<i64>().is_ok())
    }

    /// What a text spells.
    pub fn spelled(&self) -> Cow<'a, str> {
        if self.token().escaped { Cow::Owned(string::unescaped(self.raw())) } else { Cow::Borrowed(self.raw()) }
    }

    fn end(&self) -> usize {
        match self.kind() {
            Kind::Object | Kind::Array => self.token().more as usize,
            Kind::Key | Kind::Text | Kind::Number | Kind::True | Kind::False | Kind::Null => self.at + 1,
        }
    }

    /// Of an object; anything else has none.
    pub fn members(self) -> Members<'s, 'a> {
        Members { end: if self.kind() == Kind::Object { self.end() } else { self.at }, at: self.at + 1, of: self }
    }

    /// Of an array; anything else has none.
    pub fn elements(self) -> Elements<'s, 'a> {
        Elements { end: if self.kind() == Kind::Array { self.end() } else { self.at }, at: self.at + 1, of: self }
    }

    /// As it is written, a text with its quotes.
    pub fn written(&self) -> &'a str {
        &self.text[self.range()]
    }

    /// Where that stands in the text.
    pub fn range(&self) -> std::ops::Range<usize> {
        let token = self.token();
        let quote = usize::from(token.kind == Kind::Text);
        token.from as usize - quote..token.to as usize + quote
    }
}

pub(in crate::wire) struct Members<'s, 'a> {
    of: Value<'s, 'a>,
    at: usize,
    end: usize,
}

impl<'s, 'a> Iterator for Members<'s, 'a> {
    type Item = (Key<'a>, Value<'s, 'a>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.end {
            return None;
        }
        let key = self.of.tokens.get(self.at)?;
        let value = Value { at: self.at + 1, ..self.of };
        self.at = value.end();
        let Token { from, to, escaped, more: hash, .. } = *key;
        Some((Key { hash, text: self.of.text, from, to, escaped }, value))
    }
}

pub(in crate::wire) struct Elements<'s, 'a> {
    of: Value<'s, 'a>,
    at: usize,
    end: usize,
}

impl<'s, 'a> Iterator for Elements<'s, 'a> {
    type Item = Value<'s, 'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let value = (self.at < self.end).then_some(Value { at: self.at, ..self.of })?;
        self.at = value.end();
        Some(value)
    }
}
