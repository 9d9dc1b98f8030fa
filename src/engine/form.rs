//! Which parts make up which case: those that edges connect. The case with the lowest number among those that a
//! component's parts founded survives, and the others redirect to it; what is connected to no founding part any more is
//! a new case.
//!
//! Merging only ever adds an edge. Whatever takes one away (a person, a key that turned hub, a rule that turned
//! background) has the cases it touched worked out anew, as if only the edges that still hold had ever been drawn, in
//! the order of their ids. So undoing gives back what would be, had the edge never been.

use std::collections::BTreeMap;
use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use super::case::{self, Case};
use super::graph::EdgeAt;
use super::part::Part;
use super::slab::Slot;
use super::{CaseState, Engine, MergeRecord, PartState, Turn, priority_of};
use crate::model::{
    Actor, CaseStatus, EDGES_TOLD_MAX, EdgeId, EventKind, Link, MergeSide, MoveSide, PartId, PartedBy, SplitSide,
};

/// Why cases are worked out anew, for their events.
pub struct Why {
    pub by: PartedBy,
    pub comment: Option<Arc<str>>,
}

/// Who belongs to whom, worked out from the edges. Homes and parts are named by their places in these lists.
struct Form {
    /// By number: the lower place survives.
    homes: Vec<Slot<Case>>,
    /// By id.
    parts: Vec<Slot<Part>>,
    /// Where each part counts until now.
    before: Vec<Slot<Case>>,
    /// Towards the part that stands for its component.
    up: Vec<usize>,
    /// The homes founded in the component of each part that stands for one.
    founded: Vec<SmallVec<[usize; 2]>>,
    founder: Vec<usize>,
    into: Vec<Option<(usize, EdgeId)>>,
    /// What came along with each home when it was absorbed, itself included.
    brought: Vec<Vec<usize>>,
}

/// Parts that count elsewhere now, by the numbers of the cases they left and went to.
type Moves = BTreeMap<(u64, u64), (Slot<Case>, Slot<Case>, Vec<PartId>)>;

impl Engine {
    /// An edge between parts of two cases was drawn, and they are one from here on. Answers the survivor.
    pub(super) fn merge(
        &mut self,
        turn: &mut Turn<'_>,
        at: EdgeAt,
        ends: (Slot<Part>, Slot<Part>),
        link: Option<Arc<Link>>,
    ) -> Slot<Case> {
        let (one, two) = (self.parts[ends.0].case, self.parts[ends.1].case);
        let older = self.cases[one].number() < self.cases[two].number();
        let (survivor, absorbed) = if older { (one, two) } else { (two, one) };
        let shown = self.edge_view(at);
        let edge = shown.id;
        let parts = self.part_ids(absorbed);
        let (into, from) = (self.cases[survivor].state.id.clone(), self.cases[absorbed].state.id.clone());
        self.emit(turn, absorbed, EventKind::MergedInto { into: into.clone(), edge });
        let between = (shown.from, shown.to);
        self.emit(turn, survivor, EventKind::Merged { from: from.clone(), edge, parts, between, link });
        self.absorb(survivor, absorbed);
        self.cases[absorbed].state.merged_into = Some((into, edge));
        let record = MergeRecord { case: from, edge, at: self.clock.state.now };
        let records = &mut self.cases[survivor].state.merged_from;
        // An edge that a guard kept from holding until now may be older than others.
        records.insert(records.partition_point(|known| known.edge < edge), record);
        self.reassess(turn, survivor);
        self.arm(survivor);
        survivor
    }

    /// The part that the case was opened for.
    pub(super) fn founding_part(&self, case: Slot<Case>) -> Slot<Part> {
        let Case { tenant, state, .. } = &self.cases[case];
        self.part_of(*tenant, state.parts[0]).expect("a resident case's parts are resident")
    }

