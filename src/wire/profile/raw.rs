//! What a profile file may say. Spans are kept, so that a fault found later still names its line.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

pub(super) type Text = Spanned<String>;
/// Alternatives in the order of preference.
pub(super) type Paths = Vec<Text>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProfile {
    pub name: Text,
    pub source: RawSource,
    pub r#match: RawMatch,
    /// A record of this product is an alert only if this holds.
    pub accept: Option<RawCondition>,
    pub time: RawTime,
    pub fields: RawFields,
    pub severity: Option<RawSeverity>,
    pub attack: Option<RawAttack>,
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMatch {
    /// Any of these sets of top-level keys tells the format.
    pub keys: Spanned<Vec<Vec<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCondition {
    pub path: Text,
    pub equals: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTime {
    pub paths: Paths,
    pub formats: Vec<Text>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawFields {
    pub title: Paths,
    pub description: Paths,
    pub alert_uid: Paths,
    /// Parts that together name the alert at its source; without the first of them there is no reference.
    pub reference: Paths,
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
    pub paths: Paths,
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
    /// Where the record keeps the account's domain.
    #[serde(default)]
    pub domain: Paths,
}
