//! A resident case: its row, and what follows from the rows of its parts and is therefore stored nowhere.

use smallvec::SmallVec;

use super::CaseState;
use super::part::Part;
use super::slab::Slot;
use super::tenants::Seat;
use crate::model::{CaseId, CaseStatus, Priority, Severity, Timestamp};

pub struct Case {
    pub state: CaseState,
    pub tenant: Seat,
    /// The parts at home here, oldest first.
    pub parts: SmallVec<[Slot<Part>; 2]>,
    /// The cases whose parts count here, itself first: more than one after merges. Just itself while it is merged.
    pub homes: SmallVec<[Slot<Case>; 2]>,
    /// Alerts of all its homes' parts; the caps look at this.
    pub alerts: u64,
    /// How many of those parts have something untold.
    pub pending: u32,
    /// Its place among the timers.
    pub timer: Option<Timestamp>,
    /// Its place among what is due already.
    pub ripe: Option<Timestamp>,
    pub dirty: bool,
    /// It has events that the shell has not been told of.
    pub touched: bool,
}

impl Case {
    pub fn new(tenant: Seat, state: CaseState) -> Self {
        let (parts, homes) = (SmallVec::new(), SmallVec::new());
        Self {
            state,
            tenant,
            parts,
            homes,
            alerts: 0,
            pending: 0,
            timer: None,
            ripe: None,
            dirty: false,
            touched: false,
        }
    }

    pub const fn number(&self) -> u64 {
        self.state.id.number
    }

    pub const fn is_open(&self) -> bool {
        self.state.status.is_open()
    }

    pub fn is_merged(&self) -> bool {
        self.state.status == CaseStatus::Merged
    }

    /// Closed so long that only a command can still reach it.
    pub fn is_cold(&self) -> bool {
        self.state.status == CaseStatus::Closed && self.state.closed_watermark.is_none()
    }

    pub fn owes_view(&self) -> bool {
        self.state.view_seq < self.state.seq
    }
}

pub fn newborn(
    id: CaseId,
    severity: Severity,
    priority: Priority,
    now: Timestamp,
    follows: Option<CaseId>,
) -> CaseState {
    CaseState {
        id,
        seq: 0,
        audit_head: [0; 32],
        view_seq: 0,
        status: CaseStatus::New,
        status_before_merge: None,
        verdict: None,
        owner: None,
        team: None,
        severity,
        priority,
        opened_at: now,
        acknowledged_at: None,
        contained_at: None,
        resolved_at: None,
        closed_at: None,
        closed_watermark: None,
        follows,
        merged_into: None,
        merged_from: Vec::new(),
        kept_apart: Vec::new(),
        related: Vec::new(),
        overflowed: false,
        parts: Vec::new(),
    }
}
