//! What is known beforehand of the values and things that alerts name: indicators on lists, and how much an asset
//! matters.

use std::sync::Arc;

use super::{ObservableKind, Timestamp};

/// An observable of a case that stands on a list of known-bad indicators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntelMatch {
    pub kind: ObservableKind,
    pub value: Arc<str>,
    /// The name of the list, or of the source that the list gives for it.
    pub list: Arc<str>,
    /// 0 to 100, as the list says.
    pub confidence: u8,
    /// The event time past which it would not have matched.
    pub valid_until: Option<Timestamp>,
}

impl IntelMatch {
    /// Whether both speak of one indicator, whatever the lists say of it.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        (self.kind, &self.value) == (other.kind, &other.value)
    }
}

/// How much an asset matters, by its number (`Entity::criticality`). In the order of the numbers.
pub const CRITICALITIES: [&str; 5] = ["unknown", "low", "medium", "high", "extreme"];

/// The number of a criticality's word; `critical` is another word for `extreme`.
#[must_use]
pub fn criticality_from_label(label: &str) -> Option<u8> {
    let known = CRITICALITIES.iter().position(|known| known.eq_ignore_ascii_case(label));
    let place = known.or_else(|| label.eq_ignore_ascii_case("critical").then_some(CRITICALITIES.len() - 1));
    place.and_then(|place| u8::try_from(place).ok())
}
