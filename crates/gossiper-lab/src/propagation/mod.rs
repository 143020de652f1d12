//! The truth about how fast values spread: when they were where, and when they could have been.
//!
//! A value's propagation runs from its broadcast's arrival at a node until the last live node has
//! it. Live are the nodes that are neither down nor paused when the run ends. A killed node's copy
//! is gone: what counts is when its last life got the value, and no earlier than its restart. So a
//! value that was everywhere before a kill takes until the restarted node has it again, in truth
//! and in the ideal alike, and the difference shows how well the node was brought up to date.

mod conditions;
mod ideal;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
mod timeline;

use std::time::Duration;

use gossiper_core::Instant;

pub use self::conditions::Conditions;
use self::ideal::Ideal;
use crate::figures::Quantiles;
use crate::history::VALUES_MAX;

/// How long a node may hold back a value that it has acknowledged: the windows and time-outs of
/// broadcast protocols are of this size. A value that dies with its node within this time is no
/// fault of the protocol.
pub const HOLD_BACK_MAX: Duration = Duration::from_millis(500);

/// A broadcast as the nodes saw it.
#[derive(Clone, Copy, Debug)]
struct Origin {
    node: u32,
    at: Instant,
    is_acknowledged: bool,
}

/// Where the values were, told by a host in the order of time. Takes 8 bytes for each value and
/// node, besides the [`Conditions`]; a value from [`VALUES_MAX`] on is a panic.
#[derive(Clone, Debug)]
pub struct Propagation {
    conditions: Conditions,
    /// Of value v at place v; nothing until its broadcast has arrived.
    origins: Vec<Option<Origin>>,
    /// Of each node, of value v at place v: when the node's present life was first seen to have
    /// it.
    arrivals: Vec<Vec<Option<Seen>>>,
}

/// A time in nanoseconds plus one, so that its absence takes no room.
type Seen = std::num::NonZeroU64;

/// How one value spread. Times are lengths, in ms.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Spread {
    /// The value.
    pub value: u32,
    /// The node that it was broadcast at.
    pub node: u32,
    /// Whether that node has acknowledged it.
    pub is_acknowledged: bool,
    /// When its broadcast arrived at its node.
    pub arrived: Instant,
    /// From the broadcast's arrival until the last live node had it; nothing if one never did.
    pub propagation_ms: Option<f64>,
    /// The same at best; nothing if some live node could not be reached straight or over a relay.
    pub ideal_ms: Option<f64>,
    /// Acknowledged, and every copy that was ever seen died with its node, before it could leave:
    /// even the ideal, had it begun [`HOLD_BACK_MAX`] later, could not have brought it to a node
    /// that is live at the end.
    pub is_orphaned: bool,
}

impl Spread {
    /// How much longer than ideal it took, in ms; negative if the run was luckier than the mean
    /// latency, or used two relays to advantage. Nothing unless both are known.
    pub fn excess_ms(&self) -> Option<f64> {
        Some(self.propagation_ms? - self.ideal_ms?)
    }
}

impl Propagation {
    /// A run that begins under these conditions.
    pub fn new(conditions: Conditions) -> Self {
        let arrivals = vec![Vec::new(); conditions.nodes() as usize];
        Self { conditions, origins: Vec::new(), arrivals }
    }

    /// The faults so far, to tell of pauses, cuts and latencies. Kills and restarts belong to
    /// [`Self::kill`] and [`Self::restart`], since they take the copies too.
    pub fn conditions_mut(&mut self) -> &mut Conditions {
        &mut self.conditions
    }

    /// The broadcast of `value` has arrived at a node, which so has it. Only the first arrival
    /// counts.
    pub fn broadcast(&mut self, value: u32, node: u32, at: Instant) {
        assert!(value < VALUES_MAX, "a run broadcasts fewer values");
        let place = value as usize;
        if self.origins.len() <= place {
            self.origins.resize(place + 1, None);
        }
        if self.origins[place].is_none() {
            self.origins[place] = Some(Origin { node, at, is_acknowledged: false });
            self.known(node, &[i64::from(value)], at);
        }
    }

