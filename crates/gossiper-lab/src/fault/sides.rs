//! Who is drawn to be cut off from whom.

use super::plan::Shape;
use crate::seed::Stream;

/// Draws one side of a partition. A minority third of three nodes or fewer is nobody, as in
/// Maelstrom.
pub(crate) fn draw_side(shape: Shape, nodes: usize, stream: &mut Stream) -> Vec<usize> {
    let size = match shape {
        Shape::One => nodes.min(1),
        Shape::MinorityThird => nodes.saturating_sub(1) / 3,
        Shape::Majority => nodes / 2,
    };
    let mut all: Vec<usize> = (0..nodes).collect();
    stream.shuffle(&mut all);
    all.truncate(size);
    all
}

/// Draws a majorities-ring: for each node, in ascending order, whom it sees, itself included.
/// Every node sees a majority.
///
/// Jepsen's two ways are copied, and what follows from them: up to five nodes a ring of windows,
/// each seen by the node in its middle (so the ring of three is a one-way ring, and two nodes or
/// one see everybody); above five a growing random graph, in which two nodes may come to see the
/// same majority: of eight nodes in one of seven rings, and of more ever more rarely.
pub(crate) fn draw_ring(nodes: usize, stream: &mut Stream) -> Vec<Vec<usize>> {
    let mut sees = if nodes <= 5 { perfect(nodes, stream) } else { grown(nodes, stream) };
    sees.iter_mut().for_each(|list| list.sort_unstable());
    sees
}

/// The smallest number strictly above half.
fn majority(nodes: usize) -> usize {
    nodes / 2 + 1
}

fn perfect(nodes: usize, stream: &mut Stream) -> Vec<Vec<usize>> {
    let mut ring: Vec<usize> = (0..nodes).collect();
    stream.shuffle(&mut ring);
    let width = majority(nodes).min(nodes);
    let mut sees = vec![Vec::new(); nodes];
    for start in 0..nodes {
        let window: Vec<usize> = (0..width).map(|step| ring[(start + step) % nodes]).collect();
        let middle = window[width / 2];
        sees[middle] = window;
    }
    sees
}

/// Joins a node with the fewest links to another with the fewest that it is not joined to, each
/// drawn anew, until every node sees a majority.
fn grown(nodes: usize, stream: &mut Stream) -> Vec<Vec<usize>> {
    let mut graph = Graph::new(nodes);
    while let Some(node) = graph.draw_least(majority(nodes), stream) {
        match graph.draw_partner(node, stream) {
            Some(partner) => graph.join(node, partner),
            // It sees everybody, which is a majority; the loop ends before that.
            None => break,
        }
    }
    graph.sees
}

/// Random partners tried before all free ones are listed.
const TRIES: usize = 16;

struct Graph {
    sees: Vec<Vec<usize>>,
    is_joined: Vec<Vec<bool>>,
    /// The nodes by how many they see.
    by_degree: Vec<Vec<usize>>,
    /// Where each node stands in its list there.
    place: Vec<usize>,
}

impl Graph {
    fn new(nodes: usize) -> Self {
        let mut by_degree = vec![Vec::new(); nodes + 1];
        by_degree[1] = (0..nodes).collect();
        let mut is_joined = vec![vec![false; nodes]; nodes];
        (0..nodes).for_each(|node| is_joined[node][node] = true);
        Self {
            sees: (0..nodes).map(|node| vec![node]).collect(),
            is_joined,
            by_degree,
            place: (0..nodes).collect(),
        }
    }

    /// A node that sees the fewest, unless even that is `enough`.
    fn draw_least(&self, enough: usize, stream: &mut Stream) -> Option<usize> {
        let least = self.by_degree[..enough].iter().find(|nodes| !nodes.is_empty())?;
        Some(least[stream.below(least.len() as u64) as usize])
    }

    /// Of the nodes that `node` does not see, one that sees the fewest.
    fn draw_partner(&self, node: usize, stream: &mut Stream) -> Option<usize> {
        self.by_degree.iter().find_map(|nodes| {
            // About half of them are free, or more; the list of all that are is seldom needed.
            for _ in 0..TRIES {
                let tried = nodes[stream_index(nodes.len(), stream)?];
                if !self.is_joined[node][tried] {
                    return Some(tried);
                }
            }
            let free: Vec<usize> =
                nodes.iter().copied().filter(|&other| !self.is_joined[node][other]).collect();
            free.get(stream_index(free.len(), stream)?).copied()
        })
    }

