//! What is wrong at the moment.

use gossiper_core::Instant;

use super::plan::{Action, Direction, Event, Fault, FaultPlan, Kind};
use crate::network::Conditions;

/// Plays a plan.
///
/// [`Self::next_event`] says when the plan goes on; [`Self::advance`] makes it go on and says what
/// the host has to do to its nodes. A host lets its network advance to the moment first.
///
/// Maelstrom waits for the operations that run before it heals. A host that does so too keeps
/// calling `advance` with a moment before the final stop until they are through.
#[derive(Clone, Debug)]
pub struct FaultState {
    plan: FaultPlan,
    /// How many events have happened.
    past: usize,
    /// The faults in force, resolved; at most one of a kind, by [`Kind`]'s order.
    in_force: [Option<Fault>; 8],
    partition: Option<Cut>,
    one_way: Option<Cut>,
    is_down: Vec<bool>,
    is_paused: Vec<bool>,
}

/// Which links are cut.
#[derive(Clone, Debug)]
enum Cut {
    /// Between the side and the rest, both ways.
    Split(Vec<bool>),
    /// From the rest to the side, or from the side to the rest.
    OneWay(Direction, Vec<bool>),
    /// From every node that the receiver does not see: by receiver, then sender.
    Ring(Vec<Vec<bool>>),
}

/// What a host has to do to a node.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Change {
    /// It dies without notice and loses what it held.
    Kill(usize),
    /// It starts anew, with `init` and `topology`.
    Restart(usize),
    /// It stands still, without notice.
    Pause(usize),
    /// It goes on.
    Resume(usize),
}

/// An event that has happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// The event, with the hub put in its place: a plan of these repeats the run.
    pub event: Event,
    /// What the host has to do, in this order.
    pub changes: Vec<Change>,
}

impl FaultState {
    /// The state before the first event: all is well.
    pub fn new(plan: FaultPlan) -> Self {
        let nodes = plan.nodes();
        Self {
            plan,
            past: 0,
            in_force: [const { None }; 8],
            partition: None,
            one_way: None,
            is_down: vec![false; nodes],
            is_paused: vec![false; nodes],
        }
    }

    /// When the next event happens; `None` after the last.
    pub fn next_event(&self) -> Option<Instant> {
        self.plan.events().get(self.past).map(Event::at)
    }

    /// Lets all events happen whose time has come, in their order. `hub` is asked, only for events
    /// that aim at it, which node has sent most.
    ///
    /// # Panics
    ///
    /// If `hub` names a node that does not exist.
    pub fn advance(&mut self, now: Instant, mut hub: impl FnMut() -> usize) -> Vec<Applied> {
        let mut applied = Vec::new();
        while let Some(event) = self.plan.events().get(self.past) {
            if event.at() > now {
                break;
            }
            let mut event = event.clone();
            self.past += 1;
            if let Action::Start(fault) = &mut event.action {
                resolve(fault, self.is_down.len(), &mut hub);
            }
            let mut changes = Vec::new();
            match &event.action {
                Action::Start(fault) => {
                    self.stop(fault.kind(), &mut changes);
                    self.start(fault, &mut changes);
                }
                Action::Stop(kind) => self.stop(*kind, &mut changes),
                Action::StopAll => {
                    Kind::ALL.into_iter().for_each(|kind| self.stop(kind, &mut changes));
                }
            }
            applied.push(Applied { event, changes });
        }
        applied
    }

    /// Ends all faults, whatever the plan says of later.
    ///
    /// # Panics
    ///
    /// If that is before an event that has happened.
    pub fn heal(&mut self, at_ms: u64) -> Applied {
        let last = self.past.checked_sub(1).map(|place| &self.plan.events()[place]);
        assert!(last.is_none_or(|event| event.at_ms <= at_ms), "time went back to {at_ms} ms");
        self.past = self.plan.events().len();
        let mut changes = Vec::new();
        Kind::ALL.into_iter().for_each(|kind| self.stop(kind, &mut changes));
        Applied { event: Event { at_ms, action: Action::StopAll }, changes }
    }

    /// The fault of a kind that is in force.
    pub fn in_force(&self, kind: Kind) -> Option<&Fault> {
        self.in_force[kind as usize].as_ref()
    }

    /// Whether a node is dead at the moment.
    ///
    /// # Panics
    ///
    /// If there is no such node, here and below.
    pub fn is_down(&self, node: usize) -> bool {
        self.is_down[node]
    }

