//! A plan as text, and back.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::plan::{
    Action, Direction, EVENTS_MAX, Event, Fault, FaultPlan, Group, Kind, PlanError, Shape,
};

/// Longest text of a plan, in bytes: a majorities-ring of 1,000 nodes takes 2 MB.
const TEXT_BYTES_MAX: usize = 256 << 20;

/// An event with every field that some event has. Which of them it may have is decided by what it
/// starts, so that an error can say it.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Written {
    at_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stop: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shape: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    direction: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    side: Option<Vec<NodeRef>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sees: Option<Vec<Vec<NodeRef>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nodes: Option<Vec<NodeRef>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    factor: Option<f64>,
}

/// A node, as a plan may name it.
#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged, expecting = "a node is given by its name or by its place, from 0")]
enum NodeRef {
    Place(usize),
    Name(String),
}

impl NodeRef {
    fn place(self, names: &[String]) -> Result<usize, String> {
        match self {
            Self::Place(place) => Ok(place),
            Self::Name(name) => names
                .iter()
                .position(|other| *other == name)
                .ok_or_else(|| format!("no node is called {name:?}")),
        }
    }
}

fn places(nodes: Vec<NodeRef>, names: &[String]) -> Result<Vec<usize>, String> {
    nodes.into_iter().map(|node| node.place(names)).collect()
}

fn refs(places: &[usize]) -> Vec<NodeRef> {
    places.iter().copied().map(NodeRef::Place).collect()
}

impl FaultPlan {
    /// Reads a plan for `nodes` nodes: one event a line, or an array of events.
    ///
    /// # Errors
    ///
    /// If the text is not as the module's documentation says; names the event, counted from 1, and
    /// where there is one event a line, the line.
    pub fn from_json(text: &str, nodes: usize) -> Result<Self, PlanError> {
        Self::read(text, nodes, &[])
    }

    /// Reads a plan for nodes with these names, by which it may call them.
    ///
    /// # Errors
    ///
    /// As [`Self::from_json`].
    pub fn from_json_with_names(text: &str, names: &[String]) -> Result<Self, PlanError> {
        Self::read(text, names.len(), names)
    }

    fn read(text: &str, nodes: usize, names: &[String]) -> Result<Self, PlanError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(PlanError(format!("{} bytes are too long for a plan", text.len())));
        }
        if text.trim_start().starts_with('[') {
            let all: Vec<&RawValue> = serde_json::from_str(text)
                .map_err(|error| PlanError(format!("the array of events: {error}")))?;
            let all: Vec<&str> = all.iter().map(|raw| raw.get()).collect();
            return read_all(names, &all, nodes, |index| format!("event {}", index + 1));
        }
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let (numbers, lines): (Vec<usize>, Vec<&str>) = lines.unzip();
        let place = |index| format!("event {} (line {})", index + 1, numbers[index] + 1);
        read_all(names, &lines, nodes, place)
    }

    /// The plan as text, one event a line. [`Self::from_json`] gives the same plan.
    pub fn to_json(&self) -> String {
        let mut text = String::new();
        for event in self.events() {
            // Numbers, lists and names: there is nothing in an event that JSON cannot say.
            text += &serde_json::to_string(&written(event)).unwrap_or_default();
            text.push('\n');
        }
        text
    }
}

/// Reads all events; `place` says where the one with this index stands.
fn read_all(
    names: &[String],
    texts: &[&str],
    nodes: usize,
    place: impl Fn(usize) -> String,
) -> Result<FaultPlan, PlanError> {
    let read = |(index, text): (usize, &&str)| {
        read(text, names).map_err(|problem| PlanError(format!("{}: {problem}", place(index))))
    };
    // One more than allowed is enough to be refused.
    let events = texts.iter().enumerate().take(EVENTS_MAX + 1).map(read);
    FaultPlan::checked(nodes, events.collect::<Result<_, _>>()?, place)
}

