use super::*;
use Address::{Client, Node};

/// Conditions set field by field.
#[derive(Clone, Default)]
struct Weather {
    cuts: Vec<(usize, usize)>,
    loss: f64,
    duplicate: f64,
    reorder: f64,
    factor: Option<f64>,
}

impl Conditions for Weather {
    fn is_cut(&self, from: usize, to: usize) -> bool {
        self.cuts.contains(&(from, to))
    }

    fn loss(&self) -> f64 {
        self.loss
    }

    fn duplicate(&self) -> f64 {
        self.duplicate
    }

    fn reorder(&self) -> f64 {
        self.reorder
    }

    fn latency_factor(&self) -> f64 {
        self.factor.unwrap_or(1.0)
    }
}

fn constant(nodes: usize, mean_ms: u32) -> Network<&'static str> {
    Network::new(nodes, Latency { mean_ms, distribution: Distribution::Constant }, 1)
}

/// Runs to the end; what became of each message, as (ms, payload, why dropped).
fn settle(
    network: &mut Network<&'static str>,
    conditions: &impl Conditions,
) -> Vec<(u64, &'static str, Option<DropReason>)> {
    let mut outcomes = Vec::new();
    while let Some(at) = network.next_event() {
        network.advance(at.max(network.now), conditions, &mut outcomes);
    }
    outcomes.iter().map(|o| (o.at.0 / 1_000_000, o.envelope.payload, o.dropped)).collect()
}

#[test]
fn a_message_between_nodes_takes_the_latency_and_a_clients_takes_none() {
    let mut network = constant(2, 100);
    network.send(at_ms(0), Node(0), Node(1), "peer", &Calm);
    network.send(at_ms(0), Client(0), Node(0), "request", &Calm);
    network.send(at_ms(0), Node(0), Client(0), "answer", &Calm);
    assert_eq!(
        settle(&mut network, &Calm),
        [(0, "request", None), (0, "answer", None), (100, "peer", None)]
    );
    assert_eq!(network.servers(), Count { sent: 1, delivered: 1, ..Count::default() });
    assert_eq!(network.clients().delivered, 2);
}

#[test]
fn a_read_behind_a_message_in_flight_waits_for_it() {
    // Maelstrom: one input thread, asleep from 0 to 100 on what it has taken up.
    let mut network = constant(2, 100);
    network.send(at_ms(0), Node(0), Node(1), "value", &Calm);
    network.send(at_ms(30), Client(0), Node(1), "read", &Calm);
    assert_eq!(settle(&mut network, &Calm), [(100, "value", None), (100, "read", None)]);
}

#[test]
fn a_read_goes_ahead_of_messages_that_are_not_taken_up_yet() {
    let mut network = constant(2, 100);
    network.send(at_ms(0), Node(0), Node(1), "first", &Calm);
    network.send(at_ms(50), Node(0), Node(1), "second", &Calm);
    network.send(at_ms(60), Client(0), Node(1), "read", &Calm);
    // At 100 the read is the earliest due; only then "second" is taken up, and a later read waits.
    let mut outcomes = Vec::new();
    network.advance(at_ms(100), &Calm, &mut outcomes);
    let told: Vec<_> = outcomes.iter().map(|o| o.envelope.payload).collect();
    assert_eq!(told, ["first", "read"]);
    network.send(at_ms(101), Client(0), Node(1), "late read", &Calm);
    assert_eq!(settle(&mut network, &Calm), [(150, "second", None), (150, "late read", None)]);
}

#[test]
fn a_short_message_behind_a_long_one_comes_late() {
    // Taken up at 0 under tenfold latency, the first holds the thread until 1000.
    let mut network = constant(2, 100);
    let slow = Weather { factor: Some(10.0), ..Weather::default() };
    network.send(at_ms(0), Node(0), Node(1), "slow", &slow);
    network.send(at_ms(1), Node(0), Node(1), "quick", &Calm);
    assert_eq!(settle(&mut network, &Calm), [(1000, "slow", None), (1000, "quick", None)]);
}

#[test]
fn of_the_waiting_the_earliest_due_is_taken_up_first() {
    let mut network = constant(2, 100);
    let slow = Weather { factor: Some(10.0), ..Weather::default() };
    network.send(at_ms(0), Node(0), Node(1), "holds the thread", &Calm);
    network.send(at_ms(10), Node(0), Node(1), "slow", &slow);
    network.send(at_ms(20), Node(0), Node(1), "quick", &Calm);
    assert_eq!(
        settle(&mut network, &Calm),
        [(100, "holds the thread", None), (120, "quick", None), (1010, "slow", None)]
    );
}

