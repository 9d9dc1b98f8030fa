//! What the words before a name do to it: which side they put it on, and how much of a stranger they make it. The words
//! themselves are `side`'s.

use super::side::{self, Part, Word};
use super::words::Words;
use crate::model::Role;

/// How many segments away a word still says something about a name.
const SEGMENTS_NEAR: u8 = 3;

/// What the nearest word before `from` says. That something belongs to a machine or an account says less than which one
/// it is: `remote_host.address` is the address of the remote side.
pub(super) fn told(words: &Words, from: usize, part: Part) -> Option<Role> {
    let here = words.segment(from.min(words.len().checked_sub(1)?))?;
    let near = |at: &usize| words.segment(*at).is_some_and(|segment| here.saturating_sub(segment) < SEGMENTS_NEAR);
    let sides = || (0..from).rev().take_while(near).filter_map(|at| side::side(words.word(at)));
    let strong = sides().filter(|side| !side.is_weak()).find_map(|side| side.role(part));
    strong.or_else(|| sides().find_map(|side| side.role(part)))
}

/// The words before the name that share its segment.
fn beside(words: &Words, from: usize) -> impl Iterator<Item = Option<Word>> {
    let here = words.segment(from);
    (0..from).rev().take_while(move |at| words.segment(*at) == here).map(|at| side::word(words.word(at)))
}

/// Whether the name is a question or a quantity.
pub(super) fn is_turned(words: &Words, from: usize) -> bool {
    beside(words, from).any(|word| word == Some(Word::Turn))
}

/// Words beside it that nobody knows may turn a name into another one.
pub(super) fn strangeness(words: &Words, from: usize) -> u8 {
    let known = |word: Option<Word>| matches!(word, Some(Word::Side(_) | Word::Envelope));
    if beside(words, from).all(known) { 0 } else { 10 }
}

/// What a record says of itself stands at its root or in an envelope; inside anything else it is about that.
pub(super) fn strangeness_of_record(words: &Words, from: usize) -> u8 {
    /// About something else within the record.
    const OTHER: u8 = 26;
    const UNKNOWN: u8 = 4;
    let here = words.segment(from);
    let of = |at: usize| match (side::word(words.word(at)), words.segment(at) == here) {
        (Some(Word::Envelope), _) => 0,
        (_, true) | (Some(Word::Side(_) | Word::Body | Word::Turn), false) => OTHER,
        (None, false) => UNKNOWN,
    };
    (0..from).map(of).fold(0, u8::saturating_add)
}

/// The first word behind the envelopes, or where the last segment begins.
pub(super) fn unwrapped(words: &Words) -> Option<usize> {
    let last = words.segment(words.len().checked_sub(1)?)?;
    let wraps = |at: &usize| {
        words.segment(*at).is_some_and(|segment| segment < last) && side::word(words.word(*at)) == Some(Word::Envelope)
    };
    Some((0..words.len()).take_while(wraps).count())
}

/// Whether the field is of those that number things with dots.
pub(super) fn is_numbered(words: &Words) -> bool {
    const NUMBERED: [&str; 9] =
        ["version", "build", "compliance", "section", "control", "oid", "release", "firmware", "standard"];
    (0..words.len()).any(|at| NUMBERED.iter().any(|word| word.as_bytes() == words.word(at)))
}
