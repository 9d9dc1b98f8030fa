//! Which parts make up which case. Two cases become one by an edge between two of their parts; the one with the lowest
//! number survives and the other redirects to it. Undoing marks the edge undone and works out anew who redirects to
//! whom, as if only the edges that still hold had ever been drawn, in the order of their ids.
//!
//! Every part hangs on the founding part of its home, so homes never come apart; the edges between homes form a tree,
//! because an edge is only ever drawn between two cases. So taking one away always leaves exactly two cases.

use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use super::case::Case;
use super::part::Part;
use super::score::{Candidate, Reach};
use super::slab::Slot;
use super::{EdgeState, Engine, EvidenceSet, MergeRecord, RelatedState, Turn};
use crate::model::{Alert, CaseId, CaseStatus, EdgeId, EventKind, Link, MergeSide, PartId, RefusedMerge};

/// Related cases told per case; later ones are not told again and again, nor kept.
const RELATED_MAX: usize = 100;
/// Cases a person parted from this one; the oldest decision is forgotten first.
const KEPT_APART_MAX: usize = 100;

/// Sets of evidence that an edge keeps: enough to show that it does not hang on one key.
const EVIDENCE_MAX: usize = 4;

/// What becomes of the other cases that an alert links to strongly.
pub struct MergePlan(pub SmallVec<[PlannedMerge; 2]>);

pub struct PlannedMerge {
    pub candidate: Candidate,
    pub refused: Option<RefusedMerge>,
}

impl MergePlan {
    pub fn merging(&self) -> SmallVec<[Slot<Case>; 2]> {
        self.0.iter().filter(|planned| planned.refused.is_none()).map(|planned| planned.candidate.case).collect()
    }
}

/// What a case would be after the merges planned so far.
struct Union<'a> {
    homes: SmallVec<[Slot<Case>; 2]>,
    alerts: u64,
    parts: usize,
    owner: Option<&'a Arc<str>>,
    verdict: Option<crate::model::Verdict>,
}

/// Who redirects to whom, worked out from the edges. Places are those of `homes`, sorted by number.
struct Structure {
    homes: Vec<Slot<Case>>,
    into: Vec<Option<(usize, EdgeId)>>,
    /// What came along with each when it was absorbed, itself included.
    brought: Vec<Vec<usize>>,
    root: Vec<usize>,
}

impl Engine {
    /// Decides about every other case at or above `merge`, strongest first, each in view of those before it.
    pub(super) fn plan_merges(&self, alert: &Alert, reach: &Reach, joined: &Candidate) -> MergePlan {
        let mut plan = MergePlan(SmallVec::new());
        let mut others = reach.candidates.iter().filter(|other| other.case != joined.case).peekable();
        if others.peek().is_none() {
            return plan;
        }
        let mut union = self.union_of(joined.case);
        union.alerts += 1;
        for candidate in others.filter(|other| other.strength >= self.policy.merge_permille) {
            let refused = self.guard(alert, &union, candidate.case);
            if refused.is_none() {
                self.extend(&mut union, candidate.case);
            }
            plan.0.push(PlannedMerge { candidate: *candidate, refused });
        }
        plan
    }

