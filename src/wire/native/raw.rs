//! The native alert as JSON says it, borrowed from the record wherever there is no escape. Unknown fields of the alert
//! itself are kept as text. Objects are objects: serde would take an array for one by position, and two readers would
//! then disagree about what it says.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::piece::{Json, Object, Text, Time, Word};
use crate::wire::canonical::text;

/// JSON that is kept as text, each piece of it.
pub(super) const JSON_BYTES_MAX: usize = 4 * 1024;

#[derive(Debug, Default)]
pub(super) struct RawAlert<'a> {
    pub schema_version: Option<Text<'a>>,
    pub tenant: Option<Text<'a>>,
    pub title: Option<Text<'a>>,
    pub event_time: Option<Time<'a>>,
    pub updated_time: Option<Time<'a>>,
    pub source: Object<RawSource<'a>>,
    pub alert_uid: Option<Text<'a>>,
    pub source_ref: Option<Text<'a>>,
    pub dedup_key: Option<Text<'a>>,
    pub description: Option<Text<'a>>,
    pub severity_id: Option<i64>,
    pub severity: Option<Text<'a>>,
    pub confidence: Option<f64>,
    pub risk_score: Option<f64>,
    pub rule: Object<RawRule<'a>>,
    pub attacks: Vec<Object<RawAttack<'a>>>,
    pub activity: Option<Text<'a>>,
    pub observables: Vec<Object<RawObservable<'a>>>,
    pub entities: Vec<Object<RawEntity<'a>>>,
    pub evidences: Vec<Json<'a>>,
    pub tlp: Option<Text<'a>>,
    pub pap: Option<Text<'a>>,
    pub labels: Labels<'a>,
    pub tags: Vec<Text<'a>>,
    pub correlation: Object<RawCorrelation<'a>>,
    pub links: Vec<RawLink<'a>>,
    pub unmapped: Unmapped<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawSource<'a> {
    #[serde(borrow)]
    pub vendor: Option<Text<'a>>,
    #[serde(borrow)]
    pub product: Option<Text<'a>>,
    #[serde(borrow)]
    pub r#type: Option<Text<'a>>,
    #[serde(borrow)]
    pub instance: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawRule<'a> {
    #[serde(borrow)]
    pub uid: Option<Text<'a>>,
    #[serde(borrow)]
    pub name: Option<Text<'a>>,
    #[serde(borrow)]
    pub version: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawAttack<'a> {
    #[serde(borrow)]
    pub tactic_uid: Option<Text<'a>>,
    #[serde(borrow)]
    pub technique_uid: Option<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawObservable<'a> {
    #[serde(borrow)]
    pub r#type: Option<Text<'a>>,
    pub type_id: Option<i64>,
    #[serde(borrow)]
    pub value: Option<Text<'a>>,
    #[serde(borrow)]
    pub role: Option<Text<'a>>,
    pub ioc: bool,
    pub ignore_correlation: bool,
    #[serde(borrow)]
    pub tags: Vec<Text<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawEntity<'a> {
    #[serde(borrow)]
    pub kind: Option<Text<'a>>,
    #[serde(borrow)]
    pub id: Option<Text<'a>>,
    #[serde(borrow)]
    pub name: Option<Text<'a>>,
    #[serde(borrow)]
    pub domain: Option<Text<'a>>,
    #[serde(borrow)]
    pub site: Option<Text<'a>>,
    #[serde(borrow)]
    pub role: Option<Text<'a>>,
    #[serde(borrow)]
    pub criticality: Option<Word<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawCorrelation<'a> {
    #[serde(borrow)]
    pub group_key: Option<Text<'a>>,
    pub exclude: bool,
    pub no_merge: bool,
}

/// A link is an address, or an address with a title.
#[derive(Debug)]
pub(super) struct RawLink<'a> {
    pub title: Option<Text<'a>>,
    pub url: Text<'a>,
}

impl<'de: 'a, 'a> Deserialize<'de> for RawLink<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Titled<'a> {
            #[serde(borrow, default)]
            title: Option<Text<'a>>,
            #[serde(borrow)]
            url: Text<'a>,
        }
        struct LinkVisitor;
        impl<'de> Visitor<'de> for LinkVisitor {
            type Value = RawLink<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a URL or an object with one")
            }

            fn visit_borrowed_str<E>(self, url: &'de str) -> Result<Self::Value, E> {
                Ok(RawLink { title: None, url: Text(Cow::Borrowed(url)) })
            }

            fn visit_str<E>(self, url: &str) -> Result<Self::Value, E> {
                Ok(RawLink { title: None, url: Text(Cow::Owned(url.to_owned())) })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let Titled { title, url } = Titled::deserialize(MapAccessDeserializer::new(map))?;
                Ok(RawLink { title, url })
            }
        }
        deserializer.deserialize_any(LinkVisitor)
    }
}

