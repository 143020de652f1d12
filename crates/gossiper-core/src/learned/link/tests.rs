use super::*;
use alloc::vec;

fn at(ms: u64) -> Instant {
    Instant(ms * 1_000_000)
}

fn times() -> Times {
    Times::of(&Config::default())
}

fn link() -> Link {
    let mut link = Link::new(NodeId(2), 0, at(0));
    link.answers_now = false;
    link
}

/// Pushes the values that are owed in one message each.
fn push(link: &mut Link, ms: u64) -> Vec<u32> {
    let mut pushed = Vec::new();
    while let Some(value) = link.owed.pop_first() {
        link.last_number += 1;
        pushed.push(value.0);
        link.on_sent(SmallVec::from_slice(&[value]), vec![], false, at(ms), &times());
    }
    pushed
}

fn acked(upto: u64, beyond: &[(u64, u64)]) -> Acked {
    Acked { incarnation: 1, upto, beyond: beyond.to_vec() }
}

#[test]
fn a_value_on_a_link_that_is_not_busy_goes_at_once_and_the_next_after_a_while() {
    let mut link = link();
    link.owe(ValueIx(0));
    assert!(link.speaks(NodeId(1), at(100), &times()));
    push(&mut link, 100);
    link.owe(ValueIx(1));
    assert!(!link.speaks(NodeId(1), at(119), &times()));
    assert_eq!(link.due(NodeId(1), &times()), at(120));
    assert!(link.speaks(NodeId(1), at(120), &times()));
}

#[test]
fn what_is_missing_before_later_numbers_is_sent_again_but_not_what_may_be_late() {
    let mut link = link();
    (0..4).for_each(|value| link.owe(ValueIx(value)));
    push(&mut link, 0);
    link.on_acked(&acked(1, &[(3, 3)]), at(200), &times());
    assert!(link.owed.is_empty(), "2 may be late");
    link.on_acked(&acked(1, &[(3, 3)]), at(201), &times());
    assert_eq!(push(&mut link, 201), [1]);
    assert_eq!((link.unacked(), link.floor()), (2, 4));
    link.on_acked(&acked(5, &[]), at(300), &times());
    assert_eq!((link.unacked(), link.floor()), (0, 6));
}

#[test]
fn what_is_never_acknowledged_is_sent_again_unless_the_neighbor_has_it() {
    let mut link = link();
    (0..2).for_each(|value| link.owe(ValueIx(value)));
    push(&mut link, 0);
    link.on_holder(ValueIx(0));
    link.repeat(at(1_499), &times());
    assert!(link.owed.is_empty());
    link.repeat(at(1_500), &times());
    assert_eq!(push(&mut link, 1_500), [1]);
}

#[test]
fn an_acknowledgement_that_takes_longer_than_the_time_out_comes_in_time_for_a_repetition() {
    let mut link = link();
    link.owe(ValueIx(0));
    let mut acks = VecDeque::new();
    for ms in (0..20_000).step_by(100) {
        link.repeat(at(ms), &times());
        for _ in push(&mut link, ms) {
            acks.push_back((ms + 2_200, link.last_number));
        }
        while let Some(&(due, number)) = acks.front()
            && due <= ms
        {
            acks.pop_front();
            link.on_acked(&acked(number, &[]), at(ms), &times());
        }
    }
    assert_eq!((link.unacked(), link.last_number), (0, 3));
}

#[test]
fn what_has_been_awaited_longest_is_awaited_no_more() {
    let mut link = link();
    [0, 1, 2].into_iter().for_each(|value| link.owe(ValueIx(value)));
    push(&mut link, 100);
    assert_eq!((link.unacked(), link.oldest_push()), (3, Some(at(100))));
    assert_eq!((link.await_no_more(2), link.await_no_more(5)), (1, 1), "a message at a time");
    assert_eq!((link.unacked(), link.floor()), (1, 3));
    assert_eq!((link.await_no_more(1), link.await_no_more(1)), (1, 0));
    link.repeat(at(9_000), &times());
    assert!(link.owed.is_empty() && link.oldest_push().is_none());
}

