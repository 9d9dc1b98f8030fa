//! One linear pass over a record before any parse: size, UTF-8, JSON grammar, depth, duplicate keys, and where the
//! elements of an array or a `{"records":[…]}` envelope begin and end.
//!
//! Parsers disagree about duplicate keys, skip ignored values unchecked and recurse without bound; so nothing is parsed
//! that this pass has not seen whole. What the bytes mean is left to the decoder. A clean record allocates nothing.

mod string;

use std::ops::Range;
use std::sync::LazyLock;

use smallvec::SmallVec;

use super::decode::RejectReason;
use crate::config::Limits;

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
}

const KEYS_INLINE: usize = 64;
const FRAMES_INLINE: usize = 32;
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

/// The hash by which keys are compared. Its seed is fixed, so that every replay decides alike; a collision can only
/// refuse the record of the one who made it.
#[must_use]
pub fn key_hash(key: &[u8]) -> u64 {
    use std::hash::{BuildHasher, Hasher};
    let mut hasher = foldhash::quality::FixedState::with_seed(0x0ca5_e217).build_hasher();
    hasher.write(key);
    hasher.finish()
}

pub fn scan<'a>(payload: &'a [u8], limits: &Limits) -> Result<Scan<'a>, Fault> {
    if payload.len() > limits.record_bytes_max {
        return Err(Fault { reason: RejectReason::TooLarge, at: limits.record_bytes_max });
    }
    let text = std::str::from_utf8(payload)
        .map_err(|error| Fault { reason: RejectReason::NotUtf8, at: error.valid_up_to() })?;
    let mut scanner = Scanner::new(payload, limits);
    if scanner.next_byte().is_none() {
        return Err(Fault { reason: RejectReason::Empty, at: 0 });
    }
    let shape = scanner.document()?;
    let Scanner { fault, envelope_fault, root_keys, elements, perhaps_own, .. } = scanner;
    Ok(Scan { text, shape, fault, envelope_fault, keys: root_keys, elements, perhaps_own })
}

/// An open object or array.
#[derive(Clone, Copy)]
struct Frame {
    object: bool,
    /// Where this object's key hashes begin.
    keys_from: u32,
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    depth_max: usize,
    elements_max: usize,
    frames: SmallVec<[Frame; FRAMES_INLINE]>,
    /// Key hashes of all open objects; the innermost object's are at the end.
    keys: SmallVec<[u64; KEYS_INLINE]>,
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
    fn new(bytes: &'a [u8], limits: &Limits) -> Self {
        Self {
            bytes,
            at: 0,
            depth_max: limits.depth_max,
            elements_max: limits.elements_max,
            frames: SmallVec::new(),
            keys: SmallVec::new(),
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
            b'"' => self.string().map(|_| true),
            b't' => self.literal(b"true"),
            b'f' => self.literal(b"false"),
            b'n' => self.literal(b"null"),
            b'-' | b'0'..=b'9' => self.number(),
            _ => Err(self.not_json()),
        }
    }

    fn open(&mut self, object: bool) -> Result<bool, Fault> {
        if self.frames.len() == self.depth_max {
            self.note(RejectReason::TooDeep);
        }
        if !object && self.begins_elements() {
            self.elements = Some(Vec::new());
            self.element_depth = self.frames.len() + 1;
        }
        self.at += 1;
        self.frames.push(Frame { object, keys_from: self.keys.len() as u32 });
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
        if self.elements.is_some() || self.frames.len() > 1 {
            return false;
        }
        if self.frames.is_empty() {
            return true;
        }
        let place = self.keys.last().and_then(|key| ENVELOPE_HASHES.iter().position(|known| known == key));
        let Some(place) = place.filter(|_| self.frames[0].object && self.holds_objects()) else { return false };
        self.perhaps_own = place >= SURE_KEYS;
        true
    }

