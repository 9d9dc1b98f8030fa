//! A compiled profile: what `compile` made sure of, as `read` uses it.

use std::sync::Arc;

use smallvec::SmallVec;

use super::found::{Slot, Value, View};
use super::glob::Glob;
use super::raw::RawExpect;
use super::recognise::Signatures;
use super::trie::Trie;
use crate::model::{EntityKind, ObservableKind, Role, Severity, Source};
use crate::wire::plain::template::Template;
use crate::wire::times::{TimeFormat, Zone};
use std::borrow::Cow;

#[derive(Debug)]
pub(in crate::wire) struct Profile {
    pub name: Arc<str>,
    pub file: String,
    /// The file's own words.
    pub text: Box<str>,
    pub source: Source,
    pub(super) signatures: Signatures,
    pub(super) trie: Trie,
    pub(super) accept: Option<Condition>,
    pub(super) time: Field,
    pub(super) time_formats: Vec<TimeFormat>,
    pub(super) zone: Option<Zone>,
    pub(super) fields: Fields,
    pub(super) severity: SeverityMap,
    pub(super) attack: AttackMap,
    pub(super) activity: ActivityMap,
    pub(super) csv: Vec<CsvRule>,
    pub(super) templates: Vec<Template>,
    pub(super) observables: Vec<ObservableRule>,
    pub(super) entities: Vec<EntityRule>,
    pub(super) samples: Vec<Sample>,
}

/// Alternative places, the preferred one first.
pub(super) type Field = Vec<Place>;

#[derive(Debug)]
pub(super) enum Place {
    At(Slot),
    /// What lies at all of these, with spaces between.
    Joined(Vec<Slot>),
}

#[derive(Debug)]
pub(super) struct Condition {
    pub slot: Slot,
    pub path: String,
    pub words: Vec<Glob>,
    /// As the file has them, for messages.
    pub equals: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Fields {
    pub title: Field,
    pub description: Field,
    pub alert_uid: Field,
    pub reference: Field,
    pub updated: Field,
    pub dedup_key: Field,
    pub links: Field,
    pub rule_uid: Field,
    pub rule_name: Field,
    pub rule_version: Field,
    pub tenant: Field,
    pub instance: Field,
    pub confidence: Field,
    pub risk_score: Field,
    pub tags: Field,
}

#[derive(Debug, Default)]
pub(super) struct SeverityMap {
    pub field: Field,
    pub default: Severity,
    pub words: Vec<(String, Severity)>,
    pub steps: Vec<(i64, Severity)>,
}

#[derive(Debug, Default)]
pub(super) struct AttackMap {
    pub tactics: Field,
    pub techniques: Field,
    pub words: Vec<(String, &'static str)>,
}

#[derive(Debug, Default)]
pub(super) struct ActivityMap {
    pub field: Field,
    pub update: Vec<Glob>,
    pub close: Vec<Glob>,
}

#[derive(Debug)]
pub(super) struct CsvRule {
    pub column: usize,
    pub words: Vec<Glob>,
    pub columns: Vec<String>,
}

#[derive(Debug)]
pub(super) struct ObservableRule {
    pub kinds: Vec<ObservableKind>,
    pub role: Role,
    pub field: Field,
    pub when: Option<Condition>,
    pub ioc: bool,
    pub split: Option<String>,
    pub pairs: Vec<String>,
    pub base: Field,
}

#[derive(Debug)]
pub(super) struct EntityRule {
    pub kind: EntityKind,
    pub role: Role,
    pub field: Field,
    pub when: Option<Condition>,
    pub domain: Field,
    pub name: Field,
    pub split: Option<String>,
}

#[derive(Debug)]
pub(super) struct Sample {
    pub line: usize,
    pub record: String,
    pub expect: Vec<RawExpect>,
}

/// One value of a field.
pub(super) enum Piece<'f, 'a> {
    Single(&'f Value<'a>),
    Joined(String),
}

impl<'f> Piece<'f, '_> {
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Single(value) => value.scalar.text(),
            Self::Joined(text) => Cow::Borrowed(text),
        }
    }

    /// The same, outliving this.
    pub fn into_text(self) -> Cow<'f, str> {
        match self {
            Self::Single(value) => value.scalar.text(),
            Self::Joined(text) => Cow::Owned(text),
        }
    }

    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Single(value) => value.scalar.number(),
            Self::Joined(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        }
    }

    pub const fn group(&self) -> u16 {
        match self {
            Self::Single(value) => value.group,
            Self::Joined(_) => 0,
        }
    }
}

impl Place {
    pub fn pieces<'f, 'a>(&'f self, view: View<'f, 'a>) -> SmallVec<[Piece<'f, 'a>; 4]> {
        match self {
            Self::At(slot) => view.values(*slot).map(Piece::Single).collect(),
            Self::Joined(slots) => {
                let parts: Option<Vec<Cow<'f, str>>> =
                    slots.iter().map(|slot| view.all(*slot).next().map(|scalar| scalar.text())).collect();
                parts.map(|parts| Piece::Joined(parts.join(" "))).into_iter().collect()
            }
        }
    }
}

/// All values of a field, those of preferred places first.
pub(super) fn pieces<'f, 'a>(
    view: View<'f, 'a>,
    field: &'f Field,
) -> impl Iterator<Item = Piece<'f, 'a>> + use<'f, 'a> {
    field.iter().flat_map(move |place| place.pieces(view))
}

impl Profile {
    /// Whether it was written for text, at least also.
    pub fn reads_text(&self) -> bool {
        let marks = &self.signatures;
        let headers = !marks.cef.is_empty() || !marks.leef.is_empty();
        let words = !marks.fields.is_empty() || !marks.contains.is_empty() || !marks.app.is_empty();
        headers || words || !self.csv.is_empty() || !self.templates.is_empty()
    }
}

impl Condition {
    pub fn holds(&self, view: View<'_, '_>) -> bool {
        view.all(self.slot).any(|value| self.words.iter().any(|word| word.fits(&value.text())))
    }
}
