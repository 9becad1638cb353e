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

/// One CA certificate of a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaCertificate {
    /// The certificate, written anew: the same certificate is the same text, whatever stood around it.
    pub pem: String,
    /// The last second of its life, since 1970.
    pub not_after: i64,
}

impl CaCertificate {
    /// The CA certificates of a PEM text, in order, each once. What cannot be read, or is no CA, is left out: it could not
    /// be trusted anyway.
    pub fn all(text: &[u8]) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        for block in Pem::iter_from_buffer(text).flatten() {
            let Ok(certificate) = block.parse_x509() else { continue };
            let one = Self {
                pem: to_pem(&block.contents),
                not_after: certificate.validity().not_after.timestamp(),
            };
            if certificate.is_ca() && !found.contains(&one) {
                found.push(one);
            }
        }
        found
    }
}

fn to_pem(der: &[u8]) -> String {
    let base64 = BASE64_STANDARD.encode(der);
    let mut pem = "-----BEGIN CERTIFICATE-----\n".to_owned();
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}
