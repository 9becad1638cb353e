//! A certificate with its key: read from PEM files, or made in memory.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use sha2::{Digest as _, Sha256};

use crate::files::{Bounded, bounded};

/// No certificate chain or key is larger, in bytes; a file that is was named by mistake.
const FILE_BYTES: u64 = 1 << 20;
/// The life of a certificate made in memory. It ends with the process in any case.
const IN_MEMORY_DAYS: u64 = 365;
/// Clocks of one cluster differ by less.
const CLOCK_SKEW: i64 = 300;

/// Why a certificate and its key cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// The file could not be read.
    #[error("reading {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file is larger than any certificate or key.
    #[error("reading {}: more than 1 MiB, so neither a certificate nor a key", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// Not the PEM block that belongs there.
    #[error("reading {}: {seen}; expected a PEM block `-----BEGIN {expected}-----`", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What was found.
        seen: String,
        /// The block's name.
        expected: &'static str,
    },
    /// The first certificate of the file is not an X.509 certificate.
    #[error("reading {}: its first certificate is broken: {reason}", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        reason: String,
    },
    /// The key is of a kind that TLS does not use, or broken.
    #[error("reading {}: the key cannot be used: {reason}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What the crypto provider said.
        reason: String,
    },
    /// Certificate and key belong to different pairs.
    #[error(
        "pairing {} with {}: the key does not belong to the first certificate; a chain starts with the server's own",
        certificate.display(),
        key.display()
    )]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// The certificate's time is over.
    #[error("reading {}: the certificate ended at {ended}; renew it, or set this machine's clock", path.display())]
    Expired {
        /// The file.
        path: PathBuf,
        /// The end, in RFC 3339.
        ended: String,
    },
    /// The certificate's time has not come.
    #[error("reading {}: the certificate starts at {starts}; is this machine's clock behind?", path.display())]
    NotYetValid {
        /// The file.
        path: PathBuf,
        /// The start, in RFC 3339.
        starts: String,
    },
    /// No certificate could be made in memory.
    #[error("making a certificate in memory")]
    InMemory(#[from] rcgen::Error),
    /// The certificate that was made in memory cannot be used.
    #[error("using the certificate made in memory")]
    InMemoryKey(#[source] rustls::Error),
}

/// Where a certificate chain and its key are kept, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairFiles {
    /// The server's certificate first, then those that lead to its CA.
    pub certificate: PathBuf,
    /// The key of the first certificate: PKCS#8, PKCS#1 or SEC1, not encrypted.
    pub key: PathBuf,
}

/// The bytes of both files, as they were at one moment.
pub struct PairBytes {
    /// The certificate chain, in PEM.
    pub certificate: Vec<u8>,
    /// The key, in PEM.
    pub key: Vec<u8>,
}

impl PairBytes {
    /// Tells two states of the files apart without keeping the key's bytes.
    pub(super) fn digest(&self) -> [u8; 32] {
        let length = u64::try_from(self.certificate.len()).unwrap_or(u64::MAX);
        let hash = Sha256::new().chain_update(length.to_be_bytes());
        hash.chain_update(&self.certificate)
            .chain_update(&self.key)
            .finalize()
            .into()
    }
}

/// A certificate chain with its key, ready to be served.
#[derive(Clone, Debug)]
pub struct Pair {
    pub(super) key: Arc<CertifiedKey>,
    /// The first second of the certificate's life, since 1970.
    pub not_before: i64,
    /// The first second after the certificate's life, since 1970.
    pub not_after: i64,
}

impl PairFiles {
    /// Reads both files as they are now, through any symlinks. A mounted Secret may be exchanged between the two
    /// reads: the pair then does not fit, and the next look finds the new one.
    pub(super) fn read(&self) -> Result<PairBytes, PairError> {
        Ok(PairBytes {
            certificate: read(&self.certificate)?,
            key: read(&self.key)?,
        })
    }

    /// Reads both files and checks that they can be served now.
    pub fn load(&self) -> Result<Pair, PairError> {
        self.check(&self.read()?, unix_now())
    }

    /// Turns bytes into a pair that can be served at `now`, in seconds since 1970. The bytes need not come from files: in
    /// errors their names stand for the two parts.
    ///
    /// # Errors
    /// Why they cannot be served.
    pub fn check(&self, bytes: &PairBytes, now: i64) -> Result<Pair, PairError> {
        let chain = self.chain(&bytes.certificate)?;
        let broken = |reason: String| PairError::Certificate {
            path: self.certificate.clone(),
            reason,
        };
        let first = chain.first().ok_or_else(|| broken("the chain is empty".to_owned()))?;
        let (_, parsed) = x509_parser::parse_x509_certificate(first).map_err(|error| broken(error.to_string()))?;
        let (starts, ends) = (
            parsed.validity().not_before.timestamp(),
            parsed.validity().not_after.timestamp(),
        );
        let key = PrivateKeyDer::from_pem_slice(&bytes.key).map_err(|error| PairError::Pem {
            path: self.key.clone(),
            seen: describe(&bytes.key, &error),
            expected: "PRIVATE KEY",
        })?;
        let key = CertifiedKey::from_der(chain, key, &provider()).map_err(|error| self.key_error(&error))?;
        if ends <= now {
            return Err(PairError::Expired {
                path: self.certificate.clone(),
                ended: rfc3339(ends),
            });
        }
        if starts > now.saturating_add(CLOCK_SKEW) {
            return Err(PairError::NotYetValid {
                path: self.certificate.clone(),
                starts: rfc3339(starts),
            });
        }
        Ok(Pair {
            key: Arc::new(key),
            not_before: starts,
            not_after: ends,
        })
    }

