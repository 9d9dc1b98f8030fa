//! What people may say about noise, and when they are refused.

use super::OfTenant;
use crate::engine::{Engine, NoiseState, Turn};
use crate::model::{
    Command, CommandKind, Millis, NoiseFact, NoiseId, NoiseKind, NoiseRule, Refusal, Tenant, Timestamp,
};

/// Rules of one tenant. Those that ended are listed as long as there is room for them.
const RULES_MAX: usize = 1_000;
/// How long a rule is listed after its end.
const LISTED_AFTER: Millis = Millis::from_hours(30 * 24);
/// What is silenced for longer is no passing noise.
const SILENCE_MAX: Millis = Millis::from_hours(90 * 24);
const INHIBITION_MAX: Millis = Millis::from_hours(24);

impl Engine {
    pub(in crate::engine) fn carry_out_for_tenant(
        &mut self,
        turn: &mut Turn<'_>,
        command: &Command,
    ) -> Result<(), Refusal> {
        let watermark = self.clock.state.watermark;
        let again = |hash| self.learned.id(hash, watermark, &self.policy).is_some();
        if command.idempotency.is_some_and(again) {
            return Err(Refusal::Repeated);
        }
        match &command.kind {
            CommandKind::AddNoise { rule } => self.add_noise(turn, &command.case.tenant, rule),
            CommandKind::EndNoise { id } => self.end_noise(turn, &command.case.tenant, *id),
            CommandKind::Close { .. }
            | CommandKind::Reopen { .. }
            | CommandKind::Merge { .. }
            | CommandKind::UndoMerge { .. }
            | CommandKind::Split { .. }
            | CommandKind::Move { .. }
            | CommandKind::Detach { .. }
            | CommandKind::SetStatus { .. }
            | CommandKind::SetVerdict { .. }
            | CommandKind::Assign { .. }
            | CommandKind::Acknowledge
            | CommandKind::Comment { .. } => Err(Refusal::NoSuchCase(command.case.clone())),
        }
    }

    fn add_noise(&mut self, turn: &mut Turn<'_>, tenant: &Tenant, rule: &NoiseRule) -> Result<(), Refusal> {
        check(rule)?;
        let seat = self.tenants.find(tenant).ok_or(Refusal::NoSuchTenant)?;
        let now = self.clock.state.now.max(self.clock.state.watermark);
        let of_tenant = self.noise.tenants.entry(tenant.clone()).or_default();
        of_tenant.purge(self.clock.state.watermark);
        if of_tenant.rules.len() >= RULES_MAX {
            return Err(Refusal::TooManyRules(RULES_MAX));
        }
        let (id, expires_at) = (self.tenants.next_rule(seat), rule.lasts.map(|lasts| now.plus(lasts)));
        let state = NoiseState {
            tenant: tenant.clone(),
            id,
            rule: rule.clone(),
            by: turn.actor.clone(),
            created_at: now,
            expires_at,
            ended_at: None,
            hits: 0,
            last_hit_at: None,
        };
        of_tenant.rules.insert(id, state);
        of_tenant.dirty.insert(id);
        of_tenant.unsaved.insert(id);
        self.tell_noise(turn, tenant, NoiseFact::Added { id, rule: Box::new(rule.clone()), expires_at });
        Ok(())
    }

    fn end_noise(&mut self, turn: &mut Turn<'_>, tenant: &Tenant, id: NoiseId) -> Result<(), Refusal> {
        let now = self.clock.state.now.max(self.clock.state.watermark);
        let of_tenant = self.noise.tenants.get_mut(tenant).ok_or(Refusal::NoSuchRule(id))?;
        let state = of_tenant.rules.get_mut(&id).filter(|rule| rule.ended_at.is_none());
        let state = state.ok_or(Refusal::NoSuchRule(id))?;
        state.ended_at = Some(now);
        let hits = state.hits;
        of_tenant.dirty.insert(id);
        self.tell_noise(turn, tenant, NoiseFact::Ended { id, hits });
        Ok(())
    }
}

/// What no rule may be, whatever else there is.
fn check(rule: &NoiseRule) -> Result<(), Refusal> {
    let sound = match &rule.kind {
        NoiseKind::Silence | NoiseKind::Allow => rule.matcher.names_something(),
        NoiseKind::Exclude => rule.matcher.names_keys(),
        NoiseKind::Inhibit(inhibition) => inhibition.within <= INHIBITION_MAX,
    };
    let ends = rule.lasts.is_some_and(|lasts| lasts <= SILENCE_MAX);
    if !sound {
        Err(Refusal::TooBroad)
    } else if rule.kind == NoiseKind::Silence && !ends {
        Err(Refusal::NeedsAnEnd)
    } else {
        Ok(())
    }
}

impl OfTenant {
    /// Forgets what ended long ago, and what ended at all where its place is needed.
    fn purge(&mut self, watermark: Timestamp) {
        let end = |rule: &NoiseState| rule.ended_at.or(rule.expires_at);
        let gone = |rule: &NoiseState| end(rule).is_some_and(|end| end.plus(LISTED_AFTER) <= watermark);
        let gone: Vec<NoiseId> = self.rules.values().filter(|rule| gone(rule)).map(|rule| rule.id).collect();
        gone.into_iter().for_each(|id| self.forget(id));
        let over = (self.rules.len() + 1).saturating_sub(RULES_MAX);
        let ended = self.rules.values().filter(|rule| !rule.is_live(watermark)).map(|rule| rule.id);
        let ended: Vec<NoiseId> = ended.take(over).collect();
        ended.into_iter().for_each(|id| self.forget(id));
    }

    fn forget(&mut self, id: NoiseId) {
        self.rules.remove(&id);
        self.dirty.insert(id);
    }
}
