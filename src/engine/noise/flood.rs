//! Floods: so many new alerts of one rule on one machine that telling each of them says nothing more. They are counted
//! in the part that they would be in, until the rate falls. What would bring anything new comes whole: another part or
//! case, a new rule, a higher severity, whatever is critical.
//!
//! The rate is that of a sliding window, estimated from two windows that lie side by side.

use crate::engine::correlate::{Arrival, Placed};
use crate::engine::habit::hour_of;
use crate::engine::part::Part;
use crate::engine::score::Reach;
use crate::engine::slab::Slot;
use crate::engine::{Engine, PartKind, Turn};
use crate::model::{Millis, Outcome, Severity, Timestamp};

/// New alerts of one rule on one machine in this window and the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flood {
    pub began: Timestamp,
    pub count: u32,
    pub before: u32,
}

impl Flood {
    fn fire(&mut self, at: Timestamp, window: Millis) {
        let began = Timestamp::from_millis(at.millis().div_euclid(window.0) * window.0);
        let passed = began.since(self.began);
        if passed > Millis(0) {
            self.before = if passed == window { self.count } else { 0 };
            (self.began, self.count) = (began, 0);
        }
        // What comes late is as much of the flood as the rest.
        self.count = self.count.saturating_add(1);
    }

    /// Alerts in the window that ends with `at`, taking those before as evenly spread.
    fn rate(&self, at: Timestamp, window: Millis) -> u64 {
        let into = at.since(self.began).0.clamp(0, window.0);
        let left = u64::from(self.before) * (window.0 - into).unsigned_abs() / window.0.unsigned_abs();
        u64::from(self.count) + left
    }
}

impl Engine {
    /// One more new alert of its rule on its machine.
    pub(in crate::engine) fn note_flood(&mut self, arrival: &Arrival) {
        if !arrival.alert.correlation.exclude {
            let mut habit = self.habit_of(arrival);
            habit.flood.fire(arrival.at(), self.policy.flood_window);
            self.learned.put_habit(habit);
        }
    }

    pub(in crate::engine) fn is_flood(&self, arrival: &Arrival) -> bool {
        let habit = self.learned.habit(arrival.habit, self.clock.state.watermark);
        let rate = habit.map_or(0, |habit| habit.flood.rate(arrival.at(), self.policy.flood_window));
        arrival.alert.severity < Severity::Critical && rate > u64::from(self.policy.flood_count)
    }

    /// The part that the alert is only counted in, if it is one more of a flood and brings nothing new.
    pub(in crate::engine) fn flooded(
        &mut self,
        arrival: &Arrival,
        reach: &Reach,
        kin: Option<Slot<Part>>,
    ) -> Option<Slot<Part>> {
        let kin = kin.filter(|_| self.is_flood(arrival))?;
        let case = self.parts[kin].case;
        let mut strong = reach.strong(self.policy.attach_permille).filter(|candidate| candidate.open);
        let joins = strong.any(|candidate| candidate.case != case);
        let part = self.held_now(arrival, kin).unwrap_or(kin);
        (!joins && !self.parts[part].is_exemplar(&arrival.alert)).then_some(part)
    }

    /// Where its rule's alerts of this hour are, if nothing but the machine holds them.
    fn held_now(&self, arrival: &Arrival, main: Slot<Part>) -> Option<Slot<Part>> {
        let habit = self.learned.habit(arrival.habit, self.clock.state.watermark)?;
        let last = habit.held.last().filter(|last| last.hour == hour_of(arrival.at()))?;
        let part = self.part_of(arrival.seat, last.part)?;
        let there = self.parts[part].state.kind == PartKind::Held && self.is_same_case(part, main).is_some();
        there.then_some(part)
    }

    pub(in crate::engine) fn count_flood(
        &mut self,
        turn: &mut Turn<'_>,
        arrival: &Arrival,
        part: Slot<Part>,
    ) -> Placed {
        self.count_rolled_up(part, arrival.at());
        self.register(turn, part, arrival);
        Placed { outcome: Outcome::RolledUp, part, link: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_window() {
        let (mut flood, window) = (Flood::default(), Millis::from_mins(10));
        let minute = |minute: i64| Timestamp::from_millis(minute * 60_000);
        for at in 0..10 {
            (0..6).for_each(|_| flood.fire(minute(at), window));
        }
        assert_eq!(flood.rate(minute(9), window), 60);
        flood.fire(minute(10), window);
        assert_eq!(flood.rate(minute(10), window), 61);
        assert_eq!(flood.rate(minute(15), window), 31);
        flood.fire(minute(40), window);
        assert_eq!(flood.rate(minute(40), window), 1);
    }
}