    fn chain(&self, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, PairError> {
        let wrong = |seen| PairError::Pem {
            path: self.certificate.clone(),
            seen,
            expected: "CERTIFICATE",
        };
        let chain: Vec<_> = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|error| wrong(describe(pem, &error)))?;
        if chain.is_empty() {
            Err(wrong(describe(pem, &rustls::pki_types::pem::Error::NoItemsFound)))
        } else {
            Ok(chain)
        }
    }

    fn key_error(&self, error: &rustls::Error) -> PairError {
        match error {
            rustls::Error::InconsistentKeys(_) => PairError::Mismatch {
                certificate: self.certificate.clone(),
                key: self.key.clone(),
            },
            other => PairError::Key {
                path: self.key.clone(),
                reason: other.to_string(),
            },
        }
    }
}

/// Says what a file holds instead, and never quotes it: it may be half a key.
fn describe(pem: &[u8], error: &rustls::pki_types::pem::Error) -> String {
    use rustls::pki_types::pem::Error;
    if pem.iter().all(u8::is_ascii_whitespace) {
        return "the file is empty".to_owned();
    }
    match error {
        Error::MissingSectionEnd { .. } => "a PEM block has no end, the file may be half-written".to_owned(),
        Error::Base64Decode(_) => "a PEM block is not base64".to_owned(),
        Error::IllegalSectionStart { .. } => "a PEM block has a broken first line".to_owned(),
        _ if contains(pem, b"ENCRYPTED PRIVATE KEY") => "the key is encrypted, decrypt it first".to_owned(),
        _ if contains(pem, b"PRIVATE KEY-----") => "the file holds a key".to_owned(),
        _ if contains(pem, b"BEGIN CERTIFICATE-----") => "the file holds a certificate".to_owned(),
        _ => "the file holds no such thing".to_owned(),
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

fn read(path: &Path) -> Result<Vec<u8>, PairError> {
    let read = |source| PairError::Read {
        path: path.to_owned(),
        source,
    };
    let Bounded { bytes, is_cut } = File::open(path)
        .and_then(|file| bounded(file, FILE_BYTES))
        .map_err(read)?;
    if is_cut {
        return Err(PairError::TooLarge { path: path.to_owned() });
    }
    Ok(bytes)
}

impl Pair {
    /// A certificate for this machine alone, signed by itself: ECDSA over P-256, for `localhost`, `127.0.0.1` and
    /// `::1`. Its key exists nowhere but in this process.
    pub fn in_memory() -> Result<Self, PairError> {
        let names = [
            "localhost".to_owned(),
            Ipv4Addr::LOCALHOST.to_string(),
            Ipv6Addr::LOCALHOST.to_string(),
        ];
        let mut parameters = rcgen::CertificateParams::new(names)?;
        let now = SystemTime::now();
        parameters.not_before = (now - Duration::from_secs(3600)).into();
        parameters.not_after = (now + Duration::from_secs(IN_MEMORY_DAYS * 86_400)).into();
        parameters
            .distinguished_name
            .push(rcgen::DnType::CommonName, "raygate on this machine");
        parameters
            .extended_key_usages
            .push(rcgen::ExtendedKeyUsagePurpose::ServerAuth);
        let not_before = parameters.not_before.unix_timestamp();
        let not_after = parameters.not_after.unix_timestamp();
        let key = rcgen::KeyPair::generate()?;
        let certificate = parameters.self_signed(&key)?;
        let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let key = CertifiedKey::from_der(vec![certificate.der().clone()], der, &provider())
            .map_err(PairError::InMemoryKey)?;
        Ok(Self {
            key: Arc::new(key),
            not_before,
            not_after,
        })
    }

    /// The end of the certificate's life, in RFC 3339.
    pub fn ends(&self) -> String {
        rfc3339(self.not_after)
    }

    /// The certificate chain in DER, the server's own certificate first.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.key.cert
    }
}

/// The one place that names the cryptography in use.
pub(super) fn provider() -> CryptoProvider {
    rustls::crypto::aws_lc_rs::default_provider()
}

/// Seconds since 1970; zero on a machine whose clock stands before it.
pub fn unix_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

fn rfc3339(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| format!("second {seconds}"), |time| time.to_string())
}

#[cfg(test)]
mod tests;
