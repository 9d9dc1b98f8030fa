//! What event time does to cases: untold repeats are told, quiet cases expire, and closed ones leave memory when no alert
//! can reach them any more.

use super::part::{Case, Part};
use super::slab::Slot;
use super::{Effects, Engine, Pending, StateRow};
use crate::model::{CaseStatus, EventKind, Severity, Tally, Timestamp};

impl Engine {
    /// Everything that is due at the watermark, in an order that does not depend on how it was found.
    pub(super) fn pass_time(&mut self, effects: &mut Effects) {
        self.tell_due(effects);
        let watermark = self.clock.state.watermark;
        let mut due: Vec<(Timestamp, Slot<Case>)> = Vec::new();
        while let Some(&(at, case)) = self.timers.first() {
            if at > watermark {
                break;
            }
            self.timers.pop_first();
            if self.cases[case].timer.take_if(|timer| *timer == at).is_some() {
                due.push((at, case));
            }
        }
        let mut quiet: Vec<Slot<Case>> = Vec::new();
        for (_, case) in due {
            match self.due_at(case) {
                Some(at) if at > watermark => self.set_timer(case, at),
                Some(_) if self.cases[case].state.status.is_open() => quiet.push(case),
                Some(_) => self.out_of_reach(case),
                None => {}
            }
        }
        quiet.sort_unstable_by_key(|case| (self.last_alert_at(*case), self.cases[*case].state.id.clone()));
        for case in quiet {
            self.expire(case, effects);
        }
    }

    /// The re-open window is over: no alert meets the case any more, whether or not it stays in memory for a while.
    fn out_of_reach(&mut self, case: Slot<Case>) {
        for index in 0..self.cases[case].parts.len() {
            let part = self.cases[case].parts[index];
            while let Some(last) = self.parts[part].state.keys.len().checked_sub(1) {
                self.forget_key(part, last);
            }
        }
        self.leaving.push(case);
    }

    fn expire(&mut self, case: Slot<Case>, effects: &mut Effects) {
        self.tell_pending(case, effects);
        self.shut(case);
        self.emit(case, EventKind::Expired { quiet: self.policy.quiet }, effects);
    }

    /// When time will do something to the case; never to what is high and open, or merged.
    fn due_at(&self, case: Slot<Case>) -> Option<Timestamp> {
        let state = &self.cases[case].state;
        match state.status {
            CaseStatus::Merged => None,
            CaseStatus::Closed => {
                // Strictly after, since the window is still open at its last moment.
                state.closed_watermark.map(|at| at.plus(self.policy.reopen_window).plus(crate::model::Millis(1)))
            }
            CaseStatus::New
            | CaseStatus::Triage
            | CaseStatus::Investigating
            | CaseStatus::Containing
            | CaseStatus::Recovering => {
                let quiet = state.severity < Severity::High;
                quiet.then(|| self.last_alert_at(case).plus(self.policy.quiet))
            }
        }
    }

    fn last_alert_at(&self, case: Slot<Case>) -> Timestamp {
        let parts = self.cases[case].parts.iter();
        parts.map(|part| self.parts[*part].state.last_at).max().unwrap_or(Timestamp::MIN)
    }

    /// Has the timer look at the case when something may be due. A timer that is too early looks again.
    pub(super) fn watch(&mut self, case: Slot<Case>) {
        if let Some(at) = self.due_at(case)
            && self.cases[case].timer.is_none_or(|timer| at < timer)
        {
            self.set_timer(case, at);
        }
    }

    fn set_timer(&mut self, case: Slot<Case>, at: Timestamp) {
        if let Some(before) = self.cases[case].timer.replace(at) {
            self.timers.remove(&(before, case));
        }
        self.timers.insert((at, case));
    }

    fn tell_due(&mut self, effects: &mut Effects) {
        let watermark = self.clock.state.watermark;
        let mut due: Vec<(Timestamp, Slot<Part>)> = Vec::new();
        while let Some(&(at, part)) = self.pending.first() {
            if at > watermark {
                break;
            }
            self.pending.pop_first();
            due.push((at, part));
        }
        due.sort_unstable_by_key(|(at, part)| (*at, self.parts[*part].tenant, self.parts[*part].state.id));
        for (_, part) in due {
            if self.parts[part].state.pending.is_some() {
                self.tell_pending(self.parts[part].case, effects);
            }
        }
    }