    fn union_of(&self, slot: Slot<Case>) -> Union<'_> {
        let case = &self.cases[slot];
        Union {
            homes: case.homes.clone(),
            alerts: case.alerts,
            parts: self.part_count(slot),
            owner: case.state.owner.as_ref(),
            verdict: case.state.verdict,
        }
    }

    fn extend<'a>(&'a self, union: &mut Union<'a>, slot: Slot<Case>) {
        let other = self.union_of(slot);
        union.homes.extend(other.homes);
        union.alerts += other.alerts;
        union.parts += other.parts;
        union.owner = union.owner.or(other.owner);
        union.verdict = union.verdict.or(other.verdict);
    }

    fn guard(&self, alert: &Alert, union: &Union<'_>, slot: Slot<Case>) -> Option<RefusedMerge> {
        let other = self.union_of(slot);
        let differ = |mine: bool, theirs: bool, equal: bool| mine && theirs && !equal;
        if alert.correlation.no_merge {
            Some(RefusedMerge::AlertForbids)
        } else if !self.cases[slot].is_open() {
            Some(RefusedMerge::NotBothOpen)
        } else if self.are_kept_apart(&union.homes, &other.homes) {
            Some(RefusedMerge::KeptApart)
        } else if differ(union.owner.is_some(), other.owner.is_some(), union.owner == other.owner) {
            Some(RefusedMerge::OwnersDiffer)
        } else if differ(union.verdict.is_some(), other.verdict.is_some(), union.verdict == other.verdict) {
            Some(RefusedMerge::VerdictsDiffer)
        } else if union.alerts + other.alerts >= u64::from(self.policy.soft_cap) {
            Some(RefusedMerge::OverSoftCap)
        } else if union.parts + other.parts > self.policy.parts_per_case_max as usize {
            Some(RefusedMerge::TooManyParts)
        } else {
            None
        }
    }

    /// A person's word holds for the cases as they were founded, whatever they are merged into since.
    fn are_kept_apart(&self, these: &[Slot<Case>], those: &[Slot<Case>]) -> bool {
        let parted = |this: &Slot<Case>| {
            let kept = &self.cases[*this].state.kept_apart;
            !kept.is_empty() && those.iter().any(|that| kept.contains(&self.cases[*that].state.id))
        };
        these.iter().any(parted)
    }

    /// Told once per pair, on both sides.
    pub(super) fn refuse_merge(
        &mut self,
        turn: &mut Turn<'_>,
        case: Slot<Case>,
        other: Slot<Case>,
        reason: RefusedMerge,
        link: &Arc<Link>,
    ) {
        // A merge before it in the same plan may have absorbed either.
        let (id, other_id) = (self.cases[case].state.id.clone(), self.cases[other].state.id.clone());
        if self.relate(case, &other_id, link) {
            let refused = EventKind::MergeRefused { other: other_id, reason, link: Arc::clone(link) };
            self.emit(turn, case, refused);
        }
        if self.relate(other, &id, link) {
            self.emit(turn, other, EventKind::Linked { other: id, link: Arc::clone(link) });
        }
    }

    fn relate(&mut self, case: Slot<Case>, other: &CaseId, link: &Link) -> bool {
        let related = &mut self.cases[case].state.related;
        let new = related.len() < RELATED_MAX && related.iter().all(|known| known.case != *other);
        if new {
            related.push(RelatedState {
                case: other.clone(),
                strength_permille: link.strength_permille,
                keys: link.counted_keys(),
            });
        }
        new
    }

    /// Draws an edge between parts of two cases, which are one from here on. Answers the survivor.
    pub(super) fn merge(
        &mut self,
        turn: &mut Turn<'_>,
        ends: (Slot<Part>, Slot<Part>),
        evidence: Option<EvidenceSet>,
        link: Option<Arc<Link>>,
    ) -> Slot<Case> {
        let (one, two) = (self.parts[ends.0].case, self.parts[ends.1].case);
        let older = self.cases[one].number() < self.cases[two].number();
        let (survivor, absorbed) = if older { (one, two) } else { (two, one) };
        let (edge, between) = self.draw(ends, evidence);
        let parts = self.part_ids(absorbed);
        let (into, from) = (self.cases[survivor].state.id.clone(), self.cases[absorbed].state.id.clone());
        self.emit(turn, absorbed, EventKind::MergedInto { into: into.clone(), edge });
        self.emit(turn, survivor, EventKind::Merged { from: from.clone(), edge, parts, between, link });
        self.absorb(survivor, absorbed);
        self.cases[absorbed].state.merged_into = Some((into, edge));
        let record = MergeRecord { case: from, edge, at: self.clock.state.now };
        self.cases[survivor].state.merged_from.push(record);
        self.reassess(turn, survivor);
        self.arm(survivor);
        survivor
    }

    /// The newer part keeps the edge.
    fn draw(
        &mut self,
        (one, two): (Slot<Part>, Slot<Part>),
        evidence: Option<EvidenceSet>,
    ) -> (EdgeId, (PartId, PartId)) {
        let (one_id, two_id) = (self.parts[one].state.id, self.parts[two].state.id);
        let (newer, to) = if one_id > two_id { (one, two_id) } else { (two, one_id) };
        let seat = self.cases[self.parts[one].home].tenant;
        let id = self.tenants.next_edge(seat);
        let by_person = evidence.is_none();
        let edge = EdgeState { id, to, by_person, undone: false, evidence: evidence.into_iter().collect() };
        self.parts[newer].state.edges.push(edge);
        self.soil_part(newer);
        (id, (self.parts[newer].state.id, to))
    }

    /// A later alert in `part` that also links to a neighbour says once more why the two belong together.
    pub(super) fn reinforce(&mut self, part: Slot<Part>, neighbour: Slot<Part>, set: impl FnOnce() -> EvidenceSet) {
        let (one, two) = (&self.parts[part].state, &self.parts[neighbour].state);
        let (newer, to) = if one.id > two.id { (part, two.id) } else { (neighbour, one.id) };
        let edges = &mut self.parts[newer].state.edges;
        let Some(edge) = edges.iter_mut().find(|edge| edge.to == to && !edge.undone) else { return };
        if edge.evidence.len() >= EVIDENCE_MAX {
            return;
        }
        let set = set();
        let hashes = |set: &EvidenceSet| set.keys.iter().map(|key| key.hash).collect::<SmallVec<[_; 8]>>();
        if edge.evidence.iter().all(|known| hashes(known) != hashes(&set)) {
            edge.evidence.push(set);
            self.soil_part(newer);
        }
    }

    fn absorb(&mut self, survivor: Slot<Case>, absorbed: Slot<Case>) {
        let status = self.cases[absorbed].state.status;
        self.cases[absorbed].state.status_before_merge = Some(status);
        self.set_status(absorbed, CaseStatus::Merged);
        let homes = std::mem::replace(&mut self.cases[absorbed].homes, smallvec![absorbed]);
        for home in &homes {
            for place in 0..self.cases[*home].parts.len() {
                let part = self.cases[*home].parts[place];
                self.parts[part].case = survivor;
            }
        }
        self.cases[survivor].homes.extend(homes);
        let (alerts, pending) = (self.cases[absorbed].alerts, self.cases[absorbed].pending);
        self.cases[survivor].alerts += alerts;
        self.cases[survivor].pending += pending;
        (self.cases[absorbed].alerts, self.cases[absorbed].pending) = (0, 0);
        self.arm(absorbed);
    }

    pub(super) fn part_ids(&self, case: Slot<Case>) -> Vec<PartId> {
        let mut ids: Vec<PartId> = self.states_of(case).map(|part| part.id).collect();
        ids.sort_unstable();
        ids
    }

    /// Takes back the merge that drew `edge`. The side without the survivor's home gets its oldest case back, and the
    /// engine never merges the two again.
    pub(super) fn part_again(
        &mut self,
        turn: &mut Turn<'_>,
        survivor: Slot<Case>,
        edge: EdgeId,
        comment: Option<Arc<str>>,
    ) {
        self.tell_case(turn, survivor);
        self.mark_undone(survivor, edge);
        let structure = self.structure_of(survivor);
        let Some(restored) = structure.second_root() else { return };
        self.rebuild_homes(&structure);
        let moved = self.restructure(&structure);
        self.restore_status(restored);
        self.wake(turn, survivor, restored);
        self.keep_apart(survivor, restored);
        self.tell_parting(turn, survivor, restored, edge, comment);
        self.tell_moved(turn, &structure, &moved);
        for case in [survivor, restored] {
            self.reassess(turn, case);
            self.end_overflow(turn, case);
            self.arm(case);
        }
    }

    fn mark_undone(&mut self, case: Slot<Case>, edge: EdgeId) {
        let holds = |part: &Slot<Part>| self.parts[*part].state.edges.iter().any(|known| known.id == edge);
        let Some(part) = self.parts_of(case).find(holds) else { return };
        let edges = self.parts[part].state.edges.iter_mut();
        edges.filter(|known| known.id == edge).for_each(|known| known.undone = true);
        self.soil_part(part);
    }

    fn structure_of(&self, case: Slot<Case>) -> Structure {
        let mut homes = self.cases[case].homes.to_vec();
        homes.sort_unstable_by_key(|home| self.cases[*home].number());
        let mut structure = Structure::apart(homes);
        for (edge, one, two) in self.edges_between_homes(case) {
            structure.join(edge, one, two);
        }
        structure
    }

    /// The edges that hold, in the order in which they were drawn.
    fn edges_between_homes(&self, case: Slot<Case>) -> Vec<(EdgeId, Slot<Case>, Slot<Case>)> {
        let mut edges = Vec::new();
        for part in self.parts_of(case) {
            let home = self.parts[part].home;
            let seat = self.cases[home].tenant;
            for edge in self.parts[part].state.edges.iter().filter(|edge| !edge.undone) {
                let other = self.part_slots.get(&(seat, edge.to)).map(|to| self.parts[*to].home);
                edges.extend(other.filter(|other| *other != home).map(|other| (edge.id, home, other)));
            }
        }
        edges.sort_unstable();
        edges
    }

    /// Gives every case its homes, and every part its case.
    fn rebuild_homes(&mut self, structure: &Structure) {
        for home in &structure.homes {
            self.cases[*home].homes = smallvec![*home];
            (self.cases[*home].alerts, self.cases[*home].pending) = (0, 0);
        }
        for (place, home) in structure.homes.iter().enumerate() {
            let root = structure.homes[structure.root[place]];
            if root != *home {
                self.cases[root].homes.push(*home);
            }
            self.count_home(*home, root);
        }
    }

    /// The parts at home in `home` count in `root`.
    pub(super) fn count_home(&mut self, home: Slot<Case>, root: Slot<Case>) {
        for place in 0..self.cases[home].parts.len() {
            let part = self.cases[home].parts[place];
            self.parts[part].case = root;
            self.cases[root].alerts += self.parts[part].state.alerts;
            self.cases[root].pending += u32::from(self.parts[part].state.pending.is_some());
        }
    }

    /// Writes the redirects; answers the places whose redirect is another one now.
    fn restructure(&mut self, structure: &Structure) -> Vec<usize> {
        let before = self.records(structure);
        structure.homes.iter().for_each(|home| self.cases[*home].state.merged_from.clear());
        let mut moved = Vec::new();
        for place in structure.in_edge_order() {
            let slot = structure.homes[place];
            let Some((into, edge)) = structure.into[place] else { continue };
            let (into, from) = (structure.homes[into], self.cases[slot].state.id.clone());
            let redirect = Some((self.cases[into].state.id.clone(), edge));
            if self.cases[slot].state.merged_into != redirect {
                self.cases[slot].state.merged_into = redirect;
                moved.push(place);
            }
            let same = |record: &&MergeRecord| record.case == from && record.edge == edge;
            let at = before.iter().find(same).map_or(self.clock.state.now, |record| record.at);
            self.cases[into].state.merged_from.push(MergeRecord { case: from, edge, at });
        }
        structure.homes.iter().for_each(|home| self.soil_case(*home));
        moved
    }

    fn records(&self, structure: &Structure) -> Vec<MergeRecord> {
        structure.homes.iter().flat_map(|home| self.cases[*home].state.merged_from.iter().cloned()).collect()
    }

    fn restore_status(&mut self, slot: Slot<Case>) {
        let status = self.cases[slot].state.status_before_merge.take().unwrap_or(CaseStatus::New);
        self.cases[slot].state.merged_into = None;
        // It was not forgotten while it was elsewhere, so its quiet begins now.
        self.cases[slot].state.closed_watermark = Some(self.clock.state.watermark);
        self.set_status(slot, status);
    }

    /// Nothing reaches the keys of a cold case; what comes back out of one can be met again.
    fn wake(&mut self, turn: &mut Turn<'_>, survivor: Slot<Case>, restored: Slot<Case>) {
        if self.cases[survivor].is_cold() {
            self.come_back(turn, restored);
        }
    }

    fn keep_apart(&mut self, one: Slot<Case>, two: Slot<Case>) {
        for (case, other) in [(one, two), (two, one)] {
            let id = self.cases[other].state.id.clone();
            let kept = &mut self.cases[case].state.kept_apart;
            if !kept.contains(&id) {
                kept.push(id);
            }
            if kept.len() > KEPT_APART_MAX {
                kept.remove(0);
            }
        }
    }

    fn tell_parting(
        &mut self,
        turn: &mut Turn<'_>,
        survivor: Slot<Case>,
        restored: Slot<Case>,
        edge: EdgeId,
        comment: Option<Arc<str>>,
    ) {
        let parts = self.part_ids(restored);
        let sides = [(survivor, restored, MergeSide::Survivor), (restored, survivor, MergeSide::Restored)];
        for (case, other, side) in sides {
            let other = self.cases[other].state.id.clone();
            let (parts, comment) = (parts.clone(), comment.clone());
            self.emit(turn, case, EventKind::MergeUndone { other, side, edge, parts, comment });
        }
    }

    /// A case whose redirect went over the one that left is told where it belongs now, and so is its new survivor.
    fn tell_moved(&mut self, turn: &mut Turn<'_>, structure: &Structure, moved: &[usize]) {
        for place in moved {
            let Some((into, edge)) = structure.into[*place] else { continue };
            let (slot, into) = (structure.homes[*place], structure.homes[into]);
            let (from, id) = (self.cases[slot].state.id.clone(), self.cases[into].state.id.clone());
            let parts = self.ids_at_home(structure, *place);
            let Some(between) = self.ends_of(structure, edge) else { continue };
            self.emit(turn, slot, EventKind::MergedInto { into: id, edge });
            self.emit(turn, into, EventKind::Merged { from, edge, parts, between, link: None });
        }
    }

    fn ids_at_home(&self, structure: &Structure, place: usize) -> Vec<PartId> {
        let homes = structure.brought[place].iter().map(|place| structure.homes[*place]);
        let mut ids: Vec<PartId> = homes.flat_map(|home| self.cases[home].state.parts.iter().copied()).collect();
        ids.sort_unstable();
        ids
    }

    fn ends_of(&self, structure: &Structure, edge: EdgeId) -> Option<(PartId, PartId)> {
        let mut parts = structure.homes.iter().flat_map(|home| &self.cases[*home].parts);
        parts.find_map(|part| {
            let state = &self.parts[*part].state;
            state.edges.iter().find(|known| known.id == edge).map(|known| (state.id, known.to))
        })
    }

    fn end_overflow(&mut self, turn: &mut Turn<'_>, slot: Slot<Case>) {
        let alerts = self.cases[slot].alerts;
        if self.cases[slot].state.overflowed && alerts < u64::from(self.policy.hard_cap) {
            self.cases[slot].state.overflowed = false;
            self.emit(turn, slot, EventKind::OverflowEnded { alerts });
        }
    }
}

