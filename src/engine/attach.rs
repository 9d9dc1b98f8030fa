//! An alert goes to a part of an open case, and ties that part to all others that it reaches strongly. Parts of other
//! cases become one with it, as far as the guards allow.

use std::sync::Arc;

use smallvec::SmallVec;

use super::case::Case;
use super::correlate::{Arrival, Placed};
use super::graph::EdgeAt;
use super::identity::Who;
use super::part::{self, Part};
use super::score::{Candidate, Reach, evidence_set};
use super::slab::Slot;
use super::{EdgeKind, EdgeStands, Engine, PartKind, Turn};
use crate::model::{EdgeId, EdgeView, EventKind, KeyKind, Link, Outcome, PartId, RefusedMerge};

/// What tying a part to the others that an alert reaches brought about.
#[derive(Default)]
struct Ties {
    /// Edges that hold from here on.
    drawn: Vec<EdgeView>,
    /// Those of them that lead into another case: one each.
    merges: SmallVec<[(EdgeAt, Candidate); 2]>,
    refused: SmallVec<[(Candidate, RefusedMerge); 2]>,
}

/// What an alert that is taken in brought with it.
#[derive(Default)]
pub struct Drawn {
    /// What holds the part that it is in, where that is new.
    edge: Option<EdgeId>,
    edges: Vec<EdgeView>,
    begins: Vec<PartId>,
}

impl Engine {
    /// `heard`: its rule is no background on its machine.
    pub(super) fn attach(
        &mut self,
        turn: &mut Turn<'_>,
        arrival: &Arrival,
        reach: &Reach,
        who: Who,
        kin: Option<Slot<Part>>,
        heard: bool,
    ) -> Placed {
        let strong = |candidate: &&Candidate| candidate.open;
        let best = reach.strong(self.policy.attach_permille).find(strong).copied();
        let beside = kin.or(best.map(|best| best.part)).expect("the caller found one of them");
        if self.is_past_hard_cap(beside) && !self.parts[beside].is_exemplar(&arrival.alert) {
            return self.roll_up(turn, arrival, beside);
        }
        if let Some(part) = self.flooded(arrival, reach, kin) {
            return self.count_flood(turn, arrival, part);
        }
        let case = self.parts[beside].case;
        let full = self.part_count(case) >= self.policy.parts_per_case_max as usize;
        let main = match (kin, full) {
            (Some(kin), _) => kin,
            (None, true) => beside,
            (None, false) => self.branch(arrival, who, PartKind::Gathered, beside),
        };
        let ties = self.tie(arrival, main, reach);
        let part = if heard && !full { self.held_beside(arrival, reach, main) } else { None };
        let (part, edge) = match part {
            Some((part, edge)) => (part, edge),
            None if kin.is_none() && main != beside => (main, ties.drawn.first().map(|edge| edge.id)),
            None => (main, None),
        };
        let with: SmallVec<[Candidate; 4]> = self.told_with(reach, case, main);
        let merging: SmallVec<[Slot<Case>; 4]> =
            std::iter::once(case).chain(ties.merges.iter().map(|(_, candidate)| candidate.case)).collect();
        let link = self.link(&arrival.keys, reach, &with, kin.map(|kin| self.parts[kin].state.id), &merging);
        let mut told = ties.drawn;
        told.extend(edge.and_then(|edge| self.machine_edge(part, edge)));
        let new_main = (kin.is_none() && main != beside).then_some(main);
        let new_held = (part != main && edge.is_some()).then_some(part);
        let begins = new_main.into_iter().chain(new_held).map(|part| self.parts[part].state.id).collect();
        let placed = self.take_in(turn, arrival, part, Drawn { edge, edges: told, begins }, link);
        for (candidate, reason) in ties.refused {
            let link = self.link(&arrival.keys, reach, &[candidate], None, &[candidate.case]);
            self.refuse_merge(turn, self.parts[main].case, self.parts[candidate.part].case, reason, &link);
        }
        for (at, candidate) in ties.merges {
            if self.is_same_case(main, candidate.part).is_none() {
                let link = self.link(&arrival.keys, reach, &[candidate], None, &[candidate.case]);
                self.merge(turn, at, (main, candidate.part), Some(link));
            }
        }
        self.register(turn, placed.part, arrival);
        placed
    }

