//! What people may do, and when they are refused. Every command ends applied, with events, or refused, with a reason.

use std::sync::Arc;

use super::case::Case;
use super::form::Why;
use super::slab::Slot;
use super::{Effects, Engine, IdEntry, Refused, Settled, Turn};
use crate::model::{CaseId, CaseStatus, Cause, Command, CommandKind, EventKind, Outcome, PartedBy, Refusal, Verdict};

impl Engine {
    pub(super) fn obey(&mut self, command: Command, effects: &mut Effects) {
        if let Some(at) = command.recorded_at {
            self.clock.tick(at);
        }
        let (actor, cause) = (command.actor.clone(), Cause::Record(command.origin.clone()));
        let done = self.carry_out(&mut Turn { effects, actor, cause }, &command);
        let outcome = if done.is_ok() { Outcome::CommandApplied } else { Outcome::CommandRefused };
        let case = self.tenants.knows(&command.case).then(|| command.case.clone());
        let origin = command.origin.clone();
        effects.settled.push(Settled {
            origin,
            outcome,
            late: false,
            alert: None,
            case,
            part: None,
            link: None,
            suppressed_by: None,
        });
        match done {
            Ok(()) => self.remember_command(&command),
            Err(refusal) => {
                let (actor, time) = (command.actor.clone(), self.clock.state.now);
                effects.refuse.push(Refused { command, actor, time, refusal });
            }
        }
    }

    /// Only what was applied is remembered: a refused command may be sent again once its reason is gone.
    fn remember_command(&mut self, command: &Command) {
        if let Some(hash) = command.idempotency {
            let at = self.clock.state.now.max(self.clock.state.watermark);
            self.learned.put_id(IdEntry { hash, part: None, at, revision: 0, closed: false });
        }
    }

    fn carry_out(&mut self, turn: &mut Turn<'_>, command: &Command) -> Result<(), Refusal> {
        if command.is_tenant_wide() {
            return self.carry_out_for_tenant(turn, command);
        }
        let case = self.admit_command(command)?;
        match &command.kind {
            CommandKind::Close { verdict, comment } => self.close(turn, case, *verdict, comment.clone()),
            CommandKind::Reopen { comment } => self.reopen_by_person(turn, case, comment.clone()),
            CommandKind::Merge { others } => self.merge_by_person(turn, case, others),
            CommandKind::UndoMerge { other, comment } => self.undo_merge(turn, case, other, comment.clone()),
            CommandKind::Split { parts, comment } => self.split_by_person(turn, case, parts, comment.clone()),
            CommandKind::Move { parts, to, comment } => self.move_by_person(turn, case, parts, to, comment.clone()),
            CommandKind::Detach { alert, comment } => self.detach_by_person(turn, case, *alert, comment.clone()),
            CommandKind::SetStatus { status } => self.change_status(turn, case, *status),
            CommandKind::SetVerdict { verdict } => self.set_verdict(turn, case, *verdict),
            CommandKind::Assign { owner, team } => self.assign_to(turn, case, owner.clone(), team.clone()),
            CommandKind::Acknowledge => self.acknowledge(turn, case),
            CommandKind::Comment { text } => {
                self.emit(turn, case, EventKind::CommentAdded { text: text.clone() });
                Ok(())
            }
            // They are about a tenant.
            CommandKind::AddNoise { .. } | CommandKind::EndNoise { .. } => {
                Err(Refusal::NoSuchCase(command.case.clone()))
            }
        }
    }

    /// What holds for every command.
    fn admit_command(&self, command: &Command) -> Result<Slot<Case>, Refusal> {
        let watermark = self.clock.state.watermark;
        let again = |hash| self.learned.id(hash, watermark, &self.policy).is_some();
        if command.idempotency.is_some_and(again) {
            return Err(Refusal::Repeated);
        }
        let slot = self.find_standing(&command.case)?;
        let actual = self.cases[slot].state.seq;
        match command.expected_seq {
            Some(expected) if expected != actual => Err(Refusal::VersionConflict { expected, actual }),
            Some(_) | None => Ok(slot),
        }
    }

    /// A case that does not redirect.
    pub(super) fn find_standing(&self, id: &CaseId) -> Result<Slot<Case>, Refusal> {
        let slot = self.find_case(id).ok_or_else(|| Refusal::NoSuchCase(id.clone()))?;
        match &self.cases[slot].state.merged_into {
            Some((into, _)) => Err(Refusal::Merged(into.clone())),
            None => Ok(slot),
        }
    }

    pub(super) fn require_open(&self, slot: Slot<Case>) -> Result<(), Refusal> {
        if self.cases[slot].is_open() { Ok(()) } else { Err(Refusal::Closed) }
    }

    fn close(
        &mut self,
        turn: &mut Turn<'_>,
        slot: Slot<Case>,
        verdict: Option<Verdict>,
        comment: Option<Arc<str>>,
    ) -> Result<(), Refusal> {
        self.require_open(slot)?;
        self.emit(turn, slot, EventKind::Closed { verdict, comment });
        let state = &mut self.cases[slot].state;
        state.verdict = verdict.or(state.verdict);
        self.shut(slot);
        Ok(())
    }

