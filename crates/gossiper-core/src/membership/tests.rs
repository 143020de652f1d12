//! One test for each rule of HyParView (2007), by its section, and for what is added to it.

use alloc::vec;

use super::*;

const ME: NodeId = NodeId(0);

const SIZES: Sizes = Sizes {
    active_max: 5,
    passive_max: 30,
    shuffle_interval: Duration::from_secs(30),
    timeout: Duration::from_millis(500),
};

/// A node under test, and what it did since that was last asked.
struct Bench {
    node: Membership,
    rng: Rng,
    now: Instant,
    acts: Vec<Act>,
}

impl Bench {
    fn new(contacts: &[u64], seed: u64) -> Self {
        let contacts = contacts.iter().copied().map(NodeId).collect();
        let node = Membership::new(ME, contacts, SIZES, Instant::START);
        Self { node, rng: Rng::new(seed), now: Instant::START, acts: Vec::new() }
    }

    /// A node with these neighbors and these addresses.
    fn with(active: core::ops::Range<u64>, passive: core::ops::Range<u64>) -> Self {
        let mut bench = Self::new(&[], 1);
        active
            .for_each(|node| bench.node.add_active(NodeId(node), &mut bench.rng, &mut bench.acts));
        passive.for_each(|node| bench.node.add_passive(NodeId(node), &mut bench.rng));
        bench.acts.clear();
        bench
    }

    fn receive(&mut self, from: u64, message: ViewMessage) -> Vec<Act> {
        let Self { node, rng, now, acts } = self;
        node.on_message(NodeId(from), message, *now, rng, acts);
        core::mem::take(&mut self.acts)
    }

    fn fail(&mut self, node: u64) -> Vec<Act> {
        self.node.on_failed(NodeId(node), self.now, &mut self.acts);
        core::mem::take(&mut self.acts)
    }

    /// The next wake-up comes.
    fn wake(&mut self) -> Vec<Act> {
        self.now = self.now.max(self.node.next_wakeup());
        self.node.on_wakeup(self.now, &mut self.rng, &mut self.acts);
        core::mem::take(&mut self.acts)
    }

    /// As many seconds pass.
    fn wait(&mut self, seconds: u64) -> Vec<Act> {
        let until = self.now + Duration::from_secs(seconds);
        let mut acts = Vec::new();
        while self.node.next_wakeup() <= until {
            acts.extend(self.wake());
        }
        self.now = until;
        acts
    }
}

fn sent(acts: &[Act]) -> Vec<(u64, ViewMessage)> {
    let message = |act: &Act| match act {
        Act::Send(to, message) => Some((to.0, message.clone())),
        Act::Up(_) | Act::Down(_) => None,
    };
    acts.iter().filter_map(message).collect()
}

fn requests(acts: &[Act]) -> Vec<u64> {
    let is_request = |message: &ViewMessage| matches!(message, ViewMessage::Neighbor { .. });
    let sent = sent(acts).into_iter().filter(|(_, message)| is_request(message));
    sent.map(|(to, _)| to).collect()
}

fn accepted(accepts: bool) -> ViewMessage {
    ViewMessage::Answer { accepts }
}

#[test]
fn join_4_2_a_new_node_asks_a_contact_and_takes_it_for_a_neighbor() {
    let mut bench = Bench::new(&[7], 1);
    assert_eq!(sent(&bench.wake()), [(7, ViewMessage::Join)]);
    assert_eq!(bench.receive(7, accepted(true)), [Act::Up(NodeId(7))]);
    assert_eq!(bench.node.active(), [NodeId(7)]);
}

#[test]
fn join_4_2_the_contact_takes_the_new_node_in_and_tells_all_other_neighbors() {
    let mut bench = Bench::with(1..4, 0..0);
    let acts = bench.receive(9, ViewMessage::Join);
    assert_eq!(acts[0], Act::Up(NodeId(9)));
    let walk = ViewMessage::ForwardJoin { node: NodeId(9), ttl: 6 };
    let walks = [1, 2, 3].map(|neighbor| (neighbor, walk.clone()));
    assert_eq!(sent(&acts)[0], (9, accepted(true)));
    assert_eq!(sent(&acts)[1..], walks);
}

