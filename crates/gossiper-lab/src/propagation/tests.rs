use std::time::Duration;

use proptest::prelude::*;

use super::reference::OneByOne;
use super::*;

const HOP: Duration = Duration::from_millis(100);

fn ms(ms: u64) -> Instant {
    Instant(ms * 1_000_000)
}

/// Three nodes, 100 ms apart.
fn three() -> Propagation {
    Propagation::new(Conditions::new(3, HOP))
}

/// Cuts or joins both ways.
fn both(conditions: &mut Conditions, change: fn(&mut Conditions, u32, u32, Instant), at: u64) {
    for (from, to) in [(0, 2), (2, 0)] {
        change(conditions, from, to, ms(at));
    }
}

fn only(run: &Propagation) -> Spread {
    let spreads = run.spreads();
    assert_eq!(spreads.len(), 1);
    spreads[0]
}

/// Propagation, ideal and excess of the only value.
fn figures(run: &Propagation) -> [Option<f64>; 3] {
    let spread = only(run);
    [spread.propagation_ms, spread.ideal_ms, spread.excess_ms()]
}

#[test]
fn straight_to_all_without_faults_takes_one_hop_and_has_no_excess() {
    let mut run = three();
    run.broadcast(0, 1, ms(10));
    run.known(0, &[0], ms(110));
    run.known(2, &[0], ms(110));
    assert_eq!(figures(&run), [Some(100.0), Some(100.0), Some(0.0)]);
}

#[test]
fn the_first_sight_of_a_value_counts_and_strangers_do_not() {
    let mut run = three();
    run.known(0, &[0, -1, 7], ms(1));
    run.broadcast(0, 1, ms(10));
    run.broadcast(0, 2, ms(11));
    run.known(0, &[0], ms(150));
    run.known(0, &[0], ms(900));
    run.known(2, &[0], ms(130));
    assert_eq!(figures(&run), [Some(140.0), Some(100.0), Some(40.0)]);
}

#[test]
fn a_value_that_a_live_node_lacks_has_no_propagation() {
    let mut run = three();
    run.broadcast(0, 1, ms(10));
    run.known(0, &[0], ms(110));
    assert_eq!(figures(&run), [None, Some(100.0), None]);
    assert!(!only(&run).is_orphaned);
}

#[test]
fn around_a_cut_link_the_ideal_takes_a_relay() {
    let mut run = three();
    both(run.conditions_mut(), Conditions::cut, 0);
    run.broadcast(0, 0, ms(10));
    assert_eq!(only(&run).ideal_ms, Some(200.0));
}

#[test]
fn a_link_joined_before_a_relay_is_done_is_used() {
    let mut run = three();
    both(run.conditions_mut(), Conditions::cut, 0);
    run.broadcast(0, 0, ms(10));
    both(run.conditions_mut(), Conditions::join, 60);
    assert_eq!(only(&run).ideal_ms, Some(150.0));
}

#[test]
fn a_message_on_its_way_passes_a_link_that_is_cut_after_it_was_sent() {
    let mut run = three();
    run.broadcast(0, 0, ms(10));
    both(run.conditions_mut(), Conditions::cut, 11);
    assert_eq!(only(&run).ideal_ms, Some(100.0));
}

#[test]
fn a_cut_hinders_one_way_only() {
    let mut run = three();
    run.conditions_mut().cut(2, 0, ms(0));
    run.broadcast(0, 0, ms(10));
    run.broadcast(1, 2, ms(10));
    let ideals: Vec<_> = run.spreads().iter().map(|spread| spread.ideal_ms).collect();
    assert_eq!(ideals, [Some(100.0), Some(200.0)]);
}

#[test]
fn a_complete_split_lasts_until_it_heals() {
    let mut run = three();
    for (from, to) in [(0, 2), (2, 0), (1, 2), (2, 1)] {
        run.conditions_mut().cut(from, to, ms(0));
    }
    run.broadcast(0, 0, ms(10));
    assert_eq!(only(&run).ideal_ms, None);
    for (from, to) in [(0, 2), (2, 0), (1, 2), (2, 1)] {
        run.conditions_mut().join(from, to, ms(5000));
    }
    assert_eq!(only(&run).ideal_ms, Some(5090.0));
}

#[test]
fn the_latency_in_force_when_a_message_is_sent_counts() {
    let mut run = three();
    run.conditions_mut().set_mean_latency(HOP * 10, ms(0));
    run.broadcast(0, 0, ms(10));
    assert_eq!(only(&run).ideal_ms, Some(1000.0));
    // It pays to wait for the faster network.
    run.conditions_mut().set_mean_latency(HOP, ms(410));
    assert_eq!(only(&run).ideal_ms, Some(500.0));
}

