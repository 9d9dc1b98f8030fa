//! Cases as connected parts: a merge is an edge between two of them, and undoing it takes the edge away. Nothing is copied
//! and nothing erased; what a case is follows from the edges that hold.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::part::{Case, Part};
use super::score::Candidate;
use super::slab::Slot;
use super::{Effects, Engine, MergeRecord, RelatedState};
use crate::model::{Alert, CaseId, CaseStatus, EdgeId, EventKind, Key, KeyKind, Link, MergeSide, PartId, RefusedMerge};

impl Engine {
    /// The alert sits in `part` now. Every other case that it meets as strongly as a merge wants is merged, or kept apart
    /// for a reason that is told once.
    pub(super) fn bridge(
        &mut self,
        alert: &Alert,
        keys: &[Key],
        part: Slot<Part>,
        candidates: &[Candidate],
        effects: &mut Effects,
    ) {
        let strong = candidates[1..].iter().filter(|rival| rival.strength >= self.policy.merge_permille);
        let rivals: Vec<&Candidate> = strong.collect();
        for rival in rivals {
            let case = self.parts[part].case;
            let other = self.parts[rival.met[0].part].case;
            // An earlier rival may have brought this one along.
            if case == other {
                continue;
            }
            let link = Arc::new(self.link_to(rival, keys));
            match self.guard(alert, case, other) {
                Ok(()) => {
                    let evidence = self.evidence_set(alert, rival, keys);
                    let towards = rival.strongest_part(self);
                    let edge = self.draw(part, towards, Some(evidence));
                    let between = (self.parts[part].state.id, self.parts[towards].state.id);
                    self.merge(case, other, edge, between, Some(link), effects);
                }
                Err(reason) => self.keep_related(case, other, reason, &link, effects),
            }
        }
    }

    fn guard(&self, alert: &Alert, a: Slot<Case>, b: Slot<Case>) -> Result<(), RefusedMerge> {
        let (one, two) = (&self.cases[a], &self.cases[b]);
        let differ = |x: Option<&str>, y: Option<&str>| x.zip(y).is_some_and(|(x, y)| x != y);
        if !one.state.status.is_open() || !two.state.status.is_open() {
            Err(RefusedMerge::NotBothOpen)
        } else if alert.correlation.no_merge {
            Err(RefusedMerge::AlertForbids)
        } else if self.kept_apart(a, b) {
            Err(RefusedMerge::KeptApart)
        } else if differ(one.state.owner.as_deref(), two.state.owner.as_deref()) {
            Err(RefusedMerge::OwnersDiffer)
        } else if one.state.verdict.zip(two.state.verdict).is_some_and(|(x, y)| x != y) {
            Err(RefusedMerge::VerdictsDiffer)
        } else if one.alerts + two.alerts >= u64::from(self.policy.soft_cap) {
            Err(RefusedMerge::OverSoftCap)
        } else if one.parts.len() + two.parts.len() > self.policy.parts_per_case_max as usize {
            Err(RefusedMerge::TooManyParts)
        } else {
            Ok(())
        }
    }

    /// A person parted them, or parted cases that are in them now.
    fn kept_apart(&self, a: Slot<Case>, b: Slot<Case>) -> bool {
        let within = |case: Slot<Case>| -> BTreeSet<CaseId> {
            let homes = self.cases[case].parts.iter().map(|part| self.parts[*part].state.home.clone());
            homes.chain([self.cases[case].state.id.clone()]).collect()
        };
        let (one, two) = (within(a), within(b));
        let parted = |id: &CaseId| {
            let slot = self.case_slot(id);
            slot.is_some_and(|slot| self.cases[slot].state.kept_apart.iter().any(|other| two.contains(other)))
        };
        one.iter().any(parted)
    }

