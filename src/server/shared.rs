//! What every request may look at.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::admission::{Answer, Endpoint};
use crate::metrics::Metrics;
use crate::telemetry::RateLimit;

use super::body;
use super::fair::Shares;
use super::lanes::Lanes;
use super::limits::Limits;
use super::tls::CertificateStore;

/// Whoever answers reviews: the gate, or in tests something simpler.
pub trait Reviewer: Send + Sync + 'static {
    /// Answers one review. Called from many threads, may be given any bytes, may panic.
    fn answer(&self, endpoint: Endpoint, body: &[u8]) -> Answer;

    /// The policies in use, in one line.
    fn summary(&self) -> String;

    /// What is known of the cluster now, in one line, if anything is.
    fn known(&self) -> Option<String> {
        None
    }

    /// Why the file with facts cannot be used, if it cannot.
    fn facts_fault(&self) -> Option<String> {
        None
    }

    /// What is wrong with the policy files, a line each.
    fn notices(&self) -> Arc<Vec<String>> {
        Arc::default()
    }
}

/// What every request may look at.
pub(super) struct Shared {
    pub(super) reviewer: Arc<dyn Reviewer>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) certificates: Arc<CertificateStore>,
    pub(super) limits: Limits,
    pub(super) lanes: Lanes,
    pub(super) memory: Arc<Shares>,
    pub(super) untrusted_log: RateLimit,
    pub(super) unidentified_log: RateLimit,
}

impl Shared {
    pub(super) fn new(
        reviewer: Arc<dyn Reviewer>,
        metrics: Arc<Metrics>,
        certificates: Arc<CertificateStore>,
        limits: Limits,
    ) -> Self {
        Self {
            reviewer,
            metrics,
            certificates,
            lanes: Lanes::new(limits.in_flight),
            memory: body::memory(&limits),
            limits,
            untrusted_log: RateLimit::new(Duration::from_secs(60)),
            unidentified_log: RateLimit::new(Duration::from_secs(60)),
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Shared")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
