//! What analysts want, carried out or refused with a reason. Either way the command has its outcome.

use std::sync::Arc;

use super::part::Case;
use super::slab::Slot;
use super::{Effects, Engine, IdEntry, Input, Now, Refused, RowKey, Settled, settled};
use crate::model::{
    CaseId, CaseStatus, Cause, Command, CommandKind, EventKind, Link, Outcome, Refusal, Timestamp, Verdict,
};

impl Engine {
    /// The names of the rows that this input needs and that are not resident. Ask again after they were handed in: rows
    /// lead to rows. Alerts need none.
    #[must_use]
    pub fn needs(&self, input: &Input) -> Vec<RowKey> {
        let Input::Command(command) = input else { return Vec::new() };
        let mut missing = Vec::new();
        let mut seen = Vec::new();
        self.missing(&command.case, &mut seen, &mut missing);
        if let CommandKind::Merge { other } | CommandKind::UndoMerge { other, .. } = &command.kind {
            self.missing(other, &mut seen, &mut missing);
        }
        missing
    }

    /// A case's rows are its own, those of its parts, and those of the cases that it merged with.
    fn missing(&self, case: &CaseId, seen: &mut Vec<CaseId>, missing: &mut Vec<RowKey>) {
        if seen.contains(case) {
            return;
        }
        seen.push(case.clone());
        let Some(slot) = self.case_slot(case) else {
            missing.push(RowKey::Case(case.clone()));
            return;
        };
        let state = &self.cases[slot].state;
        let tenant = self.tenant_index.get(&case.tenant);
        let gone = |part: &&crate::model::PartId| {
            tenant.is_none_or(|tenant| self.part_index.get(&(*tenant, **part)).is_none())
        };
        missing.extend(state.parts.iter().filter(gone).map(|part| RowKey::Part(case.tenant.clone(), *part)));
        for record in &state.merged_from {
            self.missing(&record.case, seen, missing);
        }
        if let Some((into, _)) = &state.merged_into {
            self.missing(into, seen, missing);
        }
    }

    pub(super) fn obey(&mut self, command: Command, effects: &mut Effects) {
        self.now = Now { actor: command.actor.clone(), cause: Cause::Record(command.origin.clone()) };
        self.clock.tick(command.recorded_at.unwrap_or(self.clock.state.now));
        let origin = command.origin.clone();
        let case = command.case.clone();
        let outcome = match self.carry_out(&command, effects) {
            Ok(()) => {
                if let Some(hash) = command.idempotency {
                    let at = command.recorded_at.unwrap_or(self.clock.state.watermark);
                    self.learned.put_id(IdEntry { hash, part: None, at, revision: 0, closed: false });
                }
                Outcome::CommandApplied
            }
            Err(refusal) => {
                let (actor, time) = (command.actor.clone(), self.clock.state.now);
                effects.refuse.push(Refused { command, actor, time, refusal });
                Outcome::CommandRefused
            }
        };
        effects.settled.push(Settled { origin, ..settled(outcome, Some(case), None) });
    }

    fn carry_out(&mut self, command: &Command, effects: &mut Effects) -> Result<(), Refusal> {
        let repeated = command.idempotency.and_then(|hash| {
            self.learned.id(hash, self.clock.state.watermark, &self.policy)
        });
        if repeated.is_some() {
            return Err(Refusal::Repeated);
        }
        let case = self.case_slot(&command.case).ok_or_else(|| Refusal::NoSuchCase(command.case.clone()))?;
        let state = &self.cases[case].state;
        if let Some((into, _)) = &state.merged_into {
            return Err(Refusal::Merged(into.clone()));
        }
        if let Some(expected) = command.expected_seq.filter(|expected| *expected != state.seq) {
            return Err(Refusal::VersionConflict { expected, actual: state.seq });
        }
        match &command.kind {
            CommandKind::Close { verdict, comment } => self.close(case, *verdict, comment.clone(), effects),
            CommandKind::Reopen { comment } => match self.cases[case].state.status {
                CaseStatus::Closed => {
                    self.reopen(case, comment.clone(), None, effects);
                    Ok(())
                }
                _ => Err(Refusal::NotClosed),
            },
            CommandKind::Merge { other } => self.merge_by_person(case, other, effects),
            CommandKind::UndoMerge { other, comment } => self.undo_by_person(case, other, comment.clone(), effects),
            CommandKind::SetStatus { status } => self.change_status(case, *status, effects),
            CommandKind::SetVerdict { verdict } => self.change_verdict(case, *verdict, effects),
            CommandKind::Assign { owner, team } => {
                self.cases[case].state.owner.clone_from(owner);
                self.cases[case].state.team.clone_from(team);
                self.emit(case, EventKind::Assigned { owner: owner.clone(), team: team.clone() }, effects);
                Ok(())
            }
            CommandKind::Acknowledge => {
                let now = self.clock.state.now;
                self.cases[case].state.acknowledged_at.get_or_insert(now);
                self.emit(case, EventKind::Acknowledged, effects);
                Ok(())
            }
            CommandKind::Comment { text } => {
                self.emit(case, EventKind::CommentAdded { text: Arc::clone(text) }, effects);
                Ok(())
            }
        }
    }

