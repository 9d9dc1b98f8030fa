//! One linear pass over a record before any parse: size, UTF-8, JSON grammar, depth, duplicate keys, and where the
//! elements of an array or a `{"records":[…]}` envelope begin and end.
//!
//! Parsers disagree about duplicate keys, skip ignored values unchecked and recurse without bound; so nothing is parsed
//! that this pass has not seen whole. What the bytes mean is left to the decoder, which reads on in the tokens that this
//! pass leaves: nothing looks for the end of a string twice.

mod string;
mod tokens;

use std::ops::Range;
use std::sync::LazyLock;

use smallvec::SmallVec;

use super::decode::RejectReason;
use crate::config::Limits;
use tokens::Token;
pub(in crate::wire) use tokens::{Key, Kind, Value};

/// Why the bytes were refused, and at which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    pub reason: RejectReason,
    pub at: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Object,
    Array,
    Scalar,
}

/// What one pass has seen. Faults that one element can have without costing its neighbours are noted, not returned.
#[derive(Debug)]
pub struct Scan<'a> {
    pub text: &'a str,
    pub shape: Shape,
    /// The first depth or duplicate-key fault anywhere.
    pub fault: Option<Fault>,
    /// The same, outside the elements.
    pub envelope_fault: Option<Fault>,
    /// Hashes of the root object's keys, for the signatures of profiles.
    pub keys: SmallVec<[u64; KEYS_INLINE]>,
    /// The elements of a root array or of the envelope's array; `None` where there is neither.
    pub elements: Option<Vec<Range<usize>>>,
    /// The list lies under a word that an alert may use for a list of its own.
    pub perhaps_own: bool,
    tokens: Vec<Token>,
}

const KEYS_INLINE: usize = 64;
const FRAMES_INLINE: usize = 32;
/// Alerts have a token for every eight bytes or more, and so few of them ever grow their list; a large record's grows as it
/// must.
const TOKEN_BYTES: usize = 6;
const TOKENS_MIN: usize = 16;
const TOKENS_MAX: usize = 512;
/// Up to here each key is compared with each: nearly every object, and no sorting.
const KEYS_COMPARED_MAX: usize = 24;
/// The keys under which envelopes keep their records: Azure, AWS, Microsoft Graph, Alertmanager, and the words that most
/// interfaces page their answers with.
const ENVELOPE_KEYS: [&str; 19] = [
    "records",
    "Records",
    "alerts",
    "value",
    "events",
    "results",
    "items",
    "findings",
    "Findings",
    "detections",
    "incidents",
    "data",
    "logs",
    "resources",
    "entries",
    "notifications",
    "logEvents",
    "hits",
    "messages",
];
/// Behind so many of them come words that alerts use for lists of their own.
const SURE_KEYS: usize = 4;
static ENVELOPE_HASHES: LazyLock<[u64; 19]> = LazyLock::new(|| ENVELOPE_KEYS.map(|key| key_hash(key.as_bytes())));

impl<'a> Scan<'a> {
    /// The record as a value.
    pub(in crate::wire) fn root(&self) -> Value<'_, 'a> {
        Value::root(self.text, &self.tokens)
    }
}

/// The hash by which keys are compared. Its seed is fixed, so that every replay decides alike; a collision can only
/// refuse the record of the one who made it.
#[must_use]
pub fn key_hash(key: &[u8]) -> u64 {
    use std::hash::{BuildHasher, Hasher};
    const STATE: foldhash::quality::FixedState = foldhash::quality::FixedState::with_seed(0x0ca5_e217);
    let mut hasher = STATE.build_hasher();
    hasher.write(key);
    hasher.finish()
}

