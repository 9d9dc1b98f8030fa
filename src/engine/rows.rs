//! State out to rows. A batch saves each row it changed once, in the order of their names. Cold cases live in rows alone,
//! until a command asks for one; `restore` takes the others back.

use super::case::Case;
use super::part::Part;
use super::slab::Slot;
use super::{CaseState, Change, Engine, Input, RowKey, StateRef, StateRow};
use crate::model::{CaseId, CommandKind};

impl Engine {
    /// Hands out every row that changed since the last seal, once each, and lets go of what is cold.
    pub fn seal(&mut self, batch: u64, change: &mut dyn FnMut(Change<'_>)) {
        self.sweep();
        if std::mem::take(&mut self.clock.dirty) {
            change(Change::Save(StateRef::Clock(&self.clock.state)));
        }
        if std::mem::take(&mut self.policy_dirty) {
            change(Change::Save(StateRef::Policy(&self.policy_row)));
        }
        self.lists.seal(change);
        self.tenants.seal(|tenant| change(Change::Save(StateRef::Tenant(tenant))));
        let ranks = self.tenants.ranks();
        self.save_cases(&ranks, change);
        self.save_parts(&ranks, change);
        self.learned.seal(batch, self.clock.state.watermark, &self.policy, change);
        self.let_leave();
    }

    fn save_cases(&mut self, ranks: &[u32], change: &mut dyn FnMut(Change<'_>)) {
        let (mut slots, cases) = (std::mem::take(&mut self.dirty_cases), &mut self.cases);
        let name = |slot: Slot<Case>| (ranks[cases[slot].tenant.0 as usize], cases[slot].number());
        for (_, _, slot) in by_name(&mut slots, name) {
            cases[slot].dirty = false;
            change(Change::Save(StateRef::Case(&cases[slot].state)));
        }
        self.dirty_cases = slots;
    }

    fn save_parts(&mut self, ranks: &[u32], change: &mut dyn FnMut(Change<'_>)) {
        let (mut slots, parts) = (std::mem::take(&mut self.dirty_parts), &mut self.parts);
        let name = |slot: Slot<Part>| (ranks[parts[slot].tenant.0 as usize], parts[slot].state.id.0);
        for (_, _, slot) in by_name(&mut slots, name) {
            (parts[slot].dirty, parts[slot].swept) = (false, false);
            change(Change::Save(StateRef::Part(&parts[slot].state)));
        }
        self.dirty_parts = slots;
    }

    /// The hash of the case's last event; zeros before its first.
    #[must_use]
    pub fn audit_head(&self, case: &CaseId) -> [u8; 32] {
        self.find_case(case).map_or([0; 32], |slot| self.cases[slot].state.audit_head)
    }

    /// The shell computed the hash of the case's last event.
    pub fn chained(&mut self, case: &CaseId, audit_head: [u8; 32]) {
        if let Some(slot) = self.find_case(case) {
            self.cases[slot].state.audit_head = audit_head;
            self.soil_case(slot);
        }
    }

    /// The case's present view goes out with this batch.
    pub fn viewed(&mut self, case: &CaseId) {
        if let Some(slot) = self.find_case(case) {
            let state = &mut self.cases[slot].state;
            state.view_seq = state.seq;
            self.soil_case(slot);
        }
    }

    /// Cases whose last view was not published: what a restart has to make good.
    #[must_use]
    pub fn owed_views(&self) -> Vec<CaseId> {
        let owing = self.cases.slots().filter(|slot| self.cases[*slot].owes_view());
        let mut ids: Vec<CaseId> = owing.map(|slot| self.cases[slot].state.id.clone()).collect();
        ids.sort_unstable();
        ids
    }

    /// Cases with events since the last call.
    pub fn touched(&mut self) -> Vec<CaseId> {
        let ranks = self.tenants.ranks();
        let (mut slots, cases) = (std::mem::take(&mut self.touched), &mut self.cases);
        let name = |slot: Slot<Case>| (ranks[cases[slot].tenant.0 as usize], cases[slot].number());
        let named = by_name(&mut slots, name);
        self.touched = slots;
        let told = named.into_iter().map(|(_, _, slot)| {
            cases[slot].touched = false;
            cases[slot].state.id.clone()
        });
        told.collect()
    }

    /// The cold rows that this input needs. Asked again after `Input::Cold`, until it answers none: a case's row says
    /// which parts it has, and which cases are merged into it.
    #[must_use]
    pub fn needs(&self, input: &Input) -> Vec<RowKey> {
        let Input::Command(command) = input else { return Vec::new() };
        let mut missing = Vec::new();
        match self.find_case(&command.case) {
            Some(slot) if self.cases[slot].is_cold() => self.missing_of(slot, &mut missing),
            Some(_) => {}
            None => missing.extend(self.tenants.knows(&command.case).then(|| RowKey::Case(command.case.clone()))),
        }
        if let CommandKind::Merge { other } | CommandKind::UndoMerge { other, .. } = &command.kind {
            let cold = self.find_case(other).is_none() && self.tenants.knows(other);
            missing.extend(cold.then(|| RowKey::Case(other.clone())));
        }
        missing.sort_unstable();
        missing.dedup();
        missing
    }

    fn missing_of(&self, slot: Slot<Case>, missing: &mut Vec<RowKey>) {
        let case = &self.cases[slot];
        let tenant = &case.state.id.tenant;
        let absent = case.state.parts.iter().filter(|part| self.part_slots.get(&(case.tenant, **part)).is_none());
        missing.extend(absent.map(|part| RowKey::Part(tenant.clone(), *part)));
        for record in &case.state.merged_from {
            match self.find_case(&record.case) {
                Some(merged) => self.missing_of(merged, missing),
                None => missing.push(RowKey::Case(record.case.clone())),
            }
        }
    }

    /// Takes cold rows in as guests, for one command. What is resident already is newer than its row.
    pub(super) fn welcome(&mut self, rows: Vec<StateRow>) {
        let mut parts = Vec::new();
        for row in rows {
            match row {
                StateRow::Case(state) => self.welcome_case(state),
                StateRow::Part(part) => parts.push(part),
                StateRow::Clock(_)
                | StateRow::Policy(_)
                | StateRow::Lists(_)
                | StateRow::ListChunk { .. }
                | StateRow::LearnedDelta { .. }
                | StateRow::LearnedBucket { .. }
                | StateRow::Tenant(_) => {}
            }
        }
        let mut welcomed = Vec::new();
        for part in parts {
            let Some(seat) = self.tenants.find(&part.tenant) else { continue };
            let known = self.part_slots.get(&(seat, part.id)).is_some();
            if let Some(home) = self.find_case(&part.home).filter(|_| !known) {
                welcomed.push(self.settle_part(seat, home, home, part));
            }
        }
        welcomed.into_iter().for_each(|part| self.know_neighbours(part));
        let guests: Vec<_> = self.leaving.iter().copied().filter(|slot| self.cases[*slot].is_cold()).collect();
        guests.into_iter().for_each(|slot| self.gather(slot));
    }

    fn welcome_case(&mut self, state: CaseState) {
        let Some(seat) = self.tenants.find(&state.id.tenant) else { return };
        if self.find_case(&state.id).is_none() {
            let slot = self.admit(seat, state);
            self.leaving.insert(slot);
        }
    }

    /// A cold case and the cases merged into it, as far as they are here.
    fn gather(&mut self, root: Slot<Case>) {
        let mut homes = vec![root];
        let mut next = 0;
        while let Some(home) = homes.get(next).copied() {
            let records = &self.cases[home].state.merged_from;
            let merged: Vec<_> = records.iter().filter_map(|record| self.find_case(&record.case)).collect();
            homes.extend(merged);
            next += 1;
        }
        self.unite(root, homes);
    }

    pub(super) fn unite(&mut self, root: Slot<Case>, homes: Vec<Slot<Case>>) {
        (self.cases[root].alerts, self.cases[root].pending) = (0, 0);
        for home in &homes {
            let parts = &self.parts;
            self.cases[*home].parts.sort_unstable_by_key(|part| parts[*part].state.id);
            self.count_home(*home, root);
        }
        self.cases[root].homes = homes.into();
    }

    /// Cold cases go as soon as their rows are saved and their last views are out; guests that a command opened stay.
    fn let_leave(&mut self) {
        if self.keeps_cold {
            return;
        }
        for slot in self.leaving.iter().copied().collect::<Vec<_>>() {
            if !self.leaving.contains(&slot) {
                continue;
            }
            let owing = self.cases[slot].homes.iter().any(|home| self.is_busy(*home));
            if self.cases[slot].is_cold() && !owing {
                self.dismiss(slot);
            } else if self.cases[slot].is_open() {
                self.leaving.remove(&slot);
            } else if self.cases[slot].is_merged() && !self.is_busy(slot) {
                self.dismiss_redirect(slot);
            }
        }
    }

    fn is_busy(&self, slot: Slot<Case>) -> bool {
        self.cases[slot].owes_view() || self.cases[slot].touched || self.cases[slot].dirty
    }

    /// Where a case counts it among its own it stays with that one; else it came alone to answer a command, and the
    /// survivor may have come alone as well.
    fn dismiss_redirect(&mut self, slot: Slot<Case>) {
        if self.root_of(slot).is_some_and(|root| self.cases[root].homes.contains(&slot)) {
            self.leaving.remove(&slot);
        } else {
            self.dismiss(slot);
        }
    }

    /// The case that a redirect leads to in the end, if all on the way are here.
    fn root_of(&self, slot: Slot<Case>) -> Option<Slot<Case>> {
        let mut root = slot;
        while let Some((into, _)) = &self.cases[root].state.merged_into {
            root = self.find_case(into)?;
        }
        Some(root)
    }

    fn dismiss(&mut self, root: Slot<Case>) {
        let parts: Vec<_> = self.parts_of(root).collect();
        for slot in parts {
            self.forget_neighbours(slot);
            self.forget_who(slot);
            if let Some(part) = self.parts.remove(slot) {
                let seat = self.cases[part.home].tenant;
                self.part_slots.remove(&(seat, part.state.id));
            }
        }
        for slot in self.cases[root].homes.clone() {
            self.leaving.remove(&slot);
            self.disarm(slot);
            if let Some(case) = self.cases.remove(slot) {
                self.case_slots.remove(&(case.tenant, case.state.id.number));
                self.by_status[case.state.status as usize] -= 1;
            }
        }
    }
}

/// Empties the list, in the order of the rows' names: the tenant's rank, then the number.
fn by_name<T>(slots: &mut Vec<Slot<T>>, name: impl Fn(Slot<T>) -> (u32, u64)) -> Vec<(u32, u64, Slot<T>)> {
    let named = slots.drain(..).map(|slot| {
        let (tenant, number) = name(slot);
        (tenant, number, slot)
    });
    let mut named: Vec<_> = named.collect();
    named.sort_unstable();
    named
}