    fn close(
        &mut self,
        case: Slot<Case>,
        verdict: Option<Verdict>,
        comment: Option<Arc<str>>,
        effects: &mut Effects,
    ) -> Result<(), Refusal> {
        if !self.cases[case].state.status.is_open() {
            return Err(Refusal::Closed);
        }
        // Told while it is still open: nothing is said on a closed case.
        self.tell_pending(case, effects);
        let state = &mut self.cases[case].state;
        state.verdict = verdict.or(state.verdict);
        self.shut(case);
        self.emit(case, EventKind::Closed { verdict, comment }, effects);
        Ok(())
    }

    /// Closed at this point of event time.
    pub(super) fn shut(&mut self, case: Slot<Case>) {
        self.set_status(case, CaseStatus::Closed);
        let (now, watermark) = (self.clock.state.now, self.clock.state.watermark);
        let state = &mut self.cases[case].state;
        state.closed_at = Some(now);
        state.resolved_at.get_or_insert(now);
        state.closed_watermark = Some(watermark);
        self.watch(case);
    }

    pub(super) fn reopen(
        &mut self,
        case: Slot<Case>,
        comment: Option<Arc<str>>,
        link: Option<Arc<Link>>,
        effects: &mut Effects,
    ) {
        self.set_status(case, CaseStatus::Triage);
        let state = &mut self.cases[case].state;
        (state.closed_at, state.closed_watermark, state.resolved_at) = (None, None, None);
        self.emit(case, EventKind::Reopened { comment, link }, effects);
        self.watch(case);
    }

    fn merge_by_person(&mut self, case: Slot<Case>, other: &CaseId, effects: &mut Effects) -> Result<(), Refusal> {
        if other.tenant != self.cases[case].state.id.tenant {
            return Err(Refusal::OtherTenant);
        }
        let second = self.case_slot(other).ok_or_else(|| Refusal::NoSuchCase(other.clone()))?;
        if second == case {
            return Err(Refusal::SameCase);
        }
        if let Some((into, _)) = &self.cases[second].state.merged_into {
            return Err(Refusal::Merged(into.clone()));
        }
        if !self.cases[case].state.status.is_open() || !self.cases[second].state.status.is_open() {
            return Err(Refusal::Closed);
        }
        let most = self.policy.parts_per_case_max as usize;
        if self.cases[case].parts.len() + self.cases[second].parts.len() > most {
            return Err(Refusal::TooManyParts(most));
        }
        let (a, b) = (self.cases[case].parts[0], self.cases[second].parts[0]);
        let edge = self.draw(a, b, None);
        let between = (self.parts[a].state.id, self.parts[b].state.id);
        // The last word of a person counts: what was kept apart no longer is.
        let ids = (self.cases[case].state.id.clone(), other.clone());
        self.cases[case].state.kept_apart.retain(|apart| *apart != ids.1);
        self.cases[second].state.kept_apart.retain(|apart| *apart != ids.0);
        self.merge(case, second, edge, between, None, effects);
        Ok(())
    }

    fn undo_by_person(
        &mut self,
        case: Slot<Case>,
        other: &CaseId,
        comment: Option<Arc<str>>,
        effects: &mut Effects,
    ) -> Result<(), Refusal> {
        let (holder, edge) = self.merge_of(case, other).ok_or_else(|| Refusal::NotMerged(other.clone()))?;
        let second = self.case_slot(other).ok_or_else(|| Refusal::NoSuchCase(other.clone()))?;
        self.undo(case, holder, second, edge, comment, effects);
        Ok(())
    }

    fn change_status(&mut self, case: Slot<Case>, to: CaseStatus, effects: &mut Effects) -> Result<(), Refusal> {
        let from = self.cases[case].state.status;
        if !to.is_open() {
            return Err(Refusal::NotAStatusToSet);
        }
        if !from.is_open() {
            return Err(Refusal::Closed);
        }
        self.set_status(case, to);
        if matches!(to, CaseStatus::Recovering) {
            let now: Timestamp = self.clock.state.now;
            self.cases[case].state.contained_at.get_or_insert(now);
        }
        self.emit(case, EventKind::StatusChanged { from, to }, effects);
        Ok(())
    }

    fn change_verdict(&mut self, case: Slot<Case>, verdict: Verdict, effects: &mut Effects) -> Result<(), Refusal> {
        self.cases[case].state.verdict = Some(verdict);
        self.emit(case, EventKind::VerdictSet { verdict }, effects);
        Ok(())
    }
}
