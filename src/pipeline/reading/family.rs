//! One case from its rows: those of the cases merged into it, of all their parts, and the bodies of single alerts.

use std::ops::ControlFlow;
use std::time::Instant;

use super::{Found, Moment};
use crate::engine::{CaseState, Explanation, Family, PartState, RowKey, StateRow, explain};
use crate::model::{AlertId, CaseId, CaseStatus, Outcome, PartId, Tenant};
use crate::store::{AlertStep, RowError, RowName, Segment, Step, StoreError, StoredRow};
use crate::wire;

/// Redirects from one case to the next; a longer way is damage.
const REDIRECTS_MAX: usize = 10_000;

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("this instance does not serve the shard now")]
    NotServing,
    #[error("there is no case {0}")]
    NoSuchCase(CaseId),
    #[error("case {case} has no alert {alert}, or its body is no longer kept")]
    NoSuchAlert { case: CaseId, alert: AlertId },
    #[error("the case changed faster than it could be read")]
    Busy,
    #[error("reading took too long")]
    TookTooLong,
    #[error("the store failed")]
    Store(#[source] StoreError),
}

fn damaged(what: impl std::fmt::Display) -> ReadError {
    ReadError::Store(StoreError::Damaged(what.to_string()))
}

impl Moment {
    pub(super) fn show(&self, case: &CaseId) -> Result<Found, ReadError> {
        let family = match self.family(case)? {
            Ok(family) => family,
            Err(survivor) => return Ok(Found::Merged(survivor)),
        };
        let mut json = Vec::new();
        wire::view::encode(&family.view(self.holds_permille), &mut json);
        Ok(Found::Case { seq: family.case.seq, json })
    }

    /// The case's rows; or where it redirects to.
    pub(super) fn family(&self, id: &CaseId) -> Result<Result<Family, CaseId>, ReadError> {
        let case = self.case(id)?.ok_or_else(|| ReadError::NoSuchCase(id.clone()))?;
        if case.status == CaseStatus::Merged {
            return self.survivor(case).map(Err);
        }
        let mut homes = vec![case];
        let mut next = 0;
        while let Some(home) = homes.get(next) {
            let records: Vec<CaseId> = home.merged_from.iter().map(|record| record.case.clone()).collect();
            for record in records {
                homes.push(self.case(&record)?.ok_or_else(|| damaged(format!("no row of merged case {record}")))?);
            }
            next += 1;
            if next > REDIRECTS_MAX {
                return Err(damaged("merged cases without end"));
            }
        }
        let mut parts = Vec::new();
        for home in &homes {
            for part in &home.parts {
                parts.extend(self.part(&home.id.tenant, *part)?);
            }
        }
        parts.sort_unstable_by_key(|part| part.id);
        let case = homes.remove(0);
        Ok(Ok(Family { case, merged: homes, parts }))
    }

    fn survivor(&self, mut case: CaseState) -> Result<CaseId, ReadError> {
        for _ in 0..REDIRECTS_MAX {
            match case.merged_into {
                None => return Ok(case.id),
                Some((into, _)) => {
                    let next = self.case(&into)?;
                    case = next.ok_or_else(|| damaged(format!("no row of case {into}, a survivor")))?;
                }
            }
        }
        Err(damaged("redirects without end"))
    }

    fn case(&self, id: &CaseId) -> Result<Option<CaseState>, ReadError> {
        match self.state(RowKey::Case(id.clone()))? {
            Some(StateRow::Case(case)) => Ok(Some(case)),
            Some(_) => Err(damaged(RowError::OtherRow)),
            None => Ok(None),
        }
    }

    fn part(&self, tenant: &Tenant, id: PartId) -> Result<Option<PartState>, ReadError> {
        match self.state(RowKey::Part(tenant.clone(), id))? {
            Some(StateRow::Part(part)) => Ok(Some(part)),
            Some(_) => Err(damaged(RowError::OtherRow)),
            None => Ok(None),
        }
    }

    fn state(&self, key: RowKey) -> Result<Option<StateRow>, ReadError> {
        let name = RowName::Engine(key).to_bytes();
        let Some(value) = self.get(&name)? else { return Ok(None) };
        match self.codec.decode(&name, &value).map_err(damaged)? {
            StoredRow::State(row) => Ok(Some(row)),
            StoredRow::Manifest(_) | StoredRow::Claim(_) | StoredRow::Segment(_) | StoredRow::CaseSegments(_) => {
                Err(damaged(RowError::OtherRow))
            }
        }
    }

    pub(super) fn explain(&self, family: &Family, alerts: &[AlertId]) -> Result<Found, ReadError> {
        let explanation = explain(family, self.holds_permille);
        let asked = self.asked(family, &explanation, alerts)?;
        let mut json = Vec::new();
        wire::explain::encode(&explanation, &asked, &mut json);
        Ok(Found::Case { seq: explanation.seq, json })
    }

