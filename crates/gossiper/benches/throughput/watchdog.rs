//! Ends a benchmark that would wait for ever for a reply that never comes.

use std::process::Child;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::process::lock;

/// The silence after which a child is given up: far above any pause of a loaded machine. Found
/// out at the end of a second such stretch at the latest.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// Kills a child that says nothing for a whole [`SILENCE_MAX`]; the reader then sees the end of
/// its output. Every child that lives must therefore be in use.
pub(crate) struct Watchdog {
    state: Arc<State>,
    /// Dropping the sender is what stops the thread.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    pats: AtomicU64,
    fired: AtomicBool,
}

impl Watchdog {
    pub(crate) fn start(child: Arc<Mutex<Child>>) -> Self {
        let state = Arc::new(State::default());
        let (stop, stopped) = mpsc::channel();
        let shared = Arc::clone(&state);
        let thread = thread::spawn(move || {
            let mut seen = 0;
            while stopped.recv_timeout(SILENCE_MAX) == Err(RecvTimeoutError::Timeout) {
                let pats = shared.pats.load(Ordering::Relaxed);
                if pats == seen {
                    shared.fired.store(true, Ordering::Relaxed);
                    let _ = lock(&child).kill();
                    return;
                }
                seen = pats;
            }
        });
        Self { state, stop: Some(stop), thread: Some(thread) }
    }

    /// Says that the child has just been heard.
    pub(crate) fn pat(&self) {
        self.state.pats.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn has_fired(&self) -> bool {
        self.state.fired.load(Ordering::Relaxed)
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