    /// Whether a node stands still at the moment. A dead node does not.
    pub fn is_paused(&self, node: usize) -> bool {
        self.is_paused[node]
    }

    fn start(&mut self, fault: &Fault, changes: &mut Vec<Change>) {
        let nodes = self.is_down.len();
        match fault {
            Fault::Split { side, .. } => {
                self.partition = Some(Cut::Split(members(&side.nodes, nodes)));
            }
            Fault::Ring { sees } => {
                let by_receiver = sees.iter().map(|seen| members(seen, nodes)).collect();
                self.partition = Some(Cut::Ring(by_receiver));
            }
            Fault::OneWay { direction, side } => {
                self.one_way = Some(Cut::OneWay(*direction, members(&side.nodes, nodes)));
            }
            Fault::Kill(group) => {
                for &node in &group.nodes {
                    self.is_down[node] = true;
                    // The process that stood still is gone; the next one moves.
                    self.is_paused[node] = false;
                    changes.push(Change::Kill(node));
                }
            }
            Fault::Pause(group) => {
                for &node in group.nodes.iter().filter(|&&node| !self.is_down[node]) {
                    self.is_paused[node] = true;
                    changes.push(Change::Pause(node));
                }
            }
            Fault::Loss(_) | Fault::Duplicate(_) | Fault::Reorder(_) | Fault::Slow(_) => {}
        }
        self.in_force[fault.kind() as usize] = Some(fault.clone());
    }

    fn stop(&mut self, kind: Kind, changes: &mut Vec<Change>) {
        self.in_force[kind as usize] = None;
        match kind {
            Kind::Partition => self.partition = None,
            Kind::OneWay => self.one_way = None,
            Kind::Kill => clear(&mut self.is_down, Change::Restart, changes),
            Kind::Pause => clear(&mut self.is_paused, Change::Resume, changes),
            Kind::Loss | Kind::Duplicate | Kind::Reorder | Kind::Slow => {}
        }
    }
}

impl Conditions for FaultState {
    fn is_cut(&self, from: usize, to: usize) -> bool {
        let is_cut = |cut: &Option<Cut>| cut.as_ref().is_some_and(|cut| cut.is_cut(from, to));
        is_cut(&self.partition) || is_cut(&self.one_way)
    }

    fn loss(&self) -> f64 {
        match self.in_force(Kind::Loss) {
            Some(Fault::Loss(probability)) => *probability,
            _ => 0.0,
        }
    }

    fn duplicate(&self) -> f64 {
        match self.in_force(Kind::Duplicate) {
            Some(Fault::Duplicate(probability)) => *probability,
            _ => 0.0,
        }
    }

    fn reorder(&self) -> f64 {
        match self.in_force(Kind::Reorder) {
            Some(Fault::Reorder(probability)) => *probability,
            _ => 0.0,
        }
    }

    fn latency_factor(&self) -> f64 {
        match self.in_force(Kind::Slow) {
            Some(Fault::Slow(factor)) => *factor,
            _ => 1.0,
        }
    }
}

impl Cut {
    fn is_cut(&self, from: usize, to: usize) -> bool {
        match self {
            Self::Split(side) => side[from] != side[to],
            Self::OneWay(Direction::In, side) => side[to] && !side[from],
            Self::OneWay(Direction::Out, side) => side[from] && !side[to],
            Self::Ring(sees) => from != to && !sees[to][from],
        }
    }
}

/// Puts the hub, where the fault aims at it, into its place.
fn resolve(fault: &mut Fault, nodes: usize, hub: &mut impl FnMut() -> usize) {
    if let Some(group) = fault.group_mut().filter(|group| group.with_hub) {
        let hub = hub();
        assert!(hub < nodes, "the hub {hub} is not one of {nodes} nodes");
        group.nodes = group.resolve(hub);
        group.with_hub = false;
    }
}

fn members(list: &[usize], nodes: usize) -> Vec<bool> {
    let mut is_member = vec![false; nodes];
    list.iter().for_each(|&node| is_member[node] = true);
    is_member
}

