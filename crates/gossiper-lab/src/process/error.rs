//! What keeps a run from taking place.

use std::fmt;
use std::io;
use std::path::Path;

/// Why a run could not take place.
#[derive(Debug)]
pub enum HostError {
    /// The program could not be started.
    Start {
        /// The program.
        program: String,
        /// Why.
        error: io::Error,
    },
    /// The system allows too few open files for so many nodes.
    TooManyNodes {
        /// Files needed.
        needed: u64,
        /// Files allowed.
        allowed: u64,
    },
    /// Anything else that the system refused.
    System {
        /// What was to be done.
        what: &'static str,
        /// Why not.
        error: io::Error,
    },
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start { program, error } => {
                write!(f, "cannot start the node program {program}: {error}")?;
                match error.kind() {
                    io::ErrorKind::NotFound => {
                        f.write_str(". Is the path right, seen from here, and is it built?")
                    }
                    io::ErrorKind::PermissionDenied if Path::new(program).is_dir() => {
                        f.write_str(". It is a folder")
                    }
                    io::ErrorKind::PermissionDenied => {
                        write!(f, ". Is it executable? Try: chmod +x {program}")
                    }
                    _ => match error.raw_os_error() == Some(8) {
                        true => f.write_str(
                            ". A script needs a first line such as #!/usr/bin/env python3",
                        ),
                        false => Ok(()),
                    },
                }
            }
            Self::TooManyNodes { needed, allowed } => write!(
                f,
                "so many nodes need {needed} open files, and the system allows {allowed}. Raise \
                 the hard limit (ulimit -Hn), or take fewer nodes"
            ),
            Self::System { what, error } => write!(f, "cannot {what}: {error}"),
        }
    }
}

impl std::error::Error for HostError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Start { error, .. } | Self::System { error, .. } => Some(error),
            Self::TooManyNodes { .. } => None,
        }
    }
}

/// An error of the system when `what` was to be done.
pub(super) fn system(what: &'static str) -> impl Fn(io::Error) -> HostError {
    move |error| HostError::System { what, error }
}
