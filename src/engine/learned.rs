//! What was learned from the stream and belongs to no case: repeats, alert ids, how specific a key is, what
//! each rule does all day on each machine. Packed into
//! rows of many entries: a delta per batch, and snapshots of the hash buckets, written in turn in step with the deltas,
//! both in chunks of bounded size, so that what a restore has to read stays in proportion to what is live.
//!
//! Entries expire by the watermark alone: past it they count as absent at once, and their memory is freed when their
//! bucket's turn comes. So neither the batch size nor a restart can be seen in a verdict.

use std::collections::VecDeque;

use super::index::{Keyed, Table};
use super::{Change, DedupEntry, Habit, IdEntry, KeyStat, LearnedChunk, Policy, RowKey, StateRef, habit, hub};
use crate::model::{KeyHash, Timestamp};

const BUCKETS: usize = 1_024;
/// What the entries of one row may weigh: it stays under the 64 KiB at which the store moves values out of its pages.
/// An entry weighs what it can take as bytes at most, so that the cut depends on nothing but the entries. Only a single
/// record of a key with a hub limit in the thousands is larger.
const CHUNK_BYTES_MAX: usize = 60 * 1024;
const DEDUP_BYTES: usize = 2 * 16 + 4 * 10;
const ID_BYTES: usize = 16 + 11 + 2 * 10 + 1;
const STAT_BYTES: usize = 16 + 1 + 10 + 2 * 3 + 1 + 11;
const HABIT_BYTES: usize = 16 + 10 + 5 + 5 + 10 + 1 + 21 + 1 + habit::HELD_MAX * 35 + 10 + 5 + 5;
const STAT_MACHINE_BYTES: usize = 10;
/// What a bucket costs beside its entries, so that empty ones are not free.
const BUCKET_COST: usize = 8;

pub struct Learned {
    buckets: Vec<Bucket>,
    /// Buckets that the batch touched.
    touched: Vec<u16>,
    /// Whose turn for a snapshot it is.
    next: usize,
    /// Entries of snapshot still to write for the deltas written.
    owed: usize,
    /// Batches whose delta is still there, oldest first, and in how many rows.
    deltas: VecDeque<(u64, u16)>,
    hubs: u64,
}

struct Bucket {
    changed: Changed,
    dedups: Table<DedupEntry>,
    ids: Table<IdEntry>,
    stats: Table<KeyStat>,
    habits: Table<Habit>,
    /// The batch of its last snapshot, and in how many rows that is.
    as_of: u64,
    chunks: u16,
}

/// Hashes of what the batch touched in a bucket, as often as it did. By bucket, because many short lists are sorted in a
/// fraction of the time of a long one.
#[derive(Default)]
struct Changed {
    dedups: Vec<u128>,
    ids: Vec<u128>,
    stats: Vec<KeyHash>,
    habits: Vec<u128>,
}

impl Learned {
    pub fn new(seed: u64) -> Self {
        let buckets = (0..BUCKETS).map(|_| Bucket::new(seed)).collect();
        Self { buckets, touched: Vec::new(), next: 0, owed: 0, deltas: VecDeque::new(), hubs: 0 }
    }

    pub const fn hubs(&self) -> u64 {
        self.hubs
    }

    pub fn dedup(&self, hash: u128, watermark: Timestamp, policy: &Policy) -> Option<&DedupEntry> {
        let entry = self.buckets[bucket_of(hash)].dedups.get(&hash)?;
        entry.is_live(watermark, policy).then_some(entry)
    }

    pub fn id(&self, hash: u128, watermark: Timestamp, policy: &Policy) -> Option<&IdEntry> {
        let entry = self.buckets[bucket_of(hash)].ids.get(&hash)?;
        entry.is_live(watermark, policy).then_some(entry)
    }

