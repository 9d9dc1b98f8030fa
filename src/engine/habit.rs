//! What fires all day. Each rule has a habit on each machine: in which hours of the last day it fired there, and how
//! often. What fires in hour after hour says nothing about whatever else happens on that machine, so it gathers in a
//! roll-up of its own; when it suddenly is much louder than usual, it counts again.
//!
//! An alert that nothing but its machine holds to a case sits in a part of its own for that rule and hour, so that it
//! can go to the roll-up when its rule turns out to be background.

use std::sync::Arc;

use smallvec::SmallVec;

use super::case::Case;
use super::correlate::Arrival;
use super::form::Why;
use super::part::Part;
use super::slab::Slot;
use super::{EdgeKind, EdgeStands, Engine, Flood, Habit, HeldHour, PartKind, PartState, Policy, RolledUp, Turn};
use crate::model::{AlertId, EdgeId, EdgeView, EventKind, PartedBy, Severity, Timestamp};

/// Hours of a rule whose held parts are remembered: as many as it takes to be found background.
pub const HELD_MAX: usize = 4;
const HOURS_OF_DAY: i64 = 24;
const HOUR_MILLIS: i64 = 3_600_000;
/// How much an hour counts in the mean.
const MEAN_SHARE: i64 = 4;

impl Habit {
    fn new(hash: u128, hour: i64, hours_needed: u8) -> Self {
        Self {
            hash,
            hour,
            hours: 1,
            count: 0,
            mean_milli: 0,
            hours_needed,
            roll_up: None,
            held: Vec::new(),
            flood: Flood::default(),
        }
    }

    /// One more alert in `hour`.
    fn fire(&mut self, hour: i64) {
        let passed = hour - self.hour;
        if passed > 0 {
            self.turn(passed);
            self.hour = hour;
        } else if passed > -HOURS_OF_DAY {
            self.hours |= 1 << -passed;
        }
        self.count = self.count.saturating_add(u32::from(passed >= 0));
    }

    fn turn(&mut self, passed: i64) {
        if passed >= HOURS_OF_DAY {
            (self.hours, self.mean_milli) = (1, 0);
        } else {
            self.hours = ((self.hours << passed) | 1) & ((1 << HOURS_OF_DAY) - 1);
            let (last, mean) = (i64::from(self.count) * 1_000, self.mean_milli.cast_signed());
            let mean = if mean == 0 { last } else { mean + (last - mean).div_euclid(MEAN_SHARE) };
            self.mean_milli = mean.cast_unsigned();
        }
        self.count = 0;
    }

    /// Whether it fires all day, and no louder than it does.
    fn is_background(&self, policy: &Policy) -> bool {
        self.hours.count_ones() >= u32::from(self.hours_needed) && !self.is_burst(policy)
    }

    fn is_burst(&self, policy: &Policy) -> bool {
        let usual = u64::from(policy.burst_factor).saturating_mul(self.mean_milli);
        self.count > policy.burst_count && u64::from(self.count) * 1_000 > usual
    }

    pub(super) fn is_live(&self, watermark: Timestamp) -> bool {
        (self.hour + HOURS_OF_DAY + 1) * HOUR_MILLIS > watermark.millis()
    }

    /// Whether an hour stands out of the others that are remembered.
    fn stands_out(held: &[HeldHour], place: usize, policy: &Policy) -> bool {
        let others =
            held.iter().enumerate().filter(|(other, _)| *other != place).map(|(_, hour)| u64::from(hour.count));
        let (sum, count) = (others.clone().sum::<u64>(), u64::from(held[place].count));
        count > u64::from(policy.burst_count) && count * others.count() as u64 > u64::from(policy.burst_factor) * sum
    }
}

pub fn hour_of(at: Timestamp) -> i64 {
    at.millis().div_euclid(HOUR_MILLIS)
}

impl Engine {
    /// Counts the alert among what its rule does on its machine. Answers whether that is background; when it turns out
    /// to be, what nothing but the machine held goes to its roll-up.
    pub(super) fn note_habit(&mut self, turn: &mut Turn<'_>, arrival: &Arrival) -> bool {
        if arrival.alert.correlation.exclude {
            return false;
        }
        let mut habit = self.habit_of(arrival);
        habit.fire(hour_of(arrival.at()));
        let background = habit.is_background(&self.policy) && arrival.alert.severity < Severity::Critical;
        if background && !habit.held.is_empty() {
            self.evict(turn, &mut habit, arrival);
        }
        self.learned.put_habit(habit);
        background
    }

