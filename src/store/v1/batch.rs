//! Manifest, claim, segment and case-segments rows.

use serde::{Deserialize, Serialize};

use crate::model::{CaseId, Timestamp, TopicName};
use crate::store::{CaseSegments, ChangelogId, Claim, InputPosition, Manifest, Segment};

#[derive(Serialize, Deserialize)]
pub struct ManifestV1<'a> {
    changelog: [u8; 16],
    batch: u64,
    #[serde(borrow)]
    positions: Vec<PositionV1<'a>>,
    outcomes: [u64; 9],
    elements: u64,
    records: u64,
    checksum: [u8; 16],
    running_hash: [u8; 32],
    at: i64,
}

#[derive(Serialize, Deserialize)]
struct PositionV1<'a> {
    topic: &'a str,
    partition: i32,
    next_offset: i64,
    last_offset: Option<i64>,
    fingerprint: u64,
    delivered: u64,
}

impl<'a> ManifestV1<'a> {
    pub fn of(manifest: &'a Manifest) -> Self {
        Self {
            changelog: manifest.changelog.0,
            batch: manifest.batch,
            positions: manifest.positions.iter().map(PositionV1::of).collect(),
            outcomes: manifest.outcomes,
            elements: manifest.elements,
            records: manifest.records,
            checksum: manifest.checksum.to_be_bytes(),
            running_hash: manifest.running_hash,
            at: manifest.at.millis(),
        }
    }

    pub fn back(self) -> Manifest {
        Manifest {
            changelog: ChangelogId(self.changelog),
            batch: self.batch,
            positions: self.positions.into_iter().map(PositionV1::back).collect(),
            outcomes: self.outcomes,
            elements: self.elements,
            records: self.records,
            checksum: u128::from_be_bytes(self.checksum),
            running_hash: self.running_hash,
            at: Timestamp::from_millis(self.at),
        }
    }
}

impl<'a> PositionV1<'a> {
    fn of(position: &'a InputPosition) -> Self {
        Self {
            topic: position.topic.as_str(),
            partition: position.partition,
            next_offset: position.next_offset,
            last_offset: position.last_offset,
            fingerprint: position.fingerprint,
            delivered: position.delivered,
        }
    }

    fn back(self) -> InputPosition {
        InputPosition {
            topic: TopicName::new(self.topic),
            partition: self.partition,
            next_offset: self.next_offset,
            last_offset: self.last_offset,
            fingerprint: self.fingerprint,
            delivered: self.delivered,
        }
    }
}

#[derive(Serialize, Deserialize)]
pub struct ClaimV1<'a> {
    instance: &'a str,
    changelog: [u8; 16],
    at: i64,
}

impl<'a> ClaimV1<'a> {
    pub fn of(claim: &'a Claim) -> Self {
        Self { instance: &claim.instance, changelog: claim.changelog.0, at: claim.at.millis() }
    }

    pub fn back(self) -> Claim {
        Claim {
            instance: self.instance.to_owned(),
            changelog: ChangelogId(self.changelog),
            at: Timestamp::from_millis(self.at),
        }
    }
}

#[derive(Serialize, Deserialize)]
pub struct SegmentV1<'a> {
    steps: u32,
    raw_bytes: u32,
    #[serde(with = "packed")]
    packed: &'a [u8],
}

impl<'a> SegmentV1<'a> {
    pub fn of(segment: &'a Segment) -> Self {
        Self { steps: segment.steps, raw_bytes: segment.raw_bytes, packed: &segment.packed }
    }

    pub fn back(self, batch: u64, chunk: u32) -> Segment {
        let packed = self.packed.into();
        Segment { batch, chunk, steps: self.steps, raw_bytes: self.raw_bytes, head: None, packed }
    }
}

/// Bytes as one slice rather than one number after the other.
pub mod packed {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'de [u8], D::Error> {
        <&[u8]>::deserialize(deserializer)
    }
}

/// Ascending numbers as the first and the distances.
#[derive(Serialize, Deserialize)]
pub struct CaseSegmentsV1 {
    distances: Vec<u64>,
}

impl CaseSegmentsV1 {
    pub fn of(segments: &CaseSegments) -> Self {
        let mut before = 0;
        let distance = |&batch: &u64| batch.wrapping_sub(std::mem::replace(&mut before, batch));
        Self { distances: segments.batches.iter().map(distance).collect() }
    }

    pub fn back(self, case: CaseId, chunk: u32) -> CaseSegments {
        let mut batch = 0_u64;
        let sum = |distance: u64| {
            batch = batch.wrapping_add(distance);
            batch
        };
        CaseSegments { case, chunk, batches: self.distances.into_iter().map(sum).collect() }
    }
}
