//! The labels that no other module has an enum for. Each list is in the order of its variants, so that a variant is its
//! own index into the children that were resolved at the start.

/// How a Kafka transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitResult {
    Ok,
    Aborted,
    Fenced,
    TimedOut,
    Failed,
}

impl CommitResult {
    pub const ALL: [Self; 5] = [Self::Ok, Self::Aborted, Self::Fenced, Self::TimedOut, Self::Failed];

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Aborted => "aborted",
            Self::Fenced => "fenced",
            Self::TimedOut => "timed_out",
            Self::Failed => "failed",
        }
    }
}

/// How reading the lists of assets and indicators ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListLoad {
    Ok,
    Refused,
}

impl ListLoad {
    pub const ALL: [Self; 2] = [Self::Ok, Self::Refused];

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
        }
    }
}

/// What led back to recovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoveryCause {
    /// The first one of this process.
    Start,
    /// Recovery itself failed and begins again.
    Recovery,
    Inputs,
    Commit,
    Fenced,
    LeaseLost,
    Store,
    /// A thread of ours panicked.
    Panic,
}

impl RecoveryCause {
    pub const ALL: [Self; 8] = [
        Self::Start,
        Self::Recovery,
        Self::Inputs,
        Self::Commit,
        Self::Fenced,
        Self::LeaseLost,
        Self::Store,
        Self::Panic,
    ];

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Recovery => "recovery",
            Self::Inputs => "inputs",
            Self::Commit => "commit",
            Self::Fenced => "fenced",
            Self::LeaseLost => "lease_lost",
            Self::Store => "store",
            Self::Panic => "panic",
        }
    }
}

/// How the group's committed offset of a partition disagrees with the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetDispute {
    /// Another offset: group tools were used.
    Moved,
    /// No committed offset.
    Missing,
    /// The same offset, not committed by us.
    Foreign,
    /// The group remembers a batch that the changelog does not have.
    Ahead,
}

impl OffsetDispute {
    pub const ALL: [Self; 4] = [Self::Moved, Self::Missing, Self::Foreign, Self::Ahead];

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Moved => "moved",
            Self::Missing => "missing",
            Self::Foreign => "foreign",
            Self::Ahead => "ahead",
        }
    }
}

/// What a key added to a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkStrength {
    /// Enough to attach by itself.
    Strong,
    Weak,
    /// A hub, or one that a stronger key of its group spoke for: told, not counted.
    None,
}

impl LinkStrength {
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Strong => "strong",
            Self::Weak => "weak",
            Self::None => "none",
        }
    }
}

/// What became of two cases that evidence would join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeResult {
    Merged,
    Refused,
    Undone,
}

impl MergeResult {
    pub const ALL: [Self; 3] = [Self::Merged, Self::Refused, Self::Undone];

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Merged => "merged",
            Self::Refused => "refused",
            Self::Undone => "undone",
        }
    }
}

/// The stages of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Decode,
    Engine,
    Produce,
    Commit,
    Store,
}

impl Stage {
    pub const ALL: [Self; 5] = [Self::Decode, Self::Engine, Self::Produce, Self::Commit, Self::Store];

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Engine => "engine",
            Self::Produce => "produce",
            Self::Commit => "commit",
            Self::Store => "store",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_are_their_own_index() {
        assert!(CommitResult::ALL.into_iter().enumerate().all(|(index, each)| each as usize == index));
        assert!(RecoveryCause::ALL.into_iter().enumerate().all(|(index, each)| each as usize == index));
        assert!(MergeResult::ALL.into_iter().enumerate().all(|(index, each)| each as usize == index));
        assert!(OffsetDispute::ALL.into_iter().enumerate().all(|(index, each)| each as usize == index));
        assert!(Stage::ALL.into_iter().enumerate().all(|(index, each)| each as usize == index));
    }
}
