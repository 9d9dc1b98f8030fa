//! The part of a case: what it gathered, and the edges that hold it.

use serde::{Deserialize, Serialize};

use super::codes;
use super::state::{CaseIdV1, at};
use super::steps::OriginV1;
use crate::engine::{
    AlertRef, EdgeState, EvidenceKey, EvidenceSet, PartKey, PartState, Pending, Risk, TrackedEntity, TrackedObservable,
};
use crate::model::{AlertId, Attack, EdgeId, KeyHash, PartId, Severity, Tenant};
use crate::store::RowError;

#[derive(Serialize, Deserialize)]
pub struct PartV1<'a> {
    #[serde(borrow)]
    home: CaseIdV1<'a>,
    identity: Option<[u8; 16]>,
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
    keys: Vec<PartKeyV1>,
    pending: Option<PendingV1>,
    #[serde(borrow)]
    edges: Vec<EdgeV1<'a>>,
}

impl<'a> PartV1<'a> {
    pub fn of(part: &'a PartState) -> Self {
        Self {
            home: CaseIdV1::of(&part.home),
            identity: part.identity.map(|hash| hash.0.to_be_bytes()),
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
            attacks: part.attacks.iter().map(attack).collect(),
            exemplars: part.exemplars.iter().map(AlertRefV1::of).collect(),
            keys: part.keys.iter().map(PartKeyV1::of).collect(),
            pending: part.pending.as_ref().map(PendingV1::of),
            edges: part.edges.iter().map(EdgeV1::of).collect(),
        }
    }

    pub fn back(self, tenant: Tenant, id: PartId) -> Result<PartState, RowError> {
        Ok(PartState {
            tenant,
            id,
            home: self.home.back()?,
            identity: self.identity.map(|hash| KeyHash(u128::from_be_bytes(hash))),
            alerts: self.alerts,
            duplicates: self.duplicates,
            rolled_up: self.rolled_up,
            late: self.late,
            first_at: at(self.first_at),
            last_at: at(self.last_at),
            top: (codes::severity(self.top.0)?, self.top.1.into()),
            observables: self.observables.into_iter().map(observable_back).collect::<Result<_, _>>()?,
            entities: self.entities.into_iter().map(entity_back).collect::<Result<_, _>>()?,
            rules: self.rules.into_iter().map(rule_back).collect::<Result<_, _>>()?,
            sources: self.sources.into_iter().map(|(product, n)| (product.into(), n)).collect(),
            attacks: self.attacks.into_iter().map(attack_back).collect(),
            exemplars: self.exemplars.into_iter().map(AlertRefV1::back).collect::<Result<_, _>>()?,
            keys: self.keys.into_iter().map(PartKeyV1::back).collect::<Result<_, _>>()?,
            pending: self.pending.map(PendingV1::back),
            edges: self.edges.into_iter().map(EdgeV1::back).collect::<Result<_, _>>()?,
            risk: Risk::unknown(),
        })
    }
}

fn observable_back((kind, value, role, n): (u8, &str, u8, u64)) -> Result<(TrackedObservable, u64), RowError> {
    let (kind, role) = (codes::observable_kind(kind)?, codes::role(role)?);
    Ok((TrackedObservable { kind, value: value.into(), role }, n))
}

fn entity_back((kind, value, role, n): (u8, &str, u8, u64)) -> Result<(TrackedEntity, u64), RowError> {
    let (kind, role) = (codes::entity_kind(kind)?, codes::role(role)?);
    Ok((TrackedEntity { kind, value: value.into(), role }, n))
}

type Rule = (std::sync::Arc<str>, std::sync::Arc<str>, Severity, u64);

fn rule_back((uid, name, top, n): (&str, &str, u8, u64)) -> Result<Rule, RowError> {
    Ok((uid.into(), name.into(), codes::severity(top)?, n))
}

fn attack((attack, n): &(Attack, u64)) -> (Option<&str>, Option<&str>, u64) {
    (attack.tactic.as_deref(), attack.technique.as_deref(), *n)
}

fn attack_back((tactic, technique, n): (Option<&str>, Option<&str>, u64)) -> (Attack, u64) {
    (Attack { tactic: tactic.map(Into::into), technique: technique.map(Into::into) }, n)
}

#[derive(Serialize, Deserialize)]
struct AlertRefV1<'a> {
    id: [u8; 16],
    at: i64,
    severity: u8,
    #[serde(borrow)]
    origin: OriginV1<'a>,
}

