//! Why a case is one, told from its rows: which parts it has, which edges hold them together and on what evidence, which
//! fell or were refused, and what would break it apart. The rows determine all of it, so it reads the same for a case in
//! memory, one that left it long ago, and one put together again from its events.

mod cuts;
mod names;

use std::collections::BTreeMap;
use std::sync::Arc;

use cuts::Shape;

use super::{CaseState, EdgeKind, EdgeStands, EdgeState, MergeRecord, PartKind, PartState, RelatedState};
use crate::model::{CaseId, EdgeId, KeyHash, KeyKind, ListView, PartId, Timestamp};

/// Items of any one list; `total` says how many there are.
pub const EXPLAINED_MAX: usize = 100;

/// The rows of one case: its own, those of the cases merged into it, and all their parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    pub case: CaseState,
    pub merged: Vec<CaseState>,
    /// By id.
    pub parts: Vec<PartState>,
}

/// A case's graph, ready to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    pub case: CaseId,
    pub seq: u64,
    /// The strength from which evidence makes two parts one.
    pub holds_permille: u16,
    /// By id.
    pub parts: Vec<PartTold>,
    /// What its parts keep, whether it holds or not, by id.
    pub edges: Vec<EdgeTold>,
    pub related: Vec<RelatedState>,
    pub kept_apart: Vec<CaseId>,
    pub merged_from: Vec<MergeRecord>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartTold {
    pub id: PartId,
    /// The case that it was first held by.
    pub home: CaseId,
    /// None where only events tell of it.
    pub kind: Option<PartKind>,
    pub machine: Option<Named>,
    pub identity: Option<Named>,
    pub title: Arc<str>,
    pub alerts: u64,
    pub duplicates: u64,
    pub rolled_up: u64,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
}

/// A key by its value, where any row still has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub kind: Option<KeyKind>,
    pub value: Option<Arc<str>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeTold {
    /// The newer part, which keeps the edge.
    pub from: PartId,
    pub state: EdgeState,
    pub standing: Standing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    Holds,
    /// It held once; its evidence no longer does.
    Fallen,
    /// It never was strong enough.
    Weak,
    /// A guard kept the two cases apart.
    Refused,
    /// Taken back for good.
    Undone,
}

impl Standing {
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Fallen => "fallen",
            Self::Weak => "weak",
            Self::Refused => "refused",
            Self::Undone => "undone",
        }
    }
}

impl EdgeKind {
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Evidence => "evidence",
            Self::Person => "person",
            Self::Machine => "machine",
            Self::Background => "background",
        }
    }
}

impl PartKind {
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Gathered => "gathered",
            Self::Held => "held",
            Self::RollUp => "roll_up",
        }
    }
}

/// What would break the case apart, the worst first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Without {
    pub edges: ListView<EdgeCut>,
    pub parts: ListView<PartCut>,
    pub keys: ListView<KeyCut>,
}

/// One edge, and what would be left without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeCut {
    pub edge: EdgeId,
    pub between: (PartId, PartId),
    pub pieces: ListView<Piece>,
}

/// One part that bears alerts, and what would be left without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartCut {
    pub part: PartId,
    pub pieces: ListView<Piece>,
}

/// One key, the edges that hold by nothing else, and what would be left without them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyCut {
    pub kind: KeyKind,
    pub value: Arc<str>,
    pub edges: ListView<EdgeId>,
    pub pieces: ListView<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub parts: ListView<PartId>,
    /// Whole alerts in them.
    pub alerts: u64,
}

/// What a case's rows say.
#[must_use]
pub fn explain(family: &Family, holds_permille: u16) -> Explanation {
    let names = names::Names::of(family);
    let parts = family.parts.iter().map(|part| part_told(part, &names)).collect();
    let kept = |part: &PartState| {
        let from = part.id;
        part.edges.iter().map(move |edge| (from, edge.clone())).collect::<Vec<_>>()
    };
    let edges = family.parts.iter().flat_map(kept).collect();
    let CaseState { id, seq, related, kept_apart, merged_from, .. } = &family.case;
    let about = About {
        case: id.clone(),
        seq: *seq,
        related: related.clone(),
        kept_apart: kept_apart.clone(),
        merged_from: merged_from.clone(),
    };
    Explanation::new(about, parts, edges, holds_permille)
}

