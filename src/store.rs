//! The local state store: the changelog's rows, on disk, with the changelog position they stand at. It is a cache of the
//! changelog and may always be rebuilt from it, so it never has to be durable, only honest: every row carries a keyed
//! checksum, and a position is written in the same batch as its rows. What the rows mean is the engine's; when they are
//! written is the pipeline's.

mod codec;
mod home;
mod manifest;
mod memory;
mod portable;
mod row;
mod segment;
mod sled_store;
mod v1;
mod v2;
mod v3;
mod verify;

use std::ops::ControlFlow;

pub use codec::{Codec, RowError, StoredRow};
pub use home::StoreHome;
pub use manifest::{CaseSegments, ChangelogId, Claim, InputPosition, Manifest};
pub use memory::MemoryStore;
pub use portable::{ExportReport, ImportReport, PortableError, export, import};
pub use row::{Row, RowName};
pub use segment::{AlertStep, Run, Segment, SegmentHead, SegmentWriter, Step};
pub use sled_store::SledStore;
pub use verify::{Fault, Info, KindCount, VerifyReport, info, state_hash, verify};

/// The version of the store's layout; a directory of another one is refused.
pub const FORMAT: u32 = 1;

/// The next offset of the changelog.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub i64);

/// What a store says of itself. A store that was never filled says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreMeta {
    pub changelog: ChangelogId,
    pub position: Position,
    pub format: u32,
    /// Set while a changelog is read into the store: tells an interrupted replay from damage.
    pub replaying: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the store at {0} is used by another process")]
    Locked(String),
    #[error("the store is damaged: {0}")]
    Damaged(String),
    #[error("the store has format {found}, this version reads format {FORMAT}")]
    Format { found: u32 },
    #[error("the store belongs to no changelog yet")]
    NoChangelog,
    #[error("the store belongs to changelog {0} already")]
    HasChangelog(ChangelogId),
    #[error("could not {action} the store")]
    Io {
        action: &'static str,
        #[source]
        source: std::io::Error,
    },
}

/// Sees one row, key and value, and says whether to go on.
pub type Visitor<'v> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'v;

/// Rows by key. One writer; any number of readers.
pub trait Store: Send + Sync {
    /// Applies all of `rows` in their order and moves to `position`, or does neither.
    fn apply(&self, rows: &[&Row], position: Position) -> Result<(), StoreError>;
    fn get(&self, key: &[u8]) -> Result<Option<Box<[u8]>>, StoreError>;
    /// Visits every row in the order of the keys.
    fn for_each(&self, visit: &mut Visitor<'_>) -> Result<(), StoreError> {
        self.for_each_from(&[], visit)
    }
    /// Visits every row from the first one whose key is not below `from`.
    fn for_each_from(&self, from: &[u8], visit: &mut Visitor<'_>) -> Result<(), StoreError>;
    fn meta(&self) -> Result<Option<StoreMeta>, StoreError>;
    /// Says whose rows these will be, once, before the first of them.
    fn set_changelog(&self, changelog: ChangelogId) -> Result<(), StoreError>;
    fn begin_replay(&self) -> Result<(), StoreError>;
    fn end_replay(&self) -> Result<(), StoreError>;
    /// Hands everything to the operating system. Not a promise about power loss: the changelog is.
    fn flush(&self) -> Result<(), StoreError>;
    fn size_on_disk(&self) -> Result<u64, StoreError>;
}