    fn asked(
        &self,
        family: &Family,
        explanation: &Explanation,
        alerts: &[AlertId],
    ) -> Result<wire::explain::Asked, ReadError> {
        let mut asked = wire::explain::Asked::default();
        if alerts.is_empty() {
            return Ok(asked);
        }
        let bodies = self.bodies(&family.case.id.tenant, explanation, alerts)?;
        let mut parts = Vec::new();
        for (alert, body) in alerts.iter().zip(bodies) {
            let (json, part) = told(family, *alert, body)?;
            asked.alerts.push(json);
            parts.extend(part);
        }
        asked.path = match parts.as_slice() {
            [one, two] => Some((*one, *two)),
            _ => None,
        };
        Ok(asked)
    }

    /// The first step of each of these alerts, from the segments whose heads name a part of the case.
    fn bodies(
        &self,
        tenant: &Tenant,
        explanation: &Explanation,
        alerts: &[AlertId],
    ) -> Result<Vec<Option<AlertStep>>, ReadError> {
        let mut found: Vec<Option<AlertStep>> = vec![None; alerts.len()];
        let is_ours = |part: PartId| explanation.parts.binary_search_by_key(&part, |told| told.id).is_ok();
        self.each_segment(&mut |segment| {
            let head = segment.known()?;
            let ours = head.parts.iter().filter(|(of, _)| of == tenant).flat_map(|(_, parts)| parts);
            if !ours.clone().any(|(part, _)| is_ours(*part)) {
                return Ok(ControlFlow::Continue(()));
            }
            for step in segment.steps()? {
                let Step::Alert(step) = step else { continue };
                let here = step.part.is_some_and(is_ours) && step.alert.tenant == *tenant;
                let wanted = alerts.iter().position(|id| here && *id == step.alert.id);
                // An update tells nothing of how it came here.
                if let Some(place) = wanted.filter(|place| found[*place].is_none())
                    && step.outcome != Outcome::Updated
                {
                    found[place] = Some(*step);
                }
            }
            Ok(if found.iter().all(Option::is_some) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        Ok(found)
    }

    /// The segments of the store, and then those on their way there. Where one is being written anew meanwhile it may
    /// come twice.
    fn each_segment(
        &self,
        see: &mut dyn FnMut(&Segment) -> Result<ControlFlow<()>, RowError>,
    ) -> Result<(), ReadError> {
        let from = RowName::Segment { batch: 0, chunk: 0 }.to_bytes();
        let mut ended: Result<ControlFlow<()>, ReadError> = Ok(ControlFlow::Continue(()));
        let mut take = |key: &[u8], value: &[u8]| {
            if Instant::now() > self.until {
                return Err(ReadError::TookTooLong);
            }
            match self.codec.decode(key, value).map_err(damaged)? {
                StoredRow::Segment(segment) => see(&segment).map_err(damaged),
                StoredRow::State(_) | StoredRow::Manifest(_) | StoredRow::Claim(_) | StoredRow::CaseSegments(_) => {
                    Ok(ControlFlow::Continue(()))
                }
            }
        };
        let is_segment = |key: &[u8]| key.starts_with(&from[..2]);
        let mut visit = |key: &[u8], value: &[u8]| {
            if !is_segment(key) {
                return ControlFlow::Break(());
            }
            ended = take(key, value);
            if matches!(ended, Ok(ControlFlow::Continue(()))) {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        };
        self.store.for_each_from(&from, &mut visit).map_err(ReadError::Store)?;
        if ended?.is_break() {
            return Ok(());
        }
        for row in self.waiting.iter().flat_map(|batch| &batch.rows) {
            if let Some(value) = row.value.as_deref().filter(|_| is_segment(&row.key))
                && take(&row.key, value)?.is_break()
            {
                break;
            }
        }
        Ok(())
    }
}

/// From its body, or from what the part's row remembers of it.
fn told(family: &Family, alert: AlertId, body: Option<AlertStep>) -> Result<(Vec<u8>, Option<PartId>), ReadError> {
    let mut json = Vec::new();
    if let Some(AlertStep { alert, outcome, late, part, link, case: _, suppressed_by: _ }) = body {
        let placed = wire::explain::Placed { alert: &alert, outcome, part, link: link.as_ref(), late };
        wire::explain::alert(&placed, &mut json);
        return Ok((json, part));
    }
    let remembers = |part: &&PartState| part.exemplars.iter().any(|exemplar| exemplar.id == alert);
    let part = family.parts.iter().find(remembers).map(|part| part.id);
    let part = part.ok_or_else(|| ReadError::NoSuchAlert { case: family.case.id.clone(), alert })?;
    wire::explain::alert_without_body(alert, part, &mut json);
    Ok((json, Some(part)))
}
