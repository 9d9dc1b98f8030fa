//! Which batches' segment rows are still needed, and when they go. A row holds the bodies of alerts; each is needed while
//! alerts can reach the part that it sits in. A row of which less than a quarter is needed is written anew without the
//! rest, one that nobody needs is taken away: else the changelog's unique keys would pile up for ever. Where alerts trickle
//! in, every few of them make a batch, so many small rows in a row are gathered into one.
//!
//! Everything here follows from the rows and from which parts are warm, so a restart goes on with the same rows. To make
//! that so, a row's alerts stay known here while the row holds them, also those of cold cases: such a case may come back.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::pending::RowReader;
use crate::model::{Millis, PartId, Tenant, Timestamp};
use crate::store::{Codec, Row, RowError, RowName, Segment, SegmentWriter, StoreError, StoredRow};

/// A row is written anew when less than one of so many of its steps is needed.
const SPARSE_ONE_IN: u64 = 4;
/// How many chunks one batch may take away. More are ever made than this, so the rest is soon caught up with.
const RETIRED_CHUNKS_MAX: usize = 256;
/// What writing a chunk anew costs against that: it is read, unpacked and packed.
const REWRITE_COST: usize = 8;
/// Sparse rows that may wait for their time to come; past it the oldest go at once. Time may stand still, with inputs that
/// nobody can read or without an idle advance.
const SPARSE_MAX: usize = 100_000;

/// So many small batches on end become one.
const GATHERED: usize = 64;
/// A batch whose rows weigh less than this, packed, is small.
const SMALL_BYTES: usize = 4 * 1024;

type Place = u32;

#[derive(Debug, Default)]
pub struct Segments {
    /// By place, so that a batch can name its parts in four bytes each.
    parts: Vec<PartRows>,
    free: Vec<Place>,
    places: BTreeMap<Tenant, HashMap<PartId, Place, foldhash::fast::RandomState>>,
    batches: BTreeMap<u64, BatchRows>,
    sparse: BTreeSet<u64>,
}

/// The rows that hold alerts of one part.
#[derive(Debug)]
struct PartRows {
    tenant: Tenant,
    id: PartId,
    warm: bool,
    /// Batch and how many alerts, by batch. Most parts have one.
    batches: SmallVec<[(u64, u32); 1]>,
}

/// The rows of one batch, or of those gathered under the number of their first.
#[derive(Debug, Default)]
struct BatchRows {
    watermark: Timestamp,
    chunks: u32,
    bytes: usize,
    steps: u64,
    /// Alerts of warm parts.
    needed: u64,
    /// The XOR of the rows' checksums.
    checksum: u128,
    parts: Vec<Place>,
}

impl BatchRows {
    fn is_sparse(&self) -> bool {
        self.needed * SPARSE_ONE_IN < self.steps
    }
}

/// What is known around the batch that is being finished.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    pub batch: u64,
    pub watermark: Timestamp,
    /// How long a row stays whole, needed or not, so that the days of this span can be replayed in their order.
    pub kept_for: Millis,
}

impl Segments {
    /// Takes note of one chunk of a batch.
    pub fn take(
        &mut self,
        segment: &Segment,
        checksum: u128,
        is_warm: &dyn Fn(&Tenant, PartId) -> bool,
    ) -> Result<(), RowError> {
        let head = segment.known()?;
        let batch = segment.batch;
        let mut rows = self.batches.remove(&batch).unwrap_or_default();
        rows.watermark = head.watermark;
        rows.chunks = rows.chunks.max(segment.chunk.saturating_add(1));
        rows.bytes += segment.packed.len();
        rows.steps += u64::from(segment.steps);
        rows.checksum ^= checksum;
        for (tenant, parts) in head.parts {
            for (id, count) in parts {
                let place = self.place(&tenant, id, is_warm);
                let part = &mut self.parts[place as usize];
                rows.needed += if part.warm { u64::from(count) } else { 0 };
                if part.add(batch, count) {
                    rows.parts.push(place);
                }
            }
        }
        self.batches.insert(batch, rows);
        self.judge(batch);
        Ok(())
    }

    /// The engine is back: which of the parts are warm.
    pub fn wake(&mut self, is_warm: &dyn Fn(&Tenant, PartId) -> bool) {
        for place in 0..self.parts.len() {
            let part = &self.parts[place];
            let warm = !part.batches.is_empty() && is_warm(&part.tenant, part.id);
            self.turn(place, warm);
        }
    }

