//! Which alerts inhibit others. The last source of each rule, entity and severity is remembered for as long as the rule
//! says, in buckets of bounded size: a bucket is one row, and a full one forgets first what would end first.

use super::OfTenant;
use crate::engine::{SourceState, SourcesState};
use crate::model::{
    Alert, AlertId, InhibitOn, Inhibition, Key, KeyHash, KeyKind, Millis, NoiseId, NoiseKind, Timestamp,
};

/// Buckets of one tenant, and sources in each: together at most 10,000.
const BUCKETS: u8 = 64;
const SOURCES_MAX: usize = 156;

impl OfTenant {
    /// The gravest source that is known of anything the alert names.
    pub(super) fn inhibitor(
        &self,
        rule: NoiseId,
        inhibition: &Inhibition,
        alert: &Alert,
        keys: &[Key],
        watermark: Timestamp,
    ) -> Option<AlertId> {
        let at = alert.event_time.at;
        let bears = |source: &&SourceState| {
            source.rule == rule
                && source.severity > alert.severity
                && source.alert != alert.id
                && source.until >= watermark
                && (Millis(0)..=inhibition.within).contains(&at.since(source.at))
        };
        let known = entities(keys, inhibition.on).filter_map(|entity| {
            let sources = self.sources.get(&bucket_of(entity))?.sources.iter();
            sources.filter(|source| source.entity == entity).filter(bears).max_by_key(|source| source.severity)
        });
        known.max_by_key(|source| source.severity).map(|source| source.alert)
    }

    pub(super) fn note_source(&mut self, rule: NoiseId, alert: &Alert, keys: &[Key], watermark: Timestamp) {
        let NoiseKind::Inhibit(inhibition) = &self.rules[&rule].rule.kind else { return };
        let (at, until) = (alert.event_time.at, alert.event_time.at.plus(inhibition.within));
        for entity in entities(keys, inhibition.on) {
            let bucket = bucket_of(entity);
            let blank = || SourcesState { tenant: alert.tenant.clone(), bucket, sources: Vec::new() };
            let sources = &mut self.sources.entry(bucket).or_insert_with(blank).sources;
            let same =
                |known: &SourceState| known.rule == rule && known.entity == entity && known.severity == alert.severity;
            if sources.iter().any(|known| same(known) && known.at >= at) {
                continue;
            }
            sources.retain(|known| !same(known) && known.until >= watermark);
            if sources.len() >= SOURCES_MAX
                && let Some((first, _)) = sources.iter().enumerate().min_by_key(|(_, source)| source.until)
            {
                sources.remove(first);
            }
            sources.push(SourceState { rule, entity, alert: alert.id, severity: alert.severity, at, until });
            self.dirty_sources.insert(bucket);
        }
    }
}

fn entities(keys: &[Key], on: InhibitOn) -> impl Iterator<Item = KeyHash> {
    let meant = move |key: &&Key| match on {
        InhibitOn::Host => key.kind == KeyKind::Host,
        InhibitOn::User => matches!(key.kind, KeyKind::User | KeyKind::Sid),
        InhibitOn::Any => !matches!(key.kind, KeyKind::Realm | KeyKind::Spread),
    };
    keys.iter().filter(meant).map(|key| key.hash)
}

const fn bucket_of(entity: KeyHash) -> u8 {
    (entity.0 >> (u128::BITS - BUCKETS.trailing_zeros())) as u8
}