pub fn scan<'a>(payload: &'a [u8], limits: &Limits) -> Result<Scan<'a>, Fault> {
    // Tokens count in 32 bits.
    if payload.len() > limits.record_bytes_max || u32::try_from(payload.len()).is_err() {
        return Err(Fault { reason: RejectReason::TooLarge, at: limits.record_bytes_max });
    }
    let text = std::str::from_utf8(payload)
        .map_err(|error| Fault { reason: RejectReason::NotUtf8, at: error.valid_up_to() })?;
    let mut scanner = Scanner::new(text, limits);
    if scanner.next_byte().is_none() {
        return Err(Fault { reason: RejectReason::Empty, at: 0 });
    }
    let shape = scanner.document()?;
    let Scanner { fault, envelope_fault, root_keys, elements, perhaps_own, tokens, .. } = scanner;
    Ok(Scan { text, shape, fault, envelope_fault, keys: root_keys, elements, perhaps_own, tokens })
}

/// A document inside a string: as foreign as the record it lies in, where it was seen as a string only.
pub(super) fn document(text: &str) -> Option<Scan<'_>> {
    const LIMITS: Limits = Limits {
        record_bytes_max: usize::MAX,
        depth_max: 32,
        observables_max: 0,
        entities_max: 0,
        string_bytes_max: usize::MAX,
        elements_max: usize::MAX,
    };
    let begins = text.trim_start().starts_with(['{', '[']);
    if begins { scan(text.as_bytes(), &LIMITS).ok().filter(|scan| scan.fault.is_none()) } else { None }
}