    pub(super) fn habit_of(&self, arrival: &Arrival) -> Habit {
        let (hash, hour) = (arrival.habit, hour_of(arrival.at()));
        let known = self.learned.habit(hash, self.clock.state.watermark).cloned();
        known.unwrap_or_else(|| Habit::new(hash, hour, self.hours_needed(arrival)))
    }

    /// What begins late is less likely to be the everyday noise of a place than what is there from the start.
    fn hours_needed(&self, arrival: &Arrival) -> u8 {
        let began = self.tenants.began_at(arrival.seat).unwrap_or(arrival.at());
        let known = hour_of(arrival.at()) - hour_of(began);
        if known >= i64::from(self.policy.background_hours) {
            self.policy.background_hours_late
        } else {
            self.policy.background_hours
        }
    }

    fn evict(&mut self, turn: &mut Turn<'_>, habit: &mut Habit, arrival: &Arrival) {
        let held = std::mem::take(&mut habit.held);
        let mut cases: SmallVec<[Slot<Case>; 4]> = SmallVec::new();
        let by = PartedBy::Background { rule: Arc::clone(&arrival.alert.rule.name) };
        for (place, hour) in held.iter().enumerate() {
            if Habit::stands_out(&held, place, &self.policy) {
                continue;
            }
            if let Some((part, case, edge)) = self.let_fall(arrival, hour, &held) {
                let (rolled, drawn) = self.roll_up_into(habit, arrival, part);
                let drawn = drawn.into_iter().collect();
                self.emit(turn, case, EventKind::Unlinked { edges: vec![edge], drawn, by: by.clone() });
                cases.push(case);
                cases.extend(rolled);
            }
        }
        cases.sort_unstable_by_key(|case| self.cases[*case].number());
        cases.dedup();
        if !cases.is_empty() {
            self.reform(turn, &cases, &Why { by, comment: None });
        }
    }

    /// Takes the edge away that holds the part to its machine's. A case that is nothing else stays what it is.
    fn let_fall(
        &mut self,
        arrival: &Arrival,
        hour: &HeldHour,
        held: &[HeldHour],
    ) -> Option<(Slot<Part>, Slot<Case>, EdgeId)> {
        let part = self.part_of(arrival.seat, hour.part)?;
        let case = self.parts[part].case;
        let main = self.part_of(arrival.seat, hour.by)?;
        let at = self.edge_between(part, main).filter(|at| self.edge_holds(*at))?;
        let falls = |part: &PartState| held.iter().any(|hour| hour.part == part.id);
        let stays = self.states_of(case).any(|part| !part.is_empty() && !falls(part));
        if !self.cases[case].is_open() || !stays {
            return None;
        }
        self.edge_mut(at).stands = EdgeStands::Undone;
        Some((part, case, self.edge(at).id))
    }

    /// The part becomes the roll-up, or hangs on the one that is there; answers the case of that one, and what holds it
    /// there.
    fn roll_up_into(
        &mut self,
        habit: &mut Habit,
        arrival: &Arrival,
        part: Slot<Part>,
    ) -> (Option<Slot<Case>>, Option<EdgeView>) {
        let rolled = self.roll_up_of(habit, arrival);
        if rolled == Some(part) {
            return (None, None);
        }
        self.parts[part].state.kind = PartKind::RollUp;
        self.soil_part(part);
        match rolled {
            Some(rolled) => {
                let at = match self.edge_between(part, rolled) {
                    Some(at) => at,
                    None => self.draw(part, rolled, EdgeKind::Background, EdgeStands::Holds, None),
                };
                (Some(self.parts[rolled].case), Some(self.edge_view(at)))
            }
            None => {
                habit.roll_up = Some(RolledUp { part: self.parts[part].state.id, last_at: arrival.at() });
                (None, None)
            }
        }
    }

    /// The roll-up that still takes alerts.
    fn roll_up_of(&self, habit: &Habit, arrival: &Arrival) -> Option<Slot<Part>> {
        let RolledUp { part, last_at } = habit.roll_up?;
        let part = self.warm_part(arrival.seat, part)?;
        let quiet = arrival.at().since(last_at) > self.policy.roll_up_quiet;
        (!quiet && self.is_part_open(part)).then_some(part)
    }

