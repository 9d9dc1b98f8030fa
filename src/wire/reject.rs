//! Why a record, or an element of one, is a dead letter: a closed set, for headers and metrics.

use std::ops::Range;
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RejectReason {
    Empty,
    TooLarge,
    TooDeep,
    TooManyElements,
    NotUtf8,
    NotJson,
    DuplicateKey,
    NotAnObject,
    /// No profile knows the record.
    UnknownFormat,
    /// The profile knows the record, and it is no alert (a Suricata flow, say).
    NotAnAlert,
    BadSchemaVersion,
    MissingField,
    BadTime,
    BadValue,
    BadTenant,
}

impl RejectReason {
    pub const ALL: [Self; 15] = [
        Self::Empty,
        Self::TooLarge,
        Self::TooDeep,
        Self::TooManyElements,
        Self::NotUtf8,
        Self::NotJson,
        Self::DuplicateKey,
        Self::NotAnObject,
        Self::UnknownFormat,
        Self::NotAnAlert,
        Self::BadSchemaVersion,
        Self::MissingField,
        Self::BadTime,
        Self::BadValue,
        Self::BadTenant,
    ];

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLarge => "too_large",
            Self::TooDeep => "too_deep",
            Self::TooManyElements => "too_many_elements",
            Self::NotUtf8 => "not_utf8",
            Self::NotJson => "not_json",
            Self::DuplicateKey => "duplicate_key",
            Self::NotAnObject => "not_an_object",
            Self::UnknownFormat => "unknown_format",
            Self::NotAnAlert => "not_an_alert",
            Self::BadSchemaVersion => "bad_schema_version",
            Self::MissingField => "missing_field",
            Self::BadTime => "bad_time",
            Self::BadValue => "bad_value",
            Self::BadTenant => "bad_tenant",
        }
    }
}

/// One unreadable record or element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    pub reason: RejectReason,
    /// For a person; may quote the sender, and is neutralised where it is written out.
    pub detail: String,
    pub profile: Option<Arc<str>>,
    /// Which element of a record that carries many.
    pub index: Option<u32>,
    /// The element's own bytes within the payload.
    pub bytes: Range<usize>,
}
