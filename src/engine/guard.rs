//! Whether two cases may become one by themselves, and what is told where they may not.

use std::sync::Arc;

use smallvec::SmallVec;

use super::case::Case;
use super::slab::Slot;
use super::{Engine, RelatedState, Turn};
use crate::model::{Alert, CaseId, EventKind, Link, RefusedMerge, Verdict};

/// Related cases told per case; later ones are not told again and again, nor kept.
const RELATED_MAX: usize = 100;
/// Cases a person parted from this one; the oldest decision is forgotten first.
const KEPT_APART_MAX: usize = 100;

/// What a case would be after the merges planned so far.
pub struct Union<'a> {
    homes: SmallVec<[Slot<Case>; 2]>,
    alerts: u64,
    parts: usize,
    owner: Option<&'a Arc<str>>,
    verdict: Option<Verdict>,
}

impl Union<'_> {
    /// The alert that is on its way into it.
    pub const fn count_alert(&mut self) {
        self.alerts += 1;
    }
}

impl Engine {
    pub(super) fn union_of(&self, slot: Slot<Case>) -> Union<'_> {
        let case = &self.cases[slot];
        Union {
            homes: case.homes.clone(),
            alerts: case.alerts,
            parts: self.part_count(slot),
            owner: case.state.owner.as_ref(),
            verdict: case.state.verdict,
        }
    }

    pub(super) fn extend<'a>(&'a self, union: &mut Union<'a>, slot: Slot<Case>) {
        let other = self.union_of(slot);
        union.homes.extend(other.homes);
        union.alerts += other.alerts;
        union.parts += other.parts;
        union.owner = union.owner.or(other.owner);
        union.verdict = union.verdict.or(other.verdict);
    }

    pub(super) fn guard(&self, alert: &Alert, union: &Union<'_>, slot: Slot<Case>) -> Option<RefusedMerge> {
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
    pub(super) fn are_kept_apart(&self, these: &[Slot<Case>], those: &[Slot<Case>]) -> bool {
        let parted = |this: &Slot<Case>| {
            let kept = &self.cases[*this].state.kept_apart;
            !kept.is_empty() && those.iter().any(|that| kept.contains(&self.cases[*that].state.id))
        };
        these.iter().any(parted)
    }

    pub(super) fn keep_apart(&mut self, one: Slot<Case>, two: Slot<Case>) {
        for (case, other) in [(one, two), (two, one)] {
            let id = self.cases[other].state.id.clone();
            let kept = &mut self.cases[case].state.kept_apart;
            if !kept.contains(&id) {
                kept.push(id);
            }
            if kept.len() > KEPT_APART_MAX {
                kept.remove(0);
            }
            self.soil_case(case);
        }
    }

    /// Told once per pair, on both sides. What a person can decide is proposed.
    pub(super) fn refuse_merge(
        &mut self,
        turn: &mut Turn<'_>,
        case: Slot<Case>,
        other: Slot<Case>,
        reason: RefusedMerge,
        link: &Arc<Link>,
    ) {
        let (id, other_id) = (self.cases[case].state.id.clone(), self.cases[other].state.id.clone());
        if case == other {
            return;
        }
        if self.relate(case, &other_id, link) {
            let link = Arc::clone(link);
            let refused = match reason {
                RefusedMerge::OwnersDiffer
                | RefusedMerge::VerdictsDiffer
                | RefusedMerge::OverSoftCap
                | RefusedMerge::TooManyParts => EventKind::MergeProposed { other: other_id, reason, link },
                RefusedMerge::AlertForbids | RefusedMerge::KeptApart | RefusedMerge::NotBothOpen => {
                    EventKind::MergeRefused { other: other_id, reason, link }
                }
            };
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
}
