//! The engine's rows.

use serde::{Deserialize, Serialize};

use super::{codes, learned, part, read, write};
use crate::engine::{
    CaseState, ClockState, MergeRecord, PartitionClock, PolicyState, RelatedState, RowKey, StateRef, StateRow,
    TenantState,
};
use crate::model::{
    CaseId, CaseStatus, EdgeId, KeyKind, PartId, Priority, PriorityFactor, Tenant, Timestamp, TopicName, Verdict,
};
use crate::store::RowError;

pub fn encode(row: StateRef<'_>, body: &mut Vec<u8>) {
    match row {
        StateRef::Clock(clock) => write(&ClockV1::of(clock), body),
        StateRef::Policy(policy) => write(&PolicyV1 { digest: policy.digest, text: &policy.text }, body),
        StateRef::Case(case) => write(&CaseV1::of(case), body),
        StateRef::LearnedDelta { .. }
        | StateRef::LearnedBucket { .. }
        | StateRef::Tenant(_)
        | StateRef::Part(_)
        | StateRef::Lists(_)
        | StateRef::ListChunk { .. } => {
            unreachable!("later versions write these")
        }
    }
}

pub fn decode(key: &RowKey, body: &[u8]) -> Result<StateRow, RowError> {
    Ok(match key {
        RowKey::Clock => StateRow::Clock(read::<ClockV1<'_>>(body)?.back()),
        RowKey::Policy => {
            let PolicyV1 { digest, text } = read(body)?;
            StateRow::Policy(PolicyState { digest, text: text.into() })
        }
        RowKey::LearnedDelta { batch, chunk } => {
            let (_, entries) = read::<learned::ChunkV1>(body)?.back()?;
            StateRow::LearnedDelta { batch: *batch, chunk: *chunk, entries }
        }
        RowKey::LearnedBucket { bucket, chunk } => {
            let (as_of_batch, entries) = read::<learned::ChunkV1>(body)?.back()?;
            StateRow::LearnedBucket { bucket: *bucket, chunk: *chunk, as_of_batch, entries }
        }
        RowKey::Tenant(tenant) => StateRow::Tenant(read::<TenantV1>(body)?.back(tenant.clone())),
        RowKey::Case(id) => StateRow::Case(read::<CaseV1<'_>>(body)?.back(id.clone())?),
        // Later versions' alone.
        RowKey::Lists | RowKey::ListChunk { .. } => return Err(RowError::Version(1)),
        RowKey::Part(tenant, id) => StateRow::Part(read::<part::PartV1<'_>>(body)?.back(tenant.clone(), *id)?),
    })
}

pub(in crate::store) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// A case of any tenant, as a person may have named it.
#[derive(Serialize, Deserialize)]
pub struct CaseIdV1<'a> {
    tenant: &'a str,
    number: u64,
}

impl<'a> CaseIdV1<'a> {
    pub fn of(id: &'a CaseId) -> Self {
        Self { tenant: id.tenant.as_str(), number: id.number }
    }

    pub fn back(self) -> Result<CaseId, RowError> {
        let tenant = Tenant::parse(self.tenant).map_err(|_| RowError::Range("tenant"))?;
        Ok(CaseId { tenant, number: self.number })
    }
}

#[derive(Serialize, Deserialize)]
struct PolicyV1<'a> {
    digest: [u8; 32],
    text: &'a str,
}

#[derive(Serialize, Deserialize)]
struct ClockV1<'a> {
    now: i64,
    watermark: i64,
    #[serde(borrow)]
    partitions: Vec<PartitionV1<'a>>,
}

#[derive(Serialize, Deserialize)]
struct PartitionV1<'a> {
    topic: &'a str,
    partition: i32,
    high: i64,
    idle: bool,
}

impl<'a> ClockV1<'a> {
    fn of(clock: &'a ClockState) -> Self {
        let partition = |clock: &'a PartitionClock| PartitionV1 {
            topic: clock.topic.as_str(),
            partition: clock.partition,
            high: clock.high.millis(),
            idle: clock.idle,
        };
        Self {
            now: clock.now.millis(),
            watermark: clock.watermark.millis(),
            partitions: clock.partitions.iter().map(partition).collect(),
        }
    }

    fn back(self) -> ClockState {
        let partition = |clock: PartitionV1<'_>| PartitionClock {
            topic: TopicName::new(clock.topic),
            partition: clock.partition,
            high: at(clock.high),
            idle: clock.idle,
        };
        ClockState {
            now: at(self.now),
            watermark: at(self.watermark),
            partitions: self.partitions.into_iter().map(partition).collect(),
        }
    }
}

#[derive(Deserialize)]
struct TenantV1 {
    next_case: u64,
    next_part: u64,
    next_edge: u64,
}

