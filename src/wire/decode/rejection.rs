//! The reasons for which an element is refused: a closed set, because they are headers of dead letters and labels of
//! metrics.

use std::ops::Range;
use std::sync::Arc;

use crate::wire::canonical::text;

/// An element that could not be read. Its bytes go to the dead letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    pub reason: RejectReason,
    /// What was wrong and where; bounded, and harmless on a terminal.
    pub detail: String,
    /// The profile it was read with, where one was chosen.
    pub profile: Option<Arc<str>>,
    /// Its place among the elements of its record, where the record carries many.
    pub index: Option<u32>,
    /// The bytes of the payload that the element is, or lies in.
    pub bytes: Range<usize>,
    /// What reads as the element and nothing else, where those bytes do not: it lies in a string together with others, or
    /// needs what lies around it.
    pub composed: Option<Arc<str>>,
}

impl Rejection {
    /// What its dead letter carries, of the record's payload.
    #[must_use]
    pub fn letter<'r>(&'r self, payload: &'r [u8]) -> &'r [u8] {
        match &self.composed {
            Some(composed) => composed.as_bytes(),
            None => payload.get(self.bytes.clone()).unwrap_or(payload),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RejectReason {
    Empty,
    TooLarge,
    TooDeep,
    NotUtf8,
    NotJson,
    DuplicateKey,
    NotAnObject,
    TooManyElements,
    MissingField,
    BadTime,
    BadValue,
    BadTenant,
    UnknownFormat,
    /// A sound record of a known product that reports no detection.
    NotAnAlert,
    BadSchemaVersion,
    BadCommand,
}

impl RejectReason {
    pub const ALL: [Self; 16] = [
        Self::Empty,
        Self::TooLarge,
        Self::TooDeep,
        Self::NotUtf8,
        Self::NotJson,
        Self::DuplicateKey,
        Self::NotAnObject,
        Self::TooManyElements,
        Self::MissingField,
        Self::BadTime,
        Self::BadValue,
        Self::BadTenant,
        Self::UnknownFormat,
        Self::NotAnAlert,
        Self::BadSchemaVersion,
        Self::BadCommand,
    ];

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLarge => "too_large",
            Self::TooDeep => "too_deep",
            Self::NotUtf8 => "not_utf8",
            Self::NotJson => "not_json",
            Self::DuplicateKey => "duplicate_key",
            Self::NotAnObject => "not_an_object",
            Self::TooManyElements => "too_many_elements",
            Self::MissingField => "missing_field",
            Self::BadTime => "bad_time",
            Self::BadValue => "bad_value",
            Self::BadTenant => "bad_tenant",
            Self::UnknownFormat => "unknown_format",
            Self::NotAnAlert => "not_an_alert",
            Self::BadSchemaVersion => "bad_schema_version",
            Self::BadCommand => "bad_command",
        }
    }

    #[must_use]
    pub fn from_label(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.label() == label)
    }
}

/// Why a reader gave up, before anyone knows which element it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::wire) struct Refused {
    pub reason: RejectReason,
    pub detail: String,
}

impl Refused {
    /// `detail` may quote foreign text; it is bounded and neutralised here, once for all.
    pub fn new(reason: RejectReason, detail: impl AsRef<str>) -> Self {
        const DETAIL_BYTES_MAX: usize = 240;
        let bounded = text::prefix(detail.as_ref(), DETAIL_BYTES_MAX);
        Self { reason, detail: text::neutral(bounded).into_owned() }
    }

    pub fn missing(field: &str) -> Self {
        Self::new(RejectReason::MissingField, format!("{field} is missing"))
    }

    pub fn value(field: &str, raw: &str) -> Self {
        Self::new(RejectReason::BadValue, format!("{field} cannot be {:?}", text::excerpt(raw)))
    }
}
