//! The faults of the plan, as they come and go.

use gossiper_core::Instant;

use super::{Order, Phase, Run};
use crate::fault::{Action, Change, Event, Kind};
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
        let changes_cuts = match &event.action {
            Action::Start(fault) => matches!(fault.kind(), Kind::Partition | Kind::OneWay),
            Action::Stop(kind) => matches!(kind, Kind::Partition | Kind::OneWay),
            Action::StopAll => true,
        };
        self.applied.push(event);
        for change in changes {
            match change {
                Change::Kill(node) => {
                    self.network.kill(self.now, node, &self.faults);
                    self.propagation.kill(node as u32, at);
                    self.probes.on_killed(node);
                    self.clients.forget_node(node);
                    self.voided.insert(node);
                    self.kills[node] += 1;
                    self.orders.push(Order::Kill(node));
                }
                Change::Restart(node) => {
                    self.network.revive(node);
                    self.propagation.restart(node as u32, at);
                    self.probes.on_restarted(node, self.now);
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
        self.tell_latency(at);
        if changes_cuts {
            self.tell_cuts(at);
        }
    }

    /// Tells the ideal how long messages take.
    fn tell_latency(&mut self, at: Instant) {
        let mean = self.config.mean_latency(self.faults.latency_factor(), self.faults.reorder());
        self.propagation.conditions_mut().set_mean_latency(mean, at);
    }

    /// Tells the ideal which links are cut.
    fn tell_cuts(&mut self, at: Instant) {
        let conditions = self.propagation.conditions_mut();
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
