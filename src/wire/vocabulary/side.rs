//! The words around names, read once from `around.tsv`: on which side of the story each puts a name, and what that makes
//! of a machine or of an account. Names are left to `table`, and how far a word reaches to `around`.

use std::sync::LazyLock;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::model::Role;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Where it came from: `src`, `client`, `attacker`.
    Source,
    Destination,
    /// Who did it: `actor`, `subject`, `initiatedBy`.
    Actor,
    Target,
    /// Whom it befell: the alert is about this machine, and its account was acted upon.
    Victim,
    /// A machine the alert is about: `device`, `endpoint`.
    Machine,
    Account,
    Peer,
    /// What saw it or passed it on: `observer`, `sensor`, `nat`.
    Reporter,
    /// What is told beside it: `parent`, `previous`, `enrichment`.
    Aside,
}

/// What kind of thing a name names, as far as sides go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Machine,
    Account,
    Thing,
}

impl Side {
    /// Says what kind of thing something belongs to, and not to which of them.
    pub const fn is_weak(self) -> bool {
        matches!(self, Self::Machine | Self::Account)
    }

    /// Short and everyday words begin too many others.
    const fn is_written_together(self) -> bool {
        !matches!(self, Self::Aside | Self::Account)
    }

    /// `None`: this side says nothing about such a part.
    pub const fn role(self, part: Part) -> Option<Role> {
        match (self, part) {
            (Self::Source, Part::Account) | (Self::Actor, Part::Account | Part::Thing) => Some(Role::Actor),
            (Self::Source, Part::Machine | Part::Thing) | (Self::Actor, Part::Machine) => Some(Role::Source),
            (Self::Destination, Part::Machine) | (Self::Target, Part::Machine) => Some(Role::Destination),
            (Self::Destination | Self::Target | Self::Victim, Part::Account | Part::Thing) => Some(Role::Target),
            (Self::Victim | Self::Machine, Part::Machine) => Some(Role::Asset),
            (Self::Peer, _) => Some(Role::Peer),
            (Self::Reporter | Self::Aside, _) => Some(Role::Context),
            (Self::Machine, Part::Account | Part::Thing) | (Self::Account, _) => None,
        }
    }
}

/// What a word does to the names behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Side(Side),
    /// Wraps a record or a part of it and adds nothing to what is inside.
    Envelope,
    /// Opens something with times, names and states of its own.
    Body,
    /// Makes a question or a quantity of a name: `isAdminUser`, `num_hosts`.
    Turn,
}

type Lexicon = HashMap<&'static [u8], Word, FixedState>;

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| lines().flatten().collect());

pub(super) fn word(letters: &[u8]) -> Option<Word> {
    LEXICON.get(letters).copied()
}

pub(super) fn side(letters: &[u8]) -> Option<Side> {
    match word(letters)? {
        Word::Side(side) => Some(side),
        Word::Envelope | Word::Body | Word::Turn => None,
    }
}

/// The side that opens `run`, where its author wrote two words as one (`attackerip`), and what follows it: the longest
/// first.
pub(super) fn split(run: &[u8]) -> impl Iterator<Item = (Side, &[u8])> {
    const SIDE_LETTERS: std::ops::RangeInclusive<usize> = 3..=13;
    let ends = SIDE_LETTERS.rev().filter(|end| end + 2 <= run.len());
    ends.filter_map(|end| Some((side(&run[..end]).filter(|side| side.is_written_together())?, &run[end..])))
}

/// The words of each line that can be read; a test holds that all can.
pub(super) fn lines() -> impl Iterator<Item = impl Iterator<Item = (&'static [u8], Word)>> {
    let told = include_str!("around.tsv").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    told.filter_map(|line| {
        let (kind, words) = line.split_once('\t')?;
        let kind = kind_of(kind)?;
        Some(words.split(", ").map(move |word| (word.as_bytes(), kind)))
    })
}

fn kind_of(label: &str) -> Option<Word> {
    KINDS.iter().find(|(known, _)| *known == label).map(|(_, word)| *word)
}

pub(super) const KINDS: [(&str, Word); 13] = [
    ("source", Word::Side(Side::Source)),
    ("destination", Word::Side(Side::Destination)),
    ("actor", Word::Side(Side::Actor)),
    ("target", Word::Side(Side::Target)),
    ("victim", Word::Side(Side::Victim)),
    ("machine", Word::Side(Side::Machine)),
    ("account", Word::Side(Side::Account)),
    ("peer", Word::Side(Side::Peer)),
    ("reporter", Word::Side(Side::Reporter)),
    ("aside", Word::Side(Side::Aside)),
    ("envelope", Word::Envelope),
    ("body", Word::Body),
    ("turn", Word::Turn),
];
