//! What people may do with the parts of a case: split some off, move some to another case, part an alert's part from the
//! rest, merge several cases at once.
//!
//! The part is the unit, because what one machine and one identity gathered is never torn. What only the machine of a
//! part holds goes along with it. A case's number stays with the part that it was opened for.

use std::sync::Arc;

use super::case::Case;
use super::form::Why;
use super::part::Part;
use super::slab::Slot;
use super::{EdgeKind, EdgeStands, Engine, PartKind, Turn};
use crate::model::{AlertId, CaseId, EdgeId, EdgeView, EventKind, PartId, PartedBy, Refusal};

/// Parts in two halves: those that go, and those that stay.
struct Halves {
    goes: Vec<Slot<Part>>,
    stays: Vec<Slot<Part>>,
}

impl Engine {
    pub(super) fn split_by_person(
        &mut self,
        turn: &mut Turn<'_>,
        slot: Slot<Case>,
        parts: &[PartId],
        comment: Option<Arc<str>>,
    ) -> Result<(), Refusal> {
        self.require_open(slot)?;
        let halves = self.halves(slot, parts)?;
        self.sever(turn, slot, &halves);
        self.reform(turn, &[slot], &Why { by: PartedBy::Person, comment });
        self.keep_halves_apart(&halves);
        Ok(())
    }

    pub(super) fn move_by_person(
        &mut self,
        turn: &mut Turn<'_>,
        slot: Slot<Case>,
        parts: &[PartId],
        to: &CaseId,
        comment: Option<Arc<str>>,
    ) -> Result<(), Refusal> {
        self.require_same_tenant(slot, to)?;
        let to = self.find_standing(to)?;
        if to == slot {
            return Err(Refusal::SameCase);
        }
        self.require_open(slot)?;
        self.require_open(to)?;
        let halves = self.halves(slot, parts)?;
        let most = self.policy.parts_per_case_max as usize;
        if self.part_count(to) + halves.goes.len() > most {
            return Err(Refusal::TooManyParts(most));
        }
        let founding = self.founding_part(to);
        self.sever(turn, slot, &halves);
        self.forget_parting(slot, to);
        self.draw_by_person(halves.goes[0], founding);
        self.reform(turn, &[slot, to], &Why { by: PartedBy::Person, comment });
        self.keep_halves_apart(&halves);
        Ok(())
    }

    /// The part that the alert sits in goes, whatever else is in it.
    pub(super) fn detach_by_person(
        &mut self,
        turn: &mut Turn<'_>,
        slot: Slot<Case>,
        alert: AlertId,
        comment: Option<Arc<str>>,
    ) -> Result<(), Refusal> {
        self.require_open(slot)?;
        let part = self.part_with(slot, alert).ok_or(Refusal::NoSuchAlert(alert))?;
        self.split_by_person(turn, slot, &[part], comment)
    }

    /// Remembered by its id for a while, and as an exemplar for as long as the case is.
    fn part_with(&self, slot: Slot<Case>, alert: AlertId) -> Option<PartId> {
        let known = self.learned.id(alert.0, self.clock.state.watermark, &self.policy).and_then(|entry| entry.part);
        let is_here = |id: &PartId| self.states_of(slot).any(|part| part.id == *id);
        let shows = |part: &&super::PartState| part.exemplars.iter().any(|exemplar| exemplar.id == alert);
        known.filter(is_here).or_else(|| self.states_of(slot).filter(shows).map(|part| part.id).min())
    }

    fn halves(&self, slot: Slot<Case>, named: &[PartId]) -> Result<Halves, Refusal> {
        let mut all: Vec<Slot<Part>> = self.parts_of(slot).collect();
        all.sort_unstable_by_key(|part| self.parts[*part].state.id);
        let is_here = |id: &PartId| all.iter().any(|part| self.parts[*part].state.id == *id);
        if let Some(absent) = named.iter().find(|id| !is_here(id)) {
            return Err(Refusal::NoSuchPart(*absent));
        }
        let goes = |part: &Slot<Part>| {
            let state = &self.parts[*part].state;
            named.contains(&state.id) || self.held_by(*part).is_some_and(|main| named.contains(&main))
        };
        let (goes, stays): (Vec<_>, Vec<_>) = all.into_iter().partition(goes);
        if goes.is_empty() || stays.is_empty() {
            return Err(Refusal::LeavesNothing);
        }
        Ok(Halves { goes, stays })
    }

    /// The part whose machine alone holds this one.
    fn held_by(&self, part: Slot<Part>) -> Option<PartId> {
        let state = &self.parts[part].state;
        let holds = |edge: &&super::EdgeState| edge.kind == EdgeKind::Machine && edge.stands == EdgeStands::Holds;
        state.edges.iter().find(holds).filter(|_| state.kind == PartKind::Held).map(|edge| edge.to)
    }

    /// Takes back what holds the halves together. Each of them stays one, by a person's word where nothing else holds it.
    fn sever(&mut self, turn: &mut Turn<'_>, slot: Slot<Case>, halves: &Halves) {
        let all: Vec<Slot<Part>> = halves.goes.iter().chain(&halves.stays).copied().collect();
        let mut fallen: Vec<EdgeId> = Vec::new();
        for (id, at, to) in self.holding_edges(&all) {
            if halves.goes.contains(&at.part) != halves.goes.contains(&to) {
                self.edge_mut(at).stands = EdgeStands::Undone;
                fallen.push(id);
            }
        }
        let mut drawn = self.hold_together(&halves.goes);
        drawn.extend(self.hold_together(&halves.stays));
        let actor = turn.actor.clone();
        self.tell_case(turn, slot);
        self.publish(turn, slot, actor, EventKind::Unlinked { edges: fallen, drawn, by: PartedBy::Person });
    }

    fn hold_together(&mut self, parts: &[Slot<Part>]) -> Vec<EdgeView> {
        let mut up: Vec<usize> = (0..parts.len()).collect();
        for (_, at, to) in self.holding_edges(parts) {
            let place = |part: Slot<Part>| parts.iter().position(|known| *known == part);
            if let (Some(one), Some(two)) = (place(at.part), place(to)) {
                let (one, two) = (root(&up, one), root(&up, two));
                up[one.max(two)] = one.min(two);
            }
        }
        let alone: Vec<usize> = (1..parts.len()).filter(|place| root(&up, *place) == *place).collect();
        let draw = |place: usize| {
            let at = self.draw_by_person(parts[0], parts[place]);
            self.edge_view(at)
        };
        alone.into_iter().map(draw).collect()
    }

    /// The engine joins them no more.
    fn keep_halves_apart(&mut self, halves: &Halves) {
        let (one, two) = (self.parts[halves.goes[0]].case, self.parts[halves.stays[0]].case);
        if one != two {
            self.keep_apart(one, two);
        }
    }
}

fn root(up: &[usize], mut place: usize) -> usize {
    while up[place] != place {
        place = up[place];
    }
    place
}
