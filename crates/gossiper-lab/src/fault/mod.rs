//! What goes wrong in a run, and when.
//!
//! A [`FaultPlan`] is a list of timed events. [`PlanConfig::draw`] makes one as Maelstrom's nemesis
//! would, from a seed; [`FaultPlan::from_json`] reads one from a file. [`FaultState`] plays it: it
//! says which links are cut, how likely a message is lost, who is down; the host kills, stops and
//! restarts nodes as it says, and the network asks it through
//! [`Conditions`](crate::network::Conditions).
//!
//! # The kinds
//!
//! | kind | what it does while it lasts |
//! | --- | --- |
//! | `partition` | cuts links both ways: one node, a minority third or half of the nodes from the rest; or `majorities-ring` |
//! | `one-way` | some nodes hear nothing from the rest, or the rest hears nothing from them |
//! | `kill` | some nodes are down, what they held is gone; then they start anew |
//! | `pause` | some nodes stand still, then go on |
//! | `loss`, `duplicate`, `reorder` | each message between nodes is lost, queued twice, given a latency from a wider range, with a probability |
//! | `slow` | latencies between nodes are multiplied |
//!
//! Kinds mix freely; of each, one is in force at a time.
//!
//! # The file
//!
//! JSON, one event a line, or an array of events; in the order of time. Nodes are given by their
//! places in the cluster's list, from 0, or by their names, such as `"n3"`. Every event has
//! `at_ms`, whole milliseconds from the start of the run, and either `start` or `stop`:
//!
//! ```json
//! {"at_ms":0,"start":"partition","shape":"minority-third","side":[4,0,2]}
//! {"at_ms":0,"start":"partition","shape":"majorities-ring","sees":[[0,1,2],[0,1,2],[0,1,2]]}
//! {"at_ms":40,"start":"one-way","direction":"in","side":[3]}
//! {"at_ms":50,"start":"kill","nodes":[1],"target":"hub"}
//! {"at_ms":60,"start":"loss","probability":0.1}
//! {"at_ms":70,"start":"slow","factor":10}
//! {"at_ms":900,"stop":"partition"}
//! {"at_ms":20000,"stop":"all"}
//! ```
//!
//! | field | of | meaning |
//! | --- | --- | --- |
//! | `shape` | `partition` | `one`, `minority-third`, `majority`, which differ in name only; `majorities-ring` |
//! | `side` | the first three, `one-way` | the nodes that are cut off from the rest |
//! | `sees` | `majorities-ring` | for each node, whom it hears; a node always hears itself |
//! | `direction` | `one-way` | `in`: the side hears nothing; `out`: the side is not heard |
//! | `nodes` | `kill`, `pause` | the nodes it happens to |
//! | `target` | events with `side` or `nodes` | `hub`: the node that has sent most messages to nodes when the event comes takes the place of the first of the list, unless it is in the list |
//! | `probability` | `loss`, `duplicate`, `reorder` | 0 to 1, for each message |
//! | `factor` | `slow` | 0 to 1000 |
//!
//! A `start` of a kind in force ends what was in force before. A field that an event does not have
//! is an error, and so is anything else that is not as described.

mod json;
mod plan;
mod schedule;
mod sides;
mod state;

pub(crate) use self::plan::{AT_MS_MAX, check as check_event};
pub use self::plan::{Action, Direction, Event, Fault, FaultPlan, Group, Kind, PlanError, Shape};
pub use self::schedule::{Intensity, PlanConfig, Target};
pub(crate) use self::sides::{draw_ring, draw_side};
pub use self::state::{Applied, Change, FaultState};
