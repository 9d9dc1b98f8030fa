//! What time it is: the shard's clock, which only ever rises, and the watermark, below which no alert is still
//! expected. Both are moved by inputs alone.

use super::{ClockState, PartitionClock};
use crate::model::{Millis, Origin, Timestamp};

pub struct Clock {
    pub state: ClockState,
    pub dirty: bool,
    /// The partition of the last alert: the next one most likely comes from there too.
    last: usize,
}

impl Clock {
    pub const fn new(state: ClockState) -> Self {
        Self { state, dirty: false, last: 0 }
    }

    /// The time of the next event. It never goes back, so a late record's events carry the time of the one before.
    pub fn tick(&mut self, at: Timestamp) {
        if at > self.state.now {
            self.state.now = at;
            self.dirty = true;
        }
    }

    /// An alert of this event time came from `origin`.
    pub fn seen(&mut self, origin: &Origin, at: Timestamp, lateness: Millis) {
        let partition = self.partition(origin, at);
        if at > partition.high || partition.idle {
            partition.high = partition.high.max(at);
            partition.idle = false;
            self.dirty = true;
            self.follow(lateness);
        }
    }

    /// This partition will be read: nothing is known of its times yet.
    pub fn expect(&mut self, origin: &Origin) {
        if let Err(place) = self.find(origin) {
            let high = Timestamp::MIN;
            let clock = PartitionClock { topic: origin.topic.clone(), partition: origin.partition, high, idle: false };
            self.state.partitions.insert(place, clock);
            self.dirty = true;
        }
    }

    /// This partition waits at its end: the watermark no longer waits for it. One never heard of holds nothing back.
    pub fn idle(&mut self, origin: &Origin, lateness: Millis) {
        if let Ok(place) = self.find(origin) {
            self.state.partitions[place].idle = true;
            self.dirty = true;
            self.follow(lateness);
        }
    }

    pub fn advance(&mut self, watermark: Timestamp) {
        if watermark > self.state.watermark {
            self.state.watermark = watermark;
            self.dirty = true;
        }
        self.tick(watermark);
    }

    /// The slowest partition that is still moving decides.
    fn follow(&mut self, lateness: Millis) {
        let moving = self.state.partitions.iter().filter(|partition| !partition.idle);
        if let Some(high) = moving.map(|partition| partition.high).min() {
            self.state.watermark = self.state.watermark.max(high.minus(lateness));
        }
    }

    fn partition(&mut self, origin: &Origin, at: Timestamp) -> &mut PartitionClock {
        let place = self.find(origin).unwrap_or_else(|place| {
            let clock =
                PartitionClock { topic: origin.topic.clone(), partition: origin.partition, high: at, idle: true };
            self.state.partitions.insert(place, clock);
            place
        });
        self.last = place;
        &mut self.state.partitions[place]
    }

    fn find(&self, origin: &Origin) -> Result<usize, usize> {
        let same = |clock: &PartitionClock| clock.partition == origin.partition && clock.topic == origin.topic;
        if self.state.partitions.get(self.last).is_some_and(same) {
            return Ok(self.last);
        }
        let wanted = (&origin.topic, origin.partition);
        self.state.partitions.binary_search_by(|clock| (&clock.topic, clock.partition).cmp(&wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TopicName;

    fn origin(partition: i32) -> Origin {
        Origin { topic: TopicName::new("alerts"), partition, offset: 0, index: 0 }
    }

    fn watermark_after(steps: &[(i32, i64)], idle: &[i32]) -> i64 {
        let mut clock = Clock::new(ClockState::default());
        for &(partition, at) in steps {
            clock.seen(&origin(partition), Timestamp::from_millis(at), Millis(10));
        }
        for &partition in idle {
            clock.idle(&origin(partition), Millis(10));
        }
        clock.state.watermark.millis()
    }

    #[test]
    fn the_slowest_partition_that_moves_holds_the_watermark() {
        assert_eq!(watermark_after(&[(0, 100)], &[]), 90);
        assert_eq!(watermark_after(&[(1, 50), (0, 100)], &[]), 40);
        assert_eq!(watermark_after(&[(1, 50), (0, 100)], &[1]), 90);
        assert_eq!(watermark_after(&[(1, 50), (0, 100)], &[1, 0]), 90, "all idle: it stays");
    }

    #[test]
    fn a_partition_that_is_expected_holds_the_watermark_until_it_speaks() {
        let mut clock = Clock::new(ClockState::default());
        clock.expect(&origin(1));
        clock.seen(&origin(0), Timestamp::from_millis(100), Millis(10));
        assert_eq!(clock.state.watermark.millis(), 0);
        clock.seen(&origin(1), Timestamp::from_millis(60), Millis(10));
        assert_eq!(clock.state.watermark.millis(), 50);
    }

    #[test]
    fn the_watermark_never_goes_back() {
        assert_eq!(watermark_after(&[(0, 100), (1, 20), (0, 60)], &[]), 90);
    }

    #[test]
    fn partitions_are_sorted_however_they_come() {
        let mut clock = Clock::new(ClockState::default());
        for partition in [3, 0, 2, 1] {
            clock.seen(&origin(partition), Timestamp::from_millis(1), Millis(0));
        }
        let order: Vec<i32> = clock.state.partitions.iter().map(|clock| clock.partition).collect();
        assert_eq!(order, [0, 1, 2, 3]);
    }
}
