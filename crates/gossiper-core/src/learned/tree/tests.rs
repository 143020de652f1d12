//! One test for each rule of Plumtree (2007), and for what is added to it.

use super::*;
use alloc::vec;

/// As many milliseconds after the start, with no beacon so far.
fn at(ms: u64) -> Moment {
    let now = Instant(ms * 1_000_000);
    Moment { now, beacons: 0, patience: Duration::from_millis(500) }
}

fn tree(peers: &[u64]) -> Tree {
    let mut tree = Tree::default();
    peers.iter().for_each(|&peer| tree.on_up(NodeId(peer)));
    tree
}

fn nodes(numbers: &[u64]) -> Vec<NodeId> {
    numbers.iter().copied().map(NodeId).collect()
}

fn id(sequence: u64) -> RumorId {
    RumorId { origin: NodeId(9), incarnation: 1, sequence }
}

fn announce(tree: &mut Tree, from: u64, sequence: u64, ms: u64) -> Announced {
    tree.on_announced(NodeId(from), (id(sequence), 3), None, false, at(ms))
}

/// Whom one asks for what that is overdue.
fn asked(tree: &mut Tree, ms: u64) -> Vec<(NodeId, Vec<RumorId>)> {
    tree.overdue(at(ms)).asked
}

#[test]
fn construction_all_links_are_eager_at_first() {
    assert_eq!(tree(&[1, 2, 3]).eager(), nodes(&[1, 2, 3]));
}

#[test]
fn construction_a_duplicate_prunes_the_link_that_it_came_over() {
    let mut tree = tree(&[1, 2, 3]);
    tree.on_new(NodeId(1), Some(id(1)), ValueIx(0), at(0).now);
    assert!(tree.on_duplicate(NodeId(2), ValueIx(0), false, 0));
    assert_eq!(tree.eager(), nodes(&[1, 3]));
    assert!(!tree.on_duplicate(NodeId(2), ValueIx(0), false, 0), "it has been told");
}

#[test]
fn construction_who_is_pruned_makes_the_link_lazy() {
    let mut tree = tree(&[1, 2]);
    tree.on_prune(NodeId(2));
    assert_eq!(tree.eager(), nodes(&[1]));
}

#[test]
fn construction_the_link_that_a_new_value_came_over_is_eager() {
    let mut tree = tree(&[1, 2]);
    tree.on_prune(NodeId(2));
    tree.on_new(NodeId(2), Some(id(1)), ValueIx(0), at(0).now);
    assert_eq!(tree.eager(), nodes(&[1, 2]));
}

#[test]
fn repair_an_announced_value_that_comes_in_time_changes_nothing() {
    let mut tree = tree(&[1, 2]);
    tree.on_prune(NodeId(2));
    announce(&mut tree, 2, 1, 0);
    tree.on_new(NodeId(1), Some(id(1)), ValueIx(0), at(0).now);
    assert_eq!(tree.next_wakeup(), None);
    assert!(asked(&mut tree, 10_000).is_empty());
}

#[test]
fn repair_an_announced_value_that_does_not_come_grafts_its_announcer() {
    let mut tree = tree(&[1, 2]);
    tree.on_prune(NodeId(2));
    announce(&mut tree, 2, 1, 0);
    announce(&mut tree, 2, 2, 0);
    assert_eq!(tree.next_wakeup(), Some(at(500).now));
    assert!(asked(&mut tree, 499).is_empty());
    assert_eq!(asked(&mut tree, 500), [(NodeId(2), vec![id(1), id(2)])]);
    assert_eq!(tree.eager(), nodes(&[1, 2]));
}

#[test]
fn repair_the_next_announcer_is_turned_to_when_the_first_does_not_answer() {
    let mut tree = tree(&[1, 2, 3]);
    announce(&mut tree, 2, 1, 0);
    announce(&mut tree, 3, 1, 100);
    assert_eq!(asked(&mut tree, 500)[0].0, NodeId(2));
    assert_eq!(asked(&mut tree, 1_000)[0].0, NodeId(3));
    assert_eq!(asked(&mut tree, 1_500)[0].0, NodeId(2), "what one asks may be lost");
}

#[test]
fn own_rule_a_value_that_nobody_sends_is_given_up_after_six_questions() {
    let mut tree = tree(&[2, 3]);
    announce(&mut tree, 2, 1, 0);
    announce(&mut tree, 3, 1, 0);
    let asked: Vec<u64> = (1..=6).map(|time| asked(&mut tree, time * 500)[0].0.0).collect();
    assert_eq!(asked, [2, 3, 2, 3, 2, 3]);
    let overdue = tree.overdue(at(3_500));
    assert!(overdue.given_up == 1 && overdue.asked.is_empty() && tree.next_wakeup().is_none());
}

#[test]
fn repair_who_is_grafted_makes_the_link_eager() {
    let mut tree = tree(&[1]);
    tree.on_prune(NodeId(1));
    tree.on_graft(NodeId(1), 0);
    assert_eq!(tree.eager(), nodes(&[1]));
}

#[test]
fn membership_a_new_neighbor_is_eager_and_a_lost_one_is_asked_for_nothing() {
    let mut tree = tree(&[1, 2]);
    announce(&mut tree, 1, 1, 0);
    announce(&mut tree, 1, 2, 0);
    announce(&mut tree, 2, 2, 0);
    tree.on_down(NodeId(1));
    tree.on_up(NodeId(4));
    assert_eq!(tree.eager(), nodes(&[2, 4]));
    assert_eq!(asked(&mut tree, 500), [(NodeId(2), vec![id(2)])]);
}

