//! The part of a case: what it gathered, and the edges that hold it.

use serde::{Deserialize, Serialize};

use crate::engine::{EdgeKind, EdgeStands, EdgeState, PartKey, PartKind, PartState, Risk};
use crate::model::{EdgeId, KeyHash, PartId, Tenant, Timestamp};
use crate::store::RowError;
use crate::store::v1::codes;
use crate::store::v1::part::{self, AlertRefV1, EvidenceV1, PendingV1};
use crate::store::v1::state::{CaseIdV1, at};

#[derive(Serialize, Deserialize)]
pub struct PartV2<'a> {
    #[serde(borrow)]
    home: CaseIdV1<'a>,
    kind: u8,
    machine: Option<[u8; 16]>,
    identity: Option<[u8; 16]>,
    began_at: Option<i64>,
    gathered_at: i64,
    actors: Vec<[u8; 16]>,
    alerts: u64,
    duplicates: u64,
    rolled_up: u64,
    late: u64,
    first_at: i64,
    last_at: i64,
    top: (u8, &'a str),
    #[serde(borrow)]
    observables: Vec<(u8, &'a str, u8, u64)>,
    #[serde(borrow)]
    entities: Vec<(u8, &'a str, u8, u64)>,
    #[serde(borrow)]
    rules: Vec<(&'a str, &'a str, u8, u64)>,
    #[serde(borrow)]
    sources: Vec<(&'a str, u64)>,
    #[serde(borrow)]
    attacks: Vec<(Option<&'a str>, Option<&'a str>, u64)>,
    #[serde(borrow)]
    exemplars: Vec<AlertRefV1<'a>>,
    keys: Vec<PartKeyV2>,
    pending: Option<PendingV1>,
    #[serde(borrow)]
    edges: Vec<EdgeV2<'a>>,
}

impl<'a> PartV2<'a> {
    pub fn of(part: &'a PartState) -> Self {
        Self {
            home: CaseIdV1::of(&part.home),
            kind: part.kind as u8,
            machine: part.machine.map(bytes),
            identity: part.identity.map(bytes),
            began_at: part.began_at.map(Timestamp::millis),
            gathered_at: part.gathered_at.millis(),
            actors: part.actors.iter().copied().map(bytes).collect(),
            alerts: part.alerts,
            duplicates: part.duplicates,
            rolled_up: part.rolled_up,
            late: part.late,
            first_at: part.first_at.millis(),
            last_at: part.last_at.millis(),
            top: (part.top.0.id(), &part.top.1),
            observables: part.observables.iter().map(|(o, n)| (o.kind as u8, &*o.value, o.role as u8, *n)).collect(),
            entities: part.entities.iter().map(|(e, n)| (e.kind as u8, &*e.value, e.role as u8, *n)).collect(),
            rules: part.rules.iter().map(|(uid, name, top, n)| (&**uid, &**name, top.id(), *n)).collect(),
            sources: part.sources.iter().map(|(product, n)| (&**product, *n)).collect(),
            attacks: part.attacks.iter().map(part::attack).collect(),
            exemplars: part.exemplars.iter().map(AlertRefV1::of).collect(),
            keys: part.keys.iter().map(PartKeyV2::of).collect(),
            pending: part.pending.as_ref().map(PendingV1::of),
            edges: part.edges.iter().map(EdgeV2::of).collect(),
        }
    }

    pub fn back(self, tenant: Tenant, id: PartId) -> Result<PartState, RowError> {
        Ok(PartState {
            tenant,
            id,
            home: self.home.back()?,
            kind: *PartKind::ALL.get(usize::from(self.kind)).ok_or(RowError::Range("part kind"))?,
            machine: self.machine.map(hash),
            identity: self.identity.map(hash),
            began_at: self.began_at.map(at),
            gathered_at: at(self.gathered_at),
            actors: self.actors.into_iter().map(hash).collect(),
            alerts: self.alerts,
            duplicates: self.duplicates,
            rolled_up: self.rolled_up,
            late: self.late,
            first_at: at(self.first_at),
            last_at: at(self.last_at),
            top: (codes::severity(self.top.0)?, self.top.1.into()),
            observables: self.observables.into_iter().map(part::observable_back).collect::<Result<_, _>>()?,
            entities: self.entities.into_iter().map(part::entity_back).collect::<Result<_, _>>()?,
            rules: self.rules.into_iter().map(part::rule_back).collect::<Result<_, _>>()?,
            sources: self.sources.into_iter().map(|(product, n)| (product.into(), n)).collect(),
            attacks: self.attacks.into_iter().map(part::attack_back).collect(),
            exemplars: self.exemplars.into_iter().map(AlertRefV1::back).collect::<Result<_, _>>()?,
            keys: self.keys.into_iter().map(PartKeyV2::back).collect::<Result<_, _>>()?,
            pending: self.pending.map(PendingV1::back),
            edges: self.edges.into_iter().map(EdgeV2::back).collect::<Result<_, _>>()?,
            risk: Risk::unknown(),
        })
    }
}

fn bytes(hash: KeyHash) -> [u8; 16] {
    hash.0.to_be_bytes()
}

fn hash(bytes: [u8; 16]) -> KeyHash {
    KeyHash(u128::from_be_bytes(bytes))
}

#[derive(Serialize, Deserialize)]
struct PartKeyV2 {
    hash: [u8; 16],
    kind: u8,
    first_at: i64,
    last_at: i64,
    own_at: Option<i64>,
    began_at: Option<i64>,
}

impl PartKeyV2 {
    fn of(key: &PartKey) -> Self {
        Self {
            hash: bytes(key.hash),
            kind: key.kind as u8,
            first_at: key.first_at.millis(),
            last_at: key.last_at.millis(),
            own_at: key.own_at.map(Timestamp::millis),
            began_at: key.began_at.map(Timestamp::millis),
        }
    }

    fn back(self) -> Result<PartKey, RowError> {
        Ok(PartKey {
            hash: hash(self.hash),
            kind: codes::key_kind(self.kind)?,
            first_at: at(self.first_at),
            last_at: at(self.last_at),
            own_at: self.own_at.map(at),
            began_at: self.began_at.map(at),
        })
    }
}

#[derive(Serialize, Deserialize)]
struct EdgeV2<'a> {
    id: u64,
    to: u64,
    kind: u8,
    stands: u8,
    strength_permille: u16,
    #[serde(borrow)]
    evidence: Vec<EvidenceV1<'a>>,
}

impl<'a> EdgeV2<'a> {
    fn of(edge: &'a EdgeState) -> Self {
        Self {
            id: edge.id.0,
            to: edge.to.0,
            kind: edge.kind as u8,
            stands: edge.stands as u8,
            strength_permille: edge.strength_permille,
            evidence: edge.evidence.iter().map(EvidenceV1::of).collect(),
        }
    }

    fn back(self) -> Result<EdgeState, RowError> {
        Ok(EdgeState {
            id: EdgeId(self.id),
            to: PartId(self.to),
            kind: *EdgeKind::ALL.get(usize::from(self.kind)).ok_or(RowError::Range("edge kind"))?,
            stands: *EdgeStands::ALL.get(usize::from(self.stands)).ok_or(RowError::Range("edge's standing"))?,
            strength_permille: self.strength_permille,
            evidence: self.evidence.into_iter().map(EvidenceV1::back).collect::<Result<_, _>>()?,
        })
    }
}
