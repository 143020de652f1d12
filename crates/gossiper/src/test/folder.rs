//! Where the results of a run go.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Where all runs lie, seen from the current folder, as in Maelstrom.
const STORE: &str = "store";
/// The names of the files that a run leaves, besides the logs of its nodes.
const FILES: [&str; 6] =
    ["results.json", "history.jsonl", "net.jsonl", "values.jsonl", "faults.jsonl", "report.html"];

/// A run's folder.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// The workload, if the folder lies in the store.
    stored_as: Option<String>,
}

impl Folder {
    /// Makes a folder: `out`, or a new one in the store. What an earlier run left in `out` is
    /// removed, so that no file there is of another run; nothing else is touched.
    pub(super) fn make(
        out: Option<&Path>,
        workload: &str,
        started: SystemTime,
    ) -> Result<Self, String> {
        let (path, stored_as) = match out {
            Some(path) => (path.to_owned(), None),
            None => (new_path(workload, started), Some(workload.to_owned())),
        };
        let told = |error: io::Error| {
            format!("cannot make the folder of the results, {}: {error}", path.display())
        };
        fs::create_dir_all(&path).map_err(told)?;
        FILES.iter().try_for_each(|name| remove(&path.join(name))).map_err(told)?;
        if let Ok(logs) = fs::read_dir(path.join("node-logs")) {
            for log in logs.flatten().map(|entry| entry.path()) {
                if log.extension().is_some_and(|extension| extension == "log") {
                    remove(&log).map_err(told)?;
                }
            }
        }
        Ok(Self { path, stored_as })
    }

    /// Takes the folder away again, of a run that did not take place. A folder that was named by
    /// the user stays.
    pub(super) fn discard(&self) {
        if self.stored_as.is_some() {
            let _ = fs::remove_dir_all(&self.path);
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Lets `store/latest` and `store/WORKLOAD/latest` point to the folder. That they cannot is no
    /// reason to fail a run.
    pub(super) fn point_latest(&self) {
        let (Some(workload), Some(name)) = (&self.stored_as, self.path.file_name()) else {
            return;
        };
        let store = Path::new(STORE);
        let _ = point(&store.join(workload).join("latest"), Path::new(name));
        let _ = point(&store.join("latest"), &Path::new(workload).join(name));
    }
}

/// A path that nothing is at. Runs that begin in the same millisecond are told apart by a number.
fn new_path(workload: &str, started: SystemTime) -> PathBuf {
    // Without the separators of RFC 3339: colons need quoting in too many places.
    let time = humantime::format_rfc3339_millis(started).to_string().replace(['-', ':'], "");
    let parent = Path::new(STORE).join(workload);
    let numbered = (2..).map(|number| parent.join(format!("{time}-{number}")));
    let mut paths = std::iter::once(parent.join(&time)).chain(numbered);
    paths.find(|path| !path.exists()).unwrap_or_else(|| parent.join(&time))
}

fn point(link: &Path, to: &Path) -> io::Result<()> {
    remove(link)?;
    symlink(to, link)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
