//! A Kafka record to alerts: bounds first, then what is wrapped around them, the profile, the tenant, the identity. Each
//! alert of a record stands for itself: a bad one is refused with its own bytes and costs its neighbours nothing.
//!
//! What the record's time means for windows is left to the engine, what becomes of a refused element to the pipeline.

mod context;
mod draft;
mod letter;
mod rejection;
mod unpack;

use std::sync::Arc;

use smallvec::SmallVec;

pub(super) use context::{Body, Context};
pub(super) use draft::{Beside, Draft};
pub(super) use rejection::Refused;
pub use rejection::{RejectReason, Rejection};
use unpack::Unpacking;

use super::profile::Profiles;
use crate::config::{Limits, SourceConfig};
use crate::model::{Alert, Tenant, Timestamp, TopicName};

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
    /// When records without a timestamp were written, as far as anyone knows.
    near: Option<Timestamp>,
}

impl Decoder {
    #[must_use]
    pub fn new(profiles: Arc<Profiles>, limits: Limits) -> Self {
        Self { profiles, limits, near: None }
    }

    /// Records have no timestamps of their own and were written about then: what times without a year go by.
    #[must_use]
    pub fn written_near(self, at: Timestamp) -> Self {
        Self { near: Some(at), ..self }
    }

    #[must_use]
    pub fn profiles(&self) -> &Profiles {
        &self.profiles
    }

    #[must_use]
    pub fn decode(&self, record: &Record<'_>, source: &SourceConfig) -> Elements {
        Unpacking::new(self, record, source).run()
    }
}

/// The profile name that stands for recognising each record.
pub const AUTO: &str = "auto";

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
pub(super) fn captured<'t>(pattern: &str, topic: &'t str) -> Option<&'t str> {
    let (before, after) = pattern.split_once("{tenant}")?;
    topic.strip_prefix(before)?.strip_suffix(after)
}
