//! What a field of an unknown product's record means, from its name and the shape of its value.
//!
//! Decided here: which of our meanings a field has, in which role, and how surely. Left to others: taking a record apart
//! into fields, choosing between fields of one meaning, and reading the values (`canonical`, `times`), whose word is
//! final. `docs/vocabulary.md` tells the whole of it in prose.

mod around;
mod fit;
mod severity;
mod shape;
mod side;
mod table;
mod words;

#[cfg(test)]
mod tests;

pub use severity::{severity, severity_number};
pub use shape::shape;

use crate::model::{EntityKind, ObservableKind, Role};
use fit::{Fit, Outcome};
use side::{Part, Side};
use table::{Entry, Given, Sort, TABLE};
use words::Words;

/// What a field can mean to an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// When it happened.
    Time,
    EndTime,
    /// When it was received or logged: worse than `Time`, better than nothing.
    IngestTime,
    UpdatedTime,
    Title,
    Message,
    Description,
    Severity,
    RuleId,
    RuleName,
    RuleVersion,
    AlertId,
    Status,
    Vendor,
    Product,
    Category,
    /// Which sensor, manager or appliance reported it.
    Instance,
    Tenant,
    Confidence,
    RiskScore,
    Tactic,
    Technique,
    Tag,
    Action,
    /// Where a person can read on.
    Link,
    Observable(ObservableKind, Role),
    /// Which of address, name or hardware address it is, its value says (`host`, `source`, `destination`).
    Endpoint(Role),
    Entity(EntityKind, Role),
    /// The domain of the account in the same object.
    Domain(Role),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guess {
    pub meaning: Meaning,
    /// 0 to 100.
    pub confidence: u8,
}

/// Below this a guess helps nobody.
const CONFIDENCE_MIN: u8 = 35;
/// No name with words of its own around it is as sure as one that was published.
const CLEAR_MAX: u8 = 89;
/// What a word around adds if it says the role.
const SIDE_GAIN: u8 = 16;

/// What the field at `path` means if it holds `value`. The path is dotted from the root with array indices left out
/// (`events.parameters.value`, `src`, `kibana.alert.rule.name`), in the record's own spelling.
#[must_use]
pub fn guess(path: &str, value: &str) -> Option<Guess> {
    let value = value.trim();
    if !fit::says_something(value) {
        return None;
    }
    let words = Words::of(unwrapped(path));
    let by_name = match find_any(&words, 0) {
        Some(hit) if hit.entry.sort == Sort::Nothing => return alone(&words, value),
        // An envelope's word may have been taken for the name's own: `data.source` is no `data_source`.
        Some(hit) => judge(&words, &hit, value).or_else(|| judge(&words, &find_inner(&words, &hit)?, value)),
        None => None,
    };
    by_name.or_else(|| alone(&words, value)).or_else(|| by_shape(&words, value))
}

/// The fields of a list of pairs: which one names what the other holds, surest first. `parameters: [{name: "ip", value:
/// "192.0.2.1"}]` reads as `parameters.ip`.
#[must_use]
pub const fn pair_keys() -> &'static [(&'static str, &'static str)] {
    &[
        ("name", "value"),
        ("Name", "Value"),
        ("key", "value"),
        ("Key", "Value"),
        ("Name", "NewValue"),
        ("displayName", "newValue"),
        ("Name", "Content"),
        ("@Name", "#text"),
        ("Name", "#text"),
        ("name", "content"),
        ("field", "value"),
        ("fieldName", "fieldValue"),
        ("field_name", "value"),
        ("attribute", "value"),
        ("property", "value"),
        ("parameter", "value"),
        ("label", "value"),
        ("tag", "value"),
        ("k", "v"),
        ("Key", "value"),
        ("name", "multiValue"),
        ("name", "intValue"),
        ("name", "values"),
        ("key", "values"),
        ("name", "data"),
        ("type", "value"),
        ("Type", "Value"),
        ("type", "indicator"),
        ("dataType", "data"),
        ("observable_type", "observable_value"),
        ("indicator_type", "indicator_value"),
        ("ioc_type", "ioc_value"),
        ("entity_type", "entity_value"),
        ("id", "value"),
    ]
}

/// A name of the table in a path, from which word on.
struct Hit {
    entry: Entry,
    from: usize,
    /// The side that was written into the name or behind it.
    side: Option<Side>,
}

/// Search results wrap each record in `_source`, which is no source.
fn unwrapped(path: &str) -> &str {
    path.strip_prefix("_source.").unwrap_or(path)
}

fn find_any(words: &Words, start: usize) -> Option<Hit> {
    find(words, start, words.len()).or_else(|| find_inside(words)).or_else(|| find_before(words, start))
}

/// The name behind the envelopes, if `outer` began before.
fn find_inner(words: &Words, outer: &Hit) -> Option<Hit> {
    let start = around::unwrapped(words).filter(|start| outer.from < *start)?;
    find_any(words, start)
}

/// The longest name that begins at word `start` or later and ends before word `end`.
fn find(words: &Words, start: usize, end: usize) -> Option<Hit> {
    (start..end).find_map(|from| {
        let entry = TABLE.entry(words.run(from, end))?;
        Some(Hit { entry, from, side: None })
    })
}

