//! What holds a graph together: its bridges and articulation points in one walk (Hopcroft and Tarjan, "Algorithm 447:
//! efficient algorithms for graph manipulation", CACM 16, 1973; Tarjan, "Depth-first search and linear graph
//! algorithms", SIAM J. Comput. 1, 1972), the pieces that are left without some of it, and the shortest way through it.
//! The walk keeps its own stack: a case may have hundreds of parts in one row.

use std::collections::VecDeque;

/// Nodes and edges by number. Two nodes may share several edges.
#[derive(Clone, Debug)]
pub struct Shape {
    edges: Vec<(usize, usize)>,
    /// The edges of each node, with the node on the other side.
    near: Vec<Vec<(usize, usize)>>,
}

/// Each without which there are more pieces than with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cuts {
    pub bridges: Vec<usize>,
    pub nodes: Vec<usize>,
}

/// One node on the walk's stack.
struct Step {
    node: usize,
    /// The edge by which it was reached.
    by: Option<usize>,
    next: usize,
}

/// When each node was reached, and the earliest that is reached from below it.
struct Walk {
    reached: Vec<Option<usize>>,
    low: Vec<usize>,
    clock: usize,
    cuts_at: Vec<bool>,
    bridges: Vec<usize>,
}

impl Shape {
    pub fn new(nodes: usize, edges: Vec<(usize, usize)>) -> Self {
        let mut near = vec![Vec::new(); nodes];
        for (number, (one, two)) in edges.iter().enumerate() {
            near[*one].push((number, *two));
            near[*two].push((number, *one));
        }
        Self { edges, near }
    }

    pub fn cuts(&self) -> Cuts {
        let nodes = self.near.len();
        let mut walk = Walk {
            reached: vec![None; nodes],
            low: vec![0; nodes],
            clock: 0,
            cuts_at: vec![false; nodes],
            bridges: Vec::new(),
        };
        for root in 0..nodes {
            if walk.reached[root].is_none() {
                self.walk_from(root, &mut walk);
            }
        }
        walk.bridges.sort_unstable();
        Cuts { bridges: walk.bridges, nodes: (0..nodes).filter(|node| walk.cuts_at[*node]).collect() }
    }

    fn walk_from(&self, root: usize, walk: &mut Walk) {
        let mut stack = vec![walk.reach(root, None)];
        let mut of_root = 0;
        while let Some(step) = stack.last_mut() {
            let node = step.node;
            let Some((edge, other)) = self.near[node].get(step.next).copied() else {
                let by = step.by;
                stack.pop();
                if let (Some(above), Some(by)) = (stack.last(), by) {
                    of_root += usize::from(above.node == root);
                    walk.come_back(above.node, node, by, root);
                }
                continue;
            };
            step.next += 1;
            if Some(edge) == step.by {
                continue;
            }
            match walk.reached[other] {
                Some(at) => walk.low[node] = walk.low[node].min(at),
                None => stack.push(walk.reach(other, Some(edge))),
            }
        }
        walk.cuts_at[root] = of_root > 1;
    }

    /// The connected pieces, each in ascending order, without these edges and that node.
    pub fn pieces(&self, falls: impl Fn(usize) -> bool, without: Option<usize>) -> Vec<Vec<usize>> {
        let mut seen = vec![false; self.near.len()];
        let mut pieces = Vec::new();
        for start in 0..self.near.len() {
            if seen[start] || Some(start) == without {
                continue;
            }
            seen[start] = true;
            let (mut piece, mut next) = (vec![start], 0);
            while let Some(node) = piece.get(next).copied() {
                next += 1;
                for (edge, other) in &self.near[node] {
                    if !seen[*other] && Some(*other) != without && !falls(*edge) {
                        seen[*other] = true;
                        piece.push(*other);
                    }
                }
            }
            piece.sort_unstable();
            pieces.push(piece);
        }
        pieces
    }

    /// Which edges make up one spanning forest: without any other the pieces stay as they are.
    pub fn spanning(&self) -> Vec<bool> {
        let mut up: Vec<usize> = (0..self.near.len()).collect();
        let mut root = |mut node: usize, to: Option<usize>| {
            while up[node] != node {
                up[node] = up[up[node]];
                node = up[node];
            }
            if let Some(to) = to {
                up[node] = to;
            }
            node
        };
        let joins = |(one, two): &(usize, usize)| {
            let (one, two) = (root(*one, None), root(*two, None));
            if one != two {
                root(one, Some(two));
            }
            one != two
        };
        self.edges.iter().map(joins).collect()
    }

    /// The fewest edges from one node to another.
    pub fn path(&self, from: usize, to: usize) -> Option<Vec<usize>> {
        let mut by: Vec<Option<(usize, usize)>> = vec![None; self.near.len()];
        let mut queue = VecDeque::from([from]);
        while let Some(node) = queue.pop_front() {
            if node == to {
                break;
            }
            for (edge, other) in &self.near[node] {
                if by[*other].is_none() && *other != from {
                    by[*other] = Some((*edge, node));
                    queue.push_back(*other);
                }
            }
        }
        let (mut path, mut node) = (Vec::new(), to);
        while node != from {
            let (edge, before) = by[node]?;
            path.push(edge);
            node = before;
        }
        path.reverse();
        Some(path)
    }
}

