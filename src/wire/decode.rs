//! A Kafka record to alerts: bounds first, then the profile, the elements, the tenant, the identity. Each alert of a
//! record stands for itself: a bad one is refused with its own bytes and costs its neighbours nothing.
//!
//! What the record's time means for windows is left to the engine, what becomes of a refused element to the pipeline.

mod draft;
mod rejection;

use std::ops::Range;
use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

pub(super) use draft::{Beside, Draft};
pub(super) use rejection::Refused;
pub use rejection::{RejectReason, Rejection};

use super::identity::alert_id;
use super::profile::{Profiles, Reader};
use super::scan::{Fault, Scan, Shape, scan};
use crate::config::{Limits, SourceConfig, TenantRule};
use crate::model::{Alert, Origin, Tenant, Timestamp, TopicName};

/// One record as Kafka, or a line of a file, gives it.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    pub topic: &'a TopicName,
    pub partition: i32,
    pub offset: i64,
    pub timestamp: Option<Timestamp>,
    pub payload: Option<&'a [u8]>,
    pub headers: &'a [(&'a str, &'a [u8])],
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Element {
    Alert(Arc<Alert>),
    Rejected(Rejection),
}

/// What a record held; never empty.
pub type Elements = SmallVec<[Element; 1]>;

/// Reads records. Holds nothing that changes, so the decoding threads share one.
#[derive(Debug)]
pub struct Decoder {
    profiles: Arc<Profiles>,
    limits: Limits,
}

/// What every reader needs to know about the element before it.
pub(super) struct Context<'a> {
    pub record: &'a Record<'a>,
    pub source: &'a SourceConfig,
    pub limits: &'a Limits,
    pub origin: Origin,
}

impl Decoder {
    #[must_use]
    pub fn new(profiles: Arc<Profiles>, limits: Limits) -> Self {
        Self { profiles, limits }
    }

    #[must_use]
    pub fn profiles(&self) -> &Profiles {
        &self.profiles
    }

    #[must_use]
    pub fn decode(&self, record: &Record<'_>, source: &SourceConfig) -> Elements {
        let payload = record.payload.unwrap_or_default();
        let whole = |fault: Fault| rejected(refused_by(fault), None, None, 0..payload.len());
        let scan = match scan(payload, &self.limits) {
            Ok(scan) => scan,
            Err(fault) => return smallvec![whole(fault)],
        };
        match (&scan.elements, scan.shape) {
            (Some(elements), Shape::Array) => self.many(record, source, &scan, elements),
            // A product's own alert may have a list called `records`; then it is one alert.
            (Some(elements), _) if self.recognise(&scan, source).is_none() => {
                self.many(record, source, &scan, elements)
            }
            _ => smallvec![self.one(record, source, &scan, 0..payload.len(), None)],
        }
    }

    fn many(
        &self,
        record: &Record<'_>,
        source: &SourceConfig,
        outer: &Scan<'_>,
        elements: &[Range<usize>],
    ) -> Elements {
        let whole = 0..outer.text.len();
        if let Some(fault) = outer.envelope_fault {
            return smallvec![rejected(refused_by(fault), None, None, whole)];
        }
        if elements.is_empty() {
            let empty = Refused::new(RejectReason::Empty, "the envelope holds no alert");
            return smallvec![rejected(empty, None, None, whole)];
        }
        let each = elements.iter().zip(0_u32..).map(|(range, index)| {
            match scan(&outer.text.as_bytes()[range.clone()], &self.limits) {
                Ok(scan) => self.one(record, source, &scan, range.clone(), Some(index)),
                Err(fault) => rejected(refused_by(fault), None, Some(index), range.clone()),
            }
        });
        each.collect()
    }

    fn one(
        &self,
        record: &Record<'_>,
        source: &SourceConfig,
        scan: &Scan<'_>,
        bytes: Range<usize>,
        index: Option<u32>,
    ) -> Element {
        let reader = match self.reader(scan, source) {
            Ok(reader) => reader,
            Err(refused) => return rejected(refused, None, index, bytes),
        };
        let (topic, partition, offset) = (record.topic.clone(), record.partition, record.offset);
        let origin = Origin { topic, partition, offset, index: index.unwrap_or(0) };
        let context = Context { record, source, limits: &self.limits, origin };
        match reader.read(scan.text, &context) {
            Ok(mut alert) => {
                alert.id = alert_id(&alert);
                Element::Alert(Arc::new(alert))
            }
            Err(refused) => rejected(refused, Some(Arc::clone(reader.name())), index, bytes),
        }
    }

