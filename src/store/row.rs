//! Rows and their names. A tenant's rows begin with its name and a zero byte, the shard's own with a zero byte, so a
//! tenant is one range; numbers are big-endian, so rows of one kind are in the order of their numbers.

use super::codec::RowError;
use crate::engine::RowKey;
use crate::model::{CaseId, PartId, Tenant};

/// A key with its new value, as it goes into the changelog and then into the store. None takes the row away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub key: Box<[u8]>,
    pub value: Option<Box<[u8]>>,
}

impl Row {
    #[must_use]
    pub fn removal(name: &RowName) -> Self {
        Self { key: name.to_bytes(), value: None }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowName {
    Engine(RowKey),
    /// Closes a batch.
    Manifest,
    /// Who owns the shard.
    Claim,
    /// One piece of a batch's inputs and alerts.
    Segment {
        batch: u64,
        chunk: u32,
    },
    /// Which batches hold a case's alerts. In old stores only.
    CaseSegments {
        case: CaseId,
        chunk: u32,
    },
}

// Kinds of the shard. Zero is the store's own row, which is in no changelog.
pub(super) const STORE_META: [u8; 2] = [0, 0];
const MANIFEST: u8 = 1;
const CLAIM: u8 = 2;
const CLOCK: u8 = 3;
const POLICY: u8 = 4;
const LEARNED_DELTA: u8 = 5;
const LEARNED_BUCKET: u8 = 6;
const SEGMENT: u8 = 7;
const LISTS: u8 = 8;
const LIST_CHUNK: u8 = 9;

// Kinds of a tenant.
const TENANT: u8 = 1;
const CASE: u8 = 2;
const PART: u8 = 3;
const CASE_SEGMENTS: u8 = 4;

impl RowName {
    #[must_use]
    pub fn to_bytes(&self) -> Box<[u8]> {
        match self {
            Self::Engine(key) => engine_key(key),
            Self::Manifest => shard(MANIFEST, &[]),
            Self::Claim => shard(CLAIM, &[]),
            Self::Segment { batch, chunk } => shard(SEGMENT, &[&batch.to_be_bytes(), &chunk.to_be_bytes()]),
            Self::CaseSegments { case, chunk } => {
                tenant(&case.tenant, CASE_SEGMENTS, &[&case.number.to_be_bytes(), &chunk.to_be_bytes()])
            }
        }
    }

    pub fn from_bytes(key: &[u8]) -> Result<Self, RowError> {
        let parsed = match key.split_first() {
            Some((0, rest)) => of_shard(rest),
            Some(_) => of_tenant(key),
            None => None,
        };
        parsed.ok_or(RowError::Name)
    }

    /// For counting and for messages.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Engine(RowKey::Clock) => "clock",
            Self::Engine(RowKey::Policy) => "policy",
            Self::Engine(RowKey::Lists) => "lists",
            Self::Engine(RowKey::ListChunk { .. }) => "list_chunk",
            Self::Engine(RowKey::LearnedDelta { .. }) => "learned_delta",
            Self::Engine(RowKey::LearnedBucket { .. }) => "learned_bucket",
            Self::Engine(RowKey::Tenant(_)) => "tenant",
            Self::Engine(RowKey::Case(_)) => "case",
            Self::Engine(RowKey::Part(..)) => "part",
            Self::Manifest => "manifest",
            Self::Claim => "claim",
            Self::Segment { .. } => "segment",
            Self::CaseSegments { .. } => "case_segments",
        }
    }

    /// Whether the row counts in the manifest's checksum. The manifest cannot hold its own, and a claim is written
    /// outside of batches.
    #[must_use]
    pub const fn is_summed(&self) -> bool {
        match self {
            Self::Manifest | Self::Claim => false,
            Self::Engine(_) | Self::Segment { .. } | Self::CaseSegments { .. } => true,
        }
    }
}