impl Structure {
    fn apart(homes: Vec<Slot<Case>>) -> Self {
        let places = 0..homes.len();
        let brought = places.clone().map(|place| vec![place]).collect();
        Self { into: vec![None; homes.len()], brought, root: places.collect(), homes }
    }

    /// The lower place has the lower number, and survives.
    fn join(&mut self, edge: EdgeId, one: Slot<Case>, two: Slot<Case>) {
        let place = |slot| self.homes.iter().position(|home| *home == slot);
        let (Some(one), Some(two)) = (place(one), place(two)) else { return };
        let (survivor, absorbed) = (self.root[one].min(self.root[two]), self.root[one].max(self.root[two]));
        if survivor == absorbed {
            return;
        }
        self.into[absorbed] = Some((survivor, edge));
        let brought: Vec<usize> = (0..self.root.len()).filter(|place| self.root[*place] == absorbed).collect();
        brought.iter().for_each(|place| self.root[*place] = survivor);
        self.brought[absorbed] = brought;
    }

    /// The case that stands by itself again, beside the survivor at place 0.
    fn second_root(&self) -> Option<Slot<Case>> {
        (1..self.homes.len()).find(|place| self.root[*place] == *place).map(|place| self.homes[place])
    }

    fn in_edge_order(&self) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.homes.len()).collect();
        places.sort_by_key(|place| self.into[*place].map(|(_, edge)| edge));
        places
    }
}
