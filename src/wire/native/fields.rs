//! The native alert as it stands in the record, borrowed from it. Unknown fields are kept, so the outermost object is
//! read by hand; the scan has refused duplicate keys already.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

pub type Text<'a> = Option<Cow<'a, str>>;

#[derive(Default)]
pub struct RawAlert<'a> {
    pub schema_version: Text<'a>,
    pub title: Text<'a>,
    pub event_time: Option<Scalar<'a>>,
    pub source: Option<RawSource<'a>>,
    pub tenant: Text<'a>,
    pub alert_uid: Text<'a>,
    pub source_ref: Text<'a>,
    pub dedup_key: Text<'a>,
    pub description: Text<'a>,
    pub severity_id: Option<u64>,
    pub severity: Text<'a>,
    pub confidence: Option<u64>,
    pub risk_score: Option<u64>,
    pub rule: Option<RawRule<'a>>,
    pub attacks: Vec<RawAttack<'a>>,
    pub activity: Text<'a>,
    pub updated: Option<Scalar<'a>>,
    pub observables: Vec<RawObservable<'a>>,
    pub entities: Vec<RawEntity<'a>>,
    pub evidences: Vec<&'a RawValue>,
    pub tlp: Text<'a>,
    pub pap: Text<'a>,
    pub labels: Labels<'a>,
    pub tags: Vec<Cow<'a, str>>,
    pub correlation: Option<RawCorrelation<'a>>,
    pub links: Vec<RawLink<'a>>,
    pub rest: Vec<(Cow<'a, str>, &'a RawValue)>,
}

#[derive(Deserialize)]
pub struct RawSource<'a> {
    #[serde(borrow, default)]
    pub vendor: MaybeText<'a>,
    #[serde(borrow, default)]
    pub product: MaybeText<'a>,
    #[serde(borrow, default, rename = "type")]
    pub category: MaybeText<'a>,
    #[serde(borrow, default)]
    pub instance: MaybeText<'a>,
}

#[derive(Deserialize)]
pub struct RawRule<'a> {
    #[serde(borrow, default)]
    pub uid: MaybeText<'a>,
    #[serde(borrow, default)]
    pub name: MaybeText<'a>,
    #[serde(borrow, default)]
    pub version: MaybeText<'a>,
}

#[derive(Deserialize)]
pub struct RawAttack<'a> {
    #[serde(borrow, default)]
    pub tactic_uid: MaybeText<'a>,
    #[serde(borrow, default)]
    pub technique_uid: MaybeText<'a>,
}

#[derive(Deserialize)]
pub struct RawObservable<'a> {
    #[serde(borrow, default, rename = "type", alias = "type_id")]
    pub kind: MaybeText<'a>,
    #[serde(borrow, default)]
    pub value: MaybeText<'a>,
    #[serde(borrow, default)]
    pub role: MaybeText<'a>,
    #[serde(default)]
    pub ioc: bool,
    #[serde(default)]
    pub ignore_correlation: bool,
    #[serde(borrow, default)]
    pub tags: Vec<Cow<'a, str>>,
}

#[derive(Deserialize)]
pub struct RawEntity<'a> {
    #[serde(borrow, default)]
    pub kind: MaybeText<'a>,
    #[serde(borrow, default)]
    pub id: MaybeText<'a>,
    #[serde(borrow, default)]
    pub name: MaybeText<'a>,
    #[serde(borrow, default)]
    pub domain: MaybeText<'a>,
    #[serde(borrow, default)]
    pub site: MaybeText<'a>,
    #[serde(borrow, default)]
    pub role: MaybeText<'a>,
    #[serde(default)]
    pub criticality: u8,
}

#[derive(Default, Deserialize)]
pub struct RawCorrelation<'a> {
    #[serde(borrow, default)]
    pub group_key: MaybeText<'a>,
    #[serde(default)]
    pub exclude: bool,
    #[serde(default)]
    pub no_merge: bool,
}

#[derive(Deserialize)]
pub struct RawLink<'a> {
    #[serde(borrow, default)]
    pub title: MaybeText<'a>,
    #[serde(borrow)]
    pub url: Cow<'a, str>,
}