/// `{"name": "value"}`, in the order of the record.
#[derive(Debug, Default)]
pub(super) struct Labels<'a>(pub Vec<(Text<'a>, Text<'a>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Labels<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LabelsVisitor;
        impl<'de> Visitor<'de> for LabelsVisitor {
            type Value = Labels<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut labels = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    labels.push(entry);
                }
                Ok(Labels(labels))
            }
        }
        deserializer.deserialize_map(LabelsVisitor)
    }
}

/// Fields that nothing here knows, in the order of the record. What `normalize` wrote as `unmapped` comes back as it was.
#[derive(Debug, Default)]
pub(super) struct Unmapped<'a> {
    fields: Vec<(Text<'a>, Json<'a>)>,
    before: Option<Json<'a>>,
}

impl Unmapped<'_> {
    /// One JSON object within the bound, and whether fields were left out for it.
    pub fn json(&self) -> (Option<String>, bool) {
        if self.fields.is_empty() {
            let before = self.before.map(|raw| compact(raw.get(), JSON_BYTES_MAX));
            let cut = matches!(before, Some(None));
            return (before.flatten(), cut);
        }
        let mut json = String::from("{");
        let mut cut = self.before.is_some();
        for (name, value) in &self.fields {
            let room = JSON_BYTES_MAX.saturating_sub(json.len() + name.len() + 8);
            let (Ok(name), Some(value)) = (serde_json::to_string(&**name), compact(value.get(), room)) else {
                cut = true;
                continue;
            };
            if json.len() > 1 {
                json.push(',');
            }
            json.push_str(&text::neutral(&name));
            json.push(':');
            json.push_str(&value);
        }
        json.push('}');
        ((json.len() > 2).then_some(json), cut)
    }
}

/// JSON without the white space between its tokens, its raw controls neutralised; `None` if it is longer than allowed.
pub(super) fn compact(json: &str, bytes_max: usize) -> Option<String> {
    let mut out = String::with_capacity(json.len().min(bytes_max));
    let (mut in_string, mut escaped) = (false, false);
    for c in json.chars() {
        if !in_string && c.is_ascii_whitespace() {
            continue;
        }
        out.push(c);
        in_string = if escaped { in_string } else { in_string ^ (c == '"') };
        escaped = in_string && c == '\\' && !escaped;
        if out.len() > bytes_max {
            return None;
        }
    }
    Some(text::neutral(&out).into_owned())
}

impl<'de: 'a, 'a> Deserialize<'de> for RawAlert<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AlertVisitor;
        impl<'de> Visitor<'de> for AlertVisitor {
            type Value = RawAlert<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an alert")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut alert = RawAlert::default();
                while let Some(name) = map.next_key::<Text<'de>>()? {
                    let wrong = |error: A::Error| A::Error::custom(format!("{}: {error}", &*name));
                    alert.field(&name, &mut map).map_err(wrong)?;
                }
                Ok(alert)
            }
        }
        deserializer.deserialize_map(AlertVisitor)
    }
}

impl<'a> RawAlert<'a> {
    /// Reads the value of one field. `null` is the same as no field at all.
    fn field<M: MapAccess<'a>>(&mut self, name: &Text<'a>, map: &mut M) -> Result<(), M::Error> {
        match &**name {
            "schema_version" => self.schema_version = map.next_value()?,
            "tenant" => self.tenant = map.next_value()?,
            "title" => self.title = map.next_value()?,
            "event_time" => self.event_time = map.next_value()?,
            "updated_time" => self.updated_time = map.next_value()?,
            "source" => self.source = or_default(map)?,
            "alert_uid" => self.alert_uid = map.next_value()?,
            "source_ref" => self.source_ref = map.next_value()?,
            "dedup_key" => self.dedup_key = map.next_value()?,
            "description" => self.description = map.next_value()?,
            "severity_id" => self.severity_id = map.next_value()?,
            "severity" => self.severity = map.next_value()?,
            "confidence" => self.confidence = map.next_value()?,
            "risk_score" => self.risk_score = map.next_value()?,
            "rule" => self.rule = or_default(map)?,
            "attacks" => self.attacks = or_default(map)?,
            "activity" => self.activity = map.next_value()?,
            "observables" => self.observables = or_default(map)?,
            "entities" => self.entities = or_default(map)?,
            "evidences" => self.evidences = or_default(map)?,
            "tlp" => self.tlp = map.next_value()?,
            "pap" => self.pap = map.next_value()?,
            "labels" => self.labels = or_default(map)?,
            "tags" => self.tags = or_default(map)?,
            "correlation" => self.correlation = or_default(map)?,
            "links" => self.links = or_default(map)?,
            "unmapped" => self.unmapped.before = map.next_value()?,
            // Written by `normalize` for its reader, and known anew each time.
            "alert_id" | "time_from" | "marks" => drop(map.next_value::<IgnoredAny>()?),
            // `raw` and whatever a later 1.x adds.
            _ => self.unmapped.fields.push((name.clone(), map.next_value()?)),
        }
        Ok(())
    }
}

fn or_default<'a, T: Deserialize<'a> + Default, M: MapAccess<'a>>(map: &mut M) -> Result<T, M::Error> {
    Ok(map.next_value::<Option<T>>()?.unwrap_or_default())
}
