//! What the stream taught: which reports and ids were seen, and which keys touch too many cases to mean anything.
//!
//! The entries sit in buckets by hash. A batch saves the entries it changed as one row, and a few whole buckets in turn, so
//! that the rows of old batches can go: a row per entry would cost more than everything else together. Expiry follows from
//! the watermark alone: an entry past it counts as absent, and is dropped when its bucket is written.

use std::collections::VecDeque;

use super::index::Index;
use super::{DedupEntry, IdEntry, KeyStat, LearnedChunk, Policy, RowKey, StateRef};
use crate::engine::Change;
use crate::model::{KeyHash, KeyKind, Millis, Timestamp};

const BUCKETS: u16 = 1_024;
/// Keeps a row well under 64 KiB.
const CHUNK_ENTRIES: usize = 700;
/// Buckets written at the end of one batch, however much is owed.
const BUCKETS_PER_BATCH: usize = 64;

pub struct Learned {
    dedups: Vec<Index<u128, DedupEntry>>,
    ids: Vec<Index<u128, IdEntry>>,
    stats: Vec<Index<u128, KeyStat>>,
    /// Hashes of what this batch changed.
    changed: Changed,
    /// Batch of each bucket's last snapshot, and how many chunks it took.
    snapshots: Vec<(u64, u16)>,
    next_bucket: u16,
    /// Batches whose delta rows are still needed, oldest first.
    deltas: VecDeque<u64>,
    /// Entries saved in deltas and not yet outweighed by snapshots.
    owed: usize,
    hubs: u64,
}

#[derive(Default)]
struct Changed {
    dedups: Vec<u128>,
    ids: Vec<u128>,
    stats: Vec<u128>,
}

fn bucket_of(hash: u128) -> usize {
    // The top ten bits; the hashes are uniform.
    usize::try_from(hash >> 118).unwrap_or(0)
}

impl Learned {
    pub fn new(seed: u64) -> Self {
        Self {
            dedups: (0..BUCKETS).map(|_| Index::new(seed)).collect(),
            ids: (0..BUCKETS).map(|_| Index::new(seed)).collect(),
            stats: (0..BUCKETS).map(|_| Index::new(seed)).collect(),
            changed: Changed::default(),
            snapshots: vec![(0, 0); usize::from(BUCKETS)],
            next_bucket: 0,
            deltas: VecDeque::new(),
            owed: 0,
            hubs: 0,
        }
    }

    pub fn hubs(&self) -> u64 {
        self.hubs
    }

    /// The report that an alert at `at` repeats.
    pub fn dedup(&self, hash: u128, at: Timestamp, watermark: Timestamp, policy: &Policy) -> Option<DedupEntry> {
        let entry = self.dedups[bucket_of(hash)].get(&hash)?;
        let distance = entry.first_at.since(at).0.max(at.since(entry.last_at).0).max(0);
        let span = at.max(entry.last_at).since(entry.first_at.min(at));
        let within = Millis(distance) <= policy.dedup_window && span <= policy.dedup_window_max;
        (within && !dedup_expired(entry, watermark, policy)).then_some(*entry)
    }

    pub fn put_dedup(&mut self, entry: DedupEntry) {
        self.changed.dedups.push(entry.hash);
        self.dedups[bucket_of(entry.hash)].insert(entry.hash, entry);
    }

    pub fn id(&self, hash: u128, watermark: Timestamp, policy: &Policy) -> Option<IdEntry> {
        let entry = self.ids[bucket_of(hash)].get(&hash)?;
        (!id_expired(entry, watermark, policy)).then_some(*entry)
    }

    pub fn put_id(&mut self, entry: IdEntry) {
        self.changed.ids.push(entry.hash);
        self.ids[bucket_of(entry.hash)].insert(entry.hash, entry);
    }

    pub fn is_hub(&self, key: KeyHash, watermark: Timestamp, policy: &Policy) -> bool {
        let Some(stat) = self.stats[bucket_of(key.0)].get(&key.0) else { return false };
        if !stat.hub {
            return false;
        }
        // It has the power back once it is at half of its limit.
        let limit = usize::from(policy.kind(stat.kind).hub_cases);
        distinct_at(stat, watermark, policy) > limit / 2
    }

