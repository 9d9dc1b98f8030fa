//! The passing of wall time, turned into inputs: which partitions no longer hold the watermark back, and how far the
//! watermark rises while nothing arrives at all. Only this file decides when; the engine decides what follows.

use std::time::{Duration, Instant};

use crate::model::{Millis, Timestamp};

/// While everything is idle the watermark is raised this often: each raise is a small transaction.
const ADVANCE_EVERY: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub struct IdleClock {
    idle_after: Duration,
    advance: bool,
    partitions: Vec<Partition>,
    /// When everything became idle, and where the watermark stood then.
    all_idle: Option<(Instant, Timestamp)>,
    advanced_at: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Partition {
    at_end_since: Option<Instant>,
    idle: bool,
}

/// What the passing of time asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tick {
    /// This partition (by its index among the assigned ones) is idle from here on.
    Idle(usize),
    Advance(Timestamp),
}

impl IdleClock {
    #[must_use]
    pub fn new(partitions: usize, idle_after: Duration, advance: bool) -> Self {
        let fresh = Partition { at_end_since: None, idle: false };
        Self { idle_after, advance, partitions: vec![fresh; partitions], all_idle: None, advanced_at: None }
    }

    pub fn records_from(&mut self, partition: usize) {
        self.partitions[partition] = Partition { at_end_since: None, idle: false };
        self.all_idle = None;
        self.advanced_at = None;
    }

    pub fn at_end(&mut self, partition: usize, now: Instant) {
        self.partitions[partition].at_end_since.get_or_insert(now);
    }

    pub fn tick(&mut self, now: Instant, watermark: Timestamp) -> Vec<Tick> {
        let mut ticks = Vec::new();
        for (index, partition) in self.partitions.iter_mut().enumerate() {
            let over = partition.at_end_since.is_some_and(|since| now.duration_since(since) >= self.idle_after);
            if over && !partition.idle {
                partition.idle = true;
                ticks.push(Tick::Idle(index));
            }
        }
        ticks.extend(self.advance_to(now, watermark).map(Tick::Advance));
        ticks
    }

    fn advance_to(&mut self, now: Instant, watermark: Timestamp) -> Option<Timestamp> {
        // Before the first alert there is no event time to advance: the engine's watermark begins at the epoch.
        if !self.advance || watermark <= Timestamp::default() || !self.partitions.iter().all(|partition| partition.idle)
        {
            return None;
        }
        let (began, stood_at) = *self.all_idle.get_or_insert((now, watermark));
        let last = *self.advanced_at.get_or_insert(began);
        if now.duration_since(last) < ADVANCE_EVERY {
            return None;
        }
        self.advanced_at = Some(now);
        let elapsed = i64::try_from(now.duration_since(began).as_millis()).unwrap_or(i64::MAX);
        Some(stood_at.plus(Millis(elapsed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_partition_is_idle_once_until_it_speaks_again() {
        let mut clock = IdleClock::new(2, SECOND, false);
        let start = Instant::now();
        clock.at_end(0, start);
        assert_eq!(clock.tick(start, Timestamp::MIN), []);
        assert_eq!(clock.tick(start + SECOND, Timestamp::MIN), [Tick::Idle(0)]);
        assert_eq!(clock.tick(start + SECOND * 2, Timestamp::MIN), []);
        clock.records_from(0);
        clock.at_end(0, start + SECOND * 3);
        assert_eq!(clock.tick(start + SECOND * 4, Timestamp::MIN), [Tick::Idle(0)]);
    }

    #[test]
    fn the_watermark_rises_with_the_wall_clock_only_while_everything_is_idle() {
        let mut clock = IdleClock::new(1, SECOND, true);
        let start = Instant::now();
        let watermark = Timestamp::from_millis(1_000_000);
        clock.at_end(0, start);
        assert_eq!(clock.tick(start + SECOND, watermark), [Tick::Idle(0)]);
        let later = start + SECOND + ADVANCE_EVERY;
        assert_eq!(clock.tick(later, watermark), [Tick::Advance(Timestamp::from_millis(1_005_000))]);
        assert_eq!(clock.tick(later + SECOND, watermark), []);
        clock.records_from(0);
        assert_eq!(clock.tick(later + ADVANCE_EVERY * 2, watermark), []);
    }

    #[test]
    fn without_an_alert_there_is_no_time_to_advance() {
        let mut clock = IdleClock::new(1, SECOND, true);
        let start = Instant::now();
        clock.at_end(0, start);
        assert_eq!(clock.tick(start + SECOND * 9, Timestamp::default()), [Tick::Idle(0)]);
        assert_eq!(clock.tick(start + SECOND * 60, Timestamp::default()), []);
    }
}
