//! Rows back to state. They come one by one, in the order of their names, and what is cold is let go of at once, so a
//! restart needs memory for what is hot and a few bytes for each stretch of cold cases, however long the history.
//!
//! The order of names makes that possible: of a tenant all cases come before all parts, and a case that redirects comes
//! after the older one that it redirects to. Only a cold case that still owes a view asks for rows that were passed over.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::case::Case;
use super::clock::Clock;
use super::learned::Learned;
use super::lists::Held;
use super::slab::Slot;
use super::tenants::Seat;
use super::{
    CaseState, ClockState, Engine, LearnedChunk, ListChunk, ListsState, PartState, Policy, PolicyState, RowKey,
    StateRow, TenantState,
};
use crate::model::{CaseId, PartId, Tenant};

/// Rows that cannot be one engine's state. The store checks bytes; this is about rows that do not fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    #[error("no tenant row for {0}")]
    NoTenant(Tenant),
    #[error("no case row for {0}, which others name")]
    NoCase(CaseId),
    #[error("no row for part {part} of {case}")]
    NoPart { case: CaseId, part: u64 },
    #[error("{0} redirects to a case that is not older")]
    Redirect(CaseId),
    #[error("learned rows name a bucket or chunk out of range")]
    Learned,
    #[error("rows of the lists are missing or do not belong together")]
    Lists,
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    Kept,
    /// It belongs to a cold case.
    PassedOver,
}

/// The rows of an earlier life, as far as they make up what is hot.
#[derive(Default)]
pub struct Restore {
    clock: ClockState,
    policy: Option<PolicyState>,
    lists: Option<ListsState>,
    list_chunks: Vec<(u32, ListChunk)>,
    tenants: Vec<TenantState>,
    cases: BTreeMap<CaseId, CaseState>,
    parts: BTreeMap<(Tenant, PartId), PartState>,
    snapshots: Vec<(u16, u16, u64, LearnedChunk)>,
    deltas: Vec<(u64, u16, LearnedChunk)>,
    passed_over: BTreeMap<Tenant, Stretches>,
    /// Cases that owe a view, and redirect to one that was passed over.
    stranded: Vec<CaseId>,
}

impl Restore {
    /// Takes the next row, in the order of the names.
    pub fn take(&mut self, row: StateRow) -> Result<Taken, RestoreError> {
        match row {
            StateRow::Clock(clock) => self.clock = clock,
            StateRow::Policy(policy) => self.policy = Some(policy),
            StateRow::Lists(lists) => self.lists = Some(lists),
            StateRow::ListChunk { chunk, entries } => self.list_chunks.push((chunk, entries)),
            StateRow::LearnedDelta { batch, chunk, entries } => self.deltas.push((batch, chunk, entries)),
            StateRow::LearnedBucket { bucket, chunk, as_of_batch, entries } => {
                self.snapshots.push((bucket, chunk, as_of_batch, entries));
            }
            StateRow::Tenant(tenant) => self.tenants.push(tenant),
            StateRow::Case(case) => return self.take_case(case),
            StateRow::Part(part) if !self.cases.contains_key(&part.home) => return Ok(Taken::PassedOver),
            StateRow::Part(part) => drop(self.parts.insert((part.tenant.clone(), part.id), part)),
        }
        Ok(Taken::Kept)
    }

    /// Takes a row that `missing` asked for.
    pub fn take_missing(&mut self, row: StateRow) {
        match row {
            StateRow::Case(case) => drop(self.cases.insert(case.id.clone(), case)),
            StateRow::Part(part) => drop(self.parts.insert((part.tenant.clone(), part.id), part)),
            StateRow::Clock(_)
            | StateRow::Policy(_)
            | StateRow::Lists(_)
            | StateRow::ListChunk { .. }
            | StateRow::LearnedDelta { .. }
            | StateRow::LearnedBucket { .. }
            | StateRow::Tenant(_) => {}
        }
    }

    /// The policy that was in force at the last batch.
    #[must_use]
    pub const fn policy(&self) -> Option<&PolicyState> {
        self.policy.as_ref()
    }

    fn take_case(&mut self, case: CaseState) -> Result<Taken, RestoreError> {
        let owes = case.view_seq < case.seq;
        let hot = match &case.merged_into {
            // Also what ends every walk along redirects, whatever the rows say.
            Some((into, _)) if *into >= case.id => return Err(RestoreError::Redirect(case.id)),
            Some((into, _)) => self.is_kept(into)?,
            None => !is_cold(&case),
        };
        if hot || owes {
            self.stranded.extend((!hot && case.merged_into.is_some()).then(|| case.id.clone()));
            self.cases.insert(case.id.clone(), case);
            return Ok(Taken::Kept);
        }
        match self.passed_over.get_mut(&case.id.tenant) {
            Some(stretches) => stretches.add(case.id.number),
            None => drop(self.passed_over.insert(case.id.tenant, Stretches(vec![(case.id.number, case.id.number)]))),
        }
        Ok(Taken::PassedOver)
    }