    /// Tells what the case's parts counted in silence, the oldest part first.
    pub(super) fn tell_pending(&mut self, case: Slot<Case>, effects: &mut Effects) {
        for index in 0..self.cases[case].parts.len() {
            let part = self.cases[case].parts[index];
            if let Some(pending) = self.parts[part].state.pending.take() {
                self.pending.remove(&(pending.due, part));
                self.tell(case, part, pending, effects);
            }
        }
    }

    fn tell(&mut self, case: Slot<Case>, part: Slot<Part>, pending: Pending, effects: &mut Effects) {
        self.mark_part(part);
        let state = &mut self.parts[part].state;
        let id = state.id;
        let tally = |(alert, count, first_at, last_at)| Tally { alert, count, first_at, last_at };
        let repeats: Vec<Tally> = pending.repeats.into_iter().map(tally).collect();
        for told in &repeats {
            state.duplicates += told.count;
            state.first_at = state.first_at.min(told.first_at);
            state.last_at = state.last_at.max(told.last_at);
        }
        if pending.rolled_up > 0 {
            state.rolled_up += pending.rolled_up;
            state.first_at = state.first_at.min(pending.rolled_first_at);
            state.last_at = state.last_at.max(pending.rolled_last_at);
        }
        if !repeats.is_empty() {
            self.emit_only(case, EventKind::AlertRepeated { part: id, repeats }, effects);
        }
        if pending.rolled_up > 0 {
            let (count, first_at, last_at) = (pending.rolled_up, pending.rolled_first_at, pending.rolled_last_at);
            self.emit_only(case, EventKind::AlertsRolledUp { part: id, count, first_at, last_at }, effects);
        }
    }

    /// Cases that no alert can reach leave memory with their parts and the cases merged into them; commands bring them
    /// back. A case whose view is still owed stays for it.
    pub(super) fn let_go(&mut self) {
        for case in std::mem::take(&mut self.leaving) {
            let group = self.group(case);
            let closed = self.cases[case].state.status == CaseStatus::Closed;
            let out = group.iter().all(|member| {
                let entry = &self.cases[*member];
                !entry.dirty && entry.state.view_seq == entry.state.seq
            });
            if !closed || self.due_at(case).is_none_or(|at| at > self.clock.state.watermark) {
                self.watch(case);
            } else if out && self.cases[case].parts.iter().all(|part| !self.parts[*part].dirty) {
                group.into_iter().for_each(|member| self.remove_case(member));
            } else {
                self.leaving_later(case);
            }
        }
    }

    fn leaving_later(&mut self, case: Slot<Case>) {
        let at = self.clock.state.watermark.plus(crate::model::Millis(1));
        self.set_timer(case, at);
    }

    /// The case and, in turn, those merged into it.
    pub(super) fn group(&self, case: Slot<Case>) -> Vec<Slot<Case>> {
        let mut group = vec![case];
        let mut next = 0;
        while let Some(&member) = group.get(next) {
            next += 1;
            let merged = self.cases[member].state.merged_from.iter();
            group.extend(merged.filter_map(|record| self.case_slot(&record.case)).filter(|slot| *slot != case));
        }
        group
    }

    fn remove_case(&mut self, case: Slot<Case>) {
        for part in std::mem::take(&mut self.cases[case].parts) {
            while !self.parts[part].state.keys.is_empty() {
                let last = self.parts[part].state.keys.len() - 1;
                let hash = self.parts[part].state.keys.swap_remove(last).hash;
                self.keys.remove(hash, part);
            }
            let Some(gone) = self.parts.remove(part) else { continue };
            self.part_index.remove(&(gone.tenant, gone.state.id));
        }
        if let Some(timer) = self.cases[case].timer {
            self.timers.remove(&(timer, case));
        }
        let Some(gone) = self.cases.remove(case) else { return };
        self.statuses[gone.state.status as usize] -= 1;
        if let Some(tenant) = self.tenant_index.get(&gone.state.id.tenant) {
            self.case_index.remove(&(*tenant, gone.state.id.number));
        }
    }

    /// Takes rows that were not resident.
    pub(super) fn warm(&mut self, rows: Vec<StateRow>) {
        let (mut cases, mut parts) = (Vec::new(), Vec::new());
        for row in rows {
            match row {
                StateRow::Case(case) => cases.push(case),
                StateRow::Part(part) => parts.push(part),
                StateRow::Clock(_)
                | StateRow::Policy(_)
                | StateRow::Tenant(_)
                | StateRow::LearnedDelta { .. }
                | StateRow::LearnedBucket { .. } => {}
            }
        }
        self.take_back(cases, parts);
    }
}