#[test]
fn a_message_is_tested_for_cuts_when_taken_up_and_not_when_due() {
    let cut = Weather { cuts: vec![(0, 1)], ..Weather::default() };
    let mut network = constant(2, 100);
    network.send(at_ms(0), Node(0), Node(1), "taken up before the cut", &Calm);
    network.send(at_ms(10), Node(0), Node(1), "taken up after the cut", &Calm);
    let mut outcomes = Vec::new();
    network.advance(at_ms(50), &Calm, &mut outcomes);
    assert_eq!(
        settle(&mut network, &cut),
        [
            (100, "taken up before the cut", None),
            (100, "taken up after the cut", Some(DropReason::Cut))
        ]
    );
}

#[test]
fn a_message_sent_in_a_cut_and_taken_up_after_it_arrives() {
    let cut = Weather { cuts: vec![(2, 1)], ..Weather::default() };
    let mut network = constant(3, 100);
    network.send(at_ms(0), Node(0), Node(1), "holds the thread", &cut);
    network.send(at_ms(10), Node(2), Node(1), "waits the cut out", &cut);
    assert_eq!(
        settle(&mut network, &Calm),
        [(100, "holds the thread", None), (110, "waits the cut out", None)]
    );
}

#[test]
fn an_idle_thread_drops_what_is_cut_at_once_and_a_cut_has_a_direction() {
    let cut = Weather { cuts: vec![(0, 1)], ..Weather::default() };
    let mut network = constant(2, 100);
    network.send(at_ms(5), Node(0), Node(1), "there", &cut);
    network.send(at_ms(5), Node(1), Node(0), "back", &cut);
    assert_eq!(
        settle(&mut network, &cut),
        [(5, "there", Some(DropReason::Cut)), (105, "back", None)]
    );
    assert_eq!(network.link(0, 1).dropped_for(DropReason::Cut), 1);
    assert_eq!(network.link(1, 0).delivered, 1);
}

#[test]
fn a_client_is_never_cut_off() {
    let cut = Weather { cuts: vec![(0, 0), (0, 1), (1, 0)], loss: 1.0, ..Weather::default() };
    let mut network = constant(2, 0);
    network.send(at_ms(0), Client(0), Node(0), "request", &cut);
    network.send(at_ms(0), Node(0), Client(0), "answer", &cut);
    assert_eq!(settle(&mut network, &cut), [(0, "request", None), (0, "answer", None)]);
}

#[test]
fn a_lost_message_counts_as_sent() {
    let loss = Weather { loss: 1.0, ..Weather::default() };
    let mut network = constant(2, 100);
    network.send(at_ms(0), Node(0), Node(1), "gone", &loss);
    assert_eq!(settle(&mut network, &loss), [(0, "gone", Some(DropReason::Loss))]);
    assert_eq!(network.link(0, 1).sent, 1);
}

#[test]
fn a_copy_has_the_number_of_the_first_and_is_not_counted_as_sent() {
    let twice = Weather { duplicate: 1.0, ..Weather::default() };
    let mut network = constant(2, 100);
    network.send(at_ms(0), Node(0), Node(1), "twice", &twice);
    let mut outcomes = Vec::new();
    network.advance(at_ms(100), &twice, &mut outcomes);
    let told: Vec<_> = outcomes.iter().map(|o| (o.envelope.id, o.envelope.is_copy)).collect();
    assert_eq!(told, [(0, false), (0, true)]);
    let count = network.link(0, 1);
    assert_eq!((count.sent, count.duplicated, count.delivered), (1, 1, 2));
}

#[test]
fn reordering_makes_later_messages_overtake() {
    let reorder = Weather { reorder: 0.5, ..Weather::default() };
    let mut network: Network<u64> =
        Network::new(2, Latency { mean_ms: 100, distribution: Distribution::Constant }, 1);
    for index in 0..1000 {
        network.send(at_ms(index), Node(0), Node(1), index, &reorder);
    }
    let mut outcomes = Vec::new();
    network.advance(at_ms(10_000), &Calm, &mut outcomes);
    let overtaken =
        outcomes.windows(2).filter(|w| w[0].envelope.payload > w[1].envelope.payload).count();
    assert!(overtaken > 100, "{overtaken}");
    assert!(network.link(0, 1).reordered.abs_diff(500) < 60, "{:?}", network.link(0, 1));
}