/// What an explanation says of the case as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    pub case: CaseId,
    pub seq: u64,
    pub related: Vec<RelatedState>,
    pub kept_apart: Vec<CaseId>,
    pub merged_from: Vec<MergeRecord>,
}

impl Explanation {
    /// From parts and edges in any order, each edge with the part that keeps it.
    #[must_use]
    pub fn new(about: About, mut parts: Vec<PartTold>, edges: Vec<(PartId, EdgeState)>, holds_permille: u16) -> Self {
        parts.sort_unstable_by_key(|part| part.id);
        let told = |(from, state): (PartId, EdgeState)| {
            let standing = standing(&state, holds_permille);
            EdgeTold { from, state, standing }
        };
        let mut edges: Vec<EdgeTold> = edges.into_iter().map(told).collect();
        edges.sort_unstable_by_key(|edge| edge.state.id);
        let About { case, seq, related, kept_apart, merged_from } = about;
        Self { case, seq, holds_permille, parts, edges, related, kept_apart, merged_from }
    }

    /// The edges that hold the case together.
    pub fn holding(&self) -> impl Iterator<Item = &EdgeTold> + Clone {
        self.edges.iter().filter(|edge| edge.standing == Standing::Holds && self.joins(edge))
    }

    /// The edges that do not, and those that lead out of the case.
    pub fn not_holding(&self) -> impl Iterator<Item = &EdgeTold> + Clone {
        self.edges.iter().filter(|edge| edge.standing != Standing::Holds || !self.joins(edge))
    }

    /// The fewest edges that lead from one part to another; none where nothing does.
    #[must_use]
    pub fn path(&self, from: PartId, to: PartId) -> Option<Vec<&EdgeTold>> {
        let (from, to) = (self.place(from)?, self.place(to)?);
        let holding: Vec<&EdgeTold> = self.holding().collect();
        let path = self.shape(&holding).path(from, to)?;
        Some(path.into_iter().map(|edge| holding[edge]).collect())
    }

    /// Which single edge, part or key holds the case together alone.
    #[must_use]
    pub fn without(&self) -> Without {
        let holding: Vec<&EdgeTold> = self.holding().collect();
        let shape = self.shape(&holding);
        let cuts = shape.cuts();
        let bridges = cuts.bridges.iter().map(|bridge| EdgeCut {
            edge: holding[*bridge].state.id,
            between: (holding[*bridge].from, holding[*bridge].state.to),
            pieces: self.pieces(shape.pieces(|edge| edge == *bridge, None)),
        });
        let bearing = cuts.nodes.iter().filter(|node| self.parts[**node].bears_alerts());
        let parts = bearing.map(|node| PartCut {
            part: self.parts[*node].id,
            pieces: self.pieces(shape.pieces(|_| false, Some(*node))),
        });
        Without {
            edges: worst_first(bridges.collect(), |cut| &cut.pieces),
            parts: worst_first(parts.collect(), |cut| &cut.pieces),
            keys: worst_first(self.keys_without(&holding, &shape), |cut| &cut.pieces),
        }
    }

    /// A key can only part the case if an edge falls with it that any one spanning tree needs.
    fn keys_without(&self, holding: &[&EdgeTold], shape: &Shape) -> Vec<KeyCut> {
        let mut rest_on: BTreeMap<KeyHash, (KeyKind, Arc<str>, Vec<usize>)> = BTreeMap::new();
        for (place, edge) in holding.iter().enumerate() {
            for (hash, kind, value) in needed(&edge.state, self.holds_permille) {
                rest_on.entry(hash).or_insert((kind, value, Vec::new())).2.push(place);
            }
        }
        let (spanning, whole) = (shape.spanning(), shape.pieces(|_| false, None).len());
        let mut cuts = Vec::new();
        for (kind, value, falls) in rest_on.into_values() {
            if !falls.iter().any(|edge| spanning[*edge]) {
                continue;
            }
            let pieces = shape.pieces(|edge| falls.binary_search(&edge).is_ok(), None);
            if pieces.len() > whole {
                let edges = listed(falls.iter().map(|edge| holding[*edge].state.id).collect());
                cuts.push(KeyCut { kind, value, edges, pieces: self.pieces(pieces) });
            }
        }
        cuts
    }