#[test]
fn optimization_a_much_shorter_way_takes_the_place_of_the_one_that_a_value_came_by() {
    let mut tree = tree(&[1, 2]);
    tree.on_prune(NodeId(2));
    tree.on_new(NodeId(1), Some(id(1)), ValueIx(0), at(0).now);
    let mut hear = |hops, keeps_shape| {
        let held = Some((ValueIx(0), 12));
        tree.on_announced(NodeId(2), (id(1), hops), held, keeps_shape, at(0))
    };
    assert_eq!(hear(5, false), Announced::Noted);
    assert_eq!(hear(4, true), Announced::Noted);
    assert_eq!(hear(4, false), Announced::Swap { pruned: NodeId(1) });
    assert_eq!(tree.eager(), nodes(&[2]));
}

#[test]
fn own_rule_a_value_that_is_repeated_by_who_brought_it_closes_no_cycle() {
    let mut tree = tree(&[1, 2]);
    tree.on_new(NodeId(1), Some(id(1)), ValueIx(0), at(0).now);
    assert!(!tree.on_duplicate(NodeId(1), ValueIx(0), false, 0));
    assert_eq!(tree.eager(), nodes(&[1, 2]));
}

#[test]
fn own_rule_a_duplicate_does_not_prune_a_link_that_the_beacon_wants_nor_any_other() {
    let mut tree = tree(&[1, 2]);
    tree.on_new(NodeId(1), Some(id(1)), ValueIx(0), at(0).now);
    assert!(!tree.on_duplicate(NodeId(2), ValueIx(0), true, 0));
    assert_eq!(tree.eager(), nodes(&[1, 2]));
}

#[test]
fn own_rule_a_grafted_link_is_kept_until_the_beacon_has_come_twice() {
    let mut tree = tree(&[1]);
    tree.on_graft(NodeId(1), 7);
    tree.shape(NodeId(1), false, 8);
    assert_eq!(tree.eager(), nodes(&[1]));
    tree.shape(NodeId(1), false, 9);
    assert!(tree.eager().is_empty());
    tree.shape(NodeId(1), true, 9);
    assert_eq!(tree.eager(), nodes(&[1]));
}

#[test]
fn own_rule_who_has_grafted_a_link_prunes_it_after_four_duplicates_in_a_row() {
    let mut tree = tree(&[1, 2]);
    tree.on_prune(NodeId(2));
    tree.graft(NodeId(2), 5);
    let mut duplicate = |value, beacons| {
        tree.on_new(NodeId(1), None, ValueIx(value), at(0).now);
        tree.on_duplicate(NodeId(2), ValueIx(value), false, beacons)
    };
    assert!((0..3).all(|value| !duplicate(value, 6)));
    assert!(duplicate(3, 6) && !duplicate(4, 6));
    tree.graft(NodeId(2), 5);
    tree.on_new(NodeId(1), None, ValueIx(5), at(0).now);
    assert!(tree.on_duplicate(NodeId(2), ValueIx(5), false, 7), "the beacon has come twice");
    assert_eq!(tree.eager(), nodes(&[1]));
}

#[test]
fn own_rule_a_graft_is_for_the_direction_that_was_asked_for() {
    let mut tree = tree(&[1, 2]);
    tree.on_prune(NodeId(2));
    tree.on_graft(NodeId(2), 0);
    tree.on_new(NodeId(1), None, ValueIx(0), at(0).now);
    assert!(tree.on_duplicate(NodeId(2), ValueIx(0), false, 0), "2 need not push");
    assert_eq!(tree.eager(), nodes(&[1, 2]), "and is pushed to all the same");
    tree.on_prune(NodeId(2));
    assert_eq!(tree.eager(), nodes(&[1]));
}

#[test]
fn own_rule_a_neighbor_that_goes_on_pushing_is_told_again() {
    let mut tree = tree(&[1, 2]);
    tree.on_new(NodeId(1), None, ValueIx(0), at(0).now);
    let told = (0..9).filter(|_| tree.on_duplicate(NodeId(2), ValueIx(0), false, 0));
    assert_eq!(told.count(), 3);
}

#[test]
fn own_rule_what_is_late_while_more_comes_is_asked_for_without_a_graft() {
    for (come, is_broken) in [(2, false), (1, true), (0, true)] {
        let mut tree = tree(&[1, 2]);
        tree.on_prune(NodeId(2));
        announce(&mut tree, 2, 1, 0);
        announce(&mut tree, 2, 2, 0);
        (0..come).for_each(|value| tree.on_new(NodeId(1), None, ValueIx(value), at(90).now));
        let overdue = tree.overdue(at(500));
        assert_eq!((overdue.asked[0].1.len(), overdue.is_broken), (2, is_broken));
        assert_eq!(tree.is_eager(NodeId(2)), is_broken);
    }
}

#[test]
fn own_rule_what_has_come_another_way_is_not_asked_for() {
    let mut tree = tree(&[1]);
    announce(&mut tree, 1, 1, 0);
    tree.on_found(id(1));
    assert!(tree.next_wakeup().is_none() && asked(&mut tree, 10_000).is_empty());
}

#[test]
fn bound_announcements_are_waited_for_up_to_a_number() {
    let mut tree = tree(&[1, 2]);
    for sequence in 0..MISSING_MAX as u64 {
        assert_eq!(announce(&mut tree, 1, sequence, 0), Announced::Noted);
    }
    assert_eq!(announce(&mut tree, 1, u64::MAX, 0), Announced::GivenUp);
    assert_eq!(announce(&mut tree, 2, 5, 0), Announced::Noted);
    assert_eq!((tree.missing.len(), tree.due.len()), (MISSING_MAX, MISSING_MAX));
    tree.on_down(NodeId(1));
    assert_eq!((tree.missing.len(), tree.due.len()), (1, 1));
}
