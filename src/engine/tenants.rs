//! Tenants and their counters: cases, parts and edges are numbered per tenant, in the order of the inputs.

use std::collections::BTreeMap;

use super::TenantState;
use crate::model::{CaseId, EdgeId, NoiseId, PartId, Tenant, Timestamp};

/// A tenant's place in memory. Never part of an effect or a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seat(pub u32);

#[derive(Default)]
pub struct Tenants {
    seats: BTreeMap<Tenant, Seat>,
    states: Vec<TenantState>,
    dirty: Vec<bool>,
}

impl Tenants {
    pub fn find(&self, tenant: &Tenant) -> Option<Seat> {
        self.seats.get(tenant).copied()
    }

    /// The tenant's seat, its first one if it was never heard of. `wire` bounds how many there can be.
    pub fn seat(&mut self, tenant: &Tenant) -> Seat {
        self.find(tenant).unwrap_or_else(|| {
            self.sit(TenantState {
                tenant: tenant.clone(),
                next_case: 1,
                next_part: 1,
                next_edge: 1,
                next_rule: 1,
                began_at: None,
            })
        })
    }

    pub fn sit(&mut self, state: TenantState) -> Seat {
        let seat = Seat(u32::try_from(self.states.len()).expect("tenants are bounded"));
        self.seats.insert(state.tenant.clone(), seat);
        self.states.push(state);
        self.dirty.push(false);
        seat
    }

    pub fn name(&self, seat: Seat) -> &Tenant {
        &self.states[seat.0 as usize].tenant
    }

    /// The place of each seat's name in the order of all names.
    pub fn ranks(&self) -> Vec<u32> {
        let mut ranks = vec![0; self.states.len()];
        for (rank, seat) in (0..).zip(self.seats.values()) {
            ranks[seat.0 as usize] = rank;
        }
        ranks
    }

    /// An alert of this event time came; the first one is when the tenant began.
    pub fn heard(&mut self, seat: Seat, at: Timestamp) {
        let state = &mut self.states[seat.0 as usize];
        if state.began_at.is_none() {
            state.began_at = Some(at);
            self.dirty[seat.0 as usize] = true;
        }
    }

    pub fn began_at(&self, seat: Seat) -> Option<Timestamp> {
        self.states[seat.0 as usize].began_at
    }

    /// Whether a case of this number was ever opened.
    pub fn knows(&self, case: &CaseId) -> bool {
        self.find(&case.tenant).is_some_and(|seat| (1..self.states[seat.0 as usize].next_case).contains(&case.number))
    }

    pub fn next_case(&mut self, seat: Seat) -> CaseId {
        let tenant = self.name(seat).clone();
        CaseId { tenant, number: self.take(seat, |state| &mut state.next_case) }
    }

    pub fn next_part(&mut self, seat: Seat) -> PartId {
        PartId(self.take(seat, |state| &mut state.next_part))
    }

    pub fn next_edge(&mut self, seat: Seat) -> EdgeId {
        EdgeId(self.take(seat, |state| &mut state.next_edge))
    }

    pub fn next_rule(&mut self, seat: Seat) -> NoiseId {
        NoiseId(self.take(seat, |state| &mut state.next_rule))
    }

    fn take(&mut self, seat: Seat, counter: impl Fn(&mut TenantState) -> &mut u64) -> u64 {
        self.dirty[seat.0 as usize] = true;
        let next = counter(&mut self.states[seat.0 as usize]);
        *next += 1;
        *next - 1
    }

    /// Hands out what changed, in the order of the names.
    pub fn seal(&mut self, mut save: impl FnMut(&TenantState)) {
        for seat in self.seats.values() {
            if std::mem::take(&mut self.dirty[seat.0 as usize]) {
                save(&self.states[seat.0 as usize]);
            }
        }
    }
}
