//! The first look at foreign bytes: one linear pass before any parser sees them.
//!
//! Parsers are lenient in what they skip (serde_json lets depth, duplicate keys and bad UTF-8 pass inside ignored values),
//! and parsers disagree about duplicate keys, which attackers use. So size, UTF-8, depth, token count and duplicates are
//! settled here, over the whole record. The pass checks structure only as far as it needs to; the parser does the rest.

use super::reject::RejectReason;
use crate::config::Limits;

/// Values and keys of one record; 8 MiB of `{"a":0},` would otherwise cost 88 times its size in memory.
const TOKENS_MAX: usize = 50_000;
/// Objects with more keys than this are dead letters: duplicates are searched in a list this long.
const KEYS_MAX: usize = 4_096;

/// Why a record was refused, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanError {
    pub reason: RejectReason,
    pub detail: String,
}

/// A record that may be parsed.
#[derive(Debug)]
pub struct Scanned<'a> {
    pub text: &'a str,
    /// Hashes of the keys of the outermost object, in order: enough to recognise a format.
    pub top_keys: Vec<u64>,
}

/// Checks `bytes`.
pub fn scan<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Scanned<'a>, ScanError> {
    let error = |reason, detail: String| ScanError { reason, detail };
    if bytes.is_empty() {
        return Err(error(RejectReason::Empty, "the record has no value".into()));
    }
    if bytes.len() > limits.record_bytes_max {
        let detail = format!("{} bytes, at most {}", bytes.len(), limits.record_bytes_max);
        return Err(error(RejectReason::TooLarge, detail));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|bad| error(RejectReason::NotUtf8, format!("at byte {}", bad.valid_up_to())))?;
    let mut scan = Scan {
        bytes,
        at: 0,
        depth_max: limits.depth_max,
        keys: Vec::new(),
        top: Vec::new(),
        open: Vec::new(),
        tokens: 0,
    };
    scan.run()?;
    Ok(Scanned { text, top_keys: scan.top })
}

/// The hash by which `Scanned::top_keys` names a key.
#[must_use]
pub fn key_hash(key: &[u8]) -> u64 {
    hash(key)
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    depth_max: usize,
    /// Hashes of the keys of all open objects, innermost last.
    keys: Vec<u64>,
    /// Those of the outermost object, kept when it closes.
    top: Vec<u64>,
    open: Vec<Open>,
    tokens: usize,
}

/// One open object or array; for an object, where its keys begin in `keys`.
#[derive(Clone, Copy)]
struct Open {
    object: bool,
    first_key: usize,
    /// The next string is a key.
    expects_key: bool,
}

