//! From rows back to an engine that goes on as if it had never stopped.

use std::sync::Arc;

use super::clock::Clock;
use super::index::Sighting;
use super::part::{Case, Part};
use super::slab::Slot;
use super::{CaseState, Engine, LearnedChunk, PartState, Policy, StateRow};
use crate::model::{CaseId, CaseStatus, Millis, PartId};

/// Rows that cannot come from one engine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    #[error("part {part:?} of case {case} has no case")]
    Homeless { part: PartId, case: CaseId },
    #[error("tenant of case {0} has no row")]
    NoTenant(CaseId),
}

impl Engine {
    /// `policy` and `text` are what the policy row says.
    pub fn restore(
        seed: u64,
        policy: Policy,
        text: Arc<str>,
        rows: impl IntoIterator<Item = StateRow>,
    ) -> Result<Self, RestoreError> {
        let mut engine = Self::new(seed, policy, text);
        engine.policy_dirty = false;
        let (mut cases, mut parts, mut deltas) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            match row {
                StateRow::Clock(clock) => engine.clock = Clock::new(clock),
                StateRow::Policy(_) => {}
                StateRow::LearnedDelta { batch, entries } => deltas.push((batch, entries)),
                StateRow::LearnedBucket { bucket, chunk, as_of_batch, entries } => {
                    engine.learned.restore_bucket(bucket, chunk, as_of_batch, entries);
                }
                StateRow::Tenant(tenant) => {
                    engine.add_tenant(tenant, false);
                }
                StateRow::Case(case) => cases.push(case),
                StateRow::Part(part) => parts.push(part),
            }
        }
        engine.restore_deltas(deltas);
        engine.check(&cases, &parts)?;
        let (cases, parts) = engine.within_reach(cases, parts);
        engine.take_back(cases, parts);
        Ok(engine)
    }

    fn restore_deltas(&mut self, mut deltas: Vec<(u64, LearnedChunk)>) {
        deltas.sort_unstable_by_key(|(batch, _)| *batch);
        for (batch, entries) in deltas {
            self.learned.restore_delta(batch, entries);
        }
        self.learned.restored();
    }

    fn check(&self, cases: &[CaseState], parts: &[PartState]) -> Result<(), RestoreError> {
        if let Some(case) = cases.iter().find(|case| !self.tenant_index.contains_key(&case.id.tenant)) {
            return Err(RestoreError::NoTenant(case.id.clone()));
        }
        let mut ids: Vec<&CaseId> = cases.iter().map(|case| &case.id).collect();
        ids.sort_unstable();
        match parts.iter().find(|part| ids.binary_search(&&part.home).is_err()) {
            Some(part) => Err(RestoreError::Homeless { part: part.id, case: part.home.clone() }),
            None => Ok(()),
        }
    }

    /// Leaves out what had left memory: cases closed for longer than the re-open window whose view is out, and what was
    /// merged into them.
    fn within_reach(&self, cases: Vec<CaseState>, parts: Vec<PartState>) -> (Vec<CaseState>, Vec<PartState>) {
        let by_id: std::collections::BTreeMap<CaseId, usize> =
            cases.iter().enumerate().map(|(at, case)| (case.id.clone(), at)).collect();
        let survivor = |mut at: usize| {
            // A redirect leads to an older case, so this ends.
            while let Some(next) = cases[at].merged_into.as_ref().and_then(|(into, _)| by_id.get(into)) {
                at = *next;
            }
            at
        };
        let window = self.policy.reopen_window.0.saturating_add(1);
        let gone = |case: &CaseState| {
            let closed = case.closed_watermark.filter(|_| case.status == CaseStatus::Closed);
            closed.is_some_and(|at| at.plus(Millis(window)) <= self.clock.state.watermark)
                && case.view_seq == case.seq
        };
        let stays: Vec<bool> = (0..cases.len()).map(|at| !gone(&cases[survivor(at)])).collect();
        let home_stays = |part: &PartState| by_id.get(&part.home).is_some_and(|at| stays[*at]);
        let parts = parts.into_iter().filter(home_stays).collect();
        let cases = cases.into_iter().zip(&stays).filter(|(_, stays)| **stays).map(|(case, _)| case).collect();
        (cases, parts)
    }

    /// Takes cases and parts into memory: at start, or because a command asks for them.
    pub(super) fn take_back(&mut self, mut cases: Vec<CaseState>, mut parts: Vec<PartState>) {
        cases.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        parts.sort_unstable_by(|a, b| (&a.tenant, a.id).cmp(&(&b.tenant, b.id)));
        let cases: Vec<Slot<Case>> = cases.into_iter().filter_map(|case| self.take_case(case)).collect();
        let parts: Vec<Slot<Part>> = parts.into_iter().filter_map(|part| self.take_part(part)).collect();
        for part in &parts {
            self.settle_in(*part);
        }
        let mut moved: Vec<Slot<Case>> = parts.iter().map(|part| self.parts[*part].case).chain(cases).collect();
        moved.sort_unstable();
        moved.dedup();
        for case in moved {
            let mut members = std::mem::take(&mut self.cases[case].parts);
            members.sort_unstable_by_key(|part| self.parts[*part].state.id);
            self.cases[case].parts = members;
            self.watch(case);
        }
    }

    fn take_case(&mut self, state: CaseState) -> Option<Slot<Case>> {
        let tenant = *self.tenant_index.get(&state.id.tenant)?;
        let key = (tenant, state.id.number);
        if self.case_index.get(&key).is_some() {
            return None;
        }
        self.statuses[state.status as usize] += 1;
        let mut case = Case::new(state);
        (case.dirty, case.touched) = (false, false);
        let slot = self.cases.insert(case);
        self.case_index.insert(key, slot);
        Some(slot)
    }

    fn take_part(&mut self, state: PartState) -> Option<Slot<Part>> {
        let tenant = *self.tenant_index.get(&state.tenant)?;
        let key = (tenant, state.id);
        if self.part_index.get(&key).is_some() {
            return None;
        }
        let home = self.case_slot(&state.home)?;
        let part = Part { state, tenant, case: home, younger: smallvec::SmallVec::new(), dirty: false };
        let slot = self.parts.insert(part);
        self.part_index.insert(key, slot);
        Some(slot)
    }

    /// Finds the part its case (the end of the redirects from its home), and puts its keys and timers in place.
    fn settle_in(&mut self, part: Slot<Part>) {
        let mut case = self.parts[part].case;
        while let Some(next) = self.cases[case].state.merged_into.as_ref().and_then(|(into, _)| self.case_slot(into)) {
            case = next;
        }
        self.parts[part].case = case;
        self.cases[case].parts.push(part);
        self.cases[case].alerts += self.parts[part].state.alerts;
        for place in 0..self.parts[part].state.keys.len() {
            let hash = self.parts[part].state.keys[place].hash;
            let place = u32::try_from(place).unwrap_or(u32::MAX);
            self.keys.add(hash, Sighting { part, place });
        }
        if let Some(pending) = &self.parts[part].state.pending {
            self.pending.insert((pending.due, part));
        }
        let older: Vec<PartId> =
            self.parts[part].state.edges.iter().filter(|edge| !edge.undone).map(|edge| edge.to).collect();
        for older in older {
            if let Some(slot) = self.part_index.get(&(self.parts[part].tenant, older)).copied()
                && !self.parts[slot].younger.contains(&part)
            {
                self.parts[slot].younger.push(part);
            }
        }
    }
}
