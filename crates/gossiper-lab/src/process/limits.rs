//! What the system allows.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::HostError;

/// Open files that a node takes: its three pipes and its log.
const FILES_PER_NODE: u64 = 4;
/// Open files of everything else.
const FILES_BESIDES: u64 = 64;

/// Raises the soft limit of open files as far as so many nodes need it.
pub(super) fn allow_files_for(nodes: usize) -> Result<(), HostError> {
    let needed = nodes as u64 * FILES_PER_NODE + FILES_BESIDES;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|allowed| needed <= allowed) {
        return Ok(());
    }
    let allowed = limit.maximum.unwrap_or(u64::MAX);
    if needed > allowed {
        return Err(HostError::TooManyNodes { needed, allowed });
    }
    setrlimit(Resource::Nofile, Rlimit { current: Some(needed), maximum: limit.maximum })
        .map_err(|error| HostError::System { what: "open more files", error: error.into() })
}
