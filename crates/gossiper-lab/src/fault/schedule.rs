//! Plans from a seed, as Maelstrom's nemesis would make them.

use std::time::Duration;

use super::plan::{
    AT_MS_MAX, Action, Direction, EVENTS_MAX, Event, Fault, FaultPlan, Group, Kind, PlanError,
    Shape,
};
use super::sides::{draw_ring, draw_side};
use crate::seed::Stream;

/// At whom faults aim.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Target {
    /// At anybody.
    #[default]
    Random,
    /// At the node that has sent most when the fault comes, and as many others as the fault takes.
    /// Partitions are then never majorities-rings, in which no node is singled out.
    Hub,
}

/// How bad the faults are that have a size. The values but `slow` are guesses: bad enough to need
/// every repair, mild enough that values still spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Intensity {
    /// Probability of a loss, 0 to 1; 0.1 unless told.
    pub loss: f64,
    /// Probability of a copy, 0 to 1; 0.1 unless told.
    pub duplicate: f64,
    /// Probability of a latency from the wide range, 0 to 1; 0.5 unless told.
    pub reorder: f64,
    /// Factor of latencies, 0 to 1000; 10 unless told, as Jepsen's slow network.
    pub slow: f64,
}

impl Default for Intensity {
    fn default() -> Self {
        Self { loss: 0.1, duplicate: 0.1, reorder: 0.5, slow: 10.0 }
    }
}

/// What a drawn plan is to be like.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanConfig {
    /// The size of the cluster.
    pub nodes: usize,
    /// Which faults come; the order and repetitions do not matter.
    pub kinds: Vec<Kind>,
    /// When all faults end; whole ms, at most ten days.
    pub time_limit: Duration,
    /// Mean time between a start and the stop after it, and from there to the next start; at least
    /// 1 ms. Maelstrom's `--nemesis-interval`.
    pub interval: Duration,
    /// At whom faults aim.
    pub target: Target,
    /// How bad they are.
    pub intensity: Intensity,
}

impl PlanConfig {
    /// Draws a plan. Each kind has a schedule of its own: it starts at 0, and start and stop
    /// alternate with gaps uniform on [0, 2 intervals], in whole ms. At the time limit everything
    /// stops.
    ///
    /// Times and choices come from streams of their own by kind: neither the other kinds nor the
    /// size of the cluster change when a kind comes.
    ///
    /// A kill or a pause takes one node or a minority third (at least one), by a coin; a one-way
    /// cut singles out one node, a minority third or a half, and goes either way.
    ///
    /// # Errors
    ///
    /// If the interval is below 1 ms, the time limit above ten days, the events become more than
    /// 100,000, or an intensity is out of its range.
    pub fn draw(&self, seed: u64) -> Result<FaultPlan, PlanError> {
        let limit_ms = u64::try_from(self.time_limit.as_millis()).unwrap_or(u64::MAX);
        let interval_ms = u64::try_from(self.interval.as_millis()).unwrap_or(u64::MAX);
        if limit_ms > AT_MS_MAX {
            return Err(PlanError(format!("{limit_ms} ms are longer than the ten days of a plan")));
        }
        if interval_ms == 0 {
            return Err(PlanError("the interval is below 1 ms".into()));
        }
        let mut events = Vec::new();
        for kind in Kind::ALL {
            if self.kinds.contains(&kind) {
                self.draw_kind(kind, seed, limit_ms, interval_ms, &mut events);
            }
        }
        // Stable: of simultaneous events those of the first kind come first.
        events.sort_by_key(|event| event.at_ms);
        if !self.kinds.is_empty() {
            events.push(Event { at_ms: limit_ms, action: Action::StopAll });
        }
        FaultPlan::new(self.nodes, events)
    }