    fn is_kept(&self, id: &CaseId) -> Result<bool, RestoreError> {
        let passed = || self.passed_over.get(&id.tenant).is_some_and(|stretches| stretches.has(id.number));
        match self.cases.contains_key(id) {
            true => Ok(true),
            false if passed() => Ok(false),
            false => Err(RestoreError::NoCase(id.clone())),
        }
    }

    /// Rows that were passed over and are needed after all: what stands around a case whose view is owed. Asked again
    /// until it answers none, or only what is not there.
    #[must_use]
    pub fn missing(&self) -> Vec<RowKey> {
        let mut missing = Vec::new();
        for stranded in &self.stranded {
            self.missing_around(stranded, &mut missing);
        }
        missing.sort_unstable();
        missing.dedup();
        missing
    }

    fn missing_around(&self, stranded: &CaseId, missing: &mut Vec<RowKey>) {
        let mut root = stranded;
        while let Some(case) = self.cases.get(root) {
            match &case.merged_into {
                Some((into, _)) if into < root => root = into,
                Some(_) | None => break,
            }
        }
        let mut family = vec![root];
        while let Some(id) = family.pop() {
            let Some(case) = self.cases.get(id) else {
                missing.push(RowKey::Case(id.clone()));
                continue;
            };
            // Whoever was merged in is younger, which is what ends this loop.
            family.extend(case.merged_from.iter().map(|record| &record.case).filter(|younger| *younger > id));
            let parts = case.parts.iter().map(|part| (id.tenant.clone(), *part));
            let absent = parts.filter(|part| !self.parts.contains_key(part));
            missing.extend(absent.map(|(tenant, part)| RowKey::Part(tenant, part)));
        }
    }

    /// The engine of these rows. `policy` is what the policy row says.
    pub fn finish(self, seed: u64, policy: Policy, text: Arc<str>) -> Result<Engine, RestoreError> {
        let mut engine = Engine::new(seed, policy, text);
        engine.policy_dirty = self.policy.as_ref() != Some(&engine.policy_row);
        engine.clock = Clock::new(self.clock);
        engine.lists = Held::restore(self.lists, self.list_chunks)?;
        engine.learned = Learned::restore(seed, self.snapshots, self.deltas).ok_or(RestoreError::Learned)?;
        for tenant in self.tenants {
            engine.tenants.sit(tenant);
        }
        engine.restore_cases(self.cases, self.parts)?;
        Ok(engine)
    }
}

impl Engine {
    /// Takes the state of an earlier life back, from rows in any order. `policy` is what the policy row says.
    pub fn restore(
        seed: u64,
        policy: Policy,
        text: Arc<str>,
        rows: impl IntoIterator<Item = StateRow>,
    ) -> Result<Self, RestoreError> {
        let rows: BTreeMap<RowKey, StateRow> = rows.into_iter().map(|row| (row.key(), row)).collect();
        let mut restore = Restore::default();
        let mut passed_over = BTreeMap::new();
        for (key, row) in rows {
            if restore.take(row.clone())? == Taken::PassedOver {
                passed_over.insert(key, row);
            }
        }
        loop {
            let found: Vec<_> = restore.missing().iter().filter_map(|key| passed_over.remove(key)).collect();
            if found.is_empty() {
                return restore.finish(seed, policy, text);
            }
            found.into_iter().for_each(|row| restore.take_missing(row));
        }
    }

    fn restore_cases(
        &mut self,
        mut cases: BTreeMap<CaseId, CaseState>,
        parts: BTreeMap<(Tenant, PartId), PartState>,
    ) -> Result<(), RestoreError> {
        let families = families(&cases)?;
        let mut homes: BTreeMap<CaseId, Vec<PartState>> = BTreeMap::new();
        for part in parts.into_values() {
            homes.entry(part.home.clone()).or_default().push(part);
        }
        for family in families.into_values() {
            let taken = family.iter().filter_map(|id| Some((cases.remove(id)?, homes.remove(id))));
            self.restore_family(taken.collect())?;
        }
        for slot in self.parts.slots().collect::<Vec<_>>() {
            self.know_neighbours(slot);
        }
        Ok(())
    }

    fn restore_family(&mut self, family: Vec<(CaseState, Option<Vec<PartState>>)>) -> Result<(), RestoreError> {
        let mut homes = Vec::with_capacity(family.len());
        for (state, parts) in family {
            let tenant = &state.id.tenant;
            let seat = self.tenants.find(tenant).ok_or_else(|| RestoreError::NoTenant(tenant.clone()))?;
            homes.push(self.restore_home(seat, state, parts.unwrap_or_default())?);
        }
        let Some(root) = homes.iter().copied().find(|home| !self.cases[*home].is_merged()) else { return Ok(()) };
        self.unite(root, homes);
        if self.cases[root].is_cold() {
            self.leaving.insert(root);
            return Ok(());
        }
        for slot in self.parts_of(root).collect::<Vec<_>>() {
            self.list(slot);
            self.dues.extend(self.parts[slot].state.pending.as_ref().map(|pending| (pending.due, slot)));
        }
        self.arm(root);
        Ok(())
    }