fn read(text: &str, names: &[String]) -> Result<Event, String> {
    let mut written: Written = serde_json::from_str(text).map_err(|error| slip(&error))?;
    let action = match (written.start.take(), written.stop.take()) {
        (Some(start), None) => Action::Start(fault(start.parse()?, &mut written, names)?),
        (None, Some(stop)) if stop == "all" => Action::StopAll,
        (None, Some(stop)) => Action::Stop(
            stop.parse().map_err(|problem| format!("{problem}, or all to stop everything"))?,
        ),
        (Some(_), Some(_)) => return Err("it has both `start` and `stop`".into()),
        (None, None) => return Err("it has neither `start` nor `stop`".into()),
    };
    nothing_left(&written, &action)?;
    Ok(Event { at_ms: written.at_ms, action })
}

/// Takes out of `written` what a fault of this kind needs.
fn fault(kind: Kind, written: &mut Written, names: &[String]) -> Result<Fault, String> {
    Ok(match kind {
        Kind::Partition => match take(kind, "shape", &mut written.shape)?.as_str() {
            "majorities-ring" => {
                let sees = take(kind, "sees", &mut written.sees)?;
                let lists = sees.into_iter().map(|list| places(list, names));
                Fault::Ring { sees: lists.collect::<Result<_, _>>()? }
            }
            name => Fault::Split { shape: shape(name)?, side: side(kind, written, names)? },
        },
        Kind::OneWay => {
            let direction = match take(kind, "direction", &mut written.direction)?.as_str() {
                "in" => Direction::In,
                "out" => Direction::Out,
                name => return Err(format!("no direction is called {name:?}: in, out")),
            };
            Fault::OneWay { direction, side: side(kind, written, names)? }
        }
        Kind::Kill => Fault::Kill(nodes(kind, written, names)?),
        Kind::Pause => Fault::Pause(nodes(kind, written, names)?),
        Kind::Loss => Fault::Loss(take(kind, "probability", &mut written.probability)?),
        Kind::Duplicate => Fault::Duplicate(take(kind, "probability", &mut written.probability)?),
        Kind::Reorder => Fault::Reorder(take(kind, "probability", &mut written.probability)?),
        Kind::Slow => Fault::Slow(take(kind, "factor", &mut written.factor)?),
    })
}

/// What is wrong with an event's JSON. It stands in a line of its own, so the line that serde_json
/// counts would only confuse.
fn slip(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((text, _)) => format!("{text} (character {})", error.column()),
        None => text,
    }
}

fn take<T>(kind: Kind, name: &str, field: &mut Option<T>) -> Result<T, String> {
    field.take().ok_or_else(|| format!("`{kind}` needs the field `{name}`"))
}

fn shape(name: &str) -> Result<Shape, String> {
    match name {
        "one" => Ok(Shape::One),
        "minority-third" => Ok(Shape::MinorityThird),
        "majority" => Ok(Shape::Majority),
        _ => Err(format!(
            "no shape is called {name:?}: one, minority-third, majority, majorities-ring"
        )),
    }
}

fn side(kind: Kind, written: &mut Written, names: &[String]) -> Result<Group, String> {
    let nodes = places(take(kind, "side", &mut written.side)?, names)?;
    Ok(Group { nodes, with_hub: with_hub(written)? })
}

fn nodes(kind: Kind, written: &mut Written, names: &[String]) -> Result<Group, String> {
    let nodes = places(take(kind, "nodes", &mut written.nodes)?, names)?;
    Ok(Group { nodes, with_hub: with_hub(written)? })
}

fn with_hub(written: &mut Written) -> Result<bool, String> {
    match written.target.take().as_deref() {
        None => Ok(false),
        Some("hub") => Ok(true),
        Some(name) => Err(format!("no target is called {name:?}: hub, or leave it out")),
    }
}

/// A field that was not taken is one that the event does not have.
fn nothing_left(written: &Written, action: &Action) -> Result<(), String> {
    let left = [
        ("shape", written.shape.is_some()),
        ("direction", written.direction.is_some()),
        ("side", written.side.is_some()),
        ("sees", written.sees.is_some()),
        ("nodes", written.nodes.is_some()),
        ("target", written.target.is_some()),
        ("probability", written.probability.is_some()),
        ("factor", written.factor.is_some()),
    ];
    let Some((name, _)) = left.iter().find(|(_, is_left)| *is_left) else {
        return Ok(());
    };
    Err(match action {
        Action::Start(Fault::Ring { .. }) => format!("a majorities-ring has no field `{name}`"),
        Action::Start(fault) => format!("`{}` has no field `{name}`", fault.kind()),
        Action::Stop(_) | Action::StopAll => format!("a stop has no field `{name}`"),
    })
}

