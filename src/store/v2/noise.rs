//! Noise rules, and the alerts that inhibit others. A matcher is stored as its canonical text.

use serde::{Deserialize, Serialize};

use crate::engine::{NoiseState, SourceState, SourcesState};
use crate::model::{
    Actor, AlertId, InhibitOn, Inhibition, KeyHash, Matcher, Millis, NoiseId, NoiseKind, NoiseRule, Tenant, Timestamp,
};
use crate::store::RowError;
use crate::store::v1::codes;
use crate::store::v1::state::at;

#[derive(Serialize, Deserialize)]
pub struct RuleV2<'a> {
    kind: KindV2,
    matcher: String,
    owner: &'a str,
    reason: &'a str,
    lasts_ms: Option<i64>,
    /// Name, and whether it was verified; none for the engine.
    #[serde(borrow)]
    by: Option<(&'a str, bool)>,
    created_at: i64,
    expires_at: Option<i64>,
    ended_at: Option<i64>,
    hits: u64,
    last_hit_at: Option<i64>,
}

#[derive(Serialize, Deserialize)]
enum KindV2 {
    Silence,
    Allow,
    Exclude,
    Inhibit { target: String, on: u8, within_ms: i64 },
}

impl<'a> RuleV2<'a> {
    pub fn of(state: &'a NoiseState) -> Self {
        let kind = match &state.rule.kind {
            NoiseKind::Silence => KindV2::Silence,
            NoiseKind::Allow => KindV2::Allow,
            NoiseKind::Exclude => KindV2::Exclude,
            NoiseKind::Inhibit(inhibition) => KindV2::Inhibit {
                target: inhibition.target.to_string(),
                on: inhibition.on as u8,
                within_ms: inhibition.within.0,
            },
        };
        Self {
            kind,
            matcher: state.rule.matcher.to_string(),
            owner: &state.rule.owner,
            reason: &state.rule.reason,
            lasts_ms: state.rule.lasts.map(|lasts| lasts.0),
            by: match &state.by {
                Actor::Engine => None,
                Actor::Person { name, verified } => Some((name, *verified)),
            },
            created_at: state.created_at.millis(),
            expires_at: state.expires_at.map(Timestamp::millis),
            ended_at: state.ended_at.map(Timestamp::millis),
            hits: state.hits,
            last_hit_at: state.last_hit_at.map(Timestamp::millis),
        }
    }

    pub fn back(self, tenant: Tenant, id: NoiseId) -> Result<NoiseState, RowError> {
        let kind = match self.kind {
            KindV2::Silence => NoiseKind::Silence,
            KindV2::Allow => NoiseKind::Allow,
            KindV2::Exclude => NoiseKind::Exclude,
            KindV2::Inhibit { target, on, within_ms } => NoiseKind::Inhibit(Box::new(Inhibition {
                target: matcher(&target)?,
                on: InhibitOn::ALL.get(usize::from(on)).copied().ok_or(RowError::Range("entity of an inhibition"))?,
                within: Millis(within_ms),
            })),
        };
        Ok(NoiseState {
            tenant,
            id,
            rule: NoiseRule {
                kind,
                matcher: matcher(&self.matcher)?,
                owner: self.owner.into(),
                reason: self.reason.into(),
                lasts: self.lasts_ms.map(Millis),
            },
            by: self.by.map_or(Actor::Engine, |(name, verified)| Actor::Person { name: name.into(), verified }),
            created_at: at(self.created_at),
            expires_at: self.expires_at.map(at),
            ended_at: self.ended_at.map(at),
            hits: self.hits,
            last_hit_at: self.last_hit_at.map(at),
        })
    }
}

fn matcher(text: &str) -> Result<Matcher, RowError> {
    Matcher::parse(text).map_err(|_| RowError::Range("matcher"))
}

#[derive(Serialize, Deserialize)]
pub struct SourcesV2(Vec<SourceV2>);

#[derive(Serialize, Deserialize)]
struct SourceV2 {
    rule: u64,
    entity: [u8; 16],
    alert: [u8; 16],
    severity: u8,
    at: i64,
    until: i64,
}

impl SourcesV2 {
    pub fn of(state: &SourcesState) -> Self {
        Self(state.sources.iter().map(SourceV2::of).collect())
    }

    pub fn back(self, tenant: Tenant, bucket: u8) -> Result<SourcesState, RowError> {
        let sources = self.0.into_iter().map(SourceV2::back).collect::<Result<_, _>>()?;
        Ok(SourcesState { tenant, bucket, sources })
    }
}

impl SourceV2 {
    fn of(source: &SourceState) -> Self {
        Self {
            rule: source.rule.0,
            entity: source.entity.0.to_be_bytes(),
            alert: source.alert.0.to_be_bytes(),
            severity: source.severity as u8,
            at: source.at.millis(),
            until: source.until.millis(),
        }
    }

    fn back(self) -> Result<SourceState, RowError> {
        Ok(SourceState {
            rule: NoiseId(self.rule),
            entity: KeyHash(u128::from_be_bytes(self.entity)),
            alert: AlertId(u128::from_be_bytes(self.alert)),
            severity: codes::severity(self.severity)?,
            at: at(self.at),
            until: at(self.until),
        })
    }
}
