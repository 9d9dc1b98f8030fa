//! The edges between parts: what holds two of them together, and for how long.
//!
//! An edge is kept by the newer of its two parts, with at most four sets of evidence; one that is strong enough holds it.
//! Nothing is erased: an edge that fell says why it once held.

use smallvec::SmallVec;

use super::case::Case;
use super::part::Part;
use super::score::noisy_or;
use super::slab::Slot;
use super::tenants::Seat;
use super::{EdgeKind, EdgeStands, EdgeState, Engine, EvidenceSet};
use crate::model::{EdgeId, EdgeView, KeyHash, KeyKind, PartId};

/// Sets of evidence that an edge keeps: enough to show that it does not hang on one key.
const EVIDENCE_MAX: usize = 4;
/// Edges of one part to older ones. A part that goes on for days would meet everything its machine ever does.
const EDGES_MAX: usize = 64;
const HINTS_MAX: usize = 16;

/// What is shown of an edge that is held by a word and not by evidence.
const CERTAIN: u16 = 1_000;

/// An edge, by the newer part that keeps it and its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdgeAt {
    pub part: Slot<Part>,
    pub place: usize,
}

impl EdgeState {
    /// Whether it makes its two parts one, at this strength.
    pub fn holds(&self, holds_permille: u16) -> bool {
        self.stands == EdgeStands::Holds && self.is_supported(holds_permille)
    }

    /// Whether it would hold if nobody stood against it.
    pub fn is_supported(&self, holds_permille: u16) -> bool {
        match self.kind {
            EdgeKind::Person | EdgeKind::Machine | EdgeKind::Background => true,
            EdgeKind::Evidence => {
                self.evidence.iter().any(|set| set.strength_permille >= holds_permille)
                    || self.spread() >= holds_permille
            }
        }
    }

    /// The same if these keys said nothing.
    pub fn holds_without(&self, ignored: &[KeyHash], holds_permille: u16) -> bool {
        if !self.holds(holds_permille) {
            return false;
        }
        let rests_on = |set: &EvidenceSet| set.keys.iter().any(|key| ignored.contains(&key.hash));
        self.kind != EdgeKind::Evidence
            || self.evidence.iter().any(|set| {
                if rests_on(set) {
                    set.strength_without(ignored) >= holds_permille
                } else {
                    set.strength_permille >= holds_permille
                }
            })
            || self.spread() >= holds_permille
    }

    /// Different rules that spread between the same two parts say together what none of them does alone.
    fn spread(&self) -> u16 {
        let sets = self.evidence.iter().flat_map(|set| &set.keys);
        let mut rules: SmallVec<[(KeyHash, u16); EVIDENCE_MAX]> = SmallVec::new();
        for key in sets.filter(|key| key.kind == KeyKind::Spread) {
            if rules.iter().all(|known| known.0 != key.hash) {
                rules.push((key.hash, key.permille));
            }
        }
        let mut said: SmallVec<[u16; EVIDENCE_MAX]> = rules.iter().map(|rule| rule.1).collect();
        if said.len() > 1 { noisy_or(&mut said) } else { 0 }
    }

    /// Takes another set of evidence in, unless it says nothing new. Answers whether it did.
    pub fn corroborate(&mut self, set: EvidenceSet, holds_permille: u16) -> bool {
        let known = |known: &EvidenceSet| set.keys.iter().all(|key| known.keys.iter().any(|old| old.hash == key.hash));
        if self
            .evidence
            .iter()
            .any(|old| known(old) && old.strength_permille >= set.strength_permille.min(holds_permille))
        {
            return false;
        }
        if self.evidence.len() >= EVIDENCE_MAX {
            // What no longer holds anything goes first, then the oldest but the one that drew the edge.
            let weak = self.evidence.iter().skip(1).position(|old| old.strength_permille < holds_permille);
            self.evidence.remove(1 + weak.unwrap_or(0));
        }
        self.evidence.push(set);
        true
    }

    /// The key turned out to be a hub. Answers whether any evidence rested on it.
    pub fn discredit(&mut self, hub: KeyHash) -> bool {
        let mut rested = false;
        for set in &mut self.evidence {
            let said = set.keys.iter_mut().filter(|key| key.hash == hub && key.permille > 0);
            if said.map(|key| key.permille = 0).count() > 0 {
                set.strength_permille = set.strength_without(&[]);
                rested = true;
            }
        }
        rested
    }
}

impl EvidenceSet {
    fn strength_without(&self, ignored: &[KeyHash]) -> u16 {
        let said = self.keys.iter().filter(|key| !ignored.contains(&key.hash)).map(|key| key.permille);
        noisy_or(&mut said.collect::<SmallVec<[u16; 8]>>())
    }
}

impl Engine {
    /// The edge between two parts, whichever of them keeps it.
    pub(super) fn edge_between(&self, one: Slot<Part>, two: Slot<Part>) -> Option<EdgeAt> {
        let (newer, older) = self.by_age(one, two);
        let to = self.parts[older].state.id;
        let place = self.parts[newer].state.edges.iter().position(|edge| edge.to == to)?;
        Some(EdgeAt { part: newer, place })
    }

    pub(super) fn edge(&self, at: EdgeAt) -> &EdgeState {
        &self.parts[at.part].state.edges[at.place]
    }

    pub(super) fn edge_mut(&mut self, at: EdgeAt) -> &mut EdgeState {
        self.soil_part(at.part);
        &mut self.parts[at.part].state.edges[at.place]
    }

    pub(super) fn edge_holds(&self, at: EdgeAt) -> bool {
        self.edge(at).holds(self.policy.attach_permille)
    }