impl TenantV1 {
    fn back(self, tenant: Tenant) -> TenantState {
        TenantState {
            tenant,
            next_case: self.next_case,
            next_part: self.next_part,
            next_edge: self.next_edge,
            began_at: None,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct CaseV1<'a> {
    seq: u64,
    audit_head: [u8; 32],
    view_seq: u64,
    status: u8,
    status_before_merge: Option<u8>,
    verdict: Option<u8>,
    owner: Option<&'a str>,
    team: Option<&'a str>,
    severity: u8,
    #[serde(borrow)]
    priority: PriorityV1<'a>,
    opened_at: i64,
    acknowledged_at: Option<i64>,
    contained_at: Option<i64>,
    resolved_at: Option<i64>,
    closed_at: Option<i64>,
    closed_watermark: Option<i64>,
    #[serde(borrow)]
    follows: Option<CaseIdV1<'a>>,
    #[serde(borrow)]
    merged_into: Option<(CaseIdV1<'a>, u64)>,
    #[serde(borrow)]
    merged_from: Vec<(CaseIdV1<'a>, u64, i64)>,
    #[serde(borrow)]
    kept_apart: Vec<CaseIdV1<'a>>,
    #[serde(borrow)]
    related: Vec<RelatedV1<'a>>,
    overflowed: bool,
    parts: Vec<u64>,
}

impl<'a> CaseV1<'a> {
    fn of(case: &'a CaseState) -> Self {
        Self {
            seq: case.seq,
            audit_head: case.audit_head,
            view_seq: case.view_seq,
            status: case.status as u8,
            status_before_merge: case.status_before_merge.map(|status: CaseStatus| status as u8),
            verdict: case.verdict.map(|verdict: Verdict| verdict as u8),
            owner: case.owner.as_deref(),
            team: case.team.as_deref(),
            severity: case.severity.id(),
            priority: PriorityV1::of(&case.priority),
            opened_at: case.opened_at.millis(),
            acknowledged_at: case.acknowledged_at.map(Timestamp::millis),
            contained_at: case.contained_at.map(Timestamp::millis),
            resolved_at: case.resolved_at.map(Timestamp::millis),
            closed_at: case.closed_at.map(Timestamp::millis),
            closed_watermark: case.closed_watermark.map(Timestamp::millis),
            follows: case.follows.as_ref().map(CaseIdV1::of),
            merged_into: case.merged_into.as_ref().map(|(id, edge)| (CaseIdV1::of(id), edge.0)),
            merged_from: case.merged_from.iter().map(merge).collect(),
            kept_apart: case.kept_apart.iter().map(CaseIdV1::of).collect(),
            related: case.related.iter().map(RelatedV1::of).collect(),
            overflowed: case.overflowed,
            parts: case.parts.iter().map(|part| part.0).collect(),
        }
    }

    fn back(self, id: CaseId) -> Result<CaseState, RowError> {
        Ok(CaseState {
            id,
            seq: self.seq,
            audit_head: self.audit_head,
            view_seq: self.view_seq,
            status: codes::status(self.status)?,
            status_before_merge: self.status_before_merge.map(codes::status).transpose()?,
            verdict: self.verdict.map(codes::verdict).transpose()?,
            owner: self.owner.map(Into::into),
            team: self.team.map(Into::into),
            severity: codes::severity(self.severity)?,
            priority: self.priority.back()?,
            opened_at: at(self.opened_at),
            acknowledged_at: self.acknowledged_at.map(at),
            contained_at: self.contained_at.map(at),
            resolved_at: self.resolved_at.map(at),
            closed_at: self.closed_at.map(at),
            closed_watermark: self.closed_watermark.map(at),
            follows: self.follows.map(CaseIdV1::back).transpose()?,
            merged_into: self
                .merged_into
                .map(|(id, edge)| Ok::<_, RowError>((id.back()?, EdgeId(edge))))
                .transpose()?,
            merged_from: self.merged_from.into_iter().map(merge_back).collect::<Result<_, _>>()?,
            kept_apart: self.kept_apart.into_iter().map(CaseIdV1::back).collect::<Result<_, _>>()?,
            related: self.related.into_iter().map(RelatedV1::back).collect::<Result<_, _>>()?,
            overflowed: self.overflowed,
            parts: self.parts.into_iter().map(PartId).collect(),
        })
    }
}

fn merge(merge: &MergeRecord) -> (CaseIdV1<'_>, u64, i64) {
    (CaseIdV1::of(&merge.case), merge.edge.0, merge.at.millis())
}

fn merge_back((case, edge, millis): (CaseIdV1<'_>, u64, i64)) -> Result<MergeRecord, RowError> {
    Ok(MergeRecord { case: case.back()?, edge: EdgeId(edge), at: at(millis) })
}

#[derive(Serialize, Deserialize)]
struct RelatedV1<'a> {
    #[serde(borrow)]
    case: CaseIdV1<'a>,
    strength_permille: u16,
    #[serde(borrow)]
    keys: Vec<(u8, &'a str)>,
}

impl<'a> RelatedV1<'a> {
    fn of(related: &'a RelatedState) -> Self {
        Self {
            case: CaseIdV1::of(&related.case),
            strength_permille: related.strength_permille,
            keys: related.keys.iter().map(|(kind, value): &(KeyKind, _)| (*kind as u8, &**value)).collect(),
        }
    }

    fn back(self) -> Result<RelatedState, RowError> {
        let key = |(kind, value): (u8, &str)| Ok::<_, RowError>((codes::key_kind(kind)?, value.into()));
        Ok(RelatedState {
            case: self.case.back()?,
            strength_permille: self.strength_permille,
            keys: self.keys.into_iter().map(key).collect::<Result<_, _>>()?,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct PriorityV1<'a> {
    score: u8,
    band: u8,
    #[serde(borrow)]
    factors: Vec<(&'a str, u8)>,
}

impl<'a> PriorityV1<'a> {
    fn of(priority: &'a Priority) -> Self {
        Self {
            score: priority.score,
            band: priority.band as u8,
            factors: priority.factors.iter().map(|factor| (factor.name, factor.points)).collect(),
        }
    }

    fn back(self) -> Result<Priority, RowError> {
        let factor =
            |(name, points): (&str, u8)| Ok::<_, RowError>(PriorityFactor { name: codes::factor(name)?, points });
        Ok(Priority {
            score: self.score,
            band: codes::band(self.band)?,
            factors: self.factors.into_iter().map(factor).collect::<Result<_, _>>()?,
        })
    }
}
