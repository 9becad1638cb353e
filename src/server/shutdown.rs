//! The end of the server, in steps, and the signals that begin it.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// How far the server's life has come. Never goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Ready.
    Serving,
    /// Not ready, but serving whoever has not yet heard of it; connections are wound up as they answer.
    Draining,
    /// No new connections; idle ones are closed, requests in flight are finished.
    Closing,
    /// What is left is cut.
    Stopped,
}

/// Waits until the server has come at least this far. A server that is gone has stopped.
pub(super) async fn reached(phase: &mut watch::Receiver<Phase>, step: Phase) {
    let _ = phase.wait_for(|now| *now >= step).await;
}

/// SIGTERM, which Kubernetes sends, and SIGINT, which a terminal sends.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Catches the signals from now on, instead of dying of them.
    pub fn catch() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next of them, and says which it was.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