impl Walk {
    fn reach(&mut self, node: usize, by: Option<usize>) -> Step {
        self.reached[node] = Some(self.clock);
        self.low[node] = self.clock;
        self.clock += 1;
        Step { node, by, next: 0 }
    }

    /// `below` is done; it was reached from `above` by that edge.
    fn come_back(&mut self, above: usize, below: usize, by: usize, root: usize) {
        let at = self.reached[above].unwrap_or(0);
        self.low[above] = self.low[above].min(self.low[below]);
        if self.low[below] > at {
            self.bridges.push(by);
        }
        if above != root && self.low[below] >= at {
            self.cuts_at[above] = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_chain_breaks_anywhere_and_a_ring_nowhere() {
        let chain = Shape::new(4, vec![(0, 1), (1, 2), (2, 3)]);
        assert_eq!(chain.cuts(), Cuts { bridges: vec![0, 1, 2], nodes: vec![1, 2] });
        let ring = Shape::new(4, vec![(0, 1), (1, 2), (2, 3), (3, 0)]);
        assert_eq!(ring.cuts(), Cuts::default());
    }

    #[test]
    fn two_edges_between_the_same_nodes_are_no_bridge() {
        assert_eq!(Shape::new(2, vec![(0, 1), (1, 0)]).cuts(), Cuts::default());
        assert_eq!(Shape::new(3, vec![(0, 1), (1, 0), (1, 2)]).cuts(), Cuts { bridges: vec![2], nodes: vec![1] });
    }

    #[test]
    fn two_rings_that_share_a_node_hang_on_it() {
        let shape = Shape::new(5, vec![(0, 1), (1, 2), (2, 0), (2, 3), (3, 4), (4, 2)]);
        assert_eq!(shape.cuts(), Cuts { bridges: vec![], nodes: vec![2] });
        assert_eq!(shape.pieces(|_| false, Some(2)), vec![vec![0, 1], vec![3, 4]]);
    }

    #[test]
    fn the_path_is_the_shortest_one() {
        let shape = Shape::new(5, vec![(0, 1), (1, 2), (2, 3), (0, 3)]);
        assert_eq!(shape.path(0, 2), Some(vec![0, 1]));
        assert_eq!(shape.path(3, 3), Some(vec![]));
        assert_eq!(shape.path(0, 4), None);
    }

    #[test]
    fn a_long_chain_needs_no_deep_stack() {
        let nodes = 200_000;
        let cuts = Shape::new(nodes, (1..nodes).map(|node| (node - 1, node)).collect()).cuts();
        assert_eq!((cuts.bridges.len(), cuts.nodes.len()), (nodes - 1, nodes - 2));
    }

    fn any_shape() -> impl Strategy<Value = (usize, Vec<(usize, usize)>)> {
        (1_usize..14).prop_flat_map(|nodes| {
            let edge = (0..nodes, 0..nodes).prop_filter("no part hangs on itself", |(one, two)| one != two);
            let edges = if nodes > 1 { prop::collection::vec(edge, 0..24).boxed() } else { Just(Vec::new()).boxed() };
            (Just(nodes), edges)
        })
    }

    proptest! {
        #[test]
        fn what_is_claimed_parts_the_graph_and_nothing_else_does((nodes, edges) in any_shape()) {
            let shape = Shape::new(nodes, edges.clone());
            let (cuts, spanning) = (shape.cuts(), shape.spanning());
            let whole = shape.pieces(|_| false, None).len();
            for (edge, spans) in spanning.iter().enumerate() {
                let parts = shape.pieces(|other| other == edge, None).len() > whole;
                prop_assert_eq!(cuts.bridges.contains(&edge), parts, "edge {}", edge);
                prop_assert!(!parts || *spans);
            }
            for node in 0..nodes {
                // A node that nothing hangs on takes its own piece with it.
                let alone = edges.iter().all(|(one, two)| *one != node && *two != node);
                let parts = shape.pieces(|_| false, Some(node)).len() + usize::from(alone) > whole;
                prop_assert_eq!(cuts.nodes.contains(&node), parts, "node {}", node);
            }
            prop_assert_eq!(nodes - spanning.iter().filter(|spans| **spans).count(), whole);
        }

        #[test]
        fn a_path_leads_there((nodes, edges) in any_shape(), from in 0_usize..14, to in 0_usize..14) {
            let (from, to) = (from % nodes, to % nodes);
            let shape = Shape::new(nodes, edges.clone());
            let together = shape.pieces(|_| false, None).iter().any(|piece| piece.contains(&from) && piece.contains(&to));
            let path = shape.path(from, to);
            prop_assert_eq!(path.is_some(), together);
            let mut at = from;
            for edge in path.unwrap_or_default() {
                let (one, two) = edges[edge];
                prop_assert!(at == one || at == two);
                at = if at == one { two } else { one };
            }
            prop_assert!(!together || at == to);
        }
    }
}