#[test]
fn of_two_ends_with_the_same_to_announce_one_speaks_first() {
    let (mut low, mut high) = (link(), link());
    high.peer = NodeId(0);
    for link in [&mut low, &mut high] {
        link.last_sent = at(8_000);
        link.announce(ValueIx(0), at(10_000));
    }
    let me = NodeId(1);
    assert!(low.speaks(me, at(10_500), &times()) && !high.speaks(me, at(10_500), &times()));
    high.last_sent = at(10_000);
    assert!(!high.speaks(me, at(11_499), &times()) && high.speaks(me, at(11_500), &times()));
}

#[test]
fn an_announcement_is_spared_for_what_the_neighbor_holds_or_gets() {
    let mut link = link();
    link.announce(ValueIx(0), at(0));
    link.announce(ValueIx(1), at(0));
    link.on_holder(ValueIx(0));
    link.owe(ValueIx(1));
    assert!(link.lazy.is_empty() && link.owed.len() == 1);
    link.on_lazy(at(5));
    assert!(link.owed.is_empty() && link.lazy.len() == 1);
}

#[test]
fn a_neighbor_that_does_not_answer_four_questions_has_failed() {
    let (mut link, times) = (link(), times());
    let mut now = link.due(NodeId(1), &times);
    let mut asked = 0;
    loop {
        match link.watch(now, &times) {
            Watched::Failed => break,
            Watched::Asks => asked += 1,
            Watched::Well => {}
        }
        link.on_sent(SmallVec::new(), vec![], asked > 0, now, &times);
        now = link.due(NodeId(1), &times);
    }
    // After 3.5 s of silence four questions, half a second apart.
    assert_eq!((asked, now), (4, at(5_500)));
    link.on_heard(now);
    assert_eq!(link.watch(now, &times), Watched::Well);
}

#[test]
fn a_neighbor_that_should_have_sent_something_is_asked_if_it_was_silent_lately() {
    let (mut link, times) = (link(), times());
    link.on_heard(at(1_000));
    link.suspect(at(1_400), &times);
    assert!(link.is_well(), "what it has sent may be under way");
    link.suspect(at(1_500), &times);
    assert!(!link.is_well() && link.due(NodeId(1), &times) <= at(1_500));
    assert_eq!(link.watch(at(1_500), &times), Watched::Asks);
    link.on_sent(SmallVec::new(), vec![], true, at(1_500), &times);
    assert_eq!(link.due(NodeId(1), &times), at(2_000));
    link.on_heard(at(1_600));
    assert!(link.is_well());
}

#[test]
fn numbers_of_an_earlier_life_are_void_and_those_of_a_later_one_begin_anew() {
    let mut link = link();
    assert!(link.on_number(5, (3, 3), true, at(0)));
    assert_eq!(link.acked(), Some(Acked { incarnation: 5, upto: 3, beyond: vec![] }));
    assert!(!link.on_number(4, (9, 9), true, at(0)));
    assert!(link.on_number(6, (1, 1), true, at(0)));
    assert_eq!(link.acked(), Some(Acked { incarnation: 6, upto: 1, beyond: vec![] }));
}

#[test]
fn bound_what_is_too_much_for_a_link_is_given_up_and_counted() {
    let mut link = link();
    (0..=OWED_MAX as u32).for_each(|value| link.owe(ValueIx(value)));
    assert_eq!((link.owed.len(), link.given_up), (OWED_MAX, 1));
    let first = OWED_MAX as u32 + 1;
    (0..=OWED_MAX as u32).for_each(|value| link.announce(ValueIx(first + value), at(0)));
    assert_eq!((link.lazy.len(), link.given_up), (OWED_MAX, 2));
    push(&mut link, 0);
    assert_eq!(link.in_flight.len(), IN_FLIGHT_MAX);
    assert_eq!(link.given_up as usize, 2 + OWED_MAX - IN_FLIGHT_MAX);
}
