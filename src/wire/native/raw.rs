//! The native alert as JSON says it, borrowed from the record wherever there is no escape. Unknown fields of the alert
//! itself are kept as text. Objects are objects: serde would take an array for one by position, and two readers would
//! then disagree about what it says.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use smallvec::SmallVec;

use super::piece::{Fields, Json, List, Next, Object, Piece, Source, Text, Time, Word};
use crate::wire::canonical::text;
use crate::wire::scan::{Kind, Value};

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
    pub attacks: List<Object<RawAttack<'a>>, 2>,
    pub activity: Option<Text<'a>>,
    pub observables: List<Object<RawObservable<'a>>, 6>,
    pub entities: List<Object<RawEntity<'a>>, 4>,
    pub evidences: List<Json<'a>, 1>,
    pub tlp: Option<Text<'a>>,
    pub pap: Option<Text<'a>>,
    pub labels: Labels<'a>,
    pub tags: List<Text<'a>, 4>,
    pub correlation: Object<RawCorrelation<'a>>,
    pub links: List<RawLink<'a>, 1>,
    pub unmapped: Unmapped<'a>,
}

#[derive(Debug, Default)]
pub(super) struct RawSource<'a> {
    pub vendor: Option<Text<'a>>,
    pub product: Option<Text<'a>>,
    pub r#type: Option<Text<'a>>,
    pub instance: Option<Text<'a>>,
}

impl<'a> Fields<'a> for RawSource<'a> {
    fn field<S: Source<'a>>(&mut self, name: &Text<'a>, value: S) -> Result<(), S::Error> {
        match name.as_bytes() {
            b"vendor" => self.vendor = value.read()?,
            b"product" => self.product = value.read()?,
            b"type" => self.r#type = value.read()?,
            b"instance" => self.instance = value.read()?,
            _ => value.skip()?,
        }
        Ok(())
    }
}

#[derive(Debug, Default)]
pub(super) struct RawRule<'a> {
    pub uid: Option<Text<'a>>,
    pub name: Option<Text<'a>>,
    pub version: Option<Text<'a>>,
}

impl<'a> Fields<'a> for RawRule<'a> {
    fn field<S: Source<'a>>(&mut self, name: &Text<'a>, value: S) -> Result<(), S::Error> {
        match name.as_bytes() {
            b"uid" => self.uid = value.read()?,
            b"name" => self.name = value.read()?,
            b"version" => self.version = value.read()?,
            _ => value.skip()?,
        }
        Ok(())
    }
}

#[derive(Debug, Default)]
pub(super) struct RawAttack<'a> {
    pub tactic_uid: Option<Text<'a>>,
    pub technique_uid: Option<Text<'a>>,
}

impl<'a> Fields<'a> for RawAttack<'a> {
    fn field<S: Source<'a>>(&mut self, name: &Text<'a>, value: S) -> Result<(), S::Error> {
        match name.as_bytes() {
            b"tactic_uid" => self.tactic_uid = value.read()?,
            b"technique_uid" => self.technique_uid = value.read()?,
            _ => value.skip()?,
        }
        Ok(())
    }
}

#[derive(Debug, Default)]
pub(super) struct RawObservable<'a> {
    pub r#type: Option<Text<'a>>,
    pub type_id: Option<i64>,
    pub value: Option<Text<'a>>,
    pub role: Option<Text<'a>>,
    pub ioc: bool,
    pub ignore_correlation: bool,
    pub tags: List<Text<'a>, 1>,
}

impl<'a> Fields<'a> for RawObservable<'a> {
    fn field<S: Source<'a>>(&mut self, name: &Text<'a>, value: S) -> Result<(), S::Error> {
        match name.as_bytes() {
            b"type" => self.r#type = value.read()?,
            b"type_id" => self.type_id = value.read()?,
            b"value" => self.value = value.read()?,
            b"role" => self.role = value.read()?,
            b"ioc" => self.ioc = value.read()?,
            b"ignore_correlation" => self.ignore_correlation = value.read()?,
            b"tags" => self.tags = value.read()?,
            _ => value.skip()?,
        }
        Ok(())
    }
}

#[derive(Debug, Default)]
pub(super) struct RawEntity<'a> {
    pub kind: Option<Text<'a>>,
    pub id: Option<Text<'a>>,
    pub name: Option<Text<'a>>,
    pub domain: Option<Text<'a>>,
    pub site: Option<Text<'a>>,
    pub role: Option<Text<'a>>,
    pub criticality: Option<Word<'a>>,
}