impl<'a> AlertRefV1<'a> {
    fn of(alert: &'a AlertRef) -> Self {
        Self {
            id: alert.id.0.to_be_bytes(),
            at: alert.at.millis(),
            severity: alert.severity.id(),
            origin: OriginV1::of(&alert.origin),
        }
    }

    fn back(self) -> Result<AlertRef, RowError> {
        Ok(AlertRef {
            id: AlertId(u128::from_be_bytes(self.id)),
            at: at(self.at),
            severity: codes::severity(self.severity)?,
            origin: self.origin.back(),
        })
    }
}

#[derive(Serialize, Deserialize)]
struct PartKeyV1 {
    hash: [u8; 16],
    kind: u8,
    own: bool,
    first_at: i64,
    last_at: i64,
}

impl PartKeyV1 {
    fn of(key: &PartKey) -> Self {
        Self {
            hash: key.hash.0.to_be_bytes(),
            kind: key.kind as u8,
            own: key.own,
            first_at: key.first_at.millis(),
            last_at: key.last_at.millis(),
        }
    }

    fn back(self) -> Result<PartKey, RowError> {
        Ok(PartKey {
            hash: KeyHash(u128::from_be_bytes(self.hash)),
            kind: codes::key_kind(self.kind)?,
            own: self.own,
            first_at: at(self.first_at),
            last_at: at(self.last_at),
        })
    }
}

#[derive(Serialize, Deserialize)]
struct PendingV1 {
    due: i64,
    repeats: Vec<([u8; 16], u64, i64, i64)>,
    rolled_up: u64,
    rolled_first_at: i64,
    rolled_last_at: i64,
}

impl PendingV1 {
    fn of(pending: &Pending) -> Self {
        let repeats = pending.repeats.iter();
        Self {
            due: pending.due.millis(),
            repeats: repeats.map(|(id, n, a, b)| (id.0.to_be_bytes(), *n, a.millis(), b.millis())).collect(),
            rolled_up: pending.rolled_up,
            rolled_first_at: pending.rolled_first_at.millis(),
            rolled_last_at: pending.rolled_last_at.millis(),
        }
    }

    fn back(self) -> Pending {
        let repeats = self.repeats.into_iter();
        Pending {
            due: at(self.due),
            repeats: repeats.map(|(id, n, a, b)| (AlertId(u128::from_be_bytes(id)), n, at(a), at(b))).collect(),
            rolled_up: self.rolled_up,
            rolled_first_at: at(self.rolled_first_at),
            rolled_last_at: at(self.rolled_last_at),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct EdgeV1<'a> {
    id: u64,
    to: u64,
    by_person: bool,
    undone: bool,
    #[serde(borrow)]
    evidence: Vec<EvidenceV1<'a>>,
}

impl<'a> EdgeV1<'a> {
    fn of(edge: &'a EdgeState) -> Self {
        Self {
            id: edge.id.0,
            to: edge.to.0,
            by_person: edge.by_person,
            undone: edge.undone,
            evidence: edge.evidence.iter().map(EvidenceV1::of).collect(),
        }
    }

    fn back(self) -> Result<EdgeState, RowError> {
        Ok(EdgeState {
            id: EdgeId(self.id),
            to: PartId(self.to),
            by_person: self.by_person,
            undone: self.undone,
            evidence: self.evidence.into_iter().map(EvidenceV1::back).collect::<Result<_, _>>()?,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct EvidenceV1<'a> {
    alert: [u8; 16],
    at: i64,
    strength_permille: u16,
    #[serde(borrow)]
    keys: Vec<([u8; 16], u8, &'a str, u16)>,
}

impl<'a> EvidenceV1<'a> {
    fn of(set: &'a EvidenceSet) -> Self {
        let key = |key: &'a EvidenceKey| (key.hash.0.to_be_bytes(), key.kind as u8, &*key.value, key.permille);
        Self {
            alert: set.alert.0.to_be_bytes(),
            at: set.at.millis(),
            strength_permille: set.strength_permille,
            keys: set.keys.iter().map(key).collect(),
        }
    }

    fn back(self) -> Result<EvidenceSet, RowError> {
        Ok(EvidenceSet {
            alert: AlertId(u128::from_be_bytes(self.alert)),
            at: at(self.at),
            strength_permille: self.strength_permille,
            keys: self.keys.into_iter().map(evidence_key_back).collect::<Result<_, _>>()?,
        })
    }
}

fn evidence_key_back((hash, kind, value, permille): ([u8; 16], u8, &str, u16)) -> Result<EvidenceKey, RowError> {
    let hash = KeyHash(u128::from_be_bytes(hash));
    Ok(EvidenceKey { hash, kind: codes::key_kind(kind)?, value: value.into(), permille })
}