    /// A node has acknowledged the broadcast of `value` to its client.
    pub fn acknowledge(&mut self, value: u32) {
        if let Some(Some(origin)) = self.origins.get_mut(value as usize) {
            origin.is_acknowledged = true;
        }
    }

    /// A node was seen to have these values: probed, or read by a client. Values whose broadcast
    /// has not arrived are passed over, as is all that comes from a node that is down, for it was
    /// said before the kill.
    pub fn known(&mut self, node: u32, values: &[i64], at: Instant) {
        if self.conditions.is_down(node) {
            return;
        }
        let arrivals = &mut self.arrivals[node as usize];
        for &value in values {
            let Ok(place) = usize::try_from(value) else { continue };
            if !matches!(self.origins.get(place), Some(Some(_))) {
                continue;
            }
            if arrivals.len() <= place {
                arrivals.resize(place + 1, None);
            }
            arrivals[place] = arrivals[place].or(Seen::new(at.0.saturating_add(1)));
        }
    }

    /// A node is killed, and its copies with it.
    pub fn kill(&mut self, node: u32, at: Instant) {
        self.conditions.kill(node, at);
        self.arrivals[node as usize].clear();
    }

    /// A killed node is started again. What it has kept on disk counts from when it is seen.
    pub fn restart(&mut self, node: u32, at: Instant) {
        self.conditions.restart(node, at);
    }

    /// When each node, in the order of their numbers, was first seen to have the value; nothing for
    /// one that never was, or lost it when it was killed and has not been seen to have it since.
    pub fn arrivals(&self, value: u32) -> impl Iterator<Item = Option<Instant>> {
        self.arrivals.iter().map(move |seen| of(seen, value))
    }

    /// Whether the node takes part at the end of the run: it is neither down nor paused.
    pub fn is_live_at_end(&self, node: u32) -> bool {
        self.conditions.is_live_at_end(node)
    }

    /// How each value spread whose broadcast arrived, in a run that is over. Takes time in values ×
    /// nodes, and a 64th of the nodes once more for values that faults stood in the way of.
    pub fn spreads(&self) -> Vec<Spread> {
        let ideal = Ideal::new(&self.conditions);
        let origins = self.origins.iter().zip(0..);
        origins
            .filter_map(|(origin, value)| {
                let Origin { node, at, is_acknowledged } = (*origin)?;
                let ms = |moment: Instant| (moment - at).as_nanos() as f64 / 1e6;
                let is_gone = self.arrivals(value).all(|seen| seen.is_none());
                Some(Spread {
                    value,
                    node,
                    is_acknowledged,
                    arrived: at,
                    propagation_ms: self.everywhere(value).map(ms),
                    ideal_ms: ideal.everywhere(node, at).map(ms),
                    is_orphaned: is_acknowledged
                        && is_gone
                        && !ideal.can_leave(node, at, HOLD_BACK_MAX),
                })
            })
            .collect()
    }

    /// When the last live node had the value; nothing if one has it not, or none is live.
    fn everywhere(&self, value: u32) -> Option<Instant> {
        let nodes = (0..).zip(self.arrivals(value));
        let live = nodes.filter(|&(node, _)| self.conditions.is_live_at_end(node));
        live.map(|(_, seen)| seen).collect::<Option<Vec<Instant>>>()?.into_iter().max()
    }
}

fn of(arrivals: &[Option<Seen>], value: u32) -> Option<Instant> {
    let seen = (*arrivals.get(value as usize)?)?;
    Some(Instant(seen.get() - 1))
}

/// The quantiles of those of `times` that are known, in ms.
pub fn quantiles(times: impl Iterator<Item = Option<f64>>) -> Option<Quantiles<f64>> {
    let mut times: Vec<f64> = times.flatten().collect();
    times.sort_unstable_by(f64::total_cmp);
    Quantiles::of_sorted(&times)
}
