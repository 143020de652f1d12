//! The faults of the plan, as they come and go.

use gossiper_core::Instant;

use super::{Order, Phase, Run};
use crate::fault::{Change, Event};
use crate::network::Conditions as _;

impl Run {
    /// The plan's faults come in the main phase only; what it says of later is void.
    pub(super) fn next_fault(&self) -> Option<Instant> {
        let start = self.phases.main.filter(|_| self.phase == Phase::Main)?;
        self.faults.next_event().map(|at| start + (at - Instant::START))
    }

    pub(super) fn apply_faults(&mut self) {
        let plan_now = self.since_start(self.now);
        let network = &self.network;
        let applied = self.faults.advance(plan_now, || network.hub());
        for applied in applied {
            self.on_fault(applied.event, applied.changes);
        }
    }

    /// Ends all faults.
    pub(super) fn heal(&mut self) {
        let at_ms = self.since_start(self.now).0 / 1_000_000;
        if !self.applied.is_empty() {
            let healed = self.faults.heal(at_ms);
            self.on_fault(healed.event, healed.changes);
        }
    }

    pub(super) fn on_fault(&mut self, event: Event, changes: Vec<Change>) {
        let at = self.since_start(self.now);
        self.applied.push(event);
        for change in changes {
            match change {
                Change::Kill(node) => {
                    self.network.kill(self.now, node, &self.faults);
                    self.propagation.kill(node as u32, at);
                    self.probes.on_killed(node);
                    self.clients.forget_node(node);
                    self.kills[node] += 1;
                    self.orders.push(Order::Kill(node));
                }
                Change::Restart(node) => {
                    self.network.revive(node);
                    self.propagation.restart(node as u32, at);
                    self.restart(node);
                }
                Change::Pause(node) => {
                    self.propagation.conditions_mut().pause(node as u32, at);
                    self.probes.on_paused(node, self.now);
                    self.pauses[node] += 1;
                    self.orders.push(Order::Pause(node));
                }
                Change::Resume(node) => {
                    self.propagation.conditions_mut().resume(node as u32, at);
                    self.probes.on_resumed(node, self.now);
                    self.orders.push(Order::Resume(node));
                }
            }
        }
        self.tell_conditions(at);
    }

    /// Tells the ideal which links are cut and how long messages take.
    pub(super) fn tell_conditions(&mut self, at: Instant) {
        let reorder = self.faults.reorder();
        let mean = self.config.mean_latency(self.faults.latency_factor(), reorder);
        let conditions = self.propagation.conditions_mut();
        conditions.set_mean_latency(mean, at);
        let nodes = self.config.nodes.len();
        for from in 0..nodes {
            for to in 0..nodes {
                match self.faults.is_cut(from, to) {
                    true => conditions.cut(from as u32, to as u32, at),
                    false => conditions.join(from as u32, to as u32, at),
                }
            }
        }
    }
}