#[test]
fn join_4_2_a_full_active_view_drops_a_random_neighbor_who_is_told_and_kept_as_an_address() {
    let mut bench = Bench::with(1..6, 0..0);
    let acts = bench.receive(9, ViewMessage::Join);
    let Act::Send(dropped, ViewMessage::Disconnect) = acts[0] else { panic!("{acts:?}") };
    assert_eq!(acts[1], Act::Down(dropped));
    assert_eq!((bench.node.active().len(), bench.node.passive()), (5, &[dropped][..]));
    assert!(bench.node.is_active(NodeId(9)) && !bench.node.is_active(dropped));
}

#[test]
fn forward_join_4_2_a_walk_goes_on_to_a_random_neighbor_but_never_back() {
    for seed in 0..20 {
        let mut bench = Bench::with(1..4, 0..0);
        bench.rng = Rng::new(seed);
        let walk = ViewMessage::ForwardJoin { node: NodeId(9), ttl: 5 };
        let acts = sent(&bench.receive(2, walk));
        let on = ViewMessage::ForwardJoin { node: NodeId(9), ttl: 4 };
        assert!(acts == [(1, on.clone())] || acts == [(3, on)], "{acts:?}");
        assert!(bench.node.passive().is_empty());
    }
}

#[test]
fn forward_join_4_2_the_walk_leaves_an_address_three_hops_before_its_end() {
    let mut bench = Bench::with(1..4, 0..0);
    bench.receive(2, ViewMessage::ForwardJoin { node: NodeId(9), ttl: 3 });
    assert_eq!(bench.node.passive(), [NodeId(9)]);
}

#[test]
fn forward_join_4_2_at_its_end_or_at_a_lonely_node_the_walk_makes_a_neighbor() {
    for (neighbors, ttl, is_urgent) in [(1..4, 0, false), (2..3, 6, true)] {
        let mut bench = Bench::with(neighbors, 0..0);
        let acts = bench.receive(2, ViewMessage::ForwardJoin { node: NodeId(9), ttl });
        assert_eq!(sent(&acts), [(9, ViewMessage::Neighbor { is_urgent })]);
        bench.receive(9, accepted(true));
        assert!(bench.node.is_active(NodeId(9)));
    }
}

#[test]
fn neighbor_4_3_high_priority_is_accepted_even_if_somebody_has_to_go() {
    let mut bench = Bench::with(1..6, 0..0);
    let acts = sent(&bench.receive(9, ViewMessage::Neighbor { is_urgent: true }));
    assert_eq!((&acts[0].1, &acts[1]), (&ViewMessage::Disconnect, &(9, accepted(true))));
}

#[test]
fn neighbor_4_3_low_priority_is_accepted_only_where_there_is_room() {
    let low = ViewMessage::Neighbor { is_urgent: false };
    let mut full = Bench::with(1..6, 0..0);
    assert_eq!(full.receive(9, low.clone()), [Act::Send(NodeId(9), accepted(false))]);
    let mut roomy = Bench::with(1..5, 0..0);
    let up = [Act::Up(NodeId(9)), Act::Send(NodeId(9), accepted(true))];
    assert_eq!(roomy.receive(9, low), up);
}

#[test]
fn failure_4_3_a_failed_neighbor_is_forgotten_and_replaced_from_the_passive_view() {
    let mut bench = Bench::with(1..6, 20..21);
    assert_eq!(bench.fail(3), [Act::Down(NodeId(3))]);
    assert!(!bench.node.passive().contains(&NodeId(3)));
    let request = (20, ViewMessage::Neighbor { is_urgent: false });
    assert_eq!(sent(&bench.wake()), [request]);
    bench.receive(20, accepted(true));
    assert!(bench.node.is_active(NodeId(20)) && bench.node.passive().is_empty());
}

#[test]
fn failure_4_3_the_request_is_urgent_only_without_any_neighbor_or_with_one() {
    for neighbors in 0..5 {
        let mut bench = Bench::with(1..2 + neighbors, 20..21);
        bench.fail(1);
        let is_urgent = neighbors < 2;
        assert_eq!(sent(&bench.wake())[0], (20, ViewMessage::Neighbor { is_urgent }));
    }
}

#[test]
fn failure_4_3_who_cannot_be_reached_leaves_the_passive_view_and_the_next_is_tried() {
    let mut bench = Bench::with(1..6, 20..23);
    bench.fail(1);
    // One time-out after the other, and no gap between them: 1.5 s.
    let mut tried = requests(&bench.wait(1));
    assert_eq!(tried.len(), 3);
    bench.wait(1);
    tried.sort_unstable();
    assert_eq!((tried, bench.node.passive()), (vec![20, 21, 22], &[][..]));
}

