//! Segments: one batch's inputs in the engine's order, with the alerts themselves and what became of each. They are what
//! a case's alerts are read from, and what lets a day be replayed exactly from the topics. A batch is cut into chunks
//! that can each be read alone.

use std::collections::BTreeMap;

use super::codec::{Codec, RowError};
use super::row::Row;
use super::v1;
use super::v1::steps::{AlertStepV1, AlertStepV2, LinkV1, OriginV1, StepV1};
use crate::engine::{Input, Settled};
use crate::model::{Alert, AlertId, CaseId, Link, Origin, Outcome, PartId, Tenant, Timestamp, TopicName};

/// Packed bytes of a chunk: sled moves larger values into files of their own, which it never syncs. Only a single step
/// that does not compress may be larger, up to the bound on a record.
const PACKED_BYTES_MAX: usize = 64 * 1024 - 512;
/// Unpacked bytes at which a chunk is packed, to begin with; it follows how well the steps compress.
const RAW_BYTES_FIRST: usize = 128 * 1024;
const RAW_BYTES_MIN: usize = 48 * 1024;
const RAW_BYTES_MAX: usize = 512 * 1024;
/// What a chunk may claim to unpack to: the largest chunk and the largest single step on top, with room.
const UNPACKED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// One chunk, still packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    pub batch: u64,
    pub chunk: u32,
    /// How many steps it holds.
    pub steps: u32,
    pub raw_bytes: u32,
    /// Not in a row of version 1, whose steps alone tell.
    pub head: Option<SegmentHead>,
    pub packed: Box<[u8]>,
}

/// How many whole alerts of each part there are, by tenant, ascending.
pub type Held = Vec<(Tenant, Vec<(PartId, u32)>)>;

/// What can be known of a chunk without unpacking it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SegmentHead {
    /// The watermark behind the batch.
    pub watermark: Timestamp,
    pub parts: Held,
}

/// One thing the engine was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Alert(Box<AlertStep>),
    /// A duplicate: the alert that it repeats is elsewhere.
    Repeat {
        origin: Origin,
        alert: AlertId,
        late: bool,
        case: Option<CaseId>,
        part: Option<PartId>,
    },
    Command {
        origin: Origin,
        outcome: Outcome,
        case: Option<CaseId>,
    },
    /// It never reached the engine; here for the completeness of the runs.
    Rejected {
        origin: Origin,
    },
    Advance {
        watermark: Timestamp,
    },
    Idle {
        topic: TopicName,
        partition: i32,
    },
    Policy {
        digest: [u8; 32],
    },
    Lists {
        digest: [u8; 32],
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertStep {
    pub alert: Alert,
    pub outcome: Outcome,
    pub late: bool,
    pub case: Option<CaseId>,
    pub part: Option<PartId>,
    pub link: Option<Link>,
}

/// Consecutive records of one partition, as the engine took them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub topic: TopicName,
    pub partition: i32,
    pub first_offset: i64,
    pub last_offset: i64,
    /// Records, not elements. Less than the span of offsets where there are holes.
    pub records: u64,
}

impl Step {
    #[must_use]
    pub fn origin(&self) -> Option<&Origin> {
        match self {
            Self::Alert(step) => Some(&step.alert.origin),
            Self::Repeat { origin, .. } | Self::Command { origin, .. } | Self::Rejected { origin } => Some(origin),
            Self::Advance { .. } | Self::Idle { .. } | Self::Policy { .. } | Self::Lists { .. } => None,
        }
    }

    /// The case that needs this step's alert.
    #[must_use]
    pub fn case(&self) -> Option<&CaseId> {
        match self {
            Self::Alert(step) => step.case.as_ref(),
            Self::Repeat { case, .. } | Self::Command { case, .. } => case.as_ref(),
            Self::Rejected { .. }
            | Self::Advance { .. }
            | Self::Idle { .. }
            | Self::Policy { .. }
            | Self::Lists { .. } => None,
        }
    }
}

