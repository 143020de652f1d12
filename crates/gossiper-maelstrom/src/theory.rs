//! What fanout to choose: the arithmetic of push epidemics, and epidemics to check it by.

use std::fmt;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};

/// The most pushes that a simulation may take at worst: about a second's work, during which the
/// node answers nothing else.
const PUSHES_MAX: u128 = 100_000_000;

/// The most nodes of a simulated epidemic, each of which takes a few bytes.
const NODES_MAX: u64 = 1_000_000;

/// The least fanout with which a node is missed with a probability of at most `1 - target_prob`
/// after `rounds` rounds, and that probability: (1 - K/(N-1))^R.
///
/// It is the chance that R rounds in which somebody draws K of its N-1 peers all miss one
/// particular peer. `None` where no fanout makes sense: fewer than two nodes, no rounds, or a
/// target that is no probability.
#[must_use]
pub fn min_fanout(nodes: u64, target_prob: f64, rounds: u64) -> Option<(u64, f64)> {
    if nodes < 2 || rounds == 0 || !(0.0..=1.0).contains(&target_prob) {
        return None;
    }
    let peers = nodes - 1;
    let miss = |fanout: u64| (1.0 - fanout as f64 / peers as f64).powf(rounds as f64);
    // The probability falls as the fanout rises, and is 0 where every peer is drawn.
    let (mut enough, mut too_few) = (peers, 0);
    while enough - too_few > 1 {
        let middle = too_few + (enough - too_few) / 2;
        if miss(middle) <= 1.0 - target_prob { enough = middle } else { too_few = middle }
    }
    Some((enough, miss(enough)))
}

/// What push epidemics came to, on average.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Epidemic {
    /// The mean share of nodes reached, 0 to 1.
    pub delivery_rate: f64,
    /// The mean number of rounds over those trials that reached everyone; all the rounds there
    /// were if none did.
    pub rounds_to_all: f64,
}

/// Why epidemics cannot be simulated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SimulationError {
    /// Nodes, fanout, rounds and trials must all be at least 1.
    OutOfRange,
    /// More than a million nodes, or more than 100,000,000 pushes at worst
    /// (nodes · fanout · rounds · trials).
    TooLarge,
}

impl fmt::Display for SimulationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfRange => {
                f.write_str("simulate_gossip needs nodes, fanout, rounds and trials >= 1")
            }
            Self::TooLarge => write!(
                f,
                "simulate_gossip takes at most {NODES_MAX} nodes, and \
                 nodes * fanout * rounds * trials at most {PUSHES_MAX}"
            ),
        }
    }
}

/// Runs `trials` push epidemics from one node among `nodes`: in each of `rounds` rounds everybody
/// reached pushes to `fanout` others at random. The same seed gives the same epidemics.
///
/// # Errors
///
/// See [`SimulationError`].
pub fn simulate(
    nodes: u64,
    fanout: u64,
    rounds: u64,
    trials: u64,
    seed: u64,
) -> Result<Epidemic, SimulationError> {
    if nodes == 0 || fanout == 0 || rounds == 0 || trials == 0 {
        return Err(SimulationError::OutOfRange);
    }
    let fanout = fanout.min(nodes - 1);
    let pushes = [nodes, fanout.max(1), rounds, trials]
        .iter()
        .try_fold(1_u128, |product, &factor| product.checked_mul(u128::from(factor)));
    if nodes > NODES_MAX || pushes.is_none_or(|pushes| pushes > PUSHES_MAX) {
        return Err(SimulationError::TooLarge);
    }
    let mut trial = Trial::new(nodes as usize, fanout as usize, seed);
    let (mut reached, mut complete, mut rounds_to_all) = (0, 0_u64, 0);
    for _ in 0..trials {
        let (reached_here, rounds_here) = trial.run(rounds);
        reached += reached_here as u64;
        if reached_here as u64 == nodes {
            complete += 1;
            rounds_to_all += rounds_here;
        }
    }
    Ok(Epidemic {
        delivery_rate: reached as f64 / (nodes * trials) as f64,
        rounds_to_all: match complete {
            0 => rounds as f64,
            _ => rounds_to_all as f64 / complete as f64,
        },
    })
}

struct Trial {
    fanout: usize,
    rng: ChaCha8Rng,
    /// The nodes in some order, those reached first, and the place of each in it.
    order: Vec<u32>,
    place: Vec<u32>,
    /// The round in which each node was last pushed to by the node at hand.
    drawn_by: Vec<u64>,
    draws: u64,
}

impl Trial {
    fn new(nodes: usize, fanout: usize, seed: u64) -> Self {
        Self {
            fanout,
            rng: ChaCha8Rng::seed_from_u64(seed),
            order: (0..nodes as u32).collect(),
            place: (0..nodes as u32).collect(),
            drawn_by: vec![0; nodes],
            draws: 0,
        }
    }

