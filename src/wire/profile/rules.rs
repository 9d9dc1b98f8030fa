//! A compiled profile: what `compile` made sure of, as `read` uses it.

use std::sync::Arc;

use super::found::{Scalar, Slot, Slots, Value, View};
use super::glob::Glob;
use super::raw::RawExpect;
use super::recognise::Signatures;
use super::split::AlertList;
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
    /// Where the record carries many.
    pub(super) alerts: Option<AlertList>,
    pub(super) accept: Option<Condition>,
    pub(super) time: Field,
    pub(super) time_formats: Vec<TimeFormat>,
    pub(super) zone: Option<Zone>,
    pub(super) fields: Fields,
    pub(super) severity: SeverityMap,
    pub(super) attack: AttackMap,
    pub(super) activity: ActivityMap,
    pub(super) csv: Vec<CsvRule>,
    pub(super) rows: Vec<RowRule>,
    /// Some path leads to what a syslog line says around a record.
    pub(super) asks_frame: bool,
    pub(super) templates: Vec<Template>,
    pub(super) observables: Vec<ObservableRule>,
    pub(super) entities: Vec<EntityRule>,
    pub(super) samples: Vec<Sample>,
}

/// Alternative places, the preferred one first.
#[derive(Debug, Default)]
pub(super) struct Field {
    places: Vec<Place>,
    /// What lies at none of these has no value here.
    slots: Slots,
}

#[derive(Debug)]
pub(super) enum Place {
    At(Slot),
    /// What all of these say, with spaces between.
    Joined(Vec<Said>),
}

#[derive(Debug)]
pub(super) enum Said {
    Value(Slot),
    /// The profile's own words.
    Words(String),
    /// Nothing, but the rest is said only if this holds.
    If(Condition),
}

impl Said {
    fn slots(&self) -> &[Slot] {
        match self {
            Self::Value(slot) => std::slice::from_ref(slot),
            Self::Words(_) => &[],
            Self::If(condition) => &condition.slots,
        }
    }

    fn is_filled(&self, view: View<'_, '_>) -> bool {
        matches!(self, Self::Words(_)) || self.slots().iter().any(|slot| view.has(*slot))
    }
}

#[derive(Debug)]
pub(super) struct Condition {
    pub slots: Vec<Slot>,
    /// Empty: any, or none.
    pub words: Vec<Glob>,
    pub not: Vec<Glob>,
    /// What it asks, for messages.
    pub said: String,
}

/// Which part of a value is meant.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub after: Option<String>,
    pub after_last: Option<String>,
    pub before: Option<String>,
}

impl Part {
    /// The whole where it has no such mark.
    pub fn of<'v>(&self, value: &'v str) -> &'v str {
        let value = self.after.as_deref().and_then(|mark| value.split_once(mark)).map_or(value, |(_, rest)| rest);
        let value = self.after_last.as_deref().and_then(|mark| value.rsplit_once(mark)).map_or(value, |(_, rest)| rest);
        self.before.as_deref().and_then(|mark| value.split_once(mark)).map_or(value, |(start, _)| start)
    }
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
    pub split: Option<String>,
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
    /// Columns, and what each then is.
    pub wanted: Vec<(usize, Vec<Glob>)>,
    pub columns: Vec<String>,
}

#[derive(Debug)]
pub(super) struct RowRule {
    pub slot: Slot,
    /// All of them.
    pub when: Vec<Condition>,
    pub names: Vec<String>,
}

impl RowRule {
    pub fn takes(&self, view: View<'_, '_>) -> bool {
        view.has(self.slot) && self.when.iter().all(|condition| condition.holds(view))
    }
}

#[derive(Debug)]
pub(super) struct ObservableRule {
    pub kinds: Vec<ObservableKind>,
    pub role: Role,
    pub field: Field,
    pub when: Option<Condition>,
    pub first: bool,
    pub part: Part,
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
    pub first: bool,
    pub part: Part,
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
    pub fn pieces<'f, 'a>(&'f self, view: View<'f, 'a>) -> impl Iterator<Item = Piece<'f, 'a>> {
        Pieces::new(view, std::slice::from_ref(self)).map(|(_, piece)| piece)
    }

