//! What people say about noise, applied: silences and allow-list entries keep an alert out of every case, inhibitions
//! do while something graver is known of its machine or user, exclusions take keys away that link nothing; and floods
//! are counted instead of told one by one. Which alerts a matcher speaks of is in `matching`, what people may say in
//! `rules`, sources in `inhibit`, floods in `flood`.
//!
//! An alert that is known already, or repeats one in an open case, is never suppressed: it ends where the other one is.

mod flood;
mod inhibit;
mod matching;
mod rules;

use std::collections::{BTreeMap, BTreeSet};

use smallvec::SmallVec;

use super::correlate::Arrival;
use super::{Change, Engine, NoiseState, RowKey, Settled, SourcesState, StateRef, Turn};
use crate::model::{
    Alert, Key, Millis, NoiseEvent, NoiseFact, NoiseId, NoiseKind, Outcome, Severity, SuppressedBy, Tenant, Timestamp,
};

pub use flood::Flood;

/// A rule that suppressed or excluded nothing for so long is stale.
const STALE_AFTER: Millis = Millis::from_hours(30 * 24);

#[derive(Default)]
pub struct Noise {
    tenants: BTreeMap<Tenant, OfTenant>,
}

#[derive(Default)]
struct OfTenant {
    rules: BTreeMap<NoiseId, NoiseState>,
    dirty: BTreeSet<NoiseId>,
    /// Rules without a row yet.
    unsaved: BTreeSet<NoiseId>,
    /// By bucket.
    sources: BTreeMap<u8, SourcesState>,
    dirty_sources: BTreeSet<u8>,
}

/// How many rules are in force, and how many of them do nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoiseStats {
    pub silences: u64,
    pub allows: u64,
    pub excludes: u64,
    pub inhibits: u64,
    /// Without a hit for 30 days, or expired.
    pub stale: u64,
    /// Alerts that inhibit others now.
    pub sources: u64,
}

impl NoiseState {
    /// It counts until the watermark reaches its end.
    #[must_use]
    pub fn is_live(&self, watermark: Timestamp) -> bool {
        self.ended_at.is_none() && self.expires_at.is_none_or(|end| watermark < end)
    }

    /// Nobody would miss it: past its end, though nobody ended it, or without a hit for 30 days of event time.
    #[must_use]
    pub fn is_stale(&self, watermark: Timestamp) -> bool {
        let idle = watermark.since(self.last_hit_at.unwrap_or(self.created_at)) >= STALE_AFTER;
        self.ended_at.is_none() && (idle || !self.is_live(watermark))
    }
}

impl Engine {
    /// Takes the keys away that people excluded; answers what would keep the alert out of every case.
    pub(super) fn screen(&mut self, alert: &Alert, keys: &mut Vec<Key>) -> Option<SuppressedBy> {
        let watermark = self.clock.state.watermark;
        self.noise.tenants.get_mut(&alert.tenant)?.screen(alert, keys, watermark)
    }

    /// The alert ends here. Nothing is remembered of it, so that the same alert is judged anew once the rule is gone.
    pub(super) fn suppress(&mut self, turn: &mut Turn<'_>, arrival: Arrival, by: SuppressedBy) {
        let (at, late, alert) = (arrival.at(), arrival.late, arrival.alert);
        if let Some(of_tenant) = self.noise.tenants.get_mut(&alert.tenant) {
            of_tenant.hit(by.rule, at);
        }
        let fact = NoiseFact::Suppressed { alert: alert.clone(), late, by };
        self.tell_noise(turn, &alert.tenant, fact);
        turn.effects.settled.push(Settled {
            origin: alert.origin.clone(),
            outcome: Outcome::Suppressed,
            late,
            alert: Some(alert),
            case: None,
            part: None,
            link: None,
            suppressed_by: Some(by),
        });
    }

    fn tell_noise(&self, turn: &mut Turn<'_>, tenant: &Tenant, fact: NoiseFact) {
        turn.effects.noise.push(NoiseEvent {
            tenant: tenant.clone(),
            time: self.clock.state.now,
            actor: turn.actor.clone(),
            cause: turn.cause.clone(),
            policy: self.policy.digest,
            fact,
        });
    }

    /// A tenant's noise rules in the order in which they were made, those included that ended in the last 30 days.
    pub fn noise_rules(&self, tenant: &Tenant) -> impl Iterator<Item = &NoiseState> {
        self.noise.tenants.get(tenant).into_iter().flat_map(|of_tenant| of_tenant.rules.values())
    }

    /// Those of all tenants that nobody would miss.
    pub fn stale_noise_rules(&self) -> impl Iterator<Item = &NoiseState> {
        let watermark = self.clock.state.watermark;
        let rules = self.noise.tenants.values().flat_map(|of_tenant| of_tenant.rules.values());
        rules.filter(move |rule| rule.is_stale(watermark))
    }
}