impl<'a> Fields<'a> for RawEntity<'a> {
    fn field<S: Source<'a>>(&mut self, name: &Text<'a>, value: S) -> Result<(), S::Error> {
        match name.as_bytes() {
            b"kind" => self.kind = value.read()?,
            b"id" => self.id = value.read()?,
            b"name" => self.name = value.read()?,
            b"domain" => self.domain = value.read()?,
            b"site" => self.site = value.read()?,
            b"role" => self.role = value.read()?,
            b"criticality" => self.criticality = value.read()?,
            _ => value.skip()?,
        }
        Ok(())
    }
}

#[derive(Debug, Default)]
pub(super) struct RawCorrelation<'a> {
    pub group_key: Option<Text<'a>>,
    pub exclude: bool,
    pub no_merge: bool,
}

impl<'a> Fields<'a> for RawCorrelation<'a> {
    fn field<S: Source<'a>>(&mut self, name: &Text<'a>, value: S) -> Result<(), S::Error> {
        match name.as_bytes() {
            b"group_key" => self.group_key = value.read()?,
            b"exclude" => self.exclude = value.read()?,
            b"no_merge" => self.no_merge = value.read()?,
            _ => value.skip()?,
        }
        Ok(())
    }
}

/// A link is an address, or an address with a title.
#[derive(Debug, Default)]
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

impl<'a> Piece<'a> for RawLink<'a> {
    fn of(value: Value<'_, 'a>) -> Option<Self> {
        // Few alerts have links.
        serde_json::from_str(value.written()).ok()
    }
}

/// `{"name": "value"}`, in the order of the record.
#[derive(Debug, Default)]
pub(super) struct Labels<'a>(pub SmallVec<[(Text<'a>, Text<'a>); 2]>);

impl<'de> Deserialize<'de> for Labels<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LabelsVisitor;
        impl<'de> Visitor<'de> for LabelsVisitor {
            type Value = Labels<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut labels = SmallVec::new();
                while let Some(entry) = map.next_entry()? {
                    labels.push(entry);
                }
                Ok(Labels(labels))
            }
        }
        deserializer.deserialize_map(LabelsVisitor)
    }
}

impl<'a> Piece<'a> for Labels<'a> {
    fn of(value: Value<'_, 'a>) -> Option<Self> {
        if value.kind() != Kind::Object {
            return None;
        }
        let labels = value.members().map(|(name, value)| Some((Text(name.text()), Text::of(value)?)));
        labels.collect::<Option<_>>().map(Labels)
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

impl<'de> Deserialize<'de> for RawAlert<'de> {
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
                    alert.field(&name, Next(&mut map)).map_err(wrong)?;
                }
                Ok(alert)
            }
        }
        deserializer.deserialize_map(AlertVisitor)
    }
}

impl<'a> Fields<'a> for RawAlert<'a> {
    /// `null` is the same as no field at all.
    fn field<S: Source<'a>>(&mut self, name: &Text<'a>, value: S) -> Result<(), S::Error> {
        match name.as_bytes() {
            b"schema_version" => self.schema_version = value.read()?,
            b"tenant" => self.tenant = value.read()?,
            b"title" => self.title = value.read()?,
            b"event_time" => self.event_time = value.read()?,
            b"updated_time" => self.updated_time = value.read()?,
            b"source" => value.settle(&mut self.source)?,
            b"alert_uid" => self.alert_uid = value.read()?,
            b"source_ref" => self.source_ref = value.read()?,
            b"dedup_key" => self.dedup_key = value.read()?,
            b"description" => self.description = value.read()?,
            b"severity_id" => self.severity_id = value.read()?,
            b"severity" => self.severity = value.read()?,
            b"confidence" => self.confidence = value.read()?,
            b"risk_score" => self.risk_score = value.read()?,
            b"rule" => value.settle(&mut self.rule)?,
            b"attacks" => value.settle(&mut self.attacks)?,
            b"activity" => self.activity = value.read()?,
            b"observables" => value.settle(&mut self.observables)?,
            b"entities" => value.settle(&mut self.entities)?,
            b"evidences" => value.settle(&mut self.evidences)?,
            b"tlp" => self.tlp = value.read()?,
            b"pap" => self.pap = value.read()?,
            b"labels" => value.settle(&mut self.labels)?,
            b"tags" => value.settle(&mut self.tags)?,
            b"correlation" => value.settle(&mut self.correlation)?,
            b"links" => value.settle(&mut self.links)?,
            b"unmapped" => self.unmapped.before = value.read()?,
            // Written by `normalize` for its reader, and known anew each time.
            b"alert_id" | b"time_from" | b"marks" => value.skip()?,
            // `raw` and whatever a later 1.x adds.
            _ => self.unmapped.fields.push((name.clone(), value.read()?)),
        }
        Ok(())
    }
}
