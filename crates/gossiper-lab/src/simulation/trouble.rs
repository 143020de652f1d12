//! What goes wrong in a run, in few words.

use std::fmt;
use std::str::FromStr;

use super::scenario::ScenarioError;
use crate::fault::{
    AT_MS_MAX, Action, Event, Fault, FaultPlan, Group, Shape, check_event, draw_ring, draw_side,
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
    /// Each node hears a majority, and hardly two the same.
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

/// Who crashes, and when. Read from texts such as `10%@2s`, `0.1@2s..8s`, `hub@2s` or `n3@2s`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crash {
    /// Who.
    pub victims: Victims,
    /// When; after the end they start anew, empty.
    pub span: Span,
}

/// A partition, and when. Read from texts such as `majority@1s..5s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    /// How.
    pub split: Split,
    /// When.
    pub span: Span,
}

/// What goes wrong in a run: at most one of each.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Trouble {
    /// The probability that a message is lost, 0 to 1, through the whole run.
    pub loss: f64,
    /// Nodes that crash at once, and come back empty if there is an end.
    pub crash: Option<Crash>,
    /// A partition.
    pub partition: Option<Partition>,
}

impl Trouble {
    /// Draws the plan for a cluster of `nodes`. Who is hit depends on the seed alone.
    ///
    /// # Errors
    ///
    /// If it names a node that there is not, a probability out of its range, an end before its
    /// begin, a partition that parts nobody, or a ring of more than [`RING_NODES_MAX`] nodes. Begins
    /// with what it is about, such as `crash n5@2s`.
    pub fn draw(&self, nodes: usize, seed: u64) -> Result<FaultPlan, ScenarioError> {
        let mut events = Vec::new();
        if self.loss != 0.0 {
            let start = Event { at_ms: 0, action: Action::Start(Fault::Loss(self.loss)) };
            put(&mut events, vec![start], nodes).map_err(about("loss", &self.loss))?;
        }
        if let Some(crash) = &self.crash {
            let mut stream = Stream::new(seed, "fault crash");
            let begun = crash.victims.draw(nodes, &mut stream).map(Fault::Kill);
            let spell = begun.and_then(|fault| crash.span.events(fault));
            let spell = spell.and_then(|spell| put(&mut events, spell, nodes));
            spell.map_err(about("crash", crash))?;
        }
        if let Some(partition) = &self.partition {
            let mut stream = Stream::new(seed, "fault split");
            let begun = partition.split.draw(nodes, &mut stream);
            let spell = begun.and_then(|fault| partition.span.events(fault));
            let spell = spell.and_then(|spell| put(&mut events, spell, nodes));
            spell.map_err(about("partition", partition))?;
        }
        // Stable: what is said first comes first.
        events.sort_by_key(|event| event.at_ms);
        FaultPlan::new(nodes, events).map_err(|error| ScenarioError::new(error.to_string()))
    }
}

/// Says what a problem is about.
fn about<'a>(
    key: &'static str,
    value: &'a dyn fmt::Display,
) -> impl FnOnce(String) -> ScenarioError + 'a {
    move |problem| ScenarioError::about(key, problem).with_value(value)
}

/// Adds events that can be.
fn put(events: &mut Vec<Event>, more: Vec<Event>, nodes: usize) -> Result<(), String> {
    more.iter().try_for_each(|event| check_event(event, nodes))?;
    events.extend(more);
    Ok(())
}

impl Victims {
    fn draw(self, nodes: usize, stream: &mut Stream) -> Result<Group, String> {
        Ok(match self {
            Self::Hub => Group { nodes: vec![0], with_hub: true },
            Self::Node(node) if node >= nodes => {
                let last = nodes.saturating_sub(1);
                return Err(format!("there is no node n{node}: the cluster has n0 to n{last}"));
            }
            Self::Node(node) => Group { nodes: vec![node], with_hub: false },
            Self::Share(share) => {
                let mut all: Vec<usize> = (0..nodes).collect();
                stream.shuffle(&mut all);
                // A share that is not in its range takes one or all.
                all.truncate(((nodes as f64 * share).round() as usize).max(1));
                all.sort_unstable();
                Group { nodes: all, with_hub: false }
            }
        })
    }
}

impl Split {
    fn draw(self, nodes: usize, stream: &mut Stream) -> Result<Fault, String> {
        let nobody = || format!("it cuts off nobody in a cluster of {nodes}");
        match self {
            Self::InTwo(shape) => {
                let side = draw_side(shape, nodes, stream);
                if side.is_empty() || side.len() == nodes {
                    return Err(nobody());
                }
                Ok(Fault::Split { shape, side: Group { nodes: side, with_hub: false } })
            }
            // Each of so few is needed for a majority.
            Self::Ring if nodes < 3 => Err(nobody()),
            Self::Ring if nodes > RING_NODES_MAX => Err(format!(
                "a majorities-ring is for {RING_NODES_MAX} nodes at most, and not for {nodes}"
            )),
            Self::Ring => Ok(Fault::Ring { sees: draw_ring(nodes, stream) }),
        }
    }
}

