//! Standard error behind a bounded queue: a reader that stalls costs log lines, never a request.

use std::io::{BufWriter, Write};
use std::sync::OnceLock;

use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};

/// Lines that may wait for the reader; at about 400 bytes each, 1.6 MB.
const WAITING_LINES: usize = 4096;
/// Lines joined into one write.
const BATCH_BYTES: usize = 64 * 1024;

static DROPPED: OnceLock<ErrorCounter> = OnceLock::new();

/// Log lines dropped since the process started.
pub fn dropped_lines() -> u64 {
    DROPPED
        .get()
        .map_or(0, |dropped| u64::try_from(dropped.dropped_lines()).unwrap_or(u64::MAX))
}

/// Starts the thread that owns `out`. It joins the lines that wait into one write and never keeps one back. The guard
/// waits at its end about a second for the last lines.
pub(super) fn spawn(out: impl Write + Send + 'static) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default()
        .buffered_lines_limit(WAITING_LINES)
        .lossy(true)
        .thread_name("log")
        .finish(BufWriter::with_capacity(BATCH_BYTES, out))
}

/// Counts the lines that this writer drops as those of the process.
pub(super) fn count(queue: &NonBlocking) {
    let _ = DROPPED.set(queue.error_counter());
}