impl Noise {
    /// Hands out what changed, in the order of the names.
    pub fn seal(&mut self, change: &mut dyn FnMut(Change<'_>)) {
        for (tenant, of_tenant) in &mut self.tenants {
            for id in std::mem::take(&mut of_tenant.dirty) {
                let unsaved = of_tenant.unsaved.remove(&id);
                match of_tenant.rules.get(&id) {
                    Some(rule) => change(Change::Save(StateRef::Noise(rule))),
                    None if unsaved => {}
                    None => change(Change::Remove(RowKey::Noise(tenant.clone(), id))),
                }
            }
            for bucket in std::mem::take(&mut of_tenant.dirty_sources) {
                if let Some(sources) = of_tenant.sources.get(&bucket) {
                    change(Change::Save(StateRef::Sources(sources)));
                }
            }
        }
    }

    pub fn take_rule(&mut self, rule: NoiseState) {
        self.tenants.entry(rule.tenant.clone()).or_default().rules.insert(rule.id, rule);
    }

    pub fn take_sources(&mut self, sources: SourcesState) {
        let of_tenant = self.tenants.entry(sources.tenant.clone()).or_default();
        of_tenant.sources.insert(sources.bucket, sources);
    }

    pub fn stats(&self, watermark: Timestamp) -> NoiseStats {
        let mut stats = NoiseStats::default();
        for rule in self.tenants.values().flat_map(|of_tenant| of_tenant.rules.values()) {
            let live = u64::from(rule.is_live(watermark));
            match rule.rule.kind {
                NoiseKind::Silence => stats.silences += live,
                NoiseKind::Allow => stats.allows += live,
                NoiseKind::Exclude => stats.excludes += live,
                NoiseKind::Inhibit(_) => stats.inhibits += live,
            }
            stats.stale += u64::from(rule.is_stale(watermark));
        }
        let sources = self.tenants.values().flat_map(|of_tenant| of_tenant.sources.values());
        stats.sources =
            sources.flat_map(|bucket| &bucket.sources).filter(|source| source.until >= watermark).count() as u64;
        stats
    }
}

impl OfTenant {
    fn screen(&mut self, alert: &Alert, keys: &mut Vec<Key>, watermark: Timestamp) -> Option<SuppressedBy> {
        let mut by = None;
        let mut begun: SmallVec<[NoiseId; 2]> = SmallVec::new();
        let mut excluding: SmallVec<[NoiseId; 2]> = SmallVec::new();
        for (id, NoiseState { rule, .. }) in self.rules.iter().filter(|(_, rule)| rule.is_live(watermark)) {
            let fits = || matching::fits(&rule.matcher, alert, keys);
            match &rule.kind {
                NoiseKind::Silence | NoiseKind::Allow => {
                    if by.is_none() && may_suppress(alert, rule.matcher.speaks_of_severity()) && fits() {
                        by = Some(SuppressedBy { rule: *id, source: None });
                    }
                }
                NoiseKind::Exclude => excluding.extend(fits().then_some(*id)),
                NoiseKind::Inhibit(inhibition) => {
                    if by.is_none()
                        && may_suppress(alert, inhibition.target.speaks_of_severity())
                        && matching::fits(&inhibition.target, alert, keys)
                        && let Some(source) = self.inhibitor(*id, inhibition, alert, keys, watermark)
                    {
                        by = Some(SuppressedBy { rule: *id, source: Some(source) });
                    }
                    begun.extend(fits().then_some(*id));
                }
            }
        }
        if by.is_none() {
            begun.into_iter().for_each(|id| self.note_source(id, alert, keys, watermark));
        }
        self.exclude(&excluding, alert, keys);
        by
    }

    fn exclude(&mut self, excluding: &[NoiseId], alert: &Alert, keys: &mut Vec<Key>) {
        for id in excluding {
            let (before, Some(state)) = (keys.len(), self.rules.get(id)) else { continue };
            keys.retain(|key| !matching::names(&state.rule.matcher, key));
            if keys.len() < before {
                self.hit(*id, alert.event_time.at);
            }
        }
    }

    fn hit(&mut self, id: NoiseId, at: Timestamp) {
        let Some(rule) = self.rules.get_mut(&id) else { return };
        rule.hits += 1;
        rule.last_hit_at = Some(rule.last_hit_at.map_or(at, |last| last.max(at)));
        self.dirty.insert(id);
    }
}

/// What is critical is kept out only where somebody said so in as many words.
fn may_suppress(alert: &Alert, speaks_of_severity: bool) -> bool {
    alert.severity < Severity::Critical || speaks_of_severity
}
