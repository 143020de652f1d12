//! The same work on several threads.

use std::thread;

/// Does the work on so many threads, this one among them, and gives what each has done. Work that
/// is shared out is taken from what `work` captures.
///
/// # Panics
///
/// As the work does.
pub(crate) fn on_each<T: Send>(threads: usize, work: impl Fn() -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads).map(|_| scope.spawn(&work)).collect();
        let mut all = vec![work()];
        for helper in helpers {
            all.push(helper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        all
    })
}
