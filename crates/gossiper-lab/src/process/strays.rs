//! Ends what has left the process group of its node.
//!
//! A signal to a process group misses whoever has gone to a group or session of its own. On Linux
//! a process may take in the orphans among its descendants: whatever a node has started is then,
//! once what stood between them is gone, a child of the host. A child's number is nobody else's
//! until the host itself has asked for its end, so no stranger can be hit.
//!
//! Elsewhere there is no such thing, and nothing is found here.

use std::collections::HashSet;
use std::fs;

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

/// How often to look again for what those that were ended have left. Each time all that are there
/// are ended, so only who starts processes faster than they are ended needs many.
const ROUNDS_MAX: usize = 1000;

/// Takes in orphans. Dropping it ends all children of this process but the guard.
#[derive(Debug)]
pub(super) struct Strays {
    guard: u32,
    is_on: bool,
}

impl Strays {
    /// Takes in orphans from now on, if that `is_wanted` and can be had. Not if there are children
    /// besides the guard, as after an `exec` in a script: their orphans would be taken for nodes'.
    pub(super) fn new(guard: u32, is_wanted: bool) -> Self {
        let is_alone = || children("self").all(|child| child == guard);
        Self { guard, is_on: is_wanted && is_alone() && take_in_orphans() }
    }

    /// All that a process has started, and what they have.
    pub(super) fn of(&self, process: u32) -> HashSet<u32> {
        let mut found = HashSet::new();
        let mut open = vec![process];
        while let Some(process) = open.pop().filter(|_| self.is_on) {
            open.extend(children(&process.to_string()).filter(|&child| found.insert(child)));
        }
        found
    }

    /// Ends those of these that are left, when the process that they are of has ended.
    pub(super) fn end(&self, processes: &HashSet<u32>) {
        self.end_children(|child| processes.contains(&child));
    }

    /// Lets go of orphans that have ended. `nodes` are the children that are none.
    pub(super) fn bury(&self, nodes: impl Iterator<Item = u32>) {
        if !self.is_on {
            return;
        }
        let nodes: HashSet<u32> = nodes.chain([self.guard]).collect();
        for orphan in children("self").filter(|child| !nodes.contains(child)).filter_map(pid) {
            let _ = waitpid(Some(orphan), WaitOptions::NOHANG);
        }
    }

    fn end_children(&self, is_meant: impl Fn(u32) -> bool) {
        for _ in 0..ROUNDS_MAX {
            let mut is_over = true;
            let meant = children("self").filter(|&child| self.is_on && is_meant(child));
            for child in meant.filter_map(pid) {
                is_over = false;
                let _ = kill_process(child, Signal::KILL);
                let _ = waitpid(Some(child), WaitOptions::empty());
            }
            if is_over {
                break;
            }
        }
    }
}

impl Drop for Strays {
    fn drop(&mut self) {
        self.end_children(|child| child != self.guard);
    }
}

/// The children of a process, those of each of its threads; none if it is gone.
fn children(process: &str) -> impl Iterator<Item = u32> + use<> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let lists =
        threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let numbers = |list: String| -> Vec<u32> {
        list.split_ascii_whitespace().filter_map(|number| number.parse().ok()).collect()
    };
    lists.flat_map(numbers)
}

fn pid(process: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(process).ok()?)
}

#[cfg(target_os = "linux")]
fn take_in_orphans() -> bool {
    use rustix::process::{getpid, set_child_subreaper};
    set_child_subreaper(Some(getpid())).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn take_in_orphans() -> bool {
    false
}
