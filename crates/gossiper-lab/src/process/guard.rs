//! Ends the nodes when the host dies.
//!
//! Nodes end when their stdin does, if they are well-behaved. One that is not would outlive a host
//! that was killed and could not end it. So a shell stands by: it is told of each process group
//! that begins and ends, and when the pipe to it closes, as it does however the host ends, it kills
//! those that are left. A shell is on every system that has processes and signals, and asking the
//! kernel to do the same would take unsafe code.

use std::io::{self, Write};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, Stdio};

/// Keeps the groups as a list between spaces. A group's number is its first process's too, which
/// may have moved to another group.
const SCRIPT: &str = r#"
groups=" "
while read -r what group; do
  case $what in
    +) groups="$groups$group " ;;
    -) case $groups in *" $group "*) groups="${groups%% $group *} ${groups#* $group }" ;; esac ;;
  esac
done
for group in $groups; do
  kill -s KILL -- "-$group" 2>/dev/null
  kill -s KILL "$group" 2>/dev/null
done
"#;

/// The shell that stands by. Dropping it lets it do its work and waits for it.
#[derive(Debug)]
pub(super) struct Guard {
    child: Child,
    stdin: Option<ChildStdin>,
}

impl Guard {
    /// Starts the shell, in a process group of its own: an interrupt from the keyboard must not
    /// end it before the host.
    pub(super) fn start() -> io::Result<Self> {
        let mut child = Command::new("/bin/sh")
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let stdin = child.stdin.take();
        Ok(Self { child, stdin })
    }

    /// The number of its process.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// A process group has begun.
    pub(super) fn watch(&mut self, group: u32) {
        self.tell('+', group);
    }

    /// A process group has ended.
    pub(super) fn forget(&mut self, group: u32) {
        self.tell('-', group);
    }

    fn tell(&mut self, what: char, group: u32) {
        // Without its guard a run is still a run.
        if let Some(stdin) = &mut self.stdin {
            let _ = stdin.write_all(format!("{what} {group}\n").as_bytes());
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.stdin = None;
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt as _;

    fn sleeper() -> Child {
        Command::new("sleep").arg("600").process_group(0).spawn().unwrap()
    }

    #[test]
    fn what_is_left_is_killed_and_what_was_forgotten_is_not() {
        let mut children = [sleeper(), sleeper(), sleeper()];
        let mut guard = Guard::start().unwrap();
        children.iter().for_each(|child| guard.watch(child.id()));
        guard.forget(children[1].id());
        drop(guard);
        assert_eq!(children[0].wait().unwrap().signal(), Some(9));
        assert_eq!(children[2].wait().unwrap().signal(), Some(9));
        assert!(children[1].try_wait().unwrap().is_none());
        children[1].kill().unwrap();
        children[1].wait().unwrap();
    }
}
