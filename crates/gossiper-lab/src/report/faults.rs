//! `faults.jsonl` as spans of time: what was wrong from when to when, in words.

use serde::Serialize;

use super::thin::rounded;
use crate::fault::{Action, Direction, Fault, FaultPlan, Kind, Shape};

/// Spans that the page shows; those beyond are counted.
const SPANS_MAX: usize = 2_000;

/// Nodes that the text of a span names.
const NAMED_MAX: usize = 12;

/// Places of nodes that all spans may list together.
const PLACES_MAX: usize = 50_000;

/// All spans, in the order of their start.
#[derive(Serialize, Default)]
pub(super) struct Faults {
    pub(super) spans: Vec<Span>,
    /// How many more there were.
    left_out: usize,
}

/// A fault, for as long as it was in force.
#[derive(Serialize)]
pub(super) struct Span {
    pub(super) kind: &'static str,
    pub(super) from_ms: f64,
    /// Nothing if it was in force to the end.
    pub(super) to_ms: Option<f64>,
    /// What it did, for instance `one node: n3 | the rest`.
    text: String,
    /// The places of the nodes that it happened to; empty if it happened to links, or if the page
    /// has no room for more.
    pub(super) nodes: Vec<usize>,
}

impl Faults {
    /// The spans of a plan, for nodes with these names.
    pub(super) fn of(plan: &FaultPlan, names: &[String]) -> Self {
        let mut faults = Self::default();
        // Of each kind in force, the place of its span.
        let mut in_force: [Option<usize>; Kind::ALL.len()] = [None; Kind::ALL.len()];
        let mut places = 0;
        for event in plan.events() {
            let at_ms = rounded(event.at_ms as f64);
            let mut stop = |kind: Kind| {
                if let Some(place) = in_force[kind as usize].take() {
                    faults.spans[place].to_ms = Some(at_ms);
                }
            };
            match &event.action {
                Action::Stop(kind) => stop(*kind),
                Action::StopAll => Kind::ALL.into_iter().for_each(stop),
                Action::Start(fault) => {
                    stop(fault.kind());
                    if faults.spans.len() == SPANS_MAX {
                        faults.left_out += 1;
                        continue;
                    }
                    let mut nodes = fault.group().map_or(Vec::new(), |group| group.nodes.clone());
                    places += nodes.len();
                    if places > PLACES_MAX {
                        nodes.clear();
                    }
                    in_force[fault.kind() as usize] = Some(faults.spans.len());
                    faults.spans.push(Span {
                        kind: fault.kind().name(),
                        from_ms: at_ms,
                        to_ms: None,
                        text: text(fault, names),
                        nodes,
                    });
                }
            }
        }
        faults
    }

    /// For each of so many nodes, whether it is neither down nor paused at the end.
    pub(super) fn live(plan: &FaultPlan) -> Vec<bool> {
        let mut down: [&[usize]; 2] = [&[], &[]];
        for event in plan.events() {
            match &event.action {
                Action::Start(Fault::Kill(group)) => down[0] = &group.nodes,
                Action::Start(Fault::Pause(group)) => down[1] = &group.nodes,
                Action::Stop(Kind::Kill) => down[0] = &[],
                Action::Stop(Kind::Pause) => down[1] = &[],
                Action::StopAll => down = [&[], &[]],
                Action::Start(_) | Action::Stop(_) => {}
            }
        }
        let mut live = vec![true; plan.nodes()];
        down.concat().into_iter().for_each(|node| live[node] = false);
        live
    }
}

/// What a fault does, in words.
fn text(fault: &Fault, names: &[String]) -> String {
    match fault {
        Fault::Split { shape, side } => {
            let shape = match shape {
                Shape::One => "one node",
                Shape::MinorityThird => "a minority third",
                Shape::Majority => "half of the nodes",
            };
            format!("{shape}: {} | the rest", named(&side.nodes, names))
        }
        Fault::Ring { .. } => {
            "majorities ring: each node sees a majority, hardly two the same".into()
        }
        Fault::OneWay { direction: Direction::In, side } => {
            format!("{} do not hear the rest", named(&side.nodes, names))
        }
        Fault::OneWay { direction: Direction::Out, side } => {
            format!("{} are not heard by the rest", named(&side.nodes, names))
        }
        Fault::Kill(group) => format!("down: {}", named(&group.nodes, names)),
        Fault::Pause(group) => format!("stopped: {}", named(&group.nodes, names)),
        Fault::Loss(chance) => format!("{} of the messages lost", percent(*chance)),
        Fault::Duplicate(chance) => format!("{} of the messages twice", percent(*chance)),
        Fault::Reorder(chance) => format!("{} of the messages out of order", percent(*chance)),
        Fault::Slow(factor) => format!("latencies × {factor}"),
    }
}

fn percent(chance: f64) -> String {
    format!("{} %", rounded(chance * 100.0))
}

fn named(places: &[usize], names: &[String]) -> String {
    if places.is_empty() {
        return "no node".into();
    }
    let mut sorted = places.to_vec();
    sorted.sort_unstable();
    let shown: Vec<&str> = sorted.iter().take(NAMED_MAX).map(|&at| names[at].as_str()).collect();
    match places.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|n| format!("n{n}")).collect()
    }

    fn faults(text: &str, nodes: usize) -> Faults {
        Faults::of(&FaultPlan::from_json(text, nodes).unwrap(), &names(nodes))
    }

    #[test]
    fn a_fault_lasts_until_its_stop_or_the_next_of_its_kind() {
        let faults = faults(
            r#"{"at_ms":0,"start":"partition","shape":"one","side":[2]}
{"at_ms":10,"start":"loss","probability":0.05}
{"at_ms":20,"start":"partition","shape":"majority","side":[1,0]}
{"at_ms":30,"stop":"partition"}
{"at_ms":40,"start":"kill","nodes":[1]}
{"at_ms":50,"stop":"all"}
{"at_ms":60,"start":"slow","factor":10}"#,
            4,
        );
        let spans: Vec<_> = faults
            .spans
            .iter()
            .map(|span| (span.kind, span.from_ms, span.to_ms, span.text.as_str()))
            .collect();
        assert_eq!(
            spans,
            [
                ("partition", 0.0, Some(20.0), "one node: n2 | the rest"),
                ("loss", 10.0, Some(50.0), "5 % of the messages lost"),
                ("partition", 20.0, Some(30.0), "half of the nodes: n0, n1 | the rest"),
                ("kill", 40.0, Some(50.0), "down: n1"),
                ("slow", 60.0, None, "latencies × 10"),
            ]
        );
    }

    #[test]
    fn a_long_list_of_nodes_is_cut() {
        let nodes: Vec<String> = (0..20).map(|n| n.to_string()).collect();
        let line = format!(r#"{{"at_ms":0,"start":"pause","nodes":[{}]}}"#, nodes.join(","));
        let text = &faults(&line, 30).spans[0].text;
        assert!(text.ends_with("n10, n11 and 8 more"), "{text}");
    }

    #[test]
    fn nodes_down_or_paused_at_the_end_are_not_live() {
        let plan = FaultPlan::from_json(
            r#"{"at_ms":0,"start":"kill","nodes":[0]}
{"at_ms":1,"start":"pause","nodes":[1]}
{"at_ms":2,"start":"kill","nodes":[2]}
{"at_ms":3,"stop":"pause"}"#,
            4,
        );
        assert_eq!(Faults::live(&plan.unwrap()), [true, true, false, true]);
    }
}
