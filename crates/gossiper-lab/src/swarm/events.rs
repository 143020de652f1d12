//! What befalls the machines of a [`World`], and what they do.

use std::cmp::Reverse;
use std::mem;
use std::time::Duration;

use gossiper_core::{Input, Instant, NodeId, Output, Payload};

use super::ledger::{Breach, Check};
use super::machine::Birth;
use super::scenario::Jolted;
use super::world::{Arrival, Event, World};
use crate::fault::Change;
use crate::network::{Chance, Conditions as _};

impl World<'_> {
    pub(super) fn start(&mut self, node: usize) {
        let place = &mut self.places[node];
        place.life += 1;
        place.starts += 1;
        self.starts.seek(node as u64, place.starts);
        let birth = Birth {
            id: NodeId(node as u64),
            members: self.members.clone(),
            contacts: self.scenario.contacts(node),
            config: self.scenario.config_of(node).clone(),
            topology: self.scenario.told(node),
            incarnation: place.starts,
            seed: self.starts.next_u64(),
            now: self.now + place.ahead,
        };
        place.machine = Some((self.maker)(birth));
        place.wakeup = None;
        self.ledger.on_start(node);
        self.plan_wakeup(node);
    }

    fn kill(&mut self, node: usize) {
        let place = &mut self.places[node];
        if place.machine.take().is_none() {
            return;
        }
        place.life += 1;
        place.wakeup = None;
        place.is_stopped = false;
        self.seen.deaths += 1;
        self.seen.lost += mem::take(&mut place.held).len() as u64;
        self.ledger.on_death(node);
    }

    pub(super) fn on_fault(&mut self) -> Result<(), Breach> {
        let places = &self.places;
        let hub = || (0..places.len()).min_by_key(|&node| Reverse(places[node].sent)).unwrap_or(0);
        let applied = self.faults.advance(self.now, hub);
        self.apply(applied.into_iter().flat_map(|applied| applied.changes).collect())
    }

    pub(super) fn apply(&mut self, changes: Vec<Change>) -> Result<(), Breach> {
        for change in changes {
            match change {
                Change::Kill(node) => self.kill(node),
                Change::Restart(node) => self.start(node),
                Change::Pause(_) => {}
                Change::Resume(node) => {
                    for arrival in mem::take(&mut self.places[node].held) {
                        self.receive(arrival)?;
                    }
                    self.plan_wakeup(node);
                }
            }
        }
        Ok(())
    }

    pub(super) fn on_jolt(&mut self) -> Result<(), Breach> {
        let jolt = self.scenario.jolts[self.next_jolt];
        self.next_jolt += 1;
        let place = &mut self.places[jolt.node];
        match jolt.what {
            Jolted::Clock { step_ms } => {
                place.ahead += Duration::from_millis(step_ms);
                self.plan_wakeup(jolt.node);
            }
            Jolted::Crash { down_ms } => {
                if place.machine.is_none() || place.is_stopped {
                    return Ok(());
                }
                place.is_stopped = true;
                place.life += 1;
                let life = place.life;
                self.seen.lost += mem::take(&mut place.held).len() as u64;
                let back = self.now + Duration::from_millis(down_ms);
                self.put(back, Event::Back(jolt.node, life));
            }
        }
        Ok(())
    }

    pub(super) fn on_back(&mut self, node: usize, life: u32) -> Result<(), Breach> {
        let place = &mut self.places[node];
        if place.life == life {
            place.is_stopped = false;
            self.plan_wakeup(node);
        }
        Ok(())
    }

    /// A client gives a value to the next node that takes it.
    pub(super) fn on_broadcast(&mut self) -> Result<(), Breach> {
        let broadcast = self.scenario.broadcasts[self.next_broadcast];
        self.next_broadcast += 1;
        let wanted = broadcast.node;
        let mut nodes = (wanted..self.places.len()).chain(0..wanted);
        let Some(node) = nodes.find(|&node| self.answers(node)) else { return Ok(()) };
        self.seen.broadcasts += 1;
        self.ledger.on_broadcast(broadcast.value);
        let payload = Payload::new(broadcast.value.to_string().as_bytes());
        self.input(node, Input::Broadcast(payload))?;
        let is_held = self.ledger.holds(node, broadcast.value);
        self.acting.set(Some(node));
        let what = || format!("it was given value {} and does not hold it", broadcast.value);
        self.note(if is_held { Ok(()) } else { Err((Check::Unacknowledged, what())) })?;
        self.acting.set(None);
        Ok(())
    }

    fn answers(&self, node: usize) -> bool {
        let place = &self.places[node];
        place.machine.is_some() && !place.is_stopped && !self.faults.is_paused(node)
    }

    pub(super) fn on_wakeup(&mut self, node: usize) -> Result<(), Breach> {
        if self.places[node].wakeup != Some(self.now) {
            return Ok(());
        }
        self.places[node].wakeup = None;
        if !self.answers(node) {
            // It is planned anew when the node goes on.
            return Ok(());
        }
        if self.due(node).is_some_and(|due| due <= self.now) {
            return self.input(node, Input::Wakeup);
        }
        self.plan_wakeup(node);
        Ok(())
    }

    pub(super) fn on_arrival(&mut self, arrival: Arrival) -> Result<(), Breach> {
        let place = &mut self.places[arrival.to];
        if place.machine.is_none() || place.is_stopped || place.life != arrival.life {
            self.seen.lost += 1;
        } else if self.faults.is_paused(arrival.to) {
            place.held.push(arrival);
        } else {
            return self.receive(arrival);
        }
        Ok(())
    }

    fn receive(&mut self, arrival: Arrival) -> Result<(), Breach> {
        let Arrival { from, to, id, dialect, message, .. } = arrival;
        let from = NodeId(from as u64);
        self.input(to, Input::Received { from, id: Some(id), dialect, message })
    }

    fn input(&mut self, node: usize, input: Input) -> Result<(), Breach> {
        let place = &mut self.places[node];
        let Some(machine) = &mut place.machine else { return Ok(()) };
        self.acting.set(Some(node));
        let mut outputs = mem::take(&mut self.outputs);
        machine.handle(self.now + place.ahead, input, &mut outputs);
        let config = self.scenario.config_of(node);
        let found = self.ledger.on_turn(node, &**machine, &outputs, config);
        self.note(found)?;
        for output in outputs.drain(..) {
            if let Output::Send { to, id, dialect, message } = output {
                self.send(Arrival { from: node, to: to.0 as usize, life: 0, id, dialect, message });
            }
        }
        self.outputs = outputs;
        self.plan_wakeup(node);
        self.acting.set(None);
        Ok(())
    }

    fn send(&mut self, mut arrival: Arrival) {
        let Arrival { from, to, .. } = arrival;
        self.seen.messages += 1;
        let number = self.places[from].sent;
        self.places[from].sent += 1;
        let latency = self.scenario.latency;
        let chance = Chance::draw(latency, &self.faults, &mut self.chances, from as u64, number);
        if self.faults.is_cut(from, to) || chance.is_lost {
            self.seen.lost += 1;
            return;
        }
        arrival.life = self.places[to].life;
        if let Some(copy_ms) = chance.copy_latency_ms {
            self.put(self.now + Duration::from_millis(copy_ms), Event::Arrival(arrival.clone()));
        }
        let at = self.now + Duration::from_millis(chance.latency_ms);
        self.put(at, Event::Arrival(arrival));
    }

    fn put(&mut self, at: Instant, event: Event) {
        self.queue.insert((at, self.next_order), event);
        self.next_order += 1;
    }

    /// When a node wants to be woken, on the clock that is right.
    fn due(&self, node: usize) -> Option<Instant> {
        let place = &self.places[node];
        let due = place.machine.as_ref()?.next_wakeup()?;
        Some(Instant(due.0.saturating_sub(place.ahead.as_nanos() as u64)).max(self.now))
    }

    /// Queues the node's next wake-up, unless one is queued that comes no later.
    fn plan_wakeup(&mut self, node: usize) {
        let Some(due) = self.due(node) else { return };
        let place = &mut self.places[node];
        if place.wakeup.is_none_or(|planned| due < planned) {
            place.wakeup = Some(due);
            self.put(due, Event::Wakeup(node));
        }
    }
}
