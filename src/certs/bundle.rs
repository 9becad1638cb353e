//! The CA certificates that the API server shall trust.

use base64::{Engine, prelude::BASE64_STANDARD};
use x509_parser::pem::Pem;

/// One or more certificates, as a webhook's `caBundle` holds them. Several are trusted side by side, which is how one CA
/// replaces another without a gap.
#[derive(Clone, Debug)]
pub struct CaBundle(String);

/// Why a file is not fit to be a `caBundle`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// No PEM block at all.
    #[error("no certificate in it: a CA file has a `-----BEGIN CERTIFICATE-----` block")]
    Empty,
    /// A block of another kind, first of all a private key that would become public.
    #[error("it holds a {0} beside or instead of certificates: give the file with the CA's certificate alone")]
    Other(String),
    /// A block that is damaged.
    #[error("certificate {0} in it cannot be read: {1}")]
    Broken(usize, String),
}

impl CaBundle {
    /// Takes the contents of a PEM file.
    ///
    /// # Errors
    /// When there is no certificate, one that cannot be read, or anything else than certificates.
    pub fn from_pem(text: &str) -> Result<Self, BundleError> {
        let mut count = 0;
        for block in Pem::iter_from_buffer(text.as_bytes()) {
            count += 1;
            let broken = |error: &dyn std::fmt::Display| BundleError::Broken(count, error.to_string());
            let block = block.map_err(|error| broken(&error))?;
            if block.label != "CERTIFICATE" {
                return Err(BundleError::Other(block.label));
            }
            block.parse_x509().map_err(|error| broken(&error))?;
        }
        if count == 0 {
            Err(BundleError::Empty)
        } else {
            Ok(Self(text.to_owned()))
        }
    }

    /// The bundle as the field `caBundle` writes it.
    pub fn base64(&self) -> String {
        BASE64_STANDARD.encode(&self.0)
    }
}
