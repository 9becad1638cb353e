//! Standard error behind a bounded queue: a reader that stalls costs log lines, never a request.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::MakeWriter;

/// Lines that may wait for the reader; at about 400 bytes each, 1.6 MB.
const WAITING_LINES: usize = 4096;
/// Lines joined into one write.
const BATCH_BYTES: usize = 64 * 1024;
/// How long the end of the process waits for the last lines.
const FLUSH_PATIENCE: Duration = Duration::from_secs(1);

static DROPPED: AtomicU64 = AtomicU64::new(0);

/// Log lines dropped since the process started.
pub fn dropped_lines() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

pub(super) enum Message {
    Line(Vec<u8>),
    Flush(SyncSender<()>),
}

/// The sending end, from which each event makes its writer.
#[derive(Clone)]
pub(super) struct Queue(SyncSender<Message>);

/// Writes out what is still waiting when it is dropped.
#[derive(Debug)]
pub struct Flush(SyncSender<Message>);

/// Starts the thread that owns `out`.
pub(super) fn spawn(out: impl Write + Send + 'static) -> io::Result<(Queue, Flush)> {
    let (sender, receiver) = sync_channel(WAITING_LINES);
    std::thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || write_all(&receiver, out))?;
    Ok((Queue(sender.clone()), Flush(sender)))
}

fn write_all(receiver: &Receiver<Message>, mut out: impl Write) {
    let mut batch = Vec::with_capacity(BATCH_BYTES);
    while let Ok(first) = receiver.recv() {
        let mut next = Some(first);
        let mut flushed = None;
        while let Some(message) = next {
            match message {
                Message::Line(line) => batch.extend_from_slice(&line),
                Message::Flush(done) => flushed = Some(done),
            }
            next = if batch.len() < BATCH_BYTES && flushed.is_none() {
                receiver.try_recv().ok()
            } else {
                None
            };
        }
        // A closed or full standard error leaves nowhere to complain to.
        let _ = out.write_all(&batch);
        batch.clear();
        batch.shrink_to(BATCH_BYTES);
        if let Some(done) = flushed {
            let _ = out.flush();
            let _ = done.try_send(());
        }
    }
}

impl<'a> MakeWriter<'a> for Queue {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        Line(&self.0)
    }
}

/// Takes one event; the formatter hands it over in a single write.
pub(super) struct Line<'a>(&'a SyncSender<Message>);

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.0.try_send(Message::Line(line.to_vec())).is_err() {
            DROPPED.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        let (done, flushed) = sync_channel(1);
        let until = Instant::now() + FLUSH_PATIENCE;
        while let Err(TrySendError::Full(_)) = self.0.try_send(Message::Flush(done.clone())) {
            if Instant::now() >= until {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = flushed.recv_timeout(until.saturating_duration_since(Instant::now()));
    }
}