    fn joins(&self, edge: &EdgeTold) -> bool {
        self.place(edge.from).is_some() && self.place(edge.state.to).is_some()
    }

    fn place(&self, part: PartId) -> Option<usize> {
        self.parts.binary_search_by_key(&part, |known| known.id).ok()
    }

    fn shape(&self, holding: &[&EdgeTold]) -> Shape {
        let ends = |edge: &&EdgeTold| Some((self.place(edge.from)?, self.place(edge.state.to)?));
        Shape::new(self.parts.len(), holding.iter().filter_map(ends).collect())
    }

    fn pieces(&self, pieces: Vec<Vec<usize>>) -> ListView<Piece> {
        let told = |nodes: Vec<usize>| Piece {
            alerts: nodes.iter().map(|node| self.parts[*node].alerts).sum(),
            parts: listed(nodes.iter().map(|node| self.parts[*node].id).collect()),
        };
        let mut pieces: Vec<Piece> = pieces.into_iter().map(told).collect();
        pieces.sort_by_key(|piece| (std::cmp::Reverse(piece.alerts), piece.parts.items.first().copied()));
        listed(pieces)
    }
}

impl PartTold {
    #[must_use]
    pub const fn bears_alerts(&self) -> bool {
        self.alerts > 0 || self.duplicates > 0 || self.rolled_up > 0
    }
}

fn part_told(part: &PartState, names: &names::Names) -> PartTold {
    PartTold {
        id: part.id,
        home: part.home.clone(),
        kind: Some(part.kind),
        machine: part.machine.map(|hash| names.named(hash)),
        identity: part.identity.map(|hash| names.named(hash)),
        title: part.top.1.clone(),
        alerts: part.alerts,
        duplicates: part.duplicates,
        rolled_up: part.rolled_up,
        first_at: part.first_at,
        last_at: part.last_at,
    }
}

fn standing(edge: &EdgeState, holds_permille: u16) -> Standing {
    match edge.stands {
        EdgeStands::Refused => Standing::Refused,
        EdgeStands::Undone => Standing::Undone,
        EdgeStands::Holds if edge.holds(holds_permille) => Standing::Holds,
        EdgeStands::Holds if edge.strength_permille > 0 => Standing::Fallen,
        EdgeStands::Holds => Standing::Weak,
    }
}

/// The keys of an edge without any one of which it would not hold.
fn needed(edge: &EdgeState, holds_permille: u16) -> Vec<(KeyHash, KeyKind, Arc<str>)> {
    let mut needed: Vec<(KeyHash, KeyKind, Arc<str>)> = Vec::new();
    for key in edge.evidence.iter().flat_map(|set| &set.keys) {
        let known = needed.iter().any(|known| known.0 == key.hash);
        if !known && !edge.holds_without(&[key.hash], holds_permille) {
            needed.push((key.hash, key.kind, key.value.clone()));
        }
    }
    needed
}

/// The more alerts the second largest piece has, the more hangs on the cut.
fn worst_first<T>(mut cuts: Vec<T>, pieces: impl Fn(&T) -> &ListView<Piece>) -> ListView<T> {
    let second = |cut: &T| pieces(cut).items.get(1).map_or(0, |piece| piece.alerts);
    cuts.sort_by_key(|cut| std::cmp::Reverse(second(cut)));
    listed(cuts)
}

fn listed<T>(mut items: Vec<T>) -> ListView<T> {
    let total = items.len() as u64;
    items.truncate(EXPLAINED_MAX);
    ListView { items, total }
}

#[cfg(test)]
mod tests;
