//! What goes wrong in a run, in few words.

use crate::fault::{
    Action, Event, Fault, FaultPlan, Group, PlanError, Shape, draw_ring, draw_side,
};
use crate::seed::Stream;

/// Most nodes of a majorities-ring, in which each node has a list of whom it hears.
pub const RING_NODES_MAX: usize = 1_000;

/// Who crashes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Victims {
    /// A share of all nodes, above 0 and up to 1, drawn at random: one node at least.
    Share(f64),
    /// The node that has sent most messages when the time comes.
    Hub,
    /// The node at this place.
    Node(usize),
}

/// How the cluster splits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// One side is drawn, and cut off from the rest.
    InTwo(Shape),
    /// Each node hears a majority, and no two the same.
    Ring,
}

/// A time at which something begins, and one at which it ends; both in ms since the begin of the
/// main phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The begin.
    pub from_ms: u64,
    /// The end; nothing if it lasts.
    pub until_ms: Option<u64>,
}

/// What goes wrong in a run: at most one of each.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Trouble {
    /// The probability that a message is lost, 0 to 1, through the whole run.
    pub loss: f64,
    /// Nodes that crash at once, and come back empty if there is an end.
    pub crash: Option<(Victims, Span)>,
    /// A partition.
    pub split: Option<(Split, Span)>,
}

impl Trouble {
    /// Draws the plan for a cluster of `nodes`. Who is hit depends on the seed alone.
    ///
    /// # Errors
    ///
    /// If it names a node that there is not, a probability out of its range, an end before its
    /// begin, or a ring of more than [`RING_NODES_MAX`] nodes.
    pub fn draw(&self, nodes: usize, seed: u64) -> Result<FaultPlan, PlanError> {
        let mut events = Vec::new();
        if self.loss != 0.0 {
            events.push(Event { at_ms: 0, action: Action::Start(Fault::Loss(self.loss)) });
        }
        if let Some((victims, span)) = self.crash {
            let mut stream = Stream::new(seed, "fault crash");
            put(&mut events, span, Fault::Kill(victims.draw(nodes, &mut stream)))?;
        }
        if let Some((split, span)) = self.split {
            let mut stream = Stream::new(seed, "fault split");
            put(&mut events, span, split.draw(nodes, &mut stream)?)?;
        }
        // Stable: what is said first comes first.
        events.sort_by_key(|event| event.at_ms);
        FaultPlan::new(nodes, events)
    }
}

impl Victims {
    fn draw(self, nodes: usize, stream: &mut Stream) -> Group {
        match self {
            Self::Hub => Group { nodes: vec![0], with_hub: true },
            Self::Node(node) => Group { nodes: vec![node], with_hub: false },
            Self::Share(share) => {
                let mut all: Vec<usize> = (0..nodes).collect();
                stream.shuffle(&mut all);
                // A share that is not in its range takes one or all.
                all.truncate(((nodes as f64 * share).round() as usize).max(1));
                all.sort_unstable();
                Group { nodes: all, with_hub: false }
            }
        }
    }
}

impl Split {
    fn draw(self, nodes: usize, stream: &mut Stream) -> Result<Fault, PlanError> {
        match self {
            Self::InTwo(shape) => {
                let side = Group { nodes: draw_side(shape, nodes, stream), with_hub: false };
                Ok(Fault::Split { shape, side })
            }
            Self::Ring if nodes > RING_NODES_MAX => Err(PlanError::new(format!(
                "a majorities-ring is for {RING_NODES_MAX} nodes at most, and not for {nodes}"
            ))),
            Self::Ring => Ok(Fault::Ring { sees: draw_ring(nodes, stream) }),
        }
    }
}

fn put(events: &mut Vec<Event>, span: Span, fault: Fault) -> Result<(), PlanError> {
    let kind = fault.kind();
    if let Some(until_ms) = span.until_ms {
        if until_ms <= span.from_ms {
            return Err(PlanError::new(format!(
                "{kind} ends at {until_ms} ms, and begins at {} ms",
                span.from_ms
            )));
        }
        events.push(Event { at_ms: until_ms, action: Action::Stop(kind) });
    }
    events.push(Event { at_ms: span.from_ms, action: Action::Start(fault) });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Span = Span { from_ms: 1000, until_ms: Some(3000) };

    fn killed(victims: Victims, nodes: usize) -> Vec<usize> {
        let trouble = Trouble { crash: Some((victims, SPAN)), ..Trouble::default() };
        let plan = trouble.draw(nodes, 7).unwrap();
        match &plan.events()[0].action {
            Action::Start(Fault::Kill(group)) => group.resolve(3),
            other => panic!("not a kill: {other:?}"),
        }
    }

    #[test]
    fn so_many_crash_as_it_says() {
        assert_eq!(killed(Victims::Share(0.5), 10).len(), 5);
        assert_eq!(killed(Victims::Share(0.95), 10_000).len(), 9_500);
        assert_eq!(killed(Victims::Share(0.001), 10).len(), 1);
        assert_eq!(killed(Victims::Share(1.0), 10), (0..10).collect::<Vec<_>>());
        assert_eq!((killed(Victims::Hub, 10), killed(Victims::Node(4), 10)), (vec![3], vec![4]));
    }

    #[test]
    fn everything_begins_and_ends_in_the_order_of_time() {
        let trouble = Trouble {
            loss: 0.1,
            crash: Some((Victims::Node(2), SPAN)),
            split: Some((Split::InTwo(Shape::Majority), Span { from_ms: 500, until_ms: None })),
        };
        let plan = trouble.draw(5, 1).unwrap();
        let times: Vec<u64> = plan.events().iter().map(|event| event.at_ms).collect();
        assert_eq!(times, [0, 500, 1000, 3000]);
        assert!(Trouble::default().draw(5, 1).unwrap().events().is_empty());
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let ring = Some((Split::Ring, SPAN));
        let back = Span { from_ms: 5, until_ms: Some(5) };
        for (trouble, says) in [
            (Trouble { loss: 1.5, ..Trouble::default() }, "1.5"),
            (Trouble { crash: Some((Victims::Node(2_000), SPAN)), ..Trouble::default() }, "2000"),
            (Trouble { crash: Some((Victims::Hub, back)), ..Trouble::default() }, "ends at 5 ms"),
            (Trouble { split: ring, ..Trouble::default() }, "1000 nodes at most"),
        ] {
            let refusal = trouble.draw(2_000, 1).unwrap_err();
            assert!(refusal.to_string().contains(says), "{refusal}");
        }
        assert!(Trouble { split: ring, ..Trouble::default() }.draw(10, 1).is_ok());
    }
}
