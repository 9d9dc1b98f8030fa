//! Rows as bytes: `[row version][postcard body][16 bytes of keyed BLAKE3]`. The checksum covers key, version and body
//! and is keyed by the changelog, so a row of another cluster, or one that sits under a wrong key, does not pass.

use std::cell::RefCell;

use super::manifest::{CaseSegments, ChangelogId, Claim, Manifest};
use super::row::{Row, RowName};
use super::segment::Segment;
use super::{v1, v2, v3};
use crate::engine::{RowKey, StateRef, StateRow};

use v1::VERSION;
use v2::VERSION as SEGMENT_VERSION;

const CHECKSUM_BYTES: usize = 16;

#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time, taken apart at once; a box would cost more than it saves"
)]
pub enum StoredRow {
    State(StateRow),
    Manifest(Manifest),
    Claim(Claim),
    Segment(Segment),
    CaseSegments(CaseSegments),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    #[error("key is the name of no row")]
    Name,
    #[error("value is too short for a row")]
    Short,
    #[error("checksum does not match")]
    Checksum,
    #[error("row has version {0}, which this version cannot read")]
    Version(u8),
    #[error("body cannot be read: {0}")]
    Body(#[from] postcard::Error),
    #[error("{0} is out of its range")]
    Range(&'static str),
    #[error("key and body name different rows")]
    OtherRow,
    #[error("segment cannot be unpacked")]
    Unpack,
    #[error("segment's head does not fit its steps")]
    Head,
}

thread_local! {
    /// Where a row is written before its length is known: a large one that grew from nothing was copied five times.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Encodes and decodes the rows of one changelog.
#[derive(Clone, Debug)]
pub struct Codec {
    key: [u8; 32],
}

impl Codec {
    #[must_use]
    pub fn new(changelog: ChangelogId) -> Self {
        Self { key: blake3::derive_key("casewright row checksum v1", &changelog.0) }
    }

    #[must_use]
    pub fn state(&self, row: StateRef<'_>) -> Row {
        let key = row.key();
        self.versioned(v3::version_of(&key), &RowName::Engine(key), |body| v3::encode(row, body))
    }

    #[must_use]
    pub fn manifest(&self, manifest: &Manifest) -> Row {
        self.row(&RowName::Manifest, |body| v1::write(&v1::batch::ManifestV1::of(manifest), body))
    }

    #[must_use]
    pub fn claim(&self, claim: &Claim) -> Row {
        self.row(&RowName::Claim, |body| v1::write(&v1::batch::ClaimV1::of(claim), body))
    }

    #[must_use]
    pub fn segment(&self, segment: &Segment) -> Row {
        let name = RowName::Segment { batch: segment.batch, chunk: segment.chunk };
        match &segment.head {
            None => self.row(&name, |body| v1::write(&v1::batch::SegmentV1::of(segment), body)),
            Some(head) => {
                let write = |body: &mut _| v1::write(&v2::SegmentV2::of(segment, head), body);
                self.versioned(SEGMENT_VERSION, &name, write)
            }
        }
    }

    #[must_use]
    pub fn case_segments(&self, segments: &CaseSegments) -> Row {
        let name = RowName::CaseSegments { case: segments.case.clone(), chunk: segments.chunk };
        self.row(&name, |body| v1::write(&v1::batch::CaseSegmentsV1::of(segments), body))
    }

    /// Reads one row, after its checksum.
    pub fn decode(&self, key: &[u8], value: &[u8]) -> Result<StoredRow, RowError> {
        let name = RowName::from_bytes(key)?;
        let (version, body) = self.open(key, value)?;
        Ok(match name {
            RowName::Segment { batch, chunk } if version == SEGMENT_VERSION => {
                StoredRow::Segment(v1::read::<v2::SegmentV2<'_>>(body)?.back(batch, chunk)?)
            }
            RowName::Engine(key) if version == v3::VERSION => StoredRow::State(named(&key, v3::decode(&key, body)?)?),
            RowName::Engine(key) if version == v2::VERSION => StoredRow::State(named(&key, v2::decode(&key, body)?)?),
            _ if version != VERSION => return Err(RowError::Version(version)),
            RowName::Engine(key) => StoredRow::State(named(&key, v1::state::decode(&key, body)?)?),
            RowName::Manifest => StoredRow::Manifest(v1::read::<v1::batch::ManifestV1<'_>>(body)?.back()),
            RowName::Claim => StoredRow::Claim(v1::read::<v1::batch::ClaimV1<'_>>(body)?.back()),
            RowName::Segment { batch, chunk } => {
                StoredRow::Segment(v1::read::<v1::batch::SegmentV1<'_>>(body)?.back(batch, chunk))
            }
            RowName::CaseSegments { case, chunk } => {
                StoredRow::CaseSegments(v1::read::<v1::batch::CaseSegmentsV1>(body)?.back(case, chunk))
            }
        })
    }

    /// The body of a row of version 1 whose checksum is right.
    pub fn check<'v>(&self, key: &[u8], value: &'v [u8]) -> Result<&'v [u8], RowError> {
        match self.open(key, value)? {
            (VERSION, body) => Ok(body),
            (other, _) => Err(RowError::Version(other)),
        }
    }

    /// Version and body of a row whose checksum is right.
    fn open<'v>(&self, key: &[u8], value: &'v [u8]) -> Result<(u8, &'v [u8]), RowError> {
        let (content, checksum) = split(value)?;
        if self.sum(key, content) != *checksum {
            return Err(RowError::Checksum);
        }
        content.split_first().map(|(version, body)| (*version, body)).ok_or(RowError::Short)
    }

    /// The checksum that a row carries: what the manifest's sum is made of.
    pub fn checksum(value: &[u8]) -> Result<u128, RowError> {
        split(value).map(|(_, checksum)| u128::from_be_bytes(*checksum))
    }

    /// The same of a row that was just encoded; none for a removal.
    ///
    /// # Panics
    /// A row without a checksum was not made here, and a sum that leaves it out would be wrong for ever.
    #[must_use]
    pub fn checksum_of(row: &Row) -> Option<u128> {
        row.value.as_deref().map(|value| Self::checksum(value).expect("an encoded row carries its checksum"))
    }

    fn row(&self, name: &RowName, write: impl FnOnce(&mut Vec<u8>)) -> Row {
        self.versioned(VERSION, name, write)
    }

    fn versioned(&self, version: u8, name: &RowName, write: impl FnOnce(&mut Vec<u8>)) -> Row {
        let key = name.to_bytes();
        let value = SCRATCH.with_borrow_mut(|value| {
            value.clear();
            value.push(version);
            write(value);
            let checksum = self.sum(&key, value);
            value.extend_from_slice(&checksum);
            value.as_slice().into()
        });
        Row { key, value: Some(value) }
    }

    fn sum(&self, key: &[u8], content: &[u8]) -> [u8; CHECKSUM_BYTES] {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&(key.len() as u32).to_be_bytes());
        hasher.update(key);
        hasher.update(content);
        let mut sum = [0; CHECKSUM_BYTES];
        hasher.finalize_xof().fill(&mut sum);
        sum
    }
}

fn split(value: &[u8]) -> Result<(&[u8], &[u8; CHECKSUM_BYTES]), RowError> {
    value.split_last_chunk().ok_or(RowError::Short)
}

/// The body with its version but without its checksum being known to be right.
pub(super) fn unchecked_body(value: &[u8]) -> Result<&[u8], RowError> {
    let (content, _) = split(value)?;
    content.split_first().map(|(_, body)| body).ok_or(RowError::Short)
}

/// A body may name what its key does; then the two must agree.
fn named(key: &RowKey, row: StateRow) -> Result<StateRow, RowError> {
    if row.key() == *key { Ok(row) } else { Err(RowError::OtherRow) }
}
