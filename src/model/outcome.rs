//! The one named end of every input element: the conservation law of the daemon counts these.

/// Every alert of a delivered record, every command and every unreadable record or element ends in exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It opened a case.
    Opened,
    /// It joined an open (or re-opened) case.
    Attached,
    /// It updated an alert already known: same id, and a later activity, status or updated time.
    Updated,
    /// It was counted on the alert that it repeats.
    Duplicate,
    /// It was counted in its case past the hard cap or in a flood, kept only as an exemplar where it is one.
    RolledUp,
    /// A silence, an inhibition or its own wish kept it out of any case.
    Suppressed,
    CommandApplied,
    CommandRefused,
    /// Unreadable: its bytes and the reason are in the dead letters.
    Rejected,
}

impl Outcome {
    pub const ALL: [Self; 9] = [
        Self::Opened,
        Self::Attached,
        Self::Updated,
        Self::Duplicate,
        Self::RolledUp,
        Self::Suppressed,
        Self::CommandApplied,
        Self::CommandRefused,
        Self::Rejected,
    ];

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Attached => "attached",
            Self::Updated => "updated",
            Self::Duplicate => "duplicate",
            Self::RolledUp => "rolled_up",
            Self::Suppressed => "suppressed",
            Self::CommandApplied => "command_applied",
            Self::CommandRefused => "command_refused",
            Self::Rejected => "rejected",
        }
    }

    /// The place of this outcome in [`Self::ALL`], and so in the manifest's sums.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}
