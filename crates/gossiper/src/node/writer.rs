//! The thread that writes stdout, so that a slow reader there never keeps the node from reading.

use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// The bytes that may wait to be written. While there are more, the node stops reading: it neither
/// drops an answer nor takes all the memory there is.
const WAITING_BYTES_MAX: usize = 256 * 1024 * 1024;

/// The node's end of the writer.
#[derive(Debug)]
pub(crate) struct Writer {
    shared: Arc<Shared>,
    thread: thread::JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<u8>,
    /// No more will come.
    is_finished: bool,
    failure: Option<io::ErrorKind>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is whole at every moment at which a thread could have died.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    pub(crate) fn start(output: impl Write + Send + 'static) -> Self {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = thread::spawn(move || write_all(output, &theirs));
        Self { shared, thread }
    }

    /// Hands over what is to be written, and leaves `out` empty.
    ///
    /// # Errors
    ///
    /// If something could not be written before; then nothing ever will be.
    pub(crate) fn write(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        if out.is_empty() {
            return Ok(());
        }
        let mut state = self.shared.lock();
        while state.waiting.len() > WAITING_BYTES_MAX && state.failure.is_none() {
            state = self.shared.wait(state);
        }
        if let Some(failure) = state.failure {
            return Err(failure.into());
        }
        if state.waiting.is_empty() {
            mem::swap(&mut state.waiting, out);
        } else {
            state.waiting.append(out);
        }
        drop(state);
        self.shared.changed.notify_one();
        Ok(())
    }

    /// Waits until all is written.
    ///
    /// # Errors
    ///
    /// If not all could be.
    pub(crate) fn finish(self) -> io::Result<()> {
        self.shared.lock().is_finished = true;
        self.shared.changed.notify_one();
        if self.thread.join().is_err() {
            return Err(io::Error::other("the writing thread has died"));
        }
        match self.shared.lock().failure {
            Some(failure) => Err(failure.into()),
            None => Ok(()),
        }
    }
}

fn write_all(mut output: impl Write, shared: &Shared) {
    let mut batch = Vec::new();
    loop {
        let mut state = shared.lock();
        while state.waiting.is_empty() && !state.is_finished {
            state = shared.wait(state);
        }
        if state.waiting.is_empty() {
            return;
        }
        mem::swap(&mut state.waiting, &mut batch);
        drop(state);
        shared.changed.notify_one();
        if let Err(error) = output.write_all(&batch).and_then(|()| output.flush()) {
            shared.lock().failure = Some(error.kind());
            shared.changed.notify_one();
            return;
        }
        batch.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_written_in_order_before_the_end() {
        let (mut reader, pipe) = io::pipe().unwrap();
        let mut writer = Writer::start(pipe);
        let all: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
        // More than a pipe holds, so a writer that waited for its reader would hang here.
        all.chunks(1_000).for_each(|piece| writer.write(&mut piece.to_vec()).unwrap());
        let reading = thread::spawn(move || {
            let mut read = Vec::new();
            io::Read::read_to_end(&mut reader, &mut read).unwrap();
            read
        });
        writer.finish().unwrap();
        assert_eq!(reading.join().unwrap(), all);
    }

    #[test]
    fn a_reader_that_is_gone_is_an_error() {
        let (reader, pipe) = io::pipe().unwrap();
        drop(reader);
        let mut writer = Writer::start(pipe);
        writer.write(&mut b"lost".to_vec()).unwrap();
        assert_eq!(writer.finish().unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
