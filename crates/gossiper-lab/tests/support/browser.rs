//! A browser without a window, which ends with the test whatever happens.

use std::env;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// After which a browser counts as hung. It needs some seconds.
const PATIENCE: Duration = Duration::from_secs(240);

/// What a page may take, in ms of its own time, which passes as fast as it is used.
const BUDGET_MS: u32 = 20_000;

/// A browser that was found.
pub(crate) struct Browser(PathBuf);

/// A running browser with all that it started.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It leads a group of its own: its helpers end too, also when the test has failed.
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Browser {
    /// Looks for one; says on stderr if there is none.
    ///
    /// # Panics
    ///
    /// If there is none and `GOSSIPER_PAGE_TESTS` is `required`.
    pub(crate) fn find() -> Option<Self> {
        let named = env::var_os("CHROMIUM").map(PathBuf::from);
        let in_path = || {
            let path = env::var_os("PATH")?;
            let names = ["chromium", "chromium-browser", "google-chrome"];
            let places = names.map(|name| env::split_paths(&path).map(move |dir| dir.join(name)));
            places.into_iter().flatten().find(|program| program.is_file())
        };
        let found = named.or_else(in_path).map(Self);
        if found.is_none() {
            let is_required = env::var("GOSSIPER_PAGE_TESTS").is_ok_and(|how| how == "required");
            assert!(!is_required, "no chromium in PATH, and CHROMIUM names none");
            let told = "no chromium in PATH, and CHROMIUM names none: the page is not tested";
            let _ = writeln!(std::io::stderr(), "{told}");
        }
        found
    }

    /// Opens a page from a file, lets its scripts run, and gives its elements as text.
    pub(crate) fn dom(&self, page: &Path) -> String {
        let profile = page.with_extension("profile");
        let _ = fs::remove_dir_all(&profile);
        let out = page.with_extension("dom");
        let log = page.with_extension("log");
        let into = |path: &Path| File::create(path).expect("the folder is writable");
        let child = Command::new(&self.0)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
            .args(["--no-first-run", "--disable-background-networking", "--hide-scrollbars"])
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg("--window-size=1400,1000")
            .arg(format!("--virtual-time-budget={BUDGET_MS}"))
            .arg("--dump-dom")
            .arg(format!("file://{}", page.display()))
            .stdin(Stdio::null())
            .stdout(into(&out))
            .stderr(into(&log))
            .process_group(0)
            .spawn()
            .expect("the browser starts");
        let mut running = Running(child);
        let start = Instant::now();
        while running.0.try_wait().expect("it is our child").is_none() {
            assert!(start.elapsed() < PATIENCE, "the browser hangs; see {}", log.display());
            sleep(Duration::from_millis(20));
        }
        drop(running);
        let _ = fs::remove_dir_all(&profile);
        fs::read_to_string(&out).expect("what it printed is text")
    }
}