impl Scan<'_> {
    fn run(&mut self) -> Result<(), ScanError> {
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'"' => self.string()?,
                b'{' => self.push(true)?,
                b'[' => self.push(false)?,
                b'}' | b']' => self.pop(byte == b'}')?,
                b',' => {
                    self.token()?;
                    if let Some(open) = self.open.last_mut() {
                        open.expects_key = open.object;
                    }
                    self.at += 1;
                }
                _ => self.at += 1,
            }
        }
        if self.open.is_empty() { Ok(()) } else { Err(self.error(RejectReason::NotJson, "ends inside a value")) }
    }

    fn push(&mut self, object: bool) -> Result<(), ScanError> {
        if self.open.len() >= self.depth_max {
            return Err(self.error(RejectReason::TooDeep, "nested too deep"));
        }
        self.token()?;
        self.open.push(Open { object, first_key: self.keys.len(), expects_key: object });
        self.at += 1;
        Ok(())
    }

    fn pop(&mut self, object: bool) -> Result<(), ScanError> {
        match self.open.pop() {
            Some(open) if open.object == object => {
                if self.open.is_empty() && self.top.is_empty() {
                    self.top.extend_from_slice(&self.keys);
                }
                self.keys.truncate(open.first_key);
                self.at += 1;
                Ok(())
            }
            _ => Err(self.error(RejectReason::NotJson, "a bracket closes what is not open")),
        }
    }

    fn token(&mut self) -> Result<(), ScanError> {
        self.tokens += 1;
        if self.tokens > TOKENS_MAX { Err(self.error(RejectReason::TooLarge, "too many values")) } else { Ok(()) }
    }

    fn string(&mut self) -> Result<(), ScanError> {
        let begin = self.at + 1;
        let (end, escaped) = self.string_end(begin)?;
        self.at = end + 1;
        let Some(open) = self.open.last_mut().filter(|open| open.expects_key) else { return Ok(()) };
        open.expects_key = false;
        let first_key = open.first_key;
        let raw = &self.bytes[begin..end];
        let hash = if escaped { unescaped_hash(self.bytes, begin, end) } else { hash(raw) };
        if self.keys[first_key..].contains(&hash) {
            return Err(self.error(RejectReason::DuplicateKey, "the same key twice in one object"));
        }
        if self.keys.len() - first_key >= KEYS_MAX {
            return Err(self.error(RejectReason::TooLarge, "too many keys in one object"));
        }
        self.keys.push(hash);
        Ok(())
    }

    /// The closing quote of a string, and whether a backslash came before it.
    fn string_end(&self, begin: usize) -> Result<(usize, bool), ScanError> {
        let mut at = begin;
        let mut escaped = false;
        loop {
            match self.bytes.get(at) {
                Some(b'"') => return Ok((at, escaped)),
                Some(b'\\') => {
                    escaped = true;
                    at += 2;
                }
                Some(_) => at += 1,
                None => return Err(self.error(RejectReason::NotJson, "ends inside a string")),
            }
        }
    }

    fn error(&self, reason: RejectReason, what: &str) -> ScanError {
        ScanError { reason, detail: format!("{what}, at byte {}", self.at) }
    }
}

/// FNV-1a over the bytes: a chance match of two keys costs an alert nothing but a dead letter, so speed counts.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

/// A key may be spelled with escapes: what counts is what it means.
fn unescaped_hash(bytes: &[u8], begin: usize, end: usize) -> u64 {
    match serde_json::from_slice::<String>(&bytes[begin - 1..=end]) {
        Ok(key) => hash(key.as_bytes()),
        // The parser refuses it with a better message.
        Err(_) => hash(&bytes[begin..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn reason(text: &str) -> Option<RejectReason> {
        let limits = config::parse("").unwrap().limits;
        scan(text.as_bytes(), &limits).err().map(|error| error.reason)
    }

    #[test]
    fn duplicates_are_found_at_any_level_and_however_they_are_spelled() {
        assert_eq!(reason(r#"{"a":1,"a":2}"#), Some(RejectReason::DuplicateKey));
        assert_eq!(reason(r#"{"x":{"a":1,"b":[{"c":1}],"a":2}}"#), Some(RejectReason::DuplicateKey));
        assert_eq!(reason(r#"{"a":1,"\u0061":2}"#), Some(RejectReason::DuplicateKey));
        assert_eq!(reason(r#"{"a":{"a":1},"b":{"a":"a","c":"a"}}"#), None);
    }

    #[test]
    fn depth_and_structure_are_bounded() {
        assert_eq!(reason(&("[".repeat(33) + &"]".repeat(33))), Some(RejectReason::TooDeep));
        assert_eq!(reason(&("[".repeat(32) + &"]".repeat(32))), None);
        assert_eq!(reason(r#"{"a":1"#), Some(RejectReason::NotJson));
        assert_eq!(reason(r#"{"a":"1"#), Some(RejectReason::NotJson));
        assert_eq!(reason(r#"{"a":1]"#), Some(RejectReason::NotJson));
        assert_eq!(reason(""), Some(RejectReason::Empty));
        assert_eq!(reason(&"1,".repeat(60_000)), Some(RejectReason::TooLarge));
    }
}