    fn keep_related(
        &mut self,
        a: Slot<Case>,
        b: Slot<Case>,
        reason: RefusedMerge,
        link: &Arc<Link>,
        effects: &mut Effects,
    ) {
        let (one, two) = (self.cases[a].state.id.clone(), self.cases[b].state.id.clone());
        if self.cases[a].state.related.iter().any(|related| related.case == two) {
            return;
        }
        let refused = EventKind::MergeRefused { other: two.clone(), reason, link: Arc::clone(link) };
        self.emit(a, refused, effects);
        for (case, other) in [(a, two), (b, one)] {
            let keys = counted_keys(link);
            let related = RelatedState { case: other.clone(), strength_permille: link.strength_permille, keys };
            self.cases[case].state.related.push(related);
            // A closed case is told nothing; it shows the relation when it is looked at again.
            if self.cases[case].state.status.is_open() {
                self.emit(case, EventKind::Linked { other, link: Arc::clone(link) }, effects);
            } else {
                self.mark_case(case);
            }
        }
    }

    /// The older case survives; the other one redirects to it.
    pub(super) fn merge(
        &mut self,
        a: Slot<Case>,
        b: Slot<Case>,
        edge: EdgeId,
        between: (PartId, PartId),
        link: Option<Arc<Link>>,
        effects: &mut Effects,
    ) -> Slot<Case> {
        let older = self.cases[a].state.id.number < self.cases[b].state.id.number;
        let (survivor, absorbed) = if older { (a, b) } else { (b, a) };
        self.tell_pending(absorbed, effects);
        self.tell_pending(survivor, effects);
        let (into, from) = (self.cases[survivor].state.id.clone(), self.cases[absorbed].state.id.clone());
        let moved = std::mem::take(&mut self.cases[absorbed].parts);
        let parts: Vec<PartId> = moved.iter().map(|part| self.parts[*part].state.id).collect();
        for part in &moved {
            self.parts[*part].case = survivor;
        }
        self.cases[survivor].parts.extend(moved);
        self.sort_parts(survivor);
        self.cases[survivor].alerts += std::mem::take(&mut self.cases[absorbed].alerts);
        let at = self.clock.state.now;
        let record = MergeRecord { case: from.clone(), edge, at };
        self.cases[survivor].state.merged_from.push(record);
        let before = self.cases[absorbed].state.status;
        self.cases[absorbed].state.status_before_merge = Some(before);
        self.cases[absorbed].state.merged_into = Some((into.clone(), edge));
        self.set_status(absorbed, CaseStatus::Merged);
        self.emit(survivor, EventKind::Merged { from, edge, parts, between, link }, effects);
        self.emit(absorbed, EventKind::MergedInto { into, edge }, effects);
        self.weigh_again(survivor, effects);
        self.watch(survivor);
        survivor
    }

    fn sort_parts(&mut self, case: Slot<Case>) {
        let mut parts = std::mem::take(&mut self.cases[case].parts);
        parts.sort_unstable_by_key(|part| self.parts[*part].state.id);
        self.cases[case].parts = parts;
    }

    /// The case whose own merge brought `other` in: `case`, or one that was merged into it in turn.
    pub(super) fn merge_of(&self, case: Slot<Case>, other: &CaseId) -> Option<(Slot<Case>, EdgeId)> {
        self.group(case).into_iter().find_map(|holder| {
            let record = self.cases[holder].state.merged_from.iter().find(|record| record.case == *other)?;
            Some((holder, record.edge))
        })
    }