    fn restore_home(
        &mut self,
        seat: Seat,
        state: CaseState,
        parts: Vec<PartState>,
    ) -> Result<Slot<Case>, RestoreError> {
        let absent = state.parts.iter().find(|id| parts.iter().all(|part| part.id != **id));
        if let Some(absent) = absent {
            return Err(RestoreError::NoPart { part: absent.0, case: state.id });
        }
        let slot = self.admit(seat, state);
        for part in parts {
            self.settle_part(seat, slot, slot, part);
        }
        Ok(slot)
    }
}

/// Numbers that came in ascending order, as first and last of each unbroken stretch: cold cases mostly follow on one
/// another.
#[derive(Default)]
struct Stretches(Vec<(u64, u64)>);

impl Stretches {
    fn add(&mut self, number: u64) {
        match self.0.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(number) => *last = number,
            Some(_) | None => self.0.push((number, number)),
        }
    }

    fn has(&self, number: u64) -> bool {
        let behind = self.0.partition_point(|(first, _)| *first <= number);
        behind > 0 && number <= self.0[behind - 1].1
    }
}

/// Every case that stands by itself, with all that redirect to it and itself first.
fn families(cases: &BTreeMap<CaseId, CaseState>) -> Result<BTreeMap<CaseId, Vec<CaseId>>, RestoreError> {
    let mut families: BTreeMap<CaseId, Vec<CaseId>> = BTreeMap::new();
    for id in cases.keys() {
        let mut root = id;
        while let Some((into, _)) = &find(cases, root)?.merged_into {
            if into >= root {
                return Err(RestoreError::Redirect(root.clone()));
            }
            root = into;
        }
        families.entry(root.clone()).or_default().push(id.clone());
    }
    Ok(families)
}

fn find<'a>(cases: &'a BTreeMap<CaseId, CaseState>, id: &CaseId) -> Result<&'a CaseState, RestoreError> {
    cases.get(id).ok_or_else(|| RestoreError::NoCase(id.clone()))
}

fn is_cold(case: &CaseState) -> bool {
    !case.status.is_open() && case.closed_watermark.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::case;
    use crate::model::{Band, CaseStatus, EdgeId, Priority, Severity, Timestamp};

    fn case(number: u64, into: Option<u64>) -> CaseState {
        let nothing = Priority { score: 0, band: Band::P4, factors: Vec::new() };
        let id = |number| CaseId { tenant: Tenant::parse("t").unwrap(), number };
        let mut case = case::newborn(id(number), Severity::Low, nothing, Timestamp::default(), None);
        case.status = if into.is_some() { CaseStatus::Merged } else { CaseStatus::Closed };
        case.merged_into = into.map(|into| (id(into), EdgeId(1)));
        case
    }

    #[test]
    fn what_is_cold_is_passed_over_with_all_that_redirects_to_it() {
        let mut restore = Restore::default();
        let mut take = |case| restore.take(StateRow::Case(case));
        let warm = CaseState { closed_watermark: Some(Timestamp::default()), ..case(2, None) };
        assert_eq!(take(case(1, None)), Ok(Taken::PassedOver));
        assert_eq!(take(warm), Ok(Taken::Kept));
        assert_eq!(take(case(3, Some(1))), Ok(Taken::PassedOver));
        assert_eq!(take(case(4, Some(2))), Ok(Taken::Kept));
        assert_eq!(take(case(5, Some(3))), Ok(Taken::PassedOver));
        let (ahead, nowhere) = (case(6, Some(7)), case(8, Some(7)));
        assert_eq!(take(ahead.clone()), Err(RestoreError::Redirect(ahead.id)));
        assert_eq!(take(nowhere), Err(RestoreError::NoCase(case(7, None).id)));
        assert_eq!(restore.cases.len(), 2);
        assert!(restore.missing().is_empty());
    }

    #[test]
    fn a_cold_case_that_owes_a_view_asks_for_its_family() {
        let mut restore = Restore::default();
        let owing = CaseState { seq: 1, ..case(2, Some(1)) };
        restore.take(StateRow::Case(case(1, None))).unwrap();
        assert_eq!(restore.take(StateRow::Case(owing)), Ok(Taken::Kept));
        assert_eq!(restore.missing(), [RowKey::Case(case(1, None).id)]);
        let parts = vec![PartId(4)];
        restore.take_missing(StateRow::Case(CaseState { parts, ..case(1, None) }));
        assert_eq!(restore.missing(), [RowKey::Part(Tenant::parse("t").unwrap(), PartId(4))]);
    }

    #[test]
    fn stretches_know_what_was_added_and_nothing_else() {
        let mut stretches = Stretches::default();
        let added = [1, 2, 3, 7, 9, 10, u64::MAX];
        added.into_iter().for_each(|number| stretches.add(number));
        for number in (0..14).chain([u64::MAX - 1, u64::MAX]) {
            assert_eq!(stretches.has(number), added.contains(&number), "{number}");
        }
        assert_eq!(stretches.0.len(), 4);
    }
}