    fn holds_objects(&self) -> bool {
        let inside = self.bytes[self.at + 1..].iter().find(|byte| !matches!(byte, b' ' | b'\n' | b'\r' | b'\t'));
        matches!(inside, Some(b'{' | b']'))
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
            false => key_hash(&self.bytes[span.range]),
            true => key_hash(&string::unescaped(&self.bytes[span.range])),
        };
        self.keys.push(hash);
        if self.next_byte() != Some(b':') {
            return Err(self.not_json());
        }
        self.at += 1;
        Ok(())
    }

    fn string(&mut self) -> Result<string::Span, Fault> {
        let span = string::read(self.bytes, self.at).map_err(|at| Fault { reason: RejectReason::NotJson, at })?;
        self.at = span.range.end + 1;
        Ok(span)
    }

    fn literal(&mut self, word: &[u8]) -> Result<bool, Fault> {
        if !self.bytes[self.at..].starts_with(word) {
            return Err(self.not_json());
        }
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
        return keys.iter().enumerate().any(|(i, key)| keys[..i].contains(key));
    }
    keys.sort_unstable();
    keys.windows(2).any(|pair| pair[0] == pair[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits {
            record_bytes_max: 1 << 18,
            depth_max: 32,
            observables_max: 64,
            entities_max: 32,
            string_bytes_max: 8192,
            elements_max: 100,
        }
    }

    fn fault(raw: &[u8]) -> Option<RejectReason> {
        match scan(raw, &limits()) {
            Ok(scan) => scan.fault.map(|fault| fault.reason),
            Err(fault) => Some(fault.reason),
        }
    }

    #[test]
    fn sound_json_passes() {
        for raw in [
            "{}",
            "[]",
            " [ ] ",
            "0",
            "-0.5e+3",
            "\"a\"",
            "true",
            "null",
            r#"{"a":[1,{"b":null}],"c":"\u00e9\n"}"#,
            r#"{"a":{"a":1},"b":{"a":1}}"#,
            r#"[{"a":1},{"a":1}]"#,
            r#"{"x":"\ud83d\ude00"}"#,
            "{\"a\" : 1 , \"b\" : 2}",
        ] {
            assert_eq!(fault(raw.as_bytes()), None, "{raw}");
        }
    }

    #[test]
    fn what_is_not_json_is_named_with_its_place() {
        for raw in [
            "{",
            "}",
            "[",
            "[1,]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "01",
            "1.",
            "-",
            "1e",
            "tru",
            "nul",
            "[1 2]",
            "{} {}",
            "\"a",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\u{1}\"",
            "\"\\ud800\"",
            "\"\\udc00\"",
            "\"\\ud800\\u0041\"",
            "NaN",
            "[1}",
            "{\"a\":1]",
            "+1",
            ".5",
            "\"\\",
        ] {
            assert_eq!(fault(raw.as_bytes()), Some(RejectReason::NotJson), "{raw}");
        }
        let cut = scan(br#"{"a":1,"b":"#, &limits()).unwrap_err();
        assert_eq!(cut.at, 11);
    }

    #[test]
    fn duplicates_are_found_however_they_are_written() {
        for raw in [r#"{"a":1,"a":2}"#, r#"{"a":1,"\u0061":2}"#, r#"{"x":[{"b":{"k":1,"k":1}}]}"#, r#"{"":1,"":2}"#] {
            assert_eq!(fault(raw.as_bytes()), Some(RejectReason::DuplicateKey), "{raw}");
        }
        let many: Vec<String> = (0..1_000).map(|i| format!("\"k{i}\":{i}")).collect();
        assert_eq!(fault(format!("{{{}}}", many.join(",")).as_bytes()), None);
        assert_eq!(fault(format!("{{{},\"k7\":0}}", many.join(",")).as_bytes()), Some(RejectReason::DuplicateKey));
    }

    #[test]
    fn depth_counts_everywhere() {
        let nested = |depth: usize| format!("{}0{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(fault(nested(32).as_bytes()), None);
        assert_eq!(fault(nested(33).as_bytes()), Some(RejectReason::TooDeep));
        assert_eq!(fault(format!("{{\"a\":{}}}", nested(40_000)).as_bytes()), Some(RejectReason::TooDeep));
        assert_eq!(fault("[".repeat(200_000).as_bytes()), Some(RejectReason::NotJson));
    }

    #[test]
    fn an_elements_fault_is_its_own() {
        let raw = br#"{"time":"now","records":[{"a":1},{"a":1,"a":2}, 3 ],"x":[4]}"#;
        let scan = scan(raw, &limits()).unwrap();
        let elements: Vec<&str> = scan.elements.unwrap().into_iter().map(|range| &scan.text[range]).collect();
        assert_eq!(elements, [r#"{"a":1}"#, r#"{"a":1,"a":2}"#, "3"]);
        assert!(scan.fault.is_some() && scan.envelope_fault.is_none());
    }

    #[test]
    fn an_envelope_with_two_lists_is_refused() {
        let scan = scan(br#"{"records":[1],"records":[2]}"#, &limits()).unwrap();
        assert_eq!(scan.envelope_fault.map(|fault| fault.reason), Some(RejectReason::DuplicateKey));
    }

    #[test]
    fn sizes_and_counts_are_bounded() {
        assert_eq!(fault(b""), Some(RejectReason::Empty));
        assert_eq!(fault(b" \n"), Some(RejectReason::Empty));
        assert_eq!(fault(&[b' '; (1 << 18) + 1]), Some(RejectReason::TooLarge));
        assert_eq!(fault(format!("[{}1]", "1,".repeat(100)).as_bytes()), Some(RejectReason::TooManyElements));
        assert_eq!(fault(b"{\"a\":\"\xff\"}"), Some(RejectReason::NotUtf8));
    }
}