fn engine_key(key: &RowKey) -> Box<[u8]> {
    match key {
        RowKey::Clock => shard(CLOCK, &[]),
        RowKey::Policy => shard(POLICY, &[]),
        RowKey::Lists => shard(LISTS, &[]),
        RowKey::ListChunk { chunk } => shard(LIST_CHUNK, &[&chunk.to_be_bytes()]),
        // As it was when a delta was one row: the first chunk goes without its number.
        RowKey::LearnedDelta { batch, chunk: 0 } => shard(LEARNED_DELTA, &[&batch.to_be_bytes()]),
        RowKey::LearnedDelta { batch, chunk } => shard(LEARNED_DELTA, &[&batch.to_be_bytes(), &chunk.to_be_bytes()]),
        RowKey::LearnedBucket { bucket, chunk } => {
            shard(LEARNED_BUCKET, &[&bucket.to_be_bytes(), &chunk.to_be_bytes()])
        }
        RowKey::Tenant(name) => tenant(name, TENANT, &[]),
        RowKey::Case(id) => tenant(&id.tenant, CASE, &[&id.number.to_be_bytes()]),
        RowKey::Part(name, part) => tenant(name, PART, &[&part.0.to_be_bytes()]),
    }
}

fn shard(kind: u8, numbers: &[&[u8]]) -> Box<[u8]> {
    join(&[], kind, numbers)
}

fn tenant(tenant: &Tenant, kind: u8, numbers: &[&[u8]]) -> Box<[u8]> {
    join(tenant.as_str().as_bytes(), kind, numbers)
}

fn join(name: &[u8], kind: u8, numbers: &[&[u8]]) -> Box<[u8]> {
    let mut key = Vec::with_capacity(name.len() + 14);
    key.extend_from_slice(name);
    key.extend_from_slice(&[0, kind]);
    for number in numbers {
        key.extend_from_slice(number);
    }
    key.into_boxed_slice()
}

fn of_shard(rest: &[u8]) -> Option<RowName> {
    let (&kind, mut numbers) = rest.split_first()?;
    let name = match kind {
        MANIFEST => RowName::Manifest,
        CLAIM => RowName::Claim,
        CLOCK => RowName::Engine(RowKey::Clock),
        POLICY => RowName::Engine(RowKey::Policy),
        LISTS => RowName::Engine(RowKey::Lists),
        LIST_CHUNK => RowName::Engine(RowKey::ListChunk { chunk: take_u32(&mut numbers)? }),
        LEARNED_DELTA => RowName::Engine(learned_delta(&mut numbers)?),
        LEARNED_BUCKET => {
            let (bucket, chunk) = (take_u16(&mut numbers)?, take_u16(&mut numbers)?);
            RowName::Engine(RowKey::LearnedBucket { bucket, chunk })
        }
        SEGMENT => RowName::Segment { batch: take_u64(&mut numbers)?, chunk: take_u32(&mut numbers)? },
        _ => return None,
    };
    numbers.is_empty().then_some(name)
}

fn learned_delta(numbers: &mut &[u8]) -> Option<RowKey> {
    let batch = take_u64(numbers)?;
    let chunk = if numbers.is_empty() { 0 } else { take_u16(numbers).filter(|chunk| *chunk > 0)? };
    Some(RowKey::LearnedDelta { batch, chunk })
}

fn of_tenant(key: &[u8]) -> Option<RowName> {
    let end = key.iter().position(|&byte| byte == 0)?;
    let tenant = Tenant::parse(std::str::from_utf8(&key[..end]).ok()?).ok()?;
    let (&kind, mut numbers) = key[end + 1..].split_first()?;
    let name = match kind {
        TENANT => RowName::Engine(RowKey::Tenant(tenant)),
        CASE => RowName::Engine(RowKey::Case(CaseId { tenant, number: take_u64(&mut numbers)? })),
        PART => RowName::Engine(RowKey::Part(tenant, PartId(take_u64(&mut numbers)?))),
        CASE_SEGMENTS => {
            let case = CaseId { tenant, number: take_u64(&mut numbers)? };
            RowName::CaseSegments { case, chunk: take_u32(&mut numbers)? }
        }
        _ => return None,
    };
    numbers.is_empty().then_some(name)
}

fn take_u64(bytes: &mut &[u8]) -> Option<u64> {
    let (head, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u64::from_be_bytes(*head))
}

fn take_u32(bytes: &mut &[u8]) -> Option<u32> {
    let (head, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u32::from_be_bytes(*head))
}

fn take_u16(bytes: &mut &[u8]) -> Option<u16> {
    let (head, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u16::from_be_bytes(*head))
}
