//! When counts are told. A repeat changes a number and nothing else, so it waits: until anything else happens in its
//! case, until too many distinct alerts wait, or until the watermark has moved on far enough.

use super::case::Case;
use super::correlate::Arrival;
use super::part::Part;
use super::slab::Slot;
use super::{Engine, Pending, Turn};
use crate::model::{Actor, AlertId, Begun, EventKind, Tally, Timestamp};

impl Engine {
    /// One more repeat of `alert` in `slot`.
    pub(super) fn count_repeat(&mut self, turn: &mut Turn<'_>, slot: Slot<Part>, alert: AlertId, at: Timestamp) {
        if self.parts[slot].state.is_pending_full(alert) {
            self.tell_case(turn, self.parts[slot].case);
        }
        let due = self.wait_for_telling(slot);
        self.parts[slot].state.repeat(alert, at, due);
    }

    /// One more alert of a case that is past its hard cap.
    pub(super) fn count_rolled_up(&mut self, slot: Slot<Part>, at: Timestamp) {
        let due = self.wait_for_telling(slot);
        self.parts[slot].state.roll_up(at, due);
    }

    fn wait_for_telling(&mut self, slot: Slot<Part>) -> Timestamp {
        self.soil_part(slot);
        let part = &self.parts[slot];
        if let Some(pending) = &part.state.pending {
            return pending.due;
        }
        let due = self.clock.state.watermark.plus(self.policy.repeat_told_after);
        self.dues.insert((due, slot));
        self.cases[part.case].pending += 1;
        due
    }

    /// Tells everything that was counted in the case, older parts first.
    pub(super) fn tell_case(&mut self, turn: &mut Turn<'_>, case: Slot<Case>) {
        if self.cases[case].pending == 0 {
            return;
        }
        let mut slots: Vec<_> = self.parts_of(case).filter(|slot| self.parts[*slot].state.pending.is_some()).collect();
        slots.sort_unstable_by_key(|slot| self.parts[*slot].state.id);
        for slot in slots {
            self.tell_counts(turn, slot);
        }
        self.weigh_told(turn, case);
    }

    pub(super) fn tell_part(&mut self, turn: &mut Turn<'_>, slot: Slot<Part>) {
        self.tell_counts(turn, slot);
        self.weigh_told(turn, self.parts[slot].case);
    }

    fn tell_counts(&mut self, turn: &mut Turn<'_>, slot: Slot<Part>) {
        let Some(pending) = self.parts[slot].state.pending.take() else { return };
        self.cancel_due(slot, pending.due);
        self.soil_part(slot);
        let (case, part) = (self.parts[slot].case, self.parts[slot].state.id);
        self.cases[case].pending -= 1;
        let Pending { repeats, rolled_up, rolled_first_at, rolled_last_at, .. } = pending;
        if !repeats.is_empty() {
            let repeats = self.tally(slot, repeats);
            let repeated = EventKind::AlertRepeated { part, begins: None, repeats };
            self.publish(turn, case, Actor::Engine, repeated);
        }
        if rolled_up > 0 {
            self.parts[slot].state.span(rolled_first_at, rolled_last_at);
            let (count, first_at, last_at) = (rolled_up, rolled_first_at, rolled_last_at);
            self.publish(turn, case, Actor::Engine, EventKind::AlertsRolledUp { part, count, first_at, last_at });
        }
    }

    /// A repeat that begins a part of its own is counted and told at once.
    pub(super) fn tell_first_repeat(
        &mut self,
        turn: &mut Turn<'_>,
        arrival: &Arrival,
        slot: Slot<Part>,
        original: AlertId,
    ) {
        let Part { case, state, .. } = &self.parts[slot];
        let (case, part) = (*case, state.id);
        let Some(edge) = state.edges.first().map(|edge| edge.view(part)) else { return };
        let (severity, title) = state.top.clone();
        let begins = Some(Box::new(Begun { edge, severity, title }));
        let at = arrival.at();
        let repeats = vec![Tally { alert: original, count: 1, first_at: at, last_at: at }];
        self.emit(turn, case, EventKind::AlertRepeated { part, begins, repeats });
        self.parts[slot].state.duplicates += 1;
        self.soil_part(slot);
        // A repeat may be of another severity than what it repeats.
        self.reassess(turn, case);
    }

    fn tally(&mut self, slot: Slot<Part>, repeats: Vec<(AlertId, u64, Timestamp, Timestamp)>) -> Vec<Tally> {
        let tally = |(alert, count, first_at, last_at)| {
            self.parts[slot].state.span(first_at, last_at);
            Tally { alert, count, first_at, last_at }
        };
        repeats.into_iter().map(tally).collect()
    }
}
