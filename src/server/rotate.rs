//! The certificate from files that someone else keeps: a new pair takes over by itself, and never a bad one for a good one.

use std::sync::Arc;

use super::pair::{Pair, PairBytes, PairError, PairFiles, unix_now};
use super::tls::CertificateStore;
use super::trust::Trust;
use crate::metrics::Metrics;
use crate::reload::{Digest, Follower, Found, Source, read_settled};
use crate::telemetry::error_chain;

/// A pair of files, and the store that handshakes get their certificate from.
pub(super) struct Rotation {
    files: PairFiles,
    store: Arc<CertificateStore>,
    metrics: Arc<Metrics>,
    /// Whether it has been said that the certificate in use is over.
    told_over: bool,
}

impl Rotation {
    /// Loads the first pair, and follows its files. With `wait`, a store that starts with files that cannot be served is
    /// empty until they can.
    ///
    /// # Errors
    /// Where the files cannot be served, and `wait` is not set.
    pub(super) fn start(
        files: PairFiles,
        wait: bool,
        metrics: Arc<Metrics>,
    ) -> Result<(Follower<Self>, Arc<CertificateStore>), PairError> {
        let (loaded, content) = match read_settled(|| files.read(), PairBytes::digest) {
            Ok((bytes, digest)) => (files.check(&bytes, unix_now()).map(|pair| (pair, digest)), Some(digest)),
            Err(error) => (Err(error), None),
        };
        let store = Arc::new(CertificateStore::empty());
        store.set_trust(Trust::Unchecked);
        let rotation = Self {
            files,
            store: Arc::clone(&store),
            metrics,
            told_over: false,
        };
        match loaded {
            Ok((pair, digest)) => {
                store.swap(pair);
                Ok((Follower::using(rotation, digest), store))
            }
            Err(error) if wait => {
                rotation.tell_broken(&error, true);
                Ok((Follower::without(rotation, content, &error), store))
            }
            Err(error) => Err(error),
        }
    }

    /// Counts it, and says so where it is news.
    fn tell_broken(&self, error: &PairError, news: bool) {
        self.metrics.certificate_reload_failed();
        if !news {
            return;
        }
        let error = error_chain(error);
        if self.store.current().is_some() {
            tracing::error!(
                error,
                "certificate files cannot be served, the former certificate stays in use"
            );
        } else {
            tracing::error!(
                error,
                "certificate files cannot be served: not ready, and nobody can connect, until they can"
            );
        }
    }

    /// Says once when the certificate in use is over, and nobody has renewed it.
    fn watch_end(&mut self) {
        let Some(pair) = self.store.current() else { return };
        let is_over = pair.not_after <= unix_now();
        if is_over && !self.told_over {
            tracing::error!(
                certificate = %self.files.certificate.display(),
                ended = pair.ends(),
                "the certificate in use has ended: not ready, and the API server refuses it, until its files hold a new one"
            );
        }
        self.told_over = is_over;
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
            Found::Broken { error, known } => self.tell_broken(error, !known || asked),
        }
        self.watch_end();
    }
}

#[cfg(test)]
mod tests;