    fn reader(&self, scan: &Scan<'_>, source: &SourceConfig) -> Result<Reader<'_>, Refused> {
        if let Some(fault) = scan.fault {
            return Err(refused_by(fault));
        }
        if scan.shape != Shape::Object {
            return Err(Refused::new(RejectReason::NotAnObject, "an alert is a JSON object"));
        }
        if &*source.profile != AUTO {
            let unknown = || Refused::new(RejectReason::UnknownFormat, format!("no profile {}", source.profile));
            return self.profiles.reader(&source.profile).ok_or_else(unknown);
        }
        let unknown = || Refused::new(RejectReason::UnknownFormat, "no profile recognises these fields");
        self.profiles.recognise(&scan.keys).ok_or_else(unknown)
    }

    /// The profile to read the root object with, if it looks like an alert of that profile.
    fn recognise(&self, scan: &Scan<'_>, source: &SourceConfig) -> Option<Reader<'_>> {
        let named = &*source.profile != AUTO;
        self.profiles.recognise(&scan.keys).filter(|reader| !named || **reader.name() == *source.profile)
    }
}

/// The profile name that stands for recognising each record.
pub const AUTO: &str = "auto";

impl Context<'_> {
    /// The tenant by the source's rules, in their order; `field` is what the alert itself says. A rule that finds a name
    /// decides, even if the name is no good: going on to the next one would file the alert under another tenant.
    pub fn tenant(&self, field: Option<&str>) -> Result<Tenant, Refused> {
        for rule in &self.source.tenant {
            let found = match rule {
                TenantRule::Constant(tenant) => return Ok(tenant.clone()),
                TenantRule::Header(name) => self.header(name)?,
                TenantRule::Field => field,
                TenantRule::Topic => captured(&self.source.topic, self.record.topic.as_str()),
            };
            if let Some(name) = found {
                return Tenant::parse(name).map_err(|error| Refused::new(RejectReason::BadTenant, error.to_string()));
            }
        }
        Err(Refused::new(RejectReason::BadTenant, "no rule of the source names a tenant"))
    }

    fn header(&self, name: &str) -> Result<Option<&str>, Refused> {
        let Some((_, value)) = self.record.headers.iter().find(|(key, _)| *key == name) else { return Ok(None) };
        let not_text = |_| Refused::new(RejectReason::BadTenant, format!("header {name} is not UTF-8"));
        std::str::from_utf8(value).map(Some).map_err(not_text)
    }
}

/// Whether a source's topic, with `{tenant}` for any tenant's name, is this topic.
#[must_use]
pub fn topic_matches(pattern: &str, topic: &str) -> bool {
    if pattern.contains("{tenant}") {
        captured(pattern, topic).is_some_and(|name| Tenant::parse(name).is_ok())
    } else {
        pattern == topic
    }
}

/// What `{tenant}` of a topic pattern stands for in a topic's name.
fn captured<'t>(pattern: &str, topic: &'t str) -> Option<&'t str> {
    let (before, after) = pattern.split_once("{tenant}")?;
    topic.strip_prefix(before)?.strip_suffix(after)
}

fn refused_by(fault: Fault) -> Refused {
    let detail = match fault.reason {
        RejectReason::Empty => "the record is empty".to_owned(),
        RejectReason::TooLarge => format!("the record is longer than {} bytes", fault.at),
        reason => format!("{} at byte {}", reason.label(), fault.at),
    };
    Refused::new(fault.reason, detail)
}

fn rejected(refused: Refused, profile: Option<Arc<str>>, index: Option<u32>, bytes: Range<usize>) -> Element {
    Element::Rejected(Rejection { reason: refused.reason, detail: refused.detail, profile, index, bytes })
}
