//! `read` of a large set, beside `cat` copying the same bytes.
//!
//! A read need not cost more than a copy of the bytes it lists. `cat` is that copy through the same
//! pipes, from the same feeder to the same reader; it also has to take the bytes in, which a node
//! does not. Reads and copies take turns, each a batch written back to back.

use std::io::ErrorKind;
use std::process::Command;
use std::time::Instant;

use crate::Failure;
use crate::process::Process;
use crate::program::Program;
use crate::settings::Settings;
use crate::stats::{grouped, median, median_ratio};
use crate::workload;

/// Measures reads and copies in turns and prints the table.
pub(crate) fn report(settings: &Settings) -> Result<(), Failure> {
    let mut node = Reader::start(settings)?;
    let reply = node.read_once()?;
    let mut cat = start_cat()?;
    let copies = [reply.as_slice(), b"\n"].concat().repeat(settings.reads_per_batch);
    let (mut read_ms, mut copy_ms) = (Vec::new(), Vec::new());
    for _ in 0..settings.read_batches {
        read_ms.push(node.read_batch()?);
        if let Some(cat) = &mut cat {
            copy_ms.push(copy_batch(cat, &copies, settings.reads_per_batch)?);
        }
    }
    node.process.finish()?;
    if let Some(cat) = cat {
        cat.finish()?;
    }
    print_table(settings, reply.len(), &read_ms, &copy_ms);
    Ok(())
}

/// A node that knows all values.
struct Reader {
    process: Process,
    values: u64,
    reads_per_batch: usize,
    next_id: u64,
}

impl Reader {
    fn start(settings: &Settings) -> Result<Self, Failure> {
        let values = settings.read_values;
        let mut process = Program::Gossiper.start()?;
        process.exchange(&workload::broadcasts(values), values)?;
        let next_id = workload::next_id(values);
        Ok(Self { process, values, reads_per_batch: settings.reads_per_batch, next_id })
    }

    /// The reply to one read, for `cat` to copy.
    fn read_once(&mut self) -> Result<Vec<u8>, Failure> {
        let reply = self.process.ask(&workload::plain("read", self.next_id))?;
        workload::check_read(&reply, self.next_id, self.values)?;
        self.next_id += 1;
        Ok(reply)
    }

    /// Milliseconds for each read of a batch.
    fn read_batch(&mut self) -> Result<f64, Failure> {
        let ids = self.next_id..self.next_id + self.reads_per_batch as u64;
        let input: Vec<u8> = ids.clone().flat_map(|id| workload::plain("read", id)).collect();
        let start = Instant::now();
        let replies = self.process.exchange(&input, self.reads_per_batch as u64)?;
        let elapsed = start.elapsed();
        workload::check_read(&replies.last, ids.end - 1, self.values)?;
        // The other replies can be shorter by no more than the digits of their ids.
        let bytes_min = (replies.last.len() - 40) * self.reads_per_batch;
        if replies.bytes < bytes_min {
            return Err("a read lists fewer values than the one after it".into());
        }
        self.next_id = ids.end;
        Ok(elapsed.as_secs_f64() * 1e3 / self.reads_per_batch as f64)
    }
}

/// Starts `cat`; `None` where there is none.
fn start_cat() -> Result<Option<Process>, Failure> {
    match Command::new("cat").arg("--version").output() {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        _ => Process::spawn("cat", &mut Command::new("cat")).map(Some),
    }
}

/// Milliseconds for each copy of a batch.
fn copy_batch(cat: &mut Process, copies: &[u8], count: usize) -> Result<f64, Failure> {
    let start = Instant::now();
    cat.exchange(copies, count as u64)?;
    Ok(start.elapsed().as_secs_f64() * 1e3 / count as f64)
}

fn print_table(settings: &Settings, reply_bytes: usize, read_ms: &[f64], copy_ms: &[f64]) {
    println!(
        "\nRead of {} values, {} bytes: {} reads in {} batches",
        grouped(settings.read_values as f64),
        grouped(reply_bytes as f64),
        settings.read_batches * settings.reads_per_batch,
        settings.read_batches
    );
    println!("{:<25}{:>16}", "gossiper node", format!("{:.3} ms", median(read_ms)));
    if copy_ms.is_empty() {
        println!("no cat on PATH: the copy is left out");
        return;
    }
    println!("{:<25}{:>16}", "cat of the same bytes", format!("{:.3} ms", median(copy_ms)));
    println!("{:<25}{:>16.2}", "read / copy", median_ratio(read_ms, copy_ms));
}
