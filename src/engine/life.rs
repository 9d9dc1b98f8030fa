//! What the passing of event time does: counts are told, quiet cases expire, closed ones turn cold. In the order in
//! which each fell due, so that a jump of the watermark is told like a walk.
//!
//! One input brings about so much of it and no more, or the first alert after a weekend would end a hundred thousand
//! cases in one transaction. What is left is due still at the next input, in the same order, after a restart too. Until
//! its turn comes a case is open, and an alert that meets it puts it off.

use super::case::Case;
use super::part::Part;
use super::slab::Slot;
use super::{Effects, Engine, PartState, Turn};
use crate::model::{CaseStatus, EventKind, Millis, PartId, Severity, Tenant, Timestamp};

/// What an alert may bring about beside itself, of counts told and of cases changed. More than an alert can add to what
/// will be due, so that arrears are caught up with.
const PER_ALERT_MAX: usize = 4;
/// The same for the passing of time, which comes every few seconds.
const PER_TICK_MAX: usize = 10_000;

impl Engine {
    pub(super) fn pass_time_with_alert(&mut self, effects: &mut Effects) {
        self.pass_time(effects, PER_ALERT_MAX);
    }

    pub(super) fn tick(&mut self, effects: &mut Effects) {
        self.pass_time(effects, PER_TICK_MAX);
    }

    fn pass_time(&mut self, effects: &mut Effects, most: usize) {
        let watermark = self.clock.state.watermark;
        let due = |first: Option<Timestamp>| first.is_some_and(|first| first <= watermark);
        if !self.ripe_dues.is_empty() || due(self.dues.first().map(|due| due.0)) {
            self.tell_due(&mut Turn::of_time(effects), most);
        }
        if !self.ripe.is_empty() || due(self.timers.first().map(|timer| timer.0)) {
            self.ring(&mut Turn::of_time(effects), most);
        }
    }

    fn tell_due(&mut self, turn: &mut Turn<'_>, most: usize) {
        let watermark = self.clock.state.watermark;
        while let Some((due, slot)) = self.dues.pop_first_if_le(watermark) {
            let part = &self.parts[slot].state;
            self.ripe_dues.insert((due, part.tenant.clone(), part.id, slot));
        }
        for _ in 0..most {
            let Some((.., slot)) = self.ripe_dues.pop_first() else { break };
            self.tell_part(turn, slot);
        }
    }

    /// Timers are set once and put off lazily: each that rings is asked when it is really due.
    fn ring(&mut self, turn: &mut Turn<'_>, most: usize) {
        let mut left = most;
        loop {
            self.ripen();
            if left == 0 {
                break;
            }
            let Some((due, _, slot)) = self.ripe.pop_first() else { break };
            self.cases[slot].ripe = None;
            if self.due(slot) != Some(due) {
                self.arm(slot);
                continue;
            }
            left -= 1;
            if self.cases[slot].is_open() {
                self.expire(turn, slot);
            } else {
                self.cool(turn, slot);
            }
        }
    }

    /// What is due stands in the order in which it fell due.
    fn ripen(&mut self) {
        let watermark = self.clock.state.watermark;
        while let Some((_, slot)) = self.timers.pop_first_if_le(watermark) {
            self.cases[slot].timer = None;
            match self.due(slot) {
                Some(due) if due <= watermark => {
                    self.cases[slot].ripe = Some(due);
                    self.ripe.insert((due, self.cases[slot].state.id.clone(), slot));
                }
                Some(_) | None => self.arm(slot),
            }
        }
    }

    /// When time alone will change the case next.
    fn due(&self, slot: Slot<Case>) -> Option<Timestamp> {
        let case = &self.cases[slot];
        let last_at = self.states_of(slot).map(PartState::active_at).max()?;
        match case.state.status {
            CaseStatus::Merged => None,
            CaseStatus::Closed => case.state.closed_watermark.map(|closed| self.cools_at(closed.max(last_at))),
            // A person has to look at these.
            _ if case.state.severity >= Severity::High => None,
            CaseStatus::New
            | CaseStatus::Triage
            | CaseStatus::Investigating
            | CaseStatus::Containing
            | CaseStatus::Recovering => {
                let since = case.state.closed_watermark.map_or(last_at, |again| again.max(last_at));
                Some(since.plus(self.policy.quiet))
            }
        }
    }

    /// Not before the last repeat of any of its alerts can be recognised, so that a repeat can always name its case.
    fn cools_at(&self, closed: Timestamp) -> Timestamp {
        closed.plus(self.cools_after())
    }