    /// The roll-up that the alert goes to, if there is one already.
    pub(super) fn standing_roll_up(&mut self, arrival: &Arrival) -> Option<Slot<Part>> {
        let mut habit = self.habit_of(arrival);
        let part = self.roll_up_of(&habit, arrival)?;
        let rolled = habit.roll_up.as_mut()?;
        rolled.last_at = rolled.last_at.max(arrival.at());
        self.learned.put_habit(habit);
        Some(part)
    }

    pub(super) fn begin_roll_up(&mut self, arrival: &Arrival, part: Slot<Part>) {
        let mut habit = self.habit_of(arrival);
        habit.roll_up = Some(RolledUp { part: self.parts[part].state.id, last_at: arrival.at() });
        self.learned.put_habit(habit);
    }

    /// The part that holds this hour of the alert's rule beside `main`, if there is one.
    pub(super) fn standing_held(&mut self, arrival: &Arrival, main: Slot<Part>) -> Option<Slot<Part>> {
        let mut habit = self.habit_of(arrival);
        let (last, hour) = (habit.held.last_mut()?, hour_of(arrival.at()));
        let part = self.part_of(arrival.seat, last.part)?;
        if last.hour != hour || self.is_same_case(part, main).is_none() || self.parts[part].state.kind != PartKind::Held
        {
            return None;
        }
        last.count = last.count.saturating_add(1);
        self.learned.put_habit(habit);
        Some(part)
    }

    /// Where a repeat of what is in `part` counts: beside it, with its hour, where nothing but the machine holds it. So it
    /// can go to the roll-up with what else its rule does. Answers the part, and whether the repeat is counted already.
    pub(super) fn repeated_in(
        &mut self,
        turn: &mut Turn<'_>,
        arrival: &Arrival,
        part: Slot<Part>,
        original: AlertId,
    ) -> (Slot<Part>, bool) {
        let open = self.is_part_open(part) && !arrival.alert.correlation.exclude;
        let main = match self.parts[part].state.kind {
            PartKind::Gathered => Some(part),
            PartKind::Held => self.gathering(part),
            PartKind::RollUp => None,
        };
        let Some(main) = main.filter(|main| open && !self.holds_beyond_machine(arrival, *main)) else {
            return (part, false);
        };
        if let Some(held) = self.standing_held(arrival, main) {
            return (held, false);
        }
        if self.part_count(self.parts[main].case) >= self.policy.parts_per_case_max as usize {
            return (part, false);
        }
        let (held, _) = self.hold_beside(arrival, main);
        self.parts[held].state.top = (arrival.alert.severity, Arc::clone(&arrival.alert.title));
        self.tell_first_repeat(turn, arrival, held, original);
        (held, true)
    }

    /// Remembers that `part` holds this hour beside `main`.
    pub(super) fn note_held(&mut self, arrival: &Arrival, part: Slot<Part>, main: Slot<Part>) {
        let mut habit = self.habit_of(arrival);
        let (part, by) = (self.parts[part].state.id, self.parts[main].state.id);
        habit.held.push(HeldHour { part, by, hour: hour_of(arrival.at()), count: 1 });
        if habit.held.len() > HELD_MAX {
            habit.held.remove(0);
        }
        self.learned.put_habit(habit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fired(hours: impl IntoIterator<Item = i64>) -> Habit {
        let mut hours = hours.into_iter();
        let mut habit = Habit::new(1, hours.next().unwrap_or(0), 4);
        habit.fire(habit.hour);
        hours.for_each(|hour| habit.fire(hour));
        habit
    }

    #[test]
    fn four_hours_of_a_day_are_background() {
        let policy = Policy::default();
        assert!(!fired([0, 1, 2]).is_background(&policy));
        assert!(fired([0, 1, 2, 9]).is_background(&policy));
        assert!(!fired([0, 1, 2, 26]).is_background(&policy), "the first three are more than a day ago");
        assert!(fired([5, 6, 3, 4]).is_background(&policy), "whatever the order");
    }

    #[test]
    fn a_burst_gives_the_power_back() {
        let policy = Policy::default();
        let mut habit = fired([0, 1, 2, 3, 4]);
        for _ in 0..21 {
            habit.fire(5);
        }
        assert!(!habit.is_background(&policy));
        habit.fire(6);
        assert!(habit.is_background(&policy));
    }
}
