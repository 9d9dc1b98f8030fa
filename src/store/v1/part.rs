//! The part of a case: what it gathered, and the edges that hold it. Read only: version 2 is what is written.

use serde::{Deserialize, Serialize};

use super::codes;
use super::state::{CaseIdV1, at};
use super::steps::OriginV1;
use crate::engine::{
    AlertRef, EdgeKind, EdgeStands, EdgeState, EvidenceKey, EvidenceSet, PartKey, PartKind, PartState, Pending, Risk,
    TrackedEntity, TrackedObservable,
};
use crate::model::{AlertId, Attack, EdgeId, KeyHash, PartId, Severity, Tenant};
use crate::store::RowError;

#[derive(Deserialize)]
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

impl PartV1<'_> {
    pub fn back(self, tenant: Tenant, id: PartId) -> Result<PartState, RowError> {
        Ok(PartState {
            tenant,
            id,
            home: self.home.back()?,
            kind: PartKind::Gathered,
            // One identity stood for the machine, where there was one.
            machine: self.identity.map(|hash| KeyHash(u128::from_be_bytes(hash))),
            identity: None,
            began_at: None,
            gathered_at: at(self.last_at),
            actors: Vec::new(),
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

pub(in crate::store) fn observable_back(
    (kind, value, role, n): (u8, &str, u8, u64),
) -> Result<(TrackedObservable, u64), RowError> {
    let (kind, role) = (codes::observable_kind(kind)?, codes::role(role)?);
    Ok((TrackedObservable { kind, value: value.into(), role }, n))
}

pub(in crate::store) fn entity_back(
    (kind, value, role, n): (u8, &str, u8, u64),
) -> Result<(TrackedEntity, u64), RowError> {
    let (kind, role) = (codes::entity_kind(kind)?, codes::role(role)?);
    Ok((TrackedEntity { kind, value: value.into(), role }, n))
}

pub(in crate::store) type Rule = (std::sync::Arc<str>, std::sync::Arc<str>, Severity, u64);

pub(in crate::store) fn rule_back((uid, name, top, n): (&str, &str, u8, u64)) -> Result<Rule, RowError> {
    Ok((uid.into(), name.into(), codes::severity(top)?, n))
}

pub(in crate::store) fn attack((attack, n): &(Attack, u64)) -> (Option<&str>, Option<&str>, u64) {
    (attack.tactic.as_deref(), attack.technique.as_deref(), *n)
}

pub(in crate::store) fn attack_back((tactic, technique, n): (Option<&str>, Option<&str>, u64)) -> (Attack, u64) {
    (Attack { tactic: tactic.map(Into::into), technique: technique.map(Into::into) }, n)
}

#[derive(Serialize, Deserialize)]
pub(in crate::store) struct AlertRefV1<'a> {
    id: [u8; 16],
    at: i64,
    severity: u8,
    #[serde(borrow)]
    origin: OriginV1<'a>,
}

impl<'a> AlertRefV1<'a> {
    pub(in crate::store) fn of(alert: &'a AlertRef) -> Self {
        Self {
            id: alert.id.0.to_be_bytes(),
            at: alert.at.millis(),
            severity: alert.severity.id(),
            origin: OriginV1::of(&alert.origin),
        }
    }

    pub(in crate::store) fn back(self) -> Result<AlertRef, RowError> {
        Ok(AlertRef {
            id: AlertId(u128::from_be_bytes(self.id)),
            at: at(self.at),
            severity: codes::severity(self.severity)?,
            origin: self.origin.back(),
        })
    }
}

#[derive(Deserialize)]
struct PartKeyV1 {
    hash: [u8; 16],
    kind: u8,
    own: bool,
    first_at: i64,
    last_at: i64,
}

impl PartKeyV1 {
    fn back(self) -> Result<PartKey, RowError> {
        Ok(PartKey {
            hash: KeyHash(u128::from_be_bytes(self.hash)),
            kind: codes::key_kind(self.kind)?,
            first_at: at(self.first_at),
            last_at: at(self.last_at),
            own_at: self.own.then(|| at(self.last_at)),
            began_at: None,
        })
    }
}

#[derive(Serialize, Deserialize)]
pub(in crate::store) struct PendingV1 {
    due: i64,
    repeats: Vec<([u8; 16], u64, i64, i64)>,
    rolled_up: u64,
    rolled_first_at: i64,
    rolled_last_at: i64,
}

impl PendingV1 {
    pub(in crate::store) fn of(pending: &Pending) -> Self {
        let repeats = pending.repeats.iter();
        Self {
            due: pending.due.millis(),
            repeats: repeats.map(|(id, n, a, b)| (id.0.to_be_bytes(), *n, a.millis(), b.millis())).collect(),
            rolled_up: pending.rolled_up,
            rolled_first_at: pending.rolled_first_at.millis(),
            rolled_last_at: pending.rolled_last_at.millis(),
        }
    }

    pub(in crate::store) fn back(self) -> Pending {
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

#[derive(Deserialize)]
struct EdgeV1<'a> {
    id: u64,
    to: u64,
    by_person: bool,
    undone: bool,
    #[serde(borrow)]
    evidence: Vec<EvidenceV1<'a>>,
}

impl EdgeV1<'_> {
    fn back(self) -> Result<EdgeState, RowError> {
        let evidence: Vec<EvidenceSet> = self.evidence.into_iter().map(EvidenceV1::back).collect::<Result<_, _>>()?;
        let strength = evidence.first().map_or(0, |set| set.strength_permille);
        Ok(EdgeState {
            id: EdgeId(self.id),
            to: PartId(self.to),
            kind: if self.by_person { EdgeKind::Person } else { EdgeKind::Evidence },
            stands: if self.undone { EdgeStands::Undone } else { EdgeStands::Holds },
            strength_permille: if self.by_person { 1_000 } else { strength },
            evidence,
        })
    }
}

#[derive(Serialize, Deserialize)]
pub(in crate::store) struct EvidenceV1<'a> {
    alert: [u8; 16],
    at: i64,
    strength_permille: u16,
    #[serde(borrow)]
    keys: Vec<([u8; 16], u8, &'a str, u16)>,
}

impl<'a> EvidenceV1<'a> {
    pub(in crate::store) fn of(set: &'a EvidenceSet) -> Self {
        let key = |key: &'a EvidenceKey| (key.hash.0.to_be_bytes(), key.kind as u8, &*key.value, key.permille);
        Self {
            alert: set.alert.0.to_be_bytes(),
            at: set.at.millis(),
            strength_permille: set.strength_permille,
            keys: set.keys.iter().map(key).collect(),
        }
    }

    pub(in crate::store) fn back(self) -> Result<EvidenceSet, RowError> {
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
