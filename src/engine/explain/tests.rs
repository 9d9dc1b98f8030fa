//! Hand-made cases, and what is said of them.

use super::*;
use crate::engine::{EvidenceKey, EvidenceSet};
use crate::model::{AlertId, Tenant};

const MERGE: u16 = 500;

fn case_id(number: u64) -> CaseId {
    CaseId { tenant: Tenant::parse("t").unwrap(), number }
}

fn part(id: u64, alerts: u64) -> PartTold {
    PartTold {
        id: PartId(id),
        home: case_id(1),
        kind: Some(PartKind::Gathered),
        machine: None,
        identity: None,
        title: "".into(),
        alerts,
        duplicates: 0,
        rolled_up: 0,
        first_at: Timestamp::default(),
        last_at: Timestamp::default(),
    }
}

/// A key's hash is its name's first byte, so that the same name is the same key.
fn set(keys: &[(&str, u16)]) -> EvidenceSet {
    let key = |(name, permille): &(&str, u16)| EvidenceKey {
        hash: KeyHash(name.as_bytes()[0].into()),
        kind: KeyKind::User,
        value: (*name).into(),
        permille: *permille,
    };
    let strength = keys.iter().map(|key| u32::from(key.1)).fold(0, |sum, one| sum + one - sum * one / 1_000);
    EvidenceSet {
        alert: AlertId(1),
        at: Timestamp::default(),
        strength_permille: strength as u16,
        keys: keys.iter().map(key).collect(),
    }
}

fn edge(id: u64, ends: (u64, u64), evidence: Vec<EvidenceSet>) -> (PartId, EdgeState) {
    let mut edge = EdgeState {
        id: EdgeId(id),
        to: PartId(ends.1),
        kind: if evidence.is_empty() { EdgeKind::Machine } else { EdgeKind::Evidence },
        stands: EdgeStands::Holds,
        strength_permille: 0,
        evidence,
    };
    edge.note_strength(MERGE);
    (PartId(ends.0), edge)
}

fn told(parts: Vec<PartTold>, edges: Vec<(PartId, EdgeState)>) -> Explanation {
    let about =
        About { case: case_id(1), seq: 7, related: Vec::new(), kept_apart: Vec::new(), merged_from: Vec::new() };
    Explanation::new(about, parts, edges, MERGE)
}

fn pieces(pieces: &ListView<Piece>) -> Vec<Vec<u64>> {
    pieces.items.iter().map(|piece| piece.parts.items.iter().map(|part| part.0).collect()).collect()
}

#[test]
fn a_chain_names_its_edges_its_middle_and_its_keys() {
    let parts = vec![part(3, 9), part(1, 4), part(2, 1)];
    let edges = vec![
        edge(2, (3, 2), vec![set(&[("bob", 700)])]),
        edge(1, (2, 1), vec![set(&[("alice", 800)]), set(&[("carol", 600)])]),
    ];
    let without = told(parts, edges).without();
    let cut: Vec<(u64, Vec<Vec<u64>>)> =
        without.edges.items.iter().map(|cut| (cut.edge.0, pieces(&cut.pieces))).collect();
    // The one that takes more alerts away comes first.
    assert_eq!(cut, [(2, vec![vec![3], vec![1, 2]]), (1, vec![vec![2, 3], vec![1]])]);
    assert_eq!(without.edges.items[0].pieces.items[1].alerts, 5);
    assert_eq!(without.parts.items.iter().map(|cut| cut.part.0).collect::<Vec<_>>(), [2]);
    // Either of two keys would hold the older edge.
    let keys: Vec<(&str, u64)> = without.keys.items.iter().map(|cut| (&*cut.value, cut.edges.items[0].0)).collect();
    assert_eq!(keys, [("bob", 2)]);
}

#[test]
fn keys_that_are_strong_only_together_are_each_needed() {
    let edges = vec![edge(1, (2, 1), vec![set(&[("alice", 400), ("bob", 300)])])];
    let without = told(vec![part(1, 1), part(2, 1)], edges).without();
    let keys: Vec<&str> = without.keys.items.iter().map(|cut| &*cut.value).collect();
    assert_eq!(keys, ["alice", "bob"]);
}

#[test]
fn one_key_under_a_whole_ring_parts_it_where_no_edge_does() {
    let by = |id, ends| edge(id, ends, vec![set(&[("alice", 800)])]);
    let edges = vec![by(1, (2, 1)), by(2, (3, 2)), by(3, (3, 1))];
    let without = told(vec![part(1, 1), part(2, 1), part(3, 1)], edges).without();
    assert_eq!((without.edges.total, without.parts.total), (0, 0));
    let [key] = without.keys.items.as_slice() else { panic!("{without:?}") };
    assert_eq!((key.edges.total, pieces(&key.pieces)), (3, vec![vec![1], vec![2], vec![3]]));
}

#[test]
fn a_part_that_only_says_who_was_there_is_not_named() {
    let edges = vec![edge(1, (2, 1), vec![]), edge(2, (3, 1), vec![])];
    let without = told(vec![part(1, 0), part(2, 1), part(3, 1)], edges).without();
    assert_eq!((without.parts.total, without.edges.total, without.keys.total), (0, 2, 0));
}

#[test]
fn what_does_not_hold_says_why_and_joins_nothing() {
    let mut refused = edge(2, (3, 1), vec![set(&[("alice", 800)])]);
    refused.1.stands = EdgeStands::Refused;
    let mut fallen = edge(3, (3, 2), vec![set(&[("bob", 800)])]);
    assert!(fallen.1.discredit(KeyHash(b'b'.into())));
    let weak = edge(1, (2, 1), vec![set(&[("carol", 300)])]);
    let outside = edge(4, (3, 99), vec![set(&[("dave", 900)])]);
    let told = told(vec![part(1, 1), part(2, 1), part(3, 1)], vec![refused, fallen, weak, outside]);
    assert_eq!(told.holding().count(), 0);
    let standing: Vec<Standing> = told.not_holding().map(|edge| edge.standing).collect();
    assert_eq!(standing, [Standing::Weak, Standing::Refused, Standing::Fallen, Standing::Holds]);
    assert_eq!(told.path(PartId(1), PartId(3)), None);
    assert_eq!(told.path(PartId(1), PartId(98)), None);
}

#[test]
fn a_path_tells_the_edges_on_it() {
    let by = |id, ends| edge(id, ends, vec![set(&[("alice", 800)])]);
    let told = told((1..=4).map(|id| part(id, 1)).collect(), vec![by(1, (2, 1)), by(2, (3, 2)), by(3, (4, 3))]);
    let path: Vec<u64> = told.path(PartId(1), PartId(3)).unwrap().iter().map(|edge| edge.state.id.0).collect();
    assert_eq!(path, [1, 2]);
}

#[test]
fn lists_are_cut_and_say_how_many_there_are() {
    let star = (2..=300).map(|id| edge(id, (id, 1), vec![set(&[("alice", 800)])])).collect();
    let without = told((1..=300).map(|id| part(id, 1)).collect(), star).without();
    assert_eq!((without.edges.items.len(), without.edges.total), (EXPLAINED_MAX, 299));
    let key = &without.keys.items[0];
    assert_eq!((key.pieces.items.len(), key.pieces.total, key.edges.total), (EXPLAINED_MAX, 300, 299));
}