impl Span {
    /// The begin of a fault, and its end if it has one.
    fn events(self, fault: Fault) -> Result<Vec<Event>, String> {
        let kind = fault.kind();
        let mut events = vec![Event { at_ms: self.from_ms, action: Action::Start(fault) }];
        if let Some(until_ms) = self.until_ms {
            if until_ms <= self.from_ms {
                return Err(format!("it ends at {until_ms} ms, and begins at {} ms", self.from_ms));
            }
            events.push(Event { at_ms: until_ms, action: Action::Stop(kind) });
        }
        Ok(events)
    }
}

impl FromStr for Crash {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (who, span) = spanned(text, "10%@1s, or 10%@1s..5s if they come back")?;
        let share = share(who);
        let victims = match (who, share) {
            ("1", _) => {
                let problem = "1 may mean one node, or all as a share of them";
                return Err(format!("{problem}: write a node such as n1, or 100%"));
            }
            ("hub", _) => Some(Victims::Hub),
            (_, Some(share)) => Some(Victims::Share(share)).filter(|_| share > 0.0),
            _ => who.strip_prefix('n').and_then(|node| node.parse().ok()).map(Victims::Node),
        };
        let victims = victims.ok_or_else(|| {
            format!(
                "{who:?} is nobody: write a share such as 10% or 0.1, hub, or a node such as n3"
            )
        })?;
        Ok(Self { victims, span })
    }
}

impl FromStr for Partition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (how, span) = spanned(text, "majority@1s..5s, or majority@1s if it lasts")?;
        let split = match how {
            "one" => Split::InTwo(Shape::One),
            "minority-third" => Split::InTwo(Shape::MinorityThird),
            "majority" => Split::InTwo(Shape::Majority),
            "majorities-ring" => Split::Ring,
            _ => {
                return Err(format!(
                    "no partition is called {how:?}: one, minority-third, majority, majorities-ring"
                ));
            }
        };
        Ok(Self { split, span })
    }
}

impl fmt::Display for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.victims {
            // To a millionth of a percent, so that 0.07 is 7 %, and not a little more.
            Victims::Share(share) => write!(f, "{}%", (share * 1e8).round() / 1e6)?,
            Victims::Hub => f.write_str("hub")?,
            Victims::Node(node) => write!(f, "n{node}")?,
        }
        write!(f, "@{}", self.span)
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let split = match self.split {
            Split::InTwo(Shape::One) => "one",
            Split::InTwo(Shape::MinorityThird) => "minority-third",
            Split::InTwo(Shape::Majority) => "majority",
            Split::Ring => "majorities-ring",
        };
        write!(f, "{split}@{}", self.span)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |ms: u64| match ms % 1000 {
            0 => format!("{}s", ms / 1000),
            _ => format!("{ms}ms"),
        };
        f.write_str(&time(self.from_ms))?;
        self.until_ms.map_or(Ok(()), |until_ms| write!(f, "..{}", time(until_ms)))
    }
}

/// Reads a share from 0 to 1, such as `0.1` or `10%`.
pub fn share(text: &str) -> Option<f64> {
    let share = match text.strip_suffix('%') {
        // As if the point had been moved, so that 7% is 0.07 to the last bit.
        Some(percent) => format!("{}e-2", percent.trim_end()).parse().ok(),
        None => text.parse().ok(),
    };
    share.filter(|share| (0.0..=1.0).contains(share))
}

/// Splits what happens from when: `what@from` or `what@from..until`.
fn spanned<'a>(text: &'a str, such_as: &str) -> Result<(&'a str, Span), String> {
    let refuse = || format!("write what and when, such as {such_as}");
    let (what, when) = text.split_once('@').ok_or_else(refuse)?;
    let (from, until) = match when.split_once("..") {
        Some((from, until)) => (from, Some(until)),
        None => (when, None),
    };
    let span = Span { from_ms: time_ms(from)?, until_ms: until.map(time_ms).transpose()? };
    if span.until_ms.is_some_and(|until_ms| until_ms <= span.from_ms) {
        return Err(format!("it ends at {} and begins at {from}", until.unwrap_or_default()));
    }
    Ok((what, span))
}

