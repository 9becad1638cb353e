//! The certificate from files that someone else keeps: a new pair takes over by itself, and never a bad one for a good one.

use std::sync::Arc;

use super::pair::{Pair, PairBytes, PairError, PairFiles, unix_now};
use super::tls::CertificateStore;
use crate::metrics::Metrics;
use crate::reload::{Digest, Follower, Found, Source, read_settled};
use crate::telemetry::error_chain;

/// A pair of files, and the store that handshakes get their certificate from.
pub(super) struct Rotation {
    files: PairFiles,
    store: Arc<CertificateStore>,
    metrics: Arc<Metrics>,
}

impl Rotation {
    /// Loads the first pair, and follows its files.
    pub(super) fn start(
        files: PairFiles,
        metrics: Arc<Metrics>,
    ) -> Result<(Follower<Self>, Arc<CertificateStore>), PairError> {
        let (bytes, digest) = read_settled(|| files.read(), PairBytes::digest)?;
        let store = Arc::new(CertificateStore::new(files.check(&bytes, unix_now())?));
        let rotation = Self {
            files,
            store: Arc::clone(&store),
            metrics,
        };
        Ok((Follower::using(rotation, digest), store))
    }
}

impl Source for Rotation {
    type Content = PairBytes;
    type Taken = Arc<Pair>;
    type Error = PairError;

    fn read(&self) -> Result<PairBytes, PairError> {
        self.files.read()
    }

    fn digest(bytes: &PairBytes) -> Digest {
        bytes.digest()
    }

    fn take(&mut self, bytes: PairBytes) -> Result<Arc<Pair>, PairError> {
        let pair = Arc::new(self.files.check(&bytes, unix_now())?);
        self.store.swap(Arc::clone(&pair));
        Ok(pair)
    }

    fn report(&mut self, found: &Found<Arc<Pair>, PairError>, asked: bool) {
        match found {
            Found::Same if asked => tracing::info!("SIGHUP: the certificate files are as they were"),
            Found::Same | Found::Unsettled => {}
            Found::New(pair) => {
                self.metrics.certificate_reloaded();
                self.metrics.certificate(pair.not_before, pair.not_after);
                tracing::info!(ends = pair.ends(), "certificate replaced");
            }
            Found::Mended => tracing::info!("the certificate files hold again the pair in use"),
            Found::Broken { error, known } => {
                self.metrics.certificate_reload_failed();
                if !known || asked {
                    tracing::error!(
                        error = error_chain(error),
                        "certificate files cannot be served, the former certificate stays in use"
                    );
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
