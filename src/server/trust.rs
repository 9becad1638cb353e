//! Whether the API server will accept the certificate that is served.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

use super::pair::{Pair, provider};

/// What is known of whether clients trust the certificate in use. Only who asks the API server can know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Nobody looks: the certificate and the `caBundle` are someone else's to match.
    Unchecked,
    /// The API server's configurations hold its CA; in words.
    Fits(String),
    /// They do not, or nobody knows yet; in words.
    Misfit(String),
}

/// Why a client would refuse a certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nothing to trust.
    #[error("the caBundle holds no certificate that can be read")]
    NoCa,
    /// Not a name that TLS knows.
    #[error("`{0}` is no name of a server")]
    Name(String),
    /// The chain does not lead to the bundle, is outside its time, or is for another name.
    #[error("{0}")]
    Certificate(String),
}

impl Pair {
    /// Whether a client that trusts the CAs of `bundle` (PEM) and dials `name` accepts this certificate at `now`, in
    /// seconds since 1970.
    ///
    /// # Errors
    /// Why it would not.
    pub fn trusted_by(&self, bundle: &[u8], name: &str, now: i64) -> Result<(), Refusal> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(CertificateDer::pem_slice_iter(bundle).filter_map(Result::ok));
        if roots.is_empty() {
            return Err(Refusal::NoCa);
        }
        let server = ServerName::try_from(name).map_err(|_| Refusal::Name(name.to_owned()))?;
        let refused = |error: &dyn std::fmt::Display| Refusal::Certificate(error.to_string());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::new(provider()))
            .build()
            .map_err(|error| refused(&error))?;
        let Some((own, others)) = self.chain().split_first() else {
            return Err(Refusal::Certificate("the chain is empty".to_owned()));
        };
        let since = std::time::Duration::from_secs(u64::try_from(now).unwrap_or_default());
        verifier
            .verify_server_cert(own, others, &server, &[], UnixTime::since_unix_epoch(since))
            .map_err(|error| refused(&error))?;
        Ok(())
    }
}