    fn is_filled(&self, view: View<'_, '_>) -> bool {
        match self {
            Self::At(slot) => view.has(*slot),
            Self::Joined(parts) => parts.iter().all(|part| part.is_filled(view)),
        }
    }

    fn slots(&self) -> impl Iterator<Item = &Slot> {
        let (one, parts) = match self {
            Self::At(slot) => (Some(slot), &[][..]),
            Self::Joined(parts) => (None, &parts[..]),
        };
        one.into_iter().chain(parts.iter().flat_map(Said::slots))
    }
}

/// None unless all of it can be said.
fn joined<'f, 'a>(view: View<'f, 'a>, parts: &'f [Said]) -> Option<Piece<'f, 'a>> {
    const USUAL: usize = 64;
    let mut text = String::with_capacity(USUAL);
    let mut first = true;
    let mut say = |words: &str| {
        if !std::mem::take(&mut first) {
            text.push(' ');
        }
        text.push_str(words);
    };
    for part in parts {
        match part {
            Said::Value(slot) => say(&view.all(*slot).next()?.text()),
            Said::Words(words) => say(words),
            Said::If(condition) => condition.holds(view).then_some(())?,
        }
    }
    Some(Piece::Joined(text))
}

impl Field {
    pub fn new(places: Vec<Place>) -> Self {
        let mut slots = Slots::default();
        places.iter().flat_map(Place::slots).for_each(|slot| slots.insert(*slot));
        Self { places, slots }
    }

    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// The places, if any of them has a value.
    fn filled(&self, view: View<'_, '_>) -> &[Place] {
        if view.has_any(&self.slots) { &self.places } else { &[] }
    }
}

/// Goes through the places in their order, and through the values at each. By hand, because most places of a long list
/// have nothing, and adapters around one another pass them over slowly.
struct Pieces<'f, 'a> {
    view: View<'f, 'a>,
    places: std::iter::Enumerate<std::slice::Iter<'f, Place>>,
    at: usize,
    /// What is left of the place that it is at.
    values: &'f [Value<'a>],
}

impl<'f, 'a> Pieces<'f, 'a> {
    fn new(view: View<'f, 'a>, places: &'f [Place]) -> Self {
        Self { view, places: places.iter().enumerate(), at: 0, values: &[] }
    }
}

impl<'f, 'a> Iterator for Pieces<'f, 'a> {
    type Item = (usize, Piece<'f, 'a>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            while let Some((value, rest)) = self.values.split_first() {
                self.values = rest;
                if self.view.sees(value) {
                    return Some((self.at, Piece::Single(value)));
                }
            }
            let (at, place) = self.places.next()?;
            self.at = at;
            match place {
                Place::At(slot) if self.view.has(*slot) => self.values = self.view.run(*slot),
                Place::Joined(parts) if place.is_filled(self.view) => {
                    if let Some(piece) = joined(self.view, parts) {
                        return Some((at, piece));
                    }
                }
                Place::At(_) | Place::Joined(_) => {}
            }
        }
    }
}

/// All values of a field, those of preferred places first.
pub(super) fn pieces<'f, 'a>(
    view: View<'f, 'a>,
    field: &'f Field,
) -> impl Iterator<Item = Piece<'f, 'a>> + use<'f, 'a> {
    placed_pieces(view, field).map(|(_, piece)| piece)
}

/// Whether a field may have a value here.
pub(super) fn is_filled(view: View<'_, '_>, field: &Field) -> bool {
    !field.filled(view).is_empty()
}

/// The same, each with its place among the alternatives.
pub(super) fn placed_pieces<'f, 'a>(
    view: View<'f, 'a>,
    field: &'f Field,
) -> impl Iterator<Item = (usize, Piece<'f, 'a>)> + use<'f, 'a> {
    Pieces::new(view, field.filled(view))
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
        let any = |words: &[Glob]| {
            let mut values = self.slots.iter().flat_map(|slot| view.all(*slot)).map(Scalar::text);
            values.any(|value| words.iter().any(|word| word.fits(&value)))
        };
        (self.words.is_empty() || any(&self.words)) && (self.not.is_empty() || !any(&self.not))
    }
}