    fn draw_kind(
        &self,
        kind: Kind,
        seed: u64,
        limit_ms: u64,
        interval_ms: u64,
        events: &mut Vec<Event>,
    ) {
        let mut times = Stream::new(seed, &format!("fault {kind} times"));
        let mut choices = Stream::new(seed, &format!("fault {kind} choices"));
        let gap_bound = interval_ms.saturating_mul(2).saturating_add(1);
        let mut at_ms = 0;
        let mut is_on = false;
        // More than the maximum is refused later, so there is no need to go on.
        while at_ms < limit_ms && events.len() <= EVENTS_MAX {
            let action = if is_on {
                Action::Stop(kind)
            } else {
                Action::Start(self.draw_fault(kind, &mut choices))
            };
            events.push(Event { at_ms, action });
            is_on = !is_on;
            at_ms += times.below(gap_bound).min(AT_MS_MAX);
        }
    }

    fn draw_fault(&self, kind: Kind, stream: &mut Stream) -> Fault {
        match kind {
            Kind::Partition => match self.draw_shape(self.target == Target::Random, stream) {
                Some(shape) => Fault::Split { shape, side: self.draw_group(shape, stream) },
                None => Fault::Ring { sees: draw_ring(self.nodes, stream) },
            },
            Kind::OneWay => {
                let direction = if stream.coin() { Direction::In } else { Direction::Out };
                let shape = self.draw_shape(false, stream).unwrap_or(Shape::One);
                Fault::OneWay { direction, side: self.draw_group(shape, stream) }
            }
            Kind::Kill => Fault::Kill(self.draw_victims(stream)),
            Kind::Pause => Fault::Pause(self.draw_victims(stream)),
            Kind::Loss => Fault::Loss(self.intensity.loss),
            Kind::Duplicate => Fault::Duplicate(self.intensity.duplicate),
            Kind::Reorder => Fault::Reorder(self.intensity.reorder),
            Kind::Slow => Fault::Slow(self.intensity.slow),
        }
    }

    /// One of Maelstrom's, each equally likely; `None` is the majorities-ring.
    fn draw_shape(&self, or_ring: bool, stream: &mut Stream) -> Option<Shape> {
        match stream.below(3 + u64::from(or_ring)) {
            0 => Some(Shape::One),
            1 => Some(Shape::MinorityThird),
            2 => Some(Shape::Majority),
            _ => None,
        }
    }

    fn draw_group(&self, shape: Shape, stream: &mut Stream) -> Group {
        let nodes = draw_side(shape, self.nodes, stream);
        let with_hub = self.target == Target::Hub && !nodes.is_empty();
        Group { nodes, with_hub }
    }