/// Ends what is true of some nodes, and tells it of each.
fn clear(is_hit: &mut [bool], change: impl Fn(usize) -> Change, changes: &mut Vec<Change>) {
    for (node, is_hit) in is_hit.iter_mut().enumerate() {
        if std::mem::take(is_hit) {
            changes.push(change(node));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Address, Distribution, Latency, Network};
    use crate::seed::at_ms;

    fn state(nodes: usize, plan: &str) -> FaultState {
        FaultState::new(FaultPlan::from_json(plan, nodes).unwrap())
    }

    fn no_hub() -> usize {
        panic!("nothing aims at the hub")
    }

    /// All changes until a moment, in ms.
    fn changes(state: &mut FaultState, until_ms: u64) -> Vec<Change> {
        state.advance(at_ms(until_ms), no_hub).into_iter().flat_map(|a| a.changes).collect()
    }

    /// All links that are cut, as (from, to).
    fn cuts(state: &FaultState) -> Vec<(usize, usize)> {
        let nodes = state.is_down.len();
        (0..nodes)
            .flat_map(|from| (0..nodes).map(move |to| (from, to)))
            .filter(|&(from, to)| state.is_cut(from, to))
            .collect()
    }

    #[test]
    fn a_partition_cuts_both_ways_from_its_start_to_its_stop() {
        let mut state = state(
            3,
            r#"[{"at_ms":10,"start":"partition","shape":"one","side":[1]},
                {"at_ms":20,"stop":"partition"}]"#,
        );
        assert_eq!(state.next_event(), Some(at_ms(10)));
        assert!(state.advance(Instant(at_ms(10).0 - 1), no_hub).is_empty());
        assert!(cuts(&state).is_empty());
        state.advance(at_ms(10), no_hub);
        assert_eq!(cuts(&state), [(0, 1), (1, 0), (1, 2), (2, 1)]);
        state.advance(at_ms(20), no_hub);
        assert!(cuts(&state).is_empty());
        assert_eq!(state.next_event(), None);
    }

    #[test]
    fn a_ring_cuts_what_the_receiver_does_not_see() {
        let mut state = state(
            3,
            r#"{"at_ms":0,"start":"partition","shape":"majorities-ring","sees":[[0,1],[1,2],[0]]}"#,
        );
        state.advance(at_ms(0), no_hub);
        // Node 0 does not see 2, node 1 not 0, node 2 not 1; that 2 does not list itself is
        // nothing.
        assert_eq!(cuts(&state), [(0, 1), (1, 2), (2, 0)]);
    }

    #[test]
    fn a_one_way_cut_has_its_direction_and_adds_to_a_partition() {
        let mut state = state(
            3,
            r#"[{"at_ms":0,"start":"one-way","direction":"in","side":[0]},
                {"at_ms":1,"start":"one-way","direction":"out","side":[0]},
                {"at_ms":2,"start":"partition","shape":"one","side":[2]}]"#,
        );
        state.advance(at_ms(0), no_hub);
        assert_eq!(cuts(&state), [(1, 0), (2, 0)]);
        state.advance(at_ms(1), no_hub);
        assert_eq!(cuts(&state), [(0, 1), (0, 2)], "a second start takes the place of the first");
        state.advance(at_ms(2), no_hub);
        assert_eq!(cuts(&state), [(0, 1), (0, 2), (1, 2), (2, 0), (2, 1)]);
    }

    #[test]
    fn the_killed_are_restarted_and_the_paused_go_on() {
        let mut state = state(
            4,
            r#"[{"at_ms":0,"start":"kill","nodes":[3,1]}, {"at_ms":1,"start":"pause","nodes":[2]},
                {"at_ms":2,"stop":"kill"}, {"at_ms":3,"stop":"all"}]"#,
        );
        assert_eq!(changes(&mut state, 0), [Change::Kill(3), Change::Kill(1)]);
        assert!(state.is_down(1) && !state.is_down(2));
        assert_eq!(changes(&mut state, 1), [Change::Pause(2)]);
        assert!(state.is_paused(2));
        assert_eq!(changes(&mut state, 2), [Change::Restart(1), Change::Restart(3)]);
        assert_eq!(changes(&mut state, 3), [Change::Resume(2)]);
        assert!(!state.is_down(1) && !state.is_paused(2));
    }

    #[test]
    fn healing_ends_all_faults_and_the_plan() {
        let mut state = state(
            2,
            r#"[{"at_ms":0,"start":"pause","nodes":[0]}, {"at_ms":0,"start":"loss","probability":1},
                {"at_ms":9,"start":"kill","nodes":[1]}]"#,
        );
        changes(&mut state, 5);
        let healed = state.heal(7);
        assert_eq!((healed.event.at_ms, healed.changes), (7, vec![Change::Resume(0)]));
        assert_eq!((state.loss(), state.next_event()), (0.0, None));
    }

    #[test]
    fn a_paused_node_that_is_killed_is_no_longer_paused() {
        let mut state = state(
            2,
            r#"[{"at_ms":0,"start":"pause","nodes":[0]}, {"at_ms":1,"start":"kill","nodes":[0]},
                {"at_ms":2,"stop":"pause"}, {"at_ms":3,"stop":"kill"}]"#,
        );
        changes(&mut state, 1);
        assert!(state.is_down(0) && !state.is_paused(0));
        assert_eq!(changes(&mut state, 3), [Change::Restart(0)]);
    }

    #[test]
    fn a_dead_node_cannot_be_paused() {
        let mut state = state(
            2,
            r#"[{"at_ms":0,"start":"kill","nodes":[0]}, {"at_ms":1,"start":"pause","nodes":[0,1]}]"#,
        );
        assert_eq!(changes(&mut state, 1), [Change::Kill(0), Change::Pause(1)]);
    }

    #[test]
    fn chances_and_the_factor_are_in_force_until_they_stop() {
        let mut state = state(
            2,
            r#"[{"at_ms":0,"start":"loss","probability":0.25},
                {"at_ms":0,"start":"duplicate","probability":0.5},
                {"at_ms":0,"start":"reorder","probability":0.75},
                {"at_ms":0,"start":"slow","factor":10}, {"at_ms":9,"stop":"all"}]"#,
        );
        let told = |state: &FaultState| {
            (state.loss(), state.duplicate(), state.reorder(), state.latency_factor())
        };
        assert_eq!(told(&state), (0.0, 0.0, 0.0, 1.0));
        state.advance(at_ms(0), no_hub);
        assert_eq!(told(&state), (0.25, 0.5, 0.75, 10.0));
        assert_eq!(state.in_force(Kind::Slow), Some(&Fault::Slow(10.0)));
        state.advance(at_ms(9), no_hub);
        assert_eq!(told(&state), (0.0, 0.0, 0.0, 1.0));
        assert_eq!(state.in_force(Kind::Slow), None);
    }

    #[test]
    fn the_hub_takes_the_first_place_unless_it_has_one() {
        let plan = r#"[{"at_ms":0,"start":"kill","nodes":[1,2],"target":"hub"},
                       {"at_ms":1,"start":"kill","nodes":[1,3],"target":"hub"}]"#;
        let mut state = state(5, plan);
        let applied = state.advance(at_ms(1), || 3);
        let Action::Start(Fault::Kill(first)) = &applied[0].event.action else { panic!() };
        let Action::Start(Fault::Kill(second)) = &applied[1].event.action else { panic!() };
        assert_eq!((first.nodes.as_slice(), first.with_hub), ([3, 2].as_slice(), false));
        assert_eq!(second.nodes, [1, 3]);
    }

    #[test]
    fn what_was_applied_is_a_plan_that_repeats_the_run() {
        let plan = r#"[{"at_ms":0,"start":"pause","nodes":[1],"target":"hub"},
                       {"at_ms":5,"stop":"all"}]"#;
        let mut first = state(3, plan);
        let told = first.advance(at_ms(5), || 2);
        let events = told.iter().map(|applied| applied.event.clone()).collect();
        let replay = FaultPlan::new(3, events).unwrap().to_json();
        assert_eq!(state(3, &replay).advance(at_ms(5), no_hub), told);
    }

    #[test]
    fn the_network_takes_its_conditions_from_the_faults() {
        let mut state = state(2, r#"{"at_ms":50,"start":"partition","shape":"one","side":[0]}"#);
        let latency = Latency { mean_ms: 100, distribution: Distribution::Constant };
        let mut network = Network::new(2, latency, 1);
        let mut outcomes = Vec::new();
        network.send(at_ms(0), Address::Node(0), Address::Node(1), "before", &state);
        network.advance(at_ms(50), &state, &mut outcomes);
        state.advance(at_ms(50), || network.hub());
        network.send(at_ms(60), Address::Node(0), Address::Node(1), "after", &state);
        network.advance(at_ms(200), &state, &mut outcomes);
        let told: Vec<_> = outcomes.iter().map(|o| (o.envelope.payload, o.dropped)).collect();
        assert_eq!(told, [("before", None), ("after", Some(crate::network::DropReason::Cut))]);
    }
}
