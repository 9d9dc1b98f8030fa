//! What a profile file may say. Spans are kept, so that a fault found later still names its line.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

pub(super) type Text = Spanned<String>;
/// Alternatives in the order of preference. `a + b` joins what lies at both with a space.
pub(super) type Paths = Vec<Text>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProfile {
    pub name: Text,
    pub source: RawSource,
    pub r#match: Spanned<RawMatch>,
    /// The list whose elements are alerts of their own, with what lies beside it common to all.
    pub alerts: Option<Text>,
    /// A record of this product is an alert only if this holds.
    pub accept: Option<RawCondition>,
    pub time: RawTime,
    pub fields: RawFields,
    pub severity: Option<RawSeverity>,
    pub attack: Option<RawAttack>,
    pub activity: Option<RawActivity>,
    /// Names for the columns of a CSV record.
    #[serde(default)]
    pub csv: Vec<RawCsv>,
    /// Names for the items of a list in a JSON record.
    #[serde(default)]
    pub row: Vec<RawRow>,
    /// Free text with `{names}` for what varies; the first that fits the message gives its fields.
    #[serde(default)]
    pub template: Vec<Text>,
    #[serde(default)]
    pub sample: Vec<RawSample>,
    #[serde(default)]
    pub observable: Vec<RawObservable>,
    #[serde(default)]
    pub entity: Vec<RawEntity>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSource {
    pub vendor: Option<String>,
    pub product: Text,
    pub r#type: Option<String>,
}

/// Any one of these tells the format.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawMatch {
    /// Sets of top-level keys of a JSON record.
    pub keys: Option<Spanned<Vec<Vec<String>>>>,
    /// All of these have to hold as well where the keys are there.
    pub r#where: Vec<RawCondition>,
    /// Vendor and product of a CEF header, `*` at either end for anything; the product may be left out.
    pub cef: Vec<Vec<String>>,
    /// The same for LEEF.
    pub leef: Vec<Vec<String>>,
    /// Sets of names of a text's fields.
    pub fields: Vec<Vec<String>>,
    /// Words that the text contains.
    pub contains: Vec<String>,
    /// The program in a syslog header.
    pub app: Vec<String>,
    /// What the record carries in its message is the better alert, if it is one.
    pub gives_way: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCsv {
    /// Which column tells (from 0), and what it then is.
    pub column: usize,
    pub equals: Vec<String>,
    /// Other columns and what they then are: all have to agree.
    #[serde(default)]
    pub and: Vec<(usize, Vec<String>)>,
    /// Names from the first column on; an empty name leaves one out.
    pub columns: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRow {
    /// The list.
    pub path: Text,
    /// All of these hold where its items have these names.
    pub when: Vec<RawCondition>,
    /// From the first item on; an empty name leaves one out.
    pub names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawActivity {
    pub paths: Paths,
    #[serde(default)]
    pub update: Vec<String>,
    #[serde(default)]
    pub close: Vec<String>,
}

/// A record of this format and what has to come of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSample {
    pub record: Text,
    #[serde(default)]
    pub expect: RawExpect,
    /// Where the record carries many.
    #[serde(default)]
    pub expect_each: Vec<RawExpect>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawExpect {
    /// Of the closed set of reasons.
    pub rejected: Option<Text>,
    pub time: Option<String>,
    pub title: Option<String>,
    pub rule: Option<String>,
    pub severity: Option<u8>,
    pub activity: Option<String>,
    /// `kind id role`, all of them.
    pub entities: Option<Vec<String>>,
    /// `type value role`, all of them.
    pub observables: Option<Vec<String>>,
    /// Tactics and techniques.
    pub attacks: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCondition {
    pub path: Option<Text>,
    /// Any of these.
    #[serde(default)]
    pub paths: Paths,
    /// Some value there is one of these words.
    #[serde(default)]
    pub equals: Vec<String>,
    /// And none is one of these; `*` is anything, so that nothing may be there.
    #[serde(default)]
    pub not: Vec<String>,
}

/// Which part of a value is meant; the whole where it has no such mark.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawPart {
    pub after: Option<String>,
    pub after_last: Option<String>,
    pub before: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTime {
    pub paths: Paths,
    pub formats: Vec<Text>,
    /// Of times without an offset, where the source's configuration names none; else UTC.
    pub zone: Option<Text>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawFields {
    pub title: Paths,
    pub description: Paths,
    pub alert_uid: Paths,
    /// Parts that together name the alert at its source; without the first of them there is no reference.
    pub reference: Paths,
    /// The product's own version of the alert: its updated time, or a counter.
    pub updated: Paths,
    pub dedup_key: Paths,
    /// Where a person can read on.
    pub links: Paths,
    pub rule_uid: Paths,
    pub rule_name: Paths,
    pub rule_version: Paths,
    pub tenant: Paths,
    pub instance: Paths,
    pub confidence: Paths,
    pub risk_score: Paths,
    pub tags: Paths,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSeverity {
    #[serde(default)]
    pub paths: Paths,
    /// Where no word and no number says.
    pub default: Option<Spanned<u8>>,
    #[serde(default)]
    pub words: BTreeMap<String, Spanned<u8>>,
    /// `[number, severity_id]`: from this number on, ascending.
    #[serde(default)]
    pub steps: Vec<Spanned<(i64, u8)>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
pub(super) struct RawAttack {
    pub tactics: Paths,
    pub techniques: Paths,
    /// The values are lists with this between their items.
    pub split: Option<String>,
    /// The product's own words for tactics.
    pub words: BTreeMap<String, Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawObservable {
    /// The first kind that the value is one of.
    pub kinds: Vec<Text>,
    pub role: Text,
    pub paths: Paths,
    pub when: Option<RawCondition>,
    /// Later paths only where the ones before gave nothing, in the same element of a list.
    #[serde(default)]
    pub first: bool,
    #[serde(default)]
    pub part: RawPart,
    /// Known bad, as the product says.
    #[serde(default)]
    pub ioc: bool,
    /// The value is a list with this between its items.
    pub split: Option<String>,
    /// The items are `name=value`; only these names are taken.
    #[serde(default)]
    pub pairs: Vec<String>,
    /// The host before a URL that begins with its path.
    #[serde(default)]
    pub base: Paths,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEntity {
    pub kind: Text,
    pub role: Text,
    pub paths: Paths,
    pub when: Option<RawCondition>,
    #[serde(default)]
    pub first: bool,
    #[serde(default)]
    pub part: RawPart,
    /// Where the record keeps the account's or machine's domain, and the name that a person knows it by.
    #[serde(default)]
    pub domain: Paths,
    #[serde(default)]
    pub name: Paths,
    /// The value is a list with this between its items.
    pub split: Option<String>,
}