    /// What is told of why it is there: the strong candidates of its case, and its own part's.
    fn told_with(&self, reach: &Reach, case: Slot<Case>, main: Slot<Part>) -> SmallVec<[Candidate; 4]> {
        let attach = self.policy.attach_permille;
        let told =
            |candidate: &&Candidate| candidate.case == case && (candidate.strength >= attach || candidate.part == main);
        reach.candidates.iter().filter(told).copied().collect()
    }

    /// The alert counts in `part`, and its case is told.
    pub(super) fn take_in(
        &mut self,
        turn: &mut Turn<'_>,
        arrival: &Arrival,
        part: Slot<Part>,
        Drawn { edge, edges, begins }: Drawn,
        link: Arc<Link>,
    ) -> Placed {
        let (case, id) = (self.parts[part].case, self.parts[part].state.id);
        let (alert, told, late) = (Arc::clone(&arrival.alert), Arc::clone(&link), arrival.late());
        self.emit(turn, case, EventKind::AlertAttached { part: id, begins, edge, edges, alert, late, link: told });
        let weighty = self.parts[part].record(&arrival.alert, late) | self.note_in(part, &arrival.alert);
        self.cases[case].alerts += 1;
        self.soil_part(part);
        self.reassess_if(weighty || edge.is_some(), turn, case);
        self.weigh_told(turn, case);
        Placed { outcome: Outcome::Attached, part, link: Some(link) }
    }

    /// A new part, at home where `beside` is. It has no alert yet.
    fn branch(&mut self, arrival: &Arrival, who: Who, kind: PartKind, beside: Slot<Part>) -> Slot<Part> {
        let Part { home, case, .. } = self.parts[beside];
        let home_id = self.cases[home].state.id.clone();
        let id = self.tenants.next_part(arrival.seat);
        let state = part::newborn(&home_id, id, &arrival.keys, who, kind, &arrival.alert);
        self.add_part(arrival.seat, home, case, state)
    }

    /// Ties `main` to every part that the alert reaches strongly, and notes what only hints.
    fn tie(&mut self, arrival: &Arrival, main: Slot<Part>, reach: &Reach) -> Ties {
        let mut ties = Ties::default();
        let case = self.parts[main].case;
        let plan = self.plan(arrival, case, reach);
        for candidate in reach.candidates.iter().filter(|candidate| candidate.part != main) {
            let needed = if candidate.case == case { self.policy.attach_permille } else { self.policy.merge_permille };
            let strong = candidate.strength >= needed;
            if !strong && !self.is_hint(arrival, reach, candidate) {
                continue;
            }
            let refused = plan.iter().find(|(other, _)| *other == candidate.case).and_then(|(_, refused)| *refused);
            if let Some(reason) = refused.filter(|_| strong)
                && ties.refused.iter().all(|(told, _)| told.case != candidate.case)
            {
                ties.refused.push((*candidate, reason));
            }
            // What would do for an alert to join need not do for two cases to become one.
            let thin = !strong && candidate.strength >= self.policy.attach_permille;
            let stands = if refused.is_some() || thin { EdgeStands::Refused } else { EdgeStands::Holds };
            if candidate.open
                && let Some((at, newly)) = self.bind(arrival, main, reach, candidate, stands)
                && self.edge_holds(at)
            {
                if !self.edge(at).holds(needed) {
                    self.edge_mut(at).stands = EdgeStands::Refused;
                    continue;
                }
                ties.drawn.extend(newly.then(|| self.edge_view(at)));
                if candidate.case != case {
                    ties.merges.push((at, *candidate));
                }
            }
        }
        ties
    }

    /// What becomes of each other case that the alert reaches, strongest first, each in view of those before it.
    fn plan(
        &self,
        arrival: &Arrival,
        case: Slot<Case>,
        reach: &Reach,
    ) -> SmallVec<[(Slot<Case>, Option<RefusedMerge>); 4]> {
        let mut plan = SmallVec::new();
        let mut others = reach.candidates.iter().filter(|other| other.case != case).peekable();
        if others.peek().is_none() {
            return plan;
        }
        let mut union = self.union_of(case);
        union.count_alert();
        for other in others.filter(|other| other.strength >= self.policy.merge_permille || other.open) {
            if plan.iter().any(|(known, _)| *known == other.case) {
                continue;
            }
            let refused = self.guard(&arrival.alert, &union, other.case);
            if refused.is_none() && other.strength >= self.policy.merge_permille {
                self.extend(&mut union, other.case);
            }
            plan.push((other.case, refused));
        }
        plan
    }