/// A name followed by a word that only holds it (`ip.value`, `host.0`) or by its side (`addr_remote`).
fn find_before(words: &Words, start: usize) -> Option<Hit> {
    let last = words.len().checked_sub(1)?;
    let word = words.word(last);
    if is_holder(word) {
        return find(words, start, last);
    }
    let side = side::side(word)?;
    let hit = find(words, start, last).filter(|hit| matches!(hit.entry.given, Given::Around(_)))?;
    Some(Hit { side: Some(side), ..hit })
}

fn is_holder(word: &[u8]) -> bool {
    const HOLDERS: [&str; 9] = ["value", "values", "text", "keyword", "string", "raw", "list", "full", "original"];
    HOLDERS.iter().any(|holder| holder.as_bytes() == word) || word.iter().all(u8::is_ascii_digit)
}

/// A name whose author wrote its side and itself as one word (`attackerip`).
fn find_inside(words: &Words) -> Option<Hit> {
    let last = words.len().checked_sub(1)?;
    let segment = words.segment(last);
    let near = (last.saturating_sub(1)..=last).filter(|from| words.segment(*from) == segment);
    near.into_iter().find_map(|from| {
        side::split(words.tail(from)).find_map(|(side, rest)| {
            let entry = TABLE.entry(rest).filter(|entry| matches!(entry.given, Given::Around(_)))?;
            Some(Hit { entry, from, side: Some(side) })
        })
    })
}

fn judge(words: &Words, hit: &Hit, value: &str) -> Option<Guess> {
    if around::is_turned(words, hit.from) {
        return None;
    }
    let Fit { sort, doubt } = fit::fit(hit.entry.sort, value)?;
    let (role, gain) = role(words, hit, sort);
    let clear = hit.entry.confidence.saturating_add(gain).min(CLEAR_MAX).max(hit.entry.confidence);
    let strange = match sort {
        Outcome::About(_) => around::strangeness_of_record(words, hit.from),
        Outcome::Observable(_) | Outcome::Endpoint | Outcome::Entity(_) | Outcome::Domain => {
            around::strangeness(words, hit.from)
        }
    };
    let confidence = clear.saturating_sub(doubt).saturating_sub(strange);
    (confidence >= CONFIDENCE_MIN).then_some(Guess { meaning: sort.with(role), confidence })
}

/// The role, and what knowing it adds.
fn role(words: &Words, hit: &Hit, outcome: Outcome) -> (Role, u8) {
    let otherwise = match hit.entry.given {
        Given::Fixed(role) => return (as_part(role, fit::part(outcome)), 0),
        // What looked like an account's domain and is a DNS name was more likely talked to than acting.
        Given::Around(_) if outcome == Outcome::Observable(ObservableKind::Domain) => Role::Destination,
        Given::Around(otherwise) => otherwise,
    };
    let part = fit::part(outcome);
    let told = hit.side.and_then(|side| side.role(part)).or_else(|| around::told(words, hit.from, part));
    told.map_or((otherwise, 0), |role| (role, SIDE_GAIN))
}

/// An endpoint that turned out to be an account: who sits at the source acts, who sits at the destination is acted upon.
const fn as_part(role: Role, part: Part) -> Role {
    match (role, part) {
        (Role::Source, Part::Account) => Role::Actor,
        (Role::Destination, Part::Account) => Role::Target,
        (role, Part::Account | Part::Machine | Part::Thing) => role,
    }
}

/// A name that means something only where it stands alone.
fn alone(words: &Words, value: &str) -> Option<Guess> {
    let from = around::unwrapped(words)?;
    let entry = TABLE.alone(words.tail(from))?;
    judge(words, &Hit { entry, from, side: None }, value)
}

/// The value's own shape, where the name says nothing or lies.
fn by_shape(words: &Words, value: &str) -> Option<Guess> {
    let (kind, confidence) = shape(value)?;
    let last = words.word(words.len().checked_sub(1)?);
    // Random ids look like digests, and versions like addresses.
    let before = words.word(words.len().saturating_sub(2));
    if kind == ObservableKind::Hash && (is_id(last) || is_id(before))
        || kind == ObservableKind::Ip && around::is_numbered(words)
    {
        return None;
    }
    let outcome = match kind {
        ObservableKind::Other if shape::is_sid(value) => Outcome::Entity(EntityKind::Sid),
        ObservableKind::Other => Outcome::Entity(EntityKind::CloudResource),
        kind => Outcome::Observable(kind),
    };
    let part = match outcome {
        Outcome::Observable(ObservableKind::Ip | ObservableKind::Mac) => Part::Machine,
        Outcome::Entity(_) => Part::Account,
        Outcome::Observable(_) | Outcome::About(_) | Outcome::Endpoint | Outcome::Domain => Part::Thing,
    };
    let role = around::told(words, words.len(), part).unwrap_or(Role::Context);
    Some(Guess { meaning: outcome.with(role), confidence })
}

fn is_id(word: &[u8]) -> bool {
    const IDS: [&[u8]; 12] =
        [b"id", b"ids", b"uid", b"guid", b"uuid", b"key", b"token", b"cookie", b"ref", b"ticket", b"session", b"nonce"];
    IDS.contains(&word) || word.ends_with(b"id")
}
