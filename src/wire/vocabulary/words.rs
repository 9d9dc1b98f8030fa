//! A path as its words: what separates them, and where a segment of the path begins. What the words mean is left to
//! `table` and `side`.
//!
//! Names are compared as letters without their separators, since products agree on words and on little else:
//! `src_ip`, `srcIp`, `src.ip` and `srcip` are one name. Separators only say where a name may begin.

use smallvec::SmallVec;

/// A longer path is read from its end, where its meaning lies.
const BYTES_MAX: usize = 160;
const WORDS_INLINE: usize = 24;

#[derive(Clone, Copy, Debug)]
pub(super) struct Word {
    start: u8,
    end: u8,
    /// Counted from the root.
    pub segment: u8,
}

pub(super) struct Words {
    letters: SmallVec<[u8; BYTES_MAX]>,
    words: SmallVec<[Word; WORDS_INLINE]>,
}

impl Words {
    pub fn of(path: &str) -> Self {
        let bytes = path.as_bytes();
        let bytes = &bytes[bytes.len().saturating_sub(BYTES_MAX)..];
        let mut split = Self { letters: SmallVec::new(), words: SmallVec::new() };
        let mut segment = 0;
        let mut open = false;
        for (at, &byte) in bytes.iter().enumerate() {
            if !is_letter(byte) {
                segment += u8::from(byte == b'.');
                open = false;
                continue;
            }
            if !open || starts_word(bytes, at) {
                split.begin(segment);
            }
            split.push(byte.to_ascii_lowercase());
            open = true;
        }
        split
    }

    fn begin(&mut self, segment: u8) {
        let start = self.letters.len() as u8;
        self.words.push(Word { start, end: start, segment });
    }

    fn push(&mut self, letter: u8) {
        self.letters.push(letter);
        if let Some(word) = self.words.last_mut() {
            word.end = self.letters.len() as u8;
        }
    }

    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// The letters from word `from` to before word `end`.
    pub fn run(&self, from: usize, end: usize) -> &[u8] {
        let (Some(first), Some(last)) = (self.words.get(from), end.checked_sub(1).and_then(|at| self.words.get(at)))
        else {
            return &[];
        };
        self.letters.get(usize::from(first.start)..usize::from(last.end)).unwrap_or_default()
    }

    /// The letters from word `from` to the end.
    pub fn tail(&self, from: usize) -> &[u8] {
        self.run(from, self.len())
    }

    pub fn word(&self, at: usize) -> &[u8] {
        self.run(at, at + 1)
    }

    pub fn segment(&self, at: usize) -> Option<u8> {
        self.words.get(at).map(|word| word.segment)
    }
}

/// Bytes of other scripts are letters, too: they separate nothing.
fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii()
}

/// `srcIp` begins a word at `I`; `IPAddress` at `I` and at `A`, where a run of capitals ends.
fn starts_word(bytes: &[u8], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).map(|before| bytes[before]) else { return true };
    let small_follows = bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase);
    bytes[at].is_ascii_uppercase() && (!before.is_ascii_uppercase() || small_follows)
}