/// A string or a number taken as its text; null and absent are none. `Option<Cow>` alone would always copy.
#[derive(Default)]
pub struct MaybeText<'a>(pub Text<'a>);

impl MaybeText<'_> {
    pub fn as_deref(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for MaybeText<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = MaybeText<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(MaybeText(Some(Cow::Borrowed(text))))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(MaybeText(Some(Cow::Owned(text.to_owned()))))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
                Ok(MaybeText(Some(Cow::Owned(number.to_string()))))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
                Ok(MaybeText(Some(Cow::Owned(number.to_string()))))
            }

            fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
                Ok(MaybeText(None))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// A time: text or a whole number.
pub enum Scalar<'a> {
    Text(Cow<'a, str>),
    Integer(i64),
    Other,
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        if raw.get().starts_with('"') {
            let text: MaybeText<'de> = serde_json::from_str(raw.get()).map_err(D::Error::custom)?;
            return Ok(text.0.map_or(Scalar::Other, Scalar::Text));
        }
        Ok(raw.get().parse().map_or(Scalar::Other, Scalar::Integer))
    }
}

/// Labels, as an object of strings.
#[derive(Default)]
pub struct Labels<'a>(pub Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Labels<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Labels<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut labels = Vec::new();
                while let Some((MaybeText(name), MaybeText(value))) = map.next_entry()? {
                    labels.extend(name.zip(value));
                }
                Ok(Labels(labels))
            }

            fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
                Ok(Labels::default())
            }
        }
        deserializer.deserialize_any(Pairs)
    }
}

impl<'de> Deserialize<'de> for RawAlert<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = RawAlert<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an alert object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut alert = RawAlert::default();
                while let Some(MaybeText(key)) = map.next_key()? {
                    let Some(key) = key else { return Err(A::Error::custom("a key is no string")) };
                    alert.take(key, &mut map)?;
                }
                Ok(alert)
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

impl<'de> RawAlert<'de> {
    fn take<A: MapAccess<'de>>(&mut self, key: Cow<'de, str>, map: &mut A) -> Result<(), A::Error> {
        fn text<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Text<'de>, A::Error> {
            Ok(map.next_value::<MaybeText<'de>>()?.0)
        }
        match &*key {
            "schema_version" => self.schema_version = text(map)?,
            "title" => self.title = text(map)?,
            "event_time" => self.event_time = map.next_value()?,
            "source" => self.source = map.next_value()?,
            "tenant" => self.tenant = text(map)?,
            "alert_uid" => self.alert_uid = text(map)?,
            "source_ref" => self.source_ref = text(map)?,
            "dedup_key" => self.dedup_key = text(map)?,
            "description" => self.description = text(map)?,
            "severity_id" => self.severity_id = map.next_value()?,
            "severity" => self.severity = text(map)?,
            "confidence" => self.confidence = map.next_value()?,
            "risk_score" => self.risk_score = map.next_value()?,
            "rule" => self.rule = map.next_value()?,
            "attacks" => self.attacks = list(map)?,
            "activity" => self.activity = text(map)?,
            "updated" => self.updated = map.next_value()?,
            "observables" => self.observables = list(map)?,
            "entities" => self.entities = list(map)?,
            "evidences" => self.evidences = list(map)?,
            "tlp" => self.tlp = text(map)?,
            "pap" => self.pap = text(map)?,
            "labels" => self.labels = map.next_value()?,
            "tags" => self.tags = list(map)?,
            "correlation" => self.correlation = map.next_value()?,
            "links" => self.links = list(map)?,
            // The vendor's own record may be anything; it is not kept twice.
            "raw" => {
                map.next_value::<IgnoredAny>()?;
            }
            _ => self.rest.push((key, map.next_value()?)),
        }
        Ok(())
    }
}

/// A list; null is an empty one.
fn list<'de, A: MapAccess<'de>, T: Deserialize<'de>>(map: &mut A) -> Result<Vec<T>, A::Error> {
    Ok(map.next_value::<Option<Vec<T>>>()?.unwrap_or_default())
}