    /// The part turned cold, or came back.
    pub fn turned(&mut self, tenant: &Tenant, id: PartId, warm: bool) {
        if let Some(place) = self.find(tenant, id) {
            self.turn(place as usize, warm);
        }
    }

    /// Takes away and writes anew what is due, up to the bound; where nothing is, gathers. Appends to `out`, and answers
    /// how the sum over all rows changes.
    pub fn retire(
        &mut self,
        moment: Moment,
        codec: &Codec,
        rows: &RowReader,
        out: &mut Vec<Row>,
    ) -> Result<u128, StoreError> {
        let (mut spent, mut change) = (0, 0);
        while spent < RETIRED_CHUNKS_MAX
            && let Some(batch) = self.next_due(moment)
        {
            let chunks = self.batches[&batch].chunks as usize;
            let kept = self.still_needed(batch, codec, rows)?;
            spent += chunks * if kept.is_empty() { 1 } else { REWRITE_COST };
            change ^= self.replace(&[batch], &kept, codec, out)?;
        }
        let small = if spent == 0 { self.small_before(moment.batch) } else { Vec::new() };
        if small.len() == GATHERED {
            let gathered = self.gather(&small, codec, rows)?;
            change ^= self.replace(&small, &gathered, codec, out)?;
        }
        Ok(change)
    }

    /// What a sparse batch is written anew as; nothing where nobody needs it.
    fn still_needed(&self, batch: u64, codec: &Codec, rows: &RowReader) -> Result<Vec<Segment>, StoreError> {
        let BatchRows { needed, watermark, .. } = self.batches[&batch];
        if needed == 0 {
            return Ok(Vec::new());
        }
        let mut writer = SegmentWriter::new(batch);
        writer.mark_watermark(watermark);
        let is_needed = |part: Option<(&Tenant, PartId)>| part.is_some_and(|(tenant, id)| self.is_warm(tenant, id));
        self.copy(batch, &mut writer, is_needed, codec, rows)?;
        Ok(writer.finish_chunks())
    }

    /// The last batches before this one while they are small, oldest first.
    fn small_before(&self, batch: u64) -> Vec<u64> {
        let latest = self.batches.range(..batch).rev().take(GATHERED);
        let small = latest.take_while(|(_, rows)| rows.bytes < SMALL_BYTES);
        let mut small: Vec<u64> = small.map(|(batch, _)| *batch).collect();
        small.reverse();
        small
    }

    fn gather(&self, batches: &[u64], codec: &Codec, rows: &RowReader) -> Result<Vec<Segment>, StoreError> {
        let (first, last) = (batches[0], batches[batches.len() - 1]);
        let mut writer = SegmentWriter::new(first);
        writer.mark_watermark(self.batches[&last].watermark);
        for batch in batches {
            self.copy(*batch, &mut writer, |_| true, codec, rows)?;
        }
        Ok(writer.finish_chunks())
    }

    fn copy(
        &self,
        batch: u64,
        writer: &mut SegmentWriter,
        is_wanted: impl Fn(Option<(&Tenant, PartId)>) -> bool,
        codec: &Codec,
        rows: &RowReader,
    ) -> Result<(), StoreError> {
        for chunk in 0..self.batches[&batch].chunks {
            writer.copy_from(&read(batch, chunk, codec, rows)?, &is_wanted).map_err(damaged)?;
        }
        Ok(())
    }

    /// Puts `kept`, which go under the number of the first, in the place of these batches.
    fn replace(
        &mut self,
        batches: &[u64],
        kept: &[Segment],
        codec: &Codec,
        out: &mut Vec<Row>,
    ) -> Result<u128, StoreError> {
        let (mut change, mut struck) = (0, Vec::new());
        for (number, batch) in batches.iter().enumerate() {
            let gone = self.strike(*batch);
            change ^= gone.checksum;
            struck.extend(gone.parts);
            let from = if number == 0 { kept.len() as u32 } else { 0 };
            let surplus = (from..gone.chunks).map(|chunk| RowName::Segment { batch: *batch, chunk });
            out.extend(surplus.map(|name| Row::removal(&name)));
        }
        for segment in kept {
            let row = codec.segment(segment);
            let checksum = Codec::checksum_of(&row).unwrap_or(0);
            change ^= checksum;
            // Each of its parts is known, and whether it is warm.
            self.take(segment, checksum, &|_, _| false).map_err(damaged)?;
            out.push(row);
        }
        struck.sort_unstable();
        struck.dedup();
        struck.into_iter().for_each(|place| self.vacate_if_empty(place));
        Ok(change)
    }