#[test]
fn a_paused_node_is_left_out_until_it_goes_on() {
    let mut run = three();
    run.conditions_mut().pause(2, ms(0));
    run.broadcast(0, 0, ms(10));
    run.known(1, &[0], ms(110));
    // Still paused when the run ends.
    assert_eq!(figures(&run), [Some(100.0), Some(100.0), Some(0.0)]);
    run.conditions_mut().resume(2, ms(2010));
    run.known(2, &[0], ms(2020));
    assert_eq!(figures(&run), [Some(2010.0), Some(2000.0), Some(10.0)]);
}

#[test]
fn a_paused_origin_sends_when_it_goes_on() {
    let mut run = three();
    run.broadcast(0, 0, ms(10));
    run.conditions_mut().pause(0, ms(10));
    run.conditions_mut().resume(0, ms(1010));
    assert_eq!(only(&run).ideal_ms, Some(1100.0));
}

#[test]
fn the_restart_of_a_killed_node_is_its_earliest_moment() {
    let mut run = three();
    run.broadcast(0, 0, ms(10));
    run.known(1, &[0], ms(110));
    run.known(2, &[0], ms(110));
    assert_eq!(figures(&run)[0], Some(100.0));
    run.kill(2, ms(500));
    // What it said before it was killed comes late and counts no more.
    run.known(2, &[0], ms(501));
    // A node that stays down is left out.
    assert_eq!(figures(&run), [Some(100.0), Some(100.0), Some(0.0)]);
    run.restart(2, ms(3010));
    assert_eq!(figures(&run), [None, Some(3000.0), None]);
    run.known(2, &[0], ms(3130));
    assert_eq!(figures(&run), [Some(3120.0), Some(3000.0), Some(120.0)]);
}

#[test]
fn a_killed_origin_gets_its_value_back_from_a_relay() {
    let mut run = three();
    run.broadcast(0, 0, ms(10));
    run.kill(0, ms(11));
    run.restart(0, ms(50));
    // 100 ms to a relay, 100 ms back.
    assert_eq!(only(&run).ideal_ms, Some(200.0));
}

#[test]
fn a_killed_relay_has_nothing_to_send() {
    let mut run = three();
    both(run.conditions_mut(), Conditions::cut, 0);
    run.conditions_mut().cut(1, 2, ms(0));
    run.broadcast(0, 0, ms(10));
    // What was on its way to node 1 when node 0 was killed has come before node 1 is.
    for (node, killed) in [(0, 300), (1, 500)] {
        run.kill(node, ms(killed));
        run.restart(node, ms(killed + 50));
    }
    both(run.conditions_mut(), Conditions::join, 1000);
    run.conditions_mut().join(1, 2, ms(1000));
    assert_eq!(only(&run).ideal_ms, None);
}

#[test]
fn a_source_that_is_killed_when_it_is_started_has_nothing_to_send() {
    let mut run = three();
    run.kill(0, ms(0));
    run.broadcast(0, 0, ms(10));
    run.restart(0, ms(50));
    run.kill(0, ms(50));
    run.restart(0, ms(100));
    assert_eq!(only(&run).ideal_ms, None);
}

#[test]
fn a_relay_that_is_started_when_it_is_killed_gets_the_value_anew() {
    let mut run = three();
    both(run.conditions_mut(), Conditions::cut, 0);
    run.conditions_mut().cut(1, 2, ms(0));
    run.broadcast(0, 0, ms(10));
    run.kill(1, ms(500));
    run.restart(1, ms(500));
    run.conditions_mut().join(1, 2, ms(1000));
    assert_eq!(only(&run).ideal_ms, Some(1090.0));
}

#[test]
fn an_acknowledged_value_of_which_every_copy_was_killed_is_orphaned() {
    let mut run = three();
    run.broadcast(0, 0, ms(10));
    run.broadcast(1, 0, ms(10));
    run.broadcast(2, 0, ms(10));
    run.acknowledge(0);
    run.acknowledge(2);
    run.known(1, &[2], ms(110));
    run.kill(0, ms(120));
    run.restart(0, ms(200));
    let orphaned: Vec<bool> = run.spreads().iter().map(|spread| spread.is_orphaned).collect();
    // The second was never acknowledged, the third got away.
    assert_eq!(orphaned, [true, false, false]);
    // It was on disk, or on its way.
    run.known(0, &[0], ms(900));
    assert!(!run.spreads()[0].is_orphaned);
}