    pub fn stat(&self, hash: KeyHash, watermark: Timestamp, policy: &Policy) -> Option<&KeyStat> {
        let stat = self.buckets[bucket_of(hash.0)].stats.get(&hash)?;
        hub::is_live(stat, watermark, policy).then_some(stat)
    }

    pub fn habit(&self, hash: u128, watermark: Timestamp) -> Option<&Habit> {
        let habit = self.buckets[bucket_of(hash)].habits.get(&hash)?;
        habit.is_live(watermark).then_some(habit)
    }

    pub fn put_habit(&mut self, habit: Habit) {
        let bucket = self.touch(habit.hash);
        bucket.changed.habits.push(habit.hash);
        bucket.habits.put(habit);
    }

    pub fn put_dedup(&mut self, entry: DedupEntry) {
        let bucket = self.touch(entry.hash);
        bucket.changed.dedups.push(entry.hash);
        bucket.dedups.put(entry);
    }

    pub fn put_id(&mut self, entry: IdEntry) {
        let bucket = self.touch(entry.hash);
        bucket.changed.ids.push(entry.hash);
        bucket.ids.put(entry);
    }

    pub fn put_stat(&mut self, stat: KeyStat) {
        self.hubs += u64::from(stat.hub);
        let bucket = self.touch(stat.hash.0);
        bucket.changed.stats.push(stat.hash);
        let before = bucket.stats.put(stat);
        self.hubs -= u64::from(before.is_some_and(|before| before.hub));
    }

    /// The key was seen on `machine`; one that is not counted yet stays so. Answers whether it turned hub.
    pub fn touch_stat(&mut self, hash: KeyHash, machine: u64, at: Timestamp, policy: &Policy) -> bool {
        let Some(stat) = self.buckets[bucket_of(hash.0)].stats.get_mut(&hash) else { return false };
        let was = stat.hub;
        let touched = hub::touch(stat, machine, at, policy);
        let is = stat.hub;
        if touched.changed {
            self.touch(hash.0).changed.stats.push(hash);
            self.hubs = self.hubs + u64::from(is) - u64::from(was);
        }
        touched.became_hub
    }

    /// The bucket of what is about to change.
    fn touch(&mut self, hash: u128) -> &mut Bucket {
        let place = bucket_of(hash);
        let bucket = &mut self.buckets[place];
        if bucket.changed.is_empty() {
            self.touched.push(u16::try_from(place).expect("1,024 buckets"));
        }
        bucket
    }

