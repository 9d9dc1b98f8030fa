//! One record to its elements: scan, envelope, profile, alert, tenant. Nothing is dropped: whatever is no alert is a
//! rejection with its own bytes and a reason.

use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use smallvec::SmallVec;

use super::build::{Draft, Refused};
use super::mapped;
use super::native;
use super::profile::{AUTO, NATIVE, Profile, Profiles};
use super::reject::{RejectReason, Rejection};
use super::scan::{ScanError, Scanned, key_hash, scan};
use crate::config::{Limits, SourceConfig, TenantRule};
use crate::model::{Alert, Origin, Tenant, Timestamp, TopicName};

/// A record as it came, borrowed from the batch.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    pub topic: &'a TopicName,
    pub partition: i32,
    pub offset: i64,
    pub timestamp: Option<Timestamp>,
    pub payload: Option<&'a [u8]>,
    pub headers: &'a [(&'a str, &'a [u8])],
}

#[derive(Clone, Debug)]
pub enum Element {
    Alert(Arc<Alert>),
    Rejected(Rejection),
}

/// Never empty: a record without an element is a rejection.
pub type Elements = SmallVec<[Element; 1]>;

#[derive(Debug)]
pub struct Decoder {
    profiles: Arc<Profiles>,
    limits: Limits,
    native: Arc<str>,
    /// Keys by which the native format and the `records` envelope are recognised.
    native_keys: [u64; 2],
    records_key: u64,
}

/// How the elements of one record are read.
enum Reader<'a> {
    Native,
    Profile(&'a Arc<Profile>),
}

impl Decoder {
    #[must_use]
    pub fn new(profiles: Arc<Profiles>, limits: Limits) -> Self {
        let native_keys = [key_hash(b"schema_version"), key_hash(b"event_time")];
        Self { profiles, limits, native: NATIVE.into(), native_keys, records_key: key_hash(b"records") }
    }

    #[must_use]
    pub fn profiles(&self) -> &Profiles {
        &self.profiles
    }

    #[must_use]
    pub fn decode(&self, record: &Record<'_>, source: &SourceConfig) -> Elements {
        let payload = record.payload.unwrap_or_default();
        let one = Context { record, source, index: None, bytes: 0..payload.len() };
        match scan(payload, &self.limits) {
            Ok(scanned) => self.record(&one, &scanned),
            Err(ScanError { reason, detail }) => one.rejected(Refused { reason, detail }, None),
        }
    }

    fn record(&self, one: &Context<'_>, scanned: &Scanned<'_>) -> Elements {
        let text = scanned.text.trim_start();
        if text.starts_with('[') {
            return self.envelope(one, scanned.text, serde_json::from_str(text));
        }
        if self.is_envelope(one.source, scanned) {
            let records = serde_json::from_str::<Envelope<'_>>(text).map(|envelope| envelope.records);
            return self.envelope(one, scanned.text, records);
        }
        self.element(one, scanned)
    }

    /// `{"records":[…]}`, unless a profile that was asked for by name or recognises the record has a use for the key.
    fn is_envelope(&self, source: &SourceConfig, scanned: &Scanned<'_>) -> bool {
        scanned.top_keys.contains(&self.records_key)
            && (&*source.profile != AUTO || self.recognise(&scanned.top_keys).is_none())
    }

    fn envelope(&self, one: &Context<'_>, text: &str, elements: Result<Vec<&RawValue>, serde_json::Error>) -> Elements {
        let elements = match elements {
            Ok(elements) => elements,
            Err(error) => return one.rejected(Refused::new(RejectReason::NotJson, error.to_string()), None),
        };
        if elements.is_empty() {
            return one.rejected(Refused::new(RejectReason::Empty, "an envelope without a record".to_owned()), None);
        }
        if elements.len() > self.limits.elements_max {
            let detail = format!("{} elements, at most {}", elements.len(), self.limits.elements_max);
            return one.rejected(Refused::new(RejectReason::TooManyElements, detail), None);
        }
        let each = |(index, element): (u32, &RawValue)| {
            let bytes = within(text, element.get());
            let context = Context { index: Some(index), bytes, ..one.clone() };
            match scan(element.get().as_bytes(), &self.limits) {
                Ok(scanned) => self.element(&context, &scanned),
                Err(ScanError { reason, detail }) => context.rejected(Refused { reason, detail }, None),
            }
        };
        (0..).zip(elements).flat_map(each).collect()
    }

