//! Learned state: many small entries in one row.

use serde::{Deserialize, Serialize};

use crate::engine::{Flood, Habit, HeldHour, KeyStat, LearnedChunk, RolledUp};
use crate::model::{KeyHash, PartId, Timestamp};
use crate::store::RowError;
use crate::store::v1::codes;
use crate::store::v1::learned::{DedupV1, IdV1};
use crate::store::v1::state::at;

#[derive(Serialize, Deserialize)]
pub struct ChunkV2 {
    /// Zero in a delta, whose batch is in its key.
    as_of_batch: u64,
    dedups: Vec<DedupV1>,
    ids: Vec<IdV1>,
    stats: Vec<StatV2>,
    habits: Vec<HabitV2>,
}

#[derive(Serialize, Deserialize)]
struct StatV2 {
    hash: [u8; 16],
    kind: u8,
    half_began: i64,
    current: Vec<u64>,
    previous: Vec<u64>,
    hub: bool,
    hub_until: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct HabitV2 {
    hash: [u8; 16],
    hour: i64,
    hours: u32,
    count: u32,
    mean_milli: u64,
    hours_needed: u8,
    roll_up: Option<(u64, i64)>,
    held: Vec<(u64, u64, i64, u32)>,
    flood: (i64, u32, u32),
}

impl ChunkV2 {
    pub fn of(as_of_batch: u64, chunk: &LearnedChunk) -> Self {
        Self {
            as_of_batch,
            dedups: chunk.dedups.iter().map(DedupV1::of).collect(),
            ids: chunk.ids.iter().map(IdV1::of).collect(),
            stats: chunk.stats.iter().map(StatV2::of).collect(),
            habits: chunk.habits.iter().map(HabitV2::of).collect(),
        }
    }

    pub fn back(self) -> Result<(u64, LearnedChunk), RowError> {
        let chunk = LearnedChunk {
            dedups: self.dedups.into_iter().map(DedupV1::back).collect(),
            ids: self.ids.into_iter().map(IdV1::back).collect(),
            stats: self.stats.into_iter().map(StatV2::back).collect::<Result<_, _>>()?,
            habits: self.habits.into_iter().map(HabitV2::back).collect(),
        };
        Ok((self.as_of_batch, chunk))
    }
}

impl StatV2 {
    fn of(stat: &KeyStat) -> Self {
        Self {
            hash: stat.hash.0.to_be_bytes(),
            kind: stat.kind as u8,
            half_began: stat.half_began.millis(),
            current: stat.current.clone(),
            previous: stat.previous.clone(),
            hub: stat.hub,
            hub_until: stat.hub_until.map(Timestamp::millis),
        }
    }

    fn back(self) -> Result<KeyStat, RowError> {
        Ok(KeyStat {
            hash: KeyHash(u128::from_be_bytes(self.hash)),
            kind: codes::key_kind(self.kind)?,
            half_began: at(self.half_began),
            current: self.current,
            previous: self.previous,
            hub: self.hub,
            hub_until: self.hub_until.map(at),
        })
    }
}

impl HabitV2 {
    fn of(habit: &Habit) -> Self {
        let held = |hour: &HeldHour| (hour.part.0, hour.by.0, hour.hour, hour.count);
        Self {
            hash: habit.hash.to_be_bytes(),
            hour: habit.hour,
            hours: habit.hours,
            count: habit.count,
            mean_milli: habit.mean_milli,
            hours_needed: habit.hours_needed,
            roll_up: habit.roll_up.map(|rolled| (rolled.part.0, rolled.last_at.millis())),
            held: habit.held.iter().map(held).collect(),
            flood: (habit.flood.began.millis(), habit.flood.count, habit.flood.before),
        }
    }

    fn back(self) -> Habit {
        let held = |(part, by, hour, count): (u64, u64, i64, u32)| HeldHour {
            part: PartId(part),
            by: PartId(by),
            hour,
            count,
        };
        let rolled = |(part, last): (u64, i64)| RolledUp { part: PartId(part), last_at: at(last) };
        Habit {
            hash: u128::from_be_bytes(self.hash),
            hour: self.hour,
            hours: self.hours,
            count: self.count,
            mean_milli: self.mean_milli,
            hours_needed: self.hours_needed,
            roll_up: self.roll_up.map(rolled),
            held: self.held.into_iter().map(held).collect(),
            flood: Flood { began: at(self.flood.0), count: self.flood.1, before: self.flood.2 },
        }
    }
}