    fn is_warm(&self, tenant: &Tenant, id: PartId) -> bool {
        self.find(tenant, id).is_some_and(|place| self.parts[place as usize].warm)
    }

    fn find(&self, tenant: &Tenant, id: PartId) -> Option<Place> {
        self.places.get(tenant)?.get(&id).copied()
    }

    /// The oldest sparse batch whose time has come. The watermark only rises, so none behind it is due before it.
    fn next_due(&self, moment: Moment) -> Option<u64> {
        let batch = self.sparse.first().copied().filter(|batch| *batch < moment.batch)?;
        let over = self.batches[&batch].watermark.plus(moment.kept_for) <= moment.watermark;
        (over || self.sparse.len() > SPARSE_MAX).then_some(batch)
    }

    /// Strikes a batch out; its parts keep their places for the moment.
    fn strike(&mut self, batch: u64) -> BatchRows {
        self.sparse.remove(&batch);
        let gone = self.batches.remove(&batch).unwrap_or_default();
        gone.parts.iter().for_each(|place| self.parts[*place as usize].drop_batch(batch));
        gone
    }

    fn place(&mut self, tenant: &Tenant, id: PartId, is_warm: &dyn Fn(&Tenant, PartId) -> bool) -> Place {
        if let Some(known) = self.find(tenant, id) {
            return known;
        }
        let rows = PartRows { tenant: tenant.clone(), id, warm: is_warm(tenant, id), batches: SmallVec::new() };
        let place = match self.free.pop() {
            Some(place) => {
                self.parts[place as usize] = rows;
                place
            }
            None => {
                self.parts.push(rows);
                Place::try_from(self.parts.len() - 1).expect("fewer than 2^32 parts")
            }
        };
        self.places.entry(tenant.clone()).or_default().insert(id, place);
        place
    }

    fn vacate_if_empty(&mut self, place: Place) {
        let PartRows { tenant, id, batches, .. } = &self.parts[place as usize];
        if !batches.is_empty() {
            return;
        }
        if let Some(places) = self.places.get_mut(tenant) {
            places.remove(id);
            if places.is_empty() {
                self.places.remove(tenant);
            }
        }
        self.parts[place as usize].warm = false;
        self.free.push(place);
    }

    fn turn(&mut self, place: usize, warm: bool) {
        if std::mem::replace(&mut self.parts[place].warm, warm) == warm {
            return;
        }
        let batches = std::mem::take(&mut self.parts[place].batches);
        for (batch, count) in &batches {
            if let Some(rows) = self.batches.get_mut(batch) {
                let count = u64::from(*count);
                rows.needed = if warm { rows.needed + count } else { rows.needed - count };
            }
            self.judge(*batch);
        }
        self.parts[place].batches = batches;
    }

    fn judge(&mut self, batch: u64) {
        if self.batches.get(&batch).is_some_and(BatchRows::is_sparse) {
            self.sparse.insert(batch);
        } else {
            self.sparse.remove(&batch);
        }
    }
}

impl PartRows {
    /// Answers whether the batch is new here.
    fn add(&mut self, batch: u64, count: u32) -> bool {
        match self.batches.binary_search_by_key(&batch, |(batch, _)| *batch) {
            Ok(at) => {
                self.batches[at].1 = self.batches[at].1.saturating_add(count);
                false
            }
            Err(at) => {
                self.batches.insert(at, (batch, count));
                true
            }
        }
    }

    fn drop_batch(&mut self, batch: u64) {
        if let Ok(at) = self.batches.binary_search_by_key(&batch, |(batch, _)| *batch) {
            self.batches.remove(at);
        }
    }
}

fn read(batch: u64, chunk: u32, codec: &Codec, rows: &RowReader) -> Result<Segment, StoreError> {
    let name = RowName::Segment { batch, chunk };
    let key = name.to_bytes();
    let value = rows.get(&key)?.ok_or_else(|| StoreError::Damaged(format!("there is no {name:?}")))?;
    match codec.decode(&key, &value).map_err(damaged)? {
        StoredRow::Segment(segment) => Ok(segment),
        _ => Err(StoreError::Damaged("a segment's name leads to another kind of row".to_owned())),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
pub(super) fn damaged(error: RowError) -> StoreError {
    StoreError::Damaged(error.to_string())
}

#[cfg(test)]
mod tests;