    /// Hands out what batch `batch` changed, and the snapshots that are due with it.
    pub fn seal(&mut self, batch: u64, watermark: Timestamp, policy: &Policy, change: &mut dyn FnMut(Change<'_>)) {
        let delta = self.take_changed();
        for (chunk, entries) in (0_u16..).zip(&delta) {
            change(Change::Save(StateRef::LearnedDelta { batch, chunk, entries }));
        }
        if !delta.is_empty() {
            self.deltas.push_back((batch, u16::try_from(delta.len()).expect("a batch is bounded")));
            self.owed += delta.iter().map(LearnedChunk::len).sum::<usize>();
        }
        for _ in 0..BUCKETS {
            if self.owed == 0 {
                break;
            }
            let written = self.snapshot(batch, watermark, policy, change);
            self.owed = self.owed.saturating_sub(written + BUCKET_COST);
        }
        self.drop_covered(batch, change);
    }

    /// Frees all that has expired, in the rows too: the next seal writes every bucket.
    pub fn forget_all(&mut self, watermark: Timestamp, policy: &Policy) {
        for bucket in &mut self.buckets {
            self.hubs -= bucket.forget(watermark, policy);
            self.owed += bucket.len() + BUCKET_COST;
        }
    }

    /// What the batch changed, in rows of bounded size; no row where nothing was.
    fn take_changed(&mut self) -> Vec<LearnedChunk> {
        let mut touched = std::mem::take(&mut self.touched);
        touched.sort_unstable();
        for place in &touched {
            self.buckets[usize::from(*place)].changed.sort();
        }
        let buckets = || touched.iter().map(|place| &self.buckets[usize::from(*place)]);
        let mut chunks = Chunks::default();
        buckets().for_each(|bucket| bucket.changed_dedups().for_each(|entry| chunks.dedup(entry)));
        buckets().for_each(|bucket| bucket.changed_ids().for_each(|entry| chunks.id(entry)));
        buckets().for_each(|bucket| bucket.changed_stats().for_each(|stat| chunks.stat(stat)));
        buckets().for_each(|bucket| bucket.changed_habits().for_each(|habit| chunks.habit(habit)));
        for place in touched.drain(..) {
            self.buckets[usize::from(place)].changed.clear();
        }
        self.touched = touched;
        chunks.rows
    }

    /// Writes the next bucket whole; answers with how many entries it holds.
    fn snapshot(
        &mut self,
        batch: u64,
        watermark: Timestamp,
        policy: &Policy,
        change: &mut dyn FnMut(Change<'_>),
    ) -> usize {
        let place = self.next;
        self.next = (place + 1) % BUCKETS;
        let bucket = &mut self.buckets[place];
        self.hubs -= bucket.forget(watermark, policy);
        let number = u16::try_from(place).expect("1,024 buckets");
        let rows = bucket.rows();
        for (chunk, entries) in (0_u16..).zip(&rows) {
            change(Change::Save(StateRef::LearnedBucket { bucket: number, chunk, as_of_batch: batch, entries }));
        }
        let chunks = u16::try_from(rows.len()).unwrap_or(u16::MAX);
        for chunk in chunks..bucket.chunks {
            change(Change::Remove(RowKey::LearnedBucket { bucket: number, chunk }));
        }
        (bucket.as_of, bucket.chunks) = (batch, chunks);
        rows.iter().map(LearnedChunk::len).sum()
    }

    /// A delta that every bucket's snapshot includes says nothing new.
    fn drop_covered(&mut self, batch: u64, change: &mut dyn FnMut(Change<'_>)) {
        let oldest = self.buckets.iter().map(|bucket| bucket.as_of).min().unwrap_or(0);
        // A row is never saved and removed in one batch.
        while let Some((batch, chunks)) = self.deltas.pop_front_if(|(delta, _)| *delta <= oldest && *delta < batch) {
            for chunk in 0..chunks {
                change(Change::Remove(RowKey::LearnedDelta { batch, chunk }));
            }
        }
    }

    /// Takes the rows of an earlier life back: snapshots, then what deltas say beyond them.
    pub fn restore(
        seed: u64,
        snapshots: Vec<(u16, u16, u64, LearnedChunk)>,
        mut deltas: Vec<(u64, u16, LearnedChunk)>,
    ) -> Option<Self> {
        let mut learned = Self::new(seed);
        for (number, chunk, as_of, entries) in snapshots {
            let bucket = learned.buckets.get_mut(usize::from(number))?;
            bucket.as_of = as_of;
            bucket.chunks = bucket.chunks.max(chunk.checked_add(1)?);
            learned.take_back(entries, |_| true);
        }
        let as_of: Vec<u64> = learned.buckets.iter().map(|bucket| bucket.as_of).collect();
        deltas.sort_by_key(|(batch, chunk, _)| (*batch, *chunk));
        for (batch, chunk, entries) in deltas {
            learned.take_back(entries, |bucket| batch > as_of[bucket]);
            learned.deltas.pop_back_if(|(known, _)| *known == batch);
            learned.deltas.push_back((batch, chunk.checked_add(1)?));
        }
        for place in std::mem::take(&mut learned.touched) {
            learned.buckets[usize::from(place)].changed.clear();
        }
        learned.next = (0..BUCKETS).min_by_key(|place| (as_of[*place], *place))?;
        Some(learned)
    }

    fn take_back(&mut self, entries: LearnedChunk, wanted: impl Fn(usize) -> bool) {
        let LearnedChunk { dedups, ids, stats, habits } = entries;
        dedups.into_iter().filter(|entry| wanted(bucket_of(entry.hash))).for_each(|entry| self.put_dedup(entry));
        ids.into_iter().filter(|entry| wanted(bucket_of(entry.hash))).for_each(|entry| self.put_id(entry));
        stats.into_iter().filter(|stat| wanted(bucket_of(stat.hash.0))).for_each(|stat| self.put_stat(stat));
        habits.into_iter().filter(|habit| wanted(bucket_of(habit.hash))).for_each(|habit| self.put_habit(habit));
    }
}

impl Changed {
    fn is_empty(&self) -> bool {
        self.dedups.is_empty() && self.ids.is_empty() && self.stats.is_empty() && self.habits.is_empty()
    }

    /// In order and each once.
    fn sort(&mut self) {
        sort_distinct(&mut self.dedups);
        sort_distinct(&mut self.ids);
        sort_distinct(&mut self.stats);
        sort_distinct(&mut self.habits);
    }

    /// The lists keep their room.
    fn clear(&mut self) {
        self.dedups.clear();
        self.ids.clear();
        self.stats.clear();
        self.habits.clear();
    }
}

impl Bucket {
    fn new(seed: u64) -> Self {
        let (dedups, ids) = (Table::new(seed), Table::new(seed));
        let (stats, habits) = (Table::new(seed), Table::new(seed));
        Self { changed: Changed::default(), dedups, ids, stats, habits, as_of: 0, chunks: 0 }
    }

    fn changed_dedups(&self) -> impl Iterator<Item = &DedupEntry> {
        self.changed.dedups.iter().filter_map(|hash| self.dedups.get(hash))
    }

    fn changed_ids(&self) -> impl Iterator<Item = &IdEntry> {
        self.changed.ids.iter().filter_map(|hash| self.ids.get(hash))
    }

    fn changed_stats(&self) -> impl Iterator<Item = &KeyStat> {
        self.changed.stats.iter().filter_map(|hash| self.stats.get(hash))
    }

    fn changed_habits(&self) -> impl Iterator<Item = &Habit> {
        self.changed.habits.iter().filter_map(|hash| self.habits.get(hash))
    }

    fn len(&self) -> usize {
        self.dedups.len() + self.ids.len() + self.stats.len() + self.habits.len()
    }

    /// Frees what has expired; answers with how many of them were hubs.
    fn forget(&mut self, watermark: Timestamp, policy: &Policy) -> u64 {
        let mut hubs = 0;
        self.dedups.retain(|entry| entry.is_live(watermark, policy));
        self.ids.retain(|entry| entry.is_live(watermark, policy));
        self.habits.retain(|habit| habit.is_live(watermark));
        self.stats.retain(|stat| {
            let live = hub::is_live(stat, watermark, policy);
            hubs += u64::from(stat.hub && !live);
            live
        });
        hubs
    }

    /// All entries in rows of bounded size; at least one, because the row also says as of when.
    fn rows(&self) -> Vec<LearnedChunk> {
        let mut chunks = Chunks { rows: vec![LearnedChunk::default()], weight: 0 };
        self.dedups.sorted(|entry| entry.hash).into_iter().for_each(|entry| chunks.dedup(entry));
        self.ids.sorted(|entry| entry.hash).into_iter().for_each(|entry| chunks.id(entry));
        self.stats.sorted(|stat| stat.hash).into_iter().for_each(|stat| chunks.stat(stat));
        self.habits.sorted(|habit| habit.hash).into_iter().for_each(|habit| chunks.habit(habit));
        chunks.rows
    }
}

/// Rows in the making.
#[derive(Default)]
struct Chunks {
    rows: Vec<LearnedChunk>,
    /// Of the last one.
    weight: usize,
}

impl Chunks {
    fn dedup(&mut self, entry: &DedupEntry) {
        self.row_for(DEDUP_BYTES).dedups.push(*entry);
    }

    fn id(&mut self, entry: &IdEntry) {
        self.row_for(ID_BYTES).ids.push(*entry);
    }

    fn stat(&mut self, stat: &KeyStat) {
        let machines = stat.current.len() + stat.previous.len();
        self.row_for(STAT_BYTES + machines * STAT_MACHINE_BYTES).stats.push(stat.clone());
    }

    fn habit(&mut self, habit: &Habit) {
        self.row_for(HABIT_BYTES).habits.push(habit.clone());
    }

    /// The row with room for an entry of this weight.
    fn row_for(&mut self, weight: usize) -> &mut LearnedChunk {
        if self.rows.is_empty() || (self.weight > 0 && self.weight + weight > CHUNK_BYTES_MAX) {
            self.rows.push(LearnedChunk::default());
            self.weight = 0;
        }
        self.weight += weight;
        self.rows.last_mut().expect("there is one now")
    }
}

const fn bucket_of(hash: u128) -> usize {
    (hash >> (u128::BITS - BUCKETS.trailing_zeros())) as usize
}

fn sort_distinct<T: Ord>(list: &mut Vec<T>) {
    list.sort_unstable();
    list.dedup();
}

impl LearnedChunk {
    #[must_use]
    pub fn len(&self) -> usize {
        self.dedups.len() + self.ids.len() + self.stats.len() + self.habits.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Keyed for DedupEntry {
    type Key = u128;

    fn key(&self) -> &u128 {
        &self.hash
    }
}

impl Keyed for IdEntry {
    type Key = u128;

    fn key(&self) -> &u128 {
        &self.hash
    }
}

impl Keyed for Habit {
    type Key = u128;

    fn key(&self) -> &u128 {
        &self.hash
    }
}

impl Keyed for KeyStat {
    type Key = KeyHash;

    fn key(&self) -> &KeyHash {
        &self.hash
    }
}

impl DedupEntry {
    fn is_live(&self, watermark: Timestamp, policy: &Policy) -> bool {
        self.last_at.plus(policy.dedup_window) >= watermark
    }

    /// Whether an alert of this event time repeats the one counted here: near enough to any sighting, and not so far
    /// from the first that a steady drizzle would be one alert for ever.
    pub(super) fn covers(&self, at: Timestamp, policy: &Policy) -> bool {
        let (first, last) = (self.first_at, self.last_at);
        let near = first.minus(policy.dedup_window) <= at && at <= last.plus(policy.dedup_window);
        near && at <= first.plus(policy.dedup_window_max)
    }
}

impl IdEntry {
    fn is_live(&self, watermark: Timestamp, policy: &Policy) -> bool {
        self.at.plus(policy.alert_id_window) >= watermark
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::engine::StateRow;
    use crate::model::{AlertId, PartId};

    /// Rows as the store would hold them.
    #[derive(Default)]
    struct Rows(BTreeMap<RowKey, StateRow>);

    impl Rows {
        fn seal(&mut self, learned: &mut Learned, batch: u64, watermark: Timestamp) {
            learned.seal(batch, watermark, &Policy::default(), &mut |change| match change {
                Change::Save(row) => drop(self.0.insert(row.key(), row.to_row())),
                Change::Remove(key) => assert!(self.0.remove(&key).is_some(), "{key:?} was there"),
            });
        }

        fn restore(&self) -> Learned {
            let (mut snapshots, mut deltas) = (Vec::new(), Vec::new());
            for row in self.0.values().cloned() {
                match row {
                    StateRow::LearnedDelta { batch, chunk, entries } => deltas.push((batch, chunk, entries)),
                    StateRow::LearnedBucket { bucket, chunk, as_of_batch, entries } => {
                        snapshots.push((bucket, chunk, as_of_batch, entries));
                    }
                    other => panic!("not learned: {other:?}"),
                }
            }
            Learned::restore(3, snapshots, deltas).unwrap()
        }

        fn deltas(&self) -> usize {
            self.0.keys().filter(|key| matches!(key, RowKey::LearnedDelta { .. })).count()
        }
    }

    fn hash(number: u64) -> u128 {
        u128::from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 64 | u128::from(number)
    }

    fn entry(number: u64, at: i64) -> DedupEntry {
        let at = Timestamp::from_millis(at);
        DedupEntry { hash: hash(number), alert: AlertId(1), part: PartId(number), first_at: at, last_at: at, count: 0 }
    }

    #[test]
    fn rows_give_back_what_was_learned_at_every_batch() {
        let (mut learned, mut rows, now) = (Learned::new(1), Rows::default(), Timestamp::default());
        for batch in 1..60 {
            for number in 0..400 {
                // Some are new, some are known and moved on.
                learned.put_dedup(entry(batch * 300 + number, i64::try_from(batch).unwrap()));
            }
            rows.seal(&mut learned, batch, now);
            let restored = rows.restore();
            for number in (0..batch * 300 + 400).step_by(37) {
                let get = |learned: &Learned| learned.dedup(hash(number), now, &Policy::default()).copied();
                assert_eq!(get(&restored), get(&learned), "entry {number} after batch {batch}");
            }
        }
        assert!(rows.deltas() < 59, "snapshots went round and made deltas needless");
    }

    #[test]
    fn a_large_delta_is_cut_into_rows_that_come_and_go_together() {
        let (mut learned, mut rows, now) = (Learned::new(1), Rows::default(), Timestamp::default());
        for number in 0..5_000 {
            learned.put_dedup(entry(number, 1));
            let cases: Vec<u64> = (0..9).collect();
            let (hash, kind) = (KeyHash(hash(number)), crate::model::KeyKind::PublicIp);
            learned.put_stat(KeyStat {
                hash,
                kind,
                half_began: now,
                current: cases.clone(),
                previous: cases,
                hub: true,
                hub_until: None,
            });
        }
        rows.seal(&mut learned, 1, now);
        let weight = |row: &LearnedChunk| row.dedups.len() * DEDUP_BYTES + row.stats.len() * (STAT_BYTES + 180);
        assert!(rows.deltas() > 10);
        for row in rows.0.values() {
            let StateRow::LearnedDelta { entries, .. } = row else { continue };
            assert!(weight(entries) <= CHUNK_BYTES_MAX, "{} entries", entries.len());
        }
        let mut restored = rows.restore();
        for batch in 2..40 {
            for learned in [&mut learned, &mut restored] {
                (0..400).for_each(|number| learned.put_dedup(entry(batch * 10_000 + number, 1)));
            }
            let mut copy = Rows(rows.0.clone());
            rows.seal(&mut learned, batch, now);
            copy.seal(&mut restored, batch, now);
            assert_eq!(copy.0, rows.0, "a restart writes and removes the same rows");
        }
        assert!(rows.0.keys().all(|key| !matches!(key, RowKey::LearnedDelta { batch: 1, .. })), "covered by snapshots");
    }

    #[test]
    fn what_has_expired_leaves_memory_and_rows() {
        let (mut learned, mut rows) = (Learned::new(1), Rows::default());
        for number in 0..20_000 {
            learned.put_dedup(entry(number, 0));
        }
        rows.seal(&mut learned, 1, Timestamp::default());
        let later = Timestamp::from_millis(100_000_000);
        assert_eq!(learned.dedup(hash(7), later, &Policy::default()), None, "absent at once");
        for batch in 2..40 {
            for number in 0..1_000 {
                learned.put_dedup(entry(1_000_000 + number, 100_000_000));
            }
            rows.seal(&mut learned, batch, later);
        }
        let kept: usize = learned.buckets.iter().map(|bucket| bucket.dedups.len()).sum();
        assert_eq!(kept, 1_000);
        assert!(rows.deltas() < 30);
    }
}
