//! Why entries of a list were not taken, and how many for each reason: nothing is skipped in silence.

use std::collections::BTreeMap;
use std::fmt;

/// Why an entry cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Skip {
    /// A STIX pattern that is more than values of known properties, with OR between them.
    Pattern,
    /// A STIX indicator that was taken back.
    Revoked,
    /// A MISP attribute that is not meant for detection, or is deleted.
    NotForDetection,
    /// A kind of value that no alert has.
    Kind,
    /// Not a value of its kind.
    Value,
    /// A range of addresses; only single values are matched.
    Range,
    /// What every machine or network has: it would match everywhere.
    Shared,
}

impl Skip {
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Pattern => "complex patterns",
            Self::Revoked => "revoked",
            Self::NotForDetection => "not for detection",
            Self::Kind => "other kinds",
            Self::Value => "unreadable values",
            Self::Range => "ranges",
            Self::Shared => "shared by nature",
        }
    }
}

/// How many were skipped, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skipped(BTreeMap<Skip, u64>);

impl Skipped {
    pub(super) fn count(&mut self, why: Skip) {
        *self.0.entry(why).or_default() += 1;
    }

    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    #[must_use]
    pub fn of(&self, why: Skip) -> u64 {
        self.0.get(&why).copied().unwrap_or(0)
    }
}

/// `2 revoked, 1 ranges`.
impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (why, count)) in self.0.iter().enumerate() {
            let comma = if place > 0 { ", " } else { "" };
            write!(f, "{comma}{count} {}", why.label())?;
        }
        Ok(())
    }
}
