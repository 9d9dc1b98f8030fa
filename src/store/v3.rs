//! Row version 3: of parts that keep a risk, which stands behind the part as version 2 wrote it, and of the lists of
//! assets and indicators. Frozen, like the versions before.

use serde::{Deserialize, Serialize};

use super::codec::RowError;
use super::v1::{self, codes, state::at};
use super::v2::{self, PartV2};
use crate::engine::{
    Asset, Indicator, IntelSeen, ListChunk, ListChunkRef, ListsState, PartState, Risk, RowKey, StateRef, StateRow,
};
use crate::model::{AlertId, IntelMatch, Timestamp};

pub const VERSION: u8 = 3;

/// The version that rows of this name are written in.
pub const fn version_of(key: &RowKey) -> u8 {
    match key {
        RowKey::Part(..) | RowKey::Lists | RowKey::ListChunk { .. } => VERSION,
        RowKey::Clock
        | RowKey::Policy
        | RowKey::LearnedDelta { .. }
        | RowKey::LearnedBucket { .. }
        | RowKey::Tenant(_)
        | RowKey::Case(_) => v2::version_of(key),
    }
}

/// Writes a row of the engine in the version that is current for its kind.
pub fn encode(row: StateRef<'_>, body: &mut Vec<u8>) {
    match row {
        StateRef::Part(part) => {
            v1::write(&PartV2::of(part), body);
            v1::write(&RiskV3::of(&part.risk), body);
        }
        StateRef::Lists(lists) => {
            let names = lists.names.iter().map(|name| &**name).collect();
            v1::write(&ListsV3 { digest: lists.digest, names, chunks: lists.chunks }, body);
        }
        StateRef::ListChunk { chunk: _, entries } => v1::write(&ListChunkV3::of(entries), body),
        StateRef::Clock(_)
        | StateRef::Policy(_)
        | StateRef::LearnedDelta { .. }
        | StateRef::LearnedBucket { .. }
        | StateRef::Tenant(_)
        | StateRef::Case(_) => v2::encode(row, body),
    }
}

pub fn decode(key: &RowKey, body: &[u8]) -> Result<StateRow, RowError> {
    match key {
        RowKey::Part(tenant, id) => {
            let (part, rest) = postcard::take_from_bytes::<PartV2<'_>>(body)?;
            let risk = v1::read::<RiskV3<'_>>(rest)?.back()?;
            Ok(StateRow::Part(PartState { risk, ..part.back(tenant.clone(), *id)? }))
        }
        RowKey::Lists => {
            let ListsV3 { digest, names, chunks } = v1::read(body)?;
            let names = names.into_iter().map(Into::into).collect();
            Ok(StateRow::Lists(ListsState { digest, names, chunks }))
        }
        RowKey::ListChunk { chunk } => {
            let entries = v1::read::<ListChunkV3<'_>>(body)?.back()?;
            Ok(StateRow::ListChunk { chunk: *chunk, entries })
        }
        RowKey::Clock
        | RowKey::Policy
        | RowKey::LearnedDelta { .. }
        | RowKey::LearnedBucket { .. }
        | RowKey::Tenant(_)
        | RowKey::Case(_) => Err(RowError::Version(VERSION)),
    }
}

#[derive(Serialize, Deserialize)]
struct RiskV3<'a> {
    rules: Vec<u8>,
    confidence: u8,
    criticality: u8,
    #[serde(borrow)]
    intel: Vec<IntelV3<'a>>,
}

#[derive(Serialize, Deserialize)]
struct IntelV3<'a> {
    kind: u8,
    value: &'a str,
    list: &'a str,
    confidence: u8,
    valid_until: Option<i64>,
    alert: [u8; 16],
    told: bool,
}

impl<'a> RiskV3<'a> {
    fn of(risk: &'a Risk) -> Self {
        let Risk { rules, confidence, criticality, intel } = risk;
        Self {
            rules: rules.clone(),
            confidence: *confidence,
            criticality: *criticality,
            intel: intel.iter().map(IntelV3::of).collect(),
        }
    }

    fn back(self) -> Result<Risk, RowError> {
        let intel = self.intel.into_iter().map(IntelV3::back).collect::<Result<_, _>>()?;
        Ok(Risk { rules: self.rules, confidence: self.confidence, criticality: self.criticality, intel })
    }
}

impl<'a> IntelV3<'a> {
    fn of(seen: &'a IntelSeen) -> Self {
        let IntelMatch { kind, value, list, confidence, valid_until } = &seen.found;
        Self {
            kind: *kind as u8,
            value,
            list,
            confidence: *confidence,
            valid_until: valid_until.map(Timestamp::millis),
            alert: seen.alert.0.to_be_bytes(),
            told: seen.told,
        }
    }

    fn back(self) -> Result<IntelSeen, RowError> {
        let found = IntelMatch {
            kind: codes::observable_kind(self.kind)?,
            value: self.value.into(),
            list: self.list.into(),
            confidence: self.confidence,
            valid_until: self.valid_until.map(at),
        };
        Ok(IntelSeen { found, alert: AlertId(u128::from_be_bytes(self.alert)), told: self.told })
    }
}

#[derive(Serialize, Deserialize)]
struct ListsV3<'a> {
    digest: [u8; 32],
    #[serde(borrow)]
    names: Vec<&'a str>,
    chunks: u32,
}

#[derive(Serialize, Deserialize)]
struct ListChunkV3<'a> {
    /// Kind, value, list, confidence and the last time of validity.
    #[serde(borrow)]
    indicators: Vec<(u8, &'a str, u16, u8, Option<i64>)>,
    /// Kind, id and criticality.
    #[serde(borrow)]
    assets: Vec<(u8, &'a str, u8)>,
}

impl<'a> ListChunkV3<'a> {
    fn of(chunk: ListChunkRef<'a>) -> Self {
        let indicator = |one: &'a Indicator| {
            (one.kind as u8, &*one.value, one.list, one.confidence, one.valid_until.map(Timestamp::millis))
        };
        Self {
            indicators: chunk.indicators.iter().map(indicator).collect(),
            assets: chunk.assets.iter().map(|asset| (asset.kind as u8, &*asset.id, asset.criticality)).collect(),
        }
    }

    fn back(self) -> Result<ListChunk, RowError> {
        Ok(ListChunk {
            indicators: self.indicators.into_iter().map(indicator_back).collect::<Result<_, _>>()?,
            assets: self.assets.into_iter().map(asset_back).collect::<Result<_, _>>()?,
        })
    }
}

fn indicator_back(
    (kind, value, list, confidence, valid_until): (u8, &str, u16, u8, Option<i64>),
) -> Result<Indicator, RowError> {
    let (kind, valid_until) = (codes::observable_kind(kind)?, valid_until.map(at));
    Ok(Indicator { kind, value: value.into(), list, confidence, valid_until })
}

fn asset_back((kind, id, criticality): (u8, &str, u8)) -> Result<Asset, RowError> {
    Ok(Asset { kind: codes::entity_kind(kind)?, id: id.into(), criticality })
}