    fn reopen_by_person(
        &mut self,
        turn: &mut Turn<'_>,
        slot: Slot<Case>,
        comment: Option<Arc<str>>,
    ) -> Result<(), Refusal> {
        if self.cases[slot].is_open() {
            return Err(Refusal::NotClosed);
        }
        self.emit(turn, slot, EventKind::Reopened { comment, link: None });
        self.unshut(turn, slot);
        Ok(())
    }

    /// A person needs no evidence, and may join what the engine would not. All of them, or none.
    fn merge_by_person(&mut self, turn: &mut Turn<'_>, slot: Slot<Case>, others: &[CaseId]) -> Result<(), Refusal> {
        self.require_open(slot)?;
        let (mut joined, mut parts) = (vec![slot], self.part_count(slot));
        for other in others {
            self.require_same_tenant(slot, other)?;
            let other = self.find_standing(other)?;
            if joined.contains(&other) {
                return Err(Refusal::SameCase);
            }
            self.require_open(other)?;
            parts += self.part_count(other);
            joined.push(other);
        }
        let most = self.policy.parts_per_case_max as usize;
        if parts > most {
            return Err(Refusal::TooManyParts(most));
        }
        let mut survivor = slot;
        for other in joined.into_iter().skip(1) {
            self.forget_parting(survivor, other);
            let ends = (self.founding_part(survivor), self.founding_part(other));
            let at = self.draw_by_person(ends.0, ends.1);
            survivor = self.merge(turn, at, ends, None);
        }
        Ok(())
    }

    pub(super) fn forget_parting(&mut self, one: Slot<Case>, two: Slot<Case>) {
        for (these, those) in [(one, two), (two, one)] {
            let others: Vec<CaseId> =
                self.cases[those].homes.iter().map(|home| self.cases[*home].state.id.clone()).collect();
            for home in self.cases[these].homes.clone() {
                self.cases[home].state.kept_apart.retain(|apart| !others.contains(apart));
                self.soil_case(home);
            }
        }
    }

    fn undo_merge(
        &mut self,
        turn: &mut Turn<'_>,
        slot: Slot<Case>,
        other: &CaseId,
        comment: Option<Arc<str>>,
    ) -> Result<(), Refusal> {
        self.require_same_tenant(slot, other)?;
        let absorbed = self.find_case(other).filter(|absorbed| self.cases[slot].homes.contains(absorbed));
        let redirect = absorbed.and_then(|absorbed| self.cases[absorbed].state.merged_into.clone());
        let (Some(absorbed), Some(_)) = (absorbed, redirect) else { return Err(Refusal::NotMerged(other.clone())) };
        self.part_cases(slot, absorbed);
        self.reform(turn, &[slot], &Why { by: PartedBy::Person, comment });
        Ok(())
    }

    pub(super) fn require_same_tenant(&self, slot: Slot<Case>, other: &CaseId) -> Result<(), Refusal> {
        if self.cases[slot].state.id.tenant == other.tenant { Ok(()) } else { Err(Refusal::OtherTenant) }
    }

    fn change_status(&mut self, turn: &mut Turn<'_>, slot: Slot<Case>, to: CaseStatus) -> Result<(), Refusal> {
        if !to.is_open() {
            return Err(Refusal::NotAStatusToSet);
        }
        self.require_open(slot)?;
        let from = self.cases[slot].state.status;
        self.emit(turn, slot, EventKind::StatusChanged { from, to });
        self.set_status(slot, to);
        if to == CaseStatus::Recovering {
            // What one recovers from is contained.
            let now = self.clock.state.now;
            self.cases[slot].state.contained_at.get_or_insert(now);
        }
        Ok(())
    }

    fn set_verdict(&mut self, turn: &mut Turn<'_>, slot: Slot<Case>, verdict: Verdict) -> Result<(), Refusal> {
        self.emit(turn, slot, EventKind::VerdictSet { verdict });
        self.cases[slot].state.verdict = Some(verdict);
        Ok(())
    }

    fn assign_to(
        &mut self,
        turn: &mut Turn<'_>,
        slot: Slot<Case>,
        owner: Option<Arc<str>>,
        team: Option<Arc<str>>,
    ) -> Result<(), Refusal> {
        self.emit(turn, slot, EventKind::Assigned { owner: owner.clone(), team: team.clone() });
        let state = &mut self.cases[slot].state;
        (state.owner, state.team) = (owner, team);
        Ok(())
    }

    fn acknowledge(&mut self, turn: &mut Turn<'_>, slot: Slot<Case>) -> Result<(), Refusal> {
        self.require_open(slot)?;
        self.emit(turn, slot, EventKind::Acknowledged);
        let now = self.clock.state.now;
        self.cases[slot].state.acknowledged_at.get_or_insert(now);
        Ok(())
    }
}