    /// One epidemic. Gives the nodes reached and the rounds that it took to reach all of them.
    fn run(&mut self, rounds: u64) -> (usize, u64) {
        let mut reached = 1;
        for round in 0..rounds {
            if reached == self.order.len() {
                return (reached, round);
            }
            // Who is reached in this round pushes from the next one on.
            let pushers = 0..reached;
            for pusher in pushers {
                reached = self.push(pusher, reached);
            }
        }
        (reached, rounds)
    }

    /// The node at place `pusher` draws its peers without replacement. Gives how many are reached
    /// then.
    fn push(&mut self, pusher: usize, mut reached: usize) -> usize {
        self.draws += 1;
        let me = self.order[pusher];
        self.drawn_by[me as usize] = self.draws;
        let mut left = self.fanout;
        while left > 0 {
            let node = self.below(self.order.len());
            if self.drawn_by[node] == self.draws {
                continue;
            }
            self.drawn_by[node] = self.draws;
            left -= 1;
            let place = self.place[node] as usize;
            if place >= reached {
                self.swap(place, reached);
                reached += 1;
            }
        }
        reached
    }

    fn swap(&mut self, one: usize, other: usize) {
        self.order.swap(one, other);
        self.place[self.order[one] as usize] = one as u32;
        self.place[self.order[other] as usize] = other as u32;
    }

    fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.rng.next_u64()) * bound as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_fanout_is_enough_and_one_less_is_not() {
        for nodes in [2, 3, 10, 100, 1_000, 1 << 40] {
            for rounds in [1, 2, 5, 20] {
                for target in [0.0, 0.5, 0.9, 0.99, 0.999_999, 1.0] {
                    let (fanout, miss) = min_fanout(nodes, target, rounds).unwrap();
                    assert!((1..nodes).contains(&fanout));
                    assert!(miss <= 1.0 - target);
                    let less = 1.0 - (fanout - 1) as f64 / (nodes - 1) as f64;
                    assert!(fanout == 1 || less.powf(rounds as f64) > 1.0 - target);
                }
            }
        }
        assert_eq!(min_fanout(100, 1.0, 5), Some((99, 0.0)));
    }

    #[test]
    fn a_fanout_that_makes_no_sense_is_none() {
        for (nodes, target, rounds) in
            [(0, 0.5, 1), (1, 0.5, 1), (2, 0.5, 0), (2, -0.1, 1), (2, 1.1, 1), (2, f64::NAN, 1)]
        {
            assert_eq!(min_fanout(nodes, target, rounds), None);
        }
    }

    #[test]
    fn an_epidemic_with_every_peer_drawn_takes_one_round() {
        let all = Epidemic { delivery_rate: 1.0, rounds_to_all: 1.0 };
        assert_eq!(simulate(10, 9, 5, 7, 1), Ok(all));
        assert_eq!(simulate(10, 1_000, 5, 7, 1), Ok(all));
        assert_eq!(
            simulate(1, 1, 5, 7, 1),
            Ok(Epidemic { delivery_rate: 1.0, rounds_to_all: 0.0 })
        );
    }

    #[test]
    fn one_round_from_one_node_reaches_just_its_fanout() {
        let one = simulate(101, 3, 1, 50, 1).unwrap();
        assert_eq!(one, Epidemic { delivery_rate: 4.0 / 101.0, rounds_to_all: 1.0 });
    }

    /// Pittel (1987): push with fanout 1 takes log2 n + ln n + O(1) rounds.
    #[test]
    fn fanout_one_takes_pittels_number_of_rounds() {
        let epidemic = simulate(1_024, 1, 60, 200, 1).unwrap();
        assert_eq!(epidemic.delivery_rate, 1.0);
        let expected = 10.0 + 1_024_f64.ln();
        assert!((epidemic.rounds_to_all - expected).abs() < 1.5, "{epidemic:?} {expected}");
    }

    #[test]
    fn simulations_are_seeded_and_bounded() {
        assert_eq!(simulate(500, 2, 5, 20, 1), simulate(500, 2, 5, 20, 1));
        assert_ne!(simulate(500, 2, 5, 20, 1), simulate(500, 2, 5, 20, 2));
        assert_eq!(simulate(0, 1, 1, 1, 1), Err(SimulationError::OutOfRange));
        assert_eq!(simulate(u64::MAX, 1, 1, 1, 1), Err(SimulationError::TooLarge));
        assert_eq!(simulate(1_000, u64::MAX, 1_000, 1_000, 1), Err(SimulationError::TooLarge));
    }
}