fn written(event: &Event) -> Written {
    let mut written = Written { at_ms: event.at_ms, ..Written::default() };
    let fault = match &event.action {
        Action::StopAll => {
            written.stop = Some("all".into());
            return written;
        }
        Action::Stop(kind) => {
            written.stop = Some(kind.to_string());
            return written;
        }
        Action::Start(fault) => fault,
    };
    written.start = Some(fault.kind().to_string());
    if fault.group().is_some_and(|group| group.with_hub) {
        written.target = Some("hub".into());
    }
    match fault {
        Fault::Split { shape, side } => {
            let name = match shape {
                Shape::One => "one",
                Shape::MinorityThird => "minority-third",
                Shape::Majority => "majority",
            };
            written.shape = Some(name.into());
            written.side = Some(refs(&side.nodes));
        }
        Fault::Ring { sees } => {
            written.shape = Some("majorities-ring".into());
            written.sees = Some(sees.iter().map(|list| refs(list)).collect());
        }
        Fault::OneWay { direction, side } => {
            let name = match direction {
                Direction::In => "in",
                Direction::Out => "out",
            };
            written.direction = Some(name.into());
            written.side = Some(refs(&side.nodes));
        }
        Fault::Kill(group) | Fault::Pause(group) => written.nodes = Some(refs(&group.nodes)),
        Fault::Loss(chance) | Fault::Duplicate(chance) | Fault::Reorder(chance) => {
            written.probability = Some(*chance);
        }
        Fault::Slow(factor) => written.factor = Some(*factor),
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        FaultPlan::from_json(text, 3).unwrap_err().to_string()
    }

    const ALL: &str = r#"{"at_ms":0,"start":"partition","shape":"one","side":[1]}
{"at_ms":0,"start":"partition","shape":"minority-third","side":[]}
{"at_ms":5,"start":"partition","shape":"majority","side":[2],"target":"hub"}
{"at_ms":5,"start":"partition","shape":"majorities-ring","sees":[[0,1],[1,2],[2,0]]}
{"at_ms":6,"start":"one-way","direction":"in","side":[0]}
{"at_ms":6,"start":"one-way","direction":"out","side":[0,2],"target":"hub"}
{"at_ms":7,"start":"kill","nodes":[1],"target":"hub"}
{"at_ms":7,"start":"pause","nodes":[0,1,2]}
{"at_ms":8,"start":"loss","probability":0.1}
{"at_ms":8,"start":"duplicate","probability":1.0}
{"at_ms":8,"start":"reorder","probability":0.0}
{"at_ms":8,"start":"slow","factor":10.0}
{"at_ms":9,"stop":"one-way"}
{"at_ms":20000,"stop":"all"}
"#;

    #[test]
    fn every_event_is_read_and_written_as_it_was() {
        let plan = FaultPlan::from_json(ALL, 3).unwrap();
        assert_eq!(plan.events().len(), 14);
        assert_eq!(plan.to_json(), ALL);
        let side = Group { nodes: vec![2], with_hub: true };
        assert_eq!(
            plan.events()[2],
            Event {
                at_ms: 5,
                action: Action::Start(Fault::Split { shape: Shape::Majority, side })
            }
        );
    }

    #[test]
    fn an_array_says_the_same_as_lines() {
        let array = format!("\n [{}]\n", ALL.trim_end().replace('\n', ",\n"));
        assert_eq!(FaultPlan::from_json(&array, 3), FaultPlan::from_json(ALL, 3));
        assert!(FaultPlan::from_json("", 3).unwrap().events().is_empty());
        assert!(FaultPlan::from_json("[]", 3).unwrap().events().is_empty());
    }

    #[test]
    fn what_is_not_an_event_is_told_with_its_place() {
        for (text, told) in [
            ("{\"at_ms\":0,\"stop\":\"all\"}\n\nnonsense", "event 2 (line 3): expected"),
            ("[{\"at_ms\":0,\"stop\":\"all\"},7]", "event 2: invalid type: integer"),
            ("[{\"at_ms\":0,\"stop\":\"all\"}", "the array of events: EOF"),
            (r#"{"at_ms":0,"stop":"all","until":5}"#, "(line 1): unknown field `until`"),
            (r#"{"stop":"all"}"#, "missing field `at_ms`"),
            (r#"{"at_ms":-1,"stop":"all"}"#, "invalid value: integer `-1`"),
            (r#"{"at_ms":99999999999999,"stop":"all"}"#, "later than the ten days"),
            (r#"{"at_ms":0}"#, "neither `start` nor `stop`"),
            (r#"{"at_ms":0,"start":"slow","stop":"all"}"#, "both `start` and `stop`"),
            (r#"{"at_ms":0,"start":"flood"}"#, "no fault is called \"flood\": partition, one-way"),
            (r#"{"at_ms":0,"stop":"flood"}"#, "or all to stop everything"),
            (r#"{"at_ms":0,"stop":"slow","factor":2}"#, "a stop has no field `factor`"),
            (r#"{"at_ms":0,"start":"loss"}"#, "`loss` needs the field `probability`"),
            (r#"{"at_ms":0,"start":"loss","probability":1.5}"#, "`probability` is 1.5"),
            (r#"{"at_ms":0,"start":"loss","probability":-0.5}"#, "may be from 0 to 1"),
            (r#"{"at_ms":0,"start":"slow","factor":1e9}"#, "may be from 0 to 1000"),
            (r#"{"at_ms":0,"start":"loss","probability":1,"nodes":[]}"#, "has no field `nodes`"),
            (r#"{"at_ms":0,"start":"kill","nodes":[3]}"#, "event 1 (line 1): there is no node 3"),
            (r#"{"at_ms":0,"start":"kill","nodes":[1,1]}"#, "node 1 is named twice"),
            (r#"{"at_ms":0,"start":"kill","nodes":[],"target":"hub"}"#, "no place for the hub"),
            (r#"{"at_ms":0,"start":"kill","nodes":[1],"target":"n1"}"#, "no target is called"),
            (r#"{"at_ms":0,"start":"one-way","direction":"up","side":[]}"#, "no direction is"),
            (r#"{"at_ms":0,"start":"partition","shape":"star","side":[]}"#, "no shape is called"),
            (
                r#"{"at_ms":0,"start":"partition","shape":"majorities-ring","sees":[[0]]}"#,
                "`sees` has 1 lists for 3 nodes",
            ),
            (
                r#"{"at_ms":0,"start":"partition","shape":"majorities-ring","sees":[],"side":[]}"#,
                "a majorities-ring has no field `side`",
            ),
            (
                "{\"at_ms\":9,\"stop\":\"all\"}\n{\"at_ms\":8,\"stop\":\"all\"}",
                "event 2 (line 2): 8 ms is before the 9 ms",
            ),
        ] {
            assert!(error(text).contains(told), "{text}: {}", error(text));
        }
    }

    #[test]
    fn nodes_may_be_called_by_their_names() {
        let names = ["n1", "n2", "n3"].map(str::to_owned);
        let read = |text| FaultPlan::from_json_with_names(text, &names);
        let named = read(r#"{"at_ms":0,"start":"kill","nodes":["n3",0]}"#).unwrap();
        assert_eq!(
            named,
            FaultPlan::from_json(r#"{"at_ms":0,"start":"kill","nodes":[2,0]}"#, 3).unwrap()
        );
        let error = |text| read(text).unwrap_err().to_string();
        assert!(error(r#"{"at_ms":0,"start":"kill","nodes":["n4"]}"#).contains("called \"n4\""));
        let other = error(r#"{"at_ms":0,"start":"kill","nodes":[true]}"#);
        assert!(other.contains("by its name or by its place, from 0"), "{other}");
    }

    #[test]
    fn a_plan_that_is_too_long_is_refused() {
        let text = "{\"at_ms\":0,\"stop\":\"all\"}\n".repeat(EVENTS_MAX + 1);
        assert!(error(&text).contains("100001 events"));
    }
}