fn time_ms(text: &str) -> Result<u64, String> {
    if text == "0" {
        return Ok(0);
    }
    let time = humantime::parse_duration(text)
        .map_err(|_| format!("{text:?} is no time: write one such as 100ms, 2s or 0s"))?;
    let ms = u64::try_from(time.as_millis()).ok().filter(|&ms| ms <= AT_MS_MAX);
    ms.ok_or_else(|| format!("{text} is beyond ten days, which are the most"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Span = Span { from_ms: 1000, until_ms: Some(3000) };

    fn killed(victims: Victims, nodes: usize) -> Vec<usize> {
        let trouble = Trouble { crash: Some(Crash { victims, span: SPAN }), ..Trouble::default() };
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
            crash: Some(Crash { victims: Victims::Node(2), span: SPAN }),
            partition: Some(Partition {
                split: Split::InTwo(Shape::Majority),
                span: Span { from_ms: 500, until_ms: None },
            }),
        };
        let plan = trouble.draw(5, 1).unwrap();
        let times: Vec<u64> = plan.events().iter().map(|event| event.at_ms).collect();
        assert_eq!(times, [0, 500, 1000, 3000]);
        assert!(Trouble::default().draw(5, 1).unwrap().events().is_empty());
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let ring = Some(Partition { split: Split::Ring, span: SPAN });
        let back = Span { from_ms: 5, until_ms: Some(5) };
        for (trouble, says) in [
            (Trouble { loss: 1.5, ..Trouble::default() }, "loss 1.5: "),
            (
                Trouble {
                    crash: Some(Crash { victims: Victims::Node(2_000), span: SPAN }),
                    ..Trouble::default()
                },
                "crash n2000@1s..3s: there is no node n2000: the cluster has n0 to n1999",
            ),
            (
                Trouble {
                    crash: Some(Crash { victims: Victims::Hub, span: back }),
                    ..Trouble::default()
                },
                "crash hub@5ms..5ms: it ends at 5 ms",
            ),
            (
                Trouble { partition: ring, ..Trouble::default() },
                "partition majorities-ring@1s..3s: a majorities-ring is for 1000 nodes at most",
            ),
        ] {
            let refusal = trouble.draw(2_000, 1).unwrap_err();
            assert!(refusal.to_string().contains(says), "{refusal}");
        }
        assert!(Trouble { partition: ring, ..Trouble::default() }.draw(10, 1).is_ok());
        for (split, least) in
            [("one", 2), ("majority", 2), ("minority-third", 4), ("majorities-ring", 3)]
        {
            let partition = Some(format!("{split}@1s").parse().unwrap());
            for nodes in 1..9 {
                let drawn = Trouble { partition, ..Trouble::default() }.draw(nodes, 1);
                assert_eq!(drawn.is_ok(), nodes >= least, "{split} of {nodes}");
            }
        }
    }

    #[test]
    fn a_share_is_a_number_or_a_percentage() {
        for (text, is) in
            [("0.07", 0.07), ("7%", 0.07), ("2.5 %", 0.025), ("100%", 1.0), ("0", 0.0)]
        {
            assert_eq!(share(text), Some(is), "{text}");
        }
        for text in ["", "%", "101%", "2", "-1%", "nan", "inf%", "x"] {
            assert_eq!(share(text), None, "{text}");
        }
    }

    fn span(from_ms: u64, until_ms: Option<u64>) -> Span {
        Span { from_ms, until_ms }
    }

    #[test]
    fn who_crashes_is_a_share_the_hub_or_a_node() {
        for (text, victims, span) in [
            ("10%@2s", Victims::Share(0.1), span(2000, None)),
            ("0.5@0", Victims::Share(0.5), span(0, None)),
            ("100%@1m", Victims::Share(1.0), span(60_000, None)),
            ("hub@250ms..1s", Victims::Hub, span(250, Some(1000))),
            ("n17@2s..3s", Victims::Node(17), span(2000, Some(3000))),
        ] {
            let crash = Crash { victims, span };
            assert_eq!((text.parse(), crash.to_string().parse()), (Ok(crash), Ok(crash)), "{text}");
        }
        for text in [
            "10%",
            "0%@1s",
            "101%@1s",
            "1@1s",
            "2@1s",
            "hub@1000y",
            "nan@1s",
            "n@1s",
            "hub@soon",
            "hub@3s..2s",
        ] {
            assert!(text.parse::<Crash>().is_err(), "{text}");
        }
    }

    #[test]
    fn partitions_have_the_names_of_the_plans() {
        let ring = Partition { split: Split::Ring, span: span(1000, Some(5000)) };
        assert_eq!("majorities-ring@1s..5s".parse(), Ok(ring));
        assert_eq!(ring.to_string(), "majorities-ring@1s..5s");
        let half = Partition { split: Split::InTwo(Shape::Majority), span: span(0, None) };
        assert_eq!("majority@0s".parse(), Ok(half));
        assert!("half@1s".parse::<Partition>().unwrap_err().contains("minority-third"));
        assert!("one".parse::<Partition>().unwrap_err().contains("majority@1s..5s"));
    }
}