    /// How long a closed case stays within reach of alerts.
    #[must_use]
    pub fn cools_after(&self) -> Millis {
        let spans = [self.policy.reopen_window, self.policy.alert_id_window, self.policy.dedup_window_max];
        spans.into_iter().max().unwrap_or_default()
    }

    /// Whether alerts can still reach the part: its case is open, or closed not so long ago.
    #[must_use]
    pub fn is_warm(&self, tenant: &Tenant, part: PartId) -> bool {
        self.tenants.find(tenant).is_some_and(|seat| self.warm_part(seat, part).is_some())
    }

    /// Sets the case's timer to when it is due now.
    pub(super) fn arm(&mut self, slot: Slot<Case>) {
        self.disarm(slot);
        let due = self.due(slot);
        self.cases[slot].timer = due;
        if let Some(due) = due {
            self.timers.insert((due, slot));
        }
    }

    pub(super) fn disarm(&mut self, slot: Slot<Case>) {
        let case = &mut self.cases[slot];
        if let Some(timer) = case.timer.take() {
            self.timers.remove(&(timer, slot));
        }
        if let Some(ripe) = case.ripe.take() {
            self.ripe.remove(&(ripe, case.state.id.clone(), slot));
        }
    }

    /// The part's counts are told, or are gone with it.
    pub(super) fn cancel_due(&mut self, slot: Slot<Part>, due: Timestamp) {
        if !self.dues.remove(&(due, slot)) && !self.ripe_dues.is_empty() {
            let part = &self.parts[slot].state;
            self.ripe_dues.remove(&(due, part.tenant.clone(), part.id, slot));
        }
    }

    fn expire(&mut self, turn: &mut Turn<'_>, slot: Slot<Case>) {
        self.emit(turn, slot, EventKind::Expired { quiet: self.policy.quiet });
        self.shut(slot);
    }

    /// The case is closed from here on; its keys still reach it for the re-open window.
    pub(super) fn shut(&mut self, slot: Slot<Case>) {
        let (now, watermark) = (self.clock.state.now, self.clock.state.watermark);
        self.set_status(slot, CaseStatus::Closed);
        let state = &mut self.cases[slot].state;
        state.closed_at = Some(now);
        state.resolved_at = Some(now);
        state.closed_watermark = Some(watermark);
        self.arm(slot);
    }

    /// The case is open again, and in triage, because somebody has to look what came back.
    pub(super) fn unshut(&mut self, turn: &mut Turn<'_>, slot: Slot<Case>) {
        let (was_cold, watermark) = (self.cases[slot].is_cold(), self.clock.state.watermark);
        self.set_status(slot, CaseStatus::Triage);
        let state = &mut self.cases[slot].state;
        (state.closed_at, state.resolved_at, state.closed_watermark) = (None, None, Some(watermark));
        if was_cold {
            self.come_back(turn, slot);
        }
        self.arm(slot);
    }

    /// Alerts can meet the case's keys again. Those that it had may be gone: only its rows stay for ever.
    pub(super) fn come_back(&mut self, turn: &mut Turn<'_>, slot: Slot<Case>) {
        self.tell_turned(turn, slot);
        let parts: Vec<_> = self.parts_of(slot).collect();
        parts.into_iter().for_each(|part| self.relist(part));
    }

    fn tell_turned(&self, turn: &mut Turn<'_>, slot: Slot<Case>) {
        turn.effects.turned.extend(self.states_of(slot).map(|part| (part.tenant.clone(), part.id)));
    }

    /// Nothing but a command will reach it any more. That is a fact of its row, not of memory, so a restart under
    /// another policy finds the same cases cold.
    fn cool(&mut self, turn: &mut Turn<'_>, slot: Slot<Case>) {
        self.tell_turned(turn, slot);
        self.cases[slot].state.closed_watermark = None;
        self.soil_case(slot);
        let parts: Vec<_> = self.parts_of(slot).collect();
        parts.into_iter().for_each(|part| self.unlist(part));
        self.leaving.insert(slot);
    }
}

/// Taking what is due from the front of an ordered set.
trait PopDue<T> {
    fn pop_first_if_le(&mut self, watermark: Timestamp) -> Option<(Timestamp, T)>;
}

impl<T: Copy + Ord> PopDue<T> for std::collections::BTreeSet<(Timestamp, T)> {
    fn pop_first_if_le(&mut self, watermark: Timestamp) -> Option<(Timestamp, T)> {
        let first = *self.first()?;
        if first.0 > watermark {
            return None;
        }
        self.pop_first()
    }
}