#[test]
fn failure_4_3_who_refuses_stays_in_the_passive_view() {
    let mut bench = Bench::with(1..6, 20..21);
    bench.fail(1);
    bench.wake();
    bench.receive(20, accepted(false));
    assert_eq!(bench.node.passive(), [NodeId(20)]);
    assert_eq!(requests(&bench.wait(1)), [20]);
}

#[test]
fn disconnect_4_2_a_neighbor_that_leaves_is_kept_as_an_address() {
    let mut bench = Bench::with(1..6, 0..0);
    assert_eq!(bench.receive(3, ViewMessage::Disconnect), [Act::Down(NodeId(3))]);
    assert_eq!(bench.node.passive(), [NodeId(3)]);
}

#[test]
fn shuffle_4_4_it_holds_the_node_itself_three_neighbors_and_four_addresses() {
    let mut bench = Bench::with(1..6, 20..40);
    let acts = sent(&bench.wake());
    let [(to, ViewMessage::Shuffle { origin: ME, ttl: 6, nodes })] = &acts[..] else {
        panic!("{acts:?}")
    };
    assert_eq!(nodes[0], ME);
    assert!(nodes[1..4].iter().all(|node| node.0 < 6 && node.0 != *to), "{nodes:?}");
    assert!(nodes.len() == 8 && nodes[4..].iter().all(|node| node.0 >= 20), "{nodes:?}");
}

#[test]
fn shuffle_4_4_it_walks_on_while_it_may_and_there_is_somebody() {
    let mut bench = Bench::with(1..3, 20..40);
    let shuffle = |ttl| ViewMessage::Shuffle { origin: NodeId(50), ttl, nodes: vec![NodeId(50)] };
    assert_eq!(sent(&bench.receive(1, shuffle(6))), [(2, shuffle(5))]);
    assert!(!bench.node.passive().contains(&NodeId(50)));
}

#[test]
fn shuffle_4_4_its_last_node_answers_the_origin_with_as_many_addresses_and_keeps_those_it_got() {
    let mut bench = Bench::with(1..3, 20..25);
    let nodes = vec![NodeId(50), NodeId(51)];
    let acts = sent(&bench.receive(1, ViewMessage::Shuffle { origin: NodeId(50), ttl: 0, nodes }));
    let [(50, ViewMessage::ShuffleReply { nodes })] = &acts[..] else { panic!("{acts:?}") };
    assert!(nodes.len() == 2 && nodes.iter().all(|node| (20..25).contains(&node.0)));
    assert!([50, 51].iter().all(|&node| bench.node.passive().contains(&NodeId(node))));
}

#[test]
fn shuffle_4_4_a_full_passive_view_gives_up_first_what_was_sent() {
    let mut bench = Bench::with(1..6, 20..50);
    let acts = sent(&bench.wake());
    let [(_, ViewMessage::Shuffle { nodes, .. })] = &acts[..] else { panic!("{acts:?}") };
    let reply: Vec<NodeId> = (60..64).map(NodeId).collect();
    bench.receive(9, ViewMessage::ShuffleReply { nodes: reply.clone() });
    let passive = bench.node.passive();
    assert!(passive.len() == 30 && reply.iter().all(|node| passive.contains(node)));
    assert!(nodes[4..].iter().all(|node| !passive.contains(node)));
}

#[test]
fn shuffle_4_4_neither_itself_nor_a_neighbor_becomes_an_address() {
    let mut bench = Bench::with(1..3, 20..21);
    let nodes = vec![ME, NodeId(1), NodeId(20), NodeId(60), NodeId::GUEST];
    bench.receive(9, ViewMessage::ShuffleReply { nodes });
    assert_eq!(bench.node.passive(), [NodeId(20), NodeId(60)]);
}

#[test]
fn own_rule_a_node_without_anybody_tries_its_contacts_for_ever_ever_more_rarely() {
    let mut bench = Bench::new(&[7, 8], 3);
    let mut times = Vec::new();
    while bench.now < Instant::START + Duration::from_secs(1_000) {
        let joins = sent(&bench.wake()).len();
        assert!(joins <= 1, "one contact at a time");
        times.extend((joins == 1).then_some(bench.now.0 / 1_000_000_000));
    }
    assert_eq!(times[..8], [0, 1, 3, 7, 15, 31, 63, 123]);
    assert!(times[8..].iter().zip(&times[7..]).all(|(next, last)| next - last == 60));
}

