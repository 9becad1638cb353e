//! Takes over a new certificate from its files, and never gives up a good one for a bad one.
//!
//! The files are polled, not watched: a mounted Secret changes by exchanging the symlink `..data`, after which a watch
//! on the old file sees nothing any more, and two small reads every few seconds cost nothing.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::pair::{Pair, PairError, PairFiles, unix_now};
use super::shutdown::{Phase, reached};
use super::tls::CertificateStore;
use crate::metrics::Metrics;

/// What one look at the files found.
#[derive(Debug)]
pub(super) enum Found {
    /// What is being served already.
    Same,
    /// A pair that took the former one's place.
    New(Arc<Pair>),
    /// Nothing to serve, for the first time: a writer may be half-way, so nobody is told yet.
    Suspect(PairError),
    /// Nothing to serve, again.
    Broken {
        error: PairError,
        /// Whether the same was reported before.
        known: bool,
    },
}

/// Follows a pair of files.
pub(super) struct Rotation {
    files: PairFiles,
    store: Arc<CertificateStore>,
    /// Digest of the files behind the pair in use.
    served: [u8; 32],
    suspect: Option<String>,
    reported: Option<String>,
}

impl Rotation {
    /// Loads the first pair.
    pub(super) fn start(files: PairFiles) -> Result<(Self, Arc<CertificateStore>), PairError> {
        let bytes = files.read()?;
        let store = Arc::new(CertificateStore::new(files.check(&bytes, unix_now())?));
        let rotation = Self {
            files,
            store: Arc::clone(&store),
            served: bytes.digest(),
            suspect: None,
            reported: None,
        };
        Ok((rotation, store))
    }

    /// Looks at the files once. Reads them, so not on an async worker.
    pub(super) fn look(&mut self) -> Found {
        match self.load() {
            Ok(found) => {
                self.suspect = None;
                self.reported = None;
                found
            }
            Err(error) => {
                let text = error_chain(&error);
                let known = self.reported.as_ref() == Some(&text);
                if known || self.suspect.as_ref() == Some(&text) {
                    self.reported = Some(text);
                    Found::Broken { error, known }
                } else {
                    self.suspect = Some(text);
                    Found::Suspect(error)
                }
            }
        }
    }

    fn load(&mut self) -> Result<Found, PairError> {
        let bytes = self.files.read()?;
        let digest = bytes.digest();
        if digest == self.served {
            return Ok(Found::Same);
        }
        self.store.swap(self.files.check(&bytes, unix_now())?);
        self.served = digest;
        Ok(Found::New(self.store.current()))
    }
}

/// Looks at the files in each period until the server closes.
pub(super) async fn follow(
    mut rotation: Rotation,
    period: std::time::Duration,
    metrics: Arc<Metrics>,
    mut phase: watch::Receiver<Phase>,
) {
    let mut ticks = interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = reached(&mut phase, Phase::Closing) => return,
        }
        let looked = tokio::task::spawn_blocking(move || {
            let found = rotation.look();
            (rotation, found)
        });
        let Ok((back, found)) = looked.await else { return };
        rotation = back;
        report(&found, &metrics);
    }
}

fn report(found: &Found, metrics: &Metrics) {
    match found {
        Found::Same => {}
        Found::New(pair) => {
            metrics.certificate_reloaded();
            metrics.certificate_ends(pair.not_after);
            tracing::info!(ends = pair.ends(), "certificate replaced");
        }
        Found::Suspect(error) => tracing::debug!(error = error_chain(error), "certificate files are not ready"),
        Found::Broken { error, known } => {
            metrics.certificate_reload_failed();
            if !known {
                tracing::error!(
                    error = error_chain(error),
                    "certificate files cannot be served, the former certificate stays in use"
                );
            }
        }
    }
}

/// An error with its causes, in one line.
pub(super) fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests;
