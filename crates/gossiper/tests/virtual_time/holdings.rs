//! What the nodes hold when a run is over, and what they must.

use std::collections::BTreeSet;

use super::{Member, Played};

/// The values that each node holds, none twice.
pub(crate) fn held(played: &mut Played) -> Vec<BTreeSet<u64>> {
    let ended = played.ended;
    let list = |member: &mut Member| {
        let answer = member.ask(ended, "read");
        let values = answer["messages"].as_array().unwrap();
        let held: BTreeSet<u64> = values.iter().map(|value| value.as_u64().unwrap()).collect();
        assert_eq!(held.len(), values.len(), "{} holds a value twice", member.name);
        held
    };
    played.members.iter_mut().map(list).collect()
}

/// Demands of the chosen nodes that all of them hold whatever one of them has acknowledged in its
/// present life, or holds. Gives the values.
pub(crate) fn expect_agreement(
    played: &mut Played,
    is_chosen: impl Fn(usize) -> bool,
) -> BTreeSet<u64> {
    let held = held(played);
    let chosen = || (0..held.len()).filter(|&place| is_chosen(place));
    let mut all: BTreeSet<u64> = BTreeSet::new();
    for place in chosen() {
        all.extend(&held[place]);
        all.extend(&played.members[place].acknowledged);
    }
    for place in chosen() {
        let lacking: Vec<_> = all.difference(&held[place]).collect();
        assert!(lacking.is_empty(), "n{place} lacks {lacking:?}");
    }
    assert!(!all.is_empty(), "nothing was acknowledged");
    all
}