/// An open object or array.
#[derive(Clone, Copy)]
struct Frame {
    object: bool,
    token: u32,
    /// Where this object's key hashes begin.
    keys_from: u32,
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth_max: usize,
    elements_max: usize,
    frames: SmallVec<[Frame; FRAMES_INLINE]>,
    /// Key hashes of all open objects; the innermost object's are at the end.
    keys: SmallVec<[u64; KEYS_INLINE]>,
    tokens: Vec<Token>,
    root_keys: SmallVec<[u64; KEYS_INLINE]>,
    elements: Option<Vec<Range<usize>>>,
    perhaps_own: bool,
    /// Number of open frames when the next value is an element; 0 while no array of elements is open.
    element_depth: usize,
    element_from: usize,
    fault: Option<Fault>,
    envelope_fault: Option<Fault>,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str, limits: &Limits) -> Self {
        let bytes = text.as_bytes();
        Self {
            text,
            bytes,
            at: 0,
            depth_max: limits.depth_max,
            elements_max: limits.elements_max,
            frames: SmallVec::new(),
            keys: SmallVec::new(),
            tokens: Vec::with_capacity((bytes.len() / TOKEN_BYTES).clamp(TOKENS_MIN, TOKENS_MAX)),
            root_keys: SmallVec::new(),
            elements: None,
            perhaps_own: false,
            element_depth: 0,
            element_from: 0,
            fault: None,
            envelope_fault: None,
        }
    }

    fn document(&mut self) -> Result<Shape, Fault> {
        let shape = match self.next_byte() {
            Some(b'{') => Shape::Object,
            Some(b'[') => Shape::Array,
            Some(_) | None => Shape::Scalar,
        };
        loop {
            if !self.value()? {
                continue; // a container was opened and its first value is next
            }
            if self.after_value()? {
                break;
            }
        }
        if self.next_byte().is_some() { Err(self.not_json()) } else { Ok(shape) }
    }

    /// Reads a scalar or an empty container, or opens a container. True if a value is complete.
    fn value(&mut self) -> Result<bool, Fault> {
        let first = self.next_byte().ok_or_else(|| self.not_json())?;
        if self.element_depth > 0 && self.frames.len() == self.element_depth {
            self.element_from = self.at;
        }
        match first {
            b'{' => self.open(true),
            b'[' => self.open(false),
            b'"' => {
                let span = self.string()?;
                self.token(Kind::Text, span.escaped, span.range, 0);
                Ok(true)
            }
            b't' => self.literal(b"true", Kind::True),
            b'f' => self.literal(b"false", Kind::False),
            b'n' => self.literal(b"null", Kind::Null),
            b'-' | b'0'..=b'9' => self.number(),
            _ => Err(self.not_json()),
        }
    }

    fn open(&mut self, object: bool) -> Result<bool, Fault> {
        if self.frames.len() == self.depth_max {
            self.note(RejectReason::TooDeep);
        }
        if !object && self.begins_elements() {
            self.elements.get_or_insert_default();
            self.element_depth = self.frames.len() + 1;
        }
        let (token, keys_from) = (self.tokens.len() as u32, self.keys.len() as u32);
        self.token(if object { Kind::Object } else { Kind::Array }, false, self.at..self.at, 0);
        self.at += 1;
        self.frames.push(Frame { object, token, keys_from });
        let end = if object { b'}' } else { b']' };
        if self.next_byte() == Some(end) {
            self.close();
            return Ok(true);
        }
        if object {
            self.key()?;
        }
        Ok(false)
    }

    /// Whether the array that opens here holds the record's elements: it is the root, or the root keeps objects there
    /// under an envelope's key.
    fn begins_elements(&mut self) -> bool {
        if self.frames.is_empty() {
            return true;
        }
        // An envelope may have several such lists, and each holds its own.
        if self.element_depth > 0 || self.frames.len() > 1 {
            return false;
        }
        let place = self.keys.last().and_then(|key| ENVELOPE_HASHES.iter().position(|known| known == key));
        let Some(place) = place.filter(|_| self.frames[0].object) else { return false };
        let inside = self.bytes[self.at + 1..].iter().find(|byte| !matches!(byte, b' ' | b'\n' | b'\r' | b'\t'));
        let sure = place < SURE_KEYS;
        // An empty list under a word of an alert's own says nothing at all.
        let holds = matches!(inside, Some(b'{')) || (sure && matches!(inside, Some(b']')));
        if holds {
            self.perhaps_own = !sure && (self.elements.is_none() || self.perhaps_own);
        }
        holds
    }

    /// Goes on after a complete value: closes what ends here, reads the next key. True at the end of the document.
    fn after_value(&mut self) -> Result<bool, Fault> {
        loop {
            self.end_element()?;
            let Some(frame) = self.frames.last().copied() else { return Ok(true) };
            match (self.next_byte(), frame.object) {
                (Some(b','), object) => {
                    self.at += 1;
                    if object {
                        self.key()?;
                    }
                    return Ok(false);
                }
                (Some(b'}'), true) | (Some(b']'), false) => self.close(),
                (Some(_) | None, _) => return Err(self.not_json()),
            }
        }
    }

    fn end_element(&mut self) -> Result<(), Fault> {
        if self.element_depth == 0 || self.frames.len() != self.element_depth {
            return Ok(());
        }
        let range = self.element_from..self.at;
        match &mut self.elements {
            Some(elements) if elements.len() < self.elements_max => elements.push(range),
            // A product's own alert may have such a list, and then nobody counts it.
            Some(_) | None if self.frames[0].object => {
                let fault = Fault { reason: RejectReason::TooManyElements, at: self.element_from };
                self.envelope_fault.get_or_insert(fault);
            }
            Some(_) | None => return Err(Fault { reason: RejectReason::TooManyElements, at: self.element_from }),
        }
        Ok(())
    }

    fn close(&mut self) {
        let Some(frame) = self.frames.pop() else { return };
        self.at += 1;
        let behind = self.tokens.len() as u64;
        let token = &mut self.tokens[frame.token as usize];
        (token.to, token.more) = (self.at as u32, behind);
        if frame.object {
            self.close_object(frame);
        } else if self.frames.len() + 1 == self.element_depth {
            self.element_depth = 0;
        }
    }

    fn close_object(&mut self, frame: Frame) {
        let from = frame.keys_from as usize;
        if has_duplicates(&mut self.keys[from..]) {
            self.note(RejectReason::DuplicateKey);
        }
        if self.frames.is_empty() {
            self.root_keys = std::mem::take(&mut self.keys);
        } else {
            self.keys.truncate(from);
        }
    }

    fn note(&mut self, reason: RejectReason) {
        let fault = Fault { reason, at: self.at };
        let inside_element = self.element_depth > 0 && self.frames.len() >= self.element_depth;
        self.fault.get_or_insert(fault);
        if !inside_element {
            self.envelope_fault.get_or_insert(fault);
        }
    }

    fn key(&mut self) -> Result<(), Fault> {
        if self.next_byte() != Some(b'"') {
            return Err(self.not_json());
        }
        let span = self.string()?;
        let hash = match span.escaped {
            false => key_hash(&self.bytes[span.range.clone()]),
            true => key_hash(string::unescaped(&self.text[span.range.clone()]).as_bytes()),
        };
        self.token(Kind::Key, span.escaped, span.range, hash);
        self.keys.push(hash);
        if self.next_byte() != Some(b':') {
            return Err(self.not_json());
        }
        self.at += 1;
        Ok(())
    }

    #[inline]
    fn string(&mut self) -> Result<string::Span, Fault> {
        let span = string::read(self.bytes, self.at).map_err(|at| Fault { reason: RejectReason::NotJson, at })?;
        self.at = span.range.end + 1;
        Ok(span)
    }

    #[inline]
    fn token(&mut self, kind: Kind, escaped: bool, range: Range<usize>, more: u64) {
        self.tokens.push(Token { kind, escaped, from: range.start as u32, to: range.end as u32, more });
    }

    fn literal(&mut self, word: &[u8], kind: Kind) -> Result<bool, Fault> {
        if !self.bytes[self.at..].starts_with(word) {
            return Err(self.not_json());
        }
        self.token(kind, false, self.at..self.at + word.len(), 0);
        self.at += word.len();
        Ok(true)
    }

    fn number(&mut self) -> Result<bool, Fault> {
        let digits = |from: usize| self.bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let mut at = self.at + usize::from(self.bytes[self.at] == b'-');
        let whole = digits(at);
        let leading_zero = whole > 1 && self.bytes[at] == b'0';
        at += whole;
        let mut sound = whole > 0 && !leading_zero;
        if self.bytes.get(at) == Some(&b'.') {
            let fraction = digits(at + 1);
            sound &= fraction > 0;
            at += 1 + fraction;
        }
        if matches!(self.bytes.get(at), Some(b'e' | b'E')) {
            at += 1 + usize::from(matches!(self.bytes.get(at + 1), Some(b'+' | b'-')));
            let exponent = if at <= self.bytes.len() { digits(at) } else { 0 };
            sound &= exponent > 0;
            at += exponent;
        }
        if !sound {
            return Err(self.not_json());
        }
        self.token(Kind::Number, false, self.at..at, 0);
        self.at = at;
        Ok(true)
    }

    /// The next byte that is no white space, left in place.
    fn next_byte(&mut self) -> Option<u8> {
        loop {
            match self.bytes.get(self.at).copied()? {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    fn not_json(&self) -> Fault {
        Fault { reason: RejectReason::NotJson, at: self.at }
    }
}

fn has_duplicates(keys: &mut [u64]) -> bool {
    if keys.len() <= KEYS_COMPARED_MAX {
        // Of the few keys that an object has hardly two share these bits, and only those that do are compared.
        let mut seen = 0_u64;
        return keys.iter().enumerate().any(|(i, key)| {
            let bit = 1 << (key >> 58);
            let perhaps = seen & bit != 0;
            seen |= bit;
            perhaps && keys[..i].contains(key)
        });
    }
    keys.sort_unstable();
    keys.windows(2).any(|pair| pair[0] == pair[1])
}

#[cfg(test)]
mod tests;