#[test]
fn own_rule_a_contact_that_the_host_names_is_turned_to_at_once() {
    let mut bench = Bench::new(&[7], 3);
    bench.wait(20);
    bench.node.on_contact(NodeId(9), bench.now);
    let joins = sent(&bench.wait(2)).into_iter().map(|(to, _)| to);
    assert!(joins.collect::<Vec<_>>().len() >= 2);
    bench.node.on_contact(ME, bench.now);
    assert_eq!(bench.node.contacts, [NodeId(7), NodeId(9)]);
}

#[test]
fn own_rule_addresses_without_room_are_found_again_when_all_others_have_failed() {
    let mut bench = Bench::with(1..2, 20..60);
    assert_eq!(bench.node.passive().len(), 30);
    bench.fail(1);
    let mut tried = requests(&bench.wait(10));
    tried.sort_unstable();
    assert_eq!(tried, (20..60).collect::<Vec<_>>());
}

#[test]
fn own_rule_addresses_that_pass_by_are_found_again_too() {
    let mut bench = Bench::with(1..3, 0..0);
    let nodes = vec![NodeId(50), NodeId(51), ME];
    bench.receive(1, ViewMessage::Shuffle { origin: NodeId(50), ttl: 6, nodes });
    bench.receive(1, ViewMessage::ForwardJoin { node: NodeId(52), ttl: 5 });
    assert!(bench.node.passive().is_empty());
    bench.fail(1);
    bench.fail(2);
    let mut tried = requests(&bench.wait(3));
    tried.sort_unstable();
    assert_eq!(tried, [50, 51, 52]);
}

#[test]
fn own_rule_links_that_only_one_end_knows_become_symmetric_or_end() {
    let mut full = Bench::with(1..6, 0..0);
    full.node.on_stranger(NodeId(9), false, &mut full.rng, &mut full.acts);
    assert_eq!(full.acts, [Act::Send(NodeId(9), ViewMessage::Disconnect)]);
    let mut roomy = Bench::with(1..5, 0..0);
    roomy.node.on_stranger(NodeId(9), false, &mut roomy.rng, &mut roomy.acts);
    assert_eq!(roomy.acts, [Act::Up(NodeId(9))]);
}

#[test]
fn own_rule_who_is_of_another_part_of_the_cluster_becomes_a_neighbor_whatever_that_costs() {
    let mut full = Bench::with(1..6, 0..0);
    full.node.on_stranger(NodeId(9), true, &mut full.rng, &mut full.acts);
    let Act::Send(dropped, ViewMessage::Disconnect) = full.acts[0] else {
        panic!("{:?}", full.acts)
    };
    assert_eq!(full.acts[1..], [Act::Down(dropped), Act::Up(NodeId(9))]);
    assert_eq!(full.node.active().len(), 5);
}

#[test]
fn own_rule_contacts_are_visited_in_turn_and_every_other_time_somebody_else() {
    let mut bench = Bench::with(1..3, 20..22);
    for contact in [1, 10, 11, 12] {
        bench.node.on_contact(NodeId(contact), bench.now);
    }
    let visits: Vec<u64> =
        (0..16).filter_map(|_| Some(bench.node.acquaintance(&mut bench.rng)?.0)).collect();
    let contacts: Vec<u64> = visits.iter().copied().skip(1).step_by(2).collect();
    assert_eq!(
        contacts,
        [10, 11, 12, 10, 10, 11, 12, 10],
        "1 is a neighbor, and 10 comes after it"
    );
    assert!(visits.iter().step_by(2).all(|other| (20..22).contains(other)), "{visits:?}");
    assert_eq!(Bench::new(&[], 1).node.acquaintance(&mut Rng::new(1)), None);
}