    /// A key of another case (`before`) was seen in the case of this number.
    pub fn touch(&mut self, key: KeyHash, kind: KeyKind, before: u64, case: u64, watermark: Timestamp, policy: &Policy) {
        let limit = usize::from(policy.kind(kind).hub_cases);
        let stats = &mut self.stats[bucket_of(key.0)];
        let stat = stats.get_or_insert_with(key.0, || KeyStat {
            hash: key,
            kind,
            half_began: watermark,
            current: vec![before],
            previous: Vec::new(),
            hub: false,
        });
        let was_hub = stat.hub;
        let known = stat.current.len();
        rotate(stat, watermark, policy);
        if !stat.current.contains(&case) && stat.current.len() <= limit {
            stat.current.push(case);
        }
        let distinct = distinct_at(stat, watermark, policy);
        stat.hub = if stat.hub { distinct > limit / 2 } else { distinct > limit };
        self.hubs = self.hubs + u64::from(stat.hub) - u64::from(was_hub);
        if stat.hub != was_hub || stat.current.len() != known {
            self.changed.stats.push(key.0);
        }
    }

    /// Whether the key has a record already: then it has touched two cases at least.
    pub fn knows(&self, key: KeyHash) -> bool {
        self.stats[bucket_of(key.0)].get(&key.0).is_some()
    }

