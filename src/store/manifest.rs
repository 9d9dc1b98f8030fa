//! The rows that the pipeline writes about its own work: where a batch stands, who owns the shard, where a case's alerts
//! are.

use std::fmt;

use sha2::{Digest, Sha256};

use super::codec::{Codec, RowError, unchecked_body};
use super::row::{Row, RowName};
use super::v1;
use crate::model::{CaseId, Outcome, Timestamp, TopicName};

/// Names one changelog for ever: made when the first batch is written, carried by every manifest and claim.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChangelogId(pub [u8; 16]);

impl ChangelogId {
    /// # Panics
    /// Where the operating system has no randomness to give.
    #[must_use]
    pub fn random() -> Self {
        let mut id = [0; 16];
        getrandom::fill(&mut id).expect("the operating system gives randomness");
        Self(id)
    }

    /// Reads the 32 hexadecimal digits that `Display` writes.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        let digits = raw.len() == 32 && raw.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        u128::from_str_radix(raw, 16).ok().filter(|_| digits).map(|id| Self(id.to_be_bytes()))
    }
}

impl fmt::Display for ChangelogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for ChangelogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where one input partition stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputPosition {
    pub topic: TopicName,
    pub partition: i32,
    pub next_offset: i64,
    /// The last record that was consumed before `next_offset`; holes may lie between.
    pub last_offset: Option<i64>,
    /// Of that record: shows a topic that was made anew and grew past this position.
    pub fingerprint: u64,
    /// Records delivered so far.
    pub delivered: u64,
}

/// The row that closes a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    pub changelog: ChangelogId,
    pub batch: u64,
    pub positions: Vec<InputPosition>,
    /// Indexed by `Outcome::index`.
    pub outcomes: [u64; Outcome::ALL.len()],
    /// What the outcomes must add up to: alerts, commands and unreadable elements so far.
    pub elements: u64,
    pub records: u64,
    /// The XOR of the checksums of all live rows but the manifest and the claim.
    pub checksum: u128,
    /// A hash chain over all committed events.
    pub running_hash: [u8; 32],
    /// Wall clock at the writing; only ever compared with the changelog's retention.
    pub at: Timestamp,
}

impl Manifest {
    /// Of a changelog without a batch.
    #[must_use]
    pub fn first(changelog: ChangelogId) -> Self {
        Self {
            changelog,
            batch: 0,
            positions: Vec::new(),
            outcomes: [0; Outcome::ALL.len()],
            elements: 0,
            records: 0,
            checksum: 0,
            running_hash: [0; 32],
            at: Timestamp::from_millis(0),
        }
    }

    /// Reads a manifest whose changelog is not known yet: it must carry the checksum of the changelog it names.
    pub fn decode(value: &[u8]) -> Result<Self, RowError> {
        let manifest = v1::read::<v1::batch::ManifestV1<'_>>(unchecked_body(value)?)?.back();
        Codec::new(manifest.changelog).check(&RowName::Manifest.to_bytes(), value)?;
        Ok(manifest)
    }

    /// The next offset of an input partition; 0 for one that was never read.
    #[must_use]
    pub fn next_offset(&self, topic: &TopicName, partition: i32) -> i64 {
        let same = |position: &&InputPosition| position.partition == partition && position.topic == *topic;
        self.positions.iter().find(same).map_or(0, |position| position.next_offset)
    }

    #[must_use]
    pub fn to_row(&self) -> Row {
        Codec::new(self.changelog).manifest(self)
    }

    /// Takes in the hash of the next committed event, which itself covers the event's bytes.
    pub fn extend_running_hash(&mut self, event_hash: &[u8; 32]) {
        let mut hasher = Sha256::new();
        hasher.update(self.running_hash);
        hasher.update(event_hash);
        self.running_hash = hasher.finalize().into();
    }

    /// What goes beside the group's committed offsets, in the same transaction: a second witness.
    #[must_use]
    pub fn offset_metadata(&self) -> String {
        let short = self.running_hash.first_chunk().map_or(0, |head| u64::from_be_bytes(*head));
        format!("casewright changelog={} batch={} hash={short:016x}", self.changelog, self.batch)
    }
}

/// Who owns the shard; written in a transaction of its own before the owner's first batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub instance: String,
    pub changelog: ChangelogId,
    pub at: Timestamp,
}

impl Claim {
    /// Like [`Manifest::decode`].
    pub fn decode(value: &[u8]) -> Result<Self, RowError> {
        let claim = v1::read::<v1::batch::ClaimV1<'_>>(unchecked_body(value)?)?.back();
        Codec::new(claim.changelog).check(&RowName::Claim.to_bytes(), value)?;
        Ok(claim)
    }

    #[must_use]
    pub fn to_row(&self) -> Row {
        Codec::new(self.changelog).claim(self)
    }
}

/// The batches whose segments hold alerts of a case, ascending. Read from stores of the first row version; nothing writes
/// it any more, since a segment's head says the same in fewer rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseSegments {
    pub case: CaseId,
    pub chunk: u32,
    pub batches: Vec<u64>,
}