    /// Parts `other` from `survivor` again: every edge between its side and the rest is undone, since a person says that
    /// they do not belong together. What arrived in between is on the side that its own links say.
    pub(super) fn undo(
        &mut self,
        survivor: Slot<Case>,
        holder: Slot<Case>,
        other: Slot<Case>,
        edge: EdgeId,
        comment: Option<Arc<str>>,
        effects: &mut Effects,
    ) {
        self.tell_pending(survivor, effects);
        let side = self.side_of(survivor, other);
        self.cut(survivor, &side);
        let parts: Vec<PartId> = side.iter().map(|part| self.parts[*part].state.id).collect();
        let alerts: u64 = side.iter().map(|part| self.parts[*part].state.alerts).sum();
        for part in &side {
            self.parts[*part].case = other;
        }
        self.cases[survivor].parts.retain(|part| !side.contains(part));
        self.cases[survivor].alerts -= alerts;
        self.cases[other].alerts = alerts;
        self.cases[other].parts = side;
        self.sort_parts(other);
        let (kept, restored) = (self.cases[survivor].state.id.clone(), self.cases[other].state.id.clone());
        self.restore_case(survivor, holder, other);
        let undone = |case: &CaseId, side, comment| EventKind::MergeUndone {
            other: case.clone(),
            side,
            edge,
            parts: parts.clone(),
            comment,
        };
        self.emit(survivor, undone(&restored, MergeSide::Survivor, comment.clone()), effects);
        self.emit(other, undone(&kept, MergeSide::Restored, comment), effects);
        self.weigh_again(survivor, effects);
        self.weigh_again(other, effects);
        self.watch(survivor);
        self.watch(other);
    }

    /// The parts that go back with `other`: those at home in it, or in a case that was merged into it and not into the
    /// survivor by another edge.
    fn side_of(&self, survivor: Slot<Case>, other: Slot<Case>) -> Vec<Slot<Part>> {
        let mut homes = BTreeSet::from([self.cases[other].state.id.clone()]);
        // Merges into `other` that came before keep their record there.
        let mut open: Vec<CaseId> = self.cases[other].state.merged_from.iter().map(|m| m.case.clone()).collect();
        while let Some(case) = open.pop() {
            if homes.insert(case.clone())
                && let Some(slot) = self.case_slot(&case)
            {
                open.extend(self.cases[slot].state.merged_from.iter().map(|record| record.case.clone()));
            }
        }
        let parts = self.cases[survivor].parts.iter();
        parts.filter(|part| homes.contains(&self.parts[**part].state.home)).copied().collect()
    }

    /// Undoes every edge between `side` and the rest of the case.
    fn cut(&mut self, survivor: Slot<Case>, side: &[Slot<Part>]) {
        let ids: BTreeSet<PartId> = side.iter().map(|part| self.parts[*part].state.id).collect();
        let all: BTreeSet<PartId> = self.cases[survivor].parts.iter().map(|part| self.parts[*part].state.id).collect();
        for part in self.cases[survivor].parts.clone() {
            let inside = ids.contains(&self.parts[part].state.id);
            let crosses = |to: &PartId| all.contains(to) && ids.contains(to) != inside;
            let edges = &mut self.parts[part].state.edges;
            let mut cut = false;
            for edge in edges.iter_mut().filter(|edge| !edge.undone && crosses(&edge.to)) {
                edge.undone = true;
                cut = true;
            }
            if cut {
                self.mark_part(part);
            }
        }
    }

    fn restore_case(&mut self, survivor: Slot<Case>, holder: Slot<Case>, other: Slot<Case>) {
        let (kept, restored) = (self.cases[survivor].state.id.clone(), self.cases[other].state.id.clone());
        self.cases[holder].state.merged_from.retain(|record| record.case != restored);
        self.mark_case(holder);
        self.cases[other].state.merged_into = None;
        let before = self.cases[other].state.status_before_merge.take().unwrap_or(CaseStatus::New);
        self.set_status(other, before);
        for (case, apart) in [(survivor, restored), (other, kept)] {
            if !self.cases[case].state.kept_apart.contains(&apart) {
                self.cases[case].state.kept_apart.push(apart);
            }
            self.mark_case(case);
        }
    }

    pub(super) fn set_status(&mut self, case: Slot<Case>, status: CaseStatus) {
        let was = std::mem::replace(&mut self.cases[case].state.status, status);
        self.statuses[was as usize] -= 1;
        self.statuses[status as usize] += 1;
        self.mark_case(case);
    }
}

/// What a link rests on, for the list of related cases.
pub fn counted_keys(link: &Link) -> Vec<(KeyKind, Arc<str>)> {
    let counted = link.evidence.iter().filter(|evidence| evidence.counted);
    counted.map(|evidence| (evidence.kind, Arc::clone(&evidence.value))).collect()
}