    /// Hands out the delta of this batch and the buckets whose turn it is.
    pub fn seal(&mut self, batch: u64, watermark: Timestamp, policy: &Policy, change: &mut dyn FnMut(Change<'_>)) {
        let delta = self.take_changed();
        let entries = delta.dedups.len() + delta.ids.len() + delta.stats.len();
        if entries == 0 {
            return;
        }
        change(Change::Save(StateRef::LearnedDelta { batch, entries: &delta }));
        self.deltas.push_back(batch);
        self.owed += entries;
        let mut written = 0;
        while self.owed > 0 && written < BUCKETS_PER_BATCH {
            let size = self.snapshot(batch, watermark, policy, change);
            self.owed = self.owed.saturating_sub(size.max(1));
            written += 1;
        }
        self.drop_deltas(change);
    }

    fn take_changed(&mut self) -> LearnedChunk {
        let sorted = |hashes: &mut Vec<u128>| {
            let mut hashes = std::mem::take(hashes);
            hashes.sort_unstable();
            hashes.dedup();
            hashes
        };
        let dedups = sorted(&mut self.changed.dedups);
        let ids = sorted(&mut self.changed.ids);
        let stats = sorted(&mut self.changed.stats);
        LearnedChunk {
            dedups: dedups.iter().filter_map(|hash| self.dedups[bucket_of(*hash)].get(hash).copied()).collect(),
            ids: ids.iter().filter_map(|hash| self.ids[bucket_of(*hash)].get(hash).copied()).collect(),
            stats: stats.iter().filter_map(|hash| self.stats[bucket_of(*hash)].get(hash).cloned()).collect(),
        }
    }

    /// Writes the bucket whose turn it is and answers how many entries it has.
    fn snapshot(
        &mut self,
        batch: u64,
        watermark: Timestamp,
        policy: &Policy,
        change: &mut dyn FnMut(Change<'_>),
    ) -> usize {
        let bucket = self.next_bucket;
        let at = usize::from(bucket);
        self.next_bucket = (bucket + 1) % BUCKETS;
        self.dedups[at].retain(|_, entry| !dedup_expired(entry, watermark, policy));
        self.ids[at].retain(|_, entry| !id_expired(entry, watermark, policy));
        let mut hubs_lost = 0;
        self.stats[at].retain(|_, stat| {
            let keep = distinct_at(stat, watermark, policy) > 0;
            hubs_lost += u64::from(!keep && stat.hub);
            keep
        });
        self.hubs -= hubs_lost;
        let chunks = self.chunks(at);
        let count = u16::try_from(chunks.len()).unwrap_or(u16::MAX);
        let mut size = 0;
        for (chunk, entries) in (0..).zip(&chunks) {
            size += entries.dedups.len() + entries.ids.len() + entries.stats.len();
            change(Change::Save(StateRef::LearnedBucket { bucket, chunk, as_of_batch: batch, entries }));
        }
        for chunk in count..self.snapshots[at].1 {
            change(Change::Remove(RowKey::LearnedBucket { bucket, chunk }));
        }
        self.snapshots[at] = (batch, count);
        size
    }

    /// At least one chunk, even an empty one: it says as of when the bucket is known.
    fn chunks(&self, at: usize) -> Vec<LearnedChunk> {
        let mut chunks = vec![LearnedChunk::default()];
        let mut room = CHUNK_ENTRIES;
        let mut next = |chunks: &mut Vec<LearnedChunk>| {
            if room == 0 {
                chunks.push(LearnedChunk::default());
                room = CHUNK_ENTRIES;
            }
            room -= 1;
            chunks.len() - 1
        };
        for entry in self.dedups[at].sorted(|entry| entry.hash) {
            let chunk = next(&mut chunks);
            chunks[chunk].dedups.push(*entry);
        }
        for entry in self.ids[at].sorted(|entry| entry.hash) {
            let chunk = next(&mut chunks);
            chunks[chunk].ids.push(*entry);
        }
        for stat in self.stats[at].sorted(|stat| stat.hash) {
            let chunk = next(&mut chunks);
            chunks[chunk].stats.push(stat.clone());
        }
        chunks
    }

    /// A delta is needed until every bucket was written after it.
    fn drop_deltas(&mut self, change: &mut dyn FnMut(Change<'_>)) {
        let oldest = self.snapshots[usize::from(self.next_bucket)].0;
        while self.deltas.front().is_some_and(|batch| *batch <= oldest) {
            if let Some(batch) = self.deltas.pop_front() {
                change(Change::Remove(RowKey::LearnedDelta { batch }));
            }
        }
    }

    /// Takes a snapshot row back. All of them come before the deltas.
    pub fn restore_bucket(&mut self, bucket: u16, chunk: u16, as_of_batch: u64, entries: LearnedChunk) {
        let Some(snapshot) = self.snapshots.get_mut(usize::from(bucket)) else { return };
        *snapshot = (as_of_batch, snapshot.1.max(chunk + 1));
        for entry in entries.dedups {
            self.dedups[bucket_of(entry.hash)].insert(entry.hash, entry);
        }
        for entry in entries.ids {
            self.ids[bucket_of(entry.hash)].insert(entry.hash, entry);
        }
        for stat in entries.stats {
            self.stats[bucket_of(stat.hash.0)].insert(stat.hash.0, stat);
        }
    }

    /// Takes a delta row back, in the order of the batches; a bucket that was written later knows better.
    pub fn restore_delta(&mut self, batch: u64, entries: LearnedChunk) {
        self.deltas.push_back(batch);
        let newer = |snapshots: &[(u64, u16)], hash: u128| batch > snapshots[bucket_of(hash)].0;
        for entry in entries.dedups.into_iter().filter(|entry| newer(&self.snapshots, entry.hash)) {
            self.dedups[bucket_of(entry.hash)].insert(entry.hash, entry);
        }
        for entry in entries.ids.into_iter().filter(|entry| newer(&self.snapshots, entry.hash)) {
            self.ids[bucket_of(entry.hash)].insert(entry.hash, entry);
        }
        for stat in entries.stats.into_iter().filter(|stat| newer(&self.snapshots, stat.hash.0)) {
            self.stats[bucket_of(stat.hash.0)].insert(stat.hash.0, stat);
        }
    }

    /// Goes on with the bucket that was written longest ago.
    pub fn restored(&mut self) {
        let oldest = (0..BUCKETS).min_by_key(|bucket| (self.snapshots[usize::from(*bucket)].0, *bucket));
        self.next_bucket = oldest.unwrap_or(0);
        self.hubs = self.stats.iter().map(|stats| stats.sorted(|stat| stat.hash).iter().filter(|stat| stat.hub).count() as u64).sum();
    }
}

fn dedup_expired(entry: &DedupEntry, watermark: Timestamp, policy: &Policy) -> bool {
    entry.last_at.plus(policy.dedup_window).plus(policy.lateness) < watermark
}

fn id_expired(entry: &IdEntry, watermark: Timestamp, policy: &Policy) -> bool {
    entry.at.plus(policy.alert_id_window).plus(policy.lateness) < watermark
}

fn rotate(stat: &mut KeyStat, watermark: Timestamp, policy: &Policy) {
    let half = Millis(policy.hub_window.0 / 2);
    let passed = watermark.since(stat.half_began);
    if passed < half {
        return;
    }
    stat.previous = if passed < policy.hub_window { std::mem::take(&mut stat.current) } else { Vec::new() };
    stat.current.clear();
    stat.half_began = watermark;
}

/// Distinct cases in the window, as they will be once the halves are moved on.
fn distinct_at(stat: &KeyStat, watermark: Timestamp, policy: &Policy) -> usize {
    let passed = watermark.since(stat.half_began);
    let half = Millis(policy.hub_window.0 / 2);
    if passed >= policy.hub_window {
        0
    } else if passed >= half {
        stat.current.len()
    } else {
        stat.current.len() + stat.previous.iter().filter(|case| !stat.current.contains(case)).count()
    }
}