impl Segment {
    /// Unpacks the chunk.
    pub fn steps(&self) -> Result<Vec<Step>, RowError> {
        let raw = self.unpack()?;
        let mut steps = Vec::with_capacity(self.steps as usize);
        self.each(&raw, |step, _| {
            steps.push(step.back()?);
            Ok(())
        })?;
        Ok(steps)
    }

    /// What the head says, from the steps where there is none.
    pub fn known(&self) -> Result<SegmentHead, RowError> {
        match &self.head {
            Some(head) => Ok(head.clone()),
            None => Ok(SegmentHead { watermark: Timestamp::MIN, parts: self.told()? }),
        }
    }

    /// Unpacks the chunk, and compares what its head says.
    pub fn verify(&self) -> Result<(), RowError> {
        self.steps()?;
        match &self.head {
            Some(head) if head.parts != self.told()? => Err(RowError::Head),
            Some(_) | None => Ok(()),
        }
    }

    fn told(&self) -> Result<Held, RowError> {
        let raw = self.unpack()?;
        let mut holders = Vec::with_capacity(self.steps as usize);
        self.each(&raw, |step, _| {
            holders.push(holder(&step)?);
            Ok(())
        })?;
        Ok(counted(&holders))
    }

    fn unpack(&self) -> Result<Vec<u8>, RowError> {
        let raw_bytes = self.raw_bytes as usize;
        if raw_bytes > UNPACKED_BYTES_MAX || self.steps > self.raw_bytes {
            return Err(RowError::Range("segment size"));
        }
        let mut raw = vec![0; raw_bytes];
        let unpacked = lz4_flex::block::decompress_into(&self.packed, &mut raw).map_err(|_| RowError::Unpack)?;
        if unpacked == raw_bytes { Ok(raw) } else { Err(RowError::Unpack) }
    }

    /// Every step with its bytes.
    fn each<'r>(
        &self,
        raw: &'r [u8],
        mut see: impl FnMut(StepV1<'r>, &'r [u8]) -> Result<(), RowError>,
    ) -> Result<(), RowError> {
        let (mut rest, mut count) = (raw, 0);
        while !rest.is_empty() {
            let (step, after) = postcard::take_from_bytes::<StepV1<'_>>(rest)?;
            see(step, &rest[..rest.len() - after.len()])?;
            (rest, count) = (after, count + 1);
        }
        if count == self.steps { Ok(()) } else { Err(RowError::Unpack) }
    }

    /// The records of these steps as runs.
    #[must_use]
    pub fn runs(steps: &[Step]) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for origin in steps.iter().filter_map(Step::origin) {
            match runs.last_mut() {
                Some(run) if run.goes_on(origin) => run.take(origin),
                Some(_) | None => runs.push(Run::begin(origin)),
            }
        }
        runs
    }
}

impl Run {
    fn begin(origin: &Origin) -> Self {
        let (topic, partition) = (origin.topic.clone(), origin.partition);
        Self { topic, partition, first_offset: origin.offset, last_offset: origin.offset, records: 1 }
    }

    fn goes_on(&self, origin: &Origin) -> bool {
        self.partition == origin.partition && self.last_offset <= origin.offset && self.topic == origin.topic
    }

    fn take(&mut self, origin: &Origin) {
        self.records += u64::from(origin.offset > self.last_offset);
        self.last_offset = origin.offset;
    }
}

/// Gathers the steps of one batch.
#[derive(Debug)]
pub struct SegmentWriter {
    batch: u64,
    done: Vec<Segment>,
    raw: Vec<u8>,
    /// Where each step in `raw` ends.
    ends: Vec<usize>,
    /// Whom each step is kept for.
    holders: Vec<Holder>,
    pack_at: usize,
    watermark: Timestamp,
}

/// The part that needs a step: the one that a whole alert sits in.
type Holder = Option<(Tenant, PartId)>;