#[test]
fn a_value_that_could_have_left_in_time_is_not_orphaned() {
    let orphaned = |is_cut: bool, killed_ms: u64| {
        let mut run = three();
        if is_cut {
            [1, 2].into_iter().for_each(|to| run.conditions_mut().cut(0, to, ms(0)));
        }
        run.broadcast(0, 0, ms(10));
        run.acknowledge(0);
        run.kill(0, ms(killed_ms));
        run.restart(0, ms(9000));
        only(&run).is_orphaned
    };
    assert!(orphaned(false, 510), "within the time that it may be held back");
    assert!(!orphaned(false, 511));
    assert!(orphaned(true, 5000), "nothing could leave");
}

#[test]
fn arrivals_are_told_node_by_node_and_a_kill_takes_them() {
    let mut run = three();
    run.broadcast(0, 1, ms(10));
    run.broadcast(1, 1, ms(20));
    run.known(0, &[0], ms(110));
    let arrivals = |run: &Propagation, value| run.arrivals(value).collect::<Vec<_>>();
    assert_eq!(arrivals(&run, 0), [Some(ms(110)), Some(ms(10)), None]);
    assert_eq!(arrivals(&run, 1), [None, Some(ms(20)), None]);
    assert_eq!(arrivals(&run, 2), [None; 3]);
    run.kill(0, ms(200));
    run.restart(0, ms(300));
    assert_eq!(arrivals(&run, 0), [None, Some(ms(10)), None]);
    run.known(0, &[0], ms(400));
    assert_eq!(arrivals(&run, 0), [Some(ms(400)), Some(ms(10)), None]);
}

#[test]
fn quantiles_pass_over_what_is_not_known() {
    let found = quantiles([Some(3.0), None, Some(1.5)].into_iter()).expect("two are known");
    assert_eq!((found.min, found.median, found.max), (1.5, 3.0, 3.0));
    assert_eq!(quantiles([None].into_iter()), None);
}

/// The world of the literal ideal: so many ticks that what can still arrive does.
const TICKS: usize = 120;
const NODES: usize = 4;

#[derive(Clone, Debug)]
struct World {
    /// What changes at which tick: kind, node, other node, in the order of time.
    changes: Vec<(usize, u8, usize, usize)>,
    origin: usize,
    at: usize,
}

fn world() -> impl Strategy<Value = World> {
    let change = (0..40_usize, 0..8_u8, 0..NODES, 0..NODES);
    (prop::collection::vec(change, 0..30), 0..NODES, 0..30_usize).prop_map(
        |(mut changes, origin, at)| {
            changes.sort_by_key(|change| change.0);
            World { changes, origin, at }
        },
    )
}

/// What holds in one tick.
#[derive(Clone, Default)]
struct Tick {
    down: [bool; NODES],
    paused: [bool; NODES],
    cut: [[bool; NODES]; NODES],
    latency: usize,
    /// Which life of each node this is, the coming one for a node that is down.
    life: [usize; NODES],
}

fn play(world: &World) -> (Conditions, Vec<Tick>) {
    let nanos = |latency: usize| Duration::from_nanos(latency as u64);
    let mut conditions = Conditions::new(NODES as u32, nanos(3));
    let mut tick = Tick { latency: 3, ..Tick::default() };
    let mut ticks = Vec::new();
    let mut changes = world.changes.iter().peekable();
    for now in 0..TICKS {
        let at = Instant(now as u64);
        while let Some(&(_, kind, a, b)) = changes.next_if(|change| change.0 == now) {
            let (node, other) = (a as u32, b as u32);
            match kind {
                0 if !tick.down[a] => {
                    conditions.kill(node, at);
                    (tick.down[a], tick.paused[a]) = (true, false);
                    tick.life[a] += 1;
                }
                1 => {
                    conditions.restart(node, at);
                    tick.down[a] = false;
                }
                2 if !tick.down[a] => {
                    conditions.pause(node, at);
                    tick.paused[a] = true;
                }
                3 => {
                    conditions.resume(node, at);
                    tick.paused[a] = false;
                }
                4 | 5 => {
                    conditions.cut(node, other, at);
                    tick.cut[a][b] = true;
                }
                6 => {
                    conditions.join(node, other, at);
                    tick.cut[a][b] = false;
                }
                7 => {
                    tick.latency = 1 + a * 4;
                    conditions.set_mean_latency(nanos(tick.latency), at);
                }
                _ => {}
            }
        }
        ticks.push(tick.clone());
    }
    (conditions, ticks)
}

