//! Latencies between places all over the world.
//!
//! The model by which the authors of Corrosion measure their `plum-foca`, so that figures can stand
//! beside theirs: nineteen regions with as many nodes in each as a real provider of hosting has
//! there, round trips of 4 ms and 1 ms for each 75 km of the shortest way (1 ms within a region),
//! and up to 15 % more by chance. Latencies here are whole ms, so that within a region half a ms
//! counts as one.

use std::sync::LazyLock;

/// Latitude and longitude of an airport, in degrees, and the nodes there.
struct Region {
    north: f64,
    east: f64,
    nodes: u64,
}

const fn region(north: f64, east: f64, nodes: u64) -> Region {
    Region { north, east, nodes }
}

const REGIONS: [Region; 19] = [
    region(52.31, 4.76, 274),    // Amsterdam
    region(59.65, 17.92, 20),    // Stockholm
    region(19.09, 72.87, 33),    // Mumbai
    region(49.01, 2.55, 175),    // Paris
    region(32.90, -97.04, 528),  // Dallas
    region(40.69, -74.17, 245),  // Newark
    region(50.03, 8.57, 347),    // Frankfurt
    region(-23.43, -46.47, 111), // São Paulo
    region(38.94, -77.46, 442),  // Washington
    region(-26.14, 28.25, 16),   // Johannesburg
    region(33.94, -118.41, 306), // Los Angeles
    region(51.47, -0.45, 74),    // London
    region(35.77, 140.39, 76),   // Tokyo
    region(41.97, -87.91, 559),  // Chicago
    region(19.43, -99.13, 42),   // Mexico City
    region(1.36, 103.99, 209),   // Singapore
    region(37.36, -121.93, 682), // San José
    region(-33.95, 151.18, 200), // Sydney
    region(43.68, -79.63, 114),  // Toronto
];

const EARTH_RADIUS_KM: f64 = 6_371.0;
const KM_PER_MS: f64 = 75.0;
const LEAST_MS: f64 = 4.0;
const WITHIN_MS: f64 = 1.0;

/// What chance may add to a latency.
const SPREAD: f64 = 1.15;

/// The shortest latency, in ms.
pub(super) const SHORTEST_MS: u32 = 1;

/// The longest latency, in ms.
pub(super) const MOST_MS: u32 = 144;

/// A step that has no divisor in common with the number of nodes in all regions: nodes that follow
/// each other are in regions far apart, and any few of them are spread as all are.
const STEP: u64 = 1_597;

/// The least and the most ms from one region to another.
static WAYS_MS: LazyLock<Vec<Vec<(u32, u32)>>> = LazyLock::new(|| {
    let row = |from| REGIONS.iter().map(move |to| way_ms(from, to)).collect();
    REGIONS.iter().map(row).collect()
});

/// The least and the most ms that a message takes from one node to another.
pub(super) fn latency_ms(from: usize, to: usize) -> (u32, u32) {
    WAYS_MS[place(from)][place(to)]
}

/// The region that a node is in.
fn place(node: usize) -> usize {
    let all: u64 = REGIONS.iter().map(|region| region.nodes).sum();
    let mut left = (node as u64).wrapping_mul(STEP) % all;
    let is_past = |region: &Region| {
        let is_past = left >= region.nodes;
        left = left.saturating_sub(region.nodes);
        is_past
    };
    REGIONS.iter().map(is_past).position(|is_past| !is_past).unwrap_or(0)
}

fn way_ms(from: &Region, to: &Region) -> (u32, u32) {
    let km = distance_km(from, to);
    // Round trips are whole ms in the model.
    let round_trip = if km > 0.0 { (LEAST_MS + km / KM_PER_MS).floor() } else { WITHIN_MS };
    let whole = |ms: f64| (ms + 0.5).floor() as u32;
    (whole(round_trip / 2.0), whole(round_trip / 2.0 * SPREAD))
}

/// Along a great circle. With functions that give the same on every machine.
fn distance_km(from: &Region, to: &Region) -> f64 {
    let (one, other) = (from.north.to_radians(), to.north.to_radians());
    let half_north = libm::sin((other - one) / 2.0);
    let half_east = libm::sin((to.east - from.east).to_radians() / 2.0);
    let chord = half_north * half_north + libm::cos(one) * libm::cos(other) * half_east * half_east;
    2.0 * EARTH_RADIUS_KM * libm::asin(chord.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_spread_over_the_regions_by_weight() {
        let mut counts = [0_u64; REGIONS.len()];
        (0..4_453).for_each(|node| counts[place(node)] += 1);
        assert_eq!(counts, REGIONS.map(|region| region.nodes));
        let in_dallas = (0..500).filter(|&node| place(node) == 4).count();
        assert!((55..70).contains(&in_dallas), "{in_dallas} of 500, for 528 of 4,453");
    }

    /// When the last of 500 nodes has a value, in ms: the median of all senders, and 99 of 100.
    fn last_ms(way_ms: impl Fn(usize, usize) -> u32) -> (u32, u32) {
        let places: Vec<usize> = (0..500).map(place).collect();
        let last = |&from: &usize| places.iter().map(|&to| way_ms(from, to)).max().unwrap_or(0);
        let mut all: Vec<u32> = places.iter().map(last).collect();
        all.sort_unstable();
        (all[250], all[495])
    }

    /// What `docs/simulation.md` says no protocol can do better, and no tree around one node.
    #[test]
    fn no_value_is_everywhere_before_it_can_be() {
        let ways = &*WAYS_MS;
        assert_eq!(last_ms(|from, to| ways[from][to].0), (112, 125));
        let over = |hub: usize| last_ms(|from, to| ways[from][hub].0 + ways[hub][to].0);
        let hubs: Vec<(u32, u32)> = (0..REGIONS.len()).map(over).collect();
        let best = (hubs.iter().map(|hub| hub.0).min(), hubs.iter().map(|hub| hub.1).min());
        assert_eq!(best, (Some(123), Some(204)));
    }

    #[test]
    fn no_way_is_longer_than_the_longest() {
        let most = WAYS_MS.iter().flatten().map(|&(_, most)| most).max();
        assert_eq!(most, Some(MOST_MS));
    }

    #[test]
    fn ways_are_as_long_as_the_earth_is_round() {
        let (frankfurt, sydney, newark, washington) = (6, 17, 5, 8);
        assert_eq!(WAYS_MS[frankfurt][frankfurt], (1, 1));
        // 16,500 km and 340 km.
        assert_eq!(WAYS_MS[frankfurt][sydney], (112, 128));
        assert_eq!(WAYS_MS[newark][washington], (4, 5));
        assert_eq!(WAYS_MS[sydney][frankfurt], WAYS_MS[frankfurt][sydney]);
    }
}