    fn element(&self, context: &Context<'_>, scanned: &Scanned<'_>) -> Elements {
        let text = scanned.text.trim();
        if !text.starts_with('{') {
            // A bare word is no JSON at all; a bare number or string is, and no alert.
            let reason = match serde_json::from_str::<&RawValue>(text) {
                Ok(_) => RejectReason::NotAnObject,
                Err(_) => RejectReason::NotJson,
            };
            return context.rejected(Refused::new(reason, "an alert is a JSON object".to_owned()), None);
        }
        let Some(reader) = self.reader(context.source, &scanned.top_keys) else {
            return match serde_json::from_str::<&RawValue>(text) {
                Ok(_) => {
                    let detail = "no profile recognises the record's keys".to_owned();
                    context.rejected(Refused::new(RejectReason::UnknownFormat, detail), None)
                }
                Err(error) => context.rejected(Refused::new(RejectReason::NotJson, error.to_string()), None),
            };
        };
        let (name, draft) = match reader {
            Reader::Native => (&self.native, native::read(text, &self.limits)),
            Reader::Profile(profile) => (&profile.name, mapped::read(profile, text, &self.limits)),
        };
        match draft.and_then(|draft| context.finish(draft, name)) {
            Ok(alert) => SmallVec::from_buf([Element::Alert(Arc::new(alert))]),
            Err(refused) => context.rejected(refused, Some(Arc::clone(name))),
        }
    }

    fn reader(&self, source: &SourceConfig, top_keys: &[u64]) -> Option<Reader<'_>> {
        match &*source.profile {
            AUTO => self.recognise(top_keys),
            NATIVE => Some(Reader::Native),
            named => self.profiles.get(named).map(Reader::Profile),
        }
    }

    fn recognise(&self, top_keys: &[u64]) -> Option<Reader<'_>> {
        if self.native_keys.iter().any(|key| top_keys.contains(key)) {
            return Some(Reader::Native);
        }
        self.profiles.recognise(top_keys).map(Reader::Profile)
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    records: Vec<&'a RawValue>,
}

/// Where `part`, a slice of `whole`, lies in it.
fn within(whole: &str, part: &str) -> Range<usize> {
    let begin = part.as_ptr().addr() - whole.as_ptr().addr();
    begin..begin + part.len()
}

/// One element of one record.
#[derive(Clone)]
struct Context<'a> {
    record: &'a Record<'a>,
    source: &'a SourceConfig,
    index: Option<u32>,
    bytes: Range<usize>,
}

impl Context<'_> {
    fn rejected(&self, refused: Refused, profile: Option<Arc<str>>) -> Elements {
        let Refused { reason, detail } = refused;
        let rejection = Rejection { reason, detail, profile, index: self.index, bytes: self.bytes.clone() };
        SmallVec::from_buf([Element::Rejected(rejection)])
    }

    fn finish(&self, draft: Draft, profile: &Arc<str>) -> Result<Alert, Refused> {
        let tenant = self.tenant(&draft)?;
        let origin = Origin {
            topic: self.record.topic.clone(),
            partition: self.record.partition,
            offset: self.record.offset,
            index: self.index.unwrap_or(0),
        };
        draft.finish(tenant, origin, self.record.timestamp, Arc::clone(profile))
    }

    /// The first rule that answers decides; a bad name does not fall through to the next one, or a typing error would
    /// move alerts to another tenant.
    fn tenant(&self, draft: &Draft) -> Result<Tenant, Refused> {
        let named = self.source.tenant.iter().find_map(|rule| match rule {
            TenantRule::Header(name) => self.header(name),
            TenantRule::Field => draft.tenant.clone(),
            TenantRule::Topic => captured(&self.source.topic, self.record.topic.as_str()).map(str::to_owned),
            TenantRule::Constant(tenant) => Some(tenant.as_str().to_owned()),
        });
        let bad = |detail: String| Refused::new(RejectReason::BadTenant, detail);
        let named = named.ok_or_else(|| bad("no tenant rule of the source answers".to_owned()))?;
        Tenant::parse(&named).map_err(|error| bad(error.to_string()))
    }

    fn header(&self, name: &str) -> Option<String> {
        let value = self.record.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)?;
        Some(String::from_utf8_lossy(value).into_owned())
    }
}

const PLACE: &str = "{tenant}";

/// Whether a source's topic, with `{tenant}` for any tenant's name, is this topic.
#[must_use]
pub fn topic_matches(pattern: &str, topic: &str) -> bool {
    if pattern.contains(PLACE) { captured(pattern, topic).is_some() } else { pattern == topic }
}

/// What stands in `topic` where `pattern` has `{tenant}`.
fn captured<'t>(pattern: &str, topic: &'t str) -> Option<&'t str> {
    let (before, after) = pattern.split_once(PLACE)?;
    let name = topic.strip_prefix(before)?.strip_suffix(after)?;
    Tenant::parse(name).is_ok().then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_names_its_tenant() {
        assert_eq!(captured("alerts.{tenant}.v1", "alerts.acme.v1"), Some("acme"));
        assert_eq!(captured("alerts.{tenant}", "alerts."), None);
        assert!(topic_matches("alerts", "alerts"));
        assert!(!topic_matches("alerts.{tenant}", "other.acme"));
    }
}