    fn draw_victims(&self, stream: &mut Stream) -> Group {
        // To kill nobody would test nothing.
        let has_third = self.nodes > 3;
        let shape = if stream.coin() && has_third { Shape::MinorityThird } else { Shape::One };
        self.draw_group(shape, stream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(kinds: &[Kind]) -> PlanConfig {
        PlanConfig {
            nodes: 25,
            kinds: kinds.to_vec(),
            time_limit: Duration::from_secs(20),
            interval: Duration::from_secs(2),
            target: Target::Random,
            intensity: Intensity::default(),
        }
    }

    fn times(plan: &FaultPlan, kind: Kind) -> Vec<u64> {
        let of_kind = |event: &&Event| match &event.action {
            Action::Start(fault) => fault.kind() == kind,
            Action::Stop(stopped) => *stopped == kind,
            Action::StopAll => false,
        };
        plan.events().iter().filter(of_kind).map(|event| event.at_ms).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_plan_and_another_seed_another() {
        let all = config(&Kind::ALL);
        assert_eq!(all.draw(1), all.draw(1));
        assert_ne!(all.draw(1), all.draw(2));
    }

    #[test]
    fn every_kind_starts_at_once_and_alternates_and_all_stops_at_the_limit() {
        let plan = config(&Kind::ALL).draw(1).unwrap();
        for kind in Kind::ALL {
            assert_eq!(times(&plan, kind)[0], 0, "{kind}");
            let starts: Vec<bool> = plan
                .events()
                .iter()
                .filter_map(|event| match &event.action {
                    Action::Start(fault) if fault.kind() == kind => Some(true),
                    Action::Stop(stopped) if *stopped == kind => Some(false),
                    _ => None,
                })
                .collect();
            assert!(starts.iter().enumerate().all(|(index, on)| *on == (index % 2 == 0)));
        }
        let last = plan.events().last().unwrap();
        assert_eq!((last.at_ms, &last.action), (20_000, &Action::StopAll));
        assert!(plan.events().iter().rev().skip(1).all(|event| event.at_ms < 20_000));
    }

    #[test]
    fn a_kind_comes_when_it_comes_whatever_else_does() {
        let alone = config(&[Kind::Kill]).draw(5).unwrap();
        let mixed = config(&Kind::ALL).draw(5).unwrap();
        let small = PlanConfig { nodes: 3, ..config(&Kind::ALL) }.draw(5).unwrap();
        assert_eq!(times(&alone, Kind::Kill), times(&mixed, Kind::Kill));
        assert_eq!(times(&alone, Kind::Kill), times(&small, Kind::Kill));
        assert_ne!(times(&mixed, Kind::Kill), times(&mixed, Kind::Pause));
    }

    #[test]
    fn gaps_are_uniform_up_to_twice_the_interval() {
        let long = PlanConfig { time_limit: Duration::from_secs(20_000), ..config(&[Kind::Slow]) };
        let times = times(&long.draw(1).unwrap(), Kind::Slow);
        let gaps: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.len().abs_diff(10_000) < 250, "{}", gaps.len());
        assert!(gaps.iter().all(|&gap| gap <= 4000));
        let below_1000 = gaps.iter().filter(|&&gap| gap < 1000).count();
        assert!(below_1000.abs_diff(gaps.len() / 4) < 200, "{below_1000}");
    }

    #[test]
    fn the_four_partitions_are_equally_likely() {
        let long =
            PlanConfig { time_limit: Duration::from_secs(8_000), ..config(&[Kind::Partition]) };
        let mut counts = [0_usize; 4];
        for event in long.draw(1).unwrap().events() {
            match &event.action {
                Action::Start(Fault::Split { shape, .. }) => counts[*shape as usize] += 1,
                Action::Start(Fault::Ring { .. }) => counts[3] += 1,
                _ => {}
            }
        }
        assert!(counts.iter().all(|count| count.abs_diff(500) < 90), "{counts:?}");
    }

    #[test]
    fn aimed_at_the_hub_every_event_with_nodes_says_so() {
        let plan = PlanConfig { target: Target::Hub, ..config(&Kind::ALL) }.draw(1).unwrap();
        for event in plan.events() {
            if let Action::Start(fault) = &event.action {
                assert!(fault.group().is_none_or(|group| group.with_hub), "{fault:?}");
                assert!(!matches!(fault, Fault::Ring { .. }));
            }
        }
    }

    #[test]
    fn a_kill_takes_at_least_one_node_of_any_cluster() {
        for nodes in 1..6 {
            let plan = PlanConfig { nodes, ..config(&[Kind::Kill]) }.draw(1).unwrap();
            for event in plan.events() {
                if let Action::Start(Fault::Kill(group)) = &event.action {
                    assert!(!group.nodes.is_empty());
                }
            }
        }
    }

    #[test]
    fn a_drawn_plan_survives_being_written_down() {
        for target in [Target::Random, Target::Hub] {
            let plan = PlanConfig { target, ..config(&Kind::ALL) }.draw(3).unwrap();
            assert_eq!(FaultPlan::from_json(&plan.to_json(), 25).unwrap(), plan);
        }
    }

    #[test]
    fn what_cannot_be_planned_is_refused() {
        let error = |config: PlanConfig| config.draw(1).unwrap_err().to_string();
        let hasty = PlanConfig { interval: Duration::ZERO, ..config(&[Kind::Loss]) };
        assert!(error(hasty).contains("below 1 ms"));
        let endless = PlanConfig { time_limit: Duration::MAX, ..config(&[Kind::Loss]) };
        assert!(error(endless).contains("ten days"));
        let many = PlanConfig {
            time_limit: Duration::from_secs(86_400),
            interval: Duration::from_millis(1),
            ..config(&[Kind::Loss])
        };
        assert!(error(many).contains("more than the 100000"));
        assert!(config(&[]).draw(1).unwrap().events().is_empty());
    }
}
