//! Segments: in front of the packed steps stands what a restart has to know of them, so that it need not unpack a
//! million alerts.

use serde::{Deserialize, Serialize};

use crate::model::{PartId, Tenant, Timestamp};
use crate::store::RowError;
use crate::store::segment::{Segment, SegmentHead};
use crate::store::v1::batch::packed;

#[derive(Serialize, Deserialize)]
pub struct SegmentV2<'a> {
    watermark: i64,
    steps: u32,
    raw_bytes: u32,
    /// By tenant: the distance from the part before, and how many alerts.
    #[serde(borrow)]
    parts: Vec<(&'a str, Vec<(u64, u32)>)>,
    #[serde(with = "packed")]
    packed: &'a [u8],
}

impl<'a> SegmentV2<'a> {
    pub fn of(segment: &'a Segment, head: &'a SegmentHead) -> Self {
        let parts = head.parts.iter().map(|(tenant, parts)| (tenant.as_str(), distances(parts))).collect();
        Self {
            watermark: head.watermark.millis(),
            steps: segment.steps,
            raw_bytes: segment.raw_bytes,
            parts,
            packed: &segment.packed,
        }
    }

    pub fn back(self, batch: u64, chunk: u32) -> Result<Segment, RowError> {
        let parts = |(tenant, parts): (&str, Vec<(u64, u32)>)| {
            let tenant = Tenant::parse(tenant).map_err(|_| RowError::Range("tenant"))?;
            Ok::<_, RowError>((tenant, numbers(&parts)?))
        };
        let head = SegmentHead {
            watermark: Timestamp::from_millis(self.watermark),
            parts: self.parts.into_iter().map(parts).collect::<Result<_, _>>()?,
        };
        let packed = self.packed.into();
        Ok(Segment { batch, chunk, steps: self.steps, raw_bytes: self.raw_bytes, head: Some(head), packed })
    }
}

fn distances(parts: &[(PartId, u32)]) -> Vec<(u64, u32)> {
    let mut before = 0;
    parts.iter().map(|(part, count)| (part.0.wrapping_sub(std::mem::replace(&mut before, part.0)), *count)).collect()
}

fn numbers(parts: &[(u64, u32)]) -> Result<Vec<(PartId, u32)>, RowError> {
    let mut before = 0_u64;
    let number = |(distance, count): &(u64, u32)| {
        before = before.checked_add(*distance).ok_or(RowError::Range("part"))?;
        Ok((PartId(before), *count))
    };
    parts.iter().map(number).collect()
}
