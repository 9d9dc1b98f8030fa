//! What the passing of event time does: counts are told, quiet cases expire, closed ones turn cold. In the order in
//! which each fell due, so that a jump of the watermark is told like a walk.

use super::case::Case;
use super::slab::Slot;
use super::{Effects, Engine, PartState, Turn};
use crate::model::{CaseStatus, EventKind, Millis, PartId, Severity, Tenant, Timestamp};

impl Engine {
    pub(super) fn pass_time(&mut self, effects: &mut Effects) {
        let watermark = self.clock.state.watermark;
        let due = |first: Option<Timestamp>| first.is_some_and(|first| first <= watermark);
        if due(self.dues.first().map(|due| due.0)) {
            self.tell_due(&mut Turn::of_time(effects));
        }
        if due(self.timers.first().map(|timer| timer.0)) {
            self.ring(&mut Turn::of_time(effects));
        }
    }

    fn tell_due(&mut self, turn: &mut Turn<'_>) {
        let watermark = self.clock.state.watermark;
        let due: Vec<_> = self.dues.iter().copied().take_while(|(due, _)| *due <= watermark).collect();
        let name = |(due, slot)| {
            let part = &self.parts[slot].state;
            (due, part.tenant.clone(), part.id, slot)
        };
        let mut due: Vec<_> = due.into_iter().map(name).collect();
        due.sort_unstable();
        for (_, _, _, slot) in due {
            self.tell_part(turn, slot);
        }
    }

    /// Timers are set once and put off lazily: each that rings is asked when it is really due.
    fn ring(&mut self, turn: &mut Turn<'_>) {
        let watermark = self.clock.state.watermark;
        let mut ripe = Vec::new();
        while let Some((_, slot)) = self.timers.pop_first_if_le(watermark) {
            self.cases[slot].timer = None;
            match self.due(slot) {
                Some(due) if due <= watermark => ripe.push((due, self.cases[slot].state.id.clone(), slot)),
                Some(_) | None => self.arm(slot),
            }
        }
        ripe.sort_unstable();
        for (_, _, slot) in ripe {
            if self.cases[slot].is_open() {
                self.expire(turn, slot);
            } else {
                self.cool(turn, slot);
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
        let due = self.due(slot);
        let before = std::mem::replace(&mut self.cases[slot].timer, due);
        if let Some(before) = before {
            self.timers.remove(&(before, slot));
        }
        if let Some(due) = due {
            self.timers.insert((due, slot));
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