impl SegmentWriter {
    #[must_use]
    pub fn new(batch: u64) -> Self {
        Self {
            batch,
            done: Vec::new(),
            raw: Vec::new(),
            ends: Vec::new(),
            holders: Vec::new(),
            pack_at: RAW_BYTES_FIRST,
            watermark: Timestamp::default(),
        }
    }

    /// The watermark behind the batch.
    pub const fn mark_watermark(&mut self, watermark: Timestamp) {
        self.watermark = watermark;
    }

    /// Takes over those steps of an earlier chunk that are wanted, byte for byte. A step that is no whole alert is no
    /// part's.
    pub fn copy_from(
        &mut self,
        segment: &Segment,
        mut is_wanted: impl FnMut(Option<(&Tenant, PartId)>) -> bool,
    ) -> Result<(), RowError> {
        let raw = segment.unpack()?;
        segment.each(&raw, |step, bytes| {
            let holder = holder(&step)?;
            if is_wanted(holder.as_ref().map(|(tenant, part)| (tenant, *part))) {
                self.raw.extend_from_slice(bytes);
                self.end_step(holder);
            }
            Ok(())
        })
    }

    /// Marks what is no alert and no command; those come as they are settled.
    pub fn mark_input(&mut self, input: &Input) {
        match input {
            Input::Advance { watermark } => self.step(&StepV1::Advance { watermark: watermark.millis() }),
            Input::Idle { origin } => {
                self.step(&StepV1::Idle { topic: origin.topic.as_str(), partition: origin.partition });
            }
            Input::Policy { policy, text: _ } => self.step(&StepV1::Policy { digest: policy.digest }),
            Input::Lists(lists) => self.step(&StepV1::Lists { digest: lists.digest() }),
            // Which partitions are read stands in the manifest.
            Input::Alert { .. } | Input::Command(_) | Input::Cold(_) | Input::Expect { .. } => {}
        }
    }

    pub fn mark_rejected(&mut self, origin: &Origin) {
        self.step(&StepV1::Rejected { origin: OriginV1::of(origin) });
    }

    pub fn settled(&mut self, settled: &Settled) {
        let case = settled.case.as_ref().map(v1::state::CaseIdV1::of);
        let origin = OriginV1::of(&settled.origin);
        let step = match (&settled.alert, settled.outcome) {
            (None, outcome) => StepV1::Command { origin, outcome: outcome as u8, case },
            (Some(alert), Outcome::Duplicate) => StepV1::Repeat {
                origin,
                alert: alert.id.0.to_be_bytes(),
                late: settled.late,
                case,
                part: settled.part.map(|part| part.0),
            },
            (Some(alert), outcome) => StepV1::AlertV2(Box::new(AlertStepV2 {
                step: AlertStepV1 {
                    alert: v1::alert::AlertV1::of(alert),
                    outcome: outcome as u8,
                    late: settled.late,
                    case,
                    part: settled.part.map(|part| part.0),
                    link: settled.link.as_deref().map(LinkV1::of),
                },
                continues: settled.link.as_deref().and_then(|link| link.continues).map(|part| part.0),
            })),
        };
        let whole = settled.alert.as_ref().filter(|_| settled.outcome != Outcome::Duplicate);
        let holder = whole.map(|alert| alert.tenant.clone()).zip(settled.part);
        v1::write(&step, &mut self.raw);
        self.end_step(holder);
    }

    /// The batch's segment rows.
    #[must_use]
    pub fn finish(self, codec: &Codec) -> Vec<Row> {
        self.finish_chunks().iter().map(|segment| codec.segment(segment)).collect()
    }

    #[must_use]
    pub fn finish_chunks(mut self) -> Vec<Segment> {
        self.pack();
        for head in self.done.iter_mut().filter_map(|segment| segment.head.as_mut()) {
            head.watermark = self.watermark;
        }
        self.done
    }

