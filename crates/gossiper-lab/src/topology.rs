//! Who is whose neighbor: Maelstrom's topologies, by the names it gives them.
//!
//! A topology is only a hint, sent to each node in the `topology` message. The network carries
//! messages between any two nodes.

use std::fmt;
use std::str::FromStr;

/// How the nodes of a cluster are linked, as Maelstrom's `--topology`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Topology {
    /// Each node to the one before and the one after it.
    Line,
    /// Rows of ⌈√n⌉ nodes, the last one maybe shorter; each node to those above, below and beside
    /// it.
    #[default]
    Grid,
    /// A tree filled tier by tier, with 2 children for each node.
    Tree2,
    /// The same with 3 children.
    Tree3,
    /// The same with 4 children.
    Tree4,
    /// Each node to every other.
    Total,
}

impl Topology {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Line, Self::Grid, Self::Tree2, Self::Tree3, Self::Tree4, Self::Total];

    /// The name on the command line. `tree` is another one for `tree2`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Grid => "grid",
            Self::Tree2 => "tree2",
            Self::Tree3 => "tree3",
            Self::Tree4 => "tree4",
            Self::Total => "total",
        }
    }

    /// Whether among `nodes` nodes there is but one way from any of them to another.
    pub fn is_tree(self, nodes: usize) -> bool {
        match self {
            Self::Line | Self::Tree2 | Self::Tree3 | Self::Tree4 => true,
            Self::Grid => nodes < 4,
            Self::Total => nodes < 3,
        }
    }

    /// The neighbors of each of `nodes` nodes, all by their places in the cluster's list. A link
    /// goes both ways, and no node is its own neighbor.
    ///
    /// The order is Maelstrom's, since a node may well make something of it: below, above, right,
    /// left in a grid; the parent and then the children in a tree; ascending in the others.
    pub fn neighbors(self, nodes: usize) -> Vec<Vec<usize>> {
        (0..nodes).map(|node| self.neighbors_of(node, nodes)).collect()
    }

    /// The [neighbors](Self::neighbors) of one of `nodes` nodes.
    pub fn neighbors_of(self, node: usize, nodes: usize) -> Vec<usize> {
        match self {
            Self::Line => {
                let before = node.checked_sub(1);
                before.into_iter().chain(below(node + 1, nodes)).collect()
            }
            Self::Grid => in_grid(node, nodes),
            Self::Tree2 => in_tree(2, node, nodes),
            Self::Tree3 => in_tree(3, node, nodes),
            Self::Tree4 => in_tree(4, node, nodes),
            Self::Total => (0..nodes).filter(|&other| other != node).collect(),
        }
    }
}

fn in_grid(node: usize, nodes: usize) -> Vec<usize> {
    let side = nodes.isqrt() + usize::from(nodes.isqrt().pow(2) < nodes);
    let column = node % side;
    let right = below(node + 1, nodes).filter(|_| column + 1 < side);
    let left = node.checked_sub(1).filter(|_| 0 < column);
    [below(node + side, nodes), node.checked_sub(side), right, left].into_iter().flatten().collect()
}

fn in_tree(branches: usize, node: usize, nodes: usize) -> Vec<usize> {
    let parent = node.checked_sub(1).map(|before| before / branches);
    let first = node * branches + 1;
    let children = (first..first + branches).take_while(|&child| child < nodes);
    parent.into_iter().chain(children).collect()
}

/// The node, if there is one so far along in the list.
fn below(node: usize, nodes: usize) -> Option<usize> {
    (node < nodes).then_some(node)
}

impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Topology {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let wanted = if name == "tree" { "tree2" } else { name };
        Self::ALL.into_iter().find(|topology| topology.name() == wanted).ok_or_else(|| {
            format!("no topology is called {name:?}: line, grid, tree, tree2, tree3, tree4, total")
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn five_nodes_by_hand() {
        let cases = [
            (Topology::Line, [vec![1], vec![0, 2], vec![1, 3], vec![2, 4], vec![3]]),
            // 0 1 2
            // 3 4
            (Topology::Grid, [vec![3, 1], vec![4, 2, 0], vec![1], vec![0, 4], vec![1, 3]]),
            (Topology::Tree2, [vec![1, 2], vec![0, 3, 4], vec![0], vec![1], vec![1]]),
            (Topology::Tree3, [vec![1, 2, 3], vec![0, 4], vec![0], vec![0], vec![1]]),
            (Topology::Tree4, [vec![1, 2, 3, 4], vec![0], vec![0], vec![0], vec![0]]),
            (
                Topology::Total,
                [
                    vec![1, 2, 3, 4],
                    vec![0, 2, 3, 4],
                    vec![0, 1, 3, 4],
                    vec![0, 1, 2, 4],
                    vec![0, 1, 2, 3],
                ],
            ),
        ];
        for (topology, expected) in cases {
            assert_eq!(topology.neighbors(5), expected, "{topology}");
        }
    }

    #[test]
    fn twenty_five_nodes_by_hand() {
        let grid = Topology::Grid.neighbors(25);
        assert_eq!(grid[0], [5, 1]);
        assert_eq!(grid[4], [9, 3]);
        assert_eq!(grid[12], [17, 7, 13, 11]);
        assert_eq!(grid[20], [15, 21]);
        assert_eq!(grid[24], [19, 23]);
        // Five rows and five columns of four links each, both ways.
        assert_eq!(grid.iter().map(Vec::len).sum::<usize>(), 80);
        let tree = Topology::Tree4.neighbors(25);
        assert_eq!(tree[0], [1, 2, 3, 4]);
        assert_eq!(tree[5], [1, 21, 22, 23, 24]);
        assert_eq!(tree[24], [5]);
        assert_eq!(Topology::Tree3.neighbors(25)[7], [2, 22, 23, 24]);
        assert_eq!(Topology::Tree3.neighbors(25)[8], [2]);
    }

    #[test]
    fn few_nodes_have_few_neighbors() {
        for topology in Topology::ALL {
            assert!(topology.neighbors(0).is_empty(), "{topology}");
            assert_eq!(topology.neighbors(1), [[0_usize; 0]], "{topology}");
            assert_eq!(topology.neighbors(2), [[1], [0]], "{topology}");
        }
    }

    #[test]
    fn a_tree_has_one_link_less_than_nodes() {
        for topology in Topology::ALL {
            for nodes in 1..20 {
                let ends: usize = topology.neighbors(nodes).iter().map(Vec::len).sum();
                assert_eq!(topology.is_tree(nodes), ends == 2 * (nodes - 1), "{topology} {nodes}");
            }
        }
    }

    #[test]
    fn names_are_read_as_they_are_shown() {
        for topology in Topology::ALL {
            assert_eq!(topology.to_string().parse(), Ok(topology));
        }
        assert_eq!("tree".parse(), Ok(Topology::Tree2));
        let refusal = "ring".parse::<Topology>().unwrap_err();
        for topology in Topology::ALL {
            assert!(refusal.contains(topology.name()), "{refusal}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn links_go_both_ways_and_join_everybody(
            nodes in 1..200_usize,
            topology in prop::sample::select(&Topology::ALL[..]),
        ) {
            let neighbors = topology.neighbors(nodes);
            prop_assert_eq!(neighbors.len(), nodes);
            for (node, near) in neighbors.iter().enumerate() {
                for (place, &other) in near.iter().enumerate() {
                    prop_assert_ne!(other, node);
                    prop_assert!(neighbors[other].contains(&node));
                    prop_assert!(!near[..place].contains(&other));
                }
            }
            let mut reached = vec![false; nodes];
            let mut next = vec![0];
            while let Some(node) = next.pop() {
                if !std::mem::replace(&mut reached[node], true) {
                    next.extend(&neighbors[node]);
                }
            }
            prop_assert!(reached.iter().all(|&reached| reached));
        }

        #[test]
        fn a_tree_has_a_link_for_each_node_but_the_root(nodes in 1..200_usize) {
            let trees = [Topology::Line, Topology::Tree2, Topology::Tree3, Topology::Tree4];
            for (topology, branches) in trees.into_iter().zip(1..) {
                let neighbors = topology.neighbors(nodes);
                prop_assert_eq!(neighbors.iter().map(Vec::len).sum::<usize>(), 2 * (nodes - 1));
                prop_assert!(neighbors.iter().all(|near| near.len() <= branches + 1));
            }
        }

        #[test]
        fn a_grid_has_four_neighbors_at_most(nodes in 1..200_usize) {
            prop_assert!(Topology::Grid.neighbors(nodes).iter().all(|near| near.len() <= 4));
        }
    }
}