    /// In a large domain one rule on a second machine is only a hint; another rule there makes it evidence.
    fn is_hint(&self, arrival: &Arrival, reach: &Reach, candidate: &Candidate) -> bool {
        let hits = reach.hits(candidate).iter();
        hits.filter(|hit| hit.counted).any(|hit| arrival.keys[hit.key].kind == KeyKind::Spread)
    }

    pub(super) fn hint(&mut self, arrival: &Arrival, main: Slot<Part>, reach: &Reach) {
        for candidate in reach.candidates.iter().filter(|candidate| candidate.open && candidate.part != main) {
            if self.is_hint(arrival, reach, candidate) {
                self.bind(arrival, main, reach, candidate, EdgeStands::Refused);
            }
        }
    }

    /// Draws the edge to the candidate, or tells the one that is there once more why. Answers it, and whether it begins
    /// to hold; none where it was taken back for good.
    fn bind(
        &mut self,
        arrival: &Arrival,
        main: Slot<Part>,
        reach: &Reach,
        candidate: &Candidate,
        stands: EdgeStands,
    ) -> Option<(EdgeAt, bool)> {
        let set = || evidence_set(&arrival.alert, &arrival.keys, reach.hits(candidate), candidate.strength);
        let Some(at) = self.edge_between(main, candidate.part) else {
            let room = self.has_room_for_edge(main, candidate.part, candidate.strength);
            let at = room.then(|| self.draw(main, candidate.part, EdgeKind::Evidence, stands, Some(set())))?;
            return Some((at, self.edge_holds(at)));
        };
        let holds = self.policy.attach_permille;
        let edge = self.edge(at);
        match edge.stands {
            EdgeStands::Undone => return None,
            EdgeStands::Holds | EdgeStands::Refused => {}
        }
        let (held, set) = (edge.holds(holds), set());
        let edge = &mut self.parts[at.part].state.edges[at.place];
        let mut changed = edge.corroborate(set, holds);
        if edge.stands == EdgeStands::Refused && stands == EdgeStands::Holds {
            edge.stands = EdgeStands::Holds;
            changed = true;
        }
        edge.note_strength(holds);
        let newly = !held && edge.holds(holds);
        if changed {
            self.soil_part(at.part);
        }
        Some((at, newly))
    }

    /// What nothing but its machine holds to the case sits in a part of its own for its rule and hour.
    fn held_beside(
        &mut self,
        arrival: &Arrival,
        reach: &Reach,
        main: Slot<Part>,
    ) -> Option<(Slot<Part>, Option<EdgeId>)> {
        let attach = self.policy.attach_permille;
        let case = self.parts[main].case;
        let mut open = reach.candidates.iter().filter(|candidate| candidate.open);
        if open.clone().any(|candidate| candidate.beyond_machine >= attach) || !open.any(|other| other.case == case) {
            return None;
        }
        if let Some(part) = self.standing_held(arrival, main) {
            return Some((part, None));
        }
        let (part, at) = self.hold_beside(arrival, main);
        Some((part, Some(self.edge(at).id)))
    }

    /// A part for what the alert's rule does in this hour on the machine of `main`.
    pub(super) fn hold_beside(&mut self, arrival: &Arrival, main: Slot<Part>) -> (Slot<Part>, EdgeAt) {
        let who = self.parts[main].who();
        let part = self.branch(arrival, who, PartKind::Held, main);
        let at = self.draw(part, main, EdgeKind::Machine, EdgeStands::Holds, None);
        self.note_held(arrival, part, main);
        (part, at)
    }

    /// Whether the alert shares more with the part than the machine.
    pub(super) fn holds_beyond_machine(&self, arrival: &Arrival, part: Slot<Part>) -> bool {
        arrival.keys.iter().any(|key| self.is_held_beyond_machine(key, part, arrival.at()))
    }

    fn machine_edge(&self, part: Slot<Part>, edge: EdgeId) -> Option<EdgeView> {
        let state = &self.parts[part].state;
        let drawn = state.edges.iter().find(|known| known.id == edge && known.kind == EdgeKind::Machine);
        drawn.map(|edge| edge.view(state.id))
    }
}
