//! How long things on a link may take.

use core::time::Duration;

use crate::{Config, Mechanism, Mechanisms};

/// The waiting times that follow from the settings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// From one push to the next: the pace and a bit. Where the pace is as long as a round trip,
    /// what a push brings about comes back just after the next push has gone, and would wait for
    /// the one after it. The bit lets it in.
    pub(super) interval: Duration,
    /// How long an answer may take that is due.
    pub(super) timeout: Duration,
    /// How long an acknowledgement waits for traffic to ride on while pushes keep coming.
    pub(super) ack_wait: Duration,
    /// The same once they have stopped: then nothing will show the sender a gap.
    pub(super) ack_wait_quiet: Duration,
    /// How much later than others a message may come and not be lost.
    pub(super) reorder: Duration,
    /// How soon to repeat on a link that loses, and to probe again.
    pub(super) retry: Duration,
    /// What is done without, and so waits for no time.
    pub(super) without: Mechanisms,
}

impl Times {
    pub(super) fn of(config: &Config) -> Self {
        let (pace, timeout) = (config.pace, config.ack_timeout);
        // Half of the time-out is for the way there and back. A neighbor that pushes at its pace
        // has not stopped within one and a half of it.
        // Where all push straight to all there are many links with little on each, and rounds see
        // to what is lost: there acknowledgements wait longer for something to ride on.
        let ack_wait_quiet =
            if pace.is_zero() { timeout * 3 } else { (timeout / 2).max(pace * 3 / 2) };
        Self {
            interval: pace + (pace / 10).min(Duration::from_millis(10)),
            timeout: ack_wait_quiet + timeout / 2,
            ack_wait: timeout * 4,
            ack_wait_quiet,
            reorder: timeout * 2 / 5,
            retry: pace.max(timeout * 2 / 5),
            without: config.without,
        }
    }

    /// Whether a mechanism is switched on.
    pub(super) fn uses(&self, mechanism: Mechanism) -> bool {
        !self.without.contains(mechanism)
    }
}