#[test]
fn a_dead_node_loses_what_waits_and_gets_nothing_until_it_is_back() {
    let mut network = constant(2, 100);
    network.send(at_ms(0), Node(0), Node(1), "in the thread", &Calm);
    network.send(at_ms(1), Node(0), Node(1), "in the queue", &Calm);
    network.kill(at_ms(10), 1, &Calm);
    network.send(at_ms(20), Client(0), Node(1), "to the dead", &Calm);
    network.revive(1);
    network.send(at_ms(30), Node(0), Node(1), "to the living", &Calm);
    let down = Some(DropReason::Down);
    assert_eq!(
        settle(&mut network, &Calm),
        [
            (10, "in the thread", down),
            (10, "in the queue", down),
            (20, "to the dead", down),
            (130, "to the living", None)
        ]
    );
    assert_eq!(network.queued(1), 0);
}

#[test]
fn a_full_queue_drops_and_counts() {
    let mut network: Network<()> =
        Network::new(2, Latency { mean_ms: 100, distribution: Distribution::Constant }, 1);
    for _ in 0..QUEUE_MAX + 2 {
        network.send(at_ms(0), Node(0), Node(1), (), &Calm);
    }
    assert_eq!(network.queued(1), QUEUE_MAX);
    assert_eq!(network.link(0, 1).dropped_for(DropReason::Overflow), 2);
}

#[test]
fn the_hub_is_the_node_that_sends_most_to_nodes() {
    let mut network = constant(3, 0);
    assert_eq!(network.hub(), 0);
    network.send(at_ms(0), Node(2), Node(1), "one", &Calm);
    (0..5).for_each(|_| {
        network.send(at_ms(0), Node(1), Client(0), "answer", &Calm);
    });
    assert_eq!(network.hub(), 2);
}

#[test]
#[should_panic(expected = "time went back")]
fn time_does_not_go_back() {
    let mut network = constant(2, 0);
    network.advance(at_ms(2), &Calm, &mut Vec::new());
    network.advance(at_ms(1), &Calm, &mut Vec::new());
}

#[test]
#[should_panic(expected = "node 2 is not one of 2")]
fn there_is_no_message_to_a_node_that_does_not_exist() {
    constant(2, 0).send(at_ms(0), Client(0), Node(2), "hello", &Calm);
}

/// Sends over `links` in turn under everything that can go wrong by chance.
fn arrivals(seed: u64, links: &[(usize, usize)]) -> Vec<Outcome<u64>> {
    let weather = Weather { loss: 0.1, duplicate: 0.2, reorder: 0.3, ..Weather::default() };
    let latency = Latency { mean_ms: 50, distribution: Distribution::Exponential };
    let mut network = Network::new(5, latency, seed);
    for index in 0..500 {
        for &(from, to) in links {
            network.send(at_ms(index * 10), Node(from), Node(to), index, &weather);
        }
    }
    let mut outcomes = Vec::new();
    network.advance(at_ms(100_000), &weather, &mut outcomes);
    let total = network.servers();
    assert_eq!(total.sent + total.duplicated, total.delivered + total.dropped.iter().sum::<u64>());
    outcomes
}

#[test]
fn the_same_seed_gives_the_same_outcomes_and_another_seed_others() {
    let links = [(0, 1), (1, 0), (2, 3)];
    assert_eq!(arrivals(1, &links), arrivals(1, &links));
    assert_ne!(arrivals(1, &links), arrivals(2, &links));
}

#[test]
fn what_befalls_a_link_does_not_depend_on_other_traffic() {
    let of_link = |outcomes: Vec<Outcome<u64>>| -> Vec<_> {
        let mut all: Vec<_> = outcomes
            .into_iter()
            .filter(|o| o.envelope.to == Node(1))
            .map(|o| (o.envelope.payload, o.envelope.due, o.envelope.is_copy, o.dropped))
            .collect();
        all.sort_unstable_by_key(|told| (told.0, told.2));
        all
    };
    assert_eq!(of_link(arrivals(1, &[(0, 1)])), of_link(arrivals(1, &[(3, 4), (0, 1), (2, 0)])));
}

#[test]
fn chances_come_as_often_as_they_say() {
    let outcomes = arrivals(3, &[(0, 1), (1, 2), (2, 3), (3, 4), (4, 0), (0, 2), (0, 3), (0, 4)]);
    let lost = outcomes.iter().filter(|o| o.dropped == Some(DropReason::Loss)).count();
    let copies = outcomes.iter().filter(|o| o.envelope.is_copy).count();
    assert!(lost.abs_diff(400) < 60, "{lost} of 4000 lost, 400 expected");
    // A lost message has no copy.
    assert!(copies.abs_diff(720) < 80, "{copies} of 3600 copied, 720 expected");
}