    /// A person says that what came with `absorbed` is not what the rest of `case` is: no edge joins them again.
    pub(super) fn part_cases(&mut self, case: Slot<Case>, absorbed: Slot<Case>) {
        let brought = self.redirecting_to(case, absorbed);
        for home in self.cases[case].homes.clone() {
            if !brought.contains(&home) {
                self.keep_apart(home, absorbed);
            }
        }
    }

    /// The cases that redirect to `absorbed`, directly or not, itself included.
    fn redirecting_to(&self, case: Slot<Case>, absorbed: Slot<Case>) -> Vec<Slot<Case>> {
        let mut brought = vec![absorbed];
        let mut next = 0;
        while let Some(at) = brought.get(next).copied() {
            next += 1;
            let id = &self.cases[at].state.id;
            let to = |home: &Slot<Case>| self.cases[*home].state.merged_into.as_ref().is_some_and(|(to, _)| to == id);
            brought.extend(self.cases[case].homes.iter().copied().filter(to));
        }
        brought
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

    /// Works the cases out anew, after edges between their parts fell or were drawn.
    pub(super) fn reform(&mut self, turn: &mut Turn<'_>, cases: &[Slot<Case>], why: &Why) {
        for case in cases {
            self.tell_case(turn, *case);
        }
        let cold: Vec<Slot<Case>> = cases.iter().copied().filter(|case| self.cases[*case].is_cold()).collect();
        let mut form = self.form_of(cases);
        let unlinked = self.connect(&mut form);
        let (assigned, newborn) = self.assign(&form);
        if newborn.is_empty() && assigned == form.before && form.keeps_homes(self) {
            self.tell_unlinked(turn, unlinked, why);
            return;
        }
        self.rehome(&form, &assigned);
        let restored = self.recount(&form, &assigned, &newborn);
        let (edges, redirected) = self.redirect(&form);
        let moves = self.moves(&form, &assigned);
        self.tell_unlinked(turn, unlinked, why);
        self.tell_forming(turn, &form, &moves, (&restored, &newborn), &edges, why);
        self.tell_redirected(turn, &form, &redirected);
        for case in restored.iter().chain(&newborn) {
            if !cold.is_empty() {
                self.come_back(turn, *case);
            }
        }
        self.settle_formed(turn, &form, &newborn);
    }

    fn form_of(&self, cases: &[Slot<Case>]) -> Form {
        let mut homes: Vec<Slot<Case>> =
            cases.iter().flat_map(|case| self.cases[*case].homes.iter().copied()).collect();
        homes.sort_unstable_by_key(|home| self.cases[*home].number());
        homes.dedup();
        let mut parts: Vec<Slot<Part>> =
            homes.iter().flat_map(|home| self.cases[*home].parts.iter().copied()).collect();
        parts.sort_unstable_by_key(|part| self.parts[*part].state.id);
        let before = parts.iter().map(|part| self.parts[*part].case).collect();
        let mut form = Form {
            up: (0..parts.len()).collect(),
            founded: vec![SmallVec::new(); parts.len()],
            founder: Vec::with_capacity(homes.len()),
            into: vec![None; homes.len()],
            brought: (0..homes.len()).map(|place| vec![place]).collect(),
            before,
            homes,
            parts,
        };
        for place in 0..form.homes.len() {
            let founding = self.cases[form.homes[place]].state.parts[0];
            let part = form.parts.binary_search_by_key(&founding, |part| self.parts[*part].state.id).unwrap_or(0);
            form.founder.push(part);
            form.founded[part].push(place);
        }
        form
    }

    /// Walks the edges in the order of their ids. What a person parted stays apart: an edge that would join it is
    /// undone. Answers those, by the case that they were drawn in.
    fn connect(&mut self, form: &mut Form) -> Vec<(Slot<Case>, EdgeId)> {
        let mut unlinked = Vec::new();
        for (id, at, to) in self.holding_edges(&form.parts) {
            let (Some(one), Some(two)) = (self.place_in(form, at.part), self.place_in(form, to)) else { continue };
            let (one, two) = (form.root(one), form.root(two));
            if one == two {
                continue;
            }
            let homes =
                |root: usize| form.founded[root].iter().map(|place| form.homes[*place]).collect::<SmallVec<[_; 2]>>();
            if self.are_kept_apart(&homes(one), &homes(two)) {
                self.edge_mut(at).stands = super::EdgeStands::Undone;
                unlinked.push((self.parts[at.part].case, id));
            } else {
                form.join(one, two, id);
            }
        }
        unlinked
    }

    fn place_in(&self, form: &Form, part: Slot<Part>) -> Option<usize> {
        form.parts.binary_search_by_key(&self.parts[part].state.id, |known| self.parts[*known].state.id).ok()
    }

    fn tell_unlinked(&mut self, turn: &mut Turn<'_>, unlinked: Vec<(Slot<Case>, EdgeId)>, why: &Why) {
        let mut by_case: BTreeMap<u64, (Slot<Case>, Vec<EdgeId>)> = BTreeMap::new();
        for (case, edge) in unlinked {
            by_case.entry(self.cases[case].number()).or_insert((case, Vec::new())).1.push(edge);
        }
        for (case, edges) in by_case.into_values() {
            self.emit_unlinked(turn, case, &edges, &why.by);
        }
    }

    /// In events of bounded size: what was cut could not be folded.
    pub(super) fn emit_unlinked(&mut self, turn: &mut Turn<'_>, case: Slot<Case>, edges: &[EdgeId], by: &PartedBy) {
        for edges in edges.chunks(EDGES_TOLD_MAX) {
            let (edges, drawn, by) = (edges.to_vec(), Vec::new(), by.clone());
            self.emit(turn, case, EventKind::Unlinked { edges, drawn, by });
        }
    }

    /// The case of each part; those that were made for it are last. A component of no founding part and no alert stays
    /// where it was.
    fn assign(&mut self, form: &Form) -> (Vec<Slot<Case>>, Vec<Slot<Case>>) {
        let mut of_root: BTreeMap<usize, Slot<Case>> = BTreeMap::new();
        let mut newborn = Vec::new();
        let mut assigned = Vec::with_capacity(form.parts.len());
        for place in 0..form.parts.len() {
            let root = form.root(place);
            let case = match (form.founded[root].first(), of_root.get(&root)) {
                (Some(home), _) => form.homes[*home],
                (None, Some(case)) => *case,
                (None, None) => {
                    let case = if form.is_empty(root, self) {
                        form.survivor_of(form.before[place])
                    } else {
                        let case = self.found_case(form, root, form.before[place]);
                        newborn.push(case);
                        case
                    };
                    of_root.insert(root, case);
                    case
                }
            };
            assigned.push(case);
        }
        (assigned, newborn)
    }

    fn found_case(&mut self, form: &Form, root: usize, from: Slot<Case>) -> Slot<Case> {
        let seat = self.cases[from].tenant;
        let id = self.tenants.next_case(seat);
        let states = form.members(root).map(|part| &self.parts[form.parts[part]].state);
        let (severity, priority) = priority_of(states);
        self.admit(seat, case::newborn(id, severity, priority, self.clock.state.now, None))
    }

    /// A part is listed where it counts: by a case that its case is made of.
    fn rehome(&mut self, form: &Form, assigned: &[Slot<Case>]) {
        for (place, part) in form.parts.iter().enumerate() {
            let home = self.parts[*part].home;
            let of_home = form.homes.iter().position(|known| *known == home);
            let counts = of_home.map(|home| assigned[form.founder[home]]);
            if counts == Some(assigned[place]) {
                continue;
            }
            let (id, to) = (self.parts[*part].state.id, assigned[place]);
            self.cases[home].state.parts.retain(|known| *known != id);
            self.cases[home].parts.retain(|known| known != part);
            self.cases[to].state.parts.push(id);
            self.cases[to].parts.push(*part);
            let part = *part;
            self.parts[part].home = to;
            self.parts[part].state.home = self.cases[to].state.id.clone();
            self.soil_part(part);
            self.soil_case(home);
            self.soil_case(to);
        }
    }

    /// Gives every case its homes, every part its case, and every home its status. Answers those that stand again.
    fn recount(&mut self, form: &Form, assigned: &[Slot<Case>], newborn: &[Slot<Case>]) -> Vec<Slot<Case>> {
        let homes: Vec<(Slot<Case>, Slot<Case>)> = (form.homes.iter().zip(&form.founder))
            .map(|(home, founder)| (*home, assigned[*founder]))
            .chain(newborn.iter().map(|case| (*case, *case)))
            .collect();
        for (home, _) in &homes {
            self.cases[*home].homes = smallvec![*home];
            (self.cases[*home].alerts, self.cases[*home].pending) = (0, 0);
        }
        let mut restored = Vec::new();
        for (home, root) in homes {
            if root != home {
                self.cases[root].homes.push(home);
            }
            self.count_home(home, root);
            match (self.cases[home].is_merged(), root == home) {
                (true, true) => {
                    self.restore_status(home);
                    restored.push(home);
                }
                (false, false) => {
                    let status = self.cases[home].state.status;
                    self.cases[home].state.status_before_merge = Some(status);
                    self.set_status(home, CaseStatus::Merged);
                }
                (true, false) | (false, true) => {}
            }
        }
        restored
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

    /// Writes the redirects. Answers the edge that each home was redirected by until now, and the places whose redirect
    /// is another one.
    fn redirect(&mut self, form: &Form) -> (Vec<Option<EdgeId>>, Vec<usize>) {
        let before: Vec<MergeRecord> =
            form.homes.iter().flat_map(|home| self.cases[*home].state.merged_from.iter().cloned()).collect();
        let edges = form.homes.iter().map(|home| self.cases[*home].state.merged_into.as_ref().map(|(_, edge)| *edge));
        let edges = edges.collect();
        form.homes.iter().for_each(|home| self.cases[*home].state.merged_from.clear());
        let mut redirected = Vec::new();
        for place in form.in_edge_order() {
            let slot = form.homes[place];
            let Some((into, edge)) = form.into[place] else {
                self.cases[slot].state.merged_into = None;
                continue;
            };
            let (into, from) = (form.homes[into], self.cases[slot].state.id.clone());
            let redirect = Some((self.cases[into].state.id.clone(), edge));
            if self.cases[slot].state.merged_into != redirect {
                self.cases[slot].state.merged_into = redirect;
                redirected.push(place);
            }
            let same = |record: &&MergeRecord| record.case == from && record.edge == edge;
            let at = before.iter().find(same).map_or(self.clock.state.now, |record| record.at);
            self.cases[into].state.merged_from.push(MergeRecord { case: from, edge, at });
        }
        form.homes.iter().for_each(|home| self.soil_case(*home));
        (edges, redirected)
    }

    fn restore_status(&mut self, slot: Slot<Case>) {
        let status = self.cases[slot].state.status_before_merge.take().unwrap_or(CaseStatus::New);
        // It was not forgotten while it was elsewhere, so its quiet begins now.
        self.cases[slot].state.closed_watermark = Some(self.clock.state.watermark);
        self.set_status(slot, status);
    }

    fn moves(&self, form: &Form, assigned: &[Slot<Case>]) -> Moves {
        let mut moves = Moves::new();
        for ((part, before), now) in form.parts.iter().zip(&form.before).zip(assigned) {
            if before != now {
                let numbers = (self.cases[*before].number(), self.cases[*now].number());
                moves.entry(numbers).or_insert_with(|| (*before, *now, Vec::new())).2.push(self.parts[*part].state.id);
            }
        }
        moves
    }

    /// Both sides of every move are told: a case that stands again, one that is new, and parts that changed sides. Those
    /// that came along with a case that was absorbed are told with it.
    fn tell_forming(
        &mut self,
        turn: &mut Turn<'_>,
        form: &Form,
        moves: &Moves,
        (restored, newborn): (&[Slot<Case>], &[Slot<Case>]),
        edges: &[Option<EdgeId>],
        why: &Why,
    ) {
        let mut begun: SmallVec<[Slot<Case>; 4]> = SmallVec::new();
        for (from, to, parts) in moves.values() {
            let first = !begun.contains(to);
            begun.push(*to);
            let edge = form.homes.iter().position(|home| home == to).and_then(|place| edges[place]);
            match edge {
                Some(edge) if first && restored.contains(to) => self.tell_undone(turn, (*from, *to), edge, parts, why),
                _ if first && newborn.contains(to) => self.tell_split(turn, (*from, *to), parts, why),
                _ if self.counts_in(*from) == *to => {}
                _ => self.tell_moved(turn, (*from, *to), parts, why),
            }
        }
    }

    /// Where the case's founding part counts now.
    fn counts_in(&self, case: Slot<Case>) -> Slot<Case> {
        let founding = self.cases[case].state.parts.first();
        let part = founding.and_then(|id| self.part_of(self.cases[case].tenant, *id));
        part.map_or(case, |part| self.parts[part].case)
    }

    fn tell_undone(
        &mut self,
        turn: &mut Turn<'_>,
        (from, to): (Slot<Case>, Slot<Case>),
        edge: EdgeId,
        parts: &[PartId],
        why: &Why,
    ) {
        for (case, other, side) in [(from, to, MergeSide::Survivor), (to, from, MergeSide::Restored)] {
            let (other, parts) = (self.cases[other].state.id.clone(), parts.to_vec());
            let (by, comment) = (why.by.clone(), why.comment.clone());
            self.publish_of(turn, case, why, EventKind::MergeUndone { other, side, edge, parts, by, comment });
        }
    }

    fn tell_split(&mut self, turn: &mut Turn<'_>, (from, to): (Slot<Case>, Slot<Case>), parts: &[PartId], why: &Why) {
        let CaseState { severity, priority, .. } = &self.cases[to].state;
        let (severity, priority, roll_up) = (*severity, priority.clone(), self.is_roll_up(to));
        for (case, other, side) in [(from, to, SplitSide::From), (to, from, SplitSide::New)] {
            let (other, parts) = (self.cases[other].state.id.clone(), parts.to_vec());
            let (by, comment, priority) = (why.by.clone(), why.comment.clone(), priority.clone());
            let kind = EventKind::Split { other, side, parts, severity, priority, roll_up, by, comment };
            self.publish_of(turn, case, why, kind);
        }
    }

    fn tell_moved(&mut self, turn: &mut Turn<'_>, (from, to): (Slot<Case>, Slot<Case>), parts: &[PartId], why: &Why) {
        for (case, other, side) in [(from, to, MoveSide::From), (to, from, MoveSide::To)] {
            let (other, parts) = (self.cases[other].state.id.clone(), parts.to_vec());
            let (by, comment) = (why.by.clone(), why.comment.clone());
            self.publish_of(turn, case, why, EventKind::AlertsMoved { other, side, parts, by, comment });
        }
    }

    /// In the name of the person who wished it, or of the engine.
    fn publish_of(&mut self, turn: &mut Turn<'_>, case: Slot<Case>, why: &Why, kind: EventKind) {
        let actor = if why.by == PartedBy::Person { turn.actor.clone() } else { Actor::Engine };
        self.publish(turn, case, actor, kind);
    }

    /// A case whose redirect is another one is told where it belongs now, and so is its new survivor.
    fn tell_redirected(&mut self, turn: &mut Turn<'_>, form: &Form, redirected: &[usize]) {
        for place in redirected {
            let Some((into, edge)) = form.into[*place] else { continue };
            let (slot, into) = (form.homes[*place], form.homes[into]);
            let (from, id) = (self.cases[slot].state.id.clone(), self.cases[into].state.id.clone());
            let parts = self.ids_at_home(form, *place);
            let Some(between) = self.ends_of(form, edge) else { continue };
            self.emit(turn, slot, EventKind::MergedInto { into: id, edge });
            self.emit(turn, into, EventKind::Merged { from, edge, parts, between, link: None });
        }
    }

    fn ids_at_home(&self, form: &Form, place: usize) -> Vec<PartId> {
        let homes = form.brought[place].iter().map(|place| form.homes[*place]);
        let mut ids: Vec<PartId> = homes.flat_map(|home| self.cases[home].state.parts.iter().copied()).collect();
        ids.sort_unstable();
        ids
    }

    fn ends_of(&self, form: &Form, edge: EdgeId) -> Option<(PartId, PartId)> {
        form.parts.iter().find_map(|part| {
            let state = &self.parts[*part].state;
            state.edges.iter().find(|known| known.id == edge).map(|known| (state.id, known.to))
        })
    }

    fn settle_formed(&mut self, turn: &mut Turn<'_>, form: &Form, newborn: &[Slot<Case>]) {
        for case in form.homes.iter().chain(newborn) {
            if self.cases[*case].is_merged() {
                self.disarm(*case);
                continue;
            }
            self.reassess(turn, *case);
            self.end_overflow(turn, *case);
            self.arm(*case);
        }
    }

    fn end_overflow(&mut self, turn: &mut Turn<'_>, slot: Slot<Case>) {
        let alerts = self.cases[slot].alerts;
        if self.cases[slot].state.overflowed && alerts < u64::from(self.policy.hard_cap) {
            self.cases[slot].state.overflowed = false;
            self.emit(turn, slot, EventKind::OverflowEnded { alerts });
        }
    }
}

impl Form {
    fn root(&self, mut place: usize) -> usize {
        while self.up[place] != place {
            place = self.up[place];
        }
        place
    }

    /// Two components become one. The lower home has the lower number, and survives.
    fn join(&mut self, one: usize, two: usize, edge: EdgeId) {
        let (first, second) = (self.founded[one].iter().min().copied(), self.founded[two].iter().min().copied());
        if let (Some(first), Some(second)) = (first, second) {
            let (survivor, absorbed) = (first.min(second), first.max(second));
            self.into[absorbed] = Some((survivor, edge));
            let root = if first == absorbed { one } else { two };
            self.brought[absorbed] = self.founded[root].to_vec();
        }
        // The older part stands for both, and its component knows its homes in order.
        let (stays, goes) = (one.min(two), one.max(two));
        self.up[goes] = stays;
        let founded = std::mem::take(&mut self.founded[goes]);
        self.founded[stays].extend(founded);
        self.founded[stays].sort_unstable();
    }

    fn members(&self, root: usize) -> impl Iterator<Item = usize> + Clone + '_ {
        (0..self.parts.len()).filter(move |place| self.root(*place) == root)
    }

    fn is_empty(&self, root: usize, engine: &Engine) -> bool {
        let mut states = self.members(root).map(|place| &engine.parts[self.parts[place]].state);
        states.all(PartState::is_empty)
    }

    /// Where the founding part of `before` counts now.
    fn survivor_of(&self, before: Slot<Case>) -> Slot<Case> {
        let place = self.homes.iter().position(|home| *home == before);
        let home = place.and_then(|place| self.founded[self.root(self.founder[place])].first());
        home.map_or(before, |home| self.homes[*home])
    }

    /// Whether every home redirects as it did.
    fn keeps_homes(&self, engine: &Engine) -> bool {
        (0..self.homes.len()).all(|place| {
            let now = self.into[place].map(|(into, edge)| (&engine.cases[self.homes[into]].state.id, edge));
            let before = engine.cases[self.homes[place]].state.merged_into.as_ref();
            now == before.map(|(into, edge)| (into, *edge))
        })
    }

    fn in_edge_order(&self) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.homes.len()).collect();
        places.sort_by_key(|place| self.into[*place].map(|(_, edge)| edge));
        places
    }
}
