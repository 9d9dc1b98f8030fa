//! When the view of a case is published: at once if none was lately, else when the interval is over, and always the last
//! one. A case with ten thousand alerts does not write ten thousand views.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use hashbrown::HashMap;

use crate::model::CaseId;

#[derive(Debug)]
pub struct ViewSchedule {
    interval: Duration,
    /// When each case's last view went out, and whether another one is owed; forgotten once the interval is over.
    cases: HashMap<CaseId, Slot, foldhash::fast::RandomState>,
    due: BinaryHeap<Reverse<(Instant, CaseId)>>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    owed: bool,
}

impl ViewSchedule {
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        Self { interval, cases: HashMap::default(), due: BinaryHeap::new() }
    }

    /// The case changed. Answers whether its view is to go out now; if not, it is owed.
    pub fn touch(&mut self, case: &CaseId, now: Instant) -> bool {
        match self.cases.get_mut(case) {
            Some(slot) => {
                slot.owed = true;
                false
            }
            None => {
                self.published(case.clone(), now);
                true
            }
        }
    }

    /// A view is owed from before the start.
    pub fn owe(&mut self, case: CaseId, now: Instant) {
        self.cases.insert(case.clone(), Slot { owed: true });
        self.due.push(Reverse((now, case)));
    }

    /// The cases whose owed view may go out now; each counts as published.
    pub fn take_due(&mut self, now: Instant) -> Vec<CaseId> {
        let mut out = Vec::new();
        while self.due.peek().is_some_and(|Reverse((at, _))| *at <= now) {
            let Some(Reverse((_, case))) = self.due.pop() else { break };
            if self.cases.remove(&case).is_some_and(|slot| slot.owed) {
                out.push(case);
            }
        }
        for case in &out {
            self.published(case.clone(), now);
        }
        out
    }

    /// Everything owed, whatever the time: before a stop.
    pub fn take_all(&mut self) -> Vec<CaseId> {
        self.due.clear();
        let mut out: Vec<CaseId> = self.cases.drain().filter(|(_, slot)| slot.owed).map(|(case, _)| case).collect();
        out.sort();
        out
    }

    /// When the next owed view is due.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        self.due.peek().map(|Reverse((at, _))| *at)
    }

    fn published(&mut self, case: CaseId, now: Instant) {
        self.cases.insert(case.clone(), Slot { owed: false });
        self.due.push(Reverse((now + self.interval, case)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Tenant;

    fn case(number: u64) -> CaseId {
        CaseId { tenant: Tenant::parse("t").unwrap(), number }
    }

    #[test]
    fn the_first_change_goes_out_at_once_and_the_last_one_always_does() {
        let second = Duration::from_secs(1);
        let mut schedule = ViewSchedule::new(second);
        let start = Instant::now();
        assert!(schedule.touch(&case(1), start));
        assert!(!schedule.touch(&case(1), start));
        assert!(!schedule.touch(&case(1), start));
        assert_eq!(schedule.take_due(start), []);
        assert_eq!(schedule.take_due(start + second), [case(1)]);
        assert_eq!(schedule.take_due(start + second * 2), []);
        assert!(schedule.touch(&case(1), start + second * 3));
    }

    #[test]
    fn a_stop_takes_what_is_owed_and_nothing_else() {
        let mut schedule = ViewSchedule::new(Duration::from_secs(1));
        let start = Instant::now();
        schedule.touch(&case(2), start);
        schedule.touch(&case(1), start);
        schedule.touch(&case(1), start);
        schedule.owe(case(9), start);
        assert_eq!(schedule.take_all(), [case(1), case(9)]);
        assert_eq!(schedule.next_due(), None);
    }
}