    fn by_age(&self, one: Slot<Part>, two: Slot<Part>) -> (Slot<Part>, Slot<Part>) {
        if self.parts[one].state.id > self.parts[two].state.id { (one, two) } else { (two, one) }
    }

    /// Draws an edge between two parts that have none. The newer part keeps it, and both know each other.
    pub(super) fn draw(
        &mut self,
        one: Slot<Part>,
        two: Slot<Part>,
        kind: EdgeKind,
        stands: EdgeStands,
        evidence: Option<EvidenceSet>,
    ) -> EdgeAt {
        let (newer, older) = self.by_age(one, two);
        let id = self.tenants.next_edge(self.parts[newer].tenant);
        let to = self.parts[older].state.id;
        let mut edge =
            EdgeState { id, to, kind, stands, strength_permille: 0, evidence: evidence.into_iter().collect() };
        edge.note_strength(self.policy.attach_permille);
        let edges = &mut self.parts[newer].state.edges;
        edges.push(edge);
        let place = edges.len() - 1;
        self.soil_part(newer);
        self.know_each_other(newer, older);
        EdgeAt { part: newer, place }
    }

    /// A person's word needs no evidence, and takes back what was said against it.
    pub(super) fn draw_by_person(&mut self, one: Slot<Part>, two: Slot<Part>) -> EdgeAt {
        let Some(at) = self.edge_between(one, two) else {
            return self.draw(one, two, EdgeKind::Person, EdgeStands::Holds, None);
        };
        let edge = self.edge_mut(at);
        (edge.kind, edge.stands, edge.strength_permille) = (EdgeKind::Person, EdgeStands::Holds, CERTAIN);
        at
    }

    /// What only hints must not crowd out what holds.
    pub(super) fn has_room_for_edge(&self, one: Slot<Part>, two: Slot<Part>, strength: u16) -> bool {
        let (newer, _) = self.by_age(one, two);
        let most = if strength >= self.policy.attach_permille { EDGES_MAX } else { HINTS_MAX };
        self.parts[newer].state.edges.len() < most
    }

    /// Both ends of the part's own edges, from rows.
    pub(super) fn know_neighbours(&mut self, slot: Slot<Part>) {
        let seat = self.parts[slot].tenant;
        let older: Vec<PartId> = self.parts[slot].state.edges.iter().map(|edge| edge.to).collect();
        for to in older {
            if let Some(older) = self.part_of(seat, to) {
                self.know_each_other(slot, older);
            }
        }
    }

    /// In the order of their ids, so that a walk along edges is the same whenever they were heard of.
    fn know_each_other(&mut self, one: Slot<Part>, two: Slot<Part>) {
        for (part, other) in [(one, two), (two, one)] {
            let id = self.parts[other].state.id;
            let place = self.parts[part].near.binary_search_by_key(&id, |near| self.parts[*near].state.id);
            if let Err(place) = place {
                self.parts[part].near.insert(place, other);
            }
        }
    }

    /// The part leaves memory.
    pub(super) fn forget_neighbours(&mut self, slot: Slot<Part>) {
        for near in std::mem::take(&mut self.parts[slot].near) {
            self.parts[near].near.retain(|other| *other != slot);
        }
    }

    /// The edges that hold between the parts of these cases, in the order in which they were drawn.
    pub(super) fn holding_edges(&self, parts: &[Slot<Part>]) -> Vec<(EdgeId, EdgeAt, Slot<Part>)> {
        let mut edges = Vec::new();
        for part in parts {
            let Part { tenant, state, .. } = &self.parts[*part];
            for (place, edge) in state.edges.iter().enumerate() {
                if edge.holds(self.policy.attach_permille)
                    && let Some(to) = self.part_of(*tenant, edge.to)
                {
                    edges.push((edge.id, EdgeAt { part: *part, place }, to));
                }
            }
        }
        edges.sort_unstable_by_key(|edge| edge.0);
        edges
    }

    pub(super) fn part_of(&self, seat: Seat, id: PartId) -> Option<Slot<Part>> {
        self.part_slots.get(&(seat, id)).copied()
    }

    /// How an edge is shown.
    pub(super) fn edge_view(&self, at: EdgeAt) -> EdgeView {
        self.edge(at).view(self.parts[at.part].state.id)
    }

    pub(super) fn is_same_case(&self, one: Slot<Part>, two: Slot<Part>) -> Option<Slot<Case>> {
        let case = self.parts[one].case;
        (self.parts[two].case == case).then_some(case)
    }
}

impl EdgeState {
    /// Keeps how strong it is when it holds for the first time.
    pub fn note_strength(&mut self, holds_permille: u16) {
        if self.strength_permille == 0 && self.is_supported(holds_permille) {
            let strongest = self.evidence.iter().map(|set| set.strength_permille).max();
            self.strength_permille = match self.kind {
                EdgeKind::Evidence => strongest.unwrap_or(0).max(self.spread()),
                EdgeKind::Person | EdgeKind::Machine | EdgeKind::Background => CERTAIN,
            };
        }
    }

    /// Shown with what drew it, whatever came later: a word is certain.
    pub fn view(&self, from: PartId) -> EdgeView {
        let drawn = self.evidence.first().filter(|_| self.kind == EdgeKind::Evidence);
        let drawn = drawn.into_iter().flat_map(|set| &set.keys);
        let keys = drawn.map(|key| (key.kind, key.value.clone())).collect();
        EdgeView { id: self.id, from, to: self.to, strength_permille: self.strength_permille, keys }
    }
}