#[test]
fn own_rule_of_two_neighbors_one_may_be_lacking_without_urgency() {
    // A cluster of nodes with two neighbors each is a ring, and who wants to close it must not
    // break it elsewhere.
    let urgent = |active_max, active| {
        let mut bench = Bench::with(0..0, 20..22);
        bench.node.sizes.active_max = active_max;
        (1..=active).for_each(|node| {
            bench.node.add_active(NodeId(node), &mut bench.rng, &mut bench.acts);
        });
        bench.acts.clear();
        let sent = sent(&bench.wake());
        assert!(!sent.is_empty());
        sent.iter().all(|(_, message)| *message == ViewMessage::Neighbor { is_urgent: true })
    };
    assert!(urgent(2, 0) && !urgent(2, 1) && urgent(3, 1) && !urgent(3, 2));
}

#[test]
fn own_rule_an_answer_for_which_there_is_no_room_any_more_is_taken_back() {
    let mut bench = Bench::with(1..5, 20..21);
    bench.wake();
    bench.receive(5, ViewMessage::Neighbor { is_urgent: true });
    let acts = bench.receive(20, accepted(true));
    assert_eq!(acts, [Act::Send(NodeId(20), ViewMessage::Disconnect)]);
}

#[test]
fn bound_no_list_outgrows_its_bound_whatever_others_say() {
    let mut bench = Bench::new(&[], 1);
    let mut rng = Rng::new(5);
    for step in 0..20_000_u64 {
        let node = NodeId(rng.next_u64() % 5_000);
        let from = rng.next_u64() % 5_000;
        let nodes = (0..40).map(|_| NodeId(rng.next_u64() % 5_000)).collect();
        bench.receive(
            from,
            match step % 6 {
                0 => ViewMessage::Join,
                1 => ViewMessage::ForwardJoin { node, ttl: rng.next_u64() as u8 },
                2 => ViewMessage::Neighbor { is_urgent: step % 4 == 0 },
                3 => accepted(step % 4 == 1),
                4 => ViewMessage::Shuffle { origin: node, ttl: 0, nodes },
                _ => ViewMessage::ShuffleReply { nodes },
            },
        );
        let node = &bench.node;
        assert!(node.active.len() <= 5 && node.passive.list().len() <= 30);
        assert!(node.book.list().len() <= BOOK_MAX && node.requests.len() <= 10);
        assert!(node.active.iter().all(|&each| each != ME && !node.passive.contains(each)));
    }
}

/// A whole cluster, in which what is sent arrives in the next step.
#[test]
fn a_cluster_that_joins_through_one_contact_is_connected_and_its_links_are_symmetric() {
    let mut nodes: Vec<Bench> = (0..200).map(|node| Bench::new(&[0], node)).collect();
    let mut under_way: Vec<(u64, u64, ViewMessage)> = Vec::new();
    for (me, bench) in nodes.iter_mut().enumerate() {
        bench.node.me = NodeId(me as u64);
        bench.node.contacts.retain(|&contact| contact != bench.node.me);
    }
    for step in 0..3_000_u64 {
        let now = Instant(step * 20_000_000);
        for (from, to, message) in core::mem::take(&mut under_way) {
            let bench = &mut nodes[to as usize];
            bench.now = now;
            let acts = bench.receive(from, message);
            under_way.extend(sent(&acts).into_iter().map(|(far, message)| (to, far, message)));
        }
        // They start one after the other.
        for (me, bench) in nodes.iter_mut().enumerate().take(step as usize) {
            if bench.node.next_wakeup() <= now {
                bench.now = now;
                bench.node.on_wakeup(now, &mut bench.rng, &mut bench.acts);
                let acts = core::mem::take(&mut bench.acts);
                let me = me as u64;
                under_way.extend(sent(&acts).into_iter().map(|(far, message)| (me, far, message)));
            }
        }
    }
    let is_link = |one: usize, other: usize| nodes[one].node.is_active(NodeId(other as u64));
    let links = (0..200).flat_map(|one| (0..200).map(move |other| (one, other)));
    assert!(links.clone().all(|(one, other)| is_link(one, other) == is_link(other, one)));
    let mut reached = vec![0];
    let mut place = 0;
    while let Some(&next) = reached.get(place) {
        let near = (0..200).filter(|&other| is_link(next, other) && !reached.contains(&other));
        let near: Vec<usize> = near.collect();
        reached.extend(near);
        place += 1;
    }
    assert_eq!(reached.len(), 200);
    let passive = nodes.iter().map(|bench| bench.node.passive().len());
    assert!(passive.clone().min() >= Some(10), "{:?}", passive.collect::<Vec<_>>());
}