    fn join(&mut self, one: usize, other: usize) {
        for (node, partner) in [(one, other), (other, one)] {
            let degree = self.sees[node].len();
            let place = self.place[node];
            self.by_degree[degree].swap_remove(place);
            if let Some(&moved) = self.by_degree[degree].get(place) {
                self.place[moved] = place;
            }
            self.place[node] = self.by_degree[degree + 1].len();
            self.by_degree[degree + 1].push(node);
            self.sees[node].push(partner);
            self.is_joined[node][partner] = true;
        }
    }
}

/// A place in a list of `len`, if it has any.
fn stream_index(len: usize, stream: &mut Stream) -> Option<usize> {
    (len > 0).then(|| stream.below(len as u64) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_have_the_sizes_of_maelstroms() {
        let mut stream = Stream::new(1, "fault");
        for (nodes, one, third, half) in
            [(1, 1, 0, 0), (2, 1, 0, 1), (3, 1, 0, 1), (4, 1, 1, 2), (5, 1, 1, 2), (25, 1, 8, 12)]
        {
            let mut size = |shape| draw_side(shape, nodes, &mut stream).len();
            assert_eq!(size(Shape::One), one);
            assert_eq!(size(Shape::MinorityThird), third);
            assert_eq!(size(Shape::Majority), half);
        }
    }

    #[test]
    fn every_node_is_drawn_about_equally_often() {
        let mut stream = Stream::new(1, "fault");
        let mut times = [0_u32; 25];
        for _ in 0..5000 {
            for node in draw_side(Shape::MinorityThird, 25, &mut stream) {
                times[node] += 1;
            }
        }
        assert!(times.iter().all(|&count| count.abs_diff(1600) < 130), "{times:?}");
    }

    #[test]
    fn in_a_majorities_ring_every_node_sees_a_majority_and_itself() {
        for nodes in 1..=30 {
            for seed in 0..20 {
                let sees = draw_ring(nodes, &mut Stream::new(seed, "fault"));
                assert_eq!(sees.len(), nodes);
                for (node, seen) in sees.iter().enumerate() {
                    assert!(seen.len() > nodes / 2 && seen.contains(&node), "{nodes}: {seen:?}");
                    assert!(seen.is_sorted_by(|one, next| one < next), "{nodes}: {seen:?}");
                }
            }
        }
    }

    #[test]
    fn in_a_majorities_ring_hardly_two_nodes_see_the_same() {
        for nodes in 3..=30 {
            let twins = |seed: &u64| {
                let mut sees = draw_ring(nodes, &mut Stream::new(*seed, "fault"));
                sees.sort_unstable();
                sees.dedup();
                sees.len() < nodes
            };
            let rings = (0..1000).filter(twins).count();
            let most = match nodes {
                0..=5 => 0,
                6..=10 => 180,
                11..=15 => 80,
                _ => 15,
            };
            assert!(rings <= most, "{nodes} nodes: {rings} of 1000");
        }
    }

    #[test]
    fn the_links_of_a_majorities_ring_go_both_ways_but_among_three_nodes() {
        for nodes in (4..=30).chain([2]) {
            let sees = draw_ring(nodes, &mut Stream::new(7, "fault"));
            for (node, seen) in sees.iter().enumerate() {
                assert!(seen.iter().all(|&other| sees[other].contains(&node)), "{nodes}: {sees:?}");
            }
        }
        // A window of two has its middle at its second: each hears its predecessor only.
        let sees = draw_ring(3, &mut Stream::new(7, "fault"));
        assert!(sees.iter().all(|seen| seen.len() == 2));
        let one_way =
            (0..3).all(|a| (0..3).all(|b| a == b || sees[a].contains(&b) != sees[b].contains(&a)));
        assert!(one_way, "{sees:?}");
    }

    #[test]
    fn about_half_of_the_links_stay_in_a_majorities_ring() {
        let sees = draw_ring(25, &mut Stream::new(1, "fault"));
        let links: usize = sees.iter().map(|seen| seen.len() - 1).sum();
        // 25 nodes that see 12 others each; the sum of degrees is even, so none has to see more.
        assert!((300..=302).contains(&links), "{links} of 600");
    }

    #[test]
    fn a_ring_of_a_thousand_nodes_is_drawn() {
        let sees = draw_ring(1000, &mut Stream::new(1, "fault"));
        assert!(sees.iter().all(|seen| (501..=502).contains(&seen.len())));
    }
}