/// Tick by tick: where `from` can have sent it in each life of `to`, as (life, tick).
fn sends(
    ticks: &[Tick],
    from: usize,
    to: usize,
    (life, since): (usize, usize),
) -> Vec<(usize, usize)> {
    let mut arrivals = Vec::new();
    for (now, tick) in ticks.iter().enumerate().skip(since) {
        let is_up = tick.life[from] == life && !tick.down[from] && !tick.paused[from];
        if !is_up || tick.cut[from][to] {
            continue;
        }
        let Some(reached) = ticks.get(now + tick.latency).map(|tick| tick.life[to]) else {
            continue;
        };
        let taken = (now + tick.latency..TICKS).find(|&later| {
            let tick = &ticks[later];
            tick.life[to] == reached && !tick.down[to] && !tick.paused[to]
        });
        arrivals.extend(taken.map(|taken| (reached, taken)));
    }
    arrivals
}

fn literal(ticks: &[Tick], origin: usize, at: usize) -> Option<usize> {
    let source = (ticks[at].life[origin], at);
    let mut held: Vec<(usize, usize, usize)> = vec![(origin, source.0, source.1)];
    for relay in (0..NODES).filter(|&relay| relay != origin) {
        for (life, taken) in sends(ticks, origin, relay, source) {
            held.push((relay, life, taken));
            for to in (0..NODES).filter(|&to| to != relay) {
                let second = sends(ticks, relay, to, (life, taken));
                held.extend(second.into_iter().map(|(life, taken)| (to, life, taken)));
            }
        }
    }
    let last = &ticks[TICKS - 1];
    let live = (0..NODES).filter(|&node| !last.down[node] && !last.paused[node]);
    let earliest = live.map(|node| {
        let here = held.iter().filter(|held| held.0 == node && held.1 == last.life[node]);
        here.map(|held| held.2).min()
    });
    earliest.collect::<Option<Vec<usize>>>().map(|times| times.into_iter().max().unwrap_or(at))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn the_ideal_is_the_best_that_any_sending_could_do(world in world()) {
        let (conditions, ticks) = play(&world);
        prop_assume!(!ticks[world.at].down[world.origin]);
        let ideal = Ideal::new(&conditions);
        let found = ideal.everywhere(world.origin as u32, Instant(world.at as u64));
        let expected = literal(&ticks, world.origin, world.at);
        prop_assert_eq!(found, expected.map(|tick| Instant(tick as u64)));
    }
}

/// A fault of a larger world: how long after the one before it comes, its kind, and the nodes that
/// it happens to, by two bits a node that decide what role it plays.
type Trouble = (u64, u8, u128);

fn trouble() -> impl Strategy<Value = Trouble> {
    (prop_oneof![Just(0), 0..30_u64], 0..10_u8, any::<u128>())
}

/// Plays faults as they come in practice, to many nodes at once.
fn suffer(nodes: u32, troubles: &[Trouble]) -> Conditions {
    let mut conditions = Conditions::new(nodes, Duration::from_nanos(10));
    let mut now = 0;
    for &(gap, kind, bits) in troubles {
        now += gap;
        let at = Instant(now);
        let role = |node: u32| bits.rotate_right(node * 2) & 0b11;
        for node in 0..nodes {
            match (kind, role(node)) {
                (0, 0) | (9, 0..3) if !conditions.is_down(node) => conditions.kill(node, at),
                (1, 0..3) => conditions.restart(node, at),
                (2, 0) if !conditions.is_down(node) => conditions.pause(node, at),
                (3, 0..3) => conditions.resume(node, at),
                _ => {}
            }
            for other in (0..nodes).filter(|&other| other != node) {
                match kind {
                    // Two sides; one way; a web in which about half of the links stay; all joined.
                    4 if role(node) < 2 && 2 <= role(other) => {
                        conditions.cut(node, other, at);
                        conditions.cut(other, node, at);
                    }
                    5 if role(node) == 0 => conditions.cut(node, other, at),
                    6 if role(node * other) < 2 => conditions.cut(node, other, at),
                    7 => conditions.join(node, other, at),
                    _ => {}
                }
            }
        }
        if kind == 8 {
            conditions.set_mean_latency(Duration::from_nanos(1 + (bits % 40) as u64), at);
        }
    }
    conditions
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn all_relays_at_once_are_as_good_as_one_after_the_other(
        nodes in prop_oneof![2..12_u32, 60..70_u32],
        troubles in prop::collection::vec(trouble(), 0..20),
        values in prop::collection::vec((any::<u32>(), 0..200_u64), 3),
    ) {
        let conditions = suffer(nodes, &troubles);
        let (ideal, reference) = (Ideal::new(&conditions), OneByOne::new(&conditions));
        for (origin, at) in values {
            let (origin, at) = (origin % nodes, Instant(at));
            prop_assert_eq!(ideal.everywhere(origin, at), reference.everywhere(origin, at));
        }
    }
}