    fn step(&mut self, step: &StepV1<'_>) {
        v1::write(step, &mut self.raw);
        self.end_step(None);
    }

    fn end_step(&mut self, holder: Holder) {
        self.ends.push(self.raw.len());
        self.holders.push(holder);
        if self.raw.len() >= self.pack_at {
            self.pack();
        }
    }

    /// Packs what is gathered into one chunk, or into halves of it until each fits.
    fn pack(&mut self) {
        let (raw, ends) = (std::mem::take(&mut self.raw), std::mem::take(&mut self.ends));
        let holders = std::mem::take(&mut self.holders);
        self.pack_steps(&raw, &ends, &holders, 0);
        (self.raw, self.ends, self.holders) = (raw, ends, holders);
        self.raw.clear();
        self.ends.clear();
        self.holders.clear();
    }

    fn pack_steps(&mut self, raw: &[u8], ends: &[usize], holders: &[Holder], start: usize) {
        let Some(&end) = ends.last() else { return };
        let packed = lz4_flex::block::compress(&raw[start..end]);
        let parts = counted(holders);
        let weight = packed.len() + head_bytes(&parts);
        if weight > PACKED_BYTES_MAX && ends.len() > 1 {
            self.pack_at = (self.pack_at / 2).max(RAW_BYTES_MIN);
            let middle = ends.len() / 2;
            self.pack_steps(raw, &ends[..middle], &holders[..middle], start);
            self.pack_steps(raw, &ends[middle..], &holders[middle..], ends[middle - 1]);
            return;
        }
        self.follow(end - start, weight);
        self.done.push(Segment {
            batch: self.batch,
            chunk: self.done.len() as u32,
            steps: ends.len() as u32,
            raw_bytes: (end - start) as u32,
            head: Some(SegmentHead { watermark: Timestamp::default(), parts }),
            packed: packed.into_boxed_slice(),
        });
    }

    /// Aims at chunks that are nearly full: seven eighths, so that a small change does not tear one in two.
    fn follow(&mut self, raw: usize, packed: usize) {
        let aim = raw * (PACKED_BYTES_MAX / 8 * 7) / packed.max(1);
        self.pack_at = aim.clamp(RAW_BYTES_MIN, RAW_BYTES_MAX);
    }
}

/// The part that needs the step, if it is a whole alert.
fn holder(step: &StepV1<'_>) -> Result<Holder, RowError> {
    let alert = match step {
        StepV1::Alert(step) => &**step,
        StepV1::AlertV2(step) => &step.step,
        StepV1::Repeat { .. }
        | StepV1::Command { .. }
        | StepV1::Rejected { .. }
        | StepV1::Advance { .. }
        | StepV1::Idle { .. }
        | StepV1::Policy { .. }
        | StepV1::Lists { .. } => return Ok(None),
    };
    match alert.part {
        Some(part) => Ok(Some((alert.alert.tenant()?, PartId(part)))),
        None => Ok(None),
    }
}

/// How many steps each part holds, by tenant, ascending.
fn counted(holders: &[Holder]) -> Held {
    let mut by_tenant: BTreeMap<&Tenant, Vec<PartId>> = BTreeMap::new();
    for (tenant, part) in holders.iter().flatten() {
        by_tenant.entry(tenant).or_default().push(*part);
    }
    let count = |(tenant, mut parts): (&Tenant, Vec<PartId>)| {
        parts.sort_unstable();
        let same = parts.chunk_by(|one, two| one == two);
        (tenant.clone(), same.map(|parts| (parts[0], parts.len() as u32)).collect())
    };
    by_tenant.into_iter().map(count).collect()
}

/// About what the head takes in the row: most numbers of parts are near one another, most counts small.
fn head_bytes(parts: &Held) -> usize {
    const PAIR_BYTES: usize = 4;
    parts.iter().map(|(tenant, parts)| tenant.as_str().len() + 4 + parts.len() * PAIR_BYTES).sum()
}
